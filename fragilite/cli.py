"""The command line: parse, call, print, exit code. Heavy imports stay inside the commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fragilite import __version__
from fragilite.errors import FragiliteError, UsageError
from fragilite.french_help import FrenchCommand, FrenchGroup, usage_error

if TYPE_CHECKING:
    from fragilite.explanation import Candidate
    from fragilite.pipeline import Build

DEFAULT_METHOD = "fragilite-2026"
ADVANCED = "Avancé"


class _Group(FrenchGroup):
    """The top of the command line; everyday commands in the order they are declared."""


app = typer.Typer(
    name="fragilite",
    cls=_Group,
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


Dept = Annotated[
    str | None,
    typer.Option("--dept", metavar="CODE", help="Département, comme 49.", show_default=False),
]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="NOM|FICHIER",
        help=f"Méthode livrée ou fichier TOML (par défaut {DEFAULT_METHOD}).",
        show_default=False,
    ),
]
Year = Annotated[
    str | None,
    typer.Option(
        "--year",
        metavar="ANNÉE",
        help="Année de référence : communes au 1er janvier (par défaut la plus récente).",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Écrit du JSON.", show_default=False)]
Offline = Annotated[
    bool, typer.Option("--offline", help="N'ouvre aucune connexion.", show_default=False)
]


@app.callback()
def _top(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Affiche la version.", show_default=False)
    ] = False,
) -> None:
    if version:
        typer.echo(f"fragilite {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("build", cls=FrenchCommand)
def _build(
    dept: Dept = None,
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
            help="Parmi parquet,csv,excel,gpkg (par défaut les quatre).",
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
    quiet: Annotated[
        bool, typer.Option("--quiet", help="N'écrit que les chemins.", show_default=False)
    ] = False,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Calcule l'indice des communes d'un département et écrit les fichiers."""
    from fragilite import outputs
    from fragilite.paths import processed_dir

    wanted = outputs.parse_formats(formats)
    system = outputs.parse_crs(crs) if crs else None
    built = _built(dept, method, year)
    folder = outputs.output_folder(output or processed_dir(), default=output is None)
    files = outputs.write(built, folder, wanted, crs=system, overwrite=overwrite)
    if quiet and not as_json:
        typer.echo("\n".join(map(str, files)))
        return
    from fragilite.summary import render, summary

    facts = summary(built, files, outputs.stale_files(built, folder, files))
    typer.echo(_dumped(facts) if as_json else render(facts, built))


@app.command("explain", cls=FrenchCommand)
def _explain(
    commune: Annotated[
        str, typer.Argument(metavar="COMMUNE", help="Code ou nom, même d'une commune déléguée.")
    ],
    dept: Dept = None,
    method: MethodOption = DEFAULT_METHOD,
    year: Year = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Dit pourquoi une commune a cet indice, point par point."""
    from fragilite.explanation import departement_for, explain, find, render
    from fragilite.inputs import bundled_departements

    where = dept or departement_for(commune, bundled_departements())
    built = _built(where, method, year)
    candidates = find(commune, built.inputs)
    chosen = candidates[0] if len(candidates) == 1 else _ask(commune, candidates)
    facts = explain(built, chosen.code, chosen.ancienne)
    typer.echo(_dumped(facts) if as_json else render(facts, built))


@app.command("sources", cls=FrenchCommand, rich_help_panel=ADVANCED)
def _sources(as_json: Json = False) -> None:
    """Liste les sources : éditeur, millésime, géographie, licence, date."""
    from fragilite.listing import render_sources, source_records

    records = source_records()
    typer.echo(_dumped(records) if as_json else render_sources(records))


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
) -> None:
    """Copie une méthode dans un fichier à modifier."""
    from fragilite.method import copy_method

    copy_method(origin, file)
    typer.echo(file)
    typer.echo(
        f"Modifiez-la, vérifiez-la : fragilite method check {file}, puis lancez "
        f"fragilite build --dept 49 --method {file}",
        err=True,
    )


def _built(dept: str | None, method: str, year: str | None) -> Build:
    """Run the pipeline, or say what is missing to run it."""
    from fragilite.cog import LAST_YEAR, parse_year
    from fragilite.pipeline import build

    if dept is None:
        raise UsageError("Il manque le département.", "Exemple : fragilite build --dept 49")
    return build(dept, method=method, annee=LAST_YEAR if year is None else parse_year(year))


def _ask(text: str, candidates: list[Candidate]) -> Candidate:
    """Let the user choose among several communes, on a terminal; else say which they are."""
    from fragilite.explanation import ambiguous

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ambiguous(text, candidates)
    typer.echo(f"« {text} » peut désigner :", err=True)
    for place, candidate in enumerate(candidates, start=1):
        typer.echo(f"  {place}. {candidate.label}", err=True)
    answer = typer.prompt("Laquelle ? (numéro)", err=True)
    if not (answer.isdigit() and 1 <= int(answer) <= len(candidates)):
        raise ambiguous(text, candidates)
    return candidates[int(answer) - 1]


def _dumped(facts: Any) -> str:
    return json.dumps(facts, ensure_ascii=False, indent=2, default=str)


def main() -> None:
    """Run the command line, turning every expected error into one French line."""
    try:
        code = app(prog_name="fragilite", standalone_mode=False)
    except FragiliteError as error:
        code = _said(error.message, error.remedy, error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = _said("Interrompu.", "", 1)
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        code = _said(*usage_error(error), 2)
    sys.exit(code if isinstance(code, int) else 0)


def _said(message: str, remedy: str, code: int) -> int:
    line = " ".join(f"{message} {remedy}".split())
    typer.echo(f"fragilite : {line}", err=True)
    return code


if __name__ == "__main__":
    main()
