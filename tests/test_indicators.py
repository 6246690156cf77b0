"""Indicators and their statuses, worked out by hand on five communes."""

import numpy as np
import pandas as pd
import pytest

from fragilite import indicators
from fragilite.errors import UsageError
from fragilite.inputs import Inputs
from fragilite.method import Method, load_method
from fragilite.table import Statut, Table
from fragilite.territory import parse_territory

CODES = pd.Index(["A", "B", "C", "D", "E"], name="code_insee")
NAN = float("nan")


def inputs(tables, annee=2026):
    communes = pd.DataFrame({"nom": list(CODES), "code_epci": ["1", "1", "1", "2", "2"]}, CODES)
    communes["code_departement"] = "49"
    epci = pd.DataFrame({"nom": ["un", "deux"], "communes": [3, 2]}, pd.Index(["1", "2"]))
    here = parse_territory("49")
    return Inputs(annee, here, communes, epci, pd.DataFrame(), tables, [], lambda codes: codes)


def table(source, millesime, columns, secret=()):
    frame = pd.DataFrame(columns, index=CODES, dtype=float)
    hidden = pd.DataFrame(False, index=CODES, columns=frame.columns)
    for code, name in secret:
        hidden.loc[code, name] = True
    return (source, millesime), Table.of(source, millesime, 2026, frame, hidden)


RP = {
    "pop": [100, 200, 0, 50, 50],
    "pop_65_plus": [20, NAN, 0, 10, 20],
    "non_scolarises_15_plus": [80, 100, 0, 40, 40],
    "sans_diplome": [10, 10, 0, 1, 1],
    "brevet": [10, 10, 0, 1, 1],
    "cap_bep": [20, 20, 0, 2, 2],
}
FILOSOFI = {"niveau_de_vie_median": [25920, 12960, NAN, NAN, 20000]}
WEIGHTS = {"personnes_menages_fiscaux": [100, 300, NAN, 50, 50], "niveau_de_vie_median": [1] * 5}


def computed(method=None, annee=2026):
    tables = dict(
        [
            table("insee_rp", "2023", RP),
            table("insee_filosofi", "2023", FILOSOFI, secret=[("D", "niveau_de_vie_median")]),
            table("insee_filosofi", "2021", WEIGHTS),
            table("arcep_4g", "2019_T3", {"surface_km2": [10] * 5, "surface_4g_km2": [5] * 5}),
            table("arcep_sites", "2026_T2", {
                "sites_4g_orange": [1, 0, 0, 2, 0], "sites_4g_sfr": [1, 0, 0, 0, 0],
                "sites_4g_bouygues": [0, 0, 0, 3, 0], "sites_4g_free": [0, 0, 0, 0, 0],
            }),
        ]
    )  # fmt: skip
    data = inputs(tables, annee)
    return data, indicators.compute(data, method or load_method())


def statuses(figure):
    return [Statut(code).name for code in figure.statuts]


def test_shares_and_statuses():
    """A 20/100, B without numerator, C without inhabitant (never 0 nor infinity), D, E."""
    _, figures = computed()
    figure = figures["part_65_plus"]
    np.testing.assert_allclose(figure.values, [20, NAN, NAN, 20, 40])
    assert statuses(figure) == ["PUBLIE", "ABSENT", "SANS_OBJET", "PUBLIE", "PUBLIE"]
    assert figure.millesime == "2023"


def test_several_numerators_add_up():
    _, figures = computed()
    np.testing.assert_allclose(figures["part_sans_bac"].values, [50, 40, NAN, 10, 10])


def test_relative_to_the_reference_of_the_same_vintage():
    _, figures = computed()
    figure = figures["niveau_de_vie_relatif"]
    np.testing.assert_allclose(figure.values, [100, 50, NAN, NAN, 100 * 20000 / 25920])
    assert statuses(figure)[2:4] == ["ABSENT", "SECRET"]


def test_complement_and_old_figures():
    """4G of 2019: 50 % uncovered, shown in 2026 but too old; young enough in 2024."""
    _, figures = computed()
    figure = figures["part_surface_sans_4g"]
    assert (figure.values == 50).all()
    assert set(statuses(figure)) == {"MILLESIME_ANCIEN"}
    _, figures = computed(annee=2024)
    assert set(statuses(figures["part_surface_sans_4g"])) == {"PUBLIE"}


def test_count_of_operators():
    _, figures = computed()
    assert figures["operateurs_4g"].values.tolist() == [2, 0, 0, 2, 0]


def test_no_table_at_all():
    data, figures = computed()
    figure = figures["part_locaux_sans_fibre"]
    assert figure.millesime is None
    assert set(statuses(figure)) == {"ABSENT"}
    groups = data.communes["code_epci"]
    people = data.tables["insee_rp", "2023"].values["pop"]
    grouped = indicators.regroup(figures, groups, people, load_method())
    assert grouped["part_locaux_sans_fibre"].values.isna().all()


def test_all_variables_of_a_figure_come_from_one_vintage():
    """A numerator of 2022 is never divided by a population of 2023."""
    older = table("insee_rp", "2022", {"pop": [10] * 5, "pop_80_plus_vivant_seuls": [1] * 5})
    data = inputs(dict([table("insee_rp", "2023", RP), older]))
    figure = indicators.compute(data, load_method())["part_80_plus_vivant_seuls"]
    assert (figure.values == 10).all()
    assert figure.millesime == "2022"


def test_missing_reference_is_said():
    source = table("insee_filosofi", "2024", FILOSOFI)
    with pytest.raises(UsageError, match="manque pour le millésime 2024") as error:
        indicators.compute(inputs(dict([source])), load_method())
    assert "references" in error.value.remedy


def regrouped(method=None):
    rules = method or load_method()
    data, figures = computed(rules)
    people = data.tables["insee_rp", "2023"].values["pop"]
    return indicators.regroup(figures, data.communes["code_epci"], people, rules)


def test_a_group_is_recomputed_from_sums():
    """EPCI 2: (10 + 20) / (50 + 50) = 30 %, not the mean of 20 and 40 weighted otherwise."""
    figure = regrouped()["part_65_plus"]
    assert figure.values["2"] == pytest.approx(30)
    assert figure.statuts["2"] == Statut.PUBLIE


def test_a_group_known_under_its_coverage_has_no_value():
    """EPCI 1: A and C hold 100 of 300 people, a third: below the 80 % asked."""
    figure = regrouped()["part_65_plus"]
    assert np.isnan(figure.values["1"])
    assert figure.statuts["1"] == Statut.ABSENT


def test_a_group_partly_known_is_estimated_and_says_how_much():
    data = load_method().model_dump()
    data["couverture_min"]["valeur"] = 0.3
    figure = regrouped(Method(**data))["part_65_plus"]
    assert figure.values["1"] == pytest.approx(20)
    assert figure.statuts["1"] == Statut.ESTIME
    assert figure.regles["1"] == "2 communes connues sur 3"


def test_the_median_of_a_group_is_weighted_and_estimated():
    """EPCI 1 without C (no inhabitant): (100 × 100 + 50 × 300) / 400 = 62.5."""
    figure = regrouped()["niveau_de_vie_relatif"]
    assert figure.values["1"] == pytest.approx(62.5)
    assert figure.statuts["1"] == Statut.ESTIME
    assert np.isnan(figure.values["2"])  # E alone holds half of the people


def test_a_headcount_is_missing_as_soon_as_one_commune_is():
    figure = regrouped()["pop_65_plus"]
    assert np.isnan(figure.values["1"])
    assert figure.values["2"] == 30


def test_operators_of_a_group_are_those_of_any_commune():
    assert regrouped()["operateurs_4g"].values.tolist() == [2, 2]


def test_volume_by_hand():
    """100 people in each five-year band from 15 on: 2·2 + 4·3 + 6.5·4 + 24·3 + 62·5 = 424."""
    method = load_method()
    names = [name for tranche in method.volume.tranches for name in tranche.effectifs]
    people = pd.DataFrame(100.0, index=CODES, columns=names)
    people.loc["B", "pop_95_plus"] = NAN
    data = inputs(dict([table("insee_rp", "2023", people.to_dict("list"))]))
    result = indicators.volume(data, method)
    assert result["A"] == pytest.approx(424)
    assert np.isnan(result["B"])
    assert len(names) == len(set(names)) == 17


def test_volume_without_ages_or_without_rates():
    data, _ = computed()
    assert indicators.volume(data, load_method()).isna().all()
    nothing = load_method().model_copy(update={"volume": None})
    assert indicators.volume(data, nothing).isna().all()


def test_the_median_published_for_a_group_wins():
    """EPCI 1 is published at 19 440 € = 75 % of the reference; EPCI 2 is not."""
    data, figures = computed()
    index = pd.Index(["1", "2"], name="code_epci")
    values = pd.DataFrame({"niveau_de_vie_median": [19440.0, NAN]}, index=index)
    groups, people = data.communes["code_epci"], data.tables["insee_rp", "2023"].values["pop"]
    for millesime, expected in (("2023", 75), ("2021", 62.5)):  # another vintage does not serve
        medians = [Table.of("insee_filosofi", millesime, 2026, values)]
        figure = indicators.regroup(figures, groups, people, load_method(), medians)[
            "niveau_de_vie_relatif"
        ]
        assert figure.values["1"] == pytest.approx(expected)
        status = Statut.PUBLIE if expected == 75 else Statut.ESTIME
        assert figure.statuts["1"] == status
        assert np.isnan(figure.values["2"])
