"""Contents of files: is this the file it claims to be, and what may be taken out of it.

Publishers answer with an error page and status 200, cut a body short, or pack an archive that
escapes or swells. Everything is judged on the bytes; nothing here touches the network.
"""

from __future__ import annotations

import errno
import gzip
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

from fragilite.errors import FragiliteError
from fragilite.ingestion.progress import octets

if TYPE_CHECKING:
    from py7zr import SevenZipFile

Kind = Literal["zip", "7z", "csv", "json", "parquet", "xlsx", "geojson", "gz"]

GIB = 1024**3
#: The publishers' long CSV files shrink 20 to 60 times; a deflate bomb, a thousand times.
MAX_RATIO = 250
#: Below this size no ratio is worth an alarm.
SMALL = 64 * 1024**2

#: What Python's readers raise on a bad archive, besides an OSError when an offset is senseless.
_DAMAGE = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError, UnicodeDecodeError)
_HEAD = 4096
_SIGNATURES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gz",
    b"PAR1": "parquet",
}
_WORDS = {
    "zip": "une archive zip",
    "7z": "une archive 7z",
    "gz": "un fichier gzip",
    "parquet": "un fichier Parquet",
    "json": "du JSON",
    "html": "une page HTML",
    "xml": "un document XML",
    "text": "du texte",
    "empty": "un fichier vide",
    "unknown": "des octets inconnus",
}
_NATURES: dict[Kind, str] = {"csv": "text", "xlsx": "zip", "geojson": "json"}


class UnexpectedContentError(FragiliteError):
    """The bytes are not those of the file that was expected."""


def nature(head: bytes) -> str:
    r"""Tell what a file is from its first bytes.

    Examples
    --------
    >>> nature(b"PK\x03\x04\x14"), nature(b" <!DOCTYPE html>"), nature(b"CODGEO;P22_POP")
    ('zip', 'html', 'text')
    """
    for signature, found in _SIGNATURES.items():
        if head.startswith(signature):
            return found
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "empty"
    if text.startswith(b"<"):
        return "html" if re.search(rb"<(!doctype\s+)?html", text, re.IGNORECASE) else "xml"
    if text.startswith((b"{", b"[")):
        return "json"
    return "unknown" if b"\0" in text else "text"


def check_nature(head: bytes, kind: Kind) -> None:
    """Refuse first bytes that cannot begin a file of this kind.

    Raises
    ------
    UnexpectedContentError
        The message says what was expected, what was found, and quotes it when it is legible.
    """
    expected, found = _NATURES.get(kind, kind), nature(head)
    if found == expected:
        return
    quote = head.decode("utf-8", "replace") if found in {"html", "xml", "json"} else ""
    if title := re.search(r"<title>(.*?)</title>", quote, re.IGNORECASE | re.DOTALL):
        quote = title[1]
    quote = " ".join(quote.split())[:80]
    raise UnexpectedContentError(
        f"attendu {_WORDS[expected]}, trouvé {_WORDS[found]}" + (f" (« {quote} »)" if quote else "")
    )


def check_content(
    path: Path, kind: Kind, members: Iterable[str] = (), max_unpacked: int = 16 * GIB
) -> None:
    """Check that a file is whole, is of its kind, and holds the members it must hold.

    A zip or gzip file is decompressed to the end, which tests its checksums; of a 7z file the
    table of contents, which comes last, is read (its data are tested when they are extracted).

    Parameters
    ----------
    path : Path
        The file to judge.
    kind : Kind
        What it must be.
    members : iterable of str
        Names or globs of archive members, each of which must be found.
    max_unpacked : int
        Bytes, once decompressed, above which an archive is refused.

    Raises
    ------
    UnexpectedContentError
        If it is anything else; the message does not name the file.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        stream.seek(-min(_HEAD, path.stat().st_size), os.SEEK_END)
        tail = stream.read()
    check_nature(head, kind)
    whole = True
    with _legible():
        if kind in {"zip", "xlsx"}:
            required = [*members, "xl/workbook.xml"] if kind == "xlsx" else members
            _test_zip(path, required, max_unpacked)
        elif kind == "7z":
            with _open_7z(path) as archive:
                sizes = {info.filename: info.uncompressed for info in archive.list()}
            _test_names(sizes, members)
            _test_size(sum(sizes.values()), path, max_unpacked)
        elif kind == "gz":
            _test_gzip(path, max_unpacked)
        elif kind == "parquet":
            whole = tail.endswith(b"PAR1")
        elif kind in {"json", "geojson"}:
            whole = tail.rstrip().endswith((b"}", b"]"))
    if not whole:
        raise UnexpectedContentError(f"{_WORDS[_NATURES.get(kind, kind)]} coupé avant sa fin")
    if kind == "geojson" and b'"FeatureCollection"' not in head + tail:
        raise UnexpectedContentError("attendu une collection GeoJSON, trouvé un autre JSON")


def open_member(path: Path, pattern: str) -> BinaryIO:
    """Open the one member of a zip file that a name or a glob designates.

    Parameters
    ----------
    path : Path
        A zip file.
    pattern : str
        Name or glob, whatever the case, of the member or of its whole path in the archive.

    Returns
    -------
    BinaryIO
        The decompressed bytes, read as they come; nothing is written.

    Raises
    ------
    UnexpectedContentError
        If the archive is damaged, or holds no such member, or several.
    """
    with _legible(path), zipfile.ZipFile(path) as archive:
        _test_names(archive.namelist())
        # The stream keeps the file open by itself once the archive is closed.
        return cast(BinaryIO, archive.open(_only(archive.namelist(), pattern)))


def extract_7z(path: Path, member: str, into: Path, *, max_unpacked: int = 16 * GIB) -> Path:
    """Extract to disk the one member of a 7z file that a name or a glob designates.

    The checksum is tested; the file takes its place only once whole.

    Parameters
    ----------
    path : Path
        A 7z file.
    member : str
        Name or glob, as for `open_member`.
    into : Path
        Folder that receives the member, under its own name without folders.
    max_unpacked : int
        Bytes above which the member is refused.

    Returns
    -------
    Path
        The extracted file.

    Raises
    ------
    UnexpectedContentError
        If the archive is damaged, escapes from `into`, or holds no such member, or several.
    FragiliteError
        If the disk has no room for it.
    """
    into.mkdir(parents=True, exist_ok=True)
    with _legible(path), _open_7z(path) as archive:
        sizes = {info.filename: info.uncompressed for info in archive.list() if info.is_file}
        _test_names(sizes)
        name = _only(sizes, member)
        _test_size(sizes[name], path, max_unpacked)
        target = into / PurePosixPath(name).name
        if (free := shutil.disk_usage(into).free) < sizes[name]:
            raise FragiliteError(
                f"{target} : {octets(sizes[name])} nécessaires, {octets(free)} libres.",
                "Libérez de la place, ou changez de dossier avec --raw.",
            )
        aside = into / f".{target.name}.part"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            archive.extract(path=aside, targets=[name])
            (aside / name).replace(target)
        except OSError as error:
            raise disk_error(target, error) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return target


def disk_error(path: Path, error: OSError) -> FragiliteError:
    """Say in French why `path` cannot be read or written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return FragiliteError(
            f"{path} : plus de place sur le disque ; ce qui était là avant est intact.",
            "Libérez de la place, ou changez de dossier avec --raw, puis relancez.",
        )
    return FragiliteError(
        f"{path} : accès impossible ({error.strerror or error}).",
        "Vérifiez les droits du dossier, ou changez-en avec --raw.",
    )


@contextmanager
def _legible(path: Path | None = None) -> Iterator[None]:
    """Turn what damaged archives raise into one sentence, which names `path` if given."""
    remedy = "Reprenez le fichier par « fragilite fetch --update »." if path else ""
    where = f"{path} : " if path else ""
    try:
        yield
    except UnexpectedContentError as error:
        raise UnexpectedContentError(where + error.message, error.remedy or remedy) from error
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        raise UnexpectedContentError(
            f"{where}archive abîmée, coupée ou chiffrée ({error})", remedy
        ) from error


@contextmanager
def _open_7z(path: Path) -> Iterator[SevenZipFile]:
    try:
        import py7zr
    except ImportError as error:
        raise FragiliteError(
            f"{path} : lire une archive 7z demande la bibliothèque py7zr.",
            "Installez-la par « pip install py7zr ».",
        ) from error
    try:
        with py7zr.SevenZipFile(path) as archive:
            yield archive
    except (FragiliteError, OSError):
        raise
    except Exception as error:  # A damaged table of contents makes py7zr fail in any way.
        raise zipfile.BadZipFile(str(error) or type(error).__name__) from error


def _test_zip(path: Path, members: Iterable[str], max_unpacked: int) -> None:
    with zipfile.ZipFile(path) as archive:
        _test_names(archive.namelist(), members)
        # Python never reads a member beyond its declared size, so declared sizes bound the test.
        _test_size(sum(info.file_size for info in archive.infolist()), path, max_unpacked)
        if damaged := archive.testzip():
            raise UnexpectedContentError(f"archive abîmée : le membre {damaged} ne se relit pas")


def _test_gzip(path: Path, max_unpacked: int) -> None:
    unpacked = 0
    with gzip.open(path) as stream:
        while chunk := stream.read(1024**2):
            if not unpacked and nature(chunk[:_HEAD]) == "html":
                raise UnexpectedContentError("attendu des données, trouvé une page HTML compressée")
            unpacked += len(chunk)
            _test_size(unpacked, path, max_unpacked)


def _test_size(unpacked: int, path: Path, max_unpacked: int) -> None:
    packed = path.stat().st_size
    limit = min(max_unpacked, max(SMALL, MAX_RATIO * packed))
    if unpacked > limit:
        raise UnexpectedContentError(
            f"archive refusée : {octets(packed)} se déplient en plus de {octets(limit)}"
        )


def _test_names(names: Iterable[str], members: Iterable[str] = ()) -> None:
    names = list(names)
    if not names:
        raise UnexpectedContentError("archive vide")
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if not parts[0] or ".." in parts or re.match("[A-Za-z]:", name):
            raise UnexpectedContentError(
                f"archive refusée : le membre « {name} » sort de son dossier"
            )
    for pattern in members:
        if not _matching(names, pattern):
            raise _absent(names, pattern)


def _matching(names: Iterable[str], pattern: str) -> list[str]:
    wanted = pattern.lower()
    return [
        name
        for name in names
        if not name.endswith("/")
        and not name.startswith("__MACOSX/")
        and any(fnmatchcase(part.lower(), wanted) for part in (name, PurePosixPath(name).name))
    ]


def _absent(names: Iterable[str], pattern: str) -> UnexpectedContentError:
    shown = [name for name in names if not name.endswith("/")]
    listing = ", ".join(shown[:6]) + (", …" if len(shown) > 6 else "")
    return UnexpectedContentError(
        f"l'archive n'a pas le membre « {pattern} » attendu, elle contient : {listing or 'rien'}"
    )


def _only(names: Iterable[str], pattern: str) -> str:
    names = list(names)
    match _matching(names, pattern):
        case [name]:
            return name
        case []:
            raise _absent(names, pattern)
        case several:
            raise UnexpectedContentError(
                f"« {pattern} » désigne {len(several)} membres : {', '.join(several[:6])}"
            )
