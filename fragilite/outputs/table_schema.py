"""Table Schema of the CSV files: in the data package, and alone for data.gouv.fr and Validata."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fragilite.dictionary import Column
from fragilite.french import upper_first
from fragilite.levels import LEVELS
from fragilite.pipeline import COMMUNE, Build
from fragilite.provenance import as_of, provenance

if TYPE_CHECKING:
    from fragilite.ingestion.lots import Lot
    from fragilite.trend import Trend

#: What a portal files the data under.
KEYWORDS = ["fragilité numérique", "inclusion numérique", "commune", "EPCI"]
#: How the CSV and that of French Excel write a boolean.
BOOLEANS = (("false", "true"), ("non", "oui"))
LICENCES = {
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
#: Open Definition's word for a licence that is not known: that of a file given by the user.
UNSPECIFIED = "notspecified"


def write(build: Build, path: Path) -> None:
    """Describe ``fragilite_49.csv`` alone, with the keys that schema.data.gouv.fr shows.

    Neither ``homepage`` nor ``path``: the program does not know where its user publishes. Both
    dates are that of the newest figures, so that two runs give the same bytes.
    """
    header, level = build.method.methode, LEVELS[build.niveau]
    described = {
        "name": f"{build.nom.replace('_', '-')}-communes".removesuffix(
            "" if build.niveau == COMMUNE else "-communes"
        ),
        "title": f"{header.libelle} : {level.plusieurs}, {build.inputs.territory.libelle}",
        "description": f"{header.description} {build.method.lecture.usage} "
        f"{build.method.lecture.non_usage}",
        "keywords": KEYWORDS,
        "countryCode": "FR",
        "version": header.version,
        "created": as_of(build),
        "lastModified": as_of(build),
        "contributors": [{"title": provenance(build)["programme"], "role": "author"}],
        "licenses": licences(build),
        "sources": sources(build),
        "resources": [
            {"title": f"{upper_first(level.plusieurs)} (CSV)", "path": f"{build.nom}.csv"}
        ],
    }
    schema = described | table_schema(build, build.communes, level.cle)
    path.write_text(json.dumps(schema, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def licences(build: Build, earlier: Iterable[Lot] = ()) -> list[dict[str, str]]:
    """Licences of the figures of a build, and of the earlier ones of a trend."""
    names = {lot.record.licence for lot in [*build.inputs.lots, *earlier]}
    return [LICENCES.get(name, {"name": UNSPECIFIED, "title": name}) for name in sorted(names)]


def sources(build: Build, earlier: Iterable[Lot] = ()) -> list[dict[str, str]]:
    """Who to cite for the figures of a build, and where they are described."""
    return [
        {"title": f"{lot.record.attribution}, {lot.millesime}"}
        | ({"path": lot.record.page} if lot.record.page else {})
        for lot in [*build.inputs.lots, *earlier]
    ]


def changes_schema(trend: Trend) -> dict[str, Any]:
    """Fields of the table of changes, and its key: a place, a figure and the earlier vintage."""
    from fragilite.trend.tables import columns, tidy

    table = tidy(trend)
    return {
        "fields": [
            _field(one, table[name], "", excel=False) for name, one in columns(trend).items()
        ],
        "primaryKey": ["niveau", "code", "indicateur", "millesime_avant"],
        "missingValues": [""],
    }


def table_schema(
    build: Build, table: pd.DataFrame, key: str, *, excel: bool = False
) -> dict[str, Any]:
    """Fields of a table, its key and what stands for a missing value.

    Parameters
    ----------
    build : Build
    table : DataFrame
        The communes or the EPCI of the build.
    key : str
        Its primary key.
    excel : bool
        Written for French Excel: decimal comma, « oui » and « non ».
    """
    return {
        "fields": [
            _field(build.columns[str(name)], table[name], key, excel=excel) for name in table
        ],
        "primaryKey": key,
        "missingValues": [""],
    }


def _field(column: Column, values: pd.Series, key: str, *, excel: bool) -> dict[str, Any]:
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
    if column.type == "boolean":
        field |= {"trueValues": [BOOLEANS[excel][True]], "falseValues": [BOOLEANS[excel][False]]}
    known = values[values.notna() & values.ne("").fillna(True)]  # whole: 50 000 IRIS have no rule
    first = known.iloc[0] if len(known) else None
    if first is not None and "decimalChar" not in field:  # frictionless reads it with a point
        field["example"] = _example(column, first, excel=excel)
    return field | ({"constraints": found} if (found := _constraints(column, key)) else {})


def _example(column: Column, value: Any, *, excel: bool) -> str:
    """A value as the CSV files write it."""
    if column.type == "boolean":
        return BOOLEANS[excel][bool(value)]
    if column.type == "string":
        return str(value)
    shown = round(float(value), column.decimales)
    return str(int(shown)) if column.decimales == 0 else str(shown)


def _constraints(column: Column, key: str) -> dict[str, Any]:
    """What every cell respects."""
    found: dict[str, Any] = {"required": True, "unique": True} if column.nom == key else {}
    if column.motif:
        found["pattern"] = f"^({column.motif})$"
    if column.valeurs:
        found["enum"] = list(column.valeurs)
    bounds = {"minimum": column.minimum, "maximum": column.maximum}
    return found | {name: value for name, value in bounds.items() if value is not None}
