"""Earlier vintages at hand: bundled, held in the files of a newer one, or in files of their own.

Nothing is downloaded: a comparison over time takes what is there, and says what is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fragilite.errors import SourceUnavailableError
from fragilite.ingestion import bundled
from fragilite.ingestion.catalogue import RawFile, Vintage, load_sources
from fragilite.ingestion.lots import Lot
from fragilite.ingestion.options import Options
from fragilite.table import Statut, Table
from fragilite.territory import Territory
from fragilite.vintages import is_later

#: Column of the year in a long file, which may hold several.
PERIOD = "TIME_PERIOD"


def earlier_tables(
    territory: Territory, options: Options, newest: Mapping[str, str]
) -> tuple[list[tuple[Lot, Table]], list[str]]:
    """Vintages at hand that are older than those of a build, each in its own geography.

    Parameters
    ----------
    territory : Territory
    options : Options
        Those of the build: the bundled figures serve where they served it.
    newest : mapping of str to str
        Sources wanted, and the vintage that each must be older than.

    Returns
    -------
    lots : list of (Lot, Table)
    notes : list of str
        What is at hand and could not be read, in French.
    """
    home = bundled.home_of(territory)
    if options.plain and home:
        return [one for one in bundled.earlier_tables(home) if one[0].source in newest], []
    lots: dict[tuple[str, str], tuple[Lot, Table]] = {}
    notes = []
    for source, vintage, paths, lot in _at_hand(options, newest):
        for wanted in (vintage, *(_of_series(vintage, year) for year in vintage.series)):
            key = source, wanted.millesime
            if key in lots or not is_later(newest[source], wanted.millesime):
                continue
            try:
                table = _read(source, wanted, paths, series=wanted is not vintage)
            except SourceUnavailableError as error:
                notes.append(f"{source} {wanted.millesime}, à portée, n'est pas lu. {error}")
                continue
            if table is not None:
                dated = replace(lot, millesime=wanted.millesime, donnees_au=wanted.donnees_au)
                lots[key] = dated, table
    return list(lots.values()), notes


def _at_hand(
    options: Options, newest: Mapping[str, str]
) -> Iterator[tuple[str, Vintage, dict[str, Path], Lot]]:
    """Vintages of some sources that a folder has files of, without any connection.

    Files of the vintage that the build has read may be anywhere in the folder; older ones are at
    their place in it, where `fetch` puts them: without a date inside, one passes for another.
    """
    from fragilite.ingestion import files  # reads archives, workbooks and outlines: heavy
    from fragilite.ingestion.readers import READERS
    from fragilite.ingestion.recognition import Wanted, recognise
    from fragilite.paths import raw_dir

    raw = options.raw or raw_dir()
    silent = replace(options, offline=True, quiet=True)
    for source in newest:
        if source not in READERS:
            continue  # measured on outlines, not read by commune
        for vintage in load_sources()[source].millesimes:
            wanted = [Wanted(source, vintage, file) for file in vintage.fichiers]
            read = vintage.millesime == newest[source]
            loose = recognise(raw, wanted) if read and not options.frozen else {}
            there = [one.file for one in wanted if one.key in loose or (raw / one.key).is_file()]
            if there:
                part = vintage.model_copy(update={"fichiers": there})
                paths, fetched = files.obtain([(source, part)], silent)
                found = files.paths_of(source, vintage, paths)
                yield source, vintage, found, files.lot_of(source, vintage, paths, fetched)


def _of_series(vintage: Vintage, year: str) -> Vintage:
    """An earlier year held in the files of a vintage, as a vintage; what it lacks is left out."""
    files = []
    for file in vintage.fichiers:
        cells = {
            name: {key: text if text.endswith("?") else f"{text}?" for key, text in cell.items()}
            for name, cell in file.cellules.items()
        }
        rows = {**file.filtres, PERIOD: [year]} if PERIOD in file.filtres else file.filtres
        files.append(file.model_copy(update={"cellules": cells, "filtres": rows}))
    date = f"{year}-{vintage.donnees_au[5:]}"
    return vintage.model_copy(
        update={
            "millesime": year, "donnees_au": date, "fichiers": files, "totaux": {}, "series": [],
        }
    )  # fmt: skip


def _read(
    source: str, vintage: Vintage, paths: Mapping[str, Path], *, series: bool
) -> Table | None:
    """Read the files at hand of a vintage; None where they hold nothing of it."""
    from fragilite.ingestion.raw import NoRowError
    from fragilite.ingestion.readers import READERS

    if not series:
        return READERS[source](source, vintage, paths)
    tables = []
    for file in vintage.fichiers:
        if file.nom not in paths:
            continue
        lacking = file.model_copy(update={"colonnes": _offered(source, vintage, file, paths)})
        if not (lacking.colonnes or lacking.cellules):
            continue
        alone = vintage.model_copy(update={"fichiers": [lacking]})
        try:
            tables.append(READERS[source](source, alone, {file.nom: paths[file.nom]}))
        except NoRowError:
            continue  # this year is not in this file
    return _joined([table for table in tables if table.values.columns.size])


def _offered(
    source: str, vintage: Vintage, file: RawFile, paths: Mapping[str, Path]
) -> dict[str, list[str]]:
    """Columns of a wide file that it has for a year, under the names of this year."""
    from fragilite.ingestion.raw import header

    if not file.colonnes:
        return {}
    names = set(header(source, vintage, file, paths[file.nom]))
    wanted = vintage.columns(file)
    return {name: columns for name, columns in file.colonnes.items() if set(wanted[name]) <= names}


def _joined(tables: list[Table]) -> Table | None:
    """Tables of one vintage side by side; a commune that one lacks is absent there."""
    if not tables:
        return None
    values = pd.concat([table.values for table in tables], axis=1).rename_axis("code_insee")
    statuts = pd.concat([table.statuts for table in tables], axis=1).reindex(values.index)
    rules = {name: text for table in tables for name, text in table.regles.items()}
    return replace(
        tables[0],
        values=values,
        statuts=statuts.fillna(int(Statut.ABSENT)).astype(np.int8),
        regles={name: text.reindex(values.index, fill_value="") for name, text in rules.items()},
    )
