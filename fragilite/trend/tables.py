"""The changes as files of a build hold them: one tidy table, one wide layer, their dictionaries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import pandas as pd

from fragilite.citation import short
from fragilite.dictionary import Column
from fragilite.ingestion.lots import Lot
from fragilite.trend.breaks import load_comparisons
from fragilite.trend.comparing import DECIMALS, Trend
from fragilite.trend.past import compared, source_of
from fragilite.trend.tidy import LECTURES
from fragilite.vintages import readable

#: Levels of the tidy table, the largest first.
LEVELS = ("departement", "epci", "commune")
#: Decimals of the tidy table: one more than figures are read with, so that a bound that is near
#: zero is not written as zero.
TIDY_DECIMALS = 2
#: What the layer says of each comparison, after its name.
SUFFIXES = (
    "valeur_avant", "valeur_apres", "changement", "min_90", "max_90", "lecture", "raison",
)  # fmt: skip
#: Columns of the layer that are those of the communes.
NAMING = ("code_insee", "nom", "code_epci", "nom_epci", "population")


@dataclass(frozen=True)
class Followed:
    """A node or an indicator compared between two vintages.

    Attributes
    ----------
    code : str
        As in :attr:`Trend.communes`.
    libelle, court, unite : str
        Words of a legend and of a menu; unit of the values.
    decimales : int
    avant, apres : str
        Vintages.
    is_figure : bool
        Whether it is an indicator, not a node.
    """

    code: str
    libelle: str
    court: str
    unite: str
    decimales: int
    avant: str
    apres: str
    is_figure: bool = False

    @property
    def stem(self) -> str:
        """Start of its columns: ``part_sans_bac_depuis_2017``."""
        return f"{self.code}_depuis_{self.avant}".replace("-", "_")

    @property
    def years(self) -> str:
        """``2017 → 2023``."""
        return f"{readable(self.avant)} → {readable(self.apres)}"

    @property
    def points(self) -> str:
        """Unit of the change: points of a share or of a score, else that of the values."""
        return "points" if self.unite.startswith(("%", "points")) else self.unite


def followed(trend: Trend) -> list[Followed]:
    """What is compared: the index, what it is made of, then the indicators of the method."""
    method, build = trend.build.method, trend.build
    nodes = [
        Followed(
            method.column(node), method.noeuds[node].libelle, method.noeuds[node].court,
            build.columns[method.column(node)].unite, DECIMALS, avant, _after(trend, avant),
        )
        for avant, moved in trend.indices.items()
        for node in moved.nodes
    ]  # fmt: skip
    figures = [
        Followed(
            pair.code,
            one.libelle,
            one.libelle,
            one.unite,
            one.decimales,
            pair.avant,
            pair.apres,
            is_figure=True,
        )
        for pair in trend.comparaisons
        if not pair.raison
        for one in [compared(method)[pair.code]]
    ]
    return nodes + figures


def _after(trend: Trend, avant: str) -> str:
    rows = trend.communes
    here = rows["indicateur"].eq(trend.build.method.root) & rows["millesime_avant"].eq(avant)
    return str(rows.loc[here, "millesime_apres"].iloc[0])


# --- one tidy table ----------------------------------------------------------------------------


def tidy(trend: Trend) -> pd.DataFrame:
    """Every comparison of every place: départements and EPCI held whole, then communes.

    What is compared comes first within a level, the index before all.
    """
    communes = trend.communes.rename(columns={"code_insee": "code"}).assign(niveau="commune")
    rows = pd.concat([trend.groupes, communes], ignore_index=True)
    labels, units, order = _words(trend)
    key = rows["indicateur"] + " " + rows["millesime_avant"]
    rows = rows.assign(
        libelle=rows["indicateur"].map(labels),
        unite=rows["indicateur"].map(units),
        _level=rows["niveau"].map(LEVELS.index),
        _place=key.map(order).fillna(len(order)),
    ).sort_values(["_level", "_place"], kind="stable", ignore_index=True)
    return rows[list(columns(trend))]


def _words(trend: Trend) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """Labels and units by code, places of what is compared."""
    method = trend.build.method
    found = followed(trend)
    labels = {code: one.libelle for code, one in compared(method).items()}
    units = {code: one.unite for code, one in compared(method).items()}
    labels |= {one.code: one.libelle for one in found}
    units |= {one.code: one.unite.partition(" (")[0] for one in found}
    order = {f"{one.code} {one.avant}": place for place, one in enumerate(found)}
    return labels, units, order


def columns(trend: Trend) -> dict[str, Column]:
    """The dictionary of :func:`tidy`, in the order of its columns."""
    declared = load_comparisons()
    words = {"lecture": LECTURES, "niveau": LEVELS}
    return {
        name: Column(
            name, one.libelle, one.type, one.unite, one.description or declared.colonnes[name],
            _source(trend), TIDY_DECIMALS if one.type == "number" else 0,
            valeurs=words.get(name, ()),
        )
        for name, one in declared.tableau.items()
    }  # fmt: skip


def _source(trend: Trend) -> str:
    header = trend.build.method.methode
    return f"Calcul fragilite, méthode {header.code} {header.version}"


def only_of(trend: Trend, codes: Collection[str]) -> Trend:
    """The rows of some communes, and of the EPCI and départements that they are in."""
    towns = trend.build.inputs.communes
    here = towns[towns.index.isin(list(codes))]
    around = {*here["code_epci"], *here["code_departement"]}
    communes, groups = trend.communes, trend.groupes
    return replace(
        trend,
        communes=communes[communes["code_insee"].isin(list(codes))],
        groupes=groups[groups["code"].isin(around)],
    )


# --- one row a commune -------------------------------------------------------------------------


def wide(trend: Trend) -> pd.DataFrame:
    """One row a commune, in the order of codes: its name, then each comparison side by side."""
    codes = trend.build.inputs.communes.index
    table = trend.build.communes.set_index("code_insee").reindex(codes)
    known = [name for name in NAMING[1:] if name in table]
    parts = [table[known]]
    for one in followed(trend):
        rows = trend.change(one.code, one.avant).reindex(codes)
        parts.append(rows[list(SUFFIXES)].add_prefix(f"{one.stem}_"))
    return pd.concat(parts, axis=1).rename_axis("code_insee").reset_index()


def wide_columns(trend: Trend) -> dict[str, Column]:
    """The dictionary of :func:`wide`."""
    return dict(_wide_columns(trend))


def _wide_columns(trend: Trend) -> Iterator[tuple[str, Column]]:
    known = trend.build.columns
    for name in NAMING:
        if name in known:
            yield name, known[name]
    records = columns(trend)
    for one in followed(trend):
        source = short(lots_of(trend, one)) or _source(trend)
        for suffix in SUFFIXES:
            record = records[suffix]
            values = suffix.startswith("valeur")
            unit = record.unite
            if record.type == "number":
                unit = one.unite.partition(" (")[0] if values else one.points
            name = f"{one.stem}_{suffix}"
            yield name, Column(
                name, f"{one.libelle}, {one.years} : {record.libelle.lower()}", record.type, unit,
                record.description, source, one.decimales if record.type == "number" else 0,
                valeurs=record.valeurs,
            )  # fmt: skip


def lots_of(trend: Trend, one: Followed) -> list[Lot]:
    """Vintages that a comparison rests on: those of today, then the earlier one."""
    scored, figures = trend.build.result.scores.scored, compared(trend.build.method)
    held = trend.tenus.get(one.avant, [])
    codes = [one.code] if one.code in figures else [code for code in scored if code not in held]
    keys = {
        (source_of(figures[code]), pair.apres if now else pair.avant)
        for code in codes
        for pair in trend.comparaisons
        if pair.code == code and pair.avant == one.avant
        for now in (True, False)
    }
    lots = [*trend.build.inputs.lots, *trend.sources]
    return [lot for lot in lots if (lot.source, lot.millesime) in keys]
