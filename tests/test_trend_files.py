"""A trend from the publishers' own files: earlier vintages held in the same wide census file."""

import io
import json
import zipfile

import pandas as pd
import pytest
from publishers import OPTIONS, lay_out

#: Columns of 2022 that the files also have for 2016, and what they were then.
THEN = {
    "P22_POP": 0.98, "P22_H65P": 0.85, "P22_F65P": 0.85, "P22_POP80P_PSEUL": 0.9,
    "P22_NSCOL15P": 1.0, "P22_NSCOL15P_DIPLMIN": 1.1, "P22_NSCOL15P_BEPC": 1.1,
    "P22_NSCOL15P_CAPBEP": 1.1, "P22_ACT1564": 1.0, "P22_CHOM1564": 1.2,
    "C22_MEN": 0.95, "C22_MENPSEUL": 0.9,
}  # fmt: skip


def with_2016(content: bytes) -> bytes:
    """A census zip whose table also has columns of 2016."""
    source = zipfile.ZipFile(io.BytesIO(content))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            data = source.read(name)
            if not name.startswith("meta_") and "-COM" not in name:
                table = pd.read_csv(io.BytesIO(data), sep=";", dtype={"CODGEO": str})
                for column, factor in THEN.items():
                    if column in table:
                        table[column.replace("22", "16", 1)] = table[column] * factor
                data = table.to_csv(sep=";", index=False).encode()
            archive.writestr(name, data)
    return target.getvalue()


@pytest.fixture(scope="module")
def heap(tmp_path_factory):
    """A folder of files as a user drops them."""
    published = tmp_path_factory.mktemp("producteurs")
    lay_out(published)
    folder = tmp_path_factory.mktemp("vrac")
    for path in published.rglob("*"):
        if path.is_file() and not path.name.endswith(".7z"):
            content = path.read_bytes()
            census = path.name.startswith("base-cc-") and "filosofi" not in path.name
            (folder / path.name).write_bytes(with_2016(content) if census else content)
    return folder


def rows_of(path):
    table = pd.read_csv(
        path, dtype={"code_insee": str, "millesime_avant": str}, keep_default_na=False
    )
    return table.set_index(["indicateur", "code_insee"])


def test_series_of_a_wide_file(run, heap, tmp_path):
    """RP 2016 in the file of RP 2022: ages compare, diplomas of before 2017 do not."""
    out = tmp_path / "changement.csv"
    code, text, err = run("trend", "--dept", "49", "--raw", heap, "--offline", *OPTIONS, "-o", out)
    assert code == 0, err
    plain = " ".join(text.split())
    assert "65 ans ou plus, 2016 → 2022" in text
    assert "diplôme" not in plain.partition("Ce qui ne se compare pas")[0].partition("Indice")[0]
    assert "ne se comparent qu'à partir du recensement de 2017" in plain
    assert "Ce qu'y apportent la scolarité et le reste n'est pas mesuré ici." in plain
    table = rows_of(out)
    # 0.85 / 0.98 of the share of today.
    old = table.loc["part_65_plus"].astype({"valeur_avant": float, "valeur_apres": float})
    ratio = old["valeur_avant"] / old["valeur_apres"]
    assert (ratio - 0.85 / 0.98).abs().max() < 1e-4
    alone = table.loc["part_80_plus_vivant_seuls"]
    assert alone.loc["49126", "raison"] == "valeur manquante en 2016"
    assert alone["lecture"].eq("pas de changement démontré").sum() > 150
    # Where one is missing at both dates, the index compares the others.
    assert table.loc["indice"]["lecture"].ne("").all()


def test_index_that_two_indicators_move(run, heap):
    facts = json.loads(
        run("trend", "--dept", "49", "--raw", heap, "--offline", *OPTIONS, "--json")[1]
    )
    (index,) = facts["indice"]
    assert index["compares"] == ["65 ans ou plus", "80 ans ou plus vivant seuls"]
    (whole,) = [row for row in index["groupes"] if row["niveau"] == "departement"]
    points = {one["code"]: one["points"] for one in whole["parts"]}
    assert points["scolarite"] is None
    assert points["reste"] is None
    assert points["vieillissement"] == pytest.approx(whole["changement"])


def test_a_year_that_the_files_do_not_hold(run, heap):
    arguments = ["trend", "--dept", "49", "--raw", heap, "--offline", *OPTIONS, "--since", "2017"]
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Millésime antérieur inconnu ici : « 2017 ». À portée : 2016." in err


def test_files_without_any_earlier_year(run, tmp_path_factory):
    """The same files as their publishers of today lay them out, but for the years before."""
    published, folder = (tmp_path_factory.mktemp(name) for name in ("sans", "series"))
    lay_out(published)
    for path in published.rglob("*"):
        if path.is_file() and not path.name.endswith(".7z"):
            (folder / path.name).write_bytes(path.read_bytes())
    code, out, err = run("trend", "--dept", "49", "--raw", folder, "--offline", *OPTIONS)
    assert (code, out) == (3, "")
    assert "Aucun millésime antérieur à portée pour Maine-et-Loire (49)" in err
    assert "fragilite fetch insee_rp" in err
