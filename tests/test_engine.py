"""The engine on an index of any kind: hand-worked means and ranks, then properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from fragilite import scoring
from fragilite.errors import UsageError
from fragilite.method import PARAMETRES, Method, load_method
from fragilite.scoring import AGGREGATIONS, NORMALISATIONS, Indice, Reference, Regle, references

NAN = float("nan")
FIVE = np.array([2.0, 4.0, 4.0, 10.0, NAN])
ALL = Reference.of(FIVE)  # 2, 4, 4, 10: mean 5, standard deviation √(36/3) = √12


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("min_max", {}, [0, 25, 25, 100]),
        ("min_max", {"sens": "protege", "bas": 1, "haut": 5}, [5, 4, 4, 1]),
        ("z_score", {"centre": 50, "ecart": 12**0.5}, [47, 49, 49, 55]),
        ("z_score", {"ecart": 12**0.5, "sens": "protege"}, [3, 1, 1, -5]),
        ("z_score", {"centre": 100, "ecart": 12**0.5, "tronque": True}, [97, 99, 99, 100]),
        ("rang_centile", {}, [0, 50, 50, 100]),
        ("rang_centile", {"ex_aequo": "min", "echelle": 3}, [0, 1, 1, 3]),
        ("rang_centile", {"ex_aequo": "max", "echelle": 3}, [0, 2, 2, 3]),
        ("rang_centile", {"ex_aequo": "min", "echelle": 3, "sens": "protege"}, [3, 1, 1, 0]),
        ("quantiles", {"classes": 2}, [1, 2, 2, 2]),
        ("quantiles", {"classes": 2, "sens": "protege"}, [2, 2, 2, 1]),
    ],
)
def test_normalisations_by_hand(name, parameters, expected):
    found = NORMALISATIONS[name](FIVE, ALL, **parameters)
    np.testing.assert_allclose(found, [*expected, NAN])


def test_ratio_to_a_reference():
    np.testing.assert_allclose(scoring.ratio_reference(FIVE, 4.0), [50, 100, 100, 250, NAN])
    found = scoring.ratio_reference(np.array([2.0, 8.0, 0.0]), 4.0, sens="protege")
    np.testing.assert_allclose(found, [200, 50, NAN])
    assert np.isnan(scoring.ratio_reference(FIVE, 0.0)).all()


def test_a_value_between_those_of_the_distribution():
    found = scoring.rang_centile(np.array([-1.0, 3.0, 7.0, 99.0]), ALL, echelle=3)
    np.testing.assert_allclose(found, [0, 0.5, 2.5, 3])


@pytest.mark.parametrize("name", ["min_max", "z_score", "rang_centile"])
@pytest.mark.parametrize("values", [[], [3.0], [0.1, 0.1, 0.1]])
def test_a_distribution_that_says_nothing(name, values):
    reference = Reference.of(np.array(values))
    found = NORMALISATIONS[name](np.array([0.1, 3.0]), reference)
    assert np.isnan(found).all() or (name == "rang_centile" and len(values) > 1)


def test_means_on_the_complement_by_hand():
    """b = 100 − 0.99·s: scores 0, 100 → 100, 1; geometric √(100·1) = 10, harmonic 2/1.01.

    Node = (100 − M) / 0.99. Weights 3 and 1 on 100, 1: 100^¾ = 31.62…; 4/(3/100 + 1) = 3.883…
    """
    scores, even, uneven = np.array([[0.0, 100.0]]), np.ones(2), np.array([3.0, 1.0])
    geometric = scoring.on_complement(scoring.geometrique)
    harmonic = scoring.on_complement(scoring.harmonique)
    assert geometric(scores, even)[0] == pytest.approx(90 / 0.99)
    assert harmonic(scores, even)[0] == pytest.approx((100 - 2 / 1.01) / 0.99)
    assert geometric(scores, uneven)[0] == pytest.approx((100 - 10**1.5) / 0.99)
    assert harmonic(scores, uneven)[0] == pytest.approx((100 - 4 / 1.03) / 0.99)
    alone = np.array([[NAN, 40.0]])
    assert geometric(alone, even)[0] == pytest.approx(40)
    assert np.isnan(harmonic(np.array([[NAN, NAN]]), even)).all()


def test_a_null_weight_hides_a_null_score():
    assert scoring.geometrique(np.array([[0.0, 4.0]]), np.array([0.0, 1.0]))[0] == pytest.approx(4)
    assert scoring.geometrique(np.array([[0.0, 4.0]]), np.ones(2))[0] == 0
    with pytest.raises(UsageError, match="positifs"):
        scoring.harmonique(np.array([[-1.0, 4.0]]), np.ones(2))


def test_a_distribution_is_asked_for():
    index = Indice({"i": {"a": 1}}, {"a": Regle("rang_centile")})
    with pytest.raises(UsageError, match="a : la normalisation « rang_centile » demande la dist"):
        scoring.score(pd.DataFrame({"a": [1.0]}), index)
    ratio = Indice({"i": {"a": 1}}, {"a": Regle("ratio_reference")})
    with pytest.raises(UsageError, match="territoire de référence"):
        scoring.score(pd.DataFrame({"a": [1.0]}), ratio)


def test_a_method_file_may_choose(tmp_path):
    """National ranks and the harmonic mean, absolute bounds kept, no contributions."""
    data = load_method().model_dump()
    data["methode"] |= {"normalisation": "rang_centile", "agregation": "harmonique"}
    method = Method(**data)
    table = pd.DataFrame({code: [0.0, 25.0, 50.0] for code in method.indicateurs})
    result = scoring.score(table, method, references(table))
    assert result.indicateurs["part_locaux_sans_fibre"].tolist() == [0, 50, 100]
    assert result.indicateurs["niveau_de_vie_relatif"].tolist() == [100, 50, 0]
    assert result.contributions.isna().all(axis=None)
    assert set(PARAMETRES) == set(NORMALISATIONS)


# --- properties ----------------------------------------------------------------------------------

TREE = {"i": {"n": 2, "c": 1}, "n": {"a": 1, "b": 3}}
CELLS = npst.arrays(
    np.float64,
    st.tuples(st.integers(1, 15), st.just(3)),
    elements=st.one_of(st.just(np.nan), st.integers(-40, 150).map(float)),
)
PARAMETERS = {
    "z_score": {"centre": 50, "ecart": 20, "tronque": True},
    "quantiles": {"classes": 5},
}
FORMS = st.sampled_from(["bornes", "min_max", "z_score", "rang_centile"])
MEANS = st.sampled_from(sorted(AGGREGATIONS))


def built(form, mean, tree=TREE, scale=1.0, shift=0.0):
    """An index of three indicators, the second one protective, in other units if asked."""
    rules = {
        code: Regle(
            form,
            *(scale * np.array([0, 100])[:: 1 if sens == "aggrave" else -1] + shift),
            sens=sens,
            parametres=PARAMETERS.get(form, {}),
        )
        for code, sens in (("a", "aggrave"), ("b", "protege"), ("c", "aggrave"))
    }
    return Indice(tree, rules, mean, complement=True)


def framed(cells):
    return pd.DataFrame(cells, columns=["a", "b", "c"])


def nodes(cells, index):
    frame = framed(cells)
    return scoring.score(frame, index, references(frame)).noeuds


@given(CELLS, FORMS, MEANS)
def test_a_node_lies_between_its_children(cells, form, mean):
    frame, index = framed(cells), built(form, mean)
    result = scoring.score(frame, index, references(frame))
    values = pd.concat([result.indicateurs, result.noeuds], axis=1)
    for node, children in TREE.items():
        known = values[list(children)]
        inside = values[node].between(known.min(axis=1) - 1e-9, known.max(axis=1) + 1e-9)
        assert (inside | values[node].isna()).all()


@given(CELLS, FORMS, MEANS, st.sampled_from("abc"), st.integers(0, 60))
def test_monotone_in_each_indicator(cells, form, mean, code, step):
    frame, index = framed(cells), built(form, mean)
    worse = frame.copy()
    worse[code] += -step if code == "b" else step
    national = references(frame)
    before = scoring.score(frame, index, national).noeuds["i"]
    after = scoring.score(worse, index, national).noeuds["i"]
    assert ((after >= before - 1e-9) | before.isna()).all()


@given(CELLS, FORMS, MEANS, st.sampled_from([0.001, 0.5, 1000.0]), st.integers(-50, 50))
def test_units_do_not_matter(cells, form, mean, scale, shift):
    one = nodes(cells, built(form, mean))
    other = nodes(cells * scale + shift, built(form, mean, scale=scale, shift=shift))
    np.testing.assert_allclose(one, other, atol=1e-6)


@given(CELLS, FORMS, MEANS, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(cells, form, mean, random):
    order = list(range(len(cells)))
    random.shuffle(order)
    one, other = nodes(cells, built(form, mean)), nodes(cells[order], built(form, mean))
    np.testing.assert_allclose(one.to_numpy()[order], other, atol=1e-9)


@given(CELLS, FORMS, MEANS, st.floats(0.01, 1000))
def test_weights_are_scale_free(cells, form, mean, factor):
    scaled = {node: {c: w * factor for c, w in below.items()} for node, below in TREE.items()}
    one, other = nodes(cells, built(form, mean)), nodes(cells, built(form, mean, scaled))
    np.testing.assert_allclose(one, other, atol=1e-9)


@given(CELLS, st.sampled_from(["min_max", "z_score", "rang_centile"]))
def test_the_other_direction_mirrors_the_score(cells, form):
    frame = framed(cells)
    for code, reference in references(frame).items():
        values, function = frame[code].to_numpy(), NORMALISATIONS[form]
        parameters = PARAMETERS.get(form, {})
        one = function(values, reference, **parameters)
        other = function(values, reference, sens="protege", **parameters)
        np.testing.assert_allclose(other, 100 - one, atol=1e-9)


@given(CELLS, FORMS)
def test_contributions_add_up(cells, form):
    frame = framed(cells)
    result = scoring.score(frame, built(form, "arithmetique"), references(frame))
    total = result.contributions.sum(axis=1, min_count=1)
    np.testing.assert_allclose(total, result.noeuds["i"], atol=1e-9)


@given(CELLS)
def test_harmonic_is_above_geometric_is_above_arithmetic(cells):
    """On the complement, the less a mean compensates, the more fragile it finds a commune."""
    low, middle, high = (
        nodes(cells, built("bornes", mean))["i"]
        for mean in ("arithmetique", "geometrique", "harmonique")
    )
    assert ((low <= middle + 1e-9) & (middle <= high + 1e-9) | low.isna()).all()
