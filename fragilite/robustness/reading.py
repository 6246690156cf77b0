"""Both analyses, read together: how sure a rank is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fragilite.method import Method
from fragilite.robustness.choices import method_choices
from fragilite.robustness.noise import data_noise
from fragilite.robustness.records import SEED, Choices, Noise, Seuils, Uncertainty, rules_of
from fragilite.robustness.wording import (
    indicator_labels,
    not_shares,
    too_few,
    without_noise,
    without_people,
    without_reference,
    without_value,
)
from fragilite.scoring import TIE, Indice, Reference

#: Under this many ranked territories, a fifth is less than one of them.
LEAST = 5


def uncertainty(
    indicators: pd.DataFrame,
    method: Method | Indice,
    draws: int = 1000,
    seed: int = SEED,
    denominators: pd.DataFrame | None = None,
    *,
    population: pd.Series | None = None,
    reference: Mapping[str, Reference] | None = None,
    noise: Noise | None = None,
    choices: Choices | None = None,
    seuils: Seuils | None = None,
) -> Uncertainty:
    """How sure a rank is: noise of the data, and choices of method.

    Parameters
    ----------
    indicators : DataFrame of float64, shape (territories, indicators)
        Columns named after the method's indicators, in their units, NaN where missing; indexed by
        code.
    method : Method or Indice
    draws, seed : int
        Draws of each analysis.
    denominators : DataFrame of float64, shape (territories, shares), optional
        People each census share (in %) is observed on. Without it, choices of method only.
    population : Series of float64, optional
        Inhabitants; by default the largest denominator.
    reference : mapping of str to Reference, optional
        Distribution of each indicator over the whole country; without it, the normalisations that
        compare are not drawn.
    noise, choices, seuils : optional
        Noise of the data, choices drawn and thresholds of the reading; by default those that the
        method declares.

    Returns
    -------
    Uncertainty

    Raises
    ------
    UsageError
        A code that appears twice, no draw, or means that differ from one node to another.
    """
    remarks = []
    codes = [code for code in Indice.of(method).indicateurs if code in indicators]
    if reference is None:
        remarks.append(without_reference([]))
    elif alone := _without_reference(indicators, method, codes, reference):
        remarks.append(without_reference(indicator_labels(method, alone)))
    chosen = method_choices(indicators, method, draws, seed, reference=reference, choices=choices)
    table = pd.DataFrame(index=indicators.index)
    noisy = None
    if denominators is None:
        remarks.append(without_people())
        for name in ("rang_median", "rang_min_90", "rang_max_90"):
            table[name] = pd.array([pd.NA] * len(table), dtype="Int64")
        table["proba_premier_cinquieme"] = np.nan
    else:
        remarks += _still(indicators, method, denominators, noise)
        noisy = data_noise(
            indicators, method, denominators, draws, seed,
            population=population, reference=reference, noise=noise,
        )  # fmt: skip
        table = noisy.territoires.rename(columns={"premier_cinquieme": "proba_premier_cinquieme"})
        table = table[[*table.columns[1:], table.columns[0]]]
    table["part_scenarios_premier_cinquieme"] = chosen.territoires["premier_cinquieme"]
    ranked = int(chosen.territoires["premier_cinquieme"].notna().sum())
    if ranked < LEAST:
        remarks.append(too_few(ranked, LEAST))
        table["lecture"] = ""
    else:
        table["lecture"] = lecture(
            table["proba_premier_cinquieme"],
            table["part_scenarios_premier_cinquieme"],
            seuils or Seuils.of(rules_of(method)),
        )
    empty = [code for code in codes if indicators[code].isna().all()]
    if empty:
        remarks.append(without_value(indicator_labels(method, empty)))
    return Uncertainty(table, noisy, chosen, remarks)


def _still(
    indicators: pd.DataFrame,
    method: Method | Indice,
    denominators: pd.DataFrame,
    noise: Noise | None,
) -> list[str]:
    """What of the data cannot be drawn."""
    model = noise or Noise.of(rules_of(method))
    shares = [str(code) for code in indicators if code in denominators]
    beyond = [code for code in shares if not indicators[code].dropna().between(0, 100).all()]
    moving = {*shares, *model.lisses, *model.arrondis} & set(indicators)
    remarks = [not_shares(indicator_labels(method, beyond))] if beyond else []
    return remarks if moving else [*remarks, without_noise()]


def _without_reference(
    indicators: pd.DataFrame,
    method: Method | Indice,
    codes: Sequence[str],
    reference: Mapping[str, Reference],
) -> list[str]:
    """Indicators that would be compared with a distribution, and have none."""
    rules = Indice.of(method).indicateurs
    return [
        code
        for code in codes
        if code not in reference and not rules[code].absolue and indicators[code].notna().any()
    ]


#: Readings, from the surest to the least sure.
LECTURES = ("signal net", "signal probable", "pas de signal", "à confirmer sur le terrain")


def lecture(donnees: pd.Series, scenarios: pd.Series, seuils: Seuils | None = None) -> pd.Series:
    """What the two shares let one say of a territory and the first fifth.

    « Pas de signal » is said of a rank, never of people: someone there may need help.

    Parameters
    ----------
    donnees, scenarios : Series of float64
        Shares of the draws in the first fifth, for the noise of the data and for the choices of
        method.
    seuils : Seuils, optional

    Returns
    -------
    Series of str
        ``""`` where either is missing.

    Source: METHODE, « Lecture ».

    Examples
    --------
    >>> lecture(pd.Series([0.95, 0.6, 0.05, 0.95]), pd.Series([0.9, 0.5, 0.1, 0.2])).tolist()
    ['signal net', 'signal probable', 'pas de signal', 'à confirmer sur le terrain']
    """
    least = seuils or Seuils()
    low, high = np.fmin(donnees, scenarios) + TIE, np.fmax(donnees, scenarios) - TIE
    missing = donnees.isna() | scenarios.isna()
    cases = [missing, low >= least.net, low >= least.probable, high <= least.sans]
    texts = np.select(cases, ["", *LECTURES[:3]], LECTURES[3])
    return pd.Series(texts, index=donnees.index, dtype=str)
