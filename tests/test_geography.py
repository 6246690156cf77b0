"""Communes, EPCI and populations in the layouts of every edition, trap by trap."""

import zipfile
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from fragilite.errors import FragiliteError
from fragilite.ingestion import geography
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.geography import (
    REGLE_ABSORBANTE,
    REGLE_CODE,
    REGLE_INCONNU,
    REGLE_MEME,
    REGLE_PEUPLEE,
    REGLE_SEPAREE,
    carry_epci,
    frame,
    read_communes,
    read_epci,
    read_former_communes,
    read_populations,
)
from fragilite.ingestion.raw import LayoutError

FIXTURES = Path(__file__).parent / "fixtures/geography"
COMMUNES = FIXTURES / "v_commune_2026.csv"
MOVEMENTS = FIXTURES / "v_mvt_commune_2026.csv"


@pytest.fixture
def only(monkeypatch):
    """Shrink the geography to a few communes, so that a list of them is whole."""

    def shrink(*codes):
        monkeypatch.setattr(geography, "codes_of", lambda year: frozenset(codes))

    return shrink


def workbook(path, **sheets):
    """Write a workbook: one sheet a keyword, a list of rows each."""
    book = xlsxwriter.Workbook(path)
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    book.close()
    return path


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


# --- communes --------------------------------------------------------------------------------

OF_2026 = [
    "01001", "29155", "2A004", "49007", "49018", "49126", "49160", "75056", "97105", "97601",
]  # fmt: skip


def test_a_code_borne_twice_is_the_commune_s(only):
    only(*OF_2026)
    communes = read_communes(COMMUNES)
    assert list(communes.index) == OF_2026
    assert communes.loc["49018", "nom"] == "Baugé-en-Anjou"  # not Baugé, delegated, same code
    assert communes.loc["49126", "nom"] == "Orée d'Anjou"  # not Drain


def test_departement_and_region_by_name(only):
    only(*OF_2026)
    communes = read_communes(COMMUNES)
    assert communes.loc["2A004"].to_dict() == {
        "nom": "Ajaccio",
        "code_departement": "2A",
        "nom_departement": "Corse-du-Sud",
        "code_region": "94",
        "nom_region": "Corse",
    }
    assert communes.loc["97105", "code_departement"] == "971"
    assert communes.loc["97601", "nom_region"] == "Mayotte"


def test_lower_case_headers_of_2019(only):
    only("01001", "49069", "97105")
    communes = read_communes(FIXTURES / "communes-01012019.csv", 2019)
    assert list(communes["nom"]) == ["L'Abergement-Clémenciat", "Orée d'Anjou", "Basse-Terre"]


def test_text_of_2018_in_latin_1(only):
    only("01001", "2A004", "49069", "49200", "49321", "97105")
    communes = read_communes(FIXTURES / "comsimp2018.txt", 2018)
    assert communes["nom"].to_dict() == {
        "01001": "L'Abergement-Clémenciat",
        "2A004": "Ajaccio",
        "49069": "Orée d'Anjou",
        "49200": "Le Lion-d'Angers",
        "49321": "Saint-Sigismond",
        "97105": "Basse-Terre",
    }


def test_lost_zeros_are_given_back(only):
    only("01001", "01015", "49007")
    communes = read_communes(FIXTURES / "communes_sans_zero.csv", 2026)
    assert list(communes.index) == ["01001", "01015", "49007"]


def test_a_zero_given_back_must_fit_the_departement(tmp_path):
    text = (
        (FIXTURES / "communes_sans_zero.csv")
        .read_text()
        .replace("COM,1001,84,1,", "COM,1001,84,10,")
    )
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(LayoutError, match="autre département que celui de leur ligne : 01001"):
        read_communes(tmp_path / "c.csv")


def test_the_archive_of_the_whole_cog(only, tmp_path):
    only(*OF_2026)
    path = zipped(
        tmp_path / "cog_ensemble_2026_csv.zip",
        **{
            "v_commune_comer_2026.csv": "COM_COMER\n97501\n",
            "v_commune_depuis_1943.csv": "COM\n01001\n",
            "cog_ensemble/v_commune_2026.csv": COMMUNES.read_bytes(),
            "cog_ensemble/v_mvt_commune_2026.csv": MOVEMENTS.read_bytes(),
        },
    )
    assert list(read_communes(path).index) == OF_2026
    assert read_former_communes(path, path).equals(read_former_communes(COMMUNES, MOVEMENTS))
    other = zipped(tmp_path / "autre.zip", **{"v_region_2026.csv": "REG\n"})
    with pytest.raises(LayoutError, match=r"qui offre : v_region_2026\.csv"):
        read_communes(other)


def test_a_list_that_is_not_whole_is_refused():
    with pytest.raises(LayoutError, match=r"34865 commune.s. de 2026 manquent sur 34875"):
        read_communes(COMMUNES)


def test_a_list_of_another_year_is_refused(only):
    only("01001", "49069", "97105")
    with pytest.raises(FragiliteError, match=r"inconnu.s. de la géographie 2026 : 49069"):
        read_communes(FIXTURES / "communes-01012019.csv", 2026)


def test_a_commune_twice_is_refused(tmp_path):
    line = "COM,49007,52,49,49D,491,1,ANGERS,Angers,Angers,4998,\n"
    (tmp_path / "c.csv").write_text(COMMUNES.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(LayoutError, match="en double : 49007"):
        read_communes(tmp_path / "c.csv")


def test_a_change_of_layout_says_what_the_file_offers(tmp_path):
    (tmp_path / "c.csv").write_text("TYPECOM,CODE,DEP,LIBELLE,COMPARENT\nCOM,49007,49,Angers,\n")
    with pytest.raises(LayoutError, match=r"absente\(s\) : COM\. Le fichier offre : TYPECOM, CODE"):
        read_communes(tmp_path / "c.csv")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"<!DOCTYPE html><html></html>", "page web"),
        (b"", "vide"),
        (b"PK\x03\x04 truncated", "tronqué ou abîmé"),
        (
            b"TYPECOM,COM,DEP,LIBELLE,COMPARENT\nCOM,Angers,49,Angers,\n",
            "codes de commune : ANGERS",
        ),
    ],
)
def test_what_is_not_the_file(tmp_path, content, found):
    path = tmp_path / "v_commune_2026.csv"
    path.write_bytes(content)
    with pytest.raises(LayoutError, match=found) as caught:
        read_communes(path)
    assert "v_commune_2026.csv" in caught.value.message
    assert "\n" not in str(caught.value)


# --- former names ----------------------------------------------------------------------------


def test_former_names():
    table = read_former_communes(COMMUNES, MOVEMENTS)
    assert [tuple(row) for row in table.to_numpy()] == [
        ("Baugé", "49018", "49018"),
        ("Bocé", "49031", "49018"),  # delegated and merged: once
        ("Champtoceaux", "49069", "49126"),
        ("Drain", "49126", "49126"),
        ("Ingrandes", "49160", "49160"),
        ("Ingrandes-Le Fresne sur Loire", "49160", "49160"),
        ("La Daguenière", "49117", "49307"),
        ("Saint-Sigismond", "49321", "49160"),
    ]


def test_former_names_without_movements():
    assert "Ingrandes" not in set(read_former_communes(COMMUNES)["nom"])


def test_movements_after_the_year_are_left_out(only):
    only("49069")
    table = read_former_communes(FIXTURES / "communes-01012019.csv", MOVEMENTS, 2019)
    assert [tuple(row) for row in table.to_numpy()] == [("Champtoceaux", "49069", "49069")]


# --- EPCI ------------------------------------------------------------------------------------

ANCENIS, MAUGES, LION = "244400552", "200060010", "244900809"
DGCL = ["dept", "siren", "raison_sociale", "nature_juridique", "nb_membres", "insee", "pmun_2025"]


def dgcl(path, *rows, header=DGCL):
    return workbook(path, Epcicom2025=[header, *rows])


def test_dgcl_with_numbers_for_sirens(tmp_path):
    path = dgcl(
        tmp_path / "epcicom2025.xlsx",
        ["49", 200060010.0, "CA Mauges Communauté", "CA", 2.0, "49126", 16800.0],
        ["49", 200060010.0, "CA Mauges Communauté", "CA", 2.0, "49023", 24000.0],
        ["69", 200046977.0, "Métropole de Lyon", "MET69", 1.0, "69123", 520000.0],
        ["01", 200069193.0, "CC de la Dombes", "CC", 1.0, 1001, 860.0],
    )
    epci = read_epci(path, 2025)
    assert epci.communes["49126"] == MAUGES
    assert epci.communes["01001"] == "200069193"  # a zero given back
    assert epci.epci.loc[MAUGES].to_dict() == {
        "nom": "CA Mauges Communauté",
        "nature": "CA",
        "communes": 2,
    }
    assert epci.epci.loc["200046977", "nature"] == "MET69"
    assert pd.isna(epci.communes["29155"])  # the island of Ouessant belongs to none
    assert epci.populations["49126"] == 16800


def insee(path, members, names):
    title = [["Intercommunalité"], ["France"], ["Mise en ligne"], ["@Insee"]]
    return workbook(
        path,
        EPCI=[*title, ["Code"], ["EPCI", "LIBEPCI", "NATURE_EPCI", "NB_COM"], *names],
        Composition_communale=[
            *title,
            ["Code géographique"],
            ["CODGEO", "LIBGEO", "EPCI", "LIBEPCI", "DEP", "REG"],
            *members,
        ],
    )


def test_insee_archive_and_no_epci(tmp_path):
    book = insee(
        tmp_path / "EPCI_au_01-01-2026.xlsx",
        [
            ["29155", "Ouessant", "ZZZZZZZZZ", "Sans objet", "29", "53"],
            ["49126", "Orée d'Anjou", MAUGES, "CA Mauges Communauté", "49", "52"],
            ["75056", "Paris", "200054781", "Métropole du Grand Paris", "75", "11"],
            ["69123", "Lyon", "200046977", "Métropole de Lyon", "69", "84"],
        ],
        [
            [MAUGES, "CA Mauges Communauté", "CA", 1],
            ["200054781", "Métropole du Grand Paris", "ME", 1],
            ["200046977", "Métropole de Lyon", "ME", 1],
            ["ZZZZZZZZZ", "Sans objet", "ZZ", 1],
        ],
    )
    path = zipped(tmp_path / "epci_au_01-01-2026.zip", **{book.name: book.read_bytes()})
    epci = read_epci(path)
    assert pd.isna(epci.communes["29155"])
    assert "ZZZZZZZZZ" not in epci.epci.index
    assert epci.epci["nature"].to_dict() == {
        MAUGES: "CA",
        "200046977": "MET69",  # INSEE says ME of both; the DGCL does not
        "200054781": "METRO",
    }
    assert epci.populations.empty
    assert read_epci(book).communes.equals(epci.communes)  # taken out of its archive by hand


def test_table_d_appartenance(tmp_path):
    title = [["Liste des communes"], ["France"], ["Mise en ligne"], ["@Insee"], ["Code"]]
    book = workbook(
        tmp_path / "table-appartenance-geo-communes-22.xlsx",
        COM=[
            *title,
            ["CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "NATURE_EPCI"],
            ["29155", "Ouessant", "29", "53", "ZZZZZZZZZ", "ZZ"],
            ["49069", "Orée d'Anjou", "49", "52", MAUGES, "CA"],
        ],
        ARM=[*title, ["CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "NATURE_EPCI"]],
        Zones_supra_communales=[
            *title,
            ["NIVGEO", "CODGEO", "LIBGEO", "NB_COM"],
            ["ARR", "011", "Belley", 105],
            ["EPCI", MAUGES, "CA Mauges Communauté", 1],
            ["EPCI", "ZZZZZZZZZ", "Sans objet", 1],
        ],
    )
    epci = read_epci(book, 2022)
    assert epci.communes.dropna().to_dict() == {"49069": MAUGES}
    assert epci.epci.loc[MAUGES].to_list() == ["CA Mauges Communauté", "CA", 1]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (["49", 200060010, "CA Mauges", "CA", 6, "49126", 1], r"y a 1 commune.s. et en déclare 6"),
        (["49", "20006001", "CA Mauges", "CA", 1, "49126", 1], "neuf chiffres : 20006001"),
        (["49", 200060010, "CA Mauges", "CA", 1, "Orée", 1], "codes de commune : ORÉE"),
        (["49", 200060010, "CA Mauges", "CA", 1, "49069", 1], "géographie 2025 : 49069"),
        (["44", 244400552, "CC Ancenis", "CC", 1, "49160", 1], "en double : 49160"),
    ],
)
def test_epci_refused(tmp_path, row, found):
    sound = ["49", 244400552, "CC du Pays d'Ancenis", "CC", 1, "49160", 1]
    with pytest.raises(FragiliteError, match=found):
        read_epci(dgcl(tmp_path / "epcicom.xlsx", sound, row), 2025)


def test_epci_of_another_layout(tmp_path):
    path = dgcl(tmp_path / "epcicom.xlsx", header=["dept", "siren"])
    with pytest.raises(LayoutError, match=r"SIREN, RAISON_SOCIALE.*offre : Epcicom2025"):
        read_epci(path, 2025)
    path = workbook(
        tmp_path / "aav.xlsx", AAV2020=[["a"]], Composition_communale=[["CODGEO", "AAV2020"]]
    )
    with pytest.raises(LayoutError, match=r"pas de feuille Composition_communale.*CODGEO, EPCI"):
        read_epci(path, 2025)
    (tmp_path / "page.xlsx").write_text("<html></html>")
    with pytest.raises(LayoutError, match="classeur lisible"):
        read_epci(tmp_path / "page.xlsx", 2025)


@pytest.fixture
def of_2023(tmp_path):
    """EPCI of 2023: 49160 in CC du Pays d'Ancenis, 49321 in another, since merged into 49160."""
    return read_epci(
        dgcl(
            tmp_path / "epcicom2023.xlsx",
            ["49", ANCENIS, "CC du Pays d'Ancenis", "CC", 1, "49160", 2600],
            ["49", LION, "CC des Vallées du Haut-Anjou", "CC", 1, "49321", 400],
            ["49", MAUGES, "CA Mauges Communauté", "CA", 1, "49069", 16800],
            ["15", "200066678", "Hautes Terres Communauté", "CC", 1, "15141", 1800],
            header=[*DGCL[:-1], "pmun_2023"],
        ),
        2023,
    )


def test_epci_carried(of_2023):
    carried = carry_epci(of_2023, 2026)
    assert carried.cog == 2026
    assert carried.communes["49126"] == MAUGES
    assert carried.communes["49160"] == ANCENIS
    assert "49321" not in carried.communes.index
    assert LION not in carried.epci.index  # no commune left in this extract
    split = ["15031", "15035", "15047", "15141", "15171"]
    assert set(carried.communes[split]) == {"200066678"}
    assert carried.epci.loc["200066678", "communes"] == 5
    rules = carried.reportees["regle"]
    assert rules["49126"] == REGLE_CODE
    assert rules["49160"] == REGLE_PEUPLEE
    assert rules["15031"] == REGLE_SEPAREE
    assert carried.reportees.loc["49160", "depuis"] == "49321 49160"
    assert carried.note.startswith(f"EPCI reportés pour {len(carried.reportees)} commune(s) : ")
    assert "49160" in carried.note


def test_the_most_populated_part_decides(of_2023):
    people = pd.Series({"49160": 300.0, "49321": 400.0})
    assert carry_epci(of_2023, 2026, people).communes["49160"] == LION


def test_without_populations_the_part_that_keeps_its_code_decides(of_2023):
    carried = carry_epci(of_2023, 2026, pd.Series(dtype=float))
    assert carried.communes["49160"] == ANCENIS
    assert carried.reportees.loc["49160", "regle"] == REGLE_ABSORBANTE


@pytest.mark.parametrize(
    ("people", "chosen", "regle"), [("", None, REGLE_INCONNU), (900, LION, REGLE_PEUPLEE)]
)
def test_parts_of_several_epci_under_a_new_code(tmp_path, people, chosen, regle):
    """Porte des Pierres Dorées (69114 in 2026) was 69101 and 69159: neither keeps its code."""
    path = dgcl(
        tmp_path / "epcicom2018.xlsx",
        ["69", ANCENIS, "A", "CC", 1, "69101", 800],
        ["69", LION, "B", "CC", 1, "69159", people],
    )
    carried = carry_epci(read_epci(path, 2018), 2026)
    assert carried.reportees.loc["69114", "regle"] == regle
    assert carried.communes["69114"] == chosen or (
        chosen is None and carried.communes.isna()["69114"]
    )


def test_a_part_without_epci_has_no_say(tmp_path):
    path = dgcl(tmp_path / "e.xlsx", ["49", LION, "Vallées", "CC", 1, "49321", 400])
    carried = carry_epci(read_epci(path, 2023), 2026)
    assert carried.communes["49160"] == LION
    assert carried.reportees.loc["49160", "regle"] == REGLE_MEME


def test_nothing_to_carry(of_2023, tmp_path):
    epci = read_epci(
        dgcl(tmp_path / "e.xlsx", ["49", MAUGES, "CA Mauges", "CA", 1, "49126", 16800]), 2025
    )
    carried = carry_epci(epci, 2026)
    assert carried.note == ""
    assert carried.communes.equals(epci.communes)
    assert REGLE_MEME not in set(carried.reportees["regle"])


def test_the_frame(only, tmp_path):
    only(*OF_2026)
    path = dgcl(tmp_path / "e.xlsx", ["49", MAUGES, "CA Mauges", "CA", 1, "49126", 16800])
    table = frame(read_communes(COMMUNES), read_epci(path))
    assert list(table.columns) == [
        "nom", "code_epci", "nom_epci", "code_departement", "nom_departement", "code_region",
        "nom_region",
    ]  # fmt: skip
    assert table.loc["49126", ["code_epci", "nom_epci"]].to_list() == [MAUGES, "CA Mauges"]
    assert table.loc["29155", ["code_epci", "nom_epci"]].isna().all()


# --- populations -----------------------------------------------------------------------------


def test_arrondissements_make_their_city_and_spaces_are_no_digits():
    table = read_populations(FIXTURES / "populations_2019.csv", 2021)
    assert table.loc["69123"].to_dict() == {
        "population_municipale": 522000,
        "population_comptee_a_part": 5010,
        "population_totale": 527010,
    }
    assert not table.index.str.startswith("6938").any()
    assert table.loc["49069", "population_totale"] == 16100
    assert "97501" not in table.index  # Saint-Pierre-et-Miquelon is out of scope


def test_codes_in_two_pieces_and_one_commune_under_two_codes():
    table = read_populations(FIXTURES / "populations_2020.csv", 2022)
    assert set(table.index) == {"01001", "27058", "2A004", "97105"}
    assert table.loc["27058", "population_municipale"] == 1700  # once, though 27676 is there too


def test_two_codes_with_different_figures_are_refused(tmp_path):
    text = (FIXTURES / "populations_2020.csv").read_text(encoding="utf-8")
    (tmp_path / "p.csv").write_text(text.replace("676;Les Trois Lacs;1700", "676;X;1701"))
    with pytest.raises(LayoutError, match="sous deux codes, aux chiffres différents : 27058"):
        read_populations(tmp_path / "p.csv", 2022)


def test_mayotte_in_a_file_of_its_own():
    table = read_populations(FIXTURES / "populations_mayotte.csv", 2026)
    assert table["population_municipale"].to_dict() == {"97601": 5000, "97602": 14000}


def populations(tmp_path, *lines):
    path = tmp_path / "donnees_communes.csv"
    header = "REG;Région;DEP;CODARR;CODCAN;CODCOM;COM;Commune;PMUN;PCAP;PTOT"
    path.write_text("\ufeff" + "\r\n".join([header, *lines]), encoding="utf-8")
    return path


def test_the_reader_joins_the_files_of_a_vintage(tmp_path):
    vintage = load_sources()["insee_populations"].millesimes[0]
    main = populations(
        tmp_path, "52;Pays de la Loire;49;2;  ;126;49126;Orée d'Anjou;16800;200;17000"
    )
    archive = zipped(
        tmp_path / "ensemble.zip",
        **{
            "donnees_communes.csv": main.read_bytes(),
            "metadonnees.csv": "x",
            "donnees_regions.csv": "y",
        },
    )
    paths = {
        "ensemble.zip": archive,
        "donnees_communes_mayotte.csv": FIXTURES / "populations_mayotte.csv",
    }
    table = geography.read("insee_populations", vintage, paths)
    assert list(table.values.index) == ["49126", "97601", "97602"]
    assert table.cog == 2025
    assert table.values.loc["49126", "population_totale"] == 17000
    del paths["donnees_communes_mayotte.csv"]
    table = geography.read("insee_populations", vintage, paths)
    assert list(table.values.index) == ["49126"]


def test_a_total_that_is_no_sum_is_refused(tmp_path):
    vintage = load_sources()["insee_populations"].millesimes[0]
    main = populations(tmp_path, "52;PdL;49;2;  ;126;49126;Orée d'Anjou;16800;200;27000")
    paths = dict.fromkeys([file.nom for file in vintage.fichiers], main)
    paths["donnees_communes_mayotte.csv"] = FIXTURES / "populations_mayotte.csv"
    with pytest.raises(LayoutError, match="devrait valoir population_totale"):
        geography.read("insee_populations", vintage, paths)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "52;PdL;49;2;;126;49126;Orée d'Anjou;secret;1;2",
            "ni nombre ni marque connue : « secret »",
        ),
        ("52;PdL;49;2;;069;49069;Orée d'Anjou;1;1;2", None),  # a code of before: its own, renamed
        ("11;IdF;75;1;;101;75101;Paris 1er;1;1;2", "absent.s. de 75056 : 75102, .* et 14 autre"),
        ("52;PdL;49;2;;999;49999;Nulle part;1;1;2", "géographie 2026 : 49999"),
    ],
)
def test_populations_refused_or_renamed(tmp_path, line, found):
    path = populations(tmp_path, line)
    if found is None:
        assert list(read_populations(path).index) == ["49126"]
        return
    with pytest.raises(FragiliteError, match=found):
        read_populations(path)
