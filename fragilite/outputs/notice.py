"""How to read the results, and how not to: what goes on the first sheet of the workbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fragilite import narrative
from fragilite.cartography import PEOPLE
from fragilite.citation import cited
from fragilite.dictionary import scale
from fragilite.french import day, listing, times, upper_first
from fragilite.iris_reading import PERSONNE
from fragilite.levels import LEVELS, level_remarks
from fragilite.method import Incertitude
from fragilite.pipeline import COMMUNE, IRIS, Build
from fragilite.provenance import as_of
from fragilite.robustness import LECTURES
from fragilite.summary import TWO_READINGS, certainty_sentences, held_sentence, remarks, summary


@dataclass(frozen=True)
class Section:
    """A heading with its paragraphs."""

    titre: str
    lignes: list[str]


def heading(build: Build) -> tuple[str, str]:
    """Title of a build, and what it was computed with."""
    header, where = build.method.methode, build.inputs.territory.libelle
    if build.niveau != COMMUNE:
        where = f"{where}, par {LEVELS[build.niveau].un}"
    return (
        f"{header.libelle} — {where}",
        f"Communes au 1er janvier {build.inputs.annee}. Chiffres relevés jusqu'au "
        f"{day(as_of(build))}. Méthode {header.code} {header.version}.",
    )


def sections(build: Build) -> list[Section]:
    """Everything that must be read before the figures; no section is empty."""
    if build.niveau != COMMUNE:
        return _at_level(build)
    facts = summary(build)
    found = [
        Section("Ce que dit l'indice", _index(build)),
        Section("Deux lectures, toujours ensemble", _readings(build, facts)),
        Section("À quel point est-ce sûr ?", _certainty(build, facts)),
        Section("S'en servir, ne pas s'en servir", _use(build)),
        Section("Ce que les données ouvertes ne voient pas", [unseen(build)]),
        Section("Ce qu'on sait de sa validité", build.method.lecture.validite),
        Section("Ce qui manque ou se discute dans ce calcul", remarks(build)),
        Section("Citer, réutiliser", _cite(build)),
    ]
    return [section for section in found if section.lignes]


def _at_level(view: Build) -> list[Section]:
    """The same where rows are not communes: their ranks have no interval."""
    nobody = [PERSONNE] if view.niveau == IRIS else []
    found = [
        Section("Ce que dit l'indice", _index(view)),
        Section("S'en servir, ne pas s'en servir", [*_use(view), *nobody]),
        Section("Ce que les données ouvertes ne voient pas", [unseen(view)]),
        Section("Ce qu'on sait de sa validité", view.method.lecture.validite),
        Section("Ce qui manque ou se discute dans ce calcul", level_remarks(view)),
        Section("Citer, réutiliser", _cite(view)),
    ]
    return [section for section in found if section.lignes]


def unseen(build: Build) -> str:
    """What open data do not see, as a sentence, said wherever the index is shown."""
    return f"{upper_first(narrative.unseen(build.method))}."


def _index(build: Build) -> list[str]:
    method = build.method
    nodes = [node for node in method.descending() if method.noeuds[node].parent == method.root]
    return [
        method.methode.description,
        f"Échelle des points : {scale(method)}.",
        *(f"{method.noeuds[node].libelle} : {method.noeuds[node].description}" for node in nodes),
    ]


def _readings(build: Build, facts: dict[str, Any]) -> list[str]:
    """Intensity and volume; none where the method has no volume."""
    if build.method.volume is None or not facts["plus_de_personnes"]:
        return []
    held = facts["plus_fragiles_tiennent"]
    people = build.columns[PEOPLE]
    sentences = [TWO_READINGS, f"{people.libelle} : {people.description}"]
    return sentences + ([held_sentence(held, facts["territoire"])] if held else [])


def _certainty(build: Build, facts: dict[str, Any]) -> list[str]:
    found, rules = facts["certitude"], build.method.incertitude
    if found is None or rules is None:
        return []
    if not any(found["lectures"].values()):
        return list(found["remarques"])
    return [*certainty_sentences(found), *_words(rules), *found["remarques"], *rules.limites]


def _words(rules: Incertitude) -> list[str]:
    """The readings, with the method's figures."""
    net, probable, nothing, open_question = LECTURES
    shares = rules.lecture
    both = "selon les données et selon les choix de méthode"
    return [
        f"« {net} » : dans le cinquième le plus fragile au moins {times(shares.net)}, {both}.",
        f"« {probable} » : au moins {times(shares.probable)}, {both}.",
        f"« {nothing} » : au plus {times(shares.sans)}, {both}. C'est une place dans un "
        "classement, pas une absence de besoins.",
        f"« {open_question} » : dans les autres cas, les chiffres seuls ne tranchent pas.",
    ]


def _use(build: Build) -> list[str]:
    return [build.method.lecture.usage, build.method.lecture.non_usage]


def _cite(build: Build) -> list[str]:
    licences = sorted({lot.record.licence for lot in build.inputs.lots})
    return [
        cited(build),
        f"Données sous {listing(licences)} ; méthode sous {build.method.methode.licence}. Citez "
        "le producteur et la date ; rien ne suggère que l'État ou les producteurs approuvent ce "
        "calcul.",
        f"Empreinte SHA-256 du fichier de méthode : {build.method.sha256}.",
    ]
