"""ARCEP sites: operators, arrondissements, encodings, and the files without communes."""

import logging
from pathlib import Path

import pandas as pd
import pytest

from fragilite.ingestion import arcep_mobile
from fragilite.ingestion.catalogue import Vintage, load_sources
from fragilite.ingestion.raw import LayoutError

FOLDER = Path(__file__).parent / "fixtures/arcep_sites"
SOURCE = "arcep_sites"
HEADER = "nom_op;insee_com;site_4g\n"


def vintage(millesime: str) -> Vintage:
    return {v.millesime: v for v in load_sources()[SOURCE].millesimes}[millesime]


def read(folder: Path = FOLDER):
    asked = vintage("2026_T2")
    return arcep_mobile.read(SOURCE, asked, {f.nom: folder / f.nom for f in asked.fichiers})


def mainland_only(text: bytes, tmp_path: Path):
    asked = vintage("2026_T2")
    asked = asked.model_copy(update={"fichiers": asked.fichiers[:1]})
    path = tmp_path / asked.fichiers[0].nom
    path.write_bytes(text)
    return arcep_mobile.read(SOURCE, asked, {path.name: path})


def test_sites_by_operator_whatever_its_spelling():
    angers = read().values.loc["49007"]
    assert angers.to_dict() == {
        "sites_4g_orange": 2,  # the third has no 4G
        "sites_4g_sfr": 1,
        "sites_4g_bouygues": 1,  # BOUYGUES TELECOM
        "sites_4g_free": 0,
        "sites_4g_autres": 0,
    }


def test_arrondissements_are_added():
    table = read()
    assert table.values.loc["75056", "sites_4g_free"] == 2
    assert not table.values.index.str.match("751").any()


def test_departement_without_its_zero_is_not_read():
    assert read().values.loc["01053", "sites_4g_free"] == 1


def test_overseas_operators_are_kept_apart_and_collectivites_dropped():
    table = read()
    assert table.values.loc["97411"].to_list() == [1, 1, 0, 0, 1]
    assert "97801" not in table.values.index


def test_sites_without_commune_are_dropped_and_counted(caplog):
    with caplog.at_level(logging.INFO, "fragilite"):
        read()
    assert "2026_T2_sites_Metropole.csv : 1 site(s) sans commune" in caplog.text


def test_a_missing_file_would_pass_for_zeros():
    asked = vintage("2026_T2")
    name = asked.fichiers[0].nom
    with pytest.raises(LayoutError, match=r"2026_T2_sites_Outremer\.csv.*compte zéro"):
        arcep_mobile.read(SOURCE, asked, {name: FOLDER / name})


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8-sig"])
def test_both_encodings(tmp_path, encoding):
    text = f"{HEADER}Bouygues Télécom;49007;1\n".encode(encoding)
    assert mainland_only(text, tmp_path).values.loc["49007", "sites_4g_bouygues"] == 1


def test_an_operator_unknown_on_the_mainland_stops(tmp_path):
    with pytest.raises(LayoutError, match=r"ne connaît pas : Cinquième Opérateur .*sources\.toml"):
        mainland_only(f"{HEADER}Cinquième Opérateur;49007;1\n".encode(), tmp_path)


def test_a_flag_that_is_no_flag_stops(tmp_path):
    with pytest.raises(LayoutError, match="0 ou 1 attendu, 'oui'"):
        mainland_only(f"{HEADER}SFR;49007;oui\n".encode(), tmp_path)


def test_a_commune_code_that_lost_its_zero_stops(tmp_path):
    with pytest.raises(LayoutError, match="essayez 01053"):
        mainland_only(f"{HEADER}SFR;1053;1\n".encode(), tmp_path)


def test_the_file_of_2018_has_no_commune(tmp_path):
    with pytest.raises(LayoutError, match="2018_T4"):
        mainland_only(b"Operateur;x;y;2G;3G;4G\n20801;102980;6847973;1;1;0\n", tmp_path)


# --- real files ------------------------------------------------------------------------------


def test_the_real_file_of_2018(shared_data, tmp_path):
    name = "2018_01_Sites_mobiles_2G_3G_4G_France_metropolitaine_L93.csv"
    with pytest.raises(LayoutError, match="que les coordonnées"):
        mainland_only((shared_data / "publisher/arcep_mobile" / name).read_bytes(), tmp_path)


def test_a_real_head_of_2026(shared_data, tmp_path):
    name = "arcep-mrm-sites-metropole-2026T1-head.excerpt.csv"
    text = (shared_data / "publisher/arcep_samples_2026" / name).read_bytes()
    table = mainland_only(text, tmp_path)
    assert table.values["sites_4g_orange"].to_dict() == {"80231": 1, "64284": 1, "63066": 1}


def test_the_bundled_figures_are_found_again(shared_data, bundled_49, tmp_path):
    path = shared_data / "extracts_49/arcep_mobile_sites_2026_T2_49.csv"
    counted = pd.read_csv(path, sep=";", dtype={"insee_com": str})
    lines = [
        f"{row.nom_op};{row.insee_com};{int(site < row.sites_4g)}\n"
        for row in counted.itertuples()
        for site in range(row.sites)
    ]
    values = mainland_only((HEADER + "".join(lines)).encode(), tmp_path).values
    bundled = bundled_49("arcep_sites_2026_T2.csv")
    found = values.loc[values.sum(axis=1) > 0, list(bundled)]
    pd.testing.assert_frame_equal(found.sort_index(), bundled[bundled.sum(axis=1) > 0])
