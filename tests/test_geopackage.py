"""The GeoPackage read back by GDAL and SQLite; tests/viewers/test_qgis.py opens it in QGIS."""

import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from odd_builds import AWKWARD, alone, empty, far_apart, renamed, unmapped

from fragilite import outputs
from fragilite.outputs import geopackage
from fragilite.outputs.qgis import aliases
from fragilite.outputs.style import EPCI, LAYERS, styles


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write a GeoPackage of a build."""

    def _write(build):
        path = tmp_path_factory.mktemp("gpkg") / "fragilite.gpkg"
        geopackage.write(build, outputs.geographic_layer(build), path)
        return path

    return _write


@pytest.fixture(scope="module")
def path(built, written):
    return written(built)


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def test_layers_stand_in_the_order_a_person_expects(path):
    found = rows(path, "SELECT table_name, data_type FROM gpkg_contents ORDER BY rowid")
    assert found == [
        ("communes", "features"), ("epci", "features"), ("provenance", "attributes"),
        ("dictionnaire", "attributes"), ("layer_styles", "attributes"),
    ]  # fmt: skip
    assert pyogrio.list_layers(path)[:, 0].tolist()[:2] == ["communes", "epci"]


def test_epci_are_those_of_the_build(built, path):
    layer = gpd.read_file(path, layer="epci")
    assert layer.crs.to_epsg() == 2154
    assert layer["code_epci"].tolist() == built.epci["code_epci"].tolist()
    np.testing.assert_array_equal(layer["indice"], built.epci["indice"])
    communes = gpd.read_file(path, layer="communes")
    assert layer.area.sum() == pytest.approx(communes.area.sum(), abs=1)
    assert layer.geometry.is_valid.all()
    assert communes.geometry.is_valid.all()
    for code, shape in zip(layer["code_epci"], layer.geometry, strict=True):
        held = communes.loc[communes["code_epci"] == code].geometry.representative_point()
        assert shapely.contains(shape, held.to_numpy()).all()


def test_each_layer_has_one_default_style_the_index(built, path):
    found = rows(
        path,
        "SELECT f_table_name, styleName, styleQML, useAsDefault, f_geometry_column, update_time"
        " FROM layer_styles ORDER BY id",
    )
    for layer in LAYERS:
        mine = [row for row in found if row[0] == layer.nom]
        assert [(row[1], row[2]) for row in mine] == [
            (one.nom, one.qml) for one in styles(built, layer)
        ]
        assert [row[3] for row in mine] == [1, 0, 0, 0, 0, 0]
        assert mine[0][1] == "Indice"
    assert {row[4] for row in found} == {"geom"}
    assert all(row[5].endswith("T00:00:00.000Z") for row in found)


def test_dictionary_describes_every_column(built, path):
    found = rows(path, "SELECT nom, libelle, type, unite, minimum, maximum, couches"
                       " FROM dictionnaire")  # fmt: skip
    names = [row[0] for row in found]
    assert len(set(names)) == len(names)
    held = {row[0]: row[6] for row in found}
    assert set(names) == set(built.communes.columns) | set(built.epci.columns)
    assert (held["code_insee"], held["remarque"]) == ("communes", "epci")
    assert held["indice"] == "communes, epci"
    index = next(row for row in found if row[0] == "indice")
    assert index[1:6] == (
        "Indice de fragilité numérique", "nombre", "points (de 0 à 100, 100 = le plus fragile)",
        0, 100,
    )  # fmt: skip
    assert {row[2] for row in found} == {"texte", "entier", "nombre", "oui ou non"}


def test_columns_are_described_for_other_programs(built, path):
    """Extension « Schema »: registered, and one line a column, as the aliases of QGIS."""
    extensions = dict(rows(path, "SELECT table_name, extension_name FROM gpkg_extensions"))
    assert extensions["gpkg_data_columns"] == "gpkg_schema"
    for layer in LAYERS:
        names = list(layer.table(built).columns)
        found = rows(path, f"SELECT column_name, title FROM gpkg_data_columns WHERE"
                           f" table_name = '{layer.nom}'")  # fmt: skip
        assert dict(found) == aliases(built.columns, names)


def test_file_is_sound_and_repeats(built, path, written):
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    assert rows(path, "PRAGMA user_version") == [(10200,)]
    assert written(built).read_bytes() == path.read_bytes()


def test_no_warning_of_gdal(built, written, recwarn):
    path = written(built)
    gpd.read_file(path, layer="communes")
    assert [str(one.message) for one in recwarn.list] == []


@pytest.mark.parametrize(
    "odd", [alone, empty, far_apart, unmapped], ids=lambda function: function.__name__
)
def test_any_territory_is_written(built, written, odd):
    """One type of geometry whatever is known, or QGIS would list two layers, one without style."""
    changed = odd(built)
    path = written(changed)
    for layer in LAYERS:
        info = pyogrio.read_info(path, layer=layer.nom)
        assert info["geometry_type"] == "MultiPolygon"
        assert info["features"] == len(layer.table(changed))
        assert info["crs"]
    assert rows(path, "SELECT count(*) FROM layer_styles WHERE useAsDefault") == [(2,)]


def test_an_epci_across_two_departements_is_drawn_where_it_is_known(built, path):
    """CC du Pays d'Ancenis has 1 of its 20 communes here: its outline, and no value."""
    layer = gpd.read_file(path, layer=EPCI.nom).set_index("code_epci").loc["244400552"]
    assert layer["remarque"].startswith("EPCI partiel")
    assert np.isnan(layer["indice"])
    assert layer.geometry.area > 0


def test_names_are_written_as_they_are(built, written):
    path = written(renamed(built))
    assert gpd.read_file(path, layer="communes")["nom"][0] == AWKWARD
    assert gpd.read_file(path, layer="epci")["nom_epci"][0] == AWKWARD


def test_yes_or_no_is_no_text(path):
    for layer, kinds in (("communes", {"integer"}), ("epci", {"integer", "null"})):
        found = rows(path, f"SELECT typeof(part_65_plus_sature) FROM {layer}")
        assert {kind for (kind,) in found} == kinds


def test_a_file_that_exists_is_written_anew(built, path, tmp_path):
    again = tmp_path / "fragilite.gpkg"
    again.write_bytes(path.read_bytes())
    geopackage.write(built, outputs.geographic_layer(built), again)
    assert again.read_bytes() == path.read_bytes()
