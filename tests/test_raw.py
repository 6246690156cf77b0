"""What readers of raw files share: opening, text, numbers, codes, arrondissements, the contract."""

import gzip
import zipfile
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragilite.ingestion import raw
from fragilite.ingestion.catalogue import RawFile, Vintage
from fragilite.ingestion.raw import (
    LayoutError,
    NoRowError,
    assemble,
    by_code,
    contract,
    numbers,
    one_code,
    open_text,
    read_csv,
    read_wide,
    read_xlsx,
    sum_columns,
)
from fragilite.table import Statut, Table

CSV = "CODGEO;P22_POP\n49007;157555.5\n2A004;72000\n"
RP, FILO = "insee_rp", "insee_filosofi"


def file(**fields):
    return RawFile(**{"nom": "base.zip", "genre": "zip", **fields})


def vintage(**fields):
    base = {"millesime": "2022", "cog": 2025, "mise_en_page": "base_cc", "fichiers": []}
    return Vintage(**{**base, **fields})


@pytest.fixture
def write(tmp_path):
    """Write a file from bytes or text; returns its path."""

    def _write(content, name="file.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


def zipped(**members):
    """Bytes of a zip; member names are given by keyword values ``(name, text)``."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.values():
            archive.writestr(name, text)
    return stream.getvalue()


# --- opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        gzip.compress(CSV.encode()),
        zipped(a=("base.CSV", CSV)),
        zipped(a=("folder/base_v2.CSV", CSV), b=("folder/meta_base.CSV", "COD_VAR\nx\n")),
        zipped(a=("base.CSV", CSV), b=("base-COM.CSV", "CODGEO;P22_POP\n97501;1\n")),
        zipped(a=("DS_X_data.csv", CSV), b=("DS_X_metadata.csv", "COD_VAR\nx\n")),
        zipped(a=("x.csv", CSV), b=("__MACOSX/._x.csv", "x"), c=(".DS_Store", "x")),
    ],
    ids=["plain", "gz", "upper case", "folder and v2", "overseas", "metadata", "macos"],
)
def test_content_decides_and_the_communes_are_picked(write, content):
    path = write(content, "anything.bin")
    assert open_text(path, file()).read().decode() == CSV


def test_a_member_is_named_by_a_glob_whatever_the_case(write):
    path = write(zipped(a=("FILO_COM.CSV", CSV), b=("FILO_EPCI.CSV", "x\n")))
    assert open_text(path, file(membre="filo_com.csv")).read().decode() == CSV
    with pytest.raises(LayoutError, match=r"« \*.xml » attendu .* FILO_COM.CSV, FILO_EPCI.CSV"):
        open_text(path, file(membre="*.xml"))
    with pytest.raises(LayoutError, match="un seul tableau attendu"):
        open_text(path, file())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "vide"),
        (b"\xef\xbb\xbf \n<!DOCTYPE html><p>Maintenance", "page web"),
        (b"<HTML>", "page web"),
        (b"7z\xbc\xaf\x27\x1c....", "7z"),
        (zipped(a=("base.csv", CSV))[:-30], "tronqué ou abîmé"),
        (b"PK\x03\x04 not a zip", "tronqué ou abîmé"),
        (zipped(a=("../base.csv", CSV)), "sort de son dossier"),
        (zipped(a=("/etc/base.csv", CSV)), "sort de son dossier"),
    ],
    ids=["empty", "html", "html upper", "7z", "cut zip", "no zip", "traversal", "absolute"],
)
def test_what_is_not_the_file_is_refused(write, content, told):
    with pytest.raises(LayoutError, match=told) as caught:
        open_text(write(content), file())
    assert caught.value.exit_code == 3
    assert "fragilite fetch" in caught.value.remedy


def test_a_bomb_and_a_locked_member_are_refused(write, monkeypatch):
    content = zipped(a=("base.csv", "0" * 5000))
    monkeypatch.setattr(raw, "MEMBER_MAX", 4999)
    with pytest.raises(LayoutError, match="refusé"):
        open_text(write(content), file())
    locked = bytearray(zipped(a=("base.csv", CSV)))
    directory = locked.index(b"PK\x01\x02")
    locked[directory + 8] |= 1
    with pytest.raises(LayoutError, match="chiffré"):
        open_text(write(bytes(locked)), file())


def test_a_member_damaged_inside_stops_the_reading(write):
    body = CSV + "".join(f"{code};1.0\n" for code in range(10000, 12000))
    content = bytearray(zipped(a=("base.csv", body)))
    content[content.index(b"base.csv") + 400] ^= 0xFF
    with pytest.raises(LayoutError, match="tronqué ou"):
        read_csv(RP, vintage(), file(), write(bytes(content)), ["CODGEO"])


# --- text ------------------------------------------------------------------------------------


def read(path, columns=("CODGEO", "P22_POP"), **fields):
    return read_csv(RP, vintage(), file(**fields), path, list(columns))


def test_cells_are_the_text_they_are(write):
    text = '\ufeff"CODGEO";LIBGEO;"P22_POP"\r\n01001;"A; b";"007,50"\r\n2A004;"C\nd";NA\r\n'
    table = read(write(text), ["P22_POP", "CODGEO", "LIBGEO"])
    assert list(table.columns) == ["P22_POP", "CODGEO", "LIBGEO"]
    assert table["CODGEO"].tolist() == ["01001", "2A004"]
    assert table["LIBGEO"].tolist() == ["A; b", "C\nd"]
    assert table["P22_POP"].tolist() == ["007,50", "NA"]


def test_encodings_are_tried_strictly(write):
    text = "CODGEO;LIBGEO\n49018;Baugé\n"
    for encoding in ("utf-8", "utf-8-sig", "cp1252"):
        table = read(write(text.encode(encoding)), ["CODGEO", "LIBGEO"])
        assert table["LIBGEO"].tolist() == ["Baugé"]
    with pytest.raises(LayoutError, match="encodage inattendu, hors utf-8-sig"):
        read(write(text.encode("cp1252")), ["CODGEO", "LIBGEO"], encodages=["utf-8-sig"])
    with pytest.raises(LayoutError, match="encodage inattendu"):
        read(write(b"CODGEO;\x81\x8d\n49007;1\n"), ["CODGEO"], encodages=["utf-8-sig", "cp1252"])


def test_an_accent_late_in_the_file_starts_the_reading_again(write, monkeypatch):
    monkeypatch.setattr(raw, "BLOCK", 1000)
    text = "CODGEO;LIBGEO\n" + "49007;Angers\n" * 500 + "49018;Baugé\n"
    table = read(write(text.encode("cp1252")), ["CODGEO", "LIBGEO"])
    assert len(table) == 501
    assert table["LIBGEO"].iloc[-1] == "Baugé"


def test_a_missing_column_is_named_with_what_the_file_offers(write):
    with pytest.raises(LayoutError) as caught:
        read(write("CODGEO;P21_POP;P21_MEN\n49007;1;2\n"), ["CODGEO", "P22_POP"])
    assert str(caught.value).startswith(
        "Source insee_rp, millésime 2022, fichier base.zip : colonne(s) absente(s) : P22_POP. "
        "Le fichier offre : P21_POP"
    )
    with pytest.raises(LayoutError, match="en double : P22_POP"):
        read(write("CODGEO;P22_POP;P22_POP\n49007;1;2\n"))


def test_a_ragged_line_is_an_error(write):
    with pytest.raises(LayoutError, match="tronqué ou mal formé"):
        read(write(CSV + "49126\n"))


def test_rows_are_kept_and_dropped_as_declared(write):
    text = "banner\nCODGEO;type;st;P22_POP\n49007;all;A;1\n49007;res;A;2\n49018;all;K;3\n"
    kept = read(write(text), lignes_avant=1, filtres={"type": ["all"]}, exclus={"st": ["K", "O"]})
    assert kept.to_numpy().tolist() == [["49007", "1"]]
    with pytest.raises(NoRowError, match=r"aucune ligne retenue\. type = pro .*all, res"):
        read(write(text), lignes_avant=1, filtres={"type": ["pro"]})
    with pytest.raises(LayoutError, match=r"absente.* TYPE"):
        read(write(text), lignes_avant=1, filtres={"TYPE": ["all"]})
    with pytest.raises(NoRowError):
        read(write("CODGEO;P22_POP\n"))


def workbook(rows, sheet="COM"):
    """Bytes of the least workbook that a spreadsheet opens."""
    cells = "".join(
        "<row>"
        + "".join(
            f"<c><v>{cell}</v></c>"
            if isinstance(cell, int | float)
            else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        )
        + "</row>"
        for row in rows
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    rel = '<Relationship Id="{}" Type="{}/{}" Target="{}"/>'
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relations = f'<Relationships xmlns="{package}/relationships">{{}}</Relationships>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Default Extension="rels" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/s.xml" ContentType="{kind}.worksheet+xml"/></Types>',
        "_rels/.rels": relations.format(
            rel.format("r1", office, "officeDocument", "xl/workbook.xml")
        ),
        "xl/_rels/workbook.xml.rels": relations.format(
            rel.format("r1", office, "worksheet", "s.xml")
        ),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/s.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    return zipped(**{str(rank): part for rank, part in enumerate(parts.items())})


BOOK = workbook(
    [["Champ : France"], ["CODGEO", "EPCI", "N"], ["01001", "ZZZZZZZZZ", 3], [49007, "x", 2.5]]
)


@pytest.mark.parametrize("content", [BOOK, zipped(a=("EPCI.xlsx", BOOK))], ids=["book", "in a zip"])
def test_a_sheet_is_read_as_text(write, content):
    described = file(genre="xlsx", feuille="COM", lignes_avant=1, membre="*.xlsx")
    table = read_xlsx(RP, vintage(), described, write(content), ["N", "CODGEO"])
    assert table.to_numpy().tolist() == [["3", "01001"], ["2.5", "49007"]]
    sifted = described.model_copy(update={"exclus": {"EPCI": ["ZZZZZZZZZ"]}})
    assert read_xlsx(RP, vintage(), sifted, write(content), ["N"])["N"].tolist() == ["2.5"]
    with pytest.raises(LayoutError, match=r"absente.* SIREN.* offre : CODGEO, EPCI, N"):
        read_xlsx(RP, vintage(), described, write(content), ["SIREN"])
    other = described.model_copy(update={"feuille": "ARM"})
    with pytest.raises(LayoutError, match=r"feuille absente : « ARM ».* offre : COM"):
        read_xlsx(RP, vintage(), other, write(content), ["N"])


def test_what_is_no_workbook_is_refused(write):
    with pytest.raises(LayoutError, match="classeur"):
        read_xlsx(RP, vintage(), file(genre="xlsx"), write(CSV), ["N"])


# --- numbers ---------------------------------------------------------------------------------


def column(*cells):
    return pd.DataFrame({"n": pd.Series(list(cells), dtype="str")})


def test_numbers_markers_and_spaces():
    described = file(decimale=",", secret=["s", "ns", "nd"], absent=["N/A - division par 0"])
    cells = [
        "1 234,5",
        "1\u202f234.25",
        "12\u00a0000",
        " -3,5 ",
        "s",
        "nd",
        "",
        "N/A - division par 0",
    ]
    values, secret = numbers(column(*cells), described)
    assert values["n"].tolist()[:4] == [1234.5, 1234.25, 12000, -3.5]
    assert values["n"].isna().tolist()[4:] == [True] * 4
    assert secret["n"].tolist() == [False] * 4 + [True, True, False, False]


def test_a_marker_that_looks_like_a_number_is_a_marker():
    values, secret = numbers(column("1", "999999"), file(secret=["999999"]))
    assert values["n"].isna().tolist() == secret["n"].tolist() == [False, True]


@pytest.mark.parametrize("odd", ["s", "1,5", "12%", "nan", "inf", "1-2", "0x10", "1_000", "N/A"])
def test_what_is_no_number_is_named(odd):
    with pytest.raises(LayoutError, match="colonne n, ni nombre ni marque connue : « "):
        numbers(column("1.5", odd), file())


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_read_to_the_last_bit(figures):
    written = [repr(figure) for figure in figures]
    assert numbers(column(*written), file())[0]["n"].tolist() == figures
    commas = [text.replace(".", ",") for text in written]
    assert numbers(column(*commas), file(decimale=","))[0]["n"].tolist() == figures


def test_a_sum_is_missing_or_withheld_if_one_part_is():
    values = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [10.0, 20.0, np.nan]})
    secret = pd.DataFrame({"a": [False, False, False], "b": [False, False, True]})
    total, withheld = sum_columns(values, secret, {"ab": ["a", "b"], "a": ["a"]})
    assert total["ab"].fillna(-1).tolist() == [11, -1, -1]
    assert withheld["ab"].tolist() == [False, False, True]
    assert total["a"].fillna(-1).tolist() == [1, -1, 3]


# --- codes -----------------------------------------------------------------------------------


def test_codes_are_checked_and_collectivites_dropped():
    text = pd.DataFrame(
        {"CODGEO": ["01001", "2a004", "97411", "97601", "97501", "97701", "98818"], "n": "1"}
    )
    assert by_code(RP, vintage(), file(), text).index.tolist() == [
        "01001",
        "2A004",
        "97411",
        "97601",
    ]


@pytest.mark.parametrize(
    ("code", "told"), [("1001", "zéro de tête"), ("49007.0", "comme un nombre"), ("", "cinq")]
)
def test_a_spoilt_code_stops_the_reading(code, told):
    with pytest.raises(LayoutError, match=told):
        by_code(RP, vintage(), file(), pd.DataFrame({"CODGEO": ["49007", code], "n": "1"}))


def test_a_wide_file_gives_our_variables(write):
    described = file(colonnes={"pop": ["P{aa}_H", "P{aa}_F"]}, absent=["NA"])
    path = write("CODGEO;P22_H;P22_F;X\n49007;1.5;2;a\n49126;3;NA;b\n97501;1;1;c\n")
    values, secret = read_wide(RP, vintage(), described, path)
    assert values["pop"].fillna(-1).to_dict() == {"49007": 3.5, "49126": -1}
    assert not secret.to_numpy().any()


# --- arrondissements -------------------------------------------------------------------------


def part(secret=(), **columns):
    """Figures of a file: ``code`` and one list a variable."""
    index = pd.Index(columns.pop("code"), name="code_insee", dtype="str")
    values = pd.DataFrame(columns, index=index, dtype=float)
    withheld = pd.DataFrame(False, index=index, columns=values.columns)
    for code, name in secret:
        withheld.loc[code, name] = True
    return values, withheld


LYON = [str(code) for code in range(69381, 69390)]


def test_a_commune_listed_beside_its_arrondissements_counts_once():
    table = assemble(RP, vintage(), [part(code=["69123", *LYON], pop=[500.0, *[50.0] * 9])])
    assert table.values["pop"].to_dict() == {"69123": 500.0}


def test_arrondissements_alone_are_added():
    table = assemble(RP, vintage(), [part(code=["49007", *LYON], pop=[7.0, *range(1, 10)])])
    assert table.values["pop"].to_dict() == {"49007": 7.0, "69123": 45.0}
    assert (table.statuts == Statut.PUBLIE).all(axis=None)


def test_arrondissements_with_one_missing_or_withheld():
    figures = [1.0] * 8 + [np.nan]
    table = assemble(RP, vintage(), [part(code=LYON, pop=figures)])
    assert table.statuts.loc["69123", "pop"] == Statut.ABSENT
    table = assemble(RP, vintage(), [part([("69389", "pop")], code=LYON, pop=figures)])
    assert table.statuts.loc["69123", "pop"] == Statut.SECRET


def test_the_median_of_arrondissements_is_a_weighted_mean_an_estimate():
    figures = part(
        code=["49007", *LYON],
        niveau_de_vie_median=[21000.0, *[20000.0] * 8, 30000.0],
        personnes_menages_fiscaux=[100.0, *[10.0] * 8, 20.0],
    )
    table = assemble(FILO, vintage(mise_en_page="cc_wide"), [figures])
    assert table.values.loc["69123", "niveau_de_vie_median"] == 22000
    assert table.statuts["niveau_de_vie_median"].to_dict() == {
        "49007": Statut.PUBLIE,
        "69123": Statut.ESTIME,
    }
    assert table.regles["niveau_de_vie_median"].to_dict() == {
        "49007": "",
        "69123": "moyenne pondérée des arrondissements",
    }
    assert table.values.loc["69123", "personnes_menages_fiscaux"] == 100
    alone = part(code=LYON, niveau_de_vie_median=[20000.0] * 9)
    table = assemble(FILO, vintage(mise_en_page="cc_wide"), [alone])
    assert table.statuts.loc["69123", "niveau_de_vie_median"] == Statut.ABSENT


# --- the contract ----------------------------------------------------------------------------


def table_of(source=RP, cog=2025, **columns):
    return Table.of(source, "2022", cog, part(**columns)[0])


def test_files_are_joined_on_the_commune():
    parts = [part(code=["49007", "49126"], pop=[1, 2]), part(code=["49126"], menages=[3])]
    estimated = vintage(estime={"menages": "arrondi", "familles": "absente ici"})
    table = assemble(RP, estimated, parts)
    assert table.statuts.loc["49007", "menages"] == Statut.ABSENT
    assert table.statuts.loc["49126", "menages"] == Statut.ESTIME
    assert table.regles["menages"].to_dict() == {"49007": "", "49126": "arrondi"}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"code": ["49007", "49007"], "pop": [1, 2]}, r"en double : 49007"),
        ({"code": ["49007", "49069"], "pop": [1, 2]}, r"1 code.* géographie 2025 : 49069"),
        ({"code": ["49007"], "pop": [-1]}, r"pop doit être 0 ou plus : −1,0 pour 49007"),
    ],
)
def test_the_contract_says_what_breaks_it(columns, told):
    with pytest.raises(LayoutError, match=told):
        contract(table_of(**columns), vintage())


def test_unknown_codes_say_the_geography_that_has_them():
    with pytest.raises(LayoutError, match="Tous existent en 2024, 2023, 2022, …"):
        contract(table_of(code=["49007", "49069"], pop=[1, 2]), vintage())


def test_a_percentage_and_a_declared_bound():
    rates = table_of(FILO, code=["49007"], taux_pauvrete=[101])
    with pytest.raises(LayoutError, match="entre 0 et 100"):
        contract(rates, vintage())
    medians = table_of(FILO, code=["49007"], niveau_de_vie_median=[24])
    with pytest.raises(LayoutError, match="niveau_de_vie_median doit être entre"):
        contract(medians, vintage(), bornes={"niveau_de_vie_median": (5000, 150000)})


def test_parts_must_add_up_but_for_one_commune_in_a_hundred():
    codes = [code for code in sorted(raw.codes_of(2025)) if code.startswith("49")][:150]
    half = np.full(150, 50.0)
    identity = {"pop": [["pop_65_plus", "pop_0_14"], ["pop", "not read"]]}
    rounded = table_of(code=codes, pop=half * 2 + 0.9, pop_65_plus=half, pop_0_14=half)
    assert contract(rounded, vintage(), identites=identity) is rounded
    one = np.where(np.arange(150) < 1, 60.0, half)
    contract(
        table_of(code=codes, pop=half * 2, pop_65_plus=one, pop_0_14=half),
        vintage(),
        identites=identity,
    )
    two = np.where(np.arange(150) < 2, 60.0, half)
    with pytest.raises(LayoutError, match=r"pop_65_plus \+ pop_0_14 devrait valoir pop : 110,0"):
        contract(
            table_of(code=codes, pop=half * 2, pop_65_plus=two, pop_0_14=half),
            vintage(),
            identites=identity,
        )


def test_a_national_table_must_reach_the_published_total():
    codes = sorted(raw.codes_of(2025))
    declared = vintage(totaux={"pop": [1000.0 * len(codes), 0.002], "menages": [1, 0.1]})
    contract(table_of(code=codes, pop=[1000.0] * len(codes)), declared)
    with pytest.raises(LayoutError, match=r"total national de pop : .* à 0,2 % près"):
        contract(table_of(code=codes, pop=[1003.0] * len(codes)), declared)
    some = [code for code in codes if code < "20"]
    contract(table_of(code=some, pop=[1000.0] * len(some)), declared)


def test_an_unknown_layout_and_files_that_are_not_there(tmp_path):
    odd = vintage(mise_en_page="cube", fichiers=[file()])
    with pytest.raises(LayoutError, match=r"mise en page inconnue : cube \(connues : base_cc\)"):
        raw.read_parts(RP, odd, {}, {"base_cc": read_wide})
    with pytest.raises(LayoutError, match=r"à portée \(base.zip\)"):
        raw.read_parts(RP, vintage(fichiers=[file()]), {}, {"base_cc": read_wide})


def test_one_commune_under_two_codes():
    """Orée d'Anjou in one file: 49069 has the income, 49126 the census."""
    values = pd.DataFrame(
        {"mediane": [22910.0, np.nan, 21800.0], "pop": [np.nan, 16975.0, 3069.0]},
        index=["49069", "49126", "49160"],
    )
    nothing = pd.DataFrame(False, index=values.index, columns=values.columns)
    merged, secret = one_code((values, nothing), 2026)
    assert merged.loc["49126"].tolist() == [22910, 16975]
    assert merged.index.tolist() == ["49126", "49160"]
    assert not secret.any(axis=None)
    values.loc["49069", "pop"] = 16000.0  # two figures for one commune: not ours to choose
    kept, _ = one_code((values, nothing), 2026)
    assert kept.index.has_duplicates
