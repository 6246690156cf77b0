"""The styles of QGIS as they are written; tests/viewers/test_qgis.py opens them."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from odd_builds import alone, empty

from fragilite.cartography import MISSING, VOLUME, themes
from fragilite.explanation import CAUTIONS
from fragilite.outputs import style
from fragilite.outputs.map_tip import escaped, map_tip, text
from fragilite.outputs.qgis import LONGEST_NAME, rgba
from fragilite.outputs.style import COMMUNES, EPCI, LAYERS, qml, styles
from fragilite.pipeline import build

METHODS = ["fragilite-2026", "ifn-2020", "ifn-2023"]
#: What a rule says of a value: ``"indice" + 1e-09 >= 27.0``.
CONDITION = re.compile(r'^"(\w+)" \+ ([\d.e-]+) (>=|<) ([\d.e+-]+)$')


@pytest.fixture(scope="module", params=METHODS)
def any_build(request, built):
    """Classes declared, an open scale in fifths, a scale of ten steps without branches."""
    default = request.param == METHODS[0]
    return built if default else build("49", method=request.param, uncertainty=False)


def rules(document):
    """Filter, label and symbol of each rule under the heading."""
    renderer = ET.fromstring(document).find("renderer-v2")
    symbols = {symbol.get("name"): symbol for symbol in renderer.findall("symbols/symbol")}
    return [
        (rule.get("filter"), rule.get("label"), symbols[rule.get("symbol")])
        for rule in renderer.find("rules/rule").findall("rule")
    ]


def meets(filter_, column, value):
    """Whether a value meets the filter of a class, read as QGIS reads it."""
    if filter_ == f'"{column}" IS NOT NULL':
        return True
    for condition in filter_.split(" AND "):
        name, shift, sign, limit = CONDITION.match(condition).groups()
        assert name == column
        shifted = value + float(shift)
        if not (shifted >= float(limit) if sign == ">=" else shifted < float(limit)):
            return False
    return True


def options(symbol, name):
    return [one.get("value") for one in symbol.iter("Option") if one.get("name") == name]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.nom)
def test_each_theme_has_a_style_that_is_xml(any_build, layer):
    found = styles(any_build, layer)
    assert len(found) == len(themes(any_build))
    assert len({one.nom for one in found}) == len(found)
    for one in found:
        root = ET.fromstring(one.qml)
        assert root.find("layerGeometryType").text == "2"
        assert root.find("renderer-v2").get("type") == "RuleRenderer"
        assert 0 < len(one.nom) <= LONGEST_NAME
    assert found[0].qml == styles(any_build, layer)[0].qml


def test_every_value_meets_one_rule_that_of_its_class(any_build):
    rng = np.random.default_rng(1)
    for theme in themes(any_build):
        if theme.is_quantity:
            continue
        *classes, missing = rules(qml(any_build, COMMUNES, theme))
        assert [label for _, label, _ in classes] == list(theme.libelles)
        shown = [options(symbol, "color")[0] for *_, symbol in classes]
        assert shown == [rgba(colour) for colour in theme.couleurs]
        limits = np.array(theme.bornes)
        known = any_build.communes[theme.colonne].dropna()
        around = np.concatenate([limits, limits - 1e-12, limits + 1e-12, limits - 1e-6, [-5, 250]])
        values = np.concatenate([known, around, rng.uniform(limits[0], limits[-1], 50)])
        expected = theme.classes(pd.Series(values))
        for value, place in zip(values, expected, strict=True):
            met = [k for k, rule in enumerate(classes, 1) if meets(rule[0], theme.colonne, value)]
            assert met == [place], value
        assert missing[0] == "ELSE"


@pytest.mark.parametrize(
    ("layer", "label"),
    [(COMMUNES, MISSING), (EPCI, "EPCI partiel ou donnée manquante")],
    ids=["communes", "epci"],
)
def test_what_is_missing_is_hatched(any_build, layer, label):
    for one in styles(any_build, layer):
        filter_, said, symbol = rules(one.qml)[-1]
        assert (filter_, said) == ("ELSE", label)
        assert [part.get("class") for part in symbol.findall("layer")] == [
            "SimpleFill", "LinePatternFill",
        ]  # fmt: skip


def test_all_missing_is_all_hatched():
    """An open scale has no class where nothing is known; a declared one keeps its legend."""
    other = build("49", method="ifn-2020", uncertainty=False)
    found = styles(empty(other), COMMUNES)
    assert len(found) == len(list(other.method.descending()))  # and no circles
    assert [len(rules(one.qml)) for one in found] == [1] * len(found)


def test_one_commune_on_an_open_scale_has_one_class():
    other = alone(build("49", method="ifn-2020", uncertainty=False))
    (known, label, _), missing = rules(styles(other, COMMUNES)[0].qml)
    assert known == '"indice" IS NOT NULL'
    assert " à " in label
    assert missing[0] == "ELSE"


def test_area_of_a_circle_is_the_value(built):
    theme = next(theme for theme in themes(built) if theme.code == VOLUME)
    found = rules(qml(built, COMMUNES, theme))
    (expression,) = [
        one for one in options(found[0][2], "expression") if "personnes_a_accompagner" in one
    ]
    most = built.communes["personnes_a_accompagner"].max()
    scale, divisor = map(
        float, re.fullmatch(r"([\d.]+) \* sqrt\(max\(.*, 0\) / ([\d.]+)\)", expression).groups()
    )
    assert (scale, divisor) == (style.LARGEST, most)
    key = [rule for rule in found if rule[0] == "FALSE"]
    assert [label.replace("\u202f", "") for _, label, _ in key] == [
        "10000 personnes", "1000 personnes", "100 personnes",
    ]  # fmt: skip
    for (*_, symbol), value in zip(key, (10_000, 1_000, 100), strict=True):
        (size,) = options(symbol, "size")
        assert float(size) ** 2 / style.LARGEST**2 == pytest.approx(value / most, rel=0.01)


def test_every_column_has_a_french_name_of_its_own(any_build):
    for layer in LAYERS:
        root = ET.fromstring(styles(any_build, layer)[0].qml)
        found = {one.get("field"): one.get("name") for one in root.findall("aliases/alias")}
        assert list(found) == list(layer.table(any_build).columns)
        assert max(Counter(found.values()).values()) == 1
        for name, alias in found.items():
            assert alias.startswith(any_build.columns[name].libelle)


def test_form_and_table_lose_no_column(any_build):
    """The bulk is hidden in the table; every column is on one tab of the form."""
    for layer in LAYERS:
        root = ET.fromstring(styles(any_build, layer)[0].qml)
        names = list(layer.table(any_build).columns)
        fields = [one.get("name") for one in root.iter("attributeEditorField")]
        assert sorted(fields) == sorted(names)
        shown = {
            one.get("name"): one.get("hidden") == "0"
            for one in root.findall("attributetableconfig/columns/column")
        }
        assert list(shown) == ["fid", *names]
        assert shown[layer.lieu]
        assert shown["indice"]
        assert not any(shown[name] for name in names if name.endswith(("_statut", "_regle"))
                       and not name.startswith("personnes"))  # fmt: skip


def test_only_the_first_style_touches_aliases(built):
    first, *others = styles(built, COMMUNES)
    assert ET.fromstring(first.qml).get("styleCategories") == "AllStyleCategories"
    for one in others:
        root = ET.fromstring(one.qml)
        assert root.find("aliases") is None
        assert root.get("styleCategories") == "Symbology|Labeling|MapTips"
        assert root.find("mapTip").text == ET.fromstring(first.qml).find("mapTip").text


def test_names_come_with_the_scale(built):
    """Every commune within 1:250 000, only towns further."""
    found = ET.fromstring(styles(built, COMMUNES)[0].qml).findall("labeling/rules/rule")
    assert [one.get("scalemaxdenom") for one in found] == [None, "1000000", "500000", "250000"]
    people = built.communes["population"]
    marks = [0, *sorted(label.seuil for label in COMMUNES.etiquettes if label.seuil)]
    counts = np.histogram(people, [*marks, np.inf])[0]
    assert counts.sum() == len(people)
    assert all(
        f"< {high.seuil}" in one.get("filter")
        for high, one in zip(COMMUNES.etiquettes, found[1:], strict=False)
    )


# --- the map tip ------------------------------------------------------------------------------


def tip_of(done, layer=COMMUNES):
    return map_tip(done, list(layer.table(done).columns), name=layer.lieu, code=layer.code)


def test_tip_loads_nothing(any_build):
    for layer in LAYERS:
        found = tip_of(any_build, layer)
        assert not re.search(r"<(script|img|link|iframe)|https?:|url\(|src=", found)
        assert found.count("[%") == found.count("%]")


def test_tip_warns_wherever_a_reading_may_mislead(built):
    found = tip_of(built)
    for reading, caution in CAUTIONS.items():
        assert f"{text(reading)} THEN {text('.' + escaped(caution))}" in found


def test_tip_of_a_build_without_uncertainty_says_no_interval():
    found = tip_of(build("49", uncertainty=False))
    assert "neuf fois sur dix" not in found
    assert "Lecture" not in found


def test_words_of_a_method_are_neither_html_nor_expression(built):
    """A label of a method file reaches the tip, the legend and the aliases as it is written."""
    odd = """L'<b>indice</b> & "co" [% 1 %]"""
    method = built.method
    node = method.noeuds["reseau"].model_copy(update={"libelle": odd, "court": "x" * 40})
    changed = replace(
        built, method=method.model_copy(update={"noeuds": {**method.noeuds, "reseau": node}})
    )
    found = styles(changed, COMMUNES)[1]
    assert found.nom == "reseau"  # the short name is longer than QGIS keeps
    assert rules(found.qml)
    root = ET.fromstring(found.qml)
    assert root.find("renderer-v2/rules/rule").get("label").startswith(odd)
    tip = root.find("mapTip").text
    assert escaped(odd) in tip
    assert "<b>indice" not in tip
    assert "[% 1" not in tip
