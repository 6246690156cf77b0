"""How far a rank could move: under the smallness of the data, and under other choices of method.

Two analyses, never mixed into one number. :func:`data_noise` keeps the method and redraws the
data; :func:`method_choices` keeps the data and redraws the method; :func:`uncertainty` runs both
and reads them together. :func:`sensitivity` says which choice of method moves the ranks most.
Seeds are declared: the same call gives the same numbers, whatever the order of rows.
"""

from fragilite.robustness.choices import method_choices
from fragilite.robustness.noise import data_noise
from fragilite.robustness.reading import LEAST, LECTURES, lecture, uncertainty
from fragilite.robustness.records import (
    SEED,
    Choices,
    Draws,
    Noise,
    Sensitivity,
    Seuils,
    Uncertainty,
)
from fragilite.robustness.sobol import sensitivity
from fragilite.robustness.wording import render

__all__ = [
    "LEAST",
    "LECTURES",
    "SEED",
    "Choices",
    "Draws",
    "Noise",
    "Sensitivity",
    "Seuils",
    "Uncertainty",
    "data_noise",
    "lecture",
    "method_choices",
    "render",
    "sensitivity",
    "uncertainty",
]
