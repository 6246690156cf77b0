"""The commune frame of France against the publishers' own files."""

from importlib.resources import files

import pandas as pd
import pytest

from fragilite.cog import codes_of, passage
from fragilite.ingestion import geography
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.geography import (
    REGLE_PEUPLEE,
    carry_epci,
    frame,
    read_communes,
    read_epci,
    read_former_communes,
    read_populations,
)
from fragilite.ingestion.outlines import missing_outlines, read_outlines

ISLANDS = ["22016", "29083", "29155", "85113"]


@pytest.fixture(scope="module")
def publisher(shared_data):
    return shared_data / "publisher"


@pytest.fixture(scope="module")
def dgcl(publisher):
    return read_epci(publisher / "dgcl/epcicom2025.xlsx", 2025)


@pytest.fixture(scope="module")
def france(shared_data):
    """The same frame, laid by Etalab from the same publishers."""
    table = pd.read_csv(
        shared_data / "derived/communes_epci_cog2026.csv", dtype=str, keep_default_na=False
    )
    return table[table["zone"] != "com"].set_index("code_insee").sort_index()


@pytest.mark.parametrize(
    ("year", "communes"),
    [(2021, 34965), (2023, 34945), (2024, 34935), (2025, 34875), (2026, 34875)],
)
def test_every_edition_at_hand(publisher, year, communes):
    table = read_communes(publisher / f"insee_cog/v_commune_{year}.csv", year)
    assert len(table) == communes
    assert not table.isna().any(axis=None)


def test_584_codes_are_there_twice(publisher):
    path = publisher / "insee_cog/v_commune_2026.csv"
    rows = pd.read_csv(path, dtype=str)
    assert rows["COM"].duplicated().sum() == 584
    assert read_communes(path).index.is_unique


def test_the_frame_of_france(publisher, dgcl, france):
    """34 875 communes: name, département, region and EPCI, one by one.

    The composition of 2025, carried to 2026, is that of Etalab's release of 2026 to the last
    commune: no commune moved on 1 January 2026, and no EPCI did in that release.
    """
    communes = read_communes(publisher / "insee_cog/v_commune_2026.csv")
    table = frame(communes, carry_epci(dgcl, 2026))
    assert list(table.index) == list(france.index)
    for column in ("nom", "code_departement", "code_region", "code_epci", "nom_epci"):
        differing = table.index[table[column].fillna("") != france[column]]
        assert list(differing) == [], column
    assert list(table.index[table["code_epci"].isna()]) == ISLANDS


def test_the_epci_of_france(dgcl, france):
    natures = dgcl.epci["nature"].value_counts().to_dict()
    assert natures == {"CC": 989, "CA": 230, "METRO": 21, "CU": 14, "MET69": 1}
    sizes = france.loc[france["code_epci"] != "", "code_epci"].value_counts().sort_index()
    assert dgcl.epci["communes"].to_dict() == sizes.to_dict()


def test_former_names_of_maine_et_loire_are_the_bundled_ones(publisher):
    folder = publisher / "insee_cog"
    table = read_former_communes(folder / "v_commune_2026.csv", folder / "v_mvt_commune_2026.csv")
    here = table[table["code_insee"].str.startswith("49")].reset_index(drop=True)
    with (files("fragilite") / "bundled/49/anciennes_communes.csv").open("rb") as stream:
        assert here.equals(pd.read_csv(stream, dtype=str))
    assert len(table) == 5168


def test_the_composition_of_2022_carried_to_2026(publisher, dgcl):
    epci = read_epci(publisher / "insee_tagc/table-appartenance-geo-communes-22.zip", 2022)
    people = read_populations(publisher / "insee_populations/2020/donnees_communes.csv", 2022)
    carried = carry_epci(epci, 2026, people["population_municipale"])
    assert list(epci.communes.index[epci.communes.isna()]) == ISLANDS
    assert set(carried.communes.index) == codes_of(2026)
    assert set(carried.reportees.index) == {
        code
        for source, targets in passage(2022, 2026).items()
        for code in targets
        if targets != (source,)
    }
    of_several = carried.reportees[carried.reportees["regle"] == REGLE_PEUPLEE]
    assert of_several["code_epci"].to_dict() == {
        "08439": "240800920",
        "19248": "241927243",
        "49160": "244400552",
    }
    now = carry_epci(dgcl, 2026).communes
    assert (carried.communes.fillna("") != now.fillna("")).sum() == 16  # communes that moved since


@pytest.mark.parametrize(
    ("vintage", "cog", "people"),
    [
        (2019, 2021, 66_988_403),
        (2020, 2022, 67_162_154),  # 67 163 913 with Les Trois Lacs twice
        (2021, 2023, 67_408_052),
        (2022, 2024, 67_760_573),
        (2023, 2025, 68_094_280),
    ],
)
def test_populations(publisher, vintage, cog, people):
    path = publisher / f"insee_populations/{vintage}/donnees_communes.csv"
    table = read_populations(path, cog)
    assert table["population_municipale"].sum() == people
    missing = codes_of(cog) - set(table.index)
    assert len(missing) == 17
    assert all(code.startswith("976") for code in missing)
    assert {"75056", "69123", "13055"} <= set(table.index)
    assert (table["population_municipale"] == 0).sum() == 6  # villages « morts pour la France »


def test_populations_of_all_france(publisher, france):
    folder = publisher / "insee_populations/2023"
    table = geography.read(
        "insee_populations",
        load_sources()["insee_populations"].millesimes[0],
        {
            "ensemble.zip": folder / "donnees_communes.csv",
            "donnees_communes_mayotte.csv": folder / "donnees_communes_mayotte.csv",
        },
    )
    assert (
        table.values["population_municipale"].to_dict()
        == france["population"].astype(int).to_dict()
    )


@pytest.mark.parametrize(
    ("name", "communes", "missing"),
    [
        ("13-bouches-du-rhone", 119, []),
        ("2A-corse-du-sud", 124, []),
        ("44-loire-atlantique", 207, []),
        ("48-lozere", 152, []),
        ("49-maine-et-loire", 176, []),
        ("55-meuse", 499, []),
        ("69-rhone", 266, []),
        ("75-paris", 1, []),
        ("85-vendee", 253, ["85084", "85165", "85212"]),  # Essarts-en-Bocage, split in 2024
        ("974-la-reunion", 24, []),
        ("976-mayotte", 17, []),
    ],
)
def test_outlines_of_2018_dissolved(publisher, name, communes, missing):
    departement = name.partition("-")[0]
    wanted = sorted(code for code in codes_of(2026) if code.startswith(departement))
    outlines = read_outlines(publisher / f"ign_2018/communes-{name}.geojson", wanted, cog=2018)
    assert len(outlines) == communes
    assert missing_outlines(outlines) == missing
    assert outlines.geometry.dropna().is_valid.all()


def test_dissolved_outlines_are_those_of_today(shared_data, publisher):
    """Merged communes of 49 against the outlines of 2025: the same ground, near enough."""
    merged = [
        target
        for targets in passage(2018, 2026).values()
        for target in targets
        if target.startswith("49")
    ]
    merged = sorted({code for code in merged if merged.count(code) > 1})
    old = publisher / "ign_2018/communes-49-maine-et-loire.geojson"
    new = shared_data / "derived/communes_contours_cog2025.parquet"
    before = read_outlines(old, merged, cog=2018).to_crs(2154).geometry
    after = read_outlines(new, merged, cog=2025).to_crs(2154).geometry
    assert len(merged) == 6
    assert (before.symmetric_difference(after).area / after.area < 0.06).all()
    assert (before.area / after.area - 1).abs().max() < 0.02


def test_outlines_of_france(shared_data):
    path = shared_data / "derived/communes_contours_cog2025.parquet"
    outlines = read_outlines(path, sorted(codes_of(2026)), cog=2025)
    assert missing_outlines(outlines) == [
        "12218", "14581", "15031", "15035", "15047", "15171", "69114",
    ]  # fmt: skip
