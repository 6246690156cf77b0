"""What a document says of the change of a place: a few sentences, each with its source.

The words are those of :mod:`fragilite.trend.wording`; what holds for every place is said once, by
:func:`cannot_say`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from fragilite.citation import short
from fragilite.narrative import Sentence
from fragilite.trend.comparing import Trend
from fragilite.trend.report import figure_head, index_head, parts_of, rest_of
from fragilite.trend.tables import Followed, followed, lots_of
from fragilite.trend.wording import POINTS, left_out, origin, reasons, said

#: Sentences on a place: the index, then the indicators that the method counts.
MOST = 3


def sentences(trend: Trend, level: str, code: str, *, origins: bool = True) -> list[Sentence]:
    """What changed in a place, the index first; none where nothing is compared there.

    Parameters
    ----------
    trend : Trend
    level : str
        ``commune``, ``epci`` or ``departement``.
    code : str
    origins : bool
        Whether to say what the change of the index comes from.
    """
    table, key = (trend.communes, "code_insee") if level == "commune" else (trend.groupes, "code")
    rows = table[table[key] == code]
    if level != "commune":
        rows = rows[rows["niveau"] == level]
    found = []
    for one in told(trend):
        here = rows[(rows["indicateur"] == one.code) & (rows["millesime_avant"] == one.avant)]
        if len(here):
            row: dict[Any, Any] = here.iloc[0].astype(object).to_dict()
            why = _origins(trend, one, level, code) if origins else ()
            found.append(_sentence(trend, one, row, why))
    return found


def told(trend: Trend) -> list[Followed]:
    """What sentences are of: the newest comparison of the index, then of a few indicators."""
    method = trend.build.method
    found: dict[str, Followed] = {}
    for one in followed(trend):
        if one.is_figure or one.code == method.column(method.root):
            found.setdefault(one.code, one)
    return list(found.values())[:MOST]


def _sentence(trend: Trend, one: Followed, row: dict[Any, Any], origins: Iterable[str]) -> Sentence:
    row["changement"] = None if pd.isna(row["changement"]) else row["changement"]
    record = (
        figure_head(trend, one.code, one.avant, one.apres)
        if one.is_figure
        else (index_head(trend, one.avant) | POINTS)
    )
    text = f"{said(row, record)}."
    if row["changement"] is not None:
        text = " ".join([text, *origins])
    return Sentence(one.libelle, text, short(lots_of(trend, one)))


def _origins(trend: Trend, one: Followed, level: str, code: str) -> Iterator[str]:
    """Where the change of the index comes from; nothing of a figure."""
    if one.is_figure:
        return
    moved = (
        trend.indices.get(one.avant)
        if level == "commune"
        else trend.indices_groupes.get((level, one.avant))
    )
    if moved is not None:
        yield from origin(parts_of(trend, moved, code, one.avant))


def cannot_say(trend: Trend) -> list[str]:
    """What holds for every place: what the index of an earlier vintage is not, what is left out."""
    heads = [index_head(trend, avant) for avant in trend.indices]
    limits = [left_out(head) for head in heads if head["tenus"]]
    return [*limits, *reasons(rest_of(trend))]
