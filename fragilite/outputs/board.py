"""What pictures are drawn on: a sheet, words that fit in it, a legend line after line.

The map of an index and that of sectors both draw on it, with the same settings: the same bytes
every time, whatever a user's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fragilite.cartography import BORDER, CIRCLE, HATCH, Plane
from fragilite.french import glued, number

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Words, outlines of EPCI and of what is shown, and what stands behind circles.
INK, GREY, PAPER = "#1a1a1a", "#4d4d4d", "#f4f4f4"
#: Settings that would change a picture from one machine to another: font, identifiers of an SVG,
#: letters drawn as shapes so that a slide shows them without that font.
SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "hatch.color": HATCH,
    "hatch.linewidth": 0.8,
    "path.simplify": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "fragilite",
}


#: Dashes of a border, and how wide a point is beside letters.
DASHES: Any = (0, (3, 2))
DOT = 0.75


@dataclass(frozen=True)
class Sheet:
    """What the picture is put on.

    Attributes
    ----------
    largeur, hauteur : float
        Inches.
    dpi : int
        Of a PNG.
    titre, texte, petit : float
        Points of the title (0: no title and no sources, a caption says them), of the legend, of
        the sources.
    noms : int
        Names of communes, at most.
    """

    largeur: float
    hauteur: float
    dpi: int
    titre: float
    texte: float
    petit: float
    noms: int


#: A slide, 16:9, 1920 × 1080 points of a screen; its legend reads from the back of a room.
SLIDE = Sheet(40 / 3, 7.5, 144, 26, 15, 9.5, 10)
#: Across a page of A4.
PAGE = Sheet(6.7, 3.3, 220, 0, 7.8, 7, 8)


def settings() -> Any:
    """A context where a user's settings change nothing of a picture."""
    import matplotlib

    return matplotlib.rc_context(SETTINGS)


def blank(sheet: Sheet) -> tuple[Figure, Any]:
    """An empty figure, which pyplot does not know, and what measures its words."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(sheet.largeur, sheet.hauteur), dpi=sheet.dpi, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    return figure, canvas.get_renderer()


def save(figure: Figure, path: Path, sheet: Sheet, title: str) -> None:
    """Write a figure as ``.png``, ``.svg`` or ``.pdf``.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : Path
    sheet : Sheet
        Whose resolution a PNG has.
    title : str
        Written in the file.
    """
    # A date would make each run's file another one.
    undated: dict[str, dict[str, Any]] = {
        ".png": {"Software": None},
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    kind = path.suffix.lower()
    with settings():
        figure.savefig(
            path, format=kind[1:], dpi=sheet.dpi, metadata=undated[kind] | {"Title": title}
        )


@dataclass(frozen=True)
class Board:
    """A figure, and what measures its words."""

    sheet: Sheet
    figure: Any
    renderer: Any

    def write(
        self, x: float, y: float, text: str, size: float, weight: str, colour: str, edge: str
    ) -> None:
        """A line at shares of the figure's width and height; `edge` is what stands there."""
        self.figure.text(
            x, y, text, fontsize=size, fontweight=weight, color=colour, va=edge, parse_math=False
        )

    def width(self, text: str, size: float, weight: str = "normal") -> float:
        """Width of a line, in points."""
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=size, weight=weight)
        width, _, _ = self.renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(width) * 72 / self.sheet.dpi

    def wrapped(self, text: str, width: float, size: float, weight: str = "normal") -> list[str]:
        """Lines that fit in a width of points; a word that does not stands alone."""
        lines = [""]
        for word in glued(text).split(" "):
            longer = f"{lines[-1]} {word}".lstrip()
            if lines[-1] and self.width(longer, size, weight) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def areas(self, low: float, high: float) -> tuple[Axes, Axes]:
        """Where the map goes and the legend beside it, between two shares of the height."""
        area = self.figure.add_axes((0.02, low, 0.60, high - low))
        panel = self.figure.add_axes((0.64, low, 0.335, high - low))
        for one in (area, panel):
            one.set_axis_off()
        return area, panel

    def pen(self, panel: Axes) -> Pen:
        """What writes a legend, from the top of its panel."""
        box = panel.get_window_extent()
        wide, tall = (float(x) * 72 / self.sheet.dpi for x in (box.width, box.height))
        panel.set_xlim(0, wide)
        panel.set_ylim(0, tall)
        return Pen(self, panel, wide, tall)

    def fit(self, area: Axes, where: Plane) -> float:
        """Give an area the limits of a plane; points that a metre takes, 0 without any outline."""
        if drawable(where).empty:
            area.text(
                0.5, 0.5, "Aucun contour de commune à portée :\nla légende compte, sans carte.",
                ha="center", va="center", fontsize=self.sheet.texte, color=GREY,
                transform=area.transAxes,
            )  # fmt: skip
            return 0.0
        left, bottom, right, top = where.boite
        border = 0.02 * max(right - left, top - bottom)
        if where.cadres:  # two lines of words go under the frames
            words = 2.8 * self.sheet.petit
            high = area.get_window_extent().height * 72 / self.sheet.dpi
            bottom -= (top - bottom) * words / (high - words)
        area.set_xlim(left - border, right + border)
        area.set_ylim(bottom - border, top + border)
        area.set_aspect("equal", anchor="W")
        area.apply_aspect()
        (x0, _), (x1, _) = area.transData.transform([(0, 0), (1, 0)])
        return float(x1 - x0) * 72 / self.sheet.dpi

    def frames(self, area: Axes, where: Plane) -> None:
        """Frames of the territories drawn apart, and their names."""
        from matplotlib.patches import Rectangle

        for frame in where.cadres:
            left, bottom, right, top = frame.boite
            area.add_patch(
                Rectangle(
                    (left, bottom), right - left, top - bottom, fill=False, edgecolor=GREY,
                    linewidth=self.sheet.texte / 15,
                )
            )  # fmt: skip
            area.text(
                left, bottom, f" {frame.libelle}\n hors échelle", fontsize=self.sheet.petit,
                color=GREY, va="top", parse_math=False,
            )  # fmt: skip

    def patch(self, area: Axes, outlines: gpd.GeoSeries, **style: Any) -> None:
        """Draw outlines in one style."""
        from matplotlib.collections import PathCollection

        if len(outlines):
            style = {"edgecolor": "none", **style}
            area.add_collection(
                PathCollection([path_of(shape) for shape in outlines], **style), autolim=False
            )

    def room(
        self, name: str, size: float, at: np.ndarray, radius: float, taken: Sequence[np.ndarray],
        limits: np.ndarray,
    ) -> tuple[np.ndarray | None, np.ndarray]:  # fmt: skip
        """A box for a name, on its point or beside its circle, that meets no other, or None."""
        pixel = self.sheet.dpi / 72
        half = np.array([self.width(name, size) / 2 + 2, 0.7 * size]) * pixel
        rise = half[1] + radius if radius else 1.4 * half[1]
        steps = [(0, 0), (0, 1), (0, -1), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)]
        for across, up in steps[1:] if 0 < radius < half[0] else steps:
            middle = at + np.array([across * half[0], up * rise])
            box = np.concatenate([middle - half, middle + half])
            inside = (box[:2] >= limits[:2]).all() and (box[2:] <= limits[2:]).all()
            if inside and not any(meet(box, other) for other in taken):
                return box, middle
        return None, at


@dataclass
class Pen:
    """Writes a legend line after line; lengths are points."""

    board: Board
    panel: Any
    wide: float
    y: float

    @property
    def size(self) -> float:
        """Of its letters, in points."""
        return self.board.sheet.texte

    def text(self, words: str, *, x: float = 0.0, bold: bool = False, room: float = 0.0) -> None:
        """A paragraph from the line that begins here."""
        weight = "bold" if bold else "normal"
        for line in self.board.wrapped(words, self.wide - x - room, self.size, weight):
            self.y -= 1.4 * self.size
            self.panel.text(
                x, self.y, line, fontsize=self.size, fontweight=weight, color=INK,
                parse_math=False,
            )  # fmt: skip
        self.y -= 0.25 * self.size

    def skip(self, lines: float) -> None:
        """Leave a part of a line empty."""
        self.y -= lines * self.size

    def swatch(self, label: str, count: float, **style: Any) -> None:
        """A colour, its meaning, how many communes have it."""
        from matplotlib.patches import Rectangle

        size = self.size
        shown = number(count)
        room = self.board.width(shown, size) + size
        corner = (0.0, self.y - 1.6 * size)
        style = {"edgecolor": BORDER, "linewidth": 0.5, **style}
        self.panel.add_patch(Rectangle(corner, 1.9 * size, 1.25 * size, **style))
        self.panel.text(self.wide, self.y - 1.4 * size, shown, fontsize=size, color=INK, ha="right")
        self.text(label, x=2.5 * size, room=room)

    def strip(self, colours: Sequence[str]) -> None:
        """Several colours in the swatch just written, from the palest to the darkest."""
        from matplotlib.patches import Rectangle

        frame = self.panel.patches[-1]
        wide = frame.get_width() / len(colours)
        for place, colour in enumerate(colours):
            corner = (place * wide, frame.get_y())
            self.panel.add_patch(
                Rectangle(corner, wide, frame.get_height(), facecolor=colour, linewidth=0)
            )

    def line(self, label: str, width: float, *, dashed: bool = False) -> None:
        """A kind of border and its meaning."""
        from matplotlib.lines import Line2D

        colour = BORDER if width < 1 else INK
        middle = self.y - 1.0 * self.size
        self.panel.add_line(
            Line2D(
                [0, 1.9 * self.size], [middle, middle], color=colour,
                linewidth=width * self.size / 15, linestyle=DASHES if dashed else "solid",
            )
        )  # fmt: skip
        self.text(label, x=2.5 * self.size)

    def dot(self, label: str) -> None:
        """A white point and its meaning."""
        self.panel.scatter(
            [0.95 * self.size], [self.y - self.size], s=(DOT * self.size) ** 2, facecolor="white",
            edgecolor=INK, linewidth=1.0,
        )  # fmt: skip
        self.text(label, x=2.5 * self.size)

    def circles(self, steps: Sequence[float], top: float, largest: float) -> None:
        """Circles of a few round values, one under the other."""
        for step in steps if largest else ():
            radius = largest * np.sqrt(step / top)
            height = max(2 * radius, 1.2 * self.size)
            self.y -= height / 2 + 0.25 * self.size
            self.panel.scatter(
                [largest], [self.y], s=[4 * radius**2], facecolor=CIRCLE, edgecolor="white",
                linewidth=0.4, alpha=0.85,
            )  # fmt: skip
            self.panel.text(
                2 * largest + self.size, self.y, number(step), fontsize=self.size, color=INK,
                va="center",
            )  # fmt: skip
            self.y -= height / 2 + 0.25 * self.size

    def scale(self, metre: float) -> None:
        """A length of the main territory, about a third of the legend wide."""
        from matplotlib.lines import Line2D

        metres = round_down(0.4 * self.wide / metre)
        length = metres * metre
        self.y -= 1.1 * self.size
        low = self.y - 0.3 * self.size
        self.panel.add_line(
            Line2D([0, 0, length, length], [low, self.y, self.y, low], color=INK, linewidth=1.2)
        )
        shown = f"{number(metres / 1000)} km" if metres >= 1000 else f"{number(metres)} m"
        self.panel.text(
            length + 0.6 * self.size, self.y, shown, fontsize=self.size, color=INK, va="center"
        )


def path_of(shape: Any) -> Any:
    """A polygon, or several, as one path; holes turn the other way."""
    import shapely
    from matplotlib.path import Path as Outline

    oriented = shapely.orient_polygons(shape)
    parts = [part for part in getattr(oriented, "geoms", [oriented]) if hasattr(part, "exterior")]
    rings = [np.asarray(ring.coords)[:, :2] for part in parts for ring in _rings(part)]
    if not rings:
        return Outline(np.zeros((0, 2)))
    return Outline.make_compound_path(*(Outline(ring, closed=True) for ring in rings))


def _rings(polygon: Any) -> Iterator[Any]:
    yield polygon.exterior
    yield from polygon.interiors


def meet(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes (left, bottom, right, top) overlap."""
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())


def round_down(value: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) under a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step for step in (1, 2, 5) if step * power <= value) * power)


def drawable(where: Plane) -> gpd.GeoSeries:
    """The outlines of a plane that are known."""
    outlines = where.contours.dropna()
    return outlines[~outlines.is_empty]


def outside(outlines: gpd.GeoSeries, where: Plane) -> np.ndarray:
    """Which communes are on the main territory: in a frame, a name would hide what it names."""
    inside = np.zeros(len(outlines), bool)
    for frame in where.cadres:
        left, bottom, right, top = frame.boite
        boxes = outlines.bounds
        inside |= (
            boxes["minx"].between(left, right) & boxes["miny"].between(bottom, top)
        ).to_numpy()
    return ~inside
