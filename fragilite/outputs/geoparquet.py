"""GeoParquet 1.1, for researchers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import geopandas as gpd
import pyarrow.parquet as pq

from fragilite.pipeline import Build
from fragilite.provenance import provenance


def write(build: Build, layer: gpd.GeoDataFrame, path: Path) -> None:
    """Write one row per commune, full precision, with provenance and column descriptions.

    geopandas writes the geometry and the ``geo`` key; the table is then written again with what it
    cannot carry: a description for each column and the provenance, under the key ``fragilite``.
    """
    buffer = io.BytesIO()
    layer.to_parquet(
        buffer, index=False, schema_version="1.1.0", write_covering_bbox=True, compression="zstd"
    )
    table = pq.read_table(buffer)
    schema = table.schema
    for place, field in enumerate(schema):
        column = build.columns.get(field.name)
        if column:
            notes = {
                "libelle": column.libelle,
                "unite": column.unite,
                "description": column.description,
            }
            schema = schema.set(place, field.with_metadata(notes))
    metadata = dict(schema.metadata or {})
    metadata[b"fragilite"] = json.dumps(provenance(build), ensure_ascii=False).encode()
    pq.write_table(table.cast(schema).replace_schema_metadata(metadata), path, compression="zstd")
