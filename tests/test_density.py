"""INSEE density grid: a class, in a workbook with a banner."""

import pytest

from fragilite.ingestion import density
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.raw import LayoutError

VINTAGE = load_sources()["insee_densite"].millesimes[0]
FILE = VINTAGE.fichiers[0]
HEADER = ["CODGEO", "LIBGEO", "DENS", "LIBDENS", "PMUN21", "P1"]


def workbook(path, rows, sheet=FILE.feuille):
    xlsxwriter = pytest.importorskip("xlsxwriter")
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet(sheet)
    banner = [["Grille de densité"], [], ["Géographie au 01/01/2024"], ["\nCode \nCommune\n"]]
    for number, row in enumerate([*banner, HEADER, *rows]):
        page.write_row(number, 0, row)
    book.close()
    return path


def read(path):
    return density.read("insee_densite", VINTAGE, {FILE.nom: path})


def test_classes_and_the_population_that_weighs_them(tmp_path):
    rows = [
        ["49007", "Angers", 1, "Grands centres urbains", 157175, 90.5],
        ["2A004", "Ajaccio", 2, "Centres urbains intermédiaires", 73000, 0],
        ["01001", "L'Abergement-Clémenciat", 6, "Rural à habitat dispersé", 832, 0],
    ]
    table = read(workbook(tmp_path / "d.xlsx", rows))
    assert table.cog == 2024
    assert table.values["classe_densite"].to_dict() == {"49007": 1, "2A004": 2, "01001": 6}
    assert table.values.loc["01001", "pop_grille_densite"] == 832


def test_a_class_outside_1_to_7_is_refused(tmp_path):
    path = workbook(tmp_path / "d.xlsx", [["49007", "Angers", 8, "?", 157175, 0]])
    with pytest.raises(LayoutError, match="classe_densite doit être entre 1 et 7"):
        read(path)


def test_a_sheet_of_another_name_is_named(tmp_path):
    path = workbook(tmp_path / "d.xlsx", [["49007", "Angers", 1, "?", 1, 0]], sheet="Données")
    with pytest.raises(LayoutError, match=r"feuille absente : « Grille_Densite ».*Données"):
        read(path)


def test_real_grid_of_2024(shared_data):
    table = read(shared_data / "publisher/insee_densite/grille_densite_7_niveaux_2024.xlsx")
    assert len(table.values) == 34935
    assert table.values["classe_densite"].value_counts().loc[[1, 7]].to_list() == [773, 7259]
    assert table.values.loc["75056", "classe_densite"] == 1
