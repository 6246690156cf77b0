"""Bootstrap intervals: correlations worked by hand, properties, and how often they cover."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from fragilite import bootstrap
from fragilite.bootstrap import (
    LEAST,
    LEAST_DRAWS,
    interval,
    kendall,
    mean_ranks,
    pearson,
    spearman,
    weighted_pearson,
)

NAN = float("nan")
X = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
Y = np.array([2.0, 1.0, 4.0, 3.0, 3.0])


def test_by_hand():
    """Deviations of x: −2 −1 0 1 2; of y (mean 2.6): −0.6 −1.6 1.4 0.4 0.4.

    pearson : Σxy = 1.2 + 1.6 + 0 + 0.4 + 0.8 = 4 ; Σx² = 10 ; Σy² = 5.2 → 4/√52
    spearman: ranks of y 2 1 5 3.5 3.5 ; Σ = 2 + 2 + 0 + 0.5 + 1 = 5.5 ; Σy² = 9.5 → 5.5/√95
    kendall : 10 pairs, 1 tied in y ; concordant 6, discordant 3 → 3/√(10·9)
    weighted, weights 1 1 0 0 2: means (1 + 2 + 10)/4 and (2 + 1 + 6)/4, sums written out below.
    """
    assert pearson(X, Y) == pytest.approx(4 / np.sqrt(52))
    assert mean_ranks(Y).tolist() == [2, 1, 5, 3.5, 3.5]
    assert spearman(X, Y) == pytest.approx(5.5 / np.sqrt(95))
    assert kendall(X, Y) == pytest.approx(3 / np.sqrt(90))
    mx, my = 13 / 4, 9 / 4
    product = (1 - mx) * (2 - my) + (2 - mx) * (1 - my) + 2 * (5 - mx) * (3 - my)
    size = ((1 - mx) ** 2 + (2 - mx) ** 2 + 2 * (5 - mx) ** 2) * (
        (2 - my) ** 2 + (1 - my) ** 2 + 2 * (3 - my) ** 2
    )
    weights = np.array([1.0, 1.0, 0.0, 0.0, 2.0])
    assert weighted_pearson(X, Y, weights) == pytest.approx(product / np.sqrt(size))
    assert weighted_pearson(X, Y, np.ones(5)) == pytest.approx(float(pearson(X, Y)))


cells = npst.arrays(np.float64, (3, 12), elements=st.integers(-4, 4).map(float))


@given(cells, cells)
@settings(max_examples=60)
def test_rows_of_a_stack_are_the_statistic_of_each_row(one, other):
    from scipy.stats import rankdata

    np.testing.assert_array_equal(mean_ranks(one), rankdata(one, axis=1))
    for statistic in (pearson, spearman, kendall):
        found = statistic(one, other)
        assert found.shape == (3,)
        for row in range(3):
            np.testing.assert_allclose(found[row], statistic(one[row], other[row]))
            still = np.ptp(one[row]) == 0 or np.ptp(other[row]) == 0
            assert np.isnan(found[row]) == still
        known = found[~np.isnan(found)]
        assert ((known >= -1) & (known <= 1)).all()


@given(npst.arrays(np.float64, 30, elements=st.floats(-1e3, 1e3), unique=True), st.integers(0, 99))
@settings(max_examples=40)
def test_an_interval_follows_the_direction_and_not_the_scale(x, seed):
    y = x**3 / 1e6 + np.random.default_rng(seed).normal(0, 100, 30)
    found = interval(spearman, x, y, draws=100, seed=seed)
    assert found.bas <= found.haut
    turned = interval(spearman, x, -y, draws=100, seed=seed)
    assert (turned.valeur, turned.bas, turned.haut) == pytest.approx(
        (-found.valeur, -found.haut, -found.bas)
    )
    assert interval(spearman, 8 * x, y, draws=100, seed=seed) == found


def test_the_interval_is_made_of_the_draws_of_the_seed():
    x, y = np.arange(8.0), np.array([0.0, 2, 1, 3, 7, 5, 6, 4])
    found = interval(pearson, x, y, draws=50, seed=4)
    places = np.random.default_rng(4).integers(8, size=(50, 8))
    draws = [np.corrcoef(x[rows], y[rows])[0, 1] for rows in places]
    assert (found.bas, found.haut) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])))
    assert found == interval(pearson, x, y, draws=50, seed=4)
    assert found != interval(pearson, x, y, draws=50, seed=5)


def test_missing_rows_are_left_out_of_every_array():
    holed = np.concatenate([X, [NAN, 9.0]])
    found = interval(pearson, holed, np.concatenate([Y, [1.0, NAN]]), draws=20)
    assert found == interval(pearson, X, Y, draws=20)
    assert found.effectif == 5


def test_too_few_rows_have_no_interval_and_two_no_correlation():
    for rows in range(6):
        found = interval(pearson, X[:rows], Y[:rows], draws=20)
        assert (found.tirages > 0) == (rows >= LEAST)
        assert np.isnan(found.bas) == np.isnan(found.haut) == (rows < LEAST)
        assert np.isnan(found.valeur) == (rows < 3)


def test_draws_without_a_correlation_are_dropped_until_they_are_too_many():
    x = np.arange(40.0)
    few = (x >= 36).astype(float)  # a draw misses all four once in 64
    found = interval(pearson, x, few, draws=1000)
    assert 950 <= found.tirages < 1000
    lone = (x >= 39).astype(float)  # one in e
    found = interval(pearson, x, lone, draws=1000)
    assert found.tirages == 0
    assert np.isnan(found.bas)
    assert found.valeur > 0
    assert np.isnan(interval(pearson, x, np.full(40, 0.1), draws=10).valeur)


def test_many_rows_take_fewer_draws(monkeypatch):
    monkeypatch.setattr(bootstrap, "ROWS_DRAWN", 10_000)
    x = np.arange(20.0)
    assert interval(pearson, x, x, draws=1000).tirages == 500
    x = np.arange(1000.0)
    assert interval(pearson, x, x, draws=1000).tirages == LEAST_DRAWS
    assert interval(pearson, x, x, draws=30).tirages == 30


@pytest.mark.parametrize(("statistic", "truth"), [(pearson, 0.6), (spearman, 0.582)])
def test_nineteen_intervals_in_twenty_hold_the_truth(statistic, truth):
    """Of 400 samples of 60 rows of a normal law; Spearman's is 6/π·asin(0.6/2) = 0.582."""
    random = np.random.default_rng(20)
    x = random.normal(size=(400, 60))
    y = 0.6 * x + 0.8 * random.normal(size=(400, 60))
    held = 0
    for one, other in zip(x, y, strict=True):
        found = interval(statistic, one, other, draws=300, seed=1)
        held += found.bas <= truth <= found.haut
    assert 0.91 <= held / 400 <= 0.98
