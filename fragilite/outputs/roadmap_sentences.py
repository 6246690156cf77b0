"""What a document says of a roadmap, in plain sentences whose figures are those of its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fragilite.cartography import PEOPLE
from fragilite.dictionary import scale
from fragilite.explanation import find, where
from fragilite.french import (
    at_name,
    day,
    exact,
    listing,
    lower_first,
    number,
    plural,
    share,
    times,
    upper_first,
)
from fragilite.inventory import AUCUNE, SANS_EPCI
from fragilite.narrative import epci_name
from fragilite.places.counts import INCONNU
from fragilite.roadmap.scenario import FREE, LOOSE, WHOLE
from fragilite.roadmap.study import NAIVE, TODAY, Outcome, Study
from fragilite.roadmap.tables import columns
from fragilite.siting.parameters import parameters
from fragilite.summary import TWO_READINGS

#: Communes named in a sentence: above, their number, and those with most people.
FEW, MOST = 3, 6
#: Under this share of the draws, a commune that keeps its sector is named: others may claim it.
SURE = 0.9
#: In a note of the command line, where an option begins.
OPTION = " ; --"


def posts_said(study: Study) -> str:
    """``8 postes``, or ``6 ou 8 postes`` where scenarios have not the same number."""
    counts = sorted({len(one.postes) for one in study.scenarios})
    return " ou ".join([*map(number, counts[:-1]), plural(counts[-1], "poste")])


def figure(name: str, value: float, unit: str = "km") -> str:
    """A value with the decimals of its column."""
    return number(value, columns(unit)[name].decimales)


def away(value: float, unit: str) -> str:
    """A distance with its unit, or a time."""
    return f"{figure('distance', value, unit)} {unit}"


def people(count: float) -> str:
    """``14 502 personnes``."""
    return plural(round(count), "personne")


# --- today -----------------------------------------------------------------------------------


def today(facts: Mapping[str, Any]) -> list[str]:
    """Where places are known, how old that is, what is not known.

    Parameters
    ----------
    facts : mapping
        From :func:`fragilite.inventory.inventory`.
    """
    whole = facts["ensemble"]
    if not whole["lieux"]:
        return [
            "Les listes n'ont ici aucun lieu qui reçoit du public, ce qui ne dit pas qu'il n'y "
            "en a pas."
        ]
    without, total = whole["communes_sans_lieu"], whole["communes"]
    held = f"dans {number(total - without)} des {plural(total, 'commune')}"
    held += f" ; aucun n'est connu dans {plural(without, 'commune')}"
    if not without:
        held = f"dans chacune des {plural(total, 'commune')}" if total > 1 else "dans la commune"
    said = [
        f"{plural(whole['lieux'], 'lieu connu reçoit', 'lieux connus reçoivent')} du public pour "
        f"une aide au numérique, {held}. Un lieu que les listes n'ont pas n'est pas compté : peu "
        "de lieux connus ne veut pas dire peu d'aide."
    ]
    said += _dates(facts)
    said += _means(facts)
    return said


def _dates(facts: Mapping[str, Any]) -> list[str]:
    dates, due = facts["ensemble"]["dates"], facts["revision"]
    if not dates["recente"]:
        return ["La date de ces informations n'est pas dite."]
    late = f", date dépassée au 1er janvier {facts['territoire']['annee']}" if due["passee"] else ""
    text = (
        f"Ces informations vont du {day(dates['ancienne'])} au {day(dates['recente'])} ; elles "
        f"sont à revoir le {day(due['date'])}{late}."
    )
    if dates["anciennes"]:
        lieux = plural(dates["anciennes"], "lieu date", "lieux datent")
        text += f" Celles de {lieux} d'avant {facts['ancien_avant']} : vérifiez-les d'abord."
    return [text]


def _means(facts: Mapping[str, Any]) -> list[str]:
    """What places say of their means; unknown is not zero."""
    label = lower_first(columns()["etp"].unite)
    mean = facts["ensemble"]["moyens"]["etp"]
    if not mean["lieux"]:
        return [f"Aucun lieu ne dit ses {label} : ils sont inconnus, et non nuls."]
    return [
        f"{plural(mean['lieux'], 'lieu dit', 'lieux disent')} {number(mean['total'], 1)} {label} "
        "en tout ; ceux des autres sont inconnus, et non nuls."
    ]


def unknown(facts: Mapping[str, Any]) -> str:
    """What lists say nothing of, the services unknown in most EPCI first; nothing without any."""
    rows = facts["creux"]["services"]
    held: dict[tuple[str, ...], list[str]] = {}
    for one in facts["lignes"]:
        where_not = tuple(row["nom_epci"] for row in rows if one["code"] in row[INCONNU])
        if where_not:
            held.setdefault(where_not, []).append(service(one["libelle"]))
    parts = [
        f"{_in_epci(names, len(rows))}, {listing(services)}"
        for names, services in sorted(held.items(), key=lambda one: -len(one[0]))
    ]
    if not parts:
        return ""
    return f"Les listes ne disent rien de ces services : {' ; '.join(parts)}."


def _in_epci(names: Sequence[str], total: int) -> str:
    if len(names) == total:
        return "dans tous les EPCI" if total > 1 else f"dans {epci_name(names[0])}"
    if len(names) == 1:
        return f"dans {epci_name(names[0])} seulement"
    return f"dans {number(len(names))} EPCI sur {number(total)}"


def service(label: str) -> str:
    """A row of the grid inside a sentence, without its brackets.

    Examples
    --------
    >>> service("Maison des solidarités (Département)")
    'maison des solidarités'
    """
    return lower_first(label.split(" (")[0])


def denied(facts: Mapping[str, Any]) -> dict[str, str]:
    """By code of EPCI, the kinds and services that known places are said not to have."""
    labels = {one["code"]: service(one["libelle"]) for one in facts["lignes"]}
    return {
        row["code_epci"]: ", ".join(labels[code] for code in row[AUCUNE])
        for row in facts["creux"]["services"]
    }


def lone(facts: Mapping[str, Any]) -> str:
    """The communes without a known place that have most people; nothing where there is none."""
    rows = facts["creux"]["communes"][:MOST]
    if not rows:
        return ""
    named = [f"{one['nom']} ({number(one['personnes'])})" for one in rows]
    return (
        "Les communes sans lieu connu où il y a le plus de personnes à accompagner : "
        f"{listing(named)}. Un lieu d'une commune voisine peut les servir."
    )


# --- the need --------------------------------------------------------------------------------


def need(study: Study) -> list[str]:
    """How many people, where they are, where the index is highest."""
    build, besoin = study.build, study.besoin
    volume = build.method.volume
    total = besoin["personnes"].sum()
    text = f"Environ {people(total)} sont à accompagner dans {where(build)}."
    text += f" {volume.definition}" if volume else ""
    missing = int(besoin["personnes"].isna().sum())
    if missing:
        text += f" Leur nombre n'est pas connu dans {plural(missing, 'commune')}."
    said = [text]
    if study.capacites:
        said.append(
            f"{upper_first(people(besoin['servies'].sum()))} sont tenues pour servies par les "
            f"moyens existants, d'après la capacité posée : restent "
            f"{people(besoin['nettes'].sum())}."
        )
    said.append(f"{TWO_READINGS} {_highest(study)}".strip())
    return said


def _highest(study: Study) -> str:
    build, root = study.build, study.build.method.root
    towns = build.communes
    most = towns.dropna(subset=[PEOPLE]).sort_values(
        [PEOPLE, "code_insee"], ascending=[False, True]
    )
    parts = [f"Les personnes sont le plus nombreuses {_at(most, PEOPLE, 0)}"] if len(most) else []
    high = towns.dropna(subset=[root]).sort_values([root, "code_insee"], ascending=[False, True])
    if len(high):
        label = lower_first(build.columns[root].libelle)
        parts.append(f"{label} ({scale(build.method)}) : le plus haut {_at(high, root, 1)}")
    return upper_first(f"{' ; '.join(parts)}.") if parts else ""


def _at(towns: pd.DataFrame, column: str, decimals: int) -> str:
    few = towns.head(FEW)
    values = few[column].tolist()
    return listing(
        [
            f"{at_name(name)} ({number(value, decimals)})"
            for name, value in zip(few["nom"], values, strict=True)
        ]
    )


# --- scenarios -------------------------------------------------------------------------------


def counted(study: Study, outcome: Outcome) -> str:
    """What a scenario counts in the loads of posts."""
    scenario, total = outcome.scenario, study.besoin["personnes"].sum()
    loads = outcome.postes["charge_personnes"].sum()
    each = people(loads / len(outcome.postes))
    text = f"{scenario.description} ".lstrip()
    if round(loads) == round(total):
        text += f"Toutes comptent dans les charges : {each} par poste en moyenne."
    else:
        text += (
            f"Des {people(total)} à accompagner, l'équivalent de {number(loads)} compte dans les "
            f"charges : {each} comptées par poste en moyenne."
        )
    first = scenario.priorite
    if first is not None:
        text += f" Poids d'une personne ailleurs : {exact(first.part_ailleurs)}. {first.raison}"
    return text.rstrip()


def undrawn(outcome: Outcome) -> str:
    """How many draws of the need tell nothing of how firm sectors are; nothing if all do."""
    lost = outcome.stabilite.sans_partage
    if not lost:
        return ""
    total = number(lost + outcome.stabilite.tirages)
    verb = "n'a pas de partage" if lost == 1 else "n'ont pas de partage"
    return (
        f"{plural(lost, 'tirage')} du besoin sur {total} {verb} qui tient ces règles : la "
        "stabilité n'en dit rien."
    )


def gap(outcome: Outcome) -> str:
    """How far from the best a plan may be."""
    if outcome.route.ecart <= 0:
        return "Aucun partage qui tient ces règles ne fait mieux."
    far = share(100 * outcome.route.ecart)
    most = "" if far.startswith("moins") else " au plus"
    return f"Ce partage est à {far}{most} du meilleur partage possible."


def compared(outcome: Outcome) -> str:
    """A plan beside the naive one and today's places."""
    unit = outcome.unit
    rows: dict[str, Mapping[str, Any]] = {
        str(row["plan"]): {str(key): value for key, value in row.items()}
        for row in outcome.plans.to_dict("records")
    }
    own = rows[outcome.route.plan.nom]
    text = (
        f"Une personne comptée est en moyenne à {away(own['distance_moyenne'], unit)} de sa base, "
        f"au plus à {away(own['distance_max'], unit)}. {_loads(own)}. {gap(outcome)}"
    )
    if NAIVE in rows:
        naive = rows[NAIVE]
        text += (
            f" Le plan naïf la met à {away(naive['distance_moyenne'], unit)} en moyenne ; "
            f"{lower_first(_loads(naive))}."
        )
    if TODAY in rows:
        places = rows[TODAY]
        text += (
            f" Le lieu connu le plus proche est aujourd'hui à "
            f"{away(places['distance_moyenne'], unit)} en moyenne."
        )
    return text


def _loads(row: Mapping[str, Any]) -> str:
    posts, cuts = int(row["postes"]), int(row["coupures_epci"])
    cut = f"{plural(cuts, 'coupure')} d'EPCI" if cuts else "aucun EPCI n'est coupé"
    if posts == 1:
        return f"L'unique poste porte toute la charge, {cut}"
    low, high = figure("charge_min", row["charge_min"]), figure("charge_max", row["charge_max"])
    return f"Les charges vont de {low} à {high} fois la charge moyenne, {cut}"


def bases_compared(study: Study) -> str:
    """Which bases scenarios share, and which are their own; nothing for one scenario."""
    if len(study.scenarios) < 2:
        return ""
    found = [
        dict.fromkeys(one.postes.sort_values("nom_base")["code_base"]) for one in study.scenarios
    ]
    names = study.names
    common = [code for code in found[0] if all(code in other for other in found[1:])]
    where_all = "deux" if len(found) == 2 else number(len(found))
    text = (
        f"Bases communes aux {where_all} scénarios : {listing([names[code] for code in common])}."
        if common
        else f"Aucune base n'est commune aux {where_all} scénarios."
    )
    for outcome, codes in zip(study.scenarios, found, strict=True):
        own = [names[code] for code in codes if code not in common]
        if own:
            text += f" Avec « {outcome.scenario.libelle} », aussi {listing(own)}."
    return text


def rules(study: Study, outcome: Outcome) -> list[str]:
    """What was imposed on a scenario, besides its number of posts."""
    scenario = outcome.scenario
    said = [f"Dans un même secteur : {listing(_named(study, text))}." for text in scenario.garder]
    for text in scenario.interdire:
        names = _named(study, text)
        if len(names) == 1:
            said.append(f"Pas de base {at_name(names[0])}.")
        else:
            said.append(f"Dans des secteurs différents : {listing(names)}.")
    if scenario.max_par_epci is not None:
        said.append(f"{plural(scenario.max_par_epci, 'base')} au plus dans un même EPCI.")
    if scenario.min_demi_journees:
        least = plural(scenario.min_demi_journees, "demi-journée")
        said.append(f"{least} au moins par commune et par cycle.")
    if scenario.tolerance is not None:
        said.append(f"Charges à {exact(100 * scenario.tolerance)} % près de la charge moyenne.")
    return said + _epci_rule(outcome)


def _epci_rule(outcome: Outcome) -> list[str]:
    asked = outcome.scenario.respect_epci
    if asked is None or asked == LOOSE:
        return []
    if asked == WHOLE:
        return ["EPCI entiers : un EPCI qui tient dans un secteur n'est pas coupé."]
    if asked == FREE:
        return ["Les limites d'EPCI ne comptent pas."]
    unit = "mètres" if outcome.unit == "km" else "minutes"
    weight = number(outcome.route.modele.poids_epci, 0 if outcome.unit == "km" else 2)
    return [f"Une coupure d'EPCI de plus pèse {weight} {unit} par personne."]


def _named(study: Study, text: str) -> list[str]:
    """Names of the communes of a rule, given by code or by name."""
    parts = [part.strip() for part in text.split("+") if part.strip()]
    return [study.names.get(part) or find(part, study.build.inputs)[0].nom for part in parts]


# --- a post ----------------------------------------------------------------------------------


def of_post(outcome: Outcome, post: Mapping[str, Any]) -> str:
    """How many people, what load, how far, what exists there today, how firm it is."""
    mine = outcome.communes[outcome.communes["secteur"] == post["secteur"]]
    count, load = people(post["personnes"]), figure("charge", post["charge"])
    text = f"{count} à accompagner"
    if round(post["charge_personnes"]) != round(post["personnes"]):
        text += f", l'équivalent de {number(post['charge_personnes'])} dans la charge"
    if len(outcome.postes) > 1:
        text += f", soit {load} fois la charge moyenne"
    if len(mine) > 1:
        text += (
            f" ; en moyenne à {away(post['distance_moyenne'], outcome.unit)} de la base, au plus "
            f"à {away(post['distance_max'], outcome.unit)}"
        )
    return " ".join([f"{text}.", existing(post, mine), *_unsure(mine)])


def existing(post: Mapping[str, Any], mine: pd.DataFrame) -> str:
    """Places known in a sector, and its communes that have none."""
    places, without = round(post["lieux"]), mine[mine["lieux"] == 0]
    if not places:
        return "Aujourd'hui, aucun lieu n'y est connu."
    text = f"Aujourd'hui, {plural(places, 'lieu connu', 'lieux connus')}"
    if not np.isnan(post["personnes_par_lieu"]):
        text += f", un pour {people(post['personnes_par_lieu'])}"
    if not np.isnan(post["etp"]):
        text += f", {figure('etp', post['etp'])} {columns()['etp'].unite} connus"
    if len(mine) == 1:
        return f"{text}."
    if not len(without):
        return f"{text}, et un au moins dans chaque commune."
    most = without.sort_values(["personnes", "code_insee"], ascending=[False, True])
    named = list(most["nom"].head(MOST))
    if len(named) == len(without):
        return f"{text} ; aucun {listing([at_name(name) for name in named])}."
    return f"{text} ; aucun dans {plural(len(without), 'commune')}, dont {listing(named[:FEW])}."


def _unsure(mine: pd.DataFrame) -> list[str]:
    """The communes that keep this sector least often."""
    doubt = mine[mine["stabilite"] < SURE].sort_values(["stabilite", "code_insee"])
    if doubt.empty:
        return []
    others = f" ; {plural(len(doubt) - FEW, 'autre')} de même" if len(doubt) > FEW else ""
    rows = zip(doubt["nom"].head(FEW), doubt["stabilite"].head(FEW), strict=True)
    named = [f"{name} ({times(value)})" for name, value in rows]
    return [
        f"Au fil des tirages du besoin, gardent ce secteur moins de {times(SURE)} : "
        f"{listing(named)}{others}."
    ]


def towns(mine: pd.DataFrame) -> str:
    """The communes of a sector, EPCI by EPCI, the one with most people first."""
    if len(mine) == 1 and bool(mine["poste_entier"].all()):
        row = mine.iloc[0]
        return f"{row['nom']} seule : ce poste sert {_part(row['part'])} de ses personnes."
    table = mine.assign(groupe=mine["nom_epci"].fillna("").replace("", SANS_EPCI))
    order = table.groupby("groupe")["personnes"].sum().sort_values(ascending=False, kind="stable")
    parts = []
    for name in order.index:
        rows = table[table["groupe"] == name]
        rows = rows.sort_values(["personnes", "code_insee"], ascending=[False, True])
        named = [
            nom if part > 1 - 1e-9 else f"{nom} ({_part(part)} de ses personnes)"
            for nom, part in zip(rows["nom"], rows["part"], strict=True)
        ]
        parts.append(f"{name} ({number(len(rows))}) : {', '.join(named)}")
    return f"{' ; '.join(parts)}."


def _part(part: float) -> str:
    return f"{number(100 * part)} %"


def cycle(outcome: Outcome) -> str:
    """How many half-days a post has to share, and how a list of them reads."""
    table = outcome.passages.calendrier
    total = int(table.groupby("secteur").size().max())
    return (
        f"Un poste a {plural(total, 'demi-journée')} de présence par cycle de "
        f"{plural(int(table['semaine'].max()), 'semaine')}, réparties entre ses communes selon les "
        "personnes comptées ; ci-dessous, les communes sont dans l'ordre du nombre de personnes."
    )


def visits(mine: pd.DataFrame) -> str:
    """How often each commune is visited in a cycle, and where the others are received."""
    visited = mine[mine["demi_journees"] > 0].sort_values(
        ["demi_journees", "personnes", "code_insee"], ascending=[False, False, True]
    )
    if len(mine) == 1:
        return f"toutes {at_name(str(mine['nom'].iloc[0]))}."
    least = int(visited["demi_journees"].min())
    rest = visited[visited["demi_journees"] == least]
    named = visited[visited["demi_journees"] > least] if len(rest) > FEW else visited
    said = [
        f"{name} {number(count)}"
        for name, count in zip(named["nom"], named["demi_journees"], strict=True)
    ]
    parts = [", ".join(said)] if said else []
    if len(rest) > FEW:
        others = " autres" if len(named) else ""
        seen = " visitées" if len(visited) < len(mine) else ""
        parts.append(f"{number(least)} dans chacune des {number(len(rest))}{others} communes{seen}")
    return f"{' ; '.join(parts)}.{_received(mine)}"


def _received(mine: pd.DataFrame) -> str:
    """Communes that are not visited, by the one where their people are received."""
    away_from = mine[mine["demi_journees"] == 0]
    if away_from.empty:
        return ""
    hosts = [
        f"{at_name(str(host))} ({', '.join(rows['nom'])})"
        for host, rows in away_from.groupby("nom_recue_a", sort=True)
    ]
    count = len(away_from)
    verb = "commune n'est pas visitée" if count == 1 else "communes ne sont pas visitées"
    return f" {number(count)} {verb} ; leurs habitants sont reçus {' ; '.join(hosts)}."


# --- limits, method --------------------------------------------------------------------------


def limits(study: Study) -> list[str]:
    """What a reader must keep in mind of every figure."""
    lines = [
        "Aucun chiffre de ce dossier ne dit quoi que ce soit d'une personne.",
        "Une base est la proposition d'un calcul : un local, des partenaires, un logement décident "
        "aussi.",
    ]
    lines += [_without_option(note) for note in study.notes]
    return list(dict.fromkeys([*lines, *study.known.remarques]))


def _without_option(note: str) -> str:
    """A note without what it tells who is at the command line.

    Examples
    --------
    >>> _without_option("Rien n'est retranché ; --capacite mds=300 en pose une.")
    "Rien n'est retranché."
    """
    kept, option, _ = note.partition(OPTION)
    return f"{kept}." if option else note


def five_lines(study: Study) -> list[str]:
    """How sectors, bases and half-days are computed, each choice with its reason and reference."""
    found = parameters()
    cuts = found["poids_epci_m" if study.scenarios[0].unit == "km" else "poids_epci_min"]
    floor, spread, base = (found[name] for name in ("plancher_commune", "tolerance", "base_min"))
    halves, weeks = found["demi_journees_par_semaine"], found["semaines_du_cycle"]
    return [
        "Distances : le calcul cherche les secteurs et les bases qui rendent la plus courte "
        "possible la distance moyenne d'une personne comptée à sa base. "
        f"{floor.raison} [{floor.reference}]",
        f"Charges : chacune à {_percent(spread.valeur)} au plus de la charge moyenne, "
        f"sauf règle imposée. {spread.raison} [{spread.reference}]",
        f"EPCI : {lower_first(cuts.raison)} [{cuts.reference}] Un secteur est d'un seul tenant.",
        f"Bases : {lower_first(base.raison)} [{base.reference}]",
        f"Passages : {_whole(halves.valeur)} {halves.unite} par semaine ({_inside(halves.raison)}) "
        f"pendant {_whole(weeks.valeur)} {weeks.unite} ({_inside(weeks.raison)}), partagées entre "
        "les communes d'un secteur selon les personnes comptées.",
    ]


def _percent(value: float | Sequence[float]) -> str:
    assert isinstance(value, float)
    return f"{number(100 * value)} %"


def _whole(value: float | Sequence[float]) -> str:
    assert isinstance(value, int | float)
    return number(value)


def _inside(reason: str) -> str:
    """A reason between brackets."""
    return lower_first(reason).removesuffix(".")
