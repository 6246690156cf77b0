"""One file that a command writes where it is told: whole, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from fragilite.errors import FragiliteError, UsageError, reason


def check_target(path: Path, suffixes: Collection[str], *, overwrite: bool = False) -> None:
    """Refuse a file that cannot be written, before anything is computed.

    Parameters and errors are those of :func:`write_file`.
    """
    if path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{path} : un fichier {' ou '.join(suffixes)} est attendu, trouvé "
            f"« {path.suffix or 'rien'} ».",
            f"Donnez un nom comme {path.with_suffix(next(iter(suffixes))).name}.",
        )
    if path.exists() and not overwrite:
        raise UsageError(
            f"Le fichier {path} existe déjà : il n'est pas remplacé.",
            "Donnez un autre nom, ou ajoutez --overwrite.",
        )
    if not path.parent.is_dir():
        raise FragiliteError(
            f"Impossible d'écrire {path} : le dossier {path.parent} n'existe pas.",
            f"Créez-le : mkdir -p '{path.parent}'",
        )
    refuse_open(path)


def refuse_open(path: Path) -> None:
    """Refuse a file that a word processor or a spreadsheet has open, here or on a shared disk.

    Word and Excel leave ``~$`` beside it, in place of its first two letters where the name is long
    enough; LibreOffice leaves ``.~lock.NAME#``.
    """
    name = path.name
    marks = {f"~${name}", f"~${name[1:]}", f"~${name[2:]}", f".~lock.{name}#"}
    if any((path.parent / mark).exists() for mark in marks):
        raise FragiliteError(
            f"Le fichier {path} est ouvert dans un traitement de texte ou un tableur.",
            "Fermez-le, puis relancez la commande.",
        )


def write_file(
    path: Path,
    writer: Callable[[Path], object],
    suffixes: Collection[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write a file in one move.

    Parameters
    ----------
    path : Path
    writer : callable
        Writes into the path it is given, in a folder of its own.
    suffixes : collection of str
        Those the command writes, such as ``[".csv"]``.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    UsageError
        If the suffix is another one, or the file exists.
    FragiliteError
        If it cannot be written, or is open in a word processor.
    """
    write_together({path: writer}, suffixes, overwrite=overwrite)
    return path


def write_together(
    writers: Mapping[Path, Callable[[Path], object]],
    suffixes: Collection[str],
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write files of one folder, all of them or none: what was there is put back on an error.

    Parameters and errors are those of :func:`write_file`, for each file.
    """
    for path in writers:
        check_target(path, suffixes, overwrite=overwrite)
    first = next(iter(writers))
    try:
        with tempfile.TemporaryDirectory(prefix=".fragilite-", dir=first.parent) as folder:
            staged = Path(folder)
            for path, writer in writers.items():
                writer(staged / path.name)
            move_together(list(writers), staged)
    except OSError as error:
        raise FragiliteError(
            f"Impossible d'écrire {first} : {reason(error)}.", "Donnez un autre chemin."
        ) from error
    return list(writers)


def move_together(targets: Sequence[Path], staged: Path) -> None:
    """Move files from a folder to their places; put everything back if one cannot move.

    Parameters
    ----------
    targets : sequence of Path
        Where each goes, under the name it has in the folder.
    staged : Path
        A folder of the same disk, which also keeps what was there until all have moved.
    """
    former = staged / "former"
    former.mkdir()
    moved: list[Path] = []
    try:
        for target in targets:
            if target.exists():
                shutil.copy2(target, former / target.name)
            moved.append(target)
            (staged / target.name).replace(target)
    except BaseException:  # an interruption too must leave what was there
        for target in moved:
            if (former / target.name).exists():
                (former / target.name).replace(target)
            else:
                target.unlink(missing_ok=True)
        raise


def write_report(path: Path, text: str, suffix: str, *, overwrite: bool = False) -> Path:
    """Write a text in one move, as :func:`write_file` does."""
    return write_file(
        path, lambda staged: staged.write_bytes(text.encode("utf-8")), [suffix],
        overwrite=overwrite,
    )  # fmt: skip
