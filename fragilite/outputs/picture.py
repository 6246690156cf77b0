"""The map as a picture, for a slide or a page: PNG, SVG or PDF, the same bytes every time.

Matplotlib without its state (no pyplot): two pictures may be drawn at the same time, and nothing of
a user's settings changes them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite.cartography import (
    BORDER,
    CIRCLE,
    HATCH,
    MISSING,
    PEOPLE,
    Plane,
    Theme,
    plane,
    themes,
    union,
)
from fragilite.citation import lots_of_figures, lots_of_frame, lots_of_people, sources_line
from fragilite.errors import UsageError
from fragilite.french import fold, glued, listing, lower_first, number, of_name, plural, upper_first
from fragilite.pipeline import Build

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Words, outlines of EPCI and of what is shown, and what stands behind circles.
INK, GREY, PAPER = "#1a1a1a", "#4d4d4d", "#f4f4f4"
#: The rest of the map keeps this share of its colour beside what is highlighted.
FADED = 0.4
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


@dataclass(frozen=True)
class Highlight:
    """Communes that a picture is about: outlined, the rest faded.

    Attributes
    ----------
    codes : frozenset of str
        None: the whole map is the subject.
    libelle : str
        What the legend calls them.
    """

    codes: frozenset[str] = frozenset()
    libelle: str = ""


def choose(build: Build, name: str = "") -> Theme:
    """The theme a user names: its code, its column or its label; the index without a name.

    Raises
    ------
    UsageError
        If no theme of this build has that name.
    """
    known = themes(build)
    wanted = fold(name or build.method.root)
    for theme in known:
        if wanted in {fold(theme.code), fold(theme.colonne), fold(theme.libelle)}:
            return theme
    codes = [theme.code for theme in known]
    near = difflib.get_close_matches(wanted, [fold(code) for code in codes], n=1)
    guess = next((code for code in codes if near and fold(code) == near[0]), "")
    raise UsageError(
        f"--show : « {name} » n'est pas une carte de ce calcul.",
        (f"Vouliez-vous dire --show {guess} ? " if guess else "")
        + f"Cartes possibles : {', '.join(codes)}.",
    )


def write(
    build: Build,
    path: Path,
    theme: Theme | None = None,
    *,
    sheet: Sheet = SLIDE,
    highlight: Highlight | None = None,
) -> None:
    """Draw the map of a build into a file.

    Parameters
    ----------
    build : Build
    path : Path
        ``.png``, ``.svg`` or ``.pdf``.
    theme : Theme, optional
        What is coloured; by default the index.
    sheet : Sheet
    highlight : Highlight, optional
        Communes that the picture is about.
    """
    import matplotlib

    # A date would make each run's file another one.
    undated: dict[str, dict[str, Any]] = {
        ".png": {"Software": None},
        ".svg": {"Date": None, "Creator": None},
        ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    kind = path.suffix.lower()
    with matplotlib.rc_context(SETTINGS):
        figure = draw(build, theme, sheet=sheet, highlight=highlight)
        metadata = undated[kind] | {"Title": title_of(build, theme or choose(build))}
        figure.savefig(path, format=kind[1:], dpi=sheet.dpi, metadata=metadata)


def title_of(build: Build, theme: Theme) -> str:
    """``Indice de fragilité numérique — Maine-et-Loire (49)``."""
    return f"{theme.libelle} — {build.inputs.territory.libelle}"


def draw(
    build: Build,
    theme: Theme | None = None,
    *,
    sheet: Sheet = SLIDE,
    highlight: Highlight | None = None,
) -> Figure:
    """Draw the map of a build.

    Parameters
    ----------
    build, theme, sheet, highlight
        Those of :func:`write`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered in pyplot.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(sheet.largeur, sheet.hauteur), dpi=sheet.dpi, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        picture = _Picture(
            build, theme or choose(build), sheet, highlight or Highlight(), figure,
            canvas.get_renderer(),
        )  # fmt: skip
        picture.paint()
    return figure


@dataclass(frozen=True)
class _Picture:
    """One picture being drawn."""

    build: Build
    theme: Theme
    sheet: Sheet
    highlight: Highlight
    figure: Any
    renderer: Any

    def paint(self) -> None:
        """Title and sources, then the map, then the legend beside it."""
        low, high = self._margins()
        area = self.figure.add_axes((0.02, low, 0.60, high - low))
        area.set_axis_off()
        panel = self.figure.add_axes((0.64, low, 0.335, high - low))
        panel.set_axis_off()
        where = plane(self.build)
        values = self.build.communes.set_index("code_insee")[self.theme.colonne]
        largest, metre = self._map(area, where, values)
        self._legend(panel, values, largest, metre)

    # --- words ---------------------------------------------------------------------------

    def _margins(self) -> tuple[float, float]:
        """Write what goes over and under the map; bottom and top of what is left, as shares."""
        sheet = self.sheet
        if not sheet.titre:
            return 0.02, 0.98
        tall = sheet.hauteur * 72
        top = tall - 0.9 * sheet.titre
        for text, size, weight, colour in (
            (title_of(self.build, self.theme), sheet.titre, "bold", INK),
            (self._subtitle(), sheet.texte, "normal", GREY),
        ):
            lines = self._wrapped(text, 0.95 * sheet.largeur * 72, size, weight)
            for line in lines:
                self._write(0.025, top / tall, line, size, weight, colour, "top")
                top -= 1.35 * size
        lines = self._wrapped(self._origin(), 0.95 * sheet.largeur * 72, sheet.petit)
        low = 0.9 * sheet.petit
        for line in reversed(lines):
            self._write(0.025, low / tall, line, sheet.petit, "normal", GREY, "bottom")
            low += 1.35 * sheet.petit
        return low / tall + 0.012, top / tall - 0.012

    def _subtitle(self) -> str:
        build, header = self.build, self.build.method.methode
        unit = upper_first(self.theme.unite)
        if self.theme.is_quantity:
            unit = "Estimation par l'âge, un ordre de grandeur"
        return (
            f"{unit} ; {plural(len(build.communes), 'commune')} au 1er janvier "
            f"{build.inputs.annee} ; méthode {header.code} {header.version}"
        )

    def _origin(self) -> str:
        """Producers of what is coloured and of the outlines."""
        build, theme = self.build, self.theme
        if theme.is_quantity:
            lots = lots_of_people(build)
        else:
            lots = lots_of_figures(build, below(build, theme.code))
        return f"{sources_line([*lots, *lots_of_frame(build)])} Calcul : fragilite."

    def _write(
        self, x: float, y: float, text: str, size: float, weight: str, colour: str, edge: str
    ) -> None:
        self.figure.text(
            x, y, text, fontsize=size, fontweight=weight, color=colour, va=edge, parse_math=False
        )

    def _width(self, text: str, size: float, weight: str = "normal") -> float:
        """Width of a line, in points."""
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=size, weight=weight)
        width, _, _ = self.renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(width) * 72 / self.sheet.dpi

    def _wrapped(self, text: str, width: float, size: float, weight: str = "normal") -> list[str]:
        """Lines that fit in a width of points; a word that does not stands alone."""
        lines = [""]
        for word in glued(text).split(" "):
            longer = f"{lines[-1]} {word}".lstrip()
            if lines[-1] and self._width(longer, size, weight) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    # --- the map -------------------------------------------------------------------------

    def _map(self, area: Axes, where: Plane, values: pd.Series) -> tuple[float, float]:
        """Colour the communes; radius of the widest circle and points a metre takes, or zeros."""
        outlines = where.contours.dropna()
        outlines = outlines[~outlines.is_empty]
        if outlines.empty:
            area.text(
                0.5, 0.5, "Aucun contour de commune à portée :\nla légende compte, sans carte.",
                ha="center", va="center", fontsize=self.sheet.texte, color=GREY,
                transform=area.transAxes,
            )  # fmt: skip
            return 0.0, 0.0
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
        self._fill(area, outlines, values)
        self._lines(area, where, outlines)
        (x0, _), (x1, _) = area.transData.transform([(0, 0), (1, 0)])
        metre = float(x1 - x0) * 72 / self.sheet.dpi
        largest, radii = 0.0, pd.Series(0.0, outlines.index)
        if self.theme.is_quantity:
            side = metre * max(right - left, top - bottom)
            largest = min(0.055 * side, 2.6 * self.sheet.texte)
            radii = self._circles(area, outlines, values, largest)
        self._names(area, outlines[_outside(outlines, where)], radii)
        return largest, metre

    def _fill(self, area: Axes, outlines: gpd.GeoSeries, values: pd.Series) -> None:
        theme, shown = self.theme, values.reindex(outlines.index)
        bright = outlines.index.isin(self.highlight.codes) if self.highlight.codes else None
        classes = theme.classes(shown)
        groups: list[tuple[Any, str]] = [
            (classes == place, colour) for place, colour in enumerate(theme.couleurs, start=1)
        ]
        if theme.is_quantity:
            groups = [(shown.notna(), PAPER)]
        for chosen, colour in groups:
            mask = chosen.fillna(False).to_numpy(bool)
            if bright is None or theme.is_quantity:
                self._patch(area, outlines[mask], facecolor=colour)
            else:
                self._patch(area, outlines[mask & bright], facecolor=colour)
                self._patch(area, outlines[mask & ~bright], facecolor=faded(colour))
        missing = outlines[shown.isna().to_numpy()]
        self._patch(area, missing, facecolor="white", edgecolor=HATCH, hatch="////", linewidth=0)

    def _lines(self, area: Axes, where: Plane, outlines: gpd.GeoSeries) -> None:
        """Borders of communes, of EPCI, of what is highlighted; frames."""
        from matplotlib.patches import Rectangle

        unit = self.sheet.texte / 15
        self._patch(area, outlines, facecolor="none", edgecolor=BORDER, linewidth=0.5 * unit)
        self._patch(area, where.epci, facecolor="none", edgecolor=INK, linewidth=1.4 * unit)
        chosen = outlines[outlines.index.isin(self.highlight.codes)]
        if len(chosen):
            import geopandas as gpd

            small = chosen.index.isin(list(self._small(area, chosen)))
            for part, wide in ((chosen[~small], 1.0), (chosen[small], 0.5)):  # its colour shows
                if part.empty:
                    continue
                whole = gpd.GeoSeries([union(part.to_numpy())])
                for colour, width in (("white", 5 * wide), (INK, 3 * wide)):
                    self._patch(
                        area, whole, facecolor="none", edgecolor=colour, linewidth=width * unit
                    )
        for frame in where.cadres:
            left, bottom, right, top = frame.boite
            area.add_patch(
                Rectangle(
                    (left, bottom), right - left, top - bottom, fill=False, edgecolor=GREY,
                    linewidth=unit,
                )
            )  # fmt: skip
            area.text(
                left, bottom, f" {frame.libelle}\n hors échelle", fontsize=self.sheet.petit,
                color=GREY, va="top", parse_math=False,
            )  # fmt: skip

    def _patch(self, area: Axes, outlines: gpd.GeoSeries, **style: Any) -> None:
        from matplotlib.collections import PathCollection

        if len(outlines):
            style = {"edgecolor": "none", **style}
            area.add_collection(
                PathCollection([_path(shape) for shape in outlines], **style), autolim=False
            )

    def _circles(
        self, area: Axes, outlines: gpd.GeoSeries, values: pd.Series, largest: float
    ) -> pd.Series:
        """Circles whose area is the value, the widest first so that none hides another.

        Returns the radius of each, in points, zero where there is none.
        """
        shown = values.reindex(outlines.index).dropna().sort_values(ascending=False)
        points = outlines[shown.index].representative_point()
        top = _most(values)
        area.scatter(
            points.x, points.y, s=4 * largest**2 * shown / top, facecolor=CIRCLE,
            edgecolor="white", linewidth=0.4, alpha=0.85,
        )  # fmt: skip
        radii: pd.Series = largest * np.sqrt(shown / top)
        return radii.reindex(outlines.index, fill_value=0.0)

    def _names(self, area: Axes, outlines: gpd.GeoSeries, radii: pd.Series) -> None:
        """Name what the picture is about, then the communes with most people, where it fits."""
        from matplotlib.patheffects import withStroke

        towns = self.build.communes.set_index("code_insee").loc[outlines.index]
        subject = towns.index.isin(self.highlight.codes)
        people = towns[PEOPLE].fillna(towns["population"]).fillna(0)
        order = towns.assign(sujet=subject, gens=people).sort_values(
            ["sujet", "gens"], ascending=False, kind="stable"
        )
        size = 0.85 * self.sheet.texte
        points = outlines.representative_point()
        places = area.transData.transform(np.column_stack([points.x, points.y]))
        at = dict(zip(outlines.index, places, strict=True))
        pixels = (radii * self.sheet.dpi / 72).to_dict()
        circles = {
            code: np.concatenate([at[code] - pixels[code], at[code] + pixels[code]])
            for code in outlines.index
            if radii[code] > size / 2  # a name may cover the small ones
        }
        small = self._small(area, outlines[subject])
        taken: list[np.ndarray] = []
        limits = np.array(area.get_window_extent().extents)
        for code, name in order["nom"].items():
            if len(taken) == self.sheet.noms:
                return
            wide = self._width(str(name), size) <= 2 * radii[code]  # it fits in its circle
            others = [] if wide else [box for other, box in circles.items() if other != code]
            others += [box for other, (box, _) in small.items() if other != code]
            radius = max(pixels[code], small[code][1] if code in small else 0.0)
            box, place = self._room(str(name), size, at[code], radius, taken + others, limits)
            if box is None:
                continue
            taken.append(box)
            x, y = area.transData.inverted().transform(place)
            if code in small:
                self._leader(area, at[code], place, size)
            area.text(
                x, y, name, fontsize=size, color=INK, ha="center", va="center", parse_math=False,
                path_effects=[withStroke(linewidth=0.22 * size, foreground="white")],
            )  # fmt: skip

    def _small(self, area: Axes, outlines: gpd.GeoSeries) -> dict[str, tuple[np.ndarray, float]]:
        """Communes that their own name would hide: their box and their radius, in pixels.

        Of a picture about few communes: where there are more than names, none can be spared.
        """
        if len(outlines) > self.sheet.noms or self.theme.is_quantity:
            return {}
        names = self.build.communes.set_index("code_insee")["nom"]
        size, pixel, found = 0.85 * self.sheet.texte, self.sheet.dpi / 72, {}
        for code, shape in outlines.items():
            left, bottom, right, top = shape.bounds
            low, high = area.transData.transform([(left, bottom), (right, top)])
            if (high - low)[0] < self._width(str(names[code]), size) * pixel:
                across = float((high - low).max()) / 2
                found[str(code)] = (np.concatenate([low, high]), across + 0.8 * size * pixel)
        return found

    def _leader(self, area: Axes, start: np.ndarray, name: np.ndarray, size: float) -> None:
        """A line from a commune to its name beside it."""
        from matplotlib.lines import Line2D

        pixel = self.sheet.dpi / 72
        rise = np.sign(name[1] - start[1])
        end = name - np.array([0.0, rise * 0.6 * size * pixel])
        ends = area.transData.inverted().transform([start, end])
        area.add_line(Line2D(ends[:, 0], ends[:, 1], color=INK, linewidth=0.08 * size, zorder=3))

    def _room(
        self, name: str, size: float, at: np.ndarray, radius: float, taken: Sequence[np.ndarray],
        limits: np.ndarray,
    ) -> tuple[np.ndarray | None, np.ndarray]:  # fmt: skip
        """A box for a name, on its point or beside its circle, that meets no other, or None."""
        pixel = self.sheet.dpi / 72
        half = np.array([self._width(name, size) / 2 + 2, 0.7 * size]) * pixel
        rise = half[1] + radius if radius else 1.4 * half[1]
        steps = [(0, 0), (0, 1), (0, -1), (0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1)]
        for across, up in steps[1:] if 0 < radius < half[0] else steps:
            middle = at + np.array([across * half[0], up * rise])
            box = np.concatenate([middle - half, middle + half])
            inside = (box[:2] >= limits[:2]).all() and (box[2:] <= limits[2:]).all()
            if inside and not any(_meet(box, other) for other in taken):
                return box, middle
        return None, at

    # --- the legend ----------------------------------------------------------------------

    def _legend(self, panel: Axes, values: pd.Series, largest: float, metre: float) -> None:
        """From top to bottom: classes or circles, missing data, lines, scale."""
        box = panel.get_window_extent()
        wide, tall = (float(x) * 72 / self.sheet.dpi for x in (box.width, box.height))
        panel.set_xlim(0, wide)
        panel.set_ylim(0, tall)
        pen = _Pen(self, panel, wide, tall)
        known = values.notna().any()
        codes = self.highlight.codes
        inside = values[values.index.isin(codes)] if codes else values
        words = (
            "Nombre de communes du sujet par classe" if codes else "Nombre de communes par classe"
        )
        words = self.theme.libelle if self.theme.is_quantity else words
        pen.text(words if known else "Aucune valeur", bold=True)
        if self.theme.is_quantity:
            pen.circles(_round_values(values), _most(values), largest)
        else:
            classes = self.theme.classes(inside)
            steps = list(zip(self.theme.libelles, self.theme.couleurs, strict=True))
            for place, (label, colour) in reversed(list(enumerate(steps, start=1))):
                pen.swatch(label, int((classes == place).sum()), facecolor=colour)
        if len(inside) < len(values) and not self.theme.is_quantity:
            pen.swatch(
                "hors du sujet (couleur atténuée)", len(values) - len(inside), facecolor="white"
            )
            pen.strip([faded(colour) for colour in self.theme.couleurs])
        missing = int((values if self.theme.is_quantity else inside).isna().sum())
        if missing:
            pen.swatch(MISSING, missing, facecolor="white", edgecolor=HATCH, hatch="////")
        pen.skip(0.5)
        if metre:
            if self.highlight.codes:
                pen.line(self.highlight.libelle, 3.0)
            if (self.build.communes["code_epci"].fillna("") != "").any():
                pen.line("limite d'EPCI", 1.4)
            pen.line("limite de commune", 0.5)
            pen.skip(0.5)
            pen.scale(metre)


@dataclass
class _Pen:
    """Writes a legend line after line; lengths are points."""

    picture: _Picture
    panel: Any
    wide: float
    y: float

    @property
    def size(self) -> float:
        return self.picture.sheet.texte

    def text(self, words: str, *, x: float = 0.0, bold: bool = False, room: float = 0.0) -> None:
        """A paragraph from the line that begins here."""
        weight = "bold" if bold else "normal"
        for line in self.picture._wrapped(words, self.wide - x - room, self.size, weight):
            self.y -= 1.4 * self.size
            self.panel.text(
                x, self.y, line, fontsize=self.size, fontweight=weight, color=INK,
                parse_math=False,
            )  # fmt: skip
        self.y -= 0.25 * self.size

    def skip(self, lines: float) -> None:
        self.y -= lines * self.size

    def swatch(self, label: str, count: int, **style: Any) -> None:
        """A colour, its meaning, how many communes have it."""
        from matplotlib.patches import Rectangle

        size = self.size
        shown = number(count)
        room = self.picture._width(shown, size) + size
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

    def line(self, label: str, width: float) -> None:
        from matplotlib.lines import Line2D

        colour = BORDER if width < 1 else INK
        middle = self.y - 1.0 * self.size
        self.panel.add_line(
            Line2D(
                [0, 1.9 * self.size], [middle, middle], color=colour,
                linewidth=width * self.size / 15,
            )
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

        metres = _round_down(0.4 * self.wide / metre)
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


def below(build: Build, node: str) -> list[str]:
    """Indicators scored under a node of the tree."""
    found, pending = [], [node]
    while pending:
        code = pending.pop()
        if code in build.method.indicateurs:
            found.append(code)
        pending += build.method.weights.get(code, {})
    return [code for code in build.result.scores.scored if code in found]


def faded(colour: str) -> str:
    """A colour as it is beside what is highlighted.

    Examples
    --------
    >>> faded("#000000")
    '#999999'
    """
    levels = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + bytes(round(255 - FADED * (255 - level)) for level in levels).hex()


def _path(shape: Any) -> Any:
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


def _outside(outlines: gpd.GeoSeries, where: Plane) -> np.ndarray:
    """Which communes are on the main territory: in a frame, a name would hide what it names."""
    inside = np.zeros(len(outlines), bool)
    for frame in where.cadres:
        left, bottom, right, top = frame.boite
        boxes = outlines.bounds
        inside |= (
            boxes["minx"].between(left, right) & boxes["miny"].between(bottom, top)
        ).to_numpy()
    return ~inside


def _meet(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two boxes (left, bottom, right, top) overlap."""
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())


def _round_down(value: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) under a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step for step in (1, 2, 5) if step * power <= value) * power)


def _most(values: pd.Series) -> float:
    """The value of the widest circle, on the map and in its legend; at least one person."""
    return max(float(values.max()), 1.0) if values.notna().any() else 1.0


def _round_values(values: pd.Series) -> list[float]:
    """Three round values that span a quantity, the greatest first."""
    top = float(values.max()) if values.notna().any() else 0.0
    steps = [_round_down(top / share) for share in (1, 5, 25) if top / share >= 1]
    return list(dict.fromkeys(steps))


def described(build: Build, theme: Theme, highlight: Highlight | None = None) -> str:
    """The picture in words, for who does not see it: what is coloured, how many in each class."""
    values = build.communes.set_index("code_insee")[theme.colonne]
    subject = highlight or Highlight()
    chosen = values[values.index.isin(subject.codes)] if subject.codes else values
    territory = build.inputs.territory.libelle
    where = subject.libelle or territory
    text = f"Carte {of_name(territory)} : {lower_first(theme.libelle)}, par commune. "
    if theme.is_quantity:
        known = chosen.notna().any()
        count = f"{number(chosen.sum())} {theme.unite}" if known else MISSING.lower()
        return text + f"{where} : {count}."
    classes = theme.classes(chosen)
    counts = [
        f"{plural(int((classes == place).sum()), 'commune')} en « {label} »"
        for place, label in enumerate(theme.libelles, start=1)
        if (classes == place).any()
    ]
    if chosen.isna().any():
        counts.append(f"{plural(int(chosen.isna().sum()), 'commune')} sans valeur")
    return text + f"{where} : {listing(counts)}."
