"""Who is to be accompanied, commune by commune: as counted, and drawn again with its noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fragilite.cartography import PEOPLE
from fragilite.errors import UsageError
from fragilite.indicators import age_bands
from fragilite.inputs import population
from fragilite.pipeline import Build
from fragilite.roadmap.scenario import Priorite
from fragilite.robustness import SEED, Noise

#: Draws of the need: the share where a commune keeps its sector is then within 10 points.
DRAWS = 100


def people_of(build: Build) -> pd.Series:
    """People to accompany, by ``code_insee``; NaN where not known.

    Raises
    ------
    UsageError
        If the method counts nobody: there is no load to share.
    """
    people = build.communes.set_index("code_insee")[PEOPLE].astype("float64")
    if people.notna().any():
        return people
    raise UsageError(
        f"Aucune personne à accompagner n'est comptée dans {build.inputs.territory.libelle} : il "
        "n'y a pas de charge à partager.",
        "Prenez une méthode qui a une table [volume], et les âges du recensement.",
    )


def weights(build: Build, priority: Priorite | None) -> pd.Series:
    """What a person of each commune counts for in the loads, 0–1, by ``code_insee``.

    A commune without a class counts as one that is not in the priority.

    Raises
    ------
    UsageError
        If the method has no such classes.
    """
    towns = build.communes.set_index("code_insee")
    if priority is None:
        return pd.Series(1.0, towns.index)
    if priority.colonne not in towns or towns[priority.colonne].isna().all():
        raise UsageError(
            f"Priorité à {priority.colonne} ≥ {priority.minimum} : la méthode "
            f"{build.method.methode.code} ne donne pas de telles classes.",
            "Prenez un scénario sans [priorite], comme volume.",
        )
    first = (towns[priority.colonne] >= priority.minimum).fillna(False).astype(bool)
    return first.astype("float64").where(first, priority.part_ailleurs)


def drawn(build: Build, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """People to accompany, drawn again.

    Age bands of a commune are drawn as one Dirichlet of the variance that the method declares for
    shares of the census, (c + 1)·p(1−p)/N with c the survey's and 1 the chance of small numbers
    (``superpopulation``), or c alone (``sondage``). National rates are not drawn: an error on them
    moves all communes alike, and changes no sharing.

    Parameters
    ----------
    build : Build
    draws, seed : int

    Returns
    -------
    ndarray of float64, shape (draws, communes)
        NaN where the people are not known.
    """
    people = people_of(build).to_numpy()
    bands = age_bands(build.inputs, build.method)
    if bands is None:
        return np.tile(people, (draws, 1))
    table, rates = bands
    noise = Noise.of(build.method.incertitude)
    inhabitants = table.sum(axis=1).to_numpy()
    factor = noise.factor(population(build.inputs).to_numpy())
    factor = factor + (noise.modele == "superpopulation")
    rng = np.random.default_rng(seed)
    known = np.isfinite(people) & (inhabitants > 0) & (factor > 0)
    # Var = p(1−p)/(A + 1) in a Dirichlet whose parameters add up to A.
    strength = np.maximum(inhabitants[known] / factor[known] - 1, 1.0)
    shares = table.to_numpy()[known] / inhabitants[known, None]
    parts = rng.standard_gamma(shares * strength[:, None], (draws, *shares.shape))
    found = np.tile(people, (draws, 1))
    found[:, known] = (parts @ rates) / parts.sum(axis=2) * inhabitants[known]
    return found
