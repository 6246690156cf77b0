"""What ingestion hands over: tables with their provenance, and the frame they stand on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from fragilite.ingestion.catalogue import Source, Vintage, load_sources
from fragilite.table import Table

if TYPE_CHECKING:
    import geopandas as gpd

#: What stands between the names of two priority neighbourhoods in a cell.
SEPARATOR = " ; "


@dataclass(frozen=True)
class Lot:
    """Where the figures of one vintage of one source come from.

    Attributes
    ----------
    source, millesime : str
        Key of the source in the catalogue, and vintage.
    cog : int
        Year of the geography of the codes in the file.
    fichier, sha256 : str
        The file read and its digest; several are separated by ``" ; "``.
    donnees_au, publie_le, releve_le : str
        ISO dates: state of the data, publication (empty if unknown), reading by the project.
    estime : dict of str to str
        Variables that are estimates as they come, with their rule.
    note : str
        What a reader must know of this vintage.
    origine : str
        ``"livré avec fragilite"``, or the address it was taken from.
    """

    source: str
    millesime: str
    cog: int
    fichier: str
    sha256: str
    donnees_au: str
    publie_le: str
    releve_le: str
    estime: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    origine: str = "livré avec fragilite"

    @classmethod
    def of(
        cls,
        source: str,
        vintage: Vintage,
        files: Sequence[tuple[str, str]],
        releve_le: str,
        origine: str,
    ) -> Lot:
        """Provenance of a vintage of the catalogue.

        Parameters
        ----------
        files : sequence of (str, str)
            Name and digest of each file read.
        """
        return cls(
            source=source,
            millesime=vintage.millesime,
            cog=vintage.cog,
            fichier=" ; ".join(name for name, _ in files),
            sha256=" ; ".join(sha256 for _, sha256 in files),
            donnees_au=vintage.donnees_au,
            publie_le=vintage.publie_le,
            releve_le=releve_le,
            estime=vintage.estime,
            note=vintage.note,
            origine=origine,
        )

    @property
    def record(self) -> Source:
        """The source's record in the catalogue."""
        return load_sources()[self.source]


@dataclass(frozen=True)
class Gathered:
    """Figures as their publishers give them, and the communes they are wanted for.

    Attributes
    ----------
    communes : DataFrame
        Indexed by ``code_insee``: ``nom``, ``code_epci``, ``nom_epci``, ``code_departement``,
        ``nom_departement``, ``code_region``, ``nom_region``.
    epci : DataFrame
        Indexed by ``code_epci``: ``nom``, ``nature``, ``communes`` (how many it has in all).
    anciennes : DataFrame
        Names of delegated and former communes: ``nom``, ``code_ancien``, ``code_insee``.
    contours : callable
        Outlines of the communes of an index, in its order.
    lots : list of (Lot, Table)
        Each in its own geography.
    frame : list of Lot
        Provenance of the communes, EPCI and outlines.
    medians : list of Table
        Medians that the publisher gives for EPCI, indexed by ``code_epci``.
    notes : list of str
        What could not be had, in French.
    """

    communes: pd.DataFrame
    epci: pd.DataFrame
    anciennes: pd.DataFrame
    contours: Callable[[pd.Index], gpd.GeoDataFrame]
    lots: list[tuple[Lot, Table]]
    frame: list[Lot]
    medians: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _no_quartier() -> None:
    """Nothing is at hand."""


@dataclass(frozen=True)
class GatheredIris:
    """Figures by IRIS as their publishers give them.

    Attributes
    ----------
    frame : DataFrame
        Indexed by ``code_iris``: ``nom_iris`` (``""`` where no file at hand names it),
        ``type_iris`` (H, A, D, or Z for a commune that is not split), ``code_insee`` (its commune
        in the geography of the reference year; missing where it was split since).
    lots : list of (Lot, Table)
        Indexed by ``code_iris``; of two that have a variable, the first serves.
    contours : callable or None
        Outlines of the IRIS of an index, in its order; None where no file at hand has them.
    outlines : list of Lot
        Provenance of the outlines.
    quartiers : callable
        Share of each IRIS in a priority neighbourhood, and their names, as
        :func:`fragilite.ingestion.qpv.shares` gives them; None where the outlines of either are
        not at hand. Called only for the rows by IRIS: it may have to read a file of 90 MB.
    """

    frame: pd.DataFrame
    lots: list[tuple[Lot, Table]]
    contours: Callable[[pd.Index], gpd.GeoDataFrame] | None = None
    outlines: list[Lot] = field(default_factory=list)
    quartiers: Callable[[], pd.DataFrame | None] = _no_quartier
