"""XLSX workbook, for coordinators: how to read it, the essential, then everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite.columns import declared
from fragilite.dictionary import Column, classed_nodes
from fragilite.french import upper_first
from fragilite.iris_reading import PERSONNE
from fragilite.levels import LEVELS
from fragilite.outputs import sheets
from fragilite.outputs.notice import heading, sections, unseen
from fragilite.pipeline import COMMUNE, IRIS, Build
from fragilite.provenance import as_of, source_records

if TYPE_CHECKING:
    from fragilite.trend import Trend

README, ESSENTIAL, COMMUNES, EPCI = "Lisez-moi", "L'essentiel", "Communes", "EPCI"
CHANGE, DICTIONARY, SOURCES = "Changement", "Dictionnaire", "Sources"
FIRST_READ = "les colonnes à lire d'abord."
#: What each sheet holds, as the first one says.
CONTENTS = {
    ESSENTIAL: f"une commune par ligne, {FIRST_READ}",
    COMMUNES: "toutes les colonnes ; celles qui suivent un indicateur (statut, règle, millésime…) "
    "se replient avec le bouton 1 en haut à gauche.",
    EPCI: "un EPCI par ligne, recalculé ; sans valeur s'il n'est pas entier dans le calcul.",
    CHANGE: "ce qui a changé depuis un millésime antérieur, une comparaison par ligne, avec son "
    "intervalle ; ce qui ne se compare pas est dit en haut.",
    DICTIONARY: "ce que veut dire chaque colonne, son unité, sa source.",
    SOURCES: "les fichiers des producteurs : millésime, dates, licence, empreinte.",
}
#: How the tables are laid out, and why codes are safe here.
USAGE = [
    "Dans les tableaux, la ligne grise donne le nom de colonne des autres fichiers ; la ligne "
    "violette, son libellé et les filtres. Dans R ou Python, sautez les lignes 1 et 3.",
    "Une cellule vide est une donnée manquante, jamais un zéro : la colonne « statut » dit "
    "pourquoi.",
    "Les codes sont ici du texte : 01001 garde son zéro. Un CSV n'a pas de types : ouvert d'un "
    "double-clic, il perd ce zéro dans les départements 01 à 09, et un code d'EPCI peut s'y "
    "montrer comme 2E+08 tant que la colonne est étroite. Prenez ce classeur, ou importez le CSV "
    "par Données > À partir d'un fichier texte, les codes en « Texte ».",
]

#: Place between the middle and the darkest colour from which white reads better than black: both
#: contrasts are at least 4.5 there.
WHITE_FROM = 0.35


def write(build: Build, path: Path, trend: Trend | None = None) -> None:
    """Write six sheets: how to read, the essential, communes, EPCI, dictionary and sources.

    With a trend, a seventh: what changed. At another level, its rows in place of communes and EPCI.
    """
    title, subtitle = heading(build)
    sheets.save(
        path,
        lambda book, styles: _write(build, book, styles, trend),
        title=title, subject=subtitle, date=as_of(build),
    )  # fmt: skip


def _write(build: Build, book: Any, styles: Mapping[str, Any], trend: Trend | None) -> None:
    _readme(build, book, styles, changes=trend is not None)
    _table(build, book, styles, ESSENTIAL, build.communes[_essential(build, build.communes)])
    _table(build, book, styles, _rows(build), build.communes, wide=False)
    if build.niveau == COMMUNE:
        first = _essential(build, build.epci)
        others = [name for name in build.epci if name not in first]
        _table(build, book, styles, EPCI, build.epci[first + others])
    columns, lots = _written(build), list(build.inputs.lots)
    if trend is not None:
        from fragilite.outputs import change_sheet

        columns += change_sheet.write(trend, book, styles, CHANGE, title=heading(build)[0])
        lots += trend.sources
    sheets.records(book, styles, DICTIONARY, declared()["dictionnaire"], _dictionary(columns))
    sheets.records(book, styles, SOURCES, declared()["provenance"], source_records(lots))


# --- Lisez-moi -------------------------------------------------------------------------------


def _readme(build: Build, book: Any, styles: Mapping[str, Any], *, changes: bool) -> None:
    title, subtitle = heading(build)
    lines = [(title, "title"), (subtitle, "note"), ("", "prose")]
    contents = [f"{name} : {what}" for name, what in _contents(build, changes=changes).items()]
    lines += [("Ce classeur", "section"), *((text, "prose") for text in [*contents, *USAGE])]
    for section in sections(build):
        lines += [("", "prose"), (section.titre, "section")]
        lines += [(text, "prose") for text in section.lignes]
    sheets.prose(book, styles, README, lines)


def _rows(build: Build) -> str:
    """Name of the sheet that has every column."""
    return upper_first(LEVELS[build.niveau].plusieurs)


def _contents(build: Build, *, changes: bool) -> dict[str, str]:
    """What each sheet holds, in the words of the level of its rows."""
    left = set() if changes else {CHANGE}
    if build.niveau == COMMUNE:
        return {name: what for name, what in CONTENTS.items() if name not in left}
    found = CONTENTS | {ESSENTIAL: f"une ligne par {LEVELS[build.niveau].un}, {FIRST_READ}"}
    left |= {EPCI}
    return {
        _rows(build) if name == COMMUNES else name: what
        for name, what in found.items()
        if name not in left
    }


# --- the tables ------------------------------------------------------------------------------


def _essential(build: Build, table: pd.DataFrame) -> list[str]:
    """Columns of the communes or of the EPCI to read first, among those that the build has."""
    method = build.method
    below = classed_nodes(method) or [
        node for node in method.descending() if method.noeuds[node].parent == method.root
    ]
    volume = ["personnes_a_accompagner", "rang_volume"] if method.volume else []
    kind = LEVELS[build.niveau]
    own = [kind.cle, kind.nom] if build.niveau != COMMUNE else []
    names = [
        *own, "code_insee", "nom", *(["code_epci"] if "code_insee" not in table else []),
        "nom_epci",
        "communes", "remarque", "population", method.root, "classe_libelle",
        "rang", "rang_min_90", "rang_max_90", "lecture",
        *(method.column(node) for node in below), *volume, "completude",
    ]  # fmt: skip
    return [name for name in dict.fromkeys(names) if name in table]


def _note(build: Build, table: pd.DataFrame) -> str:
    """What must be read with a table: what the index does not see, what a reading says."""
    said = [unseen(build)]
    if "lecture" in table:
        said.append(f"Lecture : {build.columns['lecture'].description}")
    if build.niveau == IRIS:
        said.append(PERSONNE)
    return " ".join(said)


def _table(
    build: Build,
    book: Any,
    styles: Mapping[str, Any],
    name: str,
    table: pd.DataFrame,
    *,
    wide: bool = True,
) -> None:
    """A table of the build, the index and what it is made of in colours."""
    sheet = sheets.table(
        book,
        styles,
        name,
        table,
        build.columns,
        note=_note(build, table),
        title=heading(build)[0],
        detail=lambda column: _is_detail(column, build),
        wide=wide,
    )
    _colours(build, sheet, table, styles["white"])


def _is_detail(column: Column, build: Build) -> bool:
    """Whether a column only qualifies an indicator: it folds with the others."""
    for code in build.method.figures:
        suffix = column.nom.removeprefix(f"{code}_")
        if suffix != column.nom and suffix in ("statut", "regle", "sature", "millesime"):
            return True
    return False


# --- colours ---------------------------------------------------------------------------------


def limits(build: Build, node: str) -> tuple[float, float, float] | None:
    """Points of the lightest, middle and darkest colours of a node; None where nothing differs.

    The limits of its first and last classes; where it has none, those of the index; else the scale
    of the method; else (open scale) what holds nine communes of ten. All but the last are the same
    in every file of a method.
    """
    method = build.method
    classes = method.noeuds[node].classes or method.noeuds[method.root].classes
    column = build.columns[method.column(node)]
    if classes:
        low, high = classes.bornes[1], classes.bornes[-2]
    elif column.minimum is not None and column.maximum is not None:
        low, high = column.minimum, column.maximum
    else:
        known = build.communes[column.nom].dropna()
        low, high = np.quantile(known, [0.05, 0.95]) if len(known) else (0.0, 0.0)
    return (float(low), float(low + high) / 2, float(high)) if low < high else None


def white_from(found: tuple[float, float, float]) -> float:
    """Points from which letters are white."""
    return found[1] + WHITE_FROM * (found[2] - found[1])


def _colours(build: Build, sheet: Any, table: pd.DataFrame, white: Any) -> None:
    """Colour the index and what it is made of; white letters on the darkest cells."""
    nodes = {build.method.column(node): node for node in build.method.descending()}
    first, last = sheets.FIRST, sheets.last_row(table)
    for place, name in enumerate(map(str, table)):
        found = limits(build, nodes[name]) if name in nodes else None
        if found is None:
            continue
        dark = {"type": "cell", "criteria": ">=", "value": white_from(found), "format": white}
        scale: dict[str, Any] = {"type": "3_color_scale"}
        for end, value, colour in zip(("min", "mid", "max"), found, sheets.RAMP, strict=True):
            scale |= {f"{end}_type": "num", f"{end}_value": value, f"{end}_color": colour}
        for rule in (dark, scale):
            sheet.conditional_format(first, place, last, place, rule)


# --- Dictionnaire, Sources ---------------------------------------------------------------------


def _written(build: Build) -> list[Column]:
    """Columns of the tables of a build, in the order of the dictionary."""
    held = {*build.communes.columns, *(build.epci.columns if build.niveau == COMMUNE else [])}
    return [column for column in build.columns.values() if column.nom in held]


def _dictionary(columns: Sequence[Column]) -> list[dict[str, str]]:
    """A record for each column of the workbook."""
    types, keys = declared()["types"], declared()["dictionnaire"]
    return [
        {key: getattr(column, key) for key in keys} | {"type": types[column.type]}
        for column in columns
    ]
