"""ARCEP's theoretical 4G coverage, measured on the outlines of the communes.

ARCEP publishes no rate by commune: each operator's map is a GeoPackage inside a 7z archive, whose
polygons carry ``operateur`` (the network's MCC-MNC number), ``date``, ``techno``, ``usage``,
``niveau`` (TBC, BC, CL: very good, good, limited) and ``dept``. The mainland is in Lambert-93, one
file an operator; overseas there is one file a territory and operator. Recent files declare their
projection without an EPSG code.

No real file was at hand when this was written: the layout is the documented one, and the tests make
their files from it. So every assumption is checked when a file is opened (columns, operator,
technology, levels, date, projection, départements), and a file that differs says how.

One operator at a time is unpacked to disk, one département at a time is held in memory. A national
file has some fifty million vertices in a few hundred polygons: these are first cut into small
pieces, so that a commune meets only those around it.
"""

from __future__ import annotations

import fnmatch
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite.cog import departement_of, projection_of
from fragilite.errors import FragiliteError, SourceUnavailableError
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import LayoutError, contract
from fragilite.table import Table

if TYPE_CHECKING:
    import geopandas as gpd

#: Vertices of a piece: at 1 000, cutting and measuring cost the least (flat from 500 to 4 000).
PIECE = 1000
#: Halvings after which a polygon is left as it is (its vertices are all but in one place).
HALVINGS = 60
#: A cut is kept if its two halves have the area of the whole, to this share of it.
EXACT = 1e-9
#: Types of geometry that shapely numbers 3 and 6: Polygon and MultiPolygon.
POLYGONAL = (3, 6)
M2_PER_KM2 = 1e6

#: First bytes of a GeoPackage.
GEOPACKAGE = b"SQLite format 3\0"
COLUMNS = ("operateur", "date", "techno", "usage", "niveau", "dept")


@dataclass(frozen=True)
class Coverage:
    """What was measured, and what a reader must know of it.

    Attributes
    ----------
    table : Table
        ``surface_km2`` and ``surface_4g_km2`` (covered by the least covering operator of the
        commune), absent where one operator says nothing of the département.
    operators : DataFrame of float, shape (communes, files)
        Surface covered by each operator, in km²; columns are the names of the files.
    notes : list of str
        In French: polygons repaired, départements that a file lacks, territories without a file.
    """

    table: Table
    operators: pd.DataFrame
    notes: list[str]


def measure(
    source: str,
    vintage: Vintage,
    paths: Mapping[str, Path],
    contours: gpd.GeoDataFrame,
    cog: int,
    *,
    folder: Path | None = None,
) -> Coverage:
    """Measure on each commune the surface covered by each operator, and keep the least.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        Its files: one an operator and territory. ``filtres`` declares what the file must hold
        (``operateur``, ``techno``, ``usage``, ``niveau``) and, overseas, its ``dept``; a file
        without ``dept`` is the whole mainland's.
    paths : mapping of str to Path
        Local archive (or bare GeoPackage) of each file. Those of territories that ``contours``
        does not reach may be left out.
    contours : GeoDataFrame
        Outlines in any projection: ``code_insee`` (column or index) and geometry. A commune without
        an outline is absent. Measured in the legal projection of its territory.
    cog : int
        Year of the geography of the outlines, which is that of the result.
    folder : Path, optional
        Where archives are unpacked, one at a time; by default beside each of them.

    Returns
    -------
    Coverage

    Raises
    ------
    SourceUnavailableError
        If an operator's file is missing, or is not what the catalogue declares.
    FragiliteError
        If the disk cannot hold the unpacked file, or the outlines hold a commune twice or declare
        no projection.
    """
    outlines = _outlines(contours)
    departements = outlines.index.map(departement_of)
    served = {file.nom: _served(file, set(departements)) for file in vintage.fichiers}
    needed = [file for file in vintage.fichiers if served[file.nom]]
    _check_files(source, vintage, needed, paths)
    notes = [
        f"Aucune carte de couverture n'est déclarée pour le département {code} : absent."
        for code in sorted(set(departements) - set().union(*served.values(), set()))
    ]

    surface = pd.Series(np.nan, index=outlines.index)
    operators = pd.DataFrame(np.nan, index=outlines.index, columns=[f.nom for f in needed])
    grounds = {
        code: outlines[departements == code].to_crs(projection_of([code]))
        for code in sorted(set(departements))
    }
    for ground in grounds.values():
        surface[ground.index] = ground.area / M2_PER_KM2
    for file in needed:
        where = _Where(source, vintage, file)
        with _unpacked(where, paths[file.nom], folder) as path:
            for code, covered in _by_departement(where, path, served[file.nom], grounds, notes):
                operators.loc[grounds[code].index, file.nom] = covered / M2_PER_KM2

    least = _least(operators, departements, served).clip(upper=surface)
    values = pd.DataFrame({"surface_km2": surface, "surface_4g_km2": least})
    table = Table.of(source, vintage.millesime, cog, values)
    contract(table, vintage.model_copy(update={"cog": cog}))
    return Coverage(table, operators, notes)


@dataclass(frozen=True)
class _Where:
    """The file being read, for the messages."""

    source: str
    vintage: Vintage
    file: RawFile

    def error(self, constat: str, remedy: str = "") -> LayoutError:
        return LayoutError(self.source, self.vintage, self.file, constat, remedy)


def _outlines(contours: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Valid outlines, indexed by code."""
    if "code_insee" in contours.columns:
        contours = contours.set_index("code_insee")
    if contours.crs is None:
        raise FragiliteError("Contours des communes : projection non déclarée.")
    if contours.index.has_duplicates:
        twice = ", ".join(contours.index[contours.index.duplicated()].unique()[:5])
        raise FragiliteError(
            f"Contours des communes : {twice} en double.", "Gardez un contour par commune."
        )
    shapes = contours[[contours.geometry.name]]
    shapes = shapes[~(shapes.geometry.isna() | shapes.geometry.is_empty)]
    shapes[shapes.geometry.name] = shapes.geometry.make_valid()
    return shapes.rename_axis("code_insee").reindex(contours.index.rename("code_insee"))


def _served(file: RawFile, departements: set[str]) -> set[str]:
    """Départements that a file must cover: the overseas one it declares, else the mainland."""
    declared = file.filtres.get("dept")
    if declared:
        return departements & set(declared)
    return {code for code in departements if len(code) == 2}


def _check_files(
    source: str, vintage: Vintage, needed: Iterable[RawFile], paths: Mapping[str, Path]
) -> None:
    missing = [file for file in needed if file.nom not in paths]
    if missing:
        names = ", ".join(f"{f.nom} (opérateur {'/'.join(_operators(f))})" for f in missing)
        raise SourceUnavailableError(
            f"Source {source}, millésime {vintage.millesime} : il manque {names} ; l'opérateur le "
            "moins couvrant ne se connaît qu'avec les cartes de tous.",
            f"Lancez : fragilite fetch {source}",
        )


def _operators(file: RawFile) -> list[str]:
    return file.filtres.get("operateur", [])


def _least(
    operators: pd.DataFrame, departements: pd.Index, served: Mapping[str, set[str]]
) -> pd.Series:
    """Surface of the least covering operator, unknown where an operator's is."""
    least = pd.Series(np.inf, index=operators.index)
    for name in operators.columns:
        concerned = departements.isin(served[name])
        lower = pd.Series(np.minimum(least, operators[name]), index=least.index)
        least = least.where(~concerned, lower)
    return least.replace(np.inf, np.nan)


# --- the files -------------------------------------------------------------------------------


@contextmanager
def _unpacked(where: _Where, path: Path, folder: Path | None) -> Iterator[Path]:
    """Give the GeoPackage of a file, unpacked for the time of its reading."""
    with path.open("rb") as stream:
        if stream.read(len(GEOPACKAGE)) == GEOPACKAGE:  # taken out of its archive by hand
            yield path
            return
    import lzma

    import py7zr

    with TemporaryDirectory(dir=folder or path.parent, prefix=".couverture-") as unpacked:
        try:
            with py7zr.SevenZipFile(path) as archive:
                member = _member(where, archive)
                free = shutil.disk_usage(unpacked).free
                if member.uncompressed > free:
                    raise FragiliteError(
                        f"Fichier {where.file.nom} : {member.uncompressed / 1e9:.1f} Go une fois "
                        f"décompressé, {free / 1e9:.1f} Go libres dans {folder or path.parent}.",
                        "Libérez de la place, ou placez data/raw sur un autre disque (--raw).",
                    )
                archive.extract(unpacked, targets=[member.filename])
        except (py7zr.exceptions.ArchiveError, lzma.LZMAError, EOFError) as error:
            raise where.error(
                "l'archive 7z est illisible ou tronquée.",
                "Reprenez le fichier (fragilite fetch --update).",
            ) from error
        yield Path(unpacked) / member.filename


def _member(where: _Where, archive: Any) -> Any:
    """Find the one GeoPackage of an archive, at a place inside it."""
    pattern = (where.file.membre or "*.gpkg").lower()
    found = [
        member
        for member in archive.list()
        if not member.is_directory and fnmatch.fnmatch(member.filename.lower(), pattern)
    ]
    if len(found) != 1:
        offered = ", ".join(member.filename for member in archive.list()[:5])
        raise where.error(f"un seul « {pattern} » attendu dans l'archive, qui offre : {offered}.")
    inside = PurePosixPath(found[0].filename.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts:
        raise where.error(f"l'archive sort de son dossier : {inside}.")
    return found[0]


def _by_departement(
    where: _Where,
    path: Path,
    served: set[str],
    grounds: Mapping[str, gpd.GeoDataFrame],
    notes: list[str],
) -> Iterator[tuple[str, np.ndarray]]:
    """Surface covered in each commune, in m², département after département."""
    import pyogrio
    import shapely
    from pyproj import CRS

    try:
        layers = pyogrio.list_layers(path)
    except pyogrio.errors.DataSourceError as error:
        raise where.error("le GeoPackage est illisible.") from error
    layers = layers[pd.notna(layers[:, 1])]
    if len(layers) != 1:
        raise where.error(f"{len(layers)} couche(s) géographique(s) au lieu d'une.")
    info = pyogrio.read_info(path, layer=layers[0, 0])
    lacking = [name for name in COLUMNS if name not in info["fields"]]
    if lacking:
        names = ", ".join(info["fields"])
        raise where.error(
            f"colonne(s) absente(s) : {', '.join(lacking)}. Le fichier offre : {names}."
        )
    if info["crs"] is None:
        raise where.error("il ne déclare pas sa projection.")
    # The attributes once, then each département by the numbers of its polygons: a filter on dept
    # would walk through the whole file again for each.
    rows = pyogrio.read_dataframe(
        path, layer=layers[0, 0], columns=list(COLUMNS), read_geometry=False, fid_as_index=True
    )
    _check_rows(where, rows)
    departements = _departements(where, rows["dept"])
    del rows
    crs, repaired = CRS.from_user_input(info["crs"]), 0
    for code in sorted(served):
        numbers = departements.index[departements == code].to_numpy()
        if not len(numbers):
            notes.append(f"{where.file.nom} : aucun polygone pour le département {code}, absent.")
            continue
        shapes = pyogrio.read_dataframe(path, layer=layers[0, 0], columns=[], fids=numbers)
        epsg = projection_of([code])
        if crs.to_epsg(min_confidence=25) != epsg:
            shapes = shapes.set_crs(crs, allow_override=True).to_crs(epsg)
        polygons, mended = _mended(shapely.get_parts(shapes.geometry.to_numpy()))
        repaired += mended
        yield code, covered_area(grounds[code].geometry.to_numpy(), polygons)
    if repaired:
        notes.append(f"{where.file.nom} : {repaired} polygone(s) invalide(s), réparé(s).")


def _words(column: pd.Series) -> dict[object, str]:
    """Distinct attributes of a column, as text: numbers without decimals, missing as empty."""
    return {
        cell: "" if pd.isna(cell) else str(cell).strip().removesuffix(".0")
        for cell in column.unique()
    }


def _departements(where: _Where, column: pd.Series) -> pd.Series:
    """Département of each polygon, with the zero that it may have lost."""
    declared = where.file.filtres.get("dept", [])
    if len(declared) == 1:  # the file of one territory, whole
        return pd.Series(declared[0], index=column.index)
    codes = {cell: word.upper().zfill(2) for cell, word in _words(column).items()}
    return column.map(codes)


def _check_rows(where: _Where, rows: pd.DataFrame) -> None:
    """Refuse a file that holds another operator, technology, level or date than declared."""
    for column in ("operateur", "techno", "usage", "niveau"):
        declared = where.file.filtres.get(column)
        strange = sorted(set(_words(rows[column]).values()) - set(declared)) if declared else []
        if strange:
            found = ", ".join(f"« {word} »" for word in strange[:5])
            raise where.error(f"{column} : {found}, attendu {' ou '.join(declared or [])}.")
    dates = sorted({word[:10] for word in _words(rows["date"]).values()})
    if where.vintage.donnees_au and dates != [where.vintage.donnees_au]:
        raise where.error(
            f"données au {', '.join(dates[:3]) or '–'}, attendues au {where.vintage.donnees_au}."
        )


# --- geometry --------------------------------------------------------------------------------


def _mended(polygons: np.ndarray) -> tuple[np.ndarray, int]:
    """Polygons made valid, and how many were not."""
    import shapely

    wrong = ~shapely.is_valid(polygons)
    if not wrong.any():
        return polygons, 0
    parts = shapely.get_parts(shapely.make_valid(polygons[wrong]))
    parts = shapely.get_parts(parts)  # a collection may hold multipolygons
    parts = parts[shapely.get_type_id(parts) == POLYGONAL[0]]
    return np.concatenate([polygons[~wrong], parts]), int(wrong.sum())


def covered_area(communes: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    """Area of each commune that polygons cover, what several cover counting once.

    Parameters
    ----------
    communes : ndarray of (multi)polygons, shape (n,)
        Missing gives NaN.
    polygons : ndarray of valid polygons, shape (m,)
        In the same projection; they may overlap.

    Returns
    -------
    ndarray of float, shape (n,)
        In the unit of the projection, squared.

    Examples
    --------
    >>> from shapely import box
    >>> commune, west, east = box(0, 0, 10, 10), box(-5, 0, 6, 10), box(4, 0, 8, 10)
    >>> covered_area(np.array([commune]), np.array([west, east])).tolist()
    [80.0]
    """
    import shapely

    pieces = subdivide(polygons)
    at, near = shapely.STRtree(pieces).query(communes, predicate="intersects")
    area = np.where(shapely.is_missing(communes), np.nan, 0.0)
    met, starts = np.unique(at, return_index=True)  # pairs come commune by commune
    if len(met):
        around = np.split(pieces[near], starts[1:])
        with ThreadPoolExecutor() as pool:  # GEOS works without the interpreter's lock
            area[met] = list(pool.map(_covered, communes[met], around))
    return area


def _covered(commune: Any, pieces: np.ndarray) -> float:
    """Area of one commune that pieces cover."""
    import shapely

    return float(shapely.union_all(shapely.intersection(commune, pieces)).area)


def subdivide(polygons: np.ndarray, vertices: int = PIECE) -> np.ndarray:
    """Cut polygons in two, again and again, until none has more than so many vertices.

    Parameters
    ----------
    polygons : ndarray of valid polygons
    vertices : int

    Returns
    -------
    ndarray of valid polygons
        Of the same area in all.
    """
    import shapely

    done: list[np.ndarray] = []
    pending = polygons
    for _ in range(HALVINGS):
        large = shapely.get_num_coordinates(pending) > vertices
        done.append(pending[~large])
        if not large.any():
            break
        halves = [_halves(polygon) for polygon in pending[large]]
        pending = shapely.get_parts(np.concatenate(halves))
        pending = pending[shapely.get_type_id(pending) == POLYGONAL[0]]
    else:
        done.append(pending)
    return np.concatenate(done)


def _halves(polygon: Any) -> np.ndarray:
    """Cut a polygon across the middle of its longer side.

    ``clip_by_rect`` is five times as fast as an intersection, but errs where edges run along or
    touch the cut, in collections of polygons that overlap. It is kept if both halves are valid
    (multi)polygons that add up to the whole.
    """
    import shapely

    west, south, east, north = polygon.bounds
    if east - west > north - south:
        middle = (west + east) / 2
        boxes = [
            (west - 1, south - 1, middle, north + 1),
            (middle, south - 1, east + 1, north + 1),
        ]
    else:
        middle = (south + north) / 2
        boxes = [
            (west - 1, south - 1, east + 1, middle),
            (west - 1, middle, east + 1, north + 1),
        ]
    halves = np.array([shapely.clip_by_rect(polygon, *box) for box in boxes])
    plain = np.isin(shapely.get_type_id(halves), POLYGONAL) & shapely.is_valid(halves)
    gap = abs(shapely.area(halves).sum() - polygon.area)
    if not plain.all() or gap > EXACT * polygon.area:
        halves = shapely.intersection(polygon, [shapely.box(*box) for box in boxes])
    return halves
