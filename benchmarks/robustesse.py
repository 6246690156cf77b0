"""Time and memory of the uncertainty analyses, as ratios to a bare sort of the same scores.

    python benchmarks/robustesse.py [--communes 35000] [--tirages 1000] [--fils 1]

On made-up communes of France (population, shares and incomes drawn from a declared seed, one share
smoothed), in one run: both analyses with ranks and quantiles, against one `argsort` of as many
scores; the choices of method, against a plain loop over draws with pandas (timed on fewer draws,
brought to the same number); the peak of memory; growth with the number of communes; 176 communes;
the sensitivity analysis. `argsort` and the loop run on one thread, the analyses on as many as there
are processors, or on `--fils`.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.method import load_method
from fragilite.robustness import Noise, chunks, data_noise, method_choices, sensitivity
from fragilite.scoring import Indice, references
from fragilite.shrinkage import shrink

METHOD = load_method()
WIDE, NARROW = "part_65_plus", "part_80_plus_vivant_seuls"
#: Communes of a made-up EPCI.
EPCI = 28


def made_up(communes: int) -> tuple[pd.DataFrame, pd.DataFrame, Noise]:
    """Indicators, denominators and noise; one commune in ten without an income."""
    random = np.random.default_rng(1)
    people = np.exp(random.normal(6.2, 1.2, communes)).round() + 20
    old = random.beta(9, 30, communes)
    table = pd.DataFrame(
        {
            "part_locaux_sans_fibre": 100 * random.beta(0.6, 4, communes),
            "part_65_plus": 100 * old,
            "part_sans_bac": 100 * random.beta(20, 22, communes),
            "niveau_de_vie_relatif": random.normal(98, 12, communes),
            "part_80_plus_vivant_seuls": 100 * old * random.beta(3, 20, communes),
        },
        index=[f"{number:05d}" for number in range(communes)],
    )
    table.loc[random.random(communes) < 0.1, "niveau_de_vie_relatif"] = np.nan
    denominators = pd.DataFrame(
        {
            "part_65_plus": people,
            "part_sans_bac": (0.75 * people).round(),
            "part_80_plus_vivant_seuls": people,
        },
        index=table.index,
    )
    alone = (table[NARROW] / 100 * people).round()
    areas = pd.Series([f"epci{number // EPCI}" for number in range(communes)], table.index)
    found = shrink(alone, denominators[NARROW], areas)
    table[NARROW] = 100 * found.parts
    arrondis = {"niveau_de_vie_relatif": 0.04}
    noise = Noise(imbriques=[(WIDE, NARROW)], arrondis=arrondis, lisses={NARROW: found})
    return table, denominators, noise


def seconds(action: Callable[[], object], runs: int = 2) -> float:
    """Best wall time of a few runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def plain_loop(table: pd.DataFrame, draws: int) -> pd.DataFrame:
    """The choices of method as one would write them first: a loop over draws, with pandas."""
    random = np.random.default_rng(2)
    index, found = Indice.of(METHOD), references(table)
    ranks = {}
    for draw in range(draws):
        tree = {
            node: {child: weight * random.gamma(50) for child, weight in below.items()}
            for node, below in index.weights.items()
        }
        mean = ("arithmetique", "geometrique", "harmonique")[draw % 3]
        drawn = Indice(tree, index.indicateurs, mean, True, index.completude_min)
        scores = scoring.normalise(table, drawn, found)
        ranks[draw] = scoring.aggregate(scores, drawn)[index.root].rank(ascending=False)
    frame = pd.DataFrame(ranks)
    return frame.quantile([0.05, 0.5, 0.95], axis=1)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--communes", type=int, default=35_000)
    parser.add_argument("--tirages", type=int, default=1000)
    parser.add_argument("--fils", type=int, default=min(chunks.THREADS, os.cpu_count() or 1))
    options = parser.parse_args()
    communes, draws, chunks.THREADS = options.communes, options.tirages, options.fils
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} cœurs, "
        f"fils : {options.fils}"
    )
    table, denominators, law = made_up(communes)
    national = references(table)

    def choices(rows: int = communes) -> object:
        return method_choices(table.iloc[:rows], METHOD, draws, reference=national)

    def noise(rows: int = communes) -> object:
        return data_noise(table.iloc[:rows], METHOD, denominators, draws, noise=law)

    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mine, other = seconds(choices, 4), seconds(noise)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scores = np.random.default_rng(3).normal(50, 12, (100, communes))
    sort = seconds(lambda: [np.argsort(row) for row in scores], 3) * draws / len(scores)
    loop = seconds(lambda: plain_loop(table, 20), 2) * draws / 20

    print(f"{communes} communes × {draws} tirages")
    print(f"  argsort seul            {sort:7.2f} s")
    print(f"  choix de méthode        {mine:7.2f} s   {mine / sort:5.2f} × argsort (au plus 4)")
    print(f"  boucle pandas           {loop:7.2f} s   {loop / mine:5.2f} × plus lente (au moins 4)")
    print(f"  bruit des données       {other:7.2f} s   {other / sort:5.2f} × argsort (au plus 15)")
    print(
        f"  mémoire, au plus haut   {peak:7.0f} Mo (dont {base:.0f} avant calcul ; moins de 1200)"
    )
    print("Croissance (communes : choix, bruit)")
    for rows in (176, 1_000, 5_000, communes):
        once = seconds(lambda n=rows: choices(n)), seconds(lambda n=rows: noise(n))  # type: ignore[misc]
        print(f"  {rows:6d} : {once[0]:6.3f} s  {once[1]:6.3f} s   les deux {sum(once):6.3f} s")
    print("Sensibilité (1 024 tirages de base)")
    for rows in (176, communes):
        once = seconds(lambda n=rows: sensitivity(table.iloc[:n], METHOD, reference=national), 1)  # type: ignore[misc]
        print(f"  {rows:6d} : {once:6.3f} s")


if __name__ == "__main__":
    main()
