"""How QGIS shows a layer: its styles (QML), for QGIS 3.22 and later.

A style is rule-based. A graduated renderer would leave the places without a value invisible; a
rule hatches them, and another may draw the circles of a quantity over them.
"""

from __future__ import annotations

import math
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from fragilite.cartography import (
    BORDER,
    CIRCLE,
    HATCH,
    MISSING,
    Theme,
    themes,
)
from fragilite.columns import COLUMN_SUFFIXES
from fragilite.dictionary import Column
from fragilite.french import quantity, upper_first
from fragilite.outputs.map_tip import column, map_tip, text
from fragilite.pipeline import EPCI_PARTIEL, Build
from fragilite.scoring import TIE

#: What the first style of a layer says, and what the others leave as it is.
EVERYTHING = "AllStyleCategories"
DRAWING = "Symbology|Labeling|MapTips"
#: QGIS cuts the name of a style after so many characters.
LONGEST_NAME = 30
#: Millimetres, on a screen or a sheet: diameter of the largest circle.
LARGEST = 15.0
#: Under a quantity's circles, and behind hatching.
GROUND, PAPER = "#e9e9e9", "#ffffff"
#: From this scale on (1:1 500 000, a region on a screen), grey borders would hide the colours.
BORDERS_UP_TO = 1_500_000


@dataclass(frozen=True)
class Label:
    """Names shown together: those of places of some size, from some scale on.

    Attributes
    ----------
    population : int
        Least number of inhabitants.
    echelle : int
        Denominator of the smallest scale that shows them; 0 for all scales.
    points : float
        Size of the letters.
    gras : bool
    """

    population: int
    echelle: int
    points: float
    gras: bool = False


@dataclass(frozen=True)
class Layer:
    """What differs between the layers of a GeoPackage.

    Attributes
    ----------
    nom, titre : str
        Name in the file, and as QGIS lists it.
    table : callable
        Its rows in a build.
    code, lieu : str
        Columns of the code and of the name of a place.
    etiquette : str
        Expression of the label.
    etiquettes : tuple of Label
        From the largest places to the smallest.
    manquante : str
        What a place without a value is called.
    trait : float
        Width of the borders, in millimetres.
    """

    nom: str
    titre: str
    table: Callable[[Build], pd.DataFrame]
    code: str
    lieu: str
    etiquette: str
    etiquettes: tuple[Label, ...]
    manquante: str
    trait: float


#: A commune is some 4 km across: 16 mm at 1:250 000, as wide as its name. At the scale of a
#: département on a screen (1:500 000) only towns have room, at that of a region only cities.
COMMUNES = Layer(
    "communes", "Communes", lambda build: build.communes, "code_insee", "nom", column("nom"),
    (
        Label(20_000, 0, 10, gras=True),
        Label(5_000, 1_000_000, 9),
        Label(2_000, 500_000, 8),
        Label(0, 250_000, 8),
    ),
    MISSING, 0.12,
)  # fmt: skip
EPCI = Layer(
    "epci", "EPCI", lambda build: build.epci, "code_epci", "nom_epci",
    f"{column('nom_epci')} || if(coalesce({column('remarque')}, '') = '', '', '\\n(en partie)')",
    (Label(0, 1_500_000, 9, gras=True),),
    f"{EPCI_PARTIEL} ou {MISSING.lower()}", 0.35,
)  # fmt: skip
LAYERS = (COMMUNES, EPCI)


@dataclass(frozen=True)
class Style:
    """A way to show a layer.

    Attributes
    ----------
    nom, description : str
        As QGIS lists it: one word or two, and a sentence.
    qml : str
    """

    nom: str
    description: str
    qml: str


def write(build: Build, path: Path) -> None:
    """Write the style of the GeoParquet, which QGIS takes from the ``.qml`` of the same name.

    QGIS 3.22 looks there for the GeoPackage and the CSV too: the styles that the GeoPackage holds
    come first for both its layers, and a style of polygons is not applied to a table.
    """
    path.write_bytes(qml(build, COMMUNES, themes(build)[0]).encode("utf-8"))


def styles(build: Build, layer: Layer) -> list[Style]:
    """The styles of a layer, the one it opens with first: the index, then its parts, then people.

    The first says everything; the others only what is drawn, so that aliases and forms stay.
    """
    shown = themes(build)
    short = Counter(upper_first(theme.court) for theme in shown)
    found: list[Style] = []
    for theme in shown:
        name = upper_first(theme.court)
        if short[name] > 1 or len(name) > LONGEST_NAME:
            name = theme.code[:LONGEST_NAME]
        said = f"{theme.libelle} ({_plain_unit(theme.unite)})"
        found.append(Style(name, said, qml(build, layer, theme, everything=not found)))
    return found


def qml(build: Build, layer: Layer, theme: Theme, *, everything: bool = True) -> str:
    """Style of a layer for a theme, as QGIS reads it from a ``.qml`` file or ``layer_styles``.

    Parameters
    ----------
    build : Build
    layer : Layer
    theme : Theme
        Among :func:`fragilite.cartography.themes`.
    everything : bool
        With aliases, form and table; else only what is drawn, and the map tip.

    Returns
    -------
    str
        XML, the same for the same build.
    """
    table = layer.table(build)
    root = ET.Element(
        "qgis", version="3.22.0", labelsEnabled="1", hasScaleBasedVisibilityFlag="0",
        styleCategories=EVERYTHING if everything else DRAWING,
    )  # fmt: skip
    root.append(_renderer(build, layer, theme, table))
    radius = f"{_diameter(theme, table)} / 2" if theme.is_quantity else ""
    root.append(_labeling(layer, radius))
    for tag, said in (("blendMode", "0"), ("featureBlendMode", "0"), ("layerOpacity", "1")):
        ET.SubElement(root, tag).text = said
    if everything:
        _describe(root, build, layer, [str(name) for name in table.columns])
    tip = ET.SubElement(root, "mapTip", enabled="1")
    tip.text = map_tip(build, list(map(str, table.columns)), name=layer.lieu, code=layer.code)
    # Polygons: QGIS then refuses the style on a table, such as the CSV of the same name.
    ET.SubElement(root, "layerGeometryType").text = "2"
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def aliases(columns: Mapping[str, Column], names: Sequence[str]) -> dict[str, str]:
    """What each column is called: its label and its unit, with its name where two would be alike.

    Examples
    --------
    >>> aliases({"pop": Column("pop", "Population", "number", "personnes", "", "")}, ["pop"])
    {'pop': 'Population (personnes)'}
    """
    found = {name: _alias(columns[name]) for name in names}
    times = Counter(found.values())
    return {
        name: f"{alias} [{name}]" if times[alias] > 1 else alias for name, alias in found.items()
    }


def _alias(record: Column) -> str:
    """A label, with the unit of what is measured: a text, a code or a rank says what it is."""
    unit = _plain_unit(record.unite)
    said = record.type != "number" or not unit or unit in record.libelle.lower()
    return record.libelle if said else f"{record.libelle} ({unit})"


def _plain_unit(unit: str) -> str:
    """A unit without the scale that explains it: ``points (de 0 à 100…)`` is ``points``."""
    return unit.partition(" (")[0]


# --- what is drawn ---------------------------------------------------------------------------


def _renderer(build: Build, layer: Layer, theme: Theme, table: pd.DataFrame) -> ET.Element:
    """Rules, each with its symbol, under a heading that names what is shown."""
    renderer = ET.Element(
        "renderer-v2", type="RuleRenderer", symbollevels="0", forceraster="0",
        referencescale="-1", enableorderby="0",
    )  # fmt: skip
    rules = ET.SubElement(renderer, "rules", key=_key("racine"))
    heading = ET.SubElement(
        rules, "rule", key=_key("titre"), label=_alias(build.columns[theme.colonne])
    )
    symbols = ET.SubElement(renderer, "symbols")
    drawn = _circles(layer, theme, table) if theme.is_quantity else _classes(layer, theme)
    for place, (filter_, label, symbol) in enumerate([*drawn, _missing(layer)]):
        ET.SubElement(
            heading, "rule", key=_key(f"regle {place}"), filter=filter_, label=label,
            symbol=str(place),
        )  # fmt: skip
        symbol.set("name", str(place))
        symbols.append(symbol)
    if theme.is_quantity:  # large circles first, so that small ones are seen over them
        renderer.set("enableorderby", "1")
        order = ET.SubElement(renderer, "orderby")
        ET.SubElement(order, "orderByClause", asc="0", nullsFirst="0").text = column(theme.colonne)
    return renderer


def _key(name: str) -> str:
    """An identifier as QGIS writes them, the same at each run."""
    return f"{{{uuid.uuid5(uuid.NAMESPACE_OID, name)}}}"


Rule = tuple[str, str, ET.Element]


def _classes(layer: Layer, theme: Theme) -> Iterator[Rule]:
    """One rule a class; the first and the last are open, as :func:`fragilite.scoring.classify`."""
    last = len(theme.couleurs) - 1
    spans = zip(pairwise(theme.bornes), theme.libelles, theme.couleurs, strict=True)
    for place, ((low, high), label, colour) in enumerate(spans):
        # A value at a limit up to floating-point noise belongs to the class above.
        value = f"{column(theme.colonne)} + {TIE:g}"
        limits = [
            *([f"{value} >= {low!r}"] if place else []),
            *([f"{value} < {high!r}"] if place < last else []),
        ]
        filter_ = " AND ".join(limits) or f"{column(theme.colonne)} IS NOT NULL"
        yield filter_, label, _symbol("fill", _fill(colour, layer.trait))


def _missing(layer: Layer) -> Rule:
    """What no other rule takes: ELSE, so that a place is never invisible."""
    line = _symbol("line", _part("SimpleLine", line_color=rgba(HATCH), line_width="0.3"))
    hatching = _part("LinePatternFill", angle="45", distance="1.6", distance_unit="MM")
    line.set("name", "@hachure@1")
    hatching.append(line)
    return "ELSE", layer.manquante, _symbol("fill", _fill(PAPER, layer.trait), hatching)


def _circles(layer: Layer, theme: Theme, table: pd.DataFrame) -> Iterator[Rule]:
    """Circles whose area is the value, over plain places, then their key.

    The largest of the layer measures :data:`LARGEST`. QGIS makes the key of sizes for points only:
    here it is made of rules that no place meets.
    """
    values = table[theme.colonne].dropna()
    most = float(values.max()) if len(values) else 0.0
    centre = _part("CentroidFill", point_on_surface="1", point_on_all_parts="0")
    centre.set("pass", "1")  # over every plain place, whatever the order of rows
    circle = _circle(2.5, _diameter(theme, table))
    circle.set("name", "@cercle@1")
    centre.append(circle)
    yield (
        f"{column(theme.colonne)} IS NOT NULL",
        "Cercle proportionnel au nombre",
        _symbol("fill", _fill(GROUND, layer.trait), centre),
    )
    for mark in _marks(most):
        label = quantity(mark, theme.decimales, theme.unite)
        yield "FALSE", label, _circle(LARGEST * math.sqrt(mark / most))


def _diameter(theme: Theme, table: pd.DataFrame) -> str:
    """Diameter of a place's circle in millimetres, as an expression; 0 where there is no value."""
    most = table[theme.colonne].max()
    scale = float(most) if most > 0 else 1.0
    return f"{LARGEST!r} * sqrt(max(coalesce({column(theme.colonne)}, 0), 0) / {scale!r})"


def _marks(most: float) -> Iterator[float]:
    """Round numbers to size a key: the largest 1, 2 or 5 × 10ⁿ held, its tenth, its hundredth.

    Examples
    --------
    >>> list(_marks(18_283.0)), list(_marks(7.0)), list(_marks(0.0))
    ([10000.0, 1000.0, 100.0], [5.0], [])
    """
    if most < 1:
        return
    power = 10.0 ** math.floor(math.log10(most))
    top = max(step * power for step in (1, 2, 5) if step * power <= most)
    yield from (mark for mark in (top, top / 10, top / 100) if mark >= 1)


def _circle(size: float, expression: str = "") -> ET.Element:
    part = _part(
        "SimpleMarker", name="circle", color=rgba(CIRCLE, 0.8), outline_color=rgba(PAPER),
        outline_width="0.15", outline_style="solid", size=f"{size:.3f}", size_unit="MM",
        scale_method="diameter",
    )  # fmt: skip
    if expression:
        part.append(_driven("size", expression))
    return _symbol("marker", part)


def _fill(colour: str, width: float) -> ET.Element:
    """A plain colour with a thin border, of the same colour where a border would hide it."""
    part = _part(
        "SimpleFill", color=rgba(colour), style="solid", outline_color=rgba(BORDER),
        outline_style="solid", outline_width=str(width), outline_width_unit="MM",
        joinstyle="round",
    )  # fmt: skip
    far = f"if(@map_scale > {BORDERS_UP_TO}, {text(rgba(colour))}, {text(rgba(BORDER))})"
    part.append(_driven("outlineColor", far))
    return part


def _symbol(kind: str, *parts: ET.Element) -> ET.Element:
    symbol = ET.Element("symbol", type=kind, alpha="1", clip_to_extent="1", force_rhr="0")
    symbol.extend(parts)
    return symbol


def _part(kind: str, **options: str) -> ET.Element:
    """A layer of a symbol, in the words of QGIS."""
    part = ET.Element("layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    settings = ET.SubElement(part, "Option", type="Map")
    for name, value in options.items():
        ET.SubElement(settings, "Option", name=name, type="QString", value=value)
    return part


def _driven(name: str, expression: str, tag: str = "data_defined_properties") -> ET.Element:
    """A property that an expression sets for each place."""
    driven = ET.Element(tag)
    settings = ET.SubElement(driven, "Option", type="Map")
    ET.SubElement(settings, "Option", name="name", type="QString", value="")
    properties = ET.SubElement(settings, "Option", name="properties", type="Map")
    one = ET.SubElement(properties, "Option", name=name, type="Map")
    ET.SubElement(one, "Option", name="active", type="bool", value="true")
    ET.SubElement(one, "Option", name="expression", type="QString", value=expression)
    ET.SubElement(one, "Option", name="type", type="int", value="3")
    ET.SubElement(settings, "Option", name="type", type="QString", value="collection")
    return driven


def rgba(colour: str, opacity: float = 1.0) -> str:
    """A colour as QGIS writes it.

    Examples
    --------
    >>> rgba("#8856a7"), rgba("#ffffff", 0.5)
    ('136,86,167,255', '255,255,255,128')
    """
    levels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return ",".join(map(str, [*levels, round(255 * opacity)]))


# --- names on the map ------------------------------------------------------------------------


def _labeling(layer: Layer, radius: str) -> ET.Element:
    """One rule a size of place, each from a scale of its own; the largest are placed first.

    Names stand in their place, or around its circle, whose radius is then an expression.
    """
    labeling = ET.Element("labeling", type="rule-based")
    rules = ET.SubElement(labeling, "rules", key=_key("étiquettes"))
    above = None
    for place, label in enumerate(layer.etiquettes):
        inhabitants = f"coalesce({column('population')}, 0)"
        limits = [f"{inhabitants} >= {label.population}"] if label.population else []
        limits += [f"{inhabitants} < {above}"] if above else []
        rule = ET.SubElement(rules, "rule", key=_key(f"étiquette {place}"))
        if limits:
            rule.set("filter", " AND ".join(limits))
        if label.echelle:
            rule.set("scalemaxdenom", str(label.echelle))
            rule.set("scalemindenom", "0")
        rule.append(_label(layer.etiquette, label, 9 - 2 * place, radius))
        above = label.population
    return labeling


def _label(expression: str, label: Label, priority: int, radius: str) -> ET.Element:
    """Letters with a white halo, in the reader's own font."""
    settings = ET.Element("settings", calloutType="simple")
    style = ET.SubElement(
        settings, "text-style", fieldName=expression, isExpression="1",
        fontSize=f"{label.points:g}", fontSizeUnit="Point", textColor=rgba("#1a1a1a"),
        fontWeight="75" if label.gras else "50", textOpacity="1", multilineHeight="0.9",
    )  # fmt: skip
    ET.SubElement(
        style, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferSizeUnits="MM",
        bufferColor=rgba(PAPER), bufferOpacity="0.85", bufferNoFill="1", bufferJoinStyle="128",
    )  # fmt: skip
    ET.SubElement(settings, "text-format", autoWrapLength="18", multilineAlign="1")
    ET.SubElement(
        settings, "placement", placement="0" if radius else "4", priority=str(priority),
        centroidInside="1", centroidWhole="1", polygonPlacementFlags="2", fitInPolygonOnly="0",
        dist="0", distUnits="MM",
    )  # fmt: skip
    ET.SubElement(
        settings, "rendering", drawLabels="1", obstacle="0", displayAll="0", scaleVisibility="0",
        fontLimitPixelSize="0", upsidedownLabels="0", labelPerPart="0", mergeLines="0",
    )  # fmt: skip
    if radius:
        settings.append(_driven("LabelDistance", radius, "dd_properties"))
    return settings


# --- columns ---------------------------------------------------------------------------------


def _describe(root: ET.Element, build: Build, layer: Layer, names: Sequence[str]) -> None:
    """Name of a place, aliases, which columns the table shows, and a form in tabs."""
    ET.SubElement(root, "previewExpression").text = column(layer.lieu)
    called = aliases(build.columns, names)
    found = ET.SubElement(root, "aliases")
    for name, alias in called.items():
        ET.SubElement(found, "alias", field=name, name=alias)
    config = ET.SubElement(root, "attributetableconfig", actionWidgetStyle="dropDown")
    shown = ET.SubElement(config, "columns")
    for name in ("fid", *names):
        hidden = name == "fid" or _is_detail(name, build)
        ET.SubElement(shown, "column", type="field", name=name, hidden=str(int(hidden)), width="-1")
    _form(root, build, names)


def _is_detail(name: str, build: Build) -> bool:
    """How a figure was made (points, contribution, status, vintage): in the form, on its tab."""
    stem, _, suffix = name.rpartition("_")
    return stem in build.method.figures and suffix in COLUMN_SUFFIXES


def _form(root: ET.Element, build: Build, names: Sequence[str]) -> None:
    """Tabs: the place and its index, its figures, then how each figure was made."""
    method = build.method
    ET.SubElement(root, "editorlayout").text = "tablayout"
    form = ET.SubElement(root, "attributeEditorForm")
    tabs: dict[str, list[str]] = {
        "Indice": [n for n in names if n not in method.figures and not _is_detail(n, build)],
        "Indicateurs": [n for n in names if n in method.indicateurs],
        "Contexte et effectifs": [
            n for n in names if n in method.figures and n not in method.indicateurs
        ],
        "Calcul et provenance": [n for n in names if _is_detail(n, build)],
    }
    for tab, fields in tabs.items():
        if not fields:
            continue
        box = ET.SubElement(
            form, "attributeEditorContainer", name=tab, columnCount="1", groupBox="0",
            showLabel="1", visibilityExpressionEnabled="0", visibilityExpression="",
        )  # fmt: skip
        for name in fields:
            ET.SubElement(
                box, "attributeEditorField", name=name, showLabel="1",
                index=str(1 + names.index(name)),
            )  # fmt: skip
