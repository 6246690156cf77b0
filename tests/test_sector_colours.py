"""Colours of sectors: one each, never shared by neighbours, told apart by dichromats."""

from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from test_cartography import DEUTAN, PROTAN, linear

from fragilite import outputs
from fragilite.sector_colours import PALETTE, colours, tint, touching
from fragilite.siting import neighbours


def shared(rows, links):
    """An outcome, as far as colours need it: (secteur, code_insee, poste_entier), borders."""
    table = pd.DataFrame(rows, columns=["secteur", "code_insee", "poste_entier"])
    codes = tuple(dict.fromkeys(table["code_insee"]))
    pairs = [(codes.index(one), codes.index(other)) for one, other in links]
    ground = SimpleNamespace(codes=codes, liens=np.array(pairs, dtype=np.int64).reshape(-1, 2))
    return SimpleNamespace(communes=table, ground=ground)


def in_line(count):
    """Sectors of one commune, each touching the next."""
    names = [f"{number:05}" for number in range(count)]
    rows = [(number, name, False) for number, name in enumerate(names, 1)]
    return shared(rows, pairwise(names))


def in_pairs(outcome):
    near = touching(outcome)
    return [(one, other) for one in near for other in near[one]]


@pytest.mark.parametrize("sight", [np.eye(3), PROTAN, DEUTAN], ids=["usuelle", "protan", "deutan"])
def test_no_two_colours_look_alike(sight):
    seen = [np.clip(sight @ linear(colour), 0, 1) ** (1 / 2.2) for colour in PALETTE]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2)) > 0.14


@pytest.mark.parametrize("count", [1, 2, 7, 12])
def test_up_to_twelve_sectors_have_each_their_own(count):
    found = colours(in_line(count))
    assert list(found) == list(range(1, count + 1))
    assert set(found.values()) == set(PALETTE[:count])


@pytest.mark.parametrize("count", [13, 40])
def test_beyond_colours_come_back_but_not_beside(count):
    outcome = in_line(count)
    found = colours(outcome)
    assert len(found) == count
    assert set(found.values()) == set(PALETTE)  # a legend repeats as little as can be
    assert all(found[one] != found[other] for one, other in in_pairs(outcome))


def test_a_sector_a_commune_of_a_departement(built):
    """176 sectors on the real borders of Maine-et-Loire."""
    layer = outputs.geographic_layer(built)
    codes = list(layer["code_insee"])
    links = [(codes[i], codes[j]) for i, j in neighbours(layer)]
    outcome = shared([(at, code, False) for at, code in enumerate(codes, 1)], links)
    found = colours(outcome)
    assert len(in_pairs(outcome)) == 2 * len(links) > 800
    assert all(found[one] != found[other] for one, other in in_pairs(outcome))


def test_sectors_of_one_commune_are_neighbours():
    outcome = shared([(1, "A", True), (2, "A", False), (2, "B", False), (3, "C", False)], ["BC"])
    assert touching(outcome) == {1: {2}, 2: {1, 3}, 3: {2}}
    assert len(set(colours(outcome).values())) == 3


def test_many_posts_of_one_commune_share_a_colour():
    """As in Paris, one commune for all its posts: their outlines are the same."""
    rows = [(number, "A", True) for number in range(1, 21)]
    outcome = shared([*rows, (21, "A", False), (21, "B", False), (22, "C", False)], ["BC", "AC"])
    found = colours(outcome)
    assert len({found[number] for number in range(1, 21)}) == 1
    assert len({found[1], found[21], found[22]}) == 3


def test_neighbours_are_as_far_apart_as_can_be():
    """The first two of the palette are its farthest apart, and stand side by side."""
    outcome = shared([(1, "A", False), (2, "B", False), (3, "C", False)], ["AB"])
    found = colours(outcome)
    assert {found[1], found[2]} == {"#332288", "#ddcc77"}


def test_a_tint_is_between_the_colour_and_white():
    for colour in PALETTE:
        assert tint(colour, 1) == colour
        assert tint(colour, 0) == "#ffffff"
        assert (linear(tint(colour)) >= linear(colour)).all()
