"""Correlations, and how much they depend on which territories are there: percentile bootstrap.

A correlation over a few territories moves when a few of them go. :func:`interval` redraws the
territories with replacement, many times, and reads where 95 % of the correlations fall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fragilite.robustness import SEED

#: Under this many rows there is no interval: 5 rows can be redrawn in 126 ways only.
LEAST = 5
#: Under this many rows there is no correlation: two points are always on a line.
LEAST_ROWS = 3
#: Rows times draws, at most, but never under `LEAST_DRAWS`: for 35 000 communes, 200 draws of
#: Kendall's tau take 1.2 s, and the interval is a hundredth wide.
ROWS_DRAWN = 7_000_000
LEAST_DRAWS = 200
#: Share of the draws that may have no correlation (a column drawn constant) before the interval
#: is given up: what is left would no longer be a random part.
LOST = 0.05
#: Cells of one array of a chunk of draws (8 MB).
CELLS = 2**20

Statistic = Callable[..., np.ndarray]
"""Takes arrays of shape (…, rows), returns one of shape (…)."""


@dataclass(frozen=True)
class Interval:
    """A statistic and its bootstrap interval.

    Attributes
    ----------
    valeur : float
        On the rows as they are; NaN where it does not exist.
    bas, haut : float
        Ends of the interval; NaN where there are too few rows, or too many draws without a value.
    effectif : int
        Rows without a missing value.
    tirages : int
        Draws that gave a value; 0 without an interval.
    """

    valeur: float
    bas: float
    haut: float
    effectif: int
    tirages: int


def interval(
    statistic: Statistic,
    *arrays: np.ndarray,
    draws: int = 1000,
    seed: int = SEED,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of a statistic of rows.

    Rows are redrawn with replacement, the same ones in every array. Two statistics of as many rows,
    with the same seed, see the same draws: their intervals compare.

    Parameters
    ----------
    statistic : callable
        Takes the arrays, of shape (…, rows), returns one of shape (…); NaN where it does not exist.
    *arrays : ndarray of float64, shape (rows,)
        Rows where one is missing are left out.
    draws : int
        Asked for; over many rows, no more than 7 million / rows, but never cut under 200.
    seed : int
        The same call gives the same numbers.
    level : float
        Share of the draws within the interval.

    Returns
    -------
    Interval

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> found = interval(pearson, x, 2 * x + 1)
    >>> round(found.valeur, 12), round(found.bas, 12), found.effectif, found.tirages
    (1.0, 1.0, 10, 1000)
    >>> interval(pearson, x[:4], x[:4] ** 2).tirages
    0
    """
    cells = np.array([np.asarray(array, dtype=np.float64) for array in arrays])
    cells = np.ascontiguousarray(cells[:, ~np.isnan(cells).any(axis=0)])
    rows = cells.shape[1]
    value = float(statistic(*cells)) if rows >= LEAST_ROWS else np.nan
    if rows < LEAST or np.isnan(value) or draws < 1:
        return Interval(value, np.nan, np.nan, rows, 0)
    asked = min(draws, max(LEAST_DRAWS, ROWS_DRAWN // rows))
    found = _redrawn(statistic, cells, asked, seed)
    kept = found[~np.isnan(found)]
    if len(kept) < (1 - LOST) * asked:
        return Interval(value, np.nan, np.nan, rows, 0)
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), rows, len(kept))


def _redrawn(statistic: Statistic, cells: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """The statistic of each draw."""
    random = np.random.default_rng(seed)
    rows = cells.shape[1]
    step = max(1, CELLS // rows)
    found = []
    for start in range(0, draws, step):
        places = random.integers(rows, size=(min(step, draws - start), rows))
        found.append(statistic(*(array[places] for array in cells)))
    return np.concatenate(found)


# --- correlations ----------------------------------------------------------------------------


def pearson(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Pearson's correlation.

    Parameters
    ----------
    one, other : ndarray of float64, shape (…, rows)
        Without missing values.

    Returns
    -------
    ndarray of float64, shape (…)
        NaN where one of the two does not vary.

    Source: Pearson (1895), Proceedings of the Royal Society of London 58.

    Examples
    --------
    >>> round(float(pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 4.0]))), 6)
    0.981981
    """
    return weighted_pearson(one, other, np.ones_like(one))


def weighted_pearson(one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson's correlation where each row counts for its weight.

    cov(x, y) / √(var(x)·var(y)), each Σ w·(x − x̄)(y − ȳ) / Σ w with x̄ = Σ w·x / Σ w.

    Parameters
    ----------
    one, other, weights : ndarray of float64, shape (…, rows)
        Without missing values; weights positive or null.

    Returns
    -------
    ndarray of float64, shape (…)
        NaN where one of the two does not vary over the rows that weigh.

    Examples
    --------
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0])
    >>> float(weighted_pearson(x, y, np.array([1.0, 1.0, 0.0]))) > 1 - 1e-12
    True
    """
    still = _still(one, weights) | _still(other, weights)
    whole = weights.sum(axis=-1, keepdims=True)
    shares = np.divide(weights, whole, out=np.zeros_like(weights), where=whole > 0)
    x, y = (array - (shares * array).sum(axis=-1, keepdims=True) for array in (one, other))
    product = (shares * x * y).sum(axis=-1)
    size = np.sqrt((shares * x**2).sum(axis=-1) * (shares * y**2).sum(axis=-1))
    known = ~still & (size > 0)
    found: np.ndarray = np.divide(product, size, out=np.full(product.shape, np.nan), where=known)
    return found.clip(-1, 1)


def _still(array: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Whether the rows that weigh are all equal: rounding must not make a variance of them."""
    high = np.where(weights > 0, array, -np.inf).max(axis=-1)
    low = np.where(weights > 0, array, np.inf).min(axis=-1)
    still: np.ndarray = ~(high > low)
    return still


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, the least first, ties sharing the mean of their places.

    Parameters
    ----------
    values : ndarray of float64, shape (…, rows)

    Returns
    -------
    ndarray of float64, same shape

    Examples
    --------
    >>> mean_ranks(np.array([10.0, 30.0, 30.0, 20.0]))
    array([1. , 3.5, 3.5, 2. ])
    """
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1)
    places = np.arange(values.shape[-1], dtype=np.float64)
    fresh = np.ones(values.shape, dtype=bool)
    fresh[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    last = np.ones(values.shape, dtype=bool)
    last[..., :-1] = fresh[..., 1:]
    first = np.maximum.accumulate(np.where(fresh, places, 0), axis=-1)
    backwards = np.where(last, places, np.inf)[..., ::-1]
    end = np.minimum.accumulate(backwards, axis=-1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + end) / 2 + 1, axis=-1)
    return ranks


def spearman(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation: Pearson's, of mean ranks.

    Parameters and result are those of :func:`pearson`.

    Source: Spearman (1904), American Journal of Psychology 15.

    Examples
    --------
    >>> round(float(spearman(np.array([1.0, 2.0, 9.0]), np.array([1.0, 8.0, 8.5]))), 12)
    1.0
    """
    return pearson(mean_ranks(one), mean_ranks(other))


def kendall(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's tau-b: concordant less discordant pairs, corrected for ties.

    Parameters and result are those of :func:`pearson`.

    Source: Kendall (1945), Biometrika 33.

    Examples
    --------
    >>> round(float(kendall(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0]))), 12)
    0.333333333333
    """
    from scipy.stats import kendalltau  # 0.4 s to import: only those who ask pay it

    flat = one.reshape(-1, one.shape[-1]), other.reshape(-1, other.shape[-1])
    # The exact p-value, unread here, would cost more than the statistic.
    found = [kendalltau(x, y, method="asymptotic").statistic for x, y in zip(*flat, strict=True)]
    return np.array(found, dtype=np.float64).reshape(one.shape[:-1])
