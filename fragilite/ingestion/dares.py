"""DARES and France Travail, job seekers of categories A, B and C by commune.

The export is long: a row a commune, quarter, sex and age band, of which the total is kept; it
lists Paris, Lyon and Marseille both whole and by arrondissement. Counts are rounded to a multiple
of five. A plain extract (a row a commune and year) reads the same way, by what its file declares.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fragilite.ingestion.catalogue import Vintage
from fragilite.ingestion.opendatasoft import in_its_geography, read_period
from fragilite.ingestion.raw import assemble, read_parts
from fragilite.table import Table


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the job seekers of one quarter (``2025-T4``) or year.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        Its period, and the totals of sex, age and category, are in the filters of its file.
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table
    """
    parts = read_parts(source, vintage, paths, {"opendatasoft": read_period})
    return assemble(source, in_its_geography(vintage, parts[0][0].index), parts)
