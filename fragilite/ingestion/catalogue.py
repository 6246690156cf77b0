"""The catalogue of sources (``sources.toml``) as typed records."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fragilite.table import Variable


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VariableRecord(_Record):
    """A variable of a source: label, unit, and how it behaves when communes are put together."""

    libelle: str
    unite: str
    nature: Literal["effectif", "mediane"] = "effectif"
    poids: str | None = None

    @property
    def variable(self) -> Variable:
        """The same, for the arithmetic."""
        return Variable(self.nature, self.poids)


class Source(_Record):
    """A data set of a publisher.

    Attributes
    ----------
    sans_ligne : {"zero", "absent"}
        What a commune without a row is worth: nothing (zero), or unknown (absent).
    verifiee_le : str
        ISO date on which somebody opened ``page``; empty until then.
    """

    editeur: str
    titre: str
    page: str
    licence: str
    attribution: str
    cadence: str
    sans_ligne: Literal["zero", "absent"]
    verifiee_le: str
    variables: dict[str, VariableRecord] = {}


@cache
def load_sources() -> dict[str, Source]:
    """Every source of the catalogue, by its key."""
    text = (files("fragilite") / "ingestion/sources.toml").read_text(encoding="utf-8")
    return {key: Source(**record) for key, record in tomllib.loads(text).items()}


@cache
def source_of_variables() -> dict[str, str]:
    """The source each variable belongs to."""
    return {name: key for key, source in load_sources().items() for name in source.variables}
