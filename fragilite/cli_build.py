"""Commands that work on a build: the options that choose it are declared once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, get_type_hints

from fragilite.cli_options import (
    DEFAULT_METHOD,
    Dept,
    Epci,
    France,
    Frozen,
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
    *,
    uncertainty: bool | None = False,
) -> Build:
    """Build what the options choose."""
    from fragilite.territory import parse_territory

    where = parse_territory(dept, region, epci, france=france)
    options = options_of(raw, vintage, without, offline=offline, frozen=frozen)
    return built(where, method, year, options, uncertainty=uncertainty)


def on_a_build(
    command: Callable[..., None], suffixes: Collection[str] = (), *, uncertainty: bool = False
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
    """
    own = list(inspect.signature(command).parameters.values())[1:]
    shared = list(inspect.signature(_chosen).parameters.values())[:-1]

    def run(**given: Any) -> None:
        if given.get("output") is not None:
            from fragilite.report_file import check_target

            check_target(given["output"], suffixes, overwrite=given["overwrite"])
        chosen = {one.name: given.pop(one.name) for one in shared}
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
