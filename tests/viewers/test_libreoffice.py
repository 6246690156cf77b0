"""What a coordinator sees: the workbook and the CSV for French Excel, opened by LibreOffice."""

import csv

import openpyxl
import pandas as pd
import pytest

from fragilite.outputs.sheets import FIRST, NAMES
from fragilite.outputs.tables import french, rounded

#: Separator, quotes, UTF-8, first line, columns as they come, French of France, quotes are not a
#: type, numbers recognised: what a double click does.
FRENCH_EXCEL = "CSV:59,34,76,1,,1036,false,true"
#: Every sheet into a file: comma, quotes around texts only, figures whole.
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false,false,false,-1"


@pytest.fixture(scope="module")
def pdf(files, soffice):
    """The workbook, printed."""
    (made,) = soffice(files / "fragilite_49.xlsx", "pdf")
    return made


@pytest.fixture(scope="module")
def double_clicked(files, soffice):
    """The CSV for French Excel, as a spreadsheet holds it once opened."""
    (made,) = soffice(files / "fragilite_49_excel.csv", "xlsx", reading=FRENCH_EXCEL)
    return openpyxl.load_workbook(made).active


@pytest.fixture(scope="module")
def sheets(files, soffice):
    """Path of each sheet of the workbook, as LibreOffice reads it."""
    made = soffice(files / "fragilite_49.xlsx", EVERY_SHEET)
    return {path.stem.removeprefix("fragilite_49-"): path for path in made}


# --- the CSV for French Excel -------------------------------------------------------------------


def test_double_click_shows_accents_commas_and_codes(double_clicked, built):
    """Every cell: numbers are numbers, texts have their accents, missing cells are empty."""
    wanted = french(rounded(built.communes, built.columns), built.columns)
    rows = list(double_clicked.iter_rows(values_only=True))
    assert list(rows[0]) == list(wanted.columns)
    assert len(rows) == 1 + len(wanted)
    for place, name in enumerate(wanted.columns):
        numeric = built.columns[name].type in ("number", "integer")
        for row, value in zip(rows[1:], wanted[name], strict=True):
            if pd.isna(value) or value == "":
                assert row[place] is None, name
            elif numeric:
                assert row[place] == pytest.approx(float(value)), name
            else:
                assert str(row[place]) == str(value), name


def test_double_click_shows_no_stray_sign(double_clicked):
    """No byte order mark in the first name, no Mojibake, no date where a code was."""
    texts = [cell.value for row in double_clicked for cell in row if isinstance(cell.value, str)]
    assert double_clicked["A1"].value == "code_insee"
    assert any("Orée d'Anjou" in text for text in texts)
    assert any("é" in text for text in texts)
    assert not [text for text in texts if "Ã" in text or "\ufeff" in text or "�" in text]
    assert not [cell for row in double_clicked for cell in row if cell.is_date]


def test_double_click_loses_the_zero_of_some_codes(soffice, tmp_path):
    """Why the first sheet of the workbook sends the départements 01 to 09 to it: a plain CSV has
    no types, and a cell may not begin with =."""
    path = tmp_path / "codes.csv"
    path.write_bytes("code_insee;nom\r\n01004;Ambérieu\r\n49007;Angers\r\n".encode("utf-8-sig"))
    (made,) = soffice(path, "xlsx", reading=FRENCH_EXCEL)
    cells = [cell.value for cell in openpyxl.load_workbook(made).active["A"]]
    assert cells == ["code_insee", 1004, 49007]


def test_picture_of_the_csv(files, soffice, pages, pictures):
    texts, picture = pages
    (made,) = soffice(files / "fragilite_49_excel.csv", "pdf", reading=FRENCH_EXCEL)
    assert "49007" in texts(made)[0]
    picture(made, 0, pictures / "excel_csv.png")


# --- the workbook ---------------------------------------------------------------------------------


def test_libreoffice_reads_the_values_of_the_build(sheets, built):
    tables = {"Communes": built.communes, "EPCI": built.epci, "L'essentiel": built.communes}
    for sheet, table in tables.items():
        lines = read(sheets[sheet])
        names, rows = lines[NAMES], lines[FIRST:]
        assert len(rows) == len(table)
        shown = french(rounded(table, built.columns), built.columns)
        for place, name in enumerate(names):
            for row, value in zip(rows, shown[name], strict=True):
                if pd.isna(value) or value == "":
                    assert row[place] == "", (sheet, name)
                elif built.columns[name].type in ("number", "integer"):
                    assert figure(row[place]) == pytest.approx(float(value)), (sheet, name)
                else:
                    assert row[place] == value, (sheet, name)


def figure(text):
    """A number as LibreOffice writes it in French: 51,5 or 98,7%."""
    share = text.endswith("%")
    return float(text.rstrip("%").replace(",", ".")) / (100 if share else 1)


def read(path):
    """Rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_codes_are_texts_for_libreoffice(sheets):
    """Texts are quoted, numbers are not."""
    text = sheets["Communes"].read_text(encoding="utf-8")
    assert '"49007","Angers","244900015"' in text
    assert '"49","Maine-et-Loire","52"' in text


def test_pages_of_the_workbook(pdf, pages, pictures):
    """Each sheet printed: what it must show is on its first page; a person looks at the picture."""
    texts, picture = pages
    printed = texts(pdf)
    wanted = {
        "lisez_moi": ("Ce classeur", "Échelle des points"),
        "essentiel": ("L'indice ne voit pas", "Code", "Angers", "18 283", "34,2"),
        "epci": ("CU Angers Loire Métropole", "EPCI partiel"),
        "dictionnaire": ("Nom de colonne", "code_insee"),
        "sources": ("Éditeur", "Licence Ouverte 2.0"),
    }
    found = {}
    for name, words in wanted.items():
        shown = [place for place, page in enumerate(printed) if holds(page, words)]
        assert shown, f"{name} : aucune page ne montre {words}"
        found[name] = shown[0]
        picture(pdf, shown[0], pictures / f"xlsx_{name}.png")
    assert list(found.values()) == sorted(found.values())
    communes = found["epci"] - 1
    assert "— Communes" in printed[communes]
    first = next(place for place, page in enumerate(printed) if "— Communes" in page)
    picture(pdf, first, pictures / "xlsx_communes.png")
    assert not [page for page in printed if "###" in page or "#REF!" in page]


def holds(page, words):
    """Whether a page shows some words, whatever the spaces between digits."""
    flat = " ".join(page.replace("\u202f", " ").replace("\xa0", " ").split())
    return all(word in flat for word in words)


def test_every_page_of_the_essential_repeats_its_labels(pdf, pages):
    texts, _ = pages
    essential = [page for page in texts(pdf) if "— L'essentiel" in page]
    assert len(essential) > 1
    assert all("Complétude" in page for page in essential)
