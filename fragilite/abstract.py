"""A method in ten lines, for a document: all of it read from the method, nothing said twice."""

from __future__ import annotations

from fragilite.dictionary import scale
from fragilite.french import day, exact, listing, lower_first, number, of_the
from fragilite.method import Method

#: How indicators become points, and how points are averaged, in a reader's words.
NORMALISATIONS = {
    "bornes": "entre deux bornes figées : l'une vaut 0 point, l'autre 100, et au-delà le score ne "
    "bouge plus",
    "min_max": "du plus bas au plus haut des territoires comparés",
    "z_score": "en écarts à la moyenne, dans l'unité de leur dispersion",
    "rang_centile": "par le rang parmi les territoires comparés, en centièmes",
    "quantiles": "en classes de même effectif",
    "ratio_reference": "en rapport au territoire de référence",
}
AGREGATIONS = {
    "arithmetique": "moyenne arithmétique pondérée",
    "geometrique": "moyenne géométrique pondérée",
    "harmonique": "moyenne harmonique pondérée",
}
_NUMBERS = ("une", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix")


def heading(lines: list[str]) -> str:
    """``La méthode en dix lignes``.

    Examples
    --------
    >>> heading(["a", "b"]), heading(["a"])
    ('La méthode en deux lignes', 'La méthode en une ligne')
    """
    count = len(lines)
    return f"La méthode en {_NUMBERS[count - 1]} ligne{'s' if count > 1 else ''}"


def ten_lines(method: Method, withdrawn: list[str], place: str) -> list[str]:
    """What a reader must know of a method, one thing a line.

    Parameters
    ----------
    method : Method
    withdrawn : list of str
        Indicators that a build does not score.
    place : str
        What the first fifth is of, with its article: ``le département (Maine-et-Loire)``.

    Returns
    -------
    list of str
        Ten, fewer where the method has no classes, no volume or no uncertainty.
    """
    header = method.methode
    lines = [
        f"{header.libelle} ({header.code} {header.version}, {day(str(header.date))}). "
        f"{header.description}",
        f"Échelle : {scale(method)}. Chaque indicateur est mis en points "
        f"{NORMALISATIONS[header.normalisation]}.",
        _tree(method),
        _weights(method),
        _bounds(method),
        _missing(method),
        _oldest(method, withdrawn),
        _classes(method),
        f"{method.volume.libelle} : {lower_first(method.volume.definition)}"
        if method.volume
        else "",
        _uncertainty(method, place),
    ]
    return [line for line in lines if line]


def _percent(share: float) -> str:
    return f"{number(100 * share, 1).removesuffix(',0')} %"


def _weights(method: Method) -> str:
    """What each indicator weighs in the whole."""
    shown = [
        f"{one.court} {_percent(method.shares[code])}" for code, one in method.indicateurs.items()
    ]
    return f"Poids dans l'ensemble : {listing(shown)}."


def _tree(method: Method) -> str:
    """Each node with the children that are nodes."""
    parts = []
    for node in method.descending():
        children = {
            child: weight
            for child, weight in method.weights[node].items()
            if child in method.noeuds
        }
        if children:
            named = [f"{method.noeuds[one].court} {_percent(w)}" for one, w in children.items()]
            parts.append(f"{method.noeuds[node].court} = {listing(named)}")
    mean = AGREGATIONS[method.methode.agregation]
    if not parts:
        return f"L'ensemble est la {mean} des indicateurs."
    return f"Chaque nœud est la {mean} de ce qu'il rassemble : {' ; '.join(parts)}."


def _bounds(method: Method) -> str:
    found = [
        f"« {one.libelle} » {exact(one.points_0)} → {exact(one.points_100)}"
        + (" %" if one.unite == "%" else "")
        for one in method.indicateurs.values()
        if one.points_0 is not None and one.points_100 is not None
    ]
    return f"De 0 à 100 points : {' ; '.join(found)}." if found else ""


def _missing(method: Method) -> str:
    least = method.completude_min.indice
    text = "Une donnée manquante n'est jamais remplacée : son poids est réparti dans son groupe"
    text += f", et l'indice demande {_percent(least)} du sien." if least else "."
    smoothed = [lower_first(one.libelle) for one in method.indicateurs.values() if one.lissage]
    if smoothed:
        text += (
            f" Lissé, c'est-à-dire rapproché de l'EPCI où peu de personnes le portent : "
            f"{listing(smoothed)}."
        )
    return text


def _oldest(method: Method, withdrawn: list[str]) -> str:
    if method.age_max is None:
        text = "Les données comptent quel que soit leur âge."
    else:
        text = (
            f"Un chiffre de plus de {exact(method.age_max.valeur)} {method.age_max.unite} est "
            "montré, jamais compté."
        )
    names = [lower_first(method.indicateurs[code].libelle) for code in withdrawn]
    if not names:
        return text
    return f"{text} Hors de ce calcul : {listing(names)} ; son poids va au reste de son nœud."


def _classes(method: Method) -> str:
    found = method.noeuds[method.root].classes
    if found is None:
        return ""
    limits = " / ".join(exact(limit) for limit in found.bornes)
    return f"Classes de l'indice : {limits}. {found.raison}"


def _uncertainty(method: Method, place: str) -> str:
    rules = method.incertitude
    if rules is None:
        return ""
    return (
        f"Incertitude : {number(rules.tirages)} tirages des données, puis {number(rules.tirages)} "
        f"de la méthode, jamais mêlés. Premier cinquième : celui des communes les plus fragiles "
        f"{of_the(place)}. {rules.lecture.raison}"
    )
