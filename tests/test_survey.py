"""A local survey joins the index through the method: worked by hand, refused where unclear."""

import hashlib
import json
import math

import numpy as np
import pandas as pd
import pytest

from fragilite.certainty import denominators, noise_of
from fragilite.citation import cited, lots_of_figures, sources_line
from fragilite.cog import moves
from fragilite.dictionary import dictionary
from fragilite.errors import UsageError
from fragilite.explanation import explain, render
from fragilite.ingestion import survey
from fragilite.ingestion.options import Options
from fragilite.method import copy_survey_method, is_survey_share, load_method
from fragilite.pipeline import build, rebuild
from fragilite.provenance import provenance
from fragilite.robustness.collapsed import collapse
from fragilite.robustness.laws import Known

CODE = "part_enquete"
HEADER = "code_insee;taux;effectif;annee\n"
MAUGES = ["49023", "49126", "49092", "49218", "49244", "49301"]
ANGERS, CHOLET, SAUMUR = "49007", "49099", "49328"
#: Rate in %, people asked.
ASKED = {
    ANGERS: (22.5, 400), CHOLET: (40, 25), SAUMUR: (0, 12),
    **{code: (rate, people) for code, rate, people in zip(
        MAUGES, (10, 20, 30, 40, 50, 60), (10, 20, 30, 40, 50, 60), strict=True)},
}  # fmt: skip


def written(folder, rows, name="enquete.csv", header=HEADER):
    path = folder / name
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("enquete")


@pytest.fixture(scope="module")
def method(folder):
    copy_survey_method(folder / "mienne.toml")
    return load_method(folder / "mienne.toml")


@pytest.fixture(scope="module")
def file(folder):
    rows = [f"{code};{rate};{people};2025" for code, (rate, people) in ASKED.items()]
    return written(folder, rows)


@pytest.fixture(scope="module")
def surveyed(method, file):
    return build("49", method=method, options=Options(indicateur=file))


# --- what it does to the index -------------------------------------------------------------------


def test_score_and_contribution_by_hand(surveyed, built):
    """0–50 % make 0–100 points; weight 0.2 beside 0.6 and 0.4 in usages, 0.75 of the index."""
    rows = surveyed.communes.set_index("code_insee")
    plain = built.communes.set_index("code_insee")
    for code, score in ((ANGERS, 45.0), (CHOLET, 80.0), (SAUMUR, 0.0)):
        assert rows.loc[code, f"{CODE}_score"] == pytest.approx(score)
        assert rows.loc[code, f"{CODE}_contribution"] == pytest.approx(0.75 * 0.2 / 1.2 * score)
        usages = (plain.loc[code, "fragilite_usages"] + 0.2 * score) / 1.2
        index = 0.25 * plain.loc[code, "fragilite_reseau"] + 0.75 * usages
        assert rows.loc[code, "indice"] == pytest.approx(index)
        assert rows.loc[code, f"{CODE}_statut"] == "publie"
        assert rows.loc[code, f"{CODE}_millesime"] == "2025"


def test_a_commune_that_was_not_asked_keeps_its_index(surveyed, built):
    rows = surveyed.communes.set_index("code_insee").drop(index=list(ASKED))
    plain = built.communes.set_index("code_insee").loc[rows.index]
    assert set(rows[f"{CODE}_statut"]) == {"absent"}
    assert rows[CODE].isna().all()
    np.testing.assert_allclose(rows["indice"], plain["indice"])


def test_epci_from_sums(surveyed):
    """10 %·10 + 20 %·20 + … + 60 %·60 people over 210; an EPCI asked in one commune has none."""
    rows = surveyed.epci.set_index("code_epci")
    assert rows.loc["200060010", CODE] == pytest.approx(100 * (1 + 4 + 9 + 16 + 25 + 36) / 210)
    parts = surveyed.result_epci.figures[CODE].parts.loc["200060010"]
    assert parts.tolist() == pytest.approx([91.0, 210.0])
    assert np.isnan(rows.loc["244900015", CODE])  # Angers alone, of 29


def test_former_communes_add_up(folder, method):
    """Tuffalun is Ambillou-Château, Louerre and Noyant-la-Plaine since 2016."""
    assert all(moves(2015, 2026)[code] == ("49003",) for code in ("49181", "49230"))
    rows = ["49003;30;10;2025", "49181;50;20;2025", "49230;0;10;2025"]
    path = written(folder, rows, "anciennes.csv")
    assert survey.read(path, 2026).table.cog == 2015
    found = build("49", method=method, options=Options(indicateur=path), uncertainty=False)
    assert found.result.figures[CODE].values["49003"] == pytest.approx(100 * 13 / 40)


def test_communes_asked_in_part_are_absent_and_named(folder, method):
    """One former code, and all are read as of before: Chemillé was not yet Chemillé-en-Anjou."""
    rows = ["49181;50;20;2025", "49007;20;10;2025", "49092;20;10;2025"]
    path = written(folder, rows, "mêlées.csv")
    found = build("49", method=method, options=Options(indicateur=path), uncertainty=False)
    values = found.result.figures[CODE].values
    assert values.dropna().to_dict() == {"49007": 20}
    (note,) = found.inputs.notes
    assert "2 communes d'aujourd'hui n'y sont qu'en partie, et restent absentes" in note
    assert "49003 Tuffalun et 49092 Chemillé-en-Anjou" in note


def test_a_commune_that_changed_code_and_arrondissements(folder):
    """49069 is Orée d'Anjou, 49126; Lyon is its arrondissements."""
    path = written(folder, ["49069;10;10;2025", "69381;50;10;2025", "69382;0;30;2025"], "codes.csv")
    values = survey.read(path, 2026).table.values
    assert values["enquete_repondants"].to_dict() == {"49126": 10, "69123": 40}
    assert values["enquete_concernes"].to_dict() == {"49126": 1, "69123": 5}


# --- how a file may be written -------------------------------------------------------------------


def test_french_labels_figures_and_spoilt_codes(folder):
    header = "Code INSEE\tNom\tTaux (%)\tPersonnes interrogées\tAnnée\n"
    rows = ["1004\tAmbérieu\t22,5 %\t1 200\t2025", "2a004\tAjaccio\t0,5\t8\t2025"]
    path = written(folder, rows, "libelles.csv", header)
    found = survey.read(path, 2026)
    assert found.table.values.loc["01004"].tolist() == pytest.approx([270, 1200])
    assert found.table.values.loc["2A004"].tolist() == pytest.approx([0.04, 8])


def test_a_workbook(folder):
    path = folder / "enquete.xlsx"
    table = pd.DataFrame({"code_insee": ["49007"], "taux": [22.5], "effectif": [400]})
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"Lisez-moi": ["a"], "Contact": ["b"]}).to_excel(book, sheet_name="Notice")
        table.assign(annee=2025).to_excel(book, sheet_name="Données", index=False)
    assert survey.read(path, 2026).table.values.loc["49007"].tolist() == pytest.approx([90, 400])


def test_rates_given_as_shares_of_one_are_pointed_out(folder):
    path = written(folder, ["49007;0,225;400;2025"], "parts.csv")
    assert "aucun taux ne dépasse 1 %" in survey.read(path, 2026).notes[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["49007;20;10;2025", "49999;20;10;2025"], "ligne 3 : commune inconnue « 49999 »"),
        (["Total;20;10;2025"], "ligne 2 : Code commune « TOTAL »"),
        (["49007;101;10;2025"], "ligne 2 : un taux de 0 à 100 % attendu, trouvé 101 .*49007"),
        (["49007;-1;10;2025"], "ligne 2 : un taux de 0 à 100 %"),
        (["49007;beaucoup;10;2025"], "taux « beaucoup » n'est pas un nombre"),
        (["49007;;10;2025"], "taux manquant"),
        (["49007;20;;2025"], "effectif manquant"),
        (["49007;20;0;2025"], "entier de personnes interrogées attendu, 1 ou plus, trouvé 0"),
        (["49007;20;2,5;2025"], "entier de personnes interrogées"),
        (["49007;20;10;25"], "une année attendue, comme 2025, trouvé 25"),
        (["49007;20;10;2025", "49328;20;10;2024"], "ligne 3 : 2024 après 2025 : une seule année"),
        (["49007;20;10;2025", "49007;30;10;2025"], "ligne 3 : la commune 49007 est déjà ligne 2"),
        (["49069;20;10;2025", "49126;30;10;2025"], "est aussi dans le fichier sous le code 49126"),
        (["49181;20;10;2025", "76601;9;9;2025"], "49181 n'existait pas en même temps"),
        ([], "aucune ligne sous l'en-tête"),
    ],
)
def test_bad_rows(folder, rows, message):
    with pytest.raises(UsageError, match=message) as caught:
        survey.read(written(folder, rows, "faux.csv"), 2026)
    assert "\n" not in str(caught.value)


def test_bad_columns(folder):
    with pytest.raises(UsageError, match=r"colonne « effectif » absente\. Colonnes : code_insee"):
        survey.read(written(folder, ["49007;20;2025"], "faux.csv", "code_insee;taux;annee\n"), 2026)
    header = "code_insee;part;pourcentage;effectif;annee\n"
    with pytest.raises(UsageError, match="« part » et « pourcentage » peuvent être taux"):
        survey.read(written(folder, ["49007;20;20;9;2025"], "faux.csv", header), 2026)
    with pytest.raises(UsageError, match="fichier introuvable"):
        survey.read(folder / "rien.csv", 2026)


def test_elsewhere(folder, method):
    options = Options(indicateur=written(folder, ["44109;20;10;2025"], "nantes.csv"))
    with pytest.raises(UsageError, match="aucune commune de l'enquête n'est dans le territoire"):
        build("49", method=method, options=options)


# --- how sure it is ------------------------------------------------------------------------------


@pytest.mark.parametrize("modele", ["sondage", "superpopulation"])
def test_noise_by_hand(surveyed, method, modele):
    """p̃ = (r+0.5)/(n+1), V = p̃(1−p̃)/n, whatever the size of the commune: on the logit √V/(p̃q̃)."""
    rules = method.incertitude.model_copy(
        update={"donnees": method.incertitude.donnees.model_copy(update={"modele": modele})}
    )
    result = surveyed.result
    people, noise = denominators(result, method), noise_of(result, method, rules)
    assert noise.enquetes == [CODE]
    values = pd.DataFrame({code: result.figures[code].scored for code in result.scores.scored})
    data = collapse(values, method, surveyed.reference)
    inhabitants = surveyed.communes.set_index("code_insee")["population"]
    known = Known.of(values, data, people, inhabitants, noise)
    spread = pd.Series(known.spread(CODE), values.index[data.rows])
    for code, concerned, asked in ((ANGERS, 90, 400), (CHOLET, 10, 25), (SAUMUR, 0, 12)):
        share = (concerned + 0.5) / (asked + 1)
        expected = 1 / math.sqrt(asked * share * (1 - share))
        assert spread[code] == pytest.approx(expected)
    assert (spread.drop(list(ASKED)) == 0).all()  # nothing is drawn where nobody was asked


def test_few_people_make_wide_intervals(folder, method):
    widths = {}
    for asked in (10, 10_000):
        path = written(folder, [f"{CHOLET};40;{asked};2025"], f"n{asked}.csv")
        rows = build("49", method=method, options=Options(indicateur=path)).communes
        row = rows.set_index("code_insee").loc[CHOLET]
        widths[asked] = row["rang_max_90"] - row["rang_min_90"]
    assert widths[10] > 2 * widths[10_000]


# --- what says where it comes from ---------------------------------------------------------------


def test_provenance_citation_dictionary(surveyed, method, file):
    (record,) = [one for one in provenance(surveyed)["sources"] if one["source"] == "enquete"]
    assert record["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (record["millesime"], record["fichier"]) == ("2025", "enquete.csv")
    assert record["licence"] == "licence à préciser par qui donne l'enquête"
    assert "9 communes, 647 personnes interrogées" in record["note"]
    assert str(file.parent) not in json.dumps(provenance(surveyed))
    assert "enquête locale 2025" in cited(surveyed)
    line = sources_line(lots_of_figures(surveyed, [CODE]))
    assert line.startswith("Sources : enquête locale 2025 (fichier enquete.csv).")
    column = next(one for one in dictionary(method) if one.nom == CODE)
    assert column.source == "enquête locale"


def test_explained_with_the_people_asked(surveyed):
    facts = explain(surveyed, ANGERS)
    (item,) = [one for one in facts["indicateurs"] if one["code"] == CODE]
    assert item["interroges"] == 400
    assert "selon l'enquête : 22,5 %, 400 personnes interrogées" in render(facts, surveyed)
    others = [one for one in facts["indicateurs"] if one["code"] != CODE]
    assert not any("interroges" in one for one in others)


# --- with and without the option -----------------------------------------------------------------


def test_nothing_changes_without_it(surveyed, built):
    assert not [name for name in built.communes if "enquete" in name]
    assert "enquete" not in json.dumps(provenance(built), default=str)
    assert not any(is_survey_share(one) for one in built.method.indicateurs.values())
    plain = rebuild(surveyed, load_method())
    pd.testing.assert_frame_equal(plain.communes, built.communes[list(plain.communes)])


def test_the_option_and_the_method_go_together(run, file):
    assert run("method", "new", "mienne.toml", "--indicateur")[0] == 0
    assert run("method", "check", "mienne.toml")[0] == 0
    code, _, err = run("build", "--dept", "49", "--method", "mienne.toml")
    assert code == 2
    assert "aucune n'est donnée. Ajoutez --indicateur enquete.csv" in err
    code, _, err = run("build", "--dept", "49", "--indicateur", str(file))
    assert code == 2
    assert "fragilite method new mienne.toml --indicateur" in err
    code, _, err = run("method", "new", "x.toml", "--indicateur", "--from", "ifn-2023")
    assert code == 2
    assert "--from en demande une autre" in err


def test_written_everywhere(run, tmp_path, file):
    run("method", "new", "mienne.toml", "--indicateur")
    chosen = ("--method", "mienne.toml", "--indicateur", str(file))
    code, out, err = run("build", "--dept", "49", *chosen, "--output", "s", "--format", "csv,gpkg")
    assert code == 0, err
    assert "9 communes, 647 personnes interrogées" in " ".join(out.split())
    package = json.loads(next(tmp_path.glob("s/*datapackage.json")).read_text(encoding="utf-8"))
    title = "licence à préciser par qui donne l'enquête"
    assert {"name": "notspecified", "title": title} in package["licenses"]
    assert {"title": "enquête locale, 2025"} in package["sources"]
    for command in ("robustness", "audit", "sensitivity"):
        code, out, err = run(command, "--dept", "49", *chosen)
        assert code == 0, err
    code, out, err = run("audit", "--dept", "49", *chosen)
    assert "n'a de valeur que dans 9 communes" in " ".join(out.split())
