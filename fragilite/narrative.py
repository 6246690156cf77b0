"""What a document says of a commune, or of an EPCI, in three sentences with their sources.

Where it stands and how surely, what weighs most beside other places, how many people. The words are
for somebody who signs: a place is described, nobody is judged, and a reading never stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fragilite.citation import france_source, lots_inside, lots_of_figures, lots_of_people, short
from fragilite.explanation import CAUTIONS, SURE, explain, other_year, partial_note, where
from fragilite.french import (
    at_name,
    listing,
    lower_first,
    number,
    of_the,
    ordinal,
    plural,
    quantity,
    share,
    upper_first,
)
from fragilite.iris_reading import PERSONNE, neighbourhoods, span
from fragilite.method import Method, Moyenne, Part
from fragilite.pipeline import Build
from fragilite.robustness import LECTURES

#: Indicators named in a sentence, and communes.
HEAVIEST, NAMED = 2, 3
#: What a sentence on IRIS is about.
INSIDE = "Ce que la moyenne cache"
IN_IRIS = "en IRIS (quartiers d'environ 2 000 habitants)"
#: The reading that says nothing of people; it is followed by what the index cannot see.
NO_SIGNAL = LECTURES[2]
#: What an estimate of people is, wherever it is written.
_ESTIMATED = ", un ordre de grandeur estimé par l'âge"
#: Words of the figures that do not count, by status.
LACKING = {
    "secret": "couvert par le secret statistique",
    "absent": "non disponible",
    "sans_objet": "sans objet",
}


@dataclass(frozen=True)
class Sentence:
    """A statement and where it comes from.

    Attributes
    ----------
    sujet : str
        What it is about, in two or three words.
    texte : str
        One sentence, followed by its caution or by what is missing.
    source : str
        Producers and vintages.
    """

    sujet: str
    texte: str
    source: str


def here(build: Build) -> str:
    """``le département``, or ``l'ensemble étudié``: what ranks and readings are among."""
    return where(build).partition(" (")[0]


def fifth(build: Build) -> str:
    """What readings are of: the first fifth of what, and what the method asks of each.

    Nothing where a method has no uncertainty, or a build has not computed it.
    """
    rules = build.method.incertitude
    if rules is None or build.uncertainty is None:
        return ""
    place = of_the(where(build))
    return f"Premier cinquième : les communes les plus fragiles {place}. {rules.lecture.raison}"


def reading(lecture: str, method: Method, place: str = "le département") -> str:
    """A reading with what must be said with it.

    Examples
    --------
    >>> from fragilite.method import load_method
    >>> reading("signal net", load_method())
    'Lecture dans le département : « signal net ».'
    >>> reading("pas de signal", load_method())[:66]
    'Lecture dans le département : « pas de signal », ce qui ne dit pas'
    """
    if lecture == NO_SIGNAL:
        return (
            f"Lecture dans {place} : « {lecture} », ce qui ne dit pas que personne n'a besoin "
            f"d'aide : {unseen(method)}."
        )
    return f"Lecture dans {place} : « {lecture} ».{CAUTIONS.get(lecture, '')}"


def _unread(method: Method) -> str:
    """What is said in place of a reading, so that a low score is not taken for one."""
    return f"Aucun indice ne dit que personne n'a besoin d'aide : {unseen(method)}."


def unseen(method: Method) -> str:
    """``l'indice ne voit pas …``, from what the method declares."""
    things = method.lecture.invisible
    if not things:
        return "l'indice ne voit que ce que les données ouvertes comptent"
    return f"l'indice ne voit pas {' ; '.join(things)}"


def epci_name(name: str) -> str:
    """``la CA Saumur Val de Loire``; a name that begins with another word stays as it is.

    Examples
    --------
    >>> epci_name("CC Anjou Bleu Communauté"), epci_name("Nantes Métropole")
    ('la CC Anjou Bleu Communauté', 'Nantes Métropole')
    >>> epci_name("Eurométropole de Metz")
    "l'Eurométropole de Metz"
    """
    first = name.split(" ")[0]
    if first == "Eurométropole":
        return f"l'{name}"
    return f"la {name}" if first in {"CA", "CC", "CU", "Métropole"} else name


# --- a commune -------------------------------------------------------------------------------


def of_commune(build: Build, code: str) -> list[Sentence]:
    """Three sentences on a commune.

    Parameters
    ----------
    build : Build
    code : str
        Code of a commune of the build.

    Returns
    -------
    list of Sentence
        Intensity, what weighs, people.
    """
    facts = explain(build, code)
    return [
        Sentence("Intensité", _stands(facts, build), _computed(build)),
        _weighs(
            build,
            facts["indicateurs"],
            facts["indice"]["valeur"],
            " ".join(_lacks(facts, build)),
        ),
        _people_of(build, facts),
    ]


def inside_commune(build: Build, code: str) -> list[Sentence]:
    """What the IRIS of a commune say that its index hides; nothing where it is not split."""
    facts = neighbourhoods(build, code, told=False)
    if facts is None or build.iris is None:
        return []
    text = f"Commune découpée {IN_IRIS} : {span(facts)} {PERSONNE}"
    return [Sentence(INSIDE, text, short(lots_inside(build)))]


def inside_epci(build: Build, code: str) -> list[Sentence]:
    """The same of an EPCI: its communes that are split, those that hide the highest index first."""
    if build.iris is None:
        return []
    towns = build.communes[build.communes["code_epci"] == code]
    divided = towns[towns["iris_min"].notna()].sort_values(
        "iris_max", ascending=False, kind="stable"
    )
    if divided.empty:
        return []
    shown = [_divided(row) for row in divided.head(NAMED).to_dict("records")]
    rest = len(divided) - len(shown)
    shown += [plural(rest, "autre")] if rest else []
    many = plural(len(divided), "commune découpée", "communes découpées")
    text = f"{many} {IN_IRIS} : {' ; '.join(shown)}. {PERSONNE}"
    return [Sentence(INSIDE, text, short(lots_inside(build)))]


def _divided(row: dict[Any, Any]) -> str:
    """From where to where the index goes, and how many people live where it is high."""
    part = row.get("part_iris_4_5")
    many = ""
    if part is not None and not pd.isna(part):
        who = f"{share(part)} des habitants" if part else "personne"
        many = f", {who} en classe 4 ou 5"
    low, high = (number(row[name], 1) for name in ("iris_min", "iris_max"))
    return f"{row['nom']}, de {low} à {high}{many}"


def _stands(facts: dict[str, Any], build: Build) -> str:
    town, index = facts["commune"], facts["indice"]
    place = at_name(town["nom"])
    opening = upper_first(place)
    people = town["population"]
    size = f" ({plural(round(people), 'habitant')})" if people is not None else ""
    if index["valeur"] is None:
        return f"{opening}{size}, pas d'indice : {_too_little(index['completude'])}."
    text = f"{opening}{size}, {_worded(build, index['valeur'], index['classe_libelle'])}"
    if index["rang_sur"] > 1:
        text += (
            f" : la commune est au {ordinal(index['rang'])} rang des {number(index['rang_sur'])} "
            f"communes classées dans {where(build)}, en partant de la plus fragile"
        )
    found = facts["certitude"]
    if found is None or not found["lecture"]:
        return f"{text}. {_unread(build.method)}"
    if found["rang_min_90"] is not None:
        text += f", {_span(found)} neuf fois sur dix, compte tenu de l'incertitude des données"
    return f"{text}. {reading(found['lecture'], build.method, here(build))}"


def _span(found: dict[str, Any]) -> str:
    low, high = found["rang_min_90"], found["rang_max_90"]
    if low == high:
        return f"et elle y reste au {ordinal(low)} rang"
    return f"et se tient entre le {ordinal(low)} et le {ordinal(high)}"


def _worded(build: Build, value: float, label: str | None) -> str:
    """``l'indice de fragilité numérique est de 54,8 points (…), « fragilité forte »``."""
    column = build.columns[build.method.root]
    shown = quantity(value, column.decimales, column.unite)
    name = lower_first(column.libelle)
    article = "l'" if name[:1] in set("aeiouéêîôAEIOU") else ""
    comma = "," if "," in name else ""  # « l'IFN 2020, reconstruit, est de … »
    return f"{article}{name}{comma} est de {shown}" + (f", « {label} »" if label else "")


def _too_little(completeness: float | None) -> str:
    held = 100 * (completeness or 0)
    return f"{number(held)} % de son poids seulement est observé"


def _computed(build: Build) -> str:
    """Where the scores come from: the method, then the producers of what it counts."""
    editors = dict.fromkeys(
        name
        for lot in lots_of_figures(build, build.result.scores.scored)
        for name in lot.record.editeur.split(", ")
    )
    after = f", d'après {listing(list(editors))}" if editors else ""
    return build.columns[build.method.root].source + after


def _lacks(facts: dict[str, Any], build: Build) -> list[str]:
    """What does not count here though it does elsewhere, and what hangs on few people."""
    lines = [
        f"{item['libelle']} : {LACKING[item['statut']]} pour cette commune, son poids est "
        "réparti sur le reste de son groupe."
        for item in facts["indicateurs"]
        if not item["compte"] and item["code"] not in build.withdrawn
        if item["statut"] in LACKING
    ]
    completeness = facts["indice"]["completude"]
    if facts["indice"]["valeur"] is not None and completeness is not None and completeness < 1:
        lines.append(partial_note(completeness))
    few = [
        item["libelle"]
        for item in facts["indicateurs"]
        if item["compte"] and (item["fiabilite"] or 1.0) < SURE
    ]
    if few:
        lines.append(
            f"{listing(few)} : la part observée tient à peu de personnes, elle est lissée."
        )
    return lines


def _people_of(build: Build, facts: dict[str, Any]) -> Sentence:
    volume, head = facts["volume"], build.method.volume
    count = volume["personnes_a_accompagner"]
    if count is None or head is None:
        return _unknown_people(build, "une tranche d'âge manque")
    text = (
        f"{_persons(count)} : "
        f"{share(volume['part_du_territoire'])} de celles que compte {where(build)}, "
        f"{ordinal(volume['rang'])} rang en volume."
    )
    return Sentence("Combien de personnes", text + _groups(facts["effectifs"]), _counted(build))


def _persons(count: float) -> str:
    verb = "est" if round(count) < 2 else "sont"
    return f"Environ {plural(round(count), 'personne')} y {verb} à accompagner{_ESTIMATED}"


def _groups(items: Sequence[dict[str, Any]]) -> str:
    known = [item for item in items if item["valeur"] is not None]
    if not known:
        return ""
    shown = [f"{number(item['valeur'])} {lower_first(item['libelle'])}" for item in known]
    return (
        f" On y compte {listing(shown)} : ces groupes se recoupent, ne les additionnez pas."
        if len(shown) > 1
        else f" On y compte {shown[0]}."
    )


def _unknown_people(build: Build, why: str) -> Sentence:
    if build.method.volume is None:
        why = "la méthode n'en compte pas"
    return Sentence(
        "Combien de personnes", f"Le nombre de personnes à accompagner n'est pas estimé : {why}.",
        _computed(build),
    )  # fmt: skip


def _counted(build: Build) -> str:
    """Where age bands and headcounts come from, then the rates of the estimate."""
    method = build.method
    assert method.volume is not None
    lots = [*lots_of_people(build), *lots_of_figures(build, method.effectifs)]
    return f"{short(lots)}, taux : {', '.join(method.volume.references)}"


# --- what weighs -----------------------------------------------------------------------------


def _weighs(
    build: Build,
    items: Sequence[dict[str, Any]],
    index: float | None,
    more: str = "",
    *,
    among: bool = False,
) -> Sentence:
    """The indicators that bring most points, beside those of larger places.

    `among` others: a table has the values of larger places.
    """
    counted = [item for item in items if item["compte"]]
    subject = "Ce qui pèse le plus"
    if not counted:
        return Sentence(
            subject, f"Aucun indicateur n'est observé. {more}".strip(), _computed(build)
        )
    adds_up = index is not None and all(item["contribution"] is not None for item in counted)
    key = "contribution" if adds_up else "points"
    heaviest = sorted(counted, key=lambda item: -item[key])[:HEAVIEST]
    shown = [_beside(item, build, alone=not among) for item in heaviest]
    if adds_up:
        assert index is not None
        points = sum(item["contribution"] for item in heaviest)
        opening = f"{number(points, 1)} des {number(index, 1)} points viennent de "
    else:
        opening = "Les scores les plus hauts sont ceux de "
    text = f"{opening}{listing(shown)}.{_less_fragile(heaviest, build)}"
    sources = short(lots_of_figures(build, [item["code"] for item in heaviest]))
    figures = (build.method.indicateurs[item["code"]] for item in heaviest)
    known = list(dict.fromkeys(filter(None, map(france_source, figures))))
    return Sentence(
        subject,
        f"{text} {more}".strip(),
        " ; ".join([sources, *([f"pour la France, {', '.join(known)}"] if known else [])]),
    )


def _less_fragile(items: Sequence[dict[str, Any]], build: Build) -> str:
    """Of what weighs most, what is nevertheless less fragile than in the département."""
    found = [item["libelle"] for item in items if _is_better(item, build)]
    if not found or build.communes["code_departement"].nunique() > 1:
        return ""
    if len(found) > 1:  # all that is named: no need to name it again
        opening, place = " Tous deux sont pourtant moins fragiles", "leur place"
    else:
        opening = f" « {found[0]} » est pourtant moins fragile"
        place = "la place de cet indicateur"
    return f"{opening} que dans le département : ce poids vient surtout de {place} dans la méthode."


def _is_better(item: dict[str, Any], build: Build) -> bool:
    """Whether what counts is less fragile than the département's value, as they are written."""
    there = item.get("departement")
    if there is None or item["se_compte"]:
        return False
    counted = item["valeur"] if item.get("lisse") is None else item["lisse"]
    here, there = (round(value, item["decimales"]) for value in (counted, there))
    worse = build.method.indicateurs[item["code"]].sens == "aggrave"
    return bool(here < there) if worse else bool(here > there)


def _beside(item: dict[str, Any], build: Build, *, alone: bool = True) -> str:
    """``« 65 ans ou plus », 28,2 % (EPCI 26,1 % ; département 21,1 % ; France 21,1 % en 2022)``."""

    def shown(value: float) -> str:
        return quantity(value, item["decimales"], item["unite"])

    places = []
    larger = "département" if build.communes["code_departement"].nunique() == 1 else ""
    for name, key in (("EPCI", "epci"), (larger, "departement")):
        if name and item.get(key) is not None and not item["se_compte"]:
            places.append(f"{name} {shown(item[key])}")
    reference = item["france"]
    if reference:
        date = other_year(reference["millesime"], item["millesime"])
        date = date if reference["millesime"] else " par définition"
        places.append(f"France {shown(reference['valeur'])}{date}")
    value = shown(item["valeur"]) + (", estimé" if item["statut"] == "estime" else "")
    if item.get("lisse") is not None and shown(item["lisse"]) != shown(item["valeur"]):
        value += f", compté {shown(item['lisse'])}"
    if item.get("annee_ancienne"):
        value += f", de {item['annee_ancienne']}"
    if not alone:
        return f"« {item['libelle']} » ({value})"
    return f"« {item['libelle']} », {value}" + (f" ({' ; '.join(places)})" if places else "")


# --- an EPCI ---------------------------------------------------------------------------------


def of_epci(build: Build, code: str) -> list[Sentence]:
    """Three sentences on an EPCI, recomputed from its communes.

    Parameters
    ----------
    build : Build
    code : str
        SIREN of an EPCI of the build.

    Returns
    -------
    list of Sentence
        Intensity, what weighs and where, people.
    """
    row: dict[Any, Any] = build.epci.set_index("code_epci").loc[code].to_dict()
    towns = build.communes[build.communes["code_epci"] == code]
    more = _most_fragile(build, towns)
    if pd.isna(row[build.method.root]):
        weighs = Sentence(
            "Ce qui pèse le plus", more or "Aucune valeur pour l'ensemble.", _computed(build)
        )
    else:
        index = float(row[build.method.root])
        weighs = _weighs(build, _items(build, code), index, more)
    return [
        Sentence("Intensité", _epci_stands(build, row, towns), _computed(build)),
        weighs,
        _epci_people(build, row, towns),
    ]


def of_epci_among_others(build: Build, code: str) -> list[Sentence]:
    """The same in brief, where many EPCI follow one another: tables hold the rest.

    One sentence where an EPCI is in a build in part.
    """
    stands, weighs, people = of_epci(build, code)
    row: dict[Any, Any] = build.epci.set_index("code_epci").loc[code].to_dict()
    if row["remarque"]:
        return [stands]
    towns = build.communes[build.communes["code_epci"] == code]
    parts = [_epci_stands(build, row, towns, brief=True), _most_fragile(build, towns)]
    heavy = weighs.texte
    if not pd.isna(row[build.method.root]):
        index = float(row[build.method.root])
        heavy = _weighs(build, _items(build, code), index, among=True).texte
    counted = people.texte.replace(_ESTIMATED, "").replace(where(build), here(build))
    return [
        replace(stands, texte=" ".join(filter(None, parts))),
        replace(weighs, texte=heavy),
        replace(people, texte=counted),
    ]


def of_whole(build: Build, codes: Sequence[str]) -> list[Sentence]:
    """A paragraph on all of a build, before its EPCI one by one; it carries their sources.

    Parameters
    ----------
    build : Build
    codes : sequence of str
        SIREN of its EPCI.
    """
    towns, root = build.communes, build.method.root
    place = where(build)
    size = plural(len(towns), "commune")
    if towns["population"].notna().all():
        size = f"{plural(round(towns['population'].sum()), 'habitant')}, {size}"
    text = f"{place[:1].upper()}{place[1:]} compte {size}."
    index = _departement_index(build)
    if index is not None:
        sentence = _worded(build, index, None)
        text += f" {sentence[:1].upper()}{sentence[1:]}."
    groups = build.epci[build.epci["code_epci"].isin(codes)].dropna(subset=[root])
    if len(groups) > 1:
        top = groups.sort_values([root, "code_epci"], ascending=[False, True]).head(NAMED)
        shown = [
            f"{epci_name(name)} ({number(value, 1)})"
            for name, value in zip(top["nom_epci"], top[root], strict=True)
        ]
        text += f" Par EPCI, il est le plus haut dans {listing(shown)} ; "
        text += "les rangs ci-dessous partent du plus fragile."
    source = _computed(build)
    people = build.result.volume
    if build.method.volume is not None and len(people) and people.notna().all():
        text += f" {_persons(float(people.sum()))}."
        source += f" ; {_counted(build)}"
    return [Sentence("L'ensemble", text, source)]


def _epci_stands(
    build: Build, row: dict[Any, Any], towns: pd.DataFrame, *, brief: bool = False
) -> str:
    """Where an EPCI stands; `brief` leaves to the paragraph before what it says for all."""
    name, root = epci_name(row["nom_epci"]), build.method.root
    if row["remarque"]:
        return (
            f"{upper_first(name)} n'est qu'en partie dans ce calcul "
            f"({plural(len(towns), 'commune')} sur {number(row['communes'])}) : pas d'indice pour "
            "l'ensemble."
        )
    size = plural(len(towns), "commune")
    if towns["population"].notna().all():
        size = f"{plural(round(row['population']), 'habitant')}, {size}"
    if pd.isna(row[root]):
        return f"Dans {name} ({size}), pas d'indice : {_too_little(row['completude'])}."
    label = row.get("classe_libelle") or None
    worded = _worded(build, row[root], label)
    if brief:
        worded = f"{number(row[root], 1)} points" + (f", « {label} »" if label else "")
    text = f"{size} : {worded}" if brief else f"Dans {name} ({size}), {worded}"
    whole = _departement_index(build)
    if whole is not None and not brief:
        text += f", contre {number(whole, 1)} dans {where(build)}"
    ranked = int(row["rang_sur"])
    if ranked > 1:
        text += (
            f", {ordinal(int(row['rang']))} des {number(ranked)} EPCI entiers"
            if brief
            else f" : {ordinal(int(row['rang']))} des {number(ranked)} EPCI entiers "
            f"{of_the(here(build))}, en partant du plus fragile"
        )
    return f"{text}.{_signals(build, towns, brief=brief)}"


def _departement_index(build: Build) -> float | None:
    """The index recomputed on a département that stands alone in a build."""
    values = build.result_departement.scores.noeuds[build.method.root]
    return float(values.iloc[0]) if len(values) == 1 and values.notna().all() else None


def _signals(build: Build, towns: pd.DataFrame, *, brief: bool) -> str:
    """How many communes stand out, by the readings that say so."""
    if "lecture" not in towns:
        return f" {_unread(build.method)}"
    counts = towns["lecture"].value_counts()
    named = [
        f"{plural(int(counts[name]), 'commune')} en « {name} »"
        for name in LECTURES[:2]
        if counts.get(name, 0)
    ]
    if brief:
        return f" {listing(named)}." if named else ""
    if not named:
        return (
            " Aucune de ses communes ne se détache à coup sûr, ce qui ne dit pas que personne n'y "
            "a besoin d'aide."
        )
    return (
        f" Parmi celles {of_the(here(build))}, on y trouve {listing(named)} ; les autres comptent "
        "aussi des personnes à accompagner."
    )


def _items(build: Build, code: str) -> list[dict[str, Any]]:
    """The indicators of an EPCI, as :func:`explain` gives those of a commune."""
    result, method = build.result_epci, build.method
    there = build.result_departement.figures
    alone = build.communes["code_departement"].nunique() == 1
    found = []
    for name in result.scores.scored:
        record, figure = method.indicateurs[name], result.figures[name]
        points: Any = result.scores.indicateurs.loc[code, name]
        if pd.isna(points):
            continue
        found.append(
            {
                "code": name,
                "libelle": record.libelle,
                "unite": record.unite,
                "decimales": record.decimales,
                "se_compte": not isinstance(record.calcul, Part | Moyenne),
                "valeur": float(figure.values[code]),
                "statut": "publie",
                "millesime": figure.millesime,
                "departement": _first(there[name].values) if alone else None,
                "france": record.france.model_dump() if record.france else None,
                "points": float(points),
                "contribution": _or_none(result.scores.contributions.loc[code, name]),
                "compte": True,
            }
        )
    return found


def _first(values: pd.Series) -> float | None:
    return _or_none(values.iloc[0]) if len(values) else None


def _or_none(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _most_fragile(build: Build, towns: pd.DataFrame) -> str:
    """The communes of an EPCI where the index is highest."""
    root = build.method.root
    known = towns.dropna(subset=[root]).sort_values([root, "code_insee"], ascending=[False, True])
    if len(known) < 2:
        return ""
    return f"L'indice y est le plus haut {_with_values(known.head(NAMED), root, 1)}."


def _with_values(towns: pd.DataFrame, column: str, decimals: int) -> str:
    names: Iterable[tuple[str, float]] = zip(towns["nom"], towns[column], strict=True)
    return listing([f"{at_name(name)} ({number(value, decimals)})" for name, value in names])


def _epci_people(build: Build, row: dict[Any, Any], towns: pd.DataFrame) -> Sentence:
    column = "personnes_a_accompagner"
    count = row[column]
    if pd.isna(count) or build.method.volume is None:
        return _unknown_people(
            build, "l'EPCI n'est pas entier" if row["remarque"] else "une tranche d'âge manque"
        )
    held = 100 * count / build.result.volume.sum()
    text = f"{_persons(count)} : {share(held)} de celles que compte {where(build)}."
    most = towns.dropna(subset=[column]).sort_values(
        [column, "code_insee"], ascending=[False, True]
    )
    if len(most) > 1:
        text += f" Elles sont le plus nombreuses {_with_values(most.head(NAMED), column, 0)}."
    return Sentence("Combien de personnes", text, _counted(build))
