"""Uncertainty: each draw is the engine's, shares add up, moments are those announced."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragilite import scoring
from fragilite.errors import UsageError
from fragilite.method import load_method
from fragilite.robustness import (
    Choices,
    Noise,
    Seuils,
    data_noise,
    lecture,
    method_choices,
    uncertainty,
)
from fragilite.robustness.collapsed import PARAMETRES, collapse
from fragilite.robustness.laws import laws_of
from fragilite.robustness.ranks import descending, ranks_of
from fragilite.scoring import Completude, Indice, Regle, references
from fragilite.shrinkage import shrink

METHOD = load_method()
NAN = float("nan")


def communes(count=60, seed=5, missing=True):
    random = np.random.default_rng(seed)
    old = random.uniform(12, 40, count)
    table = pd.DataFrame(
        {
            "part_locaux_sans_fibre": random.uniform(0, 60, count),
            "part_65_plus": old,
            "part_sans_bac": random.uniform(20, 70, count),
            "niveau_de_vie_relatif": random.uniform(70, 140, count),
            "part_80_plus_vivant_seuls": old * random.uniform(0, 0.2, count),
        },
        index=[f"49{number:03d}" for number in range(count)],
    )
    if missing:
        table.loc[table.index[::7], "niveau_de_vie_relatif"] = NAN
        table.loc[table.index[::11], "part_locaux_sans_fibre"] = NAN
    return table


def people(table, size=500.0):
    shares = ["part_65_plus", "part_sans_bac", "part_80_plus_vivant_seuls"]
    return pd.DataFrame(size, index=table.index, columns=shares)


def first_fifth(index):
    """Shares of the first fifth in one draw, by the definition."""
    count = int(np.ceil(0.2 * index.notna().sum() - 1e-9))
    ranks = scoring.rank(index).astype(float)
    cut = ranks.sort_values().iloc[count - 1]
    share = (count - (ranks < cut).sum()) / (ranks == cut).sum()
    return (ranks < cut) + share * (ranks == cut)


# --- ranks ---------------------------------------------------------------------------------------

SCORES = st.one_of(
    st.floats(-1e6, 1e6), st.floats(0, 100), st.sampled_from([0.0, 50.0, 50 + 1e-12, 50 + 1e-6])
)


@given(st.lists(SCORES, min_size=1, max_size=60))
def test_ranks_are_those_of_a_full_sort(values):
    scores = np.array(values)
    order = np.argsort(-scores, kind="stable")
    assert descending(scores).tolist() == order.tolist()
    ranks, best = ranks_of(scores[None])[0], 1
    for place, at in enumerate(order, start=1):
        if place > 1 and scores[order[place - 2]] - scores[at] > scoring.TIE:
            best = place
        assert ranks[at] == best


def test_ranks_of_a_whole_country():
    """35 000 scores, few ties then many, against pandas."""
    scores = np.random.default_rng(7).normal(50, 12, 35_000).clip(0, 100)
    for index in (scores.round(4), scores.round(1)):
        expected = pd.Series(index).rank(method="min", ascending=False)
        assert (ranks_of(index[None])[0] == expected).all()
    infinite = np.array([1.0, -np.inf, np.inf, 1.0])
    assert ranks_of(infinite[None]).tolist() == [[2, 4, 1, 2]]


# --- choices of method ---------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [True, False])
def test_each_draw_is_the_engine_with_these_choices(missing):
    """With missing cells and no threshold; then whole, asking for every indicator kept."""
    table, least = communes(missing=missing), 0 if missing else 1
    national = references(communes(400, seed=9))
    free = Indice.of(METHOD)
    least = Completude(least, least)
    free = Indice(free.weights, free.indicateurs, free.agregation, True, least)
    found = method_choices(table, free, 120, seed=3, reference=national)
    ranks = []
    for _, draw in found.tirages.iterrows():
        rules = {
            code: rule
            if rule.absolue
            else Regle(
                draw["normalisation"], rule.points_0, rule.points_100, rule.sens,
                parametres=PARAMETRES.get(draw["normalisation"], {}),
            )
            for code, rule in free.indicateurs.items()
        }  # fmt: skip
        tree = {
            node: {child: draw[f"poids_{child}"] for child in below if f"poids_{child}" in draw}
            for node, below in free.weights.items()
        }
        method = Indice(tree, rules, draw["agregation"], True)
        kept = table.drop(columns=[draw["retire"]] if draw["retire"] else [])
        ranks.append(scoring.score(kept, method, national).noeuds["indice"])
    fifths = sum(first_fifth(index) for index in ranks) / len(ranks)
    np.testing.assert_allclose(found.territoires["premier_cinquieme"], fifths, atol=1e-12)
    frame = pd.DataFrame([scoring.rank(index) for index in ranks]).astype(float)
    for name, share in (("rang_min_90", 0.05), ("rang_median", 0.5), ("rang_max_90", 0.95)):
        exact = frame.apply(lambda x, s=share: np.quantile(x, s, method="inverted_cdf"))
        assert (found.territoires[name] == exact).all(), name
    declared = scoring.rank(scoring.score(table, free).noeuds["indice"]).astype(float)
    np.testing.assert_allclose(
        found.tirages["deplacement"], (frame - declared).abs().mean(axis=1), atol=1e-12
    )


def test_what_is_drawn():
    found = method_choices(communes(), METHOD, 500, reference=references(communes())).tirages
    assert (found["retire"] != "").sum() == 100
    assert set(found["normalisation"]) == {"bornes", "rang_centile", "z_score"}
    standard = found["normalisation"] == "z_score"
    assert set(found.loc[standard, "agregation"]) == {"arithmetique"}
    assert set(found.loc[~standard, "agregation"]) == {"arithmetique", "geometrique", "harmonique"}
    np.testing.assert_allclose(found["poids_reseau"] + found["poids_usages"], 1)
    many = method_choices(communes(), METHOD, 6000, reference=references(communes())).tirages
    np.testing.assert_allclose(many["normalisation"].value_counts(True), 1 / 3, atol=0.02)
    free = many[~many["normalisation"].eq("z_score")]["agregation"]
    np.testing.assert_allclose(free.value_counts(True), 1 / 3, atol=0.02)
    alone = method_choices(communes(), METHOD, 50).tirages
    assert set(alone["normalisation"]) == {""}  # no national distribution, no other normalisation


@pytest.mark.parametrize("concentration", [10, 50, 100])
def test_weights_are_spread_as_announced(concentration):
    options = Choices(concentration=concentration)
    drawn = method_choices(communes(), METHOD, 4000, choices=options).tirages["poids_reseau"]
    assert drawn.mean() == pytest.approx(0.25, abs=0.01)
    assert drawn.std() == pytest.approx((0.25 * 0.75 / (concentration + 1)) ** 0.5, rel=0.06)


# --- noise of the data ---------------------------------------------------------------------------


def drawn(table, denominators, noise, population=None, draws=6000):
    data = collapse(table, METHOD, None)
    generator, index = np.random.default_rng(4), table.index[data.rows]
    return {
        code: pd.DataFrame(values, columns=index)
        for law in laws_of(table, data, denominators, population, noise)
        for code, values in law.draw(generator.spawn(law.streams), draws)
    }


#: Surveyed by sample, as communes of 10 000 or more inhabitants are.
LARGE = 10_000


@pytest.mark.parametrize(
    ("modele", "deff", "inhabitants", "factor"),
    [
        ("sondage", 1.5, LARGE, 2.25),
        ("sondage", 1, LARGE, 1.5),
        ("sondage", 2, LARGE, 3),
        ("superpopulation", 1.5, LARGE, 3.25),
        ("superpopulation", 1.5, LARGE - 1, 1),
    ],
)
def test_variances_are_those_of_the_model(modele, deff, inhabitants, factor):
    table = communes(12, missing=False)
    population = pd.Series(inhabitants, index=table.index)
    noise = Noise(
        modele, effet_plan=deff, imbriques=[("part_65_plus", "part_80_plus_vivant_seuls")]
    )
    found = drawn(table, people(table, 2000), noise, population)
    for code in ("part_65_plus", "part_sans_bac"):
        share = table[code] / 100
        expected = 100 * np.sqrt(factor * share * (1 - share) / 2000)
        np.testing.assert_allclose(found[code].std()[table.index], expected, rtol=0.05)
        np.testing.assert_allclose(found[code].mean()[table.index], table[code], atol=0.25)
    # Parts of one Dirichlet: cov(old, old and alone) = c·p_alone·(1 − p_old)/N.
    old, alone = found["part_65_plus"], found["part_80_plus_vivant_seuls"]
    assert (alone <= old).all(axis=None)
    covariance = ((old - old.mean()) * (alone - alone.mean())).mean()[table.index]
    p_old, p_alone = table["part_65_plus"], table["part_80_plus_vivant_seuls"]
    expected = factor * p_alone * (100 - p_old) / 2000
    np.testing.assert_allclose(covariance, expected, rtol=0.15, atol=0.15)


def test_the_dirichlet_is_exact_for_few_people():
    table = communes(12, missing=False)
    noise = Noise("sondage", imbriques=[("part_65_plus", "part_80_plus_vivant_seuls")])
    large = pd.Series(LARGE, index=table.index)
    found = drawn(table, people(table, 60), noise, large, draws=20_000)["part_65_plus"]
    p = table["part_65_plus"] / 100
    np.testing.assert_allclose(found.var()[table.index], 1e4 * 2.25 * p * (1 - p) / 60, rtol=0.05)


def test_small_communes_are_surveyed_whole():
    """Under 10 000 inhabitants, everyone once in five years; from there on, 40 % of dwellings."""
    table = communes(20)
    small, large = (pd.Series(LARGE - less, index=table.index) for less in (1, 0))
    noise = Noise("sondage", imbriques=[("part_65_plus", "part_80_plus_vivant_seuls")])

    def shifts(population, noise):
        found = data_noise(table, METHOD, people(table), 50, population=population, noise=noise)
        return found.tirages["deplacement"]

    assert (shifts(small, noise) == 0).all()
    assert (shifts(large, noise) > 0).all()
    # Without a population, the widest denominator: 500 people here.
    assert (shifts(None, noise) == 0).all()
    # The chance of small numbers is everywhere, and the survey adds to it.
    assert (shifts(small, Noise()) > 0).all()
    assert shifts(large, Noise()).mean() > shifts(small, Noise()).mean()


def test_extreme_shares_stay_shares():
    table = communes(10, missing=False)
    table.iloc[0, 1], table.iloc[0, 4], table.iloc[1, 2] = 0.0, 0.0, 100.0
    for modele in ("sondage", "superpopulation"):
        for chain in ((), [("part_65_plus", "part_80_plus_vivant_seuls")]):
            for size in (1.0, 3.0, 1e6):
                noise, large = Noise(modele, imbriques=chain), pd.Series(LARGE, index=table.index)
                found = drawn(table, people(table, size), noise, large, draws=200)
                for values in found.values():
                    assert values.stack().between(0, 100).all()
    assert (drawn(table, people(table), Noise("sondage"))["part_65_plus"]["49000"] == 0).all()


def test_rounding():
    table = communes(15, missing=False)
    found = drawn(table, people(table), Noise(arrondis={"niveau_de_vie_relatif": 2.0}))
    shift = found["niveau_de_vie_relatif"] - table["niveau_de_vie_relatif"]
    assert shift.abs().max(axis=None) <= 1
    assert shift.std().mean() == pytest.approx(1 / 3**0.5, rel=0.05)


WIDE, NARROW = "part_65_plus", "part_80_plus_vivant_seuls"


def smoothed(size=400.0, count=16):
    """A table whose narrow share is smoothed, the same as counted, and what smoothed it."""
    counted = communes(count, missing=False)
    denominators = people(counted, size)
    old = (counted[NARROW] / 100 * size).round()
    counted[NARROW] = 100 * old / size
    found = shrink(old, denominators[NARROW], pd.Series("49", counted.index))
    return counted.assign(**{NARROW: 100 * found.parts}), counted, denominators, found


def logit(percent):
    return np.log(percent / (100 - percent))


@pytest.mark.parametrize("chain", [[], [(WIDE, NARROW)]])
@pytest.mark.parametrize("inhabitants", [LARGE - 1, LARGE])
def test_smoothed_shares_have_the_moments_announced(chain, inhabitants):
    table, counted, denominators, found = smoothed()
    population = pd.Series(inhabitants, table.index)
    for modele in ("superpopulation", "sondage"):
        noise = Noise(modele, imbriques=chain, lisses={NARROW: found})
        logits = logit(drawn(table, denominators, noise, population, 8000)[NARROW])[table.index]
        p = counted[NARROW] / 100
        survey = found.poids * np.sqrt(2.25 / (p * (1 - p) * 400)) * (inhabitants >= LARGE)
        posterior = found.ecarts_logit * (modele == "superpopulation")
        expected = np.hypot(survey, posterior)
        np.testing.assert_allclose(logits.mean(), logit(table[NARROW]), atol=0.03)
        np.testing.assert_allclose(logits.std(), expected, rtol=0.05, atol=1e-9)


def test_a_share_above_100_stays_what_it_is_and_is_named():
    """Some are, of counts of two exploitations of the census: a commune is not sent to the end."""
    table = communes(12, missing=False)
    table.loc["49003", "part_sans_bac"] = 101.0
    found = drawn(table, people(table), Noise(), draws=50)["part_sans_bac"]
    assert (found["49003"] == 101).all()
    both = uncertainty(table, METHOD, 50, denominators=people(table))
    assert any("hors de 0 à 100 %" in line for line in both.remarques)
    assert both.territoires.notna().all(axis=None)


def test_a_chain_is_drawn_without_the_share_that_is_missing():
    table = communes(12, missing=False)
    table.loc["49003", NARROW] = NAN
    noise = Noise(imbriques=[(WIDE, NARROW)])
    found = drawn(table, people(table), noise)[WIDE]
    p = table[WIDE]["49003"] / 100
    assert found["49003"].std() == pytest.approx(100 * (p * (1 - p) / 500) ** 0.5, rel=0.05)


def test_the_widest_share_of_a_chain_is_drawn_around_the_share_declared():
    """p̃ = (r + 0.5) / (N + 1), with 20 people of whom 5: 0.2619."""
    table = communes(2, missing=False).assign(**{WIDE: 25.0, NARROW: 5.0})
    noise = Noise(imbriques=[(WIDE, NARROW)])
    found = drawn(table, people(table, 20), noise, draws=200_000)[WIDE]
    np.testing.assert_allclose(found.mean(), 100 * 5.5 / 21, atol=0.1)


def test_nothing_of_the_data_moves():
    table = communes(12, missing=False)[["part_locaux_sans_fibre"]]
    nothing = pd.DataFrame(index=table.index)
    found = uncertainty(table, METHOD, 20, denominators=nothing, population=table.iloc[:, 0])
    assert any("n'a de bruit connu" in line for line in found.remarques)


def test_smoothed_shares_move_with_their_chain():
    """As much as the share counted does: standardised, they are the same draws."""
    table, counted, denominators, found = smoothed()
    chain = [(WIDE, NARROW)]
    raw = drawn(counted, denominators, Noise(imbriques=chain))
    moved = drawn(table, denominators, Noise(imbriques=chain, lisses={NARROW: found}))
    pd.testing.assert_frame_equal(raw[WIDE], moved[WIDE])
    for code in table.index:
        with_wide = [np.corrcoef(logit(x[NARROW][code]), x[WIDE][code])[0, 1] for x in (raw, moved)]
        assert with_wide[0] == pytest.approx(with_wide[1], abs=1e-9)
    assert np.corrcoef(moved[WIDE].iloc[:, 0], moved[NARROW].iloc[:, 0])[0, 1] > 0.1
    alone = drawn(table, denominators, Noise(lisses={NARROW: found}))
    assert abs(np.corrcoef(alone[WIDE].iloc[:, 0], alone[NARROW].iloc[:, 0])[0, 1]) < 0.05


@pytest.mark.parametrize("chain", [[], [(WIDE, NARROW)]])
@pytest.mark.parametrize("modele", ["superpopulation", "sondage"])
def test_smoothed_shares_that_are_extreme_empty_or_unknown(chain, modele):
    index = [f"49{number:03d}" for number in range(12)]
    counts = pd.Series([0.0, 1, 40, 0, 3, 2, 5, 1, 4, 0, NAN, 0], index)
    people_of = pd.Series([40.0, 40, 40, 1, 40, 40, 40, 40, 40, 0, 40, 40], index)
    areas = pd.Series(["49"] * 11 + [None], index)  # the last one has no area
    found = shrink(counts, people_of, areas)
    table = communes(12, missing=False).assign(**{NARROW: 100 * found.parts, WIDE: 100.0})
    denominators = pd.DataFrame({WIDE: people_of, NARROW: people_of})
    noise = Noise(modele, imbriques=chain, lisses={NARROW: found})
    for inhabitants in (LARGE - 1, LARGE):
        population = pd.Series(inhabitants, index)
        values = drawn(table, denominators, noise, population, 200)[NARROW]
        known = values[[code for code in index if not math.isnan(found.parts[code])]]
        assert known.stack().between(0, 100).all()
        ranks = data_noise(table, METHOD, denominators, 30, population=population, noise=noise)
        assert ranks.territoires["premier_cinquieme"].sum() == pytest.approx(3)
    lone = values[index[-1]]  # 0 of 40, smoothed by no area
    assert (lone > 0).all() if modele == "superpopulation" else (lone == 0).all()
    unknown = found.at(pd.Index(index))
    unknown.ecarts_logit[:] = NAN
    still = drawn(table, denominators, Noise(modele, lisses={NARROW: unknown}), 0 * population, 50)
    assert (still[NARROW][index[1:3]] == still[NARROW][index[1:3]].iloc[0]).all(axis=None)


def test_a_share_in_two_chains():
    table = communes(6)
    noise = Noise(imbriques=[(WIDE, NARROW), ("part_sans_bac", NARROW)])
    with pytest.raises(UsageError, match="imbriqué dans deux suites"):
        data_noise(table, METHOD, people(table), 5, noise=noise)


# --- both ----------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=40),
    st.integers(1, 30),
    st.booleans(),
)
def test_shares_of_the_first_fifth_add_up(values, draws, with_reference):
    """Ties or not: they add up to K = ceil(0.2 · ranked)."""
    table = pd.DataFrame(
        {"a": np.array(values, float), "b": 1.0}, index=map(str, range(len(values)))
    )
    index = Indice(
        {"i": {"a": 1, "b": 1}}, {"a": Regle("bornes", 0, 3), "b": Regle("bornes", 0, 2)}
    )
    national = references(table) if with_reference else None
    expected = np.ceil(0.2 * len(values) - 1e-9)
    for found in (
        method_choices(table, index, draws, reference=national),
        data_noise(table, index, pd.DataFrame({"a": 50.0}, index=table.index), draws),
    ):
        assert found.territoires["premier_cinquieme"].sum() == pytest.approx(expected)
        low, middle, high = (
            found.territoires[f"rang_{name}"] for name in ("min_90", "median", "max_90")
        )
        assert ((low >= 1) & (low <= middle) & (middle <= high) & (high <= len(values))).all()


def test_the_same_call_gives_the_same_numbers_whatever_the_order():
    table = communes()
    arguments = {"denominators": people(table), "reference": references(table)}
    one = uncertainty(table, METHOD, 60, **arguments).territoires
    again = uncertainty(table, METHOD, 60, **arguments).territoires
    shuffled = uncertainty(table.sample(frac=1, random_state=1), METHOD, 60, **arguments)
    pd.testing.assert_frame_equal(one, again)
    pd.testing.assert_frame_equal(one, shuffled.territoires.loc[one.index])
    other = uncertainty(table, METHOD, 60, seed=2, **arguments).territoires
    assert (one["proba_premier_cinquieme"] != other["proba_premier_cinquieme"]).any()
    assert list(one) == [
        "rang_median", "rang_min_90", "rang_max_90", "proba_premier_cinquieme",
        "part_scenarios_premier_cinquieme", "lecture",
    ]  # fmt: skip


def test_chunks_do_not_change_the_draws(monkeypatch):
    table = communes()
    whole = method_choices(table, METHOD, 80).territoires
    noise = Noise(imbriques=[(WIDE, NARROW)], arrondis={"niveau_de_vie_relatif": 2.0})
    noisy = data_noise(table, METHOD, people(table), 80, noise=noise).territoires
    monkeypatch.setattr("fragilite.robustness.chunks.CELLS", 200)
    pd.testing.assert_frame_equal(method_choices(table, METHOD, 80).territoires, whole)
    again = data_noise(table, METHOD, people(table), 80, noise=noise).territoires
    pd.testing.assert_frame_equal(again, noisy)


def test_readings():
    one = pd.Series([0.9, 0.9, 0.5, 0.1, 0.11, NAN, 0.95])
    other = pd.Series([0.95, 0.89, 0.49, 0.0, 0.1, 1.0, 0.05])
    assert lecture(one, other).tolist() == [
        "signal net", "signal probable", "à confirmer sur le terrain", "pas de signal",
        "à confirmer sur le terrain", "", "à confirmer sur le terrain",
    ]  # fmt: skip
    strict = lecture(one, other, Seuils(net=0.95, probable=0.9, sans=0.05))
    assert strict.tolist() == [
        "signal probable", "à confirmer sur le terrain", "à confirmer sur le terrain",
        "à confirmer sur le terrain", "à confirmer sur le terrain", "",
        "à confirmer sur le terrain",
    ]  # fmt: skip


def test_the_reading_takes_its_thresholds():
    table = communes(20, missing=False)
    arguments = {"denominators": people(table), "reference": references(table)}
    usual = uncertainty(table, METHOD, 60, **arguments).territoires["lecture"]
    none = Seuils(net=1.1, probable=1.1, sans=-0.1)
    found = uncertainty(table, METHOD, 60, **arguments, seuils=none).territoires["lecture"]
    assert len(set(usual)) > 1
    assert set(found) == {"à confirmer sur le terrain"}


def test_without_denominators_choices_only():
    found = uncertainty(communes(missing=False), METHOD, 20)
    assert found.donnees is None
    assert found.territoires["rang_median"].isna().all()
    assert found.territoires["part_scenarios_premier_cinquieme"].notna().all()
    assert (found.territoires["lecture"] == "").all()
    assert any("dénominateurs" in line for line in found.remarques)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_too_few_communes(count):
    table = communes(count, missing=False)
    found = uncertainty(table, METHOD, 20, denominators=people(table))
    assert found.territoires["proba_premier_cinquieme"].sum() == pytest.approx(1)
    assert (found.territoires["lecture"] == "").all()
    assert any("Moins de 5" in line for line in found.remarques)


def test_all_equal_and_none_ranked():
    table = communes(10, missing=False)
    table.loc[:] = table.iloc[0].to_numpy()
    found = method_choices(table, METHOD, 20, reference=references(communes()))
    assert found.territoires["premier_cinquieme"].round(12).eq(0.2).all()
    assert found.territoires["rang_max_90"].eq(1).all()
    index = Indice.of(METHOD)
    strict = Indice(index.weights, index.indicateurs, completude_min=Completude(0, 1))
    holed = communes(10, missing=False)
    holed.iloc[::2, 0] = NAN
    holed.iloc[1::2, 1] = NAN
    none = uncertainty(holed, strict, 10, denominators=people(holed)).territoires
    assert none["part_scenarios_premier_cinquieme"].isna().all()
    assert none["rang_median"].isna().all()
    assert (none["lecture"] == "").all()


def test_a_flat_national_distribution_leaves_the_declared_score():
    table = communes(30)
    national = references(communes(200))
    national["part_sans_bac"] = scoring.Reference.of(np.array([5.0, 5.0]))
    found = method_choices(table, METHOD, 50, reference=national).territoires
    assert found["premier_cinquieme"].sum() == pytest.approx(6)


def test_bad_input():
    table = communes(10)
    with pytest.raises(UsageError, match="Code en double : 49000"):
        method_choices(pd.concat([table, table.iloc[:1]]), METHOD)
    with pytest.raises(UsageError, match="au moins 1"):
        method_choices(table, METHOD, 0)
    with pytest.raises(UsageError, match="Aucun indicateur"):
        method_choices(table * NAN, METHOD, 5)
    mixed = Indice({"i": {"a": 1}}, {"a": Regle("bornes", 0, 1)}, {"i": "arithmetique"})
    with pytest.raises(UsageError, match="même agrégation"):
        method_choices(pd.DataFrame({"a": [1.0]}), mixed, 5)
    empty = table.assign(part_sans_bac=NAN)
    label = METHOD.indicateurs["part_sans_bac"].libelle
    found = uncertainty(empty, METHOD, 10)
    assert f"Sans aucune valeur, non tirés : {label}." in found.remarques
    assert found.territoires["part_scenarios_premier_cinquieme"].notna().any()


def test_an_indicator_without_national_distribution_is_named():
    table, national = communes(20, missing=False), references(communes(200))
    assert uncertainty(table, METHOD, 20, reference=national).remarques == [
        "Sans dénominateurs, le bruit des données n'est pas mesuré."
    ]
    del national["part_sans_bac"]
    found = uncertainty(table, METHOD, 20, reference=national)
    label = METHOD.indicateurs["part_sans_bac"].libelle
    assert found.remarques[0] == (
        f"Sans distribution nationale pour {label} : seule la normalisation déclarée a servi aux "
        "scénarios."
    )
    assert set(found.methode.tirages["normalisation"]) == {""}
    del national["part_locaux_sans_fibre"]  # absolute bounds: it is compared with nothing
    assert uncertainty(table, METHOD, 20, reference=national).remarques == found.remarques
