"""Make the pictures of the README again: what QGIS, a browser and a word processor really show.

    python tools/images.py

The tests of `tests/viewers` open the files and picture them; the ones shown are kept in
docs/images, in 256 colours: a third of their weight, and no difference to the eye.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
#: Picture of the tests → name in docs/images, and its width in pixels.
SHOWN = {
    "rapport_telephone_fiche.png": ("rapport_telephone.png", 390),
    "qgis_49_communes_0.png": ("qgis.png", 1000),
    "dossier_epci_1.png": ("dossier.png", 600),
    "carte_indice.png": ("carte_49.png", 1200),
}


def main() -> None:
    """Run the tests that look, then keep what the README shows."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/viewers"],
            cwd=ROOT, check=True, env=os.environ | {"FRAGILITE_IMAGES": folder},
        )  # fmt: skip
        for source, (name, width) in SHOWN.items():
            image = Image.open(Path(folder) / source).convert("RGB")
            image.thumbnail((width, 10 * width))
            target = ROOT / "docs/images" / name
            image.quantize(256).save(target, optimize=True)
            print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()
