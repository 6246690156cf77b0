"""A roadmap worked out: scenarios side by side, each against what exists and a naive plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from fragilite.centres import centre_points
from fragilite.errors import UsageError
from fragilite.explanation import ambiguous, find
from fragilite.french import number
from fragilite.inventory import Known
from fragilite.outputs import geographic_layer
from fragilite.pipeline import Build
from fragilite.roadmap.capacity import by_kind, receiving, said, served
from fragilite.roadmap.need import DRAWS, drawn, people_of, weights
from fragilite.roadmap.scenario import Scenario, rules_of, settings_of
from fragilite.siting import (
    Distances,
    Ground,
    Plan,
    Roadmap,
    Rounds,
    Stability,
    by_air,
    by_road,
    compared,
    naive_plan,
    nearest_plan,
    neighbours,
    net_need,
    posts_table,
    roadmap,
    rounds,
    stability,
)
from fragilite.siting.distances import METRES
from fragilite.siting.parameters import declared, parameters

#: Names of the plans that a proposal is set against.
NAIVE, TODAY = "Plan naïf", "Lieux d'aujourd'hui"


@dataclass(frozen=True)
class Outcome:
    """A scenario and the roadmap found for it.

    Attributes
    ----------
    scenario : Scenario
        With what the command line adds to it.
    route : Roadmap
        The plan, its value in mean distance per person, the bound and the gap.
    postes : DataFrame
        One row per post: see :func:`_posts`.
    communes : DataFrame
        One row per commune and sector: see :func:`_towns`.
    passages : Rounds
        Half-days by commune, and the calendar of a cycle.
    stabilite : Stability
        How often a commune keeps its sector when the need is drawn again.
    plans : DataFrame
        This plan, the naive one and today's places, one row each (:func:`siting.compared`).
    ground : Ground
    messages : list of str
        What the reader must know, in French.
    """

    scenario: Scenario
    route: Roadmap
    postes: pd.DataFrame
    communes: pd.DataFrame
    passages: Rounds
    stabilite: Stability
    plans: pd.DataFrame
    ground: Ground
    messages: list[str]

    @property
    def unit(self) -> str:
        """Of the distances in the tables: ``km`` or ``min``."""
        return "km" if self.ground.unite == METRES else "min"


@dataclass(frozen=True)
class Study:
    """Scenarios of a territory, side by side.

    Attributes
    ----------
    build : Build
    known : Known
        Places as the inventory knows them.
    capacites : dict
        People that a means serves, as stated; nothing is assumed.
    besoin : DataFrame
        By ``code_insee``: ``personnes`` (to accompany), ``servies`` (by existing means; missing
        where unknown), ``nettes``, ``lieux`` (known, that receive; missing without a list),
        ``etp`` (stated by places; missing where none states them).
    scenarios : tuple of Outcome
    notes : list of str
        What holds for all of them: distances, capacity, draws.
    """

    build: Build
    known: Known
    capacites: Mapping[str, float]
    besoin: pd.DataFrame
    scenarios: tuple[Outcome, ...]
    notes: list[str] = field(default_factory=list)

    @property
    def nom(self) -> str:
        """Stem of its files: ``feuille_de_route_49``."""
        return stem_of(self.build)

    @property
    def unit(self) -> str:
        """Of the distances in the tables: ``km`` or ``min``."""
        return self.scenarios[0].unit

    @cached_property
    def names(self) -> dict[str, str]:
        """Name of each commune."""
        towns = self.build.communes
        return dict(zip(towns["code_insee"], towns["nom"], strict=True))


def stem_of(build: Build) -> str:
    """Stem of the files of a study: ``feuille_de_route_49``."""
    return f"feuille_de_route_{build.inputs.territory.nom}"


def study(
    build: Build,
    known: Known,
    scenarios: Sequence[Scenario],
    *,
    capacities: Mapping[str, float] | None = None,
    times: Path | None = None,
    seconds: float | None = None,
    draws: int = DRAWS,
) -> Study:
    """Share a territory between posts, for one scenario or several.

    Parameters
    ----------
    build : Build
    known : Known
        From :func:`fragilite.inventory.of_bundle` or :func:`fragilite.inventory.of_lists`.
    scenarios : sequence of Scenario
    capacities : mapping of str to float, optional
        From :func:`fragilite.roadmap.capacity.parse_capacities`.
    times : Path, optional
        Table of road times between communes; straight line × declared factor without it.
    seconds : float, optional
        Of search, at most, for each scenario; the declared ``temps_max_s`` if None.
    draws : int
        Draws of the need.

    Returns
    -------
    Study

    Raises
    ------
    UsageError
        No number of posts, more posts than communes, a rule that names an unknown commune or that
        no plan keeps, nobody to accompany.
    FragiliteError
        If the outline of a commune is not at hand.
    """
    codes = [one.code for one in scenarios]
    if len(set(codes)) < len(codes):
        raise UsageError(
            f"Deux scénarios ont le même code, « {codes[0]} ».", "Changez le code de l'un d'eux."
        )
    stated = dict(capacities or {})
    besoin = _need(build, known, stated)
    layer = geographic_layer(build)
    away = distances(build, times)
    links = neighbours(layer)
    again = drawn(build, draws)
    outcomes = tuple(_outcome(build, one, besoin, away, links, again, seconds) for one in scenarios)
    return Study(build, known, stated, besoin, outcomes, _notes(away, stated, besoin, draws))


def _need(build: Build, known: Known, capacities: Mapping[str, float]) -> pd.DataFrame:
    people = people_of(build)
    counts = known.comptes
    taken = served(counts, capacities, people.index)
    posts = by_kind(counts, "etp_total", people.index)
    having = by_kind(counts, "etp_lieux", people.index).sum(axis=1)
    net = net_need(people.to_numpy(), taken.to_numpy())
    return pd.DataFrame(
        {
            "personnes": people,
            "servies": (people - net).where(taken.notna()),
            "nettes": net,
            "lieux": receiving(counts, people.index) if known.listes else np.nan,
            "etp": posts.sum(axis=1).where(having > 0),
        }
    )


def distances(build: Build, times: Path | None) -> Distances:
    """Between the communes of a build: straight line × declared factor, or a table of road times.

    Raises
    ------
    UsageError
        If the table cannot be read.
    FragiliteError
        If the outline of a commune is not at hand.
    """
    if times is not None:
        return by_road(times, list(build.communes["code_insee"]))
    return by_air(centre_points(build.inputs))


def _outcome(
    build: Build,
    scenario: Scenario,
    besoin: pd.DataFrame,
    away: Distances,
    links: np.ndarray,
    again: np.ndarray,
    seconds: float | None,
) -> Outcome:
    towns = build.communes.set_index("code_insee")
    weight = weights(build, scenario.priorite).to_numpy()
    ground = Ground(
        tuple(towns.index),
        tuple(towns["nom"]),
        tuple(towns["code_epci"].fillna("")),
        besoin["nettes"].to_numpy() * weight,
        away.valeurs,
        links,
        away.unite,
    )
    settings = settings_of(scenario, seconds)
    rules = rules_of(scenario, lambda text: _code(text, build))
    route = roadmap(ground, settings, rules, scenario.libelle)
    served_now = besoin["servies"].fillna(0).to_numpy()
    steady = stability(route, np.maximum(again - served_now, 0) * weight)
    passages = rounds(ground, route.plan, least=rules.min_demi_journees)
    communes = _towns(build, ground, route, passages, steady, besoin)
    plans = [route.plan, naive_plan(ground, settings.postes)]
    places = besoin["lieux"].fillna(0).astype(int)
    if places.sum():
        plans.append(nearest_plan(ground, list(places.index.repeat(places)), TODAY))
    return Outcome(
        scenario, route, _posts(ground, route.plan, communes), communes, passages, steady,
        compared(ground, plans), ground, route.messages,
    )  # fmt: skip


def _code(text: str, build: Build) -> str:
    """Code of a commune that a rule names."""
    try:
        found = find(text, build.inputs)
    except UsageError as error:  # its remedy is that of another command
        raise UsageError(
            f"Règle : {error.message}", "Donnez un code INSEE du territoire."
        ) from error
    if len(found) > 1:
        raise UsageError(
            f"Règle : {ambiguous(text, found).message}", f"Donnez son code, comme {found[0].code}."
        )
    return found[0].code


def _towns(
    build: Build,
    ground: Ground,
    route: Roadmap,
    passages: Rounds,
    steady: Stability,
    besoin: pd.DataFrame,
) -> pd.DataFrame:
    """One row per commune and sector.

    Returns
    -------
    DataFrame
        ``secteur``, ``code_base``, ``nom_base``, ``code_insee``, ``nom``, ``code_epci``,
        ``nom_epci``, ``classe`` (where the method has classes), ``part`` (of the commune, 0–1),
        ``personnes`` (to accompany, that part), ``charge`` (those that count in the load),
        ``distance`` (km or minutes), ``demi_journees`` (per cycle), ``recue_a``, ``nom_recue_a``,
        ``lieux`` (known, in the commune), ``stabilite`` (0–1), ``poste_entier``.
    """
    towns = build.communes.set_index("code_insee")
    table = route.plan.affectation.rename(columns={"personnes": "charge"})
    visits = passages.parts.set_index(["secteur", "code_insee"])
    keys = pd.MultiIndex.from_frame(table[["secteur", "code_insee"]])
    codes, hosts = table["code_insee"], visits["recue_a"].reindex(keys).to_numpy()
    scale = 1000 if ground.unite == METRES else 1
    names = dict(zip(ground.codes, ground.noms, strict=True))
    return pd.DataFrame(
        {
            "secteur": table["secteur"],
            "code_base": table["code_base"],
            "nom_base": table["code_base"].map(names),
            "code_insee": codes,
            "nom": table["nom"],
            "code_epci": table["code_epci"],
            "nom_epci": codes.map(towns["nom_epci"]),
            **({"classe": codes.map(towns["classe"])} if "classe" in towns else {}),
            "part": table["part"],
            "personnes": table["part"] * codes.map(besoin["personnes"]),
            "charge": table["charge"],
            "distance": table["distance"] / scale,
            "demi_journees": visits["demi_journees"].reindex(keys).to_numpy(),
            "recue_a": hosts,
            "nom_recue_a": [names[code] for code in hosts],
            "lieux": codes.map(besoin["lieux"]),
            "etp": codes.map(besoin["etp"]),
            "stabilite": codes.map(steady.communes),
            "poste_entier": table["poste_entier"],
        }
    )


def _posts(ground: Ground, plan: Plan, communes: pd.DataFrame) -> pd.DataFrame:
    """One row per post.

    Returns
    -------
    DataFrame
        Those of :func:`fragilite.siting.posts_table`, where ``personnes`` are all that the sector
        has to accompany, ``charge_personnes`` those that count in its load; then what exists today:
        ``lieux`` and ``etp`` (as many as its part of each commune; missing where none is stated),
        ``personnes_par_lieu``, ``communes_sans_lieu``, ``stabilite`` (mean over its communes).
    """
    table = posts_table(ground, plan).rename(columns={"personnes": "charge_personnes"})
    groups = communes.groupby("secteur")
    table = table.set_index("secteur")
    table.insert(4, "personnes", groups["personnes"].sum())
    part = communes["part"]
    table["lieux"] = (part * communes["lieux"]).groupby(communes["secteur"]).sum(min_count=1)
    table["etp"] = (part * communes["etp"]).groupby(communes["secteur"]).sum(min_count=1)
    table["personnes_par_lieu"] = table["personnes"] / table["lieux"].where(table["lieux"] > 0)
    without = (communes["lieux"] == 0).where(communes["lieux"].notna())
    table["communes_sans_lieu"] = without.groupby(communes["secteur"]).sum(min_count=1)
    table["stabilite"] = groups["stabilite"].mean()
    return table.reset_index()


def distances_note(away: Distances) -> list[str]:
    """How distances are measured, and which are missing, in French."""
    detour = parameters()["facteur_detour"]
    if away.unite != METRES:
        said = ["Temps de route de la table donnée, entre communes."]
        return [*said, away.message] if away.message else said
    return [
        f"Distances entre mairies (ou un point intérieur) : ligne droite × "
        f"{number(declared('facteur_detour'), 1)}. {detour.raison}"
    ]


def _notes(
    away: Distances, capacities: Mapping[str, float], besoin: pd.DataFrame, draws: int
) -> list[str]:
    return [
        *distances_note(away),
        said(capacities, float(besoin["servies"].sum())),
        f"Stabilité : part de {number(draws)} tirages des personnes à accompagner (structure par "
        "âge du recensement dans la limite de son bruit) où la commune garde son secteur ; les "
        "bases y sont recentrées, non rejouées en entier.",
    ]
