"""The engine against the CDC/ATSDR Social Vulnerability Index 2022, counties of Pennsylvania."""

import numpy as np
import pandas as pd
import pytest

from fragilite import scoring
from fragilite.scoring import Indice, Reference, Regle, references

THEMES = {
    "THEME1": ["POV150", "UNEMP", "HBURD", "NOHSDP", "UNINSUR"],
    "THEME2": ["AGE65", "AGE17", "DISABL", "SNGPNT", "LIMENG"],
    "THEME3": ["MINRTY"],
    "THEME4": ["MUNIT", "MOBILE", "CROWD", "NOVEH", "GROUPQ"],
}
RANK = Regle("rang_centile", parametres={"ex_aequo": "min", "echelle": 1})


@pytest.fixture(scope="module")
def counties(shared_oracle):
    path = shared_oracle / "svi/2022svi_pa_co_cdc.csv"
    return pd.read_csv(path, encoding="utf-8-sig", dtype={"FIPS": str}).set_index("FIPS")


def equal(found, published):
    np.testing.assert_array_equal(np.round(found, 4), published.to_numpy())


def ranked(values):
    cells = values.to_numpy(np.float64)
    return scoring.rang_centile(cells, Reference.of(cells), ex_aequo="min", echelle=1)


def test_the_published_index_to_four_decimals(counties):
    """Percentile ranks; sums of rounded ranks by theme; sum of the themes; rank again."""
    leaves = [leaf for theme in THEMES.values() for leaf in theme]
    values = counties[[f"EP_{leaf}" for leaf in leaves]].set_axis(leaves, axis=1)
    tree = {"THEMES": {theme: len(below) for theme, below in THEMES.items()}}
    tree |= {theme: dict.fromkeys(below, 1) for theme, below in THEMES.items()}
    index = Indice(tree, dict.fromkeys(leaves, RANK))
    ranks = scoring.normalise(values, index, references(values)).round(4)
    for leaf in leaves:
        equal(ranks[leaf], counties[f"EPL_{leaf}"])

    nodes = scoring.aggregate(ranks, index)
    for node, below in {"THEMES": leaves, **THEMES}.items():
        total = (nodes[node] * len(below)).round(4)  # their sum is our mean of equal weights
        equal(total, counties[f"SPL_{node}"])
        equal(ranked(total), counties[f"RPL_{node}"])
