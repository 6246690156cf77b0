"""Commands for those who meet people: which place can receive someone, what the field says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fragilite.cli_build import on_a_build, or_template
from fragilite.cli_options import (
    DEFAULT_METHOD,
    Dept,
    Frozen,
    Json,
    Offline,
    Overwrite,
    Raw,
    Report,
    Year,
    built,
    dumped,
    options_of,
)
from fragilite.cli_places import Decisions, MappingOption, Objections
from fragilite.errors import UsageError
from fragilite.french_help import FrenchCommand

if TYPE_CHECKING:
    from fragilite.pipeline import Build

FIELD = "Terrain"

Day = Annotated[
    str | None,
    typer.Option(
        "--date",
        metavar="AAAA-MM-JJ",
        help="Jour où l'on se place (par défaut aujourd'hui).",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    field = or_template(on_a_build(_field, (".csv",), ready=_file_given), ".csv", _empty, 1)
    for name, command in (("orient", _orient), ("field", field)):
        app.command(name, cls=FrenchCommand, rich_help_panel=FIELD)(command)


def _orient(
    commune: Annotated[
        str,
        typer.Option(
            "--commune",
            metavar="COMMUNE",
            help="Code ou nom, même d'une commune déléguée.",
        ),
    ],
    need: Annotated[
        str,
        typer.Option(
            "--besoin",
            metavar="BESOIN",
            help="premiers_pas, demarches, equipement, parentalite, emploi, securite ou creation.",
        ),
    ],
    public: Annotated[
        str,
        typer.Option(
            "--public",
            metavar="PUBLIC",
            help="Comme seniors, jeunes ou demandeurs_emploi ; plusieurs : jeunes,etudiants (par "
            "défaut, seuls les lieux ouverts à tous).",
            show_default=False,
        ),
    ] = "",
    places: Annotated[
        list[Path] | None,
        typer.Option(
            "--places",
            metavar="LISTE",
            help="Liste de lieux, CSV ou tableur (répétable).",
            show_default=False,
        ),
    ] = None,
    mapping: MappingOption = None,
    most: Annotated[
        int,
        typer.Option(
            "--max", metavar="N", help="Lieux décrits (par défaut 5).", show_default=False
        ),
    ] = 5,
    decisions: Decisions = None,
    objections: Objections = None,
    date: Day = None,
    dept: Dept = None,
    year: Year = None,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    as_json: Json = False,
) -> None:
    """Dit quels lieux peuvent recevoir une personne, du plus proche au plus lointain."""
    from fragilite.explanation import departement_for
    from fragilite.ingestion.bundled import bundled_departements
    from fragilite.orientation import (
        departements_around,
        need_named,
        orient,
        origin,
        publics_named,
        render,
    )
    from fragilite.places.communes import Communes
    from fragilite.places.merging import merge, read_decisions, read_objections
    from fragilite.places.reading import read_lists
    from fragilite.territory import parse_territory

    wanted, who, today = need_named(need), publics_named(public), _today(date)
    if not places:
        raise UsageError(
            "Il manque une liste de lieux : les chiffres livrés avec le programme n'en donnent "
            "que le nombre par commune.",
            "Ajoutez --places LISTE.csv ; fragilite places mapping dit lesquelles sont reconnues, "
            "fragilite places template en écrit une à remplir.",
        )
    where = parse_territory(dept or departement_for(commune, bundled_departements()))
    options = options_of(raw, None, None, offline=offline, frozen=frozen)
    inputs = built(where, DEFAULT_METHOD, year, options).inputs
    town = origin(commune, inputs)
    around = departements_around(town.point)
    names = Communes.of(inputs.communes, inputs.anciennes)
    lists = read_lists(places, mapping or (), communes=names, departements=around)
    merged = merge(
        lists,
        read_decisions(decisions) if decisions else (),
        read_objections(objections) if objections else None,
    )
    facts = orient(merged, lists.origines, inputs, town, wanted, who, jour=today, most=most)
    typer.echo(dumped(facts) if as_json else render(facts))


def _today(date: str | None) -> str:
    """The day that an option gives, else today's."""
    from datetime import date as calendar

    from fragilite.places.cleaning import parse_date

    if date is None:
        return calendar.today().isoformat()
    found = parse_date(date)
    if not found:
        raise UsageError(f"--date : « {date} » n'est pas une date.", "Exemple : --date 2026-03-12")
    return found


def _field(
    build: Build,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FICHIER",
            help="Observations : commune, fragilité ressentie de 1 à 5, date, rôle, commentaire.",
        ),
    ] = None,
    date: Day = None,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Met les observations de terrain à côté de l'indice, sans jamais les y mêler."""
    from fragilite.field import compare_field, gaps_table, render
    from fragilite.field_reading import read_observations
    from fragilite.report_file import write_report

    assert file is not None  # `_file_given` refuses none
    today = _today(date)
    found = read_observations(file, build.inputs, today)
    if output is not None:
        text = gaps_table(build, found).to_csv(
            index=False, lineterminator="\n", float_format="%.4f"
        )
        write_report(output, text, ".csv", overwrite=overwrite)
    facts = compare_field(build, found, today)
    typer.echo(dumped(facts) if as_json else render(facts))
    if output is not None:
        typer.echo(output, err=as_json)


def _file_given(given: Mapping[str, Any]) -> None:
    """Refuse a build that would be for nothing."""
    if given["file"] is None:
        raise UsageError(
            "Il manque le fichier des observations.",
            "Pour en avoir un à remplir : fragilite field --template observations.csv",
        )
    if not given["file"].is_file():
        raise UsageError(f"{given['file']} : fichier introuvable.", "Vérifiez le chemin.")


def _empty() -> str:
    from fragilite.field_reading import template

    return template()
