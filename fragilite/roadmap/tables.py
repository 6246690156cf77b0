"""The tables of a roadmap, one dictionary for all of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from fragilite.dictionary import Column
from fragilite.roadmap.study import Outcome, Study

#: Where the columns come from, as a dictionary says it.
SOURCE = "feuille de route"


@cache
def _records() -> dict[str, dict[str, Any]]:
    text = (files("fragilite.roadmap") / "dictionnaire.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def columns(unit: str = "km") -> dict[str, Column]:
    """Columns of every table, by name.

    Parameters
    ----------
    unit : str
        Of the distances: ``km`` or ``min``.
    """
    return {
        name: Column(
            name, source=SOURCE, **record | {"unite": record["unite"].format(distance=unit)}
        )
        for name, record in _records().items()
    }


def sector_name(number: int, base: str) -> str:
    """``Secteur 1 · Saumur``."""
    return f"Secteur {number} · {base}"


def posts(study: Study) -> pd.DataFrame:
    """One row per scenario and post."""
    return _stacked([(one, one.postes) for one in study.scenarios])


def communes(study: Study) -> pd.DataFrame:
    """One row per scenario, sector and commune."""
    tables = [
        (one, one.communes.rename(columns={"charge": "charge_personnes"}))
        for one in study.scenarios
    ]
    return _stacked(tables)


def calendar(study: Study) -> pd.DataFrame:
    """One row per scenario, sector and half-day."""
    return _stacked([(one, one.passages.calendrier) for one in study.scenarios])


def plans(study: Study) -> pd.DataFrame:
    """Each scenario's plan, the naive one and today's places."""
    return _stacked([(one, one.plans) for one in study.scenarios])


def _stacked(tables: list[tuple[Outcome, pd.DataFrame]]) -> pd.DataFrame:
    parts = []
    for one, table in tables:
        named = table.copy()
        named.insert(0, "scenario", one.scenario.code)
        if "secteur" in named:
            bases = one.postes.set_index("secteur")["nom_base"]
            names = [sector_name(at, bases[at]) for at in named["secteur"]]
            named.insert(2, "nom_secteur", names)
        parts.append(named)
    return pd.concat(parts, ignore_index=True)


#: Every table, by the name of its sheet.
TABLES: Mapping[str, Callable[[Study], pd.DataFrame]] = {
    "Postes": posts,
    "Communes": communes,
    "Calendrier": calendar,
    "Comparaison": plans,
}
