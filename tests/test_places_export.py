"""Places for others: the national standard, GeoJSON, GeoPackage."""

import csv
import io
import json
import re

import geopandas as gpd
import pytest

from fragilite.places.export import MEDNUM, geojson, mednum_csv, write_geopackage
from fragilite.places.merging import merge
from fragilite.places.reading import read
from fragilite.places.schema import together


@pytest.fixture(scope="module")
def lieux(pytestconfig):
    folder = pytestconfig.rootpath / "tests/fixtures/places"
    names = ("cd49", "mednum", "france_services", "guide_angers", "hub_conumm")
    return merge(together(read(folder / f"{name}.csv") for name in names)).lieux


def mednum_rows(lieux):
    text, left = mednum_csv(lieux)
    return list(csv.DictReader(io.StringIO(text))), left


def test_the_national_standard(lieux):
    rows, _ = mednum_rows(lieux)
    assert list(rows[0]) == list(MEDNUM)
    found = {row["nom"]: row for row in rows}
    library = found["Bibliothèque municipale - Les Quais"]
    assert library["typologie"] == "BIB"
    assert library["services"].split("|")[1] == "Maîtrise des outils numériques du quotidien"
    assert library["publics_specifiquement_adresses"] == "Étudiants|Seniors"
    assert "Prêt ou réparation de matériel : prêt" in library["presentation_resume"]
    assert (library["latitude"], library["longitude"]) == ("47.470000", "-0.550000")
    bus = found["Bus France services du Loir"]
    assert (bus["itinerance"], bus["dispositif_programmes_nationaux"]) == (
        "Itinérant", "France Services",
    )  # fmt: skip
    assert "tout public" in bus["presentation_resume"]  # the standard has no such word
    assert all(row["telephone"] == row["courriels"] == "" for row in rows)


def test_what_the_standard_cannot_say_is_left_and_told(lieux):
    rows, left = mednum_rows(lieux)
    assert "Mairie d'Avrillé" not in {row["nom"] for row in rows}
    assert "Mairie d'Avrillé (cd49:LMN902) : fermé, ou ne reçoit pas de public" in left
    assert len(rows) + len(left) == len(lieux)


def test_it_is_read_back_by_the_mapping_of_the_national_list(lieux, tmp_path):
    path = tmp_path / "mednum.csv"
    path.write_text(mednum_csv(lieux)[0], encoding="utf-8")
    again = read(path).lieux.set_index("nom")
    for place in lieux.to_dict("records"):
        if place["nom"] in again.index:
            row = again.loc[place["nom"]]
            assert row["services"] == place["services"]
            assert row["code_insee"] == place["code_insee"]
            assert row["type"] == place["type"]


def test_geojson_is_longitude_then_latitude_and_unknown_is_null(lieux):
    found = json.loads(geojson(lieux))
    assert found["type"] == "FeatureCollection"
    assert "crs" not in found  # RFC 7946: always WGS84
    points = {one["id"]: one for one in found["features"]}
    assert len(points) == lieux["longitude"].notna().sum() < len(lieux)
    library = points["guide_angers:1"]
    assert library["geometry"] == {"type": "Point", "coordinates": [-0.55, 47.47]}
    assert library["properties"]["etp"] is None
    assert library["properties"]["frais"] is None
    assert isinstance(library["properties"]["lignes"], int)


def test_geopackage(lieux, tmp_path):
    path = tmp_path / "lieux.gpkg"
    write_geopackage(lieux, path)
    first = path.read_bytes()
    layer = gpd.read_file(path, layer="lieux")
    assert layer.crs.to_epsg() == 4326
    assert len(layer) == lieux["longitude"].notna().sum()
    assert layer.set_index("id").loc["guide_angers:1", "code_insee"] == "49007"
    path.unlink()
    write_geopackage(lieux, path)
    assert path.read_bytes() == first


def test_no_place_with_a_point(lieux, tmp_path):
    empty = lieux[lieux["longitude"].isna()]
    assert json.loads(geojson(empty))["features"] == []
    write_geopackage(empty, tmp_path / "vide.gpkg")
    assert gpd.read_file(tmp_path / "vide.gpkg").empty


def test_the_published_schema_accepts_every_cell(lieux, shared_data):
    schema = json.loads((shared_data / "publisher/mednum_schema/schema.json").read_text())
    assert [field["name"] for field in schema["fields"]] == list(MEDNUM)
    rows, _ = mednum_rows(lieux)
    for field in schema["fields"]:
        rules, name = field.get("constraints", {}), field["name"]
        cells = [row[name] for row in rows]
        if rules.get("required"):
            assert all(cells), name
        if rules.get("unique"):
            assert len(set(cells)) == len(cells)
        for cell in filter(None, cells):
            if "pattern" in rules:
                assert re.search(rules["pattern"], cell), (name, cell)
            assert len(cell) <= rules.get("maxLength", len(cell))
            if field["type"] == "number":
                float(cell)
