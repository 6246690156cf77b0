"""The distribution of each indicator over the communes of France, and what it is used for.

Computed once from a national build and bundled (``bundled/france.json``), it shows a single
département its place in France without any national file; `calibrate` recomputes the bounds and
class limits of a method from such a build.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from fragilite.cog import departement_of
from fragilite.inputs import population
from fragilite.method import Method
from fragilite.pipeline import Build

#: Percentiles kept of each distribution.
STEPS = np.arange(101)


@dataclass(frozen=True)
class Distribution:
    """An indicator, or a node, over the communes of France.

    Attributes
    ----------
    communes : int
        Communes that have a value.
    moyenne : float
        Mean over communes, each counting one; ``ecart_type`` likewise (ddof 1).
    moyenne_ponderee : float
        Mean weighted by population.
    quantiles : tuple of float
        101 percentiles of the communes, each counting one.
    millesime : str
        Vintage of the data.
    """

    communes: int
    moyenne: float
    ecart_type: float
    moyenne_ponderee: float
    quantiles: tuple[float, ...]
    millesime: str

    def place(self, value: float) -> float:
        """Share of the communes of France below a value, in % (ties half below)."""
        low = np.searchsorted(self.quantiles, value, side="left")
        high = np.searchsorted(self.quantiles, value, side="right")
        if low < high:  # on one percentile or on several that are equal
            return float(np.clip((low + high - 1) / 2, 0, 100))
        return float(np.clip(np.interp(value, self.quantiles, STEPS), 0, 100))


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
    """Distribution of each indicator, context figure and node of a national build."""
    people, scores = population(build.inputs), build.result.scores
    found = {
        code: (figure.values, figure.millesime or "")
        for code, figure in build.result.figures.items()
        if code not in build.method.effectifs and figure.millesime
    }
    found |= {build.method.column(str(node)): (scores.noeuds[node], "") for node in scores.noeuds}
    return {
        code: _distribution(values, people, millesime)
        for code, (values, millesime) in found.items()
        if values.notna().any()
    }


def _distribution(values: pd.Series, people: pd.Series, millesime: str) -> Distribution:
    known = values.dropna()
    weights = people[known.index].fillna(0)
    return Distribution(
        len(known),
        float(known.mean()),
        float(known.std()),
        float(np.average(known, weights=weights)),
        tuple(float(value) for value in np.percentile(known, STEPS)),
        millesime,
    )


@dataclass(frozen=True)
class France:
    """Distributions of a national build, and what it was.

    Attributes
    ----------
    libelle : str
        What the figures are, for readers.
    methode : str
        Code and version of the method.
    comptes : tuple of str
        Indicators that were scored.
    distributions : dict of str to Distribution
    """

    libelle: str
    methode: str
    comptes: tuple[str, ...]
    distributions: Mapping[str, Distribution]

    def place(self, code: str, value: float) -> float | None:
        """Share of the communes of France below a value of an indicator, in %."""
        found = self.distributions.get(code)
        return None if found is None or np.isnan(value) else found.place(value)

    def compares(self, build: Build) -> bool:
        """Whether scores of a build compare with these: same method, same indicators scored."""
        header = build.method.methode
        same = self.methode == f"{header.code} {header.version}"
        return same and set(self.comptes) == set(build.result.scores.scored)


@cache
def france() -> France:
    """The distributions that travel with the program."""
    data = json.loads((files("fragilite") / "bundled/france.json").read_text(encoding="utf-8"))
    return France(
        data["libelle"],
        data["methode"],
        tuple(data["comptes"]),
        {
            code: Distribution(**record | {"quantiles": tuple(record["quantiles"])})
            for code, record in data["distributions"].items()
        },
    )


def as_json(build: Build, label: str) -> dict[str, Any]:
    """The distributions of a national build, rounded, ready to be bundled."""
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
            for code, found in distributions(build).items()
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
        if code in build.withdrawn or figure.values[metropole].isna().all():
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
