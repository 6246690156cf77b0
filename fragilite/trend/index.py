"""The index as it was, and what made it change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fragilite import scoring
from fragilite.method import Method
from fragilite.method import Part as Share
from fragilite.pipeline import below
from fragilite.scoring import Reference, Scores
from fragilite.trend.breaks import Part, load_comparisons
from fragilite.trend.interval import Change, Ends


@dataclass(frozen=True)
class Moved:
    """An index at two dates: some indicators have moved, the others are held at today's values.

    Attributes
    ----------
    before, after : Scores
        Of the same indicators, by the same method; missing before where an indicator that counts
        today was not known, or the other way round.
    nodes : mapping of str to Change
        Of the nodes above an indicator that has moved, the root first.
    parts : DataFrame of float64, shape (territories, parts)
        Points that each part brings to the change of the index; a row adds up to it. Without
        columns where the method's means do not add up.
    """

    before: Scores
    after: Scores
    nodes: Mapping[str, Change]
    parts: pd.DataFrame


def moved_index(
    now: pd.DataFrame,
    before: Mapping[str, Ends],
    after: Mapping[str, Ends],
    method: Method,
    reference: Mapping[str, Reference],
) -> Moved:
    """Compare an index with what it was when some of its indicators were otherwise.

    An interval puts together what each figure moves the node by, from one of its bounds to the
    other, all else being equal: in quadrature, as of independent figures. Shares of the same people
    (``imbriques``) are added first, as if they were wrong together.

    Parameters
    ----------
    now : DataFrame of float64, shape (territories, indicators)
        Values scored today.
    before, after : mapping of str to Ends
        Indicators that have moved, then and today, with the bounds of the values that are scored.
    method : Method
    reference : mapping of str to Reference
        As :func:`fragilite.scoring.score` takes it.
    """
    then = now.assign(**{code: ends.value for code, ends in before.items()})
    whole = (now.notna() == then.notna()).all(axis=1)
    then = then.where(whole)
    scores_then, scores_now = (scoring.score(one, method, reference) for one in (then, now))
    deviations = _Deviations(method, reference)
    deviations.add(now, scores_now, after, upwards=True)
    deviations.add(then, scores_then, before, upwards=False)
    nodes = {}
    for node in method.descending():
        if any(below(method, code, node) for code in before):
            value = scores_now.noeuds[node] - scores_then.noeuds[node]
            down, up = deviations.total(node)
            nodes[node] = Change(value, value - down, value + up)
    return Moved(scores_then, scores_now, nodes, _parts(scores_then, scores_now, method))


class _Deviations:
    """What the bounds of each indicator move every node by, at each date."""

    def __init__(self, method: Method, reference: Mapping[str, Reference]) -> None:
        self.method, self.reference = method, reference
        chains = method.incertitude.donnees.imbriques if method.incertitude else []
        self.chains = {code: place for place, chain in enumerate(chains) for code in chain}
        #: By date and chain (or indicator): deviations down and up, added.
        self.sums: dict[tuple[bool, int | str], tuple[pd.DataFrame, pd.DataFrame]] = {}

    def add(
        self, values: pd.DataFrame, scores: Scores, moved: Mapping[str, Ends], *, upwards: bool
    ) -> None:
        """Count the indicators of one date; before, a higher figure makes a lower change."""
        for code, ends in moved.items():
            low, high = (self._nodes(values.assign(**{code: end})) for end in (ends.low, ends.high))
            least, most = low.where(low < high, high), high.where(low < high, low)
            down = (scores.noeuds - least).clip(lower=0)
            up = (most - scores.noeuds).clip(lower=0)
            if not upwards:
                down, up = up, down
            key = upwards, self.chains.get(code, code)
            if key in self.sums:
                down, up = self.sums[key][0] + down, self.sums[key][1] + up
            self.sums[key] = down, up

    def total(self, node: str) -> tuple[pd.Series, pd.Series]:
        """Distance of the bounds of a node's change from it, down and up."""
        squares = [(down[node] ** 2, up[node] ** 2) for down, up in self.sums.values()]
        lower = pd.concat([down for down, _ in squares], axis=1).sum(axis=1, skipna=False)
        upper = pd.concat([up for _, up in squares], axis=1).sum(axis=1, skipna=False)
        return lower**0.5, upper**0.5

    def _nodes(self, values: pd.DataFrame) -> pd.DataFrame:
        scores = scoring.normalise(values, self.method, self.reference)
        return scoring.aggregate(scores, self.method)


def _parts(before: Scores, after: Scores, method: Method) -> pd.DataFrame:
    """Points of the change of the index, by what brought them."""
    moves = after.contributions.fillna(0.0) - before.contributions.fillna(0.0)
    root = method.root
    known = before.noeuds[root].notna() & after.noeuds[root].notna()
    if after.contributions.isna().all(axis=None):
        return pd.DataFrame(index=moves.index)
    parts: dict[str, list[str]] = {part.code: [] for part in declared_parts()}
    for code in after.scored:
        parts[part_of(method, code)].append(code)
    sums = {part: moves[codes].sum(axis=1) for part, codes in parts.items()}
    return pd.DataFrame(sums).where(known, axis=0)


def declared_parts() -> list[Part]:
    """Parts of the change of an index, the rest last."""
    declared = load_comparisons()
    return [*declared.parts, declared.reste]


def part_of(method: Method, code: str) -> str:
    """Part of the change that an indicator belongs to, by the variables of its numerator."""
    calcul = method.indicateurs[code].calcul
    read = calcul.numerateur if isinstance(calcul, Share) else calcul.variables
    declared = load_comparisons()
    for part in declared.parts:
        if set(read) & set(part.variables):
            return part.code
    return declared.reste.code
