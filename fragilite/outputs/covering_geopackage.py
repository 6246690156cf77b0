"""GeoPackage of a covering: who has what is scarce within reach, today and with what would open."""

from __future__ import annotations

import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import geopandas as gpd

from fragilite.cartography import ramp
from fragilite.centres import centres
from fragilite.dictionary import Column
from fragilite.french import number
from fragilite.outputs import geographic_layer
from fragilite.outputs.geopackage import (
    dated,
    moment_of,
    provenance_rows,
    write_dictionary,
    write_layer,
    write_provenance,
    write_schema,
    write_styles,
)
from fragilite.outputs.map_tip import column, safe, sheet, shown
from fragilite.outputs.qgis import (
    PAPER,
    POINTS,
    POLYGONS,
    Form,
    Rule,
    Style,
    aliases,
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
from fragilite.outputs.roadmap_style import INK, NAMES, THIN
from fragilite.roadmap import tables
from fragilite.roadmap.covering import Covering

#: Millimetres: the disc of a place.
PLACE = 3.2
#: Served today, served by what would open: the second and the fourth of four colours.
TODAY, THEN = ramp(4)[1], ramp(4)[3]


def write(found: Covering, path: Path) -> None:
    """Write the communes, and the places of today and to open.

    Parameters
    ----------
    found : Covering
    path : Path
        Written anew if it exists.
    """
    build = found.build
    moment, columns = moment_of(build), tables.columns(found.unite)
    towns = _communes(found)
    layers = {"lieux": (_places(found, towns.crs), "Point"), "communes": (towns, "MultiPolygon")}
    said = f"{found.libelle}, à {number(found.rayon)} {found.unite}"
    with dated(moment):
        path.unlink(missing_ok=True)  # GDAL would add to a file that exists
        for name, (rows, geometry) in layers.items():
            write_layer(rows, path, name, f"{name.capitalize()} : {found.libelle}", said, geometry)
    held = {
        name: [str(one) for one in rows.columns if one != "geometry"]
        for name, (rows, _) in layers.items()
    }
    styles = {
        "lieux": [_place_style(columns, held["lieux"])],
        "communes": [_commune_style(found, columns, held["communes"], said)],
    }
    notes = [
        dict.fromkeys(provenance_rows(build)[0], "") | {"source": tables.SOURCE, "note": text}
        for text in found.notes
    ]
    with closing(sqlite3.connect(path)) as database, database:
        write_provenance(database, [*provenance_rows(build), *notes], moment)
        write_dictionary(database, columns, held, moment)
        write_styles(database, styles, moment)
        write_schema(database, columns, held)


def _communes(found: Covering) -> gpd.GeoDataFrame:
    outlines = geographic_layer(found.build)
    return gpd.GeoDataFrame(found.communes, geometry=outlines.geometry.to_numpy(), crs=outlines.crs)


def _places(found: Covering, crs: object) -> gpd.GeoDataFrame:
    """Communes where there is a place, or where one is to open, at their centres."""
    rows = found.communes[found.communes["ouverture"] | (found.communes["existants"] > 0)]
    rows = rows[["code_insee", "nom", "existants", "ouverture"]].reset_index(drop=True)
    known = centres(found.build.inputs).reindex(rows["code_insee"])
    points = gpd.GeoSeries.from_xy(known["longitude"], known["latitude"], crs=4326).to_crs(crs)
    return gpd.GeoDataFrame(rows, geometry=points.to_numpy(), crs=crs)


def _commune_style(
    found: Covering, columns: Mapping[str, Column], held: list[str], said: str
) -> Style:
    tip = sheet(
        [
            f"<b>{shown(safe('nom'))}</b> ({shown(safe('code_insee'))})",
            shown(f"'environ ' || round({column('personnes')}) || ' personnes à accompagner'"),
        ]
    )
    form = Form(column("nom"), aliases(columns, held), frozenset(), {"": held})
    label = names(column("nom"), "personnes", NAMES)
    drawn = [renderer(f"À portée : {said}", list(_reached(found))), label]
    return Style("À portée", f"À portée : {said}", qml(POLYGONS, drawn, tip, form))


def _reached(found: Covering) -> Iterator[Rule]:
    radius = f"{number(found.rayon)} {found.unite}"
    before, after = column("couverte_avant"), column("couverte_apres")
    yield before, f"Un lieu à {radius} aujourd'hui", symbol("fill", fill(TODAY, THIN))
    yield f"{after} AND NOT {before}", "Avec les ouvertures", symbol("fill", fill(THEN, THIN))
    yield "ELSE", f"Au-delà de {radius}", symbol("fill", fill(PAPER, THIN), hatching())


def _place_style(columns: Mapping[str, Column], held: list[str]) -> Style:
    rules = [
        (column("ouverture"), "À ouvrir", _disc(THEN)),
        ("ELSE", "Lieux d'aujourd'hui", _disc(PAPER)),
    ]
    label = labeling([("", 0, letters(column("nom"), 10, bold=True, priority=10))])
    form = Form(column("nom"), aliases(columns, held), frozenset(), {"": held})
    tip = sheet([f"<b>{shown(safe('nom'))}</b>"])
    return Style("Lieux", "Lieux d'aujourd'hui et à ouvrir",
                 qml(POINTS, [renderer("Lieux", rules), label], tip, form))  # fmt: skip


def _disc(colour: str) -> ET.Element:
    return symbol(
        "marker",
        part(
            "SimpleMarker", name="circle", color=rgba(colour), outline_color=rgba(INK),
            outline_width="0.5", outline_style="solid", size=f"{PLACE:g}", size_unit="MM",
            scale_method="diameter",
        ),
    )  # fmt: skip
