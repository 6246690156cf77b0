"""Choices of method: the data stay, the method is redrawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.method import SCALE, Method
from fragilite.robustness.chunks import check_draws, in_order, steps
from fragilite.robustness.collapsed import (
    Ranked,
    back,
    collapse,
    effective_weights,
    scores_under,
    there,
)
from fragilite.robustness.ranks import Tally
from fragilite.robustness.records import SEED, Choices, Draws, rules_of
from fragilite.scoring import Indice, Reference


def method_choices(
    indicators: pd.DataFrame,
    method: Method | Indice,
    draws: int = 1000,
    seed: int = SEED,
    *,
    reference: Mapping[str, Reference] | None = None,
    choices: Choices | None = None,
) -> Draws:
    """Ranks under other weights, normalisations and means, and without one indicator.

    Parameters are those of :func:`uncertainty`.

    Returns
    -------
    Draws

    Source: Saisana, Saltelli and Tarantola (2005), JRSS A 168 ; OECD/JRC Handbook (2008), step 7.
    """
    check_draws(draws)
    data, options = collapse(indicators, method, reference), choices or Choices.of(rules_of(method))
    generator = np.random.default_rng([seed, 1])
    scores = scores_by_form(data, options, reference)
    pairs = pairs_of(scores, options)
    picked = _picked(pairs, generator, draws)
    weights = _drawn_weights(data, generator, options.concentration, draws)
    left_out = generator.integers(len(data.codes), size=draws)
    if len(data.codes) > 1:
        left_out[generator.permutation(draws) >= round(options.part_retrait * draws)] = -1
    else:
        left_out[:] = -1

    tally = Tally(draws, data.ranks)
    chunks = redrawn(data, scores, Scenarios(pairs, picked, weights, left_out))
    for counts in in_order(lambda chunk: tally.place(chunk.draws, chunk.index()), chunks):
        tally.fifth += counts
    names = np.array([*data.codes, ""], dtype=object)
    drawn = pd.DataFrame(
        {
            "normalisation": [pairs[number][0] for number in picked],
            "agregation": [pairs[number][1] for number in picked],
            "retire": names[left_out],
        }
    )
    for node, below in data.tree.items():
        for place, child in enumerate(below):
            drawn[f"poids_{child}"] = weights[node][:, place]
    drawn["deplacement"] = tally.shifts
    return Draws(tally.table(indicators, data), drawn)


@dataclass(frozen=True)
class Scenarios:
    """Methods that are drawn, one a draw.

    Attributes
    ----------
    pairs : list of (str, str)
        Normalisations, ``""`` being the declared one, and the mean that goes with each.
    picked : ndarray of int, shape (draws,)
        Places in `pairs`.
    weights : mapping of str to ndarray, shape (draws, children)
        By node.
    left_out : ndarray of int, shape (draws,)
        Places of the indicators left out, −1 for none.
    """

    pairs: list[tuple[str, str]]
    picked: np.ndarray
    weights: Mapping[str, np.ndarray]
    left_out: np.ndarray


@dataclass(frozen=True)
class Chunk:
    """Some draws of one normalisation and one mean.

    `cells` are the scores on the scale of the mean, `shares` the effective weights of the
    indicators in each group of territories, shape (draws, indicators).
    """

    draws: np.ndarray
    mean: str
    cells: np.ndarray
    groups: list[tuple[slice, np.ndarray]]

    def index(self) -> np.ndarray:
        """The index under these methods, shape (draws, ranked)."""
        index = np.empty((len(self.draws), self.cells.shape[1]))
        for where, shares in self.groups:
            # Not matmul: on a busy machine, BLAS threads waiting for a core took 40 times longer.
            np.einsum("dk,kn->dn", shares, self.cells[:, where], out=index[:, where])
        return back(index, self.mean, complement=True)


def redrawn(
    data: Ranked, scores: Mapping[str, np.ndarray], scenarios: Scenarios
) -> Iterator[Chunk]:
    """The same data under each of the methods that are drawn.

    Parameters
    ----------
    scores : mapping of str to ndarray, shape (indicators, ranked)
        By normalisation: see :func:`scores_by_form`.
    """
    for number, (form, mean) in enumerate(scenarios.pairs):
        draws = np.flatnonzero(scenarios.picked == number)
        weights = {node: found[draws] for node, found in scenarios.weights.items()}
        kept = scenarios.left_out[draws, None] != np.arange(len(data.codes))
        cells = there(scores[form], mean, complement=True)
        groups = [
            (where, _with_enough(data, weights, pattern, kept)) for pattern, where in data.groups()
        ]
        for step in steps(len(draws), len(data.rows)):
            yield Chunk(draws[step], mean, cells, [(at, shares[step]) for at, shares in groups])


def scores_by_form(
    data: Ranked, options: Choices, reference: Mapping[str, Reference] | None
) -> dict[str, np.ndarray]:
    """Scores of the indicators under each normalisation that can be drawn."""
    forms = _forms(data, options, reference)
    return {form: scores_under(data, form, reference) for form in forms}


def _forms(data: Ranked, options: Choices, reference: Mapping[str, Reference] | None) -> list[str]:
    """Normalisations that can be drawn; ``""`` is the declared one, alone without distributions."""
    rules = {code: data.index.indicateurs[code] for code in data.codes}
    free = {code: rule for code, rule in rules.items() if not rule.absolue}
    if reference is None or not free.keys() <= reference.keys():
        return [""]
    bounded = all(np.isfinite([rule.points_0, rule.points_100]).all() for rule in free.values())
    return [form for form in options.normalisations if form != "bornes" or bounded]


def pairs_of(scores: Mapping[str, np.ndarray], options: Choices) -> list[tuple[str, str]]:
    """Normalisations and means drawn together: a complement needs scores from 0 to 100.

    Raises
    ------
    UsageError
        If no mean goes with any normalisation.
    """
    pairs = [
        (form, mean)
        for form, mean in product(scores, options.agregations)
        if mean == "arithmetique"
        or (form != "z_score" and ((scores[form] >= 0) & (scores[form] <= SCALE)).all())
    ]
    if not pairs:
        raise UsageError(
            "Aucune normalisation à tirer ne va avec une agrégation à tirer.",
            "Ajoutez l'agrégation arithmétique : elle va avec toutes.",
        )
    return pairs


def _picked(pairs: list[tuple[str, str]], generator: np.random.Generator, draws: int) -> np.ndarray:
    """Places of the pairs drawn: a normalisation evenly, then evenly a mean that goes with it."""
    forms = list(dict.fromkeys(form for form, _ in pairs))
    first = np.array([[form for form, _ in pairs].index(form) for form in forms])
    count = np.array([sum(one == form for one, _ in pairs) for form in forms])
    form, mean = generator.integers(len(forms), size=draws), generator.random(draws)
    places: np.ndarray = first[form] + (mean * count[form]).astype(np.int64)
    return places


def _drawn_weights(
    data: Ranked, generator: np.random.Generator, concentration: float, draws: int
) -> dict[str, np.ndarray]:
    """Dirichlet draws around the declared weights, by node."""
    found = {}
    for node, below in data.tree.items():
        shape = concentration * np.array(list(below.values()))
        found[node] = dirichlet(generator.standard_gamma(shape, (draws, len(shape))), shape)
    return found


def dirichlet(gammas: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Weights from gamma draws, shape (draws, children): their shares of the sum.

    A null weight stays null; where every draw is too small for a float, weights are the declared
    ones.

    Source: Devroye (1986), Non-Uniform Random Variate Generation, XI.4.

    Examples
    --------
    >>> dirichlet(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([20.0, 30.0])).tolist()
    [[0.25, 0.75], [0.4, 0.6]]
    """
    total = gammas.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.where(
        total > 0, gammas / np.where(total > 0, total, 1), shape / (shape.sum() or 1)
    )
    return shares


def _with_enough(
    data: Ranked, weights: Mapping[str, np.ndarray], pattern: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Effective weights by draw; an indicator stays where nothing much would be left without it."""
    found, enough = effective_weights(data, weights, pattern & kept, kept)
    if not enough.all():
        everything = np.ones_like(kept)
        whole, _ = effective_weights(data, weights, pattern & everything, everything)
        found = np.where(enough[:, None], found, whole)
    return found
