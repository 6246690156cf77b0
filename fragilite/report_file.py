"""One file that a command writes where it is told: whole, or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fragilite.errors import FragiliteError, UsageError, reason


def check_target(path: Path, suffix: str, *, overwrite: bool = False) -> None:
    """Refuse a file that cannot be written, before anything is computed.

    Parameters and errors are those of :func:`write_report`.
    """
    if path.suffix.lower() != suffix:
        raise UsageError(
            f"{path} : un fichier {suffix} est attendu, trouvé « {path.suffix or 'rien'} ».",
            f"Donnez un nom comme {path.with_suffix(suffix).name}.",
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


def write_report(path: Path, text: str, suffix: str, *, overwrite: bool = False) -> Path:
    """Write a text into a file, in one move.

    Parameters
    ----------
    path : Path
    text : str
    suffix : str
        The only one the command writes, such as ``".csv"``.
    overwrite : bool
        Replace a file that exists.

    Raises
    ------
    UsageError
        If the suffix is another one, or the file exists.
    FragiliteError
        If it cannot be written.
    """
    check_target(path, suffix, overwrite=overwrite)
    try:
        with tempfile.TemporaryDirectory(prefix=".fragilite-", dir=path.parent) as folder:
            staged = Path(folder) / path.name
            staged.write_bytes(text.encode("utf-8"))
            staged.replace(path)
    except OSError as error:
        raise FragiliteError(
            f"Impossible d'écrire {path} : {reason(error)}.", "Donnez un autre chemin."
        ) from error
    return path
