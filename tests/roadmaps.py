"""Roadmaps of a few seconds, for the tests of what is written of them."""

from fragilite import inventory
from fragilite.pipeline import build
from fragilite.roadmap.scenario import load_scenario
from fragilite.roadmap.study import study
from fragilite.territory import parse_territory

SCENARIOS = ("volume", "intensite")
#: Heavier than the mean of three posts of its EPCI: one is reserved to it, and it shares another.
ANGERS, ANGERS_EPCI = "49007", "244900015"


def angers_epci():
    """Angers Loire Métropole, 29 communes."""
    return build(parse_territory(epci=ANGERS_EPCI))


def shared_out(done, posts, *names, **changes):
    """A study of a build, quick: few draws, a few seconds of search; its scenarios changed."""
    asked = [load_scenario(name).model_copy(update={"postes": posts} | changes) for name in names]
    known = inventory.of_bundle(build("49", uncertainty=False))
    return study(done, known, asked, draws=5, seconds=5.0)
