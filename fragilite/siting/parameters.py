"""Declared settings of the reach and of the roadmap: value, unit, reason, reference."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Parameter:
    """One declared number, or list of numbers.

    Attributes
    ----------
    valeur : float or tuple of float
    unite, raison, reference : str
        In French, as the reader of a roadmap sees them.
    """

    valeur: float | tuple[float, ...]
    unite: str
    raison: str
    reference: str


@cache
def parameters() -> Mapping[str, Parameter]:
    """Every declared setting, by its name in ``parametres.toml``."""
    text = (files("fragilite.siting") / "parametres.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            name: Parameter(
                tuple(block["valeur"]) if isinstance(block["valeur"], list) else block["valeur"],
                block["unite"],
                block["raison"],
                block["reference"],
            )
            for name, block in tomllib.loads(text).items()
        }
    )


def declared(name: str) -> float:
    """Value of a declared number.

    Examples
    --------
    >>> declared("facteur_detour")
    1.3
    """
    found = parameters()[name].valeur
    assert not isinstance(found, tuple)
    return found


def declared_radii() -> tuple[float, ...]:
    """Radii of the reach, in km."""
    found = parameters()["rayons_km"].valeur
    assert isinstance(found, tuple)
    return found
