"""What changed, in the files of a build and in a dossier; nothing moves without the option."""

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import docx
import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from odd_builds import AWKWARD, alone, empty, named, renamed, unmapped

from fragilite import outputs
from fragilite.cartography import CHANGE
from fragilite.outputs import change_style, geopackage, sheets, workbook
from fragilite.outputs.dossier import write as write_dossier
from fragilite.outputs.qgis import LONGEST_NAME
from fragilite.subject import of_communes, of_departements, of_epci, restricted
from fragilite.trend import LECTURES, trend
from fragilite.trend.sentences import cannot_say, sentences
from fragilite.trend.tables import columns, followed, only_of, tidy, wide, wide_columns
from fragilite.trend.wording import LIMITE

FORMATS = ("parquet", "csv", "excel", "xlsx", "gpkg")
#: What is written from a trend; the others are as without it.
CHANGED = {".xlsx", ".gpkg", ".json"}


@pytest.fixture(scope="module")
def found(built):
    return trend(built)


@pytest.fixture(scope="module")
def folders(built, found, tmp_path_factory):
    """The files of a build without and with what changed, then without it again."""
    made = []
    for one in (None, found, None):
        folder = tmp_path_factory.mktemp("build")
        outputs.write(built, folder, FORMATS, trend=one)
        made.append(folder)
    return made


def digests(folder):
    files = (path for path in folder.iterdir() if not path.name.startswith("."))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows(path, query):
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


# --- the files of a build ------------------------------------------------------------------------


def test_nothing_moves_without_the_option(folders):
    before, with_it, after = map(digests, folders)
    assert before == after
    assert set(with_it) - set(before) == {"fragilite_49_changement.csv"}
    moved = {name for name in before if before[name] != with_it[name]}
    assert moved == {"fragilite_49.xlsx", "fragilite_49.gpkg", "fragilite_49.datapackage.json"}


def test_table_is_described_to_the_letter(folders, found):
    folder = folders[1]
    path = folder / "fragilite_49_changement.csv"
    table = pd.read_csv(path, dtype={"code": str, "millesime_avant": str}, keep_default_na=False)
    package = json.loads((folder / "fragilite_49.datapackage.json").read_text(encoding="utf-8"))
    (resource,) = [one for one in package["resources"] if one["path"] == path.name]
    fields = resource["schema"]["fields"]
    assert [field["name"] for field in fields] == list(table.columns) == list(columns(found))
    assert not table.duplicated(resource["schema"]["primaryKey"]).any()
    assert table.groupby("niveau").size().to_dict() == {
        "commune": len(found.communes), "departement": 19, "epci": 171,
    }  # fmt: skip
    assert {"Insee, recensement de la population, 2017"} <= {
        source["title"] for source in package["sources"]
    }
    by_name = {field["name"]: field for field in fields}
    for name in ("lecture", "niveau"):
        assert set(table[name]) - {""} <= set(by_name[name]["constraints"]["enum"])
    saumur = table[(table["code"] == "49328") & (table["indicateur"] == "part_sans_bac")].iloc[0]
    expected = found.change("part_sans_bac").loc["49328"]
    assert float(saumur["changement"]) == pytest.approx(expected["changement"], abs=0.005)
    assert saumur["lecture"] == expected["lecture"]


def test_layer_holds_every_comparison(folders, found):
    path = folders[1] / "fragilite_49.gpkg"
    layer = gpd.read_file(path, layer="changement")
    communes = gpd.read_file(path, layer="communes")
    assert layer["code_insee"].tolist() == communes["code_insee"].tolist()
    assert layer.geometry.geom_equals(communes.geometry).all()
    assert list(layer.drop(columns="geometry")) == list(wide_columns(found))
    for one in followed(found):
        mine = found.change(one.code, one.avant)
        assert layer[f"{one.stem}_lecture"].tolist() == mine["lecture"].tolist()
        change = layer[f"{one.stem}_changement"].to_numpy()
        assert change == pytest.approx(mine["changement"].to_numpy(), nan_ok=True)
    assert {one.code for one in followed(found)} >= {"indice", "part_sans_bac", "taux_chomage"}
    vintages = {row[0] for row in rows(path, "SELECT millesime FROM provenance")}
    assert {"2012", "2017"} <= vintages
    told = dict(rows(path, "SELECT nom, couches FROM dictionnaire"))
    assert told["part_sans_bac_depuis_2017_changement"] == "changement"
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_layer_says_three_words_and_hatches_the_rest(found):
    styles = change_style.change_styles(found)
    assert len({one.nom for one in styles}) == len(styles) == len(followed(found))
    assert styles[0].nom == "Indice, depuis 2017"
    for one in styles:
        assert len(one.nom) <= LONGEST_NAME
        for reading in LECTURES:
            assert f"= '{reading}'" in one.qml.replace("&#39;", "'")
        assert 'filter="ELSE" label="Rien à comparer"' in one.qml
        assert "LinePatternFill" in one.qml
    assert set(CHANGE) == set(LECTURES)
    assert "CE N'EST PAS" in styles[0].qml.replace("&amp;#x27;", "'").upper()


def test_sheet(folders, found):
    book = openpyxl.load_workbook(folders[1] / "fragilite_49.xlsx")
    assert book.sheetnames.index("Changement") == book.sheetnames.index("EPCI") + 1
    sheet = book["Changement"]
    cells = list(sheet.iter_rows(values_only=True))
    table = pd.DataFrame(cells[sheets.FIRST :], columns=cells[sheets.NAMES])
    kept = followed(found)
    assert set(zip(table["indicateur"], table["millesime_avant"], strict=True)) == {
        (one.code, one.avant) for one in kept
    }
    assert table["niveau"].drop_duplicates().tolist() == ["departement", "epci", "commune"]
    assert (table["niveau"] == "commune").sum() == 176 * len(kept)
    note = cells[sheets.NOTE][0].replace("\xa0", " ")
    assert "ne se comparent pas à ceux de 2021" in note
    assert LIMITE.partition("{avant}")[0] in note
    dictionary = {row[0]: row[1] for row in book["Dictionnaire"].iter_rows(values_only=True)}
    assert dictionary["min_90"] == "Borne basse du changement à 90 %"
    assert "2012" in {row[2] for row in book["Sources"].iter_rows(values_only=True)}


def test_labels_wear_their_units(found):
    records = wide_columns(found)
    assert records["part_sans_bac_depuis_2017_valeur_avant"].unite == "%"
    assert records["part_sans_bac_depuis_2017_changement"].unite == "points"
    assert all(one.libelle and one.unite and one.description and one.source
               for one in [*records.values(), *columns(found).values()])  # fmt: skip


@pytest.mark.parametrize("change", [alone, empty, renamed, unmapped])
def test_odd_builds(built, change, tmp_path):
    odd = change(built)
    told = trend(odd)
    outputs.write(odd, tmp_path, ("csv", "gpkg", "xlsx"), trend=told)
    layer = gpd.read_file(tmp_path / "fragilite_49.gpkg", layer="changement")
    assert layer["code_insee"].tolist() == odd.communes["code_insee"].tolist()


def test_a_name_is_never_markup(built):
    told = trend(named(built, "49007", AWKWARD))
    assert AWKWARD in set(tidy(told)["nom"])
    assert all("<script>" not in one.qml for one in change_style.change_styles(told))


def test_nothing_compared(built, found, tmp_path):
    """Every pair stopped: a layer all hatched, no sentence, and the reasons."""
    stopped = [replace(pair, raison=pair.raison or "définitions changées")
               for pair in found.comparaisons]  # fmt: skip
    silent = replace(found, comparaisons=stopped, indices={}, indices_groupes={}, tenus={})
    path = tmp_path / "f.gpkg"
    geopackage.write(built, outputs.geographic_layer(built), path, silent)
    styles = rows(path, "SELECT styleName FROM layer_styles WHERE f_table_name = 'changement'")
    assert styles == [("Rien à comparer",)]
    workbook.write(built, tmp_path / "f.xlsx", silent)
    assert sentences(silent, "commune", "49007") == []
    assert any("Définitions changées" in text for text in cannot_say(silent))
    assert list(wide(silent)) == ["code_insee", "nom", "code_epci", "nom_epci", "population"]


# --- the dossier ---------------------------------------------------------------------------------


def text_of(path):
    paragraphs = [one.text.replace("\xa0", " ") for one in docx.Document(path).paragraphs]
    first = paragraphs.index("Ce qui a changé")
    return paragraphs, paragraphs[first : paragraphs.index("Combien de personnes")]


def test_dossier_of_a_commune(built, found, tmp_path):
    path = tmp_path / "d.docx"
    write_dossier(built, path, of_communes(built, ["49007"]), trend=found)
    _, part = text_of(path)
    said = [one for one in part if " : baisse." in one]
    assert len(said) == 3
    assert all("[−" in one and "[Insee, recensement de la population" in one for one in said)
    assert "46,3 % en 2017, 40,8 % en 2023, soit −5,6 points [−6,2 ; −4,9]" in said[1]
    assert any(one.endswith("a baissé ou monté.") for one in part)
    assert any("ne se comparent pas" in one for one in part)
    book = openpyxl.load_workbook(tmp_path / "d.xlsx")
    codes = {row[0] for row in book["Changement"].iter_rows(min_row=4, values_only=True)}
    assert codes == {"49", "244900015", "49007"}


def test_dossier_of_a_departement(built, found, tmp_path):
    path = tmp_path / "d.docx"
    write_dossier(built, path, of_departements(built), trend=found)
    _, part = text_of(path)
    assert sum(" : baisse." in one for one in part) == 9
    (partial,) = [one for one in part if "pas entier dans ce calcul" in one]
    assert "CC du Pays d'Ancenis" in partial


def test_dossier_without_the_option(built, tmp_path):
    path = tmp_path / "d.docx"
    write_dossier(built, path, of_communes(built, ["49007"]))
    assert "Ce qui a changé" not in [one.text for one in docx.Document(path).paragraphs]
    assert "Changement" not in openpyxl.load_workbook(tmp_path / "d.xlsx").sheetnames


def test_dossier_says_what_the_mean_hides(built, tmp_path):
    """Angers and its EPCI are split; Mouliherne is not."""
    row = built.communes.set_index("code_insee").loc["49007"]
    for subject, opening in (
        (of_communes(built, ["49007"]), "Commune découpée en IRIS"),
        (of_epci(built, "244900015"), "communes découpées en IRIS"),
        (of_communes(built, ["49221"]), ""),
    ):
        path = tmp_path / f"{subject.nom}.docx"
        write_dossier(built, path, subject)
        texts = [one.text.replace("\xa0", " ") for one in docx.Document(path).paragraphs]
        hidden = [one for one in texts if "Ce que la moyenne cache" in one]
        assert len(hidden) == bool(opening)
        if opening:
            assert opening in hidden[0]
            assert f"{row['iris_max']:.1f}".replace(".", ",") in hidden[0]
            assert "ne dit rien d'une personne" in hidden[0]
            assert "bases infracommunales 2022" in hidden[0]
        frame = next(one for one in texts if one.startswith("Fond de carte"))
        assert "infracommunales" not in frame


def test_rows_of_a_subject(built, found):
    mine = only_of(found, of_epci(built, "244900015").communes)
    assert set(mine.groupes["code"]) == {"49", "244900015"}
    assert len(set(mine.communes["code_insee"])) == 29
    assert len(restricted(built, of_epci(built, "244900015")).communes) == 29


# --- the commands --------------------------------------------------------------------------------


def test_commands(run, tmp_path):
    code, out, err = run("build", "--dept", "49", "--trend", "--format", "csv", "--quiet")
    assert code == 0, err
    assert "fragilite_49_changement.csv" in out
    code, _, err = run("build", "--dept", "49", "--format", "csv")
    assert code == 0, err
    code, _, err = run("dossier", "--communes", "49007", "--trend")
    assert code == 0, err
    assert (tmp_path / "dossier_49007.docx").exists()


def test_a_level_that_is_not_compared(run):
    code, out, err = run("build", "--dept", "49", "--trend", "--level", "epci", "--format", "csv")
    assert (code, out) == (2, "")
    assert "--trend compare des communes, et --level demande l'échelon epci." in err
