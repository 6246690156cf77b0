"""What a build says in a few lines: :func:`summary` gathers it, :func:`render` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fragilite.dictionary import scale
from fragilite.french import aligned, listing, number, paragraph, plural
from fragilite.indicators import is_old
from fragilite.method import DEFAULT, Method, load_method
from fragilite.pipeline import Build, class_warnings
from fragilite.provenance import provenance
from fragilite.robustness import LECTURES
from fragilite.table import Statut

MOST_FRAGILE = 10
MOST_PEOPLE = 5
#: Nodes of the tree that fit in a line: the root and those nearest to it.
SHOWN_NODES = 6
#: The models of the noise of the data, in a reader's words.
MODELES = {
    "superpopulation": "sondage et instabilité des petits effectifs",
    "sondage": "sondage seul",
}
#: Why there are two columns to read, never one.
TWO_READINGS = (
    "Ce sont deux lectures : l'indice dit où la fragilité est intense, le volume où sont les "
    "personnes."
)
#: Columns of text in the tables.
TEXTS = {"commune", "classe", "lecture"}
#: Above this many communes, a list of names no longer helps: their number is given.
NAMED = 5


def summary(
    build: Build,
    files: Sequence[Path] = (),
    stale: Sequence[Path] = (),
    replaced: str = "",
) -> dict[str, Any]:
    """Facts of a build, ready for JSON.

    Parameters
    ----------
    files, stale : sequences of Path
        Files written, and those of an earlier build left beside them.
    replaced : str
        Method whose results they replaced, ``""`` if it is the same or there were none.
    """
    table, method, origin = build.communes, build.method, provenance(build)
    nodes = [method.column(node) for node in method.descending()]
    fragile = table.sort_values(["rang", "code_insee"]).head(MOST_FRAGILE)
    crowd = table.sort_values(["rang_volume", "code_insee"]).head(MOST_PEOPLE)
    shown = ["code_insee", "nom", "rang", *nodes, "personnes_a_accompagner"]
    volume = ["code_insee", "nom", "rang_volume", "personnes_a_accompagner"]
    volume += ["part_cumulee_personnes", method.root]
    if build.uncertainty:
        shown += ["rang_min_90", "rang_max_90", "lecture"]
    if "classe_libelle" in table:
        volume.append("classe_libelle")
    return {
        "territoire": {
            "code": build.inputs.territory.nom,
            "nom": build.inputs.territory.libelle,
            "annee": build.inputs.annee,
            "communes": len(table),
            "communes_avec_indice": int(table[nodes[0]].notna().sum()),
            "epci": len(build.epci),
            "epci_partiels": list(build.epci.loc[build.epci["remarque"] != "", "nom_epci"]),
            "population": _float(table["population"].sum()),
            "personnes_a_accompagner": _float(table["personnes_a_accompagner"].sum()),
        },
        "methode": origin["methode"],
        "plus_fragiles": _records(fragile[shown].dropna(subset=[nodes[0]])),
        "plus_de_personnes": _records(crowd[volume].dropna(subset=["personnes_a_accompagner"])),
        "dans_les_communes": _inside(build, crowd),
        "plus_fragiles_tiennent": _held(build),
        "certitude": certainty(build),
        "a_savoir": remarks(build)
        + _outline_remarks(build, files)
        + _zero_remarks(build.communes["code_insee"], files),
        "sources": [
            {key: source[key] for key in ("editeur", "titre", "millesime", "geographie", "licence")}
            | {"communes": _covered(build, source["source"], source["millesime"])}
            for source in origin["sources"]
        ],
        "fichiers": [str(path) for path in files],
        "fichiers_d_un_calcul_precedent": [str(path) for path in stale],
        "methode_remplacee": replaced,
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in table.astype(object).to_dict("records")
    ]


def _inside(build: Build, crowd: pd.DataFrame) -> list[dict[str, Any]]:
    """From where to where the IRIS go, in the communes listed that are split."""
    if build.iris is None:
        return []
    shown = ["code_insee", "nom", build.method.root, *build.iris.inside.columns]
    return _records(crowd.loc[crowd["iris_min"].notna(), shown])


def _float(value: Any) -> float:
    return float(value)


def certainty(build: Build) -> dict[str, Any] | None:
    """How sure the ranks are, in a few numbers; None where the analyses have not run."""
    rules, found = build.method.incertitude, build.uncertainty
    if found is None or rules is None:
        return None
    table = found.territoires
    counts = table["lecture"].value_counts()
    return {
        "tirages": rules.tirages,
        "graine": rules.graine,
        "modele": rules.donnees.modele,
        "communes_classees": int(build.communes["rang_sur"].max()),
        "lectures": {name: int(counts.get(name, 0)) for name in LECTURES},
        "remarques": found.remarques,
    }


def _held(build: Build) -> dict[str, Any] | None:
    """How many people live, and are to accompany, in the two most fragile classes."""
    table = build.communes
    if "classe" not in table or table["personnes_a_accompagner"].isna().all():
        return None
    classes = build.method.noeuds[build.method.root].classes
    assert classes is not None
    first = len(classes.libelles) - 1
    held = table[table["classe"] >= first]
    people = held["personnes_a_accompagner"].sum()
    return {
        "classes": classes.libelles[first - 1 :],
        "communes": len(held),
        "population": _float(held["population"].sum()),
        "personnes_a_accompagner": _float(people),
        "part_des_personnes": _float(100 * people / table["personnes_a_accompagner"].sum()),
    }


def remarks(build: Build) -> list[str]:
    """What is missing, estimated or too old, and what this build cannot be compared with."""
    method, names = build.method, build.communes.set_index("code_insee")["nom"]
    found = list(build.inputs.notes)
    for code, indicator in method.indicateurs.items():
        figure = build.result.figures[code]
        statuts = figure.statuts[names.index]
        label = indicator.libelle
        if figure.millesime is None:
            found.append(f"{label} : aucune donnée à portée, pas compté.")
            continue
        if code in build.withdrawn:
            limit = f"(plus de {number(method.age_max.valeur)} ans) " if method.age_max else ""
            found.append(
                f"{label} : données de {figure.millesime[:4]}, trop anciennes {limit}: "
                "montrées, pas comptées."
            )
            continue
        for status, word in (
            (Statut.ABSENT, "absent"),
            (Statut.SECRET, "secret"),
            (Statut.SANS_OBJET, "sans objet"),
        ):
            codes = statuts.index[statuts == status]
            if len(codes):
                note = _scope(build, code) if len(codes) > len(names) / 2 else ""
                found.append(f"{label} : {word} pour {_who(list(names[codes]))}.{note}")
        estimated = statuts == Statut.ESTIME
        if estimated.any():
            rule = figure.regles[names.index][estimated].mode().iloc[0]
            count = plural(int(estimated.sum()), "commune")
            found.append(f"{label} : estimé pour {count} ({rule}).")
    found += [
        f"{method.indicateurs[code].libelle} : la part comptée est lissée, rapprochée de celle de "
        f"l'EPCI ou du département quand peu de personnes la portent (colonne {code}_lisse)."
        for code in build.result.scores.scored
        if method.indicateurs[code].lissage
    ]
    without = build.communes[build.communes[method.root].isna()]
    if len(without):
        found.append(
            f"Pas d'indice pour {_who(list(without['nom']))} : moins de "
            f"{number(100 * method.completude_min.indice)} % du poids observé."
        )
    found += class_warnings(build) + _old_but_counted(build)
    partial = build.epci.loc[build.epci["remarque"] != "", ["nom_epci", "remarque"]]
    if len(partial) > NAMED:
        found.append(
            f"{plural(len(partial), 'EPCI', 'EPCI')} en partie dans le calcul, sans valeur."
        )
    else:
        found += [f"{nom} : {remark}, sans valeur." for nom, remark in partial.to_numpy()]
    return found


def old_counted(build: Build) -> dict[str, str]:
    """Year of the figures that count, though the default method would find them too old."""
    usual = load_method(DEFAULT)
    vintages = {code: build.result.figures[code].millesime for code in build.result.scores.scored}
    return {
        code: vintage[:4]
        for code, vintage in vintages.items()
        if vintage and is_old(vintage, build.inputs.annee, usual)
    }


def _old_but_counted(build: Build) -> list[str]:
    """What a method that has no oldest age counts all the same."""
    if build.method.age_max is not None:
        return []
    return [
        f"{build.method.indicateurs[code].libelle} : données de {year}, comptées : cette "
        "méthode n'a pas d'âge maximal."
        for code, year in old_counted(build).items()
    ]


def _scope(build: Build, code: str) -> str:
    """What the source says of its scope, where it leaves most of a territory out."""
    variables = build.method.indicateurs[code].calcul.variables
    table = build.inputs.newest(variables)
    lots = [lot for lot in build.inputs.lots if table and lot.source == table.source]
    notes = [lot.note for lot in lots if table and lot.millesime == table.millesime and lot.note]
    return f" {notes[0]}" if notes else ""


def _outline_remarks(build: Build, files: Sequence[Path]) -> list[str]:
    """Communes that are on no map, if a map was written."""
    if not any(path.suffix in {".parquet", ".gpkg"} for path in files):
        return []
    outlines = build.inputs.contours().geometry
    names = build.inputs.communes["nom"][outlines.isna().to_numpy()]
    return [f"Sans contour, donc hors de la carte : {_who(list(names))}."] if len(names) else []


def _zero_remarks(codes: pd.Series, files: Sequence[Path]) -> list[str]:
    """A CSV has no types: a spreadsheet takes 01001 for the number 1001."""
    zero = codes[codes.str.startswith("0")]
    if zero.empty or not any(path.name.endswith("_excel.csv") for path in files):
        return []
    code = zero.iloc[0]
    return [
        f"Ouvert d'un double-clic, le CSV du tableur montre {int(code)} pour {code} : prenez le "
        "classeur, dont les codes sont du texte (--format xlsx)."
    ]


def _who(names: list[str]) -> str:
    return listing(names) if len(names) <= NAMED else plural(len(names), "commune")


# --- writing ---------------------------------------------------------------------------------


def render(facts: dict[str, Any], build: Build) -> str:
    """Write a summary as French text."""
    where, method = facts["territoire"], build.method
    blocks = [
        [
            f"{method.methode.libelle} — {where['nom']}",
            f"Communes au 1er janvier {where['annee']} ; méthode {method.methode.code} "
            f"{method.methode.version}.",
            f"{plural(where['communes'], 'commune')}, dont {number(where['communes_avec_indice'])} "
            f"avec un indice ; {number(where['epci'])} EPCI.",
        ],
        [
            f"Intensité : les plus fragiles ({scale(method)})",
            *_fragile(facts, method),
        ],
        _certainty_block(facts),
        *(_volume_blocks(facts, method) if facts["plus_de_personnes"] else []),
        _section("À savoir", facts["a_savoir"]),
        _section("Sources", _source_lines(facts["sources"], where["communes"])),
        _section(
            "Comment lire",
            [
                method.lecture.usage,
                method.lecture.non_usage,
                f"Ce que l'indice ne voit pas : {' ; '.join(method.lecture.invisible)}.",
            ],
        ),
        _section("Restent d'un calcul précédent", facts["fichiers_d_un_calcul_precedent"]),
        ["Fichiers", *(f"  {path}" for path in facts["fichiers"]), *_replaced(facts)]
        if facts["fichiers"]
        else [],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _volume_blocks(facts: dict[str, Any], method: Method) -> list[list[str]]:
    held = facts["plus_fragiles_tiennent"]
    return [
        [
            "Volume : le plus de personnes à accompagner (estimation)",
            *_crowd(facts, method.noeuds[method.root].court, method.root),
        ],
        [
            paragraph(TWO_READINGS),
            *([paragraph(held_sentence(held, facts["territoire"]))] if held else []),
        ],
        _inside_block(facts["dans_les_communes"], method),
    ]


def _inside_block(found: Sequence[dict[str, Any]], method: Method) -> list[str]:
    """What an index of a commune hides: its neighbourhoods."""
    if not found:
        return []
    header = ["commune", method.noeuds[method.root].court, "IRIS : de", "à"]
    counted = "part_iris_4_5" in found[0]
    rows = [
        [
            row["nom"],
            *(number(_nan(row[name]), 1) for name in (method.root, "iris_min", "iris_max")),
            *([f"{number(_nan(row['part_iris_4_5']))} %"] if counted else []),
        ]
        for row in found
    ]
    return [
        "Dans ces communes : leurs IRIS (quartiers d'environ 2 000 habitants)",
        *aligned([*header, *(["habitants en classes 4–5"] if counted else [])], rows, TEXTS),
        paragraph(f"Lesquels, et pourquoi : fragilite explain {found[0]['code_insee']}"),
    ]


def _replaced(facts: dict[str, Any]) -> list[str]:
    """Whose results the files replaced."""
    if not facts["methode_remplacee"]:
        return []
    return [
        paragraph(
            f"Ils remplacent ceux de la méthode {facts['methode_remplacee']} : pour garder les "
            "deux, donnez un autre dossier, avec --output.",
            "  ",
        )
    ]


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(paragraph(line, "  ") for line in lines)] if lines else []


def held_sentence(held: dict[str, Any], where: dict[str, Any]) -> str:
    """What the most fragile classes of a summary hold of the people to accompany."""
    names = " ou ".join(f"« {name} »" for name in held["classes"])
    verb = "compte" if held["communes"] < 2 else "comptent"
    return (
        f"{plural(held['communes'], 'commune')} en {names} {verb} "
        f"{number(held['personnes_a_accompagner'])} des "
        f"{number(where['personnes_a_accompagner'])} personnes à accompagner "
        f"({number(held['part_des_personnes'])} %), pour {number(held['population'])} habitants."
    )


def _covered(build: Build, source: str, millesime: str) -> int | None:
    """How many communes a vintage has figures for; None for the frame."""
    table = build.inputs.tables.get((source, millesime))
    return None if table is None else int(table.values.notna().any(axis=1).sum())


def _source_lines(sources: Sequence[dict[str, Any]], communes: int) -> list[str]:
    """One line a source, its vintages together, with how many communes each covers."""
    vintages: dict[str, list[str]] = {}
    for source in sources:
        covered = source["communes"]
        partial = covered is not None and covered < communes
        text = f" ({number(covered)} communes sur {number(communes)})" if partial else ""
        title = f"{source['editeur']}, {source['titre']}"
        vintages.setdefault(title, []).append(source["millesime"] + text)
    return [f"{title} : {', '.join(found)}" for title, found in vintages.items()]


def _fragile(facts: dict[str, Any], method: Method) -> list[str]:
    nodes = list(method.descending())[:SHOWN_NODES]
    header = ["rang", "commune", *(method.noeuds[node].court for node in nodes), "personnes"]
    rows = [
        [
            str(row["rang"]),
            row["nom"],
            *(number(_nan(row[method.column(node)]), 1) for node in nodes),
            number(_nan(row["personnes_a_accompagner"])),
        ]
        for row in facts["plus_fragiles"]
    ]
    return aligned(header, rows, TEXTS)


def _certainty_block(facts: dict[str, Any]) -> list[str]:
    """The intervals and the readings of the same communes, what they are, and how many of each."""
    found = facts["certitude"]
    if found is None:
        return []
    title = "À quel point est-ce sûr"
    notes = [paragraph(line) for line in found["remarques"]]
    if not any(found["lectures"].values()):
        return [title, *notes]
    rows = [
        [str(row["rang"]), f"{row['rang_min_90']}–{row['rang_max_90']}", row["nom"], row["lecture"]]
        for row in facts["plus_fragiles"]
    ]
    return [
        title,
        *aligned(["rang", "à 90 %", "commune", "lecture"], rows, TEXTS),
        *(paragraph(sentence) for sentence in certainty_sentences(found)),
        *notes,
    ]


def certainty_sentences(found: dict[str, Any]) -> list[str]:
    """What the interval and the reading mean, and how many of each reading a summary counts."""
    named = [f"{number(count)} « {name} »" for name, count in found["lectures"].items()]
    return [
        "« À 90 % » : entre quels rangs se tient la commune, neuf fois sur dix, quand on "
        f"retire au sort {number(found['tirages'])} fois ses données dans la limite de leur "
        f"bruit ({MODELES[found['modele']]}). La lecture dit si elle est dans le cinquième le "
        f"plus fragile des {number(found['communes_classees'])} communes classées, selon ces "
        f"tirages et selon "
        f"{number(found['tirages'])} autres choix de méthode possibles.",
        f"Dans ce territoire : {listing(named)}. « Pas de signal » ne dit pas que personne n'y "
        "a besoin d'aide.",
    ]


def _crowd(facts: dict[str, Any], title: str, root: str) -> list[str]:
    header = ["rang", "commune", "personnes", "part cumulée", title]
    if any(row.get("classe_libelle") for row in facts["plus_de_personnes"]):
        header.append("classe")
    rows = [
        [
            str(row["rang_volume"]),
            row["nom"],
            number(row["personnes_a_accompagner"]),
            f"{number(row['part_cumulee_personnes'], 1)} %",
            number(_nan(row[root]), 1),
            row.get("classe_libelle") or "",
        ][: len(header)]
        for row in facts["plus_de_personnes"]
    ]
    return aligned(header, rows, TEXTS)


def _nan(value: Any) -> float:
    return float("nan") if value is None else float(value)
