"""Ranks over the draws: how often in the first fifth, and between which ranks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fragilite.robustness.collapsed import Ranked
from fragilite.robustness.records import FIFTH
from fragilite.scoring import TIE

#: Ranks that are sorted at once, over the draws, for the quantiles.
BLOCK = 2**21


def descending(scores: np.ndarray) -> np.ndarray:
    """Places of the scores, the highest first; equal ones in the order given.

    A radix sort on 65 536 steps from the highest to the lowest, then a merge sort of what is nearly
    sorted: the order of ``np.argsort(-scores, kind="stable")``, in a third of its time on 35 000
    scores.

    Parameters
    ----------
    scores : ndarray of float64, shape (ranked,)

    Returns
    -------
    ndarray of int64, shape (ranked,)

    Examples
    --------
    >>> descending(np.array([10.0, 30.0, 20.0, 30.0])).tolist()
    [1, 3, 2, 0]
    """
    high = scores.max()
    span = high - scores.min()
    if not TIE < span < np.inf:
        return np.argsort(-scores, kind="stable")
    coarse = ((high - scores) * (65_535 / span)).astype(np.uint16)
    near: np.ndarray = np.argsort(coarse, kind="stable")
    return near[np.argsort(-scores[near], kind="stable")]


def ranks_of(index: np.ndarray) -> np.ndarray:
    """Ranks of each row, 1 = highest; scores nearer than `TIE` to the one above share its rank.

    Parameters
    ----------
    index : ndarray of float64, shape (draws, ranked)

    Returns
    -------
    ndarray of unsigned integers, same shape
        Two bytes each under 65 536 territories.

    Examples
    --------
    >>> ranks_of(np.array([[10.0, 30.0, 30.0, 20.0]])).tolist()
    [[4, 1, 1, 3]]
    """
    ranked = index.shape[1]
    places = np.arange(1, ranked + 1, dtype=np.min_scalar_type(max(ranked, 1)))
    ranks = np.empty(index.shape, places.dtype)
    for scores, found in zip(index, ranks, strict=True):
        order = descending(scores)
        ordered = scores[order]
        apart = ordered[:-1] - ordered[1:] > TIE
        if apart.all():
            found[order] = places
        else:
            best = places.copy()
            best[1:] *= apart
            found[order] = np.maximum.accumulate(best, out=best)
    return ranks


def mean_shifts(ranks: np.ndarray, declared: np.ndarray) -> np.ndarray:
    """Mean over the territories of how far each is from its declared rank, by draw.

    Parameters
    ----------
    ranks : ndarray of unsigned integers, shape (draws, ranked)
    declared : ndarray of int64, shape (ranked,)

    Returns
    -------
    ndarray of float64, shape (draws,)

    Source: Saisana, Saltelli and Tarantola (2005), JRSS A 168, average shift in countries' rank.
    """
    return np.array([np.abs(row - declared).sum() for row in ranks]) / len(declared)


class Tally:
    """Ranks, first fifths and shifts of the draws, filled chunk by chunk.

    Parameters
    ----------
    declared : ndarray of int64, shape (ranked,)
        Ranks of the declared method.
    """

    def __init__(self, draws: int, declared: np.ndarray) -> None:
        ranked = len(declared)
        self.declared = declared
        self.ranks = np.empty((draws, ranked), np.min_scalar_type(max(ranked, 1)))
        self.shifts = np.full(draws, np.nan)
        self.fifth = np.zeros(ranked)
        self.first = int(np.ceil(FIFTH * ranked - TIE))

    def place(self, where: np.ndarray | slice, index: np.ndarray) -> np.ndarray:
        """Rank the index of some draws, shape (draws, ranked).

        Returns
        -------
        ndarray of float64, shape (ranked,)
            How many of these draws each territory is in the first fifth of, ties at the cut sharing
            it: the caller adds them up, in one order whatever the threads.
        """
        if not index.size:
            return np.zeros(len(self.fifth))
        ranks = ranks_of(index)
        self.ranks[where] = ranks
        self.shifts[where] = mean_shifts(ranks, self.declared)
        cut = np.where(ranks <= self.first, ranks, 0).max(axis=1, keepdims=True)
        tied = ranks == cut
        share = (self.first + 1.0 - cut[:, 0]) / np.count_nonzero(tied, axis=1)
        shared = np.einsum("d,dn->n", share, tied)
        counts: np.ndarray = np.count_nonzero(ranks < cut, axis=0) + shared
        return counts

    def table(self, indicators: pd.DataFrame, data: Ranked) -> pd.DataFrame:
        """Share of the first fifth and quantiles of the rank, by territory."""
        draws, ranked = self.ranks.shape
        places = [max(int(np.ceil(share * draws - TIE)) - 1, 0) for share in (0.5, 0.05, 0.95)]
        quantiles = np.empty((3, ranked))
        step = max(1, BLOCK // draws)
        for start in range(0, ranked, step):
            block = np.ascontiguousarray(self.ranks[:, start : start + step].T)
            block.sort(axis=1)
            quantiles[:, start : start + step] = block[:, places].T
        found = np.full((4, len(indicators)), np.nan)
        found[:, data.rows] = np.vstack([self.fifth / draws, quantiles])
        table = pd.DataFrame({"premier_cinquieme": found[0]}, index=indicators.index)
        for name, values in zip(
            ("rang_median", "rang_min_90", "rang_max_90"), found[1:], strict=True
        ):
            table[name] = pd.Series(values, indicators.index).astype("Int64")
        return table
