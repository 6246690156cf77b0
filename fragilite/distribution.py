"""The distribution of each indicator over the communes of France, as it travels with the program.

It shows a single département its place in France, and gives the normalisations that compare what
they compare with, without any national file. `tools/france.py` makes it from a national build.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from fragilite.method import Method
from fragilite.scoring import Reference

#: Percentiles kept of each distribution.
STEPS = np.arange(101)


@dataclass(frozen=True)
class Distribution:
    """An indicator, or a node, over the communes of France.

    Attributes
    ----------
    communes : int
        Communes that have a value.
    moyenne : float
        Mean over communes, each counting one; ``ecart_type`` likewise (ddof 1).
    moyenne_ponderee : float
        Mean weighted by population.
    quantiles : tuple of float
        101 percentiles of the communes, each counting one.
    millesime : str
        Vintage of the data.
    """

    communes: int
    moyenne: float
    ecart_type: float
    moyenne_ponderee: float
    quantiles: tuple[float, ...]
    millesime: str

    def place(self, value: float) -> float:
        """Share of the communes of France below a value, in % (ties half below)."""
        low = np.searchsorted(self.quantiles, value, side="left")
        high = np.searchsorted(self.quantiles, value, side="right")
        if low < high:  # on one percentile or on several that are equal
            return float(np.clip((low + high - 1) / 2, 0, 100))
        return float(np.clip(np.interp(value, self.quantiles, STEPS), 0, 100))


@dataclass(frozen=True)
class France:
    """Distributions of a national build, and what it was.

    Attributes
    ----------
    libelle : str
        What the figures are, for readers.
    methode : str
        Code and version of the method.
    comptes : tuple of str
        Indicators that were scored.
    distributions : dict of str to Distribution
    """

    libelle: str
    methode: str
    comptes: tuple[str, ...]
    distributions: Mapping[str, Distribution]

    def place(self, code: str, value: float) -> float | None:
        """Share of the communes of France below a value of an indicator, in %."""
        found = self.distributions.get(code)
        return None if found is None or np.isnan(value) else found.place(value)

    def compares(self, method: Method, scored: Iterable[str]) -> bool:
        """Whether scores compare with these: same method, same indicators scored."""
        header = method.methode
        same = self.methode == f"{header.code} {header.version}"
        return same and set(self.comptes) == set(scored)

    def references(self, method: Method) -> dict[str, Reference]:
        """What the indicators of a method are compared with, where it is known."""
        found = {
            code: self.distributions.get(method.scored_column(code)) for code in method.indicateurs
        }
        return {
            code: Reference(np.array(one.quantiles), one.moyenne, one.ecart_type)
            for code, one in found.items()
            if one is not None
        }


@cache
def france() -> France:
    """The distributions that travel with the program."""
    data = json.loads((files("fragilite") / "bundled/france.json").read_text(encoding="utf-8"))
    return France(
        data["libelle"],
        data["methode"],
        tuple(data["comptes"]),
        {
            code: Distribution(**record | {"quantiles": tuple(record["quantiles"])})
            for code, record in data["distributions"].items()
        },
    )
