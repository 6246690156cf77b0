"""ARCEP fixed: three layouts, and the files that look like one of them."""

from pathlib import Path

import pandas as pd
import pytest

from fragilite.errors import SourceUnavailableError
from fragilite.ingestion import arcep_fixe
from fragilite.ingestion.catalogue import Vintage, load_sources
from fragilite.ingestion.raw import LayoutError
from fragilite.table import Statut

FOLDER = Path(__file__).parent / "fixtures/arcep_fixe"
SOURCE = "arcep_fixe"


def vintage(millesime: str, **changes) -> Vintage:
    declared = {v.millesime: v for v in load_sources()[SOURCE].millesimes}
    return declared[millesime].model_copy(update=changes)


def read(millesime: str, folder: Path = FOLDER, **changes):
    asked = vintage(millesime, **changes)
    paths = {f.nom: folder / f.nom for f in asked.fichiers if (folder / f.nom).exists()}
    return arcep_fixe.read(SOURCE, asked, paths)


def rewritten(tmp_path: Path, name: str, *changes: tuple[str, str], into: str = "") -> Path:
    """A folder with the fixtures, one of them altered."""
    for path in FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (FOLDER / name).read_text(encoding="utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (tmp_path / (into or name)).write_text(text, encoding="utf-8")
    return tmp_path


def test_two_files_of_a_quarter_make_one_table():
    table = read("2026_T2")
    assert table.cog == 2026
    assert table.values.loc["49007"].to_dict() == {
        "locaux": 5000,
        "locaux_ftth": 4800,
        "locaux_cable": 100,
        "locaux_30m": 4920,
    }
    assert table.values.loc["75056", "locaux"] == 9000
    assert (table.statuts == Statut.PUBLIE).all(axis=None)


def test_collectivites_are_dropped_mayotte_is_kept():
    assert list(read("2026_T2").values.index) == [
        "01001",
        "2A004",
        "49007",
        "49126",
        "75056",
        "97608",
    ]


def test_only_type_all_counts(tmp_path):
    folder = rewritten(tmp_path, "commune_meilleure_techno_thd.csv", (";all;", ";logloc;"))
    with pytest.raises(LayoutError, match=r"type = all \(il offre : logement, logloc\)"):
        read("2026_T2", folder)


def test_the_second_file_may_be_left_out(tmp_path):
    name = "commune_meilleure_techno_thd.csv"
    (tmp_path / name).write_bytes((FOLDER / name).read_bytes())
    assert list(read("2026_T2", tmp_path).values) == ["locaux", "locaux_ftth", "locaux_cable"]


def test_elig_4fg_before_2021(tmp_path):
    name = "commune_meilleure_techno_thd.csv"
    folder = rewritten(tmp_path, name, ("elig_4gf", "elig_4fg"))
    assert read("2026_T2", folder).values.equals(read("2026_T2").values)


def test_best_technologies_add_up(tmp_path):
    name = "commune_meilleure_techno_thd.csv"
    folder = rewritten(tmp_path, name, ("all;4990;4800;", "all;4990;4801;"))
    with pytest.raises(LayoutError, match=r"technologies doivent donner nbr_elig_8 .* 49007"):
        read("2026_T2", folder)


def test_speeds_are_cumulated(tmp_path):
    folder = rewritten(tmp_path, "commune_debit_filaire.csv", ("4920;4900", "4920;4930"))
    with pytest.raises(LayoutError, match="cumuls décroissants"):
        read("2026_T2", folder)


def test_another_quarter_is_refused(tmp_path):
    folder = rewritten(tmp_path, "commune_debit_filaire.csv", ("2026-06-30", "2026-03-31"))
    with pytest.raises(LayoutError, match="données au 2026-03-31, attendues au 2026-06-30"):
        read("2026_T2", folder)


def test_two_files_count_the_same_premises(tmp_path):
    folder = rewritten(tmp_path, "commune_debit_filaire.csv", (";9000;all;", ";9900;all;"))
    with pytest.raises(LayoutError, match="pas du même trimestre"):
        read("2026_T2", folder)


@pytest.mark.parametrize("name", ["commune_debit", "commune_debit_terrestre"])
def test_files_that_count_satellite_or_radio_are_refused_by_name(tmp_path, name):
    source = (FOLDER / "commune_debit_filaire.csv").read_bytes()
    (tmp_path / f"{name}.csv").write_bytes(source)
    asked = vintage("2026_T2")
    with pytest.raises(LayoutError, match=rf"{name}\.csv compte .* commune_debit_filaire\.csv"):
        paths = {asked.fichiers[1].nom: tmp_path / f"{name}.csv"}
        arcep_fixe.read(SOURCE, asked, paths)


def test_a_file_that_counts_satellite_is_refused_by_content(tmp_path):
    header = (FOLDER / "commune_debit_filaire.csv").read_text(encoding="utf-8").splitlines()[0]
    rows = [f"490{n:02};X;49;52;9;all;0;9;9;9;9;9;5;2026-06-30" for n in range(10, 60)]
    path = tmp_path / "c.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    asked = vintage("2026_T2")
    with pytest.raises(LayoutError, match="satellite"):
        arcep_fixe.read(SOURCE, asked, {asked.fichiers[1].nom: path})


def test_a_file_that_counts_radio_is_refused_beside_the_other(tmp_path):
    # In each commune: fibre, cable and copper, then radio and 4G boxes as well.
    changes = [
        (";395;395;395;385;", ";398;398;398;388;"),
        (";980;980;980;960;", ";980;980;980;980;"),
        (";4950;4950;4950;4920;", ";4960;4960;4960;4960;"),
        (";750;750;750;730;", ";790;790;790;770;"),
        (";8995;8995;8995;8995;", ";9000;9000;9000;9000;"),
        (";300;0;0;0;0;0;0;", ";0;300;300;300;200;0;0;"),
    ]
    folder = rewritten(tmp_path, "commune_debit_filaire.csv", *changes)
    with pytest.raises(LayoutError, match="de la radio"):
        read("2026_T2", folder)


def test_2019_speeds_are_classes_that_add_up():
    table = read("2019_T3")
    assert table.cog == 2018
    assert table.values.loc["49007"].to_dict() == {"locaux": 1000, "locaux_30m": 600}
    assert table.values.loc["49069", "locaux_30m"] == 10
    assert "97801" not in table.values.index


def test_2019_classes_that_do_not_add_up(tmp_path):
    folder = rewritten(tmp_path, "commune-debit-beta.csv", (";380;100;", ";390;100;"))
    with pytest.raises(LayoutError, match="classes de débit doivent donner nbr"):
        read("2019_T3", folder)


def test_todays_layout_is_not_that_of_2019(tmp_path):
    (tmp_path / "commune-debit-beta.csv").write_bytes(
        b"banniere\n" + (FOLDER / "commune_debit_filaire.csv").read_bytes()
    )
    with pytest.raises(LayoutError, match=r"elig_hd8.*offre : elig_bhd8"):
        read("2019_T3", tmp_path)


def test_errors_are_those_of_a_source():
    assert issubclass(LayoutError, SourceUnavailableError)


# --- real files ------------------------------------------------------------------------------


def real(shared_data: Path, millesime: str, *relative: str):
    asked = vintage(millesime)
    names = [file.nom for file in asked.fichiers]
    paths = {name: shared_data / path for name, path in zip(names, relative, strict=False)}
    return arcep_fixe.read(SOURCE, asked, paths)


def test_the_bundled_figures_are_found_again(shared_data, bundled_49):
    name = "extracts_49/arcep_2026_T2/commune_meilleure_techno_thd.csv"
    bundled = bundled_49("arcep_fixe_2026_T2.csv")
    wired = bundled.pop("locaux_30m")
    pd.testing.assert_frame_equal(real(shared_data, "2026_T2", name).values[list(bundled)], bundled)
    # The speed of copper is not known there: only fibre and cable are sure to give 30 Mbit/s.
    assert (wired == bundled["locaux_ftth"] + bundled["locaux_cable"]).all()


def test_real_heads_of_2026(shared_data):
    folder = "publisher/arcep_samples_2026"
    table = real(shared_data, "2026_T2", f"{folder}/internet-mci-best.csv")
    assert table.values.loc["75056", "locaux_ftth"] == 1597360
    # The other head at hand counts radio: 14 premises of 4G boxes beside 445 of fibre in 05157.
    with pytest.raises(LayoutError, match="de la radio"):
        real(
            shared_data,
            "2026_T2",
            f"{folder}/internet-mci-best.csv",
            f"{folder}/internet-mci-debit.csv",
        )


def test_all_of_france_2024(shared_data):
    table = real(
        shared_data, "2024_T1", "reconstructed/arcep_2024_T1/commune_meilleure_techno_thd.csv"
    )
    assert len(table.values) == 34939
    assert (table.statuts["locaux_30m"] == Statut.ESTIME).all()
    assert not {"97701", "97801"} & set(table.values.index)


def test_all_of_france_2019(shared_data):
    table = real(shared_data, "2019_T3", "publisher/arcep_fixe/2019_T3/commune-debit-beta.csv")
    assert table.values.shape == (35357, 2)
    share = table.values["locaux_30m"].sum() / table.values["locaux"].sum()
    assert share == pytest.approx(0.556, abs=0.001)
