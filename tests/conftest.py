"""What several tests need: the reference data that stands beside the project, and one build."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from fragilite.cli import main
from fragilite.pipeline import Build, build

# No test is timed (a busy machine is not a fault), and each run tries the same cases.
settings.register_profile("fragilite", deadline=None, derandomize=True)
settings.load_profile("fragilite")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data():
    """Folder of publishers' files, kept out of the project (FRAGILITE_SHARED, else ../shared)."""
    folder = Path(os.environ.get("FRAGILITE_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"données de référence absentes : {folder} (voir CONTRIBUTING.md)")
    return folder


@pytest.fixture(scope="session")
def bundled_49():
    """Read a file of figures bundled for Maine-et-Loire, by its name."""

    def read(name: str) -> pd.DataFrame:
        path = ROOT / "fragilite/bundled/49" / name
        table = pd.read_csv(path, dtype={"code_insee": str}, index_col="code_insee")
        return table.astype(float)

    return read


@pytest.fixture(scope="session")
def shared_oracle():
    """Folder of results computed by others, kept out of the project, as `shared_data` is."""
    folder = Path(os.environ.get("FRAGILITE_SHARED", ROOT.parent / "shared")) / "oracle"
    if not folder.is_dir():
        pytest.skip(f"résultats de référence absents : {folder} (voir CONTRIBUTING.md)")
    return folder


@pytest.fixture(scope="session")
def built() -> Build:
    """The index of Maine-et-Loire on the bundled figures."""
    return build("49")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command line in an empty folder; returns code, stdout, stderr."""

    def _run(*arguments, env=None):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("FRAGILITE_DATA", raising=False)
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["fragilite", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), *capsys.readouterr()

    return _run


@pytest.fixture
def process(tmp_path):
    """Run the command line as a process of its own, in an empty folder."""

    def _process(*arguments, **options):
        done = subprocess.run(
            [sys.executable, "-m", "fragilite", *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            **options,
        )
        return done.returncode, done.stdout, done.stderr

    return _process
