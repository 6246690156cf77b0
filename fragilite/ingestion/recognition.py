"""Files that a user dropped by hand: recognised by what they hold, never by their name."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fragilite.errors import FragiliteError
from fragilite.ingestion import geography, qpv
from fragilite.ingestion.archives import check_content, nature
from fragilite.ingestion.catalogue import RawFile, Vintage, load_sources
from fragilite.ingestion.lock import LOCK_NAME
from fragilite.ingestion.outlines import read_outlines
from fragilite.ingestion.raw import header, open_text

#: What the program itself leaves beside the files of its folder.
LEFT_BEHIND = (".part", ".part.json", ".nouveau", ".md")
#: Rows read to see of which date a file is, and the column of the period in a long file.
SAMPLE, PERIOD = 2000, "TIME_PERIOD"


@dataclass(frozen=True)
class Wanted:
    """One file of one vintage of one source."""

    source: str
    vintage: Vintage
    file: RawFile

    @property
    def key(self) -> str:
        """Its place under ``data/raw``."""
        return f"{self.source}/{self.vintage.millesime}/{self.file.nom}"


def recognise(folder: Path, wanted: Sequence[Wanted]) -> dict[str, Path]:
    """Find, among the files of a folder, those wanted that are not at their place.

    Of the files of the catalogue that fit a layout, the one that names most of its columns or
    dimensions is taken: a table of diplomas has all the columns of a table of ages.

    Parameters
    ----------
    folder : Path
        ``data/raw``, or the one given by ``--raw``.
    wanted : sequence of Wanted

    Returns
    -------
    dict of str to Path
        Key of a file wanted → a file of the folder that holds it.
    """
    lacking = [one for one in wanted if not (folder / one.key).is_file()]
    found: dict[str, Path] = {}
    for path in _loose(folder, wanted) if lacking else ():
        fits = [(_fit(path, one), one.key) for one in lacking if one.key not in found]
        best, key = max(fits, default=(0, ""), key=lambda fit: fit[0])
        if best:
            found[key] = path
    return found


def _loose(folder: Path, wanted: Sequence[Wanted]) -> list[Path]:
    """Files of a folder that are neither at a place of the catalogue nor left by the program."""
    places = {folder / one.key for one in wanted} | {
        folder / source / vintage.millesime / file.nom
        for source, record in load_sources().items()
        for vintage in record.millesimes
        for file in vintage.fichiers
    }
    return [
        path
        for path in (sorted(folder.rglob("*")) if folder.is_dir() else ())
        if path.is_file()
        and path not in places
        and not path.name.startswith((".", LOCK_NAME))
        and not path.name.endswith(LEFT_BEHIND)
    ]


def _fit(path: Path, one: Wanted) -> int:
    """How many names of the layout a file has: all of them, or 0 if it is not that file."""
    try:
        if one.source in FRAME_FITS:
            return FRAME_FITS[one.source](path, one)
        return _columns_fit(path, one)
    except (FragiliteError, OSError, ValueError, KeyError):
        return 0


def _columns_fit(path: Path, one: Wanted) -> int:
    file, vintage = one.file, one.vintage
    if file.genre == "7z":
        # The operator's short name is in the name of its map: 2026_T2_couv_Metropole_OF_4G_data.
        check_content(path, "7z", (f"*{Path(file.nom).stem.removesuffix('.gpkg')}*",))
        return 1
    if file.genre == "xlsx":
        check_content(path, "xlsx", (file.membre,) if file.membre else ())
        return 1
    names = header(one.source, vintage, file, path)
    columns = {column for added in vintage.columns(file).values() for column in added}
    dimensions = {dimension for cell in file.cellules.values() for dimension in cell}
    needed = {file.code, *columns, *file.filtres}
    needed |= {dimension for dimension in dimensions if not dimension.endswith("?")}
    if not needed <= set(names) or not _dated(path, one, names):
        return 0
    # Diplomas may go by age: they would otherwise pass for the table of ages.
    admitted = {dimension.removesuffix("?") for dimension in dimensions} & set(names)
    return len(needed | admitted)


def _dated(path: Path, one: Wanted, names: Sequence[str]) -> bool:
    """Whether the first rows are of the date of the vintage, where the file has one."""
    periods = {PERIOD: set(one.file.filtres[PERIOD])} if PERIOD in one.file.filtres else {}
    if "date" in names and one.vintage.donnees_au:
        periods["date"] = {one.vintage.donnees_au}
    if not periods:
        return True
    with open_text(path, one.file) as stream:
        lines = [
            line.decode(one.file.encodages[-1], "replace")
            for line in islice(stream, one.file.lignes_avant + SAMPLE)
        ]
    rows = csv.DictReader(lines[one.file.lignes_avant :], delimiter=one.file.separateur)
    return any(
        all(str(row.get(column, "")).startswith(tuple(dates)) for column, dates in periods.items())
        for row in rows
    )


def _is_list_of_communes(path: Path, one: Wanted) -> int:
    if "mvt" in one.file.nom:
        names = header(one.source, one.vintage, one.file, path)
        return 1 if {"DATE_EFF", "COM_AV", "COM_AP"} <= set(names) else 0
    return 1 if len(geography.read_communes(path, one.vintage.cog)) else 0


def _is_epci(path: Path, one: Wanted) -> int:
    return 1 if len(geography.read_epci(path, one.vintage.cog).epci) else 0


def _is_outlines(path: Path, one: Wanted) -> int:
    """Any commune that the geography has is enough."""
    with path.open("rb") as stream:
        if nature(stream.read(4096)) not in {"json", "gz", "7z", "parquet"}:
            return 0
    layer = read_outlines(path, ["48095", "49007", "97411"], one.vintage.cog, one.vintage.cog)
    return 1 if layer.geometry.notna().any() else 0


def _is_outlines_of_iris(path: Path, one: Wanted) -> int:
    with path.open("rb") as stream:
        kind = nature(stream.read(4096))
    if kind == "7z":
        check_content(path, "7z", ("*[Ii][Rr][Ii][Ss]*",))
        return 1
    import pyogrio

    fields = pyogrio.read_info(path)["fields"] if path.suffix in {".gpkg", ".shp"} else []
    return 1 if "code_iris" in {str(name).lower() for name in fields} else 0


def _is_outlines_of_qpv(path: Path, one: Wanted) -> int:
    with path.open("rb") as stream:
        kind = nature(stream.read(4096))
    named = path.suffix.lower() in {".gpkg", ".shp"}
    return 1 if (named or kind in {"zip", "json"}) and qpv.is_outlines(path) else 0


#: Sources of the frame, with what tells that a file is theirs.
FRAME_FITS = {
    "insee_cog": _is_list_of_communes,
    "epci": _is_epci,
    "epci_insee": _is_epci,
    "contours": _is_outlines,
    "contours_etalab": _is_outlines,
    "contours_api": _is_outlines,
    "contours_iris": _is_outlines_of_iris,
    qpv.SOURCE: _is_outlines_of_qpv,
}
