"""Which choice of method moves the ranks most: Sobol indices of their mean shift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fragilite.method import Method
from fragilite.robustness.choices import (
    Chunk,
    Scenarios,
    dirichlet,
    pairs_of,
    redrawn,
    scores_by_form,
)
from fragilite.robustness.chunks import check_draws, in_order
from fragilite.robustness.collapsed import Ranked, collapse
from fragilite.robustness.ranks import mean_shifts, ranks_of
from fragilite.robustness.records import SEED, Choices, Sensitivity, rules_of
from fragilite.robustness.wording import (
    factor_labels,
    nothing_varies,
    power_of_two,
    refuse_impossible,
    sentence,
    too_few_draws,
    without_choice,
)
from fragilite.scoring import Indice, Reference

#: Samples of the bootstrap, and what its intervals hold.
RESAMPLES, LEVEL = 300, 0.95


def sensitivity(
    indicators: pd.DataFrame,
    method: Method | Indice,
    draws: int = 1024,
    seed: int = SEED,
    *,
    reference: Mapping[str, Reference] | None = None,
    choices: Choices | None = None,
) -> Sensitivity:
    """Share of what moves the ranks that each choice of method explains.

    The output is the mean shift of the ranks from the declared method. Factors are independent and
    each is drawn evenly: ``normalisation``, ``agregation`` (without effect under a z-score, which
    goes with the arithmetic mean), ``retrait`` of one indicator (none with probability
    1 − part_retrait) and, for each node, ``poids_<node>``, its weights drawn together.

    Parameters
    ----------
    indicators, method, reference, choices
        Those of :func:`fragilite.robustness.uncertainty`.
    draws : int
        Base sample N, brought up to a power of two; the index is computed N·(factors + 2) times.
    seed : int

    Returns
    -------
    Sensitivity
        Without indices, and with a remark, where ranks do not move.

    Raises
    ------
    CheckFailedError
        A first-order index above its total, beyond the intervals: too few draws to say anything.
    UsageError
        A code that appears twice, no draw, or means that differ from one node to another.

    Source: Saltelli et al. (2010), Computer Physics Communications 181 (sample, estimators) ;
    Saisana, Saltelli and Tarantola (2005), JRSS A 168 (the output).
    """
    check_draws(draws)
    base = 1 << (draws - 1).bit_length()
    remarks = [power_of_two(draws, base)] if base != draws else []
    data, options = collapse(indicators, method, reference), choices or Choices.of(rules_of(method))
    scores = scores_by_form(data, options, reference)
    plan = _Plan.of(data, pairs_of(scores, options), options)
    labels = factor_labels(method, [*plan.factors, *plan.fixed])
    if plan.fixed:
        remarks.append(without_choice([labels[code] for code in plan.fixed]))
    if not plan.factors or not len(data.rows):
        remarks.append(nothing_varies(len(data.rows)))
        return Sensitivity.without_indices(len(data.rows), remarks)

    sample = saltelli(plan.factors, base, seed)
    shifts = np.empty(len(next(iter(sample.values()))))

    def shift(chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        return chunk.draws, mean_shifts(ranks_of(chunk.index()), data.ranks)

    for where, moved in in_order(shift, redrawn(data, scores, plan.scenarios(sample))):
        shifts[where] = moved
    outputs = shifts.reshape(base, -1)
    if np.ptp(outputs[:, [0, -1]]) == 0:
        still = np.ptp(outputs) == 0
        remarks.append(nothing_varies(len(data.rows)) if still else too_few_draws(base))
        return Sensitivity.without_indices(len(data.rows), remarks)
    found = indices(outputs, list(plan.factors), seed)
    found.insert(1, "libelle", found["code"].map(labels))
    refuse_impossible(found, base)
    found = found.sort_values("total", ascending=False, kind="stable", ignore_index=True)
    return Sensitivity(
        found, float(shifts.mean()), len(data.rows), base, len(shifts), remarks, sentence(found)
    )


@dataclass(frozen=True)
class _Plan:
    """Choices there are: `factors` and how many uniform numbers each takes, and `fixed` ones.

    `picks` gives the place of a pair by normalisation and mean, shape (forms, means).
    """

    data: Ranked
    options: Choices
    pairs: list[tuple[str, str]]
    picks: np.ndarray
    factors: dict[str, int]
    fixed: list[str]

    @classmethod
    def of(cls, data: Ranked, pairs: list[tuple[str, str]], options: Choices) -> _Plan:
        forms = list(dict.fromkeys(form for form, _ in pairs))
        means = list(dict.fromkeys(mean for _, mean in pairs))
        first = {form: place for place, (form, _) in reversed(list(enumerate(pairs)))}
        there = {pair: place for place, pair in enumerate(pairs)}
        picks = [[there.get((form, mean), first[form]) for mean in means] for form in forms]
        sizes = {
            "normalisation": int(len(forms) > 1),
            "agregation": int(any(len(set(row)) > 1 for row in picks)),
            "retrait": int(len(data.codes) > 1 and options.part_retrait > 0),
        }
        for node, below in data.tree.items():
            heavy = sum(weight > 0 for weight in below.values())
            sizes[f"poids_{node}"] = len(below) if heavy > 1 else 0
        factors = {code: size for code, size in sizes.items() if size}
        fixed = [code for code, size in sizes.items() if not size]
        return cls(data, options, pairs, np.array(picks), factors, fixed)

    def scenarios(self, sample: Mapping[str, np.ndarray]) -> Scenarios:
        """Methods of a sample of uniform numbers, shape (runs, size of the factor)."""
        runs = len(next(iter(sample.values())))
        still = np.zeros((runs, 1))
        forms, means = self.picks.shape
        form = (sample.get("normalisation", still)[:, 0] * forms).astype(int)
        mean = (sample.get("agregation", still)[:, 0] * means).astype(int)
        left_out = np.full(runs, -1)
        if "retrait" in sample:
            part, count = self.options.part_retrait, len(self.data.codes)
            place = np.floor((1 - sample["retrait"][:, 0]) / part * count).astype(int)
            left_out = np.where(place < count, place, -1)
        weights = {
            node: self._weights(np.array(list(below.values())), sample.get(f"poids_{node}"), runs)
            for node, below in self.data.tree.items()
        }
        return Scenarios(self.pairs, self.picks[form, mean], weights, left_out)

    def _weights(self, declared: np.ndarray, uniform: np.ndarray | None, runs: int) -> np.ndarray:
        """Dirichlet weights by the gamma quantiles of uniform numbers, shape (runs, children)."""
        if uniform is None:
            return np.tile(declared, (runs, 1))
        from scipy.special import gammaincinv  # heavy: only those who ask for sensitivity pay

        shape = self.options.concentration * declared
        gammas = np.where(shape > 0, gammaincinv(np.where(shape > 0, shape, 1.0), uniform), 0.0)
        return dirichlet(gammas, shape)


def saltelli(factors: Mapping[str, int], base: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """Uniform numbers of a Saltelli sample, on a scrambled Sobol sequence.

    Parameters
    ----------
    factors : mapping of str to int
        How many numbers each factor takes: they move together.
    base : int
        N, a power of two.

    Returns
    -------
    dict of str to ndarray, shape (N·(factors + 2), numbers)
        For each of the N points: A, A with each factor of B in turn, B.

    Source: Saltelli et al. (2010), Computer Physics Communications 181.

    Examples
    --------
    >>> {code: numbers.shape for code, numbers in saltelli({"a": 1, "b": 2}, 4).items()}
    {'a': (16, 1), 'b': (16, 2)}
    """
    from SALib.sample import sobol  # 0.4 s to import: only those who ask for sensitivity pay

    groups = [code for code, size in factors.items() for _ in range(size)]
    problem: dict[str, Any] = {
        "num_vars": len(groups),
        "names": [f"u{place}" for place in range(len(groups))],
        "groups": groups,
        "bounds": [[0.0, 1.0]] * len(groups),
    }
    found = sobol.sample(problem, base, calc_second_order=False, seed=_seed(seed, 0))
    if len(factors) == 1:  # SALib would take each number for a factor: A, B, B
        found = found.reshape(base, -1, len(groups))[:, [0, -1, -1]].reshape(-1, len(groups))
    # Never 1, which is in no level.
    numbers = np.minimum(found, np.nextafter(1.0, 0.0))
    where = np.array(groups)
    return {code: numbers[:, where == code] for code in factors}


def indices(outputs: np.ndarray, factors: Sequence[str], seed: int = SEED) -> pd.DataFrame:
    """First-order and total Sobol indices of the outputs of a Saltelli sample.

    Parameters
    ----------
    outputs : ndarray of float64, shape (N, factors + 2)
        By row: A, A with each factor of B in turn, B. They must vary.
    factors : sequence of str

    Returns
    -------
    DataFrame, shape (factors, …)
        ``code``, ``premier_ordre`` and ``total``, shares of the variance, each with ``_min`` and
        ``_max``, bounds of a bootstrap interval at 95 %. Estimates: a share that is null may come
        out slightly negative.

    Source: Saltelli et al. (2010), table 2 (b) and (f) ; intervals of Archer, Saltelli and Sobol
    (1997), J. Stat. Comput. Simul. 58, as SALib computes them.
    """
    from SALib.analyze import sobol  # 0.4 s to import: only those who ask for sensitivity pay

    # Plain names: SALib would take a name given twice as one factor.
    problem = {"num_vars": len(factors), "names": [f"f{k}" for k in range(len(factors))]}
    found = sobol.analyze(
        problem, outputs.ravel(), calc_second_order=False,
        num_resamples=RESAMPLES, conf_level=LEVEL, seed=_seed(seed, 1),
    )  # fmt: skip
    table = pd.DataFrame({"code": list(factors)})
    for name, key in (("premier_ordre", "S1"), ("total", "ST")):
        value, half = np.asarray(found[key]), np.asarray(found[f"{key}_conf"])
        table[name], table[f"{name}_min"], table[f"{name}_max"] = value, value - half, value + half
    return table


def _seed(seed: int, stream: int) -> int:
    """A seed of its own, never 0: SALib takes a null seed as none."""
    return int(np.random.SeedSequence([seed, 2, stream]).generate_state(1)[0]) or 1
