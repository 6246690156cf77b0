"""The one shape in which figures travel: a table of values, with a status for each cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import pandas as pd


class Statut(IntEnum):
    """What is known of a cell, from best to worst: combining two cells keeps the worse.

    The names written in the outputs are the lower-case ones: ``publie``, ``estime``…
    """

    PUBLIE = 0
    """Published by the producer for this commune, or recomputed exactly from what is."""
    ESTIME = 1
    """Approximated; the rule is named beside it."""
    MILLESIME_ANCIEN = 2
    """Older than the method admits: shown, never scored."""
    SECRET = 3
    """Withheld by the producer (statistical secrecy)."""
    ABSENT = 4
    """No row, or an empty cell."""
    SANS_OBJET = 5
    """A share of nothing: the denominator is zero."""


def statut_names(codes: np.ndarray) -> np.ndarray:
    """Names of statuses, as written in the outputs.

    Parameters
    ----------
    codes : ndarray of int8, any shape

    Returns
    -------
    ndarray of str, same shape
    """
    names = np.array([statut.name.lower() for statut in Statut], dtype=object)
    texts: np.ndarray = names[codes]
    return texts


@dataclass(frozen=True)
class Variable:
    """How a variable behaves when communes are put together.

    Attributes
    ----------
    nature : str
        ``"effectif"`` (a count: added), ``"mediane"`` (not additive: weighted mean, estimated) or
        ``"classe"`` (that of the most populated part, estimated).
    poids : str, optional
        For a ``mediane`` or a ``classe``, the variable that weighs it.
    """

    nature: str = "effectif"
    poids: str | None = None


@dataclass(frozen=True)
class Table:
    """Figures of one vintage of one source, by commune.

    Attributes
    ----------
    source, millesime : str
        Key of the source in the catalogue, and vintage (``"2023"``, ``"2026_T2"``).
    cog : int
        Year of the geography the codes belong to.
    values : DataFrame of float64, shape (communes, variables)
        Indexed by ``code_insee``; missing is NaN.
    statuts : DataFrame of int8, same shape
        :class:`Statut` of each cell; a cell is NaN exactly where the status is ``SECRET`` or worse.
    regles : dict of str to Series of str
        For variables that have estimated cells: the rule of each cell, ``""`` elsewhere.
    """

    source: str
    millesime: str
    cog: int
    values: pd.DataFrame
    statuts: pd.DataFrame
    regles: Mapping[str, pd.Series] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        source: str,
        millesime: str,
        cog: int,
        values: pd.DataFrame,
        secret: pd.DataFrame | None = None,
    ) -> Table:
        """Build a table of published figures, NaN being absent, or secret where told so.

        Parameters
        ----------
        secret : DataFrame of bool, optional
            Cells withheld by the producer.
        """
        codes = np.where(values.isna(), Statut.ABSENT, Statut.PUBLIE).astype(np.int8)
        if secret is not None:
            codes[secret.to_numpy()] = Statut.SECRET
        statuts = pd.DataFrame(codes, index=values.index, columns=values.columns)
        return cls(source, millesime, cog, values.astype(np.float64), statuts)

    def estimated(self, regles: Mapping[str, str]) -> Table:
        """Mark every known cell of some variables as estimated, with the rule that made it."""
        statuts = self.statuts.copy()
        texts = dict(self.regles)
        for variable, regle in regles.items():
            known = statuts[variable] <= Statut.ESTIME
            statuts.loc[known, variable] = np.int8(Statut.ESTIME)
            texts[variable] = pd.Series(np.where(known, regle, ""), index=statuts.index)
        return Table(self.source, self.millesime, self.cog, self.values, statuts, texts)
