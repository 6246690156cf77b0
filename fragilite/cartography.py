"""How an index is shown on a map: what is coloured, in which classes, and where outlines go.

The GeoPackage's styles, the picture, the page and the document all draw from here, so that a
commune has one colour whatever the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.cog import departements, projection_of
from fragilite.french import exact
from fragilite.method import Classes, Method

if TYPE_CHECKING:
    import geopandas as gpd
    import shapely
    from numpy.typing import NDArray

    from fragilite.pipeline import Build

#: ColorBrewer's BuPu in five steps: one hue ordered in lightness, so that it reads in grey and by
#: colour-blind readers, and no red that would accuse a place.
RAMP = ("#edf8fb", "#b3cde3", "#8c96c6", "#8856a7", "#810f7c")
#: Outlines between communes, and the hatching of those that have no value.
BORDER, HATCH = "#6b6b6b", "#767676"
#: Circles of a quantity.
CIRCLE = "#8856a7"
#: A rise, a fall, and neither shown: ColorBrewer's BrBG, which colour-blind readers tell apart, the
#: rise darker than the fall so that grey prints do too. Neither is good or bad by itself.
CHANGE = {"hausse": "#8c510a", "baisse": "#5ab4ac", "pas de changement démontré": "#f3f2f5"}
#: Classes of a score that its method does not class.
STEPS = 5
#: What a commune without a value is called in every legend.
MISSING = "Donnée manquante"
#: Name of the theme of the people to accompany.
VOLUME = "volume"
#: Column of that theme.
PEOPLE = "personnes_a_accompagner"
#: Outlines keep details down to this share of the map's side: a pixel on a wide screen.
DETAIL = 1 / 1500


@dataclass(frozen=True)
class Theme:
    """One reading of the communes on a map: classes of a score, or circles of a quantity.

    Attributes
    ----------
    code : str
        Node of the method, or :data:`VOLUME`.
    colonne : str
        Column of the outputs.
    libelle, court, unite : str
        Words of the legend and of a menu; unit of the values.
    decimales : int
    bornes : tuple of float
        Limits of the classes, [low, high), the last closed; one more than classes. None for a
        quantity, or where no commune has a value.
    libelles, couleurs : tuple of str
        Word and colour of each class, from the least to the most fragile.
    """

    code: str
    colonne: str
    libelle: str
    court: str
    unite: str
    decimales: int = 1
    bornes: tuple[float, ...] = ()
    libelles: tuple[str, ...] = ()
    couleurs: tuple[str, ...] = ()

    @property
    def is_quantity(self) -> bool:
        """Whether it is drawn as circles whose area is the value."""
        return self.code == VOLUME

    def classes(self, values: pd.Series) -> pd.Series:
        """Class 1 to k of each value, missing where the value is."""
        if not self.bornes:
            return pd.Series(pd.NA, index=values.index, dtype="Int64")
        return scoring.classify(values, self.bornes)


def themes(build: Build) -> list[Theme]:
    """What a map of a build can show: index, sub-scores, then people to accompany.

    Classes are those that the method declares; else five equal steps of a bounded scale, the same
    for every territory and year; else, on an open scale, the fifths of the communes shown.
    """
    found = [_theme(build, node) for node in build.method.descending()]
    column = build.columns[PEOPLE]
    if build.communes[PEOPLE].notna().any():
        found.append(Theme(VOLUME, PEOPLE, column.libelle, column.libelle.lower(), column.unite, 0))
    return found


def _theme(build: Build, node: str) -> Theme:
    method, name = build.method, build.method.column(node)
    record, column = method.noeuds[node], build.columns[name]
    limits = _limits(method, record.classes, build.communes[name])
    words = record.classes.libelles if record.classes else None
    return Theme(
        node, name, record.libelle, record.court, column.unite, column.decimales, limits,
        tuple(_class_labels(limits, words)), ramp(max(len(limits) - 1, 0)),
    )  # fmt: skip


def _limits(method: Method, classes: Classes | None, values: pd.Series) -> tuple[float, ...]:
    if classes:
        return tuple(classes.bornes)
    if method.methode.bounded:
        return tuple(np.linspace(0, 100, STEPS + 1).tolist())
    known = values.dropna()
    if known.empty:
        return ()
    fifths = np.unique(np.quantile(known, np.linspace(0, 1, STEPS + 1))).tolist()
    return tuple(fifths) if len(fifths) > 1 else (fifths[0], fifths[0])


def _class_labels(limits: Sequence[float], words: Sequence[str] | None) -> Iterator[str]:
    for place, (low, high) in enumerate(pairwise(limits)):
        if words:
            yield f"{words[place]} ({exact(low)} à {exact(high)})"
        else:  # cut here: fifths have as many decimals as a quotient has
            yield f"{exact(round(low, 1))} à {exact(round(high, 1))}"


def ramp(count: int) -> tuple[str, ...]:
    """Colours of `count` classes, from the least to the most fragile.

    Examples
    --------
    >>> ramp(5) == RAMP, ramp(2)
    (True, ('#edf8fb', '#810f7c'))
    """
    if count < 2:
        return RAMP[2:3] * count
    known = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in RAMP])
    places = np.linspace(0, len(RAMP) - 1, count)
    mixed = [np.interp(places, range(len(RAMP)), known[:, channel]) for channel in range(3)]
    levels = np.rint(mixed).astype(int).T
    return tuple("#" + bytes(one.tolist()).hex() for one in levels)


# --- the plane -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """A territory drawn apart, at a scale of its own.

    Attributes
    ----------
    libelle : str
    boite : tuple of float
        Left, bottom, right, top, in the plane.
    """

    libelle: str
    boite: tuple[float, float, float, float]


@dataclass(frozen=True)
class Plane:
    """Outlines where a map draws them.

    Attributes
    ----------
    contours : GeoSeries, indexed by ``code_insee``
        Without coordinate system: metres of the main territory, y upwards. Missing where a commune
        has no outline.
    epci : GeoSeries, indexed by ``code_epci``
        Outlines of the EPCI, as far as the build holds them.
    cadres : tuple of Frame
        Territories far from the main one, empty if it stands alone.
    """

    contours: gpd.GeoSeries
    epci: gpd.GeoSeries
    cadres: tuple[Frame, ...] = ()

    @property
    def boite(self) -> tuple[float, float, float, float]:
        """Left, bottom, right, top of everything, frames included; zeros where nothing is."""
        boxes = [tuple(self.contours.total_bounds), *(frame.boite for frame in self.cadres)]
        known = np.array([box for box in boxes if not np.isnan(box).any()] or [(0, 0, 0, 0)])
        low, high = known[:, :2].min(axis=0).tolist(), known[:, 2:].max(axis=0).tolist()
        return (low[0], low[1], high[0], high[1])


def plane(build: Build) -> Plane:
    """Bring the outlines of a build to one plane, simplified without opening gaps between them.

    Each territory overseas is drawn in its legal projection; beside the mainland, or beside
    another one, it has a frame of its own under the map: an ocean between two islands would leave
    a dot of each.
    """
    outlines = build.inputs.contours().geometry
    table = build.communes.set_index("code_insee")
    apart = _apart(table["code_departement"].reindex(outlines.index))
    groups = {
        name: _simplified(outlines[apart == name].to_crs(projection_of([name or "75"])))
        for name in sorted(apart.unique())
    }
    main = "" if "" in groups else max(groups, key=lambda name: len(groups[name]))
    placed, frames = _placed(groups, main)
    contours = pd.concat(placed).reindex(outlines.index)
    epci = table["code_epci"].reindex(outlines.index)
    return Plane(contours, dissolved(contours, epci), tuple(frames))


def _apart(codes: pd.Series) -> pd.Series:
    """Territory of each commune: its département overseas, ``""`` on the mainland and Corsica."""
    return codes.where(codes.str.len() == 3, "")


def _simplified(outlines: gpd.GeoSeries) -> gpd.GeoSeries:
    """Fewer points, borders still shared (Visvalingam on the coverage)."""
    import shapely

    flat = outlines.set_crs(None, allow_override=True)
    known = flat.dropna()
    if known.empty:
        return flat
    left, bottom, right, top = known.total_bounds
    tolerance = max(right - left, top - bottom) * DETAIL
    flat[known.index] = shapely.coverage_simplify(known.to_numpy(), tolerance)
    return flat


#: A frame takes this share of the main map's width, and leaves this margin around its territory.
FRAME, MARGIN = 0.18, 0.1


def _placed(
    groups: Mapping[str, gpd.GeoSeries], main: str
) -> tuple[list[gpd.GeoSeries], list[Frame]]:
    """The main territory where it is, the others in a row of frames below it."""
    placed, frames = [groups[main]], []
    left, bottom, right, top = _bounds(groups[main])
    side = FRAME * max(right - left, top - bottom)
    names = departements()
    for name, outlines in groups.items():
        if name == main:
            continue
        low = bottom - 1.25 * side
        box = (left, low, left + side, low + side)
        frames.append(Frame(names[name].nom, box))
        placed.append(_fitted(outlines, box))
        left += 1.15 * side
    return placed, frames


def _bounds(outlines: gpd.GeoSeries) -> tuple[float, float, float, float]:
    left, bottom, right, top = map(float, outlines.total_bounds)
    return (0.0, 0.0, 1.0, 1.0) if np.isnan(left) else (left, bottom, right, top)


def _fitted(outlines: gpd.GeoSeries, box: tuple[float, float, float, float]) -> gpd.GeoSeries:
    """Outlines scaled and moved into a box, their proportions kept."""
    left, bottom, right, top = _bounds(outlines)
    inside = (1 - 2 * MARGIN) * (box[2] - box[0])
    factor = inside / max(right - left, top - bottom)
    middle = ((left + right) / 2, (bottom + top) / 2)
    target = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    matrix = [
        factor, 0, 0, factor,
        target[0] - factor * middle[0], target[1] - factor * middle[1],
    ]  # fmt: skip
    return outlines.affine_transform(matrix)


def dissolved(contours: gpd.GeoSeries, epci: pd.Series) -> gpd.GeoSeries:
    """Outline of each EPCI, from those of its communes; communes of none are left out.

    Parameters
    ----------
    contours : GeoSeries
        Outlines of communes, neighbours sharing their border point by point.
    epci : Series of str
        EPCI of each, on the same index; ``""`` or missing where it has none.

    Returns
    -------
    GeoSeries
        Indexed by ``code_epci``, in the coordinate system of the outlines.
    """
    import geopandas as gpd

    known = contours.notna() & epci.notna() & (epci != "")
    groups = contours[known].groupby(epci[known])
    merged = {code: union(part.to_numpy()) for code, part in groups}
    codes = pd.Index(list(merged), name="code_epci", dtype="str")
    return gpd.GeoSeries(merged, index=codes, crs=contours.crs)


def union(outlines: NDArray[np.object_]) -> shapely.Geometry:
    """One outline of several; the quick way stops where a publisher's outlines overlap.

    IGN's do in 2026: Blandouet-Saint Jean (53228) and Saint-Léger (53232) share 0.5 hectare.
    """
    import shapely

    try:
        return shapely.coverage_union_all(outlines)
    except shapely.GEOSException:
        return shapely.union_all(outlines)
