"""Vintages: which of two is the later one, how one is written."""

from __future__ import annotations

import re


def moment(millesime: str) -> tuple[int, int]:
    """Place of a vintage in time: its year, then its quarter or month, 0 if it has none.

    Examples
    --------
    >>> moment("2017"), moment("2026_T2"), moment("2024-12"), moment("2021-geo2024")
    ((2017, 0), (2026, 2), (2024, 12), (2021, 0))
    """
    found = re.fullmatch(r"(\d{4})(?:[_-]T?(\d{1,2}))?.*", millesime)
    if found is None:
        raise ValueError(f"not a vintage: {millesime}")
    return int(found[1]), int(found[2] or 0)


def is_later(one: str, other: str) -> bool:
    """Whether a vintage comes after another, as finely as both are dated.

    Examples
    --------
    >>> is_later("2023", "2021"), is_later("2024-T4", "2024"), is_later("2026_T2", "2026_T1")
    (True, False, True)
    """
    (year, part), (other_year, other_part) = moment(one), moment(other)
    if year != other_year or not (part and other_part):
        return year > other_year
    return part > other_part


def readable(vintage: str) -> str:
    """A vintage in print: ``2026 T2``."""
    return vintage.replace("_", " ")
