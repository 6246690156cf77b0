"""CNAF, households receiving benefits by commune: one picture each December.

The export holds every December. Counts are rounded to a multiple of five; Paris, Lyon and
Marseille are by arrondissement; people whom the CNAF cannot place are under an empty code.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fragilite.ingestion.catalogue import Vintage
from fragilite.ingestion.opendatasoft import in_its_geography, read_period
from fragilite.ingestion.raw import assemble, read_parts
from fragilite.table import Table


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the households of one December.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        Its ``dtreffre`` is in the filters of its file.
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table
    """
    parts = read_parts(source, vintage, paths, {"opendatasoft": read_period})
    return assemble(source, in_its_geography(vintage, parts[0][0].index), parts)
