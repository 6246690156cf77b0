"""What a document is about: some communes, an EPCI, or départements, inside the build around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fragilite.errors import UsageError
from fragilite.explanation import ambiguous, departement_for, find
from fragilite.french import listing, of_name, plural
from fragilite.narrative import epci_name
from fragilite.pipeline import Build
from fragilite.territory import Territory

#: Above this many communes, a title gives their number, and a question too.
NAMED, ASKED = 4, 12
#: Communes that a name may mean, in an error: the eleventh reads no better than a count.
LISTED = 10


@dataclass(frozen=True)
class Subject:
    """A part of a build, or all of it.

    Attributes
    ----------
    nom : str
        Stem of the files: ``49221-49180``, ``epci-200071876``, ``49``.
    titre : str
        Name for a title: ``CA Saumur Val de Loire``.
    complement : str
        After « les habitants » : ``de la CA Saumur Val de Loire``.
    communes : tuple of str
        Its communes, in the order asked for or that of codes.
    epci : tuple of str
        EPCI described as wholes; empty where communes are described.
    """

    nom: str
    titre: str
    complement: str
    communes: tuple[str, ...]
    epci: tuple[str, ...] = ()

    def is_whole(self, build: Build) -> bool:
        """Whether it is all that a build holds."""
        return len(self.communes) == len(build.communes)


def of_departements(build: Build) -> Subject:
    """All of a build, its EPCI side by side."""
    where, names = build.inputs.territory, build.communes["nom_departement"].unique()
    many = "s" if len(names) > 1 else ""
    return Subject(
        where.nom,
        where.libelle,
        f"d{'es' if many else 'u'} département{many} ({listing(list(names))})",
        tuple(build.communes["code_insee"]),
        tuple(build.epci["code_epci"]),
    )


def of_epci(build: Build, siren: str) -> Subject:
    """An EPCI of a build."""
    if siren not in set(build.epci["code_epci"]):
        raise UsageError(
            f"Aucun EPCI {siren} dans {build.inputs.territory.libelle}.", "Vérifiez son SIREN."
        )
    name = build.epci.set_index("code_epci").loc[siren, "nom_epci"]
    towns = build.communes.loc[build.communes["code_epci"] == siren, "code_insee"]
    return Subject(f"epci-{siren}", str(name), _of_epci(str(name)), tuple(towns), (siren,))


def _of_epci(name: str) -> str:
    """An EPCI after « de »: its article, where it has one, is never contracted.

    Examples
    --------
    >>> _of_epci("CA Saumur Val de Loire"), _of_epci("Orléans Métropole")
    ('de la CA Saumur Val de Loire', "d'Orléans Métropole")
    """
    said = epci_name(name)
    return of_name(name) if said == name else f"de {said}"


def of_communes(build: Build, asked: Sequence[str]) -> Subject:
    """Communes of a build, by code or by name, today's or former ones.

    Raises
    ------
    UsageError
        If a name is unknown, or may mean several communes.
    """
    codes: dict[str, str] = {}
    for text in asked:
        try:
            found = find(text, build.inputs)
        except UsageError as error:  # its remedy is the option of another command
            near = error.remedy.partition(" Ailleurs")[0]
            asks = "" if near.startswith("Donnez son code") else " Ailleurs, donnez son code."
            raise UsageError(error.message, near + asks) from error
        if len(found) > 1:
            many = _few(ambiguous(text, found[:LISTED]), len(found) - LISTED)
            raise UsageError(many.message, f"Donnez son code, comme {found[0].code}.")
        codes[found[0].code] = found[0].nom
    names = list(codes.values())
    count = plural(len(names), "commune")
    return Subject(
        _stem(list(codes)),
        listing(names) if len(names) <= NAMED else count,
        listing([of_name(name) for name in names]) if len(names) <= ASKED else f"de {count}",
        tuple(codes),
    )


def _few(error: UsageError, others: int) -> UsageError:
    """The error on the first of many names, with how many others there are."""
    if others < 1:
        return error
    more = plural(others, "autre")
    return UsageError(f"{error.message.removesuffix('.')} et {more}.", error.remedy)


def _stem(codes: Sequence[str]) -> str:
    """Codes of a file name, their number where they would not fit."""
    if len(codes) <= 2 * NAMED:
        return "-".join(codes)
    return f"{codes[0]}-et-{len(codes) - 1}-autres"


def departements_of(asked: Sequence[str], available: list[str]) -> list[str]:
    """Départements to build to describe communes: those of codes, the one at hand for names."""
    return list(dict.fromkeys(departement_for(text, available) for text in asked))


def split(text: str) -> list[str]:
    """Read ``49221, Saumur``; a code is cleaned when it is looked for.

    Raises
    ------
    UsageError
        If there is nothing in it.

    Examples
    --------
    >>> split("49221, Saumur,")
    ['49221', 'Saumur']
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise UsageError("--communes est vide.", "Exemple : --communes 49221,49180")
    return list(dict.fromkeys(found))


def restricted(build: Build, subject: Subject) -> Build:
    """The rows of a build that a subject is about; ranks stay those of the whole build."""
    if subject.is_whole(build):
        return build
    codes = set(subject.communes)
    towns = build.communes[build.communes["code_insee"].isin(codes)]
    held = build.epci["code_epci"].isin(set(towns["code_epci"]))
    where = Territory(subject.nom, subject.titre, build.inputs.territory.departements)
    sure = build.uncertainty
    if sure is not None:
        territories = sure.territoires
        sure = replace(sure, territoires=territories[territories.index.isin(codes)])
    return replace(
        build,
        inputs=replace(build.inputs, territory=where),
        communes=towns.reset_index(drop=True),
        epci=build.epci[held].reset_index(drop=True),
        uncertainty=sure,
    )
