"""The same index by IRIS, EPCI, département or region: :func:`at_level` turns a build's rows.

Larger territories are recomputed from summed numerators and denominators, never averaged from
scores (but where the method says so); one that the build holds in part has no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fragilite.cog import codes_of, departement_of, regions
from fragilite.dictionary import scale
from fragilite.errors import UsageError
from fragilite.french import aligned, lower_first, number, paragraph, plural
from fragilite.ingestion.iris import communes_of
from fragilite.inputs import population
from fragilite.pipeline import COMMUNE as WHOLE
from fragilite.pipeline import IRIS as INSIDE
from fragilite.pipeline import Build, class_warnings, group_table, regrouped
from fragilite.summary import MOST_FRAGILE

#: Names of the levels.
COMMUNE, IRIS, EPCI, DEPARTEMENT, REGION = WHOLE, INSIDE, "epci", "departement", "region"


@dataclass(frozen=True)
class Level:
    """What rows are.

    Attributes
    ----------
    cle, nom : str
        Columns of their codes and names.
    un, plusieurs : str
        French nouns.
    partiel : str
        What is said of one that the build holds in part.
    """

    cle: str
    nom: str
    un: str
    plusieurs: str
    partiel: str = ""


LEVELS: Mapping[str, Level] = {
    COMMUNE: Level("code_insee", "nom", "commune", "communes"),
    IRIS: Level("code_iris", "nom_iris", "IRIS", "IRIS"),
    EPCI: Level("code_epci", "nom_epci", "EPCI", "EPCI", "EPCI partiel"),
    DEPARTEMENT: Level(
        "code_departement", "nom_departement", "département", "départements", "Département partiel"
    ),
    REGION: Level("code_region", "nom_region", "région", "régions", "Région partielle"),
}
#: Columns that name a territory, and those of the territory it is in.
NAMING = {
    DEPARTEMENT: ["nom_departement", "code_region", "nom_region"],
    REGION: ["nom_region"],
}


def parse_level(text: str) -> str:
    """Read the name of a level; raise :class:`UsageError` on another word."""
    code = text.strip().lower().replace("é", "e")
    if code not in LEVELS:
        raise UsageError(
            f"Échelon inconnu : « {text} ».", f"Échelons attendus : {', '.join(LEVELS)}."
        )
    return code


def at_level(build: Build, level: str) -> Build:
    """A build whose rows (``communes``) are those of a level, without intervals of ranks.

    Parameters
    ----------
    build : Build
        By commune; with figures by IRIS for that level.
    level : str
        Among :data:`LEVELS`.

    Returns
    -------
    Build
        The same build at the level of communes.
    """
    if level == COMMUNE:
        return build
    if level == IRIS:
        return _by_iris(build)
    if level == EPCI:
        rows, result = build.epci, build.result_epci
    else:
        rows, result = _by_territory(build, level)
    return replace(build, communes=rows, result=result, uncertainty=None, niveau=level)


def _by_iris(build: Build) -> Build:
    within = build.iris
    if within is None:
        raise UsageError(
            "Ce calcul n'a pas de chiffres par IRIS.", "Calculez-le avec --level iris."
        )
    rows = within.table
    inputs = replace(
        build.inputs,
        communes=rows.set_index("code_iris"),
        outlines=within.inputs.outlines,
        surroundings=None,
    )
    return replace(
        build, inputs=inputs, method=within.method, result=within.result, communes=rows,
        uncertainty=None, niveau=IRIS,
    )  # fmt: skip


def _by_territory(build: Build, level: str) -> tuple[pd.DataFrame, Any]:
    """Départements or regions, recomputed; one that is not whole has no value."""
    kind, communes = LEVELS[level], build.inputs.communes
    groups = communes[kind.cle]
    here = groups.value_counts().sort_index()
    whole = pd.Series(_sizes(level, build.inputs.annee)).reindex(here.index)
    partial = here < whole
    counts = [
        f"{kind.partiel} : {plural(count, 'commune')} sur {number(size)}"
        for count, size in zip(here, whole, strict=True)
    ]
    names = communes.drop_duplicates(kind.cle).set_index(kind.cle)[NAMING[level]]
    frame = names.loc[here.index].assign(
        communes_du_calcul=here,
        remarque=pd.Series(counts, here.index, dtype="str").where(partial, ""),
    )
    result = regrouped(build, groups.mask(groups.isin(here.index[partial])))
    people = population(build.inputs).groupby(groups).sum().where(~partial)
    return group_table(frame.rename_axis(kind.cle), people, result, build.method), result


def _sizes(level: str, annee: int) -> dict[str, int]:
    """Communes of each département or region."""
    homes = pd.Series([departement_of(code) for code in sorted(codes_of(annee))])
    counts = {str(code): int(count) for code, count in homes.value_counts().items()}
    if level == DEPARTEMENT:
        return counts
    return {
        code: sum(counts.get(one, 0) for one in region.departements)
        for code, region in regions().items()
    }


# --- what is said --------------------------------------------------------------------------------


def level_summary(view: Build, files: Sequence[Path] = ()) -> dict[str, Any]:
    """Facts of a build at a level, ready for JSON."""
    kind, method = LEVELS[view.niveau], view.method
    rows, root = view.communes, method.root
    first = rows.sort_values(["rang", kind.cle]).head(MOST_FRAGILE).dropna(subset=[root])
    shown = [kind.cle, kind.nom, "rang", root, "population", "personnes_a_accompagner"]
    shown += ["nom"] if view.niveau == IRIS else []
    return {
        "niveau": view.niveau,
        "territoire": {
            "nom": view.inputs.territory.libelle,
            "annee": view.inputs.annee,
            "lignes": len(rows),
            "lignes_avec_indice": int(rows[root].notna().sum()),
            "partiels": [name for name, _ in _partial(view)],
        },
        "plus_fragiles": [
            {str(key): None if pd.isna(value) else value for key, value in row.items()}
            for row in first[shown].astype(object).to_dict("records")
        ],
        "a_savoir": level_remarks(view),
        "fichiers": [str(path) for path in files],
    }


def level_remarks(view: Build) -> list[str]:
    """What is smoothed, borrowed, withheld or held in part."""
    kind, method, rows = LEVELS[view.niveau], view.method, view.communes
    found, scored = [], view.result.scores.scored
    if view.niveau == IRIS:
        split = rows[rows["code_insee"].duplicated(keep=False)]
        homes = plural(split["code_insee"].nunique(), "commune découpée", "communes découpées")
        found.append(
            f"{plural(len(split), 'IRIS', 'IRIS')} dans {homes} ; "
            f"ailleurs, une ligne par commune ({number(len(rows) - len(split))})."
            if len(split)
            else "Aucune commune de ce territoire n'est découpée en IRIS, d'après les fichiers à "
            "portée."
        )
        moved = communes_of(pd.Index(rows["code_iris"])) != rows["code_insee"].to_numpy(
            dtype=object
        )
        if moved.any():
            found.append(
                f"{_count(int(moved.sum()), kind)} au code d'une commune qui a fusionné ou changé "
                "de code depuis : comptés dans la commune d'aujourd'hui."
            )
        if len(split) and any(method.indicateurs[one].lissage for one in scored):
            found.append(
                "Les parts de personnes sont rapprochées de celles de la commune, d'autant plus "
                "que peu de gens vivent dans l'IRIS (colonnes en _lisse)."
            )
    for code in scored:
        label, rules = method.indicateurs[code].libelle, rows[f"{code}_regle"]
        for rule, count in rules[rules != ""].value_counts().items():
            found.append(f"{label} : estimé pour {_count(int(count), kind)} ({rule}).")
        secret = int((rows[f"{code}_statut"] == "secret").sum())
        if secret:
            found.append(
                f"{label} : secret pour {_count(secret, kind)}, rien n'est mis à la place."
            )
    for name, remark in _partial(view):
        found.append(f"{name} : {lower_first(remark)}, sans valeur.")
    return found + class_warnings(view)


def _partial(view: Build) -> list[tuple[str, str]]:
    """Names of the territories that the build holds in part, with what it holds."""
    rows, name = view.communes, LEVELS[view.niveau].nom
    if "remarque" not in rows:
        return []
    held = rows[rows["remarque"] != ""]
    return list(zip(held[name], held["remarque"], strict=True))


def _count(count: int, kind: Level) -> str:
    return plural(count, kind.un, kind.plusieurs)


def render_level(facts: dict[str, Any], view: Build) -> str:
    """Write a summary at a level as French text."""
    kind, method, where = LEVELS[view.niveau], view.method, facts["territoire"]
    header = ["rang", kind.un, *(["commune"] if view.niveau == IRIS else []), "indice", "habitants"]
    rows = [
        [
            str(row["rang"]),
            row[kind.nom] or row[kind.cle],
            *([row["nom"]] if view.niveau == IRIS else []),
            number(row[method.root], 1),
            number(row["population"]),
        ]
        for row in facts["plus_fragiles"]
    ]
    blocks = [
        [
            f"{method.methode.libelle} — {where['nom']}, par {kind.un}",
            f"{_count(where['lignes'], kind)}, dont {number(where['lignes_avec_indice'])} avec un "
            "indice.",
        ],
        [
            f"Intensité : les plus fragiles ({scale(method)})",
            *aligned(header, rows, {kind.un, "commune"}),
        ]
        if rows
        else [],
        ["À savoir", *(paragraph(line, "  ") for line in facts["a_savoir"])],
        [
            "Comment lire",
            *(paragraph(line, "  ") for line in (method.lecture.usage, method.lecture.non_usage)),
        ],
        ["Fichiers", *(f"  {path}" for path in facts["fichiers"])] if facts["fichiers"] else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)
