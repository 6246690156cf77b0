"""What changed, on the page: a section, a choice of the map, a table in each sheet.

Sentences are those of :mod:`fragilite.trend.wording`; labels, units and decimals those of the
method. A sheet and the map show the newest comparison of each figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fragilite.cartography import CHANGE, MISSING
from fragilite.french import upper_first
from fragilite.outputs.report_facts import figure_suffix, places_in, scaled
from fragilite.trend import LECTURES, Trend
from fragilite.trend.report import facts
from fragilite.trend.wording import (
    CADRE,
    PAS_DEMONTRE,
    POINTS,
    TITRE,
    TITRE_LIRE,
    TITRE_RESTE,
    between,
    how_to_read,
    left_out,
    not_compared,
    of_communes,
    of_whole,
    signed,
    title_of_index,
    unit_of,
    years,
)

#: What a sheet says of each figure.
BOUNDS = {
    "avant": "valeur_avant", "apres": "valeur_apres", "change": "changement", "min": "min_90",
    "max": "max_90",
}  # fmt: skip
#: Column of the theme of the map.
COLUMN = "changement"


def gather(trend: Trend) -> dict[str, Any]:
    """Facts of the section « Ce qui a changé ».

    Parameters
    ----------
    trend : Trend
    """
    told = facts(trend)
    newest, older = _by_age(told)
    index = [one for one in newest if "tenus" in one]
    return {
        "titre": TITRE,
        "cadre": upper_first(CADRE),
        "indice": [_block(one) for one in index],
        "chiffres": [_block(one) for one in newest if one not in index],
        "anciens": [_block(one) for one in older],
        "epci": _epci(newest),
        "reste": {"titre": TITRE_RESTE, "points": list(not_compared(told))},
        "lire": {"titre": TITRE_LIRE, "phrases": how_to_read(told)},
        "sources": told["sources"],
        "fiche": {
            "limites": [left_out(one) for one in index if one["tenus"]],
            "prudence": PAS_DEMONTRE,
        },
        "carte": _legend(trend),
    }


def _by_age(told: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The newest comparison of each figure, the index first, then those with older vintages."""
    newest: list[dict[str, Any]] = []
    older: list[dict[str, Any]] = []
    seen: set[str] = set()
    for one in [*told["indice"], *told["comparaisons"]]:
        compared = any(one["lectures"].values())
        key = one["libelle"]
        (older if key in seen or not compared else newest).append(one)
        seen |= {key} if compared else set()
    return newest, older


def _record(one: Mapping[str, Any]) -> dict[str, Any]:
    """How a comparison is written: an index has neither unit nor decimals of its own."""
    return {**one, **POINTS} if "tenus" in one else dict(one)


def _block(one: dict[str, Any]) -> dict[str, Any]:
    record = _record(one)
    index = "tenus" in one
    return {
        "titre": title_of_index(one) if index else f"{one['libelle']}, {years(one)}",
        "limite": left_out(one) if index and one["tenus"] else "",
        "ensemble": list(of_whole(one["groupes"], record)),
        "communes": list(of_communes(one, record)),
    }


def _epci(newest: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row an EPCI, a column a figure: its change, its interval and its reading."""
    names: dict[str, str] = {}
    cells: dict[str, dict[int, dict[str, str]]] = {}
    for place, one in enumerate(newest):
        for group in one["groupes"]:
            if group["niveau"] == "epci" and group["changement"] is not None:
                names[group["code"]] = group["nom"]
                cells.setdefault(group["code"], {})[place] = _cell(group, _record(one))
    nothing = {"changement": "–", "lecture": ""}
    return {
        "entetes": [{"libelle": one["libelle"], "annees": years(one)} for one in newest],
        "lignes": [
            {
                "code": code,
                "nom": names[code],
                "cellules": [cells[code].get(place, nothing) for place in range(len(newest))],
            }
            for code in sorted(names, key=names.__getitem__)
        ],
    }


def _cell(row: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, str]:
    decimals = record["decimales"]
    text = f"{signed(row['changement'], decimals)}{between(row, decimals)}"
    return {"changement": text, "lecture": row["lecture"]}


# --- the map -------------------------------------------------------------------------------------


def _shown(trend: Trend) -> list[tuple[str, pd.DataFrame]]:
    """Newest comparison of each figure that has one, the index first, on the communes in order."""
    method, codes = trend.build.method, trend.build.communes["code_insee"]
    names = [method.column(method.root), *(pair.code for pair in trend.comparaisons)]
    tables = [(name, trend.change(name)) for name in dict.fromkeys(names)]
    return [(name, table.reindex(codes)) for name, table in tables if len(table)]


def _legend(trend: Trend) -> dict[str, Any]:
    """A choice of the map, with its legend: each reading, its colour, its communes."""
    name, table = _shown(trend)[0]
    head = _figure(trend, name, table)
    return {
        "court": "Changement",
        "libelle": f"{head['libelle']}, {head['annees']}",
        "classes": [
            {
                "couleur": CHANGE[word],
                "libelle": upper_first(word),
                "communes": int((table["lecture"] == word).sum()),
            }
            for word in LECTURES
        ],
        "manque": {"libelle": MISSING, "communes": int(table["changement"].isna().sum())},
    }


def theme(trend: Trend) -> dict[str, Any]:
    """The choice of the map, as the script reads it: a change, in the class of its reading."""
    name, table = _shown(trend)[0]
    return {
        "code": COLUMN,
        "colonne": COLUMN,
        "libelle": _figure(trend, name, table)["libelle"],
        "suffixe": "",
        "places": places_in(table["lecture"], LECTURES),
        "classes": list(LECTURES),
        "couleurs": [CHANGE[word] for word in LECTURES],
        "rayon": None,  # neither circles nor a node of the tree
        "plein": 0.0,
        "manque": MISSING,
    }


def values(trend: Trend) -> dict[str, dict[str, Any]]:
    """The change that the map shows, where there is one."""
    name, table = _shown(trend)[0]
    column = scaled(table["changement"], _figure(trend, name, table)["decimales"])
    return {COLUMN: column} if column else {}


# --- the sheets ----------------------------------------------------------------------------------


def data(trend: Trend) -> dict[str, Any]:
    """What the sheet of each commune says of its changes.

    Returns
    -------
    dict
        ``lectures``, words; ``chiffres``, each with its label, its vintages and columns of the
        communes: values then and now, change, bounds, reading, and of the EPCI and départements.
    """
    return {
        "lectures": list(LECTURES),
        "chiffres": [
            _figure(trend, name, table)
            | {side: scaled(table[column], _decimals(trend, name))
               for side, column in BOUNDS.items()}
            | {"lecture": places_in(table["lecture"], LECTURES)}
            | _groups(trend, name, table)
            for name, table in _shown(trend)
        ],
    }  # fmt: skip


def _decimals(trend: Trend, name: str) -> int:
    record = trend.build.method.figures.get(name)
    return record.decimales if record else int(POINTS["decimales"])


def _figure(trend: Trend, name: str, table: pd.DataFrame) -> dict[str, Any]:
    """Words of a figure: an indicator, the context, or the index."""
    method = trend.build.method
    record = method.figures.get(name)
    both: dict[Any, Any] = table.dropna(subset=["changement"]).iloc[0].to_dict()
    unit = {"unite": record.unite if record else str(POINTS["unite"])}
    points = unit_of(2.0, unit)
    return {
        "libelle": record.libelle if record else method.noeuds[method.root].libelle,
        "annees": years(both),
        "decimales": _decimals(trend, name),
        "suffixe": figure_suffix(record.unite) if record else "",
        "unite": "" if points == "points" else points,
    }


def _groups(trend: Trend, name: str, table: pd.DataFrame) -> dict[str, Any]:
    """The same change in each EPCI and each département, where they are whole."""
    build = trend.build
    before = table["millesime_avant"].dropna().iloc[0]
    rows = trend.groupes[
        (trend.groupes["indicateur"] == name) & (trend.groupes["millesime_avant"] == before)
    ]
    own = {
        level: rows[rows["niveau"] == level].set_index("code")["changement"]
        for level in ("epci", "departement")
    }
    held = sorted(
        set(build.communes["code_departement"]) & set(build.inputs.territory.departements)
    )
    decimals = _decimals(trend, name)
    return {
        "epci": scaled(own["epci"].reindex(build.epci["code_epci"]), decimals),
        "departement": scaled(own["departement"].reindex(held), decimals),
    }
