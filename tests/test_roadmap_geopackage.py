"""The GeoPackage of a roadmap read back by GDAL and SQLite; QGIS opens it in tests/viewers."""

import sqlite3
import xml.etree.ElementTree as ET
from contextlib import closing
from dataclasses import replace
from importlib import import_module

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from odd_builds import AWKWARD, alone, far_apart, moved, named, two_islands, unmapped
from roadmaps import ANGERS, SCENARIOS, angers_epci, shared_out

from fragilite.outputs import geographic_layer, roadmap_geopackage
from fragilite.outputs.qgis import LONGEST_NAME, aliases, rgba
from fragilite.roadmap import tables
from fragilite.roadmap.need import people_of
from fragilite.sector_colours import colours, tint

LAYERS = ("bases", "communes", "secteurs")


@pytest.fixture(scope="module")
def done():
    """Angers Loire Métropole, 29 communes."""
    return shared_out(angers_epci(), 3, *SCENARIOS, min_demi_journees=1)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write a GeoPackage of a study."""

    def _write(found):
        path = tmp_path_factory.mktemp("gpkg") / f"{found.nom}.gpkg"
        roadmap_geopackage.write(found, path)
        return path

    return _write


@pytest.fixture(scope="module")
def path(done, written):
    return written(done)


@pytest.fixture
def no_draw(monkeypatch):
    """The need as it is: a build that was cut has no age bands of its own."""
    monkeypatch.setattr(
        import_module("fragilite.roadmap.study"),  # not the function that hides it
        "drawn",
        lambda done, draws: np.tile(people_of(done).to_numpy(), (draws, 1)),
    )


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def rules(path, layer, place=0):
    """Filter, label and symbol of each rule of a style."""
    ((qml,),) = rows(
        path,
        f"SELECT styleQML FROM layer_styles WHERE f_table_name = '{layer}'"
        f" ORDER BY id LIMIT 1 OFFSET {place}",
    )
    renderer = ET.fromstring(qml).find("renderer-v2")
    symbols = {one.get("name"): one for one in renderer.findall("symbols/symbol")}
    return [
        (rule.get("filter"), rule.get("label"), symbols[rule.get("symbol")])
        for rule in renderer.findall("rules/rule/rule")
    ]


def option(symbol, name):
    return [one.get("value") for one in symbol.iter("Option") if one.get("name") == name]


def test_layers_stand_as_qgis_will_list_them(path):
    found = rows(path, "SELECT table_name, data_type FROM gpkg_contents ORDER BY rowid")
    layers = [(f"{name}_{code}", "features") for code in SCENARIOS for name in LAYERS]
    names = ("calendrier", "comparaison", "provenance", "dictionnaire", "layer_styles")
    assert found == layers + [(name, "attributes") for name in names]
    titles = dict(rows(path, "SELECT table_name, identifier FROM gpkg_contents"))
    assert titles["bases_volume"] == "Bases : Le nombre d'abord"


@pytest.mark.parametrize("place", [0, 1], ids=SCENARIOS)
def test_sectors_are_the_posts_with_their_outlines(done, path, place):
    outcome = done.scenarios[place]
    layer = gpd.read_file(path, layer=f"secteurs_{SCENARIOS[place]}")
    assert layer.crs.to_epsg() == 2154
    posts = tables.posts(done)
    assert list(layer.columns) == [*posts.columns, "geometry"]
    assert layer["personnes"].tolist() == outcome.postes["personnes"].tolist()
    assert layer.geometry.is_valid.all()
    shapes = layer.set_index("secteur").geometry
    towns = geographic_layer(done.build).set_index("code_insee").geometry
    for row in outcome.communes.itertuples():
        point = towns[row.code_insee].representative_point()
        assert [at for at, shape in shapes.items() if shape.contains(point)] == sorted(
            outcome.communes.loc[outcome.communes["code_insee"] == row.code_insee, "secteur"]
        )
    union = shapely.union_all(shapes.to_numpy())
    assert union.area == pytest.approx(towns.area.sum(), rel=1e-9)


def test_a_commune_of_several_sectors_has_one_row(done, path):
    outcome = done.scenarios[0]
    held = outcome.communes.set_index("code_insee").loc[[ANGERS]]
    assert held["poste_entier"].tolist() == [True, False]
    layer = gpd.read_file(path, layer="communes_volume").set_index("code_insee")
    assert sorted(layer.index) == sorted(done.build.communes["code_insee"])
    row = layer.loc[ANGERS]
    assert row["secteur"] == held["secteur"].iloc[1]
    assert row["autres_secteurs"] == "Secteur 1 · Angers"
    assert row["personnes"] == pytest.approx(done.besoin["personnes"][ANGERS])
    assert row["charge_personnes"] == pytest.approx(held["charge"].sum())
    assert row["demi_journees"] == held["demi_journees"].sum() > held["demi_journees"].max()
    assert row["recue_a"] == ANGERS
    assert row["lieux"] == done.besoin["lieux"][ANGERS]
    assert (layer["autres_secteurs"] == "").sum() == len(layer) - 1
    assert {"charge_personnes", "demi_journees", "recue_a", "stabilite", "lieux"} <= {*layer}


def test_a_base_counts_its_posts(done, path):
    towns = geographic_layer(done.build).set_index("code_insee").geometry
    for outcome in done.scenarios:
        layer = gpd.read_file(path, layer=f"bases_{outcome.scenario.code}")
        posts = outcome.postes.groupby("code_base")
        assert layer["code_base"].tolist() == list(posts.groups)
        assert layer["postes_base"].tolist() == posts.size().tolist()
        assert layer["personnes"].tolist() == pytest.approx(posts["personnes"].sum().tolist())
        assert set(layer["origine_point"]) <= {"mairie", "point intérieur"}
        assert towns[layer["code_base"]].contains(layer.geometry, align=False).all()
    angers = gpd.read_file(path, layer="bases_volume").set_index("code_base").loc[ANGERS]
    assert angers["secteurs"] == "Secteur 1 · Angers ; Secteur 2 · Angers"


def test_each_layer_opens_with_its_sectors(done, path):
    found = rows(
        path,
        "SELECT f_table_name, f_geometry_column, styleName, useAsDefault, styleQML, update_time"
        " FROM layer_styles ORDER BY id",
    )
    by_layer = {}
    for layer, geometry, name, default, qml, moment in found:
        by_layer.setdefault(layer, []).append((name, default))
        plain = layer in ("calendrier", "comparaison")
        assert geometry == ("" if plain else "geom")
        kind = {"b": "0", "s": "2"}.get(layer[0], "4" if plain else "2")
        assert ET.fromstring(qml).find("layerGeometryType").text == kind
        assert len(name) <= LONGEST_NAME
        assert moment.endswith("T00:00:00.000Z")
    for code in SCENARIOS:
        assert by_layer[f"bases_{code}"] == [("Bases", 1)]
        assert by_layer[f"secteurs_{code}"] == [("Secteurs", 1), ("Contours", 0)]
        assert by_layer[f"communes_{code}"] == [
            ("Secteurs", 1), ("Stabilité", 0), ("Demi-journées", 0),
        ]  # fmt: skip


@pytest.mark.parametrize("place", [0, 1], ids=SCENARIOS)
def test_a_sector_has_one_colour_in_every_layer(done, path, place):
    """Light on communes, ringed on bases; a reserved post in stripes over the shared sector."""
    outcome, code = done.scenarios[place], SCENARIOS[place]
    expected = colours(outcome)
    whole = outcome.communes.groupby("secteur")["poste_entier"].all()
    for layer, share in (("secteurs", 0.75), ("communes", 0.5)):
        drawn = rules(path, f"{layer}_{code}")
        assert len(drawn) == len(expected)
        for (_, label, symbol), (sector, colour) in zip(drawn, expected.items(), strict=True):
            shown, name = (
                (colour, "line_color") if whole[sector] else (tint(colour, share), "color")
            )
            assert rgba(shown) in option(symbol, name)
            assert label.startswith(f"{sector} · ")
            assert label.endswith("(poste réservé)") == whole[sector]
    for filter_, label, symbol in rules(path, f"bases_{code}"):
        sector = int(label.partition(" ")[0])
        assert filter_ == f'"secteur" = {sector}'
        assert option(symbol, "color") == [rgba(expected[sector])]


def test_stripes_of_several_posts_stand_side_by_side(written):
    """Two posts reserved to Angers, and a third that it shares."""
    found = shared_out(angers_epci(), 5, "volume")
    reserved = found.scenarios[0].communes
    assert reserved["poste_entier"].sum() == 2
    path = written(found)
    stripes = [symbol for _, label, symbol in rules(path, "communes_volume") if "réservé" in label]
    shifts = [option(symbol, "offset") for symbol in stripes]
    assert shifts == [["0"], ["1.1"]]
    assert {*option(stripes[0], "distance")} == {"3.3"}
    base = gpd.read_file(path, layer="bases_volume").set_index("code_base").loc[ANGERS]
    assert base["postes_base"] == (found.scenarios[0].postes["code_base"] == ANGERS).sum()


def test_a_base_whose_only_post_is_reserved_has_its_colour(done, written):
    """Its commune belongs to a shared sector too, based elsewhere."""
    outcome = done.scenarios[0]
    posts = outcome.postes.copy()
    away = posts["secteur"] == 2
    posts.loc[away, ["code_base", "nom_base"]] = ["49015", "Avrillé"]
    path = written(replace(done, scenarios=(replace(outcome, postes=posts),)))
    layer = gpd.read_file(path, layer="bases_volume").set_index("code_base")
    assert layer["secteur"].to_dict() == {ANGERS: 1, "49015": 2, posts["code_base"].iloc[2]: 3}
    labels = [label for _, label, _ in rules(path, "bases_volume")]
    assert labels[:2] == ["1 · Angers (poste réservé)", "2 · Avrillé"]


def test_communes_without_a_half_day_are_hatched(done, path, written):
    label = "Sans passage, reçue ailleurs"
    assert label not in [said for _, said, _ in rules(path, "communes_volume")]
    outcome = done.scenarios[0]
    communes = outcome.communes.copy()
    communes.loc[communes["nom"] == "Béhuard", ["demi_journees", "recue_a"]] = [0, "49307"]
    changed = replace(done, scenarios=(replace(outcome, communes=communes),))
    filter_, said, symbol = rules(written(changed), "communes_volume")[-1]
    assert (filter_, said) == ('"demi_journees" = 0', label)
    assert [part.get("class") for part in symbol.findall("layer")] == ["LinePatternFill"]


def test_tables_hold_every_row(done, path):
    for name, table in (("calendrier", tables.calendar(done)), ("comparaison", tables.plans(done))):
        found = rows(path, f"SELECT * FROM {name}")
        assert [row[1:] for row in found] == [
            tuple(row) for row in table.astype(object).itertuples(index=False)
        ]


def test_dictionary_describes_every_column(path):
    found = rows(path, "SELECT nom, libelle, unite, couches FROM dictionnaire")
    held = {}
    tables_of = [f"{name}_{code}" for code in SCENARIOS for name in LAYERS]
    for layer in [*tables_of, "calendrier", "comparaison"]:
        for _, column, *_ in rows(path, f"PRAGMA table_info('{layer}')"):
            held.setdefault(column, []).append(layer)
    held = {name: layers for name, layers in held.items() if name not in ("fid", "geom")}
    assert {row[0]: row[3].split(", ") for row in found} == held
    assert next(row[2] for row in found if row[0] == "distance") == "km"
    titles = rows(path, "SELECT table_name, column_name, title FROM gpkg_data_columns")
    for layer in tables_of:
        mine = {column: title for table, column, title in titles if table == layer}
        assert mine == aliases(tables.columns(), list(mine))


def test_distances_by_road_are_minutes(done, written):
    outcome = done.scenarios[0]
    minutes = replace(outcome, ground=replace(outcome.ground, unite="min"))
    path = written(replace(done, scenarios=(minutes,)))
    assert rows(path, "SELECT unite FROM dictionnaire WHERE nom = 'distance'") == [("min",)]


def test_provenance_says_what_must_be_known(done, path):
    found = rows(path, "SELECT source, titre, note, donnees_au, licence FROM provenance")
    sources = [row[0] for row in found]
    assert sources[0] == "methode"
    assert "insee_rp" in sources
    told = {row[1]: row[2] for row in found if row[0] == "scenario"}
    assert list(told) == [one.scenario.libelle for one in done.scenarios]
    for outcome in done.scenarios:
        said = told[outcome.scenario.libelle]
        assert outcome.scenario.description in said
        assert "possible sous ces règles" in said
        assert all(message in said for message in outcome.messages)
    lists = {(row[1], row[3], row[4]) for row in found if row[0] == "liste de lieux"}
    assert lists == {(one["titre"], one["date"], one["licence"]) for one in done.known.listes}
    assert set(done.notes) <= {row[2] for row in found}


def test_file_is_sound_and_repeats(done, path, written):
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert rows(path, "PRAGMA foreign_key_check") == []
    assert rows(path, "PRAGMA user_version") == [(10200,)]
    assert written(done).read_bytes() == path.read_bytes()


def test_a_file_that_exists_is_written_anew(done, path, tmp_path):
    again = tmp_path / "feuille.gpkg"
    again.write_bytes(b"autre chose")
    roadmap_geopackage.write(done, again)
    assert again.read_bytes() == path.read_bytes()


def elsewhere(found, outlines):
    inputs = replace(found.build.inputs, outlines=outlines)
    return replace(found, build=replace(found.build, inputs=inputs))


@pytest.mark.parametrize("outlines", [two_islands, None], ids=["outre-mer", "sans contour"])
def test_any_outlines_are_written(done, written, outlines):
    """Two islands 13 000 km apart, in degrees; or no outline at all: the file opens as well."""
    changed = elsewhere(done, outlines) if outlines else replace(done, build=unmapped(done.build))
    path = written(changed)
    kinds = {"bases": "Point", "communes": "MultiPolygon", "secteurs": "MultiPolygon"}
    for name, kind in kinds.items():
        info = pyogrio.read_info(path, layer=f"{name}_volume")
        assert info["geometry_type"] == kind
        assert info["features"] > 0
        assert info["crs"] == ("EPSG:4326" if outlines else "EPSG:2154")
    assert rows(path, "SELECT count(*) FROM layer_styles WHERE useAsDefault") == [(8,)]


@pytest.mark.usefixtures("no_draw")
@pytest.mark.parametrize(
    ("odd", "posts"),
    [(alone, 1), (far_apart, 1), (lambda built: moved(built, ["971", "972"]), 2)],
    ids=["une commune", "départements", "îles"],
)
def test_any_territory_is_written(built, written, odd, posts):
    done = shared_out(odd(built), posts, "volume")
    path = written(done)
    layer = gpd.read_file(path, layer="secteurs_volume")
    assert len(layer) == posts
    assert gpd.read_file(path, layer="bases_volume")["postes_base"].sum() == posts
    assert not layer.geometry.is_empty.any()
    assert len(gpd.read_file(path, layer="communes_volume")) == len(done.build.communes)


def test_names_are_written_as_they_are(written):
    """As a base, a name reaches the legend, the labels and the tips, and runs nowhere."""
    changed = named(angers_epci(), ANGERS, AWKWARD)
    path = written(shared_out(changed, 3, "volume"))
    assert AWKWARD in gpd.read_file(path, layer="bases_volume")["nom_base"].tolist()
    assert any(AWKWARD in label for _, label, _ in rules(path, "secteurs_volume"))
    tips = rows(path, "SELECT styleQML FROM layer_styles")
    assert not any("<script" in (ET.fromstring(qml).findtext("mapTip") or "") for (qml,) in tips)
