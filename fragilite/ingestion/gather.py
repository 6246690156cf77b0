"""Choose where the figures of a territory come from: bundled, or the publishers' own files."""

from __future__ import annotations

from fragilite.ingestion import bundled
from fragilite.ingestion.lots import Gathered
from fragilite.ingestion.options import Needs, Options
from fragilite.territory import Territory


def gather(territory: Territory, annee: int, needs: Needs, options: Options) -> Gathered:
    """Have the figures of a territory.

    The bundled ones serve a département that travels with the program, unless raw files are asked
    for (`--raw`, `--frozen`, `--vintage`, `--without`).
    """
    codes = territory.departements
    if options.plain and len(codes) == 1 and codes[0] in bundled.bundled_departements():
        return bundled.read(codes[0], annee)
    from fragilite.ingestion import files  # reads archives, workbooks and outlines: heavy

    return files.gather(territory, annee, needs, options)
