"""What `fragilite project` says: :func:`facts` gathers it, :func:`render` writes it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd

from fragilite.french import aligned, lower_first, number, paragraph, plural, quantity, upper_first
from fragilite.projection.scenario import AGE, GENERATION, Scenario, suppositions

#: EPCI that a terminal shows; the files hold them all.
SHOWN_EPCI = 30
WIDTH = 30
NO_VOLUME = "Personnes à accompagner : la méthode ne les compte pas, ou il manque des âges."
#: Communes of passage that are named.
NAMED = 10
#: Under five-year bands, the first age of the people is well known; wider ones are said.
WIDE = 5


def facts(found: Scenario) -> dict[str, Any]:
    """Facts of a scenario, ready for JSON."""
    header, declared = found.build.method.methode, suppositions()
    groups = found.groupes.drop(columns=["avertissement", "remarque"])
    return _head(found) | {
        "territoire": found.build.inputs.territory.libelle,
        "methode": f"{header.code} {header.version}",
        "groupes": _records(groups),
        "ensemble": _whole(found),
        "communes_de_passage": list(found.communes.loc[found.communes["remarque"] != "", "nom"]),
        "suppose": [
            declared.mortalite.raison,
            declared.naissances.raison,
            declared.migrations.raison,
            declared.etendue.raison,
            *_wide(found),
        ],
        "reference": declared.mortalite.reference,
    }


def commune_facts(found: Scenario, code: str) -> dict[str, Any]:
    """Facts of one commune, ready for JSON."""
    rows = found.communes[found.communes["code_insee"] == code]
    (one,) = _records(rows.drop(columns="avertissement"))
    return _head(found) | {"commune": one}


def _head(found: Scenario) -> dict[str, Any]:
    """What every output repeats: what this is not, and what it supposes."""
    declared = suppositions()
    return {
        "avertissement": declared.avertissement,
        "depart": found.depart,
        "annee": found.annee,
        "indicateurs": [
            {
                "code": code,
                "libelle": found.build.method.indicateurs[code].libelle,
                "decimales": found.build.method.indicateurs[code].decimales,
            }
            for code in found.parts
        ],
        "hypotheses": [one.model_dump() for one in declared.hypotheses],
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.astype(object).to_dict("records")
    ]


def _whole(found: Scenario) -> dict[str, Any]:
    """Sums over the communes: a territory may be neither an EPCI nor a département."""
    columns = [name for name in found.communes if str(name).startswith("personnes_")]
    sums = found.communes[columns].sum(skipna=False)
    both = sums[[f"personnes_{AGE}", f"personnes_{GENERATION}"]]
    sums["personnes_min"], sums["personnes_max"] = both.min(), both.max()
    return {str(key): None if pd.isna(value) else float(value) for key, value in sums.items()}


def _wide(found: Scenario) -> list[str]:
    """What age bands wider than five years leave out."""
    starts = found.tranches
    widest = max(after - before for before, after in pairwise(starts))
    if widest <= WIDE:
        return []
    return [f"{suppositions().ages.raison} Ici, des tranches vont jusqu'à {widest} ans de large."]


# --- writing ---------------------------------------------------------------------------------


def render(found: dict[str, Any]) -> str:
    """Write the facts of a territory as French text."""
    blocks = [
        [f"Scénario {found['annee']} — {found['territoire']}", paragraph(found["avertissement"])],
        _hypotheses(found),
        _sentences(found["territoire"], found["ensemble"] | _shares(found), found),
        _epci(found),
        ["Ce qu'il suppose", *(paragraph(text, "  ") for text in found["suppose"])],
        _passing(found),
        [paragraph(f"Mortalité : {found['reference']}.")],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def render_commune(found: dict[str, Any]) -> str:
    """Write the facts of a commune as French text."""
    one = found["commune"]
    blocks = [
        [
            f"Scénario {found['annee']} — {one['code_insee']} {one['nom']}",
            paragraph(found["avertissement"]),
        ],
        _hypotheses(found),
        _sentences(one["nom"], one, found),
        [paragraph(f"À savoir : {one['remarque']}.")] if one["remarque"] else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _shares(found: dict[str, Any]) -> dict[str, Any]:
    """Shares of the only département, or EPCI, of a territory: those of several do not add up."""
    groups = found["groupes"]
    rows = [row for row in groups if row["niveau"] == "departement"] or groups
    if len(rows) != 1:
        return {}
    names = [one["code"] for one in found["indicateurs"]]
    return {key: rows[0][key] for name in names for key in (name, f"{name}_depart")}


def _hypotheses(found: dict[str, Any]) -> list[str]:
    said = [
        f"{upper_first(one['libelle'])} : {lower_first(one['raison'])}"
        for one in found["hypotheses"]
    ]
    title = "Deux hypothèses, et ce qui tient entre elles"
    return [title, *(paragraph(text, "  ") for text in said)]


def _sentences(name: str, row: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """One place, in words: its shares, then the people, as a range."""
    depart, annee = found["depart"], found["annee"]
    lines = [name]
    for one in found["indicateurs"]:
        then, later = row.get(f"{one['code']}_depart"), row.get(one["code"])
        if then is not None and later is not None:
            text = (
                f"{one['libelle']} : {quantity(then, one['decimales'], '%')} en {depart}, "
                f"{quantity(later, one['decimales'], '%')} en {annee} par le seul vieillissement, "
                "sous les deux hypothèses."
            )
            lines.append(paragraph(text, "  "))
    if row["personnes_min"] is None:
        return [*lines, paragraph(NO_VOLUME, "  ")]
    low, high = rough(row["personnes_min"]), rough(row["personnes_max"])
    age, generation = rough(row[f"personnes_{AGE}"]), rough(row[f"personnes_{GENERATION}"])
    text = (
        f"Personnes à accompagner : environ {rough(row['personnes_depart'])} en {depart} ; en "
        f"{annee}, entre {low} et {high}, soit {age} si le taux reste attaché à l'âge, "
        f"{generation} s'il suit la génération."
    )
    return [*lines, paragraph(text, "  ")]


def _epci(found: dict[str, Any]) -> list[str]:
    """A line for each EPCI held whole."""
    rows = [row for row in found["groupes"] if row["niveau"] == "epci"]
    if len(found["groupes"]) < 2 or not rows:
        return []
    shown = sorted(rows, key=lambda row: -(row["personnes_depart"] or 0))[:SHOWN_EPCI]
    shares, years = found["indicateurs"][:1], (str(found["depart"]), str(found["annee"]))
    header = ["EPCI", *(year for _ in shares for year in years), f"{years[0]} ", "de", "à"]
    title = "".join(f"{one['libelle']} en {years[0]} et en {years[1]} ; " for one in shares)
    title = f"Par EPCI. {title}personnes à accompagner en {years[0]}, puis de… à… en {years[1]}."
    cells = [
        [
            row["nom"] if len(row["nom"]) <= WIDTH else f"{row['nom'][: WIDTH - 1]}…",
            *(
                _shown(row[key], one["decimales"], " %")
                for one in shares
                for key in (f"{one['code']}_depart", one["code"])
            ),
            *(
                "–" if row[key] is None else rough(row[key])
                for key in ("personnes_depart", "personnes_min", "personnes_max")
            ),
        ]
        for row in shown
    ]
    more = len(rows) - len(shown)
    lines = [paragraph(title), *aligned(header, cells, {"EPCI"})]
    return lines + ([f"  et {plural(more, 'autre')}, dans le fichier de -o."] if more else [])


def rough(value: float) -> str:
    r"""A number of people to three figures: a scenario has no more.

    Examples
    --------
    >>> rough(65_378.2), rough(437.6), rough(12.3)
    ('65\u202f400', '438', '12')
    """
    whole = round(value)
    return number(round(whole, 3 - len(str(whole))) if whole >= 1000 else whole)


def _shown(value: float | None, decimals: int = 0, unit: str = "") -> str:
    return "–" if value is None else f"{number(value, decimals)}{unit}"


def _passing(found: dict[str, Any]) -> list[str]:
    """Communes where the scenario says little."""
    names, rule = found["communes_de_passage"], suppositions().passage
    if not names:
        return []
    shown = ", ".join(names[:10]) + (
        f" et {plural(len(names) - 10, 'autre')}" if names[10:] else ""
    )
    return [paragraph(f"Communes où l'on passe : {shown}. {rule.raison}")]
