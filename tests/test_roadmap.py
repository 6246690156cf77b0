"""A roadmap on a real territory: scenarios, stated capacities, need drawn again, what is scarce."""

from __future__ import annotations

import dataclasses
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fragilite.errors import UsageError
from fragilite.inventory import Known, of_bundle
from fragilite.pipeline import Build, build
from fragilite.places.counts import COLUMNS
from fragilite.roadmap import Study, load_scenario, study, tables, wording
from fragilite.roadmap.capacity import parse_capacities, said, served
from fragilite.roadmap.covering import covering, facts, scarce
from fragilite.roadmap.need import drawn, people_of, weights
from fragilite.roadmap.scenario import (
    Asked,
    Priorite,
    completed,
    cut_weight,
    rules_of,
    scenario_text,
)
from fragilite.roadmap.study import TODAY
from fragilite.territory import parse_territory

SAUMUR = "200071876"


@pytest.fixture(scope="module")
def saumur() -> Build:
    """The 45 communes of CA Saumur Val de Loire."""
    return build(parse_territory(epci=SAUMUR), uncertainty=False)


@pytest.fixture(scope="module")
def known(saumur: Build) -> Known:
    return of_bundle(saumur)


@pytest.fixture(scope="module")
def worked(saumur: Build, known: Known) -> Study:
    scenarios = [
        load_scenario(name).model_copy(update={"postes": 3}) for name in ("volume", "intensite")
    ]
    return study(saumur, known, scenarios, capacities={"france_services": 400.0}, draws=20)


def nothing() -> Known:
    return Known(pd.DataFrame(columns=list(COLUMNS)), [])


# --- scenarios -------------------------------------------------------------------------------


def toml(tmp_path: Path, text: str) -> str:
    path = tmp_path / "le-mien.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_a_scenario_says_wins_and_rules_add_up(tmp_path: Path) -> None:
    text = 'code = "a"\nlibelle = "A"\npostes = 5\ngarder = ["49328+49123"]\n'
    one = completed(
        load_scenario(toml(tmp_path, text)),
        Asked(postes=8, max_par_epci=2, garder=("49007+49015",)),
    )
    assert (one.postes, one.max_par_epci) == (5, 2)
    assert one.garder == ["49328+49123", "49007+49015"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('code = "a"\nlibelle = "A"\npost = 3\n', "post : clé inconnue. Vouliez-vous dire"),
        ('code = "a"\nlibelle = "A"\npostes = "huit"\n', "postes : nombre entier attendu"),
        ('code = "a"\n', "libelle : clé manquante"),
        ('code = "a"\nlibelle = "A\n', "ce n'est pas du TOML lisible"),
        (
            'code = "a"\nlibelle = "A"\n[priorite]\ncolonne = "rang"\nminimum = 4\n'
            "part_ailleurs = 0\n",
            "priorite.colonne : « classe » ou « classe_usages » attendu, trouvé « rang »",
        ),
    ],
)
def test_a_wrong_scenario_is_told_in_french(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_scenario(toml(tmp_path, text))
    assert "le-mien.toml" in caught.value.message
    assert expected in caught.value.message


def test_an_unknown_scenario_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Vouliez-vous dire « intensite »"):
        load_scenario("intensité")


def test_the_scenario_to_fill_in_is_one(tmp_path: Path) -> None:
    assert load_scenario(toml(tmp_path, scenario_text())) == load_scenario("volume")


def test_rules_are_read_from_what_a_coordinator_says() -> None:
    one = load_scenario("volume").model_copy(
        update={
            "garder": ["A + B"],
            "interdire": ["C", "A+C"],
            "respect_epci": "entiers",
            "min_demi_journees": 2,
        }
    )
    rules = rules_of(one, {"A": "1", "B": "2", "C": "3"}.__getitem__)
    assert rules.ensemble == (("1", "2"),)
    assert (rules.sans_base, rules.separer) == (("3",), (("1", "3"),))
    assert (rules.epci_entiers, rules.min_demi_journees) == (True, 2)
    assert cut_weight("250,5") == 250.5
    with pytest.raises(UsageError, match="deux communes au moins"):
        rules_of(one.model_copy(update={"garder": ["A"]}), {"A": "1"}.__getitem__)


# --- capacity --------------------------------------------------------------------------------


def counts(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_served_by_hand() -> None:
    """Two France services, one of them stating 1.5 posts, and a library in 49001; one in 49002."""
    found = counts(
        ("49001", "type", "france_services", 2),
        ("49001", "type", "bibliotheque", 1),
        ("49001", "etp_lieux", "france_services", 1),
        ("49001", "etp_total", "france_services", 1.5),
        ("49002", "type", "bibliotheque", 1),
    )
    codes = pd.Index(["49001", "49002", "49003"])
    by_post = served(found, {"etp": 300, "france_services": 400}, codes)
    assert by_post["49001"] == 1.5 * 300 + 400  # the one that states posts is counted once
    assert by_post[["49002", "49003"]].isna().all()  # nothing stated applies: unknown, never 0
    assert served(found, {"france_services": 400}, codes)["49001"] == 800
    assert served(found, {}, codes).isna().all()


@pytest.mark.parametrize("text", ["mairies=3", "epn", "epn=-1", "epn=beaucoup"])
def test_a_capacity_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--capacite"):
        parse_capacities([text])


def test_nothing_is_assumed_and_it_is_said() -> None:
    assert "inconnue" in said({}, 0)
    assert "France services 400" in said({"france_services": 400}, 1600)


# --- need ------------------------------------------------------------------------------------


def test_drawn_need_has_the_declared_noise(saumur: Build) -> None:
    """Saumur is surveyed by sample: c = 1.5·0.6/0.4 = 2.25, and 1 of small numbers."""
    people = people_of(saumur)
    draws = drawn(saumur, 2000, 1)
    assert np.allclose(draws.mean(axis=0), people, rtol=0.02)
    assert np.array_equal(draws, drawn(saumur, 2000, 1))
    from fragilite.indicators import age_bands

    found = age_bands(saumur.inputs, saumur.method)
    assert found is not None
    bands, rates = found
    for code, factor in (("49328", 3.25), ("49221", 1.0)):
        place = list(people.index).index(code)
        inhabitants = bands.loc[code].sum()
        shares = bands.loc[code] / inhabitants
        mean = (shares * rates).sum()
        variance = inhabitants * factor * ((shares * rates**2).sum() - mean**2)
        assert draws[:, place].var() == pytest.approx(variance, rel=0.12)


def test_priority_weighs_people_elsewhere(saumur: Build) -> None:
    found = weights(saumur, Priorite(colonne="classe", minimum=4, part_ailleurs=0.25))
    classes = saumur.communes.set_index("code_insee")["classe"]
    assert set(found[classes >= 4]) == {1.0}
    assert set(found[classes < 4]) == {0.25}
    assert set(weights(saumur, None)) == {1.0}


def test_a_method_without_classes_has_no_intensity(saumur: Build) -> None:
    bare = dataclasses.replace(saumur, communes=saumur.communes.drop(columns="classe"))
    with pytest.raises(UsageError, match="ne donne pas de telles classes"):
        weights(bare, Priorite(colonne="classe", minimum=4, part_ailleurs=0.25))


def test_nobody_counted_is_no_load(saumur: Build) -> None:
    towns = saumur.communes.assign(personnes_a_accompagner=np.nan)
    with pytest.raises(UsageError, match="Aucune personne à accompagner"):
        people_of(dataclasses.replace(saumur, communes=towns))


# --- the study -------------------------------------------------------------------------------


def test_loads_add_up_to_the_need_net_of_what_is_served(worked: Study) -> None:
    besoin = worked.besoin
    assert besoin["servies"].sum() == pytest.approx(4 * 400)  # four France services, none over
    for one in worked.scenarios:
        weighed = besoin["nettes"] * weights(worked.build, one.scenario.priorite)
        assert one.postes["charge_personnes"].sum() == pytest.approx(weighed.sum())
        assert one.postes["personnes"].sum() == pytest.approx(besoin["personnes"].sum())
        assert one.communes.groupby("code_insee")["part"].sum().to_numpy() == pytest.approx(1)
        assert one.postes["lieux"].sum() == pytest.approx(besoin["lieux"].sum())
        assert one.postes["charge"].between(0.9 - 1e-9, 1.1 + 1e-9).all()
        assert one.route.ecart <= 0.01
        assert one.passages.parts.groupby("secteur")["demi_journees"].sum().eq(32).all()


def test_heavier_communes_are_shared(worked: Study) -> None:
    """Saumur is heavier than a post of the intensity scenario: one is its own."""
    intensity = worked.scenarios[1]
    mine = intensity.communes[intensity.communes["code_insee"] == "49328"]
    assert mine["poste_entier"].tolist() == [True, False]
    assert mine["part"].sum() == pytest.approx(1)


def test_plans_stand_side_by_side(worked: Study, known: Known) -> None:
    for one in worked.scenarios:
        names = one.plans["plan"].tolist()
        assert names == [one.scenario.libelle, "Plan naïf", TODAY]
        assert one.plans["charge_max"].iloc[0] < one.plans["charge_max"].iloc[1]


def test_every_column_is_in_the_dictionary(worked: Study) -> None:
    records = tables.columns(worked.unit)
    for make in tables.TABLES.values():
        table = make(worked)
        assert set(table) <= set(records)
        assert set(table["scenario"]) == {"volume", "intensite"}
    assert all(one.unite and one.libelle and one.description for one in records.values())


def test_what_is_said(worked: Study) -> None:
    text = " ".join(wording.render(worked).split())
    for expected in (
        "3 postes",
        "au plus du meilleur possible",
        "1 600 personnes sont retranchées",
        "Espaces France services, 2024",
        "rien n'est dit d'une personne",
        "la motivation et la confiance",
    ):
        assert expected in text
    assert wording.markdown(worked).startswith("# Feuille de route")
    stated = wording.facts(worked)
    assert [one["code"] for one in stated["scenarios"]] == ["volume", "intensite"]


def test_places_that_nobody_listed_are_unknown_never_none(saumur: Build) -> None:
    one = load_scenario("volume").model_copy(update={"postes": 2})
    found = study(saumur, nothing(), [one], draws=5)
    posts = found.scenarios[0].postes
    assert posts[["lieux", "etp", "personnes_par_lieu", "communes_sans_lieu"]].isna().all().all()
    assert found.scenarios[0].plans["plan"].tolist() == ["Le nombre d'abord", "Plan naïf"]


def test_road_times_replace_distances(saumur: Build, known: Known, tmp_path: Path) -> None:
    codes = list(saumur.communes["code_insee"])
    path = tmp_path / "od.csv"
    rows = [f"{a},{b},{abs(i - j)}" for i, a in enumerate(codes) for j, b in enumerate(codes)]
    path.write_text("origine,destination,minutes\n" + "\n".join(rows), encoding="utf-8")
    one = load_scenario("volume").model_copy(update={"postes": 2})
    found = study(saumur, known, [one], times=path, draws=5)
    assert found.unit == "min"
    assert tables.columns("min")["distance"].unite == "min"
    mine = found.scenarios[0].communes
    away = (mine["code_insee"].map(codes.index) - mine["code_base"].map(codes.index)).abs()
    assert (mine["distance"] == away).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"postes": 46}, r"Plus de postes \(46\) que de communes \(45\)"),
        ({"postes": None}, "Il manque le nombre de postes"),
        ({"postes": 2, "garder": ["Saumur+Angers"]}, "Règle : Commune inconnue"),
        (
            {"postes": 3, "garder": ["49328+49123"], "interdire": ["49328+49123"]},
            "garder ensemble|sont gardées ensemble|séparer",
        ),
    ],
)
def test_what_cannot_be_is_said(
    saumur: Build, known: Known, changes: dict[str, object], message: str
) -> None:
    one = load_scenario("volume").model_copy(update=changes)
    with pytest.raises(UsageError, match=message):
        study(saumur, known, [one], draws=5)


def test_two_scenarios_have_two_codes(saumur: Build, known: Known) -> None:
    one = load_scenario("volume").model_copy(update={"postes": 2})
    with pytest.raises(UsageError, match="même code"):
        study(saumur, known, [one, one])


# --- what is scarce --------------------------------------------------------------------------


def test_covering_equals_brute_force(saumur: Build, known: Known) -> None:
    one = load_scenario("volume").model_copy(update={"postes": 2})
    found = covering(saumur, known, one, "mds", radius=8)
    near = found.distances <= 8
    people = found.communes["personnes"].to_numpy()
    today = near[:, (found.communes["existants"] > 0).to_numpy()].any(axis=1)
    sites = np.flatnonzero(people >= 0.05 * people.sum() / 2)
    best = max(
        people[today | near[:, list(pair)].any(axis=1)].sum() for pair in combinations(sites, 2)
    )
    assert facts(found)["couvertes_apres"] == pytest.approx(best)
    assert facts(found)["optimal"]
    assert found.opened["gain"].gt(0).all()
    assert found.couverture.courbe["gain"].dropna().is_monotonic_decreasing


def test_a_service_that_no_list_says_is_unknown(saumur: Build, known: Known) -> None:
    one = load_scenario("volume").model_copy(update={"postes": 1})
    silent = covering(saumur, known, one, "parentalité")
    assert not silent.renseigne
    assert "inconnu, pas aucun" in " ".join(
        text for section in wording.covering_sections(silent) for text in section.phrases
    )
    assert covering(saumur, known, one, "demarches").renseigne


def test_an_unknown_service_is_refused() -> None:
    with pytest.raises(UsageError, match="Vouliez-vous dire « demarches »"):
        scarce("demarche")
