"""Write the files of a build: all of them, or none."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fragilite.errors import FragiliteError, UsageError, reason
from fragilite.locking import alone
from fragilite.pipeline import COMMUNE, IRIS
from fragilite.report_file import move_together

if TYPE_CHECKING:
    import geopandas as gpd

    from fragilite.pipeline import Build
    from fragilite.trend import Trend

#: Every format, and those written where none is asked for.
FORMATS = ("parquet", "csv", "excel", "xlsx", "gpkg", "html")
#: Those that draw outlines.
MAPS = {"parquet", "gpkg"}
DEFAULT_FORMATS = ("parquet", "csv", "excel", "gpkg")
#: Names and digests of what the program wrote in a folder: any other file there is not ours.
REGISTER = ".fragilite.json"
#: Two builds may not move their files into one folder at the same time.
LOCK, WAIT = ".fragilite.lock", 60.0
#: What a full disk answers.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
#: Bytes of a GeoPackage that opening it in QGIS changes, without any edit: journal mode, change
#: counter, version-valid-for and SQLite version (SQLite file format, section 1.3).
VOLATILE = ((18, 20), (24, 28), (92, 100))


def parse_formats(text: str) -> list[str]:
    """Read ``parquet,csv``; raise :class:`UsageError` on a name that is not a format."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise UsageError(
            f"Format inconnu : « {', '.join(unknown) or text} ».",
            f"Formats attendus, séparés par des virgules : {', '.join(FORMATS)}.",
        )
    return list(dict.fromkeys(names))


def parse_crs(text: str) -> str:
    """Read ``2154`` or ``EPSG:4326`` and return ``EPSG:<code>``."""
    import pyproj

    code = text.strip().upper().removeprefix("EPSG:")
    try:
        found = pyproj.CRS.from_epsg(int(code))
    except (ValueError, pyproj.exceptions.CRSError) as error:
        raise UsageError(
            f"Système de coordonnées inconnu : « {text} ».",
            "Donnez un code EPSG, comme 2154 (Lambert-93) ou 4326 (longitude, latitude).",
        ) from error
    if not (found.is_projected or found.is_geographic) or len(found.axis_info) != 2:
        raise UsageError(
            f"EPSG:{code} n'est pas un système de coordonnées de carte ({found.type_name}).",
            "Donnez un code EPSG à deux dimensions, comme 2154 ou 4326.",
        )
    return f"EPSG:{found.to_epsg()}"


def output_folder(folder: Path, *, default: bool) -> Path:
    """The output folder, made if it is the default one or if only its last level is missing.

    Raises
    ------
    FragiliteError
        If it cannot be made, is not a folder or refuses to be written in.
    """
    try:
        if not folder.exists() and not default and not folder.parent.is_dir():
            raise FragiliteError(
                f"Dossier de sortie introuvable : {folder} ({folder.parent} n'existe pas).",
                f"Créez-le : mkdir -p '{folder.parent}'",
            )
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, UnicodeError) as error:
        raise FragiliteError(
            f"Impossible d'écrire dans le dossier {folder} : {reason(error)}.",
            "Choisissez-en un autre avec --output DOSSIER.",
        ) from error
    return folder


def write(
    build: Build,
    folder: Path,
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    crs: str | None = None,
    overwrite: bool = False,
    trend: Trend | None = None,
) -> list[Path]:
    """Write the files of a build into a folder, everything or nothing.

    Files are made in a staging folder beside their place, then moved one by one, the data package
    last; if a move fails, what was there before is put back.

    Parameters
    ----------
    build : Build
    folder : Path
        Must exist.
    formats : sequence of str
        Among :data:`FORMATS`; the EPCI table and the data package are always written.
    crs : str, optional
        Coordinate system of the geographic files, else the legal projection of the territory.
    overwrite : bool
        Replace files of the same name that the program did not write, or that were changed since.
    trend : Trend, optional
        What changed: a layer, a sheet and a table of its own.

    Returns
    -------
    list of Path
        The files, in a stable order.

    Raises
    ------
    FragiliteError
        If a file cannot be written, or a foreign file stands in the way.
    """
    with (
        _plain_errors(folder),
        tempfile.TemporaryDirectory(prefix=".fragilite-", dir=folder) as temporary,
    ):
        staging = Path(temporary)
        for name, writer in writers(build, formats, crs, trend):
            writer(staging / name)
        files = sorted(path for path in staging.iterdir() if path.is_file())
        package = staging / f"{build.nom}.datapackage.json"
        from fragilite.outputs import datapackage

        datapackage.write(build, files, package, trend)
        files.append(package)
        with alone(folder, LOCK, WAIT, _unsaid, "fragilite build"):
            _refuse_foreign([folder / file.name for file in files], folder, overwrite=overwrite)
            _move(files, folder, staging)
    return [folder / file.name for file in files]


def method_there(build: Build, folder: Path) -> str:
    """Another method whose results for the same territory are in a folder, ``""`` if none is."""
    path = folder / f"{build.nom}.datapackage.json"
    try:
        there = json.loads(path.read_text(encoding="utf-8"))["fragilite"]["methode"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    same = there.get("code") == build.method.methode.code
    return "" if same else f"{there.get('code')} {there.get('version')}"


def stale_files(build: Build, folder: Path, written: Sequence[Path]) -> list[Path]:
    """Files of an earlier build of the same territory that this one did not write again."""
    names = {path.name for path in written}
    return [
        folder / name
        for name in sorted(_register(folder))
        if name.startswith(f"{build.nom}.") or name.startswith(f"{build.nom}_")
        if name not in names and (folder / name).exists()
    ]


def writers(
    build: Build, formats: Sequence[str], crs: str | None = None, trend: Trend | None = None
) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Names of the files of a build with what writes each of them, but for the data package."""
    from fragilite.outputs import (
        geopackage,
        geoparquet,
        report,
        style,
        table_schema,
        tables,
        workbook,
    )

    stem = build.nom
    formats = written(build, formats)
    if {"parquet", "gpkg"} & set(formats):
        layer = geographic_layer(build, crs)
    if "parquet" in formats:
        yield f"{stem}.parquet", lambda path: geoparquet.write(build, layer, path)
        yield f"{stem}.qml", lambda path: style.write(build, path)
    if "csv" in formats:
        yield f"{stem}.csv", lambda path: tables.write_csv(build, path)
        yield f"{stem}.csvt", lambda path: tables.write_csvt(build, path)
        yield f"{stem}.schema.json", lambda path: table_schema.write(build, path)
    if "excel" in formats:
        yield f"{stem}_excel.csv", lambda path: tables.write_excel_csv(build, path)
    if "xlsx" in formats:
        yield f"{stem}.xlsx", lambda path: workbook.write(build, path, trend)
    if "gpkg" in formats:
        yield f"{stem}.gpkg", lambda path: geopackage.write(build, layer, path, trend)
    if "html" in formats:
        yield f"{stem}.html", lambda path: report.write(build, path)
    if build.niveau == COMMUNE:
        yield f"{stem}_epci.csv", lambda path: tables.write_epci(build, path)
    if trend is not None:
        yield f"{stem}_changement.csv", lambda path: tables.write_changes(trend, path)


def written(build: Build, formats: Sequence[str]) -> list[str]:
    """Formats that can say the level of a build, of those asked for.

    The page is made for communes; a map needs outlines.

    Raises
    ------
    UsageError
        If none is left.
    """
    left = _left(build, formats)
    kept = [name for name in formats if name not in left]
    if not kept:
        raise UsageError(
            f"{unwritten(build, formats)}", "Demandez --format csv,excel,xlsx, ou --level commune."
        )
    return kept


def _left(build: Build, formats: Sequence[str]) -> list[str]:
    """Formats that cannot say the level of a build."""
    if build.niveau == COMMUNE:
        return []
    outlined = build.niveau == IRIS and build.iris is not None and build.iris.outlined
    return [name for name in formats if name == "html" or (name in MAPS and not outlined)]


def unwritten(build: Build, formats: Sequence[str]) -> str:
    """Which formats cannot say the level of a build, and why; ``""`` where all can."""
    left = _left(build, formats)
    maps = " ni de ".join(name for name in left if name in MAPS)
    lines = [f"Pas encore de html à l'échelon {build.niveau}."] if "html" in left else []
    if maps and build.niveau == IRIS:
        lines.append(
            f"Contours des IRIS absents : pas de {maps} (fragilite fetch contours_iris, ou déposez "
            "l'archive CONTOURS-IRIS de l'IGN dans le dossier de --raw)."
        )
    elif maps:
        lines.append(f"Pas encore de contours à l'échelon {build.niveau} : pas de {maps}.")
    return " ".join(lines)


def geographic_layer(build: Build, crs: str | None = None) -> gpd.GeoDataFrame:
    """Communes with their outlines, in the legal projection of the territory or in `crs`."""
    import geopandas as gpd

    outlines = build.inputs.contours()
    layer = gpd.GeoDataFrame(
        build.communes, geometry=outlines.geometry.to_numpy(), crs=outlines.crs
    )
    return layer.to_crs(crs) if crs and layer.crs.to_epsg() != int(crs[5:]) else layer


# --- moving ----------------------------------------------------------------------------------


def _unsaid(_: str) -> None:
    """Two builds wait for each other in silence: it is a matter of a second."""


def _digest(path: Path) -> str:
    """Digest of a file's content; of a GeoPackage, but for what merely opening it changes."""
    content = path.read_bytes()
    if path.suffix == ".gpkg":
        header = bytearray(content[:100])
        for start, end in VOLATILE:
            header[start:end] = bytes(end - start)
        content = bytes(header) + content[100:]
    return hashlib.sha256(content).hexdigest()


def _register(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / REGISTER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_foreign(targets: Sequence[Path], folder: Path, *, overwrite: bool) -> None:
    """Stop before replacing a file that the program did not write, or that somebody changed."""
    known = _register(folder)
    for target in targets:
        if target.is_dir():
            raise FragiliteError(
                f"Un dossier porte le nom du fichier à écrire : {target}.",
                "Déplacez-le, ou choisissez un autre dossier avec --output.",
            )
        if overwrite or not target.exists():
            continue
        if known.get(target.name) != _digest(target):
            what = (
                "a été modifié depuis"
                if target.name in known
                else "n'a pas été écrit par fragilite"
            )
            raise FragiliteError(
                f"Le fichier {target} existe déjà et {what} : il n'est pas remplacé.",
                "Déplacez-le, choisissez un autre dossier avec --output, ou ajoutez --overwrite.",
            )


def _move(files: Sequence[Path], folder: Path, staging: Path) -> None:
    """Move files to their place, the register last, all or none."""
    register = staging / REGISTER
    digests = _register(folder) | {file.name: _digest(file) for file in files}
    register.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    move_together([folder / file.name for file in [*files, register]], staging)


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    """Turn the errors of writers (files, GDAL, SQLite, Arrow) into one French line."""
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        yield
    except (OSError, UnicodeError, sqlite3.Error, DataLayerError, DataSourceError) as error:
        full = _disk_is_full(folder) or getattr(error, "errno", None) in FULL
        why = "disque plein" if full else reason(error)
        raise FragiliteError(
            f"Écriture impossible dans {folder} : {why}. "
            "Rien n'a été remplacé : les fichiers d'avant sont intacts.",
            f"{'Libérez de la place ou choisissez' if full else 'Choisissez'} un autre dossier "
            "avec --output.",
        ) from error


def _disk_is_full(folder: Path) -> bool:
    """Whether less than 1 MB is free: GDAL and SQLite do not always say why they stopped."""
    try:
        return shutil.disk_usage(folder).free < 1_000_000
    except OSError:
        return False
