"""What a build needs and what it may do to have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fragilite.errors import UsageError
from fragilite.ingestion.catalogue import SURVEY, load_sources


@dataclass(frozen=True)
class Options:
    """What a build may do to have its figures.

    Attributes
    ----------
    raw : Path or None
        Folder of raw files; None is ``data/raw``, and lets the bundled figures serve.
    offline : bool
        Open no connection.
    frozen : bool
        Use only files that match the lock file.
    pins : mapping of str to str
        Source → vintage to use, whatever is newer.
    without : frozenset of str
        Sources to do without.
    quiet : bool
        Say nothing of downloads.
    indicateur : Path or None
        Local survey of the user, that the method names as a source.
    """

    raw: Path | None = None
    offline: bool = False
    frozen: bool = False
    pins: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    quiet: bool = False
    indicateur: Path | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing was said that only raw files can answer."""
        return self.raw is None and not (self.frozen or self.pins or self.without)


@dataclass(frozen=True)
class Needs:
    """Variables that a method reads.

    Attributes
    ----------
    variables : frozenset of str
        Read by indicators, context and headcounts.
    scored : frozenset of str
        Those of them that are scored: a build does not do without.
    volume : tuple of frozenset of str
        Sets of age bands, any of which is enough, the finest first.
    """

    variables: frozenset[str]
    scored: frozenset[str] = frozenset()
    volume: tuple[frozenset[str], ...] = ()

    @property
    def survey(self) -> bool:
        """Whether a local survey is read."""
        return bool(self.variables & load_sources()[SURVEY].variables.keys())


def parse_pins(texts: Sequence[str]) -> dict[str, str]:
    """Read ``insee_rp=2022``.

    Raises
    ------
    UsageError
        If a text is not of this form.

    Examples
    --------
    >>> parse_pins(["insee_rp=2022"])
    {'insee_rp': '2022'}
    """
    pins = {}
    for text in texts:
        source, equals, millesime = text.partition("=")
        if not (source and equals and millesime):
            raise UsageError(
                f"--vintage « {text} » : SOURCE=MILLÉSIME attendu.", "Exemple : insee_rp=2022"
            )
        pins[source.strip()] = millesime.strip()
    return pins
