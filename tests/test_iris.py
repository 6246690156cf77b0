"""The index inside the communes: by IRIS, on the bundled figures and on made-up ones."""

import numpy as np
import pandas as pd
import pytest

from fragilite import iris
from fragilite.explanation import explain, render
from fragilite.ingestion.iris import WHOLE
from fragilite.iris_reading import neighbourhoods
from fragilite.method import available_methods, load_method
from fragilite.pipeline import build
from fragilite.shrinkage import empirical_logit, shrink_inside
from fragilite.territory import parse_territory

ANGERS, BAUGE, ALLONNES = "49007", "49018", "49002"
EUROPE, TOURNERIE, LAKE, ISLAND = "490070805", "490070801", "490071204", "490070705"


@pytest.fixture(scope="module")
def table(built):
    return built.iris.table.set_index("code_iris")


# --- the bundled figures -------------------------------------------------------------------------


def test_twenty_five_communes_are_split(built, table):
    counts = table["code_insee"].value_counts()
    assert (counts > 1).sum() == 25
    assert counts[ANGERS] == 69
    assert len(table) == 212 + 176 - 25
    assert table.index.str.fullmatch(r"49\d{7}").all()


def test_the_neighbourhoods_of_angers_run_from_14_to_80_percent(built, table):
    lived = table[(table["code_insee"] == ANGERS) & (table["type_iris"] == "H")]
    assert lived["part_sans_bac"].min() == pytest.approx(14.0, abs=0.1)
    assert lived["part_sans_bac"].max() == pytest.approx(80.5, abs=0.1)
    commune = built.communes.set_index("code_insee").loc[ANGERS]
    assert commune["indice"] == pytest.approx(34.2, abs=0.05)
    assert commune["classe_libelle"] == "fragilité faible"
    assert commune["iris_min"] == lived["indice"].min() == pytest.approx(7.9, abs=0.05)
    assert commune["iris_max"] == lived["indice"].max() == pytest.approx(61.0, abs=0.05)


def test_the_share_of_people_in_the_most_fragile_iris(built, table):
    here = table[(table["code_insee"] == ANGERS) & table["classe"].notna()]
    most = here.loc[here["classe"] >= 4, "population"].sum() / here["population"].sum()
    found = built.communes.set_index("code_insee").at[ANGERS, "part_iris_4_5"]
    assert found == pytest.approx(100 * most)
    assert 20 < found < 22


def test_a_commune_that_is_not_split_says_nothing_inside(built):
    row = built.communes.set_index("code_insee").loc[ALLONNES]
    assert row[["iris_min", "iris_max", "part_iris_4_5"]].isna().all()


def test_a_commune_that_is_not_split_keeps_its_own_row(built, table):
    rows = table[table["type_iris"] == "Z"]
    communes = built.communes.set_index("code_insee").loc[rows["code_insee"]]
    assert rows.index.tolist() == [code + WHOLE for code in communes.index]
    for name in ("indice", "population", "part_80_plus_vivant_seuls_lisse", "completude"):
        np.testing.assert_array_equal(rows[name], communes[name])
    assert rows["part_65_plus_millesime"].eq("2023").all()


def test_sums_of_iris_are_the_communes_of_the_same_census(built, bundled_49):
    """RP 2022 on both sides; the counts by IRIS were recomputed from rates at 0.01 point."""
    counts, communes = bundled_iris(bundled_49), bundled_49("insee_rp_2022.csv")
    sums = counts.groupby(counts.index.str[:5]).sum()
    there = communes.loc[sums.index]
    np.testing.assert_allclose(sums["pop"], there["pop"], atol=5)
    alone = "pop_80_plus_vivant_seuls"
    np.testing.assert_allclose(sums[alone], there[alone], atol=2)


def bundled_iris(bundled_49):
    from fragilite.ingestion.bundled import read_iris

    return read_iris("49", 2026).lots[0][1].values


def test_the_network_is_the_commune_s_and_says_so(built, table):
    here = table[table["code_insee"] == ANGERS]
    there = built.communes.set_index("code_insee").loc[ANGERS]
    assert here["part_locaux_sans_fibre"].eq(there["part_locaux_sans_fibre"]).all()
    assert here["part_locaux_sans_fibre_statut"].eq("estime").all()
    assert here["part_locaux_sans_fibre_regle"].eq("valeur de la commune").all()


def test_a_headcount_of_the_commune_is_not_that_of_its_iris(table):
    here = table[table["code_insee"] == ANGERS]
    assert here["demandeurs_emploi"].isna().all()
    assert here["demandeurs_emploi_statut"].eq("absent").all()


def test_declared_income_is_flagged_and_a_withheld_one_is_not_filled(table):
    assert "déclaré" in table.at[EUROPE, "niveau_de_vie_relatif_regle"]
    assert table.at[EUROPE, "niveau_de_vie_relatif_statut"] == "estime"
    assert table.at[TOURNERIE, "niveau_de_vie_relatif_statut"] == "secret"
    assert np.isnan(table.at[TOURNERIE, "niveau_de_vie_relatif"])
    assert table.at[TOURNERIE, "completude"] == pytest.approx(0.85)


def test_small_iris_are_brought_nearer_to_their_commune(built, table):
    """Six people, none below the bac: the share that counts is near the commune's 40 %."""
    assert table.at[LAKE, "part_sans_bac"] == 0
    assert 25 < table.at[LAKE, "part_sans_bac_lisse"] < 41
    assert abs(table.at[EUROPE, "part_sans_bac_lisse"] - 80.5) < 0.5
    smoothed = built.iris.result.figures["part_sans_bac"].lissage
    assert smoothed.cibles[LAKE] == ANGERS
    assert smoothed.cibles["490150101"] == "49015"  # seven IRIS only: still its commune


def test_where_nobody_lives_there_is_no_index(table):
    assert table.at[ISLAND, "population"] == 0
    assert np.isnan(table.at[ISLAND, "indice"])
    assert table.at[ISLAND, "part_65_plus_statut"] == "sans_objet"


def test_contributions_add_up_to_the_index(built):
    scores = built.iris.result.scores
    added = scores.contributions.sum(axis=1).where(scores.noeuds["indice"].notna())
    np.testing.assert_allclose(added, scores.noeuds["indice"], atol=1e-9)


def test_an_iris_has_one_index_whatever_the_territory(built, table):
    epci = built.communes.set_index("code_insee").at[BAUGE, "code_epci"]
    other = build(parse_territory(epci=epci), uncertainty=False)
    rows = other.iris.table.set_index("code_iris")
    np.testing.assert_allclose(rows["indice"], table.loc[rows.index, "indice"], atol=1e-12)


def test_columns_are_in_the_dictionary(built, table):
    known = {column.nom for column in iris_dictionary(built)}
    assert set(built.iris.table.columns) <= known


def iris_dictionary(built):
    from fragilite.dictionary import dictionary

    return dictionary(built.iris.method)


@pytest.mark.parametrize("name", available_methods())
def test_any_method_is_computed_by_iris(name):
    done = build("49", method=name, uncertainty=False)
    rows = done.iris.table[~done.iris.table["code_insee"].duplicated(keep=False)]
    communes = done.communes.set_index("code_insee").loc[rows["code_insee"]]
    assert len(done.iris.table) == 363
    np.testing.assert_array_equal(rows[done.method.root], communes[done.method.root])


# --- totals --------------------------------------------------------------------------------------


def test_a_total_is_read_where_its_parts_are_in_no_table(built):
    """Below the bac, where the levels are not told apart; the levels where they are."""
    whole = load_method().indicateurs["part_sans_bac"].calcul
    assert built.iris.method.indicateurs["part_sans_bac"].calcul.numerateur == ["sans_bac"]
    assert built.method.indicateurs["part_sans_bac"].calcul == whole
    assert iris.method_by_iris(load_method(), []).indicateurs["part_sans_bac"].calcul == whole


# --- communes that changed -----------------------------------------------------------------------


def gathered_of(built, codes):
    """Made-up figures of some IRIS, in the geography of 2023."""
    from fragilite.ingestion.iris import carried
    from fragilite.ingestion.lots import GatheredIris
    from fragilite.table import Table

    index = pd.Index(codes, name="code_iris")
    values = pd.DataFrame({"pop": 100.0, "pop_65_plus": 20.0}, index=index)
    frame = pd.DataFrame({"nom_iris": "", "type_iris": "H"}, index=index)
    lot = built.iris.lots[0]
    return GatheredIris(
        frame.assign(code_insee=carried(index, 2023, 2026)),
        [(lot, Table.of(lot.source, lot.millesime, 2023, values))],
    )


def test_whole_communes_that_merged_are_not_split(built):
    """49321 Saint-Sigismond went into 49160 on 1 January 2024."""
    gathered = gathered_of(built, ["491600000", "493210000"])
    assert iris.split_inputs(gathered, built.inputs).communes.empty


def test_a_commune_absorbed_by_a_split_one_is_a_row_of_it(built):
    gathered = gathered_of(built, ["491600101", "491600102", "493210000"])
    split = iris.split_inputs(gathered, built.inputs).communes
    assert split["code_insee"].tolist() == ["49160"] * 3
    assert split.at["493210000", "nom_iris"] == "Saint-Sigismond"
    assert split.at["493210000", "nom"] == built.inputs.communes.at["49160", "nom"]


def test_iris_of_a_code_that_changed_follow_it(built):
    """49069 is 49126 since 1 January 2025."""
    gathered = gathered_of(built, ["490690101", "490690102"])
    split = iris.split_inputs(gathered, built.inputs).communes
    assert split["code_insee"].tolist() == ["49126", "49126"]


def test_iris_of_a_commune_that_was_split_since_are_left_out(built):
    """15141 became five communes on 1 January 2025: nothing says where each IRIS went."""
    gathered = gathered_of(built, ["151410101", "151410102", "490070101", "490070102"])
    assert iris.split_inputs(gathered, built.inputs).communes.index.tolist() == [
        "490070101",
        "490070102",
    ]


# --- smoothing -----------------------------------------------------------------------------------


def test_smoothing_inside_a_large_commune_by_hand():
    r = pd.Series([2.0, 30.0, 45.0])
    n = pd.Series([10.0, 100.0, 100.0])
    found = shrink_inside(r, n, pd.Series(["a"] * 3), pd.Series(["x"] * 3), least=3)
    m, s2 = empirical_logit(r.to_numpy(), n.to_numpy())
    centre = np.log((77 + 0.5) / (210 - 77 + 0.5))
    tau2 = max(0.0, m.var(ddof=1) - s2.mean())
    w = tau2 / (tau2 + s2)
    expected = 1 / (1 + np.exp(-(w * m + (1 - w) * centre)))
    np.testing.assert_allclose(found.parts, expected)
    np.testing.assert_allclose(found.poids, w)


def test_smoothing_inside_small_communes_pools_their_variance():
    r = pd.Series([10.0, 60.0, 20.0, 90.0, 5.0])
    n = pd.Series([100.0, 100.0, 110.0, 120.0, 100.0])
    homes, pools = pd.Series(list("aabbc")), pd.Series(["x"] * 5)
    found = shrink_inside(r, n, homes, pools, least=3)
    m, s2 = empirical_logit(r.to_numpy(), n.to_numpy())
    off = sum((m[i] - m[j]) ** 2 / 2 for i, j in ((0, 1), (2, 3)))
    tau2 = max(0.0, off / 2 - s2.mean())  # five parts in three communes: two are free
    np.testing.assert_allclose(found.poids, tau2 / (tau2 + s2))
    assert found.cibles.tolist() == list("aabbc")


def test_smoothing_without_enough_parts_leaves_shares_as_they_are():
    r, n = pd.Series([1.0, 5.0, np.nan]), pd.Series([2.0, 10.0, 4.0])
    found = shrink_inside(r, n, pd.Series(list("aab")), pd.Series(list("xxx")), least=8)
    assert found.parts.tolist()[:2] == [0.5, 0.5]
    assert np.isnan(found.parts[2])
    assert found.cibles.tolist() == ["", "", ""]


# --- what explain says ---------------------------------------------------------------------------


def test_explain_names_the_iris_that_differ(built):
    facts = explain(built, ANGERS)
    inside = facts["iris"]
    assert inside["plus_fragiles"][0]["nom"] == "Europe"
    assert inside["moins_fragiles"][-1]["nom"] == "Voltaire"
    first = inside["plus_fragiles"][0]["indicateurs"][0]
    assert (first["code"], round(first["valeur"], 1), round(first["commune"], 1)) == (
        "part_sans_bac", 80.5, 40.8,
    )  # fmt: skip
    text = render(facts, built)
    assert "61,0  Europe (2\u202f320 habitants) — diplôme inférieur au baccalauréat : 80,5" in text
    assert "Recensement de la population, bases infracommunales (IRIS), 2022" in " ".join(
        text.split()
    )
    assert "Les parts des petits IRIS sont rapprochées de celle de la commune" in text
    assert "Un chiffre de quartier ne dit rien d'une personne" in text


def test_explain_of_two_iris_names_each_once(built):
    inside = neighbourhoods(built, "49223")
    names = [one["nom"] for end in ("plus_fragiles", "moins_fragiles") for one in inside[end]]
    assert sorted(names) == ["Le Bourg", "Le Grand Clos"]
    text = " ".join(render(explain(built, "49223"), built).split())
    assert "Personne ne vit dans un IRIS en « fragilité forte » ou « fragilité très forte »" in text


def test_explain_of_a_commune_that_is_not_split(built):
    assert neighbourhoods(built, ALLONNES) is None
    assert "IRIS (quartiers" not in render(explain(built, ALLONNES), built)
