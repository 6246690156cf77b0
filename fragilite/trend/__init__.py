"""What changed between two vintages, and what cannot be said: :func:`trend`.

Same communes, same method, same bounds at both dates; each change comes with its interval at 90 %
and with a reading that does not call noise a change. Only what is comparable is compared
(``comparaisons.toml``): the rest has a row with a reason.

    >>> from fragilite import build
    >>> found = trend(build("49", uncertainty=False))
    >>> one = found.communes.query("code_insee == '49007' and indicateur == 'part_sans_bac'")
    >>> one[["millesime_avant", "millesime_apres", "lecture"]].to_numpy().tolist()
    [['2017', '2023', 'baisse']]
"""

from fragilite.trend.comparing import ABSENT, SANS_ANTERIEUR, Comparaison, Trend, trend, whole_trend
from fragilite.trend.index import Moved
from fragilite.trend.interval import LEVEL
from fragilite.trend.tidy import BAISSE, COLUMNS, HAUSSE, LECTURES, RIEN

__all__ = [
    "ABSENT", "BAISSE", "COLUMNS", "HAUSSE", "LECTURES", "LEVEL", "RIEN", "SANS_ANTERIEUR",
    "Comparaison", "Moved", "Trend", "trend", "whole_trend",
]  # fmt: skip
