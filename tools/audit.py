"""Write the audit of all of France, `docs/audit_france.md`: never edit it by hand.

    python tools/audit.py --raw FOLDER --mention "Chiffres reconstitués…" [--vintage …]

builds France from the publishers' files of a folder, with the options `--vintage` and `--without`
of `fragilite build`; the mention says in the page what these figures are. `tools/docs.py` writes
the audit of Maine-et-Loire, from the bundled figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fragilite.audit import markdown
from fragilite.audit.complete import audited
from fragilite.ingestion.options import Options, parse_pins
from fragilite.pipeline import build
from fragilite.territory import parse_territory

NOTICE = "Page écrite par tools/audit.py : ne pas modifier à la main."
PAGE = Path(__file__).resolve().parents[1] / "docs/audit_france.md"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--mention", required=True)
    parser.add_argument("--vintage", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--into", type=Path, default=PAGE)
    given = parser.parse_args()
    options = Options(
        given.raw, offline=True, pins=parse_pins(given.vintage), without=frozenset(given.without)
    )
    found = audited(build(parse_territory(france=True), options=options))
    given.into.write_text(markdown(found, given.mention, NOTICE), encoding="utf-8")
    print(f"{given.into} : {given.into.stat().st_size / 1e3:.0f} ko")


if __name__ == "__main__":
    main()
