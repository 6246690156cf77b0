"""Shrinkage: a case worked out by hand, then properties."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite.shrinkage import LEAST, empirical_logit, shrink

# Area "a": 1 of 4, 2 of 8, 30 of 40; "b": 1 of 10 alone; c: no one.
R = pd.Series([1.0, 2.0, 30.0, 1.0, 0.0], index=list("vwxyz"))
N = pd.Series([4.0, 8.0, 40.0, 10.0, 0.0], index=list("vwxyz"))
AREAS = pd.Series(["a", "a", "a", "b", "a"], index=list("vwxyz"))


def test_by_hand():
    """Each number written out from the formulas.

    m  : ln(1.5/3.5), ln(2.5/6.5), ln(30.5/10.5)
    s² : 5·6/(4·2·4) = 30/32 ; 9·10/(8·3·7) = 90/168 ; 41·42/(40·31·11) = 1722/13640
    M  : 33 of 52 → ln(33.5/19.5)
    """
    m = [math.log(1.5 / 3.5), math.log(2.5 / 6.5), math.log(30.5 / 10.5)]
    s2 = [30 / 32, 90 / 168, 1722 / 13640]
    centre = math.log(33.5 / 19.5)
    mean = sum(m) / 3
    spread = sum((x - mean) ** 2 for x in m) / 2
    tau2 = spread - sum(s2) / 3
    assert tau2 > 0
    found = shrink(R, N, AREAS, least=3)
    for place in range(3):
        w = tau2 / (tau2 + s2[place])
        logit = w * m[place] + (1 - w) * centre
        assert found.poids.iloc[place] == pytest.approx(w)
        assert found.parts.iloc[place] == pytest.approx(1 / (1 + math.exp(-logit)))
        assert found.ecarts_logit.iloc[place] ** 2 == pytest.approx(w * s2[place])
    assert found.cibles.tolist() == ["a", "a", "a", "", ""]
    assert found.parts["y"] == 0.1  # no area with three members: as observed
    assert math.isnan(found.parts["z"])  # a share of nothing
    assert found.observees[:4].tolist() == [0.25, 0.25, 0.75, 0.1]
    assert math.isnan(found.observees["z"])
    pd.testing.assert_series_equal(found.at(R.index[::-1]).parts, found.parts[::-1])

    less = shrink(R, N, AREAS, least=3, iod=True)
    np.testing.assert_allclose(less.poids[:3], [spread / (spread + x) for x in s2])


def test_a_small_area_turns_to_the_wider_one():
    r = pd.Series([3.0] * 7 + [9.0] * LEAST)
    n = pd.Series([50.0] * (7 + LEAST))
    areas = pd.Series(["small"] * 7 + ["large"] * LEAST)
    found = shrink(r, n, areas, pd.Series(["49"] * len(r)))
    assert found.cibles.tolist() == ["49"] * 7 + ["large"] * LEAST
    assert shrink(r, n, areas).cibles.tolist() == [""] * 7 + ["large"] * LEAST
    # Eight equal shares differ by less than their noise: τ² is 0 and each becomes the area's.
    centre = 1 / (1 + np.exp(-empirical_logit(np.array([72.0]), np.array([400.0]))[0][0]))
    np.testing.assert_allclose(found.parts[7:], centre)
    assert (found.poids[7:] == 0).all()


def test_missing_counts_and_areas():
    found = shrink(
        pd.Series([1.0, np.nan, 2.0]), pd.Series([5.0, 5.0, np.nan]), pd.Series([None, "a", "a"])
    )
    assert found.parts.round(12).tolist()[:1] == [0.2]
    assert found.parts.isna().tolist() == [False, True, True]
    assert found.cibles.tolist() == ["", "", ""]


COUNTS = st.lists(
    st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=LEAST,
    max_size=30,
)


@given(COUNTS, st.booleans())
def test_between_the_observed_share_and_the_area(counts, iod):
    r, n = (pd.Series(side, dtype=float) for side in zip(*counts, strict=True))
    found = shrink(r, n, pd.Series(["a"] * len(r)), iod=iod)
    m, s2 = empirical_logit(r.to_numpy(), n.to_numpy())
    centre, _ = empirical_logit(np.array([r.sum()]), np.array([n.sum()]))
    logit = np.log(found.parts / (1 - found.parts)).to_numpy()
    low, high = np.minimum(m, centre), np.maximum(m, centre)
    assert ((logit >= low - 1e-9) & (logit <= high + 1e-9)).all()
    assert found.poids.between(0, 1).all()
    # Fewer people, less trust: the weight falls as the variance rises.
    assert (np.diff(found.poids.to_numpy()[np.argsort(s2)]) <= 1e-12).all()


@given(COUNTS)
def test_the_iod_form_smooths_less(counts):
    r, n = (pd.Series(side, dtype=float) for side in zip(*counts, strict=True))
    areas = pd.Series(["a"] * len(r))
    assert (shrink(r, n, areas, iod=True).poids >= shrink(r, n, areas).poids - 1e-12).all()


@given(COUNTS, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(counts, random):
    r, n = (pd.Series(side, dtype=float) for side in zip(*counts, strict=True))
    areas, order = pd.Series(["a"] * len(r)), list(range(len(r)))
    random.shuffle(order)
    one = shrink(r, n, areas).parts.iloc[order]
    other = shrink(r.iloc[order], n.iloc[order], areas.iloc[order]).parts
    pd.testing.assert_series_equal(one, other)
