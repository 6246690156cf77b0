"""Regions, EPCI codes and other codes of a commune."""

import pandas as pd
import pytest

from fragilite.cog import aliases, codes_of, departements, parse_epci, parse_region, regions
from fragilite.errors import UsageError


def test_regions_hold_every_departement_once():
    held = [code for region in regions().values() for code in region.departements]
    assert sorted(held) == sorted(departements())
    assert len(regions()) == 18
    assert regions()["94"].departements == ("2A", "2B")
    assert regions()["06"].nom == "Mayotte"


@pytest.mark.parametrize(("text", "code"), [("52", "52"), (" 1 ", "01"), ("04", "04"), ("6", "06")])
def test_region(text, code):
    assert parse_region(text).code == code


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("49", "49 est un département (Maine-et-Loire) : --dept 49, ou --region 52"),
        ("2a", "2A est un département (Corse-du-Sud)"),
        ("Pays de la Loire", "--region 52 (Pays de la Loire)"),
        ("ile de france", "--region 11 (Île-de-France)"),
        ("bretagn", "--region 53 (Bretagne)"),
        ("5", "05 est un département (Hautes-Alpes)"),
        ("99", "Codes attendus : 01 (Guadeloupe)"),
        ("", "Codes attendus"),
    ],
)
def test_no_region(text, hint):
    with pytest.raises(UsageError) as caught:
        parse_region(text)
    assert hint in caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["200060010", " 200 060 010 ", "200\u00a0060\u202f010"])
def test_epci(text):
    assert parse_epci(text) == "200060010"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("200060010.0", "lu comme un nombre"),
        ("20006001000012", "son SIREN est 200060010"),
        ("49126", "code de commune"),
        ("2a004", "code de commune"),
        ("20006001", "Exemple : 200060010"),
        ("ZZZZZZZZZ", "Exemple"),
        ("٢٠٠٠٦٠٠١٠", "Exemple"),
        ("", "Exemple"),
    ],
)
def test_no_epci(text, hint):
    with pytest.raises(UsageError) as caught:
        parse_epci(text)
    assert hint in caught.value.remedy


@pytest.mark.parametrize("year", [2012, 2018, 2022, 2026])
def test_aliases_lead_to_communes_and_are_none(year):
    table = aliases(year)
    assert not table.keys() & codes_of(year)
    assert set(table.values()) <= codes_of(year)


def test_a_code_merged_away_is_no_alias():
    assert aliases(2026) == {
        "12076": "12218",
        "14011": "14581",
        "27058": "27676",
        "49069": "49126",
        "69159": "69114",
    }


def test_an_epci_code_has_a_key():
    with pytest.raises(UsageError, match="la clé de ce SIREN est fausse"):
        parse_epci("200060011")


def test_every_epci_of_2026_passes(shared_data):
    table = pd.read_csv(shared_data / "derived/communes_epci_cog2026.csv", dtype=str)
    codes = table["code_epci"].dropna().unique()
    assert len(codes) == 1255
    assert [parse_epci(code) for code in codes] == list(codes)
