"""XLSX workbook, for coordinators: how to read it, the essential, then everything."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fragilite.columns import declared
from fragilite.dictionary import Column, classed_nodes
from fragilite.french import glued
from fragilite.outputs.notice import heading, sections, unseen
from fragilite.outputs.tables import french, rounded
from fragilite.pipeline import Build
from fragilite.provenance import as_of, provenance, source_records

README, ESSENTIAL, COMMUNES, EPCI = "Lisez-moi", "L'essentiel", "Communes", "EPCI"
DICTIONARY, SOURCES = "Dictionnaire", "Sources"
#: What each sheet holds, as the first one says.
CONTENTS = {
    ESSENTIAL: "une commune par ligne, les colonnes à lire d'abord.",
    COMMUNES: "toutes les colonnes ; celles qui suivent un indicateur (statut, règle, millésime…) "
    "se replient avec le bouton 1 en haut à gauche.",
    EPCI: "un EPCI par ligne, recalculé ; sans valeur s'il n'est pas entier dans le calcul.",
    DICTIONARY: "ce que veut dire chaque colonne, son unité, sa source.",
    SOURCES: "les fichiers des producteurs : millésime, dates, licence, empreinte.",
}
#: How the tables are laid out, and why codes are safe here.
USAGE = [
    "Dans les tableaux, la ligne grise donne le nom de colonne des autres fichiers ; la ligne "
    "violette, son libellé et les filtres. Dans R ou Python, sautez les lignes 1 et 3.",
    "Une cellule vide est une donnée manquante, jamais un zéro : la colonne « statut » dit "
    "pourquoi.",
    "Les codes sont ici du texte : 01001 garde son zéro. Un CSV ouvert d'un double-clic le perd "
    "dans les départements 01 à 09 : prenez ce classeur, ou importez le CSV par Données > À "
    "partir d'un fichier texte, les codes en « Texte ».",
]

#: Rows of a table: a note, names of columns (for programs), labels (for people: filters, frozen).
NOTE, NAMES, LABELS, FIRST = 0, 1, 2, 3
#: Columns of names that stay in sight.
FROZEN = 2
#: BuPu of ColorBrewer, safe for the colour-blind: from the least to the most fragile.
RAMP = ("#EDF8FB", "#8C96C6", "#810F7C")
#: Place between the middle and the darkest colour from which white reads better than black: both
#: contrasts are at least 4.5 there.
WHITE_FROM = 0.35
#: Widths of columns, in characters: of a number, the least and the largest of a text.
NUMBER, LEAST, LARGEST = 12, 9, 34
#: Points that a line of text takes.
LINE = 15.0
A4 = 9
#: No text is ever read as a formula, an address or a number.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write(build: Build, path: Path) -> None:
    """Write six sheets: how to read, the essential, communes, EPCI, dictionary and sources.

    Made in memory, with the date of the newest figures: two runs give the same bytes, and a full
    disk is met where it is told.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, OPTIONS) as book:
        title, subtitle = heading(build)
        book.set_properties(
            {
                "title": title,
                "subject": subtitle,
                "author": provenance(build)["programme"],
                "created": datetime.fromisoformat(as_of(build)),
            }
        )
        styles = _styles(book)
        _readme(build, book, styles)
        essential = [name for name in _essential(build) if name in build.communes]
        _table(build, book, styles, ESSENTIAL, build.communes[essential], printed=len(essential))
        _table(build, book, styles, COMMUNES, build.communes)
        _table(build, book, styles, EPCI, build.epci, printed=_before_figures(build))
        _records(book, styles, DICTIONARY, declared()["dictionnaire"], _dictionary(build))
        _records(book, styles, SOURCES, declared()["provenance"], source_records(build.inputs.lots))
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
        "name": book.add_format({"font_size": 8, "font_color": "#595959"}),
        "label": book.add_format(
            {
                "bold": True, "text_wrap": True, "valign": "vcenter", "border": 1,
                "bg_color": RAMP[-1], "font_color": "#FFFFFF", "border_color": "#FFFFFF",
            }
        ),
        "text": book.add_format(top),
        "wrapped": book.add_format({"text_wrap": True} | top),
        "code": book.add_format({"num_format": "@"} | top),
        "white": book.add_format({"font_color": "#FFFFFF"}),
    }  # fmt: skip


# --- Lisez-moi -------------------------------------------------------------------------------


def _readme(build: Build, book: Any, styles: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(README)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 110)
    title, subtitle = heading(build)
    lines = [(title, "title"), (subtitle, "note"), ("", "prose")]
    contents = [f"{name} : {what}" for name, what in CONTENTS.items()]
    lines += [("Ce classeur", "section"), *((text, "prose") for text in [*contents, *USAGE])]
    for section in sections(build):
        lines += [("", "prose"), (section.titre, "section")]
        lines += [(text, "prose") for text in section.lignes]
    for row, (text, style) in enumerate(lines):
        sheet.write_string(row, 0, glued(text), styles[style])
    _page(sheet, title, wide=True)


# --- the tables ------------------------------------------------------------------------------


def _essential(build: Build) -> list[str]:
    """Columns to read first, whether the build has them or not."""
    method = build.method
    below = classed_nodes(method) or [
        node for node in method.descending() if method.noeuds[node].parent == method.root
    ]
    names = [
        "code_insee", "nom", "nom_epci", "population", method.root, "classe_libelle",
        "rang", "rang_min_90", "rang_max_90", "lecture",
        *(method.column(node) for node in below),
    ]  # fmt: skip
    volume = ["personnes_a_accompagner", "rang_volume"] if method.volume else []
    return [*names, *volume, "completude"]


def _before_figures(build: Build) -> int:
    """How many columns come before the indicators: what fits on a page."""
    names = list(build.epci.columns)
    return min((names.index(code) for code in build.method.figures if code in names), default=1)


def _note(build: Build, table: pd.DataFrame) -> str:
    """What must be read with a table: the use of the index, and what a low score does not say."""
    said = [build.method.lecture.usage, unseen(build)]
    if "lecture" in table:
        said.append(f"Lecture : {build.columns['lecture'].description}")
    return " ".join(said)


def _table(
    build: Build,
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    table: pd.DataFrame,
    *,
    printed: int | None = None,
) -> None:
    """Write a table under its note, its names and its labels.

    Parameters
    ----------
    printed : int, optional
        Columns that a page shows whole; without it, pages follow each other.
    """
    sheet = book.add_worksheet(name)
    shown = french(rounded(table, build.columns), build.columns)
    columns = [build.columns[str(column)] for column in shown]
    last = FIRST + max(len(shown), 1) - 1
    formats: dict[str, Any] = {}
    widths = [_width(column, shown[column.nom]) for column in columns]
    for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
        style = _style(column, styles, book, formats)
        sheet.set_column(place, place, width, None, {"level": int(_is_detail(column, build))})
        sheet.write_string(NAMES, place, column.nom, styles["name"])
        sheet.write_string(LABELS, place, _label(column), styles["label"])
        for row, value in enumerate(shown[column.nom], start=FIRST):
            _cell(sheet, row, place, value, style)
    _heads(sheet, styles, _note(build, table), columns, widths, printed)
    sheet.freeze_panes(FIRST, FROZEN)
    sheet.autofilter(LABELS, 0, last, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    _colours(build, sheet, columns, last, styles["white"])
    sheet.repeat_rows(LABELS)
    if printed is None:
        sheet.repeat_columns(0, FROZEN - 1)
        sheet.set_print_scale(60)
    else:
        sheet.print_area(0, 0, last, printed - 1)
    _page(sheet, f"{heading(build)[0]} — {name}", wide=printed is not None)


def _heads(
    sheet: Any,
    styles: Mapping[str, Any],
    note: str,
    columns: Sequence[Column],
    widths: Sequence[float],
    printed: int | None,
) -> None:
    """The note over the first columns, and rows as high as what they hold."""
    over = min(len(columns), printed or len(columns), 12)
    sheet.merge_range(NOTE, 0, NOTE, over - 1, glued(note), styles["note"])
    sheet.set_row(NOTE, LINE * math.ceil(1.15 * len(note) / sum(widths[:over])))
    lines = [
        len(textwrap.wrap(_label(column), max(int(0.8 * width) - 1, 5)))
        for column, width in zip(columns, widths, strict=True)
    ]
    sheet.set_row(LABELS, LINE * max(lines))


def _label(column: Column) -> str:
    """Label of a column, with the unit where it is a percentage and does not say so."""
    return glued(f"{column.libelle} (%)" if column.unite == "%" else column.libelle)


def _width(column: Column, values: pd.Series) -> float:
    if column.type in ("number", "integer"):
        return NUMBER
    longest = max((len(text) for text in values.dropna().astype(str)), default=0)
    return min(max(longest + 2, LEAST), LARGEST)


def _is_detail(column: Column, build: Build) -> bool:
    """Whether a column only qualifies an indicator: it folds with the others."""
    for code in build.method.figures:
        suffix = column.nom.removeprefix(f"{code}_")
        if suffix != column.nom and suffix in ("statut", "regle", "sature", "millesime"):
            return True
    return False


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


# --- colours ---------------------------------------------------------------------------------


def limits(build: Build) -> tuple[float, float, float] | None:
    """Points of the lightest, middle and darkest colours; None where nothing differs.

    The limits of the first and last classes of the index where it has classes, else the scale of
    the method, else (open scale) what holds nine communes of ten: the same for every column, so
    that a colour means the same points everywhere.
    """
    method = build.method
    classes, column = method.noeuds[method.root].classes, build.columns[method.root]
    if classes:
        low, high = classes.bornes[1], classes.bornes[-2]
    elif column.minimum is not None and column.maximum is not None:
        low, high = column.minimum, column.maximum
    else:
        known = build.communes[method.root].dropna()
        low, high = np.quantile(known, [0.05, 0.95]) if len(known) else (0.0, 0.0)
    return (float(low), float(low + high) / 2, float(high)) if low < high else None


def _colours(build: Build, sheet: Any, columns: Sequence[Column], last: int, white: Any) -> None:
    """Colour the index and what it is made of; white letters on the darkest cells."""
    found = limits(build)
    if found is None:
        return
    nodes = {build.method.column(node) for node in build.method.descending()}
    _, middle, high = found
    scale: dict[str, Any] = {"type": "3_color_scale"}
    for name, value, colour in zip(("min", "mid", "max"), found, RAMP, strict=True):
        scale |= {f"{name}_type": "num", f"{name}_value": value, f"{name}_color": colour}
    dark = {
        "type": "cell",
        "criteria": ">=",
        "value": middle + WHITE_FROM * (high - middle),
        "format": white,
    }
    for place, column in enumerate(columns):
        if column.nom in nodes:
            sheet.conditional_format(FIRST, place, last, place, dark)
            sheet.conditional_format(FIRST, place, last, place, scale)


# --- Dictionnaire, Sources ---------------------------------------------------------------------


def _dictionary(build: Build) -> list[dict[str, str]]:
    """A record for each column of the workbook, in the order of the dictionary."""
    types, keys = declared()["types"], declared()["dictionnaire"]
    written = {*build.communes.columns, *build.epci.columns}
    return [
        {key: getattr(column, key) for key in keys} | {"type": types[column.type]}
        for column in build.columns.values()
        if column.nom in written
    ]


def _records(
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    labels: Mapping[str, Any],
    records: Sequence[Mapping[str, str]],
) -> None:
    """Write records of texts, wrapped."""
    sheet = book.add_worksheet(name)
    for place, (key, label) in enumerate(labels.items()):
        texts = [record[key] for record in records]
        longest = max(map(len, [label, *texts]))
        sheet.set_column(place, place, min(max(longest + 2, LEAST), LARGEST + 14))
        sheet.write_string(0, place, label, styles["label"])
        for row, text in enumerate(texts, start=1):
            _cell(sheet, row, place, text, styles["wrapped"])
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(records), 1), len(labels) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{len(records) + 1}"})
    sheet.repeat_rows(0)
    _page(sheet, name, wide=True)


def _page(sheet: Any, title: str, *, wide: bool) -> None:
    """A4, landscape, numbered; all columns on the width of a page where they can be read so."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer(f"&L&8{title.replace('&', '&&')[:180]}&R&8&P / &N")
    if wide:
        sheet.fit_to_pages(1, 0)
