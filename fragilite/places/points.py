"""Where a place is: coordinates read in any order and system, checked against the département."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from fragilite.cog import EARTH, WGS_84, departements, projection_of
from fragilite.french import listing, number
from fragilite.places.cleaning import parse_number

#: Degrees allowed around a département (about 2 km): a bridge, a rounded coordinate.
MARGIN = 0.02
DECIMALS = 6


@dataclass(frozen=True)
class Point:
    """Longitude and latitude, None if there is no sound point, and what there is to say."""

    longitude: float | None = None
    latitude: float | None = None
    texte: str = ""
    genre: str = ""


@cache
def bounds() -> dict[str, tuple[float, float, float, float]]:
    """Western, southern, eastern and northern bounds of each département, in degrees."""
    with (files("fragilite.places") / "emprises.csv").open(encoding="utf-8") as lines:
        return {
            row["code"]: (
                float(row["ouest"]), float(row["sud"]), float(row["est"]), float(row["nord"]),
            )
            for row in csv.DictReader(lines)
        }  # fmt: skip


def inside(longitude: float, latitude: float, where: Collection[str]) -> bool:
    """Whether a point is within the bounds of one of some départements.

    Examples
    --------
    >>> inside(-0.55, 47.47, ["49"]), inside(47.47, -0.55, ["49"])
    (True, False)
    """
    return any(
        west - MARGIN <= longitude <= east + MARGIN and south - MARGIN <= latitude <= north + MARGIN
        for west, south, east, north in (bounds()[code] for code in where)
    )


def departements_near(points: Iterable[tuple[float, float]], km: float) -> list[str]:
    """Départements whose bounds are within so many km of one of some points, as the crow flies.

    Examples
    --------
    >>> departements_near([(-1.04, 44.5), (-61.0, 14.6)], 20)
    ['33', '40', '972']
    """
    x, y = np.array(list(points), dtype=float).reshape(-1, 2).T
    high = 1000 * km / (math.radians(1) * EARTH)
    wide = high / np.cos(np.radians(y))
    return [
        code
        for code, (west, south, east, north) in bounds().items()
        if (
            (west - wide <= x) & (x <= east + wide) & (south - high <= y) & (y <= north + high)
        ).any()
    ]


def locate(x: str, y: str, projection: int, where: Collection[str]) -> Point:
    """Read the coordinates of a place.

    They are tried as declared, then in degrees and in the legal projection of the département, then
    in the other order; the first reading that falls where the place is said to be is taken, and
    what was put right is told.

    Parameters
    ----------
    x, y : str
        Longitude or easting, latitude or northing, as written.
    projection : int
        EPSG code that the list declares.
    where : collection of str
        Départements of its commune or postal code; all of them if it is empty.
    """
    if not x.strip() and not y.strip():
        return Point()
    first, second = parse_number(x), parse_number(y)
    if first is None or second is None:
        return Point(
            texte=f"coordonnées « {x} » et « {y} » illisibles : gardé sans point",
            genre="illisible",
        )
    wanted = where or departements()
    legal = projection_of(wanted)
    systems = dict.fromkeys([projection, WGS_84, legal])
    for system, swapped in [(one, turn) for turn in (False, True) for one in systems]:
        pair = (second, first) if swapped else (first, second)
        for longitude, latitude in _degrees(*pair, system):
            if inside(longitude, latitude, wanted):
                told = _told(system, projection, swapped=swapped)
                return Point(
                    round(longitude, DECIMALS), round(latitude, DECIMALS), told,
                    f"point_{system}_{swapped}" if told else "",
                )  # fmt: skip
    names = [departements()[code].nom for code in wanted] if where else ["France"]
    return Point(
        texte=f"coordonnées ({_shown(first)} ; {_shown(second)}) hors du territoire attendu "
        f"({listing(names)}) : gardé sans point",
        genre="dehors",
    )


def _told(system: int, declared: int, *, swapped: bool) -> str:
    said = []
    if swapped:
        said.append("latitude et longitude interverties, remises dans l'ordre")
    if system != declared:
        said.append(
            "coordonnées en degrés, lues ainsi"
            if system == WGS_84
            else f"coordonnées projetées (EPSG:{system}), converties en degrés"
        )
    return " ; ".join(said)


def _shown(value: float) -> str:
    return number(value, 0 if abs(value) > 1000 else 4)


def _degrees(x: float, y: float, system: int) -> Iterator[tuple[float, float]]:
    """The point in degrees, if the numbers can be of this system."""
    if system == WGS_84:
        if abs(x) <= 180 and abs(y) <= 90:
            yield x, y
    elif max(abs(x), abs(y)) > 1000:
        longitude, latitude = _to_degrees(system).transform(x, y)
        if abs(longitude) <= 180 and abs(latitude) <= 90:
            yield longitude, latitude


@cache
def _to_degrees(system: int) -> Any:
    import pyproj

    return pyproj.Transformer.from_crs(system, WGS_84, always_xy=True)
