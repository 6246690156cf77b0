"""What a coordinator sees who drags the GeoPackage of a roadmap into QGIS 3.22."""

import html
import re
from dataclasses import replace

import numpy as np
import pytest
from odd_builds import AWKWARD, named, two_islands
from roadmaps import ANGERS, SCENARIOS, angers_epci, shared_out

from fragilite.cartography import MISSING
from fragilite.french import number
from fragilite.outputs import roadmap_geopackage
from fragilite.outputs.qgis import aliases
from fragilite.roadmap import tables

LAYERS = ("bases", "communes", "secteurs")


def unsteady(done):
    """The same study, a commune that nobody visits, others that draws move, one they say not."""
    outcome = done.scenarios[0]
    communes = outcome.communes.copy()
    places = communes.index[communes["code_insee"] != ANGERS][:4]
    communes.loc[places, "stabilite"] = [0.949, 0.8, 0.2, np.nan]
    communes.loc[places[:1], ["demi_journees", "recue_a", "nom_recue_a"]] = [0, ANGERS, "Angers"]
    return replace(done, scenarios=(replace(outcome, communes=communes), *done.scenarios[1:]))


@pytest.fixture(scope="module")
def done():
    """Angers Loire Métropole, one of its three posts reserved to Angers."""
    return unsteady(shared_out(angers_epci(), 3, *SCENARIOS, min_demi_journees=1))


@pytest.fixture(scope="module")
def opened(qgis, tmp_path_factory):
    """Open the GeoPackage of a study."""

    def _open(found, name, pictured="some"):
        path = tmp_path_factory.mktemp("feuille") / "feuille.gpkg"
        roadmap_geopackage.write(found, path)
        return qgis(path, name, pictured)

    return _open


@pytest.fixture(scope="module")
def seen(done, opened):
    return opened(done, "feuille", "all")


def plain(text):
    """A text without the spaces that only typography tells apart."""
    return re.sub(r"\s+", " ", text)


def counts(layer, style):
    return {rule["label"]: rule["rows"] for rule in layer["styles"][style]["rules"]}


def test_opens_without_a_word(seen):
    assert seen["warnings"] == []
    layers = [f"{name}_{code}" for code in SCENARIOS for name in LAYERS]
    plain = ["calendrier", "comparaison", "provenance", "dictionnaire"]
    assert seen["sublayers"] == [*layers, *plain]
    for name, layer in seen["layers"].items():
        assert layer["valid"]
        assert layer["features"] > 0
        if name in layers:
            assert layer["renderer"] == "RuleRenderer"
            assert layer["labels"]
            assert layer["crs"] == "EPSG:2154"
            assert all(style["loaded"] for style in layer["styles"].values())


def test_every_commune_has_the_colour_of_its_sector(done, seen):
    """Each once, that of Angers once more in stripes, the one that nobody visits hatched."""
    outcome = done.scenarios[0]
    own = outcome.communes[~outcome.communes["poste_entier"]]["secteur"].value_counts()
    bases = dict(zip(outcome.postes["secteur"], outcome.postes["nom_base"], strict=True))
    found = counts(seen["layers"]["communes_volume"], "Secteurs")
    assert found == {
        f"1 · {bases[1]} (poste réservé)": 1,
        f"2 · {bases[2]}": own[2],
        f"3 · {bases[3]}": own[3],
        "Sans passage, reçue ailleurs": 1,
    }
    assert own.sum() == len(done.build.communes)


def test_each_sector_and_base_meets_one_rule(done, seen):
    for outcome in done.scenarios:
        code = outcome.scenario.code
        for name, count in (
            ("secteurs", len(outcome.postes)), ("bases", outcome.postes["code_base"].nunique()),
        ):  # fmt: skip
            found = seen["layers"][f"{name}_{code}"]["rules"]
            assert [rule["rows"] for rule in found] == [1] * count
    lines = counts(seen["layers"]["secteurs_volume"], "Contours")
    assert lines == {"Limite de secteur": 3}


def test_stability_and_half_days_are_classed_by_qgis(done, seen):
    layer = seen["layers"]["communes_volume"]
    assert counts(layer, "Stabilité") == {
        "95\u00a0% ou plus": 25, "80 à 95\u00a0%": 2, "50 à 80\u00a0%": 0,
        "moins de 50\u00a0%": 1, MISSING: 1,
    }  # fmt: skip
    table = done.scenarios[0].communes.groupby("code_insee")["demi_journees"].sum()
    assert counts(layer, "Demi-journées") == {
        "1": (table == 1).sum(), "2": (table == 2).sum(), "3 à 4": table.between(3, 4).sum(),
        "5 à 8": table.between(5, 8).sum(), "9 ou plus": (table >= 9).sum(),
        "aucune, reçue ailleurs": 1,
    }  # fmt: skip


def test_columns_have_french_names_in_layers_and_tables(seen):
    records = tables.columns()
    layers = [f"{name}_{code}" for code in SCENARIOS for name in LAYERS]
    for name in [*layers, "calendrier", "comparaison"]:
        found = {one: called for one, called in seen["layers"][name]["aliases"].items()
                 if one != "fid"}  # fmt: skip
        assert found == aliases(records, list(found))
    assert "code_base" in seen["layers"]["communes_volume"]["hidden"]
    assert seen["layers"]["communes_volume"]["tabs"] == ["Proposition", "Lieux connus aujourd'hui"]


def test_tips_say_figures_and_what_they_are_not(done, seen):
    outcome = done.scenarios[0]
    tips = [plain(tip["text"]) for tip in seen["layers"]["secteurs_volume"]["tips"]]
    for tip, post in zip(tips, outcome.postes.itertuples(), strict=True):
        assert f"Secteur {post.secteur} · {post.nom_base}" in tip
        assert plain(f"environ {number(post.personnes)}") in tip
        assert "Un ordre de grandeur, pas une liste." in tip
        assert "Proposée par le calcul" in tip
    towns = [tip["text"] for tip in seen["layers"]["communes_volume"]["tips"]]
    (angers,) = [tip for tip in towns if tip.startswith(f"Angers ({ANGERS})")]
    assert "Secteur 2 · Angers ; Secteur 1 · Angers" in angers
    assert sum("Reçue à : Angers" in tip for tip in towns) == 1
    assert sum("inconnu" in tip for tip in towns) == 1  # the stability that is not known
    assert "[%" not in "".join(towns + tips)


def test_pictures_are_drawn(seen, pictures):
    for code in SCENARIOS:
        for name, count in (("bases", 1), ("communes", 3), ("secteurs", 2)):
            for place in range(count):
                picture = pictures / f"qgis_feuille_{name}_{code}_{place}.png"
                assert picture.stat().st_size > 10_000, picture.name


def test_name_that_is_a_script_and_a_scenario_with_marks(opened):
    done = shared_out(named(angers_epci(), ANGERS, AWKWARD), 3, "volume")
    outcome = done.scenarios[0]
    marked = outcome.scenario.model_copy(update={"code": "plan-b.2", "libelle": AWKWARD})
    found = opened(replace(done, scenarios=(replace(outcome, scenario=marked),)), "nom")
    assert found["warnings"] == []
    layer = found["layers"]["secteurs_plan-b.2"]
    assert [rule["rows"] for rule in layer["rules"]] == [1, 1, 1]
    tip = layer["tips"][0]
    assert "<script" not in tip["html"]
    assert html.escape(AWKWARD, quote=False).replace('"', "&quot;") in tip["html"]
    assert "alert(1)" in tip["text"]


def test_islands_far_apart(done, opened):
    inputs = replace(done.build.inputs, outlines=two_islands)
    found = opened(replace(done, build=replace(done.build, inputs=inputs)), "iles")
    assert found["warnings"] == []
    layer = found["layers"]["communes_volume"]
    assert layer["crs"] == "EPSG:4326"
    assert sum(counts(layer, "Secteurs").values()) == len(done.build.communes) + 2
