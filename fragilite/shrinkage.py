"""Empirical-Bayes shrinkage of shares observed on few people, towards those of a larger area.

For counts of people only: never for a median, nor for what an operator declares in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Under this many members, the variance of an area is not known well enough.
LEAST = 8


@dataclass(frozen=True)
class Smoothed:
    """Shares brought nearer to that of their area, all Series indexed as the counts were.

    Attributes
    ----------
    parts : Series of float64
        Smoothed share, 0 to 1, between the observed one and that of the area on the logit scale,
        NaN where the counts are missing or the denominator is null.
    poids : Series of float64
        w, weight of what was observed (its reliability), 0 to 1.
    ecarts_logit : Series of float64
        √(w·s²), posterior standard deviation on the logit scale.
    cibles : Series of str
        Area each one was brought nearer to; ``""`` where there was none, and the share is as
        observed.
    observees : Series of float64
        Share as it was counted, r/n, 0 to 1, NaN where it is unknown.
    """

    parts: pd.Series
    poids: pd.Series
    ecarts_logit: pd.Series
    cibles: pd.Series
    observees: pd.Series

    def at(self, index: pd.Index) -> Smoothed:
        """Those of some territories, in this order."""
        return Smoothed(
            self.parts.reindex(index),
            self.poids.reindex(index),
            self.ecarts_logit.reindex(index),
            self.cibles.reindex(index, fill_value=""),
            self.observees.reindex(index),
        )

    def taken(self, places: np.ndarray, index: pd.Index) -> Smoothed:
        """Those at some places, under other codes."""
        return Smoothed(*(one.iloc[places].set_axis(index) for one in vars(self).values()))

    def then(self, others: Smoothed) -> Smoothed:
        """Those of some territories, then of others."""
        pairs = zip(vars(self).values(), vars(others).values(), strict=True)
        return Smoothed(*(pd.concat(pair) for pair in pairs))

    @classmethod
    def none(cls, shares: pd.Series) -> Smoothed:
        """Shares, 0 to 1, that stay as they were counted."""
        sure = pd.Series(1.0, shares.index).where(shares.notna())
        return cls(shares, sure, sure * 0, pd.Series("", shares.index, dtype=str), shares)


def empirical_logit(
    numerators: np.ndarray, denominators: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Empirical logit of r out of n, and its sampling variance.

    m = ln[(r+½) / (n−r+½)] and s² = (n+1)(n+2) / [n(r+1)(n−r+1)].

    Parameters
    ----------
    numerators, denominators : ndarray of float64, any shape
        r and n, 0 ≤ r ≤ n.

    Returns
    -------
    m, s2 : ndarray of float64, same shape
        NaN where n is null or missing.

    Source: Noble et al. (2006), Environment and Planning A 38 ; Scottish Indices of Deprivation
    2003, appendix 1.

    Examples
    --------
    >>> m, s2 = empirical_logit(np.array([1.0]), np.array([2.0]))
    >>> m.tolist(), s2.tolist()
    ([0.0], [1.5])
    """
    known = denominators > 0
    r, n = np.where(known, numerators, np.nan), np.where(known, denominators, np.nan)
    m = np.log((r + 0.5) / (n - r + 0.5))
    return m, (n + 1) * (n + 2) / (n * (r + 1) * (n - r + 1))


def shrink(
    numerators: pd.Series,
    denominators: pd.Series,
    areas: pd.Series,
    wider: pd.Series | None = None,
    *,
    least: int = LEAST,
    iod: bool = False,
) -> Smoothed:
    """Bring each share nearer to that of its area, the more so the fewer people it is observed on.

    With M the empirical logit of the area's summed counts, m* = w·m + (1−w)·M and
    w = τ²/(τ²+s²), where τ² = max(0, var(m) − mean(s²)) is the variance of true logits between the
    members. An observed 0 % or 100 % is smoothed like any other.

    Parameters
    ----------
    numerators, denominators : Series of float64, shape (territories,)
        r and n; NaN is missing.
    areas : Series of str
        Area of each territory (the EPCI held whole); missing where it has none.
    wider : Series of str, optional
        Area to use instead (the département) where there is none, or under `least` members.
    least : int
        Members known that an area needs.
    iod : bool
        The form of the English Indices of Deprivation: τ² = var(m), not net of the noise, so that
        shares are smoothed less.

    Returns
    -------
    Smoothed

    Source: Noble et al. (2006), Environment and Planning A 38 ; Efron and Morris (1975), JASA 70
    (τ² net of noise).

    Examples
    --------
    >>> counts = pd.Series([2.0, 2.0]), pd.Series([10.0, 100.0])
    >>> shrink(*counts, pd.Series(["a", "a"]), least=2).poids.round(3).tolist()
    [0.841, 0.882]
    """
    r, n = numerators.to_numpy(np.float64), denominators.to_numpy(np.float64)
    m, s2 = empirical_logit(r, n)
    known = ~np.isnan(m)
    choices = [areas] if wider is None else [areas, wider]
    target, tau2 = np.full(len(m), np.nan), np.full(len(m), np.nan)
    names = np.full(len(m), "", dtype=object)
    frame = pd.DataFrame({"r": r, "n": n, "m": m, "s2": s2})[known]
    for area in choices:
        group = pd.Series(area.to_numpy(dtype=object), name="area")[known]
        found = frame.groupby(group).agg(
            r=("r", "sum"), n=("n", "sum"), var=("m", "var"), s2=("s2", "mean"), size=("m", "size")
        )
        found = found[found["size"] >= max(least, 2)]
        centre, _ = empirical_logit(found["r"].to_numpy(), found["n"].to_numpy())
        between = found["var"] - (0.0 if iod else found["s2"])
        laws = pd.DataFrame({"m": centre, "tau2": np.maximum(between, 0.0)}, index=found.index)
        fresh = np.isnan(target) & known & area.isin(laws.index).to_numpy()
        chosen = area.to_numpy(dtype=object)[fresh]
        target[fresh], tau2[fresh] = laws.loc[chosen, "m"], laws.loc[chosen, "tau2"]
        names[fresh] = chosen
    alone = np.isnan(target)
    weight = np.where(alone, np.where(known, 1.0, np.nan), tau2 / (tau2 + s2))
    smoothed = weight * m + (1 - weight) * np.where(alone, m, target)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = r / np.where(n > 0, n, np.nan)
    parts = np.where(alone, observed, 1 / (1 + np.exp(-smoothed)))

    def series(values: np.ndarray) -> pd.Series:
        return pd.Series(values, index=numerators.index)

    return Smoothed(
        series(parts),
        series(weight),
        series(np.sqrt(weight * s2)),
        series(names).astype(str),
        series(observed),
    )


def shrink_inside(
    numerators: pd.Series,
    denominators: pd.Series,
    areas: pd.Series,
    pools: pd.Series,
    *,
    least: int = LEAST,
) -> Smoothed:
    """Bring the share of each part of an area nearer to that of the area, however few its parts.

    As :func:`shrink`, but the target is always the area, which is small (a commune of two IRIS):
    under `least` parts known, its τ² is that between the parts of the areas of its pool, each
    counted from the mean of its own area.

    Parameters
    ----------
    numerators, denominators : Series of float64, shape (parts,)
    areas, pools : Series of str
        Area of each part (the commune), pool of each area (the département).
    least : int
        Parts known that an area, or a pool beyond one for each area, needs; under it, shares stay
        as they are.

    Returns
    -------
    Smoothed

    Examples
    --------
    >>> counts = pd.Series([2.0, 50.0]), pd.Series([4.0, 500.0])
    >>> town, county = pd.Series(["a", "a"]), pd.Series(["x", "x"])
    >>> shrink_inside(*counts, town, county, least=1).cibles.tolist()
    ['a', 'a']
    """
    r, n = numerators.to_numpy(np.float64), denominators.to_numpy(np.float64)
    m, s2 = empirical_logit(r, n)
    known = ~np.isnan(m)
    area, names = pd.factorize(areas.to_numpy(dtype=object))
    pool, _ = pd.factorize(pools.to_numpy(dtype=object))

    def summed(values: np.ndarray, of: np.ndarray) -> np.ndarray:
        """Sum over the parts known of each area, or of each pool."""
        total: np.ndarray = np.bincount(of[known], values[known], minlength=of.max(initial=-1) + 1)
        return total

    ones = np.ones(len(m))
    with np.errstate(invalid="ignore", divide="ignore"):
        centre, _ = empirical_logit(summed(r, area), summed(n, area))
        off = (m - (summed(m, area) / summed(ones, area))[area]) ** 2

        def between(of: np.ndarray) -> np.ndarray:
            """Variance of true logits inside areas; NaN where too few parts are known."""
            areas_of = pd.DataFrame({"of": of, "area": area})[known].drop_duplicates()["of"]
            free = summed(ones, of) - np.bincount(areas_of, minlength=of.max(initial=-1) + 1)
            found = summed(off, of) / free - summed(s2, of) / summed(ones, of)
            found = np.where(free >= max(least - 1, 1), np.maximum(found, 0.0), np.nan)
            of_parts: np.ndarray = found[of]
            return of_parts

        own = between(area)
        tau2 = np.where(np.isnan(own), between(pool), own)
        weight = np.where(np.isnan(tau2), 1.0, tau2 / (tau2 + s2))
        smoothed = 1 / (1 + np.exp(-(weight * m + (1 - weight) * centre[area])))
        observed = np.where(known, r / n, np.nan)
    alone = np.isnan(tau2)
    weight = np.where(known, weight, np.nan)

    def series(values: np.ndarray) -> pd.Series:
        return pd.Series(values, index=numerators.index)

    return Smoothed(
        series(np.where(alone, observed, smoothed)),
        series(weight),
        series(np.sqrt(weight * s2)),
        series(np.where(known & ~alone, names[area], "")).astype(str),
        series(observed),
    )
