"""The workbook, opened as a program would: openpyxl, and pandas as a researcher."""

import dataclasses
import io
import xml.etree.ElementTree as ET
import zipfile
from datetime import datetime

import numpy as np
import openpyxl
import pandas as pd
import pytest

from fragilite import outputs, pipeline
from fragilite.columns import declared
from fragilite.errors import FragiliteError
from fragilite.method import available_methods, load_method
from fragilite.outputs import notice, parse_formats, sheets, workbook
from fragilite.outputs.tables import french, rounded
from fragilite.pipeline import build
from fragilite.table import Statut

SHEETS = ["Lisez-moi", "L'essentiel", "Communes", "EPCI", "Dictionnaire", "Sources"]
TABLES = SHEETS[1:4]
ERRORS = ("#REF!", "#N/A", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!")
#: Names that break files: quotes, markup, what lies outside the first plane, a separator.
AWKWARD = ['Le "Bourg"', "L'Île-d'Yeu", "<script>alert(1)</script>", "Ville 🌻", "A & B ; C, D"]


def opened(result, path):
    workbook.write(result, path)
    return openpyxl.load_workbook(path)


@pytest.fixture(scope="module")
def path(built, tmp_path_factory):
    target = tmp_path_factory.mktemp("classeur") / "fragilite_49.xlsx"
    workbook.write(built, target)
    return target


@pytest.fixture(scope="module")
def book(path):
    return openpyxl.load_workbook(path)


def table_of(sheet):
    """Cells under the labels, by column name; None where a cell is empty."""
    rows = list(sheet.iter_rows(values_only=True))
    return pd.DataFrame(rows[sheets.FIRST :], columns=rows[sheets.NAMES], dtype=object)


def prose(sheet):
    return "\n".join(str(cell.value) for cell in sheet["A"] if cell.value).replace("\xa0", " ")


def test_sheets(book):
    assert book.sheetnames == SHEETS
    assert book.active.title == "Lisez-moi"


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_frozen_and_filtered_on_their_labels(book, built, name):
    sheet = book[name]
    assert sheet.freeze_panes == "C4"
    assert sheet.auto_filter.ref.startswith("A3:")
    assert sheet.auto_filter.ref.endswith(str(sheet.max_row))
    assert sheet.print_title_rows == "$3:$3"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    for cell, label in zip(sheet[2], sheet[3], strict=True):
        column = built.columns[cell.value]
        assert label.value.replace("\xa0", " ").startswith(column.libelle.replace("\xa0", " "))


@pytest.mark.parametrize("name", [name for name in SHEETS if name != "Communes"])
def test_sheets_fit_the_width_of_a_page(book, name):
    assert book[name].sheet_properties.pageSetUpPr.fitToPage
    assert (book[name].page_setup.fitToWidth or 1, book[name].page_setup.fitToHeight) == (1, 0)


def test_values_are_those_of_the_build(book, built):
    for name, table in (("Communes", built.communes), ("EPCI", built.epci)):
        wanted = french(rounded(table, built.columns), built.columns)
        found = table_of(book[name])
        assert set(found.columns) == set(wanted.columns)
        for column in wanted.columns:
            cells, values = found[column].tolist(), wanted[column].tolist()
            for cell, value in zip(cells, values, strict=True):
                if pd.isna(value) or value == "":
                    assert cell is None, column
                else:
                    assert cell == value, column


def test_types_and_formats_of_cells(book, built):
    for name in TABLES:
        sheet = book[name]
        for place, header in enumerate(sheet[2], start=1):
            column = built.columns[header.value]
            for (cell,) in sheet.iter_rows(min_row=4, min_col=place, max_col=place):
                if cell.value is None:
                    continue
                numeric = column.type in ("number", "integer")
                assert cell.data_type == ("n" if numeric else "s"), (name, column.nom)
                if numeric:
                    assert cell.number_format == sheets.number_format(column)
                elif column.motif:
                    assert cell.number_format == "@"


def test_no_formula_no_error(book):
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in ("n", "s"), (sheet.title, cell.coordinate)
                assert cell.value not in ERRORS


def test_codes_raise_no_green_triangle(path):
    with zipfile.ZipFile(path) as archive:
        for number in (2, 3, 4, 5, 6):
            xml = archive.read(f"xl/worksheets/sheet{number}.xml").decode()
            assert 'numberStoredAsText="1"' in xml


def test_the_essential_is_about_twelve_columns(book):
    names = [cell.value for cell in book["L'essentiel"][2]]
    assert names == [
        "code_insee", "nom", "nom_epci", "population", "indice", "classe_libelle", "rang",
        "rang_min_90", "rang_max_90", "lecture", "fragilite_usages", "personnes_a_accompagner",
        "rang_volume", "completude",
    ]  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_no_signal_never_stands_alone(book, built, name):
    note = book[name]["A1"].value.replace("\xa0", " ")
    assert notice.unseen(built) in note
    if "lecture" in [cell.value for cell in book[name][2]]:
        assert built.columns["lecture"].description in note


def test_first_sheet_says_how_to_read_and_how_not_to(book, built):
    text, lecture = prose(book["Lisez-moi"]), built.method.lecture
    said = [lecture.usage, lecture.non_usage, *lecture.validite, *lecture.invisible]
    said += ["100 = le plus fragile", "21 novembre 2026", "Licence Ouverte 2.0", "01001"]
    said += [f"« {word} »" for word in ("signal net", "signal probable", "pas de signal")]
    said += ["au moins 90 fois sur 100", "au plus 10 fois sur 100"]
    said += ["EPCI partiel", "Orée d'Anjou", built.method.sha256]
    for words in said:
        assert words in text, words
    for name in SHEETS[1:]:
        assert f"{name} : " in text


def test_dictionary_and_sources(book, built):
    rows = list(book["Dictionnaire"].iter_rows(values_only=True))
    assert list(rows[0]) == list(declared()["dictionnaire"].values())
    assert {row[0] for row in rows[1:]} == {*built.communes.columns, *built.epci.columns}
    assert all(all(row) for row in rows)
    sources = list(book["Sources"].iter_rows(values_only=True))
    assert list(sources[0]) == list(declared()["provenance"].values())
    assert len(sources) == 1 + len(built.inputs.lots)
    for name in ("Dictionnaire", "Sources"):
        assert book[name].freeze_panes == "B2"
        assert book[name].auto_filter.ref


def test_properties(book, built):
    assert book.properties.created == datetime(2026, 11, 21)
    assert "Maine-et-Loire" in book.properties.title


def test_researcher_reads_it_with_pandas(path, built):
    skipped = [sheets.NOTE, sheets.LABELS]
    types = {"code_epci": str}
    table = pd.read_excel(path, "Communes", skiprows=skipped, dtype=types, engine="openpyxl")
    assert table["indice"].tolist() == built.communes["indice"].round(1).tolist()
    assert table["code_epci"].tolist() == built.communes["code_epci"].tolist()


def test_two_runs_give_the_same_bytes(built, path, tmp_path):
    workbook.write(built, tmp_path / "encore.xlsx")
    assert (tmp_path / "encore.xlsx").read_bytes() == path.read_bytes()


def test_format_is_known_but_not_the_default(built, tmp_path):
    assert parse_formats("xlsx") == ["xlsx"]
    assert "xlsx" not in outputs.DEFAULT_FORMATS
    names = [file.name for file in outputs.write(built, tmp_path, ["xlsx"])]
    assert names == ["fragilite_49.xlsx", "fragilite_49_epci.csv", "fragilite_49.datapackage.json"]


# --- colours -------------------------------------------------------------------------------------


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def mixed(place):
    """Colour of the scale at a place from 0 (lightest) to 2 (darkest), as spreadsheets mix it."""
    low = min(int(place), 1)
    ends = [sheets.RAMP[low], sheets.RAMP[low + 1]]
    channels = [[int(end[at : at + 2], 16) for at in (1, 3, 5)] for end in ends]
    share = place - low
    found = (round(a + share * (b - a)) for a, b in zip(*channels, strict=True))
    return "#" + "".join(f"{channel:02X}" for channel in found)


def test_figures_can_be_read_on_every_colour():
    """WCAG asks 4.5: black letters on the light cells, white ones on the dark ones."""
    for place in np.linspace(0, 2, 201):
        light = luminance(mixed(place))
        white = workbook.white_from((0, 1, 2)) <= place
        contrast = 1.05 / (light + 0.05) if white else (light + 0.05) / 0.05
        assert contrast >= 4.5, place


def test_colours_follow_the_classes_of_the_method(book, built):
    sheet = book["L'essentiel"]
    rules = {
        str(found.sqref): {rule.type: rule for rule in found.rules}
        for found in sheet.conditional_formatting
    }
    assert set(rules) == {"E4:E179", "K4:K179"}
    scale = rules["E4:E179"]["colorScale"].colorScale
    assert [float(stop.val) for stop in scale.cfvo] == [27, 41, 55]
    assert [f"#{colour.rgb[2:]}" for colour in scale.color] == list(sheets.RAMP)
    assert workbook.limits(built, "usages") == (31.6, 47.55, 63.5)
    assert workbook.limits(built, "competences") == workbook.limits(built, "indice")


def test_open_scale_takes_its_colours_from_the_figures():
    result = build("49", method="ifn-2020", uncertainty=False)
    low, middle, high = workbook.limits(result, "indice")
    shares = [(result.communes["indice"] < limit).mean() for limit in (low, middle, high)]
    assert shares[0] == pytest.approx(0.05, abs=0.01)
    assert 0.3 < shares[1] < 0.7
    assert shares[2] == pytest.approx(0.95, abs=0.01)


# --- any method, any territory, any name ---------------------------------------------------------


@pytest.mark.parametrize("method", available_methods())
@pytest.mark.parametrize("uncertainty", [False, None])
def test_every_method(method, uncertainty, tmp_path):
    result = build("49", method=method, uncertainty=uncertainty)
    found = opened(result, tmp_path / "classeur.xlsx")
    assert found.sheetnames == SHEETS
    names = [cell.value for cell in found["L'essentiel"][2]]
    assert set(names) <= set(result.communes.columns)
    assert 8 <= len(names) <= 14
    assert ("lecture" in names) == (uncertainty is None)
    text = prose(found["Lisez-moi"])
    assert ("À quel point est-ce sûr" in text) == (uncertainty is None)
    assert result.method.lecture.non_usage in text


def test_method_without_classes_volume_nor_uncertainty(tmp_path):
    whole = load_method()
    nodes = {code: node.model_copy(update={"classes": None}) for code, node in whole.noeuds.items()}
    bare = whole.model_copy(update={"noeuds": nodes, "volume": None, "incertitude": None})
    result = build("49", method=bare)
    found = opened(result, tmp_path / "classeur.xlsx")
    names = {cell.value for cell in found["L'essentiel"][2]}
    assert not names & {"classe_libelle", "lecture", "rang_min_90", "personnes_a_accompagner"}
    assert {"fragilite_reseau", "fragilite_usages"} <= names
    assert "Deux lectures, toujours" not in prose(found["Lisez-moi"])
    assert workbook.limits(result, "indice") == (0, 50, 100)


def test_awkward_names(built, tmp_path):
    communes = built.communes.copy()
    communes.loc[: len(AWKWARD) - 1, "nom"] = AWKWARD
    result = dataclasses.replace(built, communes=communes)
    found = table_of(opened(result, tmp_path / "classeur.xlsx")["L'essentiel"])
    assert found["nom"].tolist()[: len(AWKWARD)] == AWKWARD


def test_a_text_like_a_formula_stays_a_text(built, tmp_path):
    communes = built.communes.copy()
    communes.loc[0, "nom"] = "=1+1"
    result = dataclasses.replace(built, communes=communes)
    cell = opened(result, tmp_path / "classeur.xlsx")["Communes"]["B4"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_codes_keep_their_first_zero(built, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "sections", lambda _: [])  # they look communes up by their code
    communes = built.communes.assign(code_insee="0" + built.communes["code_insee"].str[1:])
    result = dataclasses.replace(built, communes=communes)
    cell = opened(result, tmp_path / "classeur.xlsx")["L'essentiel"]["A4"]
    assert (cell.value, cell.data_type, cell.number_format) == ("09002", "s", "@")


@pytest.mark.parametrize("known", [True, False])
def test_one_commune(tmp_path, monkeypatch, known):
    """Montsoreau alone, with its figures then without any: its EPCI is held in part."""
    real = pipeline.gather

    def alone(*arguments):
        found = real(*arguments)
        lots = found.lots if known else [(lot, unknown(table)) for lot, table in found.lots]
        return dataclasses.replace(found, communes=found.communes.loc[["49219"]], lots=lots)

    monkeypatch.setattr(pipeline, "gather", alone)
    result = build("49")
    assert result.communes["indice"].notna().tolist() == [known]
    found = opened(result, tmp_path / "classeur.xlsx")
    row = table_of(found["L'essentiel"]).iloc[0]
    assert (row["code_insee"], row["nom"]) == ("49219", "Montsoreau")
    assert (row["indice"] is not None) == known
    assert not [value for value in row if value in (*ERRORS, "nan", "None", "<NA>")]
    assert "EPCI partiel" in prose(found["Lisez-moi"])


def unknown(table):
    """A table of which nothing is known."""
    values = table.values.astype(float) * np.nan
    statuts = pd.DataFrame(int(Statut.ABSENT), table.statuts.index, table.statuts.columns)
    return dataclasses.replace(table, values=values, statuts=statuts.astype("int8"))


def test_disk_full_is_met_where_it_is_told(built, tmp_path, monkeypatch):
    real = type(tmp_path).write_bytes

    def full(self, content):
        if self.suffix == ".xlsx":
            raise OSError(28, "No space left on device")
        return real(self, content)

    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    with pytest.raises(FragiliteError, match="disque plein"):
        outputs.write(built, tmp_path, ["xlsx"])
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_parts_of_the_file_are_well_formed(path):
    """Whole XML in every part, nothing that a spreadsheet would mend."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ET.fromstring(archive.read(name))
