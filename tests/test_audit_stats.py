"""Distributions and shares of variance: against COINr, by hand, and by their properties."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite.audit_stats import distributions, variance_shares

NAN = float("nan")


def test_against_coinr(shared_oracle):
    """Statistics of the 49 raw indicators of ASEM; skewness and kurtosis of type 2 of e1071."""
    folder = shared_oracle / "asem"
    expected = pd.read_csv(folder / "stats_raw.csv", index_col="iCode")
    raw = pd.read_csv(folder / "coin_Raw.csv", index_col=0)[list(expected.index)]
    found = distributions(raw)
    names = {
        "minimum": "Min", "maximum": "Max", "moyenne": "Mean", "mediane": "Median",
        "ecart_type": "Std", "asymetrie": "Skew", "aplatissement": "Kurt", "connues": "N.Avail",
    }  # fmt: skip
    for mine, theirs in names.items():
        np.testing.assert_allclose(
            found[mine].astype(float), expected[theirs], rtol=1e-9, atol=1e-9, err_msg=mine
        )
    assert found["extremes"].tolist() == (expected["Flag.SkewKurt"] == "OUT").tolist()
    assert found["distinctes"].tolist() == expected["N.Unique"].tolist()


def test_by_hand():
    row = distributions(pd.DataFrame({"a": [4.0, NAN, 1.0, 1.0]})).loc["a"]
    assert row[["connues", "minimum", "mediane", "maximum", "moyenne", "distinctes"]].tolist() == [
        3, 1, 1, 4, 2, 2,
    ]  # fmt: skip
    assert row["ex_aequo"] == pytest.approx(2 / 3)
    assert row["ecart_type"] == pytest.approx(3**0.5)
    # G1 = n²/((n−1)(n−2)) · m₃ / s³ with m₃ = (8 − 1 − 1)/3 = 2: 9/2 · 2 / 3√3.
    assert row["asymetrie"] == pytest.approx(9 / (3 * 3**0.5))
    flat = distributions(pd.DataFrame({"a": [2.0, 2.0], "b": [NAN, NAN]}))
    assert flat["asymetrie"].isna().all()
    assert flat["connues"].tolist() == [2, 0]
    assert not flat["extremes"].any()


PARTS = st.lists(
    st.tuples(*[st.floats(-50, 50).map(lambda x: round(x, 3))] * 3), min_size=3, max_size=20
)


@given(PARTS)
def test_shares_add_up(rows):
    parts = pd.DataFrame(rows, columns=list("abc"))
    index = parts.sum(axis=1)
    shares = variance_shares(parts, index)
    if index.max() - index.min() < 0.01:
        return
    assert shares.sum() == pytest.approx(1)
    alone = variance_shares(index.to_frame("tout"), index)
    assert alone["tout"] == pytest.approx(1)


def test_shares_that_do_not_exist():
    parts = pd.DataFrame({"a": [1.0, 2.0, 5.0], "b": [NAN, 1.0, 0.0]})
    assert variance_shares(parts, pd.Series([2.0, 2.0, 2.0])).isna().all()
    assert variance_shares(parts * NAN, pd.Series([1.0, 2.0, 3.0])).isna().all()
    assert variance_shares(parts[:1], pd.Series([1.0])).isna().all()
    assert variance_shares(parts[:2], pd.Series([1.0, 2.0])).isna().all()  # one complete


def test_shares_are_those_of_complete_territories():
    """Deviations of the last two: a −2, 2 ; b 0.5, −0.5 ; index −1.5, 1.5, of squares 4.5.

    In the first, b is missing and a carries the whole index: what a weighs there is not what it
    weighs beside b.
    """
    parts = pd.DataFrame({"a": [9.0, 1.0, 5.0], "b": [NAN, 1.0, 0.0]})
    index = pd.Series([9.0, 2.0, 5.0])
    np.testing.assert_allclose(variance_shares(parts, index), [6 / 4.5, -1.5 / 4.5])
    # One that nobody has hides no territory, and tells none apart.
    nowhere = parts[1:].assign(c=NAN)
    assert variance_shares(nowhere, index[1:])["c"] == 0
    assert variance_shares(nowhere, index[1:]).sum() == pytest.approx(1)


@given(PARTS, st.lists(st.booleans(), min_size=20, max_size=20))
def test_incomplete_territories_change_nothing(rows, holes):
    parts = pd.DataFrame(rows, columns=list("abc"))
    index = parts.sum(axis=1)
    more = pd.concat([parts, parts.assign(a=NAN)[holes[: len(parts)]]], ignore_index=True)
    pd.testing.assert_series_equal(
        variance_shares(more, more.sum(axis=1)), variance_shares(parts, index)
    )
