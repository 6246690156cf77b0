"""The table of passage against vectors computed independently, for all of France."""

import json

import pandas as pd
import pytest

from fragilite.cog import codes_of, passage


@pytest.fixture(scope="module")
def vectors(shared_data):
    return json.loads((shared_data / "derived/cog_testvectors.json").read_text())


@pytest.mark.parametrize("year", range(2008, 2027))
def test_numbers_of_communes_and_true_splits(vectors, year):
    expected = vectors["per_year"][str(year)]
    codes = codes_of(year)
    assert len(codes) == expected["n_communes"]
    assert sum(code.startswith("49") for code in codes) == expected["n_dept49"]
    splits = {code: list(to) for code, to in passage(year, 2026).items() if len(to) > 1}
    assert splits == expected["true_splits_to_2026"]


def test_examples(vectors):
    table = passage(2015, 2026)
    for code, expected in vectors["examples_geo2015_to_geo2026"].items():
        assert list(table[code]) == expected


def test_maine_et_loire_since_2012(shared_data):
    rows = pd.read_csv(shared_data / "derived/dept49_geo2012_to_geo2026.csv", dtype=str)
    for before, year in (("code_2012", 2012), ("code_2015", 2015), ("code_2024", 2024)):
        table = passage(year, 2026)
        for code, after in zip(rows[before], rows["code_2026"], strict=True):
            assert table[code] == (after,)


@pytest.mark.parametrize("year", [2021, 2023, 2024, 2025, 2026])
def test_codes_equal_the_published_lists(shared_data, year):
    table = pd.read_csv(shared_data / f"publisher/insee_cog/v_commune_{year}.csv", dtype=str)
    assert codes_of(year) == set(table.loc[table["TYPECOM"] == "COM", "COM"])
