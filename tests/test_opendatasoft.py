"""CAF and DARES: one file for every period, rows of nowhere, geographies not stated."""

import logging
from pathlib import Path

import pandas as pd
import pytest

from fragilite.ingestion.catalogue import Vintage, load_sources
from fragilite.ingestion.opendatasoft import in_its_geography, read
from fragilite.ingestion.raw import LayoutError

FOLDER = Path(__file__).parent / "fixtures"


def vintage(source: str, millesime: str, **changes) -> Vintage:
    declared = {v.millesime: v for v in load_sources()[source].millesimes}
    return declared[millesime].model_copy(update=changes)


def filed(source: str, millesime: str, **changes) -> Vintage:
    """A vintage whose only file is declared otherwise."""
    asked = vintage(source, millesime)
    (file,) = asked.fichiers
    return asked.model_copy(update={"fichiers": [file.model_copy(update=changes)]})


def read_caf(asked: Vintage, path: Path = FOLDER / "caf/s_ben_com_f.csv"):
    return read("caf", asked, {asked.fichiers[0].nom: path})


def read_dares(asked: Vintage, name: str = "dares_defm_communales-brutes.csv"):
    return read("dares", asked, {asked.fichiers[0].nom: FOLDER / "dares" / name})


def test_caf_reads_one_december_and_adds_paris():
    table = read_caf(vintage("caf", "2024-12"))
    assert sorted(table.values.index) == ["2A004", "49007", "49069", "75056"]
    assert table.values.loc["49007"].to_dict() == {
        "foyers_allocataires": 105,
        "foyers_rsa": 15,
        "foyers_ppa": 25,
        "foyers_aide_logement": 35,
    }
    assert table.values.loc["75056", "foyers_ppa"] == 25
    assert table.values.loc["49069", "foyers_rsa"] == 0  # rounded, not missing


def test_caf_counts_the_households_of_nowhere(caplog):
    with caplog.at_level(logging.INFO, "fragilite"):
        read_caf(vintage("caf", "2024-12"))
    assert "1 ligne(s) sans commune" in caplog.text
    assert "indfoy_rsa 35" in caplog.text


def test_caf_a_december_that_the_file_lacks():
    with pytest.raises(LayoutError, match=r"dtreffre = 2025-12 \(il offre : 2023-12, 2024-12\)"):
        read_caf(filed("caf", "2024-12", filtres={"dtreffre": ["2025-12"]}))


def test_caf_codes_that_lost_their_zero_are_not_dropped_in_silence(tmp_path):
    path = tmp_path / "caf.csv"
    text = (FOLDER / "caf/s_ben_com_f.csv").read_text(encoding="utf-8")
    path.write_text(text + "2024-12;1053;5;5;5;5;5;5;5\n", encoding="utf-8")
    with pytest.raises(LayoutError, match="essayez 01053"):
        read_caf(vintage("caf", "2024-12"), path)


def test_the_geography_is_read_from_the_codes():
    assert read_caf(vintage("caf", "2024-12")).cog == 2024  # 49069, which 2025 does not have
    assert read_dares(vintage("dares", "2025-T4")).cog == 2025
    mixed = pd.Index(["49069", "49126"])  # in no geography together: left for the contract
    assert in_its_geography(vintage("caf", "2024-12"), mixed).cog == 2025


def test_dares_lists_paris_twice_and_counts_it_once():
    table = read_dares(vintage("dares", "2025-T4"))
    assert table.values["demandeurs_emploi"].to_dict() == {
        "49007": 15000,
        "49126": 900,
        "75056": 195000,
    }


def test_dares_whole_export_under_its_labels():
    table = read_dares(vintage("dares", "2025-T4"), "export-complet.csv")
    assert table.values["demandeurs_emploi"].to_dict() == {"49007": 15000, "49069": 900}
    table = read_dares(vintage("dares", "2024-T4"), "export-complet.csv")
    assert table.values["demandeurs_emploi"].to_dict() == {"49007": 14000}


def test_dares_another_category_is_not_abc():
    filters = {"date": ["2025-T4"], "categorie": ["A"]}
    with pytest.raises(LayoutError, match=r"categorie = A \(il offre : ABC\)"):
        read_dares(filed("dares", "2025-T4", filtres=filters))


def test_dares_a_narrowed_export_with_every_age_would_count_twice(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text(
        "date;code_commune;nombre_de_demandeurs_d_emploi\n2025-T4;49007;10\n2025-T4;49007;3\n",
        encoding="utf-8",
    )
    asked = vintage("dares", "2025-T4")
    with pytest.raises(LayoutError, match="en double : 49007"):
        read("dares", asked, {asked.fichiers[0].nom: path})


# --- real files ------------------------------------------------------------------------------


def test_caf_the_bundled_figures_are_found_again(shared_data, bundled_49):
    path = shared_data / "extracts_49/caf_s_ben_com_f_2020_2024_49.csv"
    table = read_caf(vintage("caf", "2024-12"), path)
    bundled = bundled_49("caf_2024-12.csv")
    pd.testing.assert_frame_equal(table.values[list(bundled)], bundled)
    assert (table.values % 5 == 0).all(axis=None)


def test_dares_the_annual_extract_gives_the_bundled_figures(shared_data, bundled_49):
    asked = filed(
        "dares",
        "2024-T4",
        code="code_insee",
        filtres={"year": ["2024"]},
        colonnes={"demandeurs_emploi": ["demandeurs_emploi"]},
    )
    path = shared_data / "extracts_49/dares_defm_49.csv"
    table = read("dares", asked, {asked.fichiers[0].nom: path})
    pd.testing.assert_frame_equal(table.values, bundled_49("dares_2024.csv"))
