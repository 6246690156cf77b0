"""Draw the picture of the README from the program's own output.

fragilite build --dept 49
python tools/carte.py data/processed/fragilite_49.parquet docs/images/carte_49.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import pyarrow.parquet as pq
from matplotlib.patches import Patch

#: Five steps of ColorBrewer's YlOrBr: ordered in lightness, safe for colour-blind readers.
COLOURS = ["#ffffd4", "#fed98e", "#fe9929", "#d95f0e", "#993404"]
BIGGEST = 5


def draw(parquet: Path, image: Path) -> None:
    """Map the classes of the index, name the towns with most people to accompany."""
    communes = gpd.read_parquet(parquet)
    facts = json.loads(pq.read_schema(parquet).metadata[b"fragilite"])
    figure, axes = plt.subplots(figsize=(8, 5.6), dpi=110)
    labels = communes.dropna(subset=["classe"]).groupby("classe")["classe_libelle"].first()
    shades = communes["classe"].map(dict(enumerate(COLOURS, start=1))).fillna("#dddddd")
    communes.plot(ax=axes, color=shades, edgecolor="white", linewidth=0.3)
    communes.dissolve("code_epci").boundary.plot(ax=axes, color="#444444", linewidth=0.6)
    for town in communes.nlargest(BIGGEST, "personnes_a_accompagner").itertuples():
        point = town.geometry.representative_point()
        axes.annotate(
            town.nom, (point.x, point.y), ha="center", fontsize=7.5, color="#111111",
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75},
        )  # fmt: skip
    axes.legend(
        handles=[Patch(color=COLOURS[k - 1], label=text) for k, text in labels.items()],
        loc="upper right", bbox_to_anchor=(1.12, 1.0), fontsize=8, frameon=False,
        title="Classe (traits : EPCI)", title_fontsize=8,
    )  # fmt: skip
    where = communes["nom_departement"].iloc[0]
    axes.set_title(
        f"Indice de fragilité numérique, {where}", loc="left", fontsize=12, weight="bold"
    )
    editors = sorted(
        {name for source in facts["sources"] for name in source["editeur"].split(", ")}
    )
    method = facts["methode"]
    figure.text(
        0.02, 0.015,
        f"{facts['geographie']} ; méthode {method['code']} {method['version']}. "
        f"Sources : {', '.join(editors)}.",
        fontsize=6.5, color="#555555",
    )  # fmt: skip
    axes.set_axis_off()
    figure.tight_layout(rect=(0, 0.03, 1, 1))
    image.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(image, metadata={"Software": None})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parquet", type=Path)
    parser.add_argument("image", type=Path)
    options = parser.parse_args()
    draw(options.parquet, options.image)
