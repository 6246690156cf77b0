"""Who helps where, on the page: the inventory, and the places of each commune.

Words and figures are those of :mod:`fragilite.inventory`; nothing is counted here but the places of
one commune.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fragilite.french import day, lower_first, number, plural, upper_first
from fragilite.inventory import GROUPS, SHOWN_CHANGES, Known, answer, inventory, sections
from fragilite.nearest import nearest
from fragilite.orientation import dates_of_information
from fragilite.pipeline import Build
from fragilite.places.counts import INCONNU, RECOIVENT, bare, kind_label, rules
from fragilite.places.merging import Merged
from fragilite.sections import Table
from fragilite.siting.parameters import declared

PERSONNE = (
    "Aucun lieu connu dans cette commune : un lieu que les listes n'ont pas, ou d'une commune "
    "voisine, aide peut-être ses habitants."
)


def gather(build: Build, known: Known) -> dict[str, Any]:
    """Facts of the section « Qui aide, où ».

    Parameters
    ----------
    build : Build
    known : Known
    """
    facts = inventory(build, known)
    parts = sections(facts)
    newest = facts["ensemble"]["dates"]["recente"]
    return {
        "parties": {name: part for name, part in parts.items() if name != "a_savoir"},
        "epci": _means(facts, parts["moyens"].tables[0]),
        "grilles": [_grid(facts, group) for group in GROUPS],
        "communes": [
            one | {"personnes": number(one["personnes"])} for one in facts["creux"]["communes"]
        ],
        "a_savoir": _remarks(facts["remarques"]),
        "nommes": known.fusion is not None,
        "recente": day(newest) if newest else "",
        "facteur": number(declared("facteur_detour"), 1),
    }


def _means(facts: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The table of the inventory, its last row apart; EPCI with the address of their sheet."""
    *rows, whole = table.rows
    codes = [row["code_epci"] for row in facts["epci"]]
    return {
        "entetes": [upper_first(header) for header in table.header],
        "lignes": [
            {"code": code, "nom": name, "cellules": cells}
            for code, (name, *cells) in zip(codes, rows, strict=True)
        ],
        "ensemble": whole,
    }


def _grid(facts: Mapping[str, Any], group: str) -> dict[str, Any]:
    """Rows of EPCI, columns of services, each cell with its word and what it answers."""
    lines = [line for line in facts["lignes"] if line["groupe"] == group]
    return {
        "libelle": GROUPS[group],
        "entetes": [bare(line["libelle"]) for line in lines],
        "lignes": [
            {
                "code": row["code_epci"],
                "nom": row["nom_epci"],
                "cellules": [
                    {"mot": answer(cell), "reponse": cell["reponse"]}
                    for cell in (row["grille"][line["code"]] for line in lines)
                ],
            }
            for row in facts["epci"]
        ],
    }


def _remarks(lines: Sequence[str]) -> list[str]:
    """Remarks on lists run to hundreds: a page shows the first."""
    more = len(lines) - SHOWN_CHANGES
    if more <= 0:
        return list(lines)
    return [
        *lines[:SHOWN_CHANGES],
        f"et {plural(more, 'remarque')} de plus : fragilite inventory --places LISTE les donne.",
    ]


# --- what the script reads ---------------------------------------------------------------------


def data(build: Build, known: Known) -> dict[str, Any]:
    """Places of each commune: how many of which kind, and the nearest where they have names.

    Returns
    -------
    dict
        ``textes``, sentences; ``dit``, that of each commune; ``suites``, what is said of a place;
        ``lieux``, their name, commune and place among these; ``proches`` of each commune, places
        with their distance.
    """
    codes = build.communes["code_insee"].tolist()
    texts: dict[str, int] = {}
    said = _by_commune(known.comptes)
    found: dict[str, Any] = {
        "dit": [texts.setdefault(said.get(code, PERSONNE), len(texts)) for code in codes],
        "textes": list(texts),
    }
    return found | (_named(build, known.fusion, codes) if known.fusion is not None else {})


def _by_commune(counts: pd.DataFrame) -> dict[str, str]:
    """How many places each commune has, and of which kinds; nothing for one that has none."""
    kinds = counts[counts["mesure"] == "type"]
    ordered = kinds.sort_values(["code_insee", "nombre", "modalite"], ascending=[True, False, True])
    return {
        str(code): _count_sentence(dict(zip(rows["modalite"], rows["nombre"], strict=True)))
        for code, rows in ordered.groupby("code_insee")
    }


def _count_sentence(kinds: Mapping[str, float]) -> str:
    """How many places, and of which kinds.

    Examples
    --------
    >>> _count_sentence({"epn": 2.0, "inconnu": 1.0})
    '3 lieux connus qui reçoivent dans cette commune : espace public numérique 2, type inconnu 1.'
    """
    each = [f"{lower_first(kind_label(kind))} {number(count)}" for kind, count in kinds.items()]
    many = plural(int(sum(kinds.values())), "lieu connu qui reçoit", "lieux connus qui reçoivent")
    return f"{many} dans cette commune : {', '.join(each)}."


def _named(build: Build, merged: Merged, codes: Sequence[str]) -> dict[str, Any]:
    near = nearest(build.inputs, merged)
    place_of = {one: at for at, one in enumerate(dict.fromkeys(near["id"]))}
    records = {place["id"]: place for place in merged.lieux.to_dict("records")}
    dates = dates_of_information(merged)
    old_before = build.inputs.annee - rules().anciennete.ans
    suites: dict[str, int] = {}
    places = []
    for one in place_of:
        place = records[one]
        told = _told(place, dates[one], old_before)
        places.append([place["nom"], place["commune"], suites.setdefault(told, len(suites))])
    of_commune = {
        code: [
            [place_of[one], float(f"{km:.1f}"), int(exact)]
            for one, km, exact in zip(rows["id"], rows["km"], rows["exacte"], strict=True)
        ]
        for code, rows in near.groupby("code_insee")
    }
    return {
        "lieux": places,
        "suites": list(suites),
        "proches": [of_commune.get(code, []) for code in codes],
    }


def _told(place: Mapping[Any, Any], date: str, old_before: int) -> str:
    """Kind of a place, date of what is known, and what must be checked before going there."""
    dated = f"information du {day(date)}" if date else "information sans date"
    old = not date or int(date[:4]) < old_before
    check = ", à vérifier avant d'y aller" if old else ""
    state = "" if place["etat"] == RECOIVENT[0] else " ; ne dit pas s'il est toujours ouvert"
    return f"{kind_label(place['type'] or INCONNU)} ; {dated}{check}{state}."
