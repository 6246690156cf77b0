"""What a researcher sees who drags the GeoPackage into QGIS 3.22, without any gesture more."""

import html
import re

import geopandas as gpd
import pytest
from odd_builds import AWKWARD, alone, empty, far_apart, renamed, unmapped

from fragilite import outputs
from fragilite.cartography import MISSING, themes
from fragilite.explanation import CAUTIONS
from fragilite.french import number, ordinal
from fragilite.outputs import geopackage
from fragilite.outputs.qgis import aliases
from fragilite.outputs.style import COMMUNES, EPCI, LAYERS, styles
from fragilite.pipeline import build


@pytest.fixture(scope="module")
def seen(files, qgis):
    """Maine-et-Loire, with the files of the same name beside it."""
    beside = [files / "fragilite_49.csv", files / "fragilite_49_epci.csv"]
    copy = files.parent / f"{files.name}_copie"
    copy.mkdir()
    # The GeoParquet as QGIS reads it where it can: another file, with the .qml of its name.
    layer = gpd.read_parquet(files / "fragilite_49.parquet")
    layer.drop(columns="bbox", errors="ignore").to_file(copy / "fragilite_49.geojson")
    (copy / "fragilite_49.qml").write_bytes((files / "fragilite_49.qml").read_bytes())
    beside.append(copy / "fragilite_49.geojson")
    return qgis(files / "fragilite_49.gpkg", "49", "all", beside)


@pytest.fixture
def opened(qgis, tmp_path):
    """Open the GeoPackage of another build."""

    def _open(changed, name):
        path = tmp_path / "fragilite.gpkg"
        geopackage.write(changed, outputs.geographic_layer(changed), path)
        return qgis(path, name)

    return _open


def plain(text):
    """A text without the spaces and marks that only typography tells apart."""
    return re.sub(r"\s+", " ", text.replace("\u202f", " "))


def test_opens_without_a_word(seen):
    assert seen["warnings"] == []
    assert seen["sublayers"] == ["communes", "epci", "provenance", "dictionnaire"]
    assert all(layer["valid"] for layer in seen["layers"].values())


def test_opens_styled(built, seen):
    for layer in LAYERS:
        found = seen["layers"][layer.nom]
        assert found["renderer"] == "RuleRenderer"
        assert found["labels"]
        assert found["crs"] == "EPSG:2154"
        labels = [rule["label"] for rule in found["rules"]]
        assert labels == [*themes(built)[0].libelles, layer.manquante]
        assert found["display"] == f'"{layer.lieu}"'


def test_every_commune_has_the_colour_of_its_class(built, seen):
    """Rows of each rule, counted by QGIS, are those of each class of the files."""
    found = seen["layers"]["communes"]["styles"]
    for theme in themes(built):
        (name,) = [one for one in found if one == theme.court[:1].upper() + theme.court[1:]]
        rows = [rule["rows"] for rule in found[name]["rules"]]
        values = built.communes[theme.colonne]
        if theme.is_quantity:
            assert rows == [len(values), 0, 0, 0, 0]
            continue
        classes = theme.classes(values).value_counts()
        assert rows == [classes.get(place, 0) for place in range(1, 6)] + [0]


def test_partial_epci_is_hatched(built, seen):
    rows = [rule["rows"] for rule in seen["layers"]["epci"]["rules"]]
    assert rows[-1] == (built.epci["remarque"] != "").sum() == 1
    assert sum(rows) == len(built.epci)


def test_aliases_are_french_and_stay_with_every_style(built, seen):
    for layer in LAYERS:
        found = seen["layers"][layer.nom]
        shown = {name: alias for name, alias in found["aliases"].items() if name != "fid"}
        assert shown == aliases(built.columns, list(layer.table(built).columns))
        assert [one["loaded"] for one in found["styles"].values()] == [True] * 6
        assert {one["alias"] for one in found["styles"].values()} == {shown[layer.lieu]}
        assert [*found["styles"]] == [one.nom for one in styles(built, layer)]


def test_legend_says_what_is_shown(seen):
    legend = seen["layers"]["communes"]["styles"]["Indice"]["legend"]
    assert legend == [
        "Indice de fragilité numérique (points)", "fragilité très faible (0 à 27)",
        "fragilité faible (27 à 37)", "fragilité moyenne (37 à 45,5)",
        "fragilité forte (45,5 à 55)", "fragilité très forte (55 à 100)", MISSING,
    ]  # fmt: skip
    people = seen["layers"]["communes"]["styles"]["Personnes à accompagner"]["legend"]
    assert plain(" | ".join(people)) == (
        "Personnes à accompagner | Cercle proportionnel au nombre | 10 000 personnes | "
        "1 000 personnes | 100 personnes | Donnée manquante"
    )


def test_tip_of_every_commune_says_its_figures(built, seen):
    tips = seen["layers"]["communes"]["tips"]
    assert len(tips) == len(built.communes)
    for tip, row in zip(tips, built.communes.itertuples(), strict=True):
        said = plain(tip["text"])
        span = f"du {ordinal(row.rang_min_90)} au {ordinal(row.rang_max_90)}"
        for words in (
            f"{row.nom} ({row.code_insee})",
            row.nom_epci,
            f"{row.classe_libelle}",
            f"{ordinal(row.rang)} sur {row.rang_sur} (",
            "neuf fois sur dix)",
            f"Lecture : {row.lecture}.",
            f"environ {number(row.personnes_a_accompagner)}, {ordinal(row.rang_volume)} rang",
        ):
            assert plain(words) in said
        assert span in said or f"au {ordinal(row.rang_min_90)}," in said
        assert plain(CAUTIONS.get(row.lecture, "")) in said
        for name in ("indice", "fragilite_reseau", "fragilite_usages", "fragilite_sociale"):
            value = getattr(row, name)
            assert {number(value, 1), number(value + 1e-9, 1)} & set(re.findall(r"[\d,]+\d", said))
        assert "[%" not in tip["html"]


def test_tip_of_a_partial_epci_says_why_it_has_no_value(seen):
    tip = plain(seen["layers"]["epci"]["tips"][6]["text"])
    assert "EPCI partiel : 1 commune sur 20 : aucune valeur n'est donnée." in tip
    assert "Indice de fragilité numérique : donnée manquante" in tip
    assert "Rang" not in tip


def test_style_of_the_geoparquet_is_taken_by_what_has_its_columns(built, seen):
    """The .qml: for outlines it is the style; a CSV of the same name stays a table."""
    found = seen["others"]["fragilite_49.geojson"]
    assert found["renderer"] == "RuleRenderer"
    assert sum(rule["rows"] for rule in found["rules"][:-1]) == 176
    assert found["aliases"]["nom"] == "Commune"
    for name, count in (("fragilite_49.csv", 176), ("fragilite_49_epci.csv", 10)):
        assert seen["others"][name]["valid"]
        assert seen["others"][name]["features"] == count
        assert "renderer" not in seen["others"][name]


def test_pictures_are_drawn(seen, pictures):
    """A map in five colours and a legend: thousands of bytes more than a blank sheet."""
    names = [f"qgis_49_{layer.nom}_{place}.png" for layer in LAYERS for place in range(6)]
    for name in [*names, "qgis_49_communes_0_pres.png", "qgis_49_communes_bulle.png"]:
        assert (pictures / name).stat().st_size > 10_000, name


# --- what is not usual ------------------------------------------------------------------------


def test_name_that_is_a_script(built, opened):
    found = opened(renamed(built), "nom")
    assert found["warnings"] == []
    for layer in LAYERS:
        tip = found["layers"][layer.nom]["tips"][0]
        assert html.escape(AWKWARD, quote=False).replace('"', "&quot;") in tip["html"]
        assert "<script" not in tip["html"]
        assert "alert(1)" in tip["text"]  # it is read, not run


def test_one_commune(built, opened):
    found = opened(alone(built), "une")
    assert found["warnings"] == []
    assert sum(rule["rows"] for rule in found["layers"]["communes"]["rules"]) == 1
    assert found["layers"]["epci"]["features"] == 1


def test_all_missing(built, opened):
    found = opened(empty(built), "rien")
    for layer in LAYERS:
        rows = [rule["rows"] for rule in found["layers"][layer.nom]["rules"]]
        assert rows == [0, 0, 0, 0, 0, len(layer.table(built))]
    tip = plain(found["layers"]["communes"]["tips"][0]["text"])
    assert tip.count("donnée manquante") == 6  # the index, four branches, the people
    assert "Rang" not in tip
    assert "Lecture" not in tip


def test_overseas_and_mainland(built, opened):
    found = opened(far_apart(built), "loin")
    assert found["warnings"] == []
    assert found["layers"]["communes"]["crs"] == "EPSG:4326"
    assert sum(rule["rows"] for rule in found["layers"]["communes"]["rules"]) == 2


def test_no_outline(built, opened):
    found = opened(unmapped(built), "sans")
    for layer in (COMMUNES, EPCI):
        assert found["layers"][layer.nom]["renderer"] == "RuleRenderer"


@pytest.mark.parametrize("name", ["ifn-2020", "ifn-2023"])
def test_other_methods(name, opened):
    other = build("49", method=name, uncertainty=False)
    found = opened(other, name)
    assert found["warnings"] == []
    theme = themes(other)[0]
    rows = [rule["rows"] for rule in found["layers"]["communes"]["rules"]]
    classes = theme.classes(other.communes[theme.colonne]).value_counts().sort_index().tolist()
    assert rows == [*classes, 0]
    assert "neuf fois sur dix" not in found["layers"]["communes"]["tips"][0]["text"]
