"""Choose where the figures of a territory come from: bundled, or the publishers' own files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from fragilite.errors import SourceUnavailableError, UsageError
from fragilite.ingestion import bundled
from fragilite.ingestion.catalogue import SURVEY
from fragilite.ingestion.lots import Gathered, GatheredIris
from fragilite.ingestion.options import Needs, Options
from fragilite.territory import Territory

if TYPE_CHECKING:
    import pandas as pd


def gather(territory: Territory, annee: int, needs: Needs, options: Options) -> Gathered:
    """Have the figures of a territory.

    The bundled ones serve a département that travels with the program, and the EPCI that it holds
    whole, unless raw files are asked for (`--raw`, `--frozen`, `--vintage`, `--without`). A local
    survey (`--indicateur`) joins either.
    """
    _check_survey(needs, options)
    if options.indicateur is None:
        return _published(territory, annee, needs, options)
    from fragilite.ingestion import survey  # reads workbooks: heavy

    asked = survey.read(options.indicateur, annee)  # what is wrong in it is said before all else
    return survey.joined(_published(territory, annee, needs, options), asked, territory, annee)


def _check_survey(needs: Needs, options: Options) -> None:
    """A survey is given where the method counts one, and only there."""
    if needs.survey and options.indicateur is None and SURVEY not in options.without:
        raise UsageError(
            "La méthode compte une enquête locale, et aucune n'est donnée.",
            "Ajoutez --indicateur enquete.csv (colonnes code_insee, taux, effectif, annee).",
        )
    if options.indicateur is not None and not needs.survey:
        raise UsageError(
            f"--indicateur {options.indicateur} : la méthode ne compte pas d'enquête locale.",
            "Écrivez-en une qui la compte : fragilite method new mienne.toml --indicateur, puis "
            "ajoutez --method mienne.toml",
        )


def _published(territory: Territory, annee: int, needs: Needs, options: Options) -> Gathered:
    """The figures that are published."""
    home = bundled.home_of(territory)
    if options.plain and home:
        return bundled.read(home, annee)
    from fragilite.ingestion import files  # reads archives, workbooks and outlines: heavy

    try:
        return files.gather(territory, annee, needs, options)
    except SourceUnavailableError as error:
        held = bundled.held_in_part(territory.epci)
        if not held:
            raise
        raise SourceUnavailableError(f"{held} {error.message}", error.remedy) from error


def gather_iris(
    territory: Territory,
    communes: pd.Index,
    annee: int,
    needs: Needs,
    options: Options,
    *,
    wanted: bool,
) -> GatheredIris | None:
    """Have the figures by IRIS of a territory, from where its figures by commune come.

    Parameters
    ----------
    communes : Index of str
        Those of the territory.
    wanted : bool
        Fetch those that are not at hand; else they serve only if they are.

    Returns
    -------
    GatheredIris or None
        None where none is at hand, and none was wanted.

    Raises
    ------
    FragiliteError
        If they are wanted and cannot be had.
    """
    home = bundled.home_of(territory)
    at_hand = bundled.read_iris(home, annee) if options.plain and home else None
    if at_hand and not wanted:
        return replace(at_hand, quartiers=partial(_quartiers, at_hand, communes, options))
    from fragilite.ingestion import files

    if at_hand:
        return files.with_outlines(at_hand, communes, options)
    return files.gather_iris(territory, communes, annee, needs, options, wanted=wanted)


def _quartiers(found: GatheredIris, communes: pd.Index, options: Options) -> pd.DataFrame | None:
    """Priority neighbourhoods of the bundled IRIS: readers of files are loaded when asked."""
    from fragilite.ingestion import files

    return files.quartiers_at_hand(found, communes, options)
