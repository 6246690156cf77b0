"""How many places of each kind a commune has, and what they say they do: numbers, nothing else.

The counts are all that an inventory needs; those that travel with the program and those of lists
read on the day are made by the same function. ``inventaire.toml`` declares what is counted.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fragilite.french import day, plural
from fragilite.places.mapping import OWN, mappings
from fragilite.places.merging import Merged
from fragilite.places.schema import Origine, schema, split

#: Columns of a table of counts.
COLUMNS = ("code_insee", "mesure", "modalite", "nombre")
#: What stands for an unknown kind, state or date.
INCONNU = "inconnu"
#: Means that a place may state: columns of the schema.
MOYENS = ("etp", "demi_journees")
#: States of the places that receive.
RECOIVENT = ("ouvert", "etat_inconnu")


class Revision(BaseModel):
    """When an inventory is to be gone over again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mois: int = Field(ge=1)
    raison: str


class Anciennete(BaseModel):
    """From what age an information is old."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ans: int = Field(ge=0)
    raison: str


class Ligne(BaseModel):
    """A row of the grid: a public service or a need, and the words that say it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    groupe: Literal["public", "besoin"]
    libelle: str
    court: str
    mots: dict[str, list[str]] = Field(min_length=1)
    raison: str

    @model_validator(mode="after")
    def _known(self) -> Ligne:
        for column, words in self.mots.items():
            unknown = set(words) - schema().words(column).keys()
            if unknown or not words:
                raise ValueError(f"{self.code} : {column} ne connaît pas {sorted(unknown)}")
        return self


class Regles(BaseModel):
    """What an inventory counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    revision: Revision
    anciennete: Anciennete
    lignes: list[Ligne]

    @cached_property
    def by_code(self) -> dict[str, Ligne]:
        """Rows of the grid by code."""
        return {ligne.code: ligne for ligne in self.lignes}


@cache
def rules() -> Regles:
    """What ``inventaire.toml`` declares, read once."""
    text = (files("fragilite.places") / "inventaire.toml").read_text(encoding="utf-8")
    return Regles.model_validate(tomllib.loads(text))


def counts(merged: Merged) -> pd.DataFrame:
    """Count places by commune.

    Parameters
    ----------
    merged : Merged

    Returns
    -------
    DataFrame
        ``code_insee, mesure, modalite, nombre``, sorted; an empty code is an unknown commune.
        Measures:

        - ``lieux``: ``ouvert``, ``etat_inconnu`` (these two receive), ``ferme``, ``sans_accueil``,
          and rows that are no place: ``siege`` (of an employer), ``commune`` (only counted);
        - of the places that receive: ``type``, and ``type_ouvert`` for those said open; ``date`` of
          the information; ``services`` with ``dits`` (places that state theirs); ``oui`` and
          ``dit`` by row of the grid (places that say yes, that say yes or no); ``etp_lieux``
          (places that state it), ``etp_total`` and the same of ``demi_journees``, by type: those
          that state no mean are those of the type that are left;
        - ``nature_postes`` (places with posts of a kind) and ``fin_postes`` (by year: places whose
          first post ends then), where they are stated;
        - ``etp_sieges``: full-time equivalents known at the seat only, with ``connu``.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    sums: dict[tuple[str, str, str], float] = {}
    said = _statements(merged)
    for place in merged.lieux.to_dict("records"):
        code = str(place["code_insee"])
        state = state_of(place)
        found[code, "lieux", state] += 1
        if state == "siege" and place["etp"] == place["etp"]:
            sums[code, "etp_sieges", "connu"] = (
                sums.get((code, "etp_sieges", "connu"), 0) + place["etp"]
            )
        if state not in RECOIVENT:
            continue
        kind = str(place["type"] or INCONNU)
        found[code, "type", kind] += 1
        if state == "ouvert":
            found[code, "type_ouvert", kind] += 1
        found[code, "date", place["date_maj"] or INCONNU] += 1
        for measure, modality in said[place["id"]]:
            found[code, measure, modality] += 1
        for nature in split(place["nature_postes"]):
            found[code, "nature_postes", nature] += 1
        if place["fin_postes"]:
            found[code, "fin_postes", place["fin_postes"][:4]] += 1
        for mean in MOYENS:
            if place[mean] == place[mean]:
                found[code, f"{mean}_lieux", kind] += 1
                key = (code, f"{mean}_total", kind)
                sums[key] = sums.get(key, 0) + place[mean]
    rows = [(*key, float(value)) for key, value in sorted({**found, **sums}.items())]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        {"code_insee": "str", "mesure": "str", "modalite": "str", "nombre": "float64"}
    )


def list_record(origin: Origine) -> dict[str, object]:
    """What is said of a list beside its counts."""
    page = mappings()[origin.code].liste.page if origin.code in mappings() else ""
    return {
        "code": origin.code, "titre": origin.titre, "producteur": origin.producteur,
        "licence": origin.licence, "page": page, "date": origin.date, "lieux": origin.lieux,
    }  # fmt: skip


def list_line(record: Mapping[str, Any]) -> str:
    """A list in a line: whose, of when, how long, under which licence."""
    date = f"{day(record['date'])}, " if record["date"] else ""
    return (
        f"{record['titre']} ({record['producteur']}), {date}{plural(record['lieux'], 'ligne')}, "
        f"licence : {record['licence']}"
    )


def kind_label(code: str) -> str:
    """A kind of place, in the few words of a line that holds many.

    Examples
    --------
    >>> kind_label("ccas_mairie"), kind_label("inconnu")
    ('CCAS ou mairie', 'type inconnu')
    """
    return "type inconnu" if code == INCONNU else bare(schema().words("type")[code].libelle)


def bare(label: str) -> str:
    """A label without what it explains between brackets."""
    return label.split(" (")[0]


def state_of(place: Mapping[Any, Any]) -> str:
    """What a place is for an inventory.

    Examples
    --------
    >>> state_of({"localisation": "lieu", "etat": "", "accueil": "oui"})
    'etat_inconnu'
    >>> state_of({"localisation": "siege", "etat": "ouvert", "accueil": ""})
    'siege'
    """
    if place["localisation"] in {"siege", "commune"}:
        return str(place["localisation"])
    if place["etat"] == "ferme":
        return "ferme"
    if place["accueil"] == "non":
        return "sans_accueil"
    return "ouvert" if place["etat"] == "ouvert" else "etat_inconnu"


# --- what a place says ---------------------------------------------------------------------------


def _statements(merged: Merged) -> dict[str, list[tuple[str, str]]]:
    """Measures of each place, from every row that it is made of.

    A merged place holds the services of its newest row only: a France services that the national
    list describes by its label would lose the access to computers that a local list saw there.
    """
    lines: dict[str, list[dict[Any, Any]]] = {}
    for line in merged.lignes.to_dict("records"):
        if line["localisation"] not in {"siege", "commune"}:
            lines.setdefault(line["groupe"], []).append(line)
    vocabulary = _Vocabulary(merged.lignes)
    return {
        str(group): list(_measures(lines.get(group, []), vocabulary))
        for group in merged.lieux["id"]
    }


def _measures(lines: list[dict[Any, Any]], vocabulary: _Vocabulary) -> Iterator[tuple[str, str]]:
    if any(line["services"] for line in lines):
        yield "services", "dits"
    for ligne in rules().lignes:
        answers = {_says(line, ligne, vocabulary) for line in lines}
        if True in answers:
            yield "oui", ligne.code
        if answers - {None}:
            yield "dit", ligne.code


def _says(line: Mapping[Any, Any], ligne: Ligne, vocabulary: _Vocabulary) -> bool | None:
    """Whether a row of a list offers what a row of the grid asks; None where it does not say."""
    cells = {column: set(split(line[column])) for column in ligne.mots}
    if any(cells[column] & set(words) for column, words in ligne.mots.items()):
        return True
    silent = not any(
        cells[column] and set(words) <= vocabulary.of(line["source"], column)
        for column, words in ligne.mots.items()
    )
    return None if silent else False


class _Vocabulary:
    """Words that a list can say in a column: what is not among them, it cannot deny."""

    def __init__(self, lignes: pd.DataFrame) -> None:
        self.lignes = lignes
        self.known: dict[tuple[str, str], frozenset[str]] = {}

    def of(self, source: str, column: str) -> frozenset[str]:
        """Declared by the mapping of the list; for a list of one's own, the words met in it."""
        if (source, column) not in self.known:
            self.known[source, column] = self._read(source, column)
        return self.known[source, column]

    def _read(self, source: str, column: str) -> frozenset[str]:
        every = frozenset(schema().words(column))
        mapping = mappings().get(source)
        if mapping is None:
            cells = self.lignes.loc[self.lignes["source"] == source, column]
            return frozenset(word for cell in cells.unique() for word in split(cell))
        if mapping.liste.code == OWN:
            return every
        said: set[str] = set()
        for rule in mapping.mots.get(column, ()):
            words = set(rule.codes())
            said |= words or every  # a rule without words reads those of the schema
        return frozenset(said)
