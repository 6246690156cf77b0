"""What the analyses say in French."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from fragilite.errors import CheckFailedError
from fragilite.french import aligned, listing, number, paragraph, plural
from fragilite.method import Method
from fragilite.robustness.records import Sensitivity
from fragilite.scoring import Indice

#: Choices that do not belong to a node.
CHOICES: Mapping[str, str] = {
    "normalisation": "normalisation des indicateurs",
    "agregation": "agrégation des indicateurs",
    "retrait": "retrait d'un indicateur",
}


def factor_labels(method: Method | Indice, codes: Sequence[str]) -> dict[str, str]:
    """French label of each choice of method."""
    nodes = {} if isinstance(method, Indice) else method.noeuds
    labels = {}
    for code in codes:
        node = code.removeprefix("poids_")
        name = nodes[node].court if node in nodes else node
        labels[code] = CHOICES.get(code, f"poids : {name}")
    return labels


def indicator_labels(method: Method | Indice, codes: Sequence[str]) -> list[str]:
    """French labels of indicators; their codes where the index has none."""
    known = {} if isinstance(method, Indice) else method.indicateurs
    return [known[code].libelle if code in known else code for code in codes]


# --- both analyses -------------------------------------------------------------------------------


def without_reference(labels: Sequence[str]) -> str:
    """Why other normalisations were not drawn; no label where nothing has a distribution."""
    only = "seule la normalisation déclarée a servi aux scénarios."
    if not labels:
        return f"Sans distribution nationale, {only}"
    return f"Sans distribution nationale pour {listing(labels)} : {only}"


def without_people() -> str:
    """Why the noise of the data was not drawn."""
    return "Sans dénominateurs, le bruit des données n'est pas mesuré."


def too_few(ranked: int, least: int) -> str:
    """Why nothing is read of the first fifth."""
    return (
        f"Moins de {least} territoires classés ({number(ranked)}) : le premier cinquième n'a pas "
        "de sens, aucune lecture n'est proposée."
    )


def not_shares(labels: Sequence[str]) -> str:
    """Which shares have no noise because they are not shares."""
    return f"Parts hors de 0 à 100 %, laissées telles quelles : {listing(labels)}."


def without_noise() -> str:
    """Why the data do not move."""
    return (
        "Aucun indicateur compté n'a de bruit connu : seuls les choix de méthode font bouger les "
        "rangs."
    )


def without_value(labels: Sequence[str]) -> str:
    """Which indicators could not be drawn."""
    return f"Sans aucune valeur, non tirés : {listing(labels)}."


# --- sensitivity ---------------------------------------------------------------------------------


def power_of_two(asked: int, done: int) -> str:
    """Why more draws were made than asked."""
    return (
        f"{plural(asked, 'tirage demandé', 'tirages demandés')} : {number(done)} faits, "
        "la puissance de deux suivante."
    )


def without_choice(labels: Sequence[str]) -> str:
    """Which choices could not be drawn."""
    return f"Un seul choix possible, donc hors de l'analyse : {listing(labels)}."


def nothing_varies(ranked: int) -> str:
    """Why there are no indices."""
    if not ranked:
        return "Aucun territoire classé : pas d'indices de sensibilité."
    return (
        f"Aucun choix de méthode ne déplace les rangs ({_territories(ranked)}) : pas d'indices de "
        "sensibilité."
    )


def too_few_draws(base: int) -> str:
    """Why there are no indices though some choice moves the ranks."""
    return (
        f"Trop peu de tirages ({number(base)}) pour des indices de sensibilité : donnez-en plus "
        "avec --draws."
    )


def refuse_impossible(found: pd.DataFrame, base: int) -> None:
    """Raise an error where a first-order index is above its total, beyond the intervals."""
    wrong = found[found["premier_ordre_min"] > found["total_max"]]
    for row in wrong.to_dict("records"):
        raise CheckFailedError(
            f"Sensibilité, « {row['libelle']} » : l'effet seul ({_share(row, 'premier_ordre')}) "
            f"dépasse l'effet en tout ({_share(row, 'total')}) au-delà des intervalles, ce qui "
            f"est impossible : trop peu de tirages ({number(base)}).",
            f"Augmentez le nombre de tirages : --draws {max(4096, 4 * base)}",
        )


def sentence(found: pd.DataFrame) -> str:
    """Which choice matters most, by its total index."""
    rows = found.sort_values("total", ascending=False, kind="stable").to_dict("records")
    first, others = rows[0], rows[1:]
    if not others:
        return f"Un seul choix varie : « {first['libelle']} »."
    near = [f"« {row['libelle']} »" for row in others if row["total_max"] >= first["total_min"]]
    doubt = (
        f" ; son intervalle recoupe celui de {listing(near)} : on ne peut pas les départager"
        if near
        else ""
    )
    return (
        f"Parmi les choix de méthode, « {first['libelle']} » est celui qui compte le plus : "
        f"{number(100 * first['total'])} % de ce qui fait varier le déplacement des rangs, seul ou "
        f"avec les autres choix (de {number(100 * first['total_min'])} à "
        f"{number(100 * first['total_max'])} %){doubt}."
    )


def _share(row: Mapping[Hashable, float], name: str) -> str:
    value, low, high = (number(100 * row[f"{name}{end}"]) for end in ("", "_min", "_max"))
    return f"{value} % [{low} ; {high}]"


def _territories(ranked: int) -> str:
    return plural(ranked, "territoire classé", "territoires classés")


def render(found: Sensitivity) -> str:
    """Write a sensitivity analysis as French text.

    Parameters
    ----------
    found : Sensitivity

    Returns
    -------
    str
        Several lines, without a last line break.
    """
    blocks = [["Quel choix de méthode déplace le plus les rangs"]]
    if len(found.facteurs):
        rows = [
            [str(row["libelle"]), _share(row, "premier_ordre"), _share(row, "total")]
            for row in found.facteurs.to_dict("records")
        ]
        ranks = f"{number(found.moyenne, 1)} {'rang' if found.moyenne < 2 else 'rangs'}"
        blocks[0].append(
            paragraph(
                f"Sous une méthode tirée, un territoire s'écarte en moyenne de {ranks} de sa place "
                f"dans la méthode déclarée ({_territories(found.territoires)}, "
                f"{number(found.runs)} calculs)."
            )
        )
        blocks += [
            aligned(["choix", "effet seul", "effet en tout"], rows, texts={"choix"}),
            [
                paragraph(
                    "Parts de ce qui fait varier ce déplacement : « seul », par ce choix à lui "
                    "seul ; « en tout », avec ce qu'il change aux effets des autres (indices de "
                    "Sobol du premier ordre et totaux). Entre crochets, intervalle à 95 %."
                ),
                paragraph(found.phrase),
                paragraph(
                    "Un choix pèse aussi selon l'ampleur que la méthode lui donne : combien de "
                    "fois un indicateur est laissé de côté, combien les poids s'écartent."
                ),
                paragraph(
                    "L'analyse dit quel choix pèse sur les rangs, non lequel est le bon : cela se "
                    "discute, avec la parole du terrain."
                ),
            ],
        ]
    if found.remarques:
        blocks.append(["À savoir", *(paragraph(line, "  ") for line in found.remarques)])
    return "\n\n".join("\n".join(block) for block in blocks)
