"""Lists of places: each layout read, every repair told, no contact kept."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite.cog import LAST_YEAR, codes_of, departements
from fragilite.errors import UsageError
from fragilite.places.checking import write_template
from fragilite.places.cleaning import parse_date, without_contact
from fragilite.places.communes import Communes, find_code, read_code
from fragilite.places.hours import half_days, osm_hours
from fragilite.places.mapping import OWN as OWN_CODE
from fragilite.places.mapping import declaration, load_mapping, mappings
from fragilite.places.points import bounds, departements_near, locate
from fragilite.places.reading import read, read_lists
from fragilite.places.schema import schema, split, together

LISTS = "tests/fixtures/places"


@pytest.fixture
def place(request):
    """The row of a fixture, by list and identifier."""

    def _place(name, identifier):
        found = read(request.config.rootpath / LISTS / f"{name}.csv")
        return found.lieux.set_index("id").loc[identifier].to_dict(), list(
            map(str, found.remarques)
        )

    return _place


@pytest.fixture
def written(tmp_path):
    """Read a list written for the test."""

    def _written(text, **options):
        path = tmp_path / "liste.csv"
        path.write_text(text, encoding="utf-8")
        return read(path, **options)

    return _written


OWN = "Nom du lieu;Qui renseigne;Type de lieu;Code postal;Commune;Date de l'information"


# --- layouts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "count"),
    [
        ("cd49", "cd49", 4),
        ("france_services", "france_services", 3),
        ("mednum", "mednum", 2),
        ("hub_conumm", "hub_conumm", 2),
        ("guide_angers", "guide_angers", 1),
        ("conseillers", "conseillers_numeriques", 2),
        ("bpe", "bpe", 5),
    ],
)
def test_each_layout_is_recognised_by_its_columns(pytestconfig, name, code, count):
    found = read(pytestconfig.rootpath / LISTS / f"{name}.csv")
    assert [origin.code for origin in found.origines] == [code]
    assert len(found.lieux) == found.origines[0].lieux == count
    assert list(found.lieux) == list(schema().colonnes)
    assert found.lieux["id"].is_unique
    assert found.lieux["id"].str.startswith(f"{code}:").all()


def test_words_of_every_list_are_words_of_the_schema(pytestconfig):
    names = ["cd49", "france_services", "mednum", "hub_conumm", "guide_angers", "conseillers"]
    lieux = together(read(pytestconfig.rootpath / LISTS / f"{name}.csv") for name in names).lieux
    for name in schema().colonnes:
        if schema().colonnes[name].liste:
            assert {word for cell in lieux[name] for word in split(cell)} <= schema().words(
                name
            ).keys()


def test_the_national_list_keeps_what_it_tells(place):
    found, remarks = place("mednum", "mednum:a-1")
    assert found["type"] == "bibliotheque"  # before the association that runs it
    assert (found["services"], found["publics"]) == ("acces|demarches", "seniors")
    assert (found["aidants_connect"], found["nature_postes"]) == ("oui", "conseiller_numerique")
    assert (found["demi_journees"], found["code_insee"]) == (11, "49328")
    assert (found["date_maj"], found["date_origine"]) == ("2026-03-01", "lieu")
    assert any("« Danse » (services)" in remark for remark in remarks)


def test_a_list_of_figures_makes_a_row_a_facility(place):
    found, remarks = place("bpe", "bpe:49069:A208:1")
    assert (found["code_insee"], found["localisation"]) == ("49126", "commune")
    assert any("ligne 3" in remark and "fusionnée" in remark for remark in remarks)


def test_the_seat_of_an_employer_is_not_a_place_of_service(place):
    found, _ = place("conseillers", "conseillers_numeriques:40242135800019")
    assert (found["localisation"], found["etp"], found["type"]) == ("siege", 2, "centre_social")


def test_hours_make_half_days(place):
    found, _ = place("france_services", "france_services:901")
    assert found["horaires"] == "Mo 09:00-12:00,14:00-17:00; Tu 09:00-12:00; Th 09:00-12:00"
    assert found["demi_journees"] == 4


# --- contacts --------------------------------------------------------------------------------


def test_contacts_are_dropped_and_counted(pytestconfig):
    for name in ("france_services", "mednum", "hub_conumm"):
        found = read(pytestconfig.rootpath / LISTS / f"{name}.csv")
        text = found.lieux.to_csv().lower()
        assert "exemple.fr" not in text
        assert "41.00" not in text
    assert "Cyb'@njou" in set(found.lieux["nom"])  # a name, not an address
    services = read(pytestconfig.rootpath / LISTS / "france_services.csv")
    assert "mail (2 cellules) et telephone (1 cellule)" in str(services.remarques[0])
    assert any("ligne 2 : téléphone ou courriel" in str(one) for one in services.remarques)


def test_columns_about_people_in_a_local_list_are_told_and_left(written):
    found = written(
        f"{OWN};Nom du référent;Remarque\nÉcole;Commune;Autre;49400;Saumur;2026-01-02;Jo Lu;vu\n"
    )
    assert "Jo Lu" not in found.lieux.to_csv()
    told = " ".join(map(str, found.remarques))
    assert "jamais gardées : Nom du référent (1 cellule)" in told
    assert "colonnes non lues : Remarque" in told


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Tél. 02 41 00 00 00", 1),
        ("+33241000000 et 0033 2 41 00 00 00", 2),
        ("02/41/00/00/00", 1),
        ("prenom.nom@ville-exemple.fr", 1),
        ("mailto:a@b.fr", 1),
        ("Net'entr@ide, 12 rue du 8 mai 1945, 49000", 0),
        ("SIRET 21490015100017, ouvert en 2024", 0),
        ("475198,121680863", 0),
    ],
)
def test_contacts_in_a_text(text, count):
    cleaned, found = without_contact(text)
    assert found == count
    assert cleaned.count("(contact retiré)") == count


# --- bad input -------------------------------------------------------------------------------


def test_bad_rows_are_told_by_their_line(place):
    found, remarks = place("cd49", "cd49:LMN903")
    told = " ".join(remarks)
    assert "ligne 4 : latitude et longitude interverties" in told  # here, easting and northing
    assert (found["longitude"], found["latitude"]) == (-0.965014, 47.567028)
    assert "ligne 4 : date de l'information « 09/0102023 » illisible" in told
    assert (found["date_maj"], found["date_origine"]) == ("2023-01-09", "liste")
    assert "ligne 5 : pas de nom de lieu" in told
    assert "ligne 3 : code postal « 4900 »" in told
    assert "ligne 6 : coordonnées (652\u202f000 ; 6\u202f862\u202f000) hors du" in told
    assert found["code_insee"] == "49183"  # a delegated commune, in the commune of today


def test_a_closed_place_stays_and_is_marked(place):
    found, remarks = place("cd49", "cd49:LMN902")
    assert (found["etat"], found["accueil"]) == ("ferme", "non")
    assert any("1 lieu fermé reste dans la liste" in remark for remark in remarks)


def test_a_point_out_of_the_departement_is_not_kept(place):
    found, _ = place("cd49", "cd49:LMN905")
    assert found["longitude"] != found["longitude"]  # Paris, for a place in Cholet
    assert found["code_insee"] == "49099"


def test_zeros_that_a_spreadsheet_ate_and_markup(place):
    found, remarks = place("france_services", "france_services:903")
    assert (found["code_insee"], found["code_postal"]) == ("01033", "01200")
    assert found["adresse"] == "1 Rue du Lac"
    assert sum("ligne 4" in remark for remark in remarks) == 3


def test_a_date_after_the_list_is_a_slip(place):
    found, remarks = place("hub_conumm", "hub_conumm:conum_2")
    assert (found["date_maj"], found["date_origine"]) == ("2020-12-06", "liste")
    assert any("ligne 3 : date postérieure" in remark for remark in remarks)
    assert any("départements différents" in remark for remark in remarks)


def test_only_the_rows_asked_for_are_kept_and_told(pytestconfig):
    found = read(pytestconfig.rootpath / LISTS / "france_services.csv", departements=["49"])
    assert list(found.lieux["id"]) == ["france_services:901", "france_services:902"]
    assert not any("ligne 4" in str(remark) for remark in found.remarques)


def test_numbers_out_of_bounds_are_left_unknown(written):
    found = written(
        f"{OWN};Équivalents temps plein;Demi-journées d'ouverture par semaine\n"
        "A;Commune;Autre;49400;Saumur;2026-01-02;0,5;15\n"
        "B;Commune;Autre;49400;Saumur;2026-01-02;beaucoup;6\n"
    )
    assert found.lieux["etp"].tolist()[0] == 0.5
    assert found.lieux["etp"].isna().tolist() == [False, True]
    assert found.lieux["demi_journees"].isna().tolist() == [True, False]
    told = " ".join(map(str, found.remarques))
    assert "ligne 2 : Demi-journées d'ouverture par semaine « 15 »" in told
    assert "ligne 3 : Équivalents temps plein « beaucoup »" in told


def test_an_identifier_met_twice_is_told_apart(written):
    found = written(f"Identifiant;{OWN}\n" + "x;A;Commune;Autre;49400;Saumur;2026-01-02\n" * 2)
    assert list(found.lieux["id"]) == ["modele:x", "modele:x-2"]
    assert any("ligne 3 : identifiant" in str(remark) for remark in found.remarques)


def test_a_table_that_the_program_wrote_is_read_back_the_same(pytestconfig, tmp_path):
    from fragilite.places.export import places_csv

    first = read(pytestconfig.rootpath / LISTS / "france_services.csv").lieux
    path = tmp_path / "lieux.csv"
    path.write_text(places_csv(first), encoding="utf-8")
    again = read(path).lieux
    assert again.drop(columns="date_origine").equals(first.drop(columns="date_origine"))


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.sampled_from(
    ["49007", "1033", "47,2", "-0.5", "<b>", "&amp;", "oui", "a|b", "2026-13-45", "1e400", "…"]
)


@given(st.lists(st.lists(CELL, min_size=37, max_size=37), max_size=4))
def test_no_cell_stops_the_reading(tmp_path_factory, lines):
    columns = list(schema().colonnes)
    path = tmp_path_factory.mktemp("cellules") / "liste.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerows([columns, *(line[: len(columns)] for line in lines)])
    found = read(path).lieux
    assert found["id"].is_unique
    assert found["longitude"].notna().tolist() == found["latitude"].notna().tolist()
    assert found["code_insee"].isin({"", *codes_of(LAST_YEAR)}).all()


def test_a_filled_template_is_read_from_its_workbook(tmp_path):
    import openpyxl

    path = tmp_path / "lieux.xlsx"
    write_template(path)
    book = openpyxl.load_workbook(path)
    book["Lieux"]["B2"] = "Médiathèque du Lys"
    book.save(path)
    found = read(path)
    assert found.lieux["nom"].tolist() == ["Médiathèque du Lys"]
    assert found.lieux["code_postal"].tolist() == ["49220"]
    assert [str(one) for one in found.remarques] == []


# --- communes --------------------------------------------------------------------------------

NAMES = Communes(
    {"49007": "Angers", "49176": "Le Lion-d'Angers", "49183": "Val d'Erdre-Auxence",
     "49244": "Mauges-sur-Loire", "44180": "Vallons-de-l'Erdre"},
    (("Saint-Laurent", "49996", "49244"), ("Saint-Laurent", "49997", "49176"),
     ("Bonnœuvre", "44017", "44180")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "postal", "code"),
    [
        ("ANGERS CEDEX 09", "49000", "49007"),
        ("Mauges sur Loire", "49290", "49244"),
        ("Val d'Erdre-Auxence (La Cornuaille)", "49440", "49183"),
        ("Bonnoeuvre", "44540", "44180"),
        ("Bonnoeuvre", "49440", ""),  # not in that département
        ("Saint Laurent", "49290", ""),  # two communes: never guessed
        ("", "49000", ""),
    ],
)
def test_a_missing_code_is_found_or_told(name, postal, code):
    assert find_code(name, postal, NAMES).code == code


def test_an_ambiguity_names_what_it_may_mean():
    told = find_code("Saint-Laurent", "49290", NAMES).texte
    assert "Le Lion-d'Angers (49176) et Mauges-sur-Loire (49244)" in told


def test_a_département_without_names_is_said():
    assert "35 ne sont pas à portée" in find_code("Rennes", "35000", NAMES).texte


@pytest.mark.parametrize(
    ("text", "postal", "code", "genre"),
    [
        ("49007", "", "49007", ""),
        ("49007.0", "", "49007", ""),
        ("1033", "1200", "01033", "zero_code"),
        ("1033", "49000", "", "code_illisible"),
        ("4.9E+04", "", "", "code_illisible"),
        ("49069", "", "49126", "change"),
        ("75101", "", "75056", "arrondissement"),
        ("49999", "", "", "code_inconnu"),
        ("49996", "", "49244", "change"),
    ],
)
def test_codes_are_read_and_carried_to_today(text, postal, code, genre):
    found = read_code(text, postal, NAMES)
    assert (found.code, found.genre) == (code, genre)


# --- points ----------------------------------------------------------------------------------


@given(st.data())
def test_any_swapped_point_is_put_right(data):
    code = data.draw(st.sampled_from(sorted(departements())))
    west, south, east, north = bounds()[code]
    x, y = data.draw(st.floats(west, east)), data.draw(st.floats(south, north))
    right = locate(str(x), str(y), 4326, [code])
    turned = locate(str(y), str(x), 4326, [code])
    assert (right.longitude, right.latitude) == (turned.longitude, turned.latitude)
    assert (right.longitude, right.latitude) == (round(x, 6), round(y, 6))
    assert not right.texte
    assert "interverties" in turned.texte


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("declared", [4326, 2154])
def test_lambert_93_in_text_with_decimal_commas(order, declared):
    pair = ("432 893,4", "6713860,25")[::order]
    found = locate(*pair, declared, ["49"])
    assert (found.longitude, found.latitude) == pytest.approx((-0.548, 47.471), abs=2e-3)
    assert ("interverties" in found.texte) == (order == -1)
    assert ("EPSG:2154" in found.texte) == (declared == 4326)


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        ("2,35", "48,85", "hors du territoire attendu (Maine-et-Loire)"),
        ("abc", "47,4", "illisibles"),
        ("-0,5", "", "illisibles"),
        ("0", "0", "hors du"),
        ("", "", ""),
    ],
)
def test_points_that_are_not_kept(x, y, told):
    found = locate(x, y, 4326, ["49"])
    assert found.longitude is None and found.latitude is None
    assert told in found.texte


def test_bounds_hold_every_departement():
    assert set(bounds()) == set(departements())
    assert all(west < east and south < north for west, south, east, north in bounds().values())


# --- hours and dates -------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["", "09:00 - 12:00", "14h - 17h30", "9:00-12:00 / 14:00-18:00"]),
                max_size=7))  # fmt: skip
def test_half_days_of_written_hours_are_those_of_the_days(days):
    expected = sum({"": 0, "9:00-12:00 / 14:00-18:00": 2}.get(day, 1) for day in days)
    found = half_days(osm_hours(days))
    assert found == (expected or None)


def test_hours_that_are_not_understood_are_not_counted():
    assert half_days("Mo-Fr 09:00-12:00; PH off") is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2022-09-26 19:00:45", "2022-09-26"),
        ("26/9/22", "2022-09-26"),
        ("31/02/2022", ""),
        ("43953", "2020-05-02"),
        ("2022", ""),
        ("", ""),
    ],
)
def test_dates(text, day):
    assert parse_date(text) == day


# --- mappings --------------------------------------------------------------------------------


def test_an_unknown_list_is_refused_with_what_is_near(written):
    with pytest.raises(UsageError) as stop:
        written("ID_LieuMed,NOM_STRUCTURE,SS CATEG,AFFICHAGE\n1,a,b,c\n")
    assert "SS_CAT (nom proche : SS CATEG)" in stop.value.message
    assert "--mapping" in stop.value.remedy
    with pytest.raises(UsageError, match="Colonnes : a et b"):
        written("a;b\n1;2\n")


DECLARED = """
[liste]
code = "local"
titre = "Liste locale"
producteur = "Une ville"
licence = "Licence Ouverte 2.0"
date = "2026-01-01"
reconnu_a = ["Lieu"]
[champs]
nom = "Lieu"
code_insee = "INSEE"
[[mots.type]]
colonne = "Genre"
valeurs = { "Médiathèque" = "bibliotheque" }
"""


def test_a_mapping_of_ones_own(written, tmp_path):
    path = tmp_path / "local.toml"
    path.write_text(DECLARED, encoding="utf-8")
    found = written("Lieu;INSEE;Genre\nA;49007;MEDIATHEQUE\nB;49007;Cave\n", mapping=path)
    assert found.lieux["type"].tolist() == ["bibliotheque", ""]
    assert found.lieux["date_maj"].tolist() == ["2026-01-01"] * 2
    assert written("Lieu;INSEE;Genre\nA;49007;x\n", mapping=path, date="2026-02-03").lieux[
        "date_maj"
    ].tolist() == ["2026-02-03"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("nom =", "nomm ="), "champ inconnu : nomm (nom ?)"),
        (('"bibliotheque"', '"cave"'), "cave hors des mots admis"),
        (('"Genre"', '"Genre'), "TOML mal formé"),
        (('titre = "Liste locale"', ""), "liste.titre"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(tmp_path, change, told):
    path = tmp_path / "local.toml"
    path.write_text(DECLARED.replace(*change), encoding="utf-8")
    with pytest.raises(UsageError) as stop:
        load_mapping(path)
    assert told in stop.value.message
    assert "local.toml" in stop.value.message


def test_public_libraries_as_their_page_describes_them(written):
    """An invented row: no real file of this list was at hand, and each reading says so."""
    head = "code_bib;nom_de_l_etablissement;type_adresse;adresse;cp;ville;code_insee_commune;"
    head += "telephone;latitude;longitude;amplitude_horaire"
    found = written(
        f"{head}\n12;Médiathèque;Bâtiment ouvert;1 rue A;49400;Saumur;49328;0241;47.26;-0.08;20"
        "\n13;Annexe;Dépôt;;49400;Saumur;49328;;;;3\n",
        date="2024-01-01",
    )
    assert [one.code for one in found.origines] == ["bibliotheques"]
    library, annex = found.lieux.to_dict("records")
    assert (library["id"], library["type"], library["etat"]) == (
        "bibliotheques:12", "bibliotheque", "ouvert",
    )  # fmt: skip
    assert (library["services"], library["demi_journees"] != library["demi_journees"]) == ("", True)
    assert (annex["etat"], annex["longitude"] != annex["longitude"]) == ("", True)
    told = " ".join(map(str, found.remarques))
    assert "jamais lues sur un vrai fichier" in told
    assert "telephone (1 cellule)" in told
    assert "« Dépôt » (type_adresse) n'est pas un mot connu" in told


def test_libraries_of_the_bpe_are_those_of_another_file(written):
    found = written("CODGEO;NB_F303;NB_F307\n49328;1;2\n")
    assert found.lieux["type"].tolist() == ["bibliotheque"] * 2
    assert set(found.lieux["localisation"]) == {"commune"}


LOCAL = """
[liste]
code = "{code}"
titre = "Liste {code}"
producteur = "Nous"
licence = "à préciser"
reconnu_a = ["Lieu", "{column}"]

[champs]
nom = "Lieu"
code_insee = "{column}"
"""


def test_each_list_takes_the_mapping_whose_columns_it_has(tmp_path, request):
    """Two mappings and three lists, in any order: the third is recognised."""
    for code, column in (("a", "INSEE"), ("b", "Code")):
        (tmp_path / f"{code}.toml").write_text(LOCAL.format(code=code, column=column))
        (tmp_path / f"{code}.csv").write_text(f"Lieu;{column}\nChez {code};49007\n")
    delivered = request.config.rootpath / LISTS / "cd49.csv"
    lists = [tmp_path / "b.csv", delivered, tmp_path / "a.csv"]
    own = [tmp_path / "a.toml", tmp_path / "b.toml"]
    found = read_lists(lists, own)
    assert [one.code for one in found.origines] == ["b", "cd49", "a"]
    assert {"Chez a", "Chez b"} < set(found.lieux["nom"])
    with pytest.raises(UsageError, match=r"b\.csv n'a pas les colonnes de « Liste a » : il manque "
                                         r"INSEE, et aucune autre liste ne s'y prête"):  # fmt: skip
        read_lists(lists[:2], own)
    with pytest.raises(UsageError, match=r"colonnes de « Liste a » : il manque INSEE\."):
        read(tmp_path / "b.csv", tmp_path / "a.toml")
    wide = LOCAL.format(code="c", column="INSEE") + 'adresse = "Code"\n'
    (tmp_path / "c.toml").write_text(wide)
    (tmp_path / "a.csv").write_text("Lieu;INSEE;Code\nChez a;49007;2 rue\n")
    with pytest.raises(UsageError, match="a plus de colonnes d'une autre correspondance que de"):
        read_lists([tmp_path / "a.csv"], [tmp_path / "a.toml", tmp_path / "c.toml"])


def test_every_mapping_says_its_source_and_licence_and_is_shown_by_its_code():
    for code, mapping in mappings().items():
        assert mapping.liste.licence, code
        assert mapping.liste.producteur, code
        if code != OWN_CODE:
            assert f'code = "{code}"' in declaration(code)
    with pytest.raises(UsageError, match="celles du schéma"):
        declaration(OWN_CODE)


# --- real lists ------------------------------------------------------------------------------


def test_the_lists_of_maine_et_loire(shared_data):
    cd49 = read(shared_data / "extracts_49/lieux_mednum_cd49_2020_2023.csv")
    assert len(cd49.lieux) == 240  # 243 rows, three of which lost their name
    assert (cd49.lieux["code_insee"] != "").all()
    assert cd49.lieux["longitude"].notna().all()
    assert (cd49.lieux["etat"] == "ferme").sum() == 18
    folder = shared_data / "publisher/anct_france_services"
    services = read(folder / "liste-fs-20240801.csv", departements=["49"])
    assert len(services.lieux) == 28
    assert services.lieux["demi_journees"].between(1, 14).all()
    assert "49126" in set(services.lieux["code_insee"])


def test_départements_near_some_points():
    assert departements_near([], 20) == []
    assert departements_near([(55.5, -21.1)], 500) == ["974"]
    far = departements_near([(-0.55, 47.47)], 100)
    assert {"49", "44", "53", "72", "85", "79"} <= set(far)
    assert set(departements_near([(-0.55, 47.47)], 20)) < set(far)
