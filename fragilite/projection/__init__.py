"""What the ageing of those who live there would do, alone: a scenario, never a forecast.

>>> from fragilite import build
>>> found = project(build("49", uncertainty=False), 2035)
>>> found.depart, found.annee
(2023, 2035)
>>> bool((found.communes["personnes_min"] <= found.communes["personnes_max"]).all())
True
"""

from fragilite.projection.scenario import Scenario, horizon, project

__all__ = ["Scenario", "horizon", "project"]
