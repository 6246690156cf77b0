"""Which communes a build holds: départements, a region, an EPCI, or all of France."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fragilite.cog import departements, parse_departement, parse_epci, parse_region
from fragilite.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


#: Name of the territory that is the whole country.
FRANCE = "france"


@dataclass(frozen=True)
class Territory:
    """A set of communes, by the code that selects it.

    Attributes
    ----------
    nom : str
        Stem of the files: ``"49"``, ``"44-49"``, ``"r52"``, ``"epci-200060010"``, ``"france"``.
    libelle : str
        Name for readers.
    departements : tuple of str
        Codes of the départements it covers; empty where only the table of EPCI can tell.
    epci : str
        SIREN of the EPCI, ``""`` if it is not one.
    """

    nom: str
    libelle: str
    departements: tuple[str, ...] = ()
    epci: str = ""

    def select(self, communes: pd.DataFrame) -> pd.DataFrame:
        """Rows of a frame of communes (``code_epci``, ``code_departement``) that belong to it.

        Raises
        ------
        UsageError
            If no commune does.
        """
        if self.epci:
            chosen = communes[communes["code_epci"] == self.epci]
        else:
            chosen = communes[communes["code_departement"].isin(self.departements)]
        if chosen.empty:
            raise UsageError(
                f"Aucune commune pour {self.libelle}.", "Vérifiez le code : fragilite build --help"
            )
        return chosen


#: Above this many départements, a file name that lists them no longer fits.
LISTED = 8


def _stem(codes: list[str]) -> str:
    if len(codes) <= LISTED:
        return "-".join(codes)
    digest = hashlib.sha256("-".join(codes).encode()).hexdigest()[:6]
    return f"{len(codes)}-departements-{digest}"


def parse_territory(
    dept: str | None = None,
    region: str | None = None,
    epci: str | None = None,
    *,
    france: bool = False,
) -> Territory:
    """Read the territory of a command, exactly one of the four.

    Examples
    --------
    >>> parse_territory("49").libelle, parse_territory("49,44").nom
    ('Maine-et-Loire (49)', '44-49')
    """
    options = {"--dept": dept, "--region": region, "--epci": epci, "--france": france}
    given = [name for name, value in options.items() if value]
    if not given:
        raise UsageError("Il manque le territoire.", "Ajoutez-le, comme --dept 49.")
    if len(given) > 1:
        raise UsageError(
            f"Un seul territoire à la fois : {' et '.join(given)} se contredisent.",
            "Plusieurs départements s'écrivent --dept 44,49.",
        )
    if dept:
        found = sorted({parse_departement(code).code for code in dept.split(",")})
        names = [departements()[code] for code in found]
        label = ", ".join(f"{one.nom} ({one.code})" for one in names)
        return Territory(_stem(found), label, tuple(found))
    if region:
        found_region = parse_region(region)
        label = f"{found_region.nom} (région {found_region.code})"
        return Territory(f"r{found_region.code}", label, found_region.departements)
    if epci:
        siren = parse_epci(epci)
        return Territory(f"epci-{siren}", f"EPCI {siren}", epci=siren)
    return Territory(FRANCE, "France", tuple(sorted(departements())))
