"""From publishers' files to the index: a local server, real layouts, the command line."""

import json
import re
import socket
import zipfile
from collections import Counter

import docx
import pandas as pd
import pytest
from publishers import OPTIONS, PINS, lay_out
from werkzeug import Response

from fragilite.errors import UsageError
from fragilite.indicators import needs
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.files import plan
from fragilite.ingestion.options import Needs, Options, parse_pins
from fragilite.ingestion.recognition import Wanted, recognise
from fragilite.method import load_method

SAME = ["part_65_plus", "part_sans_bac", "part_locaux_sans_fibre", "part_sans_diplome"]


@pytest.fixture(scope="session")
def publishers(tmp_path_factory):
    """Folder of the publishers' files, by host and path."""
    root = tmp_path_factory.mktemp("producteurs")
    lay_out(root)
    return root


@pytest.fixture
def mirror(publishers, httpserver, monkeypatch):
    """A server that replays the publishers; counts what it was asked for."""
    asked = Counter()

    def answer(request):
        asked[request.path] += 1
        path = publishers / request.path.lstrip("/")
        return Response(path.read_bytes()) if path.is_file() else Response("", status=404)

    httpserver.expect_request("/", method="GET").respond_with_data("")
    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    monkeypatch.setenv("FRAGILITE_MIROIR", httpserver.url_for(""))
    return asked


def table(folder, stem):
    return pd.read_parquet(folder / f"{stem}.parquet").set_index("code_insee").sort_index()


@pytest.fixture
def closed(monkeypatch):
    """No socket may be opened."""

    def refused(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "create_connection", refused)


def test_build_from_an_empty_folder_then_offline_and_frozen(
    run, mirror, built, tmp_path, monkeypatch
):
    """Everything is fetched once, inscribed, and never asked again."""
    (tmp_path / "brut").mkdir()
    arguments = ["build", "--dept", "49", "--raw", "brut", *OPTIONS]
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "À télécharger : insee_cog/2026/v_commune_2026.csv" in err
    assert "Insee, Recensement de la population, bases communales : 2022" in out
    assert "176 communes, dont 176 avec un indice" in out
    found = table(tmp_path / "data/processed", "fragilite_49")
    expected = built.communes.set_index("code_insee")
    for name in SAME:
        pd.testing.assert_series_equal(found[name], expected[name], check_names=False, rtol=1e-9)
    # The volume stands on the age bands of the wide census, whose rates are mixed.
    ratio = found["personnes_a_accompagner"].sum() / expected["personnes_a_accompagner"].sum()
    assert ratio == pytest.approx(1, abs=0.002)
    # 49069 in Filosofi, 49126 today; « EPCI partiel » is known from the DGCL's list.
    assert found.loc["49126", "niveau_de_vie_relatif"] == pytest.approx(100 * 22910 / 23080)
    epci = pd.read_csv(tmp_path / "data/processed/fragilite_49_epci.csv", dtype=str)
    assert "EPCI partiel : 1 commune sur 20" in set(epci["remarque"])

    lock = json.loads((tmp_path / "brut/sources.lock.json").read_text())["files"]
    assert len(lock) == 10
    assert all(record["sha256"] for record in lock.values())
    assert all(count == 1 for count in mirror.values())

    mirror.clear()
    before = (tmp_path / "data/processed/fragilite_49.csv").read_bytes()
    monkeypatch.setenv("FRAGILITE_MIROIR", "http://127.0.0.1:9")
    for option in ("--offline", "--frozen"):
        code, _, err = run(*arguments, option)
        assert code == 0, err
    assert not mirror
    assert (tmp_path / "data/processed/fragilite_49.csv").read_bytes() == before


def test_provenance_names_what_was_taken(run, mirror, tmp_path):
    code, _, err = run("build", "--dept", "49", "--raw", tmp_path, "--format", "csv", *OPTIONS)
    assert code == 0, err
    package = json.loads(
        (tmp_path / "data/processed/fragilite_49.datapackage.json").read_text(encoding="utf-8")
    )
    sources = {source["source"]: source for source in package["fragilite"]["sources"]}
    assert sources["insee_rp"]["millesime"] == "2022"
    assert sources["insee_rp"]["sha256"].count(" ; ") == 3
    assert "base-cc-evol-struct-pop-2022_csv.zip" in sources["insee_rp"]["origine"]
    assert sources["insee_filosofi"]["geographie"] == "2024"
    assert all(source["releve_le"] for source in sources.values())


def test_offline_opens_no_socket_and_says_what_is_missing(run, closed, tmp_path):
    code, out, err = run("build", "--dept", "49", "--raw", tmp_path, "--offline", *OPTIONS)
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "il manque insee_cog/2026/v_commune_2026.csv et 9 autre(s)" in err
    assert list(tmp_path.iterdir()) == []


def test_files_dropped_by_hand_are_recognised_by_their_content(run, publishers, closed, tmp_path):
    """A user behind a proxy: every file under another name, in one folder, no network."""
    heap = tmp_path / "vrac"
    heap.mkdir()
    for rank, path in enumerate(sorted(p for p in publishers.rglob("*") if p.is_file())):
        (heap / f"telechargement ({rank})").write_bytes(path.read_bytes())
    (heap / "notes.txt").write_text("rien à voir")
    (heap / "page.csv").write_text("<html>erreur</html>")
    code, out, err = run("build", "--dept", "49", "--raw", heap, "--offline", *OPTIONS)
    assert code == 0, err
    assert err.count("reconnu, pris pour") == 10
    assert "176 communes, dont 176 avec un indice" in out
    # They were inscribed: the same build can be frozen, and nothing dropped has moved.
    assert len(json.loads((heap / "sources.lock.json").read_text())["files"]) == 10
    assert run("build", "--dept", "49", "--raw", heap, "--frozen", *OPTIONS)[0] == 0
    assert len(list(heap.glob("telechargement*"))) == rank + 1


def test_a_publisher_at_fault_stops_the_build_and_leaves_results(
    run, mirror, publishers, tmp_path, httpserver
):
    """A page of apology served with status 200 in place of a zip."""
    arguments = ["build", "--dept", "49", "--raw", tmp_path / "brut", "--format", "csv", *OPTIONS]
    (tmp_path / "brut").mkdir()
    assert run(*arguments)[0] == 0
    results = {p.name: p.read_bytes() for p in (tmp_path / "data/processed").iterdir()}
    path = next(publishers.rglob("base-cc-diplomes*"))
    content = path.read_bytes()
    try:
        path.write_bytes(b"<!DOCTYPE html><html>Maintenance</html>")
        code, out, err = run("fetch", "insee_rp", "--update", "--raw", tmp_path / "brut", *PINNED)
    finally:
        path.write_bytes(content)
    assert code == 3
    assert out == ""
    assert "page HTML" in err
    kept = tmp_path / "brut/insee_rp/2022/base-cc-diplomes-formation-2022_csv.zip"
    assert kept.read_bytes() == content
    assert run(*arguments, "--offline")[0] == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "data/processed").iterdir()} == results


PINNED = [word for pin in PINS for word in ("--vintage", pin)]


def test_update_says_what_changed_and_refuses_a_new_layout(run, mirror, publishers, tmp_path):
    raw = tmp_path / "brut"
    raw.mkdir()
    assert run("fetch", "arcep_fixe", "--raw", raw, *PINNED)[0] == 0
    path = next(publishers.rglob("commune_meilleure_techno_thd.csv"))
    content = path.read_bytes()
    try:
        path.write_bytes(content.replace(b"49002;NOM", b"49002;Allonnes"))
        code, _, err = run("fetch", "arcep_fixe", "--update", "--raw", raw, *PINNED)
        assert code == 0
        assert "commune_meilleure_techno_thd.csv change :" in err
        updated = (raw / "arcep_fixe/2024_T1/commune_meilleure_techno_thd.csv").read_bytes()
        assert b"Allonnes" in updated
        path.write_bytes(content.replace(b"elig_ftth", b"eligibles_fibre"))
        code, _, err = run("fetch", "arcep_fixe", "--update", "--raw", raw, *PINNED)
    finally:
        path.write_bytes(content)
    assert code == 3
    assert "colonne(s) absente(s) : elig_ftth. Le fichier offre : " in err
    kept = (raw / "arcep_fixe/2024_T1/commune_meilleure_techno_thd.csv").read_bytes()
    assert kept == updated


def test_address_that_does_not_answer(run, mirror, tmp_path):
    code, out, err = run("fetch", "caf", "--raw", tmp_path)
    assert (code, out) == (3, "")
    assert "404" in err
    assert "déposez le fichier" in err


def test_sources_check_tries_each_address(run, mirror):
    code, out, err = run("sources", "check", "insee_filosofi", "insee_cog")
    assert code == 4
    answers = {line.split()[1]: line.split()[0] for line in out.splitlines()}
    assert answers["insee_cog/2026/v_commune_2026.csv"] == "oui"
    assert answers["insee_filosofi/2021-geo2024/base-cc-filosofi-2021-geo2024_csv.zip"] == "oui"
    assert answers["insee_filosofi/2021/base-cc-filosofi-2021-geo2025_csv.zip"] == "NON"
    assert "ne répondent pas" in err


def test_dossier_of_an_epci_across_two_departements(run, mirror, tmp_path):
    raw = tmp_path / "brut"
    raw.mkdir()
    code, out, err = run("dossier", "--epci", "244400552", "--raw", raw, *OPTIONS)
    assert code == 0, err
    assert out.splitlines()[0] == "dossier_epci-244400552.docx"
    document = docx.Document(str(tmp_path / "dossier_epci-244400552.docx"))
    text = "\n".join(one.text for one in document.paragraphs).replace("\xa0", " ")
    assert "Loire-Atlantique (44), Maine-et-Loire (49). 20 communes" in text
    towns, *_ = document.tables
    names = [row.cells[0].text for row in towns.rows]
    assert len(names) == 1 + 20 + 1 + 2  # its communes, itself, both départements
    assert names[-2:] == ["Loire-Atlantique", "Maine-et-Loire"]


def test_epci_and_region(run, mirror, tmp_path):
    raw = tmp_path / "brut"
    raw.mkdir()
    options = ["--raw", raw, "--json", "--format", "csv", *OPTIONS]
    code, out, err = run("build", "--epci", "200060010", *options)
    assert code == 0, err
    facts = json.loads(out)
    assert facts["territoire"]["communes"] == 6
    assert facts["territoire"]["epci_partiels"] == []
    assert facts["fichiers"][0].endswith("fragilite_epci-200060010.csv")
    code, out, err = run("build", "--region", "52", *options)
    assert code == 0, err
    facts = json.loads(out)
    assert facts["territoire"]["code"] == "r52"
    assert facts["territoire"]["communes_avec_indice"] == 176  # only 49 has figures here
    code, _, err = run("build", "--epci", "999999998", *options)
    assert code == 2
    assert "Aucune commune pour EPCI 999999998" in err


def test_4g_coverage_once_it_was_asked_for(run, mirror, built, tmp_path):
    """Fetched on purpose, then scored: fresh, and measured by the least covering operator."""
    raw = tmp_path / "brut"
    raw.mkdir()
    arguments = ["build", "--dept", "49", "--raw", raw, "--format", "parquet", *OPTIONS]
    code, out, err = run(*arguments)
    assert code == 0, err
    assert "Surface sans 4G : aucune donnée à portée" in " ".join(out.split())
    code, out, err = run("fetch", "arcep_4g", "--raw", raw)
    assert code == 0, err
    assert out.count(".gpkg.7z") == 4
    code, out, err = run(*arguments, "--offline")
    assert code == 0, err
    found = table(tmp_path / "data/processed", "fragilite_49")
    outlines = built.inputs.contours()
    middle = sum(outlines.total_bounds[[0, 2]]) / 2
    bounds = outlines.bounds
    part = found["part_surface_sans_4g"]
    assert part[bounds["maxx"] < middle - 100].max() < 0.1
    assert part[bounds["minx"] > middle + 100].min() > 99.9
    assert (found["part_surface_sans_4g_statut"] == "publie").all()
    assert (found["completude_methode"] > found["completude_methode"].max() - 0.16).all()
    assert "figées avec d'autres indicateurs" in " ".join(out.split())


# --- choosing vintages ---------------------------------------------------------------------------


def test_newest_vintage_of_each_variable():
    """Filosofi 2023 gives the medians; the people that weigh them are last known in 2021."""
    chosen = plan(needs(load_method()), Options())
    vintages = [(source, vintage.millesime) for source, vintage in chosen]
    assert ("insee_rp", "2023") in vintages
    assert ("insee_rp", "2022") not in vintages  # 2023 has all that is needed
    assert [v for s, v in vintages if s == "insee_filosofi"] == ["2023", "2021"]
    assert "arcep_4g" not in dict(vintages)  # gigabytes: only when fetched on purpose


def test_pins_and_unwanted_sources():
    options = Options(pins={"insee_rp": "2022"}, without=frozenset({"caf"}))
    chosen = plan(needs(load_method()), options)
    assert [v.millesime for s, v in chosen if s == "insee_rp"] == ["2022"]
    assert "caf" not in {source for source, _ in chosen}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(pins={"rp": "2022"}), "Source inconnue"),
        (Options(without=frozenset({"rp"})), "Source inconnue"),
        (Options(pins={"insee_rp": "1999"}), "millésime inconnu « 1999 »"),
    ],
)
def test_unknown_pins(options, expected):
    with pytest.raises(UsageError, match=expected):
        plan(Needs(frozenset({"pop"})), options)


@pytest.mark.parametrize("text", ["insee_rp", "=2022", "insee_rp="])
def test_malformed_pins(text):
    with pytest.raises(UsageError, match="SOURCE=MILLÉSIME attendu"):
        parse_pins([text])


# --- what a stranger's review found --------------------------------------------------------------


@pytest.mark.parametrize("code", ["75", "971", "976", "2A"])
def test_departements_without_any_median_or_whole_epci(run, mirror, tmp_path, code):
    """No figure here for them: a build says so, without a traceback."""
    raw = tmp_path / "brut"
    raw.mkdir()
    arguments = ["build", "--dept", code, "--raw", raw, "--format", "csv", *OPTIONS]
    found, out, err = run(*arguments)
    assert found == 0, err
    assert "dont 0 avec un indice" in out


def test_a_vintage_in_place_is_not_taken_for_another(run, mirror, tmp_path):
    """With EPCI of 2025 in the folder, a build that wants those of 2026 asks for them."""
    raw = tmp_path / "brut"
    raw.mkdir()
    arguments = ["build", "--dept", "49", "--raw", raw, "--format", "csv", *OPTIONS]
    assert run(*arguments)[0] == 0
    place = arguments.index("epci=2025")
    code, _, err = run(*arguments[: place - 1], *arguments[place + 1 :])
    assert code == 3
    assert "epcicom2026.xlsx" in err
    assert "reconnu" not in err


def test_corrupt_lock_file_is_set_aside_and_made_again(run, mirror, tmp_path):
    raw = tmp_path / "brut"
    raw.mkdir()
    arguments = ["fetch", "arcep_fixe", "--raw", raw, *PINNED]
    assert run(*arguments)[0] == 0
    lock = raw / "sources.lock.json"
    before = json.loads(lock.read_text())["files"].keys()
    lock.write_text('{"version": 1, "files')
    code, _, err = run(*arguments)
    assert code == 0, err
    assert json.loads(lock.read_text())["files"].keys() == before
    assert any("illisible" in path.name for path in raw.iterdir())


def test_update_never_replaces_a_good_file_by_half_of_it(run, mirror, publishers, tmp_path):
    raw = tmp_path / "brut"
    raw.mkdir()
    assert run("fetch", "insee_cog", "--raw", raw)[0] == 0
    path = next(publishers.rglob("v_commune_2026.csv"))
    content = path.read_bytes()
    kept = raw / "insee_cog/2026/v_commune_2026.csv"
    for cut, said in ((len(content) // 3, "tronqué"), (int(len(content) * 0.8), "manquent")):
        try:
            path.write_bytes(content[: content.rfind(b"\n", 0, cut)])
            code, _, err = run("fetch", "insee_cog", "--update", "--raw", raw)
        finally:
            path.write_bytes(content)
        assert code == 3
        assert said in err
        assert kept.read_bytes() == content


def test_context_source_that_is_down_does_not_stop_a_build(run, mirror, tmp_path):
    """The CNAF answers 404: its shares are absent, and the summary says why."""
    raw = tmp_path / "brut"
    raw.mkdir()
    place = OPTIONS.index("caf")
    options = OPTIONS[: place - 1] + OPTIONS[place + 1 :]
    code, out, err = run("build", "--dept", "49", "--raw", raw, "--format", "csv", *options)
    assert code == 0, err
    assert "Source caf indisponible, ses chiffres sont absents" in " ".join(out.split())
    assert "176 communes, dont 176 avec un indice" in out


def test_every_vintage_has_an_address_or_says_it_has_none(monkeypatch):
    """Without a mirror, an empty address would be asked for as it is."""
    from fragilite.ingestion import addresses
    from fragilite.ingestion.catalogue import load_sources

    monkeypatch.delenv("FRAGILITE_MIROIR", raising=False)
    for name, source in load_sources().items():
        for vintage in source.millesimes:
            for file in vintage.fichiers:
                assert sum(map(bool, (file.url, file.melodi, file.datagouv))) <= 1
                if addresses.landing(file):
                    request = addresses.request(name, vintage, file, addresses.landing(file))
                    assert request.url.startswith("https://")
                else:
                    with pytest.raises(UsageError, match="n'a pas d'adresse"):
                        addresses.request(name, vintage, file, "")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"product": {"id": "DS_X_2023_CSV_FR", "format": "CSV", "language": "FR",
                      "accessURL": "file/DS_X/DS_X_2023_CSV_FR"}},
         "https://api.insee.fr/melodi/file/DS_X/DS_X_2023_CSV_FR"),
        ([{"product": [{"id": "DS_X_2022_CSV_FR", "format": "CSV", "language": "FR",
                        "accessURL": "https://a/2022"},
                       {"id": "DS_X_2023_CSV_EN", "format": "CSV", "language": "EN",
                        "accessURL": "https://a/en"},
                       {"id": "DS_X_2023_CSV_FR", "format": "CSV", "language": "FR",
                        "accessURL": "https://a/2023"}]}],
         "https://a/2023"),
        ({"product": []}, None),
        ([1, 2], None),
        ("<html>", None),
    ],
)  # fmt: skip
def test_melodi_answers_in_several_shapes(tmp_path, answer, expected):
    from fragilite.errors import SourceUnavailableError
    from fragilite.ingestion import addresses
    from fragilite.ingestion.catalogue import RawFile, Vintage

    file = RawFile(nom="x.zip", genre="zip", melodi="DS_X")
    vintage = Vintage(millesime="2023", cog=2026, mise_en_page="melodi", fichiers=[file])
    path = tmp_path / "reponse.json"
    path.write_text(answer if isinstance(answer, str) else json.dumps(answer))
    if expected:
        assert addresses.address("insee_rp", vintage, file, lambda _: path) == expected
    else:
        with pytest.raises(SourceUnavailableError) as error:
            addresses.address("insee_rp", vintage, file, lambda _: path)
        assert "--without" in str(error.value) or "--vintage" in str(error.value)


def test_frozen_and_update_contradict_each_other(run, tmp_path):
    code, _, err = run("fetch", "insee_cog", "--frozen", "--update", "--raw", tmp_path)
    assert code == 2
    assert "se contredisent" in err


def test_many_departements_have_a_short_name(tmp_path):
    from fragilite.cog import departements
    from fragilite.territory import parse_territory

    assert parse_territory(",".join(departements())).nom.startswith("101-departements-")


def test_interrupted_build_says_so(tmp_path):
    import subprocess
    import sys

    program = (
        "import os, signal, threading, sys\n"
        "sys.argv = ['fragilite', 'build', '--dept', '49']\n"
        "from fragilite import pipeline\n"
        "real = pipeline.build\n"
        "def slow(*a, **k):\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return real(*a, **k)\n"
        "pipeline.build = slow\n"
        "from fragilite.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Interrompu" in done.stderr
    assert not list(tmp_path.rglob("*.csv"))


def test_tables_of_diplomas_and_of_ages_are_not_mixed_up(shared_data, tmp_path):
    """A file of diplomas has every dimension of a file of ages: it names one more."""
    source = load_sources()["insee_rp"]
    vintage = next(one for one in source.millesimes if one.millesime == "2023")
    for rank, path in enumerate((shared_data / "reconstructed/melodi_49").glob("DS_RP_*.zip")):
        (tmp_path / f"telechargement ({rank}).zip").write_bytes(path.read_bytes())
    found = recognise(tmp_path, [Wanted("insee_rp", vintage, file) for file in vintage.fichiers])
    inside = {
        key.split("/")[-1].removesuffix("_CSV_FR.zip"): zipfile.ZipFile(path).namelist()[0]
        for key, path in found.items()
    }
    assert len(inside) == 3
    for stem, member in inside.items():
        assert member.startswith(stem)
