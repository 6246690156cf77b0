"""`fragilite roadmap` as a coordinator runs it: files, refusals, two runs alike."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing

import pandas as pd
import pytest

SAUMUR = ("roadmap", "--epci", "200071876")


def digests(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Files of two scenarios with three posts in CA Saumur Val de Loire, and what was printed."""
    from typer.testing import CliRunner

    from fragilite.cli import app

    folder = tmp_path_factory.mktemp("feuille") / "sortie"
    arguments = [*SAUMUR, "--posts", "3", "--compare", "intensite", "volume", "-o", str(folder)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return folder, done.stdout, arguments


def test_every_file_is_there(written):
    folder, printed, _ = written
    stem = "feuille_de_route_epci-200071876"
    names = [f"{stem}{end}" for end in (
        ".docx", ".gpkg", ".html", ".xlsx", "_calendrier.csv", "_communes.csv", "_postes.csv"
    )]  # fmt: skip
    assert sorted(digests(folder)) == names
    assert all(str(folder / name) in printed for name in names)
    posts = pd.read_csv(folder / f"{stem}_postes.csv", dtype={"code_base": str})
    assert posts.groupby("scenario")["secteur"].nunique().eq(3).all()
    towns = pd.read_csv(folder / f"{stem}_communes.csv", dtype={"code_insee": str})
    assert towns.groupby("scenario")["code_insee"].nunique().eq(45).all()
    with closing(sqlite3.connect(folder / f"{stem}.gpkg")) as database:
        layers = {row[0] for row in database.execute("SELECT table_name FROM gpkg_contents")}
    assert {"secteurs_volume", "communes_intensite", "bases_volume", "calendrier"} <= layers
    assert "Feuille de route" in (folder / f"{stem}.html").read_text(encoding="utf-8")


def test_two_runs_are_alike_and_nothing_is_replaced_unasked(written, run):
    folder, _, arguments = written
    before = digests(folder)
    code, _, told = run(*arguments)
    assert code == 2
    assert "existe déjà" in told
    assert digests(folder) == before
    assert run(*arguments, "--overwrite")[0] == 0
    assert digests(folder) == before


def test_json_is_json(run):
    _, shown, _ = run(*SAUMUR, "--posts", "2", "--json")
    facts = json.loads(shown)
    assert len(facts["scenarios"][0]["postes"]) == 2
    assert facts["scenarios"][0]["ecart"] <= 0.01


def test_rules_are_kept_and_told(run):
    rules = ("--keep", "Saumur+Distré", "--forbid", "49328")
    _, shown, _ = run(*SAUMUR, "--posts", "2", *rules, "--json")
    [scenario] = json.loads(shown)["scenarios"]
    sector = {row["code_insee"]: row["secteur"] for row in scenario["communes"]}
    assert sector["49328"] == sector["49123"]
    assert "49328" not in {row["code_base"] for row in scenario["postes"]}


def test_what_is_scarce_has_its_files(run, tmp_path):
    options = ("--mode", "couverture", "--posts", "1", "--pour", "mds", "--rayon", "8")
    code, _, told = run(*SAUMUR, *options, "-o", str(tmp_path))
    assert code == 0, told
    assert sorted(digests(tmp_path)) == [
        "couverture_mds_epci-200071876.csv", "couverture_mds_epci-200071876.gpkg"
    ]  # fmt: skip
    table = pd.read_csv(tmp_path / "couverture_mds_epci-200071876.csv")
    assert (table["ouverture"]).sum() == 1
    with closing(sqlite3.connect(tmp_path / "couverture_mds_epci-200071876.gpkg")) as database:
        styles = database.execute("SELECT f_table_name FROM layer_styles").fetchall()
    assert {one for (one,) in styles} == {"lieux", "communes"}
    assert run(*SAUMUR, *options, "-o", str(tmp_path))[0] == 2


def test_a_scenario_to_fill_in_is_written_and_read(run, tmp_path):
    path = tmp_path / "scenario.toml"
    assert run("roadmap", "--template", str(path))[0] == 0
    _, shown, _ = run(*SAUMUR, "--posts", "2", "--scenario", str(path), "--json")
    assert json.loads(shown)["scenarios"][0]["code"] == "volume"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Il manque le nombre de postes à partager. Exemple : --posts 8"),
        (("--posts", "0"), "nombre de postes : 0 ; 1 au moins"),
        (("--posts", "46"), "Plus de postes (46) que de communes (45)"),
        (("--posts", "2", "--mode", "x"), "--mode : « x » inconnu"),
        (("--posts", "2", "--scenario", "volme"), "Vouliez-vous dire « volume »"),
        (("--posts", "2", "--scenario", "volume", "--compare", "volume", "intensite"),
         "se contredisent"),
        (("--posts", "2", "--pour", "mds"), "ne servent qu'en couverture"),
        (("--mode", "couverture", "--posts", "2"), "Il manque ce qui est rare"),
        (("--mode", "couverture", "--posts", "2", "--pour", "demarche"), "« demarches »"),
        (("--posts", "2", "--respect-epci", "oui"), "Respect des EPCI : « oui » inconnu"),
        (("--posts", "2", "--capacite", "mairie"), "--capacite : « mairie » non compris"),
        (("--posts", "3", "--min-demi-journees", "9"), "9 demi-journées au moins par commune"),
        (("--posts", "2", "--times", "absent.csv"), "Table des temps illisible"),
        (("--posts", "2", "-o", "absent/plus/loin"), "Dossier de sortie introuvable"),
        (("--posts", "2", "--modele", "m.docx"), "--modele habille le dossier Word"),
        (("--posts", "2", "-o", ".", "--modele", "absent.docx"), "absent.docx"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_french_line(run, options, message):
    code, shown, told = run(*SAUMUR, *options)
    assert code != 0
    assert message in told
    assert told.strip().count("\n") == 0
    assert shown == ""
