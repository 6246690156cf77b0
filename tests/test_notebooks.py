"""The notebooks run from start to end, and say again what they were committed with."""

import re
from functools import cache

import matplotlib.font_manager  # noqa: F401  its first import ever says on stderr that it is slow
import pytest
from nbformat import NotebookNode
from scripts import script

NOTEBOOKS = ("comparer_les_methodes", "incertitude", "lire_les_donnees", "maine_et_loire")
#: How a path begins on the machine that wrote it, and the files of its kernel.
MACHINE = re.compile(r"/(home|Users|root|tmp|var|usr|opt|work|mnt|private)/|\b[A-Z]:\\|ipykernel_")


#: They are executed here as they are for those who edit them.
runner = script("notebooks")


@cache
def executed(name: str) -> NotebookNode:
    """Each notebook runs once for all that is checked of it."""
    return runner.execute(runner.read(name))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def said(cell: NotebookNode) -> tuple[str, list[tuple[str, str]]]:
    """What a cell prints, whole (it may come in several pieces), and the texts it shows."""
    printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
    shown = [
        (kind, output.data[kind])
        for output in cell.outputs
        if "data" in output
        for kind in ("text/markdown", "text/plain")
        if kind in output.data
    ]
    return printed, shown


def faults(notebook: NotebookNode) -> list[str]:
    """Errors and warnings that a reader would see."""
    return [
        output.get("text", output.get("evalue"))
        for output in outputs(notebook)
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def test_every_notebook_is_known():
    assert sorted(path.stem for path in runner.FOLDER.glob("*.ipynb")) == sorted(NOTEBOOKS)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_results_are_those_committed(name):
    committed, fresh = code_cells(runner.read(name)), code_cells(executed(name))
    assert any(cell.outputs for cell in committed), "notebook non exécuté"
    for before, after in zip(committed, fresh, strict=True):
        assert said(before) == said(after), f"relancez : python tools/notebooks.py {name}"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_fails_nor_warns(name):
    assert faults(runner.read(name)) == []
    assert faults(executed(name)) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_trace_of_a_machine(name):
    notebook = runner.read(name)
    for output in outputs(notebook):
        for kind, text in output.get("data", {"text": output.get("text", "")}).items():
            assert kind.startswith("image/") or not MACHINE.search(text), text
    assert not MACHINE.search("".join(cell.source for cell in notebook.cells))
    assert notebook.metadata == runner.METADATA
    assert not any("execution" in cell.metadata for cell in notebook.cells)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_picture_has_its_sentence(name):
    """A reader who cannot see a picture finds what it says just after it."""
    for cell in code_cells(runner.read(name)):
        kinds = ["image/png" in output.get("data", {}) for output in cell.outputs]
        for place, is_picture in enumerate(kinds):
            if is_picture:
                after = [output.get("data", {}) for output in cell.outputs[place + 1 :]]
                sentences = [data.get("text/markdown", "") for data in after]
                assert any(text.startswith("*En texte") for text in sentences), cell.source


# Orée d'Anjou has no figure of people of 80 or more living alone; Béhuard has 115 inhabitants.
@pytest.mark.parametrize("commune", ["Orée d'Anjou", "Béhuard"])
def test_the_workshop_sheet_serves_another_commune(commune):
    notebook = runner.read("lire_les_donnees")
    (choice,) = [cell for cell in code_cells(notebook) if cell.source.startswith("COMMUNE = ")]
    choice.source = f'COMMUNE = "{commune}"'
    sheet = runner.execute(notebook)
    texts = [text for cell in code_cells(sheet) for kind, text in said(cell)[1]]
    assert faults(sheet) == []
    assert any(text.startswith(f"### {commune}") for text in texts)
    assert not any("nan" in re.findall(r"\w+", text) or "None" in text for text in texts)


def test_the_workshop_sheet_hides_its_code():
    visible = [
        cell.source
        for cell in code_cells(runner.read("lire_les_donnees"))
        if not cell.metadata.get("jupyter", {}).get("source_hidden")
        or "hide-input" not in cell.metadata.get("tags", [])
    ]
    assert len(visible) == 1 and visible[0].startswith("COMMUNE = ")
