"""ANCT copper: zones added, then rounded; years cumulated."""

from pathlib import Path

import pandas as pd
import pytest

from fragilite.ingestion import anct
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.raw import LayoutError

PATH = Path(__file__).parent / "fixtures/anct_cuivre/ftth-cu.csv"
VINTAGE = load_sources()["anct_cuivre"].millesimes[0]


def read(path: Path = PATH):
    return anct.read("anct_cuivre", VINTAGE, {VINTAGE.fichiers[0].nom: path})


def rewritten(tmp_path: Path, before: str, after: str) -> Path:
    text = PATH.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / PATH.name).write_text(text.replace(before, after), encoding="utf-8")
    return tmp_path / PATH.name


def test_zones_of_a_commune_are_added_then_rounded():
    table = read()
    assert table.values.loc["49126"].to_list() == [0, 0, 0, 1, 101, 400]  # 0.3 + 0.4, not 0 + 0
    assert table.values.loc["49007"].to_list() == [0, 0, 0, 11, 20, 1000]
    assert list(table.values) == [f"locaux_perdant_le_cuivre_{year}" for year in range(2025, 2031)]


def test_lyon_is_whole_and_collectivites_are_dropped():
    assert sorted(read().values.index) == ["49007", "49126", "69123"]


def test_another_quarter_is_refused(tmp_path):
    with pytest.raises(LayoutError, match="trimestre 2026_T1, 2026_T2 attendu"):
        read(rewritten(tmp_path, "2026 T2", "2026 T1"))


def test_years_must_be_cumulated(tmp_path):
    with pytest.raises(LayoutError, match="cumulées"):
        read(rewritten(tmp_path, "40.17,40.17,40.17,5000,5000", "40.17,0,0,5000,0"))


def test_a_year_that_is_gone_is_named(tmp_path):
    with pytest.raises(LayoutError, match=r"absente\(s\) : ferm_cu30.*offre : ferm_cu31"):
        read(rewritten(tmp_path, "ferm_cu30", "ferm_cu31"))


def test_a_missing_zone_makes_the_commune_absent(tmp_path):
    table = read(rewritten(tmp_path, "0,0,0,0.4,0.2,100.4", "0,0,0,,0.2,100.4"))
    assert table.values.loc["49126"].isna().to_list() == [False] * 3 + [True] + [False] * 2


def test_the_bundled_figures_are_found_again(shared_data, bundled_49, tmp_path):
    extract = pd.read_csv(shared_data / "extracts_49/arcep_ftth_2026_T2_49.csv", sep=";", dtype=str)
    extract = extract.rename(columns={"code_insee": "insee_com"}).assign(trimestre="2026 T2")
    extract = extract.rename(columns=lambda name: name.replace("cuivre_cumul_20", "ferm_cu"))
    extract.to_csv(tmp_path / "49.csv", index=False)
    bundled = bundled_49("anct_cuivre_2026_T2.csv")
    pd.testing.assert_frame_equal(read(tmp_path / "49.csv").values[list(bundled)], bundled)
