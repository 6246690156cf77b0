"""The page inside the communes that are split: every figure is that of the build by IRIS."""

import re
from dataclasses import replace

import odd_builds
import pytest
from test_report import NASTY, Alone, Reader, blank, data_of, overseas
from test_report_roadmap import plain, said, texts

from fragilite.french import glued, number
from fragilite.iris import FEW_LIVE
from fragilite.iris_reading import cautions, hiding, neighbourhoods, span
from fragilite.outputs import report
from fragilite.pipeline import build

ANGERS, SAUMUR = "49007", "49328"


@pytest.fixture(scope="module")
def page(built):
    return report.render(built)


def rows_of(data, code):
    told = data["communes"][code]
    return range(told["de"], told["a"])


def read(data, name, row):
    column = data["valeurs"][name]
    whole = column["v"][row]
    return None if whole is None else whole / 10 ** column["d"]


def test_a_page_without_iris_has_nothing_of_them(built):
    page = report.render(replace(built, iris=None))
    assert 'id="villes"' not in page
    assert "cache ses quartiers" not in page
    assert "villes" not in data_of(page)
    assert report._text("iris.css") not in page
    assert report._text("iris.js") not in page


def test_opening_says_what_angers_hides(built, page):
    line = plain(hiding(built))
    assert line.startswith("À Angers, l'indice de la commune (34,2")
    opening = page[page.index('<section id="bref"') :]
    assert line in said(opening[: opening.index("</section>")])


def test_nothing_is_said_to_be_hidden_where_no_class_is_low(built):
    high = replace(built, communes=built.communes.assign(classe=4))
    assert hiding(high) == ""
    assert hiding(replace(built, iris=None)) == ""


def test_section_has_the_communes_that_are_split(built, page):
    shown = texts(page, '<table class="serre villes">')
    inside = built.iris.inside
    table = built.communes.set_index("nom")
    assert len(shown) == len(inside)
    assert [row[0] for row in shown[:3]] == ["Angers", "Cholet", "Saumur"]
    for name, index, low, high, share in shown:
        row = inside.loc[table.loc[name, "code_insee"]]
        assert index == number(table.loc[name, built.method.root], 1)
        assert (low, high) == (number(row["iris_min"], 1), number(row["iris_max"], 1))
        assert share == f"{number(row['part_iris_4_5'], 1)}\u00a0%"


def test_vintage_geography_and_small_iris_are_said(page):
    section = said(page[page.index('<section id="villes"') :])
    assert "2022 (communes de 2024)" in section
    assert "Les parts des petits IRIS sont rapprochées" in section
    assert "Un chiffre de quartier ne dit rien d'une personne" in section


def test_sheets_say_what_explain_says(built, page):
    data = data_of(page)["villes"]
    for code, told in data["communes"].items():
        found = neighbourhoods(built, code)
        assert told["dit"] == glued(span(found))
        assert [data["textes"][at] for at in told["notes"]] == [*map(glued, cautions(found))]


def test_iris_of_angers_are_those_of_the_build(built, page):
    data, method = data_of(page)["villes"], built.method
    rows = built.iris.of(ANGERS)
    rows = rows[~rows["type_iris"].isin(FEW_LIVE) & rows[method.root].notna()]
    places = rows_of(data, ANGERS)
    assert [data["nom"][row] for row in places] == rows["nom_iris"].tolist()
    for name in (method.root, "population", *(one["code"] for one in data["chiffres"])):
        shown = [read(data, name, row) for row in places]
        for value, wanted in zip(shown, rows[name].tolist(), strict=True):
            assert value is None or value == pytest.approx(wanted, abs=0.501)
    index = [read(data, method.root, row) for row in places]
    assert index == sorted(index, reverse=True)
    words = [data["classes"][data["classe"][row]] for row in places]
    assert words == rows["classe_libelle"].tolist()


def test_share_below_the_baccalaureat_goes_from_14_to_80_in_angers(page):
    data = data_of(page)["villes"]
    assert "part_sans_bac" in [one["code"] for one in data["chiffres"]]
    shares = [read(data, "part_sans_bac", row) for row in rows_of(data, ANGERS)]
    assert min(shares) == pytest.approx(14, abs=0.5)
    assert max(shares) == pytest.approx(80.5, abs=0.5)


def test_what_is_borrowed_from_the_commune_is_no_column(page):
    data = data_of(page)["villes"]
    assert "part_locaux_sans_fibre" not in [one["code"] for one in data["chiffres"]]
    assert any("Même valeur dans tous les IRIS" in text for text in data["textes"])


def test_words_are_not_in_the_script(built):
    script = report._text("iris.js")
    assert not [one.libelle for one in built.method.figures.values() if one.libelle in script]
    assert "innerHTML" not in script


# --- any build -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        odd_builds.unmapped, odd_builds.renamed, odd_builds.empty, overseas, blank,
        lambda _: build(Alone(SAUMUR, "Saumur seule", ("49",))),
        lambda _: build(Alone("49003", "Une commune non découpée", ("49",))),
    ],
    ids=["unmapped", "renamed", "empty", "overseas", "blank", "one", "whole"],
)  # fmt: skip
def test_any_territory(built, odd):
    strange = odd(built)
    page = report.render(strange)
    assert Reader(page).faults == []
    assert not re.search(r">\s*(nan|None)\s*<", page)
    shown = set(data_of(page).get("villes", {}).get("communes", {}))
    assert shown <= set(strange.communes["code_insee"])


@pytest.mark.parametrize("method", ["ifn-2020", "ifn-2023", "fragilite-2026-sans-reseau"])
def test_any_method(method):
    page = report.render(build("49", method=method))
    assert Reader(page).faults == []
    assert not re.search(r">\s*(nan|None)\s*<", page)


def test_names_of_iris_are_escaped(built):
    table = built.iris.table.assign(nom_iris=NASTY)
    result = built.iris.result
    page = report.render(replace(built, iris=replace(built.iris, made=lambda: (table, result))))
    assert Reader(page).faults == []
    assert "<script>alert" not in page
    assert set(data_of(page)["villes"]["nom"]) == {NASTY}
