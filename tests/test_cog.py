"""Codes, geographies and the table of passage."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite import cog
from fragilite.errors import FragiliteError, UsageError

YEARS = st.integers(cog.FIRST_YEAR, cog.LAST_YEAR)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1001", "essayez 01001"),
        ("49007.0", "lu comme un nombre"),
        ("20004", "2A ou 2B"),
        ("Angers", "cinq caractères"),
        ("490071", "cinq caractères"),
        ("2C001", "cinq caractères"),
    ],
)
def test_parse_code_refuses_what_spreadsheets_make(text, hint):
    with pytest.raises(UsageError) as error:
        cog.parse_code(text)
    assert hint in str(error.value)


@pytest.mark.parametrize("code", ["01001", "2A004", "2B033", "97411", "75056", "49126"])
def test_parse_code_keeps_good_codes(code):
    assert cog.parse_code(code) == code


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("20", "Corse"),
        ("2C", "01 à 95"),
        ("490", "49 (Maine-et-Loire)"),
        ("49007", "explain"),
        ("975", "collectivité d'outre-mer"),
        ("", "01 à 95"),
        ("00", "01 à 95"),
    ],
)
def test_unknown_departement(text, hint):
    with pytest.raises(UsageError) as error:
        cog.parse_departement(text)
    assert hint in str(error.value)


def test_departements():
    assert len(cog.departements()) == 101
    assert cog.parse_departement("1").code == "01"
    assert cog.parse_departement("2a").nom == "Corse-du-Sud"
    assert cog.parse_departement("976").nom_region == "Mayotte"
    assert cog.departement_of("2B033") == "2B"
    assert {cog.departement_of(code) for code in cog.codes_of(2026)} == set(cog.departements())


def test_projections_follow_the_territory():
    assert cog.projection_of(["971", "972"]) == 5490
    assert cog.projection_of(["973"]) == 2972
    assert cog.projection_of(["976"]) == 4471
    assert cog.projection_of(["2A"]) == 2154


def test_maine_et_loire_lost_a_commune_in_2024():
    """177 communes from 2019 to 2023; Saint-Sigismond (49321) then joined 49160."""
    counts = {year: sum(c.startswith("49") for c in cog.codes_of(year)) for year in (2023, 2024)}
    assert counts == {2023: 177, 2024: 176}
    assert cog.moves(2023, 2026)["49321"] == ("49160",)
    assert cog.moves(2024, 2026)["49069"] == ("49126",)


def test_same_day_chain():
    """49144 became 44225 and joined 44180 on one day: 44225 was never a commune of 1 January."""
    assert cog.passage(2017, 2018)["49144"] == ("44180",)
    assert "44225" not in cog.codes_of(2018)


def test_restored_commune_goes_back_to_itself():
    """Merged in 2016 and restored in 2024: read in 2015 it is itself, read in 2020 it is shared."""
    assert cog.passage(2015, 2026)["85165"] == ("85165",)
    assert cog.passage(2020, 2026)["85084"] == ("85084", "85165", "85212")


def test_absorbed_and_not_restored_follows_the_name():
    """Les Hauts-Talican kept its name under 60694 when 60054 was restored."""
    assert cog.passage(2018, 2026)["60455"] == ("60694",)


def test_mayotte_appears_in_2011():
    assert "97608" not in cog.codes_of(2011)
    assert "97608" in cog.codes_of(2012)


def test_backward_only_where_nothing_moved():
    assert cog.moves(2026, 2025) == {}
    with pytest.raises(FragiliteError, match="ne se ramènent pas à celle de 2023"):
        cog.moves(2026, 2023)


@pytest.mark.parametrize("year", [2007, 2027])
def test_unknown_year(year):
    with pytest.raises(UsageError, match=f"Géographie {year} inconnue"):
        cog.codes_of(year)


@given(YEARS)
def test_identity(year):
    assert cog.moves(year, year) == {}


@given(YEARS, YEARS)
def test_every_target_is_a_commune_of_the_target_year(one, other):
    start, end = sorted((one, other))
    moved = cog.moves(start, end)
    assert set(moved) <= cog.codes_of(start)
    assert {target for targets in moved.values() for target in targets} <= cog.codes_of(end)
    # No commune of the target year is left without a source.
    reached = {target for targets in cog.passage(start, end).values() for target in targets}
    if start >= 2012:  # Mayotte has no source before
        assert reached == cog.codes_of(end)


def test_unknown_codes_are_named():
    with pytest.raises(FragiliteError, match=r"2 code\(s\) inconnu\(s\).*49069, 99999"):
        cog.check_codes(["49007", "99999", "49069"], 2026, "Source essai")


def test_fold_arrondissements():
    table = pd.DataFrame(
        {"pop": [1.0, 2.0, 3.0, 40.0, 5.0, 6.0]},
        index=pd.Index(["01001", "75101", "75102", "69123", "69381", "13201"], name="code_insee"),
    )
    folded = cog.fold_arrondissements(table)["pop"]
    assert folded["75056"] == 5.0  # only arrondissements in the file: their sum
    assert folded["69123"] == 40.0  # the commune is there: its parts are not counted again
    assert folded["13055"] == 6.0
    assert folded.sum() == 1 + 5 + 40 + 6


def test_fold_keeps_a_hole_a_hole():
    table = pd.DataFrame({"pop": [2.0, float("nan")]}, index=["75101", "75102"])
    assert cog.fold_arrondissements(table)["pop"].isna().all()
