"""Validation: aggregation worked by hand, then made-up targets on the bundled département."""

import json

import numpy as np
import pandas as pd
import pytest

from fragilite.errors import UsageError
from fragilite.inputs import population
from fragilite.score_file import ScoreFile
from fragilite.validation import facts, render, validate, weighted_means

NAN = float("nan")


def target(values, niveau="commune", remarques=()):
    return ScoreFile("mesures.csv", "taux", "code", niveau, values.dropna(), None, list(remarques))


def noisy(values, spread, seed=3):
    """A target made of a score, and of chance."""
    return 5 + 0.3 * values + np.random.default_rng(seed).normal(0, spread, len(values))


def line(found, code):
    return next(one for one in found.lignes if one.code == code)


@pytest.fixture(scope="module")
def nodes(built):
    return built.result.scores.noeuds


@pytest.fixture(scope="module")
def means(built, nodes):
    """Means of competences by EPCI, the long way."""
    people, groups = population(built.inputs), built.inputs.communes["code_epci"]
    return pd.Series(
        {
            code: np.average(nodes["competences"][rows], weights=people[rows])
            for code, rows in groups.groupby(groups).groups.items()
        }
    )


# --- by hand -------------------------------------------------------------------------------------


def test_weighted_means_by_hand():
    """a: (10·200 + 40·100)/300 ; its second column knows 100 of 300 people; b: alone; c: no one."""
    values = pd.DataFrame(
        {"x": [10.0, 40.0, 7.0, 5.0, 1.0], "y": [NAN, 8.0, NAN, 5.0, 1.0]}, index=list("vwxyz")
    )
    groups = pd.Series(["a", "a", "b", "c", None], index=list("vwxyz"))
    weights = pd.Series([200.0, 100.0, 50.0, 0.0, 9.0], index=list("vwxyz"))
    found = weighted_means(values, groups, weights)
    assert found.index.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(found["x"], [20, 7, NAN])
    np.testing.assert_allclose(found["y"], [8, NAN, NAN])
    assert np.isnan(weighted_means(values, groups, weights, 0.34).loc["a", "y"])
    assert weighted_means(values, groups, weights, 1 / 3).loc["a", "y"] == 8


# --- by commune ----------------------------------------------------------------------------------


def test_by_commune(built, nodes):
    values = noisy(nodes["competences"], 2)
    found = validate(built, target(values, remarques=["Une remarque."]), draws=100)
    assert found.territoires == 176
    assert [(one.code, one.profondeur) for one in found.lignes] == [
        ("indice", 0),
        ("reseau", 1), ("part_locaux_sans_fibre", 2),
        ("usages", 1),
        ("competences", 2), ("part_65_plus", 3), ("part_sans_bac", 3),
        ("sociale", 2), ("niveau_de_vie_relatif", 3), ("part_80_plus_vivant_seuls", 3),
    ]  # fmt: skip
    skills = line(found, "competences")
    expected = np.corrcoef(nodes["competences"], values)[0, 1]
    assert skills.pearson.valeur == pytest.approx(expected)
    assert skills.spearman.valeur == pytest.approx(
        nodes["competences"].corr(values, method="spearman")
    )
    weights = population(built.inputs)
    covariance = np.cov(nodes["competences"], values, aweights=weights)
    assert skills.pearson_pondere.valeur == pytest.approx(
        covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    )
    assert skills.pearson.valeur == max(one.pearson.valeur for one in found.lignes)
    assert skills.pearson.bas < expected < skills.pearson.haut
    assert "Une remarque." in found.remarques
    assert line(found, "part_80_plus_vivant_seuls").pearson.effectif == 175
    assert any("moins de territoires" in text for text in found.remarques)
    assert any("Surface sans 4G" in text for text in found.remarques)


def test_the_same_seed_gives_the_same_report(built, nodes):
    one, two, other = (
        facts(validate(built, target(noisy(nodes["indice"], 2)), draws=50, seed=seed))
        for seed in (1, 1, 2)
    )
    assert one == two != other


# --- by EPCI -------------------------------------------------------------------------------------


def test_by_epci(built, means):
    """Ten EPCI have a target, nine are whole: the CC du Pays d'Ancenis has one commune of 20."""
    found = validate(built, target(noisy(means, 0.5), "epci"), modelled=True, draws=100)
    assert found.territoires == 9
    skills = line(found, "competences")
    whole = means.drop("244400552")
    expected = np.corrcoef(whole, noisy(means, 0.5).drop("244400552"))[0, 1]
    assert skills.pearson.valeur == pytest.approx(expected)
    assert skills.pearson_pondere is None
    assert (
        "EPCI en partie seulement dans le calcul, laissés de côté : 244400552 CC du Pays d'Ancenis."
        in found.remarques
    )
    assert any("9 territoires seulement" in text for text in found.remarques)
    assert "pondérées par la population" in found.agregation


# --- what is said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("modelled", "said"),
    [
        (True, "un accord entre constructions, pas une preuve de prédiction"),
        (False, "déclarée mesurée"),
        (None, "ajoutez --measured ou --modelled"),
    ],
)
def test_what_the_target_is_worth_is_said(built, nodes, modelled, said):
    data = facts(validate(built, target(noisy(nodes["indice"], 2)), modelled=modelled, draws=20))
    json.dumps(data, allow_nan=False)
    assert data["cible"]["modelisee"] is modelled
    text = " ".join(render(data).split())
    assert said in text
    assert "ni une prédiction ni une cause" in text
    assert "176 communes" in text
    assert "l'isolement des plus âgés" in text


def test_a_target_that_runs_the_other_way_is_said(built, nodes):
    found = validate(built, target(-noisy(nodes["indice"], 1)), draws=50)
    assert line(found, "indice").pearson.haut < 0
    assert any("est négative" in text for text in found.remarques)


def test_too_few_territories_or_a_target_that_does_not_vary(built, nodes, means):
    values = noisy(nodes["indice"], 2)
    with pytest.raises(UsageError, match="4 communes avec la cible et un indice") as error:
        validate(built, target(values.iloc[:4]))
    assert "--region" in error.value.remedy
    validate(built, target(values.iloc[:5]), draws=10)
    with pytest.raises(UsageError, match="4 EPCI tenus en entier"):
        validate(built, target(means.iloc[[0, 1, 2, 3, 6]], "epci"))
    with pytest.raises(UsageError, match="la même valeur partout"):
        validate(built, target(values * 0 + 0.1))


def test_an_indicator_without_any_variation_is_named(built, nodes):
    """On five communes where everything reaches the fibre, that indicator tells nothing."""
    fibre = built.result.scores.indicateurs["part_locaux_sans_fibre"]
    flat = fibre.index[fibre == fibre.mode()[0]]
    assert len(flat) >= 5
    found = validate(built, target(noisy(nodes["indice"], 2)[flat]), draws=20)
    assert np.isnan(line(found, "part_locaux_sans_fibre").pearson.valeur)
    assert any(
        "Sans corrélation" in text and "Locaux sans fibre" in text for text in found.remarques
    )
    json.dumps(facts(found), allow_nan=False)
