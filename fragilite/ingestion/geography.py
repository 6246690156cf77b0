"""The communes of France: their names, their EPCI, their populations, from the publishers' files.

INSEE's code officiel géographique gives the communes and their former names, the DGCL or INSEE the
composition of the EPCI, INSEE the reference populations. Every edition has its own headers, so a
layout is recognised by what the file holds, never by its name.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite.cog import (
    ARRONDISSEMENTS,
    FIRST_YEAR,
    LAST_YEAR,
    aliases,
    check_codes,
    codes_of,
    departement_of,
    departements,
    fold_arrondissements,
    moves,
    passage,
)
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    LayoutError,
    Part,
    contract,
    numbers,
    open_text,
    read_parts,
    reading,
)
from fragilite.table import Table

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

#: Names of INSEE's files over the editions: ``communes-01012019.csv``, ``commune2021.csv``…
_COMMUNES = re.compile(r"(v_)?communes?[-_]?\d{4,8}\.csv|comsimp\d{4}\.txt", re.IGNORECASE)
_MOVEMENTS = re.compile(r"(v_)?mvt_?communes?[-_]?\d{4,8}\.csv", re.IGNORECASE)
_POPULATIONS = re.compile(r"donnees_communes\.csv", re.IGNORECASE)

#: Rows of a sheet among which its header is looked for (it is the sixth at INSEE).
_HEADER_BEFORE = 20
_CODE = r"(?:[0-9]{2}|2[AB])[0-9]{3}"

#: INSEE's "sans objet": a commune that belongs to no EPCI (four islands in 2026).
SANS_EPCI = "ZZZZZZZZZ"
#: INSEE's natures in the DGCL's words. The métropole de Lyon is no EPCI in law: it has its own.
_NATURES = {"ME": "METRO", "METLYON": "MET69"}
METROPOLE_DE_LYON = "200046977"

REGLE_CODE = "changement de code"
REGLE_MEME = "communes fusionnées d'un même EPCI"
REGLE_PEUPLEE = "communes fusionnées : EPCI de la partie la plus peuplée"
REGLE_ABSORBANTE = "communes fusionnées : EPCI de celle qui garde son code"
REGLE_INCONNU = "communes fusionnées de plusieurs EPCI : EPCI inconnu"
REGLE_SEPAREE = "commune séparée : EPCI de l'ancienne commune"

#: Our variables → columns of `donnees_communes.csv`, the same since 2019.
POPULATIONS = {
    "population_municipale": "PMUN",
    "population_comptee_a_part": "PCAP",
    "population_totale": "PTOT",
}


# --- the communes ----------------------------------------------------------------------------


def read_communes(path: Path, cog: int = LAST_YEAR) -> pd.DataFrame:
    """Read INSEE's list of communes, in the layout of any edition since 2018.

    Parameters
    ----------
    path : Path
        ``v_commune_2026.csv``, a former layout of it, or the archive ``cog_ensemble``.
    cog : int
        Year of the edition: the list must hold all its communes, and no other.

    Returns
    -------
    DataFrame
        Indexed by ``code_insee``, in its order: ``nom``, ``code_departement``,
        ``nom_departement``, ``code_region``, ``nom_region``. Delegated and associated communes,
        which often bear the code of the commune they belong to, are left to
        :func:`read_former_communes`.

    Raises
    ------
    LayoutError
        If the columns are not those of any edition.
    FragiliteError
        If communes are missing, unknown, in another département, or there twice.
    """
    rows = _cog(path)
    communes = rows[rows["TYPECOM"] == "COM"].set_index("COM")["LIBELLE"].sort_index()
    known = departements()
    communes = communes[communes.index.map(departement_of).isin(known)]
    _check_whole(communes.index, cog, path)
    where = [known[departement_of(code)] for code in communes.index]
    return pd.DataFrame(
        {
            "nom": communes,
            "code_departement": [departement.code for departement in where],
            "nom_departement": [departement.nom for departement in where],
            "code_region": [departement.code_region for departement in where],
            "nom_region": [departement.nom_region for departement in where],
        }
    ).rename_axis("code_insee")


def read_former_communes(
    communes: Path, mouvements: Path | None = None, cog: int = LAST_YEAR
) -> pd.DataFrame:
    """Names under which a commune may still be looked for, and the commune that holds them now.

    Parameters
    ----------
    communes : Path
        List of communes: its delegated and associated communes are taken.
    mouvements : Path, optional
        ``v_mvt_commune_2026.csv`` or a former layout of it: names borne before a merger or a
        change of name, by the communes that existed in 2008 or later, if they stand on one
        commune only.
    cog : int
        Year of the geography.

    Returns
    -------
    DataFrame
        ``nom``, ``code_ancien``, ``code_insee``, sorted.
    """
    rows = _cog(communes)
    now = rows[rows["TYPECOM"] == "COM"].set_index("COM")["LIBELLE"]
    parts = rows[rows["TYPECOM"].isin(["COMD", "COMA"])]
    found = set(zip(parts["LIBELLE"], parts["COM"], parts["COMPARENT"], strict=True))
    if mouvements is not None:
        known = {(nom, code) for nom, _, code in found}
        since = passage(FIRST_YEAR, cog)
        for nom, code in _former_names(mouvements, cog):
            targets = since.get(code, ())
            if len(targets) != 1 or targets[0] not in now.index:
                continue
            named = (nom, targets[0])
            if now[targets[0]] != nom and named not in known:
                known.add(named)
                found.add((nom, code, targets[0]))
    table = pd.DataFrame(sorted(found), columns=["nom", "code_ancien", "code_insee"], dtype=str)
    return table[table["code_insee"].isin(codes_of(cog))].reset_index(drop=True)


def _former_names(path: Path, cog: int) -> Iterable[tuple[str, str]]:
    """Names and codes of communes before each movement, the newest movement first."""
    rows = _delimited(path, _MOVEMENTS)
    _require(rows, ["DATE_EFF", "TYPECOM_AV", "COM_AV", "LIBELLE_AV"], path)
    rows = rows[(rows["TYPECOM_AV"] == "COM") & (rows["DATE_EFF"] <= f"{cog}-01-01")]
    rows = rows.sort_values("DATE_EFF", ascending=False, kind="stable")
    return zip(rows["LIBELLE_AV"], _padded(rows["COM_AV"], path), strict=True)


def _cog(path: Path) -> pd.DataFrame:
    """Rows of a list of communes under the headers of today: TYPECOM, COM, LIBELLE, COMPARENT."""
    rows = _delimited(path, _COMMUNES)
    if "TYPECOM" not in rows.columns and {"ARTMIN", "NCCENR"} <= set(rows.columns):
        return _cog_2018(rows, path)
    _require(rows, ["TYPECOM", "COM", "DEP", "LIBELLE", "COMPARENT"], path)
    codes = _padded(rows["COM"], path)
    _check_departements(codes, rows["DEP"], path)
    return pd.DataFrame(
        {
            "TYPECOM": rows["TYPECOM"],
            "COM": codes,
            "LIBELLE": rows["LIBELLE"],
            "COMPARENT": rows["COMPARENT"].where(
                rows["COMPARENT"] == "", _zero_back(rows["COMPARENT"])
            ),
        }
    )


def _cog_2018(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """``comsimp2018.txt``: communes only, code and name in two parts each, the article aside."""
    _require(rows, ["DEP", "COM"], path)
    article = rows["ARTMIN"].str.strip("() ")
    article = article.where((article == "") | article.str.endswith("'"), article + " ")
    return pd.DataFrame(
        {
            "TYPECOM": "COM",
            "COM": _joined(rows["DEP"], rows["COM"], path),
            "LIBELLE": article + rows["NCCENR"],
            "COMPARENT": "",
        }
    )


def _check_departements(codes: pd.Series, declared: pd.Series, path: Path) -> None:
    """A zero given back must be the right one: the département beside the code says so."""
    theirs = declared.where(~declared.str.fullmatch("[1-9]"), "0" + declared)
    wrong = codes[(theirs != "") & (theirs != codes.map(departement_of))]
    if len(wrong):
        raise _layout(
            path, f"code(s) d'un autre département que celui de leur ligne : {_some(wrong)}"
        )


def _check_unique(codes: pd.Index, path: Path) -> None:
    if codes.has_duplicates:
        twice = codes[codes.duplicated()].unique()
        raise _layout(path, f"commune(s) en double : {_some(twice)}")


def _check_whole(codes: pd.Index, cog: int, path: Path) -> None:
    """Every commune of the geography, once, and no other."""
    _check_unique(codes, path)
    check_codes(codes, cog, path.name)
    missing = sorted(codes_of(cog).difference(codes))
    if missing:
        raise _layout(
            path,
            f"{len(missing)} commune(s) de {cog} manquent sur {len(codes_of(cog))} : "
            f"{_some(missing)}",
        )


# --- EPCI ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Epci:
    """Composition of the EPCI on the communes of one geography.

    Attributes
    ----------
    cog : int
        Year of the geography.
    communes : Series of str
        ``code_insee`` → ``code_epci`` for every commune of the geography; missing where the
        commune belongs to none.
    epci : DataFrame
        Indexed by ``code_epci``: ``nom``, ``nature`` (CC, CA, CU, METRO, MET69), ``communes``
        (how many it has).
    populations : Series of float
        Population by commune, where the file gives it (the DGCL's does); else empty.
    reportees : DataFrame
        Communes whose EPCI was carried from another geography: indexed by ``code_insee``,
        ``depuis`` (former codes), ``code_epci``, ``regle``.
    """

    cog: int
    communes: pd.Series
    epci: pd.DataFrame
    populations: pd.Series = field(default_factory=lambda: pd.Series(dtype=np.float64))
    reportees: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            columns=["depuis", "code_epci", "regle"], index=pd.Index([], name="code_insee")
        )
    )

    @property
    def note(self) -> str:
        """Which communes were carried, in one French line; empty if none."""
        if self.reportees.empty:
            return ""
        by_rule = (
            f"{regle} ({_some(rows.index)})" for regle, rows in self.reportees.groupby("regle")
        )
        return f"EPCI reportés pour {len(self.reportees)} commune(s) : {' ; '.join(by_rule)}."


def read_epci(path: Path, cog: int = LAST_YEAR) -> Epci:
    """Read the composition of the EPCI.

    Parameters
    ----------
    path : Path
        The DGCL's ``epcicom2025.xlsx``; INSEE's ``epci_au_01-01-2026.zip``; or INSEE's table
        d'appartenance des communes. A workbook is read in its archive or out of it.
    cog : int
        Year of the geography of the file.

    Returns
    -------
    Epci
        In the file's own geography: see :func:`carry_epci`.

    Raises
    ------
    LayoutError
        If the sheets or columns are of none of the three, or a code is malformed.
    FragiliteError
        If a commune is unknown or there twice, or an EPCI has not the members it declares.
    """
    book = _workbook(path)
    if "Composition_communale" in book.sheet_names:
        rows, names = _epci_insee(book, path)
    elif "Zones_supra_communales" in book.sheet_names:
        rows, names = _epci_tagc(book, path)
    else:
        rows, names = _epci_dgcl(book, path)

    rows["code_insee"] = _padded(rows["code_insee"], path)
    rows = rows[rows["code_insee"].map(departement_of).isin(departements())]
    rows = rows.set_index("code_insee")
    _check_unique(rows.index, path)
    check_codes(rows.index, cog, path.name)
    members = rows["code_epci"].where(rows["code_epci"] != SANS_EPCI).dropna()
    wrong = members[~members.str.fullmatch("[0-9]{9}")].unique()
    if len(wrong):
        raise _layout(path, f"EPCI sans numéro SIREN à neuf chiffres : {_some(wrong)}")
    return Epci(
        cog,
        members.reindex(sorted(codes_of(cog))).rename("code_epci"),
        _epci_table(names[names.index != SANS_EPCI], members, path),
        rows["population"] if "population" in rows else pd.Series(dtype=np.float64),
    )


def _epci_table(names: pd.DataFrame, members: pd.Series, path: Path) -> pd.DataFrame:
    """Name, nature and size of each EPCI; the size the file declares must be the one it has."""
    counted = members.value_counts()
    unnamed = counted.index.difference(names.index)
    if len(unnamed):
        raise _layout(path, f"EPCI sans nom : {_some(unnamed)}")
    counted = counted.reindex(names.index, fill_value=0)
    short = names[names["declare"] != counted.astype(str)]
    for code, name, declared in zip(short.index, short["nom"], short["declare"], strict=True):
        raise _layout(
            path, f"{name} ({code}) y a {counted[code]} commune(s) et en déclare {declared}"
        )
    nature = names["nature"].replace(_NATURES)
    nature = nature.where(names.index != METROPOLE_DE_LYON, "MET69")
    table = pd.DataFrame({"nom": names["nom"], "nature": nature, "communes": counted})
    return table.rename_axis("code_epci").sort_index()


def _epci_dgcl(book: CalamineWorkbook, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = ["SIREN", "RAISON_SOCIALE", "NATURE_JURIDIQUE", "NB_MEMBRES", "INSEE"]
    rows = _sheet(book, book.sheet_names[0], columns, path)
    members = _texts(rows, {"INSEE": "code_insee", "SIREN": "code_epci"})
    for name in rows.columns[rows.columns.str.fullmatch("PMUN_[0-9]{4}")]:
        members["population"] = pd.to_numeric(rows[name], errors="coerce").astype(np.float64)
    kept = {"RAISON_SOCIALE": "nom", "NATURE_JURIDIQUE": "nature", "NB_MEMBRES": "declare"}
    names = _texts(rows.drop_duplicates("SIREN"), {"SIREN": "code_epci"} | kept)
    return members, names.set_index("code_epci")


def _epci_insee(book: CalamineWorkbook, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = _sheet(book, "Composition_communale", ["CODGEO", "EPCI"], path)
    names = _sheet(book, "EPCI", ["EPCI", "LIBEPCI", "NATURE_EPCI", "NB_COM"], path)
    kept = {"LIBEPCI": "nom", "NATURE_EPCI": "nature", "NB_COM": "declare"}
    return (
        _texts(rows, {"CODGEO": "code_insee", "EPCI": "code_epci"}),
        _texts(names, {"EPCI": "code_epci"} | kept).set_index("code_epci"),
    )


def _epci_tagc(book: CalamineWorkbook, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = _sheet(book, "COM", ["CODGEO", "EPCI", "NATURE_EPCI"], path)
    zones = _sheet(book, "Zones_supra_communales", ["NIVGEO", "CODGEO", "LIBGEO", "NB_COM"], path)
    kept = {"CODGEO": "code_epci", "LIBGEO": "nom", "NB_COM": "declare"}
    names = _texts(zones[zones["NIVGEO"] == "EPCI"], kept).set_index("code_epci")
    natures = rows.drop_duplicates("EPCI").set_index("EPCI")["NATURE_EPCI"]
    members = _texts(rows, {"CODGEO": "code_insee", "EPCI": "code_epci"})
    return members, names.assign(nature=natures)


def carry_epci(epci: Epci, vers: int, populations: pd.Series | None = None) -> Epci:
    """Carry the composition of the EPCI to another geography.

    Communes merged from several EPCI go to the EPCI of the most populated part; without
    populations, to that of the part that keeps its code; the parts of a split commune stay in its
    EPCI.

    Parameters
    ----------
    epci : Epci
        Composition in its own geography.
    vers : int
        Year of the geography wanted.
    populations : Series of float, optional
        Population by code of the composition's geography; by default the file's own.

    Returns
    -------
    Epci
        With the communes carried and the rule of each in ``reportees``.
    """
    people = epci.populations if populations is None else populations
    moved = moves(epci.cog, vers)
    origins: dict[str, list[str]] = defaultdict(list)
    for code, targets in sorted(moved.items()):
        for target in targets:
            origins[target].append(code)
    for target, parts in origins.items():
        if target in epci.communes.index and target not in moved:
            parts.append(target)
    carried = {
        target: (" ".join(parts), *_choose(target, parts, moved, epci.communes, people))
        for target, parts in sorted(origins.items())
    }
    reportees = pd.DataFrame.from_dict(
        carried, orient="index", columns=["depuis", "code_epci", "regle"], dtype="str"
    ).rename_axis("code_insee")
    communes = epci.communes.reindex(sorted(codes_of(vers)))
    communes[reportees.index] = reportees["code_epci"]
    counted = communes.value_counts().reindex(epci.epci.index, fill_value=0)
    table = epci.epci.assign(communes=counted)
    return replace(
        epci,
        cog=vers,
        communes=communes,
        epci=table[table["communes"] > 0],
        populations=people if vers == epci.cog else pd.Series(dtype=np.float64),
        reportees=reportees,
    )


def _choose(
    target: str,
    parts: list[str],
    moved: Mapping[str, tuple[str, ...]],
    communes: pd.Series,
    people: pd.Series,
) -> tuple[str | None, str]:
    """The EPCI of a commune among those of the parts that made it, and the rule that chose."""
    if len(parts) == 1:
        split = len(moved[parts[0]]) > 1
        return communes[parts[0]], REGLE_SEPAREE if split else REGLE_CODE
    theirs = communes[parts].dropna()
    if theirs.nunique() <= 1:
        return next(iter(theirs), None), REGLE_MEME
    weights = people.reindex(theirs.index)
    if weights.notna().all():
        return theirs.iloc[int(weights.argmax())], REGLE_PEUPLEE
    if target in theirs.index:
        return theirs[target], REGLE_ABSORBANTE
    return None, REGLE_INCONNU


def frame(communes: pd.DataFrame, epci: Epci) -> pd.DataFrame:
    """Put communes and EPCI side by side: the frame on which every source is laid.

    Parameters
    ----------
    communes : DataFrame
        As :func:`read_communes` gives them.
    epci : Epci
        In the same geography.

    Returns
    -------
    DataFrame
        Indexed by ``code_insee``: ``nom``, ``code_epci``, ``nom_epci`` (missing where the commune
        belongs to none), ``code_departement``, ``nom_departement``, ``code_region``,
        ``nom_region``.
    """
    code = epci.communes.reindex(communes.index)
    table = communes.copy()
    table.insert(1, "code_epci", code)
    table.insert(2, "nom_epci", code.map(epci.epci["nom"]))
    return table


# --- populations -----------------------------------------------------------------------------


def read_populations(path: Path, cog: int = LAST_YEAR) -> pd.DataFrame:
    """Read INSEE's reference populations by commune, in the layout of any vintage since 2019.

    Parameters
    ----------
    path : Path
        ``donnees_communes.csv``, or the archive ``ensemble.zip``.
    cog : int
        Year of the geography of the file.

    Returns
    -------
    DataFrame of float64
        Indexed by ``code_insee``: ``population_municipale``, ``population_comptee_a_part``,
        ``population_totale``. Paris, Lyon and Marseille, given by arrondissement, are whole.

    Raises
    ------
    LayoutError
        If the columns are of no known vintage, a cell is no number, an arrondissement is missing,
        or a commune is there twice.
    FragiliteError
        If a commune is unknown to the geography.
    """
    rows = _delimited(path, _POPULATIONS)
    _require(rows, [*POPULATIONS.values()], path)
    codes = pd.Index(_population_codes(rows, path), name="code_insee")
    text = rows[[*POPULATIONS.values()]].set_axis(codes).set_axis([*POPULATIONS], axis=1)
    figures, _ = numbers(text, _raw(path))
    figures = figures[codes.map(departement_of).isin(departements())]
    figures = _one_code(figures, cog, path)
    _check_arrondissements(figures.index, path)
    table = fold_arrondissements(figures).sort_index()
    check_codes(table.index, cog, path.name)
    return table


def _population_codes(rows: pd.DataFrame, path: Path) -> pd.Series:
    """Code of each row: the column COM, or, where COM holds the name, département and number."""
    if "COM" in rows and rows["COM"].str.fullmatch(rf"{_CODE}|[1-9][0-9]{{3}}").all():
        return _padded(rows["COM"], path)
    departement = "CODDEP" if "CODDEP" in rows else "DEP"
    _require(rows, [departement, "CODCOM"], path)
    return _joined(rows[departement], rows["CODCOM"], path)


def _check_arrondissements(codes: pd.Index, path: Path) -> None:
    """A city given by arrondissement is given by all of them."""
    for commune, arms in ARRONDISSEMENTS.items():
        lacking = [str(number) for number in arms if str(number) not in codes]
        if commune not in codes and 0 < len(lacking) < len(arms):
            raise _layout(path, f"arrondissement(s) absent(s) de {commune} : {_some(lacking)}")


def _one_code(table: pd.DataFrame, cog: int, path: Path) -> pd.DataFrame:
    """One row a commune: one that is there under a former or a later code comes under its own.

    The populations of 2020 hold Les Trois Lacs under 27058 and, with the same figures, 27676.
    """
    _check_unique(table.index, path)
    arrondissements = {str(code) for codes in ARRONDISSEMENTS.values() for code in codes}
    if table.index.isin(codes_of(cog) | arrondissements).all():
        return table
    table = table.rename(index=aliases(cog))
    figures = table.groupby(level=0).nunique(dropna=False)
    uneven = figures.index[figures.gt(1).any(axis=1)]
    if len(uneven):
        raise _layout(path, f"commune sous deux codes, aux chiffres différents : {_some(uneven)}")
    return table[~table.index.duplicated()]


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the reference populations of one vintage.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        What the catalogue says of the vintage.
    paths : mapping of str to Path
        Local file of each raw file; without that of Mayotte, its communes are absent.

    Returns
    -------
    Table
    """
    parts = read_parts(source, vintage, paths, {"populations": _part})
    values = pd.concat([values for values, _ in parts]).sort_index()
    whole, *shares = "population_totale", "population_municipale", "population_comptee_a_part"
    table = Table.of(source, vintage.millesime, vintage.cog, values)
    return contract(table, vintage, identites={whole: [shares]})


def _part(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    figures = read_populations(path, vintage.cog)
    return figures, pd.DataFrame(False, index=figures.index, columns=figures.columns)


# --- reading files ---------------------------------------------------------------------------


def _raw(path: Path, membre: str = "") -> RawFile:
    """A file as it is found, where the catalogue has nothing to say of its layout."""
    return RawFile(nom=path.name, genre="csv", membre=membre)


def _layout(path: Path, constat: str, remedy: str = "") -> LayoutError:
    return LayoutError("", None, _raw(path), f"{constat}.", remedy)


def _some(codes: Iterable[Any], limit: int = 5) -> str:
    """The first codes of a list, and how many more there are."""
    listed = [str(code) for code in codes]
    more = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" et {more} autre(s)" if more > 0 else "")


def _delimited(path: Path, member: re.Pattern[str]) -> pd.DataFrame:
    """Read a delimited file as text, with upper-case headers: separator and encoding drift."""
    membre = ""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name).name for name in archive.namelist()]
        membre = next(filter(member.fullmatch, names), "?")
    file = _raw(path, membre)
    with reading("", None, file), open_text(path, file) as stream:
        content = stream.read()
    text = _decoded(content, file)
    header = text.partition("\n")[0]
    separator = max("\t;,", key=header.count)
    try:
        table = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise _layout(path, "le tableau est tronqué ou mal formé") from error
    return table.set_axis(table.columns.str.strip().str.upper(), axis=1)


def _decoded(content: bytes, file: RawFile) -> str:
    for encoding in file.encodages:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise LayoutError("", None, file, f"encodage inattendu, hors {', '.join(file.encodages)}.")


def _workbook(path: Path) -> CalamineWorkbook:
    """Open a workbook, out of its archive if it is in one."""
    from python_calamine import CalamineError, CalamineWorkbook

    file = _raw(path, "*.xlsx")
    try:
        with zipfile.ZipFile(path) as archive:
            archived = "[Content_Types].xml" not in archive.namelist()
        with reading("", None, file), open_text(path, file) if archived else path.open("rb") as it:
            return CalamineWorkbook.from_filelike(BytesIO(it.read()))
    except (zipfile.BadZipFile, CalamineError) as error:
        raise _layout(path, "ce n'est pas un classeur lisible") from error


def _sheet(book: CalamineWorkbook, name: str, columns: list[str], path: Path) -> pd.DataFrame:
    """A sheet, from the row that holds the columns wanted (row 6 at INSEE), headers upper-case."""
    sheets = [book.get_sheet_by_name(name)] if name in book.sheet_names else []
    rows = [row for sheet in sheets for row in sheet.to_python(skip_empty_area=False)]
    for number, row in enumerate(rows[:_HEADER_BEFORE]):
        header = [str(cell).strip().upper() for cell in row]
        if set(columns) <= set(header):
            table = pd.DataFrame(rows[number + 1 :], columns=header)
            return table[table[columns[0]] != ""]
    raise _layout(
        path,
        f"pas de feuille {name} avec les colonnes {', '.join(columns)}. Le classeur offre : "
        f"{', '.join(book.sheet_names)}",
    )


def _texts(table: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Columns of a sheet, renamed, as text; a whole number loses the decimals it was given."""
    return pd.DataFrame(
        {
            ours: table[theirs].map(
                lambda cell: f"{cell:.0f}" if isinstance(cell, float) else str(cell).strip()
            )
            for theirs, ours in names.items()
        },
        dtype="str",
    )


def _require(table: pd.DataFrame, columns: list[str], path: Path) -> None:
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise _layout(
            path,
            f"colonne(s) absente(s) : {', '.join(lacking)}. Le fichier offre : "
            f"{', '.join(map(str, table.columns))}",
        )


def _zero_back(codes: pd.Series) -> pd.Series:
    """Give back the leading zero that some editions lost (1001 → 01001)."""
    codes = codes.str.strip().str.upper()
    return codes.where(~codes.str.fullmatch("[1-9][0-9]{3}"), "0" + codes)


def _padded(codes: pd.Series, path: Path) -> pd.Series:
    """Codes of five characters, anything else refused."""
    padded = _zero_back(codes)
    wrong = padded[~padded.str.fullmatch(_CODE)]
    if len(wrong):
        raise _layout(path, f"ce ne sont pas des codes de commune : {_some(wrong.unique())}")
    return padded


def _joined(departement: pd.Series, number: pd.Series, path: Path) -> pd.Series:
    """Code made of a département and a number: overseas they share a digit (971 + 105 → 97105)."""
    departement = departement.str.strip().str.upper()
    departement = departement.where(~departement.str.fullmatch("[1-9]"), "0" + departement)
    number = number.str.strip()
    overseas = departement.str.len() == 3
    number = number.where(overseas, number.str.zfill(3)).where(~overseas, number.str.zfill(2))
    shared = overseas & (number.str.len() == 3)
    return _padded(departement.where(~shared, departement.str[:2]) + number, path)
