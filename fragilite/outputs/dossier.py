"""The dossier: four pages that a coordinator adapts and signs, and the workbook of its figures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fragilite import __version__
from fragilite.abstract import heading, ten_lines
from fragilite.cartography import PEOPLE
from fragilite.citation import (
    cited,
    dated,
    france_sources,
    lots_counted,
    lots_inside,
    lots_of_figures,
    lots_of_frame,
    named,
)
from fragilite.dictionary import scale
from fragilite.explanation import where
from fragilite.french import day, listing, number, plural
from fragilite.ingestion.lots import Lot
from fragilite.method import Grandeur, Indicateur
from fragilite.narrative import (
    LACKING,
    NAMED,
    Sentence,
    fifth,
    inside_commune,
    inside_epci,
    of_commune,
    of_epci,
    of_epci_among_others,
    of_whole,
)
from fragilite.outputs.board import PAGE
from fragilite.outputs.picture import Highlight, choose, described
from fragilite.outputs.picture import write as write_picture
from fragilite.outputs.word import NOTE, Word
from fragilite.pipeline import Build, Result
from fragilite.provenance import as_of
from fragilite.report_file import write_together
from fragilite.subject import Subject, restricted
from fragilite.summary import remarks
from fragilite.table import Statut

if TYPE_CHECKING:
    from fragilite.trend import Trend

SUFFIX, WORKBOOK = ".docx", ".xlsx"
#: Places described in sentences: above, those with most people to accompany.
DESCRIBED = 12
#: Sentences on the change of each, where several are described; of an EPCI that has none.
BRIEF = 2
HELD_IN_PART = "pas entier dans ce calcul, rien à comparer."
#: Places side by side in a comparison, and columns of a table where they are rows.
ACROSS, COLUMNS = 6, 7
#: Where a researcher's figures stand, away from what a coordinator signs; lines to sign on.
FURTHER, SIGNED = "Pour aller plus loin", ("Structure", "Service", "Nom", "Date", "Signature")


def paths_of(path: Path) -> list[Path]:
    """The document, and its workbook beside it."""
    return [path, path.with_suffix(WORKBOOK)]


def write(
    build: Build,
    path: Path,
    subject: Subject,
    template: Path | None = None,
    *,
    overwrite: bool = False,
    trend: Trend | None = None,
) -> list[Path]:
    """Write a dossier and its workbook, both or neither.

    Parameters
    ----------
    build : Build
        The départements around the subject.
    path : Path
        A ``.docx``; the workbook has the same name.
    subject : Subject
        What it is about.
    template : Path, optional
        A house's model, whose styles, header and footer are kept.
    overwrite : bool
        Replace files that exist.
    trend : Trend, optional
        What changed: a part of the document, a sheet of the workbook.

    Returns
    -------
    list of Path
        The document, then the workbook.

    Raises
    ------
    UsageError
        If the suffix is another one, a file exists, or the model is not a Word document.
    FragiliteError
        If a file cannot be written, or is open in Word or in a spreadsheet.
    """
    from fragilite.outputs import workbook
    from fragilite.trend.tables import only_of

    document, book = paths_of(path)
    return write_together(
        {
            document: lambda staged: _document(build, staged, subject, template, trend),
            book: lambda staged: workbook.write(
                restricted(build, subject), staged, trend and only_of(trend, subject.communes)
            ),
        },
        [SUFFIX, WORKBOOK],
        overwrite=overwrite,
    )


def _document(
    build: Build, path: Path, subject: Subject, template: Path | None, trend: Trend | None
) -> None:
    word = Word.of(template)
    title = f"Fragilité numérique : {subject.titre}"
    word.write(title, "Title")
    word.write(_dateline(build, subject), "Subtitle")
    _question(word, build, subject)
    _sentences(word, build, subject)
    if trend is not None:
        _changes(word, trend, subject)
    _headcounts(word, build, subject)
    _map(word, build, subject)
    _comparison(word, build, subject)
    _limits(word, build, subject)
    _method(word, build)
    _sources(word, build, [*(trend.sources if trend else ()), *_lots_inside(build, subject)])
    signature(word)
    word.number_pages(title)
    word.save(
        path, title=title, subject=build.method.methode.libelle, author=f"fragilite {__version__}",
        date=as_of(build),
    )  # fmt: skip


def _dateline(build: Build, subject: Subject) -> str:
    header = build.method.methode
    inside = "" if subject.is_whole(build) else f"{build.inputs.territory.libelle}. "
    return (
        f"{inside}{plural(len(subject.communes), 'commune')} au 1er janvier "
        f"{build.inputs.annee} ; chiffres relevés jusqu'au {day(as_of(build))} ; méthode "
        f"{header.code} {header.version}."
    )


# --- the question, the sentences -------------------------------------------------------------


def _question(word: Word, build: Build, subject: Subject) -> None:
    word.write("La question", "Heading 1")
    word.write(
        f"Où les habitants {subject.complement} risquent-ils d'être en difficulté avec le "
        "numérique, et combien sont-ils ? Ce dossier réunit ce que des données ouvertes permettent "
        "d'en dire, et ce qu'elles ne voient pas."
    )
    word.field("pourquoi cette question se pose ici, et ce que ce dossier doit aider à décider.")


def described_places(build: Build, subject: Subject) -> list[str]:
    """EPCI, or communes, that have sentences: at most twelve, those with most people.

    A place whose people are not counted comes last: its inhabitants are not people to accompany.
    """
    if subject.epci:
        table, codes = build.epci.set_index("code_epci"), subject.epci
    else:
        table, codes = build.communes.set_index("code_insee"), subject.communes
    if not subject.epci and len(codes) <= DESCRIBED:
        return list(codes)  # in the order asked for
    sizes = table[_counted(build)].reindex(list(codes))
    return list(sizes.sort_values(ascending=False, kind="stable").index[:DESCRIBED])


def _counted(build: Build) -> str:
    """What places are ordered by: people to accompany, inhabitants where nobody is counted."""
    return PEOPLE if build.communes[PEOPLE].notna().any() else "population"


def sentences(build: Build, subject: Subject) -> dict[str, list[Sentence]]:
    """Three sentences on each place that has some, by its code; fewer on EPCI side by side.

    One more where its index hides neighbourhoods that differ.
    """
    say: Callable[[Build, str], list[Sentence]] = of_epci_among_others
    if not subject.epci:
        say = _of_commune
    elif len(subject.epci) == 1:
        say = _of_epci
    return {code: say(build, code) for code in described_places(build, subject)}


def _of_commune(build: Build, code: str) -> list[Sentence]:
    return [*of_commune(build, code), *inside_commune(build, code)]


def _of_epci(build: Build, code: str) -> list[Sentence]:
    return [*of_epci(build, code), *inside_epci(build, code)]


def _sentences(word: Word, build: Build, subject: Subject) -> None:
    word.write("Ce que disent les chiffres", "Heading 1")
    found = sentences(build, subject)
    total = len(subject.epci or subject.communes)
    if len(found) < total:
        crowd = "de personnes à accompagner" if _counted(build) == PEOPLE else "d'habitants"
        word.write(
            f"Les {number(len(found))} où il y a le plus {crowd} ; les "
            f"{number(total)} sont dans les tableaux et dans le classeur."
        )
    if len(subject.epci) > 1:
        for one in of_whole(build, subject.epci):
            word.write(one.texte, after=one.source)
    told = fifth(build)
    if told:
        word.write(told, NOTE)
    names = _names(build)
    for code, three in found.items():
        if total > 1:
            word.write(names[code], "Heading 2")
        for one in three:
            word.write(one.texte, "List Bullet", lead=one.sujet, after=one.source)


def _changes(word: Word, trend: Trend, subject: Subject) -> None:
    """What changed in each place described, then what holds for all and cannot be said."""
    from fragilite.trend.sentences import cannot_say, sentences
    from fragilite.trend.wording import CHANCE

    build, level = trend.build, "epci" if subject.epci else "commune"
    places, names = described_places(build, subject), _names(trend.build)
    word.write("Ce qui a changé", "Heading 1")
    word.write("Entre crochets, l'intervalle à 90 % du changement.", NOTE)
    for code in places:
        found = sentences(trend, level, code, origins=len(places) == 1)
        if not found:
            word.write(HELD_IN_PART, "List Bullet", lead=names[code])
        elif len(places) == 1:
            for one in found:
                word.write(one.texte, "List Bullet", lead=one.sujet, after=one.source)
        else:
            told = found[:BRIEF]
            text = " ".join(f"{one.sujet} : {one.texte}" for one in told)
            origin = " ; ".join(dict.fromkeys(one.source for one in told))
            word.write(text, "List Bullet", lead=names[code], after=origin)
    word.write("Ce qui ne peut pas se dire", "Heading 2")
    for text in [CHANCE, *cannot_say(trend)]:
        word.write(text, "List Bullet")


def _names(build: Build) -> dict[str, str]:
    towns, groups = build.communes, build.epci
    return dict(zip(towns["code_insee"], towns["nom"], strict=True)) | dict(
        zip(groups["code_epci"], groups["nom_epci"], strict=True)
    )


# --- places ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """A column, or a row, of a table: a commune, an EPCI, a département or France."""

    nom: str
    code: str
    result: Result | None

    def node(self, name: str) -> float:
        """Score of a node; NaN where there is none."""
        if self.result is None:
            return float("nan")
        return _at(self.result.scores.noeuds[name], self.code)

    def figure(self, name: str, record: Grandeur) -> float:
        """Value of an indicator or a headcount; for France, the one that the method gives."""
        if self.result is not None:
            return _at(self.result.figures[name].values, self.code)
        return record.france.valeur if record.france else float("nan")

    def people(self) -> float:
        """People to accompany."""
        return float("nan") if self.result is None else _at(self.result.volume, self.code)


def _at(values: pd.Series, code: str) -> float:
    found = values.get(code)
    return float("nan") if found is None or pd.isna(found) else float(found)


def shown(build: Build, place: Place, name: str, record: Grandeur) -> str:
    """A value as a table shows it, with the one that counts where it is smoothed."""
    text = number(place.figure(name, record), record.decimales)
    if place.result is None:
        return text
    told = ["estimé"] if partly(build, place, name) else []
    counted = number(_at(place.result.figures[name].scored, place.code), record.decimales)
    told += [f"compté\u00a0{counted}"] if text != counted else []
    return f"{text} ({' ; '.join(told)})" if told else text


def partly(build: Build, place: Place, name: str) -> str:
    """Why a larger place's value is an estimate of its own: ``5 communes connues sur 6``.

    Nothing where the rule is that of the communes, which the remarks of a dossier say, or that of
    most EPCI, which a note says once for all.
    """
    if place.result is None or pd.isna(_at(place.result.figures[name].values, place.code)):
        return ""
    rule = str(place.result.figures[name].regles[place.code])
    known = {*build.result.figures[name].regles, _usual(build, name)}
    return "" if rule in known else rule


def _usual(build: Build, name: str) -> str:
    """The rule that most EPCI are estimated by, as a mean of medians; nothing without one."""
    rules = build.result_epci.figures[name].regles
    counts = rules.value_counts()
    return str(counts.index[0]) if len(counts) and counts.iloc[0] > len(rules) / 2 else ""


def _communes(build: Build, codes: Sequence[str]) -> list[Place]:
    names = _names(build)
    return [Place(names[code], code, build.result) for code in codes]


def _epci(build: Build, codes: Sequence[str]) -> list[Place]:
    names = _names(build)
    return [Place(names[code], code, build.result_epci) for code in codes]


def _around(build: Build, subject: Subject) -> list[Place]:
    """Larger places that hold a subject: its EPCI where they are whole, then the départements."""
    towns = build.communes.set_index("code_insee").loc[list(subject.communes)]
    groups = [] if subject.epci else sorted(set(towns["code_epci"].dropna()) - {""})
    whole = [code for code in groups if code in build.inputs.whole_epci]
    names = towns.groupby("code_departement")["nom_departement"].first()
    return _epci(build, whole) + [
        Place(str(name), str(code), build.result_departement) for code, name in names.items()
    ]


def _by_people(places: list[Place]) -> list[Place]:
    """The most people first; those whose number is unknown last, in their order."""
    known = [place for place in places if not pd.isna(place.people())]
    unknown = [place for place in places if pd.isna(place.people())]
    return sorted(known, key=lambda place: -place.people()) + unknown


# --- tables ----------------------------------------------------------------------------------


def _headcounts(word: Word, build: Build, subject: Subject) -> None:
    word.write("Combien de personnes", "Heading 1")
    volume = build.method.volume
    groups = build.method.effectifs
    if volume:
        word.write(volume.definition, lead=volume.libelle, keep=True)
    overlap = len(groups) > 1
    word.caption(
        "Tableau",
        "Effectifs, et indice en regard"
        + (" : ces groupes se recoupent, ne les additionnez pas" if overlap else ""),
    )
    header, rows, strong = headcounts(build, subject)
    inside, larger = _rows(build, subject)
    word.table(header, rows, strong=strong, note=notes(build, [*inside, *larger], groups))


def headcounts(build: Build, subject: Subject) -> tuple[list[str], list[list[str]], int]:
    """Header, rows and how many of the last rows are larger places.

    The communes of an EPCI, those asked for, or the EPCI of départements.
    """
    method = build.method
    inside, larger = _rows(build, subject)
    people = build.columns["personnes_a_accompagner"].libelle
    root = method.noeuds[method.root].libelle
    header = ["Commune" if inside and inside[0].result is build.result else "EPCI", "Habitants"]
    header += [root, *([people] if method.volume else [])]
    header += [record.libelle for record in method.effectifs.values()]
    sizes = _populations(build)
    rows = []
    for place in [*_by_people(inside), *larger]:
        row = [place.nom, number(sizes(place)), number(place.node(method.root), 1)]
        row += [number(place.people())] if method.volume else []
        row += [number(place.figure(code, one)) for code, one in method.effectifs.items()]
        rows.append(row)
    return header, rows, len(larger)


def _rows(build: Build, subject: Subject) -> tuple[list[Place], list[Place]]:
    """Places that headcounts are of, then larger ones."""
    larger = _around(build, subject)
    if len(subject.epci) == 1:
        return _communes(build, subject.communes), _epci(build, subject.epci) + larger
    if subject.epci:
        return _epci(build, subject.epci), larger
    return _communes(build, subject.communes), larger


def notes(build: Build, places: Sequence[Place], records: Mapping[str, Grandeur]) -> str:
    """What a dash, an estimate and a counted value are, in a table of places and figures."""
    partial = set(build.epci["code_epci"]) - set(build.inputs.whole_epci)
    parts = [
        f"{place.nom} n'est qu'en partie dans ce calcul : ni indice ni total"
        for place in places
        if place.result is build.result_epci and place.code in partial
    ]
    whole = [p for p in places if p.result is not build.result_epci or p.code not in partial]
    for name, record in records.items():
        parts += _lacking(build, name, record, whole)
        rules = [(place.nom, partly(build, place, name)) for place in whole]
        estimates = [f"{nom} ({rule})" for nom, rule in rules if rule]
        usual = _usual(build, name)
        if (
            usual
            and usual not in set(build.result.figures[name].regles)
            and _any_larger(build, whole)
        ):
            parts.append(f"{record.libelle}, hors communes, estimé : {usual}")
        if estimates:
            parts.append(f"{record.libelle}, estimé : {listing(estimates)}")
    smoothed = [
        record.libelle
        for name, record in records.items()
        if any("compté" in shown(build, place, name, record) for place in places)
    ]
    if smoothed:
        parts.append(
            f"{listing(smoothed)} : part observée, puis celle qui compte dans l'indice, rapprochée "
            "de l'EPCI parce qu'elle tient à peu de personnes"
        )
    return " ".join(f"{part}." for part in parts)


def _any_larger(build: Build, places: Sequence[Place]) -> bool:
    return any(place.result is not None and place.result is not build.result for place in places)


def _lacking(build: Build, name: str, record: Grandeur, places: Sequence[Place]) -> list[str]:
    """``80 ans ou plus : non disponible pour Orée d'Anjou ; pas de total pour CA Mauges…``."""
    without = [p for p in places if p.result and pd.isna(p.figure(name, record))]
    if not without:
        return []
    towns = build.communes.set_index("code_insee")
    larger = [place for place in without if place.result is not build.result]
    held = towns["code_epci"].isin({place.code for place in larger}) | towns[
        "code_departement"
    ].isin({place.code for place in larger})
    codes = set(towns.index[held]) | {p.code for p in without if p.result is build.result}
    figure = build.result.figures[name]
    statuses = figure.statuts[figure.values.isna() & figure.values.index.isin(codes)]
    reasons = []
    for status, label in LACKING.items():
        found = list(towns["nom"].reindex(statuses.index[statuses == Statut[status.upper()]]))
        if found:
            named_few = len(found) <= NAMED
            who = listing(found) if named_few else plural(len(found), "commune")
            reasons.append(f"{label} pour {who}")
    if larger:
        reasons.append(f"pas de total pour {listing([place.nom for place in larger])}")
    return [f"{record.libelle} (–) : {', donc '.join(reasons)}"] if reasons else []


def _populations(build: Build) -> Callable[[Place], float]:
    """Inhabitants of a place, summed where it is whole."""
    table = build.communes.set_index("code_insee")
    towns = table["population"]

    def summed(column: str) -> pd.Series:
        return towns.groupby(table[column]).agg(lambda rows: rows.sum(skipna=False))

    groups = summed("code_epci").reindex(build.inputs.whole_epci)
    wide = summed("code_departement")

    def of(place: Place) -> float:
        for result, values in (
            (build.result, towns), (build.result_epci, groups), (build.result_departement, wide),
        ):  # fmt: skip
            if place.result is result:
                return _at(values, place.code)
        return float("nan")

    return of


def _map(word: Word, build: Build, subject: Subject) -> None:
    theme = choose(build)
    shown = None
    if not subject.is_whole(build):
        alone = subject.epci or len(subject.communes) == 1
        label = subject.titre if alone else "communes du dossier"
        shown = Highlight(frozenset(subject.communes), label)
    word.write("La carte", "Heading 1")
    with tempfile.TemporaryDirectory(prefix="fragilite-") as folder:
        image = Path(folder) / "carte.png"
        write_picture(build, image, theme, sheet=PAGE, highlight=shown)
        caption = f"{theme.libelle}, {build.inputs.territory.libelle}"
        word.picture("Carte", caption, image, described(build, theme, shown))
    origin = " ; ".join(f"{named(lot)}, {dated(lot)}" for lot in lots_of_frame(build))
    word.write(f"Fond de carte et découpages : {origin}.", "Source")


def _comparison(word: Word, build: Build, subject: Subject) -> None:
    word.write("La comparaison", "Heading 1")
    figures = _scored(build)
    known = france_sources(figures.values())
    told = notes(build, _compared(build, subject), figures)
    tables = list(comparison(build, subject))
    for place, (caption, header, rows, strong) in enumerate(tables, start=1):
        last = place == len(tables)
        note = f"{told} {known}".strip() if last else ""
        word.caption("Tableau", caption)
        word.table(header, rows, strong=strong, note=note)


def _compared(build: Build, subject: Subject) -> list[Place]:
    """A subject's places, the larger ones, then France where the method knows it."""
    if subject.epci:
        places = _by_people(_epci(build, subject.epci))
    else:
        places = _communes(build, subject.communes)
    larger = _around(build, subject)
    if any(one.france for one in _scored(build).values()):
        larger.append(Place("France", "", None))
    return [*places, *larger]


def _scored(build: Build) -> dict[str, Indicateur]:
    return {code: build.method.indicateurs[code] for code in build.result.scores.scored}


def comparison(
    build: Build, subject: Subject
) -> Iterator[tuple[str, list[str], list[list[str]], int]]:
    """Tables that put a subject beside larger places and France.

    Yields
    ------
    tuple
        Caption, header, rows, how many of the last rows are larger places.
    """
    method, figures = build.method, _scored(build)
    everyone = _compared(build, subject)
    larger = everyone[len(subject.epci or subject.communes) :]
    nodes = list(method.descending())
    if len(everyone) <= ACROSS:
        rows = [
            [method.noeuds[node].libelle, *(number(place.node(node), 1) for place in everyone)]
            for node in nodes
        ]
        rows += [
            [
                _labelled(one),
                *(shown(build, place, code, one) for place in everyone),
            ]
            for code, one in figures.items()
        ]
        yield "Indices et indicateurs qu'ils comptent", ["", *(p.nom for p in everyone)], rows, 0
        return
    for part in _parts(nodes):
        yield (
            f"Indices, {scale(method)}",
            ["", *(method.noeuds[node].libelle for node in part)],
            [
                [place.nom, *(number(place.node(node), 1) for node in part)]
                for place in everyone
                if place.result is not None
            ],
            sum(place.result is not None for place in larger),
        )
    for part in _parts(list(figures)):
        yield (
            "Indicateurs comptés",
            ["", *(_labelled(figures[code]) for code in part)],
            [
                [
                    place.nom,
                    *(shown(build, place, c, figures[c]) for c in part),
                ]
                for place in everyone
            ],
            len(larger),
        )


def _parts(names: list[str]) -> list[list[str]]:
    """Columns of tables that fit the width of a page."""
    return [names[at : at + COLUMNS] for at in range(0, len(names), COLUMNS)]


def _labelled(record: Grandeur) -> str:
    """Label of an indicator with its unit, where the label does not say it."""
    return f"{record.libelle} (%)" if record.unite == "%" else record.libelle


# --- limits, method, sources -----------------------------------------------------------------


def blind_spots(word: Word, build: Build) -> None:
    """What open data do not see, from what the method declares."""
    things = build.method.lecture.invisible
    word.write("Ce que ces chiffres ne voient pas", "Heading 1")
    word.write(
        "Quatre choses comptent pour être à l'aise avec le numérique : l'accès, les compétences, "
        "la motivation, la confiance. Les données ouvertes n'éclairent que les deux premières."
        + (" L'indice ne voit pas :" if things else ""),
        keep=bool(things),
    )
    for thing in things:
        word.write(f"{thing} ;" if thing != things[-1] else f"{thing}.", "List Bullet")


def uses(word: Word, build: Build) -> None:
    """What a method is for, and what it is not."""
    lecture = build.method.lecture
    word.write(lecture.usage, lead="S'en servir")
    word.write(lecture.non_usage, lead="Ne pas s'en servir")


def _limits(word: Word, build: Build, subject: Subject) -> None:
    lecture = build.method.lecture
    blind_spots(word, build)
    word.field(
        "ce que les médiateurs, les élus et les habitants confirment, nuancent, contredisent."
    )
    uses(word, build)
    if lecture.validite:
        word.write(
            "Un indice n'est pas une mesure directe des difficultés : ce qu'on sait de sa "
            f"validité, qui n'est pas une preuve, est chiffré à la fin sous « {FURTHER} ».",
            lead="Sa validité",
        )
    found = remarks(restricted(build, subject))
    if found:
        word.write("Ce qui manque ou se discute", "Heading 2")
        for text in found:
            word.write(text, "List Bullet")


def _method(word: Word, build: Build) -> None:
    lines = ten_lines(build.method, build.withdrawn, where(build))
    word.write(heading(lines), "Heading 1")
    word.numbered(lines)


def _lots_inside(build: Build, subject: Subject) -> list[Lot]:
    """What the figures by IRIS of a subject are from; nothing where none of it is split."""
    split = build.iris is not None and set(subject.communes) & set(build.iris.inside.index)
    return lots_inside(build) if split else []


def _sources(word: Word, build: Build, more: Sequence[Lot]) -> None:
    word.write("Sources et citation", "Heading 1")
    shown = lots_of_figures(build, build.method.effectifs)
    used = [lot for lot in build.inputs.lots if lot in [*lots_counted(build), *shown]]
    origins(word, [*used, *more, *lots_of_frame(build)])
    quoted(word, build)
    if build.method.lecture.validite:
        word.write(FURTHER, "Heading 2")
        for text in build.method.lecture.validite:
            word.write(text, NOTE)


def origins(word: Word, lots: Sequence[Lot]) -> None:
    """A table of vintages: producer, date, licence."""
    word.caption("Tableau", "Ce que ce dossier utilise")
    rows = [
        [lot.record.attribution, lot.millesime.replace("_", " "), str(lot.cog), dated(lot),
         lot.record.licence]
        for lot in lots
    ]  # fmt: skip
    word.table(
        ["Producteur et jeu de données", "Millésime", "Communes au 1er janvier",
         "Publication ou relevé", "Licence"],
        rows, texts=5,
    )  # fmt: skip


def quoted(word: Word, build: Build) -> None:
    """How to cite a build, and what its producers have not done."""
    word.write("Citer", "Heading 2")
    word.write(cited(build))
    word.write(
        "Les producteurs des données n'ont ni établi ni approuvé ce calcul. Le classeur joint "
        "donne toutes les colonnes, leur définition et l'empreinte de chaque fichier."
    )


def signature(word: Word) -> None:
    """Empty lines for who answers for the dossier; they are signed, not completed."""
    word.write("Signature", "Heading 2")
    for place, label in enumerate(SIGNED, start=1):
        word.blank(label, keep=place < len(SIGNED))
