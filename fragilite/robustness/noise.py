"""Noise of the data: the method stays, the data are redrawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.method import Method
from fragilite.robustness.chunks import check_draws, in_order, steps
from fragilite.robustness.collapsed import (
    Ranked,
    back,
    collapse,
    declared_weights,
    scores_under,
    there,
)
from fragilite.robustness.ranks import Tally
from fragilite.robustness.records import SEED, Draws, Noise
from fragilite.scoring import Indice, Reference


def data_noise(
    indicators: pd.DataFrame,
    method: Method | Indice,
    denominators: pd.DataFrame,
    draws: int = 1000,
    seed: int = SEED,
    *,
    population: pd.Series | None = None,
    reference: Mapping[str, Reference] | None = None,
    noise: Noise | None = None,
) -> Draws:
    """Ranks that the declared method would give to data as sure as these.

    A share p of N people varies by V = c·p(1−p)/N, with c = deff·(1−f)/f for the survey alone
    (`sondage`: around p); `superpopulation` adds p̃(1−p̃)/N and draws around p̃ = (r+0.5)/(N+1). It
    is drawn on the logit scale, with the standard deviation √V / (p(1−p)) of the delta method.

    Shares of the same people are drawn as one Dirichlet of the same variance, the law of shares in
    a Dirichlet-multinomial: those counted in a share, the rest of it, and everyone else. Cutting a
    part in two (80 or over who are not alone) would change nothing: parts of a Dirichlet add up to
    a Dirichlet.

    Other parameters are those of :func:`uncertainty`.

    Returns
    -------
    Draws

    Source: Insee, précision des résultats du recensement ; METHODE, « Incertitude ».
    """
    check_draws(draws)
    data, model = collapse(indicators, method, reference), noise or Noise()
    generator = np.random.default_rng([seed, 0])
    mean, complement = str(data.index.agregation), data.index.complement
    sampler = Sampler(indicators, data, denominators, population, model)
    weights = declared_weights(data)
    moving = set(sampler.moving)
    scores = scores_under(data, "", reference)
    still = np.zeros(len(data.rows))
    for place, code in enumerate(data.codes):
        if code not in moving:
            still += weights[place] * np.nan_to_num(there(scores[place], mean, complement))

    def chunks() -> Iterator[tuple[slice, np.ndarray]]:
        for step in steps(draws, len(data.rows)):
            index = np.empty((step.stop - step.start, len(data.rows)))
            index[:] = still
            for code, values in sampler.draw(generator, len(index)):
                place = data.codes.index(code)
                rule = data.index.indicateurs[code]
                drawn = scoring.normalise_values(values, code, rule, reference or {})
                cells = there(drawn, mean, complement)
                cells *= weights[place]
                cells[:, weights[place] == 0] = 0  # missing: it weighs nothing
                index += cells
            yield step, index

    tally = Tally(draws, data.ranks)
    for counts in in_order(
        lambda chunk: tally.place(chunk[0], back(chunk[1], mean, complement)), chunks()
    ):
        tally.fifth += counts
    return Draws(tally.table(indicators, data), pd.DataFrame({"deplacement": tally.shifts}))


class Sampler:
    """Draws of the indicators that move, for the ranked territories."""

    def __init__(
        self,
        indicators: pd.DataFrame,
        data: Ranked,
        denominators: pd.DataFrame,
        population: pd.Series | None,
        model: Noise,
    ) -> None:
        where = indicators.index[data.rows]
        people = denominators.max(axis=1) if population is None else population
        self.model = model
        self.values = dict(zip(data.codes, data.values, strict=True))
        self.factor = model.factor(people.reindex(where).to_numpy(np.float64))
        self.counts = {
            code: denominators[code].reindex(where).to_numpy(np.float64)
            for code in data.codes
            if code in denominators and code not in model.ecarts_logit
        }
        self.given = {
            code: found.reindex(where).to_numpy(np.float64)
            for code, found in model.ecarts_logit.items()
            if code in self.values
        }
        chains = [[code for code in chain if code in self.counts] for chain in model.imbriques]
        self.chains = [chain for chain in chains if len(chain) > 1]
        chained = {code for chain in self.chains for code in chain}
        self.rounded = [
            code
            for code in data.codes
            if code in model.arrondis and code not in self.counts and code not in self.given
        ]
        self.laws = {
            code: self._logit(code) for code in (*self.counts, *self.given) if code not in chained
        }
        self.parts = [self._shapes(chain) for chain in self.chains]

    @property
    def moving(self) -> list[str]:
        """Indicators that are drawn."""
        return [*self.laws, *(code for chain in self.chains for code in chain), *self.rounded]

    def _centre(self, code: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share, number of people and share drawn around, 0 to 1."""
        share, people = self.values[code] / 100, self.counts[code]
        people = np.where(people > 0, people, np.nan)
        if self.model.modele == "sondage":
            return share, people, share
        return share, people, (share * people + 0.5) / (people + 1)

    def _logit(self, code: str) -> tuple[np.ndarray, np.ndarray]:
        """Centre and standard deviation on the logit scale; 0 where nothing is known of it."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if code in self.given:
                share, spread = self.values[code] / 100, self.given[code]
                return np.log(share / (1 - share)), np.nan_to_num(spread)
            share, people, centre = self._centre(code)
            variance = self.factor * share * (1 - share) / people
            if self.model.modele == "superpopulation":
                variance = variance + centre * (1 - centre) / people
            spread = np.sqrt(variance) / (centre * (1 - centre))
            still = ~(spread > 0)
            around = np.where(still, share, centre)
            return np.log(around / (1 - around)), np.where(still, 0.0, spread)

    def _shapes(self, chain: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Dirichlet of the parts, from everyone else to the narrowest share; where it is still.

        Its concentration a gives each share the variance p(1−p)/(a+1) = c·p(1−p)/N.
        """
        people = np.where(self.counts[chain[0]] > 0, self.counts[chain[0]], np.nan)
        shares = np.array([np.ones(len(people)), *(self.values[code] / 100 for code in chain)])
        parts = np.clip(shares - np.vstack([shares[1:], np.zeros(len(people))]), 0, 1)
        factor = self.factor
        if self.model.modele == "superpopulation":
            parts = (parts * people + 0.5) / (people + 0.5 * len(parts))
            factor = factor + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            # Under some four people the variance asked for is more than a share can have.
            shapes = parts * np.maximum(people / factor - 1, 1.0)
        still = ~np.isfinite(shapes).all(axis=0)
        shapes[:, still] = 1.0
        return shapes, still

    def draw(self, generator: np.random.Generator, draws: int) -> Iterator[tuple[str, np.ndarray]]:
        """Indicators that move, in their units, shape (draws, ranked)."""
        for code, (centre, spread) in self.laws.items():
            drawn = generator.standard_normal((draws, len(centre)))
            drawn *= -spread
            drawn -= centre
            with np.errstate(over="ignore"):
                np.exp(drawn, out=drawn)
            drawn += 1
            yield code, np.divide(100.0, drawn, out=drawn)
        for chain, (shapes, still) in zip(self.chains, self.parts, strict=True):
            narrow = np.zeros((draws, len(still)))
            inside = []
            for shape in shapes[::-1]:
                narrow = narrow + generator.standard_gamma(shape, narrow.shape)
                inside.append(narrow)
            whole = inside.pop()
            for code, part in zip(reversed(chain), inside, strict=True):
                part /= whole
                part *= 100
                part[:, still] = self.values[code][still]
                yield code, part
        for code in self.rounded:
            half = self.model.arrondis[code] / 2
            drawn = generator.uniform(-half, half, (draws, len(self.values[code])))
            yield code, np.add(drawn, self.values[code], out=drawn)
