"""GeoPackage, for QGIS everywhere."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyogrio

from fragilite.pipeline import Build
from fragilite.provenance import as_of, provenance


def write(build: Build, layer: gpd.GeoDataFrame, path: Path) -> None:
    """Write the layer ``communes`` and the table ``provenance``.

    VERSION 1.2 avoids a warning of old QGIS; OGR_CURRENT_DATE makes the file repeat.
    """
    moment = f"{as_of(build)}T00:00:00.000Z"
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        pyogrio.write_dataframe(
            layer,
            path,
            layer="communes",
            driver="GPKG",
            dataset_options={"VERSION": "1.2"},
            layer_options={
                "GEOMETRY_NAME": "geom",
                "IDENTIFIER": "Communes",
                "DESCRIPTION": build.method.methode.libelle,
            },
        )
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    with closing(sqlite3.connect(path)) as database, database:
        _write_provenance(build, database, moment)


def _write_provenance(build: Build, database: sqlite3.Connection, moment: str) -> None:
    """Add the provenance as a table of attributes, registered so that QGIS lists it."""
    general = provenance(build)
    rows = general["sources"]
    names = list(rows[0])
    fields = ", ".join(f"{name} TEXT" for name in names)
    database.execute(f"CREATE TABLE provenance (fid INTEGER PRIMARY KEY, {fields})")
    header = general["methode"]
    method = dict.fromkeys(names, "") | {
        "source": "methode",
        "titre": f"{header['code']} {header['version']}",
        "origine": general["programme"],
        "geographie": str(build.inputs.annee),
        "sha256": header["sha256"],
        "note": f"Indicateurs comptés : {', '.join(general['indicateurs_comptes'])}. "
        f"{general['usage']} {general['non_usage']}",
    }
    database.executemany(
        f"INSERT INTO provenance ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        [list(row.values()) for row in [method, *rows]],
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change)"
        " VALUES ('provenance', 'attributes', 'Provenance', 'Sources, millésimes, licences', ?)",
        [moment],
    )
