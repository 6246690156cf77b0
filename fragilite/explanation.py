"""Why a commune scores as it does: :func:`explain` gathers it, :func:`render` writes it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fragilite.cog import FIRST_YEAR, LAST_YEAR, codes_of, departement_of, moves, parse_code
from fragilite.dictionary import scale
from fragilite.distribution import france
from fragilite.errors import UsageError
from fragilite.french import (
    fold,
    listing,
    lower_first,
    number,
    ordinal,
    paragraph,
    plural,
    quantity,
    rounded_parts,
    share,
    times,
    upper_first,
)
from fragilite.indicators import Figure
from fragilite.inputs import Inputs
from fragilite.iris_reading import block, neighbourhoods
from fragilite.method import Moyenne, Part, is_survey_share
from fragilite.pipeline import Build, class_warnings
from fragilite.provenance import provenance
from fragilite.summary import MODELES, old_counted
from fragilite.table import Statut

_WHY_MISSING = {
    Statut.SECRET: "couvert par le secret statistique",
    Statut.ABSENT: "non disponible pour cette commune",
    Statut.SANS_OBJET: "sans objet : il n'y a rien à mesurer",
}


@dataclass(frozen=True)
class Candidate:
    """A commune that a name may mean.

    Attributes
    ----------
    code, nom : str
        Commune of the reference year.
    ancienne : str
        Name of the delegated or former commune that was asked for, ``""`` if it was the commune's.
    """

    code: str
    nom: str
    ancienne: str = ""

    @property
    def label(self) -> str:
        """``49126 Orée d'Anjou (Champtoceaux)``."""
        return f"{self.code} {self.nom}" + (f" ({self.ancienne})" if self.ancienne else "")


def asks_for_code(text: str) -> bool:
    """Whether a text is a code rather than a name.

    Examples
    --------
    >>> asks_for_code("49221"), asks_for_code("2A004"), asks_for_code("Saumur")
    (True, True, False)
    """
    return bool(re.fullmatch(r"\s*\d[\dABab]?\d*(\.0)?\s*", text))


def find(text: str, inputs: Inputs) -> list[Candidate]:
    """Communes that a code or a name may mean, best reading first.

    A whole name wins over a part of one; names of delegated and former communes count.

    Parameters
    ----------
    text : str
        A code, a name, or a part of a name.
    inputs : Inputs

    Returns
    -------
    list of Candidate
        One if the text is clear, several if it is not.

    Raises
    ------
    UsageError
        If nothing is near.
    """
    names, former = inputs.communes["nom"], inputs.anciennes
    if asks_for_code(text):
        code = parse_code(text)
        if code in names.index:
            return [Candidate(code, names[code])]
        now = current_codes(code, inputs.annee)
        found = [Candidate(one, names[one], code) for one in now if one in names.index]
        if found:
            return found
        was = former[former["code_ancien"] == code]
        if len(was):
            row = was.iloc[0]
            return [Candidate(row["code_insee"], names[row["code_insee"]], row["nom"])]
        raise UsageError(
            f"Commune inconnue : {code}, au 1er janvier {inputs.annee}, "
            f"dans {inputs.territory.libelle}.",
            "Essayez par son nom : fragilite explain NOM",
        )
    wanted = fold(text)
    known = [Candidate(str(code), nom) for code, nom in names.items()]
    known += [
        Candidate(code, names[code], nom)
        for nom, code in zip(former["nom"], former["code_insee"], strict=True)
        if nom != names[code]
    ]
    folded = [(fold(candidate.ancienne or candidate.nom), candidate) for candidate in known]
    exact = [candidate for name, candidate in folded if name == wanted]
    part = [candidate for name, candidate in folded if f" {wanted}" in f" {name}"]
    for found in (exact, part):
        if found:
            return _distinct(found)
    near = difflib.get_close_matches(wanted, [name for name, _ in folded], n=3, cutoff=0.75)
    guesses = [candidate.label for name, candidate in folded if name in near]
    hint = (
        f"Vouliez-vous dire {listing(guesses[:3])} ?"
        if guesses
        else "Donnez son code à cinq caractères."
    )
    raise UsageError(
        f"Commune inconnue : « {text} », dans {inputs.territory.libelle}.",
        f"{hint} Ailleurs, ajoutez --dept, comme --dept 35.",
    )


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    """One candidate a commune: its own name first, else the first former name met."""
    kept: dict[str, Candidate] = {}
    for candidate in candidates:
        kept.setdefault(candidate.code, candidate)
    return list(kept.values())


def ambiguous(text: str, candidates: list[Candidate]) -> UsageError:
    """The error that lists what a name may mean."""
    return UsageError(
        f"« {text} » peut désigner plusieurs communes : "
        f"{', '.join(candidate.label for candidate in candidates)}.",
        "Donnez son code : fragilite explain " + candidates[0].code,
    )


def departement_for(text: str, available: list[str]) -> str:
    """Département to build to explain a commune: the code's own, or the only one at hand."""
    if asks_for_code(text):
        code = parse_code(text)
        return departement_of(next(iter(current_codes(code, LAST_YEAR)), code))
    return available[0]


def current_codes(code: str, annee: int) -> list[str]:
    """Communes that hold today the territory of a code that has been one since 2008."""
    if code in codes_of(annee):
        return [code]
    return list(moves(FIRST_YEAR, annee).get(code, ()))


def where(build: Build) -> str:
    """``le département (Maine-et-Loire)``, or the territory of a build that is not one whole."""
    territory, names = build.inputs.territory, build.communes["nom_departement"].unique()
    if len(names) == 1 and territory.departements:
        return f"le département ({names[0]})"
    return f"l'ensemble étudié ({territory.libelle})"


# --- gathering -------------------------------------------------------------------------------


def explain(build: Build, code: str, ancienne: str = "") -> dict[str, Any]:
    """Everything there is to say of a commune, ready for JSON.

    Parameters
    ----------
    build : Build
    code : str
        Code of a commune of the build, today's or a former one.
    ancienne : str
        Name of the former commune that was asked for.

    Returns
    -------
    dict
        Identity, index and rank, sub-scores, contributions that add up to the index, people to
        accompany, context, what is missing.
    """
    if code not in set(build.communes["code_insee"]):
        found = find(code, build.inputs)
        if len(found) > 1:
            raise ambiguous(code, found)
        code, ancienne = found[0].code, ancienne or found[0].ancienne
    rows = build.communes.set_index("code_insee", drop=False)
    row: dict[Any, Any] = rows.loc[code].to_dict()
    method, scores = build.method, build.result.scores
    epci, old = row["code_epci"], old_counted(build)
    return {
        "commune": {
            "code_insee": code,
            "nom": row["nom"],
            "demandee_comme": ancienne,
            "code_epci": epci,
            "nom_epci": row["nom_epci"],
            "departement": row["nom_departement"],
            "population": _value(row["population"]),
        },
        "annee": build.inputs.annee,
        "territoire": where(build),
        "methode": provenance(build)["methode"]
        | {"libelle": method.noeuds[method.root].libelle, "echelle": scale(method)},
        "indice": {
            "valeur": _value(row[method.root]),
            "rang": _value(row["rang"]),
            "rang_sur": int(row["rang_sur"]),
            "rang_epci": _value(build.places_in_epci["rang"][code]),
            "rang_epci_sur": _value(build.places_in_epci["sur"][code]),
            "classe": _value(row.get("classe")),
            "classe_libelle": _value(row.get("classe_libelle")),
            "place_en_france": _place(method.root, row[method.root], build),
            "completude": _value(row["completude"]),
            "completude_methode": _value(row["completude_methode"]),
        },
        "certitude": _certainty(build, row),
        "sous_indices": [
            {
                "code": method.column(node),
                "libelle": method.noeuds[node].libelle,
                "valeur": _value(scores.noeuds.loc[code, node]),
                "departement": _value(
                    build.result_departement.scores.noeuds[node].get(row["code_departement"])
                ),
                "epci": _value(build.result_epci.scores.noeuds[node].get(epci)),
            }
            for node in method.descending()
        ],
        "indicateurs": [
            _indicator(build, name, row) | {"annee_ancienne": old.get(name)}
            for name in method.indicateurs
        ],
        "volume": {
            "personnes_a_accompagner": _value(row["personnes_a_accompagner"]),
            "statut": row["personnes_a_accompagner_statut"],
            "rang": _value(row["rang_volume"]),
            "part_du_territoire": _value(
                100 * row["personnes_a_accompagner"] / build.result.volume.sum()
            ),
        },
        "effectifs": [_shown(build, name, row) for name in method.effectifs],
        "contexte": [_shown(build, name, row) for name in method.contexte],
        "iris": neighbourhoods(build, code),
        "france": france().libelle,
        "usage": method.lecture.usage,
        "non_usage": method.lecture.non_usage,
        "ne_voit_pas": method.lecture.invisible,
    }


def _certainty(build: Build, row: dict[Any, Any]) -> dict[str, Any] | None:
    """How far the rank could move; None without the analyses, or without an index."""
    rules = build.method.incertitude
    if build.uncertainty is None or rules is None or pd.isna(row["rang"]):
        return None
    names = [str(name) for name in build.uncertainty.territoires]
    settings = {"tirages": rules.tirages, "graine": rules.graine, "modele": rules.donnees.modele}
    return {name: _value(row[name]) for name in names} | settings


def _place(node: str, value: float, build: Build) -> float | None:
    """Share of the communes of France that are less fragile, where scores compare."""
    compares = france().compares(build.method, build.result.scores.scored)
    return france().place(node, value) if compares else None


def _value(value: Any) -> Any:
    """A JSON value: None where it is missing."""
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _shown(build: Build, name: str, row: dict[Any, Any]) -> dict[str, Any]:
    record, figure = build.method.figures[name], build.result.figures[name]
    code = row["code_insee"]
    there = build.result_departement.figures[name]
    return {
        "code": name,
        "libelle": record.libelle,
        "unite": record.unite,
        "decimales": record.decimales,
        "se_compte": not isinstance(record.calcul, Part | Moyenne),
        "valeur": _value(figure.values[code]),
        "statut": Statut(figure.statuts[code]).name.lower(),
        "regle": figure.regles[code],
        "millesime": figure.millesime,
        "departement": _value(there.values.get(row["code_departement"])),
        "france": record.france.model_dump() if record.france else None,
    }


def _indicator(build: Build, name: str, row: dict[Any, Any]) -> dict[str, Any]:
    code, scores = row["code_insee"], build.result.scores
    scored = name in scores.scored
    group: Figure = build.result_epci.figures[name]
    smoothed = build.result.figures[name].lissage
    shown = _shown(build, name, row) | _asked(build, name, code)
    return shown | {
        "lisse": None if smoothed is None else _value(100 * smoothed.parts[code]),
        "fiabilite": None if smoothed is None else _value(smoothed.poids[code]),
        "court": build.method.indicateurs[name].court,
        "epci": _value(group.values.get(row["code_epci"])),
        "place_en_france": france().place(
            build.method.scored_column(name), build.result.figures[name].scored[code]
        ),
        "points": _value(scores.indicateurs.loc[code, name]) if scored else None,
        "contribution": _value(scores.contributions.loc[code, name]) if scored else None,
        "hors_bornes": bool(scores.satures.loc[code, name]) if scored else False,
        "compte": scored and _value(scores.indicateurs.loc[code, name]) is not None,
    }


def _asked(build: Build, name: str, code: str) -> dict[str, Any]:
    """How many people a survey asked: twelve do not say what four hundred do."""
    if not is_survey_share(build.method.indicateurs[name]):
        return {}
    return {"interroges": _value(build.result.figures[name].parts.loc[code, "denominateur"])}


# --- writing ---------------------------------------------------------------------------------


def render(facts: dict[str, Any], build: Build) -> str:
    """Write an explanation in French sentences."""
    blocks = [
        _heading(facts),
        _sure(facts),
        _origin(facts),
        _sub_scores(facts),
        _people(facts),
        block(facts["iris"]),
        _context(facts),
        _lacking(facts, build),
        [
            "Ce que l'indice ne voit pas",
            paragraph(f"{upper_first(' ; '.join(facts['ne_voit_pas']))}.", "  "),
            paragraph(facts["usage"], "  "),
            paragraph(facts["non_usage"], "  "),
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _heading(facts: dict[str, Any]) -> list[str]:
    town, index = facts["commune"], facts["indice"]
    lines = [
        f"{town['nom']} ({town['code_insee']}), {town['nom_epci'] or 'hors EPCI'} — "
        f"{number(town['population'])} habitants"
    ]
    if town["demandee_comme"]:
        lines.append(
            f"{town['demandee_comme']} est aujourd'hui dans la commune « {town['nom']} » : "
            "l'indice est celui de l'ensemble."
        )
    if index["valeur"] is None:
        lines.append(
            f"Pas d'indice : {number(100 * index['completude'])} % du poids seulement est observé."
        )
        return lines
    label = f" : {index['classe_libelle']}" if index["classe_libelle"] else ""
    lines.append(
        f"{facts['methode']['libelle']} : {number(index['valeur'], 1)} "
        f"({facts['methode']['echelle']}){label}."
    )
    lines.append(
        f"{ordinal(index['rang'])} rang sur {number(index['rang_sur'])} communes classées dans "
        f"{facts['territoire']}, en partant de la plus fragile."
    )
    if index["rang_epci"] is not None:
        lines.append(
            f"{ordinal(index['rang_epci'])} rang sur {number(index['rang_epci_sur'])} dans son "
            "EPCI."
        )
    if index["place_en_france"] is not None:
        lines.append(
            f"Plus fragile que {number(index['place_en_france'])} % des communes de France "
            f"({facts['france']})."
        )
    return lines


def _sure(facts: dict[str, Any]) -> list[str]:
    """The interval of the rank and the reading."""
    found = facts["certitude"]
    if found is None:
        return []
    lines = []
    if not found["lecture"]:
        return []
    if found["rang_min_90"] is not None:
        low, high = found["rang_min_90"], found["rang_max_90"]
        span = f"au {ordinal(low)}" if low == high else f"du {ordinal(low)} au {ordinal(high)}"
        often = times(found["proba_premier_cinquieme"])
        lines.append(
            f"Les données seules ({MODELES[found['modele']]}) la placent {span} rang neuf fois "
            f"sur dix, et dans le cinquième le plus fragile du territoire {often}."
        )
    lines.append(
        "D'autres choix de méthode raisonnables l'y placent "
        f"{times(found['part_scenarios_premier_cinquieme'])}."
    )
    lines.append(f"Lecture : {found['lecture']}." + CAUTIONS.get(found["lecture"], ""))
    return ["À quel point est-ce sûr", *(paragraph(line, "  ") for line in lines)]


#: Said in place of contributions.
NOT_ADDITIVE = "Cette méthode n'additionne pas : elle n'a pas de contributions."
#: From this reliability up, smoothing changes nothing worth a word.
SURE = 0.9
#: What must be said with some readings, wherever they are written.
CAUTIONS = {
    "pas de signal": " Cela ne dit pas que personne n'a besoin d'aide : voyez plus bas ce que "
    "l'indice ne voit pas.",
    "à confirmer sur le terrain": " Les chiffres seuls ne tranchent pas : le terrain, oui.",
}


def _origin(facts: dict[str, Any]) -> list[str]:
    """Contributions, rounded so that the points shown add up to the index shown."""
    counted = [item for item in facts["indicateurs"] if item["compte"]]
    if facts["indice"]["valeur"] is None:
        return []
    if any(item["contribution"] is None for item in counted):
        return [NOT_ADDITIVE]
    points = rounded_parts([item["contribution"] for item in counted])
    order = sorted(range(len(counted)), key=lambda place: -counted[place]["contribution"])
    heaviest = [counted[place]["court"] for place in order[:2]]
    return [
        f"D'où viennent ces {number(sum(points), 1)} points (surtout : {listing(heaviest)})",
        *(
            f"  {number(points[place], 1):>5}  {_sentence(counted[place], facts)}"
            for place in order
        ),
        f"  {number(sum(points), 1):>5}  au total",
    ]


def _sentence(item: dict[str, Any], facts: dict[str, Any]) -> str:
    notes = _compared(item, facts)
    if item["hors_bornes"]:
        notes += ", hors des bornes de la méthode"
    if item["statut"] == "estime":
        notes += ", estimé"
    if item.get("interroges"):
        people = round(item["interroges"])
        notes += f", {plural(people, 'personne interrogée', 'personnes interrogées')}"
    if item["annee_ancienne"]:
        notes += f", de {item['annee_ancienne']}"
    if item["lisse"] is not None and item["fiabilite"] is not None:
        smoothed = quantity(item["lisse"], item["decimales"], item["unite"])
        observed = quantity(item["valeur"], item["decimales"], item["unite"])
        notes += f", compté {smoothed} après lissage" if smoothed != observed else ""
    return f"{item['libelle']} : {notes}"


def _compared(item: dict[str, Any], facts: dict[str, Any]) -> str:
    """A value beside that of the département and of France."""

    def shown(value: float) -> str:
        return quantity(value, item["decimales"], item["unite"])

    references = []
    if item["departement"] is not None and not item["se_compte"]:
        references.append(f"{facts['commune']['departement']} {shown(item['departement'])}")
    reference = item["france"]
    if reference:
        date = other_year(reference["millesime"], item["millesime"])
        references.append(f"France {shown(reference['valeur'])}{date}")
    return shown(item["valeur"]) + (f" ({' ; '.join(references)})" if references else "")


def other_year(reference: str, vintage: str | None) -> str:
    """What follows a reference of another year than the figure beside it.

    Examples
    --------
    >>> other_year("2022", "2023"), other_year("2026_T2", "2026_T2"), other_year("", "2023")
    (' en 2022', '', '')
    """
    year = reference[:4]
    return f" en {year}" if year and year != (vintage or "")[:4] else ""


def _context(facts: dict[str, Any]) -> list[str]:
    known = [item for item in facts["contexte"] if item["valeur"] is not None]
    lines = [f"  {item['libelle']} : {_compared(item, facts)}" for item in known]
    return ["Pour situer (montré, pas compté)", *lines] if lines else []


def _sub_scores(facts: dict[str, Any]) -> list[str]:
    lines = ["Sous-indices (commune ; son EPCI ; le département)"]
    for node in facts["sous_indices"]:
        values = [
            "–" if node[key] is None else number(node[key], 1)
            for key in ("valeur", "epci", "departement")
        ]
        lines.append(f"  {node['libelle']} : {' ; '.join(values)}")
    return lines


def _people(facts: dict[str, Any]) -> list[str]:
    volume = facts["volume"]
    if volume["personnes_a_accompagner"] is None:
        return []
    sentences = [
        f"Environ {number(volume['personnes_a_accompagner'])} personnes à accompagner (estimation "
        f"par l'âge) : {ordinal(volume['rang'])} rang en volume, "
        f"{share(volume['part_du_territoire'])} de celles que compte {facts['territoire']}."
    ]
    known = [item for item in facts["effectifs"] if item["valeur"] is not None]
    if known:
        parts = [f"{number(item['valeur'])} {lower_first(item['libelle'])}" for item in known]
        sentences.append(
            f"La commune compte {listing(parts)} : ces groupes se recoupent, ne les "
            "additionnez pas."
        )
    return ["Combien de personnes", *(paragraph(text, "  ") for text in sentences)]


def _withdrawn(item: dict[str, Any]) -> str:
    if item["millesime"] is None:
        return f"{item['libelle']} : aucune donnée à portée, pas compté."
    if item["valeur"] is None:
        return f"{item['libelle']} : données de {item['millesime'][:4]}, trop anciennes."
    shown = quantity(item["valeur"], item["decimales"], item["unite"])
    return f"{item['libelle']} : {shown} en {item['millesime'][:4]}, trop ancien pour compter."


def missing_note(label: str, status: Statut) -> str:
    """Why an indicator does not count for a commune, and what becomes of its weight."""
    return f"{label} : {_WHY_MISSING[status]} ; son poids est réparti sur le reste de son groupe."


def estimated_note(label: str, rule: str) -> str:
    """That a figure is an estimate, and of which kind."""
    return f"{label} : estimé ({rule})."


def smoothed_note(label: str, reliability: float) -> str:
    """That a share stands on few people."""
    return (
        f"{label} : la part observée tient à peu de personnes (fiabilité "
        f"{number(reliability, 2)} sur 1) ; elle est rapprochée de celle de l'EPCI "
        "ou du département."
    )


def partial_note(completeness: float) -> str:
    """On how much of its weight an index stands."""
    return f"L'indice repose sur {number(100 * completeness)} % de son poids."


def _lacking(facts: dict[str, Any], build: Build) -> list[str]:
    lines = []
    for item in facts["indicateurs"]:
        if item["code"] in build.withdrawn:
            lines.append(_withdrawn(item))
        elif not item["compte"]:
            lines.append(missing_note(item["libelle"], Statut[item["statut"].upper()]))
        elif item["statut"] == "estime":
            lines.append(estimated_note(item["libelle"], item["regle"]))
        if item["compte"] and (item["fiabilite"] or 1.0) < SURE:
            lines.append(smoothed_note(item["libelle"], item["fiabilite"]))
    completeness = facts["indice"]["completude"]
    if completeness is not None and completeness < 1:
        lines.append(partial_note(completeness))
    lines += class_warnings(build)
    written = [paragraph(line, "  ") for line in lines]
    return ["Ce qui manque ou se discute", *written] if written else []
