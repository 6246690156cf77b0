"""The index inside the communes: by IRIS, the neighbourhoods of some 2 000 people of INSEE.

An IRIS is scored as a commune is, by the same method. What is not measured by IRIS (the network) is
the commune's, and says so; shares of people are brought nearer to the commune's, the more so the
fewer people live there. A commune that is not split keeps one row: its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite import indicators, scoring
from fragilite.indicators import Figure
from fragilite.ingestion.catalogue import totals
from fragilite.ingestion.iris import WHOLE
from fragilite.ingestion.lots import GatheredIris, Lot
from fragilite.inputs import Inputs
from fragilite.method import Effectif, Grandeur, Lissage, Method, Moyenne, Part, is_census_share
from fragilite.shrinkage import LEAST, Smoothed, shrink_inside
from fragilite.table import Statut, Table

if TYPE_CHECKING:
    from fragilite.pipeline import Result

#: Rule of a figure that no file gives by IRIS.
REGLE_COMMUNE = "valeur de la commune"
#: Type of the one row of a commune that is not split.
TYPE_WHOLE = "Z"
#: Types of the IRIS where few people live: work, and parks or nature.
FEW_LIVE = ("A", "D")
#: Columns that name an IRIS, before those of its commune.
NAMES = ("code_iris", "nom_iris", "type_iris")
#: Classes that the last of these columns counts, of how many.
MOST_FRAGILE, CLASSES = 4, 5


@dataclass(frozen=True)
class Iris:
    """The index by IRIS of a territory.

    Attributes
    ----------
    method : Method
        That of the build, every scored share of the census being smoothed.
    inputs : Inputs
        Tables by IRIS, on the IRIS of the communes that are split.
    inside : DataFrame
        Columns of the communes that are split: see :func:`inside`.
    outlined : bool
        Whether a file at hand has the outlines.
    made : callable
        Makes :attr:`table` and :attr:`result`.
    """

    method: Method
    inputs: Inputs
    inside: pd.DataFrame
    outlined: bool
    made: Callable[[], tuple[pd.DataFrame, Result]]

    @cached_property
    def _made(self) -> tuple[pd.DataFrame, Result]:
        return self.made()

    @property
    def table(self) -> pd.DataFrame:
        """One row per IRIS, in the order of codes: :data:`NAMES`, then the columns of communes."""
        return self._made[0]

    @property
    def result(self) -> Result:
        """Figures and scores, indexed by ``code_iris``."""
        return self._made[1]

    @property
    def lots(self) -> list[Lot]:
        """Provenance of the figures by IRIS."""
        return self.inputs.lots

    def of(self, commune: str) -> pd.DataFrame:
        """Rows of a commune that is split, the most fragile first; empty where it is not."""
        here = self.table[self.table["code_insee"] == commune]
        if len(here) < 2:
            return here.iloc[:0]
        return here.sort_values(["rang", "code_iris"], na_position="last")


def split_inputs(gathered: GatheredIris, communes: Inputs) -> Inputs:
    """Tables by IRIS on the IRIS of the communes of a build that are split.

    A commune is split where several rows stand in it, and not all of them are whole communes that
    merged since. One that a split commune absorbed stays a row of it, under its own name.
    """
    known, frame = communes.communes, gathered.frame
    place = known.index.get_indexer(pd.Index(frame["code_insee"]))
    parts = (place >= 0) & ~frame.index.str.endswith(WHOLE)
    split = np.zeros(len(known) + 1, dtype=bool)  # the last place is that of no commune
    split[place[parts]] = True
    frame = frame[split[place]].sort_index().rename_axis("code_iris")
    there = known.iloc[known.index.get_indexer(pd.Index(frame["code_insee"]))]
    there = there.set_axis(frame.index)
    former = communes.anciennes.drop_duplicates("code_ancien").set_index("code_ancien")["nom"]
    unnamed = (frame["nom_iris"] == "") & frame.index.str.endswith(WHOLE)
    absorbed = frame.index[unnamed].str[: -len(WHOLE)]
    frame.loc[unnamed, "nom_iris"] = former.reindex(absorbed).fillna("").to_numpy()
    tables = {(lot.source, lot.millesime): _on(table, frame.index) for lot, table in gathered.lots}
    return replace(
        communes,
        communes=frame.join(there),
        tables=tables,
        lots=[*(lot for lot, _ in gathered.lots), *gathered.outlines],
        outlines=gathered.contours or _no_outline,
        medians=(),
        notes=(),
        surroundings=None,
    )


def _no_outline(codes: pd.Index) -> Any:
    raise AssertionError(f"outlines of {len(codes)} IRIS asked for, and none at hand")


def _on(table: Table, codes: pd.Index) -> Table:
    """A table on the IRIS of a frame, in its order."""
    return replace(
        table,
        values=table.values.reindex(codes),
        statuts=table.statuts.reindex(codes, fill_value=np.int8(Statut.ABSENT)),
        regles={name: text.reindex(codes, fill_value="") for name, text in table.regles.items()},
    )


# --- the method ----------------------------------------------------------------------------------

SMOOTHING = Lissage(
    groupe_min=LEAST,
    raison="Un IRIS compte parfois une poignée de personnes : chaque part est rapprochée de celle "
    "de sa commune, d'autant plus qu'elle tient à peu de monde.",
    reference="Lissage bayésien empirique sur l'échelle logit, Noble et al., 2006, Environment and "
    "Planning A 38",
)


def method_by_iris(method: Method, tables: Sequence[Table]) -> Method:
    """The method as IRIS are scored by it.

    Every scored share of the census is smoothed, and sums of variables are read as the total where
    files publish no more (75 or over, below the baccalauréat).
    """
    offered = [set(table.values.columns) for table in tables]

    def read(figure: Any) -> Any:
        return figure.model_copy(update={"calcul": _with_totals(figure.calcul, offered)})

    indicateurs = {
        code: read(one).model_copy(update={"lissage": SMOOTHING if is_census_share(one) else None})
        for code, one in method.indicateurs.items()
    }
    volume = method.volume and method.volume.model_copy(
        update={
            "tranches": [_banded(one, offered) for one in method.volume.tranches],
            "variantes": [
                variant.model_copy(
                    update={"tranches": [_banded(one, offered) for one in variant.tranches]}
                )
                for variant in method.volume.variantes
            ],
        }
    )
    return method.model_copy(
        update={
            "indicateurs": indicateurs,
            "contexte": {code: read(one) for code, one in method.contexte.items()},
            "effectifs": {code: read(one) for code, one in method.effectifs.items()},
            "volume": volume,
        }
    )


def _banded(band: Any, offered: Sequence[set[str]]) -> Any:
    return band.model_copy(update={"effectifs": _totalled(band.effectifs, offered)})


def _with_totals(calcul: Any, offered: Sequence[set[str]]) -> Any:
    """A computation that reads totals where their parts are in no table."""
    if isinstance(calcul, Part):
        sides = {"numerateur": calcul.numerateur, "denominateur": calcul.denominateur}
    elif isinstance(calcul, Effectif):
        sides = {"variables": calcul.variables}
    else:
        return calcul
    return calcul.model_copy(
        update={side: _totalled(names, offered) for side, names in sides.items()}
    )


def _totalled(names: list[str], offered: Sequence[set[str]]) -> list[str]:
    if any(set(names) <= there for there in offered):
        return names
    for total, parts in totals().items():
        if parts <= set(names) and any(total in there for there in offered):
            return [total, *(name for name in names if name not in parts)]
    return names


# --- figures -------------------------------------------------------------------------------------


def figures(
    split: Inputs, around: Inputs, communes: Inputs, known: Mapping[str, Figure], method: Method
) -> tuple[dict[str, Figure], pd.DataFrame]:
    """Every figure of a method, by IRIS: the commune's own where it is not split.

    Parameters
    ----------
    split, around : Inputs
        Of the IRIS of the communes that are split; the same on the communes around the build, that
        an IRIS has one score whatever the territory.
    communes : Inputs
    known : mapping of str to Figure
        Figures of the communes.
    method : Method
        As IRIS are scored by it.

    Returns
    -------
    figures : dict of str to Figure
        Indexed by ``code_iris``, in order.
    millesimes : DataFrame of str
        Vintage of each figure of each IRIS: that of the communes is not always that of the IRIS.
    """
    codes = communes.communes.index
    apart = np.zeros(len(codes), dtype=bool)
    apart[codes.get_indexer(pd.Index(split.communes["code_insee"]))] = True
    alone = np.flatnonzero(~apart)
    names = pd.Index([*split.communes.index, *(codes[alone] + WHOLE)], name="code_iris")
    order = np.argsort(names.to_numpy(dtype=object), kind="stable")
    found, dates = {}, {}
    for code, figure in method.figures.items():
        within, vintages = _within(figure, split, communes, known[code], method)
        indicator = method.indicateurs.get(code)
        if indicator and indicator.lissage and within.parts.notna().any(axis=None):
            smoothed = _smoothed(indicator, indicator.lissage, around, method)
            within = replace(within, lissage=smoothed.at(split.communes.index))
        rest = known[code].taken(alone, codes[alone] + WHOLE)
        found[code] = within.then(rest).taken(order, names[order])
        last = np.full(len(alone), rest.millesime or "", dtype=object)
        dates[code] = np.concatenate([vintages, last])[order]
    return found, pd.DataFrame(dates, index=names[order])


def _within(
    figure: Grandeur, split: Inputs, communes: Inputs, known: Figure, method: Method
) -> tuple[Figure, np.ndarray]:
    """A figure on the IRIS of split communes, and its vintage in each.

    An income that is in no file for an IRIS is the commune's of the same year if it is at hand:
    those of 2021 and 2023 do not compare.
    """
    homes = split.communes["code_insee"]
    own = indicators.figure_of(figure, split, method)
    if own.millesime is None:
        dates = np.full(len(homes), known.millesime or "", dtype=object)
        return _borrowed(known, figure, homes), dates
    dates = np.full(len(homes), own.millesime, dtype=object)
    lacking = (own.statuts == Statut.ABSENT).to_numpy() & isinstance(figure.calcul, Moyenne)
    if lacking.any():
        year = own.millesime[:4]
        tables = {key: one for key, one in communes.tables.items() if one.millesime[:4] == year}
        same = indicators.figure_of(figure, replace(communes, tables=tables), method)
        taken = same if same.millesime else known
        own = _borrowed(taken, figure, homes).where(lacking, own)
        dates[lacking] = taken.millesime or ""
    return own, dates


def _borrowed(known: Figure, figure: Grandeur, homes: pd.Series) -> Figure:
    """The commune's figure on its IRIS, flagged; a headcount is not theirs."""
    found = replace(known, lissage=None).taken(
        known.values.index.get_indexer(pd.Index(homes)), homes.index
    )
    parts = found.parts * np.nan
    if isinstance(figure.calcul, Effectif):
        absent = pd.Series(np.int8(Statut.ABSENT), homes.index)
        empty = pd.Series("", homes.index, dtype=str)
        return Figure(found.values * np.nan, absent, empty, known.millesime, parts)
    shown = found.statuts <= Statut.ESTIME
    return replace(
        found,
        statuts=found.statuts.mask(shown, np.int8(Statut.ESTIME)),
        regles=found.regles.mask(shown, REGLE_COMMUNE),
        parts=parts,
    )


def _smoothed(indicator: Grandeur, rule: Lissage, around: Inputs, method: Method) -> Smoothed:
    """A share of people, brought nearer to that of the commune."""
    counts = indicators.figure_of(indicator, around, method).parts
    return shrink_inside(
        counts["numerateur"],
        counts["denominateur"],
        around.communes["code_insee"],
        around.communes["code_departement"],
        least=rule.groupe_min,
    )


def frame(split: Inputs, communes: Inputs, rows: pd.Index) -> pd.DataFrame:
    """Name and type of each IRIS, and the columns of its commune."""
    alone = communes.communes.rename_axis("code_insee").reset_index()
    alone = alone.set_index((alone["code_insee"] + WHOLE).rename("code_iris"))
    alone = alone.assign(nom_iris=alone["nom"], type_iris=TYPE_WHOLE)
    known = [*NAMES[1:], "code_insee", *communes.communes.columns]
    return pd.concat([split.communes[known], alone[known]]).loc[rows]


def headcounts(values: pd.Series, known: pd.Series, rows: pd.Index) -> pd.Series:
    """A count by IRIS, and the communes' own where they are not split, on all the rows."""
    rest: pd.Series = known.set_axis(known.index + WHOLE).reindex(rows)
    place = values.index.get_indexer(rows)
    inside = np.append(values.to_numpy(np.float64), np.nan)[place]
    return rest.where(place < 0, inside)


# --- inside the communes -------------------------------------------------------------------------


def inside(
    frame: pd.DataFrame, people: pd.Series, index: pd.Series, method: Method
) -> pd.DataFrame:
    """What the IRIS of each split commune say of it.

    The index, and not the part of it that varies inside a commune, so that the three figures read
    beside the commune's own: where the network is the commune's, it is the same in each of its IRIS
    and narrows the gaps by its weight without changing their order. IRIS of work and of nature are
    left out of the extremes: the lowest index of Angers would be that of a business park of 112
    people.

    Parameters
    ----------
    frame : DataFrame
        ``code_insee`` and ``type_iris`` of the IRIS of the communes that are split.
    people, index : Series of float64
        Their inhabitants and their index.
    method : Method

    Returns
    -------
    DataFrame
        Indexed by ``code_insee``: ``iris_min`` and ``iris_max``, lowest and highest index among the
        IRIS of dwellings, and ``part_iris_4_5``, share (%) of the people who live in an IRIS of the
        two most fragile classes, if the method has five.
    """
    homes = frame["code_insee"]
    extremes = index.mask(frame["type_iris"].isin(FEW_LIVE)).groupby(homes)
    found = pd.DataFrame({"iris_min": extremes.min(), "iris_max": extremes.max()})
    classes = method.noeuds[method.root].classes
    if classes and len(classes.libelles) == CLASSES:
        classed = scoring.classify(index, classes.bornes)
        known = people.where(classed.notna())
        most = known.where(classed.ge(MOST_FRAGILE).fillna(False), 0.0)
        found["part_iris_4_5"] = 100 * most.groupby(homes).sum() / known.groupby(homes).sum()
    return found
