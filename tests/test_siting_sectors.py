"""Sectors: known optima, brute force, properties of every plan, rules that none can keep."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragilite.errors import UsageError
from fragilite.outputs import geographic_layer
from fragilite.siting import (
    Ground,
    Rules,
    Settings,
    by_air,
    compared,
    inner_points,
    naive_plan,
    nearest_plan,
    neighbours,
    net_need,
    posts_table,
    roadmap,
    stability,
)
from fragilite.siting.assignment import separators, value_of, within
from fragilite.siting.bound import lower_bound
from fragilite.siting.neighbours import bridged
from fragilite.siting.problem import model

FREE = {"poids_epci": 0.0, "base_min": 0.0, "ecart": 1e-6}


def line(need, epci=None, step=1000.0):
    """Communes in a row, one every kilometre."""
    count = len(need)
    codes = tuple(f"{49001 + k}" for k in range(count))
    at = step * np.arange(count)
    links = np.array([(k, k + 1) for k in range(count - 1)], dtype=np.int64).reshape(-1, 2)
    return Ground(
        codes,
        tuple(f"Commune {k}" for k in range(count)),
        tuple(epci or ["A"] * count),
        np.array(need, dtype=float),
        np.abs(np.subtract.outer(at, at)),
        links,
    )


def groups(found):
    shared = found.plan.affectation
    return {
        tuple(rows["code_insee"].str[-1].astype(int) - 1) for _, rows in shared.groupby("secteur")
    }


def test_two_halves_of_a_line():
    found = roadmap(line([10] * 6), Settings(2, tolerance=0, **FREE))
    assert groups(found) == {(0, 1, 2), (3, 4, 5)}
    # each half: one commune at the base, two at 1 km; 40 people of 60 travel 1 km
    assert found.valeur == pytest.approx(4000 / 6)
    assert found.borne <= found.valeur + 1e-6
    assert found.ecart < 1e-5
    assert set(found.plan.affectation["code_base"]) == {"49002", "49005"}


def test_an_epci_is_cut_only_if_it_is_worth_it():
    ground = line([10] * 6, epci="AABBBB")
    wide = {"tolerance": 0.4, "base_min": 0.0, "ecart": 1e-6}
    assert groups(roadmap(ground, Settings(2, poids_epci=0.0, **wide))) == {(0, 1, 2), (3, 4, 5)}
    held = roadmap(ground, Settings(2, poids_epci=1000.0, **wide))
    assert groups(held) == {(0, 1), (2, 3, 4, 5)}
    whole = roadmap(ground, Settings(2, poids_epci=0.0, **wide), Rules(epci_entiers=True))
    assert groups(whole) == {(0, 1), (2, 3, 4, 5)}


def test_a_commune_heavier_than_a_post_has_its_own():
    ground = line([150, 10, 20, 20])
    found = roadmap(ground, Settings(4, tolerance=0.2, **FREE))
    posts = posts_table(ground, found.plan)
    assert posts["personnes"].tolist() == pytest.approx([50, 50, 60, 40])
    own = found.plan.affectation.query("poste_entier")
    assert own["code_insee"].tolist() == ["49001", "49001"]
    parts = found.plan.affectation.groupby("code_insee")["part"].sum()
    assert parts.to_numpy() == pytest.approx(1)
    assert (
        "Commune 0 (150 personnes comptées) dépasse la charge d'un poste (50)" in found.messages[0]
    )
    assert "2 postes lui sont réservés, et 50 personnes (33 %)" in found.messages[0]


def test_rules_are_kept():
    ground = line([10] * 6)
    loose = Settings(2, tolerance=0.5, **FREE)
    kept = roadmap(ground, loose, Rules(ensemble=(("49001", "49006"),)))
    of = kept.plan.affectation.set_index("code_insee")["secteur"]
    assert of["49001"] == of["49006"]
    nobase = roadmap(ground, loose, Rules(sans_base=("49002",)))
    assert "49002" not in set(nobase.plan.affectation["code_base"])
    apart = roadmap(ground, Settings(2, tolerance=1, **FREE), Rules(separer=(("49001", "49002"),)))
    of = apart.plan.affectation.set_index("code_insee")["secteur"]
    assert of["49001"] != of["49002"]
    few = roadmap(line([10] * 6, epci="AAAABB"), loose, Rules(max_par_epci=1))
    bases = set(few.plan.affectation["code_base"])
    assert len(bases & {"49005", "49006"}) == 1
    short = roadmap(
        ground, Settings(2, tolerance=1, demi_journees=6, **FREE), Rules(min_demi_journees=2)
    )
    assert short.plan.affectation["secteur"].value_counts().max() == 3


@pytest.mark.parametrize(
    ("rules", "options", "said"),
    [
        (Rules(ensemble=(("49001", "49002", "49003", "49004"),)), {}, "garder ensemble 49001"),
        (Rules(sans_base=("49001", "49002", "49003")), {}, "sans base à Commune 1"),
        (Rules(max_par_epci=1), {}, "1 poste au plus par EPCI"),
        (Rules(min_demi_journees=3), {"demi_journees": 6}, "3 demi-journées au moins"),
        (
            Rules(separer=(("49001", "49002"), ("49002", "49003"), ("49001", "49003"))),
            {"tolerance": 0.5},
            "séparer 49001 et 49002",
        ),
    ],
)
def test_the_rule_that_forbids_every_plan_is_named(rules, options, said):
    with pytest.raises(UsageError) as error:
        roadmap(line([10] * 6), Settings(2, **FREE, **({"tolerance": 0.1} | options)), rules)
    assert said in error.value.message
    assert "\n" not in error.value.message


def test_loads_that_cannot_be_balanced_are_said():
    with pytest.raises(UsageError, match="charges à 0 % près"):
        roadmap(line([10, 11, 12]), Settings(2, tolerance=0, **FREE))


def test_bad_questions():
    with pytest.raises(UsageError, match=r"Plus de postes \(4\) que de communes \(3\)"):
        roadmap(line([1, 2, 3]), Settings(4))
    with pytest.raises(UsageError, match="Personne à accompagner"):
        roadmap(line([0, 0]), Settings(1))
    with pytest.raises(UsageError, match="12345 n'est pas dans ce territoire"):
        roadmap(line([1, 2]), Settings(1), Rules(sans_base=("12345",)))
    with pytest.raises(UsageError, match="tolérance"):
        Settings(2, tolerance=-1)
    with pytest.raises(UsageError, match=r"Commune 1 .* besoin"):
        line([1, -2])
    with pytest.raises(UsageError, match="Règle intenable, sans base"):
        roadmap(line([100, 1, 1]), Settings(3, **FREE), Rules(sans_base=("49001",)))
    with pytest.raises(UsageError, match="il reste 1 commune où baser 2 postes"):
        roadmap(line([1, 1, 1]), Settings(2, **FREE), Rules(sans_base=("49001", "49002")))
    with pytest.raises(UsageError, match="Règle intenable, séparer"):
        both = Rules(ensemble=(("49001", "49002"),), separer=(("49001", "49002"),))
        roadmap(line([1, 1, 1]), Settings(1), both)


def test_unknown_need_and_islands_are_said():
    ground = line([10, 10, np.nan, 10])
    apart = Ground(
        ground.codes, ground.noms, ground.epci, ground.besoin, ground.distances, ground.liens[:2]
    )
    found = roadmap(apart, Settings(1, **FREE))
    assert "Besoin inconnu dans 1 commune (dont Commune 2)" in found.messages[0]
    assert "Commune 2 et Commune 3 ne se touchent pas" in found.messages[1]
    assert found.plan.affectation["personnes"].isna().sum() == 1
    assert len(found.plan.affectation) == 4


def test_one_commune_one_post():
    found = roadmap(line([7]), Settings(1))
    assert (found.valeur, found.ecart) == (0, 0)


@st.composite
def grounds(draw):
    """At most 8 communes on a plane, tied in a tree and a few more links, and some posts."""
    posts = draw(st.integers(1, 3))
    count = draw(st.integers(3, 5 if posts == 3 else 8))
    number = st.integers(0, 60)
    points = np.array([[draw(number), draw(number)] for _ in range(count)], dtype=float) * 100
    need = [draw(st.integers(1, 30)) for _ in range(count)]
    links = [(draw(st.integers(0, k - 1)), k) for k in range(1, count)]
    links += [pair for pair in combinations(range(count), 2) if draw(st.integers(0, 3)) == 0]
    epci = tuple(draw(st.sampled_from("AB")) for _ in range(count))
    away = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    pairs = np.unique(np.array(links, dtype=np.int64), axis=0)
    codes = tuple(f"{10000 + k}" for k in range(count))
    return Ground(codes, codes, epci, np.array(need, dtype=float), away, pairs), posts


def brute(asked):
    """Least value of every plan there is."""
    best = np.inf
    for bases in combinations(np.flatnonzero(asked.candidats), asked.postes):
        for plan in product(bases, repeat=len(asked.charge)):
            base = np.array(plan)
            if any(base[asked.unite_de[j]] != j for j in bases) or not within(asked, base):
                continue
            if not list(separators(asked, base)):
                best = min(best, value_of(asked, base))
    return best


@settings(max_examples=25)
@given(grounds(), st.sampled_from([0.2, 0.5]), st.sampled_from([0.0, 500.0]))
def test_as_good_as_trying_everything(asked_of, tolerance, weight):
    ground, posts = asked_of
    asked_for = Settings(posts, tolerance, weight, ecart=1e-6, base_min=0.0)
    asked = model(ground, Rules(), asked_for)
    best = brute(asked)
    if not np.isfinite(best):
        with pytest.raises(UsageError, match="Aucun partage"):
            roadmap(ground, asked_for)
        return
    found = roadmap(ground, asked_for)
    assert found.valeur == pytest.approx(best, rel=1e-5, abs=1e-3)
    assert found.borne <= best * (1 + 1e-6) + 1e-3
    for guess in (best, 2 * best + 1):
        assert lower_bound(asked, guess).valeur <= best * (1 + 1e-9) + 1e-6
    base = found.base
    assert within(asked, base)
    assert not list(separators(asked, base))


@settings(max_examples=15)
@given(grounds())
def test_what_the_bound_rules_out_is_worse(asked_of):
    ground, posts = asked_of
    asked = model(ground, Rules(), Settings(posts, 0.5, 300.0, base_min=0.0))
    best, plans = np.inf, {}
    for bases in combinations(range(len(ground.codes)), asked.postes):
        for plan in product(bases, repeat=len(asked.charge)):
            base = np.array(plan)
            if all(base[asked.unite_de[j]] == j for j in bases) and within(asked, base):
                plans[plan] = value_of(asked, base)
                best = min(best, plans[plan])
    if not plans:
        return
    bound = lower_bound(asked, best)
    for plan, value in plans.items():
        for unit, j in enumerate(plan):
            assert bound.base[j] <= value + 1e-6
            assert bound.paire[unit, j] <= value + 1e-6


@pytest.fixture(scope="module")
def north(built):
    """EPCI of the north and the centre of Maine-et-Loire, Angers among them."""
    layer = geographic_layer(built)
    layer = layer[
        layer["nom_epci"].str.contains("Angers|Anjou Bleu|Loir et Sarthe|Haut-Anjou|Baug")
    ]
    assert len(layer) == 79
    return Ground(
        tuple(layer["code_insee"]),
        tuple(layer["nom"]),
        tuple(layer["code_epci"]),
        layer["personnes_a_accompagner"].to_numpy(),
        by_air(inner_points(layer)).valeurs,
        neighbours(layer),
    )


@pytest.fixture(scope="module")
def four(north):
    return roadmap(north, Settings(4))


def test_angers_and_the_north_in_four(north, four):
    assert not four.temps
    assert 0 <= four.ecart <= 0.01
    posts = posts_table(north, four.plan)
    assert len(posts) == 4
    assert posts["charge"].between(0.9, 1.1).all()
    assert posts["personnes"].sum() == pytest.approx(north.besoin.sum())
    shared = four.plan.affectation.query("not poste_entier")
    assert sorted(shared["code_insee"]) == list(north.codes)
    assert not list(separators(four.modele, four.base))
    assert "Angers" in four.messages[0]
    plans = compared(north, [four.plan, naive_plan(north, 4)])
    assert plans.loc[0, "charge_max"] < 1.11 < 1.5 < plans.loc[1, "charge_max"]


def test_same_question_same_plan(north, four):
    again = roadmap(north, Settings(4))
    pd.testing.assert_frame_equal(again.plan.affectation, four.plan.affectation)
    assert (again.valeur, again.borne) == (four.valeur, four.borne)


def test_stability(north, four):
    same = stability(four, np.tile(north.besoin, (2, 1)))
    assert (same.tirages, same.sans_partage) == (2, 0)
    assert (same.communes == 1).all()
    random = np.random.default_rng(1)
    noisy = north.besoin * random.normal(1, 0.2, (6, len(north.codes)))
    found = stability(four, noisy)
    assert found.communes.between(0, 1).all()
    assert 0.7 < found.communes.mean() < 1
    with pytest.raises(UsageError, match="79 communes attendues"):
        stability(four, np.ones((3, 5)))


def test_nearest_plan_and_table():
    ground = line([10, 20, 30, 40])
    today = nearest_plan(ground, ["49001", "49004", "49004"], "Aujourd'hui")
    posts = posts_table(ground, today, radii=[1])
    assert posts["personnes"].tolist() == [30, 35, 35]
    assert posts["distance_moyenne"].tolist() == pytest.approx([2 / 3, 3 / 7, 3 / 7])
    assert posts["part_1"].tolist() == [100, 100, 100]
    assert posts["charge"].tolist() == pytest.approx([0.9, 1.05, 1.05])
    with pytest.raises(UsageError, match="aucune base"):
        nearest_plan(ground, [], "Aujourd'hui")


def test_net_need_keeps_what_is_not_known():
    assert np.isnan(net_need(np.array([np.nan]), np.array([3.0])))[0]


def test_bridges_are_the_shortest():
    at = np.array([0.0, 1, 10, 11, 30])
    links, added = bridged(np.array([[0, 1], [2, 3]]), np.abs(np.subtract.outer(at, at)))
    assert added.tolist() == [[1, 2], [3, 4]]
    assert len(links) == 4


def test_a_missing_trip_is_never_used():
    ground = line([10] * 4)
    away = ground.distances.copy()
    away[0, 1] = away[1, 0] = np.nan
    holed = Ground(ground.codes, ground.noms, ground.epci, ground.besoin, away, ground.liens, "min")
    found = roadmap(holed, Settings(2, tolerance=0.5, **FREE))
    rows = found.plan.affectation
    assert rows["distance"].notna().all()
    assert (
        model(holed, Rules(), Settings(2)).poids_epci
        < 1
        < model(ground, Rules(), Settings(2)).poids_epci
    )
