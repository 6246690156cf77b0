"""A table that a user hands over, read as text: delimited, workbook or Parquet.

Unlike a publisher's file, nothing describes it: separator, encoding and form are recognised by what
it holds, never by its name.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from statistics import mode
from typing import Any

import numpy as np
import pandas as pd

from fragilite.errors import UsageError, reason
from fragilite.french import fold, listing, number
from fragilite.ingestion.catalogue import RawFile
from fragilite.ingestion.raw import LayoutError, open_text, reading

#: Above this size, what was given is not a table of communes: all those of France, with 90 columns,
#: take 60 MB.
SIZE_MAX = 512 << 20
#: Rows read to recognise a separator, and what a column holds.
FIRST_ROWS, SAMPLE = 20, 2000
#: Names that a message lists; the others are counted.
NAMED, COLUMNS = 5, 20

_SPACES = re.compile(r"[\s\u00a0\u202f]+")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?")
_WORKBOOK = ("[Content_Types].xml", "content.xml")
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class UserTable:
    """A table of text; its columns are made when they are asked for.

    Attributes
    ----------
    nom : str
        Name of the file.
    colonnes : list of str
    lignes : list of int
        Number of each row, as a spreadsheet shows it.
    column : callable
        Place of a column → its cells, trimmed; an empty one is ``""``.
    """

    nom: str
    colonnes: list[str]
    lignes: list[int]
    column: Callable[[int], list[str]]

    def cells(self, name: str) -> list[str]:
        """The cells of a column."""
        return self.column(self.colonnes.index(name))

    def sample(self, name: str) -> list[str]:
        """Its first cells that are not empty."""
        return [cell for cell in self.cells(name)[:SAMPLE] if cell]

    def find(self, wanted: str) -> str:
        """The column of this name, whatever its case and accents.

        Raises
        ------
        UsageError
            If there is none: the columns are listed.
        """
        near = [name for name in self.colonnes if fold(name) == fold(wanted)]
        if wanted in self.colonnes or len(near) == 1:
            return wanted if wanted in self.colonnes else near[0]
        close = get_close_matches(wanted, self.colonnes, n=1)
        hint = f" Vouliez-vous dire « {close[0]} » ?" if close else ""
        raise UsageError(
            f"{self.nom} : colonne « {wanted} » absente.{hint}",
            f"Colonnes : {some(self.colonnes, COLUMNS)}.",
        )


def some(items: Sequence[str], shown: int = NAMED) -> str:
    """The first items of a list, and how many more there are.

    Examples
    --------
    >>> some(["a", "b", "c"], 2), some(["a", "b"], 2)
    ('a, b et 1 de plus', 'a et b')
    """
    if len(items) <= shown:
        return listing(items)
    return f"{', '.join(items[:shown])} et {number(len(items) - shown)} de plus"


def tidy_code(text: str) -> str:
    """A code without what spreadsheets leave around it: ``="01001"``, ``'01001``, ``1001.0``.

    Examples
    --------
    >>> tidy_code('="01001"'), tidy_code("1001.0")
    ('01001', '1001')
    """
    return re.sub(r"[.,]0+$", "", _SPACES.sub("", text).strip("='\"").upper())


def padded_code(code: str) -> str:
    """A commune code with the leading zero that a spreadsheet has eaten."""
    return f"0{code}" if re.fullmatch(r"\d{4}", code) else code


def parse_figure(text: str) -> float:
    """A number written with a comma or a point, thousands spaced, « % » or not; else NaN.

    Examples
    --------
    >>> parse_figure("1 234,5"), parse_figure("33.1 %"), parse_figure("−2"), parse_figure("élevé")
    (1234.5, 33.1, -2.0, nan)
    """
    plain = _SPACES.sub("", text).removesuffix("%").replace("−", "-").lower()
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else float("nan")


def open_tables(path: Path) -> list[UserTable]:
    """Read the tables of a file as what they are, whatever its name.

    Parameters
    ----------
    path : Path
        CSV (``;``, ``,`` or tabulation; UTF-8, UTF-16 or cp1252; gzipped or zipped too), workbook
        (.xlsx, .xls, .ods) or Parquet.

    Returns
    -------
    list of UserTable
        One, or for a workbook one a sheet that holds a table.

    Raises
    ------
    UsageError
        If it is missing, unreadable, above 512 MB, ragged, or has a single column.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
        if path.stat().st_size > SIZE_MAX:
            raise _unread(path, "plus de 512 Mo, ce n'est pas une table de communes.")
        if head.startswith(b"PAR1"):
            return [_parquet(path)]
        if head.startswith(_OLD_WORKBOOK) or _is_workbook(path):
            return _workbook(path)
        return [_delimited(path)]
    except (OSError, zipfile.BadZipFile) as error:
        missing = isinstance(error, FileNotFoundError)
        why = "fichier introuvable" if missing else f"illisible ({reason(error)})"
        raise UsageError(f"{path} : {why}.", "Vérifiez le chemin du fichier.") from error
    except LayoutError as error:
        raise UsageError(error.message, "Donnez un CSV, un classeur ou un Parquet.") from error


def _unread(path: Path, constat: str, remedy: str = "") -> UsageError:
    return UsageError(f"{path.name} : {constat}", remedy)


def _is_workbook(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name in archive.namelist() for name in _WORKBOOK)


def _under_header(path: Path, rows: Sequence[Sequence[str]], lines: Sequence[int]) -> UserTable:
    """The table under the first row that has two cells: a title above it is passed over."""
    top = next((place for place, row in enumerate(rows) if sum(map(bool, row)) > 1), None)
    if top is None:
        raise _unread(
            path,
            "deux colonnes au moins attendues, une seule colonne trouvée.",
            "Séparez les colonnes par « ; », « , » ou une tabulation.",
        )
    names = [name or f"(colonne {place})" for place, name in enumerate(rows[top], start=1)]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        names = [
            f"{name} ({place})" if name in twice else name
            for place, name in enumerate(names, start=1)
        ]
    width = len(names)
    kept = [place for place in range(top + 1, len(rows)) if any(rows[place])]
    for place in kept:
        if any(rows[place][width:]):
            raise _unread(
                path,
                f"ligne {lines[place]}, {len(rows[place])} cellules pour {width} colonnes.",
                "Une virgule décimale dans un fichier séparé par des virgules ? Enregistrez-le "
                "avec le séparateur « ; ».",
            )

    def column(at: int) -> list[str]:
        return [rows[place][at] if at < len(rows[place]) else "" for place in kept]

    return UserTable(path.name, names, [lines[place] for place in kept], column)


def _delimited(path: Path) -> UserTable:
    file = RawFile(nom=path.name, genre="csv")
    with reading("", None, file), open_text(path, file) as stream:
        content = stream.read(SIZE_MAX + 1)
    if len(content) > SIZE_MAX:
        raise _unread(path, "plus de 512 Mo une fois décompressé : refusé.")
    text = _decoded(path, content, file.encodages)
    rows, lines = [], []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        for line, row in enumerate(reader, start=1):
            rows.append([cell.strip() for cell in row])
            lines.append(line)
    except csv.Error as error:
        constat = f"ligne {len(lines) + 1}, guillemets mal fermés ou cellule démesurée."
        raise _unread(path, constat, "Enregistrez-le à nouveau depuis un tableur.") from error
    return _under_header(path, rows, lines)


def _decoded(path: Path, content: bytes, encodings: Sequence[str]) -> str:
    """Text of a file: Excel's « Texte Unicode » is UTF-16, the rest is what publishers use."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text or text.lstrip().startswith(("{", "[")):
            break
        return text
    raise _unread(
        path, "ce n'est pas une table en texte.", "Donnez un CSV, un classeur ou un Parquet."
    )


def _separator(text: str) -> str:
    """The separator that cuts the most rows, of the first ones, into as many cells."""

    def agreeing(separator: str) -> int:
        head = io.StringIO(text[: 1 << 18], newline="")
        try:
            widths = [len(row) for row in islice(csv.reader(head, delimiter=separator), FIRST_ROWS)]
        except csv.Error:
            return 0
        usual = mode(widths) if widths else 1
        return widths.count(usual) if usual > 1 else 0

    return max(";\t,", key=agreeing)


def _workbook(path: Path) -> list[UserTable]:
    """Sheets that hold a table; a cover page does not."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names]
        contents = [sheet.to_python(skip_empty_area=False) for sheet in sheets]
    except CalamineError as error:
        remedy = "S'il est protégé par un mot de passe, enregistrez-le sans."
        raise _unread(path, "ce n'est pas un classeur lisible.", remedy) from error
    tables, refusal = [], _unread(path, "classeur sans feuille.")
    for content in contents:
        rows = [[_text(cell) for cell in row] for row in content]
        try:
            tables.append(_under_header(path, rows, range(1, len(rows) + 1)))
        except UsageError as error:
            refusal = error
    if not tables:
        raise refusal
    return tables


def _text(cell: Any) -> str:
    """A cell as a spreadsheet shows it: a whole number has no decimals."""
    if cell is None or cell is pd.NA:
        return ""
    if isinstance(cell, float):
        return "" if np.isnan(cell) else str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell).strip()


def _parquet(path: Path) -> UserTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        plain = [
            column.name
            for column in file.schema_arrow
            if not pa.types.is_nested(column.type) and not pa.types.is_binary(column.type)
        ]
        table = file.read(plain)
    except pa.ArrowException as error:
        raise _unread(path, "Parquet tronqué ou abîmé.") from error
    lines = list(range(2, table.num_rows + 2))  # as if under a header

    def column(at: int) -> list[str]:
        return [_text(cell) for cell in table.column(at).to_pylist()]

    return UserTable(path.name, plain, lines, column)
