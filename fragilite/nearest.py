"""Which known places are the nearest to each commune, whatever they do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from fragilite.centres import centres
from fragilite.inputs import Inputs
from fragilite.places.counts import RECOIVENT, state_of
from fragilite.places.merging import Merged
from fragilite.places.schema import split
from fragilite.siting import Points, by_air

#: Places told of each commune.
MOST = 3
#: Communes whose distances are held at once: 2 000 × 5 000 places take 80 MB.
BLOCK = 2000
#: A word of the schema: nobody is received there.
NO_PUBLIC = "pas_de_public"


def nearest(inputs: Inputs, merged: Merged, most: int = MOST) -> pd.DataFrame:
    """The nearest places of each commune among those that are open, or not said to be closed.

    Places that receive nobody, and those that say they serve other communes only, are left out.
    Distances are those of :func:`fragilite.orientation.orient`: from the centre of the commune,
    straight line × declared factor; to the place, or to the centre of its commune where it has no
    point of its own.

    Parameters
    ----------
    inputs : Inputs
    merged : Merged
    most : int
        Places by commune.

    Returns
    -------
    DataFrame
        ``code_insee``, ``id`` (of the place), ``km``, ``exacte`` (whether the point is the
        place's), the nearest first; nothing for a commune whose centre is unknown.
    """
    towns = centres(inputs).dropna(subset=["longitude"])
    places = _placed(merged, towns)
    rows = [
        row
        for start in range(0, len(towns), BLOCK)
        for row in _block(towns.iloc[start : start + BLOCK], places, most)
    ]
    return pd.DataFrame(rows, columns=["code_insee", "id", "km", "exacte"])


def _placed(merged: Merged, towns: pd.DataFrame) -> pd.DataFrame:
    """Places that may receive, each with a point."""
    rows = []
    for place in merged.lieux.to_dict("records"):
        if state_of(place) not in RECOIVENT or NO_PUBLIC in split(place["acces"]):
            continue
        exact = place["longitude"] == place["longitude"]
        if not exact and place["code_insee"] not in towns.index:
            continue
        point: Any = place if exact else towns.loc[place["code_insee"]]
        rows.append(
            (place["id"], point["longitude"], point["latitude"], exact, split(place["perimetre"]))
        )
    columns = ["id", "longitude", "latitude", "exacte", "perimetre"]
    return pd.DataFrame(rows, columns=columns)


def _block(
    towns: pd.DataFrame, places: pd.DataFrame, most: int
) -> Iterator[tuple[str, str, float, bool]]:
    if places.empty:
        return
    away = by_air(_points(towns), _points(places.set_index("id"))).valeurs / 1000
    for column, served in enumerate(places["perimetre"]):
        if served:
            away[~towns.index.isin(served), column] = np.inf
    order = np.argsort(away, axis=1, kind="stable")[:, :most]
    ids, exact = places["id"].tolist(), places["exacte"].tolist()
    for row, code in enumerate(towns.index):
        for column in order[row].tolist():
            if np.isfinite(away[row, column]):
                yield str(code), ids[column], float(away[row, column]), exact[column]


def _points(table: pd.DataFrame) -> Points:
    return Points(
        tuple(table.index),
        table["latitude"].to_numpy(dtype=float),
        table["longitude"].to_numpy(dtype=float),
    )
