"""GeoPackage, for QGIS everywhere: layers that open already styled, and what explains them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pyogrio

from fragilite.cartography import PEOPLE, dissolved
from fragilite.columns import declared
from fragilite.dictionary import Column
from fragilite.outputs.qgis import Style, aliases
from fragilite.outputs.style import EPCI, layers_of, styles
from fragilite.pipeline import Build
from fragilite.provenance import as_of, provenance, source_records

if TYPE_CHECKING:
    from fragilite.ingestion.lots import Lot
    from fragilite.trend import Trend

#: What QGIS expects, to the letter, before it reads a style in the file.
LAYER_STYLES = """
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256),
  f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)"""
#: Tables of the extension « Schema » (OGC 12-128r15, F.9), which GDAL reads from 3.7 on.
SCHEMA = (
    """
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT,
  mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name)
)""",
    """
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT,
  min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value)
)""",
)
SCHEMA_PAGE = "http://www.geopackage.org/spec121/#extension_schema"


def write(build: Build, layer: gpd.GeoDataFrame, path: Path, trend: Trend | None = None) -> None:
    """Write the layers ``communes`` and ``epci``, their styles, and what explains them.

    By IRIS, a layer ``iris`` in their place. With a trend, a layer ``changement`` too.
    """
    moment, about = moment_of(build), build.method.methode.libelle
    layers = layers_of(build)
    held = {one.nom: [str(name) for name in one.table(build).columns] for one in layers}
    drawn = {one.nom: styles(build, one) for one in layers}
    records = dict(build.columns)
    with dated(moment):
        path.unlink(missing_ok=True)  # GDAL would add to a file that exists
        for one in layers:
            rows = epci_layer(build, layer) if one is EPCI else layer
            write_layer(rows, path, one.nom, one.titre, about)
        if trend is not None:
            from fragilite.outputs import change_style as change
            from fragilite.trend.tables import wide_columns

            write_layer(change.change_layer(trend, layer), path, change.LAYER, change.TITLE, about)
            mine = wide_columns(trend)
            held[change.LAYER], drawn[change.LAYER] = list(mine), change.change_styles(trend)
            records |= mine
    with closing(sqlite3.connect(path)) as database, database:
        write_provenance(database, provenance_rows(build, trend.sources if trend else ()), moment)
        write_dictionary(database, records, held, moment)
        write_styles(database, drawn, moment)
        write_schema(database, records, held)


def epci_layer(build: Build, communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """EPCI with their outlines, as far as the build holds them, in the order of their codes."""
    merged = dissolved(communes.geometry, communes["code_epci"])
    return gpd.GeoDataFrame(
        build.epci, geometry=merged.reindex(build.epci["code_epci"]).to_numpy(), crs=communes.crs
    )


def provenance_rows(build: Build, earlier: Iterable[Lot] = ()) -> list[dict[str, str]]:
    """Where the figures come from: the method, then each source, those of a trend last."""
    general = provenance(build)
    rows = [*general["sources"], *source_records(earlier)]
    header = general["methode"]
    method = dict.fromkeys(rows[0], "") | {
        "source": "methode",
        "titre": f"{header['code']} {header['version']}",
        "origine": general["programme"],
        "geographie": str(build.inputs.annee),
        "sha256": header["sha256"],
        "note": f"Indicateurs comptés : {', '.join(general['indicateurs_comptes'])}. "
        f"{build.columns[PEOPLE].libelle} : {general['volume']} "
        f"{general['usage']} {general['non_usage']}",
    }
    return [method, *rows]


# --- what any GeoPackage of the program holds ------------------------------------------------


def moment_of(build: Build) -> str:
    """Date of a build's newest figures, as a GeoPackage writes it."""
    return f"{as_of(build)}T00:00:00.000Z"


@contextmanager
def dated(moment: str) -> Iterator[None]:
    """Make GDAL write that moment, so that the file repeats."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_layer(
    rows: gpd.GeoDataFrame,
    path: Path,
    name: str,
    title: str,
    description: str,
    geometry: str = "MultiPolygon",
) -> None:
    """One type of geometry, said even where no outline is known: QGIS lists one layer, styled.

    VERSION 1.2 avoids a warning of old QGIS.
    """
    pyogrio.write_dataframe(
        rows,
        path,
        layer=name,
        driver="GPKG",
        geometry_type=geometry,
        promote_to_multi=geometry.startswith("Multi"),
        append=path.exists(),
        dataset_options=None if path.exists() else {"VERSION": "1.2"},
        layer_options={"GEOMETRY_NAME": "geom", "IDENTIFIER": title, "DESCRIPTION": description},
    )


def write_provenance(
    database: sqlite3.Connection, rows: Sequence[Mapping[str, Any]], moment: str
) -> None:
    """The table ``provenance``, all texts."""
    write_table(database, "provenance", dict.fromkeys(rows[0], "TEXT"), rows)
    register(database, "provenance", "Provenance", "Sources, millésimes, licences", moment)


def write_dictionary(
    database: sqlite3.Connection,
    columns: Mapping[str, Column],
    held: Mapping[str, Sequence[str]],
    moment: str,
) -> None:
    """What each column says, and the layers and tables that hold it."""
    rows = [
        {
            "nom": name,
            "libelle": record.libelle,
            "type": declared()["types"][record.type],
            "unite": record.unite,
            "description": record.description,
            "source": record.source,
            "minimum": record.minimum,
            "maximum": record.maximum,
            "couches": ", ".join(layer for layer, names in held.items() if name in names),
        }
        for name, record in columns.items()
        if any(name in names for names in held.values())
    ]
    types = dict.fromkeys(rows[0], "TEXT") | {"minimum": "REAL", "maximum": "REAL"}
    write_table(database, "dictionnaire", types, rows)
    register(database, "dictionnaire", "Dictionnaire", "Ce que dit chaque colonne", moment)


def write_styles(
    database: sqlite3.Connection,
    found: Mapping[str, Sequence[Style]],
    moment: str,
    tables: Collection[str] = (),
) -> None:
    """The styles of each layer; QGIS opens it with the first. `tables` have no geometry."""
    database.execute(LAYER_STYLES)
    for layer, mine in found.items():
        geometry = "" if layer in tables else "geom"
        database.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name,"
            " f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner,"
            " ui, update_time) VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', NULL, ?)",
            [
                (layer, geometry, one.nom, one.qml, int(not place), one.description, moment)
                for place, one in enumerate(mine)
            ],
        )
    register(database, "layer_styles", "layer_styles", "Styles pour QGIS", moment)


def write_schema(
    database: sqlite3.Connection,
    columns: Mapping[str, Column],
    held: Mapping[str, Sequence[str]],
) -> None:
    """Labels and descriptions of the columns, for the programs that do not read QGIS's styles."""
    for statement in SCHEMA:
        database.execute(statement)
    for layer, names in held.items():
        called = aliases(columns, names)
        database.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (layer, name, called[name], called[name], columns[name].description)
                for name in names
            ],
        )
    database.executemany(
        "INSERT INTO gpkg_extensions (table_name, extension_name, definition, scope)"
        f" VALUES (?, 'gpkg_schema', '{SCHEMA_PAGE}', 'read-write')",
        [("gpkg_data_columns",), ("gpkg_data_column_constraints",)],
    )


def write_table(
    database: sqlite3.Connection,
    name: str,
    types: Mapping[str, str],
    rows: Iterable[Mapping[str, Any]],
) -> None:
    """A table without geometry, its columns in the order of their types."""
    fields = ", ".join(f"{field} {kind}" for field, kind in types.items())
    database.execute(f"CREATE TABLE {name} (fid INTEGER PRIMARY KEY, {fields})")
    marks = ", ".join("?" * len(types))
    values: Sequence[tuple[Any, ...]] = [tuple(row[field] for field in types) for row in rows]
    database.executemany(f"INSERT INTO {name} ({', '.join(types)}) VALUES ({marks})", values)


def register(
    database: sqlite3.Connection, name: str, title: str, description: str, moment: str
) -> None:
    """Make a table one of attributes, so that QGIS lists it and does not call it unknown."""
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
        " VALUES (?, 'attributes', ?, ?, ?)",
        [name, title, description, moment],
    )
