"""The comparisons of a build with its past, put in tidy tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from fragilite import indicators
from fragilite.certainty import rounding, scored_values
from fragilite.errors import SourceUnavailableError, UsageError
from fragilite.french import listing
from fragilite.indicators import Figure
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.lots import Lot
from fragilite.inputs import population
from fragilite.method import Moyenne, Rapport, is_census_share
from fragilite.pipeline import Build, Result, below
from fragilite.robustness.records import Noise
from fragilite.trend.breaks import load_comparisons, reason_to_stop
from fragilite.trend.index import Moved, moved_index
from fragilite.trend.interval import Ends, difference, group_ends, share_ends
from fragilite.trend.past import Past, compared, only, source_of
from fragilite.trend.tidy import nothing, rows
from fragilite.vintages import moment

#: Why a figure has no comparison.
SANS_ANTERIEUR = "aucun millésime antérieur à portée"
ABSENT = "aucune valeur aujourd'hui dans ce calcul"
#: Decimals that scores are written with.
DECIMALS = 1


@dataclass(frozen=True)
class Comparaison:
    """Two vintages of one figure.

    Attributes
    ----------
    code : str
    avant, apres : str
        Vintages, ``""`` where there is none.
    raison : str
        Why they are not compared, ``""`` if they are.
    """

    code: str
    avant: str
    apres: str
    raison: str = ""


@dataclass(frozen=True)
class Trend:
    """What changed, in tidy tables that a report or a map can read.

    Attributes
    ----------
    build : Build
    comparaisons : list of Comparaison
        Every pair of vintages, compared or stopped with a reason.
    communes : DataFrame
        ``code_insee``, ``nom``, then :data:`fragilite.trend.COLUMNS`: one row a commune, a figure
        (code of an indicator, column of a node) and two vintages. Values and bounds are in the
        figure's unit, ``changement`` is in points of it; ``lecture`` is one of
        :data:`fragilite.trend.LECTURES`, or ``""`` where ``raison`` says why there is none. Of an
        index, ``raison`` says which indicators are held at today's values.
    groupes : DataFrame
        ``niveau`` (``epci``, ``departement``), ``code``, ``nom``, then the same columns: whole ones
        only, recomputed from sums.
    indices : dict of str to Moved
        By earlier vintage, the newest first: the index of the communes then and now.
    indices_groupes : dict of (str, str) to Moved
        By level and earlier vintage.
    tenus : dict of str to list of str
        By earlier vintage: indicators scored that are held at today's values.
    sources : list of Lot
        Earlier figures that the build had not read.
    notes : list of str
        What is at hand and could not be read, in French.
    """

    build: Build
    comparaisons: list[Comparaison]
    communes: pd.DataFrame
    groupes: pd.DataFrame
    indices: dict[str, Moved]
    indices_groupes: dict[tuple[str, str], Moved]
    tenus: dict[str, list[str]]
    sources: list[Lot]
    notes: list[str]

    def change(self, indicateur: str, avant: str | None = None) -> pd.DataFrame:
        """Rows of one comparison, such as a map draws, indexed by ``code_insee``.

        Parameters
        ----------
        indicateur : str
            Code of an indicator, or column of a node.
        avant : str, optional
            Earlier vintage; by default the newest that is compared.

        Returns
        -------
        DataFrame
            Other columns of `communes`; empty where nothing is compared.
        """
        rows = self.communes[self.communes["indicateur"] == indicateur]
        compared_ = rows[rows["changement"].notna()]["millesime_avant"]
        chosen = avant or (compared_.iloc[0] if len(compared_) else "")
        return rows[(rows["millesime_avant"] == chosen) & (chosen != "")].set_index("code_insee")

    @cached_property
    def parts(self) -> pd.DataFrame:
        """Points that each part brings to the change of the index of a commune.

        Returns
        -------
        DataFrame
            ``code_insee``, ``nom``, ``millesime_avant``, one column a part (``vieillissement``,
            ``scolarite``, ``reste``) and ``changement``, their sum. Empty without an index.
        """
        names, root = self.build.inputs.communes["nom"], self.build.method.root
        tables = [
            moved.parts.assign(changement=moved.nodes[root].value)
            .assign(nom=names, millesime_avant=avant)
            .reset_index(names="code_insee")
            for avant, moved in self.indices.items()
        ]
        if not tables:
            return pd.DataFrame()
        table = pd.concat(tables, ignore_index=True)
        first = ["code_insee", "nom", "millesime_avant"]
        return table[[*first, *table.columns.difference(first, sort=False)]]


def trend(build: Build, since: str | None = None) -> Trend:
    """Compare the figures of a build with those of the earlier vintages at hand.

    Parameters
    ----------
    build : Build
    since : str, optional
        The only earlier vintage wanted, such as ``"2017"``; by default every one at hand.

    Returns
    -------
    Trend

    Raises
    ------
    SourceUnavailableError
        If no earlier vintage is at hand.
    UsageError
        If that one is not.
    """
    past = Past.of(build)
    if not past.tables:
        raise SourceUnavailableError(
            f"Aucun millésime antérieur à portée pour {build.inputs.territory.libelle} : rien à "
            f"comparer. {' '.join(past.notes)}".strip(),
            "Prenez les fichiers du recensement, qui tiennent aussi deux millésimes antérieurs : "
            "fragilite fetch insee_rp, ou déposez-les dans data/raw.",
        )
    if since is not None and since not in past.known:
        raise UsageError(
            f"Millésime antérieur inconnu ici : « {since} ».", f"À portée : {listing(past.known)}."
        )
    return _Comparing(build, past, since).trend()


def whole_trend(build: Build) -> Trend | None:
    """What changed, where earlier vintages are at hand for every département of a build.

    For documents that show it by default: nothing is said of a territory half of which is silent.

    Parameters
    ----------
    build : Build

    Returns
    -------
    Trend or None
    """
    try:
        found = trend(build)
    except SourceUnavailableError:
        return None
    told = found.communes.loc[found.communes["changement"].notna(), "code_insee"]
    home = build.communes.set_index("code_insee")["code_departement"]
    return found if set(home.reindex(told.unique())) == set(home) else None


def _comparisons(build: Build, past: Past, since: str | None) -> Iterator[Comparaison]:
    """Every figure with each earlier vintage that has it, or the reason why there is none."""
    for code, figure in compared(build.method).items():
        apres, calcul = build.result.figures[code].millesime, figure.calcul
        if apres is None:
            yield Comparaison(code, "", "", ABSENT)
            continue
        found = [one for one in past.vintages(figure, apres) if since in {None, one}]
        if not found:
            nothing_then = f"pas de valeur de {since} à portée" if since else SANS_ANTERIEUR
            yield Comparaison(code, "", apres, nothing_then)
        source = source_of(figure)
        for avant in found:
            raison = reason_to_stop(source, list(calcul.variables), avant, apres)
            if not raison and load_sources()[source].recensement and not is_census_share(figure):
                raison = load_comparisons().recensement.sans_bruit
            if not raison and isinstance(calcul, Rapport) and avant[:4] not in calcul.references:
                raison = f"la méthode n'a pas de référence pour le millésime {avant}"
            yield Comparaison(code, avant, apres, raison)


@dataclass(frozen=True)
class _Sides:
    """A figure of the communes then and now, with the inhabitants of both dates."""

    before: Figure
    after: Figure
    people_before: pd.Series
    people_after: pd.Series


class _Comparing:
    """The comparisons of a build with what is at hand of its past."""

    def __init__(self, build: Build, past: Past, since: str | None) -> None:
        self.build, self.past, self.method = build, past, build.method
        self.pairs = list(_comparisons(build, past, since))
        self.figures = compared(build.method)
        self.noise = Noise.of(build.method.incertitude)
        communes = build.inputs.communes
        epci, departement = communes["code_epci"], communes["code_departement"]
        whole = departement.isin(build.inputs.territory.departements)
        names = communes.drop_duplicates("code_departement").set_index("code_departement")
        #: By level: group of each commune, figures of the groups today, their names.
        self.levels: dict[str, tuple[pd.Series, Result, pd.Series]] = {
            "epci": (
                epci.where(epci.isin(build.inputs.whole_epci)),
                build.result_epci,
                build.inputs.epci["nom"],
            ),
            "departement": (
                departement.where(whole), build.result_departement, names["nom_departement"],
            ),
        }  # fmt: skip

    def trend(self) -> Trend:
        """Every table."""
        communes = pd.DataFrame(
            {
                "code_insee": self.build.inputs.communes.index,
                "nom": self.build.inputs.communes["nom"],
            }
        )
        tables, groups = [], []
        indices: dict[str, Moved] = {}
        by_level: dict[tuple[str, str], Moved] = {}
        held: dict[str, list[str]] = {}
        scored = self.build.result.scores.scored
        for avant, pairs in self._by_vintage().items():
            sides = {pair.code: self._sides(pair) for pair in pairs if not pair.raison}
            for pair in pairs:
                tables.append(self._rows(communes, pair, sides.get(pair.code)))
                groups += [self._group_rows(one, pair, sides.get(pair.code)) for one in self.levels]
            moved = [code for code in sides if code in scored and self._of_census(code)]
            if not moved:
                continue
            apres = max((pair.apres for pair in pairs if pair.code in moved), key=moment)
            held[avant] = [code for code in scored if code not in moved]
            indices[avant] = self._index({code: sides[code] for code in moved})
            tables += self._index_rows(communes, indices[avant], avant, apres, held[avant])
            if self.method.methode.groupes == "recalcul":
                for one in self.levels:
                    found = self._group_index(one, {code: sides[code] for code in moved})
                    by_level[one, avant] = found
                    named = self._named(one)
                    groups += self._index_rows(named, found, avant, apres, held[avant])
        return Trend(
            self.build, self.pairs, pd.concat(tables, ignore_index=True),
            pd.concat(groups, ignore_index=True), indices, by_level, held, self.past.lots,
            self.past.notes,
        )  # fmt: skip

    def _by_vintage(self) -> dict[str, list[Comparaison]]:
        """Comparisons by earlier vintage, the newest first, then those that have none."""
        names = {pair.avant for pair in self.pairs}
        order = sorted(names - {""}, key=moment, reverse=True) + sorted(names & {""})
        return {name: [pair for pair in self.pairs if pair.avant == name] for name in order}

    def _of_census(self, code: str) -> bool:
        return load_sources()[source_of(self.figures[code])].recensement

    def _sides(self, pair: Comparaison) -> _Sides:
        source = source_of(self.figures[pair.code])
        before = self.past.figures(source, pair.avant, [pair.code])[pair.code]
        index = before.values.index
        return _Sides(
            before,
            _at(self.build.result.figures[pair.code], index),
            self.past.people(source, pair.avant),
            population(self.build.inputs).reindex(index),
        )

    # --- one figure ----------------------------------------------------------------------------

    def _ends(self, code: str, sides: _Sides, *, smoothed: bool = False) -> tuple[Ends, Ends]:
        """A figure of the communes then and now, with its bounds."""
        both = (sides.before, sides.people_before), (sides.after, sides.people_after)
        if is_census_share(self.figures[code]):
            before, after = (
                share_ends(code, figure, self.noise, people, smoothed=smoothed)
                for figure, people in both
            )
            return before, after
        return self._plain(code, sides.before), self._plain(code, sides.after)

    def _plain(self, code: str, figure: Figure) -> Ends:
        """A figure that no survey measures: exact, or known to its rounding."""
        if isinstance(self.figures[code].calcul, Moyenne):
            return Ends.rounded(figure.values, rounding(self.figures[code], figure))
        return Ends.exact(figure.values)

    def _rows(self, places: pd.DataFrame, pair: Comparaison, sides: _Sides | None) -> pd.DataFrame:
        decimals = self.figures[pair.code].decimales
        head = (places, pair.code, pair.avant, pair.apres)
        if sides is None:
            then, now = self._values(pair, None)
            return rows(*head, then, now, nothing(places.index), decimals, pair.raison,
                        stopped=True)  # fmt: skip
        before, after = self._ends(pair.code, sides)
        return rows(*head, before.value, after.value, difference(before, after), decimals)

    def _values(self, pair: Comparaison, level: str | None) -> tuple[pd.Series, pd.Series]:
        """Values of both vintages of a comparison that is stopped: shown, not compared."""
        result = self.build.result if level is None else self.levels[level][1]
        now = result.figures[pair.code].values
        return pd.Series(float("nan"), index=now.index), now

    def _named(self, level: str) -> pd.DataFrame:
        """Groups of a level that hold their communes whole."""
        _, result, names = self.levels[level]
        index = result.volume.index
        return pd.DataFrame(
            {"niveau": level, "code": index, "nom": names.reindex(index).to_numpy()}, index=index
        )

    def _grouped(self, level: str, code: str, sides: _Sides) -> Figure:
        """A figure of the groups then, recomputed from its communes."""
        found = indicators.regroup(
            {code: sides.before},
            self.levels[level][0],
            sides.people_before,
            only(self.method, [code]),
        )
        return found[code]

    def _group_ends(self, level: str, code: str, sides: _Sides) -> tuple[Ends, Ends]:
        groups, result, _ = self.levels[level]
        then, now = self._grouped(level, code, sides), result.figures[code]
        if not is_census_share(self.figures[code]):
            return self._plain(code, then), self._plain(code, now)
        return (
            group_ends(code, then, sides.before, self.noise, sides.people_before, groups),
            group_ends(code, now, sides.after, self.noise, sides.people_after, groups),
        )

    def _group_rows(self, level: str, pair: Comparaison, sides: _Sides | None) -> pd.DataFrame:
        places, decimals = self._named(level), self.figures[pair.code].decimales
        head = (places, pair.code, pair.avant, pair.apres)
        if sides is None:
            then, now = self._values(pair, level)
            return rows(*head, then, now, nothing(places.index), decimals, pair.raison,
                        stopped=True)  # fmt: skip
        before, after = self._group_ends(level, pair.code, sides)
        return rows(*head, before.value, after.value, difference(before, after), decimals)

    # --- the index -----------------------------------------------------------------------------

    def _index(self, moved: Mapping[str, _Sides]) -> Moved:
        ends = {code: self._ends(code, sides, smoothed=True) for code, sides in moved.items()}
        now = scored_values(self.build.result).reindex(self.build.inputs.communes.index)
        return self._moved(now, ends)

    def _group_index(self, level: str, moved: Mapping[str, _Sides]) -> Moved:
        ends = {code: self._group_ends(level, code, sides) for code, sides in moved.items()}
        return self._moved(scored_values(self.levels[level][1]), ends)

    def _moved(self, now: pd.DataFrame, ends: Mapping[str, tuple[Ends, Ends]]) -> Moved:
        before = {code: pair[0] for code, pair in ends.items()}
        after = {code: pair[1] for code, pair in ends.items()}
        return moved_index(now, before, after, self.method, self.build.reference)

    def _held(self, node: str, codes: list[str]) -> str:
        """What the change of a node leaves out."""
        names = [self.figures[code].libelle for code in codes if below(self.method, code, node)]
        return f"tenus à leur valeur d'aujourd'hui : {' ; '.join(names)}" if names else ""

    def _index_rows(
        self, places: pd.DataFrame, moved: Moved, avant: str, apres: str, held: list[str]
    ) -> list[pd.DataFrame]:
        return [
            rows(
                places, self.method.column(node), avant, apres,
                moved.before.noeuds[node], moved.after.noeuds[node], change, DECIMALS,
                self._held(node, held),
            )
            for node, change in moved.nodes.items()
        ]  # fmt: skip


def _at(figure: Figure, index: pd.Index) -> Figure:
    """A figure on the communes of the frame: a build may have been cut to some of its own."""
    return Figure(
        figure.values.reindex(index),
        figure.statuts.reindex(index),
        figure.regles.reindex(index),
        figure.millesime,
        figure.parts.reindex(index),
        figure.lissage and figure.lissage.at(index),
    )
