"""What the page shows, ready for JSON; :mod:`fragilite.outputs.report` lays it out.

Everything a reader will see comes from here, in French: the template places it, the script only
chooses what to show and writes numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fragilite import scoring
from fragilite.cartography import MISSING, PEOPLE, Plane, Theme, plane, themes
from fragilite.citation import cited
from fragilite.cog import departements
from fragilite.dictionary import scale
from fragilite.distribution import france
from fragilite.explanation import (
    CAUTIONS,
    NOT_ADDITIVE,
    SURE,
    estimated_note,
    missing_note,
    other_year,
    partial_note,
    smoothed_note,
)
from fragilite.french import (
    at_name,
    listing,
    number,
    quantity,
    rounded_parts,
    share,
    upper_first,
)
from fragilite.method import Grandeur, Moyenne, Part
from fragilite.outputs.drawing import SIDE, Canvas
from fragilite.pipeline import Build
from fragilite.provenance import provenance
from fragilite.summary import (
    MODELES,
    MOST_FRAGILE,
    SHOWN_NODES,
    TWO_READINGS,
    certainty_sentences,
    held_sentence,
    remarks,
    summary,
)
from fragilite.table import Statut
from fragilite.vintages import readable

if TYPE_CHECKING:
    from fragilite.inventory import Known
    from fragilite.roadmap.study import Study
    from fragilite.trend import Trend

#: Radius of the largest circle, as a share of the map's longer side.
LARGEST = 0.055
#: Names given for each reading in the opening lines.
NAMED = 3
#: Parts of the page that only some builds have, and how the opening lines name them.
FURTHER = {
    "villes": "dans les villes", "change": "ce qui a changé", "aide": "qui aide, où",
    "route": "la feuille de route",
}  # fmt: skip
#: Decimals of a share that is read as « n fois sur 100 ».
TIMES = 1
#: Any share that is not nothing, yet would be written 0,0 %.
LEAST_SHARE = 0.01


def gather(
    build: Build,
    known: Known | None = None,
    study: Study | None = None,
    change: Trend | None = None,
) -> dict[str, Any]:
    """Facts of the page.

    Parameters
    ----------
    build : Build
    known : Known, optional
        Places, for « Qui aide, où ».
    study : Study, optional
        Scenarios, for « Feuille de route ».
    change : Trend, optional
        Changes, for « Ce qui a changé ».

    Returns
    -------
    dict
        Texts and tables of the page; ``carte``, what is drawn; ``donnees``, what its script reads;
        ``aide``, ``route``, ``change`` and ``villes``, None without places, scenarios, changes and
        figures by IRIS.
    """
    shown, outlines = themes(build), plane(build)
    canvas, facts = Canvas.of(outlines), summary(build)
    origin, reading = provenance(build), build.method.lecture
    found = {
        "titre": build.method.methode.libelle,
        "indice": _node_label(build, build.method.root),
        "description": build.method.methode.description,
        "echelle": scale(build.method),
        "territoire": facts["territoire"],
        "bref": _opening(build, facts),
        "themes": [_theme(build, theme) for theme in shown],
        "carte": _map(build, shown, outlines, canvas),
        "colonnes": _columns(build, shown),
        "lignes": _rows(build, shown),
        "fragiles": _ten(build, "rang", build.method.root),
        "nombreuses": _ten(build, "rang_volume", PEOPLE),
        "epci": _epci(build),
        "certitude": facts["certitude"]
        and {
            "modele": MODELES[facts["certitude"]["modele"]],
            "notes": [*certainty_sentences(facts["certitude"]), *facts["certitude"]["remarques"]],
            "limites": build.method.incertitude.limites if build.method.incertitude else [],
        },
        "lecture": {
            "usage": reading.usage,
            "non_usage": reading.non_usage,
            "validite": reading.validite,
            "invisible": reading.invisible,
            "deux": TWO_READINGS if build.communes[PEOPLE].notna().any() else "",
        },
        "definitions": _definitions(build),
        "a_savoir": remarks(build),
        "sources": origin["sources"],
        "methode": origin["methode"],
        "programme": origin["programme"],
        "citation": cited(build),
        "lieu": _place_label(build),
        "cinquieme": _fifth(build),
        "france": france().libelle,
        "sans_contribution": NOT_ADDITIVE,
        "donnees": _data(build, shown, outlines, canvas),
        "aide": None,
        "route": None,
        "change": None,
        "villes": None,
    }
    if build.iris is not None:
        _add_iris(found, build)
    if known is not None:
        _add_places(found, build, known)
    if study is not None:
        _add_roadmap(found, study, outlines, canvas)
    if change is not None:
        _add_change(found, change)
    found["suites"] = [
        {"ancre": name, "libelle": label} for name, label in FURTHER.items() if found[name]
    ]
    return found


def _add_iris(found: dict[str, Any], build: Build) -> None:
    from fragilite.outputs import report_iris

    found["villes"] = told = report_iris.gather(build)
    if told is not None:
        found["bref"] = [*found["bref"], *filter(None, [told["cache"]])]
        found["donnees"]["villes"] = report_iris.data(build)


def _add_places(found: dict[str, Any], build: Build, known: Known) -> None:
    from fragilite.outputs import report_places

    found["aide"] = report_places.gather(build, known)
    found["donnees"]["aide"] = report_places.data(build, known)


def _add_roadmap(found: dict[str, Any], study: Study, outlines: Plane, canvas: Canvas) -> None:
    from fragilite.outputs import report_roadmap

    data = found["donnees"]
    found["route"] = report_roadmap.gather(study, outlines, canvas)
    data["route"] = report_roadmap.data(study)
    data["themes"] += report_roadmap.themes(study)
    data["communes"]["valeurs"] |= report_roadmap.values(study)


def _add_change(found: dict[str, Any], change: Trend) -> None:
    from fragilite.outputs import report_change

    data, told = found["donnees"], report_change.gather(change)
    # After the choices of a roadmap, that their places in the menu stay the same.
    found["change"] = told | {"theme": len(data["themes"])}
    found["sources"] = [*found["sources"], *told["sources"]]
    data["change"] = report_change.data(change)
    data["themes"].append(report_change.theme(change))
    data["communes"]["valeurs"] |= report_change.values(change)


def _node_label(build: Build, node: str) -> str:
    return build.method.noeuds[node].libelle


def _place_label(build: Build) -> str:
    """The territory that ranks are within: ``Maine-et-Loire (49)``."""
    return build.inputs.territory.libelle


def _fifth(build: Build) -> str:
    """Whose first fifth a reading speaks of, where it is not that of whole départements."""
    if not build.uncertainty or not build.inputs.territory.epci:
        return ""
    return (
        f"Le cinquième le plus fragile est ici celui de cet ensemble ({_place_label(build)}) : "
        "comparée à tout son département, la même commune peut avoir une autre lecture."
    )


# --- texts -------------------------------------------------------------------------------------


def _opening(build: Build, facts: dict[str, Any]) -> list[str]:
    """A few sentences: where fragility is intense, where people are, what both are for."""
    fragile, crowd = facts["plus_fragiles"][:NAMED], facts["plus_de_personnes"][:NAMED]
    where, held = facts["territoire"], facts["plus_fragiles_tiennent"]
    lines = []
    if fragile:
        names = [f"{at_name(row['nom'])} ({number(row[build.method.root], 1)})" for row in fragile]
        lines.append(
            f"La fragilité est la plus intense {listing(names)}. Échelle : {scale(build.method)}."
        )
    else:
        lines.append(f"Aucune commune n'a d'indice : {MISSING.lower()}.")
    if crowd:
        names = [f"{row['nom']} ({number(row[PEOPLE])})" for row in crowd]
        lines.append(
            f"Le plus de personnes à accompagner, sur {number(where[PEOPLE])} environ : "
            f"{listing(names)}."
        )
        lines.append(TWO_READINGS)
    if held:
        lines.append(held_sentence(held, where))
    return lines


def _definitions(build: Build) -> list[dict[str, str]]:
    """Nodes of the tree, then what the page counts, each with its meaning."""
    method = build.method
    nodes = [(method.noeuds[node].libelle, method.noeuds[node].description)
             for node in method.descending()]  # fmt: skip
    counted = [
        (one.libelle, f"{one.definition} {_counted(build, code)}".strip())
        for code, one in method.indicateurs.items()
    ]
    people = build.columns[PEOPLE]
    shown = [(people.libelle, people.description)] if method.volume else []
    return [{"libelle": label, "texte": text} for label, text in [*nodes, *counted, *shown]]


def _counted(build: Build, code: str) -> str:
    """The vintage of an indicator, or that it does not count."""
    vintage = build.result.figures[code].millesime
    if code in build.withdrawn:
        return f"Pas compté ({f'données de {readable(vintage)}' if vintage else 'aucune donnée'})."
    return f"Millésime {readable(vintage or '')}."


# --- the map -----------------------------------------------------------------------------------


def _theme(build: Build, theme: Theme) -> dict[str, Any]:
    """A choice of the map, with its legend: each class, its word, its colour, its communes."""
    values = build.communes[theme.colonne]
    counts = theme.classes(values).value_counts()
    return {
        "code": theme.code,
        "libelle": theme.libelle,
        "court": upper_first(theme.court),
        "unite": theme.unite,
        "cercles": _circles(values) if theme.is_quantity else [],
        "classes": [
            {"couleur": colour, "libelle": label, "communes": int(counts.get(place, 0))}
            for place, (colour, label) in enumerate(
                zip(theme.couleurs, theme.libelles, strict=True), start=1
            )
        ],
        "manque": {"libelle": MISSING, "communes": int(values.isna().sum())},
    }


def _circles(values: pd.Series) -> list[dict[str, float]]:
    """Sizes shown in the legend of a quantity, largest first."""
    top = float(values.max())
    if not top >= 1:
        return []
    factor = _radius_factor(values)
    decade = 10 ** np.floor(np.log10(top))
    first = float(max(step * decade for step in (1, 2, 5) if step * decade <= top))
    sizes = [first, first / 5, first / 20]
    return [{"valeur": size, "rayon": round(factor * size**0.5, 1)} for size in sizes if size >= 1]


def _radius_factor(values: pd.Series) -> float:
    """Units of radius per square root of the quantity: areas are in proportion."""
    top = float(values.max())
    return LARGEST * SIDE / top**0.5 if top > 0 else 0.0


def _map(build: Build, shown: Sequence[Theme], outlines: Plane, canvas: Canvas) -> dict[str, Any]:
    """Everything that is drawn, with the classes of the index as the map opens."""
    index = shown[0]
    classes = index.classes(build.communes[index.colonne])
    colours = [None if pd.isna(one) else index.couleurs[one - 1] for one in classes]
    return {
        "largeur": canvas.width,
        "hauteur": canvas.height,
        "communes": [
            {"chemin": path, "couleur": colour}
            for path, colour in zip(canvas.paths(outlines.contours), colours, strict=True)
        ],
        "sans_contour": int(outlines.contours.isna().sum()),
        "epci": canvas.paths(outlines.epci.reindex(build.epci["code_epci"])),
        "cadres": [
            {"libelle": frame.libelle, "boite": _box(canvas, frame.boite)}
            for frame in outlines.cadres
        ],
    }


def _box(canvas: Canvas, box: tuple[float, float, float, float]) -> list[int]:
    """Left, top, width, height in the drawing."""
    left, bottom, right, top = box
    corners = canvas.places(np.array([[left, top], [right, bottom]], dtype=float))
    return [*corners[0].tolist(), *(corners[1] - corners[0]).tolist()]


# --- tables ------------------------------------------------------------------------------------


def _columns(build: Build, shown: Sequence[Theme]) -> list[dict[str, Any]]:
    """Columns of the table: those that a phone keeps come first."""
    quantity_too = any(theme.is_quantity for theme in shown)
    nodes = [theme for theme in shown if not theme.is_quantity][:SHOWN_NODES]
    names = ["rang", "nom", build.method.root, *([PEOPLE] if quantity_too else [])]
    names += ["classe"] if "classe_libelle" in build.communes else []
    names += [theme.colonne for theme in nodes[1:]]
    names += ["rang_min_90"] if build.uncertainty else []
    names += ["population", "nom_epci"]
    courts = {theme.colonne: theme.court for theme in nodes}
    return [
        {
            "nom": name,
            "libelle": build.columns[name].libelle,
            "court": _short(build, name, courts),
            "decimales": build.columns[name].decimales,
            "texte": build.columns[name].type == "string",
        }
        for name in names
    ]


def _short(build: Build, name: str, courts: Mapping[str, str]) -> str:
    """Header of a column, short enough for its width."""
    fixed = {"rang_min_90": "Rang à 90 %", "classe": "Classe"}
    label = fixed.get(name) or courts.get(name) or build.columns[name].libelle
    return upper_first(label)


def _rows(build: Build, shown: Sequence[Theme]) -> list[dict[str, Any]]:
    """The table, the most fragile first, its cells as they are read."""
    table = build.communes.sort_values(["rang", "code_insee"])
    columns = _columns(build, shown)
    texts = {one["nom"]: _cells(table, one) for one in columns}
    codes, names = table["code_insee"], table["nom"]
    cells = zip(*(texts[one["nom"]] for one in columns), strict=True)
    return [
        {"code": code, "nom": name, "cellules": list(row)}
        for code, name, row in zip(codes, names, cells, strict=True)
    ]


def _cells(table: pd.DataFrame, column: dict[str, Any]) -> list[str]:
    if column["nom"] == "rang_min_90":
        return [
            span(low, high)
            for low, high in zip(table["rang_min_90"], table["rang_max_90"], strict=True)
        ]
    if column["nom"] == "classe":
        return ["–" if pd.isna(word) else word for word in table["classe_libelle"]]
    values = table[column["nom"]]
    if column["texte"]:
        return ["–" if pd.isna(text) or not text else str(text) for text in values]
    return [written(value, column["decimales"]) for value in values]


def written(value: Any, decimals: int = 0) -> str:
    """A number of a table, a dash where it is missing."""
    return "–" if pd.isna(value) else number(float(value), decimals)


def span(low: Any, high: Any) -> str:
    """Two ranks as an interval: ``1–17``."""
    if pd.isna(low) or pd.isna(high):
        return "–"
    return written(low) if low == high else f"{written(low)}–{written(high)}"


def _ten(build: Build, order: str, column: str) -> list[dict[str, Any]]:
    """The first communes of an order, with what is said of them."""
    table = build.communes[build.communes[column].notna()]
    first = table.sort_values([order, "code_insee"]).head(MOST_FRAGILE)
    top = float(first[column].max()) if len(first) else 0.0
    root, decimals = build.method.root, build.columns[column].decimales
    return [
        {
            "code": row["code_insee"],
            "nom": row["nom"],
            "rang": written(row[order]),
            "valeur": written(row[column], decimals),
            "part": _share(row[column], _full(build, top) if column == root else top),
            "classe": _text(row.get("classe_libelle")),
            "indice": written(row[root], 1),
            "cumul": share(row["part_cumulee_personnes"]),
            "intervalle": span(row.get("rang_min_90"), row.get("rang_max_90")),
            "lecture": _reading(_text(row.get("lecture"))),
        }
        for row in first.to_dict("records")
    ]


def _text(value: Any) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _reading(reading: str) -> str:
    """A reading with what must be said with it: never a bare label."""
    caution = CAUTIONS.get(reading, "")
    return f"{reading}.{caution}" if caution else reading


def _full(build: Build, top: float) -> float:
    """The value that fills a bar: the end of a bounded scale, else the largest shown."""
    return 100.0 if build.method.methode.bounded else top


def _share(value: float, full: float) -> float:
    """Length of a bar, from 0 to 100."""
    return round(float(np.clip(100 * value / full, 0, 100)), 1) if full > 0 else 0.0


def _epci(build: Build) -> list[dict[str, Any]]:
    """EPCI side by side, the most fragile first; those held in part come last, with a remark."""
    root, decimals = build.method.root, build.columns[build.method.root].decimales
    table = build.epci.sort_values([root, "code_epci"], ascending=[False, True])
    top = float(table[root].max()) if table[root].notna().any() else 0.0
    return [
        {
            "code": row["code_epci"],
            "nom": row["nom_epci"],
            "communes": written(row["communes_du_calcul"]),
            "population": written(row["population"]),
            "indice": written(row[root], decimals),
            "part": None if pd.isna(row[root]) else _share(row[root], _full(build, top)),
            "classe": _text(row.get("classe_libelle")),
            "personnes": written(row[PEOPLE]),
            "remarque": row["remarque"],
        }
        for row in table.to_dict("records")
    ]


# --- what the script reads ---------------------------------------------------------------------


def _data(build: Build, shown: Sequence[Theme], outlines: Plane, canvas: Canvas) -> dict[str, Any]:
    """Columns of the communes, of the EPCI and of the départements, and the words beside them."""
    epci = build.epci["code_epci"].tolist()
    whole = build.inputs.territory.departements
    held = sorted(set(build.communes["code_departement"]) & set(whole))
    notes, noted = _notes(build)
    readings = list(dict.fromkeys(build.communes.get("lecture", pd.Series(dtype=str)).dropna()))
    return {
        "themes": [_theme_data(build, theme) for theme in shown],
        "bornee": build.method.methode.bounded,
        "indicateurs": [
            _figure(build, code, one) | {"compte": code in build.result.scores.scored}
            for code, one in build.method.indicateurs.items()
        ],
        "contexte": [_figure(build, code, one) for code, one in build.method.contexte.items()],
        "effectifs": [_figure(build, code, one) for code, one in build.method.effectifs.items()],
        "lectures": [{"libelle": name, "suite": f".{CAUTIONS.get(name, '')}"} for name in readings],
        "notes": notes,
        "presque_rien": share(LEAST_SHARE),
        "communes": {
            "code": build.communes["code_insee"].tolist(),
            "nom": build.communes["nom"].tolist(),
            "epci": places_in(build.communes["code_epci"], epci),
            "departement": places_in(build.communes["code_departement"], held),
            "centre": canvas.centres(outlines.contours),
            "lecture": places_in(build.communes["lecture"], readings) if readings else [],
            "notes": noted,
            "valeurs": _commune_values(build),
        },
        "epci": {
            "code": epci,
            "libelle": build.columns["nom_epci"].libelle,
            "nom": build.epci["nom_epci"].tolist(),
            "departement": _own_departement(build, epci, held),
            "classe": classed(shown[0], build.epci[build.method.root]),
            "remarque": build.epci["remarque"].tolist(),
            "valeurs": _epci_values(build),
        },
        "departements": {
            "code": held,
            "nom": [departements()[code].nom for code in held],
            "valeurs": _group_values(build, build.result_departement, pd.Index(held)),
        },
        "rang_sur": int(build.communes[build.method.root].notna().sum()),
        "anciennes": _former(build),
    }


def _own_departement(build: Build, epci: Sequence[str], held: Sequence[str]) -> list[int | None]:
    """The département of each EPCI, None for one that is across several."""
    homes = build.communes.groupby("code_epci")["code_departement"].unique()
    alone = homes[homes.map(len) == 1].map(lambda codes: codes[0])
    return places_in(alone.reindex(pd.Index(epci)), held)


def _theme_data(build: Build, theme: Theme) -> dict[str, Any]:
    values = build.communes[theme.colonne]
    known = values.dropna()
    return {
        "code": theme.code,
        "colonne": theme.colonne,
        "libelle": theme.libelle,
        "suffixe": figure_suffix(theme.unite) if theme.is_quantity else "",
        "places": classed(theme, values) if theme.bornes else [],
        "classes": list(theme.libelles),
        "couleurs": list(theme.couleurs),
        "rayon": _radius_factor(values) if theme.is_quantity else 0,
        "plein": 0.0 if known.empty else _full(build, float(known.max())),
        "manque": MISSING,
    }


def classed(theme: Theme, values: pd.Series) -> list[int | None]:
    """Class of each value from 0, decided on every decimal."""
    return [None if pd.isna(place) else int(place) - 1 for place in theme.classes(values)]


def figure_suffix(unit: str) -> str:
    """What follows a value: `` %``, `` personnes``, with a space that does not break."""
    return quantity(0, 0, unit).removeprefix("0").replace(" ", "\u00a0", 1)


def _figure(build: Build, code: str, figure: Grandeur) -> dict[str, Any]:
    """Words of an indicator, of the context or of a headcount."""
    found = build.result.figures[code]
    return {
        "code": code,
        "libelle": figure.libelle,
        "suffixe": figure_suffix(figure.unite),
        "millesime": readable(found.millesime or ""),
        "france": _national(figure, found.millesime),
    }


def _national(figure: Grandeur, vintage: str | None) -> str:
    """The value of France, with its year where it is another one."""
    reference = figure.france
    if reference is None:
        return ""
    shown = quantity(reference.valeur, figure.decimales, figure.unite)
    return shown + other_year(reference.millesime, vintage)


def places_in(values: pd.Series, names: Sequence[str]) -> list[int | None]:
    """Where each value stands in a list, None if it is not there."""
    where = {name: place for place, name in enumerate(names)}
    return [None if pd.isna(value) else where.get(value) for value in values]


def scaled(values: Iterable[Any], decimals: int) -> dict[str, Any] | None:
    """A column as whole numbers, rounded as :func:`fragilite.french.number` does; None if empty.

    Examples
    --------
    >>> scaled([63.62, float("nan"), 2.0], 1)
    {'d': 1, 'v': [636, None, 20]}
    """
    whole = [
        None if pd.isna(value) else int(f"{float(value):.{decimals}f}".replace(".", ""))
        for value in values
    ]
    return {"d": decimals, "v": whole} if any(value is not None for value in whole) else None


def _kept(columns: Mapping[str, dict[str, Any] | None]) -> dict[str, dict[str, Any]]:
    return {name: column for name, column in columns.items() if column is not None}


def _commune_values(build: Build) -> dict[str, dict[str, Any]]:
    table, method = build.communes, build.method
    names = ["population", *(method.column(node) for node in method.descending())]
    names += ["rang", PEOPLE, "rang_volume", "part_cumulee_personnes", *method.figures]
    names += [f"{code}_lisse" for code, one in method.indicateurs.items() if one.lissage]
    names += ["rang_min_90", "rang_max_90"] if build.uncertainty else []
    columns = {name: scaled(table[name], build.columns[name].decimales) for name in names}
    columns["poids_observe"] = scaled(100 * table["completude"], 0)
    if build.uncertainty:
        columns["fois_donnees"] = scaled(100 * table["proba_premier_cinquieme"], TIMES)
        columns["fois_choix"] = scaled(100 * table["part_scenarios_premier_cinquieme"], TIMES)
    columns["part_personnes"] = scaled(100 * table[PEOPLE] / table[PEOPLE].sum(), 1)
    return _kept(columns | _contributions(build) | _ranks(build))


def _contributions(build: Build) -> dict[str, dict[str, Any] | None]:
    """Contributions, rounded so that those shown add up to the index shown."""
    scores = build.result.scores
    codes = list(scores.scored)
    counted = scores.indicateurs[codes].notna().to_numpy()
    parts = scores.contributions[codes].to_numpy(dtype=float)
    index = build.communes[build.method.root].to_numpy(dtype=float)
    shown = np.full(parts.shape, np.nan)
    for row in np.flatnonzero(~np.isnan(index)):
        here = counted[row]
        if not np.isnan(parts[row, here]).any():
            shown[row, here] = rounded_parts(parts[row, here].tolist(), total=float(index[row]))
    return {f"{code}_contribution": scaled(shown[:, at], 1) for at, code in enumerate(codes)}


def _ranks(build: Build) -> dict[str, dict[str, Any] | None]:
    """Places of each commune in its EPCI, in its département if there are several, in France."""
    table, root = build.communes, build.method.root
    columns = {
        "rang_epci": scaled(build.places_in_epci["rang"], 0),
        "sur_epci": scaled(build.places_in_epci["sur"], 0),
    }
    if len(build.inputs.territory.departements) > 1:
        groups = table.groupby("code_departement")[root]
        columns["rang_departement"] = scaled(groups.transform(scoring.rank), 0)
        counts = groups.transform("count").where(table[root].notna())
        columns["sur_departement"] = scaled(counts, 0)
    if france().compares(build.method, build.result.scores.scored):
        places = [france().place(root, float(value)) for value in table[root]]
        columns["place_france"] = scaled([np.nan if p is None else p for p in places], 0)
    return columns


def _epci_values(build: Build) -> dict[str, dict[str, Any]]:
    own = build.epci.set_index("code_epci")
    names = ["population", PEOPLE, "communes", "communes_du_calcul"]
    columns = {name: scaled(own[name], build.columns[name].decimales) for name in names}
    columns |= {name: scaled(own[name], 0) for name in ("rang", "rang_sur")}
    return _kept(columns) | _group_values(build, build.result_epci, own.index)


def _group_values(build: Build, result: Any, index: pd.Index) -> dict[str, dict[str, Any]]:
    """Scores and shares of groups of communes; a count of theirs says nothing of one of them."""
    method = build.method
    columns = {
        method.column(node): scaled(result.scores.noeuds[node].reindex(index), 1)
        for node in method.descending()
    }
    shares = {
        code: one for code, one in method.figures.items() if isinstance(one.calcul, Part | Moyenne)
    }
    columns |= {
        code: scaled(result.figures[code].values.reindex(index), one.decimales)
        for code, one in shares.items()
    }
    return _kept(columns)


def _notes(build: Build) -> tuple[list[str], list[list[int]]]:
    """What is missing, estimated or thin for each commune: texts once, and which each has."""
    texts: dict[str, int] = {}
    noted: dict[str, list[int]] = {code: [] for code in build.communes["code_insee"]}

    def say(codes: Iterable[str], lines: Iterable[str]) -> None:
        for code, line in zip(codes, lines, strict=True):
            noted[code].append(texts.setdefault(line, len(texts)))

    for name in build.result.scores.scored:
        figure, label = build.result.figures[name], build.method.indicateurs[name].libelle
        points = build.result.scores.indicateurs[name]
        absent = figure.statuts[points.isna() & (figure.statuts > Statut.ESTIME)]
        say(absent.index, [missing_note(label, Statut(one)) for one in absent])
        rules = figure.regles[(figure.statuts == Statut.ESTIME) & points.notna()]
        say(rules.index, [estimated_note(label, rule) for rule in rules])
        if figure.lissage is not None:
            thin = figure.lissage.poids[points.notna()]
            thin = thin[thin < SURE]
            say(thin.index, [smoothed_note(label, weight) for weight in thin])
    weights = build.communes.set_index("code_insee")["completude"]
    ranked = build.communes[build.method.root].notna().to_numpy()
    partly = weights[ranked & (weights < 1)]
    say(partly.index, [partial_note(weight) for weight in partly])
    return list(texts), list(noted.values())


def _former(build: Build) -> list[list[Any]]:
    """Names of delegated and former communes, with where they are today."""
    where = {code: place for place, code in enumerate(build.communes["code_insee"])}
    names = build.communes["nom"].tolist()
    former = build.inputs.anciennes
    return [
        [name, code, where[now]]
        for name, code, now in zip(
            former["nom"], former["code_ancien"], former["code_insee"], strict=True
        )
        if name != names[where[now]]
    ]
