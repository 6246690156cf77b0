"""How sure the ranks of a build are: its method's declarations, handed to the engine.

The engine (:mod:`fragilite.robustness`) serves any index; here the people each share is observed
on, the shares that are smoothed and the figures that are rounded are taken from a build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from fragilite import robustness
from fragilite.errors import UsageError
from fragilite.ingestion.catalogue import load_sources, source_of_variables
from fragilite.inputs import population
from fragilite.method import (
    Grandeur,
    Incertitude,
    Method,
    Moyenne,
    is_census_share,
    is_survey_share,
)
from fragilite.robustness import Choices, Noise, Sensitivity, Seuils, Uncertainty
from fragilite.scoring import Reference

#: Base sample of the Sobol indices: the least power of two that steadies them on one département.
SENSITIVITY_DRAWS = 1024
#: Under so few, intervals cover more than what they measure; above so many, memory runs out.
LEAST_DRAWS, MOST_DRAWS = 128, 16_384

if TYPE_CHECKING:
    from fragilite.indicators import Figure
    from fragilite.pipeline import Build, Result


def declared_rules(method: Method) -> Incertitude:
    """Settings of a method's uncertainty.

    Raises
    ------
    UsageError
        If it has none.
    """
    if method.incertitude is None:
        raise UsageError(
            f"La méthode {method.methode.code} n'a pas de table [incertitude].",
            "Copiez celle de fragilite-2026.",
        )
    return method.incertitude


def analyse(build: Build, rules: Incertitude) -> Uncertainty:
    """Both analyses on the communes of a build, with some settings."""
    people = population(build.inputs)
    return uncertainty_of(build.result, build.method, rules, people, build.reference)


def uncertainty_of(
    result: Result,
    method: Method,
    rules: Incertitude,
    population: pd.Series,
    reference: Mapping[str, Reference],
) -> Uncertainty:
    """Both analyses on the communes of a build.

    Parameters
    ----------
    result : Result
        Figures and scores of the communes.
    method : Method
    rules : Incertitude
        Those of the method, or a variant of them.
    population : Series of float64
        Inhabitants of each commune.
    reference : mapping of str to Reference
        Distribution of the indicators over the whole country.

    Returns
    -------
    Uncertainty
    """
    return robustness.uncertainty(
        scored_values(result),
        method,
        rules.tirages,
        rules.graine,
        denominators(result, method),
        population=population,
        reference=reference,
        noise=noise_of(result, method, rules),
        choices=Choices.of(rules),
        seuils=Seuils.of(rules),
    )


def sensitivity_of(
    result: Result,
    method: Method,
    rules: Incertitude,
    reference: Mapping[str, Reference],
    draws: int = SENSITIVITY_DRAWS,
) -> Sensitivity:
    """Which choice of method moves the ranks of a build most: see :func:`uncertainty_of`.

    Parameters
    ----------
    draws : int
        Base sample: the index is computed some ten times as often.

    Returns
    -------
    Sensitivity
    """
    if not LEAST_DRAWS <= draws <= MOST_DRAWS:
        raise UsageError(
            f"--draws : de {LEAST_DRAWS} à {MOST_DRAWS} tirages de base attendus, trouvé {draws}.",
            f"Par défaut : --draws {SENSITIVITY_DRAWS}",
        )
    return robustness.sensitivity(
        scored_values(result),
        method,
        draws,
        rules.graine,
        reference=reference,
        choices=Choices.of(rules),
    )


def scored_values(result: Result) -> pd.DataFrame:
    """Values that are scored, in their units, shape (communes, indicators)."""
    return pd.DataFrame({code: result.figures[code].scored for code in result.scores.scored})


def denominators(result: Result, method: Method) -> pd.DataFrame:
    """People that each share of the census or of a survey is observed on, (communes, shares)."""
    return pd.DataFrame(
        {
            code: result.figures[code].parts["denominateur"]
            for code in result.scores.scored
            if is_census_share(method.indicateurs[code])
            or is_survey_share(method.indicateurs[code])
        },
        index=result.volume.index,
    )


def noise_of(result: Result, method: Method, rules: Incertitude) -> Noise:
    """What is known of the noise of a build's figures."""
    declared, scored = Noise.of(rules), result.scores.scored
    steps = {code: rounding(method.indicateurs[code], result.figures[code]) for code in scored}
    return replace(
        declared,
        imbriques=[[code for code in chain if code in scored] for chain in declared.imbriques],
        arrondis={code: step for code, step in steps.items() if step},
        lisses={
            code: smoothed
            for code in scored
            if (smoothed := result.figures[code].lissage) is not None
        },
        enquetes=[code for code in scored if is_survey_share(method.indicateurs[code])],
    )


def rounding(indicator: Grandeur, figure: Figure) -> float:
    """Step a published figure is rounded to, in the indicator's unit; 0 where it is not."""
    calcul = indicator.calcul
    if not isinstance(calcul, Moyenne):
        return 0.0
    source = load_sources()[source_of_variables()[calcul.valeur]]
    return source.variables[calcul.valeur].arrondi * calcul.scale(figure.millesime or "")
