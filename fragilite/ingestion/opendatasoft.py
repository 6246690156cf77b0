"""Exports of Opendatasoft portals (data.caf.fr, data.dares…): one file holds every period.

An export asked for by its technical names says ``nombre_de_demandeurs_d_emploi`` where one taken
by hand says « Nombre de demandeurs d'emploi »: headers are compared without case, accents nor
punctuation. Rows that no commune claims (empty or masked code, national totals) are dropped, and
counted in the log. Counts are rounded to a multiple of five.

- CNAF, households receiving benefits: one picture each December; Paris, Lyon and Marseille by
  arrondissement; people whom the CNAF cannot place are under an empty code;
- DARES and France Travail, job seekers of categories A, B and C: a row a commune, quarter, sex and
  age band, of which the total is kept; Paris, Lyon and Marseille both whole and by arrondissement.
  A plain extract (a row a commune and year) reads the same way, by what its file declares.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fragilite.cog import FIRST_YEAR, LAST_YEAR, codes_of, fold_arrondissements
from fragilite.french import number
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    Part,
    assemble,
    by_code,
    header,
    numbers,
    read_csv,
    read_parts,
    sum_columns,
)
from fragilite.table import Table

log = logging.getLogger(__name__)

#: Years around the geography declared in which the codes of a file are looked for.
NEAR = 2
#: What a commune code may look like, a lost zero included: that one is for the parser to refuse.
_COMMUNE = r"(?!99|00)\d{4,5}|2[ABab]\d{3}"


def slug(label: str) -> str:
    """Technical name of a label.

    Examples
    --------
    >>> slug("Tranche d'âge"), slug("Code commune")
    ('tranche_d_age', 'code_commune')
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read one period: a December (``2024-12``), a quarter (``2025-T4``) or a year.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        Its period, and the totals of the other columns, are in the filters of its file.
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table
        In the geography that has the codes of the file (:func:`in_its_geography`).
    """
    parts = read_parts(source, vintage, paths, {"opendatasoft": read_period})
    return assemble(source, in_its_geography(vintage, parts[0][0].index), parts)


def read_period(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    """Read the rows of one period, by commune.

    Parameters
    ----------
    source, vintage, file
        Where the file is described. The first of ``file.filtres`` is the period; the others are
        checked where the export has their column (the address may already have narrowed it).
    path : Path

    Returns
    -------
    values : DataFrame of float64
    secret : DataFrame of bool

    Raises
    ------
    LayoutError
        If nothing is left of the filters, naming what the file offers.
    """
    names = {slug(name): name for name in reversed(header(source, vintage, file, path))}
    period = next(iter(file.filtres))
    offered = {
        names.get(column, column): values
        for column, values in file.filtres.items()
        if column == period or column in names
    }
    code = names.get(file.code, file.code)
    sums = {
        name: [names.get(column, column) for column in columns]
        for name, columns in file.colonnes.items()
    }
    columns = list(dict.fromkeys(column for added in sums.values() for column in added))
    asked = file.model_copy(update={"code": code, "filtres": offered})
    text = read_csv(source, vintage, asked, path, [code, *columns])
    text = _of_communes(source, vintage, text, code, columns)
    return sum_columns(*numbers(by_code(source, vintage, asked, text), asked), sums)


def _of_communes(
    source: str, vintage: Vintage, text: pd.DataFrame, code: str, columns: list[str]
) -> pd.DataFrame:
    """Drop the rows that no commune claims, and say how many and how much."""
    placed = text[code].astype("str").str.strip().str.fullmatch(_COMMUNE)
    if not placed.all():
        lost = text[~placed]
        sums = lost[columns].apply(pd.to_numeric, errors="coerce").sum()
        masses = ", ".join(f"{column} {number(total)}" for column, total in sums.items())
        log.info(
            "Source %s, millésime %s : %s ligne(s) sans commune écartée(s) (%s).",
            source,
            vintage.millesime,
            number(len(lost)),
            masses,
        )
    return text[placed]


def in_its_geography(vintage: Vintage, codes: pd.Index) -> Vintage:
    """Give a vintage the geography its codes are in.

    These publishers do not say which geography they use. The year declared is kept if it has every
    code; else the nearest that has, two years off at most (further, a code is another commune's:
    49126 was Drain until 2015, and is Orée d'Anjou since 2025).

    Parameters
    ----------
    vintage : Vintage
    codes : Index of str
        Commune codes of its file, arrondissements of Paris, Lyon and Marseille included.

    Returns
    -------
    Vintage
    """
    communes = set(fold_arrondissements(pd.DataFrame(index=codes, data={"rang": 0.0})).index)
    years = range(max(vintage.cog - NEAR, FIRST_YEAR), min(vintage.cog + NEAR, LAST_YEAR) + 1)
    fitting = [year for year in years if communes <= codes_of(year)]
    fitting.sort(key=lambda year: abs(year - vintage.cog))
    if not fitting or fitting[0] == vintage.cog:
        return vintage
    log.info("Millésime %s : codes de la géographie %s.", vintage.millesime, fitting[0])
    return vintage.model_copy(update={"cog": fitting[0]})
