"""A text in parts, written for a terminal or as a Markdown document."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from fragilite.french import aligned, paragraph

#: Columns of a terminal.
WIDTH = 100


@dataclass(frozen=True)
class Table:
    """A table of a text.

    Attributes
    ----------
    header : list of str
    rows : list of lists of str
    texts : int
        How many of the first columns are of words; the others are of numbers.
    """

    header: list[str]
    rows: list[list[str]]
    texts: int = 1


@dataclass(frozen=True)
class Section:
    """A part of a text: a title, sentences, points, then tables."""

    titre: str
    phrases: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def terminal(sections: Iterable[Section]) -> str:
    """Sections as French text for a terminal."""
    blocks = []
    for section in sections:
        lines = [section.titre]
        lines += [paragraph(text, "  ") for text in section.phrases]
        lines += [paragraph(text, "  - ").replace("\n  - ", "\n    ") for text in section.points]
        for table in section.tables:
            for part in _fitting(table):
                lines += aligned(part.header, part.rows, set(part.header[: part.texts]))
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def document(sections: Iterable[Section]) -> str:
    """Sections as a Markdown document; the first gives its title."""
    first, *others = sections
    lines = [f"# {first.titre}", *_md_body(first)]
    for section in others:
        lines += ["", f"## {section.titre}", *_md_body(section)]
    return "\n".join(lines) + "\n"


def _md_body(section: Section) -> Iterator[str]:
    for text in section.phrases:
        yield from ("", _escaped(text))
    if section.points:
        yield ""
    for text in section.points:
        yield f"- {_escaped(text)}"
    for table in section.tables:
        places = range(len(table.header))
        yield ""
        yield _md_row(table.header)
        yield _md_row(["---" if place < table.texts else "---:" for place in places])
        for row in table.rows:
            yield _md_row([_escaped(cell) for cell in row])


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """A text of a list in Markdown: its signs stay signs."""
    for mark in "\\|*_<>[]`#":
        text = text.replace(mark, f"\\{mark}")
    return text


def _fitting(table: Table) -> Iterator[Table]:
    """A table in as many parts as it takes to fit a terminal; the first columns are in each."""
    widths = [
        max(len(line[place]) for line in [table.header, *table.rows])
        for place in range(len(table.header))
    ]
    names = list(range(table.texts))
    room = WIDTH - sum(widths[place] + 2 for place in names)
    places = list(range(table.texts, len(widths)))
    parts = _parts(places, widths, room, len(places))
    for part in _parts(places, widths, room, math.ceil(len(places) / len(parts))):
        yield _columns(table, [*names, *part])


def _parts(places: Sequence[int], widths: Sequence[int], room: int, most: int) -> list[list[int]]:
    """Columns in their order, as many a part as there is room for, `most` at most."""
    parts: list[list[int]] = [[]]
    for place in places:
        used = sum(widths[one] + 2 for one in [*parts[-1], place])
        if parts[-1] and (used > room or len(parts[-1]) >= most):
            parts.append([])
        parts[-1].append(place)
    return parts


def _columns(table: Table, places: Sequence[int]) -> Table:
    return Table(
        [table.header[place] for place in places],
        [[row[place] for place in places] for row in table.rows],
        table.texts,
    )
