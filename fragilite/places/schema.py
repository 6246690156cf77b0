"""What a place is: the columns and closed lists of ``schema.toml``, and the table they make."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict

from fragilite.french import fold

Type = Literal["texte", "liste", "listes", "nombre", "date", "codes"]

#: Between the words of a cell that holds several, as in the mednum standard.
SEPARATOR = "|"


class Mot(BaseModel):
    """A word of a closed list; `mednum` is None where the standard writes the label itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    libelle: str
    mednum: str | None = None

    @property
    def standard(self) -> str:
        """The word of the mednum standard, ``""`` if it has none."""
        return self.libelle if self.mednum is None else self.mednum


class Colonne(BaseModel):
    """A column of the table of places."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    libelle: str
    type: Type
    description: str
    liste: str = ""
    unite: str = ""
    minimum: float | None = None
    maximum: float | None = None
    decimales: int = 2
    motif: str = ""
    attendu: str = ""
    remplir: bool = False
    requis: bool = False
    exemple: str = ""
    mednum: str = ""


class Schema(BaseModel):
    """Columns in their order, and the closed lists they use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    standard: str
    colonnes: dict[str, Colonne]
    listes: dict[str, dict[str, Mot]]

    def words(self, column: str) -> dict[str, Mot]:
        """Words that a column may hold, by code; none if its list is not closed."""
        name = self.colonnes[column].liste
        return self.listes[name] if name else {}

    def code_of(self, column: str, text: str) -> str:
        """Code of a word written as a code or as a label, whatever its case; ``""`` if unknown.

        Examples
        --------
        >>> schema().code_of("type", "bibliothèque"), schema().code_of("type", "France services")
        ('bibliotheque', 'france_services')
        """
        return self._readings(column).get(fold(text), "")

    def _readings(self, column: str) -> dict[str, str]:
        return _readings(self.colonnes[column].liste)

    def labels(self, column: str, cell: str) -> list[str]:
        """French labels of the codes of a cell."""
        words = self.words(column)
        return [words[code].libelle for code in split(cell)]


@cache
def schema() -> Schema:
    """The schema, read once."""
    text = (files("fragilite.places") / "schema.toml").read_text(encoding="utf-8")
    return Schema.model_validate(tomllib.loads(text))


@cache
def _readings(liste: str) -> dict[str, str]:
    """Every way of writing the words of a list, folded → their code."""
    words = schema().listes[liste]
    found = {fold(word.mednum): code for code, word in words.items() if word.mednum}
    found |= {fold(word.libelle): code for code, word in words.items()}
    return found | {fold(code): code for code in words}


def split(cell: str) -> list[str]:
    """Words of a cell, without the empty ones.

    Examples
    --------
    >>> split("demarches|acces"), split("")
    (['demarches', 'acces'], [])
    """
    return [word for part in cell.split(SEPARATOR) if (word := part.strip())]


def joined(codes: Iterable[str]) -> str:
    """One cell of several words, each once, sorted: the same set is always the same text."""
    return SEPARATOR.join(sorted(set(codes)))


@dataclass(frozen=True)
class Remarque:
    """What was found in a file and what was done of it.

    Attributes
    ----------
    fichier : str
    ligne : int or None
        Number of the row as a spreadsheet shows it; None for the whole file.
    texte : str
        One French sentence.
    """

    fichier: str
    ligne: int | None
    texte: str

    def __str__(self) -> str:
        where = self.fichier if self.ligne is None else f"{self.fichier}, ligne {self.ligne}"
        return f"{where} : {self.texte}"


@dataclass(frozen=True)
class Origine:
    """A list that was read: whose it is, its date, its licence, how many places it gave."""

    code: str
    titre: str
    producteur: str
    contributeur: str
    licence: str
    date: str
    fichier: str
    lieux: int


@dataclass(frozen=True)
class Places:
    """Places of one or several lists.

    Attributes
    ----------
    lieux : DataFrame
        Columns of the schema, one row a place, ids unique. Numbers are float64 with NaN where
        unknown; everything else is text, ``""`` where unknown; lists are codes joined by ``|``.
    remarques : tuple of Remarque
    origines : tuple of Origine
    """

    lieux: pd.DataFrame
    remarques: tuple[Remarque, ...] = ()
    origines: tuple[Origine, ...] = field(default=())


def table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A table of places with every column of the schema, typed."""
    columns = schema().colonnes
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    for name, column in columns.items():
        if column.type == "nombre":
            frame[name] = pd.to_numeric(frame[name]).astype("float64")
        else:
            frame[name] = frame[name].fillna("").astype("str")
    return frame


def together(parts: Iterable[Places]) -> Places:
    """Several lists in one, in their order."""
    lists = list(parts)
    frames = [part.lieux for part in lists]
    return Places(
        pd.concat(frames, ignore_index=True) if frames else table([]),
        tuple(remark for part in lists for remark in part.remarques),
        tuple(origin for part in lists for origin in part.origines),
    )
