"""Comparisons: ranks, fifths and causes worked by hand, then on the bundled département."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragilite.comparison import MISSING, Side, causes, compare, facts, fifths, render
from fragilite.errors import UsageError
from fragilite.method import load_method
from fragilite.pipeline import build, rebuild
from fragilite.score_file import ScoreFile, read_scores
from fragilite.scoring import rank

NAN = float("nan")
NAMES = {"age": "l'âge", "diplome": "le diplôme"}


def side(scores, parts=None, libelle="un score"):
    index = [f"c{place}" for place in range(len(scores))]
    frame = None if parts is None else pd.DataFrame(parts, index=index)
    names = pd.Series([f"Ville {place}" for place in range(len(scores))], index)
    scores = pd.Series(scores, index, dtype=float)
    return Side(libelle, scores, frame, indicateurs=NAMES, noms=names)


def crowd(count=60, seed=1):
    """Our score, of two unequal indicators."""
    random = np.random.default_rng(seed)
    parts = {"age": random.normal(20, 6, count), "diplome": random.normal(30, 4, count)}
    return side(parts["age"] + parts["diplome"], parts)


def told(*sides, **options):
    found = compare(*sides, draws=50, **options)
    data = facts(found)
    json.dumps(data, allow_nan=False)
    return data, render(data)


# --- by hand -------------------------------------------------------------------------------------


def test_by_hand():
    """Ranks 1 2 3 4 5 6 against 2 1 3 3 6 5; contributions of both are known.

    Our parts, age 6 5 2 3 1 1 and diplôme 4 4 6 4 5 4 (score 10 9 8 7 6 5); theirs,
    age 8 8 2 4 0 1 and diplôme 1 2 3 1 1 1 (score 9 10 5 5 1 2).
    """
    age, diplome = np.array([6.0, 5, 2, 3, 1, 1]), np.array([4.0, 4, 6, 4, 5, 4])
    ours = side(age + diplome, {"age": age, "diplome": diplome})
    their_age, their_diplome = np.array([8.0, 8, 2, 4, 0, 1]), np.array([1.0, 2, 3, 1, 1, 1])
    other = side(their_age + their_diplome, {"age": their_age, "diplome": their_diplome})
    found = compare(ours, other, draws=50)
    table = found.communes
    assert table["rang"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["rang_ailleurs"].tolist() == [2, 1, 3, 3, 6, 5]
    assert table["deplacement"].tolist() == [1, -1, 0, -1, 1, -1]
    # 15 pairs: 2 discordant, 1 tied elsewhere, 12 concordant → (12 − 2)/√(15·14).
    assert found.kendall.valeur == pytest.approx(10 / np.sqrt(15 * 14))
    # Mean ranks elsewhere 2 1 3.5 3.5 6 5: Σ products about 3.5 = 15, Σ squares 17.5 and 17.
    assert found.spearman.valeur == pytest.approx(15 / np.sqrt(17.5 * 17))
    s, t = np.sqrt(35 / 12), np.sqrt(392 / 36)
    gap = (age - 3) / s - (their_age - 23 / 6) / t
    split = causes(ours, other, table.index)
    np.testing.assert_allclose(split.ecarts["age"], gap)
    assert (split.reste == 0).all()
    # Gaps of c0 0.49 −0.14, c1 −0.09 −0.44, c3 −0.05 −0.14, c4 −0.01 0.44, c5 −0.31 −0.14.
    assert table["indicateur"].tolist() == ["age", "diplome", "", "diplome", "diplome", "age"]
    np.testing.assert_allclose(table["ecart"].round(2), [0.49, -0.44, NAN, -0.14, 0.44, -0.31])
    assert found.risers.index.tolist() == ["c0", "c4"]
    assert found.fallers.index.tolist() == ["c1", "c3", "c5"]


def test_fifths_by_hand():
    """Seven ranks: fifths hold ranks 1–2, 3, 4–5, 6, 7; ties share the best."""
    ours, other = pd.Series([1, 2, 3, 4, 5, 6, 7]), pd.Series([7, 1, 1, 1, 4, 4, 6])
    expected = np.zeros((5, 5), int)
    for row, column in [(1, 5), (1, 1), (2, 1), (3, 1), (3, 3), (4, 3), (5, 4)]:
        expected[row - 1, column - 1] += 1
    assert fifths(ours, other).to_numpy().tolist() == expected.tolist()


def test_sentences_name_who_moves_and_why():
    parts = {"age": [5.0, 4, 3, 2, 1, 0], "diplome": [0.0, 0, 0, 0, 9, 0]}
    ours = side([5, 4, 3, 2, 10, 0], parts)
    other = side([5, 4, 3, 2, 1, 0], {"age": parts["age"]})
    data, text = told(ours, other)
    (riser,) = data["plus_fragiles_chez_nous"]
    assert riser["phrase"] == (
        "Ville 4 : 1er chez nous, 5e ailleurs — surtout le diplôme (compte seulement chez nous)"
    )
    assert riser["phrase"] in " ".join(text.split())
    assert [mover["nom"] for mover in data["moins_fragiles_chez_nous"]] == [
        "Ville 0", "Ville 1", "Ville 2", "Ville 3"
    ]  # fmt: skip
    assert "Compté chez nous seulement : le diplôme." in data["a_savoir"]
    assert data["cinquiemes"]["part_meme_cinquieme"] == pytest.approx(100 * 2 / 6)


# --- what moves a commune ------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.booleans(), st.sampled_from([1.0, -1.0]))
@settings(max_examples=40)
def test_gaps_and_what_is_left_add_up_to_the_difference(seed, known, turn):
    random = np.random.default_rng(seed)
    ours = crowd(40, seed)
    parts = {"age": random.normal(size=40), "revenu": random.normal(size=40)}
    other = side(sum(parts.values()), parts if known else None)
    split = causes(ours, other, ours.scores.index, turn)
    one, two = ((s - s.mean()) / s.std(ddof=0) for s in (ours.scores, other.scores))
    np.testing.assert_allclose(
        split.ecarts.sum(axis=1) + split.reste, one - turn * two, rtol=0, atol=1e-9
    )
    assert np.isnan(split.explique) == known


def test_what_a_commune_lacks_is_not_put_on_the_rest(built):
    """Orée d'Anjou has an ordinary income; what it lacks hands its weight to it."""
    other = Side.of_build(rebuild(built, load_method("ifn-2023")))
    ours = Side.of_build(built)
    found = compare(ours, other, draws=0)
    row = found.communes.loc["49126"]
    assert row["indicateur"] == MISSING
    split = causes(ours, other, found.communes.index)
    one, two = (
        (side.scores - side.scores.mean()) / side.scores.std(ddof=0) for side in (ours, other)
    )
    np.testing.assert_allclose(split.ecarts.sum(axis=1), one - two, atol=1e-9)
    # Its income is that of the département: 64.03 points for a mean of 64.04.
    assert abs(split.ecarts.loc["49126", "niveau_de_vie_relatif"]) < 0.01


@pytest.mark.parametrize("code", ["age", "diplome"])
def test_an_indicator_that_the_other_leaves_out_is_named(code):
    """From the other's score alone, whatever its scale."""
    ours = crowd()
    other = side(7 * (ours.scores - ours.contributions[code]) - 90)
    found = compare(ours, other, draws=0)
    moved = pd.concat([found.risers, found.fallers])
    assert len(moved) == 20
    assert (moved["indicateur"] == code).mean() >= 0.95
    assert moved["reste"].abs().max() < 1e-6
    assert found.explique == pytest.approx(1)


def test_weights_of_the_other_are_found_from_its_score_alone():
    """It counts age twice: in standard deviations, 2/k and 1/k of ours, k = σ(2a + d)/σ(a + d)."""
    ours = crowd()
    parts = ours.contributions
    theirs = 2 * parts["age"] + parts["diplome"]
    spread = ours.scores.std(ddof=0)
    k = theirs.std(ddof=0) / spread
    split = causes(ours, side(theirs), parts.index)
    for code, weight in (("age", 2), ("diplome", 1)):
        expected = (parts[code] - parts[code].mean()) / spread * (1 - weight / k)
        np.testing.assert_allclose(split.ecarts[code], expected, atol=1e-9)


def test_what_our_indicators_do_not_tell_is_said_first():
    ours = crowd()
    random = np.random.default_rng(8)
    data, text = told(ours, side(random.normal(size=60)), movers=5)
    assert data["part_expliquee"] < 20
    first = [mover["phrase"] for mover in data["plus_fragiles_chez_nous"]]
    assert any("— autre chose, puis l" in phrase for phrase in first)
    assert "régression linéaire" in text


def test_movers_are_shown_up_to_a_number():
    ours = crowd()
    data, _ = told(ours, side(-ours.scores.to_numpy()), movers=3)
    assert len(data["plus_fragiles_chez_nous"]) == len(data["moins_fragiles_chez_nous"]) == 3
    moves = [mover["deplacement"] for mover in data["plus_fragiles_chez_nous"]]
    assert moves == sorted(moves, reverse=True)
    assert moves[0] == 59


# --- direction -----------------------------------------------------------------------------------


def test_a_score_that_runs_the_other_way_is_said_and_never_flipped():
    ours = crowd()
    other = side(100 - ours.scores.to_numpy())
    data, text = told(ours, other)
    assert data["spearman"]["valeur"] == pytest.approx(-1)
    assert any("sens contraire" in remark for remark in data["a_savoir"])
    assert "ajoutez --inverse" in " ".join(text.split())
    declared, text = told(ours, other, inverse=True)
    assert declared["spearman"]["valeur"] == pytest.approx(1)
    assert declared["cinquiemes"]["part_meme_cinquieme"] == 100
    assert declared["plus_fragiles_chez_nous"] == declared["a_savoir"] == []
    assert "déclaré inverse" in text
    wrong, _ = told(ours, ours, inverse=True)
    assert any("Retirez --inverse" in remark for remark in wrong["a_savoir"])


# --- bad input -----------------------------------------------------------------------------------


def test_no_commune_in_common():
    with pytest.raises(UsageError, match="Aucune commune n'a les deux scores"):
        compare(side([1, 2, np.nan]), side([np.nan, np.nan, 3]))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_with_few_communes_what_can_be_done_is_done(count):
    ours = side(np.arange(count), {"age": np.arange(count, dtype=float)})
    data, text = told(ours, side(np.arange(count)[::-1]))
    assert data["communes"] == count
    assert data["cinquiemes"] is None
    assert (data["spearman"]["valeur"] is None) == (count < 3)
    assert data["spearman"]["bas"] is None
    assert any("en commun seulement" in remark for remark in data["a_savoir"])
    assert len(data["plus_fragiles_chez_nous"]) == count // 2
    assert "Deux scores" in text


@pytest.mark.parametrize("flat", ["le nôtre", "l'autre"])
def test_scores_that_are_all_equal_rank_nothing(flat):
    ours, still = crowd(), side(np.full(60, 0.1), {"age": np.full(60, 0.1)})
    data, _ = told(*((still, ours) if flat == "le nôtre" else (ours, still)))
    assert data["spearman"]["valeur"] is data["kendall"]["valeur"] is data["cinquiemes"] is None
    assert data["plus_fragiles_chez_nous"] == data["moins_fragiles_chez_nous"] == []
    assert any(f"({flat})" in remark for remark in data["a_savoir"])


def test_a_score_that_is_no_sum_names_no_indicator():
    ours = dataclasses.replace(crowd(), contributions=None)
    data, _ = told(ours, side(np.arange(60)))
    assert {mover["indicateur"] for mover in data["plus_fragiles_chez_nous"]} == {None}
    assert any("méthode sans contributions" in remark for remark in data["a_savoir"])


def test_too_few_communes_to_estimate_the_other_are_said():
    data, _ = told(crowd(9), side(np.arange(9)))
    assert {mover["indicateur"] for mover in data["plus_fragiles_chez_nous"]} == {None}
    assert any("au moins 10" in remark for remark in data["a_savoir"])


def test_scores_of_epci_are_refused():
    file = ScoreFile("e.csv", "v", "EPCI", "epci", pd.Series({"200060010": 1.0}))
    with pytest.raises(UsageError, match="se fait par commune"):
        Side.of_file(file)


# --- on the bundled département ------------------------------------------------------------------


def test_a_file_beside_the_index(built, tmp_path):
    index = built.communes.set_index("code_insee")["indice"]
    (0.9 * index + 3).rename("total").iloc[:170].to_csv(tmp_path / "ifn.csv", sep=";", decimal=",")
    file = read_scores(tmp_path / "ifn.csv", communes=built.inputs.communes["nom"])
    data, text = told(Side.of_build(built), Side.of_file(file))
    assert (data["communes"], data["sans_score_ailleurs"]) == (170, 6)
    assert data["spearman"]["valeur"] == pytest.approx(1)
    assert data["cinquiemes"]["communes"] == np.diag([34] * 5).tolist()
    assert "fichier ifn.csv, colonne total" in text
    assert "6 avec le nôtre seulement" in text


def test_two_methods(built):
    """The network at 0.6 instead of 0.25: fibre is what moves most communes."""
    method = load_method()
    nodes = dict(method.noeuds)
    nodes["reseau"] = nodes["reseau"].model_copy(update={"poids": 0.6})
    nodes["usages"] = nodes["usages"].model_copy(update={"poids": 0.4})
    heavy = build("49", method=method.model_copy(update={"noeuds": nodes}))
    found = compare(Side.of_build(built), Side.of_build(heavy), draws=50)
    assert found.communes["rang"].tolist() == built.communes["rang"].tolist()
    expected = rank(heavy.result.scores.noeuds["indice"])
    assert found.communes["rang_ailleurs"].tolist() == expected.tolist()
    moved = pd.concat([found.risers, found.fallers])
    assert (moved["indicateur"] == "part_locaux_sans_fibre").mean() > 0.9
    assert found.cinquiemes.to_numpy().sum() == 176
    assert "Chez nous, pas compté, faute de données ou trop ancien : la 4G." in found.remarques
