"""INSEE, grille communale de densité: a class from 1 (urban centre) to 7 (very scattered).

A class is neither added nor averaged: where communes merge, that of the most populated part wins.
The population that INSEE classed by is read with it, to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fragilite.ingestion.catalogue import Vintage
from fragilite.ingestion.raw import assemble, read_parts, read_wide
from fragilite.table import Table

CLASSES = (1.0, 7.0)


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the class of each commune.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table
    """
    parts = read_parts(source, vintage, paths, {"grille": read_wide})
    return assemble(source, vintage, parts, bornes={"classe_densite": CLASSES})
