"""All of France from real and reconstructed files, served by a local server."""

import json
import re
import zipfile

import geopandas as gpd
import pandas as pd
import pytest
from publishers import OPTIONS, address
from werkzeug import Response

from fragilite.distribution import Distribution
from fragilite.national import weighted_quantiles

DERIVED = re.compile(r"rang|part_cumulee|premier_cinquieme|lecture")


@pytest.fixture(scope="module")
def national_files(shared_data, tmp_path_factory):
    """Address (host and path) → file, or bytes, of everything a national build needs."""
    folder = tmp_path_factory.mktemp("france")
    income = folder / "filosofi.zip"
    with zipfile.ZipFile(income, "w", zipfile.ZIP_DEFLATED) as archive:
        wide = shared_data / "publisher/insee_filosofi/cc_filosofi_2021_COM.csv"
        archive.write(wide, wide.name)
    outlines = folder / "commune.parquet"
    layer = gpd.read_parquet(shared_data / "derived/communes_contours_cog2025.parquet")
    layer = layer.rename(columns={"nom": "nom_officiel"})[
        ["code_insee", "nom_officiel", "geometry"]
    ]
    layer.rename_geometry("geometrie").to_parquet(outlines)
    rebuilt, publisher = shared_data / "reconstructed", shared_data / "publisher"
    census = {
        ("insee_rp", "2022", path.name): path for path in rebuilt.glob("base-cc-*-2022_csv.zip")
    }
    premises = "commune_meilleure_techno_thd.csv"
    listed = census | {
        ("arcep_fixe", "2024_T1", premises): rebuilt / "arcep_2024_T1" / premises,
        ("insee_filosofi", "2021-geo2024", "base-cc-filosofi-2021-geo2024_csv.zip"): income,
        ("contours", "2026_geoparquet", "commune.parquet"): outlines,
        ("epci", "2025", "epcicom2025.xlsx"): publisher / "dgcl/epcicom2025.xlsx",
        **{
            ("insee_cog", "2026", name): publisher / "insee_cog" / name
            for name in ("v_commune_2026.csv", "v_mvt_commune_2026.csv")
        },
    }
    return {address(*key).removeprefix("https://"): path for key, path in listed.items()}


@pytest.fixture
def served(national_files, httpserver, monkeypatch):
    def answer(request):
        path = national_files.get(request.path.lstrip("/"))
        return Response(path.read_bytes()) if path else Response("", status=404)

    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    monkeypatch.setenv("FRAGILITE_MIROIR", httpserver.url_for(""))


def test_france_from_an_empty_folder(run, served, tmp_path):
    raw = tmp_path / "brut"
    raw.mkdir()
    options = ["--raw", raw, "--json", "--format", "parquet,csv", *OPTIONS]
    code, out, err = run("build", "--france", *options)
    assert code == 0, err
    covered = {s["titre"].split(",")[0]: s["communes"] for s in json.loads(out)["sources"]}
    assert covered["Recensement de la population"] > 34_800
    assert 31_000 < covered["Filosofi"] < 34_875  # completeness is stated per source
    facts = json.loads(out)["territoire"]
    assert facts["communes"] == 34_875
    assert facts["communes_avec_indice"] > 34_800
    assert facts["population"] == pytest.approx(67.7e6, rel=0.002)
    folder = tmp_path / "data/processed"
    france = gpd.read_parquet(folder / "fragilite_france.parquet").set_index("code_insee")
    assert france.crs.to_epsg() == 4326  # the mainland and overseas have no projection in common
    assert france.index.is_unique
    assert len(france) == 34_875
    statuses = france["niveau_de_vie_relatif_statut"].value_counts()
    assert statuses["secret"] > 3_000  # withheld, never filled
    # Six communes of the Meuse have no inhabitant: without object, neither 0 nor infinite.
    empty = france[france["part_65_plus_statut"] == "sans_objet"]
    assert set(empty.index) == {"55039", "55050", "55139", "55189", "55239", "55307"}
    assert empty["indice"].isna().all()
    assert {"75056", "69123", "13055"} <= set(france.index)
    assert not france.index.str.fullmatch(r"751\d\d|6938\d|132\d\d").any()
    assert france.loc["75056", "population"] == pytest.approx(2.1e6, rel=0.05)

    code, out, err = run("build", "--dept", "49", *options)
    assert code == 0, err
    alone = gpd.read_parquet(folder / "fragilite_49.parquet").set_index("code_insee")
    names = [name for name in alone.columns if not DERIVED.search(name) and name != "geometry"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(france.loc[alone.index, names]), pd.DataFrame(alone[names]), check_exact=False,
        rtol=1e-12,
    )  # fmt: skip

    code, out, err = run("method", "calibrate", "--raw", raw, "--offline", *OPTIONS)
    assert code == 0, err
    found = dict(re.findall(r"^(\S+) +[\d,]+ +([\d,]+)$", out, re.M))
    assert found["indicateurs.part_65_plus.points_100"] == "36,8"
    assert found["indicateurs.niveau_de_vie_relatif.points_0"] == "142,9"


def test_weighted_quantiles_by_hand():
    """Weights 1, 2, 3, 4: the shares reached are 0.1, 0.3, 0.6 and 1."""
    values, weights = pd.Series([10.0, 20.0, 30.0, 40.0]), pd.Series([1.0, 2.0, 3.0, 4.0])
    shuffled = values.sample(frac=1, random_state=1)
    found = weighted_quantiles(shuffled, weights, [0.1, 0.11, 0.5, 0.9])
    assert found == [10.0, 20.0, 30.0, 40.0]


def test_place_among_the_communes():
    spread = Distribution(3, 0, 0, 0, tuple(float(x) for x in range(101)), "2022")
    assert spread.place(25.0) == 25
    assert spread.place(25.5) == 25.5
    assert spread.place(-1) == 0
    assert spread.place(1000) == 100
    tied = Distribution(3, 0, 0, 0, (0.0,) * 51 + tuple(float(x) for x in range(1, 51)), "2022")
    assert tied.place(0.0) == 25  # half of the communes are at zero: the middle of them
