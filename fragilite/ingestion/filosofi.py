"""Income and poverty (INSEE, Filosofi): wide files until 2021, long Melodi files since.

Medians and rates do not add up, so nothing is computed here: the commune's figure, or none. Below
50 fiscal households nothing is published; the poverty rate is withheld for most communes, and never
published under 5 %. Filosofi 2023 does not compare with earlier vintages; 2022 does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.melodi import read_cells, read_communes
from fragilite.ingestion.raw import (
    LayoutError,
    NoRowError,
    Part,
    assemble,
    join,
    read_parts,
    read_wide,
)
from fragilite.table import Table

LAYOUTS = {"cc_wide": read_wide, "melodi": read_communes}

#: Euros a year outside which a median is not one (published ones, 2019 to 2023: 10 000 to 70 000).
BORNES = {"niveau_de_vie_median": (5_000.0, 150_000.0)}
#: Modality of ``GEO_OBJECT``, and end of the name of the members, of figures by EPCI.
EPCI = "EPCI"


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read a vintage of Filosofi, by commune.

    Parameters
    ----------
    source : str
        ``"insee_filosofi"``.
    vintage : Vintage
        ``mise_en_page`` is ``"cc_wide"`` or ``"melodi"``.
    paths : mapping of str to Path
        Name of each file of the vintage → where it is.

    Returns
    -------
    Table
        Communes that the files list × variables; withheld figures are ``SECRET``.

    Raises
    ------
    LayoutError
        If a file is not what the catalogue says, or if the figures break the contract.
    """
    files = [file for file in vintage.fichiers if not is_epci(file)]
    communes = vintage.model_copy(update={"fichiers": files})
    return assemble(source, vintage, read_parts(source, communes, paths, LAYOUTS), bornes=BORNES)


def read_epci(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read the published figures of the EPCI of a vintage, for medians that do not add up.

    In a long file they are the rows of ``GEO_OBJECT`` EPCI; in a wide vintage, the files whose
    ``membre`` ends in ``_EPCI.csv``.

    Returns
    -------
    Table
        Indexed by ``code_epci`` (SIREN, nine digits); empty where no file at hand has EPCI.
    """
    parts = [
        _epci_part(source, vintage, file, paths[file.nom])
        for file in vintage.fichiers
        if file.nom in paths and (is_epci(file) or vintage.mise_en_page == "melodi")
    ]
    values, secret = join(parts, "code_epci")
    odd = [code for code in values.index if not (len(code) == 9 and code.isdigit())]
    if odd:
        raise LayoutError(source, vintage, None, f"« {odd[0]} » n'est pas le code d'un EPCI.")
    withheld = secret if values.columns.size else None
    return Table.of(source, vintage.millesime, vintage.cog, values, withheld)


def is_epci(file: RawFile) -> bool:
    """Whether a file of a wide vintage is that of the EPCI."""
    return file.membre.upper().endswith(f"_{EPCI}.CSV")


def _epci_part(source: str, vintage: Vintage, file: RawFile, path: Path) -> Part:
    """Figures of a file by EPCI; none where a long file lists no EPCI."""
    if vintage.mise_en_page != "melodi":
        return read_wide(source, vintage, file, path, _by_epci)
    rows = {**file.filtres, "GEO_OBJECT": [EPCI]}
    try:
        return read_cells(source, vintage, file.model_copy(update={"filtres": rows}), path)
    except NoRowError:
        return pd.DataFrame(index=pd.Index([], dtype="str")), pd.DataFrame()


def _by_epci(source: str, vintage: Vintage, file: RawFile, text: pd.DataFrame) -> pd.DataFrame:
    return text.set_index(file.code)
