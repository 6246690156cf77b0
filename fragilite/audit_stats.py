"""Statistics of an index's internal coherence: distributions, components, alpha, shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from fragilite.scoring import TIE


@dataclass(frozen=True)
class Components:
    """Principal components of the correlation matrix, the largest first.

    Attributes
    ----------
    ecarts_types : Series of float64, shape (components,)
        Standard deviation of each component, by number from 1.
    parts : Series of float64, same shape
        Share of the variance of each component.
    charges : DataFrame of float64, shape (indicators, components)
        Unit loadings; the largest of each component is positive.
    """

    ecarts_types: pd.Series
    parts: pd.Series
    charges: pd.DataFrame


def principal_components(values: pd.DataFrame) -> Components:
    """Principal components of standardised indicators, by singular value decomposition.

    Parameters
    ----------
    values : DataFrame of float64, shape (territories, indicators)
        Rows with a missing value and indicators that do not vary are left out.

    Returns
    -------
    Components
        Without components where fewer than two rows or no indicator are left.

    Source: OECD/JRC Handbook (2008), step 4, principal component analysis.

    Examples
    --------
    >>> found = principal_components(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [6.0, 4.0, 2.0]}))
    >>> found.parts.round(12).tolist()
    [1.0, 0.0]
    """
    rows = values.dropna()
    varying = rows.loc[:, rows.nunique() > 1]
    if varying.empty:
        nothing = pd.Series(dtype=np.float64)
        return Components(nothing, nothing, pd.DataFrame(index=varying.columns))
    standard = (varying - varying.mean()) / varying.std()
    _, singular, loadings = np.linalg.svd(standard.to_numpy(), full_matrices=False)
    largest = np.abs(loadings).argmax(axis=1)
    loadings *= np.sign(loadings[np.arange(len(loadings)), largest])[:, None]
    numbers = pd.RangeIndex(1, len(singular) + 1, name="composante")
    variances = singular**2 / (len(standard) - 1)
    return Components(
        pd.Series(np.sqrt(variances), numbers),
        pd.Series(variances / variances.sum(), numbers),
        pd.DataFrame(loadings.T, index=varying.columns, columns=numbers),
    )


def cronbach_alpha(values: pd.DataFrame) -> float:
    """Cronbach's alpha: k / (k − 1) · (1 − Σ var(items) / var(sum)), on complete rows.

    Parameters
    ----------
    values : DataFrame of float64, shape (territories, items)
        Scores, all in the same direction.

    Returns
    -------
    float
        At most 1, NaN under two items or two rows, or where the sum does not vary.

    Source: Cronbach (1951), Psychometrika 16 ; OECD/JRC Handbook (2008), step 4.

    Examples
    --------
    >>> cronbach_alpha(pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]}))
    1.0
    """
    rows = values.dropna()
    items = values.shape[1]
    whole = rows.sum(axis=1).var() if len(rows) > 1 else 0.0
    if items < 2 or not whole > 0:
        return float("nan")
    return float(items / (items - 1) * (1 - rows.var().sum() / whole))


def correlations(
    values: pd.DataFrame,
    target: pd.Series,
    method: Literal["pearson", "spearman"] = "pearson",
) -> pd.Series:
    """Correlation of each column with a target, on the rows where both are known.

    Parameters
    ----------
    values : DataFrame of float64, shape (territories, columns)
    target : Series of float64, shape (territories,)
    method : str
        ``pearson`` or ``spearman`` (mean ranks).

    Returns
    -------
    Series of float64, shape (columns,)
        NaN under two common rows, or where one of the two does not vary.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 1.0]})
    >>> correlations(frame, pd.Series([1.0, 4.0, 9.0]), "spearman").tolist()
    [1.0, nan]
    """
    return pd.Series({code: _correlation(values[code], target, method) for code in values})


def _correlation(one: pd.Series, other: pd.Series, method: str) -> float:
    known = one.notna() & other.notna()
    pair = one[known].astype(np.float64), other[known].astype(np.float64)
    if known.sum() < 2 or min(column.nunique() for column in pair) < 2:
        return float("nan")
    if method == "spearman":
        pair = pair[0].rank(), pair[1].rank()
    return float(np.corrcoef(*pair)[0, 1])


#: Beyond both, extreme values drive an indicator's mean and correlations.
SKEWED, PEAKED = 2.0, 3.5


def distributions(values: pd.DataFrame) -> pd.DataFrame:
    """Distribution of each column, missing values left out.

    Parameters
    ----------
    values : DataFrame of float64, shape (territories, columns)

    Returns
    -------
    DataFrame, indexed by column
        ``connues``, ``minimum``, ``quartile_1``, ``mediane``, ``quartile_3``, ``maximum``,
        ``moyenne``, ``ecart_type`` (ddof 1), ``asymetrie`` and ``aplatissement`` (excess), both
        corrected for bias (G1 and G2, type 2 of R's e1071), NaN where values do not vary;
        ``distinctes``, number of distinct values; ``ex_aequo``, share of the territories that share
        theirs with another; ``extremes``, whether |skewness| > 2 and excess kurtosis > 3.5.

    Source: OECD/JRC Handbook (2008), step 3 ; Joanes and Gill (1998), The Statistician 47.

    Examples
    --------
    >>> found = distributions(pd.DataFrame({"a": [1.0, 1.0, 2.0, 4.0]})).loc["a"]
    >>> float(found["mediane"]), int(found["distinctes"]), float(found["ex_aequo"])
    (1.5, 3, 0.5)
    """
    rows = {str(code): _distribution(values[code].dropna()) for code in values}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_distribution(pd.Series())))


def _distribution(known: pd.Series) -> dict[str, Any]:
    known = known.astype(np.float64)
    varies = known.nunique() > 1
    quantiles = known.quantile([0, 0.25, 0.5, 0.75, 1]).tolist()
    skewness: Any = known.skew() if varies else np.nan
    kurtosis: Any = known.kurt() if varies else np.nan
    return {
        "connues": len(known),
        **dict(
            zip(
                ("minimum", "quartile_1", "mediane", "quartile_3", "maximum"),
                quantiles,
                strict=True,
            )
        ),
        "moyenne": float(known.mean()),
        "ecart_type": float(known.std()),
        "asymetrie": skewness,
        "aplatissement": kurtosis,
        "distinctes": int(known.nunique()),
        "ex_aequo": float(known.duplicated(keep=False).mean()) if len(known) else np.nan,
        "extremes": bool(abs(skewness) > SKEWED and kurtosis > PEAKED),
    }


def variance_shares(contributions: pd.DataFrame, index: pd.Series) -> pd.Series:
    """Share of the variance of an index owed to each of its parts: cov(part, index) / var(index).

    Since the parts add up to the index, the shares add up to 1; a part that runs against the others
    has a negative one.

    Only territories that have every part count. Where one is missing, its weight is handed to the
    others: they weigh more there than the method says, and it weighs nothing.

    Parameters
    ----------
    contributions : DataFrame of float64, shape (territories, indicators)
        Parts of the index. One that no territory has is left aside, and its share is 0.
    index : Series of float64, shape (territories,)

    Returns
    -------
    Series of float64, shape (indicators,)
        NaN under two complete territories, or where their index does not vary.

    Source: Shorrocks (1982), Econometrica 50 (natural decomposition of the variance of a sum).

    Examples
    --------
    >>> parts = pd.DataFrame({"a": [0.0, 2.0, 4.0, 9.0], "b": [3.0, 3.0, 3.0, float("nan")]})
    >>> variance_shares(parts, parts.sum(axis=1)).tolist()
    [1.0, 0.0]
    """
    known = contributions[index.notna()]
    parts = known.dropna(axis=1, how="all").dropna()
    whole = index[parts.index].astype(np.float64)
    if parts.empty or len(whole) < 2 or whole.max() - whole.min() < TIE:
        return pd.Series(np.nan, contributions.columns)
    centred = whole - whole.mean()
    shares = (parts - parts.mean()).mul(centred, axis=0).sum() / (centred**2).sum()
    return shares.reindex(contributions.columns, fill_value=0.0)
