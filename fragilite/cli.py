"""The command line: parse, call, print, exit code. Heavy imports stay inside the commands."""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fragilite import (
    __version__,
    cli_analyses,
    cli_field,
    cli_inventory,
    cli_outputs,
    cli_places,
    cli_reach,
    cli_roadmap,
    cli_trend,
)
from fragilite.cli_options import (
    ADVANCED,
    DEFAULT_METHOD,
    Dept,
    Epci,
    France,
    Frozen,
    Indicateur,
    Json,
    MethodOption,
    Offline,
    Quiet,
    Raw,
    Region,
    Uncertainty,
    VintagePins,
    Without,
    Year,
    built,
    dumped,
    options_of,
)
from fragilite.errors import FragiliteError, UsageError, reason
from fragilite.french_help import FrenchCommand, FrenchGroup, usage_error

if TYPE_CHECKING:
    from fragilite.explanation import Candidate

app = typer.Typer(
    name="fragilite",
    cls=FrenchGroup,
    help="Où les habitants sont-ils fragiles face au numérique ? L'indice par commune, à partir de "
    "données ouvertes (Insee, Arcep, Cnaf). 100 = le plus fragile.",
    epilog="Pour commencer : fragilite build --dept 49, puis fragilite explain Saumur.",
    add_completion=False,
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    subcommand_metavar="COMMANDE [ARGUMENTS]...",
    options_metavar="[OPTIONS]",
)
sources_app = typer.Typer(
    cls=FrenchGroup,
    rich_markup_mode=None,
    subcommand_metavar="[COMMANDE] [ARGUMENTS]...",
    invoke_without_command=True,
)
app.add_typer(
    sources_app,
    name="sources",
    help="Lister les sources : éditeur, millésime, géographie, licence, date.",
    rich_help_panel=ADVANCED,
)
methods_app = typer.Typer(
    cls=FrenchGroup,
    rich_markup_mode=None,
    subcommand_metavar="COMMANDE [ARGUMENTS]...",
    invoke_without_command=True,
)
app.add_typer(
    methods_app,
    name="method",
    help="Voir, vérifier ou copier une méthode (poids, bornes, seuils).",
    rich_help_panel=ADVANCED,
)


@app.callback()
def _top(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Affiche la version.", show_default=False)
    ] = False,
) -> None:
    if version:
        typer.echo(f"fragilite {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("build", cls=FrenchCommand)
def _build(
    dept: Dept = None,
    region: Region = None,
    epci: Epci = None,
    france: France = False,
    method: MethodOption = DEFAULT_METHOD,
    year: Year = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DOSSIER",
            help="Dossier des résultats (par défaut data/processed).",
            show_default=False,
        ),
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="LISTE",
            help="Parmi parquet,csv,excel,gpkg (par défaut, ces quatre), xlsx et html.",
            show_default=False,
        ),
    ] = "parquet,csv,excel,gpkg",
    crs: Annotated[
        str | None,
        typer.Option(
            "--crs",
            metavar="EPSG",
            help="Système de coordonnées, comme 4326 (par défaut la projection légale).",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Remplace aussi les fichiers du même nom modifiés ou venus d'ailleurs.",
            show_default=False,
        ),
    ] = False,
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="ÉCHELON",
            help="Une ligne par commune (par défaut), iris, epci, departement ou region.",
            show_default=False,
        ),
    ] = "commune",
    trend: cli_trend.Changes = False,
    uncertainty: Uncertainty = None,
    quiet: Quiet = False,
    as_json: Json = False,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    vintage: VintagePins = None,
    without: Without = None,
    indicateur: Indicateur = None,
) -> None:
    """Calcule l'indice des communes d'un territoire et écrit les fichiers."""
    from fragilite import levels, outputs
    from fragilite.paths import processed_dir
    from fragilite.territory import parse_territory

    wanted = outputs.parse_formats(formats)
    at = levels.parse_level(level)
    system = outputs.parse_crs(crs) if crs is not None else None
    where = parse_territory(dept, region, epci, france=france)
    options = options_of(
        raw, vintage, without, offline=offline, frozen=frozen, quiet=quiet, indicateur=indicateur
    )
    alone = at == levels.COMMUNE  # the ranks of communes only come with intervals
    sure = uncertainty if alone else False
    result = built(where, method, year, options, uncertainty=sure, by_iris=at == levels.IRIS)
    result = levels.at_level(result, at)
    if left := outputs.unwritten(result, wanted):
        wanted = outputs.written(result, wanted)
        typer.echo(left, err=True)
    changed = cli_trend.changes(result) if trend else None
    folder = outputs.output_folder(output or processed_dir(), default=output is None)
    replaced = outputs.method_there(result, folder)
    files = outputs.write(result, folder, wanted, crs=system, overwrite=overwrite, trend=changed)
    if quiet and not as_json:
        typer.echo("\n".join(map(str, files)))
        return
    if not alone:
        said = levels.level_summary(result, files)
        typer.echo(dumped(said) if as_json else levels.render_level(said, result))
        return
    from fragilite.summary import render, summary

    facts = summary(result, files, outputs.stale_files(result, folder, files), replaced)
    typer.echo(dumped(facts) if as_json else render(facts, result))


@app.command("explain", cls=FrenchCommand)
def _explain(
    commune: Annotated[
        str, typer.Argument(metavar="COMMUNE", help="Code ou nom, même d'une commune déléguée.")
    ],
    dept: Dept = None,
    method: MethodOption = DEFAULT_METHOD,
    year: Year = None,
    uncertainty: Uncertainty = None,
    as_json: Json = False,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    vintage: VintagePins = None,
    without: Without = None,
    indicateur: Indicateur = None,
) -> None:
    """Dit pourquoi une commune a cet indice, point par point."""
    from fragilite.explanation import departement_for, explain, find, render
    from fragilite.ingestion.bundled import bundled_departements
    from fragilite.territory import parse_territory

    where = parse_territory(dept or departement_for(commune, bundled_departements()))
    options = options_of(
        raw, vintage, without, offline=offline, frozen=frozen, indicateur=indicateur
    )
    result = built(where, method, year, options, uncertainty=uncertainty)
    candidates = find(commune, result.inputs)
    chosen = candidates[0] if len(candidates) == 1 else _ask(commune, candidates)
    facts = explain(result, chosen.code, chosen.ancienne)
    typer.echo(dumped(facts) if as_json else render(facts, result))


cli_analyses.register(app)
cli_outputs.register(app)
cli_places.register(app)
cli_inventory.register(app)
cli_reach.register(app)
cli_roadmap.register(app)
cli_field.register(app)
cli_trend.register(app)


@app.command("fetch", cls=FrenchCommand, rich_help_panel=ADVANCED)
def _fetch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Sources à prendre (par défaut toutes)."),
    ] = None,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Redemande aux producteurs et dit ce qui a changé.",
            show_default=False,
        ),
    ] = False,
    dept: Dept = None,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    vintage: VintagePins = None,
    quiet: Quiet = False,
) -> None:
    """Télécharge les fichiers des producteurs dans data/raw, avec leur empreinte."""
    from fragilite.indicators import needs
    from fragilite.ingestion.files import fetch_sources
    from fragilite.method import load_method
    from fragilite.territory import parse_territory

    if frozen and update:
        raise UsageError("--frozen et --update se contredisent.", "Gardez l'un des deux.")
    options = options_of(raw, vintage, None, offline=offline, frozen=frozen, quiet=quiet)
    where = parse_territory(dept) if dept else None
    found = fetch_sources(
        sources or [], options, update=update, territory=where, needs=needs(load_method())
    )
    for path in found:
        typer.echo(path)


@sources_app.callback()
def _sources(context: typer.Context, as_json: Json = False, raw: Raw = None) -> None:
    if context.invoked_subcommand is None:
        from fragilite.listing import render_sources, sources_at_hand
        from fragilite.paths import raw_dir

        records = sources_at_hand(raw or raw_dir())
        typer.echo(dumped(records) if as_json else render_sources(records))


@sources_app.command("check", cls=FrenchCommand)
def _sources_check(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Sources à essayer (par défaut toutes)."),
    ] = None,
) -> None:
    """Essaie chaque adresse du catalogue et dit lesquelles répondent."""
    from fragilite.errors import CheckFailedError
    from fragilite.ingestion.files import check_addresses

    results = check_addresses(sources or [])
    for result in results:
        typer.echo(f"{'oui' if result.answers else 'NON'}  {result.file.key}  {result.detail}")
    silent = sum(not result.answers for result in results)
    if silent:
        raise CheckFailedError(
            f"{silent} adresse(s) sur {len(results)} ne répondent pas.",
            "Corrigez le catalogue, ou déposez ces fichiers dans data/raw.",
        )


@methods_app.callback()
def _methods(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@methods_app.command("list", cls=FrenchCommand)
def _method_list() -> None:
    """Liste les méthodes livrées."""
    from fragilite.method import available_methods, load_method

    for name in available_methods():
        header = load_method(name).methode
        typer.echo(f"{name}  {header.version}  {header.libelle}")


@methods_app.command("show", cls=FrenchCommand)
def _method_show(
    method: Annotated[
        str, typer.Argument(metavar="[NOM|FICHIER]", help="Méthode livrée ou fichier TOML.")
    ] = DEFAULT_METHOD,
) -> None:
    """Montre l'arbre, les poids ramenés à 1, les bornes, les seuils et les raisons."""
    from fragilite.listing import render_method
    from fragilite.method import load_method

    typer.echo(render_method(load_method(method)))


@methods_app.command("check", cls=FrenchCommand)
def _method_check(
    file: Annotated[str, typer.Argument(metavar="FICHIER", help="Fichier TOML à vérifier.")],
) -> None:
    """Vérifie un fichier de méthode et dit tout ce qui n'y va pas."""
    from fragilite.errors import CheckFailedError
    from fragilite.method import MethodError, load_method

    try:
        method = load_method(file)
    except MethodError as error:
        for problem in error.problems:
            typer.echo(f"  {problem}", err=True)
        count = len(error.problems)
        raise CheckFailedError(
            f"Méthode {file} : {count} erreur{'s' if count > 1 else ''}.",
            "Corrigez-les, puis relancez cette commande.",
        ) from error
    typer.echo(
        f"Méthode {method.methode.code} {method.methode.version} : correcte "
        f"({len(method.indicateurs)} indicateurs, {len(method.noeuds)} nœuds)."
    )


@methods_app.command("calibrate", cls=FrenchCommand)
def _method_calibrate(
    method: MethodOption = DEFAULT_METHOD,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    vintage: VintagePins = None,
    without: Without = None,
    indicateur: Indicateur = None,
) -> None:
    """Recalcule bornes et classes sur la France entière, à côté de celles de la méthode."""
    from fragilite.listing import render_calibration
    from fragilite.national import calibrate
    from fragilite.territory import parse_territory

    options = options_of(
        raw, vintage, without, offline=offline, frozen=frozen, indicateur=indicateur
    )
    result = built(parse_territory(france=True), method, None, options)
    typer.echo(render_calibration(calibrate(result)))


@methods_app.command("new", cls=FrenchCommand)
def _method_new(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Fichier à créer.")],
    origin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="NOM",
            help=f"Méthode livrée à copier (par défaut {DEFAULT_METHOD}).",
            show_default=False,
        ),
    ] = DEFAULT_METHOD,
    survey: Annotated[
        bool,
        typer.Option(
            "--indicateur",
            help="La méthode par défaut et une enquête locale, à compléter.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Copie une méthode dans un fichier à modifier."""
    from fragilite.method import copy_method, copy_survey_method

    if survey and origin != DEFAULT_METHOD:
        raise UsageError(
            f"--indicateur part de {DEFAULT_METHOD}, et --from en demande une autre.",
            "Gardez l'un des deux ; les blocs de l'enquête se recopient ensuite dans l'autre.",
        )
    if survey:
        copy_survey_method(file)
    else:
        copy_method(origin, file)
    given = " --indicateur enquete.csv" if survey else ""
    typer.echo(file)
    typer.echo(
        f"Modifiez-la, vérifiez-la : fragilite method check {file}, puis lancez "
        f"fragilite build --dept 49 --method {file}{given}",
        err=True,
    )


def _ask(text: str, candidates: list[Candidate]) -> Candidate:
    """Let the user choose among several communes, on a terminal; else say which they are."""
    from fragilite.explanation import ambiguous

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ambiguous(text, candidates)
    typer.echo(f"« {text} » peut désigner :", err=True)
    for place, candidate in enumerate(candidates, start=1):
        typer.echo(f"  {place}. {candidate.label}", err=True)
    answer = typer.prompt("Laquelle ? (numéro)", err=True)
    choices = {str(place): found for place, found in enumerate(candidates, start=1)}
    if answer.strip() not in choices:
        raise ambiguous(text, candidates)
    return choices[answer.strip()]


#: What Typer returns of an interruption.
INTERRUPTED = 130


def main() -> None:
    """Run the command line, turning every expected error into one French line."""
    _speak_any_terminal()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(prog_name="fragilite", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:
            code = _said("Interrompu : rien n'est écrit à moitié.", "", 1)
    except FragiliteError as error:
        code = _said(error.message, error.remedy, error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = _said("Interrompu : rien n'est écrit à moitié.", "", 1)
    except BrokenPipeError:
        # The reader has what it wanted (`| head`); Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _said(f"Impossible d'écrire le texte : {reason(error)}.", "", 1)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        code = _said(*usage_error(error), 2)
    sys.exit(code if isinstance(code, int) else 0)


#: What terminals that are not in UTF-8 lack, and what stands for it.
_PLAIN = {"\u202f": " ", "\u00a0": " ", "—": "-", "–": "-", "−": "-", "→": "->", "…": "..."}


def _speak_any_terminal() -> None:
    """Write what a terminal's encoding cannot (cp1252, cp850) with the nearest plain letters."""

    def nearest(error: UnicodeError) -> tuple[str, int]:
        assert isinstance(error, UnicodeEncodeError)
        letter = error.object[error.start]
        folded = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
        return _PLAIN.get(letter, folded or "?"), error.start + 1

    codecs.register_error("fragilite", nearest)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="fragilite")


def _said(message: str, remedy: str, code: int) -> int:
    line = " ".join(f"{message} {remedy}".split())
    typer.echo(f"fragilite : {line}", err=True)
    return code


if __name__ == "__main__":
    main()
