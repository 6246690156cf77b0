"""The lock file of ``data/raw``, and the right of one process at a time to change that folder."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from fragilite.errors import FragiliteError

LOCK_NAME = "sources.lock.json"


class Record(BaseModel):
    """What is known of a file taken; `url` and `final_url` are empty if it was dropped by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    taken_at: datetime
    url: str = ""
    final_url: str = ""
    sha256: str = ""
    size: int
    etag: str = ""
    last_modified: str = ""

    @property
    def validator(self) -> str:
        """Give what tells that a file is still the same: a strong ETag, or else its date."""
        return self.last_modified if self.etag.startswith("W/") else self.etag or self.last_modified


class SourcesLock(BaseModel):
    """The lock file: one record per file, under its path in ``data/raw``."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    files: dict[str, Record] = {}

    @classmethod
    def read(cls, raw: Path) -> SourcesLock:
        """Read the lock file of a folder; empty if there is none.

        Raises
        ------
        FragiliteError
            If there is one and it is not legible.
        """
        path = raw / LOCK_NAME
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return cls()
        except (OSError, ValidationError) as error:
            detail = error.strerror if isinstance(error, OSError) else error.errors()[0]["msg"]
            raise FragiliteError(
                f"{path} est illisible ({detail}).",
                "Remettez-en une copie saine, ou lancez « fragilite fetch », qui le refait d'après"
                " les fichiers présents.",
            ) from error

    @classmethod
    def read_if_legible(cls, raw: Path) -> SourcesLock:
        """Read the lock file; one that is not legible says nothing, and `fetch` will mend it."""
        try:
            return cls.read(raw)
        except FragiliteError:
            return cls()

    @classmethod
    def read_or_set_aside(cls, raw: Path, note: Callable[[str], None]) -> SourcesLock:
        """Read the lock file; if it is not legible, keep it under another name and start anew."""
        try:
            return cls.read(raw)
        except FragiliteError as error:
            aside = raw / f"{LOCK_NAME}.illisible-{time.time_ns()}"
            (raw / LOCK_NAME).replace(aside)
            note(
                f"{error.message} Il est gardé sous {aside.name} et refait d'après les fichiers"
                " présents ; pour retrouver l'ancien, corrigez cette copie et remettez-la en place."
            )
            return cls()

    def write(self, raw: Path) -> None:
        """Replace the lock file of a folder at one stroke."""
        path = raw / LOCK_NAME
        aside = path.with_name(f"{LOCK_NAME}.part")
        with aside.open("w", encoding="utf-8") as stream:
            stream.write(self.model_dump_json(indent=2) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)


def now() -> datetime:
    """Give the time, in UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def digest(path: Path) -> str:
    """Compute the sha256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
