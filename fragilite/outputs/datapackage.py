"""Frictionless data package: schema, sources, licences and digests of the files of a build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fragilite.dictionary import Column
from fragilite.pipeline import Build
from fragilite.provenance import provenance

_MEDIATYPES = {
    ".csv": "text/csv",
    ".csvt": "text/plain",
    ".parquet": "application/vnd.apache.parquet",
    ".gpkg": "application/geopackage+sqlite3",
}
_LICENCES = {
    "Licence Ouverte 2.0": {
        "name": "etalab-2.0",
        "title": "Licence Ouverte 2.0",
        "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    },
    "ODbL 1.0": {
        "name": "ODbL-1.0",
        "title": "Open Data Commons Open Database License 1.0",
        "path": "https://opendatacommons.org/licenses/odbl/1-0/",
    },
}


def write(build: Build, files: Iterable[Path], path: Path) -> None:
    """Describe the files of a build. No date of writing: two runs give the same bytes."""
    header, facts = build.method.methode, provenance(build)
    lots = facts["sources"]
    package = {
        "profile": "data-package",
        "name": build.nom.replace("_", "-"),
        "title": f"{header.libelle} : {build.inputs.territory.libelle}",
        "description": f"{header.description} {build.method.lecture.usage} "
        f"{build.method.lecture.non_usage}",
        "version": header.version,
        "keywords": ["fragilité numérique", "inclusion numérique", "commune", "EPCI"],
        "licenses": [_LICENCES[name] for name in sorted({lot["licence"] for lot in lots})],
        "sources": [
            {
                "title": f"{source['attribution']}, {source['millesime']}",
                "path": source["adresse"],
            }
            for source in lots
        ],
        "resources": [_resource(build, file) for file in files],
        "fragilite": facts,
    }
    path.write_text(json.dumps(package, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _resource(build: Build, file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    resource: dict[str, Any] = {
        "name": file.name.replace(".", "-").replace("_", "-").lower(),
        "path": file.name,
        "format": file.suffix[1:],
        "mediatype": _MEDIATYPES[file.suffix],
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if file.suffix != ".csv":
        return resource
    excel, epci = file.stem.endswith("_excel"), file.stem.endswith("_epci")
    table = build.epci if epci else build.communes
    key = "code_epci" if epci else "code_insee"
    return resource | {
        "profile": "tabular-data-resource",
        "encoding": "utf-8",
        "dialect": {
            "delimiter": ";" if excel else ",",
            "lineTerminator": "\r\n" if excel else "\n",
        },
        "schema": {
            "fields": [_field(build.columns[str(name)], excel=excel) for name in table.columns],
            "primaryKey": key,
            "missingValues": [""],
        },
    }


def _field(column: Column, *, excel: bool) -> dict[str, Any]:
    whole = column.type == "number" and column.decimales == 0
    field: dict[str, Any] = {
        "name": column.nom,
        "type": "integer" if whole else column.type,
        "title": column.libelle,
        "description": column.description,
        "unit": column.unite,
        "source": column.source,
    }
    if column.type == "number" and not whole and excel:
        field["decimalChar"] = ","
    if column.type == "boolean" and excel:
        field |= {"trueValues": ["oui"], "falseValues": ["non"]}
    constraints: dict[str, Any] = {}
    if column.nom == "code_insee":
        constraints = {"required": True, "unique": True, "pattern": r"^(\d{2}|2[AB])\d{3}$"}
    bounds = {"minimum": column.minimum, "maximum": column.maximum}
    constraints |= {name: value for name, value in bounds.items() if value is not None}
    return field | ({"constraints": constraints} if constraints else {})
