"""How far a rank could move: under the smallness of the data, and under other choices of method.

Two analyses, never mixed into one number. :func:`data_noise` keeps the method and redraws the
data; :func:`method_choices` keeps the data and redraws the method; :func:`uncertainty` runs both
and reads them together. Seeds are declared: the same call gives the same numbers, whatever the
order of rows.

Nested means of one kind collapse into one mean of the indicators, whose weights are the products
down the tree; missing cells change these weights only, alike for all the territories that miss the
same cells. So a draw costs one product and one sort.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import Any, Literal

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.errors import UsageError
from fragilite.method import SCALE, Method
from fragilite.scoring import TIE, Indice, Reference

#: Seed of the published figures.
SEED = 20261121
#: Share of the territories that make the first fifth.
FIFTH = 0.2
#: Under this many ranked territories, a fifth is less than one of them.
LEAST = 5
#: Cells of one array of a chunk of draws (16 MB).
CELLS = 2**21


@dataclass(frozen=True)
class Noise:
    """What is known of the noise of the data.

    Attributes
    ----------
    modele : str
        ``sondage``: sampling error of the principal census, null under `exhaustif` inhabitants,
        where everyone is surveyed once in five years. ``superpopulation`` (« instabilité des petits
        effectifs »): adds the chance that made these few people what they are, in every commune.
    taux_sondage : float
        Share of dwellings surveyed in five years, f: 8 % a year in the larger communes.
    effet_plan : float
        Design effect of the census, stated and not published (variants: 1 and 2).
    exhaustif : float
        Inhabitants from which a commune is surveyed by sample.
    imbriques : sequence of sequences of str
        Shares of the same people, each counted in the one before it (65 or over, then 80 or over
        living alone): drawn together.
    arrondis : mapping of str to float
        Rounding step of a published figure, in the indicator's unit.
    ecarts_logit : mapping of str to Series of float64
        For smoothed shares, posterior standard deviation on the logit scale: it replaces the two
        models, and the share leaves its chain.
    """

    modele: Literal["sondage", "superpopulation"] = "superpopulation"
    taux_sondage: float = 0.4
    effet_plan: float = 1.5
    exhaustif: float = 10_000
    imbriques: Sequence[Sequence[str]] = ()
    arrondis: Mapping[str, float] = field(default_factory=dict)
    ecarts_logit: Mapping[str, pd.Series] = field(default_factory=dict)

    def factor(self, population: np.ndarray) -> np.ndarray:
        """Variance of a census share due to the survey, in units of p(1−p)/N.

        deff·(1−f)/f where a share f is surveyed, 0 where everyone is.

        Source: Insee, « Le recensement de la population » : under 10 000 inhabitants, everyone once
        in five years; from 10 000 up, 8 % of the dwellings each year.
        """
        survey = self.effet_plan * (1 - self.taux_sondage) / self.taux_sondage
        return np.where(population >= self.exhaustif, survey, 0.0)


@dataclass(frozen=True)
class Choices:
    """Choices of method that are drawn.

    Attributes
    ----------
    concentration : float
        Of the Dirichlet of the weights at each node, around the declared ones (variants: 10, 100):
        a weight w has the standard deviation √(w(1−w)/(concentration+1)).
    normalisations, agregations : sequence of str
        Drawn evenly; a z-score goes with the arithmetic mean only. Indicators with absolute bounds
        keep them.
    part_retrait : float
        Share of the draws that leave one indicator out.
    """

    concentration: float = 50.0
    normalisations: Sequence[str] = ("bornes", "rang_centile", "z_score")
    agregations: Sequence[str] = ("arithmetique", "geometrique", "harmonique")
    part_retrait: float = FIFTH


#: Parameters of the normalisations that are drawn: all give scores 0–100.
PARAMETRES: Mapping[str, Mapping[str, Any]] = {
    "z_score": {"centre": 50.0, "ecart": 20.0, "tronque": True}
}


@dataclass(frozen=True)
class Draws:
    """Ranks over the draws of one analysis.

    Attributes
    ----------
    territoires : DataFrame, indexed as the indicators
        ``premier_cinquieme``: share of the draws in the first fifth, whose sum is
        K = ceil(0.2 · ranked), ties at the cut sharing it; ``rang_median``, ``rang_min_90``,
        ``rang_max_90`` (Int64): 50 %, 5 % and 95 % quantiles of the rank, 1 = most fragile.
        Missing where the declared method gives no index.
    tirages : DataFrame, shape (draws, …)
        What was drawn (choices of method only: ``normalisation``, ``agregation``, ``retire``, one
        column ``poids_<child>`` per weight) and ``deplacement``, mean shift of the ranks.
    """

    territoires: pd.DataFrame
    tirages: pd.DataFrame


@dataclass(frozen=True)
class Uncertainty:
    """Both analyses.

    Attributes
    ----------
    territoires : DataFrame, indexed as the indicators
        ``rang_median``, ``rang_min_90``, ``rang_max_90``, ``proba_premier_cinquieme`` (noise of the
        data), ``part_scenarios_premier_cinquieme`` (choices of method), ``lecture``.
    donnees : Draws or None
        None without denominators.
    methode : Draws
    remarques : list of str
        In French: what could not be done, and why.
    """

    territoires: pd.DataFrame
    donnees: Draws | None
    methode: Draws
    remarques: list[str]


def uncertainty(
    indicators: pd.DataFrame,
    method: Method | Indice,
    draws: int = 1000,
    seed: int = SEED,
    denominators: pd.DataFrame | None = None,
    *,
    population: pd.Series | None = None,
    reference: Mapping[str, Reference] | None = None,
    noise: Noise | None = None,
    choices: Choices | None = None,
) -> Uncertainty:
    """How sure a rank is: noise of the data, and choices of method.

    Parameters
    ----------
    indicators : DataFrame of float64, shape (territories, indicators)
        Columns named after the method's indicators, in their units, NaN where missing; indexed by
        code.
    method : Method or Indice
    draws, seed : int
        Draws of each analysis.
    denominators : DataFrame of float64, shape (territories, shares), optional
        People each census share (in %) is observed on. Without it, choices of method only.
    population : Series of float64, optional
        Inhabitants; by default the largest denominator.
    reference : mapping of str to Reference, optional
        Distribution of each indicator over the whole country; without it, the normalisations that
        compare are not drawn.
    noise : Noise, optional
    choices : Choices, optional

    Returns
    -------
    Uncertainty

    Raises
    ------
    UsageError
        A code that appears twice, no draw, or means that differ from one node to another.
    """
    remarks = []
    if reference is None:
        remarks.append(
            "Sans distribution nationale, seule la normalisation déclarée a servi aux scénarios."
        )
    chosen = method_choices(indicators, method, draws, seed, reference=reference, choices=choices)
    table = pd.DataFrame(index=indicators.index)
    noisy = None
    if denominators is None:
        remarks.append("Sans dénominateurs, le bruit des données n'est pas mesuré.")
        for name in ("rang_median", "rang_min_90", "rang_max_90"):
            table[name] = pd.array([pd.NA] * len(table), dtype="Int64")
        table["proba_premier_cinquieme"] = np.nan
    else:
        noisy = data_noise(
            indicators, method, denominators, draws, seed,
            population=population, reference=reference, noise=noise,
        )  # fmt: skip
        table = noisy.territoires.rename(columns={"premier_cinquieme": "proba_premier_cinquieme"})
        table = table[[*table.columns[1:], table.columns[0]]]
    table["part_scenarios_premier_cinquieme"] = chosen.territoires["premier_cinquieme"]
    ranked = int(chosen.territoires["premier_cinquieme"].notna().sum())
    if ranked < LEAST:
        remarks.append(
            f"Moins de {LEAST} territoires classés ({ranked}) : le premier cinquième n'a pas de "
            "sens, aucune lecture n'est proposée."
        )
        table["lecture"] = ""
    else:
        table["lecture"] = lecture(
            table["proba_premier_cinquieme"], table["part_scenarios_premier_cinquieme"]
        )
    empty = [str(code) for code in indicators if indicators[code].isna().all()]
    if empty:
        remarks.append(f"Sans aucune valeur, non tirés : {', '.join(empty)}.")
    return Uncertainty(table, noisy, chosen, remarks)


#: Readings, from the surest to the least sure.
LECTURES = ("signal net", "signal probable", "pas de signal", "à confirmer sur le terrain")


def lecture(
    donnees: pd.Series,
    scenarios: pd.Series,
    *,
    net: float = 0.9,
    probable: float = 0.5,
    sans: float = 0.1,
) -> pd.Series:
    """What the two shares let one say of a territory and the first fifth.

    Parameters
    ----------
    donnees, scenarios : Series of float64
        Shares of the draws in the first fifth, for the noise of the data and for the choices of
        method.
    net, probable, sans : float
        Readings ask both to be at least `net`, at least `probable`, or at most `sans`.

    Returns
    -------
    Series of str
        ``""`` where either is missing.

    Source: METHODE, « Lecture ».

    Examples
    --------
    >>> lecture(pd.Series([0.95, 0.6, 0.05, 0.95]), pd.Series([0.9, 0.5, 0.1, 0.2])).tolist()
    ['signal net', 'signal probable', 'pas de signal', 'à confirmer sur le terrain']
    """
    low, high = np.fmin(donnees, scenarios) + TIE, np.fmax(donnees, scenarios) - TIE
    cases = [donnees.isna() | scenarios.isna(), low >= net, low >= probable, high <= sans]
    texts = np.select(cases, ["", *LECTURES[:3]], LECTURES[3])
    return pd.Series(texts, index=donnees.index, dtype=str)


# --- the index, collapsed ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ranked:
    """Territories that have an index, those that miss the same cells side by side.

    `rows` are their places in the table, `values` their indicators (codes, ranked), `patterns` the
    cells each group has, `starts` where groups start; `ranks` are those of the declared method.
    """

    index: Indice
    tree: Mapping[str, Mapping[str, float]]
    codes: list[str]
    rows: np.ndarray
    values: np.ndarray
    patterns: np.ndarray
    starts: np.ndarray
    ranks: np.ndarray

    def groups(self) -> Iterator[tuple[np.ndarray, slice]]:
        """Cells that a group has, and its places."""
        limits = [*self.starts, len(self.rows)]
        for pattern, (start, end) in zip(self.patterns, pairwise(limits), strict=True):
            yield pattern, slice(start, end)


def _ranked(
    indicators: pd.DataFrame, method: Method | Indice, reference: Mapping[str, Reference] | None
) -> _Ranked:
    index = Indice.of(method)
    if not isinstance(index.agregation, str):
        raise UsageError(
            "L'incertitude se calcule avec la même agrégation à tous les nœuds.",
            "Donnez une seule agrégation.",
        )
    twice = indicators.index[indicators.index.duplicated()]
    if len(twice):
        raise UsageError(f"Code en double : {twice[0]}.", "Gardez une seule ligne par code.")
    given = [code for code in index.indicateurs if code in indicators]
    scores = scoring.normalise(indicators[given].astype(np.float64), index, reference)
    codes = [code for code in given if scores[code].notna().any()]
    if not codes:
        raise UsageError(
            "Aucun indicateur de la méthode n'a de valeur.", "Vérifiez les noms de colonnes."
        )
    declared = scoring.aggregate(scores[codes], index)[index.root]
    ranks = scoring.rank(declared)
    known = declared.notna().to_numpy()
    present = scores[codes].notna().to_numpy()[known]
    cells = indicators[codes].to_numpy(np.float64)[known]
    patterns, group = np.unique(present, axis=0, return_inverse=True)
    order = np.lexsort([indicators.index[known].argsort().argsort(), group.ravel()])
    starts = np.searchsorted(group.ravel()[order], np.arange(len(patterns)))
    return _Ranked(
        index, scoring.prune(index, codes), codes, np.flatnonzero(known)[order],
        np.ascontiguousarray(cells[order].T), patterns, starts,
        ranks.to_numpy(np.float64, na_value=np.nan)[known][order],
    )  # fmt: skip


def _effective(
    data: _Ranked,
    weights: Mapping[str, np.ndarray],
    present: np.ndarray,
    kept: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each indicator in the whole, what is missing shared out inside its node.

    Parameters
    ----------
    weights : mapping of str to ndarray, shape (draws, children)
        By node.
    present : ndarray of bool, shape (draws, indicators)
        Cells there are; `kept`: indicators that the draw keeps in the tree. Thresholds are judged
        with the declared weights, so that draws change how a territory is ranked, not whether.

    Returns
    -------
    effective : ndarray, shape (draws, indicators)
    enough : ndarray of bool, shape (draws,)
        Whether the index has enough of its weight.
    """
    column = {code: place for place, code in enumerate(data.codes)}
    there = {code: present[:, place] for code, place in column.items()}
    shared, below = {}, scoring.leaf_shares(data.tree)
    for node in reversed(list(data.tree)):
        leaves = below[node]
        places, declared = [column[leaf] for leaf in leaves], np.array(list(leaves.values()))
        least = data.index.completude_min
        need = least.indice if node == data.index.root else least.noeud
        whole = kept[:, places] @ declared
        seen = present[:, places] @ declared
        drawn = weights[node] * np.column_stack([there[child] for child in data.tree[node]])
        total = drawn.sum(axis=1)
        there[node] = (total > 0) & (whole > 0) & (seen >= (need - TIE) * whole)
        shared[node] = drawn / np.where(total > 0, total, 1)[:, None]
    effective = {data.index.root: np.ones(len(present))}
    for node, children in data.tree.items():
        for place, child in enumerate(children):
            effective[child] = effective[node] * shared[node][:, place]
    return np.column_stack([effective[code] for code in data.codes]), there[data.index.root]


def _declared(data: _Ranked) -> np.ndarray:
    """Effective weights of the declared method, shape (indicators, ranked)."""
    weights = {node: np.array([list(below.values())]) for node, below in data.tree.items()}
    found = np.empty(data.values.shape)
    for pattern, where in data.groups():
        effective, _ = _effective(data, weights, pattern[None], np.ones((1, len(pattern)), bool))
        found[:, where] = effective.T
    return found


def _there(scores: np.ndarray, mean: str, complement: bool) -> np.ndarray:
    """Scores on the scale where `mean` is a plain weighted mean."""
    if mean == "arithmetique":
        return scores
    cells = scoring.to_complement(scores) if complement else scores
    with np.errstate(divide="ignore"):
        return np.log(cells) if mean == "geometrique" else 1 / cells


def _back(means: np.ndarray, mean: str, complement: bool) -> np.ndarray:
    """The index, from a mean on that scale."""
    if mean == "arithmetique":
        return means
    with np.errstate(divide="ignore"):
        cells = np.exp(means) if mean == "geometrique" else 1 / means
    return scoring.from_complement(cells) if complement else cells


# --- ranks over the draws ------------------------------------------------------------------------


class _Tally:
    """Ranks and first fifths, chunk by chunk; ranks take two bytes each under 65 536."""

    def __init__(self, draws: int, ranked: int) -> None:
        self.ranks = np.empty((draws, ranked), np.min_scalar_type(max(ranked, 1)))
        self.fifth = np.zeros(ranked)
        self.first = int(np.ceil(FIFTH * ranked - TIE))

    def add(self, where: np.ndarray | slice, index: np.ndarray) -> None:
        """Rank the index of some draws, shape (draws, ranked)."""
        ranked = index.shape[1]
        if not ranked:
            return
        order = np.argsort(index, axis=1)[:, ::-1]
        ordered = np.take_along_axis(index, order, axis=1)
        best = np.ones(index.shape, self.ranks.dtype)
        later = ordered[:, :-1] - ordered[:, 1:] > TIE
        np.multiply(later, np.arange(2, ranked + 1), out=best[:, 1:], casting="unsafe")
        np.maximum.accumulate(best, axis=1, out=best)
        ranks = np.empty_like(best)
        np.put_along_axis(ranks, order, best, axis=1)
        self.ranks[where] = ranks
        cut = best[:, self.first - 1, None]
        tied = ranks == cut
        share = (self.first + 1.0 - cut[:, 0]) / np.count_nonzero(tied, axis=1)
        self.fifth += np.count_nonzero(ranks < cut, axis=0) + share @ tied

    def table(self, indicators: pd.DataFrame, data: _Ranked) -> pd.DataFrame:
        """Share of the first fifth and quantiles of the rank, by territory."""
        draws, ranked = self.ranks.shape
        places = [max(int(np.ceil(share * draws - TIE)) - 1, 0) for share in (0.5, 0.05, 0.95)]
        quantiles = np.empty((3, ranked))
        step = max(1, CELLS // draws)
        for start in range(0, ranked, step):
            block = np.ascontiguousarray(self.ranks[:, start : start + step].T)
            block.sort(axis=1)
            quantiles[:, start : start + step] = block[:, places].T
        found = np.full((4, len(indicators)), np.nan)
        found[:, data.rows] = np.vstack([self.fifth / draws, quantiles])
        table = pd.DataFrame({"premier_cinquieme": found[0]}, index=indicators.index)
        for name, values in zip(
            ("rang_median", "rang_min_90", "rang_max_90"), found[1:], strict=True
        ):
            table[name] = pd.Series(values, indicators.index).astype("Int64")
        return table

    def shifts(self, declared: np.ndarray) -> np.ndarray:
        """Mean shift of the ranks from the declared ones, by draw."""
        shifts = np.full(len(self.ranks), np.nan)
        if not len(declared):
            return shifts
        step = max(1, CELLS // len(declared))
        for start in range(0, len(shifts), step):
            block = self.ranks[start : start + step]
            shifts[start : start + step] = np.abs(block - declared).mean(axis=1)
        return shifts


def _steps(draws: int, ranked: int) -> Iterator[slice]:
    """Chunks of draws that hold in memory."""
    step = max(1, CELLS // max(ranked, 1))
    for start in range(0, draws, step):
        yield slice(start, min(start + step, draws))


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise UsageError(f"Nombre de tirages : au moins 1 attendu, trouvé {draws}.")


# --- choices of method ---------------------------------------------------------------------------


def method_choices(
    indicators: pd.DataFrame,
    method: Method | Indice,
    draws: int = 1000,
    seed: int = SEED,
    *,
    reference: Mapping[str, Reference] | None = None,
    choices: Choices | None = None,
) -> Draws:
    """Ranks under other weights, normalisations and means, and without one indicator.

    Parameters are those of :func:`uncertainty`.

    Returns
    -------
    Draws

    Source: Saisana, Saltelli and Tarantola (2005), JRSS A 168 ; OECD/JRC Handbook (2008), step 7.
    """
    _check_draws(draws)
    data, options = _ranked(indicators, method, reference), choices or Choices()
    generator = np.random.default_rng([seed, 1])
    scores = {form: _scores(data, form, reference) for form in _forms(data, options, reference)}
    pairs = _pairs(scores, options)
    picked = generator.integers(len(pairs), size=draws)
    weights = _drawn_weights(data, generator, options.concentration, draws)
    left_out = generator.integers(len(data.codes), size=draws)
    if len(data.codes) > 1:
        left_out[generator.permutation(draws) >= round(options.part_retrait * draws)] = -1
    else:
        left_out[:] = -1
    kept = left_out[:, None] != np.arange(len(data.codes))

    tally = _Tally(draws, len(data.rows))
    effective = [_with_enough(data, weights, pattern, kept) for pattern, _ in data.groups()]
    for number, (form, mean) in enumerate(pairs):
        places = np.flatnonzero(picked == number)
        cells = _there(scores[form], mean, complement=True)
        for step in _steps(len(places), len(data.rows)):
            index = np.empty((len(places[step]), len(data.rows)))
            for (_, where), shares in zip(data.groups(), effective, strict=True):
                np.matmul(shares[places[step]], cells[:, where], out=index[:, where])
            tally.add(places[step], _back(index, mean, complement=True))
    names = np.array([*data.codes, ""], dtype=object)
    drawn = pd.DataFrame(
        {
            "normalisation": [pairs[number][0] for number in picked],
            "agregation": [pairs[number][1] for number in picked],
            "retire": names[left_out],
        }
    )
    for node, below in data.tree.items():
        for place, child in enumerate(below):
            drawn[f"poids_{child}"] = weights[node][:, place]
    drawn["deplacement"] = tally.shifts(data.ranks)
    return Draws(tally.table(indicators, data), drawn)


def _forms(data: _Ranked, options: Choices, reference: Mapping[str, Reference] | None) -> list[str]:
    """Normalisations that can be drawn; ``""`` is the declared one, alone without distributions."""
    rules = {code: data.index.indicateurs[code] for code in data.codes}
    free = {code: rule for code, rule in rules.items() if not rule.absolue}
    if reference is None or not free.keys() <= reference.keys():
        return [""]
    bounded = all(np.isfinite([rule.points_0, rule.points_100]).all() for rule in free.values())
    return [form for form in options.normalisations if form != "bornes" or bounded]


def _pairs(scores: Mapping[str, np.ndarray], options: Choices) -> list[tuple[str, str]]:
    """Normalisations and means drawn together: a complement needs scores from 0 to 100."""
    return [
        (form, mean)
        for form, mean in product(scores, options.agregations)
        if mean == "arithmetique"
        or (form != "z_score" and ((scores[form] >= 0) & (scores[form] <= SCALE)).all())
    ]


def _drawn_weights(
    data: _Ranked, generator: np.random.Generator, concentration: float, draws: int
) -> dict[str, np.ndarray]:
    """Dirichlet draws around the declared weights, by node; a null weight stays null."""
    found = {}
    for node, below in data.tree.items():
        shape = concentration * np.array(list(below.values()))
        parts = generator.standard_gamma(shape, (draws, len(shape)))
        total = parts.sum(axis=1, keepdims=True)
        found[node] = np.where(total > 0, parts / np.where(total > 0, total, 1), shape)
    return found


def _with_enough(
    data: _Ranked, weights: Mapping[str, np.ndarray], pattern: np.ndarray, kept: np.ndarray
) -> np.ndarray:
    """Effective weights by draw; an indicator stays where nothing much would be left without it."""
    found, enough = _effective(data, weights, pattern & kept, kept)
    if not enough.all():
        everything = np.ones_like(kept)
        whole, _ = _effective(data, weights, pattern & everything, everything)
        found = np.where(enough[:, None], found, whole)
    return found


def _scores(data: _Ranked, form: str, reference: Mapping[str, Reference] | None) -> np.ndarray:
    """Scores of the indicators under a normalisation, 0 where missing: they weigh nothing."""
    scores = np.empty_like(data.values)
    for place, code in enumerate(data.codes):
        declared, values = data.index.indicateurs[code], data.values[place]
        found = scoring.normalise_values(values, code, declared, reference or {})
        if form and form != declared.normalisation and not declared.absolue:
            rule = replace(declared, normalisation=form, parametres=PARAMETRES.get(form, {}))
            tried = scoring.normalise_values(values, code, rule, reference or {})
            # A distribution without spread places no one: the declared score stays.
            found = np.where(np.isnan(tried), found, tried)
        scores[place] = np.where(np.isnan(found), 0.0, found)
    return scores


# --- noise of the data ---------------------------------------------------------------------------


def data_noise(
    indicators: pd.DataFrame,
    method: Method | Indice,
    denominators: pd.DataFrame,
    draws: int = 1000,
    seed: int = SEED,
    *,
    population: pd.Series | None = None,
    reference: Mapping[str, Reference] | None = None,
    noise: Noise | None = None,
) -> Draws:
    """Ranks that the declared method would give to data as sure as these.

    A share p of N people varies by V = c·p(1−p)/N, with c = deff·(1−f)/f for the survey alone
    (`sondage`: around p); `superpopulation` adds p̃(1−p̃)/N and draws around p̃ = (r+0.5)/(N+1). It
    is drawn on the logit scale, with the standard deviation √V / (p(1−p)) of the delta method.

    Shares of the same people are drawn as one Dirichlet of the same variance, the law of shares in
    a Dirichlet-multinomial: those counted in a share, the rest of it, and everyone else. Cutting a
    part in two (80 or over who are not alone) would change nothing: parts of a Dirichlet add up to
    a Dirichlet.

    Other parameters are those of :func:`uncertainty`.

    Returns
    -------
    Draws

    Source: Insee, précision des résultats du recensement ; METHODE, « Incertitude ».
    """
    _check_draws(draws)
    data, model = _ranked(indicators, method, reference), noise or Noise()
    generator = np.random.default_rng([seed, 0])
    mean, complement = str(data.index.agregation), data.index.complement
    sampler = _Sampler(indicators, data, denominators, population, model)
    weights = _declared(data)
    moving = set(sampler.moving)
    scores = _scores(data, "", reference)
    still = np.zeros(len(data.rows))
    for place, code in enumerate(data.codes):
        if code not in moving:
            still += weights[place] * np.nan_to_num(_there(scores[place], mean, complement))

    tally = _Tally(draws, len(data.rows))
    for step in _steps(draws, len(data.rows)):
        index = np.empty((step.stop - step.start, len(data.rows)))
        index[:] = still
        for code, values in sampler.draw(generator, len(index)):
            place = data.codes.index(code)
            rule = data.index.indicateurs[code]
            drawn = scoring.normalise_values(values, code, rule, reference or {})
            cells = _there(drawn, mean, complement)
            cells *= weights[place]
            cells[:, weights[place] == 0] = 0  # missing: it weighs nothing
            index += cells
        tally.add(step, _back(index, mean, complement))
    shifts = pd.DataFrame({"deplacement": tally.shifts(data.ranks)})
    return Draws(tally.table(indicators, data), shifts)


class _Sampler:
    """Draws of the indicators that move, for the ranked territories."""

    def __init__(
        self,
        indicators: pd.DataFrame,
        data: _Ranked,
        denominators: pd.DataFrame,
        population: pd.Series | None,
        model: Noise,
    ) -> None:
        where = indicators.index[data.rows]
        people = denominators.max(axis=1) if population is None else population
        self.model = model
        self.values = dict(zip(data.codes, data.values, strict=True))
        self.factor = model.factor(people.reindex(where).to_numpy(np.float64))
        self.counts = {
            code: denominators[code].reindex(where).to_numpy(np.float64)
            for code in data.codes
            if code in denominators and code not in model.ecarts_logit
        }
        self.given = {
            code: found.reindex(where).to_numpy(np.float64)
            for code, found in model.ecarts_logit.items()
            if code in self.values
        }
        chains = [[code for code in chain if code in self.counts] for chain in model.imbriques]
        self.chains = [chain for chain in chains if len(chain) > 1]
        chained = {code for chain in self.chains for code in chain}
        self.rounded = [
            code
            for code in data.codes
            if code in model.arrondis and code not in self.counts and code not in self.given
        ]
        self.laws = {
            code: self._logit(code) for code in (*self.counts, *self.given) if code not in chained
        }
        self.parts = [self._shapes(chain) for chain in self.chains]

    @property
    def moving(self) -> list[str]:
        """Indicators that are drawn."""
        return [*self.laws, *(code for chain in self.chains for code in chain), *self.rounded]

    def _centre(self, code: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Share, number of people and share drawn around, 0 to 1."""
        share, people = self.values[code] / 100, self.counts[code]
        people = np.where(people > 0, people, np.nan)
        if self.model.modele == "sondage":
            return share, people, share
        return share, people, (share * people + 0.5) / (people + 1)

    def _logit(self, code: str) -> tuple[np.ndarray, np.ndarray]:
        """Centre and standard deviation on the logit scale; 0 where nothing is known of it."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if code in self.given:
                share, spread = self.values[code] / 100, self.given[code]
                return np.log(share / (1 - share)), np.nan_to_num(spread)
            share, people, centre = self._centre(code)
            variance = self.factor * share * (1 - share) / people
            if self.model.modele == "superpopulation":
                variance = variance + centre * (1 - centre) / people
            spread = np.sqrt(variance) / (centre * (1 - centre))
            still = ~(spread > 0)
            around = np.where(still, share, centre)
            return np.log(around / (1 - around)), np.where(still, 0.0, spread)

    def _shapes(self, chain: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Dirichlet of the parts, from everyone else to the narrowest share; where it is still.

        Its concentration a gives each share the variance p(1−p)/(a+1) = c·p(1−p)/N.
        """
        people = np.where(self.counts[chain[0]] > 0, self.counts[chain[0]], np.nan)
        shares = np.array([np.ones(len(people)), *(self.values[code] / 100 for code in chain)])
        parts = np.clip(shares - np.vstack([shares[1:], np.zeros(len(people))]), 0, 1)
        factor = self.factor
        if self.model.modele == "superpopulation":
            parts = (parts * people + 0.5) / (people + 0.5 * len(parts))
            factor = factor + 1
        with np.errstate(divide="ignore", invalid="ignore"):
            # Under some four people the variance asked for is more than a share can have.
            shapes = parts * np.maximum(people / factor - 1, 1.0)
        still = ~np.isfinite(shapes).all(axis=0)
        shapes[:, still] = 1.0
        return shapes, still

    def draw(self, generator: np.random.Generator, draws: int) -> Iterator[tuple[str, np.ndarray]]:
        """Indicators that move, in their units, shape (draws, ranked)."""
        for code, (centre, spread) in self.laws.items():
            drawn = generator.standard_normal((draws, len(centre)))
            drawn *= -spread
            drawn -= centre
            with np.errstate(over="ignore"):
                np.exp(drawn, out=drawn)
            drawn += 1
            yield code, np.divide(100.0, drawn, out=drawn)
        for chain, (shapes, still) in zip(self.chains, self.parts, strict=True):
            narrow = np.zeros((draws, len(still)))
            inside = []
            for shape in shapes[::-1]:
                narrow = narrow + generator.standard_gamma(shape, narrow.shape)
                inside.append(narrow)
            whole = inside.pop()
            for code, part in zip(reversed(chain), inside, strict=True):
                part /= whole
                part *= 100
                part[:, still] = self.values[code][still]
                yield code, part
        for code in self.rounded:
            half = self.model.arrondis[code] / 2
            drawn = generator.uniform(-half, half, (draws, len(self.values[code])))
            yield code, np.add(drawn, self.values[code], out=drawn)
