"""Builds with less in them than a département: a few communes, no value, no outline."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely

#: A name that breaks what is not escaped: quotes, markup, mathematics, an underscore.
AWKWARD = 'L\'"Île" <script>alert(1)</script> $x_1$'


def only(build, codes, outlines=None, **changes):
    """The rows of some communes, their frame reduced too, some columns changed."""
    table = build.communes[build.communes["code_insee"].isin(codes)]
    table = table.reset_index(drop=True).assign(**changes)
    frame = build.inputs.communes.loc[table["code_insee"]]
    former = build.inputs.anciennes
    inputs = replace(
        build.inputs,
        communes=frame,
        anciennes=former[former["code_insee"].isin(frame.index)],
        outlines=outlines or build.inputs.outlines,
    )
    return replace(build, communes=table, inputs=inputs)


def named(build, code, name):
    """The same build, one commune called otherwise."""
    frame, table = build.inputs.communes.copy(), build.communes.copy()
    frame.loc[code, "nom"] = name
    table.loc[table["code_insee"] == code, "nom"] = name
    return replace(build, communes=table, inputs=replace(build.inputs, communes=frame))


def empty(build):
    """Every score and estimate missing, as where no figure is at hand."""

    def result(one):
        scores = replace(
            one.scores,
            noeuds=one.scores.noeuds * np.nan,
            indicateurs=one.scores.indicateurs * np.nan,
            contributions=one.scores.contributions * np.nan,
            completude=one.scores.completude * 0,
        )
        figures = {
            code: replace(figure, values=figure.values * np.nan)
            for code, figure in one.figures.items()
        }
        return replace(one, scores=scores, volume=one.volume * np.nan, figures=figures)

    def table(rows):
        numbers = rows.select_dtypes("number").columns.difference(["communes", "rang_sur"])
        kept = rows.assign(**{name: rows[name].where(rows.index < 0) for name in numbers})
        return kept.assign(classe_libelle=None, completude=0.0, rang_sur=0)

    return replace(
        build,
        result=result(build.result),
        result_epci=result(build.result_epci),
        result_departement=result(build.result_departement),
        communes=table(build.communes),
        epci=table(build.epci),
        uncertainty=None,
    )


def no_outlines(index):
    """Outlines that nobody has."""
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries([None] * len(index), index=index, crs=2154))


def two_islands(index):
    """Half of the communes in Martinique, half in La Réunion."""
    half = len(index) // 2
    shapes = [
        shapely.box(-61.2 + place / 20, 14.5, -61.15 + place / 20, 14.6)
        if place < half
        else shapely.box(55.3 + place / 20, -21.2, 55.35 + place / 20, -21.1)
        for place in range(len(index))
    ]
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, index=index, crs=4326))
