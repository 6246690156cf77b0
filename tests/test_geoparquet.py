"""GeoParquet, read back as its readers would: geopandas and DuckDB, whole or by a box."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from fragilite import outputs
from fragilite.outputs import geoparquet

VALIDATOR = Path(sys.executable).with_name("geoparquet-validator")
#: Around Saumur, in Lambert-93.
BOX = (455_000.0, 6_680_000.0, 475_000.0, 6_700_000.0)


@pytest.fixture(scope="module")
def layer(built):
    return outputs.geographic_layer(built)


@pytest.fixture(scope="module")
def path(built, layer, tmp_path_factory):
    target = tmp_path_factory.mktemp("parquet") / "fragilite_49.parquet"
    geoparquet.write(built, layer, target)
    return target


@pytest.fixture(scope="module")
def inside(layer):
    """Codes of the communes whose box meets the box, from the build."""
    x0, y0, x1, y1 = BOX
    limits = layer.geometry.bounds
    meets = (limits.minx <= x1) & (limits.maxx >= x0) & (limits.miny <= y1) & (limits.maxy >= y0)
    codes = set(layer.loc[meets, "code_insee"])
    assert 0 < len(codes) < len(layer)
    return codes


def by_code(table):
    return table.set_index("code_insee").sort_index()


def test_geopandas_reads_the_same_figures(built, path, layer):
    read = by_code(gpd.read_parquet(path)).drop(columns="bbox", errors="ignore")
    wanted = by_code(layer)
    assert read.crs == layer.crs
    assert read.geometry.geom_equals(wanted.geometry).all()
    columns = [name for name in built.communes.columns if name != "code_insee"]
    for name in columns:
        found, expected = read[name], wanted[name]
        np.testing.assert_array_equal(found.isna(), expected.isna(), err_msg=name)
        known = expected.notna()
        assert found[known].tolist() == expected[known].tolist(), name


def test_geopandas_reads_a_box(path, inside):
    assert set(gpd.read_parquet(path, bbox=BOX)["code_insee"]) == inside


def test_duckdb_reads_the_same_figures(built, path, layer):
    """Its spatial extension is a download: outlines are compared as bytes, through shapely."""
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT code_insee, nom, indice, rang, lecture, part_65_plus_sature, geometry, "
            "bbox.xmin AS xmin, bbox.ymax AS ymax FROM read_parquet(?) ORDER BY code_insee",
            [str(path)],
        ).fetchall()
    table = pd.DataFrame(
        rows,
        columns=["code", "nom", "indice", "rang", "lecture", "sature", "wkb", "xmin", "ymax"],
    )
    wanted = layer.sort_values("code_insee")
    assert table["code"].tolist() == wanted["code_insee"].tolist()
    assert table["nom"].tolist() == wanted["nom"].tolist()
    np.testing.assert_array_equal(table["indice"].astype(float), wanted["indice"])
    assert table["rang"].tolist() == wanted["rang"].tolist()
    assert table["lecture"].tolist() == wanted["lecture"].tolist()
    assert table["sature"].tolist() == wanted["part_65_plus_sature"].tolist()
    shapes = shapely.from_wkb([_wkb(one) for one in table["wkb"]])
    assert shapely.equals(shapes, wanted.geometry.to_numpy()).all()
    np.testing.assert_allclose(table["xmin"], wanted.geometry.bounds["minx"])
    np.testing.assert_allclose(table["ymax"], wanted.geometry.bounds["maxy"])


def _wkb(value):
    """DuckDB gives WKB as bytes, or as hexadecimal text once it knows a geometry type."""
    return bytes.fromhex(value) if isinstance(value, str) else bytes(value)


def test_duckdb_reads_a_box(path, inside):
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT code_insee FROM read_parquet(?) WHERE bbox.xmin <= ? AND bbox.xmax >= ? "
            "AND bbox.ymin <= ? AND bbox.ymax >= ?",
            [str(path), BOX[2], BOX[0], BOX[3], BOX[1]],
        ).fetchall()
    assert {code for (code,) in rows} == inside


def test_one_row_per_commune_and_every_column_described(built, path):
    """In the keys of the file, as DuckDB sees them."""
    assert pq.ParquetFile(path).metadata.num_rows == len(built.communes)
    with duckdb.connect() as database:
        query = "SELECT key, value FROM parquet_kv_metadata(?)"
        keys = dict(database.execute(query, [str(path)]).fetchall())
    facts = json.loads(keys[b"fragilite"])
    assert facts["methode"]["sha256"] == built.method.sha256
    assert list(facts["colonnes"]) == list(built.communes.columns)
    for notes in facts["colonnes"].values():
        assert all(notes[key].strip() for key in ("libelle", "unite", "description", "source"))


def test_footer_is_lighter_than_the_figures(path):
    """What every reader fetches first, even for one box."""
    assert pq.ParquetFile(path).metadata.serialized_size < path.stat().st_size / 2


def groups_met(path, box):
    """Groups of rows that a reader of a box must open, from the statistics of the box column."""
    meta = pq.ParquetFile(path).metadata
    place = {meta.schema.column(j).path: j for j in range(meta.num_columns)}

    def limit(group, name):
        found = meta.row_group(group).column(place[f"bbox.{name}"]).statistics
        return found.min if name.endswith("min") else found.max

    x0, y0, x1, y1 = box
    return [
        group
        for group in range(meta.num_row_groups)
        if limit(group, "xmin") <= x1
        and limit(group, "xmax") >= x0
        and limit(group, "ymin") <= y1
        and limit(group, "ymax") >= y0
    ], meta.num_row_groups


def test_a_box_opens_few_groups(built, layer, path, tmp_path, monkeypatch):
    """A quarter of the ground in eight groups of 22 rows: at most half are opened, and fewer than
    in the order of codes."""
    assert groups_met(path, BOX) == ([0], 1)  # a département fits in one group
    monkeypatch.setattr(geoparquet, "ROW_GROUP", 22)
    sorted_, by_codes = tmp_path / "a.parquet", tmp_path / "b.parquet"
    geoparquet.write(built, layer, sorted_)
    monkeypatch.setattr(geoparquet, "along_the_curve", lambda rows: rows)
    geoparquet.write(built, layer, by_codes)
    opened, groups = groups_met(sorted_, BOX)
    assert groups == 8
    assert len(opened) <= 3 < len(groups_met(by_codes, BOX)[0])
    assert "PASS  /conf/distribution/spatial-order" in judged(sorted_)
    assert "FAIL  /conf/distribution/spatial-order" in judged(by_codes)


def judged(path):
    """What an independent validator says of a file."""
    return subprocess.run([VALIDATOR, "check", str(path)], capture_output=True, text=True).stdout


def test_communes_without_an_outline_come_last(built, layer, tmp_path):
    bare = layer.copy()
    bare.loc[bare["nom"].isin(["Angers", "Saumur"]), "geometry"] = None
    path = tmp_path / "sans.parquet"
    geoparquet.write(built, bare, path)
    read = gpd.read_parquet(path)
    assert read["nom"].tolist()[-2:] == ["Angers", "Saumur"]
    assert read.geometry.isna().sum() == 2
    assert len(gpd.read_parquet(path, bbox=tuple(layer.total_bounds))) == 174


def test_no_outline_at_all(built, layer, tmp_path):
    bare = layer.assign(geometry=gpd.GeoSeries([None] * len(layer), crs=layer.crs))
    path = tmp_path / "sans.parquet"
    geoparquet.write(built, bare, path)
    assert gpd.read_parquet(path)["code_insee"].tolist() == layer["code_insee"].tolist()


def test_one_commune(built, layer, tmp_path):
    alone = dataclasses.replace(built, communes=built.communes.iloc[:1])
    geoparquet.write(alone, layer.iloc[:1], tmp_path / "une.parquet")
    assert len(gpd.read_parquet(tmp_path / "une.parquet")) == 1


def test_two_runs_give_the_same_bytes(built, layer, path, tmp_path):
    geoparquet.write(built, layer, tmp_path / "encore.parquet")
    assert (tmp_path / "encore.parquet").read_bytes() == path.read_bytes()
