"""The ten steps of the Handbook: for each a verdict, the evidence, and what it lets one say.

Every sentence is computed from the evidence or is the method file's own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fragilite.audit.evidence import ALIKE, CROSSING, TWICE, Audit
from fragilite.audit_stats import PEAKED, SKEWED
from fragilite.french import listing, number, plural
from fragilite.method import Indicateur, Noeud
from fragilite.scoring import Indice, Regle

HELD = "tenu"
WATCH = "à surveiller"
UNMEASURED = "non mesuré ici"

#: Share of the communes without a value from which an indicator is to be watched.
MISSING = 0.05
#: Share of the communes at one end of the scale from which they are no longer told apart.
CROWDED = 0.10
#: Gap between declared and effective weights, in share of the index, from which to watch it.
ADRIFT = 0.10
#: Usual threshold of alpha: Nunnally (1978), Psychometric Theory.
ALPHA = 0.7
#: Half of the ranks move by more than this share of the ranking: ranks are rough.
ROUGH = 0.2


@dataclass(frozen=True)
class Tableau:
    """A table for readers: every cell is already written in French.

    `textes` is how many of the first columns are texts, the others being numbers.
    """

    titre: str
    entetes: list[str]
    lignes: list[list[str]]
    legende: str = ""
    textes: int = 1


@dataclass(frozen=True)
class Etape:
    """One step: its verdict in a word and in a line, its tables, what to conclude."""

    numero: int
    titre: str
    verdict: str
    phrase: str
    tableaux: list[Tableau] = field(default_factory=list)
    conclusions: list[str] = field(default_factory=list)


def steps(audit: Audit) -> list[Etape]:
    """The ten steps, in their order."""
    return [step(audit) for step in _STEPS]


# --- writing cells -------------------------------------------------------------------------------


def share(value: float, decimals: int = 0) -> str:
    """A share as a percentage: ``34 %``."""
    shown = number(100 * value, decimals)
    return shown if np.isnan(value) else f"{shown} %"


def cell(table: pd.DataFrame, row: str, column: str) -> Any:
    """One cell of a table."""
    return table.at[row, column]


def line(table: pd.DataFrame, row: str) -> dict[str, Any]:
    """One row of a table, by column."""
    return {str(name): value for name, value in table.loc[row].items()}


def record(audit: Audit, code: str) -> Noeud | Indicateur:
    """What the method file says of a node or of an indicator."""
    return audit.methode.noeuds.get(code) or audit.methode.indicateurs[code]


def quoted(audit: Audit, code: str) -> str:
    """Label of a node or of an indicator, in a sentence."""
    return f"« {record(audit, code).libelle} »"


def _named(audit: Audit, codes: list[str]) -> str:
    return listing([quoted(audit, code) for code in codes])


def _parent(audit: Audit, code: str) -> str:
    if code in audit.methode.indicateurs:
        return audit.methode.indicateurs[code].noeud
    return audit.methode.noeuds[code].parent or ""


def _scored(audit: Audit) -> list[str]:
    return [str(code) for code in audit.poids.index]


# --- 1 to 3: the frame and the data --------------------------------------------------------------


def _framework(audit: Audit) -> Etape:
    method = audit.methode
    rows = []
    for node in method.descending():
        for code, weight in method.weights[node].items():
            rows.append(
                [
                    record(audit, code).libelle, method.noeuds[node].libelle, share(weight, 1),
                    share(method.shares[code], 1),
                ]
            )  # fmt: skip
    nodes = [node for node in method.noeuds if node != method.root]
    bare = [code for code in [*nodes, *method.indicateurs] if not record(audit, code).raison]
    why = [
        f"{record(audit, node).libelle} : {record(audit, node).raison} "
        f"({record(audit, node).reference})"
        for node in nodes
        if record(audit, node).raison
    ]
    return Etape(
        1, "Cadre théorique", WATCH if bare else HELD,
        f"Sans raison écrite dans la méthode : {_named(audit, bare)}."
        if bare
        else "Chaque poids et chaque indicateur a sa raison écrite dans la méthode.",
        [Tableau("L'arbre déclaré", ["élément", "dans", "poids", "dans l'indice"], rows,
                 "Poids : dans le groupe, ramené à 100 %.", textes=2)],
        [method.methode.description, *why,
         f"L'indice ne voit pas : {' ; '.join(method.lecture.invisible)}."],
    )  # fmt: skip


def _data(audit: Audit) -> Etape:
    table, indicators = audit.indicateurs, audit.methode.indicateurs
    covered, spread = [], []
    names = ("minimum", "quartile_1", "mediane", "quartile_3", "maximum", "moyenne", "ecart_type")
    for code, one in indicators.items():
        row = line(table, code)
        covered.append(
            [
                one.libelle, row["millesime"] or "–", number(row["age"]),
                "non" if row["retire"] else "oui", number(row["connues"]),
                number(row["distinctes"]), share(row["ex_aequo"]),
            ]
        )  # fmt: skip
        spread.append([one.libelle, *(number(row[name], one.decimales) for name in names)])
    units: dict[str, list[str]] = {}
    for one in indicators.values():
        units.setdefault(one.unite, []).append(one.libelle)
    named = " ; ".join(f"{unit} : {listing(labels)}" for unit, labels in units.items())
    gone = [code for code in indicators if cell(table, code, "retire")]
    phrase = "Tous les indicateurs de la méthode sont comptés."
    if gone:
        reasons = [f"{quoted(audit, code)} ({cell(table, code, 'retire')})" for code in gone]
        phrase = f"Pas comptés : {listing(reasons)}."
    years = sorted({row["millesime"][:4] for _, row in table.iterrows() if not row["retire"]})
    conclusions = []
    if len(years) > 1:
        conclusions.append(
            f"Les indicateurs comptés décrivent des années différentes, de {years[0]} à "
            f"{years[-1]}, pour des communes au 1er janvier {audit.annee}."
        )
    return Etape(
        2, "Choix des données", WATCH if gone else HELD, phrase,
        [
            Tableau(
                "Ce qui est lu",
                ["indicateur", "millésime", "âge", "compté", "communes", "distinctes",
                 "à égalité"], covered,
                "Âge : en années. Communes : dont la valeur est connue. Distinctes : valeurs "
                "différentes. À égalité : part des communes dont une autre a exactement la valeur.",
            ),
            Tableau(
                "Distribution, dans l'unité de chaque indicateur",
                ["indicateur", "min.", "q1", "médiane", "q3", "max.", "moyenne", "écart-type"],
                spread,
                f"Unités : {named}. q1 et q3 : quartiles. Chaque commune compte pour une, quelle "
                "que soit sa population.",
            ),
        ],
        conclusions,
    )  # fmt: skip


_STATUSES = {
    "publie": "publié", "estime": "estimé", "millesime_ancien": "trop ancien", "secret": "secret",
    "absent": "absent", "sans_objet": "sans objet",
}  # fmt: skip


def _missing(audit: Audit) -> Etape:
    method, table = audit.methode, audit.indicateurs
    met = [name for name in _STATUSES if audit.statuts[name].any()]
    rows = [
        [
            one.libelle,
            *(number(cell(audit.statuts, code, name)) for name in met),
            share(cell(table, code, "habitants_sans"), 1),
        ]
        for code, one in method.indicateurs.items()
    ]
    without = audit.communes - audit.classees
    holes = [
        code
        for code in _scored(audit)
        if audit.communes - cell(table, code, "connues_points") > MISSING * audit.communes
    ]
    phrases = []
    if holes:
        parts = [
            f"{quoted(audit, code)} manque dans "
            f"{plural(audit.communes - int(cell(table, code, 'connues_points')), 'commune')}"
            for code in holes
        ]
        phrases.append(f"{listing(parts)}.")
    if without:
        phrases.append(
            f"Pas d'indice pour {plural(without, 'commune')} sur {number(audit.communes)}."
        )
    full = [
        [share(float(level), 1), number(row["communes"]), number(row["avec_indice"])]  # type: ignore[arg-type]
        for level, row in audit.completude.head(_LONGEST).iterrows()
    ]
    least = method.completude_min
    return Etape(
        3, "Données manquantes", WATCH if phrases else HELD,
        " ".join(phrases) or "Aucun indicateur compté ne manque à plus de "
        f"{share(MISSING)} des communes, et toutes ont un indice.",
        [
            Tableau("Communes par statut de la donnée",
                    ["indicateur", *(_STATUSES[name] for name in met), "habitants sans valeur"],
                    rows),
            Tableau("Part du poids observée",
                    ["part du poids", "communes", "dont avec un indice"], full, textes=0),
        ],
        [
            "Une valeur qui manque n'est pas inventée : son poids est réparti dans son groupe. Un "
            f"groupe demande {share(least.noeud)} de son poids, l'indice {share(least.indice)}."
        ],
    )  # fmt: skip


#: Rows of a table that a reader still reads.
_LONGEST = 12


# --- 4 and 5: structure and scores ---------------------------------------------------------------


def _structure(audit: Audit) -> Etape:
    if audit.correlations.empty:
        return Etape(4, "Analyse multivariée", UNMEASURED, _unmeasured(audit))
    several = [str(node) for node in audit.noeuds.index if cell(audit.noeuds, node, "items") > 1]
    tables = _correlation_tables(audit)
    if several:
        tables += [_coherence_table(audit, several), _loadings_table(audit, several)]
    findings = [*_pairs(audit), *_coherence(audit, several)]
    phrase = (
        "Les indicateurs d'un même groupe vont ensemble, ceux de groupes différents sont distincts."
    )
    return Etape(
        4, "Analyse multivariée", WATCH if findings else HELD,
        _counted(audit, several) if findings else phrase, tables, findings,
    )  # fmt: skip


def _correlation_tables(audit: Audit) -> list[Tableau]:
    """Between indicators, and between nodes where the root has several below it."""
    nodes = [str(code) for code in audit.correlations_noeuds if code != audit.methode.root]
    between_indicators = _correlation_table(
        audit, audit.correlations, list(audit.correlations.columns.astype(str)), "indicateur",
        "Corrélations de rang (Spearman) entre les scores des indicateurs",
        "De −1 (l'un monte quand l'autre descend) à 1 (même ordre) ; 0 : aucun lien.",
    )  # fmt: skip
    if len(nodes) < 2:
        return [between_indicators]
    title = "Corrélations de rang entre les groupes"
    between_nodes = _correlation_table(audit, audit.correlations_noeuds, nodes, "groupe", title)
    return [between_indicators, between_nodes]


def _correlation_table(
    audit: Audit, matrix: pd.DataFrame, codes: list[str], what: str, title: str, legend: str = ""
) -> Tableau:
    """A matrix whose columns are numbered as its rows are."""
    rows = [
        [f"{rank}. {record(audit, one).libelle}", *(number(cell(matrix, one, c), 2) for c in codes)]
        for rank, one in enumerate(codes, start=1)
    ]
    header = [what, *(str(rank) for rank in range(1, len(codes) + 1))]
    return Tableau(title, header, rows, legend)


def _coherence_table(audit: Audit, nodes: list[str]) -> Tableau:
    """Alpha and components of each node of several indicators."""
    table = audit.noeuds
    rows = [
        [
            record(audit, node).libelle, number(cell(table, node, "items")),
            number(cell(table, node, "lignes")), number(cell(table, node, "alpha"), 2),
            share(cell(table, node, "premiere")), number(cell(table, node, "composantes")),
            {True: "oui", False: "non"}.get(cell(table, node, "meme_signe"), "–"),
        ]
        for node in nodes
    ]  # fmt: skip
    return Tableau(
        "Cohérence de chaque groupe",
        ["groupe", "indicateurs", "communes", "alpha", "1re comp.", "comp. > 1", "même signe"],
        rows,
        "Communes : où aucun de ces indicateurs ne manque. Alpha (de Cronbach) : à quel "
        "point ils disent la même chose, 1 au plus, et plus haut s'ils sont nombreux "
        f"(usage : {number(ALPHA, 1)} ou plus). 1re comp. : part de la variance que résume "
        "la première composante principale. Comp. > 1 : composantes qui portent plus de "
        "variance qu'un indicateur. Même signe : sur la première, tous vont dans le même "
        "sens.",
    )


def _loadings_table(audit: Audit, nodes: list[str]) -> Tableau:
    """Loadings of each indicator on the first component of each node."""
    rows = [
        [
            record(audit, code).libelle,
            *(
                number(cell(audit.charges, code, node), 2) if node in audit.charges else "–"
                for node in nodes
            ),
        ]
        for code in audit.correlations.columns.astype(str)
    ]
    header = ["indicateur", *(record(audit, node).court for node in nodes)]
    return Tableau("Charges sur la première composante", header, rows)


def _counted(audit: Audit, nodes: list[str]) -> str:
    """What is to be watched in the structure, in one line."""
    pairs = audit.signalees["motif"].value_counts()
    low = [node for node in nodes if cell(audit.noeuds, node, "alpha") < ALPHA]
    mixed = [node for node in nodes if cell(audit.noeuds, node, "meme_signe") is False]
    counts = [
        (int(pairs.get("doublon", 0)), "doublon"),
        (int(pairs.get("autre_noeud", 0)), "lien fort entre groupes"),
        (int(pairs.get("contraire", 0)), "sens contraire dans un groupe"),
        (len(low), f"alpha sous {number(ALPHA, 1)}"),
        (len(mixed), "première composante aux signes mêlés"),
    ]
    many = {
        "lien fort entre groupes": "liens forts entre groupes",
        "première composante aux signes mêlés": "premières composantes aux signes mêlés",
    }
    invariable = {"sens contraire dans un groupe", f"alpha sous {number(ALPHA, 1)}"}
    return (
        "À regarder : "
        + listing(
            [
                plural(count, word, word if word in invariable else many.get(word, ""))
                for count, word in counts
                if count
            ]
        )
        + "."
    )


def _unmeasured(audit: Audit) -> str:
    return audit.remarques[0] if audit.remarques else "Rien ne varie d'une commune à l'autre."


def _pairs(audit: Audit) -> Iterator[str]:
    for _, pair in audit.signalees.iterrows():
        one, other = str(pair["un"]), str(pair["autre"])
        both = f"{quoted(audit, one)} et {quoted(audit, other)} (rho = {number(pair['rho'], 2)})"
        if pair["motif"] == "doublon":
            yield f"{both} : au-delà de {number(TWICE, 1)}, ils comptent deux fois la même chose."
        elif pair["motif"] == "contraire":
            node = quoted(audit, _parent(audit, one))
            yield f"{both} vont en sens contraire dans {node} : là, ils se compensent."
        else:
            first, second = (quoted(audit, _parent(audit, code)) for code in (one, other))
            yield (
                f"{both} se suivent (au-delà de {number(CROSSING, 1)} en valeur absolue) alors que "
                f"l'un est dans {first}, l'autre dans {second}."
            )


def _coherence(audit: Audit, nodes: list[str]) -> Iterator[str]:
    for node in nodes:
        row = line(audit.noeuds, node)
        if row["alpha"] < ALPHA:
            yield (
                f"{quoted(audit, node)} : alpha de {number(row['alpha'], 2)} sur "
                f"{number(row['items'])} indicateurs, sous {number(ALPHA, 1)} : "
                "leur moyenne mêle des choses distinctes."
            )
        if row["meme_signe"] is False:
            loadings = audit.charges[node].dropna()
            against = [str(code) for code in loadings.index[loadings < 0]]
            yield (
                f"{quoted(audit, node)} : sur sa première composante "
                f"({share(row['premiere'])} de la variance), {_named(audit, against)} va à rebours "
                "du reste."
            )


def _normalisation(audit: Audit) -> Etape:
    table = audit.indicateurs
    rows: list[list[str]] = []
    shapes: list[list[str]] = []
    rules = Indice.of(audit.methode).indicateurs
    for code in _scored(audit):
        one, row = audit.methode.indicateurs[code], line(table, code)
        ends = (share(row[name]) for name in ("au_bas", "au_haut", "ex_aequo_points"))
        rows.append([one.libelle, _rule(rules[code], one), *ends])
        shape = ("asymetrie", "aplatissement", "asymetrie_points", "aplatissement_points")
        shapes.append([one.libelle, *(number(row[name], 1) for name in shape)])
    findings, notes = [], []
    for code in _scored(audit):
        row = line(table, code)
        usual = CROWDED
        if rules[code].normalisation == "quantiles":  # a class holds its part of the communes
            usual += 1 / rules[code].parametres["classes"]
        for name, end in (("au_bas", "bas"), ("au_haut", "haut")):
            if row[name] > usual:
                findings.append(
                    f"{quoted(audit, code)} : {share(row[name])} des communes au plus {end} de "
                    "l'échelle, où il ne les distingue plus."
                )
        if row["extremes_points"]:
            findings.append(
                f"{quoted(audit, code)} : scores très étirés (asymétrie "
                f"{number(row['asymetrie_points'], 1)}, aplatissement "
                f"{number(row['aplatissement_points'], 1)}), quelques communes y pèsent beaucoup."
            )
        elif row["extremes"]:
            notes.append(
                f"{quoted(audit, code)} a des valeurs extrêmes (asymétrie "
                f"{number(row['asymetrie'], 1)}, aplatissement "
                f"{number(row['aplatissement'], 1)}), que la normalisation ramène."
            )
    return Etape(
        5, "Normalisation", WATCH if findings else HELD,
        " ".join(findings) if findings
        else "Les scores distinguent les communes, sans valeur extrême qui domine.",
        [
            Tableau(
                "Des valeurs aux scores",
                ["indicateur", "normalisation", "au plus bas", "au plus haut", "à égalité"], rows,
                "« De a à b » : a vaut le bas de l'échelle, b le haut. Au plus bas, au plus haut : "
                "part des communes à un bout de l'échelle. À égalité : de score.", textes=2,
            ),
            Tableau(
                "Forme des distributions",
                ["indicateur", "asymétrie", "aplatissement", "asym. scores",
                 "aplat. scores"], shapes,
                "Asym. scores, aplat. scores : ceux des scores. Extrêmes : asymétrie "
                f"au-delà de {number(SKEWED)} en valeur absolue et "
                f"aplatissement (0 pour une loi normale) au-delà de {number(PEAKED, 1)}, corrigés "
                "du biais.",
            ),
        ],
        notes,
    )  # fmt: skip


_NORMALISATIONS = {
    "min_max": "du minimum au maximum", "z_score": "écarts à la moyenne",
    "rang_centile": "rang", "ratio_reference": "rapport à la référence",
}  # fmt: skip


def _rule(rule: Regle, indicator: Indicateur) -> str:
    """How an indicator is scored, in a few words."""
    if rule.normalisation == "bornes":
        low, high = (f"{x:g}".replace(".", ",") for x in (rule.points_0, rule.points_100))
        return f"de {low} à {high}" + (" %" if indicator.unite == "%" else "")
    if rule.normalisation == "quantiles":
        return f"{rule.parametres['classes']} classes"
    return _NORMALISATIONS[rule.normalisation]


# --- 6 and 7: weights, and how sure it all is ----------------------------------------------------


def adrift(audit: Audit) -> list[str]:
    """Indicators whose effective weight is far from the declared one, the farthest first."""
    gaps = (audit.poids["part"] - audit.poids["declare"]).abs()
    far = gaps[gaps > ADRIFT].sort_values(ascending=False, kind="stable")
    return [str(code) for code in far.index]


def _weighting(audit: Audit) -> Etape:
    title = "Pondération et agrégation"
    if audit.correlations.empty:
        return Etape(6, title, UNMEASURED, _unmeasured(audit))
    nodes = audit.noeuds[audit.noeuds.index != audit.methode.root]
    legend = _weights_legend(audit)
    tables = [_weights_table(audit, audit.poids, "indicateur", "des indicateurs", legend)]
    if len(nodes):
        tables.append(_weights_table(audit, nodes, "groupe", "des groupes"))
    conclusions = [
        f"{quoted(audit, code)} : {share(cell(audit.poids, code, 'part'), 1)} de la variance pour "
        f"{share(cell(audit.poids, code, 'declare'), 1)} de poids déclaré."
        for code in adrift(audit)
    ]
    conclusions += [
        f"{quoted(audit, node)} et l'indice rangent presque pareil les communes "
        f"(rho = {number(cell(nodes, node, 'spearman'), 2)})."
        for node in alike(audit)
    ]
    conclusions.append(f"L'indice va de {number(audit.minimum, 1)} à {number(audit.maximum, 1)}.")
    return Etape(6, title, *_weights_verdict(audit), tables, conclusions)


def _weights_table(
    audit: Audit, table: pd.DataFrame, what: str, whose: str, legend: str = ""
) -> Tableau:
    rows = [
        [
            record(audit, str(code)).libelle, share(row["declare"], 1), share(row["part"], 1),
            number(100 * (row["part"] - row["declare"]), 1), number(row["pearson"], 2),
            number(row["spearman"], 2),
        ]
        for code, row in table.iterrows()
    ]  # fmt: skip
    header = [what, "poids déclaré", "part de la variance", "écart", "r", "rho"]
    return Tableau(f"Poids effectifs {whose}", header, rows, legend)


def _weights_legend(audit: Audit) -> str:
    shares = (
        "Part de la variance : covariance de la contribution avec l'indice, rapportée à la "
        f"variance de l'indice, sur les {number(audit.completes)} communes où aucun indicateur "
        "compté ne manque ; les parts font 100 %, une part négative va à rebours. "
    )
    return (
        "Poids déclaré : ramené à 100 % sur ce qui est compté. "
        f"{shares if audit.poids['part'].notna().any() else ''}r (Pearson) et rho (Spearman) : "
        "corrélation avec l'indice, là où les deux sont connus. Chaque commune compte pour une."
    )


def _weights_verdict(audit: Audit) -> tuple[str, str]:
    """Whether effective weights follow the declared ones, in a word and in a line."""
    if not audit.additive:
        return UNMEASURED, (
            "Cette méthode n'additionne pas ses indicateurs : pas de part de la variance, "
            "seulement la corrélation de chacun avec l'indice."
        )
    if audit.poids["part"].isna().all():
        return UNMEASURED, audit.remarques[-1]
    points = f"{number(100 * ADRIFT)} points"
    if far := adrift(audit):
        return WATCH, f"À plus de {points} du poids déclaré : {_named(audit, far)}."
    return HELD, f"Les poids effectifs suivent les poids déclarés, à {points} près."


def alike(audit: Audit) -> list[str]:
    """Nodes that rank communes almost as the index does."""
    nodes = audit.noeuds[audit.noeuds.index != audit.methode.root]
    return [str(node) for node in nodes.index[nodes["spearman"] >= ALIKE]]


def places_spanned(audit: Audit) -> int | None:
    """Places that the 90 % interval of half of the ranks spans at most; None if not measured.

    Both ends count: from the 1st to the 29th there are 29.
    """
    table = audit.incertitude
    if table is None or "rang_max_90" not in table:
        return None
    low, high = (table[name].astype("Float64") for name in ("rang_min_90", "rang_max_90"))
    spans = (high - low + 1).dropna().astype(np.float64)
    return math.ceil(spans.median()) if len(spans) else None


def _robustness(audit: Audit) -> Etape:
    tables: list[Tableau] = []
    conclusions, missing = [], []
    verdict, phrase = HELD, ""
    half = places_spanned(audit)
    if audit.incertitude is None:
        missing.append("combien un rang peut bouger (fragilite robustness)")
    else:
        conclusions += _readings(audit, tables)
        if half:
            phrase = (
                f"Pour une commune sur deux, le rang tient dans une plage d'au plus "
                f"{plural(half, 'place')} sur {number(audit.classees)} (à 90 %)."
            )
            verdict = WATCH if half - 1 > ROUGH * audit.classees else HELD
        else:
            missing.append("le bruit des données")
    if audit.facteurs is None:
        missing.append("quels choix le font bouger (fragilite sensitivity)")
    else:
        tables.append(_factors(audit.facteurs))
        conclusions.append(audit.phrase)
    if audit.incertitude is None and audit.facteurs is None:
        verdict = UNMEASURED
    rest = f"Pas mesuré ici : {' ; '.join(missing)}." if missing else ""
    if not phrase:
        verdict = UNMEASURED
    return Etape(
        7, "Incertitude et sensibilité", verdict, " ".join(filter(None, [phrase, rest])), tables,
        [text for text in conclusions if text],
    )  # fmt: skip


def _readings(audit: Audit, tables: list[Tableau]) -> list[str]:
    table = audit.incertitude
    assert table is not None
    known = table.loc[table["lecture"].astype(str) != "", "lecture"]
    if known.empty:
        return []
    counts = known.value_counts()
    tables.append(
        Tableau("Lecture : la commune est-elle dans le cinquième le plus fragile ?",
                ["lecture", "communes"],
                [[str(name), number(count)] for name, count in counts.items()])
    )  # fmt: skip
    return ["« Pas de signal » ne dit jamais que personne n'a besoin d'aide."]


def _factors(factors: pd.DataFrame) -> Tableau:
    def written(row: pd.Series, name: str) -> str:
        text = number(float(row[name]), 2)
        if f"{name}_min" in row and f"{name}_max" in row:
            text += f" [{number(row[f'{name}_min'], 2)} ; {number(row[f'{name}_max'], 2)}]"
        return text

    ordered = factors.sort_values("total", ascending=False, kind="stable").head(_LONGEST)
    return Tableau(
        "Ce qui fait varier le déplacement moyen des rangs",
        ["choix", "seul", "avec ses interactions"],
        [
            [str(row["libelle"]), written(row, "premier_ordre"), written(row, "total")]
            for _, row in ordered.iterrows()
        ],
        "Déplacement moyen : de combien de places les rangs s'écartent, en moyenne, de ceux de la "
        "méthode déclarée. Parts de sa variance d'une méthode tirée à l'autre (indices de Sobol, "
        "du premier ordre et totaux) ; entre crochets, intervalle à 95 %.",
    )


# --- 8 to 10: back to the communes, and out ------------------------------------------------------


def _back(audit: Audit) -> Etape:
    title = "Retour aux données"
    if audit.tete.empty:
        return Etape(8, title, UNMEASURED, "Aucune commune n'a d'indice.")
    tied = audit.premiers > len(audit.tete)  # naming some of them would be arbitrary
    tables = [] if tied else [_top_table(audit)]
    conclusions: list[str] = []
    contrast, in_index = _contrast(audit)
    if len(contrast):
        tables.append(_contrast_table(audit, contrast, in_index))
        conclusions += _contrasts(audit, contrast, in_index)
    if audit.additive and not tied:
        conclusions.append(_first_parts(audit))
    conclusions.append(audit.methode.lecture.usage)
    if tied:
        phrase = (
            f"{number(audit.premiers)} communes sont à égalité au premier rang : le haut du "
            "classement ne les distingue pas."
        )
        return Etape(8, title, WATCH, phrase, tables, conclusions)
    return Etape(
        8, title, HELD,
        "Les contributions d'une commune s'additionnent à son indice : chacun se démonte."
        if audit.additive
        else "Sans contributions, chaque indice se relit par les scores de ses indicateurs.",
        tables, conclusions,
    )  # fmt: skip


def _top_table(audit: Audit) -> Tableau:
    """The most fragile communes, taken apart."""
    codes = _scored(audit)
    rows = [
        [
            number(row["rang"]), row["nom"], number(row["population"]), number(row["indice"], 1),
            *(number(row[code], 1) for code in codes),
        ]
        for _, row in audit.tete.iterrows()
    ]  # fmt: skip
    header = ["rang", "commune", "habitants", "indice"]
    header += [record_short(audit, code) for code in codes]
    what = "la contribution" if audit.additive else "le score"
    return Tableau(f"Les plus fragiles, et {what} de chaque indicateur", header, rows, textes=2)


def _contrast(audit: Audit) -> tuple[pd.DataFrame, bool]:
    """Mean contributions in the first fifth and elsewhere; without them, mean scores.

    A gap between scores leaves out the weight: on Maine-et-Loire isolation would come first, that
    the index counts less than age and diploma. The second value says whether contributions are.
    """
    names = ["premier_cinquieme", "reste"]
    parts = audit.contraste[[f"contribution_{name}" for name in names]].set_axis(names, axis=1)
    parts = parts.dropna()
    return (parts, True) if len(parts) else (audit.contraste[names].dropna(), False)


def _contrast_table(audit: Audit, contrast: pd.DataFrame, in_index: bool) -> Tableau:
    gaps = contrast["premier_cinquieme"] - contrast["reste"]
    what = "Contribution moyenne à l'indice" if in_index else "Score moyen"
    return Tableau(
        f"{what} dans le cinquième le plus fragile, et ailleurs",
        ["indicateur", "premier cinquième", "ailleurs", "écart"],
        [
            [
                record(audit, str(code)).libelle, number(row["premier_cinquieme"], 1),
                number(row["reste"], 1), number(gaps[str(code)], 1),
            ]
            for code, row in contrast.iterrows()
        ],
        f"En points de l'indice, sur les {number(audit.completes)} communes où aucun indicateur "
        "compté ne manque."
        if in_index
        else "En points de score : le poids de chaque indicateur n'y est pas.",
    )  # fmt: skip


def _contrasts(audit: Audit, contrast: pd.DataFrame, in_index: bool) -> Iterator[str]:
    """What sets the first fifth apart, how small its communes are, where it is better off."""
    gaps = contrast["premier_cinquieme"] - contrast["reste"]
    widest = gaps.sort_values(ascending=False, kind="stable")
    points = "points d'indice" if in_index else "points de score"
    yield (
        "Le cinquième le plus fragile se sépare du reste d'abord par "
        f"{record_short(audit, str(widest.index[0]))} ({number(widest.iloc[0], 1)} {points} "
        "d'écart)."
    )
    fifth, others = audit.habitants
    yield (
        f"Une commune sur deux y a moins de {number(fifth)} habitants, ailleurs moins de "
        f"{number(others)}."
    )
    against = [str(code) for code in widest.index[widest < 0]]
    if against:
        yield f"Il est moins fragile que le reste pour : {_shorts(audit, against)}."


def _first_parts(audit: Audit) -> str:
    """Which indicator brings the most points to each of the first communes."""
    first = audit.tete[_scored(audit)].idxmax(axis=1).value_counts()
    names = [record_short(audit, str(code)) for code in first.index]
    if len(audit.tete) == 1:
        return f"Ce qui lui apporte le plus de points : {names[0]}."
    parts = [
        f"{name} ({plural(int(count), 'commune')})"
        for name, count in zip(names, first, strict=True)
    ]
    return f"Ce qui apporte le plus de points aux {len(audit.tete)} premières : {listing(parts)}."


def record_short(audit: Audit, code: str) -> str:
    """Name of an indicator in a sentence, with its article."""
    return audit.methode.indicateurs[code].court


def _shorts(audit: Audit, codes: list[str]) -> str:
    return listing([record_short(audit, code) for code in codes])


def _links(audit: Audit) -> Etape:
    known = audit.methode.lecture.validite
    rows = [
        [audit.methode.contexte[str(code)].libelle, number(row["communes"]),
         number(row["spearman"], 2)]
        for code, row in audit.contexte.iterrows()
        if not np.isnan(row["spearman"])
    ]  # fmt: skip
    tables = []
    if rows:
        tables.append(
            Tableau("Corrélation de rang de l'indice avec ce qui est montré et pas compté",
                    ["donnée de contexte", "communes", "rho"], rows,
                    "Un lien avec l'indice ne prouve pas sa validité.")
        )  # fmt: skip
    source = "Ce qui suit est repris du fichier de méthode" if known else "Rien n'en est connu"
    return Etape(
        9, "Liens avec d'autres indicateurs", UNMEASURED,
        f"La validité se mesure sur d'autres données (fragilite validate). {source}.", tables,
        list(known),
    )  # fmt: skip


def _presentation(audit: Audit) -> Etape:
    tables = []
    empty: list[str] = []
    if len(audit.classes):
        rows = [
            [row["libelle"], number(row["communes"]), number(row["habitants"])]
            for _, row in audit.classes.iterrows()
        ]
        tables.append(Tableau("Classes de l'indice", ["classe", "communes", "habitants"], rows))
        empty = [row[0] for row in rows if row[1] == "0"]
    vintages: dict[str, list[str]] = {}
    for source in audit.sources:
        key = f"{source['editeur']}, {source['titre']}"
        vintages.setdefault(key, []).append(source["millesime"])
    licences = sorted({source["licence"] for source in audit.sources})
    tables.append(
        Tableau("Sources", ["source", "millésimes"],
                [[key, ", ".join(found)] for key, found in vintages.items()],
                f"{listing(licences)}.", textes=2)
    )  # fmt: skip
    conclusions = list(audit.avertissements)
    if empty:
        conclusions.append(f"Aucune commune ici dans : {listing([f'« {x} »' for x in empty])}.")
    conclusions.append(audit.methode.lecture.non_usage)
    warned = bool(audit.avertissements)
    return Etape(
        10, "Présentation et diffusion", WATCH if warned else HELD,
        "Des classes ne se comparent pas à celles d'un autre calcul." if warned
        else "Méthode, sources et mode d'emploi accompagnent chaque fichier.",
        tables, conclusions,
    )  # fmt: skip


_STEPS: tuple[Callable[[Audit], Etape], ...] = (
    _framework, _data, _missing, _structure, _normalisation, _weighting, _robustness, _back,
    _links, _presentation,
)  # fmt: skip
