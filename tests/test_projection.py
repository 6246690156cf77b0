"""A population that grows older: worked by hand, then Maine-et-Loire."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_builds import alone, empty, far_apart, renamed, unmapped

from fragilite.errors import FragiliteError, UsageError
from fragilite.method import load_method
from fragilite.pipeline import build
from fragilite.projection import horizon, project
from fragilite.projection.ageing import (
    ALL,
    LifeTable,
    aged,
    bands_of,
    births,
    of_generation,
    rate_by_age,
    single_ages,
    total,
)
from fragilite.projection.report import facts, render, rough
from fragilite.projection.scenario import suppositions

#: Nobody dies before 104.
STILL = LifeTable.of([0.0] * 104 + [1.0])


@pytest.fixture(scope="module")
def found(built):
    return project(built, 2035)


# --- by hand -------------------------------------------------------------------------------------


def test_cohorts_age_by_hand():
    """1 000 people of 60–64, 200 at each age: in three years 600 of them are 65 or over."""
    bands = pd.DataFrame({0: [600.0], 60: [1000.0], 65: [300.0], 80: [0.0]})
    people = single_ages(bands, STILL)
    assert people[0, 60:65].tolist() == pytest.approx([200] * 5)
    assert births(bands, STILL).tolist() == pytest.approx([10])
    later = aged(people, births(bands, STILL), STILL, 3)
    assert total(later, ["pop_65_plus"])[0] == pytest.approx(900)
    assert total(later, ["pop_60_64"])[0] == pytest.approx(400 + 30)
    assert total(later, ["pop_0_2"])[0] == pytest.approx(30)
    assert total(later, ["pop"])[0] == pytest.approx(1900 + 30)


def test_deaths_by_hand():
    """One in ten dies each year of age 2, half of those of 3 or more.

    l = 1, 1, 1, 0.9, so L = 1, 1, 0.95, then 0.9·(1/0.5 − 0.5) = 1.35; S = 1, 0.95, 0.675/0.95
    and, at the last age, 1 − 0.5.
    """
    table = LifeTable.of([0.0, 0.0, 0.1, 0.5])
    assert table.living.tolist() == pytest.approx([1, 1, 0.95, 1.35])
    assert table.survival.tolist() == pytest.approx([1, 0.95, 0.675 / 0.95, 0.5])
    later = aged(np.array([[8.0, 20.0, 19.0, 10.0]]), np.array([8.0]), table, 1)
    assert later[0].tolist() == pytest.approx([8, 8, 19, 19 * 0.675 / 0.95 + 5])


def test_the_two_assumptions_by_hand():
    """Rates of 10 % at 15–59, 60 % from 60: in ten years, those of 60–69 keep the 10 %."""
    rates = rate_by_age({(15, 60): 0.1, (60, ALL): 0.6}, 105)
    kept = of_generation(rates, 10)
    assert kept[[14, 15, 24, 25, 59, 60, 69, 70, 104]].tolist() == [
        0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.6, 0.6,
    ]  # fmt: skip
    assert of_generation(rates, 0).tolist() == rates.tolist()


def test_bands_of_each_layout():
    """The bands of the wide files, cut at 65 by the people of 65 or over."""
    wide = pd.DataFrame(
        {"pop": [100.0], "pop_0_14": [20.0], "pop_15_29": [20.0], "pop_30_44": [20.0],
         "pop_45_59": [20.0], "pop_60_74": [12.0], "pop_75_89": [7.0], "pop_90_plus": [1.0],
         "pop_65_plus": [15.0], "menages": [40.0]}
    )  # fmt: skip
    found = bands_of(wide)
    assert list(found) == [0, 15, 30, 45, 60, 65, 75, 90]
    assert found.iloc[0, 4:].tolist() == [5, 7, 7, 1]
    assert bands_of(wide.drop(columns="pop_30_44")) is None
    assert bands_of(wide[["pop", "pop_65_plus"]]) is None


def test_the_published_table_gives_back_its_own_figures():
    """Survivors at 65 and 80, of 100 000, and life expectancy: INSEE, 2023-2025."""
    quotients = np.array(suppositions().mortalite.quotients) / 1e5
    alive = 1e5 * np.cumprod(1 - quotients)
    assert len(quotients) == 105
    assert alive[64] == pytest.approx(89_435, abs=2)
    assert alive[79] == pytest.approx(69_024, abs=2)
    assert suppositions().mortalite.table.living.sum() == pytest.approx(82.891, abs=0.01)


mortality = st.lists(st.floats(0, 0.9), min_size=6, max_size=6)
population = st.lists(st.floats(0, 1e4), min_size=7, max_size=7)


@given(mortality, population, st.integers(1, 8))
def test_nobody_comes_nor_goes(dying, people, years):
    table = LifeTable.of([*dying, 0.5])
    now = np.array([people])
    later = aged(now, np.array([0.0]), table, years)
    assert later.sum() <= now.sum() + 1e-6
    assert (later >= 0).all()
    # No one is younger than the years that have passed; the last age is « or more ».
    assert later[0, : min(years, 6)].sum() == 0
    once = aged(aged(now, np.array([0.0]), table, years), np.array([0.0]), table, 1)
    assert once[0].tolist() == pytest.approx(
        aged(now, np.array([0.0]), table, years + 1)[0].tolist()
    )


@given(st.lists(st.floats(0, 1e4), min_size=4, max_size=4))
def test_ages_add_up_to_their_bands(counts):
    bands = pd.DataFrame([counts], columns=[0, 15, 65, 95])
    people = single_ages(bands, suppositions().mortalite.table)
    for first, last, count in zip([0, 15, 65, 95], [15, 65, 95, 105], counts, strict=True):
        assert people[0, first:last].sum() == pytest.approx(count)


# --- Maine-et-Loire ------------------------------------------------------------------------------


def test_it_starts_from_the_build(found, built):
    today = built.communes.set_index("code_insee")
    table = found.communes.set_index("code_insee")
    assert found.depart == 2023
    assert (table["population_depart"] - today["population"]).abs().max() < 0.2
    gap = table["personnes_depart"] - today["personnes_a_accompagner"]
    assert gap.abs().max() < 1e-6
    assert (table["part_65_plus_depart"] - today["part_65_plus"]).abs().max() < 0.25
    whole = found.groupes[found.groupes["niveau"] == "departement"].iloc[0]
    assert whole["part_65_plus_depart"] == pytest.approx(
        built.result_departement.figures["part_65_plus"].values["49"], abs=0.01
    )


def test_a_range_between_the_two_assumptions(found):
    table = found.communes
    assert (
        table["personnes_min"] == table[["personnes_age", "personnes_generation"]].min(axis=1)
    ).all()
    assert (
        table["personnes_max"] == table[["personnes_age", "personnes_generation"]].max(axis=1)
    ).all()
    # Rates rise with age: keeping one's habits leaves fewer people to accompany.
    assert (table["personnes_generation"] <= table["personnes_age"]).all()
    assert table["avertissement"].str.contains("pas une prévision").all()


def test_columns_are_those_declared(found):
    declared = [
        name.replace("<part>", code)
        for name in suppositions().colonnes
        for code in (found.parts if "<" in name else [""])
    ]
    assert list(found.communes.columns) == declared


@pytest.mark.parametrize("odd", [alone, far_apart, empty, renamed, unmapped])
def test_odd_builds(built, odd):
    found = project(odd(built), 2035)
    assert len(found.communes) == len(found.build.inputs.communes)
    assert "pas une prévision" in " ".join(render(facts(found)).split())


def test_groups_are_sums(found, built):
    epci = built.communes.set_index("code_insee")["code_epci"]
    table = found.communes.set_index("code_insee")
    sums = table[["population", "personnes_min", "personnes_max"]].groupby(epci).sum()
    groups = found.groupes[found.groupes["niveau"] == "epci"].set_index("code")
    for name in sums:
        assert (groups[name] - sums[name].loc[groups.index]).abs().max() < 1e-6
    assert "244400552" not in groups.index  # one commune of twenty is in 49


def test_towns_of_students_are_told(found):
    told = found.communes.set_index("nom")["remarque"]
    assert "passer" in told["Angers"]
    assert told["Cholet"] == ""


def test_it_goes_no_further_than_it_may(built):
    assert horizon(2023) == 2038
    project(built, 2038)
    with pytest.raises(UsageError, match=r"une année après 2023.*De 2024 à 2038"):
        project(built, 2023)
    with pytest.raises(UsageError, match=r"trop loin des données.*Au plus --to 2038"):
        project(built, 2039)


def test_nothing_that_follows_from_age(built, tmp_path):
    method = load_method()
    silent = method.model_copy(update={
        "volume": None,
        "indicateurs": {"part_sans_bac": method.indicateurs["part_sans_bac"]},
    })  # fmt: skip
    from dataclasses import replace

    with pytest.raises(UsageError, match="rien qui suive de l'âge"):
        project(replace(built, method=silent), 2035)
    no_volume = method.model_copy(update={"volume": None})
    found = project(replace(built, method=no_volume), 2035)
    assert found.communes["personnes_min"].isna().all()
    assert found.communes["part_65_plus"].notna().all()


def test_no_ages_at_hand(built):
    from dataclasses import replace

    bare = {key: one for key, one in built.inputs.tables.items() if key[0] != "insee_rp"}
    with pytest.raises(FragiliteError, match=r"Aucun âge à portée.*fragilite fetch insee_rp"):
        project(replace(built, inputs=replace(built.inputs, tables=bare)), 2035)


@pytest.mark.parametrize("name", ["ifn-2023", "ifn-2020"])
def test_other_methods(name):
    found = project(build("49", method=name, uncertainty=False), 2030)
    assert "part_65_plus" in found.parts
    assert found.communes["personnes_min"].notna().all()


# --- the command ---------------------------------------------------------------------------------


def test_every_output_says_it_is_no_forecast(run, tmp_path):
    out = tmp_path / "2035.csv"
    code, text, err = run("project", "--dept", "49", "-o", out)
    assert code == 0, err
    plain = " ".join(text.split())
    assert "Un scénario, pas une prévision" in plain
    assert "21,1 % en 2023, 24,3 % en 2035" in plain
    assert "Insee, table de mortalité 2023-2025" in plain
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert len(rows) == 176
    assert all("pas une prévision" in row["avertissement"] for row in rows)
    said = json.loads(run("project", "--dept", "49", "--json")[1])
    assert "pas une prévision" in said["avertissement"]
    assert [one["code"] for one in said["hypotheses"]] == ["age", "generation"]
    for arguments in (["--commune", "Saumur"], ["--commune", "Saumur", "--json"]):
        said = " ".join(run("project", "--dept", "49", *arguments)[1].split())
        assert "pas une prévision" in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--to", "2020"], "une année après 2023"),
        (["--to", "2060"], "Au plus --to 2038"),
        (["--to", "demain"], "nombre entier"),
        (["--commune", "Atlantide"], "Commune inconnue"),
        (["-o", "scenario.md"], "un fichier .csv est attendu"),
    ],
)
def test_bad_input_is_one_french_line(run, arguments, expected):
    code, out, err = run("project", "--dept", "49", *arguments)
    assert code == 2
    assert out == ""
    assert expected in err
    assert len(err.strip().splitlines()) == 1


def test_numbers_of_a_scenario_are_rough():
    assert [rough(value) for value in (999.6, 123_456, 0.2)] == ["1\u202f000", "123\u202f000", "0"]
