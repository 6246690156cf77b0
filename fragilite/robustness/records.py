"""What is drawn, and what the draws say: records of the uncertainty analyses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel

from fragilite.method import Incertitude, Method
from fragilite.scoring import Indice
from fragilite.shrinkage import Smoothed

#: Seed of the published figures.
SEED = 20261121
#: Share of the territories that make the first fifth.
FIFTH = 0.2
#: Of the names of a share and of the bounds of its interval.
ENDS = ("", "_min", "_max")


@dataclass(frozen=True)
class Noise:
    """What is known of the noise of the data.

    Attributes
    ----------
    modele : str
        ``sondage``: sampling error of the principal census, null under `exhaustif` inhabitants,
        where everyone is surveyed once in five years. ``superpopulation`` (« instabilité des petits
        effectifs »): adds the chance that made these few people what they are, in every commune.
    taux_sondage : float
        Share of dwellings surveyed in five years, f: 8 % a year in the larger communes.
    effet_plan : float
        Design effect of the census, stated and not published (variants: 1 and 2).
    exhaustif : float
        Inhabitants from which a commune is surveyed by sample.
    imbriques : sequence of sequences of str
        Shares of the same people, each counted in the one before it (65 or over, then 80 or over
        living alone): drawn together.
    arrondis : mapping of str to float
        Rounding step of a published figure, in the indicator's unit.
    lisses : mapping of str to Smoothed
        Smoothed shares, whose indicator values are then ``100 · parts``: they are drawn around
        these with their posterior standard deviation, together with their chain.
    enquetes : sequence of str
        Shares of people asked by a local survey, whatever the commune: each varies by
        p̃(1−p̃)/n, n being the people asked, under both models.
    """

    modele: Literal["sondage", "superpopulation"] = "superpopulation"
    taux_sondage: float = 0.4
    effet_plan: float = 1.5
    exhaustif: float = 10_000
    imbriques: Sequence[Sequence[str]] = ()
    arrondis: Mapping[str, float] = field(default_factory=dict)
    lisses: Mapping[str, Smoothed] = field(default_factory=dict)
    enquetes: Sequence[str] = ()

    @classmethod
    def of(cls, rules: Incertitude | None) -> Noise:
        """What a method declares; the usual values where it declares nothing."""
        return cls() if rules is None else cls(**_declared(rules.donnees))

    def factor(self, population: np.ndarray) -> np.ndarray:
        """Variance of a census share due to the survey, in units of p(1−p)/N.

        deff·(1−f)/f where a share f is surveyed, 0 where everyone is.

        Source: Insee, « Le recensement de la population » : under 10 000 inhabitants, everyone once
        in five years; from 10 000 up, 8 % of the dwellings each year.
        """
        survey = self.effet_plan * (1 - self.taux_sondage) / self.taux_sondage
        return np.where(population >= self.exhaustif, survey, 0.0)


@dataclass(frozen=True)
class Choices:
    """Choices of method that are drawn.

    Attributes
    ----------
    concentration : float
        Of the Dirichlet of the weights at each node, around the declared ones (variants: 10, 100):
        a weight w has the standard deviation √(w(1−w)/(concentration+1)).
    normalisations, agregations : sequence of str
        A normalisation is drawn evenly, then evenly a mean that goes with it: a z-score goes with
        the arithmetic one only. Indicators with absolute bounds keep them.
    part_retrait : float
        Share of the draws that leave one indicator out.
    """

    concentration: float = 50.0
    normalisations: Sequence[str] = ("bornes", "rang_centile", "z_score")
    agregations: Sequence[str] = ("arithmetique", "geometrique", "harmonique")
    part_retrait: float = FIFTH

    @classmethod
    def of(cls, rules: Incertitude | None) -> Choices:
        """What a method declares; the usual values where it declares nothing."""
        return cls() if rules is None else cls(**_declared(rules.methode))


@dataclass(frozen=True)
class Seuils:
    """Shares of the draws in the first fifth that a reading asks for.

    Attributes
    ----------
    net, probable : float
        Least share, in both analyses, of a « signal net » and of a « signal probable ».
    sans : float
        Largest share, in both analyses, of « pas de signal ».
    """

    net: float = 0.9
    probable: float = 0.5
    sans: float = 0.1

    @classmethod
    def of(cls, rules: Incertitude | None) -> Seuils:
        """What a method declares; the usual values where it declares nothing."""
        return cls() if rules is None else cls(**_declared(rules.lecture))


def rules_of(method: Method | Indice) -> Incertitude | None:
    """What a method declares of its uncertainty; None for an index that no file describes."""
    return method.incertitude if isinstance(method, Method) else None


def _declared(table: BaseModel) -> dict[str, Any]:
    """A table of the method, but for why it says so."""
    return table.model_dump(exclude={"raison", "reference"})


@dataclass(frozen=True)
class Draws:
    """Ranks over the draws of one analysis.

    Attributes
    ----------
    territoires : DataFrame, indexed as the indicators
        ``premier_cinquieme``: share of the draws in the first fifth, whose sum is
        K = ceil(0.2 · ranked), ties at the cut sharing it; ``rang_median``, ``rang_min_90``,
        ``rang_max_90`` (Int64): 50 %, 5 % and 95 % quantiles of the rank, 1 = most fragile.
        Missing where the declared method gives no index.
    tirages : DataFrame, shape (draws, …)
        What was drawn (choices of method only: ``normalisation``, ``agregation``, ``retire``, one
        column ``poids_<child>`` per weight) and ``deplacement``, mean shift of the ranks.
    """

    territoires: pd.DataFrame
    tirages: pd.DataFrame


@dataclass(frozen=True)
class Uncertainty:
    """Both analyses.

    Attributes
    ----------
    territoires : DataFrame, indexed as the indicators
        ``rang_median``, ``rang_min_90``, ``rang_max_90``, ``proba_premier_cinquieme`` (noise of the
        data), ``part_scenarios_premier_cinquieme`` (choices of method), ``lecture``.
    donnees : Draws or None
        None without denominators.
    methode : Draws
    remarques : list of str
        In French: what could not be done, and why.
    """

    territoires: pd.DataFrame
    donnees: Draws | None
    methode: Draws
    remarques: list[str]


@dataclass(frozen=True)
class Sensitivity:
    """Which choices of method move the ranks.

    Attributes
    ----------
    facteurs : DataFrame
        One row per choice, the heaviest first: ``code``, ``libelle``, ``premier_ordre`` and
        ``total``, shares of the variance of the mean shift, each with ``_min`` and ``_max``, bounds
        of its interval at 95 %. Without rows where ranks do not move.
    moyenne : float
        Mean over the runs of the mean shift, in ranks.
    territoires : int
        Ranked territories.
    tirages, runs : int
        Base sample, and how many times the index was computed.
    remarques : list of str
        In French: what could not be done, and why.
    phrase : str
        In French: which choice matters most.
    """

    facteurs: pd.DataFrame
    moyenne: float
    territoires: int
    tirages: int
    runs: int
    remarques: list[str]
    phrase: str

    @classmethod
    def without_indices(cls, territoires: int, remarques: list[str]) -> Sensitivity:
        """Say that ranks do not move, or that there are none."""
        shares = [f"{name}{end}" for name in ("premier_ordre", "total") for end in ENDS]
        empty = pd.DataFrame({"code": [], "libelle": []}, dtype=str)
        return cls(
            empty.join(pd.DataFrame(columns=shares, dtype=np.float64)),
            0.0 if territoires else np.nan, territoires, 0, 0, remarques, remarques[-1],
        )  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """The same, ready for JSON."""
        moyenne = None if np.isnan(self.moyenne) else self.moyenne
        return {
            "facteurs": self.facteurs.to_dict("records"),
            "deplacement_moyen": moyenne,
            "territoires": self.territoires,
            "tirages": self.tirages,
            "calculs": self.runs,
            "a_savoir": list(self.remarques),
            "phrase": self.phrase,
        }
