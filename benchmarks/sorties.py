"""Time and weight of each output, against the plainest file of the same table in the same run.

    python benchmarks/sorties.py [--runs 5]
    python benchmarks/sorties.py --dept 62 --raw FOLDER [--vintage …] [--without …]

The floor is `DataFrame.to_csv` of the communes. Each writer runs once unmeasured (imports), then in
turn with the floor, in one process; medians. Outlines and the plane of the maps are read before.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from fragilite import build, outputs
from fragilite.ingestion.options import Options, parse_pins
from fragilite.outputs import dossier, picture
from fragilite.pipeline import Build
from fragilite.subject import of_departements


def seconds(action: Callable[[], object]) -> float:
    """Wall time of an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def writers(built: Build) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Every file of `build`, then those of the commands that show and share."""
    yield from outputs.writers(built, outputs.FORMATS)
    for suffix in ("png", "svg", "pdf"):
        yield f"carte.{suffix}", lambda path: picture.write(built, path)
    subject = of_departements(built)
    yield "dossier.docx", lambda path: dossier.write(built, path, subject, overwrite=True)


def main() -> None:
    """Measure every output of one territory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--dept", default="49")
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--vintage", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    given = parser.parse_args()
    options = Options(
        given.raw, offline=True, pins=parse_pins(given.vintage), without=frozenset(given.without)
    )
    built = build(given.dept, options=options)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {given.runs} passages, "
        f"médianes ; {built.inputs.territory.libelle}, {len(built.communes)} communes"
    )
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plancher.csv"
        for name, writer in writers(built):
            path = Path(folder) / name
            writer(path)
            pairs = [
                (seconds(partial(writer, path)), seconds(partial(built.communes.to_csv, plain)))
                for _ in range(given.runs)
            ]
            mine = statistics.median(pair[0] for pair in pairs)
            ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
            weight = path.stat().st_size / 1000
            print(f"{name:<28} {weight:8.0f} ko  {mine:6.2f} s  {ratio:6.1f} fois to_csv")


if __name__ == "__main__":
    main()
