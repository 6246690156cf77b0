"""Commands about time: what changed between two vintages, what ageing alone would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fragilite.cli_build import on_a_build
from fragilite.cli_options import Json, Overwrite, Report, dumped, say, write_table
from fragilite.french_help import FrenchCommand

if TYPE_CHECKING:
    from fragilite.pipeline import Build
    from fragilite.trend import Trend

PANEL = "Dans le temps"

Commune = Annotated[
    str | None,
    typer.Option(
        "--commune",
        metavar="COMMUNE",
        help="Code ou nom d'une seule commune, même déléguée.",
        show_default=False,
    ),
]


Changes = Annotated[
    bool,
    typer.Option(
        "--trend",
        help="Ajoute ce qui a changé depuis les millésimes antérieurs à portée, et ce qui ne peut "
        "pas se dire.",
        show_default=False,
    ),
]


def changes(build: Build) -> Trend:
    """What ``--trend`` adds to files; refused where rows are not communes."""
    from fragilite.errors import UsageError
    from fragilite.pipeline import COMMUNE
    from fragilite.trend import trend

    if build.niveau != COMMUNE:
        raise UsageError(
            f"--trend compare des communes, et --level demande l'échelon {build.niveau}.",
            "Retirez l'un des deux : les EPCI et les départements sont dans le tableau du "
            "changement.",
        )
    return trend(build)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for name, command in (("trend", _trend), ("project", _project)):
        run = on_a_build(command, (".csv",))
        app.command(name, cls=FrenchCommand, rich_help_panel=PANEL)(run)


def _trend(
    build: Build,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="MILLÉSIME",
            help="Le seul millésime antérieur voulu, comme 2017 (par défaut, tous).",
            show_default=False,
        ),
    ] = None,
    commune: Commune = None,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Dit ce qui a changé depuis un millésime antérieur, et ce que le bruit explique aussi."""
    from fragilite.trend import trend
    from fragilite.trend.report import commune_facts, facts, render, render_commune

    found = trend(build, since)
    table = found.communes
    if commune is not None:
        code = _one(build, commune)
        table = table[table["code_insee"] == code]
    write_table(table, output, overwrite=overwrite)
    if commune is not None:
        told = commune_facts(found, code)
        say(dumped(told) if as_json else render_commune(told), output, as_json=as_json)
        return
    told = facts(found)
    say(dumped(told) if as_json else render(told), output, as_json=as_json)


def _project(
    build: Build,
    to: Annotated[
        int,
        typer.Option(
            "--to",
            metavar="ANNÉE",
            help="Année du scénario (par défaut 2035).",
            show_default=False,
        ),
    ] = 2035,
    commune: Commune = None,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fait vieillir la population d'aujourd'hui : un scénario, jamais une prévision."""
    from fragilite.projection import project
    from fragilite.projection.report import commune_facts, facts, render, render_commune

    found = project(build, to)
    if commune is None:
        write_table(found.communes, output, overwrite=overwrite)
        told = facts(found)
        say(dumped(told) if as_json else render(told), output, as_json=as_json)
        return
    code = _one(build, commune)
    rows = found.communes[found.communes["code_insee"] == code]
    write_table(rows, output, overwrite=overwrite)
    told = commune_facts(found, code)
    say(dumped(told) if as_json else render_commune(told), output, as_json=as_json)


def _one(build: Build, text: str) -> str:
    """Code of the only commune that a text names."""
    from fragilite.explanation import ambiguous, find

    candidates = find(text, build.inputs)
    if len(candidates) > 1:
        raise ambiguous(text, candidates)
    return candidates[0].code
