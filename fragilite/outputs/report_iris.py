"""Inside the communes that are split, on the page: a section, and the IRIS of each sheet.

Sentences are those of :mod:`fragilite.iris_reading`, labels those of the method and of the
dictionary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from fragilite.french import upper_first
from fragilite.iris import FEW_LIVE, REGLE_COMMUNE
from fragilite.iris_reading import (
    PERSONNE,
    PETITS,
    TITRE,
    cautions,
    dated,
    hiding,
    neighbourhoods,
    sources,
    span,
)
from fragilite.outputs.report_facts import figure_suffix, places_in, scaled, written
from fragilite.pipeline import Build

#: A few: the vintages are not the same, nor is the income that is read.
OUTSIDE = (
    "Une commune peut donc avoir un indice plus bas, ou plus haut, que tous ses IRIS d'habitat."
)


def gather(build: Build) -> dict[str, Any] | None:
    """Facts of the section « Dans les villes ».

    Parameters
    ----------
    build : Build

    Returns
    -------
    dict or None
        None where no figure by IRIS is at hand, or no commune is split.
    """
    table = _communes(build)
    if table.empty:
        return None
    root = build.method.root
    names = [name for name in ("iris_min", "iris_max", "part_iris_4_5") if name in table]
    return {
        "cache": hiding(build),
        "entetes": [build.columns[name].libelle for name in (root, *names)],
        "bornee": build.method.methode.bounded,
        "lignes": [
            {
                "code": row["code_insee"],
                "nom": row["nom"],
                "cellules": [_cell(build, row, name) for name in (root, *names)],
                "etendue": _extent(row, root),
            }
            for row in table.to_dict("records")
        ],
        "notes": [dated(sources(build)), *_outside(table, root), PETITS, PERSONNE],
        "fiche": TITRE,
        "court": upper_first(build.method.noeuds[root].court),
    }


def _cell(build: Build, row: dict[Any, Any], name: str) -> str:
    column = build.columns[name]
    share = column.unite.startswith("%") and not pd.isna(row[name])
    return written(row[name], column.decimales) + (figure_suffix(column.unite) if share else "")


def _outside(table: pd.DataFrame, root: str) -> list[str]:
    """What is said where a commune stands below or above all of its IRIS."""
    out = (table[root] < table["iris_min"]) | (table[root] > table["iris_max"])
    return [OUTSIDE] if out.any() else []


def _communes(build: Build) -> pd.DataFrame:
    """Communes of the build that are split, the most populous first."""
    if build.iris is None:
        return build.communes.iloc[:0]
    inside = build.iris.inside
    known = build.communes[build.communes["code_insee"].isin(inside.index)]
    shown = known[["code_insee", "nom", "population", build.method.root]]
    table = shown.join(inside, on="code_insee").dropna(subset=["iris_min"])
    return table.sort_values(["population", "code_insee"], ascending=[False, True])


def _extent(row: dict[Any, Any], root: str) -> dict[str, float]:
    """Where a bar begins, how long it is, and where the commune stands on it."""
    low, high = float(row["iris_min"]), float(row["iris_max"])
    here = {} if pd.isna(row[root]) else {"commune": round(float(row[root]), 1)}
    return {"debut": round(low, 1), "longueur": round(high - low, 1), **here}


# --- the sheets ----------------------------------------------------------------------------------


def data(build: Build) -> dict[str, Any]:
    """What the sheet of each commune that is split says of its IRIS.

    Parameters
    ----------
    build : Build

    Returns
    -------
    dict
        ``communes``, by code: a sentence, cautions, first and last of its IRIS; then names, values
        and classes of the IRIS, those of a commune together, the most fragile first.
    """
    assert build.iris is not None
    texts: dict[str, int] = {}
    told, parts, first = {}, [], 0
    for code in _communes(build)["code_insee"]:
        facts, rows = neighbourhoods(build, code, told=False), _lived(build, code)
        if facts is None:
            continue
        notes = [texts.setdefault(line, len(texts)) for line in cautions(facts)]
        told[code] = {
            "dit": span(facts), "notes": notes, "iris": len(rows), "de": first,
            "a": first + len(rows),
        }  # fmt: skip
        parts.append(rows)
        first += len(rows)
    rows = pd.concat(parts, ignore_index=True)
    names = [build.method.root, "population", *_measured(build, rows)]
    words = rows["classe_libelle"] if "classe_libelle" in rows else pd.Series(pd.NA, rows.index)
    classes = list(dict.fromkeys(words.dropna()))
    columns = {name: scaled(rows[name], build.columns[name].decimales) for name in names}
    return {
        "textes": list(texts),
        "communes": told,
        "chiffres": [
            {
                "code": code,
                "libelle": build.method.indicateurs[code].libelle,
                "suffixe": figure_suffix(build.method.indicateurs[code].unite),
            }
            for code in _measured(build, rows)
        ],
        "nom": [
            name or code for name, code in zip(rows["nom_iris"], rows["code_iris"], strict=True)
        ],
        "classes": classes,
        "classe": places_in(words, classes),
        "valeurs": {name: column for name, column in columns.items() if column},
    }


def _lived(build: Build, code: str) -> pd.DataFrame:
    """IRIS of dwellings of a commune that have an index, the most fragile first."""
    assert build.iris is not None
    rows = build.iris.of(code)
    return rows[~rows["type_iris"].isin(FEW_LIVE) & rows[build.method.root].notna()]


def _measured(build: Build, rows: pd.DataFrame) -> Sequence[str]:
    """Scored indicators that are measured by IRIS, not borrowed from the commune."""
    assert build.iris is not None
    return [
        code
        for code in build.iris.result.scores.scored
        if (rows[code].notna() & (rows[f"{code}_regle"] != REGLE_COMMUNE)).any()
    ]
