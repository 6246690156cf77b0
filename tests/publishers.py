"""Publishers on a local server: files in their real layouts, by host and path.

The figures are those bundled for Maine-et-Loire, written back as INSEE, ARCEP, the DGCL and IGN lay
theirs out, so that a build from "downloaded" files can be held against the bundled one. The list of
communes is whole (its reader wants it whole), with made-up names outside the département.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import py7zr
import shapely
import xlsxwriter

from fragilite.cog import codes_of, departement_of, departements
from fragilite.ingestion import bundled
from fragilite.ingestion.catalogue import load_sources

INSEE = "www.insee.fr/fr/statistiques/fichier"
ARCEP = "data.arcep.fr/fixe/maconnexioninternet/statistiques"
PINS = [
    "insee_rp=2022",
    "insee_filosofi=2021-geo2024",
    "arcep_fixe=2024_T1",
    "epci=2025",
    "contours=2026_geoparquet",
]
WITHOUT = ["caf", "dares", "anct_cuivre", "arcep_sites", "insee_bpe", "insee_populations"]
OPTIONS = [
    *(word for pin in PINS for word in ("--vintage", pin)),
    *(word for source in WITHOUT for word in ("--without", source)),
]


def put(root: Path, url: str, content: bytes) -> None:
    """Lay a file where the server finds it: host, then path."""
    path = root / url.removeprefix("https://")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def zipped(**members: str) -> bytes:
    """A zip whose members are texts."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def address(source: str, vintage: str, name: str) -> str:
    """The catalogue's address of a file."""
    found = next(v for v in load_sources()[source].millesimes if v.millesime == vintage)
    return next(file.url for file in found.fichiers if file.nom == name)


def lay_out(root: Path) -> None:
    """Write every file that a build of 49 needs with the options above."""
    tables = {(lot.source, lot.millesime): table.values for lot, table in figures()}
    lay_out_census(root, tables)
    lay_out_income(root, tables["insee_filosofi", "2021"])
    lay_out_fibre(root, tables["arcep_fixe", "2026_T2"])
    lay_out_frame(root)
    lay_out_coverage(root)


def figures():
    """Bundled tables, in their own geographies."""
    return bundled.read("49", 2026).lots


def lay_out_census(root: Path, tables: dict) -> None:
    """Wide census of 2022, from the counts of 2023 and the people alone of 2022.

    One file has its quirks: documentation, overseas rows, an arrondissement, a BOM.
    """
    people, alone = tables["insee_rp", "2023"], tables["insee_rp", "2022"]

    def ages(first: int, last: int) -> pd.Series:
        return people[[f"pop_{a}_{a + 4}" for a in range(first, last, 5)]].sum(axis=1)

    half = people["pop_65_plus"] / 2
    oldest = people[["pop_90_94", "pop_95_plus"]].sum(axis=1)
    structure = {
        "P22_POP": people["pop"], "P22_H65P": half, "P22_F65P": half,
        "P22_POP0014": ages(0, 15), "P22_POP1529": ages(15, 30), "P22_POP3044": ages(30, 45),
        "P22_POP4559": ages(45, 60), "P22_POP6074": ages(60, 75), "P22_POP7589": ages(75, 90),
        "P22_POP90P": oldest,
    }  # fmt: skip
    levels = {
        "": "non_scolarises_15_plus", "_DIPLMIN": "sans_diplome", "_BEPC": "brevet",
        "_CAPBEP": "cap_bep", "_BAC": "bac", "_SUP2": "bac_2", "_SUP34": "bac_3_4",
        "_SUP5": "bac_5_plus",
    }  # fmt: skip
    families = {
        "P22_POP80P": people["pop_80_plus"],
        "P22_POP80P_PSEUL": alone["pop_80_plus_vivant_seuls"],
        "C22_MEN": alone["menages"], "C22_MENPSEUL": alone["menages_une_personne"],
        "C22_FAM": alone["familles"], "C22_FAMMONO": alone["familles_monoparentales"],
    }  # fmt: skip
    work = {
        "P22_POP1564": people["pop_15_64"], "P22_ACT1564": people["actifs_15_64"],
        "P22_CHOM1564": people["chomeurs_15_64"],
    }  # fmt: skip
    diplomas = {f"P22_NSCOL15P{end}": people[name] for end, name in levels.items()}
    themes = {
        "evol-struct-pop": structure, "diplomes-formation": diplomas,
        "coupl-fam-men": families, "emploi-pop-active": work,
    }  # fmt: skip
    for theme, columns in themes.items():
        table = pd.DataFrame(columns).rename_axis("CODGEO").to_csv(sep=";")
        name = f"base-cc-{theme}-2022"
        content = zipped(
            **{
                f"{name}.CSV": "\ufeff" + table,
                f"{name}-COM.CSV": table.splitlines()[0] + "\n",
                f"meta_{name}.CSV": "COD_VAR;LIB_VAR\nP22_POP;Population en 2022\n",
            }
        )
        put(root, address("insee_rp", "2022", f"{name}_csv.zip"), content)


def lay_out_income(root: Path, income: pd.DataFrame) -> None:
    """Wide Filosofi 2021: decimal comma, ``s`` for secrecy, codes of 2024 (49069)."""
    table = pd.DataFrame(
        {
            "NBPERSMENFISC21": income["personnes_menages_fiscaux"].astype(int),
            "MED21": income["niveau_de_vie_median"].astype(int),
            "TP6021": income["taux_pauvrete"].map("{:.1f}".format).str.replace(".", ","),
        }
    ).replace("nan", "s")
    content = zipped(**{"cc_filosofi_2021_COM.csv": table.rename_axis("CODGEO").to_csv(sep=";")})
    name = "base-cc-filosofi-2021-geo2024_csv.zip"
    put(root, address("insee_filosofi", "2021-geo2024", name), content)


def lay_out_fibre(root: Path, premises: pd.DataFrame) -> None:
    """Best technology of the premises, in the geography of 2023 (49069, 49321)."""
    lines = [
        "code_insee;nom_com;code_dep;code_reg;nbr;type;nbr_elig_8;elig_ftth;elig_coax;elig_cu_30;"
        "elig_thdr;elig_cu_8;elig_4gf;elig_hdr;elig_sat;date"
    ]
    for code, row in premises.astype(int).iterrows():
        rest = row["locaux"] - row["locaux_ftth"] - row["locaux_cable"]
        code = {"49126": "49069"}.get(code, code)
        lines.append(
            f"{code};NOM;49;52;{row['locaux']};all;{row['locaux']};{row['locaux_ftth']};"
            f"{row['locaux_cable']};0;0;0;{rest};0;0;2024-03-31"
        )
    lines.append("49321;SAINT-SIGISMOND;49;52;0;all;0;0;0;0;0;0;0;0;0;2024-03-31")
    name = "commune_meilleure_techno_thd.csv"
    put(root, address("arcep_fixe", "2024_T1", name), "\n".join(lines).encode())


def lay_out_coverage(root: Path) -> None:
    """4G maps of the four operators: everything covered, but the east of one of them."""
    here = bundled.read("49", 2026)
    west, south, east, north = here.contours(here.communes.index).total_bounds
    middle = (west + east) / 2
    vintage = load_sources()["arcep_4g"].millesimes[0]
    for rank, file in enumerate(vintage.fichiers):
        limit = middle if rank == 2 else east
        layer = gpd.GeoDataFrame(
            {
                "operateur": file.filtres["operateur"],
                "date": [vintage.donnees_au],
                "techno": ["4G"],
                "usage": ["data"],
                "niveau": ["TBC"],
                "dept": ["49"],
            },
            geometry=[shapely.box(west - 1000, south - 1000, limit, north + 1000)],
            crs=2154,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "carte.gpkg"
            layer.to_file(path, driver="GPKG")
            packed = io.BytesIO()
            with py7zr.SevenZipFile(packed, "w") as archive:
                archive.write(path, file.nom.removesuffix(".7z"))
        put(root, file.url, packed.getvalue())


def list_of_communes() -> dict[str, bytes]:
    """INSEE's files of 2026, by name: true names in 49, « Commune 44109 » elsewhere."""
    here, known = bundled.read("49", 2026), departements()
    rows = ["TYPECOM,COM,REG,DEP,CTCD,ARR,TNCC,NCC,NCCENR,LIBELLE,CAN,COMPARENT"]
    for code in sorted(codes_of(2026)):
        where = known[departement_of(code)]
        nom = here.communes["nom"].get(code, f"Commune {code}")
        rows.append(f'COM,{code},{where.code_region},{where.code},{where.code}D,,0,X,X,"{nom}",,')
    rows.append("COMD,49018,,,,,0,BAUGE,Baugé,Baugé,,49018")
    movements = (
        "MOD,DATE_EFF,TYPECOM_AV,COM_AV,TNCC_AV,NCC_AV,NCCENR_AV,LIBELLE_AV,TYPECOM_AP,COM_AP,"
        "TNCC_AP,NCC_AP,NCCENR_AP,LIBELLE_AP\n"
        "32,2024-01-01,COM,49321,0,X,X,Saint-Sigismond,COM,49160,0,X,X,Ingrandes\n"
    )
    return {
        "v_commune_2026.csv": "\n".join(rows).encode(),
        "v_mvt_commune_2026.csv": movements.encode(),
    }


def lay_out_frame(root: Path) -> None:
    """Communes of 2026, EPCI of 2025, outlines of 2026."""
    here = bundled.read("49", 2026)
    for name, rows in list_of_communes().items():
        put(root, address("insee_cog", "2026", name), rows)

    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    sheet = book.add_worksheet("Composition")
    header = ["DEPT", "SIREN", "RAISON_SOCIALE", "NATURE_JURIDIQUE", "NB_MEMBRES", "INSEE"]
    sheet.write_row(0, 0, header)
    neighbours = sorted(code for code in codes_of(2025) if code.startswith("44"))
    place = 1
    for siren, epci in here.epci.iterrows():
        members = list(here.communes.index[here.communes["code_epci"] == siren])
        members += neighbours[: epci["communes"] - len(members)]
        for code in members:
            row = ["49", siren, epci["nom"], epci["nature"], len(members), code]
            sheet.write_row(place, 0, row)
            place += 1
    book.close()
    put(root, address("epci", "2025", "epcicom2025.xlsx"), content.getvalue())

    outlines = here.contours(here.communes.index).to_crs(4326).reset_index()
    layer = gpd.GeoDataFrame(
        {
            "cleabs": [f"COMMUNE_{code}" for code in outlines["code_insee"]],
            "nom_officiel": "X",
            "code_insee": outlines["code_insee"],
        },
        geometry=outlines.geometry.to_numpy(),
        crs=4326,
    ).rename_geometry("geometrie")
    parquet = io.BytesIO()
    layer.to_parquet(parquet)
    put(root, address("contours", "2026_geoparquet", "commune.parquet"), parquet.getvalue())


def lay_out_iris(folder: Path, *, outlined: bool = False) -> None:
    """Census by IRIS of 2022 and income of 2021, in a folder, from the figures bundled for 49.

    Communes that are not split have their row. Orée d'Anjou, in the geography of 2024 49069, has
    two IRIS made up.
    With `outlined`, the outlines too: squares.
    """
    here = bundled.read_iris("49", 2026)
    (_, census), (_, income) = here.lots
    counts = census.values.assign(TYP_IRIS=here.frame["type_iris"])
    people = {(lot.source, lot.millesime): table for lot, table in figures()}
    whole = people["insee_rp", "2023"].values.rename(index={"49126": "49069"})
    whole = whole[~whole.index.isin(counts.index.str[:5])]
    rows = pd.DataFrame(
        {
            "pop": whole["pop"], "pop_65_plus": whole["pop_65_plus"],
            "pop_80_plus_vivant_seuls": whole["pop_80_plus"] * 0.4,
            "non_scolarises_15_plus": whole["non_scolarises_15_plus"],
            "sans_bac": whole[["sans_diplome", "brevet", "cap_bep"]].sum(axis=1),
        }
    ).assign(TYP_IRIS="Z").set_axis(whole.index + "0000")  # fmt: skip
    half = rows.loc[["490690000"] * 2].assign(TYP_IRIS="H")
    half = half.set_axis(["490690101", "490690102"])
    numbers = half.columns.drop("TYP_IRIS")
    half[numbers] = half[numbers] / 2
    table = pd.concat([counts, rows.drop("490690000"), half]).sort_index()
    old, young = table["pop_65_plus"], table["pop"] - table["pop_65_plus"]
    bands = {"0014": 0.25, "1529": 0.25, "3044": 0.25, "4559": 0.25}
    below, whole_15 = table["sans_bac"], table["non_scolarises_15_plus"]
    themes = {
        "evol-struct-pop": {
            "P22_POP": table["pop"], "P22_POP65P": old,
            **{f"P22_POP{band}": share * young for band, share in bands.items()},
            "P22_POP6074": 0.5 * old, "P22_POP75P": 0.5 * old,
        },
        "diplomes-formation": {
            "P22_NSCOL15P": whole_15, "P22_NSCOL15P_DIPLMIN": 0.4 * below,
            "P22_NSCOL15P_BEPC": 0.2 * below, "P22_NSCOL15P_CAPBEP": 0.4 * below,
            "P22_NSCOL15P_BAC": whole_15 - below, "P22_NSCOL15P_SUP2": 0 * below,
            "P22_NSCOL15P_SUP34": 0 * below, "P22_NSCOL15P_SUP5": 0 * below,
        },
        "couples-familles-menages": {
            "P22_POP80P": table["pop_80_plus_vivant_seuls"] * 2,
            "P22_POP80P_PSEUL": table["pop_80_plus_vivant_seuls"], "C22_MEN": table["pop"] / 2,
            "C22_MENPSEUL": table["pop"] / 5, "C22_FAM": table["pop"] / 4,
            "C22_FAMMONO": table["pop"] / 20,
        },
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    codes = pd.Index(table.index, name="IRIS")
    for theme, columns in themes.items():
        first = {"COM": codes.str[:5], "TYP_IRIS": table["TYP_IRIS"].to_numpy(), "LAB_IRIS": "1"}
        text = pd.DataFrame(first, index=codes).assign(
            **{name: values.to_numpy() for name, values in columns.items()}
        )
        name = f"base-ic-{theme}-2022"
        content = zipped(**{f"{name}.CSV": text.to_csv(sep=";"), f"meta_{name}.CSV": "COD_VAR\n"})
        (folder / f"{name}_csv.zip").write_bytes(content)
    # An IRIS without a row, beside those that INSEE withholds.
    median = (
        income.values["niveau_de_vie_median"]
        .drop("490070901")
        .map("{:.0f}".format)
        .replace("nan", "ns")
    )
    text = pd.DataFrame({"DISP_MED21": median, "DISP_TP6021": "ns"}).rename_axis("IRIS")
    content = zipped(**{"BASE_TD_FILO_IRIS_2021_DISP.csv": text.to_csv(sep=";")})
    (folder / "BASE_TD_FILO_IRIS_2021_DISP_CSV.zip").write_bytes(content)
    if outlined:
        squares = [
            shapely.box(x, 6_710_000, x + 50, 6_710_050)
            for x in range(400_000, 400_000 + 100 * len(codes), 100)
        ]
        layer = gpd.GeoDataFrame(
            {"code_iris": codes, "nom_iris": "Quartier " + codes.str[5:], "type_iris": "H"},
            geometry=squares,
            crs=2154,
        )
        layer.to_file(folder / "iris.gpkg", layer="contours_iris")
