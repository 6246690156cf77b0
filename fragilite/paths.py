"""Where data lives: a project folder with ``data/raw`` and ``data/processed``."""

from __future__ import annotations

import os
from pathlib import Path


def data_dir() -> Path:
    """The data folder: ``$FRAGILITE_DATA``, else ``data`` in the current folder."""
    return Path(os.environ.get("FRAGILITE_DATA", "data"))


def raw_dir() -> Path:
    """Where the publishers' files are kept."""
    return data_dir() / "raw"


def processed_dir() -> Path:
    """Where results are written by default."""
    return data_dir() / "processed"
