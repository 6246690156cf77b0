"""How QGIS shows the layer of changes: rise, fall, no change shown, and what is not compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import geopandas as gpd

from fragilite.cartography import CHANGE
from fragilite.dictionary import Column
from fragilite.french import upper_first
from fragilite.outputs.map_tip import (
    column,
    escaped,
    figure,
    note,
    safe,
    sheet,
    shown,
    text,
    unless_missing,
)
from fragilite.outputs.qgis import (
    LONGEST_NAME,
    PAPER,
    POLYGONS,
    Form,
    Rule,
    Style,
    aliases,
    fill,
    hatching,
    names,
    qml,
    renderer,
    symbol,
)
from fragilite.outputs.style import COMMUNES
from fragilite.trend import LECTURES, Trend
from fragilite.trend.report import index_head
from fragilite.trend.tables import SUFFIXES, Followed, followed, wide, wide_columns
from fragilite.trend.wording import CHANCE, left_out

LAYER, TITLE = "changement", "Changement"
#: What a place without a reading is called, and the layer where nothing is compared.
NOTHING = "Rien à comparer"
#: What is the same on every row, or a bound: in the form, not in the table.
DETAILS = ("_min_90", "_max_90", "_raison")


def change_layer(trend: Trend, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The changes of the communes, with their outlines."""
    rows = wide(trend)
    outlines = communes.set_index("code_insee").geometry.reindex(rows["code_insee"])
    return gpd.GeoDataFrame(rows, geometry=outlines.to_numpy(), crs=communes.crs)


def change_styles(trend: Trend) -> list[Style]:
    """A style a comparison, the index first; one that hatches all where nothing is compared."""
    found, records = followed(trend), wide_columns(trend)
    tip, form = _tip(trend, found), _form(found, records)
    if not found:
        return [Style(NOTHING, NOTHING, _qml(NOTHING, [_nothing()], "", tip, form))]
    styles: list[Style] = []
    for one in found:
        heading = f"{one.libelle}, {one.years}"
        drawing = _qml(heading, [*_classes(one), _nothing()], _name(one), tip,
                       None if styles else form)  # fmt: skip
        styles.append(Style(_called(one), f"{heading} (changement, en {one.points})", drawing))
    return styles


def _qml(heading: str, rules: list[Rule], name: str, tip: str, form: Form | None) -> str:
    drawn = [
        renderer(heading, rules),
        names(name or column("nom"), "population", COMMUNES.etiquettes),
    ]
    return qml(POLYGONS, drawn, tip, form)


def _called(one: Followed) -> str:
    """What QGIS lists: ``Indice, depuis 2017``, or the code where the label is too long."""
    tail = f", depuis {one.avant}"
    called = f"{upper_first(one.court)}{tail}"
    return (
        called if len(called) <= LONGEST_NAME else f"{one.code[: LONGEST_NAME - len(tail)]}{tail}"
    )


def _classes(one: Followed) -> Iterator[Rule]:
    for reading in LECTURES:
        filter_ = f"{column(f'{one.stem}_lecture')} = {text(reading)}"
        yield filter_, upper_first(reading), symbol("fill", fill(CHANGE[reading], COMMUNES.trait))


def _nothing() -> Rule:
    """What no other rule takes: hatched, so that a place is never invisible."""
    return "ELSE", NOTHING, symbol("fill", fill(PAPER, COMMUNES.trait), hatching())


def _signed(name: str, decimals: int) -> str:
    """An expression: ``+2,1``, ``−6,1``."""
    value = f"round({column(name)}, {decimals})"
    plain = f"replace({figure(name, decimals)}, '-', '\u2212')"
    return f"if({value} > 0, '+', '') || if({value} = 0, replace({plain}, '\u2212', ''), {plain})"


def _name(one: Followed) -> str:
    """Name of a place, with its change under it: classes also tell apart without colours."""
    change = f"{one.stem}_changement"
    written = f"'\\n' || {_signed(change, one.decimales)}"
    return f"{column('nom')} || if({column(change)} IS NULL, '', {written})"


def _tip(trend: Trend, found: list[Followed]) -> str:
    lines = [f"<b>{shown(safe('nom'))}</b> ({shown(safe('code_insee'))})"]
    if "nom_epci" in trend.build.communes:
        lines.append(shown(safe("nom_epci")))
    lines += [
        f"{escaped(f'{one.libelle}, {one.years}')}\u00a0: {shown(_told(one))}" for one in found
    ]
    heads = [index_head(trend, avant) for avant in trend.indices]
    lines += [note(left_out(head)) for head in heads if head["tenus"]]
    return sheet([*lines, note(CHANCE if found else NOTHING)])


def _told(one: Followed) -> str:
    """An expression: both values, the change with its interval, the reading; else the reason."""
    ends = {name: f"{one.stem}_{name}" for name in SUFFIXES}
    unit = "\u00a0%" if one.unite == "%" else ""
    then, now = (figure(ends[name], one.decimales) for name in ("valeur_avant", "valeur_apres"))
    change, low, high = (
        _signed(ends[name], one.decimales) for name in ("changement", "min_90", "max_90")
    )
    exact = f"{column(ends['min_90'])} = {column(ends['max_90'])}"
    between = f"if({exact}, '', ' [' || {low} || '\u00a0; ' || {high} || ']')"
    word = safe(ends["lecture"])
    parts = [
        then, text(f"{unit} → "), now, text(f"{unit}, <b>"), change, "'</b>'", between,
        f"'. ' || upper(left({word}, 1)) || substr({word}, 2) || '.'",
    ]  # fmt: skip
    why = safe(ends["raison"])
    reason = f"if({why} = '', '', ' (' || {why} || ')')"
    nothing = f"{text(escaped(NOTHING.lower()))} || {reason}"
    return unless_missing(ends["changement"], " || ".join(parts), nothing)


def _form(found: list[Followed], records: Mapping[str, Column]) -> Form:
    """A tab a comparison, after that of the place."""
    held = list(records)
    tabs = {"Commune": [name for name in held if not _of(name, found)]}
    for one in found:
        mine = [name for name in held if name.startswith(f"{one.stem}_")]
        tabs[f"{one.libelle}, {one.years}"] = mine
    details = frozenset(name for name in held if name.endswith(DETAILS))
    return Form(column("nom"), aliases(records, held), details, tabs)


def _of(name: str, found: list[Followed]) -> bool:
    return any(name.startswith(f"{one.stem}_") for one in found)
