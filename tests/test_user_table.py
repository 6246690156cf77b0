"""Tables as people hand them over: separators, encodings, titles, workbooks, damage."""

import gzip
import zipfile

import pandas as pd
import pytest

from fragilite.errors import UsageError
from fragilite.user_table import open_tables, some


@pytest.fixture
def opened(tmp_path):
    """The only table of a file of this content."""

    def _opened(content, name="scores.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        (table,) = open_tables(path)
        return table

    return _opened


ROWS = [["49007", "Angers, la ville", "3,5"], ["49328", "Saumur", "é"]]


def columns(table):
    return [table.cells(name) for name in table.colonnes]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_separators_and_encodings_are_recognised(opened, separator, encoding):
    lines = [["code", "nom", "total"], *ROWS]
    text = "\r\n".join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    table = opened(text.encode(encoding))
    assert table.colonnes == ["code", "nom", "total"]
    assert columns(table) == [list(cells) for cells in zip(*ROWS, strict=True)]
    assert table.lignes == [2, 3]


def test_decimal_commas_do_not_make_a_separator(opened):
    table = opened("code;a;b\n49007;1,5;2,5\n49328;3,5;4,5\n")
    assert columns(table) == [["49007", "49328"], ["1,5", "3,5"], ["2,5", "4,5"]]


def test_titles_and_blank_lines_are_passed_over_and_lines_keep_their_number(opened):
    table = opened("Indice par commune, 2023\n\ncode;total\n\n49007;1\n;\n49328\n49015;2;;\n")
    assert table.colonnes == ["code", "total"]
    assert columns(table) == [["49007", "49328", "49015"], ["1", "", "2"]]
    assert table.lignes == [5, 7, 8]


def test_columns_without_a_name_or_twice_the_same_are_told_apart(opened):
    table = opened("code;;v;v\n49007;1;2;3\n")
    assert table.colonnes == ["code", "(colonne 2)", "v (3)", "v (4)"]
    assert table.cells("v (4)") == ["3"]


def test_a_column_is_found_whatever_its_case_and_accents(opened):
    table = opened("Code INSEE;Indice de fragilité\n49007;1\n")
    assert table.find("code_insee") == "Code INSEE"
    assert table.find("indice-de-fragilite") == "Indice de fragilité"
    with pytest.raises(UsageError) as error:
        table.find("Indice de fragilite 2")
    assert "Vouliez-vous dire « Indice de fragilité » ?" in error.value.message
    assert error.value.remedy == "Colonnes : Code INSEE et Indice de fragilité."


def test_archives_are_opened(opened, tmp_path):
    text = b"code;total\n49007;1\n"
    assert opened(gzip.compress(text, mtime=0), "s.csv.gz").cells("total") == ["1"]
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        archive.writestr("s.csv", text)
    assert open_tables(tmp_path / "s.zip")[0].cells("code") == ["49007"]


def test_sheets_that_hold_a_table_are_read_as_a_spreadsheet_shows_them(tmp_path):
    path = tmp_path / "scores.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"À lire": ["Un titre seul"]}).to_excel(
            book, sheet_name="Lisez-moi", index=False
        )
        frame = pd.DataFrame({"code": [1001, 49007], "total": [2.0, 3.25], "vide": [None, "x"]})
        frame.to_excel(book, sheet_name="Communes", index=False)
    (table,) = open_tables(path)
    assert columns(table) == [["1001", "49007"], ["2", "3.25"], ["", "x"]]


def test_parquet_without_its_geometries(tmp_path):
    path = tmp_path / "scores.parquet"
    frame = pd.DataFrame({"code": ["49007", None], "total": [0.1, float("nan")], "n": [1, 2]})
    frame.assign(geometry=[b"a", b"b"]).to_parquet(path)
    (table,) = open_tables(path)
    assert table.colonnes == ["code", "total", "n"]
    assert columns(table) == [["49007", ""], ["0.1", ""], ["1", "2"]]
    assert table.lignes == [2, 3]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UsageError, match="tronqué ou abîmé"):
        open_tables(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "il est vide"),
        ("<!doctype html><p>403</p>", "page web"),
        ("code\n49007\n", "une seule colonne"),
        ("code,total\n49007,3,5\n", "ligne 2, 3 cellules pour 2 colonnes"),
        ('code;total\n49007;"3\n49328;4\n', "guillemets mal fermés"),
        ('{"49007": 3}', "pas une table"),
        (b"SQLite format 3\0\x01\x02", "pas une table"),
        (b"PK\x03\x04 coup\xe9", "tronqué ou abîmé"),
        (b"\xd0\xcf\x11\xe0 coup\xe9", "pas un classeur lisible"),
        (gzip.compress(b"code;total\n49007;1\n" * 99, mtime=0)[:-20], "tronqué ou abîmé"),
    ],
)
def test_what_is_no_table_is_said_in_one_line(opened, content, said):
    with pytest.raises(UsageError, match=said) as error:
        opened(content)
    assert "\n" not in str(error.value)
    assert error.value.remedy


def test_a_missing_file_or_a_folder(tmp_path):
    with pytest.raises(UsageError, match="introuvable"):
        open_tables(tmp_path / "rien.csv")
    with pytest.raises(UsageError, match="c'est un dossier"):
        open_tables(tmp_path)


def test_some():
    assert some(list("abcdefg")) == "a, b, c, d, e et 2 de plus"
    assert some(["a"]) == "a"
