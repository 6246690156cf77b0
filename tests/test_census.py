"""The census: wide communal bases, long Melodi files, and the catalogue that describes them."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fragilite.carry import carry
from fragilite.cog import codes_of
from fragilite.ingestion import census
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.melodi import read_cells
from fragilite.ingestion.raw import LayoutError
from fragilite.table import Statut

HERE = Path(__file__).parent / "fixtures/insee_rp"
BUNDLED = Path(census.__file__).parents[1] / "bundled/49"
RP = "insee_rp"
VINTAGES = {vintage.millesime: vintage for vintage in load_sources()[RP].millesimes}


@pytest.fixture
def pack(tmp_path):
    """Zip fixtures (and texts) as the publisher does, under the name that the catalogue expects."""

    def _pack(name, *members, **texts):
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for member in members:
                archive.write(HERE / member, member)
            for member, text in texts.items():
                archive.writestr(f"{member}.csv", text)
        return {name: path}

    return _pack


def files(vintage, folder):
    """Files of a vintage that a folder holds."""
    return {
        file.nom: folder / file.nom for file in vintage.fichiers if (folder / file.nom).exists()
    }


# --- wide bases ------------------------------------------------------------------------------


@pytest.fixture
def wide(pack):
    theme = "base-cc-evol-struct-pop-2022"
    paths = pack(f"{theme}_csv.zip", f"{theme}.CSV", f"meta_{theme}.CSV", f"{theme}-COM.CSV")
    return paths | pack(
        "base-cc-diplomes-formation-2022_csv.zip", "base-cc-diplomes-formation-2022.CSV"
    )


def test_wide_files_are_joined_arrondissements_once_overseas_left_out(wide):
    table = census.read(RP, VINTAGES["2022"], wide)
    assert table.cog == 2025
    assert table.values.index.tolist() == [
        "01001",
        "2A004",
        "49007",
        "49126",
        "55039",
        "69123",
        "97411",
    ]
    assert table.values.loc["69123", "pop"] == 500000
    assert table.values.loc["49007", "pop_65_plus"] == 11471.7 + 17000.0  # P22_H65P + P22_F65P
    assert table.values.loc["55039", "pop"] == 0
    assert table.values.loc["49007", "sans_diplome"] == 18296.9
    assert "menages" not in table.values  # its file is not at hand


def test_what_a_wide_file_lacks_is_absent_not_zero(wide):
    statuts = census.read(RP, VINTAGES["2022"], wide).statuts
    assert statuts.loc["49126", "sans_diplome"] == Statut.ABSENT  # no row
    assert statuts.loc["97411", "bac_2"] == Statut.ABSENT  # empty cell
    assert statuts.loc["97411", "bac_5_plus"] == Statut.ABSENT  # N/A
    assert statuts.loc["97411", "bac"] == Statut.PUBLIE


def test_another_vintage_under_this_name_is_recognised(pack):
    name = "base-cc-emploi-pop-active-2022_csv.zip"
    paths = pack(name, base="CODGEO;P21_POP1564;P21_ACT1564;P21_CHOM1564\n49007;3;2;1\n")
    with pytest.raises(LayoutError, match=r"P22_POP1564.* offre : P21_POP1564"):
        census.read(RP, VINTAGES["2022"], paths)


def test_ages_that_do_not_add_up_stop_the_reading(pack):
    text = (HERE / "base-cc-evol-struct-pop-2022.CSV").read_text()
    text = text.replace("P22_POP0014;P22_POP1529", "P22_POP1529;P22_POP0014")
    text = text.replace("2A004;72000.5", "2A004;52000.5")
    paths = pack("base-cc-evol-struct-pop-2022_csv.zip", base=text)
    with pytest.raises(LayoutError, match=r"pop_90_plus devrait valoir pop : .* pour 2A004"):
        census.read(RP, VINTAGES["2022"], paths)


# --- long files ------------------------------------------------------------------------------

POPULATION = "DS_RP_POPULATION_PRINC_2023"
ACTIVITY = "DS_RP_EMPLOI_LR_PRINC_2023"


@pytest.fixture
def long(pack):
    paths = pack(f"{POPULATION}_CSV_FR.zip", f"{POPULATION}_data.csv", f"{POPULATION}_metadata.csv")
    paths |= pack(f"{ACTIVITY}_CSV_FR.zip", f"{ACTIVITY}_data.csv")
    alone = "DS_RP_MENAGES_PRINC_2023"
    return paths | pack(f"{alone}_CSV_FR.zip", f"{alone}_data.csv")


def test_cells_of_a_long_file(long):
    """Traps: a life basin under a commune's code, sexes, other years, a row of status K."""
    table = census.read(RP, VINTAGES["2023"], long)
    here = table.values.loc["49002"]
    assert table.values.index.tolist() == ["49002", "49126", "69123"]
    assert here["pop"] == 2911.1
    assert here["pop_65_plus"] == 690.8
    assert here["pop_0_14"] == 514.9
    assert here["pop_55_64"] == 395.2
    assert here["pop_80_plus_vivant_seuls"] == 97.4
    assert table.values.loc["49126", "pop"] == 16490.5  # status W is kept
    assert table.values.loc["69123", "pop"] == 500000  # beside its arrondissement


def test_a_sum_of_cells_is_missing_if_one_is(long):
    table = census.read(RP, VINTAGES["2023"], long)
    assert table.values.loc["49002", "actifs_15_64"] == 1191.1 + 122.0
    assert table.values.loc["49126", "pop_15_64"] == 9500
    assert table.statuts.loc["49126", "actifs_15_64"] == Statut.ABSENT
    assert table.statuts.loc["69123", "chomeurs_15_64"] == Statut.ABSENT


def population(**replacements):
    """Text of the population fixture, with some pieces replaced."""
    text = (HERE / f"{POPULATION}_data.csv").read_text()
    for before, after in replacements.values():
        assert before in text
        text = text.replace(before, after)
    return text


def read_population(pack, text):
    paths = pack(f"{POPULATION}_CSV_FR.zip", x_data=text)
    return census.read(RP, VINTAGES["2023"], paths)


def test_a_code_may_carry_its_geography(pack):
    text = population(a=('"49002";"COM"', '"2026-COM-49002";"COM"'))
    assert read_population(pack, text).values.loc["49002", "pop"] == 2911.1


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"Y_GE65"', '"Y65"', r"cellule absente : pop_65_plus \(AGE=Y_GE65.*offre : .*Y65, Y65T79"),
        ('"AGE"', '"AGES"', "dimension absente : AGE .* offre : FREQ, RP_MEASURE, SEX, AGES"),
        ('"OBS_STATUS"', '"STATUT"', "absente.* OBS_STATUS"),
        ('"2023"', '"2024"', r"aucune ligne retenue\. TIME_PERIOD = 2023 \(il offre : 2012, 2017"),
        ('"SEX"', '"OBS_STATUS_FR"', "en double : pop pour 49002"),
        ('"_T";"_T"', '"F";"_T"', r"cellule absente : pop \(AGE=_T"),
    ],
    ids=["modality", "dimension", "status", "year", "total lost", "one sex"],
)
def test_a_change_of_a_long_file_is_named(pack, before, after, told):
    with pytest.raises(LayoutError, match=told):
        read_population(pack, population(a=(before, after)))


def test_a_dimension_that_nobody_names_needs_a_total_or_a_single_modality(pack):
    rows = population().splitlines()
    one = "\n".join([f'{rows[0]};"NEW"', *(f'{row};"X"' for row in rows[1:])])
    assert read_population(pack, one).values.loc["49002", "pop"] == 2911.1
    several = "\n".join(
        [f'{rows[0]};"NEW"', *(f'{row};"{rank % 2}"' for rank, row in enumerate(rows[1:]))]
    )
    with pytest.raises(LayoutError, match="dimension NEW n'a pas de total _T et a plusieurs"):
        read_population(pack, several)
    with_total = "\n".join(
        [f'{rows[0]};"NEW"', *(f'{row};"{new}"' for row in rows[1:] for new in ("_T", "X"))]
    )
    assert read_population(pack, with_total).values.loc["49002", "pop"] == 2911.1


def test_what_the_catalogue_admits_may_be_missing(pack):
    text = population(a=('"Y15T24"', '"Y18T24"'), b=(';"RP_MEASURE"', ';"CONF_STATUS_FR"'))
    table = read_population(pack, text.replace('"POP"', '"_T"'))
    assert "pop_15_24" not in table.values
    assert table.values.loc["49002", "pop_25_39"] == 440


def test_figures_given_in_thousands_are_brought_to_units(pack):
    text = population().replace(';"F";0;2911.1', ';"F";3;2.9111')
    paths = pack(f"{POPULATION}_CSV_FR.zip", x_data=text)
    vintage = VINTAGES["2023"]
    values, _ = read_cells(RP, vintage, vintage.fichiers[0], *paths.values())
    assert values.loc["49002", "pop"] == pytest.approx(2911.1)


# --- the catalogue ---------------------------------------------------------------------------

#: Addresses found in public code that are known to be wrong: right name, number of another page.
WRONG = {
    "7632529/base-cc-diplomes-formation-2021_csv.zip",
    "7632446/base-cc-evol-struct-pop-2021_csv.zip",
    "6692261/base-cc-evol-struct-pop-2021_csv.zip",
    "7632867/base-cc-emploi-pop-active-2021_csv.zip",
    "7632867/base-cc-logement-2020_csv.zip",
    "8229323/cc_filosofi_2021_COM.csv",
}


@pytest.mark.parametrize("source", ["insee_rp", "insee_filosofi"])
def test_the_catalogue_describes_each_file_once(source):
    record = load_sources()[source]
    assert [vintage.millesime[:4] for vintage in record.millesimes] == sorted(
        (vintage.millesime[:4] for vintage in record.millesimes), reverse=True
    )
    for vintage in record.millesimes:
        by_member = [(file.nom, file.membre) for file in vintage.fichiers]
        assert len(set(by_member)) == len(by_member)
        for file in vintage.fichiers:
            assert bool(file.url) + bool(file.melodi) + bool(file.datagouv) == 1
            assert not any(file.url.endswith(address) for address in WRONG)
            assert set(file.colonnes) | set(file.cellules) <= set(record.variables)
            assert (vintage.mise_en_page == "melodi") == bool(file.cellules)
            assert file.verifie_le == ""  # nobody has opened them yet


def test_a_census_variable_is_in_one_file_of_a_vintage():
    for vintage in VINTAGES.values():
        names = [name for file in vintage.fichiers for name in (*file.colonnes, *file.cellules)]
        assert len(set(names)) == len(names)


# --- real and reconstructed files ------------------------------------------------------------


def test_rp_2022_over_the_country(shared_data):
    vintage = VINTAGES["2022"]
    table = census.read(RP, vintage, files(vintage, shared_data / "reconstructed"))
    total = table.values.sum()
    assert len(table.values) == len(codes_of(2025)) - 17 - 7  # no Mayotte, and seven lost rows
    assert (table.statuts == Statut.PUBLIE).all(axis=None)
    assert total["pop"] == pytest.approx(67_697_277)
    share = {
        "65+": (total["pop_65_plus"], "pop", 21.08),
        "below the bac": (total[["sans_diplome", "brevet", "cap_bep"]].sum(), None, 48.48),
        "80+ alone": (total["pop_80_plus_vivant_seuls"], "pop", 2.65),
        "one person": (total["menages_une_personne"], "menages", 38.5),
        "single parents": (total["familles_monoparentales"], "familles", 16.2),
        "unemployed": (total["chomeurs_15_64"], "actifs_15_64", 11.7),
    }
    for part, whole, percent in share.values():
        shown = 100 * part / total[whole or "non_scolarises_15_plus"]
        assert shown == pytest.approx(percent, abs=0.05 if percent in {38.5, 16.2, 11.7} else 0.005)


def test_rp_2022_carried_to_2026_loses_nobody(shared_data):
    vintage = VINTAGES["2022"]
    table = census.read(RP, vintage, files(vintage, shared_data / "reconstructed"))
    frame = pd.Index(sorted(codes_of(2026)))
    variables = {name: record.variable for name, record in load_sources()[RP].variables.items()}
    carried = carry(table, 2026, frame, variables)
    assert carried.values["pop"].sum() == pytest.approx(table.values["pop"].sum())


def test_rp_2023_of_the_departement_equals_the_bundled_figures(shared_data):
    vintage = VINTAGES["2023"]
    table = census.read(RP, vintage, files(vintage, shared_data / "reconstructed/melodi_49"))
    bundled = pd.read_csv(
        BUNDLED / "insee_rp_2023.csv", dtype={"code_insee": str}, index_col="code_insee"
    )
    common = [name for name in table.values if name in bundled]
    assert len(common) == 14
    assert table.values.index.tolist() == bundled.index.tolist()
    # Active people are the sum of two published figures: equal to the last bits.
    np.testing.assert_allclose(table.values[common], bundled[common], rtol=1e-15, atol=0)
    assert (table.statuts == Statut.PUBLIE).all(axis=None)
