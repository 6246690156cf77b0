"""Which function reads which source: one explicit dictionary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from fragilite.ingestion import (
    anct,
    arcep_fixe,
    arcep_mobile,
    bpe,
    census,
    density,
    filosofi,
    geography,
    iris,
    opendatasoft,
)
from fragilite.ingestion.catalogue import Vintage
from fragilite.table import Table

Reader = Callable[[str, Vintage, Mapping[str, Path]], Table]

READERS: Mapping[str, Reader] = {
    "insee_rp": census.read,
    "insee_filosofi": filosofi.read,
    "insee_populations": geography.read,
    "insee_bpe": bpe.read,
    "insee_densite": density.read,
    "arcep_fixe": arcep_fixe.read,
    "arcep_sites": arcep_mobile.read,
    "anct_cuivre": anct.read,
    "caf": opendatasoft.read,
    "dares": opendatasoft.read,
    "insee_rp_iris": iris.read,
    "insee_filosofi_iris": iris.read,
}
