"""Bundle the distribution of each indicator over the communes of France.

    python tools/france.py --raw FOLDER --label "reconstitué, RP 2022" [--vintage …]
        [--surface-4g FILE]

builds all of France from the publishers' files of a folder, with the options `--vintage` and
`--without` of `fragilite build`, by every method of the program, and writes
`fragilite/bundled/france.json`: 101 percentiles, mean and standard deviation of each indicator, and
of each node of the default method. No figure of a commune is kept. `--surface-4g` is a table of the
share of each commune's surface that the least covering operator covers (`code`, `tx_4G_min`).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from fragilite.distribution import Distribution
from fragilite.ingestion.options import Options, parse_pins
from fragilite.inputs import population
from fragilite.method import DEFAULT, available_methods
from fragilite.national import as_json, distribution, distributions
from fragilite.pipeline import Build, build
from fragilite.territory import parse_territory

#: Shares that the reconstructed files only fill: their distribution would be false.
FILLERS = {"part_15_29"}
TARGET = Path(__file__).resolve().parents[1] / "fragilite/bundled/france.json"


def coverage(path: Path, built: Build) -> dict[str, Distribution]:
    """Distribution of the share of the surface without 4G, ARCEP 2019 T3, rates of the DREES.

    14 rates exceed 1 in the copy at hand: they are brought back to it.
    """
    rates = pd.read_csv(path, dtype={"code": str}).set_index("code")["tx_4G_min"].clip(0, 1)
    uncovered = 100 * (1 - rates[~rates.index.duplicated()])
    return {"part_surface_sans_4g": distribution(uncovered, population(built.inputs), "2019_T3")}


def main() -> None:
    """Build France by each method and write its distributions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--vintage", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--surface-4g", type=Path)
    parser.add_argument("--into", type=Path, default=TARGET)
    given = parser.parse_args()
    options = Options(
        given.raw, offline=True, pins=parse_pins(given.vintage), without=frozenset(given.without)
    )
    where = parse_territory(france=True)
    built = build(where, options=options)
    others = coverage(given.surface_4g, built) if given.surface_4g else {}
    for name in available_methods():
        if name != DEFAULT:
            found = build(where, method=name, options=options)
            kept = found.method.figures.keys() - FILLERS
            others |= {code: one for code, one in distributions(found).items() if code in kept}
    text = json.dumps(as_json(built, given.label, others), ensure_ascii=False)
    given.into.write_text(text.replace('}, "', '},\n "') + "\n", encoding="utf-8")
    print(f"{given.into} : {given.into.stat().st_size / 1e3:.0f} ko")


if __name__ == "__main__":
    main()
