"""Scores, tree and contributions: hand-worked cases, then properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from fragilite import scoring
from fragilite.method import Method, load_method

NAN = float("nan")


def made(indicators, nodes, *, completude=(0.5, 0.75)):
    """A method from {indicator: (node, weight, points_0, points_100)} and {node: (parent, w)}."""
    base = load_method().model_dump()
    shown = {"libelle": "x", "court": "x", "unite": "%", "decimales": 1, "definition": "x"}
    shown |= {"raison": "x", "reference": "x"}
    calcul = {"type": "effectif", "variables": ["pop"]}
    base["indicateurs"] = {
        code: shown
        | {
            "noeud": node,
            "poids": weight,
            "points_0": low,
            "points_100": high,
            "sens": "aggrave" if low < high else "protege",
            "calcul": calcul,
        }
        for code, (node, weight, low, high) in indicators.items()
    }
    base["noeuds"] = {
        code: {
            "libelle": code,
            "court": code,
            "description": code,
            "parent": parent,
            "poids": weight,
        }
        for code, (parent, weight) in nodes.items()
    }
    base["completude_min"] |= {"noeud": completude[0], "indice": completude[1]}
    return Method(**base)


# Two levels: total = 1/4 a + 3/4 b; a holds x (weight 1) and y (weight 3); b holds z.
TWO = made(
    {"x": ("a", 1, 0, 10), "y": ("a", 3, 20, 0), "z": ("b", 1, 0, 100)},
    {"total": (None, None), "a": ("total", 1), "b": ("total", 3)},
)
FIVE = pd.DataFrame(
    {
        "x": [5.0, 12.0, NAN, 0.0, NAN],
        "y": [10.0, -2.0, 5.0, NAN, NAN],
        "z": [40.0, 100.0, 20.0, 60.0, 80.0],
    },
    index=["c1", "c2", "c3", "c4", "c5"],
)


def test_five_communes_by_hand():
    """Each cell worked out on paper.

    c1: x 50, y 50, a = 50; z 40; total = (50 + 3·40)/4 = 42.5
    c2: x 12 > 10 → 100, y −2 < 0 → 100; a = 100; total 100, both saturated
    c3: x missing, y 75 holds 3/4 of a → a = 75; total = (75 + 3·20)/4 = 33.75; 15/16 observed
    c4: y missing, x holds 1/4 of a < 1/2 → a missing, x brings 0; total = b = 60; 13/16 observed
    c5: a wholly missing; total = b = 80; 12/16 observed, exactly the threshold
    """
    result = scoring.score(FIVE, TWO)
    nodes = result.noeuds
    np.testing.assert_allclose(nodes["a"], [50, 100, 75, NAN, NAN])
    np.testing.assert_allclose(nodes["b"], [40, 100, 20, 60, 80])
    np.testing.assert_allclose(nodes["total"], [42.5, 100, 33.75, 60, 80])
    np.testing.assert_allclose(result.completude, [1, 1, 15 / 16, 13 / 16, 12 / 16])
    np.testing.assert_allclose(result.contributions["x"], [3.125, 6.25, NAN, 0, NAN])
    np.testing.assert_allclose(result.contributions["y"], [9.375, 18.75, 18.75, NAN, NAN])
    np.testing.assert_allclose(result.contributions["z"], [30, 75, 15, 60, 80])
    assert result.satures.loc["c2", ["x", "y"]].all()
    assert result.satures.to_numpy().sum() == 2


def test_index_under_its_threshold_is_missing():
    strict = made(
        {"x": ("a", 1, 0, 10), "y": ("a", 3, 20, 0), "z": ("b", 1, 0, 100)},
        {"total": (None, None), "a": ("total", 1), "b": ("total", 3)},
        completude=(0.5, 0.8),
    )
    result = scoring.score(FIVE, strict)
    assert result.noeuds["total"].isna().tolist() == [False, False, False, False, True]
    assert result.contributions.loc["c5"].isna().all()


def test_withdrawn_indicator_leaves_the_tree():
    """Without y, a is x alone: nothing is missing any more, and the full method is at 13/16."""
    result = scoring.score(FIVE[["x", "z"]], TWO)
    assert result.noeuds.loc["c1", "total"] == pytest.approx((50 + 3 * 40) / 4)
    assert result.completude["c1"] == pytest.approx(1)
    assert result.completude_methode["c1"] == pytest.approx(13 / 16)
    assert result.completude["c3"] == pytest.approx(3 / 4)  # x holds all of a now


def test_withdrawn_node_weighs_nothing():
    result = scoring.score(FIVE[["z"]], TWO)
    np.testing.assert_allclose(result.noeuds["total"], FIVE["z"])
    assert result.noeuds["a"].isna().all()
    assert (result.completude == 1).all()


def test_four_levels():
    """1 → 2 → 3 → leaf: the value climbs unchanged, the shares multiply."""
    deep = made(
        {"x": ("c", 1, 0, 100), "y": ("b", 1, 0, 100)},
        {"t": (None, None), "a": ("t", 1), "b": ("a", 1), "c": ("b", 3)},
    )
    result = scoring.score(pd.DataFrame({"x": [80.0], "y": [40.0]}), deep)
    assert result.noeuds.loc[0, "t"] == pytest.approx(70)
    assert deep.shares["x"] == pytest.approx(0.75)


def test_rank_ties_share_the_best():
    values = pd.Series([10.0, 30.0, 30.0 + 1e-12, NAN, 20.0])
    assert scoring.rank(values).tolist() == [4, 1, 1, pd.NA, 3]


def test_classes_are_closed_below():
    classes = load_method().noeuds["indice"].classes
    values = pd.Series([0, 26.999, 27, 37, 45.5, 54.99, 55, 100, NAN])
    assert scoring.classify(values, classes.bornes).tolist() == [1, 1, 2, 3, 4, 4, 5, 5, pd.NA]


# --- properties ----------------------------------------------------------------------------------

DEFAULT = load_method()
CODES = list(DEFAULT.indicateurs)
CELLS = npst.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.just(len(CODES))),
    elements=st.one_of(st.just(np.nan), st.floats(-50, 250)),
)


def framed(cells):
    return pd.DataFrame(cells, columns=CODES)


@given(CELLS)
def test_contributions_add_up(cells):
    result = scoring.score(framed(cells), DEFAULT)
    index = result.noeuds["indice"]
    total = result.contributions.sum(axis=1, min_count=1)
    assert (total.isna() == index.isna()).all()
    assert (total - index).abs().max() < 1e-9 or index.isna().all()


@given(CELLS)
def test_a_node_lies_between_its_children(cells):
    result = scoring.score(framed(cells), DEFAULT)
    values = pd.concat([result.indicateurs, result.noeuds], axis=1)
    for node, children in DEFAULT.weights.items():
        known = values[list(children)]
        inside = values[node].between(known.min(axis=1) - 1e-9, known.max(axis=1) + 1e-9)
        assert (inside | values[node].isna()).all()


@given(CELLS, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(cells, random):
    frame = framed(cells)
    order = list(frame.index)
    random.shuffle(order)
    one = scoring.score(frame, DEFAULT).noeuds.loc[order]
    other = scoring.score(frame.loc[order], DEFAULT).noeuds
    pd.testing.assert_frame_equal(one, other)


@given(CELLS, st.sampled_from(CODES), st.floats(0, 100))
def test_more_of_what_aggravates_never_lowers_the_index(cells, code, step):
    """One direction per indicator: a poorer, older, less schooled commune is never less fragile."""
    frame = framed(cells)
    worse = frame.copy()
    worse[code] += step if DEFAULT.indicateurs[code].sens == "aggrave" else -step
    before = scoring.score(frame, DEFAULT).noeuds["indice"]
    after = scoring.score(worse, DEFAULT).noeuds["indice"]
    assert ((after >= before - 1e-9) | before.isna()).all()


@given(CELLS, st.floats(0.01, 1000))
def test_weights_are_scale_free(cells, factor):
    data = DEFAULT.model_dump()
    for indicator in data["indicateurs"].values():
        indicator["poids"] *= factor
    scaled = Method(**data)
    one = scoring.score(framed(cells), DEFAULT).noeuds
    other = scoring.score(framed(cells), scaled).noeuds
    pd.testing.assert_frame_equal(one, other)


@given(CELLS)
def test_swapping_the_points_mirrors_the_score(cells):
    data = DEFAULT.model_dump()
    for indicator in data["indicateurs"].values():
        low, high = indicator["points_0"], indicator["points_100"]
        indicator |= {"points_0": high, "points_100": low}
    mirrored = scoring.normalise(framed(cells), Method(**data))
    scores = scoring.normalise(framed(cells), DEFAULT)
    np.testing.assert_allclose(mirrored, 100 - scores, atol=1e-9)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30).filter(lambda x: sum(x) > 0))
def test_cumulative_share_ends_at_100(values):
    shares = scoring.cumulative_share(pd.Series(values))
    assert shares.max() == pytest.approx(100)
    assert (shares > 0).all()
