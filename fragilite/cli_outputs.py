"""Commands that show an index to others: a page, a picture for a slide, a dossier to sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fragilite.cli_build import on_a_build
from fragilite.cli_inventory import PlacesOption
from fragilite.cli_options import (
    DEFAULT_METHOD,
    Dept,
    Epci,
    Frozen,
    Indicateur,
    MethodOption,
    Offline,
    Overwrite,
    Raw,
    VintagePins,
    Without,
    Year,
    built,
    options_of,
    output_option,
)
from fragilite.cli_places import MappingOption
from fragilite.cli_trend import Changes, changes
from fragilite.errors import UsageError
from fragilite.french_help import FrenchCommand
from fragilite.report_file import check_target, write_file

if TYPE_CHECKING:
    from fragilite.ingestion.options import Options
    from fragilite.pipeline import Build
    from fragilite.subject import Subject

SHOW = "Montrer et partager"
PAGES = (".html",)
PICTURES = (".png", ".svg", ".pdf")
DOSSIER = (".docx", ".xlsx")


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for name, run in (
        ("report", on_a_build(_report, PAGES, uncertainty=True)),
        ("map", on_a_build(_map, PICTURES)),
        ("dossier", _dossier),
    ):
        app.command(name, cls=FrenchCommand, rich_help_panel=SHOW)(run)


def _report(
    build: Build,
    output: Annotated[
        Path | None,
        output_option("Fichier .html (par défaut rapport_49.html, dans le dossier courant)."),
    ] = None,
    places: PlacesOption = None,
    mapping: MappingOption = None,
    overwrite: Overwrite = False,
) -> None:
    """Écrit la page d'une réunion : carte, tableau, fiches, ce qui a changé, qui aide où."""
    from fragilite.inventory import covered, known_places
    from fragilite.outputs.report import write
    from fragilite.trend import whole_trend

    lists, own = places or (), mapping or ()
    known = known_places(build, lists, own) if lists or own or covered(build) else None
    path = output or Path(f"rapport_{build.inputs.territory.nom}.html")
    change = whole_trend(build)
    write_file(
        path, lambda staged: write(build, staged, known, change=change), PAGES, overwrite=overwrite
    )
    typer.echo(path)


def _map(
    build: Build,
    show: Annotated[
        str,
        typer.Option(
            "--show",
            metavar="NOM",
            help="Ce que la carte montre : un nœud de la méthode, comme usages, ou volume (par "
            "défaut l'indice).",
            show_default=False,
        ),
    ] = "",
    output: Annotated[
        Path | None,
        output_option(
            "Fichier .png, .svg ou .pdf (par défaut carte_49.png, dans le dossier courant)."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Dessine la carte pour un diaporama."""
    from fragilite.outputs.picture import choose, write

    theme = choose(build, show)
    root = theme.code == build.method.root
    what = "carte" if root else f"carte_{theme.code}"
    path = output or Path(f"{what}_{build.inputs.territory.nom}.png")
    write_file(path, lambda staged: write(build, staged, theme), PICTURES, overwrite=overwrite)
    typer.echo(path)


def _dossier(
    dept: Dept = None,
    epci: Epci = None,
    communes: Annotated[
        str | None,
        typer.Option(
            "--communes",
            metavar="LISTE",
            help="Codes ou noms, séparés par des virgules, comme 49221,Saumur.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        output_option(
            "Fichier .docx ; le classeur prend le même nom en .xlsx (par défaut "
            "dossier_49.docx, dans le dossier courant)."
        ),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template",
            metavar="FICHIER",
            help="Modèle Word de la maison (.docx ou .dotx) : ses styles, son en-tête et son pied "
            "de page sont gardés, son texte est retiré.",
            show_default=False,
        ),
    ] = None,
    trend: Changes = False,
    overwrite: Overwrite = False,
    method: MethodOption = DEFAULT_METHOD,
    year: Year = None,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    vintage: VintagePins = None,
    without: Without = None,
    indicateur: Indicateur = None,
) -> None:
    """Écrit un dossier Word à adapter et à signer, et le classeur de ses chiffres."""
    _one_subject(dept, epci, communes)
    if output is not None:
        _check(output, overwrite=overwrite)
    options = options_of(
        raw, vintage, without, offline=offline, frozen=frozen, indicateur=indicateur
    )
    if template is not None:
        from fragilite.outputs.word import check_template

        check_template(template)
    build, subject = _found(dept, epci, communes, method, year, options)
    path = output or Path(f"dossier_{subject.nom}.docx")
    from fragilite.outputs.dossier import write

    changed = changes(build) if trend else None
    for file in write(build, path, subject, template, overwrite=overwrite, trend=changed):
        typer.echo(file)


def _one_subject(dept: str | None, epci: str | None, communes: str | None) -> None:
    """Refuse no subject, and several."""
    asked = {"--dept": dept, "--epci": epci, "--communes": communes}
    given = [name for name, value in asked.items() if value is not None]
    if not given:
        raise UsageError(
            "Il manque ce dont parle le dossier.",
            "Ajoutez --epci 200060010, --communes 49221,49180 ou --dept 49.",
        )
    if len(given) > 1:
        raise UsageError(
            f"Un seul sujet à la fois : {' et '.join(given)} se contredisent.",
            "Gardez l'un d'eux ; les départements des communes et des EPCI sont trouvés seuls.",
        )


def _check(output: Path, *, overwrite: bool) -> None:
    """Refuse a document or a workbook that could not be written, before anything is computed."""
    check_target(output, DOSSIER[:1], overwrite=overwrite)
    check_target(output.with_suffix(DOSSIER[1]), DOSSIER, overwrite=overwrite)


def _found(
    dept: str | None,
    epci: str | None,
    communes: str | None,
    method: str,
    year: str | None,
    options: Options,
) -> tuple[Build, Subject]:
    """The build around a subject, and the subject in it."""
    from fragilite.ingestion.bundled import bundled_departements, home_of
    from fragilite.subject import departements_of, of_communes, of_departements, of_epci, split
    from fragilite.territory import parse_territory

    def around(codes: str) -> Build:
        return built(parse_territory(codes), method, year, options, uncertainty=None)

    if communes is not None:
        asked = split(communes)
        build = around(",".join(departements_of(asked, bundled_departements())))
        return build, of_communes(build, asked)
    if epci is None:
        build = around(dept or "")
        return build, of_departements(build)
    where = parse_territory(epci=epci)
    home = home_of(where) if options.plain else ""
    if not home:  # only the table of EPCI tells which départements its communes are in
        alone = built(where, method, year, options)
        home = ",".join(sorted(set(alone.communes["code_departement"])))
    build = around(home)
    return build, of_epci(build, where.epci)
