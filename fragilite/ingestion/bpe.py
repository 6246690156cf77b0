"""INSEE, base permanente des équipements: facilities by commune.

Two layouts:

- ``melodi``: long, three nested levels (domain, sub-domain, type) stacked in one column of figures:
  only rows of the types wanted are read. A commune without a facility of a type has *no row*: zero;
  an empty cell is unknown;
- ``large``: one row a commune and one column a type, zeros written (2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    LayoutError,
    Part,
    among,
    assemble,
    by_code,
    numbers,
    read_csv,
    read_parts,
    read_wide,
)
from fragilite.table import Table

TYPE = "FACILITY_TYPE"


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the number of facilities of each type wanted.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        ``cellules`` (long) or ``colonnes`` (wide) of its files name the types.
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table

    Raises
    ------
    LayoutError
        If a type is nowhere in the file: it has been renumbered.
    """
    layouts = {"melodi": _read_long, "large": read_wide}
    return assemble(source, vintage, read_parts(source, vintage, paths, layouts))


def _read_long(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    types = {cell[TYPE]: name for name, cell in file.cellules.items()}

    def keep(block: pa.Table) -> pa.Table:
        return block.filter(among(block[TYPE], list(types)))

    rows = read_csv(source, vintage, file, path, [file.code, TYPE, file.valeur], keep, [TYPE])
    rows[TYPE] = rows[TYPE].astype("str")
    missing = sorted(set(types) - set(rows[TYPE]))
    if missing:
        sifted = ", ".join(f"{key} = {'/'.join(words)}" for key, words in file.filtres.items())
        constat = f"aucune ligne de type {', '.join(missing)} ({sifted})."
        raise LayoutError(source, vintage, file, constat)
    rows[file.code] = rows[file.code].str.rpartition("-")[2]  # 2026-COM-49007 as well as 49007
    rows = by_code(source, vintage, file, rows)
    rows["variable"] = rows.pop(TYPE).map(types)
    rows = rows.set_index("variable", append=True)
    if rows.index.has_duplicates:
        twice = rows.index[rows.index.duplicated()].get_level_values(0).unique()
        constat = f"un type compté deux fois pour {', '.join(twice[:5])}."
        raise LayoutError(source, vintage, file, constat)
    figures, secret = numbers(rows, file)
    wide = figures[file.valeur].unstack(fill_value=0)[list(file.cellules)]
    hidden = secret[file.valeur].unstack(fill_value=False)[list(file.cellules)]
    return wide.rename_axis(columns=None), hidden.rename_axis(columns=None)
