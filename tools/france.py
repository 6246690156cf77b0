"""Bundle the distribution of each indicator over the communes of France.

    python tools/france.py --raw FOLDER --label "reconstitué, RP 2022" [--vintage …]

builds all of France from the publishers' files of a folder, with the options `--vintage` and
`--without` of `fragilite build`, and writes `fragilite/bundled/france.json`: 101
percentiles, mean and standard deviation of each indicator and node. No figure of a commune is kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from fragilite.ingestion.options import Options, parse_pins
from fragilite.national import as_json
from fragilite.pipeline import build
from fragilite.territory import parse_territory

TARGET = Path(__file__).resolve().parents[1] / "fragilite/bundled/france.json"


def main() -> None:
    """Build France and write its distributions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--vintage", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--into", type=Path, default=TARGET)
    given = parser.parse_args()
    options = Options(
        given.raw, offline=True, pins=parse_pins(given.vintage), without=frozenset(given.without)
    )
    built = build(parse_territory(france=True), options=options)
    text = json.dumps(as_json(built, given.label), ensure_ascii=False)
    given.into.write_text(text.replace('}, "', '},\n "') + "\n", encoding="utf-8")
    print(f"{given.into} : {given.into.stat().st_size / 1e3:.0f} ko")


if __name__ == "__main__":
    main()
