"""Where every figure of a build comes from, in one record that each file carries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fragilite import __version__
from fragilite.distribution import france
from fragilite.ingestion.lots import Lot
from fragilite.pipeline import Build, class_warnings


def provenance(build: Build) -> dict[str, Any]:
    """Method, geography, sources and program of a build, ready for JSON."""
    header = build.method.methode
    return {
        "programme": f"fragilite {__version__}",
        "methode": {
            "code": header.code,
            "version": header.version,
            "sha256": build.method.sha256,
        },
        "territoire": build.inputs.territory.libelle,
        "geographie": f"Communes au 1er janvier {build.inputs.annee}",
        "indicateurs_comptes": build.result.scores.scored,
        "indicateurs_retires": build.withdrawn,
        "avertissements": class_warnings(build),
        "volume": build.columns["personnes_a_accompagner"].description,
        "incertitude": _uncertainty(build),
        "sources": source_records(build.inputs.lots),
        "usage": build.method.lecture.usage,
        "non_usage": build.method.lecture.non_usage,
    }


def _uncertainty(build: Build) -> dict[str, Any] | None:
    """What was drawn, so that another can draw it again; None where nothing was."""
    rules = build.method.incertitude
    if build.uncertainty is None or rules is None:
        return None
    return {
        "tirages": rules.tirages,
        "graine": rules.graine,
        "donnees": rules.donnees.model_dump(exclude={"raison", "reference"}),
        "methode": rules.methode.model_dump(exclude={"raison", "reference"}),
        "lecture": rules.lecture.model_dump(exclude={"raison", "reference"}),
        "distribution_nationale": france().libelle,
        "remarques": build.uncertainty.remarques,
    }


def source_records(lots: Iterable[Lot]) -> list[dict[str, str]]:
    """One record per vintage: publisher, data set, geography, dates, licence, digest."""
    return [
        {
            "source": lot.source,
            "editeur": lot.record.editeur,
            "titre": lot.record.titre,
            "millesime": lot.millesime,
            "geographie": str(lot.cog),
            "adresse": lot.record.page,
            "donnees_au": lot.donnees_au,
            "publie_le": lot.publie_le,
            "releve_le": lot.releve_le,
            "origine": lot.origine,
            "fichier": lot.fichier,
            "sha256": lot.sha256,
            "licence": lot.record.licence,
            "attribution": lot.record.attribution,
            "cadence": lot.record.cadence,
            "note": lot.note,
        }
        for lot in lots
    ]


def as_of(build: Build) -> str:
    """ISO date of the newest figures read: the only date written in files, so that they repeat."""
    return max(lot.releve_le for lot in build.inputs.lots)
