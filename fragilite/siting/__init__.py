"""Where posts go and whom they reach: reach, sectors, coverage, calendar.

Pure functions on arrays and tables: nothing here reads a file but a table of road times, and
nothing writes. :func:`reach` counts people near places; :func:`roadmap` shares communes between
posts, with a proven gap; :func:`cover` chooses places when a service is scarce; :func:`rounds`
writes half-days; :func:`stability` says how firm sectors are. Every default is declared in
``parametres.toml``.
"""

from fragilite.siting.coverage import Cover, cover
from fragilite.siting.distances import Distances, Points, by_air, by_road, inner_points
from fragilite.siting.neighbours import neighbours
from fragilite.siting.parameters import Parameter, parameters
from fragilite.siting.plans import (
    Plan,
    compared,
    naive_plan,
    nearest_plan,
    posts_table,
)
from fragilite.siting.problem import Ground, Rules, Settings, net_need
from fragilite.siting.reach import Reach, reach
from fragilite.siting.roadmap import Roadmap, roadmap
from fragilite.siting.rounds import Rounds, rounds
from fragilite.siting.stability import Stability, stability

__all__ = [
    "Cover",
    "Distances",
    "Ground",
    "Parameter",
    "Plan",
    "Points",
    "Reach",
    "Roadmap",
    "Rounds",
    "Rules",
    "Settings",
    "Stability",
    "by_air",
    "by_road",
    "compared",
    "cover",
    "inner_points",
    "naive_plan",
    "nearest_plan",
    "neighbours",
    "net_need",
    "parameters",
    "posts_table",
    "reach",
    "roadmap",
    "rounds",
    "stability",
]
