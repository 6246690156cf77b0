"""What may be compared over time: the declared list of breaks (``comparaisons.toml``)."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from fragilite.ingestion.catalogue import load_sources
from fragilite.vintages import is_later, moment


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rupture(_Record):
    """A break: nothing up to `avant` compares with anything from `apres` on.

    Nothing compares with anything if neither is given.

    Attributes
    ----------
    source : str
        Key of the catalogue.
    variables : list of str
        Names, or patterns of names, that it concerns; empty is the whole source.
    """

    source: str
    variables: list[str] = []
    avant: str = ""
    apres: str = ""
    raison: str
    reference: str

    @model_validator(mode="after")
    def _check(self) -> Rupture:
        """A break lies between two vintages of a source of the catalogue, or has none."""
        if self.source not in load_sources():
            raise ValueError(f"unknown source: {self.source}")
        if bool(self.avant) != bool(self.apres):
            raise ValueError("avant and apres go together")
        return self

    def stops(self, source: str, variables: list[str], avant: str, apres: str) -> bool:
        """Whether it lies between two vintages of some variables."""
        if source != self.source or not self._concerns(variables):
            return False
        if not self.avant:
            return True
        return not is_later(avant, self.avant) and not is_later(self.apres, apres)

    def _concerns(self, variables: list[str]) -> bool:
        return not self.variables or any(
            fnmatchcase(name, pattern) for name in variables for pattern in self.variables
        )


class Recensement(_Record):
    """How far apart two vintages of the census must be, and what is said of their noise.

    ``sans_bruit`` says why a figure whose noise no method declares is not compared.
    """

    ecart_min: int
    raison: str
    reference: str
    sans_bruit: str
    independance: str


class Part(_Record):
    """A part of the change of an index: indicators that read some variables."""

    code: str
    libelle: str
    variables: list[str] = []


class Colonne(_Record):
    """A column of the files of a build: what is said of one of the same name unless it says."""

    libelle: str
    type: Literal["string", "number"]
    unite: str
    description: str = ""


class Comparaisons(_Record):
    """The whole file."""

    version: str
    recensement: Recensement
    ruptures: list[Rupture]
    parts: list[Part]
    reste: Part
    colonnes: dict[str, str]
    tableau: dict[str, Colonne]


@cache
def load_comparisons() -> Comparaisons:
    """What ``comparaisons.toml`` declares, read once."""
    text = (files("fragilite.trend") / "comparaisons.toml").read_text(encoding="utf-8")
    return Comparaisons(**tomllib.loads(text))


def reason_to_stop(source: str, variables: list[str], avant: str, apres: str) -> str:
    """Why two vintages of some variables do not compare, ``""`` if they do.

    Examples
    --------
    >>> reason_to_stop("insee_rp", ["pop"], "2017", "2023")
    ''
    >>> reason_to_stop("insee_filosofi", ["niveau_de_vie_median"], "2021", "2023")[:13]
    'Les revenus d'
    """
    declared = load_comparisons()
    for rupture in declared.ruptures:
        if rupture.stops(source, variables, avant, apres):
            return rupture.raison
    near = moment(apres)[0] - moment(avant)[0] < declared.recensement.ecart_min
    if load_sources()[source].recensement and near:
        return declared.recensement.raison
    return ""
