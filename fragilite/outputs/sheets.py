"""Sheets of a workbook: a page of text, tables under their labels, records. Any table will do."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fragilite import __version__, cartography
from fragilite.dictionary import Column
from fragilite.french import glued
from fragilite.outputs.tables import french, rounded

#: Rows of a table: a note, names of columns (for programs), labels (for people: filters, frozen).
NOTE, NAMES, LABELS, FIRST = 0, 1, 2, 3
#: Columns of names that stay in sight.
FROZEN = 2
#: Widths, in characters: of a page of text, of a small screen, of the widest table that can be
#: read on a page.
PAGE, SCREEN, PRINTED = 110, 150, 250
#: Points that a line of text takes; share of a width that bold letters fill; lines of a label.
LINE, BOLD, LABEL_LINES = 15.0, 0.86, 4
#: Widths of columns, in characters: least and largest of a number, then of a text; and what the
#: button of a filter takes.
NUMBER, WIDEST, LEAST, LARGEST, BUTTON = 11, 24, 9, 32, 2
#: Largest width of a text that wraps; points of the labels above.
RECORD, HEAD = 42, 21.0
#: The names of columns are written small: what a character takes of the width of a usual one.
SMALL = 0.75
A4 = 9
#: No text is ever read as a formula, an address or a number.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
#: From the least to the most fragile: the ends and the middle of the maps' colours.
RAMP = tuple(cartography.RAMP[place].upper() for place in (0, 2, -1))


def save(
    path: Path,
    write: Callable[[Any, Mapping[str, Any]], None],
    *,
    title: str,
    subject: str,
    date: str,
) -> None:
    """Write a workbook made in memory, with the date of the newest figures.

    Two runs give the same bytes, and a full disk is met where it is told.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the sheets: takes the workbook and its formats.
    title, subject : str
    date : str
        ISO.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, OPTIONS) as book:
        book.set_properties(
            {
                "title": title,
                "subject": subject,
                "author": f"fragilite {__version__}",
                "created": datetime.fromisoformat(date),
            }
        )
        write(book, _styles(book))
    path.write_bytes(buffer.getvalue())


def _styles(book: Any) -> dict[str, Any]:
    """Formats of the workbook, by what they are for."""
    top = {"valign": "top"}
    return {
        "title": book.add_format({"bold": True, "font_size": 16, "text_wrap": True}),
        "section": book.add_format(
            {"bold": True, "font_size": 12, "font_color": RAMP[-1], "bottom": 1}
        ),
        "prose": book.add_format({"text_wrap": True} | top),
        "note": book.add_format({"text_wrap": True, "italic": True} | top),
        "name": book.add_format({"font_size": 8, "font_color": "#595959", "shrink": True}),
        "label": book.add_format(
            {
                "bold": True, "text_wrap": True, "valign": "vcenter", "border": 1,
                "bg_color": RAMP[-1], "font_color": "#FFFFFF", "border_color": "#FFFFFF",
            }
        ),
        "text": book.add_format({"align": "left", "indent": 1} | top),
        "wrapped": book.add_format({"text_wrap": True} | top),
        "code": book.add_format({"num_format": "@"} | top),
        "white": book.add_format({"font_color": "#FFFFFF"}),
    }  # fmt: skip


def prose(
    book: Any, styles: Mapping[str, Any], name: str, lines: Sequence[tuple[str, str]]
) -> None:
    """A page of text.

    Parameters
    ----------
    lines : sequence of (str, str)
        Text, and its format: ``title``, ``note``, ``section`` or ``prose``; the first is the title.
    """
    sheet = book.add_worksheet(name)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, PAGE)
    for row, (text, style) in enumerate(lines):
        sheet.set_row(row, _height(text, PAGE) + (LINE if style == "title" else 0))
        sheet.write_string(row, 0, glued(text), styles[style])
    _page(sheet, lines[0][0], wide=True)


def table(
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    rows: pd.DataFrame,
    records: Mapping[str, Column],
    *,
    note: str,
    title: str,
    detail: Callable[[Column], bool] = lambda _: False,
    wide: bool = True,
) -> Any:
    """Write a table under its note, its names and its labels.

    Parameters
    ----------
    rows : DataFrame
    records : mapping of str to Column
        The dictionary of its columns.
    note : str
        What must be read with it.
    title : str
        At the foot of each page.
    detail : callable
        Whether a column folds with others.
    wide : bool
        Whether all columns go on the width of a page; else pages follow each other.

    Returns
    -------
    xlsxwriter.worksheet.Worksheet
    """
    sheet = book.add_worksheet(name)
    shown = french(rounded(rows, dict(records)), dict(records))
    columns = [records[str(column)] for column in shown]
    last = last_row(rows)
    formats: dict[str, Any] = {}
    widths = [_width(column, shown[column.nom]) for column in columns]
    for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
        style = _style(column, styles, book, formats)
        sheet.set_column(place, place, width, None, {"level": int(detail(column))})
        sheet.write_string(NAMES, place, column.nom, styles["name"])
        sheet.write_string(LABELS, place, _label(column), styles["label"])
        for row, value in enumerate(shown[column.nom], start=FIRST):
            _cell(sheet, row, place, value, style)
    _heads(sheet, styles, note, columns, widths)
    sheet.freeze_panes(FIRST, FROZEN)
    sheet.autofilter(LABELS, 0, last, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    sheet.repeat_rows(LABELS)
    if wide:
        sheet.print_area(0, 0, last, _within(widths, PRINTED) - 1)
    else:  # far too wide for a page: they follow each other
        sheet.repeat_columns(0, FROZEN - 1)
        sheet.set_print_scale(60)
    _page(sheet, f"{title} — {name}", wide=wide)
    return sheet


def last_row(rows: pd.DataFrame) -> int:
    """Row of a sheet that a table ends at."""
    return FIRST + max(len(rows), 1) - 1


def _heads(
    sheet: Any,
    styles: Mapping[str, Any],
    note: str,
    columns: Sequence[Column],
    widths: Sequence[float],
) -> None:
    """The note over the first columns, and rows as high as what they hold."""
    over = max(_within(widths, SCREEN), FROZEN + 1)
    sheet.merge_range(NOTE, 0, NOTE, over - 1, glued(note), styles["note"])
    sheet.set_row(NOTE, _height(note, sum(widths[:over])))
    heights = [
        _height(_label(column), BOLD * width - BUTTON)
        for column, width in zip(columns, widths, strict=True)
    ]
    sheet.set_row(LABELS, max(heights))


def _height(text: str, width: float) -> float:
    """Points that a wrapped text takes in a cell: not all spreadsheets find it by themselves."""
    return LINE * max(len(textwrap.wrap(text, max(int(width), 5))), 1)


def _within(widths: Sequence[float], limit: float) -> int:
    """How many of the first columns a width holds."""
    return max(int((np.cumsum(widths) <= limit).sum()), 1)


def _label(column: Column) -> str:
    """Label of a column, with the unit where it is a percentage and does not say so."""
    return glued(f"{column.libelle} (%)" if column.unite == "%" else column.libelle)


def _width(column: Column, values: pd.Series) -> float:
    """Characters that show the cells, the name and, on a few lines, the label of a column."""
    words = _label(column).split()
    label = (max(len(_label(column)) / LABEL_LINES, *map(len, words), 1) + BUTTON) / BOLD
    if column.type in ("number", "integer"):
        return max(min(max(SMALL * len(column.nom), NUMBER), WIDEST), label)
    longest = max((len(text) for text in values.dropna().astype(str)), default=0)
    return max(min(max(longest + 2, LEAST), LARGEST), label)


def _style(column: Column, styles: Mapping[str, Any], book: Any, formats: dict[str, Any]) -> Any:
    """Format of a column's cells: those of numbers are made once each."""
    if column.type not in ("number", "integer"):
        return styles["code" if column.motif else "text"]
    pattern = number_format(column)
    if pattern not in formats:
        formats[pattern] = book.add_format({"num_format": pattern, "valign": "top"})
    return formats[pattern]


def number_format(column: Column) -> str:
    r"""Excel's format of a column; each country reads it with its own signs.

    Examples
    --------
    >>> share = Column("completude", "", "number", "", "", "", 3, 0, 1)
    >>> number_format(share), number_format(Column("indice", "", "number", "", "", "", 1))
    ('0.0\\ %', '#,##0.0')
    """
    share = column.type == "number" and (column.minimum, column.maximum) == (0, 1)
    decimals = max(column.decimales - 2, 0) if share else column.decimales
    tail = f".{'0' * decimals}" if decimals else ""
    return f"0{tail}\\ %" if share else f"#,##0{tail}"


def _cell(sheet: Any, row: int, place: int, value: Any, style: Any) -> None:
    """A number as a number, a text as a text, nothing where it is missing."""
    if pd.isna(value) or value == "":
        sheet.write_blank(row, place, None, style)
    elif isinstance(value, str):
        sheet.write_string(row, place, value, style)
    else:
        sheet.write_number(row, place, float(value), style)


def records(
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    labels: Mapping[str, Any],
    found: Sequence[Mapping[str, str]],
) -> None:
    """Write records of texts, wrapped, under their labels."""
    sheet = book.add_worksheet(name)
    widths = [
        min(max(max(len(record[key]) for record in [labels, *found]) + 2, LEAST), RECORD)
        for key in labels
    ]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    for row, record in enumerate([labels, *found]):
        for place, key in enumerate(labels):
            _cell(sheet, row, place, record[key], styles["wrapped" if row else "label"])
        heights = [_height(record[key], width) for key, width in zip(labels, widths, strict=True)]
        sheet.set_row(row, max(heights) if row else HEAD)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(found), 1), len(labels) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{len(found) + 1}"})
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, len(found), _within(widths, PRINTED) - 1)
    _page(sheet, name, wide=True)


def _page(sheet: Any, title: str, *, wide: bool) -> None:
    """A4, landscape, numbered; all columns on the width of a page where they can be read so."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer(f"&L&8 {title[:180].replace('&', '&&')}&R&8&P / &N")
    if wide:
        sheet.fit_to_pages(1, 0)
