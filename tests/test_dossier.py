"""The dossier, read back with python-docx: headings, figures, fields, models, locks, bytes."""

import io
import logging
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import docx
import numpy as np
import openpyxl
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from odd_builds import AWKWARD, empty, named, no_outlines, only

from fragilite import __version__
from fragilite.cartography import MISSING
from fragilite.errors import FragiliteError, UsageError
from fragilite.french import number
from fragilite.narrative import NO_SIGNAL
from fragilite.outputs import dossier, word
from fragilite.outputs.dossier import described_places
from fragilite.outputs.notice import sections
from fragilite.pipeline import build
from fragilite.subject import of_communes, of_departements, of_epci, restricted

SAUMUR_VAL_DE_LOIRE = "200071876"
HEADINGS = [
    "La question", "Ce que disent les chiffres", "Combien de personnes", "La carte",
    "La comparaison", "Ce que ces chiffres ne voient pas", "La méthode en dix lignes",
    "Sources et citation",
]  # fmt: skip


def plain(text):
    return text.replace("\u202f", " ").replace("\xa0", " ")


def of_style(document, name):
    return [plain(one.text) for one in document.paragraphs if one.style.name == name]


def rows(table):
    return [[plain(cell.text) for cell in row.cells] for row in table.rows]


def everything(document):
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return plain("\n".join([one.text for one in document.paragraphs] + cells))


def written(result, subject, folder, **options):
    path, book = dossier.write(result, folder / "d.docx", subject, **options)
    assert (path, book) == (folder / "d.docx", folder / "d.xlsx")
    return docx.Document(str(path))


@pytest.fixture(scope="module")
def two(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("deux")
    return written(built, of_communes(built, ["49221", "49180"]), folder), folder


@pytest.fixture(scope="module")
def epci(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("epci")
    return written(built, of_epci(built, SAUMUR_VAL_DE_LOIRE), folder), folder


# --- what it holds -------------------------------------------------------------------------------


def test_headings_in_their_order(two, epci):
    for document, _ in (two, epci):
        assert of_style(document, "Heading 1") == HEADINGS
        assert len(of_style(document, "Title")) == 1
    found = of_style(two[0], "Heading 2")
    assert found == ["Mouliherne", "Longué-Jumelles", "Ce qui manque ou se discute", "Citer",
                     "Pour aller plus loin", "Signature"]  # fmt: skip


def test_the_question(two, epci):
    text = everything(two[0])
    assert (
        "Où les habitants de Mouliherne et de Longué-Jumelles risquent-ils d'être en difficulté "
        "avec le numérique, et combien sont-ils ?" in text
    )
    assert "Où les habitants de la CA Saumur Val de Loire risquent-ils" in everything(epci[0])


def test_exactly_two_fields_to_complete(two, epci):
    for document, _ in (two, epci):
        assert len(of_style(document, word.FIELD)) == 2
        assert everything(document).count("À compléter") == 2


def test_three_sentences_each_with_its_source(two, epci):
    for document, count in ((two[0], 2), (epci[0], 1)):
        bullets = [one for one in of_style(document, "List Bullet") if one.endswith("]")]
        bullets = [one for one in bullets if not one.startswith("Ce que la moyenne cache")]
        assert len(bullets) == 3 * count
        assert [one.split(".")[0] for one in bullets[:3]] == [
            "Intensité", "Ce qui pèse le plus", "Combien de personnes",
        ]  # fmt: skip


def test_headcounts_are_those_of_the_build(built, epci):
    table, towns = rows(epci[0].tables[0]), built.communes.set_index("nom")
    assert table[0][:4] == [
        "Commune", "Habitants", "Indice de fragilité numérique", "Personnes à accompagner",
    ]  # fmt: skip
    assert len(table) == 1 + 45 + 2
    for name, population, index, people, *groups in table[1:46]:
        row = towns.loc[name]
        assert population == plain(number(row["population"]))
        assert index == plain(number(row["indice"], 1))
        assert people == plain(number(row["personnes_a_accompagner"]))
        assert groups == [plain(number(row[code])) for code in built.method.effectifs]
    order = [int(line[3].replace(" ", "")) for line in table[1:46]]
    assert order == sorted(order, reverse=True)
    whole = built.epci.set_index("code_epci").loc[SAUMUR_VAL_DE_LOIRE]
    assert table[46][:2] == ["CA Saumur Val de Loire", plain(number(whole["population"]))]
    assert table[46][3] == plain(number(whole["personnes_a_accompagner"]))
    assert table[47][0] == "Maine-et-Loire"
    assert "ne les additionnez pas" in " ".join(of_style(epci[0], "Caption"))


def test_comparison_puts_places_side_by_side(built, two):
    table = rows(two[0].tables[1])
    assert table[0][1:] == [
        "Mouliherne", "Longué-Jumelles", "CA Saumur Val de Loire", "Maine-et-Loire", "France",
    ]  # fmt: skip
    by_label = {line[0]: line[1:] for line in table[1:]}
    towns = built.communes.set_index("code_insee")
    index = by_label["Indice de fragilité numérique"]
    assert index[:2] == [plain(number(towns["indice"][code], 1)) for code in ("49221", "49180")]
    assert index[-1] == "–"  # the index of France is not a figure of the method
    assert by_label["65 ans ou plus (%)"][-2:] == ["21,1", "21,1"]
    assert "Surface sans 4G (%)" not in by_label


def test_counted_values_missing_ones_and_estimates_are_told(built, tmp_path):
    """La Pellerine has 5,1 % observed where 3,9 % counts; Orée d'Anjou has no figure."""
    document = written(built, of_communes(built, ["La Pellerine", "Orée d'Anjou"]), tmp_path)
    table = {line[0]: line[1:] for line in rows(document.tables[1])}
    row = table["80 ans ou plus vivant seuls (%)"]
    assert row[:3] == ["5,1 (compté 3,9)", "–", "2,2 (estimé)"]
    assert all("(" not in cell for cell in table["65 ans ou plus (%)"])
    told = " ".join(of_style(document, word.NOTE))
    assert (
        "Personnes de 80 ans ou plus vivant seules (–) : non disponible pour Orée d'Anjou, donc "
        "pas de total pour CA Mauges Communauté et Maine-et-Loire." in told
    )
    assert "estimé : CA Mauges Communauté (5 communes connues sur 6)" in told
    assert table["Niveau de vie médian, France = 100"][2] == "98,2"
    assert told.count("moyenne des médianes des communes") == 1
    assert "80 ans ou plus vivant seuls : part observée, puis celle qui compte" in told
    whole = " ".join(of_style(written(built, of_departements(built), tmp_path, overwrite=True),
                              word.NOTE))  # fmt: skip
    assert "CC du Pays d'Ancenis n'est qu'en partie dans ce calcul : ni indice ni total." in whole


def test_the_source_of_france_reads_as_a_sentence(built, tmp_path):
    document = written(built, of_communes(built, ["Orée d'Anjou"]), tmp_path)
    text = everything(document)
    assert "niveau de vie médian, France = 100, par définition, France métropolitaine." in text
    assert "pour la France, Insee, RP 2022]" in text


def test_readings_are_explained_before_the_first_one(two, epci):
    """Of what the fifth is, and what a net signal asks, on the first page."""
    for document, _ in (two, epci):
        lines = [plain(one.text) for one in document.paragraphs]
        (at,) = (place for place, line in enumerate(lines) if line.startswith("Premier cinq"))
        assert lines[at].startswith(
            "Premier cinquième : les communes les plus fragiles du département (Maine-et-Loire). "
            "Signal net : dans le premier cinquième neuf fois sur dix"
        )
        assert not any("signal net" in line for line in lines[:at])


def test_a_departement_compares_its_epci(built, tmp_path):
    document = written(built, of_departements(built), tmp_path)
    assert len(of_style(document, "Heading 2")) == 10 + 4
    headcounts, nodes, figures, _ = (rows(table) for table in document.tables)
    assert headcounts[0][0] == "EPCI" and len(headcounts) == 1 + 10 + 1
    assert [line[0] for line in nodes[1:]][-1] == "Maine-et-Loire"
    assert [line[0] for line in figures[1:]][-2:] == ["Maine-et-Loire", "France"]


def test_many_communes_have_a_dozen_of_sentences_and_all_in_tables(built, tmp_path):
    codes = list(built.communes["code_insee"][:20])
    document = written(built, of_communes(built, codes), tmp_path)
    assert len(of_style(document, "Heading 2")) == 12 + 4
    assert "Les 12 où il y a le plus de personnes à accompagner ; les 20 sont" in everything(
        document
    )
    table = rows(document.tables[0])
    assert {line[0] for line in table} > set(built.communes["nom"][:20])
    assert of_style(document, "Title") == ["Fragilité numérique : 20 communes"]
    people = built.communes[:20].nlargest(12, "personnes_a_accompagner")["nom"]
    assert of_style(document, "Heading 2")[:12] == list(people)


def test_inhabitants_are_never_ranked_among_people_to_accompany(built, tmp_path):
    towns = built.communes.copy()
    column = "personnes_a_accompagner"
    large = towns.sort_values("population")["code_insee"].iloc[-2]  # fewer in need than it has
    towns.loc[towns["code_insee"] == large, column] = np.nan
    codes = [large, *towns["code_insee"][20:39]]
    some = replace(built, communes=towns)
    assert large not in described_places(some, of_communes(some, codes))
    nobody = replace(built, communes=towns.assign(**{column: np.nan}))
    subject = of_communes(nobody, codes)
    assert described_places(nobody, subject)[0] == large
    assert "Les 12 où il y a le plus d'habitants ; les " in everything(
        written(nobody, subject, tmp_path)
    )


def test_no_signal_never_stands_alone(built, tmp_path):
    """Anywhere in a document on a dozen of communes that have this reading."""
    codes = built.communes.loc[built.communes["lecture"] == NO_SIGNAL, "code_insee"][:12]
    document = written(built, of_communes(built, list(codes)), tmp_path)
    found = 0
    for paragraph in document.paragraphs:
        text = plain(paragraph.text)
        if NO_SIGNAL in text.lower():
            found += 1
            assert "n'a besoin d'aide" in text[text.lower().index(NO_SIGNAL) :]
    assert found == 12 + 2  # and what the method says of it, before them and in its lines
    assert not any(
        NO_SIGNAL in cell for table in document.tables for row in rows(table) for cell in row
    )


def test_limits_method_sources_and_citation(two):
    text = everything(two[0])
    for part in (
        "la motivation et la confiance, deux des quatre dimensions",
        "Jamais pour classer des habitants",
        "r = 0,84",
        "Surface sans 4G : données de 2019, trop anciennes",
        "méthode fragilite-2026 1.1.0",
        "Licence Ouverte 2.0",
        "publié le 30 juin 2026",
        "n'ont ni établi ni approuvé ce calcul",
    ):
        assert part in text
    assert len(of_style(two[0], "List Number")) == 10


def test_validity_is_for_researchers_at_the_end_in_small_print(two, built):
    notes = of_style(two[0], word.NOTE)
    assert [plain(text) for text in built.method.lecture.validite] == notes[-2:]
    first = everything(two[0]).partition("Pour aller plus loin »")[0]
    assert "r = 0,84" not in first and "qui n'est pas une preuve" in first


def test_lines_to_sign_are_last_and_are_no_fields(two):
    last = [plain(one.text) for one in two[0].paragraphs[-5:]]
    assert last == [f"{x} :\t" for x in ("Structure", "Service", "Nom", "Date", "Signature")]


def test_a_departement_begins_with_itself_and_is_brief_on_each_epci(built, tmp_path):
    lines = [plain(one.text) for one in written(built, of_departements(built), tmp_path).paragraphs]
    at = lines.index("Ce que disent les chiffres") + 1
    assert lines[at].startswith(
        "Le département (Maine-et-Loire) compte 833 773 habitants, 176 communes. L'indice de "
        "fragilité numérique est de 39,9 points (de 0 à 100, 100 = le plus fragile). Par EPCI, il "
        "est le plus haut dans "
    )
    assert "Environ 108 335 personnes y sont à accompagner" in lines[at]
    place = lines.index("CC du Pays d'Ancenis")
    assert "n'est qu'en partie" in lines[place + 1]
    assert lines[place + 2] == "Combien de personnes"  # one line, then the next heading
    assert sum("un ordre de grandeur" in line for line in lines[at + 1 :]) <= 1
    assert not any(" dans Noyant" in line for line in lines)


def test_workbook_beside_it_holds_the_same_communes(built, two, epci):
    for folder, count in ((two[1], 2), (epci[1], 45)):
        book = openpyxl.load_workbook(folder / "d.xlsx")
        codes = [cell.value for cell in book["Communes"]["A"] if cell.value]
        codes = [code for code in codes if re.fullmatch(r"49\d{3}", code)]
        assert len(codes) == count
        assert {"Lisez-moi", "EPCI", "Sources"} <= set(book.sheetnames)
        told = " ".join(str(cell.value) for cell in book["Lisez-moi"]["A"])
        assert "127" not in told  # readings are counted among its own communes


# --- how it is made ------------------------------------------------------------------------------


def test_tables_repeat_their_header_and_never_cut_a_row(epci):
    for table in epci[0].tables:
        assert table.style.name == word.TABLE
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)
    for name in ("Heading 1", "Heading 2", "Caption"):
        assert epci[0].styles[name].paragraph_format.keep_with_next


def test_the_map_has_words_for_who_does_not_see_it(epci):
    (shape,) = epci[0].inline_shapes
    text = shape._inline.docPr.get("descr")
    assert text.startswith("Carte de Maine-et-Loire (49)") and "CA Saumur Val de Loire" in text
    section = epci[0].sections[0]
    assert shape.width == section.page_width - section.left_margin - section.right_margin


def test_language_properties_and_page_numbers(two):
    document = two[0]
    assert document.styles.element.find(f".//{qn('w:lang')}").get(qn("w:val")) == "fr-FR"
    about = document.core_properties
    assert about.title == "Fragilité numérique : Mouliherne et Longué-Jumelles"
    assert (about.author, about.language) == (f"fragilite {__version__}", "fr-FR")
    assert f"{about.created:%Y-%m-%d}" == f"{about.modified:%Y-%m-%d}" == "2026-11-21"
    footer = document.sections[0].footer._element.xml
    assert 'w:instr="PAGE"' in footer and 'w:instr="NUMPAGES"' in footer
    assert document.sections[0].page_width.cm == pytest.approx(21, abs=0.01)


def test_colours_of_texts_stand_out():
    """At least 4.5 to 1 on white, and white on the header of tables."""

    def light(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (word.DARK, word.SOFT, word.INK):
        assert 1.05 / (light(colour) + 0.05) >= 4.5


def test_twice_gives_the_same_bytes(built, two, tmp_path):
    written(replace(built), of_communes(built, ["49221", "49180"]), tmp_path)
    for name in ("d.docx", "d.xlsx"):
        assert (tmp_path / name).read_bytes() == (two[1] / name).read_bytes()


def test_the_archive_has_no_date_nor_picture_of_another_document(two):
    with zipfile.ZipFile(two[1] / "d.docx") as archive:
        assert {member.date_time for member in archive.infolist()} == {word.EPOCH}
        assert not [name for name in archive.namelist() if "thumbnail" in name]


# --- what there may be less of -------------------------------------------------------------------


def test_all_missing(built, tmp_path):
    document = written(empty(built), of_epci(built, SAUMUR_VAL_DE_LOIRE), tmp_path)
    assert of_style(document, "Heading 1") == HEADINGS
    text = everything(document)
    assert "pas d'indice" in text and not re.search(r"\b(nan|None)\b", text)
    assert set(rows(document.tables[0])[1][1:]) == {"–"}


def test_one_commune_without_epci_nor_outline(built, tmp_path):
    alone = only(built, ["49328"], no_outlines, code_epci=None, nom_epci=None)
    alone = replace(alone, epci=alone.epci[:0])
    document = written(alone, of_communes(alone, ["Saumur"]), tmp_path)
    assert of_style(document, "Heading 1") == HEADINGS
    assert rows(document.tables[1])[0][1:] == ["Saumur", "Maine-et-Loire", "France"]


def test_an_awkward_name_is_text_everywhere(built, tmp_path):
    strange = named(built, "49328", AWKWARD)
    document = written(strange, of_communes(strange, ["49328"]), tmp_path)
    assert AWKWARD in of_style(document, "Title")[0]
    assert rows(document.tables[0])[1][0] == AWKWARD
    with zipfile.ZipFile(tmp_path / "d.docx") as archive:
        assert b"<script" not in b"".join(map(archive.read, archive.namelist()))
    assert AWKWARD in [cell.value for cell in openpyxl.load_workbook(tmp_path / "d.xlsx")[
        "Communes"
    ]["B"]]  # fmt: skip


@pytest.mark.parametrize("method", ["ifn-2020", "ifn-2023"])
def test_any_method(method, tmp_path):
    found = build("49", method=method)
    document = written(found, of_departements(found), tmp_path)
    assert of_style(document, "Heading 1")[-2].startswith("La méthode en ")
    assert MISSING not in of_style(document, "Caption")


# --- the subject ---------------------------------------------------------------------------------


def test_communes_by_name_by_code_and_by_former_name(built):
    subject = of_communes(built, ["Saumur", "49328", "Champtoceaux"])
    assert subject.communes == ("49328", "49126")
    assert subject.nom == "49328-49126"
    assert subject.complement == "de Saumur et d'Orée d'Anjou"


def test_unknown_and_ambiguous_names_say_what_to_do(built):
    with pytest.raises(UsageError, match=r"Vouliez-vous dire .*Saumur.* Ailleurs, donnez son code"):
        of_communes(built, ["Saumurr"])
    with pytest.raises(UsageError) as unknown:
        of_communes(built, ["Zorglub"])
    assert str(unknown.value).casefold().count("son code") == 1
    with pytest.raises(UsageError) as many:
        of_communes(built, ["saint"])
    assert re.search(r", 49\d{3} [^,]+ et \d+ autres\.", str(many.value))
    assert len(re.findall(r"\b49\d{3} ", many.value.message)) == 10
    with pytest.raises(UsageError, match=r"plusieurs communes.*Donnez son code, comme 49"):
        of_communes(built, ["Saint"])
    with pytest.raises(UsageError, match="Aucun EPCI 200000000"):
        of_epci(built, "200000000")


def test_a_restricted_build_keeps_ranks_and_counts_its_own(built):
    found = restricted(built, of_epci(built, SAUMUR_VAL_DE_LOIRE))
    assert len(found.communes) == len(found.uncertainty.territoires) == 45
    assert set(found.communes["rang_sur"]) == {176}
    assert found.epci["code_epci"].tolist() == [SAUMUR_VAL_DE_LOIRE]
    said = " ".join(line for part in sections(found) for line in part.lignes)
    assert "le cinquième le plus fragile des 176 communes classées" in said
    whole = of_departements(built)
    assert restricted(built, whole) is built


# --- the house's model ---------------------------------------------------------------------------


def model(path, *, without=()):
    """A house's model: its font, its header, a text that must go, some styles it lacks."""
    document = docx.Document()
    document.styles["Normal"].font.name = "Georgia"
    document.styles["Heading 1"].font.name = "Georgia"
    document.sections[0].header.paragraphs[0].text = "Département de Maine-et-Loire"
    document.sections[0].footer.paragraphs[0].text = "Place Michel-Debré"
    document.add_paragraph("Un ancien texte")
    document.add_table(1, 1)
    for name in without:
        document.styles[name].delete()
    document.save(str(path))
    return path


def test_a_model_gives_its_styles_header_and_footer(built, tmp_path):
    template = model(tmp_path / "modele.docx")
    before = template.read_bytes()
    document = written(built, of_communes(built, ["49221"]), tmp_path, template=template)
    assert document.styles["Normal"].font.name == "Georgia"
    assert document.styles["Heading 1"].font.name == "Georgia"
    assert document.sections[0].header.paragraphs[0].text == "Département de Maine-et-Loire"
    assert document.sections[0].footer.paragraphs[0].text == "Place Michel-Debré"
    assert "Un ancien texte" not in everything(document)
    assert of_style(document, "Heading 1") == HEADINGS
    assert template.read_bytes() == before


def test_styles_that_a_model_lacks_are_added(built, tmp_path):
    lacking = ["Title", "Heading 1", "Heading 2", "List Bullet", "List Number", "Caption"]
    template = model(tmp_path / "modele.docx", without=lacking)
    document = written(built, of_communes(built, ["49221"]), tmp_path, template=template)
    assert of_style(document, "Heading 1") == HEADINGS
    known = {one.name for one in document.styles if one.type == WD_STYLE_TYPE.PARAGRAPH}
    assert set(lacking) <= known
    assert all(one.startswith("•\t") for one in of_style(document, "List Bullet"))
    assert [one.split("\t")[0] for one in of_style(document, "List Number")][::9] == ["1.", "10."]


def test_a_word_template_is_a_model_too(built, tmp_path):
    source = model(tmp_path / "source.docx")
    target = tmp_path / "modele.dotx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(word._DOCUMENT, word._MODEL))
    document = written(built, of_communes(built, ["49221"]), tmp_path, template=target)
    assert document.sections[0].header.paragraphs[0].text == "Département de Maine-et-Loire"


def test_a_model_that_is_missing_or_not_word(tmp_path):
    with pytest.raises(UsageError, match="Modèle introuvable"):
        word.check_template(tmp_path / "rien.docx")
    for name, content in (("a.docx", b""), ("b.docx", b"PK nothing"), ("c.odt", b"x")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError, match="pas un document Word"):
            word.check_template(path)
    other = tmp_path / "tableau.docx"
    openpyxl.Workbook().save(other)  # an archive, of another kind
    with pytest.raises(UsageError, match="pas un document Word"):
        word.check_template(other)
    folder = tmp_path / "dossier.docx"
    folder.mkdir()
    with pytest.raises(UsageError, match="introuvable"):
        word.check_template(folder)


def test_a_model_that_word_holds(tmp_path, monkeypatch):
    template = model(tmp_path / "modele.docx")

    def refused(_self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(FragiliteError, match=r"ouvert dans Word, ou vos droits.*Fermez-le"):
        word.check_template(template)


def test_a_model_open_elsewhere_still_reads_and_says_so(tmp_path, caplog):
    template = model(tmp_path / "modele.docx")
    (tmp_path / "~$dele.docx").write_bytes(b"")
    with caplog.at_level(logging.WARNING, logger="fragilite"):
        word.check_template(template)
    assert "dernière version enregistrée" in caplog.text


# --- writing both or neither ---------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["~$d.docx", "~$d.xlsx", ".~lock.d.docx#", ".~lock.d.xlsx#"])
def test_open_in_word_or_excel(built, tmp_path, mark):
    (tmp_path / mark).write_bytes(b"")
    with pytest.raises(FragiliteError, match="est ouvert dans"):
        written(built, of_communes(built, ["49221"]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [mark]


@pytest.mark.parametrize("name", ["d.docx", "d.xlsx"])
def test_nothing_is_replaced_unless_asked(built, tmp_path, name):
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(UsageError, match="existe déjà"):
        written(built, of_communes(built, ["49221"]), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"mine"
    written(built, of_communes(built, ["49221"]), tmp_path, overwrite=True)
    assert zipfile.is_zipfile(tmp_path / name)


def test_a_failure_leaves_what_was_there(built, tmp_path, monkeypatch):
    for name in ("d.docx", "d.xlsx"):
        (tmp_path / name).write_bytes(b"mine")
    real = Path.replace

    def refused(self, target):
        if (
            Path(target) == tmp_path / "d.xlsx"
            and self.name == "d.xlsx"
            and "former" not in str(self)
        ):
            raise PermissionError(13, "Permission denied")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(FragiliteError, match="droits insuffisants"):
        written(built, of_communes(built, ["49221"]), tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.docx", "d.xlsx"]
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"mine"}


# --- the command ---------------------------------------------------------------------------------


def test_command(run, tmp_path):
    code, out, err = run("dossier", "--epci", SAUMUR_VAL_DE_LOIRE)
    stem = f"dossier_epci-{SAUMUR_VAL_DE_LOIRE}"
    assert (code, out, err) == (0, f"{stem}.docx\n{stem}.xlsx\n", "")
    code, out, _ = run("dossier", "--communes", "49221, Longué-Jumelles", "-o", "deux.docx")
    assert (code, out) == (0, "deux.docx\ndeux.xlsx\n")
    text = everything(docx.Document(io.BytesIO((tmp_path / "deux.docx").read_bytes())))
    assert "Mouliherne et Longué-Jumelles" in text
    code, _, err = run("dossier", "--communes", "49221", "-o", "deux.docx")
    assert code == 2 and "--overwrite" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Il manque ce dont parle le dossier"),
        (["--dept", "49", "--epci", SAUMUR_VAL_DE_LOIRE], "--dept et --epci se contredisent"),
        (["--dept", "49", "-o", "a.pdf"], "un fichier .docx est attendu"),
        (["--dept", "49", "--template", "rien.docx"], "Modèle introuvable : rien.docx"),
        (["--communes", " , "], "--communes est vide"),
        (["--communes", "Nulle-Part"], "Commune inconnue"),
        (["--epci", "123"], "les neuf chiffres du SIREN"),
    ],
)
def test_command_refuses_in_one_line(run, tmp_path, arguments, said):
    code, out, err = run("dossier", *arguments)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1
    assert not list(tmp_path.glob("*.docx"))
