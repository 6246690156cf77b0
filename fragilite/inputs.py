"""All sources brought to the commune frame of the reference year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fragilite.carry import carry
from fragilite.cog import moves
from fragilite.errors import FragiliteError
from fragilite.ingestion.lots import Gathered, Lot
from fragilite.table import Table, statut_names
from fragilite.territory import Territory

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True)
class Inputs:
    """Figures of a territory, one commune frame for all.

    Attributes
    ----------
    annee : int
        Reference year: communes are those of its 1 January.
    territory : Territory
    communes, epci, anciennes : DataFrame
        As in :class:`fragilite.ingestion.lots.Gathered`.
    tables : dict of (str, str) to Table
        By source and vintage, every table on the frame, in its order.
    lots : list of Lot
        Provenance of each table, then of the frame.
    outlines : callable
        Outlines of the communes of an index.
    medians : list of Table
        Medians that the publisher gives for EPCI, indexed by ``code_epci``.
    notes : list of str
        What could not be had, in French.
    surroundings : callable, optional
        Makes :attr:`around`; None where nothing is at hand outside the territory.
    """

    annee: int
    territory: Territory
    communes: pd.DataFrame
    epci: pd.DataFrame
    anciennes: pd.DataFrame
    tables: Mapping[tuple[str, str], Table]
    lots: list[Lot]
    outlines: Callable[[pd.Index], gpd.GeoDataFrame]
    medians: Sequence[Table] = ()
    notes: Sequence[str] = ()
    surroundings: Callable[[], Inputs] | None = None

    @cached_property
    def around(self) -> Inputs:
        """The same on all the communes at hand of its EPCI and départements."""
        return self if self.surroundings is None else self.surroundings()

    @property
    def whole_epci(self) -> list[str]:
        """EPCI whose communes are all here (CC du Pays d'Ancenis: 1 of 20 is in 49)."""
        here = self.communes["code_epci"].value_counts().reindex(self.epci.index, fill_value=0)
        return list(self.epci.index[here == self.epci["communes"]])

    def newest(self, variables: list[str]) -> Table | None:
        """The newest table that has all these variables, or None."""
        found = [
            table for table in self.tables.values() if set(variables) <= set(table.values.columns)
        ]
        return max(found, key=lambda table: table.millesime, default=None)

    @cached_property
    def _contours(self) -> gpd.GeoDataFrame:
        return self.outlines(self.communes.index)

    def contours(self) -> gpd.GeoDataFrame:
        """Outlines of the communes of the frame, in its order; missing where there is none."""
        return self._contours

    def tidy(self) -> pd.DataFrame:
        """Everything in one long table.

        Returns
        -------
        DataFrame
            ``code_insee``, ``variable``, ``valeur``, ``statut``, ``millesime``, ``source``.
        """
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "code_insee": np.repeat(table.values.index, table.values.shape[1]),
                        "variable": np.tile(table.values.columns, len(table.values)),
                        "valeur": table.values.to_numpy().ravel(),
                        "statut": statut_names(table.statuts.to_numpy().ravel()),
                        "millesime": table.millesime,
                        "source": table.source,
                    }
                )
                for table in self.tables.values()
            ],
            ignore_index=True,
        )


def assemble(
    gathered: Gathered, territory: Territory, annee: int, couverture: float = 1.0
) -> Inputs:
    """Carry every table to the communes of a territory, in the geography of the reference year.

    Parameters
    ----------
    gathered : Gathered
        Tables in their own geographies, and a frame that holds at least the territory.
    territory : Territory
    annee : int
        Reference year.
    couverture : float
        Share of the weight that must be known where medians are averaged.

    Returns
    -------
    Inputs
    """
    communes = territory.select(gathered.communes)
    if territory.epci:  # its code was all that was known before
        territory = replace(territory, libelle=gathered.epci["nom"][territory.epci])
    near = gathered.communes["code_epci"].isin(communes["code_epci"].dropna())
    near |= gathered.communes["code_departement"].isin(communes["code_departement"])
    around = gathered.communes[near]
    found = _on(communes, gathered, territory, annee, couverture)
    if len(around) == len(communes):
        return found
    return replace(found, surroundings=lambda: _on(around, gathered, territory, annee, couverture))


def _on(
    communes: pd.DataFrame,
    gathered: Gathered,
    territory: Territory,
    annee: int,
    couverture: float,
) -> Inputs:
    """Figures carried to a frame of communes."""
    populations = _populations(gathered, annee)
    tables = {}
    for lot, table in gathered.lots:
        source = lot.record
        tables[lot.source, lot.millesime] = carry(
            table,
            annee,
            communes.index,
            {name: record.variable for name, record in source.variables.items()},
            sans_ligne_zero=source.sans_ligne == "zero",
            populations=populations,
            couverture=couverture,
        )
    epci = gathered.epci[gathered.epci.index.isin(communes["code_epci"])]
    former = gathered.anciennes[gathered.anciennes["code_insee"].isin(communes.index)]
    return Inputs(
        annee,
        territory,
        communes,
        epci,
        former.reset_index(drop=True),
        tables,
        [lot for lot, _ in gathered.lots] + gathered.frame,
        gathered.contours,
        gathered.medians,
        gathered.notes,
    )


def _populations(gathered: Gathered, annee: int) -> pd.Series | None:
    """Population in the geography of the reference year, to share out communes split since."""
    for _, table in gathered.lots:
        if "pop" in table.values and table.cog <= annee and not moves(table.cog, annee):
            return table.values["pop"]
    return None


def population(inputs: Inputs) -> pd.Series:
    """Population of the communes, of the newest census at hand.

    Raises
    ------
    FragiliteError
        If there is none: nothing can be weighed without it.
    """
    table = inputs.newest(["pop"])
    if table is None:
        raise FragiliteError(
            f"Aucune population à portée pour {inputs.territory.libelle}.",
            "La source insee_rp est nécessaire : fragilite fetch insee_rp",
        )
    return table.values["pop"]
