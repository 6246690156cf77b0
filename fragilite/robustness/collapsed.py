"""The index collapsed: one weighted mean of the indicators, by group of territories.

Nested means of one kind collapse into one mean of the indicators, whose weights are the products
down the tree; missing cells change these weights only, alike for all the territories that miss the
same cells. So a draw costs one product and one sort.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.errors import UsageError
from fragilite.method import Method
from fragilite.scoring import TIE, Indice, Reference

#: Parameters of the normalisations that are drawn: all give scores 0–100.
PARAMETRES: Mapping[str, Mapping[str, Any]] = {
    "rang_centile": {"echelle": 100.0},
    "z_score": {"centre": 50.0, "ecart": 20.0, "tronque": True},
}


@dataclass(frozen=True)
class Ranked:
    """Territories that have an index, those that miss the same cells side by side.

    `rows` are their places in the table, `values` their indicators (codes, ranked), `patterns` the
    cells each group has, `starts` where groups start; `ranks` are those of the declared method.
    """

    index: Indice
    tree: Mapping[str, Mapping[str, float]]
    codes: list[str]
    rows: np.ndarray
    values: np.ndarray
    patterns: np.ndarray
    starts: np.ndarray
    ranks: np.ndarray

    def groups(self) -> Iterator[tuple[np.ndarray, slice]]:
        """Cells that a group has, and its places."""
        limits = [*self.starts, len(self.rows)]
        for pattern, (start, end) in zip(self.patterns, pairwise(limits), strict=True):
            yield pattern, slice(start, end)


def collapse(
    indicators: pd.DataFrame, method: Method | Indice, reference: Mapping[str, Reference] | None
) -> Ranked:
    """Set apart the territories that have an index, by the cells they miss, then by code.

    Raises
    ------
    UsageError
        A code that appears twice, no value at all, or means that differ from one node to another.
    """
    index = Indice.of(method)
    if not isinstance(index.agregation, str):
        raise UsageError(
            "L'incertitude se calcule avec la même agrégation à tous les nœuds.",
            "Donnez une seule agrégation.",
        )
    twice = indicators.index[indicators.index.duplicated()]
    if len(twice):
        raise UsageError(f"Code en double : {twice[0]}.", "Gardez une seule ligne par code.")
    given = [code for code in index.indicateurs if code in indicators]
    scores = scoring.normalise(indicators[given].astype(np.float64), index, reference)
    codes = [code for code in given if scores[code].notna().any()]
    if not codes:
        raise UsageError(
            "Aucun indicateur de la méthode n'a de valeur.", "Vérifiez les noms de colonnes."
        )
    declared = scoring.aggregate(scores[codes], index)[index.root]
    ranks = scoring.rank(declared)
    known = declared.notna().to_numpy()
    present = scores[codes].notna().to_numpy()[known]
    cells = indicators[codes].to_numpy(np.float64)[known]
    patterns, group = np.unique(present, axis=0, return_inverse=True)
    order = np.lexsort([indicators.index[known].argsort().argsort(), group.ravel()])
    starts = np.searchsorted(group.ravel()[order], np.arange(len(patterns)))
    return Ranked(
        index, scoring.prune(index, codes), codes, np.flatnonzero(known)[order],
        np.ascontiguousarray(cells[order].T), patterns, starts,
        ranks.to_numpy(np.int64, na_value=0)[known][order],
    )  # fmt: skip


def effective_weights(
    data: Ranked,
    weights: Mapping[str, np.ndarray],
    present: np.ndarray,
    kept: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each indicator in the whole, what is missing shared out inside its node.

    Parameters
    ----------
    weights : mapping of str to ndarray, shape (draws, children)
        By node.
    present : ndarray of bool, shape (draws, indicators)
        Cells there are; `kept`: indicators that the draw keeps in the tree. Thresholds are judged
        with the declared weights, so that draws change how a territory is ranked, not whether.

    Returns
    -------
    effective : ndarray, shape (draws, indicators)
    enough : ndarray of bool, shape (draws,)
        Whether the index has enough of its weight.
    """
    column = {code: place for place, code in enumerate(data.codes)}
    there = {code: present[:, place] for code, place in column.items()}
    shared, below = {}, scoring.leaf_shares(data.tree)
    for node in reversed(list(data.tree)):
        leaves = below[node]
        places, declared = [column[leaf] for leaf in leaves], np.array(list(leaves.values()))
        least = data.index.completude_min
        need = least.indice if node == data.index.root else least.noeud
        whole = kept[:, places] @ declared
        seen = present[:, places] @ declared
        drawn = weights[node] * np.column_stack([there[child] for child in data.tree[node]])
        total = drawn.sum(axis=1)
        there[node] = (total > 0) & (whole > 0) & (seen >= (need - TIE) * whole)
        shared[node] = drawn / np.where(total > 0, total, 1)[:, None]
    effective = {data.index.root: np.ones(len(present))}
    for node, children in data.tree.items():
        for place, child in enumerate(children):
            effective[child] = effective[node] * shared[node][:, place]
    return np.column_stack([effective[code] for code in data.codes]), there[data.index.root]


def declared_weights(data: Ranked) -> np.ndarray:
    """Effective weights of the declared method, shape (indicators, ranked)."""
    weights = {node: np.array([list(below.values())]) for node, below in data.tree.items()}
    found = np.empty(data.values.shape)
    for pattern, where in data.groups():
        kept = np.ones((1, len(pattern)), bool)
        effective, _ = effective_weights(data, weights, pattern[None], kept)
        found[:, where] = effective.T
    return found


def there(scores: np.ndarray, mean: str, complement: bool) -> np.ndarray:
    """Scores on the scale where `mean` is a plain weighted mean."""
    if mean == "arithmetique":
        return scores
    cells = scoring.to_complement(scores) if complement else scores
    with np.errstate(divide="ignore"):
        return np.log(cells) if mean == "geometrique" else 1 / cells


def back(means: np.ndarray, mean: str, complement: bool) -> np.ndarray:
    """The index, from a mean on that scale."""
    if mean == "arithmetique":
        return means
    with np.errstate(divide="ignore"):
        cells = np.exp(means) if mean == "geometrique" else 1 / means
    return scoring.from_complement(cells) if complement else cells


def scores_under(data: Ranked, form: str, reference: Mapping[str, Reference] | None) -> np.ndarray:
    """Scores of the indicators under a normalisation, 0 where missing: they weigh nothing."""
    scores = np.empty_like(data.values)
    for place, code in enumerate(data.codes):
        declared, values = data.index.indicateurs[code], data.values[place]
        found = scoring.normalise_values(values, code, declared, reference or {})
        if form and not declared.absolue:
            own = declared.parametres if form == declared.normalisation else {}
            parameters = {**own, **PARAMETRES.get(form, {})}
            rule = replace(declared, normalisation=form, parametres=parameters)
            tried = scoring.normalise_values(values, code, rule, reference or {})
            # A distribution without spread places no one: the declared score stays.
            found = np.where(np.isnan(tried), found, tried)
        scores[place] = np.where(np.isnan(found), 0.0, found)
    return scores
