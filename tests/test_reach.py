"""Who has a place nearby: cases by hand, what is not known, any territory, and the command."""

import csv
import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import odd_builds
import pandas as pd
import pytest

from fragilite.centres import centres
from fragilite.errors import FragiliteError, UsageError
from fragilite.inputs import population
from fragilite.inventory import Known, of_bundle
from fragilite.places.counts import counts
from fragilite.places.merging import merge
from fragilite.places.schema import Places, table
from fragilite.reach import markdown, places_for, reached, render, tidy
from fragilite.siting.parameters import declared_radii
from fragilite.siting.reach import EVERY, KNOWN, OPEN, Reach, joined

#: A hundredth of a degree of latitude is 1.112 km, by road 1.446 km.
STEP = 0.01
MONTSOREAU, ANGERS, SAUMUR = "49219", "49007", "49328"


@pytest.fixture(scope="module")
def known(built):
    """Places so many steps north of the town hall of a commune, as lists know them."""
    halls = centres(built.inputs)

    def _known(*places):
        rows = []
        for rank, place in enumerate(places):
            steps, code = place.pop("pas", 0), place.get("code_insee", MONTSOREAU)
            hall = halls.loc[code if code in halls.index else MONTSOREAU]
            rows.append(
                {
                    "id": f"l:{rank}", "nom": f"Lieu {rank}", "source": "modele", "type": "epn",
                    "code_insee": code, "localisation": "lieu", "etat": "ouvert", "accueil": "oui",
                    "longitude": hall["longitude"], "latitude": hall["latitude"] + STEP * steps,
                } | place
            )  # fmt: skip
        merged = merge(Places(table(rows)))
        return Known(counts(merged), [], merged)

    return _known


def row(facts, kind=EVERY, reading=KNOWN):
    return next(one for one in facts["portee"] if (one["genre"], one["lecture"]) == (kind, reading))


def distance(found, code, kind=EVERY, reading=KNOWN):
    lines = found.communes.set_index(["genre", "lecture", "code_insee"])
    return lines.loc[(kind, reading, code)]


def said(facts):
    return " ".join(render(facts).split())


# --- by hand ---------------------------------------------------------------------------------


def test_distances_are_the_straight_line_by_the_declared_factor(built, known):
    found = reached(built, known({"pas": 2}, {"pas": 5, "type": "mds"}))
    assert distance(found, MONTSOREAU)["distance"] == pytest.approx(2.891, abs=1e-3)
    assert distance(found, MONTSOREAU, "mds")["distance"] == pytest.approx(7.228, abs=1e-3)
    assert distance(found, MONTSOREAU)["id"] == "l:0"
    assert found.facts["rayons"] == list(declared_radii())
    every, kind = row(found.facts), row(found.facts, "mds")
    assert (every["lieux"], kind["lieux"]) == (2, 1)
    people = built.communes.set_index("code_insee")["personnes_a_accompagner"]
    away = found.communes.query("genre == 'mds' and lecture == 'connu'").set_index("code_insee")
    near = people[away["distance"] <= 10]
    assert 0 < len(near) < 176
    assert kind["rayons"][1]["personnes"] == pytest.approx(near.sum(), abs=1e-5)
    assert kind["rayons"][1]["part"] == pytest.approx(100 * near.sum() / people.sum(), abs=1e-5)
    assert kind["rayons"][1]["communes"] == len(near)


def test_open_and_unknown_and_closed(built, known):
    facts = reached(
        built,
        known(
            {"etat": ""}, {"pas": 3}, {"type": "mds", "etat": ""}, {"etat": "ferme", "pas": 1},
            {"accueil": "non", "type": "bibliotheque"}, {"localisation": "siege"},
        ),
    ).facts  # fmt: skip
    assert (row(facts)["lieux"], row(facts)["etat_inconnu"]) == (3, 2)
    assert facts["lieux"]["a_part"] == {"ferme": 1, "sans_accueil": 1, "siege": 1}
    assert "bibliotheque" in facts["types_sans_lieu"]
    opened, unknown = row(facts, EVERY, OPEN), row(facts, "mds", OPEN)
    assert (opened["lieux"], opened["reponse"]) == (1, "minimum")
    assert (unknown["lieux"], unknown["reponse"]) == (0, "inconnu")
    assert {line["personnes"] for line in unknown["rayons"]} == {None}  # not zero: nobody says
    text = said(facts)
    assert "au moins (2 lieux sur 3 ne disent pas s'ils le sont)" in text
    assert "1 lieu dit fermé, 1 lieu qui n'accueille pas de public et 1 siège" in text
    silent = said(reached(built, known({"etat": ""})).facts)
    assert "Ont un lieu dit ouvert : inconnu, aucun lieu ne dit s'il l'est." in silent


def test_a_place_without_a_point_is_at_the_centre_of_its_commune(built, known):
    blank = {"longitude": float("nan"), "latitude": float("nan")}
    found = reached(built, known({**blank}, {**blank, "code_insee": ""}))
    assert distance(found, MONTSOREAU)["distance"] == 0
    places = found.facts["lieux"]
    assert (places["comptes"], places["a_la_commune"], places["sans_position"]) == (1, 1, 1)
    text = said(found.facts)
    assert "1 lieu sans coordonnées, compté au centre de sa commune." in text
    assert "1 lieu sans coordonnées ni commune à portée, compté nulle part." in text


def test_places_across_the_border_count_where_they_are_near(built, known):
    """Candes is in 37, beside Montsoreau; Nantes is beyond the largest radius of any commune."""
    near = {"code_insee": "37042", "pas": 1}
    far = {"code_insee": "44109", "longitude": -1.5536, "latitude": 47.2184}
    found = reached(built, known(near, far))
    assert found.facts["lieux"]["comptes"] == found.facts["lieux"]["hors_territoire"] == 1
    assert distance(found, MONTSOREAU)["code_lieu"] == "37042"
    assert "1 lieu hors du territoire" in said(found.facts)


def test_who_is_beyond_is_named_most_people_first(built, known):
    facts = reached(built, known({}), radii=[5]).facts
    beyond = facts["au_dela"][KNOWN]
    assert [one["nom"] for one in beyond["communes"][:3]] == ["Angers", "Cholet", "Saumur"]
    assert beyond["personnes"] == pytest.approx(
        facts["personnes"] - row(facts)["rayons"][0]["personnes"], abs=1e-4
    )
    text = render(facts)
    assert "Au-delà de 5 km d'un lieu connu" in text
    assert "Tous ces lieux sont dits ouverts." in text
    assert "d'un lieu dit ouvert" not in text
    assert f"dans {len(beyond['communes'])} communes, dont 15 ici" in " ".join(text.split())
    assert all(one["nom"] in markdown(facts) for one in beyond["communes"])


def test_radii_and_mixed_parts():
    one = Reach(
        pd.DataFrame({"genre": ["tous"], "lecture": ["connu"], "rayon": [5.0], "lieux": [3],
                      "lieux_inconnus": [0], "personnes": [30.0], "part": [30.0], "communes": [1],
                      "communes_au_dela": [1], "personnes_au_dela": [70.0]}),
        pd.DataFrame({"code_insee": ["a", "b"]}),
    )  # fmt: skip
    nobody = Reach(one.table.assign(personnes=0.0, personnes_au_dela=0.0, part=np.nan),
                   pd.DataFrame({"code_insee": ["c"]}))  # fmt: skip
    both = joined([one, one, nobody]).table.iloc[0]
    assert (both["personnes"], both["part"], both["communes_au_dela"]) == (60, 30, 3)
    assert np.isnan(joined([nobody, nobody]).table["part"].item())


def test_counting_in_parts_changes_nothing(built, monkeypatch):
    whole = reached(built, of_bundle(built))
    monkeypatch.setattr("fragilite.reach.AT_ONCE", 282 * 7)
    parts = reached(built, of_bundle(built))
    assert parts.facts == whole.facts
    order = ["genre", "lecture", "code_insee"]
    pd.testing.assert_frame_equal(
        *(one.communes.sort_values(order).reset_index(drop=True) for one in (whole, parts))
    )


# --- road times ------------------------------------------------------------------------------


@pytest.fixture
def times(tmp_path):
    def _times(*lines):
        path = tmp_path / "od.csv"
        path.write_text("\n".join(["origine,destination,minutes", *lines]) + "\n")
        return path

    return _times


def test_road_times_replace_the_line(built, known, times):
    path = times(f"{ANGERS},{MONTSOREAU},52", f"{SAUMUR},{MONTSOREAU},14.5", "44109,49219,90")
    found = reached(built, known({"pas": 30}), [10, 20], path)
    assert distance(found, MONTSOREAU)["distance"] == 0  # at the centre of its commune
    assert distance(found, SAUMUR)["distance"] == 14.5
    assert np.isnan(distance(found, "49002")["distance"])
    people = built.communes.set_index("code_insee")["personnes_a_accompagner"]
    first, second = row(found.facts)["rayons"]
    assert first["personnes"] == pytest.approx(people[MONTSOREAU], abs=1e-5)
    assert second["personnes"] == pytest.approx(people[[MONTSOREAU, SAUMUR]].sum(), abs=1e-5)
    text = said(found.facts)
    assert "à moins de 20 min" in text
    assert "ceux de od.csv, de commune à commune" in text
    assert "173 trajets absents de la table sur 176" in text
    assert "× 1,3" not in text


def test_road_times_that_are_none_of_these_communes(built, known, times):
    with pytest.raises(UsageError, match=r"od\.csv : aucun trajet entre une commune d'ici"):
        reached(built, known({}), [10], times("1001,1002,5"))
    with pytest.raises(UsageError, match="les rayons sont en minutes") as stop:
        reached(built, known({}), None, times(f"{ANGERS},{MONTSOREAU},52"))
    assert "--radius 10,20" in stop.value.remedy


def test_road_times_need_no_outline(built, times):
    lost = far_from_any_hall(built)
    alone = times(f"48007,{MONTSOREAU},5")
    merged = merge(Places(table([{"id": "l:1", "nom": "A", "localisation": "lieu", "source": "l",
                                  "code_insee": MONTSOREAU}])))  # fmt: skip
    found = reached(lost, Known(counts(merged), [], merged), [10], alone)
    assert found.facts["communes_sans_centre"] == []
    assert distance(found, "48007")["distance"] == 5


# --- the counts that travel ------------------------------------------------------------------


def test_first_day(built):
    facts = reached(built, of_bundle(built)).facts
    assert (facts["lieux"]["comptes"], facts["lieux"]["ouverts"]) == (282, 217)
    assert facts["lieux"]["etat_inconnu"] == 65
    assert facts["personnes"] == pytest.approx(108_335, abs=1)
    assert sum(facts["centres"].values()) == 176
    shares = [line["part"] for line in row(facts)["rayons"]]
    assert 85 < shares[0] < shares[1] < shares[2] == 100
    kinds = {one["genre"]: one["lieux"] for one in facts["portee"] if one["lecture"] == KNOWN}
    assert sum(count for kind, count in kinds.items() if kind != EVERY) == 282
    text = said(facts)
    for words in (
        "Sur 108 335 personnes à accompagner (estimation)",
        "65 lieux sur 282 ne disent pas s'ils le sont",
        "Un lieu est lui aussi au centre de sa commune",
        "Distance : ligne droite × 1,3. Une route est plus longue",
        "Héran",
        "9 janvier 2023, 240 lignes",
        "Les lieux des départements voisins ne sont pas dans ces comptes.",
        "18 lieux dits fermés et 5 lieux qui n'accueillent pas de public",
        "FabLab ou tiers-lieu",
        "Être près d'un lieu n'est pas y être reçu",
    ):
        assert words in text, words


def test_the_lists_of_49_as_others_counted_them(built, shared_data):
    """Known elsewhere: 243 places, 93 % of inhabitants within 5 km; 23 of them see nobody."""
    files = [
        shared_data / "extracts_49/lieux_mednum_cd49_2020_2023.csv",
        shared_data / "publisher/anct_france_services/liste-fs-20240801.csv",
    ]
    inhabitants = population(built.inputs).loc[built.communes["code_insee"]].to_numpy()
    towns = built.communes.assign(personnes_a_accompagner=inhabitants)
    everybody = replace(built, communes=towns)
    known = places_for(built, files)
    here = known.fusion.lieux["code_insee"].isin(set(built.communes["code_insee"]))
    lieux = known.fusion.lieux[here].assign(etat="ouvert", accueil="oui")
    assert len(lieux) == 243
    fusion = replace(known.fusion, lieux=lieux)
    as_others = reached(everybody, replace(known, fusion=fusion)).facts
    assert row(as_others)["rayons"][0]["part"] == pytest.approx(93, abs=1.5)
    ours = reached(everybody, known).facts
    assert row(ours)["rayons"][0]["part"] < row(as_others)["rayons"][0]["part"]
    assert ours["lieux"]["comptes"] - ours["lieux"]["hors_territoire"] == 220


# --- any territory ---------------------------------------------------------------------------


def far_from_any_hall(build):
    """One commune, under a code of a département whose town halls are not known."""
    one = odd_builds.alone(build)
    frame = one.inputs.communes.rename(index={one.communes["code_insee"].item(): "48007"})
    frame["code_departement"] = "48"
    inputs = replace(one.inputs, communes=frame, outlines=odd_builds.no_outlines, surroundings=None)
    return replace(one, communes=one.communes.assign(code_insee="48007"), inputs=inputs)


@pytest.mark.parametrize(
    "odd", [odd_builds.alone, odd_builds.empty, odd_builds.unmapped, odd_builds.renamed]
)
def test_any_territory(built, odd):
    strange = odd(built)
    found = reached(strange, of_bundle(strange))
    for text in (render(found.facts), markdown(found.facts), tidy(found, strange)):
        assert "nan" not in text.lower().replace("(", " ").split()
    json.dumps(found.facts, allow_nan=False)
    assert max(map(len, render(found.facts).splitlines())) <= 100


def test_one_commune(built):
    found = reached(odd_builds.alone(built), of_bundle(built))
    assert row(found.facts)["rayons"][0]["part"] == 100
    assert "100 % à moins de 5 km" in said(found.facts)


def test_nobody_counted_is_unknown_not_zero(built):
    facts = reached(odd_builds.empty(built), of_bundle(built)).facts
    assert facts["personnes"] is None
    assert row(facts)["rayons"][0]["personnes"] is None
    assert row(facts)["rayons"][0]["communes"] > 100
    text = said(facts)
    assert "Personnes à accompagner inconnues ici" in text
    assert "Communes à moins de 5, 10 ou 20 km d'un lieu connu" in text
    assert "0 personne" not in text


def test_some_people_unknown(built):
    towns = built.communes.copy()
    towns.loc[towns["code_insee"] == ANGERS, "personnes_a_accompagner"] = np.nan
    partial = replace(built, communes=towns)
    facts = reached(partial, of_bundle(built)).facts
    assert facts["communes_sans_chiffre"] == 1
    assert "inconnues pour 1 commune sur 176 : comptées nulle part" in said(facts)


def test_no_place_at_all_is_not_nobody_who_helps(built, known):
    facts = reached(built, known()).facts
    assert facts["lieux"]["comptes"] == 0
    assert facts["au_dela"][KNOWN]["personnes"] == pytest.approx(108_335, abs=1)
    text = said(facts)
    assert "Aucun lieu connu ici" in text
    assert "Cela ne dit pas que personne n'aide" in text
    assert "inconnu km" not in text


def test_overseas(built):
    """Two squares in Martinique and La Réunion, a place in the first."""
    islands = odd_builds.moved(built, ["972", "974"])
    frame = islands.inputs.communes.rename(
        index=dict(zip(islands.inputs.communes.index, ["97209", "97411"], strict=True))
    )
    inputs = replace(islands.inputs, communes=frame, surroundings=None)
    towns = islands.communes.assign(code_insee=["97209", "97411"])
    isles = replace(islands, communes=towns, inputs=inputs)
    place = {"id": "l:1", "nom": "A", "localisation": "lieu", "source": "l", "code_insee": "97209"}
    merged = merge(Places(table([{**place, "longitude": -61.0, "latitude": 14.6}])))
    found = reached(isles, Known(counts(merged), [], merged))
    assert distance(found, "97209")["distance"] < 1
    assert distance(found, "97411")["distance"] > 10_000
    assert [one["code_insee"] for one in found.facts["au_dela"][KNOWN]["communes"]] == ["97411"]


def test_without_any_centre_no_distance(built, known):
    with pytest.raises(FragiliteError, match="aucune distance possible"):
        reached(far_from_any_hall(built), known({}))


def test_a_commune_without_a_centre_is_named(built):
    frame = built.inputs.communes.rename(index={ANGERS: "48007"})
    frame.loc["48007", "code_departement"] = "48"
    towns = built.communes.replace({"code_insee": {ANGERS: "48007"}})
    inputs = replace(built.inputs, communes=frame, surroundings=None)
    facts = reached(replace(built, communes=towns, inputs=inputs), of_bundle(built)).facts
    assert facts["communes_sans_centre"] == [{"code_insee": "48007", "nom": "Angers"}]
    assert "hors de ce compte : Angers." in said(facts)


# --- writing ---------------------------------------------------------------------------------


def test_the_tidy_table(built, known):
    sly = {"nom": "=1+1", "id": "=cd:1", "etat": ""}
    found = reached(built, known(sly), [5, 10])
    rows = list(csv.DictReader(io.StringIO(tidy(found, built))))
    assert not [cell for one in rows for cell in one.values() if cell.startswith(("=", "+", "@"))]
    reach_rows = [one for one in rows if one["rubrique"] == "portee"]
    assert len(reach_rows) == 2 * 2 * 2  # all and one kind, two readings, two radii
    unknown = [one for one in reach_rows if one["lecture"] == OPEN]
    assert {(one["reponse"], one["personnes"]) for one in unknown} == {("inconnu", "")}
    towns = [one for one in rows if one["rubrique"] == "commune"]
    assert len(towns) == 2 * 2 * 176
    here = next(one for one in towns if one["code_insee"] == MONTSOREAU and one["lieu"])
    assert (here["distance"], here["commune_du_lieu"]) == ("0", MONTSOREAU)


def test_markdown_tables_are_whole(built):
    text = markdown(reached(built, of_bundle(built)).facts)
    assert text.startswith("# Portée des lieux : Maine-et-Loire (49)\n")
    widths = [line.count("|") for line in text.splitlines()]
    assert all(a == b for a, b in pairwise(widths) if a and b)
    assert "| CCAS ou mairie |" in text


# --- the command -----------------------------------------------------------------------------


def test_the_command(run, tmp_path, pytestconfig):
    code, out, err = run(
        "reach", "--dept", "49", "--offline", "-o", "p.csv", env={"COLUMNS": "100"}
    )
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 100
    assert "Portée des lieux : Maine-et-Loire (49)" in out
    assert (tmp_path / "p.csv").read_text(encoding="utf-8").startswith("rubrique,genre,")
    assert run("reach", "--dept", "49", "-o", "p.csv")[0] == 2
    folder = pytestconfig.rootpath / "tests/fixtures/places"
    code, out, _ = run(
        "reach", "--dept", "49", "--places", folder / "cd49.csv", "--radius", "2.5,10", "--json",
        "-o", "p.md",
    )  # fmt: skip
    facts = json.loads(out)
    assert (code, facts["rayons"], facts["comptes_livres"]) == (0, [2.5, 10], False)
    assert "2,5 km" in (tmp_path / "p.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--radius", "cinq"), "--radius « cinq » : des nombres positifs"),
        (("--radius", "0,5"), "des nombres positifs"),
        (("--radius", ""), "des nombres positifs"),
        (("--times", "absent.csv", "--radius", "10"), "Table des temps illisible"),
        (("--times", "absent.csv"), "les rayons sont en minutes"),
        (("--mapping", "cd49"), "aucune n'est donnée"),
        (("--places", "absent.csv"), "absent.csv"),
        (("-o", "p.pdf"), "un fichier .csv ou .md est attendu"),
    ],
)
def test_errors_are_one_french_line(run, arguments, expected):
    code, out, err = run("reach", "--dept", "49", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err
