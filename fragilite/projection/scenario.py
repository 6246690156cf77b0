"""The scenario of a build: its people grow older, and two stated assumptions on what they keep."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from fragilite.errors import FragiliteError, UsageError
from fragilite.method import Method, Part
from fragilite.pipeline import Build
from fragilite.projection import ageing
from fragilite.projection.ageing import LifeTable
from fragilite.table import Table

#: Codes of the two assumptions, in the file.
AGE, GENERATION = "age", "generation"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Horizon(_Record):
    """How many years after the data a scenario may go."""

    annees_max: int
    raison: str
    reference: str


class Mortalite(_Record):
    """Probabilities of dying by age, for 100 000."""

    quotients: list[float] = Field(min_length=100)
    raison: str
    reference: str

    @property
    def table(self) -> LifeTable:
        """The life table they make."""
        return LifeTable.of([one / 1e5 for one in self.quotients])


class Raison(_Record):
    """Something supposed, and why."""

    raison: str


class Hypothese(_Record):
    """What becomes of the difficulties of each."""

    code: str
    libelle: str
    raison: str


class Passage(_Record):
    """When a commune is one of passage: many more people of an age than of ten years older."""

    jeunes: tuple[int, int]
    aines: tuple[int, int]
    rapport: float
    raison: str
    remarque: str


class Suppositions(_Record):
    """The whole of ``projection.toml``."""

    version: str
    avertissement: str
    horizon: Horizon
    mortalite: Mortalite
    naissances: Raison
    ages: Raison
    migrations: Raison
    etendue: Raison
    hypotheses: list[Hypothese]
    passage: Passage
    colonnes: dict[str, str]


@cache
def suppositions() -> Suppositions:
    """What the scenario supposes, read once."""
    text = (files("fragilite.projection") / "projection.toml").read_text(encoding="utf-8")
    return Suppositions(**tomllib.loads(text))


@dataclass(frozen=True)
class Scenario:
    """A population grown older.

    Attributes
    ----------
    build : Build
    depart, annee : int
        Year of the census, year of the scenario.
    tranches : list of int
        First age of the bands that the census gives.
    parts : list of str
        Codes of the indicators that follow from ages alone (``part_65_plus``).
    communes : DataFrame
        ``code_insee``, ``nom``; ``population_depart``, ``population``; for each code of `parts`,
        ``<code>_depart`` and ``<code>``, in %; ``personnes_depart``, then ``personnes_age`` and
        ``personnes_generation`` under either assumption, ``personnes_min`` and
        ``personnes_max``; ``remarque``; ``avertissement``, in every row.
    groupes : DataFrame
        The same sums for ``niveau`` (``epci``, ``departement``), ``code``, ``nom``: whole ones.
    """

    build: Build
    depart: int
    annee: int
    tranches: list[int]
    parts: list[str]
    communes: pd.DataFrame
    groupes: pd.DataFrame


def project(build: Build, annee: int = 2035) -> Scenario:
    """Let the people of a build grow older, no one coming or going.

    Parameters
    ----------
    build : Build
    annee : int
        Year to reach.

    Returns
    -------
    Scenario

    Raises
    ------
    UsageError
        If that year is before the data or too far from them, or if nothing in the method follows
        from age.
    FragiliteError
        If no census at hand has ages.
    """
    table, bands = _bands(build)
    depart = int(table.millesime[:4])
    check_year(annee, depart)
    declared, method = suppositions(), build.method
    life = declared.mortalite.table
    now = ageing.single_ages(bands, life)
    later = ageing.aged(now, ageing.births(bands, life), life, annee - depart)
    rates = _rates(method, table, len(life.living))
    parts = [code for code, one in method.indicateurs.items() if _by_age(one.calcul)]
    if not parts and np.isnan(rates).all():
        raise UsageError(
            f"La méthode {method.methode.code} n'a rien qui suive de l'âge : ni part d'un âge, ni "
            "personnes à accompagner par tranche.",
            "Copiez la table [volume] de fragilite-2026, ou gardez sa méthode.",
        )
    counts = {
        "population_depart": now.sum(axis=1),
        "population": later.sum(axis=1),
        "personnes_depart": now @ rates,
        f"personnes_{AGE}": later @ rates,
        f"personnes_{GENERATION}": later @ ageing.of_generation(rates, annee - depart),
        "jeunes": now[:, _span(declared.passage.jeunes)].sum(axis=1),
        "aines": now[:, _span(declared.passage.aines)].sum(axis=1),
    }
    for code in parts:
        calcul = method.indicateurs[code].calcul
        assert isinstance(calcul, Part)
        for end, people in (("_depart", now), ("", later)):
            counts[f"{code}{end}:n"] = ageing.total(people, calcul.numerateur)
            counts[f"{code}{end}:d"] = ageing.total(people, calcul.denominateur)
    sums = pd.DataFrame(counts, index=bands.index)
    return Scenario(
        build, depart, annee, ageing.first_ages(bands), parts,
        _communes(build, sums, parts), _groups(build, sums, parts),
    )  # fmt: skip


def horizon(depart: int) -> int:
    """Last year that a scenario may reach from some data."""
    return depart + suppositions().horizon.annees_max


def check_year(annee: int, depart: int) -> None:
    """Refuse a year that the data have passed, or that they say nothing of.

    Raises
    ------
    UsageError
    """
    last, rule = horizon(depart), suppositions().horizon
    if annee <= depart:
        raise UsageError(
            f"--to {annee} : une année après {depart}, celle des données, est attendue.",
            f"De {depart + 1} à {last}, comme --to {min(2035, last)}.",
        )
    if annee > last:
        raise UsageError(
            f"--to {annee} : trop loin des données, qui sont de {depart}. {rule.raison}",
            f"Au plus --to {last}.",
        )


def _bands(build: Build) -> tuple[Table, pd.DataFrame]:
    """The newest census that has ages, and its age bands, the finest it makes."""
    tables = sorted(build.inputs.tables.values(), key=lambda one: one.millesime, reverse=True)
    for table in tables:
        bands = ageing.bands_of(table.values.reindex(build.inputs.communes.index))
        if bands is not None:
            return table, bands
    raise FragiliteError(
        f"Aucun âge à portée pour {build.inputs.territory.libelle} : rien à faire vieillir.",
        "La source insee_rp est nécessaire : fragilite fetch insee_rp",
    )


def _rates(method: Method, table: Table, ages: int) -> np.ndarray:
    """Rate of each age, as a share: of the first age bands of the method that the census has.

    Unknown where it has none of them, or where the method does not say who is to be accompanied.
    """
    for tranches in method.age_bands:
        names = [name for tranche in tranches for name in tranche.effectifs]
        if set(names) <= set(table.values) and all(ageing.age_range(name) for name in names):
            found: dict[tuple[int, int], float] = {}
            for tranche in tranches:
                for name in tranche.effectifs:
                    band = ageing.age_range(name)
                    assert band is not None
                    found[band] = tranche.taux / 100
            return ageing.rate_by_age(found, ages)
    return np.full(ages, np.nan)


def _by_age(calcul: object) -> bool:
    """Whether a figure follows from ages alone."""
    return isinstance(calcul, Part) and all(ageing.age_range(name) for name in calcul.variables)


def _span(ages: tuple[int, int]) -> slice:
    return slice(ages[0], ages[1] + 1)


def _shown(sums: pd.DataFrame, parts: list[str]) -> pd.DataFrame:
    """The columns of a scenario, from what adds up."""
    declared = suppositions()
    table = sums[["population_depart", "population"]].copy()
    for code in parts:
        for name in (f"{code}_depart", code):
            whole = sums[f"{name}:d"]
            table[name] = 100 * sums[f"{name}:n"] / whole.where(whole > 0)
    both = sums[[f"personnes_{AGE}", f"personnes_{GENERATION}"]]
    table["personnes_depart"] = sums["personnes_depart"]
    table = table.join(both)
    table["personnes_min"] = both.min(axis=1, skipna=False)
    table["personnes_max"] = both.max(axis=1, skipna=False)
    passing = sums["jeunes"] > declared.passage.rapport * sums["aines"]
    table["remarque"] = np.where(passing, declared.passage.remarque, "")
    table["avertissement"] = declared.avertissement
    return table


def _communes(build: Build, sums: pd.DataFrame, parts: list[str]) -> pd.DataFrame:
    table = _shown(sums, parts)
    table.insert(0, "nom", build.inputs.communes["nom"])
    return table.reset_index(names="code_insee")


def _groups(build: Build, sums: pd.DataFrame, parts: list[str]) -> pd.DataFrame:
    """EPCI held whole, then départements held whole: sums of their communes."""
    communes = build.inputs.communes
    epci, departement = communes["code_epci"], communes["code_departement"]
    names = communes.drop_duplicates("code_departement").set_index("code_departement")
    levels: Mapping[str, tuple[pd.Series, pd.Series]] = {
        "epci": (epci.where(epci.isin(build.inputs.whole_epci)), build.inputs.epci["nom"]),
        "departement": (
            departement.where(departement.isin(build.inputs.territory.departements)),
            names["nom_departement"],
        ),
    }
    tables = []
    for level, (groups, labels) in levels.items():
        # A missing commune makes its group missing.
        whole = sums.groupby(groups).sum().where(~sums.isna().groupby(groups).any())
        table = _shown(whole, parts)
        table.insert(0, "nom", labels.reindex(table.index))
        table.insert(0, "code", table.index)
        table.insert(0, "niveau", level)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
