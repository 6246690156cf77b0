"""What is measured of a method on a territory: plain tables, no sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fragilite import audit_stats
from fragilite.french import listing, number, plural
from fragilite.method import SCALE, Effectif, Method, NombreNonNuls
from fragilite.pipeline import Build, class_warnings
from fragilite.provenance import source_records
from fragilite.robustness import Sensitivity, Uncertainty
from fragilite.robustness.records import FIFTH
from fragilite.scoring import TIE, Indice, Regle, leaf_shares, prune, rank
from fragilite.table import Statut

#: Correlations need it, and shares of variance: on two communes, any two indicators have a
#: correlation of 1 or −1.
LEAST = 3
#: Under it, one commune is enough to turn a result.
FEW = 10
#: Two indicators so close count the same thing twice, wherever they are in the tree.
TWICE = 0.9
#: Two indicators so close belong to one node rather than to two.
CROSSING = 0.6
#: From here down a correlation is written −0,01 or less.
NEGATIVE = -0.005
#: Two nodes so close rank communes in almost the same order.
ALIKE = 0.95
#: Most fragile communes whose index is taken apart.
TOP = 5


@dataclass(frozen=True)
class Audit:
    """Evidence on a method and a territory; communes count one each, whatever their population.

    Attributes
    ----------
    methode : Method
    territoire : str
        Name for readers.
    annee, communes, classees, completes : int
        Reference year; communes of the territory; those that have an index; those that have one and
        miss no scored indicator, but for those that no commune has.
    indicateurs : DataFrame, indexed by indicator of the method
        ``millesime``, ``age`` (years), ``retire`` (why it is not scored, ``""`` if it is),
        ``normalisation``; the distribution of its values (:func:`audit_stats.distributions`), and
        that of its scores under the same names with ``_points``; ``au_bas``, ``au_haut``: shares of
        the scores at the ends of the scale, NaN where it has none; ``habitants_sans``: share of the
        population whose commune has no value.
    statuts : DataFrame of int, shape (indicators, statuses)
        Communes of each status.
    correlations, correlations_noeuds : DataFrame of float64
        Spearman's, between scores, of indicators and of nodes, on the communes that have both.
    signalees : DataFrame
        Pairs worth a look: ``un``, ``autre`` (codes), ``rho``, ``motif`` (``doublon``,
        ``autre_noeud`` or ``contraire``).
    poids : DataFrame, indexed by scored indicator
        ``declare`` (weight in the index, brought to 1 over what is scored), ``part`` (share of the
        variance, on the complete communes), ``pearson`` and ``spearman`` with the index, on those
        that have both.
    noeuds : DataFrame, indexed by node
        The same; and on the indicators below it ``items``, ``lignes`` (communes that have them
        all), ``alpha``, ``premiere`` (share of the first component), ``composantes`` (how many have
        a variance above 1), ``meme_signe`` (whether its loadings have one sign).
    charges : DataFrame, shape (indicators, nodes)
        Loadings on the first component of each node, NaN outside it.
    completude : DataFrame
        ``communes`` by share of the weight observed, and ``avec_indice``.
    tete : DataFrame, indexed by commune
        The most fragile: ``nom``, ``population``, ``rang``, ``indice`` and the contribution of
        each indicator, or its score where contributions do not exist.
    contraste : DataFrame, indexed by indicator
        Mean score in the first fifth of the ranks (``premier_cinquieme``) and elsewhere
        (``reste``); mean contributions of the complete communes, under the same names after
        ``contribution_``, NaN where there are none.
    habitants : (float, float)
        Median population of the communes of the first fifth, and of the others.
    premiers : int
        Communes that share the first rank.
    ecart_voisins : float
        Median difference of index between communes that follow each other.
    minimum, maximum : float
        Lowest and highest index.
    contexte : DataFrame, indexed by figure shown and not scored, headcounts apart
        ``communes`` and ``spearman`` with the index.
    classes : DataFrame
        ``libelle``, ``communes``, ``habitants`` by class; empty without classes.
    additive : bool
        Whether contributions exist.
    sources : list of dict
        As :func:`fragilite.provenance.source_records` gives them.
    avertissements, remarques : list of str
        In French: what a class cannot be compared with; what could not be measured, and why.
    incertitude, facteurs : DataFrame or None
        As given.
    phrase : str
        What the sensitivity says.
    """

    methode: Method
    territoire: str
    annee: int
    communes: int
    classees: int
    completes: int
    indicateurs: pd.DataFrame
    statuts: pd.DataFrame
    correlations: pd.DataFrame
    correlations_noeuds: pd.DataFrame
    signalees: pd.DataFrame
    poids: pd.DataFrame
    noeuds: pd.DataFrame
    charges: pd.DataFrame
    completude: pd.DataFrame
    tete: pd.DataFrame
    contraste: pd.DataFrame
    habitants: tuple[float, float]
    premiers: int
    ecart_voisins: float
    minimum: float
    maximum: float
    contexte: pd.DataFrame
    classes: pd.DataFrame
    additive: bool
    sources: list[dict[str, str]]
    avertissements: list[str]
    remarques: list[str]
    incertitude: pd.DataFrame | None = None
    facteurs: pd.DataFrame | None = None
    phrase: str = ""


def audit(
    build: Build,
    *,
    incertitude: Uncertainty | None = None,
    sensibilite: Sensitivity | None = None,
) -> Audit:
    """Measure the internal coherence of a method on the communes of a build.

    Parameters
    ----------
    build : Build
        Of any method: contributions, hence shares of variance, exist for arithmetic means only.
    incertitude : Uncertainty, optional
        How far ranks could move, on the same communes.
    sensibilite : Sensitivity, optional
        Which choices move them.

    Returns
    -------
    Audit
        What the communes are too few or too alike to give is NaN, and named in ``remarques``.

    Source: OECD/JRC, Handbook on Constructing Composite Indicators (2008).
    """
    method, scores = build.method, build.result.scores
    index = scores.noeuds[method.root]
    measured = _measured(scores.indicateurs) if _enough(index) else []
    tree = prune(method, scores.scored)
    communes = build.communes.set_index("code_insee")
    additive = not scores.contributions[index.notna()].isna().all(axis=None)
    complete = _complete(scores.indicateurs, index)
    weights = _weights(build, tree, measured, complete)
    asked = measured and additive
    unshared = _unshared(weights["part"], int(complete.sum())) if asked else []
    nodes = _nodes(build, tree, weights, measured)
    matrices = [
        _matrix(scores.indicateurs[measured]),
        _matrix(scores.noeuds[list(tree)] if measured else pd.DataFrame(index=index.index)),
    ]
    return Audit(
        methode=method,
        territoire=build.inputs.territory.libelle,
        annee=build.inputs.annee,
        communes=len(index),
        classees=int(index.notna().sum()),
        completes=int(complete.sum()),
        indicateurs=_indicators(build, communes),
        statuts=_statuses(build),
        correlations=matrices[0],
        correlations_noeuds=matrices[1],
        signalees=_flagged(build, tree, measured),
        poids=weights,
        noeuds=nodes,
        charges=_loadings(scores.indicateurs[measured], tree),
        completude=_completeness(build),
        tete=_top(build, communes, additive),
        contraste=_contrast(build, complete),
        habitants=_sizes(build, communes["population"]),
        premiers=int((rank(index) == 1).sum()),
        ecart_voisins=float(index.dropna().sort_values().diff().median()),
        minimum=float(index.min()),
        maximum=float(index.max()),
        contexte=_context(build, bool(measured)),
        classes=_classes(build, communes),
        additive=additive,
        sources=source_records(build.inputs.lots),
        avertissements=class_warnings(build),
        remarques=_remarks(build, measured, additive) + unshared,
        incertitude=None if incertitude is None else incertitude.territoires,
        facteurs=None if sensibilite is None else sensibilite.facteurs,
        phrase="" if sensibilite is None else sensibilite.phrase,
    )


# --- what can be measured ------------------------------------------------------------------------


def _enough(index: pd.Series) -> bool:
    return int(index.notna().sum()) >= LEAST and _varies(index)


def _varies(values: pd.Series) -> bool:
    return bool(values.max() - values.min() > TIE)


def _measured(scores: pd.DataFrame) -> list[str]:
    """Indicators whose scores vary, on communes enough."""
    return [str(code) for code in scores if _enough(scores[code])]


def _complete(scores: pd.DataFrame, index: pd.Series) -> pd.Series:
    """Whether each commune has an index and every indicator that some ranked commune has."""
    somewhere = scores.columns[scores[index.notna()].notna().any()]
    complete: pd.Series = index.notna() & scores[somewhere].notna().all(axis=1)
    return complete


def _unshared(shares: pd.Series, complete: int) -> list[str]:
    """Why there is no share of variance, where the rest is measured."""
    if shares.notna().any():
        return []
    alike = ", qui ont le même indice" if complete >= LEAST else ""
    return [
        f"Parts de variance non calculées : elles demandent au moins {LEAST} communes d'indices "
        f"différents où aucun indicateur compté ne manque, et il y en a {number(complete)}{alike}."
    ]


def _remarks(build: Build, measured: Sequence[str], additive: bool) -> list[str]:
    scores, method = build.result.scores, build.method
    index = scores.noeuds[method.root]
    known, found = int(index.notna().sum()), []
    undone = "corrélations, alpha, composantes et parts de variance"
    if known == 0:
        found.append(f"Aucune commune n'a d'indice : {undone} ne sont pas calculés.")
    elif known < LEAST:
        verb = "a" if known == 1 else "ont"
        found.append(
            f"{plural(known, 'commune')} seulement {verb} un indice : {undone} en demandent au "
            f"moins {LEAST} et ne sont pas calculés. Le reste l'est."
        )
    elif not _varies(index):
        found.append(
            f"Les {known} communes ont le même indice : rien ne les distingue, donc {undone} ne "
            "sont pas calculés. Le reste l'est."
        )
    elif known < FEW:
        found.append(
            f"{plural(known, 'commune')} seulement ont un indice : une seule suffit à changer ces "
            "résultats, à lire avec prudence."
        )
    if not measured:
        return found
    labels = {code: method.indicateurs[code].libelle for code in scores.scored}
    empty = [code for code in scores.scored if scores.indicateurs[code].isna().all()]
    few = [code for code in scores.scored if code not in empty]
    few = [code for code in few if scores.indicateurs[code].notna().sum() < LEAST]
    still = [code for code in scores.scored if code not in {*measured, *empty, *few}]
    for codes, why in (
        (empty, "aucune commune n'a de valeur"),
        (few, f"moins de {LEAST} communes ont une valeur"),
        (still, "les communes ont toutes le même score"),
    ):
        if codes:
            names = listing([f"« {labels[code]} »" for code in codes])
            found.append(f"{names} : {why}, donc ni corrélation, ni composante.")
    if known >= FEW:
        found += _hanging_on_few(scores.indicateurs[measured], labels)
    if not additive:
        found.append(
            "Cette méthode n'additionne pas ses indicateurs : leur part de la variance n'existe "
            "pas, seule leur corrélation avec l'indice est donnée."
        )
    return found


def _hanging_on_few(scores: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    """Indicators that few communes have, as those of a local survey: what is read of them."""
    having = {str(code): int(scores[code].notna().sum()) for code in scores}
    return [
        f"« {labels[code]} » n'a de valeur que dans {plural(count, 'commune')} : ses liens avec "
        "les autres, et tout ce qui demande que rien ne manque (parts de variance, alpha, "
        "composantes), ne tiennent qu'à elles, à lire avec prudence."
        for code, count in having.items()
        if count < FEW
    ]


# --- indicators ----------------------------------------------------------------------------------


def scale_of(rule: Regle) -> tuple[float, float] | None:
    """Ends of the scale of a score, None where it is open.

    Examples
    --------
    >>> scale_of(Regle("quantiles", parametres={"classes": 10})), scale_of(Regle("ratio_reference"))
    ((1.0, 10.0), None)
    """
    given = rule.parametres
    if rule.normalisation == "quantiles":
        return 1.0, float(given["classes"])
    if rule.normalisation == "rang_centile":
        return 0.0, float(given.get("echelle", SCALE))
    if rule.normalisation == "min_max":
        return float(given.get("bas", 0.0)), float(given.get("haut", SCALE))
    bounded = rule.normalisation == "bornes" or bool(given.get("tronque"))
    return (0.0, SCALE) if bounded else None


def _indicators(build: Build, communes: pd.DataFrame) -> pd.DataFrame:
    method, scores = build.method, build.result.scores
    # A smoothed share is scored as smoothed: that is the column to look at.
    columns = {
        code: communes[f"{code}_lisse" if f"{code}_lisse" in communes else code]
        for code in method.indicateurs
    }
    values = pd.DataFrame(columns).astype(np.float64)
    points = scores.indicateurs.reindex(columns=list(method.indicateurs))
    table = audit_stats.distributions(values).join(
        audit_stats.distributions(points).add_suffix("_points")
    )
    people = communes["population"].astype(np.float64)
    whole = people.sum()
    rules = Indice.of(method).indicateurs
    rows = {}
    for code in method.indicateurs:
        vintage = build.result.figures[code].millesime
        ends = scale_of(rules[code])
        known = points[code].dropna()
        low, high = ends or (np.nan, np.nan)
        bounded = bool(ends) and len(known) > 0
        rows[code] = {
            "millesime": vintage or "",
            "age": build.inputs.annee - int(vintage[:4]) if vintage else np.nan,
            "retire": _why_withdrawn(build, code),
            "normalisation": rules[code].normalisation,
            "au_bas": float((known <= low + TIE).mean()) if bounded else np.nan,
            "au_haut": float((known >= high - TIE).mean()) if bounded else np.nan,
            "habitants_sans": float(people[values[code].isna()].sum() / whole) if whole else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").join(table)


def _why_withdrawn(build: Build, code: str) -> str:
    if code not in build.withdrawn:
        return ""
    vintage = build.result.figures[code].millesime
    return f"données de {vintage[:4]}, trop anciennes" if vintage else "aucune donnée à portée"


def _statuses(build: Build) -> pd.DataFrame:
    names = {int(status): status.name.lower() for status in Statut}
    rows = {
        code: build.result.figures[code].statuts.map(names).value_counts()
        for code in build.method.indicateurs
    }
    table = pd.DataFrame(rows).T.reindex(columns=list(names.values()))
    return table.fillna(0).astype(int)


def _completeness(build: Build) -> pd.DataFrame:
    """Communes by the share of the weight that is observed, the fullest first."""
    scores, method = build.result.scores, build.method
    index = scores.noeuds[method.root]
    table = pd.DataFrame(
        {"completude": scores.completude.round(9), "communes": 1, "avec_indice": index.notna()}
    )
    found = table.groupby("completude").sum().astype(int)
    return found.sort_index(ascending=False)


# --- structure -----------------------------------------------------------------------------------


def _matrix(scores: pd.DataFrame) -> pd.DataFrame:
    columns = {code: audit_stats.correlations(scores, scores[code], "spearman") for code in scores}
    return pd.DataFrame(columns, index=scores.columns, columns=scores.columns, dtype=np.float64)


def _weights(
    build: Build,
    tree: Mapping[str, Mapping[str, float]],
    measured: Sequence[str],
    complete: pd.Series,
) -> pd.DataFrame:
    """Declared weights of the scored indicators, beside what they weigh in fact."""
    scores = build.result.scores
    index = scores.noeuds[build.method.root]
    declared = pd.Series(leaf_shares(tree).get(build.method.root, {}), dtype=np.float64)
    table = pd.DataFrame({"declare": declared.reindex(scores.scored)})
    table["part"] = np.nan
    if measured and complete.sum() >= LEAST:
        table["part"] = audit_stats.variance_shares(scores.contributions[complete], index[complete])
    for name in ("pearson", "spearman"):
        found = audit_stats.correlations(scores.indicateurs[list(measured)], index, name)
        table[name] = found.reindex(table.index).astype(np.float64)
    return table


def _nodes(
    build: Build,
    tree: Mapping[str, Mapping[str, float]],
    weights: pd.DataFrame,
    measured: Sequence[str],
) -> pd.DataFrame:
    scores, method = build.result.scores, build.method
    index, below = scores.noeuds[method.root], leaf_shares(tree)
    rows = {}
    for node in tree:
        leaves = [code for code in scores.scored if code in below[node]]
        items = scores.indicateurs[[code for code in leaves if code in measured]]
        row = {
            "declare": weights.loc[leaves, "declare"].sum(),
            "part": weights.loc[leaves, "part"].sum(min_count=1),
            "items": items.shape[1],
            "lignes": len(items.dropna()),
            "alpha": audit_stats.cronbach_alpha(items),
        }
        for name in ("pearson", "spearman"):
            one = scores.noeuds[[node]] if measured else pd.DataFrame({node: index * np.nan})
            row[name] = audit_stats.correlations(one, index, name)[node]
        rows[node] = row | _first_component(items)
    names = [
        "declare", "part", "pearson", "spearman", "items", "lignes", "alpha", "premiere",
        "composantes", "meme_signe",
    ]  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _first_component(items: pd.DataFrame) -> dict[str, Any]:
    """Share of the first component, how many exceed one indicator's variance, one sign or not."""
    found = audit_stats.principal_components(items)
    if items.shape[1] < 2 or found.parts.empty:
        return {"premiere": np.nan, "composantes": np.nan, "meme_signe": None}
    loadings = found.charges[1]
    return {
        "premiere": float(found.parts.iloc[0]),
        "composantes": int((found.ecarts_types > 1 + TIE).sum()),
        "meme_signe": bool((loadings > -TIE).all() or (loadings < TIE).all()),
    }


def _loadings(scores: pd.DataFrame, tree: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    below, columns = leaf_shares(tree), {}
    for node in tree:
        items = scores[[code for code in scores if code in below[node]]]
        found = audit_stats.principal_components(items)
        if items.shape[1] > 1 and not found.parts.empty:
            columns[node] = found.charges[1]
    return pd.DataFrame(columns, index=scores.columns, dtype=np.float64)


def _flagged(
    build: Build, tree: Mapping[str, Mapping[str, float]], measured: Sequence[str]
) -> pd.DataFrame:
    """Pairs that the structure of the tree does not expect."""
    scores, below = build.result.scores, leaf_shares(tree)
    parents = {child: node for node, children in tree.items() for child in children}
    nodes = [node for node in tree if node in parents] if measured else []
    values = pd.concat([scores.indicateurs[list(measured)], scores.noeuds[nodes]], axis=1)
    codes, rows = [*measured, *nodes], []
    for place, one in enumerate(codes):
        for other in codes[place + 1 :]:
            siblings = parents[one] == parents[other]
            # What one indicator alone makes would say the same of it twice.
            cousins = (one in nodes) == (other in nodes) and all(
                code not in nodes or len(below[code]) > 1 for code in (one, other)
            )
            if _nested(one, other, below) or not (siblings or cousins):
                continue
            rho = audit_stats.correlations(values[[other]], values[one], "spearman")[other]
            if motif := _motive(rho, siblings):
                rows.append({"un": one, "autre": other, "rho": rho, "motif": motif})
    table = pd.DataFrame(rows, columns=["un", "autre", "rho", "motif"])
    order = table["rho"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _nested(one: str, other: str, below: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether one of two nodes holds the other."""
    first, second = set(below.get(one, {one})), set(below.get(other, {other}))
    return first <= second or second <= first


def _motive(rho: float, siblings: bool) -> str:
    if abs(rho) > TWICE + TIE:
        return "doublon"
    if siblings:
        return "contraire" if rho < NEGATIVE else ""
    return "autre_noeud" if abs(rho) > CROSSING + TIE else ""


# --- back to the communes ------------------------------------------------------------------------


def _top(build: Build, communes: pd.DataFrame, additive: bool) -> pd.DataFrame:
    scores = build.result.scores
    index = scores.noeuds[build.method.root]
    table = communes[["nom", "population"]].assign(rang=rank(index), indice=index)
    chosen = table.dropna(subset=["indice"]).sort_values(["rang", "nom"], kind="stable").head(TOP)
    return chosen.join(scores.contributions if additive else scores.indicateurs)


def _first_fifth(build: Build) -> pd.Series:
    """Whether each ranked commune is in the first fifth, equal indices staying together."""
    ranks = rank(build.result.scores.noeuds[build.method.root]).dropna().astype(int)
    first: pd.Series = ranks <= np.ceil(FIFTH * len(ranks) - TIE)
    return first


def _sizes(build: Build, people: pd.Series) -> tuple[float, float]:
    first = _first_fifth(build)
    ranked = people.astype(np.float64).loc[first.index]
    return float(ranked[first].median()), float(ranked[~first].median())


def _contrast(build: Build, complete: pd.Series) -> pd.DataFrame:
    """Mean scores in the first fifth and elsewhere, and mean contributions of complete communes.

    Beside a commune that misses an indicator, what the others carry for it would not compare.
    """
    first, scores = _first_fifth(build), build.result.scores
    parts = scores.contributions[complete]
    columns = {}
    for prefix, points in (("", scores.indicateurs.loc[first.index]), ("contribution_", parts)):
        inside = first[points.index]
        columns[f"{prefix}premier_cinquieme"] = points[inside].mean()
        columns[f"{prefix}reste"] = points[~inside].mean()
    return pd.DataFrame(columns, dtype=np.float64)


def _context(build: Build, measurable: bool) -> pd.DataFrame:
    """Correlation with the index of the figures that are shown and not scored."""
    index = build.result.scores.noeuds[build.method.root]
    rows = {}
    for code, figure in build.method.contexte.items():
        if isinstance(figure.calcul, Effectif | NombreNonNuls):
            continue  # a count says how large a commune is
        values = build.result.figures[code].values
        both = int((values.notna() & index.notna()).sum())
        enough = measurable and both >= LEAST
        found = audit_stats.correlations(values.to_frame(code), index, "spearman")
        rows[code] = {"communes": both, "spearman": found[code] if enough else np.nan}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["communes", "spearman"])


def _classes(build: Build, communes: pd.DataFrame) -> pd.DataFrame:
    classes = build.method.noeuds[build.method.root].classes
    if classes is None:
        return pd.DataFrame(columns=["libelle", "communes", "habitants"])
    groups = communes.groupby(communes["classe"].astype("Int64"))["population"]
    numbers = pd.RangeIndex(1, len(classes.libelles) + 1)
    return pd.DataFrame(
        {
            "libelle": classes.libelles,
            "communes": groups.size().reindex(numbers, fill_value=0).to_numpy(int),
            "habitants": groups.sum().reindex(numbers, fill_value=0.0).to_numpy(float),
        },
        index=numbers,
    )
