"""The figures that travel with the program, so that the first run needs no network."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pandas as pd

from fragilite.cog import FIRST_YEAR, codes_of, parse_departement
from fragilite.errors import FragiliteError, UsageError
from fragilite.french import plural
from fragilite.ingestion.lots import Gathered, GatheredIris, Lot
from fragilite.table import Table
from fragilite.territory import Territory

if TYPE_CHECKING:
    import geopandas as gpd

#: What a bundled file holds in place of a figure withheld by its producer.
SECRET = "s"


def bundled_departements() -> list[str]:
    """Départements whose figures travel with the program."""
    folder = files("fragilite") / "bundled"
    return sorted(path.name for path in folder.iterdir() if (path / "manifeste.json").is_file())


def home_of(territory: Territory) -> str:
    """Département whose bundled figures hold a whole territory, ``""`` if there is none."""
    known = bundled_departements()
    if not territory.epci:
        codes = territory.departements
        return codes[0] if len(codes) == 1 and codes[0] in known else ""
    for departement in known:
        sizes = _frame(departement, "epci.csv", "code_epci")["communes"].astype(int)
        here = _frame(departement, "communes.csv", "code_insee")["code_epci"].value_counts()
        if here.get(territory.epci, 0) == sizes.get(territory.epci):
            return departement
    return ""


def held_in_part(siren: str) -> str:
    """What the bundled figures hold of an EPCI that lies elsewhere too, ``""`` for nothing."""
    for departement in bundled_departements():
        epci = _frame(departement, "epci.csv", "code_epci")
        codes = _frame(departement, "communes.csv", "code_insee")["code_epci"]
        here, size = int((codes == siren).sum()), int(epci["communes"].get(siren, 0))
        if 0 < here < size:
            return (
                f"{epci['nom'][siren]} a {plural(size - here, 'commune')} hors du {departement}, "
                "dont les chiffres ne sont pas livrés."
            )
    return ""


def bundled_lots(departement: str) -> list[Lot]:
    """Provenance of the bundled figures of a département."""
    return [Lot(**lot) for lot in _manifest(departement)["lots"]]


def bundled_iris(departement: str) -> list[Lot]:
    """Provenance of the bundled figures by IRIS."""
    return [Lot(**lot) for lot in _manifest(departement)["iris"]]


def bundled_frame(departement: str) -> list[Lot]:
    """Provenance of the bundled names, EPCI and outlines."""
    return [Lot(**lot) for lot in _manifest(departement)["cadre"]]


def read(departement: str, annee: int) -> Gathered:
    """Read the bundled figures and frame of a département.

    Raises
    ------
    UsageError
        If communes moved between the reference year and the geography of the outlines.
    FragiliteError
        If a file is not the one that the manifest declares.
    """
    _check_year(departement, annee)
    where = parse_departement(departement)
    epci = _frame(departement, "epci.csv", "code_epci")
    epci["communes"] = epci["communes"].astype(int)
    communes = _frame(departement, "communes.csv", "code_insee")[["nom", "code_epci"]]
    communes = communes.assign(
        nom_epci=communes["code_epci"].map(epci["nom"]),
        code_departement=where.code,
        nom_departement=where.nom,
        code_region=where.code_region,
        nom_region=where.nom_region,
    )
    return Gathered(
        communes=communes,
        epci=epci,
        anciennes=_frame(departement, "anciennes_communes.csv", "nom").reset_index(),
        contours=lambda codes: _outlines(departement, codes),
        lots=[(lot, _table(departement, lot)) for lot in bundled_lots(departement)],
        frame=bundled_frame(departement),
    )


#: What a file by IRIS says of each one beside its figures.
NAMES = ["nom_iris", "type_iris"]


def read_iris(departement: str, annee: int) -> GatheredIris:
    """Read the bundled figures by IRIS: those of the communes that are split.

    Raises
    ------
    FragiliteError
        If a file is not the one that the manifest declares.
    """
    from fragilite.ingestion.iris import carried

    tables = [(lot, _iris_table(departement, lot)) for lot in bundled_iris(departement)]
    first, census = tables[0]
    names = census[NAMES].assign(code_insee=carried(census.index, first.cog, annee))
    lots = [(lot, _typed(lot, table.drop(columns=NAMES, errors="ignore"))) for lot, table in tables]
    return GatheredIris(names, lots)


def _iris_table(departement: str, lot: Lot) -> pd.DataFrame:
    """A bundled file by IRIS, as text."""
    content = _content(departement, lot.fichier, lot.sha256)
    return pd.read_csv(BytesIO(content), dtype="str", keep_default_na=False, index_col="code_iris")


def _typed(lot: Lot, text: pd.DataFrame) -> Table:
    """Figures of a bundled file: empty is absent, ``s`` is withheld by the producer."""
    secret = text == SECRET
    values = text.mask(secret | (text == "")).astype("float64")
    return Table.of(lot.source, lot.millesime, lot.cog, values, secret).estimated(lot.estime)


def _check_year(departement: str, annee: int) -> None:
    """The bundled frame holds for the years in which no commune moved before its geography."""
    cog = _manifest(departement)["cog"]
    if annee != cog and (annee > cog or codes_of(annee) != codes_of(cog)):
        years = [year for year in range(FIRST_YEAR, cog + 1) if codes_of(year) == codes_of(cog)]
        known = ", ".join(map(str, years))
        raise UsageError(
            f"Les chiffres livrés du {departement} sont en géographie {cog} : {annee} demandé, "
            f"possible pour {known}.",
            f"Donnez --year {cog}, ou les fichiers des producteurs par --raw DOSSIER.",
        )


def town_halls(departement: str) -> pd.DataFrame:
    """Points of the town halls: ``mairie_x``, ``mairie_y`` in metres, ``mairie_origine``.

    A published point that lies outside its commune is replaced by a point inside.
    """
    table = _frame(departement, "communes.csv", "code_insee")
    table = table[["mairie_x", "mairie_y", "mairie_origine"]]
    return table.astype({"mairie_x": float, "mairie_y": float})


def bundled_places(departement: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Counts of the known places (:func:`fragilite.places.counts.counts`), and their provenance.

    Raises
    ------
    FragiliteError
        If the file is not the one that the manifest declares.
    """
    record: dict[str, Any] = _manifest(departement)["lieux"]
    content = _content(departement, record["fichier"], record["sha256"])
    texts = dict.fromkeys(("code_insee", "mesure", "modalite"), "str")
    table = pd.read_csv(
        BytesIO(content), dtype={**texts, "nombre": "float64"}, keep_default_na=False
    )
    return table, record


def bundled_earlier_lots(departement: str) -> list[Lot]:
    """Provenance of the bundled figures of earlier vintages, that only a trend reads."""
    return [Lot(**lot) for lot in _manifest(departement)["anterieurs"]]


def earlier_tables(departement: str) -> list[tuple[Lot, Table]]:
    """Bundled figures of earlier vintages, each in its own geography.

    Raises
    ------
    FragiliteError
        If a file is not the one that the manifest declares.
    """
    return [(lot, _table(departement, lot)) for lot in bundled_earlier_lots(departement)]


def _content(departement: str, name: str, sha256: str) -> bytes:
    """Bytes of a bundled file, if they are those of the manifest."""
    content = (_folder(departement) / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise FragiliteError(
            f"Le fichier livré {name} n'est pas celui que son manifeste déclare.",
            "Réinstallez fragilite.",
        )
    return content


def _folder(departement: str) -> Traversable:
    return files("fragilite") / "bundled" / departement


def _manifest(departement: str) -> dict[str, Any]:
    text = (_folder(departement) / "manifeste.json").read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


def _frame(departement: str, name: str, key: str) -> pd.DataFrame:
    with (_folder(departement) / name).open("rb") as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False).set_index(key)


def _outlines(departement: str, codes: pd.Index) -> gpd.GeoDataFrame:
    import geopandas as gpd

    with (_folder(departement) / "contours.parquet").open("rb") as stream:
        outlines = gpd.read_parquet(stream)
    return outlines.set_index("code_insee").reindex(codes)


def _table(departement: str, lot: Lot) -> Table:
    """Read one bundled file: empty is absent, ``s`` is withheld by the producer."""
    content = _content(departement, lot.fichier, lot.sha256)
    table = pd.read_csv(
        BytesIO(content), index_col="code_insee", dtype={"code_insee": str}, na_values=[SECRET]
    )
    secret = None
    if f",{SECRET}".encode() in content:
        secret = pd.read_csv(BytesIO(content), index_col="code_insee", dtype=str) == SECRET
    return Table.of(lot.source, lot.millesime, lot.cog, table, secret).estimated(lot.estime)
