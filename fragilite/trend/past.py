"""The figures of a build as they were: the same communes, the same method, earlier vintages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from fragilite import indicators
from fragilite.carry import carry
from fragilite.indicators import Figure
from fragilite.ingestion.catalogue import load_sources, source_of_variables
from fragilite.ingestion.lots import Lot
from fragilite.ingestion.series import earlier_tables
from fragilite.inputs import Inputs, population
from fragilite.method import Grandeur, Method
from fragilite.pipeline import Build
from fragilite.table import Table
from fragilite.vintages import is_later, moment


def source_of(figure: Grandeur) -> str:
    """Source that a figure is read from: it has one only."""
    return source_of_variables()[figure.calcul.variables[0]]


def compared(method: Method) -> dict[str, Grandeur]:
    """Figures of a method that are followed over time: those scored, then the context."""
    return {**method.indicateurs, **method.contexte}


def only(method: Method, codes: Collection[str]) -> Method:
    """A method cut to some of its figures: others may have no value, or no reference, then."""
    sections = ("indicateurs", "contexte", "effectifs")
    kept = {
        name: {code: one for code, one in getattr(method, name).items() if code in codes}
        for name in sections
    }
    return method.model_copy(update=kept)


@dataclass(frozen=True)
class Past:
    """Earlier vintages at hand for a build.

    Attributes
    ----------
    build : Build
    tables : dict of (source, vintage) to Table
        Each in its own geography.
    lots : list of Lot
        Provenance of those that the build had not read.
    notes : list of str
        What could not be read, in French.
    """

    build: Build
    tables: Mapping[tuple[str, str], Table]
    lots: list[Lot]
    notes: list[str]

    @classmethod
    def of(cls, build: Build) -> Past:
        """What is at hand of the sources of a build, without any download."""
        newest: dict[str, str] = {}
        for code, figure in compared(build.method).items():
            millesime, source = build.result.figures[code].millesime, source_of(figure)
            if millesime and is_later(millesime, newest.get(source, "0000")):
                newest[source] = millesime
        found, notes = earlier_tables(build.inputs.territory, build.options, newest)
        inside = {
            key: table
            for key, table in build.inputs.tables.items()
            if key[0] in newest and is_later(newest[key[0]], key[1])
        }
        taken = {(lot.source, lot.millesime): table for lot, table in found}
        return cls(build, taken | inside, [lot for lot, _ in found], notes)

    def vintages(self, figure: Grandeur, before: str) -> list[str]:
        """Vintages older than `before` that have every variable of a figure, the newest first."""
        source, wanted = source_of(figure), set(figure.calcul.variables)
        found = [
            vintage
            for (name, vintage), table in self.tables.items()
            if name == source and wanted <= set(table.values) and is_later(before, vintage)
        ]
        return sorted(found, key=moment, reverse=True)

    @cached_property
    def known(self) -> list[str]:
        """Every earlier vintage at hand, the newest first."""
        return sorted({vintage for _, vintage in self.tables}, key=moment, reverse=True)

    def figures(self, source: str, vintage: str, codes: Collection[str]) -> dict[str, Figure]:
        """Some figures of a source, on the communes of the build, in an earlier vintage."""
        inputs = self._inputs(self.build.inputs, source, vintage)
        return indicators.compute(inputs, only(self.build.method, codes))

    def people(self, source: str, vintage: str) -> pd.Series:
        """Inhabitants then, or those of today where that vintage does not tell."""
        inputs = self._inputs(self.build.inputs, source, vintage)
        here = inputs.tables[source, vintage]
        today = population(self.build.inputs).reindex(here.values.index)
        return here.values["pop"].fillna(today) if "pop" in here.values else today

    def _inputs(self, inputs: Inputs, source: str, vintage: str) -> Inputs:
        """The figures of a frame, a source being of one vintage only."""
        record, table = load_sources()[source], self.tables[source, vintage]
        people = inputs.newest(["pop"])
        carried = carry(
            table,
            inputs.annee,
            inputs.communes.index,
            {name: one.variable for name, one in record.variables.items()},
            sans_ligne_zero=record.sans_ligne == "zero",
            populations=None if people is None else people.values["pop"],
            couverture=self.build.method.couverture_min.valeur,
        )
        others = {key: one for key, one in inputs.tables.items() if key[0] != source}
        return replace(
            inputs,
            tables=others | {(source, vintage): carried},
            surroundings=(lambda: self._inputs(inputs.around, source, vintage))
            if inputs.surroundings
            else None,
        )
