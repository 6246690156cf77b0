"""Figures by IRIS, the neighbourhoods of INSEE: the census (``base-ic-*``) and Filosofi.

One row an IRIS, by a code of nine characters: that of its commune, then four digits. A commune that
is not split has one row, ``<commune>0000``; Paris, Lyon and Marseille are by arrondissement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fragilite.cog import ARRONDISSEMENTS, WGS_84, moves
from fragilite.errors import UsageError
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.census import IDENTITES
from fragilite.ingestion.raw import LayoutError, Part, contract, join, read_csv, read_parts
from fragilite.ingestion.raw import read_wide as _read_wide
from fragilite.table import Table

if TYPE_CHECKING:
    import geopandas as gpd

#: Code of an IRIS, and what ends that of a commune that is not split.
CODE, WHOLE = r"(?:\d{2}|2[AB])\d{7}", "0000"
#: Column of the type: H (dwellings), A (work), D (others), Z (a whole commune).
TYPE = "TYP_IRIS"
#: Columns of the outlines, in the editions of IGN since 2024 and before.
OUTLINES = {
    "code": ("code_iris",),
    "nom_iris": ("nom_iris",),
    "type_iris": ("type_iris", "typ_iris"),
}
SEVEN_ZIP = b"7z\xbc\xaf\x27\x1c"
#: Euros a year outside which a median is not one: declared ones of 2021 go from 1 840 to 77 180.
BORNES = {"niveau_de_vie_median": (1_000.0, 150_000.0)}
_PARENTS = {str(arm): commune for commune, arms in ARRONDISSEMENTS.items() for arm in arms}


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the figures of a vintage by IRIS.

    Parameters
    ----------
    source : str
        ``"insee_rp_iris"`` or ``"insee_filosofi_iris"``.
    vintage : Vintage
        ``mise_en_page`` is ``"base_ic"``.
    paths : mapping of str to Path
        Name of each file of the vintage → where it is. A file that is not there leaves its
        variables out.

    Returns
    -------
    Table
        Indexed by ``code_iris``, in the codes of the file.

    Raises
    ------
    LayoutError
        If a file is not what the catalogue says (one by commune, another vintage), or if the
        figures break the contract.
    """
    values, secret = join(read_parts(source, vintage, paths, LAYOUTS), "code_iris")
    table = Table.of(source, vintage.millesime, vintage.cog, values, secret)
    rules = {name: rule for name, rule in vintage.estime.items() if name in values}
    return contract(
        table.estimated(rules), vintage, BORNES, IDENTITES, communes=communes_of(values.index)
    )


def read_types(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> pd.Series:
    """Type of each IRIS, from the first census file at hand."""
    file = next(file for file in vintage.fichiers if file.nom in paths)
    text = read_csv(source, vintage, file, paths[file.nom], [file.code, TYPE])
    return text.set_index(file.code)[TYPE].rename("type_iris").rename_axis("code_iris")


def communes_of(codes: pd.Index) -> pd.Index:
    """Commune of each IRIS, in the geography of its code; Paris, Lyon and Marseille once.

    Examples
    --------
    >>> communes_of(pd.Index(["490070401", "751010101"])).tolist()
    ['49007', '75056']
    """
    prefixes = (str(code)[:5] for code in codes.astype(object))
    return pd.Index([_PARENTS.get(code, code) for code in prefixes], name="code_insee")


def carried(codes: pd.Index, cog: int, annee: int) -> pd.Series:
    """Commune of each IRIS in the geography of a year; missing where its commune was split since.

    Examples
    --------
    >>> carried(pd.Index(["490690101", "493210000", "151410000"]), 2023, 2026).tolist()
    ['49126', '49160', nan]
    """
    moved, homes = moves(cog, annee), communes_of(codes)
    found = {code: moved.get(code, (code,)) for code in set(homes)}
    now = {code: targets[0] if len(targets) == 1 else None for code, targets in found.items()}
    today = [now[code] for code in homes.astype(object)]
    return pd.Series(today, index=codes, name="code_insee", dtype="str")


def read_outlines(path: Path, codes: Sequence[str]) -> gpd.GeoDataFrame:
    """Outlines, names and types of some IRIS, from IGN's « Contours… Iris ».

    Parameters
    ----------
    path : Path
        The 7z archive, or the GeoPackage or shapefile taken out of it.
    codes : sequence of str
        IRIS wanted.

    Returns
    -------
    GeoDataFrame
        ``nom_iris``, ``type_iris`` and ``geometry``, indexed by ``code_iris``; only those found.

    Raises
    ------
    LayoutError
        If the file has no layer of IRIS.
    """
    import geopandas as gpd

    from fragilite.ingestion.outlines import unpacked

    with path.open("rb") as stream:
        packed = stream.read(6) == SEVEN_ZIP
    with unpacked(path) if packed else nullcontext([path]) as files:
        found = [layer for file in files for layer in _layers(file, codes)]
    if not found:
        file = RawFile(nom=path.name, genre="7z", code="code_iris")
        raise LayoutError("contours_iris", None, file, "aucune couche n'a de colonne code_iris.")
    shapes = gpd.GeoDataFrame(pd.concat(found, ignore_index=True), crs=WGS_84)
    return shapes.set_index(shapes["code"].rename("code_iris")).drop(columns="code")


def _layers(file: Path, codes: Sequence[str]) -> Iterator[gpd.GeoDataFrame]:
    """The layers of a file that have IRIS, with those wanted."""
    import geopandas as gpd
    import pyogrio

    for layer in pyogrio.list_layers(file)[:, 0]:
        fields = pyogrio.read_info(file, layer=layer)["fields"]
        offered = {str(name).lower(): str(name) for name in fields}
        columns = {
            offered[name]: ours
            for ours, known in OUTLINES.items()
            for name in known
            if name in offered
        }
        if "code" not in columns.values():
            continue
        code = next(theirs for theirs, ours in columns.items() if ours == "code")
        table = gpd.read_file(
            file, layer=layer, columns=list(columns), where=_prefixed(code, codes), force_2d=True
        ).rename(columns=columns)
        table = table[table["code"].isin(set(codes))]
        yield table.set_crs(WGS_84) if table.crs is None else table.to_crs(WGS_84)


def _prefixed(column: str, codes: Sequence[str]) -> str | None:
    """Filter on the départements wanted, if they are few."""
    prefixes = sorted({code[:2] for code in codes})
    if len(prefixes) > 20:
        return None
    return " OR ".join(f"\"{column}\" LIKE '{prefix}%'" for prefix in prefixes)


def by_iris(source: str, vintage: Vintage, file: RawFile, text: pd.DataFrame) -> pd.DataFrame:
    """Index a table by its IRIS code, checked.

    Raises
    ------
    LayoutError
        If a code is not that of an IRIS, or stands twice.
    """
    codes = text[file.code].astype("str").str.strip().str.upper()
    odd = codes[~codes.str.fullmatch(CODE)]
    if len(odd):
        hint = " : c'est un code de commune" if odd.str.fullmatch(r"\w{5}").all() else ""
        constat = f"colonne {file.code}, « {odd.iloc[0]} » n'est pas un code d'IRIS{hint}."
        raise LayoutError(
            source, vintage, file, constat,
            "Un code d'IRIS a neuf caractères : les zéros de tête tombent dans un tableur.",
        )  # fmt: skip
    twice = codes[codes.duplicated()]
    if len(twice):
        raise LayoutError(source, vintage, file, f"IRIS en double : {twice.iloc[0]}.")
    return text.drop(columns=file.code).set_axis(pd.Index(codes, name="code_iris"))


def read_wide(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    """Read a file that has one row an IRIS."""
    return _read_wide(source, vintage, file, path, by_iris)


LAYOUTS = {"base_ic": read_wide}


def nothing_at_hand(name: str) -> UsageError:
    """The error of a level by IRIS for which nothing is at hand."""
    return UsageError(
        f"Aucun chiffre par IRIS à portée pour {name}.",
        "Prenez-les : fragilite fetch insee_rp_iris insee_filosofi_iris, ou déposez les fichiers "
        "base-ic-*-2022_csv.zip de l'Insee dans le dossier de --raw.",
    )
