"""Ageing of a population: bands made into single ages, one year at a time. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Beyond any age.
ALL = 200


@dataclass(frozen=True)
class LifeTable:
    """Survival from each age to the next, all of shape (ages,); the last age is « or more ».

    Attributes
    ----------
    living : ndarray of float64
        Years lived at each age by one birth: what each age weighs in a still population.
    survival : ndarray of float64
        Share of those of an age who are alive, one year older, a year later.
    """

    living: np.ndarray
    survival: np.ndarray

    @classmethod
    def of(cls, quotients: Sequence[float]) -> LifeTable:
        """Life table of probabilities of dying before the next birthday.

        With l the survivors at each birthday, those of an age live L = (l + l⁺) / 2 years in it,
        and S = L⁺ / L of them reach the next age; at the last, S = 1 − q and L = l·(1/q − ½).

        Source: Preston, Heuveline and Guillot (2001), Demography, chapters 3 and 6.

        Examples
        --------
        >>> table = LifeTable.of([0.0, 0.5, 1.0])
        >>> table.living.tolist(), table.survival.tolist()
        ([1.0, 0.75, 0.25], [0.75, 0.3333333333333333, 0.0])
        """
        dying = np.asarray(quotients, dtype=np.float64)
        alive = np.concatenate([[1.0], np.cumprod(1 - dying)])
        living = (alive[:-1] + alive[1:]) / 2
        survival = np.append(living[1:] / living[:-1], 1 - dying[-1])
        living[-1] = alive[-2] * (1 / dying[-1] - 0.5)
        return cls(living, survival)


def age_range(variable: str) -> tuple[int, int] | None:
    """First age of a count of people by age, and the first one after; None for another count.

    Examples
    --------
    >>> age_range("pop_65_79"), age_range("pop_95_plus"), age_range("pop")
    ((65, 80), (95, 200), (0, 200))
    >>> age_range("pop_80_plus_vivant_seuls") is None
    True
    """
    if variable == "pop":
        return 0, ALL
    if found := re.fullmatch(r"pop_(\d+)_(\d+)", variable):
        return int(found[1]), int(found[2]) + 1
    found = re.fullmatch(r"pop_(\d+)_plus", variable)
    return (int(found[1]), ALL) if found else None


def bands_of(counts: pd.DataFrame) -> pd.DataFrame | None:
    """The finest age bands that some counts make, whatever the layout they come in.

    Narrow bands that follow one another from 0 are taken first; a count « of 65 or over » then
    cuts one of them in two.

    Parameters
    ----------
    counts : DataFrame of float64, shape (places, variables)
        Columns are variables; those that are no age are left out.

    Returns
    -------
    DataFrame or None
        One column a band, named by its first age, in order; the last one is « or more ». None where
        the bands do not follow one another up to the oldest.

    Examples
    --------
    >>> counts = pd.DataFrame({"pop_0_14": [10.0], "pop_15_79": [60.0], "pop_80_plus": [5.0],
    ...                        "pop_65_plus": [15.0]})
    >>> bands_of(counts).to_dict("list")
    {0: [10.0], 15: [50.0], 65: [10.0], 80: [5.0]}
    """
    names = [str(name) for name in counts]
    ranges = {name: found for name in names if (found := age_range(name))}
    following: dict[int, str] = {}
    at = 0
    while at < ALL:
        here = [name for name, (first, _) in ranges.items() if first == at and name != "pop"]
        if not here:
            return None
        following[at] = min(here, key=lambda name: ranges[name][1])
        at = ranges[following[at]][1]
    firsts = list(following)
    tails = counts[list(following.values())].to_numpy(np.float64)[:, ::-1].cumsum(axis=1)[:, ::-1]
    above = dict(zip(firsts, tails.T, strict=True))
    for name, (first, last) in ranges.items():
        if last == ALL and first not in above:
            above[first] = counts[name].to_numpy(np.float64)
    cuts = sorted(above)
    ends = [*(above[cut] for cut in cuts[1:]), np.zeros(len(counts))]
    cells = {cut: np.maximum(above[cut] - end, 0) for cut, end in zip(cuts, ends, strict=True)}
    return pd.DataFrame(cells, index=counts.index)


def first_ages(bands: pd.DataFrame) -> list[int]:
    """First age of each band."""
    return [int(str(name)) for name in bands]


def single_ages(bands: pd.DataFrame, table: LifeTable) -> np.ndarray:
    """People at each age, shape (places, ages): inside a band, as in the life table.

    Examples
    --------
    >>> table = LifeTable.of([0.0, 0.5, 1.0])
    >>> single_ages(pd.DataFrame({0: [7.0], 2: [3.0]}), table).tolist()
    [[4.0, 3.0, 3.0]]
    """
    firsts = first_ages(bands)
    ages = len(table.living)
    made = np.zeros((len(bands), ages))
    for first, last in zip(firsts, [*firsts[1:], ages], strict=True):
        inside = slice(min(first, ages - 1), max(last, first + 1))
        weights = table.living[inside] / table.living[inside].sum()
        made[:, inside] += bands[first].to_numpy()[:, None] * weights
    return made


def births(bands: pd.DataFrame, table: LifeTable) -> np.ndarray:
    """Yearly births that the youngest band is the survivors of, in a still population."""
    first, second = first_ages(bands)[:2]
    youngest: np.ndarray = bands[first].to_numpy() / table.living[first:second].sum()
    return youngest


def aged(people: np.ndarray, births: np.ndarray, table: LifeTable, years: int) -> np.ndarray:
    """The same people some years later, no one coming or going, with the births of each year.

    Parameters
    ----------
    people : ndarray of float64, shape (places, ages)
    births : ndarray of float64, shape (places,)
        Of each year.

    Examples
    --------
    >>> table = LifeTable.of([0.0, 0.5, 1.0])
    >>> aged(np.array([[4.0, 3.0, 3.0]]), np.array([4.0]), table, 1).round(9).tolist()
    [[4.0, 3.0, 1.0]]
    """
    for _ in range(years):
        alive = people * table.survival
        people = np.column_stack([births * table.living[0], alive[:, :-1]])
        people[:, -1] += alive[:, -1]
    return people


def rate_by_age(rates: Mapping[tuple[int, int], float], ages: int) -> np.ndarray:
    """Rate of each age, shape (ages,), from those of bands; 0 outside them.

    Examples
    --------
    >>> rate_by_age({(1, 3): 0.5, (3, ALL): 0.8}, 5).tolist()
    [0.0, 0.5, 0.5, 0.8, 0.8]
    """
    found = np.zeros(ages)
    for (first, last), rate in rates.items():
        found[first:last] = rate
    return found


def of_generation(rates: np.ndarray, years: int) -> np.ndarray:
    """Rate that each age would have if people kept theirs for some years.

    Those too young to have one take that of the youngest who have; those not counted then, still
    too young, have none.

    Examples
    --------
    >>> of_generation(np.array([0.0, 0.0, 0.1, 0.2, 0.6]), 1).tolist()
    [0.0, 0.0, 0.1, 0.1, 0.2]
    """
    counted = np.flatnonzero(rates)
    if not len(counted):
        return rates
    youngest = int(counted[0])
    places = np.arange(len(rates))
    then = np.maximum(places - years, youngest)
    return np.where(places < youngest, 0.0, rates[then])


def total(people: np.ndarray, variables: Iterable[str]) -> np.ndarray:
    """People of some counts by age, shape (places,)."""
    ages = people.shape[1]
    found = np.zeros(len(people))
    for name in variables:
        first, last = age_range(name) or (0, 0)
        found += people[:, min(first, ages) : last].sum(axis=1)
    return found
