"""One tidy table for every change: a row a place, a figure and two vintages."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fragilite.trend.interval import Change

HAUSSE, BAISSE, RIEN = "hausse", "baisse", "pas de changement démontré"
#: What a change may be called, in the order it is counted.
LECTURES = (HAUSSE, BAISSE, RIEN)

INDICATEUR_MANQUANT = "valeur manquante d'un indicateur"

COLUMNS = (
    "indicateur", "millesime_avant", "millesime_apres", "valeur_avant", "valeur_apres",
    "changement", "min_90", "max_90", "lecture", "raison",
)  # fmt: skip


def reading(change: Change, decimals: int) -> pd.Series:
    """What may be said of changes, ``""`` where there is none.

    A rise or a fall is said only if its whole interval is on one side of zero, and if it shows at
    the decimals that the figure is written with.

    Examples
    --------
    >>> change = Change(*(pd.Series(cells) for cells in ([2.0, 2.0], [0.5, -0.5], [3.5, 4.5])))
    >>> reading(change, 1).tolist()
    ['hausse', 'pas de changement démontré']
    """
    shown = change.value.abs() >= 0.5 * 10.0**-decimals
    words = np.select(
        [change.value.isna(), shown & (change.low > 0), shown & (change.high < 0)],
        ["", HAUSSE, BAISSE],
        RIEN,
    )
    return pd.Series(words, index=change.value.index, dtype="str")


def rows(
    places: pd.DataFrame,
    indicateur: str,
    avant: str,
    apres: str,
    before: pd.Series,
    after: pd.Series,
    change: Change,
    decimals: int,
    raison: str = "",
    *,
    stopped: bool = False,
) -> pd.DataFrame:
    """Rows of one comparison, in the order of the places.

    Parameters
    ----------
    places : DataFrame
        Columns that name the places, on the index of the figures.
    before, after : Series of float64
    raison : str
        Why nothing is compared, or what is left out.
    stopped : bool
        Whether nothing is: otherwise a figure that is missing is said in place of the reason.
    """
    index = places.index
    before, after = before.reindex(index), after.reindex(index)
    gone = change.value.reindex(index).isna()
    missing = np.select(
        [gone & before.isna(), gone & after.isna(), gone],
        [f"valeur manquante en {avant}", f"valeur manquante en {apres}", INDICATEUR_MANQUANT],
        raison,
    )
    table = pd.DataFrame(
        {
            "indicateur": indicateur,
            "millesime_avant": avant,
            "millesime_apres": apres,
            "valeur_avant": before,
            "valeur_apres": after,
            "changement": change.value.reindex(index),
            "min_90": change.low.reindex(index),
            "max_90": change.high.reindex(index),
            "lecture": reading(change, decimals).reindex(index),
            "raison": raison if stopped else missing,
        },
        index=index,
    )
    return places.join(table).reset_index(drop=True)


def nothing(index: pd.Index) -> Change:
    """No change to tell."""
    empty = pd.Series(np.nan, index=index)
    return Change(empty, empty, empty)
