"""Execute the notebooks again and keep their results: python tools/notebooks.py [NAME …].

To be run when a notebook, the method or the bundled figures change: `tests/test_notebooks.py` finds
the ones whose results no longer are those of the program.
"""

import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
#: What a reader's program needs to open a notebook; the rest says which machine wrote it.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
#: Sentences are wrapped to the terminal: the same width everywhere, or results would differ.
WIDTH = {"COLUMNS": "80"}


def read(name: str) -> NotebookNode:
    """A notebook of the project, by its name without suffix."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def execute(notebook: NotebookNode) -> NotebookNode:
    """Execute a notebook in place, from its folder, without the traces of the machine."""
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    )
    client.execute(env=os.environ | WIDTH)
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def main(names: list[str]) -> None:
    """Execute some notebooks, all of them by default; each is written whole or not at all."""
    for name in names or sorted(path.stem for path in FOLDER.glob("*.ipynb")):
        path = FOLDER / f"{name}.ipynb"
        staged = path.with_suffix(".part")
        nbformat.write(execute(read(name)), staged)
        staged.replace(path)
        print(path.relative_to(FOLDER.parent))


if __name__ == "__main__":
    main(sys.argv[1:])
