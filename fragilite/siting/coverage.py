"""Where some places serve most people within a radius, and what one more would change.

Maximal covering location (Church and ReVelle 1974, Papers of the Regional Science Association 32):
maximise Σ people·covered, covered[i] ≤ Σ open[j] over the places j within the radius of i, exactly
p new places, those that exist being open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.french import number

#: What all people weigh in the program, whatever their number, and the order of candidates: under
#: one person in a million, it settles ties and only ties, above what the solver rounds.
WHOLE, TIE = 1e6, 1.0


@dataclass(frozen=True)
class Cover:
    """Places that cover most.

    Attributes
    ----------
    choisis : tuple of int
        Columns of the new places, in order.
    personnes, total : float
        Covered with them, and in all.
    borne : float
        Over which no choice of as many places goes.
    courbe : DataFrame
        By number of new places, from 0 to one more than asked: ``personnes``, ``part`` (%),
        ``gain`` (people, over one place fewer).
    """

    choisis: tuple[int, ...]
    personnes: float
    total: float
    borne: float
    courbe: pd.DataFrame


def cover(
    people: np.ndarray,
    distances: np.ndarray,
    places: int,
    radius: float,
    existing: np.ndarray | None = None,
) -> Cover:
    """Choose where to open places.

    Parameters
    ----------
    people : ndarray of float64, shape (communes,)
        Weights; NaN where not known: not counted.
    distances : ndarray of float64, shape (communes, candidates)
        NaN where no trip is known: not covered.
    places : int
        New ones.
    radius : float
        In the unit of the distances.
    existing : ndarray of bool, shape (candidates,), optional
        Those already open.

    Returns
    -------
    Cover

    Raises
    ------
    UsageError
        More places than candidates, or a radius that is not positive.
    """
    opened = np.zeros(distances.shape[1], dtype=bool) if existing is None else existing
    free = int((~opened).sum())
    if not 0 < places <= free:
        raise UsageError(
            f"{number(places)} lieux à ouvrir pour {number(free)} emplacements possibles.",
            "Demandez un nombre entre 1 et celui des emplacements.",
        )
    if not 0 < radius < np.inf:
        raise UsageError(f"Rayon de {number(radius, 1)} : un nombre positif attendu.")
    weights = np.nan_to_num(people)
    near = distances <= radius  # NaN is not
    curve = [float(weights[near[:, opened].any(axis=1)].sum())]
    chosen: np.ndarray = np.empty(0, dtype=np.int64)
    bound = curve[0]
    for count in range(1, min(places + 1, free) + 1):
        found, high = _best(weights, near, opened, count)
        curve.append(float(weights[near[:, opened | found].any(axis=1)].sum()))
        if count == places:
            chosen, bound = np.flatnonzero(found), high
    total = float(weights.sum())
    table = pd.DataFrame({"lieux": np.arange(len(curve)), "personnes": curve})
    table["part"] = 100 * table["personnes"] / total if total > 0 else np.nan
    table["gain"] = table["personnes"].diff()
    return Cover(tuple(chosen.tolist()), curve[places], total, max(bound, curve[places]), table)


def _best(
    weights: np.ndarray, near: np.ndarray, opened: np.ndarray, count: int
) -> tuple[np.ndarray, float]:
    """New places, and a bound of what as many can cover."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_matrix, hstack, identity

    communes, candidates = near.shape
    scale = WHOLE / max(weights.sum(), 1e-12)
    tie = TIE / candidates**2 * np.arange(candidates)
    matrix = hstack([identity(communes), csr_matrix(-near.astype(float))])
    low = np.r_[np.zeros(communes), opened.astype(float)]
    total = np.r_[np.zeros(communes), (~opened).astype(float)][None]
    found = milp(
        np.r_[-scale * weights, tie],
        integrality=np.r_[np.zeros(communes), np.ones(candidates)],
        bounds=Bounds(low, 1),
        constraints=[LinearConstraint(matrix, -np.inf, 0), LinearConstraint(total, count, count)],
        options={"mip_rel_gap": 0.0},
    )
    assert found.x is not None, found.message  # any choice of places is a solution
    return (found.x[communes:] > 0.5) & ~opened, (
        float(-found.mip_dual_bound) + float(tie.sum())
    ) / scale
