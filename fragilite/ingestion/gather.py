"""Choose where the figures of a territory come from: bundled, or the publishers' own files."""

from __future__ import annotations

from fragilite.errors import SourceUnavailableError
from fragilite.ingestion import bundled
from fragilite.ingestion.lots import Gathered
from fragilite.ingestion.options import Needs, Options
from fragilite.territory import Territory


def gather(territory: Territory, annee: int, needs: Needs, options: Options) -> Gathered:
    """Have the figures of a territory.

    The bundled ones serve a département that travels with the program, and the EPCI that it holds
    whole, unless raw files are asked for (`--raw`, `--frozen`, `--vintage`, `--without`).
    """
    home = bundled.home_of(territory)
    if options.plain and home:
        return bundled.read(home, annee)
    from fragilite.ingestion import files  # reads archives, workbooks and outlines: heavy

    try:
        return files.gather(territory, annee, needs, options)
    except SourceUnavailableError as error:
        held = bundled.held_in_part(territory.epci)
        if not held:
            raise
        raise SourceUnavailableError(f"{held} {error.message}", error.remedy) from error
