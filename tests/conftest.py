"""What several tests need: the reference data that stands beside the project, and one build."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data():
    """Folder of publishers' files, kept out of the project (FRAGILITE_SHARED, else ../shared)."""
    folder = Path(os.environ.get("FRAGILITE_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"données de référence absentes : {folder} (voir CONTRIBUTING.md)")
    return folder
