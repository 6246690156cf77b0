"""The roadmap: posts shared in a territory, in one scenario or several, beside what exists."""

from fragilite.roadmap.scenario import Scenario, load_scenario
from fragilite.roadmap.study import Outcome, Study, study

__all__ = ["Outcome", "Scenario", "Study", "load_scenario", "study"]
