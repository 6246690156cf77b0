"""ARCEP, Ma connexion internet: premises by commune, technology and speed.

Three layouts, all of one row a commune and type of premises, in whole numbers of premises:

- ``meilleure_techno_thd``: each premises once, at its best technology; the classes add up to
  ``nbr_elig_8``, what is left of ``nbr`` being unserved at 8 Mbit/s;
- ``debit_filaire``: premises by speed on wired networks, thresholds *cumulated*;
- ``debit``, the trial of 2019: speeds in classes that *add up* to ``nbr``, under a banner line.

A vintage of several files joins their layouts with ``+``, in the order of its files.

``commune_debit.csv`` and ``commune_debit_terrestre.csv`` have the columns of ``debit_filaire``, but
count satellite and radio, so that almost every premises of France would have 30 Mbit/s: they are
refused, by name and by content. Paris, Lyon and Marseille are whole; names may have lost their
accents and are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from fragilite.french import number
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    LayoutError,
    Part,
    assemble,
    by_code,
    check_unique,
    header,
    numbers,
    read_csv,
    sum_columns,
)
from fragilite.table import Table

BEST = (
    "elig_ftth",
    "elig_coax",
    "elig_cu_30",
    "elig_thdr",
    "elig_cu_8",
    "elig_4gf",
    "elig_hdr",
    "elig_sat",
)
#: Best technologies that give 30 Mbit/s over a wire.
WIRED_30 = ["elig_ftth", "elig_coax", "elig_cu_30"]
#: Best technologies that give it over the air, satellite aside.
RADIO = ["elig_thdr", "elig_4gf"]
SPEEDS = ["elig_hd05", "elig_hd3", "elig_bhd8", "elig_thd30", "elig_thd100", "elig_thd1g"]
CLASSES_2019 = (
    "inel_hd",
    "elig_hd05",
    "elig_hd3",
    "elig_hd8",
    "elig_thd30",
    "elig_thd100",
    "elig_thd1g",
)
#: Columns renamed by ARCEP: today's name → that of the quarters before 2021.
FORMER = {"elig_4gf": "elig_4fg"}
#: Files of the same columns that count more than wires.
NOT_WIRED = {"commune_debit": "le satellite", "commune_debit_terrestre": "les réseaux radio"}
#: Share of communes where an identity may fail, and gap allowed between two files of a quarter.
TOLERANCE = 0.01
#: Communes from which a speed of 100 Mbit/s for all cannot be wires alone.
MANY = 20


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read premises by commune: in all, eligible to fibre, to cable, and to 30 Mbit/s by wire.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table

    Raises
    ------
    LayoutError
        If a file is not that of the quarter, counts satellite, or its classes do not add up.
    """
    layouts = zip(vintage.mise_en_page.split("+"), vintage.fichiers, strict=True)
    premises = [
        (file, LAYOUTS[layout](source, vintage, file, paths[file.nom]))
        for layout, file in layouts
        if file.nom in paths
    ]
    for file, counts in premises[1:]:
        _check_same_quarter(source, vintage, file, premises[0][1], counts)
    parts: list[Part] = []
    known: set[str] = set()
    for file, counts in premises:
        sums = {name: columns for name, columns in file.colonnes.items() if name not in known}
        known |= set(sums)
        # ARCEP withholds nothing: these are counts of premises, not of people.
        parts.append(sum_columns(counts, pd.DataFrame(False, counts.index, counts.columns), sums))
    return assemble(source, vintage, parts)


def _best_technology(source: str, vintage: Vintage, file: RawFile, path: Path) -> pd.DataFrame:
    counts = _premises(source, vintage, file, path, ["nbr", "nbr_elig_8", *BEST])
    added = counts[list(BEST)].sum(axis=1)
    _check(source, vintage, file, added != counts["nbr_elig_8"], "les technologies", "nbr_elig_8")
    _check(source, vintage, file, counts["nbr_elig_8"] > counts["nbr"], "nbr_elig_8", "nbr au plus")
    return counts


def _wired_speed(source: str, vintage: Vintage, file: RawFile, path: Path) -> pd.DataFrame:
    for name in (file.nom, path.name):
        stem = name.partition(".")[0].lower()
        if stem in NOT_WIRED:
            raise _not_wired(source, vintage, file, f"{stem}.csv compte {NOT_WIRED[stem]}")
    counts = _premises(source, vintage, file, path, ["nbr", *SPEEDS])
    if len(counts) >= MANY and (counts["elig_thd100"] == counts["nbr"]).all():
        raise _not_wired(
            source, vintage, file, "tous les locaux y ont 100 Mbit/s : il compte le satellite"
        )
    falling = counts[["nbr", *SPEEDS]].diff(axis=1).iloc[:, 1:].le(0).all(axis=1)
    _check(source, vintage, file, ~falling, "les seuils de débit", "des cumuls décroissants")
    return counts


def _not_wired(source: str, vintage: Vintage, file: RawFile, found: str) -> LayoutError:
    return LayoutError(
        source,
        vintage,
        file,
        f"{found} ; seuls les réseaux filaires disent qui manque d'un accès fixe à 30 Mbit/s.",
        "Prenez commune_debit_filaire.csv.",
    )


def _speed_2019(source: str, vintage: Vintage, file: RawFile, path: Path) -> pd.DataFrame:
    counts = _premises(source, vintage, file, path, ["nbr", *CLASSES_2019])
    added = counts[list(CLASSES_2019)].sum(axis=1)
    _check(source, vintage, file, added != counts["nbr"], "les classes de débit", "nbr")
    return counts


LAYOUTS: dict[str, Callable[[str, Vintage, RawFile, Path], pd.DataFrame]] = {
    "meilleure_techno_thd": _best_technology,
    "debit_filaire": _wired_speed,
    "debit": _speed_2019,
}


def _premises(
    source: str, vintage: Vintage, file: RawFile, path: Path, columns: Sequence[str]
) -> pd.DataFrame:
    """Counts by commune under today's names, of the type of premises and the date declared."""
    offered = header(source, vintage, file, path)
    names = [
        FORMER[name] if name not in offered and FORMER.get(name) in offered else name
        for name in columns
    ]
    text = read_csv(source, vintage, file, path, [file.code, "date", *names])
    dates = sorted(text["date"].unique())
    if vintage.donnees_au and dates != [vintage.donnees_au]:
        constat = f"données au {', '.join(dates[:3])}, attendues au {vintage.donnees_au}."
        raise LayoutError(source, vintage, file, constat)
    counts, _ = numbers(by_code(source, vintage, file, text.drop(columns="date")), file)
    check_unique(source, vintage, counts.index, file)
    return counts.set_axis(list(columns), axis=1)


def _check(
    source: str, vintage: Vintage, file: RawFile, broken: pd.Series, what: str, expected: str
) -> None:
    """Refuse a file whose columns no longer mean what they did, small errors aside."""
    if broken.sum() > TOLERANCE * len(broken):
        code = broken.index[broken][0]
        constat = (
            f"{what} doivent donner {expected} : faux dans {number(int(broken.sum()))} commune(s) "
            f"sur {number(len(broken))}, dont {code}."
        )
        raise LayoutError(source, vintage, file, constat)


def _check_same_quarter(
    source: str, vintage: Vintage, file: RawFile, first: pd.DataFrame, other: pd.DataFrame
) -> None:
    """Refuse a second file that does not count the premises of the first, or counts more wires."""
    total = first["nbr"].sum()
    if abs(other["nbr"].sum() - total) > TOLERANCE * total:
        constat = (
            f"{number(other['nbr'].sum())} locaux, contre {number(total)} dans "
            f"{vintage.fichiers[0].nom} : ils ne sont pas du même trimestre."
        )
        raise LayoutError(source, vintage, file, constat)
    if set(BEST) <= set(first) and "elig_thd30" in other:
        fast, wired = other["elig_thd30"], first[WIRED_30].sum(axis=1)
        radio = first[RADIO].sum(axis=1)
        if (fast - wired - radio).abs().sum() < (fast - wired).abs().sum():
            found = (
                "ses locaux à 30 Mbit/s sont ceux de la fibre, du câble, du cuivre et de la radio"
            )
            raise _not_wired(source, vintage, file, found)
