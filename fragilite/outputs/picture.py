"""The map as a picture, for a slide or a page: PNG, SVG or PDF, the same bytes every time.

Matplotlib without its state (no pyplot): two pictures may be drawn at the same time, and nothing of
a user's settings changes them.
"""

from __future__ import annotations

import difflib
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
from fragilite.french import fold, listing, lower_first, number, of_name, plural, upper_first
from fragilite.outputs.board import (
    GREY,
    INK,
    PAPER,
    SLIDE,
    Board,
    Sheet,
    blank,
    drawable,
    outside,
    round_down,
    save,
    settings,
)
from fragilite.pipeline import Build

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The rest of the map keeps this share of its colour beside what is highlighted.
FADED = 0.4


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
    figure = draw(build, theme, sheet=sheet, highlight=highlight)
    save(figure, path, sheet, title_of(build, theme or choose(build)))


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
    with settings():
        figure, renderer = blank(sheet)
        _Picture(
            sheet, figure, renderer, build, theme or choose(build), highlight or Highlight()
        ).paint()
    return figure


@dataclass(frozen=True)
class _Picture(Board):
    """One picture being drawn."""

    build: Build
    theme: Theme
    highlight: Highlight

    def paint(self) -> None:
        """Title and sources, then the map, then the legend beside it."""
        area, panel = self.areas(*self._margins())
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
            lines = self.wrapped(text, 0.95 * sheet.largeur * 72, size, weight)
            for line in lines:
                self.write(0.025, top / tall, line, size, weight, colour, "top")
                top -= 1.35 * size
        lines = self.wrapped(self._origin(), 0.95 * sheet.largeur * 72, sheet.petit)
        low = 0.9 * sheet.petit
        for line in reversed(lines):
            self.write(0.025, low / tall, line, sheet.petit, "normal", GREY, "bottom")
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

    # --- the map -------------------------------------------------------------------------

    def _map(self, area: Axes, where: Plane, values: pd.Series) -> tuple[float, float]:
        """Colour the communes; radius of the widest circle and points a metre takes, or zeros."""
        outlines = drawable(where)
        metre = self.fit(area, where)
        if not metre:
            return 0.0, 0.0
        self._fill(area, outlines, values)
        self._lines(area, where, outlines)
        left, bottom, right, top = where.boite
        largest, radii = 0.0, pd.Series(0.0, outlines.index)
        if self.theme.is_quantity:
            side = metre * max(right - left, top - bottom)
            largest = min(0.055 * side, 2.6 * self.sheet.texte)
            radii = self._circles(area, outlines, values, largest)
        self._names(area, outlines[outside(outlines, where)], radii)
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
                self.patch(area, outlines[mask], facecolor=colour)
            else:
                self.patch(area, outlines[mask & bright], facecolor=colour)
                self.patch(area, outlines[mask & ~bright], facecolor=faded(colour))
        missing = outlines[shown.isna().to_numpy()]
        self.patch(area, missing, facecolor="white", edgecolor=HATCH, hatch="////", linewidth=0)

    def _lines(self, area: Axes, where: Plane, outlines: gpd.GeoSeries) -> None:
        """Borders of communes, of EPCI, of what is highlighted; frames."""
        unit = self.sheet.texte / 15
        self.patch(area, outlines, facecolor="none", edgecolor=BORDER, linewidth=0.5 * unit)
        self.patch(area, where.epci, facecolor="none", edgecolor=INK, linewidth=1.4 * unit)
        chosen = outlines[outlines.index.isin(self.highlight.codes)]
        if len(chosen):
            import geopandas as gpd

            small = chosen.index.isin(list(self._small(area, chosen)))
            for part, wide in ((chosen[~small], 1.0), (chosen[small], 0.5)):  # its colour shows
                if part.empty:
                    continue
                whole = gpd.GeoSeries([union(part.to_numpy())])
                for colour, width in (("white", 5 * wide), (INK, 3 * wide)):
                    self.patch(
                        area, whole, facecolor="none", edgecolor=colour, linewidth=width * unit
                    )
        self.frames(area, where)

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
            wide = self.width(str(name), size) <= 2 * radii[code]  # it fits in its circle
            others = [] if wide else [box for other, box in circles.items() if other != code]
            others += [box for other, (box, _) in small.items() if other != code]
            radius = max(pixels[code], small[code][1] if code in small else 0.0)
            box, place = self.room(str(name), size, at[code], radius, taken + others, limits)
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
            if (high - low)[0] < self.width(str(names[code]), size) * pixel:
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

    # --- the legend ----------------------------------------------------------------------

    def _legend(self, panel: Axes, values: pd.Series, largest: float, metre: float) -> None:
        """From top to bottom: classes or circles, missing data, lines, scale."""
        pen = self.pen(panel)
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


def _most(values: pd.Series) -> float:
    """The value of the widest circle, on the map and in its legend; at least one person."""
    return max(float(values.max()), 1.0) if values.notna().any() else 1.0


def _round_values(values: pd.Series) -> list[float]:
    """Three round values that span a quantity, the greatest first."""
    top = float(values.max()) if values.notna().any() else 0.0
    steps = [round_down(top / share) for share in (1, 5, 25) if top / share >= 1]
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
