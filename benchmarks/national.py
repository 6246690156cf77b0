"""All of France, from the publishers' files on disk to GeoParquet and CSV, against its floor.

    python benchmarks/national.py --raw FOLDER [--runs 3] [-- --vintage … --without …]

FOLDER is a `data/raw` that holds every file (`--offline`). The floor reads the same bytes with
pandas, pyarrow and pyogrio (every table whole, the outlines too) and writes the same frame to the
same two formats: no carrying, no check, no score. Each runs as a process of its own, in turn; wall
time and peak memory are the medians.

Then: growth from one département to 101, and the scoring engine alone on 350 000 and 3.5 million
rows (the order of the 200 m grid).
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = """
import sys, io, gzip, zipfile
from pathlib import Path
import geopandas, pandas, pyarrow.parquet
raw, frame, into = map(Path, sys.argv[1:4])
def table(stream, sep):
    return pandas.read_csv(stream, sep=sep, dtype=str, low_memory=False, encoding_errors="replace")
for path in sorted(raw.rglob("*")):
    if path.is_dir() or path.name.startswith(".") or path.suffix == ".json":
        continue
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.lower().endswith(".csv") and not name.startswith("meta"):
                    table(archive.open(name), ";")
    elif path.suffix == ".xlsx":
        pandas.read_excel(path, sheet_name=None, engine="calamine")
    elif path.suffix == ".parquet":
        geopandas.read_parquet(path)
    elif path.suffix in {".geojson", ".gz"}:
        geopandas.read_file(path)
    else:
        table(path, "," if path.name.startswith("v_") else ";")
layer = geopandas.read_parquet(frame)
layer.to_parquet(into / "floor.parquet", index=False, schema_version="1.1.0",
                 write_covering_bbox=True, compression="zstd")
layer.drop(columns="geometry").to_csv(into / "floor.csv", index=False)
"""


def run(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak memory (MB) of one process, which must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    if status:
        raise SystemExit(f"échec : {' '.join(command)}")
    return elapsed, usage.ru_maxrss / 1024


def compare(name: str, command: list[str], floor: list[str], runs: int) -> None:
    """Time a command and its floor in turn, after one warm-up each."""
    run(command), run(floor)
    pairs = [(run(command), run(floor)) for _ in range(runs)]
    mine = statistics.median(pair[0][0] for pair in pairs)
    base = statistics.median(pair[1][0] for pair in pairs)
    ratio = statistics.median(pair[0][0] / pair[1][0] for pair in pairs)
    memory = max(pair[0][1] for pair in pairs)
    print(
        f"{name:<24} {mine:6.2f} s  plancher {base:6.2f} s  rapport {ratio:4.2f}  {memory:5.0f} Mo"
    )


def growth(base: list[str]) -> None:
    """Wall time from one département to all."""
    for label, where in (
        ("1 département", ["--dept", "49"]),
        ("5 départements", ["--region", "52"]),
        ("13 départements", ["--region", "76"]),
        ("101 départements", ["--france"]),
    ):
        seconds, memory = run([*base, *where])
        print(f"{label:<24} {seconds:6.2f} s  {memory:5.0f} Mo")


def engine(sizes: list[int]) -> None:
    """Time of `scoring.score` alone, on rows drawn at random."""
    import numpy as np
    import pandas as pd

    from fragilite.method import load_method
    from fragilite.scoring import score

    method = load_method()
    for size in sizes:
        rng = np.random.default_rng(0)
        values = pd.DataFrame(
            rng.uniform(0, 100, (size, len(method.indicateurs))), columns=list(method.indicateurs)
        )
        start = time.perf_counter()
        score(values, method)
        elapsed = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"moteur, {size:>9,} lignes {elapsed:8.2f} s  {peak:5.0f} Mo".replace(",", " "))


def main() -> None:
    """Run the three measures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cœurs, {given.runs} passages")
    with tempfile.TemporaryDirectory() as name:
        base = [
            sys.executable, "-m", "fragilite", "build", "--offline", "--raw", str(given.raw),
            "--output", name, "--format", "parquet,csv", *given.options,
        ]  # fmt: skip
        run([*base, "--france"])
        frame = Path(name) / "fragilite_france.parquet"
        floor = [sys.executable, "-c", FLOOR, str(given.raw), str(frame), name]
        compare("build --france", [*base, "--france"], floor, given.runs)
        growth(base)
    engine([35_000, 350_000, 3_500_000])


if __name__ == "__main__":
    main()
