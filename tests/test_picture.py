"""The map as a picture: what is drawn, what is written on it, and the same bytes twice."""

import re
import subprocess
import sys
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text
from odd_builds import AWKWARD, empty, named, no_outlines, only, two_islands
from PIL import Image

from fragilite.cartography import CIRCLE, MISSING, themes
from fragilite.errors import UsageError
from fragilite.method import available_methods
from fragilite.outputs import picture
from fragilite.outputs.board import PAGE
from fragilite.outputs.picture import Highlight, choose, described, draw, faded
from fragilite.pipeline import build


def words(figure):
    """Every text of a picture, in the order of drawing."""
    found = [text.get_text().replace("\xa0", " ") for text in figure.findobj(Text)]
    return [text for text in found if text]


def outside(figure):
    """The texts over and under the map, from the top."""
    found = sorted(figure.texts, key=lambda text: -text.get_position()[1])
    return [text.get_text().replace("\xa0", " ") for text in found]


def filled(figure, colour):
    """How many communes are filled with a colour."""
    return sum(
        len(one.get_paths())
        for one in figure.axes[0].findobj(PathCollection)
        if len(one.get_facecolor()) and to_hex(one.get_facecolor()[0]) == colour
    )


@pytest.fixture(scope="module")
def slide(built):
    return draw(built)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_twice_gives_the_same_bytes(built, tmp_path, suffix):
    one, two = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    picture.write(built, one)
    picture.write(replace(built), two)
    assert one.read_bytes() == two.read_bytes()


def test_no_date_and_nothing_to_load(built, tmp_path):
    picture.write(built, tmp_path / "a.svg")
    picture.write(built, tmp_path / "a.pdf")
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert not re.search(r"<dc:date|<image|(href|src)=\"http", svg)
    assert b"CreationDate" not in (tmp_path / "a.pdf").read_bytes()


def test_a_slide_is_a_full_screen(built, tmp_path):
    picture.write(built, tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").size == (1920, 1080)


def test_no_state_of_pyplot():
    script = (
        "import sys; from pathlib import Path; from fragilite import build;"
        "from fragilite.outputs.picture import draw; draw(build('49', uncertainty=False));"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_legend_counts_the_communes_of_each_class(built, slide):
    theme, shown = choose(built), words(slide)
    counts = built.communes["classe"].value_counts()
    for place, (label, colour) in enumerate(
        zip(theme.libelles, theme.couleurs, strict=True), start=1
    ):
        assert shown[shown.index(label) - 1] == str(counts[place])
        assert filled(slide, colour) == counts[place]
    assert MISSING not in shown


def test_title_subtitle_and_sources(slide):
    title, subtitle, *rest = outside(slide)
    assert title == "Indice de fragilité numérique — Maine-et-Loire (49)"
    assert "100 = le plus fragile" in subtitle and "176 communes au 1er janvier 2026" in subtitle
    assert "méthode fragilite-2026 1.1.0" in subtitle
    text = " ".join(rest)
    for part in ("Insee, recensement", "30 juin 2026", "IGN, Admin Express", "Licence Ouverte 2.0"):
        assert part in text
    assert "Cnaf, foyers" not in text  # not coloured here


def test_names_of_towns_do_not_meet(built, slide):
    area = slide.axes[0]
    names = {text.get_text(): text for text in area.texts}
    assert set(names) <= set(built.communes["nom"])
    assert {"Angers", "Cholet", "Saumur"} <= set(names)
    boxes = [np.array(text.get_window_extent().extents) for text in names.values()]
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart = (one[:2] >= other[2:]) | (other[:2] >= one[2:])
            assert apart.any()


def test_nothing_is_written_out_of_the_sheet(slide):
    width, height = slide.bbox.size
    for text in slide.findobj(Text):
        if text.get_text():
            left, bottom, right, top = text.get_window_extent().extents
            assert left >= 0 and bottom >= 0 and right <= width and top <= height, text


def test_circles_have_the_area_of_the_people(built):
    figure = draw(built, choose(built, "volume"))
    circles = max(figure.axes[0].collections, key=lambda one: len(one.get_sizes()))
    sizes = np.sort(circles.get_sizes())[::-1]
    people = np.sort(built.communes["personnes_a_accompagner"])[::-1]
    np.testing.assert_allclose(sizes / sizes[0], people / people[0])
    names = {text.get_text() for text in figure.axes[0].texts}
    assert {"Angers", "Cholet", "Saumur"} <= names  # in or beside their circles
    assert "10 000" in [text.replace("\u202f", " ") for text in words(figure)]
    assert "ordre de grandeur" in " ".join(words(figure))


def test_highlight_fades_the_rest(built):
    codes = frozenset(built.communes.query("code_epci == '200071876'")["code_insee"])
    figure = draw(built, sheet=PAGE, highlight=Highlight(codes, "CA Saumur Val de Loire"))
    inside = built.communes["code_insee"].isin(codes)
    for place, colour in enumerate(choose(built).couleurs, start=1):
        of_class = built.communes["classe"] == place
        assert filled(figure, colour) == (of_class & inside).sum()
        assert filled(figure, faded(colour)) == (of_class & ~inside).sum()
    assert "CA Saumur Val de Loire" in words(figure)
    assert {text.get_text() for text in figure.axes[0].texts} <= set(
        built.communes.loc[inside, "nom"]
    ) | {"Angers", "Cholet"}


# --- what there may be less of -------------------------------------------------------------------


def test_one_commune(built):
    figure = draw(only(built, ["49328"]))
    assert "Saumur" in words(figure) and "2 km" in words(figure)


def test_all_missing_is_hatched(built):
    figure = draw(empty(built))
    shown = words(figure)
    assert "Aucune valeur" in shown
    assert shown[shown.index(MISSING) - 1] == "176"
    hatched = [one for one in figure.axes[0].findobj(PathCollection) if one.get_hatch()]
    assert sum(len(one.get_paths()) for one in hatched) == 176


def test_some_missing_is_counted(built):
    table = built.communes.copy()
    table.loc[:4, "indice"] = np.nan
    shown = words(draw(replace(built, communes=table)))
    assert shown[shown.index(MISSING) - 1] == "5"


def test_no_outline_at_all(built):
    figure = draw(replace(built, inputs=replace(built.inputs, outlines=no_outlines)))
    shown = words(figure)
    assert any("Aucun contour" in text for text in shown)
    assert not any(re.fullmatch(r"\d+ k?m", text) for text in shown)  # no scale without a map
    assert "limite d'EPCI" not in shown


def test_far_islands_have_frames(built):
    codes = list(built.communes["code_insee"][:8])
    apart = only(built, codes, two_islands, code_departement=["972"] * 4 + ["974"] * 4)
    shown = words(draw(apart))
    assert any(text.strip() == "La Réunion\n hors échelle" for text in shown)


def test_awkward_name_is_drawn_as_it_is(built, tmp_path):
    strange = named(built, "49007", AWKWARD)
    figure = draw(strange)
    assert AWKWARD in words(figure)
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())
    picture.write(strange, tmp_path / "a.svg")
    assert "<script" not in (tmp_path / "a.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", available_methods())
def test_every_theme_of_every_method(method):
    found = build("49", method=method, uncertainty=False)
    for theme in themes(found):
        figure = draw(found, theme)
        assert outside(figure)[0].startswith(theme.libelle[:20])
        written = " ".join(words(figure))  # a long label takes several lines
        assert all(label in written for label in theme.libelles)


# --- choosing, describing, commanding ------------------------------------------------------------


@pytest.mark.parametrize("name", ["usages", "fragilite_usages", "Fragilité des usages", "USAGES"])
def test_a_theme_has_several_names(built, name):
    assert choose(built, name).code == "usages"


def test_an_unknown_theme_names_the_nearest(built):
    with pytest.raises(UsageError, match="--show usages"):
        choose(built, "usage")
    with pytest.raises(UsageError, match=r"Cartes possibles : indice, reseau"):
        choose(built, "zzz")


def test_described_in_words(built):
    text = described(built, choose(built)).replace("\xa0", " ")
    assert text.startswith("Carte de Maine-et-Loire (49) : indice de fragilité numérique")
    counts = [int(count) for count in re.findall(r"(\d+) communes? en", text)]
    assert sum(counts) == 176
    assert "108" in described(built, choose(built, "volume"))


def test_command_draws_where_it_is_run(run, tmp_path):
    assert run("map", "--dept", "49") == (0, "carte_49.png\n", "")
    assert Image.open(tmp_path / "carte_49.png").size == (1920, 1080)
    code, out, err = run("map", "--dept", "49")
    assert (code, out) == (2, "") and "--overwrite" in err
    assert run("map", "--dept", "49", "--overwrite")[0] == 0
    code, out, _ = run("map", "--dept", "49", "--show", "volume", "-o", "v.pdf")
    assert (code, out) == (0, "v.pdf\n")


def test_command_refuses_before_computing(run, tmp_path):
    code, _, err = run("map", "--dept", "49", "-o", "a.gif")
    assert code == 2 and ".png ou .svg ou .pdf" in err
    code, _, err = run("map", "--dept", "49", "--show", "usage")
    assert code == 2 and "Vouliez-vous dire --show usages ?" in err
    assert not list(tmp_path.glob("*.png"))


def test_outlines_that_do_not_fit_are_highlighted_all_the_same(built):
    """Two neighbours whose corners do not meet: the quick union refuses them."""

    def outlines(index):
        shapes = [shapely.box(0, 0, 10_000, 10_000), shapely.box(10_000, 0, 20_000, 10_500)]
        return gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, index=index, crs=2154))

    two = only(built, list(built.communes["code_insee"][:2]), outlines)
    figure = draw(two, sheet=PAGE, highlight=Highlight(frozenset(two.communes["code_insee"]), "x"))
    assert "x" in words(figure)


def test_circles_of_the_legend_have_the_scale_of_the_map(built):
    """The commune with most people is off the map: the others keep the scale of the legend."""
    largest = built.communes["personnes_a_accompagner"].idxmax()

    def outlines(index):
        shapes = built.inputs.contours().geometry.loc[index].copy()
        shapes.iloc[largest] = None
        return gpd.GeoDataFrame(geometry=shapes)

    off = only(built, list(built.communes["code_insee"]), outlines)
    figure = draw(off, choose(off, "volume"))
    drawn, *key = (
        one.get_sizes()
        for axes in figure.axes
        for one in axes.findobj(PathCollection)
        if len(one.get_sizes()) and to_hex(one.get_facecolor()[0]) == CIRCLE
    )
    people = off.communes["personnes_a_accompagner"].drop(largest).max()
    assert drawn.max() / people == pytest.approx(key[0][0] / 10_000)


def test_who_is_not_counted_is_not_said_to_be_nobody(built):
    towns = built.communes.copy()
    towns.loc[0, "personnes_a_accompagner"] = np.nan
    some = replace(built, communes=towns)
    subject = Highlight(frozenset([towns.loc[0, "code_insee"]]))
    assert described(some, choose(some, "volume"), subject).endswith(" : donnée manquante.")


def test_a_territory_is_elided(built):
    ain = replace(built.inputs.territory, libelle="Ain (01)")
    there = replace(built, inputs=replace(built.inputs, territory=ain))
    assert described(there, choose(there)).startswith("Carte d'Ain (01) : ")


def test_a_legend_of_a_subject_says_what_is_faded_and_counts_its_own(built):
    codes = ["49219", "49237", "49126"]
    figure = draw(built, sheet=PAGE, highlight=Highlight(frozenset(codes), "communes du dossier"))
    texts = [text for text in words(figure) if text]
    joined = " ".join(texts).replace("\xa0", " ")
    assert "Nombre de communes du sujet par classe" in joined
    assert "hors du sujet (couleur atténuée)" in joined and "173" in texts
    whole = " ".join(words(draw(built, sheet=PAGE)))
    assert "sujet" not in whole


def test_a_name_stands_beside_a_small_commune_and_leads_to_it(built):
    """Montsoreau and La Pellerine are narrower than their names: neither is under one."""
    codes = ["49219", "49237", "49126"]
    figure = draw(built, sheet=PAGE, highlight=Highlight(frozenset(codes), "communes du dossier"))
    area = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    assert len(area.lines) == 2  # a leader each
    for line in area.lines:
        start = area.transData.transform(line.get_xydata()[0])
        boxes = [text.get_window_extent(renderer) for text in area.texts]
        assert not any(box.contains(*start) for box in boxes)
    assert not draw(built, sheet=PAGE).axes[0].lines
