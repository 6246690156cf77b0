"""Outlines in every form they come in, trap by trap."""

import gzip
import json
from pathlib import Path

import geopandas as gpd
import py7zr
import pytest
from shapely import box
from shapely.geometry import MultiPolygon, Polygon

from fragilite.ingestion.outlines import missing_outlines, read_outlines
from fragilite.ingestion.raw import LayoutError

FIXTURES = Path(__file__).parent / "fixtures/geography"
ETALAB = FIXTURES / "etalab.geojson"
ANJOU = {"49007": box(-1, 47, 0, 48), "49126": box(-2, 47, -1, 48)}


def layer(shapes, code="code_insee", geometry="geometrie", crs=4326, **columns):
    """A layer of outlines, with the column names of a publisher."""
    table = gpd.GeoDataFrame({code: list(shapes), **columns})
    return table.set_geometry(gpd.GeoSeries(list(shapes.values()), crs=crs, name=geometry))


def shapes_of(outlines):
    return outlines.set_index("code_insee").geometry


def packed(path, folder):
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.writeall(folder, "ADMIN-EXPRESS/1_DONNEES_LIVRAISON")
    return path


# --- GeoJSON ---------------------------------------------------------------------------------


@pytest.mark.parametrize("gzipped", [False, True])
def test_etalab(tmp_path, gzipped):
    path = ETALAB
    if gzipped:
        path = tmp_path / "communes-100m.geojson.gz"
        path.write_bytes(gzip.compress(ETALAB.read_bytes()))
    outlines = read_outlines(path, ["49126", "49007", "01001"])
    assert list(outlines["code_insee"]) == ["49126", "49007", "01001"]
    assert outlines.crs == 4326
    assert shapes_of(outlines)["49007"].equals(ANJOU["49007"])
    assert missing_outlines(outlines) == []


def test_a_city_is_not_counted_twice():
    """Paris is there whole, and by its arrondissements: they are left out."""
    outlines = read_outlines(ETALAB, ["75056"])
    assert shapes_of(outlines)["75056"].equals(box(2, 48, 4, 50))


def test_a_city_by_its_arrondissements_only():
    outlines = read_outlines(ETALAB, ["69123"])
    assert shapes_of(outlines)["69123"].equals(box(4, 45, 7, 48))


def test_a_city_lacking_an_arrondissement_has_no_outline(tmp_path):
    collection = json.loads(ETALAB.read_text(encoding="utf-8"))
    collection["features"] = [
        feature for feature in collection["features"] if feature["properties"]["code"] != "69385"
    ]
    (tmp_path / "c.geojson").write_text(json.dumps(collection), encoding="utf-8")
    outlines = read_outlines(tmp_path / "c.geojson", ["69123", "49007"])
    assert missing_outlines(outlines) == ["69123"]


def test_points_are_refused():
    with pytest.raises(LayoutError, match=r"« Point » au lieu de contours.*geometry=contour"):
        read_outlines(FIXTURES / "api_points.geojson", ["49007"])


def test_several_files_complete_each_other(tmp_path):
    for code, shape in ANJOU.items():
        layer({code: shape}, "code").to_file(tmp_path / f"{code}.geojson")
    files = [tmp_path / "49007.geojson", tmp_path / "49126.geojson"]
    assert missing_outlines(read_outlines(files, ANJOU)) == []
    with pytest.raises(LayoutError, match="en double : 49007"):
        read_outlines([*files, files[0]], ANJOU)


# --- Admin Express ---------------------------------------------------------------------------

GENERATIONS = [
    ("code_insee", "geometrie", {"nom_officiel": ["Angers", "Orée d'Anjou"]}),
    ("INSEE_COM", "geometry", {"NOM": ["Angers", "Orée d'Anjou"], "SIREN_EPCI": ["1", "2"]}),
]


@pytest.mark.parametrize(("code", "geometry", "columns"), GENERATIONS)
def test_geoparquet(tmp_path, code, geometry, columns):
    path = tmp_path / "commune.parquet"
    layer(ANJOU, code, geometry, **columns).to_parquet(path)
    assert shapes_of(read_outlines(path, ["49126"]))["49126"].equals(ANJOU["49126"])


def test_geoparquet_in_geoarrow_with_boxes(tmp_path):
    path = tmp_path / "commune.parquet"
    table = layer({code: MultiPolygon([shape]) for code, shape in ANJOU.items()})
    table.to_parquet(path, geometry_encoding="geoarrow", write_covering_bbox=True)
    assert shapes_of(read_outlines(path, ["49126"]))["49126"].equals(ANJOU["49126"])


def test_parquet_without_geometry(tmp_path):
    layer(ANJOU).drop(columns="geometrie").to_parquet(tmp_path / "commune.parquet")
    with pytest.raises(LayoutError, match="GeoParquet"):
        read_outlines(tmp_path / "commune.parquet", ["49126"])


@pytest.mark.parametrize(("code", "geometry", "columns"), GENERATIONS)
@pytest.mark.parametrize("archived", [False, True])
def test_geopackage(tmp_path, code, geometry, columns, archived):
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "ADE-COG-CARTO_4-0_GPKG_WGS84G_FRA-ED2026-01-01.gpkg"
    layer({"49": box(-2, 47, 0, 48)}, code).to_file(path, layer="departement")
    layer(ANJOU, code, geometry, **columns).to_file(path, layer="commune", GEOMETRY_NAME=geometry)
    if archived:
        path = packed(tmp_path / "ade.7z", folder)
    assert shapes_of(read_outlines(path, ["49126"]))["49126"].equals(ANJOU["49126"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ade.7z", "in"][not archived :]


def test_shapefiles_of_a_7z(tmp_path):
    """Editions before 2025: one shapefile a layer, all in one folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    layer(ANJOU, "INSEE_COM", "geometry").to_file(folder / "COMMUNE.shp")
    layer({"49": box(-2, 47, 0, 48)}, "INSEE_DEP", "geometry").to_file(folder / "DEPARTEMENT.shp")
    path = packed(tmp_path / "ade.7z", folder)
    assert shapes_of(read_outlines(path, ["49007"]))["49007"].equals(ANJOU["49007"])


def test_lambert_93_comes_out_in_degrees(tmp_path):
    path = tmp_path / "commune.gpkg"
    layer(ANJOU).to_crs(2154).to_file(path, layer="commune")
    shape = shapes_of(read_outlines(path, ["49007"]))["49007"]
    assert shape.symmetric_difference(ANJOU["49007"]).area < 1e-9


def test_a_geopackage_without_communes(tmp_path):
    for name in ("departement", "region"):
        layer(ANJOU).to_file(tmp_path / "a.gpkg", layer=name)
    with pytest.raises(LayoutError, match=r"« commune ». Il offre : departement, region"):
        read_outlines(tmp_path / "a.gpkg", ["49007"])


def test_a_7z_without_communes(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/LISEZMOI.txt").write_text("rien")
    with pytest.raises(LayoutError, match=r"l'archive offre : .*LISEZMOI\.txt"):
        read_outlines(packed(tmp_path / "a.7z", tmp_path / "in"), ["49007"])


def test_another_column_for_the_code(tmp_path):
    layer(ANJOU, "identifiant").to_file(tmp_path / "a.geojson")
    with pytest.raises(LayoutError, match=r"code commune absente. Le fichier offre : identifiant"):
        read_outlines(tmp_path / "a.geojson", ["49007"])


# --- geographies -----------------------------------------------------------------------------


def test_a_former_geography_is_dissolved(tmp_path):
    """49321 Saint-Sigismond merged into 49160 in 2024; 49069 became 49126 in 2025."""
    path = tmp_path / "communes-2023.geojson"
    layer(
        {"49160": box(0, 0, 1, 1), "49321": box(1, 0, 2, 1), "49069": box(5, 5, 6, 6)}, "code"
    ).to_file(path)
    shapes = shapes_of(read_outlines(path, ["49160", "49126"], cog=2023))
    assert shapes["49160"].equals(box(0, 0, 2, 1))
    assert isinstance(shapes["49160"], Polygon)
    assert shapes["49126"].equals(box(5, 5, 6, 6))
    assert shapes_of(read_outlines(path, ["49069"], cog=2023, vers=2023))["49069"] is not None


def test_half_a_merged_commune_is_no_outline(tmp_path):
    path = tmp_path / "communes-2023.geojson"
    layer({"49160": box(0, 0, 1, 1), "49069": box(5, 5, 6, 6)}, "code").to_file(path)
    outlines = read_outlines(path, ["49160", "49126"], cog=2023)
    assert missing_outlines(outlines) == ["49160"]


def test_a_split_commune_has_no_outline(tmp_path):
    """Neussargues en Pinatelle, 15141, became five communes in 2025: nothing says where."""
    path = tmp_path / "communes-2024.geojson"
    layer({"15141": box(0, 0, 1, 1), "15014": box(1, 0, 2, 1)}, "code").to_file(path)
    outlines = read_outlines(path, ["15014", "15031", "15141"], cog=2024)
    assert missing_outlines(outlines) == ["15031", "15141"]
    assert missing_outlines(read_outlines(path, ["15031"], cog=2024)) == ["15031"]


def test_missing_outlines_are_named_not_fatal():
    outlines = read_outlines(ETALAB, ["49007", "49023", "49050"])
    assert missing_outlines(outlines) == ["49023", "49050"]
    assert len(outlines) == 3


def test_the_file_of_another_departement_is_refused():
    with pytest.raises(LayoutError, match=r"aucun contour des 2 communes demandées, dont 35238"):
        read_outlines(ETALAB, ["35238", "35047"])


def test_a_broken_ring_is_mended(tmp_path):
    bow_tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (0, 0)])
    layer({"49007": bow_tie}, "code").to_file(tmp_path / "a.geojson")
    shape = shapes_of(read_outlines(tmp_path / "a.geojson", ["49007"]))["49007"]
    assert shape.is_valid
    assert shape.area == pytest.approx(0.5)


# --- faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["geojson", "gz", "parquet", "7z", "gpkg"])
def test_truncated(tmp_path, form):
    path = tmp_path / f"communes.{form}"
    folder = tmp_path / "in"
    folder.mkdir()
    if form == "geojson":
        path.write_bytes(ETALAB.read_bytes())
    elif form == "gz":
        path.write_bytes(gzip.compress(ETALAB.read_bytes()))
    elif form == "parquet":
        layer(ANJOU).to_parquet(path)
    elif form == "gpkg":
        layer(ANJOU).to_file(path, layer="commune")
    else:
        layer(ANJOU).to_file(folder / "commune.gpkg", layer="commune")
        packed(path, folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(LayoutError) as caught:
        read_outlines(path, ["49007"])
    assert f"communes.{form}" in caught.value.message
    assert "\n" not in str(caught.value)


def test_a_web_page_is_no_outline(tmp_path):
    path = tmp_path / "communes.geojson"
    path.write_text("<!DOCTYPE html><html>Maintenance</html>")
    with pytest.raises(LayoutError, match="tronqué, ou ce ne sont pas des contours"):
        read_outlines(path, ["49007"])


def test_a_list_of_communes_is_no_outline(tmp_path):
    """What geo.api.gouv.fr answers without format=geojson."""
    path = tmp_path / "communes.json"
    path.write_text('[{"nom": "Angers", "code": "49007"}]')
    with pytest.raises(LayoutError, match="ce ne sont pas des contours"):
        read_outlines(path, ["49007"])
