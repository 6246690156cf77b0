"""The dossier of a roadmap: what a coordinator amends, presents to elected officials and signs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fragilite import __version__
from fragilite.citation import dated, lots_counted, lots_of_frame, lots_of_people, named
from fragilite.dictionary import Column
from fragilite.french import at_name, day, listing, lower_first, number, plural, upper_first
from fragilite.inventory import AUCUNE, MEANINGS, inventory
from fragilite.outputs import roadmap_sentences as say
from fragilite.outputs import sector_map
from fragilite.outputs.dossier import blind_spots, origins, quoted, signature, uses
from fragilite.outputs.word import CELL, Word
from fragilite.pipeline import Build
from fragilite.provenance import as_of
from fragilite.roadmap.study import Outcome, Study
from fragilite.roadmap.tables import columns, sector_name
from fragilite.subject import of_departements, of_epci

#: What a table of posts shows: the weighted people of a scenario are its load, times a mean.
POSTS = ("communes", "epci", "personnes", "charge", "distance_moyenne", "lieux", "stabilite")
#: What plans are compared on.
PLANS = (
    "postes", "charge_min", "charge_max", "distance_moyenne", "distance_max", "communes_max",
    "coupures_epci",
)  # fmt: skip
#: Columns whose unit a header says: the others are what they count.
MEASURED = ("distance_moyenne", "distance_max")
#: What known places are said not to have.
ABSENT = "Absent des lieux connus"
#: Under a post, before the next one: 6 points, in EMU.
GAP = 76_200
#: Between the morning and the afternoon of a day.
THEN = " / "


def write(study: Study, path: Path, template: Path | None = None) -> None:
    """Write the dossier of a roadmap.

    Parameters
    ----------
    study : Study
    path : Path
        A ``.docx``.
    template : Path, optional
        A house's model, whose styles, header and footer are kept.

    Raises
    ------
    UsageError
        If the model is not a Word document.
    FragiliteError
        If the model cannot be read.
    """
    build = study.build
    word = Word.of(template)
    title = f"Feuille de route : {say.posts_said(study)}, {build.inputs.territory.libelle}"
    word.write(title, "Title")
    word.write(_dateline(study), "Subtitle")
    _question(word, study)
    _today(word, study)
    _need(word, study)
    _side_by_side(word, study)
    for place, outcome in enumerate(study.scenarios, start=1):
        _scenario(word, study, outcome, place)
    _limits(word, study)
    _method(word, study)
    _sources(word, study)
    signature(word)
    _calendar(word, study)
    word.number_pages(title)
    word.save(
        path, title=title, subject="Feuille de route de la médiation numérique",
        author=f"fragilite {__version__}", date=as_of(build),
    )  # fmt: skip


def _dateline(study: Study) -> str:
    build, header = study.build, study.build.method.methode
    dates = sorted({one["date"] for one in study.known.listes if one["date"]})
    lists = ""
    if dates:
        span = f"du {day(dates[0])}" + (f" au {day(dates[-1])}" if len(dates) > 1 else "")
        lists = f" ; listes de lieux {span}"
    return (
        f"{upper_first(plural(len(study.scenarios), 'scénario'))} ; "
        f"{plural(len(build.communes), 'commune')} au 1er janvier {build.inputs.annee} ; chiffres "
        f"relevés jusqu'au {day(as_of(build))}{lists} ; méthode {header.code} {header.version}."
    )


def _complement(build: Build) -> str:
    """After « les habitants » : ``de la CA Saumur Val de Loire``."""
    where = build.inputs.territory
    known = where.epci and where.epci in set(build.epci["code_epci"])
    return (of_epci(build, where.epci) if known else of_departements(build)).complement


# --- the question, today, the need -----------------------------------------------------------


def _question(word: Word, study: Study) -> None:
    several = len(study.scenarios) > 1
    word.write("La question", "Heading 1")
    word.write(
        f"Où baser {say.posts_said(study)} de médiation numérique au service des habitants "
        f"{_complement(study.build)}, quelles communes confier à chacun, et combien de temps y "
        f"passer ? Ce dossier propose un partage{' par scénario' if several else ''}, le compare à "
        "un plan naïf et aux lieux d'aujourd'hui, et dit ce qu'il ignore. Une base est la "
        "proposition d'un calcul, à confirmer ou à déplacer avec le terrain."
    )
    word.field("pourquoi cette question se pose ici, et ce que ce dossier doit aider à décider.")


def _today(word: Word, study: Study) -> None:
    facts = inventory(study.build, study.known)
    word.write("Qui aide, et où, aujourd'hui", "Heading 1")
    for text in [*say.today(facts), say.lone(facts), say.unknown(facts)]:
        if text:
            word.write(text)
    labels, absent = columns(), say.denied(facts)
    word.caption("Tableau", "Ce qui est connu aujourd'hui, EPCI par EPCI")
    names = ("communes", "lieux", "communes_sans_lieu", "personnes")
    header = [labels["nom_epci"].libelle, ABSENT, *(labels[name].libelle for name in names)]
    rows = [
        [row["nom_epci"], absent[row["code_epci"]] or "–", *(_or_dash(row[name]) for name in names)]
        for row in facts["epci"]
    ]
    partial = [
        f"{row['nom_epci']} : {row['remarque']}." for row in facts["epci"] if row["remarque"]
    ]
    told = f"{ABSENT} : {MEANINGS[AUCUNE]}."
    word.table(header, rows, texts=2, note=" ".join([*partial, told, _lists(study)]))


def _or_dash(value: float | None) -> str:
    return "–" if value is None else number(value)


def _lists(study: Study) -> str:
    """Who made the lists of places, and when."""
    told = [
        one["producteur"] + (f" ({day(one['date'])})" if one["date"] else "")
        for one in study.known.listes
    ]
    return f"Listes de lieux : {' ; '.join(told)}." if told else ""


def _need(word: Word, study: Study) -> None:
    word.write("Le besoin", "Heading 1")
    for text in say.need(study):
        word.write(text)


# --- scenarios -------------------------------------------------------------------------------


def _side_by_side(word: Word, study: Study) -> None:
    several = len(study.scenarios) > 1
    word.write("Les scénarios côte à côte" if several else "Le scénario", "Heading 1")
    labels = columns(study.scenarios[0].unit)
    word.write(
        f"{labels['plan'].description} Des postes ne remplacent pas ces lieux, souvent "
        "plus proches : ils s'y appuient."
    )
    for outcome in study.scenarios:
        word.write(say.counted(study, outcome), lead=outcome.scenario.libelle)
        word.write(say.compared(outcome), "List Bullet")
    if differ := say.bases_compared(study):
        word.write(differ)
    word.caption(
        "Tableau", "Chaque scénario, puis le plan naïf et les lieux d'aujourd'hui comptés comme lui"
    )
    header = [labels["plan"].libelle, *(_labelled(labels[name]) for name in PLANS)]
    rows = [
        [row["plan"], *_cells(labels, PLANS, row)]
        for outcome in study.scenarios
        for row in outcome.plans.to_dict("records")
    ]
    word.table(header, rows, note=f"Charges : {_scale(labels)}.")


def _scale(labels: Mapping[str, Column]) -> str:
    return labels["charge"].unite


def _labelled(column: Column) -> str:
    return f"{column.libelle} ({column.unite})" if column.nom in MEASURED else column.libelle


def _cells(labels: Mapping[str, Column], names: Sequence[str], row: Mapping[Any, Any]) -> list[str]:
    return [number(row[name], labels[name].decimales) for name in names]


def _scenario(word: Word, study: Study, outcome: Outcome, place: int) -> None:
    several = len(study.scenarios) > 1
    before = f"Scénario {place} : " if several else "Le partage proposé : "
    word.write(f"{before}{outcome.scenario.libelle}", "Heading 1")
    word.write(f"{outcome.scenario.description} {say.gap(outcome)}".lstrip(), keep=True)
    for text in filter(None, [*outcome.messages, say.undrawn(outcome)]):
        word.write(text, "List Bullet", keep=True)
    imposed = say.rules(study, outcome)
    if imposed:
        word.write(" ".join(imposed), lead="Règles imposées", keep=True)
    _map(word, study, outcome)
    _posts(word, outcome)
    word.write("Poste par poste", "Heading 2")
    word.write(say.cycle(outcome), keep=True)
    half_days = columns()["demi_journees"].libelle
    for post in _records(outcome.postes):
        mine = outcome.communes[outcome.communes["secteur"] == post["secteur"]]
        name = sector_name(post["secteur"], post["nom_base"])
        word.write(say.of_post(outcome, post), lead=name, keep=True)
        word.write(say.towns(mine), CELL, lead="Communes")
        last = word.write(upper_first(say.visits(mine)), CELL, lead=half_days)
        last.paragraph_format.space_after = GAP
    label = f" de « {outcome.scenario.libelle} »" if several else ""
    word.field(f"ce que le terrain dit{label} : bases possibles, communes à regrouper, à séparer.")


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _map(word: Word, study: Study, outcome: Outcome) -> None:
    build = study.build
    with tempfile.TemporaryDirectory(prefix="fragilite-") as folder:
        image = Path(folder) / f"secteurs_{outcome.scenario.code}.png"
        sector_map.write(build, outcome, image)
        caption = f"{outcome.scenario.libelle} : les secteurs et leurs bases"
        word.picture("Carte", caption, image, sector_map.described(build, outcome))
    lots = [*lots_of_people(build), *lots_of_frame(build)]
    origin = " ; ".join(dict.fromkeys(f"{named(lot)}, {dated(lot)}" for lot in lots))
    word.write(
        f"Personnes, fond de carte et découpages : {origin}. Secteurs : fragilite {__version__}.",
        "Source",
    )


def _posts(word: Word, outcome: Outcome) -> None:
    labels = columns(outcome.unit)
    posts = outcome.postes
    word.caption("Tableau", f"{outcome.scenario.libelle} : les postes")
    header = [f"{labels['secteur'].libelle} · {lower_first(labels['nom_base'].libelle)}"]
    header += [_labelled(labels[name]) for name in POSTS]
    rows = [
        [f"{number(row['secteur'])} · {row['nom_base']}", *_cells(labels, POSTS, row)]
        for row in posts.to_dict("records")
    ]
    told = [
        f"{labels[name].libelle} : {labels[name].description}" for name in ("lieux", "stabilite")
    ]
    word.table(
        header, rows,
        note=" ".join([f"{labels['charge'].libelle} : {_scale(labels)}.", *told]),
    )  # fmt: skip


# --- limits, method, sources -----------------------------------------------------------------


def _limits(word: Word, study: Study) -> None:
    blind_spots(word, study.build)
    word.write("À garder en tête", "Heading 2")
    for text in say.limits(study):
        word.write(text, "List Bullet")
    uses(word, study.build)


def _method(word: Word, study: Study) -> None:
    word.write("Comment c'est calculé", "Heading 1")
    word.numbered(say.five_lines(study))


def _sources(word: Word, study: Study) -> None:
    build = study.build
    word.write("Sources et citation", "Heading 1")
    used = lots_of_people(build)
    if any(one.scenario.priorite for one in study.scenarios):
        used = lots_counted(build)
    origins(word, [*used, *lots_of_frame(build)])
    word.caption("Tableau", "Les listes de lieux")
    word.table(
        ["Liste", "Producteur", "Date", "Licence"],
        [
            [one["titre"], one["producteur"], day(one["date"]) if one["date"] else "non datée",
             one["licence"]]
            for one in study.known.listes
        ],
        texts=4,
    )  # fmt: skip
    quoted(word, build)


# --- the calendar ----------------------------------------------------------------------------


def _calendar(word: Word, study: Study) -> None:
    """A cycle of the first scenario, post by post."""
    outcome = study.scenarios[0]
    labels = columns()
    others = [f"« {one.scenario.libelle} »" for one in study.scenarios[1:]]
    word.write("Annexe : le calendrier d'un cycle", "Heading 1")
    word.write(
        f"Scénario « {outcome.scenario.libelle} » : la commune du matin{THEN}celle de "
        f"l'après-midi, une seule où le jour entier y est passé. {labels['jour'].description}"
        + (f" Le calendrier de {listing(others)} est dans le classeur." if others else "")
    )
    table = outcome.passages.calendrier
    for post in outcome.postes.to_dict("records"):
        mine = table[table["secteur"] == post["secteur"]]
        name = sector_name(post["secteur"], post["nom_base"])
        if mine["code_insee"].nunique() == 1:
            only = at_name(str(mine["nom"].iloc[0]))
            word.write(f"Toutes les demi-journées {only}.", lead=name)
            continue
        word.caption("Calendrier", name)
        header, rows = weeks(mine)
        word.table(header, rows, texts=len(header))


def weeks(calendar: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a post's calendar: one row a week, one column a day of presence."""
    labels = columns()
    held = calendar.groupby(["semaine", "jour"])["nom"].agg(
        lambda names: THEN.join(dict.fromkeys(names))
    )
    table = held.unstack("jour").fillna("–")
    header = [labels["semaine"].libelle]
    header += [f"{labels['jour'].libelle} {one}" for one in table.columns]
    cells = zip(table.index, table.to_numpy().tolist(), strict=True)
    return header, [[str(week), *row] for week, row in cells]
