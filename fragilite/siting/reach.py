"""How many people have a place near them: of each kind, and of those open that receive them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.french import listing, number
from fragilite.siting.distances import METRES, Distances
from fragilite.siting.parameters import declared_radii

#: Every kind of place together, and the two readings of a place.
EVERY = "tous"
KNOWN, OPEN = "connu", "ouvert_et_recoit"
PLACE_COLUMNS = ("id", "genre", OPEN)


@dataclass(frozen=True)
class Reach:
    """People near a place.

    Attributes
    ----------
    table : DataFrame
        One row per ``genre`` (``"tous"`` first), ``lecture`` (``connu``, ``ouvert_et_recoit``) and
        ``rayon`` (km or minutes): ``lieux``, ``lieux_inconnus`` (not known to be open and to
        receive: left out of the second reading), ``personnes``, ``part`` (of those known, %),
        ``communes``, ``communes_au_dela``, ``personnes_au_dela``.
    communes : DataFrame
        One row per ``genre``, ``lecture`` and ``code_insee``: ``personnes``, ``distance`` (km or
        minutes, NaN without a known trip) and ``id`` of the nearest place.
    """

    table: pd.DataFrame
    communes: pd.DataFrame

    def beyond(self, kind: str, reading: str, radius: float) -> pd.DataFrame:
        """Communes of which no place is within a radius, most people first.

        Parameters
        ----------
        kind, reading : str
        radius : float
            Km or minutes.
        """
        rows = self.communes
        rows = rows[(rows["genre"] == kind) & (rows["lecture"] == reading)]
        far = rows[~(rows["distance"] <= radius)]
        return far.sort_values(["personnes", "code_insee"], ascending=[False, True])


def reach(
    people: pd.Series,
    places: pd.DataFrame,
    distances: Distances,
    radii: Sequence[float] | None = None,
) -> Reach:
    """Count the people within some radii of the nearest place.

    Parameters
    ----------
    people : Series of float64
        People of each commune, by ``code_insee``, at its point; NaN where not known: counted
        nowhere, neither near nor beyond.
    places : DataFrame
        ``id``, ``genre``, ``ouvert_et_recoit`` (True, False, or missing where it is not known).
    distances : Distances
        From communes to places, in the orders of these two.
    radii : sequence of float, optional
        Km, or minutes with road times; the declared ``rayons_km`` if None.

    Returns
    -------
    Reach

    Raises
    ------
    UsageError
        A radius that is not positive, a column that is not there, or road times without radii.
    """
    limits = _radii(radii, distances)
    absent = [name for name in PLACE_COLUMNS if name not in places]
    if absent:
        raise UsageError(f"Lieux sans colonne {listing(absent)}.")
    if list(people.index) != list(distances.origines) or list(places["id"]) != list(
        distances.destinations
    ):
        raise ValueError("distances are not from these communes to these places")
    away = distances.valeurs / (1000 if distances.unite == METRES else 1)
    received = places[OPEN].astype("boolean")
    rows, nearest = [], []
    for kind in (EVERY, *sorted(places["genre"].unique())):
        mine = np.ones(len(places), bool) if kind == EVERY else (places["genre"] == kind).to_numpy()
        for reading in (KNOWN, OPEN):
            kept = mine if reading == KNOWN else mine & received.fillna(False).to_numpy(dtype=bool)
            one = _nearest(people, places["id"].to_numpy()[kept], away[:, kept])
            nearest.append(one.assign(genre=kind, lecture=reading))
            unknown = int((mine & received.isna().to_numpy()).sum())
            counts = {"lieux": int(kept.sum()), "lieux_inconnus": unknown}
            rows += [
                {"genre": kind, "lecture": reading, "rayon": limit, **counts, **_within(one, limit)}
                for limit in limits
            ]
    columns = ["genre", "lecture", "code_insee", "personnes", "distance", "id"]
    return Reach(pd.DataFrame(rows), pd.concat(nearest, ignore_index=True)[columns])


def joined(parts: Sequence[Reach]) -> Reach:
    """Reaches of several sets of communes, from the same places and radii, in one.

    All the communes of France and 20 000 places make a table of 6 GB: they are counted in parts.
    """
    table = parts[0].table.copy()
    for name in ("personnes", "communes", "communes_au_dela", "personnes_au_dela"):
        table[name] = sum(part.table[name] for part in parts)
    total = table["personnes"] + table["personnes_au_dela"]
    table["part"] = (100 * table["personnes"] / total).where(total > 0)
    return Reach(table, pd.concat([part.communes for part in parts], ignore_index=True))


def _radii(radii: Sequence[float] | None, distances: Distances) -> tuple[float, ...]:
    if radii is None and distances.unite != METRES:
        raise UsageError("Des temps de route demandent des rayons en minutes.", "Exemple : 10,20.")
    limits = declared_radii() if radii is None else tuple(sorted(radii))
    wrong = [number(limit, 1) for limit in limits if not 0 < limit < np.inf]
    if wrong or not limits:
        raise UsageError(f"Rayon {listing(wrong)} : des nombres positifs attendus.")
    return limits


def _nearest(people: pd.Series, names: np.ndarray, away: np.ndarray) -> pd.DataFrame:
    known = ~np.isnan(away)
    some = known.any(axis=1)
    place = np.where(known, away, np.inf).argmin(axis=1) if away.shape[1] else None
    rows = np.arange(len(people))
    return pd.DataFrame(
        {
            "code_insee": people.index,
            "personnes": people.to_numpy(dtype=float),
            "distance": np.nan if place is None else np.where(some, away[rows, place], np.nan),
            "id": "" if place is None else np.where(some, names[place], ""),
        }
    )


def _within(nearest: pd.DataFrame, limit: float) -> dict[str, float]:
    near = (nearest["distance"] <= limit).to_numpy()
    people = nearest["personnes"].to_numpy()
    total, reached = np.nansum(people), np.nansum(people[near])
    return {
        "personnes": reached,
        "part": 100 * reached / total if total > 0 else np.nan,
        "communes": int(near.sum()),
        "communes_au_dela": int((~near).sum()),
        "personnes_au_dela": total - reached,
    }
