"""The command that says how many people have a place that helps nearby."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fragilite.cli_build import on_a_build
from fragilite.cli_inventory import SUFFIXES, PlacesOption
from fragilite.cli_options import Json, Overwrite, dumped, output_option
from fragilite.cli_places import PANEL, MappingOption
from fragilite.errors import UsageError
from fragilite.french_help import FrenchCommand

if TYPE_CHECKING:
    from fragilite.pipeline import Build


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    run = on_a_build(_reach, SUFFIXES)
    app.command("reach", cls=FrenchCommand, rich_help_panel=PANEL)(run)


def _reach(
    build: Build,
    places: PlacesOption = None,
    mapping: MappingOption = None,
    radius: Annotated[
        str | None,
        typer.Option(
            "--radius",
            metavar="LISTE",
            help="Rayons, comme 5,10 : en km (par défaut 5,10,20), ou en minutes avec --times.",
            show_default=False,
        ),
    ] = None,
    times: Annotated[
        Path | None,
        typer.Option(
            "--times",
            metavar="FICHIER",
            help="Temps de route entre codes communes, CSV : origine, destination, minutes. "
            "Remplace la ligne droite.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, output_option("Écrit aussi la portée : .csv (tableau) ou .md (document).")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Compte les personnes à accompagner qui ont un lieu à 5, 10 ou 20 km, type par type."""
    from fragilite.reach import markdown, places_for, reached, render, tidy
    from fragilite.report_file import write_report

    radii = _radii(radius)
    known = places_for(build, places or (), mapping or (), radii, times)
    found = reached(build, known, radii, times)
    if output is not None:
        suffix = output.suffix.lower()
        text = tidy(found, build) if suffix == ".csv" else markdown(found.facts)
        write_report(output, text, suffix, overwrite=overwrite)
    typer.echo(dumped(found.facts) if as_json else render(found.facts))
    if output is not None:
        typer.echo(output, err=as_json)


def _radii(text: str | None) -> list[float] | None:
    """Radii separated by commas, the smallest first; None if there are none to read."""
    if text is None:
        return None
    try:
        found = sorted({float(part) for part in text.split(",")})
    except ValueError:
        found = []
    if not found or not 0 < found[0] <= found[-1] < float("inf"):
        raise UsageError(
            f"--radius « {text} » : des nombres positifs, séparés par des virgules, sont attendus.",
            "Exemple : --radius 5,10",
        )
    return found
