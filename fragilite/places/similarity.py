"""How much two rows look like one place: name, address, distance, type, each explained."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from fragilite.cog import EARTH
from fragilite.french import fold, listing, number


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Poids(_Frozen):
    """Weight of each resemblance."""

    nom: float
    adresse: float
    distance: float
    type: float
    raison: str


class Seuils(_Frozen):
    """From which score two rows are one place, or perhaps."""

    fusion: float
    doute: float
    meme_liste: float
    raison: str


class Distances(_Frozen):
    """Distances, in metres, at which the resemblance is whole and none."""

    pleine_m: float
    nulle_m: float
    raison: str


class Noms(_Frozen):
    """What a name is worth when its own words do not decide."""

    genre_seul: float
    un_sans_mot_propre: float
    genre_inconnu: float
    genres_differents: float
    raison: str


class Adresses(_Frozen):
    """What an address is worth."""

    meme_numero: float
    numero_manquant: float
    autre_numero: float
    voie_semblable: float
    raison: str


class Mots(_Frozen):
    """Words that say nothing, and when two words are the same."""

    semblables: float
    longueur: int
    vides: frozenset[str]
    voies: dict[str, str]


class Regles(_Frozen):
    """The rule that finds duplicates (``merging.toml``)."""

    version: str
    voisinage_m: float
    raison_voisinage: str
    poids: Poids
    seuils: Seuils
    distance: Distances
    nom: Noms
    adresse: Adresses
    mots: Mots
    genres: dict[str, tuple[str, ...]]


@cache
def rules() -> Regles:
    """The declared rule, read once."""
    text = (files("fragilite.places") / "merging.toml").read_text(encoding="utf-8")
    return Regles.model_validate(tomllib.loads(text))


@dataclass(frozen=True)
class Traits:
    """What is compared of a row."""

    id: str
    source: str
    commune: str
    propres: frozenset[str]
    commune_mots: frozenset[str]
    genres: frozenset[str]
    numero: str
    voie: frozenset[str]
    point: tuple[float, float] | None
    type: str

    def own(self, other: Traits) -> frozenset[str]:
        """Words of the name that are its own: the commune's are not, between two rows of it."""
        if self.commune != other.commune:
            return self.propres
        return self.propres - self.commune_mots - other.commune_mots


def traits(row: Mapping[str, Any]) -> Traits:
    """Traits of a row of the table of places."""
    name, kinds = _genres(row["nom"])
    point = None
    if not math.isnan(row["longitude"]):
        point = (float(row["longitude"]), float(row["latitude"]))
    numero, voie = _address(row["adresse"])
    declared = frozenset({row["type"]} & rules().genres.keys())
    return Traits(
        str(row["id"]), str(row["source"]), str(row["code_insee"]), _words(name),
        _words(row["commune"]), kinds or declared, numero, voie, point, str(row["type"]),
    )  # fmt: skip


def _words(text: str) -> frozenset[str]:
    """Words that say something; a lone letter joins the next word (« K'Leidoscope »)."""
    empty = rules().mots.vides
    found, lone = [], ""
    for word in fold(text).split():
        if len(word) == 1 and word.isalpha() and word not in empty:
            lone += word
            continue
        found.append(lone + word)
        lone = ""
    return frozenset(word for word in [*found, lone] if word and word not in empty)


def _genres(name: str) -> tuple[str, frozenset[str]]:
    """The name without the words that say what kind of place it is, and those kinds."""
    text, found = f" {fold(name)} ", set()
    phrases = sorted(
        ((f" {phrase} ", kind) for kind, phrases in rules().genres.items() for phrase in phrases),
        key=lambda pair: -len(pair[0]),
    )
    for phrase, kind in phrases:
        if phrase in text:
            found.add(kind)
            text = text.replace(phrase, "  ")
    return text, frozenset(found)


def _address(text: str) -> tuple[str, frozenset[str]]:
    """Number and words of a street."""
    text = re.sub(r"\([^()]*\)", " ", text)
    match = re.match(r"\s*(\d+)\s*(bis|ter|[a-c]\b)?[\s,]*(.*)", text, re.IGNORECASE | re.DOTALL)
    number_, street = (match[1] + (match[2] or "").lower(), match[3]) if match else ("", text)
    usual = rules().mots.voies
    words = (usual.get(word, word) for word in fold(street).split())
    return number_, frozenset(word for word in words if word not in rules().mots.vides)


@cache
def _alike(one: str, other: str) -> bool:
    """Whether two words are the same, but for a slip of the hand."""
    words = rules().mots
    if one == other:
        return True
    if min(len(one), len(other)) < words.longueur:
        return False
    return SequenceMatcher(None, min(one, other), max(one, other)).ratio() >= words.semblables


def shared_words(one: frozenset[str], other: frozenset[str]) -> list[str]:
    """Words of the first that the second has too."""
    return sorted(word for word in one if any(_alike(word, near) for near in other))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Half Dice's coefficient, half the share of the shorter that is in the longer."""
    if not one or not other:
        return 0.0
    common = min(len(shared_words(one, other)), len(shared_words(other, one)))
    dice = 2 * common / (len(one) + len(other))
    return (dice + common / min(len(one), len(other))) / 2


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance between two points in degrees.

    Examples
    --------
    >>> round(metres((-0.55, 47.47), (-0.55, 47.48)))
    1112
    """
    (x1, y1), (x2, y2) = (tuple(map(math.radians, point)) for point in (one, other))
    half = math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))


@dataclass(frozen=True)
class Resemblance:
    """How much two rows look alike.

    Attributes
    ----------
    score : float
        From 0 to 1: weighted mean of what can be compared.
    nom, adresse, distance, type : float or None
        Each from 0 to 1, None where one of the two rows does not tell.
    metres : float or None
    raison : str
        The same in one French sentence.
    """

    score: float
    nom: float
    adresse: float | None
    distance: float | None
    type: float | None
    metres: float | None
    raison: str


def compare(one: Traits, other: Traits) -> Resemblance:
    """Compare two rows; the order does not matter."""
    one, other = sorted((one, other), key=lambda row: row.id)
    name, told = _name(one, other)
    address, where = _same_address(one, other)
    gap = metres(one.point, other.point) if one.point and other.point else None
    said = [told, where]
    near = None
    if gap is not None:
        scale = rules().distance
        near = min(1.0, max(0.0, (scale.nulle_m - gap) / (scale.nulle_m - scale.pleine_m)))
        said.append(f"à {number(gap)} m" if gap < 1000 else f"à {number(gap / 1000, 1)} km")
    kind = float(one.type == other.type) if one.type and other.type else None
    if kind is not None:
        said.append("même type" if kind else "types différents")
    weights = rules().poids
    parts = [
        (name, weights.nom), (address, weights.adresse), (near, weights.distance),
        (kind, weights.type),
    ]  # fmt: skip
    known = [(value, weight) for value, weight in parts if value is not None]
    score = sum(value * weight for value, weight in known) / sum(weight for _, weight in known)
    return Resemblance(
        round(score, 3), name, address, near, kind, gap, " ; ".join(filter(None, said))
    )


def _name(one: Traits, other: Traits) -> tuple[float, str]:
    worth = rules().nom
    ours, theirs = one.own(other), other.own(one)
    kinds = one.genres & other.genres
    apart = bool(one.genres and other.genres and not kinds)
    if ours and theirs:
        common = shared_words(ours, theirs)
        told = f"mots communs : {listing(common)}" if common else "aucun mot commun"
        value = _overlap(ours, theirs) * (worth.genres_differents if apart else 1.0)
        return value, told + (", genres de lieu différents" if apart else "")
    if apart:
        return 0.0, "genres de lieu différents"
    if not kinds:
        return worth.genre_inconnu, "rien dans les noms ne les rapproche"
    if one.commune != other.commune or not one.commune:
        return worth.un_sans_mot_propre, "même genre de lieu, communes différentes"
    if ours or theirs:
        return worth.un_sans_mot_propre, "même genre de lieu, un seul a un nom propre"
    return worth.genre_seul, "même genre de lieu dans la même commune"


def same_address(one: Traits, other: Traits) -> bool:
    """Whether two rows give the same street, and not two numbers of it."""
    value, _ = _same_address(one, other)
    return value is not None and value >= rules().adresse.numero_manquant


def _same_address(one: Traits, other: Traits) -> tuple[float | None, str]:
    worth = rules().adresse
    if not one.voie or not other.voie:
        return None, ""
    if _overlap(one.voie, other.voie) < worth.voie_semblable:
        return 0.0, "voies différentes"
    if one.numero == other.numero:
        return worth.meme_numero, "même adresse"
    if not one.numero or not other.numero:
        return worth.numero_manquant, "même voie, un numéro manque"
    return worth.autre_numero, "même voie, numéros différents"


def unit_vectors(points: Sequence[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """Points on the unit sphere: their chords sort as their distances do."""
    found = []
    for longitude, latitude in points:
        x, y = math.radians(longitude), math.radians(latitude)
        found.append((math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)))
    return found
