"""A local survey that a user gives: a rate and the people asked, by commune, for one year.

It says nothing of communes that it did not ask. Whatever is wrong in a row is refused, and named:
a figure set aside in silence would be a commune that looks as if nobody had gone there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

import pandas as pd

from fragilite.cog import (
    ARRONDISSEMENTS,
    FIRST_YEAR,
    LAST_YEAR,
    aliases,
    codes_of,
    fold_arrondissements,
    moves,
    parse_code,
)
from fragilite.errors import UsageError
from fragilite.french import fold, plural
from fragilite.ingestion.catalogue import SURVEY
from fragilite.ingestion.lock import digest
from fragilite.ingestion.lots import Gathered, Lot
from fragilite.table import Table
from fragilite.territory import Territory
from fragilite.user_table import (
    COLUMNS,
    UserTable,
    open_tables,
    padded_code,
    parse_figure,
    some,
    tidy_code,
)

#: Columns of a survey, with the other names they may bear, as :func:`fragilite.french.fold` writes
#: them.
NAMES: Mapping[str, tuple[str, ...]] = {
    "code_insee": (
        "code insee", "code", "insee", "code commune", "code insee commune", "codgeo", "depcom",
        "code insee de la commune",
    ),
    "taux": ("taux", "taux en", "pourcentage", "part", "part en"),
    "effectif": (
        "effectif", "effectif interroge", "personnes interrogees", "repondants", "denominateur",
        "nombre de personnes interrogees", "nombre de repondants",
    ),
    "annee": ("annee", "annee de l enquete", "millesime"),
}  # fmt: skip
#: Years that a survey may be of.
YEARS = range(2000, 2100)
#: The two figures that a method counts.
CONCERNED, ASKED = "enquete_concernes", "enquete_repondants"


@dataclass(frozen=True)
class Survey:
    """A survey, in the geography of its codes.

    Attributes
    ----------
    lot : Lot
    table : Table
        ``enquete_concernes`` (rate × people asked) and ``enquete_repondants``.
    notes : list of str
        What is odd in it, in French.
    """

    lot: Lot
    table: Table
    notes: list[str]


@dataclass(frozen=True)
class _Row:
    """A row of the file: its number, as a spreadsheet shows it, and its cells."""

    fichier: str
    ligne: int
    cells: Mapping[str, str]

    def refusal(self, constat: str, remedy: str = "") -> UsageError:
        """What is wrong in this row."""
        return UsageError(f"{self.fichier}, ligne {self.ligne} : {constat}", remedy)

    @property
    def code(self) -> str:
        """Code of the commune."""
        try:
            return parse_code(padded_code(tidy_code(self.cells["code_insee"])))
        except UsageError as error:
            raise self.refusal(error.message, error.remedy) from error

    def figure(self, name: str) -> float:
        """A figure of the row."""
        text = self.cells[name]
        value = parse_figure(text)
        if isnan(value):
            found = f"{name} « {text} » n'est pas un nombre" if text else f"{name} manquant"
            raise self.refusal(
                f"{found} (commune {self.code}).",
                "Une commune sans réponse n'a pas de ligne : retirez celle-ci.",
            )
        return value

    @property
    def taux(self) -> float:
        """Share of the people asked who are concerned, in %."""
        rate = self.figure("taux")
        if not 0 <= rate <= 100:
            raise self.refusal(
                f"un taux de 0 à 100 % attendu, trouvé {self.cells['taux']} (commune {self.code}).",
            )
        return rate

    @property
    def effectif(self) -> float:
        """People asked."""
        people = self.figure("effectif")
        if people < 1 or not people.is_integer():
            raise self.refusal(
                f"un nombre entier de personnes interrogées attendu, 1 ou plus, trouvé "
                f"{self.cells['effectif']} (commune {self.code}).",
                "Une commune où personne n'a été interrogé n'a pas de ligne.",
            )
        return people

    @property
    def annee(self) -> int:
        """Year of the survey."""
        year = self.figure("annee")
        if year not in YEARS:
            raise self.refusal(f"une année attendue, comme 2025, trouvé {self.cells['annee']}.")
        return int(year)


def read(path: Path, annee: int) -> Survey:
    """Read a survey.

    Parameters
    ----------
    path : Path
        CSV, workbook or Parquet with the columns ``code_insee``, ``taux`` (%), ``effectif`` (people
        asked) and ``annee``, or their usual French names.
    annee : int
        Reference year of the build: codes are those of this year, or of an earlier one.

    Returns
    -------
    Survey

    Raises
    ------
    UsageError
        Naming the row: a code that is no commune, a rate out of 0–100, nobody asked, a commune
        twice, several years.
    """
    rows = _rows(open_tables(path))
    if not rows:
        raise UsageError(
            f"{path.name} : aucune ligne sous l'en-tête.", "Donnez une ligne par commune."
        )
    year = rows[0].annee
    for row in rows:
        if row.annee != year:
            raise row.refusal(
                f"{row.annee} après {year} : une seule année attendue.",
                "Gardez-en une : deux années ne se mêlent pas dans un taux.",
            )
    known = _once(rows)
    cog = _geography(known, annee)
    values = pd.DataFrame(
        {
            CONCERNED: [row.taux * row.effectif / 100 for row in known.values()],
            ASKED: [row.effectif for row in known.values()],
        },
        index=pd.Index(_renamed(known, cog), name="code_insee", dtype="str"),
    )
    rates = [row.taux for row in known.values()]
    table = Table.of(SURVEY, str(year), cog, fold_arrondissements(values).sort_index())
    return Survey(_lot(path, table), table, _odd(rates))


def _rows(tables: Sequence[UserTable]) -> list[_Row]:
    """Rows of the first sheet that has the four columns."""
    missing = [[name for name in NAMES if not _named(table, name)] for table in tables]
    place = next((at for at, lacking in enumerate(missing) if not lacking), 0)
    table = tables[place]
    if missing[place]:
        raise UsageError(
            f"{table.nom} : colonne « {missing[place][0]} » absente. "
            f"Colonnes : {some(table.colonnes, COLUMNS)}.",
            "Attendu : code_insee, taux (en %), effectif (personnes interrogées), annee.",
        )
    columns = {}
    for name in NAMES:
        found = _named(table, name)
        if len(found) > 1:
            raise UsageError(
                f"{table.nom} : {' et '.join(f'« {one} »' for one in found)} peuvent être {name}.",
                "Gardez l'une de ces colonnes.",
            )
        columns[name] = table.cells(found[0])
    return [
        _Row(table.nom, line, {name: cells[at] for name, cells in columns.items()})
        for at, line in enumerate(table.lignes)
    ]


def _named(table: UserTable, name: str) -> list[str]:
    """Columns that bear a name of ours: exactly, else one of the usual ones."""
    if name in table.colonnes:
        return [name]
    return [column for column in table.colonnes if fold(column) in NAMES[name]]


def _once(rows: Sequence[_Row]) -> dict[str, _Row]:
    """Rows by code."""
    found: dict[str, _Row] = {}
    for row in rows:
        code = row.code
        if code in found:
            raise row.refusal(
                f"la commune {code} est déjà ligne {found[code].ligne}.",
                "Une ligne par commune : additionnez les effectifs, et refaites le taux.",
            )
        found[code] = row
    return found


def _geography(known: Mapping[str, _Row], annee: int) -> int:
    """The newest geography that has all the communes of the file, up to the reference year.

    Raises
    ------
    UsageError
        Naming the first row whose commune has never been, or is of another time than the others.
    """
    arms = {str(arm) for arms in ARRONDISSEMENTS.values() for arm in arms}
    asked = set(known) - arms
    years = range(min(annee, LAST_YEAR), FIRST_YEAR - 1, -1)
    best, strangers = years[0], asked
    for year in years:
        found = _strangers(asked, year)
        if not found:
            return year
        if len(found) < len(strangers):
            best, strangers = year, found
    code = next(code for code in known if code in strangers)
    if not any(code in codes_of(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)):
        raise known[code].refusal(
            f"commune inconnue « {code} ».", "Corrigez ce code, ou retirez la ligne."
        )
    raise known[code].refusal(
        f"la commune {code} n'existait pas en même temps que les autres (communes de {best}).",
        "Donnez tous les codes d'une même année.",
    )


def _strangers(codes: set[str], year: int) -> set[str]:
    """Codes that are no commune of a geography, under any of its codes."""
    outside = codes - codes_of(year)
    return {code for code in outside if code not in aliases(year)} if outside else outside


def _renamed(known: Mapping[str, _Row], cog: int) -> list[str]:
    """Codes of the geography: a commune may only have changed code."""
    here = codes_of(cog)
    other = aliases(cog) if set(known) - here else {}
    codes: dict[str, str] = {}
    for code, row in known.items():
        now = code if code in here else other.get(code, code)
        if now in codes or (now != code and now in known):
            raise row.refusal(
                f"la commune {code} est aussi dans le fichier sous le code {now}.",
                "Une ligne par commune.",
            )
        codes[now] = code
    return list(codes)


def _lot(path: Path, table: Table) -> Lot:
    """Provenance of a survey: its digest says which, as no date does."""
    asked = table.values[ASKED]
    people = plural(round(asked.sum()), "personne interrogée", "personnes interrogées")
    return Lot(
        source=SURVEY,
        millesime=table.millesime,
        cog=table.cog,
        fichier=path.name,
        sha256=digest(path),
        donnees_au="",
        publie_le="",
        releve_le="",
        note=f"{plural(len(asked), 'commune')}, {people}. Les "
        "intervalles comptent le hasard de ces réponses, p(1−p)/n ; ni le choix de qui a été "
        "interrogé, ni ceux qui n'ont pas répondu.",
        origine="donné par --indicateur",
    )


def _odd(rates: Sequence[float]) -> list[str]:
    """Rates that were perhaps meant as shares of 1."""
    if 0 < max(rates) <= 1:
        return ["Enquête : aucun taux ne dépasse 1 %. Ce sont des pourcentages (33,5), pas 0,335."]
    return []


def joined(gathered: Gathered, survey: Survey, territory: Territory, annee: int) -> Gathered:
    """The figures gathered, with those of a survey.

    Raises
    ------
    UsageError
        If it has no commune of the territory.
    """
    names = territory.select(gathered.communes)["nom"]
    asked = set(survey.table.values.index)
    moved = moves(survey.table.cog, annee)
    if not any(now in names.index for code in asked for now in moved.get(code, (code,))):
        raise UsageError(
            f"{survey.lot.fichier} : aucune commune de l'enquête n'est dans le territoire demandé "
            f"({territory.libelle}).",
            "Vérifiez le territoire, et la colonne code_insee.",
        )
    return replace(
        gathered,
        lots=[*gathered.lots, (survey.lot, survey.table)],
        notes=[*gathered.notes, *survey.notes, *_in_part(survey.table, moved, names)],
    )


def _in_part(table: Table, moved: Mapping[str, tuple[str, ...]], names: pd.Series) -> list[str]:
    """Communes of today that were asked in part only: their rate is not known.

    One former code in a file of today's is enough for all to be read as of before.
    """
    before, asked = codes_of(table.cog), set(table.values.index)
    parts = {code: {code} & before - moved.keys() for targets in moved.values() for code in targets}
    for code, targets in moved.items():
        for now in targets:
            parts[now].add(code)
    partly = [
        f"{now} {names[now]}"
        for now, codes in sorted(parts.items())
        if now in names.index and codes & asked and not codes <= asked
    ]
    if not partly:
        return []
    verb = (
        "n'y sont qu'en partie, et restent absentes"
        if len(partly) > 1
        else ("n'y est qu'en partie, et reste absente")
    )
    return [
        f"Enquête : ses codes sont des communes de {table.cog} ; "
        f"{plural(len(partly), 'commune')} d'aujourd'hui {verb} ({some(partly)})."
    ]
