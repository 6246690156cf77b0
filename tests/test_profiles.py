"""The methods beside the default one: what they are, worked out by hand, and what they lack."""

import re

import numpy as np
import pandas as pd
import pytest

from fragilite import scoring
from fragilite.distribution import france
from fragilite.errors import UsageError
from fragilite.explanation import explain, render
from fragilite.method import MethodError, available_methods, load_method, method_text
from fragilite.pipeline import build, class_warnings

DEFAULT = method_text("fragilite-2026").decode()


@pytest.fixture(scope="module")
def builds():
    return {name: build("49", method=name, uncertainty=False) for name in available_methods()}


def test_four_methods_travel_with_the_program():
    assert available_methods() == [
        "fragilite-2026",
        "fragilite-2026-sans-reseau",
        "ifn-2020",
        "ifn-2023",
    ]


@pytest.mark.parametrize("name", available_methods())
def test_every_indicator_goes_the_way_it_declares(name):
    """More of what protects never scores higher: the published kit had its income upside down."""
    method, references = load_method(name), france().references(load_method(name))
    for code, indicator in method.indicateurs.items():
        values = pd.DataFrame({code: [1.0, 3.0, 10.0, 30.0, 60.0, 95.0]})
        scores = scoring.normalise(values, method, references)[code]
        steps = np.diff(scores) * (1 if indicator.sens == "aggrave" else -1)
        assert (steps >= 0).all(), code
        assert steps.sum() > 0, code


def test_without_the_network_the_index_is_the_one_of_usages(builds):
    default, alone = builds["fragilite-2026"].communes, builds["fragilite-2026-sans-reseau"]
    np.testing.assert_allclose(alone.communes["indice"], default["fragilite_usages"], atol=1e-9)
    assert (alone.communes["classe"] == default["classe_usages"]).all()
    assert "fragilite_reseau" not in alone.communes
    assert not any("fibre" in name for name in alone.communes)


def test_ifn_2023_by_hand(builds):
    """Angers: national tenths of five indicators, the secret or missing ones left out."""
    found = builds["ifn-2023"]
    row = found.communes.set_index("nom").loc["Angers"]
    tenths = []
    for code in found.method.indicateurs:
        quantiles = np.array(france().distributions[code].quantiles)
        tenths.append(1 + (quantiles[10:91:10] <= row[code]).sum())
        assert row[f"{code}_score"] == tenths[-1], code
    assert row["indice"] == pytest.approx(np.mean(tenths))
    assert row["part_surface_sans_4g_statut"] == "publie"  # of 2019: no greatest age there
    assert "classe" not in row


def test_a_figure_that_is_old_and_counted_is_dated(builds):
    found = builds["ifn-2023"]
    text = render(explain(found, "49219"), found)
    assert re.search(r"Surface sans 4G : .*, de 2019$", text, re.M)
    assert not re.search(r"65 ans ou plus : .*, de 20", text)


def test_ifn_2023_fills_nothing_and_says_what_it_lacks(builds):
    table = builds["ifn-2023"].communes
    secret = table[table["taux_pauvrete_statut"] == "secret"]
    assert len(secret) == 118
    assert secret["taux_pauvrete_score"].isna().all()
    assert secret["completude"].eq(0.8).all()
    assert secret["indice"].notna().all()


def test_ifn_2023_of_an_epci_is_the_weighted_mean_of_its_communes(builds):
    found = builds["ifn-2023"]
    members = found.communes[found.communes["code_epci"] == "244900882"]
    mean = np.average(members["indice"], weights=members["population"])
    row = found.epci.set_index("code_epci").loc["244900882"]
    assert row["indice"] == pytest.approx(mean)
    again = builds["ifn-2020"].epci.set_index("code_epci").loc["244900882", "part_65_plus"]
    assert row["part_65_plus"] == pytest.approx(again)  # figures are recomputed all the same


def test_ifn_2020_by_hand(builds):
    """Saumur: six ratios to France, 100 = par, in two axes of three."""
    found = builds["ifn-2020"]
    row = found.communes.set_index("nom").loc["Saumur"]
    par = {code: one.france.valeur for code, one in found.method.indicateurs.items()}
    points = {code: 100 * row[code] / value for code, value in par.items()}
    points["niveau_de_vie_relatif"] = 100 * 100 / row["niveau_de_vie_relatif"]
    for code, value in points.items():
        assert row[f"{code}_score"] == pytest.approx(value), code
    alone, mono, income, young, school, old = (
        points[f"{code}"]
        for code in (
            "part_menages_une_personne", "part_familles_monoparentales", "niveau_de_vie_relatif",
            "part_15_29", "part_sans_diplome", "part_65_plus",
        )
    )  # fmt: skip
    assert row["fragilite_information"] == pytest.approx((alone + mono) / 2)
    assert row["fragilite_acces"] == pytest.approx((alone + mono + income) / 3)
    assert row["fragilite_competences"] == pytest.approx((young + school + old) / 3)
    assert row["indice"] == pytest.approx(sum(points.values()) / 6)
    assert row["indice"] > 100  # an open scale


def test_the_rich_are_not_the_more_fragile():
    """Neuilly-sur-Seine and Roubaix, 191 and 70 in the published kit: the other way up here."""
    method = load_method("ifn-2020")
    values = pd.DataFrame({"niveau_de_vie_relatif": [191.0, 70.0]})
    scores = scoring.normalise(values, method)["niveau_de_vie_relatif"]
    np.testing.assert_allclose(scores, [100 / 1.91, 100 / 0.7])


@pytest.mark.parametrize("name", available_methods())
def test_bounds_of_the_dictionary_are_those_of_the_scale(builds, name):
    found = builds[name]
    for column in found.columns.values():
        if column.nom in found.communes and column.minimum is not None:
            values = found.communes[column.nom].dropna()
            assert (values >= column.minimum - 1e-9).all(), column.nom
            assert column.maximum is None or (values <= column.maximum + 1e-9).all(), column.nom


def test_the_bundled_distributions_are_those_of_the_method():
    method = load_method()
    header = method.methode
    assert france().methode == f"{header.code} {header.version}"
    for name in available_methods():
        if load_method(name).methode.normalisation != "ratio_reference":
            rules = load_method(name)
            assert set(france().references(rules)) == set(rules.indicateurs), name
    smoothed = france().distributions["part_80_plus_vivant_seuls_lisse"]
    observed = france().distributions["part_80_plus_vivant_seuls"]
    assert smoothed.ecart_type < observed.ecart_type  # nearer to each other


# --- a method that starts from another -----------------------------------------------------------


def derived(tmp_path, text):
    path = tmp_path / "derivee.toml"
    header = '[methode]\ncode = "derivee"\n'
    path.write_text(
        f'base = "fragilite-2026"\n{text}\n' + (header if "[methode]" not in text else "")
    )
    return path


def test_a_method_says_only_what_it_changes(tmp_path):
    found = load_method(derived(tmp_path, "[noeuds.reseau]\npoids = 0.5"))
    base = load_method()
    assert found.weights["indice"] == {"reseau": 0.4, "usages": 0.6}
    assert found.indicateurs == base.indicateurs
    assert found.methode.code == "derivee"
    assert found.methode.version != base.methode.version  # it is another index,
    assert found.methode.libelle == "derivee, d'après fragilite-2026"
    assert found.lecture.validite == []  # of which nothing was measured
    assert found.sha256 != base.sha256


def test_a_calcul_is_replaced_whole(tmp_path):
    text = (
        "[indicateurs.part_locaux_sans_fibre.calcul]\n"
        'type = "part"\nnumerateur = ["locaux_cable"]\ndenominateur = ["locaux"]'
    )
    found = load_method(derived(tmp_path, text))
    assert found.indicateurs["part_locaux_sans_fibre"].calcul.complement is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('retire = "noeuds.reseau"', 'liste attendue, comme ["noeuds.reseau"]'),
        ('retire = ["noeuds.rezo"]', "retire : « noeuds.rezo » n'est pas dans la méthode de base."),
        ('retire = ["noeuds.reseau"]', "nœud inconnu « reseau »"),
        ('retire = ["indicateurs.part_65_plus"]', "indicateur inconnu « part_65_plus »"),
        ("[noeuds.reseau]\npoid = 0.5", "Vouliez-vous dire « poids »"),
        ("[incertitude.donnees]\neffet_plans = 2", "Vouliez-vous dire « effet_plan »"),
        ("[incertitude.lecture]\nnet = 0.3", "sans < probable ≤ net attendu"),
        ('[incertitude.donnees]\nmodele = "autre"', "« sondage » ou « superpopulation » attendu"),
        (
            "[indicateurs.part_locaux_sans_fibre.lissage]\n"
            'groupe_min = 8\nraison = "x"\nreference = "x"',
            "seule se lisse une part de personnes comptées par le recensement",
        ),
        (
            "[indicateurs.niveau_de_vie_relatif.lissage]\n"
            'groupe_min = 8\nraison = "x"\nreference = "x"',
            "jamais une médiane",
        ),
        (
            '[incertitude.donnees]\nimbriques = [["part_65_plus", "niveau_de_vie_relatif"]]',
            "« niveau_de_vie_relatif » n'est pas une part de personnes",
        ),
    ],
)
def test_faults_of_a_derived_method(tmp_path, text, expected):
    with pytest.raises(MethodError) as error:
        load_method(derived(tmp_path, text))
    assert any(expected in problem for problem in error.value.problems), error.value.problems


@pytest.mark.parametrize("base", ["ifn-1999", "ifn-2023"])
def test_an_unknown_base_or_one_that_has_its_own(tmp_path, base):
    path = tmp_path / "m.toml"
    path.write_text(f'base = "{base}"\n')
    expected = r"base : une méthode de base attendue \(fragilite-2026\)"
    with pytest.raises(UsageError, match=expected):
        load_method(path)


@pytest.mark.parametrize("head", ["", '[methode]\ncode = "fragilite-2026"'])
def test_a_variant_does_not_bear_the_name_of_its_base(tmp_path, head):
    path = tmp_path / "m.toml"
    path.write_text(f'base = "fragilite-2026"\n{head}')
    with pytest.raises(UsageError, match="une variante a son propre code"):
        load_method(path)


def test_classes_of_the_base_are_not_those_of_a_variant(builds, tmp_path):
    path = derived(tmp_path, "[noeuds.reseau]\npoids = 0.6")
    found = class_warnings(build("49", method=path, uncertainty=False))
    assert any("que cette variante compte autrement" in line for line in found)
    for name, one in builds.items():
        assert not any("variante" in line for line in class_warnings(one)), name
