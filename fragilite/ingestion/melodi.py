"""The long files of INSEE's Melodi: one row a place, a year and a combination of modalities.

A figure is a *cell*: a modality for each dimension that it names, and the total (``_T``) for every
other, else the same people would be counted several times. Rows of ``OBS_STATUS`` K (a commune
counted in another) are for the catalogue to exclude; those of status W (a commune that holds the
figures of another) are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import LayoutError, Part, among, by_code, header, numbers, read_csv

TOTAL = "_T"
#: Columns that are no dimension, beside those of the place and of the figure.
ATTRIBUTES = {
    "GEO_OBJECT",
    "TIME_PERIOD",
    "OBS_STATUS",
    "OBS_STATUS_FR",
    "CONF_STATUS",
    "UNIT_MEASURE",
    "UNIT_MULT",
}


def read_communes(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    """Read our variables from the cells of a long file, by commune (:func:`read_cells`)."""
    values, secret = read_cells(source, vintage, file, path)
    values = by_code(source, vintage, file, values.rename_axis(file.code).reset_index())
    return values, secret.reindex(values.index)


def read_cells(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    """Read our variables from the cells of a long file (``file.cellules``).

    Parameters
    ----------
    source, vintage, file
        Where the file is described.
    path : Path
        The file, or its zip.

    Returns
    -------
    values : DataFrame of float64
        Indexed by the code of the place (``49007`` for ``2025-COM-49007``), one column a variable.
        A place without a row, or with an empty cell, is NaN.
    secret : DataFrame of bool
        Empty cells that are confidential (``CONF_STATUS`` C).

    Raises
    ------
    LayoutError
        If a dimension or a modality is missing, naming what the file offers; if a dimension that
        no cell names has neither a total nor a single modality; if a cell is filled twice.
    """
    columns = header(source, vintage, file, path)
    dimensions = [name for name in columns if name not in {*ATTRIBUTES, file.code, file.valeur}]
    cells = {
        name: _parse(source, vintage, file, name, cell, dimensions)
        for name, cell in file.cellules.items()
    }
    wanted: dict[str, set[str]] = defaultdict(set)
    for dimension in {dimension for cell in cells.values() for dimension in cell}:
        for cell in cells.values():
            wanted[dimension].update(cell.setdefault(dimension, [TOTAL]))
    free = [dimension for dimension in dimensions if dimension not in wanted]
    offered: dict[str, set[str]] = defaultdict(set)

    def keep(block: pa.Table) -> pa.Table:
        for dimension in wanted:
            for chunk in block[dimension].chunks:
                offered[dimension].update(chunk.dictionary.to_pylist())
        for dimension, words in wanted.items():
            block = block.filter(among(block[dimension], sorted(words)))
        for dimension in free:
            total = among(block[dimension], [TOTAL])
            block = block.filter(total) if pc.any(total).as_py() else block
        return block

    attributes = [name for name in ("CONF_STATUS", "UNIT_MULT") if name in columns]
    words = [file.code, *wanted, *free, *attributes]
    rows = read_csv(source, vintage, file, path, [*words, file.valeur], keep, words)
    for dimension in free:
        rows = _at_total(source, vintage, file, rows, dimension)
    rows[file.code] = rows[file.code].map(lambda code: code.rpartition("-")[2]).astype("str")
    rows = rows.set_index(file.code)
    figures, hidden = _figures(rows, file)
    values, secret = {}, {}
    for name, cell in cells.items():
        found = _select(source, vintage, file, name, rows, cell, offered)
        if found is not None:
            values[name] = _total(figures[found], prod(len(words) for words in cell.values()))
            secret[name] = hidden[found].groupby(level=0).any()
    table = pd.DataFrame(values)
    return table, pd.DataFrame(secret, index=table.index).eq(True)


def _parse(
    source: str,
    vintage: Vintage,
    file: RawFile,
    name: str,
    cell: Mapping[str, str],
    dimensions: Sequence[str],
) -> dict[str, list[str]]:
    """Modalities to add, by dimension that the file has."""
    parsed = {}
    for key, text in cell.items():
        dimension = key.removesuffix("?")
        if dimension in dimensions:
            parsed[dimension] = text.removesuffix("?").split("+")
        elif not key.endswith("?") and text != TOTAL:
            offer = ", ".join(dimensions)
            constat = f"dimension absente : {dimension} ({name}). Le fichier offre : {offer}."
            raise LayoutError(source, vintage, file, constat)
    return parsed


def _at_total(
    source: str, vintage: Vintage, file: RawFile, rows: pd.DataFrame, dimension: str
) -> pd.DataFrame:
    """Rows at the total of a dimension that no cell names, or at its only modality."""
    words = [str(word) for word in rows[dimension].unique()]
    if TOTAL in words:
        return rows[rows[dimension] == TOTAL]
    if len(words) > 1:
        constat = (
            f"la dimension {dimension} n'a pas de total {TOTAL} et a plusieurs modalités : "
            f"{', '.join(sorted(words)[:8])}."
        )
        raise LayoutError(source, vintage, file, constat)
    return rows


def _figures(rows: pd.DataFrame, file: RawFile) -> tuple[pd.Series, pd.Series]:
    """Figure of each row, in units, and whether it is confidential."""
    values, secret = numbers(rows[[file.valeur]], file)
    figures, hidden = values[file.valeur], secret[file.valeur]
    if "CONF_STATUS" in rows:
        hidden |= (rows["CONF_STATUS"] == "C") & figures.isna()
    if "UNIT_MULT" in rows:
        power = pd.to_numeric(rows["UNIT_MULT"].astype("str"), errors="coerce").fillna(0)
        figures = figures * np.power(10.0, power)
    return figures, hidden


def _select(
    source: str,
    vintage: Vintage,
    file: RawFile,
    name: str,
    rows: pd.DataFrame,
    cell: Mapping[str, list[str]],
    offered: Mapping[str, set[str]],
) -> pd.Series | None:
    """Rows of a cell; None where the catalogue admits that the file may lack one of them."""
    found = pd.Series(True, index=rows.index)
    for dimension, words in cell.items():
        found &= rows[dimension].isin(words)
    for dimension, words in cell.items():
        lacking = set(words) - set(rows.loc[found, dimension])
        if lacking:
            if any(text.endswith("?") for text in file.cellules[name].values()):
                return None
            at = ", ".join(f"{key}={'+'.join(words)}" for key, words in cell.items())
            constat = (
                f"cellule absente : {name} ({at}). Pour {dimension}, le fichier offre : "
                f"{', '.join(sorted(offered[dimension])[:12]) or 'rien'}."
            )
            raise LayoutError(source, vintage, file, constat)
    key = rows.loc[found, list(cell)].assign(place=rows.index[found])
    if key.duplicated().any():
        twice = ", ".join(key.loc[key.duplicated(), "place"].unique()[:5])
        raise LayoutError(source, vintage, file, f"cellule en double : {name} pour {twice}.")
    return found


def _total(figures: pd.Series, parts: int) -> pd.Series:
    """Sum of the parts of a cell by place: missing if one is."""
    by = figures.groupby(level=0)
    return by.sum().where(by.count() == parts)
