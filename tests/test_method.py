"""The method file: what it says, and what is said of a faulty one."""

import re
from pathlib import Path

import pandas as pd
import pytest

from fragilite.errors import UsageError
from fragilite.listing import render_method
from fragilite.method import (
    MethodError,
    available_methods,
    copy_method,
    load_method,
    method_text,
)
from fragilite.scoring import score

TEXT = method_text("fragilite-2026").decode()


def faulty(tmp_path, old, new, *, count=1):
    assert old in TEXT
    path = tmp_path / "essai.toml"
    path.write_text(TEXT.replace(old, new, count), encoding="utf-8")
    return path


def problems(path):
    with pytest.raises(MethodError) as error:
        load_method(path)
    assert str(path) in error.value.message
    return "\n".join(error.value.problems)


def test_default_method_is_the_published_one():
    method = load_method()
    assert method.weights["indice"] == {"reseau": 0.25, "usages": 0.75}
    assert method.weights["usages"] == {"competences": 0.6, "sociale": 0.4}
    bounds = {code: (i.points_0, i.points_100) for code, i in method.indicateurs.items()}
    assert bounds == {
        "part_locaux_sans_fibre": (0, 50),
        "part_surface_sans_4g": (0, 50),
        "part_65_plus": (11.0, 36.8),
        "part_sans_bac": (22.4, 68.8),
        "niveau_de_vie_relatif": (142.9, 75.0),
        "part_80_plus_vivant_seuls": (0.8, 5.3),
    }
    assert method.noeuds["indice"].classes.bornes == [0, 27, 37, 45.5, 55, 100]
    assert method.noeuds["usages"].classes.bornes == [0, 31.6, 42.8, 52.7, 63.5, 100]
    assert (method.completude_min.noeud, method.completude_min.indice) == (0.5, 0.75)
    assert method.age_max.valeur == 5
    rates = [tranche.taux for tranche in method.volume.tranches]
    assert rates == [2, 4, 6.5, 24, 62]
    references = method.indicateurs["niveau_de_vie_relatif"].calcul.references
    assert references == {"2019": 21930, "2021": 23080, "2023": 25920}
    assert sum(method.shares[code] for code in method.indicateurs) == pytest.approx(1)


def test_every_number_has_a_reason_and_a_dated_reference():
    method = load_method()
    dated = re.compile(r"(19|20)\d\d")
    records = [method.age_max, method.couverture_min, method.completude_min]
    records += [node for node in method.noeuds.values() if node.parent]
    records += [node.classes for node in method.noeuds.values() if node.classes]
    records += [*method.indicateurs.values(), *method.volume.tranches]
    for record in records:
        assert record.raison, record
        assert dated.search(record.reference), record
    for indicator in method.indicateurs.values():
        assert indicator.libelle
        assert indicator.unite
        assert indicator.france.source


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("points_0 = 11.0", "point_0 = 11.0", "indicateurs.part_65_plus.point_0 : clé inconnue"),
        ("points_0 = 11.0", "point_0 = 11.0", "Vouliez-vous dire « points_0 »"),
        ("points_0 = 11.0\n", "", "indicateurs.part_65_plus.points_0 : clé manquante"),
        ("points_0 = 11.0", 'points_0 = "onze"', "nombre attendu, trouvé « onze »"),
        ("points_0 = 11.0", "points_0 = 36.8", "doivent différer, trouvé 36.8 deux fois"),
        ("points_0 = 11.0", "points_0 = 40", "« aggrave » demande points_0 < points_100"),
        ("points_0 = 142.9", "points_0 = 70", "« protege » demande points_0 > points_100"),
        (
            'sens = "aggrave"',
            'sens = "agrave"',
            "« aggrave » ou « protege » attendu, trouvé « agrave »",
        ),
        ('type = "part"', 'type = "par"', "calcul.type : « part » ou « rapport »"),
        ('["pop_65_plus"]', '["pop_65_plu"]', "variable inconnue « pop_65_plu »"),
        ('["pop_65_plus"]', '["pop_65_plu"]', "Vouliez-vous dire « pop_65_plus »"),
        ('noeud = "reseau"', 'noeud = "rezeau"', "nœud inconnu « rezeau ». Vouliez-vous dire « re"),
        ('parent = "usages"', 'parent = "usage"', "noeuds.competences.parent : nœud inconnu"),
        ("poids = 0.25", "poids = -1", "noeuds.reseau.poids : au moins 0 attendu, trouvé -1"),
        ("noeud = 0.5", "noeud = 1.5", "completude_min.noeud : au plus 1 attendu, trouvé 1.5"),
        ("37, 45.5", "45.5, 37", "noeuds.indice.classes.bornes : valeurs croissantes"),
        ('normalisation = "bornes"', 'normalisation = "rang"', "« ratio_reference » attendu"),
        ('n = "arithmetique"', 'n = "mediane"', "« harmonique » attendu, trouvé « mediane »"),
        ("[age_max]", "[methode.parametres]\ncentre = 5\n[age_max]", "ne le lit pas (elle lit au"),
        ("[age_max]", "[methode.parametres]\nclasse = 5\n[age_max]", "dire « classes »"),
        (
            "[age_max]",
            "[methode.parametres]\nechelle = 0\n[age_max]",
            "plus de 0 attendu, trouvé 0",
        ),
        ('n = "bornes"', 'n = "quantiles"', "methode.parametres.classes : clé manquante"),
        ("version = ", "versions = ", "methode.versions : clé inconnue"),
        ("[volume]", "[volumes]", "volumes : clé inconnue"),
        ("date = 2026-11-22", 'date = "hier"', "methode.date : date attendue"),
        ("date = 2026-11-22", "date = 2026-11-22T10:00:00", "date attendue"),
        ("points_0 = 11.0", "points_0 = nan", "points_0 : nombre fini attendu"),
        ("points_0 = 11.0", "points_0 = inf", "points_0 : nombre fini attendu"),
        ("poids = 0.25", "poids = inf", "noeuds.reseau.poids : nombre fini attendu"),
        ("poids = 0.25", "poids = 1e308", "noeuds.reseau.poids : au plus 1e+06 attendu"),
        ("poids = 0.25", "poids = true", "noeuds.reseau.poids : nombre attendu"),
        ("poids = 0.25", 'poids = "0.25"', "noeuds.reseau.poids : nombre attendu"),
        ('"2021" = 23080', '"2021" = 0', "references.2021 : plus de 0 attendu"),
        ('libelle = "Locaux sans fibre"', 'libelle = ""', "texte non vide attendu"),
        ("[methode]", 'origine = "x"\n[methode]', "origine : clé inconnue"),
        ("[contexte.taux_chomage]", "[contexte.part_sans_bac]", "le même code sert deux fois"),
        ("[contexte.taux_chomage]", "[contexte.PART_SANS_BAC]", "commence par une lettre minus"),
        ("[contexte.taux_chomage]", '[contexte."=so cià"]', "commence par une lettre minuscule"),
        ("[contexte.taux_chomage]", "[contexte.rang]", "la colonne rang a déjà un sens"),
        ("[contexte.taux_chomage]", "[contexte.geom]", "la colonne geom a déjà un sens"),
        ("[contexte.taux_chomage]", "[contexte.part_sans_bac_score]", "part_sans_bac_score a déjà"),
        ('"pop_15_19", "pop_20_24"', '"pop_75_79", "pop_20_24"', "« pop_75_79 » y est compté deux"),
        ('denominateur = ["pop"]', 'denominateur = ["locaux"]', "trouvé arcep_fixe, insee_rp"),
        (
            'variables = ["demandeurs_emploi"]',
            'variables = ["niveau_de_vie_median"]',
            "« niveau_de_vie_median » est de nature mediane",
        ),
    ],
)
def test_faults_name_the_key_and_what_was_found(tmp_path, old, new, expected):
    assert expected in problems(faulty(tmp_path, old, new))


@pytest.mark.parametrize(
    ("normalisation", "parameters"),
    [("z_score", ""), ("quantiles", "classes = 5"), ("rang_centile", "echelle = 1")],
)
def test_means_on_the_complement_need_scores_0_to_100(tmp_path, normalisation, parameters):
    text = TEXT.replace('"arithmetique"', '"geometrique"', 1)
    text = text.replace('"bornes"', f'"{normalisation}"', 1)
    text = text.replace("[age_max]", f"[methode.parametres]\n{parameters}\n[age_max]", 1)
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    assert "« geometrique » demande des scores de 0 à 100" in problems(path)


def test_normalisations_and_their_parameters(tmp_path):
    def arguments(normalisation, parameters=""):
        text = TEXT.replace('"bornes"', f'"{normalisation}"', 1)
        text = text.replace("[age_max]", f"[methode.parametres]\n{parameters}\n[age_max]", 1)
        path = tmp_path / "essai.toml"
        path.write_text(text, encoding="utf-8")
        return load_method(path).methode.arguments

    assert arguments("bornes") == arguments("ratio_reference") == {}
    assert arguments("rang_centile") == {"ex_aequo": "moyenne", "echelle": 100}
    assert arguments("rang_centile", 'ex_aequo = "min"')["ex_aequo"] == "min"
    assert arguments("z_score", "ecart = 10") == {"centre": 50, "ecart": 10, "tronque": True}
    assert arguments("quantiles", "classes = 10") == {"classes": 10}


def test_a_ratio_needs_the_value_of_the_reference(tmp_path):
    text = re.sub(r"^france = .*Insee, RP 2022.*$", "", TEXT, flags=re.MULTILINE)
    path = tmp_path / "essai.toml"
    path.write_text(text.replace('"bornes"', '"ratio_reference"', 1), encoding="utf-8")
    assert "indicateurs.part_65_plus.france : clé manquante" in problems(path)


def test_cycle(tmp_path):
    path = faulty(tmp_path, 'parent = "indice"\npoids = 0.75', 'parent = "sociale"\npoids = 0.75')
    assert "boucle sociale → usages → sociale" in problems(path)


def test_two_roots(tmp_path):
    path = faulty(tmp_path, 'parent = "indice"\npoids = 0.25\n', "")
    assert "une seule racine" in problems(path)


def test_all_weights_zero(tmp_path):
    text = TEXT.replace("poids = 0.25", "poids = 0").replace("poids = 0.75", "poids = 0")
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    assert "noeuds.indice : tous les poids de ses enfants sont nuls" in problems(path)


def test_every_fault_is_listed(tmp_path):
    text = TEXT.replace("points_0 = 11.0", "points_0 = 36.8").replace('["pop_65_plus"]', '["x"]')
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MethodError) as error:
        load_method(path)
    assert len(error.value.problems) == 3  # the bounds, and the variable in two places
    assert "2 autre(s) erreur(s)" in error.value.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[methode\n", "ligne 1, colonne"),
        ("é".encode("latin-1"), "UTF-8"),
        (b"", "clé manquante"),
        (b"a = 1\na = 2\n", "ligne 2, colonne 6, clé en double"),
        (b"a = 0,25\n", "les décimales s'écrivent avec un point"),
    ],
)
def test_unreadable_files(tmp_path, content, expected):
    path = tmp_path / "essai.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=expected):
        load_method(path)


def test_byte_order_mark_of_windows_is_read(tmp_path):
    path = tmp_path / "essai.toml"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert load_method(path).methode.code == "fragilite-2026"


@pytest.mark.parametrize("path", ["/", "", "a\0b"])
def test_what_is_no_file(path):
    with pytest.raises(UsageError) as error:
        load_method(path)
    assert "directory" not in str(error.value)


def test_deep_tree(built, tmp_path):
    """Any depth: 1 500 levels between the root and its branch change no score."""
    levels = [
        f'[noeuds.n{k}]\nlibelle = "n{k}"\ncourt = "n{k}"\ndescription = "n{k}"\n'
        f'parent = "{f"n{k - 1}" if k else "indice"}"\npoids = {1 if k else 0.75}\n'
        for k in range(1500)
    ]
    text = TEXT.replace('parent = "indice"\npoids = 0.75', 'parent = "n1499"\npoids = 1')
    path = tmp_path / "profonde.toml"
    path.write_text(text.replace("[noeuds.competences]", "".join(levels) + "[noeuds.competences]"))
    deep = load_method(path)
    values = pd.DataFrame(
        {code: built.result.figures[code].scored for code in built.result.scores.scored}
    )
    gap = score(values, deep).noeuds["indice"] - built.result.scores.noeuds["indice"]
    assert gap.abs().max() < 1e-9
    assert "n1499" in render_method(deep)


def test_missing_file_names_the_methods():
    with pytest.raises(UsageError, match="introuvable") as error:
        load_method("nulle-part.toml")
    assert "fragilite-2026" in error.value.remedy


def test_copy_is_a_method_of_its_own(tmp_path):
    path = tmp_path / "La mienne.toml"
    copy_method("fragilite-2026", path)
    copied = load_method(path)
    assert copied.methode.code == "la-mienne"
    assert copied.sha256 != load_method().sha256
    with pytest.raises(UsageError, match="existe déjà"):
        copy_method("fragilite-2026", path)
    assert "fragilite-2026" in available_methods()


def test_numbers_of_the_method_are_not_in_the_code():
    """No bound, rate or class limit of the default method is written in Python."""
    from fragilite import dictionary, indicators, pipeline, scoring, summary

    method = load_method()
    numbers = {str(i.points_100) for i in method.indicateurs.values()} - {"50.0", "100.0"}
    numbers |= {"45.5", "25920", "0.062", "6.5"}
    for module in (dictionary, indicators, pipeline, scoring, summary):
        code = Path(module.__file__).read_text(encoding="utf-8")
        for number in numbers:
            assert not re.search(rf"(?<![\d.]){re.escape(number)}(?![\d])", code), (number, module)
