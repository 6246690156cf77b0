"""The workbook of a roadmap: how to read it, posts, communes, calendar, plans side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fragilite.columns import declared
from fragilite.dictionary import Column
from fragilite.outputs import sheets
from fragilite.outputs.notice import unseen
from fragilite.provenance import as_of, source_records
from fragilite.roadmap import tables
from fragilite.roadmap.study import Study
from fragilite.roadmap.wording import heading, sections

README, DICTIONARY, SOURCES = "Lisez-moi", "Dictionnaire", "Sources"


def write(study: Study, path: Path) -> None:
    """Write a study as a workbook."""
    title, subtitle = heading(study)
    sheets.save(
        path,
        lambda book, styles: _write(study, book, styles),
        title=title, subject=subtitle, date=as_of(study.build),
    )  # fmt: skip


def _write(study: Study, book: Any, styles: Mapping[str, Any]) -> None:
    title, subtitle = heading(study)
    lines = [(title, "title"), (subtitle, "note")]
    for section in sections(study):
        lines += [("", "prose"), (section.titre, "section")]
        lines += [(text, "prose") for text in [*section.phrases, *section.points]]
    sheets.prose(book, styles, README, lines)
    records = tables.columns(study.unit)
    note = (
        "Une proposition à discuter : bases et tournées se décident sur place. "
        f"{unseen(study.build)}"
    )
    held: list[pd.DataFrame] = []
    for name, make in tables.TABLES.items():
        rows = make(study)
        held.append(rows)
        sheets.table(book, styles, name, rows, records, note=note, title=title)
    sheets.records(book, styles, DICTIONARY, declared()["dictionnaire"], _dictionary(records, held))
    lots = source_records(study.build.inputs.lots)
    sheets.records(book, styles, SOURCES, declared()["provenance"], lots)


def _dictionary(records: Mapping[str, Column], held: list[pd.DataFrame]) -> list[dict[str, str]]:
    """A record for each column written."""
    types, keys = declared()["types"], declared()["dictionnaire"]
    written = {str(name) for table in held for name in table}
    return [
        {key: getattr(column, key) for key in keys} | {"type": types[column.type]}
        for name, column in records.items()
        if name in written
    ]
