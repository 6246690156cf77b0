"""A roadmap of the Saumur area, worked out once for the tests that show it."""

from dataclasses import replace
from functools import cache

from roadmaps import shared_out

from fragilite.inventory import Known
from fragilite.pipeline import build
from fragilite.places.counts import counts, list_record
from fragilite.places.mapping import OWN
from fragilite.places.merging import merge
from fragilite.places.schema import Origine, Places, table
from fragilite.territory import parse_territory

#: Five posts for the number of people: Saumur is heavier than one, and has a post of its own.
POSTS = 5
LIST = Origine(OWN, "Liste d'essai", "Nous", "Licence Ouverte 2.0", "essai", "2026-01-01", "l", 1)


@cache
def saumur():
    """Two scenarios, on the counts that travel with the program."""
    return shared_out(build(parse_territory(epci="200071876")), POSTS, "intensite", "volume")


def listed(*changes):
    """Places of Saumur as a list would give them, each with what it changes."""
    base = {
        "source": OWN, "type": "association", "code_insee": "49328", "commune": "Saumur",
        "code_postal": "49400", "localisation": "lieu", "date_maj": "2025-03-01", "etat": "ouvert",
        "accueil": "oui",
    }  # fmt: skip
    rows = [{**base, "id": f"l:{at}", **change} for at, change in enumerate(changes)]
    merged = merge(Places(table(rows)))
    return Known(counts(merged), [list_record(replace(LIST, lieux=len(rows)))], merged)
