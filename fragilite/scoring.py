"""Scores, nodes, index, classes, ranks and contributions. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fragilite.method import SCALE, Classes, Indicateur, Method

#: Scores closer than this are one score: beyond it lies floating-point noise.
TIE = 1e-9


@dataclass(frozen=True)
class Scores:
    """What a method says of a set of territories; every frame is indexed as the indicators were.

    Attributes
    ----------
    indicateurs : DataFrame of float64, shape (territories, indicators)
        Scores 0–100, 100 = most fragile, NaN where missing.
    satures : DataFrame of bool, same shape
        Values outside their bounds, brought back to 0 or 100.
    noeuds : DataFrame of float64, shape (territories, nodes)
        Scores of the nodes, the root among them, by code.
    contributions : DataFrame of float64, shape (territories, indicators)
        Points of the index owed to each indicator: they add up to it.
    completude : Series of float64
        Share of the weight observed, withdrawn indicators apart.
    completude_methode : Series of float64
        The same on the full weight of the method.
    scored : list of str
        Indicators that were not withdrawn.
    """

    indicateurs: pd.DataFrame
    satures: pd.DataFrame
    noeuds: pd.DataFrame
    contributions: pd.DataFrame
    completude: pd.Series
    completude_methode: pd.Series
    scored: list[str]


def bornes(values: np.ndarray, indicator: Indicateur) -> np.ndarray:
    """Score between declared bounds: clip((x − points_0) / (points_100 − points_0), 0, 1) × 100.

    Parameters
    ----------
    values : ndarray of float64, any shape
        In the indicator's unit.
    indicator : Indicateur
        ``points_0`` may be above ``points_100``: that is the direction.

    Returns
    -------
    ndarray of float64, same shape

    Source: METHODE, « Score » ; min-max with fixed bounds, OECD/JRC Handbook (2008), step 5.
    """
    low, high = indicator.points_0, indicator.points_100
    scores: np.ndarray = np.clip((values - low) / (high - low), 0, 1) * SCALE
    return scores


NORMALISATIONS: Mapping[str, Callable[[np.ndarray, Indicateur], np.ndarray]] = {"bornes": bornes}


def arithmetique(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the scores that are there, the weight of the missing ones shared out.

    Parameters
    ----------
    scores : ndarray of float64, shape (territories, children)
        NaN where missing.
    weights : ndarray of float64, shape (children,)

    Returns
    -------
    ndarray of float64, shape (territories,)
        NaN where every child is missing or the children present weigh nothing.

    Examples
    --------
    >>> arithmetique(np.array([[40.0, 80.0], [np.nan, 80.0]]), np.array([3.0, 1.0]))
    array([50., 80.])
    """
    present = ~np.isnan(scores)
    whole = present @ weights
    total = np.where(present, scores, 0.0) @ weights
    mean: np.ndarray = np.divide(total, whole, out=np.full(len(scores), np.nan), where=whole > 0)
    return mean


AGGREGATIONS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "arithmetique": arithmetique
}


def normalise(values: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Score each indicator, 0–100, with the method's normalisation.

    Parameters
    ----------
    values : DataFrame of float64, shape (territories, indicators)
        Columns are indicators of the method, in their units.

    Returns
    -------
    DataFrame of float64, same shape
    """
    function = NORMALISATIONS[method.methode.normalisation]
    return pd.DataFrame(
        {
            code: function(values[code].to_numpy(), method.indicateurs[code])
            for code in values.columns.astype(str)
        },
        index=values.index,
    )


def prune(method: Method, codes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Weights of the children of each node once indicators are withdrawn from the tree.

    Parameters
    ----------
    codes : sequence of str
        Indicators that stay.

    Returns
    -------
    dict of str to dict of str to float
        Nodes from the root down, those that lost every indicator left out; weights of the children
        that stay, brought to a sum of 1.
    """
    alive = set(codes)
    nodes = list(method.descending())
    for node in reversed(nodes):
        if alive & method.weights[node].keys():
            alive.add(node)
    pruned = {}
    for node in nodes:
        kept = {child: w for child, w in method.weights[node].items() if child in alive}
        whole = sum(kept.values())
        if node in alive:
            pruned[node] = {child: w / whole if whole else 0.0 for child, w in kept.items()}
    return pruned


def _leaf_shares(tree: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Weight in each node of each indicator below it."""
    shares: dict[str, dict[str, float]] = {}
    for node in reversed(list(tree)):
        shares[node] = {
            code: weight * share
            for child, weight in tree[node].items()
            for code, share in shares.get(child, {child: 1.0}).items()
        }
    return shares


def _observed(scores: pd.DataFrame, shares: Mapping[str, float]) -> np.ndarray:
    """Share of the weight that is observed, for each territory."""
    present = scores[list(shares)].notna().to_numpy()
    observed: np.ndarray = present @ np.array(list(shares.values()))
    return observed


def aggregate(scores: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Climb the tree: each node is the mean of its children, if enough of its weight is observed.

    Indicators of the method that `scores` does not have are withdrawn: they weigh nothing. One that
    is missing for a territory has its weight shared out inside its node.

    Parameters
    ----------
    scores : DataFrame of float64, shape (territories, indicators)

    Returns
    -------
    DataFrame of float64, shape (territories, nodes)
        From the root down; NaN where a node has too little of its weight.
    """
    function = AGGREGATIONS[method.methode.agregation]
    tree = prune(method, list(scores.columns.astype(str)))
    shares = _leaf_shares(tree)
    values = {str(code): scores[code].to_numpy() for code in scores}
    for node in reversed(list(tree)):
        children = list(tree[node])
        weights = np.array(list(tree[node].values()))
        mean = function(np.column_stack([values[child] for child in children]), weights)
        root = node == method.root
        least = method.completude_min.indice if root else method.completude_min.noeud
        enough = _observed(scores, shares[node]) >= least - TIE
        values[node] = np.where(enough, mean, np.nan)
    nothing = np.full(len(scores), np.nan)
    return pd.DataFrame(
        {node: values.get(node, nothing) for node in method.descending()}, index=scores.index
    )


def contributions(scores: pd.DataFrame, nodes: pd.DataFrame, method: Method) -> pd.DataFrame:
    """Points of the index owed to each indicator: effective weight in the whole × score.

    The effective weight descends the tree, sharing out at each node what is missing below it.

    Parameters
    ----------
    scores : DataFrame of float64, shape (territories, indicators)
    nodes : DataFrame of float64, shape (territories, nodes)
        As returned by :func:`aggregate`.

    Returns
    -------
    DataFrame of float64, shape (territories, indicators)
        NaN where the indicator or the index is missing; a row adds up to its index to 1e-9.
    """
    values = {str(code): scores[code].to_numpy() for code in scores}
    values |= {str(node): nodes[node].to_numpy() for node in nodes}
    index = values[method.root]
    effective = {method.root: np.where(np.isnan(index), np.nan, 1.0)}
    for node, children in prune(method, list(scores.columns.astype(str))).items():
        present = {code: w * ~np.isnan(values[code]) for code, w in children.items()}
        whole = np.sum(list(present.values()), axis=0)
        for code, weight in present.items():
            share = np.divide(weight, whole, out=np.zeros_like(weight), where=whole > 0)
            effective[code] = effective[node] * share
    return pd.DataFrame(
        {code: effective[str(code)] * scores[code].to_numpy() for code in scores},
        index=scores.index,
    )


def score(indicators: pd.DataFrame, method: Method) -> Scores:
    """Score territories with a method.

    Parameters
    ----------
    indicators : DataFrame of float64, shape (territories, indicators)
        Columns named after the method's indicators, in their units; NaN is missing. An indicator
        without a column is withdrawn from the tree.
    method : Method

    Returns
    -------
    Scores
    """
    codes = [code for code in method.indicateurs if code in indicators]
    values = indicators[codes].astype(np.float64)
    scores = normalise(values, method)
    nodes = aggregate(scores, method)
    tree = prune(method, codes)
    limits = np.array(
        [sorted((method.indicateurs[c].points_0, method.indicateurs[c].points_100)) for c in codes]
    )
    outside = (values.to_numpy() < limits[:, 0]) | (values.to_numpy() > limits[:, 1])
    return Scores(
        indicateurs=scores,
        satures=pd.DataFrame(outside, index=values.index, columns=codes),
        noeuds=nodes,
        contributions=contributions(scores, nodes, method),
        completude=pd.Series(_observed(scores, _leaf_shares(tree)[method.root]), values.index),
        completude_methode=pd.Series(
            _observed(scores, {code: method.shares[code] for code in codes}), values.index
        ),
        scored=codes,
    )


def rank(values: pd.Series) -> pd.Series:
    """Ranks, 1 = highest, ties sharing the best; missing values have none.

    Examples
    --------
    >>> rank(pd.Series([10.0, 30.0, 30.0, np.nan])).tolist()
    [3, 1, 1, <NA>]
    """
    rounded = (values / TIE).round()
    return rounded.rank(method="min", ascending=False).astype("Int64")


def classify(values: pd.Series, classes: Classes) -> pd.Series:
    """Class 1 to k of each value: limits are [low, high), the last one closed.

    Values at a limit up to floating-point noise belong to the class above.
    """
    inner = np.array(classes.bornes[1:-1])
    found = np.searchsorted(inner, values.to_numpy() + TIE, side="right") + 1
    return pd.Series(found, index=values.index).astype("Int64").mask(values.isna())


def cumulative_share(values: pd.Series) -> pd.Series:
    """Share of the total held by a value and all the larger ones, in %.

    Examples
    --------
    >>> cumulative_share(pd.Series([10.0, 60.0, 30.0])).tolist()
    [100.0, 60.0, 90.0]
    """
    ordered = values.sort_values(ascending=False, kind="stable")
    return (100 * ordered.cumsum() / ordered.sum()).reindex(values.index)
