"""An audit for its readers: a paragraph for a mayor, a page for a statistician, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from fragilite.audit.evidence import Audit
from fragilite.audit.steps import (
    Etape,
    Tableau,
    alike,
    cell,
    places_spanned,
    quoted,
    record_short,
    share,
    steps,
)
from fragilite.french import listing, number, of_the, paragraph, plural, rounded_parts
from fragilite.scoring import TIE

#: The indicators named first make at least this share of the differences.
MOST = 0.75
#: Under it, an indicator hardly tells communes apart.
HARDLY = 0.05
#: Under it, there is hardly a ranking to be sure of.
RANKING = 5
#: Columns of a terminal.
WIDTH = 100


# --- the paragraph -------------------------------------------------------------------------------


def summary(audit: Audit) -> str:
    """What the audit says, in one paragraph without a word of statistics."""
    where = f"{audit.territoire}, {plural(audit.communes, 'commune')}."
    blind = " ; ".join(audit.methode.lecture.invisible)
    unseen = f"L'indice ne voit pas : {blind}." if blind else ""
    told = [where, _drivers(audit), _same_order(audit), _sure(audit), unseen]
    return " ".join(filter(None, told))


def _drivers(audit: Audit) -> str:
    """What tells communes apart, the largest share first."""
    if audit.correlations.empty:
        return audit.remarques[0] if audit.remarques else ""
    parts = audit.poids["part"].dropna()
    if parts.empty:
        ties = audit.poids["spearman"].dropna().sort_values(ascending=False, kind="stable")
        names = [of_the(record_short(audit, str(code))) for code in ties.index[:2]]
        return f"L'indice parle ici surtout {listing(names)}."
    percents = _percents(parts)
    reached = int((percents.cumsum() < 100 * MOST).sum()) + 1
    first, rest = percents.iloc[:reached], percents.iloc[reached:]
    whole = f"{number(first.sum())} % de ce qui distingue une commune d'une autre"
    if reached == 1:
        told = f"{of_the(record_short(audit, str(first.index[0])))} : {whole}"
    else:
        told = f"{_parts(audit, first, of_the)}, en tout {whole}"
    opening = f"L'indice parle ici surtout {told}."
    return " ".join([opening, *_others(audit, rest), *_branches(audit)])


def _percents(parts: pd.Series) -> pd.Series:
    """In whole percents that add up to 100, the largest first."""
    rounded = pd.Series(rounded_parts([100 * part for part in parts], 0), parts.index)
    return rounded.sort_values(ascending=False, kind="stable")


def _others(audit: Audit, rest: pd.Series) -> Iterator[str]:
    """What comes next, what hardly counts, and what runs against the others: these make over 100.

    That one has no figure: rounding for all to add up to 100 may write −2 for −1.4.
    """
    hardly = rest[rest.abs() < 100 * HARDLY]
    if len(codes := rest[rest >= 100 * HARDLY]):
        verb = "Viennent" if _several(audit, codes) else "Vient"
        yield f"{verb} ensuite {_parts(audit, codes)}."
    if len(hardly):
        parts = [
            f"{of_the(record_short(audit, str(code)))} "
            f"({share(cell(audit.poids, str(code), 'declare'))} du poids déclaré)"
            for code in hardly.index
        ]
        yield f"Presque rien ne vient {' ni '.join(parts)}."
    if len(codes := rest[rest < 0]):
        verb = "jouent" if _several(audit, codes) else "joue"
        little = " un peu" if codes.min() > -100 * HARDLY else ""
        named = listing([record_short(audit, str(code)) for code in codes.index])
        yield (
            f"{named[0].upper()}{named[1:]} {verb}{little} en sens inverse : c'est pourquoi les "
            "autres font plus de 100 %."
        )


def _parts(audit: Audit, percents: pd.Series, write: Callable[[str], str] = str) -> str:
    """``le diplôme (34 %) et l'âge (30 %)``, or ``du diplôme…`` once written after « de »."""
    return listing(
        [
            f"{write(record_short(audit, str(code)))} ({number(percent)} %)"
            for code, percent in percents.items()
        ]
    )


def _several(audit: Audit, percents: pd.Series) -> bool:
    """Whether the verb is in the plural."""
    return len(percents) > 1 or record_short(audit, str(percents.index[0])).startswith("les ")


def _branches(audit: Audit) -> Iterator[str]:
    """The total of each branch of the root, where it says more than the indicators do."""
    shares = pd.concat([audit.noeuds["part"], audit.poids["part"]])
    below = audit.methode.weights[audit.methode.root]
    percents = _percents(shares[[code for code in below if code in shares]])
    if not 1 < len(percents) < len(audit.poids):
        return
    made, against = percents[percents > 0], percents[percents < 0]
    names = [quoted(audit, str(code)) for code in made.index]
    if len(made) == 1:
        yield f"Au total, tous ces écarts viennent de {names[0]}."
        return
    first, *others = (f"{number(percent)} %" for percent in made)
    totals = [f"{names[0]} fait {first} de ces écarts"]
    totals += [f"{name} {percent}" for name, percent in zip(names[1:], others, strict=True)]
    told = f"Au total, {listing(totals)}"
    if len(against):
        verb = "jouent" if len(against) > 1 else "joue"
        named = listing([quoted(audit, str(code)) for code in against.index])
        told += f" ; {named} {verb} en sens inverse"
    yield f"{told}."


def _same_order(audit: Audit) -> str:
    found = alike(audit)
    if not found:
        return ""
    names = listing([quoted(audit, node) for node in found])
    verb = "rangent" if len(found) > 1 else "range"
    return f"{names} {verb} les communes presque dans le même ordre que l'indice."


def _sure(audit: Audit) -> str:
    """How little two ranks may differ; nothing where they do not move, or of a handful."""
    half = places_spanned(audit)
    if audit.classees < RANKING or half == 1 or not audit.maximum > audit.minimum:
        return ""
    if half:
        return (
            "Les rangs sont approximatifs : pour une commune sur deux, le rang tient, neuf fois "
            f"sur dix, dans une plage d'au plus {number(half)} places sur "
            f"{number(audit.classees)}."
        )
    gap = max(0.1, float(np.ceil(10 * audit.ecart_voisins - TIE) / 10))
    points = "point" if gap < 2 else "points"
    return (
        "Un rang n'est pas une frontière : une fois sur deux, deux communes qui se suivent sont "
        f"séparées d'au plus {number(gap, 1)} {points}, quand l'indice va de "
        f"{number(audit.minimum, 1)} à {number(audit.maximum, 1)}."
    )


# --- JSON ----------------------------------------------------------------------------------------


def facts(audit: Audit) -> dict[str, Any]:
    """Everything an audit holds, ready for JSON; missing numbers are null."""
    header = audit.methode.methode
    tables = {
        "indicateurs": audit.indicateurs, "statuts": audit.statuts,
        "correlations": audit.correlations, "correlations_noeuds": audit.correlations_noeuds,
        "poids": audit.poids, "noeuds": audit.noeuds, "charges": audit.charges,
        "contraste": audit.contraste, "contexte": audit.contexte,
    }  # fmt: skip
    lists = {
        "correlations_signalees": audit.signalees, "completude": audit.completude.reset_index(),
        "plus_fragiles": audit.tete.rename_axis("code_insee").reset_index(),
        "classes": audit.classes,
    }  # fmt: skip
    return {
        "territoire": audit.territoire,
        "annee": audit.annee,
        "communes": audit.communes,
        "communes_avec_indice": audit.classees,
        "communes_completes": audit.completes,
        "methode": {"code": header.code, "version": header.version, "sha256": audit.methode.sha256},
        "resume": summary(audit),
        "etapes": [
            {
                "numero": step.numero, "titre": step.titre, "verdict": step.verdict,
                "phrase": step.phrase, "conclusions": step.conclusions,
            }
            for step in steps(audit)
        ],
        "remarques": audit.remarques,
        "additive": audit.additive,
        "indice_minimum": _plain(audit.minimum),
        "indice_maximum": _plain(audit.maximum),
        "ecart_entre_voisins": _plain(audit.ecart_voisins),
        **{name: _by_row(table) for name, table in tables.items()},
        **{name: list(_by_row(table).values()) for name, table in lists.items()},
        "sources": audit.sources,
    }  # fmt: skip


def _by_row(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {
        str(key): {str(name): _plain(value) for name, value in row.items()}
        for key, row in zip(table.index, table.astype(object).to_dict("records"), strict=True)
    }


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


# --- terminal ------------------------------------------------------------------------------------


def render(audit: Audit) -> str:
    """Write an audit as French text, 100 columns at most."""
    found, lecture = steps(audit), audit.methode.lecture
    blocks = [
        [_title(audit), _origin(audit)],
        ["En bref", paragraph(summary(audit), "  "),
         *(paragraph(text, "  ") for text in (lecture.usage, lecture.non_usage) if text)],
        *([["À savoir", *(paragraph(text, "  ") for text in audit.remarques)]]
          if audit.remarques else []),
        *([_step_heading(step), *_step_body(step)] for step in found),
    ]  # fmt: skip
    return "\n\n".join("\n".join(block) for block in blocks)


def _title(audit: Audit) -> str:
    return f"Audit — {audit.methode.methode.libelle} — {audit.territoire}"


def _origin(audit: Audit) -> str:
    header = audit.methode.methode
    return (
        f"Méthode {header.code} {header.version} ; communes au 1er janvier {audit.annee} ; "
        f"{number(audit.classees)} sur {number(audit.communes)} avec un indice."
    )


def _step_heading(step: Etape) -> str:
    return f"{step.numero}. {step.titre} — {step.verdict}"


def _step_body(step: Etape) -> Iterator[str]:
    yield paragraph(step.phrase, "  ")
    for table in step.tableaux:
        if table.lignes:
            yield ""
            yield f"  {table.titre}"
            yield from _folded(table)
            if table.legende:
                yield paragraph(table.legende, "    ")
    if step.conclusions:
        yield ""
        yield from (paragraph(text, "  ") for text in step.conclusions)


def _folded(table: Tableau) -> Iterator[str]:
    """A table in aligned columns; those that do not fit follow below, under the same first one."""
    lines = [table.entetes, *table.lignes]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.entetes))]
    kept = max(table.textes, 1)
    kept = kept if sum(widths[:kept]) + 2 * kept < WIDTH // 2 else 1
    start, last = kept, len(widths)
    while True:
        room, end = WIDTH - 4 - sum(widths[:kept]) - 2 * (kept - 1), start
        while end < last and (room := room - widths[end] - 2) >= 0:
            end += 1
        end = max(end, min(start + 1, last))
        places = [*range(kept), *range(start, end)]
        for line in lines:
            cells = (
                line[place].ljust(widths[place]) if place < table.textes
                else line[place].rjust(widths[place])
                for place in places
            )  # fmt: skip
            yield "    " + "  ".join(cells).rstrip()
        if end >= last:
            return
        yield ""
        start = end


# --- page ----------------------------------------------------------------------------------------


def markdown(audit: Audit, mention: str = "", notice: str = "") -> str:
    """Write an audit as a page, the same for the same figures.

    Parameters
    ----------
    mention : str
        What a reader must know of the figures, such as « Chiffres reconstitués ».
    notice : str
        What who edits the file must know, such as how it is written again: a comment, not shown.
    """
    found = steps(audit)
    lines = [f"# {_title(audit)}", ""]
    if notice:
        lines += [f"<!-- {notice} -->", ""]
    if mention:
        lines += [f"**{mention}**", ""]
    lines += [_origin(audit), "", "## En bref", "", summary(audit), ""]
    lecture = audit.methode.lecture
    lines += [lecture.usage, "", f"**{lecture.non_usage}**", ""]
    for text in audit.remarques:
        lines += [f"> {text}", ""]
    lines += ["## Les dix étapes", "", _STEPS_NOTE, ""]
    lines += _markdown_table(
        Tableau(
            "",
            ["étape", "verdict", "en une ligne"],
            [[f"{step.numero}. {step.titre}", step.verdict, step.phrase] for step in found],
            textes=3,
        )
    )
    for step in found:
        lines += ["", f"## {_step_heading(step)}", "", step.phrase, ""]
        for table in step.tableaux:
            if table.lignes:
                lines += [f"**{table.titre}**", "", *_markdown_table(table), ""]
                lines += [f"*{table.legende}*", ""] if table.legende else []
        lines += [f"- {text}" for text in step.conclusions]
    return "\n".join(lines).rstrip().replace("\n\n\n", "\n\n") + "\n"


_STEPS_NOTE = (
    "Celles du *Handbook on Constructing Composite Indicators* (OCDE et Centre commun de "
    "recherche, 2008). « Tenu » : rien à signaler aux seuils dits ; « à surveiller » : à lire "
    "avant de conclure ; « non mesuré ici » : demande un autre calcul ou d'autres données."
)


def _markdown_table(table: Tableau) -> list[str]:
    ruler = ["---" if place < table.textes else "---:" for place in range(len(table.entetes))]
    return [_row(table.entetes), _row(ruler), *(_row(line) for line in table.lignes)]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
