"""How the index agrees with what is measured, or modelled, elsewhere: :func:`validate`.

A correlation between territories: neither a prediction nor a cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fragilite.bootstrap import LEAST, Interval, interval, pearson, spearman, weighted_pearson
from fragilite.comparison import interval_facts, shown_interval
from fragilite.errors import UsageError
from fragilite.french import number, paragraph, plural
from fragilite.inputs import population
from fragilite.pipeline import Build
from fragilite.robustness import SEED
from fragilite.score_file import ScoreFile
from fragilite.scoring import TIE, weighted_means
from fragilite.user_table import some

#: Under this many territories, an interval is too wide to choose between two indicators.
FEW = 30

MODELLED = (
    "La cible est elle-même un modèle : un accord entre constructions, pas une preuve de "
    "prédiction."
)
MEASURED = (
    "La cible est déclarée mesurée : son champ, sa date et ses propres incertitudes se lisent chez "
    "son producteur."
)
UNKNOWN = "Rien ne dit si la cible est mesurée ou modélisée : ajoutez --measured ou --modelled."
NOT_PROOF = (
    "Une corrélation entre territoires n'est ni une prédiction ni une cause, et ne dit rien d'une "
    "personne."
)


@dataclass(frozen=True)
class Line:
    """A node or an indicator beside the target.

    Attributes
    ----------
    code, libelle, court : str
        `court` is short enough for a table.
    profondeur : int
        Depth in the tree, 0 for the index.
    genre : str
        ``noeud`` or ``indicateur``.
    pearson, spearman : Interval
    pearson_pondere : Interval or None
        Weighted by population; None where territories are EPCI.
    """

    code: str
    libelle: str
    court: str
    profondeur: int
    genre: str
    pearson: Interval
    spearman: Interval
    pearson_pondere: Interval | None


@dataclass(frozen=True)
class Validation:
    """The index and its parts beside a target.

    Attributes
    ----------
    indice : str
        What was validated, for readers.
    cible : ScoreFile
    modelled : bool or None
        Whether the target is itself a model; None where nobody said.
    territoires : int
        Territories that have the target and an index.
    agregation : str
        How territories were made, in French.
    lignes : list of Line
        The tree from the index down, each node before its children.
    remarques : list of str
    """

    indice: str
    cible: ScoreFile
    modelled: bool | None
    territoires: int
    agregation: str
    lignes: list[Line]
    remarques: list[str]


def validate(
    build: Build,
    target: ScoreFile,
    *,
    modelled: bool | None = None,
    draws: int = 1000,
    seed: int = SEED,
) -> Validation:
    """Correlate the index, each node and each scored indicator with a target.

    Scores are all in the same direction, 100 = most fragile: a target that is high where fragility
    is gives positive correlations. By commune, scores are taken as they are. By EPCI, they are the
    means of the scores of communes weighted by population, over the EPCI that the build holds
    whole and where the communes that have a score hold at least ``couverture_min`` of the people.

    Parameters
    ----------
    build : Build
    target : ScoreFile
        Of communes or of EPCI.
    modelled : bool, optional
        Whether the target is itself a model.
    draws, seed : int
        Of the bootstrap intervals.

    Returns
    -------
    Validation

    Raises
    ------
    UsageError
        Under five territories in common, or if the target is the same everywhere.

    Source: METHODE, « Validité » (population-weighted means of commune scores by EPCI).
    """
    remarks = list(target.remarques)
    scores = build.result.scores
    values = pd.concat([scores.noeuds, scores.indicateurs], axis=1)
    weights = population(build.inputs)
    if target.niveau == "epci":
        values = _by_epci(build, values, weights, target, remarks)
    root = build.method.root
    common = target.values.index.intersection(values[root].dropna().index).sort_values()
    _check(target, common)
    if len(common) < FEW:
        remarks.append(
            f"{plural(len(common), 'territoire')} seulement : les intervalles sont larges, et deux "
            "corrélations voisines ne se départagent pas."
        )
    people = weights.reindex(common).to_numpy() if target.niveau == "commune" else None
    lines = [
        _line(*place, build, values[place[0]], target.values[common], people, draws, seed)
        for place in _tree(build)
    ]
    remarks += _remarks(build, lines)
    header = build.method.methode
    return Validation(
        f"{header.libelle}, méthode {header.code} {header.version}, "
        f"{build.inputs.territory.libelle}, communes de {build.inputs.annee}",
        target,
        modelled,
        len(common),
        _aggregation(build, target.niveau),
        lines,
        remarks,
    )


def _check(target: ScoreFile, common: pd.Index) -> None:
    noun = ("commune", "communes") if target.niveau == "commune" else ("EPCI", "EPCI")
    if len(common) < LEAST:
        whole = " tenus en entier" if target.niveau == "epci" else ""
        raise UsageError(
            f"{target.nom} : {plural(len(common), *noun)}{whole} avec la cible et un indice, il en "
            f"faut au moins {LEAST} pour une corrélation.",
            "Élargissez le territoire : --region CODE, ou --france.",
        )
    if np.ptp(target.values[common].to_numpy()) <= TIE:
        raise UsageError(
            f"{target.nom}, colonne {target.colonne} : la même valeur partout "
            f"({number(target.values[common[0]], 1)}), aucune corrélation n'existe.",
            "Vérifiez la colonne : --column NOM",
        )


# --- territories -----------------------------------------------------------------------------


def _by_epci(
    build: Build, values: pd.DataFrame, weights: pd.Series, target: ScoreFile, remarks: list[str]
) -> pd.DataFrame:
    """Means of the EPCI that the build holds whole; the others that the target has are named."""
    epci = build.epci.set_index("code_epci")
    partial = epci.index[epci["remarque"] != ""].intersection(target.values.index)
    if len(partial):
        shown = [f"{code} {epci.loc[code, 'nom_epci']}" for code in partial]
        remarks.append(f"EPCI en partie seulement dans le calcul, laissés de côté : {some(shown)}.")
    groups = build.inputs.communes["code_epci"]
    groups = groups.where(groups.isin(epci.index[epci["remarque"] == ""]))
    return weighted_means(values, groups, weights, build.method.couverture_min.valeur)


def _aggregation(build: Build, niveau: str) -> str:
    if niveau == "commune":
        return "Scores par commune, tels quels ; la dernière colonne les pèse par la population."
    least = number(100 * build.method.couverture_min.valeur)
    return (
        "Scores d'EPCI : moyennes des scores de leurs communes, pondérées par la population, pour "
        f"les EPCI que le calcul tient en entier et dont au moins {least} % des habitants ont un "
        "score."
    )


# --- lines -----------------------------------------------------------------------------------


def _tree(build: Build) -> Iterator[tuple[str, int]]:
    """Nodes and scored indicators, each node before its children, with their depth."""
    method, scored = build.method, set(build.result.scores.scored)
    pending = [(method.root, 0)]
    while pending:
        code, depth = pending.pop(0)
        yield code, depth
        children = method.weights.get(code, {})
        pending[:0] = [
            (child, depth + 1) for child in children if child in method.noeuds or child in scored
        ]


def _line(
    code: str,
    depth: int,
    build: Build,
    values: pd.Series,
    target: pd.Series,
    people: np.ndarray | None,
    draws: int,
    seed: int,
) -> Line:
    pair = values.reindex(target.index).to_numpy(np.float64), target.to_numpy(np.float64)
    r, rho = (interval(one, *pair, draws=draws, seed=seed) for one in (pearson, spearman))
    weighted = None
    if people is not None:
        weighted = interval(weighted_pearson, *pair, people, draws=draws, seed=seed)
    node = code in build.method.noeuds
    record = (build.method.noeuds if node else build.method.indicateurs)[code]
    kind = "noeud" if node else "indicateur"
    return Line(code, record.libelle, record.court, depth, kind, r, rho, weighted)


def _remarks(build: Build, lines: list[Line]) -> list[str]:
    remarks = []
    names = [build.method.indicateurs[code].libelle for code in build.withdrawn]
    if names:
        remarks.append(f"Pas comptés dans ce calcul, donc absents ici : {some(names)}.")
    lost = [line.libelle for line in lines if np.isnan(line.pearson.valeur)]
    if lost:
        remarks.append(
            f"Sans corrélation, faute de valeurs ou parce qu'elles sont toutes égales : "
            f"{some(lost)}."
        )
    fewer = [
        f"{line.libelle} ({number(line.pearson.effectif)})"
        for line in lines
        if line.pearson.effectif < lines[0].pearson.effectif
    ]
    if fewer:
        remarks.append(f"Sur moins de territoires, faute de valeurs : {some(fewer)}.")
    if lines[0].pearson.haut < 0:
        remarks.append(
            "La corrélation de l'indice est négative : la cible est-elle bien haute là où la "
            "fragilité l'est ?"
        )
    return remarks


# --- telling ---------------------------------------------------------------------------------


def facts(found: Validation) -> dict[str, Any]:
    """A validation, ready for JSON."""
    target = found.cible
    return {
        "indice": found.indice,
        "cible": {
            "fichier": target.nom,
            "colonne": target.colonne,
            "niveau": target.niveau,
            "modelisee": found.modelled,
        },
        "territoires": found.territoires,
        "agregation": found.agregation,
        "lignes": [
            {
                "code": line.code,
                "libelle": line.libelle,
                "court": line.court,
                "profondeur": line.profondeur,
                "genre": line.genre,
                "pearson": interval_facts(line.pearson),
                "spearman": interval_facts(line.spearman),
                "pearson_pondere": interval_facts(line.pearson_pondere)
                if line.pearson_pondere
                else None,
            }
            for line in found.lignes
        ],
        "avertissements": [_nature(found.modelled), NOT_PROOF],
        "a_savoir": found.remarques,
    }


def _nature(modelled: bool | None) -> str:
    if modelled is None:
        return UNKNOWN
    return MODELLED if modelled else MEASURED


def render(told: dict[str, Any]) -> str:
    """Write the facts of a validation as French text."""
    target = told["cible"]
    noun = ("commune", "communes") if target["niveau"] == "commune" else ("EPCI", "EPCI")
    blocks = [
        [
            "L'indice face à une mesure extérieure",
            paragraph(f"{told['indice']}.", "  "),
            paragraph(
                f"Cible : fichier {target['fichier']}, colonne {target['colonne']}, "
                f"{plural(told['territoires'], *noun)}.",
                "  ",
            ),
            paragraph(told["agregation"], "  "),
        ],
        ["Corrélations (1 = même ordre, 0 = aucun lien)", *_table(told), *_drawn(told)],
        ["Ce que cela dit", *(paragraph(text, "  ") for text in told["avertissements"])],
        ["À savoir", *(paragraph(text, "  ") for text in told["a_savoir"])]
        if told["a_savoir"]
        else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _table(told: dict[str, Any]) -> list[str]:
    titles = {"pearson": "r de Pearson", "spearman": "rho de Spearman"}
    if told["cible"]["niveau"] == "commune":
        titles["pearson_pondere"] = "r pondéré"
    labels = [f"{'  ' * line['profondeur']}{line['court']}" for line in told["lignes"]]
    columns = [
        [title, *(shown_interval(line[key]) for line in told["lignes"])]
        for key, title in titles.items()
    ]
    width = max(map(len, labels))
    widths = [max(map(len, column)) for column in columns]
    return [
        "  "
        + label.ljust(width)
        + "".join(
            f"  {cell.ljust(size)}" for cell, size in zip(cells, widths, strict=True)
        ).rstrip()
        for label, *cells in zip(["", *labels], *columns, strict=True)
    ]


def _drawn(told: dict[str, Any]) -> list[str]:
    draws = max(line["pearson"]["tirages"] for line in told["lignes"])
    if not draws:
        return []
    text = (
        "Entre crochets, intervalle à 95 % : les territoires sont retirés au sort "
        f"{number(draws)} fois, avec remise."
    )
    return [paragraph(text, "  ")]
