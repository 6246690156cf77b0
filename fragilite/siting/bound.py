"""A mean distance under which no plan can go: Lagrangian bound, and what it rules out.

The constraints « each unit has one base » and « the load of a base is within its limits » are
priced; what is left splits by base, and inside a base by EPCI, and is solved by hand. Any prices
give a valid bound; a subgradient search finds good ones. Contiguity, pairs kept apart, bases per
EPCI and communes per sector are left out, which can only lower the bound: it stays valid.

Source: Beasley (1993), Lagrangean heuristics for location problems, European Journal of Operational
Research 65 (3); Held, Wolfe and Crowder (1974), Mathematical Programming 6, for the search.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fragilite.siting.problem import Model

#: Rounds of the search, and rounds without progress before the step is halved.
ROUNDS, PATIENCE = 2_000, 100
#: Halvings of the interval where the price of a base's load is sought, and rounds between searches.
BISECTIONS, EVERY = 14, 4


@dataclass(frozen=True)
class Bound:
    """The bound, and what it says of each base and of each pair.

    Attributes
    ----------
    valeur : float
        Of the objective, EPCI included.
    bases : tuple of ndarray of int64
        Sets of bases met on the way, best bound first, without repetition.
    base : ndarray of float64, shape (communes,)
        Bound of the plans that have this base.
    paire : ndarray of float64, shape (units, communes)
        Bound of the plans that give this unit to this base.
    """

    valeur: float
    bases: tuple[np.ndarray, ...]
    base: np.ndarray
    paire: np.ndarray


class _Relaxed:
    """The priced problem: value, bases and subgradient for some prices."""

    def __init__(self, model: Model) -> None:
        order = np.argsort(model.premier_groupe, kind="stable")
        groups = model.premier_groupe[order]
        self.starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
        self.places = np.cumsum(np.r_[True, groups[1:] != groups[:-1]]) - 1
        self.order = order
        self.columns = np.flatnonzero(model.candidats)
        self.cost = model.cout[np.ix_(order, self.columns)]
        self.load = model.charge[order]
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        self.own = back[model.unite_de[self.columns]]
        self.cut = model.poids_epci
        self.low, self.high, self.posts = model.bas, model.haut, model.postes
        self.constant = -model.poids_epci * len(np.unique(model.epci))
        self.every = np.arange(len(self.columns))

    def reduced(self, prices: np.ndarray, loads: np.ndarray) -> np.ndarray:
        """Reduced cost of each pair, shape (units, bases)."""
        found: np.ndarray = self.cost - prices[:, None]
        found += self.load[:, None] * loads[None]
        return found

    def groups(self, reduced: np.ndarray) -> np.ndarray:
        """What each EPCI would bring to each base, before its cut is paid for."""
        gains = np.minimum(reduced, 0)
        gains[self.own, self.every] = reduced[self.own, self.every]
        found: np.ndarray = self.cut + np.add.reduceat(gains, self.starts, axis=0)
        return found

    def chosen_groups(self, groups: np.ndarray) -> np.ndarray:
        """EPCI that each base takes: those that pay, and its own."""
        taken = groups < 0
        taken[self.places[self.own], self.every] = True
        return taken

    def chosen(self, reduced: np.ndarray, taken: np.ndarray) -> np.ndarray:
        """Units that each base takes."""
        found: np.ndarray = (reduced < 0) & taken[self.places]
        found[self.own, self.every] = True
        return found

    def values(self, groups: np.ndarray, taken: np.ndarray, loads: np.ndarray) -> np.ndarray:
        """What opening each base brings."""
        brought: np.ndarray = np.where(taken, groups, 0).sum(axis=0)
        brought -= np.maximum(loads * self.high, loads * self.low)
        return brought

    def best_loads(self, prices: np.ndarray, loads: np.ndarray, scale: float) -> np.ndarray:
        """Prices of the loads that raise each base's value most, by bisection on its slope."""
        below, above = np.full(len(loads), -scale), np.full(len(loads), scale)
        middle = loads
        for _ in range(BISECTIONS):
            reduced = self.reduced(prices, middle)
            taken = self.chosen_groups(self.groups(reduced))
            total = self.load @ self.chosen(reduced, taken)
            rising = total > np.where(middle >= 0, self.high, self.low)
            still = (middle == 0) & (total >= self.low) & (total <= self.high)
            below = np.where(rising | still, middle, below)
            above = np.where(~rising | still, middle, above)
            middle = (below + above) / 2
        return middle


def lower_bound(model: Model, reached: float) -> Bound:
    """Search prices that give a high bound.

    Parameters
    ----------
    model : Model
    reached : float
        Value of a plan, or a guess of it: it sets the length of the steps, nothing else.

    Returns
    -------
    Bound
    """
    relaxed = _Relaxed(model)
    finite = np.where(np.isfinite(relaxed.cost), relaxed.cost, np.nan)
    prices = np.nan_to_num(np.nanquantile(finite, 0.2, axis=1))
    loads = np.zeros(len(relaxed.columns))
    scale = 4 * float(np.nansum(finite, axis=0).max()) / model.charge.sum()
    best, kept, idle, step = -np.inf, (prices, loads), 0, 1.0
    direction = np.zeros_like(prices)
    met: dict[bytes, tuple[float, np.ndarray]] = {}
    for turn in range(ROUNDS):
        if turn % EVERY == 0:
            loads = relaxed.best_loads(prices, loads, scale)
        reduced = relaxed.reduced(prices, loads)
        groups = relaxed.groups(reduced)
        taken = relaxed.chosen_groups(groups)
        values = relaxed.values(groups, taken, loads)
        opened = np.sort(np.argsort(values, kind="stable")[: model.postes])
        value = float(prices.sum() + values[opened].sum() + relaxed.constant)
        key = opened.tobytes()
        if key not in met or value > met[key][0]:
            met[key] = (value, relaxed.columns[opened])
        if value > best:
            idle = 0 if value > best + 1e-4 * abs(reached) else idle + 1
            best, kept = value, (prices, loads)
        else:
            idle += 1
        if idle >= PATIENCE:
            idle, step = 0, step / 2
            prices, loads = kept
            direction[:] = 0
            continue
        slope = 1.0 - relaxed.chosen(reduced, taken)[:, opened].sum(axis=1)
        direction = slope + 0.6 * direction
        norm = float(direction @ direction)
        if norm < 1e-12 or step < 1e-3:
            break
        prices = prices + step * max(reached - value, 1e-3 * abs(reached)) * direction / norm
    ordered = sorted(met.values(), key=lambda one: -one[0])
    return _told(model, relaxed, *kept, tuple(bases for _, bases in ordered))


def _told(
    model: Model,
    relaxed: _Relaxed,
    prices: np.ndarray,
    loads: np.ndarray,
    bases: tuple[np.ndarray, ...],
) -> Bound:
    """What some prices prove: the bound with each base forced open, with each pair forced."""
    reduced = relaxed.reduced(prices, loads)
    groups = relaxed.groups(reduced)
    taken = relaxed.chosen_groups(groups)
    values = relaxed.values(groups, taken, loads)
    order = np.argsort(values, kind="stable")
    opened = order[: model.postes]
    value = float(prices.sum() + values[opened].sum() + relaxed.constant)
    last = values[opened[-1]]
    inside = np.zeros(len(values), dtype=bool)
    inside[opened] = True
    forced = value + np.where(inside, 0, values - last)
    extra = np.maximum(reduced, 0)
    extra[relaxed.own, relaxed.every] = 0
    extra += np.where(taken, 0, np.maximum(groups, 0))[relaxed.places]
    base = np.full(len(model.candidats), np.inf)
    base[relaxed.columns] = forced
    pair = np.full(model.cout.shape, np.inf)
    pair[np.ix_(relaxed.order, relaxed.columns)] = forced[None] + extra
    return Bound(value, bases, base, pair)
