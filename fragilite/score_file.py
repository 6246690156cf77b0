"""Somebody else's scores by commune or by EPCI, in a file as people have it.

Its columns and its codes are recognised by what they hold. What cannot be read is set aside and
named, in French; the rest is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import isnan
from pathlib import Path
from typing import Literal

import pandas as pd

from fragilite.cog import ARRONDISSEMENTS, FIRST_YEAR, LAST_YEAR, aliases, codes_of, moves
from fragilite.errors import UsageError
from fragilite.french import fold, listing, plural
from fragilite.user_table import (
    COLUMNS,
    NAMED,
    UserTable,
    open_tables,
    padded_code,
    parse_figure,
    some,
    tidy_code,
)

#: Names that a column of codes bears, the surest first, as :func:`fragilite.french.fold` writes
#: them.
CODE_NAMES = (
    *("code insee", "codgeo", "code insee commune", "insee com", "code commune insee", "codeinsee"),
    *("insee", "depcom", "code commune", "code com", "codecommune", "com", "code geo", "geocode"),
    *("geo", "code epci", "epci", "siren epci", "siren", "code"),
)
#: What stands for "no figure" in a cell.
BLANKS = frozenset(
    {"", "s", "ns", "nd", "n/d", "n.d.", "nc", "c", "-", "–", "—", "na", "n/a", "nan", "null"}
    | {"none", "..", "…", "..."}
)
#: The score of our own files, and what follows an indicator's code there.
INDEX, CONTRIBUTION = "indice", "_contribution"
#: Share of the cells of a column that must be codes for it to be taken as theirs.
NEARLY_ALL = 0.9
#: Contributions are written with one decimal: each may be off by 0.05 point.
ROUNDED = 0.05

_COMMUNE = re.compile(r"\d{4,5}|2[AB]\d{3}")
_EPCI = re.compile(r"\d{9}")
#: Overseas collectivities, which the COG of communes leaves out.
_OUTSIDE = ("975", "977", "978", "98")

Niveau = Literal["commune", "epci"]


@dataclass(frozen=True)
class ScoreFile:
    """Scores of somebody else, on the territories of a build.

    Attributes
    ----------
    nom : str
        Name of the file.
    colonne, colonne_code : str
        Columns read.
    niveau : str
        ``commune`` or ``epci``.
    values : Series of float64
        Indexed by code, in its order, without missing values: territories of the build only.
    contributions : DataFrame of float64 or None
        On the same index, where the file is one of ours and the column is its index: points owed to
        each indicator, by its code; NaN where the commune lacks it.
    remarques : list of str
        In French: what was mended, and what was set aside.
    """

    nom: str
    colonne: str
    colonne_code: str
    niveau: Niveau
    values: pd.Series
    contributions: pd.DataFrame | None = None
    remarques: list[str] = field(default_factory=list)


def read_scores(
    path: Path,
    column: str = "",
    *,
    communes: pd.Series,
    epci: pd.Series | None = None,
    code: str = "",
    annee: int = LAST_YEAR,
) -> ScoreFile:
    """Read a column of scores from a CSV file, a workbook or a Parquet file.

    Parameters
    ----------
    path : Path
        Separator, encoding and decimal sign are recognised; so is a file of ours.
    column : str
        Column of the scores; may be left out where there is one column of numbers, or one named
        ``indice``.
    communes : Series of str
        Names of the communes of the build, indexed by code.
    epci : Series of str, optional
        Names of its EPCI, indexed by SIREN; without it, scores by EPCI are refused.
    code : str
        Column of the codes, where it is not to be guessed.
    annee : int
        Year of the geography of the build.

    Returns
    -------
    ScoreFile

    Raises
    ------
    UsageError
        File missing or unreadable, column missing or unknown (those of the file are listed), no
        number, no territory in common.
    """
    tables = open_tables(path)
    table = next((one for one in tables if code or _named_codes(one)), tables[0])
    code_column, niveau = _code_column(table, code)
    known = communes if niveau == "commune" else epci
    if known is None:
        raise UsageError(
            f"{table.nom}, colonne {code_column} : ce sont des codes d'EPCI, il faut des communes.",
            "Donnez un fichier qui ait un code et un score par commune.",
        )
    score_column = _score_column(table, column, code_column)
    remarks: list[str] = []
    found = _Codes(known, niveau, annee)
    codes = _restored(table.cells(code_column), remarks)
    rows = pd.DataFrame(
        {"code": found.settle(codes, remarks), "texte": table.cells(score_column)},
        index=pd.Index(table.lignes, name="ligne"),
    )
    rows = rows[rows["code"] != ""]
    if rows.empty:
        raise UsageError(
            f"{table.nom}, colonne {code_column} : aucun code n'est celui d'"
            f"{'une commune' if niveau == 'commune' else 'un EPCI'} du calcul. "
            f"{' '.join(remarks)}".strip(),
            "Vérifiez le territoire et la colonne des codes (--code NOM).",
        )
    rows["score"] = [parse_figure(text) for text in rows["texte"]]
    _say_odd(rows, found, score_column, remarks)
    if rows["score"].isna().all():
        shown = listing([f"« {text} »" for text in dict.fromkeys(rows["texte"])][:NAMED])
        raise UsageError(
            f"{table.nom}, colonne {score_column} : aucun nombre pour les territoires du calcul "
            f"({shown}).",
            _columns_of_numbers(table, code_column),
        )
    rows = _once(table, rows.dropna(subset="score"), found, remarks)
    values = rows.set_index("code")["score"].sort_index().rename(score_column)
    values.index.name = f"code_{'insee' if niveau == 'commune' else 'epci'}"
    parts = _contributions(table, rows, values)
    return ScoreFile(table.nom, score_column, code_column, niveau, values, parts, remarks)


# --- which columns ---------------------------------------------------------------------------


def _named_codes(table: UserTable) -> str | None:
    """The column that bears a usual name of codes, and holds some."""
    folded = {fold(name): name for name in reversed(table.colonnes)}
    named = [folded[name] for name in CODE_NAMES if name in folded]
    return next((name for name in named if max(_shapes(table, name)) > 0.5), None)


def _shapes(table: UserTable, name: str) -> tuple[float, float]:
    """Shares of the first cells of a column that look like codes of communes, and of EPCI."""
    cells = [tidy_code(cell) for cell in table.sample(name)]
    shapes = [sum(map(bool, map(shape.fullmatch, cells))) for shape in (_COMMUNE, _EPCI)]
    return shapes[0] / max(len(cells), 1), shapes[1] / max(len(cells), 1)


def _code_column(table: UserTable, wanted: str) -> tuple[str, Niveau]:
    """The column of codes: the one named, one with a usual name, one that holds only codes."""
    chosen = table.find(wanted) if wanted else _named_codes(table) or _held_codes(table)
    if chosen is None:
        raise UsageError(
            f"{table.nom} : aucune colonne de codes de communes ou d'EPCI. "
            f"Colonnes : {some(table.colonnes, COLUMNS)}.",
            "Nommez-la : --code NOM",
        )
    commune, siren = _shapes(table, chosen)
    if max(commune, siren) == 0:
        shown = listing([f"« {cell} »" for cell in table.sample(chosen)[:3]]) or "rien"
        raise UsageError(
            f"{table.nom}, colonne {chosen} : codes de communes (49007) ou d'EPCI (200060010) "
            f"attendus, trouvé {shown}.",
            "Nommez la colonne des codes : --code NOM",
        )
    return chosen, "epci" if siren > commune else "commune"


def _held_codes(table: UserTable) -> str | None:
    """The first column whose cells are nearly all codes that have existed, and differ.

    Numbers of inhabitants may have five digits too: the codes are looked up.
    """
    for name in table.colonnes:
        cells = [tidy_code(cell) for cell in table.sample(name)]
        codes = sum(padded_code(cell) in _ever() or bool(_EPCI.fullmatch(cell)) for cell in cells)
        if cells and min(codes, len(set(cells))) >= NEARLY_ALL * len(cells):
            return name
    return None


def _score_column(table: UserTable, wanted: str, codes: str) -> str:
    if wanted:
        return table.find(wanted)
    if INDEX in table.colonnes:
        return INDEX
    numeric = _numeric(table, codes)
    if len(numeric) == 1:
        return numeric[0]
    found_none = "aucune colonne de nombres" if not numeric else "plusieurs colonnes de nombres"
    raise UsageError(
        f"{table.nom} : quelle colonne est le score ? {found_none.capitalize()}. "
        f"Colonnes : {some(numeric or table.colonnes, COLUMNS)}.",
        "Nommez-la : --column NOM",
    )


def _numeric(table: UserTable, codes: str) -> list[str]:
    """Columns where most cells are numbers, but for the codes."""
    found = []
    for name in table.colonnes:
        cells = [cell for cell in table.sample(name) if cell.casefold() not in BLANKS]
        numbers = sum(not isnan(parse_figure(cell)) for cell in cells)
        is_code = fold(name) in CODE_NAMES or fold(name).startswith("code ")
        if name != codes and not is_code and numbers > len(cells) / 2:
            found.append(name)
    return found


def _columns_of_numbers(table: UserTable, codes: str) -> str:
    numeric = _numeric(table, codes)
    if not numeric:
        return "Le fichier n'a aucune colonne de nombres."
    return f"Colonnes de nombres, pour --column : {some(numeric, COLUMNS)}."


# --- codes -----------------------------------------------------------------------------------


@cache
def _ever() -> frozenset[str]:
    """Codes of all the communes there have been since 2008, and of arrondissements."""
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return frozenset().union(*(codes_of(year) for year in years), _arrondissements())


@cache
def _arrondissements() -> dict[str, str]:
    """Arrondissement → commune, for Paris, Lyon and Marseille."""
    return {str(arm): parent for parent, arms in ARRONDISSEMENTS.items() for arm in arms}


def _restored(texts: Sequence[str], remarks: list[str]) -> list[str]:
    """Codes as they should be; those that a spreadsheet had spoilt are said once."""
    codes = [padded_code(tidy_code(text)) for text in texts]
    mended = [
        text for text, code in zip(texts, codes, strict=True) if text.upper() != code and code
    ]
    if mended:
        several, first = len(mended) > 1, padded_code(tidy_code(mended[0]))
        remarks.append(
            f"{plural(len(mended), 'code')} {'rétablis' if several else 'rétabli'} (zéro de tête "
            f"perdu, espaces ou décimales), comme « {mended[0]} » lu {first}."
        )
    return codes


@dataclass(frozen=True)
class _Codes:
    """The territories of a build, and what becomes of any other code."""

    known: pd.Series
    niveau: Niveau
    annee: int

    def name(self, code: str) -> str:
        """``49007 Angers``."""
        return f"{code} {self.known[code]}" if code in self.known.index else code

    def settle(self, codes: Sequence[str], remarks: list[str]) -> list[str]:
        """The territory of each row, ``""`` where it is set aside; remarks say which and why."""
        fates: dict[str, dict[str, tuple[str, ...]]] = {
            "": {}, "ailleurs": {}, "inconnu": {}, "renomme": {}, "partie": {}
        }  # fmt: skip
        for code in dict.fromkeys(codes):
            if code not in self.known.index:
                fate, now = self._fate(code)
                fates[fate][code] = now
        moved = {code: now[0] for code, now in fates["renomme"].items()}
        found = [moved.get(code, code) for code in codes]
        spoilt = self._spoilt(fates["partie"], set(found))
        self._say_moved(moved, fates["partie"], spoilt, remarks)
        self._say_strangers(list(fates["inconnu"]), len(fates["ailleurs"]), remarks)
        if blank := sum(not code for code in codes):
            remarks.append(f"{plural(blank, 'ligne')} sans code.")
        kept = set(self.known.index) - spoilt
        return [code if code in kept else "" for code in found]

    def _fate(self, code: str) -> tuple[str, tuple[str, ...]]:
        """What a code that is no territory of the build is, and the communes it is now in."""
        if not code:
            return "", ()
        if self.niveau == "epci":
            return ("ailleurs" if _EPCI.fullmatch(code) else "inconnu"), ()
        if code in codes_of(self.annee) or code.startswith(_OUTSIDE):
            return "ailleurs", ()
        renamed = aliases(self.annee).get(code)
        now = (renamed,) if renamed else _today(code, self.annee)
        if not now:
            return "inconnu", ()
        if not any(part in self.known.index for part in now):
            return "ailleurs", ()
        return ("renomme" if renamed else "partie"), now

    def _spoilt(self, parts: Mapping[str, tuple[str, ...]], present: set[str]) -> set[str]:
        """Communes that the file still has as they were before others joined them.

        49003 was Ambillou-Château before it was Tuffalun: beside 49181 (Louerre), its score is not
        that of the whole. Paris does not share its code with an arrondissement.
        """
        arms = _arrondissements()
        return present & {to for code, now in parts.items() if code not in arms for to in now}

    def _say_moved(
        self,
        moved: Mapping[str, str],
        parts: Mapping[str, tuple[str, ...]],
        spoilt: set[str],
        remarks: list[str],
    ) -> None:
        moved = {code: now for code, now in moved.items() if now not in spoilt}
        if moved:
            shown = [f"{code} est {self.name(now)}" for code, now in sorted(moved.items())]
            remarks.append(f"Code changé depuis, suivi : {some(shown)}.")
        if parts:
            shown = [
                f"{code} (aujourd'hui dans {listing([self.name(to) for to in now])})"
                for code, now in sorted(parts.items())
            ]
            remarks.append(
                f"{plural(len(parts), 'code')} d'anciennes communes ou de parties de commune, mis "
                f"de côté (des scores ne s'additionnent pas) : {some(shown)}."
            )
        if spoilt:
            remarks.append(
                "Mises de côté aussi, car le fichier les donne comme avant ces regroupements : "
                f"{some([self.name(code) for code in sorted(spoilt)])}."
            )

    def _say_strangers(self, unknown: Sequence[str], elsewhere: int, remarks: list[str]) -> None:
        if unknown:
            when = f" au 1er janvier {self.annee}" if self.niveau == "commune" else ""
            shown = [f"« {code} »" for code in sorted(unknown)]
            remarks.append(
                f"{plural(len(unknown), 'code inconnu', 'codes inconnus')}{when}, mis de côté : "
                f"{some(shown)}."
            )
        if elsewhere:
            nouns = ("commune", "communes") if self.niveau == "commune" else ("EPCI", "EPCI")
            remarks.append(f"{plural(elsewhere, *nouns)} du fichier hors du calcul.")


def _today(code: str, annee: int) -> tuple[str, ...] | None:
    """Communes of a year that hold the territory of a former one or of an arrondissement."""
    parent = _arrondissements().get(code)
    if parent:
        return (parent,)
    for year in range(annee, FIRST_YEAR - 1, -1):
        if code in codes_of(year):
            return moves(year, annee)[code]
    return None


# --- scores ----------------------------------------------------------------------------------


def _say_odd(rows: pd.DataFrame, found: _Codes, column: str, remarks: list[str]) -> None:
    """Name the cells that are neither numbers nor blank, and count the blank ones."""
    missing = rows[rows["score"].isna()]
    blank = missing["texte"].str.casefold().isin(BLANKS)
    odd = missing[~blank]
    if len(odd):
        shown = [
            f"ligne {line} ({found.name(row['code'])}) « {row['texte']} »"
            for line, row in odd.head(NAMED).iterrows()
        ]
        more = [""] * (len(odd) - len(shown))
        remarks.append(
            f"Colonne {column}, du texte au lieu d'un nombre, mis de côté : "
            f"{some([*shown, *more])}."
        )
    if blank.any():
        cells = plural(int(blank.sum()), "cellule vide", "cellules vides")
        remarks.append(f"Colonne {column} : {cells} pour les territoires du calcul.")


def _once(table: UserTable, rows: pd.DataFrame, found: _Codes, remarks: list[str]) -> pd.DataFrame:
    """One row a territory: equal scores are kept once, those that contradict are set aside."""
    twice = rows["code"].duplicated(keep=False)
    if not twice.any():
        return rows
    scores = rows[twice].groupby("code")["score"].nunique()
    same, other = scores.index[scores == 1], scores.index[scores > 1]
    if len(same):
        remarks.append(f"En double avec le même score, lus une fois : {some(_names(same, found))}.")
    if len(other):
        remarks.append(
            f"En double avec des scores différents, mis de côté : {some(_names(other, found))}."
        )
    kept = rows[~rows["code"].isin(other)].drop_duplicates("code")
    if kept.empty:
        raise UsageError(
            f"{table.nom} : chaque code y est plusieurs fois, avec des scores différents.",
            "Gardez une ligne par territoire.",
        )
    return kept


def _names(codes: pd.Index, found: _Codes) -> list[str]:
    return [found.name(str(code)) for code in codes]


def _contributions(table: UserTable, rows: pd.DataFrame, values: pd.Series) -> pd.DataFrame | None:
    """Contributions to the index in a file of ours, if they add up to it."""
    names = [name for name in table.colonnes if name.endswith(CONTRIBUTION)]
    if not names:
        return None
    places = {line: place for place, line in enumerate(table.lignes)}
    wanted = [places[line] for line in rows.index]
    parts = pd.DataFrame(index=pd.Index(rows["code"]))
    for name in names:
        cells = table.cells(name)
        parts[name.removesuffix(CONTRIBUTION)] = [parse_figure(cells[place]) for place in wanted]
    parts = parts.dropna(axis=1, how="all").reindex(values.index)
    gap = (parts.sum(axis=1) - values).abs().max()
    return parts if parts.shape[1] and gap <= ROUNDED * (parts.shape[1] + 2) else None
