"""What is known of who helps: :func:`inventory` gathers it EPCI by EPCI, the others write it.

Counts of places say what is known, never all there is. « Inconnu » is kept apart from « aucune » at
every step (the rule is in ``places/inventaire.toml``), and unknown means are never zero.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd

from fragilite.errors import UsageError
from fragilite.french import day, listing, lower_first, number, plural
from fragilite.ingestion.bundled import bundled_departements, bundled_places
from fragilite.pipeline import FORMULA, Build
from fragilite.places.communes import Communes
from fragilite.places.counts import (
    COLUMNS,
    INCONNU,
    MOYENS,
    RECOIVENT,
    Ligne,
    bare,
    counts,
    kind_label,
    list_line,
    list_record,
    rules,
)
from fragilite.places.merging import Merged, merge
from fragilite.places.reading import read_lists
from fragilite.places.schema import Places, schema
from fragilite.sections import Section, Table, document, terminal

#: Answers of the grid.
OUI, AUCUNE = "oui", "aucune"
#: Communes named among those with many people and no known place.
HEAVIEST = 10
#: From how many EPCI on, what is said of all but one of them is said once.
MANY = 4
#: EPCI, then changes of a kind, that a terminal shows; the files hold them all.
SHOWN_EPCI, SHOWN_CHANGES = 30, 10
#: Columns of a terminal that the name of an EPCI takes.
NAME = 30
SANS_EPCI = "Sans EPCI"
#: Columns of the merged places whose change is told.
WATCHED = ("type", "etat")
MEANINGS = {
    OUI: "un lieu connu au moins le dit (entre parenthèses, combien)",
    AUCUNE: "dit par toutes les sources qui renseignent ce service : un lieu connu au moins le "
    "renseigne, aucun ne le propose",
    INCONNU: "aucun lieu connu, aucun dont la liste renseigne ce service, ou un EPCI que ce calcul "
    "n'a qu'en partie",
}
KINDS = (
    "Pour un service public, « aucune » dit qu'aucun lieu connu ici n'est de ce type, non qu'il "
    "n'en existe pas : une mairie que les listes n'ont pas aide peut-être aussi."
)
BUNDLED = (
    "Ce sont des comptes par commune livrés avec le programme, aux dates ci-dessous, sans le "
    "détail des lieux ; des listes données par --places les remplacent."
)
GROUPS = {"public": "Services publics", "besoin": "Besoins"}


@dataclass(frozen=True)
class Known:
    """Places as an inventory knows them.

    Attributes
    ----------
    comptes : DataFrame
        Counts by commune (:func:`fragilite.places.counts.counts`).
    listes : list of dict
        Lists they come from: title, producer, licence, date, places.
    fusion : Merged or None
        The places themselves; None for the counts that travel with the program.
    remarques : list of str
    """

    comptes: pd.DataFrame
    listes: list[dict[str, Any]]
    fusion: Merged | None = None
    remarques: list[str] = field(default_factory=list)


def known_places(
    build: Build,
    files: Sequence[Path],
    own: Sequence[str] = (),
    departements: Collection[str] = (),
) -> Known:
    """What a command knows of places: the lists it is given, else the counts that travel with it.

    Parameters and errors are those of :func:`of_lists` and :func:`of_bundle`.
    """
    if files:
        return of_lists(build, files, own, departements)
    if own:
        raise UsageError(
            "--mapping dit comment lire une liste, et aucune n'est donnée.",
            "Ajoutez --places LISTE.csv, ou retirez --mapping.",
        )
    return of_bundle(build)


def places_if_any(build: Build, files: Sequence[Path], own: Sequence[str] = ()) -> Known:
    """As :func:`known_places`; nothing known, and said so, where no count travels with the program.

    For commands that do without places: a roadmap shares people, wherever places are.
    """
    if files or own or covered(build):
        return known_places(build, files, own)
    said = f"Aucune liste de lieux pour {build.inputs.territory.libelle} : ajoutez --places LISTE."
    return Known(pd.DataFrame(columns=list(COLUMNS)), [], remarques=[said])


def covered(build: Build) -> bool:
    """Whether counts of places travel with the program for a whole territory."""
    return not _uncounted(build)


def of_lists(
    build: Build,
    files: Sequence[Path],
    own: Sequence[str] = (),
    departements: Collection[str] = (),
) -> Known:
    """Read lists of places and bring them together, for the territory of a build.

    Parameters
    ----------
    build : Build
    files : sequence of Path
    own : sequence of str
        Mappings that a user chose (:func:`fragilite.places.reading.read_lists`).
    departements : collection of str
        Where places are kept; by default the départements of its communes.

    Raises
    ------
    UsageError
        As :func:`fragilite.places.reading.read_lists` and :func:`fragilite.places.merging.merge`.
    """
    places = _read(build, files, own, departements)
    merged = merge(places)
    return Known(
        counts(merged),
        [list_record(origin) for origin in places.origines],
        merged,
        [str(remark) for remark in merged.remarques],
    )


def of_bundle(build: Build) -> Known:
    """The counts that travel with the program, for the territory of a build.

    Raises
    ------
    UsageError
        If they do not cover it: communes without counts are not communes without places.
    """
    lacking = _uncounted(build)
    if lacking:
        raise UsageError(
            f"Aucun compte de lieux n'est livré pour {listing(lacking)}.",
            "Donnez des listes de lieux : --places LISTE.csv (répétable).",
        )
    found = [bundled_places(code) for code in sorted(set(build.communes["code_departement"]))]
    return Known(
        pd.concat([table for table, _ in found], ignore_index=True),
        [one for _, record in found for one in record["listes"]],
        remarques=list(dict.fromkeys(record["note"] for _, record in found)),
    )


def _uncounted(build: Build) -> list[str]:
    return sorted(set(build.communes["code_departement"]) - set(bundled_departements()))


def _read(
    build: Build,
    files: Sequence[Path],
    own: Sequence[str] = (),
    departements: Collection[str] = (),
) -> Places:
    around = build.inputs.around  # a list names communes outside of the EPCI as well
    kept = departements or sorted(set(build.communes["code_departement"]))
    communes = Communes.of(around.communes, around.anciennes)
    return read_lists(files, own, communes=communes, departements=kept)


# --- facts ---------------------------------------------------------------------------------------


def inventory(build: Build, known: Known, since: Path | None = None) -> dict[str, Any]:
    """Facts of an inventory, ready for JSON.

    Parameters
    ----------
    build : Build
    known : Known
        From :func:`of_lists` or :func:`of_bundle`.
    since : Path, optional
        Places of an earlier inventory, as ``places merge`` or ``places read`` writes them.

    Raises
    ------
    UsageError
        If places are to be compared with those of counts, which have no name.
    """
    towns = build.communes.assign(code_epci=build.communes["code_epci"].fillna(""))
    here = known.comptes["code_insee"].isin(set(towns["code_insee"]))
    epci_of = towns.set_index("code_insee")["code_epci"]
    found = known.comptes[here].assign(code_epci=lambda rows: rows["code_insee"].map(epci_of))
    old_before = build.inputs.annee - rules().anciennete.ans
    rows = [_epci(towns, found, old_before, *named) for named in _epci_names(build, towns)]
    rows.sort(key=lambda row: (-(row["personnes"] or 0), row["code_epci"]))
    whole = _measured(towns, found, old_before)
    return {
        "territoire": {
            "code": build.inputs.territory.nom,
            "nom": build.inputs.territory.libelle,
            "annee": build.inputs.annee,
        },
        "comptes_livres": known.fusion is None,
        "listes": known.listes,
        "revision": _revision(whole["dates"]["recente"], build.inputs.annee),
        "ancien_avant": old_before,
        "ensemble": whole,
        "epci": rows,
        "lignes": [
            ligne.model_dump(include={"code", "groupe", "libelle", "court"})
            for ligne in rules().lignes
        ],
        "reponses": MEANINGS,
        "creux": {"services": _hollows(rows), "communes": _without_place(towns, found)},
        "depuis": _since(build, known, since),
        "remarques": [*_aside(known, here), *_people_remarks(towns), *known.remarques],
    }


def _epci_names(build: Build, towns: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Code, name and remark of each EPCI that has a commune here."""
    for row in build.epci.to_dict("records"):
        yield str(row["code_epci"]), str(row["nom_epci"]), str(row["remarque"])
    if (towns["code_epci"] == "").any():
        yield "", SANS_EPCI, ""


def _epci(
    towns: pd.DataFrame, found: pd.DataFrame, old_before: int, code: str, nom: str, remark: str
) -> dict[str, Any]:
    measured = _measured(
        towns[towns["code_epci"] == code], found[found["code_epci"] == code], old_before
    )
    if remark:  # the other communes were not looked at: nothing can be denied of the whole
        for cell in measured["grille"].values():
            cell["reponse"] = OUI if cell["oui"] else INCONNU
    return {"code_epci": code, "nom_epci": nom, "remarque": remark, **measured}


def _measured(towns: pd.DataFrame, found: pd.DataFrame, old_before: int) -> dict[str, Any]:
    """What is known of the places of a set of communes."""
    sums = _sums(found)
    states = {code: int(value) for code, value in sums.get("lieux", {}).items()}
    people = towns["personnes_a_accompagner"]
    total = float(people.sum()) if people.notna().any() else None
    kinds = Counter({code: int(value) for code, value in sums.get("type", {}).items()})
    said = sums.get("services", {}).get("dits", 0)
    return {
        "communes": len(towns),
        "communes_sans_lieu": len(towns) - _with_place(found).nunique(),
        "personnes": total,
        "lieux": sum(states.get(state, 0) for state in RECOIVENT),
        "etats": states,
        "types": dict(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))),
        "dates": _dates(sums.get("date", {}), old_before),
        "services_dits": int(said),
        "moyens": {mean: _mean(sums, mean, total) for mean in MOYENS},
        "etp_sieges": sums.get("etp_sieges", {}).get("connu", 0.0),
        "postes": {
            "natures": _whole(sums.get("nature_postes", {})),
            "fins": _whole(sums.get("fin_postes", {})),
        },
        "grille": {ligne.code: _cell(sums, ligne) for ligne in rules().lignes},
    }


def _whole(counts: Mapping[str, float]) -> dict[str, int]:
    return {code: int(value) for code, value in sorted(counts.items())}


def _sums(found: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Measure → modality → total of the communes."""
    sums: dict[str, dict[str, float]] = {}
    names = found["mesure"], found["modalite"], found["nombre"]
    for measure, modality, value in zip(*names, strict=True):
        here = sums.setdefault(str(measure), {})
        here[str(modality)] = here.get(str(modality), 0.0) + float(value)
    return sums


def _with_place(found: pd.DataFrame) -> pd.Series:
    """Codes of the communes with a place that receives."""
    receives = (found["mesure"] == "lieux") & found["modalite"].isin(RECOIVENT)
    return found.loc[receives, "code_insee"]


def _dates(dates: Mapping[str, float], old_before: int) -> dict[str, Any]:
    known = sorted(set(dates) - {INCONNU})
    years: Counter[str] = Counter()
    for date in known:
        years[date[:4]] += int(dates[date])
    return {
        "ancienne": known[0] if known else None,
        "recente": known[-1] if known else None,
        "par_annee": dict(sorted(years.items())),
        "inconnue": int(dates.get(INCONNU, 0)),
        "anciennes": sum(count for year, count in years.items() if int(year) < old_before),
    }


def _mean(sums: Mapping[str, Mapping[str, float]], mean: str, people: float | None) -> Any:
    """A mean, and how many places state it: none of them makes it unknown, not zero."""
    stating = int(sum(sums.get(f"{mean}_lieux", {}).values()))
    total = sum(sums.get(f"{mean}_total", {}).values()) if stating else None
    each = 1000 * total / people if total is not None and people else None
    return {"lieux": stating, "total": total, "pour_1000": each}


def _cell(sums: Mapping[str, Mapping[str, float]], ligne: Ligne) -> dict[str, Any]:
    """Answer of a set of places to a row of the grid."""
    yes, told = (int(sums.get(measure, {}).get(ligne.code, 0)) for measure in ("oui", "dit"))
    return {"reponse": OUI if yes else AUCUNE if told else INCONNU, "oui": yes, "renseignent": told}


def _revision(newest: str | None, year: int) -> dict[str, Any]:
    """When the inventory is to be gone over again, counted from its newest information."""
    rule = rules().revision
    due = None
    if newest:
        due = (pd.Timestamp(newest) + pd.DateOffset(months=rule.mois)).date().isoformat()
    return {
        "date": due,
        "passee": due is not None and due < f"{year}-01-01",
        "mois": rule.mois,
        "raison": rule.raison,
    }


def _hollows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the grid that nobody is known to answer, by EPCI."""
    return [
        {
            "code_epci": row["code_epci"],
            "nom_epci": row["nom_epci"],
            **{
                answer: [code for code, cell in row["grille"].items() if cell["reponse"] == answer]
                for answer in (AUCUNE, INCONNU)
            },
        }
        for row in rows
    ]


def _without_place(towns: pd.DataFrame, found: pd.DataFrame) -> list[dict[str, Any]]:
    """The communes with the most people to accompany and no known place."""
    lone = towns[~towns["code_insee"].isin(set(_with_place(found)))]
    lone = lone.dropna(subset=["personnes_a_accompagner"])
    lone = lone.sort_values(["personnes_a_accompagner", "code_insee"], ascending=[False, True])
    return [
        {
            "code_insee": row["code_insee"],
            "nom": row["nom"],
            "code_epci": row["code_epci"],
            "nom_epci": row["nom_epci"] if row["code_epci"] else SANS_EPCI,
            "personnes": float(row["personnes_a_accompagner"]),
        }
        for row in lone.head(HEAVIEST).to_dict("records")
    ]


def _aside(known: Known, here: pd.Series) -> list[str]:
    """Places of the lists that no commune of the territory holds."""
    lieux = known.comptes[~here & (known.comptes["mesure"] == "lieux")]
    nowhere = lieux["code_insee"] == ""
    lost = int(lieux.loc[nowhere, "nombre"].sum())
    out = 0 if known.fusion is None else int(lieux.loc[~nowhere, "nombre"].sum())
    return [
        f"{plural(count, 'lieu', 'lieux')} {where} : hors de cet inventaire."
        for count, where in ((lost, "sans commune connue"), (out, "hors du territoire"))
        if count
    ]


def _people_remarks(towns: pd.DataFrame) -> list[str]:
    missing = int(towns["personnes_a_accompagner"].isna().sum())
    if not missing:
        return []
    where = plural(missing, "commune")
    return [f"Personnes à accompagner : inconnues pour {where} sur {number(len(towns))}."]


# --- since the last inventory ----------------------------------------------------------------


def _since(build: Build, known: Known, path: Path | None) -> dict[str, Any] | None:
    """What differs from the places of an earlier inventory."""
    if path is None:
        return None
    if known.fusion is None:
        raise UsageError(
            "--since compare des lieux : les comptes livrés n'en nomment aucun.",
            "Donnez aussi les listes d'aujourd'hui : --places LISTE.csv.",
        )
    codes = set(build.communes["code_insee"])
    before = merge(_read(build, [path])).lieux
    old, new = (_here(table, codes) for table in (before, known.fusion.lieux))
    pairs = _paired(old, known.fusion)
    kept = {now for now in pairs.values() if now in new}
    gone = [one for one in old if pairs.get(one) not in new]
    changes = [
        change
        for one, now in sorted(pairs.items())
        if one in old and now in new
        for change in _changes(old[one], new[now])
    ]
    moved = Counter(
        _moved(old[one]["date_maj"], new[now]["date_maj"])
        for one, now in pairs.items()
        if one in old and now in new
    )
    epci_of = build.communes.set_index("code_insee")["code_epci"].fillna("")
    name = _namer(epci_of)
    return {
        "fichier": path.name,
        "date": max((place["date_maj"] for place in old.values()), default="") or None,
        "nouveaux": [name(new[one]) for one in sorted(set(new) - kept)],
        "disparus": [name(old[one]) for one in sorted(gone)],
        "changes": [name(change.pop("lieu")) | change for change in changes],
        "dates": {what: moved[what] for what in ("plus_recente", "meme", "plus_ancienne")},
    }


def _namer(epci_of: pd.Series) -> Callable[[Mapping[Any, Any]], dict[str, Any]]:
    def name(place: Mapping[Any, Any]) -> dict[str, Any]:
        code = place["code_insee"]
        return {
            "id": place["id"], "nom": place["nom"], "commune": place["commune"],
            "code_insee": code, "code_epci": epci_of[code],
        }  # fmt: skip

    return name


def _here(lieux: pd.DataFrame, codes: set[str]) -> dict[str, dict[Any, Any]]:
    """Places of a territory by identifier: seats and mere counts are not places."""
    return {
        str(place["id"]): place
        for place in lieux.to_dict("records")
        if place["code_insee"] in codes and place["localisation"] not in {"siege", "commune"}
    }


def _paired(old: Mapping[str, Mapping[Any, Any]], merged: Merged) -> dict[str, str]:
    """Earlier place → today's: by its identifier in the lists, else by resemblance.

    A list that changes its edition may change its identifiers: a place told both new and gone would
    be a false alarm.
    """
    group_of = {
        str(one): str(group)
        for one, group in zip(merged.lignes["id"], merged.lignes["groupe"], strict=True)
    }
    pairs = {one: group_of[one] for one in old if one in group_of}
    rest = [dict(place) for one, place in old.items() if one not in pairs]
    if not rest:
        return pairs
    columns = list(schema().colonnes)
    earlier = pd.DataFrame(rest)[columns].assign(source="inventaire_precedent")
    free = merged.lieux.loc[~merged.lieux["id"].isin(set(pairs.values())), columns]
    both = merge(Places(pd.concat([earlier, free], ignore_index=True))).lignes
    for _, rows in both.groupby("groupe"):
        now = sorted(set(rows["id"]) & set(free["id"]))
        pairs |= {one: now[0] for one in rows["id"] if one in old and now}
    return pairs


def _changes(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[dict[str, Any]]:
    for column in WATCHED:
        if before[column] != after[column]:
            yield {
                "lieu": after,
                "champ": column,
                "avant": _word(column, before[column]),
                "apres": _word(column, after[column]),
            }


def _word(column: str, code: str) -> str:
    return schema().words(column)[code].libelle if code else INCONNU


def _moved(before: str, after: str) -> str:
    if before == after:
        return "meme"
    return "plus_recente" if after > before else "plus_ancienne"


# --- writing ---------------------------------------------------------------------------------


def render(facts: Mapping[str, Any]) -> str:
    """Write an inventory as French text for a terminal."""
    return terminal(sections(facts, short=True).values())


def markdown(facts: Mapping[str, Any]) -> str:
    """Write an inventory as a Markdown document."""
    return document(sections(facts).values())


def sections(facts: Mapping[str, Any], *, short: bool = False) -> dict[str, Section]:
    """Every part of the text by name, in the order in which it is read.

    Parameters
    ----------
    facts : mapping
        From :func:`inventory`.
    short : bool
        For a terminal: fewer rows, shorter names.

    Returns
    -------
    dict of str to Section
        ``ensemble``, ``moyens``, ``types``, ``grille``, ``creux`` (services), ``communes`` (without
        a known place), ``depuis`` and ``a_savoir`` where there is something to say.
    """
    shown = facts["epci"][:SHOWN_EPCI] if short else facts["epci"]
    hidden = len(facts["epci"]) - len(shown)
    note = [f"{plural(hidden, 'EPCI', 'EPCI')} de plus dans le fichier (-o)."] if hidden else []
    found = {
        "ensemble": _opening(facts),
        "moyens": Section(
            "Lieux, personnes à accompagner et moyens connus",
            [*_means_sentences(facts), *note],
            tables=[_means_table(shown, facts["ensemble"], short=short)],
        ),
        "types": Section(
            "Types de lieux et dates de l'information",
            [_old_sentence(facts["ancien_avant"]), *note],
            _kinds(shown, facts),
        ),
        "grille": Section(
            "Qui répond à quoi : la grille",
            [*(f"« {name} » : {meaning}." for name, meaning in MEANINGS.items()), KINDS, *note],
            tables=[_grid(facts, shown, group, short=short) for group in GROUPS],
        ),
        "creux": _hollow_section(facts),
        "communes": _lone_section(facts),
    }
    if facts["depuis"]:
        found["depuis"] = _since_section(facts["depuis"], short=short)
    remarks = facts["remarques"][:SHOWN_CHANGES] if short else facts["remarques"]
    more = len(facts["remarques"]) - len(remarks)
    if more:
        remarks = [*remarks, f"et {plural(more, 'remarque')} de plus dans le fichier (-o)."]
    if remarks:
        found["a_savoir"] = Section("À savoir", points=list(remarks))
    return found


def _opening(facts: Mapping[str, Any]) -> Section:
    where, whole, due = facts["territoire"], facts["ensemble"], facts["revision"]
    phrases = [
        f"{plural(whole['lieux'], 'lieu connu qui reçoit', 'lieux connus qui reçoivent')}"
        f"{_open_words(whole['etats'])}, dans {plural(whole['communes'], 'commune')} et "
        f"{plural(len(facts['epci']), 'EPCI', 'EPCI')}. Un lieu que ces listes n'ont pas n'est pas "
        "compté : peu de lieux connus ne veut pas dire peu d'aide."
    ]
    if facts["comptes_livres"]:
        phrases.append(BUNDLED)
    if due["date"]:
        told = f" (date dépassée au 1er janvier {where['annee']})" if due["passee"] else ""
        phrases.append(
            f"Information la plus récente : {day(whole['dates']['recente'])}. "
            f"À revoir le {day(due['date'])}{told}."
        )
    aside = asides(whole["etats"])
    if whole["etp_sieges"]:
        posts = number(whole["etp_sieges"], 1)
        aside.append(f"{posts} ETP connus au siège de leur employeur seulement")
    if aside:
        phrases.append(f"À part, non comptés : {listing(aside)}.")
    points = [list_line(one) for one in facts["listes"]]
    return Section(f"État des lieux : {where['nom']}", phrases, points)


def _open_words(states: Mapping[str, int]) -> str:
    opened, unsaid = (states.get(state, 0) for state in RECOIVENT)
    if not opened and not unsaid:
        return ""
    return f" ({number(opened)} dits ouverts, {number(unsaid)} dont l'état n'est pas dit)"


def asides(states: Mapping[str, int]) -> list[str]:
    """What is known but receives nobody, by state."""
    words = (
        ("ferme", "lieu dit fermé", "lieux dits fermés"),
        ("sans_accueil", "lieu qui n'accueille pas de public", "lieux qui n'accueillent pas de "
         "public"),
        ("siege", "siège d'employeur", "sièges d'employeurs"),
        ("commune", "équipement compté à la commune seulement", "équipements comptés à la commune "
         "seulement"),
    )  # fmt: skip
    return [plural(states[code], one, many) for code, one, many in words if states.get(code)]


def _means_sentences(facts: Mapping[str, Any]) -> list[str]:
    unknown = [mean for mean in MOYENS if not facts["ensemble"]["moyens"][mean]["lieux"]]
    found = [
        "« Sans lieu » : communes sans lieu connu. Moyens : équivalents temps plein (ETP) et "
        "demi-journées d'ouverture par semaine des lieux qui les disent, pour 1 000 personnes à "
        "accompagner ; entre parenthèses, combien de lieux les disent. « Inconnus » ne veut pas "
        "dire zéro."
    ]
    if unknown:
        labels = listing([lower_first(schema().colonnes[mean].libelle) for mean in unknown])
        found.append(f"Moyens inconnus partout : {labels}.")
    found += _posts_sentences(facts)
    found += [
        f"{row['nom_epci']} : {row['remarque']} ; personnes et lieux de ces communes seulement."
        for row in facts["epci"]
        if row["remarque"]
    ]
    return found


def _posts_sentences(facts: Mapping[str, Any]) -> list[str]:
    """What kinds of posts are stated, and when they end: what a roadmap cannot count on."""
    posts = facts["ensemble"]["postes"]
    words = schema().words("nature_postes")
    found = []
    if posts["natures"]:
        said = [f"{lower_first(words[code].libelle)} {number(count)}"
                for code, count in posts["natures"].items()]  # fmt: skip
        found.append(f"Nature des postes, en lieux qui la disent : {', '.join(said)}.")
    if posts["fins"]:
        said = [f"{year} ({_ending(facts, year)})" for year in posts["fins"]]
        found.append(f"Des postes s'arrêtent, en lieux qui le disent : {' ; '.join(said)}.")
    return found


def _ending(facts: Mapping[str, Any], year: str) -> str:
    """Places whose posts end in a year, by EPCI."""
    return ", ".join(
        f"{row['nom_epci']} {number(count)}"
        for row in facts["epci"]
        if (count := row["postes"]["fins"].get(year))
    )


def _means_table(
    rows: Sequence[Mapping[str, Any]], whole: Mapping[str, Any], *, short: bool
) -> Table:
    known = [mean for mean in MOYENS if whole["moyens"][mean]["lieux"]]
    words = {"etp": "ETP/1 000", "demi_journees": "demi-j./1 000"}
    without = "sans lieu" if short else "communes sans lieu"
    header = ["EPCI", "lieux", "fermés", without, "personnes"]
    lines = [*rows, {**whole, "nom_epci": "Ensemble"}]
    return Table(
        [*header, *(words[mean] for mean in known)],
        [
            [
                _name(row["nom_epci"], short=short),
                number(row["lieux"]),
                number(row["etats"].get("ferme", 0)),
                f"{number(row['communes_sans_lieu'])} sur {number(row['communes'])}",
                "inconnu" if row["personnes"] is None else number(row["personnes"]),
                *(_mean_cell(row["moyens"][mean]) for mean in known),
            ]
            for row in lines
        ],
    )


def _mean_cell(mean: Mapping[str, Any]) -> str:
    if mean["pour_1000"] is None:
        return "inconnus"
    return f"{number(mean['pour_1000'], 2)} ({number(mean['lieux'])})"


def _name(name: str, *, short: bool) -> str:
    return shorten(name, NAME, placeholder="…") if short else name


def _old_sentence(old_before: int) -> str:
    return (
        f"Une information d'avant {old_before} a plus de {number(rules().anciennete.ans)} ans : à "
        "vérifier avant de s'en servir."
    )


def _kinds(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> list[str]:
    """One line an EPCI: its kinds of places, how old what is known of them is."""
    found = []
    for row in rows:
        if not row["lieux"]:
            found.append(f"{row['nom_epci']} : aucun lieu connu")
            continue
        kinds = " ; ".join(
            f"{kind_label(code)} {number(count)}" for code, count in row["types"].items()
        )
        found.append(f"{row['nom_epci']} : {kinds}. {_ages(row, facts['ancien_avant'])}")
    return found


def _ages(row: Mapping[str, Any], old_before: int) -> str:
    dates = row["dates"]
    years = list(dates["par_annee"])
    if not years:
        return "Dates inconnues"
    span = f"de {years[0]}" if len(years) == 1 else f"de {years[0]} à {years[-1]}"
    old = (
        f", avant {old_before} pour {number(dates['anciennes'])} lieux sur {number(row['lieux'])}"
        if dates["anciennes"]
        else ""
    )
    unknown = f", date inconnue pour {number(dates['inconnue'])}" if dates["inconnue"] else ""
    return f"Informations {span}{old}{unknown}"


def _grid(
    facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], group: str, *, short: bool
) -> Table:
    lignes = [ligne for ligne in facts["lignes"] if ligne["groupe"] == group]
    return Table(
        [GROUPS[group], *(ligne["court" if short else "libelle"] for ligne in lignes)],
        [
            [
                _name(row["nom_epci"], short=short),
                *(answer(row["grille"][ligne["code"]], short=short) for ligne in lignes),
            ]
            for row in rows
        ],
    )


def answer(cell: Mapping[str, Any], *, short: bool = True) -> str:
    """A cell of the grid in a word: ``oui (4)``; a longer answer tells how many places say it."""
    if cell["reponse"] == OUI:
        return f"oui ({number(cell['oui']) if short else plural(cell['oui'], 'lieu', 'lieux')})"
    if cell["reponse"] == AUCUNE and not short:
        return f"aucune (dit par {plural(cell['renseignent'], 'lieu', 'lieux')})"
    return str(cell["reponse"])


def _hollow_section(facts: Mapping[str, Any]) -> Section:
    """What nobody is known to answer: first what is so everywhere, then EPCI by EPCI."""
    hollows = facts["creux"]["services"]
    labels = {ligne["code"]: lower_first(bare(ligne["libelle"])) for ligne in facts["lignes"]}
    common = {answer: _common(hollows, list(labels), answer) for answer in (AUCUNE, INCONNU)}
    phrases = [
        f"« {answer} » dans tous les EPCI{f' sauf {but}' if but else ''} : "
        f"{', '.join(labels[code] for code in codes)}."
        for answer, groups in common.items()
        for but, codes in groups.items()
    ]
    points = []
    for one in hollows:
        said = []
        for answer, groups in common.items():
            told = {code for codes in groups.values() for code in codes}
            left = [labels[code] for code in one[answer] if code not in told]
            if left:
                said.append(f"« {answer} » : {', '.join(left)}")
        if said:
            points.append(f"{one['nom_epci']} : {' ; '.join(said)}")
    if not phrases and not points:
        phrases = ["Chaque service a une réponse connue dans chaque EPCI."]
    return Section("Les creux : services sans réponse connue", phrases, points)


def _common(
    hollows: Sequence[Mapping[str, Any]], codes: Sequence[str], answer: str
) -> dict[str, list[str]]:
    """Rows of the grid with an answer in every EPCI, or in all but one of many, by that one."""
    groups: dict[str, list[str]] = {}
    for code in codes:
        others = [str(one["nom_epci"]) for one in hollows if code not in one[answer]]
        if hollows and len(others) <= (len(hollows) >= MANY):
            groups.setdefault("".join(others), []).append(code)
    return dict(sorted(groups.items()))


def _lone_section(facts: Mapping[str, Any]) -> Section:
    lone = facts["creux"]["communes"]
    title = "Les creux : communes sans lieu connu, le plus de personnes à accompagner"
    if not lone:
        return Section(title, ["Aucune : chaque commune chiffrée a un lieu connu."])
    rows = [[one["nom"], one["nom_epci"], number(one["personnes"])] for one in lone]
    return Section(
        title,
        ["Un lieu d'une commune voisine, ou que les listes n'ont pas, peut les servir."],
        tables=[Table(["commune", "EPCI", "personnes"], rows, 2)],
    )


def _since_section(since: Mapping[str, Any], *, short: bool) -> Section:
    dates = since["dates"]
    when = f" (information la plus récente : {day(since['date'])})" if since["date"] else ""
    new, gone = since["nouveaux"], since["disparus"]
    phrases = [
        f"Comparé à {since['fichier']}{when} : {plural(len(new), 'nouveau lieu', 'nouveaux lieux')}"
        f", {plural(len(gone), 'lieu absent', 'lieux absents')} des listes d'aujourd'hui, "
        f"{plural(len(since['changes']), 'changement')} de type ou d'état. Information plus "
        f"récente pour {plural(dates['plus_recente'], 'lieu', 'lieux')}, inchangée pour "
        f"{number(dates['meme'])}, plus ancienne pour {number(dates['plus_ancienne'])}.",
    ]
    if gone:
        phrases.append("Absent d'une liste ne veut pas dire fermé : vérifiez avant de le dire.")
    points = [
        *_named("Nouveau", new, short=short),
        *_named("Absent aujourd'hui", gone, short=short),
        *_named("Changé", since["changes"], short=short),
    ]
    return Section("Depuis le dernier inventaire", phrases, points)


def _named(title: str, places: Sequence[Mapping[str, Any]], *, short: bool) -> list[str]:
    shown = places[:SHOWN_CHANGES] if short else places
    lines = [f"{title} : {_place(place)}" for place in shown]
    if len(shown) < len(places):
        lines.append(f"{title} : {number(len(places) - len(shown))} de plus dans le fichier (-o)")
    return lines


def _place(place: Mapping[str, Any]) -> str:
    said = f"« {place['nom']} », {place['commune']}"
    if "champ" in place:
        label = lower_first(schema().colonnes[place["champ"]].libelle)
        said += f" ({label} : {place['avant']} → {place['apres']})"
    return said


# --- a tidy table ----------------------------------------------------------------------------

TIDY = (
    "code_epci", "nom_epci", "rubrique", "element", "libelle", "reponse", "nombre", "sur", "unite",
)  # fmt: skip


def tidy(facts: Mapping[str, Any]) -> str:
    """Write an inventory as CSV: one row a fact, an empty `nombre` where it is unknown.

    Names of places are between « », so that no spreadsheet runs one as a formula.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, list(TIDY), lineterminator="\n", restval="")
    writer.writeheader()
    for row in facts["epci"]:
        where = {"code_epci": row["code_epci"], "nom_epci": row["nom_epci"]}
        writer.writerows({**where, **fact} for fact in _epci_facts(row, facts["lignes"]))
    writer.writerows(_other_facts(facts))
    return lines.getvalue()


def _epci_facts(
    row: Mapping[str, Any], lignes: Sequence[Mapping[str, str]]
) -> Iterator[dict[str, Any]]:
    yield _fact("personnes", "personnes_a_accompagner", row["personnes"], "personnes")
    yield _fact("communes", "communes", row["communes"], "communes")
    yield _fact("communes", "communes_sans_lieu", row["communes_sans_lieu"], "communes")
    yield _fact("lieux", "lieux", row["lieux"], "lieux")
    for rubric, found in (("etat", row["etats"]), ("annee", row["dates"]["par_annee"])):
        yield from (_fact(rubric, code, count, "lieux") for code, count in found.items())
    for rubric, found in (
        ("nature_postes", row["postes"]["natures"]), ("fin_postes", row["postes"]["fins"]),
    ):  # fmt: skip
        yield from (_fact(rubric, code, count, "lieux") for code, count in found.items())
    for code, count in row["types"].items():
        label = INCONNU if code == INCONNU else schema().words("type")[code].libelle
        yield _fact("type", code, count, "lieux") | {"libelle": label}
    for mean, found in row["moyens"].items():
        column = schema().colonnes[mean]
        said = {"libelle": column.libelle, "sur": found["lieux"]}
        said["reponse"] = "connu" if found["lieux"] else INCONNU
        yield _fact("moyens", mean, found["total"], column.unite) | said
        each = f"{column.unite} pour 1 000 personnes à accompagner"
        yield _fact("moyens_pour_1000", mean, found["pour_1000"], each) | said
    for ligne in lignes:
        cell = row["grille"][ligne["code"]]
        yield _fact(f"grille_{ligne['groupe']}", ligne["code"], cell["oui"], "lieux") | {
            "libelle": ligne["libelle"], "reponse": cell["reponse"], "sur": cell["renseignent"],
            "nombre": "" if cell["reponse"] == INCONNU else cell["oui"],
        }  # fmt: skip


def inert(text: str) -> str:
    """An identifier that someone else wrote, which no spreadsheet runs as a formula."""
    return f"« {text} »" if text.startswith(FORMULA) else text


def _fact(rubric: str, element: str, value: float | None, unit: str) -> dict[str, Any]:
    shown = "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
    return {"rubrique": rubric, "element": element, "nombre": shown, "unite": unit}


def _other_facts(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = {row["code_epci"]: row["nom_epci"] for row in facts["epci"]}
    for one in facts["creux"]["communes"]:
        yield _fact("commune_sans_lieu", one["code_insee"], one["personnes"], "personnes") | {
            "code_epci": one["code_epci"], "nom_epci": one["nom_epci"], "libelle": one["nom"],
        }  # fmt: skip
    since: Mapping[str, Any] = facts["depuis"] or {}
    kinds: Iterable[tuple[str, str]] = (
        ("nouveaux", "nouveau"), ("disparus", "absent"), ("changes", "changé"),
    )  # fmt: skip
    for key, answer in kinds:
        for place in since.get(key, []):
            code = place["code_epci"]
            yield {
                "code_epci": code, "nom_epci": names[code], "rubrique": "depuis",
                "element": inert(place["id"]), "libelle": _place(place), "reponse": answer,
            }  # fmt: skip
    for one in facts["listes"]:
        yield _fact("liste", one["code"], one["lieux"], "lignes") | {
            "libelle": f"{one['titre']} ({one['producteur']}, {one['licence']})",
            "reponse": one["date"],
        }
    yield {
        "rubrique": "revision", "element": "a_revoir_le",
        "reponse": facts["revision"]["date"] or INCONNU,
    }  # fmt: skip
