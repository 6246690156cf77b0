"""Priority neighbourhoods laid over the IRIS: shares of area by hand, and files in the layout."""

import json
import shutil
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from publishers import lay_out_iris

from fragilite.errors import FragiliteError
from fragilite.ingestion import qpv
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.outlines import read_outlines
from fragilite.ingestion.raw import LayoutError
from fragilite.ingestion.recognition import Wanted, recognise

#: Squares of a hundredth of a degree, in the columns that the documentation names.
FIXTURE = (
    Path(__file__).parent / "fixtures/anct_qpv/QP2024_France_Hexagonale_Outre_Mer_WGS84.geojson"
)
ANJOU = (-1.4, 46.9, 0.3, 47.9)


def square(west):
    return shapely.box(west, 47.45, west + 0.01, 47.46)


@pytest.fixture
def quartiers():
    return qpv.read_outlines(FIXTURE, ANJOU)


# --- shares --------------------------------------------------------------------------------------


def test_shares_by_hand(quartiers):
    iris = gpd.GeoSeries(
        {
            "490070101": square(-0.60),  # Les Carrés: its western half
            "490070102": square(-0.58),  # Le Damier 6 tenths, La Marelle 4, two of them shared
            "490070103": square(-0.50),  # none
            "490070104": None,
            "490070105": square(-0.605),  # Les Carrés, whole
        },
        crs=4326,
    )
    found = qpv.shares(iris, quartiers)
    assert found.index.tolist() == iris.index.tolist()
    expected = [50, 80, 0, np.nan, 100]
    assert found["part_qpv"].to_numpy() == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert found["qpv"].tolist() == [
        "Les Carrés", "Le Damier ; La Marelle", "", "", "Les Carrés",
    ]  # fmt: skip


def test_a_neighbourhood_that_only_touches_is_not_named(quartiers):
    beside = gpd.GeoSeries({"490070101": square(-0.595)}, crs=4326)
    grazed = gpd.GeoSeries({"490070101": square(-0.595001)}, crs=4326)
    for iris in (beside, grazed):
        found = qpv.shares(iris, quartiers)
        assert found["qpv"].tolist() == [""]
        assert found["part_qpv"].iloc[0] == pytest.approx(0, abs=0.02)


# --- files ---------------------------------------------------------------------------------------


def test_only_neighbourhoods_around_are_read(quartiers):
    assert quartiers.index.tolist() == ["QN04901M", "QN04902M", "QN04903M"]
    assert quartiers["nom_qpv"].tolist() == ["Les Carrés", "Le Damier", "La Marelle"]
    there = qpv.read_outlines(FIXTURE, (55, -22, 56, -20))
    assert there.index.tolist() == ["QN97401M"]


@pytest.fixture
def archive(tmp_path):
    """The zip of the ANCT: the whole country, and the mainland apart, in three forms."""
    layer = gpd.read_file(FIXTURE)
    made, path = tmp_path / "made", tmp_path / "qpv.zip"
    made.mkdir()
    for suffix, folder in ((".gpkg", "GPKG"), (".geojson", "GEOJSON"), (".shp", "SHP")):
        for name, table in (
            ("QP2024_France_Hexagonale_Outre_Mer_WGS84", layer),
            ("QP2024_France_hexagonale_LB93", layer.iloc[:2].to_crs(2154)),
        ):
            (made / folder).mkdir(exist_ok=True)
            table.to_file(made / folder / f"{name}{suffix}")
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(made.rglob("*.*")):
            packed.write(file, file.relative_to(made))
    return path


def test_the_archive_is_read_once(archive, quartiers):
    found = qpv.read_outlines(archive, ANJOU)
    assert found.index.tolist() == quartiers.index.tolist()
    assert found.geometry.geom_equals_exact(quartiers.geometry, 1e-9).all()


@pytest.mark.parametrize("form", ["GEOJSON", "SHP"])
def test_the_archive_with_one_form_only(archive, tmp_path, form):
    path = tmp_path / "one.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted((tmp_path / "made" / form).iterdir()):
            packed.write(file, f"{form}/{file.name}")
    found = qpv.read_outlines(path, ANJOU)
    assert found["nom_qpv"].tolist() == ["Les Carrés", "Le Damier", "La Marelle"]


def test_other_spellings_of_the_columns(tmp_path):
    layer = gpd.read_file(FIXTURE).rename(columns={"code_qp": "CODE_QP", "lib_qp": "NOM_QP"})
    layer.to_crs(2154).iloc[:3].to_file(tmp_path / "qp.shp")
    found = qpv.read_outlines(tmp_path / "qp.shp", ANJOU)
    assert found["nom_qpv"].tolist() == ["Les Carrés", "Le Damier", "La Marelle"]


def test_another_layout_is_one_french_line(tmp_path):
    layer = gpd.read_file(FIXTURE)
    layer.drop(columns="code_qp").to_file(tmp_path / "a.geojson")
    with pytest.raises(LayoutError, match=r"colonne du code absente \(code_qp, code_qpv") as caught:
        qpv.read_outlines(tmp_path / "a.geojson", ANJOU)
    assert "\n" not in str(caught.value)
    layer.set_geometry(layer.representative_point()).to_file(tmp_path / "b.geojson")
    with pytest.raises(LayoutError, match="« Point » au lieu de contours"):
        qpv.read_outlines(tmp_path / "b.geojson", ANJOU)


def test_recognised_by_what_it_holds_and_never_taken_for_communes(archive, tmp_path):
    shutil.rmtree(tmp_path / "made")
    wanted = [
        Wanted(source, vintage, file)
        for source in (qpv.SOURCE, "contours_iris", "contours", "contours_etalab", "insee_rp")
        for vintage in load_sources()[source].millesimes
        for file in vintage.fichiers
    ]
    assert {key.split("/")[0] for key in recognise(tmp_path, wanted)} == {qpv.SOURCE}
    archive.unlink()
    shutil.copy(FIXTURE, tmp_path / "a.geojson")
    assert {key.split("/")[0] for key in recognise(tmp_path, wanted)} == {qpv.SOURCE}
    with pytest.raises(FragiliteError, match="ce sont des quartiers prioritaires"):
        read_outlines(FIXTURE, ["49007"])


def test_never_fetched_unasked():
    assert load_sources()[qpv.SOURCE].a_la_demande
    assert load_sources()[qpv.SOURCE].millesimes[0].fichiers[0].verifie_le == ""


# --- by IRIS -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outlined(tmp_path_factory):
    """Outlines of the IRIS, and a neighbourhood on half of 490070805."""
    folder = tmp_path_factory.mktemp("contours")
    lay_out_iris(folder / "tout", outlined=True)
    shutil.copy(folder / "tout/iris.gpkg", folder / "iris.gpkg")
    shapes = gpd.read_file(folder / "iris.gpkg").set_index("code_iris")
    west, south, east, north = shapes.geometry["490070805"].bounds
    half = shapely.box(west, south, (west + east) / 2, north)
    layer = gpd.GeoDataFrame(
        {"code_qp": ["QN04901M"], "lib_qp": ["Les Carrés"], "insee_com": ["49007"]},
        geometry=[half],
        crs=2154,
    )
    layer.to_crs(4326).to_file(folder / "qpv.geojson")
    return folder


@pytest.fixture
def raw(outlined, tmp_path):
    folder = tmp_path / "data/raw"
    folder.mkdir(parents=True)
    for name in ("iris.gpkg", "qpv.geojson"):
        shutil.copy(outlined / name, folder / name)
    return folder


def read(folder, **options):
    return pd.read_csv(folder / "fragilite_49_iris.csv", dtype={"code_iris": str}, **options)


def test_every_file_by_iris_carries_it(run, raw, tmp_path):
    code, _, err = run("build", "--dept", "49", "--level", "iris", "--format", "csv,excel,parquet")
    assert code == 0, err
    folder = tmp_path / "data/processed"
    table = read(folder, keep_default_na=False).set_index("code_iris")
    assert float(table.at["490070805", "part_qpv"]) == pytest.approx(50, abs=0.1)
    assert table.at["490070805", "qpv"] == "Les Carrés"
    rest = table.drop("490070805")
    assert set(rest["part_qpv"]) == {"0.0", ""}  # Orée d'Anjou had another code: no outline
    assert rest.index[rest["part_qpv"] == ""].tolist() == ["491260000"]
    assert set(rest["qpv"]) == {""}
    assert "part_qpv" in (folder / "fragilite_49_iris_excel.csv").read_text("utf-8-sig")
    layer = gpd.read_parquet(folder / "fragilite_49_iris.parquet").set_index("code_iris")
    assert layer.at["490070805", "qpv"] == "Les Carrés"
    package = json.loads((folder / "fragilite_49_iris.datapackage.json").read_text("utf-8"))
    schema = next(r for r in package["resources"] if r["path"].endswith("_iris.csv"))["schema"]
    described = {field["name"]: field for field in schema["fields"]}
    assert "pas d'habitants" in described["part_qpv"]["description"]
    assert "contours_qpv" in {one["source"] for one in package["fragilite"]["sources"]}


def test_it_is_never_scored(run, raw, tmp_path):
    arguments = ["build", "--dept", "49", "--level", "iris", "--format", "csv"]
    run(*arguments)
    first = read(tmp_path / "data/processed")
    (raw / "qpv.geojson").unlink()
    shutil.rmtree(raw / "contours_qpv", ignore_errors=True)
    code, _, err = run(*arguments)
    assert code == 0, err
    second = read(tmp_path / "data/processed")
    pd.testing.assert_series_equal(first["indice"], second["indice"])


@pytest.mark.parametrize("lacking", ["iris.gpkg", "qpv.geojson"])
def test_without_either_file_there_is_no_column(run, raw, tmp_path, lacking):
    (raw / lacking).unlink()
    code, _, err = run("build", "--dept", "49", "--level", "iris", "--format", "csv")
    assert code == 0, err
    assert not {"part_qpv", "qpv"} & set(read(tmp_path / "data/processed"))


def test_another_layout_in_its_place_stops_the_build(run, raw):
    place = raw / "contours_qpv/2024/qpv-2024-geojson-gpkg-shp.zip"
    place.parent.mkdir(parents=True)
    gpd.read_file(raw / "qpv.geojson").drop(columns="code_qp").to_file(raw / "qpv.geojson")
    with zipfile.ZipFile(place, "w") as packed:
        packed.write(raw / "qpv.geojson", "GEOJSON/QP2024_WGS84.geojson")
    code, _, err = run("build", "--dept", "49", "--level", "iris", "--format", "csv")
    assert code == 3
    assert "Source contours_qpv" in err.splitlines()[-1]
    assert "colonne du code absente" in err.splitlines()[-1]


def test_explain_names_the_neighbourhood_of_the_iris_it_lists(run, raw):
    code, out, err = run("explain", "49007", "--json")
    assert code == 0, err
    facts = json.loads(out)["iris"]
    listed = facts["plus_fragiles"] + facts["moins_fragiles"]
    assert {one["qpv"] for one in listed} <= {"", "Les Carrés"}
    text = " ".join(run("explain", "49007")[1].split())
    named = any(one["qpv"] for one in listed)
    assert named
    assert "quartier prioritaire Les Carrés (50,0 % de la surface de l'IRIS)" in text
    assert "une part de la surface de l'IRIS, pas de ses habitants" in text
