"""What the IRIS of a commune say of it: :func:`neighbourhoods` gathers it, :func:`block` writes it.

An index of a neighbourhood is no more a verdict on its people than that of a commune: the sentences
say what is measured, of when, and what is borrowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from fragilite.french import (
    at_name,
    listing,
    lower_first,
    number,
    paragraph,
    plural,
    quantity,
    upper_first,
)
from fragilite.ingestion.lots import SEPARATOR
from fragilite.iris import CLASSES, FEW_LIVE, MOST_FRAGILE, REGLE_COMMUNE
from fragilite.pipeline import Build

TITRE = "Dans la commune, par IRIS (quartiers d'environ 2 000 habitants)"
PETITS = (
    "Les parts des petits IRIS sont rapprochées de celle de la commune, d'autant plus que peu de "
    "gens y vivent."
)
SURFACE = "Quartiers prioritaires : une part de la surface de l'IRIS, pas de ses habitants."
PERSONNE = "Un chiffre de quartier ne dit rien d'une personne qui y vit."
#: IRIS named at each end, and indicators that tell each from the commune.
NAMED, TOLD = 3, 2
#: Percent × people under which nothing is said of what an index hides: a hundred people.
SOME_PEOPLE = 100 * 100


def neighbourhoods(build: Build, code: str, *, told: bool = True) -> dict[str, Any] | None:
    """The IRIS that differ most from their commune, ready for JSON.

    Parameters
    ----------
    build : Build
    code : str
        Code of a commune of the build.
    told : bool
        Whether to say what sets each IRIS apart.

    Returns
    -------
    dict or None
        None where no figure by IRIS is at hand, or the commune is not split: extremes, the share of
        people in the most fragile classes, the IRIS at both ends with what sets each apart, the
        vintages, what is borrowed or estimated.
    """
    within = build.iris
    if within is None or code not in within.inside.index:
        return None
    rows = within.of(code).set_index("code_iris")
    lived = rows[~rows["type_iris"].isin(FEW_LIVE) & rows[build.method.root].notna()]
    if lived.empty:
        return None
    last = lived.iloc[NAMED:].tail(NAMED)
    columns: dict[Any, Any] = within.inside.loc[code].to_dict()
    classes = build.method.noeuds[build.method.root].classes
    counted = classes is not None and len(classes.libelles) == CLASSES
    return {
        "iris": len(rows),
        "iris_habitat": len(lived),
        "iris_min": float(columns["iris_min"]),
        "iris_max": float(columns["iris_max"]),
        "part_iris_4_5": float(columns["part_iris_4_5"]) if counted else None,
        "classes": classes.libelles[MOST_FRAGILE - 1 :] if counted and classes else [],
        "plus_fragiles": [_one(build, code, row, told=told) for row in _rows(build, lived[:NAMED])],
        "moins_fragiles": [_one(build, code, row, told=told) for row in _rows(build, last)],
        "sources": sources(build),
        "estimes": _estimated(build, rows),
    }


def sources(build: Build) -> list[dict[str, Any]]:
    """Files of figures by IRIS that a build has read: title, vintage, geography."""
    return [
        {"titre": lot.record.titre, "millesime": lot.millesime, "geographie": lot.cog}
        for lot in (build.iris.lots if build.iris else [])
        if lot.record.variables
    ]


def _rows(build: Build, table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows of IRIS, cut to what is said of them: a row of every column is slow to take out."""
    said = [
        "nom_iris",
        "population",
        build.method.root,
        "classe_libelle",
        "part_qpv",
        "qpv",
        *build.method.indicateurs,
    ]
    return table[table.columns.intersection(said)].reset_index().to_dict("records")


def _one(build: Build, code: str, row: dict[Any, Any], *, told: bool) -> dict[str, Any]:
    """An IRIS, with the indicators that pull its index furthest from the commune's."""
    return {
        "code_iris": row["code_iris"],
        "nom": row["nom_iris"] or row["code_iris"],
        "population": float(row["population"]),
        "indice": float(row[build.method.root]),
        "classe_libelle": row.get("classe_libelle"),
        **({"part_qpv": _share(row["part_qpv"]), "qpv": row["qpv"]} if "qpv" in row else {}),
        "indicateurs": [
            {
                "code": one,
                "libelle": build.method.indicateurs[one].libelle,
                "unite": build.method.indicateurs[one].unite,
                "decimales": build.method.indicateurs[one].decimales,
                "valeur": float(row[one]),
                "commune": float(build.result.figures[one].values[code]),
            }
            for one in (_apart(build, code, row) if told else ())
        ],
    }


def _share(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _apart(build: Build, code: str, row: dict[Any, Any]) -> list[str]:
    """Indicators that tell an IRIS from its commune, the one that weighs most first."""
    within, name = build.iris, row["code_iris"]
    assert within is not None
    here, there = within.result.scores, build.result.scores
    gap = _gap(here.contributions, there.contributions, name, code)
    if gap.empty:  # a method that does not add up has no contributions
        gap = _gap(here.indicateurs, there.indicateurs, name, code)
    above = row[build.method.root] >= there.noeuds.loc[code, build.method.root]
    gap = gap[gap.gt(0) if above else gap.lt(0)]
    return gap.sort_values(ascending=not above, kind="stable").index[:TOLD].astype(str).to_list()


def _gap(here: pd.DataFrame, there: pd.DataFrame, name: str, code: str) -> pd.Series:
    """By how much an IRIS exceeds its commune, by indicator."""
    both = here.loc[[name]].to_numpy()[0] - there[list(here.columns)].loc[[code]].to_numpy()[0]
    return pd.Series(both, index=here.columns, dtype=float).dropna()


def _estimated(build: Build, rows: pd.DataFrame) -> dict[str, list[str]]:
    """Scored indicators that are estimates in some IRIS of a commune, by rule."""
    assert build.iris is not None
    found: dict[str, list[str]] = {}
    for code in build.iris.result.scores.scored:
        for rule in dict.fromkeys(rows[f"{code}_regle"]):
            if rule:
                found.setdefault(rule, []).append(build.method.indicateurs[code].libelle)
    return found


def block(facts: dict[str, Any] | None) -> list[str]:
    """The lines of an explanation, none where the commune is not split."""
    if facts is None:
        return []
    first, last = (
        [f"  {number(one['indice'], 1):>5}  {_told(one)}" for one in facts[end]]
        for end in ("plus_fragiles", "moins_fragiles")
    )
    listed = [*facts["plus_fragiles"], *facts["moins_fragiles"]]
    surface = [SURFACE] if any(one.get("qpv") for one in listed) else []
    between = facts["iris_habitat"] - len(first) - len(last)
    return [
        TITRE,
        paragraph(span(facts), "  "),
        *first,
        *([f"      …  {plural(between, 'autre')}"] if between else []),
        *last,
        *(paragraph(sentence, "  ") for sentence in (*surface, *cautions(facts))),
    ]


def span(facts: dict[str, Any]) -> str:
    """From where to where the IRIS go, and how many people live where the index is high."""
    count = facts["iris_habitat"]
    low = facts["moins_fragiles"] or facts["plus_fragiles"]
    text = (
        f"{plural(count, 'IRIS', 'IRIS')} d'habitat, de {number(facts['iris_min'], 1)} "
        f"({low[-1]['nom']}) à {number(facts['iris_max'], 1)} ({facts['plus_fragiles'][0]['nom']})."
    )
    return text if facts["part_iris_4_5"] is None else f"{text} {upper_first(_lived(facts))}."


def _lived(facts: dict[str, Any]) -> str:
    """How many people live in an IRIS of the most fragile classes."""
    names = " ou ".join(f"« {name} »" for name in facts["classes"])
    share = facts["part_iris_4_5"]
    who = f"{number(share)} % des habitants vivent" if share else "personne ne vit"
    return f"{who} dans un IRIS en {names}, aux bornes des communes"


def hiding(build: Build) -> str:
    """What an index hides: the commune of a low class where most people live in fragile IRIS.

    Returns
    -------
    str
        One sentence, or ``""`` where no commune is such, or the method has not five classes.
    """
    within, table = build.iris, build.communes.set_index("code_insee")
    if within is None or "part_iris_4_5" not in within.inside or "classe" not in table:
        return ""
    low = table["classe"].le(CLASSES - MOST_FRAGILE + 1).fillna(False)
    share = within.inside["part_iris_4_5"].reindex(table.index[low.astype(bool)])
    people = (share * table["population"].reindex(share.index)).dropna()
    if people.empty or people.max() < SOME_PEOPLE:
        return ""
    code = str(people.idxmax())
    row: dict[Any, Any] = table.loc[code].to_dict()
    facts = neighbourhoods(build, code, told=False)
    if facts is None:
        return ""
    return (
        f"{upper_first(at_name(row['nom']))}, l'indice de la commune "
        f"({number(row[build.method.root], 1)}, {row['classe_libelle']}) cache ses quartiers : "
        f"{_lived(facts)}, et l'indice y va jusqu'à {number(facts['iris_max'], 1)} "
        f"({facts['plus_fragiles'][0]['nom']})."
    )


def _told(one: dict[str, Any]) -> str:
    parts = []
    for item in one["indicateurs"]:
        value, there = (
            quantity(item[key], item["decimales"], item["unite"]) for key in ("valeur", "commune")
        )
        parts.append(f"{lower_first(item['libelle'])} : {value} (commune {there})")
    if one.get("qpv"):
        names = one["qpv"].split(SEPARATOR)
        what = "quartier prioritaire" if len(names) == 1 else "quartiers prioritaires"
        share = number(one["part_qpv"], 1)
        parts.append(f"{what} {listing(names)} ({share} % de la surface de l'IRIS)")
    people = f"{one['nom']} ({number(one['population'])} habitants)"
    return f"{people} — {' ; '.join(parts)}" if parts else people


def cautions(facts: dict[str, Any]) -> list[str]:
    """Of when the figures are, that they are smoothed, what is borrowed, what is an estimate."""
    said = [dated(facts["sources"]), PETITS]
    for rule, names in facts["estimes"].items():
        what = listing([lower_first(name) for name in names])
        if rule == REGLE_COMMUNE:
            said.append(f"Même valeur dans tous les IRIS, celle de la commune : {what}.")
        else:
            said.append(f"Estimé ({rule}) : {what}.")
    return [*said, PERSONNE]


def dated(sources: Sequence[dict[str, Any]]) -> str:
    """Of when the figures by IRIS are, and in which geography."""
    each = [
        f"{one['titre']}, {one['millesime'][:4]} (communes de {one['geographie']})"
        for one in sources
    ]
    return (
        f"Chiffres par IRIS : {' ; '.join(each)}. Ils sont parfois plus anciens que ceux de la "
        "commune."
    )
