"""The dossier of a roadmap, read back with python-docx: its sentences say what its tables hold."""

import re
import zipfile
from dataclasses import replace

import docx
import numpy as np
import pytest
from docx.oxml.ns import qn
from odd_builds import AWKWARD, named

from fragilite import inventory
from fragilite.french import number
from fragilite.outputs import roadmap_dossier, word
from fragilite.outputs import roadmap_sentences as say
from fragilite.pipeline import build
from fragilite.roadmap import load_scenario, study
from fragilite.siting.parameters import declared
from fragilite.territory import parse_territory

SAUMUR = parse_territory(epci="200071876")
#: Dates and shares of draws, which say what they are; then what may follow a number, so that it
#: says what it counts: a range has its unit at its end.
DATES = re.compile(r"\b\d{1,2}(er)? \w+ (19|20)\d\d|avant (19|20)\d\d|\d+ fois sur 100")
UNITS = re.compile(
    r"personnes?\b|fois\b|km\b|lieux?\b|communes?\b|coupures?\b|demi-journées?\b|semaines?\b|"
    r"% |(des|à) \d|compte dans les charges|dans la charge|janvier\b|\)"
)


def plain(text):
    return text.replace("\u202f", " ").replace("\xa0", " ")


def scenarios(posts, *names, **changes):
    return [load_scenario(name).model_copy(update={"postes": posts, **changes}) for name in names]


def of_style(document, name):
    return [plain(one.text) for one in document.paragraphs if one.style.name == name]


def rows(table):
    return [[plain(cell.text) for cell in row.cells] for row in table.rows]


def everything(document):
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return plain("\n".join([one.text for one in document.paragraphs] + cells))


def written(found, folder, **options):
    path = folder / "d.docx"
    roadmap_dossier.write(found, path, **options)
    return docx.Document(str(path))


@pytest.fixture(scope="module")
def saumurois():
    return build(SAUMUR, uncertainty=False)


@pytest.fixture(scope="module")
def known(saumurois):
    return inventory.of_bundle(saumurois)


@pytest.fixture(scope="module")
def two(saumurois, known):
    """Three posts, two scenarios."""
    return study(saumurois, known, scenarios(3, "volume", "intensite"), draws=20)


@pytest.fixture(scope="module")
def ruled(saumurois, known):
    """One scenario, rules, a capacity that is stated, an odd name."""
    asked = scenarios(
        3, "volume", garder=["49328+49123"], interdire=["49125", "Vivy+49215"], max_par_epci=3,
        min_demi_journees=2, tolerance=0.3, respect_epci="500",
    )  # fmt: skip
    odd = named(saumurois, "49328", AWKWARD)
    return study(odd, known, asked, capacities={"france_services": 200.0}, draws=2)


@pytest.fixture(scope="module")
def document(two, tmp_path_factory):
    return written(two, tmp_path_factory.mktemp("deux"))


def table_of(document, title):
    """Rows of the table under a caption."""
    (caption,) = (one for one in document.paragraphs if title in plain(one.text))
    element = caption._p.getnext()
    (found,) = (one for one in document.tables if one._tbl is element)
    return rows(found)


# --- what it holds -------------------------------------------------------------------------------


def test_headings_in_their_order(document, two):
    assert of_style(document, "Heading 1") == [
        "La question", "Qui aide, et où, aujourd'hui", "Le besoin", "Les scénarios côte à côte",
        "Scénario 1 : Le nombre d'abord", "Scénario 2 : L'intensité d'abord",
        "Ce que ces chiffres ne voient pas", "Comment c'est calculé", "Sources et citation",
        "Annexe : le calendrier d'un cycle",
    ]  # fmt: skip
    assert of_style(document, "Title") == ["Feuille de route : 3 postes, CA Saumur Val de Loire"]


def test_one_field_for_the_question_and_one_for_each_scenario(document, two):
    fields = of_style(document, word.FIELD)
    assert len(fields) == everything(document).count("À compléter") == 1 + len(two.scenarios)
    for outcome, field in zip(two.scenarios, fields[1:], strict=True):
        assert outcome.scenario.libelle in field and "le terrain" in field


def test_the_table_of_posts_is_that_of_the_study(document, two):
    for outcome in two.scenarios:
        table = table_of(document, f"{outcome.scenario.libelle} : les postes")
        assert len(table) == 1 + len(outcome.postes)
        for line, post in zip(table[1:], outcome.postes.to_dict("records"), strict=True):
            assert line == [
                f"{post['secteur']} · {post['nom_base']}", number(post["communes"]),
                number(post["epci"]), plain(number(post["personnes"])), number(post["charge"], 2),
                number(post["distance_moyenne"], 1), number(post["lieux"]),
                number(post["stabilite"], 2),
            ]  # fmt: skip
        assert table[0][3] == "Personnes à accompagner" and "(km)" in table[0][5]


def test_each_post_says_the_figures_of_its_row(document, two):
    for outcome in two.scenarios:
        texts = section(document, outcome)
        for post in outcome.postes.to_dict("records"):
            (text,) = (one for one in texts if one.startswith(f"Secteur {post['secteur']} · "))
            for said in (
                f"{plain(number(post['personnes']))} personnes à accompagner",
                f"{number(post['charge'], 2)} fois la charge moyenne",
                f"à {number(post['distance_moyenne'], 1)} km de la base",
                f"au plus à {number(post['distance_max'], 1)} km",
                f"{number(post['lieux'])} lieux connus",
                f"un pour {plain(number(post['personnes_par_lieu']))} personnes",
            ):
                assert said in text


def section(document, outcome):
    """Paragraphs of a scenario."""
    lines = [plain(one.text) for one in document.paragraphs]
    titles = [place for place, one in enumerate(document.paragraphs) if one.style.name[-1] == "1"]
    (at,) = (place for place in titles if lines[place].endswith(outcome.scenario.libelle))
    return lines[at : min(place for place in titles if place > at)]


def test_every_commune_of_a_sector_is_named_once(document, two):
    for outcome in two.scenarios:
        texts = section(document, outcome)
        lists = [one for one in texts if one.startswith("Communes. ")]
        for (_, mine), text in zip(outcome.communes.groupby("secteur"), lists, strict=True):
            names = re.split(r"[,;] |: |\.$", text.removeprefix("Communes. "))
            assert sorted(mine["nom"]) == sorted(set(mine["nom"]) & {one.strip() for one in names})


def test_half_days_add_up_to_the_cycle(document, two):
    cycle = int(declared("demi_journees_par_semaine") * declared("semaines_du_cycle"))
    for outcome in two.scenarios:
        texts = section(document, outcome)
        found = [one for one in texts if one.startswith("Demi-journées par cycle. ")]
        assert len(found) == len(outcome.postes)
        for text in found:
            visits = text.split(". ")[1]
            alone = sum(int(count) for count in re.findall(r"[^\d ] (\d+)(?=[,;.]| ;|$)", visits))
            rest = re.findall(r"(\d+) dans chacune des (\d+)", visits)
            assert alone + sum(int(each) * int(many) for each, many in rest) == cycle


def test_who_is_received_elsewhere_is_said(saumurois, known, tmp_path):
    one = study(saumurois, known, scenarios(1, "volume"), draws=2)
    texts = section(written(one, tmp_path), one.scenarios[0])
    (visits,) = (text for text in texts if text.startswith("Demi-journées par cycle. "))
    away = one.scenarios[0].communes.query("demi_journees == 0")
    assert f"{len(away)} communes ne sont pas visitées" in visits
    for name in away["nom"]:
        assert name in visits.partition("leurs habitants sont reçus")[2]
    assert not any("fois la charge moyenne" in text for text in texts)  # there is but one post


def test_a_figure_has_a_unit(document, two):
    """In the sentences on today, the need, the plans and the posts."""
    facts = inventory.inventory(two.build, two.known)
    texts = [*say.today(facts), say.bases_compared(two), *say.need(two)[:1]]
    for outcome in two.scenarios:
        texts += [say.compared(outcome), say.cycle(outcome)]
        texts += [say.of_post(outcome, post) for post in outcome.postes.to_dict("records")]
    for text in map(plain, texts):
        for found in re.finditer(r"(?<![\w-])\d[\d ]*(?:,\d+)?", DATES.sub("", text)):
            after = found.string[found.end() :].lstrip()
            assert UNITS.match(after), (found[0], after[:30])


def test_plans_side_by_side(document, two):
    table = table_of(document, "Chaque scénario, puis le plan naïf")
    lines = [line for one in two.scenarios for line in one.plans.to_dict("records")]
    assert [line[0] for line in table[1:]] == [line["plan"] for line in lines]
    for shown, line in zip(table[1:], lines, strict=True):
        assert shown[1] == number(line["postes"])
        assert shown[3:5] == [number(line["charge_max"], 2), number(line["distance_moyenne"], 1)]
    text = everything(document)
    for outcome in two.scenarios:
        own, naive, today = outcome.plans["distance_moyenne"]
        assert f"en moyenne à {number(own, 1)} km de sa base" in text
        assert f"Le plan naïf la met à {number(naive, 1)} km en moyenne" in text
        assert f"est aujourd'hui à {number(today, 1)} km en moyenne" in text
    assert text.count("au plus du meilleur partage possible") == 4


def test_today_is_that_of_the_inventory(document, two):
    facts = inventory.inventory(two.build, two.known)["ensemble"]
    text = everything(document)
    assert f"{facts['lieux']} lieux connus reçoivent du public" in text
    assert f"aucun n'est connu dans {facts['communes_sans_lieu']} communes" in text
    assert "Aucun lieu ne dit ses équivalents temps plein : ils sont inconnus, et non nuls" in text
    assert "peu de lieux connus ne veut pas dire peu d'aide" in text
    for one in two.known.listes:
        assert one["titre"] in text and one["licence"] in text


def test_limits_are_told(document, two):
    text = everything(document)
    for said in (
        "Ordre de grandeur".lower(), "la motivation et la confiance",
        "Une base est la proposition d'un calcul", "ne dit quoi que ce soit d'une personne",
        "Jamais pour classer des habitants", "Capacité des lieux existants : inconnue",
    ):  # fmt: skip
        assert said in text
    assert "--" not in text  # nothing of the command line
    for note in (two.notes[0], two.notes[2], *two.known.remarques):
        assert plain(note) in text


def test_bases_that_differ_are_named(two):
    text = say.bases_compared(two)
    codes = [set(one.postes["nom_base"]) for one in two.scenarios]
    for name in codes[0] & codes[1]:
        assert name in text.partition(". Avec")[0]
    assert say.bases_compared(replace(two, scenarios=two.scenarios[:1])) == ""


def test_rules_and_stated_capacities_are_told(ruled, tmp_path):
    text = everything(written(ruled, tmp_path))
    for said in (
        f"Dans un même secteur : {AWKWARD} et Distré.", "Pas de base à Doué-en-Anjou.",
        "Dans des secteurs différents : Vivy et Montreuil-Bellay.",
        "3 bases au plus dans un même EPCI.", "2 demi-journées au moins par commune et par cycle.",
        "Charges à 30 % près de la charge moyenne.",
        "Une coupure d'EPCI de plus pèse 500 mètres par personne.",
        "800 personnes sont tenues pour servies", "Capacité posée",
    ):  # fmt: skip
        assert said in text
    assert "Le partage proposé" in text and "dans le classeur pour" not in text


def test_the_calendar_holds_every_half_day(document, two):
    outcome = two.scenarios[0]
    for post in outcome.postes.to_dict("records"):
        table = table_of(document, f". Secteur {post['secteur']} · {post['nom_base']}")
        mine = outcome.passages.calendrier.query(f"secteur == {post['secteur']}")
        shown = [name for line in table[1:] for cell in line[1:] for name in halves(cell)]
        assert sorted(shown) == sorted(mine["nom"])
    captions = [one for one in of_style(document, "Caption") if one.startswith("Calendrier")]
    assert len(captions) == len(outcome.postes)


def halves(cell):
    """Communes of the morning and of the afternoon."""
    names = cell.split(roadmap_dossier.THEN)
    return names if len(names) == 2 else names * 2


def test_a_map_of_each_scenario_has_words(document, two):
    shapes = [shape._inline.docPr.get("descr") for shape in document.inline_shapes]
    assert len(shapes) == len(two.scenarios)
    for text, outcome in zip(shapes, two.scenarios, strict=True):
        assert outcome.scenario.libelle in text and "secteur 3 autour de Saumur" in text


# --- how it is made ------------------------------------------------------------------------------


def test_twice_gives_the_same_bytes(document, two, tmp_path):
    for name in ("a.docx", "b.docx"):
        roadmap_dossier.write(replace(two), tmp_path / name)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.docx") as archive:
        assert {member.date_time for member in archive.infolist()} == {word.EPOCH}


def test_a_house_model_is_kept(two, tmp_path):
    model = docx.Document()
    model.styles["Normal"].font.name = "Georgia"
    model.sections[0].header.paragraphs[0].text = "Département de Maine-et-Loire"
    model.add_paragraph("Un ancien texte")
    model.save(str(tmp_path / "modele.docx"))
    found = written(two, tmp_path, template=tmp_path / "modele.docx")
    assert found.styles["Normal"].font.name == "Georgia"
    assert found.sections[0].header.paragraphs[0].text == "Département de Maine-et-Loire"
    assert "Un ancien texte" not in everything(found)
    assert len(of_style(found, "Heading 1")) == 10


def test_tables_repeat_their_header_and_never_cut_a_row(document):
    for table in document.tables:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)


def test_a_caption_and_its_map_are_one_paragraph(document):
    held = [one for one in document.paragraphs if one._p.findall(f".//{qn('w:drawing')}")]
    assert [plain(one.text).strip().split(".")[0] for one in held] == ["Carte 1", "Carte 2"]
    assert all(one.paragraph_format.keep_together for one in held)


# --- what there may be less of -------------------------------------------------------------------


def test_unknown_people_and_a_commune_without_epci(saumurois, known, tmp_path):
    towns = saumurois.communes.copy()
    towns.loc[[0, 1], "personnes_a_accompagner"] = np.nan
    towns.loc[2, ["code_epci", "nom_epci"]] = None
    some = study(replace(saumurois, communes=towns), known, scenarios(3, "volume"), draws=2)
    text = everything(written(some, tmp_path))
    assert "Leur nombre n'est pas connu dans 2 communes." in text
    assert f"Sans EPCI (1) : {towns['nom'][2]}" in text
    assert not re.search(r"\b(nan|None)\b", text)


@pytest.mark.parametrize("method", ["ifn-2023", "fragilite-2026-sans-reseau"])
def test_any_method(method, known, tmp_path):
    found = build(SAUMUR, method=method, uncertainty=False)
    text = everything(written(study(found, known, scenarios(2, "volume"), draws=2), tmp_path))
    assert f"méthode {method}" in text and not re.search(r"\b(nan|None)\b", text)


def test_a_post_reserved_to_a_commune(saumurois, known, tmp_path):
    some = study(saumurois, known, scenarios(5, "volume"), draws=2)
    (post,) = some.scenarios[0].communes.query("poste_entier").to_dict("records")
    texts = section(written(some, tmp_path), some.scenarios[0])
    assert (
        f"Communes. {post['nom']} seule : ce poste sert {number(100 * post['part'])} % de ses "
        "personnes." in texts
    )
    assert "Demi-journées par cycle. Toutes à Saumur." in texts


def test_road_times_are_minutes_and_no_known_place_is_not_no_place(saumurois, known, tmp_path):
    codes = list(saumurois.communes["code_insee"])
    lines = [
        f"{one},{other},{1 + abs(place - at)}"
        for place, one in enumerate(codes)
        for at, other in enumerate(codes)
        if one != other
    ]
    times = tmp_path / "temps.csv"
    times.write_text("\n".join(["origine,destination,minutes", *lines]), encoding="utf-8")
    nowhere = replace(known, comptes=known.comptes.head(0))
    asked = scenarios(2, "volume", tolerance=0.5)
    some = study(saumurois, nowhere, asked, times=times, draws=2, seconds=20)
    text = everything(written(some, tmp_path))
    assert re.search(r"en moyenne à \d+,\d min de sa base", text)
    assert "(min)" in text and not re.search(r"\d,\d km\b", text)
    assert "aucun lieu qui reçoit du public, ce qui ne dit pas qu'il n'y en a pas" in text
    assert "Aujourd'hui, aucun lieu n'y est connu." in text
    assert not re.search(r"\b(nan|None)\b", text)
