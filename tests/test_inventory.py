"""The inventory: what is known of who helps, and « inconnu » never taken for « aucune »."""

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise

import odd_builds
import pandas as pd
import pytest

from fragilite.errors import FragiliteError, UsageError
from fragilite.ingestion import bundled
from fragilite.inventory import (
    Known,
    inventory,
    markdown,
    of_bundle,
    of_lists,
    render,
    tidy,
)
from fragilite.pipeline import build
from fragilite.places.counts import counts, rules, state_of
from fragilite.places.export import places_csv
from fragilite.places.mapping import mappings
from fragilite.places.merging import merge
from fragilite.places.schema import Places, schema, table

ANGERS, SAUMUR, ANCENIS = "244900015", "200071876", "244400552"
BAUGE = "244900882"
NAMES = ("Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India")


def places(*changes):
    """Places of Saumur that differ by what is said; far apart and named apart: none is joined."""
    base = {
        "source": "cd49", "type": "association", "code_insee": "49328", "commune": "Saumur",
        "code_postal": "49400", "localisation": "lieu", "date_maj": "2025-03-01", "etat": "ouvert",
    }  # fmt: skip
    return Places(table(
        {**base, "id": f"{change.get('source', 'cd49')}:{rank}", "nom": NAMES[rank], **change}
        for rank, change in enumerate(changes)
    ))  # fmt: skip


def counted(*changes):
    """Counts of such places: (measure, modality) → number, all communes together."""
    found = counts(merge(places(*changes)))
    return found.groupby(["mesure", "modalite"])["nombre"].sum().to_dict()


def facts_of(built, *changes, since=None):
    merged = merge(places(*changes))
    return inventory(built, Known(counts(merged), [], merged), since)


def epci(facts, code):
    return next(row for row in facts["epci"] if row["code_epci"] == code)


def answer(facts, need, code=SAUMUR):
    return epci(facts, code)["grille"][need]["reponse"]


# --- what is declared ------------------------------------------------------------------------


def test_every_word_of_the_services_is_a_need_with_its_reason():
    declared = [word for row in rules().lignes for word in row.mots.get("services", [])]
    assert sorted(declared) == sorted(schema().listes["services"])
    assert all(row.raison and row.court for row in rules().lignes)
    assert len(rules().by_code) == len(rules().lignes)
    wanted = {"premiers_pas", "demarches", "equipement", "parentalite", "emploi", "securite",
              "creation"}  # fmt: skip
    assert wanted <= {row.code for row in rules().lignes if row.groupe == "besoin"}


# --- the rule of the grid, by hand -----------------------------------------------------------


def test_yes_none_and_unknown(built):
    """Three places of a list that can say access, procedures and first steps, nothing else."""
    facts = facts_of(
        built,
        {"services": "acces|demarches"},
        {"services": "acces"},
        {"services": ""},
    )
    grid = epci(facts, SAUMUR)["grille"]
    assert grid["acces"] == {"reponse": "oui", "oui": 2, "renseignent": 2}
    assert grid["demarches"] == {"reponse": "oui", "oui": 1, "renseignent": 2}
    assert grid["premiers_pas"] == {"reponse": "aucune", "oui": 0, "renseignent": 2}
    assert grid["parentalite"] == {"reponse": "inconnu", "oui": 0, "renseignent": 0}
    assert {cell["reponse"] for cell in epci(facts, ANGERS)["grille"].values()} == {"inconnu"}
    assert epci(facts, SAUMUR)["services_dits"] == 2


def test_kinds_and_ends_of_posts(built):
    """Told where they are stated; a place that states none adds nothing, not a zero."""
    facts = facts_of(
        built,
        {"nature_postes": "conseiller_numerique|benevole", "fin_postes": "2027-08-31"},
        {"nature_postes": "conseiller_numerique", "fin_postes": "2027-02-01"},
        {},
    )
    assert facts["ensemble"]["postes"] == {
        "natures": {"benevole": 1, "conseiller_numerique": 2},
        "fins": {"2027": 2},
    }
    text = " ".join(render(facts).split())
    assert "conseiller numérique 2" in text
    assert "Des postes s'arrêtent, en lieux qui le disent : 2027 (CA Saumur Val de Loire 2)" in text
    assert epci(facts, ANGERS)["postes"] == {"natures": {}, "fins": {}}
    assert "s'arrêtent" not in render(facts_of(built, {}))


@pytest.mark.parametrize(
    ("place", "need", "expected"),
    [
        ({"services": ""}, "premiers_pas", "inconnu"),  # a place that says nothing
        ({"services": "demarches", "source": "france_services"}, "premiers_pas", "inconnu"),
        ({"services": "demarches", "source": "modele"}, "premiers_pas", "aucune"),
        ({"services": "demarches", "source": "mednum"}, "parentalite", "aucune"),
        ({"services": "demarches", "source": "cd49"}, "parentalite", "inconnu"),
        ({"services": "demarches", "source": "ma_liste"}, "acces", "inconnu"),  # never said there
        ({"services": "acces", "etat": "ferme"}, "acces", "inconnu"),
        ({"services": "acces", "accueil": "non"}, "acces", "inconnu"),
        ({"services": "acces", "localisation": "siege"}, "acces", "inconnu"),
        ({"services": "acces", "localisation": "commune"}, "acces", "inconnu"),
        ({"services": "acces", "etat": ""}, "acces", "oui"),  # state not said: not closed
        ({"materiel": "pret"}, "equipement", "oui"),
        ({"materiel": "aucun", "source": "modele"}, "equipement", "aucune"),
        ({"services": "acces", "source": "guide_angers"}, "equipement", "inconnu"),
        ({"services": "acces", "code_insee": ""}, "acces", "inconnu"),
        ({"type": "bibliotheque"}, "mds", "aucune"),
        ({"type": ""}, "mds", "inconnu"),
        ({"type": "centre_social", "dispositifs": "france_services"}, "france_services", "oui"),
    ],
)
def test_what_one_place_allows_to_say(built, place, need, expected):
    assert answer(facts_of(built, place), need) == expected


def test_a_list_of_ones_own_denies_only_words_it_says_elsewhere(built):
    rows = ({"services": "demarches", "source": "ma_liste"},
            {"services": "acces", "source": "ma_liste", "code_insee": "49007"})  # fmt: skip
    facts = facts_of(built, *rows)
    assert answer(facts, "acces") == "aucune"
    assert answer(facts, "creation") == "inconnu"


def test_all_the_rows_of_a_merged_place_speak():
    """The newest row, of a list of labels, says procedures only; the older one saw computers."""
    same = {"nom": "France services du Lys", "adresse": "2 rue du Port", "type": "france_services"}
    found = counted(
        {**same, "services": "acces", "date_maj": "2021-01-01"},
        {**same, "services": "demarches", "source": "france_services"},
    )
    assert found["lieux", "ouvert"] == 1
    assert (found["oui", "acces"], found["oui", "demarches"]) == (1, 1)
    assert found["dit", "premiers_pas"] == 1  # denied by the only list that can say it
    assert ("oui", "premiers_pas") not in found


def test_nothing_is_denied_of_an_epci_seen_in_part(built):
    """One commune of twenty: 49144 is the only one of the Pays d'Ancenis in this département."""
    here = built.communes.loc[built.communes["code_epci"] == ANCENIS, "code_insee"].item()
    facts = facts_of(built, {"services": "acces", "code_insee": here})
    assert answer(facts, "acces", ANCENIS) == "oui"
    assert answer(facts, "demarches", ANCENIS) == "inconnu"
    assert "1 commune sur 20" in epci(facts, ANCENIS)["remarque"]


# --- counts, means, dates --------------------------------------------------------------------


def test_counts_by_hand():
    found = counted(
        {"type": "epn", "etp": 1.5, "demi_journees": 4, "date_maj": "2020-05-01"},
        {"type": "", "etp": 0.5, "etat": "", "date_maj": ""},
        {"etat": "ferme", "etp": 9},
        {"accueil": "non"},
        {"localisation": "siege", "etp": 2},
        {"localisation": "commune", "nom": "Bibliothèque", "type": "bibliotheque"},
    )
    states = {key[1]: value for key, value in found.items() if key[0] == "lieux"}
    assert states == {"ouvert": 1, "etat_inconnu": 1, "ferme": 1, "sans_accueil": 1, "siege": 1,
                      "commune": 1}  # fmt: skip
    assert {key[1]: value for key, value in found.items() if key[0] == "type"} == {
        "epn": 1, "inconnu": 1,
    }  # fmt: skip
    by_kind = {"type_ouvert", "etp_lieux"}
    assert {key: value for key, value in found.items() if key[0] in by_kind} == {
        ("type_ouvert", "epn"): 1, ("etp_lieux", "epn"): 1, ("etp_lieux", "inconnu"): 1,
    }  # fmt: skip
    assert (found["etp_total", "epn"], found["etp_total", "inconnu"]) == (1.5, 0.5)
    assert (found["demi_journees_lieux", "epn"], found["demi_journees_total", "epn"]) == (1, 4)
    assert found["etp_sieges", "connu"] == 2
    assert (found["date", "2020-05-01"], found["date", "inconnu"]) == (1, 1)


def test_means_per_thousand_people_and_unknown_is_not_zero(built):
    facts = facts_of(built, {"etp": 2}, {"etp": 1}, {}, {"code_insee": "49007", "type": "mds"})
    here, there = epci(facts, SAUMUR), epci(facts, ANGERS)
    people = built.epci.set_index("code_epci").loc[SAUMUR, "personnes_a_accompagner"]
    assert here["personnes"] == pytest.approx(people)
    assert here["moyens"]["etp"] == {
        "lieux": 2, "total": 3, "pour_1000": pytest.approx(3000 / people),
    }  # fmt: skip
    assert there["moyens"]["etp"] == {"lieux": 0, "total": None, "pour_1000": None}
    assert "inconnus" in render(facts)
    zero = facts_of(built, {"etp": 0})
    assert epci(zero, SAUMUR)["moyens"]["etp"]["pour_1000"] == 0  # said to be none: known


def test_means_are_counted_by_kind(built):
    """Of two town halls and a library, which say nothing: a planner may give each a default."""
    town, library = {"type": "ccas_mairie"}, {"type": "bibliotheque"}
    found = counted({**town, "demi_journees": 3}, {**town, "demi_journees": 5}, town, library)
    silent = {
        kind: found["type", kind] - found.get(("demi_journees_lieux", kind), 0)
        for kind in ("ccas_mairie", "bibliotheque")
    }
    assert silent == {"ccas_mairie": 1, "bibliotheque": 1}
    assert found["demi_journees_total", "ccas_mairie"] == 8
    assert ("demi_journees_total", "bibliotheque") not in found
    facts = facts_of(built, {**town, "etp": 1}, {**library, "etp": 2})
    assert epci(facts, SAUMUR)["moyens"]["etp"]["total"] == 3  # every kind together
    assert epci(facts, SAUMUR)["moyens"]["etp"]["lieux"] == 2


def test_people_of_an_epci_in_part_are_those_of_its_communes_here(built):
    facts = facts_of(built, {})
    here = built.communes[built.communes["code_epci"] == ANCENIS]
    assert epci(facts, ANCENIS)["personnes"] == pytest.approx(here["personnes_a_accompagner"].sum())
    assert "CC du Pays d'Ancenis : EPCI partiel" in render(facts)


def test_dates_and_review(built):
    facts = facts_of(built, {"date_maj": "2023-12-31"}, {"date_maj": "2025-02-28"},
                     {"date_maj": ""})  # fmt: skip
    dates = epci(facts, SAUMUR)["dates"]
    assert facts["ancien_avant"] == built.inputs.annee - rules().anciennete.ans == 2024
    assert (dates["anciennes"], dates["inconnue"]) == (1, 1)
    assert dates["par_annee"] == {"2023": 1, "2025": 1}
    assert (facts["revision"]["date"], facts["revision"]["passee"]) == ("2026-02-28", False)
    old = facts_of(built, {"date_maj": "2023-12-31"})
    assert (old["revision"]["date"], old["revision"]["passee"]) == ("2024-12-31", True)
    assert "date dépassée au 1er janvier 2026" in " ".join(render(old).split())
    assert facts_of(built, {"date_maj": ""})["revision"]["date"] is None


def test_hollows(built):
    facts = facts_of(built, {"services": "acces", "code_insee": "49007"}, {"code_insee": ""})
    hollow = next(one for one in facts["creux"]["services"] if one["code_epci"] == ANGERS)
    assert "premiers_pas" in hollow["aucune"]
    assert "parentalite" in hollow["inconnu"]
    assert "acces" not in hollow["aucune"] + hollow["inconnu"]
    lone = facts["creux"]["communes"]
    heaviest = built.communes.sort_values("personnes_a_accompagner", ascending=False)["code_insee"]
    assert [one["code_insee"] for one in lone] == [c for c in heaviest if c != "49007"][:10]
    assert "1 lieu sans commune connue : hors de cet inventaire." in facts["remarques"]


def test_a_closed_place_leaves_its_commune_without_one(built):
    facts = facts_of(built, {"code_insee": "49007", "etat": "ferme"})
    assert facts["creux"]["communes"][0]["code_insee"] == "49007"
    assert epci(facts, ANGERS)["lieux"] == 0
    assert facts["ensemble"]["communes_sans_lieu"] == 176


# --- since the last inventory ----------------------------------------------------------------


def earlier(tmp_path, *changes):
    path = tmp_path / "avant.csv"
    path.write_text(places_csv(merge(places(*changes)).lieux), encoding="utf-8")
    return path


def test_what_changed(built, tmp_path):
    before = (
        {"id": "cd49:same"},
        {"id": "cd49:kind", "type": "epn", "date_maj": "2024-01-01"},
        {"id": "cd49:gone"},
        {"id": "cd49:closed", "date_maj": "2025-04-01"},
        {"id": "cd49:renamed", "nom": "Le Phare de la Loire", "adresse": "1 rue Neuve"},
        {"id": "cd49:elsewhere", "code_insee": "49007", "localisation": "siege"},
    )
    after = (
        {"id": "cd49:same"},
        {"id": "cd49:kind", "type": "tiers_lieu"},
        {"id": "cd49:new", "nom": "Zoulou"},
        {"id": "cd49:closed", "nom": "Delta", "etat": "ferme"},
        {"id": "autre:9", "nom": "Phare de la Loire", "adresse": "1 rue Neuve", "source": "autre"},
    )
    since = facts_of(built, *after, since=earlier(tmp_path, *before))["depuis"]
    assert [one["id"] for one in since["nouveaux"]] == ["cd49:new"]
    assert [one["id"] for one in since["disparus"]] == ["cd49:gone"]
    assert [(one["id"], one["champ"], one["avant"], one["apres"]) for one in since["changes"]] == [
        ("cd49:closed", "etat", "Ouvert", "Fermé"),
        ("cd49:kind", "type", "Espace public numérique", "FabLab ou tiers-lieu"),
    ]
    assert since["dates"] == {"plus_recente": 1, "meme": 2, "plus_ancienne": 1}
    assert since["date"] == "2025-04-01"
    text = " ".join(render(facts_of(built, *after, since=earlier(tmp_path, *before))).split())
    assert "1 nouveau lieu, 1 lieu absent des listes d'aujourd'hui, 2 changements" in text
    assert "Absent d'une liste ne veut pas dire fermé" in text


def test_the_same_lists_changed_nothing(built, tmp_path):
    rows = ({"services": "acces"}, {"etat": "ferme"})
    since = facts_of(built, *rows, since=earlier(tmp_path, *rows))["depuis"]
    assert (since["nouveaux"], since["disparus"], since["changes"]) == ([], [], [])


def test_counts_have_no_name_to_compare(built, tmp_path):
    with pytest.raises(UsageError, match="n'en nomment aucun"):
        inventory(built, of_bundle(built), earlier(tmp_path, {}))


# --- the counts that travel ------------------------------------------------------------------


def test_bundled_counts_are_those_of_the_lists(built, shared_data):
    files = [
        shared_data / "extracts_49/lieux_mednum_cd49_2020_2023.csv",
        shared_data / "extracts_49/lieux_guide_angers_2022.csv",
        shared_data / "publisher/anct_france_services/liste-fs-20240801.csv",
    ]
    read, carried = of_lists(built, files), of_bundle(built)
    pd.testing.assert_frame_equal(read.comptes, carried.comptes)
    assert read.listes == carried.listes
    facts = inventory(built, read)
    assert facts["epci"] == inventory(built, carried)["epci"]
    assert facts["ensemble"]["lieux"] == 282
    assert facts["ensemble"]["grille"]["demarches"]["oui"] == 142


def test_bundled_counts_are_numbers_and_codes_only():
    found, record = bundled.bundled_places("49")
    assert list(found.columns) == ["code_insee", "mesure", "modalite", "nombre"]
    assert found["code_insee"].str.fullmatch(r"49\d{3}").all()
    words = {*schema().listes["types"], *rules().by_code, "inconnu", "connu", "dits", "ouvert",
             "ferme", "sans_accueil", "etat_inconnu"}  # fmt: skip
    others = found.loc[found["mesure"] != "date", "modalite"]
    assert set(others) <= words
    assert found.loc[found["mesure"] == "date", "modalite"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert [one["code"] for one in record["listes"]] == ["cd49", "guide_angers", "france_services"]
    assert {one["licence"] for one in record["listes"]} == {"Licence Ouverte 2.0"}
    assert all(one["licence"] == mappings()[one["code"]].liste.licence for one in record["listes"])


def test_bundled_counts_that_were_altered_are_refused(monkeypatch):
    record = bundled._manifest("49")
    record["lieux"]["sha256"] = "0" * 64
    monkeypatch.setattr(bundled, "_manifest", lambda _: record)
    with pytest.raises(FragiliteError, match=r"lieux\.csv n'est pas celui"):
        bundled.bundled_places("49")


def test_an_epci_alone(built):
    from fragilite.territory import parse_territory

    alone = build(parse_territory(epci=BAUGE))
    facts = inventory(alone, of_bundle(alone))
    (row,) = facts["epci"]
    whole = inventory(built, of_bundle(built))
    assert row == epci(whole, BAUGE)
    assert len(facts["remarques"]) == 1  # counts of the neighbours are no news
    merged = merge(places({"code_insee": "49007"}))
    lists = inventory(alone, Known(counts(merged), [], merged))
    assert "1 lieu hors du territoire : hors de cet inventaire." in lists["remarques"]


@pytest.mark.parametrize("odd", [odd_builds.alone, odd_builds.empty, odd_builds.unmapped])
def test_any_territory(built, odd):
    strange = odd(built)
    facts = inventory(strange, of_bundle(strange))
    assert len(facts["epci"]) == strange.communes["code_epci"].nunique()
    for text in (render(facts), markdown(facts), tidy(facts)):
        assert "nan" not in text.lower().split()


def test_nobody_counted_is_unknown_people(built):
    blank = odd_builds.empty(built)
    facts = inventory(blank, of_bundle(blank))
    assert facts["ensemble"]["personnes"] is None
    assert facts["ensemble"]["moyens"]["demi_journees"]["pour_1000"] is None
    assert facts["ensemble"]["moyens"]["demi_journees"]["total"] == 236
    assert facts["creux"]["communes"] == []
    assert "inconnues pour 176 communes sur 176" in " ".join(facts["remarques"])


def test_communes_without_epci_are_kept(built):
    communes = built.communes.copy()
    communes.loc[communes["code_insee"] == "49328", ["code_epci", "nom_epci"]] = None
    island = replace(built, communes=communes)
    facts = inventory(island, of_bundle(island))
    row = epci(facts, "")
    assert (row["nom_epci"], row["communes"]) == ("Sans EPCI", 1)
    assert row["lieux"] > 0
    assert "Sans EPCI" in render(facts)


def test_a_territory_without_counts_asks_for_lists(built, monkeypatch):
    monkeypatch.setattr("fragilite.inventory.bundled_departements", list)
    with pytest.raises(UsageError, match="Aucun compte de lieux n'est livré pour 49") as stop:
        of_bundle(built)
    assert "--places" in stop.value.remedy


# --- writing ---------------------------------------------------------------------------------


def test_the_text_fits_a_terminal_and_says_what_it_is(built, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = render(inventory(built, of_bundle(built)))
    assert max(map(len, text.splitlines())) <= 100
    for said in (
        "État des lieux : Maine-et-Loire (49)",
        "282 lieux connus qui reçoivent",
        "Ce sont des comptes par commune livrés avec le programme",
        "Information la plus récente : 1er août 2024. À revoir le 1er août 2025",
        "Moyens inconnus partout : équivalents temps plein.",
        "« inconnu » dans tous les EPCI : parentalité, emploi et insertion, loisirs et création.",
        "« inconnu » dans tous les EPCI sauf CU Angers Loire Métropole : équipement, sécurité et",
        "CC Baugeois Vallée : « aucune » : CCAS ou mairie",
        "Rives-du-Loir-en-Anjou",
        "avant 2024 pour 107 lieux sur 108",
        "Une information d'avant 2024 a plus de 2 ans",
    ):
        assert said in " ".join(text.split()), said
    assert text == render(inventory(built, of_bundle(built)))


def test_the_tidy_table_holds_the_grid_and_leaves_the_unknown_empty(built):
    facts = facts_of(built, {"services": "acces", "etp": 1})
    rows = list(csv.DictReader(io.StringIO(tidy(facts))))
    found = {
        row["element"]: row
        for row in rows
        if row["code_epci"] == SAUMUR and row["rubrique"] == "grille_besoin"
    }
    assert (found["acces"]["reponse"], found["acces"]["nombre"], found["acces"]["sur"]) == (
        "oui", "1", "1",
    )  # fmt: skip
    assert (found["demarches"]["reponse"], found["demarches"]["nombre"]) == ("aucune", "0")
    assert (found["creation"]["reponse"], found["creation"]["nombre"]) == ("inconnu", "")
    means = {(r["code_epci"], r["element"]): r for r in rows if r["rubrique"] == "moyens"}
    assert (means[SAUMUR, "etp"]["nombre"], means[ANGERS, "etp"]["nombre"]) == ("1", "")
    assert len([r for r in rows if r["rubrique"] == "commune_sans_lieu"]) == 10
    assert rows[-1]["reponse"] == "2026-03-01"


def test_no_cell_is_a_formula_and_markdown_signs_stay_signs(built, tmp_path):
    sly = {"nom": "=1+1 | <b>*x*</b>", "id": "=cd49:sly"}
    facts = facts_of(built, sly, since=earlier(tmp_path, {"nom": "Autre chose", "id": "cd49:o"}))
    cells = [cell for row in csv.reader(io.StringIO(tidy(facts))) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert r"=1+1 \| \<b\>\*x\*\</b\>" in markdown(facts)


def test_markdown_tables_are_whole(built):
    text = markdown(inventory(built, of_bundle(built)))
    assert text.startswith("# État des lieux : Maine-et-Loire (49)\n")
    widths = [line.count("|") for line in text.splitlines()]
    assert all(a == b for a, b in pairwise(widths) if a and b)
    assert "| CC Loire Layon Aubance | oui (4 lieux) | aucune (dit par 23 lieux) |" in text


def test_states():
    place = {"localisation": "lieu", "etat": "", "accueil": ""}
    assert state_of(place) == "etat_inconnu"
    assert state_of({**place, "etat": "ferme", "accueil": "non"}) == "ferme"
    assert state_of({**place, "accueil": "non"}) == "sans_accueil"
    assert state_of({**place, "localisation": "siege", "etat": "ferme"}) == "siege"


# --- the command -----------------------------------------------------------------------------


def test_first_day_offline(run, tmp_path):
    code, out, err = run("inventory", "--dept", "49", "--offline", "-o", "i.csv")
    assert (code, err) == (0, "")
    assert "282 lieux connus" in out
    assert out.splitlines()[-1] == "i.csv"
    assert (tmp_path / "i.csv").read_text(encoding="utf-8").startswith("code_epci,nom_epci,")
    code, _, err = run("inventory", "--dept", "49", "-o", "i.csv")
    assert code == 2
    assert "existe déjà" in err
    code, _, err = run("inventory", "--dept", "49", "-o", "i.pdf")
    assert (code, err.count("\n")) == (2, 1)


def test_lists_replace_the_counts(run, tmp_path, pytestconfig):
    folder = pytestconfig.rootpath / "tests/fixtures/places"
    lists = [folder / f"{name}.csv" for name in ("cd49", "france_services", "mednum")]
    assert run("places", "merge", lists[0], "--dept", "49", "-o", "avant")[0] == 0
    given = [word for path in lists for word in ("--places", path)]
    code, out, _ = run(
        "inventory", "--dept", "49", *given, "--since", "avant/lieux.csv", "--json", "-o", "i.md"
    )
    facts = json.loads(out)
    assert code == 0
    assert not facts["comptes_livres"]
    assert len(facts["listes"]) == 3
    assert facts["depuis"]["nouveaux"]
    assert not facts["depuis"]["disparus"]
    assert "## Depuis le dernier inventaire" in (tmp_path / "i.md").read_text(encoding="utf-8")


def test_a_list_of_ones_own_through_its_mapping(run, tmp_path):
    (tmp_path / "nous.toml").write_text(
        '[liste]\ncode = "nous"\ntitre = "Nos lieux"\nproducteur = "Nous"\nlicence = "interne"\n'
        'reconnu_a = ["Lieu"]\n[champs]\nnom = "Lieu"\ncode_insee = "INSEE"\n'
    )
    (tmp_path / "nous.csv").write_text("Lieu;INSEE\nChez nous;49007\n")
    given = ("--places", "nous.csv", "--mapping", "nous.toml", "--json")
    code, out, _ = run("inventory", "--dept", "49", *given)
    facts = json.loads(out)
    assert code == 0
    assert [one["titre"] for one in facts["listes"]] == ["Nos lieux"]
    assert facts["ensemble"]["lieux"] == 1
    assert run("orient", "--commune", "Angers", "--besoin", "demarches", *given)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--mapping", "cd49"), "--mapping dit comment lire une liste"),
        (("--places", "absent.csv"), "absent.csv"),
        (("--since", "absent.csv"), "--since compare des lieux"),
        (("--places", "vide.csv"), "vide.csv"),
        (("--places", "bof.csv"), "liste non reconnue"),
    ],
)
def test_errors_are_one_french_line(run, tmp_path, arguments, expected):
    (tmp_path / "vide.csv").write_text("")
    (tmp_path / "bof.csv").write_text("a,b\n1,2\n")
    code, out, err = run("inventory", "--dept", "49", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


def test_the_same_list_twice_is_refused(run, pytestconfig):
    path = pytestconfig.rootpath / "tests/fixtures/places/cd49.csv"
    code, _, err = run("inventory", "--dept", "49", "--places", path, "--places", path)
    assert code == 2
    assert "donnée deux fois" in err or "est donnée deux fois" in err
