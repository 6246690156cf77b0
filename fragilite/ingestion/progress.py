"""What a long task tells while it runs: a bar per file on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Protocol


def octets(count: int) -> str:
    """Write a number of bytes as French readers do.

    Examples
    --------
    >>> octets(812), octets(32_700_000)
    ('812 o', '32,7 Mo')
    """
    for power, unit in ((9, "Go"), (6, "Mo"), (3, "ko")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}".replace(".", ",")
    return f"{count} o"


class Reporter(Protocol):
    """Follows files by name, possibly several at once, from several threads."""

    def start(self, name: str, total: int | None) -> None:
        """Begin a file, or begin it again; `total` is its bytes, if known."""

    def advance(self, name: str, count: int) -> None:
        """Count bytes received."""

    def done(self, name: str) -> None:
        """End a file, whatever became of it."""

    def note(self, line: str) -> None:
        """Say one French sentence."""

    def close(self) -> None:
        """End everything and give the terminal back."""


class Lines:
    """Off a terminal: sentences on standard error, no bar.

    Parameters
    ----------
    quiet : bool
        Say nothing at all.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet

    def start(self, name: str, total: int | None) -> None:
        """Show nothing."""

    def advance(self, name: str, count: int) -> None:
        """Show nothing."""

    def done(self, name: str) -> None:
        """Show nothing."""

    def note(self, line: str) -> None:
        """Write the sentence on standard error."""
        if not self.quiet:
            print(line, file=sys.stderr)

    def close(self) -> None:
        """Nothing to give back."""


class Bars:
    """On a terminal: one bar per file on standard error, drawn by rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[sizes]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, tuple[int, int | None]] = {}

    def start(self, name: str, total: int | None) -> None:
        """Draw the bar, empty."""
        self.done(name)
        self._progress.start()
        self._tasks[name] = self._progress.add_task(name, total=total, sizes="")
        self._counts[name] = 0, total

    def advance(self, name: str, count: int) -> None:
        """Lengthen the bar."""
        received, total = self._counts[name][0] + count, self._counts[name][1]
        self._counts[name] = received, total
        sizes = octets(received) + (f" sur {octets(total)}" if total else "")
        self._progress.update(self._tasks[name], completed=received, sizes=sizes)

    def done(self, name: str) -> None:
        """Take the bar away."""
        if name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))

    def note(self, line: str) -> None:
        """Write the sentence above the bars."""
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Stop drawing."""
        self._progress.stop()


def reporter(*, quiet: bool = False) -> Reporter:
    """Choose the reporter that suits where standard error goes."""
    return Bars() if sys.stderr.isatty() and not quiet else Lines(quiet=quiet)
