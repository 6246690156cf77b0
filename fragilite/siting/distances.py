"""Distances between points: great circle × declared factor, or a table of road times."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fragilite.cog import EARTH
from fragilite.errors import UsageError
from fragilite.french import listing, number, plural
from fragilite.siting.parameters import declared

if TYPE_CHECKING:
    import geopandas as gpd

METRES, MINUTES = "m", "min"
#: Columns of a table of road times.
ORIGIN, DESTINATION, TIME = "origine", "destination", "minutes"
#: Missing pairs that a message names before it only counts them.
SHOWN = 3


@dataclass(frozen=True)
class Points:
    """Named points.

    Attributes
    ----------
    codes : tuple of str
        Without repetition, in the caller's order.
    latitude, longitude : ndarray of float64, shape (points,)
        Degrees, WGS 84.
    """

    codes: tuple[str, ...]
    latitude: np.ndarray
    longitude: np.ndarray

    def __post_init__(self) -> None:
        if len(set(self.codes)) < len(self.codes):
            twice = sorted({code for code in self.codes if self.codes.count(code) > 1})
            raise UsageError(f"Points donnés deux fois : {listing(twice[:SHOWN])}.")
        wrong = ~(np.abs(self.latitude) <= 90) | ~(np.abs(self.longitude) <= 180)
        if wrong.any():
            at = int(wrong.argmax())
            raise UsageError(
                f"Point {self.codes[at]} : latitude {number(self.latitude[at], 4)} et longitude "
                f"{number(self.longitude[at], 4)} ne sont pas des degrés.",
                "Donnez des degrés WGS 84, latitude puis longitude.",
            )


@dataclass(frozen=True)
class Distances:
    """From each origin to each destination.

    Attributes
    ----------
    origines, destinations : tuple of str
    valeurs : ndarray of float64, shape (origins, destinations)
        Metres or minutes; NaN where the table of road times has no such pair.
    unite : str
        ``"m"`` or ``"min"``.
    message : str
        What is missing, in French; empty where nothing is.
    """

    origines: tuple[str, ...]
    destinations: tuple[str, ...]
    valeurs: np.ndarray
    unite: str = METRES
    message: str = ""


def inner_points(layer: gpd.GeoDataFrame) -> Points:
    """A point inside the outline of each commune.

    Parameters
    ----------
    layer : GeoDataFrame
        Columns ``code_insee`` and ``geometry``, in any coordinate system.

    Returns
    -------
    Points
        In the order of rows. Unlike a centroid, such a point always lies in its commune.
    """
    empty = layer.geometry.is_empty | layer.geometry.isna()
    if empty.any():
        codes = layer.loc[empty, "code_insee"].tolist()
        raise UsageError(
            f"{plural(len(codes), 'commune')} sans contour : {listing(codes[:SHOWN])}.",
            "Donnez un fichier de contours qui les contient toutes.",
        )
    points = layer.geometry.representative_point().to_crs("EPSG:4326")
    return Points(tuple(layer["code_insee"]), points.y.to_numpy(), points.x.to_numpy())


def by_air(
    origins: Points, destinations: Points | None = None, factor: float | None = None
) -> Distances:
    """Great circle × factor, in metres.

    Parameters
    ----------
    origins, destinations : Points
        Destinations are the origins where none are given.
    factor : float, optional
        Length of a road over that of the straight line; the declared ``facteur_detour`` if None.

    Returns
    -------
    Distances

    Source: haversine formula (R. W. Sinnott, Sky and Telescope 68, 1984), on a sphere: 0.3 % from
    the ellipsoid at most in metropolitan France, far under what the factor ignores.

    Examples
    --------
    >>> ends = Points(("a", "b"), np.array([47.0, 48.0]), np.array([0.0, 0.0]))
    >>> round(float(by_air(ends, factor=1.0).valeurs[0, 1]))
    111195
    """
    factor = declared("facteur_detour") if factor is None else factor
    if not (math.isfinite(factor) and factor >= 1):
        raise UsageError(
            f"Facteur de détour {number(factor, 2)} : une route n'est pas plus courte que la ligne "
            "droite.",
            "Donnez un nombre d'au moins 1.",
        )
    ends = destinations or origins
    north, south = np.radians(origins.latitude)[:, None], np.radians(ends.latitude)[None]
    east = np.radians(origins.longitude)[:, None] - np.radians(ends.longitude)[None]
    square = np.sin((north - south) / 2) ** 2 + np.cos(north) * np.cos(south) * (
        np.sin(east / 2) ** 2
    )
    metres = 2 * EARTH * factor * np.arcsin(np.sqrt(np.minimum(square, 1)))
    return Distances(origins.codes, ends.codes, metres)


def by_road(
    path: Path, origins: Sequence[str], destinations: Sequence[str] | None = None
) -> Distances:
    """Minutes of a table ``origine, destination, minutes``, from each origin to each destination.

    Parameters
    ----------
    path : Path
        CSV in UTF-8, comma or semicolon, decimal point or comma. Pairs of other points are ignored.
    origins, destinations : sequence of str
        Destinations are the origins where none are given.

    Returns
    -------
    Distances
        From a point to itself: 0 where the table does not say otherwise. A pair given one way only
        is not turned round: the other way is missing, and NaN.

    Raises
    ------
    UsageError
        A column is missing, or a line holds no number of minutes.
    """
    ends = tuple(origins if destinations is None else destinations)
    rows = {code: place for place, code in enumerate(origins)}
    columns = {code: place for place, code in enumerate(ends)}
    minutes = np.full((len(rows), len(columns)), np.nan)
    for code in rows.keys() & columns.keys():
        minutes[rows[code], columns[code]] = 0.0
    for line, (origin, destination, time) in enumerate(_lines(path), start=2):
        if origin in rows and destination in columns:
            minutes[rows[origin], columns[destination]] = _minutes(time, path, line)
    return Distances(tuple(origins), ends, minutes, MINUTES, _missing(minutes, origins, ends))


def _lines(path: Path) -> list[tuple[str, str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"Table des temps illisible : {path}.", "Donnez un CSV en UTF-8."
        ) from error
    head = text.partition("\n")[0]
    table = csv.DictReader(text.splitlines(), delimiter=";" if ";" in head else ",")
    absent = [name for name in (ORIGIN, DESTINATION, TIME) if name not in (table.fieldnames or ())]
    if absent:
        raise UsageError(
            f"Table des temps {path.name} : colonne {listing(absent)} absente de « {head} ».",
            f"Colonnes attendues : {ORIGIN}, {DESTINATION}, {TIME}.",
        )
    return [
        ((row[ORIGIN] or "").strip(), (row[DESTINATION] or "").strip(), (row[TIME] or "").strip())
        for row in table
    ]


def _minutes(text: str, path: Path, line: int) -> float:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise UsageError(
            f"Table des temps {path.name}, ligne {line} : « {text} » n'est pas un nombre de "
            "minutes.",
            "Retirez la ligne si le temps est inconnu : rien n'est inventé.",
        )
    return found


def _missing(minutes: np.ndarray, origins: Sequence[str], ends: Sequence[str]) -> str:
    absent = np.argwhere(np.isnan(minutes))
    if not len(absent):
        return ""
    named = [f"{origins[i]} → {ends[j]}" for i, j in absent[:SHOWN]]
    rest = f" et {number(len(absent) - SHOWN)} autres" if len(absent) > SHOWN else ""
    return (
        f"Temps de route : {plural(len(absent), 'trajet absent', 'trajets absents')} de la table "
        f"sur {number(minutes.size)} ({', '.join(named)}{rest}) ; aucun n'est inventé."
    )
