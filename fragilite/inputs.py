"""All sources brought to the commune frame of the reference year."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fragilite.carry import carry
from fragilite.cog import moves, parse_departement
from fragilite.errors import SourceUnavailableError
from fragilite.ingestion.catalogue import Source, load_sources
from fragilite.table import Table, statut_names

if TYPE_CHECKING:
    import geopandas as gpd


#: What a bundled file holds in place of a figure withheld by its producer.
SECRET = "s"


@dataclass(frozen=True)
class Lot:
    """Where the figures of one vintage of one source come from.

    Attributes
    ----------
    source, millesime : str
        Key of the source in the catalogue, and vintage.
    cog : int
        Year of the geography of the codes in the file.
    fichier, sha256 : str
        The file read and its digest.
    donnees_au, publie_le, releve_le : str
        ISO dates: state of the data, publication (empty if unknown), reading by the project.
    estime : dict of str to str
        Variables that are estimates as they come, with their rule.
    note : str
        What a reader must know of this vintage.
    origine : str
        ``"livré avec fragilite"``.
    """

    source: str
    millesime: str
    cog: int
    fichier: str
    sha256: str
    donnees_au: str
    publie_le: str
    releve_le: str
    estime: Mapping[str, str]
    note: str
    origine: str = "livré avec fragilite"

    @property
    def record(self) -> Source:
        """The source's record in the catalogue."""
        return load_sources()[self.source]


@dataclass(frozen=True)
class Inputs:
    """Figures of a territory, one commune frame for all.

    Attributes
    ----------
    annee : int
        Reference year: communes are those of its 1 January.
    departement : str
        Code of the département.
    communes : DataFrame
        Indexed by ``code_insee``: ``nom``, ``code_epci``, ``nom_epci``, département, region.
    epci : DataFrame
        Indexed by ``code_epci``: ``nom``, ``nature``, ``communes`` (how many it has in all).
    anciennes : DataFrame
        Names of delegated and former communes: ``nom``, ``code_ancien``, ``code_insee``.
    tables : dict of (str, str) to Table
        By source and vintage, every table on the frame, in its order.
    lots : list of Lot
        Provenance of each table.
    """

    annee: int
    departement: str
    communes: pd.DataFrame
    epci: pd.DataFrame
    anciennes: pd.DataFrame
    tables: Mapping[tuple[str, str], Table]
    lots: list[Lot]

    def newest(self, variables: list[str]) -> Table | None:
        """The newest table that has all these variables, or None."""
        found = [
            table for table in self.tables.values() if set(variables) <= set(table.values.columns)
        ]
        return max(found, key=lambda table: table.millesime, default=None)

    def contours(self) -> gpd.GeoDataFrame:
        """Outlines of the communes of the frame, in its order, in their legal projection."""
        import geopandas as gpd

        with (_folder(self.departement) / "contours.parquet").open("rb") as stream:
            outlines = gpd.read_parquet(stream)
        return outlines.set_index("code_insee").reindex(self.communes.index)

    def tidy(self) -> pd.DataFrame:
        """Everything in one long table.

        Returns
        -------
        DataFrame
            ``code_insee``, ``variable``, ``valeur``, ``statut``, ``millesime``, ``source``.
        """
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "code_insee": np.repeat(table.values.index, table.values.shape[1]),
                        "variable": np.tile(table.values.columns, len(table.values)),
                        "valeur": table.values.to_numpy().ravel(),
                        "statut": statut_names(table.statuts.to_numpy().ravel()),
                        "millesime": table.millesime,
                        "source": table.source,
                    }
                )
                for table in self.tables.values()
            ],
            ignore_index=True,
        )


def _folder(departement: str) -> Traversable:
    return files("fragilite") / "bundled" / departement


def bundled_departements() -> list[str]:
    """Départements whose figures travel with the program."""
    folder = files("fragilite") / "bundled"
    return sorted(path.name for path in folder.iterdir() if (path / "manifeste.json").is_file())


def bundled_lots(departement: str) -> list[Lot]:
    """Provenance of the bundled figures of a département."""
    manifest = json.loads((_folder(departement) / "manifeste.json").read_text(encoding="utf-8"))
    return [Lot(**lot) for lot in manifest["lots"]]


def load(departement: str, annee: int) -> Inputs:
    """Read the figures of a département and bring them to one geography.

    Parameters
    ----------
    departement : str
        Code, such as ``"49"``.
    annee : int
        Reference year.

    Returns
    -------
    Inputs

    Raises
    ------
    UsageError
        If the département does not exist.
    SourceUnavailableError
        If no figures are at hand for it.
    """
    where = parse_departement(departement)
    if where.code not in bundled_departements():
        known = ", ".join(bundled_departements())
        raise SourceUnavailableError(
            f"Aucun chiffre à portée pour le département {where.code} ({where.nom}) : "
            f"cette version livre ceux du {known} et ne télécharge pas les autres.",
            f"Essayez : fragilite build --dept {known.split(', ')[0]}",
        )
    manifest = json.loads((_folder(where.code) / "manifeste.json").read_text(encoding="utf-8"))
    moves(manifest["cog"], annee)  # the outlines and names must exist in that geography
    communes = _read_frame(where.code, "communes.csv", "code_insee")
    epci = _read_frame(where.code, "epci.csv", "code_epci")
    epci["communes"] = epci["communes"].astype(int)
    communes = communes.assign(
        nom_epci=communes["code_epci"].map(epci["nom"]),
        code_departement=where.code,
        nom_departement=where.nom,
        code_region=where.code_region,
        nom_region=where.nom_region,
    )
    lots = bundled_lots(where.code)
    tables = {}
    for lot in lots:
        source = lot.record
        tables[lot.source, lot.millesime] = carry(
            _read_bundled(where.code, lot),
            annee,
            communes.index,
            {name: record.variable for name, record in source.variables.items()},
            sans_ligne_zero=source.sans_ligne == "zero",
        )
    former = _read_frame(where.code, "anciennes_communes.csv", "nom").reset_index()
    return Inputs(annee, where.code, communes, epci, former, tables, lots)


def _read_frame(departement: str, name: str, key: str) -> pd.DataFrame:
    with (_folder(departement) / name).open("rb") as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False).set_index(key)


def _read_bundled(departement: str, lot: Lot) -> Table:
    """Read one bundled file: empty is absent, ``s`` is withheld by the producer."""
    content = (_folder(departement) / lot.fichier).read_bytes()
    table = pd.read_csv(
        BytesIO(content), index_col="code_insee", dtype={"code_insee": str}, na_values=[SECRET]
    )
    secret = None
    if f",{SECRET}".encode() in content:
        secret = pd.read_csv(BytesIO(content), index_col="code_insee", dtype=str) == SECRET
    return Table.of(lot.source, lot.millesime, lot.cog, table, secret).estimated(lot.estime)
