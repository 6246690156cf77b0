"""What `fragilite trend` says: :func:`facts` gathers it, :func:`render` writes it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fragilite.french import aligned, number, paragraph, plural
from fragilite.method import Grandeur
from fragilite.provenance import source_records
from fragilite.trend.breaks import load_comparisons
from fragilite.trend.comparing import ABSENT, DECIMALS, Trend
from fragilite.trend.index import Moved, declared_parts, part_of
from fragilite.trend.past import compared
from fragilite.trend.tidy import BAISSE, HAUSSE, LECTURES
from fragilite.trend.wording import (
    CADRE,
    POINTS,
    TITRE,
    TITRE_LIRE,
    TITRE_RESTE,
    between,
    heads,
    how_to_read,
    left_out,
    not_compared,
    of_communes,
    of_whole,
    origin,
    said,
    signed,
    title_of_index,
    years,
)

#: Communes named among those that changed most, in each direction.
NAMED = 5
#: EPCI that a terminal shows; the files hold them all.
SHOWN_EPCI = 30
WIDTH = 34
NUMBERS = ("valeur_avant", "valeur_apres", "changement", "min_90", "max_90")


def facts(trend: Trend) -> dict[str, Any]:
    """Facts of a trend, ready for JSON."""
    build = trend.build
    header = build.method.methode
    return {
        "territoire": build.inputs.territory.libelle,
        "methode": f"{header.code} {header.version}",
        "communes": len(build.communes),
        "comparaisons": [
            _comparison(trend, pair.code, pair.avant, pair.apres)
            for pair in trend.comparaisons
            if not pair.raison
        ],
        "indice": [_index(trend, avant) for avant in trend.indices],
        "non_compares": rest_of(trend),
        "independance": load_comparisons().recensement.independance,
        "notes": trend.notes,
        "sources": source_records(trend.sources),
    }


def commune_facts(trend: Trend, code: str) -> dict[str, Any]:
    """Facts of one commune, ready for JSON."""
    build = trend.build
    header = build.method.methode
    row: dict[Any, Any] = build.inputs.communes.loc[code].to_dict()
    return {
        "commune": {"code_insee": code, "nom": row["nom"], "nom_epci": row["nom_epci"]},
        "methode": f"{header.code} {header.version}",
        "comparaisons": [
            figure_head(trend, pair.code, pair.avant, pair.apres)
            | _one(trend.communes, "code_insee", code, pair.code, pair.avant)
            | {"groupes": _groups_of(trend, row, pair.code, pair.avant)}
            for pair in trend.comparaisons
            if not pair.raison
        ],
        "indice": [_index_of(trend, avant, code) for avant in trend.indices],
        "non_compares": rest_of(trend),
        "independance": load_comparisons().recensement.independance,
    }


# --- gathering -------------------------------------------------------------------------------


def figure_head(trend: Trend, code: str, avant: str, apres: str) -> dict[str, Any]:
    """What is compared: a figure, its unit and two vintages."""
    record: Grandeur = compared(trend.build.method)[code]
    return {
        "code": code,
        "libelle": record.libelle,
        "unite": record.unite,
        "decimales": record.decimales,
        "millesime_avant": avant,
        "millesime_apres": apres,
    }


def _comparison(trend: Trend, code: str, avant: str, apres: str) -> dict[str, Any]:
    """One figure between two vintages: the groups, how many communes, which most."""
    table = _of(trend.communes, code, avant)
    return figure_head(trend, code, avant, apres) | {
        "lectures": _counts(table),
        "non_comparees": int((table["lecture"] == "").sum()),
        "plus_nettes": _sharpest(table),
        "groupes": _records(_of(trend.groupes, code, avant), ("niveau", "code", "nom")),
    }


def _of(table: pd.DataFrame, figure: str, avant: str) -> pd.DataFrame:
    return table[(table["indicateur"] == figure) & (table["millesime_avant"] == avant)]


def _counts(table: pd.DataFrame) -> dict[str, int]:
    found = table["lecture"].value_counts()
    return {name: int(found.get(name, 0)) for name in LECTURES}


def _sharpest(table: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Communes whose change is surely the largest: those whose bound nearest to zero is farthest.

    A village's change may look larger and be known less.
    """
    names = ("code_insee", "nom")
    rises = table[table["lecture"] == HAUSSE].sort_values("min_90", ascending=False)
    falls = table[table["lecture"] == BAISSE].sort_values("max_90")
    return {
        HAUSSE: _records(rises.head(NAMED), names),
        BAISSE: _records(falls.head(NAMED), names),
    }


def _records(table: pd.DataFrame, names: tuple[str, ...]) -> list[dict[str, Any]]:
    shown = [*names, *NUMBERS, "lecture"]
    return [
        {key: None if pd.isna(value) else value for key, value in zip(shown, row, strict=True)}
        for row in table[shown].astype(object).to_numpy().tolist()
    ]


def _one(table: pd.DataFrame, key: str, code: str, figure: str, avant: str) -> dict[str, Any]:
    rows = _of(table[table[key] == code], figure, avant)
    (found,) = _records(rows, ())
    return found | {"raison": rows["raison"].iloc[0]}


def _groups_of(
    trend: Trend, row: Mapping[Any, Any], figure: str, avant: str
) -> list[dict[str, Any]]:
    """The same change in the EPCI and the département of a commune, where they are whole."""
    table = _of(trend.groupes, figure, avant)
    mine = table["code"].isin([row["code_epci"], row["code_departement"]])
    return _records(table[mine], ("niveau", "code", "nom"))


def _index(trend: Trend, avant: str) -> dict[str, Any]:
    """The index between two vintages, and what made it change."""
    table = _of(trend.communes, trend.build.method.root, avant)
    return index_head(trend, avant) | {
        "lectures": _counts(table),
        "non_comparees": int((table["lecture"] == "").sum()),
        "plus_nettes": _sharpest(table),
        "groupes": [
            row | {"parts": parts_of(trend, moved, row["code"], avant)}
            for (level, year), moved in trend.indices_groupes.items()
            if year == avant
            for row in _records(
                _of(
                    trend.groupes[trend.groupes["niveau"] == level],
                    trend.build.method.root,
                    avant,
                ),
                ("niveau", "code", "nom"),
            )
        ],
    }


def _index_of(trend: Trend, avant: str, code: str) -> dict[str, Any]:
    root = trend.build.method.root
    return (
        index_head(trend, avant)
        | _one(trend.communes, "code_insee", code, root, avant)
        | {"parts": parts_of(trend, trend.indices[avant], code, avant)}
    )


def index_head(trend: Trend, avant: str) -> dict[str, Any]:
    """What the index of an earlier vintage is made of: what is compared, what is held."""
    method, held = trend.build.method, trend.tenus[avant]
    rows = _of(trend.communes, method.root, avant)
    return {
        "libelle": method.noeuds[method.root].libelle,
        "millesime_avant": avant,
        "millesime_apres": rows["millesime_apres"].iloc[0],
        "compares": [
            method.indicateurs[one].libelle
            for one in trend.build.result.scores.scored
            if one not in held
        ],
        "tenus": [method.indicateurs[one].libelle for one in held],
    }


def parts_of(trend: Trend, moved: Moved, code: str, avant: str) -> list[dict[str, Any]]:
    """Points brought by each part; None for one of which nothing is compared."""
    method, held = trend.build.method, trend.tenus[avant]
    found = []
    for part in declared_parts() if len(moved.parts.columns) else ():
        members = [c for c in moved.after.scored if part_of(method, c) == part.code]
        stays = [method.indicateurs[one].libelle for one in members if one in held]
        points = float(moved.parts[part.code][code])
        known = len(stays) < len(members) and not math.isnan(points)
        found.append(
            {
                "code": part.code,
                "libelle": part.libelle,
                "points": points if known else None,
                "tenus": stays,
            }
        )
    return found


def rest_of(trend: Trend) -> list[dict[str, Any]]:
    """Figures that are not compared, by reason; those without any earlier vintage last."""
    found: dict[str, list[str]] = defaultdict(list)
    for pair in trend.comparaisons:
        if pair.raison:
            label = compared(trend.build.method)[pair.code].libelle
            pair_of = {"millesime_avant": pair.avant, "millesime_apres": pair.apres}
            between_dates = f" ({years(pair_of)})" if pair.avant else ""
            found[pair.raison].append(f"{label}{between_dates}")
    dated = {pair.raison for pair in trend.comparaisons if pair.avant}
    order = sorted(found, key=lambda reason: (reason not in dated, reason == ABSENT))
    return [{"raison": reason, "chiffres": found[reason]} for reason in order]


# --- writing ---------------------------------------------------------------------------------


def render(found: dict[str, Any]) -> str:
    """Write the facts of a territory as French text."""
    blocks = [[f"{TITRE} — {found['territoire']}", f"Méthode {found['methode']}, {CADRE}"]]
    blocks += [_rendered(one) for one in found["comparaisons"]]
    blocks += [_rendered_index(one) for one in found["indice"]]
    blocks += [_rendered_rest(found), _how_to_read(found)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def render_commune(found: dict[str, Any]) -> str:
    """Write the facts of a commune as French text."""
    one = found["commune"]
    blocks = [[f"{TITRE} — {one['code_insee']} {one['nom']}, {one['nom_epci']}"]]
    for figure in found["comparaisons"]:
        groups = [
            f"{group['nom']} {signed(group['changement'], figure['decimales'])}"
            for group in figure["groupes"]
            if group["changement"] is not None
        ]
        beside = f" À côté, en points : {' ; '.join(groups)}." if groups else ""
        text = f"{figure['libelle']} : {said(figure, figure)}.{beside}"
        blocks.append([paragraph(text)])
    for index in found["indice"]:
        blocks.append([paragraph(f"{index['libelle']} : {said(index, index | POINTS)}.")])
        blocks[-1] += _indented(origin(index["parts"]))
        blocks[-1] += _indented([left_out(index)]) if index["tenus"] else []
    blocks += [_rendered_rest(found), _how_to_read(found)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _indented(lines: Iterable[str]) -> list[str]:
    return [paragraph(line, "  ") for line in lines]


def _rendered(one: dict[str, Any]) -> list[str]:
    lines = [*of_whole(one["groupes"], one), *of_communes(one, one)]
    return [f"{one['libelle']}, {years(one)}", *_indented(lines)]


def _rendered_index(one: dict[str, Any]) -> list[str]:
    """The index, by département then by EPCI, and what made it change."""
    record = one | POINTS
    lines = [*([left_out(one)] if one["tenus"] else []), *of_whole(one["groupes"], record)]
    return [
        title_of_index(one), *_indented([*lines, *of_communes(one, record)]), *_epci(one),
    ]  # fmt: skip


def _epci(one: dict[str, Any]) -> list[str]:
    groups = [row for row in one["groupes"] if row["niveau"] == "epci"]
    groups = [row for row in groups if row["changement"] is not None]
    if groups == heads(one["groupes"]) or not groups:
        return []
    shown = sorted(groups, key=lambda row: row["changement"])[:SHOWN_EPCI]
    header = ["EPCI", one["millesime_avant"], one["millesime_apres"], "changement", "lecture"]
    cells = [
        [
            row["nom"] if len(row["nom"]) <= WIDTH else f"{row['nom'][: WIDTH - 1]}…",
            number(row["valeur_avant"], DECIMALS),
            number(row["valeur_apres"], DECIMALS),
            f"{signed(row['changement'], DECIMALS)}{between(row, DECIMALS)}",
            row["lecture"],
        ]
        for row in shown
    ]
    more = len(groups) - len(shown)
    lines = aligned(header, cells, {"EPCI", "lecture"})
    return lines + ([f"  et {plural(more, 'autre')}, dans le fichier de -o."] if more else [])


def _rendered_rest(found: dict[str, Any]) -> list[str]:
    """What is not compared, and why."""
    lines = _indented(not_compared(found))
    return [TITRE_RESTE, *lines] if lines else []


def _how_to_read(found: dict[str, Any]) -> list[str]:
    return [TITRE_LIRE, *_indented(how_to_read(found))]
