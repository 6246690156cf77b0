"""Write the pages of the audit: never edit them by hand.

    python tools/audit.py

writes `docs/audit_49.md`, from the figures bundled for Maine-et-Loire.

    python tools/audit.py --france --raw FOLDER --mention "Chiffres reconstitués…" [--vintage …]

writes `docs/audit_france.md`, from the publishers' files of a folder, with the options `--vintage`
and `--without` of `fragilite build`; the mention says in the page what these figures are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fragilite.audit import audit, markdown
from fragilite.ingestion.options import Options, parse_pins
from fragilite.pipeline import build
from fragilite.territory import parse_territory

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    """Write one page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--france", action="store_true")
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--mention", default="")
    parser.add_argument("--vintage", action="append", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--into", type=Path)
    given = parser.parse_args()
    if given.france and not (given.raw and given.mention):
        parser.error("--france demande --raw DOSSIER et --mention « ce que sont ces chiffres »")
    options = Options(
        given.raw, offline=True, pins=parse_pins(given.vintage), without=frozenset(given.without)
    )
    built = build(parse_territory(france=True) if given.france else "49", options=options)
    page = given.into or DOCS / f"audit_{built.inputs.territory.nom}.md"
    page.write_text(markdown(audit(built), given.mention), encoding="utf-8")
    print(f"{page} : {page.stat().st_size / 1e3:.0f} ko")


if __name__ == "__main__":
    main()
