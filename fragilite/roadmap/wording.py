"""A roadmap in words: for a terminal, a document, the first sheet of the workbook, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fragilite import narrative
from fragilite.citation import cited
from fragilite.dictionary import Column
from fragilite.french import at_name, day, listing, number, plural, upper_first
from fragilite.provenance import as_of
from fragilite.roadmap import tables
from fragilite.roadmap.covering import Covering
from fragilite.roadmap.covering import facts as covering_facts
from fragilite.roadmap.scenario import AND, FREE, WHOLE, Scenario
from fragilite.roadmap.study import Outcome, Study
from fragilite.sections import Section, Table, document, terminal

#: Columns of the tables of a text, with a short header.
POSTS = {
    "secteur": "n°",
    "nom_base": "base proposée",
    "communes": "communes",
    "personnes": "personnes",
    "charge": "charge",
    "distance_moyenne": "{unit} moy.",
    "distance_max": "{unit} max.",
    "lieux": "lieux",
    "stabilite": "stabilité",
}
PLANS = {
    "plan": "plan",
    "postes": "bases",
    "charge_min": "charge min.",
    "charge_max": "max.",
    "distance_moyenne": "{unit} moy.",
    "distance_max": "{unit} max.",
    "communes_max": "communes max.",
    "coupures_epci": "coupures",
}
#: Above this, a commune is told as whole in its sector.
SHARED = 0.995
UNSAID = (
    "Aucune liste ne renseigne ce service : « 0 lieu connu » veut dire inconnu, pas aucun. "
    "Demandez d'abord à ceux qui accueillent."
)
CAUTION = (
    "Une base est une proposition du calcul : un local, des partenaires, des personnes décident. "
    "Les personnes à accompagner sont une estimation par les âges, jamais une liste, et rien n'est "
    "dit d'une personne."
)
CHARGE = (
    "Personnes : toutes celles à accompagner. Charge : celles que le scénario compte, sur la "
    "moyenne des postes. Lieux : ceux que les listes connaissent dans ces communes. Stabilité : "
    "part des tirages où une commune garde son secteur."
)


def heading(study: Study) -> tuple[str, str]:
    """Title of a study, and what it was computed on."""
    build = study.build
    header = build.method.methode
    return (
        f"Feuille de route : {build.inputs.territory.libelle}",
        f"Communes au 1er janvier {build.inputs.annee}. Chiffres relevés jusqu'au "
        f"{day(as_of(build))}. Méthode {header.code} {header.version}.",
    )


def render(study: Study) -> str:
    """A study as French text for a terminal."""
    return terminal(sections(study))


def markdown(study: Study) -> str:
    """A study as a Markdown document."""
    return document(sections(study))


def sections(study: Study) -> list[Section]:
    """Everything a study says, in the order in which it is read."""
    title, subtitle = heading(study)
    people = float(study.besoin["personnes"].sum())
    opening = [
        f"{plural(round(people), 'personne')} à accompagner, environ, dans "
        f"{plural(len(study.besoin), 'commune')}. {CAUTION}",
        subtitle,
    ]
    found = [Section(title, opening)]
    found += [section for one in study.scenarios for section in _scenario(one)]
    found.append(Section("À savoir", points=remarks(study)))
    return found


def _scenario(outcome: Outcome) -> list[Section]:
    said = outcome.scenario
    rules = rules_said(said)
    return [
        Section(
            f"{said.libelle} : {plural(len(outcome.postes), 'poste')}",
            [
                *([said.description] if said.description else []),
                *([f"Règles posées : {' ; '.join(rules)}."] if rules else []),
                worth(outcome),
                CHARGE,
            ],
            list(outcome.messages),
            [_table(outcome.postes, POSTS, outcome.unit, 2)],
        ),
        Section(f"{said.libelle} : les communes de chaque poste", points=shared(outcome)),
        Section(
            f"{said.libelle} : face à aujourd'hui et à un plan naïf",
            [against(outcome)],
            tables=[_table(outcome.plans, PLANS, outcome.unit, 1)],
        ),
    ]


def rules_said(scenario: Scenario) -> list[str]:
    """The rules of a scenario, as a coordinator says them."""
    said = [f"garder ensemble {text}" for text in scenario.garder]
    said += [
        f"séparer {text}" if AND in text else f"pas de base {at_name(text)}"
        for text in scenario.interdire
    ]
    if scenario.max_par_epci is not None:
        said.append(f"{plural(scenario.max_par_epci, 'base')} au plus par EPCI")
    if scenario.min_demi_journees:
        least = plural(scenario.min_demi_journees, "demi-journée")
        said.append(f"{least} au moins par commune et par cycle")
    if scenario.respect_epci == WHOLE:
        said.append("EPCI entiers où ils tiennent dans un secteur")
    elif scenario.respect_epci == FREE:
        said.append("limites d'EPCI ignorées")
    elif isinstance(scenario.respect_epci, int | float):
        said.append(f"une coupure d'EPCI pèse {number(scenario.respect_epci)} m par personne")
    if scenario.tolerance is not None:
        said.append(f"charges à {number(100 * scenario.tolerance)} % près")
    return said


def shared(outcome: Outcome) -> list[str]:
    """The communes of each post: ``1 · Cholet : Bégrolles-en-Mauges, Cholet…``."""
    said = []
    for row in records(outcome.postes):
        mine = outcome.communes[outcome.communes["secteur"] == row["secteur"]]
        names = [
            nom if part > SHARED else f"{nom} ({number(100 * part)} %)"
            for nom, part in zip(mine["nom"], mine["part"], strict=True)
        ]
        said.append(f"{row['secteur']} · {row['nom_base']} : {', '.join(names)}")
    return said


def worth(outcome: Outcome) -> str:
    """What a plan is worth, and how far it can be from the best one."""
    posts, plan = outcome.postes, outcome.plans.iloc[0]
    gap = 100 * outcome.route.ecart
    proof = (
        "C'est le meilleur partage possible sous ces règles"
        if gap < 0.05
        else f"Ce partage est à {number(gap, 1)} % au plus du meilleur possible sous ces règles"
    )
    mean = number(posts["charge_personnes"].sum() / len(posts))
    least, most = number(posts["charge"].min(), 2), number(posts["charge"].max(), 2)
    return (
        f"{mean} personnes comptées par poste en moyenne, de {least} à {most} fois cela ; à "
        f"{number(plan['distance_moyenne'], 1)} {outcome.unit} de leur base en moyenne. {proof}."
    )


def against(outcome: Outcome) -> str:
    """The plan beside the naive one and today's places, in a sentence."""
    mine, naive, *today = records(outcome.plans)
    said = (
        f"Le plan naïf, une base dans chacune des {plural(naive['postes'], 'commune')} où il y a "
        "le plus de personnes et chaque commune à la plus proche, charge le poste le plus lourd de "
        f"{number(naive['charge_max'], 1)} fois la moyenne, contre "
        f"{number(mine['charge_max'], 2)} ici, pour {number(naive['distance_moyenne'], 1)} "
        f"{outcome.unit} en moyenne contre {number(mine['distance_moyenne'], 1)}."
    )
    if not today:
        return f"{said} Aucun lieu n'est connu aujourd'hui dans ces communes."
    return (
        f"{said} Aujourd'hui, {plural(today[0]['postes'], 'lieu connu', 'lieux connus')} sont à "
        f"{number(today[0]['distance_moyenne'], 1)} {outcome.unit} en moyenne : des lieux, dont la "
        "capacité n'est pas connue, pas des postes."
    )


def remarks(study: Study) -> list[str]:
    """What must be known of a study: distances, capacity, draws, lists, limits, citation."""
    return [
        *study.notes,
        *places_said(study.known.listes),
        *([] if study.known.listes else study.known.remarques),
        f"{upper_first(narrative.unseen(study.build.method))}.",
        cited(study.build),
    ]


def places_said(lists: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lists that places come from, each with its date and licence."""
    named = [
        f"{one['titre']} ({one['producteur']}"
        + (f", {day(one['date'])}" if one["date"] else ", date inconnue")
        + f", {one['licence']})"
        for one in lists
    ]
    if not named:
        return []
    return [f"Lieux connus : {listing(named)}. Un lieu que ces listes n'ont pas n'est pas compté."]


def _table(rows: pd.DataFrame, headers: Mapping[str, str], unit: str, texts: int) -> Table:
    records = tables.columns(unit)
    names = [name for name in headers if name in rows]
    return Table(
        [headers[name].format(unit=unit) for name in names],
        [[_cell(row[name], records[name]) for name in names] for row in rows.to_dict("records")],
        texts,
    )


def _cell(value: Any, record: Column) -> str:
    if isinstance(value, str):
        return value
    return "–" if pd.isna(value) else number(float(value), record.decimales)


# --- facts -----------------------------------------------------------------------------------


def facts(study: Study) -> dict[str, Any]:
    """Facts of a study, ready for JSON."""
    title, _ = heading(study)
    return {
        "titre": title,
        "territoire": study.build.inputs.territory.libelle,
        "annee": study.build.inputs.annee,
        "personnes": float(study.besoin["personnes"].sum()),
        "capacites": dict(study.capacites),
        "scenarios": [_outcome_facts(one) for one in study.scenarios],
        "notes": study.notes,
        "listes": study.known.listes,
    }


def _outcome_facts(outcome: Outcome) -> dict[str, Any]:
    return {
        **outcome.scenario.model_dump(),
        "unite": outcome.unit,
        "valeur": outcome.route.valeur,
        "borne": outcome.route.borne,
        "ecart": outcome.route.ecart,
        "arret_sur_le_temps": outcome.route.temps,
        "messages": outcome.messages,
        "postes": records(outcome.postes),
        "communes": records(outcome.communes),
        "calendrier": records(outcome.passages.calendrier),
        "plans": records(outcome.plans),
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table, missing as None."""
    filled = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in filled.to_dict("records")]


# --- what is scarce --------------------------------------------------------------------------


def covering_sections(found: Covering) -> list[Section]:
    """What a covering says, in the order in which it is read."""
    said = covering_facts(found)
    radius = f"{number(said['rayon'], 1).removesuffix(',0')} {said['unite']}"
    total = said["personnes"]
    parts = [
        f"{number(100 * said[key] / total)} %" if total else "–"
        for key in ("couvertes_avant", "couvertes_apres")
    ]
    opening = [
        f"Où ouvrir {plural(found.scenario.postes or 0, 'lieu', 'lieux')} pour que le plus de "
        f"personnes à accompagner en aient un à {radius} au plus : {said['libelle']}.",
        f"Aujourd'hui, {plural(said['existants'], 'lieu connu', 'lieux connus')} : "
        f"{number(said['couvertes_avant'])} personnes sur {number(total)} ({parts[0]}) en ont un à "
        f"cette distance. Avec ces ouvertures : {number(said['couvertes_apres'])} ({parts[1]})."
        + ("" if said["renseigne"] else f" {UNSAID}"),
    ]
    if found.scenario.priorite is not None:
        opening.append(found.scenario.description)
    opening.append(
        "Aucun autre choix du même nombre de lieux n'en sert davantage."
        if said["optimal"]
        else "Ce choix est bon ; il n'est pas prouvé qu'aucun autre n'en serve davantage."
    )
    places = Table(
        ["commune", "EPCI", "personnes", "gain"],
        [
            [one["nom"], one["nom_epci"] or "–", number(one["personnes"]), number(one["gain"])]
            for one in said["ouvertures"]
        ],
        2,
    )
    curve = Table(
        ["lieux ouverts", "personnes servies", "part", "gain"],
        [
            [
                number(one["lieux"]), number(one["personnes"]),
                "–" if one["part"] is None else f"{number(one['part'])} %",
                "–" if one["gain"] is None else number(one["gain"]),
            ]
            for one in said["courbe"]
        ],
        0,
    )  # fmt: skip
    return [
        Section(f"Couverture : {said['territoire']}", opening),
        Section(
            "Où ouvrir",
            ["Gain : personnes qui n'auraient aucun lieu à cette distance sans celui-là."],
            tables=[places],
        ),
        Section(
            "Ce que change chaque ouverture",
            ["Personnes comptées au poids que leur donne le scénario."],
            tables=[curve],
        ),
        Section("À savoir", points=[*said["notes"], *places_said(said["listes"]), CAUTION]),
    ]
