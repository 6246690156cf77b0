"""Sums by IRIS of every split commune at hand, against the census by commune."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fragilite.ingestion import census, iris
from fragilite.ingestion.catalogue import load_sources

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def sides(shared_data, tmp_path_factory):
    """Counts of the split communes: summed from their IRIS, and by commune, in one geography."""
    folder = tmp_path_factory.mktemp("iris")
    sys.path.insert(0, str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("bench_iris", ROOT / "benchmarks/iris.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    bench.lay_out(shared_data / "derived/iris_rp2022_rates_metropole.parquet", folder)
    counts = table(iris.read, "insee_rp_iris", folder)
    homes = iris.carried(counts.index, 2024, 2025)
    split = set(homes[homes.duplicated(keep=False)])
    communes = table(census.read, "insee_rp", shared_data / "reconstructed")
    codes = sorted(split & set(communes.index))
    return counts.groupby(homes).sum().loc[codes], communes.loc[codes]


def table(read, source, folder):
    vintage = next(v for v in load_sources()[source].millesimes if v.millesime == "2022")
    paths = {file.nom: folder / file.nom for file in vintage.fichiers}
    return read(
        source, vintage, {name: path for name, path in paths.items() if path.is_file()}
    ).values


def test_sums_of_iris_are_the_communes(sides):
    sums, communes = sides
    assert len(sums) > 1_800
    for name in ("pop", "pop_65_plus", "pop_80_plus", "menages"):
        np.testing.assert_allclose(sums[name], communes[name], atol=0.01, err_msg=name)


def test_recomputed_shares_are_the_communes(sides):
    """Below the bac: the number of people out of school was rebuilt in two ways, not the rates."""
    gaps = (share(sides[0]) - share(sides[1])).abs()
    assert gaps.median() < 0.1
    assert gaps.max() < 2


def share(counts: pd.DataFrame) -> pd.Series:
    below = counts[["sans_diplome", "brevet", "cap_bep"]].sum(axis=1)
    return 100 * below / counts["non_scolarises_15_plus"]
