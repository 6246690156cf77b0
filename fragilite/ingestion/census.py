"""The population census (INSEE, recensement): wide communal bases and long Melodi files.

Two generations of files coexist: ``base-cc-*`` zips, one row a commune, last seen for RP 2022, and
Melodi's long files, the only form of RP 2023. Counts are weighted estimates: numbers with decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fragilite.ingestion.catalogue import Vintage
from fragilite.ingestion.melodi import read_communes
from fragilite.ingestion.raw import assemble, read_parts, read_wide
from fragilite.table import Table

LAYOUTS = {"base_cc": read_wide, "melodi": read_communes}


def _ages(*bands: str) -> list[str]:
    return [f"pop_{band}" for band in bands]


#: What adds up to what, in one layout or the other.
IDENTITES = {
    "pop": [
        _ages("0_14", "15_29", "30_44", "45_59", "60_74", "75_89", "90_plus"),
        _ages("0_14", "15_24", "25_39", "40_54", "55_64", "65_79", "80_plus"),
    ],
    "pop_65_plus": [_ages("65_79", "80_plus")],
    "pop_15_64": [_ages("15_24", "25_39", "40_54", "55_64")],
    "non_scolarises_15_plus": [
        ["sans_diplome", "brevet", "cap_bep", "bac", "bac_2", "bac_3_4", "bac_5_plus"]
    ],
}


def read(source: str, vintage: Vintage, paths: Mapping[str, Path]) -> Table:
    """Read a vintage of the census.

    Parameters
    ----------
    source : str
        ``"insee_rp"``.
    vintage : Vintage
        ``mise_en_page`` is ``"base_cc"`` or ``"melodi"``.
    paths : mapping of str to Path
        Name of each file of the vintage → where it is. A file that is not there leaves its
        variables out.

    Returns
    -------
    Table
        Communes of the file's geography × variables of the files at hand.

    Raises
    ------
    LayoutError
        If a file is not what the catalogue says, or if the figures break the contract.
    """
    parts = read_parts(source, vintage, paths, LAYOUTS)
    return assemble(source, vintage, parts, IDENTITES)
