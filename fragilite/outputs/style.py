"""How QGIS shows a layer: its styles (QML), for QGIS 3.22 and later.

A style is rule-based. A graduated renderer would leave the places without a value invisible; a
rule hatches them, and another may draw the circles of a quantity over them.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from fragilite.cartography import CIRCLE, MISSING, Theme, themes
from fragilite.columns import COLUMN_SUFFIXES
from fragilite.french import quantity, upper_first
from fragilite.outputs import qgis
from fragilite.outputs.map_tip import column, map_tip
from fragilite.outputs.qgis import (
    LONGEST_NAME,
    PAPER,
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
    names,
    part,
    plain_unit,
    renderer,
    rgba,
    symbol,
)
from fragilite.pipeline import COMMUNE, EPCI_PARTIEL, Build
from fragilite.scoring import TIE

#: Millimetres, on a screen or a sheet: diameter of the largest circle.
LARGEST = 15.0
#: Under a quantity's circles.
GROUND = "#e9e9e9"


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
#: An IRIS of a town is some 500 m across, or 10 mm at 1:50 000; the row of a commune that is not
#: split is as wide as the commune.
BY_IRIS = Layer(
    "iris", "IRIS", lambda build: build.communes, "code_iris", "nom_iris",
    f"if(coalesce({column('nom_iris')}, '') = '', {column('code_iris')}, {column('nom_iris')})",
    (Label(0, 75_000, 8),),
    MISSING, 0.12,
)  # fmt: skip


def layers_of(build: Build) -> tuple[Layer, ...]:
    """Layers of the GeoPackage of a build, by the level of its rows."""
    return LAYERS if build.niveau == COMMUNE else (BY_IRIS,)


def write(build: Build, path: Path) -> None:
    """Write the style of the GeoParquet, which QGIS takes from the ``.qml`` of the same name.

    QGIS 3.22 looks there for the GeoPackage and the CSV too: the styles that the GeoPackage holds
    come first for both its layers, and a style of polygons is not applied to a table.
    """
    path.write_bytes(qml(build, layers_of(build)[0], themes(build)[0]).encode("utf-8"))


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
        said = f"{theme.libelle} ({plain_unit(theme.unite)})"
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
    held = [str(name) for name in table.columns]
    radius = f"{_diameter(theme, table)} / 2" if theme.is_quantity else ""
    return qgis.qml(
        POLYGONS,
        [
            _renderer(build, layer, theme, table),
            names(layer.etiquette, "population", layer.etiquettes, radius),
        ],
        map_tip(build, held, name=layer.lieu, code=layer.code),
        _form(build, layer, held) if everything else None,
    )


# --- what is drawn ---------------------------------------------------------------------------


def _renderer(build: Build, layer: Layer, theme: Theme, table: pd.DataFrame) -> ET.Element:
    """Classes, or circles; then what has no value."""
    drawn = _circles(layer, theme, table) if theme.is_quantity else _classes(layer, theme)
    return renderer(
        alias(build.columns[theme.colonne]),
        [*drawn, _missing(layer)],
        largest_first=theme.colonne if theme.is_quantity else "",
    )


def _classes(layer: Layer, theme: Theme) -> Iterator[Rule]:
    """One rule a class; the first and the last are open, as :func:`fragilite.scoring.classify`."""
    last = len(theme.couleurs) - 1
    spans = zip(pairwise(theme.bornes), theme.libelles, theme.couleurs, strict=True)
    for place, ((low, high), said, colour) in enumerate(spans):
        # A value at a limit up to floating-point noise belongs to the class above.
        value = f"{column(theme.colonne)} + {TIE:g}"
        limits = [
            *([f"{value} >= {low!r}"] if place else []),
            *([f"{value} < {high!r}"] if place < last else []),
        ]
        filter_ = " AND ".join(limits) or f"{column(theme.colonne)} IS NOT NULL"
        yield filter_, said, symbol("fill", fill(colour, layer.trait))


def _missing(layer: Layer) -> Rule:
    """What no other rule takes: ELSE, so that a place is never invisible."""
    return "ELSE", layer.manquante, symbol("fill", fill(PAPER, layer.trait), hatching())


def _circles(layer: Layer, theme: Theme, table: pd.DataFrame) -> Iterator[Rule]:
    """Circles whose area is the value, over plain places, then their key.

    The largest of the layer measures :data:`LARGEST`. QGIS makes the key of sizes for points only:
    here it is made of rules that no place meets.
    """
    values = table[theme.colonne].dropna()
    most = float(values.max()) if len(values) else 0.0
    centre = part("CentroidFill", point_on_surface="1", point_on_all_parts="0")
    centre.set("pass", "1")  # over every plain place, whatever the order of rows
    circle = _circle(2.5, _diameter(theme, table))
    circle.set("name", "@cercle@1")
    centre.append(circle)
    yield (
        f"{column(theme.colonne)} IS NOT NULL",
        "Cercle proportionnel au nombre",
        symbol("fill", fill(GROUND, layer.trait), centre),
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
    disc = part(
        "SimpleMarker", name="circle", color=rgba(CIRCLE, 0.8), outline_color=rgba(PAPER),
        outline_width="0.15", outline_style="solid", size=f"{size:.3f}", size_unit="MM",
        scale_method="diameter",
    )  # fmt: skip
    if expression:
        disc.append(driven("size", expression))
    return symbol("marker", disc)


# --- columns ---------------------------------------------------------------------------------


def _form(build: Build, layer: Layer, names: list[str]) -> Form:
    """Tabs: the place and its index, its figures, then how each figure was made."""
    method = build.method
    details = [name for name in names if _is_detail(name, build)]
    tabs = {
        "Indice": [n for n in names if n not in method.figures and n not in details],
        "Indicateurs": [n for n in names if n in method.indicateurs],
        "Contexte et effectifs": [
            n for n in names if n in method.figures and n not in method.indicateurs
        ],
        "Calcul et provenance": details,
    }
    return Form(column(layer.lieu), aliases(build.columns, names), frozenset(details), tabs)


def _is_detail(name: str, build: Build) -> bool:
    """How a figure was made (points, contribution, status, vintage): in the form, on its tab."""
    stem, _, suffix = name.rpartition("_")
    return stem in build.method.figures and suffix in COLUMN_SUFFIXES
