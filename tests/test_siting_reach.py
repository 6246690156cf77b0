"""Distances, reach, covering and calendar: cases worked by hand, and what they must refuse."""

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fragilite.errors import UsageError
from fragilite.siting import (
    Distances,
    Ground,
    Plan,
    Points,
    by_air,
    by_road,
    cover,
    inner_points,
    nearest_plan,
    neighbours,
    parameters,
    reach,
    rounds,
)
from fragilite.siting.rounds import half_days, tour


def test_every_parameter_has_its_unit_and_reason():
    for parameter in parameters().values():
        assert parameter.unite
        assert parameter.raison.endswith(".")
        assert parameter.reference.endswith(".") or parameter.reference.endswith(".py")


def test_angers_to_paris():
    ends = Points(("angers", "paris"), np.array([47.4736, 48.8567]), np.array([-0.5542, 2.3522]))
    away = by_air(ends, factor=1).valeurs
    assert away[0, 1] == pytest.approx(264_700, rel=5e-3)
    np.testing.assert_allclose(by_air(ends).valeurs, 1.3 * away)
    assert away[0, 0] == 0


def test_points_that_are_not_degrees():
    with pytest.raises(UsageError, match="ne sont pas des degrés"):
        Points(("49007",), np.array([6_700_000.0]), np.array([430_000.0]))
    with pytest.raises(UsageError, match="deux fois : a"):
        Points(("a", "a"), np.zeros(2), np.zeros(2))
    with pytest.raises(UsageError, match="Facteur de détour"):
        by_air(Points(("a",), np.zeros(1), np.zeros(1)), factor=0.5)


def test_inner_point_of_a_crescent_and_neighbours():
    disc, hole = shapely.Point(700_000, 6_600_000).buffer(1000), shapely.Point(700_300, 6_600_000)
    crescent = disc - hole.buffer(900)
    corner = shapely.box(699_000, 6_601_000, 699_500, 6_602_000)
    layer = gpd.GeoDataFrame(
        {"code_insee": ["a", "b", "c"]}, geometry=[crescent, disc - crescent, corner], crs=2154
    )
    points = inner_points(layer)
    back = gpd.GeoSeries.from_xy(points.longitude, points.latitude, crs=4326).to_crs(2154)
    assert crescent.contains(back.iloc[0])
    assert not crescent.contains(crescent.centroid)
    assert neighbours(layer).tolist() == [[0, 1]]
    layer.loc[1, "geometry"] = None
    with pytest.raises(UsageError, match="1 commune sans contour : b"):
        inner_points(layer)


def test_a_shared_corner_is_not_a_border():
    squares = [shapely.box(x, y, x + 1, y + 1) for x, y in ((0, 0), (1, 0), (1, 1))]
    layer = gpd.GeoDataFrame({"code_insee": list("abc")}, geometry=squares, crs=2154)
    assert neighbours(layer).tolist() == [[0, 1], [1, 2]]


def test_road_times(tmp_path):
    path = tmp_path / "od.csv"
    path.write_text("origine;destination;minutes\na;b;12,5\nb;a;14\nz;a;1\n", encoding="utf-8-sig")
    found = by_road(path, ["a", "b", "c"])
    assert found.valeurs[0, 1] == 12.5
    assert found.valeurs[1, 1] == 0
    assert np.isnan(found.valeurs[2, 0])
    assert "4 trajets absents de la table sur 9" in found.message
    assert "a → c" in found.message
    path.write_text("origine,destination,minutes\na,b,vite\n", encoding="utf-8")
    with pytest.raises(UsageError, match="ligne 2 : « vite »"):
        by_road(path, ["a", "b"])
    path.write_text("de,vers,minutes\n", encoding="utf-8")
    with pytest.raises(UsageError, match="colonne origine et destination absente"):
        by_road(path, ["a"])


@pytest.fixture
def four_communes():
    """People, places and metres: kinds EPN (open) and bibliothèque (closed, and not known)."""
    people = pd.Series([100.0, 50, np.nan, 50], index=["a", "b", "c", "d"])
    places = pd.DataFrame(
        {
            "id": ["p", "q", "r"],
            "genre": ["EPN", "bibliothèque", "bibliothèque"],
            "ouvert_et_recoit": [True, False, None],
        }
    )
    metres = np.array([[1000, 9000, 4000], [6000, 500, 30e3], [0, 0, 0], [np.nan, 12e3, np.nan]])
    return people, places, Distances(tuple("abcd"), tuple("pqr"), metres)


def test_reach_by_hand(four_communes):
    found = reach(*four_communes)
    table = found.table.set_index(["genre", "lecture", "rayon"])
    epn = table.loc[("EPN", "connu", 5)]
    assert (epn["personnes"], epn["part"], epn["communes"]) == (100, 50, 2)
    assert table.loc[("EPN", "connu", 10), "personnes"] == 150
    every = table.loc[("tous", "connu", 5)]
    assert (every["personnes"], every["communes_au_dela"], every["lieux"]) == (150, 1, 3)
    library = table.loc[("bibliothèque", "ouvert_et_recoit", 20)]
    assert (library["lieux"], library["lieux_inconnus"], library["personnes"]) == (0, 1, 0)
    assert library["personnes_au_dela"] == 200
    assert found.beyond("EPN", "connu", 5)["code_insee"].tolist() == ["b", "d"]
    nearest = found.communes.query("genre == 'tous' and lecture == 'connu'")
    assert nearest["id"].tolist() == ["p", "q", "p", "q"]


def test_reach_grows_with_the_radius(four_communes):
    table = reach(*four_communes, radii=[1, 2, 7, 50]).table
    for _, rows in table.groupby(["genre", "lecture"]):
        assert rows["personnes"].is_monotonic_increasing
        assert (rows["communes"] + rows["communes_au_dela"]).unique().tolist() == [4]


def test_reach_without_any_place(four_communes):
    people, places, _ = four_communes
    none = Distances(tuple("abcd"), (), np.empty((4, 0)))
    table = reach(people, places.iloc[:0], none).table
    assert table["personnes"].tolist() == [0] * 6
    assert set(table["genre"]) == {"tous"}


def test_reach_refuses(four_communes):
    people, places, distances = four_communes
    with pytest.raises(UsageError, match="Rayon −1,0"):
        reach(people, places, distances, radii=[-1])
    with pytest.raises(UsageError, match="sans colonne genre"):
        reach(people, places.drop(columns="genre"), distances)
    minutes = Distances(distances.origines, distances.destinations, distances.valeurs, "min")
    with pytest.raises(UsageError, match="rayons en minutes"):
        reach(people, places, minutes)


def test_cover_by_hand():
    away = np.abs(np.subtract.outer([0.0, 1, 2, 9, 10], [0.0, 1, 2, 9, 10]))
    found = cover(np.array([5.0, 1, 1, 3, np.nan]), away, 1, 1)
    assert found.choisis == (1,)
    assert (found.personnes, found.total) == (7, 10)
    assert found.borne == pytest.approx(7, abs=1e-4)
    assert found.courbe["gain"].tolist()[1:] == [7, 3]
    already = cover(np.array([5.0, 1, 1, 3, 0]), away, 1, 1, np.array([0, 1, 0, 0, 0], bool))
    assert already.choisis == (3,)  # 3 and 4 cover as much: the first code
    assert already.courbe["personnes"].tolist() == [7, 10, 10]
    with pytest.raises(UsageError, match="6 lieux à ouvrir pour 5"):
        cover(np.ones(5), away, 6, 1)
    with pytest.raises(UsageError, match="Rayon"):
        cover(np.ones(5), away, 1, 0)


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=2, max_size=8),
    st.integers(1, 3),
    st.integers(1, 8),
)
def test_cover_is_as_good_as_trying_everything(communes, places, radius):
    at, people = np.array(communes, dtype=float).T
    places = min(places, len(at))
    away = np.abs(np.subtract.outer(at, at))
    found = cover(people, away, places, radius)
    best = max(
        people[(away[:, list(chosen)] <= radius).any(axis=1)].sum()
        for chosen in combinations(range(len(at)), places)
    )
    assert found.personnes == best
    assert found.borne >= best - 1e-6
    assert found.courbe["personnes"].is_monotonic_increasing


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=40), st.integers(1, 60), st.integers(1, 4))
def test_half_days_are_shared_whole(people, total, least):
    total = max(total, least)
    found = half_days(np.array(people), total, least, 0)
    assert found.sum() == total
    assert found[0] >= least
    assert (found[found > 0] >= least).all()
    assert (found > 0).sum() == min(len(people), total // least)


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=40), st.integers(1, 60))
def test_half_days_without_a_rule_are_the_largest_remainders(people, total):
    """The base has one; the others have what proportion gives them, to less than one."""
    found = half_days(np.array(people), total, 0, 0)
    assert found.sum() == total
    assert found[0] >= 1
    others, left = np.array(people[1:]), total - found[0]
    if others.sum() > 0 and found[0] == 1:
        assert (np.abs(found[1:] - left * others / others.sum()) < 1 + 1e-6).all()


def test_a_town_is_visited_as_its_people_ask():
    """45 communes and 32 half-days: one each for 32 of them would give the town as a village."""
    people = np.array([4362.0] + [234.0] * 44)
    found = half_days(people, 32, 0, 0)
    assert found[0] == 10  # 32 × 4362 / 14658 = 9.5
    assert (found > 0).sum() == 23


def test_half_days_follow_people():
    found = half_days(np.array([500.0, 250, 130, 120]), 32, 1, 0)
    assert found.tolist() == [16, 8, 4, 4]


def test_tour_goes_round_a_square():
    corners = np.array([[0, 0], [1, 1], [0, 1], [1, 0]], dtype=float)
    away = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1))
    order = tour(away, 0).tolist()
    assert away[order, np.roll(order, -1)].sum() == pytest.approx(4)
    assert order[0] == 0


@pytest.fixture
def row():
    at = 1000.0 * np.arange(5)
    codes = tuple("abcde")
    need = np.array([60.0, 10, 10, 10, 10])
    links = np.array([(k, k + 1) for k in range(4)])
    return Ground(codes, codes, ("E",) * 5, need, np.abs(np.subtract.outer(at, at)), links)


def test_calendar_by_hand(row):
    found = rounds(row, nearest_plan(row, ["a"], "un"), per_week=5, weeks=2, least=1)
    assert found.parts["demi_journees"].tolist() == [6, 1, 1, 1, 1]
    days = found.calendrier
    assert len(days) == 10
    assert days["code_insee"].value_counts().to_dict() == {"a": 6, "b": 1, "c": 1, "d": 1, "e": 1}
    together = "".join(days["code_insee"])
    assert "bc" in together
    assert "de" in together
    assert days["semaine"].value_counts().to_dict() == {1: 5, 2: 5}


def test_calendar_says_where_one_is_received(row):
    found = rounds(row, nearest_plan(row, ["a"], "un"), per_week=2, weeks=1, least=1)
    assert found.parts["demi_journees"].tolist() == [1, 1, 0, 0, 0]
    assert found.parts["recue_a"].tolist() == ["a", "b", "b", "b", "b"]
    with pytest.raises(UsageError, match="Calendrier"):
        rounds(row, nearest_plan(row, ["a"], "un"), per_week=0)


def test_a_post_for_one_commune_stays_there(row):
    table = nearest_plan(row, ["a", "e"], "deux").affectation
    found = rounds(row, Plan("un", table[table["code_insee"] == "a"]), per_week=8, weeks=1)
    assert set(found.calendrier["code_insee"]) == {"a"}
    assert found.calendrier["jour"].max() == 4
