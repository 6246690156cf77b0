"""GeoPackage of a roadmap: its layers open already styled in QGIS, with what explains them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from fragilite.cartography import dissolved
from fragilite.centres import centres
from fragilite.dictionary import Column
from fragilite.french import plural
from fragilite.outputs import geographic_layer
from fragilite.outputs.geopackage import (
    dated,
    moment_of,
    provenance_rows,
    register,
    write_dictionary,
    write_layer,
    write_provenance,
    write_schema,
    write_styles,
    write_table,
)
from fragilite.outputs.qgis import Style
from fragilite.outputs.roadmap_style import (
    Key,
    base_styles,
    commune_styles,
    key_of,
    main_rows,
    sector_styles,
    table_styles,
)
from fragilite.roadmap import tables
from fragilite.roadmap.study import Outcome, Study
from fragilite.roadmap.wording import worth

#: How SQLite holds each type of column.
KINDS = {"string": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "BOOLEAN"}
#: Summed over the sectors of a commune that several serve.
SUMMED = ("personnes", "charge_personnes", "demi_journees")
#: Between the sectors that one cell names.
AND = " ; "


@dataclass(frozen=True)
class Layer:
    """A layer of the file.

    Attributes
    ----------
    nom, titre, description : str
        Name in the file, as QGIS lists it, and what it shows.
    lignes : GeoDataFrame
    geometrie : str
    styles : list of Style
        The one it opens with first.
    """

    nom: str
    titre: str
    description: str
    lignes: gpd.GeoDataFrame
    geometrie: str
    styles: list[Style]

    @property
    def held(self) -> list[str]:
        """Its columns, but for the geometry."""
        return [str(name) for name in self.lignes.columns if name != "geometry"]


def write(study: Study, path: Path) -> None:
    """Write the bases, communes and sectors of each scenario, and the tables beside them.

    Parameters
    ----------
    study : Study
    path : Path
        Written anew if it exists.
    """
    moment = moment_of(study.build)
    columns = tables.columns(study.unit)
    layers = layers_of(study, columns)
    plain = {"calendrier": tables.calendar(study), "comparaison": tables.plans(study)}
    with dated(moment):
        path.unlink(missing_ok=True)  # GDAL would add to a file that exists
        for one in layers:
            write_layer(one.lignes, path, one.nom, one.titre, one.description, one.geometrie)
    held = {one.nom: one.held for one in layers}
    held |= {name: [str(one) for one in table.columns] for name, table in plain.items()}
    styles = {one.nom: one.styles for one in layers}
    styles |= {name: table_styles(columns, held[name], name) for name in plain}
    with closing(sqlite3.connect(path)) as database, database:
        for name, table in plain.items():
            _write_plain(database, name, table, columns, moment)
        write_provenance(database, _provenance(study), moment)
        write_dictionary(database, columns, held, moment)
        write_styles(database, styles, moment, tables=list(plain))
        write_schema(database, columns, held)


def layers_of(study: Study, columns: Mapping[str, Column]) -> list[Layer]:
    """Layers of every scenario: bases, which QGIS lists first, communes, then sectors."""
    outlines = geographic_layer(study.build).set_index("code_insee").geometry
    found = []
    for outcome in study.scenarios:
        code, said = outcome.scenario.code, outcome.scenario
        key = key_of(outcome, columns)
        for name, title, lines, geometry, styles in _parts(study, outcome, outlines, key):
            found.append(
                Layer(
                    f"{name}_{code}", f"{title} : {said.libelle}",
                    said.description or said.libelle, lines, geometry, styles,
                )
            )  # fmt: skip
    return found


def _parts(
    study: Study, outcome: Outcome, outlines: gpd.GeoSeries, key: Key
) -> list[tuple[str, str, gpd.GeoDataFrame, str, list[Style]]]:
    posts = bases(study, outcome, outlines.crs)
    towns = communes(study, outcome, outlines)
    areas = sectors(study, outcome, outlines)
    return [
        ("bases", "Bases", posts, "Point", base_styles(key, posts)),
        ("communes", "Communes", towns, "MultiPolygon", commune_styles(key, towns)),
        ("secteurs", "Secteurs", areas, "MultiPolygon", sector_styles(key, _held(areas))),
    ]


def _held(rows: gpd.GeoDataFrame) -> list[str]:
    return [str(name) for name in rows.columns if name != "geometry"]


# --- layers ----------------------------------------------------------------------------------


def sectors(study: Study, outcome: Outcome, outlines: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Posts of a scenario with the outlines of their sectors."""
    rows = _of(tables.posts(study), outcome)
    held = outcome.communes
    shapes = gpd.GeoSeries(outlines.reindex(held["code_insee"]).to_numpy(), crs=outlines.crs)
    merged = dissolved(shapes, held["secteur"].astype(str).reset_index(drop=True))
    geometry = merged.reindex(rows["secteur"].astype(str)).to_numpy()
    return gpd.GeoDataFrame(rows, geometry=geometry, crs=outlines.crs)


def communes(study: Study, outcome: Outcome, outlines: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Communes of a scenario, one row each: figures of all its sectors, the shared one named."""
    rows = _of(tables.communes(study), outcome)
    groups = rows.groupby("code_insee")
    sums = groups[list(SUMMED)].sum(min_count=1)
    visited = rows.sort_values(["code_insee", "demi_journees"]).groupby("code_insee").last()
    found = main_rows(rows).drop(columns=["part", "poste_entier"]).reset_index(drop=True)
    codes = found["code_insee"]
    for name in SUMMED:
        found[name] = codes.map(sums[name]).astype(rows[name].dtype)
    for name in ("recue_a", "nom_recue_a"):
        found[name] = codes.map(visited[name])
    every = groups["nom_secteur"].agg(list)
    others = [
        AND.join(name for name in every[code] if name != own)
        for code, own in zip(codes, found["nom_secteur"], strict=True)
    ]
    found.insert(3, "autres_secteurs", others)
    return gpd.GeoDataFrame(found, geometry=outlines.reindex(codes).to_numpy(), crs=outlines.crs)


def bases(study: Study, outcome: Outcome, crs: Any) -> gpd.GeoDataFrame:
    """Communes where posts are based, one row each, at the centre of the commune."""
    rows = _of(tables.posts(study), outcome)
    whole = outcome.communes.groupby("secteur")["poste_entier"].all()
    rows["reserve"] = rows["secteur"].map(whole)
    shown = rows.sort_values(["reserve", "secteur"]).groupby("code_base")["secteur"].first()
    groups = rows.groupby("code_base", sort=True)
    found = pd.DataFrame(
        {
            "scenario": outcome.scenario.code,
            "secteur": shown,
            "code_base": shown.index,
            "nom_base": groups["nom_base"].first(),
            "postes_base": groups.size(),
            "secteurs": groups["nom_secteur"].agg(AND.join),
            "personnes": groups["personnes"].sum(min_count=1),
            "charge_personnes": groups["charge_personnes"].sum(min_count=1),
        }
    ).reset_index(drop=True)
    known = centres(study.build.inputs).reindex(found["code_base"])
    found["origine_point"] = known["origine"].to_numpy()
    points = gpd.GeoSeries.from_xy(known["longitude"], known["latitude"], crs=4326).to_crs(crs)
    located = points.where(known["longitude"].notna())
    return gpd.GeoDataFrame(found, geometry=located.to_numpy(), crs=crs)


def _of(table: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    return table[table["scenario"] == outcome.scenario.code].reset_index(drop=True)


# --- tables ----------------------------------------------------------------------------------


def _write_plain(
    database: sqlite3.Connection,
    name: str,
    table: pd.DataFrame,
    columns: Mapping[str, Column],
    moment: str,
) -> None:
    titles = {
        "calendrier": ("Calendrier", "Demi-journées d'un cycle, par scénario et par secteur"),
        "comparaison": ("Comparaison", "La proposition, un plan naïf, les lieux d'aujourd'hui"),
    }
    types = {str(one): KINDS[columns[str(one)].type] for one in table.columns}
    values = table.astype(object).where(table.notna(), None)
    rows = [dict(zip(types, row, strict=True)) for row in values.itertuples(index=False)]
    write_table(database, name, types, rows)
    register(database, name, *titles[name], moment)


def _provenance(study: Study) -> list[dict[str, str]]:
    """Sources of the figures, then the scenarios, the lists of places, and what must be known."""
    rows = provenance_rows(study.build)
    empty = dict.fromkeys(rows[0], "")
    for one in study.scenarios:
        rows.append(
            empty | {"source": "scenario", "titre": one.scenario.libelle, "note": _said(one)}
        )
    for place in study.known.listes:
        rows.append(
            empty
            | {
                "source": "liste de lieux", "editeur": place["producteur"], "titre": place["titre"],
                "adresse": place["page"], "donnees_au": place["date"], "licence": place["licence"],
                "note": plural(place["lieux"], "ligne"),
            }
        )  # fmt: skip
    for text in dict.fromkeys([*study.known.remarques, *study.notes]):
        rows.append(empty | {"source": tables.SOURCE, "titre": "À savoir", "note": text})
    return rows


def _said(outcome: Outcome) -> str:
    """What a scenario counts, how far its plan can be from the best one, what must be known."""
    scenario = outcome.scenario
    reason = scenario.priorite.raison if scenario.priorite else ""
    return " ".join(filter(None, [scenario.description, reason, worth(outcome), *outcome.messages]))
