"""Choices of method: the data stay, the method is redrawn."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from fragilite.method import SCALE, Method
from fragilite.robustness.collapsed import (
    Ranked,
    back,
    collapse,
    effective_weights,
    scores_under,
    there,
)
from fragilite.robustness.ranks import Tally, check_draws, steps
from fragilite.robustness.records import SEED, Choices, Draws
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
    data, options = collapse(indicators, method, reference), choices or Choices()
    generator = np.random.default_rng([seed, 1])
    scores = {
        form: scores_under(data, form, reference) for form in _forms(data, options, reference)
    }
    pairs = _pairs(scores, options)
    picked = generator.integers(len(pairs), size=draws)
    weights = _drawn_weights(data, generator, options.concentration, draws)
    left_out = generator.integers(len(data.codes), size=draws)
    if len(data.codes) > 1:
        left_out[generator.permutation(draws) >= round(options.part_retrait * draws)] = -1
    else:
        left_out[:] = -1
    kept = left_out[:, None] != np.arange(len(data.codes))

    tally = Tally(draws, len(data.rows))
    effective = [_with_enough(data, weights, pattern, kept) for pattern, _ in data.groups()]
    for number, (form, mean) in enumerate(pairs):
        places = np.flatnonzero(picked == number)
        cells = there(scores[form], mean, complement=True)
        for step in steps(len(places), len(data.rows)):
            index = np.empty((len(places[step]), len(data.rows)))
            for (_, where), shares in zip(data.groups(), effective, strict=True):
                np.matmul(shares[places[step]], cells[:, where], out=index[:, where])
            tally.add(places[step], back(index, mean, complement=True))
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
    drawn["deplacement"] = tally.shifts(data.ranks)
    return Draws(tally.table(indicators, data), drawn)


def _forms(data: Ranked, options: Choices, reference: Mapping[str, Reference] | None) -> list[str]:
    """Normalisations that can be drawn; ``""`` is the declared one, alone without distributions."""
    rules = {code: data.index.indicateurs[code] for code in data.codes}
    free = {code: rule for code, rule in rules.items() if not rule.absolue}
    if reference is None or not free.keys() <= reference.keys():
        return [""]
    bounded = all(np.isfinite([rule.points_0, rule.points_100]).all() for rule in free.values())
    return [form for form in options.normalisations if form != "bornes" or bounded]


def _pairs(scores: Mapping[str, np.ndarray], options: Choices) -> list[tuple[str, str]]:
    """Normalisations and means drawn together: a complement needs scores from 0 to 100."""
    return [
        (form, mean)
        for form, mean in product(scores, options.agregations)
        if mean == "arithmetique"
        or (form != "z_score" and ((scores[form] >= 0) & (scores[form] <= SCALE)).all())
    ]


def _drawn_weights(
    data: Ranked, generator: np.random.Generator, concentration: float, draws: int
) -> dict[str, np.ndarray]:
    """Dirichlet draws around the declared weights, by node; a null weight stays null."""
    found = {}
    for node, below in data.tree.items():
        shape = concentration * np.array(list(below.values()))
        parts = generator.standard_gamma(shape, (draws, len(shape)))
        total = parts.sum(axis=1, keepdims=True)
        found[node] = np.where(total > 0, parts / np.where(total > 0, total, 1), shape)
    return found


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
