"""Options that several commands share, and what commands do with them."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fragilite.errors import UsageError

if TYPE_CHECKING:
    from fragilite.ingestion.options import Options
    from fragilite.pipeline import Build
    from fragilite.territory import Territory

DEFAULT_METHOD = "fragilite-2026"
ADVANCED = "Avancé"

Dept = Annotated[
    str | None,
    typer.Option(
        "--dept",
        metavar="CODE",
        help="Département, comme 49 ; plusieurs : 44,49.",
        show_default=False,
    ),
]
Region = Annotated[
    str | None,
    typer.Option("--region", metavar="CODE", help="Région, comme 52.", show_default=False),
]
Epci = Annotated[
    str | None,
    typer.Option("--epci", metavar="SIREN", help="EPCI, comme 200060010.", show_default=False),
]
France = Annotated[bool, typer.Option("--france", help="Toute la France.", show_default=False)]
Raw = Annotated[
    Path | None,
    typer.Option(
        "--raw",
        metavar="DOSSIER",
        help="Dossier des fichiers des producteurs (par défaut data/raw) ; ceux qu'on y dépose "
        "sont reconnus à leur contenu.",
        show_default=False,
    ),
]
Frozen = Annotated[
    bool,
    typer.Option(
        "--frozen",
        help="N'utilise que les fichiers inscrits dans sources.lock.json.",
        show_default=False,
    ),
]
VintagePins = Annotated[
    list[str] | None,
    typer.Option(
        "--vintage",
        metavar="SOURCE=MILLÉSIME",
        help="Impose un millésime, comme insee_rp=2022 (répétable).",
        show_default=False,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="SOURCE",
        help="Se passe d'une source (répétable).",
        show_default=False,
    ),
]
Indicateur = Annotated[
    Path | None,
    typer.Option(
        "--indicateur",
        metavar="FICHIER",
        help="Une enquête locale (code_insee, taux en %, effectif interrogé, annee) que compte la "
        "méthode ; une seule à la fois. Voir fragilite method new --indicateur.",
        show_default=False,
    ),
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
Quiet = Annotated[
    bool, typer.Option("--quiet", help="N'écrit que les chemins.", show_default=False)
]
Offline = Annotated[
    bool, typer.Option("--offline", help="N'ouvre aucune connexion.", show_default=False)
]
Uncertainty = Annotated[
    bool | None,
    typer.Option(
        "--uncertainty/--no-uncertainty",
        help="Dit à quel point les rangs sont sûrs (par défaut oui, sauf pour --france).",
        show_default=False,
    ),
]
Draws = Annotated[
    int | None,
    typer.Option(
        "--draws",
        metavar="N",
        help="Tirages de chaque analyse (par défaut ceux de la méthode).",
        show_default=False,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        metavar="N",
        help="Graine des tirages (par défaut celle de la méthode).",
        show_default=False,
    ),
]


def output_option(what: str) -> Any:
    """The option that names the file a command writes."""
    return typer.Option("--output", "-o", metavar="FICHIER", help=what, show_default=False)


Report = Annotated[Path | None, output_option("Écrit aussi le résultat dans ce fichier.")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Remplace le fichier s'il existe.", show_default=False),
]


def built(
    where: Territory,
    method: str,
    year: str | None,
    options: Options,
    *,
    uncertainty: bool | None = False,
    by_iris: bool = False,
) -> Build:
    """Run the pipeline for the options of a command."""
    from fragilite.cog import LAST_YEAR, parse_year
    from fragilite.pipeline import build

    annee = LAST_YEAR if year is None else parse_year(year)
    return build(
        where, method=method, annee=annee, options=options, uncertainty=uncertainty, by_iris=by_iris
    )


def options_of(
    raw: Path | None,
    vintage: list[str] | None,
    without: list[str] | None,
    *,
    offline: bool = False,
    frozen: bool = False,
    quiet: bool = False,
    indicateur: Path | None = None,
) -> Options:
    """What a build may do to have its figures, from the options of a command."""
    from fragilite.ingestion.options import Options, parse_pins

    log = logging.getLogger("fragilite")  # readers say there what they set aside
    log.handlers = [logging.StreamHandler(sys.stderr)]
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    if raw is not None and not raw.is_dir():
        raise UsageError(f"Dossier introuvable : {raw}.", "Donnez --raw un dossier qui existe.")
    return Options(
        raw, offline, frozen, parse_pins(vintage or []), frozenset(without or []), quiet, indicateur
    )


def dumped(facts: Any) -> str:
    """Facts as JSON."""
    return json.dumps(facts, ensure_ascii=False, indent=2, default=str, allow_nan=False)


def write_table(table: Any, output: Path | None, *, overwrite: bool) -> None:
    """Write a table where the command is told to."""
    from fragilite.report_file import write_report

    if output is not None:
        text = table.to_csv(index=False, lineterminator="\n", float_format="%.4f")
        write_report(output, text, ".csv", overwrite=overwrite)


def say(text: str, output: Path | None, *, as_json: bool) -> None:
    """Print a report, then the path of the file that was written."""
    typer.echo(text)
    if output is not None:
        typer.echo(output, err=as_json)
