"""Write the pages of documentation that are made from the data: never edit them by hand.

    python tools/docs.py

writes `docs/methode.md` and `docs/dictionnaire.md` from the default method, `docs/sources.md` from
the catalogue, and the table of sources between two marks in `README.md`. A test fails when they
drift.
"""

from __future__ import annotations

from pathlib import Path

from fragilite.dictionary import dictionary
from fragilite.french import number
from fragilite.ingestion.catalogue import load_sources
from fragilite.listing import sources_at_hand
from fragilite.method import SCALE, Effectif, Grandeur, Method, NombreNonNuls, Part, load_method

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- sources : écrit par tools/docs.py -->"
END = "<!-- fin des sources -->"
NOTICE = "<!-- Page écrite par tools/docs.py : ne pas modifier à la main. -->"


def row(*cells: object) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def table(header: list[str], lines: list[str]) -> list[str]:
    """A Markdown table."""
    return [row(*header), row(*["---"] * len(header)), *lines]


def formula(figure: Grandeur) -> str:
    """How a figure is computed, in the words of its variables."""
    calcul = figure.calcul
    if isinstance(calcul, Part):
        top, bottom = " + ".join(calcul.numerateur), " + ".join(calcul.denominateur)
        share = f"({top}) / {bottom}" if len(calcul.numerateur) > 1 else f"{top} / {bottom}"
        return f"100 × (1 − {share})" if calcul.complement else f"100 × {share}"
    if isinstance(calcul, Effectif):
        return " + ".join(calcul.variables)
    if isinstance(calcul, NombreNonNuls):
        return f"nombre de valeurs non nulles parmi {', '.join(calcul.variables)}"
    references = ", ".join(f"{value:g} en {year}" for year, value in calcul.references.items())
    return f"100 × {calcul.valeur} / référence du même millésime ({references} ; {calcul.source})"


def plain(value: float) -> str:
    """A number of the method, with a decimal comma."""
    return f"{value:g}".replace(".", ",")


def method_page(method: Method) -> str:
    """The method, read from its file."""
    header, lecture = method.methode, method.lecture
    lines = [
        f"# {header.libelle}",
        "",
        NOTICE,
        "",
        f"Méthode `{header.code}` version {header.version}, {header.date}. Le fichier "
        f"`fragilite/methods/{header.code}.toml` fait foi : tout nombre ci-dessous en vient.",
        "",
        header.description,
        "",
        "## Lire l'indice",
        "",
        lecture.usage,
        "",
        f"**{lecture.non_usage}**",
        "",
        f"Ce que les données ouvertes ne voient pas : {' ; '.join(lecture.invisible)}.",
        "",
        "## L'arbre",
        "",
        "Un nœud est la moyenne pondérée de ses enfants ; les poids sont ramenés à 1 dans chaque "
        "nœud. Le dernier nombre est le poids dans l'indice entier.",
        "",
    ]
    lines += table(["colonne", "libellé", "parent", "poids", "poids dans l'indice"], _tree(method))
    lines += ["", "Pourquoi ces poids :", ""]
    lines += [
        f"- **{node.libelle}** : {node.raison} ({node.reference})"
        for node in method.noeuds.values()
        if node.raison
    ]
    lines += ["", "## Les indicateurs comptés", ""]
    for code, indicator in method.indicateurs.items():
        france = indicator.france
        lines += [
            f"### `{code}` — {indicator.libelle}",
            "",
            indicator.definition,
            "",
            f"- Calcul : `{formula(indicator)}`",
            f"- 0 point à {plain(indicator.points_0)}, {SCALE:g} points à "
            f"{plain(indicator.points_100)} ({indicator.unite}). {indicator.raison} "
            f"({indicator.reference})",
        ]
        if france:
            lines.append(f"- France : {number(france.valeur, 1)} ({france.source})")
        lines.append("")
    lines += [
        "## Le contexte, montré et jamais compté",
        "",
        *table(
            ["colonne", "libellé", "définition", "calcul"],
            [
                row(f"`{code}`", figure.libelle, figure.definition, f"`{formula(figure)}`")
                for code, figure in (method.contexte | method.effectifs).items()
            ],
        ),
        "",
        "## Règles",
        "",
        "- **Points** d'un indicateur : (valeur − `points_0`) / (`points_100` − `points_0`), "
        "ramené entre 0 et 1, × 100. Une valeur hors bornes est signalée (`<code>_sature`).",
        "- **Contribution** : poids effectif dans l'indice × points. Celles d'une commune "
        "s'additionnent à son indice, à 10⁻⁹ près.",
        "- **Donnée manquante** : son poids est réparti dans son nœud. Statuts : "
        "`publie`, `estime` (la règle est nommée), `secret`, `absent`, `sans_objet` (dénominateur "
        "nul), `millesime_ancien`.",
        f"- **Complétude** : un nœud demande {number(100 * method.completude_min.noeud)} % de son "
        f"poids, l'indice {number(100 * method.completude_min.indice)} %. "
        f"{method.completude_min.raison} ({method.completude_min.reference})",
        f"- **Données anciennes** : au-delà de {plain(method.age_max.valeur)} ans, "
        f"montrées et jamais comptées. {method.age_max.raison} ({method.age_max.reference})",
        "- **EPCI et département** : recalculés sur numérateurs et dénominateurs additionnés ; la "
        "médiane du niveau de vie y est la moyenne des médianes des communes, pondérée par les "
        "personnes des ménages fiscaux (`estime`). "
        f"{method.couverture_min.raison} ({method.couverture_min.reference})",
        "- **EPCI partiel** : un EPCI que le calcul ne contient pas en entier n'a pas de valeur.",
        "- **Rang** : 1 = le plus fragile ; les ex æquo partagent le meilleur rang.",
        "",
        "## Classes",
        "",
    ]
    for code, node in method.noeuds.items():
        if node.classes:
            limits = node.classes.bornes
            lines += [
                f"`{method.column(code)}`, bornes [basse, haute) : "
                f"{' / '.join(plain(limit) for limit in limits)} "
                f"({', '.join(node.classes.libelles)}). {node.classes.raison} "
                f"({node.classes.reference})",
                "",
            ]
    if method.volume:
        lines += [
            "## Personnes à accompagner",
            "",
            method.volume.definition,
            "",
            *table(
                ["âge", "taux", "pourquoi", "référence"],
                [
                    row(band.ages, f"{number(band.taux, 1)} %", band.raison, band.reference)
                    for band in method.volume.tranches
                ],
            ),
            "",
        ]
    lines += ["## Ce qu'on sait de sa validité", "", *(f"- {text}" for text in lecture.validite)]
    return "\n".join(lines) + "\n"


def _tree(method: Method) -> list[str]:
    lines = []
    for node in method.descending():
        if node == method.root:
            lines.append(row(f"`{node}`", method.noeuds[node].libelle, "", "", "1"))
        for child, weight in method.weights[node].items():
            record = method.noeuds.get(child) or method.indicateurs[child]
            name = method.column(child) if child in method.noeuds else child
            lines.append(
                row(
                    f"`{name}`", record.libelle, f"`{method.column(node)}`",
                    number(weight, 3), number(method.shares[child], 3),
                )
            )  # fmt: skip
    return lines


def dictionary_page(method: Method) -> str:
    """Every column of the files."""
    lines = [
        "# Dictionnaire des données",
        "",
        NOTICE,
        "",
        "Les mêmes noms dans tous les fichiers. Dans les CSV les points ont une décimale ; dans "
        "GeoParquet et GeoPackage, la précision est entière. Une cellule vide est une donnée "
        "manquante, jamais un zéro : la colonne `_statut` dit pourquoi.",
        "",
    ]
    types = {"string": "texte", "integer": "entier", "number": "nombre", "boolean": "vrai ou faux"}
    lines += table(
        ["colonne", "libellé", "type", "unité", "description", "source"],
        [
            row(
                f"`{column.nom}`", column.libelle, types[column.type], column.unite,
                column.description, column.source,
            )
            for column in dictionary(method)
        ],
    )  # fmt: skip
    return "\n".join(lines) + "\n"


def sources_page() -> str:
    """The catalogue: every vintage of every source, its address, whether somebody opened it."""
    lines = [
        "# Sources",
        "",
        NOTICE,
        "",
        "Ce que le catalogue (`fragilite/ingestion/sources.toml`) sait des fichiers des "
        "producteurs. Les adresses viennent de documentations publiques. Tant que la colonne "
        "« vérifiée » est vide, personne ne l'a ouverte : `fragilite sources check` les essaie "
        "toutes.",
        "",
        "À l'arrivée, chaque fichier est contrôlé : nature, taille, empreinte, colonnes ou "
        "cellules attendues, codes de la géographie déclarée, doublons, bornes, identités, totaux "
        "nationaux. Un fichier qui n'est pas celui du catalogue arrête le calcul et dit ce qui "
        "manque ; ce qui était là reste.",
        "",
        "Lus sur de vrais fichiers : recensement 2023 (Melodi, Maine-et-Loire), Filosofi 2019 et "
        "2021, Arcep fixe 2019, COG 2021 à 2026, populations 2019 à 2023, EPCI de la DGCL 2025, "
        "table d'appartenance 2022, densité 2024, BPE 2021. Sur des fichiers reconstitués dans la "
        "mise en page de l'éditeur : recensement 2022 et Arcep 2024 T1. **Faute d'échantillon "
        "réel, d'après la seule documentation** : couvertures 4G de l'Arcep, Admin Express (3 et "
        "4), contours d'Etalab, API Découpage administratif, EPCI de l'Insee, Filosofi 2021 long, "
        "ménages et familles de Melodi, exports de la Cnaf et de la Dares.",
        "",
    ]
    for key, source in load_sources().items():
        if not source.millesimes:
            continue
        heavy = (
            " Lourde : seulement sur demande (`fragilite fetch`)." if source.a_la_demande else ""
        )
        lines += [
            f"## `{key}` — {source.titre}",
            "",
            f"{source.editeur}, {source.licence}, mise à jour {source.cadence}. Une commune sans "
            f"ligne : {'zéro' if source.sans_ligne == 'zero' else 'inconnue'}.{heavy}",
            "",
        ]
        rows = []
        for vintage in source.millesimes:
            for file in vintage.fichiers:
                where = file.url or (
                    f"Melodi, jeu {file.melodi}" if file.melodi else f"data.gouv.fr {file.datagouv}"
                )
                rows.append(
                    row(
                        vintage.millesime,
                        vintage.cog,
                        f"<{where}>" if file.url else where,
                        file.verifie_le or "–",
                    )
                )
        lines += [*table(["millésime", "géographie", "fichier", "vérifiée"], rows), ""]
        notes = [f"- {v.millesime} : {v.note}" for v in source.millesimes if v.note]
        lines += [*notes, ""] if notes else []
    return "\n".join(lines).rstrip() + "\n"


def sources_table() -> str:
    """The sources at hand, for the README."""
    lines = [
        row(
            f"[{source['titre']}]({source['adresse']})", source["editeur"], source["millesime"],
            source["geographie"], source["licence"],
        )
        for source in sources_at_hand(ROOT / "data/rien")
    ]  # fmt: skip
    return "\n".join(
        table(["jeu de données", "éditeur", "millésime", "géographie", "licence"], lines)
    )


def readme(text: str) -> str:
    """The README with its table of sources brought up to date."""
    before, _, rest = text.partition(MARK)
    _, _, after = rest.partition(END)
    return f"{before}{MARK}\n\n{sources_table()}\n\n{END}{after}"


def pages() -> dict[Path, str]:
    """Every generated page, with its text."""
    method = load_method()
    path = ROOT / "README.md"
    return {
        ROOT / "docs/methode.md": method_page(method),
        ROOT / "docs/dictionnaire.md": dictionary_page(method),
        ROOT / "docs/sources.md": sources_page(),
        path: readme(path.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
