"""A colour for each sector of a roadmap: the same in every file, never shared by two that touch.

The colours are the twelve of Paul Tol's qualitative scheme (*Colour Schemes*, SRON technical note
SRON/EPS/TN/09-002, issue 2.2, 2012), made to be told apart by colour-blind readers. A map of areas
needs no more of them than neighbours do: each sector takes the colour that is the farthest from
those of its neighbours, for usual sight and for two dichromats' alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fragilite.roadmap.study import Outcome

#: In such an order that the first ones, whatever their number, are far apart: 21 (CIELAB, the
#: worst of three sights) between the first eight, 14 between the twelve.
PALETTE = (
    "#88ccee", "#332288", "#ddcc77", "#882255", "#117733", "#aa4499",
    "#44aa99", "#999933", "#661100", "#6699cc", "#cc6677", "#aa4466",
)  # fmt: skip
#: Usual sight, then those of protanopes and deuteranopes, on linear RGB (Viénot, Brettel, Mollon,
#: 1999).
SIGHTS = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    ]
)
#: From linear RGB to CIE XYZ (sRGB), over the white point D65.
XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8727]])
#: How much of its colour a tint keeps: the communes of a sector, under names and borders.
TINT = 0.5


def colours(outcome: Outcome) -> dict[int, str]:
    """Colour of each sector of a scenario.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    dict of int to str
        ``#rrggbb`` by ``secteur``, in the order of their numbers. Up to twelve sectors, each has
        its own. Above, colours come back, never between sectors that touch; the posts reserved to
        one commune, whose outline is the same, then share one.
    """
    near = touching(outcome)
    if len(near) <= len(PALETTE):
        return _exchanged(near, _chosen(near, PALETTE[: len(near)], again=False))
    place = _places(outcome)
    merged: dict[int, set[int]] = {one: set() for one in place.values()}
    for one, others in near.items():
        merged[place[one]] |= {place[other] for other in others} - {place[one]}
    found = _chosen(merged, PALETTE, again=True)
    return {one: found[place[one]] for one in near}


def touching(outcome: Outcome) -> dict[int, set[int]]:
    """Sectors that each sector touches: by a border between communes, or by sharing one.

    Parameters
    ----------
    outcome : Outcome
    """
    table = outcome.communes
    held: dict[str, set[int]] = {}
    for code, sector in zip(table["code_insee"], table["secteur"].tolist(), strict=True):
        held.setdefault(code, set()).add(sector)
    codes = outcome.ground.codes
    pairs = [(codes[i], codes[j]) for i, j in outcome.ground.liens.tolist()]
    pairs += [(code, code) for code in held]
    near: dict[int, set[int]] = {one: set() for one in sorted(set(table["secteur"].tolist()))}
    for first, second in pairs:
        for one in held.get(first, set()):
            for other in held.get(second, set()) - {one}:
                near[one].add(other)
                near[other].add(one)
    return near


def tint(colour: str, share: float = TINT) -> str:
    """A lighter colour: a share of it on white paper.

    Examples
    --------
    >>> tint("#882255"), tint("#000000", 0.25)
    ('#c491aa', '#bfbfbf')
    """
    levels = [255 - share * (255 - int(colour[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + bytes(int(level + 0.5) for level in levels).hex()


def _places(outcome: Outcome) -> dict[int, int]:
    """Sector that stands for each on a map: the first reserved to the same commune, or itself."""
    first: dict[str, int] = {}
    found = {}
    table = outcome.communes.sort_values("secteur")
    for sector, mine in table.groupby("secteur"):
        number = int(str(sector))
        reserved = bool(mine["poste_entier"].all())
        code = str(mine["code_insee"].iloc[0])
        found[number] = first.setdefault(code, number) if reserved else number
    return found


def _chosen(
    near: Mapping[int, set[int]], palette: tuple[str, ...], *, again: bool
) -> dict[int, str]:
    """Give each a colour, as far as can be from those of its neighbours.

    With `again`, a colour may come back, the least used first; the order then leaves one free for
    each on any map of areas (at most five neighbours before each: Matula and Beck, 1983).
    """
    apart = _distances()
    found: dict[int, int] = {}
    for one in _smallest_last(near):
        around = [found[other] for other in near[one] if other in found]
        taken = set(around) if again else set(found.values())
        free = [at for at in range(len(palette)) if at not in taken] or list(range(len(palette)))
        used = Counter(found.values())
        found[one] = max(free, key=lambda at: (-used[at], min(apart[at, around], default=0.0), -at))
    return {one: palette[found[one]] for one in sorted(found)}


def _exchanged(near: Mapping[int, set[int]], found: dict[int, str]) -> dict[int, str]:
    """Exchange the colours of two sectors while the neighbours that look most alike gain by it."""
    apart = _distances()
    borders = [(one, other) for one in near for other in near[one] if one < other]
    place = {one: PALETTE.index(colour) for one, colour in found.items()}

    def worth(places: Mapping[int, int]) -> list[float]:
        return sorted(float(apart[places[one], places[other]]) for one, other in borders)

    best, better = worth(place), True
    while better:
        better = False
        for one, other in combinations(place, 2):
            tried = place | {one: place[other], other: place[one]}
            if worth(tried) > best:
                place, best, better = tried, worth(tried), True
    return {one: PALETTE[at] for one, at in place.items()}


def _smallest_last(near: Mapping[int, set[int]]) -> list[int]:
    """An order where each has few neighbours before it: the one with fewest goes last."""
    left = {one: set(others) for one, others in near.items()}
    order = []
    while left:
        one = min(left, key=lambda other: (len(left[other]), -other))
        for other in left.pop(one):
            left[other].discard(one)
        order.append(one)
    return order[::-1]


@cache
def _distances() -> NDArray[np.float64]:
    """CIELAB distance of each pair of the palette, the worst of the three sights."""
    levels = np.array(
        [[int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in PALETTE]
    )
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.einsum("sij,cj->sci", XYZ @ SIGHTS, linear), 0, None)
    x, y, z = np.moveaxis(
        np.where(seen > 216 / 24389, np.cbrt(seen), 841 / 108 * seen + 16 / 116), -1, 0
    )
    lab = np.stack([116 * y, 500 * (x - y), 200 * (y - z)], axis=-1)
    found: NDArray[np.float64] = np.linalg.norm(lab[:, :, None] - lab[:, None], axis=-1).min(axis=0)
    return found
