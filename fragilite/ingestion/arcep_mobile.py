"""ARCEP, Mon réseau mobile: sites open to 4G by commune and operator.

One file for the mainland and one overseas, one row a site and operator (a shared site counts once
for each). UTF-8 or cp1252 depending on the quarter. ``insee_com`` is there since 2018_T4 only;
``insee_dep`` may have lost its zero and is not read. The spelling of ``nom_op`` varies: the
catalogue gives those known (``"SFR+SRR"``), compared without case nor accents. A commune without a
row has no site.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fragilite.french import number
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    LayoutError,
    Part,
    assemble,
    by_code,
    header,
    read_csv,
    read_parts,
)
from fragilite.table import Table

log = logging.getLogger(__name__)

OPERATOR = "nom_op"
FLAG = "site_4g"
#: Spelling of the catalogue that takes every operator not named (those of overseas alone).
OTHERS = "*"


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Count the 4G sites of each operator in each commune.

    Parameters
    ----------
    source : str
        Key of the source in the catalogue.
    vintage : Vintage
        ``cellules`` of its files gives the spellings of each operator.
    paths : mapping of str to Path
        Local copy of each file.

    Returns
    -------
    Table
        Of the communes that have a site; arrondissements of Paris, Lyon and Marseille added.

    Raises
    ------
    LayoutError
        If the file is older than 2018_T4, or names an operator that the catalogue does not.
    """
    missing = [file.nom for file in vintage.fichiers if file.nom not in paths]
    if missing:  # its communes would pass for communes without a site
        constat = f"il manque {', '.join(missing)}, et une commune sans ligne y compte zéro."
        raise LayoutError(source, vintage, None, constat, f"Lancez : fragilite fetch {source}")
    parts = read_parts(source, vintage, paths, {"sites": _read})
    counts = pd.concat([counts for counts, _ in parts]).fillna(0).groupby(level=0).sum()
    return assemble(source, vintage, [_nothing_withheld(counts)])


def _nothing_withheld(counts: pd.DataFrame) -> Part:
    return counts, pd.DataFrame(False, counts.index, counts.columns)


def _read(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    offered = header(source, vintage, file, path)
    if file.code not in offered:
        constat = (
            f"pas de colonne {file.code} (il offre : {', '.join(offered[:8])}) : avant 2018_T4, "
            "l'Arcep ne donnait que les coordonnées des sites."
        )
        raise LayoutError(
            source, vintage, file, constat, "Prenez un trimestre à partir de 2018_T4."
        )
    text = read_csv(source, vintage, file, path, [file.code, OPERATOR, FLAG])
    strange = sorted(set(text[FLAG].unique()) - {"0", "1"})
    if strange:
        constat = f"colonne {FLAG} : 0 ou 1 attendu, {', '.join(map(repr, strange[:4]))} trouvé."
        raise LayoutError(source, vintage, file, constat)
    nowhere = text[file.code].str.strip() == ""
    if nowhere.any():
        log.info(
            "Source %s, millésime %s, %s : %s site(s) sans commune écarté(s).",
            source,
            vintage.millesime,
            file.nom,
            number(int(nowhere.sum())),
        )
    rows = by_code(source, vintage, file, text[~nowhere])
    variables = rows[OPERATOR].map(_variables(source, vintage, file, rows[OPERATOR]))
    flags = (rows[FLAG] == "1").astype(float)
    counts = flags.groupby([rows.index, variables.to_numpy()]).sum().unstack(fill_value=0)
    counts = counts.reindex(columns=list(file.cellules), fill_value=0)
    return _nothing_withheld(counts.rename_axis("code_insee"))


def _variables(
    source: str, vintage: Vintage, file: RawFile, operators: pd.Series
) -> dict[str, str]:
    """Variable of each spelling that the file has."""
    spellings = {
        _plain(spelling): name
        for name, cell in file.cellules.items()
        for spelling in cell[OPERATOR].split("+")
    }
    found = {
        operator: spellings.get(_plain(operator), spellings.get(OTHERS, ""))
        for operator in operators.unique()
    }
    unknown = sorted(operator for operator, name in found.items() if not name)
    if unknown:
        constat = (
            f"opérateur(s) que le catalogue ne connaît pas : {', '.join(unknown[:5])} "
            f"(connus : {', '.join(sorted(spellings))})."
        )
        remedy = f"Ajoutez l'orthographe à [[{source}.millesimes]] dans sources.toml."
        raise LayoutError(source, vintage, file, constat, remedy)
    return found


def _plain(name: str) -> str:
    """Name without case, accents nor doubled spaces."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return " ".join(bare.lower().split())
