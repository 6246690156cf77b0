"""Read a list of places: recognised, brought to the schema, cleaned, and every repair told.

Nothing is guessed in silence: a code found, a point moved, a word unknown, a contact removed are
all remarks, with the number of the row as a spreadsheet shows it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fragilite.cog import departement_of, departements
from fragilite.errors import UsageError
from fragilite.french import fold, listing, number, plural
from fragilite.places.cleaning import (
    is_personal,
    parse_date,
    parse_number,
    without_contact,
    without_markup,
)
from fragilite.places.communes import (
    Communes,
    bundled,
    departements_of_postal,
    find_code,
    read_code,
    read_postal,
)
from fragilite.places.hours import half_days, osm_hours
from fragilite.places.mapping import (
    OWN,
    Mapping,
    Regle,
    fold_header,
    load_mapping,
    mapping_named,
    recognise,
)
from fragilite.places.points import locate
from fragilite.places.schema import (
    Origine,
    Places,
    Remarque,
    joined,
    schema,
    split,
    table,
    together,
)
from fragilite.user_table import UserTable, open_tables

#: Lines that a remark names; the others are counted.
NAMED = 4
#: Columns that may hold free text, where a contact may hide.
_FREE = frozenset({"nom", "conditions", "horaires", "adresse", "complement", "commune", "site_web"})


@dataclass
class Notes:
    """Remarks being gathered: those of the same kind make one."""

    fichier: str
    found: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    pending: list[tuple[str, str, int]] = field(default_factory=list)

    def add(self, genre: str, texte: str, ligne: int) -> None:
        """A remark on the row being read."""
        self.pending.append((genre, texte, ligne))

    def keep(self, *, kept: bool = True) -> None:
        """The row is done: its remarks stay, unless it is of no interest."""
        for genre, texte, ligne in self.pending if kept else ():
            self.found.setdefault((genre, texte), []).append(ligne)
        self.pending.clear()

    def remarks(self) -> tuple[Remarque, ...]:
        """All of them, in the order of their first row; those of a kind and text make one."""
        return tuple(
            Remarque(self.fichier, lines[0], texte)
            if len(lines) == 1
            else Remarque(self.fichier, None, f"{texte} ({_lines(lines)})")
            for (_, texte), lines in sorted(self.found.items(), key=lambda found: found[1][0])
        )


def _lines(lines: Sequence[int]) -> str:
    shown = ", ".join(map(str, lines[:NAMED]))
    more = f" et {number(len(lines) - NAMED)} de plus" if len(lines) > NAMED else ""
    return f"lignes {shown}{more}"


def read(
    path: Path,
    mapping: Mapping | str | Path | None = None,
    *,
    communes: Communes | None = None,
    date: str = "",
    departements: Collection[str] = (),
) -> Places:
    """Read a list of places.

    Parameters
    ----------
    path : Path
        CSV or workbook; separator and encoding are recognised.
    mapping : Mapping, str or Path, optional
        The list it is: a code of :func:`fragilite.places.mapping.mappings`, or a TOML of one's
        own; by default it is recognised by its columns.
    communes : Communes, optional
        Names that find missing codes; by default those that travel with the program.
    date : str, optional
        ISO date of the list, where it is not the one that the mapping declares.
    departements : collection of str, optional
        Keep only their places, and those whose commune and postal code are both unknown.

    Returns
    -------
    Places
        Rows in the order of the file.

    Raises
    ------
    UsageError
        If the file cannot be read, is not recognised, or lacks the column of the names.
    """
    own = () if mapping is None else (mapping,)
    return read_lists([path], own, communes=communes, date=date, departements=departements)


def read_lists(
    paths: Sequence[Path],
    own: Sequence[Mapping | str | Path] = (),
    *,
    communes: Communes | None = None,
    date: str = "",
    departements: Collection[str] = (),
) -> Places:
    """Read lists of places and put them end to end.

    Parameters
    ----------
    paths : sequence of Path
    own : sequence of Mapping, str or Path
        Mappings that a user chose, in any order: each list takes the one whose columns it has, and
        is recognised among those that travel with the program if it has those of none.
    communes, date, departements
        As for :func:`read`, for all the lists.

    Returns
    -------
    Places
        In the order of the files.

    Raises
    ------
    UsageError
        As :func:`read`, or if a mapping that was chosen is that of no list.
    """
    chosen = [_chosen(one) for one in own]
    opened = {path: open_tables(path) for path in paths}
    taken = {path: _best(sheets, chosen) for path, sheets in opened.items()}
    for mapping in chosen:
        if mapping not in taken.values():
            raise _unfit(mapping, [sheets[0] for sheets in opened.values()])
    parts = []
    for path in paths:
        sheet, found = _sheet(opened[path], taken[path], path.name)
        if date:
            dated = found.liste.model_copy(update={"date": date})
            found = found.model_copy(update={"liste": dated})
        parts.append(_Reader(sheet, found, communes or bundled(), frozenset(departements)).read())
    return together(parts)


def _chosen(mapping: Mapping | str | Path) -> Mapping:
    if isinstance(mapping, Mapping):
        return mapping
    if Path(mapping).suffix == ".toml":
        return load_mapping(Path(mapping))
    return mapping_named(str(mapping))


def _columns(sheet: UserTable) -> list[str]:
    """Headers of a sheet, those of the template under their codes as well."""
    return [*sheet.colonnes, *own_headers(sheet)]


def _best(sheets: Sequence[UserTable], chosen: Sequence[Mapping]) -> Mapping | None:
    """Of the mappings that a user chose, the one whose columns a file has the most of."""
    fits = [max(one.fits(_columns(sheet)) for sheet in sheets) for one in chosen]
    return chosen[fits.index(max(fits))] if any(fits) else None


def _unfit(mapping: Mapping, sheets: Sequence[UserTable]) -> UsageError:
    """That a mapping is of no list, told of the list that lacks the fewest of its columns."""
    near = min(sheets, key=lambda sheet: len(mapping.lacking(_columns(sheet))))
    lacking = mapping.lacking(_columns(near))
    told = f"n'a pas les colonnes de « {mapping.liste.titre} » : il manque {listing(lacking)}"
    if not lacking:
        told = f"a plus de colonnes d'une autre correspondance que de « {mapping.liste.titre} »"
    if len(sheets) > 1:
        told = f"{told}, et aucune autre liste ne s'y prête"
    return UsageError(
        f"{near.nom} {told}.", "Donnez une autre correspondance par --mapping, ou retirez-la."
    )


def own_headers(sheet: UserTable) -> dict[str, str]:
    """Column of the schema → header of a file that writes its code or its label."""
    named: dict[str, str] = {}
    for code, column in schema().colonnes.items():
        wanted = {fold_header(code), fold_header(column.libelle)}
        for header in sheet.colonnes:
            if fold_header(header.removesuffix(" *")) in wanted:
                named.setdefault(code, header)
    return named


def _sheet(
    sheets: Sequence[UserTable], chosen: Mapping | None, name: str
) -> tuple[UserTable, Mapping]:
    """The sheet that holds the list, and how it is read."""
    if chosen is not None:
        return max(sheets, key=lambda sheet: chosen.fits(_columns(sheet))), chosen
    refusal: UsageError | None = None
    for sheet in sheets:
        try:
            return sheet, recognise(_columns(sheet), name)
        except UsageError as error:
            refusal = refusal or error
    assert refusal is not None  # a file has at least one table
    raise refusal


class _Reader:
    """One file being read."""

    def __init__(
        self, sheet: UserTable, mapping: Mapping, communes: Communes, kept: frozenset[str]
    ) -> None:
        self.mapping, self.communes, self.sheet, self.kept = mapping, communes, sheet, kept
        self.notes = Notes(sheet.nom)
        own = own_headers(sheet) if mapping.liste.code == OWN else {}
        here = {fold_header(name): name for name in reversed(sheet.colonnes)}
        self.header = {
            column: own.get(column) or here[fold_header(column)]
            for column in mapping.wanted
            if column in own or fold_header(column) in here
        }
        self.cells = {column: sheet.cells(name) for column, name in self.header.items()}
        self.unread = [name for name in sheet.colonnes if name not in self.header.values()]

    def read(self) -> Places:
        """Every row, then what is said of the whole file."""
        if not self.mapping.comptes and not self.mapping.columns("nom"):
            raise UsageError(
                f"La correspondance « {self.mapping.liste.code} » ne dit pas quelle colonne est le "
                "nom du lieu.",
                "Ajoutez nom sous [champs].",
            )
        rows: list[dict[str, Any]] = []
        for place, line in enumerate(self.sheet.lignes):
            cells = {column: texts[place] for column, texts in self.cells.items()}
            read = self._counted if self.mapping.comptes else self._row
            found = [row for row in read(cells, line) if self._wanted(row)]
            self.notes.keep(kept=bool(found) or not self.kept)
            rows += found
        self._unique(rows)
        liste = self.mapping.liste
        origin = Origine(
            liste.code, liste.titre, liste.producteur, liste.contributeur, liste.licence,
            liste.date, self.sheet.nom, len(rows),
        )  # fmt: skip
        whole = [f"« {liste.titre} » : {liste.reserve}"] if liste.reserve else []
        whole += self._dropped()
        closed = sum(row["etat"] == "ferme" for row in rows)
        if closed:
            told = plural(closed, "lieu fermé reste", "lieux fermés restent")
            whole.append(f"{told} dans la liste, avec la marque « fermé »")
        remarks = (
            *(Remarque(self.sheet.nom, None, text) for text in whole),
            *self.notes.remarks(),
        )
        return Places(table(rows), remarks, (origin,))

    def _wanted(self, row: dict[str, Any]) -> bool:
        """Whether a row is of the départements asked for, or perhaps."""
        where = departements_of_postal(row["code_postal"])
        if row["code_insee"]:
            where = [departement_of(row["code_insee"])]
        return not self.kept or not where or not self.kept.isdisjoint(where)

    # --- a row -------------------------------------------------------------------------------

    def _row(self, cells: dict[str, str], line: int) -> Iterator[dict[str, Any]]:
        texts = {name: self._text(name, cells, line) for name in self.mapping.champs}
        if not fold(texts.get("nom", "")):
            if any(map(fold, texts.values())):
                self.notes.add("sans_nom", "pas de nom de lieu : ligne écartée", line)
            return
        row: dict[str, Any] = dict.fromkeys(schema().colonnes, "") | texts
        row |= {name: self._words(name, rules, cells, line) for name, rules in self._rules()}
        self._commune(row, line)
        self._point(row, cells, line)
        self._figures(row, cells, line)
        self._dates(row, line)
        self._shape(row, line)
        liste = self.mapping.liste
        row["source"] = row["source"] or liste.code
        row["contributeur"] = row["contributeur"] or liste.contributeur
        row["localisation"] = row["localisation"] or liste.localisation
        row["id"] = _identifier(liste.code, row)
        yield row | {"_ligne": line}

    def _rules(self) -> Iterator[tuple[str, list[Regle]]]:
        """Rules of the closed lists; the program's own layout writes their words."""
        if self.mapping.liste.code != OWN:
            yield from self.mapping.mots.items()
            return
        for name, column in schema().colonnes.items():
            if column.type == "listes" and name in self.header:
                yield name, [Regle(colonne=name, separateur="|")]
            elif column.type == "liste" and name in self.header:
                yield name, [Regle(colonne=name)]

    def _text(self, name: str, cells: dict[str, str], line: int) -> str:
        raw = " ".join(filter(None, (cells.get(one, "") for one in self.mapping.columns(name))))
        text = without_markup(raw)
        if text != " ".join(raw.split()):
            self.notes.add("html", "balises HTML retirées", line)
        if name in _FREE:
            text, contacts = without_contact(text)
            if contacts:
                self.notes.add("contact", "téléphone ou courriel retiré d'un texte", line)
                text = "" if name == "site_web" else text
        if name == "adresse":
            text = re.sub(r"[\s,]+\d{5}\s+[^\d]+$", "", text)  # « … 49300 Cholet » has its columns
        return text if fold(text) else ""

    def _words(self, name: str, rules: Sequence[Regle], cells: dict[str, str], line: int) -> str:
        several = schema().colonnes[name].type == "listes"
        codes: list[str] = []
        for rule in rules:
            codes += self._applied(name, rule, cells, line, several=several)
            if codes and not several:
                return codes[0]
        return joined(codes)

    def _applied(
        self, name: str, rule: Regle, cells: dict[str, str], line: int, *, several: bool
    ) -> list[str]:
        """Codes that a rule gives, the one declared first in front."""
        if rule.constante:
            return split(rule.constante)
        cell = without_markup(cells.get(rule.colonne, ""))
        if not fold(cell):
            return []
        if rule.toute:
            return split(rule.toute)
        if rule.contient:
            text = f" {fold(cell)} "
            return next((split(code) for piece, code in rule.pieces if piece in text), [])
        words = (
            [part.strip() for part in cell.split(rule.separateur)] if rule.separateur else [cell]
        )
        found: list[str] = []
        for word in filter(fold, words):
            code = rule.folded.get(fold(word)) if rule.valeurs else schema().code_of(name, word)
            if code is None or (not rule.valeurs and not code):
                self._unknown(rule, word, line)
            else:
                found += split(code)
        if several:
            return found
        order = [code for cell in rule.valeurs.values() for code in split(cell)]
        return sorted(found, key=lambda code: order.index(code) if code in order else -1)

    def _unknown(self, rule: Regle, word: str, line: int) -> None:
        shown = word if len(word) <= 60 else f"{word[:60]}…"
        header = self.header.get(rule.colonne, rule.colonne)
        self.notes.add(
            "mot", f"« {shown} » ({header}) n'est pas un mot connu : laissé inconnu", line
        )

    def _commune(self, row: dict[str, Any], line: int) -> None:
        given, zipped = row["code_insee"], row["code_postal"]
        found = read_code(given, zipped, self.communes)
        postal = read_postal(zipped, found.code)
        for reading in (found, postal):
            if reading.texte:
                self.notes.add(reading.genre, reading.texte, line)
        if not found.code:
            found = find_code(row["commune"], postal.code, self.communes)
            self.notes.add(found.genre, found.texte, line)
        elif not self.communes.agrees(found.code, row["commune"]):
            name = self.communes.noms[found.code]
            text = f"le code {found.code} est celui de {name}, la ligne dit « {row['commune']} »"
            self.notes.add("nom", f"{text} ; le code est gardé", line)
        here = departements_of_postal(postal.code)
        if found.code and here and departement_of(found.code) not in here:
            text = f"code postal {postal.code} et commune {found.code} de départements différents"
            self.notes.add("departement", text, line)
        row["code_insee"], row["code_postal"] = found.code, postal.code
        row["commune"] = row["commune"] or self.communes.noms.get(found.code, "")

    def _point(self, row: dict[str, Any], cells: dict[str, str], line: int) -> None:
        where = set(departements_of_postal(row["code_postal"]))
        if row["code_insee"] and departement_of(row["code_insee"]) in departements():
            where.add(departement_of(row["code_insee"]))
        x, y = (
            "".join(cells.get(one, "") for one in self.mapping.columns(side))
            for side in ("longitude", "latitude")
        )
        point = locate(x, y, self.mapping.liste.projection, sorted(where))
        if point.texte:
            self.notes.add(point.genre, point.texte, line)
        row["longitude"], row["latitude"] = point.longitude, point.latitude

    def _figures(self, row: dict[str, Any], cells: dict[str, str], line: int) -> None:
        if self.mapping.jours:
            row["horaires"] = osm_hours([cells.get(one, "") for one in self.mapping.jours])
        for name in ("etp", "demi_journees"):
            text, column = row[name], schema().colonnes[name]
            value = parse_number(text) if text else None
            low, high = column.minimum or 0, column.maximum or float("inf")
            if text and (value is None or not low <= value <= high):
                wanted = f"un nombre de {number(low)} à {number(high)} attendu"
                self.notes.add(name, f"{column.libelle} « {text} » : {wanted} ; laissé vide", line)
                value = None
            row[name] = value
        if row["demi_journees"] is None:
            row["demi_journees"] = half_days(row["horaires"])

    def _dates(self, row: dict[str, Any], line: int) -> None:
        latest = self.mapping.liste.date
        for name in ("date_maj", "fin_postes"):
            text, label = row[name], schema().colonnes[name].libelle.lower()
            row[name] = parse_date(text)
            if text and not row[name]:
                self.notes.add(name, f"{label} « {text} » illisible", line)
        if latest and row["date_maj"] > latest:
            self.notes.add("futur", f"date postérieure à la liste ({latest}) : écartée", line)
            row["date_maj"] = ""
        if row["date_maj"]:
            row["date_origine"] = row["date_origine"] or "lieu"
        elif latest:
            row["date_maj"], row["date_origine"] = latest, "liste"

    def _shape(self, row: dict[str, Any], line: int) -> None:
        """Codes that must have a shape, and the perimeter."""
        pivot, column = row["pivot"].replace(" ", ""), schema().colonnes["pivot"]
        if pivot and not re.fullmatch(column.motif, pivot):
            self.notes.add("pivot", f"« {pivot} » n'est pas {column.attendu} : laissé vide", line)
            pivot = ""
        row["pivot"] = pivot
        served = []
        for code in re.split(r"[|;,\s]+", row["perimetre"]):
            reading = read_code(code, "", self.communes)
            served.append(reading.code)
            if reading.texte:
                self.notes.add("perimetre", f"communes servies : {reading.texte}", line)
        row["perimetre"] = joined(filter(None, served))

    # --- figures by commune --------------------------------------------------------------------

    def _counted(self, cells: dict[str, str], line: int) -> Iterator[dict[str, Any]]:
        """One row a facility of a list that only counts them."""
        (code,) = self.mapping.columns("code_insee")
        found = read_code(cells.get(code, ""), "", self.communes)
        if found.genre == "change":
            found = replace(
                found, texte="code d'une commune fusionnée, porté à celle d'aujourd'hui"
            )
        if found.texte:
            self.notes.add("code", found.texte, line)
        liste = self.mapping.liste
        if not found.code:
            return
        for column, count in self.mapping.comptes.items():
            for rank in range(1, int(parse_number(cells.get(column, "")) or 0) + 1):
                identifier = f"{liste.code}:{cells[code]}:{column.removeprefix('NB_')}:{rank}"
                yield dict.fromkeys(schema().colonnes, "") | {
                    "id": identifier, "source": liste.code, "contributeur": liste.contributeur,
                    "nom": count.libelle, "type": count.type, "code_insee": found.code,
                    "commune": self.communes.noms.get(found.code, ""), "date_maj": liste.date,
                    "date_origine": "liste", "localisation": liste.localisation,
                    "etp": None, "demi_journees": None, "longitude": None, "latitude": None,
                }  # fmt: skip

    # --- the whole file ------------------------------------------------------------------------

    def _unique(self, rows: list[dict[str, Any]]) -> None:
        """Identifiers that are met twice are told apart."""
        seen: dict[str, int] = {}
        for row in rows:
            line = row.pop("_ligne", 0)
            seen[row["id"]] = seen.get(row["id"], 0) + 1
            if seen[row["id"]] > 1:
                told = f"identifiant {row['id']} déjà pris : -{seen[row['id']]} ajouté"
                self.notes.add("double", told, line)
                self.notes.keep()
                row["id"] = f"{row['id']}-{seen[row['id']]}"

    def _dropped(self) -> Iterator[str]:
        """What was not read because it is about people, with how many cells it was."""
        declared = {fold_header(name) for name in self.mapping.liste.personnelles}
        counted = {
            name: sum(bool(cell) for cell in self.sheet.cells(name))
            for name in self.unread
            if fold_header(name) in declared or is_personal(name)
        }
        if counted:
            told = [f"{name} ({plural(count, 'cellule')})" for name, count in counted.items()]
            yield f"données de personnes ou de contact jamais gardées : {listing(told)}"
        plain = [name for name in self.unread if name not in counted]
        if plain and self.mapping.liste.code == OWN:
            yield f"colonnes non lues : {listing(plain)}"


def _identifier(liste: str, row: dict[str, Any]) -> str:
    """The list and the identifier of the row in it, else a digest of what names the place."""
    own = row["id"].strip().removesuffix("_")
    if own and liste == OWN:
        return own if ":" in own else f"{row['source']}:{own}"
    if own:
        return f"{liste}:{own}"
    named = "|".join(fold(row[name]) for name in ("nom", "adresse", "code_insee", "commune"))
    return f"{row['source']}:{hashlib.sha256(named.encode()).hexdigest()[:10]}"
