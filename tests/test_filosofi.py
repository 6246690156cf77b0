"""Filosofi: medians and rates, wide and long, by commune and by EPCI; what is secret stays so."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest

from fragilite.ingestion import filosofi
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.raw import LayoutError
from fragilite.table import Statut

HERE = Path(__file__).parent / "fixtures/insee_filosofi"
BUNDLED = Path(filosofi.__file__).parents[1] / "bundled/49"
SOURCE = "insee_filosofi"
VINTAGES = {vintage.millesime: vintage for vintage in load_sources()[SOURCE].millesimes}


def of_2019(folder):
    communes, epci = (file.nom for file in VINTAGES["2019"].fichiers)
    return {communes: folder / "FILO2019_DISP_COM.csv", epci: folder / "FILO2019_DISP_EPCI.csv"}


def of_2021(folder):
    return {VINTAGES["2021-geo2024"].fichiers[0].nom: folder / "cc_filosofi_2021_COM.csv"}


def of_2023(folder):
    return {VINTAGES["2023"].fichiers[0].nom: folder / "DS_FILOSOFI_CC_2023_data.csv"}


def test_wide_2021():
    table = filosofi.read(SOURCE, VINTAGES["2021-geo2024"], of_2021(HERE))
    assert table.cog == 2024
    assert table.values.index.tolist() == [
        "01001",
        "01004",
        "49003",
        "49007",
        "69123",
        "55039",
        "97411",
    ]
    assert table.values.loc["01004"].tolist() == [21000, 14000, 18.5]  # decimal comma
    assert table.values.loc["69123", "niveau_de_vie_median"] == 25000  # its own row
    statuts = table.statuts
    assert statuts.loc["01001"].tolist() == [Statut.PUBLIE, Statut.PUBLIE, Statut.SECRET]  # s
    assert (statuts.loc["49003"] == Statut.SECRET).all()
    assert (statuts.loc["55039"] == Statut.SECRET).all()  # nd
    assert table.values.loc["01001"].isna().tolist() == [False, False, True]


def test_wide_2021_from_its_archive(tmp_path):
    path = tmp_path / "any name.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(HERE / "cc_filosofi_2021_COM.csv", "folder/cc_filosofi_2021_COM.CSV")
        archive.writestr("cc_filosofi_2021_ARR.csv", "CODGEO;MED21\n491;22000\n")
        archive.writestr("meta_cc_filosofi_2021.csv", "COD_VAR\nMED21\n")
    vintage = VINTAGES["2021-geo2024"]
    table = filosofi.read(SOURCE, vintage, {vintage.fichiers[0].nom: path})
    assert table.values.loc["49007", "personnes_menages_fiscaux"] == 130657


def test_wide_2019_and_its_epci():
    table = filosofi.read(SOURCE, VINTAGES["2019"], of_2019(HERE))
    assert table.values["niveau_de_vie_median"].to_dict() == {
        "01001": 23000,
        "49007": 20510,
        "75056": 28000,
    }
    epci = filosofi.read_epci(SOURCE, VINTAGES["2019"], of_2019(HERE))
    assert epci.values.index.name == "code_epci"
    assert epci.values["niveau_de_vie_median"].to_dict() == {
        "244900015": 21500,
        "200067346": 21900,
    }
    assert filosofi.read_epci(SOURCE, VINTAGES["2021-geo2024"], of_2021(HERE)).values.empty


def test_long_2023():
    """Traps: a life basin under a commune's code, a confidential cell, one below the threshold."""
    table = filosofi.read(SOURCE, VINTAGES["2023"], of_2023(HERE))
    assert table.values["niveau_de_vie_median"].dropna().to_dict() == {
        "49002": 24540,
        "49003": 24260,
        "69123": 27800,
    }
    assert table.values["taux_pauvrete"].dropna().to_dict() == {"49002": 11.5, "69123": 17}
    assert table.statuts.loc["49003", "taux_pauvrete"] == Statut.SECRET
    assert (table.statuts.loc["55039"] == Statut.ABSENT).all()


def test_long_2023_by_epci(tmp_path):
    vintage, paths = VINTAGES["2023"], of_2023(HERE)
    epci = filosofi.read_epci(SOURCE, vintage, paths)
    assert epci.values.loc["244900015"].tolist() == [24900, 15]
    lines = (HERE / "DS_FILOSOFI_CC_2023_data.csv").read_text().splitlines()
    without = tmp_path / "without.csv"
    without.write_text("\n".join(line for line in lines if ";EPCI;" not in line))
    assert filosofi.read_epci(SOURCE, vintage, dict.fromkeys(paths, without)).values.empty


def test_a_median_that_is_no_income_is_refused(tmp_path):
    path = tmp_path / "wide.csv"
    text = (HERE / "cc_filosofi_2021_COM.csv").read_text()
    path.write_text(text.replace("130657;21450", "130657;21,4"))
    vintage = VINTAGES["2021-geo2024"]
    with pytest.raises(LayoutError, match="niveau_de_vie_median doit être entre"):
        filosofi.read(SOURCE, vintage, {vintage.fichiers[0].nom: path})


def test_a_code_that_is_no_epci_is_refused(tmp_path):
    path = tmp_path / "epci.csv"
    path.write_text("CODGEO;Q219;NBPERS19\n49007;21000;3\n")
    name = VINTAGES["2019"].fichiers[1].nom
    with pytest.raises(LayoutError, match="« 49007 » n'est pas le code d'un EPCI"):
        filosofi.read_epci(SOURCE, VINTAGES["2019"], {name: path})


# --- real files ------------------------------------------------------------------------------


def bundled(year):
    return pd.read_csv(
        BUNDLED / f"insee_filosofi_{year}.csv",
        dtype={"code_insee": str},
        index_col="code_insee",
        na_values=["s"],
    )


def test_2023_of_the_departement_equals_the_bundled_figures(shared_data):
    vintage = VINTAGES["2023"]
    path = shared_data / "reconstructed/melodi_49" / vintage.fichiers[0].nom
    table = filosofi.read(SOURCE, vintage, {vintage.fichiers[0].nom: path})
    medians = table.values[["niveau_de_vie_median"]]
    pd.testing.assert_frame_equal(medians, bundled(2023).astype(float), check_index_type=False)
    assert (table.statuts["taux_pauvrete"] == Statut.SECRET).sum() == 99
    assert filosofi.read_epci(SOURCE, vintage, {vintage.fichiers[0].nom: path}).values.empty


def test_2021_over_the_country(shared_data):
    paths = of_2021(shared_data / "publisher/insee_filosofi")
    table = filosofi.read(SOURCE, VINTAGES["2021-geo2024"], paths)
    counts = (table.statuts == Statut.SECRET).sum()
    assert len(table.values) == 34864
    assert counts.tolist() == [3605, 3605, 30512]
    assert table.values["taux_pauvrete"].min() == 5  # floored by the producer
    pd.testing.assert_frame_equal(
        table.values.loc[bundled(2021).index], bundled(2021).astype(float), check_index_type=False
    )


def test_2019_over_the_country(shared_data):
    paths = of_2019(shared_data / "publisher/insee_filosofi")
    table = filosofi.read(SOURCE, VINTAGES["2019"], paths)
    epci = filosofi.read_epci(SOURCE, VINTAGES["2019"], paths)
    assert len(table.values) == 31316
    assert (table.statuts == Statut.PUBLIE).all(axis=None)
    assert len(epci.values) == 1240
    assert epci.values["niveau_de_vie_median"].between(14000, 39000).all()
