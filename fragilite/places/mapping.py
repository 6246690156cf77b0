"""How a list says what the schema says: one small TOML a list, checked when it is read.

A mapping names the columns that recognise the list, those that become text, and, for each closed
list of the schema, rules from the words of the list to the schema's. A column that no rule names is
never read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from fragilite.errors import UsageError
from fragilite.french import fold, listing, plural
from fragilite.places.schema import schema
from fragilite.user_table import COLUMNS, some

#: The layout of `places template` and of the tables that the program writes.
OWN = "modele"


class Liste(BaseModel):
    """Whose a list is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    titre: str
    producteur: str
    contributeur: str = ""
    licence: str
    page: str = ""
    #: Date of the list: that of the places which have none, and the latest that one may have.
    date: str = Field("", pattern=r"^(\d{4}-\d{2}-\d{2})?$")
    projection: int = 4326
    #: Columns that only this layout has together.
    reconnu_a: list[str] = Field(min_length=1)
    #: Columns of people and contacts: counted, never kept.
    personnelles: list[str] = []
    localisation: str = "lieu"
    #: What a reader must know of the mapping itself, told with each list that it reads.
    reserve: str = ""


class Regle(BaseModel):
    """From the words of a column to the codes of a closed list.

    Attributes
    ----------
    colonne : str
    separateur : str
        What cuts a cell into several words; none: the cell is one word.
    valeurs : dict
        Word → code, or several joined by ``|``, or ``""`` for a word that says nothing.
    contient : dict
        Whole words found anywhere in the cell → code; the first that is found wins.
    toute : str
        Code of any cell that is not empty.
    constante : str
        Code of every row; no column is read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    colonne: str = ""
    separateur: str = ""
    valeurs: dict[str, str] = {}
    contient: dict[str, str] = {}
    toute: str = ""
    constante: str = ""

    @cached_property
    def folded(self) -> dict[str, str]:
        """`valeurs`, by folded word."""
        return {fold(word): code for word, code in self.valeurs.items()}

    @cached_property
    def pieces(self) -> list[tuple[str, str]]:
        """`contient`, by folded word."""
        return [(f" {fold(word)} ", code) for word, code in self.contient.items()]

    def codes(self) -> Iterator[str]:
        """Codes that the rule may give."""
        for cell in [*self.valeurs.values(), *self.contient.values(), self.toute, self.constante]:
            yield from filter(None, cell.split("|"))


class Compte(BaseModel):
    """A column that counts facilities of one type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    libelle: str


class Mapping(BaseModel):
    """A list and how it is read.

    Attributes
    ----------
    liste : Liste
    champs : dict
        Column of the schema → column, or columns put end to end.
    mots : dict
        Column of a closed list → rules: all apply where it holds several words, else the first
        that gives one.
    jours : list of str
        Columns of the hours of Monday, Tuesday…
    comptes : dict
        For a list of figures by commune: column → type of the facilities it counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    liste: Liste
    champs: dict[str, str | list[str]] = {}
    mots: dict[str, list[Regle]] = {}
    jours: list[str] = []
    comptes: dict[str, Compte] = {}

    @model_validator(mode="after")
    def _known(self) -> Mapping:
        columns = schema().colonnes
        for name in [*self.champs, *self.mots]:
            if name not in columns:
                near = get_close_matches(name, columns, n=2)
                raise ValueError(
                    f"champ inconnu : {name}" + (f" ({listing(near)} ?)" if near else "")
                )
        for name, rules in self.mots.items():
            unknown = {code for rule in rules for code in rule.codes()} - schema().words(
                name
            ).keys()
            if unknown:
                known = ", ".join(schema().words(name)) or "aucun : la colonne n'a pas de liste"
                raise ValueError(
                    f"{name} : {listing(sorted(unknown))} hors des mots admis ({known})"
                )
        for name in self.champs:
            if schema().colonnes[name].type in {"liste", "listes"} and self.liste.code != OWN:
                raise ValueError(f"{name} a une liste fermée : à déclarer dans [[mots.{name}]]")
        for name, value in (("contributeur", self.liste.contributeur),
                            ("localisation", self.liste.localisation)):  # fmt: skip
            if value and value not in schema().words(name):
                raise ValueError(f"{name} : « {value} » hors de {', '.join(schema().words(name))}")
        kinds = {count.type for count in self.comptes.values()}
        if not kinds <= schema().words("type").keys():
            raise ValueError(f"type inconnu : {listing(sorted(kinds))}")
        return self

    def columns(self, name: str) -> list[str]:
        """Columns of the list that make a text column of the schema."""
        found = self.champs.get(name, [])
        return [found] if isinstance(found, str) else found

    @cached_property
    def wanted(self) -> list[str]:
        """Every column that is read."""
        names = [column for name in self.champs for column in self.columns(name)]
        names += [rule.colonne for rules in self.mots.values() for rule in rules if rule.colonne]
        return list(dict.fromkeys([*names, *self.jours, *self.comptes]))

    def lacking(self, header: Iterable[str]) -> list[str]:
        """Columns that recognise it and that a file has not; all those of figures if it has none.

        Examples
        --------
        >>> mappings()["bpe"].lacking(["CODGEO", "NB_F307"])
        []
        >>> mappings()["france_services"].lacking(["id_fs", "LIB_FS", "type_fs"])
        ['labellisation_fs']
        """
        offered = {fold_header(name) for name in header}
        absent = [name for name in self.liste.reconnu_a if fold_header(name) not in offered]
        if offered.isdisjoint(map(fold_header, self.comptes)):
            absent += self.comptes
        return absent

    def fits(self, header: Iterable[str]) -> int:
        """How many of its columns a file has; 0 if one that recognises it lacks."""
        offered = {fold_header(name) for name in header}
        if self.lacking(header):
            return 0
        return len(
            {fold_header(name) for name in [*self.wanted, *self.liste.personnelles]} & offered
        )


def fold_header(name: str) -> str:
    """A header as it is compared: `code_insee`, `Code INSEE` and `CODE-INSEE` are the same."""
    return fold(name.replace("_", " "))


def load_mapping(path: Path) -> Mapping:
    """Read a mapping that a user wrote.

    Raises
    ------
    UsageError
        Saying what is wrong, and where.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} : fichier illisible.", "Vérifiez le chemin.") from error


def _parsed(text: str, name: str) -> Mapping:
    try:
        return Mapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} : TOML mal formé ({error}).", "Corrigez la ligne.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        what = str(first["msg"]).removeprefix("Value error, ")
        raise UsageError(
            f"{name} : {where + ' : ' if where else ''}{what}.",
            "Exemple : fragilite places mapping cd49",
        ) from error


@cache
def mappings() -> dict[str, Mapping]:
    """The mappings that travel with the program, and the program's own layout."""
    folder = files("fragilite.places") / "mappings"
    found = [
        _parsed(entry.read_text(encoding="utf-8"), entry.name)
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    return {mapping.liste.code: mapping for mapping in [*found, own_mapping()]}


def mapping_named(code: str) -> Mapping:
    """A mapping that travels with the program.

    Raises
    ------
    UsageError
        If there is none of this name.
    """
    if code in mappings():
        return mappings()[code]
    raise UsageError(
        f"Correspondance inconnue : « {code} ».",
        f"Donnez un fichier TOML, ou l'une de celles-ci : {', '.join(mappings())}.",
    )


def declaration(code: str) -> str:
    """Text of a mapping, to copy for a list of one's own.

    Raises
    ------
    UsageError
        If it has none: the program's own layout comes from the schema.
    """
    if mapping_named(code).liste.code == OWN:
        raise UsageError(
            "Le modèle n'a pas de correspondance : ses colonnes sont celles du schéma.",
            "Exemple : fragilite places mapping cd49",
        )
    return (files("fragilite.places") / "mappings" / f"{code}.toml").read_text(encoding="utf-8")


@cache
def own_mapping() -> Mapping:
    """The layout of the template, made from the schema: headers are codes or labels."""
    columns = schema().colonnes
    return Mapping(
        liste=Liste(
            code=OWN,
            titre="Modèle de fragilite",
            producteur="Acteur local",
            licence="à préciser avec qui a rempli la liste",
            reconnu_a=["nom", "code_postal", "commune", "date_maj"],
        ),
        champs={name: name for name in columns},
    )


def recognise(header: list[str], name: str) -> Mapping:
    """The mapping whose columns a file has the most of.

    Parameters
    ----------
    header : list of str
        Columns of the file, labels of the schema already brought to their codes.
    name : str
        Name of the file, for the message.

    Raises
    ------
    UsageError
        If none fits: the nearest is named, with the columns that lack.
    """
    found = mappings().values()
    best = max(found, key=lambda mapping: mapping.fits(header))
    if best.fits(header):
        return best
    offered = {fold_header(column): column for column in header}
    lacking = {mapping.liste.titre: mapping.lacking(header) for mapping in found}
    whole = {mapping.liste.titre: len(mapping.liste.reconnu_a) for mapping in found}
    title = min(lacking, key=lambda one: len(lacking[one]) / whole[one])
    told = []
    for column in lacking[title]:
        close = get_close_matches(fold_header(column), offered, n=1)
        told.append(column + (f" (nom proche : {offered[close[0]]})" if close else ""))
    nearest = f"Colonnes : {some(list(dict.fromkeys(header)), COLUMNS)}."
    if len(told) < whole[title]:
        count = plural(len(told), "colonne")
        nearest = f"La plus proche est « {title} » ; il manque {count} : {listing(told)}."
    raise UsageError(
        f"{name} : liste non reconnue. {nearest}",
        "Déclarez-la dans un petit fichier TOML donné par --mapping (exemple : fragilite places "
        "mapping cd49), ou recopiez-la dans le modèle : fragilite places template.",
    )
