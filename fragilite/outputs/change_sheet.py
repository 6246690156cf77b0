"""The sheet of a workbook that says what changed, under what cannot be said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fragilite.cartography import CHANGE
from fragilite.dictionary import Column
from fragilite.outputs import sheets
from fragilite.trend import Trend
from fragilite.trend.sentences import cannot_say
from fragilite.trend.tables import columns, followed, tidy
from fragilite.trend.wording import CHANCE

#: What is the same on every row of a comparison, or for programs: it folds.
FOLDED = ("indicateur", "unite")
#: What white letters stand on.
DARK = "hausse"


def write(
    trend: Trend, book: Any, styles: Mapping[str, Any], name: str, *, title: str
) -> list[Column]:
    """Write the sheet: what is compared, département and EPCI first; the rest is in its note.

    Returns
    -------
    list of Column
        What its columns say.
    """
    records, rows = columns(trend), tidy(trend)
    kept = {(one.code, one.avant) for one in followed(trend)}
    pairs = zip(rows["indicateur"], rows["millesime_avant"], strict=True)
    rows = rows[[pair in kept for pair in pairs]].reset_index(drop=True)
    sheet = sheets.table(
        book, styles, name, rows, records,
        note=" ".join([CHANCE, *cannot_say(trend)]), title=title,
        detail=lambda column: column.nom in FOLDED,
    )  # fmt: skip
    place = list(records).index("lecture")
    for reading, colour in CHANGE.items():
        letters = {"font_color": "#FFFFFF"} if reading == DARK else {}
        sheet.conditional_format(
            sheets.FIRST, place, sheets.last_row(rows), place,
            {"type": "cell", "criteria": "==", "value": f'"{reading}"',
             "format": book.add_format({"bg_color": colour} | letters)},
        )  # fmt: skip
    return list(records.values())
