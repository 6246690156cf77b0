"""The picture of sectors: every post in the legend, every base named, the same bytes twice."""

from dataclasses import replace

import pandas as pd
import pytest
from odd_builds import AWKWARD, named, no_outlines, two_islands

from fragilite import inventory
from fragilite.outputs import sector_map
from fragilite.outputs.board import PAGE
from fragilite.pipeline import build
from fragilite.roadmap import load_scenario, study
from fragilite.territory import parse_territory


@pytest.fixture(scope="module")
def saumurois():
    return build(parse_territory(epci="200071876"), uncertainty=False)


@pytest.fixture(scope="module")
def outcome(saumurois):
    """Five posts: one of them for Saumur alone."""
    asked = load_scenario("volume").model_copy(update={"postes": 5})
    (found,) = study(saumurois, inventory.of_bundle(saumurois), [asked], draws=2).scenarios
    return found


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def drawn(saumurois, outcome):
    return sector_map.draw(saumurois, outcome, sector_map.sheet_for(outcome))


def test_every_post_is_in_the_legend_and_every_base_on_the_map(saumurois, outcome):
    figure = drawn(saumurois, outcome)
    area = [text.get_text() for text in figure.axes[0].texts]
    rows = sector_map.legend(outcome)
    assert sum(people for _, people, *_ in rows) == pytest.approx(outcome.postes.personnes.sum())
    assert [label for label, *_, reserved in rows if reserved] == ["1 Saumur, poste réservé"]
    for numbers, name in sector_map.bases(outcome)[["numeros", "nom_base"]].to_numpy():
        assert f"{numbers} {name}" in area
    said = " ".join(words(figure))
    for label, *_ in rows:
        assert label in said
    assert "limite d'EPCI" not in said  # there is but one


def test_names_on_the_map_do_not_meet(saumurois, outcome):
    figure = drawn(saumurois, outcome)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) >= 4
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])


def test_a_legend_is_never_cut(saumurois, outcome):
    figure = drawn(saumurois, outcome)
    figure.draw_without_rendering()
    panel = figure.axes[1]
    low = panel.get_window_extent().y0
    assert all(text.get_window_extent().y0 >= low for text in panel.texts)


def test_reserved_posts_share_a_line_and_many_posts_none(outcome):
    base = outcome.postes.iloc[[0]]
    many = [base.assign(secteur=place, nom_base=f"B{place}") for place in range(1, 22)]
    crowd = replace(outcome, postes=pd.concat(many, ignore_index=True))
    assert sector_map.legend(crowd) == []
    assert sector_map.sheet_for(crowd).hauteur == PAGE.hauteur
    whole = outcome.communes.assign(poste_entier=True)
    pair = replace(
        outcome,
        postes=pd.concat([base.assign(secteur=place) for place in (1, 2)], ignore_index=True),
        communes=pd.concat([whole.assign(secteur=place) for place in (1, 2)], ignore_index=True),
    )
    ((label, people, sector, reserved),) = sector_map.legend(pair)
    assert (label, sector, reserved) == ("1, 2 Saumur, 2 postes réservés", 1, True)
    assert people == pytest.approx(2 * base["personnes"].sum())


def test_twice_gives_the_same_bytes(saumurois, outcome, tmp_path):
    for name in ("a.png", "b.png"):
        sector_map.write(saumurois, outcome, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_islands_have_frames_and_missing_outlines_are_said(saumurois, outcome):
    towns = saumurois.communes
    codes = ["972"] * 22 + ["974"] * 23
    frame = saumurois.inputs.communes.assign(code_departement=codes)
    apart = replace(
        saumurois,
        communes=towns.assign(code_departement=codes),
        inputs=replace(saumurois.inputs, communes=frame, outlines=two_islands),
    )
    assert any("Martinique" in text for text in words(drawn(apart, outcome)))
    nowhere = replace(saumurois, inputs=replace(saumurois.inputs, outlines=no_outlines))
    assert any("Aucun contour" in text for text in words(drawn(nowhere, outcome)))


def test_an_odd_name_is_text(saumurois, outcome, tmp_path):
    posts = outcome.postes.assign(nom_base=AWKWARD)
    strange = replace(outcome, postes=posts)
    sector_map.write(named(saumurois, "49328", AWKWARD), strange, tmp_path / "a.svg")
    assert b"<script>alert" not in (tmp_path / "a.svg").read_bytes()
    assert AWKWARD in sector_map.described(saumurois, strange)
