"""Builds that a person may have and a map must bear: odd names, nothing, one commune, far apart."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

#: A name with all that HTML, XML and an expression of QGIS take for themselves.
NASTY = """L'"Île" & <script>alert(1)</script> [% 1 + 1 %] \\n"""


def renamed(built, name=NASTY):
    """The build with a name in place of the first of each layer."""
    communes, epci = built.communes.copy(), built.epci.copy()
    communes.loc[0, ["nom", "nom_epci"]] = name
    epci.loc[0, "nom_epci"] = name
    return replace(built, communes=communes, epci=epci)


def blank(built):
    """The build of places that have no value."""
    return replace(built, communes=_blank(built.communes), epci=_blank(built.epci))


def _blank(table):
    found = table.copy()
    for name in found.columns[found.dtypes == "float64"]:
        found[name] = np.nan
    for name in found.columns[found.dtypes == "Int64"]:
        found[name] = pd.Series(pd.NA, index=found.index, dtype="Int64")
    return found.assign(classe_libelle="", lecture="") if "lecture" in found else found


def alone(built):
    """The build of its first commune, whose EPCI it holds in part."""
    return _of(built, built.communes.head(1), built.inputs.contours().head(1))


def far_apart(built):
    """The build of two communes, one on the mainland, one overseas, 9 000 km apart."""
    codes = built.communes["code_insee"].head(2)
    shapes = [shapely.box(x, y, x + 0.1, y + 0.1) for x, y in [(-0.5, 47.4), (55.5, -21.1)]]
    outlines = gpd.GeoDataFrame(geometry=shapes, index=pd.Index(codes), crs=4326)
    return _of(built, built.communes.head(2).assign(code_departement=["49", "974"]), outlines)


def unmapped(built):
    """The build of communes whose outlines are not known."""
    outlines = built.inputs.contours().copy()
    outlines["geometry"] = gpd.GeoSeries([None] * len(outlines), outlines.index, crs=2154)
    return _of(built, built.communes, outlines)


def _of(built, communes, outlines):
    inputs = replace(built.inputs, communes=built.inputs.communes.head(len(communes)))
    inputs.__dict__["_contours"] = outlines
    epci = built.epci[built.epci["code_epci"].isin(communes["code_epci"])]
    return replace(built, communes=communes.copy(), epci=epci.reset_index(drop=True), inputs=inputs)
