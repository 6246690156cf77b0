"""The commands about places, in a program that has only them."""

import csv
import json

import pytest
import typer
from publishers import list_of_communes
from typer.testing import CliRunner

from fragilite import cli_places
from fragilite.errors import CheckFailedError, SourceUnavailableError, UsageError
from fragilite.french_help import FrenchGroup

LISTS = ("cd49", "france_services", "mednum", "hub_conumm")


@pytest.fixture(scope="module")
def app():
    found = typer.Typer(cls=FrenchGroup, rich_markup_mode=None, pretty_exceptions_enable=False)
    found.command("autre")(lambda: None)
    cli_places.register(found)
    return found


@pytest.fixture
def run(app, monkeypatch, tmp_path):
    """Run a command in an empty folder; its expected errors are raised."""

    def _run(*arguments):
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(app, ["places", *map(str, arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout, done.stderr

    return _run


@pytest.fixture
def lists(pytestconfig):
    return [pytestconfig.rootpath / f"tests/fixtures/places/{name}.csv" for name in LISTS]


def table(path):
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_alone_it_shows_its_commands(run):
    shown, _ = run()
    for name in ("template", "check", "mapping", "read", "merge", "export"):
        assert f"  {name} " in shown


@pytest.mark.parametrize("name", ["lieux.xlsx", "lieux.csv"])
def test_template_then_check(run, tmp_path, name):
    assert run("template", name)[0].strip() == name
    with pytest.raises(UsageError, match="existe déjà"):
        run("template", name)
    run("template", name, "--overwrite")
    with pytest.raises(CheckFailedError, match="1 correction à faire") as stop:
        run("check", name)
    assert stop.value.exit_code == 4
    with pytest.raises(UsageError, match=r"\.ods"):
        run("template", "lieux.ods")


def test_check_that_passes(run, tmp_path):
    text = "Nom du lieu;Qui renseigne;Type de lieu;Code postal;Commune;Date de l'information\n"
    (tmp_path / "l.csv").write_text(text + "A;Commune;Autre;49400;Saumur;2026-01-02\n")
    assert run("check", "l.csv")[0] == "l.csv : tout est bon.\n"
    assert json.loads(run("check", "l.csv", "--json")[0]) == []


def test_mapping_lists_and_shows_what_is_declared(run, tmp_path):
    shown, _ = run("mapping")
    assert "cd49  Lieux de médiation numérique de Maine-et-Loire" in shown
    text, _ = run("mapping", "cd49")
    (tmp_path / "local.toml").write_text(text, encoding="utf-8")
    assert 'reconnu_a = ["ID_LieuMed"' in text
    with pytest.raises(UsageError, match="Correspondance inconnue : « cd94 »"):
        run("mapping", "cd94")


def test_read(run, lists, tmp_path):
    shown, _ = run("read", *lists, "--dept", "49", "-o", "lieux.csv")
    assert "France services" in shown
    assert "remarques de plus" in shown
    rows = table(tmp_path / "lieux.csv")
    assert len(rows) == 9  # of the eleven, one is in the 01, one was geocoded to Nantes
    facts = json.loads(run("read", lists[1], "--json")[0])
    assert facts["lieux"] == 3
    assert facts["listes"][0]["licence"] == "Licence Ouverte 2.0"
    with pytest.raises(UsageError, match="n'est pas une date"):
        run("read", lists[1], "--date", "hier")


def test_names_of_other_départements_come_from_a_folder(run, tmp_path):
    raw, vide = tmp_path / "brut", tmp_path / "vide"
    raw.mkdir()
    vide.mkdir()
    for name, rows in list_of_communes().items():
        (raw / name).write_bytes(rows)
    header = (
        "Nom du lieu;Qui renseigne;Type de lieu;Adresse;Code postal;Commune;Date de l'information"
    )
    (tmp_path / "l.csv").write_text(
        f"{header}\nA;Commune;Autre;1 rue A;44000;Commune 44109;2026-01-02\n"
        "B;Commune;Autre;2 rue B;49000;Angers;2026-01-02\n"
    )
    found = json.loads(run("read", "l.csv", "--json")[0])
    assert found["sans_code"] == 1
    lost = "les noms des communes du 44 ne sont pas à portée : --raw DOSSIER les lit"
    assert any(lost in remark for remark in found["remarques"])
    assert lost in run("check", "l.csv")[0]
    named = json.loads(run("read", "l.csv", "--raw", raw, "--json")[0])
    assert named["sans_code"] == 0
    assert "ne sont pas à portée" not in run("check", "l.csv", "--raw", raw)[0]
    run("merge", "l.csv", "--raw", raw, "-o", "m")
    assert {row["code_insee"] for row in table(tmp_path / "m/lieux.csv")} == {"44109", "49007"}
    run("export", "l.csv", "--raw", raw, "-o", "e.csv")
    assert {row["code_insee"] for row in table(tmp_path / "e.csv")} == {"44109", "49007"}
    with pytest.raises(SourceUnavailableError, match=r"il faut v_commune_2026\.csv") as stop:
        run("read", "l.csv", "--raw", vide)
    assert "fragilite fetch insee_cog --raw" in stop.value.remedy


def test_merge_writes_what_explains_it_and_a_decision_undoes_it(run, lists, tmp_path):
    shown, _ = run("merge", *lists, "-o", "sortie")
    assert "sur plusieurs lignes" in shown
    names = {path.stem for path in (tmp_path / "sortie").iterdir()}
    assert names == {
        "lieux", "lignes", "liens", "doutes", "valeurs", "conflits", "objections",
    }  # fmt: skip
    (link,) = [
        one for one in table(tmp_path / "sortie/liens.csv")
        if (one["id_a"], one["id_b"]) == ("cd49:LMN901", "hub_conumm:conum_1")
    ]  # fmt: skip
    assert link["verdict"] == "fusion"
    assert link["raison"].startswith("mots communs : ponts et trois ; même adresse")
    (tmp_path / "d.csv").write_text(
        "id_a,id_b,verdict\ncd49:LMN901,hub_conumm:conum_1,different\n"
        "hub_conumm:conum_1,mednum:a-1,different\n"
    )
    (tmp_path / "o.csv").write_text(
        "id,role,date,objection\ncd49:LMN901,Commune,2026-03-12,Ferme\n"
    )
    before = len(table(tmp_path / "sortie/lieux.csv"))
    with pytest.raises(UsageError, match="existe déjà"):
        run("merge", *lists, "-o", "sortie")
    run("merge", *lists, "-o", "sortie", "--decisions", "d.csv", "--objections", "o.csv",
        "--overwrite")  # fmt: skip
    places = table(tmp_path / "sortie/lieux.csv")
    assert len(places) == before + 2
    assert {one["id"]: one["objections"] for one in places}["cd49:LMN901"] == "1"
    assert len(table(tmp_path / "sortie/lignes.csv")) == 11
    facts = json.loads(run("merge", *lists, "-o", "autre", "--json")[0])
    assert facts["lignes"] == 11
    assert len(facts["fichiers"]) == 7


def test_two_merges_give_the_same_bytes(run, lists, tmp_path):
    run("merge", *lists, "-o", "a")
    run("merge", *reversed(lists), "-o", "b")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("name", ["lieux.csv", "lieux.geojson", "lieux.gpkg"])
def test_export(run, lists, tmp_path, name):
    shown, told = run("export", *lists, "-o", name)
    assert shown.strip() == name
    assert "licence : non précisée : à ne pas republier" in told or "remarques de plus" in told
    assert (tmp_path / name).stat().st_size > 500
    with pytest.raises(UsageError, match="existe déjà"):
        run("export", *lists, "-o", name)


def test_export_refuses_another_format_before_reading(run, tmp_path):
    with pytest.raises(UsageError, match=r"\.shp"):
        run("export", tmp_path / "absent.csv", "-o", "lieux.shp")
