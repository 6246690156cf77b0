"""Outlines of the communes, from any of the files that give them.

IGN's Admin Express in its two generations of attributes (GeoParquet; GeoPackage or shapefile in a
7z archive), Etalab's contours administratifs and geo.api.gouv.fr (GeoJSON). A file is recognised by
its content; only the communes wanted are read where the format allows it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd
from shapely import union_all

from fragilite.cog import ARRONDISSEMENTS, LAST_YEAR, WGS_84, codes_of, moves
from fragilite.ingestion.catalogue import RawFile
from fragilite.ingestion.raw import MEMBER_MAX, LayoutError, reading

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

#: Column of the commune code: Admin Express since 2025, before, Etalab and geo.api.gouv.fr.
_CODES = ["code_insee", "insee_com", "code"]
_LAYER = "commune"
#: Columns of the code of a priority neighbourhood.
QPV_CODES = ("code_qp", "code_qpv", "codeqp", "code_quartier")
_POLYGONS = {"Polygon", "MultiPolygon"}
#: Above this many départements everything is read: a filter on each would cost more.
_DEPARTEMENTS_FILTERED = 20


def read_outlines(
    paths: Path | Sequence[Path],
    codes: Iterable[str],
    cog: int = LAST_YEAR,
    vers: int = LAST_YEAR,
) -> gpd.GeoDataFrame:
    """Read the outlines of some communes and bring them to a geography.

    Parameters
    ----------
    paths : Path or sequence of Path
        One file, or several that complete each other (one a département).
    codes : iterable of str
        Communes wanted, in geography ``vers``.
    cog : int
        Year of the geography of the files.
    vers : int
        Year of the geography wanted: communes merged since ``cog`` are dissolved. A commune that
        was split since has no outline, nor has one that lacks a part.

    Returns
    -------
    GeoDataFrame
        ``code_insee`` and ``geometry`` (polygons, EPSG:4326), one row per code wanted, in its
        order; no geometry where the outline is missing: see :func:`missing_outlines`.

    Raises
    ------
    LayoutError
        If a file holds no outline of the communes wanted, points in place of outlines, a commune
        twice, or no column with their codes.
    """
    import geopandas as gpd

    files = [paths] if isinstance(paths, Path) else list(paths)
    wanted = pd.Index(list(codes), dtype="str", name="code_insee")
    origins = _origins(wanted, cog, vers)
    needed = {code for parts in origins.values() for code in parts}
    cities = needed & ARRONDISSEMENTS.keys()
    arms = {str(code) for city in cities for code in ARRONDISSEMENTS[city]}
    shapes = _collect(files, needed | arms) if needed else {}
    _join_arrondissements(shapes)
    if needed and not shapes:
        constat = f"aucun contour des {len(wanted)} communes demandées, dont {wanted[0]}."
        raise _layout(files[0], constat, "Vérifiez que le fichier couvre leurs départements.")
    geometry = [_join(shapes, origins[code]) for code in wanted]
    return gpd.GeoDataFrame({"code_insee": wanted}, geometry=geometry, crs=WGS_84)


def _collect(files: Sequence[Path], needed: set[str]) -> dict[str, BaseGeometry]:
    """Outlines of the codes needed, in every file."""
    shapes: dict[str, BaseGeometry] = {}
    for path in files:
        for part in _read(path, needed):
            twice = part.index[part.index.duplicated() | part.index.isin(shapes.keys())]
            if len(twice):
                raise _layout(path, f"contour(s) en double : {', '.join(twice[:5])}.")
            shapes |= dict(part.items())
    return shapes


def missing_outlines(outlines: gpd.GeoDataFrame) -> list[str]:
    """Codes of the communes that have no outline."""
    return list(outlines.loc[outlines.geometry.isna(), "code_insee"])


def _origins(wanted: pd.Index, cog: int, vers: int) -> dict[str, list[str]]:
    """Each commune wanted → the communes of the file that make it up; none if one was split."""
    moved = moves(cog, vers)
    staying = codes_of(cog) - moved.keys()
    parts: dict[str, list[str]] = defaultdict(list)
    for code in wanted:
        parts[code] += [code] if code in staying else []
    split = set()
    for code, targets in moved.items():
        for target in targets:
            parts[target].append(code)
            split |= {target} if len(targets) > 1 else set()
    return {code: [] if code in split else parts[code] for code in wanted}


def _join(shapes: Mapping[str, BaseGeometry], parts: Sequence[str]) -> BaseGeometry | None:
    """The outline of several communes together; none if one is missing."""
    if not parts or not shapes.keys() >= set(parts):
        return None
    return shapes[parts[0]] if len(parts) == 1 else union_all([shapes[code] for code in parts])


def _join_arrondissements(shapes: dict[str, BaseGeometry]) -> None:
    """Outline of Paris, Lyon and Marseille where a file has their arrondissements only."""
    for commune, codes in ARRONDISSEMENTS.items():
        whole = _join(shapes, [str(code) for code in codes])
        if commune not in shapes and whole is not None:
            shapes[commune] = whole


# --- reading files ---------------------------------------------------------------------------


def _layout(path: Path, constat: str, remedy: str = "") -> LayoutError:
    return LayoutError("", None, RawFile(nom=path.name, genre="geojson"), constat, remedy)


def _read(path: Path, needed: set[str]) -> list[gpd.GeoSeries]:
    """Outlines of a file, by code: one series a layer."""
    with path.open("rb") as stream:
        head = stream.read(6)
    if head.startswith(b"PAR1"):
        return [_polygons(*_read_parquet(path, needed), needed, path)]
    if head == b"7z\xbc\xaf\x27\x1c":
        with unpacked(path) as files:
            return [
                _polygons(*_read_layer(str(file), path, needed), needed, path) for file in files
            ]
    if head.startswith(b"SQLite"):
        return [_polygons(*_read_layer(str(path), path, needed), needed, path)]
    gzipped = head.startswith(b"\x1f\x8b")
    source = f"/vsigzip/{path.resolve()}" if gzipped else str(path)
    return [_polygons(*_read_layer(source, path, needed, alone=True), needed, path)]


def _read_parquet(path: Path, needed: set[str]) -> tuple[gpd.GeoDataFrame, str]:
    """GeoParquet: the two columns of use, on the communes wanted."""
    import geopandas as gpd
    import pyarrow.parquet as pq

    with reading("", None, RawFile(nom=path.name, genre="parquet")):
        schema = pq.read_schema(path)
        geo = (schema.metadata or {}).get(b"geo")
        if geo is None:
            raise _layout(path, "ce n'est pas du GeoParquet : pas de description des géométries.")
        column = _code_column(schema.names, path)
        columns = [column, json.loads(geo)["primary_column"]]
        wanted = [(column, "in", sorted(needed))]
        return gpd.read_parquet(path, columns=columns, filters=wanted), column


def _read_layer(
    source: str, path: Path, needed: set[str], *, alone: bool = False
) -> tuple[gpd.GeoDataFrame, str]:
    """The layer of the communes, on the départements wanted if they are few.

    A GeoJSON file has one layer (``alone``): it is not listed, as opening it reads it whole.
    """
    import pyogrio

    try:
        layer = None if alone else _layer(pyogrio.list_layers(source)[:, 0], path)
        column = _code_column(pyogrio.read_info(source, layer=layer)["fields"], path)
        prefixes = sorted({code[:2] for code in needed})
        few = len(prefixes) <= _DEPARTEMENTS_FILTERED
        where = " OR ".join(f"\"{column}\" LIKE '{prefix}%'" for prefix in prefixes)
        table = pyogrio.read_dataframe(
            source, layer=layer, columns=[column], where=where if few else None, force_2d=True
        )
    except pyogrio.errors.DataSourceError as error:
        raise _layout(path, "il est tronqué, ou ce ne sont pas des contours.") from error
    return table, column


def _layer(offered: Sequence[str], path: Path) -> str:
    for name in offered:
        if len(offered) == 1 or name.lower() == _LAYER:
            return str(name)
    raise _layout(path, f"pas de couche « {_LAYER} ». Il offre : {', '.join(offered)}.")


def _code_column(offered: Iterable[str], path: Path) -> str:
    names = {str(name).lower(): str(name) for name in offered}
    if names.keys() & set(QPV_CODES):  # they name their communes too
        raise _layout(path, "ce sont des quartiers prioritaires, pas des communes.")
    for candidate in _CODES:
        if candidate in names:
            return names[candidate]
    raise _layout(
        path, f"colonne du code commune absente. Le fichier offre : {', '.join(names.values())}."
    )


def _polygons(table: gpd.GeoDataFrame, column: str, needed: set[str], path: Path) -> gpd.GeoSeries:
    """Valid outlines in longitude and latitude, by code."""
    shapes = table.set_index(table[column].astype("str")).geometry
    shapes = shapes[shapes.index.isin(needed) & shapes.notna()]
    others = set(shapes.geom_type) - _POLYGONS
    if others:
        raise _layout(
            path,
            f"géométries « {', '.join(sorted(others))} » au lieu de contours.",
            "Ajoutez geometry=contour à l'adresse : geo.api.gouv.fr donne des points par défaut.",
        )
    if shapes.crs is None or shapes.crs.equals(WGS_84, ignore_axis_order=True):
        shapes = shapes.set_crs(WGS_84, allow_override=True)
    shapes = shapes.to_crs(WGS_84)
    broken = ~shapes.is_valid
    shapes[broken] = shapes[broken].make_valid(method="structure", keep_collapsed=False)
    return shapes


@contextmanager
def unpacked(path: Path) -> Iterator[list[Path]]:
    """Files of the communes of a 7z archive, extracted beside it while they are read.

    Its GeoPackages (editions since 2025), else its shapefiles named COMMUNE.
    """
    import py7zr

    beside = path.parent if os.access(path.parent, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=beside, prefix=".contours-") as folder:
        try:
            with py7zr.SevenZipFile(path) as archive:
                members = archive.list()
                names = {PurePosixPath(member.filename): member for member in members}
                kept = [name for name in names if name.suffix.lower() == ".gpkg"]
                kept = kept or [name for name in names if name.stem.lower() == _LAYER]
                if any(name.is_absolute() or ".." in name.parts for name in names):
                    raise _layout(path, "l'archive sort de son dossier.")
                if sum(names[name].uncompressed for name in kept) > MEMBER_MAX:
                    raise _layout(path, "l'archive dépasse 4 Go une fois ouverte : refusée.")
                archive.extract(folder, targets=[names[name].filename for name in kept])
        except (py7zr.exceptions.ArchiveError, LZMAError, EOFError) as error:
            raise _layout(path, "il est tronqué ou abîmé.") from error
        files = [Path(folder) / name for name in kept if name.suffix.lower() in {".gpkg", ".shp"}]
        if not files:
            offered = ", ".join(name.name for name in list(names)[:8])
            raise _layout(path, f"ni GeoPackage ni couche COMMUNE ; l'archive offre : {offered}.")
        yield files
