"""What a plan does: who is where, with which load, against a naive plan and against today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.french import number, plural
from fragilite.siting.distances import METRES
from fragilite.siting.parameters import declared_radii
from fragilite.siting.problem import Ground, Model


@dataclass(frozen=True)
class Plan:
    """Which post serves which commune.

    Attributes
    ----------
    nom : str
    affectation : DataFrame
        One row per commune and sector; a commune heavier than a post has several: ``secteur``
        (from 1), ``code_base``, ``code_insee``, ``part`` (of the commune's need, 0–1),
        ``personnes``, ``distance`` (to the base, in the unit of the ground), ``poste_entier``
        (whether the post is for this commune alone).
    """

    nom: str
    affectation: pd.DataFrame


def plan_of(model: Model, base: np.ndarray, nom: str) -> Plan:
    """Table of a plan: dedicated posts, then the shared sectors, numbered by code of base.

    Parameters
    ----------
    model : Model
    base : ndarray of int64, shape (units,)
    nom : str
    """
    ground = model.ground
    left = np.nan_to_num(ground.besoin).astype(float)
    rows = []
    for one in model.dedies:
        left[one.commune] -= one.postes * model.moyenne
        rows += [(one.commune, one.commune, model.moyenne, True)] * one.postes
    keys = [(at, order, True) for order, (at, *_) in enumerate(rows)]
    keys += [(int(at), 0, False) for at in np.unique(base)]
    ordered = sorted(keys, key=lambda key: (not key[2], ground.codes[key[0]], key[1]))
    numbers = {key: place for place, key in enumerate(ordered, start=1)}
    table = [
        (numbers[at, order, True], at, commune, people, whole)
        for order, (at, commune, people, whole) in enumerate(rows)
    ]
    for commune, unit in enumerate(model.unite_de):
        at = int(base[unit])
        people = left[commune] if np.isfinite(ground.besoin[commune]) else np.nan
        table.append((numbers[at, 0, False], at, commune, people, False))
    return Plan(nom, _affectation(ground, table))


def nearest_plan(ground: Ground, bases: Sequence[str], nom: str) -> Plan:
    """Each commune to the nearest of some bases, loads left as they fall.

    Parameters
    ----------
    ground : Ground
    bases : sequence of str
        Codes of communes; repeated where several posts share a base, which they serve together.
    nom : str
        « Aujourd'hui », for the bases that exist.

    Raises
    ------
    UsageError
        No base, or one that is not a commune of the ground.
    """
    if not bases:
        raise UsageError(f"Plan « {nom} » : aucune base.", "Donnez au moins une commune.")
    places = sorted({ground.place(code, f"Plan « {nom} »") for code in bases})
    posts = {at: sum(code == ground.codes[at] for code in bases) for at in places}
    away = np.where(np.isnan(ground.distances[:, places]), np.inf, ground.distances[:, places])
    nearest = np.array(places)[away.argmin(axis=1)]
    nearest[places] = places
    table, first = [], 1
    for at in places:
        for commune in np.flatnonzero(nearest == at):
            people = float(ground.besoin[commune]) / posts[at]
            table += [(first + k, at, int(commune), people, False) for k in range(posts[at])]
        first += posts[at]
    return Plan(nom, _affectation(ground, table))


def naive_plan(ground: Ground, posts: int) -> Plan:
    """A base in each of the communes that have most people, each commune to the nearest.

    What one would do with a ranking alone: the yardstick of a plan.
    """
    order = np.lexsort((ground.codes, -np.nan_to_num(ground.besoin)))
    return nearest_plan(ground, [ground.codes[at] for at in order[:posts]], "Plan naïf")


def _affectation(ground: Ground, rows: Sequence[tuple[int, int, int, float, bool]]) -> pd.DataFrame:
    sector, base, commune, people, whole = (list(column) for column in zip(*rows, strict=True))
    need = ground.besoin[commune]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(need > 0, np.array(people) / need, 1.0)
    counts = pd.Series(commune).map(pd.Series(commune).value_counts()).to_numpy()
    table = pd.DataFrame(
        {
            "secteur": sector,
            "code_base": [ground.codes[at] for at in base],
            "code_insee": [ground.codes[at] for at in commune],
            "nom": [ground.noms[at] for at in commune],
            "code_epci": [ground.epci[at] for at in commune],
            "part": np.where(need > 0, part, 1.0 / counts),
            "personnes": people,
            "distance": ground.distances[commune, base],
            "poste_entier": whole,
        }
    )
    return table.sort_values(["secteur", "code_insee"], ignore_index=True)


def posts_table(ground: Ground, plan: Plan, radii: Sequence[float] | None = None) -> pd.DataFrame:
    """One row per post.

    Parameters
    ----------
    ground : Ground
    plan : Plan
    radii : sequence of float, optional
        Km, or minutes; the declared ones if None, none with road times.

    Returns
    -------
    DataFrame
        ``secteur``, ``code_base``, ``nom_base``, ``communes``, ``epci``, ``personnes``, ``charge``
        (1 = mean load), ``distance_moyenne`` (per person), ``distance_max`` (both in km or
        minutes), then ``part_<radius>`` (% of the people within a radius of the base).
    """
    scale = 1000 if ground.unite == METRES else 1
    limits = radii or (declared_radii() if ground.unite == METRES else ())
    mean = np.nansum(ground.besoin) / plan.affectation["secteur"].nunique()
    rows = []
    for sector, mine in plan.affectation.groupby("secteur"):
        people, away = mine["personnes"].fillna(0), mine["distance"] / scale
        total = people.sum()
        base = mine["code_base"].iloc[0]
        known = people[away.notna()].sum()
        row = {
            "secteur": sector,
            "code_base": base,
            "nom_base": ground.noms[ground.places[base]],
            "communes": len(mine),
            "epci": mine.loc[mine["code_epci"] != "", "code_epci"].nunique(),
            "personnes": total,
            "charge": total / mean if mean > 0 else np.nan,
            "distance_moyenne": (people * away).sum() / known if known > 0 else np.nan,
            "distance_max": away.max(),
        }
        row |= {
            f"part_{limit:g}": 100 * people[away <= limit].sum() / total if total > 0 else np.nan
            for limit in limits
        }
        rows.append(row)
    return pd.DataFrame(rows)


def compared(ground: Ground, plans: Sequence[Plan]) -> pd.DataFrame:
    """Plans side by side, one row each.

    Returns
    -------
    DataFrame
        ``plan``, ``postes``, ``charge_min``, ``charge_max`` (1 = mean load), ``distance_moyenne``,
        ``distance_max``, ``communes_max`` (of one post), ``coupures_epci`` (sectors that an EPCI is
        in, less one, summed; posts given whole to a commune are left out).
    """
    rows = []
    for plan in plans:
        posts = posts_table(ground, plan)
        people = posts["personnes"]
        shared = plan.affectation[~plan.affectation["poste_entier"]]
        shared = shared[shared["code_epci"] != ""]
        cuts = shared.groupby("code_epci")["secteur"].nunique() - 1
        rows.append(
            {
                "plan": plan.nom,
                "postes": len(posts),
                "charge_min": posts["charge"].min(),
                "charge_max": posts["charge"].max(),
                "distance_moyenne": (people * posts["distance_moyenne"]).sum() / people.sum(),
                "distance_max": posts["distance_max"].max(),
                "communes_max": posts["communes"].max(),
                "coupures_epci": int(cuts.sum()),
            }
        )
    return pd.DataFrame(rows)


def shared_communes(ground: Ground, model: Model) -> list[str]:
    """How each commune heavier than a post is served, in French."""
    found = []
    for one in model.dedies:
        need = float(ground.besoin[one.commune])
        left = need - one.postes * model.moyenne
        whole = plural(one.postes, "poste lui est réservé", "postes lui sont réservés")
        found.append(
            f"{ground.noms[one.commune]} ({number(need)} personnes comptées) dépasse la charge "
            f"d'un poste ({number(model.moyenne)}) : {whole}, et "
            f"{number(left)} personnes ({number(100 * left / need)} %) sont partagées avec le "
            "secteur voisin."
        )
    return found


def by_commune(plan: Plan) -> Mapping[str, int]:
    """Shared sector of each commune: that of its dedicated posts left out."""
    shared = plan.affectation[~plan.affectation["poste_entier"]]
    return dict(zip(shared["code_insee"], shared["secteur"], strict=True))
