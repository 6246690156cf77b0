"""INSEE facilities: three nested levels, and rows that are not there."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from fragilite.ingestion import bpe
from fragilite.ingestion.catalogue import Vintage, load_sources
from fragilite.ingestion.raw import LayoutError
from fragilite.table import Statut

FOLDER = Path(__file__).parent / "fixtures/insee_bpe"
LONG = FOLDER / "DS_BPE_2025_data.csv"


def vintage(millesime: str) -> Vintage:
    return {v.millesime: v for v in load_sources()["insee_bpe"].millesimes}[millesime]


def read(millesime: str, path: Path):
    asked = vintage(millesime)
    return bpe.read("insee_bpe", asked, {asked.fichiers[0].nom: path})


def rewritten(tmp_path: Path, before: str, after: str) -> Path:
    text = LONG.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / LONG.name).write_text(text.replace(before, after), encoding="utf-8")
    return tmp_path / LONG.name


def test_only_types_count_and_no_row_is_zero():
    table = read("2025", LONG)
    assert table.values.loc["49007"].to_dict() == {
        "france_services": 2,  # not 4 (sub-domain), 7 (domain), 9 (all) nor 99 (life basin)
        "agences_france_travail": 2,
        "bureaux_de_poste": 3,
        "relais_poste": 0,
        "agences_postales": 0,
        "bibliotheques": 2,
    }
    assert table.values.loc["75056", "france_services"] == 6  # arrondissements not added to it
    assert sorted(table.values.index) == ["49007", "49126", "75056"]


def test_an_empty_cell_is_not_zero():
    table = read("2025", LONG)
    assert np.isnan(table.values.loc["49126", "bibliotheques"])
    assert table.statuts.loc["49126", "bibliotheques"] == Statut.ABSENT


def test_the_zip_of_the_api(tmp_path):
    with zipfile.ZipFile(tmp_path / "DS_BPE_2025_CSV_FR.zip", "w") as archive:
        archive.write(LONG, LONG.name)
        archive.writestr("DS_BPE_2025_metadata.csv", "COD_VAR;LIB_VAR\nGEO;Lieu\n")
    assert read("2025", tmp_path / "DS_BPE_2025_CSV_FR.zip").values.equals(
        read("2025", LONG).values
    )


def test_a_type_that_is_renumbered_is_named(tmp_path):
    with pytest.raises(LayoutError, match="aucune ligne de type A207"):
        read("2025", rewritten(tmp_path, '"A207"', '"A217"'))


def test_another_year_is_refused(tmp_path):
    with pytest.raises(LayoutError, match=r"TIME_PERIOD = 2025 \(il offre : 2024\)"):
        read("2025", rewritten(tmp_path, ";2025;", ";2024;"))


def test_a_type_counted_twice_is_refused(tmp_path):
    row = '"49007";"COM";"F";"F3";"F307";"FACILITIES";2025;2\n'
    with pytest.raises(LayoutError, match="compté deux fois pour 49007"):
        read("2025", rewritten(tmp_path, row, 2 * row))


def test_wide_files_of_2021():
    table = read("2021", FOLDER / "equip-serv-particuliers-com-2021.csv")
    assert table.cog == 2022
    assert table.values.loc["49069"].to_list() == [1, 0, 1, 0, 4]
    assert table.values.loc["75056", "france_services"] == 6
    assert len(table.values) == 3


def test_real_wide_file_of_2021(shared_data):
    path = shared_data / "publisher/insee_bpe/equip-serv-particuliers-com-2021.csv"
    values = read("2021", path).values
    assert values.shape == (34955, 5)
    assert values["france_services"].sum() == 1306
    assert values.loc["75056", "france_services"] == 6
