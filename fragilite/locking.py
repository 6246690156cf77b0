"""One process at a time in a folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fragilite.errors import FragiliteError


@contextmanager
def alone(
    folder: Path, name: str, patience: float, note: Callable[[str], None], command: str
) -> Iterator[None]:
    """Hold a folder for one process; the system frees it whatever becomes of the process.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    name : str
        File that stands for the hold; it is left there, empty.
    patience : float
        Longest wait for another process, in seconds.
    note : callable
        Told once of a wait.
    command : str
        What the other process is, for the messages.

    Raises
    ------
    FragiliteError
        If another process still holds it after `patience` seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("ab") as handle:
        end = time.monotonic() + patience
        waiting = False
        while not _try_lock(handle):
            if time.monotonic() >= end:
                raise FragiliteError(
                    f"{folder} est occupé depuis plus de {patience:.0f} s par un autre"
                    f" « {command} ».",
                    "Attendez sa fin ou arrêtez-le, puis relancez la commande.",
                )
            if not waiting:
                note(f"{folder} est occupé par un autre « {command} » : attente de sa fin.")
            waiting = True
            time.sleep(0.1)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: BinaryIO) -> bool:
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: BinaryIO) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
