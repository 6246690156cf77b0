"""4G coverage measured on communes: hand-computed squares, and every way a file may differ.

No real file is at hand: these are made from the documented layout (a GeoPackage in a 7z archive,
one an operator; ``operateur``, ``date``, ``techno``, ``usage``, ``niveau``, ``dept``).
"""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import py7zr
import pytest
import shapely
from pyproj import CRS
from shapely import box

from fragilite.cog import LAMBERT_93
from fragilite.errors import FragiliteError, SourceUnavailableError
from fragilite.ingestion.catalogue import RawFile, Vintage, load_sources
from fragilite.ingestion.mobile_coverage import covered_area, measure, subdivide
from fragilite.ingestion.raw import LayoutError
from fragilite.table import Statut

SOURCE = "arcep_4g"
X, Y = 400_000, 6_700_000
LEVELS = ["TBC", "BC", "CL"]


def square(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    """A rectangle on a grid of 10 km: 100 km² a cell."""
    return box(
        X + 1e4 * column, Y + 1e4 * row, X + 1e4 * (column + width), Y + 1e4 * (row + height)
    )


COMMUNES = gpd.GeoDataFrame(
    {"code_insee": ["49007", "49002", "44180"]},
    geometry=[square(0, 0), square(1, 0), square(-1, 0)],
    crs=LAMBERT_93,
)


def file(operator: str, **changes) -> RawFile:
    declared = {"operateur": [operator], "techno": ["4G"], "usage": ["data"], "niveau": LEVELS}
    filters = declared | changes.pop("filtres", {})
    name = f"2026_T1_couv_Metropole_{operator}_4G_data.gpkg.7z"
    return RawFile(nom=name, genre="7z", membre="*.gpkg", filtres=filters, **changes)


def vintage(*files: RawFile) -> Vintage:
    return Vintage(
        millesime="2026_T1",
        cog=2026,
        mise_en_page="couverture",
        donnees_au="2026-03-31",
        fichiers=list(files),
    )


def rows(*polygons, operator=20801, **columns) -> gpd.GeoDataFrame:
    """Polygons of a map: (level, département, geometry)."""
    table = gpd.GeoDataFrame(
        {
            "operateur": operator,
            "date": "2026-03-31",
            "techno": "4G",
            "usage": "data",
            "niveau": [level for level, _, _ in polygons],
            "dept": [dept for _, dept, _ in polygons],
        },
        geometry=[shape for _, _, shape in polygons],
        crs=LAMBERT_93,
    )
    return table.assign(**columns)


def packed(folder: Path, name: str, table: gpd.GeoDataFrame, inside: str = "") -> Path:
    """The archive of a map, as ARCEP publishes it."""
    bare = folder / name.removesuffix(".7z")
    bare.unlink(missing_ok=True)
    table.to_file(bare, driver="GPKG", layer=bare.stem)
    with py7zr.SevenZipFile(folder / name, "w") as archive:
        archive.write(bare, inside or bare.name)
    bare.unlink()
    return folder / name


def measured(folder: Path, *tables: gpd.GeoDataFrame, communes=COMMUNES, **declared):
    """Measure maps, the operator of each being that of its rows."""
    files = [file(str(table["operateur"].iloc[0]), **declared) for table in tables]
    paths = {f.nom: packed(folder, f.nom, table) for f, table in zip(files, tables, strict=True)}
    return measure(SOURCE, vintage(*files), paths, communes, 2026)


def covered(result) -> dict[str, float]:
    return result.table.values["surface_4g_km2"].round(6).to_dict()


LOIRE = ("TBC", "44", square(-1, 0))


# --- what is measured ------------------------------------------------------------------------


def test_levels_add_up_and_overlaps_count_once(tmp_path):
    result = measured(
        tmp_path,
        rows(
            ("TBC", "49", square(0, 0, 0.5)),  # the west half of 49007
            ("BC", "49", square(0.25, 0, 0.5)),  # half of it again, and a quarter more
            ("CL", "49", square(0, 0.5, 1, 0.1)),  # a strip: a quarter of it is new, 2.5 km²
            ("CL", "49", square(1.9, -1, 5, 5)),  # spills out of 49002
            LOIRE,
        ),
    )
    assert covered(result) == {"49007": 77.5, "49002": 10, "44180": 100}
    assert result.table.values["surface_km2"].round(6).to_list() == [100, 100, 100]
    assert (result.table.statuts == Statut.PUBLIE).all(axis=None)
    assert result.notes == []


def test_the_least_covering_operator_of_each_commune(tmp_path):
    result = measured(
        tmp_path,
        rows(("TBC", "49", square(0, 0, 2)), LOIRE),
        rows(("TBC", "49", square(0, 0, 0.3)), LOIRE, operator=20810),
        rows(("TBC", "49", square(0.5, 0, 1)), LOIRE, operator=20815),
    )
    assert covered(result) == {"49007": 30, "49002": 0, "44180": 100}
    assert result.operators.loc["49002"].round(6).to_list() == [100, 0, 50]


def test_a_commune_in_two_pieces_and_a_hole(tmp_path):
    commune = gpd.GeoDataFrame(
        {"code_insee": ["49007"]},
        geometry=[shapely.MultiPolygon([square(0, 0), square(3, 0)])],
        crs=LAMBERT_93,
    )
    ring = square(-1, -1, 6, 3) - square(0, 0, 0.5)
    assert covered(measured(tmp_path, rows(("TBC", "49", ring)), communes=commune)) == {
        "49007": 150
    }


def test_outlines_in_degrees_are_measured_in_the_legal_projection(tmp_path):
    result = measured(
        tmp_path, rows(("TBC", "49", square(0, 0, 0.5)), LOIRE), communes=COMMUNES.to_crs(4326)
    )
    assert covered(result)["49007"] == pytest.approx(50, rel=1e-4)  # straight edges bend


def test_each_overseas_territory_in_its_own_projection(tmp_path):
    reunion = gpd.GeoDataFrame(
        {"code_insee": ["97411"]}, geometry=[box(340_000, 7_680_000, 350_000, 7_690_000)], crs=2975
    )
    islands = pd.concat([COMMUNES.to_crs(4326), reunion.to_crs(4326)])
    half = rows(("TBC", "974", box(340_000, 7_680_000, 345_000, 7_690_000)), operator=64700)
    files = [file("20801"), file("64700", filtres={"dept": ["974"], "niveau": [*LEVELS, ""]})]
    tables = [rows(("TBC", "49", square(0, 0, 2)), LOIRE), half.set_crs(2975, allow_override=True)]
    paths = {f.nom: packed(tmp_path, f.nom, t) for f, t in zip(files, tables, strict=True)}
    result = measure(SOURCE, vintage(*files), paths, islands, 2026)
    assert covered(result)["97411"] == pytest.approx(50, rel=1e-3)
    assert covered(result)["49007"] == pytest.approx(100, rel=1e-3)
    # The archive of La Réunion is not asked for where no commune is there, nor the other's.
    only = measure(SOURCE, vintage(*files), {files[1].nom: paths[files[1].nom]}, reunion, 2026)
    assert covered(only) == {"97411": 50}


def test_a_territory_without_a_map_is_absent_and_named(tmp_path):
    mayotte = gpd.GeoDataFrame(
        {"code_insee": ["97608"]}, geometry=[box(520_000, 8_580_000, 530_000, 8_590_000)], crs=4471
    )
    both = pd.concat([COMMUNES.to_crs(4326), mayotte.to_crs(4326)])
    result = measured(tmp_path, rows(("TBC", "49", square(0, 0, 2)), LOIRE), communes=both)
    assert result.table.statuts.loc["97608"].to_list() == [Statut.PUBLIE, Statut.ABSENT]
    assert result.notes == [
        "Aucune carte de couverture n'est déclarée pour le département 976 : absent."
    ]


def test_a_commune_without_an_outline_is_absent(tmp_path):
    holes = COMMUNES.copy()
    holes.loc[1, "geometry"] = None
    result = measured(tmp_path, rows(("TBC", "49", square(0, 0, 2)), LOIRE), communes=holes)
    assert result.table.values.loc["49002"].isna().all()
    assert covered(result)["49007"] == 100


def test_invalid_polygons_are_repaired_and_counted(tmp_path):
    bow_tie = shapely.Polygon(
        [(X, Y), (X + 1e4, Y + 1e4), (X + 1e4, Y), (X, Y + 1e4)]
    )  # two triangles of 25 km²
    result = measured(tmp_path, rows(("TBC", "49", bow_tie), ("BC", "49", square(1, 0)), LOIRE))
    assert covered(result)["49007"] == 50
    assert result.notes == [
        "2026_T1_couv_Metropole_20801_4G_data.gpkg.7z : 1 polygone(s) invalide(s), réparé(s)."
    ]


@pytest.mark.parametrize("dept", [[1, 1], ["1", "1"], ["01", "01"]])
def test_a_departement_that_lost_its_zero(tmp_path, dept):
    ain = COMMUNES.iloc[:2].assign(code_insee=["01001", "01002"])
    table = rows(("TBC", "", square(0, 0, 0.5)), ("BC", "", square(1, 0)))
    assert covered(measured(tmp_path, table.assign(dept=dept), communes=ain)) == {
        "01001": 50,
        "01002": 100,
    }


def test_lambert_93_under_no_epsg_code(tmp_path):
    home_made = CRS(LAMBERT_93).to_json_dict()
    for key in ("id", "area", "bbox", "scope"):
        home_made.pop(key, None)
    home_made["name"] = "RGF93 v1 / Lambert-93 (sans code)"
    table = rows(("TBC", "49", square(0, 0, 0.5)), LOIRE)
    table = table.set_crs(CRS.from_json_dict(home_made), allow_override=True)
    assert covered(measured(tmp_path, table))["49007"] == 50


def test_a_map_in_another_projection_is_projected(tmp_path):
    table = rows(("TBC", "49", square(0, 0, 0.5)), LOIRE).to_crs(4326)
    assert covered(measured(tmp_path, table))["49007"] == pytest.approx(50, rel=1e-4)


def test_outlines_twice_or_without_projection_are_refused():
    with pytest.raises(FragiliteError, match="44180 en double"):
        measure(SOURCE, vintage(), {}, pd.concat([COMMUNES, COMMUNES.iloc[2:]]), 2026)
    with pytest.raises(FragiliteError, match="projection"):
        measure(SOURCE, vintage(), {}, COMMUNES.set_crs(None, allow_override=True), 2026)


# --- what stops ------------------------------------------------------------------------------


def test_a_missing_operator_is_named(tmp_path):
    files = [file("20801"), file("20810")]
    name = files[0].nom
    paths = {name: packed(tmp_path, name, rows(LOIRE))}
    with pytest.raises(SourceUnavailableError, match=r"20810_4G_data.*opérateur 20810"):
        measure(SOURCE, vintage(*files), paths, COMMUNES, 2026)


def test_a_departement_that_a_map_lacks_is_named_and_absent(tmp_path):
    result = measured(
        tmp_path,
        rows(("TBC", "49", square(0, 0, 2)), LOIRE),
        rows(("TBC", "49", square(0, 0, 2)), operator=20810),
    )
    assert result.table.statuts["surface_4g_km2"].to_list() == [
        Statut.PUBLIE,
        Statut.PUBLIE,
        Statut.ABSENT,
    ]
    assert result.notes == [
        "2026_T1_couv_Metropole_20810_4G_data.gpkg.7z : aucun polygone pour le département 44, "
        "absent."
    ]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"operateur": 20820}, "operateur : « 20820 », attendu 20801"),
        ({"techno": "5G"}, "techno : « 5G », attendu 4G"),
        ({"usage": "voix"}, "usage : « voix », attendu data"),
        ({"niveau": "NC"}, "niveau : « NC », attendu TBC ou BC ou CL"),
        ({"niveau": None}, "niveau : «  », attendu TBC"),
        ({"date": "2025-12-31"}, "données au 2025-12-31, attendues au 2026-03-31"),
    ],
)
def test_another_map_than_declared_is_refused(tmp_path, columns, found):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(("TBC", "49", square(0, 0)), **columns))
    with pytest.raises(LayoutError, match=found):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


def test_a_column_that_is_gone_is_named(tmp_path):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(LOIRE).rename(columns={"dept": "departement"}))
    with pytest.raises(
        LayoutError, match=r"absente\(s\) : dept\. Le fichier offre : .*departement"
    ):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_map_without_projection_is_refused(tmp_path):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(LOIRE).set_crs(None, allow_override=True))
    with pytest.raises(LayoutError, match="projection"):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


@pytest.mark.parametrize("cut", [0, 40, 2000])
def test_a_truncated_archive_is_refused(tmp_path, cut):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(LOIRE))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(LayoutError, match="illisible ou tronquée"):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


def test_a_damaged_archive_is_refused(tmp_path):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(LOIRE))
    content = bytearray(path.read_bytes())
    content[100:400] = bytes(300)
    path.write_bytes(content)
    with pytest.raises(LayoutError, match="illisible ou tronquée"):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


def test_an_archive_without_a_map_is_refused(tmp_path):
    name = file("20801").nom
    with py7zr.SevenZipFile(tmp_path / name, "w") as archive:
        archive.writestr("lisez-moi", "lisezmoi.txt")
    with pytest.raises(LayoutError, match=r"« \*\.gpkg » attendu.*offre : lisezmoi\.txt"):
        measure(SOURCE, vintage(file("20801")), {name: tmp_path / name}, COMMUNES, 2026)


def test_a_full_disk_is_said_before_it_is_full(tmp_path, monkeypatch):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(LOIRE))
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(FragiliteError, match="Go libres"):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


def test_nothing_is_left_on_the_disk(tmp_path):
    measured(tmp_path, rows(("TBC", "49", square(0, 0)), LOIRE))
    assert [path.name for path in tmp_path.iterdir()] == [file("20801").nom]


def test_a_bare_geopackage_taken_out_by_hand_is_read(tmp_path):
    bare = tmp_path / "carte.gpkg"
    rows(("TBC", "49", square(0, 0, 0.5)), LOIRE).to_file(bare, driver="GPKG", layer="carte")
    asked = file("20801")
    assert (
        covered(measure(SOURCE, vintage(asked), {asked.nom: bare}, COMMUNES, 2026))["49007"] == 50
    )


@pytest.mark.filterwarnings("ignore:GPKG")
def test_a_damaged_geopackage_is_refused(tmp_path):
    (tmp_path / "carte.gpkg").write_bytes(b"SQLite format 3\0" + bytes(5000))
    asked = file("20801")
    with pytest.raises(LayoutError, match="GeoPackage est illisible"):
        measure(SOURCE, vintage(asked), {asked.nom: tmp_path / "carte.gpkg"}, COMMUNES, 2026)


def test_a_map_without_a_row_is_refused(tmp_path):
    name = file("20801").nom
    path = packed(tmp_path, name, rows(LOIRE).iloc[:0])
    with pytest.raises(LayoutError, match="données au –, attendues au 2026-03-31"):
        measure(SOURCE, vintage(file("20801")), {name: path}, COMMUNES, 2026)


def test_the_catalogue_declares_the_four_operators():
    for declared in load_sources()[SOURCE].millesimes:
        operators = [f.filtres["operateur"] for f in declared.fichiers]
        assert operators == [["20801"], ["20810"], ["20815"], ["20820"]]


# --- cutting ---------------------------------------------------------------------------------


def cells(seed: int, size: float) -> np.ndarray:
    """Polygons of a map drawn on a grid: cells that meet by an edge or a corner, and holes."""
    rng = np.random.default_rng(seed)
    row, column = np.nonzero(rng.random((50, 50)) < 0.6)
    boxes = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
    return shapely.get_parts(shapely.union_all(boxes))


def coast(seed: int, vertices: int = 4000) -> np.ndarray:
    """A polygon whose edge winds, with two holes."""
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    waves = rng.uniform(0, 2 * np.pi, 8)[:, None]
    radius = 700 + 40 * np.sin(angle * rng.integers(2, 200, 8)[:, None] + waves).sum(axis=0)
    shape = shapely.Polygon(np.c_[radius * np.cos(angle), radius * np.sin(angle)])
    holes = [shapely.Point(0, 0).buffer(100), shapely.Point(250, 0).buffer(90)]
    return shapely.get_parts(shape - shapely.union_all(holes))


MAPS = [*(cells(seed, size) for seed in range(3) for size in (1, 50, 33.3)), *map(coast, range(3))]


@pytest.mark.parametrize("whole", MAPS)
def test_cutting_keeps_the_area_and_leaves_small_valid_pieces(whole):
    pieces = subdivide(whole, 100)
    assert shapely.get_num_coordinates(pieces).max() <= 100
    assert shapely.is_valid(pieces).all()
    area = pytest.approx(shapely.area(whole).sum(), rel=1e-9)
    assert shapely.area(pieces).sum() == area
    assert shapely.union_all(pieces).area == area


def test_an_edge_along_the_cut():
    stairs = shapely.union_all([box(n, 0, n + 1, n % 2 + 1) for n in range(400)])
    comb = shapely.union_all([stairs, box(0, -1, 400, 0), box(199.5, -3, 200.5, -1)])
    pieces = subdivide(np.array([comb]), 50)
    assert shapely.area(pieces).sum() == pytest.approx(comb.area)
    assert shapely.union_all(pieces).area == pytest.approx(comb.area)


@pytest.mark.parametrize("seed", range(3))
def test_cutting_changes_no_measure(seed):
    polygons = np.concatenate([coast(seed), coast(seed + 10)])
    communes = shapely.box(*np.array([[-900, -900, 0, 0], [0, -900, 900, 0], [-50, 0, 50, 900]]).T)
    direct = shapely.area(shapely.intersection(communes, shapely.union_all(polygons)))
    np.testing.assert_allclose(covered_area(communes, polygons), direct, rtol=1e-9)


def test_no_polygon_and_no_outline():
    none = np.array([], dtype=object)
    assert covered_area(np.array([box(0, 0, 1, 1)]), none).tolist() == [0]
    assert np.isnan(covered_area(np.array([None, box(0, 0, 1, 1)]), np.array([box(0, 0, 1, 1)]))[0])
    assert covered_area(none, none).tolist() == []
