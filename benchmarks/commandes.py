"""Whole-process time of the everyday commands, as a ratio to a floor measured in the same run.

    python benchmarks/commandes.py [--runs 7]

- `fragilite --help`, against a process that imports geopandas;
- `fragilite build --dept 49`, against a process that imports geopandas and writes the same tables
  to the same formats, read back from a pickle: no computation at all.

Commands alternate, so that a machine that slows down slows both. Medians are printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = """
import json, sys
import geopandas, pandas, pyogrio
folder = sys.argv[1]
layer, epci, package = pandas.read_pickle(f"{folder}/tables.pickle")
layer.to_parquet(f"{folder}/floor.parquet", index=False, schema_version="1.1.0",
                 write_covering_bbox=True, compression="zstd")
table = layer.drop(columns="geometry")
table.to_csv(f"{folder}/floor.csv", index=False)
table.to_csv(f"{folder}/floor_excel.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
epci.to_csv(f"{folder}/floor_epci.csv", index=False)
pyogrio.write_dataframe(layer, f"{folder}/floor.gpkg", layer="communes", driver="GPKG")
with open(f"{folder}/floor.json", "w") as file:
    json.dump(package, file, indent=1)
"""


def seconds(command: list[str]) -> float:
    """Wall time of one process, which must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def compare(name: str, command: list[str], floor: list[str], runs: int) -> None:
    """Time a command and its floor in turn, after one warm-up each."""
    seconds(command), seconds(floor)
    pairs = [(seconds(command), seconds(floor)) for _ in range(runs)]
    mine, base = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{name:<28} {mine:6.3f} s   plancher {base:6.3f} s   rapport {ratio:5.2f}")


def main() -> None:
    """Run both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    program = [sys.executable, "-m", "fragilite"]
    print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {runs} passages, médianes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _pickle_tables(folder)
        compare(
            "fragilite --help",
            [*program, "--help"],
            [sys.executable, "-c", "import geopandas"],
            runs,
        )
        compare(
            "fragilite build --dept 49",
            [*program, "build", "--dept", "49", "--output", name],
            [sys.executable, "-c", FLOOR, name],
            runs,
        )
        build = [*program, "build", "--dept", "49", "--output", name, "--overwrite"]
        compare("  contre --no-uncertainty", build, [*build, "--no-uncertainty"], runs)


def _pickle_tables(folder: Path) -> None:
    """What the floor writes: the tables of a real build."""
    import json

    import pandas as pd

    from fragilite import build, outputs

    built = build("49")
    outputs.write(built, folder)
    package = json.loads((folder / "fragilite_49.datapackage.json").read_text(encoding="utf-8"))
    tables = (outputs.geographic_layer(built), built.epci, package)
    pd.to_pickle(tables, folder / "tables.pickle")


if __name__ == "__main__":
    main()
