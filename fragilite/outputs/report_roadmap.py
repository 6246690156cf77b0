"""The roadmap on the page: scenarios side by side, a map of their sectors, a word in each sheet.

Sentences are those of :mod:`fragilite.roadmap.wording`, labels and units those of the dictionary of
the roadmap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fragilite.cartography import MISSING, Plane, dissolved
from fragilite.french import lower_first, plural, upper_first
from fragilite.outputs.drawing import Canvas
from fragilite.outputs.report_facts import scaled, written
from fragilite.outputs.sector_map import SHARE, bases, reserved, shared_sectors
from fragilite.roadmap import tables
from fragilite.roadmap.study import Outcome, Study
from fragilite.roadmap.wording import (
    CAUTION,
    CHARGE,
    PLANS,
    POSTS,
    against,
    places_said,
    rules_said,
    worth,
)
from fragilite.sector_colours import colours, tint

#: Columns of a post that two scenarios side by side have room for.
SHOWN = ("communes", "personnes", "charge", "distance_moyenne", "lieux", "stabilite")
#: What a sheet says of a sector: columns of the table of communes.
HOST = "nom_recue_a"
SHEET = ("part", "distance", "demi_journees", HOST, "stabilite")


def gather(study: Study, outlines: Plane, canvas: Canvas) -> dict[str, Any]:
    """Facts of the section « Feuille de route ».

    Parameters
    ----------
    study : Study
    outlines : Plane
    canvas : Canvas
    """
    return {
        "prudence": CAUTION,
        "charge": CHARGE,
        "scenarios": [_scenario(one) for one in study.scenarios],
        "cartes": [_map(study, one, outlines, canvas) for one in study.scenarios],
        "plans": _plans(study),
        "notes": [*study.notes, *places_said(study.known.listes)],
        "cycle": _cycle(study),
        "colonnes": _explained(study),
    }


def _scenario(outcome: Outcome) -> dict[str, Any]:
    said = outcome.scenario
    return {
        "code": said.code,
        "libelle": said.libelle,
        "description": said.description,
        "raison": said.priorite.raison if said.priorite else "",
        "regles": rules_said(said),
        "vaut": worth(outcome),
        "face": against(outcome),
        "messages": outcome.messages,
        "postes": _posts(outcome),
    }


def _posts(outcome: Outcome) -> dict[str, Any]:
    """A row a post: its sector and base first, then figures."""
    records = tables.columns(outcome.unit)
    return {
        "entetes": _headers(SHOWN, POSTS, outcome.unit),
        "lignes": [
            {
                "code": row["code_base"],
                "secteur": tables.sector_name(row["secteur"], row["nom_base"]),
                "cellules": [written(row[name], records[name].decimales) for name in SHOWN],
            }
            for row in outcome.postes.to_dict("records")
        ],
    }


def _headers(names: Sequence[str], shorts: Mapping[str, str], unit: str) -> list[dict[str, str]]:
    records = tables.columns(unit)
    return [
        {
            "court": upper_first(shorts[name].format(unit=unit)),
            "libelle": f"{records[name].libelle} ({records[name].unite})",
        }
        for name in names
    ]


def _plans(study: Study) -> dict[str, Any]:
    """Each plan beside the naive one and today's places."""
    unit = study.scenarios[0].unit
    names = [name for name in PLANS if name != "plan"]
    records = tables.columns(unit)
    return {
        "entetes": [
            f"{records[name].libelle} ({unit})"
            if records[name].unite == unit
            else records[name].libelle
            for name in names
        ],
        "groupes": [
            {
                "libelle": one.scenario.libelle,
                "lignes": [
                    {
                        "plan": "Cette proposition" if place == 0 else row["plan"],
                        "cellules": [written(row[name], records[name].decimales) for name in names],
                    }
                    for place, row in enumerate(one.plans.to_dict("records"))
                ],
            }
            for one in study.scenarios
        ],
    }


def _cycle(study: Study) -> str:
    """How long a cycle is."""
    calendar = study.scenarios[0].passages.calendrier
    weeks = int(calendar["semaine"].max())
    halves = len(calendar[calendar["secteur"] == calendar["secteur"].iloc[0]])
    return f"Un cycle : {plural(weeks, 'semaine')}, {plural(halves, 'demi-journée')} par poste."


def _explained(study: Study) -> list[dict[str, str]]:
    """What each column says."""
    records = tables.columns(study.scenarios[0].unit)
    return [
        {"libelle": records[name].libelle, "unite": records[name].unite,
         "texte": records[name].description}
        for name in dict.fromkeys((*SHOWN, *PLANS, *SHEET))
    ]  # fmt: skip


# --- the map -----------------------------------------------------------------------------------


def _map(study: Study, outcome: Outcome, outlines: Plane, canvas: Canvas) -> dict[str, Any]:
    """A choice of the map: sectors, borders, bases, communes that posts are reserved to."""
    colour, places = colours(outcome), _places(outlines, canvas)
    sectors = shared_sectors(outcome).reindex(outlines.contours.index)
    borders = dissolved(outlines.contours, sectors.map(str, na_action="ignore"))
    own = {code: sector for sector, code in reserved(outcome).items()}
    whole = set(outcome.communes.loc[outcome.communes["poste_entier"], "secteur"].tolist())
    return {
        "court": f"Secteurs : {outcome.scenario.libelle}",
        "secteurs": [
            {
                "couleur": tint(colour[row["secteur"]], SHARE),
                "rayures": _stripes(outcome, own[row["code_base"]])
                if row["secteur"] in whole
                else "",
                "libelle": tables.sector_name(row["secteur"], row["nom_base"]),
                "detail": _load(row, alone=row["secteur"] in whole),
            }
            for row in outcome.postes.to_dict("records")
        ],
        "bords": [path for path in canvas.paths(borders) if path],
        "reserves": [
            {
                "motif": _stripes(outcome, sector),
                "couleur": colour[sector],
                "chemin": canvas.paths(outlines.contours[[code]])[0],
            }
            for code, sector in own.items()
        ],
        "bases": [
            {"centre": centre, "numeros": row["numeros"]}
            for row in bases(outcome).to_dict("records")
            if (centre := places.get(row["code_base"]))
        ],
    }


def _places(outlines: Plane, canvas: Canvas) -> dict[str, tuple[int, int] | None]:
    """Where each commune is in the drawing."""
    return dict(zip(outlines.contours.index, canvas.centres(outlines.contours), strict=True))


def _stripes(outcome: Outcome, sector: int) -> str:
    """Name of the pattern of a post reserved to a commune."""
    return f"rayures-{outcome.scenario.code.replace('.', '-')}-{sector}"


def _load(row: Mapping[Any, Any], *, alone: bool) -> str:
    records = tables.columns()
    said = [
        f"charge {written(row['charge'], records['charge'].decimales)}",
        plural(round(row["personnes"]), "personne"),
        plural(row["communes"], "commune"),
    ]
    return ", ".join([*said, lower_first(records["poste_entier"].libelle)] if alone else said)


def themes(study: Study) -> list[dict[str, Any]]:
    """Choices of the map, as the script reads them: a distance, in the class of a sector."""
    found = []
    for one in study.scenarios:
        colour, sectors = colours(one), one.postes["secteur"].tolist()
        here = shared_sectors(one).reindex(study.build.communes["code_insee"])
        found.append(
            {
                "code": f"secteurs_{one.scenario.code}",
                "colonne": f"distance_{one.scenario.code}",
                "libelle": one.scenario.libelle,
                "suffixe": f"\u00a0{one.unit} de sa base",
                "places": [None if pd.isna(at) else sectors.index(at) for at in here],
                "classes": _sector_names(one),
                "couleurs": [tint(colour[sector], SHARE) for sector in sectors],
                "rayon": None,  # neither circles nor a node of the tree
                "plein": 0.0,
                "manque": MISSING,
            }
        )
    return found


def values(study: Study) -> dict[str, dict[str, Any]]:
    """Distance of each commune to its base, a column a scenario."""
    decimals = tables.columns()["distance"].decimales
    codes = study.build.communes["code_insee"]
    columns = {}
    for one in study.scenarios:
        rows = one.communes[~one.communes["poste_entier"]].set_index("code_insee")
        columns[f"distance_{one.scenario.code}"] = scaled(rows["distance"].reindex(codes), decimals)
    return {name: column for name, column in columns.items() if column is not None}


def _sector_names(outcome: Outcome) -> list[str]:
    return [
        tables.sector_name(number_of, base)
        for number_of, base in zip(
            outcome.postes["secteur"], outcome.postes["nom_base"], strict=True
        )
    ]


# --- the sheets --------------------------------------------------------------------------------


def data(study: Study) -> dict[str, Any]:
    """What the sheet of each commune says of its sectors.

    Returns
    -------
    dict
        ``lignes``, labels and decimals; ``scenarios``, each with its label, the names of its
        sectors and, by commune, rows of ``[sector, post of its own, *values]``.
    """
    unit = study.scenarios[0].unit
    records, names = tables.columns(unit), _said(study)
    codes = study.build.communes["code_insee"].tolist()
    return {
        "secteur": records["secteur"].libelle,
        "reserve": records["poste_entier"].libelle,
        "lignes": [
            {
                "libelle": records[name].libelle,
                "suffixe": f"\u00a0{unit}" if name == "distance" else "",
                "decimales": records[name].decimales,
                "nom": name == HOST,
            }
            for name in names
        ],
        "scenarios": [
            {
                "libelle": one.scenario.libelle,
                "secteurs": _sector_names(one),
                "communes": _by_commune(one, codes, names),
            }
            for one in study.scenarios
        ],
    }


def _said(study: Study) -> list[str]:
    """Columns of a sheet: no part where each commune is of one sector."""
    shared = any((one.communes["part"] < 1).any() for one in study.scenarios)
    return [name for name in SHEET if shared or name != "part"]


def _by_commune(
    outcome: Outcome, codes: Sequence[str], names: Sequence[str]
) -> list[list[list[Any]]]:
    records = tables.columns(outcome.unit)
    places = {code: at for at, code in enumerate(codes)}
    sectors = outcome.postes["secteur"].tolist()
    found: dict[str, list[list[Any]]] = {}
    for row in outcome.communes.to_dict("records"):
        values = [
            places[row["recue_a"]] if name == HOST else _rounded(row[name], records[name].decimales)
            for name in names
        ]  # fmt: skip
        cells = [sectors.index(row["secteur"]), int(row["poste_entier"]), *values]
        found.setdefault(row["code_insee"], []).append(cells)
    return [found.get(code, []) for code in codes]


def _rounded(value: Any, decimals: int) -> float | int | None:
    if pd.isna(value):
        return None
    return round(float(value), decimals) if decimals else int(value)
