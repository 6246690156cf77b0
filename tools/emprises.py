"""Write the bounds of each département, in degrees: what tells that a place is misplaced.

    python tools/emprises.py --from OUTLINES [--into fragilite/places/emprises.csv]

OUTLINES holds the outlines of all communes (``code_insee`` and geometry; IGN, Admin Express COG),
in any form that geopandas reads. Bounds are rounded outwards to a hundredth of a degree.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import geopandas as gpd

from fragilite.cog import departement_of, departements


def main() -> None:
    """Read the outlines, write the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="origin", type=Path, required=True)
    parser.add_argument("--into", type=Path, default=Path("fragilite/places/emprises.csv"))
    options = parser.parse_args()
    read = gpd.read_parquet if options.origin.suffix == ".parquet" else gpd.read_file
    outlines = read(options.origin).to_crs(4326)
    boxes = outlines.geometry.bounds.groupby(outlines["code_insee"].map(departement_of))
    low, high = boxes.min(), boxes.max()
    lines = ["code,ouest,sud,est,nord"]
    for code in sorted(departements()):
        west, south = (math.floor(low.at[code, side] * 100) / 100 for side in ("minx", "miny"))
        east, north = (math.ceil(high.at[code, side] * 100) / 100 for side in ("maxx", "maxy"))
        lines.append(f"{code},{west:.2f},{south:.2f},{east:.2f},{north:.2f}")
    options.into.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
