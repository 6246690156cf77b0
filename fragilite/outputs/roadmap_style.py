"""How QGIS shows the layers of a roadmap: sectors, communes and bases, each with its styles.

A commune heavier than a post belongs to several sectors. Its ground has the colour of the one that
it shares with its neighbours; the posts that are reserved to it come over it in stripes.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from fragilite.cartography import MISSING, ramp
from fragilite.dictionary import Column
from fragilite.outputs.map_tip import (
    column,
    escaped,
    figure,
    note,
    rows,
    safe,
    sheet,
    shown,
    text,
    unless_missing,
)
from fragilite.outputs.qgis import (
    NONE,
    PAPER,
    POINTS,
    POLYGONS,
    Form,
    Label,
    Rule,
    Style,
    alias,
    aliases,
    driven,
    fill,
    hatching,
    labeling,
    letters,
    names,
    part,
    qml,
    renderer,
    rgba,
    symbol,
)
from fragilite.roadmap.study import Outcome
from fragilite.scoring import TIE
from fragilite.sector_colours import colours, tint

#: Borders of sectors, and the rings of bases.
INK = "#2b2b2b"
#: Millimetres: borders of sectors and of communes, a stripe, a base that holds one post.
THICK, THIN, STRIPE, BASE = 0.8, 0.12, 1.1, 3.2
#: How much of its colour a sector keeps: less than the bases, more than the communes.
GROUND = 0.75
#: Limits of the classes of stability. Under 0.5, the sector is as often another one.
STEADY = (0.95, 0.8, 0.5)
#: Half-days: first and last of each class; each half-day counts where a commune has few.
HALF_DAYS = ((1, 1), (2, 2), (3, 4), (5, 8), (9, None))
#: What a commune without half-day is called; its tip says where.
ELSEWHERE = "reçue ailleurs"
#: What is a code or the same on every row: in the form, not in the table.
DETAILS = frozenset({"scenario", "code_base", "code_epci", "recue_a"})
#: What exists today, on a tab of its own.
TODAY = ("lieux", "etp", "personnes_par_lieu", "communes_sans_lieu")
#: Names of communes by the people to accompany, from some scale on: some 15 % of inhabitants, so
#: that names come as on the map of the index.
NAMES = (
    Label(3_000, 0, 10, gras=True),
    Label(750, 1_000_000, 9),
    Label(300, 500_000, 8),
    Label(0, 250_000, 8),
)
#: Figures of the map tips.
SECTOR_TIP = (
    "personnes", "charge", "communes", "epci", "distance_moyenne", "distance_max", "lieux",
    "communes_sans_lieu", "stabilite",
)  # fmt: skip
COMMUNE_TIP = ("personnes", "demi_journees", "distance", "lieux", "stabilite")
BASE_TIP = ("postes_base", "personnes")


@dataclass(frozen=True)
class Key:
    """What the layers of a scenario share.

    Attributes
    ----------
    scenario : str
        Its name.
    columns : dict of Column
    couleurs : dict of int to str
        By sector.
    noms : dict of int to str
        Base of each sector.
    reserves : dict of int to str
        Commune of each sector that is drawn in stripes over another one.
    """

    scenario: str
    columns: Mapping[str, Column]
    couleurs: Mapping[int, str]
    noms: Mapping[int, str]
    reserves: Mapping[int, str] = field(default_factory=dict)

    def label(self, sector: int) -> str:
        """``3 · Cholet``."""
        said = f"{sector} · {self.noms[sector]}"
        return f"{said} (poste réservé)" if sector in self.reserves else said

    def stripes(self, sector: int) -> ET.Element:
        """Stripes of a reserved sector, beside those of the same commune's other ones.

        Of its whole colour: two light ones would not stand out from each other.
        """
        same = [one for one, code in self.reserves.items() if code == self.reserves[sector]]
        found = hatching(
            self.couleurs[sector], STRIPE, (len(same) + 1) * STRIPE,
            offset=f"{same.index(sector) * STRIPE:g}", offset_unit="MM",
        )  # fmt: skip
        found.set("pass", "1")  # over the ground, whatever the order of the legend
        return found


def key_of(outcome: Outcome, columns: Mapping[str, Column]) -> Key:
    """What the layers of a scenario share."""
    table = outcome.communes
    ground = set(main_rows(table)["secteur"].tolist())
    over = table[~table["secteur"].isin(ground)].drop_duplicates("secteur")
    return Key(
        outcome.scenario.libelle,
        columns,
        colours(outcome),
        dict(zip(outcome.postes["secteur"].tolist(), outcome.postes["nom_base"], strict=True)),
        dict(zip(over["secteur"].tolist(), over["code_insee"], strict=True)),
    )


def main_rows(communes: pd.DataFrame) -> pd.DataFrame:
    """One row a commune, in the order of their codes: its shared sector before a reserved one."""
    order = communes.sort_values(["code_insee", "poste_entier", "secteur"])
    return order.drop_duplicates("code_insee")


# --- sectors ---------------------------------------------------------------------------------


def sector_styles(key: Key, held: Sequence[str]) -> list[Style]:
    """Filled, as the layer opens; then borders alone, without a name, to lay over another layer."""
    said = f"{column('secteur')} || '\u00a0·\u00a0' || {column('nom_base')}"
    if key.reserves:
        numbers = ", ".join(map(str, key.reserves))
        said += f" || if({column('secteur')} IN ({numbers}), ' (réservé)', '')"
    label = labeling([("", 0, letters(said, 11, bold=True, priority=9))])
    tip = _sector_tip(key, held)
    heading = f"Secteurs : {key.scenario}"
    form = _form(key, held, column("nom_secteur"))
    return [
        Style(
            "Secteurs", f"Un secteur, un poste, une couleur. {key.scenario}",
            qml(POLYGONS, [renderer(heading, _sectors(key), "communes"), label], tip, form),
        ),
        Style(
            "Contours", "Limites des secteurs, à poser sur une autre couche",
            qml(POLYGONS, [renderer(heading, _borders()), labeling([])], tip),
        ),
    ]  # fmt: skip


def _sectors(key: Key) -> Iterator[Rule]:
    for sector, colour in key.couleurs.items():
        reserved = sector in key.reserves
        area = key.stripes(sector) if reserved else _plain(tint(colour, GROUND))
        drawn = symbol("fill", area, _edge(INK, THICK))
        yield f"{column('secteur')} = {sector}", key.label(sector), drawn


def _borders() -> Iterator[Rule]:
    """One line for all: a border has a sector on each side, and would show the colour of one."""
    yield "ELSE", "Limite de secteur", symbol("fill", _edge(PAPER, 1.6), _edge(INK, THICK))


def _plain(colour: str) -> ET.Element:
    return part("SimpleFill", color=rgba(colour), style="solid", outline_style="no")


def _edge(colour: str, width: float) -> ET.Element:
    """A border, over the ground and the stripes of every sector."""
    found = part(
        "SimpleLine", line_color=rgba(colour), line_width=f"{width:g}", line_width_unit="MM",
        joinstyle="round", capstyle="round",
    )  # fmt: skip
    found.set("pass", "2")
    return found


def _sector_tip(key: Key, held: Sequence[str]) -> str:
    return sheet(
        [
            f"<b>{shown(safe('nom_secteur'))}</b>",
            escaped(key.scenario),
            _figures(key, [name for name in SECTOR_TIP if name in held]),
            *_notes(key, ("nom_base", "personnes", "lieux")),
        ]
    )


# --- communes --------------------------------------------------------------------------------


def commune_styles(key: Key, communes: pd.DataFrame) -> list[Style]:
    """By sector, as the layer opens; then by stability; then by half-days."""
    held = [str(name) for name in communes.columns if name != "geometry"]
    tip = _commune_tip(key)
    form = _form(key, held, column("nom"))

    def drawn(heading: str, rules: Sequence[Rule], form: Form | None = None) -> str:
        label = names(column("nom"), "personnes", NAMES)
        return qml(POLYGONS, [renderer(heading, rules), label], tip, form)

    visits, steady = key.columns["demi_journees"], key.columns["stabilite"]
    return [
        Style(
            "Secteurs", f"Secteur de chaque commune. {key.scenario}",
            drawn(f"Communes : {key.scenario}", list(_communes(key, communes)), form),
        ),
        Style(steady.libelle, steady.description, drawn(alias(steady), list(_steadiness()))),
        Style("Demi-journées", visits.description, drawn(alias(visits), list(_visits()))),
    ]  # fmt: skip


def _communes(key: Key, communes: pd.DataFrame) -> Iterator[Rule]:
    """The sector, in a light colour; stripes of reserved posts; hatching where nobody comes."""
    for sector, colour in key.couleurs.items():
        if sector in key.reserves:
            filter_ = f"{column('code_insee')} = {text(key.reserves[sector])}"
            yield filter_, key.label(sector), symbol("fill", key.stripes(sector))
        else:
            filter_ = f"{column('secteur')} = {sector}"
            yield filter_, key.label(sector), symbol("fill", fill(tint(colour), THIN))
    if (communes["demi_journees"] == 0).any():
        lines = hatching(INK, 0.25)
        lines.set("pass", "2")
        yield f"{column('demi_journees')} = 0", f"Sans passage, {ELSEWHERE}", symbol("fill", lines)


def _steadiness() -> Iterator[Rule]:
    """The least steady in the darkest colour: a border to talk over."""
    share = f"{column('stabilite')} + {TIE:g}"
    above = ""
    limits = [*STEADY, 0.0]
    for place, (low, colour) in enumerate(zip(limits, ramp(len(limits)), strict=True)):
        limit = f"{share} >= {low!r}" if low else f"{column('stabilite')} IS NOT NULL"
        filter_ = f"{limit}{above}"
        above = f" AND {share} < {low!r}"
        yield filter_, _share_label(limits, place), symbol("fill", fill(colour, THIN))
    yield "ELSE", MISSING, symbol("fill", fill(PAPER, THIN), hatching())


def _share_label(limits: Sequence[float], place: int) -> str:
    """``80 à 95 %``, the widest classes open."""
    low = f"{100 * limits[place]:g}"
    if not place:
        return f"{low}\u00a0% ou plus"
    high = f"{100 * limits[place - 1]:g}"
    return f"{low} à {high}\u00a0%" if limits[place] else f"moins de {high}\u00a0%"


def _visits() -> Iterator[Rule]:
    visits = column("demi_journees")
    for (first, last), colour in zip(HALF_DAYS, ramp(len(HALF_DAYS)), strict=True):
        # QGIS 3.22 has no BETWEEN.
        filter_ = f"{visits} >= {first}" + ("" if last is None else f" AND {visits} <= {last}")
        label = f"{first} ou plus" if last is None else f"{first} à {last}"
        label = str(first) if first == last else label
        yield filter_, label, symbol("fill", fill(colour, THIN))
    yield "ELSE", f"aucune, {ELSEWHERE}", symbol("fill", fill(PAPER, THIN), hatching())


def _commune_tip(key: Key) -> str:
    others = f"if({column('autres_secteurs')} = '', '', ' ; ' || {safe('autres_secteurs')})"
    host = f"{text(key.columns['nom_recue_a'].libelle + ' : ')} || {safe('nom_recue_a')}"
    return sheet(
        [
            f"<b>{shown(safe('nom'))}</b> ({shown(safe('code_insee'))})",
            f"{shown(safe('nom_epci'))}",
            shown(f"{safe('nom_secteur')} || {others}"),
            _figures(key, COMMUNE_TIP),
            shown(f"if({column('demi_journees')} = 0, {host}, '')"),
            *_notes(key, ("personnes", "lieux")),
        ]
    )


# --- bases and tables ------------------------------------------------------------------------


def base_styles(key: Key, bases: pd.DataFrame) -> list[Style]:
    """A disc of the sector's colour, as large as its posts are many."""
    posts = column("postes_base")
    said = f"{column('nom_base')} || if({posts} > 1, ' (' || {posts} || ' postes)', '')"
    radius = f"{BASE / 2!r} * sqrt({posts})"
    name = letters(said, 10, bold=True, priority=10, radius=radius, avoided=True)
    label = labeling([("", 0, name)])
    heading = f"Bases proposées : {key.scenario}"
    tip = sheet(
        [
            f"<b>{shown(safe('nom_base'))}</b> ({shown(safe('code_base'))})",
            shown(safe("secteurs")),
            _figures(key, BASE_TIP),
            *_notes(key, ("nom_base", "personnes")),
        ]
    )
    drawn = [renderer(heading, _bases(key, bases["secteur"].tolist()), "postes_base"), label]
    held = [str(name) for name in bases.columns if name != "geometry"]
    form = _form(key, held, column("nom_base"))
    return [Style("Bases", key.columns["nom_base"].description, qml(POINTS, drawn, tip, form))]


def _bases(key: Key, sectors: Sequence[int]) -> Iterator[Rule]:
    for sector in sectors:
        colour = rgba(key.couleurs[sector])
        disc = part(
            "SimpleMarker", name="circle", color=colour, outline_color=rgba(INK),
            outline_width="0.5", outline_style="solid", size=f"{BASE:g}", size_unit="MM",
            scale_method="diameter",
        )  # fmt: skip
        disc.append(driven("size", f"{BASE!r} * sqrt({column('postes_base')})"))
        yield f"{column('secteur')} = {sector}", key.label(sector), symbol("marker", disc)


def table_styles(columns: Mapping[str, Column], held: Sequence[str], what: str) -> list[Style]:
    """Names of the columns of a table without geometry."""
    form = Form(column("scenario"), aliases(columns, held), frozenset(), {"": list(held)})
    return [Style(what, f"Noms des colonnes : {what.lower()}", qml(NONE, [], "", form))]


# --- what they share -------------------------------------------------------------------------


def _form(key: Key, held: Sequence[str], display: str) -> Form:
    today = [name for name in held if name in TODAY]
    tabs = {
        "Proposition": [name for name in held if name not in today],
        "Lieux connus aujourd'hui": today,
    }
    return Form(display, aliases(key.columns, held), DETAILS, tabs)


def _figures(key: Key, found: Sequence[str]) -> str:
    """Each figure with its label and unit; people are told as the estimate that they are."""
    cells = []
    for name in found:
        record = key.columns[name]
        value = figure(name, record.decimales)
        value = f"'environ ' || {value}" if name == "personnes" else value
        cells.append((escaped(alias(record)), unless_missing(name, value, text("inconnu"))))
    return rows(cells)


def _notes(key: Key, found: Sequence[str]) -> Iterator[str]:
    """What a figure means and does not, in the words of the dictionary."""
    yield note(" ".join(key.columns[name].description for name in found))
