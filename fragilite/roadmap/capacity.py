"""What existing means serve, where somebody says how many people a means serves.

No capacity is assumed: open data do not publish it. What a coordinator states (``--capacite``) is
written beside every figure that it changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fragilite.errors import UsageError
from fragilite.faults import did_you_mean
from fragilite.french import number
from fragilite.places.counts import RECOIVENT
from fragilite.places.schema import schema

#: The key of a capacity per full-time equivalent; the others are kinds of places.
PER_POST = "etp"


def parse_capacities(texts: Sequence[str]) -> dict[str, float]:
    """Read ``france_services=400``: people served by one place of a kind, or by one full-time post.

    Raises
    ------
    UsageError
        If the kind is unknown, or the number is not one.

    Examples
    --------
    >>> parse_capacities(["etp=300", "France services = 400"])
    {'etp': 300.0, 'france_services': 400.0}
    """
    found: dict[str, float] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        kind = name.lower() if name.lower() == PER_POST else schema().code_of("type", name)
        if not sign or not kind:
            known = [PER_POST, *schema().words("type")]
            raise UsageError(
                f"--capacite : « {text} » non compris.{did_you_mean(name, known)}",
                f"Exemple : --capacite france_services=400 ; clés : {', '.join(known)}.",
            )
        found[kind] = _people(value, text)
    return found


def _people(value: str, text: str) -> float:
    try:
        people = float(value.replace(",", "."))
    except ValueError:
        people = np.nan
    if not 0 <= people < np.inf:
        raise UsageError(
            f"--capacite : « {text} », un nombre de personnes attendu, 0 au moins.",
            "Exemple : --capacite france_services=400",
        )
    return people


def served(counts: pd.DataFrame, capacities: Mapping[str, float], codes: pd.Index) -> pd.Series:
    """People served in each commune by its known places.

    A place that states its full-time equivalents counts by these where their capacity is stated;
    any other, by what is stated for its kind.

    Parameters
    ----------
    counts : DataFrame
        From :func:`fragilite.places.counts.counts`.
    capacities : mapping of str to float
        From :func:`parse_capacities`.
    codes : Index
        Communes.

    Returns
    -------
    Series of float64
        By ``code_insee``; NaN where nothing stated applies to any place.
    """
    places = by_kind(counts, "type", codes)
    with_posts, posts = by_kind(counts, "etp_lieux", codes), by_kind(counts, "etp_total", codes)
    found = pd.Series(np.nan, index=codes)
    for kind in sorted({*places, *posts}):
        if PER_POST in capacities:
            some = posts[kind].where(with_posts[kind] > 0) if kind in posts else np.nan
            found = found.add(capacities[PER_POST] * some, fill_value=0)
        if kind in capacities:
            without = places[kind]
            if PER_POST in capacities and kind in with_posts:
                without = without - with_posts[kind]
            found = found.add(capacities[kind] * without.where(without > 0), fill_value=0)
    return found.reindex(codes)


def by_kind(counts: pd.DataFrame, measure: str, codes: pd.Index) -> pd.DataFrame:
    """A measure by commune (rows) and modality (columns), 0 where there is none."""
    rows = counts[counts["mesure"] == measure]
    table = rows.pivot_table(
        index="code_insee", columns="modalite", values="nombre", aggfunc="sum", fill_value=0.0
    )
    return table.reindex(codes, fill_value=0.0)


def receiving(counts: pd.DataFrame, codes: pd.Index) -> pd.Series:
    """Known places that receive, by commune."""
    states = by_kind(counts, "lieux", codes)
    return states[[state for state in RECOIVENT if state in states]].sum(axis=1)


def said(capacities: Mapping[str, float], people: float) -> str:
    """What is assumed of existing means, in French.

    Parameters
    ----------
    capacities : mapping of str to float
    people : float
        Taken off the need, in all.
    """
    if not capacities:
        return (
            "Capacité des lieux existants : inconnue, aucune liste ne la publie. Rien n'est "
            "retranché ; --capacite france_services=400, par exemple, en pose une."
        )
    labels = {PER_POST: "équivalent temps plein"} | {
        code: word.libelle for code, word in schema().words("type").items()
    }
    stated = ", ".join(f"{labels[key]} {number(value)}" for key, value in capacities.items())
    return (
        f"Capacité posée, en personnes par lieu et par an : {stated}. {number(people)} personnes "
        "sont retranchées des besoins des communes de ces lieux."
    )
