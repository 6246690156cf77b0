"""Priority neighbourhoods of the politique de la ville (QPV), laid over the IRIS by outline.

One national file: a GeoJSON, a GeoPackage or a shapefile, alone or in the zip of the ANCT, which
holds the three, for the whole country in longitude and latitude and for each territory apart. The
neighbourhoods follow streets and buildings, never the IRIS: what is measured is a share of area.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd

from fragilite.cog import WGS_84
from fragilite.ingestion.catalogue import RawFile
from fragilite.ingestion.lots import SEPARATOR
from fragilite.ingestion.outlines import QPV_CODES
from fragilite.ingestion.raw import LayoutError

if TYPE_CHECKING:
    import geopandas as gpd

SOURCE = "contours_qpv"
#: Columns of the code and of the name: perimeters of 2024, then other spellings documented.
COLUMNS = {
    "code_qpv": QPV_CODES,
    "nom_qpv": (
        "lib_qp", "nom_qp", "lib_qpv", "nom_qpv", "quartier_prioritaire",
        "noms_des_quartiers_prioritaires",
    ),
}  # fmt: skip
#: Forms of the outlines in the zip, the quickest to read first, and the name of the whole country.
FORMS, WHOLE_COUNTRY = (".gpkg", ".geojson", ".shp"), "wgs84"
#: A cylindrical projection that keeps areas, the same for every territory.
EQUAL_AREA = 6933
#: Share (%) of an IRIS under which a neighbourhood is not named: outlines of two publishers never
#: meet exactly, and one decimal shows no less.
LEAST_NAMED = 0.05
_POLYGONS = {"Polygon", "MultiPolygon"}


def read_outlines(path: Path, bounds: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    """Outlines of the neighbourhoods that meet a rectangle.

    Parameters
    ----------
    path : Path
        The zip of the ANCT, or the GeoJSON, GeoPackage or shapefile taken out of it.
    bounds : tuple of float
        West, south, east and north, in degrees.

    Returns
    -------
    GeoDataFrame
        ``nom_qpv`` and ``geometry`` (EPSG:4326), indexed by ``code_qpv``, in its order.

    Raises
    ------
    LayoutError
        If no layer has codes of neighbourhoods, or their shapes are not outlines.
    """
    import geopandas as gpd

    found = []
    for place, columns in _layers(path):
        table = gpd.read_file(place, columns=list(columns), force_2d=True).rename(columns=columns)
        table = table.set_crs(WGS_84) if table.crs is None else table.to_crs(WGS_84)
        found.append(table[table.geometry.notna()])
    if not found:
        raise _layout(path, f"colonne du code absente ({', '.join(COLUMNS['code_qpv'])}).")
    shapes = gpd.GeoDataFrame(pd.concat(found, ignore_index=True), crs=WGS_84)
    others = set(shapes.geom_type) - _POLYGONS
    if others:
        raise _layout(path, f"géométries « {', '.join(sorted(others))} » au lieu de contours.")
    codes = shapes["code_qpv"].astype("str")
    names = shapes.get("nom_qpv", codes)
    shapes = shapes.assign(code_qpv=codes, nom_qpv=names.fillna(codes).astype("str").str.strip())
    shapes = shapes.drop_duplicates("code_qpv").set_index("code_qpv").sort_index()
    west, south, east, north = bounds
    return shapes.cx[west:east, south:north][["nom_qpv", "geometry"]]


def is_outlines(path: Path) -> bool:
    """Whether a file has a layer of neighbourhoods."""
    return next(_layers(path), None) is not None


def _layers(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Where the layers of neighbourhoods are, with their columns → ours."""
    import pyogrio

    for place in _places(path):
        try:
            fields = pyogrio.read_info(place)["fields"]
        except pyogrio.errors.DataSourceError as error:
            raise _layout(path, "il est tronqué, ou ce ne sont pas des contours.") from error
        offered = {str(name).lower(): str(name) for name in fields}
        columns: dict[str, str] = {}
        for ours, known in COLUMNS.items():
            theirs = next((offered[name] for name in known if name in offered), None)
            columns |= {theirs: ours} if theirs else {}
        if "code_qpv" in columns.values():
            yield place, columns


def _places(path: Path) -> list[str]:
    """The files to read, as GDAL names them: of a zip, the whole country if it is there."""
    if not zipfile.is_zipfile(path):
        return [str(path)]
    with zipfile.ZipFile(path) as archive:
        names = [PurePosixPath(name) for name in sorted(archive.namelist())]
    names = [name for name in names if name.suffix.lower() in FORMS]
    names = [name for name in names if WHOLE_COUNTRY in name.stem.lower()] or names
    forms = {name.suffix.lower() for name in names}
    first = next((form for form in FORMS if form in forms), "")
    kept = [name for name in names if name.suffix.lower() == first]
    return [f"/vsizip/{{{path.resolve()}}}/{name}" for name in kept]


def _layout(path: Path, constat: str) -> LayoutError:
    return LayoutError(SOURCE, None, RawFile(nom=path.name, genre="zip"), constat)


def shares(iris: gpd.GeoSeries, quartiers: gpd.GeoDataFrame) -> pd.DataFrame:
    """How much of the area of each IRIS is in a neighbourhood, and which ones.

    Parameters
    ----------
    iris : GeoSeries
        Outlines of the IRIS.
    quartiers : GeoDataFrame
        As given by :func:`read_outlines`.

    Returns
    -------
    DataFrame
        With the index of `iris`: ``part_qpv`` (% of the area, what two neighbourhoods share being
        counted once; missing where there is no outline) and ``qpv`` (their names, the one that
        covers most first; ``""`` where there is none).
    """
    import shapely

    known = iris[iris.notna()].to_crs(EQUAL_AREA).make_valid()
    zones = quartiers.geometry.to_crs(EQUAL_AREA).make_valid()
    here, there = zones.sindex.query(known.to_numpy(), predicate="intersects")
    shapes, whole = known.to_numpy(), known.area.to_numpy()
    pieces = pd.DataFrame({"iris": here, "nom": quartiers["nom_qpv"].to_numpy()[there]})
    pieces["forme"] = shapely.intersection(shapes[here], zones.to_numpy()[there])
    pieces["part"] = 100 * shapely.area(pieces["forme"].to_numpy()) / whole[here]
    pieces = pieces.sort_values(["iris", "part", "nom"], ascending=[True, False, True])
    parts, names = [0.0] * len(known), [""] * len(known)
    for place in dict.fromkeys(here.tolist()):
        rows = pieces[pieces["iris"] == place]
        covered = 100 * shapely.area(shapely.union_all(rows["forme"].to_numpy())) / whole[place]
        parts[place] = min(float(covered), 100.0)
        names[place] = SEPARATOR.join(
            rows.loc[rows["part"] >= LEAST_NAMED, "nom"].drop_duplicates()
        )
    found = pd.DataFrame({"part_qpv": parts, "qpv": names}, index=known.index).reindex(iris.index)
    return found.assign(qpv=found["qpv"].fillna("").astype("str"))
