"""What is said of a place: the words, their figures, their sources, and what never stands alone."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from odd_builds import AWKWARD, empty, named, only

from fragilite.abstract import heading, ten_lines
from fragilite.citation import cited, dated, lots_counted, sources_line
from fragilite.citation import named as lot_name
from fragilite.explanation import explain, where
from fragilite.method import available_methods, load_method
from fragilite.narrative import (
    NO_SIGNAL,
    of_commune,
    of_epci,
    of_epci_among_others,
    of_whole,
    reading,
)
from fragilite.pipeline import build
from fragilite.territory import parse_territory

SAUMUR, ANGERS, OREE, PELLERINE = "49328", "49007", "49126", "49237"
SAUMUR_VAL_DE_LOIRE, ANCENIS = "200071876", "244400552"
#: What the default method says that the index does not see.
UNSEEN = (
    "l'indice ne voit pas la motivation et la confiance, deux des quatre dimensions sur lesquelles "
    "travaillent les médiateurs ; l'équipement et son coût ; la barrière de la langue ; le "
    "handicap."
)


def plain(text):
    return text.replace("\u202f", " ").replace("\xa0", " ")


def texts(sentences):
    return [plain(one.texte) for one in sentences]


@pytest.fixture(scope="module")
def said(built):
    """The three sentences of every commune."""
    return {code: of_commune(built, code) for code in built.communes["code_insee"]}


def test_saumur(built):
    stands, weighs, people = of_commune(built, SAUMUR)
    assert plain(stands.texte) == (
        "À Saumur (26 241 habitants), l'indice de fragilité numérique est de 54,8 points (de 0 à "
        "100, 100 = le plus fragile), « fragilité forte » : la commune est au 14e rang des 176 "
        "communes classées dans le département (Maine-et-Loire), en partant de la plus fragile, et "
        "se tient entre le 10e et le 19e neuf fois sur dix, compte tenu de l'incertitude des "
        "données. Lecture dans le département : « signal net »."
    )
    assert stands.source == "Calcul fragilite, méthode fragilite-2026 1.1.0, d'après Insee et Arcep"
    assert plain(weighs.texte) == (
        "30,3 des 54,8 points viennent de « Diplôme inférieur au baccalauréat », 54,0 % (EPCI "
        "58,8 % ; département 50,9 % ; France 48,5 % en 2022) et « 65 ans ou plus », 28,2 % (EPCI "
        "25,2 % ; département 21,1 % ; France 21,1 % en 2022)."
    )
    assert weighs.source.startswith("Insee, recensement de la population 2023 ; pour la France, ")
    assert plain(people.texte) == (
        "Environ 4 362 personnes y sont à accompagner, un ordre de grandeur estimé par l'âge : "
        "4,0 % de celles que compte le département (Maine-et-Loire), 3e rang en volume. On y "
        "compte 7 390 personnes de 65 ans ou plus, 11 061 personnes de niveau inférieur au "
        "baccalauréat et 1 090 personnes de 80 ans ou plus vivant seules : ces groupes se "
        "recoupent, ne les additionnez pas."
    )
    assert people.source == (
        "Insee, recensement de la population 2023 et 2022, taux : Insee Première n° 1953, enquête "
        "TIC-ménages 2021"
    )


def test_angers_is_low_and_has_most_people(built):
    stands, _, people = texts(of_commune(built, ANGERS))
    assert stands.endswith(
        "Lecture dans le département : « pas de signal », ce qui ne dit pas que personne n'a "
        f"besoin d'aide : {UNSEEN}"
    )
    assert "18 283 personnes" in people and "1er rang en volume" in people


def test_oree_d_anjou_says_what_is_missing(built):
    _, weighs, people = texts(of_commune(built, OREE))
    assert weighs.endswith(
        "80 ans ou plus vivant seuls : non disponible pour cette commune, son poids est réparti "
        "sur le reste de son groupe. L'indice repose sur 85 % de son poids."
    )
    assert "80 ans" not in people  # unknown is not zero


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (OREE, "« Niveau de vie médian, France = 100 » est pourtant moins fragile que dans le "
         "département : ce poids vient surtout de la place de cet indicateur dans la méthode."),
        (SAUMUR, ""),
    ],
)  # fmt: skip
def test_what_weighs_though_it_is_less_fragile_is_told(built, code, expected):
    """99,4 is better than the 98,5 of the département, and weighs all the same."""
    text = texts(of_commune(built, code))[1]
    assert expected in text and text.count("pourtant") == bool(expected)


def test_what_weighs_is_told_by_the_direction_of_each_indicator(built, said):
    """Over all the communes: a share that is lower, an income that is higher."""
    towns = built.communes.set_index("code_insee")
    there, seen = built.result_departement.figures, set()
    for code, row in towns.iterrows():
        text = texts(said[code])[1]
        assert text.count("pourtant") <= 1
        for label, name, side in (
            ("65 ans ou plus", "part_65_plus", 1),
            ("Niveau de vie médian, France = 100", "niveau_de_vie_relatif", -1),
        ):
            if f"« {label} »" in text:
                gap = side * (round(row[name], 1) - round(there[name].values.iloc[0], 1))
                told = "Tous deux" in text or f"« {label} » est pourtant" in text
                assert told == (gap < 0), (code, label)
                seen.add((label, told))
    assert len(seen) == 4  # each of the two, better and worse


def test_la_pellerine_has_a_wide_interval_and_few_people(built):
    stands, weighs, people = texts(of_commune(built, PELLERINE))
    assert "141 habitants" in stands and "entre le 1er et le 17e neuf fois sur dix" in stands
    assert "tient à peu de personnes, elle est lissée" in weighs
    assert stands.endswith("Lecture dans le département : « signal net ».")
    assert "moins de 0,1 %" in people


def test_an_epci(built):
    assert texts(of_epci(built, SAUMUR_VAL_DE_LOIRE)) == [
        "Dans la CA Saumur Val de Loire (98 005 habitants, 45 communes), l'indice de fragilité "
        "numérique est de 50,4 points (de 0 à 100, 100 = le plus fragile), « fragilité forte », "
        "contre 39,9 dans le département (Maine-et-Loire) : 2e des 9 EPCI entiers du "
        "département, en partant du plus fragile. Parmi celles du département, on y trouve 13 "
        "communes en « signal net » et 2 communes en « signal probable » ; les "
        "autres comptent aussi des personnes à accompagner.",
        "30,0 des 50,4 points viennent de « Diplôme inférieur au baccalauréat », 58,8 % "
        "(département 50,9 % ; France 48,5 % en 2022) et « 65 ans ou plus », 25,2 % (département "
        "21,1 % ; France 21,1 % en 2022). L'indice y est le plus haut à Longué-Jumelles (59,3), à "
        "Vernoil-le-Fourrier (58,2) et à Montsoreau (58,1).",
        "Environ 14 631 personnes y sont à accompagner, un ordre de grandeur estimé par l'âge : "
        "13,5 % de celles que compte le département (Maine-et-Loire). Elles sont le plus "
        "nombreuses à Saumur (4 362), à Doué-en-Anjou (1 620) et à Gennes-Val-de-Loire (1 243).",
    ]


def test_an_epci_among_others_is_brief(built):
    said = of_epci_among_others(built, SAUMUR_VAL_DE_LOIRE)
    assert [one.source for one in said] == [
        one.source for one in of_epci(built, SAUMUR_VAL_DE_LOIRE)
    ]
    stands, weighs, people = texts(said)
    assert stands == (
        "98 005 habitants, 45 communes : 50,4 points, « fragilité forte », 2e des 9 EPCI entiers. "
        "13 communes en « signal net » et 2 communes en « signal probable ». L'indice y est le "
        "plus haut à Longué-Jumelles (59,3), à Vernoil-le-Fourrier (58,2) et à Montsoreau (58,1)."
    )
    assert weighs == (
        "30,0 des 50,4 points viennent de « Diplôme inférieur au baccalauréat » (58,8 %) et « 65 "
        "ans ou plus » (25,2 %)."
    )
    assert people.startswith(
        "Environ 14 631 personnes y sont à accompagner : 13,5 % de celles que compte le "
        "département. Elles"
    )
    assert len(of_epci_among_others(built, ANCENIS)) == 1


def test_a_whole_without_values_says_no_figure(built):
    (alone,) = of_whole(empty(built), list(built.epci["code_epci"]))
    assert plain(alone.texte) == "Le département (Maine-et-Loire) compte 176 communes."


def test_an_epci_that_is_not_whole_has_no_value(built):
    stands, weighs, people = texts(of_epci(built, ANCENIS))
    assert stands.startswith(
        "La CC du Pays d'Ancenis n'est qu'en partie dans ce calcul (1 commune sur 20) : pas "
        "d'indice"
    )
    assert weighs == "Aucune valeur pour l'ensemble."
    assert people.endswith("n'est pas estimé : l'EPCI n'est pas entier.")


def test_every_commune_has_three_sourced_sentences_with_its_figures(built, said):
    for row in built.communes.to_dict("records"):
        sentences = said[row["code_insee"]]
        assert len(sentences) == 3
        assert all(one.texte.endswith(".") and one.source for one in sentences)
        stands, _, people = texts(sentences)
        assert f"est de {row['indice']:.1f} points".replace(".", ",") in stands
        count = f"{round(row['personnes_a_accompagner']):,}".replace(",", " ")
        assert people.startswith(f"Environ {count} personne")


def test_no_signal_is_always_followed_by_what_the_index_cannot_see(built, said):
    """Over all the communes, and over all the EPCI, which never name that reading."""
    seen = 0
    for sentences in said.values():
        for text in texts(sentences):
            seen += text.count(NO_SIGNAL)
            for found in re.finditer(NO_SIGNAL, text):
                after = text[found.end() :]
                assert after.startswith(" », ce qui ne dit pas que personne n'a besoin d'aide : ")
                assert UNSEEN in after
    assert seen == (built.communes["lecture"] == NO_SIGNAL).sum() == 127
    for code in built.epci["code_epci"]:
        assert not any(NO_SIGNAL in text for text in texts(of_epci(built, code)))


def test_without_uncertainty_a_low_score_is_not_taken_for_a_reading():
    found = build("49", uncertainty=False)
    for sentence in (of_commune(found, ANGERS)[0], of_epci(found, SAUMUR_VAL_DE_LOIRE)[0]):
        assert sentence.texte.endswith(
            f"Aucun indice ne dit que personne n'a besoin d'aide : {UNSEEN}"
        )


def test_every_reading_that_needs_a_caution_has_one():
    method = load_method()
    assert reading("à confirmer sur le terrain", method).endswith("le terrain, oui.")
    assert UNSEEN in reading(NO_SIGNAL, method)
    blind = method.model_copy(
        update={"lecture": method.lecture.model_copy(update={"invisible": []})}
    )
    assert "ne voit que ce que les données ouvertes comptent" in reading(NO_SIGNAL, blind)


def test_all_missing(built):
    nothing = empty(built)
    stands, weighs, people = texts(of_commune(nothing, SAUMUR))
    assert stands == "À Saumur, pas d'indice : 0 % de son poids seulement est observé."
    assert weighs.startswith("Aucun indicateur n'est observé.")
    assert people == (
        "Le nombre de personnes à accompagner n'est pas estimé : une tranche d'âge manque."
    )
    stands, weighs, people = texts(of_epci(nothing, SAUMUR_VAL_DE_LOIRE))
    assert "pas d'indice" in stands and weighs == "Aucune valeur pour l'ensemble."
    assert "n'est pas estimé" in people


def test_one_commune_alone_has_no_rank_among_others(built):
    alone = only(built, [SAUMUR], rang=1, rang_sur=1)
    assert "rang" not in texts(of_commune(alone, SAUMUR))[0]


def test_one_person_is_singular(built):
    one = replace(
        built.result, volume=built.result.volume.where(built.result.volume.index != SAUMUR, 1.2)
    )
    towns = built.communes.copy()
    towns.loc[towns["code_insee"] == SAUMUR, "personnes_a_accompagner"] = 1.2
    few = replace(built, result=one, communes=towns)
    assert texts(of_commune(few, SAUMUR))[2].startswith("Environ 1 personne y est à accompagner, ")


def test_a_label_with_a_comma_is_closed_by_one():
    found = build("49", method="ifn-2020")
    assert ", l'IFN 2020, reconstruit, est de " in texts(of_commune(found, SAUMUR))[0]


@pytest.mark.parametrize("method", available_methods())
def test_any_method_has_sentences(method):
    found = build("49", method=method)
    for sentence in [*of_commune(found, SAUMUR), *of_epci(found, SAUMUR_VAL_DE_LOIRE)]:
        assert sentence.texte and sentence.source
        assert not re.search(r"\bnan\b|None|l'iFN", sentence.texte)


def test_a_name_is_kept_as_it_is(built):
    assert f"À {AWKWARD} (" in of_commune(named(built, SAUMUR, AWKWARD), SAUMUR)[0].texte


def test_two_departements_are_named(built):
    table = built.communes.assign(
        code_departement=["44"] + ["49"] * 175, nom_departement=["Loire-Atlantique"] + ["M"] * 175
    )
    assert where(replace(built, communes=table)) == "l'ensemble étudié (Maine-et-Loire (49))"


# --- the method, the sources ---------------------------------------------------------------------


def test_the_method_in_ten_lines():
    method = load_method()
    lines = ten_lines(method, ["part_surface_sans_4g"], "le département (Maine-et-Loire)")
    assert heading(lines) == "La méthode en dix lignes"
    text = plain(" ".join(lines))
    for part in (
        "indice = réseau 25 % et usages 75 % ; usages = compétences 60 % et sociale 40 %",
        "l'âge 22,5 %, le diplôme 22,5 %",
        "« Niveau de vie médian, France = 100 » 142,9 → 75",
        "l'indice demande 75 % du sien",
        "plus de 5 ans",
        "Hors de ce calcul : surface sans 4G",
        "0 / 27 / 37 / 45,5 / 55 / 100",
        "1 000 tirages",
        "Premier cinquième : celui des communes les plus fragiles du département (Maine-et-Loire)",
    ):
        assert part in text


@pytest.mark.parametrize("name", available_methods())
def test_any_method_fits_in_ten_lines(name):
    lines = ten_lines(load_method(name), [], "l'ensemble étudié (Ici)")
    assert 5 <= len(lines) <= 10
    assert all(line.endswith(".") for line in lines)


def test_sources_name_producer_vintage_and_date(built):
    lots = lots_counted(built)
    assert {lot.source for lot in lots} == {"insee_rp", "insee_filosofi", "arcep_fixe"}
    line = plain(sources_line(lots))
    assert "Arcep, Ma connexion internet 2026 T2 (publié le 14 septembre 2026)" in line
    assert line.endswith("Licence Ouverte 2.0.")
    assert plain(dated(next(lot for lot in lots if not lot.publie_le))).startswith("relevé le 21 n")
    assert all(lot_name(lot) in cited(built) for lot in lots)
    assert sources_line([]) == ""


def test_points_named_add_up_to_less_than_the_index(built, said):
    table = built.communes.set_index("code_insee")
    for code in table.index:
        text = texts(said[code])[1]
        part, whole = re.match(r"([\d,]+) des ([\d,]+) points", text).groups()
        part, whole = (float(x.replace(",", ".")) for x in (part, whole))
        assert part <= whole == pytest.approx(table["indice"][code], abs=0.051)
        top = table.filter(regex="_contribution$").loc[code].dropna().nlargest(2)
        assert part == pytest.approx(float(pd.Series(top).sum()), abs=0.051)


def test_an_epci_alone_says_nothing_of_its_departement():
    alone = build(parse_territory(epci=SAUMUR_VAL_DE_LOIRE))
    facts = explain(alone, SAUMUR)
    assert facts["territoire"] == "l'ensemble étudié (CA Saumur Val de Loire)"
    assert all(node["departement"] is None for node in facts["sous_indices"])
    said = " ".join(
        one.texte for one in [*of_commune(alone, SAUMUR), *of_epci(alone, SAUMUR_VAL_DE_LOIRE)]
    )
    assert "département" not in said
