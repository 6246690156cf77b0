"""The command that says who is known to help where: an inventory of places, EPCI by EPCI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fragilite.cli_build import on_a_build
from fragilite.cli_options import Json, Overwrite, dumped, output_option
from fragilite.cli_places import PANEL, MappingOption
from fragilite.french_help import FrenchCommand

if TYPE_CHECKING:
    from fragilite.pipeline import Build

SUFFIXES = (".csv", ".md")

PlacesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--places",
        metavar="LISTE",
        help="Liste de lieux d'un producteur, modèle rempli, ou lignes.csv de places merge "
        "(répétable). Sans elle, les comptes livrés.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    run = on_a_build(_inventory, SUFFIXES)
    app.command("inventory", cls=FrenchCommand, rich_help_panel=PANEL)(run)


def _inventory(
    build: Build,
    places: PlacesOption = None,
    mapping: MappingOption = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since",
            metavar="FICHIER",
            help="Lieux du dernier inventaire (lieux.csv de places merge) : dit ce qui a changé.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None, output_option("Écrit aussi l'inventaire : .csv (tableau) ou .md (document).")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Dresse l'état des lieux : qui aide où, avec quels moyens, et ce que personne ne dit."""
    from fragilite.inventory import inventory, known_places, markdown, render, tidy
    from fragilite.report_file import write_report

    known = known_places(build, places or (), mapping or ())
    facts = inventory(build, known, since)
    if output is not None:
        suffix = output.suffix.lower()
        text = tidy(facts) if suffix == ".csv" else markdown(facts)
        write_report(output, text, suffix, overwrite=overwrite)
    typer.echo(dumped(facts) if as_json else render(facts))
    if output is not None:
        typer.echo(output, err=as_json)
