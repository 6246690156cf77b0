"""What people see in the field beside what the index says: :func:`compare_field`, :func:`render`.

Two readings side by side. Observations are never averaged into the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd

from fragilite.bootstrap import interval, spearman
from fragilite.comparison import FIFTHS, interval_facts, shown_interval
from fragilite.dictionary import scale
from fragilite.explanation import where
from fragilite.field_reading import REMOVED, Observations, rules
from fragilite.french import (
    aligned,
    day,
    fold,
    listing,
    lower_first,
    number,
    of_the,
    paragraph,
    plural,
)
from fragilite.pipeline import FORMULA, Build
from fragilite.places.checking import Probleme

#: How the field and the index compare, from a commune to the next.
AGREE, CLOSE, MORE, LESS, NO_INDEX, NOT_SEEN = (
    "accord", "à un niveau", "ressentie plus fragile", "ressentie moins fragile", "sans indice",
    "non observée",
)  # fmt: skip
#: Fifths of a ranking, from 1, the least fragile.
FIFTH_LABELS = (
    "cinquième le moins fragile", "quatrième cinquième", "cinquième du milieu",
    "deuxième cinquième", "cinquième le plus fragile",
)  # fmt: skip
#: From this level on, the index says that a commune is fragile.
HIGH = 4
#: Communes, problems and gaps that a terminal shows; --json and the file give them all.
SHOWN, PROBLEMS, GAPS = 20, 12, 10
#: Letters of a name of commune in a table.
NAME = 38

NEVER_MIXED = (
    "Ces observations ne changent ni l'indice ni un rang : elles se lisent à côté, jamais dans une "
    "moyenne."
)
SITUATED = (
    "Une note de terrain est celle d'une place et d'un moment : elle vaut par qui la donne et par "
    "leur nombre. Elle parle d'une commune, jamais d'une personne."
)


# --- gathering -------------------------------------------------------------------------------


def compare_field(build: Build, found: Observations, jour: str) -> dict[str, Any]:
    """Field observations beside an index, ready for JSON.

    Parameters
    ----------
    build : Build
    found : Observations
        From :func:`fragilite.field_reading.read_observations`.
    jour : str
        ISO date of the reading.

    Returns
    -------
    dict
        What was read and set aside, each observed commune, the rank correlation where there are
        enough of them, what the field sees and the index does not, and the communes that the index
        says fragile and nobody has observed. No comment is in it.
    """
    table = found.table
    communes = {row["code_insee"]: row for row in _records(build)}
    level, kind = levels(build)
    observed = [
        _commune(group, communes[str(code)], level[str(code)], build.method.root)
        for code, group in table.groupby("code_insee", sort=True)
    ]
    readings = pd.Series([row["lecture"] for row in observed]).value_counts()
    labels = _labels(build)
    return {
        "fichier": found.nom,
        "jour": jour,
        "methode": {
            "libelle": build.method.noeuds[build.method.root].libelle,
            "code": build.method.methode.code,
            "version": build.method.methode.version,
            "echelle": scale(build.method),
        },
        "territoire": where(build),
        "niveau": {"genre": kind, "libelles": labels},
        "lignes": found.lignes,
        "observations": len(table),
        "communes_observees": len(observed),
        "communes": len(communes),
        "roles": _roles(table["role"]),
        "du": min(table["date"]),
        "au": max(table["date"]),
        "problemes": [
            asdict(problem) | {"texte": sentence(problem)} for problem in found.problemes
        ],
        "accord": {name: int(readings.get(name, 0)) for name in (AGREE, CLOSE, MORE, LESS)}
        | {NO_INDEX: int(readings.get(NO_INDEX, 0))},
        "correlation": _correlation(observed),
        "observees": observed,
        "jamais_observees": _unseen(build, level, {row["code_insee"] for row in observed}),
        "ne_voit_pas": list(build.method.lecture.invisible),
        "seuils": rules().comparaison.model_dump(),
    }


def sentence(problem: Probleme) -> str:
    """What is wrong in a row, and what repairs it."""
    where = "Fichier" if problem.ligne is None else f"Ligne {problem.ligne}"
    column = f", {problem.colonne}" if problem.colonne else ""
    kind = "" if problem.bloquant else " (remarque)"
    return (
        f"{where}{column}{kind} — attendu : {problem.attendu} ; trouvé : {problem.trouve}. "
        f"{problem.remede}"
    )


def levels(build: Build) -> tuple[pd.Series, str]:
    """Level of each commune on the scale of the field, 5 = the most fragile, and where it is from.

    Returns
    -------
    Series of Int64
        By code: class of the index where it has five, else fifth of the ranking of the build;
        missing without an index, and where fewer than five communes are ranked.
    str
        ``classe``, ``cinquieme``, or ``""`` where there is neither.
    """
    communes = build.communes.set_index("code_insee")
    classes = build.method.noeuds[build.method.root].classes
    if classes and len(classes.libelles) == FIFTHS:
        return communes["classe"].astype("Int64"), "classe"
    ranks = communes["rang"].astype("Int64")
    count = int(ranks.notna().sum())
    if count < FIFTHS:
        return pd.Series(pd.NA, index=communes.index, dtype="Int64"), ""
    return FIFTHS - (ranks - 1) * FIFTHS // count, "cinquieme"


def _labels(build: Build) -> list[str]:
    classes = build.method.noeuds[build.method.root].classes
    if classes and len(classes.libelles) == FIFTHS:
        return list(classes.libelles)
    return list(FIFTH_LABELS)


def reading_of(median: float, level: Any) -> str:
    """How a felt fragility and a level compare.

    Examples
    --------
    >>> reading_of(3.5, 4), reading_of(3, 4), reading_of(5, 3), reading_of(2, None)
    ('accord', 'à un niveau', 'ressentie plus fragile', 'sans indice')
    """
    if level is None or pd.isna(level):
        return NO_INDEX
    limits, gap = rules().comparaison, median - int(level)
    if abs(gap) < limits.ecart_proche:
        return AGREE
    if abs(gap) < limits.ecart_fort:
        return CLOSE
    return MORE if gap > 0 else LESS


def _commune(group: pd.DataFrame, row: dict[str, Any], level: Any, root: str) -> dict[str, Any]:
    """What was said of a commune, beside its index; roles and dates, no comment."""
    median = float(group["note"].median())
    known = None if pd.isna(level) else int(level)
    return {
        "code_insee": str(row["code_insee"]),
        "nom": str(row["nom"]),
        "nom_epci": row["nom_epci"] if isinstance(row["nom_epci"], str) else "",
        "observations": len(group),
        "mediane": median,
        "minimum": int(group["note"].min()),
        "maximum": int(group["note"].max()),
        "roles": _roles(group["role"]),
        "du": min(group["date"]),
        "au": max(group["date"]),
        "indice": None if pd.isna(row[root]) else float(row[root]),
        "rang": None if pd.isna(row["rang"]) else int(row["rang"]),
        "niveau": known,
        "ecart": None if known is None else median - known,
        "lecture": reading_of(median, known),
        "dits": [
            {"role": one["role"], "date": one["date"], "note": int(one["note"])}
            for one in group.sort_values(["date", "role", "ligne"]).to_dict("records")
        ],
    }


def _records(build: Build) -> list[dict[str, Any]]:
    columns = ["code_insee", "nom", "nom_epci", "rang", build.method.root]
    rows = build.communes[columns].to_dict("records")
    return [{str(name): cell for name, cell in row.items()} for row in rows]


def _roles(roles: pd.Series) -> dict[str, int]:
    """How many observations by role, the most frequent first; « Élue » and « élue » are one."""
    written: dict[str, str] = {}
    for role in roles:
        written.setdefault(fold(role), role)
    counts = roles.map(fold).value_counts()
    order = sorted(counts.index, key=lambda role: (-counts[role], role))
    return {written[role]: int(counts[role]) for role in order}


def _correlation(observed: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Rank correlation of medians and index; None where too few communes have both."""
    known = [row for row in observed if row["indice"] is not None]
    if len(known) < rules().comparaison.communes_min:
        return None
    felt, index = (np.array([row[key] for row in known]) for key in ("mediane", "indice"))
    return interval_facts(interval(spearman, felt, index))


def _unseen(build: Build, level: pd.Series, seen: set[str]) -> dict[str, Any]:
    """Communes that the index says fragile and nobody has observed, the most fragile first."""
    table = build.communes[~build.communes["code_insee"].isin(seen)]
    high = table[(table["code_insee"].map(level) >= HIGH).fillna(value=False).astype(bool)]
    high = high.sort_values(["rang", "code_insee"])
    people = high["personnes_a_accompagner"]
    return {
        "nombre": len(high),
        "personnes_a_accompagner": float(people.sum()) if people.notna().any() else None,
        "communes": [
            {
                "code_insee": row["code_insee"],
                "nom": row["nom"],
                "niveau": int(level[row["code_insee"]]),
                "rang": int(row["rang"]),
            }
            for row in high.to_dict("records")
        ],
    }


def gaps_table(build: Build, found: Observations) -> pd.DataFrame:
    """Every commune of a build, observed or not, to be joined to a map.

    Comments are in it where three observations or more of a role hide who wrote each; names and
    contacts that could be recognised are out of them.
    """
    level, _ = levels(build)
    labels, root = _labels(build), build.method.root
    groups = {str(code): group for code, group in found.table.groupby("code_insee")}
    rows = []
    for row in _records(build):
        code = row["code_insee"]
        known = None if pd.isna(level[code]) else int(level[code])
        line: dict[str, Any] = {
            "code_insee": code, "nom": row["nom"], "nom_epci": row["nom_epci"],
            "observations": 0, "mediane": None, "minimum": None, "maximum": None, "roles": "",
            "derniere_date": "", "indice": row[root], "niveau": known,
            "niveau_libelle": "" if known is None else labels[known - 1], "ecart": None,
            "lecture": NOT_SEEN, "commentaires": "",
        }  # fmt: skip
        if code in groups:
            said = _commune(groups[code], row, level[code], root)
            line |= {key: said[key] for key in ("observations", "mediane", "minimum", "maximum",
                                                "ecart", "lecture")}  # fmt: skip
            line |= {
                "roles": _safe(_shown_roles(said["roles"])), "derniere_date": said["au"],
                "commentaires": _safe(_comments(groups[code])),
            }  # fmt: skip
        rows.append(line)
    table = pd.DataFrame(rows)
    whole = ["minimum", "maximum", "niveau"]
    return table.astype(dict.fromkeys(whole, "Int64"))


def _comments(group: pd.DataFrame) -> str:
    """Comments of the roles that are numerous enough for none to point at a person."""
    least = rules().confidentialite.observations_min
    folded = group["role"].map(fold)
    counts = folded.value_counts()
    kept = group.loc[folded.map(counts) >= least, "commentaire"]
    return " | ".join(sorted({text for text in kept if text and text != REMOVED}))


def _safe(text: str) -> str:
    """A text that a spreadsheet does not run as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _shown_roles(roles: dict[str, int]) -> str:
    return ", ".join(f"{role} ({count})" if count > 1 else role for role, count in roles.items())


# --- writing ---------------------------------------------------------------------------------


def render(facts: dict[str, Any]) -> str:
    """Write the comparison in French sentences."""
    blocks = [
        _heading(facts),
        _problems(facts["problemes"]),
        _agreement(facts),
        _table(facts),
        _gaps(facts, MORE, "Le terrain dit plus fragile que l'indice, de deux niveaux ou plus"),
        _gaps(facts, LESS, "Le terrain dit moins fragile que l'indice, de deux niveaux ou plus"),
        _unseen_block(facts),
        ["À savoir", paragraph(NEVER_MIXED, "  "), paragraph(SITUATED, "  ")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _heading(facts: dict[str, Any]) -> list[str]:
    lines = [
        paragraph(
            f"{facts['fichier']} : {plural(facts['observations'], 'observation')}, "
            f"{plural(facts['communes_observees'], 'commune')} sur {number(facts['communes'])}"
        ),
        paragraph(f"{_period(facts)}, par {_shown_roles(facts['roles'])}.", "  "),
        paragraph(
            f"À côté : {facts['methode']['libelle']}, méthode {facts['methode']['code']} "
            f"{facts['methode']['version']}, dans {facts['territoire']}.",
            "  ",
        ),
    ]
    away = {problem["ligne"] for problem in facts["problemes"] if problem["bloquant"]}
    if away:
        told = plural(len(away), "ligne mise de côté", "lignes mises de côté")
        lines.append(paragraph(f"{told} : à corriger, plus bas.", "  "))
    return lines


def _period(facts: dict[str, Any]) -> str:
    if facts["du"] == facts["au"]:
        return f"Le {day(facts['du'])}"
    return f"Du {day(facts['du'])} au {day(facts['au'])}"


def _problems(problems: Sequence[dict[str, Any]]) -> list[str]:
    if not problems:
        return []
    ordered = sorted(problems, key=lambda problem: not problem["bloquant"])
    lines = [paragraph(problem["texte"], "  ") for problem in ordered[:PROBLEMS]]
    if len(ordered) > PROBLEMS:
        lines.append(f"  et {number(len(ordered) - PROBLEMS)} de plus : --json les donne.")
    return ["Dans le fichier", *lines]


def _agreement(facts: dict[str, Any]) -> list[str]:
    told, lines = facts["accord"], []
    kind = {
        "classe": "la classe de l'indice",
        "cinquieme": "le cinquième de l'indice parmi les communes classées ici",
    }.get(facts["niveau"]["genre"])
    if kind is None:
        text = "Trop peu de communes classées pour situer l'indice sur cinq niveaux."
        return ["Le terrain et l'indice s'accordent-ils ?", paragraph(text, "  ")]
    lines.append(
        f"La médiane des notes ({rules().echelle.libelle}) est mise à côté {of_the(kind)}, de 1 à "
        f"5 : même niveau pour {plural(told[AGREE], 'commune')}, un niveau d'écart pour "
        f"{number(told[CLOSE])}, deux ou plus pour {number(told[MORE] + told[LESS])}."
    )
    if told[NO_INDEX]:
        lines.append(f"{plural(told[NO_INDEX], 'commune')} sans indice, pas comparées."
                     if told[NO_INDEX] > 1 else "1 commune sans indice, pas comparée.")  # fmt: skip
    found, least = facts["correlation"], facts["seuils"]["communes_min"]
    if found is None:
        lines.append(
            f"Pas de corrélation de rangs : il faut au moins {least} communes observées qui aient "
            "un indice."
        )
    elif found["valeur"] is None:
        lines.append("Pas de corrélation de rangs : les notes sont toutes égales.")
    else:
        drawn = (
            " Entre crochets, intervalle à 95 %, en retirant les communes au sort "
            f"{number(found['tirages'])} fois."
            if found["tirages"]
            else ""
        )
        lines.append(
            f"Corrélation de rangs sur {number(found['effectif'])} communes : "
            f"{shown_interval(found)} (1 : même ordre ; 0 : aucun lien).{drawn} Les communes "
            "observées ont été choisies par ceux qui les connaissent : elle ne vaut que pour elles."
        )
    return [
        "Le terrain et l'indice s'accordent-ils ?",
        *(paragraph(line, "  ") for line in lines),
    ]


def _table(facts: dict[str, Any]) -> list[str]:
    rows = sorted(
        facts["observees"],
        key=lambda row: (-abs(row["ecart"] or 0), -row["mediane"], row["code_insee"]),
    )
    header = ["commune", "ressenti", "notes", "indice", "niveau", "lecture"]
    cells = [
        [
            shorten(row["nom"], NAME, placeholder="…"),
            number(row["mediane"], 1).removesuffix(",0"),
            number(row["observations"]),
            "–" if row["indice"] is None else number(row["indice"], 1),
            "–" if row["niveau"] is None else str(row["niveau"]),
            row["lecture"],
        ]
        for row in rows[:SHOWN]
    ]
    lines = aligned(header, cells, {"commune", "lecture"})
    if len(rows) > SHOWN:
        more = plural(len(rows) - SHOWN, "commune")
        lines.append(f"  et {more} de plus : --json ou -o ecarts.csv les donnent.")
    return ["Commune par commune, les plus grands écarts d'abord", *lines]


def _gaps(facts: dict[str, Any], reading: str, title: str) -> list[str]:
    """Who says so and when; never the comment, which stays in the file of its author."""
    rows = [row for row in facts["observees"] if row["lecture"] == reading]
    if not rows:
        return []
    rows.sort(key=lambda row: (-abs(row["ecart"]), row["code_insee"]))
    labels = facts["niveau"]["libelles"]
    lines = []
    for row in rows[:GAPS]:
        said = [f"{lower_first(one['role'])}, {day(one['date'])}" for one in row["dits"]]
        shown = " ; ".join(said if len(said) <= 3 else [*said[:3], f"{len(said) - 3} de plus"])
        lines.append(
            f"{row['nom']} ({row['code_insee']}) : ressenti "
            f"{number(row['mediane'], 1).removesuffix(',0')}, l'indice dit "
            f"« {labels[row['niveau'] - 1]} ». {shown[:1].upper()}{shown[1:]}."
        )
    if len(rows) > GAPS:
        lines.append(f"et {plural(len(rows) - GAPS, 'commune')} de plus : --json les donne.")
    if reading == MORE and facts["ne_voit_pas"]:
        lines.append(f"Ce que l'indice ne voit pas : {' ; '.join(facts['ne_voit_pas'])}.")
    return [title, *(paragraph(line, "  ") for line in lines)]


def _unseen_block(facts: dict[str, Any]) -> list[str]:
    found = facts["jamais_observees"]
    if not facts["niveau"]["genre"]:
        return []
    title = "L'indice le dit, personne ne l'a observé"
    if not found["nombre"]:
        text = "Toutes les communes que l'indice place aux niveaux 4 et 5 ont été observées."
        return [title, paragraph(text, "  ")]
    people = found["personnes_a_accompagner"]
    many = plural(found["nombre"], "commune")
    held = f" ({number(people)} personnes à accompagner, estimation)" if people else ""
    names = [f"{row['nom']} ({row['rang']})" for row in found["communes"][:GAPS]]
    more = found["nombre"] - len(names)
    shown = listing(names) if not more else f"{', '.join(names)} et {number(more)} de plus"
    text = f"{many} aux niveaux 4 et 5 sans aucune observation{held} ; entre parenthèses, le rang."
    return [title, paragraph(text, "  "), paragraph(f"{shown}.", "  ")]
