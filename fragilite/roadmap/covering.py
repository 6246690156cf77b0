"""Where to open what is scarce: most people within a radius of a kind of place or service."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.faults import did_you_mean
from fragilite.french import fold, lower_first, number, plural
from fragilite.inventory import Known
from fragilite.pipeline import Build
from fragilite.places.counts import rules
from fragilite.places.schema import schema
from fragilite.roadmap.capacity import by_kind
from fragilite.roadmap.need import people_of, weights
from fragilite.roadmap.scenario import Scenario
from fragilite.roadmap.study import distances, distances_note
from fragilite.siting import Cover, Distances, cover
from fragilite.siting.distances import METRES
from fragilite.siting.parameters import declared
from fragilite.siting.problem import CANDIDATES


@dataclass(frozen=True)
class Covering:
    """New places for what is scarce, and what they change.

    Attributes
    ----------
    build : Build
    known : Known
    scenario : Scenario
    quoi, libelle : str
        What is scarce: its code in the inventory, and in words.
    rayon : float
        Km or minutes.
    unite : str
        ``km`` or ``min``.
    couverture : Cover
        The choice, its bound, and the people covered by number of new places.
    communes : DataFrame
        One row per commune: ``code_insee``, ``nom``, ``nom_epci``, ``personnes``, ``existants``
        (places of today), ``ouverture`` (whether one is to open), ``distance_avant``,
        ``distance_apres`` (km or minutes to the nearest; missing without one), ``couverte_avant``,
        ``couverte_apres``.
    distances : ndarray of float64, shape (communes, communes)
        Km or minutes.
    renseigne : bool
        Whether a list says anything of it: else no known place does not mean no place.
    notes : list of str
    """

    build: Build
    known: Known
    scenario: Scenario
    quoi: str
    libelle: str
    rayon: float
    unite: str
    couverture: Cover
    communes: pd.DataFrame
    distances: np.ndarray
    renseigne: bool
    notes: list[str]

    @property
    def nom(self) -> str:
        """Stem of its files: ``couverture_mds_49``."""
        return stem_of(self.build, self.quoi)

    @property
    def opened(self) -> pd.DataFrame:
        """Communes where a place is to open, and what each brings alone.

        Returns
        -------
        DataFrame
            Rows of :attr:`communes`, with ``gain``: people who would be beyond without it.
        """
        chosen = self.communes[self.communes["ouverture"]]
        return chosen.assign(gain=[self._alone(place) for place in chosen.index])

    def _alone(self, place: int) -> float:
        rows = self.communes
        near = self.distances[:, [at for at in self._sites() if at != place]] <= self.rayon
        lost = rows["couverte_apres"].to_numpy() & ~near.any(axis=1)
        return float(rows["personnes"].to_numpy()[lost].sum())

    def _sites(self) -> list[int]:
        rows = self.communes
        return list(np.flatnonzero(rows["ouverture"] | (rows["existants"] > 0)))


def stem_of(build: Build, code: str) -> str:
    """Stem of the files of a covering: ``couverture_mds_49``."""
    return f"couverture_{code}_{build.inputs.territory.nom}"


def scarce(text: str) -> tuple[str, str, str]:
    """What is looked for: a row of the inventory's grid, or a kind of place.

    Returns
    -------
    measure, code, label : str
        Measure of the counts, its modality, words for readers.

    Raises
    ------
    UsageError
        If it is neither.

    Examples
    --------
    >>> scarce("parentalité"), scarce("epn")
    (('oui', 'parentalite', 'Parentalité'), ('type', 'epn', 'Espace public numérique'))
    """
    lines = {
        fold(word): one for one in rules().lignes for word in (one.code, one.libelle, one.court)
    }
    if fold(text) in lines:
        found = lines[fold(text)]
        return "oui", found.code, found.libelle
    kind = schema().code_of("type", text)
    if kind:
        return "type", kind, schema().words("type")[kind].libelle
    known = [*(one.code for one in rules().lignes), *schema().words("type")]
    raise UsageError(
        f"--pour : « {text} » inconnu.{did_you_mean(text, known)}",
        f"Services et types de lieux : {', '.join(dict.fromkeys(known))}.",
    )


def covering(
    build: Build,
    known: Known,
    scenario: Scenario,
    what: str,
    *,
    radius: float | None = None,
    times: Path | None = None,
) -> Covering:
    """Choose where to open places so that most people have one within a radius.

    Parameters
    ----------
    build : Build
    known : Known
    scenario : Scenario
        Its number of posts is that of places to open; its priority weighs the people.
    what : str
        A row of the inventory's grid or a kind of place.
    radius : float, optional
        Km, or minutes with road times; the declared ``rayon_couverture`` if None.
    times : Path, optional
        Table of road times between communes.

    Raises
    ------
    UsageError
        An unknown service, nobody to accompany, no number of places or more than communes, a radius
        that is not positive.
    FragiliteError
        If the outline of a commune is not at hand.
    """
    measure, code, label = scarce(what)
    if scenario.postes is None:
        raise UsageError("Il manque le nombre de lieux à ouvrir.", "Exemple : --posts 2")
    people = people_of(build)
    weighed = people * weights(build, scenario.priorite)
    counts = by_kind(known.comptes, measure, people.index)
    existing = counts[code] if code in counts else pd.Series(0.0, people.index)
    away = distances(build, times)
    limit = declared("rayon_couverture") if radius is None else radius
    values = away.valeurs / (1000 if away.unite == METRES else 1)
    sites = _sites(weighed, existing, scenario.postes)
    found = cover(
        weighed.to_numpy(), np.where(sites, values, np.nan), scenario.postes, limit,
        existing.to_numpy() > 0,
    )  # fmt: skip
    rows = _rows(build, people, existing, values, found, limit)
    return Covering(
        build, known, scenario, code, lower_first(label), limit,
        "km" if away.unite == METRES else "min", found, rows, values,
        _is_said(known, measure, code), _notes(away, label, sites),
    )  # fmt: skip


def _sites(people: pd.Series, existing: pd.Series, places: int) -> np.ndarray:
    """Where a place may be: where there is one, and in communes that weigh enough to keep one.

    The rule is that of the bases of sectors: a share of the mean load, or among the three heaviest
    communes per place.
    """
    heavy = people >= declared("base_min") * people.sum() / places
    first = people.rank(method="first", ascending=False) <= CANDIDATES * places
    allowed: np.ndarray = (heavy | first | (existing > 0)).to_numpy()
    return allowed


def _is_said(known: Known, measure: str, code: str) -> bool:
    """Whether a place of the lists says yes or no to a service; kinds are always known."""
    rows = known.comptes
    return measure == "type" or bool(((rows["mesure"] == "dit") & (rows["modalite"] == code)).any())


def _rows(
    build: Build,
    people: pd.Series,
    existing: pd.Series,
    away: np.ndarray,
    found: Cover,
    limit: float,
) -> pd.DataFrame:
    towns = build.communes
    opened = np.isin(np.arange(len(towns)), found.choisis)
    before = _nearest(away, existing.to_numpy() > 0)
    after = _nearest(away, (existing.to_numpy() > 0) | opened)
    return pd.DataFrame(
        {
            "code_insee": towns["code_insee"],
            "nom": towns["nom"],
            "nom_epci": towns["nom_epci"],
            "personnes": people.to_numpy(),
            "existants": existing.to_numpy().astype(int),
            "ouverture": opened,
            "distance_avant": before,
            "distance_apres": after,
            "couverte_avant": before <= limit,
            "couverte_apres": after <= limit,
        }
    )


def _nearest(away: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Distance of each commune to the nearest place; NaN where there is none."""
    known = np.where(np.isnan(away[:, places]), np.inf, away[:, places])
    nearest = known.min(axis=1, initial=np.inf)
    found: np.ndarray = np.where(np.isfinite(nearest), nearest, np.nan)
    return found


def _notes(away: Distances, label: str, sites: np.ndarray) -> list[str]:
    return [
        f"Emplacements possibles : les {plural(int(sites.sum()), 'commune')} où il y a déjà un "
        f"lieu, et celles qui pèsent au moins {number(100 * declared('base_min'))} % de la charge "
        "moyenne d'un lieu.",
        f"Sont comptés les lieux connus dont c'est le genre ou le service ({lower_first(label)}) : "
        "un lieu que les listes n'ont pas, ou qui ne le dit pas, peut exister.",
        *distances_note(away),
    ]


def facts(found: Covering) -> dict[str, Any]:
    """Facts of a covering, ready for JSON."""
    choice = found.couverture
    return {
        "territoire": found.build.inputs.territory.libelle,
        "quoi": found.quoi,
        "libelle": found.libelle,
        "rayon": found.rayon,
        "unite": found.unite,
        "scenario": found.scenario.code,
        "renseigne": found.renseigne,
        "existants": int(found.communes["existants"].sum()),
        "personnes": float(found.communes["personnes"].sum()),
        "couvertes_avant": _covered(found, "couverte_avant"),
        "couvertes_apres": _covered(found, "couverte_apres"),
        "optimal": bool(choice.borne - choice.personnes <= 1e-6 * max(choice.total, 1.0)),
        "ouvertures": found.opened[["code_insee", "nom", "nom_epci", "personnes", "gain"]].to_dict(
            "records"
        ),
        "courbe": choice.courbe.astype(object)
        .where(choice.courbe.notna(), None)
        .to_dict("records"),
        "notes": found.notes,
        "listes": found.known.listes,
    }


def _covered(found: Covering, column: str) -> float:
    rows = found.communes
    return float(rows.loc[rows[column], "personnes"].sum())
