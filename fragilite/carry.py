"""Carry figures from the geography they were published in to the one of the build."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fragilite.cog import check_codes, codes_of, moves
from fragilite.errors import FragiliteError
from fragilite.table import Statut, Table, Variable

REGLE_PARTAGE = "commune séparée depuis : réparti selon la population"
REGLE_COPIE = "commune séparée depuis : valeur de l'ancienne commune"
REGLE_CLASSE = "communes fusionnées : classe de la plus peuplée"
REGLE_MEDIANE = "communes fusionnées : moyenne pondérée des médianes"


def carry(
    table: Table,
    vers: int,
    codes: pd.Index,
    variables: Mapping[str, Variable],
    *,
    sans_ligne_zero: bool = False,
    populations: pd.Series | None = None,
    couverture: float = 1.0,
) -> Table:
    """Carry a table to another geography, on the communes of a frame.

    Counts are added, and missing if one contributor is; a part of a split commune receives its
    share of the population (``estime``). Medians are copied, and where communes merged become the
    weighted mean of the known ones (``estime``), if these hold enough of the weight.

    Parameters
    ----------
    table : Table
        Figures in their own geography, arrondissements already folded.
    vers : int
        Year of the frame's geography.
    codes : Index of str
        The communes wanted, in the order wanted.
    variables : mapping of str to Variable
        Nature of each column of the table.
    sans_ligne_zero : bool
        Whether a commune without a row counts zero; else it is ``absent``.
    populations : Series of float, optional
        Population by code in the target geography, to share out split communes. Without it, the
        parts of a split commune are ``absent``.
    couverture : float
        Share of the weight that must be known for a weighted mean of medians to stand.

    Returns
    -------
    Table
        One row per code of the frame, in its order.

    Raises
    ------
    FragiliteError
        If the table holds a code twice, or codes unknown to its declared geography.
    """
    where = f"Source {table.source}, millésime {table.millesime}"
    if table.values.index.has_duplicates:
        twice = table.values.index[table.values.index.duplicated()].unique()
        raise FragiliteError(f"{where} : code(s) en double : {', '.join(twice[:5])}.")
    check_codes(table.values.index, table.cog, where)

    pairs = _pairs(table.cog, vers, codes, populations)
    source, target, part = pairs["avant"], pairs["apres"], pairs["part"].to_numpy()
    values = table.values.reindex(source)
    statuts = table.statuts.reindex(source, fill_value=np.int8(Statut.ABSENT))
    regles = {name: text.reindex(source, fill_value="") for name, text in table.regles.items()}
    if sans_ligne_zero:
        lacking = ~source.isin(table.values.index).to_numpy()
        values[lacking] = 0.0
        statuts[lacking] = np.int8(Statut.PUBLIE)

    values.index = statuts.index = pd.Index(target, name="code_insee")
    regles = {name: text.set_axis(values.index) for name, text in regles.items()}
    if not (target.is_unique and (part == 1).all()):
        values, statuts, regles = _merge(values, statuts, regles, part, variables, couverture)
    return Table(
        table.source,
        table.millesime,
        vers,
        values.reindex(codes),
        statuts.reindex(codes, fill_value=np.int8(Statut.ABSENT)),
        {name: text.reindex(codes, fill_value="") for name, text in regles.items()},
    )


def _pairs(depuis: int, vers: int, codes: pd.Index, populations: pd.Series | None) -> pd.DataFrame:
    """Source codes standing on the communes of a frame, with the share of each that goes there."""
    moved, frame, before = moves(depuis, vers), set(codes), codes_of(depuis)
    still = [code for code in codes if code in before and code not in moved]
    moving = [
        (source, target)
        for source, targets in moved.items()
        for target in targets
        if target in frame
    ]
    pairs = pd.DataFrame(
        {
            "avant": [*still, *(source for source, _ in moving)],
            "apres": [*still, *(target for _, target in moving)],
            "part": [*([1.0] * len(still)), *(_part(*pair, moved, populations) for pair in moving)],
        }
    )
    return pairs.astype({"avant": str, "apres": str})


def _part(
    source: str,
    target: str,
    moved: Mapping[str, tuple[str, ...]],
    populations: pd.Series | None,
) -> float:
    """Share of a source that goes to a target: all of it, or its share of the population."""
    parts = list(moved[source])
    if len(parts) == 1:
        return 1.0
    if populations is None or not set(parts) <= set(populations.index):
        return float("nan")
    people = populations[parts]
    return float(people[target] / people.sum())


def _merge(
    values: pd.DataFrame,
    statuts: pd.DataFrame,
    regles: Mapping[str, pd.Series],
    part: np.ndarray,
    variables: Mapping[str, Variable],
    couverture: float,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.Series]]:
    """Put together the rows that stand on the same commune, column by column."""
    merged = {}
    for name in values.columns:
        text = regles.get(name, pd.Series("", index=values.index))
        weight = variables[name].poids
        known = weight in values.columns  # Filosofi 2023 publishes no headcount
        weights = values[weight] * part if known else pd.Series(np.nan, index=values.index)
        if variables[name].nature == "effectif":
            merged[name] = _add(values[name], statuts[name], text, part)
        elif variables[name].nature == "classe":
            merged[name] = _largest(values[name], statuts[name], text, part, weights)
        else:
            merged[name] = _average(values[name], statuts[name], text, part, weights, couverture)
    return (
        pd.DataFrame({name: value for name, (value, _, _) in merged.items()}),
        pd.DataFrame({name: statut for name, (_, statut, _) in merged.items()}),
        {name: text for name, (_, _, text) in merged.items() if (text != "").any()},
    )


def _add(
    value: pd.Series, statut: pd.Series, text: pd.Series, part: np.ndarray
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Sum of counts: missing if one of them is (never a zero in its place)."""
    shared = part < 1
    counts = value * part
    total = counts.groupby(level=0).sum().where(~counts.isna().groupby(level=0).any())
    worst = statut.where(~shared, np.maximum(statut, Statut.ESTIME))
    worst = worst.where(~np.isnan(part), Statut.ABSENT).groupby(level=0).max()
    rule = text.where(~(shared & value.notna()), REGLE_PARTAGE).groupby(level=0).max()
    return total, worst.astype(np.int8), rule


def _average(
    value: pd.Series,
    statut: pd.Series,
    text: pd.Series,
    part: np.ndarray,
    weight: pd.Series,
    couverture: float,
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """A median alone is kept; several become their weighted mean, an estimate.

    A weight that the producer withholds counts for nothing: it is that of communes under 50 fiscal
    households.
    """
    by = value.groupby(level=0)
    alone = by.size() == 1
    known = weight.where(value.notna()).fillna(0)
    mean = (value.fillna(0) * known).groupby(level=0).sum() / known.groupby(level=0).sum()
    covered = known.groupby(level=0).sum() >= couverture * weight.fillna(0).groupby(level=0).sum()
    joined = ~alone & covered & mean.notna()
    copied = (
        pd.Series(part != 1, index=value.index).groupby(level=0).any() & alone & by.first().notna()
    )

    result = by.first().where(alone, mean.where(joined))
    worst = statut.groupby(level=0).max()
    best = statut.groupby(level=0).min()
    worst = worst.where(~joined, np.maximum(best, Statut.ESTIME))
    worst = worst.where(~copied, np.maximum(worst, Statut.ESTIME))
    rule = text.groupby(level=0).max().where(~joined, REGLE_MEDIANE).where(~copied, REGLE_COPIE)
    return result, worst.astype(np.int8), rule


def _largest(
    value: pd.Series, statut: pd.Series, text: pd.Series, part: np.ndarray, weight: pd.Series
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """A class alone is kept; of several, that of the most populated part, an estimate.

    Where a part has no known weight, nothing tells which is the largest: the class is absent.
    """
    rows = pd.DataFrame({"value": value, "statut": statut, "text": text, "weight": weight})
    rows["partie"] = part != 1
    by = rows.groupby(level=0, sort=True)
    several = by["value"].size() > 1
    unknown = several & rows["weight"].isna().groupby(level=0).any()
    chosen = rows.sort_values("weight", kind="stable").groupby(level=0, sort=True).tail(1)
    chosen = chosen.reindex(several.index)
    result = chosen["value"].where(~unknown)
    copied = ~several & chosen["partie"] & result.notna()
    made = (several & result.notna()) | copied
    worst = chosen["statut"].where(~made, np.maximum(chosen["statut"], Statut.ESTIME))
    worst = worst.where(~unknown, Statut.ABSENT)
    rule = chosen["text"].where(~(several & made), REGLE_CLASSE).where(~copied, REGLE_COPIE)
    return result, worst.astype(np.int8), rule
