"""The bundled figures: what they are, and that the script that wrote them still does."""

import hashlib
import json
import sys
from importlib.resources import files
from pathlib import Path

import pandas as pd
import shapely
from scripts import script

from fragilite.ingestion.bundled import (
    NAMES,
    bundled_departements,
    bundled_iris,
    bundled_lots,
    town_halls,
)
from fragilite.ingestion.catalogue import SURVEY, load_sources

ROOT = Path(__file__).resolve().parents[1]
BUNDLED = ROOT / "fragilite/bundled"


def test_under_one_megabyte():
    assert sum(path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file()) < 1_000_000


def test_each_file_has_its_provenance():
    manifest = json.loads((BUNDLED / "49/manifeste.json").read_text(encoding="utf-8"))
    assert bundled_departements() == ["49"]
    lots = [*bundled_lots("49"), *bundled_iris("49")]
    declared = {lot.fichier for lot in lots}
    present = {path.name for path in (BUNDLED / "49").glob("*_*.csv")} - {"anciennes_communes.csv"}
    assert declared == present
    assert manifest["cog"] == 2026
    for lot in lots:
        content = (BUNDLED / "49" / lot.fichier).read_bytes()
        assert lot.sha256 == hashlib.sha256(content).hexdigest()
        assert lot.donnees_au
        assert lot.releve_le
        columns = content.decode().splitlines()[0].split(",")[1:]
        assert set(columns) - set(NAMES) <= set(lot.record.variables), lot.source


def test_every_figure_is_of_maine_et_loire():
    for path in (BUNDLED / "49").glob("*.csv"):
        table = pd.read_csv(path, dtype=str)
        for code in {"code_insee", "code_iris"} & set(table):
            assert table[code].str.startswith("49").all(), path.name


def test_town_halls_lie_in_their_commune(built):
    """11 of the 176 published points do not, and one is that of an associated commune (Cholet)."""
    towns = town_halls("49")
    points = shapely.points(towns["mairie_x"], towns["mairie_y"])
    outlines = built.inputs.contours().geometry.to_numpy()
    assert shapely.contains(outlines, points).all()
    assert (towns["mairie_origine"] == "point intérieur").sum() == 12


def test_sources_of_the_catalogue():
    for key, source in load_sources().items():
        if key != SURVEY:  # a file of the user's own has neither
            assert source.licence in {"Licence Ouverte 2.0", "ODbL 1.0"}, key
            assert source.page.startswith("https://")
        for name, variable in source.variables.items():
            assert variable.libelle
            assert variable.unite
            assert variable.poids is None or variable.poids in source.variables, name


def test_the_script_writes_the_same_bytes(shared_data, tmp_path, monkeypatch):
    arguments = ["bundle", "--from", str(shared_data), "--into", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    script("bundle").main()
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file():
            bundled = BUNDLED / path.relative_to(tmp_path)
            assert path.read_bytes() == bundled.read_bytes(), path.name


def test_the_package_finds_its_files():
    for name in ("bundled/49/contours.parquet", "methods/fragilite-2026.toml", "dictionnaire.toml"):
        assert (files("fragilite") / name).is_file()
