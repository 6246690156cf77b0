"""What only a national build can tell: distributions to bundle, bounds and class limits anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fragilite.cog import departement_of
from fragilite.distribution import STEPS, Distribution
from fragilite.inputs import population
from fragilite.method import Method
from fragilite.pipeline import Build


def weighted_quantiles(values: pd.Series, weights: pd.Series, at: list[float]) -> list[float]:
    """Quantiles of values that count for their weight: the first value to reach the share.

    Parameters
    ----------
    values, weights : Series of float64, shape (communes,)
        Missing values are left out.
    at : list of float
        Shares between 0 and 1.

    Returns
    -------
    list of float

    Examples
    --------
    >>> weighted_quantiles(pd.Series([1.0, 2.0, 3.0]), pd.Series([1.0, 1.0, 8.0]), [0.1, 0.5])
    [1.0, 3.0]
    """
    known = values.notna() & weights.notna() & (weights > 0)
    ordered = values[known].sort_values(kind="stable")
    shares = weights[ordered.index].cumsum() / weights[ordered.index].sum()
    places = np.searchsorted(shares.to_numpy(), np.asarray(at) - 1e-12, side="left")
    return [float(ordered.iloc[min(place, len(ordered) - 1)]) for place in places]


def distributions(build: Build) -> dict[str, Distribution]:
    """Distribution of each indicator, context figure and node of a national build.

    An indicator that the method smooths has two: as observed, and as scored.
    """
    people, method = population(build.inputs), build.method
    found = _of_figures(build, people)
    for node, values in build.result.scores.noeuds.items():
        found[method.column(str(node))] = distribution(values, people, "")
    return {code: one for code, one in found.items() if one.communes}


def _of_figures(build: Build, people: pd.Series) -> dict[str, Distribution]:
    method, found = build.method, {}
    for code, figure in build.result.figures.items():
        if figure.millesime and code not in method.effectifs:
            found[code] = distribution(figure.values, people, figure.millesime)
            if code in method.indicateurs:
                name = method.scored_column(code)
                found[name] = distribution(figure.scored, people, figure.millesime)
    return found


def distribution(values: pd.Series, people: pd.Series, millesime: str) -> Distribution:
    """Distribution of the known values, the weighted mean by `people`."""
    known = values.dropna()
    if known.empty:
        return Distribution(0, np.nan, np.nan, np.nan, (), millesime)
    weights = people.reindex(known.index).fillna(0)
    return Distribution(
        len(known),
        float(known.mean()),
        float(known.std()),
        float(np.average(known, weights=weights)),
        tuple(float(value) for value in np.percentile(known, STEPS)),
        millesime,
    )


def as_json(
    build: Build, label: str, others: Mapping[str, Distribution] | None = None
) -> dict[str, Any]:
    """The distributions of a national build, rounded, ready to be bundled.

    Parameters
    ----------
    build : Build
    label : str
        What the figures are.
    others : mapping of str to Distribution, optional
        Those of figures that the build's method does not read.
    """
    return {
        "libelle": label,
        "methode": f"{build.method.methode.code} {build.method.methode.version}",
        "geographie": build.inputs.annee,
        "comptes": build.result.scores.scored,
        "distributions": {
            code: {
                "communes": found.communes,
                "moyenne": round(found.moyenne, 4),
                "ecart_type": round(found.ecart_type, 4),
                "moyenne_ponderee": round(found.moyenne_ponderee, 4),
                "quantiles": [round(value, 2) for value in found.quantiles],
                "millesime": found.millesime,
            }
            for code, found in {**(others or {}), **distributions(build)}.items()
        },
    }


# --- calibration ---------------------------------------------------------------------------------

#: Shares of the population at the bounds of an indicator.
TAILS = (0.025, 0.975)


@dataclass(frozen=True)
class Limit:
    """A number that the method declares beside the one recomputed."""

    cle: str
    libelle: str
    declare: float
    recalcule: float


def calibrate(build: Build) -> list[Limit]:
    """Bounds and class limits recomputed from a national build; the declared ones stay.

    Bounds are the population-weighted 2.5 % and 97.5 % quantiles of the communes of metropolitan
    France; class limits the population-weighted quantiles of the node's score there.

    Parameters
    ----------
    build : Build
        Of all of France.

    Returns
    -------
    list of Limit
    """
    method, people = build.method, population(build.inputs)
    metropole = pd.Series(
        [len(departement_of(str(code))) == 2 for code in people.index], index=people.index
    )
    found: list[Limit] = []
    for code, indicator in method.indicateurs.items():
        figure = build.result.figures[code]
        unknown = code in build.withdrawn or figure.values[metropole].isna().all()
        if unknown or indicator.points_0 is None or indicator.points_100 is None:
            continue
        low, high = weighted_quantiles(figure.values[metropole], people[metropole], list(TAILS))
        points = (low, high) if indicator.sens == "aggrave" else (high, low)
        for key, declared, value in zip(
            ("points_0", "points_100"),
            (indicator.points_0, indicator.points_100),
            points,
            strict=True,
        ):
            place = f"indicateurs.{code}.{key}"
            found.append(Limit(place, indicator.libelle, declared, value))
    return found + _class_limits(build, method, people.where(metropole))


def _class_limits(build: Build, method: Method, people: pd.Series) -> list[Limit]:
    found = []
    for node, record in method.noeuds.items():
        if record.classes:
            inner = record.classes.bornes[1:-1]
            shares = [rank / (len(inner) + 1) for rank in range(1, len(inner) + 1)]
            values = build.result.scores.noeuds[node]
            for rank, (declared, value) in enumerate(
                zip(inner, weighted_quantiles(values, people, shares), strict=True), start=1
            ):
                place = f"noeuds.{node}.classes.bornes.{rank}"
                found.append(Limit(place, record.libelle, declared, value))
    return found
