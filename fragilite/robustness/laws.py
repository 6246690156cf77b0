"""How each indicator varies: a share on the logit scale, shares of the same people, a rounding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.robustness.collapsed import Ranked
from fragilite.robustness.records import Noise
from fragilite.shrinkage import Smoothed

#: Least gamma draw a logarithm is taken of.
TINY = np.finfo(np.float64).tiny

Generators = Sequence[np.random.Generator]


class Law(Protocol):
    """Indicators that are drawn together."""

    @property
    def codes(self) -> Sequence[str]:
        """Their codes."""

    @property
    def streams(self) -> int:
        """How many random streams it needs: one for each array it draws, whatever the chunks."""

    def draw(self, generators: Generators, draws: int) -> Iterator[tuple[str, np.ndarray]]:
        """Values in their units, shape (draws, ranked)."""


@dataclass(frozen=True)
class Alone:
    """A share drawn on the logit scale, around `centre`; where `spread` is 0, it is its value.

    All have the shape (ranked,), `values` in %: a share above 100 has no logit.
    """

    codes: Sequence[str]
    values: np.ndarray
    centre: np.ndarray
    spread: np.ndarray

    @property
    def streams(self) -> int:
        """One."""
        return 1

    def draw(self, generators: Generators, draws: int) -> Iterator[tuple[str, np.ndarray]]:
        """Shares, in %."""
        drawn = generators[0].standard_normal((draws, len(self.centre)))
        drawn = _percent(drawn, self.centre, self.spread)
        still = self.spread == 0
        drawn[:, still] = self.values[still]
        yield self.codes[0], drawn


@dataclass(frozen=True)
class Nested:
    """Shares of the same people, each counted in the one before it: parts of one Dirichlet.

    Attributes
    ----------
    codes : sequence of str
        The widest share first.
    shapes : ndarray of float64, shape (parts, ranked)
        Of the Dirichlet, from everyone else to the narrowest share.
    still : ndarray of bool, shape (ranked,)
        Where nothing moves.
    values : mapping of str to ndarray, shape (ranked,)
        Shares where they are still, in %.
    smoothed : mapping of str to Moved
        Shares that what is drawn of the observed ones moves.
    """

    codes: Sequence[str]
    shapes: np.ndarray
    still: np.ndarray
    values: Mapping[str, np.ndarray]
    smoothed: Mapping[str, Moved]

    @property
    def streams(self) -> int:
        """One for each part."""
        return len(self.shapes)

    def draw(self, generators: Generators, draws: int) -> Iterator[tuple[str, np.ndarray]]:
        """Shares, in %, the narrowest first."""
        narrow = np.zeros((draws, len(self.still)))
        inside = []
        for shape, generator in zip(self.shapes[::-1], generators, strict=True):
            narrow = narrow + generator.standard_gamma(shape, narrow.shape)
            inside.append(narrow)
        whole = inside.pop()
        for code, part in zip(reversed(self.codes), inside, strict=True):
            if code in self.smoothed:
                drawn = self.smoothed[code].percent(part, whole)
            else:
                drawn = np.divide(part, whole, out=part)
                drawn *= 100
            drawn[:, self.still] = self.values[code][self.still]
            yield code, drawn


@dataclass(frozen=True)
class Moved:
    """A smoothed share, moved as much as the observed one is drawn away from its mean.

    Attributes
    ----------
    centre, spread : ndarray of float64, shape (ranked,)
        Mean and standard deviation announced, on the logit scale.
    mean, deviation : ndarray of float64, shape (ranked,)
        Those of the logit of the observed share, exactly.
    """

    centre: np.ndarray
    spread: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, centre: np.ndarray, spread: np.ndarray, shapes: np.ndarray, inner: int) -> Moved:
        """Standardise the share that the `inner` last parts of a Dirichlet make.

        It is a Beta(a, b), whose logit has the mean ψ(a) − ψ(b) and the variance ψ₁(a) + ψ₁(b).

        Source: Johnson, Kotz and Balakrishnan (1995), Continuous Univariate Distributions 2, 25.
        """
        from scipy.special import digamma, polygamma  # 0.2 s: not for those who draw nothing

        a, b = shapes[-inner:].sum(axis=0), shapes[:-inner].sum(axis=0)
        moving = (a > 0) & (b > 0)
        a, b = np.where(moving, a, 1.0), np.where(moving, b, 1.0)
        deviation = np.sqrt(polygamma(1, a) + polygamma(1, b))
        return cls(centre, np.where(moving, spread, 0.0), digamma(a) - digamma(b), deviation)

    def percent(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Smoothed share, in %, as a part of the Dirichlet is drawn; shape (draws, ranked)."""
        logit = np.log(np.fmax(part, TINY))
        logit -= np.log(np.fmax(whole - part, TINY))
        logit -= self.mean
        return _percent(logit, self.centre, self.spread / self.deviation)


@dataclass(frozen=True)
class Rounded:
    """A published figure, anywhere within half a rounding step of what is printed."""

    codes: Sequence[str]
    values: np.ndarray
    step: float

    @property
    def streams(self) -> int:
        """One."""
        return 1

    def draw(self, generators: Generators, draws: int) -> Iterator[tuple[str, np.ndarray]]:
        """Figures, in their unit."""
        half = self.step / 2
        drawn = generators[0].uniform(-half, half, (draws, len(self.values)))
        yield self.codes[0], np.add(drawn, self.values, out=drawn)


def _percent(deviations: np.ndarray, centre: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """100 / (1 + exp(−(centre + spread·deviation))), in the array of the deviations."""
    deviations *= -spread
    deviations -= centre
    with np.errstate(over="ignore"):
        np.exp(deviations, out=deviations)
    deviations += 1
    np.divide(100.0, deviations, out=deviations)
    return deviations


def _on_logit(variance: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Standard deviation on the logit scale, by the delta method; 0 where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(variance) / (share * (1 - share))
    moving: np.ndarray = np.where(spread > 0, spread, 0.0)
    return moving


def _logit(share: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = np.log(share / (1 - share))
    return found


# --- from what is known of the noise to laws -----------------------------------------------------


def laws_of(
    indicators: pd.DataFrame,
    data: Ranked,
    denominators: pd.DataFrame,
    population: pd.Series | None,
    model: Noise,
) -> list[Law]:
    """Laws of the indicators that move, for the ranked territories.

    Parameters are those of :func:`fragilite.robustness.data_noise`.
    """
    known = Known.of(indicators, data, denominators, population, model)
    chains = [[code for code in chain if code in known.people] for chain in model.imbriques]
    chains = [chain for chain in chains if len(chain) > 1]
    chained = [code for chain in chains for code in chain]
    if len(chained) > len(set(chained)):
        twice = next(code for code in chained if chained.count(code) > 1)
        raise UsageError(
            f"{twice} : imbriqué dans deux suites de parts.", "Gardez-le dans une seule."
        )
    shares = [code for code in data.codes if code in {*known.people, *known.smoothed}]
    shares = [code for code in shares if code not in chained]
    nested: list[Law] = [known.nested(chain) for chain in chains]
    rounded = [
        code for code in data.codes if code in model.arrondis and code not in {*chained, *shares}
    ]
    return [
        *(known.alone(code) for code in shares),
        *nested,
        *(Rounded([code], known.values[code], model.arrondis[code]) for code in rounded),
    ]


@dataclass(frozen=True)
class Known:
    """What is known of the shares of the ranked territories, arrays of shape (ranked,).

    `values` are the indicators in their units, `people` those a share is observed on (NaN where
    there are none), `factor` is that of :meth:`Noise.factor`.
    """

    model: Noise
    values: Mapping[str, np.ndarray]
    people: Mapping[str, np.ndarray]
    factor: np.ndarray
    smoothed: Mapping[str, Smoothed]

    @classmethod
    def of(
        cls,
        indicators: pd.DataFrame,
        data: Ranked,
        denominators: pd.DataFrame,
        population: pd.Series | None,
        model: Noise,
    ) -> Known:
        """What is known of the indicators that are ranked."""
        where = indicators.index[data.rows]
        inhabitants = denominators.max(axis=1) if population is None else population
        people = denominators.reindex(where).where(denominators.reindex(where) > 0)
        return cls(
            model,
            dict(zip(data.codes, data.values, strict=True)),
            {code: people[code].to_numpy(np.float64) for code in data.codes if code in people},
            model.factor(inhabitants.reindex(where).to_numpy(np.float64)),
            {code: found.at(where) for code, found in model.lisses.items() if code in data.codes},
        )

    @property
    def superpopulation(self) -> bool:
        """Whether the chance of small numbers is drawn too."""
        return self.model.modele == "superpopulation"

    def observed(self, code: str) -> np.ndarray:
        """Share as it was counted, 0 to 1."""
        if code not in self.smoothed:
            return self.values[code] / 100
        counted: np.ndarray = self.smoothed[code].observees.to_numpy(np.float64)
        return counted

    def centre(self, code: str) -> np.ndarray:
        """Share drawn around when it is not smoothed, 0 to 1: p̃ = (r+0.5)/(N+1), or p itself."""
        share = self.observed(code)
        if not self.superpopulation and code not in self.model.enquetes:
            return share
        people = self.people[code]
        around: np.ndarray = (share * people + 0.5) / (people + 1)
        return around

    def survey(self, code: str) -> np.ndarray:
        """Sampling variance of a share: c·p(1−p)/N."""
        share = self.observed(code)
        variance: np.ndarray = self.factor * share * (1 - share) / self.people[code]
        return variance

    def spread(self, code: str) -> np.ndarray:
        """Standard deviation of a logit, not smoothed, by the delta method: √V / (p(1−p)).

        For a local survey V = p̃(1−p̃)/n: of the people asked, whatever the size of the commune.
        """
        centre, variance = self.centre(code), self.survey(code)
        if code in self.model.enquetes:
            variance = centre * (1 - centre) / self.people[code]
        elif self.superpopulation:
            variance = variance + centre * (1 - centre) / self.people[code]
        return _on_logit(variance, centre)

    def law(self, code: str) -> tuple[np.ndarray, np.ndarray]:
        """Centre and standard deviation on the logit scale; 0 where nothing is known of it."""
        share = self.values[code] / 100
        if code not in self.smoothed:
            spread = self.spread(code)
            return _logit(np.where(spread > 0, self.centre(code), share)), spread
        found = self.smoothed[code]
        # The survey reaches a smoothed share as far as what was observed weighs in it.
        survey = np.zeros(len(share))
        if code in self.people:
            weight = found.poids.to_numpy(np.float64)
            survey = np.nan_to_num(weight * _on_logit(self.survey(code), self.observed(code)))
        if not self.superpopulation:
            return _logit(share), survey
        posterior = np.nan_to_num(found.ecarts_logit.to_numpy(np.float64))
        if code in self.people:
            # A 0 % that no area has smoothed: around p̃, as if there were no smoothing.
            bare = (posterior > 0) & ((share <= 0) | (share >= 1))
            share = np.where(bare, self.centre(code), share)
        return _logit(share), np.hypot(posterior, survey)

    def alone(self, code: str) -> Alone:
        """A share that shares no one."""
        return Alone([code], self.values[code], *self.law(code))

    def nested(self, chain: Sequence[str]) -> Nested:
        """Shares of the same people.

        The concentration a of the Dirichlet gives each share the variance p(1−p)/(a+1) =
        c·p(1−p)/N. In `superpopulation`, the widest share is drawn around p̃ = (r+0.5)/(N+1): half
        of someone is added outside it, and half inside, shared between its parts.
        """
        people = self.people[chain[0]]
        shares = [self.observed(code) for code in chain]
        # A missing share weighs nothing: the others of its territory are drawn without it.
        inside = np.zeros(len(people))
        for place in reversed(range(len(shares))):
            inside = shares[place] = np.where(np.isnan(shares[place]), inside, shares[place])
        nested = np.array([np.ones(len(people)), *shares])
        parts = np.clip(nested - np.vstack([nested[1:], np.zeros(len(people))]), 0, 1)
        factor = self.factor
        if self.superpopulation:
            added = np.array([0.5, *([0.5 / len(chain)] * len(chain))])
            parts = (parts * people + added[:, None]) / (people + 1)
            factor = factor + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            # Under some four people the variance asked for is more than a share can have.
            shapes = parts * np.maximum(people / factor - 1, 1.0)
        still = ~np.isfinite(shapes).all(axis=0)
        shapes[:, still] = 1.0
        smoothed = {
            code: Moved.of(*self.law(code), shapes, len(chain) - place)
            for place, code in enumerate(chain)
            if code in self.smoothed
        }
        values = {code: self.values[code] for code in chain}
        return Nested(list(chain), shapes, still, values, smoothed)
