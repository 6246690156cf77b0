"""Bring lists together: one place for the rows that are it, every row, reason and objection kept.

Two rows of different lists are joined when their resemblance passes a declared threshold; two rows
of one list only at the same address, and above a higher one. Nothing is lost: each row keeps its
group, each value of a merged place names the row it comes from, and a file of decisions, which a
person edits, joins or separates any two rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fragilite.cog import EARTH
from fragilite.errors import UsageError
from fragilite.french import fold, listing, number, plural
from fragilite.places.cleaning import parse_date, without_contact, without_markup
from fragilite.places.schema import Places, Remarque, schema
from fragilite.places.similarity import (
    Resemblance,
    Traits,
    compare,
    metres,
    rules,
    same_address,
    traits,
    unit_vectors,
)
from fragilite.user_table import open_tables

#: Verdicts of a file of decisions.
MEME, DIFFERENT = "meme", "different"
#: What becomes of a pair.
FUSION, DOUTE, SEPARE, DECISION = "fusion", "doute", "séparé", "décision"
#: Values that go together: a longitude of one row with a latitude of another is nowhere.
_TOGETHER = (("longitude", "latitude", "localisation"),)
#: Columns of the merged table that are not a value of the place.
_ABOUT = ("id", "source", "contributeur", "date_origine")


@dataclass(frozen=True)
class Decision:
    """Two rows that a person judged."""

    id_a: str
    id_b: str
    verdict: str


@dataclass(frozen=True)
class Merged:
    """Places without duplicates, and all that explains them.

    Attributes
    ----------
    lieux : DataFrame
        One row a place: columns of the schema, with ``sources`` (lists joined by ``|``), ``lignes``
        (rows it is made of) and ``objections`` (how many). The id is that of its group.
    lignes : DataFrame
        Every row of every list, with ``groupe``.
    liens : DataFrame
        Pairs that were close: ``id_a, id_b, verdict, score, raison``, the names, and each part of
        the score. ``doute`` and ``séparé`` pairs are not merged.
    valeurs : DataFrame
        ``groupe, champ, valeur, id, date_maj``: where each value of a merged place comes from.
    conflits : DataFrame
        ``groupe, champ, valeur, id, autre_valeur, autre_id``: what the other rows say instead.
    objections : DataFrame
        ``id, groupe, role, date, objection``, every one of the file.
    remarques : tuple of Remarque
    """

    lieux: pd.DataFrame
    lignes: pd.DataFrame
    liens: pd.DataFrame
    valeurs: pd.DataFrame
    conflits: pd.DataFrame
    objections: pd.DataFrame
    remarques: tuple[Remarque, ...]


def merge(
    places: Places,
    decisions: Sequence[Decision] = (),
    objections: pd.DataFrame | None = None,
) -> Merged:
    """Join the rows that are one place.

    Parameters
    ----------
    places : Places
        Rows of several lists (:func:`fragilite.places.schema.together`).
    decisions : sequence of Decision, optional
        From :func:`read_decisions`; they win over the rule.
    objections : DataFrame, optional
        From :func:`read_objections`.

    Returns
    -------
    Merged
        The order of the rows does not change it.

    Raises
    ------
    UsageError
        If decisions contradict each other, or an identifier is met twice.
    """
    rows = places.lieux.sort_values("id", ignore_index=True)
    twice = rows.loc[rows["id"].duplicated(), "id"]
    if len(twice):
        raise UsageError(
            f"{plural(len(twice), 'identifiant')} en double, comme {twice.iloc[0]} : la même liste "
            "est donnée deux fois.",
            "Donnez une seule édition de chaque liste.",
        )
    remarks = list(places.remarques)
    known = set(rows["id"])
    ruled = [one for one in decisions if {one.id_a, one.id_b} <= known]
    if len(ruled) < len(decisions):
        lost = [one for one in decisions if not {one.id_a, one.id_b} <= known]
        text = (
            f"{plural(len(lost), 'décision')} sans effet : un des deux lieux n'est pas dans les "
            f"listes ({listing([f'{one.id_a} – {one.id_b}' for one in lost[:3]])})"
        )
        remarks.append(Remarque("decisions", None, text))
    described = {one.id: one for one in map(traits, _records(rows))}
    links = _links(rows, described)
    groups = _Groups(described, ruled)
    told = [(link, groups.join(link)) for link in links]
    rows = rows.assign(groupe=[groups.of(one) for one in rows["id"]])
    lieux, valeurs, conflits = _merged(rows)
    lieux, kept = _objected(lieux, rows, objections, remarks)
    return Merged(
        lieux, rows, _links_table(told, rows, ruled), valeurs, conflits, kept, tuple(remarks)
    )


# --- pairs -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Link:
    id_a: str
    id_b: str
    found: Resemblance


def _links(rows: pd.DataFrame, described: dict[str, Traits]) -> list[_Link]:
    """Pairs that look alike, the most alike first."""
    least = rules().seuils
    kept = []
    for id_a, id_b in _candidates(rows, described):
        one, other = described[id_a], described[id_b]
        found = compare(one, other)
        if one.source == other.source:
            wanted = least.meme_liste if same_address(one, other) else float("inf")
        else:
            wanted = least.doute
        if found.score >= wanted:
            kept.append(_Link(id_a, id_b, found))
    return sorted(kept, key=lambda link: (-link.found.score, link.id_a, link.id_b))


def _candidates(rows: pd.DataFrame, described: dict[str, Traits]) -> list[tuple[str, str]]:
    """Pairs worth comparing: near, or of one commune with a word or a kind in common.

    Rows that only say that a commune has a facility (no name, no address) are left alone.
    """
    named = rows.loc[rows["localisation"] != "commune", "id"]
    blocks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in named:
        row = described[one]
        if row.commune:
            for word in (
                *row.propres - row.commune_mots,
                *(f"genre {kind}" for kind in row.genres),
            ):
                # four letters: « Fremond » and « Frémont » meet in the same block
                blocks[row.commune, word if word.startswith("genre ") else word[:4]].append(one)
    pairs = {
        (one, other) if one < other else (other, one)
        for block in blocks.values()
        for place, one in enumerate(block)
        for other in block[place + 1 :]
        if one != other
    }
    pairs.update(_neighbours([described[one] for one in named]))
    return sorted(pairs)


def _neighbours(described: Sequence[Traits]) -> Iterator[tuple[str, str]]:
    from scipy.spatial import cKDTree

    placed = [row for row in described if row.point]
    if not placed:
        return
    tree = cKDTree(np.array(unit_vectors([row.point for row in placed if row.point])))
    for first, second in tree.query_pairs(rules().voisinage_m / EARTH):
        one, other = sorted((placed[first].id, placed[second].id))
        yield one, other


# --- groups ----------------------------------------------------------------------------------


class _Groups:
    """Rows joined so far; a group never holds two rows of a list at two addresses."""

    def __init__(self, described: dict[str, Traits], decisions: Sequence[Decision]) -> None:
        self.described = described
        self.parent = {one: one for one in described}
        self.members = {one: {one} for one in described}
        self.apart = {
            frozenset((one.id_a, one.id_b)) for one in decisions if one.verdict == DIFFERENT
        }
        for ruled in decisions:
            if ruled.verdict == MEME:
                self._unite(ruled.id_a, ruled.id_b)
        for pair in self.apart:
            one, other = sorted(pair)
            if self.root(one) == self.root(other):
                raise UsageError(
                    f"Décisions contradictoires : {one} et {other} sont dits différents, et le "
                    "même lieu de proche en proche.",
                    "Corrigez l'une des lignes du fichier des décisions.",
                )

    def root(self, one: str) -> str:
        while self.parent[one] != one:
            one = self.parent[one]
        return one

    def of(self, one: str) -> str:
        """Name of a group: the smallest identifier in it."""
        return min(self.members[self.root(one)])

    def _unite(self, one: str, other: str) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        if first != second:
            self.parent[second] = first
            self.members[first] |= self.members.pop(second)

    def join(self, link: _Link) -> tuple[str, str]:
        """What becomes of a pair, and why if it is not its score."""
        first, second = self.root(link.id_a), self.root(link.id_b)
        if frozenset((link.id_a, link.id_b)) in self.apart:
            return SEPARE, "séparés par une décision"
        if first == second:
            return FUSION, ""
        if link.found.score < rules().seuils.fusion:
            return DOUTE, ""
        crossed = [
            (one, other)
            for one in self.members[first]
            for other in self.members[second]
            if frozenset((one, other)) in self.apart
        ]
        if crossed:
            return SEPARE, "une décision sépare leurs groupes"
        shared = {
            one.source
            for one in map(self.described.__getitem__, self.members[first])
            for other in map(self.described.__getitem__, self.members[second])
            if one.source == other.source and not same_address(one, other)
        }
        if shared:
            return DOUTE, f"déjà rapproché d'une autre ligne de la liste {listing(sorted(shared))}"
        self._unite(first, second)
        return FUSION, ""


def _links_table(
    told: Sequence[tuple[_Link, tuple[str, str]]],
    rows: pd.DataFrame,
    decisions: Sequence[Decision],
) -> pd.DataFrame:
    names = rows.set_index("id")["nom"]
    ruled = {frozenset((one.id_a, one.id_b)): one.verdict for one in decisions}
    found = [
        {
            "id_a": link.id_a, "id_b": link.id_b,
            "verdict": DECISION if frozenset((link.id_a, link.id_b)) in ruled else verdict,
            "score": link.found.score, "nom_a": names[link.id_a], "nom_b": names[link.id_b],
            "raison": " ; ".join(filter(None, (link.found.raison, why))),
            "part_nom": link.found.nom, "part_adresse": link.found.adresse,
            "part_distance": link.found.distance, "part_type": link.found.type,
            "distance_m": None if link.found.metres is None else round(link.found.metres),
        }
        for link, (verdict, why) in told
    ]  # fmt: skip
    seen = {frozenset((one["id_a"], one["id_b"])) for one in found}
    for one in decisions:
        if frozenset((one.id_a, one.id_b)) not in seen:
            a, b = sorted((one.id_a, one.id_b))
            said = "dits le même lieu" if one.verdict == MEME else "dits différents"
            found.append({
                "id_a": a, "id_b": b, "verdict": DECISION, "nom_a": names[a], "nom_b": names[b],
                "raison": f"{said} par une personne",
            })  # fmt: skip
    columns = [
        "id_a", "id_b", "verdict", "score", "nom_a", "nom_b", "raison", "part_nom", "part_adresse",
        "part_distance", "part_type", "distance_m",
    ]  # fmt: skip
    return pd.DataFrame(found, columns=columns)


# --- values ----------------------------------------------------------------------------------


def _merged(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One row a group, with where its values come from and what was said instead.

    A row about the place itself goes before one about its employer's seat, then the newest first.
    """
    columns = schema().colonnes
    ordered = rows.assign(siege=rows["localisation"] != "lieu").sort_values(
        ["groupe", "siege", "date_maj", "id"], ascending=[True, True, False, True]
    )
    places: list[dict[str, Any]] = []
    origins: list[dict[str, Any]] = []
    conflicts: list[dict[str, Any]] = []
    for group, members in groupby(_records(ordered), key=lambda row: row["groupe"]):
        records = list(members)
        place: dict[str, Any] = {
            "id": group,
            "source": records[0]["source"],
            "contributeur": records[0]["contributeur"],
            "date_origine": records[0]["date_origine"],
        }
        for fields in _units(columns):
            chosen = next((row for row in records if _known(row[fields[0]])), None)
            for field in fields:
                place[field] = chosen[field] if chosen else records[0][field]
            if chosen is None or len(records) == 1:
                continue
            shown = " ; ".join(_written(chosen[field]) for field in fields)
            origins.append({
                "groupe": group, "champ": fields[0], "valeur": shown, "id": chosen["id"],
                "date_maj": chosen["date_maj"],
            })  # fmt: skip
            if fields[0] == "date_maj":  # each list has its own: nothing to settle
                continue
            for row in records:
                if _known(row[fields[0]]) and not _agree(chosen, row, fields):
                    other = " ; ".join(_written(row[field]) for field in fields)
                    conflicts.append({
                        "groupe": group, "champ": fields[0], "valeur": shown, "id": chosen["id"],
                        "autre_valeur": other, "autre_id": row["id"],
                    })  # fmt: skip
        place["sources"] = "|".join(sorted({row["source"] for row in records}))
        place["lignes"] = len(records)
        places.append(place)
    return (
        pd.DataFrame(places, columns=[*columns, "sources", "lignes"]),
        pd.DataFrame(origins, columns=["groupe", "champ", "valeur", "id", "date_maj"]),
        pd.DataFrame(
            conflicts, columns=["groupe", "champ", "valeur", "id", "autre_valeur", "autre_id"]
        ),
    )


def _units(columns: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Fields that are taken from one row: alone, or those that go together."""
    inside = {field for fields in _TOGETHER for field in fields}
    yield from _TOGETHER
    yield from ((field,) for field in columns if field not in inside and field not in _ABOUT)


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def _known(value: Any) -> bool:
    return bool(value == value and value != "")


def _written(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:g}" if abs(value) > 180 else f"{value:.6g}"
    return str(value)


def _agree(one: dict[str, Any], other: dict[str, Any], fields: tuple[str, ...]) -> bool:
    """Whether two rows say the same: points close by, texts but for case, accents and signs."""
    if fields[0] == "longitude":
        return (
            metres((one["longitude"], one["latitude"]), (other["longitude"], other["latitude"]))
            <= rules().distance.pleine_m
        )
    first, second = one[fields[0]], other[fields[0]]
    if isinstance(first, float):
        return bool(first == second)
    return fold(str(first)) == fold(str(second))


# --- decisions and objections ------------------------------------------------------------------


def read_decisions(path: Path) -> list[Decision]:
    """Read ``id_a, id_b, verdict``: ``meme`` or ``different``; an empty verdict decides nothing.

    Raises
    ------
    UsageError
        Naming the row whose verdict is another word, or that names one place twice.
    """
    table = open_tables(path)[0]
    cells = [table.cells(table.find(name)) for name in ("id_a", "id_b", "verdict")]
    found = []
    for line, id_a, id_b, text in zip(table.lignes, *cells, strict=True):
        verdict = fold(text)
        if verdict not in {"", MEME, DIFFERENT}:
            raise UsageError(
                f"{table.nom}, ligne {line} : verdict « {text} », « {MEME} » ou « {DIFFERENT} » "
                "attendu.",
                "Laissez la cellule vide pour ne rien décider.",
            )
        if not id_a or not id_b or id_a == id_b:
            raise UsageError(
                f"{table.nom}, ligne {line} : deux identifiants différents attendus.",
                "Recopiez-les depuis la liste des doutes.",
            )
        if verdict:
            found.append(Decision(id_a, id_b, verdict))
    return found


def read_objections(path: Path) -> pd.DataFrame:
    """Read ``id, role, date, objection``: what someone says against what a list tells of a place.

    Names of people, mails and phones have no place there: contacts are removed from the text.

    Raises
    ------
    UsageError
        Naming the row that lacks a role, a readable date or a text.
    """
    table = open_tables(path)[0]
    names = ("id", "role", "date", "objection")
    cells = [table.cells(table.find(name)) for name in names]
    found = []
    for line, one, role, text, said in zip(table.lignes, *cells, strict=True):
        day = parse_date(text)
        for label, value in (("role", role), ("date", day), ("objection", said), ("id", one)):
            if not value:
                what = f"date « {text} » illisible" if label == "date" else f"« {label} » vide"
                raise UsageError(
                    f"{table.nom}, ligne {line} : {what}.",
                    "Attendu : l'identifiant du lieu, un rôle (jamais un nom), une date comme "
                    "2026-03-12, et l'objection.",
                )
        found.append((one, role, day, without_contact(without_markup(said))[0]))
    return pd.DataFrame(found, columns=list(names), dtype="str")


def _objected(
    lieux: pd.DataFrame,
    rows: pd.DataFrame,
    objections: pd.DataFrame | None,
    remarks: list[Remarque],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Objections beside the places: each kept, even one whose place is no longer in a list."""
    columns = ["id", "groupe", "role", "date", "objection"]
    if objections is None:
        return lieux.assign(objections=0), pd.DataFrame(columns=columns, dtype="str")
    groups = rows.set_index("id")["groupe"]
    kept = objections.assign(groupe=objections["id"].map(groups).fillna(""))[columns]
    lost = int((kept["groupe"] == "").sum())
    if lost:
        text = f"{plural(lost, 'objection')} sur un lieu absent des listes : gardée(s)"
        remarks.append(Remarque("objections", None, text))
    counts = kept["groupe"].value_counts()
    return lieux.assign(objections=lieux["id"].map(counts).fillna(0).astype(int)), kept


def summary(merged: Merged) -> str:
    """What was done, in a few French lines."""
    verdicts = merged.liens["verdict"].value_counts()
    several = int((merged.lieux["lignes"] > 1).sum())
    lines = [
        f"{plural(len(merged.lignes), 'ligne')} dans les listes, "
        f"{plural(len(merged.lieux), 'lieu', 'lieux')}, dont {number(several)} sur plusieurs "
        "lignes.",
        f"{plural(int(verdicts.get(DOUTE, 0)), 'paire')} à vérifier par une personne, "
        f"{plural(int(verdicts.get(DECISION, 0)), 'décision')} appliquée(s).",
    ]
    if len(merged.conflits):
        count = plural(len(merged.conflits), "valeur")
        lines.append(f"{count} en désaccord entre les listes : la plus récente est gardée.")
    if len(merged.objections):
        lines.append(f"{plural(len(merged.objections), 'objection')} gardée(s) à côté des lieux.")
    return "\n".join(lines)
