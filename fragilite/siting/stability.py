"""How often a commune stays in its sector when the need is drawn again.

An approximation, cheap on purpose: for each draw, the bases of the plan are kept, units are shared
again by the linear relaxation (all units but about one per base come out whole; the others stay, or
go where most of them is), each base moves to the best commune of its sector, and units are shared
once more. A commune leaves its sector only for one that is nearer by a declared share, or because
loads require it: what two plans of the same worth decide by a hair is not unsteadiness. For the
same reason what a draw changes is counted against the plan's own need shared again in this manner.
Sectors are then matched with those of the plan so that as many people as possible keep theirs
(Kuhn 1955, the Hungarian method). A whole search per draw could move more communes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.french import number
from fragilite.siting.assignment import rounded
from fragilite.siting.parameters import declared
from fragilite.siting.problem import Model
from fragilite.siting.roadmap import Roadmap
from fragilite.siting.sectors import nearest_pairs, recentred


@dataclass(frozen=True)
class Stability:
    """Share of the draws where each commune keeps its sector.

    Attributes
    ----------
    communes : Series of float64
        0–1, by ``code_insee``.
    tirages : int
        Draws that have a balanced sharing: the others tell nothing.
    sans_partage : int
        Draws that have none.
    """

    communes: pd.Series
    tirages: int
    sans_partage: int


def stability(found: Roadmap, draws: np.ndarray, most: int = 100) -> Stability:
    """Share the territory again for draws of its need.

    Parameters
    ----------
    found : Roadmap
    draws : ndarray of float64, shape (draws, communes)
        Need of each commune, in the order of the ground.
    most : int
        Draws used at most, evenly spaced among those given.
    """
    model = found.modele
    if draws.ndim != 2 or draws.shape[1] != len(model.ground.codes) or not len(draws):
        raise UsageError(
            f"Tirages de forme {draws.shape} : une ligne par tirage et "
            f"{number(len(model.ground.codes))} communes attendues."
        )
    chosen = np.unique(np.linspace(0, len(draws) - 1, min(most, len(draws))).round().astype(int))
    kept = np.zeros(len(model.ground.codes))
    counted = 0
    plain = _redrawn(model, model.ground.besoin)
    own = None if plain is None else _shared_again(plain, found.base)
    reference = found.base if own is None else own
    for draw in draws[chosen]:
        drawn = _redrawn(model, draw)
        base = None if drawn is None else _shared_again(drawn, found.base)
        if drawn is not None and base is not None:
            kept += _same(drawn, reference, base)[model.unite_de]
            counted += 1
    share = kept / counted if counted else np.full(len(kept), np.nan)
    codes = pd.Index(model.ground.codes, name="code_insee")
    return Stability(pd.Series(share, codes), counted, len(chosen) - counted)


def _redrawn(model: Model, need: np.ndarray) -> Model | None:
    """The same question with another need; dedicated posts keep their share of their commune."""
    before = np.nan_to_num(model.ground.besoin)
    left = before.copy()
    for one in model.dedies:
        left[one.commune] -= one.postes * model.moyenne
    part = np.divide(left, before, out=np.ones_like(left), where=before > 0)
    now = np.maximum(np.nan_to_num(need), 0) * part
    if now.sum() <= 0:
        return None
    weight = np.maximum(now, declared("plancher_commune") * now.mean())
    metres = np.where(np.isnan(model.ground.distances), np.inf, model.ground.distances)
    cost = weight[:, None] * metres / weight.sum()
    mean = now.sum() / model.postes
    ratio = mean / model.moyenne
    return replace(
        model,
        charge=np.array([now[unit].sum() for unit in model.membres]),
        cout=np.array([cost[unit].sum(axis=0) for unit in model.membres]),
        bas=model.bas * ratio, haut=model.haut * ratio, moyenne=mean,
    )  # fmt: skip


def _shared_again(model: Model, before: np.ndarray) -> np.ndarray | None:
    bases = np.unique(before)
    base = _share(model, bases, before)
    if base is None:
        return None
    moved = recentred(model, base)
    if np.array_equal(moved, bases):
        return base
    heir = _heirs(model, base, moved)
    now = np.array([heir.get(int(j), int(j)) for j in before])
    again = _share(model, moved, now)
    return base if again is None else again


def _heirs(model: Model, base: np.ndarray, moved: np.ndarray) -> dict[int, int]:
    """New base of each sector, by its old one."""
    return {int(base[model.unite_de[j]]): int(j) for j in moved}


def _share(model: Model, bases: np.ndarray, before: np.ndarray) -> np.ndarray | None:
    """Share units among bases, each rather to the one that it has."""
    rows = np.arange(len(before))
    cost = model.cout.copy()
    cost[rows, before] *= 1 - declared("attachement")
    allowed = nearest_pairs(model, bases)
    allowed[rows, before] = True
    return rounded(replace(model, cout=cost), bases, allowed, before)


def _same(model: Model, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Units whose sectors match."""
    from scipy.optimize import linear_sum_assignment

    old, first = np.unique(before, return_inverse=True)
    new, second = np.unique(after, return_inverse=True)
    people = np.zeros((len(old), len(new)))
    np.add.at(people, (first, second), model.charge)
    rows, columns = linear_sum_assignment(people, maximize=True)
    match = np.full(len(old), -1)
    match[rows] = columns
    kept: np.ndarray = match[first] == second
    return kept
