"""Write the pages of documentation that are made from the data: never edit them by hand.

    python tools/docs.py

writes `docs/methode.md` and `docs/dictionnaire.md` from the default method, `docs/sources.md` from
the catalogue, `docs/temps.md` from what is declared of comparisons over time and of the scenario,
`docs/audit_49.md` from the bundled figures, and the table of sources between two marks in
`README.md`. A test fails when they drift. `tools/audit.py` writes the audit of France.
"""

from __future__ import annotations

from pathlib import Path

from fragilite.audit import markdown
from fragilite.audit.complete import audited
from fragilite.columns import declared
from fragilite.dictionary import dictionary
from fragilite.french import listing, number, upper_first
from fragilite.ingestion.catalogue import load_sources
from fragilite.iris import REGLE_COMMUNE
from fragilite.listing import sources_at_hand
from fragilite.method import (
    DEFAULT,
    SCALE,
    Effectif,
    Grandeur,
    Incertitude,
    Indicateur,
    Method,
    NombreNonNuls,
    Part,
    Valeur,
    available_methods,
    load_method,
    survey_text,
)
from fragilite.pipeline import build
from fragilite.projection.scenario import suppositions
from fragilite.trend.breaks import load_comparisons

ROOT = Path(__file__).resolve().parents[1]
MARK = "<!-- sources : écrit par tools/docs.py -->"
END = "<!-- fin des sources -->"
AUDIT_NOTICE = "Page écrite par tools/docs.py : ne pas modifier à la main."
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
    if isinstance(calcul, Valeur):
        return calcul.valeur
    references = ", ".join(f"{value:g} en {year}" for year, value in calcul.references.items())
    return f"100 × {calcul.valeur} / référence du même millésime ({references} ; {calcul.source})"


def points(indicator: Indicateur) -> str:
    """Values that score 0 and 100 points."""
    if indicator.points_0 is None or indicator.points_100 is None:
        return "Sans bornes"
    low, high = plain(indicator.points_0), plain(indicator.points_100)
    return f"0 point à {low}, {SCALE:g} points à {high}"


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
            f"- {points(indicator)} ({indicator.unite}). {indicator.raison} "
            f"({indicator.reference})",
        ]
        if indicator.lissage:
            lines.append(
                f"- La part comptée est lissée (`{code}_lisse`). {indicator.lissage.raison} "
                f"({indicator.lissage.reference})"
            )
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
        "- **Petits effectifs** : une part lissée se rapproche de celle de l'EPCI entier sur "
        "l'échelle logit, m* = w·m + (1−w)·M, avec m = ln[(r+0,5)/(n−r+0,5)], "
        "s² = (n+1)(n+2)/[n(r+1)(n−r+1)], w = τ²/(τ²+s²) et τ² = max(0, var(m) − moyenne s²). La "
        "part observée reste publiée à côté.",
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
        *oldest(method),
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
    if method.incertitude:
        lines += [*uncertainty(method.incertitude), ""]
    lines += by_iris()
    lines += [
        "## Ce qu'on sait de sa validité",
        "",
        *(f"- {text}" for text in lecture.validite),
        "",
        "La cohérence interne, pas à pas : [Maine-et-Loire](audit_49.md), "
        "[France, chiffres reconstitués](audit_france.md).",
        "",
        *local_survey(),
        "",
        *profiles(),
    ]
    return "\n".join(lines) + "\n"


def by_iris() -> list[str]:
    """How the index is taken inside the communes, and to larger territories."""
    return [
        "## Dans les communes, et au-dessus",
        "",
        "`--level iris` calcule le même indice par IRIS (des quartiers d'environ 2 000 habitants, "
        "que l'Insee dessine dans les communes d'au moins 10 000 habitants et dans la plupart de "
        "celles de 5 000 à 10 000) :",
        "",
        "- Le recensement et le revenu sont ceux de l'IRIS ; ce qui n'est pas mesuré par IRIS (le "
        f"réseau) est la « {REGLE_COMMUNE} », statut `estime`. Un effectif de la commune n'est "
        "jamais celui d'un IRIS.",
        "- Un revenu couvert par le secret reste `secret`, sans valeur. Un IRIS sans ligne reçoit "
        "celui de la commune, de la même année si elle est à portée : 2021 et 2023 ne se comparent "
        "pas. Faute de niveau de vie par IRIS, c'est le revenu déclaré, et c'est dit.",
        "- Chaque part de personnes est rapprochée de celle de la commune, par la formule des "
        "petits effectifs, M étant le logit de la commune. Sous huit IRIS connus, τ² est celui "
        "entre les IRIS d'une même commune dans le département.",
        "- Une commune non découpée garde sa ligne, `<commune>0000` : la sienne.",
        "- Classes et bornes sont celles des communes.",
        "",
        "Dans la vue par commune, `iris_min` et `iris_max` sont les indices extrêmes de ses IRIS "
        "d'habitat, et `part_iris_4_5` la part de ses habitants dans un IRIS des deux classes les "
        "plus fragiles. C'est l'indice, et non `fragilite_usages`, pour se lire à côté de celui de "
        "la commune : le réseau, le même dans tous ses IRIS, réduit les écarts de son poids sans "
        "en changer l'ordre.",
        "",
        "`--level epci`, `departement` ou `region` : recalculés à partir des numérateurs et des "
        "dénominateurs sommés. Un territoire que le calcul ne contient pas entier n'a pas de "
        "valeur.",
        "",
    ]


def local_survey() -> list[str]:
    """How an indicator of the user's own is counted."""
    return [
        "## Compter une enquête locale",
        "",
        "Ce que les données ouvertes ne voient pas, une enquête peut le dire. `--indicateur "
        "enquete.csv` la donne à toute commande qui calcule l'indice ; c'est la méthode qui dit "
        "comment elle compte. Une seule à la fois.",
        "",
        "Le fichier (CSV ou classeur) a une ligne par commune : `code_insee`, `taux` (en %), "
        "`effectif` (personnes interrogées), `annee` (la même partout). Une commune sans ligne est "
        "`absent` : le poids va au reste du nœud, et son indice ne change pas. Les codes sont "
        "lus dans la géographie la plus récente qui les a tous, puis ramenés aux communes de "
        "l'année du calcul. Une commune dont une partie seule a une ligne reste absente, et est "
        "nommée. Un EPCI est recalculé sur les personnes additionnées : "
        "Σ taux × effectif / Σ effectif, là où les communes interrogées portent assez de sa "
        "population.",
        "",
        "Dans les intervalles, le taux varie de V = p̃(1−p̃)/n, n étant les personnes interrogées et "
        "p̃ = (r+0,5)/(n+1), dans les deux modèles et quelle que soit la commune. Ce n'est que le "
        "hasard des réponses : ni le choix de qui a été interrogé, ni ceux qui n'ont pas répondu.",
        "",
        "`fragilite method new mienne.toml --indicateur` écrit cette méthode, à compléter ; ses "
        "deux blocs, `[noeuds.…]` et `[indicateurs.…]`, se recopient dans une autre méthode notée "
        "de 0 à 100, sous un de ses nœuds :",
        "",
        "```toml",
        survey_text().strip(),
        "```",
    ]


def oldest(method: Method) -> list[str]:
    """The age beyond which figures are no longer scored."""
    rule = method.age_max
    if rule is None:
        return []
    return [
        f"- **Données anciennes** : au-delà de {plain(rule.valeur)} ans, montrées et jamais "
        f"comptées. {rule.raison} ({rule.reference})"
    ]


def uncertainty(rules: Incertitude) -> list[str]:
    """How far ranks could move, and what the readings mean."""
    data, choices, reading = rules.donnees, rules.methode, rules.lecture
    return [
        "## À quel point est-ce sûr ?",
        "",
        f"Deux analyses, jamais mêlées en un seul nombre, de {number(rules.tirages)} tirages "
        f"chacune (graine {rules.graine}).",
        "",
        f"- **Le bruit des données**, méthode inchangée (`rang_median`, `rang_min_90`, "
        f"`rang_max_90`, `proba_premier_cinquieme`). Une part p observée sur N personnes varie de "
        f"V = c·p(1−p)/N, sur l'échelle logit. Sondage : c = d·(1−f)/f à partir de "
        f"{number(data.exhaustif)} habitants (f = {plain(data.taux_sondage)}, effet de plan "
        f"d = {plain(data.effet_plan)}), 0 en dessous. Modèle `superpopulation`, par défaut : s'y "
        "ajoute l'instabilité des petits effectifs, p̃(1−p̃)/N avec p̃ = (r+0,5)/(N+1) ; ce n'est "
        "pas une erreur de l'Insee. Les parts des mêmes personnes sont tirées ensemble (loi de "
        "Dirichlet, p̃ pour la plus large). Une part lissée varie de w·s² (a posteriori), et de "
        "w² fois le sondage. "
        f"Filosofi : son arrondi seulement. {data.raison} ({data.reference})",
        "- **Les choix de méthode**, données inchangées (`part_scenarios_premier_cinquieme`). "
        f"Poids tirés à chaque nœud autour des poids déclarés (Dirichlet, concentration "
        f"{plain(choices.concentration)}) ; mise en points par {listing(choices.normalisations)}, "
        "toujours face à la distribution nationale, les bornes absolues du réseau gardées ; "
        f"moyenne {listing(choices.agregations)}, les deux dernières sur le complément, jamais "
        "avec z_score ; un indicateur laissé de côté dans "
        f"{number(100 * choices.part_retrait)} % des tirages. {choices.raison} "
        f"({choices.reference})",
        "",
        "Être dans le **premier cinquième** : parmi les K = ⌈0,2 × communes classées⌉ plus "
        "fragiles ; les ex æquo à la limite se la partagent.",
        "",
        *table(
            ["`lecture`", "les deux parts sont"],
            [
                row("signal net", f"au moins {plain(reading.net)}"),
                row("signal probable", f"au moins {plain(reading.probable)}"),
                row("pas de signal", f"au plus {plain(reading.sans)}"),
                row("à confirmer sur le terrain", "autrement"),
            ],
        ),
        "",
        f"{reading.raison} ({reading.reference})",
        "",
        "Ce que ces intervalles ne disent pas :",
        "",
        *(f"- {text}" for text in rules.limites),
        "",
        "`fragilite robustness` montre les deux et leurs variantes, `fragilite sensitivity` quel "
        "choix de méthode pèse le plus sur les rangs.",
    ]


def profiles() -> list[str]:
    """The other methods of the program."""
    lines = ["## Les profils à côté", ""]
    for name in available_methods():
        found = load_method(name)
        if name != DEFAULT:
            head = found.methode
            lines += [f"- **`{name}`** {head.version} — {head.libelle}. {head.description}"]
            lines += [f"  - {text}" for text in found.lecture.validite]
    return [
        *lines,
        "",
        "Leurs fichiers sont dans `fragilite/methods/` ; `fragilite compare --dept 49 --with "
        "ifn-2023` dit pourquoi les rangs diffèrent.",
    ]


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
    types = declared()["types"]
    lines += table(
        [label.lower() for label in declared()["dictionnaire"].values()],
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
        "2021, revenu déclaré par IRIS 2021, Arcep fixe 2019, COG 2021 à 2026, populations 2019 à "
        "2023, EPCI de la DGCL 2025, "
        "table d'appartenance 2022, densité 2024, BPE 2021. Sur des fichiers reconstitués dans la "
        "mise en page de l'éditeur : recensement 2022 et Arcep 2024 T1. **Faute d'échantillon "
        "réel, d'après la seule documentation** : couvertures 4G de l'Arcep, Admin Express (3 et "
        "4), contours d'Etalab, API Découpage administratif, EPCI de l'Insee, Filosofi 2021 long, "
        "ménages et familles de Melodi, exports de la Cnaf et de la Dares, bases du recensement et "
        "contours par IRIS, contours des quartiers prioritaires.",
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


def time_page() -> str:
    """What compares over time, what does not, and what the scenario supposes."""
    declared, supposed = load_comparisons(), suppositions()
    census = declared.recensement
    breaks = [
        row(
            f"`{one.source}`",
            ", ".join(f"`{name}`" for name in one.variables) or "toutes",
            f"{one.avant} → {one.apres}" if one.avant else "tous",
            one.raison,
            one.reference,
        )
        for one in declared.ruptures
    ]
    parts = [
        f"- {upper_first(one.libelle)} : {', '.join(f'`{name}`' for name in one.variables)}."
        for one in declared.parts
    ]
    assumptions = [f"- {upper_first(one.libelle)}. {one.raison}" for one in supposed.hypotheses]
    rule = supposed.passage
    return "\n".join(
        [
            "# Dans le temps",
            "",
            NOTICE,
            "",
            "## `fragilite trend` : ce qui a changé",
            "",
            "Les mêmes communes, la même méthode, les mêmes bornes aux deux dates. Chaque "
            "changement vient avec son intervalle à 90 %, tiré du bruit que la méthode déclare "
            "(`[incertitude.donnees]`), et avec une lecture : hausse ou baisse si tout "
            "l'intervalle est du même côté de zéro, pas de changement démontré sinon.",
            "",
            f"{census.independance} L'intervalle d'une différence garde celui de chaque valeur "
            "(Newcombe, 1998, Statistics in Medicine 17). Une part que personne ne sonde, comme la "
            "fibre, n'en a pas ; un revenu a celui de son arrondi.",
            "",
            "L'indice d'alors compte les indicateurs qui se comparent ; les autres sont tenus à "
            "leur valeur d'aujourd'hui, et c'est dit. Son changement est la somme de ce que "
            "chaque part y apporte :",
            "",
            *parts,
            f"- {upper_first(declared.reste.libelle)} : les autres indicateurs.",
            "",
            "### Ce qui ne se compare pas",
            "",
            f"{census.raison} ({census.reference}.)",
            "",
            census.sans_bruit,
            "",
            *table(["source", "variables", "entre", "raison", "référence"], breaks),
            "",
            "### Colonnes de `fragilite trend -o`",
            "",
            *columns_table(declared.colonnes),
            "",
            'En Python : `fragilite.trend.trend(build("49"))` donne les mêmes lignes '
            "(`.communes`, `.groupes`), les parts du changement (`.parts`) et une comparaison à la "
            'fois (`.change("part_sans_bac")`).',
            "",
            "### Dans les fichiers : `fragilite build --trend`, `fragilite dossier --trend`",
            "",
            "Avec `--trend`, `build` ajoute une couche `changement` au GeoPackage (une commune par "
            "ligne, un style par comparaison : hausse, baisse, pas de changement démontré, hachuré "
            "où rien ne se compare), une feuille « Changement » au classeur et un tableau "
            "`fragilite_49_changement.csv`, décrit dans le data package ; les autres fichiers ne "
            "changent pas. `dossier` ajoute une partie « Ce qui a changé ». Dans la couche, chaque "
            "colonne dit d'abord ce qu'elle compare, comme `part_sans_bac_depuis_2017_changement`. "
            "Le tableau et la feuille ont les colonnes suivantes :",
            "",
            *columns_table(
                {
                    name: one.description or declared.colonnes[name]
                    for name, one in declared.tableau.items()
                }
            ),
            "",
            "## `fragilite project` : un scénario de vieillissement",
            "",
            f"**{supposed.avertissement}**",
            "",
            *assumptions,
            "",
            f"- {supposed.mortalite.raison} ({supposed.mortalite.reference}.)",
            f"- {supposed.naissances.raison}",
            f"- {supposed.ages.raison}",
            f"- {supposed.migrations.raison}",
            f"- {supposed.etendue.raison}",
            f"- {rule.raison} La commune est alors signalée.",
            "",
            f"Au plus {supposed.horizon.annees_max} ans après les données. "
            f"{supposed.horizon.raison}",
            "",
            "### Colonnes de `fragilite project -o`",
            "",
            *columns_table(supposed.colonnes),
            "",
            'En Python : `fragilite.projection.project(build("49"), 2035)`.',
            "",
        ]
    )


def columns_table(columns: dict[str, str]) -> list[str]:
    """Columns of a file, with what they hold."""
    return table(["colonne", "ce qu'elle dit"], [row(f"`{c}`", d) for c, d in columns.items()])


def pages() -> dict[Path, str]:
    """Every generated page, with its text."""
    method = load_method()
    path = ROOT / "README.md"
    return {
        ROOT / "docs/methode.md": method_page(method),
        ROOT / "docs/dictionnaire.md": dictionary_page(method),
        ROOT / "docs/sources.md": sources_page(),
        ROOT / "docs/temps.md": time_page(),
        ROOT / "docs/audit_49.md": markdown(
            audited(build("49", uncertainty=False)), notice=AUDIT_NOTICE
        ),
        path: readme(path.read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
