"""GeoParquet 1.1, for researchers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq

from fragilite.pipeline import Build
from fragilite.provenance import provenance

#: Rows a group: a reader of a bounding box skips the other groups. On the 34 868 communes of
#: France (60 numbers, 50 texts, 31 MB), a box around Maine-et-Loire reads 3.7 MB in 4 groups of
#: 35, against 31 MB in one group, 16 MB in the order of codes; the file is 1 % larger than with
#: 2 000 rows. Groups of 500 would read 2.4 MB for another 3 %.
ROW_GROUP = 1_000
#: On the same table, level 3 takes 1 % off level 1 in the same time; level 19 another 1 %, in
#: seven times the time.
ZSTD = 3
#: What the dictionary says of a column, in the metadata.
DESCRIBED = ("libelle", "unite", "description", "source")


def write(build: Build, layer: gpd.GeoDataFrame, path: Path) -> None:
    """Write one row per commune, full precision, with provenance and column descriptions.

    geopandas writes the geometry and the ``geo`` key; the table is then written again with what it
    cannot carry: the provenance and a description of each column, as JSON under ``fragilite``.

    Rows follow a Hilbert curve, not the order of codes: neighbours stay together, so that a group
    of rows covers little ground and a reader of a bounding box opens few of them.

    Arrow's own schema is left out: it copies every key a second time, in base64, so that the footer
    that all readers fetch first was 163 kB of 273; without it, 87 of 197. Descriptions are in the
    keys of the file, where DuckDB and GDAL see them too, not in those of Arrow's fields.
    """
    buffer = io.BytesIO()
    along_the_curve(layer).to_parquet(
        buffer, index=False, schema_version="1.1.0", write_covering_bbox=True
    )
    table = pq.read_table(buffer)
    facts = provenance(build) | {"colonnes": _described(build)}
    metadata = dict(table.schema.metadata or {})
    metadata[b"fragilite"] = json.dumps(facts, ensure_ascii=False).encode()
    bare = table.replace_schema_metadata(None)
    with pq.ParquetWriter(
        path, bare.schema, compression="zstd", compression_level=ZSTD, store_schema=False
    ) as writer:
        writer.write_table(bare, row_group_size=ROW_GROUP)
        writer.add_key_value_metadata(metadata)


def _described(build: Build) -> dict[str, dict[str, str]]:
    """Label, unit, meaning and source of each column."""
    return {
        name: {key: getattr(build.columns[name], key) for key in DESCRIBED}
        for name in build.communes.columns.astype(str)
    }


def along_the_curve(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows in the order of a Hilbert curve through the middle of their outlines.

    Those without an outline come last; equals keep their order, so that files repeat.
    """
    drawn = (~(layer.geometry.isna() | layer.geometry.is_empty)).to_numpy()
    rank = np.full(len(layer), np.inf)
    if drawn.any():
        rank[drawn] = layer.geometry[drawn].hilbert_distance().to_numpy()
    return layer.iloc[np.argsort(rank, kind="stable")]
