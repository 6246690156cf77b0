"""The whole line, from inputs to the tables that are written: :func:`build`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd

from fragilite import indicators, iris, scoring
from fragilite.certainty import uncertainty_of
from fragilite.cog import LAST_YEAR
from fragilite.dictionary import Column, classed_nodes, dictionary
from fragilite.distribution import france
from fragilite.errors import FragiliteError, UsageError
from fragilite.french import plural
from fragilite.indicators import Figure
from fragilite.ingestion.gather import gather, gather_iris
from fragilite.ingestion.options import Needs, Options
from fragilite.inputs import Inputs, assemble, population
from fragilite.iris import Iris
from fragilite.method import DEFAULT, Classes, Method, load_method
from fragilite.robustness import Uncertainty
from fragilite.scoring import Reference, Scores
from fragilite.table import Statut, Table, statut_names
from fragilite.territory import FRANCE, Territory, parse_territory

EPCI_PARTIEL = "EPCI partiel"
#: Level of a build, until another is asked for.
COMMUNE = "commune"
#: Level inside the communes.
IRIS = "iris"
#: What a spreadsheet would run as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Result:
    """Figures, scores and volume of a set of territories (communes, EPCI or one département)."""

    figures: Mapping[str, Figure]
    scores: Scores
    volume: pd.Series


@dataclass(frozen=True)
class Build:
    """The index of a territory, ready to be written or explained.

    Attributes
    ----------
    inputs : Inputs
    method : Method
    result, result_epci, result_departement : Result
        On communes, on whole EPCI, on whole départements.
    communes : DataFrame, shape (communes, columns of the dictionary)
        One row per commune, in the order of codes.
    epci : DataFrame
        One row per EPCI; without values where the build does not hold it whole.
    reference : dict of str to Reference
        Distribution of the indicators over France, for the normalisations that compare.
    options : Options
        Where its figures could be taken from.
    uncertainty : Uncertainty or None
        How sure the ranks are; None where it was not asked for.
    iris : Iris or None
        The same inside the communes that are split; None where no figure by IRIS is at hand.
    niveau : str
        What the rows of ``communes`` are: see :mod:`fragilite.levels`.
    """

    inputs: Inputs
    method: Method
    result: Result
    result_epci: Result
    result_departement: Result
    communes: pd.DataFrame
    epci: pd.DataFrame
    reference: Mapping[str, Reference]
    options: Options
    uncertainty: Uncertainty | None = None
    iris: Iris | None = None
    niveau: str = COMMUNE

    @property
    def nom(self) -> str:
        """Stem of the output files: ``fragilite_49``, ``fragilite_49_iris``."""
        stem = f"fragilite_{self.inputs.territory.nom}"
        return stem if self.niveau == COMMUNE else f"{stem}_{self.niveau}"

    @property
    def withdrawn(self) -> list[str]:
        """Indicators of the method that this build does not score: too old, or no data at hand."""
        return [code for code in self.method.indicateurs if code not in self.result.scores.scored]

    @cached_property
    def places_in_epci(self) -> pd.DataFrame:
        """Rank of each commune among those of its EPCI, 1 = the most fragile.

        Returns
        -------
        DataFrame
            ``rang`` and ``sur`` (communes ranked), indexed by ``code_insee``; missing without an
            index, and where the build does not hold the EPCI whole.
        """
        table = self.communes.set_index("code_insee")
        whole = table["code_epci"].isin(self.inputs.whole_epci)
        index = table[self.method.root].where(whole)
        groups = index.groupby(table["code_epci"], dropna=False)
        known = index.notna()
        return pd.DataFrame(
            {
                "rang": groups.transform(scoring.rank).astype("Int64"),
                "sur": groups.transform("count").where(known).astype("Int64"),
            }
        )

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The dictionary of this build, by column, with the vintage of each figure."""
        vintages = {code: figure.millesime for code, figure in self.result.figures.items()}
        census = self.inputs.newest(["pop"])
        vintages["population"] = census.millesime if census else None
        return {column.nom: column for column in dictionary(self.method, vintages)}


def build(
    territory: str | Territory,
    *,
    method: str | Path | Method = DEFAULT,
    annee: int = LAST_YEAR,
    options: Options | None = None,
    uncertainty: bool | None = None,
    by_iris: bool = False,
) -> Build:
    """Compute the index of digital fragility of the communes of a territory.

    Parameters
    ----------
    territory : str or Territory
        Code of a département, such as ``"49"``, or what
        :func:`fragilite.territory.parse_territory` reads.
    method : str, Path or Method
        Name of a method, path of a method file, or a method already read.
    annee : int
        Reference year: communes are those of its 1 January, ages of data are counted to it.
    options : Options, optional
        Where figures may be taken from; by default the bundled ones, else ``data/raw``, else the
        publishers.
    uncertainty : bool, optional
        Whether to say how sure the ranks are; by default yes, if the method says how, but for all
        of France.
    by_iris : bool
        Whether figures by IRIS are wanted, and fetched; else they serve if they are at hand.

    Returns
    -------
    Build

    Raises
    ------
    UsageError
        Unknown département, faulty method file, or one that does not say how sure its ranks are.
    SourceUnavailableError
        No figures at hand for this territory, or a publisher at fault.

    Examples
    --------
    >>> result = build("49")
    >>> round(float(result.communes.set_index("code_insee").loc["49007", "indice"]), 1)
    34.2
    """
    rules = method if isinstance(method, Method) else load_method(method)
    where = parse_territory(territory) if isinstance(territory, str) else territory
    needs = indicators.needs(rules)
    options = options or Options()
    gathered = gather(where, annee, needs, options)
    data = assemble(gathered, where, annee, rules.couverture_min.valeur)
    figures = indicators.compute(data, rules)
    old = {
        code
        for code in rules.indicateurs
        if indicators.is_withdrawn(figures[code].millesime, annee, rules)
    }
    reference = _reference(figures, rules, where)
    result = _result(figures, indicators.volume(data, rules), rules, old, reference)

    people = population(data)
    in_whole = data.communes["code_epci"].where(data.communes["code_epci"].isin(data.whole_epci))
    group = partial(_grouped, result, people=people, method=rules, old=old, reference=reference)
    result_epci = group(in_whole, medians=data.medians)
    codes = data.communes["code_departement"]
    result_departement = group(codes.where(codes.isin(where.departements)))  # whole ones only
    communes = _table(data.communes, people, result, rules)
    within = _by_iris(data, result, rules, needs, options, reference, wanted=by_iris)
    if within:
        communes = communes.join(within.inside)
        data = replace(data, lots=[*data.lots, *within.lots])
    sure = None
    ranked = communes["rang"].notna().any()
    if ranked and _wanted(uncertainty, rules, where) and rules.incertitude:
        sure = uncertainty_of(result, rules, rules.incertitude, people, reference)
        communes = communes.join(sure.territoires)
    return Build(
        data, rules, result, result_epci, result_departement,
        _checked(communes.reset_index()),
        _epci_table(data, people, result_epci, rules),
        reference, options, sure, within,
    )  # fmt: skip


def rebuild(done: Build, method: Method) -> Build:
    """The same territory, year and sources, by another method; without the uncertainty analyses.

    A local survey is left aside where this method counts none.
    """
    surveyed = indicators.needs(method).survey
    options = done.options if surveyed else replace(done.options, indicateur=None)
    return build(
        done.inputs.territory, method=method, annee=done.inputs.annee, options=options,
        uncertainty=False,
    )  # fmt: skip


def _wanted(uncertainty: bool | None, method: Method, where: Territory) -> bool:
    """Whether to run the uncertainty analyses: 0.1 s for a département, some 6 s for France."""
    if uncertainty and method.incertitude is None:
        raise UsageError(
            f"La méthode {method.methode.code} n'a pas de table [incertitude].",
            "Copiez celle de fragilite-2026, ou retirez --uncertainty.",
        )
    asked = where.nom != FRANCE if uncertainty is None else uncertainty
    return asked and method.incertitude is not None


def _reference(
    figures: Mapping[str, Figure], method: Method, where: Territory
) -> Mapping[str, Reference]:
    """What indicators are compared with: all communes of France, here or as bundled."""
    if where.nom == FRANCE:
        return scoring.references(
            pd.DataFrame({code: figures[code].scored for code in method.indicateurs})
        )
    return france().references(method)


def _result(
    figures: Mapping[str, Figure],
    volume: pd.Series,
    method: Method,
    old: set[str],
    reference: Mapping[str, Reference],
) -> Result:
    scored = pd.DataFrame(
        {code: figures[code].scored for code in method.indicateurs if code not in old}
    )
    return Result(figures, scoring.score(scored, method, reference), volume)


def _by_iris(
    data: Inputs,
    result: Result,
    method: Method,
    needs: Needs,
    options: Options,
    reference: Mapping[str, Reference],
    *,
    wanted: bool,
) -> Iris | None:
    """The index by IRIS, where figures are at hand for a commune that is split."""
    codes = data.around.communes.index
    gathered = gather_iris(data.territory, codes, data.annee, needs, options, wanted=wanted)
    if gathered is None:
        return None
    split = iris.split_inputs(gathered, data)
    around = split if data.around is data else iris.split_inputs(gathered, data.around)
    if split.communes.empty and not wanted:
        return None
    rules = iris.method_by_iris(method, list(split.tables.values()))

    def scored(some: Method, volume: pd.Series) -> tuple[Result, pd.DataFrame]:
        figures, vintages = iris.figures(split, around, data, result.figures, some)
        old = {
            code
            for code in some.indicateurs
            if indicators.is_withdrawn(figures[code].millesime, data.annee, some)
        }
        return _result(figures, volume, some, old, reference), vintages

    def made() -> tuple[pd.DataFrame, Result]:
        volume = indicators.volume(split, rules)
        found, vintages = scored(rules, volume)
        rows = vintages.index
        found = replace(found, volume=iris.headcounts(volume, result.volume, rows))
        people = iris.headcounts(population(split), population(data), rows)
        table = _table(iris.frame(split, data, rows), people, found, rules)
        for code in vintages:
            table[f"{code}_millesime"] = vintages[code]
        quartiers = gathered.quartiers()
        if quartiers is not None:
            there = quartiers.reindex(rows)
            table = table.join(there.assign(qpv=there["qpv"].fillna("")))
        return _checked(table.reset_index()), found

    rows = split.communes.index
    if wanted:
        both = made()
        index = both[1].scores.noeuds[rules.root]
    else:  # the columns of the communes take the scored indicators alone: a third of the time
        bare = rules.model_copy(update={"contexte": {}, "effectifs": {}})
        index = scored(bare, pd.Series(dtype=np.float64))[0].scores.noeuds[rules.root]
    inside = iris.inside(split.communes, population(split), index.reindex(rows), rules)
    outlined = gathered.contours is not None
    return Iris(rules, split, inside, outlined, (lambda: both) if wanted else made)


def _grouped(
    result: Result,
    groups: pd.Series,
    *,
    people: pd.Series,
    method: Method,
    old: set[str],
    reference: Mapping[str, Reference],
    medians: Sequence[Table] = (),
) -> Result:
    figures = indicators.regroup(result.figures, groups, people, method, medians)
    volume = result.volume.groupby(groups).agg(lambda rows: rows.sum(skipna=False))
    found = _result(figures, volume, method, old, reference)
    if method.methode.groupes == "moyenne":
        return replace(found, scores=scoring.averaged(result.scores, groups, people))
    return found


def _table(
    frame: pd.DataFrame, population: pd.Series, result: Result, method: Method
) -> pd.DataFrame:
    """Every column of the contract, in its order, on the rows of a frame."""
    scores = result.scores
    index = scores.noeuds[method.root]
    columns: dict[str, object] = {"population": population}
    columns |= {method.column(str(node)): scores.noeuds[node] for node in scores.noeuds}
    classes = method.noeuds[method.root].classes
    if classes:
        columns["classe"] = scoring.classify(index, classes.bornes)
        names = dict(enumerate(classes.libelles, start=1))
        columns["classe_libelle"] = columns["classe"].map(names)  # type: ignore[attr-defined]
    for node in classed_nodes(method):
        limits = method.noeuds[node].classes
        assert limits is not None
        columns[f"classe_{node}"] = scoring.classify(scores.noeuds[node], limits.bornes)
    known = result.volume.notna()
    columns |= {
        "rang": scoring.rank(index),
        "rang_sur": pd.Series(int(index.notna().sum()), index=index.index, dtype="Int64"),
        "personnes_a_accompagner": result.volume,
        "personnes_a_accompagner_statut": np.where(known, "estime", "absent"),
        "rang_volume": scoring.rank(result.volume),
        "part_cumulee_personnes": scoring.cumulative_share(result.volume),
        "completude": scores.completude,
        "completude_methode": scores.completude_methode,
        "indicateurs_scores": _names_scored(scores),
    }
    for code, figure in result.figures.items():
        columns[code] = figure.values
        if code in method.indicateurs:
            if method.indicateurs[code].lissage:
                columns[f"{code}_lisse"] = figure.scored
            scored = code in scores.scored
            columns[f"{code}_score"] = scores.indicateurs[code] if scored else np.nan
            columns[f"{code}_contribution"] = scores.contributions[code] if scored else np.nan
        columns[f"{code}_statut"] = statut_names(figure.statuts.to_numpy())
        columns[f"{code}_regle"] = figure.regles
        if code in method.indicateurs:
            columns[f"{code}_sature"] = scores.satures[code] if scored else False
        columns[f"{code}_millesime"] = figure.millesime or ""
    return frame.join(pd.DataFrame(columns, index=index.index))


def _names_scored(scores: Scores) -> list[str]:
    present = scores.indicateurs.notna().to_numpy()
    codes = np.array(scores.scored, dtype=object)
    return ["|".join(codes[row]) for row in present]


def _epci_table(
    data: Inputs, population: pd.Series, result: Result, method: Method
) -> pd.DataFrame:
    groups = data.communes["code_epci"]
    here = groups.value_counts().reindex(data.epci.index, fill_value=0)
    partial = here < data.epci["communes"]
    held = pd.Series([plural(count, "commune") for count in here], index=here.index, dtype="str")
    remark = EPCI_PARTIEL + " : " + held + " sur " + data.epci["communes"].astype(str)
    frame = pd.DataFrame(
        {
            "nom_epci": data.epci["nom"],
            "nature": data.epci["nature"],
            "communes": data.epci["communes"],
            "communes_du_calcul": here,
            "remarque": remark.where(partial, ""),
        }
    )
    people = population.groupby(groups).sum().where(~partial)
    return group_table(frame, people, result, method)


def group_table(
    frame: pd.DataFrame, people: pd.Series, result: Result, method: Method
) -> pd.DataFrame:
    """Columns of the contract on groups of communes; those in part in the build have no value."""
    table = _table(frame, people, result, method)
    for code in method.figures:
        table[f"{code}_statut"] = table[f"{code}_statut"].fillna(Statut.ABSENT.name.lower())
    flags = [f"{code}_sature" for code in method.indicateurs]
    table[flags] = table[flags].astype("boolean")  # missing where there is no value
    texts = table.select_dtypes(include=["str", "object"]).columns
    table[texts] = table[texts].fillna("")
    return _checked(table.reset_index())


def regrouped(build: Build, groups: pd.Series) -> Result:
    """A build on other groups of communes, from summed numerators and denominators.

    Parameters
    ----------
    groups : Series of str
        Group of each commune; missing where it belongs to none.
    """
    return _grouped(
        build.result,
        groups,
        people=population(build.inputs),
        method=build.method,
        old=set(build.withdrawn),
        reference=build.reference,
    )


def class_warnings(build: Build) -> list[str]:
    """Classes were frozen with a set of indicators: say so when a build scored another."""
    scored = set(build.result.scores.scored)
    return [*_inherited_classes(build.method)] + [
        f"Classes de « {node.libelle} » : figées avec d'autres indicateurs que ceux de ce calcul ; "
        "ne les comparez pas à celles d'un autre calcul."
        for code, node in build.method.noeuds.items()
        if node.classes
        and set(node.classes.indicateurs) != {c for c in scored if below(build.method, c, code)}
    ]


def _inherited_classes(method: Method) -> list[str]:
    """Classes of a variant that are those of its base, though it scores otherwise."""
    base = load_method(method.base) if method.base else method
    same = (base.methode.normalisation, base.methode.agregation, base.weights) == (
        method.methode.normalisation, method.methode.agregation, method.weights,
    )  # fmt: skip
    return [
        f"Classes de « {node.libelle} » : celles de {method.base}, que cette variante compte "
        "autrement ; ne les comparez pas."
        for code, node in method.noeuds.items()
        if not same and node.classes and node.classes == _classes(base, code)
    ]


def _classes(method: Method, node: str) -> Classes | None:
    return method.noeuds[node].classes if node in method.noeuds else None


def below(method: Method, indicator: str, node: str) -> bool:
    """Whether an indicator counts in a node."""
    at: str | None = method.indicateurs[indicator].noeud
    while at is not None and at != node:
        at = method.noeuds[at].parent
    return at == node


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    """Refuse a text cell that a spreadsheet would run as a formula."""
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]):
            continue
        for text in pd.unique(table[name]):
            if isinstance(text, str) and text.startswith(FORMULA):
                raise FragiliteError(
                    f"Colonne {name} : « {text} » commence comme une formule de tableur.",
                    "Corrigez ce nom dans la source : rien n'est modifié en silence.",
                )
    return table
