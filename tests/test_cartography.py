"""What a map shows: classes and colours that read without hue, outlines without gaps."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from odd_builds import moved

from fragilite import cartography
from fragilite.cartography import MISSING, RAMP, VOLUME, Theme, ramp
from fragilite.pipeline import build

#: Dichromats' sight, as linear RGB matrices (Viénot, Brettel and Mollon, 1999).
PROTAN = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
DEUTAN = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def linear(colour):
    levels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("sight", [np.eye(3), PROTAN, DEUTAN], ids=["usuelle", "protan", "deutan"])
def test_ramp_is_ordered_in_lightness_for_every_sight(sight):
    seen = [float(sight @ linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in RAMP]
    for light, dark in pairwise(seen):
        assert (light + 0.05) / (dark + 0.05) > 1.3


def test_no_two_classes_look_alike_to_a_dichromat():
    for sight in (PROTAN, DEUTAN):
        seen = [np.clip(sight @ linear(colour), 0, 1) ** (1 / 2.2) for colour in RAMP]
        assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 0.15


@given(st.integers(0, 12))
def test_ramp_has_as_many_colours_as_classes(count):
    colours = ramp(count)
    assert len(colours) == count
    levels = [luminance(colour) for colour in colours]
    assert levels == sorted(levels, reverse=True)


def test_themes_of_the_default_method(built):
    found = cartography.themes(built)
    assert [theme.code for theme in found] == [
        "indice", "reseau", "usages", "competences", "sociale", VOLUME,
    ]  # fmt: skip
    index, network = found[0], found[1]
    assert index.libelles[1] == "fragilité faible (27 à 37)"
    assert index.libelles[2] == "fragilité moyenne (37 à 45,5)"
    assert network.libelles == ("0 à 20", "20 à 40", "40 à 60", "60 à 80", "80 à 100")
    assert found[-1].is_quantity
    assert not index.is_quantity


def test_a_limit_is_written_as_the_method_gives_it(built):
    root = built.method.noeuds["indice"]
    limits = root.classes.model_copy(update={"bornes": [0, 27.25, 37, 45.5, 55, 100]})
    nodes = {**built.method.noeuds, "indice": root.model_copy(update={"classes": limits})}
    fine = replace(built, method=built.method.model_copy(update={"noeuds": nodes}))
    assert cartography.themes(fine)[0].libelles[1] == "fragilité faible (27,25 à 37)"


def test_classes_of_a_map_are_those_of_the_files(built):
    by_code = {theme.code: theme for theme in cartography.themes(built)}
    table = built.communes
    assert by_code["indice"].classes(table["indice"]).equals(table["classe"])
    assert by_code["usages"].classes(table["fragilite_usages"]).equals(table["classe_usages"])


def test_open_scale_is_cut_in_fifths():
    other = build("49", method="ifn-2020", uncertainty=False)
    theme = cartography.themes(other)[0]
    counts = theme.classes(other.communes[theme.colonne]).value_counts()
    assert len(theme.couleurs) == 5
    assert counts.min() >= 30
    assert counts.max() <= 41


def without_values(built, columns):
    table = built.communes.copy()
    table[columns] = np.nan
    return replace(built, communes=table)


def test_nothing_to_class():
    other = build("49", method="ifn-2020", uncertainty=False)
    nodes = [other.method.column(node) for node in other.method.descending()]
    found = cartography.themes(without_values(other, [*nodes, "personnes_a_accompagner"]))
    assert VOLUME not in [theme.code for theme in found]
    assert found[0].bornes == found[0].libelles == found[0].couleurs == ()
    empty = pd.Series([np.nan, np.nan])
    assert found[0].classes(empty).isna().all()


def test_one_value_on_an_open_scale_has_a_class():
    other = build("49", method="ifn-2020", uncertainty=False)
    alone = replace(other, communes=other.communes.head(1))
    theme = cartography.themes(alone)[0]
    assert theme.classes(alone.communes[theme.colonne]).tolist() == [1]
    assert len(theme.couleurs) == len(theme.libelles) == 1


def test_outlines_touch_as_before(built):
    plane = cartography.plane(built)
    before = built.inputs.contours().geometry
    assert plane.contours.index.tolist() == before.index.tolist()
    assert shapely.coverage_is_valid(plane.contours.to_numpy())
    assert plane.contours.area.sum() == pytest.approx(before.area.sum(), rel=1e-3)
    assert plane.cadres == ()
    assert set(plane.epci.index) == set(built.epci["code_epci"])
    assert plane.epci.area.sum() == pytest.approx(plane.contours.area.sum(), rel=1e-9)


def test_territories_far_apart_have_frames(built):
    plane = cartography.plane(moved(built, ["49", "974", "971"]))
    assert [frame.libelle for frame in plane.cadres] == ["Guadeloupe", "La Réunion"]
    width = plane.boite[2] - plane.boite[0]
    assert width < 30_000  # metres: the square of 49 is 10 km wide, not the Atlantic
    for frame, code in zip(plane.cadres, [2, 1], strict=True):
        inside = shapely.box(*frame.boite)
        assert inside.contains(plane.contours.iloc[code])
    assert not any(
        shapely.box(*a.boite).intersects(shapely.box(*b.boite))
        for a, b in combinations(plane.cadres, 2)
    )


def test_two_islands_of_one_projection_stay_apart(built):
    plane = cartography.plane(moved(built, ["971", "972"]))
    assert len(plane.cadres) == 1
    assert plane.contours.area.min() > 0


def test_island_alone_fills_its_map(built):
    plane = cartography.plane(moved(built, ["974"]))
    assert plane.cadres == ()
    assert plane.contours.area.iloc[0] == pytest.approx(1.15e8, rel=0.05)


def test_no_outline_at_all(built):
    lost = moved(built, ["49", "974"])
    lost.inputs.contours().geometry = [None, None]
    plane = cartography.plane(lost)
    assert plane.contours.isna().all()
    assert len(plane.epci) == 0


def test_commune_without_outline_stays_in_its_place(built):
    lost = moved(built, ["49", "974", "971"])
    outlines = lost.inputs.contours()
    outlines.loc[outlines.index[1], "geometry"] = None
    plane = cartography.plane(lost)
    assert plane.contours.isna().tolist() == [False, True, False]


def test_words_of_the_legend_are_the_method_s(built):
    words = built.method.noeuds["indice"].classes.libelles
    theme: Theme = cartography.themes(built)[0]
    assert [label.split(" (")[0] for label in theme.libelles] == words
    assert MISSING not in theme.libelles
