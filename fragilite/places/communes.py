"""Which commune a row is in: codes carried to today's, or found from the postal code and the name.

A name alone is never trusted where it may mean two communes: the ambiguity is told and the code
stays empty.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files

import pandas as pd

from fragilite.cog import (
    ARRONDISSEMENTS,
    FIRST_YEAR,
    LAST_YEAR,
    aliases,
    codes_of,
    departement_of,
    departements,
    passage,
)
from fragilite.french import fold, listing

_CEDEX = re.compile(r"\bcedex\b.*$", re.IGNORECASE)
_PAREN = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True)
class Communes:
    """Names of the communes of one or several départements, with the former ones.

    Attributes
    ----------
    noms : mapping of str to str
        Code → name.
    anciennes : tuple of (str, str, str)
        Name of a delegated or former commune, its former code, the commune of today.
    """

    noms: Mapping[str, str]
    anciennes: tuple[tuple[str, str, str], ...] = ()

    @classmethod
    def of(cls, communes: pd.DataFrame, anciennes: pd.DataFrame) -> Communes:
        """From the frames of a build: ``nom`` by code, and ``nom, code_ancien, code_insee``."""
        rows = anciennes[["nom", "code_ancien", "code_insee"]].itertuples(index=False)
        return cls(
            {str(code): str(nom) for code, nom in communes["nom"].items()},
            tuple((str(nom), str(code), str(now)) for nom, code, now in rows),
        )

    @cached_property
    def departements(self) -> frozenset[str]:
        """Départements whose names are known."""
        return frozenset(map(departement_of, self.noms))

    @cached_property
    def _named(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for code, name in self.noms.items():
            found[fold(name)].add(code)
        for name, _, code in self.anciennes:
            found[fold(name)].add(code)
        return found

    @cached_property
    def former_codes(self) -> dict[str, str]:
        """Code of a former commune → the commune of today."""
        return {code: now for _, code, now in self.anciennes}

    def named(self, name: str, within: Iterable[str] = ()) -> list[str]:
        """Codes of the communes, of today or former, that a name may mean."""
        wanted = set(within)
        for reading in _readings(name):
            codes = sorted(
                code
                for code in self._named.get(fold(reading), ())
                if not wanted or departement_of(code) in wanted
            )
            if codes:
                return codes
        return []

    @cached_property
    def _former_names(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for name, _, code in self.anciennes:
            found[code].append(name)
        return found

    def near(self, name: str, within: Iterable[str] = ()) -> list[str]:
        """Names that begin as a name does, else look like it, for a message."""
        here = set(within) or self.departements
        codes = [code for code in self.noms if departement_of(code) in here]
        folded = {fold(self.noms[code]): self.noms[code] for code in codes}
        folded |= {fold(one): one for code in codes for one in self._former_names.get(code, ())}
        wanted = fold(name)
        begin = [one for one in sorted(folded) if one.startswith(f"{wanted} ")]
        close = begin or get_close_matches(wanted, folded, n=2, cutoff=0.8)
        return [folded[one] for one in close[:3]]

    def agrees(self, code: str, name: str) -> bool:
        """Whether a name may be that of a commune; True where its name is not known."""
        if code not in self.noms or not fold(name):
            return True
        known = [self.noms[code], *self._former_names.get(code, ())]
        wanted = {fold(reading) for reading in _readings(name)}
        return any(
            f" {one} " in f" {fold(nom)} " or f" {fold(nom)} " in f" {one} "
            for one in wanted
            for nom in known
        )


def _readings(name: str) -> list[str]:
    """A name, then without « Cedex 09 », then without what is between brackets."""
    plain = _CEDEX.sub("", name).strip()
    bare = _PAREN.sub("", plain)
    inside = plain[len(bare) :].strip(" ()")
    return [text for text in dict.fromkeys([name, plain, bare, inside]) if fold(text)]


@cache
def bundled() -> Communes:
    """The communes whose names travel with the program."""
    noms: dict[str, str] = {}
    former: list[tuple[str, str, str]] = []
    folder = files("fragilite") / "bundled"
    for departement in sorted(departements()):
        here = folder / departement
        if not here.is_dir():
            continue
        with (here / "communes.csv").open(encoding="utf-8") as lines:
            noms |= {row["code_insee"]: row["nom"] for row in csv.DictReader(lines)}
        with (here / "anciennes_communes.csv").open(encoding="utf-8") as lines:
            former += [
                (row["nom"], row["code_ancien"], row["code_insee"]) for row in csv.DictReader(lines)
            ]
    return Communes(noms, tuple(former))


def departements_of_postal(code: str) -> list[str]:
    """Départements of a postal code: both of Corsica for 20, none if it is not one.

    Examples
    --------
    >>> departements_of_postal("49220"), departements_of_postal("20090")
    (['49'], ['2A', '2B'])
    """
    if not re.fullmatch(r"\d{5}", code):
        return []
    found = ["2A", "2B"] if code.startswith("20") else [departement_of(code)]
    return [one for one in found if one in departements()]


@cache
def current_codes(code: str) -> tuple[str, ...]:
    """Communes of the last geography that hold the territory of a code; none if it never was one.

    Examples
    --------
    >>> current_codes("49069"), current_codes("75101"), current_codes("49999")
    (('49126',), ('75056',), ())
    """
    for commune, parts in ARRONDISSEMENTS.items():
        if code.isdigit() and int(code) in parts:
            return (commune,)
    if code in codes_of(LAST_YEAR):
        return (code,)
    if code in aliases(LAST_YEAR):
        return (aliases(LAST_YEAR)[code],)
    for year in range(LAST_YEAR - 1, FIRST_YEAR - 1, -1):
        if code in codes_of(year):
            return passage(year, LAST_YEAR)[code]
    return ()


@dataclass(frozen=True)
class Reading:
    """A code as it could be read: the code, ``""`` if it cannot, and what there is to say."""

    code: str
    texte: str = ""
    genre: str = ""


def read_postal(text: str, code_insee: str) -> Reading:
    """Read a postal code, giving back the zero that a spreadsheet ate where the commune tells.

    Examples
    --------
    >>> read_postal("44000.0", "").code, read_postal("1200", "01033").code
    ('44000', '01200')
    >>> read_postal("4900", "49331").texte
    'code postal « 4900 » : cinq chiffres attendus ; laissé vide'
    """
    plain = "".join(text.split()).removesuffix(".0")
    if not plain or re.fullmatch(r"\d{5}", plain):
        return Reading(plain)
    if re.fullmatch(r"\d{4}", plain) and code_insee[:2].zfill(2) == f"0{plain[0]}":
        return Reading(f"0{plain}", "zéro de tête rendu au code postal", "zero_postal")
    return Reading(
        "", f"code postal « {text} » : cinq chiffres attendus ; laissé vide", "postal_illisible"
    )


def read_code(text: str, postal: str, communes: Communes) -> Reading:
    """Read a commune code and carry it to the last geography.

    Parameters
    ----------
    text : str
        As written, perhaps by a spreadsheet: ``1033``, ``49007.0``.
    postal : str
        Postal code as written: a lost zero is given back only where it agrees.
    communes : Communes
        Former codes that it knows are read as well.
    """
    plain = "".join(text.split()).removesuffix(".0").upper()
    if not plain:
        return Reading("")
    lost = re.fullmatch(r"\d{4}", plain) is not None
    if lost and "".join(postal.split()).removesuffix(".0").zfill(5)[:2] == f"0{plain[0]}":
        return read_again(f"0{plain}", communes)
    if not re.fullmatch(r"(\d{2}|2[AB])\d{3}", plain):
        return Reading(
            "", f"code commune « {text} » illisible : cinq caractères attendus", "code_illisible"
        )
    now = current_codes(plain)
    if not now and plain in communes.former_codes:
        now = (communes.former_codes[plain],)
    if len(now) == 1:
        name = communes.noms.get(now[0], "")
        if now[0] == plain:
            return Reading(plain)
        if now[0] in ARRONDISSEMENTS and int(plain) in ARRONDISSEMENTS[now[0]]:
            return Reading(now[0], "arrondissement municipal ramené à sa commune", "arrondissement")
        changed = f"code {plain} devenu {now[0]}" + (f" ({name})" if name else "")
        return Reading(now[0], changed, "change")
    if now:
        shown = listing([_shown(code, communes) for code in now])
        text = f"code {plain} partagé entre {shown} : à choisir, laissé vide"
        return Reading("", text, "code_partage")
    return Reading("", f"code commune {plain} inconnu", "code_inconnu")


def read_again(code: str, communes: Communes) -> Reading:
    """A code whose leading zero was given back."""
    found = read_code(code, "", communes)
    return Reading(found.code, found.texte or "zéro de tête rendu au code commune", "zero_code")


def find_code(name: str, postal: str, communes: Communes) -> Reading:
    """Find the code of a row that has none, from its postal code and the name of its commune."""
    if not fold(name):
        return Reading("", "ni code commune, ni nom de commune", "sans_commune")
    where = departements_of_postal(postal)
    if where and communes.departements.isdisjoint(where):
        text = (
            f"code commune absent, et les noms des communes du {where[0]} ne sont pas à portée : "
            "--raw DOSSIER les lit dans la liste de l'Insee (fragilite fetch insee_cog)"
        )
        return Reading("", text, f"hors_{where[0]}")
    codes = communes.named(name, where)
    if len(codes) == 1:
        return Reading(codes[0], "code commune retrouvé par le code postal et le nom", "retrouve")
    if codes:
        shown = listing([_shown(code, communes) for code in codes])
        text = f"« {name} » peut désigner {shown} : code à écrire, laissé vide"
        return Reading("", text, "ambigu")
    near = communes.near(name, where)
    hint = f" ; noms proches : {listing(near)}" if near else ""
    place = f" dans le {where[0]}" if where else ""
    return Reading("", f"commune « {name} » introuvable{place}{hint}", "introuvable")


def _shown(code: str, communes: Communes) -> str:
    return f"{communes.noms[code]} ({code})" if code in communes.noms else code
