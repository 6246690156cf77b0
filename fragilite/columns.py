"""Columns that do not come from a method: ``dictionnaire.toml``, read once."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

#: What GDAL and GeoParquet add to a table.
TECHNICAL = frozenset({"geometry", "geom", "fid", "bbox", "ogc_fid"})


@cache
def declared() -> dict[str, dict[str, dict[str, Any]]]:
    """The dictionary's file: ``colonnes`` and ``suffixes``."""
    return tomllib.loads((files("fragilite") / "dictionnaire.toml").read_text(encoding="utf-8"))


#: What may follow the code of an indicator.
COLUMN_SUFFIXES = ("lisse", "score", "contribution", "statut", "regle", "sature", "millesime")


def reserved_columns() -> set[str]:
    """Names that an indicator or a node may not take."""
    return set(declared()["colonnes"]) | TECHNICAL
