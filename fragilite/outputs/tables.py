"""CSV files: for scripts, for French Excel, and the table of EPCI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fragilite.dictionary import Column
from fragilite.pipeline import Build

if TYPE_CHECKING:
    from fragilite.trend import Trend

#: OGR's types, for the .csvt that keeps QGIS from reading 01001 as 1001.
_CSVT = {"string": "String", "integer": "Integer", "number": "Real", "boolean": "String"}


def rounded(table: pd.DataFrame, columns: dict[str, Column]) -> pd.DataFrame:
    """The table as text files show it: declared decimals, whole numbers without a point."""
    shown = {}
    for name in table.columns:
        column = columns[str(name)]
        values = table[name]
        if column.type == "number":
            values = values.round(column.decimales) + 0.0  # no negative zero
            values = values.astype("Int64") if column.decimales == 0 else values
        elif column.type == "integer":
            values = values.astype("Int64")
        elif column.type == "boolean":
            values = values.map({True: "true", False: "false"})
        shown[name] = values
    return pd.DataFrame(shown)


def french(table: pd.DataFrame, columns: dict[str, Column]) -> pd.DataFrame:
    """A rounded table with « oui » and « non »."""
    words = {"true": "oui", "false": "non"}
    return table.assign(
        **{
            name: table[name].map(words)
            for name in table.columns.astype(str)
            if columns[name].type == "boolean"
        }
    )


def write_csv(build: Build, path: Path) -> None:
    """Comma, decimal point, UTF-8: for scripts and data.gouv.fr."""
    rounded(build.communes, build.columns).to_csv(path, index=False, lineterminator="\n")


def write_csvt(build: Build, path: Path) -> None:
    """Types of the CSV's columns, in OGR's words."""
    types = (_CSVT[build.columns[str(name)].type] for name in build.communes.columns)
    path.write_text(",".join(f'"{kind}"' for kind in types) + "\n", encoding="ascii")


def write_excel_csv(build: Build, path: Path) -> None:
    """Semicolon, decimal comma, BOM, CRLF, « oui » and « non »: opens right in French Excel."""
    table = french(rounded(build.communes, build.columns), build.columns)
    table.to_csv(
        path, sep=";", decimal=",", index=False, encoding="utf-8-sig", lineterminator="\r\n"
    )


def write_changes(trend: Trend, path: Path) -> None:
    """Every change, one row a place, a figure and two vintages."""
    from fragilite.trend.tables import columns, tidy

    rounded(tidy(trend), columns(trend)).to_csv(path, index=False, lineterminator="\n")


def write_epci(build: Build, path: Path) -> None:
    """One row per EPCI, recomputed from what adds up."""
    rounded(build.epci, build.columns).to_csv(path, index=False, lineterminator="\n")
