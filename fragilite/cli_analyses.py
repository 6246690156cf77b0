"""Commands that question an index: how sure it is, how sound, how it differs from another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fragilite.cli_build import on_a_build
from fragilite.cli_options import (
    Draws,
    Json,
    Overwrite,
    Report,
    Seed,
    dumped,
    say,
    write_table,
)
from fragilite.errors import UsageError
from fragilite.french_help import FrenchCommand

if TYPE_CHECKING:
    from fragilite.comparison import Side
    from fragilite.method import Incertitude
    from fragilite.pipeline import Build
    from fragilite.score_file import ScoreFile

QUESTIONS = "Questionner l'indice"

Code = Annotated[
    str,
    typer.Option(
        "--code",
        metavar="COLONNE",
        help="Colonne des codes du fichier (par défaut reconnue à son nom ou à son contenu).",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    for name, command, suffixes in (
        ("robustness", _robustness, (".csv",)),
        ("sensitivity", _sensitivity, ()),
        ("audit", _audit, (".md",)),
        ("compare", _compare, (".csv",)),
        ("validate", _validate, ()),
    ):
        run = on_a_build(command, suffixes)
        app.command(name, cls=FrenchCommand, rich_help_panel=QUESTIONS)(run)


def _robustness(
    build: Build,
    draws: Draws = None,
    seed: Seed = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODÈLE",
            help="Bruit des données : superpopulation (sondage et petits effectifs) ou sondage.",
            show_default=False,
        ),
    ] = None,
    deff: Annotated[
        float | None,
        typer.Option(
            "--deff",
            metavar="X",
            help="Effet de plan du recensement, une hypothèse (par défaut celle de la méthode).",
            show_default=False,
        ),
    ] = None,
    concentration: Annotated[
        float | None,
        typer.Option(
            "--concentration",
            metavar="X",
            help="Des poids tirés autour des poids déclarés : plus bas, plus dispersés.",
            show_default=False,
        ),
    ] = None,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Dit à quel point les rangs sont sûrs : bruit des données, puis choix de méthode."""
    from fragilite.certainty import analyse
    from fragilite.robustness_report import communes_table, render, stability

    noise = {"modele": None if model is None else model.lower(), "effet_plan": deff}
    rules = _rules(
        build, draws, seed, {"donnees": noise, "methode": {"concentration": concentration}}
    )
    found = analyse(build, rules)
    write_table(communes_table(build, found), output, overwrite=overwrite)
    facts = stability(build, rules, found)
    say(dumped(facts) if as_json else render(facts), output, as_json=as_json)


def _sensitivity(
    build: Build,
    draws: Annotated[
        int,
        typer.Option(
            "--draws",
            metavar="N",
            help="Tirages de base, une puissance de deux (par défaut 1024).",
            show_default=False,
        ),
    ] = 1024,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Dit quel choix de méthode déplace le plus les rangs (indices de Sobol)."""
    from fragilite.certainty import sensitivity_of
    from fragilite.robustness import render

    rules = _rules(build, None, seed, {})
    found = sensitivity_of(build.result, build.method, rules, build.reference, draws)
    typer.echo(dumped(found.facts()) if as_json else render(found))


def _audit(
    build: Build,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Vérifie la cohérence de l'indice, pas à pas, selon le manuel de l'OCDE et du JRC."""
    from fragilite.audit import facts, markdown, render
    from fragilite.audit.complete import audited
    from fragilite.report_file import write_report

    found = audited(build)
    if output is not None:
        write_report(output, markdown(found), ".md", overwrite=overwrite)
    say(dumped(facts(found)) if as_json else render(found), output, as_json=as_json)


def _compare(
    build: Build,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FICHIER",
            help="Résultats à comparer, au lieu de l'indice que la commande calcule.",
        ),
    ] = None,
    other: Annotated[
        str,
        typer.Option(
            "--with",
            metavar="MÉTHODE|FICHIER",
            help="Une méthode (ifn-2023, la-mienne.toml), ou un fichier de codes et de scores : "
            "CSV, tableur, résultats d'un autre calcul.",
            show_default=False,
        ),
    ] = "",
    column: Annotated[
        str,
        typer.Option(
            "--column",
            metavar="COLONNE",
            help="Colonne du score dans le fichier de --with.",
            show_default=False,
        ),
    ] = "",
    code: Code = "",
    inverse: Annotated[
        bool,
        typer.Option(
            "--inverse",
            help="Dans ce fichier, un score haut désigne une fragilité basse.",
            show_default=False,
        ),
    ] = False,
    seed: Seed = None,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Compare deux indices, et dit pourquoi les rangs diffèrent."""
    from fragilite.comparison import Side, compare, facts, render
    from fragilite.robustness import SEED

    if not other:
        raise UsageError(
            "Il manque ce à quoi comparer.", "Exemple : fragilite compare --dept 49 --with ifn-2023"
        )
    ours = Side.of_build(build)
    theirs = _side(build, ours, other, column, code)
    if file is not None:
        ours = Side.of_file(_scores(build, file), str(file), ours)
    found = compare(
        ours,
        theirs,
        seed=SEED if seed is None else seed,
        inverse=inverse,
    )
    write_table(found.communes.rename_axis("code_insee").reset_index(), output, overwrite=overwrite)
    say(dumped(facts(found)) if as_json else render(facts(found)), output, as_json=as_json)


def _validate(
    build: Build,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FICHIER", help="Cible, par commune ou par EPCI : codes et valeurs."
        ),
    ],
    column: Annotated[
        str,
        typer.Option(
            "--column", metavar="COLONNE", help="Colonne de la cible.", show_default=False
        ),
    ] = "",
    code: Code = "",
    measured: Annotated[
        bool | None,
        typer.Option(
            "--measured/--modelled",
            help="Si la cible est mesurée, ou si elle est elle-même un modèle.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Rapproche l'indice d'une mesure venue d'ailleurs : corrélations et intervalles."""
    from fragilite.robustness import SEED
    from fragilite.score_file import read_scores
    from fragilite.validation import facts, render, validate

    inputs = build.inputs
    target = read_scores(
        file, column, communes=inputs.communes["nom"], epci=inputs.epci["nom"], code=code,
        annee=inputs.annee,
    )  # fmt: skip
    modelled = None if measured is None else not measured
    found = facts(validate(build, target, modelled=modelled, seed=SEED if seed is None else seed))
    typer.echo(dumped(found) if as_json else render(found))


# --- what they share -----------------------------------------------------------------------------


def _rules(
    build: Build, draws: int | None, seed: int | None, changes: dict[str, dict[str, Any]]
) -> Incertitude:
    """Settings of the method's uncertainty, with what the options change."""
    from fragilite.certainty import declared_rules
    from fragilite.method import varied

    given = {
        table: {key: value for key, value in found.items() if value is not None}
        for table, found in changes.items()
    }
    return varied(declared_rules(build.method), {"tirages": draws, "graine": seed} | given)


def _scores(build: Build, file: Path, column: str = "", code: str = "") -> ScoreFile:
    """Scores of communes in a file."""
    from fragilite.score_file import read_scores

    inputs = build.inputs
    return read_scores(file, column, communes=inputs.communes["nom"], code=code, annee=inputs.annee)


def _side(build: Build, ours: Side, other: str, column: str, code: str) -> Side:
    """What an index is compared with: the same territory by another method, or a file."""
    from fragilite.comparison import Side
    from fragilite.method import available_methods, load_method
    from fragilite.pipeline import rebuild

    if other in available_methods() or Path(other).suffix == ".toml":
        if column or code:
            raise UsageError(
                f"--column et --code lisent un fichier : « {other} » est une méthode.",
                "Retirez-les.",
            )
        return Side.of_build(rebuild(build, load_method(other)))
    if not Path(other).suffix and not Path(other).exists():
        known = ", ".join(available_methods())
        raise UsageError(
            f"--with : « {other} » n'est ni une méthode livrée ({known}) ni un fichier.",
            "Vérifiez le nom.",
        )
    return Side.of_file(_scores(build, Path(other), column, code), other, ours)
