"""What every reader of raw files shares: opening, reading as text, numbers, and the contract.

A raw file is read as the catalogue describes it, or not at all: a missing column, a cell that is
no number, a code of another geography or a national total that is off stop the reading with what
was expected, what the file offers, and what to do. Files are recognised by their content, never by
their name.
"""

from __future__ import annotations

import csv
import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from fragilite.cog import (
    ARRONDISSEMENTS,
    FIRST_YEAR,
    LAST_YEAR,
    aliases,
    codes_of,
    departement_of,
    departements,
    fold_arrondissements,
    parse_code,
)
from fragilite.errors import SourceUnavailableError, UsageError
from fragilite.french import number
from fragilite.ingestion.catalogue import RawFile, Vintage, load_sources
from fragilite.table import Statut, Table, Variable

#: Largest member of an archive that is read (the census by diploma and age, unzipped, is 1 GB).
MEMBER_MAX = 4 << 30
#: Bytes parsed at a time: what bounds the memory of a long file.
BLOCK = 4 << 20
REGLE_ARRONDISSEMENTS = "moyenne pondérée des arrondissements"
#: Share of the communes of a file that may break an identity (rounding of small ones).
IDENTITE_COMMUNES = 0.01
#: Relative gap that an identity allows, beside one person.
IDENTITE_TOLERANCE = 0.01

Part = tuple[pd.DataFrame, pd.DataFrame]
"""Values, and cells withheld by the producer, both indexed by code."""


class LayoutError(SourceUnavailableError):
    """A raw file is not what the catalogue says.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue, or empty.
    vintage : Vintage or None
    file : RawFile or None
    constat : str
        What was expected and what was found, in French.
    remedy : str, optional
        What repairs it; by default, to take the file again.
    """

    def __init__(
        self,
        source: str,
        vintage: Vintage | None,
        file: RawFile | None,
        constat: str,
        remedy: str = "",
    ) -> None:
        where = [f"source {source}"] if source else []
        where += [f"millésime {vintage.millesime}"] if vintage else []
        where += [f"fichier {file.nom}"] if file else []
        text = ", ".join(where)
        super().__init__(
            f"{text[:1].upper()}{text[1:]} : {constat}",
            remedy
            or "Reprenez le fichier (fragilite fetch --update) ; s'il revient ainsi, l'éditeur a "
            "changé sa mise en page.",
        )


class NoRowError(LayoutError):
    """The file has no row of those that the catalogue keeps."""


# --- opening ---------------------------------------------------------------------------------


def open_text(path: Path, file: RawFile) -> BinaryIO:
    """Open a raw file for reading its text: plain, gzipped, or the member of a zip.

    Nothing is extracted to disk. The content decides, not the name: a member taken out of its
    archive by hand is read as well.

    Raises
    ------
    LayoutError
        If the file is a web page, a damaged or encrypted archive, one whose names climb out of
        it, one without the member expected or with several, or larger than 4 GiB unzipped.
    """
    with path.open("rb") as stream:
        head = stream.read(512)
    if not head:
        raise LayoutError("", None, file, "il est vide.")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html")):
        raise LayoutError("", None, file, "c'est une page web, pas le fichier attendu.")
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        raise LayoutError("", None, file, "c'est une archive 7z, à extraire d'abord.")
    if head.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(b"PK"):
        with reading("", None, file):
            archive = zipfile.ZipFile(path)
            return cast(BinaryIO, archive.open(_member(archive, file)))
    return path.open("rb")


def _member(archive: zipfile.ZipFile, file: RawFile) -> zipfile.ZipInfo:
    """The one member that the catalogue names, else the only table that is not documentation."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for entry in entries:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise LayoutError("", None, file, f"l'archive sort de son dossier : {path}.")
    found = [entry for entry in entries if _is_member(PurePosixPath(entry.filename), file.membre)]
    if len(found) != 1:
        wanted = f"« {file.membre} »" if file.membre else "un seul tableau"
        names = ", ".join(entry.filename for entry in entries[:8]) or "rien"
        raise LayoutError("", None, file, f"{wanted} attendu dans l'archive, qui offre : {names}.")
    if found[0].file_size > MEMBER_MAX:
        size = f"{found[0].file_size / 1e9:.0f} Go"
        raise LayoutError("", None, file, f"{found[0].filename} ferait {size} : refusé.")
    if found[0].flag_bits & 1:
        raise LayoutError("", None, file, f"{found[0].filename} est chiffré.")
    return found[0]


def _is_member(path: PurePosixPath, glob: str) -> bool:
    name, stem = path.name.lower(), path.stem.lower()
    if "__MACOSX" in path.parts or name.startswith("."):
        return False
    if glob:
        return fnmatch(name, glob.lower())
    # "-COM" is the overseas collectivities, a handful of rows: never the communes.
    documentation = stem.startswith("meta") or stem.endswith("metadata")
    return path.suffix.lower() in {".csv", ".txt"} and not documentation and stem[-4:] != "-com"


@contextmanager
def reading(source: str, vintage: Vintage | None, file: RawFile) -> Iterator[None]:
    """Say in French that a file cannot be read to its end."""
    damaged = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)
    try:
        yield
    except damaged as error:
        constat = "il est tronqué ou abîmé."
        raise LayoutError(source, vintage, file, constat) from error
    except pa.ArrowInvalid as error:
        detail = str(error).partition("\n")[0]
        constat = f"le tableau est tronqué ou mal formé ({detail})."
        raise LayoutError(source, vintage, file, constat) from error


# --- reading as text -------------------------------------------------------------------------


def header(source: str, vintage: Vintage, file: RawFile, path: Path) -> list[str]:
    """Names of the columns of a delimited file, in its order."""
    with reading(source, vintage, file), open_text(path, file) as stream:
        lines = [stream.readline() for _ in range(file.lignes_avant + 1)]
    for encoding in file.encodages:
        try:
            text = lines[-1].decode(encoding).lstrip("\ufeff")
        except UnicodeDecodeError:
            continue
        try:
            return next(csv.reader([text.strip("\r\n")], delimiter=file.separateur), [])
        except csv.Error as error:
            raise LayoutError(source, vintage, file, "l'en-tête est illisible.") from error
    raise LayoutError(source, vintage, file, f"encodage inattendu, hors {_list(file.encodages)}.")


def _list(names: Sequence[str], shown: int = 12) -> str:
    """A few names, for a message."""
    return ", ".join(names[:shown]) + (", …" if len(names) > shown else "")


def _check_columns(
    source: str, vintage: Vintage, file: RawFile, wanted: Sequence[str], offered: Sequence[str]
) -> None:
    """Stop at columns that are missing, saying what the file offers, the nearest first."""
    missing = [column for column in dict.fromkeys(wanted) if column not in offered]
    if missing:
        near = [name for column in missing for name in get_close_matches(column, offered, n=2)]
        names = _list(list(dict.fromkeys([*near, *offered])))
        constat = f"colonne(s) absente(s) : {_list(missing)}. Le fichier offre : {names}."
        raise LayoutError(source, vintage, file, _another_level(file, offered) + constat)
    twice = [column for column in wanted if list(offered).count(column) > 1]
    if twice:
        raise LayoutError(source, vintage, file, f"colonne(s) en double : {_list(twice)}.")


#: Column of the code in INSEE's wide files, by the level of their rows.
_LEVELS = {"IRIS": "par IRIS", "CODGEO": "par commune"}


def _another_level(file: RawFile, offered: Sequence[str]) -> str:
    """Say that a file is by IRIS where communes are expected, or the reverse."""
    for column, level in _LEVELS.items():
        if file.code in _LEVELS and column in offered and file.code not in offered:
            return f"c'est un fichier {level}, il en faut un {_LEVELS[file.code]}. "
    return ""


def read_csv(
    source: str,
    vintage: Vintage,
    file: RawFile,
    path: Path,
    columns: Sequence[str],
    keep: Callable[[pa.Table], pa.Table] | None = None,
    words: Sequence[str] = (),
) -> pd.DataFrame:
    """Read some columns of a delimited file, every cell as the text it is.

    Rows are kept or dropped by ``file.filtres`` and ``file.exclus`` as they come, so that a file of
    ten million rows is never held whole. Only what is needed is read.

    Parameters
    ----------
    source, vintage, file
        Where the file is described.
    path : Path
        The file.
    columns : sequence of str
        Columns wanted, with the publisher's names.
    keep : callable, optional
        Takes and returns a pyarrow table: drops more rows of each block.
    words : sequence of str, optional
        Columns of few distinct words: encoded as dictionaries, then as categories.

    Returns
    -------
    DataFrame of text
        The columns wanted, in the order wanted. An empty cell is ``""``.

    Raises
    ------
    LayoutError
        If a column is missing, naming what the file offers; if no encoding declared fits; if the
        file is truncated or ragged; :class:`NoRowError` if no row is kept.
    """
    sifted = [*file.filtres, *file.exclus]
    wanted = list(dict.fromkeys([*columns, *sifted]))
    _check_columns(source, vintage, file, wanted, header(source, vintage, file, path))
    offered: dict[str, set[str]] = {name: set() for name in sifted}
    for encoding in file.encodages:
        blocks, kept = [], 0
        try:
            for block in _blocks(source, vintage, file, path, wanted, {*sifted, *words}, encoding):
                for name, seen in offered.items():
                    seen.update(block[name].chunk(0).dictionary.to_pylist())
                block = _sift(block, file)
                kept += len(block)
                blocks.append((keep(block) if keep else block).select(list(columns)))
        except UnicodeDecodeError:
            continue
        if not kept:
            rules = "".join(
                f" {name} = {_list(values)} (il offre : {_list(sorted(offered[name])) or 'rien'})."
                for name, values in file.filtres.items()
            )
            raise NoRowError(source, vintage, file, f"aucune ligne retenue.{rules}")
        table = pa.concat_tables(blocks).unify_dictionaries()
        frame = cast(pd.DataFrame, table.to_pandas())
        return frame.astype({name: "str" for name in columns if name not in words})
    raise LayoutError(source, vintage, file, f"encodage inattendu, hors {_list(file.encodages)}.")


def _blocks(
    source: str,
    vintage: Vintage,
    file: RawFile,
    path: Path,
    columns: list[str],
    encoded: set[str],
    encoding: str,
) -> Iterator[pa.Table]:
    """Blocks of a file; text is decoded strictly, UnicodeDecodeError otherwise."""
    text, words = pa.string(), pa.dictionary(pa.int32(), pa.string())
    utf8 = encoding.lower().replace("-", "") in {"utf8", "utf8sig"}
    with reading(source, vintage, file), open_text(path, file) as stream:
        try:
            reader = pa_csv.open_csv(
                stream,
                pa_csv.ReadOptions(
                    block_size=BLOCK,
                    skip_rows=file.lignes_avant,
                    encoding="utf8" if utf8 else encoding,
                ),
                pa_csv.ParseOptions(delimiter=file.separateur, newlines_in_values=True),
                pa_csv.ConvertOptions(
                    include_columns=columns,
                    column_types={name: words if name in encoded else text for name in columns},
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                yield pa.Table.from_batches([batch])
        except pa.ArrowInvalid as error:
            if "UTF8" in str(error):
                raise UnicodeDecodeError(encoding, b"", 0, 1, str(error)) from error
            raise


def _sift(block: pa.Table, file: RawFile) -> pa.Table:
    """Keep and drop the rows that the catalogue says."""
    for column, values in file.filtres.items():
        block = block.filter(among(block[column], values))
    for column, values in file.exclus.items():
        block = block.filter(pc.invert(among(block[column], values)))
    return block


def among(column: pa.ChunkedArray, values: Sequence[str]) -> pa.ChunkedArray:
    """Whether each cell of a column is one of some values."""
    return pc.is_in(column, value_set=pa.array(values, pa.string()))


def read_xlsx(
    source: str, vintage: Vintage, file: RawFile, path: Path, columns: Sequence[str]
) -> pd.DataFrame:
    """Read some columns of a sheet of a workbook (or of the workbook in a zip), as text.

    A whole number is written without decimals, as a spreadsheet shows it.

    Returns
    -------
    DataFrame of text
        The columns wanted, in the order wanted. An empty cell is ``""``.

    Raises
    ------
    LayoutError
        If the sheet or a column is missing, naming what the workbook offers.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    content = path.read_bytes()
    if zipfile.is_zipfile(path) and "[Content_Types].xml" not in zipfile.ZipFile(path).namelist():
        with reading(source, vintage, file), open_text(path, file) as stream:
            content = stream.read()
    try:
        book = CalamineWorkbook.from_object(BytesIO(content))
    except CalamineError as error:
        raise LayoutError(source, vintage, file, "ce n'est pas un classeur lisible.") from error
    sheet = file.feuille or book.sheet_names[0]
    if sheet not in book.sheet_names:
        offered = _list(book.sheet_names)
        constat = f"feuille absente : « {sheet} ». Le classeur offre : {offered}."
        raise LayoutError(source, vintage, file, constat)
    rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)[file.lignes_avant :]
    names = [_text(cell) for cell in rows[0]] if rows else []
    wanted = list(dict.fromkeys([*columns, *file.filtres, *file.exclus]))
    _check_columns(source, vintage, file, wanted, names)
    table = pd.DataFrame(
        {name: [_text(row[names.index(name)]) for row in rows[1:]] for name in wanted}, dtype="str"
    )
    table = table[(table != "").any(axis=1)]
    for name, values in file.filtres.items():
        table = table[table[name].isin(values)]
    for name, values in file.exclus.items():
        table = table[~table[name].isin(values)]
    return table[list(columns)].reset_index(drop=True)


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


# --- numbers ---------------------------------------------------------------------------------


def numbers(text: pd.DataFrame, file: RawFile) -> Part:
    """Turn text into numbers, strictly.

    Spaces inside a number (thousands) are dropped; with ``decimale = ","`` a point is read too.

    Parameters
    ----------
    text : DataFrame of text
        Indexed by code; without the column of the code.

    Returns
    -------
    values : DataFrame of float64
        NaN where the file has no figure.
    secret : DataFrame of bool
        Cells withheld by the producer (``file.secret``).

    Raises
    ------
    LayoutError
        If a cell is neither a number, nor a marker declared, nor empty.
    """
    values, secret = {}, {}
    markers = ["", *file.secret, *file.absent]
    for name in text.columns:
        cells, withheld = pa.array(text[name], pa.string()), False
        figures = None if pc.any(among(cells, markers)).as_py() else _cast(cells)
        if figures is None:
            cells = pc.utf8_trim_whitespace(cells)
            withheld = among(cells, file.secret).to_numpy(zero_copy_only=False)
            cells = pc.if_else(among(cells, markers), None, cells)
            if file.decimale == ",":
                cells = pc.replace_substring(cells, ",", ".")
            figures = _cast(cells)
        if figures is None:
            figures = _cast(pc.replace_substring_regex(cells, "[ \u00a0\u202f]", ""))
        if figures is None:
            _raise_odd(cells, str(name), file)
        values[name] = figures.to_numpy(zero_copy_only=False)
        secret[name] = withheld
    return (
        pd.DataFrame(values, index=text.index, dtype=np.float64),
        pd.DataFrame(secret, index=text.index, dtype=bool),
    )


def _cast(cells: pa.Array) -> pa.Array | None:
    """Finite numbers, or None if one cell is not."""
    try:
        figures = pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:
        return None
    return figures if pc.all(pc.is_finite(figures)).as_py() is not False else None


def _raise_odd(cells: pa.Array, name: str, file: RawFile) -> NoReturn:
    plain = r"^[+-]?(\d[\d \x{a0}\x{202f}]*\.?\d*|\.\d+)([eE][+-]?\d+)?$"
    odd = cells.filter(pc.invert(pc.match_substring_regex(cells, plain))).unique().to_pylist()
    shown = ", ".join(f"« {cell} »" for cell in odd[:4])
    constat = f"colonne {name}, ni nombre ni marque connue : {shown}."
    raise LayoutError("", None, file, constat)


def sum_columns(values: pd.DataFrame, secret: pd.DataFrame, sums: Mapping[str, list[str]]) -> Part:
    """Our variables, as sums of the publisher's columns.

    A sum is missing if one column is (never a zero in its place), and withheld if one is.

    Parameters
    ----------
    sums : mapping of str to list of str
        Our variable → columns of ``values``.
    """
    totals, withheld = {}, {}
    for name, (first, *others) in sums.items():
        totals[name], withheld[name] = values[first], secret[first]
        for column in others:
            totals[name] = totals[name] + values[column]
            withheld[name] = withheld[name] | secret[column]
    return pd.DataFrame(totals), pd.DataFrame(withheld)


def by_code(source: str, vintage: Vintage, file: RawFile, text: pd.DataFrame) -> pd.DataFrame:
    """Index a table by its commune code, checked; collectivités d'outre-mer are dropped.

    Raises
    ------
    LayoutError
        If a code is not one: a spreadsheet has often eaten its leading zero.
    """
    codes = text[file.code].astype("str").str.strip().str.upper()
    for odd in codes[~codes.str.fullmatch(r"(?:\d{2}|2[AB])\d{3}")].unique()[:1]:
        try:
            parse_code(odd)
        except UsageError as error:
            constat = f"colonne {file.code} : {error.message} {error.remedy}".strip()
            raise LayoutError(source, vintage, file, constat) from error
    table = text.drop(columns=file.code).set_axis(pd.Index(codes, name="code_insee"))
    overseas = codes[codes.str[:2].isin(["97", "98"])].unique()
    outside = [code for code in overseas if departement_of(code) not in departements()]
    return table[~codes.isin(outside).to_numpy()]


def read_wide(
    source: str,
    vintage: Vintage,
    file: RawFile,
    path: Path,
    index: Callable[[str, Vintage, RawFile, pd.DataFrame], pd.DataFrame] = by_code,
) -> Part:
    """Read a file that has one row a commune, into our variables (``file.colonnes``).

    Parameters
    ----------
    index : callable, optional
        Sets the index of the text read, from its column ``file.code``.
    """
    sums = vintage.columns(file)
    columns = list(dict.fromkeys(column for added in sums.values() for column in added))
    workbook = file.genre == "xlsx" or file.membre.lower().endswith(".xlsx")
    wanted = [file.code, *columns]
    if workbook:
        text = read_xlsx(source, vintage, file, path, wanted)
    else:
        text = read_csv(source, vintage, file, path, wanted)
    return sum_columns(*numbers(index(source, vintage, file, text), file), sums)


# --- from parts to a table -------------------------------------------------------------------


def read_parts(
    source: str,
    vintage: Vintage,
    paths: Mapping[str, Path],
    layouts: Mapping[str, Callable[[str, Vintage, RawFile, Path], Part]],
) -> list[Part]:
    """Read the files of a vintage that are at hand, each in the layout of the vintage.

    Parameters
    ----------
    paths : mapping of str to Path
        ``RawFile.nom`` → where the file is.
    layouts : mapping of str to callable
        Layout → function that reads one file.

    Raises
    ------
    LayoutError
        If the layout is unknown, or no file is at hand.
    """
    read = layouts.get(vintage.mise_en_page)
    if read is None:
        known = f"{vintage.mise_en_page} (connues : {_list(list(layouts))})"
        raise LayoutError(source, vintage, None, f"mise en page inconnue : {known}.")
    files = [file for file in vintage.fichiers if file.nom in paths]
    if not files:
        names = _list([file.nom for file in vintage.fichiers])
        raise LayoutError(source, vintage, None, f"aucun de ses fichiers n'est à portée ({names}).")
    return [read(source, vintage, file, paths[file.nom]) for file in files]


def join(parts: Sequence[Part], name: str = "code_insee") -> Part:
    """Put side by side figures that share their index; a row that one lacks is missing there."""
    if not parts:
        return pd.DataFrame(index=pd.Index([], name=name, dtype="str")), pd.DataFrame()
    values = pd.concat([values for values, _ in parts], axis=1).rename_axis(name)
    secret = pd.concat([secret for _, secret in parts], axis=1).reindex(values.index)
    return values, secret.eq(True)


def assemble(
    source: str,
    vintage: Vintage,
    parts: Sequence[Part],
    identites: Mapping[str, Sequence[Sequence[str]]] | None = None,
    bornes: Mapping[str, tuple[float, float]] | None = None,
) -> Table:
    """Join the files of a vintage on the commune, fold arrondissements, and check the contract.

    Parameters
    ----------
    parts : sequence of (values, secret)
        One a file, indexed by code; a commune that a file lacks is absent for its variables.
    identites, bornes
        See :func:`contract`.

    Returns
    -------
    Table
    """
    parts = [one_code(part, vintage.cog) for part in parts]
    for values, _ in parts:
        check_unique(source, vintage, values.index)
    values, secret = join(parts)
    variables = {name: record.variable for name, record in load_sources()[source].variables.items()}
    table = fold(Table.of(source, vintage.millesime, vintage.cog, values, secret), variables)
    rules = {name: rule for name, rule in vintage.estime.items() if name in values}
    return contract(table.estimated(rules), vintage, bornes, identites)


def one_code(part: Part, cog: int) -> Part:
    """Bring a commune that only changed code to its code of the geography.

    A file may have it under the other code, or under both, each row with a part of the figures:
    Orée d'Anjou stands in INSEE's comparateur as 49069 (income) and 49126 (census). Rows that
    contradict each other are left as they are: the contract will name them.
    """
    values, secret = part
    strangers = values.index.difference(list(codes_of(cog)))
    if strangers.empty:
        return part
    known = aliases(cog)
    renamed = {code: known[code] for code in strangers if code in known}
    if not renamed:
        return part
    values, secret = values.rename(index=renamed), secret.rename(index=renamed)
    said = values.notna() | secret
    if (said.groupby(level=0).sum() > 1).any(axis=None):
        return values, secret
    merged = values.groupby(level=0).first()
    merged.index.name = values.index.name
    return merged, secret.groupby(level=0).any().reindex(merged.index)


def fold(table: Table, variables: Mapping[str, Variable]) -> Table:
    """Bring Paris, Lyon and Marseille back to one row each, whichever way the file has them.

    The commune's own row where the file has it. Else counts are added, missing or withheld if one
    arrondissement is; a median becomes the mean weighted by its ``poids``, an estimate.
    """
    source, values = table.source, table.values
    parents = {str(code): parent for parent, codes in ARRONDISSEMENTS.items() for code in codes}
    arms = values.index.isin(list(parents))
    if {parents[code] for code in values.index[arms]} <= set(values.index.tolist()):
        return replace(table, values=values[~arms], statuts=table.statuts[~arms])
    figures = fold_arrondissements(values)
    secret = fold_arrondissements(table.statuts.eq(Statut.SECRET).astype(float)).gt(0)
    made = figures.index.difference(values.index)
    medians = [str(name) for name in figures if variables[str(name)].nature != "effectif"]
    for name in medians:
        weight = variables[name].poids
        weights = values[weight] if weight in values else pd.Series(np.nan, index=values.index)
        sums = fold_arrondissements(
            pd.DataFrame({"weighted": values[name] * weights, "weight": weights})
        )
        figures.loc[made, name] = (sums["weighted"] / sums["weight"]).loc[made]
    folded = Table.of(source, table.millesime, table.cog, figures, secret & figures.isna())
    for name in medians:
        known = made[figures.loc[made, name].notna()]
        folded.statuts.loc[known, name] = np.int8(Statut.ESTIME)
    rules = {
        name: pd.Series(
            np.where(folded.statuts[name] == Statut.ESTIME, REGLE_ARRONDISSEMENTS, ""),
            index=figures.index,
        )
        for name in medians
    }
    return replace(folded, regles=rules)


# --- the contract ----------------------------------------------------------------------------


def contract(
    table: Table,
    vintage: Vintage,
    bornes: Mapping[str, tuple[float, float]] | None = None,
    identites: Mapping[str, Sequence[Sequence[str]]] | None = None,
    communes: pd.Index | None = None,
) -> Table:
    """Check what a reader hands over, and hand it on.

    - no code twice, none outside the declared geography (the ones unknown are named);
    - no negative figure, percentages within 0 and 100, and within ``bornes``;
    - identities: the parts add up to the whole within 1 % (or one person) in 99 % of communes;
    - a table that covers most of the country adds up to the published national totals, within the
      tolerance declared (``vintage.totaux``).

    Parameters
    ----------
    bornes : mapping of str to (float, float), optional
        Variable → least and greatest value.
    identites : mapping of str to sequence of sequences of str, optional
        Whole → its breakdowns; a breakdown that the table does not hold entire is not checked.
    communes : Index of str, optional
        Commune of each row, where rows are parts of communes.

    Raises
    ------
    LayoutError
        At the first clause broken.
    """
    source = table.source
    check_unique(source, vintage, table.values.index)
    _check_geography(source, vintage, table.values.index if communes is None else communes)
    records = load_sources()[source].variables
    limits = {
        name: (0.0, 100.0 if name in records and records[name].unite == "%" else np.inf)
        for name in table.values
    }
    for name, (low, high) in (limits | dict(bornes or {})).items():
        if name in table.values:
            _check_limits(source, vintage, table.values[name], low, high)
    for whole, breakdowns in (identites or {}).items():
        for parts in breakdowns:
            if {whole, *parts} <= set(table.values):
                _check_identity(source, vintage, table.values, whole, list(parts))
    if table.values.index.str[:2].nunique() > len(departements()) / 2:
        for name, (total, tolerance) in vintage.totaux.items():
            if name in table.values:
                _check_total(source, vintage, table.values[name], total, tolerance)
    return table


def check_unique(
    source: str, vintage: Vintage, codes: pd.Index, file: RawFile | None = None
) -> None:
    """Stop at codes that come twice, in a file or in what a whole vintage adds up to.

    Raises
    ------
    LayoutError
        If a code has several rows.
    """
    if codes.has_duplicates:
        twice = list(codes[codes.duplicated()].unique())
        raise LayoutError(source, vintage, file, f"commune(s) en double : {_list(twice, 5)}.")


def _check_geography(source: str, vintage: Vintage, codes: pd.Index) -> None:
    unknown = sorted(set(codes.tolist()) - codes_of(vintage.cog))
    if not unknown:
        return
    years = range(LAST_YEAR, FIRST_YEAR - 1, -1)
    fitting = [str(year) for year in years if set(codes) <= codes_of(year)]
    hint = f" Tous existent en {_list(fitting, 3)}." if fitting else ""
    constat = (
        f"{len(unknown)} code(s) inconnu(s) de la géographie {vintage.cog} : "
        f"{_list(unknown, 5)}.{hint}"
    )
    raise LayoutError(source, vintage, None, constat)


def _check_limits(
    source: str, vintage: Vintage, figures: pd.Series, low: float, high: float
) -> None:
    out = figures[(figures < low) | (figures > high)]
    if len(out):
        code, found = out.index[0], number(float(out.iloc[0]), 1)
        expected = f"{number(low, 0)} ou plus"
        if np.isfinite(high):
            expected = f"entre {number(low, 0)} et {number(high, 0)}"
        constat = (
            f"{figures.name} doit être {expected} : {found} pour {code} "
            f"({len(out)} commune(s) en tout)."
        )
        raise LayoutError(source, vintage, None, constat)


def _check_identity(
    source: str, vintage: Vintage, values: pd.DataFrame, whole: str, parts: list[str]
) -> None:
    total, added = values[whole], values[parts].sum(axis=1, skipna=False)
    gap = (added - total).abs()
    broken = gap[gap > np.maximum(total * IDENTITE_TOLERANCE, 1)]
    if len(broken) > IDENTITE_COMMUNES * gap.notna().sum():
        code = broken.index[0]
        constat = (
            f"{' + '.join(parts)} devrait valoir {whole} : {number(float(added[code]), 1)} au lieu "
            f"de {number(float(total[code]), 1)} pour {code} ({len(broken)} commune(s) en tout)."
        )
        raise LayoutError(source, vintage, None, constat)


def _check_total(
    source: str, vintage: Vintage, figures: pd.Series, total: float, tolerance: float
) -> None:
    found = float(figures.sum())
    if abs(found / total - 1) > tolerance:
        constat = (
            f"total national de {figures.name} : {number(found, 0)}, "
            f"attendu {number(total, 0)} à {number(100 * tolerance, 1)} % près."
        )
        raise LayoutError(source, vintage, None, constat)
