"""Where a commune is counted from: town halls that are checked, then points inside."""

from __future__ import annotations

import dataclasses

import geopandas as gpd
import pytest

from fragilite import build
from fragilite.centres import HALL, INSIDE, centre_points, centres
from fragilite.errors import FragiliteError
from fragilite.inputs import Inputs
from fragilite.places.similarity import metres


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return build("49", uncertainty=False).inputs


def test_every_centre_lies_in_its_commune(inputs: Inputs) -> None:
    found = centres(inputs)
    assert found["origine"].value_counts().to_dict() == {HALL: 164, INSIDE: 12}
    outlines = inputs.contours().to_crs(4326)
    points = gpd.points_from_xy(found["longitude"], found["latitude"])
    assert outlines.geometry.contains(gpd.GeoSeries(points, outlines.index, crs=4326)).all()


def test_the_town_hall_of_a_former_commune_is_not_that_of_cholet(inputs: Inputs) -> None:
    """Le Puy-Saint-Bonnet, 7 km south of the town, was published as the town hall of Cholet."""
    cholet = centres(inputs).loc["49099"]
    former = (-0.894493, 46.995188)
    social_centre = (-0.879771, 47.056934)  # of the commune, 24 avenue Maudet
    here = (cholet["longitude"], cholet["latitude"])
    assert metres(here, social_centre) < 3000 < metres(here, former)


def test_a_commune_outside_of_the_bundle_has_a_point_inside(inputs: Inputs) -> None:
    """The same outlines under codes of another département: no town hall is known there."""
    moved = {code: f"48{code[2:]}" for code in inputs.communes.index}
    towns = inputs.communes.rename(index=moved).assign(code_departement="48")
    outlines = inputs.contours().rename(index=moved)
    elsewhere = dataclasses.replace(inputs, communes=towns, outlines=outlines.reindex)
    found = centres(elsewhere)
    assert set(found["origine"]) == {INSIDE}
    contained = outlines.to_crs(4326).geometry.contains(
        gpd.GeoSeries(
            gpd.points_from_xy(found["longitude"], found["latitude"]), found.index, crs=4326
        )
    )
    assert contained.all()


def test_no_distance_is_told_from_a_commune_without_a_centre(inputs: Inputs) -> None:
    moved = {"49007": "48007"}
    towns = inputs.communes.rename(index=moved)
    towns.loc["48007", "code_departement"] = "48"
    lost = dataclasses.replace(inputs, communes=towns)
    assert centres(lost).loc["48007"].isna().sum() == 2
    with pytest.raises(FragiliteError, match="Angers") as caught:
        centre_points(lost)
    assert "fragilite fetch contours" in caught.value.remedy
