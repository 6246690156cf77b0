"""The engine against COINr 1.1.14 on the ASEM index: 51 countries, 49 indicators, four levels."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from fragilite import audit_stats, bootstrap, scoring
from fragilite.scoring import Indice, Reference, Regle, references

CLOSE = {"rtol": 0, "atol": 1e-10}


@pytest.fixture(scope="module")
def read(shared_oracle):
    @cache
    def _read(name):
        return pd.read_csv(shared_oracle / f"asem/{name}.csv", index_col=0)

    return _read


@pytest.fixture(scope="module")
def meta(shared_oracle):
    rows = pd.read_csv(shared_oracle / "asem/in_iMeta.csv").dropna(subset=["Level"])
    return rows.set_index("iCode")


@pytest.fixture(scope="module")
def index(meta):
    """Build an index on the published tree: rules by indicator, weights of one draw."""

    def _index(normalisation="min_max", weights=None, agregation="arithmetique", **parametres):
        given = meta["Weight"] if weights is None else weights
        tree = {}
        for code, parent in meta["Parent"].dropna().items():
            tree.setdefault(parent, {})[code] = float(given[code])
        leaves = meta.index[meta["Type"] == "Indicator"]
        sens = meta["Direction"].map({1: "aggrave", -1: "protege"})
        rules = {
            code: Regle(normalisation, sens=sens[code], parametres=parametres) for code in leaves
        }
        return Indice(tree, rules, agregation)

    return _index


def close(found, expected):
    np.testing.assert_allclose(found[expected.columns].loc[expected.index], expected, **CLOSE)


@pytest.mark.parametrize(
    ("name", "function", "parameters"),
    [
        ("norm_n_minmax", "min_max", {}),
        ("norm_n_dist2max", "min_max", {"haut": 1}),
        ("norm_n_zscore", "z_score", {}),
        ("norm_n_prank", "rang_centile", {"ex_aequo": "min", "echelle": 1}),
        ("norm_n_borda", "rang_centile", {"ex_aequo": "min", "echelle": 50}),
    ],
)
def test_normalisations_without_directions(read, name, function, parameters):
    treated, expected = read("coin_Treated"), read(name)
    for code in expected:
        values = treated[code].to_numpy()
        scores = scoring.NORMALISATIONS[function](values, Reference.of(values), **parameters)
        np.testing.assert_allclose(scores, expected[code], err_msg=code, **CLOSE)


def test_ratio_to_the_maximum(read):
    treated, expected = read("coin_Treated"), read("norm_n_fracmax")
    for code in expected:
        found = scoring.ratio_reference(treated[code].to_numpy(), treated[code].max()) / 100
        np.testing.assert_allclose(found, expected[code], err_msg=code, **CLOSE)


def test_normalisations_with_directions(read, index):
    treated = read("coin_Treated")
    close(
        scoring.normalise(treated, index("min_max"), references(treated)), read("coin_Normalised")
    )
    ranks = index("rang_centile", ex_aequo="min", echelle=1)
    close(scoring.normalise(treated, ranks, references(treated)), read("normcoin_prank"))


def test_index_over_the_four_levels(read, index):
    treated = read("coin_Treated")
    result = scoring.score(treated, index(), references(treated))
    close(pd.concat([result.indicateurs, result.noeuds], axis=1), read("coin_Aggregated"))
    np.testing.assert_allclose(
        result.contributions.sum(axis=1), result.noeuds["Index"], rtol=0, atol=1e-9
    )


@pytest.mark.parametrize(
    ("name", "normalisation", "parametres", "agregation"),
    [
        ("a_amean_minmax1_100", "min_max", {"bas": 1}, "arithmetique"),
        ("a_gmean_minmax1_100", "min_max", {"bas": 1}, "geometrique"),
        ("a_hmean_minmax1_100", "min_max", {"bas": 1}, "harmonique"),
        ("a_genmean_p-1_minmax1_100", "min_max", {"bas": 1}, "harmonique"),
        ("a_amean_zscore", "z_score", {}, "arithmetique"),
        ("a_amean_prank", "rang_centile", {"ex_aequo": "min", "echelle": 1}, "arithmetique"),
        ("mixed_am_am_gm_minmax1_100", "min_max", {"bas": 1}, "mixte"),
    ],
)
def test_aggregations(read, meta, index, name, normalisation, parametres, agregation):
    treated = read("coin_Treated")
    if agregation == "mixte":
        levels = meta.loc[meta["Type"] == "Aggregate", "Level"]
        agregation = levels.map({2: "arithmetique", 3: "arithmetique", 4: "geometrique"}).to_dict()
    method = index(normalisation, agregation=agregation, **parametres)
    result = scoring.score(treated, method, references(treated))
    close(pd.concat([result.indicateurs, result.noeuds], axis=1), read(f"agg_{name}"))


def groups(meta):
    """Indicators below each node, and below all."""
    leaves = meta.index[meta["Type"] == "Indicator"]
    found = {"ALL": list(leaves)}
    for leaf in leaves:
        node = meta.loc[leaf, "Parent"]
        while isinstance(node, str):
            found.setdefault(node, []).append(leaf)
            node = meta.loc[node, "Parent"]
    return found


def test_principal_components(read, meta, shared_oracle):
    normalised, expected = (
        read("coin_Normalised"),
        pd.read_csv(shared_oracle / "asem/pca_variance.csv"),
    )
    loadings = pd.read_csv(shared_oracle / "asem/pca_loadings_pc1.csv")
    for group, rows in expected.groupby("group"):
        found = audit_stats.principal_components(normalised[groups(meta)[group]])
        np.testing.assert_allclose(found.ecarts_types[rows["pc"]], rows["sdev"], **CLOSE)
        np.testing.assert_allclose(found.parts[rows["pc"]], rows["share"], **CLOSE)
        first = loadings[loadings["group"] == group].set_index("iCode")["pc1"]
        mine = found.charges[1][first.index]
        np.testing.assert_allclose(mine * np.sign(mine @ first), first, **CLOSE)


def test_cronbach(read, meta):
    expected = read("cronbach")["alpha"]
    found = {
        group: audit_stats.cronbach_alpha(read("coin_Normalised")[groups(meta)[group]])
        for group in expected.index
    }
    np.testing.assert_allclose(pd.Series(found)[expected.index], expected, **CLOSE)


@pytest.mark.parametrize("name", ["pearson", "spearman"])
def test_correlations(read, name):
    scores = read("coin_Aggregated")
    rows = read(f"corr_ind_index_{name}").set_index("Var2")["Correlation"]
    found = audit_stats.correlations(scores[rows.index], scores["Index"], name)
    np.testing.assert_allclose(found[rows.index], rows, **CLOSE)


def test_kendall(read):
    scores = read("coin_Aggregated")
    rows = read("corr_ind_index_kendall").set_index("Var2")["Correlation"]
    for code, expected in rows.items():
        pair = scores[[code, "Index"]].dropna().to_numpy(float)
        assert bootstrap.kendall(*pair.T) == pytest.approx(expected, abs=1e-10), code


def treat(column, most):
    """COINr's treatment: winsorise while skewed and peaked, `most` points at most, else a log."""

    def fails(values):
        return abs(values.skew()) > 2 and values.kurt() > 3.5

    values = column.copy()
    for _ in range(most):
        if not fails(values):
            return values
        if values.skew() > 0:
            values[values == values.max()] = values[values < values.max()].max()
        else:
            values[values == values.min()] = values[values > values.min()].min()
    if not fails(values):
        return values
    return np.log(column - column.min() + 0.01 * (column.max() - column.min()))


def test_ranks_of_the_200_draws(read, index, shared_oracle):
    screened = read("coin_Screened")
    params, expected = read("sa_UA200_params"), read("sa_UA200_ranks")
    scores = read("sa_UA200_scores")
    sets = pd.read_csv(shared_oracle / "asem/sa_noisy_weights.csv")
    treated = {most: screened.apply(treat, most=most) for most in sorted(params["winmax"].unique())}
    forms = {
        "n_minmax": ("min_max", {"bas": 1}),
        "n_zscore": ("z_score", {"centre": 10, "ecart": 2}),
    }
    means = {"a_amean": "arithmetique", "a_gmean": "geometrique"}
    for draw, row in params.iterrows():
        weights = sets[sets["set"] == row["wset"]].set_index("iCode")["Weight"]
        form, parametres = forms[row["norm"]]
        method = index(form, weights, means[row["agg"]], **parametres)
        values = treated[row["winmax"]]
        found = scoring.score(values, method, references(values)).noeuds["Index"]
        name = f"r_{draw}"
        np.testing.assert_allclose(found[scores.index], scores[name], err_msg=name, **CLOSE)
        assert scoring.rank(found)[expected.index].tolist() == expected[name].tolist(), name
