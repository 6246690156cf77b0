"""The roadmap: N posts shared, what it is worth, and which rule forbids it when none exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fragilite.errors import UsageError
from fragilite.french import listing, number, plural
from fragilite.siting.plans import Plan, plan_of, shared_communes
from fragilite.siting.problem import Ground, Model, Rules, Settings, model
from fragilite.siting.sectors import search

#: Seconds given to each question « would it do without this rule? », and the gap that is enough.
ASIDE, LOOSE = 15.0, 0.2


@dataclass(frozen=True)
class Roadmap:
    """A plan and what is proven of it.

    Attributes
    ----------
    plan : Plan
    modele : Model
    base : ndarray of int64, shape (units,)
        The plan in the model's numbers.
    valeur : float
        Mean distance to the base per person, cuts of EPCI included, in the ground's unit.
    borne : float
        Under which no plan that keeps the rules goes.
    ecart : float
        (valeur - borne) / valeur.
    temps : bool
        Stopped before the gap asked.
    messages : list of str
        What the reader must know, in French.
    """

    plan: Plan
    modele: Model
    base: np.ndarray
    valeur: float
    borne: float
    ecart: float
    temps: bool
    messages: list[str]


def roadmap(
    ground: Ground, settings: Settings, rules: Rules | None = None, nom: str = "Proposition"
) -> Roadmap:
    """Share a territory between posts.

    Parameters
    ----------
    ground : Ground
    settings : Settings
    rules : Rules, optional
    nom : str
        Of the plan.

    Returns
    -------
    Roadmap

    Raises
    ------
    UsageError
        More posts than communes, nobody to accompany, or rules that no plan keeps: those that alone
        forbid it are named.
    """
    rules = rules or Rules()
    asked = model(ground, rules, settings)
    found = search(asked, settings.ecart, settings.temps_max)
    if found.base is None:
        raise _impossible(ground, rules, settings, proven=np.isinf(found.borne))
    gap = (found.valeur - found.borne) / found.valeur if found.valeur > 0 else 0.0
    messages = [*ground.messages, *shared_communes(ground, asked)]
    if found.temps:
        messages.append(
            f"Recherche arrêtée avant l'écart visé : ce plan est au plus à {number(100 * gap, 1)} %"
            " du meilleur possible."
        )
    return Roadmap(
        plan_of(asked, found.base, nom), asked, found.base,
        found.valeur, found.borne, gap, found.temps, messages,
    )  # fmt: skip


def _impossible(ground: Ground, rules: Rules, settings: Settings, *, proven: bool) -> UsageError:
    """The error that names the rules without which a plan exists."""
    guilty = [
        name
        for name, fewer, other in _relaxations(ground, rules, settings)
        if _possible(ground, fewer, other)
    ]
    posts = plural(settings.postes, "secteur")
    start = f"Aucun partage en {posts} ne tient toutes les règles"
    if not proven:
        start = f"Aucun partage en {posts} trouvé en {number(settings.temps_max)} s"
    if guilty:
        return UsageError(
            f"{start} ; il en existe un sans : {' ; ou sans : '.join(guilty)}.",
            "Assouplissez cette règle." if len(guilty) == 1 else "Assouplissez l'une d'elles.",
        )
    return UsageError(
        f"{start}, même en retirant une seule d'entre elles.",
        "Assouplissez-en plusieurs, ou changez le nombre de postes.",
    )


def _possible(ground: Ground, rules: Rules, settings: Settings) -> bool:
    try:
        return search(model(ground, rules, settings), LOOSE, ASIDE).base is not None
    except UsageError:
        return False


def _relaxations(
    ground: Ground, rules: Rules, settings: Settings
) -> Iterator[tuple[str, Rules, Settings]]:
    """Each rule, as it is said, and what is asked without it."""
    for place, kept in enumerate(rules.ensemble):
        rest = rules.ensemble[:place] + rules.ensemble[place + 1 :]
        yield f"garder ensemble {listing(kept)}", replace(rules, ensemble=rest), settings
    for code in rules.sans_base:
        rest_bases = tuple(other for other in rules.sans_base if other != code)
        name = f"sans base à {ground.noms[ground.places[code]]} ({code})"
        yield name, replace(rules, sans_base=rest_bases), settings
    for pair in rules.separer:
        rest_pairs = tuple(other for other in rules.separer if other != pair)
        yield f"séparer {pair[0]} et {pair[1]}", replace(rules, separer=rest_pairs), settings
    if rules.max_par_epci is not None:
        name = f"{plural(rules.max_par_epci, 'poste')} au plus par EPCI"
        yield name, replace(rules, max_par_epci=None), settings
    if rules.min_demi_journees:
        name = (
            f"{plural(rules.min_demi_journees, 'demi-journée')} au moins par commune et par cycle"
        )
        yield name, replace(rules, min_demi_journees=0), settings
    if rules.epci_entiers:
        yield "EPCI entiers", replace(rules, epci_entiers=False), settings
    share = number(100 * settings.tolerance)
    yield f"charges à {share} % près", rules, replace(settings, tolerance=1.0)
