"""Time and memory of measuring 4G coverage, on maps drawn at random in ARCEP's layout.

    python benchmarks/couverture_4g.py --contours communes.parquet [--departements 44,49,53,85]

ARCEP's own maps (a few hundred megabytes an operator) are not at hand. Maps of three levels are
drawn as noise on a grid of 100 m, packed as ARCEP packs them, then measured in a process of its
own, whose peak memory is printed. Twice: with one row a polygon, and with one row a département and
level, which is how the real files are thought to be.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import pandas as pd
import py7zr
import shapely

from fragilite.cog import LAMBERT_93, departement_of
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.mobile_coverage import measure

CELL = 100.0
LEVELS = {"TBC": (0.0, 0.5), "BC": (0.5, 0.7), "CL": (0.7, 0.85)}


def noise(bounds: np.ndarray, seed: int, smooth: float) -> np.ndarray:
    """Random relief on the grid, as ranks between 0 and 1."""
    width, height = np.ceil((bounds[2:] - bounds[:2]) / CELL).astype(int)
    relief = np.random.default_rng(seed).standard_normal((height, width))
    wave = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[None] ** 2
    relief = np.fft.ifft2(np.fft.fft2(relief) * np.exp(-smooth * wave)).real
    return relief.ravel().argsort().argsort().reshape(relief.shape) / relief.size


def shapes(mask: np.ndarray, bounds: np.ndarray) -> shapely.Geometry:
    """Outline of the cells of a mask, from their runs along each line."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(edges == 1)
    _, last = np.nonzero(edges == -1)
    west, south = bounds[:2]
    boxes = shapely.box(
        west + first * CELL, south + row * CELL, west + last * CELL, south + (row + 1) * CELL
    )
    return shapely.union_all(boxes)


def draw(contours: gpd.GeoDataFrame, smooth: float) -> gpd.GeoDataFrame:
    """Map of an operator over some départements, one row a département and level."""
    rows = []
    grouped = contours.groupby(contours["code_insee"].map(departement_of))
    for seed, (code, ground) in enumerate(grouped):
        bounds = ground.total_bounds
        rank = noise(bounds, seed, smooth)
        rows += [
            (level, code, shapes((rank >= low) & (rank < high), bounds))
            for level, (low, high) in LEVELS.items()
        ]
    table = pd.DataFrame(rows, columns=["niveau", "dept", "geometry"])
    table = table.assign(operateur=20801, date="2026-03-31", techno="4G", usage="data")
    return gpd.GeoDataFrame(table, crs=LAMBERT_93)


def worker(archive: Path, contours: Path, departements: set[str]) -> None:
    """Measure one archive, and print what it took."""
    file = RawFile(nom=archive.name, genre="7z", filtres={"operateur": ["20801"]})
    vintage = Vintage(
        millesime="2026_T1",
        cog=2025,
        mise_en_page="couverture",
        donnees_au="2026-03-31",
        fichiers=[file],
    )
    outlines = read_outlines(contours, departements)
    start = time.perf_counter()
    result = measure("arcep_4g", vintage, {file.nom: archive}, outlines, 2025)
    seconds = time.perf_counter() - start
    peak = peak_memory()
    total = result.table.values.sum()
    print(
        f"{seconds:6.1f} s, {peak:5.0f} Mo au plus, {len(outlines)} communes, "
        f"{total['surface_4g_km2'] / total['surface_km2']:.4f} couvert"
    )


def peak_memory() -> float:
    """Peak of this process, in MB; getrusage would give that of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


def read_outlines(path: Path, departements: set[str]) -> gpd.GeoDataFrame:
    """Outlines of some départements."""
    table = gpd.read_parquet(path)[["code_insee", "geometry"]]
    return table[table["code_insee"].map(departement_of).isin(departements)]


def main() -> None:
    """Draw, pack, and measure in another process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--contours", type=Path, required=True)
    parser.add_argument("--departements", default="44,49,53,85")
    parser.add_argument("--lissage", type=float, default=60, help="petit : plus de polygones")
    parser.add_argument("--archive", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    departements = set(given.departements.split(","))
    if given.archive:
        worker(given.archive, given.contours, departements)
        return
    contours = read_outlines(given.contours, departements).to_crs(LAMBERT_93)
    whole = draw(contours, given.lissage)
    with TemporaryDirectory() as folder:
        for title, table in (
            ("un polygone par ligne", whole.explode(ignore_index=True)),
            ("une ligne par département et niveau", whole),
        ):
            bare, archive = Path(folder, "carte.gpkg"), Path(folder, "carte.gpkg.7z")
            table.to_file(bare, driver="GPKG", layer="carte")
            with py7zr.SevenZipFile(archive, "w") as packed:
                packed.write(bare, bare.name)
            vertices = shapely.get_num_coordinates(table.geometry.to_numpy()).sum()
            print(
                f"{title} : {len(table)} lignes, {vertices / 1e6:.2f} M de sommets, "
                f"{bare.stat().st_size / 1e6:.0f} Mo",
                flush=True,
            )
            bare.unlink()
            subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--archive", archive], check=True
            )
            archive.unlink()


if __name__ == "__main__":
    main()
