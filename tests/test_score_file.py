"""Scores of somebody else: columns found, codes mended, what cannot be read named."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite.errors import UsageError
from fragilite.outputs import tables
from fragilite.score_file import read_scores
from fragilite.user_table import parse_figure

COMMUNES = pd.Series(
    {
        "01001": "L'Abergement-Clémenciat", "2A004": "Ajaccio", "49003": "Tuffalun",
        "49007": "Angers", "49015": "Avrillé", "49126": "Orée d'Anjou", "49328": "Saumur",
        "75056": "Paris",
    }
)  # fmt: skip
EPCI = pd.Series({"200060010": "CA Mauges Communauté", "244900015": "CU Angers Loire Métropole"})


@pytest.fixture
def read(tmp_path):
    def _read(text, column="", **options):
        path = tmp_path / "ifn.csv"
        path.write_text(text, encoding="utf-8")
        return read_scores(path, column, **({"communes": COMMUNES} | options))

    return _read


def said(file, start):
    """The only remark that begins, or goes on, like this."""
    (found,) = [text for text in file.remarques if start in text]
    return found


# --- numbers -------------------------------------------------------------------------------------


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_numbers_are_read_as_the_french_and_machines_write_them(value, decimals):
    text = f"{value:,.{decimals}f}"
    for separators in ((",", "", ".", "."), (",", " ", ".", ","), (",", "\u202f", ".", ",")):
        thousands, space, point, mark = separators
        shown = text.replace(point, "#").replace(thousands, space).replace("#", mark)
        assert parse_figure(shown) == parse_figure(shown + " %") == float(text.replace(",", ""))
    assert parse_figure(repr(value)) == value


@pytest.mark.parametrize("text", ["élevé", "", "1,234.5", "inf", "nan", "12a", "-", "1-2", "٣x"])
def test_what_is_no_number(text):
    assert parse_figure(text) != parse_figure(text)


# --- columns -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["code_insee", "CODGEO", "insee", "Code commune", "COM", "Code INSEE", "DEPCOM"]
)
def test_usual_names_of_codes(read, name):
    file = read(f"numéro;{name};total\n12345;49007;1\n12346;49328;2\n", "total")
    assert (file.colonne_code, file.niveau) == (name, "commune")
    assert file.values.to_dict() == {"49007": 1.0, "49328": 2.0}


def test_codes_are_found_by_content_and_headcounts_are_not_codes(read):
    file = read("habitants;lieu;score\n49100;49007;1\n27000;49328;2\n13900;49015;3\n", "score")
    assert file.colonne_code == "lieu"  # no commune was ever 27000 nor 49100
    with pytest.raises(UsageError, match="aucune colonne de codes") as error:
        read("a;b\nx;1\ny;2\n")
    assert error.value.remedy == "Nommez-la : --code NOM"
    assert "a et b" in error.value.message


def test_a_column_of_codes_may_be_given(read):
    text = "code_insee;ancien;v\n49328;49007;1\n49007;49328;2\n"
    assert read(text, "v", code="Ancien").values["49007"] == 1
    with pytest.raises(UsageError, match=r"codes de communes .* attendus, trouvé « 1 » et « 2 »"):
        read(text, "v", code="v")
    with pytest.raises(UsageError, match="colonne « x » absente"):
        read(text, "v", code="x")


def test_the_score_column_may_be_left_out_where_there_is_no_doubt(read):
    assert read("insee;nom;total\n49007;a;1\n49328;b;s\n").colonne == "total"
    assert read("insee;indice;autre\n49007;1;5\n").colonne == "indice"
    with pytest.raises(UsageError, match=r"quelle colonne .* Plusieurs .* : a et b") as error:
        read("insee;code_epci;a;b;nom\n49007;244900015;1;2;x\n")
    assert error.value.remedy == "Nommez-la : --column NOM"
    with pytest.raises(UsageError, match=r"Aucune colonne de nombres. Colonnes : insee et nom"):
        read("insee;nom\n49007;x\n")
    with pytest.raises(UsageError, match=r"colonne « totl » absente. Vouliez-vous dire « total »"):
        read("insee;total\n49007;1\n", "totl")


# --- codes ---------------------------------------------------------------------------------------


def test_spoilt_codes_are_restored_and_said_once(read):
    file = read('insee;v\n1001;1\n49007.0;2\n49 328;3\n2a004;4\n"=""49015""";5\n')
    assert file.values.to_dict() == {
        "01001": 1.0, "2A004": 4.0, "49007": 2.0, "49015": 5.0, "49328": 3.0
    }  # fmt: skip
    assert said(file, "rétabli") == (
        "4 codes rétablis (zéro de tête perdu, espaces ou décimales), comme « 1001 » lu 01001."
    )


def test_unknown_codes_are_named_and_communes_elsewhere_counted(read):
    lines = "".join(f"9999{n};1\n" for n in range(7))
    file = read(f"insee;v\n49007;1\n35238;2\n44109;3\n97701;1\n;9\nXX;1\n{lines}")
    assert file.values.to_dict() == {"49007": 1.0}
    assert said(file, "inconnus") == (
        "8 codes inconnus au 1er janvier 2026, mis de côté : « 99990 », « 99991 », « 99992 », "
        "« 99993 », « 99994 » et 3 de plus."
    )
    assert "3 communes du fichier hors du calcul." in file.remarques
    assert "1 ligne sans code." in file.remarques


def test_a_commune_that_only_changed_code_is_followed(read):
    file = read("insee;v\n49069;1\n49007;2\n")
    assert file.values.to_dict() == {"49007": 2.0, "49126": 1.0}
    assert said(file, "suivi") == "Code changé depuis, suivi : 49069 est 49126 Orée d'Anjou."


def test_former_communes_are_set_aside_with_the_one_that_bears_the_code_of_the_whole(read):
    """49181 (Louerre) joined 49003, then Ambillou-Château; 49040 joined what is now 49126."""
    file = read("insee;v\n49003;1\n49181;2\n49040;3\n49069;4\n49007;5\n")
    assert file.values.to_dict() == {"49007": 5.0}
    assert said(file, "anciennes communes") == (
        "2 codes d'anciennes communes ou de parties de commune, mis de côté (des scores ne "
        "s'additionnent pas) : 49040 (aujourd'hui dans 49126 Orée d'Anjou) et 49181 (aujourd'hui "
        "dans 49003 Tuffalun)."
    )
    assert said(file, "avant ces regroupements").endswith("49003 Tuffalun et 49126 Orée d'Anjou.")
    assert not any("suivi" in text for text in file.remarques)


def test_arrondissements_do_not_spoil_their_commune(read):
    file = read("insee;v\n75056;1\n75101;2\n75102;3\n")
    assert file.values.to_dict() == {"75056": 1.0}
    assert "75101 (aujourd'hui dans 75056 Paris)" in said(file, "parties de commune")


def test_codes_are_those_of_the_year_of_the_build(read):
    former = pd.Series({"49003": "Ambillou-Château", "49181": "Louerre"})
    file = read("insee;v\n49003;1\n49181;2\n", communes=former, annee=2014)
    assert file.values.to_dict() == {"49003": 1.0, "49181": 2.0}
    assert file.remarques == []


def test_nothing_in_common(read):
    with pytest.raises(UsageError, match=r"aucun code n'est celui d'une commune du calcul. 1 com"):
        read("insee;v\n35238;1\n")


def test_epci(read):
    text = "EPCI;taux\n200 060 010;1,5\n244900015.0;2\n243500139;4\nCC de X;4\n"
    file = read(text, epci=EPCI)
    assert (file.niveau, file.values.index.name) == ("epci", "code_epci")
    assert file.values.to_dict() == {"200060010": 1.5, "244900015": 2.0}
    assert "1 EPCI du fichier hors du calcul." in file.remarques
    assert said(file, "inconnu") == "1 code inconnu, mis de côté : « CCDEX »."
    with pytest.raises(UsageError, match="codes d'EPCI, il faut des communes"):
        read(text)


# --- scores --------------------------------------------------------------------------------------


def test_text_among_scores_is_named_with_its_line(read):
    file = read("insee;v\n49007;1\n49328;élevé\n49015;ns\n01001;\n35238;bas\n", "v")
    assert file.values.to_dict() == {"49007": 1.0}
    assert said(file, "du texte") == (
        "Colonne v, du texte au lieu d'un nombre, mis de côté : ligne 3 (49328 Saumur) « élevé »."
    )
    assert said(file, "vides") == "Colonne v : 2 cellules vides pour les territoires du calcul."


def test_many_texts_are_counted(read):
    codes = [*COMMUNES.index[:7]]
    lines = "".join(f"{code};x{code}\n" for code in codes)
    file = read(f"insee;v\n75056;1\n{lines}", "v")
    assert said(file, "du texte").endswith("« x49015 » et 2 de plus.")


def test_a_column_without_a_number(read):
    with pytest.raises(UsageError, match=r"colonne nom : aucun nombre .*« Angers »") as error:
        read("insee;nom;v\n49007;Angers;1\n", "nom")
    assert error.value.remedy == "Colonnes de nombres, pour --column : v."


def test_duplicates(read):
    file = read("insee;v\n49007;1\n49007;1,0\n49328;1\n49328;2\n49015;3\n49015;\n")
    assert file.values.to_dict() == {"49007": 1.0, "49015": 3.0}
    assert said(file, "même score").endswith("lus une fois : 49007 Angers.")
    assert said(file, "différents").endswith("mis de côté : 49328 Saumur.")
    with pytest.raises(UsageError, match="chaque code y est plusieurs fois"):
        read("insee;v\n49007;1\n49007;2\n")


# --- our own files -------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", [tables.write_csv, tables.write_excel_csv])
def test_our_own_files_give_their_contributions(built, tmp_path, writer):
    writer(built, tmp_path / "fragilite_49.csv")
    names = built.inputs.communes["nom"]
    file = read_scores(tmp_path / "fragilite_49.csv", communes=names)
    assert (file.colonne, file.colonne_code, file.remarques) == ("indice", "code_insee", [])
    index = built.communes.set_index("code_insee")["indice"]
    pd.testing.assert_series_equal(file.values, index, check_names=False, atol=0.051, rtol=0)
    parts = built.result.scores.contributions
    pd.testing.assert_frame_equal(
        file.contributions[parts.columns], parts, check_names=False, atol=0.051, rtol=0
    )
    other = read_scores(tmp_path / "fragilite_49.csv", "fragilite_sociale", communes=names)
    assert other.contributions is None  # they add up to the index only


def test_the_sheet_of_codes_is_chosen_in_a_workbook(tmp_path):
    path = tmp_path / "scores.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"mot": ["a"], "sens": ["b"]}).to_excel(book, sheet_name="Mots", index=False)
        frame = pd.DataFrame({"CODGEO": [1001, 49007], "total": [2.5, 3.0]})
        frame.to_excel(book, sheet_name="Communes", index=False)
    file = read_scores(path, communes=COMMUNES)
    assert file.values.to_dict() == {"01001": 2.5, "49007": 3.0}
