"""XLSX workbook, for coordinators: how to read it, the essential, then everything."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fragilite import cartography
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
    "Les codes sont ici du texte : 01001 garde son zéro. Un CSV n'a pas de types : ouvert d'un "
    "double-clic, il perd ce zéro dans les départements 01 à 09, et un code d'EPCI peut s'y "
    "montrer comme 2E+08 tant que la colonne est étroite. Prenez ce classeur, ou importez le CSV "
    "par Données > À partir d'un fichier texte, les codes en « Texte ».",
]

#: Rows of a table: a note, names of columns (for programs), labels (for people: filters, frozen).
NOTE, NAMES, LABELS, FIRST = 0, 1, 2, 3
#: Columns of names that stay in sight.
FROZEN = 2
#: From the least to the most fragile: the ends and the middle of the maps' colours.
RAMP = tuple(cartography.RAMP[place].upper() for place in (0, 2, -1))
#: Place between the middle and the darkest colour from which white reads better than black: both
#: contrasts are at least 4.5 there.
WHITE_FROM = 0.35
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
        _table(build, book, styles, ESSENTIAL, build.communes[_essential(build, build.communes)])
        _table(build, book, styles, COMMUNES, build.communes)
        first = _essential(build, build.epci)
        others = [name for name in build.epci if name not in first]
        _table(build, book, styles, EPCI, build.epci[first + others])
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


# --- Lisez-moi -------------------------------------------------------------------------------


def _readme(build: Build, book: Any, styles: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(README)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, PAGE)
    title, subtitle = heading(build)
    lines = [(title, "title"), (subtitle, "note"), ("", "prose")]
    contents = [f"{name} : {what}" for name, what in CONTENTS.items()]
    lines += [("Ce classeur", "section"), *((text, "prose") for text in [*contents, *USAGE])]
    for section in sections(build):
        lines += [("", "prose"), (section.titre, "section")]
        lines += [(text, "prose") for text in section.lignes]
    for row, (text, style) in enumerate(lines):
        sheet.set_row(row, _height(text, PAGE) + (LINE if style == "title" else 0))
        sheet.write_string(row, 0, glued(text), styles[style])
    _page(sheet, title, wide=True)


# --- the tables ------------------------------------------------------------------------------


def _essential(build: Build, table: pd.DataFrame) -> list[str]:
    """Columns of the communes or of the EPCI to read first, among those that the build has."""
    method = build.method
    below = classed_nodes(method) or [
        node for node in method.descending() if method.noeuds[node].parent == method.root
    ]
    volume = ["personnes_a_accompagner", "rang_volume"] if method.volume else []
    names = [
        "code_insee", "nom", *(["code_epci"] if "code_insee" not in table else []), "nom_epci",
        "communes", "remarque", "population", method.root, "classe_libelle",
        "rang", "rang_min_90", "rang_max_90", "lecture",
        *(method.column(node) for node in below), *volume, "completude",
    ]  # fmt: skip
    return [name for name in names if name in table]


def _note(build: Build, table: pd.DataFrame) -> str:
    """What must be read with a table: what the index does not see, what a reading says."""
    said = [unseen(build)]
    if "lecture" in table:
        said.append(f"Lecture : {build.columns['lecture'].description}")
    return " ".join(said)


def _table(
    build: Build,
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    table: pd.DataFrame,
) -> None:
    """Write a table under its note, its names and its labels."""
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
    _heads(sheet, styles, _note(build, table), columns, widths)
    sheet.freeze_panes(FIRST, FROZEN)
    sheet.autofilter(LABELS, 0, last, len(columns) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last + 1}"})
    _colours(build, sheet, columns, last, styles["white"])
    sheet.repeat_rows(LABELS)
    if name == COMMUNES:  # far too wide for a page: they follow each other
        sheet.repeat_columns(0, FROZEN - 1)
        sheet.set_print_scale(60)
    else:
        sheet.print_area(0, 0, last, _within(widths, PRINTED) - 1)
    _page(sheet, f"{heading(build)[0]} — {name}", wide=name != COMMUNES)


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


def limits(build: Build, node: str) -> tuple[float, float, float] | None:
    """Points of the lightest, middle and darkest colours of a node; None where nothing differs.

    The limits of its first and last classes; where it has none, those of the index; else the scale
    of the method; else (open scale) what holds nine communes of ten. All but the last are the same
    in every file of a method.
    """
    method = build.method
    classes = method.noeuds[node].classes or method.noeuds[method.root].classes
    column = build.columns[method.column(node)]
    if classes:
        low, high = classes.bornes[1], classes.bornes[-2]
    elif column.minimum is not None and column.maximum is not None:
        low, high = column.minimum, column.maximum
    else:
        known = build.communes[column.nom].dropna()
        low, high = np.quantile(known, [0.05, 0.95]) if len(known) else (0.0, 0.0)
    return (float(low), float(low + high) / 2, float(high)) if low < high else None


def white_from(found: tuple[float, float, float]) -> float:
    """Points from which letters are white."""
    return found[1] + WHITE_FROM * (found[2] - found[1])


def _colours(build: Build, sheet: Any, columns: Sequence[Column], last: int, white: Any) -> None:
    """Colour the index and what it is made of; white letters on the darkest cells."""
    nodes = {build.method.column(node): node for node in build.method.descending()}
    for place, column in enumerate(columns):
        found = limits(build, nodes[column.nom]) if column.nom in nodes else None
        if found is None:
            continue
        dark = {"type": "cell", "criteria": ">=", "value": white_from(found), "format": white}
        scale: dict[str, Any] = {"type": "3_color_scale"}
        for name, value, colour in zip(("min", "mid", "max"), found, RAMP, strict=True):
            scale |= {f"{name}_type": "num", f"{name}_value": value, f"{name}_color": colour}
        for rule in (dark, scale):
            sheet.conditional_format(FIRST, place, last, place, rule)


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
    widths = [
        min(max(max(len(record[key]) for record in [labels, *records]) + 2, LEAST), RECORD)
        for key in labels
    ]
    for place, width in enumerate(widths):
        sheet.set_column(place, place, width)
    for row, record in enumerate([labels, *records]):
        for place, key in enumerate(labels):
            _cell(sheet, row, place, record[key], styles["wrapped" if row else "label"])
        heights = [_height(record[key], width) for key, width in zip(labels, widths, strict=True)]
        sheet.set_row(row, max(heights) if row else HEAD)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(len(records), 1), len(labels) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{len(records) + 1}"})
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, len(records), _within(widths, PRINTED) - 1)
    _page(sheet, name, wide=True)


def _page(sheet: Any, title: str, *, wide: bool) -> None:
    """A4, landscape, numbered; all columns on the width of a page where they can be read so."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer(f"&L&8 {title[:180].replace('&', '&&')}&R&8&P / &N")
    if wide:
        sheet.fit_to_pages(1, 0)
