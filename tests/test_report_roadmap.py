"""The page with places and scenarios: every figure is the inventory's or the roadmap's."""

import base64
import hashlib
import html
import re
from dataclasses import replace

import odd_builds
import pandas as pd
import pytest
from studies import POSTS, listed, saumur
from test_report import NASTY, Alone, Reader, data_of, overseas

from fragilite import inventory as inventories
from fragilite.french import day, glued, number
from fragilite.inventory import GROUPS, answer, inventory, of_bundle, sections
from fragilite.nearest import nearest
from fragilite.orientation import dates_of_information, orient, origin
from fragilite.outputs import report, report_places
from fragilite.outputs.sector_map import SHARE, bases, reserved, shared_sectors
from fragilite.pipeline import build
from fragilite.places.counts import RECOIVENT, kind_label, list_line
from fragilite.places.mapping import OWN
from fragilite.roadmap import load_scenario, study, tables
from fragilite.roadmap.wording import CAUTION, against, worth
from fragilite.sector_colours import colours, tint
from fragilite.trend import whole_trend

ANCENIS = "244400552"
#: A hundredth of a degree north of the centre of Saumur, and further.
NORTH = [(-0.0752, 47.2601 + 0.01 * step) for step in range(1, 9)]


@pytest.fixture(scope="module")
def known(built):
    return of_bundle(built)


@pytest.fixture(scope="module")
def helped(built, known):
    """The page of Maine-et-Loire with the counts of the program."""
    return report.render(built, known)


@pytest.fixture(scope="module")
def facts(built, known):
    return inventory(built, known)


@pytest.fixture(scope="module")
def roads():
    return saumur()


@pytest.fixture(scope="module")
def routed(roads):
    """The page of the Saumur area with its roadmap."""
    return report.render(roads.build, study=roads)


def texts(page, opening):
    """Cells of the table that a tag opens, row by row, as they are read."""
    found = page[page.index(opening) :]
    body = found[found.index("<tbody>") : found.index("</table>")]
    rows = [re.split(r"<t[dh][^>]*>", row)[1:] for row in re.split(r"<tr[^>]*>", body)[1:]]
    return [[html.unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in row] for row in rows]


def said(page):
    """Everything that is read, spaces alike."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def plain(text):
    return " ".join(glued(text).split())


# --- the page without them, and with them ------------------------------------------------------


def test_page_without_places_holds_nothing_of_them(built):
    page = report.render(replace(built, iris=None))
    assert report._text("help.css") not in page
    assert report._text("help.js") not in page
    assert "aide" not in data_of(page)
    assert "route" not in data_of(page)
    assert not re.search(r'id="(aide|route|traits-epci|modele-aide)"', page)
    script = re.search(r"<script>(.*)</script>", page, re.DOTALL).group(1)
    assert script == report._text("page.js") + report._text("opening.js")


@pytest.mark.parametrize("name", ["helped", "routed"])
def test_page_is_well_formed_and_its_policy_names_it(name, request):
    page = request.getfixturevalue(name)
    reader = Reader(page)
    assert reader.faults == []
    ids = [found["id"] for _, found in reader.tags if "id" in found]
    assert len(ids) == len(set(ids))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    for tag in ("style", "script"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, found in reader.tags:
        assert "style" not in found, "the policy forbids inline styles"
        assert "src" not in found, tag
        assert tag == "a" or not found.get("href", "data:").startswith("http")


def test_links_lead_somewhere(routed):
    reader = Reader(routed)
    ids = {found["id"] for _, found in reader.tags if "id" in found}
    data = data_of(routed)
    known = ids | set(data["communes"]["code"]) | set(data["epci"]["code"])
    links = {found["href"][1:] for tag, found in reader.tags
             if tag == "a" and found.get("href", "").startswith("#")}  # fmt: skip
    assert links <= known
    assert {"aide", "route"} <= links


def test_same_study_gives_same_bytes(roads, routed, tmp_path):
    report.write(roads.build, tmp_path / "page.html", roads.known, roads)
    assert (tmp_path / "page.html").read_bytes() == routed.encode()


def test_page_is_light(built, known, helped):
    """A département with two scenarios; posts by two, their number is not what weighs."""
    assert len(helped.encode()) < 330_000
    scenarios = [
        load_scenario(name).model_copy(update={"postes": 2}) for name in ("intensite", "volume")
    ]
    quick = study(built, known, scenarios, draws=1)
    assert len(report.render(built, known, quick).encode()) < 400_000


# --- who helps, where ----------------------------------------------------------------------------


def test_places_epci_by_epci(helped, facts):
    shown = texts(helped, '<table class="serre fixe" id="table-lieux">')
    told = sections(facts)["moyens"].tables[0]
    assert shown == [[glued(cell) for cell in row] for row in told.rows]
    assert shown[-1][:2] == ["Ensemble", number(facts["ensemble"]["lieux"])]
    assert len(shown) == len(facts["epci"]) + 1


def test_grid_tells_three_answers_apart_by_word_and_by_mark(helped, facts):
    tables_of = helped.split('<table class="serre fixe grille">')[1:]
    assert len(tables_of) == len(GROUPS)
    seen = set()
    for group, part in zip(GROUPS, tables_of, strict=True):
        lines = [line["code"] for line in facts["lignes"] if line["groupe"] == group]
        cells = re.findall(r'<td data-reponse="(\w+)">([^<]*)', part.split("</table>")[0])
        wanted = [
            (row["grille"][line]["reponse"], answer(row["grille"][line]))
            for row in facts["epci"]
            for line in lines
        ]
        assert cells == wanted
        assert all(word.startswith(mark) for mark, word in cells)
        seen |= {mark for mark, _ in cells}
    assert seen == {"oui", "aucune", "inconnu"}
    style = report._text("help.css")
    assert all(f'[data-reponse="{mark}"]::before' in style for mark in seen)


def test_an_epci_in_part_denies_nothing(helped):
    rows = [row for part in helped.split('grille">')[1:] for row in part.split("<tr>")
            if f'href="#{ANCENIS}"' in row]  # fmt: skip
    assert len(rows) >= len(GROUPS)
    assert not any('data-reponse="aucune"' in row for row in rows[: len(GROUPS)])


def test_hollows_dates_and_lists_are_said(helped, facts, known):
    text = said(helped)
    parts = sections(facts)
    for name in ("ensemble", "creux", "communes", "types"):
        for line in [*parts[name].phrases, *parts[name].points]:
            assert plain(line) in text, line
    assert [plain(list_line(one)) in text for one in known.listes] == [True] * 3
    assert all(one["licence"] in text and plain(day(one["date"])) in text for one in known.listes)
    assert plain(f"À revoir le {day(facts['revision']['date'])}") in text
    assert "Un lieu que ces listes n'ont pas n'est pas compté" in text
    lone = texts(helped, '<table class="serre">\n<caption class="cache">Les creux')
    assert [row[1] for row in lone] == [
        number(one["personnes"]) for one in facts["creux"]["communes"]
    ]


def test_sheets_count_the_places_of_their_commune(helped, known, built):
    data = data_of(helped)
    here, names = data["aide"], dict(zip(data["communes"]["code"], range(176), strict=True))
    counts = known.comptes
    receiving = counts[(counts["mesure"] == "lieux") & counts["modalite"].isin(RECOIVENT)]
    total = receiving.groupby("code_insee")["nombre"].sum()
    kinds = counts[counts["mesure"] == "type"]
    for code, row in names.items():
        text = here["textes"][here["dit"][row]]
        if code not in total:
            assert text.startswith("Aucun lieu connu dans cette commune")
            continue
        assert text.startswith(f"{number(total[code])} lieu")
        for one in kinds[kinds["code_insee"] == code].to_dict("records"):
            label = kind_label(one["modalite"])
            assert f"{label[1:]} {number(one['nombre'])}" in text


def test_counts_have_no_names_and_the_page_says_so(helped):
    assert not {"lieux", "proches", "suites"} & set(data_of(helped)["aide"])
    sheet = said(helped[helped.index('id="modele-aide"') :])
    assert "Seuls des nombres sont connus ici, sans nom de lieu." in sheet
    assert "fragilite orient --commune" in sheet
    assert "--besoin … --public …" in sheet


def test_remarks_of_lists_are_cut(built, known):
    many = replace(known, remarques=[f"ligne {at} : illisible" for at in range(30)])
    shown = report_places.gather(built, many)["a_savoir"]
    assert len(shown) == inventories.SHOWN_CHANGES + 1
    assert shown[-1].startswith("et 20 remarques de plus")


# --- the nearest places --------------------------------------------------------------------------


def placed(*changes):
    """Places on a line north of Saumur, by their step."""
    rows = []
    for change in changes:
        longitude, latitude = NORTH[change.pop("pas")]
        rows.append({"longitude": longitude, "latitude": latitude, **change})
    return listed(*rows)


def near(found, code="49328"):
    rows = found[found["code_insee"] == code]
    return list(rows["id"]), list(rows["km"].round(1))


def test_nearest_are_those_that_may_receive(built):
    known = placed(
        {"pas": 6, "nom": "Loin"},
        {"pas": 0, "nom": "Fermé hier", "etat": "ferme"},
        {"pas": 0, "nom": "Siège", "localisation": "siege"},
        {"pas": 0, "nom": "Bureau", "acces": "pas_de_public"},
        {"pas": 0, "nom": "Sans accueil", "accueil": "non"},
        {"pas": 1, "nom": "Pour Angers", "perimetre": "49007"},
        {"pas": 2, "nom": "Pour ici", "perimetre": "49328|49007"},
        {"pas": 4, "nom": "Peut-être", "etat": ""},
        {"pas": 7, "nom": "Plus loin encore"},
    )
    ids, km = near(nearest(built.inputs, known.fusion))
    assert ids == ["l:6", "l:7", "l:0"]
    assert km == sorted(km)
    assert near(nearest(built.inputs, known.fusion, most=1))[0] == ["l:6"]
    everywhere = near(nearest(built.inputs, known.fusion, most=9), "49007")[0]
    assert {"l:5", "l:6"} < set(everywhere)
    assert not {"l:1", "l:2", "l:3", "l:4"} & set(everywhere)


def test_distances_are_those_of_orient(built):
    known = placed(
        {"pas": 1, "nom": "Un", "services": "demarches", "publics": "tous"},
        {"pas": 5, "nom": "Deux", "services": "demarches", "publics": "tous"},
    )
    town = origin("Saumur", built.inputs)
    told = orient(known.fusion, [], built.inputs, town, "demarches", ["tout_public"],
                  jour="2026-01-01")  # fmt: skip
    ids, km = near(nearest(built.inputs, known.fusion))
    assert [one["id"] for one in told["recoivent"]] == ids
    assert [one["distance_km"] for one in told["recoivent"]] == km


def test_dates_are_those_of_orient(built):
    """A place of two lists: what decides is as old as the older of the two."""
    same = {"nom": "Maison du numérique", "adresse": "1 rue de la Paix", "longitude": -0.075,
            "latitude": 47.26, "publics": "tous"}  # fmt: skip
    known = listed(
        {**same, "id": "a:1", "source": "cd49", "services": "demarches", "date_maj": "2021-01-05"},
        {**same, "id": "b:1", "source": OWN, "services": "", "publics": "",
         "date_maj": "2025-06-07"},
        {**same, "id": "c:1", "nom": "Bibliothèque", "latitude": 47.28, "services": "demarches",
         "date_maj": "2024-02-03"},
    )  # fmt: skip
    assert len(known.fusion.lieux) == 2, "the first two are one"
    town = origin("Saumur", built.inputs)
    told = orient(known.fusion, [], built.inputs, town, "demarches", ["tout_public"],
                  jour="2026-01-01")  # fmt: skip
    wanted = {one["id"]: one["date_maj"] for one in told["recoivent"]}
    assert sorted(wanted.values()) == ["2021-01-05", "2024-02-03"]
    assert dates_of_information(known.fusion) == wanted


def test_a_place_without_a_point_is_at_the_centre_of_its_commune(built):
    found = nearest(built.inputs, listed({"nom": "Quelque part"}).fusion)
    here = found[found["code_insee"] == "49328"].iloc[0]
    assert (here["km"], bool(here["exacte"])) == (0.0, False)


def test_without_places_or_without_centres_nothing_is_near(built):
    assert nearest(built.inputs, listed({"nom": "Fermé", "etat": "ferme"}).fusion).empty
    strange = odd_builds.unmapped(built)
    found = nearest(strange.inputs, listed({"nom": "Ici", "code_insee": ""}).fusion)
    assert found.empty, "neither a point nor a commune"


def test_sheet_names_three_places_with_kind_distance_and_date(built):
    known = placed(
        {"pas": 0, "nom": "Alpha"},
        {"pas": 2, "nom": "Bravo", "type": "bibliotheque", "etat": "", "date_maj": "2021-05-04"},
        {"pas": 4, "nom": "Charlie", "date_maj": "", "type": ""},
        {"pas": 6, "nom": "Delta"},
    )
    page = report.render(built, known)
    data = data_of(page)
    row = data["communes"]["code"].index("49328")
    here = data["aide"]
    shown = [(*here["lieux"][at], km) for at, km, _ in here["proches"][row]]
    assert [one[0] for one in shown] == ["Alpha", "Bravo", "Charlie"]
    suites = [plain(here["suites"][one[2]]) for one in shown]
    assert suites == [
        plain(text)
        for text in (
            f"{kind_label('association')} ; information du 1er\u00a0mars 2025.",
            f"{kind_label('bibliotheque')} ; information du 4\u00a0mai 2021, à vérifier avant d'y "
            "aller ; ne dit pas s'il est toujours ouvert.",
            "type inconnu ; information sans date, à vérifier avant d'y aller.",
        )
    ]
    assert "Seuls des nombres" not in page


def test_names_of_places_are_escaped(built):
    page = report.render(built, listed({"nom": NASTY, "commune": NASTY}))
    assert Reader(page).faults == []
    assert "alert(1)" not in re.search(r"<script>(.*)</script>", page, re.DOTALL).group(1)
    assert data_of(page)["aide"]["lieux"][0][0] == NASTY


# --- the roadmap ---------------------------------------------------------------------------------


def test_scenarios_say_what_they_count_and_what_they_are_worth(roads, routed):
    text = said(routed)
    assert plain(CAUTION) in text
    for one in roads.scenarios:
        for line in (one.scenario.description, worth(one), against(one), *one.messages):
            assert plain(line) in text
    for line in roads.notes:
        assert plain(line) in text
    assert "Un lieu que ces listes n'ont pas n'est pas compté" in text


def test_posts_and_plans_are_the_study_s(roads, routed):
    records = tables.columns("km")
    for part, one in zip(routed.split('fixe postes">')[1:], roads.scenarios, strict=True):
        shown = texts(part, "<tbody>")
        assert len(shown) == POSTS
        for cells, row in zip(shown, one.postes.to_dict("records"), strict=True):
            assert cells[0] == glued(tables.sector_name(row["secteur"], row["nom_base"]))
            assert cells[1:] == [
                number(row[name], records[name].decimales)
                for name in ("communes", "personnes", "charge", "distance_moyenne", "lieux",
                             "stabilite")
            ]  # fmt: skip
    shown = [row for row in texts(routed, 'fixe plans">') if len(row) > 1]
    wanted = pd.concat([one.plans for one in roads.scenarios])
    assert len(shown) == len(wanted)
    assert [row[1] for row in shown] == [number(value) for value in wanted["postes"]]
    assert [row[4] for row in shown] == [number(v, 1) for v in wanted["distance_moyenne"]]
    assert [row[0] for row in shown].count("Plan naïf") == len(roads.scenarios)


def test_map_gives_each_commune_the_colour_of_its_sector(roads, routed):
    data = data_of(routed)
    themes = [one for one in data["themes"] if one["code"].startswith("secteurs_")]
    assert len(themes) == len(roads.scenarios)
    for theme, one in zip(themes, roads.scenarios, strict=True):
        sector_of = shared_sectors(one)
        sectors, colour = one.postes["secteur"].tolist(), colours(one)
        for code, place in zip(data["communes"]["code"], theme["places"], strict=True):
            assert sectors[place] == sector_of[code]
        assert theme["couleurs"] == [tint(colour[sector], SHARE) for sector in sectors]
        column = data["communes"]["valeurs"][theme["colonne"]]
        away = one.communes[~one.communes["poste_entier"]].set_index("code_insee")["distance"]
        for code, value in zip(data["communes"]["code"], column["v"], strict=True):
            assert value / 10 ** column["d"] == pytest.approx(away[code], abs=0.051)
    assert not any(one["rayon"] == 0 for one in themes), "a sheet holds nodes of the tree only"


def test_map_has_a_legend_borders_and_bases(roads, routed):
    count = len(data_of(routed)["themes"])
    for at, one in enumerate(roads.scenarios, count - len(roads.scenarios)):
        assert f'name="theme" value="{at}"' in routed
        group = re.search(rf'<g class="secteurs" data-theme="{at}".*?</g>', routed).group(0)
        own = reserved(one)
        assert group.count("<path") == shared_sectors(one).nunique() + len(own)
        for motif in re.findall(r'fill="url\(#([^)]*)\)"', group):
            assert f'<pattern id="{motif}"' in routed
        numbers = re.findall(r">([\d,– ]+)</text>", group)
        assert numbers == bases(one)["numeros"].tolist()
        legend = routed.split(f'<div class="legende" data-theme="{at}"')[1].split("</div>")[0]
        for row in one.postes.to_dict("records"):
            assert glued(tables.sector_name(row["secteur"], row["nom_base"])) in legend
            assert f"charge {number(row['charge'], 2)}" in legend
        assert legend.count("poste réservé") == sum(one.communes["poste_entier"])
        assert ("Rayures" in legend) == bool(own)


def test_sheets_say_each_sector_of_their_commune(roads, routed):
    data = data_of(routed)
    route, codes = data["route"], data["communes"]["code"]
    names = ("part", "distance", "demi_journees", "nom_recue_a", "stabilite")
    labels = [tables.columns("km")[name].libelle for name in names]
    assert [line["libelle"] for line in route["lignes"]] == labels
    for told, one in zip(route["scenarios"], roads.scenarios, strict=True):
        for row in one.communes.to_dict("records"):
            mine = told["communes"][codes.index(row["code_insee"])]
            name = tables.sector_name(row["secteur"], row["nom_base"])
            cells = next(c for c in mine if told["secteurs"][c[0]] == name and c[1] == int(
                row["poste_entier"]))  # fmt: skip
            part, distance, halves, host, steady = cells[2:]
            assert part == pytest.approx(row["part"], abs=0.005)
            assert distance == pytest.approx(row["distance"], abs=0.05)
            assert (halves, codes[host]) == (row["demi_journees"], row["recue_a"])
            assert steady == pytest.approx(row["stabilite"], abs=0.005)
    shared = route["scenarios"][1]["communes"][codes.index("49328")]
    assert len(shared) > 1
    assert sum(cells[2] for cells in shared) == pytest.approx(1, abs=0.02)
    assert any(cells[1] for cells in shared), "a post of its own"


def test_part_is_said_only_where_a_commune_is_shared(roads):
    whole = [
        replace(one, communes=one.communes.assign(part=1.0, poste_entier=False).drop_duplicates(
            "code_insee")) for one in roads.scenarios
    ]  # fmt: skip
    alone = replace(roads, scenarios=tuple(whole))
    told = data_of(report.render(alone.build, study=alone))["route"]["lignes"]
    assert tables.columns()["part"].libelle not in [line["libelle"] for line in told]
    assert len(told) == 4


def test_words_are_not_in_the_script():
    script = report._text("help.js")
    labels = [one.libelle for one in tables.columns().values() if " " in one.libelle]
    assert len(labels) > 10
    assert not [label for label in labels if label in script]
    assert "innerHTML" not in script


# --- any build -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        odd_builds.empty, odd_builds.unmapped, odd_builds.renamed, overseas,
        lambda _: build(Alone("49328", "Saumur seule", ("49",))),
    ],
    ids=["empty", "unmapped", "renamed", "overseas", "alone"],
)  # fmt: skip
def test_any_territory_shows_its_places(built, known, odd):
    strange = odd(built)
    for places in (known, listed({"nom": "Ici", "longitude": -0.1, "latitude": 47.3})):
        page = report.render(strange, places)
        assert Reader(page).faults == []
        assert not re.search(r">\s*(nan|None)\s*<", page)
        assert len(data_of(page)["aide"]["dit"]) == len(strange.communes)


@pytest.mark.parametrize("odd", [odd_builds.unmapped, odd_builds.empty, odd_builds.renamed])
def test_any_territory_shows_its_roadmap(roads, odd):
    strange = replace(roads, build=odd(roads.build))
    page = report.render(strange.build, study=strange)
    assert Reader(page).faults == []
    assert not re.search(r">\s*(nan|None)\s*<", page)
    assert len(data_of(page)["route"]["scenarios"]) == len(roads.scenarios)


def test_nobody_counted_nowhere(built, known):
    silent = replace(
        built,
        method=built.method.model_copy(update={"volume": None}),
        communes=built.communes.assign(personnes_a_accompagner=float("nan")),
    )
    page = report.render(silent, known)
    assert Reader(page).faults == []
    assert "inconnu" in {row[4] for row in texts(page, 'fixe" id="table-lieux">')}


# --- the command ---------------------------------------------------------------------------------


def test_command_shows_the_counts_by_default(run, tmp_path, built, known):
    assert run("report", "--dept", "49")[0] == 0
    wanted = report.render(built, known, change=whole_trend(built))
    assert (tmp_path / "rapport_49.html").read_text(encoding="utf-8") == wanted


def test_command_shows_lists_that_are_given(run, tmp_path):
    (tmp_path / "l.csv").write_text(
        "nom,commune,code_postal,code_insee,date_maj\n"
        "Maison du numérique,Saumur,49400,49328,2025-10-01\n", encoding="utf-8",
    )  # fmt: skip
    code, _, err = run("report", "--dept", "49", "--places", "l.csv")
    assert code == 0, err
    here = data_of((tmp_path / "rapport_49.html").read_text(encoding="utf-8"))["aide"]
    assert [one[0] for one in here["lieux"]] == ["Maison du numérique"]


def test_command_says_nothing_of_places_where_none_are_counted(run, tmp_path, monkeypatch):
    monkeypatch.setattr(inventories, "covered", lambda _: False)
    assert run("report", "--dept", "49")[0] == 0
    assert 'id="aide"' not in (tmp_path / "rapport_49.html").read_text(encoding="utf-8")
