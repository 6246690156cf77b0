"""The files, read back as their readers would, and what happens when they cannot be written."""

import csv
import hashlib
import json
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

from fragilite import outputs
from fragilite.errors import FragiliteError, UsageError
from fragilite.pipeline import build

VALIDATOR = Path(sys.executable).with_name("geoparquet-validator")
NAMES = [
    "fragilite_49.csv",
    "fragilite_49.csvt",
    "fragilite_49.gpkg",
    "fragilite_49.parquet",
    "fragilite_49.qml",
    "fragilite_49.schema.json",
    "fragilite_49_epci.csv",
    "fragilite_49_excel.csv",
    "fragilite_49.datapackage.json",
]


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    target = tmp_path_factory.mktemp("sorties")
    assert [path.name for path in outputs.write(built, target)] == NAMES
    return target


def snapshot_names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def snapshot(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def test_second_run_gives_the_same_bytes(folder):
    before = snapshot(folder)
    outputs.write(build("49"), folder)
    assert snapshot(folder) == before


def test_another_folder_gives_the_same_bytes(built, folder, tmp_path):
    outputs.write(built, tmp_path)
    assert snapshot(tmp_path) == snapshot(folder)


def test_geoparquet_is_valid(folder):
    path = folder / "fragilite_49.parquet"
    done = subprocess.run(
        [VALIDATOR, "check", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "FAIL" not in done.stdout


def test_geoparquet_reads_back(built, folder):
    path = folder / "fragilite_49.parquet"
    layer = gpd.read_parquet(path).sort_values("code_insee")  # rows follow a Hilbert curve
    assert layer.crs.to_epsg() == 2154
    assert layer["code_insee"].tolist() == built.communes["code_insee"].tolist()
    np.testing.assert_array_equal(layer["indice"], built.communes["indice"])
    assert json.loads(pq.read_schema(path).metadata[b"geo"])["version"] == "1.1.0"


def test_geoparquet_carries_its_provenance(built, folder):
    schema = pq.read_schema(folder / "fragilite_49.parquet")
    facts = json.loads(schema.metadata[b"fragilite"])
    assert facts["methode"] == {
        "code": "fragilite-2026",
        "version": "1.1.0",
        "sha256": built.method.sha256,
    }
    assert facts["geographie"] == "Communes au 1er janvier 2026"
    assert "part_surface_sans_4g" in facts["indicateurs_retires"]
    needed = ("editeur", "titre", "millesime", "adresse", "releve_le", "licence", "attribution")
    for source in facts["sources"]:
        assert all(source[key] for key in needed), source
    assert sum(bool(source["sha256"]) for source in facts["sources"]) == 14
    assert facts["colonnes"]["indice"]["libelle"] == "Indice de fragilité numérique"


def test_csv_keeps_codes_as_text(folder):
    text = (folder / "fragilite_49.csv").read_bytes()
    assert not text.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in text
    table = pd.read_csv(folder / "fragilite_49.csv", dtype={"code_insee": str})
    assert len(table) == 176
    assert table["indice"].round(1).equals(table["indice"])
    assert table["part_65_plus_sature"].dtype == bool
    types = (folder / "fragilite_49.csvt").read_text().strip().split(",")
    assert len(types) == len(table.columns)
    by_name = dict(zip(table.columns, types, strict=True))
    assert by_name["code_insee"] == by_name["code_departement"] == '"String"'
    assert by_name["indice"] == '"Real"'
    assert by_name["rang"] == '"Integer"'


def test_excel_csv_opens_right_in_french_excel(folder):
    content = (folder / "fragilite_49_excel.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == 177
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines(), delimiter=";"))
    angers = next(row for row in rows if row["nom"] == "Angers")
    assert angers["indice"] == "34,2"
    assert angers["code_insee"] == "49007"
    assert angers["personnes_a_accompagner"] == "18283"
    assert angers["part_65_plus_sature"] == "non"
    assert any(row["nom"] == "Orée d'Anjou" for row in rows)


def test_texts_never_begin_like_a_formula(folder):
    for name in ("fragilite_49.csv", "fragilite_49_epci.csv"):
        for row in csv.reader((folder / name).read_text(encoding="utf-8").splitlines()):
            for cell in row:
                assert not cell.startswith(("=", "+", "@"))
                assert not cell.startswith("-") or cell[1:].replace(".", "").isdigit()


def test_geopackage_reads_back_with_its_provenance(built, folder):
    path = folder / "fragilite_49.gpkg"
    layer = gpd.read_file(path, layer="communes")
    assert len(layer) == 176
    assert layer.crs.to_epsg() == 2154
    np.testing.assert_array_equal(layer["indice"], built.communes["indice"])
    with sqlite3.connect(path) as database:
        contents = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
        rows = database.execute("SELECT source, licence, sha256 FROM provenance").fetchall()
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert contents["communes"] == "features"
    assert contents["provenance"] == "attributes"
    assert len(rows) == 15  # the method, twelve vintages, the codes and the outlines
    assert rows[0][2] == built.method.sha256


def test_data_package_describes_the_files(folder):
    package = json.loads((folder / "fragilite_49.datapackage.json").read_text(encoding="utf-8"))
    assert package["licenses"][0]["name"] == "etalab-2.0"
    for resource_ in package["resources"]:
        content = (folder / resource_["path"]).read_bytes()
        assert resource_["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource_["bytes"] == len(content)
        if "schema" in resource_:
            delimiter = resource_["dialect"]["delimiter"]
            header = content.decode("utf-8-sig").splitlines()[0].split(delimiter)
            assert [field["name"] for field in resource_["schema"]["fields"]] == header


def test_data_package_schema_holds_for_every_cell(folder):
    """Types and bounds of the schema, checked on the CSV for French Excel, the hardest to read."""
    package = json.loads((folder / "fragilite_49.datapackage.json").read_text(encoding="utf-8"))
    described = next(r for r in package["resources"] if r["path"].endswith("_excel.csv"))
    lines = (folder / described["path"]).read_text(encoding="utf-8-sig").splitlines()
    fields = {field["name"]: field for field in described["schema"]["fields"]}
    for row in csv.DictReader(lines, delimiter=";"):
        for name, cell in row.items():
            field = fields[name]
            if cell == "" or field["type"] == "string":
                continue
            if field["type"] == "boolean":
                assert cell in field["trueValues"] + field["falseValues"]
                continue
            value = float(cell.replace(field.get("decimalChar", "."), "."))
            assert field["type"] == "number" or value == int(value)
            limits = field.get("constraints", {})
            assert limits.get("minimum", value) <= value <= limits.get("maximum", value), name


def test_shared_borders_stay_shared(built):
    """Bundled outlines, rounded to the metre: no overlap, no gap between neighbours."""
    shapes = built.inputs.contours().geometry
    union = shapely.union_all(shapes.to_numpy())
    assert shapes.area.sum() == pytest.approx(union.area, abs=1)
    assert len(getattr(union, "geoms", [union])) == 1
    assert len(union.interiors) == 0


def test_other_projection(built, tmp_path):
    outputs.write(built, tmp_path, ["parquet"], crs=outputs.parse_crs("4326"))
    layer = gpd.read_parquet(tmp_path / "fragilite_49.parquet")
    assert layer.crs.to_epsg() == 4326
    assert layer.total_bounds[0] == pytest.approx(-1.35, abs=0.05)


def test_chosen_formats_only(built, tmp_path):
    files = outputs.write(built, tmp_path, ["csv"])
    assert [path.name for path in files] == [
        "fragilite_49.csv",
        "fragilite_49.csvt",
        "fragilite_49.schema.json",
        "fragilite_49_epci.csv",
        "fragilite_49.datapackage.json",
    ]


@pytest.mark.parametrize("text", ["xls", "csv,xls", ""])
def test_unknown_format(text):
    with pytest.raises(UsageError, match="Format inconnu"):
        outputs.parse_formats(text)


@pytest.mark.parametrize("text", ["2", "lambert", "EPSG:0"])
def test_unknown_projection(text):
    with pytest.raises(UsageError, match="coordonnées inconnu"):
        outputs.parse_crs(text)


# --- what must not be lost ----------------------------------------------------------------------


def test_foreign_file_is_not_replaced(built, tmp_path):
    mine = tmp_path / "fragilite_49.csv"
    mine.write_text("mes notes")
    with pytest.raises(FragiliteError, match="n'a pas été écrit par fragilite") as error:
        outputs.write(built, tmp_path)
    assert "--overwrite" in error.value.remedy
    assert snapshot(tmp_path) == {"fragilite_49.csv": b"mes notes"}
    outputs.write(built, tmp_path, overwrite=True)
    assert mine.read_bytes() != b"mes notes"


def test_file_changed_since_is_not_replaced(built, tmp_path):
    outputs.write(built, tmp_path)
    edited = tmp_path / "fragilite_49_excel.csv"
    edited.write_bytes(edited.read_bytes() + b"une remarque")
    before = snapshot(tmp_path)
    with pytest.raises(FragiliteError, match="a été modifié depuis"):
        outputs.write(built, tmp_path)
    assert snapshot(tmp_path) == before


def test_folder_under_the_name_of_a_file(built, tmp_path):
    (tmp_path / "fragilite_49.gpkg").mkdir()
    with pytest.raises(FragiliteError, match="Un dossier porte le nom"):
        outputs.write(built, tmp_path)
    assert list(snapshot_names(tmp_path)) == ["fragilite_49.gpkg"]


def test_move_that_fails_half_way_puts_everything_back(built, tmp_path, monkeypatch):
    outputs.write(built, tmp_path, ["csv"])
    before = snapshot(tmp_path)
    moved = []
    real = Path.replace

    def failing(self, target):
        if Path(target).name == "fragilite_49_epci.csv" and self.parent.name != "former":
            raise OSError(28, "No space left on device")
        moved.append(Path(target).name)
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(FragiliteError, match="disque plein"):
        outputs.write(built, tmp_path)
    assert "fragilite_49.parquet" not in snapshot(tmp_path)
    assert moved  # something had been moved, and went back
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("limit", [20_000, 200_000, 400_000])
def test_disk_full_half_way(process, tmp_path, limit):
    """The process may not write a file over the limit: CSV, Parquet or GeoPackage fails in turn."""
    target = tmp_path / "sorties"
    target.mkdir()

    def confine():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    code, out, err = process("build", "--dept", "49", "--output", target, preexec_fn=confine)
    assert code == 1
    assert out == ""
    assert err.startswith("fragilite : Écriture impossible dans")
    assert err.count("\n") == 1
    assert list(target.iterdir()) == []


def test_stale_files_are_named(built, tmp_path):
    outputs.write(built, tmp_path)
    files = outputs.write(built, tmp_path, ["csv"])
    stale = outputs.stale_files(built, tmp_path, files)
    assert [path.name for path in stale] == [
        "fragilite_49.gpkg",
        "fragilite_49.parquet",
        "fragilite_49.qml",
        "fragilite_49_excel.csv",
    ]
    outputs.write(built, tmp_path)  # they are ours: replaced without a word


def test_missing_output_folder(tmp_path):
    assert outputs.output_folder(tmp_path / "neuf", default=False).is_dir()
    with pytest.raises(FragiliteError, match="introuvable") as error:
        outputs.output_folder(tmp_path / "nulle" / "part", default=False)
    assert "mkdir -p" in error.value.remedy
    assert not (tmp_path / "nulle").exists()


def test_output_folder_that_is_a_file(tmp_path):
    path = tmp_path / "fichier"
    path.write_text("x")
    with pytest.raises(FragiliteError, match="ce n'est pas un dossier"):
        outputs.output_folder(path, default=False)


def test_unwritable_output_folder(tmp_path, monkeypatch):
    """Rights do not stop root: the refusal is simulated where the folder is tried."""

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(outputs.tempfile, "TemporaryFile", refused)
    with pytest.raises(FragiliteError, match="droits insuffisants"):
        outputs.output_folder(tmp_path, default=False)


@pytest.mark.parametrize("name", ["fragilite_49.csv", "fragilite_49_epci.csv"])
def test_integers_are_written_as_integers(built, folder, name):
    rows = list(csv.DictReader((folder / name).read_text(encoding="utf-8").splitlines()))
    for column in built.columns.values():
        if column.nom in rows[0] and column.type == "integer":
            assert all(row[column.nom].isdigit() or row[column.nom] == "" for row in rows), column


def test_no_negative_zero(built, folder):
    assert "-0.0" not in (folder / "fragilite_49.csv").read_text(encoding="utf-8")
    assert built.communes["part_surface_sans_4g"].min() >= 0


def test_interruption_during_the_moves_puts_everything_back(built, tmp_path, monkeypatch):
    outputs.write(built, tmp_path, ["csv"])
    before = snapshot(tmp_path)
    real = Path.replace

    def interrupted(self, target):
        if Path(target).name == "fragilite_49_epci.csv" and self.parent.name != "former":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        outputs.write(built, tmp_path)
    assert snapshot(tmp_path) == before


def test_geopackage_opened_and_closed_is_still_ours(built, tmp_path):
    """QGIS opens a GeoPackage in WAL mode: bytes of its header change without any edit."""
    outputs.write(built, tmp_path, ["gpkg"])
    path = tmp_path / "fragilite_49.gpkg"
    before = path.read_bytes()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    assert path.read_bytes() != before
    outputs.write(built, tmp_path, ["gpkg"])
    with sqlite3.connect(path) as database:
        database.execute("UPDATE provenance SET note = 'corrigé' WHERE fid = 1")
    database.close()
    with pytest.raises(FragiliteError, match="a été modifié depuis"):
        outputs.write(built, tmp_path, ["gpkg"])


def test_folder_under_the_name_of_a_file_is_not_overwritten_either(built, tmp_path):
    (tmp_path / "fragilite_49.csv").mkdir()
    with pytest.raises(FragiliteError, match="Un dossier porte le nom"):
        outputs.write(built, tmp_path, overwrite=True)
