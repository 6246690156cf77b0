"""N sectors of whole communes: balanced, compact, in one piece, EPCI respected as far as asked.

**What is minimised, in words.** The mean distance from a person to accompany to the base of their
post; each cut of an EPCI counts as some metres more. **What is imposed.** Each commune has one
sector, each sector is in one piece and holds its base, and the people of each sector are within a
tolerance of the mean load of a post. A commune heavier than a post has posts of its own, as many
whole ones as it holds; what they leave is shared like another commune.

**How.** A capacitated p-median with contiguity (Hess et al. 1965; Ríos-Mercado 2020). A Lagrangian
bound (:mod:`~fragilite.siting.bound`) says under which value no plan can go; its bases, and those
of a greedy start, are improved in turn: units to bases by mixed-integer programming
(:mod:`~fragilite.siting.assignment`), then each base to the best commune of its sector, until
nothing moves (Cooper 1964). If a gap is left, the bound rules out the bases and pairs that cannot
be in a plan better by most of the gap asked, and the program on the others closes it or is stopped
for time: the gap stated is always between a plan in hand and a proven bound. The same question has
the same answer, unless time stopped it, which is said.

**Measured** (two shared cores): Maine-et-Loire, 176 communes and 8 posts, 8 to 35 s for a gap of
0.8 %. See ``benchmarks/secteurs.py``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fragilite.siting.assignment import Answer, Cuts, assign, value_of, within
from fragilite.siting.bound import Bound, lower_bound
from fragilite.siting.problem import Model

#: Rounds of « assign, then move the bases ».
MOVES = 6
#: Bases among the nearest of which a unit is given, while plans are sought (all, when proven).
NEAREST = 5
#: Sets of bases of the bound that are tried.
TRIALS, STARTS = 20, 2
#: Communes near a base that are tried in its place.
AROUND = 6
#: Relaxations solved while bases are moved, times their pairs: two minutes on 800 communes.
EFFORT = 1_000_000
#: Share of the time after which bases stay: what is left goes to whole plans.
MOVING = 0.45
#: Nodes of the search tree of one assignment.
NODES = 50
#: Share of the gap asked under which a better plan is not looked for.
SHARE = 0.8


@dataclass(frozen=True)
class Found:
    """A plan in numbers.

    Attributes
    ----------
    base : ndarray of int64, shape (units,), or None
    valeur, borne : float
        The plan's objective, and under which none can go.
    temps : bool
        Stopped for time before the gap asked.
    """

    base: np.ndarray | None
    valeur: float
    borne: float
    temps: bool


def search(model: Model, gap: float, seconds: float) -> Found:
    """Best plan found, and how far it can be from the best possible.

    Parameters
    ----------
    model : Model
    gap : float
        Share of the value at which the search stops.
    seconds : float
    """
    hunt = _Hunt(model, gap, seconds)
    bound = lower_bound(model, _guess(model))
    hunt.low = max(bound.valeur, hunt.relaxation())
    hunt.try_bases([_greedy(model), *bound.bases[:TRIALS]])
    hunt.close(bound)
    best = hunt.best
    low = min(hunt.low, best.valeur)
    return Found(best.base, best.valeur, low, best.valeur - low > gap * best.valeur)


class _Hunt:
    """The best plan so far, the best bound so far, and the cuts met."""

    def __init__(self, model: Model, gap: float, seconds: float) -> None:
        self.model, self.gap = model, gap
        self.deadline = time.monotonic() + seconds
        self.moving = time.monotonic() + MOVING * seconds
        self.cuts = Cuts()
        self.best = Answer(None, np.inf, -np.inf)
        self.low = -np.inf
        self.known: dict[bytes, float] = {}

    @property
    def done(self) -> bool:
        """Whether the gap asked is reached, or time is over."""
        if time.monotonic() >= self.deadline:
            return True
        return self.best.base is not None and (
            self.best.valeur - self.low <= self.gap * self.best.valeur
        )

    @property
    def wanted(self) -> float:
        """Value under which a better plan is looked for."""
        return self.best.valeur * (1 - SHARE * self.gap)

    def relaxation(self) -> float:
        """Linear relaxation over all bases: as the Lagrangian bound, with what touches what."""
        found = assign(
            self.model, np.flatnonzero(self.model.candidats), cuts=self.cuts, gap=0.0,
            deadline=self.moving, nodes=0,
        )  # fmt: skip
        return found.borne

    def try_bases(self, sets: Iterable[np.ndarray]) -> None:
        """Improve plans from some sets of bases, those of the lowest relaxation first."""
        ranked = sorted(((self.relaxed(bases), bases) for bases in sets), key=lambda one: one[0])
        for _, bases in ranked[:STARTS]:
            if self.done:
                return
            self.descend(self.swapped(bases))

    def relaxed(self, bases: np.ndarray) -> float:
        """Linear relaxation of sharing units among some bases."""
        key = bases.tobytes()
        if key not in self.known:
            found = self.assign(bases, nodes=0, star=False, until=self.moving)
            self.known[key] = np.inf if found.temps else found.borne
        return self.known[key]

    def swapped(self, bases: np.ndarray) -> np.ndarray:
        """Move one base at a time to a commune near it, while the relaxation gets lower."""
        model, low, still = self.model, self.relaxed(bases), 0
        places = list(range(len(bases)))
        most = len(self.known) + EFFORT // (NEAREST * len(model.charge))
        while still < len(places) and len(self.known) < most:
            at = places[0]
            places = [*places[1:], at]
            still += 1
            for other in _around(model, int(bases[at])):
                moved = bases.copy()
                moved[at] = other
                if len(np.unique(model.unite_de[moved])) == len(moved):
                    value = self.relaxed(moved)
                    if value < low:
                        low, bases, still = value, moved, 0
                        break
        return bases

    def descend(self, bases: np.ndarray) -> None:
        """Assign units, move bases, again, while the plan gets better."""
        for _ in range(MOVES):
            if self.done:
                return
            found = self.assign(bases, under=self.wanted)
            if found.base is None:
                return
            self.keep(found.base)
            moved = recentred(self.model, found.base)
            if np.array_equal(moved, np.sort(bases)):
                return
            bases = moved

    def assign(
        self,
        bases: np.ndarray,
        under: float = np.inf,
        nodes: int = NODES,
        star: bool = True,
        until: float = np.inf,
    ) -> Answer:
        """Units to some bases, each among its nearest."""
        return assign(
            self.model, bases, allowed=nearest_pairs(self.model, bases), cuts=self.cuts,
            gap=self.gap / 2, deadline=min(until, self.deadline),
            star=star, under=under, nodes=nodes,
        )  # fmt: skip

    def keep(self, base: np.ndarray) -> None:
        """Remember a plan if it is the best of those that keep every rule."""
        value = value_of(self.model, base)
        if value < self.best.valeur and within(self.model, base):
            self.best = Answer(base, value, -np.inf)

    def close(self, bound: Bound) -> None:
        """Prove that nothing much better exists, or find it."""
        while not self.done:
            wanted = self.wanted
            bases = np.flatnonzero(bound.base < wanted)
            allowed = bound.paire < wanted
            if self.best.base is not None and len(bases) < self.model.postes:
                self.low = max(self.low, wanted)
                return
            found = assign(
                self.model, bases, allowed=allowed, cuts=self.cuts, gap=self.gap / 2,
                deadline=self.deadline, under=wanted,
            )  # fmt: skip
            self.low = max(self.low, min(found.borne, wanted))
            if found.base is None:
                return
            self.keep(found.base)


def _greedy(model: Model) -> np.ndarray:
    """Bases added one at a time, each where it shortens distances most."""
    nearest = np.full(len(model.charge), np.inf)
    free = model.candidats.copy()
    left = None if model.bases_par_epci is None else model.bases_par_epci.copy()
    bases: list[int] = []
    far = np.where(np.isfinite(model.cout), model.cout, 0).max() * len(model.charge) + 1
    cost = np.where(np.isfinite(model.cout), model.cout, far)
    for _ in range(model.postes):
        if left is not None:
            free &= left[model.epci] > 0
        if not free.any():
            return np.array(bases, dtype=np.int64)
        totals = np.minimum(nearest[:, None], cost).sum(axis=0)
        chosen = int(np.where(free, totals, np.inf).argmin())
        bases.append(chosen)
        nearest = np.minimum(nearest, cost[:, chosen])
        free &= model.unite_de != model.unite_de[chosen]
        if left is not None:
            left[model.epci[chosen]] -= 1
    return np.sort(np.array(bases, dtype=np.int64))


def _guess(model: Model) -> float:
    """Value of a plan that would ignore loads."""
    bases = _greedy(model)
    base = bases[model.cout[:, bases].argmin(axis=1)]
    return value_of(model, base)


def _around(model: Model, base: int) -> np.ndarray:
    """Candidates nearest to a base, itself left out."""
    away = np.where(model.candidats, model.ground.distances[base], np.nan)
    away[base] = np.nan
    order = np.argsort(away, kind="stable")[:AROUND]
    return order[np.isfinite(away[order])]


def nearest_pairs(model: Model, bases: np.ndarray) -> np.ndarray:
    """Pairs of each unit and its nearest bases."""
    allowed = np.zeros(model.cout.shape, dtype=bool)
    rank = np.argsort(np.argsort(model.cout[:, bases], axis=1, kind="stable"), axis=1)
    allowed[:, bases] = rank < NEAREST
    return allowed


def recentred(model: Model, base: np.ndarray) -> np.ndarray:
    """Best base of each sector, among its own communes."""
    found = []
    for j in np.unique(base):
        units = np.flatnonzero(base == j)
        mine = np.flatnonzero(np.isin(model.unite_de, units) & model.candidats)
        totals = model.cout[np.ix_(units, mine)].sum(axis=0)
        found.append(int(mine[totals.argmin()]))
    return np.sort(np.array(found))
