"""Write places for others: the national mednum standard, GeoJSON, GeoPackage."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import pandas as pd

from fragilite.places.schema import schema, split

if TYPE_CHECKING:
    import geopandas as gpd

#: Fields of the standard, version 1.0.2, in its order.
MEDNUM = (
    "id", "pivot", "nom", "commune", "code_postal", "code_insee", "adresse", "complement_adresse",
    "latitude", "longitude", "typologie", "telephone", "courriels", "site_web", "horaires",
    "presentation_resume", "presentation_detail", "source", "itinerance", "structure_parente",
    "date_maj", "services", "publics_specifiquement_adresses", "prise_en_charge_specifique",
    "frais_a_charge", "dispositif_programmes_nationaux", "formations_labels",
    "autres_formations_labels", "modalites_acces", "modalites_accompagnement",
    "fiche_acces_libre", "prise_rdv",
)  # fmt: skip
#: Fields that the standard requires, and what stands for an unknown SIRET: it has no empty value.
REQUIRED = ("id", "pivot", "nom", "commune", "code_postal", "adresse", "date_maj")
NO_PIVOT = "00000000000000"
#: Letters of the summary of a place.
SUMMARY = 280


def mednum_table(lieux: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Places as the mednum standard has them.

    Closed places and places that receive nobody are left out: the standard has no word for them.
    A place that lacks a field that the standard requires is left out and named; an unknown SIRET
    is written as fourteen zeros.

    Returns
    -------
    DataFrame of text
        Fields of the standard.
    list of str
        What was left out, and why, in French.
    """
    rows, left = [], []
    for place in lieux.to_dict("records"):
        label = f"{place['nom']} ({place['id']})"
        if place["etat"] == "ferme" or place["accueil"] == "non":
            left.append(f"{label} : fermé, ou ne reçoit pas de public")
            continue
        row = _mednum_row(place)
        lacking = [name for name in REQUIRED if not row[name]]
        if lacking:
            left.append(f"{label} : il manque {', '.join(lacking)}")
            continue
        rows.append(row)
    return pd.DataFrame(rows, columns=list(MEDNUM), dtype="str"), left


def _mednum_row(place: Mapping[Any, Any]) -> dict[str, str]:
    row = dict.fromkeys(MEDNUM, "")
    for name, column in schema().colonnes.items():
        value = place[name]
        if not column.mednum:
            continue
        if column.type in {"liste", "listes"}:
            words = schema().words(name)
            row[column.mednum] = "|".join(
                filter(None, (words[one].standard for one in split(value)))
            )
        elif column.type == "nombre":
            row[column.mednum] = "" if pd.isna(value) else f"{value:.{column.decimales}f}"
        else:
            row[column.mednum] = str(value)
    kind = schema().words("type").get(place["type"])
    row["typologie"] = kind.standard if kind else ""
    row["pivot"] = row["pivot"] or NO_PIVOT
    row["source"] = str(place.get("sources") or place["source"])
    programmes = set(split(row["dispositif_programmes_nationaux"]))
    if place["aidants_connect"] == "oui":
        programmes.add(schema().words("dispositifs")["aidants_connect"].standard)
    row["dispositif_programmes_nationaux"] = "|".join(sorted(programmes))
    row["presentation_resume"] = shorten(_presentation(place), SUMMARY, placeholder=" …")
    row["presentation_detail"] = _presentation(place)
    return row


def _presentation(place: Mapping[Any, Any]) -> str:
    """What the standard has no field for, in words."""
    said = [str(place["conditions"])]
    others = [
        word.libelle
        for code, word in schema().words("publics").items()
        if code in split(place["publics"]) and not word.standard
    ]
    if others:
        said.append(f"Publics : {', '.join(others).lower()}")
    material = schema().labels("materiel", place["materiel"])
    if material:
        said.append(f"Prêt ou réparation de matériel : {', '.join(material).lower()}")
    return ". ".join(text.rstrip(".") for text in said if text)


def mednum_csv(lieux: pd.DataFrame) -> tuple[str, list[str]]:
    """The same as the text of the national files: commas, every cell between quotes."""
    table, left = mednum_table(lieux)
    lines = io.StringIO()
    table.to_csv(lines, index=False, lineterminator="\n", quoting=csv.QUOTE_ALL)
    return lines.getvalue(), left


def places_csv(table: pd.DataFrame) -> str:
    """A table of places as the program writes and reads it back: codes, decimal point."""
    return table.to_csv(index=False, lineterminator="\n")


def geojson(lieux: pd.DataFrame) -> str:
    """Places with a point as GeoJSON (RFC 7946: longitude then latitude, WGS84)."""
    placed = lieux[lieux["longitude"].notna()]
    features = [
        {
            "type": "Feature",
            "id": row["id"],
            "geometry": {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]},
            "properties": {
                name: _property(value)
                for name, value in row.items()
                if name not in {"id", "longitude", "latitude"}
            },
        }
        for row in placed.to_dict("records")
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return json.dumps(collection, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _property(value: Any) -> Any:
    """A value of JSON: unknown is null, never an empty text."""
    if value is None or value == "" or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def layer(lieux: pd.DataFrame) -> gpd.GeoDataFrame:
    """Places with a point, as a layer in WGS84; unknown texts are null."""
    import geopandas as gpd

    placed = lieux[lieux["longitude"].notna()].reset_index(drop=True)
    points = gpd.points_from_xy(placed["longitude"], placed["latitude"], crs=4326)
    texts = [name for name in placed.columns if pd.api.types.is_string_dtype(placed[name])]
    blank = placed.assign(**{name: placed[name].replace("", None) for name in texts})
    return gpd.GeoDataFrame(blank, geometry=points)


def write_geopackage(lieux: pd.DataFrame, path: Path) -> None:
    """Write the layer ``lieux``; two runs give the same bytes."""
    import pyogrio

    dates = [date for date in lieux["date_maj"] if date]
    moment = f"{max(dates, default='2026-01-01')}T00:00:00.000Z"
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": moment})
    try:
        pyogrio.write_dataframe(
            layer(lieux), path, layer="lieux", driver="GPKG",
            dataset_options={"VERSION": "1.2"},
            layer_options={
                "GEOMETRY_NAME": "geom", "IDENTIFIER": "Lieux",
                "DESCRIPTION": "Lieux d'inclusion numérique",
            },
        )  # fmt: skip
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
