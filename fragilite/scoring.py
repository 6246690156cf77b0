"""Scores, nodes, index, classes, ranks and contributions. Pure functions.

They serve any index: `method` is a :class:`~fragilite.method.Method` or, for an index that no
method file describes, an :class:`Indice` (a tree, a rule per indicator, any units).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.method import SCALE, Method, descend

#: Scores closer than this are one score: beyond it lies floating-point noise.
TIE = 1e-9
#: Least value of the complement on which the geometric and harmonic means are taken.
FLOOR = 1.0


# --- an index of any kind ------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """Distribution that a value is compared with: a whole country, never the part being scored.

    Attributes
    ----------
    valeurs : ndarray of float64, shape (n,)
        Sorted, without missing values: every value, or evenly spaced quantiles of them.
    moyenne, ecart_type : float
        Of every value (ddof 1), in their unit; the standard deviation is 0 where all are equal.
    """

    valeurs: np.ndarray
    moyenne: float
    ecart_type: float

    @classmethod
    def of(cls, values: np.ndarray | pd.Series) -> Reference:
        """Describe a distribution, missing values left out.

        Examples
        --------
        >>> Reference.of(np.array([3.0, np.nan, 1.0])).moyenne
        2.0
        """
        cells = np.asarray(values, dtype=np.float64)
        known = np.sort(cells[~np.isnan(cells)])
        if len(known) == 0:
            return cls(known, np.nan, np.nan)
        flat = known[0] == known[-1]
        return cls(known, float(known.mean()), 0.0 if flat else float(known.std(ddof=1)))


def references(values: pd.DataFrame) -> dict[str, Reference]:
    """Distribution of each column."""
    return {str(code): Reference.of(values[code]) for code in values}


Sens = Literal["aggrave", "protege"]


@dataclass(frozen=True)
class Regle:
    """How an indicator becomes a score.

    Attributes
    ----------
    normalisation : str
        Key of :data:`NORMALISATIONS`.
    points_0, points_100 : float
        For ``bornes``: values that score 0 and 100, in the indicator's unit.
    sens : str
        For the others: ``aggrave`` where more is more fragile, else ``protege``.
    par : float
        For ``ratio_reference``: value of the reference territory.
    parametres : mapping of str to value
        Other arguments of the normalisation.
    absolue : bool
        Whether the normalisation stays when others are tried: bounds that mean something.
    """

    normalisation: str = "bornes"
    points_0: float = np.nan
    points_100: float = np.nan
    sens: Sens = "aggrave"
    par: float = np.nan
    parametres: Mapping[str, Any] = field(default_factory=dict)
    absolue: bool = False


class Completude(NamedTuple):
    """Share of the weight that a node, and the index, ask for."""

    noeud: float = 0.0
    indice: float = 0.0


@dataclass(frozen=True)
class Indice:
    """A composite index of any kind: a tree of weights, and a rule per indicator.

    Attributes
    ----------
    weights : mapping of str to mapping of str to float
        Weights of the children (nodes or indicators) of each node, on any scale.
    indicateurs : mapping of str to Regle
        Not needed to aggregate scores.
    agregation : str or mapping of str to str
        Key of :data:`AGGREGATIONS`, for the whole tree or for each node.
    complement : bool
        Whether geometric and harmonic means are taken on the complement: see :func:`on_complement`.
    completude_min : Completude

    Examples
    --------
    >>> tree = {"indice": {"a": 1, "b": 3}}
    >>> scores = pd.DataFrame({"a": [40.0], "b": [80.0]})
    >>> aggregate(scores, Indice(tree))["indice"].tolist()
    [70.0]
    """

    weights: Mapping[str, Mapping[str, float]]
    indicateurs: Mapping[str, Regle] = field(default_factory=dict)
    agregation: str | Mapping[str, str] = "arithmetique"
    complement: bool = False
    completude_min: Completude = field(default_factory=Completude)

    @classmethod
    def of(cls, method: Method | Indice) -> Indice:
        """What the scoring reads of a method."""
        if isinstance(method, Indice):
            return method
        head = method.methode
        rules = {
            code: Regle(
                "bornes" if found.bornes_absolues else head.normalisation,
                np.nan if found.points_0 is None else found.points_0,
                np.nan if found.points_100 is None else found.points_100,
                found.sens,
                found.france.valeur if found.france else np.nan,
                {} if found.bornes_absolues else head.arguments,
                found.bornes_absolues,
            )
            for code, found in method.indicateurs.items()
        }
        least = Completude(method.completude_min.noeud, method.completude_min.indice)
        return cls(method.weights, rules, head.agregation, True, least)

    @cached_property
    def root(self) -> str:
        """The node that is no other's child."""
        below = {child for children in self.weights.values() for child in children}
        return next(node for node in self.weights if node not in below)

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """Weight of each node and indicator in the whole index."""
        shares = {self.root: 1.0}
        for node in self.descending():
            whole = sum(self.weights[node].values())
            for child, weight in self.weights[node].items():
                shares[child] = shares[node] * weight / whole
        return shares

    def descending(self) -> Iterator[str]:
        """Nodes from the root down, each before its children."""
        return descend(self.root, self.weights)

    def mean(self, node: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """The mean that makes a node."""
        whole = isinstance(self.agregation, str)
        name = self.agregation if whole else self.agregation[node]  # type: ignore[index]
        function = AGGREGATIONS[str(name)]
        return on_complement(function) if self.complement and name != "arithmetique" else function


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


# --- normalisations ------------------------------------------------------------------------------
# The second argument is what a value is measured against.


class Points(Protocol):
    """Whatever declares the values that score 0 and 100."""

    @property
    def points_0(self) -> float:
        """Value that scores 0."""

    @property
    def points_100(self) -> float:
        """Value that scores 100."""


def bornes(values: np.ndarray, indicator: Points) -> np.ndarray:
    """Score between declared bounds: clip((x − points_0) / (points_100 − points_0), 0, 1) × 100.

    Parameters
    ----------
    values : ndarray of float64, any shape
        In the indicator's unit.
    indicator : Indicateur or Regle
        ``points_0`` may be above ``points_100``: that is the direction.

    Returns
    -------
    ndarray of float64, same shape

    Source: METHODE, « Score » ; min-max with fixed bounds, OECD/JRC Handbook (2008), step 5.
    """
    low, high = indicator.points_0, indicator.points_100
    scores: np.ndarray = np.clip((values - low) / (high - low), 0, 1) * SCALE
    return scores


def min_max(
    values: np.ndarray,
    reference: Reference,
    *,
    sens: Sens = "aggrave",
    bas: float = 0.0,
    haut: float = SCALE,
) -> np.ndarray:
    """Score between the least and the greatest value of a distribution.

    Parameters
    ----------
    values : ndarray of float64, any shape
    bas, haut : float
        Scores of the least and of the greatest value; what lies beyond is brought back.

    Returns
    -------
    ndarray of float64, same shape
        NaN where every value of the distribution is the same.

    Source: OECD/JRC Handbook (2008), step 5, min-max.

    Examples
    --------
    >>> min_max(np.array([1.0, 4.0]), Reference.of(np.array([1.0, 5.0])))
    array([ 0., 75.])
    """
    if not reference.ecart_type > 0:
        return np.full_like(values, np.nan)
    low, high = reference.valeurs[[0, -1]]
    place = np.clip((values - low) / (high - low), 0, 1)
    scores: np.ndarray = bas + (haut - bas) * (place if sens == "aggrave" else 1 - place)
    return scores


def z_score(
    values: np.ndarray,
    reference: Reference,
    *,
    sens: Sens = "aggrave",
    centre: float = 0.0,
    ecart: float = 1.0,
    tronque: bool = False,
) -> np.ndarray:
    """Distance to the mean of a distribution, in standard deviations (ddof 1).

    Parameters
    ----------
    values : ndarray of float64, any shape
    centre, ecart : float
        Score of the mean, and points for one standard deviation.
    tronque : bool
        Whether scores are kept within 0–100.

    Returns
    -------
    ndarray of float64, same shape
        NaN where every value of the distribution is the same.

    Source: OECD/JRC Handbook (2008), step 5, standardisation.

    Examples
    --------
    >>> z_score(np.array([1.0, 3.0]), Reference.of(np.array([1.0, 2.0, 3.0])), centre=50, ecart=20)
    array([30., 70.])
    """
    if not reference.ecart_type > 0:
        return np.full_like(values, np.nan)
    distance = (values - reference.moyenne) / reference.ecart_type
    scores: np.ndarray = centre + (ecart if sens == "aggrave" else -ecart) * distance
    return np.clip(scores, 0, SCALE) if tronque else scores


ExAequo = Literal["moyenne", "min", "max"]


def rang_centile(
    values: np.ndarray,
    reference: Reference,
    *,
    sens: Sens = "aggrave",
    ex_aequo: ExAequo = "moyenne",
    echelle: float = SCALE,
) -> np.ndarray:
    """Percentile rank in a distribution: (rank − 1) / (n − 1) × `echelle`.

    Parameters
    ----------
    values : ndarray of float64, any shape
        One that the distribution does not have is placed in proportion between its neighbours.
    ex_aequo : str
        Rank of equal values of the distribution: ``moyenne``, ``min`` or ``max``.

    Returns
    -------
    ndarray of float64, same shape
        NaN where the distribution has fewer than two values.

    Source: OECD/JRC Handbook (2008), step 5, ranking ; CDC/ATSDR SVI (ties ``min``, scale 1).

    Examples
    --------
    >>> rang_centile(np.array([1.0, 2.0, 4.0]), Reference.of(np.array([1.0, 2.0, 2.0, 5.0])))
    array([ 0.        , 50.        , 88.88888889])
    """
    ordered = reference.valeurs
    if sens == "protege":
        ordered, values = -ordered[::-1], -values
    last = len(ordered) - 1
    if last < 1:
        return np.full_like(values, np.nan)
    before = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    ties = {"moyenne": (before + upto - 1) / 2, "min": before, "max": upto - 1}[ex_aequo]
    between = np.interp(values, ordered, np.arange(last + 1))
    places: np.ndarray = np.where(before < upto, ties, between)
    return places / last * echelle


def quantiles(
    values: np.ndarray, reference: Reference, *, sens: Sens = "aggrave", classes: int
) -> np.ndarray:
    """Class of a value, 1 to `classes`, between evenly spaced quantiles of a distribution.

    Classes are [low, high), the last one closed; class 1 is the least fragile.

    Returns
    -------
    ndarray of float64, same shape

    Source: OECD/JRC Handbook (2008), step 5, categorical scale.

    Examples
    --------
    >>> quantiles(np.array([1.0, 3.0, 9.0]), Reference.of(np.arange(1.0, 6.0)), classes=4)
    array([1., 3., 4.])
    """
    ordered = reference.valeurs
    if sens == "protege":
        ordered, values = -ordered[::-1], -values
    if len(ordered) == 0:
        return np.full_like(values, np.nan)
    limits = np.quantile(ordered, np.arange(1, classes) / classes)
    found: np.ndarray = np.searchsorted(limits, values, side="right") + 1.0
    return np.where(np.isnan(values), np.nan, found)


def ratio_reference(values: np.ndarray, par: float, *, sens: Sens = "aggrave") -> np.ndarray:
    """Ratio to the value of a reference territory, which scores 100: an open scale.

    Parameters
    ----------
    values : ndarray of float64, any shape
        Positive where `sens` is ``protege``: the ratio is then the other way up.

    Returns
    -------
    ndarray of float64, same shape
        NaN where it would divide by zero.

    Source: OECD/JRC Handbook (2008), step 5, distance to a reference.

    Examples
    --------
    >>> ratio_reference(np.array([30.0, 10.0]), 20.0), ratio_reference(np.array([40.0]), 20.0,
    ...     sens="protege")
    (array([150.,  50.]), array([50.]))
    """
    flipped = sens == "protege"
    top, bottom = (np.full_like(values, par), values) if flipped else (values, par)
    scores: np.ndarray = SCALE * top / np.where(np.equal(bottom, 0), np.nan, bottom)
    return scores


NORMALISATIONS: Mapping[str, Callable[..., np.ndarray]] = {
    "bornes": bornes,
    "min_max": min_max,
    "z_score": z_score,
    "rang_centile": rang_centile,
    "quantiles": quantiles,
    "ratio_reference": ratio_reference,
}


# --- aggregations --------------------------------------------------------------------------------


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


def geometrique(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted geometric mean of the scores that are there: exp(Σ w·ln s / Σ w).

    Parameters
    ----------
    scores : ndarray of float64, shape (territories, children)
        Positive or null, NaN where missing; one null value makes the mean null.
    weights : ndarray of float64, shape (children,)

    Returns
    -------
    ndarray of float64, shape (territories,)

    Raises
    ------
    UsageError
        If a score is negative.

    Examples
    --------
    >>> geometrique(np.array([[2.0, 8.0], [np.nan, 8.0]]), np.array([1.0, 1.0])).round(12)
    array([4., 8.])
    """
    with np.errstate(divide="ignore"):
        mean: np.ndarray = np.exp(arithmetique(np.log(_weighed(scores, weights)), weights))
    return mean


def harmonique(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted harmonic mean of the scores that are there: Σ w / Σ (w / s).

    Parameters, result and errors are those of :func:`geometrique`.

    Examples
    --------
    >>> harmonique(np.array([[2.0, 6.0], [0.0, 6.0]]), np.array([1.0, 1.0])).round(12)
    array([3., 0.])
    """
    with np.errstate(divide="ignore"):
        return 1 / arithmetique(1 / _weighed(scores, weights), weights)


def _weighed(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scores that weigh something, once it is sure that none is negative."""
    if (scores < 0).any():
        raise UsageError(
            "Les moyennes géométrique et harmonique demandent des scores positifs ou nuls.",
            "Choisissez l'agrégation arithmétique, ou une normalisation de 0 à 100.",
        )
    return np.where(weights > 0, scores, np.nan)


def to_complement(scores: np.ndarray) -> np.ndarray:
    """Complement of scores 0–100 on 100–1: b = 101 − (1 + 0.99·s), 100 = not fragile at all."""
    return (SCALE + FLOOR) - (FLOOR + (SCALE - FLOOR) / SCALE * scores)


def from_complement(means: np.ndarray) -> np.ndarray:
    """Score 0–100 of a complement: (100 − b) / 0.99."""
    return (SCALE - means) * SCALE / (SCALE - FLOOR)


def on_complement(
    mean: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The same mean, taken on the complement of scores 0–100 where high is fragile.

    On the scores themselves, a geometric or harmonic mean would let a single zero hide all the
    rest; on the complement, one strong fragility weighs more than its share.

    Source: METHODE, « Agrégations ».

    Examples
    --------
    >>> on_complement(geometrique)(np.array([[0.0, 100.0]]), np.array([1.0, 1.0])).round(12)
    array([90.90909091])
    """

    def complemented(scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return from_complement(mean(to_complement(scores), weights))

    return complemented


AGGREGATIONS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "arithmetique": arithmetique,
    "geometrique": geometrique,
    "harmonique": harmonique,
}


# --- the index -----------------------------------------------------------------------------------


def normalise(
    values: pd.DataFrame,
    method: Method | Indice,
    reference: Mapping[str, Reference] | None = None,
) -> pd.DataFrame:
    """Score each indicator with the method's normalisation.

    Parameters
    ----------
    values : DataFrame of float64, shape (territories, indicators)
        Columns are indicators of the method, in their units.
    method : Method or Indice
    reference : mapping of str to Reference, optional
        For the normalisations that compare: distribution of each indicator over the whole country,
        not over the territories scored.

    Returns
    -------
    DataFrame of float64, same shape

    Raises
    ------
    UsageError
        If a distribution or the value of the reference territory is missing.
    """
    rules = Indice.of(method).indicateurs
    return pd.DataFrame(
        {
            code: normalise_values(
                values[code].to_numpy(np.float64), code, rules[code], reference or {}
            )
            for code in values.columns.astype(str)
        },
        index=values.index,
    )


def normalise_values(
    values: np.ndarray, code: str, rule: Regle, reference: Mapping[str, Reference]
) -> np.ndarray:
    """Score the values of one indicator, of any shape: see :func:`normalise`."""
    function = NORMALISATIONS[rule.normalisation]
    if rule.normalisation == "bornes":
        return bornes(values, rule)
    against = rule.par if rule.normalisation == "ratio_reference" else reference.get(code, np.nan)
    if not isinstance(against, Reference) and np.isnan(against):
        needed = (
            "la valeur du territoire de référence (`france`)"
            if rule.normalisation == "ratio_reference"
            else "la distribution nationale"
        )
        raise UsageError(
            f"{code} : la normalisation « {rule.normalisation} » demande {needed}.",
            "Donnez-la, ou choisissez la normalisation « bornes ».",
        )
    return function(values, against, sens=rule.sens, **rule.parametres)


def prune(method: Method | Indice, codes: Sequence[str]) -> dict[str, dict[str, float]]:
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


def leaf_shares(tree: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
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


def aggregate(scores: pd.DataFrame, method: Method | Indice) -> pd.DataFrame:
    """Climb the tree: each node is the mean of its children, if enough of its weight is observed.

    Indicators of the method that `scores` does not have are withdrawn: they weigh nothing. One that
    is missing for a territory has its weight shared out inside its node.

    Parameters
    ----------
    scores : DataFrame of float64, shape (territories, indicators)
    method : Method or Indice

    Returns
    -------
    DataFrame of float64, shape (territories, nodes)
        From the root down; NaN where a node has too little of its weight.
    """
    method = Indice.of(method)
    tree = prune(method, list(scores.columns.astype(str)))
    shares = leaf_shares(tree)
    values = {str(code): scores[code].to_numpy() for code in scores}
    for node in reversed(list(tree)):
        children = list(tree[node])
        weights = np.array(list(tree[node].values()))
        mean = method.mean(node)(np.column_stack([values[child] for child in children]), weights)
        root = node == method.root
        least = method.completude_min.indice if root else method.completude_min.noeud
        enough = _observed(scores, shares[node]) >= least - TIE
        values[node] = np.where(enough, mean, np.nan)
    nothing = np.full(len(scores), np.nan)
    return pd.DataFrame(
        {node: values.get(node, nothing) for node in method.descending()}, index=scores.index
    )


def contributions(
    scores: pd.DataFrame, nodes: pd.DataFrame, method: Method | Indice
) -> pd.DataFrame:
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
        NaN where the indicator or the index is missing; a row adds up to its index to 1e-9. NaN
        everywhere unless every mean is arithmetic: no other is a sum of parts.
    """
    method = Indice.of(method)
    means = method.agregation
    if ({means} if isinstance(means, str) else set(means.values())) != {"arithmetique"}:
        return pd.DataFrame(np.nan, index=scores.index, columns=scores.columns)
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


def score(
    indicators: pd.DataFrame,
    method: Method | Indice,
    reference: Mapping[str, Reference] | None = None,
) -> Scores:
    """Score territories with a method.

    Parameters
    ----------
    indicators : DataFrame of float64, shape (territories, indicators)
        Columns named after the method's indicators, in their units; NaN is missing. An indicator
        without a column is withdrawn from the tree.
    method : Method or Indice
    reference : mapping of str to Reference, optional
        As :func:`normalise` takes it.

    Returns
    -------
    Scores
    """
    method = Indice.of(method)
    codes = [code for code in method.indicateurs if code in indicators]
    values = indicators[codes].astype(np.float64)
    scores = normalise(values, method, reference)
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
        completude=pd.Series(_observed(scores, leaf_shares(tree)[method.root]), values.index),
        completude_methode=pd.Series(
            _observed(scores, {code: method.shares[code] for code in codes}), values.index
        ),
        scored=codes,
    )


def weighted_means(
    values: pd.DataFrame, groups: pd.Series, weights: pd.Series, least: float = 0.0
) -> pd.DataFrame:
    """Means of groups of communes, each counting for its weight.

    Parameters
    ----------
    values : DataFrame of float64, shape (communes, columns)
        A missing value is left out, with its weight.
    groups, weights : Series, shape (communes,)
        Communes without a group are left out.
    least : float
        Share of the weight of a group that must have a value.

    Returns
    -------
    DataFrame of float64, shape (groups, columns)
        NaN under `least`, or where nothing weighs.

    Examples
    --------
    >>> values = pd.DataFrame({"x": [10.0, 40.0, np.nan]})
    >>> weights = pd.Series([200.0, 100.0, 100.0])
    >>> weighted_means(values, pd.Series(["a", "a", "a"]), weights)["x"].tolist()
    [20.0]
    >>> weighted_means(values, pd.Series(["a", "a", "a"]), weights, 0.8)["x"].tolist()
    [nan]
    """
    weights = weights.fillna(0.0)
    there = values.notna().mul(weights, axis=0).groupby(groups).sum()
    total = values.mul(weights, axis=0).groupby(groups).sum()
    whole = weights.groupby(groups).sum()
    enough = there.ge((least - TIE) * whole, axis=0) & (there > 0)
    return (total / there).where(enough)


def averaged(scores: Scores, groups: pd.Series, weights: pd.Series) -> Scores:
    """Scores of groups of territories: the weighted means of their members'.

    Parameters
    ----------
    scores : Scores
        Of the members.
    groups : Series of str
        Group of each member; missing where it belongs to none.
    weights : Series of float64
        Weight of each member (its population).

    Returns
    -------
    Scores
        Indexed by group, over the members that have a value; nothing is saturated.
    """
    mean = partial(weighted_means, groups=groups, weights=weights)
    # What a member misses brings it nothing: contributions then add up to the mean index.
    some = scores.contributions.notna().any(axis=1)
    parts = scores.contributions.fillna(0.0).where(some, axis=0)
    points = mean(scores.indicateurs)
    return Scores(
        points,
        pd.DataFrame(False, index=points.index, columns=points.columns),
        mean(scores.noeuds),
        mean(parts),
        mean(scores.completude.to_frame())[0],
        mean(scores.completude_methode.to_frame())[0],
        scores.scored,
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


def classify(values: pd.Series, limits: Sequence[float]) -> pd.Series:
    """Class 1 to k of each value: k + 1 limits, [low, high), the last class closed.

    Values at a limit up to floating-point noise belong to the class above.
    """
    inner = np.array(limits[1:-1])
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
