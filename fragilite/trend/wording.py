"""Sentences about what changed, shared by all that says it: a terminal, a page.

They take the rows that :mod:`fragilite.trend.report` gathers, ready for JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fragilite.french import listing, lower_first, number, plural, quantity, upper_first
from fragilite.trend.comparing import DECIMALS, SANS_ANTERIEUR
from fragilite.trend.tidy import BAISSE, HAUSSE, RIEN
from fragilite.vintages import readable

TITRE = "Ce qui a changé"
TITRE_RESTE = "Ce qui ne se compare pas"
TITRE_LIRE = "Comment lire"
#: What holds for every line.
CADRE = "mêmes bornes et mêmes communes aux deux dates ; entre crochets, intervalle à 90 %."
REMEDE = (
    "Les fichiers du recensement tiennent trois millésimes : fragilite fetch insee_rp, puis "
    "fragilite trend --raw data/raw. Un trimestre plus ancien de la fibre se prend de même : "
    "fragilite fetch arcep_fixe --vintage arcep_fixe=2024_T1."
)
#: What the index of an earlier vintage is not.
LIMITE = (
    "Ce n'est pas l'indice de {avant} : seul ce qui se compare y a changé, le reste est tenu à sa "
    "valeur d'aujourd'hui ({tenus}). On ne peut donc pas dire d'ici si la fragilité, dans son "
    "ensemble, a baissé ou monté."
)
LECTURE = "« Hausse » ou « baisse » : tout l'intervalle est du même côté de zéro."
PAS_DEMONTRE = "« Pas de changement démontré » ne dit pas que rien n'a changé."
HASARD = (
    "Sur cent communes où rien n'aurait changé, une dizaine seraient pourtant lues en hausse ou en "
    "baisse, par hasard."
)
#: What a reading is worth.
CHANCE = f"{LECTURE} {PAS_DEMONTRE} {HASARD}"
#: How the index is written.
POINTS: dict[str, Any] = {"unite": "", "decimales": DECIMALS}


def signed(value: float, decimals: int) -> str:
    """A change, with its sign.

    Examples
    --------
    >>> signed(1.25, 1), signed(-6.14, 1), signed(0.0, 1)
    ('+1,2', '−6,1', '0,0')
    """
    shown = number(value, decimals)
    return f"+{shown}" if shown.strip("0,−") and value > 0 else shown


def said(row: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """``57,0 % en 2017, 50,9 % en 2023, soit −6,1 points [−6,4 ; −5,9] : baisse``."""
    if row["changement"] is None:
        return f"rien à comparer, {row.get('raison') or 'valeur manquante'}"
    decimals, unit = record["decimales"], record["unite"]
    then, now = (quantity(row[key], decimals, unit) for key in ("valeur_avant", "valeur_apres"))
    dates = readable(record["millesime_avant"]), readable(record["millesime_apres"])
    both = (
        f"{then} avec les valeurs de {dates[0]}, {now} avec celles de {dates[1]}"
        if record.get("tenus")
        else f"{then} en {dates[0]}, {now} en {dates[1]}"
    )
    change = f"{signed(row['changement'], decimals)} {unit_of(row['changement'], record)}"
    return f"{both}, soit {change}{between(row, decimals)} : {row['lecture']}"


def unit_of(change: float, record: Mapping[str, Any]) -> str:
    """What a change is counted in: points of a share or of an index, else the figure's unit."""
    unit: str = record["unite"]
    if unit and not unit.startswith("%"):
        return unit
    return "point" if abs(change) < 2 else "points"


def between(row: Mapping[str, Any], decimals: int) -> str:
    """The interval of a change; nothing where it is exact."""
    low, high = signed(row["min_90"], decimals), signed(row["max_90"], decimals)
    return "" if row["min_90"] == row["max_90"] else f" [{low}\u00a0;\u00a0{high}]"


def years(one: Mapping[str, Any]) -> str:
    """``2017 → 2023``."""
    return f"{readable(one['millesime_avant'])} → {readable(one['millesime_apres'])}"


def heads(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stands for the whole territory: its départements, else the only EPCI it holds."""
    whole = [row for row in groups if row["niveau"] == "departement"]
    return whole or (groups if len(groups) == 1 else [])


def of_whole(groups: list[dict[str, Any]], record: Mapping[str, Any]) -> Iterator[str]:
    """The change of the whole territory; of an index, with what brought it."""
    for group in heads(groups):
        yield f"{group['nom']} : {said(group, record)}."
        yield from origin(group.get("parts", []))


def of_communes(one: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    """How many communes changed, and those whose change is the surest."""
    counts = one["lectures"]
    text = (
        f"Communes : {counts[HAUSSE]} en hausse, {counts[BAISSE]} en baisse, {counts[RIEN]} sans "
        "changement démontré"
    )
    if one["non_comparees"]:
        text += f", {plural(one['non_comparees'], 'non comparée')}"
    yield f"{text}."
    decimals = record["decimales"]
    for reading, communes in one["plus_nettes"].items():
        names = [
            f"{row['nom']} {signed(row['changement'], decimals)}{between(row, decimals)}"
            for row in communes
        ]
        if names:
            yield f"{upper_first(reading)}s les plus sûres : {' ; '.join(names)}."


def title_of_index(one: Mapping[str, Any]) -> str:
    """``Indice, 2017 → 2023 : ce que ces changements y font``."""
    return f"{one['libelle']}, {years(one)} : ce que ces changements y font"


def left_out(one: Mapping[str, Any]) -> str:
    """What an index is not, some of its indicators being held at today's values."""
    names = [lower_first(name) for name in one["tenus"]]
    return LIMITE.format(avant=one["millesime_avant"], tenus=" ; ".join(names))


def origin(parts: list[dict[str, Any]]) -> Iterator[str]:
    """Which part brought how many points; what is not compared is not said to be nothing."""
    known = [one for one in parts if one["points"] is not None]
    if known:
        each = [f"{one['libelle']} {signed(one['points'], DECIMALS)}" for one in known]
        yield f"D'où vient ce changement, en points : {' ; '.join(each)}."
    silent = [one["libelle"] for one in parts if one["points"] is None and one["tenus"]]
    if silent:
        yield f"Ce qu'y apportent {listing(silent)} n'est pas mesuré ici."


def reasons(rest: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What is not compared, and why."""
    for one in rest:
        reason = upper_first(one["raison"].rstrip("."))
        yield f"{reason} : {' ; '.join(map(lower_first, one['chiffres']))}."


def not_compared(found: Mapping[str, Any]) -> Iterator[str]:
    """The same, then what would let it be compared."""
    yield from reasons(found["non_compares"])
    if SANS_ANTERIEUR in {one["raison"] for one in found["non_compares"]}:
        yield REMEDE
    if found["non_compares"]:
        yield from found.get("notes", [])


def how_to_read(found: Mapping[str, Any]) -> list[str]:
    """What the readings mean, and what they do not."""
    return [CHANCE, found["independance"]]
