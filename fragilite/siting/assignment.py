"""Units to bases by mixed-integer programming (HiGHS), in one piece each by cuts added as needed.

Minimise Σ cost·x + cut·Σ z, with x[i, j] = 1 if unit i has base j, y[j] = 1 if j is a base, z[e, j]
= 1 if EPCI e has a unit there:

- one base per unit; x ≤ z ≤ y; the unit of a base is its own; as many bases as posts;
- load of each base between its limits; communes per base; pairs kept apart; bases per EPCI;
- one piece: a unit of a group C of the sector of j that does not hold j needs a neighbour of C
  there: x[i, j] ≤ Σ x[k, j] over the neighbours k of C. Groups of one unit are all written at once,
  larger ones when a solution breaks them.

Source: Hess et al. (1965), Operations Research 13 (6), for districting by assignment to bases;
Validi, Buchanan and Lykhovyd (2022), Operations Research 70 (2), for these separator cuts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fragilite.siting.problem import Model

#: Rounds of cuts before one gives up.
MOST_CUTS = 60
#: Load out of the limits, in people, that rounding explains.
SLACK = 1e-6
#: Share of a unit that the relaxation leaves to a base, above rounding.
SOME = 1e-3
#: What HiGHS ends with, as scipy numbers it.
SOLVED, OUT_OF_TIME, RULED_OUT = 0, 1, 2


@dataclass(frozen=True)
class Answer:
    """What the solver says.

    Attributes
    ----------
    base : ndarray of int64, shape (units,), or None
        Base (a commune's place) of each unit; None where no plan was found.
    valeur : float
        Objective of that plan; infinite without one.
    borne : float
        Under which no plan of this question goes; infinite where none exists.
    temps : bool
        Stopped for time.
    """

    base: np.ndarray | None
    valeur: float
    borne: float
    temps: bool = False


@dataclass
class Cuts:
    """Separators found so far: unit i, base j, neighbours that must be there too. Only grows."""

    found: set[tuple[int, int, tuple[int, ...]]] = field(default_factory=set)


class _Rows:
    """Rows of a sparse matrix, one block after the other."""

    def __init__(self) -> None:
        self.row: list[np.ndarray] = []
        self.column: list[np.ndarray] = []
        self.value: list[np.ndarray] = []
        self.low: list[np.ndarray] = []
        self.high: list[np.ndarray] = []
        self.count = 0

    def add(
        self,
        row: np.ndarray,
        column: np.ndarray,
        value: np.ndarray | float,
        low: np.ndarray | float,
        high: np.ndarray | float,
        count: int,
    ) -> None:
        self.row.append(row + self.count)
        self.column.append(column)
        self.value.append(np.broadcast_to(value, row.shape))
        self.low.append(np.broadcast_to(low, count))
        self.high.append(np.broadcast_to(high, count))
        self.count += count

    def forget(self, blocks: int, count: int) -> None:
        """Drop what was added after some blocks."""
        for kept in (self.row, self.column, self.value, self.low, self.high):
            del kept[blocks:]
        self.count = count

    def matrix(self, columns: int) -> tuple[object, np.ndarray, np.ndarray]:
        """All rows, sparse, with their least and greatest values."""
        from scipy.sparse import csr_matrix

        places = np.concatenate(self.row), np.concatenate(self.column)
        found = csr_matrix((np.concatenate(self.value), places), shape=(self.count, columns))
        return found, np.concatenate(self.low), np.concatenate(self.high)


def value_of(model: Model, base: np.ndarray) -> float:
    """Objective of a plan: mean distance, plus what the cuts of EPCI weigh.

    Parameters
    ----------
    model : Model
    base : ndarray of int64, shape (units,)
    """
    distance = model.cout[np.arange(len(base)), base].sum()
    pairs = {(group, j) for groups, j in zip(model.groupes, base, strict=True) for group in groups}
    cuts = len(pairs) - len({group for group, _ in pairs})
    return float(distance + model.poids_epci * cuts)


def assign(
    model: Model,
    bases: np.ndarray,
    *,
    allowed: np.ndarray | None = None,
    cuts: Cuts,
    gap: float,
    deadline: float,
    star: bool = False,
    under: float = np.inf,
    nodes: int | None = None,
) -> Answer:
    """Best plan whose bases are among some communes.

    Parameters
    ----------
    model : Model
    bases : ndarray of int64
        Communes that may be bases; all of them are, where they are as many as posts.
    allowed : ndarray of bool, shape (units, communes), optional
        Pairs that may be; all by default.
    cuts : Cuts
        Filled with the separators met: they hold for any bases.
    gap : float
        Share of the value at which the solver stops.
    deadline : float
        Moment of ``time.monotonic`` when it stops.
    star : bool
        Tie each unit to its base through neighbours that are nearer to it (fewer borders to cross,
        then less distance): plans in one piece at once, but not all of them (Zoltners and Sinha
        1983, Management Science 29): a bound found so holds for no other plan.
    under : float
        Only plans of a lesser value are wanted.
    nodes : int, optional
        Nodes of the search tree after which the solver stops; 0 solves the linear relaxation only,
        which gives a bound and no plan.

    Returns
    -------
    Answer
    """
    found = _Program(model, np.sort(bases), allowed, star, under)
    low = -np.inf
    for _ in range(MOST_CUTS):
        base, bound, stopped = found.solve(cuts, gap, deadline, nodes)
        low = max(low, bound)
        if base is None:
            return Answer(None, np.inf, low, stopped)
        broken = list(separators(model, base))
        if not broken:
            return Answer(base, value_of(model, base), low, stopped)
        cuts.found.update(broken)
    return Answer(None, np.inf, low, True)


def rounded(
    model: Model, bases: np.ndarray, allowed: np.ndarray, before: np.ndarray
) -> np.ndarray | None:
    """Each unit to the base that it has, if the linear relaxation leaves it some of it, or to most.

    In the relaxation all units but about one per base are whole: a plan nearly balanced, in a few
    hundredths of a second. Its pieces hold together where units are whole (``star`` of
    :func:`assign`).

    Returns
    -------
    ndarray of int64, shape (units,), or None
        None where even the relaxation has no solution.
    """
    return _Program(model, np.sort(bases), allowed, True, np.inf).relaxed(before)


def separators(model: Model, base: np.ndarray) -> Iterable[tuple[int, int, tuple[int, ...]]]:
    """Cuts that a plan breaks: units of a sector that are not tied to its base."""
    for j in np.unique(base):
        inside = base == j
        reached = _piece(model, int(model.unite_de[j]), inside)
        left = inside & ~reached
        while left.any():
            piece = _piece(model, int(left.argmax()), left)
            units = np.flatnonzero(piece)
            border = {int(k) for unit in units for k in model.voisins[unit]} - set(units.tolist())
            for unit in units:
                yield int(unit), int(j), tuple(sorted(border))
            left &= ~piece


def _piece(model: Model, start: int, inside: np.ndarray) -> np.ndarray:
    """Units tied to one through units of a set."""
    found = np.zeros(len(inside), dtype=bool)
    found[start] = True
    edge = [start]
    while edge:
        near = model.voisins[edge.pop()]
        new = near[inside[near] & ~found[near]]
        found[new] = True
        edge.extend(new.tolist())
    return found


class _Program:
    """The mixed-integer program, without the separators."""

    def __init__(
        self,
        model: Model,
        bases: np.ndarray,
        allowed: np.ndarray | None,
        star: bool,
        under: float,
    ) -> None:
        self.model, self.bases = model, bases
        units = len(model.charge)
        pairs = np.isfinite(model.cout[:, bases])
        if allowed is not None:
            pairs &= allowed[:, bases]
        own = model.unite_de[bases]
        pairs[own, np.arange(len(bases))] = np.isfinite(model.cout[own, bases])
        self.unit, self.place = np.nonzero(pairs)
        self.number = np.full((units, len(bases)), -1)
        self.number[self.unit, self.place] = np.arange(len(self.unit))
        self.opened = len(self.unit) + np.arange(len(bases))
        self.size = len(self.unit) + len(bases)
        self.rows = _Rows()
        self.cost = [model.cout[self.unit, bases[self.place]], np.zeros(len(bases))]
        self.weight = np.maximum(
            np.where(np.isfinite(model.cout), model.cout, 0).max(axis=1), 1e-12
        )
        self.fixed = len(bases) == model.postes
        self._assign(own)
        self._tie_epci()
        self._limit_loads()
        self._other_rules()
        self._touch(star)
        if np.isfinite(under):
            cost = np.concatenate(self.cost)
            self.rows.add(
                np.zeros(len(cost), int), np.arange(len(cost)), cost, -np.inf,
                under + self.constant, 1,
            )  # fmt: skip

    def _assign(self, own: np.ndarray) -> None:
        units, pairs = len(self.model.charge), np.arange(len(self.unit))
        self.rows.add(self.unit, pairs, 1.0, 1, 1, units)
        count = len(self.bases)
        self.rows.add(
            np.zeros(count, int), self.opened, 1.0, self.model.postes, self.model.postes, 1
        )
        at = np.arange(count)
        mine = self.number[own, at]
        known = np.flatnonzero(mine >= 0)
        rows = np.arange(len(known))
        self.rows.add(
            np.r_[rows, rows],
            np.r_[mine[known], self.opened[known]],
            np.repeat([1.0, -1.0], len(known)),
            0,
            0,
            len(known),
        )
        lost = np.flatnonzero(mine < 0)  # a base that part of its own unit cannot reach
        self.rows.add(np.arange(len(lost)), self.opened[lost], 1.0, 0, 0, len(lost))

    def _tie_epci(self) -> None:
        """An EPCI that has a unit of the sector is there, and the base is open."""
        model, pairs = self.model, np.arange(len(self.unit))
        self.constant = model.poids_epci * len({one for groups in model.groupes for one in groups})
        if not model.poids_epci:
            self._below(pairs, self.opened[self.place])
            return
        wide = np.array([(i, g) for i, groups in enumerate(model.groupes) for g in groups])
        present = np.unique(wide[:, 1])
        there = self.size + np.arange(len(present) * len(self.bases)).reshape(len(present), -1)
        self.size += there.size
        self.cost.append(np.full(there.size, model.poids_epci))
        for i, group in wide:
            mine = np.flatnonzero(self.number[i] >= 0)
            self._below(self.number[i, mine], there[np.searchsorted(present, group), mine])
        self._below(there.ravel(), np.tile(self.opened, len(present)))

    def _below(self, lesser: np.ndarray, greater: np.ndarray) -> None:
        rows = np.arange(len(lesser))
        self.rows.add(
            np.r_[rows, rows],
            np.r_[lesser, greater],
            np.repeat([1.0, -1.0], len(rows)),
            -np.inf,
            0,
            len(rows),
        )

    def _limit_loads(self) -> None:
        model, count = self.model, len(self.bases)
        mean = model.moyenne  # shares of a load, not people: rows of like size
        load, at, pairs = (
            model.charge[self.unit] / mean,
            np.arange(count),
            np.arange(len(self.unit)),
        )
        for sign, limit in ((1, model.haut), (-1, model.bas)):
            self.rows.add(
                np.r_[self.place, at],
                np.r_[pairs, self.opened],
                np.r_[sign * load, np.full(count, -sign * limit / mean)],
                -np.inf,
                0,
                count,
            )

    def _other_rules(self) -> None:
        model, count = self.model, len(self.bases)
        pairs = np.arange(len(self.unit))
        if model.taille.sum() > model.max_communes:
            size = model.taille[self.unit].astype(float)
            self.rows.add(self.place, pairs, size, -np.inf, model.max_communes, count)
        for pair in model.interdits:
            mine = [self.number[unit] for unit in pair]
            both = np.flatnonzero((mine[0] >= 0) & (mine[1] >= 0))
            rows = np.arange(len(both))
            self.rows.add(
                np.r_[rows, rows], np.r_[mine[0][both], mine[1][both]], 1.0, -np.inf, 1, len(both)
            )
        if model.bases_par_epci is not None:
            groups = len(model.bases_par_epci)
            self.rows.add(
                model.epci[self.bases], self.opened, 1.0, -np.inf, model.bases_par_epci, groups
            )

    def _touch(self, star: bool) -> None:
        """A unit that does not touch the base's needs a neighbour in the sector."""
        own = self.model.unite_de[self.bases]
        nearer = _steps(self.model, own) if star else None
        for i, near in enumerate(self.model.voisins):
            mine = np.flatnonzero(self.number[i] >= 0)
            mine = mine[~np.isin(own[mine], [i, *near])]
            if nearer is None:
                self._need(i, mine, near)
                continue
            for place in mine:
                cost = self.model.cout[:, self.bases[place]] / self.weight
                key = nearer[place] + cost / (1 + 2 * cost[np.isfinite(cost)].max())
                self._need(i, np.array([place]), near[key[near] < key[i]])

    def _need(self, unit: int, places: np.ndarray, near: np.ndarray) -> None:
        there = self.number[np.ix_(near, places)]
        row, column = np.nonzero(there.T >= 0)
        self.rows.add(
            np.r_[np.arange(len(places)), row],
            np.r_[self.number[unit, places], there.T[row, column]],
            np.r_[np.ones(len(places)), -np.ones(len(row))],
            -np.inf,
            0,
            len(places),
        )

    def solve(
        self, cuts: Cuts, gap: float, deadline: float, nodes: int | None
    ) -> tuple[np.ndarray | None, float, bool]:
        """Bases of units or None, bound, and whether time stopped the search."""
        left = deadline - time.monotonic()
        if left <= 0:
            return None, -np.inf, True
        kept = len(self.rows.row), self.rows.count
        where = {int(j): place for place, j in enumerate(self.bases)}
        for unit, j, near in sorted(cuts.found):
            if j in where and self.number[unit, where[j]] >= 0:
                self._need(unit, np.array([where[j]]), np.array(near, dtype=np.int64))
        options = {"mip_rel_gap": gap, "time_limit": left}
        found = self._run(nodes != 0, options | ({"node_limit": nodes} if nodes else {}))
        self.rows.forget(*kept)
        if nodes != 0:
            return self._read(found)
        if found.status == RULED_OUT:
            return None, np.inf, False
        low = found.fun - self.constant if found.status == SOLVED else -np.inf
        return None, low, found.status == OUT_OF_TIME

    def relaxed(self, before: np.ndarray) -> np.ndarray | None:
        """Base of each unit in the linear relaxation: the one it had, or the one with most."""
        found = self._run(False, {})
        if found.x is None:
            return None
        shares = np.zeros(self.number.shape)
        shares[self.unit, self.place] = found.x[: len(self.unit)]
        shares[(shares > SOME) & (self.bases[None] == before[:, None])] = np.inf
        base = self.bases[shares.argmax(axis=1)]
        base[self.model.unite_de[self.bases]] = self.bases
        known: np.ndarray = base
        return known

    def _run(self, whole: bool, options: dict[str, float]) -> Any:
        from scipy.optimize import Bounds, LinearConstraint, milp

        integrality = np.zeros(self.size)
        integrality[: len(self.unit) + len(self.bases)] = whole
        least = np.zeros(self.size)
        least[self.opened] = self.fixed
        return milp(
            np.concatenate(self.cost),
            integrality=integrality,
            bounds=Bounds(least, 1),
            constraints=LinearConstraint(*self.rows.matrix(self.size)),
            options=options,
        )

    def _read(self, found: Any) -> tuple[np.ndarray | None, float, bool]:
        status, values = found.status, found.x
        if status == RULED_OUT:
            return None, np.inf, False
        bound = getattr(found, "mip_dual_bound", None)
        low = -np.inf if bound is None else float(bound) - self.constant
        if values is None:
            return None, low, status == OUT_OF_TIME
        taken = np.flatnonzero(values[: len(self.unit)] > 0.5)
        base = np.empty(len(self.model.charge), dtype=np.int64)
        base[self.unit[taken]] = self.bases[self.place[taken]]
        return base, low, status == OUT_OF_TIME


def _steps(model: Model, starts: np.ndarray) -> np.ndarray:
    """Borders to cross from some units to each, shape (starts, units)."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import shortest_path

    count = len(model.voisins)
    rows = np.repeat(np.arange(count), [len(near) for near in model.voisins])
    columns = np.concatenate([*model.voisins, np.empty(0, dtype=np.int64)])
    graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    found: np.ndarray = shortest_path(graph, unweighted=True, indices=starts)
    return found


def within(model: Model, base: np.ndarray) -> bool:
    """Whether the loads of a plan are within their limits."""
    loads = np.bincount(base, model.charge, minlength=len(model.candidats))[np.unique(base)]
    spare = SLACK * model.moyenne
    return bool((loads >= model.bas - spare).all() and (loads <= model.haut + spare).all())
