"""Outlines as the path data of an SVG: whole numbers on a small grid, moves rather than places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fragilite.cartography import Plane

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

#: The longer side of a map, in units: outlines keep details down to 1/1500 of it.
SIDE = 2000


@dataclass(frozen=True)
class Canvas:
    """From the plane, in metres and upwards, to a drawing whose y goes down.

    Attributes
    ----------
    left, top : float
        Corner of the plane that is the drawing's origin.
    factor : float
        Units per metre.
    width, height : int
    """

    left: float
    top: float
    factor: float
    width: int
    height: int

    @classmethod
    def of(cls, plane: Plane) -> Canvas:
        """The drawing of a whole plane; of nothing, a square."""
        left, bottom, right, top = plane.boite
        side = max(right - left, top - bottom)
        if side == 0:
            return cls(left, top, 1, SIDE, SIDE)
        factor = SIDE / side
        width, height = (right - left) * factor, (top - bottom) * factor
        return cls(left, top, factor, max(round(width), 1), max(round(height), 1))

    def places(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole units of points of the plane, shape (points, 2)."""
        moved = np.column_stack([points[:, 0] - self.left, self.top - points[:, 1]])
        return np.rint(moved * self.factor).astype(np.int64)

    def paths(self, outlines: gpd.GeoSeries) -> list[str]:
        """Path data of each outline, ``""`` where there is none."""
        return ["".join(self._rings(outline)) for outline in outlines]

    def _rings(self, outline: object) -> Iterator[str]:
        import shapely

        if outline is None or pd.isna(outline):  # type: ignore[call-overload]
            return
        lines = shapely.get_parts(shapely.boundary(shapely.get_parts(outline)))
        rings = [self.places(shapely.get_coordinates(line)) for line in lines]
        drawn = [path for path in map(ring_path, rings) if path]
        # An islet smaller than a unit still shows as a dot, if it is all there is.
        yield from drawn or [f"M{x} {y}h1v1h-1z" for x, y in rings[0][:1].tolist()]

    def centres(self, outlines: gpd.GeoSeries) -> list[tuple[int, int] | None]:
        """A point inside each outline."""
        inside = outlines.representative_point()
        known = inside.notna() & ~inside.is_empty
        places = iter(self.places(np.column_stack([inside[known].x, inside[known].y])).tolist())
        return [tuple(next(places)) if here else None for here in known]


def ring_path(places: NDArray[np.int64]) -> str:
    """A closed ring as relative moves; ``""`` if rounding left fewer than three points.

    Examples
    --------
    >>> ring_path(np.array([[10, 10], [20, 10], [20, 10], [20, 5], [10, 10]]))
    'M10 10l10 0 0-5z'
    """
    moves = np.diff(places, axis=0)
    moves = moves[np.any(moves != 0, axis=1)]
    if len(moves) < 3:
        return ""
    numbers = " ".join(f"{x} {y}" for x, y in moves[:-1].tolist())  # z draws the last one
    return f"M{places[0][0]} {places[0][1]}l{numbers}z".replace(" -", "-")
