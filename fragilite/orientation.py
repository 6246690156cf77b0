"""Which places can receive a person: :func:`orient` gathers them, :func:`render` writes them.

A commune, a need and a public are all that is asked; nothing of the person is kept.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from fragilite.centres import HALL, INSIDE, centres
from fragilite.errors import FragiliteError, UsageError
from fragilite.explanation import find
from fragilite.french import day, fold, listing, lower_first, number, of_name, paragraph, plural
from fragilite.inputs import Inputs
from fragilite.places.mapping import OWN, mappings
from fragilite.places.merging import Merged
from fragilite.places.points import departements_near
from fragilite.places.schema import Origine, schema, split
from fragilite.places.similarity import metres
from fragilite.siting.parameters import declared, parameters
from fragilite.user_table import some

#: Words of the schema that this command gives a meaning of its own.
CLOSED, NO, PLACE, NO_PUBLIC = "ferme", "non", "lieu", "pas_de_public"
ITINERANT, AIDANTS_CONNECT = "itinerant", "aidants_connect"

#: What a centre is, in a sentence.
CENTRES = {HALL: "la mairie", INSIDE: "un point à l'intérieur"}
#: Before the address of a site.
SITE = "Site : "
#: Values that decide whether a place is proposed: the date of the oldest is that of the whole.
DECISIVE = ("services", "publics", "materiel")

#: What keeps a place from being proposed, in the order in which it is looked at.
REASONS = {
    "fermes": ("lieu fermé", "lieux fermés"),
    "sieges": (
        "siège d'employeur ou mention de commune, pas un lieu d'accueil",
        "sièges d'employeurs ou mentions de commune, pas des lieux d'accueil",
    ),
    "sans_public": ("lieu qui ne reçoit pas de public", "lieux qui ne reçoivent pas de public"),
    "autres_communes": ("lieu qui sert d'autres communes", "lieux qui servent d'autres communes"),
    "autres_services": (
        "lieu qui dit rendre d'autres services", "lieux qui disent rendre d'autres services"
    ),
    "autres_publics": (
        "lieu qui dit recevoir d'autres publics", "lieux qui disent recevoir d'autres publics"
    ),
}  # fmt: skip


# --- words -----------------------------------------------------------------------------------
#: Declared once, for people who are oriented and for plans.
DETOUR = "facteur_detour"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Distance(_Record):
    """How far is too far; from a straight line to a road, the factor is that of the reach."""

    rayon_km: float
    raison_rayon: str
    voisinage_km: float
    raison_voisinage: str


class Anciennete(_Record):
    """From when on an information is old."""

    ans: int
    raison: str


class Besoin(_Record):
    """A need: services and equipment of the schema that answer it."""

    libelle: str
    services: list[str]
    materiels: list[str] = []
    alias: list[str]


class Public(_Record):
    """A public: words of the schema that say it is received."""

    libelle: str
    publics: list[str]
    alias: list[str]


class Vocabulaire(_Record):
    """Needs and publics, and the rules of distance and of age."""

    version: str
    distance: Distance
    anciennete: Anciennete
    besoins: dict[str, Besoin]
    publics: dict[str, Public]

    @model_validator(mode="after")
    def _known(self) -> Vocabulaire:
        for column, words in (
            ("services", [word for need in self.besoins.values() for word in need.services]),
            ("materiel", [word for need in self.besoins.values() for word in need.materiels]),
            ("publics", [word for public in self.publics.values() for word in public.publics]),
        ):
            unknown = set(words) - schema().words(column).keys()
            if unknown:
                raise ValueError(f"{column} : {sorted(unknown)} hors du schéma")
        return self


@cache
def vocabulary() -> Vocabulaire:
    """The declared words and rules, read once."""
    text = (files("fragilite") / "orientation.toml").read_text(encoding="utf-8")
    return Vocabulaire.model_validate(tomllib.loads(text))


def need_named(text: str) -> str:
    """Code of a need written as people do.

    Examples
    --------
    >>> need_named("démarches en ligne"), need_named("Premiers pas")
    ('demarches', 'premiers_pas')
    """
    return _named(text, vocabulary().besoins, "--besoin", "Besoins")


def public_named(text: str) -> str:
    """Code of a public written as people do.

    Examples
    --------
    >>> public_named("Séniors"), public_named("jeune")
    ('seniors', 'jeunes')
    """
    return _named(text, vocabulary().publics, "--public", "Publics")


def publics_named(text: str) -> list[str]:
    """Codes of publics separated by commas: a place that receives one of them fits.

    Examples
    --------
    >>> publics_named("jeunes, demandeur d'emploi"), publics_named("")
    (['jeunes', 'demandeurs_emploi'], ['tout_public'])
    """
    found = [public_named(part) for part in text.split(",") if part.strip()]
    return list(dict.fromkeys(found)) or [next(iter(vocabulary().publics))]


def _named(text: str, records: Mapping[str, Besoin | Public], option: str, title: str) -> str:
    readings = {fold(alias): code for code, one in records.items() for alias in one.alias}
    readings |= {fold(one.libelle): code for code, one in records.items()}
    readings |= {fold(code.replace("_", " ")): code for code in records}
    wanted = fold(text.replace("_", " "))
    if wanted in readings:
        return readings[wanted]
    near = [readings[word] for word in get_close_matches(wanted, readings, n=3, cutoff=0.6)]
    hint = f" Vouliez-vous dire {' ou '.join(dict.fromkeys(near))} ?" if near else ""
    raise UsageError(f"{option} : « {text} » inconnu.{hint}", f"{title} : {', '.join(records)}.")


# --- where -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """The commune of a person.

    Attributes
    ----------
    code, nom : str
    demandee_comme : str
        Former commune that was asked for, ``""`` if it was the commune itself.
    epci : str
        Name of its EPCI, ``""`` without one.
    point : tuple of float
        Longitude and latitude of its centre (:func:`fragilite.centres.centres`).
    centre : str
        What that point is: its town hall, or a point inside its outline.
    """

    code: str
    nom: str
    demandee_comme: str
    epci: str
    point: tuple[float, float]
    centre: str


def origin(text: str, inputs: Inputs) -> Origin:
    """Find a commune by its code or its name, today's or a former one, and its centre.

    Raises
    ------
    UsageError
        If the name is unknown, or may mean several communes.
    FragiliteError
        If neither its town hall nor its outline is at hand: no distance can be told.
    """
    try:
        found = find(text, inputs)
    except UsageError as error:  # its remedy is that of another command
        remedy = error.remedy.replace("fragilite explain NOM", "--commune NOM")
        raise UsageError(error.message, remedy) from error
    if len(found) > 1:
        raise UsageError(
            f"« {text} » peut désigner plusieurs communes : {some([one.label for one in found])}.",
            f"Donnez son code : --commune {found[0].code}",
        )
    code = found[0].code
    points = _points(inputs)
    if code not in points:
        raise FragiliteError(
            f"Ni la mairie ni le contour de {found[0].nom} ({code}) ne sont à portée : aucune "
            "distance possible.",
            "Prenez les contours : fragilite fetch contours",
        )
    epci = inputs.communes["nom_epci"].get(code)
    named = epci if isinstance(epci, str) else ""
    longitude, latitude, centre = points[code]
    return Origin(code, found[0].nom, found[0].ancienne, named, (longitude, latitude), centre)


def _points(inputs: Inputs) -> dict[str, tuple[float, float, str]]:
    """Longitude, latitude and kind of the centre of each commune that has one."""
    known = centres(inputs).dropna(subset=["longitude"])
    columns = (known[name] for name in ("longitude", "latitude", "origine"))
    return dict(zip(known.index, zip(*columns, strict=True), strict=True))


def departements_around(point: tuple[float, float]) -> list[str]:
    """Départements near enough to a point for their places to count.

    Examples
    --------
    >>> departements_around((-1.04, 44.5))  # Biscarrosse
    ['33', '40']
    """
    return departements_near([point], vocabulary().distance.voisinage_km)


# --- gathering -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Question:
    """What is asked, in the words of the schema."""

    services: frozenset[str]
    materiels: frozenset[str]
    publics: frozenset[str]
    commune: str


def _detour() -> dict[str, Any]:
    """From a straight line to a road: the factor, why, and where it comes from."""
    found = parameters()[DETOUR]
    return {"facteur": found.valeur, "raison": found.raison, "reference": found.reference}


def orient(
    merged: Merged,
    origines: Sequence[Origine],
    inputs: Inputs,
    commune: Origin,
    besoin: str,
    publics: Sequence[str],
    *,
    jour: str,
    most: int = 5,
) -> dict[str, Any]:
    """Places that can receive a person, nearest first, ready for JSON.

    Parameters
    ----------
    merged : Merged
        Places without duplicates (:func:`fragilite.places.merging.merge`).
    origines : sequence of Origine
        The lists they come from.
    inputs : Inputs
        Frame and outlines of the communes around.
    commune : Origin
        From :func:`origin`.
    besoin : str
        From :func:`need_named`.
    publics : sequence of str
        From :func:`publics_named`.
    jour : str
        ISO date from which the age of an information is counted.
    most : int
        Places described in each group; the others are counted.

    Returns
    -------
    dict
        ``recoivent`` (they say that they answer the need and receive this public), ``a_appeler``
        (they do not say one or the other), ``plus_proche_au_dela`` where nothing is near,
        ``ecartes`` (how many near places are not proposed, by reason).

    Raises
    ------
    UsageError
        If `most` is under 1.
    """
    if most < 1:
        raise UsageError(f"--max : {most}, au moins 1 attendu.", "Exemple : --max 5")
    words, need = vocabulary(), vocabulary().besoins[besoin]
    question = _Question(
        frozenset(need.services),
        frozenset(need.materiels),
        frozenset(word for code in publics for word in words.publics[code].publics),
        commune.code,
    )
    places = list(_placed(merged, inputs, commune, question))
    fates = [_fate(place, question) for place in places]
    groups: dict[str, list[dict[str, Any]]] = {"recoivent": [], "a_appeler": []}
    beyond: list[dict[str, Any]] = []
    aside = dict.fromkeys(REASONS, 0)
    for place, fate in sorted(zip(places, fates, strict=True), key=lambda pair: _order(pair[0])):
        near = place["_cle"] <= words.distance.rayon_km
        if fate in groups and near:
            groups[fate].append(place)
        elif fate == "recoivent" and math.isfinite(place["_cle"]):
            beyond.append(place)
        elif fate in aside and near:
            aside[fate] += 1
    titles = {one.code: one.titre for one in origines}
    names = inputs.communes["nom"]

    def told(place: dict[str, Any]) -> dict[str, Any]:
        return _described(place, question, merged, titles, names, jour)

    return {
        "commune": {
            "code_insee": commune.code, "nom": commune.nom,
            "demandee_comme": commune.demandee_comme, "nom_epci": commune.epci,
            "centre": commune.centre,
        },
        "besoin": {"code": besoin, "libelle": need.libelle},
        "publics": [{"code": code, "libelle": words.publics[code].libelle} for code in publics],
        "jour": jour,
        "distance": words.distance.model_dump() | _detour(),
        "anciennete": words.anciennete.model_dump(),
        "recoivent": [told(place) for place in groups["recoivent"][:most]],
        "recoivent_nombre": len(groups["recoivent"]),
        "plus_proche_au_dela": (
            told(beyond[0]) if beyond and not groups["recoivent"] else None
        ),
        "a_appeler": [told(place) for place in groups["a_appeler"][:most]],
        "a_appeler_nombre": len(groups["a_appeler"]),
        "ecartes": aside,
        "sans_point": sum(
            fate in groups and math.isinf(place["_cle"])
            for place, fate in zip(places, fates, strict=True)
        ),
        "citent_le_besoin": sum(_answers(place, question) for place in places),
        "lieux_lus": len(places),
        "listes": [
            {"titre": one.titre, "producteur": one.producteur, "licence": one.licence,
             "date": one.date, "fichier": one.fichier, "lieux": one.lieux}
            for one in origines
        ],
        "remarques": [str(remark) for remark in merged.remarques],
    }  # fmt: skip


def _order(place: dict[str, Any]) -> tuple[float, float, str, str]:
    return place["_cle"], place["_km"], fold(place["nom"]), place["id"]


def _placed(
    merged: Merged, inputs: Inputs, commune: Origin, question: _Question
) -> Iterator[dict[str, Any]]:
    """Places with their distance, in km of road; infinite where nothing says where they are.

    What travels and serves the commune comes to it, however far its base is.
    """
    known, factor = _points(inputs), declared(DETOUR)
    for row in merged.lieux.to_dict("records"):
        place: dict[str, Any] = {str(name): cell for name, cell in row.items()}
        point: tuple[float, float] | None = (place["longitude"], place["latitude"])
        exact = place["longitude"] == place["longitude"]
        if not exact:
            point = known[place["code_insee"]][:2] if place["code_insee"] in known else None
        km = metres(commune.point, point) * factor / 1000 if point else math.inf
        comes = _serves(place, question) is True and ITINERANT in _kinds(place)
        yield place | {
            "_km": km, "_cle": 0.0 if comes else km, "_point": "lieu" if exact else "commune",
            "_vient": comes,
        }  # fmt: skip


def _kinds(place: Mapping[str, Any]) -> set[str]:
    return {*split(place["itinerance"]), place["type"]}


def _serves(place: Mapping[str, Any], question: _Question) -> bool | None:
    """Whether a place says that it serves the commune; None where it does not say."""
    served = split(place["perimetre"])
    return question.commune in served if served else None


def _answers(place: Mapping[str, Any], question: _Question) -> bool:
    """Whether a place says that it answers the need."""
    lent = question.materiels.intersection(split(place["materiel"]))
    return bool(lent or question.services.intersection(split(place["services"])))


def _fate(place: Mapping[str, Any], question: _Question) -> str:
    """What becomes of a place: a group, or a reason of `REASONS`."""
    services, publics = split(place["services"]), set(split(place["publics"]))
    answers = _answers(place, question)
    if place["etat"] == CLOSED:
        return "fermes"
    if place["localisation"] != PLACE:
        return "sieges"
    if place["accueil"] == NO or NO_PUBLIC in split(place["acces"]):
        return "sans_public"
    if _serves(place, question) is False:
        return "autres_communes"
    if services and not answers and _could_say(place, question):
        return "autres_services"
    if publics and not question.publics & publics:
        return "autres_publics"
    return "recoivent" if answers and publics else "a_appeler"


def _could_say(place: Mapping[str, Any], question: _Question) -> bool:
    """Whether one of the lists of a place has a word for the need.

    A list that never asks about jobs says nothing of them: its silence is not a no.
    """
    return any(
        question.services & expressible(source, "services")
        or question.materiels & expressible(source, "materiel")
        for source in split(place["sources"])
    )


@cache
def expressible(source: str, column: str) -> frozenset[str]:
    """Words of a closed list that a list of places can say; all of them if nothing limits it.

    Examples
    --------
    >>> sorted(expressible("france_services", "services"))
    ['demarches']
    """
    mapping = mappings().get(source)
    every = frozenset(schema().words(column))
    if mapping is None or source == OWN:
        return every
    rules = mapping.mots.get(column, [])
    if any(rule.colonne and not any(rule.codes()) for rule in rules):
        return every
    return frozenset(code for rule in rules for code in rule.codes())


def _described(
    place: dict[str, Any],
    question: _Question,
    merged: Merged,
    titles: Mapping[str, str],
    names: Any,
    jour: str,
) -> dict[str, Any]:
    """What there is to say of a place; empty where its lists do not say."""

    def labels(column: str, kept: Iterable[str] | None = None) -> list[str]:
        words = schema().words(column)
        codes = split(place[column])
        return [words[code].libelle for code in codes if kept is None or code in kept]

    answers = labels("services", question.services) + [
        f"{label} de matériel" for label in labels("materiel", question.materiels)
    ]
    lacking = []
    if not place["services"]:
        lacking.append("ses services")
    elif not answers:
        lacking.append("s'il répond à ce besoin (sa liste ne le demande pas)")
    if not place["publics"]:
        lacking.append("quels publics il reçoit")
    said = merged.objections[merged.objections["groupe"] == place["id"]]
    known = place["_km"] < math.inf
    date, dated_by = _information(place, merged)
    return {
        "id": place["id"],
        "nom": place["nom"],
        "type": next(iter(labels("type")), ""),
        "adresse": place["adresse"],
        "complement": place["complement"],
        "code_postal": place["code_postal"],
        "commune": place["commune"],
        "distance_km": round(place["_km"], 1) if known else None,
        "distance_jusqu_a": place["_point"],
        "vient_dans_la_commune": place["_vient"],
        "ne_dit_pas": lacking,
        "repond_par": answers,
        "publics": labels("publics"),
        "prise_en_charge": labels("prise_en_charge"),
        "frais": labels("frais"),
        "acces": labels("acces"),
        "accompagnement": labels("accompagnement"),
        "conditions": place["conditions"],
        "aidants_connect": place["aidants_connect"]
        or ("oui" if AIDANTS_CONNECT in split(place["dispositifs"]) else ""),
        "demi_journees": _number(place["demi_journees"]),
        "horaires": place["horaires"],
        "itinerance": labels("itinerance"),
        "sert_la_commune": _serves(place, question),
        "communes_servies": [str(names.get(code, code)) for code in split(place["perimetre"])],
        "etat": next(iter(labels("etat")), ""),
        "site_web": place["site_web"],
        "date_maj": date,
        "date_origine": dated_by,
        "ancienne": is_old(date, jour),
        "sources": [titles.get(code, code) for code in split(place["sources"])],
        "objections": [
            {"role": row["role"], "date": row["date"], "objection": row["objection"]}
            for row in said.to_dict("records")
        ],
    }


def _information(place: Mapping[str, Any], merged: Merged) -> tuple[str, str]:
    """Date of what decides, and whether it is that of the place or of its list.

    A place of several lists bears the date of the newest; what it offers may come from an older.
    """
    values = merged.valeurs
    values = values[(values["groupe"] == place["id"]) & values["champ"].isin(DECISIVE)]
    if values.empty:
        return place["date_maj"], place["date_origine"]
    oldest = values.sort_values(["date_maj", "id"]).iloc[0]
    lines = merged.lignes
    return str(oldest["date_maj"]), str(
        lines.loc[lines["id"] == oldest["id"], "date_origine"].iloc[0]
    )


def dates_of_information(merged: Merged) -> dict[str, str]:
    """Date of what decides, of each place: that of the oldest list, ``""`` if one has none."""
    found = dict(zip(merged.lieux["id"], merged.lieux["date_maj"], strict=True))
    values = merged.valeurs[merged.valeurs["champ"].isin(DECISIVE)]
    return found | values.groupby("groupe")["date_maj"].min().to_dict()


def _number(value: float) -> float | None:
    return None if value != value else float(value)


def is_old(date: str, jour: str) -> bool:
    """Whether an information is older than declared; one without a date is.

    Examples
    --------
    >>> is_old("2024-03-12", "2026-03-12"), is_old("2024-03-11", "2026-03-12"), is_old("", "2026")
    (False, True, True)
    """
    if not date:
        return True
    return f"{int(date[:4]) + vocabulary().anciennete.ans}{date[4:]}" < jour


# --- writing ---------------------------------------------------------------------------------


def render(facts: dict[str, Any]) -> str:
    """Write an orientation in French sentences."""
    blocks = [
        _heading(facts),
        _receive(facts),
        _beyond(facts),
        _to_call(facts),
        _aside(facts),
        _notes(facts),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _heading(facts: dict[str, Any]) -> list[str]:
    town = facts["commune"]
    who = " ou ".join(lower_first(one["libelle"]) for one in facts["publics"])
    within = f", {town['nom_epci']}" if town["nom_epci"] else ""
    lines = [paragraph(f"Depuis {town['nom']} ({town['code_insee']}){within}")]
    if town["demandee_comme"]:
        lines.append(
            paragraph(
                f"{town['demandee_comme']} est aujourd'hui dans cette commune : les distances "
                f"partent {of_name(CENTRES[town['centre']])} de l'ensemble.",
                "  ",
            )
        )
    lines.append(paragraph(f"Besoin — {lower_first(facts['besoin']['libelle'])}.", "  "))
    lines.append(paragraph(f"Public — {who}.", "  "))
    return lines


def _receive(facts: dict[str, Any]) -> list[str]:
    count, radius = facts["recoivent_nombre"], number(facts["distance"]["rayon_km"])
    if not count:
        text = (
            f"Aucun lieu connu à moins de {radius} km ne dit à la fois répondre à ce besoin et "
            "recevoir ce public."
        )
        return ["Peuvent recevoir cette personne", paragraph(text, "  ")]
    shown = len(facts["recoivent"])
    more = f", les {shown} plus proches" if 1 < shown < count else ""
    more = ", le plus proche" if shown == 1 < count else more
    return [
        f"Peuvent recevoir cette personne : {plural(count, 'lieu', 'lieux')} à moins de "
        f"{radius} km{more}",
        *_numbered(facts["recoivent"], facts),
    ]


def _beyond(facts: dict[str, Any]) -> list[str]:
    place = facts["plus_proche_au_dela"]
    if facts["recoivent_nombre"]:
        return []
    if place is None and facts["citent_le_besoin"]:
        return ["Au-delà", paragraph("Les listes lues n'en connaissent pas plus loin.", "  ")]
    if place is None:
        text = (
            "Aucun lieu des listes lues ne cite ce besoin, même loin : elles ne le demandent "
            "peut-être pas. Cela ne dit pas que personne n'y répond."
        )
        return ["Au-delà", paragraph(text, "  ")]
    return ["Au-delà, le plus proche qui le dit", *_numbered([place], facts)]


def _to_call(facts: dict[str, Any]) -> list[str]:
    count = facts["a_appeler_nombre"]
    if not count:
        return []
    shown = len(facts["a_appeler"])
    more = f", dont {shown} ici" if shown < count else ""
    radius = number(facts["distance"]["rayon_km"])
    return [
        f"À appeler d'abord : {plural(count, 'lieu', 'lieux')} à moins de {radius} km{more}",
        *_numbered(facts["a_appeler"], facts),
    ]


def _numbered(places: Sequence[dict[str, Any]], facts: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for rank, place in enumerate(places, start=1):
        first, *others = _place(place, facts)
        lines.append(paragraph(f"{rank}. {first}", "  ").replace("\n", "\n   "))
        # an address of a site that is cut no longer opens
        lines += [
            f"     {text}" if text.startswith(SITE) else paragraph(text, "     ") for text in others
        ]
    return lines


def _place(place: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    """Lines about a place; what its lists do not say is said too."""
    told = not place["type"] or fold(place["type"]) in fold(place["nom"])
    kind = "" if told else f" — {place['type'].partition(' (')[0]}"
    yield f"{place['nom']}{kind}, {_far(place, facts)}"
    if place["ne_dit_pas"]:
        yield f"Ne dit pas {' ni '.join(place['ne_dit_pas'])}."
    town = f"{place['code_postal']} {place['commune']}".strip()
    yield ", ".join(filter(None, (place["adresse"], place["complement"], town))) + "."
    if place["repond_par"]:
        yield f"Répond par : {listing(_lowered(place['repond_par']))}."
    if place["publics"]:
        yield f"Reçoit : {listing(_lowered(place['publics'] + place['prise_en_charge']))}."
    cost = listing(_lowered(place["frais"])) or "non dit"
    entry = listing(_lowered(place["acces"])) or "non dit"
    yield f"Coût : {cost}. Pour venir : {entry}."
    if place["accompagnement"]:
        yield f"Accompagnement : {listing(_lowered(place['accompagnement']))}."
    if place["conditions"] and fold(place["conditions"]) != fold(cost):
        yield f"Conditions : {place['conditions'].rstrip('. ')}."
    yield from _opening(place)
    if place["site_web"] and " " not in place["site_web"]:
        yield f"{SITE}{place['site_web']}"
    yield _dated(place, facts)
    for one in place["objections"]:
        said = one["objection"].rstrip(". ")
        yield f"Objection ({lower_first(one['role'])}, {day(one['date'])}) : {said}."


def _opening(place: dict[str, Any]) -> Iterator[str]:
    said = []
    if place["demi_journees"] is not None:
        shown = number(place["demi_journees"], 1).removesuffix(",0")
        many = "s" if place["demi_journees"] >= 2 else ""
        said.append(f"{shown} demi-journée{many} par semaine")
    elif place["horaires"]:
        said.append(place["horaires"].rstrip(". "))
    if said:
        yield f"Ouverture : {said[0]}."
    served = place["communes_servies"]
    moving = " et ".join(_lowered(place["itinerance"]))
    if served:
        shown = listing(served) if len(served) <= 4 else plural(len(served), "commune")
        yield f"{moving.capitalize() or 'Périmètre'} : sert {shown}, dont celle-ci."
    elif ITINERANT in map(fold, place["itinerance"]):
        yield "Itinérant : ne dit pas où il passe."
    if place["aidants_connect"] == "oui":
        yield "Habilité Aidants Connect : peut faire une démarche au nom de la personne."


def _far(place: dict[str, Any], facts: dict[str, Any]) -> str:
    if place["vient_dans_la_commune"]:
        return f"passe à {facts['commune']['nom']}"
    where = "" if place["distance_jusqu_a"] == PLACE else " (distance de sa commune)"
    return f"{number(place['distance_km'], 1)} km{where}"


def _dated(place: dict[str, Any], facts: dict[str, Any]) -> str:
    """Date and source, and what must be checked before anyone is sent."""
    if place["date_maj"]:
        kind = " (date de la liste)" if place["date_origine"] == "liste" else ""
        said = f"Information du {day(place['date_maj'])}{kind}"
    else:
        said = "Information sans date"
    if place["ancienne"] and place["date_maj"]:
        said += f", plus de {facts['anciennete']['ans']} ans : à vérifier avant d'y aller"
    state = "" if place["etat"] else " Ne dit pas s'il est toujours ouvert."
    return f"{said}.{state} Source : {listing(place['sources'])}."


def _lowered(labels: Iterable[str]) -> list[str]:
    return [lower_first(label) for label in labels]


def _aside(facts: dict[str, Any]) -> list[str]:
    counts = [plural(count, *REASONS[key]) for key, count in facts["ecartes"].items() if count]
    lines = []
    if counts:
        radius = number(facts["distance"]["rayon_km"])
        lines.append(f"À moins de {radius} km, {listing(counts)}.")
    if facts["sans_point"]:
        many = plural(facts["sans_point"], "lieu", "lieux")
        lines.append(f"{many} sans point ni commune connue, hors de toute distance.")
    return ["Pas proposés", *(paragraph(line, "  ") for line in lines)] if lines else []


def _notes(facts: dict[str, Any]) -> list[str]:
    rules = facts["distance"]
    notes = [
        f"Distances : ligne droite × {number(rules['facteur'], 1)}, "
        f"depuis {CENTRES[facts['commune']['centre']]} de la commune. "
        f"{rules['raison']} ({rules['reference'].rstrip('.')}.)",
        "Une liste vieillit, et ne connaît pas tous les lieux : un appel avant d'envoyer quelqu'un "
        "évite un trajet pour rien.",
        "Un besoin, un public, une commune : rien d'autre n'est demandé de la personne, et rien "
        "n'en est gardé.",
    ]
    lists = [
        f"{one['titre']} ({one['producteur']}, {plural(one['lieux'], 'lieu', 'lieux')})"
        for one in facts["listes"]
    ]
    if lists:
        notes.append(f"Listes lues aux alentours : {listing(lists)}.")
    if facts["remarques"]:
        count = plural(len(facts["remarques"]), "remarque")
        notes.append(f"{count} sur les listes : --json les donne, fragilite places read aussi.")
    return ["À savoir", *(paragraph(note, "  ") for note in notes)]
