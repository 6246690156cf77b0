"""Itinerant half-days of each post: how many in each commune, and in which order.

A post's half-days of a cycle are shared among its communes in proportion to the people to
accompany, whole numbers by the largest remainders; the base has one at least, and so has each
commune as many as a rule asks for. If a rule asks for more than there are, the communes with most
people are visited. Each commune that is not visited is told the nearest one that is. Communes
follow one another along a short tour from the base, and a day joins two half-days that follow on
the tour: nearby communes share a day. The days of a commune that has several are spread over the
cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.french import number
from fragilite.siting.parameters import declared
from fragilite.siting.plans import Plan
from fragilite.siting.problem import Ground

#: Half-days of a day.
HALVES = ("matin", "après-midi")


@dataclass(frozen=True)
class Rounds:
    """Where each post is, and when.

    Attributes
    ----------
    parts : DataFrame
        One row per commune and sector: ``secteur``, ``code_insee``, ``nom``, ``personnes``,
        ``demi_journees`` (per cycle), ``recue_a`` (code of the visited commune where a commune
        that is not visited is received; its own where it is).
    calendrier : DataFrame
        One row per half-day: ``secteur``, ``semaine`` (from 1), ``jour`` (of presence in the week,
        from 1), ``demi_journee`` (``matin``, ``après-midi``), ``code_insee``, ``nom``.
    """

    parts: pd.DataFrame
    calendrier: pd.DataFrame


def rounds(
    ground: Ground,
    plan: Plan,
    per_week: int | None = None,
    weeks: int | None = None,
    least: int = 0,
) -> Rounds:
    """Write the calendar of a cycle.

    Parameters
    ----------
    ground : Ground
    plan : Plan
    per_week : int, optional
        Half-days of presence per post and week; the declared ``demi_journees_par_semaine`` if None.
    weeks : int, optional
        Weeks of a cycle; the declared ``semaines_du_cycle`` if None.
    least : int
        Half-days of each commune, at least; 0 follows people alone.
    """
    per_week = int(declared("demi_journees_par_semaine")) if per_week is None else per_week
    weeks = int(declared("semaines_du_cycle")) if weeks is None else weeks
    if min(per_week, weeks) < 1 or not 0 <= least <= per_week * weeks:
        raise UsageError(
            f"Calendrier : {number(per_week)} demi-journées par semaine, {number(weeks)} semaines, "
            f"{number(least)} au moins par commune : des nombres d'au moins 1 (0 pour le dernier), "
            "qui tiennent dans le cycle, sont attendus."
        )
    parts, days = [], []
    for sector, mine in plan.affectation.groupby("secteur"):
        codes = mine["code_insee"].tolist()
        places = np.array([ground.places[code] for code in codes])
        base = codes.index(mine["code_base"].iloc[0])
        away = ground.distances[np.ix_(places, places)]
        away = np.where(np.isnan(away), np.inf, away)
        counts = half_days(mine["personnes"].fillna(0).to_numpy(), per_week * weeks, least, base)
        visited = np.flatnonzero(counts)
        host = visited[away[:, visited].argmin(axis=1)]
        host[visited] = visited
        columns = ["secteur", "code_insee", "nom", "personnes"]
        parts.append(mine[columns].assign(demi_journees=counts, recue_a=[codes[k] for k in host]))
        order = tour(away[np.ix_(visited, visited)], int(np.flatnonzero(visited == base)[0]))
        slots = _days(visited[order], counts)
        for place, at in enumerate(slots):
            week, rest = divmod(place, per_week)
            day, half = divmod(rest, len(HALVES))
            commune = codes[at], mine["nom"].iloc[at]
            days.append((sector, week + 1, day + 1, HALVES[half], *commune))
    names = ["secteur", "semaine", "jour", "demi_journee", "code_insee", "nom"]
    return Rounds(pd.concat(parts, ignore_index=True), pd.DataFrame(days, columns=names))


def half_days(people: np.ndarray, total: int, least: int, base: int) -> np.ndarray:
    """Whole half-days in proportion to people, largest remainders, with a least number or none.

    Parameters
    ----------
    people : ndarray of float64, shape (communes,)
    total, least : int
    base : int
        Place of the base: visited whatever its need.

    Returns
    -------
    ndarray of int64, shape (communes,)
        They add up to ``total``; 0 in the communes that are not visited.

    Examples
    --------
    >>> half_days(np.array([60.0, 30.0, 10.0]), 10, 1, 0).tolist()
    [6, 3, 1]
    >>> half_days(np.array([98.0, 1.0, 1.0]), 4, 1, 0).tolist()
    [2, 1, 1]
    >>> half_days(np.array([98.0, 1.0, 1.0]), 4, 0, 0).tolist()
    [4, 0, 0]
    """
    rank = np.lexsort((-people, np.arange(len(people)) != base))
    visited = np.sort(rank[: max(total // least, 1)] if least else rank)
    minimum = np.full(len(people), least)
    minimum[base] = max(least, 1)
    found = np.zeros(len(people), dtype=np.int64)
    ideal = np.zeros(len(people))
    held = np.zeros(len(people), dtype=bool)  # those that proportion alone would leave under least
    while True:
        free = visited[~held[visited]]
        left = total - int(minimum[held].sum())
        weight = people[free].sum()
        share = people[free] / weight if weight > 0 else np.full(len(free), 1 / len(free))
        ideal[free] = left * share
        short = free[ideal[free] < minimum[free]]
        if not len(short):
            break
        if len(short) == len(free):
            ideal[free] = left / len(free)
            break
        held[short] = True
    found[visited] = np.where(held, minimum, np.floor(ideal + 1e-9))[visited]
    rest = ideal - found
    order = free[np.argsort(-rest[free], kind="stable")]
    found[order[: total - int(found.sum())]] += 1
    return found


def tour(away: np.ndarray, start: int) -> np.ndarray:
    """A short round trip: nearest neighbour, then exchanges that shorten it (2-opt).

    Parameters
    ----------
    away : ndarray of float64, shape (points, points)
    start : int

    Returns
    -------
    ndarray of int64, shape (points,)
        Order of the points, ``start`` first.

    Examples
    --------
    >>> tour(np.abs(np.subtract.outer([0.0, 3.0, 1.0, 2.0], [0.0, 3.0, 1.0, 2.0])), 0).tolist()
    [0, 2, 3, 1]
    """
    near = np.where(np.isfinite(away), (away + away.T) / 2, 1e9)
    order, left = [start], set(range(len(near))) - {start}
    while left:
        order.append(min(left, key=lambda one: (near[order[-1], one], one)))
        left.remove(order[-1])
    better = True
    while better:
        better = False
        for i in range(1, len(order) - 1):
            for j in range(i + 1, len(order)):
                after = order[(j + 1) % len(order)]
                old = near[order[i - 1], order[i]] + near[order[j], after]
                new = near[order[i - 1], order[j]] + near[order[i], after]
                if new < old - 1e-6:
                    order[i : j + 1] = order[i : j + 1][::-1]
                    better = True
    return np.array(order)


def _days(order: Sequence[int], counts: np.ndarray) -> list[int]:
    """Places of the cycle's half-days: pairs that make a day, spread over the cycle."""
    days: list[tuple[float, int, list[int]]] = []
    for step, at in enumerate(order):
        whole = int(counts[at]) // 2
        days += [((k + 0.5) / whole, step, [at, at]) for k in range(whole)]
    single = [(step, at) for step, at in enumerate(order) if counts[at] % 2]
    pairs = [single[k : k + 2] for k in range(0, len(single), 2)]
    for k, pair in enumerate(pairs):
        last = len(pair) == 1  # a half-day alone ends the cycle: the others stay whole days
        days.append((2.0 if last else (k + 0.5) / len(pairs), pair[0][0], [at for _, at in pair]))
    return [int(at) for _, _, places in sorted(days) for at in places]
