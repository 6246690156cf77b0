"""One row per IRIS, EPCI, département or region: from sums, in files that say what they are."""

import html
import json
import shutil
import sqlite3
from contextlib import closing

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
from publishers import OPTIONS, lay_out, lay_out_iris

from fragilite import levels, outputs
from fragilite.errors import UsageError
from fragilite.french import upper_first
from fragilite.outputs import workbook
from fragilite.pipeline import build
from fragilite.territory import parse_territory


def read(path, **options):
    return pd.read_csv(path, dtype={"code_iris": str, "code_insee": str}, **options)


# --- levels --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "level"), [("IRIS", "iris"), (" Département ", "departement"), ("région", "region")]
)
def test_names_of_the_levels(text, level):
    assert levels.parse_level(text) == level


def test_an_unknown_level_is_refused(run):
    code, _, err = run("build", "--dept", "49", "--level", "quartier")
    assert code == 2
    assert "Échelon inconnu : « quartier »" in err
    assert "commune, iris, epci, departement, region" in err
    assert err.count("\n") == 1


def test_a_departement_is_recomputed_from_sums(built):
    view = levels.at_level(built, "departement")
    row = view.communes.set_index("code_departement").loc["49"]
    counts = built.result.figures["part_65_plus"].parts.sum()
    share = 100 * counts["numerateur"] / counts["denominateur"]
    assert row["part_65_plus"] == pytest.approx(share)
    assert row["indice"] == pytest.approx(
        built.result_departement.scores.noeuds.loc["49", "indice"]
    )
    assert row["population"] == pytest.approx(built.communes["population"].sum())
    assert row["communes_du_calcul"] == 176


def test_a_region_that_is_not_whole_has_no_value(built):
    view = levels.at_level(built, "region")
    row = view.communes.set_index("code_region").loc["52"]
    assert row["remarque"] == "Région partielle : 176 communes sur 1\u202f228"
    assert np.isnan(row["indice"])
    assert row["part_65_plus_statut"] == "absent"
    text = levels.render_level(levels.level_summary(view), view)
    assert "Pays de la Loire : région partielle : 176 communes sur" in text


def test_an_epci_holds_no_whole_departement(built):
    epci = built.communes.iloc[0]["code_epci"]
    view = levels.at_level(build(parse_territory(epci=epci), uncertainty=False), "departement")
    assert view.communes["indice"].isna().all()
    assert view.communes["remarque"].str.startswith("Département partiel").all()


def test_a_whole_region_by_hand(built, monkeypatch):
    """A region of one département is that département: sums are sums of sums."""
    from fragilite.cog import Region

    alone = {"52": Region("52", "Pays de la Loire", ("49",))}
    monkeypatch.setattr(levels, "regions", lambda: alone)
    region = levels.at_level(built, "region").communes.iloc[0]
    there = levels.at_level(built, "departement").communes.iloc[0]
    for name in ("indice", "part_sans_bac", "population", "personnes_a_accompagner"):
        assert region[name] == pytest.approx(there[name])


def test_the_level_of_communes_changes_nothing(built):
    assert levels.at_level(built, "commune") is built


# --- files ---------------------------------------------------------------------------------------


def test_files_by_iris(run, tmp_path):
    code, out, err = run("build", "--dept", "49", "--level", "iris")
    assert code == 0, err
    folder = tmp_path / "data/processed"
    assert sorted(path.name for path in folder.glob("fragilite_*")) == [
        "fragilite_49_iris.csv",
        "fragilite_49_iris.csvt",
        "fragilite_49_iris.datapackage.json",
        "fragilite_49_iris.schema.json",
        "fragilite_49_iris_excel.csv",
    ]
    table = read(folder / "fragilite_49_iris.csv")
    assert list(table.columns[:5]) == ["code_iris", "nom_iris", "type_iris", "code_insee", "nom"]
    assert len(table) == 363
    assert "iris_min" not in table
    assert "rang_median" not in table
    assert "Contours des IRIS absents : pas de parquet ni de gpkg" in err
    assert err.count("\n") == 1
    assert "212 IRIS dans 25 communes découpées ; ailleurs, une ligne par commune (151)." in out
    assert "Locaux sans fibre : estimé pour 212 IRIS (valeur de la commune)." in out
    package = json.loads((folder / "fragilite_49_iris.datapackage.json").read_text("utf-8"))
    schema = next(r for r in package["resources"] if r["path"].endswith("_iris.csv"))["schema"]
    assert schema["primaryKey"] == "code_iris"
    assert "foreignKeys" not in schema
    assert package["resources"][0]["title"].startswith("IRIS")
    assert "insee_rp_iris" in {one["source"] for one in package["fragilite"]["sources"]}


def test_files_by_iris_repeat(built, tmp_path):
    view = levels.at_level(built, "iris")
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        outputs.write(view, folder, ["csv", "excel"])
    for path in sorted(first.glob("fragilite_*")):
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_a_format_that_cannot_say_a_level_is_refused_alone(run, tmp_path):
    code, _, err = run("build", "--dept", "49", "--level", "iris", "--format", "gpkg,html")
    assert code == 2
    assert "Pas encore de html à l'échelon iris. Contours des IRIS absents" in err
    assert err.count("\n") == 1
    assert not list((tmp_path / "data/processed").glob("fragilite*"))


@pytest.mark.parametrize("level", ["epci", "departement", "region"])
def test_files_of_larger_territories(built, tmp_path, level):
    view = levels.at_level(built, level)
    names = [path.name for path in outputs.write(view, tmp_path, ["csv", "excel"])]
    assert f"fragilite_49_{level}.csv" in names
    table = pd.read_csv(tmp_path / f"fragilite_49_{level}.csv")
    assert table[levels.LEVELS[level].cle].is_unique
    with pytest.raises(UsageError, match=f"Pas encore de contours à l'échelon {level}"):
        outputs.write(view, tmp_path, ["parquet"])


def test_json_at_a_level(run):
    code, out, err = run("build", "--dept", "49", "--level", "epci", "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert facts["niveau"] == "epci"
    assert facts["territoire"]["lignes_avec_indice"] == 9
    assert facts["territoire"]["partiels"] == ["CC du Pays d'Ancenis"]
    assert facts["plus_fragiles"][0]["rang"] == 1


# --- from the publishers' files ------------------------------------------------------------------


@pytest.fixture(scope="module")
def heap(tmp_path_factory):
    """Files of the publishers, dropped by hand in a folder, with those by IRIS and outlines."""
    folder = tmp_path_factory.mktemp("tas")
    lay_out(folder / "a")
    lay_out_iris(folder / "b", outlined=True)
    return folder


@pytest.fixture
def raw(heap, tmp_path):
    return shutil.copytree(heap, tmp_path / "brut")


def test_by_iris_from_files_dropped_by_hand(run, raw, tmp_path, built):
    arguments = ["build", "--dept", "49", "--level", "iris", "--raw", raw, "--offline", *OPTIONS]
    code, out, err = run(*arguments)
    assert code == 0, err
    said = " ".join(out.split())
    assert "214 IRIS dans 26 communes découpées ; ailleurs, une ligne par commune (150)." in said
    assert "2 IRIS au code d'une commune qui a fusionné ou changé de code depuis" in said
    assert "estimé pour 3 IRIS (valeur de la commune)" in said
    folder = tmp_path / "data/processed"
    table = read(folder / "fragilite_49_iris.csv").set_index("code_iris")
    assert len(table) == 364
    assert table.at["490070805", "nom_iris"] == "Quartier 0805"
    assert table.at["490690101", "code_insee"] == "49126"
    expected = built.iris.table.set_index("code_iris")
    rows = expected.index[expected["type_iris"] != "Z"]
    assert table.loc[rows, "part_sans_bac"].to_numpy() == pytest.approx(
        expected.loc[rows, "part_sans_bac"], abs=0.051, nan_ok=True
    )
    # The levels of diploma are told apart there, the income is the disposable one, ages are known.
    assert table.at["490070805", "part_sans_diplome_statut"] == "publie"
    assert table.at["490070805", "part_sans_bac_statut"] == "publie"
    assert table.at["490070805", "niveau_de_vie_relatif_statut"] == "publie"
    assert table.at["490070805", "personnes_a_accompagner"] > 0
    # No row in the file of income: the commune's of the same year, flagged; withheld: nothing.
    income = "niveau_de_vie_relatif"
    assert table.at["490070901", f"{income}_regle"] == "valeur de la commune"
    assert table.at["490070901", income] == pytest.approx(100 * 21450 / 23080, abs=0.05)
    assert table.at["490070801", f"{income}_statut"] == "secret"
    assert np.isnan(table.at["490070801", income])
    shapes = gpd.read_parquet(folder / "fragilite_49_iris.parquet").set_index("code_iris")
    assert shapes.crs.to_epsg() == 2154
    assert shapes.geometry.notna().sum() >= 360
    assert shapes.loc["490070805"].geometry.area == pytest.approx(2500, rel=0.01)


def test_files_by_iris_once_inscribed_serve_again(run, raw):
    """Inscribed in the lock file, they are still figures by IRIS, never by commune."""
    arguments = ["build", "--dept", "49", "--raw", raw, "--format", "csv", "--quiet", *OPTIONS]
    for last in (["--level", "iris", "--offline"], ["--level", "iris", "--frozen"], ["--frozen"]):
        code, out, err = run(*arguments, *last)
        assert code == 0, err
        assert ("fragilite_49_iris.csv" in out) == ("iris" in last)


def test_the_commune_view_takes_the_iris_at_hand(run, raw, tmp_path):
    arguments = ["build", "--dept", "49", "--raw", raw, "--offline", "--format", "csv", *OPTIONS]
    code, _, err = run(*arguments)
    assert code == 0, err
    table = read(tmp_path / "data/processed/fragilite_49.csv").set_index("code_insee")
    assert table.loc["49007", "iris_min"] < table.loc["49007", "indice"]
    assert table.loc["49007", "iris_max"] > table.loc["49007", "indice"]
    assert np.isnan(table.loc["49002", "iris_min"])


def test_without_iris_the_commune_view_has_no_such_column(run, raw, tmp_path):
    options = [*OPTIONS, "--without", "insee_rp_iris"]
    arguments = ["build", "--dept", "49", "--raw", raw, "--offline", "--format", "csv", *options]
    code, _, err = run(*arguments)
    assert code == 0, err
    assert "iris_min" not in read(tmp_path / "data/processed/fragilite_49.csv")


def test_outlines_that_were_fetched_serve_the_bundled_figures(run, heap, tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    shutil.copy(heap / "b/iris.gpkg", tmp_path / "data/raw/iris.gpkg")
    code, _, err = run("build", "--dept", "49", "--level", "iris", "--format", "parquet")
    assert code == 0, err
    shapes = gpd.read_parquet(tmp_path / "data/processed/fragilite_49_iris.parquet")
    assert len(shapes) == 363
    assert shapes.geometry.notna().sum() == 362  # Orée d'Anjou had another code
    assert (tmp_path / "data/processed/fragilite_49_iris.qml").exists()


def test_a_map_by_iris_opens_styled(run, heap, tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    shutil.copy(heap / "b/iris.gpkg", tmp_path / "data/raw/iris.gpkg")
    code, _, err = run("build", "--dept", "49", "--level", "iris", "--format", "gpkg,xlsx")
    assert code == 0, err
    path = tmp_path / "data/processed/fragilite_49_iris.gpkg"
    layer = gpd.read_file(path, layer="iris")
    assert len(layer) == 363
    with closing(sqlite3.connect(path)) as database:
        contents = [
            row[0]
            for row in database.execute("SELECT table_name FROM gpkg_contents ORDER BY rowid")
        ]
        styles = database.execute(
            "SELECT f_table_name, styleName, styleQML FROM layer_styles WHERE useAsDefault"
        ).fetchall()
        told = dict(database.execute("SELECT nom, libelle FROM dictionnaire"))
    assert contents == ["iris", "provenance", "dictionnaire", "layer_styles"]
    ((name, style, qml),) = styles
    assert (name, style) == ("iris", "Indice")
    assert 'alias field="nom_iris"' in qml
    assert "Un chiffre de quartier ne dit rien" in html.unescape(html.unescape(qml))
    assert set(told) == set(layer.columns) - {"geometry"}
    package = json.loads(path.with_suffix(".datapackage.json").read_text("utf-8"))
    titles = {one["path"]: one["title"] for one in package["resources"]}
    assert titles[path.name].startswith("IRIS, contours et indice")


@pytest.mark.parametrize("level", ["iris", "epci", "departement", "region"])
def test_a_workbook_of_each_level(built, tmp_path, level):
    view = levels.at_level(built, level)
    kind = levels.LEVELS[level]
    workbook.write(view, tmp_path / "a.xlsx")
    workbook.write(view, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    rows = upper_first(kind.plusieurs)
    assert book.sheetnames == ["Lisez-moi", "L'essentiel", rows, "Dictionnaire", "Sources"]
    for name in ("L'essentiel", rows):
        cells = list(book[name].iter_rows(min_row=2, values_only=True))
        assert cells[0][:2] == (kind.cle, kind.nom)
        assert len(cells) - 2 == len(view.communes)
    told = [row[0].value for row in book["Dictionnaire"].iter_rows(min_row=2)]
    assert set(told) == set(view.communes.columns)
    prose = " ".join(str(cell.value) for cell in book["Lisez-moi"]["A"])
    assert f"par {kind.un}" in prose
    assert ("bases infracommunales" in prose) == (level == "iris")


def test_without_files_by_iris_the_level_says_what_to_take(run, raw):
    shutil.rmtree(raw / "b")
    arguments = ["build", "--dept", "49", "--level", "iris", "--raw", raw, "--offline", *OPTIONS]
    code, _, err = run(*arguments)
    assert code == 3
    assert "insee_rp_iris/2022/base-ic-evol-struct-pop-2022_csv.zip" in err.splitlines()[-1]
    code, _, err = run(*arguments, "--without", "insee_rp_iris")
    assert code == 2
    assert "Aucun chiffre par IRIS à portée" in err.splitlines()[-1]


def test_without_income_by_iris_that_of_the_commune_serves_and_says_so(run, raw, tmp_path):
    (raw / "b/BASE_TD_FILO_IRIS_2021_DISP_CSV.zip").unlink()
    arguments = ["build", "--dept", "49", "--level", "iris", "--raw", raw, "--offline", *OPTIONS]
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "Niveau de vie médian, France = 100 : estimé pour 214 IRIS (valeur de la" in out
    table = read(tmp_path / "data/processed/fragilite_49_iris.csv").set_index("code_iris")
    assert table.at["490070805", "niveau_de_vie_relatif_millesime"] == "2021-geo2024"


def test_a_file_by_iris_in_the_place_of_that_of_communes(run, raw):
    """Bad input: its place is the catalogue's, its rows are not."""
    place = raw / "insee_rp/2022"
    place.mkdir(parents=True)
    shutil.copy(
        raw / "b/base-ic-diplomes-formation-2022_csv.zip",
        place / "base-cc-diplomes-formation-2022_csv.zip",
    )
    code, _, err = run("build", "--dept", "49", "--raw", raw, "--offline", *OPTIONS)
    assert code == 3
    assert "c'est un fichier par IRIS, il en faut un par commune" in err.splitlines()[-1]
