"""Two scores of the same communes: how far they agree, who moves, and which indicator moves them.

:func:`compare` finds it, :func:`facts` makes it ready for JSON, :func:`render` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from fragilite.bootstrap import LEAST, LEAST_ROWS, Interval, interval, kendall, spearman
from fragilite.errors import UsageError
from fragilite.french import listing, number, ordinal, paragraph, plural
from fragilite.pipeline import Build
from fragilite.robustness import SEED
from fragilite.score_file import ScoreFile
from fragilite.scoring import TIE, rank

FIFTHS = 5
#: Moves of as many fifths or more are counted apart: from one to the next, a rank is enough.
FAR = 2
#: Communes an indicator, at least, for the other score to be regressed on our indicators.
ROWS_PER_INDICATOR = 5


@dataclass(frozen=True)
class Side:
    """One of the two scores.

    Attributes
    ----------
    libelle : str
        What it is, for readers.
    scores : Series of float64
        Indexed by commune code; NaN where there is none.
    contributions : DataFrame of float64 or None
        On the same index, points owed to each indicator, that add up to the score; NaN where the
        commune lacks it; None where the score is no sum, or not known.
    points : DataFrame of float64 or None
        Scores of these indicators, on the same index, where they are known.
    indicateurs : mapping of str to str
        Indicator → its short name in a sentence, with its article.
    noms : Series of str
        Names of the communes, by code.
    remarques : list of str
        What was set aside, or could not be counted.
    """

    libelle: str
    scores: pd.Series
    contributions: pd.DataFrame | None = None
    points: pd.DataFrame | None = None
    indicateurs: Mapping[str, str] = field(default_factory=dict)
    noms: pd.Series = field(default_factory=lambda: pd.Series(dtype=str))
    remarques: list[str] = field(default_factory=list)

    @classmethod
    def of_build(cls, build: Build) -> Side:
        """The index of a build."""
        scores, header = build.result.scores, build.method.methode
        parts = scores.contributions.dropna(axis=1, how="all")
        names = {code: record.court for code, record in build.method.indicateurs.items()}
        known = scores.indicateurs.columns[scores.indicateurs.notna().any()]
        lacking = [name for code, name in names.items() if code not in known]
        return cls(
            f"{header.libelle}, méthode {header.code} {header.version}, "
            f"{build.inputs.territory.libelle}, communes de {build.inputs.annee}",
            scores.noeuds[build.method.root],
            parts if parts.shape[1] else None,
            scores.indicateurs,
            names,
            build.inputs.communes["nom"],
            [f"Pas compté, faute de données ou trop ancien : {listing(lacking)}."]
            if lacking
            else [],
        )

    @classmethod
    def of_file(cls, file: ScoreFile, libelle: str = "", like: Side | None = None) -> Side:
        """The scores of a file, by commune.

        Parameters
        ----------
        file : ScoreFile
        libelle : str
            Name of the file for readers; by default its own.
        like : Side, optional
            Where names of communes and of indicators are taken from.
        """
        if file.niveau != "commune":
            raise UsageError(
                f"{file.nom} donne des scores d'EPCI : la comparaison se fait par commune.",
                "Pour des EPCI : fragilite validate",
            )
        label = f"fichier {libelle or file.nom}, colonne {file.colonne}"
        found = cls(label, file.values, file.contributions, remarques=file.remarques)
        return (
            found if like is None else replace(found, indicateurs=like.indicateurs, noms=like.noms)
        )


@dataclass(frozen=True)
class Comparison:
    """What two scores say of the communes that both have.

    Attributes
    ----------
    nous, ailleurs : str
        What the two are.
    communes : DataFrame, indexed by code
        ``nom``, ``score``, ``score_ailleurs``, ``rang``, ``rang_ailleurs`` (Int64, 1 = most
        fragile, on these communes), ``deplacement`` (other rank − ours: positive where we find it
        more fragile), ``indicateur`` (the one that moves it, ``""`` if none does) with ``ecart``
        and ``reste`` as in :class:`Causes`, and ``compte``, what is said of it.
    sans_eux, sans_nous : int
        Communes that only we score, and that only the other does.
    spearman, kendall : Interval
    cinquiemes : DataFrame of int64, shape (5, 5) or None
        Communes by fifth for us (rows) and elsewhere (columns), 1 = most fragile; None under five
        communes.
    indicateurs : mapping of str to str
        Short names.
    inverse : bool
        Whether the other score was declared to run the other way.
    movers : int
        Communes shown in each direction.
    explique : float
        As in :class:`Causes`.
    remarques : list of str
    """

    nous: str
    ailleurs: str
    communes: pd.DataFrame
    sans_eux: int
    sans_nous: int
    spearman: Interval
    kendall: Interval
    cinquiemes: pd.DataFrame | None
    indicateurs: Mapping[str, str]
    inverse: bool
    movers: int
    explique: float
    remarques: list[str]

    @property
    def risers(self) -> pd.DataFrame:
        """Communes that we find more fragile than the other does, the farthest first."""
        return self._farthest(-self.communes["deplacement"])

    @property
    def fallers(self) -> pd.DataFrame:
        """Communes that we find less fragile, the farthest first."""
        return self._farthest(self.communes["deplacement"])

    def _farthest(self, move: pd.Series) -> pd.DataFrame:
        order = pd.DataFrame({"move": move, "code": move.index})[move < 0]
        return self.communes.loc[order.sort_values(["move", "code"]).index[: self.movers]]


def compare(
    ours: Side,
    other: Side,
    *,
    movers: int = 10,
    draws: int = 1000,
    seed: int = SEED,
    inverse: bool = False,
) -> Comparison:
    """Compare two scores on the communes that both have.

    Parameters
    ----------
    ours, other : Side
    movers : int
        Communes to show in each direction.
    draws, seed : int
        Of the bootstrap intervals.
    inverse : bool
        Whether a high score of the other means *less* fragile.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        If no commune has both scores.
    """
    known = ours.scores.dropna().index
    theirs = other.scores.dropna().index
    common = known.intersection(theirs).sort_values()
    if common.empty:
        raise UsageError(
            f"Aucune commune n'a les deux scores : {ours.libelle} en a {number(len(known))}, "
            f"{other.libelle} {number(len(theirs))}.",
            "Vérifiez le territoire (--dept, --region) et la colonne des codes.",
        )
    turn = -1.0 if inverse else 1.0
    pair = ours.scores[common].to_numpy(np.float64), turn * other.scores[common].to_numpy(float)
    table = pd.DataFrame(
        {
            "nom": ours.noms.reindex(common).fillna(other.noms.reindex(common)).fillna(""),
            "score": pair[0],
            "score_ailleurs": other.scores[common],
            "rang": rank(pd.Series(pair[0], common)),
            "rang_ailleurs": rank(pd.Series(pair[1], common)),
        }
    )
    table["deplacement"] = table["rang_ailleurs"] - table["rang"]
    why = causes(ours, other, common, turn)
    table = table.join(_moved_by(why, table["deplacement"]))
    rho, tau = (
        interval(statistic, *pair, draws=draws, seed=seed) for statistic in (spearman, kendall)
    )
    still = bool(min(np.ptp(scores) for scores in pair) <= TIE)
    nothing = still or len(common) < LEAST
    return Comparison(
        ours.libelle,
        other.libelle,
        table,
        len(known) - len(common),
        len(theirs) - len(common),
        rho,
        tau,
        None if nothing else fifths(table["rang"], table["rang_ailleurs"]),
        {**other.indicateurs, **ours.indicateurs, MISSING: "une donnée qui manque"},
        inverse,
        0 if still else movers,
        np.nan if why is None else why.explique,
        [
            *(f"Chez nous, {_lower(text)}" for text in ours.remarques),
            *(f"Ailleurs, {_lower(text)}" for text in other.remarques),
            *_remarks(ours, other, pair, rho, inverse=inverse),
            *_unnamed(ours, why, len(common), still=still),
        ],
    )


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _remarks(
    ours: Side,
    other: Side,
    pair: tuple[np.ndarray, np.ndarray],
    rho: Interval,
    *,
    inverse: bool,
) -> list[str]:
    remarks = []
    count = len(pair[0])
    if count < LEAST:
        lost = "ni intervalle, ni cinquièmes" + (", ni corrélation" if count < LEAST_ROWS else "")
        remarks.append(f"{plural(count, 'commune')} en commun seulement : {lost}.")
    for scores, whose in zip(pair, ("le nôtre", "l'autre"), strict=True):
        if count > 1 and np.ptp(scores) <= TIE:
            remarks.append(
                f"Un des deux scores ({whose}) est le même partout : il ne classe rien, aucune "
                "corrélation n'existe."
            )
    if ours.contributions is not None and other.contributions is not None:
        remarks += _sets(ours, other, ours.contributions.columns, other.contributions.columns)
    if rho.haut < 0 or (np.isnan(rho.haut) and rho.valeur <= -0.5):
        remarks.append(
            "Les deux scores vont en sens contraire : un score haut y désigne-t-il une fragilité "
            "haute ? " + ("Retirez --inverse." if inverse else "Sinon, ajoutez --inverse.")
        )
    return remarks


def _unnamed(ours: Side, why: Causes | None, count: int, *, still: bool) -> list[str]:
    """Why the indicators that move the communes cannot be named."""
    if why is not None or still:
        return []
    if ours.contributions is None:
        return [
            "Notre score n'est pas une somme (méthode sans contributions) : l'indicateur qui "
            "déplace chaque commune ne peut pas être nommé."
        ]
    least = ROWS_PER_INDICATOR * ours.contributions.shape[1]
    return [
        f"L'indicateur qui déplace chaque commune n'est pas nommé : {plural(count, 'commune')} ne "
        f"suffisent pas à l'estimer (au moins {number(least)})."
    ]


def _sets(ours: Side, other: Side, here: pd.Index, there: pd.Index) -> list[str]:
    """Indicators that only one of the two counts."""
    names = {**other.indicateurs, **ours.indicateurs}
    return [
        f"Compté {where} seulement : {listing([names.get(code, code) for code in alone])}."
        for where, alone in (
            ("chez nous", here.difference(there)),
            ("ailleurs", there.difference(here)),
        )
        if len(alone)
    ]


def fifths(ours: pd.Series, other: pd.Series) -> pd.DataFrame:
    """Cross the fifths of two rankings.

    Parameters
    ----------
    ours, other : Series of int, shape (communes,)
        Ranks, 1 = most fragile, ties sharing the best.

    Returns
    -------
    DataFrame of int64, shape (5, 5)
        Communes by fifth in `ours` (rows) and `other` (columns), 1 = most fragile. The first fifth
        holds the ranks up to ceil(n / 5), as that of ``lecture``.

    Examples
    --------
    >>> ranks = pd.Series([1, 2, 3, 4, 5])
    >>> fifths(ranks, ranks[::-1].reset_index(drop=True)).to_numpy().diagonal().tolist()
    [0, 0, 1, 0, 0]
    """
    places = range(1, FIFTHS + 1)
    rows, columns = ((ranks.to_numpy(int) - 1) * FIFTHS // len(ranks) for ranks in (ours, other))
    counts = np.bincount(rows * FIFTHS + columns, minlength=FIFTHS**2).reshape(FIFTHS, FIFTHS)
    return pd.DataFrame(counts, index=places, columns=places)


# --- what moves a commune --------------------------------------------------------------------


@dataclass(frozen=True)
class Causes:
    """Why two standardised scores S and T differ: Σ `ecarts` + `reste` = S − T, commune by commune.

    Attributes
    ----------
    ecarts : DataFrame of float64, shape (communes, indicators)
        What each indicator adds to S beyond what it adds to T, in standard deviations.
    reste : Series of float64
        What the other score counts and our indicators do not tell; 0 where its contributions are
        known.
    seuls : mapping of str to str
        Indicator that only one of the two counts → ``chez nous`` or ``ailleurs``.
    explique : float
        Share of the variance of T that our indicators tell; NaN where its contributions are known.
    """

    ecarts: pd.DataFrame
    reste: pd.Series
    seuls: Mapping[str, str]
    explique: float


def causes(ours: Side, other: Side, common: pd.Index, turn: float = 1.0) -> Causes | None:
    """Split the difference of two standardised scores between indicators.

    With S = Σ sᵢ where sᵢ is our contribution of indicator i less that of an average commune of the
    same weights, over the standard deviation of our score, the gap of i is sᵢ − tᵢ. What a commune
    lacks has its weight handed to the rest: that is a part of its own, `MISSING`.

    Where the other's contributions are known, tᵢ is its own, standardised likewise (0 for an
    indicator that it does not have). Else T is regressed on our contributions by least squares,
    T = Σ βᵢ·sᵢ + e: tᵢ is βᵢ·sᵢ, and −e is what is left.

    A simple regression of each sᵢ on T would not do: where T counts one of our indicators twice, it
    never names it.

    Parameters
    ----------
    ours, other : Side
    common : Index
        Communes that both score.
    turn : float
        −1 where the other score runs the other way.

    Returns
    -------
    Causes or None
        None where our score is no sum, one of the two does not vary, or there are fewer than
        `ROWS_PER_INDICATOR` communes an indicator to regress on.
    """
    parts = _standardised(ours, common)
    score = turn * other.scores[common].astype(np.float64)
    spread = score.std(ddof=0)
    if parts is None or not spread > TIE:
        return None
    theirs = _standardised(other, common)
    if theirs is not None:
        gaps = parts.sub(turn * theirs, fill_value=0.0)
        alone = dict.fromkeys(parts.columns.difference(theirs.columns), "chez nous")
        alone |= dict.fromkeys(theirs.columns.difference(parts.columns), "ailleurs")
        return Causes(gaps, pd.Series(0.0, common), alone, np.nan)
    if len(common) < ROWS_PER_INDICATOR * parts.shape[1]:
        return None
    target = (score - score.mean()) / spread
    slopes = np.linalg.lstsq(parts.to_numpy(), target.to_numpy(), rcond=None)[0]
    rest = target - parts.to_numpy() @ slopes
    return Causes(parts * (1 - slopes), -rest, {}, float(1 - (rest**2).mean()))


#: What a commune lacks, as a part of its score.
MISSING = "donnee_manquante"


def _standardised(side: Side, common: pd.Index) -> pd.DataFrame | None:
    """Contributions less those of an average commune, over the standard deviation of their sum."""
    if side.contributions is None:
        return None
    parts = side.contributions.loc[common]
    score = parts.sum(axis=1)
    spread = score.std(ddof=0)
    if not spread > TIE:
        return None
    away = parts.fillna(0.0) - parts.fillna(0.0).mean()
    if side.points is not None and parts.isna().any(axis=None):
        points = side.points.loc[common, parts.columns]
        away = (_effective_weights(parts, points) * (points - points.mean())).fillna(0.0)
        away[MISSING] = score - score.mean() - away.sum(axis=1)
    return away / spread


def _effective_weights(parts: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Weight of each indicator: contribution / points, one for the communes that lack the same.

    Read on the others where a commune has 0 point.
    """
    weights = parts / points.where(points != 0)
    lacking = parts.isna().astype(int).astype(str).agg("".join, axis=1)
    return weights.groupby(lacking).transform("median").fillna(weights.median())


def _moved_by(found: Causes | None, move: pd.Series) -> pd.DataFrame:
    """The indicator with the largest gap in the direction of each move, and what it weighs."""
    if found is None or found.ecarts.empty:
        nothing = pd.DataFrame(index=move.index)
        return nothing.assign(indicateur="", ecart=np.nan, reste=np.nan, compte="")
    ways = np.sign(move.to_numpy(np.float64))
    gaps = found.ecarts.to_numpy()
    rows, best = np.arange(len(gaps)), (gaps * ways[:, None]).argmax(axis=1)
    along = gaps[rows, best] * ways > TIE
    table = pd.DataFrame(
        {
            "indicateur": np.where(along, found.ecarts.columns.to_numpy(object)[best], ""),
            "ecart": np.where(along, gaps[rows, best], np.nan),
            "reste": found.reste.to_numpy(),
        },
        index=move.index,
    )
    weighs = np.where(table["ecart"] > 0, "pèse plus chez nous", "pèse moins chez nous")
    alone = [found.seuls.get(name, "") for name in table["indicateur"]]
    said = [
        f"compte seulement {side}" if side else usual
        for side, usual in zip(alone, weighs, strict=True)
    ]
    table["compte"] = said
    table.loc[table["indicateur"].isin(["", MISSING]), "compte"] = ""
    return table


# --- telling ---------------------------------------------------------------------------------


def facts(found: Comparison) -> dict[str, Any]:
    """A comparison, ready for JSON."""
    matrix = found.cinquiemes
    return {
        "nous": found.nous,
        "ailleurs": found.ailleurs,
        "ailleurs_inverse": found.inverse,
        "communes": len(found.communes),
        "sans_score_ailleurs": found.sans_eux,
        "sans_score_chez_nous": found.sans_nous,
        "spearman": interval_facts(found.spearman),
        "kendall": interval_facts(found.kendall),
        "cinquiemes": None
        if matrix is None
        else {
            "communes": matrix.to_numpy().tolist(),
            "part_meme_cinquieme": _share(matrix, 0, 0),
            "part_deux_ou_plus": _share(matrix, FAR, FIFTHS),
        },
        "part_expliquee": None if np.isnan(found.explique) else 100 * found.explique,
        "plus_fragiles_chez_nous": _movers(found, found.risers),
        "moins_fragiles_chez_nous": _movers(found, found.fallers),
        "a_savoir": found.remarques,
    }


def interval_facts(found: Interval) -> dict[str, Any]:
    """An interval, ready for JSON: None where there is no value."""
    ends = {key: getattr(found, key) for key in ("valeur", "bas", "haut")}
    return {
        **{key: None if np.isnan(value) else value for key, value in ends.items()},
        "effectif": found.effectif,
        "tirages": found.tirages,
    }


def _share(matrix: pd.DataFrame, least: int, most: int) -> float:
    """Share of the communes, in %, whose two fifths differ by so much."""
    gap = np.abs(np.subtract.outer(np.arange(FIFTHS), np.arange(FIFTHS)))
    cells = matrix.to_numpy()
    return float(100 * cells[(gap >= least) & (gap <= most)].sum() / cells.sum())


def _movers(found: Comparison, rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "code_insee": code,
            "nom": row["nom"],
            "rang": int(row["rang"]),
            "rang_ailleurs": int(row["rang_ailleurs"]),
            "deplacement": int(row["deplacement"]),
            "score": float(row["score"]),
            "score_ailleurs": float(row["score_ailleurs"]),
            "indicateur": row["indicateur"] or None,
            **{key: None if np.isnan(row[key]) else float(row[key]) for key in ("ecart", "reste")},
            "compte": row["compte"] or None,
            "phrase": _sentence(str(code), row, found.indicateurs),
        }
        for code, row in rows.iterrows()
    ]


def _sentence(code: str, row: pd.Series, names: Mapping[str, str]) -> str:
    """``Montsoreau : 12e chez nous, 45e ailleurs — surtout l'isolement des plus âgés…``."""
    ranks = f"{ordinal(row['rang'])} chez nous, {ordinal(row['rang_ailleurs'])} ailleurs"
    return f"{row['nom'] or code} : {ranks}{_cause(row, names)}"


def _cause(row: pd.Series, names: Mapping[str, str]) -> str:
    """What moves a commune, its part of what we do not measure said first where it is larger."""
    way = np.sign(row["deplacement"])
    beyond = way * row["reste"] > max(TIE, np.nan_to_num(way * row["ecart"]))
    if not row["indicateur"]:
        return f" — {_BEYOND}" if beyond else ""
    name = names.get(row["indicateur"], row["indicateur"])
    if beyond:
        return f" — {_BEYOND}, puis {name}"
    return f" — surtout {name}" + (f" ({row['compte']})" if row["compte"] else "")


_BEYOND = "autre chose"


def render(told: dict[str, Any]) -> str:
    """Write the facts of a comparison as French text."""
    blocks = [
        [
            "Deux scores, les mêmes communes",
            paragraph(f"Chez nous : {told['nous']}.", "  "),
            paragraph(
                f"Ailleurs : {told['ailleurs']}"
                + (
                    " (déclaré inverse : haut = moins fragile)."
                    if told["ailleurs_inverse"]
                    else "."
                ),
                "  ",
            ),
            paragraph(_scope(told), "  "),
        ],
        _agreement(told),
        _fifths_block(told["cinquiemes"]),
        _movers_block(told),
        ["À savoir", *(paragraph(text, "  ") for text in told["a_savoir"])]
        if told["a_savoir"]
        else [],
        [
            paragraph(
                "Un écart de rang n'est l'erreur de personne : il dit que deux définitions ne "
                "regardent pas la même chose. La fragilité est située et changeante ; c'est le "
                "terrain qui départage."
            )
        ],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _scope(told: dict[str, Any]) -> str:
    text = f"{plural(told['communes'], 'commune')} avec les deux scores"
    alone = [
        f"{number(told[key])} avec {whose} seulement"
        for key, whose in (
            ("sans_score_ailleurs", "le nôtre"),
            ("sans_score_chez_nous", "l'autre"),
        )
        if told[key]
    ]
    left = f" ({listing(alone)}, laissées de côté)" if alone else ""
    return f"{text}{left}. Rangs sur celles-ci, 1er = la plus fragile."


def _agreement(told: dict[str, Any]) -> list[str]:
    lines = [
        f"  {name} : {shown_interval(told[key])}"
        for key, name in (("spearman", "rho de Spearman"), ("kendall", "tau de Kendall"))
    ]
    draws = {told[key]["tirages"] for key in ("spearman", "kendall")} - {0}
    title = (
        "Les deux classements s'accordent-ils ? (1 : même ordre ; 0 : aucun lien ; −1 : inverse)"
    )
    return [title, *lines, *([_drawn(max(draws))] if draws else [])]


def shown_interval(found: Mapping[str, Any]) -> str:
    """``0,84 [0,78 ; 0,88]``."""
    if found["valeur"] is None:
        return "–"
    if found["bas"] is None:
        return f"{number(found['valeur'], 2)} (sans intervalle)"
    ends = f"[{number(found['bas'], 2)} ; {number(found['haut'], 2)}]"
    return f"{number(found['valeur'], 2)} {ends}"


def _drawn(draws: int) -> str:
    return paragraph(
        f"Entre crochets, intervalle à 95 % : les communes sont retirées au sort "
        f"{number(draws)} fois, avec remise.",
        "  ",
    )


def _fifths_block(told: dict[str, Any] | None) -> list[str]:
    if told is None:
        return []
    names = ["1er", "2e", "3e", "4e", "5e"]
    width = max(5, *(len(number(cell)) for row in told["communes"] for cell in row))
    lines = [
        "  " + label.ljust(9) + "".join(cell.rjust(width + 1) for cell in cells)
        for label, cells in [
            ("", names),
            *zip(names, ([number(cell) for cell in row] for row in told["communes"]), strict=True),
        ]
    ]
    return [
        "Cinquièmes : chez nous en lignes, ailleurs en colonnes (1er = les plus fragiles)",
        *lines,
        paragraph(
            f"{number(told['part_meme_cinquieme'])} % des communes sont dans le même cinquième, "
            f"{number(told['part_deux_ou_plus'])} % en changent de deux ou plus.",
            "  ",
        ),
    ]


def _movers_block(told: dict[str, Any]) -> list[str]:
    lines = []
    for key, title in _MOVERS.items():
        if told[key]:
            lines += [f"  {title}", *(paragraph(mover["phrase"], "    ") for mover in told[key])]
    if not lines:
        return []
    named = any(mover["indicateur"] for key in _MOVERS for mover in told[key])
    legend = [paragraph(text, "  ") for text in _legend(told)] if named else []
    return ["Pourquoi notre rang diffère", *lines, *legend]


_MOVERS = {
    "plus_fragiles_chez_nous": "Classées plus fragiles chez nous",
    "moins_fragiles_chez_nous": "Classées moins fragiles chez nous",
}


def _legend(told: dict[str, Any]) -> list[str]:
    texts = [
        "L'indicateur nommé est celui dont l'apport diffère le plus d'un score à l'autre, dans le "
        "sens du déplacement, face à la moyenne de ces communes."
    ]
    if told["part_expliquee"] is not None:
        texts.append(
            "L'autre score est donné sans le détail : l'apport de nos indicateurs y est estimé par "
            f"régression linéaire, qui rend {number(told['part_expliquee'])} % de sa variance. "
            f"« {_BEYOND.capitalize()} » : ce que cette régression ne rend pas."
        )
    return texts
