"""Which communes touch, from their outlines, and what ties islands to the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import geopandas as gpd


def neighbours(layer: gpd.GeoDataFrame) -> np.ndarray:
    """Pairs of communes that share a border, not a mere point.

    Parameters
    ----------
    layer : GeoDataFrame
        One outline a row, in a coordinate system in metres.

    Returns
    -------
    ndarray of int64, shape (links, 2)
        Places of the rows, the lesser first, in order.
    """
    import shapely

    outlines = layer.geometry.to_numpy()
    first, second = layer.sindex.query(outlines, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    border = shapely.length(shapely.intersection(outlines[first], outlines[second]))
    links = np.stack([first, second], axis=1)[border > 0]
    found: np.ndarray = links[np.lexsort((links[:, 1], links[:, 0]))].astype(np.int64)
    return found


def bridged(links: np.ndarray, distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tie the pieces of a territory that do not touch (islands, enclaves) by the shortest links.

    Parameters
    ----------
    links : ndarray of int64, shape (links, 2)
    distances : ndarray of float64, shape (communes, communes)
        Any unit; NaN where unknown.

    Returns
    -------
    links : ndarray of int64, shape (links + added, 2)
    added : ndarray of int64, shape (added, 2)

    Examples
    --------
    >>> apart = np.abs(np.subtract.outer([0.0, 1.0, 5.0], [0.0, 1.0, 5.0]))
    >>> bridged(np.array([[0, 1]]), apart)[1].tolist()
    [[1, 2]]
    """
    pieces = components(links, len(distances))
    near = np.fmin(distances, distances.T)
    near = np.where(np.isnan(near), np.inf, near)
    added = []
    while pieces.max(initial=0) > 0:
        between = np.where(pieces[:, None] != pieces[None], near, np.inf)
        i, j = divmod(int(between.argmin()), len(between))
        if pieces[i] == pieces[j]:  # nothing known ties them: any link will do
            i, j = 0, int((pieces != pieces[0]).argmax())
        added.append(sorted((i, j)))
        pieces = components(np.vstack([links, added]), len(distances))
    new = np.array(added, dtype=np.int64).reshape(-1, 2)
    return np.vstack([links.reshape(-1, 2), new]), new


def components(links: np.ndarray, count: int) -> np.ndarray:
    """Piece, numbered from 0, of each of ``count`` communes."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.asarray(links, dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    found: np.ndarray = connected_components(graph, directed=False)[1]
    return found
