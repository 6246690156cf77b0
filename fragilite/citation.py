"""How results are cited: each figure's producer, vintage and date, as Licence Ouverte 2.0 asks."""

from __future__ import annotations

from collections.abc import Iterable

from fragilite import __version__
from fragilite.french import day, listing, lower_first
from fragilite.ingestion.catalogue import source_of_variables
from fragilite.ingestion.lots import Lot
from fragilite.method import Grandeur
from fragilite.pipeline import IRIS, Build


def lots_of_figures(build: Build, codes: Iterable[str]) -> list[Lot]:
    """Vintages of sources that some figures of a build come from, in the order of the build.

    Parameters
    ----------
    build : Build
    codes : iterable of str
        Indicators, context or headcounts of the method.
    """
    used = {
        (source_of_variables()[variable], build.result.figures[code].millesime)
        for code in codes
        for variable in build.method.figures[code].calcul.variables
    }
    return [lot for lot in build.inputs.lots if (lot.source, lot.millesime) in used]


def lots_of_people(build: Build) -> list[Lot]:
    """Vintage whose age bands the people to accompany are estimated on; none without them."""
    for tranches in build.method.age_bands:
        table = build.inputs.newest([name for one in tranches for name in one.effectifs])
        if table is not None:
            key = (table.source, table.millesime)
            return [lot for lot in build.inputs.lots if (lot.source, lot.millesime) == key]
    return []


def lots_of_frame(build: Build) -> list[Lot]:
    """Where names, EPCI and outlines come from."""
    within = lots_inside(build)
    return [
        lot
        for lot in build.inputs.lots
        if (lot.source, lot.millesime) not in build.inputs.tables and lot not in within
    ]


def lots_inside(build: Build) -> list[Lot]:
    """Where the figures by IRIS come from; none where no file at hand has any."""
    return [lot for lot in build.iris.lots if lot.record.variables] if build.iris else []


def lots_counted(build: Build) -> list[Lot]:
    """Vintages that the index and the volume rest on, in the order of the build."""
    found = lots_of_figures(build, build.result.scores.scored) + lots_of_people(build)
    found += lots_inside(build) if build.niveau == IRIS else []
    return [lot for lot in build.inputs.lots if lot in found]


def named(lot: Lot) -> str:
    """``Insee, recensement de la population 2023``."""
    year = lot.millesime.replace("_", " ")
    return lot.record.attribution + ("" if year in lot.record.attribution else f" {year}")


def short(lots: Iterable[Lot]) -> str:
    """Each producer once, with all its vintages: ``Insee, recensement de la population 2023``."""
    vintages: dict[str, list[str]] = {}
    for lot in lots:
        year = lot.millesime.replace("_", " ")
        found = vintages.setdefault(lot.record.attribution, [])
        if year not in lot.record.attribution and year not in found:
            found.append(year)
    return " ; ".join(f"{name} {listing(years)}".rstrip() for name, years in vintages.items())


def france_source(record: Grandeur) -> str:
    """Where the figure for France comes from, in brief; nothing where it is a definition.

    Its whole source, with what it was rebuilt from, is in :func:`france_sources`.
    """
    if record.france is None or _defined(record):
        return ""
    return record.france.source.partition(", France")[0]


def _defined(record: Grandeur) -> bool:
    """Whether the figure for France is what others are compared with: it has no vintage."""
    return record.france is not None and not record.france.millesime


def france_sources(records: Iterable[Grandeur]) -> str:
    """``France : Arcep, … ; Insee, …`` in full, each once, or nothing."""
    known = [one for one in records if one.france]
    texts = [
        f"{lower_first(one.libelle)}, {lower_first(one.france.source)}"
        if _defined(one)
        else one.france.source
        for one in sorted(known, key=_defined)
        if one.france
    ]
    return f"France : {' ; '.join(dict.fromkeys(texts))}." if texts else ""


def dated(lot: Lot) -> str:
    """The date of a vintage: its publication, else that of its reading by the project.

    A file that the user gives has neither: it is named.
    """
    if lot.publie_le:
        return f"publié le {day(lot.publie_le)}"
    if not lot.releve_le:
        return f"fichier {lot.fichier}"
    return f"relevé le {day(lot.releve_le)}"


def sources_line(lots: Iterable[Lot]) -> str:
    """Producers, vintages and dates, then the licences.

    Returns
    -------
    str
        ``Sources : Insee, recensement de la population 2023 (publié le 30 juin 2026). Licence…``
    """
    shown = list(lots)
    texts = list(dict.fromkeys(f"{named(lot)} ({dated(lot)})" for lot in shown))
    licences = list(dict.fromkeys(lot.record.licence for lot in shown))
    return f"Sources : {' ; '.join(texts)}. {listing(licences)}." if shown else ""


def cited(build: Build) -> str:
    """How to cite a build: program, method, territory, year and producers."""
    header = build.method.methode
    after = [named(lot) for lot in lots_counted(build)]
    text = (
        f"fragilite {__version__}, méthode {header.code} {header.version}, "
        f"{build.inputs.territory.libelle}, communes au 1er janvier {build.inputs.annee}"
    )
    return f"{text}, d'après {' ; '.join(after)}." if after else f"{text}."
