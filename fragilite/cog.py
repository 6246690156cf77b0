"""Commune codes and geographies: the code officiel géographique (COG) of INSEE.

A *geography* is the set of communes on 1 January of a year. Figures published in one geography
are carried forward to another by following the movements of communes (mergers, splits, changes
of code), grouped by date. A code is not an entity: it is read together with a year.

Movements and codes come from INSEE, COG 2026 (``v_mvt_commune_2026.csv``, ``v_commune_2026.csv``),
re-laid compactly in ``bundled/cog``. Walking them back from 2026 gives INSEE's official numbers of
communes: 35 885 in 2016, 34 970 in 2019, 34 875 in 2026.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from fragilite.errors import FragiliteError, UsageError

if TYPE_CHECKING:
    import pandas as pd

FIRST_YEAR = 2008
LAST_YEAR = 2026

#: Commune → its arrondissements municipaux, as inclusive ranges of codes.
ARRONDISSEMENTS = {
    "75056": range(75101, 75121),
    "69123": range(69381, 69390),
    "13055": range(13201, 13217),
}
_PARENT = {str(arm): commune for commune, arms in ARRONDISSEMENTS.items() for arm in arms}

#: Collectivités d'outre-mer: no census of communes by INSEE's bases, out of the index's scope.
_COLLECTIVITES = {
    "975": "Saint-Pierre-et-Miquelon",
    "977": "Saint-Barthélemy",
    "978": "Saint-Martin",
    "984": "Terres australes et antarctiques françaises",
    "986": "Wallis-et-Futuna",
    "987": "Polynésie française",
    "988": "Nouvelle-Calédonie",
    "989": "Clipperton",
}

#: Legal projection of each territory (décret n° 2000-1276); the mainland is RGF93 Lambert-93.
_PROJECTIONS = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}
LAMBERT_93 = 2154
WGS_84 = 4326
#: Mean radius of the Earth, in metres (IUGG).
EARTH = 6_371_008.8

_CODE = re.compile(r"(?:\d{2}|2[AB])\d{3}")


def parse_code(text: str) -> str:
    """Read a commune code, refusing anything a spreadsheet may have made of it.

    Parameters
    ----------
    text : str
        A code of five characters, such as ``"49007"`` or ``"2A004"``.

    Returns
    -------
    str
        The code, upper case.

    Raises
    ------
    UsageError
        If it is not a commune code; the message says what it probably was.

    Examples
    --------
    >>> parse_code(" 2a004 ")
    '2A004'
    """
    code = text.strip().upper()
    if re.fullmatch(r"20\d{3}", code):
        raise UsageError(
            f"Code commune « {text} » : la Corse s'écrit 2A ou 2B depuis 1976.",
            "Exemple : 2A004 pour Ajaccio.",
        )
    if _CODE.fullmatch(code):
        return code
    hint = ""
    if re.fullmatch(r"\d{4}", code):
        hint = f"Le zéro de tête a sans doute été perdu dans un tableur : essayez 0{code}."
    elif re.fullmatch(r"\d{4,5}\.0", code):
        hint = "Le code a été lu comme un nombre : gardez la colonne en texte."
    raise UsageError(f"Code commune « {text} » : cinq caractères attendus, comme 49007.", hint)


def departement_of(code: str) -> str:
    """Département of a commune code: three characters overseas, two elsewhere.

    Examples
    --------
    >>> departement_of("97411"), departement_of("2A004"), departement_of("49007")
    ('974', '2A', '49')
    """
    return code[:3] if code[:2] in {"97", "98"} else code[:2]


@dataclass(frozen=True)
class Departement:
    """A département: its code, name, and the region it belongs to."""

    code: str
    nom: str
    code_region: str
    nom_region: str


@cache
def departements() -> dict[str, Departement]:
    """The 101 départements by code, with their region (COG 2026)."""
    with (files("fragilite") / "bundled/cog/departements.csv").open(encoding="utf-8") as lines:
        return {row["code"]: Departement(**row) for row in csv.DictReader(lines)}


def parse_departement(text: str) -> Departement:
    """Read a département code such as ``49``, ``1``, ``2A`` or ``974``.

    Raises
    ------
    UsageError
        If no département has this code; the nearest reading is proposed.

    Examples
    --------
    >>> parse_departement("49").nom
    'Maine-et-Loire'
    """
    code = text.strip().upper()
    code = f"0{code}" if re.fullmatch(r"[1-9]", code) else code
    if code in departements():
        return departements()[code]
    if code in _COLLECTIVITES:
        raise UsageError(
            f"{_COLLECTIVITES[code]} ({code}) est une collectivité d'outre-mer : "
            "hors du champ de l'indice, faute de bases communales du recensement.",
        )
    hint = "Codes attendus : 01 à 95, 2A, 2B, 971 à 974 et 976."
    if code == "20":
        hint = "La Corse s'écrit 2A (Corse-du-Sud) ou 2B (Haute-Corse)."
    elif code[:2] in departements() and len(code) > 2:
        nom = departements()[code[:2]].nom
        hint = (
            f"Vouliez-vous dire {code[:2]} ({nom}) ? Une commune s'explique par fragilite explain."
        )
    raise UsageError(f"Département inconnu : « {text} ».", hint)


@dataclass(frozen=True)
class Region:
    """A region: its code, name, and the départements it holds."""

    code: str
    nom: str
    departements: tuple[str, ...]


@cache
def regions() -> dict[str, Region]:
    """The 18 regions by code, with their départements (COG 2026).

    Examples
    --------
    >>> regions()["52"].departements
    ('44', '49', '53', '72', '85')
    """
    held: dict[str, list[Departement]] = defaultdict(list)
    for departement in departements().values():
        held[departement.code_region].append(departement)
    return {
        code: Region(code, parts[0].nom_region, tuple(part.code for part in parts))
        for code, parts in sorted(held.items())
    }


def parse_region(text: str) -> Region:
    """Read a region code such as ``52``, ``1`` or ``04``.

    Raises
    ------
    UsageError
        If no region has this code; the message says what it probably was.

    Examples
    --------
    >>> parse_region("52").nom
    'Pays de la Loire'
    """
    code = text.strip().upper()
    code = f"0{code}" if re.fullmatch(r"[1-9]", code) else code
    if code in regions():
        return regions()[code]
    hint = "Codes attendus : " + ", ".join(
        f"{region.code} ({region.nom})" for region in regions().values()
    )
    names = {_plain(region.nom): region for region in regions().values()}
    near = get_close_matches(_plain(text), names, n=1)
    if near:
        hint = f"Vouliez-vous dire --region {names[near[0]].code} ({names[near[0]].nom}) ?"
    elif code in departements():
        here = departements()[code]
        hint = (
            f"{code} est un département ({here.nom}) : --dept {code}, ou --region "
            f"{here.code_region} ({here.nom_region})."
        )
    raise UsageError(f"Région inconnue : « {text} ».", hint)


def _plain(name: str) -> str:
    """Letters and digits of a name, without case, accents or signs."""
    letters = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters if letter.isalnum())


def _luhn(digits: str) -> int:
    """Remainder of Luhn's sum: 0 for a SIREN, as for those of the 1 255 EPCI of 2026."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(number, 10)) for number in doubled) % 10


def parse_epci(text: str) -> str:
    """Read an EPCI code: the nine digits of its SIREN number.

    Raises
    ------
    UsageError
        If it is anything else; the message says what it probably was.

    Examples
    --------
    >>> parse_epci("200 060 010")
    '200060010'
    """
    code = "".join(text.split())
    if re.fullmatch(r"[0-9]{9}", code):
        if _luhn(code):
            raise UsageError(
                f"Code EPCI « {text} » : la clé de ce SIREN est fausse, un chiffre au moins n'est "
                "pas le bon.",
                "Cherchez l'EPCI sur https://www.banatic.interieur.gouv.fr, ou son code dans "
                "fragilite_…_epci.csv.",
            )
        return code
    hint = "Exemple : 200060010 pour Mauges Communauté."
    if re.fullmatch(r"[0-9]{9}\.0", code):
        hint = "Le code a été lu comme un nombre : gardez la colonne en texte."
    elif re.fullmatch(r"[0-9]{14}", code):
        hint = f"C'est un SIRET : son SIREN est {code[:9]}."
    elif _CODE.fullmatch(code.upper()):
        hint = "C'est un code de commune : une commune s'explique par fragilite explain."
    raise UsageError(f"Code EPCI « {text} » : les neuf chiffres du SIREN attendus.", hint)


def projection_of(codes_departement: Iterable[str]) -> int:
    """EPSG code of the legal projection that covers these départements.

    Several territories at once (the mainland and La Réunion) have none in common: 4326.

    Examples
    --------
    >>> projection_of(["49", "44"]), projection_of(["974"]), projection_of(["49", "974"])
    (2154, 2975, 4326)
    """
    found = {_PROJECTIONS.get(code, LAMBERT_93) for code in codes_departement}
    return found.pop() if len(found) == 1 else WGS_84


# --- movements -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """The movements of one date.

    Attributes
    ----------
    date : str
        ISO date of effect.
    after : dict of str to tuple of str
        Each code touched → the codes that are valid after the date and hold its territory.
    made : frozenset of str
        Codes that the movements of the date lead to.
    heirs : dict of str to str
        A split commune → the part that keeps its name (Les Hauts-Talican 60054 → 60694).
    """

    date: str
    after: Mapping[str, tuple[str, ...]]
    made: frozenset[str]
    heirs: Mapping[str, str]


def _read_movements() -> dict[str, list[dict[str, str]]]:
    by_date: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (files("fragilite") / "bundled/cog/mouvements.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            by_date[row["date"]].append(row)
    return by_date


@cache
def _codes_of_last_year() -> frozenset[str]:
    """The codes of 2026, unpacked from ranges such as ``49 002-003 007``."""
    codes = set()
    text = (files("fragilite") / "bundled/cog/communes_2026.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        departement, *ranges = line.split(" ")
        for bounds in ranges:
            first, _, last = bounds.partition("-")
            width = len(first)
            codes |= {
                f"{departement}{n:0{width}}" for n in range(int(first), int(last or first) + 1)
            }
    return frozenset(codes)


def _resolve(edges: Mapping[str, set[str]], start: str, passing: set[str]) -> tuple[str, ...]:
    """Follow same-day chains (49144 → 44225 → 44180) to the codes valid after the date."""
    reached: set[str] = set()
    pending = [start]
    while pending:
        for target in edges[pending.pop()]:
            if target in passing:
                pending.append(target)
            else:
                reached.add(target)
    return tuple(sorted(reached))


@cache
def _history() -> tuple[Event, ...]:
    """Events since 2008, the newest first.

    Codes are walked back from 2026: before a date, the codes it made are gone and those it ended
    are back. A code made and ended the same day (50649, 44225 on 2018-01-01) was never valid.
    """
    movements = _read_movements()
    valid = set(_codes_of_last_year())
    events: list[Event] = []
    for date in sorted(movements, reverse=True):
        edges: dict[str, set[str]] = defaultdict(set)
        heirs: dict[str, str] = {}
        for row in movements[date]:
            edges[row["avant"]].add(row["apres"])
            if row["garde_le_nom"]:
                heirs[row["avant"]] = row["apres"]
        made = set().union(*edges.values())
        passing = made - valid
        after = {
            code: _resolve(edges, code, passing) for code in edges if code and code not in passing
        }
        valid -= made
        valid |= after.keys()
        events.append(Event(date, after, frozenset(made), heirs))
    return tuple(events)


@cache
def codes_of(year: int) -> frozenset[str]:
    """Codes of the communes on 1 January of a year (34 875 in 2026).

    Raises
    ------
    UsageError
        If the year is outside 2008–2026.
    """
    _check_year(year)
    valid = set(_codes_of_last_year())
    for event in _history():
        if event.date > f"{year}-01-01":
            valid -= event.made
            valid |= event.after.keys()
    return frozenset(valid)


def parse_year(text: str) -> int:
    """Read the year of a geography.

    Raises
    ------
    UsageError
        If it is not a year from 2008 to 2026.
    """
    if not re.fullmatch(r"\d{4}", text.strip(), re.ASCII):
        raise UsageError(
            f"Année « {text} » : un nombre est attendu, de {FIRST_YEAR} à {LAST_YEAR}.",
            f"Donnez --year {LAST_YEAR}.",
        )
    _check_year(int(text))
    return int(text)


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(
            f"Géographie {year} inconnue : la table des communes va de {FIRST_YEAR} à {LAST_YEAR}.",
            f"Donnez --year {LAST_YEAR}.",
        )


@dataclass(frozen=True)
class _Lineage:
    """Where the territory of a source code stands: its code now, and those it passed through."""

    code: str
    past: tuple[str, ...] = ()
    merged: bool = False


def _step(lineage: _Lineage, event: Event, merging: set[str]) -> list[_Lineage]:
    """Carry one lineage over one date, choosing among the parts of a split.

    A commune that was merged and is restored goes back to itself; one that is not restored follows
    a restored commune that had absorbed it, else the part that keeps the merged name; only a
    commune read *while merged* belongs to every part.
    """
    parts = event.after.get(lineage.code)
    if parts is None:
        return [lineage]
    past = (*lineage.past, lineage.code)
    if len(parts) > 1 and lineage.merged:
        restored = [code for code in lineage.past if code in parts]
        heir = event.heirs.get(lineage.code)
        chosen = restored[:1] or ([heir] if heir else [])
        parts = tuple(chosen) or parts
    return [_Lineage(part, past, lineage.merged or part in merging) for part in parts]


def passage(depuis: int, vers: int) -> dict[str, tuple[str, ...]]:
    """Table of passage: each commune code of a geography → the codes of a later one.

    Parameters
    ----------
    depuis, vers : int
        Years of the two geographies, 2008 to 2026. ``vers`` may be the earlier one only where no
        commune moved between them (2026 → 2025).

    Returns
    -------
    dict of str to tuple of str
        One code (merger, change of code, or no change), or several where the source commune was
        split afterwards (15141 in 2024 → five communes).

    Raises
    ------
    FragiliteError
        If figures would have to be carried backward over a movement: that is disaggregation.

    Examples
    --------
    >>> passage(2024, 2026)["49069"], passage(2015, 2026)["49144"]
    (('49126',), ('44180',))
    """
    still = {code: (code,) for code in codes_of(depuis)}
    return still | moves(depuis, vers)


@cache
def moves(depuis: int, vers: int) -> dict[str, tuple[str, ...]]:
    """The part of :func:`passage` that moves: codes whose targets are not just themselves."""
    _check_year(depuis)
    _check_year(vers)
    if vers < depuis:
        if codes_of(vers) == codes_of(depuis):
            return {}
        raise FragiliteError(
            f"Des chiffres de la géographie {depuis} ne se ramènent pas à celle de {vers} : "
            "il faudrait répartir ce qui a fusionné.",
            f"Donnez --year {depuis} ou plus récent.",
        )
    events = [
        event for event in reversed(_history()) if f"{depuis}-01-01" < event.date <= f"{vers}-01-01"
    ]
    touched = codes_of(depuis) & {code for event in events for code in event.after}
    lineages = {code: [_Lineage(code)] for code in touched}
    standing = {code: {code} for code in touched}  # current code → source codes standing on it
    for event in events:
        origins: dict[str, set[str]] = defaultdict(set)
        for code, parts in event.after.items():
            for part in parts:
                origins[part].add(code)
        merging = {part for part, sources in origins.items() if len(sources) > 1}
        moving = set().union(*(standing.pop(code, set()) for code in event.after))
        for source in moving:
            lineages[source] = [
                moved for lineage in lineages[source] for moved in _step(lineage, event, merging)
            ]
            for lineage in lineages[source]:
                standing.setdefault(lineage.code, set()).add(source)
    found = {code: tuple(sorted({at.code for at in ends})) for code, ends in lineages.items()}
    return {code: targets for code, targets in found.items() if targets != (code,)}


@cache
def aliases(year: int) -> dict[str, str]:
    """Other codes, before or after, of the communes of a geography that only changed code.

    Files late or early by one edition use them: 49069 in geography 2026 is Orée d'Anjou, 49126.

    Parameters
    ----------
    year : int
        Year of the geography.

    Returns
    -------
    dict of str to str
        A code that is no commune of the geography → the one that is. Mergers are not aliases: the
        commune they ended had figures of its own.

    Examples
    --------
    >>> aliases(2026)["49069"], aliases(2024)["49126"], aliases(2026).get("49321")
    ('49126', '49069', None)
    """
    found: dict[str, str] = {}
    for other in sorted(range(FIRST_YEAR, LAST_YEAR + 1), key=lambda other: abs(other - year)):
        before, after = sorted((year, other))
        moved = moves(before, after)
        arrivals = Counter(target for targets in moved.values() for target in targets)
        staying = codes_of(before) - moved.keys()
        for code, targets in moved.items():
            if len(targets) == 1 and arrivals[targets[0]] == 1 and targets[0] not in staying:
                theirs, ours = (code, targets[0]) if other < year else (targets[0], code)
                if theirs not in codes_of(year):
                    found.setdefault(theirs, ours)
    return found


def check_codes(codes: Iterable[str], year: int, where: str) -> None:
    """Refuse codes that are not communes of a geography.

    Parameters
    ----------
    codes : iterable of str
        Commune codes.
    year : int
        Year of the geography.
    where : str
        What holds the codes, for the message.

    Raises
    ------
    FragiliteError
        Naming the first unknown codes.
    """
    unknown = sorted(set(codes) - codes_of(year))
    if unknown:
        shown = ", ".join(unknown[:5]) + (", …" if len(unknown) > 5 else "")
        raise FragiliteError(
            f"{where} : {len(unknown)} code(s) inconnu(s) de la géographie {year} : {shown}.",
            "Vérifiez l'année de géographie déclarée pour cette source.",
        )


def fold_arrondissements(table: pd.DataFrame) -> pd.DataFrame:
    """Bring the arrondissements of Paris, Lyon and Marseille back to their commune, once.

    Parameters
    ----------
    table : DataFrame
        Additive counts, indexed by code; a file may list the commune, its arrondissements, or both.

    Returns
    -------
    DataFrame
        The same without arrondissements: the commune's own row where the file has it, else the sum
        of its arrondissements (missing if one of them is missing).
    """
    is_arm = table.index.isin(_PARENT)
    if not is_arm.any():
        return table
    import pandas as pd  # kept out of the plain reading of codes

    whole, parts = table[~is_arm], table[is_arm]
    groups = parts.groupby(parts.index.map(_PARENT))
    summed = groups.sum().where(groups.count().eq(groups.size(), axis=0))
    summed.index.name = table.index.name
    return pd.concat([whole, summed.loc[summed.index.difference(whole.index)]])
