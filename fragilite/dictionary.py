"""The data dictionary: every column of the outputs, with its label, unit, type and source.

Columns of nodes and indicators come from the method, the others from ``dictionnaire.toml``. The
table schema, the metadata of the files and the documentation are made from this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fragilite.columns import COLUMN_SUFFIXES, declared
from fragilite.french import listing
from fragilite.ingestion.catalogue import load_sources, source_of_variables
from fragilite.method import Grandeur, Indicateur, Method, Moyenne, Volume
from fragilite.robustness import LECTURES
from fragilite.table import Statut

Type = Literal["string", "integer", "number", "boolean"]

#: Indicators are followed by all suffixes, context and headcounts by these.
SUFFIXES_SCORED = COLUMN_SUFFIXES
SUFFIXES_SHOWN = ("statut", "regle", "millesime")
#: Columns of the communes once the uncertainty analyses have run.
UNCERTAINTY = (
    "rang_median", "rang_min_90", "rang_max_90", "proba_premier_cinquieme",
    "part_scenarios_premier_cinquieme", "lecture",
)  # fmt: skip
#: Columns of the communes that are split, where figures by IRIS are at hand.
INSIDE = ("iris_min", "iris_max", "part_iris_4_5")
#: Columns of the IRIS, where their outlines and those of the priority neighbourhoods are at hand.
QUARTIERS = ("part_qpv", "qpv")
#: Words of a status.
STATUTS = tuple(statut.name.lower() for statut in Statut)


@dataclass(frozen=True)
class Column:
    """A column of the outputs.

    Attributes
    ----------
    nom, libelle, unite, description, source : str
        Name in the files, French label, unit, meaning, where it comes from; none is empty.
    type : {"string", "integer", "number", "boolean"}
    decimales : int
        Decimals kept in CSV files; Parquet and GeoPackage keep full precision.
    minimum, maximum : float or None
        Bounds that every value respects.
    valeurs : tuple of str
        The only words a text may be, ``()`` where it is free.
    motif : str
        Regular expression of a whole code, ``""`` for what is not one.
    """

    nom: str
    libelle: str
    type: Type
    unite: str
    description: str
    source: str
    decimales: int = 0
    minimum: float | None = None
    maximum: float | None = None
    valeurs: tuple[str, ...] = ()
    motif: str = ""


def dictionary(method: Method, millesimes: Mapping[str, str | None] | None = None) -> list[Column]:
    """Every column that the files of a method may hold, in the order of the files.

    Parameters
    ----------
    method : Method
    millesimes : mapping of str to str, optional
        Vintage of each figure in a build, and of ``population``, named in the source.

    Returns
    -------
    list of Column
    """
    vintages = millesimes or {}
    columns = [
        _static(name, method, vintages)
        for name in (
            "code_iris", "nom_iris", "type_iris", "code_insee", "nom", "code_epci", "nom_epci",
            "nature", "communes", "communes_du_calcul", "remarque", "code_departement",
            "nom_departement", "code_region", "nom_region", "population",
        )
    ]  # fmt: skip
    columns += [_node(node, method) for node in method.descending()]
    for name in ("classe", "classe_libelle"):
        if method.noeuds[method.root].classes:
            columns.append(_static(name, method, vintages))
    columns += [_node_class(node, method) for node in classed_nodes(method)]
    columns += [
        _static(name, method, vintages)
        for name in (
            "rang", "rang_sur", "personnes_a_accompagner", "personnes_a_accompagner_statut",
            "rang_volume", "part_cumulee_personnes", "completude", "completude_methode",
            "indicateurs_scores",
        )
    ]  # fmt: skip
    for code, figure in method.figures.items():
        columns += _figure(code, figure, method, vintages.get(code))
    columns += [_static(name, method, vintages) for name in (*INSIDE, *QUARTIERS)]
    if method.incertitude:
        columns += [_static(name, method, vintages) for name in UNCERTAINTY]
    return columns


def classed_nodes(method: Method) -> list[str]:
    """Nodes below the root that have classes of their own."""
    return [
        node for node in method.descending() if node != method.root and method.noeuds[node].classes
    ]


def _computed(method: Method) -> str:
    return f"Calcul fragilite, méthode {method.methode.code} {method.methode.version}"


def _static(name: str, method: Method, vintages: Mapping[str, str | None]) -> Column:
    record = dict(declared()["colonnes"][name])
    key = record.pop("source")
    source = _computed(method) if key == "calcul" else load_sources()[key].attribution
    if vintages.get(name):
        source = f"{source}, millésime {vintages[name]}"
    if name in ("classe", "classe_libelle"):
        record |= _of_classes(name, record["description"], method)
    if name == "personnes_a_accompagner" and method.volume:
        record["description"] = f"{method.volume.definition} {rates(method.volume)}."
        source = f"{source}, d'après {listing(method.volume.references)}"
    return Column(name, source=source, valeurs=_words(name, method), **record)


def rates(volume: Volume) -> str:
    """The rate of each age band, so that the estimate can be made again and cited."""
    bands = [f"{one.taux:g} % ({one.ages})".replace(".", ",") for one in volume.tranches]
    return f"Taux : {listing(bands)} ; {listing(volume.references)}"


def _of_classes(name: str, description: str, method: Method) -> dict[str, Any]:
    """What the classes of a method add to the description and bounds of their columns."""
    classes = method.noeuds[method.root].classes
    assert classes is not None
    words = classes.libelles
    said = description.format(premiere=words[0], derniere=words[-1], nombre=len(words))
    bounds = {"minimum": 1, "maximum": len(words)} if name == "classe" else {}
    return {"description": said} | bounds


def _words(name: str, method: Method) -> tuple[str, ...]:
    """The only words of a column, where its list is closed."""
    classes = method.noeuds[method.root].classes
    lists = {
        "classe_libelle": classes.libelles if classes else (),
        "personnes_a_accompagner_statut": ("estime", "absent"),
        "lecture": LECTURES,
        "type_iris": ("H", "A", "D", "Z"),
    }
    return tuple(lists.get(name, ()))


def _node(node: str, method: Method) -> Column:
    record = method.noeuds[node]
    return Column(
        method.column(node), record.libelle, "number", f"points ({scale(method)})",
        record.description, _computed(method), 1, *_limits(method),
    )  # fmt: skip


def scale(method: Method) -> str:
    """Scale of a method's scores, in French."""
    head = method.methode
    if head.bounded:
        return "de 0 à 100, 100 = le plus fragile"
    if head.normalisation == "quantiles":
        return f"de 1 à {head.arguments['classes']}, {head.arguments['classes']} = le plus fragile"
    if head.normalisation == "ratio_reference":
        return "100 = le territoire de référence, plus = plus fragile"
    return "plus = plus fragile"


def _limits(method: Method) -> tuple[float | None, float | None]:
    """Least and greatest score; none on an open scale."""
    if method.methode.bounded:
        return 0, 100
    if method.methode.normalisation == "quantiles":
        return 1, method.methode.arguments["classes"]
    return 0, None


def _node_class(node: str, method: Method) -> Column:
    label, classes = method.noeuds[node].libelle, method.noeuds[node].classes
    assert classes is not None
    return Column(
        f"classe_{node}", f"{label} : classe", "integer",
        declared()["colonnes"]["classe"]["unite"],
        f"De 1 ({classes.libelles[0]}) à {len(classes.libelles)} ({classes.libelles[-1]}).",
        _computed(method), 0, 1, len(classes.libelles),
    )  # fmt: skip


def _figure(code: str, figure: Grandeur, method: Method, millesime: str | None) -> list[Column]:
    names = {source_of_variables()[variable] for variable in figure.calcul.variables}
    source = " ; ".join(load_sources()[name].attribution for name in sorted(names))
    if millesime:
        source = f"{source}, millésime {millesime}"
    share = figure.unite == "%" and not isinstance(figure.calcul, Moyenne)
    columns = [
        Column(
            code, figure.libelle, "number", figure.unite, figure.definition, source,
            figure.decimales, 0, 100 if share else None,
        )
    ]  # fmt: skip
    suffixes = SUFFIXES_SCORED if isinstance(figure, Indicateur) else SUFFIXES_SHOWN
    limits = {
        "lisse": (0.0, 100.0),
        "score": _limits(method),
        "contribution": (0, _limits(method)[1]),
    }
    for suffix in suffixes:
        if suffix == "lisse" and not (isinstance(figure, Indicateur) and figure.lissage):
            continue
        record = dict(declared()["suffixes"][suffix])
        for key in ("libelle", "unite"):
            given = record.get(key, "")
            record[key] = given.format(
                libelle=figure.libelle, unite=figure.unite, echelle=scale(method)
            )
        low, high = limits.get(suffix, (None, None))
        computed = suffix in limits
        columns.append(
            Column(
                f"{code}_{suffix}",
                source=_computed(method) if computed else source,
                minimum=low,
                maximum=high,
                valeurs=STATUTS if suffix == "statut" else (),
                **record,
            )
        )
    return columns
