"""What `fragilite method show` and `fragilite sources` print."""

from __future__ import annotations

from collections.abc import Iterator

from fragilite.french import number
from fragilite.ingestion.catalogue import load_sources
from fragilite.inputs import bundled_departements, bundled_lots
from fragilite.method import Method

_DIRECTIONS = {"aggrave": "aggrave la fragilité", "protege": "protège de la fragilité"}


def source_records() -> list[dict[str, str]]:
    """Each vintage at hand of each source, as bundled."""
    records = []
    for departement in bundled_departements():
        for lot in bundled_lots(departement):
            source = lot.record
            records.append(
                {
                    "source": lot.source,
                    "editeur": source.editeur,
                    "titre": source.titre,
                    "millesime": lot.millesime,
                    "geographie": str(lot.cog),
                    "territoire": departement,
                    "origine": lot.origine,
                    "releve_le": lot.releve_le,
                    "publie_le": lot.publie_le,
                    "licence": source.licence,
                    "attribution": source.attribution,
                    "cadence": source.cadence,
                    "adresse": source.page,
                    "note": lot.note,
                }
            )
    for key in ("territoires", "contours"):
        source = load_sources()[key]
        records.append(
            {
                "source": key,
                "editeur": source.editeur,
                "titre": source.titre,
                "millesime": "2026" if key == "territoires" else "2025",
                "geographie": "2026" if key == "territoires" else "2025",
                "territoire": ", ".join(bundled_departements()),
                "origine": "livré avec fragilite",
                "releve_le": records[0]["releve_le"] if records else "",
                "publie_le": "",
                "licence": source.licence,
                "attribution": source.attribution,
                "cadence": source.cadence,
                "adresse": source.page,
                "note": "",
            }
        )
    return records


def render_sources(records: list[dict[str, str]]) -> str:
    """Write the sources as French text."""
    blocks = []
    for record in records:
        published = f", publié le {record['publie_le']}" if record["publie_le"] else ""
        lines = [
            f"{record['source']} {record['millesime']} — {record['editeur']}, {record['titre']}",
            f"  {record['origine']} (département {record['territoire']}), relevé le "
            f"{record['releve_le']}{published}",
            f"  géographie {record['geographie']} ; mise à jour {record['cadence']} ; "
            f"{record['licence']}",
            f"  {record['adresse']}",
        ]
        if record["note"]:
            lines.append(f"  {record['note']}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def render_method(method: Method) -> str:
    """Write a method as French text: tree, weights, bounds, thresholds, reasons."""
    header = method.methode
    lines = [
        f"{header.libelle} ({header.code} {header.version}, {header.date})",
        header.description,
        "",
        "Arbre (poids dans le parent ; poids dans l'indice)",
        *_branch(method, method.root, 1),
        "",
        f"Âge maximal des données : {number(method.age_max.valeur)} {method.age_max.unite}. "
        f"{method.age_max.raison}",
        f"Complétude minimale : {number(100 * method.completude_min.noeud)} % du poids d'un nœud, "
        f"{number(100 * method.completude_min.indice)} % de celui de l'indice.",
    ]
    for code, node in method.noeuds.items():
        if node.classes:
            limits = " / ".join(f"{limit:g}".replace(".", ",") for limit in node.classes.bornes)
            lines += [
                "",
                f"Classes de {method.column(code)} : {limits}",
                f"  {node.classes.raison}",
            ]
    if method.volume:
        lines += ["", f"{method.volume.libelle} : {method.volume.definition}"]
        lines += [
            f"  {tranche.ages} : {number(tranche.taux, 1)} % ({tranche.reference})"
            for tranche in method.volume.tranches
        ]
    lines += [
        "",
        "Ce qu'on sait de sa validité",
        *(f"  {text}" for text in method.lecture.validite),
    ]
    return "\n".join(lines)


def _branch(method: Method, node: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    record = method.noeuds[node]
    if depth == 1:
        yield f"{indent}{method.column(node)} : {record.libelle}"
    for child, weight in method.weights[node].items():
        share = f"{number(weight, 3)} ; {number(method.shares[child], 3)}"
        if child in method.noeuds:
            yield f"{indent}  {method.column(child)} : {share}  {method.noeuds[child].libelle}"
            yield from _branch(method, child, depth + 1)
        else:
            indicator = method.indicateurs[child]
            low, high = (
                f"{x:g}".replace(".", ",") for x in (indicator.points_0, indicator.points_100)
            )
            yield (
                f"{indent}  {child} : {share}  {indicator.libelle}, {low} → {high} "
                f"{indicator.unite} ({_DIRECTIONS[indicator.sens]})"
            )
