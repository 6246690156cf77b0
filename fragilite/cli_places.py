"""Commands about places that help: read a list, check one, bring several together, export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fragilite.cli_options import Dept, Json, Overwrite, Report, dumped, options_of
from fragilite.errors import CheckFailedError, UsageError
from fragilite.french_help import FrenchCommand, FrenchGroup

if TYPE_CHECKING:
    import pandas as pd

    from fragilite.places.communes import Communes
    from fragilite.places.merging import Merged
    from fragilite.places.schema import Places, Remarque

PANEL = "Passer à l'action"
#: Remarks shown on a terminal; --json gives them all.
SHOWN = 12

Lists = Annotated[
    list[Path], typer.Argument(metavar="LISTE", help="Listes de lieux : CSV ou tableurs.")
]
MappingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mapping",
        metavar="NOM|FICHIER",
        help="Correspondance livrée ou fichier TOML, pour la liste qui en a les colonnes "
        "(répétable) ; les autres listes sont reconnues.",
        show_default=False,
    ),
]
Names = Annotated[
    Path | None,
    typer.Option(
        "--raw",
        metavar="DOSSIER",
        help="Dossier de la liste des communes de l'Insee (fragilite fetch insee_cog), dont les "
        "noms retrouvent un code absent ; ceux du 49 sont livrés.",
        show_default=False,
    ),
]
DateOption = Annotated[
    str | None,
    typer.Option(
        "--date",
        metavar="AAAA-MM-JJ",
        help="Date de la liste, si ce n'est pas celle que la correspondance déclare.",
        show_default=False,
    ),
]
Decisions = Annotated[
    Path | None,
    typer.Option(
        "--decisions",
        metavar="FICHIER",
        help="Paires jugées par une personne : id_a, id_b, verdict (meme ou different).",
        show_default=False,
    ),
]
Objections = Annotated[
    Path | None,
    typer.Option(
        "--objections",
        metavar="FICHIER",
        help="Objections : id, role, date, objection ; gardées à côté des lieux.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    places = typer.Typer(
        cls=FrenchGroup,
        rich_markup_mode=None,
        subcommand_metavar="COMMANDE [ARGUMENTS]...",
        invoke_without_command=True,
    )
    places.callback()(_top)
    for name, command in (
        ("template", _template),
        ("check", _check),
        ("mapping", _mapping),
        ("read", _read),
        ("merge", _merge),
        ("export", _export),
    ):
        places.command(name, cls=FrenchCommand)(command)
    app.add_typer(
        places,
        name="places",
        help="Lire, vérifier, rassembler et exporter les lieux qui aident.",
        rich_help_panel=PANEL,
    )


def _top(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _template(
    file: Annotated[
        Path, typer.Argument(metavar="FICHIER", help="Fichier à créer : .xlsx ou .csv.")
    ],
    overwrite: Overwrite = False,
) -> None:
    """Écrit le tableau que remplit un acteur local, avec son mode d'emploi."""
    from fragilite.places.checking import template_csv, write_template
    from fragilite.report_file import write_file, write_report

    if file.suffix.lower() == ".csv":
        write_report(file, template_csv(), ".csv", overwrite=overwrite)
    else:
        write_file(file, write_template, [".xlsx", ".csv"], overwrite=overwrite)
    typer.echo(file)


def _check(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Tableau rempli.")],
    raw: Names = None,
    as_json: Json = False,
) -> None:
    """Vérifie un tableau rempli, ligne par ligne, et dit comment corriger."""
    from dataclasses import asdict

    from fragilite.french import plural
    from fragilite.places.checking import check

    found = check(file, communes=_names(raw))
    wrong = sum(problem.bloquant for problem in found)
    if as_json:
        typer.echo(dumped([asdict(problem) for problem in found]))
    else:
        for problem in found:
            typer.echo(str(problem))
    if wrong:
        raise CheckFailedError(
            f"{file} : {plural(wrong, 'correction')} à faire.",
            "Corrigez ces lignes, puis relancez cette commande.",
        )
    if not as_json:
        typer.echo(f"{file} : tout est bon.")


def _mapping(
    name: Annotated[
        str,
        typer.Argument(metavar="[NOM]", help="Correspondance à montrer (par défaut leur liste)."),
    ] = "",
) -> None:
    """Liste les correspondances livrées, ou en montre une à recopier pour une autre liste."""
    from fragilite.places.mapping import OWN, declaration, mappings

    if name:
        typer.echo(declaration(name), nl=False)
        return
    for code, mapping in mappings().items():
        if code != OWN:
            typer.echo(f"{code}  {mapping.liste.titre}")


def _read(
    files: Lists,
    mapping: MappingOption = None,
    date: DateOption = None,
    dept: Dept = None,
    raw: Names = None,
    output: Report = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Lit des listes et les ramène au même tableau ; dit ce qui a été retiré ou corrigé."""
    from fragilite.places.export import places_csv
    from fragilite.report_file import check_target, write_report

    if output is not None:
        check_target(output, [".csv"], overwrite=overwrite)
    places = _places(files, mapping, date, dept, raw)
    if output is not None:
        write_report(output, places_csv(places.lieux), ".csv", overwrite=overwrite)
    typer.echo(dumped(_facts(places)) if as_json else _told(places))
    if output is not None:
        typer.echo(output, err=as_json)


def _merge(
    files: Lists,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DOSSIER", help="Dossier des tableaux à écrire."),
    ],
    decisions: Decisions = None,
    objections: Objections = None,
    mapping: MappingOption = None,
    date: DateOption = None,
    dept: Dept = None,
    raw: Names = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Rassemble les lignes qui sont le même lieu : tout est gardé, expliqué, et se défait."""
    from fragilite.places.merging import summary

    merged = _joined(_places(files, mapping, date, dept, raw), decisions, objections)
    written = _write_tables(merged, output, overwrite=overwrite)
    if as_json:
        typer.echo(dumped({"lieux": len(merged.lieux), "lignes": len(merged.lignes),
                           "liens": merged.liens["verdict"].value_counts().to_dict(),
                           "conflits": len(merged.conflits), "remarques": _lines(merged.remarques),
                           "fichiers": written}))  # fmt: skip
        return
    typer.echo(_shown(merged.remarques) + summary(merged))
    for path in written:
        typer.echo(path)


def _export(
    files: Lists,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FICHIER",
            help=".csv (standard mednum), .geojson ou .gpkg.",
        ),
    ],
    decisions: Decisions = None,
    mapping: MappingOption = None,
    date: DateOption = None,
    dept: Dept = None,
    raw: Names = None,
    overwrite: Overwrite = False,
) -> None:
    """Rassemble des listes et les écrit au standard mednum, en GeoJSON ou en GeoPackage."""
    from fragilite.places import export
    from fragilite.places.schema import Remarque
    from fragilite.report_file import check_target, write_file

    suffixes = [".csv", ".geojson", ".gpkg"]
    check_target(output, suffixes, overwrite=overwrite)
    places = _places(files, mapping, date, dept, raw)
    merged = _joined(places, decisions, None)
    lieux = merged.lieux
    left: list[str] = []
    suffix = output.suffix.lower()
    if suffix == ".gpkg":
        write_file(
            output, lambda path: export.write_geopackage(lieux, path), suffixes, overwrite=overwrite
        )
    else:
        if suffix == ".csv":
            text, left = export.mednum_csv(lieux)
        else:
            text = export.geojson(lieux)
        write_file(
            output, lambda path: path.write_bytes(text.encode()), suffixes, overwrite=overwrite
        )
    notes = [Remarque(output.name, None, f"non exporté : {text}") for text in left]
    notes += [
        Remarque(
            output.name, None, f"source {one.titre}, {one.producteur}, licence : {one.licence}"
        )
        for one in places.origines
        if one.lieux
    ]
    typer.echo(_shown([*merged.remarques, *notes]), err=True, nl=False)
    typer.echo(output)


# --- what they share -----------------------------------------------------------------------------


def _places(
    files: list[Path],
    mapping: list[str] | None,
    date: str | None,
    dept: str | None,
    raw: Path | None,
) -> Places:
    """The lists, read and put end to end, kept to some départements."""
    from fragilite.cog import parse_departement
    from fragilite.places.cleaning import parse_date
    from fragilite.places.reading import read_lists

    if date and parse_date(date) != date:
        raise UsageError(f"--date : « {date} » n'est pas une date.", "Exemple : --date 2024-08-01.")
    kept = [parse_departement(code).code for code in dept.split(",")] if dept else []
    return read_lists(
        files, mapping or (), communes=_names(raw), date=date or "", departements=kept
    )


def _names(raw: Path | None) -> Communes | None:
    """Names of the communes of France where a folder holds them; else those that are bundled."""
    if raw is None:
        return None
    from fragilite.ingestion.files import commune_names
    from fragilite.places.communes import Communes

    return Communes.of(*commune_names(options_of(raw, None, None, offline=True)))


def _joined(places: Places, decisions: Path | None, objections: Path | None) -> Merged:
    from fragilite.places.merging import merge, read_decisions, read_objections

    return merge(
        places,
        read_decisions(decisions) if decisions else (),
        read_objections(objections) if objections else None,
    )


def _write_tables(merged: Merged, folder: Path, *, overwrite: bool) -> list[Path]:
    """Write the tables of a merge in a folder: all of them, or none."""
    from fragilite.errors import FragiliteError, reason
    from fragilite.places.export import places_csv
    from fragilite.report_file import check_target

    doubts = merged.liens[merged.liens["verdict"] == "doute"]
    tables: dict[str, pd.DataFrame] = {
        "lieux": merged.lieux,
        "lignes": merged.lignes,
        "liens": merged.liens,
        "doutes": doubts.assign(verdict=""),
        "valeurs": merged.valeurs,
        "conflits": merged.conflits,
        "objections": merged.objections,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        targets = [folder / f"{name}.csv" for name in tables]
        for target in targets:
            check_target(target, [".csv"], overwrite=overwrite)
        with tempfile.TemporaryDirectory(prefix=".fragilite-", dir=folder) as staging:
            for target, table in zip(targets, tables.values(), strict=True):
                (Path(staging) / target.name).write_text(places_csv(table), encoding="utf-8")
            for target in targets:
                (Path(staging) / target.name).replace(target)
    except OSError as error:
        raise FragiliteError(
            f"Impossible d'écrire dans {folder} : {reason(error)}.", "Donnez un autre dossier."
        ) from error
    return targets


def _facts(places: Places) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "lieux": len(places.lieux),
        "listes": [asdict(one) for one in places.origines],
        "types": places.lieux["type"].value_counts().to_dict(),
        "sans_code": int((places.lieux["code_insee"] == "").sum()),
        "sans_point": int(places.lieux["longitude"].isna().sum()),
        "remarques": _lines(places.remarques),
    }


def _told(places: Places) -> str:
    from fragilite.french import number, plural
    from fragilite.places.schema import schema

    lines = [
        f"{one.fichier} : {one.titre} ({one.producteur}), {plural(one.lieux, 'lieu', 'lieux')}, "
        f"licence : {one.licence}"
        for one in places.origines
    ]
    words = schema().words("type")
    kinds = places.lieux["type"].value_counts()
    lines.append(f"{plural(len(places.lieux), 'lieu', 'lieux')} :")
    lines += [
        f"  {number(count)} {words[str(kind)].libelle if kind else 'de type inconnu'}"
        for kind, count in kinds.items()
    ]
    return _shown(places.remarques) + "\n".join(lines)


def _lines(remarks: tuple[Remarque, ...]) -> list[str]:
    return [str(remark) for remark in remarks]


def _shown(remarks: Any) -> str:
    """The first remarks, and how many more there are."""
    from fragilite.french import paragraph, plural

    told = list(map(str, remarks[:SHOWN]))
    if len(remarks) > SHOWN:
        told.append(f"et {plural(len(remarks) - SHOWN, 'remarque')} de plus.")
    lines = [paragraph(f"- {text}", "  ").replace("\n", "\n  ") for text in told]
    return "".join(f"{line}\n" for line in lines)
