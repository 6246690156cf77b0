"""Where every figure of a build comes from, in one record that each file carries."""

from __future__ import annotations

from typing import Any

from fragilite import __version__
from fragilite.ingestion.catalogue import load_sources
from fragilite.pipeline import Build


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
        "geographie": f"Communes au 1er janvier {build.inputs.annee}",
        "indicateurs_comptes": build.result.scores.scored,
        "indicateurs_retires": build.withdrawn,
        "sources": sources(build),
        "usage": build.method.lecture.usage,
        "non_usage": build.method.lecture.non_usage,
    }


def sources(build: Build) -> list[dict[str, str]]:
    """One record per vintage of a source, then the frame's."""
    records = []
    for lot in build.inputs.lots:
        source = lot.record
        records.append(
            {
                "source": lot.source,
                "editeur": source.editeur,
                "titre": source.titre,
                "millesime": lot.millesime,
                "geographie": str(lot.cog),
                "adresse": source.page,
                "donnees_au": lot.donnees_au,
                "publie_le": lot.publie_le,
                "releve_le": lot.releve_le,
                "origine": lot.origine,
                "fichier": lot.fichier,
                "sha256": lot.sha256,
                "licence": source.licence,
                "attribution": source.attribution,
                "note": lot.note,
            }
        )
    released = max((lot.releve_le for lot in build.inputs.lots), default="")
    for key, cog in (("territoires", "2026"), ("contours", "2025")):
        source = load_sources()[key]
        records.append(
            dict.fromkeys(records[0] if records else (), "")
            | {
                "source": key,
                "editeur": source.editeur,
                "titre": source.titre,
                "millesime": cog,
                "geographie": cog,
                "adresse": source.page,
                "releve_le": released,
                "origine": "livré avec fragilite",
                "licence": source.licence,
                "attribution": source.attribution,
            }
        )
    return records


def as_of(build: Build) -> str:
    """ISO date of the newest figures read: the only date written in files, so that they repeat."""
    return max(lot.releve_le for lot in build.inputs.lots)
