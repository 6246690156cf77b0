"""Field observations: read row by row, nobody named, beside the index and never in it."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from odd_builds import alone, empty
from scipy.stats import spearmanr

from fragilite.errors import UsageError
from fragilite.field import (
    AGREE,
    CLOSE,
    LESS,
    MORE,
    NO_INDEX,
    NOT_SEEN,
    compare_field,
    gaps_table,
    levels,
    reading_of,
    render,
)
from fragilite.field_reading import headers, read_observations, rules, template, without_name
from fragilite.pipeline import build
from fragilite.user_table import open_tables

DAY = "2026-11-01"
HEADER = "Commune;Fragilité ressentie (1 à 5);Date;Rôle de qui le dit;Commentaire"
#: One a class: Angers is in the second, Cholet in the third, Saumur in the fourth.
TOWNS = ("Angers", "Cholet", "Saumur", "La Pellerine")


def row(commune="Saumur", note="4", date="2026-03-12", role="Médiatrice numérique", said=""):
    return ";".join((commune, note, date, role, said))


@pytest.fixture
def read(tmp_path, built):
    def _read(*rows, header=HEADER, inputs=None):
        path = tmp_path / "obs.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return read_observations(path, inputs or built.inputs, DAY)

    return _read


def told(found):
    return [str(problem) for problem in found.problemes]


# --- reading -----------------------------------------------------------------------------------


def test_a_sound_row(read):
    found = read(row(note="4/5", date="12/03/2026", said="Peu de bus"))
    assert found.table.to_dict("records") == [
        {"ligne": 2, "code_insee": "49328", "note": 4.0, "date": "2026-03-12",
         "role": "Médiatrice numérique", "commentaire": "Peu de bus"}
    ]  # fmt: skip
    assert found.problemes == []


@pytest.mark.parametrize(
    "header",
    [
        "COMMUNE;Ressenti;Jour;Fonction;Remarques",
        "commune;fragilite_ressentie;date;role;commentaire",
        "Nom de la commune;Note sur 5;Date de l'observation;Qui le dit;Précisions",
        "Code INSEE;Fragilité (1 à 5);Date;Rôle;Observations",
    ],
)
def test_headers_as_people_write_them(read, header):
    found = read(row("49328"), header=header)
    assert found.table["code_insee"].tolist() == ["49328"]
    assert found.problemes == []


def test_a_workbook_and_its_dates(tmp_path, built):
    import xlsxwriter

    path = tmp_path / "obs.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Lisez-moi").write(0, 0, "Bonjour")
        sheet = book.add_worksheet("Terrain")
        sheet.write_row(0, 0, HEADER.split(";"))
        sheet.write_row(1, 0, ["Orée d'Anjou", 4, 46093, "Élue", ""])
    found = read_observations(path, built.inputs, DAY).table
    assert found[["code_insee", "note", "date"]].to_numpy().tolist() == [
        ["49126", 4.0, "2026-03-12"]
    ]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"commune": "Rennes"}, "une commune de Maine-et-Loire (49) attendu, trouvé « Rennes »"),
        ({"commune": "35238"}, "trouvé « 35238 »"),
        ({"commune": "Saint"}, "« Saint », qui peut être 49029"),
        ({"commune": ""}, "une commune attendu, trouvé une cellule vide"),
        ({"note": "6"}, "trouvé « 6 »"),
        ({"note": "0"}, "trouvé « 0 »"),
        ({"note": "3,5"}, "trouvé « 3,5 »"),
        ({"note": "beaucoup"}, "trouvé « beaucoup »"),
        ({"note": ""}, "trouvé une cellule vide"),
        ({"date": "31/02/2026"}, "une date comme 2026-03-12 attendu, trouvé « 31/02/2026 »"),
        ({"date": "2026-11-02"}, "aujourd'hui (2026-11-01) attendu, trouvé « 2026-11-02 »"),
        ({"date": "1926-03-12"}, "une date entre 2010"),
        ({"date": ""}, "trouvé une cellule vide"),
        ({"role": ""}, "un rôle, comme « médiatrice numérique » attendu"),
        ({"role": "Jean Dupont"}, "rien d'autre qu'une personne"),
        ({"role": "jean@exemple.fr"}, "rien d'autre qu'une personne ou un contact"),
    ],
)
def test_a_bad_row_is_named_and_set_aside(read, bad, said):
    found = read(row(), row(**bad))
    assert found.table["ligne"].tolist() == [2]
    blocking = [problem for problem in found.problemes if problem.bloquant]
    assert len(blocking) == 1
    assert blocking[0].ligne == 3
    assert said in str(blocking[0])


def test_a_row_is_told_all_that_is_wrong_in_it(read):
    found = read(row(), row("Rennes", "9", "hier", ""))
    assert [problem.colonne for problem in found.problemes] == HEADER.split(";")[:4]


@pytest.mark.parametrize(
    ("text", "clean", "count"),
    [
        ("Vu avec Mme Martin", "Vu avec (nom retiré)", 1),
        ("M. Le Goff passe le lundi", "(nom retiré) passe le lundi", 1),
        ("Jean Dupont et Sophie MARTIN", "(nom retiré) et (nom retiré)", 2),
        ("DUPONT Jean", "(nom retiré)", 1),
        ("Jean-Pierre Durand aide", "(nom retiré) aide", 1),
        ("rue Jean Jaurès, à Saint Pierre Montlimart", None, 0),
        ("Madame la maire, l'espace France Services", None, 0),
        ("Mission Locale et Maison Des Solidarités", None, 0),
        ("un marc de café", None, 0),
        ("", None, 0),
    ],
)
def test_names_of_people(text, clean, count):
    assert without_name(text) == (text if clean is None else clean, count)


def test_what_names_or_reaches_a_person_is_removed_and_said(read):
    found = read(
        row(role="Sophie Martin, médiatrice", said="Appeler Mme Durand au 02 41 00 00 00"),
        row(role="élue (a@exemple.fr)"),
    )
    assert found.table["role"].tolist() == ["médiatrice", "élue"]
    assert found.table["commentaire"][0] == "Appeler (nom retiré) au (contact retiré)"
    text = " ".join(told(found))
    assert "1 téléphone ou courriel et 1 nom de personne" in text
    assert not re.search("Durand|Sophie|02 41|@", text + found.table.to_csv())


def test_columns_of_people_are_never_read(read):
    found = read(row() + ";0241;x", header=HEADER + ";Téléphone;Météo")
    assert [problem.bloquant for problem in found.problemes] == [False, False]
    assert "aucune donnée de personne" in told(found)[0]
    assert "0241" not in " ".join(told(found))


def test_the_same_row_twice_counts_once(read):
    found = read(row(), row(), row(said="autre"))
    assert found.table["ligne"].tolist() == [2, 4]
    assert "la même qu'à la ligne 2" in told(found)[0]


def test_the_template_comes_back_without_its_example(tmp_path, built):
    path = tmp_path / "t.csv"
    path.write_bytes(template().encode())
    (sheet,) = open_tables(path)
    assert set(headers(sheet)) == set(rules().colonnes) - {"code"}
    with pytest.raises(UsageError, match="aucune observation"):
        read_observations(path, built.inputs, DAY)
    path.write_bytes((template() + row()).encode())
    found = read_observations(path, built.inputs, DAY)
    assert found.table["ligne"].tolist() == [3]
    assert found.lignes == 1


def test_files_that_cannot_do(read):
    with pytest.raises(UsageError, match="colonnes absentes : Date et Rôle de qui le dit"):
        read("Saumur;4", header="Commune;Note")
    with pytest.raises(UsageError, match="colonne absente : Commune"):
        read("4;2026-01-01;Élue", header="Note;Date;Rôle")
    with pytest.raises(UsageError, match=r"lisible sur 2 lignes\. Ligne 2"):
        read(row("Rennes"), row("Nantes"))


# --- comparing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("median", "level", "reading"),
    [
        (3, 3, AGREE), (3.5, 3, AGREE), (3.5, 4, AGREE), (4, 3, CLOSE), (2, 3, CLOSE),
        (4.5, 3, CLOSE), (5, 3, MORE), (1, 3, LESS), (4, None, NO_INDEX), (4, pd.NA, NO_INDEX),
    ],
)  # fmt: skip
def test_readings(median, level, reading):
    assert reading_of(median, level) == reading


def test_levels_are_the_classes_or_the_fifths(read, built):
    level, kind = levels(built)
    assert kind == "classe"
    assert level["49328"] == built.communes.set_index("code_insee").loc["49328", "classe"]
    other = build("49", method="ifn-2023", uncertainty=False)
    level, kind = levels(other)
    table = other.communes.set_index("code_insee")
    assert kind == "cinquieme"
    assert (level[table["rang"] == 1] == 5).all()
    assert (level[table["rang"] == table["rang"].max()] == 1).all()
    assert level.value_counts()[5] >= len(table) // 5
    facts = compare_field(other, read(row()), DAY)
    assert "est mise à côté du cinquième de l'indice" in " ".join(render(facts).split())
    for odd in (alone(other), empty(other)):
        assert levels(odd)[1] == ""


def test_medians_roles_and_agreement(read, built):
    found = read(
        row("Angers", "5"), row("Angers", "4", role="Élue"), row("Angers", "5", role="élue"),
        row("Cholet", "3"), row("Saumur", "3"), row("La Pellerine", "1"),
    )  # fmt: skip
    facts = compare_field(built, found, DAY)
    towns = {one["nom"]: one for one in facts["observees"]}
    angers = towns["Angers"]
    assert (angers["mediane"], angers["minimum"], angers["maximum"]) == (5, 4, 5)
    assert angers["roles"] == {"Élue": 2, "Médiatrice numérique": 1}
    assert [towns[name]["lecture"] for name in TOWNS] == [MORE, AGREE, CLOSE, LESS]
    assert facts["accord"] == {AGREE: 1, CLOSE: 1, MORE: 1, LESS: 1, NO_INDEX: 0}
    text = " ".join(render(facts).split())
    assert "6 observations, 4 communes sur 176" in text
    assert "même niveau pour 1 commune, un niveau d'écart pour 1, deux ou plus pour 2." in text
    assert "Angers (49007) : ressenti 5, l'indice dit « fragilité faible »." in text
    assert "Ce que l'indice ne voit pas :" in text
    assert "jamais dans une moyenne" in text


def test_correlation_only_with_eight_communes(read, built):
    codes = built.communes["code_insee"].iloc[::20].head(8).tolist()
    notes = [1, 4, 2, 5, 3, 3, 5, 1]
    rows = [row(code, str(note)) for code, note in zip(codes, notes, strict=True)]
    few = compare_field(built, read(*rows[:7]), DAY)
    assert few["correlation"] is None
    assert "il faut au moins 8 communes" in " ".join(render(few).split())
    found = compare_field(built, read(*rows), DAY)["correlation"]
    index = built.communes.set_index("code_insee").loc[codes, "indice"]
    assert found["valeur"] == pytest.approx(spearmanr(notes, index).statistic)
    assert found["bas"] < found["valeur"] < found["haut"]
    assert found["effectif"] == 8
    same = compare_field(built, read(*(row(code, "3") for code in codes)), DAY)
    assert "les notes sont toutes égales" in render(same)


def test_nothing_of_the_index_moves(read, built):
    before = built.communes.copy()
    found = read(*(row(name, "1") for name in TOWNS))
    gaps_table(built, found)
    compare_field(built, found, DAY)
    pd.testing.assert_frame_equal(built.communes, before)


def test_what_the_index_says_and_nobody_saw(read, built):
    facts = compare_field(built, read(row("La Pellerine", "5")), DAY)
    unseen = facts["jamais_observees"]
    table = built.communes.set_index("code_insee")
    wanted = table[(table["classe"] >= 4) & (table["nom"] != "La Pellerine")]
    assert {one["code_insee"] for one in unseen["communes"]} == set(wanted.index)
    assert unseen["personnes_a_accompagner"] == pytest.approx(
        wanted["personnes_a_accompagner"].sum()
    )
    ranks = [one["rang"] for one in unseen["communes"]]
    assert ranks == sorted(ranks)
    all_seen = compare_field(built, read(*(row(code) for code in table.index)), DAY)
    assert "ont été observées." in render(all_seen)


def test_comments_are_never_shown_and_are_written_only_where_three_say(read, built):
    found = read(
        row("Angers", "5", said="premier secret"), row("Angers", "5", said="=deuxième secret"),
        row("Angers", "5", date="2026-04-01", said="troisième secret"),
        row("Angers", "5", role="Élue", said="secret d'une seule"),
        row("Saumur", "1", said="secret de Saumur"),
    )  # fmt: skip
    facts = compare_field(built, found, DAY)
    assert "secret" not in json.dumps(facts) + render(facts)
    table = gaps_table(built, found).set_index("nom")
    said = table.loc["Angers", "commentaires"]
    assert said == "'=deuxième secret | premier secret | troisième secret"
    assert table.loc["Saumur", "commentaires"] == ""
    assert table.loc["Saumur", "roles"] == "Médiatrice numérique"


def test_the_table_holds_every_commune(read, built):
    table = gaps_table(built, read(row("Angers", "5"), row("Angers", "2")))
    assert table["code_insee"].tolist() == built.communes["code_insee"].tolist()
    assert (table["lecture"] == NOT_SEEN).sum() == len(table) - 1
    angers = table.set_index("nom").loc["Angers"]
    assert (angers["observations"], angers["mediane"], angers["ecart"]) == (2, 3.5, 1.5)
    assert angers["niveau_libelle"] == "fragilité faible"


@pytest.mark.parametrize("method", ["fragilite-2026", "ifn-2020", "ifn-2023"])
@pytest.mark.parametrize("odd", [alone, empty, lambda one: one])
def test_any_method_and_any_territory(tmp_path, method, odd):
    found = odd(build("49", method=method, uncertainty=False))
    path = tmp_path / "o.csv"
    code = found.communes["code_insee"].iloc[0]
    path.write_text(f"{HEADER}\n{row(code, '5')}\n", encoding="utf-8")
    read = read_observations(path, found.inputs, DAY)
    facts = compare_field(found, read, DAY)
    json.dumps(facts, allow_nan=False)
    assert "1 observation, 1 commune sur" in render(facts)
    assert len(gaps_table(found, read)) == len(found.communes)


# --- command line ------------------------------------------------------------------------------


@pytest.fixture
def sheet(tmp_path):
    rows = [row(name, note) for name, note in zip(TOWNS, "5331", strict=True)]
    (tmp_path / "o.csv").write_text("\n".join([HEADER, *rows, row("Rennes")]), encoding="utf-8")
    return tmp_path / "o.csv"


def test_the_command(run, sheet, tmp_path):
    code, out, err = run(
        "field", sheet, "--dept", "49", "-o", "ecarts.csv", "--date", DAY, env={"COLUMNS": "100"}
    )
    assert (code, err) == (0, "")
    assert out.rstrip().endswith("ecarts.csv")
    assert "1 ligne mise de côté" in out
    assert "Ligne 6, Commune — attendu : une commune de Maine-et-Loire (49) ; trouvé" in out
    assert max(map(len, out.splitlines())) <= 100
    written = (tmp_path / "ecarts.csv").read_bytes()
    assert len(pd.read_csv(tmp_path / "ecarts.csv")) == 176
    code, _, err = run("field", sheet, "--dept", "49", "-o", "ecarts.csv")
    assert (code, "existe déjà" in err) == (2, True)
    run("field", sheet, "--dept", "49", "-o", "ecarts.csv", "--date", DAY, "--overwrite")
    assert (tmp_path / "ecarts.csv").read_bytes() == written
    code, out, _ = run("field", sheet, "--dept", "49", "--json")
    assert json.loads(out)["communes_observees"] == 4


def test_the_template_needs_nothing_else(run, tmp_path, sheet):
    code, out, _ = run("field", "--template", "t.csv")
    assert (code, out) == (0, "t.csv\n")
    assert (tmp_path / "t.csv").read_bytes().decode() == template()
    assert run("field", "--template", "t.csv")[0] == 2
    assert run("field", "--template", "t.csv", "--overwrite")[0] == 0
    code, _, err = run("field", sheet, "--template", "u.csv")
    assert (code, "ne lit rien" in err) == (2, True)
    assert run("field", "--template", "t.xlsx")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dept", "49"), "Il manque le fichier"),
        (("rien.csv", "--dept", "49"), "rien.csv : fichier introuvable"),
        (("o.csv",), "Il manque le territoire"),
        (("o.csv", "--dept", "49", "--date", "demain"), "n'est pas une date"),
        (("o.csv", "--dept", "49", "-o", "e.xlsx"), ".csv"),
    ],
)
def test_bad_usage(run, sheet, arguments, said):
    code, out, err = run("field", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_first_names_are_folded_once():
    names = rules().personnes.prenoms
    assert len(names) == len(set(names))
    assert np.all([name == name.casefold() and name.isascii() for name in names])
