"""Builds that a person may have: odd names, a few communes, no value, no outline, far apart."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import shapely

#: A name with all that HTML, XML, mathematics and an expression of QGIS take for themselves.
AWKWARD = """L'"Île" & <script>alert(1)</script> $x_1$ [%1+1%] \\n"""
#: Where a square stands for a département.
CENTRES = {"974": (55.5, -21.1), "971": (-61.5, 16.2), "972": (-61.0, 14.6), "49": (-0.5, 47.4)}


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
    epci = build.epci[build.epci["code_epci"].isin(table["code_epci"])].reset_index(drop=True)
    return replace(build, communes=table, epci=epci, inputs=inputs)


def alone(build):
    """Its first commune, whose EPCI it holds in part."""
    return only(build, build.communes["code_insee"].head(1))


def moved(build, departements):
    """Its first communes in other départements, 10 km squares far apart."""

    def outlines(index):
        shapes = [
            shapely.box(x - 0.05, y - 0.05, x + 0.05, y + 0.05)
            for x, y in (CENTRES[code] for code in departements)
        ]
        return gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, index=index, crs=4326))

    codes = build.communes["code_insee"].head(len(departements))
    return only(build, codes, outlines, code_departement=departements)


def far_apart(build):
    """Two communes, one on the mainland, one overseas, 9 000 km apart."""
    return moved(build, ["49", "974"])


def unmapped(build):
    """Communes whose outlines are not known."""
    return replace(build, inputs=replace(build.inputs, outlines=no_outlines))


def renamed(build, name=AWKWARD):
    """The same build, its first commune and its first EPCI called otherwise."""
    communes, epci = build.communes.copy(), build.epci.copy()
    communes.loc[0, ["nom", "nom_epci"]] = name
    epci.loc[0, "nom_epci"] = name
    return replace(build, communes=communes, epci=epci)


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
        words = {"classe_libelle": None, "lecture": ""}
        said = {name: word for name, word in words.items() if name in rows}
        return kept.assign(completude=0.0, rang_sur=0, **said)

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
