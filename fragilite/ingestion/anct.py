"""ANCT, indicateur France Très Haut Débit: premises that lose the copper network.

A comma-separated file; a commune cut in two zones has two rows, which are added; figures are
fractional, and rounded once added; years are cumulated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fragilite.french import number
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    LayoutError,
    Part,
    assemble,
    by_code,
    numbers,
    read_csv,
    read_parts,
    sum_columns,
)
from fragilite.table import Table

QUARTER = "trimestre"


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the premises without copper at the end of each year.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        ``colonnes`` of its file gives the column of each year, from the earliest.
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table

    Raises
    ------
    LayoutError
        If the file is of another quarter, or its years are not cumulated.
    """
    return assemble(source, vintage, read_parts(source, vintage, paths, {"ftth_cu": _read}))


def _read(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    columns = [column for added in file.colonnes.values() for column in added]
    wanted = [file.code, QUARTER, *columns]
    text = read_csv(source, vintage, file, path, wanted)
    quarters = {re.sub(r"\W+", "_", quarter.strip()) for quarter in text[QUARTER].unique()}
    if quarters != {vintage.millesime}:
        constat = f"{QUARTER} {', '.join(sorted(quarters))}, {vintage.millesime} attendu."
        raise LayoutError(source, vintage, file, constat)
    zones, secret = numbers(by_code(source, vintage, file, text.drop(columns=QUARTER)), file)
    by = zones.groupby(level=0)
    premises = by.sum().where(by.count().eq(by.size(), axis=0)).add(0.5).floordiv(1)
    totals = premises.sum()
    if not totals.is_monotonic_increasing:
        shown = ", ".join(f"{column} {number(total)}" for column, total in totals.items())
        constat = f"les années doivent être cumulées : {shown} en tout."
        raise LayoutError(source, vintage, file, constat)
    withheld = secret.groupby(level=0).any()
    return sum_columns(premises, withheld, file.colonnes)
