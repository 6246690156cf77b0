"""Figures by IRIS: the census, Filosofi, the outlines, and files that are not what they should."""

import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import py7zr
import pytest
import shapely

from fragilite.ingestion import census, filosofi, iris
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.raw import LayoutError
from fragilite.ingestion.recognition import Wanted, recognise
from fragilite.table import Statut

HERE = Path(__file__).parent / "fixtures"
RP, FILO = "insee_rp_iris", "insee_filosofi_iris"
THEMES = ("evol-struct-pop", "diplomes-formation", "couples-familles-menages")


def vintage(source, millesime):
    return next(v for v in load_sources()[source].millesimes if v.millesime == millesime)


@pytest.fixture
def census_files(tmp_path):
    """The three files that the index reads, zipped as the publisher does."""
    paths = {}
    for theme in THEMES:
        name = f"base-ic-{theme}-2022"
        path = tmp_path / f"{name}_csv.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(HERE / RP / f"{name}.CSV", f"{name}.CSV")
            meta = HERE / RP / "meta_base-ic-evol-struct-pop-2022.CSV"
            archive.write(meta, f"meta_{name}.CSV")
        paths[path.name] = path
    return paths


def test_the_census_by_iris(census_files):
    table = iris.read(RP, vintage(RP, "2022"), census_files)
    assert table.cog == 2024
    assert table.values.index.name == "code_iris"
    assert table.values.loc["490070805", "pop"] == 2320.0
    assert table.values.loc["490070805", "pop_65_plus"] == 445.0
    assert table.values.loc["490070805", "sans_diplome"] == 900.0
    assert table.values.loc["490070805", "pop_80_plus_vivant_seuls"] == 202.0
    assert table.values.loc["490070705", "pop"] == 0.0  # nobody lives there: a count, not a gap
    assert "chomeurs_15_64" not in table.values  # its file is not at hand


def test_types_of_the_iris(census_files):
    types = iris.read_types(RP, vintage(RP, "2022"), census_files)
    assert types[["490020000", "490070107", "490070705", "490070801"]].tolist() == list("ZHDA")


def test_income_of_the_iris_withheld_where_few_live():
    found = vintage(FILO, "2021")
    path = HERE / FILO / "BASE_TD_FILO_IRIS_2021_DISP.csv"
    table = iris.read(FILO, found, {found.fichiers[0].nom: path})
    assert table.values.loc["490070805", "niveau_de_vie_median"] == 12840
    assert table.statuts.loc["490070805", "niveau_de_vie_median"] == Statut.PUBLIE
    for code in ("490070705", "490070801"):
        assert table.statuts.loc[code, "niveau_de_vie_median"] == Statut.SECRET
        assert np.isnan(table.values.loc[code, "niveau_de_vie_median"])


def test_declared_income_is_flagged():
    found = vintage(FILO, "2021-declare")
    path = HERE / FILO / "BASE_TD_FILO_IRIS_2021_DEC.csv"
    table = iris.read(FILO, found, {found.fichiers[0].nom: path})
    assert table.values.loc["490070805", "niveau_de_vie_median"] == 7920
    assert table.statuts.loc["490070805", "niveau_de_vie_median"] == Statut.ESTIME
    assert "déclaré" in table.regles["niveau_de_vie_median"]["490070805"]


def test_the_communes_of_the_iris_today():
    """One changed code in 2025, one was split in 2025: nothing says where its IRIS went."""
    codes = pd.Index(["490690101", "490070805", "751010101", "151410000"])
    assert iris.carried(codes, 2024, 2026).tolist()[:3] == ["49126", "49007", "75056"]
    assert pd.isna(iris.carried(codes, 2024, 2026).iloc[3])


# --- files that are not what they should be ------------------------------------------------------


def laid(tmp_path, text, theme="evol-struct-pop"):
    path = tmp_path / f"base-ic-{theme}-2022_csv.zip"
    path.write_text(text, encoding="utf-8")
    return {path.name: path}


def fixture(theme="evol-struct-pop"):
    return (HERE / RP / f"base-ic-{theme}-2022.CSV").read_text(encoding="utf-8")


def test_another_vintage_is_named(tmp_path):
    paths = laid(tmp_path, fixture().replace("P22_", "P21_"))
    with pytest.raises(LayoutError, match=r"P22_POP.* offre : P21_POP"):
        iris.read(RP, vintage(RP, "2022"), paths)


def test_another_geography_is_named(tmp_path):
    """49321 merged in 2024: it is in the files of RP 2021, not in those of RP 2022."""
    paths = laid(tmp_path, fixture().replace("490020000;49002", "493210000;49321"))
    with pytest.raises(LayoutError, match=r"inconnu\(s\) de la géographie 2024 : 49321"):
        iris.read(RP, vintage(RP, "2022"), paths)


def test_a_file_by_commune_where_iris_are_expected():
    found = vintage(RP, "2022")
    path = HERE / "insee_rp/base-cc-diplomes-formation-2022.CSV"
    with pytest.raises(LayoutError, match=r"c'est un fichier par commune, il en faut un par IRIS"):
        iris.read(RP, found, {found.fichiers[1].nom: path})


def test_a_file_by_iris_where_communes_are_expected():
    found = vintage("insee_rp", "2022")
    path = HERE / RP / "base-ic-diplomes-formation-2022.CSV"
    with pytest.raises(LayoutError, match=r"c'est un fichier par IRIS, il en faut un par commune"):
        census.read("insee_rp", found, {found.fichiers[1].nom: path})
    found = vintage("insee_filosofi", "2021-geo2024")
    path = HERE / FILO / "BASE_TD_FILO_IRIS_2021_DISP.csv"
    with pytest.raises(LayoutError, match=r"c'est un fichier par IRIS"):
        filosofi.read("insee_filosofi", found, {found.fichiers[0].nom: path})


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("490020000;", "49002;", "« 49002 » n'est pas un code d'IRIS : c'est un code de commune"),
        ("490070801;", "490070805;", "IRIS en double : 490070805"),
        ("2320.0;", "ns;", "colonne P22_POP, ni nombre ni marque connue : « ns »"),
        ("2320.0;", "-2320.0;", "pop doit être 0 ou plus"),
    ],
)
def test_a_damaged_file_stops_with_its_reason(tmp_path, was, becomes, said):
    paths = laid(tmp_path, fixture().replace(was, becomes, 1))
    with pytest.raises(LayoutError, match=said.replace("(", r"\(")):
        iris.read(RP, vintage(RP, "2022"), paths)


def test_files_dropped_by_hand_are_told_apart(tmp_path):
    """By IRIS or by commune, disposable or declared: by their columns, never by their names."""
    (tmp_path / "a.csv").write_text(fixture(), encoding="utf-8")
    (tmp_path / "b.csv").write_bytes((HERE / FILO / "BASE_TD_FILO_IRIS_2021_DEC.csv").read_bytes())
    wanted = [
        Wanted(source, vintage, file)
        for source in (RP, FILO, "insee_rp")
        for vintage in load_sources()[source].millesimes
        for file in vintage.fichiers
    ]
    found = {key: path.name for key, path in recognise(tmp_path, wanted).items()}
    assert found == {
        "insee_rp_iris/2022/base-ic-evol-struct-pop-2022_csv.zip": "a.csv",
        "insee_filosofi_iris/2021-declare/BASE_TD_FILO_IRIS_2021_DEC_CSV.zip": "b.csv",
    }


# --- outlines ------------------------------------------------------------------------------------


@pytest.fixture
def outlines():
    return gpd.GeoDataFrame(
        {
            "cleabs": ["IRIS____1", "IRIS____2"],
            "code_insee": "49007",
            "nom_commune": "Angers",
            "iris": ["0805", "0107"],
            "code_iris": ["490070805", "490070107"],
            "nom_iris": ["Europe", "Ralliement"],
            "type_iris": "H",
        },
        geometry=[shapely.box(430000, 6710000, 431000, 6711000)] * 2,
        crs=2154,
    )


def test_outlines_of_ign_in_their_archive(tmp_path, outlines):
    outlines.to_file(tmp_path / "iris.gpkg", layer="contours_iris")
    path = tmp_path / "CONTOURS-IRIS.7z"
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.write(tmp_path / "iris.gpkg", "CONTOURS-IRIS/1_DONNEES/iris.gpkg")
    found = iris.read_outlines(path, ["490070805", "490070999"])
    assert found.index.tolist() == ["490070805"]
    assert found.loc["490070805", ["nom_iris", "type_iris"]].tolist() == ["Europe", "H"]
    assert found.crs.to_epsg() == 4326


def test_outlines_with_the_names_of_before_2024(tmp_path, outlines):
    former = outlines.rename(columns={"code_iris": "CODE_IRIS", "nom_iris": "NOM_IRIS"})
    former = former.rename(columns={"type_iris": "TYP_IRIS"})[
        ["CODE_IRIS", "NOM_IRIS", "TYP_IRIS", "geometry"]
    ]
    former.to_file(tmp_path / "iris.shp")
    found = iris.read_outlines(tmp_path / "iris.shp", ["490070107"])
    assert found.loc["490070107", ["nom_iris", "type_iris"]].tolist() == ["Ralliement", "H"]


def test_outlines_that_are_not_of_iris(tmp_path, outlines):
    outlines[["code_insee", "geometry"]].to_file(tmp_path / "communes.gpkg")
    with pytest.raises(LayoutError, match="aucune couche n'a de colonne code_iris"):
        iris.read_outlines(tmp_path / "communes.gpkg", ["490070107"])
