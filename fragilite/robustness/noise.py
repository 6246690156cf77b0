"""Noise of the data: the method stays, the data are redrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.method import Method
from fragilite.robustness.chunks import check_draws, in_order, steps
from fragilite.robustness.collapsed import (
    Ranked,
    back,
    collapse,
    declared_weights,
    scores_under,
    there,
)
from fragilite.robustness.laws import Generators, Law, laws_of
from fragilite.robustness.ranks import Tally
from fragilite.robustness.records import SEED, Draws, Noise, rules_of
from fragilite.scoring import Indice, Reference


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

    A smoothed share keeps its mean; its variance on the logit scale is w² times the survey's, that
    of the shrunk estimator, and in `superpopulation` the posterior variance w·s² is added. One that
    is nested moves with its chain: it is as far from its mean, in standard deviations, as the share
    counted is in the Dirichlet.

    Other parameters are those of :func:`uncertainty`.

    Returns
    -------
    Draws

    Source: Insee, précision des résultats du recensement ; METHODE, « Incertitude ».
    """
    check_draws(draws)
    data, model = collapse(indicators, method, reference), noise or Noise.of(rules_of(method))
    laws = laws_of(indicators, data, denominators, population, model)
    redraw = _Redraw(data, reference or {}, laws, seed)
    tally = Tally(draws, data.ranks)
    chunks = ((step, redraw.index(step.stop - step.start)) for step in steps(draws, len(data.rows)))
    for counts in in_order(lambda chunk: tally.place(*chunk), chunks):
        tally.fifth += counts
    return Draws(tally.table(indicators, data), pd.DataFrame({"deplacement": tally.shifts}))


class _Redraw:
    """The declared index of data that are drawn again and again.

    Each law has its own streams, seeded by the place in the method of its first indicator: draws
    depend neither on the size of the chunks nor on what else is drawn, and run side by side.
    """

    def __init__(
        self, data: Ranked, reference: Mapping[str, Reference], laws: Sequence[Law], seed: int
    ) -> None:
        self.data, self.reference = data, reference
        self.mean, self.complement = str(data.index.agregation), data.index.complement
        self.weights = declared_weights(data)
        order = list(data.index.indicateurs)
        self.streams = [
            (law, np.random.default_rng([seed, 0, order.index(law.codes[0])]).spawn(law.streams))
            for law in laws
        ]
        moving = {code for law in laws for code in law.codes}
        scores = scores_under(data, "", reference)
        self.still = np.zeros(len(data.rows))
        for place, code in enumerate(data.codes):
            if code not in moving:
                cells = there(scores[place], self.mean, self.complement)
                self.still += self.weights[place] * np.nan_to_num(cells)

    def index(self, draws: int) -> np.ndarray:
        """The index of the next draws, shape (draws, ranked)."""
        index = np.empty((draws, len(self.still)))
        index[:] = self.still
        for cells in in_order(lambda stream: self._weighed(*stream, draws), self.streams):
            index += cells
        return back(index, self.mean, self.complement)

    def _weighed(self, law: Law, generators: Generators, draws: int) -> np.ndarray:
        """What the indicators of a law bring to the index, on the scale of the mean."""
        whole = np.zeros((draws, len(self.still)))
        for code, values in law.draw(generators, draws):
            place = self.data.codes.index(code)
            rule, weights = self.data.index.indicateurs[code], self.weights[place]
            drawn = scoring.normalise_values(values, code, rule, self.reference)
            cells = there(drawn, self.mean, self.complement)
            cells *= weights
            cells[:, weights == 0] = 0  # missing: it weighs nothing
            whole += cells
        return whole
