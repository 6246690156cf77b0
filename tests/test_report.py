"""The page: its facts, what it escapes, what it weighs, and the builds that put it to the test."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from fragilite.citation import cited
from fragilite.errors import UsageError
from fragilite.explanation import CAUTIONS, explain
from fragilite.french import glued, number
from fragilite.method import load_method
from fragilite.outputs import report
from fragilite.outputs.map_tip import map_tip
from fragilite.outputs.picture import choose, described
from fragilite.outputs.report_facts import gather
from fragilite.pipeline import build
from fragilite.territory import Territory, parse_territory

NASTY = """L'"Île" & <script>alert(1)</script></script>\u2028{{ 7 }}"""
#: HTML elements that have no end, or whose end the page leaves out, as HTML allows.
OPEN = {"meta", "link", "input", "th", "td", "tr"}


class Reader(HTMLParser):
    """Reads a page, and notes its tags, its texts, and ends that close nothing."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.stack, self.faults, self.texts = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.stack and self.stack[-1] in OPEN and self.stack[-1] != tag:
            self.stack.pop()
        if not self.stack or self.stack.pop() != tag:
            self.faults.append((tag, self.getpos()))

    def handle_data(self, text):
        self.texts.append((self.stack[-1] if self.stack else "", text))


def data_of(page):
    """The block that the script reads."""
    return json.loads(re.search(r'id="donnees">(.*?)</script>', page, re.DOTALL).group(1))


def table_of(page):
    """The table of all communes, read back from the page: codes, then texts of the cells."""
    table = page[page.index('id="communes-table"') :]
    body = table[table.index("<tbody>") : table.index("</tbody>")]
    header = re.findall(r'data-colonne="(\w+)"', table)
    rows = [re.split(r"<t[dh][^>]*>", row)[1:] for row in body.split("<tr>")[1:]]
    cells = [[html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in rows]
    return pd.DataFrame(cells, columns=header, index=re.findall(r'href="#(\w+)"', body))


class Alone(Territory):
    """One commune of Maine-et-Loire, by its code."""

    def select(self, communes):
        return communes[communes.index == self.nom]


def tip(built):
    """What QGIS shows of a commune."""
    return map_tip(built, list(built.communes.columns), name="nom", code="code_insee")


def renamed(built, name):
    """The build with a name in place of all names."""
    frame, epci = built.communes.copy(), built.epci.copy()
    frame["nom"] = frame["nom_epci"] = frame["nom_departement"] = name
    epci["nom_epci"] = name
    inputs = replace(
        built.inputs,
        communes=built.inputs.communes.assign(nom=name, nom_epci=name),
        epci=built.inputs.epci.assign(nom=name),
        anciennes=built.inputs.anciennes.assign(nom=name + " d'avant"),
        territory=replace(built.inputs.territory, libelle=name),
    )
    return replace(built, communes=frame, epci=epci, inputs=inputs)


def blank(built):
    """The build of communes that have nothing."""
    shown = built.communes.copy()
    words = ["code_insee", "nom", "code_epci", "nom_epci", "code_departement", "nom_departement"]
    for name in shown.columns.difference([*words, "code_region", "nom_region", "completude"]):
        if shown[name].dtype != bool:
            nothing = np.nan if shown[name].dtype == "float64" else pd.NA
            shown[name] = pd.Series(nothing, index=shown.index, dtype=shown[name].dtype)
    shown["completude"] = 0.0
    scores = built.result.scores
    empty = replace(
        scores,
        indicateurs=scores.indicateurs * np.nan,
        contributions=scores.contributions * np.nan,
        noeuds=scores.noeuds * np.nan,
    )
    result = replace(built.result, scores=empty, volume=built.result.volume * np.nan)
    epci = built.epci.copy()
    for name in epci.columns[epci.dtypes == "float64"]:
        epci[name] = np.nan
    return replace(built, communes=shown, result=result, epci=epci, uncertainty=None)


@pytest.fixture(scope="module")
def page(built):
    return report.render(built)


@pytest.fixture(scope="module")
def facts(built):
    return gather(built)


def test_same_build_gives_same_bytes_and_no_date_of_making(page, tmp_path):
    report.write(build("49"), tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == page.encode()


def test_page_is_light(page):
    assert len(page.encode()) < 300_000


def test_page_is_well_formed(page):
    reader = Reader(page)
    assert reader.faults == []
    assert [tag for tag in reader.stack if tag not in OPEN] == []
    ids = [found["id"] for _, found in reader.tags if "id" in found]
    assert len(ids) == len(set(ids))


def test_page_loads_nothing(page):
    for tag, found in Reader(page).tags:
        assert "src" not in found, tag
        assert "style" not in found, "the policy forbids inline styles"
        assert not any(name.startswith("on") for name in found), tag
        if tag != "a":
            assert not found.get("href", "data:").startswith("http"), tag
    outside = re.sub(r'<a href="[^"]*"', "", page)
    assert "url(http" not in outside
    assert "fetch(" not in outside
    assert "XMLHttpRequest" not in outside
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_facts_are_ready_for_json(facts):
    assert json.loads(json.dumps(facts, allow_nan=False))["territoire"]["communes"] == 176


def test_every_number_of_the_table_is_the_build_s(built, page):
    table, rows = table_of(page), built.communes.set_index("code_insee")
    assert list(table.index) == list(rows.sort_values(["rang", "code_insee"]).index)
    for name in ["rang", "population", "personnes_a_accompagner", "indice", "fragilite_usages"]:
        decimals = built.columns[name].decimales
        shown = [number(float(value), decimals) for value in rows.loc[table.index, name]]
        assert table[name].tolist() == shown, name
    assert table["nom"].tolist() == rows.loc[table.index, "nom"].tolist()
    assert table["classe"].tolist() == rows.loc[table.index, "classe_libelle"].tolist()


def test_what_the_script_reads_is_the_build_s(built, page):
    data, rows = data_of(page), built.communes
    assert data["communes"]["code"] == rows["code_insee"].tolist()
    for name, column in data["communes"]["valeurs"].items():
        if name in rows:
            shown = [None if pd.isna(v) else f"{float(v):.{column['d']}f}" for v in rows[name]]
            read = [None if v is None else f"{v / 10 ** column['d']:.{column['d']}f}"
                    for v in column["v"]]  # fmt: skip
            if name.endswith("_contribution"):
                continue
            assert read == [v and v.replace("-0.0", "0.0") for v in shown], name


@pytest.mark.parametrize("method", ["fragilite-2026", "ifn-2020", "ifn-2023"])
def test_contributions_shown_add_up_to_the_index_shown(built, method):
    made = built if method == "fragilite-2026" else build("49", method=method)
    columns = gather(made)["donnees"]["communes"]["valeurs"]
    parts = [one["v"] for name, one in columns.items() if name.endswith("_contribution")]
    totals = [sum(value or 0 for value in row) for row in zip(*parts, strict=True)]
    index = columns[made.method.column(made.method.root)]
    assert totals == index["v"]


@pytest.mark.parametrize("code", ["49007", "49126", "49237", "49328"])
def test_sheet_says_what_explain_says(built, facts, code):
    told, data = explain(built, code), facts["donnees"]
    row = data["communes"]["code"].index(code)

    def read(name):
        column = data["communes"]["valeurs"].get(name)
        return None if column is None or column["v"][row] is None else (
            column["v"][row] / 10 ** column["d"])  # fmt: skip

    assert read("rang") == told["indice"]["rang"]
    assert read("rang_epci") == told["indice"]["rang_epci"]
    assert read("sur_epci") == told["indice"]["rang_epci_sur"]
    assert read("place_france") == round(told["indice"]["place_en_france"])
    assert read("rang_min_90") == told["certitude"]["rang_min_90"]
    assert (
        data["lectures"][data["communes"]["lecture"][row]]["libelle"]
        == (told["certitude"]["lecture"])
    )
    notes = [data["notes"][at] for at in data["communes"]["notes"][row]]
    for item in told["indicateurs"]:
        missing = not item["compte"] and item["code"] not in built.withdrawn
        thin = item["compte"] and (item["fiabilite"] or 1) < 0.9
        said = [note for note in notes if note.startswith(f"{item['libelle']} : ")]
        assert len(said) == missing + thin + (item["compte"] and item["statut"] == "estime")


def test_a_reading_never_goes_without_its_caution(page, facts):
    for one in facts["donnees"]["lectures"]:
        assert one["suite"] == f".{CAUTIONS.get(one['libelle'], '')}"
    shown = Reader(page).texts
    bare = [text for tag, text in shown if tag != "script" and "pas de signal" in text.casefold()]
    assert bare
    assert all("pas que personne n'y a besoin d'aide" in " ".join(text.split()) for text in bare)


def test_former_communes_are_found(facts):
    former = {name: at for name, _, at in facts["donnees"]["anciennes"]}
    names = facts["donnees"]["communes"]["nom"]
    assert names[former["Champtoceaux"]] == "Orée d'Anjou"


def test_words_come_from_the_method_and_not_from_the_script():
    script = report._text("page.js")
    method = load_method("fragilite-2026")
    for node in method.noeuds.values():
        assert node.libelle not in script
        assert not any(word in script for word in (node.classes.libelles if node.classes else []))
    for one in method.figures.values():
        assert one.libelle not in script
    assert "innerHTML" not in script


def test_page_is_cited_as_the_other_documents(built, page):
    text = re.search(r'class="citation">(.*?)</p>', page).group(1)
    assert html.unescape(text).startswith(glued(cited(built)))
    assert "2023" in text


# --- bad input -----------------------------------------------------------------------------------


def test_names_are_escaped_everywhere(built):
    page = report.render(renamed(built, NASTY))
    reader = Reader(page)
    assert reader.faults == []
    assert [found for tag, found in reader.tags if tag == "script"] == [
        {"type": "application/json", "id": "donnees"}, {},
    ]  # fmt: skip
    assert "alert(1)" not in re.search(r"<script>(.*)</script>", page, re.DOTALL).group(1)
    assert set(data_of(page)["communes"]["nom"]) == {NASTY}
    cells = {text for tag, text in reader.texts if tag == "a" and "Île" in text}
    assert cells == {NASTY}
    assert "\u2028" not in page[page.index('id="donnees">') :]


def test_one_commune():
    alone = build(Alone("49328", "Saumur seule", ("49",)))
    page = report.render(alone)
    assert Reader(page).faults == []
    assert table_of(page)["rang"].tolist() == ["1"]
    assert "est la plus intense à Saumur" in page
    assert "<caption>La commune la plus fragile (" in page
    assert "<caption>La commune où les personnes" in page
    assert data_of(page)["communes"]["valeurs"].get("rang_epci") is None


def test_a_name_takes_its_preposition(built):
    page = report.render(renamed(built, "Les Ponts-de-Cé"))
    assert "est la plus intense aux Ponts-de-Cé (" in page


def test_a_method_that_counts_nobody_has_one_reading(built):
    silent = built.method.model_copy(update={"volume": None})
    nobody = built.communes.assign(personnes_a_accompagner=np.nan)
    found = replace(built, method=silent, communes=nobody)
    page = report.render(found)
    assert "deux lectures" not in page
    label = built.columns["personnes_a_accompagner"].libelle
    assert label not in [one["libelle"] for one in gather(found)["definitions"]]
    assert label not in tip(found)


def test_a_label_keeps_its_capitals():
    found = build("49", method="ifn-2020")
    assert "(IFN 2020, reconstruit, 100 = " in report.render(found)
    assert described(found, choose(found)).split(" : ")[1].startswith("IFN 2020")


def test_reading_of_an_epci_says_whose_fifth_it_is(page):
    told = "est ici celui de cet ensemble ("
    assert told not in page
    shown = report.render(build(parse_territory(epci="200060010")))
    assert shown.count(told) == 2
    assert told in shown[shown.index('id="modele-commune"') :]


def test_all_missing(built):
    page = report.render(blank(built))
    data, table = data_of(page), table_of(page)
    assert Reader(page).faults == []
    assert set(table["indice"]) == {"–"}
    assert "Aucune commune n'a d'indice" in page
    assert "indice" not in data["communes"]["valeurs"]
    assert [theme["code"] for theme in data["themes"]] == list(built.method.descending())
    assert page.count('<path fill="url(#hachures)"') == 176
    assert not table.isin(["nan", "NaN", "<NA>", "None"]).any(axis=None)


def test_no_outline_at_all(built):
    def none(index):
        empty = gpd.GeoSeries([None] * len(index), index=index, crs=2154)
        return gpd.GeoDataFrame(geometry=empty)

    page = report.render(replace(built, inputs=replace(built.inputs, outlines=none)))
    assert "hors de la carte\u00a0: 176 communes" in page
    assert data_of(page)["communes"]["centre"] == [None] * 176


def test_an_epci_across_two_departements(facts):
    ancenis = next(row for row in facts["epci"] if row["nom"] == "CC du Pays d'Ancenis")
    assert ancenis["remarque"] == "EPCI partiel : 1 commune sur 20"
    assert (ancenis["indice"], ancenis["part"]) == ("–", None)
    data = facts["donnees"]
    row = data["communes"]["nom"].index("Ingrandes-le-Fresne-sur-Loire")
    assert data["communes"]["valeurs"]["rang_epci"]["v"][row] is None
    place = data["epci"]["nom"].index("CC du Pays d'Ancenis")
    assert data["epci"]["valeurs"]["indice"]["v"][place] is None


def overseas(built):
    """Maine-et-Loire with three of its communes moved to three islands."""
    frame = built.communes.copy()
    codes = ["971", "974", "976"]
    frame.loc[frame.index[:3], "code_departement"] = codes
    places = [(-61.5, 16.2), (55.5, -21.1), (45.1, -12.8)]
    real = built.inputs.contours()

    def outlines(index):
        shapes = real.geometry.to_crs(4326).copy()
        for at, (lon, lat) in enumerate(places):
            shapes.iloc[at] = shapely.box(lon, lat, lon + 0.3, lat + 0.2)
        return gpd.GeoDataFrame(geometry=shapes.loc[index])

    return replace(built, communes=frame, inputs=replace(built.inputs, outlines=outlines))


def test_overseas_outlines_have_frames_inside_the_drawing(built):
    drawing = gather(overseas(built))["carte"]
    assert [one["libelle"] for one in drawing["cadres"]] == ["Guadeloupe", "La Réunion", "Mayotte"]
    for frame in drawing["cadres"]:
        left, top, width, height = frame["boite"]
        assert left >= 0
        assert left + width <= drawing["largeur"]
        assert top + height <= drawing["hauteur"]
    for at, frame in enumerate(drawing["cadres"]):
        x, y = map(int, re.match(r"M(-?\d+) (-?\d+)", drawing["communes"][at]["chemin"]).groups())
        left, top, width, height = frame["boite"]
        assert left <= x <= left + width
        assert top <= y <= top + height


@pytest.mark.parametrize("method", ["ifn-2020", "ifn-2023", "fragilite-2026-sans-reseau"])
def test_other_methods(method):
    made = build("49", method=method)
    page = report.render(made)
    data = data_of(page)
    assert Reader(page).faults == []
    assert data["bornee"] == made.method.methode.bounded
    assert len(data["themes"]) == len(made.method.noeuds) + 1


def test_without_uncertainty_nothing_is_said_of_it():
    page = report.render(build("49", uncertainty=False))
    data = data_of(page)
    assert Reader(page).faults == []
    assert (data["communes"]["lecture"], data["lectures"]) == ([], [])
    assert "rang_min_90" not in table_of(page)
    assert "lecture\u00a0:" not in page.split("<template")[0].casefold()


def test_a_method_that_does_not_add_up(tmp_path):
    path = tmp_path / "geo.toml"
    path.write_text(
        'base = "fragilite-2026"\nretire = ["incertitude"]\n[methode]\ncode = "geo"\n'
        'version = "1.0.0"\ndate = 2026-11-22\nlibelle = "Essai"\nagregation = "geometrique"\n',
        encoding="utf-8",
    )
    data = gather(build("49", method=path))["donnees"]
    assert not [name for name in data["communes"]["valeurs"] if name.endswith("_contribution")]


def test_too_large_a_territory_is_refused(built, monkeypatch):
    monkeypatch.setattr(report, "HEAVIEST", 100_000)
    with pytest.raises(UsageError, match="une page de 0,3 Mo, 0,1 Mo au plus") as error:
        report.render(built)
    assert "--dept" in error.value.remedy
