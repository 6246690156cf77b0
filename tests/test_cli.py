"""The command line as its users meet it: help, summaries, explanations, one-line errors."""

import json
import os
import pty
import re
import sys
from pathlib import Path

import pytest


def one_line(err):
    """The message of a failure: one line, no traceback."""
    assert err.count("\n") == 1, err
    assert err.startswith("fragilite : ")
    return err


# --- help ----------------------------------------------------------------------------------------


def test_help_puts_everyday_commands_first(process):
    code, out, _ = process("--help")
    assert code == 0
    everyday, questions, advanced = re.split("Questionner l'indice :|Avancé :", out)
    assert re.findall(r"^  (\w+) ", everyday.split("Commandes :")[1], re.M) == ["build", "explain"]
    for name in ("robustness", "sensitivity", "audit", "compare", "validate"):
        assert re.search(rf"^  {name} ", questions, re.M)
    assert "method" in advanced
    assert "sources" in advanced
    assert out.startswith("Usage : fragilite")


@pytest.mark.parametrize(
    "command",
    [
        (), ("build",), ("explain",), ("sources",), ("method",), ("method", "new"),
        ("robustness",), ("sensitivity",), ("audit",), ("compare",), ("validate",),
    ],
)  # fmt: skip
def test_help_is_in_french(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    for english in ("Show this", "default:", "required", "Commands", "Usage: ", "[ARGS]"):
        assert english not in out
    assert "Affiche cette aide." in out


def test_bare_command_shows_the_help(run):
    assert run() == run("--help")
    assert run("method") == run("method", "--help")


def test_help_imports_nothing_heavy():
    """`fragilite --help` must stay light: no pandas, no geopandas, no pydantic."""
    import subprocess

    program = (
        "import sys; sys.argv = ['fragilite', '--help']\n"
        "from fragilite.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'geopandas', 'pyarrow', 'pydantic', 'requests', 'rich', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip() == "[]"


def test_version(run):
    from fragilite import __version__

    assert run("--version")[1] == f"fragilite {__version__}\n"


# --- build ---------------------------------------------------------------------------------------


def test_build_summary(process, tmp_path):
    code, out, err = process("build", "--dept", "49", "--offline")
    assert (code, err) == (0, "")
    assert "176 communes, dont 176 avec un indice ; 10 EPCI." in out
    fragile = out.split("Intensité")[1].split("Volume")[0]
    fragile, sure = fragile.split("À quel point est-ce sûr")
    names = re.findall(r"^ +\d+  (.+?)  ", fragile, re.M)
    assert len(names) == 10
    assert names[:3] == ["Noyant-Villages", "La Pellerine", "Longué-Jumelles"]
    assert "63,6" in fragile
    assert "compétences  sociale" in fragile
    assert re.findall(r"^ +\d+ +\d+–\d+  (.+?)  ", sure, re.M) == names
    assert len(re.findall(r"signal net$", sure, re.M)) == 10
    assert "« pas de signal » et" in " ".join(sure.split())
    crowd = out.split("Volume : ")[1].split("Ce sont")[0]
    assert re.findall(r"^ +\d+  (\S+)", crowd, re.M)[0] == "Angers"
    assert len(re.findall(r"^ +\d+  ", crowd, re.M)) == 5
    assert "personnes à accompagner (22 %)" in " ".join(out.split())
    assert "Surface sans 4G : données de 2019, trop anciennes" in out
    assert "absent pour Orée d'Anjou" in out
    assert "Recensement de la population, bases communales : 2023, 2022" in out
    assert "data/processed/fragilite_49.parquet" in out
    assert (tmp_path / "data/processed/fragilite_49.datapackage.json").exists()


def test_build_quiet_and_json(run, tmp_path):
    code, out, err = run("build", "--dept", "49", "--quiet", "--format", "csv")
    assert (code, err) == (0, "")
    assert [line.split("/")[-1] for line in out.split()] == [
        "fragilite_49.csv",
        "fragilite_49.csvt",
        "fragilite_49.schema.json",
        "fragilite_49_epci.csv",
        "fragilite_49.datapackage.json",
    ]
    code, out, _ = run("build", "--dept", "49", "--json")
    facts = json.loads(out)
    assert facts["territoire"]["communes"] == 176
    assert facts["plus_fragiles"][0]["nom"] == "Noyant-Villages"
    assert facts["plus_de_personnes"][0]["nom"] == "Angers"
    assert facts["plus_fragiles_tiennent"]["communes"] == 44


def test_build_with_a_method_of_ones_own(run, tmp_path):
    run("method", "new", "mienne.toml")
    path = tmp_path / "mienne.toml"
    text = path.read_text(encoding="utf-8").replace("poids = 0.25", "poids = 0")
    path.write_text(text, encoding="utf-8")
    code, out, _ = run("build", "--dept", "49", "--method", "mienne.toml", "--json")
    assert code == 0
    facts = json.loads(out)
    assert facts["methode"]["code"] == "mienne"
    first = facts["plus_fragiles"][0]
    assert first["indice"] == pytest.approx(first["fragilite_usages"])


def test_results_of_another_method_are_not_replaced_in_silence(run):
    first = run("build", "--dept", "49", "--format", "csv")[1]
    assert "Ils remplacent" not in first + run("build", "--dept", "49", "--format", "csv")[1]
    code, out, _ = run("build", "--dept", "49", "--format", "csv", "--method", "ifn-2023")
    assert code == 0
    assert "Ils remplacent ceux de la méthode fragilite-2026 1.1.0" in " ".join(out.split())
    assert "Surface sans 4G : données de 2019, comptées" in out
    assert "classe" not in out.split("Volume :")[1].split("À savoir")[0].splitlines()[1]


def test_data_folder_may_be_elsewhere(run, tmp_path):
    code, _, _ = run(
        "build", "--dept", "49", "--quiet", "--format", "csv", env={"FRAGILITE_DATA": "ailleurs"}
    )
    assert code == 0
    assert (tmp_path / "ailleurs/processed/fragilite_49.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--dept", "20"], 2, "La Corse s'écrit 2A"),
        (["--dept", "2C"], 2, "Département inconnu : « 2C »"),
        (["--dept", "490"], 2, "Vouliez-vous dire 49 (Maine-et-Loire)"),
        (["--dept", "35", "--offline"], 3, "--offline interdit"),
        (["--dept", "987"], 2, "collectivité d'outre-mer"),
        ([], 2, "Il manque le territoire. Ajoutez-le, comme --dept 49."),
        (["--dept"], 2, "L'option --dept demande une valeur"),
        (["--dep", "49"], 2, "Option inconnue : --dep. Vouliez-vous dire --dept"),
        (["--dept", "49", "en-trop"], 2, "Argument en trop : en-trop"),
        (["--dept", "49", "--year", "x"], 2, "Année « x » : un nombre est attendu, de 2008 à 2026"),
        (["--dept", "49", "--year", "2030"], 2, "Géographie 2030 inconnue"),
        (["--dept", "49", "--year", "2023"], 2, "2023 demandé, possible pour 2025, 2026"),
        (["--dept", "49", "--year", "²"], 2, "Année « ² » : un nombre est attendu"),
        (["--dept", "49", "--crs", "5773"], 2, "n'est pas un système de coordonnées de carte"),
        (["--dept", "49", "--crs", ""], 2, "Système de coordonnées inconnu"),
        (["--dept", "49", "--output", "x" * 300], 1, "nom trop long"),
        (["--dept", "49", "--region", "52"], 2, "Un seul territoire à la fois"),
        (["--region", "99"], 2, "Région inconnue"),
        (["--epci", "49007"], 2, "Code EPCI « 49007 »"),
        (["--dept", "49", "--vintage", "rp"], 2, "SOURCE=MILLÉSIME attendu"),
        (["--dept", "49", "--raw", "rien"], 2, "Dossier introuvable : rien"),
        (["--dept", "49", "--format", "xls"], 2, "Format inconnu : « xls »"),
        (["--dept", "49", "--crs", "99"], 2, "Système de coordonnées inconnu"),
        (["--dept", "49", "--method", "rien"], 2, "Méthode « rien » : fichier introuvable"),
        (["--dept", "49", "--output", "a/b"], 1, "Dossier de sortie introuvable : a/b"),
        (["--dept", "49", "--output", "/dev/null"], 1, "ce n'est pas un dossier"),
    ],
)
def test_build_errors_are_one_french_line(run, tmp_path, arguments, code, expected):
    found, out, err = run("build", *arguments)
    assert found == code
    assert out == ""
    assert expected in one_line(err)
    assert list(tmp_path.iterdir()) == []  # nothing half-written


def test_unknown_command(run):
    code, _, err = run("buil")
    assert code == 2
    assert "Commande inconnue : buil. Vouliez-vous dire build" in one_line(err)


def test_foreign_file(run, tmp_path):
    (tmp_path / "fragilite_49.csv").write_text("à moi")
    code, _, err = run("build", "--dept", "49", "--output", tmp_path)
    assert code == 1
    assert "n'a pas été écrit par fragilite" in one_line(err)
    assert (tmp_path / "fragilite_49.csv").read_text() == "à moi"
    assert run("build", "--dept", "49", "--output", tmp_path, "--overwrite", "--quiet")[0] == 0


def test_faulty_method_is_refused_by_build(run, tmp_path):
    run("method", "new", "m.toml")
    path = tmp_path / "m.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("points_0 = 22.4", "points_0 = 68.8"))
    code, _, err = run("build", "--dept", "49", "--method", "m.toml")
    assert code == 2
    assert "Méthode m.toml : indicateurs.part_sans_bac : points_0 et points_100" in one_line(err)
    assert not (tmp_path / "data").exists()


# --- explain -------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["49221", "Mouliherne", "mouliherne"])
def test_explain_by_code_or_name(run, asked):
    code, out, err = run("explain", asked)
    assert (code, err) == (0, "")
    assert out.startswith("Mouliherne (49221), CA Saumur Val de Loire — 836 habitants")
    assert "Indice de fragilité numérique : 54,1 (de 0 à 100, 100 = le plus fragile)" in out
    assert re.search(r"du 6e au \d+e rang neuf fois sur dix", " ".join(out.split()))
    assert "Lecture : " in out
    assert "après lissage" in out
    assert "Maine-et-Loire" in out
    assert "France" in out


def test_points_shown_add_up_to_the_index_shown(run, built):
    for code in ("49221", "49007", "49126", "49237"):
        out = run("explain", code)[1]
        block = out.split("D'où viennent")[1].split("\n\n")[0]
        index = re.match(r" ces ([\d,]+) points", block)[1]
        points = re.findall(r"^ +([\d,]+)  ", block, re.M)
        values = [round(10 * float(text.replace(",", "."))) for text in points]
        assert sum(values[:-1]) == values[-1] == round(10 * float(index.replace(",", ".")))


def test_explain_a_delegated_commune(run):
    out = run("explain", "Champtoceaux")[1]
    assert "Champtoceaux est aujourd'hui dans la commune « Orée d'Anjou »" in out
    assert "80 ans ou plus vivant seuls : non disponible pour cette commune" in out
    assert "L'indice repose sur 85 % de son poids" in out


def test_explain_a_former_code(run):
    assert run("explain", "49069")[1].startswith("Orée d'Anjou (49126)")
    assert run("explain", "49321")[1].startswith("Ingrandes-le-Fresne-sur-Loire (49160)")


def test_explain_json_adds_up_exactly(run):
    facts = json.loads(run("explain", "49328", "--json")[1])
    total = sum(item["contribution"] or 0 for item in facts["indicateurs"])
    assert total == pytest.approx(facts["indice"]["valeur"], abs=1e-9)
    assert facts["commune"]["nom"] == "Saumur"
    old = next(i for i in facts["indicateurs"] if i["code"] == "part_surface_sans_4g")
    assert old["statut"] == "millesime_ancien"
    assert old["contribution"] is None


def test_ambiguous_name_lists_the_communes(run):
    code, out, err = run("explain", "Saint-Georges")
    assert code == 2
    assert out == ""
    line = one_line(err)
    assert "peut désigner plusieurs communes" in line
    assert "49283 Saint-Georges-sur-Loire" in line or "Saint-Georges-sur-Loire" in line


def test_ambiguous_name_asks_on_a_terminal(tmp_path):
    """On a terminal the choice is offered; answering 1 explains the first commune."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execv(sys.executable, [sys.executable, "-m", "fragilite", "explain", "Saint-Georges"])
    seen = b""
    answered = False
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
        if not answered and b"Laquelle" in seen:
            os.write(terminal, b"1\n")
            answered = True
    _, status = os.waitpid(pid, 0)
    text = seen.decode()
    assert os.waitstatus_to_exitcode(status) == 0, text
    assert "1. " in text
    assert "Indice de fragilité numérique" in text


@pytest.mark.parametrize(
    ("asked", "code", "expected"),
    [
        ("49999", 2, "Commune inconnue : 49999"),
        ("Samur", 2, "Vouliez-vous dire 49328 Saumur ?"),
        ("Xyzzy", 2, "Commune inconnue : « Xyzzy »"),
        ("4922", 2, "essayez 04922"),
        ("20004", 2, "2A ou 2B"),
    ],
)
def test_explain_errors(run, asked, code, expected):
    found, out, err = run("explain", asked)
    assert (found, out) == (code, "")
    assert expected in one_line(err)


def test_missing_argument(run):
    code, _, err = run("explain")
    assert code == 2
    assert "Il manque l'argument COMMUNE" in one_line(err)


# --- method and sources --------------------------------------------------------------------------


def test_method_list_and_show(run):
    assert "fragilite-2026  1.1.0" in run("method", "list")[1]
    out = run("method", "show")[1]
    assert "fragilite_competences : 0,600 ; 0,450" in out
    assert "142,9 → 75" in out
    assert "Incertitude : 1 000 tirages par analyse, graine 20261121" in out.replace("\u202f", " ")
    assert "Lissée." in out


def test_method_check(run, tmp_path):
    run("method", "new", "m.toml")
    code, out, err = run("method", "check", "m.toml")
    assert (code, err) == (0, "")
    assert "correcte (6 indicateurs, 5 nœuds)" in out
    path = tmp_path / "m.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("points_0 = 0.8", "point_0 = 0.8"))
    code, out, err = run("method", "check", "m.toml")
    assert code == 4
    assert out == ""
    assert "Vouliez-vous dire « points_0 »" in err
    assert "Méthode m.toml : 1 erreur." in err


def test_method_new_does_not_overwrite(run, tmp_path):
    assert run("method", "new", "m.toml")[0] == 0
    code, _, err = run("method", "new", "m.toml")
    assert code == 2
    assert "existe déjà" in one_line(err)
    assert run("method", "new", "absent/m.toml")[0] == 2
    assert run("method", "new", "n.toml", "--from", "rien")[0] == 2


def test_sources(run):
    code, out, _ = run("sources")
    assert code == 0
    assert out.count("livré avec fragilite (département 49)") == 14
    assert "Licence Ouverte 2.0" in out
    records = json.loads(run("sources", "--json")[1])
    assert {"insee_rp", "arcep_fixe", "caf"} <= {record["source"] for record in records}
    assert all(record["releve_le"] for record in records)


def test_output_to_a_closed_pipe_is_quiet(tmp_path):
    import subprocess

    shell = f"{sys.executable} -m fragilite method show | head -n 1"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr == ""


# --- what a stranger's review found --------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "latin-1"])
def test_terminals_that_are_not_in_utf8(process, encoding):
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "fragilite", "explain", "Saumur"], env=environment,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "54,8 (de 0 " in done.stdout.decode(encoding)


def test_output_that_cannot_be_written():
    import subprocess

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fragilite", "method", "show"], stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Impossible d'écrire le texte : disque plein" in one_line(done.stderr)


def test_root_may_have_any_name(run, tmp_path):
    run("method", "new", "m.toml")
    path = tmp_path / "m.toml"
    text = path.read_text(encoding="utf-8").replace("[noeuds.indice", "[noeuds.synthese")
    path.write_text(text.replace('parent = "indice"', 'parent = "synthese"'), encoding="utf-8")
    code, out, err = run("build", "--dept", "49", "--method", "m.toml", "--format", "csv")
    assert (code, err) == (0, "")
    assert "La Pellerine" in out
    assert run("explain", "Saumur", "--method", "m.toml")[0] == 0


def test_method_without_volume_nor_context(run, tmp_path):
    run("method", "new", "m.toml")
    path = tmp_path / "m.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[contexte.part_sans_diplome]"), text.index("[lecture]")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    code, out, err = run("build", "--dept", "49", "--method", "m.toml", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    assert facts["plus_de_personnes"] == []
    assert facts["plus_fragiles_tiennent"] is None
    code, out, err = run("explain", "49126", "--method", "m.toml")
    assert (code, err) == (0, "")


def test_withdrawn_indicator_without_value(run, tmp_path):
    """No figure of 2022 is young enough: Orée d'Anjou lacks one that is withdrawn anyway."""
    run("method", "new", "m.toml")
    path = tmp_path / "m.toml"
    text = path.read_text(encoding="utf-8").replace("valeur = 5\n", "valeur = 3\n", 1)
    path.write_text(text, encoding="utf-8")
    code, out, err = run("explain", "49126", "--method", "m.toml")
    assert (code, err) == (0, "")
    assert "80 ans ou plus vivant seuls : données de 2022, trop anciennes." in out
    assert "figées avec d'autres indicateurs" in " ".join(out.split())


def test_former_code_of_another_departement(run):
    """Le Fresne-sur-Loire was 44060: its people are in Ingrandes, in Maine-et-Loire."""
    assert run("explain", "44060")[1].startswith("Ingrandes-le-Fresne-sur-Loire (49160)")


def test_name_may_be_begun_only(run):
    assert run("explain", "Mouli")[1].startswith("Mouliherne")


def test_france_of_another_year_is_dated(run):
    out = run("explain", "Saumur")[1]
    assert "Locaux sans fibre : 4,3 % (Maine-et-Loire 3,0 % ; France 15,8 % en 2024)" in out
    assert "Opérateurs ayant un site 4G : 4 opérateurs\n" in out


def test_version_does_nothing_else(run, tmp_path):
    code, out, _ = run("--version", "build", "--dept", "49")
    assert code == 0
    assert out.startswith("fragilite ")
    assert list(tmp_path.iterdir()) == []


def test_help_of_arguments_is_plain(run):
    for command in (("explain",), ("method", "show"), ("fetch",)):
        out = run(*command, "--help")[1]
        for word in ("{", "<str>", "str]", "default"):
            assert word not in out, command
