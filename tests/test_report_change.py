"""The page with what changed: every figure and every sentence is the trend's."""

import html
import re
from dataclasses import replace

import numpy as np
import odd_builds
import pandas as pd
import pytest
from test_report import NASTY, Alone, Reader, data_of, overseas
from test_report_roadmap import plain, said, texts

from fragilite import cartography
from fragilite.errors import SourceUnavailableError
from fragilite.french import glued
from fragilite.ingestion import bundled
from fragilite.outputs import report
from fragilite.pipeline import build
from fragilite.territory import parse_territory
from fragilite.trend import BAISSE, HAUSSE, LECTURES, RIEN, comparing, trend, whole_trend
from fragilite.trend.report import facts
from fragilite.trend.wording import (
    PAS_DEMONTRE,
    between,
    how_to_read,
    left_out,
    not_compared,
    of_communes,
    of_whole,
    signed,
)


@pytest.fixture(scope="module")
def change(built):
    return trend(built)


@pytest.fixture(scope="module")
def page(built, change):
    return report.render(built, change=change)


@pytest.fixture(scope="module")
def told(change):
    return facts(change)


def column(found, row):
    """A value that the script reads, None where it is missing."""
    whole = found["v"][row] if found else None
    return None if whole is None else whole / 10 ** found["d"]


# --- with and without ----------------------------------------------------------------------------


def test_a_page_without_changes_has_nothing_of_them(built):
    page = report.render(built)
    assert "Ce qui a changé" not in page
    assert "change" not in data_of(page)
    assert report._text("change.css") not in page
    assert report._text("change.js") not in page


def test_same_build_gives_same_bytes(built, page):
    assert report.render(built, change=trend(built)) == page


def test_page_is_well_formed_and_light(page):
    reader = Reader(page)
    assert reader.faults == []
    ids = [found["id"] for _, found in reader.tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert len(page.encode()) < 320_000


# --- words ---------------------------------------------------------------------------------------


def test_section_says_what_trend_says(page, told):
    text = said(page)
    lines = [*not_compared(told), *how_to_read(told), PAS_DEMONTRE]
    for one in told["comparaisons"]:
        lines += [*of_whole(one["groupes"], one), *of_communes(one, one)]
    for one in told["indice"]:
        record = one | {"unite": "", "decimales": 1}
        lines += [left_out(one), *of_whole(one["groupes"], record), *of_communes(one, record)]
    assert len(lines) > 15
    for line in lines:
        assert plain(line) in text, line


def test_what_cannot_be_said_has_its_reason(page):
    section = said(page[page.index('<section id="change"') : page.index('id="modele-change"')])
    assert "Ce n'est pas l'indice de 2017" in section
    assert "Les revenus de Filosofi 2023" in section
    assert plain("« Pas de changement démontré » ne dit pas que rien n'a changé.") in section


def test_epci_are_those_of_the_trend(page, change, told):
    shown = texts(page, '<table class="serre changements">\n<caption')
    rows = {row["nom"]: row for row in told["indice"][0]["groupes"] if row["niveau"] == "epci"}
    known = {name for name, row in rows.items() if row["changement"] is not None}
    assert [cells[0] for cells in shown] == sorted(known)
    for cells in shown:
        row = rows[cells[0]]
        assert cells[1] == f"{signed(row['changement'], 1)}{between(row, 1)}{row['lecture']}"
        assert len(cells) == 1 + 1 + len(told["comparaisons"])


def test_earlier_vintages_are_among_the_sources(page, told):
    sources = page[page.index('id="table-sources"') :]
    for one in told["sources"]:
        assert html.escape(glued(one["note"]), quote=False) in html.unescape(sources)


def test_opening_leads_to_the_section(page):
    assert '<a href="#change">ce qui a changé</a>' in page


# --- what the script reads -----------------------------------------------------------------------


def test_sheets_say_each_change_with_its_interval(built, change, page):
    data = data_of(page)["change"]
    codes = built.communes["code_insee"].tolist()
    names = [built.method.root, "part_sans_bac", "part_sans_diplome", "taux_chomage"]
    assert len(data["chiffres"]) == len(names)
    for name, one in zip(names, data["chiffres"], strict=True):
        rows = change.change(name).loc[codes]
        sides = {"avant": "valeur_avant", "apres": "valeur_apres", "change": "changement",
                 "min": "min_90", "max": "max_90"}  # fmt: skip
        for side, of in sides.items():
            read = [column(one[side], row) for row in range(len(codes))]
            assert read == pytest.approx(rows[of].tolist(), abs=0.0501), (name, side)
        assert [data["lectures"][place] for place in one["lecture"]] == rows["lecture"].tolist()
    index = data["chiffres"][0]
    assert index["annees"] == "2017 → 2023"
    assert index["libelle"] == built.method.noeuds[built.method.root].libelle


def test_sheets_set_a_change_beside_those_of_the_epci_and_the_departement(built, change, page):
    one = data_of(page)["change"]["chiffres"][1]
    groups = change.groupes[
        (change.groupes["indicateur"] == "part_sans_bac")
        & (change.groupes["millesime_avant"] == "2017")
    ].set_index("code")["changement"]
    epci = data_of(page)["epci"]["code"]
    for row, code in enumerate(epci):
        value, wanted = column(one["epci"], row), groups.get(code, np.nan)
        assert (value is None) == pd.isna(wanted)
        assert value is None or value == pytest.approx(wanted, abs=0.0501)
    assert column(one["departement"], 0) == pytest.approx(groups["49"], abs=0.0501)


def test_map_gives_each_commune_the_colour_of_its_reading(built, change, page):
    theme = data_of(page)["themes"][-1]
    rows = change.change(built.method.root).loc[built.communes["code_insee"]]
    assert [theme["classes"][place] for place in theme["places"]] == rows["lecture"].tolist()
    assert theme["classes"] == list(LECTURES)
    assert len(set(theme["couleurs"])) == 3
    at = len(data_of(page)["themes"]) - 1
    assert f'name="theme" value="{at}"' in page
    legend = page.split(f'<div class="legende" data-theme="{at}"')[1].split("</div>")[0]
    for word in LECTURES:
        count = int((rows["lecture"] == word).sum())
        assert re.search(rf"{word.capitalize()} <span class=\"compte\">{count} commune", legend)


def test_colours_are_told_apart_in_grey_and_nothing_shown_is_neutral():
    def grey(colour):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return 0.299 * red + 0.587 * green + 0.114 * blue

    levels = sorted(grey(cartography.CHANGE[word]) for word in (HAUSSE, BAISSE, RIEN))
    assert min(np.diff(levels)) > 40
    channels = [int(cartography.CHANGE[RIEN][at : at + 2], 16) for at in (1, 3, 5)]
    assert max(channels) - min(channels) < 8


def test_words_are_not_in_the_script(built):
    script = report._text("change.js")
    labels = [one.libelle for one in built.method.figures.values()]
    assert not [word for word in [*labels, *LECTURES] if word in script]
    assert "innerHTML" not in script


# --- any build -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        odd_builds.unmapped, odd_builds.renamed, overseas,
        lambda _: build(Alone("49328", "Saumur seule", ("49",))),
        lambda _: build(parse_territory(epci="200071876")),
    ],
    ids=["unmapped", "renamed", "overseas", "one", "epci"],
)  # fmt: skip
def test_any_territory(built, odd):
    strange = odd(built)
    page = report.render(strange, change=trend(strange))
    assert Reader(page).faults == []
    assert not re.search(r">\s*(nan|None)\s*<", page)
    figures = data_of(page)["change"]["chiffres"]
    assert {len(one["lecture"]) for one in figures} == {len(strange.communes)}


def test_names_are_escaped(built):
    strange = odd_builds.renamed(built, NASTY)
    assert "<script>alert" not in report.render(strange, change=trend(strange))


@pytest.mark.parametrize("method", ["ifn-2020", "ifn-2023", "fragilite-2026-sans-reseau"])
def test_any_method(method):
    made = build("49", method=method)
    found = whole_trend(made)
    page = report.render(made, change=found)
    assert Reader(page).faults == []
    assert ("Ce qui a changé" in page) == (found is not None)


def test_no_index_to_follow_leaves_figures(built, change):
    """A method whose groups are not recomputed, or whose scored figures have no past."""
    root = built.method.root
    alone = replace(
        change,
        communes=change.communes[change.communes["indicateur"] != root],
        groupes=change.groupes[change.groupes["indicateur"] != root],
        indices={}, indices_groupes={}, tenus={},
    )  # fmt: skip
    page = report.render(built, change=alone)
    data = data_of(page)
    assert Reader(page).faults == []
    assert data["themes"][-1]["libelle"] == data["change"]["chiffres"][0]["libelle"]
    assert "Ce n'est pas l'indice de" not in page


def test_older_vintages_are_folded_and_the_newest_shown(built, change):
    def older(table):
        rows = table[table["millesime_avant"] == "2017"].copy()
        rows["millesime_avant"] = "2011"
        return pd.concat([table, rows], ignore_index=True)

    pairs = [replace(one, avant="2011") for one in change.comparaisons if one.avant == "2017"]
    both = replace(
        change,
        comparaisons=[*change.comparaisons, *pairs],
        communes=older(change.communes),
        groupes=older(change.groupes),
    )
    page = report.render(built, change=both)
    fold = page[page.index("Depuis des millésimes plus anciens") :]
    assert "2011 → 2023" in fold[: fold.index("</details>")]
    assert {one["annees"] for one in data_of(page)["change"]["chiffres"]} == {
        "2017 → 2023", "2012 → 2023",
    }  # fmt: skip


# --- the command ---------------------------------------------------------------------------------


def test_shown_by_default_only_where_the_whole_territory_has_a_past(built, change, monkeypatch):
    assert whole_trend(built) is not None
    beyond = built.communes["code_insee"].head(3)
    table = built.communes.copy()
    table.loc[beyond.index, "code_departement"] = "44"
    silent = change.communes.copy()
    silent.loc[silent["code_insee"].isin(beyond), "changement"] = np.nan
    monkeypatch.setattr(comparing, "trend", lambda _: replace(change, communes=silent))
    assert whole_trend(replace(built, communes=table)) is None

    def nothing(_):
        raise SourceUnavailableError("Aucun millésime antérieur", "Prenez-en un.")

    monkeypatch.setattr(comparing, "trend", nothing)
    assert whole_trend(built) is None


def test_command_says_nothing_of_change_without_earlier_vintages(run, tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "earlier_tables", lambda _: [])
    assert run("report", "--dept", "49")[0] == 0
    assert 'id="change"' not in (tmp_path / "rapport_49.html").read_text(encoding="utf-8")
