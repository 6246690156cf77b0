"""Commands that question an index, as people type them."""

import json
import re

import pandas as pd
import pytest


def flat(text):
    return " ".join(text.split())


def write(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# --- robustness ----------------------------------------------------------------------------------


def test_robustness_says_both_analyses_apart(run, tmp_path, built):
    code, out, err = run("robustness", "--dept", "49", "--draws", "200", "-o", "rangs.csv")
    assert (code, err) == (0, "")
    for title in (
        "1. Le bruit des données, méthode inchangée",
        "2. Les choix de méthode, données inchangées",
        "3. Ce que les deux laissent dire",
        "4. Et avec d'autres réglages ?",
    ):
        assert title in out
    assert "200 tirages par analyse, graine 20261121" in out
    assert "sondage seul" in out
    assert "Cela ne dit pas que personne n'y a besoin d'aide." in flat(out)
    assert out.strip().endswith("rangs.csv")
    table = pd.read_csv(tmp_path / "rangs.csv", dtype={"code_insee": str})
    assert list(table["code_insee"]) == list(built.communes["code_insee"])
    assert table["proba_premier_cinquieme"].sum() == pytest.approx(36, abs=0.02)


def test_robustness_repeats_and_moves_with_its_options(run):
    def facts(*options):
        code, out, err = run("robustness", "--dept", "49", "--draws", "120", "--json", *options)
        assert code == 0, err
        return json.loads(out)

    one = facts()
    assert one == facts()
    assert facts("--seed", "5")["lectures"] != one["lectures"]
    survey = facts("--model", "sondage")
    assert survey["donnees"]["largeur_mediane"] < one["donnees"]["largeur_mediane"]
    assert [found["variante"] for found in survey["variantes"]].count("sondage seul") == 0
    wide = facts("--concentration", "5", "--deff", "2")
    assert wide["reglages"]["donnees"]["effet_plan"] == 2
    assert (
        wide["choix_de_methode"]["deplacement_moyen"] > one["choix_de_methode"]["deplacement_moyen"]
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--draws", "1"), "tirages : au moins 100 attendu, trouvé 1"),
        (("--draws", "100000000"), "tirages : au plus 20000 attendu"),
        (("--draws", "abc"), "option --draws : nombre entier attendu."),
        (("--deff", "1,5"), "option --deff : nombre (décimales après un point) attendu."),
        (("--model", "bayes"), "« sondage » ou « superpopulation » attendu, trouvé « bayes »"),
        (("--concentration", "0"), "concentration : au moins 1 attendu, trouvé 0"),
        (("-o", "rangs.parquet"), "un fichier .csv est attendu, trouvé « .parquet »"),
        (("-o", "absent/rangs.csv"), "Impossible d'écrire"),
    ],
)
def test_robustness_refuses_what_it_cannot_do(run, options, expected):
    code, out, err = run("robustness", "--dept", "49", *options)
    assert code in {1, 2}
    assert out == ""
    assert expected in flat(err)
    assert err.count("\n") == 1


# --- sensitivity and audit -----------------------------------------------------------------------


def test_sensitivity_names_the_choice_that_matters_most(run):
    code, out, err = run("sensitivity", "--dept", "49", "--draws", "256", "--json")
    assert (code, err) == (0, "")
    facts = json.loads(out)
    first = facts["facteurs"][0]
    assert first["total"] == max(one["total"] for one in facts["facteurs"])
    assert first["libelle"] in facts["phrase"]
    assert facts["calculs"] == 256 * (len(facts["facteurs"]) + 2)
    text = run("sensitivity", "--dept", "49", "--draws", "256")[1]
    assert "Parmi les choix de méthode" in flat(text)


@pytest.mark.parametrize("draws", [2, 100_000_000])
def test_sensitivity_refuses_too_few_or_too_many_draws(run, draws):
    code, out, err = run("sensitivity", "--dept", "49", "--draws", draws)
    assert (code, out) == (2, "")
    assert f"de 128 à 16384 tirages de base attendus, trouvé {draws}" in err


def test_audit_writes_its_page(run, tmp_path):
    code, out, err = run("audit", "--dept", "49", "-o", "audit.md")
    assert (code, err) == (0, "")
    assert [int(n) for n in re.findall(r"^(\d+)\. .* — ", out, re.M)] == list(range(1, 11))
    page = (tmp_path / "audit.md").read_text(encoding="utf-8")
    assert page.startswith("# Audit")
    assert "## 7. Incertitude et sensibilité — tenu" in page
    again = run("audit", "--dept", "49", "-o", "audit.md")
    assert again[0] == 2
    assert "existe déjà" in again[2]
    assert json.loads(run("audit", "--dept", "49", "--json")[1])["methode"]


# --- compare -------------------------------------------------------------------------------------


def test_compare_with_a_method(run, tmp_path):
    code, out, err = run("compare", "--dept", "49", "--with", "ifn-2023", "-o", "ecarts.csv")
    assert (code, err) == (0, "")
    assert re.search(r"rho de Spearman : 0,8\d \[0,\d\d ; 0,\d\d\]", out)
    assert "Pourquoi notre rang diffère" in out
    assert "Montsoreau : 7e chez nous" in flat(out)
    table = pd.read_csv(tmp_path / "ecarts.csv", dtype={"code_insee": str})
    assert len(table) == 176


def test_compare_with_a_method_of_ones_own(run, tmp_path):
    write(tmp_path / "m.toml", ['base = "fragilite-2026"', "[methode]", 'code = "m"'])
    code, out, err = run("compare", "--dept", "49", "--with", "m.toml", "--json")
    assert code == 0, err
    assert json.loads(out)["spearman"]["valeur"] == pytest.approx(1)


def test_compare_with_an_earlier_build_and_two_files(run, tmp_path):
    run("build", "--dept", "49", "--quiet", "--format", "csv", "--no-uncertainty")
    ours = "data/processed/fragilite_49.csv"
    code, out, err = run("compare", "--dept", "49", "--with", ours, "--json")
    assert code == 0, err
    assert json.loads(out)["spearman"]["valeur"] > 0.999
    code, out, err = run("compare", ours, "--dept", "49", "--with", ours, "--json")
    assert code == 0, err
    facts = json.loads(out)
    assert facts["spearman"]["valeur"] == pytest.approx(1)
    assert facts["communes"] == 176


def test_compare_with_a_table_of_anyone(run, tmp_path, built):
    table = built.communes.set_index("code_insee")
    score = (table["fragilite_usages"] / 10).round(2)
    lines = ["COM;NOM;total", *(f"{c};{table['nom'][c]};{score[c]}" for c in table.index)]
    lines = [line.replace(".", ",") for line in lines]
    lines += ["99999;Nulle part;3", "49007;Angers;9,9", "49328;Saumur;sans objet"]
    lines = [line for line in lines if not line.startswith("49328;Saumur;6")]
    write(tmp_path / "ifn.csv", lines)
    code, out, err = run("compare", "--dept", "49", "--with", "ifn.csv", "--column", "total")
    assert (code, err) == (0, "")
    text = flat(out)
    assert "99999" in text
    assert "49007" in text
    assert "sans objet" in text
    assert "la fibre" in text  # the other leaves it out: that is what moves ours
    code, _, err = run("compare", "--dept", "49", "--with", "ifn.csv", "--column", "score")
    assert code == 2
    assert "total" in err


def test_codes_that_lost_their_zero(run, tmp_path):
    write(tmp_path / "ain.csv", ["code;score", *(f"{1000 + n};{n}" for n in (1, 2, 4, 5, 6, 7))])
    code, _, err = run("compare", "--dept", "49", "--with", "ain.csv")
    assert code == 2
    assert "commun" in err  # read as 01001…: no commune of 49


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "Il manque ce à quoi comparer."),
        (("--with", "absent.csv"), "absent.csv"),
        (("--with", "ifn-1999"), "n'est ni une méthode livrée (fragilite-2026,"),
        (("--with", "ifn-2023", "--column", "total"), "« ifn-2023 » est une méthode"),
    ],
)
def test_compare_refuses_what_it_cannot_read(run, options, expected):
    code, out, err = run("compare", "--dept", "49", *options)
    assert code == 2
    assert out == ""
    assert expected in err


# --- validate ------------------------------------------------------------------------------------


def test_validate_by_commune_and_by_epci(run, tmp_path, built):
    table = built.communes.set_index("code_insee")
    write(
        tmp_path / "cible.csv",
        ["insee,taux", *(f"{c},{x}" for c, x in table["fragilite_usages"].items())],
    )
    code, out, err = run("validate", "cible.csv", "--dept", "49", "--column", "taux", "--modelled")
    assert (code, err) == (0, "")
    assert "pas une preuve de prédiction" in flat(out)
    facts = json.loads(run("validate", "cible.csv", "--dept", "49", "--json")[1])
    text = json.dumps(facts, ensure_ascii=False)
    assert "ajoutez --measured ou --modelled" in text
    epci = built.epci[built.epci["remarque"] == ""]
    write(
        tmp_path / "epci.csv",
        ["siren;taux", *(f"{c};{x}" for c, x in epci[["code_epci", "indice"]].to_numpy())],
    )
    code, out, err = run("validate", "epci.csv", "--dept", "49", "--measured")
    assert code == 0, err
    assert "EPCI" in out
    assert "pondéré" in out
