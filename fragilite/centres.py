"""Where a commune is counted from: its town hall where that is checked, else a point inside it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fragilite.errors import FragiliteError
from fragilite.french import listing, plural
from fragilite.ingestion.bundled import bundled_departements, town_halls
from fragilite.inputs import Inputs
from fragilite.siting.distances import Points, inner_points

#: What a centre is. 11 of the 176 town halls published for Maine-et-Loire are not in their commune,
#: and that of Cholet is the one of an associated commune, 7 km from the town.
HALL, INSIDE = "mairie", "point intérieur"
#: Communes named in an error.
SHOWN = 3


def centres(inputs: Inputs) -> pd.DataFrame:
    """Centres of the communes of a frame.

    Parameters
    ----------
    inputs : Inputs

    Returns
    -------
    DataFrame
        ``longitude``, ``latitude`` (degrees, WGS 84) and ``origine`` (``mairie``, or ``point
        intérieur`` of the outline), by ``code_insee`` in the order of the frame; missing where
        neither is known.
    """
    outlines = inputs.contours()
    known = outlines[~outlines.geometry.isna() & ~outlines.geometry.is_empty]
    found = pd.DataFrame(
        {"longitude": np.nan, "latitude": np.nan, "origine": ""}, index=inputs.communes.index
    )
    if len(known):
        points = inner_points(known.rename_axis("code_insee").reset_index())
        found.loc[list(points.codes), ["longitude", "latitude"]] = np.column_stack(
            [points.longitude, points.latitude]
        )
        found.loc[list(points.codes), "origine"] = INSIDE
    halls = _town_halls(inputs)
    found.loc[halls.index, list(halls.columns)] = halls
    return found


def centre_points(inputs: Inputs) -> Points:
    """Centres of all the communes of a frame, in its order.

    Raises
    ------
    FragiliteError
        If the centre of one is not known: no distance can be told from it.
    """
    found = centres(inputs)
    lacking = list(inputs.communes["nom"][found["longitude"].isna()])
    if lacking:
        few = (
            f", dont {listing(lacking[:SHOWN])}"
            if len(lacking) > SHOWN
            else f" : {listing(lacking)}"
        )
        raise FragiliteError(
            f"{plural(len(lacking), 'commune')} sans contour ni mairie connue{few} : aucune "
            "distance possible.",
            "Prenez les contours : fragilite fetch contours",
        )
    return Points(tuple(found.index), found["latitude"].to_numpy(), found["longitude"].to_numpy())


def _town_halls(inputs: Inputs) -> pd.DataFrame:
    """Those that travel with the program, for the communes of a frame."""
    import geopandas as gpd

    near = sorted(set(inputs.communes["code_departement"]) & set(bundled_departements()))
    tables = [town_halls(code) for code in near]
    halls = pd.concat(tables) if tables else town_halls(bundled_departements()[0]).head(0)
    halls = halls[halls.index.isin(inputs.communes.index)]
    points = gpd.GeoSeries.from_xy(halls["mairie_x"], halls["mairie_y"], crs=2154).to_crs(4326)
    return pd.DataFrame(
        {"longitude": points.x, "latitude": points.y, "origine": halls["mairie_origine"]},
        index=halls.index,
    )
