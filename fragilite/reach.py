"""Who has a place nearby: :func:`reached` gathers it, the others write it.

Being near a place is not being received there: what a list says of its state is a second reading,
and a place that says nothing is never taken for an open one, nor for a closed one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd

from fragilite.centres import HALL, centre_points, centres
from fragilite.errors import UsageError
from fragilite.french import exact, listing, number, plural, quantity
from fragilite.inventory import BUNDLED, SANS_EPCI, Known, asides, inert, known_places
from fragilite.pipeline import Build
from fragilite.places.counts import INCONNU, RECOIVENT, kind_label, list_line, state_of
from fragilite.places.points import departements_near
from fragilite.places.schema import schema
from fragilite.sections import Section, Table, document, terminal
from fragilite.siting.distances import METRES, MINUTES, Distances, Points, by_air, by_road
from fragilite.siting.parameters import declared, declared_radii, parameters
from fragilite.siting.reach import EVERY, KNOWN, OPEN, Reach, joined, reach

#: Km that a minute may take one, as the crow flies: on a motorway.
KM_A_MINUTE = 2.0
#: Distances held at once (80 MB).
AT_ONCE = 10_000_000
#: Communes beyond the largest radius that a terminal names; the files hold them all.
SHOWN = 15
#: Columns of a terminal that a kind of place takes.
NAME = 24
#: Columns of the places of a reach.
PLACED = ("id", "genre", OPEN, "code_insee", "longitude", "latitude")
READINGS = {KNOWN: "lieu connu", OPEN: "lieu dit ouvert"}
UNITS = {METRES: "km", MINUTES: "min"}


@dataclass(frozen=True)
class Reached:
    """People near a place.

    Attributes
    ----------
    facts : dict
        Ready for JSON: ``portee`` by kind and reading, ``au_dela`` of the largest radius, how it
        is measured.
    communes : DataFrame
        As :attr:`fragilite.siting.reach.Reach.communes`, with ``code_lieu``, the commune of the
        nearest place; ``id`` is empty for places that are only counted.
    """

    facts: dict[str, Any]
    communes: pd.DataFrame


def places_for(
    build: Build,
    files: Sequence[Path],
    own: Sequence[str] = (),
    radii: Sequence[float] | None = None,
    times: Path | None = None,
) -> Known:
    """What is known of places near enough to a territory, in the neighbouring départements too.

    Parameters
    ----------
    build : Build
    files, own
        As :func:`fragilite.inventory.known_places`.
    radii, times
        As :func:`reached`.
    """
    found = centres(build.inputs).dropna(subset=["longitude"])
    farthest = max(radii or declared_radii())
    points = zip(found["longitude"], found["latitude"], strict=True)
    near = departements_near(points, farthest * (KM_A_MINUTE if times else 1))
    return known_places(build, files, own, sorted({*near, *build.communes["code_departement"]}))


def reached(
    build: Build,
    known: Known,
    radii: Sequence[float] | None = None,
    times: Path | None = None,
) -> Reached:
    """Count the people to accompany within some radii of a place.

    Parameters
    ----------
    build : Build
    known : Known
        From :func:`places_for`.
    radii : sequence of float, optional
        Km, or minutes with road times; the declared ones if None.
    times : Path, optional
        Table of road times between codes of communes: ``origine``, ``destination``, ``minutes``.

    Raises
    ------
    UsageError
        A radius that is none, road times without radii, a table of times that holds no trip
        between the communes.
    FragiliteError
        If the centre of no commune is known, and there is no table of times.
    """
    if times is not None and not radii:
        raise UsageError(
            "Avec --times, les rayons sont en minutes : il faut les dire.", "Ajoutez --radius 10,20"
        )
    limits = tuple(radii or declared_radii())
    people = build.communes.set_index("code_insee")["personnes_a_accompagner"].astype(float)
    here = set(people.index)
    around = centres(build.inputs.around)
    ground = _ground(build, _located(known, around), here, max(limits), times)
    table = ground.table
    found = joined(
        [reach(people.loc[list(part.origines)], table, part, limits) for part in ground.parts]
    )
    codes = [code for part in ground.parts for code in part.origines]
    facts = {
        "territoire": {
            "code": build.inputs.territory.nom,
            "nom": build.inputs.territory.libelle,
            "annee": build.inputs.annee,
        },
        "comptes_livres": known.fusion is None,
        "listes": known.listes,
        "distance": _measure(times, ground.parts[0].message),
        "centres": around.loc[codes, "origine"].replace("", np.nan).value_counts().to_dict(),
        "rayons": list(limits),
        "personnes": float(people.sum()) if people.notna().any() else None,
        "communes": len(people),
        "communes_sans_chiffre": int(people.isna().sum()),
        "communes_sans_centre": [
            {"code_insee": code, "nom": str(build.inputs.communes["nom"][code])}
            for code in sorted(here - set(codes))
        ],
        "lieux": {
            "comptes": len(table),
            "ouverts": int(table[OPEN].fillna(value=False).sum()),
            "etat_inconnu": int(table[OPEN].isna().sum()),
            "a_la_commune": len(table) if times else int(table["au_centre"].sum()),
            "hors_territoire": int((~table["code_insee"].isin(here)).sum()),
            "sans_position": ground.unplaced,
            "a_part": _aside(known, here),
        },
        "portee": _rows(found, somebody=bool(people.notna().any())),
        "types_sans_lieu": [
            code for code in schema().words("type") if code not in set(table["genre"])
        ],
        "au_dela": {
            reading: _beyond(build, found, reading, max(limits)) for reading in (KNOWN, OPEN)
        },
        "remarques": list(known.remarques),
    }
    town_of = dict(zip(table["id"], table["code_insee"], strict=True))
    communes = found.communes.assign(
        code_lieu=[town_of.get(one, "") for one in found.communes["id"]],
        id=found.communes["id"] if known.fusion is not None else "",
    )
    return Reached(facts, communes)


# --- where places are ------------------------------------------------------------------------


def _located(known: Known, around: pd.DataFrame) -> pd.DataFrame:
    """Places that receive, or may: at their point, else at the centre of their commune."""
    rows = _counted(known.comptes) if known.fusion is None else _listed(known.fusion.lieux)
    table = pd.DataFrame(rows, columns=list(PLACED)).astype({OPEN: "boolean", "code_insee": "str"})
    table[["longitude", "latitude"]] = table[["longitude", "latitude"]].astype(float)
    nowhere = table["longitude"].isna()
    for axis in ("longitude", "latitude"):
        table[axis] = table[axis].fillna(table["code_insee"].map(around[axis]).astype(float))
    return table.assign(au_centre=nowhere)


def _aside(known: Known, here: Collection[str]) -> dict[str, int]:
    """What is known here but receives nobody, by state."""
    counted = known.comptes[known.comptes["code_insee"].isin(here)]
    states = counted[counted["mesure"] == "lieux"].groupby("modalite")["nombre"].sum()
    return {str(state): int(count) for state, count in states.items() if state not in RECOIVENT}


def _counted(comptes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Places of counts by commune: as many rows as places, those said open first."""
    both = comptes[comptes["mesure"].isin(["type", "type_ouvert"])]
    table = both.pivot_table(
        index=["code_insee", "modalite"], columns="mesure", values="nombre", aggfunc="sum"
    ).reindex(columns=["type", "type_ouvert"])
    for code, kind, count, opened in table.fillna(0).reset_index().itertuples(index=False):
        for rank in range(int(count)):
            yield {
                "id": f"{code}:{kind}:{rank}", "genre": kind, "code_insee": code,
                OPEN: True if rank < opened else pd.NA, "longitude": np.nan, "latitude": np.nan,
            }  # fmt: skip


def _listed(lieux: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Places of lists; one that is closed or receives nobody is no place to reach."""
    for place in lieux.to_dict("records"):
        state = state_of(place)
        if state in RECOIVENT:
            yield {
                "id": place["id"], "genre": place["type"] or INCONNU,
                OPEN: True if state == "ouvert" else pd.NA, "code_insee": place["code_insee"],
                "longitude": place["longitude"], "latitude": place["latitude"],
            }  # fmt: skip


# --- distances -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ground:
    """Places that count, distances to them in blocks of communes, places that are nowhere."""

    table: pd.DataFrame
    parts: list[Distances]
    unplaced: int


def _ground(
    build: Build, places: pd.DataFrame, here: Collection[str], limit: float, times: Path | None
) -> _Ground:
    """Distances to the places of a territory, and to those outside that are within a radius."""
    if times is None:
        table = places.dropna(subset=["longitude"])
        parts = list(_by_air(_origins(build), table))
    else:
        table = places[places["code_insee"] != ""]
        parts = [_by_road(times, list(build.communes["code_insee"]), table)]
    kept = table["code_insee"].isin(here).to_numpy()
    for part in parts:
        kept = kept | (part.valeurs <= limit * (1000 if part.unite == METRES else 1)).any(axis=0)
    table = table[kept].reset_index(drop=True)
    ends = tuple(table["id"])
    return _Ground(
        table,
        [replace(part, destinations=ends, valeurs=part.valeurs[:, kept]) for part in parts],
        len(places) - len(kept),
    )


def _origins(build: Build) -> Points:
    """Centres of the communes that have one; an error where none does."""
    found = centres(build.inputs).reindex(build.communes["code_insee"])
    known = found.dropna(subset=["longitude"])
    if known.empty:
        return centre_points(build.inputs)  # says what to fetch
    return Points(tuple(known.index), known["latitude"].to_numpy(), known["longitude"].to_numpy())


def _by_air(origins: Points, table: pd.DataFrame) -> Iterator[Distances]:
    """Distances in blocks of communes."""
    ends = Points(tuple(table["id"]), table["latitude"].to_numpy(), table["longitude"].to_numpy())
    step = max(1, AT_ONCE // max(1, len(table)))
    for first in range(0, len(origins.codes), step):
        block = slice(first, first + step)
        yield by_air(
            Points(origins.codes[block], origins.latitude[block], origins.longitude[block]), ends
        )


def _by_road(path: Path, codes: Sequence[str], table: pd.DataFrame) -> Distances:
    """Minutes from each commune to each place, which is at the centre of its own."""
    ends = list(dict.fromkeys(table["code_insee"]))
    found = by_road(path, codes, ends)
    trips = np.not_equal.outer(np.array(codes, object), np.array(ends, object))
    if trips.any() and np.isnan(found.valeurs[trips]).all():
        raise UsageError(
            f"{path.name} : aucun trajet entre une commune d'ici et celle d'un lieu.",
            "Dans origine et destination, écrivez des codes communes, comme 49007.",
        )
    columns = [ends.index(code) for code in table["code_insee"]]
    minutes = found.valeurs[:, columns]
    return Distances(tuple(codes), tuple(table["id"]), minutes, MINUTES, found.message)


def _measure(times: Path | None, message: str) -> dict[str, Any]:
    """How distances are told."""
    if times is not None:
        return {"unite": UNITS[MINUTES], "table": times.name, "message": message}
    found = parameters()["facteur_detour"]
    return {
        "unite": UNITS[METRES], "facteur": declared("facteur_detour"), "raison": found.raison,
        "reference": found.reference,
    }  # fmt: skip


# --- facts -----------------------------------------------------------------------------------


def _rows(found: Reach, *, somebody: bool) -> list[dict[str, Any]]:
    """What each kind of place reaches, in each reading, most places first."""
    rows: list[dict[str, Any]] = []
    for (kind, reading), lines in found.table.groupby(["genre", "lecture"], sort=False):
        places, unknown = (int(lines[name].iloc[0]) for name in ("lieux", "lieux_inconnus"))
        told = _told(str(reading), places, unknown) if somebody else INCONNU
        rows.append(
            {
                "genre": kind,
                "libelle": "tous les lieux" if kind == EVERY else kind_label(str(kind)),
                "lecture": reading,
                "reponse": told,
                "lieux": places,
                "etat_inconnu": unknown,
                "rayons": [_line(line, told) for line in lines.to_dict("records")],
            }
        )
    sizes = {str(row["genre"]): int(row["lieux"]) for row in rows if row["lecture"] == KNOWN}

    def order(row: dict[str, Any]) -> tuple[bool, bool, int, str]:
        kind = str(row["genre"])
        return row["lecture"] != KNOWN, kind != EVERY, -sizes[kind], kind

    return sorted(rows, key=order)


def _told(reading: str, places: int, unknown: int) -> str:
    """Whether a number is known, is a minimum (some places do not say), or is not known."""
    if reading == KNOWN or not unknown:
        return "connu"
    return "minimum" if places else INCONNU


def _line(line: Mapping[Any, Any], told: str) -> dict[str, Any]:
    known = told != INCONNU

    def number_or_none(name: str) -> float | None:
        value = float(line[name])
        return round(value, 6) if known and value == value else None

    return {
        "rayon": float(line["rayon"]),
        "personnes": number_or_none("personnes"),
        "part": number_or_none("part"),
        "personnes_au_dela": number_or_none("personnes_au_dela"),
        "communes": int(line["communes"]),
        "communes_au_dela": int(line["communes_au_dela"]),
    }


def _beyond(build: Build, found: Reach, reading: str, limit: float) -> dict[str, Any]:
    """Communes of which no place is within the largest radius, most people first."""
    towns = build.communes.set_index("code_insee")
    rows = found.beyond(EVERY, reading, limit)
    known = rows["personnes"].dropna()
    return {
        "rayon": limit,
        "personnes": float(known.sum()) if len(known) or rows.empty else None,
        "communes": [
            {
                "code_insee": row["code_insee"],
                "nom": towns["nom"][row["code_insee"]],
                "nom_epci": _epci_of(towns, row["code_insee"]),
                "personnes": _or_none(row["personnes"]),
                "distance": _or_none(row["distance"]),
            }
            for row in rows.to_dict("records")
        ],
    }


def _epci_of(towns: pd.DataFrame, code: str) -> str:
    named = towns["nom_epci"][code]
    return named if isinstance(named, str) and named else SANS_EPCI


def _or_none(value: float) -> float | None:
    return None if value != value else float(value)


# --- writing ---------------------------------------------------------------------------------


def render(facts: Mapping[str, Any]) -> str:
    """Write a reach as French text for a terminal."""
    return terminal(_sections(facts, SHOWN))


def markdown(facts: Mapping[str, Any]) -> str:
    """Write a reach as a Markdown document."""
    return document(_sections(facts, None))


def _sections(facts: Mapping[str, Any], most: int | None) -> Iterator[Section]:
    """Every part of the text; `most` communes and remarks are named, all of them if None."""
    yield _opening(facts)
    if facts["lieux"]["comptes"]:
        yield _table_section(facts, KNOWN, short=most is not None)
    if not _all_open(facts):  # the same table again
        yield _table_section(facts, OPEN, short=most is not None)
    yield from _beyond_sections(facts, most)
    yield Section("Comment c'est compté", points=list(_how(facts)))
    remarks = facts["remarques"][:most]
    more = len(facts["remarques"]) - len(remarks)
    if more:
        remarks = [*remarks, f"et {plural(more, 'remarque')} de plus (-o portee.md)."]
    if remarks:
        yield Section("À savoir", points=remarks)


def _opening(facts: Mapping[str, Any]) -> Section:
    phrases = list(_result(facts))
    blank = facts["communes_sans_chiffre"]
    if facts["personnes"] is not None and blank:
        phrases.append(
            f"Personnes à accompagner inconnues pour {plural(blank, 'commune')} sur "
            f"{number(facts['communes'])} : comptées nulle part."
        )
    lost = [one["nom"] for one in facts["communes_sans_centre"]]
    if lost:
        phrases.append(f"Sans mairie ni contour connus, hors de ce compte : {_some(lost)}.")
    if facts["comptes_livres"]:
        phrases.append(BUNDLED)
    aside = asides(facts["lieux"]["a_part"])
    if aside:
        phrases.append(f"À part, non comptés : {listing(aside)}.")
    return Section(
        f"Portée des lieux : {facts['territoire']['nom']}",
        phrases,
        [list_line(one) for one in facts["listes"]],
    )


def _all_open(facts: Mapping[str, Any]) -> bool:
    """Whether the two readings are the same, as where there is no place at all."""
    return bool(facts["lieux"]["ouverts"] == facts["lieux"]["comptes"])


def _result(facts: Mapping[str, Any]) -> Iterator[str]:
    """What is found, in one or two sentences."""
    places = facts["lieux"]
    if not places["comptes"]:
        yield (
            "Aucun lieu connu ici, ni assez près d'ici. Cela ne dit pas que personne n'aide : ces "
            "listes n'en ont pas."
        )
    if facts["personnes"] is None:
        yield (
            "Personnes à accompagner inconnues ici : la méthode ne les estime pas, ou leurs "
            "chiffres manquent. Seules les communes sont comptées."
        )
        return
    people = f"{plural(round(facts['personnes']), 'personne')} à accompagner (estimation)"
    if not places["comptes"]:
        yield f"{people}."
        return
    every = {row["lecture"]: row for row in facts["portee"] if row["genre"] == EVERY}
    yield f"Sur {people}, ont un lieu connu : {_shares(facts, every[KNOWN])}."
    if _all_open(facts):
        yield "Tous ces lieux sont dits ouverts."
        return
    unknown, told = places["etat_inconnu"], every[OPEN]["reponse"]
    if told == INCONNU:
        yield "Ont un lieu dit ouvert : inconnu, aucun lieu ne dit s'il l'est."
        return
    of = f"{number(unknown)} lieux sur {number(places['comptes'])}"
    least = f", au moins ({of} ne disent pas s'ils le sont)"
    yield (
        f"Ont un lieu dit ouvert{least if told == 'minimum' else ''} : "
        f"{_shares(facts, every[OPEN])}."
    )


def _shares(facts: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    unit = facts["distance"]["unite"]
    return listing(
        [f"{_share(line)} à moins de {exact(line['rayon'])} {unit}" for line in row["rayons"]]
    )


def _share(line: Mapping[str, Any], *, short: bool = False) -> str:
    """A share; one that leaves somebody out is never all, nor a small one nothing.

    Examples
    --------
    >>> _share({"part": 99.97, "personnes_au_dela": 30.0}), _share({"part": 0.2}, short=True)
    ('plus de 99,9 %', '< 1 %')
    """
    part = line["part"]
    if part is None:
        return "–"
    unit, decimals = (1, 0) if short else (0.1, 1)
    if part >= 100 - unit / 2:
        least = quantity(100 - unit, decimals, "%")
        more = f"> {least}" if short else f"plus de {least}"
        return "100 %" if line["personnes_au_dela"] < 1 / 2 else more
    if 0 < part < unit / 2:
        least = quantity(unit, decimals, "%")
        return f"< {least}" if short else f"moins de {least}"
    return quantity(part, decimals, "%")


def _radii_words(facts: Mapping[str, Any]) -> str:
    shown = [exact(limit) for limit in facts["rayons"]]
    many = f"{', '.join(shown[:-1])} ou {shown[-1]}" if len(shown) > 1 else shown[0]
    return f"{many} {facts['distance']['unite']}"


def _table_section(facts: Mapping[str, Any], reading: str, *, short: bool) -> Section:
    rows = [row for row in facts["portee"] if row["lecture"] == reading]
    unit = facts["distance"]["unite"]
    who = "communes" if facts["personnes"] is None else "personnes à accompagner"
    doubt = reading == OPEN
    header = ["type de lieu", "lieux", *(["non dit"] if doubt else [])]
    header += [f"{exact(limit)} {unit}" for limit in facts["rayons"]]
    phrases = []
    if doubt:
        phrases.append(
            "Une liste le dit ouvert, et ne dit pas qu'il ne reçoit pas de public. « Non dit » : "
            "les lieux d'état inconnu, qui ne comptent pas ici. Là où il y en a, les personnes "
            "sont un minimum ; « inconnu » là où aucun lieu ne dit son état."
        )
    return Section(
        f"{who.capitalize()} à moins de {_radii_words(facts)} d'un {READINGS[reading]}",
        phrases,
        tables=[
            Table(
                [*header, "au-delà"],
                [
                    [
                        shorten(row["libelle"], NAME, placeholder="…") if short else row["libelle"],
                        number(row["lieux"]),
                        *([number(row["etat_inconnu"])] if doubt else []),
                        *(_cell(line, row, facts, short=short) for line in row["rayons"]),
                        _left(row["rayons"][-1], row, facts),
                    ]
                    for row in rows
                ],
            )
        ],
    )


def _cell(
    line: Mapping[str, Any], row: Mapping[str, Any], facts: Mapping[str, Any], *, short: bool
) -> str:
    if facts["personnes"] is None and (row["lieux"] or not row["etat_inconnu"]):
        return number(line["communes"])
    if line["personnes"] is None:
        return INCONNU
    return f"{number(line['personnes'])} ({_share(line, short=short)})"


def _left(line: Mapping[str, Any], row: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if facts["personnes"] is None and (row["lieux"] or not row["etat_inconnu"]):
        return number(line["communes_au_dela"])
    return INCONNU if line["personnes_au_dela"] is None else number(line["personnes_au_dela"])


def _beyond_sections(facts: Mapping[str, Any], most: int | None) -> Iterator[Section]:
    """Who is beyond the largest radius; the second reading where it says something else."""
    every = {row["lecture"]: row for row in facts["portee"] if row["genre"] == EVERY}
    told = None
    for reading in (KNOWN, OPEN):
        found = facts["au_dela"][reading]
        codes = [one["code_insee"] for one in found["communes"]]
        if every[reading]["reponse"] != INCONNU or facts["personnes"] is None:
            if codes != told:
                yield _beyond_section(facts, reading, most)
            told = codes


def _beyond_section(facts: Mapping[str, Any], reading: str, most: int | None) -> Section:
    found, unit = facts["au_dela"][reading], facts["distance"]["unite"]
    limit = f"{exact(found['rayon'])} {unit}"
    title = f"Au-delà de {limit} d'un {READINGS[reading]}"
    if not found["communes"]:
        return Section(title, [f"Aucune commune : chacune en a un à moins de {limit}."])
    shown = found["communes"][:most]
    many = plural(len(found["communes"]), "commune")
    people = (
        "Personnes inconnues" if found["personnes"] is None
        else f"{plural(round(found['personnes']), 'personne')} à accompagner"
    )  # fmt: skip
    rest = len(found["communes"]) - len(shown)
    phrases = [f"{people}, dans {many}{f', dont {len(shown)} ici' if rest else ''}."]
    if reading == KNOWN and facts["comptes_livres"]:
        phrases.append("Un lieu d'un département voisin peut être plus près : il n'est pas compté.")
    rows = [
        [
            one["nom"],
            one["nom_epci"],
            INCONNU if one["personnes"] is None else number(one["personnes"]),
            INCONNU if one["distance"] is None else quantity(one["distance"], 1, unit),
        ]
        for one in shown
    ]
    return Section(
        title, phrases, tables=[Table(["commune", "EPCI", "personnes", "le plus proche"], rows, 2)]
    )


def _how(facts: Mapping[str, Any]) -> Iterator[str]:
    """What the numbers rest on."""
    measure, places, found = facts["distance"], facts["lieux"], facts["centres"]
    if "table" in measure:
        yield (
            f"Temps de route : ceux de {measure['table']}, de commune à commune. Personnes et "
            "lieux y sont au centre de leur commune ; un trajet que la table n'a pas est pris pour "
            "trop long."
        )
        if measure["message"]:
            yield measure["message"]
    else:
        halls = found.get(HALL, 0)
        inside = sum(found.values()) - halls
        said = [
            *([f"sa mairie, vérifiée ({plural(halls, 'commune')})"] if halls else []),
            *([f"un point à l'intérieur ({plural(inside, 'commune')})"] if inside else []),
        ]
        yield (
            f"Les personnes sont comptées au centre de leur commune : {', sinon '.join(said)}. "
            "Dans une commune étendue, certaines sont bien plus loin."
        )
        yield (
            f"Distance : ligne droite × {exact(measure['facteur'])}. {measure['raison']} "
            f"({measure['reference'].rstrip('.')}.)"
        )
        if facts["comptes_livres"]:
            yield (
                "Un lieu est lui aussi au centre de sa commune : ces comptes n'ont pas d'adresse. "
                "Une commune qui a un lieu est donc à 0 km du sien : la portée est flattée."
            )
        elif places["a_la_commune"]:
            yield plural(
                places["a_la_commune"],
                "lieu sans coordonnées, compté au centre de sa commune.",
                "lieux sans coordonnées, comptés au centre de leur commune.",
            )
    if facts["comptes_livres"]:
        yield "Les lieux des départements voisins ne sont pas dans ces comptes."
    elif places["hors_territoire"]:
        yield plural(
            places["hors_territoire"],
            "lieu hors du territoire, compté : une commune d'ici l'a dans un rayon.",
            "lieux hors du territoire, comptés : une commune d'ici les a dans un rayon.",
        )
    if places["sans_position"]:
        yield plural(
            places["sans_position"],
            "lieu sans coordonnées ni commune à portée, compté nulle part.",
            "lieux sans coordonnées ni commune à portée, comptés nulle part.",
        )
    if facts["types_sans_lieu"] and places["comptes"]:
        kinds = ", ".join(map(kind_label, facts["types_sans_lieu"]))
        yield f"Types sans lieu connu ici, ce qui ne dit pas qu'il n'y en a pas : {kinds}."
    yield (
        "Être près d'un lieu n'est pas y être reçu : services, publics, horaires et places "
        "disponibles ne sont pas comptés ici. Pour une personne : fragilite orient."
    )


def _some(names: Sequence[str]) -> str:
    shown = list(names[:SHOWN])
    return listing(shown if len(shown) == len(names) else [*shown, f"{len(names) - SHOWN} autres"])


# --- a tidy table ----------------------------------------------------------------------------

TIDY = (
    "rubrique", "genre", "libelle", "lecture", "rayon", "unite", "code_insee", "nom", "nom_epci",
    "reponse", "lieux", "etat_inconnu", "personnes", "part", "personnes_au_dela", "communes",
    "communes_au_dela", "distance", "lieu", "commune_du_lieu",
)  # fmt: skip


def tidy(found: Reached, build: Build) -> str:
    """Write a reach as CSV; an empty cell is unknown, or of the other kind of rows.

    `portee`: one row a kind, a reading and a radius. `commune`: one row a kind, a reading and a
    commune, with its nearest place. `liste`: one row a list.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(TIDY), lineterminator="\n", restval="")
    writer.writeheader()
    unit = found.facts["distance"]["unite"]
    labels = {}
    for row in found.facts["portee"]:
        labels[row["genre"]] = row["libelle"]
        same = {name: row[name] for name in ("genre", "libelle", "lecture", "reponse", "lieux",
                                             "etat_inconnu")}  # fmt: skip
        for line in row["rayons"]:
            cells = {name: _shown(value) for name, value in line.items()}
            writer.writerow({"rubrique": "portee", "unite": unit, **same, **cells})
    towns = build.communes.set_index("code_insee")
    names = {code: (inert(towns["nom"][code]), inert(_epci_of(towns, code)))
             for code in towns.index}  # fmt: skip
    for row in found.communes.to_dict("records"):
        nom, epci = names[row["code_insee"]]
        writer.writerow(
            {
                "rubrique": "commune", "genre": row["genre"], "libelle": labels[row["genre"]],
                "lecture": row["lecture"], "unite": unit, "code_insee": row["code_insee"],
                "nom": nom, "nom_epci": epci, "personnes": _shown(row["personnes"]),
                "distance": _shown(row["distance"]), "lieu": inert(row["id"]),
                "commune_du_lieu": row["code_lieu"],
            }
        )  # fmt: skip
    for one in found.facts["listes"]:
        writer.writerow({"rubrique": "liste", "genre": one["code"], "libelle": list_line(one)})
    return lines.getvalue()


def _shown(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.4f}".rstrip("0").rstrip(".")
