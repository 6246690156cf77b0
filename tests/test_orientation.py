"""Which places can receive a person: hand-made places around three communes, then real lists."""

import json
import re
from dataclasses import replace

import pytest

from fragilite.centres import HALL, INSIDE, centres
from fragilite.errors import FragiliteError, UsageError
from fragilite.french import fold
from fragilite.orientation import (
    departements_around,
    expressible,
    is_old,
    need_named,
    orient,
    origin,
    public_named,
    publics_named,
    render,
    vocabulary,
)
from fragilite.places.mapping import OWN
from fragilite.places.merging import merge, read_objections
from fragilite.places.reading import read
from fragilite.places.schema import Origine, Places, Remarque, schema, table, together

#: A hundredth of a degree of latitude, by road: 1.112 km × 1.3.
STEP = 0.01
DAY = "2026-03-12"
LIST = Origine(OWN, "Liste d'essai", "Nous", "commune", "essai", "2026-01-01", "l.csv", 1)


@pytest.fixture(scope="module")
def towns(built):
    return {name: origin(name, built.inputs) for name in ("Montsoreau", "Segré", "La Pellerine")}


@pytest.fixture
def ask(built, towns):
    """Orient from a commune among some places, each so many steps north of it."""

    def _ask(name, besoin, public, *places, objections=None, most=5, remarques=()):
        town = towns[name]
        rows = [
            {
                "id": f"l:{place['nom']}", "source": OWN, "etat": "ouvert", "accueil": "oui",
                "localisation": "lieu", "services": "demarches", "publics": "tous",
                "date_maj": "2026-01-02", "date_origine": "lieu", "longitude": town.point[0],
                "latitude": town.point[1] + STEP * place["pas"],
            } | {key: value for key, value in place.items() if key != "pas"}
            for place in places
        ]  # fmt: skip
        merged = merge(Places(table(rows), tuple(remarques)), (), objections)
        return orient(
            merged, [LIST], built.inputs, town, need_named(besoin), publics_named(public),
            jour=DAY, most=most,
        )  # fmt: skip

    return _ask


def place(nom, pas, **said):
    return {"nom": nom, "pas": pas, **said}


def names(places):
    return [one["nom"] for one in places]


# --- a senior who has papers to fill in, in Montsoreau -----------------------------------------


def test_nearest_first_by_road(ask):
    facts = ask(
        "Montsoreau", "démarches en ligne", "seniors",
        place("Loin", 13), place("Près", 1), place("Moyen", 5), place("Trop loin", 14),
    )  # fmt: skip
    assert names(facts["recoivent"]) == ["Près", "Moyen", "Loin"]
    assert [one["distance_km"] for one in facts["recoivent"]] == [1.4, 7.2, 18.8]
    assert facts["plus_proche_au_dela"] is None
    shown = ask("Montsoreau", "demarches", "", place("B", 2), place("A", 1), most=1)
    assert (names(shown["recoivent"]), shown["recoivent_nombre"]) == (["A"], 2)
    assert "2 lieux à moins de 20 km, le plus proche" in render(shown)


def test_who_receives_who_does_not_say_and_who_does_not(ask):
    facts = ask(
        "Montsoreau", "demarches", "seniors",
        place("Tout public", 1),
        place("Aînés", 2, publics="seniors"),
        place("Adultes", 3, publics="adultes|familles"),
        place("Jeunesse", 1, publics="jeunes"),
        place("Photo", 1, services="creation"),
        place("Public tu", 1, publics=""),
        place("Services tus", 2, services=""),
        place("Muet", 3, services="", publics=""),
        place("Muet pour jeunes", 1, services="", publics="jeunes"),
    )  # fmt: skip
    assert names(facts["recoivent"]) == ["Tout public", "Aînés", "Adultes"]
    assert all(not one["ne_dit_pas"] for one in facts["recoivent"])
    assert {one["nom"]: one["ne_dit_pas"] for one in facts["a_appeler"]} == {
        "Public tu": ["quels publics il reçoit"],
        "Services tus": ["ses services"],
        "Muet": ["ses services", "quels publics il reçoit"],
    }
    assert facts["ecartes"]["autres_publics"] == 2
    assert facts["ecartes"]["autres_services"] == 1
    text = render(facts)
    first, _, second = text.partition("À appeler d'abord : 3 lieux")
    assert "Aînés" in first
    assert "Muet" not in first
    assert "Ne dit pas ses services ni quels publics il reçoit." in second


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"etat": "ferme"}, "fermes"),
        ({"localisation": "siege"}, "sieges"),
        ({"localisation": "commune"}, "sieges"),
        ({"accueil": "non"}, "sans_public"),
        ({"acces": "pas_de_public"}, "sans_public"),
        ({"perimetre": "49007|49328"}, "autres_communes"),
        ({"etat": "ferme", "services": "", "publics": ""}, "fermes"),
    ],
)
def test_never_proposed(ask, change, reason):
    facts = ask("Montsoreau", "demarches", "seniors", place("Non", 0, **change), place("Oui", 9))
    assert names(facts["recoivent"]) == ["Oui"]
    assert facts["a_appeler"] == []
    assert facts["ecartes"] == dict.fromkeys(facts["ecartes"], 0) | {reason: 1}
    assert "Non," not in render(facts)


def test_what_comes_to_the_commune_counts_however_far_its_base(ask, towns):
    code = towns["Montsoreau"].code
    facts = ask(
        "Montsoreau", "demarches", "seniors",
        place("Voisin", 1),
        place("Bus", 40, itinerance="itinerant", perimetre=f"49007|{code}"),
        place("Fixe du secteur", 30, itinerance="fixe", perimetre=code),
    )  # fmt: skip
    assert names(facts["recoivent"]) == ["Bus", "Voisin"]
    text = render(facts)
    assert "1. Bus, passe à Montsoreau" in text
    assert "Itinérant : sert Angers et Montsoreau, dont celle-ci." in text


def test_conditions_cost_dates_and_objections_are_told(ask, tmp_path):
    (tmp_path / "o.csv").write_text(
        "id,role,date,objection\nl:Vieux,Commune,2026-02-01,Déménage en avril\n", encoding="utf-8"
    )
    facts = ask(
        "Montsoreau", "demarches", "seniors",
        place("Vieux", 1, date_maj="2024-03-11", frais="gratuit", acces="telephoner",
              conditions="Sur inscription.", demi_journees=6.0, aidants_connect="oui"),
        place("Récent", 2, date_maj="2024-03-12"),
        place("Sans date", 3, date_maj="", etat=""),
        objections=read_objections(tmp_path / "o.csv"),
    )  # fmt: skip
    assert [one["ancienne"] for one in facts["recoivent"]] == [True, False, True]
    text = " ".join(render(facts).split())
    for said in (
        "Coût : gratuit. Pour venir : téléphoner.",
        "Conditions : Sur inscription.",
        "Ouverture : 6 demi-journées par semaine.",
        "Habilité Aidants Connect",
        "Information du 11 mars 2024, plus de 2 ans : à vérifier avant d'y aller. Source : Liste "
        "d'essai.",
        "Information du 12 mars 2024. Source",
        "Information sans date. Ne dit pas s'il est toujours ouvert.",
        "Objection (commune, 1er février 2026) : Déménage en avril.",
        "Coût : non dit. Pour venir : non dit.",
    ):
        assert said in text, said


# --- a young person who looks for a job, in Segré ----------------------------------------------


def test_the_silence_of_a_list_is_not_a_no(ask):
    facts = ask(
        "Segré", "emploi", "jeunes, demandeur d'emploi",
        place("Mission locale", 2, source="cd49", services="demarches", publics="jeunes"),
        place("Agence", 1, source="cd49", services="acces", publics="demandeurs_emploi"),
        place("Médiathèque", 1, services="acces"),
        place("Atelier CV", 3, services="emploi", publics="demandeurs_emploi"),
        place("Club des aînés", 1, services="emploi", publics="seniors"),
    )  # fmt: skip
    assert facts["commune"]["demandee_comme"] == "Segré"
    assert names(facts["recoivent"]) == ["Atelier CV"]
    assert names(facts["a_appeler"]) == ["Agence", "Mission locale"]
    assert facts["a_appeler"][0]["ne_dit_pas"] == [
        "s'il répond à ce besoin (sa liste ne le demande pas)"
    ]
    assert facts["ecartes"]["autres_services"] == 1  # our own layout does ask
    assert facts["ecartes"]["autres_publics"] == 1
    assert "Segré est aujourd'hui dans cette commune : les distances" in render(facts)


def test_what_a_list_can_say():
    assert expressible("inconnue", "services") == set(schema().words("services"))
    assert expressible(OWN, "materiel") == {"pret", "reparation", "aucun"}
    assert "emploi" not in expressible("cd49", "services")
    assert expressible("conseillers_numeriques", "services") == set()


# --- someone without equipment, in a village without a place -----------------------------------


def test_nothing_near_is_said_with_the_nearest_beyond(ask):
    facts = ask(
        "La Pellerine", "sans ordinateur", "",
        place("Ressourcerie", 20, services="", materiel="pret|reparation"),
        place("Salle informatique", 30, services="acces"),
        place("Guichet", 1),
    )  # fmt: skip
    assert facts["recoivent"] == []
    assert facts["plus_proche_au_dela"]["nom"] == "Ressourcerie"
    assert facts["plus_proche_au_dela"]["repond_par"] == [
        "Prêt de matériel", "Réparation de matériel",
    ]  # fmt: skip
    text = " ".join(render(facts).split())
    assert "Aucun lieu connu à moins de 20 km" in text
    assert "1. Ressourcerie, 28,9 km" in text
    assert "Répond par : prêt de matériel et réparation de matériel." in text


def test_the_date_is_that_of_what_decides(ask):
    site = "https://exemple.fr/" + "a" * 120
    facts = ask(
        "Montsoreau", "demarches", "",
        place("Maison des Trois Ponts", 1, adresse="2 rue du Port", source="a", services="",
              publics="", site_web=site),
        place("Espace Trois Ponts", 1, adresse="2 rue du Port", source="b", id="b:1",
              date_maj="2020-05-06", date_origine="liste"),
    )  # fmt: skip
    (one,) = facts["recoivent"]
    assert (one["date_maj"], one["date_origine"], one["ancienne"]) == ("2020-05-06", "liste", True)
    assert f"     Site : {site}" in render(facts).splitlines()


def test_aidants_connect_may_be_said_as_a_programme(ask):
    facts = ask(
        "Montsoreau", "demarches", "",
        place("Label", 1, dispositifs="aidants_connect|pix"),
        place("Refus", 2, aidants_connect="non", dispositifs="aidants_connect"),
        place("Rien", 3),
    )  # fmt: skip
    assert [one["aidants_connect"] for one in facts["recoivent"]] == ["oui", "non", ""]


def test_nothing_anywhere_is_never_a_no(ask):
    text = " ".join(render(ask("La Pellerine", "création", "", place("Guichet", 1))).split())
    assert "Aucun lieu des listes lues ne cite ce besoin" in text
    assert "Cela ne dit pas que personne n'y répond." in text
    far = render(ask("La Pellerine", "demarches", "jeunes", place("Aînés", 1, publics="seniors")))
    assert "Les listes lues n'en connaissent pas plus loin." in far
    assert ask("La Pellerine", "demarches", "")["lieux_lus"] == 0


def test_a_place_without_a_point_is_where_its_commune_is(ask, towns):
    away = {"longitude": float("nan"), "latitude": float("nan")}
    code = towns["La Pellerine"].code
    facts = ask(
        "La Pellerine", "demarches", "",
        place("Mairie", 0, code_insee=code, **away), place("Nulle part", 0, **away),
    )  # fmt: skip
    assert names(facts["recoivent"]) == ["Mairie"]
    assert facts["recoivent"][0]["distance_km"] == 0
    assert facts["sans_point"] == 1
    text = render(facts)
    assert "Mairie, 0,0 km (distance de sa commune)" in text
    assert "1 lieu sans point ni commune connue" in text


# --- words and bad inputs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("demarches", "demarches"), ("Démarches en ligne", "demarches"), ("PAPIERS", "demarches"),
        ("premiers pas", "premiers_pas"), ("sécurité", "securite"), ("parents", "parentalite"),
        ("recherche d'emploi", "emploi"), ("matériel", "equipement"), ("création", "creation"),
    ],
)  # fmt: skip
def test_needs_as_people_write_them(written, code):
    assert need_named(written) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [("Séniors", "seniors"), ("retraité", "seniors"), ("jeune", "jeunes"), ("RSA", "precarite"),
     ("demandeurs_emploi", "demandeurs_emploi"), ("tout le monde", "tout_public")],
)  # fmt: skip
def test_publics_as_people_write_them(written, code):
    assert public_named(written) == code


def test_unknown_words_are_answered_by_the_nearest():
    with pytest.raises(UsageError, match=r"« demarchs » inconnu\. Vouliez-vous dire demarches"):
        need_named("demarchs")
    with pytest.raises(UsageError, match="Vouliez-vous dire seniors"):
        public_named("senyors")
    with pytest.raises(UsageError, match="Besoins : premiers_pas, demarches"):
        need_named("zzz")


def test_no_word_means_two_things():
    for records in (vocabulary().besoins, vocabulary().publics):
        each = [{fold(word) for word in (one.libelle, *one.alias)} for one in records.values()]
        words = [word for found in each for word in found]
        assert len(words) == len(set(words))


def test_every_need_of_the_roadmap_is_declared():
    assert list(vocabulary().besoins) == [
        "premiers_pas", "demarches", "equipement", "parentalite", "emploi", "securite", "creation",
    ]  # fmt: skip
    answered = {word for need in vocabulary().besoins.values() for word in need.services}
    assert answered == set(schema().words("services"))
    assert all("tous" in public.publics for public in vocabulary().publics.values())


def test_communes(built):
    assert origin("49069", built.inputs).code == "49126"
    for text, told in (
        ("Saint", "plusieurs communes"), ("Xyzabc", "Commune inconnue"), ("49999", "--commune NOM"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told):
            origin(text, built.inputs)


def test_distances_are_from_the_town_hall_where_it_is_checked(built, ask):
    """Tuffalun's is published outside of the commune."""
    found = centres(built.inputs)
    for name, kind in (("Montsoreau", HALL), ("Tuffalun", INSIDE)):
        town = origin(name, built.inputs)
        assert town.centre == kind
        assert town.point == tuple(found.loc[town.code, ["longitude", "latitude"]])
    assert "depuis la mairie de la commune" in render(ask("Montsoreau", "demarches", ""))
    segre = " ".join(render(ask("Segré", "demarches", "")).split())
    assert "les distances partent de la mairie de l'ensemble" in segre


def test_without_a_town_hall_nor_an_outline_no_distance(built):
    from odd_builds import no_outlines

    towns = built.inputs.communes.rename(index={"49007": "48007"})
    towns.loc["48007", "code_departement"] = "48"
    lost = replace(built.inputs, communes=towns, outlines=no_outlines)
    assert origin("Montsoreau", lost).centre == HALL
    with pytest.raises(FragiliteError, match="aucune distance possible"):
        origin("Angers", lost)


def test_départements_nearby(towns):
    assert {"49", "37", "86", "79"} <= set(departements_around(towns["Montsoreau"].point))
    assert departements_around((55.5, -21.1)) == ["974"]


def test_age_of_an_information():
    assert not is_old("2024-02-29", "2026-02-28")
    assert is_old("2024-02-28", "2026-03-01")


# --- command line ------------------------------------------------------------------------------

CSV = (
    "Nom du lieu;Qui renseigne;Type de lieu;Services;Publics reçus;Conditions d'accès;Code postal;"
    "Commune;Date de l'information;Téléphone\n"
    "Maison des pas;Commune;Espace public numérique;Aide aux démarches administratives;Tout public;"
    "Appeler le 02 41 00 00 00;49730;Montsoreau;2026-01-02;0241000000\n"
)


@pytest.fixture
def local(tmp_path):
    (tmp_path / "lieux.csv").write_text(CSV, encoding="utf-8")
    return tmp_path / "lieux.csv"


def test_the_command(run, local):
    code, out, err = run(
        "orient", "--commune", "Montsoreau", "--besoin", "demarches", "--public", "seniors",
        "--places", local, "--date", DAY, env={"COLUMNS": "100"},
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert "Maison des pas — Espace public numérique, 0,0 km (distance de sa commune)" in out
    assert "Appeler le (contact retiré)." in out
    assert "rien n'en est" in out
    assert max(map(len, out.splitlines())) <= 100
    code, out, _ = run(
        "orient", "--commune", "49219", "--besoin", "demarches", "--places", local, "--json"
    )
    facts = json.loads(out)
    assert facts["recoivent"][0]["nom"] == "Maison des pas"
    assert not re.search(r"0241000000|02 41 00", out)


def test_without_a_list_one_line_says_how_to_have_one(run):
    code, out, err = run("orient", "--commune", "49219", "--besoin", "demarches")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "--places LISTE.csv" in err
    assert "fragilite places template" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--besoin", "demarches"), "--commune"),
        (("--commune", "49219"), "--besoin"),
        (("--commune", "49219", "--besoin", "xx"), "« xx » inconnu"),
        (("--commune", "49219", "--besoin", "caf", "--date", "hier"), "n'est pas une date"),
        (("--commune", "49219", "--besoin", "caf", "--places", "rien.csv"), "introuvable"),
        (("--commune", "49219", "--besoin", "caf", "--max", "0", "--places", "lieux.csv"), "--max"),
    ],
)
def test_bad_inputs(run, local, arguments, told):
    code, out, err = run("orient", *arguments)
    assert (code, out) == (2, "")
    assert told in err
    assert len(err.splitlines()) == 1


# --- the real lists ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def maine_et_loire(shared_data):
    lists = together(
        read(shared_data / name, departements=["49"])
        for name in (
            "extracts_49/lieux_mednum_cd49_2020_2023.csv",
            "extracts_49/lieux_guide_angers_2022.csv",
            "extracts_49/lieux_hub_conumm_pays_de_la_loire_2020.csv",
            "extracts_49/conseillers_numeriques_structures_2023_france.csv",
            "publisher/anct_france_services/liste-fs-20240801.csv",
        )
    )
    return lists, merge(lists)


@pytest.mark.parametrize(
    ("commune", "besoin", "publics", "receive", "first"),
    [
        ("Montsoreau", "demarches", "seniors", True, "Mairie de Turquant"),
        ("Segré", "emploi", "jeunes,demandeurs_emploi", False, None),
        ("La Pellerine", "equipement", "", True, "Bibliothèque de Vernantes - Cyberpoint"),
    ],
)
def test_three_people_of_maine_et_loire(
    built, towns, maine_et_loire, commune, besoin, publics, receive, first, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "100")
    lists, merged = maine_et_loire
    facts = orient(
        merged, lists.origines, built.inputs, towns[commune], besoin, publics_named(publics),
        jour="2026-11-01", most=400,
    )  # fmt: skip
    assert bool(facts["recoivent"]) == receive
    if receive:
        assert facts["recoivent"][0]["nom"] == first
    proposed = [*facts["recoivent"], *facts["a_appeler"]]
    rows = merged.lieux.set_index("id").loc[[one["id"] for one in proposed]]
    assert not (rows["etat"] == "ferme").any()
    assert (rows["localisation"] == "lieu").all()
    assert not (rows["accueil"] == "non").any()
    distances = [one["distance_km"] for one in facts["recoivent"]]
    assert distances == sorted(distances)
    assert max([0, *distances]) <= 20
    text = render(facts)
    assert max(len(line) for line in text.splitlines() if "Site : " not in line) <= 100
    assert not re.search(r"\b0\d(?: ?\d\d){4}\b|\w@\w", text)


def test_the_mission_locale_of_segre_is_to_be_called(built, towns, maine_et_loire):
    lists, merged = maine_et_loire
    facts = orient(
        merged, lists.origines, built.inputs, towns["Segré"], "emploi",
        publics_named("jeunes,demandeurs_emploi"), jour="2026-11-01", most=6,
    )  # fmt: skip
    assert "Mission locale du Pays Segréen" in names(facts["a_appeler"])


def test_remarks_are_counted_and_given(ask):
    remark = Remarque("l.csv", 3, "code commune inconnu")
    facts = ask("Montsoreau", "demarches", "", place("A", 1), remarques=[remark])
    assert facts["remarques"] == ["l.csv, ligne 3 : code commune inconnu"]
    assert "1 remarque sur les listes" in render(facts)


def test_the_same_question_gives_the_same_answer(ask):
    places = [place("A", 1), place("B", 1), place("C", 2, publics="")]
    assert ask("Montsoreau", "demarches", "", *places) == ask(
        "Montsoreau", "demarches", "", *reversed(places)
    )
