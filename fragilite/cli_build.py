"""Commands that work on a build: the options that choose it are declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from fragilite.cli_options import (
    DEFAULT_METHOD,
    Dept,
    Epci,
    France,
    Frozen,
    Indicateur,
    MethodOption,
    Offline,
    Raw,
    Region,
    VintagePins,
    Without,
    Year,
    built,
    options_of,
)
from fragilite.errors import UsageError

if TYPE_CHECKING:
    from fragilite.pipeline import Build


def _chosen(
    dept: Dept = None,
    region: Region = None,
    epci: Epci = None,
    france: France = False,
    method: MethodOption = DEFAULT_METHOD,
    year: Year = None,
    raw: Raw = None,
    offline: Offline = False,
    frozen: Frozen = False,
    vintage: VintagePins = None,
    without: Without = None,
    indicateur: Indicateur = None,
    *,
    uncertainty: bool | None = False,
) -> Build:
    """Build what the options choose."""
    from fragilite.territory import parse_territory

    where = parse_territory(dept, region, epci, france=france)
    options = options_of(
        raw, vintage, without, offline=offline, frozen=frozen, indicateur=indicateur
    )
    return built(where, method, year, options, uncertainty=uncertainty)


def on_a_build(
    command: Callable[..., None],
    suffixes: Collection[str] = (),
    *,
    uncertainty: bool = False,
    ready: Callable[[Mapping[str, Any]], None] | None = None,
) -> Callable[..., None]:
    """Hand a command the build of its territory, and the options that choose it.

    Parameters
    ----------
    command : callable
        Takes the build, its own arguments, then its own options; those of :func:`_chosen` come last
        in its help.
    suffixes : collection of str
        Of the file it may write (options `output` and `overwrite`): one that it could not write, of
        another suffix or that exists, is refused before anything is computed.
    uncertainty : bool
        Whether the build says how sure its ranks are, but for all of France.
    ready : callable, optional
        Looks at the command's own options, and refuses what is wrong before anything is computed.
    """
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = list(inspect.signature(_chosen).parameters.values())[:-1]

    def run(**given: Any) -> None:
        if given.get("output") is not None:
            from fragilite.report_file import check_target

            check_target(given["output"], suffixes, overwrite=given["overwrite"])
        chosen = {one.name: given.pop(one.name) for one in shared}
        if ready is not None:
            ready(given)
        command(_chosen(**chosen, uncertainty=None if uncertainty else False), **given)

    hints: dict[str, Any] = {}
    for function in (command, _chosen):
        # Build is only known to type checkers: importing it is what makes a command slow.
        hints |= get_type_hints(function, localns={"Build": Any}, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [one.replace(kind=keyword, annotation=hints[one.name]) for one in [*own, *shared]]
    )
    run.__annotations__ = hints
    run.__doc__ = command.__doc__
    return run


Template = Annotated[
    Path | None,
    typer.Option(
        "--template",
        metavar="FICHIER",
        help="Écrit le fichier à remplir, et rien d'autre.",
        show_default=False,
    ),
]


def or_template(
    command: Callable[..., None], suffix: str, text: Callable[[], str], first: int = 0
) -> Callable[..., None]:
    """Let a command write the file that it asks to be filled in, instead of computing.

    Parameters
    ----------
    command : callable
    suffix : str
        Of that file.
    text : callable
        Its content.
    first : int
        How many of the command's options come before ``--template`` in its help.
    """

    def run(**given: Any) -> None:
        template = given.pop("template")
        if template is None:
            command(**given)
            return
        if given.get("file") is not None:
            raise UsageError(
                "--template écrit un fichier à remplir et ne lit rien.", "Retirez l'autre fichier."
            )
        from fragilite.report_file import write_report

        write_report(template, text(), suffix, overwrite=given["overwrite"])
        typer.echo(template)

    own = inspect.signature(command)
    option = inspect.Parameter(
        "template", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Template
    )
    names = list(own.parameters.values())
    run.__signature__ = own.replace(  # type: ignore[attr-defined]
        parameters=[*names[:first], option, *names[first:]]
    )
    run.__annotations__ = command.__annotations__ | {"template": Template}
    run.__doc__ = command.__doc__
    return run
