"""What any style of QGIS is made of: symbols, rules, names on the map, aliases and forms (QML).

For QGIS 3.22 and later. Which layer shows what is said in :mod:`fragilite.outputs.style` (an
index) and :mod:`fragilite.outputs.roadmap_style` (a roadmap).
"""

from __future__ import annotations

import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fragilite.cartography import BORDER, HATCH
from fragilite.dictionary import Column
from fragilite.outputs.map_tip import column, text

#: What the first style of a layer says, and what the others leave as it is.
EVERYTHING = "AllStyleCategories"
DRAWING = "Symbology|Labeling|MapTips"
#: QGIS cuts the name of a style after so many characters.
LONGEST_NAME = 30
#: Behind hatching, and in halos.
PAPER = "#ffffff"
#: From this scale on (1:1 500 000, a region on a screen), grey borders would hide the colours.
BORDERS_UP_TO = 1_500_000
#: Types of geometry, as QGIS numbers them.
POINTS, POLYGONS, NONE = 0, 2, 4

#: Filter, label and symbol.
Rule = tuple[str, str, ET.Element]


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


@dataclass(frozen=True)
class Label:
    """Names shown together: those of places of some size, from some scale on.

    Attributes
    ----------
    seuil : float
        Least size of a place, in the column that tells it.
    echelle : int
        Denominator of the smallest scale that shows them; 0 for all scales.
    points : float
        Size of the letters.
    gras : bool
    """

    seuil: float
    echelle: int
    points: float
    gras: bool = False


@dataclass(frozen=True)
class Form:
    """What a reader meets outside of the map: names of columns, table, form.

    Attributes
    ----------
    affichage : str
        Expression that names a row.
    alias : dict of str to str
        What each column is called, in the order of the table.
    cachees : frozenset of str
        Columns that the table hides, and only the form shows.
    onglets : dict of str to list of str
        Columns of each tab of the form; an empty tab is left out.
    """

    affichage: str
    alias: Mapping[str, str]
    cachees: frozenset[str]
    onglets: Mapping[str, Sequence[str]]


def qml(
    geometry: int,
    drawn: Sequence[ET.Element],
    tip: str = "",
    form: Form | None = None,
) -> str:
    """A style as QGIS reads it from a ``.qml`` file or ``layer_styles``.

    Parameters
    ----------
    geometry : int
        :data:`POINTS`, :data:`POLYGONS` or :data:`NONE`: QGIS refuses the style on any other.
    drawn : sequence of Element
        A renderer and a labeling; none for a table.
    tip : str
        HTML of the map tip.
    form : Form, optional
        None for what is only drawn.

    Returns
    -------
    str
        XML, the same for the same arguments.
    """
    root = ET.Element(
        "qgis", version="3.22.0", labelsEnabled=str(int(bool(drawn))),
        hasScaleBasedVisibilityFlag="0", styleCategories=EVERYTHING if form else DRAWING,
    )  # fmt: skip
    root.extend(drawn)
    for tag, said in (("blendMode", "0"), ("featureBlendMode", "0"), ("layerOpacity", "1")):
        ET.SubElement(root, tag).text = said
    if form:
        _describe(root, form)
    ET.SubElement(root, "mapTip", enabled="1").text = tip
    ET.SubElement(root, "layerGeometryType").text = str(geometry)
    ET.indent(root, " ")
    return ET.tostring(root, encoding="unicode") + "\n"


def aliases(columns: Mapping[str, Column], names: Sequence[str]) -> dict[str, str]:
    """What each column is called: its label and its unit, with its name where two would be alike.

    Examples
    --------
    >>> aliases({"pop": Column("pop", "Population", "number", "personnes", "", "")}, ["pop"])
    {'pop': 'Population (personnes)'}
    """
    found = {name: alias(columns[name]) for name in names}
    times = Counter(found.values())
    return {
        name: f"{called} [{name}]" if times[called] > 1 else called
        for name, called in found.items()
    }


def alias(record: Column) -> str:
    """A label, with the unit of what is measured: a text, a code or a rank says what it is."""
    unit = plain_unit(record.unite)
    said = record.type != "number" or not unit or unit in record.libelle.lower()
    return record.libelle if said else f"{record.libelle} ({unit})"


def plain_unit(unit: str) -> str:
    """A unit without the scale that explains it: ``points (de 0 à 100…)`` is ``points``."""
    return unit.partition(" (")[0]


# --- what is drawn ---------------------------------------------------------------------------


def renderer(heading: str, rules: Iterable[Rule], largest_first: str = "") -> ET.Element:
    """Rules, each with its symbol, under a heading that names what is shown.

    Parameters
    ----------
    heading : str
    rules : iterable of Rule
    largest_first : str
        Column by which places are drawn, so that the small ones are seen over the large ones.
    """
    found = ET.Element(
        "renderer-v2", type="RuleRenderer", symbollevels="0", forceraster="0",
        referencescale="-1", enableorderby="0",
    )  # fmt: skip
    root = ET.SubElement(found, "rules", key=_key("racine"))
    title = ET.SubElement(root, "rule", key=_key("titre"), label=heading)
    symbols = ET.SubElement(found, "symbols")
    for place, (filter_, said, drawing) in enumerate(rules):
        ET.SubElement(
            title, "rule", key=_key(f"regle {place}"), filter=filter_, label=said,
            symbol=str(place),
        )  # fmt: skip
        drawing.set("name", str(place))
        symbols.append(drawing)
    if largest_first:
        found.set("enableorderby", "1")
        order = ET.SubElement(found, "orderby")
        ET.SubElement(order, "orderByClause", asc="0", nullsFirst="0").text = column(largest_first)
    return found


def _key(name: str) -> str:
    """An identifier as QGIS writes them, the same at each run."""
    return f"{{{uuid.uuid5(uuid.NAMESPACE_OID, name)}}}"


def fill(colour: str, width: float) -> ET.Element:
    """A plain colour with a thin border, of the same colour where a border would hide it."""
    found = part(
        "SimpleFill", color=rgba(colour), style="solid", outline_color=rgba(BORDER),
        outline_style="solid", outline_width=str(width), outline_width_unit="MM",
        joinstyle="round",
    )  # fmt: skip
    far = f"if(@map_scale > {BORDERS_UP_TO}, {text(rgba(colour))}, {text(rgba(BORDER))})"
    found.append(driven("outlineColor", far))
    return found


def hatching(
    colour: str = HATCH, width: float = 0.3, distance: float = 1.6, **options: str
) -> ET.Element:
    """Oblique lines, in millimetres."""
    line = symbol("line", part("SimpleLine", line_color=rgba(colour), line_width=f"{width:g}"))
    found = part(
        "LinePatternFill", angle="45", distance=f"{distance:g}", distance_unit="MM", **options
    )
    line.set("name", "@hachure@1")
    found.append(line)
    return found


def symbol(kind: str, *parts: ET.Element) -> ET.Element:
    """A ``fill``, a ``line`` or a ``marker``, its layers from the lowest to the highest."""
    found = ET.Element("symbol", type=kind, alpha="1", clip_to_extent="1", force_rhr="0")
    found.extend(parts)
    return found


def part(kind: str, **options: str) -> ET.Element:
    """A layer of a symbol, in the words of QGIS."""
    found = ET.Element("layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    settings = ET.SubElement(found, "Option", type="Map")
    for name, value in options.items():
        ET.SubElement(settings, "Option", name=name, type="QString", value=value)
    return found


def driven(name: str, expression: str, tag: str = "data_defined_properties") -> ET.Element:
    """A property that an expression sets for each place."""
    found = ET.Element(tag)
    settings = ET.SubElement(found, "Option", type="Map")
    ET.SubElement(settings, "Option", name="name", type="QString", value="")
    properties = ET.SubElement(settings, "Option", name="properties", type="Map")
    one = ET.SubElement(properties, "Option", name=name, type="Map")
    ET.SubElement(one, "Option", name="active", type="bool", value="true")
    ET.SubElement(one, "Option", name="expression", type="QString", value=expression)
    ET.SubElement(one, "Option", name="type", type="int", value="3")
    ET.SubElement(settings, "Option", name="type", type="QString", value="collection")
    return found


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


def labeling(rules: Iterable[tuple[str, int, ET.Element]]) -> ET.Element:
    """Names on the map: which rows, the denominator of the smallest scale (0: all), the letters."""
    found = ET.Element("labeling", type="rule-based")
    root = ET.SubElement(found, "rules", key=_key("étiquettes"))
    for place, (filter_, scale, name) in enumerate(rules):
        rule = ET.SubElement(root, "rule", key=_key(f"étiquette {place}"))
        if filter_:
            rule.set("filter", filter_)
        if scale:
            rule.set("scalemaxdenom", str(scale))
            rule.set("scalemindenom", "0")
        rule.append(name)
    return found


def names(expression: str, size: str, labels: Sequence[Label], radius: str = "") -> ET.Element:
    """One rule a size of place, each from a scale of its own; the largest are placed first.

    Parameters
    ----------
    expression : str
        Of the name.
    size : str
        Column that tells how large a place is.
    labels : sequence of Label
        From the largest places to the smallest.
    radius : str
        As for :func:`letters`.
    """
    rules = []
    above = None
    for place, one in enumerate(labels):
        value = f"coalesce({column(size)}, 0)"
        limits = [f"{value} >= {one.seuil}"] if one.seuil else []
        limits += [f"{value} < {above}"] if above else []
        name = letters(expression, one.points, bold=one.gras, priority=9 - 2 * place, radius=radius)
        rules.append((" AND ".join(limits), one.echelle, name))
        above = one.seuil
    return labeling(rules)


def letters(
    expression: str,
    points: float,
    *,
    bold: bool = False,
    priority: int = 5,
    radius: str = "",
    avoided: bool = False,
) -> ET.Element:
    """A name with a white halo, in the reader's own font.

    Parameters
    ----------
    expression : str
    points : float
        Size.
    bold : bool
    priority : int
        From 0 to 10: which name stands where two want the same place.
    radius : str
        Expression of the radius, in millimetres, of what the name stands around; in its place
        without it.
    avoided : bool
        Whether the names of other layers keep clear of what is named.
    """
    settings = ET.Element("settings", calloutType="simple")
    style = ET.SubElement(
        settings, "text-style", fieldName=expression, isExpression="1",
        fontSize=f"{points:g}", fontSizeUnit="Point", textColor=rgba("#1a1a1a"),
        fontWeight="75" if bold else "50", textOpacity="1", multilineHeight="0.9",
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
    rendering = ET.SubElement(
        settings, "rendering", drawLabels="1", obstacle=str(int(avoided)), displayAll="0",
        scaleVisibility="0", fontLimitPixelSize="0", upsidedownLabels="0", labelPerPart="0",
        mergeLines="0",
    )  # fmt: skip
    if avoided:
        rendering.set("obstacleFactor", "2")  # at 1, a name may still cover a small disc
    if radius:
        settings.append(driven("LabelDistance", radius, "dd_properties"))
    return settings


# --- columns ---------------------------------------------------------------------------------


def _describe(root: ET.Element, form: Form) -> None:
    """Name of a place, aliases, which columns the table shows, and a form in tabs."""
    ET.SubElement(root, "previewExpression").text = form.affichage
    found = ET.SubElement(root, "aliases")
    for name, alias in form.alias.items():
        ET.SubElement(found, "alias", field=name, name=alias)
    config = ET.SubElement(root, "attributetableconfig", actionWidgetStyle="dropDown")
    shown = ET.SubElement(config, "columns")
    for name in ("fid", *form.alias):
        hidden = name == "fid" or name in form.cachees
        ET.SubElement(shown, "column", type="field", name=name, hidden=str(int(hidden)), width="-1")
    _tabs(root, form)


def _tabs(root: ET.Element, form: Form) -> None:
    ET.SubElement(root, "editorlayout").text = "tablayout"
    tabs = ET.SubElement(root, "attributeEditorForm")
    names = list(form.alias)
    for tab, fields in form.onglets.items():
        if not fields:
            continue
        box = ET.SubElement(
            tabs, "attributeEditorContainer", name=tab, columnCount="1", groupBox="0",
            showLabel="1", visibilityExpressionEnabled="0", visibilityExpression="",
        )  # fmt: skip
        for name in fields:
            ET.SubElement(
                box, "attributeEditorField", name=name, showLabel="1",
                index=str(1 + names.index(name)),
            )  # fmt: skip
