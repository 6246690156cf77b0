"""The sectors of a roadmap as a picture: one colour a post, bases named, EPCI in dashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite.cartography import BORDER, Plane, dissolved, plane
from fragilite.french import listing, lower_first, number, of_name, plural, upper_first
from fragilite.outputs.board import (
    DASHES,
    DOT,
    INK,
    PAGE,
    Board,
    Sheet,
    blank,
    drawable,
    outside,
    save,
    settings,
)
from fragilite.pipeline import Build
from fragilite.roadmap.study import Outcome
from fragilite.roadmap.tables import columns
from fragilite.sector_colours import colours, tint

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Above this many posts, the legend no longer fits beside the map: a table names them.
LISTED = 20
#: Lines of the legend besides the posts, what one takes in letters, and letters that fit in it.
OTHERS, LINE, FITS = 9, 1.65, 24
#: How much of its colour a sector keeps, under borders and names.
SHARE = 0.6
#: A commune that posts are reserved to shows their colour in stripes.
STRIPES = "////"


def write(build: Build, outcome: Outcome, path: Path, sheet: Sheet | None = None) -> None:
    """Draw the sectors of a scenario into a file.

    Parameters
    ----------
    build : Build
    outcome : Outcome
    path : Path
        ``.png``, ``.svg`` or ``.pdf``.
    sheet : Sheet, optional
        Across a page of A4, as high as its legend, by default.
    """
    chosen = sheet or sheet_for(outcome)
    save(draw(build, outcome, chosen), path, chosen, title_of(build, outcome))


def title_of(build: Build, outcome: Outcome) -> str:
    """``Le nombre d'abord — Maine-et-Loire (49)``."""
    return f"{outcome.scenario.libelle} — {build.inputs.territory.libelle}"


def sheet_for(outcome: Outcome) -> Sheet:
    """Across a page of A4, high enough for the legend of a scenario."""
    labels = [label for label, *_ in legend(outcome)]
    lines = OTHERS + sum(1 + len(label) // FITS for label in labels)
    return replace(PAGE, hauteur=max(PAGE.hauteur, lines * LINE * PAGE.texte / 72))


def draw(build: Build, outcome: Outcome, sheet: Sheet) -> Figure:
    """Draw the sectors of a scenario.

    Parameters
    ----------
    build, outcome, sheet
        Those of :func:`write`.

    Returns
    -------
    matplotlib.figure.Figure
        Not registered in pyplot.
    """
    with settings():
        figure, renderer = blank(sheet)
        _Sectors(sheet, figure, renderer, build, outcome, colours(outcome)).paint()
    return figure


@dataclass(frozen=True)
class _Sectors(Board):
    """One picture being drawn."""

    build: Build
    outcome: Outcome
    colours: dict[int, str]

    def paint(self) -> None:
        area, panel = self.areas(0.02, 0.98)
        where = plane(self.build)
        metre = self.fit(area, where)
        if metre:
            outlines = drawable(where)
            self._fill(area, outlines)
            self._lines(area, where, outlines)
            self._bases(area, outlines, outside(outlines, where))
        self._legend(panel, metre)

    def _fill(self, area: Axes, outlines: gpd.GeoSeries) -> None:
        sectors = shared_sectors(self.outcome).reindex(outlines.index)
        for sector, colour in self.colours.items():
            self.patch(
                area, outlines[(sectors == sector).to_numpy()], facecolor=tint(colour, SHARE)
            )
        for sector, code in reserved(self.outcome).items():
            with _stripes(self.colours[sector]):
                self.patch(
                    area, outlines[outlines.index == code], facecolor="none", hatch=STRIPES,
                    linewidth=0,
                )  # fmt: skip

    def _lines(self, area: Axes, where: Plane, outlines: gpd.GeoSeries) -> None:
        unit = self.sheet.texte / 15
        sectors = shared_sectors(self.outcome).reindex(outlines.index).map(str)
        whole = dissolved(outlines, sectors)
        for shapes, colour, width, style in (
            (outlines, BORDER, 0.5, "solid"),
            (where.epci, INK, 1.2, DASHES),
            (whole, "white", 5, "solid"),
            (whole, INK, 2.8, "solid"),
        ):
            self.patch(
                area, shapes, facecolor="none", edgecolor=colour, linewidth=width * unit,
                linestyle=style,
            )  # fmt: skip
        self.frames(area, where)

    def _bases(self, area: Axes, outlines: gpd.GeoSeries, main: np.ndarray) -> None:
        """A point in each base, then numbers and name where they meet no other."""
        from matplotlib.patheffects import withStroke

        rows = bases(self.outcome)
        rows = rows[rows["code_base"].isin(outlines.index)]
        if rows.empty:
            return
        codes = list(rows["code_base"])
        points = outlines[codes].representative_point()
        area.scatter(
            points.x, points.y, s=(DOT * self.sheet.texte) ** 2, facecolor="white",
            edgecolor=INK, linewidth=1.0, zorder=4,
        )  # fmt: skip
        at = area.transData.transform(np.column_stack([points.x, points.y]))
        size = 0.9 * self.sheet.texte
        radius = 0.5 * self.sheet.texte * self.sheet.dpi / 72
        around = [np.concatenate([one - radius, one + radius]) for one in at]
        limits = np.array(area.get_window_extent().extents)
        in_main = dict(zip(outlines.index, main.tolist(), strict=True))
        taken: list[np.ndarray] = []
        for place, (numbers, name) in enumerate(
            zip(rows["numeros"], rows["nom_base"], strict=True)
        ):
            others = around[:place] + around[place + 1 :]
            words = [f"{numbers} {name}", numbers] if in_main[codes[place]] else [numbers]
            for text in words:
                box, middle = self.room(text, size, at[place], radius, taken + others, limits)
                if box is not None:
                    break
            else:
                continue
            taken.append(box)
            x, y = area.transData.inverted().transform(middle)
            area.text(
                x, y, text, fontsize=size, fontweight="bold", color=INK, ha="center",
                va="center", zorder=5, parse_math=False,
                path_effects=[withStroke(linewidth=0.28 * size, foreground="white")],
            )  # fmt: skip

    def _legend(self, panel: Axes, metre: float) -> None:
        pen = self.pen(panel)
        pen.text(f"Secteur, base · {lower_first(columns()['personnes'].libelle)}", bold=True)
        rows = legend(self.outcome)
        if not rows:
            pen.text(f"{plural(len(self.outcome.postes), 'secteur')}, nommés dans le tableau")
        for label, people, sector, reserved in rows:
            colour = self.colours[sector]
            style: dict[str, Any] = {"facecolor": tint(colour, SHARE)}
            if reserved:
                style = {"facecolor": "white", "hatch": STRIPES}
            with _stripes(colour):
                pen.swatch(label, people, **style)
        pen.skip(0.5)
        if metre:
            pen.dot("base du poste")
            pen.line("limite de secteur", 2.8)
            if self.build.communes["code_epci"].nunique() > 1:
                pen.line("limite d'EPCI", 1.2, dashed=True)
            pen.line("limite de commune", 0.5)
            pen.skip(0.5)
            pen.scale(metre)


def shared_sectors(outcome: Outcome) -> pd.Series:
    """Sector of each commune; of one that posts are reserved to, that of what is left."""
    table = outcome.communes
    return table[~table["poste_entier"]].set_index("code_insee")["secteur"]


def reserved(outcome: Outcome) -> dict[int, str]:
    """Communes that posts are reserved to, by the first of these sectors."""
    table = outcome.communes
    first = table[table["poste_entier"]].drop_duplicates("code_insee")
    return dict(zip(first["secteur"].tolist(), first["code_insee"], strict=True))


def _stripes(colour: str) -> Any:
    """A context where stripes have a colour: matplotlib gives them one for all."""
    import matplotlib

    return matplotlib.rc_context({"hatch.color": colour})


def legend(outcome: Outcome) -> list[tuple[str, float, int, bool]]:
    """Lines of a legend: label, people, a sector whose colour it is, whether posts are reserved.

    Posts reserved to one commune share a line; nothing where there are too many to list.
    """
    table = outcome.communes
    whole = set(table.loc[table["poste_entier"], "secteur"].tolist())
    posts = outcome.postes
    keys = [
        row["code_base"] if row["secteur"] in whole else row["secteur"]
        for row in posts[["secteur", "code_base"]].to_dict("records")
    ]
    found = []
    for _, rows in posts.groupby(keys, sort=False):
        sectors = rows["secteur"].tolist()
        reserved = sectors[0] in whole
        label = f"{ranges(sectors)} {rows['nom_base'].iloc[0]}"
        if reserved:
            count = len(sectors)
            label += f", {number(count)} postes réservés" if count > 1 else ", poste réservé"
        found.append((label, float(rows["personnes"].sum()), int(sectors[0]), reserved))
    return found if len(found) <= LISTED else []


def ranges(numbers: Sequence[int]) -> str:
    """Numbers in their order, those that follow one another in brief.

    Examples
    --------
    >>> ranges([2, 3, 4, 5, 15]), ranges([1, 2])
    ('2–5, 15', '1, 2')
    """
    runs: list[list[int]] = []
    for one in sorted(numbers):
        if runs and one == runs[-1][-1] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    said = [f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs]
    return ", ".join(said)


def bases(outcome: Outcome) -> pd.DataFrame:
    """One row per commune that is a base, the one that serves most people first.

    Returns
    -------
    DataFrame
        ``code_base``, ``nom_base``, ``numeros`` (``1, 2``: the sectors based there).
    """
    groups = outcome.postes.groupby("code_base", sort=False)
    rows = pd.DataFrame(
        {
            "nom_base": groups["nom_base"].first(),
            "numeros": groups["secteur"].agg(lambda one: ranges(one.tolist())),
            "personnes": groups["personnes"].sum(),
        }
    ).reset_index()
    ordered = rows.sort_values(["personnes", "code_base"], ascending=[False, True])
    return ordered.drop(columns="personnes").reset_index(drop=True)


def described(build: Build, outcome: Outcome) -> str:
    """The picture in words, for who does not see it: each sector, its base and its people."""
    posts: Sequence[dict[Any, Any]] = outcome.postes.to_dict("records")
    named = [
        f"secteur {row['secteur']} autour {of_name(row['nom_base'])}, "
        f"{plural(row['communes'], 'commune')}, {number(row['personnes'])} personnes"
        for row in posts
    ]
    return (
        f"Carte {of_name(build.inputs.territory.libelle)}, scénario « {outcome.scenario.libelle} » "
        f": {plural(len(named), 'secteur')}. {upper_first(listing(named))}."
    )
