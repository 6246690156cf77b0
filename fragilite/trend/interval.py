"""Intervals of figures, and of their differences, from the noise that a method declares."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from fragilite.indicators import Figure
from fragilite.robustness.laws import Known
from fragilite.robustness.records import Noise

#: Share of the samples whose interval holds what it measures, and its normal quantile.
LEVEL = 0.90
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class Ends:
    """Figures with the bounds of their intervals at 90 %, Series on the same index.

    A bound that would leave the figure out (0 % observed) is the figure itself.
    """

    value: pd.Series
    low: pd.Series
    high: pd.Series

    @classmethod
    def of(cls, value: pd.Series, low: np.ndarray, high: np.ndarray) -> Ends:
        """Bounds around figures, on their index."""
        low, high = np.fmin(low, value.to_numpy()), np.fmax(high, value.to_numpy())
        return cls(value, pd.Series(low, value.index), pd.Series(high, value.index))

    @classmethod
    def exact(cls, value: pd.Series) -> Ends:
        """Figures without noise: counted in full."""
        return cls(value, value, value)

    @classmethod
    def rounded(cls, value: pd.Series, step: float) -> Ends:
        """Figures published to the nearest `step`."""
        return cls(value, value - step / 2, value + step / 2)


@dataclass(frozen=True)
class Change:
    """Differences with the bounds of their intervals at 90 %, Series on the same index."""

    value: pd.Series
    low: pd.Series
    high: pd.Series


def difference(before: Ends, after: Ends) -> Change:
    """After − before, of two independent samples.

    With d = a − b, the bounds are d − √((a − a₋)² + (b₊ − b)²) and d + √((a₊ − a)² + (b − b₋)²):
    those of each figure are kept, be they uneven, and of a share of few people they are.

    Source: Newcombe (1998), Statistics in Medicine 17, 873–890 ; Zou and Donner (2008), Statistics
    in Medicine 27, 1693–1702.

    Examples
    --------
    >>> def ends(*cells):
    ...     return Ends(*(pd.Series([cell]) for cell in cells))
    >>> found = difference(ends(40.0, 37.0, 43.0), ends(50.0, 46.0, 54.0))
    >>> found.low.tolist(), found.high.tolist()
    ([5.0], [15.0])
    """
    value = after.value - before.value
    down = np.hypot(after.value - after.low, before.high - before.value)
    up = np.hypot(after.high - after.value, before.value - before.low)
    return Change(value, value - down, value + up)


def share_ends(
    code: str, figure: Figure, noise: Noise, people: pd.Series, *, smoothed: bool = False
) -> Ends:
    """Interval of a share of the census, by the law that the uncertainty draws it from.

    Parameters
    ----------
    code : str
    figure : Figure
    noise : Noise
        Survey variance, and that of small numbers where the method counts it.
    people : Series of float64
        Inhabitants: from `exhaustif` up, a commune is surveyed by sample.
    smoothed : bool
        The interval of the share that is scored, where the method smooths it.
    """
    known = smoothed and figure.lissage is not None
    value = figure.scored if known else figure.values
    centre, spread = _law(code, figure, noise, people, smoothed=known)
    return Ends.of(value, _percent(centre - Z * spread), _percent(centre + Z * spread))


def group_ends(
    code: str,
    grouped: Figure,
    figure: Figure,
    noise: Noise,
    people: pd.Series,
    groups: pd.Series,
) -> Ends:
    """Interval of a share of groups of communes: variances of sums of independent counts.

    V = Σ N²v / (Σ N)², v being the variance of each commune's share, then the logit scale, as for a
    commune.

    Parameters
    ----------
    grouped : Figure
        On the groups.
    figure : Figure
        On the communes.
    groups : Series of str
        Group of each commune; missing where it belongs to none.
    """
    centre, spread = _law(code, figure, noise, people, smoothed=False)
    share = _percent(centre) / 100
    counts = figure.parts["denominateur"].where(figure.values.notna())
    weighted = counts**2 * (spread * share * (1 - share)) ** 2
    index = grouped.values.index
    variance = weighted.groupby(groups).sum().reindex(index)
    whole = counts.groupby(groups).sum().reindex(index)
    middle = (grouped.values / 100).to_numpy()
    if noise.modele == "superpopulation":  # a group of 0 % has an interval too
        middle = ((middle * whole + 0.5) / (whole + 1)).to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.nan_to_num((np.sqrt(variance) / whole).to_numpy() / (middle * (1 - middle)))
        on_logit = np.log(middle / (1 - middle))
    return Ends.of(grouped.values, _percent(on_logit - Z * wide), _percent(on_logit + Z * wide))


def _law(
    code: str, figure: Figure, noise: Noise, people: pd.Series, *, smoothed: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and standard deviation of shares on the logit scale, as the uncertainty has them."""
    index = figure.values.index
    counts = figure.parts["denominateur"].to_numpy(np.float64)
    values = figure.scored if smoothed else figure.values
    lissage = figure.lissage if smoothed else None
    known = Known(
        noise,
        {code: values.to_numpy(np.float64)},
        {code: np.where(counts > 0, counts, np.nan)},
        noise.factor(people.reindex(index).to_numpy(np.float64)),
        {} if lissage is None else {code: lissage.at(index)},
    )
    return known.law(code)


def _percent(logit: np.ndarray) -> np.ndarray:
    """Share of a logit, in %."""
    with np.errstate(over="ignore"):
        found: np.ndarray = 100 / (1 + np.exp(-logit))
    return found
