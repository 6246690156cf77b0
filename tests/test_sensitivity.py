"""Sobol indices: against values known otherwise, by hand, then through the index."""

import math

import numpy as np
import pandas as pd
import pytest

from fragilite.errors import CheckFailedError, UsageError
from fragilite.french import number
from fragilite.method import load_method
from fragilite.robustness import Choices, method_choices, render, sensitivity
from fragilite.robustness.ranks import mean_shifts
from fragilite.robustness.sobol import indices, saltelli
from fragilite.robustness.wording import refuse_impossible, sentence
from fragilite.scoring import Indice, Regle, references

METHOD = load_method()
WEIGHTS_ONLY = Choices(normalisations=("bornes",), agregations=("arithmetique",), part_retrait=0)


def communes(count=60, seed=5):
    random = np.random.default_rng(seed)
    old = random.uniform(12, 40, count)
    return pd.DataFrame(
        {
            "part_locaux_sans_fibre": random.uniform(0, 60, count),
            "part_surface_sans_4g": random.uniform(0, 60, count),
            "part_65_plus": old,
            "part_sans_bac": random.uniform(20, 70, count),
            "niveau_de_vie_relatif": random.uniform(70, 140, count),
            "part_80_plus_vivant_seuls": old * random.uniform(0, 0.2, count),
        },
        index=[f"49{number:03d}" for number in range(count)],
    )


def index_of(tree, columns):
    return Indice(tree, {code: Regle("bornes", 0, 100) for code in columns})


# --- the estimators ------------------------------------------------------------------------------

#: Ishigami's function with a = 7, b = 0.1: first-order and total indices, in closed form.
_V = [0.5 * (1 + 0.1 * math.pi**4 / 5) ** 2, 7**2 / 8, 0.0]
_V13 = 0.1**2 * math.pi**8 * (1 / 18 - 1 / 50)
FIRST = np.array(_V) / (sum(_V) + _V13)
TOTAL = np.array([_V[0] + _V13, _V[1], _V13]) / (sum(_V) + _V13)


def ishigami(x):
    x = (2 * x - 1) * math.pi
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def within(table, name, expected):
    return (table[f"{name}_min"] <= expected) & (expected <= table[f"{name}_max"])


def test_ishigami_in_closed_form():
    sample = saltelli({"x1": 1, "x2": 1, "x3": 1}, 2048)
    outputs = ishigami(np.column_stack(list(sample.values()))).reshape(2048, 5)
    found = indices(outputs, list(sample))
    assert within(found, "premier_ordre", FIRST).all()
    assert within(found, "total", TOTAL).all()
    np.testing.assert_allclose(found["premier_ordre"], FIRST, atol=0.02)
    np.testing.assert_allclose(found["total"], TOTAL, atol=0.02)


def test_ishigami_as_another_program_drew_it(shared_oracle):
    """COINr's sample and outputs, in blocks A, B, AB1 to AB3.

    COINr does not centre the outputs and takes the variance with ddof 1: with c their mean,
    mean((b − c)(ab − a)) = mean(b(ab − a)) − c·mean(ab − a).
    """
    drawn = pd.read_csv(shared_oracle / "asem/ishigami_saltelli_N2000.csv")
    x, y = drawn[["X1", "X2", "X3"]].to_numpy(), drawn["y"].to_numpy()
    np.testing.assert_allclose(ishigami(x), y)
    a, b, *mixed = y.reshape(5, 2000)
    blocks = x.reshape(5, 2000, 3)
    for place in range(3):  # each column of B in turn, in A
        expected = blocks[0].copy()
        expected[:, place] = blocks[1][:, place]
        np.testing.assert_array_equal(blocks[2 + place], expected)
    found = indices(np.column_stack([a, *mixed, b]), ["V1", "V2", "V3"])
    expected = pd.read_csv(shared_oracle / "asem/ishigami_indices.csv", index_col="Variable")
    variance = np.var([*a, *b], ddof=1)
    centred = found["premier_ordre"] * 3999 / 4000
    centring = np.array([y.mean() * (ab - a).mean() for ab in mixed]) / variance
    np.testing.assert_allclose(centred + centring, expected["Si"], rtol=1e-9)
    np.testing.assert_allclose(found["total"] * 3999 / 4000, expected["STi"], rtol=1e-9)
    # A plain random sample of 2 000: this one is further from the truth than a Sobol sequence.
    np.testing.assert_allclose(found["premier_ordre"], FIRST, atol=0.06)
    np.testing.assert_allclose(found["total"], TOTAL, atol=0.06)


def test_mean_shifts_of_another_program(shared_oracle):
    """COINr's 200 draws of the ASEM index: ranks, and their mean shift from the nominal ones."""
    ranks = pd.read_csv(shared_oracle / "asem/sa_UA200_ranks.csv", index_col=0)
    expected = pd.read_csv(shared_oracle / "asem/sa_UA200_y.csv", index_col=0)
    drawn = ranks[expected.index].T.to_numpy(np.uint16)
    found = mean_shifts(drawn, ranks["Nominal"].to_numpy())
    np.testing.assert_allclose(found, expected["mean_abs_rank_shift"], rtol=1e-12)


def test_numbers_of_a_factor_move_together():
    """Additive, worked by hand: x + 2y + 3z, with y and z one factor, has shares 1/14 and 13/14."""
    sample = saltelli({"x": 1, "yz": 2}, 1024)
    outputs = sample["x"][:, 0] + sample["yz"] @ [2.0, 3.0]
    found = indices(outputs.reshape(1024, 4), ["x", "yz"])
    for name in ("premier_ordre", "total"):
        np.testing.assert_allclose(found[name], [1 / 14, 13 / 14], atol=0.01)


# --- through the index ---------------------------------------------------------------------------


def test_a_single_choice_explains_everything():
    table = communes()[["part_65_plus", "part_sans_bac"]]
    index = index_of({"i": {"part_65_plus": 1, "part_sans_bac": 1}}, table)
    found = sensitivity(table, index, 512, choices=WEIGHTS_ONLY)
    assert found.facteurs["code"].tolist() == ["poids_i"]
    assert found.facteurs["premier_ordre"][0] == pytest.approx(1, abs=0.1)
    assert found.facteurs["total"][0] == pytest.approx(1, abs=0.1)
    assert found.phrase == "Un seul choix varie : « poids : i »."
    assert found.runs == 512 * 3
    assert found.remarques == [
        "Un seul choix possible, donc hors de l'analyse : normalisation des indicateurs, "
        "agrégation des indicateurs et retrait d'un indicateur."
    ]


def test_a_node_whose_children_are_equal_does_not_count():
    """Two indicators that are copies: how their node shares its weight changes nothing."""
    table = communes()[["part_65_plus", "part_sans_bac"]].assign(copie=lambda t: t["part_sans_bac"])
    tree = {"i": {"part_65_plus": 1, "n": 1}, "n": {"part_sans_bac": 1, "copie": 1}}
    found = sensitivity(table, index_of(tree, table), 256, choices=WEIGHTS_ONLY).facteurs
    rows = found.set_index("code")
    assert found["code"].tolist() == ["poids_i", "poids_n"]  # the heaviest first
    assert rows.loc["poids_n", ["premier_ordre", "total"]].tolist() == [0, 0]
    assert rows.loc["poids_i", "total"] == pytest.approx(1, abs=0.15)


def test_a_z_score_goes_with_the_arithmetic_mean_only():
    table = communes()
    options = Choices(normalisations=("z_score",))
    found = sensitivity(table, METHOD, 16, reference=references(table), choices=options)
    assert not {"normalisation", "agregation"} & set(found.facteurs["code"])
    assert "agrégation des indicateurs" in found.remarques[0]
    for means in (("geometrique",), ()):
        options = Choices(normalisations=("z_score",), agregations=means)
        for analysis in (sensitivity, method_choices):
            with pytest.raises(UsageError, match="Aucune normalisation"):
                analysis(table, METHOD, 8, reference=references(table), choices=options)


def test_null_weights_are_no_choice():
    table = communes()[["part_65_plus", "part_sans_bac"]]
    index = index_of({"i": {"part_65_plus": 1, "part_sans_bac": 0}}, table)
    found = sensitivity(table, index, 64, choices=WEIGHTS_ONLY)
    assert found.facteurs.empty
    assert "pas d'indices de sensibilité" in found.phrase


def test_every_choice_of_the_method():
    table = communes()
    found = sensitivity(table, METHOD, 512, reference=references(communes(400, 9)))
    rows = found.facteurs.set_index("code")
    assert set(rows.index) == {
        "normalisation", "agregation", "retrait", "poids_indice", "poids_usages", "poids_reseau",
        "poids_competences", "poids_sociale",
    }  # fmt: skip
    assert found.runs == 512 * 10
    assert rows["total"].is_monotonic_decreasing
    assert (rows["premier_ordre_min"] <= rows["total_max"]).all()
    assert 0.8 < rows["premier_ordre"].sum() < 1.1
    assert rows.loc["poids_usages", "libelle"] == "poids : usages"
    # The same methods as those of the other analysis, but for how often a z-score is drawn.
    forms = {"normalisations": ("bornes", "rang_centile"), "part_retrait": 0.2}
    national = references(communes(400, 9))
    one = sensitivity(table, METHOD, 512, reference=national, choices=Choices(**forms))
    other = method_choices(table, METHOD, 4000, reference=national, choices=Choices(**forms))
    assert one.moyenne == pytest.approx(other.tirages["deplacement"].mean(), rel=0.03)


def test_one_indicator_left_out_in_a_fifth_of_the_draws():
    """Nothing else drawn: the mean shift is a fifth of that of the withdrawals."""
    table = communes()
    still = {"normalisations": ("bornes",), "agregations": ("arithmetique",)}
    options = Choices(concentration=1e12, **still)
    found = sensitivity(table, METHOD, 1024, reference=references(table), choices=options)
    drawn = method_choices(table, METHOD, 3000, reference=references(table), choices=options)
    each = drawn.tirages.groupby("retire")["deplacement"].mean()
    assert each[""] == pytest.approx(0, abs=1e-6)
    assert found.moyenne == pytest.approx(0.2 * each.drop("").mean(), rel=0.01)
    assert found.facteurs["code"][0] == "retrait"
    assert found.facteurs["total"][0] == pytest.approx(1, abs=0.1)


def test_the_same_call_gives_the_same_numbers_whatever_the_order():
    table = communes(30)
    one = sensitivity(table, METHOD, 128, seed=0)
    again = sensitivity(table.sample(frac=1, random_state=1), METHOD, 128, seed=0)
    pd.testing.assert_frame_equal(one.facteurs, again.facteurs)
    assert one.facts() == again.facts()
    other = sensitivity(table, METHOD, 128, seed=1)
    assert other.moyenne != one.moyenne


def test_chunks_do_not_change_the_indices(monkeypatch):
    table = communes(30)
    whole = sensitivity(table, METHOD, 64).facteurs
    monkeypatch.setattr("fragilite.robustness.chunks.CELLS", 300)
    pd.testing.assert_frame_equal(sensitivity(table, METHOD, 64).facteurs, whole)


def test_draws_are_a_power_of_two():
    found = sensitivity(communes(20), METHOD, 100)
    assert found.tirages == 128
    assert found.remarques[0] == (
        "100 tirages demandés : 128 faits, la puissance de deux suivante."
    )
    with pytest.raises(UsageError, match="au moins 1"):
        sensitivity(communes(20), METHOD, 0)


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_or_equal_communes(count):
    one = sensitivity(communes(1), METHOD, 16)
    assert one.facteurs.empty
    assert one.facts()["deplacement_moyen"] == 0
    equal = communes(10)
    equal.loc[:] = equal.iloc[0].to_numpy()
    found = sensitivity(equal, METHOD, 16)
    assert found.phrase == (
        "Aucun choix de méthode ne déplace les rangs (10 territoires classés) : pas d'indices de "
        "sensibilité."
    )
    assert found.phrase in render(found).replace("\n", " ").replace("   ", " ")
    assert len(sensitivity(communes(2, seed=3), METHOD, 16).facteurs) in (0, 7)


def test_an_indicator_wholly_missing_is_no_choice():
    table = communes().assign(part_surface_sans_4g=np.nan)
    found = sensitivity(table, METHOD, 64)
    assert "poids_reseau" not in set(found.facteurs["code"])
    assert "poids : réseau" in found.remarques[-1]


# --- what is said --------------------------------------------------------------------------------


def table_of(*rows):
    ends = ("", "_min", "_max")
    columns = [f"{name}{end}" for name in ("premier_ordre", "total") for end in ends]
    return pd.DataFrame(
        [[code, code, *values] for code, *values in rows], columns=["code", "libelle", *columns]
    )


def test_the_sentence_names_the_heaviest_and_its_doubts():
    clear = table_of(
        ("b", 0.1, 0.05, 0.15, 0.2, 0.15, 0.25), ("a", 0.5, 0.4, 0.6, 0.7, 0.6, 0.8)
    )  # fmt: skip
    assert sentence(clear) == (
        "Parmi les choix de méthode, « a » est celui qui compte le plus : 70 % de ce qui fait "
        "varier le déplacement des rangs, seul ou avec les autres choix (de 60 à 80 %)."
    )
    near = clear.replace({"total_max": {0.25: 0.65}})
    assert sentence(near).endswith(
        "(de 60 à 80 %) ; son intervalle recoupe celui de « b » : on ne peut pas les départager."
    )


def test_a_first_order_above_its_total_is_refused():
    overlapping = table_of(("a", 0.6, 0.5, 0.7, 0.4, 0.3, 0.5))
    refuse_impossible(overlapping, 1024)
    wrong = table_of(("a", 0.6, 0.51, 0.69, 0.4, 0.3, 0.5))
    with pytest.raises(CheckFailedError) as stop:
        refuse_impossible(wrong, 1024)
    assert stop.value.message == (
        "Sensibilité, « a » : l'effet seul (60 % [51 ; 69]) dépasse l'effet en tout "
        f"(40 % [30 ; 50]) au-delà des intervalles, ce qui est impossible : trop peu de tirages "
        f"({number(1024)})."
    )
    assert stop.value.remedy == "Augmentez le nombre de tirages : --draws 4096"


def test_too_few_draws_are_refused_through_the_analysis():
    """With 8 base points, some seeds give an impossible index: it is never printed."""
    table, refused = communes(30), 0
    for seed in range(1, 25):
        try:
            found = sensitivity(table, METHOD, 8, seed=seed).facteurs
            assert (found["premier_ordre_min"] <= found["total_max"]).all()
        except CheckFailedError as error:
            assert error.remedy == "Augmentez le nombre de tirages : --draws 4096"
            refused += 1
    assert 0 < refused < 24


def test_one_draw_that_does_not_move_says_so():
    """A and B leave four communes where they are, some factor in between does not."""
    said = set()
    for seed in range(1, 20):
        try:
            said.add(sensitivity(communes(4), METHOD, 1, seed=seed).phrase)
        except CheckFailedError:
            continue
    assert any("Trop peu de tirages (1)" in phrase for phrase in said)


def test_report(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    found = sensitivity(communes(), METHOD, 64, reference=references(communes()))
    text = render(found)
    lines = text.splitlines()
    assert lines[0] == "Quel choix de méthode déplace le plus les rangs"
    assert [line for line in lines if line.startswith("  choix")]
    for label in found.facteurs["libelle"]:
        assert f"  {label} " in text
    assert found.phrase in text.replace("\n", " ")
    assert "non lequel est le bon" in text.replace("\n", " ")
    assert max(map(len, lines)) <= 100
