"""Frictionless data package: schema, sources, licences and digests of the files of a build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fragilite.french import upper_first
from fragilite.levels import LEVELS
from fragilite.outputs.table_schema import KEYWORDS, changes_schema, licences, sources, table_schema
from fragilite.pipeline import COMMUNE, Build
from fragilite.provenance import provenance, source_records

if TYPE_CHECKING:
    from fragilite.trend import Trend

_MEDIATYPES = {
    ".csv": "text/csv",
    ".csvt": "text/plain",
    ".parquet": "application/vnd.apache.parquet",
    ".gpkg": "application/geopackage+sqlite3",
    ".html": "text/html",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".qml": "application/xml",
}
#: What each file is for, by the end of its name.
_TITLES = {
    ".parquet": "Communes, contours et indice, pour les chercheurs",
    ".qml": "Style du GeoParquet dans QGIS : couleurs, étiquettes, alias ; à garder à côté de lui",
    ".csv": "Communes, pour les programmes et les portails de données",
    ".csvt": "Types des colonnes du CSV, pour QGIS",
    ".schema.json": "Schéma du CSV des communes, pour data.gouv.fr",
    "_excel.csv": "Communes, pour un tableur français",
    ".xlsx": "Classeur : communes, EPCI, dictionnaire et sources",
    ".gpkg": "Communes et EPCI, contours et indice, déjà en couleurs dans QGIS",
    ".html": "Page pour une réunion : carte, tableau, fiche de chaque commune",
    "_epci.csv": "EPCI, recalculés",
    "_changement.csv": "Ce qui a changé depuis un millésime antérieur, avec son intervalle",
}


def write(build: Build, files: Iterable[Path], path: Path, trend: Trend | None = None) -> None:
    """Describe the files of a build. No date of writing: two runs give the same bytes."""
    header, facts = build.method.methode, provenance(build)
    earlier = trend.sources if trend else ()
    facts["sources"] += source_records(earlier)
    package = {
        "profile": "data-package",
        "name": build.nom.replace("_", "-"),
        "title": f"{header.libelle} : {build.inputs.territory.libelle}"
        + ("" if build.niveau == COMMUNE else f", par {LEVELS[build.niveau].un}"),
        "description": f"{header.description} {build.method.lecture.usage} "
        f"{build.method.lecture.non_usage}",
        "version": header.version,
        "keywords": KEYWORDS,
        "licenses": licences(build, earlier),
        "sources": sources(build, earlier),
        "resources": [_resource(build, file, trend) for file in files],
        "fragilite": facts,
    }
    path.write_text(json.dumps(package, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _resource(build: Build, file: Path, trend: Trend | None) -> dict[str, Any]:
    """A file, with its schema if it is a table; any other is a file, which nothing opens."""
    content = file.read_bytes()
    resource: dict[str, Any] = {
        "name": _name(file.name),
        "path": file.name,
        "title": _title(build, file),
        "format": file.suffix[1:],
        "mediatype": _MEDIATYPES[file.suffix],
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if file.suffix != ".csv":
        return resource | {"type": "file"}
    excel = file.stem.endswith("_excel")
    epci = build.niveau == COMMUNE and file.stem.endswith("_epci")
    key = LEVELS[build.niveau].cle
    changes = trend is not None and file.stem == f"{build.nom}_changement"
    return resource | {
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "dialect": {
            "delimiter": ";" if excel else ",",
            "lineTerminator": "\r\n" if excel else "\n",
        },
        "schema": changes_schema(trend)
        if trend is not None and changes
        else table_schema(build, build.epci, "code_epci")
        if epci
        else table_schema(build, build.communes, key, excel=excel) | _to_epci(build),
    }


def _title(build: Build, file: Path) -> str:
    """What a file is for, in the words of the level of its rows."""
    title = _TITLES.get(file.name.removeprefix(build.nom), file.name)
    several = LEVELS[build.niveau].plusieurs
    if build.niveau == COMMUNE:
        return title
    for words in ("Communes et EPCI", "communes, EPCI", "Communes", "communes"):
        said = several if words[0] == "c" else upper_first(several)
        title = title.replace(words, said)
    return title


def _to_epci(build: Build) -> dict[str, Any]:
    """Each commune's EPCI is in the table of EPCI, which is always written."""
    if build.niveau != COMMUNE:
        return {}
    there = {"resource": _name(f"{build.nom}_epci.csv"), "fields": "code_epci"}
    return {"foreignKeys": [{"fields": "code_epci", "reference": there}]}


def _name(file: str) -> str:
    """Name of a resource: letters, digits and hyphens."""
    return file.replace(".", "-").replace("_", "-").lower()
