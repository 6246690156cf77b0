"""What QGIS shows when the pointer rests on a place: HTML whose values QGIS fills in.

QGIS evaluates what stands between ``[%`` and ``%]`` for each place, so a name from the data is
escaped by the expression itself, and a word from the method when the text is made.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

from fragilite.cartography import MISSING, PEOPLE
from fragilite.dictionary import scale
from fragilite.explanation import CAUTIONS
from fragilite.iris_reading import PERSONNE
from fragilite.pipeline import Build

#: Wide enough for « CU Angers Loire Métropole » on one line, narrow enough to leave the map seen.
STYLE = "width: 23em; font-family: sans-serif; font-size: 10pt; color: #222"
NOTE = "color: #555; font-size: 9pt"


def column(name: str) -> str:
    """A column, in an expression of QGIS.

    Examples
    --------
    >>> column("indice")
    '"indice"'
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    r"""A text, in an expression of QGIS, which reads a backslash as an escape.

    Examples
    --------
    >>> print(text("l'âge"))
    'l''âge'
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def escaped(value: str) -> str:
    """A text that is neither HTML nor the start or the end of an expression.

    Examples
    --------
    >>> escaped("<b>[% 1 %]")
    '&lt;b&gt;&#91;% 1 %&#93;'
    """
    return html.escape(value).replace("[", "&#91;").replace("]", "&#93;")


def map_tip(build: Build, table: Sequence[str], *, name: str, code: str) -> str:
    """HTML of the map tip of a layer.

    Parameters
    ----------
    build : Build
    table : sequence of str
        Columns of the layer: what it does not have is left out.
    name, code : str
        Columns of the place's name and code.

    Returns
    -------
    str
        No image, no script, no address.
    """
    lines = [
        f"<b>{shown(safe(name))}</b> ({shown(safe(code))})",
        *_situation(table, name),
        *_index(build, table),
        *_certainty(table),
        _sub_scores(build),
        *_people(build),
        *_completeness(),
        *_unseen(build),
        *([note(PERSONNE)] if name == "nom_iris" else []),
    ]
    return sheet(lines)


def sheet(lines: Sequence[str]) -> str:
    """HTML of a tip: its name, then blocks one under the other; an empty one takes no room."""
    blocks = [f'<div style="margin-top: 4px">{line}</div>' for line in lines[1:]]
    return f'<div style="{STYLE}">{lines[0]}{"".join(blocks)}</div>'


def note(said: str) -> str:
    """A text of the program or of the method, small."""
    return f'<span style="{NOTE}">{escaped(said)}</span>'


def rows(cells: Iterable[tuple[str, str]]) -> str:
    """A table of two columns: what a figure is, as HTML, and the expression of its value."""
    made = [
        f'<tr><td>{said}</td><td align="right" style="padding-left: 1em">{shown(value)}</td></tr>'
        for said, value in cells
    ]
    return f'<table cellspacing="0" cellpadding="0">{"".join(made)}</table>' if made else ""


def shown(expression: str) -> str:
    """What QGIS fills in."""
    return f"[% {expression} %]"


def safe(name: str) -> str:
    """The text of a column as HTML; ``&`` first, or it would escape the others twice."""
    found = f"coalesce({column(name)}, '')"
    for mark, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        found = f"replace({found}, {text(mark)}, {text(written)})"
    return found


def figure(name: str, decimals: int) -> str:
    """The number of a column, as it is written in French."""
    return f"format_number({column(name)}, {decimals}, 'fr')"


def _ordinal(name: str) -> str:
    return f"if({column(name)} = 1, '1er', format_number({column(name)}, 0, 'fr') || 'e')"


def unless_missing(name: str, then: str, otherwise: str) -> str:
    """An expression where a column has a value, another where it has none."""
    return f"CASE WHEN {column(name)} IS NULL THEN {otherwise} ELSE {then} END"


def _situation(table: Sequence[str], name: str) -> Iterator[str]:
    """Where a commune belongs; what an EPCI is made of, and whether the layer holds it whole."""
    if "remarque" in table and "communes" in table:
        parts = f"{figure('communes', 0)} || if({column('communes')} < 2, ' commune', ' communes')"
        yield shown(parts)
        remark = f"'<b>' || {safe('remarque')} || '</b> : aucune valeur n''est donnée.'"
        yield shown(f"if(coalesce({column('remarque')}, '') = '', '', {remark})")
    elif "nom_epci" in table and name != "nom_epci":
        same = f"{column('nom')} = {column(name)}"  # a commune that is not split is one row
        town = f"if({same}, '', {safe('nom')} || ', ') || " if name == "nom_iris" else ""
        yield shown(f"{town}{safe('nom_epci')}")


def _index(build: Build, table: Sequence[str]) -> Iterator[str]:
    root, method = build.method.column(build.method.root), build.method
    record, decimals = method.noeuds[method.root], build.columns[root].decimales
    label = f" || ', ' || {safe('classe_libelle')}" if "classe_libelle" in table else ""
    value = f"'<b>' || {figure(root, decimals)} || '</b>'{label}"
    said = shown(unless_missing(root, value, text(escaped(MISSING.lower()))))
    yield f"{escaped(record.libelle)}\u00a0: {said}<br/>{note(scale(method))}"
    place = f"{_ordinal('rang')} || ' sur ' || {figure('rang_sur', 0)}"
    if {"rang_min_90", "rang_max_90"} <= set(table):
        place += f" || {_interval()}"
    yield shown(unless_missing("rang", f"'Rang\u00a0: ' || {place}", "''"))


def _interval() -> str:
    low, high = column("rang_min_90"), column("rang_max_90")
    span = (
        f"if({low} = {high}, 'au ' || {_ordinal('rang_min_90')}, "
        f"'du ' || {_ordinal('rang_min_90')} || ' au ' || {_ordinal('rang_max_90')})"
    )
    known = f"{low} IS NULL OR {high} IS NULL"
    return f"CASE WHEN {known} THEN '' ELSE ' (' || {span} || ', neuf fois sur dix)' END"


def _certainty(table: Sequence[str]) -> Iterator[str]:
    """The reading, with what must be said beside it."""
    if "lecture" not in table:
        return
    cases = " ".join(
        f"WHEN {column('lecture')} = {text(reading)} THEN {text('.' + escaped(caution))}"
        for reading, caution in CAUTIONS.items()
    )
    said = f"'Lecture\u00a0: ' || {safe('lecture')} || CASE {cases} ELSE '.' END"
    yield shown(f"if(coalesce({column('lecture')}, '') = '', '', {said})")


def _sub_scores(build: Build) -> str:
    missing = text(escaped(MISSING.lower()))
    names = {node: build.method.column(node) for node in build.method.descending()}
    return rows(
        (
            escaped(build.method.noeuds[node].libelle),
            f"coalesce({figure(name, build.columns[name].decimales)}, {missing})",
        )
        for node, name in names.items()
        if node != build.method.root
    )


def _people(build: Build) -> Iterator[str]:
    """Nothing where the method counts nobody: it is not a figure that lacks."""
    if build.method.volume is None:
        return
    label = escaped(build.columns[PEOPLE].libelle)
    many = f"'environ ' || {figure(PEOPLE, 0)} || ', ' || {_ordinal('rang_volume')}"
    said = f"{many} || ' rang en volume (estimation par l''âge)'"
    missing = text(escaped(MISSING.lower()))
    yield f"{label}\u00a0: {shown(unless_missing(PEOPLE, said, missing))}"


def _completeness() -> Iterator[str]:
    """Said only where the index stands on less than its whole weight."""
    share = f"format_number(100 * {column('completude')}, 0, 'fr')"
    said = f"'Observé sur ' || {share} || '\u00a0% du poids de l''indice.'"
    yield shown(f"if(coalesce({column('completude')}, 1) < 1, {said}, '')")


def _unseen(build: Build) -> Iterator[str]:
    found = build.method.lecture.invisible
    if found:
        named = "\u00a0; ".join(found)
        yield note(f"Ce que l'indice ne voit pas\u00a0: {named}.")
