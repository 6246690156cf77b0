"""What `fragilite robustness` says: both analyses on a territory, and their declared variants."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fragilite.certainty import analyse
from fragilite.french import aligned, listing, number, paragraph, plural
from fragilite.method import Incertitude, varied
from fragilite.pipeline import Build
from fragilite.robustness import LEAST, LECTURES, Uncertainty
from fragilite.summary import MODELES

#: Variants tried beside the settings asked for: what each is, table, key, value.
VARIANTES: tuple[tuple[str, str, str, Any], ...] = (
    ("sondage seul", "donnees", "modele", "sondage"),
    ("effet de plan 1", "donnees", "effet_plan", 1.0),
    ("effet de plan 2", "donnees", "effet_plan", 2.0),
    ("concentration des poids 10", "methode", "concentration", 10.0),
    ("concentration des poids 100", "methode", "concentration", 100.0),
)
#: Communes named under a reading: more no longer help.
NAMED = 30


def stability(build: Build, rules: Incertitude, found: Uncertainty) -> dict[str, Any]:
    """Facts of both analyses and of their variants, ready for JSON.

    Parameters
    ----------
    build : Build
    rules : Incertitude
        Settings that were drawn with.
    found : Uncertainty
        What :func:`analyse` gave with them.
    """
    header, table = build.method.methode, found.territoires
    variants = [("réglages demandés", found)]
    variants += [
        (name, analyse(build, varied(rules, {part: {key: value}})))
        for name, part, key, value in VARIANTES
        if getattr(getattr(rules, part), key) != value
    ]
    return {
        "territoire": build.inputs.territory.libelle,
        "methode": f"{header.code} {header.version}",
        "reglages": rules.model_dump(),
        "communes_classees": int(table["part_scenarios_premier_cinquieme"].notna().sum()),
        "donnees": _spread(table["proba_premier_cinquieme"])
        | {"largeur_mediane": _width_of(table)},
        "choix_de_methode": _spread(table["part_scenarios_premier_cinquieme"])
        | {"deplacement_moyen": _number(found.methode.tirages["deplacement"].mean())},
        "tirees": {
            key: sorted(name or "celle de la méthode" for name in set(found.methode.tirages[key]))
            for key in ("normalisation", "agregation")
        },
        "lectures": {name: _named(build, table, name) for name in LECTURES},
        "variantes": [{"variante": name} | _counts(one) for name, one in variants],
        "remarques": found.remarques,
    }


def _width_of(table: pd.DataFrame) -> float | None:
    """Median number of places that an interval at 90 % covers, both ends counted."""
    return _number((table["rang_max_90"] - table["rang_min_90"] + 1).median())


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _spread(shares: pd.Series) -> dict[str, int]:
    """Communes always, often, seldom and never in the first fifth."""
    return {
        "toujours": int((shares >= 1).sum()),
        "plus_d_une_fois_sur_deux": int(((shares >= 0.5) & (shares < 1)).sum()),
        "moins_d_une_fois_sur_deux": int(((shares > 0) & (shares < 0.5)).sum()),
        "jamais": int((shares == 0).sum()),
    }


def _counts(found: Uncertainty) -> dict[str, Any]:
    table = found.territoires
    counts = table["lecture"].value_counts()
    return {name: int(counts.get(name, 0)) for name in LECTURES} | {
        "largeur_mediane": _width_of(table),
        "deplacement_moyen": _number(found.methode.tirages["deplacement"].mean()),
    }


def _named(build: Build, table: pd.DataFrame, reading: str) -> list[dict[str, str]]:
    rows = build.communes[(table["lecture"] == reading).to_numpy()].sort_values("rang")
    return [
        {"code_insee": code, "nom": name} for code, name in rows[["code_insee", "nom"]].to_numpy()
    ]


def communes_table(build: Build, found: Uncertainty) -> pd.DataFrame:
    """One row per commune: its index, its rank, and what the analyses say of it."""
    shown = ["code_insee", "nom", build.method.root, "rang"]
    table = build.communes[shown].set_index("code_insee")
    return table.join(found.territoires).reset_index()


def render(facts: dict[str, Any]) -> str:
    """Write the facts as French text."""
    rules = facts["reglages"]
    data, choices = rules["donnees"], rules["methode"]
    draws = number(rules["tirages"])
    blocks = [
        [
            f"À quel point les rangs sont-ils sûrs ? — {facts['territoire']}",
            f"Méthode {facts['methode']} ; "
            f"{plural(facts['communes_classees'], 'commune classée', 'communes classées')} ; "
            f"{draws} tirages par analyse, graine {rules['graine']}.",
        ],
        [
            "1. Le bruit des données, méthode inchangée",
            paragraph(
                f"Modèle : {MODELES[data['modele']]} ; effet de plan "
                f"{number(data['effet_plan'], 1)} (hypothèse). {_width(facts)}",
                "  ",
            ),
            *_fifth(facts, "donnees", "des tirages"),
        ],
        [
            "2. Les choix de méthode, données inchangées",
            paragraph(
                f"Poids tirés autour des poids déclarés (concentration "
                f"{number(choices['concentration'])}) ; mise en points : "
                f"{listing(facts['tirees']['normalisation'])} ; moyenne : "
                f"{listing(facts['tirees']['agregation'])} ; un indicateur laissé de côté dans "
                f"{number(100 * choices['part_retrait'])} % des scénarios. {_shift(facts)}",
                "  ",
            ),
            *_fifth(facts, "choix_de_methode", "des scénarios"),
        ],
        ["3. Ce que les deux laissent dire", *_readings(facts)],
        ["4. Et avec d'autres réglages ?", *_variants(facts)],
        [paragraph(line) for line in facts["remarques"]],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _width(facts: dict[str, Any]) -> str:
    width = facts["donnees"]["largeur_mediane"]
    if width is None:
        return ""
    return (
        f"Pour une commune sur deux, l'intervalle à 90 % couvre au plus {number(width, 1)} places."
    ).replace(",0 places", " places")


def _shift(facts: dict[str, Any]) -> str:
    shift = facts["choix_de_methode"]["deplacement_moyen"]
    if shift is None:
        return ""
    noun = "place" if shift < 2 else "places"
    return f"Un rang s'y déplace en moyenne de {number(shift, 1)} {noun}."


def _fifth(facts: dict[str, Any], key: str, of: str) -> list[str]:
    """How often communes are in the first fifth, where a fifth has a meaning."""
    if facts["communes_classees"] < LEAST:
        return []
    counts = facts[key]
    text = (
        f"Dans le cinquième le plus fragile : {plural(counts['toujours'], 'commune')} dans tous "
        f"les cas, {number(counts['plus_d_une_fois_sur_deux'])} dans plus de la moitié {of}, "
        f"{number(counts['moins_d_une_fois_sur_deux'])} dans moins de la moitié, "
        f"{number(counts['jamais'])} jamais."
    )
    return [paragraph(text, "  ")]


def _readings(facts: dict[str, Any]) -> list[str]:
    lines = []
    for reading, communes in facts["lectures"].items():
        names = [one["nom"] for one in communes]
        text = f"« {reading} » : {plural(len(names), 'commune')}"
        if 0 < len(names) <= NAMED:
            text += f" ({listing(names)})"
        lines.append(paragraph(f"{text}.", "  "))
    return [
        *lines,
        paragraph(
            "« Pas de signal » : rien dans les données ouvertes ne la place parmi les plus "
            "fragiles. Cela ne dit pas que personne n'y a besoin d'aide.",
            "  ",
        ),
    ]


def _variants(facts: dict[str, Any]) -> list[str]:
    rows = [
        [
            one["variante"],
            *(number(one[name]) for name in LECTURES),
            _shown(one["largeur_mediane"], 0),
            _shown(one["deplacement_moyen"], 1),
        ]
        for one in facts["variantes"]
    ]
    header = ["réglages", "net", "probable", "pas de signal", "à confirmer", "largeur", "écart"]
    notes = (
        "Communes par lecture ; « largeur » : places que couvre un intervalle de rang à 90 %, en "
        "médiane (bruit des données) ; « écart » : places dont un rang se déplace en moyenne "
        "(choix de méthode)."
    )
    return [*aligned(header, rows, {"réglages"}), paragraph(notes, "  ")]


def _shown(value: float | None, decimals: int) -> str:
    return "–" if value is None else number(value, decimals)
