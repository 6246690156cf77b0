"""The audit: cases worked out by hand, each flag by a case built for it, and what is read."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fragilite import robustness, scoring
from fragilite.audit import audit, facts, markdown, render, summary
from fragilite.audit.evidence import scale_of
from fragilite.audit.steps import steps
from fragilite.method import load_method
from fragilite.scoring import Regle, references
from fragilite.table import Statut

NAN = float("nan")
HEADER = """
[methode]
code = "essai"
version = "1"
date = 2026-11-21
libelle = "Essai"
description = "Deux groupes."
licence = "Licence Ouverte 2.0"
normalisation = "{normalisation}"
agregation = "{agregation}"
{parametres}
[age_max]
valeur = 5
unite = "ans"
raison = "r"
reference = "f"
[completude_min]
noeud = 0.5
indice = 0.5
unite = "part"
raison = "r"
reference = "f"
[couverture_min]
valeur = 0.8
unite = "part"
raison = "r"
reference = "f"
[noeuds.indice]
libelle = "Indice"
court = "indice"
description = ""
[noeuds.a]
parent = "indice"
poids = 1
libelle = "Groupe A"
court = "a"
description = ""
raison = "Choisi."
reference = "f"
[noeuds.b]
parent = "indice"
poids = 1
libelle = "Groupe B"
court = "b"
description = ""
raison = "{raison}"
reference = "f"
[lecture]
usage = "Pour essayer."
non_usage = "Jamais pour décider."
validite = []
invisible = ["le reste"]
"""
NODE = """
[noeuds.{code}]
parent = "indice"
poids = 1
libelle = "Groupe {letter}"
court = "{code}"
description = ""
raison = "Choisi."
reference = "f"
"""
INDICATOR = """
[indicateurs.{code}]
noeud = "{node}"
libelle = "Indicateur {code}"
court = "le {code}"
unite = "%"
decimales = 1
definition = "d"
sens = "aggrave"
calcul = {{ type = "part", numerateur = ["pop_65_plus"], denominateur = ["pop"] }}
points_0 = 0
points_100 = 100
raison = "r"
reference = "f"
"""


@pytest.fixture
def made(built, tmp_path):
    """A build of the values given, between bounds 0 and 100: x, y in node a, z in node b."""

    def _made(
        columns,
        normalisation="bornes",
        agregation="arithmetique",
        parametres="",
        raison="Choisi.",
        nodes=None,
        population=100,
        more=(),
    ):
        nodes = nodes or {"x": "a", "y": "a", "z": "b"}
        path = tmp_path / "essai.toml"
        head = HEADER.format(
            normalisation=normalisation, agregation=agregation, parametres=parametres, raison=raison
        )
        head += "".join(NODE.format(code=code, letter=code.upper()) for code in more)
        text = head + "".join(INDICATOR.format(code=c, node=node) for c, node in nodes.items())
        path.write_text(text, encoding="utf-8")
        method = load_method(path)
        codes = [f"490{n:02d}" for n in range(len(next(iter(columns.values()))))]
        index = pd.Index(codes, name="code_insee")
        values = pd.DataFrame(columns, index=index, dtype=float)
        pattern = built.result.figures["part_65_plus"]
        figures = {
            code: replace(
                pattern,
                values=values[code] if code in values else pd.Series(NAN, index),
                statuts=pd.Series(
                    np.where(values[code].isna(), Statut.ABSENT, Statut.PUBLIE)
                    if code in values
                    else int(Statut.ABSENT),
                    index,
                ).astype(np.int8),
                regles=pd.Series("", index),
                millesime="2023" if code in values else None,
            )
            for code in nodes
        }
        scores = scoring.score(values, method, references(values))
        communes = pd.DataFrame(
            {"nom": [f"Commune {c}" for c in codes], "population": population}, index
        )
        for code in nodes:
            communes[code] = figures[code].values
        result = replace(built.result, figures=figures, scores=scores)
        return replace(built, method=method, result=result, communes=communes.reset_index())

    return _made


HAND = {
    "x": [0, 20, 40, 60, 80],
    "y": [10, 10, 50, 50, 90],
    "z": [50, 40, 30, 20, 10],
}


def step(found, number):
    return steps(found)[number - 1]


def test_by_hand(made):
    """Index = x/4 + y/4 + z/2: 27.5, 27.5, 37.5, 37.5, 47.5, whose deviations square to 280.

    Deviations of the contributions times those of the index: x 250, y 280, z −250.
    """
    found = audit(made(HAND))
    assert found.poids["declare"].tolist() == [0.25, 0.25, 0.5]
    np.testing.assert_allclose(found.poids["part"], [250 / 280, 1, -250 / 280])
    np.testing.assert_allclose(found.noeuds["part"], [1, 530 / 280, -250 / 280])
    assert found.poids["part"].sum() == pytest.approx(1)
    # x and y: variances 1000 and 1120, covariance 1000; their sum has 4120.
    r = 1000 / (1000 * 1120) ** 0.5
    assert found.noeuds.loc["a", "alpha"] == pytest.approx(2 * (1 - 2120 / 4120))
    assert found.noeuds.loc["a", "premiere"] == pytest.approx((1 + r) / 2)
    assert found.noeuds.loc["a", "meme_signe"] is True
    assert found.noeuds.loc["indice", "meme_signe"] is False  # z goes the other way
    assert np.isnan(found.noeuds.loc["b", "alpha"])  # a node of one indicator
    # Ranks of y: 1.5, 1.5, 3.5, 3.5, 5; of z: 5 to 1.
    assert found.correlations.loc["y", "z"] == pytest.approx(-9 / 90**0.5)
    assert found.correlations.loc["x", "z"] == pytest.approx(-1)
    # The first fifth of five is the fifth commune.
    assert found.contraste.loc["x"].tolist() == [80, 30, 20, 7.5]
    assert found.contraste.loc["z"].tolist() == [10, 35, 5, 17.5]
    assert found.tete["rang"].tolist() == [1, 2, 2, 4, 4]
    assert found.tete.iloc[0][["indice", "x", "y", "z"]].tolist() == [47.5, 20, 22.5, 5]
    assert found.ecart_voisins == 5  # 0, 10, 0, 10
    row = found.indicateurs.loc["y"]
    assert (row["mediane"], row["quartile_3"], row["distinctes"], row["ex_aequo"]) == (
        50,
        50,
        3,
        0.8,
    )
    assert (row["age"], row["millesime"], row["habitants_sans"]) == (3, "2023", 0)
    assert found.remarques == [
        "5 communes seulement ont un indice : une seule suffit à changer ces résultats, à lire "
        "avec prudence."
    ]
    assert step(found, 6).verdict == "à surveiller"
    assert "« Indicateur z » : −89,3 % de la variance pour 50,0 % de poids déclaré." in (
        step(found, 6).conclusions
    )


def flags(build):
    found = audit(build).signalees
    return {(row["un"], row["autre"]): row["motif"] for _, row in found.iterrows()}


def test_pairs_that_are_flagged(made):
    """Spearman's rho of permutations of 1–5: 1 − 6·Σd²/120."""
    x = [1, 2, 3, 4, 5]
    apart = {"x": x, "y": [3, 1, 2, 5, 4], "z": [2, 1, 4, 3, 5]}  # 0.6, then 0.8 across
    assert flags(made(apart)) == {("x", "z"): "autre_noeud"}
    against = {"x": x, "y": [4, 5, 3, 1, 2], "z": [2, 5, 1, 4, 3]}  # −0.8 inside a
    assert flags(made(against)) == {("x", "y"): "contraire"}
    twice = {"x": x, "y": [2, 4, 6, 8, 11], "z": [3, 1, 4, 5, 2]}
    assert flags(made(twice)) == {("x", "y"): "doublon"}
    # Nodes too: −0.9 in both, which is not beyond 0.9.
    opposite = {"x": x, "y": [1, 2, 3, 4, 6], "z": [5, 3, 4, 2, 1]}
    assert flags(made(opposite)) == {
        ("x", "y"): "doublon",
        ("x", "z"): "autre_noeud",
        ("y", "z"): "autre_noeud",
        ("a", "b"): "contraire",
    }
    text = " ".join(step(audit(made(against)), 4).conclusions)
    assert "« Indicateur x » et « Indicateur y » (rho = −0,80) vont en sens contraire dans" in text
    assert "1 sens contraire dans un groupe" in step(audit(made(against)), 4).phrase


def test_nothing_to_say_of_a_sound_node(made):
    values = {
        "x": [10, 20, 30, 40, 50, 60, 70, 80],
        "y": [30, 10, 20, 50, 40, 80, 60, 70],
        "z": [52, 38, 33, 70, 35, 44, 71, 67],
    }
    found = audit(made(values))
    assert found.signalees.empty
    assert [step(found, number).verdict for number in (2, 3, 4, 5)] == ["tenu"] * 4


def test_ends_of_the_scale_and_extremes(made):
    values = {"x": [-5, 0, 0, 100, 120], "y": [1, 2, 3, 4, 5], "z": [3, 1, 4, 5, 2]}
    found = audit(made(values))
    row = found.indicateurs.loc["x"]
    assert (row["au_bas"], row["au_haut"], row["ex_aequo"], row["ex_aequo_points"]) == (
        0.6, 0.4, 0.4, 1,
    )  # fmt: skip
    assert "60 % des communes au plus bas" in step(found, 5).phrase
    tail = {"x": [1.0] * 9 + [90], "y": [*range(10)], "z": [3, 1, 4, 5, 2, 9, 8, 7, 6, 0]}
    found = audit(made(tail))
    assert found.indicateurs.loc["x", "asymetrie"] == pytest.approx(10**0.5)
    assert "« Indicateur x » : scores très étirés (asymétrie 3,2" in step(found, 5).phrase
    beyond = tail | {"x": [*range(9), 900]}  # the bound holds it back
    found = audit(made(beyond | {"x": [40, 50, 60, 70, 40, 50, 60, 70, 55, 900]}))
    assert found.indicateurs.loc["x", "extremes"]
    assert not found.indicateurs.loc["x", "extremes_points"]
    assert "valeurs extrêmes" in step(found, 5).conclusions[0]


def test_scales():
    assert scale_of(Regle("bornes")) == (0, 100)
    assert scale_of(Regle("rang_centile", parametres={"echelle": 1.0})) == (0, 1)
    assert scale_of(Regle("quantiles", parametres={"classes": 10})) == (1, 10)
    assert scale_of(Regle("z_score", parametres={"tronque": True})) == (0, 100)
    assert scale_of(Regle("z_score")) is None


def test_any_method(made):
    """Shares of variance exist for sums only; other normalisations are audited like bounds."""
    found = audit(made(HAND, agregation="geometrique"))
    assert found.poids["part"].isna().all()
    assert found.poids["spearman"].notna().all()
    assert not found.additive
    assert step(found, 6).verdict == "non mesuré ici"
    assert "Cette méthode n'additionne pas ses indicateurs" in found.remarques[1]
    assert "L'indice parle ici surtout du y et du x." in summary(found)
    classes = "[methode.parametres]\nclasses = 5"
    for normalisation, given in (
        ("rang_centile", ""), ("z_score", ""), ("min_max", ""), ("quantiles", classes),
    ):  # fmt: skip
        found = audit(made(HAND, normalisation=normalisation, parametres=given))
        assert found.poids["part"].sum() == pytest.approx(1)
        readable(found)


def readable(found):
    """Nothing that a reader would stumble on; returns the page."""
    text, page = render(found), markdown(found)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert not re.search(r"\b(nan|None|NaN|inf|Series|True|False)\b", text + page)
    width = None
    for line in page.splitlines():
        cells = line.count("|") - line.count("\\|") if line.startswith("|") else None
        assert None in (cells, width) or cells == width, line
        width = cells
    json.dumps(facts(found), allow_nan=False)
    return page


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_communes(made, count):
    found = audit(made({code: values[:count] for code, values in HAND.items()}))
    said = {
        0: "Aucune commune n'a d'indice",
        1: "1 commune seulement a un indice",
        2: "2 communes seulement ont un indice",
    }[count]
    assert found.remarques[0].startswith(said)
    assert "parts de variance" in found.remarques[0]
    assert found.poids["part"].isna().all()
    assert step(found, 4).verdict == step(found, 6).verdict == "non mesuré ici"
    assert found.remarques[0] in summary(found)
    assert found.indicateurs["connues"].tolist() == [count] * 3  # what can be said is said
    readable(found)


def test_all_equal(made):
    found = audit(made({"x": [50] * 6, "y": [20] * 6, "z": [30] * 6}))
    assert found.remarques[0].startswith("Les 6 communes ont le même indice")
    assert found.noeuds["alpha"].isna().all()
    readable(found)
    still = audit(made(HAND | {"y": [50] * 5, "z": [1, 5, 2, 4, 3]}))
    assert (
        "« Indicateur y » : les communes ont toutes le même score, donc ni corrélation, ni "
        "composante." in still.remarques
    )
    assert still.poids.loc["y", "part"] == 0
    readable(still)


def test_an_indicator_wholly_missing(made):
    found = audit(made(HAND | {"y": [NAN] * 5}))
    assert "« Indicateur y » : aucune commune n'a de valeur" in found.remarques[1]
    assert found.poids.loc["y", "declare"] == 0.25
    assert found.poids.loc["y", "part"] == 0
    assert list(found.correlations) == ["x", "z"]
    assert found.noeuds.loc["indice", "items"] == 2
    assert "« Indicateur y » manque dans 5 communes" in step(found, 3).phrase
    assert found.completude.index.tolist() == [0.75]
    readable(found)
    # One that the build withdrew: no data at all.
    gone = audit(made({code: HAND[code] for code in ("x", "z")}))
    assert gone.poids["declare"].tolist() == [0.5, 0.5]
    assert gone.indicateurs.loc["y", "retire"] == "aucune donnée à portée"
    assert step(gone, 2).phrase == "Pas comptés : « Indicateur y » (aucune donnée à portée)."
    readable(gone)


def test_the_top_may_be_tied(made):
    """Eight communes at the ceiling: none is named before the others."""
    found = audit(made({code: [100] * 8 + [5, 4, 3, 2, 1, 0] for code in "xyz"}))
    assert found.premiers == 8
    assert step(found, 8).verdict == "à surveiller"
    assert step(found, 8).phrase.startswith("8 communes sont à égalité au premier rang")
    assert "Commune 490" not in readable(found)


def test_missing_cells(made):
    """x missing for one commune of 900 people out of 1300: y takes its weight."""
    found = audit(made(HAND | {"x": [NAN, 20, 40, 60, 80]}, population=[900, 100, 100, 100, 100]))
    assert found.indicateurs.loc["x", "habitants_sans"] == pytest.approx(9 / 13)
    assert found.completude["communes"].to_dict() == {1.0: 4, 0.75: 1}
    # On the four that miss nothing, index 27.5, 37.5, 37.5, 47.5; x/4, y/4 and z/2 go from the
    # first to the last by 15, 20 and −15, against 20.
    assert found.completes == 4
    np.testing.assert_allclose(found.poids["part"], [0.75, 1, -0.75])
    assert "sur les 4 communes où aucun indicateur compté ne manque" in (
        step(found, 6).tableaux[0].legende
    )
    assert "« Indicateur x » manque dans 1 commune." in step(found, 3).phrase
    assert found.noeuds.loc["a", "lignes"] == 4


def test_too_few_complete_communes(made):
    """Two communes of five have everything: any two parts would share the variance of two."""
    found = audit(made(HAND | {"x": [NAN, NAN, 40, 60, 80], "z": [50, 40, 30, 20, NAN]}))
    assert (found.classees, found.completes) == (5, 2)
    assert found.poids["part"].isna().all()
    assert found.noeuds["part"].isna().all()
    assert found.poids["pearson"].notna().all()
    said = "Parts de variance non calculées : elles demandent au moins 3 communes"
    assert found.remarques[-1].startswith(said)
    assert found.remarques[-1].endswith("il y en a 2.")
    assert step(found, 6).verdict == "non mesuré ici"
    assert step(found, 6).phrase == found.remarques[-1]
    assert "Part de la variance :" not in step(found, 6).tableaux[0].legende
    assert "L'indice parle ici surtout" in summary(found)
    readable(found)
    # Enough of them, that nothing tells apart.
    level = {"x": [40, 40, 40, NAN, NAN], "y": [40, 40, 40, 80, 90], "z": [10, 10, 10, 20, 30]}
    found = audit(made(level))
    assert found.completes == 3
    assert found.poids["part"].isna().all()
    assert found.remarques[-1].endswith("il y en a 3, qui ont le même indice.")
    assert step(found, 6).verdict == "non mesuré ici"
    readable(found)


def drivers(found):
    """The sentences on what tells communes apart, without those on ranks."""
    text = re.search(r"L'indice parle .*?(?= Un rang n'est| L'indice ne voit)", summary(found))[0]
    return re.sub(r" « [^.]*presque dans le même ordre que l'indice\.", "", text)


def test_what_tells_communes_apart(made):
    """Shares 250/280, 1 and −250/280: 89 %, 100 % and −89 %."""
    assert drivers(audit(made(HAND))) == (
        "L'indice parle ici surtout du y : 100 % de ce qui distingue une commune d'une autre. "
        "Vient ensuite le x (89 %). Le z joue en sens inverse : c'est pourquoi les autres font "
        "plus de 100 %. Au total, tous ces écarts viennent de « Groupe A »."
    )
    # z does not move; deviations of y are four times those of x.
    still = {"x": [10, 15, 20, 25], "y": [0, 20, 40, 60], "z": [50] * 4}
    assert drivers(audit(made(still))) == (
        "L'indice parle ici surtout du y : 80 % de ce qui distingue une commune d'une autre. "
        "Vient ensuite le x (20 %). Presque rien ne vient du z (50 % du poids déclaré). Au total, "
        "tous ces écarts viennent de « Groupe A »."
    )
    # The deviations of x/4 and y/4 are those of z/4: a quarter each, and one half.
    level = {code: [0, 20, 40, 60] for code in "xyz"}
    assert drivers(audit(made(level))) == (
        "L'indice parle ici surtout du z (50 %) et du x (25 %), en tout 75 % de ce qui distingue "
        "une commune d'une autre. Vient ensuite le y (25 %). Au total, « Groupe A » fait 50 % de "
        "ces écarts et « Groupe B » 50 %."
    )


def test_three_branches_and_one_against(made):
    """Index x/6 + w/6 + y/3 + z/3 (nodes of weight 1): deviations of x, w, y from −2 to 2, z back.

    With steps 12, 0, 12 and −3: contributions move by 2, 0, 4 and −1, the index by 5.
    """
    nodes = {"x": "a", "w": "a", "y": "c", "z": "b"}
    steps_of = {"x": 12, "w": 0, "y": 12, "z": -3}
    values = {code: [40 + n * step for n in range(5)] for code, step in steps_of.items()}
    text = drivers(audit(made(values, nodes=nodes, more=["c"])))
    assert text.endswith(
        "Au total, « Groupe C » fait 80 % de ces écarts et « Groupe A » 40 % ; « Groupe B » joue "
        "en sens inverse."
    )


def test_branches_are_told_where_they_add_something(made):
    """One indicator in each branch, or a single branch: the total is already said."""
    each = made({"x": HAND["x"], "z": HAND["z"]}, nodes={"x": "a", "z": "b"})
    assert "Au total" not in summary(audit(each))
    gone = made({"x": HAND["x"], "y": HAND["y"]})  # the build withdrew z, and its node with it
    assert "Au total" not in summary(audit(gone))


def ranked(build, widths):
    """An audit whose ranks have intervals of these widths, the largest rank less the smallest."""
    index = build.result.scores.noeuds.index
    low = pd.Series(1, index, dtype="Int64")
    table = pd.DataFrame({"rang_min_90": low, "rang_max_90": low + widths, "lecture": ""})
    draws = robustness.Draws(table, pd.DataFrame())
    return audit(build, incertitude=robustness.Uncertainty(table, draws, draws, []))


def test_how_sure_ranks_are_in_places(made):
    """From the 1st to the 3rd there are three places; half of the ranks within three or fewer."""
    wide = ranked(made(HAND), [0, 2, 2, 3, 4])
    assert "une plage d'au plus 3 places sur 5 (à 90 %)" in step(wide, 7).phrase
    assert "neuf fois sur dix, dans une plage d'au plus 3 places sur 5." in summary(wide)
    even = made({code: [*values, 33] for code, values in HAND.items()})
    assert "au plus 4 places sur 6" in summary(
        ranked(even, [0, 2, 2, 3, 4, 4])
    )  # 2.5: 3 not enough
    # Ranks that the noise does not move, or of too few communes: not a word in the paragraph.
    still = ranked(made(HAND), [0] * 5)
    assert "au plus 1 place sur 5" in step(still, 7).phrase
    few = {code: values[:4] for code, values in HAND.items()}
    for found in (still, ranked(made(few), [0, 2, 2, 3]), audit(made(few))):
        assert not re.search(r"\brangs?\b|se suivent", summary(found))
    assert "Un rang n'est pas une frontière" in summary(audit(made(HAND)))


def test_what_sets_the_first_fifth_apart(made):
    """Scores apart by 60 and 40, contributions by 60/4 and 40/2: z comes first in the index."""
    values = {"x": [0, 0, 0, 0, 60], "y": [50, 50, 50, 50, 50], "z": [20, 20, 20, 21, 60]}
    eighth = step(audit(made(values)), 8)
    assert eighth.conclusions[0] == (
        "Le cinquième le plus fragile se sépare du reste d'abord par le z (19,9 points d'indice "
        "d'écart)."
    )
    table = eighth.tableaux[1]
    assert table.titre.startswith("Contribution moyenne")
    assert table.lignes[2] == ["Indicateur z", "30,0", "10,1", "19,9"]
    assert table.legende == (
        "En points de l'indice, sur les 5 communes où aucun indicateur compté ne manque."
    )
    # Where indicators do not add up, and where none of the first fifth is complete: scores.
    for found in (
        audit(made(values, agregation="geometrique")),
        audit(made(values | {"y": [50, 50, 50, 50, NAN]})),
    ):
        assert "par le x (60,0 points de score d'écart)" in step(found, 8).conclusions[0]
        assert step(found, 8).tableaux[1].titre.startswith("Score moyen")
        readable(found)


def test_reasons_are_asked_for(made):
    assert step(audit(made(HAND)), 1).verdict == "tenu"
    found = step(audit(made(HAND, raison="")), 1)
    assert found.verdict == "à surveiller"
    assert found.phrase == "Sans raison écrite dans la méthode : « Groupe B »."


def test_many_indicators_fold(made):
    """Fifteen indicators: tables wider than a terminal go on below."""
    random = np.random.default_rng(1)
    codes = [f"i{n}" for n in range(15)]
    nodes = {code: "ab"[n % 2] for n, code in enumerate(codes)}
    values = {code: random.uniform(0, 100, 40) for code in codes}
    found = audit(made(values, nodes=nodes))
    readable(found)
    text = render(found)
    assert text.count("15. Indicateur i14") == 2


# --- Maine-et-Loire ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here(built):
    return audit(built)


def test_what_the_method_says_of_49(here):
    """The shares of variance and the correlation that the method file states, as it is read."""
    text = " ".join(here.methode.lecture.validite)
    for code, words in {
        "part_65_plus": "65 ans ou plus",
        "part_sans_bac": "baccalauréat",
        "part_80_plus_vivant_seuls": "80 ans ou plus seuls",
        "niveau_de_vie_relatif": "revenu",
    }.items():
        stated = int(re.search(rf"{words} (\d+) %", text)[1]) / 100
        assert here.poids.loc[code, "part"] == pytest.approx(stated, abs=0.01), code
    assert here.poids.loc["part_locaux_sans_fibre", "part"] == pytest.approx(0, abs=0.02)
    assert here.poids["part"].sum() == pytest.approx(1)
    assert here.poids.loc["part_locaux_sans_fibre", "declare"] == 0.25
    assert here.noeuds.loc["usages", "spearman"] == pytest.approx(0.99, abs=0.005)
    assert here.indicateurs.loc["part_surface_sans_4g", "retire"].startswith("données de 2019")


def test_the_paragraph_for_a_mayor(here):
    text = summary(here)
    assert text.startswith("Maine-et-Loire (49), 176 communes. L'indice parle ici surtout du ")
    drivers, branches = text.split(" Au total, ")
    shares = [int(found) for found in re.findall(r"\((\d+) %\)", drivers)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) > 100
    assert "Vient ensuite le revenu (11 %)." in drivers
    assert drivers.endswith(
        "Presque rien ne vient de la fibre (25 % du poids déclaré). La fibre joue un peu en sens "
        "inverse : c'est pourquoi les autres font plus de 100 %."
    )
    assert branches.startswith("tous ces écarts viennent de « Fragilité des usages ».")
    first = re.search(r"\), en tout (\d+) % de ce qui distingue", text)
    assert int(first[1]) == sum(shares[:3])
    assert "de l'âge" in text
    assert "Presque rien ne vient de la fibre (25 % du poids déclaré)." in text
    assert re.search(r"« Fragilité des usages ».* les communes presque dans le même ordre", text)
    assert "L'indice ne voit pas : la motivation" in text
    jargon = r"variance|corr[ée]l|rho|alpha|composante|écart-type|quartile|signif"
    assert not re.search(jargon, text, re.I)


def test_the_page(here):
    page = readable(here)
    assert page.startswith("# Audit — Indice de fragilité numérique 2026 — Maine-et-Loire (49)\n")
    assert "<!--" not in page
    noticed = markdown(here, notice="Page écrite par un outil.").splitlines()
    assert noticed[:3] == [page.splitlines()[0], "", "<!-- Page écrite par un outil. -->"]
    assert [line for line in noticed if not line.startswith("<!--")][3:] == page.splitlines()[2:]
    assert len(re.findall(r"^## \d+\. .* — (tenu|à surveiller|non mesuré ici)$", page, re.M)) == 10
    assert "| Locaux sans fibre | 25,0 % |" in page
    for text in here.methode.lecture.validite:
        assert text in page  # what is known of its validity, in the method's own words
    assert here.methode.lecture.non_usage in page
    assert "Chiffres reconstitués" not in page
    stated = markdown(here, mention="Chiffres reconstitués, RP 2022.")
    assert "\n**Chiffres reconstitués, RP 2022.**\n" in stated
    assert not re.search(r"\d\d:\d\d", page)
    assert markdown(here) == page


def test_facts_hold_the_numbers(here):
    found = facts(here)
    assert found["poids"]["part_65_plus"]["part"] == here.poids.loc["part_65_plus", "part"]
    assert found["etapes"][5]["verdict"] == "à surveiller"
    assert found["charges"]["part_65_plus"]["sociale"] is None
    assert {"un", "autre", "rho", "motif"} == set(found["correlations_signalees"][0])
    assert found["plus_fragiles"][0]["rang"] == 1
    assert found["plus_fragiles"][0]["code_insee"] == here.tete.index[0]


def test_with_uncertainty_and_sensitivity(built, here):
    assert step(here, 7).verdict == "non mesuré ici"
    assert "fragilite robustness" in step(here, 7).phrase
    assert "fragilite sensitivity" in step(here, 7).phrase
    values = pd.DataFrame(
        {code: built.result.figures[code].values for code in built.result.scores.scored}
    )
    shares = ["part_65_plus", "part_sans_bac", "part_80_plus_vivant_seuls"]
    people = built.communes.set_index("code_insee")["population"]
    denominators = pd.DataFrame(dict.fromkeys(shares, people))
    sure = robustness.uncertainty(values, built.method, 60, denominators=denominators)
    factors = pd.DataFrame(
        {
            "libelle": ["Poids", "Normalisation"], "premier_ordre": [0.2, 0.5],
            "premier_ordre_min": [0.1, 0.4], "premier_ordre_max": [0.3, 0.6],
            "total": [0.4, 0.7], "total_min": [0.3, 0.6], "total_max": [0.5, 0.8],
        }
    )  # fmt: skip
    moving = robustness.Sensitivity(
        factors, 3.0, 176, 1024, 8192, [], "La normalisation compte le plus."
    )
    found = audit(built, incertitude=sure, sensibilite=moving)
    seventh = step(found, 7)
    widths = (sure.territoires["rang_max_90"] - sure.territoires["rang_min_90"]).astype(float)
    places = math.ceil(widths.median()) + 1  # both ends count
    assert f"une plage d'au plus {places} places sur 176 (à 90 %)" in seventh.phrase
    assert seventh.verdict in {"tenu", "à surveiller"}
    assert seventh.tableaux[-1].titre == "Ce qui fait varier le déplacement moyen des rangs"
    assert "ceux de la méthode déclarée" in seventh.tableaux[-1].legende
    assert seventh.tableaux[-1].lignes[0] == ["Normalisation", "0,50 [0,40 ; 0,60]",
                                              "0,70 [0,60 ; 0,80]"]  # fmt: skip
    assert "La normalisation compte le plus." in seventh.conclusions
    assert (
        "Les rangs sont approximatifs : pour une commune sur deux, le rang tient, neuf fois sur "
        f"dix, dans une plage d'au plus {places} places sur 176."
    ) in summary(found)
    counted = [int(row[1]) for row in seventh.tableaux[0].lignes]
    assert sum(counted) == 176
    readable(found)
    partly = audit(built, incertitude=robustness.uncertainty(values, built.method, 20))
    assert step(partly, 7).verdict == "non mesuré ici"
    assert "le bruit des données" in step(partly, 7).phrase
    readable(partly)
