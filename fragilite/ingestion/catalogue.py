"""The catalogue of sources (``sources.toml``) as typed records."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from fragilite.table import Variable

#: The local survey that a user gives: neither address nor vintage of its own.
SURVEY = "enquete"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VariableRecord(_Record):
    """A variable of a source: label, unit, and how it behaves when communes are put together.

    ``arrondi`` is the step its producer rounds it to, 0 where figures are exact or unrounded.
    ``somme`` names the variables that it adds up, for files that publish no more than the total.
    """

    libelle: str
    unite: str
    arrondi: float = 0
    nature: Literal["effectif", "mediane", "classe"] = "effectif"
    poids: str | None = None
    somme: list[str] = []

    @property
    def variable(self) -> Variable:
        """The same, for the arithmetic."""
        return Variable(self.nature, self.poids)


class RawFile(_Record):
    """One file of a publisher: where it is, and how it is laid out.

    Attributes
    ----------
    nom : str
        File name under ``data/raw/<source>/<millesime>/``. Two records of a vintage may share it
        when two members of one archive are read.
    genre : str
        Form in which the publisher gives it. Readers go by the content: a member taken out of
        its archive by hand is read too.
    url, melodi, datagouv : str
        Direct address; or Melodi data set whose CSV/FR product of this vintage is to be resolved;
        or data.gouv.fr data set, with ``titre``, a regular expression on the resource's title.
    membre : str
        Glob of the archive member to read, whatever the case; without it, the only tabular file
        that is neither documentation (``meta…``, ``…metadata``) nor overseas (``…-COM``).
    feuille : str
        Sheet of a workbook.
    lignes_avant : int
        Lines before the header.
    encodages : list of str
        Tried in order, strictly.
    separateur, decimale : str
        ``decimale = ","`` reads points too; ``"."`` refuses commas.
    secret, absent : list of str
        Cells that mean "withheld by the producer", and other cells that mean "no figure".
    code : str
        Column of the commune code.
    filtres, exclus : dict of str to list of str
        Rows kept, and rows dropped: column → values.
    colonnes : dict of str to list of str
        Our variable → columns of the file, added. ``{aa}`` is the vintage on two digits.
    cellules : dict of str to dict of str to str
        Long layouts: our variable → dimension → modality; ``"1+2"`` adds modalities, and a
        dimension written ``"AGE?"``, or a modality written ``"Y15T24?"``, may be missing from the
        file. Every dimension not named is at its total, ``_T``, or at its only modality.
    valeur : str
        Long layouts: column of the figure.
    octets : int
        Order of size; 0 is unknown.
    sha256 : str
        Digest, when known.
    verifie_le : str
        ISO date on which somebody opened the address; empty until then.
    """

    nom: str
    genre: Literal["zip", "7z", "gz", "csv", "xlsx", "json", "geojson", "parquet"]
    url: str = ""
    melodi: str = ""
    datagouv: str = ""
    titre: str = ""
    membre: str = ""
    feuille: str = ""
    lignes_avant: int = 0
    encodages: list[str] = ["utf-8-sig", "cp1252"]
    separateur: str = ";"
    decimale: str = "."
    secret: list[str] = []
    absent: list[str] = []
    code: str = "CODGEO"
    filtres: dict[str, list[str]] = {}
    exclus: dict[str, list[str]] = {}
    colonnes: dict[str, list[str]] = {}
    cellules: dict[str, dict[str, str]] = {}
    valeur: str = "OBS_VALUE"
    octets: int = 0
    sha256: str = ""
    verifie_le: str = ""

    @property
    def membres(self) -> tuple[str, ...]:
        """What the zip archive of the publisher must hold; nothing for another form."""
        return (self.membre,) if self.genre == "zip" and self.membre else ()


class Vintage(_Record):
    """One vintage of a source, as its publisher gives it.

    Attributes
    ----------
    millesime : str
        ``"2023"``, ``"2026_T2"``, ``"2024-12"``.
    cog : int
        Year of the geography of the codes in the files.
    mise_en_page : str
        Layout, among those the source's reader knows (``"base_cc"``, ``"melodi"``…).
    donnees_au, publie_le : str
        ISO dates: state of the data, publication (empty if unknown).
    estime : dict of str to str
        Variables that are estimates as they come, with the rule.
    note : str
        What a reader must know of this vintage.
    totaux : dict of str to list of float
        Our variable → published national total, relative tolerance.
    series : list of str
        Earlier vintages that its files hold too, in the same geography.
    fichiers : list of RawFile
    """

    millesime: str
    cog: int
    mise_en_page: str
    donnees_au: str = ""
    publie_le: str = ""
    estime: dict[str, str] = {}
    note: str = ""
    totaux: dict[str, list[float]] = {}
    series: list[str] = []
    fichiers: list[RawFile]

    def columns(self, file: RawFile) -> dict[str, list[str]]:
        """Columns of one of its files by our variable, as they are named in this vintage."""
        year = self.millesime[2:4]
        return {
            name: [column.replace("{aa}", year) for column in columns]
            for name, columns in file.colonnes.items()
        }


class Source(_Record):
    """A data set of a publisher.

    Attributes
    ----------
    sans_ligne : {"zero", "absent"}
        What a commune without a row is worth: nothing (zero), or unknown (absent).
    verifiee_le : str
        ISO date on which somebody opened ``page``; empty until then.
    recensement : bool
        Whether it counts people by the census: its shares carry the noise of a survey, and of
        small numbers.
    a_la_demande : bool
        Whether its files are too heavy to be fetched unasked: ``fragilite fetch <source>`` does.
    iris_de : str
        For figures by IRIS: the source of the same figures by commune, whose variables it has;
        ``""`` for a source by commune.
    millesimes : list of Vintage
        What its publisher offers, the newest first.
    """

    editeur: str
    titre: str
    page: str
    licence: str
    attribution: str
    cadence: str
    sans_ligne: Literal["zero", "absent"]
    verifiee_le: str
    recensement: bool = False
    a_la_demande: bool = False
    iris_de: str = ""
    variables: dict[str, VariableRecord] = {}
    millesimes: list[Vintage] = []

    @model_validator(mode="after")
    def _check_vintages(self) -> Source:
        """A vintage is named once, and what is said of it is said of the source's variables."""
        names = [vintage.millesime for vintage in self.millesimes]
        if len(names) != len(set(names)):
            raise ValueError(f"a vintage is declared twice: {names}")
        for vintage in self.millesimes:
            if unknown := {*vintage.totaux, *vintage.estime} - set(self.variables):
                raise ValueError(f"{vintage.millesime}: unknown variables {sorted(unknown)}")
        return self


@cache
def load_sources() -> dict[str, Source]:
    """Every source of the catalogue, by its key."""
    text = (files("fragilite") / "ingestion/sources.toml").read_text(encoding="utf-8")
    records = tomllib.loads(text)
    for record in records.values():
        if "iris_de" in record:
            record["variables"] = records[record["iris_de"]]["variables"]
    return {key: Source(**record) for key, record in records.items()}


@cache
def source_of_variables() -> dict[str, str]:
    """The source each variable belongs to, by commune."""
    return {
        name: key
        for key, source in load_sources().items()
        if not source.iris_de
        for name in source.variables
    }


@cache
def totals() -> dict[str, frozenset[str]]:
    """Variables that are sums of others, with what each adds up."""
    return {
        name: frozenset(record.somme)
        for source in load_sources().values()
        for name, record in source.variables.items()
        if record.somme
    }
