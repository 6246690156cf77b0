"""The spreadsheet that a local actor fills in, and the check of what comes back, row by row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fragilite.cog import departement_of, departements
from fragilite.errors import UsageError
from fragilite.french import fold, listing, number
from fragilite.places.cleaning import is_personal, parse_date, parse_number, without_contact
from fragilite.places.communes import (
    Communes,
    bundled,
    current_codes,
    departements_of_postal,
    find_code,
    read_code,
)
from fragilite.places.points import inside
from fragilite.places.reading import own_headers
from fragilite.places.schema import Colonne, schema
from fragilite.user_table import open_tables

#: Rows of the template that are ready to fill in.
ROWS = 500
#: A workbook is dated: a fixed day makes the same bytes each time.
DAY = datetime(2026, 1, 1)
FORM, GUIDE, WORDS = "Lieux", "Mode d'emploi", "Listes"
#: Letters that Excel accepts in the message of a cell, and in its title.
_MESSAGE, _TITLE = 255, 32


@dataclass(frozen=True)
class Probleme:
    """What is wrong in a cell, and what repairs it.

    Attributes
    ----------
    ligne : int or None
        Number of the row as a spreadsheet shows it; None for the whole file.
    colonne : str
        Header, as written in the file.
    attendu, trouve, remede : str
        In French.
    bloquant : bool
        False for a remark: the row will be read all the same.
    """

    ligne: int | None
    colonne: str
    attendu: str
    trouve: str
    remede: str
    bloquant: bool = True

    def __str__(self) -> str:
        where = "Fichier" if self.ligne is None else f"Ligne {self.ligne}"
        column = f", {self.colonne}" if self.colonne else ""
        kind = "" if self.bloquant else " (remarque)"
        return (
            f"{where}{column}{kind} : {self.attendu} attendu, trouvé {self.trouve}. {self.remede}"
        )


# --- template --------------------------------------------------------------------------------


def fields() -> dict[str, Colonne]:
    """Columns that a local actor fills in."""
    return {name: column for name, column in schema().colonnes.items() if column.remplir}


def header(column: Colonne) -> str:
    """Label of a column; a star says that it must be filled."""
    return f"{column.libelle} *" if column.requis else column.libelle


def template_csv() -> str:
    """The template as text: « ; », decimal comma, one example row."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=";", lineterminator="\r\n")
    writer.writerow([header(column) for column in fields().values()])
    writer.writerow([column.exemple for column in fields().values()])
    return "\ufeff" + lines.getvalue()


def write_template(path: Path) -> None:
    """Write the template as a workbook: sheet to fill in, instructions, allowed words.

    Cells of one word offer their list; those of several, where a spreadsheet cannot, say which
    words there are when they are entered.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"in_memory": True}) as book:
        book.set_properties({"title": "Lieux d'inclusion numérique", "created": DAY})
        styles = {
            "wanted": book.add_format(
                {"bold": True, "bg_color": "#12355B", "font_color": "#FFFFFF", "text_wrap": True,
                 "valign": "top", "border": 1}
            ),
            "free": book.add_format(
                {"bold": True, "bg_color": "#D9E2EC", "text_wrap": True, "valign": "top",
                 "border": 1}
            ),
            "example": book.add_format(
                {"italic": True, "font_color": "#5A6572", "num_format": "@"}
            ),
            "text": book.add_format({"num_format": "@"}),
            "plain": book.add_format({"text_wrap": True, "valign": "top"}),
            "title": book.add_format({"bold": True, "font_size": 14}),
            "bold": book.add_format({"bold": True, "valign": "top", "text_wrap": True}),
        }  # fmt: skip
        form, guide, words = (book.add_worksheet(name) for name in (FORM, GUIDE, WORDS))
        ranges = _write_words(words, styles)
        _write_form(form, styles, ranges)
        _write_guide(guide, styles)


def _write_words(sheet: Any, styles: dict[str, Any]) -> dict[str, str]:
    """The closed lists, a column each; returns the range of each."""
    used = dict.fromkeys(column.liste for column in fields().values() if column.liste)
    ranges = {}
    for place, name in enumerate(used):
        labels = [word.libelle for word in schema().listes[name].values()]
        titles = [column.libelle for column in fields().values() if column.liste == name]
        sheet.write(0, place, listing(titles), styles["free"])
        sheet.write_column(1, place, labels, styles["plain"])
        sheet.set_column(place, place, max(18, min(50, max(map(len, labels)))))
        letter = chr(ord("A") + place)
        ranges[name] = f"={WORDS}!${letter}$2:${letter}${len(labels) + 1}"
    sheet.freeze_panes(1, 0)
    return ranges


def _write_form(sheet: Any, styles: dict[str, Any], ranges: dict[str, str]) -> None:
    for place, column in enumerate(fields().values()):
        style = styles["wanted" if column.requis else "free"]
        sheet.write(0, place, header(column), style)
        sheet.write_string(1, place, column.exemple, styles["example"])
        width = max(14, min(34, len(column.libelle) + 2, 34), min(34, len(column.exemple)))
        sheet.set_column(place, place, width, styles["text"])
        sheet.data_validation(1, place, ROWS, place, _validation(column, ranges))
    sheet.set_row(0, 48)
    sheet.freeze_panes(1, 2)


def _validation(column: Colonne, ranges: dict[str, str]) -> dict[str, Any]:
    title = column.libelle[:_TITLE]
    if column.type == "liste":
        return {
            "validate": "list", "source": ranges[column.liste], "input_title": title,
            "input_message": column.description[:_MESSAGE], "error_title": "Mot inconnu",
            "error_message": "Choisissez dans la liste, ou laissez vide si vous ne savez pas.",
        }  # fmt: skip
    message = column.description
    if column.type == "listes":
        message = f"{message} Plusieurs mots de la feuille « {WORDS} », séparés par « | »."
    return {"validate": "any", "input_title": title, "input_message": message[:_MESSAGE]}


def _write_guide(sheet: Any, styles: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 42)
    sheet.set_column(1, 1, 74)
    sheet.set_column(2, 2, 44)
    sheet.write(0, 0, "Décrire les lieux qui aident", styles["title"])
    advice = [
        f"Une ligne par lieu dans la feuille « {FORM} ». La ligne en italique est un exemple : "
        "effacez-la.",
        "Une étoile et un fond foncé : la colonne est à remplir. Les autres restent vides quand "
        "vous ne savez pas : vide veut dire « inconnu », jamais « non » ni « aucun ».",
        f"Les mots admis sont dans la feuille « {WORDS} ». Là où plusieurs sont possibles, "
        "séparez-les par « | ».",
        "Jamais de nom, de téléphone ni de courriel d'une personne : ils seraient effacés à la "
        "lecture. « Qui renseigne » est un rôle.",
        "Une fois remplie : fragilite places check FICHIER dit, ligne par ligne, ce qui reste à "
        "corriger.",
    ]
    for row, text in enumerate(advice, start=2):
        sheet.merge_range(row, 0, row, 2, text, styles["plain"])
        sheet.set_row(row, 32)
    top = len(advice) + 3
    for place, text in enumerate(("Colonne", "Ce qu'elle dit", "Ce qu'on y écrit")):
        sheet.write(top, place, text, styles["free"])
    for row, column in enumerate(fields().values(), start=top + 1):
        sheet.write(row, 0, header(column), styles["bold"])
        sheet.write(row, 1, column.description, styles["plain"])
        sheet.write(row, 2, expected(column), styles["plain"])
    sheet.hide_gridlines(2)


def expected(column: Colonne) -> str:
    """What a cell of a column holds, in a few words."""
    if column.attendu:
        return column.attendu
    if column.type == "nombre":
        low, high = (number(bound or 0) for bound in (column.minimum, column.maximum))
        return f"un nombre de {low} à {high}"
    if column.type == "date":
        return "une date comme 2026-03-12"
    if column.type == "codes":
        return "des codes communes séparés par « | »"
    if column.type == "liste":
        return "un mot de la liste"
    return "un ou plusieurs mots de la liste" if column.type == "listes" else "un texte"


# --- check -----------------------------------------------------------------------------------


def check(path: Path, *, communes: Communes | None = None) -> list[Probleme]:
    """Check a filled template, row by row.

    Parameters
    ----------
    path : Path
        The workbook, or a CSV with the same headers (labels or codes of the schema).
    communes : Communes, optional
        Names that find a missing code; by default those that travel with the program.

    Returns
    -------
    list of Probleme
        In the order of the file; empty if all is right.

    Raises
    ------
    UsageError
        If it cannot be read, or has none of the columns of the template.
    """
    sheets = open_tables(path)
    sheet = max(sheets, key=lambda one: len(own_headers(one)))
    headers = own_headers(sheet)
    wanted = {name: column for name, column in schema().colonnes.items() if column.requis}
    if not wanted.keys() & headers.keys():
        raise UsageError(
            f"{path.name} n'a aucune des colonnes du modèle.",
            "Partez du modèle : fragilite places template lieux.xlsx",
        )
    return [
        *_columns(sheet.colonnes, headers, wanted),
        *_rows(sheet, headers, communes or bundled()),
    ]


def _columns(
    offered: list[str], headers: dict[str, str], wanted: dict[str, Colonne]
) -> Iterator[Probleme]:
    for name, column in wanted.items():
        if name not in headers:
            near = get_close_matches(column.libelle, offered, n=1)
            hint = f" « {near[0]} » ressemble : renommez-la." if near else ""
            yield Probleme(
                None, "", f"colonne « {column.libelle} »", "aucune", f"Ajoutez-la.{hint}"
            )
    labels = [column.libelle for column in schema().colonnes.values()]
    for title in offered:
        if title in headers.values():
            continue
        if is_personal(title):
            remedy = "Supprimez-la : ces données ne sont jamais lues ni gardées."
            yield Probleme(
                None, title, "aucune donnée de personne", "une colonne de contact", remedy, False
            )
        else:
            near = get_close_matches(title, labels, n=1)
            hint = f"Renommez-la « {near[0]} »." if near else "Elle ne sera pas lue."
            yield Probleme(None, title, "une colonne du modèle", "une autre", hint, False)


def _rows(sheet: Any, headers: dict[str, str], communes: Communes) -> Iterator[Probleme]:
    cells = {name: sheet.cells(title) for name, title in headers.items()}
    example = {name: column.exemple for name, column in fields().items()}
    seen: dict[tuple[str, ...], int] = {}
    for place, line in enumerate(sheet.lignes):
        row = {name: texts[place] for name, texts in cells.items()}
        if not any(map(fold, row.values())):
            continue
        if all(row.get(name, "") == example[name] for name in ("nom", "adresse", "commune")):
            yield Probleme(
                line, "", "un lieu", "la ligne d'exemple", "Effacez-la avant d'envoyer le fichier."
            )
            continue
        for name, title in headers.items():
            yield from _cell(name, schema().colonnes[name], row[name], title, line)
        yield from _where(row, headers, line, communes)
        key = tuple(fold(row.get(name, "")) for name in ("nom", "adresse", "commune"))
        if key in seen:
            yield Probleme(
                line, "", "un lieu par ligne", f"le même lieu qu'à la ligne {seen[key]}",
                "Gardez la plus récente des deux.",
            )  # fmt: skip
        seen.setdefault(key, line)


def _cell(name: str, column: Colonne, cell: str, title: str, line: int) -> Iterator[Probleme]:
    if not cell:
        if column.requis:
            yield Probleme(line, title, expected(column), "une cellule vide", "Remplissez-la.")
        return
    if column.type in {"liste", "listes"}:
        words = [part.strip() for part in re.split(r"[|;]", cell)]
        for word in words if column.type == "listes" else [cell]:
            if word and not schema().code_of(name, word):
                yield Probleme(line, title, expected(column), f"« {word} »", _nearest(name, word))
    elif column.type == "nombre":
        value = parse_number(cell)
        low, high = column.minimum or 0, column.maximum or 0
        if value is None or not low <= value <= high:
            remedy = "Écrivez un nombre, ou laissez vide si vous ne savez pas."
            yield Probleme(line, title, expected(column), f"« {cell} »", remedy)
    elif column.type == "date":
        if not parse_date(cell):
            remedy = "Écrivez l'année, le mois, le jour : 2026-03-12."
            yield Probleme(line, title, expected(column), f"« {cell} »", remedy)
    elif column.motif and not re.fullmatch(column.motif, cell):
        remedy = "Un zéro de tête perdu ? Gardez la colonne en texte dans le tableur."
        yield Probleme(line, title, expected(column), f"« {cell} »", remedy)
    elif column.type == "codes":
        for code in filter(None, re.split(r"[|;,\s]+", cell)):
            if not current_codes(code):
                yield Probleme(line, title, expected(column), f"« {code} »", "Corrigez ce code.")
    elif column.type == "texte" and not column.motif and without_contact(cell)[1]:
        remedy = "Retirez-le : il serait effacé à la lecture."
        found = "un téléphone ou un courriel"
        yield Probleme(line, title, "un texte sans contact", found, remedy, False)


def _nearest(name: str, word: str) -> str:
    labels = {fold(one.libelle): one.libelle for one in schema().words(name).values()}
    near = get_close_matches(fold(word), labels, n=1, cutoff=0.5)
    if near:
        return f"Vouliez-vous dire « {labels[near[0]]} » ?"
    return f"Mots admis : {', '.join(labels.values())}."


def _where(
    row: dict[str, str], headers: dict[str, str], line: int, communes: Communes
) -> Iterator[Probleme]:
    """Whether the commune, its codes and the point agree."""
    title = headers.get("code_insee", headers.get("commune", ""))
    code, postal, name = (row.get(key, "") for key in ("code_insee", "code_postal", "commune"))
    found = read_code(code, postal, communes)
    if code and not found.code and re.fullmatch(schema().colonnes["code_insee"].motif, code):
        yield Probleme(
            line, title, "un code commune", f"« {code} »", "Vérifiez-le, ou laissez-le vide."
        )
    elif found.code and not communes.agrees(found.code, name):
        yield Probleme(
            line, title, f"le code de « {name} »",
            f"{found.code}, celui de {communes.noms[found.code]}", "Corrigez le code ou le nom.",
        )  # fmt: skip
    elif not code and name:
        found = find_code(name, postal, communes)
        if not found.code:
            yield Probleme(
                line, title, "une commune reconnue", found.texte, "Écrivez son code INSEE.", False
            )
    x, y = (parse_number(row.get(key, "")) for key in ("longitude", "latitude"))
    if x is None and y is None:
        return
    title = headers.get("longitude", headers.get("latitude", ""))
    if x is None or y is None:
        yield Probleme(
            line, title, "la longitude et la latitude", "l'une des deux", "Donnez les deux."
        )
        return
    where = {departement_of(found.code)} if found.code else set(departements_of_postal(postal))
    where &= departements().keys()
    if not where or inside(x, y, where):
        return
    names = listing([departements()[one].nom for one in sorted(where)])
    if inside(y, x, where):
        remedy = "Échangez la longitude et la latitude."
    elif max(abs(x), abs(y)) > 180:
        remedy = "Convertissez-les en degrés (WGS84)."
    else:
        remedy = "Vérifiez-les sur adresse.data.gouv.fr, ou laissez-les vides."
    yield Probleme(
        line, title, f"un point en {names}", f"({number(x, 4)} ; {number(y, 4)})", remedy
    )
