"""What a roadmap is asked: a territory, rules that a coordinator can say, and how far to search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from fragilite.errors import UsageError
from fragilite.french import exact, listing, number, plural
from fragilite.siting.distances import METRES
from fragilite.siting.neighbours import bridged, components
from fragilite.siting.parameters import declared

#: A matrix of distances holds the square of this: 200 MB.
MOST_COMMUNES = 5_000
#: Communes per post that may always be bases.
CANDIDATES = 3
#: A commune of no EPCI is a group of its own, which nothing can cut.
ALONE = "commune "


@dataclass(frozen=True)
class Ground:
    """Communes, what each needs, how far apart they are and which touch.

    Attributes
    ----------
    codes, noms, epci : tuple of str, one per commune
        ``epci`` holds codes; an empty text is a commune of none.
    besoin : ndarray of float64, shape (communes,)
        People to accompany, net of what existing means serve; NaN where not known, never zero.
    distances : ndarray of float64, shape (communes, communes)
        From each commune to a base; NaN where no trip is known.
    liens : ndarray of int64, shape (links, 2)
        Places of the communes that touch.
    unite : str
        Of the distances: ``"m"`` or ``"min"``.
    """

    codes: tuple[str, ...]
    noms: tuple[str, ...]
    epci: tuple[str, ...]
    besoin: np.ndarray
    distances: np.ndarray
    liens: np.ndarray
    unite: str = METRES

    def __post_init__(self) -> None:
        count = len(self.codes)
        if not count:
            raise UsageError("Aucune commune à partager.", "Donnez un territoire.")
        if count > MOST_COMMUNES:
            raise UsageError(
                f"{plural(count, 'commune')} : {number(MOST_COMMUNES)} au plus.",
                "Partagez département par département.",
            )
        for name, length in (
            ("noms", len(self.noms)),
            ("epci", len(self.epci)),
            ("besoin", len(self.besoin)),
            ("distances", self.distances.shape[0] if self.distances.ndim == 2 else -1),
        ):
            if length != count:
                raise ValueError(f"{name}: {length} for {count} communes")
        if (self.besoin < 0).any() or np.isinf(self.besoin).any():
            at = int(((self.besoin < 0) | np.isinf(self.besoin)).argmax())
            raise UsageError(
                f"{self.noms[at]} ({self.codes[at]}) : besoin de {number(self.besoin[at], 1)} ; "
                "un nombre de personnes attendu, 0 au moins."
            )

    @cached_property
    def places(self) -> dict[str, int]:
        """Place of each code."""
        return {code: place for place, code in enumerate(self.codes)}

    @cached_property
    def tied(self) -> tuple[np.ndarray, np.ndarray]:
        """Links, with those that tie islands; and these alone."""
        return bridged(self.liens, self.distances)

    @cached_property
    def messages(self) -> list[str]:
        """What the reader must know of the data, in French."""
        found = []
        unknown = np.isnan(self.besoin)
        if unknown.any():
            names = [self.noms[i] for i in np.flatnonzero(unknown)[:3]]
            found.append(
                f"Besoin inconnu dans {plural(int(unknown.sum()), 'commune')} (dont "
                f"{listing(names)}) : rattachées à un secteur, absentes des charges."
            )
        for i, j in self.tied[1]:
            found.append(
                f"{self.noms[i]} et {self.noms[j]} ne se touchent pas : tenues pour voisines, afin "
                "que chaque partie du territoire ait son secteur."
            )
        return found

    def place(self, code: str, rule: str) -> int:
        """Place of a commune that a rule names.

        Raises
        ------
        UsageError
            If it is not of this territory.
        """
        if code not in self.places:
            raise UsageError(
                f"{rule} : la commune {code} n'est pas dans ce territoire.",
                "Donnez des codes INSEE du territoire.",
            )
        return self.places[code]


def net_need(people: np.ndarray, served: np.ndarray) -> np.ndarray:
    """People to accompany, less those that existing means serve; never under 0.

    Parameters
    ----------
    people, served : ndarray of float64, shape (communes,)
        ``served`` is NaN where the means are not known: nothing is then taken off.

    Examples
    --------
    >>> net_need(np.array([100.0, 50.0, 30.0]), np.array([40.0, 80.0, np.nan])).tolist()
    [60.0, 0.0, 30.0]
    """
    left: np.ndarray = np.maximum(people - np.nan_to_num(served), 0)
    return left


@dataclass(frozen=True)
class Rules:
    """What the coordinator imposes.

    Attributes
    ----------
    ensemble : tuple of tuples of str
        Communes that stay in one sector, even where they do not touch.
    sans_base : tuple of str
        Communes where no post is based.
    separer : tuple of (str, str)
        Communes that are not in one sector.
    max_par_epci : int or None
        Most bases in any one EPCI.
    min_demi_journees : int
        Least half-days of presence in each commune and cycle; 0 lets a post not go everywhere.
    epci_entiers : bool
        An EPCI that fits in a sector is not cut; a larger one may be.
    """

    ensemble: tuple[tuple[str, ...], ...] = ()
    sans_base: tuple[str, ...] = ()
    separer: tuple[tuple[str, str], ...] = ()
    max_par_epci: int | None = None
    min_demi_journees: int = 0
    epci_entiers: bool = False

    def __post_init__(self) -> None:
        if self.min_demi_journees < 0:
            raise UsageError(
                f"Demi-journées par commune : {number(self.min_demi_journees)} ; 0 au moins."
            )
        if self.max_par_epci is not None and self.max_par_epci < 1:
            raise UsageError(f"Postes par EPCI : {number(self.max_par_epci)} ; 1 au moins.")


@dataclass(frozen=True)
class Settings:
    """How many posts, and how they are shared.

    Attributes
    ----------
    postes : int
    tolerance : float
        Largest distance of a sector's load from the mean load, as a share of it.
    poids_epci : float or None
        What one more cut of an EPCI weighs: mean distance per person, in the distances' unit. None
        is what is declared for this unit.
    ecart : float
        Gap at which the search stops, as a share of the value.
    temps_max : float
        Seconds; a search that stops for time says so.
    demi_journees : int
        Of presence in the communes, per post and cycle.
    base_min : float
        Least need of a commune where a post is based, as a share of the mean load; the three
        heaviest communes per post may be bases whatever it is.
    """

    postes: int
    tolerance: float = field(default_factory=lambda: declared("tolerance"))
    poids_epci: float | None = None
    ecart: float = field(default_factory=lambda: declared("ecart_vise"))
    temps_max: float = field(default_factory=lambda: declared("temps_max_s"))
    demi_journees: int = field(
        default_factory=lambda: int(
            declared("demi_journees_par_semaine") * declared("semaines_du_cycle")
        )
    )
    base_min: float = field(default_factory=lambda: declared("base_min"))

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("nombre de postes", self.postes, 1, np.inf),
            ("tolérance", self.tolerance, 0, 1),
            ("poids d'une coupure d'EPCI", self.poids_epci or 0, 0, np.inf),
            ("écart visé", self.ecart, 0, 1),
            ("temps", self.temps_max, 0, np.inf),
            ("besoin d'une commune de base", self.base_min, 0, 1),
            ("demi-journées par cycle", self.demi_journees, 1, np.inf),
        ):
            if not least <= value <= most:
                top = f" et {number(most)} au plus" if np.isfinite(most) else ""
                raise UsageError(
                    f"Feuille de route, {name} : {exact(value)} ; {number(least)} au moins{top}."
                )


@dataclass(frozen=True)
class Dedicated:
    """Posts given whole to a commune heavier than one.

    Attributes
    ----------
    commune : int
        Its place.
    postes : int
    """

    commune: int
    postes: int


@dataclass(frozen=True)
class Model:
    """The same question in numbers: units to share among bases.

    A unit is a commune, or communes that are kept together; of a commune heavier than a post, what
    its dedicated posts leave.

    Attributes
    ----------
    ground : Ground
    membres : tuple of ndarray of int64
        Communes of each unit.
    unite_de : ndarray of int64, shape (communes,)
    charge : ndarray of float64, shape (units,)
        People.
    cout : ndarray of float64, shape (units, communes)
        What a unit adds to the mean distance if its base is a commune; infinite where no trip is
        known.
    groupes : tuple of tuples of int
        EPCI of each unit, the main one first.
    epci : ndarray of int64, shape (communes,)
    candidats : ndarray of bool, shape (communes,)
        Where a base may be.
    interdits : tuple of (int, int)
        Units that are apart.
    voisins : tuple of ndarray of int64
        Neighbours of each unit.
    postes : int
        Left, once communes heavier than a post have theirs.
    bas, haut : float
        Least and most load of a sector.
    poids_epci : float
    max_communes : int
    bases_par_epci : ndarray of int64, shape (epci,), or None
        Most bases left to each.
    dedies : tuple of Dedicated
    moyenne : float
        Mean load of a post.
    """

    ground: Ground
    membres: tuple[np.ndarray, ...]
    unite_de: np.ndarray
    charge: np.ndarray
    cout: np.ndarray
    groupes: tuple[tuple[int, ...], ...]
    epci: np.ndarray
    candidats: np.ndarray
    interdits: tuple[tuple[int, int], ...]
    voisins: tuple[np.ndarray, ...]
    postes: int
    bas: float
    haut: float
    poids_epci: float
    max_communes: int
    bases_par_epci: np.ndarray | None
    dedies: tuple[Dedicated, ...]
    moyenne: float

    @cached_property
    def taille(self) -> np.ndarray:
        """Communes of each unit."""
        return np.array([len(unit) for unit in self.membres])

    @cached_property
    def premier_groupe(self) -> np.ndarray:
        """Main EPCI of each unit."""
        return np.array([groups[0] for groups in self.groupes])


def model(ground: Ground, rules: Rules, settings: Settings) -> Model:
    """Write a question in numbers.

    Raises
    ------
    UsageError
        More posts than communes, nobody to accompany, a commune that is not there, or a rule that
        by itself cannot be kept.
    """
    posts, count = settings.postes, len(ground.codes)
    if posts > count:
        raise UsageError(
            f"Plus de postes ({number(posts)}) que de communes ({number(count)}).",
            "Demandez moins de postes, ou un territoire plus large.",
        )
    need = np.nan_to_num(ground.besoin)
    if need.sum() <= 0:
        raise UsageError(
            "Personne à accompagner dans ce territoire : il n'y a pas de charge à partager.",
            "Vérifiez le besoin net des moyens existants.",
        )
    mean = need.sum() / posts
    high = (1 + settings.tolerance) * mean
    heavy = np.flatnonzero(need > high)
    dedicated = tuple(Dedicated(int(i), int(np.ceil(need[i] / mean)) - 1) for i in heavy)
    shared = posts - sum(one.postes for one in dedicated)
    left = need.copy()
    for one in dedicated:
        left[one.commune] -= one.postes * mean
    alone = [code or f"{ALONE}{ground.codes[i]}" for i, code in enumerate(ground.epci)]
    names, epci = np.unique(np.array(alone, dtype=str), return_inverse=True)
    units = _units(ground, rules, left, epci, high)
    members = tuple(np.flatnonzero(units == unit) for unit in range(units.max() + 1))
    weight = np.maximum(left, declared("plancher_commune") * left.mean())
    metres = np.where(np.isnan(ground.distances), np.inf, ground.distances)
    cost = weight[:, None] * metres / weight.sum()
    links = ground.tied[0]
    return Model(
        ground=ground,
        membres=members,
        unite_de=units,
        charge=np.array([left[unit].sum() for unit in members]),
        cout=np.array([cost[unit].sum(axis=0) for unit in members]),
        groupes=tuple(_groups(epci[unit], weight[unit]) for unit in members),
        epci=epci,
        candidats=_candidates(
            ground, rules, dedicated, left >= _least(left, mean, settings), shared
        ),
        interdits=_apart(ground, rules, units),
        voisins=_neighbours(links, units, len(members)),
        postes=shared,
        bas=(1 - settings.tolerance) * mean,
        haut=high,
        poids_epci=_cut_weight(ground, settings),
        max_communes=settings.demi_journees // max(rules.min_demi_journees, 1)
        if rules.min_demi_journees
        else count,
        bases_par_epci=_bases_left(rules, dedicated, epci, names),
        dedies=dedicated,
        moyenne=mean,
    )


def _cut_weight(ground: Ground, settings: Settings) -> float:
    if settings.poids_epci is not None:
        return settings.poids_epci
    return declared("poids_epci_m" if ground.unite == METRES else "poids_epci_min")


def _units(
    ground: Ground, rules: Rules, need: np.ndarray, epci: np.ndarray, high: float
) -> np.ndarray:
    """Unit of each commune, in the order of their first communes."""
    together = []
    for kept in rules.ensemble:
        places = [ground.place(code, "Garder ensemble") for code in kept]
        together += [(places[0], other) for other in places[1:]]
    if rules.epci_entiers:
        for one in np.unique(epci):
            places = np.flatnonzero(epci == one).tolist()
            if ground.epci[places[0]] and need[places].sum() <= high:
                together += [(places[0], other) for other in places[1:]]
    pieces = components(np.array(together, dtype=np.int64), len(need))
    _, first, units = np.unique(pieces, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    found: np.ndarray = order[units]
    return found


def _groups(epci: np.ndarray, weight: np.ndarray) -> tuple[int, ...]:
    found = sorted({int(one) for one in epci}, key=lambda one: (-weight[epci == one].sum(), one))
    return tuple(found)


def _least(need: np.ndarray, mean: float, settings: Settings) -> float:
    """Least need of a commune where a post is based."""
    heaviest = np.sort(need)[::-1][: CANDIDATES * settings.postes]
    return min(settings.base_min * mean, float(heaviest[-1]))


def _candidates(
    ground: Ground, rules: Rules, dedicated: Sequence[Dedicated], heavy: np.ndarray, posts: int
) -> np.ndarray:
    found = heavy.copy()
    found[[one.commune for one in dedicated]] = True
    found[[ground.place(code, "Sans base") for code in rules.sans_base]] = False
    for one in dedicated:
        if not found[one.commune]:
            raise UsageError(
                f"Règle intenable, sans base à {ground.noms[one.commune]} : la commune est plus "
                "lourde qu'un poste et en a un à elle seule.",
                "Retirez cette règle.",
            )
    if found.sum() < posts:
        raise UsageError(
            f"Règle intenable, sans base : il reste {plural(int(found.sum()), 'commune')} où baser "
            f"{plural(posts, 'poste')}.",
            "Retirez des communes de cette règle, ou baissez le besoin d'une commune de base.",
        )
    return found


def _apart(ground: Ground, rules: Rules, units: np.ndarray) -> tuple[tuple[int, int], ...]:
    found = []
    for pair in rules.separer:
        one, other = (int(units[ground.place(code, "Séparer")]) for code in pair)
        if one == other:
            raise UsageError(
                f"Règle intenable, séparer {pair[0]} et {pair[1]} : une autre règle les garde "
                "ensemble.",
                "Retirez l'une des deux.",
            )
        found.append((one, other))
    return tuple(found)


def _neighbours(links: np.ndarray, units: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    near: list[set[int]] = [set() for _ in range(count)]
    for i, j in units[links]:
        if i != j:
            near[i].add(int(j))
            near[j].add(int(i))
    return tuple(np.array(sorted(one), dtype=np.int64) for one in near)


def _bases_left(
    rules: Rules, dedicated: Sequence[Dedicated], epci: np.ndarray, names: np.ndarray
) -> np.ndarray | None:
    if rules.max_par_epci is None:
        return None
    left = np.full(len(names), rules.max_par_epci)
    left[np.char.startswith(names, ALONE)] = len(epci)
    for one in dedicated:
        left[epci[one.commune]] -= one.postes
    if (left < 0).any():
        raise UsageError(
            f"Règle intenable, {plural(rules.max_par_epci, 'poste')} au plus par EPCI : l'EPCI "
            f"{names[left < 0][0]} contient une commune plus lourde que cela.",
            "Relevez ce maximum.",
        )
    return left
