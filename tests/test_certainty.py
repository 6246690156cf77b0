"""How sure a build is: what its method declares reaches the engine, and comes back in its table."""

import numpy as np
import pandas as pd
import pytest

from fragilite import scoring
from fragilite.certainty import denominators, noise_of, scored_values
from fragilite.dictionary import UNCERTAINTY
from fragilite.errors import UsageError
from fragilite.method import load_method, method_text, varied
from fragilite.pipeline import build, rebuild
from fragilite.robustness import LECTURES, uncertainty
from fragilite.scoring import Indice, Regle
from fragilite.summary import certainty


def test_shares_of_the_census_have_their_own_denominators(built):
    found = denominators(built.result, built.method)
    assert set(found) == {"part_65_plus", "part_sans_bac", "part_80_plus_vivant_seuls"}
    rp = built.inputs.tables["insee_rp", "2023"].values
    assert (found["part_sans_bac"] == rp["non_scolarises_15_plus"]).all()
    assert (found["part_65_plus"] == rp["pop"]).all()


def test_the_noise_is_the_one_that_the_method_declares(built):
    noise = noise_of(built.result, built.method, built.method.incertitude)
    assert (noise.modele, noise.effet_plan, noise.exhaustif) == ("superpopulation", 1.5, 10_000)
    assert noise.imbriques == [["part_65_plus", "part_80_plus_vivant_seuls"]]
    # Medians are rounded to 10 euros, and France's is 25 920: 0.0386 point.
    assert noise.arrondis == {"niveau_de_vie_relatif": pytest.approx(1000 / 25920)}
    assert set(noise.lisses) == {"part_80_plus_vivant_seuls"}


def test_the_table_of_a_build_carries_the_analyses(built):
    table = built.communes
    assert list(table.columns[-6:]) == list(UNCERTAINTY)
    for name in ("proba_premier_cinquieme", "part_scenarios_premier_cinquieme"):
        assert table[name].sum() == pytest.approx(np.ceil(0.2 * 176))
    assert (table["rang_min_90"] <= table["rang_median"]).all()
    assert (table["rang_median"] <= table["rang_max_90"]).all()
    assert set(table["lecture"]) == set(LECTURES)
    facts = certainty(built)
    assert sum(facts["lectures"].values()) == 176
    assert facts["tirages"] == 1000
    # Towns are known better than villages.
    width = (table["rang_max_90"] - table["rang_min_90"]).astype(float)
    assert width[table["population"] > 5_000].mean() < width[table["population"] < 500].mean() / 2


def test_the_analyses_can_be_done_without():
    plain = build("49", uncertainty=False)
    assert plain.uncertainty is None
    assert not set(UNCERTAINTY) & set(plain.communes)
    assert certainty(plain) is None


def test_a_method_may_not_say_how_sure_it_is(tmp_path):
    text = method_text("fragilite-2026").decode()
    start, end = text.index("[incertitude]"), text.index("# --- Comment lire")
    path = tmp_path / "sans.toml"
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    assert build("49", method=path).uncertainty is None
    with pytest.raises(UsageError, match=r"pas de table \[incertitude\]"):
        build("49", method=path, uncertainty=True)


def test_settings_may_be_varied():
    rules = load_method().incertitude
    found = varied(rules, {"graine": None, "donnees": {"modele": "sondage"}})
    assert found.donnees.modele == "sondage"
    assert found.donnees.effet_plan == rules.donnees.effet_plan
    assert found.graine == rules.graine
    with pytest.raises(UsageError, match="tirages : au moins 100 attendu, trouvé 0"):
        varied(rules, {"tirages": 0})


def test_the_same_territory_by_another_method(built):
    found = rebuild(built, load_method("ifn-2023"))
    assert list(found.communes["code_insee"]) == list(built.communes["code_insee"])
    assert found.uncertainty is None


def test_means_of_groups_by_hand():
    index = Indice(
        {"i": {"a": 1, "b": 1}}, {"a": Regle("bornes", 0, 100), "b": Regle("bornes", 0, 100)}
    )
    values = pd.DataFrame({"a": [10.0, 20.0, 90.0], "b": [30.0, np.nan, 50.0]}, list("xyz"))
    groups = pd.Series(["g", "g", None], list("xyz"))
    people = pd.Series([100.0, 300.0, 50.0], list("xyz"))
    found = scoring.averaged(scoring.score(values, index), groups, people)
    assert found.indicateurs.loc["g"].tolist() == [17.5, 30.0]  # (10×100 + 20×300) / 400
    assert found.noeuds.loc["g", "i"] == pytest.approx((20 * 100 + 20 * 300) / 400)
    # Contributions add up to the mean index, though y misses an indicator: it brings nothing.
    assert found.contributions.loc["g"].tolist() == [16.25, 3.75]
    assert found.completude["g"] == pytest.approx((1 * 100 + 0.5 * 300) / 400)
    assert list(found.noeuds.index) == ["g"]
    assert not found.satures.any(axis=None)
    other = Indice(index.weights, index.indicateurs, "geometrique")
    none = scoring.averaged(scoring.score(values, other), groups, people)
    assert none.contributions.isna().all(axis=None)  # a mean that is no sum has no parts


def test_the_engine_takes_what_the_method_declares(tmp_path, built):
    """Thresholds and choices of a method of one's own, without a build."""
    path = tmp_path / "m.toml"
    path.write_text(
        'base = "fragilite-2026"\n[methode]\ncode = "m"\n'
        "[incertitude.lecture]\nnet = 1\nprobable = 1\nsans = 0\n"
        '[incertitude.methode]\nagregations = ["harmonique"]\nnormalisations = ["bornes"]\n'
    )
    values = scored_values(built.result)
    counts = denominators(built.result, built.method)
    own = uncertainty(values, load_method(path), 50, denominators=counts)
    usual = uncertainty(values, load_method(), 50, denominators=counts)
    assert set(own.methode.tirages["agregation"]) == {"harmonique"}
    assert len(set(usual.methode.tirages["agregation"])) == 3
    sure = (own.territoires["lecture"] == "signal net").sum()
    assert sure < (usual.territoires["lecture"] == "signal net").sum()
