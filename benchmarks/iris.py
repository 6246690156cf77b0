"""All of France by IRIS, from the publishers' files on disk to CSV, against its floor.

    python benchmarks/iris.py --raw FOLDER --rates iris_rp2022_rates_metropole.parquet
        [--income BASE_TD_FILO_IRIS_2021_DEC.csv] [--runs 3] [-- --vintage … --without …]

FOLDER is a `data/raw` that holds the files of a national build by commune (`--offline`). The census
by IRIS is laid out in a temporary copy of it, in INSEE's layout, from published rates (48 487
IRIS). The floor reads the same bytes with pandas and writes the same frame to the same format.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
from national import FLOOR, compare, run

#: The floor of a build by commune, without outlines: no map is written by IRIS here.
TABLES = FLOOR.partition("layer =")[0] + (
    "pandas.read_pickle(frame).to_csv(into / 'floor.csv', index=False)\n"
)


def lay_out(rates: Path, folder: Path) -> None:
    """Write three census files by IRIS in INSEE's layout, from rates."""
    table = pd.read_parquet(rates).set_index("code").rename_axis("IRIS").sort_index()

    def people(name: str, of: pd.Series) -> pd.Series:
        return (of * table[f"{name}_pct_22"].fillna(0).clip(0, 100) / 100).round(3)

    pop = table["P22_POP"].fillna(0)
    young, children = people("dm_1524", pop), people("dm_0014", pop)
    leavers = (pop - children - 0.7 * young).clip(lower=0)
    below, oldest = people("dsp_dipl_infbac", leavers), people("dm_80p", pop)
    homes = table["men_tot_stock_22"].fillna(0)
    themes = {
        "evol-struct-pop": {
            "P22_POP": pop, "P22_POP65P": people("dmv_65p", pop), "P22_POP0014": children,
            "P22_POP1529": young, "P22_POP3044": people("dm_2554", pop) / 2,
            "P22_POP4559": people("dm_2554", pop) / 2,
            "P22_POP6074": people("dmv_60p", pop) - people("dmv_75p", pop),
            "P22_POP75P": people("dmv_75p", pop),
        },
        "diplomes-formation": {
            "P22_NSCOL15P": leavers, "P22_NSCOL15P_DIPLMIN": 0.4 * below,
            "P22_NSCOL15P_BEPC": 0.15 * below, "P22_NSCOL15P_CAPBEP": 0.45 * below,
            "P22_NSCOL15P_BAC": (leavers - below).clip(lower=0), "P22_NSCOL15P_SUP2": 0 * below,
            "P22_NSCOL15P_SUP34": 0 * below, "P22_NSCOL15P_SUP5": 0 * below,
        },
        "couples-familles-menages": {
            "P22_POP80P": oldest, "P22_POP80P_PSEUL": people("dmv_80p_seul", oldest),
            "C22_MEN": homes, "C22_MENPSEUL": people("men_seul", homes), "C22_FAM": 0.6 * homes,
            "C22_FAMMONO": people("men_mono", homes),
        },
    }  # fmt: skip
    # The ages of these rates are not those of the census: the youngest adults close the account.
    ages = themes["evol-struct-pop"]
    others = [ages[f"P22_POP{band}"] for band in ("0014", "3044", "4559", "6074", "75P")]
    ages["P22_POP1529"] = (pop - pd.concat(others, axis=1).sum(axis=1)).clip(lower=0)
    folder.mkdir(parents=True, exist_ok=True)
    for theme, columns in themes.items():
        first = table[["COM", "TYP_IRIS"]].assign(LAB_IRIS="1")
        name = f"base-ic-{theme}-2022"
        with zipfile.ZipFile(folder / f"{name}_csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{name}.CSV", first.assign(**columns).to_csv(sep=";"))


def main() -> None:
    """Lay the files out, then measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--rates", type=Path, required=True)
    parser.add_argument("--income", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("options", nargs="*")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raw, into = Path(folder) / "raw", Path(folder) / "sortie"
        into.mkdir()
        for path in sorted(given.raw.rglob("*")):
            # A build by IRIS without a map reads no outlines.
            if path.is_file() and not path.name.startswith("."):
                target = raw / path.relative_to(given.raw)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path.resolve())
        lay_out(given.rates, raw / "insee_rp_iris/2022")
        if given.income:
            place = raw / "insee_filosofi_iris/2021-declare"
            place.mkdir(parents=True)
            with zipfile.ZipFile(
                place / "BASE_TD_FILO_IRIS_2021_DEC_CSV.zip", "w", zipfile.ZIP_DEFLATED
            ) as archive:
                archive.write(given.income, given.income.name)
        command = [
            sys.executable, "-m", "fragilite", "build", "--france", "--level", "iris", "--format",
            "csv", "--raw", str(raw), "--output", str(into), "--offline", "--quiet",
            *given.options,
        ]  # fmt: skip
        run(command)
        frame = Path(folder) / "cadre.pkl"
        pd.read_csv(into / "fragilite_france_iris.csv", low_memory=False).to_pickle(frame)
        read = Path(folder) / "lus"
        for path in sorted(raw.rglob("*")):
            if path.is_file() and "contours" not in str(path.relative_to(raw)):
                (read / path.relative_to(raw)).parent.mkdir(parents=True, exist_ok=True)
                (read / path.relative_to(raw)).symlink_to(path.resolve())
        floor = [sys.executable, "-c", TABLES, str(read), str(frame), str(into)]
        compare("France par IRIS", command, floor, given.runs)


if __name__ == "__main__":
    main()
