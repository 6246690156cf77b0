"""The command that shares posts in a territory, or chooses where to open what is scarce."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fragilite.cli_build import on_a_build, or_template
from fragilite.cli_inventory import PlacesOption
from fragilite.cli_options import Json, Overwrite, dumped
from fragilite.cli_places import PANEL, MappingOption
from fragilite.errors import UsageError
from fragilite.french_help import FrenchCommand

if TYPE_CHECKING:
    from fragilite.pipeline import Build
    from fragilite.roadmap.scenario import Asked, Scenario

SECTORS, COVERING = "secteurs", "couverture"

Times = Annotated[
    Path | None,
    typer.Option(
        "--times",
        metavar="FICHIER",
        help="Table de temps de route : origine, destination, minutes, entre codes de communes.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    run = or_template(
        on_a_build(_roadmap, uncertainty=True, ready=_ready), ".toml", _scenario_to_fill
    )
    app.command("roadmap", cls=FrenchCommand, rich_help_panel=PANEL)(run)


def _scenario_to_fill() -> str:
    from fragilite.roadmap.scenario import scenario_text

    return scenario_text()


def _roadmap(
    build: Build,
    posts: Annotated[
        int | None,
        typer.Option(
            "--posts", metavar="N", help="Postes à partager, ou lieux à ouvrir.", show_default=False
        ),
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            metavar="MODE",
            help="secteurs (partager le travail, par défaut) ou couverture (où ouvrir ce qui est "
            "rare).",
            show_default=False,
        ),
    ] = SECTORS,
    scenario: Annotated[
        str | None,
        typer.Option(
            "--scenario",
            metavar="NOM|FICHIER",
            help="volume (par défaut), intensite, ou un fichier TOML.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare",
            metavar="A B",
            help="Deux scénarios côte à côte, comme intensite volume.",
            show_default=False,
        ),
    ] = None,
    respect_epci: Annotated[
        str | None,
        typer.Option(
            "--respect-epci",
            metavar="MOT",
            help="non, souple (par défaut), entiers, ou ce que pèse une coupure, en mètres par "
            "personne.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="A+B",
            help="Communes d'un même secteur, par code ou par nom (répétable).",
            show_default=False,
        ),
    ] = None,
    forbid: Annotated[
        list[str] | None,
        typer.Option(
            "--forbid",
            metavar="A[+B]",
            help="Commune sans base ; plusieurs, liées par + : dans des secteurs différents "
            "(répétable).",
            show_default=False,
        ),
    ] = None,
    max_per_epci: Annotated[
        int | None,
        typer.Option(
            "--max-per-epci", metavar="N", help="Bases d'un même EPCI, au plus.", show_default=False
        ),
    ] = None,
    min_half_days: Annotated[
        int | None,
        typer.Option(
            "--min-demi-journees",
            metavar="N",
            help="Demi-journées dans chaque commune et par cycle, au moins.",
            show_default=False,
        ),
    ] = None,
    capacities: Annotated[
        list[str] | None,
        typer.Option(
            "--capacite",
            metavar="GENRE=N",
            help="Personnes que sert par an un lieu d'un genre, ou un ETP, comme "
            "france_services=400 (répétable ; rien n'est supposé sans elle).",
            show_default=False,
        ),
    ] = None,
    what: Annotated[
        str | None,
        typer.Option(
            "--pour",
            metavar="SERVICE",
            help="En couverture : service ou genre de lieu, comme mds ou parentalite.",
            show_default=False,
        ),
    ] = None,
    radius: Annotated[
        float | None,
        typer.Option(
            "--rayon",
            metavar="N",
            help="En couverture : km, ou minutes avec --times (par défaut 10).",
            show_default=False,
        ),
    ] = None,
    places: PlacesOption = None,
    mapping: MappingOption = None,
    times: Times = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            "--temps",
            metavar="S",
            help="Secondes de recherche par scénario, au plus (par défaut 540).",
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DOSSIER",
            help="Écrit tableaux, classeur, GeoPackage, page et dossier Word dans ce dossier.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--modele",
            metavar="FICHIER",
            help="Modèle Word de la maison (.docx ou .dotx), pour le dossier.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Partage des postes de médiation, et dit pour chacun où, pour combien, face à aujourd'hui."""
    from fragilite.inventory import places_if_any
    from fragilite.roadmap import files, study, wording
    from fragilite.roadmap.capacity import parse_capacities
    from fragilite.roadmap.covering import covering, scarce
    from fragilite.roadmap.covering import facts as covering_facts
    from fragilite.roadmap.covering import stem_of as covering_stem
    from fragilite.roadmap.scenario import DEFAULT, Asked
    from fragilite.roadmap.study import stem_of as study_stem
    from fragilite.sections import terminal

    said = Asked(
        posts, respect_epci, tuple(keep or ()), tuple(forbid or ()), max_per_epci, min_half_days
    )
    asked = _scenarios(compare or (scenario or DEFAULT,), said)
    known = places_if_any(build, places or (), mapping or ())
    if mode == COVERING:
        if folder is not None:
            stem = covering_stem(build, scarce(what or "")[1])
            files.check_new(folder, stem, files.COVERING, overwrite=overwrite)
        found = covering(build, known, asked[0], what or "", radius=radius, times=times)
        written = files.write_covering(found, folder, overwrite=overwrite) if folder else []
        text = terminal(wording.covering_sections(found))
        shown = dumped(covering_facts(found)) if as_json else text
    else:
        if folder is not None:
            files.check_new(folder, study_stem(build), files.STUDY, overwrite=overwrite)
        stated = parse_capacities(capacities or ())
        worked = study(build, known, asked, capacities=stated, times=times, seconds=seconds)
        written = files.write(worked, folder, model, overwrite=overwrite) if folder else []
        shown = dumped(wording.facts(worked)) if as_json else wording.render(worked)
    typer.echo(shown)
    for path in written:
        typer.echo(path, err=as_json)


def _scenarios(names: Iterable[str], said: Asked) -> list[Scenario]:
    """Scenarios, with what the command line adds to them."""
    from fragilite.roadmap.scenario import completed, load_scenario, settings_of

    found = [completed(load_scenario(name), said) for name in names]
    for one in found:
        settings_of(one)  # a number of posts, words that are known
    return found


def _ready(given: Mapping[str, Any]) -> None:
    """Refuse what is wrong in the options before anything is computed."""
    from fragilite.roadmap.capacity import parse_capacities
    from fragilite.roadmap.covering import scarce
    from fragilite.roadmap.files import check_folder
    from fragilite.roadmap.scenario import DEFAULT, Asked

    mode = given["mode"]
    if mode not in {SECTORS, COVERING}:
        raise UsageError(f"--mode : « {mode} » inconnu.", f"Donnez {SECTORS} ou {COVERING}.")
    if given["compare"] and given["scenario"]:
        raise UsageError("--scenario et --compare se contredisent.", "Gardez l'un des deux.")
    if mode == COVERING:
        if given["compare"]:
            raise UsageError(
                "--compare met des secteurs côte à côte, pas des couvertures.",
                "Lancez --mode couverture une fois par --scenario.",
            )
        if given["what"] is None:
            raise UsageError(
                "Il manque ce qui est rare.", "Exemple : --mode couverture --posts 2 --pour mds"
            )
        scarce(given["what"])
    elif given["what"] is not None or given["radius"] is not None:
        raise UsageError(
            "--pour et --rayon ne servent qu'en couverture.", "Ajoutez --mode couverture."
        )
    said = Asked(
        postes=given["posts"],
        respect_epci=given["respect_epci"],
        max_par_epci=given["max_per_epci"],
        min_demi_journees=given["min_half_days"],
    )
    _scenarios(given["compare"] or (given["scenario"] or DEFAULT,), said)
    parse_capacities(given["capacities"] or ())
    if given["folder"] is not None:
        check_folder(given["folder"])
    if given["model"] is not None:
        from fragilite.outputs.word import check_template

        if given["folder"] is None or mode == COVERING:
            raise UsageError("--modele habille le dossier Word.", "Ajoutez --output DOSSIER.")
        check_template(given["model"])
