"""The spreadsheet of a local actor: what it offers, and what the check says of each row."""

import zipfile

import pytest
from openpyxl import load_workbook

from fragilite.errors import UsageError
from fragilite.places.checking import check, fields, header, template_csv, write_template
from fragilite.places.reading import read
from fragilite.places.schema import schema


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "lieux.xlsx"
    write_template(path)
    return path


GOOD = {
    "contributeur": "Commune", "nom": "Médiathèque", "type": "Bibliothèque",
    "code_postal": "49400", "commune": "Saumur", "date_maj": "2026-03-12",
}  # fmt: skip


@pytest.fixture
def problems(tmp_path):
    """Problems of rows that change one good row, as text."""

    def _problems(*changes):
        columns = fields()
        lines = [";".join(header(column) for column in columns.values())]
        for change in changes:
            row = {**GOOD, **change}
            lines.append(";".join(row.get(name, "") for name in columns))
        path = tmp_path / "lieux.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [str(one) for one in check(path)]

    return _problems


# --- template --------------------------------------------------------------------------------


def test_the_workbook_offers_the_words_of_each_closed_list(template):
    book = load_workbook(template)
    assert book.sheetnames == ["Lieux", "Mode d'emploi", "Listes"]
    form, words = book["Lieux"], book["Listes"]
    assert form.freeze_panes == "C2"
    assert [cell.value for cell in form[1]] == [header(column) for column in fields().values()]
    offered = {
        str(rule.sqref).split(":")[0]: rule.formula1
        for rule in form.data_validations.dataValidation
        if rule.type == "list"
    }
    for place, (name, column) in enumerate(fields().items(), start=1):
        cell = form.cell(2, place).coordinate
        assert (cell in offered) == (column.type == "liste")
        if cell in offered:
            area = offered[cell].lstrip("=").partition("!")[2].replace("$", "")
            labels = [row[0].value for row in words[area]]
            assert labels == [word.libelle for word in schema().words(name).values()]


def test_the_guide_explains_every_column(template):
    guide = load_workbook(template)["Mode d'emploi"]
    told = {row[0].value: (row[1].value, row[2].value) for row in guide.iter_rows()}
    for column in fields().values():
        description, wanted = told[header(column)]
        assert description == column.description
        assert wanted


def test_the_template_is_the_same_every_time(template):
    first = template.read_bytes()
    write_template(template)
    assert template.read_bytes() == first
    assert zipfile.is_zipfile(template)


def test_the_example_row_only_needs_to_be_erased(template, tmp_path):
    path = tmp_path / "lieux.csv"
    path.write_text(template_csv(), encoding="utf-8")
    for file in (template, path):
        assert [str(one) for one in check(file)] == [
            "Ligne 2 : un lieu attendu, trouvé la ligne d'exemple. Effacez-la avant d'envoyer le "
            "fichier."
        ]
    text = template_csv().replace("Médiathèque des Trois Ponts", "Médiathèque du Lys")
    path.write_text(text, encoding="utf-8")
    assert check(path) == []  # the example is itself sound
    found = read(path).lieux.iloc[0]
    assert (found["type"], found["etp"], found["demi_journees"]) == ("bibliotheque", 0.5, 6)
    assert (found["services"], found["code_insee"]) == ("acces|premiers_pas", "49344")
    assert (found["longitude"], found["latitude"]) == (-0.66, 47.63)


# --- check -----------------------------------------------------------------------------------


def test_a_good_row_has_no_problem(problems):
    assert problems({}) == []
    assert problems({}, {"nom": "Autre", "services": "demarches | Accès internet et matériel "
                         "informatique"}) == []  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"nom": ""}, "Ligne 2, Nom du lieu * : un texte attendu, trouvé une cellule vide."),
        ({"type": "Bibliotèque"}, "« Bibliotèque ». Vouliez-vous dire « Bibliothèque » ?"),
        ({"frais": "xyz"}, "Mots admis : Gratuit, Gratuit sous condition, Payant."),
        ({"services": "Danse | Accès internet et matériel informatique"}, "trouvé « Danse »"),
        ({"code_postal": "4940"}, "Ligne 2, Code postal * : cinq chiffres, comme 49220 attendu"),
        ({"code_insee": "4932"}, "Code commune : cinq caractères"),
        ({"code_insee": "49999"}, "un code commune attendu, trouvé « 49999 »"),
        ({"code_insee": "49007"}, "le code de « Saumur » attendu, trouvé 49007, celui d"),
        ({"commune": "Saint-Georges"}, "noms proches : Saint-Georges-"),
        ({"date_maj": "le 3 mars"}, "une date comme 2026-03-12 attendu"),
        ({"etp": "deux"}, "Équivalents temps plein : un nombre de 0 à 100 attendu"),
        ({"demi_journees": "20"}, "un nombre de 0 à 14 attendu, trouvé « 20 »"),
        ({"longitude": "47,26", "latitude": "-0,08"}, "Échangez la longitude et la latitude."),
        ({"longitude": "2,35", "latitude": "48,85"}, "un point en Maine-et-Loire attendu"),
        ({"longitude": "2,35"}, "la longitude et la latitude attendu, trouvé l'une des deux"),
        ({"longitude": "472211,5", "latitude": "6689100"}, "Convertissez-les en degrés"),
        ({"perimetre": "49007|4900"}, "Communes servies : des codes communes"),
        ({"conditions": "Appeler le 02 41 00 00 00"}, "Conditions d'accès (remarque)"),
    ],
)
def test_each_fault_is_told_with_its_line_and_column(problems, change, told):
    found = problems(change)
    assert len([one for one in found if told in one]) == 1, found
    assert all(one.startswith("Ligne 2") for one in found)


def test_a_place_written_twice(problems):
    assert problems({}, {"nom": "MEDIATHEQUE"}) == [
        "Ligne 3 : un lieu par ligne attendu, trouvé le même lieu qu'à la ligne 2. Gardez la plus "
        "récente des deux."
    ]


def test_columns_that_lack_or_are_too_many(tmp_path):
    path = tmp_path / "lieux.csv"
    path.write_text(
        "Nom du lieu;Type du lieu;Code postal;Commune;Date de l'information;Téléphone du référent\n"
        "A;Bibliothèque;49400;Saumur;2026-03-12;0241000000\n",
        encoding="utf-8",
    )
    told = " ".join(str(one) for one in check(path))
    assert "colonne « Type de lieu » attendu, trouvé aucune" in told
    assert "« Type du lieu » ressemble : renommez-la" in told
    assert "Téléphone du référent (remarque) : aucune donnée de personne attendu" in told
    assert [one.bloquant for one in check(path)].count(True) == 2  # contributor and type


def test_a_file_that_is_no_template_is_refused(tmp_path):
    path = tmp_path / "lieux.csv"
    path.write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="aucune des colonnes du modèle"):
        check(path)
