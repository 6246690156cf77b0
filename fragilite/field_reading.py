"""Field observations as people write them: columns recognised, each row checked, nobody named."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict

from fragilite.errors import UsageError
from fragilite.explanation import asks_for_code, find
from fragilite.french import fold, listing, number, plural
from fragilite.inputs import Inputs
from fragilite.places.checking import Probleme
from fragilite.places.cleaning import (
    is_personal,
    parse_date,
    parse_number,
    without_contact,
    without_markup,
)
from fragilite.user_table import COLUMNS, UserTable, open_tables, some

#: What stands for the name of a person.
REMOVED = "(nom retiré)"
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'’-]*"
_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_SCALE = re.compile(r" (?:de |sur |note )*(?:1 a )?5$")


# --- declaration -----------------------------------------------------------------------------


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Echelle(_Record):
    """What a score may be, and from which year on."""

    minimum: int
    maximum: int
    libelle: str
    premiere_annee: int
    raison_annee: str


class Comparaison(_Record):
    """When the field and the index disagree, and when a correlation means something."""

    ecart_proche: float
    ecart_fort: float
    raison_ecart: str
    communes_min: int
    raison_communes: str


class Confidentialite(_Record):
    """Under how many observations a comment would show who wrote it."""

    observations_min: int
    raison: str


class Colonne(_Record):
    """A column of the table of observations."""

    libelle: str
    alias: list[str]
    requis: bool = False
    exemple: str = ""


class Personnes(_Record):
    """What gives away the name of a person."""

    civilites: list[str]
    lieux: list[str]
    prenoms: list[str]


class Regles(_Record):
    """The whole declaration."""

    version: str
    echelle: Echelle
    comparaison: Comparaison
    confidentialite: Confidentialite
    colonnes: dict[str, Colonne]
    personnes: Personnes


@cache
def rules() -> Regles:
    """The declaration, read once."""
    text = (files("fragilite") / "field.toml").read_text(encoding="utf-8")
    return Regles.model_validate(tomllib.loads(text))


def template() -> str:
    """The table to fill in, with an example row: « ; », as a French spreadsheet opens it."""
    columns = [one for name, one in rules().colonnes.items() if name != "code"]
    header = ";".join(one.libelle for one in columns)
    return f"\ufeff{header}\r\n{';'.join(one.exemple for one in columns)}\r\n"


# --- people ----------------------------------------------------------------------------------


@cache
def _titled() -> re.Pattern[str]:
    titles = "|".join(map(re.escape, rules().personnes.civilites))
    return re.compile(rf"(?<!\w)(?:{titles})\s+{_CAPITAL}(?:\s+{_CAPITAL})*")


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    people = rules().personnes
    return frozenset(map(fold, people.prenoms)), frozenset(map(fold, people.lieux))


def without_name(text: str) -> tuple[str, int]:
    """A text without the names of people that can be recognised, and how many it had.

    A title and a name, or a first name much given and a name beside it. A name that is neither
    stays: nothing can tell it from that of a place.

    Examples
    --------
    >>> without_name("Vu avec Mme Martin et Jean Dupont, rue Jean Jaurès")
    ('Vu avec (nom retiré) et (nom retiré), rue Jean Jaurès', 2)
    >>> without_name("Madame la maire de Saint Pierre")
    ('Madame la maire de Saint Pierre', 0)
    """
    text, titled = _titled().subn(REMOVED, text)
    given, places = _names()
    words = list(_WORD.finditer(text))
    spans: list[tuple[int, int]] = []
    for place, word in enumerate(words):
        before = words[place - 1] if place else None
        after = words[place + 1] if place + 1 < len(words) else None
        if fold(word[0]).split(" ")[0] not in given or not word[0][0].isupper():
            continue
        if before and (fold(before[0]) in places or before.end() in {end for _, end in spans}):
            continue
        if after and after[0][0].isupper() and text[word.end() : after.start()] == " ":
            spans.append((word.start(), after.end()))
        elif before and len(before[0]) > 1 and before[0].isupper():  # « DUPONT Jean »
            spans.append((before.start(), word.end()))
        elif len(words) == 1:
            spans.append((word.start(), word.end()))
    for start, end in reversed(spans):
        text = f"{text[:start]}{REMOVED}{text[end:]}"
    return text, titled + len(spans)


# --- reading ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observations:
    """Rows that can be read, and what was wrong or removed.

    Attributes
    ----------
    nom : str
        Name of the file.
    table : DataFrame
        ``ligne, code_insee, note, date, role, commentaire``, in the order of the file.
    problemes : list of Probleme
        Blocking where the row was set aside.
    lignes : int
        Rows of the file, but for an example row.
    """

    nom: str
    table: pd.DataFrame
    problemes: list[Probleme] = field(default_factory=list)
    lignes: int = 0


def read_observations(path: Path, inputs: Inputs, jour: str) -> Observations:
    """Read field observations, row by row.

    Parameters
    ----------
    path : Path
        CSV or workbook; columns are recognised by usual French headers.
    inputs : Inputs
        Communes of the territory.
    jour : str
        ISO date after which an observation is impossible.

    Raises
    ------
    UsageError
        If it cannot be read, lacks a column, or has no readable row.
    """
    sheet = max(open_tables(path), key=lambda one: len(headers(one)))
    reader = _Reader(sheet, inputs, jour)
    found = reader.read()
    if found.table.empty:
        wrong = next((problem for problem in found.problemes if problem.bloquant), None)
        if wrong is None:
            raise UsageError(
                f"{sheet.nom} : aucune observation.", "Remplissez-le : une ligne par observation."
            )
        raise UsageError(
            f"{sheet.nom} : aucune observation lisible sur {plural(found.lignes, 'ligne')}. "
            f"Ligne {wrong.ligne}, {wrong.colonne} — attendu : {wrong.attendu} ; trouvé : "
            f"{wrong.trouve}.",
            wrong.remede,
        )
    return found


def headers(sheet: UserTable) -> dict[str, str]:
    """Column of the declaration → header of a file."""
    offered = {_folded(title): title for title in reversed(sheet.colonnes)}
    found = {}
    for name, column in rules().colonnes.items():
        for alias in (column.libelle, *column.alias):
            if _folded(alias) in offered:
                found[name] = offered.pop(_folded(alias))
                break
    return found


def _folded(title: str) -> str:
    """A header without its scale: « Fragilité ressentie (1 à 5) »."""
    return _SCALE.sub("", fold(title.replace("_", " ")))


class _Reader:
    """One file being read."""

    def __init__(self, sheet: UserTable, inputs: Inputs, jour: str) -> None:
        self.sheet, self.inputs, self.jour = sheet, inputs, jour
        self.header = headers(sheet)
        self.problems: list[Probleme] = []
        self.known: dict[str, str | Probleme] = {}
        columns = rules().colonnes
        lacking = [one.libelle for name, one in columns.items()
                   if one.requis and name not in self.header]  # fmt: skip
        if not {"code", "commune"} & self.header.keys():
            lacking.insert(0, columns["commune"].libelle)
        if lacking:
            many = "s" if len(lacking) > 1 else ""
            raise UsageError(
                f"{sheet.nom} : colonne{many} absente{many} : {listing(lacking)}. "
                f"Colonnes : {some(sheet.colonnes, COLUMNS)}.",
                "Partez du modèle : fragilite field --template observations.csv",
            )

    def read(self) -> Observations:
        """Every row, then the columns that were left."""
        cells = {name: self.sheet.cells(title) for name, title in self.header.items()}
        example = rules().colonnes["commentaire"].exemple
        rows: list[dict[str, object]] = []
        seen: dict[tuple[str, ...], int] = {}
        counted = 0
        for place, line in enumerate(self.sheet.lignes):
            raw = {name: texts[place] for name, texts in cells.items()}
            if raw.get("commentaire") == example:
                self._tell(line, "", "une observation", "la ligne d'exemple",
                           "Elle n'est pas lue : effacez-la.", blocking=False)  # fmt: skip
                continue
            counted += 1
            row = self._row(raw, line)
            if row is None:
                continue
            key = tuple(str(value) for name, value in row.items() if name != "ligne")
            if key in seen:
                self._tell(line, "", "une observation nouvelle",
                           f"la même qu'à la ligne {seen[key]}", "Elle n'est comptée qu'une fois.",
                           blocking=False)  # fmt: skip
                continue
            seen[key] = line
            rows.append(row)
        self._unread()
        names = ["ligne", "code_insee", "note", "date", "role", "commentaire"]
        return Observations(
            self.sheet.nom, pd.DataFrame(rows, columns=names), self.problems, counted
        )

    def _tell(
        self, line: int | None, column: str, wanted: str, found: str, remedy: str,
        *, blocking: bool = True,
    ) -> None:  # fmt: skip
        title = self.header.get(column, column)
        self.problems.append(Probleme(line, title, wanted, found, remedy, blocking))

    def _row(self, raw: dict[str, str], line: int) -> dict[str, object] | None:
        """A row, or None once all that is wrong in it was told."""
        code = self._commune(raw, line)
        note = self._note(raw["note"], line)
        day = self._date(raw["date"], line)
        role = self._role(raw["role"], line)
        said = self._clean("commentaire", raw.get("commentaire", ""), line)
        if not code or note is None or not day or not role:
            return None
        return {"ligne": line, "code_insee": code, "note": note, "date": day, "role": role,
                "commentaire": said}  # fmt: skip

    def _commune(self, raw: dict[str, str], line: int) -> str:
        column = "code" if raw.get("code") else "commune"
        text = raw.get(column, "")
        if not text:
            title = "code" if "commune" not in self.header else "commune"
            self._tell(line, title, "une commune", "une cellule vide", "Écrivez son nom ou son "
                       "code.")  # fmt: skip
            return ""
        if text not in self.known:
            self.known[text] = self._found(text, column)
        found = self.known[text]
        if isinstance(found, str):
            return found
        self._tell(line, column, found.attendu, found.trouve, found.remede)
        return ""

    def _found(self, text: str, column: str) -> str | Probleme:
        """Code of a commune, or what is wrong."""
        where = f"une commune de {self.inputs.territory.libelle}"
        try:
            found = find(text, self.inputs)
        except UsageError as error:
            near = error.remedy.partition(" Ailleurs")[0] if not asks_for_code(text) else ""
            return Probleme(None, column, where, f"« {text} »", near or "Vérifiez ce code.")
        if len(found) > 1:
            shown = f"« {text} », qui peut être {some([one.label for one in found])}"
            return Probleme(None, column, "une seule commune", shown, "Écrivez son code.")
        return found[0].code

    def _note(self, text: str, line: int) -> float | None:
        scale = rules().echelle
        value = parse_number(re.sub(rf"\s*/\s*{scale.maximum}$", "", text))
        if value is not None and value.is_integer() and scale.minimum <= value <= scale.maximum:
            return value
        wanted = f"un nombre entier {scale.libelle}"
        shown = f"« {text} »" if text else "une cellule vide"
        self._tell(line, "note", wanted, shown, "Corrigez la note.")
        return None

    def _date(self, text: str, line: int) -> str:
        day, first = parse_date(text), rules().echelle.premiere_annee
        shown = f"« {text} »" if text else "une cellule vide"
        if not day:
            remedy = "Écrivez l'année, le mois, le jour."
            self._tell(line, "date", "une date comme 2026-03-12", shown, remedy)
            return ""
        if not f"{first}-01-01" <= day <= self.jour:
            wanted = f"une date entre {first} et aujourd'hui ({self.jour})"
            self._tell(line, "date", wanted, shown, "Corrigez la date.")
            return ""
        return day

    def _role(self, text: str, line: int) -> str:
        role = self._clean("role", text, line)
        if any(word for word in _WORD.findall(role.replace(REMOVED, ""))):
            return role.replace(REMOVED, "").strip(" ,;:-–—()") or role
        wanted = "un rôle, comme « médiatrice numérique »"
        found = "une cellule vide" if not text else "rien d'autre qu'une personne ou un contact"
        self._tell(line, "role", wanted, found, "Écrivez la fonction, jamais le nom.")
        return ""

    def _clean(self, column: str, text: str, line: int) -> str:
        """A text without contacts nor names; what was removed is told, never repeated."""
        plain, contacts = without_contact(without_markup(text))
        plain, names = without_name(plain)
        removed = []
        if contacts:
            removed.append(plural(contacts, "téléphone ou courriel", "téléphones ou courriels"))
        if names:
            removed.append(plural(names, "nom de personne", "noms de personnes"))
        if removed:
            self._tell(
                line, column, "un texte qui ne désigne personne", listing(removed),
                "C'est retiré ici : retirez-le aussi du fichier.", blocking=False,
            )  # fmt: skip
        if column == "role":
            plain = plain.replace("(contact retiré)", "").strip(" ,;:-–—")
        return plain

    def _unread(self) -> None:
        for title in self.sheet.colonnes:
            if title in self.header.values():
                continue
            if is_personal(title) or fold(title) in {"nom", "prenom", "nom prenom"}:
                filled = len(self.sheet.sample(title))
                self._tell(
                    None, title, "aucune donnée de personne",
                    f"une colonne de {number(filled)} cellules",
                    "Elle n'est pas lue : supprimez-la.", blocking=False,
                )  # fmt: skip
            else:
                self._tell(None, title, "une colonne du modèle", "une autre",
                           "Elle n'est pas lue.", blocking=False)  # fmt: skip
