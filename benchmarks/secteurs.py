"""Time, gap and balance of a roadmap, against the linear relaxation of the same question.

    python benchmarks/secteurs.py [--dept 49] [--postes 8] [--poids-epci 200] [--temps 540]
        [--raw FOLDER --vintage SOURCE=MILLÉSIME … --without SOURCE …]

The floor is the linear relaxation over all candidate bases, built and solved by HiGHS in the same
run: a program that proves a bound and finds no plan. Maine-et-Loire is bundled; another département
is read from a folder of raw files (`--offline`). The naive plan (a base in each of the communes
that have most people) is printed beside.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np
import scipy

from fragilite import build
from fragilite.centres import centre_points
from fragilite.ingestion.options import Options, parse_pins
from fragilite.outputs import geographic_layer
from fragilite.siting import (
    Ground,
    Rules,
    Settings,
    by_air,
    compared,
    naive_plan,
    neighbours,
    roadmap,
    stability,
)
from fragilite.siting.assignment import Cuts, assign
from fragilite.siting.problem import model


def ground_of(options: argparse.Namespace) -> Ground:
    """Communes of a département, with their people to accompany and their outlines."""
    sources = Options(
        raw=options.raw,
        offline=options.raw is not None,
        pins=parse_pins(options.vintage),
        without=frozenset(options.without),
        quiet=True,
    )
    done = build(options.dept, uncertainty=False, options=sources)
    layer = geographic_layer(done)
    return Ground(
        tuple(layer["code_insee"]),
        tuple(layer["nom"]),
        tuple(layer["code_epci"].fillna("")),
        layer["personnes_a_accompagner"].to_numpy(),
        by_air(centre_points(done.inputs)).valeurs,
        neighbours(layer),
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dept", default="49")
    parser.add_argument("--postes", type=int, default=8)
    parser.add_argument("--poids-epci", type=float, help="m par personne et par coupure")
    parser.add_argument("--temps", type=float, help="secondes au plus")
    parser.add_argument("--raw", type=Path)
    parser.add_argument("--vintage", action="append", default=[])
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, scipy {scipy.__version__}, {os.cpu_count()} cœurs, "
        f"charge {os.getloadavg()[0]:.1f}"
    )
    ground = ground_of(options)
    chosen = {"poids_epci": options.poids_epci, "temps_max": options.temps}
    given = {name: value for name, value in chosen.items() if value is not None}
    settings = Settings(options.postes, **given)
    asked = model(ground, Rules(), settings)
    start = time.perf_counter()
    floor = assign(
        asked, np.flatnonzero(asked.candidats), cuts=Cuts(), gap=0.0,
        deadline=time.monotonic() + settings.temps_max, nodes=0,
    )  # fmt: skip
    base = time.perf_counter() - start
    start = time.perf_counter()
    found = roadmap(ground, settings)
    mine = time.perf_counter() - start
    print(f"{options.dept} : {len(ground.codes)} communes, {options.postes} postes")
    print(f"  relaxation linéaire     {base:7.1f} s   borne {floor.borne:8.0f} m")
    print(f"  feuille de route        {mine:7.1f} s   {mine / base:5.1f} × la relaxation")
    print(f"  valeur, borne           {found.valeur:7.0f} m   {found.borne:8.0f} m")
    print(f"  écart                   {100 * found.ecart:7.2f} %")
    draws = np.tile(ground.besoin, (20, 1))
    draws *= np.random.default_rng(1).normal(1, 0.1, draws.shape)
    start = time.perf_counter()
    stable = stability(found, draws)
    print(
        f"  stabilité, 20 tirages   {time.perf_counter() - start:7.1f} s   "
        f"{100 * stable.communes.mean():.0f} % des communes gardent leur secteur"
    )
    table = compared(ground, [found.plan, naive_plan(ground, options.postes)])
    print(table.round(2).to_string(index=False))


if __name__ == "__main__":
    main()
