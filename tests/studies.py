"""A roadmap of the Saumur area, worked out once for the tests that show it."""

from dataclasses import replace
from functools import cache

from fragilite import inventory
from fragilite.inventory import Known
from fragilite.pipeline import build
from fragilite.places.counts import counts, list_record
from fragilite.places.mapping import OWN
from fragilite.places.merging import merge
from fragilite.places.schema import Origine, Places, table
from fragilite.roadmap import load_scenario, study
from fragilite.territory import parse_territory

#: Five posts for the number of people: Saumur is heavier than one, and has a post of its own.
POSTS = {"intensite": 3, "volume": 5}
LIST = Origine(OWN, "Liste d'essai", "Nous", "Licence Ouverte 2.0", "essai", "2026-01-01", "l", 1)


@cache
def saumur():
    """Two scenarios, on the counts that travel with the program."""
    built = build(parse_territory(epci="200071876"))
    scenarios = [
        load_scenario(name).model_copy(update={"postes": posts}) for name, posts in POSTS.items()
    ]
    return study(built, inventory.of_bundle(built), scenarios, draws=5)


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
