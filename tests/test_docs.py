"""Documentation that is made from the data must not drift; every command is documented."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripts import script
from typer.main import get_command

from fragilite import __version__
from fragilite.cli import app
from fragilite.method import load_method

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def pages():
    return script("docs").pages()


def undrawn(page):
    """A page but for what was drawn: an audit's step 7 may move with the library that draws."""
    return re.sub(r"(?s)\n## 7\. .*?\n## 8\. ", "\n## 8. ", page)


@pytest.mark.parametrize(
    "path",
    [
        "docs/methode.md",
        "docs/dictionnaire.md",
        "docs/sources.md",
        "docs/temps.md",
        "docs/audit_49.md",
        "README.md",
    ],
)
def test_generated_pages_are_up_to_date(path, pages):
    found = (ROOT / path).read_text(encoding="utf-8")
    assert undrawn(found) == undrawn(pages[ROOT / path]), "relancez : python tools/docs.py"


def test_the_audit_of_france_says_what_its_figures_are():
    page = (ROOT / "docs/audit_france.md").read_text(encoding="utf-8")
    method = load_method().methode
    assert "**Chiffres reconstitués" in page
    assert f"Méthode {method.code} {method.version} " in page


def commands(group, above=()):
    """Every command, with the groups it is in."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*above, name))
        else:
            yield " ".join((*above, name))


@pytest.mark.parametrize("command", sorted(commands(get_command(app))))
def test_every_command_is_in_the_readme(command):
    assert f"fragilite {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_option_of_build_is_understood():
    """The README's own command line works, but for its output folder."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    line = re.search(r"fragilite (build --dept 49 --format .*)", readme)[1]
    options = set(re.findall(r"--[a-z-]+", line))
    done = subprocess.run(
        [sys.executable, "-m", "fragilite", "build", "--help"], capture_output=True, text=True
    )
    assert options <= set(re.findall(r"--[a-z-]+", done.stdout))


def test_links_of_the_readme_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)]+)\)", text):
            if not target.startswith("http"):
                assert (ROOT / target).exists(), target


def test_one_version_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {__version__}" in citation
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {__version__} — " in changelog


def test_readme_states_the_figures_of_the_build(built):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = built.communes.set_index("nom")
    for nom in ("La Pellerine", "Angers"):
        assert f"{table['indice'][nom]:.1f}".replace(".", ",") in readme
