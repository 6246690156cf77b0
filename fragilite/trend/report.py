"""What `fragilite trend` says: :func:`facts` gathers it, :func:`render` writes it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from fragilite.french import (
    aligned,
    listing,
    lower_first,
    number,
    paragraph,
    plural,
    quantity,
    upper_first,
)
from fragilite.method import Grandeur
from fragilite.provenance import source_records
from fragilite.trend.breaks import load_comparisons
from fragilite.trend.comparing import ABSENT, DECIMALS, SANS_ANTERIEUR, Trend
from fragilite.trend.index import Moved, declared_parts, part_of
from fragilite.trend.past import compared
from fragilite.trend.tidy import BAISSE, HAUSSE, LECTURES, RIEN
from fragilite.vintages import readable

#: Communes named among those that changed most, in each direction.
NAMED = 5
#: EPCI that a terminal shows; the files hold them all.
SHOWN_EPCI = 30
WIDTH = 34
NUMBERS = ("valeur_avant", "valeur_apres", "changement", "min_90", "max_90")
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
        "non_compares": _not_compared(trend),
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
            _figure(trend, pair.code, pair.avant, pair.apres)
            | _one(trend.communes, "code_insee", code, pair.code, pair.avant)
            | {"groupes": _groups_of(trend, row, pair.code, pair.avant)}
            for pair in trend.comparaisons
            if not pair.raison
        ],
        "indice": [_index_of(trend, avant, code) for avant in trend.indices],
        "non_compares": _not_compared(trend),
        "independance": load_comparisons().recensement.independance,
    }


# --- gathering -------------------------------------------------------------------------------


def _figure(trend: Trend, code: str, avant: str, apres: str) -> dict[str, Any]:
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
    return _figure(trend, code, avant, apres) | {
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
    return _index_head(trend, avant) | {
        "lectures": _counts(table),
        "non_comparees": int((table["lecture"] == "").sum()),
        "plus_nettes": _sharpest(table),
        "groupes": [
            row | {"parts": _parts_of(trend, moved, row["code"], avant)}
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
        _index_head(trend, avant)
        | _one(trend.communes, "code_insee", code, root, avant)
        | {"parts": _parts_of(trend, trend.indices[avant], code, avant)}
    )


def _index_head(trend: Trend, avant: str) -> dict[str, Any]:
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


def _parts_of(trend: Trend, moved: Moved, code: str, avant: str) -> list[dict[str, Any]]:
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


def _not_compared(trend: Trend) -> list[dict[str, Any]]:
    """Figures that are not compared, by reason; those without any earlier vintage last."""
    found: dict[str, list[str]] = defaultdict(list)
    for pair in trend.comparaisons:
        if pair.raison:
            label = compared(trend.build.method)[pair.code].libelle
            pair_of = {"millesime_avant": pair.avant, "millesime_apres": pair.apres}
            years = f" ({_years(pair_of)})" if pair.avant else ""
            found[pair.raison].append(f"{label}{years}")
    dated = {pair.raison for pair in trend.comparaisons if pair.avant}
    order = sorted(found, key=lambda reason: (reason not in dated, reason == ABSENT))
    return [{"raison": reason, "chiffres": found[reason]} for reason in order]


# --- writing ---------------------------------------------------------------------------------


def render(found: dict[str, Any]) -> str:
    """Write the facts of a territory as French text."""
    blocks = [
        [
            f"Ce qui a changé — {found['territoire']}",
            f"Méthode {found['methode']}, mêmes bornes et mêmes communes aux deux dates ; entre "
            "crochets, intervalle à 90 %.",
        ]
    ]
    blocks += [_rendered(one) for one in found["comparaisons"]]
    blocks += [_rendered_index(one) for one in found["indice"]]
    blocks += [_rendered_rest(found), _how_to_read(found)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def render_commune(found: dict[str, Any]) -> str:
    """Write the facts of a commune as French text."""
    one = found["commune"]
    blocks = [[f"Ce qui a changé — {one['code_insee']} {one['nom']}, {one['nom_epci']}"]]
    for figure in found["comparaisons"]:
        groups = [
            f"{group['nom']} {signed(group['changement'], figure['decimales'])}"
            for group in figure["groupes"]
            if group["changement"] is not None
        ]
        beside = f" À côté, en points : {' ; '.join(groups)}." if groups else ""
        text = f"{figure['libelle']} : {_said(figure, figure)}.{beside}"
        blocks.append([paragraph(text)])
    for index in found["indice"]:
        blocks.append([paragraph(f"{index['libelle']} : {_said(index, index | POINTS)}.")])
        blocks[-1] += [paragraph(line, "  ") for line in _origin(index["parts"])]
        blocks[-1] += [paragraph(_left_out(index), "  ")] if index["tenus"] else []
    blocks += [_rendered_rest(found), _how_to_read(found)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


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


def _said(row: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """``57,0 % en 2017, 50,9 % en 2023, soit −6,1 points [−6,4 ; −5,9] : baisse``."""
    if row["changement"] is None:
        return f"rien à comparer, {row.get('raison') or 'valeur manquante'}"
    decimals, unit = record["decimales"], record["unite"]
    then, now = (quantity(row[key], decimals, unit) for key in ("valeur_avant", "valeur_apres"))
    years = readable(record["millesime_avant"]), readable(record["millesime_apres"])
    both = (
        f"{then} avec les valeurs de {years[0]}, {now} avec celles de {years[1]}"
        if record.get("tenus")
        else f"{then} en {years[0]}, {now} en {years[1]}"
    )
    return (
        f"{both}, soit {signed(row['changement'], decimals)} {_unit(row['changement'], record)}"
        f"{_between(row, decimals)} : {row['lecture']}"
    )


def _unit(change: float, record: Mapping[str, Any]) -> str:
    """What a change is counted in: points of a share or of an index, else the figure's unit."""
    unit: str = record["unite"]
    if unit and not unit.startswith("%"):
        return unit
    return "point" if abs(change) < 2 else "points"


def _between(row: Mapping[str, Any], decimals: int) -> str:
    """The interval of a change; nothing where it is exact."""
    low, high = signed(row["min_90"], decimals), signed(row["max_90"], decimals)
    return "" if row["min_90"] == row["max_90"] else f" [{low}\u00a0;\u00a0{high}]"


def _rendered(one: dict[str, Any]) -> list[str]:
    lines = [f"{one['libelle']}, {_years(one)}"]
    lines += [
        paragraph(f"{group['nom']} : {_said(group, one)}.", "  ")
        for group in _heads(one["groupes"])
    ]
    return [*lines, *_communes(one, one)]


def _years(one: Mapping[str, Any]) -> str:
    """``2017 → 2023``."""
    return f"{readable(one['millesime_avant'])} → {readable(one['millesime_apres'])}"


def _heads(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What stands for the whole territory: its départements, else the only EPCI it holds."""
    whole = [row for row in groups if row["niveau"] == "departement"]
    return whole or (groups if len(groups) == 1 else [])


def _communes(one: dict[str, Any], record: dict[str, Any]) -> list[str]:
    """How many communes changed, and those whose change is the surest."""
    counts = one["lectures"]
    text = (
        f"Communes : {counts[HAUSSE]} en hausse, {counts[BAISSE]} en baisse, {counts[RIEN]} sans "
    )
    text += "changement démontré"
    if one["non_comparees"]:
        text += f", {plural(one['non_comparees'], 'non comparée')}"
    lines = [paragraph(f"{text}.", "  ")]
    decimals = record["decimales"]
    for reading, communes in one["plus_nettes"].items():
        names = [
            f"{row['nom']} {signed(row['changement'], decimals)}{_between(row, decimals)}"
            for row in communes
        ]
        if names:
            title = f"{upper_first(reading)}s les plus sûres"
            lines.append(paragraph(f"{title} : {' ; '.join(names)}.", "  "))
    return lines


def _rendered_index(one: dict[str, Any]) -> list[str]:
    """The index, by département then by EPCI, and what made it change."""
    lines = [f"{one['libelle']}, {_years(one)} : ce que ces changements y font"]
    if one["tenus"]:
        lines.append(paragraph(_left_out(one), "  "))
    for group in _heads(one["groupes"]):
        lines.append(paragraph(f"{group['nom']} : {_said(group, one | POINTS)}.", "  "))
        lines += [paragraph(line, "  ") for line in _origin(group["parts"])]
    lines += _communes(one, POINTS)
    return [*lines, *_epci(one)]


def _left_out(one: dict[str, Any]) -> str:
    names = [lower_first(name) for name in one["tenus"]]
    return LIMITE.format(avant=one["millesime_avant"], tenus=" ; ".join(names))


def _origin(parts: list[dict[str, Any]]) -> Iterator[str]:
    """Which part brought how many points; what is not compared is not said to be nothing."""
    known = [one for one in parts if one["points"] is not None]
    if known:
        said = [f"{one['libelle']} {signed(one['points'], DECIMALS)}" for one in known]
        yield f"D'où vient ce changement, en points : {' ; '.join(said)}."
    silent = [one["libelle"] for one in parts if one["points"] is None and one["tenus"]]
    if silent:
        yield f"Ce qu'y apportent {listing(silent)} n'est pas mesuré ici."


def _epci(one: dict[str, Any]) -> list[str]:
    groups = [row for row in one["groupes"] if row["niveau"] == "epci"]
    groups = [row for row in groups if row["changement"] is not None]
    if groups == _heads(one["groupes"]) or not groups:
        return []
    shown = sorted(groups, key=lambda row: row["changement"])[:SHOWN_EPCI]
    header = ["EPCI", one["millesime_avant"], one["millesime_apres"], "changement", "lecture"]
    cells = [
        [
            row["nom"] if len(row["nom"]) <= WIDTH else f"{row['nom'][: WIDTH - 1]}…",
            number(row["valeur_avant"], DECIMALS),
            number(row["valeur_apres"], DECIMALS),
            f"{signed(row['changement'], DECIMALS)}{_between(row, DECIMALS)}",
            row["lecture"],
        ]
        for row in shown
    ]
    more = len(groups) - len(shown)
    lines = aligned(header, cells, {"EPCI", "lecture"})
    return lines + ([f"  et {plural(more, 'autre')}, dans le fichier de -o."] if more else [])


def _rendered_rest(found: dict[str, Any]) -> list[str]:
    """What is not compared, and why."""
    if not found["non_compares"]:
        return []
    lines = ["Ce qui ne se compare pas"]
    for one in found["non_compares"]:
        reason = upper_first(one["raison"].rstrip("."))
        lines.append(
            paragraph(f"{reason} : {' ; '.join(map(lower_first, one['chiffres']))}.", "  ")
        )
    if SANS_ANTERIEUR in {one["raison"] for one in found["non_compares"]}:
        lines.append(paragraph(REMEDE, "  "))
    lines += [paragraph(note, "  ") for note in found.get("notes", [])]
    return lines


def _how_to_read(found: dict[str, Any]) -> list[str]:
    chance = (
        "« Hausse » ou « baisse » : tout l'intervalle est du même côté de zéro. « Pas de "
        "changement démontré » ne dit pas que rien n'a changé. Sur cent communes où rien n'aurait "
        "changé, une dizaine seraient pourtant lues en hausse ou en baisse, par hasard."
    )
    lines = ["Comment lire", paragraph(chance, "  ")]
    return [*lines, paragraph(found["independance"], "  ")]
