"""What `fragilite method show` and `fragilite sources` print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fragilite.french import listing, number, paragraph
from fragilite.ingestion.bundled import (
    bundled_departements,
    bundled_earlier_lots,
    bundled_frame,
    bundled_lots,
)
from fragilite.ingestion.catalogue import load_sources
from fragilite.ingestion.lock import SourcesLock
from fragilite.ingestion.lots import Lot
from fragilite.method import Incertitude, Indicateur, Method
from fragilite.national import Limit
from fragilite.provenance import source_records

_DIRECTIONS = {"aggrave": "aggrave la fragilité", "protege": "protège de la fragilité"}


def sources_at_hand(raw: Path) -> list[dict[str, str]]:
    """Each vintage of each source at hand: bundled with the program, then fetched.

    Parameters
    ----------
    raw : Path
        Folder of raw files, whose lock file says what was fetched.
    """
    bundled = [
        record | {"territoire": f"département {departement}"}
        for departement in bundled_departements()
        for record in source_records(
            [
                *bundled_lots(departement),
                *bundled_earlier_lots(departement),
                *bundled_frame(departement),
            ]
        )
    ]
    return bundled + [
        record | {"territoire": "fichiers entiers"} for record in source_records(_fetched(raw))
    ]


def _fetched(raw: Path) -> list[Lot]:
    """Vintages that the lock file of a folder has files of."""
    lock, lots = SourcesLock.read_if_legible(raw).files, []
    for source, record in load_sources().items():
        for vintage in record.millesimes:
            prefix = f"{source}/{vintage.millesime}/"
            taken = {key: found for key, found in lock.items() if key.startswith(prefix)}
            if taken:
                named = [(key.removeprefix(prefix), found.sha256) for key, found in taken.items()]
                last = max(f"{found.taken_at:%Y-%m-%d}" for found in taken.values())
                lots.append(Lot.of(source, vintage, named, last, "téléchargé"))
    return lots


def render_sources(records: list[dict[str, str]]) -> str:
    """Write the sources as French text."""
    blocks = []
    for record in records:
        published = f", publié le {record['publie_le']}" if record["publie_le"] else ""
        lines = [
            f"{record['source']} {record['millesime']} — {record['editeur']}, {record['titre']}",
            f"  {record['origine']} ({record['territoire']}), relevé le "
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
        *_tree(method),
        "",
        _oldest(method),
        f"Complétude minimale : {number(100 * method.completude_min.noeud)} % du poids d'un nœud, "
        f"{number(100 * method.completude_min.indice)} % de celui de l'indice.",
    ]
    for node in method.noeuds.values():
        if node.classes:
            limits = " / ".join(f"{limit:g}".replace(".", ",") for limit in node.classes.bornes)
            lines += [
                "",
                f"Classes de « {node.libelle} » : {limits}",
                f"  {node.classes.raison}",
            ]
    if method.incertitude:
        lines += ["", *_uncertainty(method.incertitude)]
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


def _uncertainty(rules: Incertitude) -> Iterator[str]:
    """What is drawn to say how sure ranks are, and why."""
    data, choices, reading = rules.donnees, rules.methode, rules.lecture
    yield f"Incertitude : {number(rules.tirages)} tirages par analyse, graine {rules.graine}"
    yield (
        f"  bruit des données : modèle {data.modele}, effet de plan {number(data.effet_plan, 1)}, "
        f"recensement exhaustif sous {number(data.exhaustif)} habitants"
    )
    yield from _reason(data.raison, data.reference, "  ")
    yield (
        f"  choix de méthode : concentration {number(choices.concentration)}, "
        f"{listing(choices.normalisations)} ; {listing(choices.agregations)} ; un indicateur de "
        f"moins dans {number(100 * choices.part_retrait)} % des tirages"
    )
    yield from _reason(choices.raison, choices.reference, "  ")
    yield (
        f"  lecture : net {number(reading.net, 1)} ; probable {number(reading.probable, 1)} ; "
        f"pas de signal {number(reading.sans, 1)}"
    )
    yield from _reason(reading.raison, reading.reference, "  ")


def _tree(method: Method) -> Iterator[str]:
    """The tree, each child under its parent, with the reasons of its numbers."""
    yield f"  {method.column(method.root)} : {method.noeuds[method.root].libelle}"
    pending = [(child, method.root, 2) for child in method.weights[method.root]]
    while pending:
        code, parent, depth = pending.pop(0)
        indent = "  " * min(depth, 12)
        weight, share = method.weights[parent][code], method.shares[code]
        numbers = f"{number(weight, 3)} ; {number(share, 3)}"
        if code in method.noeuds:
            node = method.noeuds[code]
            yield f"{indent}{method.column(code)} : {numbers}  {node.libelle}"
            yield from _reason(node.raison, node.reference, indent)
            pending[:0] = [(child, code, depth + 1) for child in method.weights[code]]
        else:
            one = method.indicateurs[code]
            yield f"{indent}{code} : {numbers}  {one.libelle}"
            yield f"{indent}  {_points(one)} {one.unite} ({_DIRECTIONS[one.sens]})"
            if one.lissage:
                yield from _reason(f"Lissée. {one.lissage.raison}", one.lissage.reference, indent)
            yield from _reason(one.raison, one.reference, indent)


def _points(indicator: Indicateur) -> str:
    """Values that score 0 and 100 points, where the indicator has them."""
    if indicator.points_0 is None or indicator.points_100 is None:
        return "sans bornes, en"
    low, high = (f"{x:g}".replace(".", ",") for x in (indicator.points_0, indicator.points_100))
    return f"{low} → {high}"


def _oldest(method: Method) -> str:
    """The age beyond which figures are no longer scored."""
    if method.age_max is None:
        return "Âge maximal des données : aucun."
    return (
        f"Âge maximal des données : {number(method.age_max.valeur)} {method.age_max.unite}. "
        f"{method.age_max.raison}"
    )


def _reason(reason: str, reference: str, indent: str) -> Iterator[str]:
    if reason:
        yield paragraph(f"{reason} ({reference})", indent + "  ")


def render_calibration(limits: list[Limit]) -> str:
    """Write declared and recomputed limits side by side."""
    width = max((len(limit.cle) for limit in limits), default=0)
    lines = [f"{'clé'.ljust(width)}  {'déclaré':>9}  {'recalculé':>9}"]
    lines += [
        f"{limit.cle.ljust(width)}  {number(limit.declare, 1):>9}  {number(limit.recalcule, 1):>9}"
        for limit in limits
    ]
    lines += [
        "",
        "Les nombres déclarés restent : figés, ils gardent les années comparables.",
        "Les bornes du réseau sont absolues (0 = service universel) et ne se recalculent pas.",
    ]
    return "\n".join(lines)
