"""The files of a roadmap, in one folder: all of them, or none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pandas as pd

from fragilite.dictionary import Column
from fragilite.outputs import output_folder
from fragilite.outputs.tables import rounded
from fragilite.report_file import check_target, write_together
from fragilite.roadmap import tables
from fragilite.roadmap.covering import Covering
from fragilite.roadmap.study import Study

#: Tables written as CSV too, by the end of their name.
CSV: Mapping[str, Callable[[Study], pd.DataFrame]] = {
    "_postes.csv": tables.posts,
    "_communes.csv": tables.communes,
    "_calendrier.csv": tables.calendar,
}
#: What each writes: ends of the names of its files.
STUDY = (*CSV, ".xlsx", ".gpkg", ".docx", ".html")
COVERING = (".csv", ".gpkg")
SUFFIXES = (".csv", ".xlsx", ".gpkg", ".docx", ".html")


def check_folder(folder: Path) -> None:
    """Refuse a folder that could not be written in; its last level is made.

    Raises
    ------
    FragiliteError
        If it cannot be made or written in.
    """
    output_folder(folder, default=False)


def check_new(folder: Path, stem: str, ends: Collection[str], *, overwrite: bool) -> None:
    """Refuse files that exist, or are open elsewhere, before anything long is computed.

    Raises
    ------
    UsageError
        If one exists and is not to be replaced.
    FragiliteError
        If one is open in a word processor.
    """
    for end in ends:
        check_target(folder / f"{stem}{end}", SUFFIXES, overwrite=overwrite)


def write(
    study: Study, folder: Path, model: Path | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Write a study: tables, workbook, GeoPackage, document, page.

    Parameters
    ----------
    study : Study
    folder : Path
    model : Path, optional
        A house's Word model, for the document.
    overwrite : bool
        Replace files that exist.

    Returns
    -------
    list of Path

    Raises
    ------
    UsageError
        If a file exists.
    FragiliteError
        If a file cannot be written, or is open elsewhere.
    """
    from fragilite.outputs import report, roadmap_dossier, roadmap_geopackage, roadmap_workbook
    from fragilite.trend import whole_trend

    records = tables.columns(study.unit)
    stem = folder / study.nom
    writers: dict[Path, Callable[[Path], object]] = {
        Path(f"{stem}{end}"): _csv(make(study), records) for end, make in CSV.items()
    }
    writers |= {
        Path(f"{stem}.xlsx"): lambda path: roadmap_workbook.write(study, path),
        Path(f"{stem}.gpkg"): lambda path: roadmap_geopackage.write(study, path),
        Path(f"{stem}.docx"): lambda path: roadmap_dossier.write(study, path, model),
        Path(f"{stem}.html"): lambda path: report.write(
            study.build, path, known=study.known, study=study, change=whole_trend(study.build)
        ),
    }
    return write_together(writers, SUFFIXES, overwrite=overwrite)


def write_covering(found: Covering, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write a covering: its communes as CSV, and as a GeoPackage.

    Parameters and errors are those of :func:`write`.
    """
    from fragilite.outputs import covering_geopackage

    stem = folder / found.nom
    return write_together(
        {
            Path(f"{stem}.csv"): _csv(found.communes, tables.columns(found.unite)),
            Path(f"{stem}.gpkg"): lambda path: covering_geopackage.write(found, path),
        },
        SUFFIXES,
        overwrite=overwrite,
    )


def _csv(rows: pd.DataFrame, records: Mapping[str, Column]) -> Callable[[Path], object]:
    shown = rounded(rows, dict(records))
    return lambda path: shown.to_csv(path, index=False, lineterminator="\n")
