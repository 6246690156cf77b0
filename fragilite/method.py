"""A method is data: one TOML file, read here into frozen, checked records.

The tree is declared by parents, as a table would be: a node names its parent and its weight in it,
an indicator names its node. Any depth.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fragilite.columns import COLUMN_SUFFIXES, reserved_columns
from fragilite.errors import UsageError, reason
from fragilite.faults import did_you_mean, record_fault, shortened, toml_fault
from fragilite.ingestion.catalogue import SURVEY, load_sources, source_of_variables

DEFAULT = "fragilite-2026"
SCALE = 100.0


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Label = Annotated[str, Field(min_length=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]

# --- how a figure is computed ----------------------------------------------------------------


class Part(_Record):
    """Share: 100 × sum of the numerators / sum of the denominators, or its complement to 100."""

    type: Literal["part"]
    numerateur: list[str] = Field(min_length=1)
    denominateur: list[str] = Field(min_length=1)
    complement: bool = False

    @property
    def variables(self) -> list[str]:
        """Every variable read."""
        return self.numerateur + self.denominateur


class Valeur(_Record):
    """A figure that does not add up (a median, a rate), as its producer publishes it."""

    type: Literal["valeur"]
    valeur: str

    @property
    def variables(self) -> list[str]:
        """Every variable read."""
        return [self.valeur]

    def scale(self, millesime: str) -> float:
        """What the published figure is multiplied by, in a vintage."""
        return 1.0


class Rapport(_Record):
    """Value relative to a reference of the same vintage: 100 × value / reference."""

    type: Literal["rapport"]
    valeur: str
    references: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    unite: str
    source: str

    @property
    def variables(self) -> list[str]:
        """Every variable read."""
        return [self.valeur]

    def scale(self, millesime: str) -> float:
        """What the published figure is multiplied by, in a vintage."""
        return 100 / self.references[millesime[:4]]


class Effectif(_Record):
    """Headcount: sum of counts."""

    type: Literal["effectif"]
    variables: list[str] = Field(min_length=1)


class NombreNonNuls(_Record):
    """How many of the variables are above zero."""

    type: Literal["nombre_non_nuls"]
    variables: list[str] = Field(min_length=1)


#: Figures that do not add up: in a group, the weighted mean of the communes'.
Moyenne = Valeur | Rapport

Calcul = Annotated[Part | Rapport | Valeur | Effectif | NombreNonNuls, Field(discriminator="type")]


# --- records of the file ---------------------------------------------------------------------


class ParametresNormalisation(_Record):
    """Parameters of a normalisation; each normalisation reads its own (`PARAMETRES`)."""

    ex_aequo: Literal["moyenne", "min", "max"] | None = None
    echelle: float | None = Field(default=None, gt=0)
    classes: int | None = Field(default=None, ge=2)
    centre: float | None = None
    ecart: float | None = Field(default=None, gt=0)


#: What each normalisation reads, and its value when the file does not say (None: it must).
PARAMETRES: Mapping[str, Mapping[str, Any]] = {
    "bornes": {},
    "min_max": {},
    "z_score": {"centre": SCALE / 2, "ecart": SCALE / 5},
    "rang_centile": {"ex_aequo": "moyenne", "echelle": SCALE},
    "quantiles": {"classes": None},
    "ratio_reference": {},
}


class Entete(_Record):
    """Identity of the method, and how scores are made and put together.

    ``groupes`` says what an EPCI or a département scores: ``recalcul``, from its summed numerators
    and denominators; ``moyenne``, the population-weighted mean of its communes' scores.
    """

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: Label
    date: date
    libelle: Label
    description: str
    licence: str
    normalisation: Literal[
        "bornes", "min_max", "z_score", "rang_centile", "quantiles", "ratio_reference"
    ]
    agregation: Literal["arithmetique", "geometrique", "harmonique"]
    groupes: Literal["recalcul", "moyenne"] = "recalcul"
    parametres: ParametresNormalisation = ParametresNormalisation()

    @property
    def bounded(self) -> bool:
        """Whether scores go from 0 to 100."""
        return self.normalisation in {"bornes", "min_max", "z_score"} or (
            self.normalisation == "rang_centile" and self.arguments["echelle"] == SCALE
        )

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the normalisation: those of the file, else the usual ones."""
        given = self.parametres.model_dump(exclude_none=True)
        usual = {key: v for key, v in PARAMETRES[self.normalisation].items() if v is not None}
        # A z-score has no bounds: a method keeps it on its scale.
        scale = {"tronque": True} if self.normalisation == "z_score" else {}
        return usual | scale | given


class Parametre(_Record):
    """A number of the method, with its unit, reason and dated reference."""

    valeur: float = Field(ge=0)
    unite: str
    raison: str
    reference: str


class CompletudeMin(_Record):
    """Share of the weight that must be observed for a node, and for the index, to have a value."""

    noeud: float = Field(ge=0, le=1)
    indice: float = Field(ge=0, le=1)
    unite: str
    raison: str
    reference: str


class Classes(_Record):
    """Classes of a node: limits [low, high), the last closed, and the set scored when frozen."""

    bornes: list[float] = Field(min_length=3)
    libelles: list[str]
    indicateurs: list[str]
    raison: str
    reference: str


class Noeud(_Record):
    """A node of the tree; the root alone has neither parent nor weight."""

    libelle: Label
    court: Label
    description: str
    parent: str | None = None
    poids: Weight | None = None
    classes: Classes | None = None
    raison: str = ""
    reference: str = ""


class France(_Record):
    """Value of an indicator in France, to place one département without national files.

    ``millesime`` is that of the value, empty where it does not age (a ratio to France itself).
    """

    valeur: float
    source: str
    millesime: str = ""


class Grandeur(_Record):
    """A figure that is shown: context or headcount."""

    libelle: Label
    unite: str
    decimales: int = Field(ge=0, le=6)
    definition: str
    calcul: Calcul
    regle_estime: str = ""
    france: France | None = None


class Lissage(_Record):
    """Smoothing of a share observed on few people, towards that of its EPCI.

    ``forme`` says what the variance between communes is: ``nette`` of the noise, or as the English
    Indices of Deprivation have it (``iod``). ``groupe_min``: members known that an EPCI needs.
    """

    forme: Literal["nette", "iod"] = "nette"
    groupe_min: int = Field(ge=2)
    raison: str
    reference: str


class Indicateur(Grandeur):
    """A figure that is scored: ``points_0`` scores 0, ``points_100`` scores 100.

    ``court`` names it in a sentence, with its article. With ``bornes_absolues``, these points hold
    whatever the normalisation of the others; without bounds, they may be left out.
    """

    court: Label
    noeud: str
    poids: Weight = 1
    sens: Literal["aggrave", "protege"]
    points_0: float | None = None
    points_100: float | None = None
    bornes_absolues: bool = False
    lissage: Lissage | None = None
    raison: str
    reference: str


class Tranche(_Record):
    """An age band and its national rate of illectronisme, in %."""

    ages: str
    effectifs: list[str] = Field(min_length=1)
    taux: float = Field(ge=0, le=100)
    raison: str
    reference: str


class Variante(_Record):
    """Other age bands, for sources that do not publish the finest ones."""

    raison: str
    reference: str
    tranches: list[Tranche] = Field(min_length=1)


class Volume(_Record):
    """People to accompany: Σ over age bands of people × rate of the band."""

    libelle: str
    unite: str
    definition: str
    regle_estime: str
    tranches: list[Tranche] = Field(min_length=1)
    variantes: list[Variante] = []

    @property
    def references(self) -> list[str]:
        """Where the rates come from, each publication once."""
        return list(dict.fromkeys(one.reference.partition(" ; ")[0] for one in self.tranches))


class BruitDonnees(_Record):
    """Noise of the data: see :class:`fragilite.robustness.Noise`."""

    modele: Literal["sondage", "superpopulation"]
    taux_sondage: float = Field(gt=0, le=1)
    effet_plan: float = Field(ge=0)
    exhaustif: float = Field(ge=0)
    imbriques: list[list[str]] = []
    raison: str
    reference: str


class ChoixMethode(_Record):
    """Choices of method that are drawn: see :class:`fragilite.robustness.Choices`."""

    concentration: float = Field(ge=1)
    normalisations: list[Literal["bornes", "rang_centile", "z_score"]] = Field(min_length=1)
    agregations: list[Literal["arithmetique", "geometrique", "harmonique"]] = Field(min_length=1)
    part_retrait: float = Field(ge=0, le=1)
    raison: str
    reference: str


class SeuilsLecture(_Record):
    """Shares of the draws in the first fifth that the readings ask of both analyses."""

    net: float = Field(ge=0, le=1)
    probable: float = Field(ge=0, le=1)
    sans: float = Field(ge=0, le=1)
    raison: str
    reference: str


class Incertitude(_Record):
    """How far ranks could move: two analyses, and what they let one say.

    Under 100 draws an interval at 90 % says nothing; 20 000 of all of France take 1.4 GB.
    """

    tirages: int = Field(ge=100, le=20_000)
    graine: int = Field(ge=0)
    donnees: BruitDonnees
    methode: ChoixMethode
    lecture: SeuilsLecture
    limites: list[str] = []


class Lecture(_Record):
    """How to read the index and how not to, repeated wherever it is explained."""

    usage: str
    non_usage: str
    validite: list[str]
    invisible: list[str]


def descend(root: str, weights: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Nodes of a tree from its root down, each before its children.

    Parameters
    ----------
    weights : mapping of str to mapping
        Children of each node with their weights; what is no key is an indicator.
    """
    pending = [root]
    while pending:
        node = pending.pop(0)
        yield node
        pending += [child for child in weights[node] if child in weights]


class Method(_Record):
    """A whole method.

    Attributes
    ----------
    base : str
        Method that the file starts from, ``""`` if it says everything itself.
    age_max : Parametre or None
        None: figures are scored whatever their age.
    incertitude : Incertitude or None
        None: the method's ranks come without intervals.
    origine : str
        Name or path it was read from.
    sha256 : str
        Of the file's bytes, followed by those of its base: two methods of the same name may differ.
    """

    base: str = ""
    methode: Entete
    age_max: Parametre | None = None
    completude_min: CompletudeMin
    couverture_min: Parametre
    noeuds: dict[str, Noeud]
    indicateurs: dict[str, Indicateur] = Field(min_length=1)
    contexte: dict[str, Grandeur] = {}
    effectifs: dict[str, Grandeur] = {}
    volume: Volume | None = None
    incertitude: Incertitude | None = None
    lecture: Lecture
    origine: str = ""
    sha256: str = ""

    @cached_property
    def root(self) -> str:
        """Code of the node without parent."""
        return next(code for code, node in self.noeuds.items() if node.parent is None)

    @cached_property
    def weights(self) -> Mapping[str, Mapping[str, float]]:
        """Children of each node with their weights, brought to a sum of 1 inside the node."""
        children: dict[str, dict[str, float]] = {code: {} for code in self.noeuds}
        for code, node in self.noeuds.items():
            if node.parent is not None:
                children[node.parent][code] = node.poids or 0.0
        for code, indicator in self.indicateurs.items():
            children[indicator.noeud][code] = indicator.poids
        return {
            parent: {child: weight / sum(found.values()) for child, weight in found.items()}
            for parent, found in children.items()
        }

    @cached_property
    def shares(self) -> Mapping[str, float]:
        """Weight of each node and indicator in the whole index."""
        shares = {self.root: 1.0}
        for parent in self.descending():
            for child, weight in self.weights[parent].items():
                shares[child] = shares[parent] * weight
        return shares

    def descending(self) -> Iterator[str]:
        """Nodes from the root down, each before its children."""
        return descend(self.root, self.weights)

    def column(self, node: str) -> str:
        """Output column of a node: the root's own code, ``fragilite_<code>`` below."""
        return node if node == self.root else f"fragilite_{node}"

    def scored_column(self, code: str) -> str:
        """Output column of the value that is scored: smoothed where the method smooths it."""
        return f"{code}_lisse" if self.indicateurs[code].lissage else code

    @property
    def age_bands(self) -> list[list[Tranche]]:
        """Sets of age bands of the volume, the finest first."""
        if self.volume is None:
            return []
        return [self.volume.tranches, *(variant.tranches for variant in self.volume.variantes)]

    @property
    def figures(self) -> dict[str, Grandeur]:
        """Everything computed from variables: scored indicators, context, headcounts."""
        return {**self.indicateurs, **self.contexte, **self.effectifs}


# --- reading ---------------------------------------------------------------------------------


def available_methods() -> list[str]:
    """Names of the methods that travel with the program."""
    folder = files("fragilite") / "methods"
    return sorted(path.name[:-5] for path in folder.iterdir() if path.name.endswith(".toml"))


def method_text(name: str) -> bytes:
    """Bytes of a method that travels with the program."""
    return (files("fragilite") / "methods" / f"{name}.toml").read_bytes()


def load_method(name_or_path: str | Path = DEFAULT) -> Method:
    """Read a method by its name, or from a TOML file.

    Parameters
    ----------
    name_or_path : str or Path
        ``"fragilite-2026"``, or the path of a file.

    Returns
    -------
    Method

    Raises
    ------
    UsageError
        Naming the file, the key, what was expected and what was found.

    Examples
    --------
    >>> load_method().weights["usages"]
    {'competences': 0.6, 'sociale': 0.4}
    """
    name = str(name_or_path)
    if name in available_methods():
        return _parse(method_text(name), name)
    path = Path(name_or_path)
    try:
        return _parse(path.read_bytes(), name)
    except (OSError, ValueError) as error:
        known = ", ".join(available_methods())
        missing = isinstance(error, FileNotFoundError)
        raise UsageError(
            f"Méthode « {name} » : {'fichier introuvable' if missing else reason(error)}.",
            f"Méthodes livrées : {known}. Pour partir d'une copie : fragilite method new {name}",
        ) from error


def copy_method(name: str, path: Path) -> None:
    """Copy a method of the program into a new file, under a code of its own.

    Raises
    ------
    UsageError
        If the name is unknown, or the file exists or cannot be written.
    """
    if name not in available_methods():
        raise UsageError(
            f"Méthode inconnue : « {name} ».",
            f"Méthodes livrées : {', '.join(available_methods())}.",
        )
    _write_copy(_text(name), name, path)


def survey_text() -> str:
    """A method that counts a local survey beside the open data, to be completed by its author."""
    return (files("fragilite") / "bundled/methode_enquete.toml").read_text(encoding="utf-8")


def copy_survey_method(path: Path) -> None:
    """Write :func:`survey_text` in a new file, under a code of its own.

    Raises
    ------
    UsageError
        If the file exists or cannot be written.
    """
    _write_copy(survey_text(), f"{DEFAULT} et une enquête locale", path)


def _write_copy(text: str, origin: str, path: Path) -> None:
    """Write a method under the code, the version and the label of a copy."""
    code = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._") or "ma-methode"
    for key, value in (
        ("code", code),
        ("version", "0.1.0"),
        ("libelle", f"{code}, d'après {origin}"),
    ):
        text = re.sub(rf'^{key} = "[^"]*"', f'{key} = "{value}"', text, count=1, flags=re.MULTILINE)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"Le fichier {path} existe déjà : il n'est pas remplacé.", "Donnez un autre nom."
        ) from error
    except OSError as error:
        raise UsageError(
            f"Impossible d'écrire {path} : {reason(error)}.",
            "Donnez un autre chemin.",
        ) from error


def _parse(content: bytes, origin: str) -> Method:
    try:
        data = tomllib.loads(content.decode("utf-8-sig"))  # Windows' notepad writes a BOM
    except UnicodeDecodeError as error:
        problem = f"le fichier n'est pas en UTF-8 (octet {error.start}) : enregistrez-le ainsi."
        raise MethodError(origin, [problem]) from error
    except tomllib.TOMLDecodeError as error:
        problem = f"ce n'est pas du TOML lisible : {toml_fault(error)}."
        raise MethodError(origin, [problem]) from error
    problems = [f"{key} : clé inconnue." for key in ("origine", "sha256") if key in data]
    if "base" in data and data["base"] not in bases():
        known = ", ".join(bases())
        problems.append(
            f"base : une méthode de base attendue ({known}), trouvé « {data['base']} »."
        )
    if problems:
        raise MethodError(origin, problems)
    if "base" in data:
        start = method_text(data["base"])
        content += start
        data, problems = _derived(tomllib.loads(start.decode("utf-8")), data)
        if problems:
            raise MethodError(origin, problems)
    try:
        method = Method(**data, origine=origin, sha256=hashlib.sha256(content).hexdigest())
    except ValidationError as error:
        problems = [_fault(problem) for problem in error.errors()]
    else:
        problems = list(_inconsistencies(method))
    if problems:
        raise MethodError(origin, problems)
    return method


def varied(rules: Incertitude, changes: Mapping[str, Any]) -> Incertitude:
    """Settings of the uncertainty with some changed, None being unchanged.

    Raises
    ------
    UsageError
        If a number is out of its range.

    Examples
    --------
    >>> varied(load_method().incertitude, {"tirages": 200, "graine": None}).tirages
    200
    """
    given = {key: value for key, value in changes.items() if value is not None}
    try:
        return Incertitude(**_merged(rules.model_dump(), given))
    except ValidationError as error:
        raise UsageError(f"Incertitude : {_fault(error.errors()[0])}") from error


def bases() -> list[str]:
    """Methods of the program that another may start from: those that say everything themselves."""
    return [name for name in available_methods() if "base" not in tomllib.loads(_text(name))]


def _text(name: str) -> str:
    return method_text(name).decode("utf-8")


def _derived(base: dict[str, Any], own: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A method that starts from another: what it takes out, then what it says anew.

    ``retire`` lists keys of the base that leave it (``"noeuds.reseau"``). The base keeps its name,
    its version and what was measured of it: a variant is another index.
    """
    own = dict(own)
    removed, head = own.pop("retire", []), own.get("methode")
    if not isinstance(removed, list):
        return own, [f'retire : liste attendue, comme ["noeuds.reseau"], trouvé « {removed} ».']
    code = head.get("code") if isinstance(head, dict) else None
    if code in {None, base["methode"]["code"]}:
        return own, ["methode.code : une variante a son propre code, comme « la-mienne »."]
    base["lecture"]["validite"] = []
    base["methode"] |= {"version": "0.1.0", "libelle": f"{code}, d'après {own['base']}"}
    problems = []
    for place in removed:
        *tables, last = str(place).split(".")
        table: Any = base
        for name in tables:
            table = table.get(name) if isinstance(table, dict) else None
        if not isinstance(table, dict) or last not in table:
            problems.append(f"retire : « {place} » n'est pas dans la méthode de base.")
        else:
            del table[last]
    return _merged(base, own), problems


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """The base with what is said anew; a ``calcul`` is replaced whole, other tables key by key."""
    return base | {
        key: _merged(base[key], value)
        if key != "calcul" and isinstance(value, dict) and isinstance(base.get(key), dict)
        else value
        for key, value in own.items()
    }


class MethodError(UsageError):
    """A method file that cannot be used; `problems` lists everything wrong in it."""

    def __init__(self, origin: str, problems: list[str]) -> None:
        self.problems = problems
        others = len(problems) - 1
        more = f" ({others} autre(s) erreur(s))" if others else ""
        super().__init__(
            f"Méthode {origin} : {problems[0]}{more}",
            f"Pour tout voir : fragilite method check {origin}",
        )


_CALCULS: dict[str, type[BaseModel]] = {
    "part": Part,
    "valeur": Valeur,
    "rapport": Rapport,
    "effectif": Effectif,
    "nombre_non_nuls": NombreNonNuls,
}
_KEYS_BY_RECORD: dict[str, type[BaseModel]] = {
    "methode": Entete,
    "age_max": Parametre,
    "couverture_min": Parametre,
    "completude_min": CompletudeMin,
    "noeuds": Noeud,
    "indicateurs": Indicateur,
    "contexte": Grandeur,
    "effectifs": Grandeur,
    "volume": Volume,
    "incertitude": Incertitude,
    "lecture": Lecture,
}
#: Tables inside them, by the last key but one.
_KEYS_BY_TABLE: dict[str, type[BaseModel]] = {
    "parametres": ParametresNormalisation,
    "classes": Classes,
    "tranches": Tranche,
    "lissage": Lissage,
}
_KEYS_BY_UNCERTAINTY: dict[str, type[BaseModel]] = {
    "donnees": BruitDonnees,
    "methode": ChoixMethode,
    "lecture": SeuilsLecture,
}


def _suggestion(place: tuple[Any, ...]) -> str:
    """Propose the known key nearest to an unknown one."""
    record = Method if len(place) == 1 else _KEYS_BY_RECORD.get(str(place[0]), Method)
    if place[0] == "incertitude" and len(place) > 2:
        record = _KEYS_BY_UNCERTAINTY[str(place[1])]
    elif "calcul" in place[:-1]:
        record = _CALCULS.get(str(place[-2]), Part)
    else:
        record = next((_KEYS_BY_TABLE[key] for key in place[:-1] if key in _KEYS_BY_TABLE), record)
    return did_you_mean(str(place[-1]), list(record.model_fields))


def _fault(problem: Any) -> str:
    return record_fault(problem, _CALCULS, _suggestion)


def _inconsistencies(method: Method) -> Iterator[str]:
    """What the types cannot see: the tree, the directions, the variables, the classes."""
    roots = [code for code, node in method.noeuds.items() if node.parent is None]
    if len(roots) != 1:
        found = ", ".join(roots) or "aucune"
        yield f"noeuds : une seule racine (un nœud sans parent) attendue, trouvé {found}."
    yield from _head_problems(method)
    yield from _tree_problems(method)
    for code, indicator in method.indicateurs.items():
        yield from _indicator_problems(f"indicateurs.{code}", indicator, method)
    yield from _uncertainty_problems(method)
    for place, variable in _variables(method):
        if variable not in source_of_variables():
            known = list(source_of_variables())
            yield f"{place} : variable inconnue « {variable} ».{did_you_mean(variable, known)}"
    for section in ("indicateurs", "contexte", "effectifs"):
        for code, figure in getattr(method, section).items():
            yield from _calcul_problems(f"{section}.{code}.calcul", figure.calcul)
    for code, node in method.noeuds.items():
        if node.classes:
            yield from _class_problems(f"noeuds.{code}.classes", node.classes, method)
    yield from _name_problems(method)
    yield from _volume_problems(method)


def _name_problems(method: Method) -> Iterator[str]:
    """Codes become columns: they must be plain names, each of its own."""
    sections = ("noeuds", "indicateurs", "contexte", "effectifs")
    places: dict[str, list[str]] = {}
    for section in sections:
        for code in getattr(method, section):
            places.setdefault(code.lower(), []).append(f"{section}.{code}")
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", code):
                yield (
                    f"{section}.{shortened(code)} : un code commence par une lettre minuscule, "
                    "puis lettres sans accent, chiffres et _."
                )
    for found in places.values():
        if len(found) > 1:
            yield f"{' et '.join(found)} : le même code sert deux fois."
    if len([code for code in places if code]) == len(places):
        yield from _column_problems(method, places)


def _column_problems(method: Method, places: Mapping[str, list[str]]) -> Iterator[str]:
    """A column of the files must have one meaning."""
    columns = [method.column(node) for node in method.noeuds]
    columns += [f"classe_{code}" for code, node in method.noeuds.items() if node.classes]
    for code in method.figures:
        columns += [code, *(f"{code}_{suffix}" for suffix in COLUMN_SUFFIXES)]
    taken = {name for name in columns if columns.count(name) > 1}
    taken |= set(columns) & reserved_columns()
    for name in sorted(taken):
        owners = [
            place
            for code, found in places.items()
            if name in {code, f"fragilite_{code}", f"classe_{code}"} or name.startswith(f"{code}_")
            for place in found
        ]
        yield f"{' et '.join(owners) or name} : la colonne {name} a déjà un sens dans les fichiers."


def _volume_problems(method: Method) -> Iterator[str]:
    """An age band counted twice, or under two rates, would change the volume unseen."""
    for rank, tranches in enumerate(method.age_bands):
        names = [name for tranche in tranches for name in tranche.effectifs]
        place = "volume.tranches" if rank == 0 else f"volume.variantes.{rank - 1}.tranches"
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{place} : « {name} » y est compté deux fois."


def _head_problems(method: Method) -> Iterator[str]:
    """Parameters that the normalisation does not read or lacks; means that do not suit it."""
    head = method.methode
    known, given = PARAMETRES[head.normalisation], head.parametres.model_dump(exclude_none=True)
    for key in given:
        if key not in known:
            read = ", ".join(f"`{name}`" for name in known) or "aucun paramètre"
            yield (
                f"methode.parametres.{key} : la normalisation « {head.normalisation} » "
                f"ne le lit pas (elle lit {read})."
            )
    for key, usual in known.items():
        if usual is None and key not in given:
            yield f"methode.parametres.{key} : clé manquante."
    if head.agregation != "arithmetique" and (not head.bounded or head.normalisation == "z_score"):
        yield (
            f"methode.agregation : « {head.agregation} » demande des scores de 0 à 100 (bornes, "
            f"min_max ou rang_centile), trouvé « {head.normalisation} »."
        )
    if head.normalisation == "ratio_reference":
        for code, indicator in method.indicateurs.items():
            if indicator.france is None and not indicator.bornes_absolues:
                yield f"indicateurs.{code}.france : clé manquante pour « ratio_reference »."


def _tree_problems(method: Method) -> Iterator[str]:
    nodes = method.noeuds
    for code, node in nodes.items():
        if node.parent is not None and node.parent not in nodes:
            hint = did_you_mean(node.parent, list(nodes))
            yield f"noeuds.{code}.parent : nœud inconnu « {node.parent} ».{hint}"
        if node.parent is not None and node.poids is None:
            yield f"noeuds.{code}.poids : clé manquante."
        if node.parent is None and node.poids is not None:
            yield f"noeuds.{code}.poids : la racine n'a pas de poids."
        cycle = _cycle(code, nodes)
        if cycle and code == min(cycle):
            yield f"noeuds.{code}.parent : boucle {' → '.join([*cycle, cycle[0]])}."
    for code, indicator in method.indicateurs.items():
        if indicator.noeud not in nodes:
            hint = did_you_mean(indicator.noeud, list(nodes))
            yield f"indicateurs.{code}.noeud : nœud inconnu « {indicator.noeud} ».{hint}"
    for code in nodes:
        weights = [node.poids or 0 for node in nodes.values() if node.parent == code]
        weights += [found.poids for found in method.indicateurs.values() if found.noeud == code]
        if not weights:
            yield f"noeuds.{code} : un nœud a besoin d'au moins un enfant (nœud ou indicateur)."
        elif sum(weights) == 0:
            yield f"noeuds.{code} : tous les poids de ses enfants sont nuls."


def _cycle(start: str, nodes: Mapping[str, Noeud]) -> list[str]:
    """Nodes of the loop that `start` belongs to, if any."""
    path = [start]
    while (parent := nodes[path[-1]].parent) is not None and parent in nodes:
        if parent == start:
            return path
        if parent in path:
            return []
        path.append(parent)
    return []


def _indicator_problems(where: str, indicator: Indicateur, method: Method) -> Iterator[str]:
    low, high = indicator.points_0, indicator.points_100
    bounded = indicator.bornes_absolues or method.methode.normalisation == "bornes"
    if indicator.lissage and not is_census_share(indicator):
        yield (
            f"{where}.lissage : seule se lisse une part de personnes comptées par le recensement, "
            "jamais une médiane ni une part de locaux."
        )
    if low is None or high is None:
        for key, value in (("points_0", low), ("points_100", high)):
            if value is None and (bounded or (low, high) != (None, None)):
                yield f"{where}.{key} : clé manquante."
        return
    if low == high:
        yield f"{where} : points_0 et points_100 doivent différer, trouvé {low:g} deux fois."
    elif (low < high) != (indicator.sens == "aggrave"):
        expected = (
            "points_0 < points_100" if indicator.sens == "aggrave" else "points_0 > points_100"
        )
        yield (
            f"{where}.sens : « {indicator.sens} » demande {expected}, "
            f"trouvé points_0 = {low:g} et points_100 = {high:g}."
        )


def is_survey_share(figure: Grandeur) -> bool:
    """Whether a figure is a share of the people that a local survey asked."""
    homes = source_of_variables()
    return isinstance(figure.calcul, Part) and all(
        homes.get(name) == SURVEY for name in figure.calcul.variables
    )


def is_census_share(figure: Grandeur) -> bool:
    """Whether a figure is a share of people that the census counts, as far as is known of it."""
    if not isinstance(figure.calcul, Part) or figure.calcul.complement:
        return False
    homes = source_of_variables()
    known = [homes[name] for name in figure.calcul.variables if name in homes]
    return all(load_sources()[key].recensement for key in known)


def _uncertainty_problems(method: Method) -> Iterator[str]:
    """Readings in order; shares drawn together that are not counted by the census."""
    if method.incertitude is None:
        return
    reading = method.incertitude.lecture
    if not reading.sans < reading.probable <= reading.net:
        yield (
            "incertitude.lecture : sans < probable ≤ net attendu, trouvé "
            f"{reading.sans:g}, {reading.probable:g}, {reading.net:g}."
        )
    for chain in method.incertitude.donnees.imbriques:
        for code in chain:
            indicator = method.indicateurs.get(code)
            if indicator is None:
                hint = did_you_mean(code, list(method.indicateurs))
                yield f"incertitude.donnees.imbriques : indicateur inconnu « {code} ».{hint}"
            elif not is_census_share(indicator):
                yield (
                    f"incertitude.donnees.imbriques : « {code} » n'est pas une part de personnes "
                    "comptées par le recensement."
                )


def _calcul_problems(where: str, calcul: Any) -> Iterator[str]:
    """A figure has one source; counts add up, a median is only compared to a reference."""
    known = source_of_variables()
    if any(variable not in known for variable in calcul.variables):
        return
    sources = sorted({known[variable] for variable in calcul.variables})
    if len(sources) > 1:
        yield f"{where} : variables d'une seule source attendues, trouvé {', '.join(sources)}."
    wanted = "mediane" if isinstance(calcul, Moyenne) else "effectif"
    for variable in calcul.variables:
        nature = load_sources()[known[variable]].variables[variable].nature
        if nature != wanted:
            yield (
                f"{where} : « {variable} » est de nature {nature}, « {calcul.type} » en demande "
                f"une de nature {wanted}."
            )


def _class_problems(where: str, classes: Classes, method: Method) -> Iterator[str]:
    limits = classes.bornes
    if sorted(set(limits)) != limits:
        yield f"{where}.bornes : valeurs croissantes attendues, trouvé {limits}."
    if (limits[0], limits[-1]) != (0, SCALE):
        yield f"{where}.bornes : de 0 à 100 attendu, trouvé de {limits[0]:g} à {limits[-1]:g}."
    if len(classes.libelles) != len(limits) - 1:
        yield (
            f"{where}.libelles : {len(limits) - 1} libellés attendus pour {len(limits)} bornes, "
            f"trouvé {len(classes.libelles)}."
        )
    for code in classes.indicateurs:
        if code not in method.indicateurs:
            hint = did_you_mean(code, list(method.indicateurs))
            yield f"{where}.indicateurs : indicateur inconnu « {code} ».{hint}"


def _variables(method: Method) -> Iterator[tuple[str, str]]:
    """Every variable a method reads, with its place in the file."""
    for section in ("indicateurs", "contexte", "effectifs"):
        for code, figure in getattr(method, section).items():
            for variable in figure.calcul.variables:
                yield f"{section}.{code}.calcul", variable
    for tranches in method.age_bands:
        for tranche in tranches:
            for variable in tranche.effectifs:
                yield f"volume, tranche « {tranche.ages} »", variable
