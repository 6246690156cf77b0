"""Ranks over the draws: how often in the first fifth, and between which ranks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.robustness.collapsed import Ranked
from fragilite.robustness.records import FIFTH
from fragilite.scoring import TIE

#: Cells of one array of a chunk of draws (16 MB).
CELLS = 2**21


class Tally:
    """Ranks and first fifths, chunk by chunk; ranks take two bytes each under 65 536."""

    def __init__(self, draws: int, ranked: int) -> None:
        self.ranks = np.empty((draws, ranked), np.min_scalar_type(max(ranked, 1)))
        self.fifth = np.zeros(ranked)
        self.first = int(np.ceil(FIFTH * ranked - TIE))

    def add(self, where: np.ndarray | slice, index: np.ndarray) -> None:
        """Rank the index of some draws, shape (draws, ranked)."""
        ranked = index.shape[1]
        if not ranked:
            return
        order = np.argsort(index, axis=1)[:, ::-1]
        ordered = np.take_along_axis(index, order, axis=1)
        best = np.ones(index.shape, self.ranks.dtype)
        later = ordered[:, :-1] - ordered[:, 1:] > TIE
        np.multiply(later, np.arange(2, ranked + 1), out=best[:, 1:], casting="unsafe")
        np.maximum.accumulate(best, axis=1, out=best)
        ranks = np.empty_like(best)
        np.put_along_axis(ranks, order, best, axis=1)
        self.ranks[where] = ranks
        cut = best[:, self.first - 1, None]
        tied = ranks == cut
        share = (self.first + 1.0 - cut[:, 0]) / np.count_nonzero(tied, axis=1)
        self.fifth += np.count_nonzero(ranks < cut, axis=0) + share @ tied

    def table(self, indicators: pd.DataFrame, data: Ranked) -> pd.DataFrame:
        """Share of the first fifth and quantiles of the rank, by territory."""
        draws, ranked = self.ranks.shape
        places = [max(int(np.ceil(share * draws - TIE)) - 1, 0) for share in (0.5, 0.05, 0.95)]
        quantiles = np.empty((3, ranked))
        step = max(1, CELLS // draws)
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

    def shifts(self, declared: np.ndarray) -> np.ndarray:
        """Mean shift of the ranks from the declared ones, by draw."""
        shifts = np.full(len(self.ranks), np.nan)
        if not len(declared):
            return shifts
        step = max(1, CELLS // len(declared))
        for start in range(0, len(shifts), step):
            block = self.ranks[start : start + step]
            shifts[start : start + step] = np.abs(block - declared).mean(axis=1)
        return shifts


def steps(draws: int, ranked: int) -> Iterator[slice]:
    """Chunks of draws that hold in memory."""
    step = max(1, CELLS // max(ranked, 1))
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))


def check_draws(draws: int) -> None:
    """Refuse a number of draws under 1."""
    if draws < 1:
        raise UsageError(f"Nombre de tirages : au moins 1 attendu, trouvé {draws}.")
