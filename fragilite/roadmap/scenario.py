"""A scenario: what counts in the loads of posts, and the rules that a coordinator says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fragilite.errors import UsageError
from fragilite.faults import did_you_mean, record_fault, toml_fault
from fragilite.siting import Rules, Settings

#: Scenario that is used where none is asked for.
DEFAULT = "volume"
#: How EPCI may be respected: none, as declared, whole.
FREE, LOOSE, WHOLE = "non", "souple", "entiers"
#: Between the communes of one rule.
AND = "+"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Priorite(_Record):
    """Communes that count whole: those of a class, or of a higher one.

    Attributes
    ----------
    colonne : str
    minimum : int
    part_ailleurs : float
        What a person of another commune counts for, 0–1.
    raison : str
    """

    colonne: Literal["classe", "classe_usages"]
    minimum: int = Field(ge=1, le=5)
    part_ailleurs: float = Field(ge=0, le=1)
    raison: str = ""


class Scenario(_Record):
    """What a roadmap is asked.

    Attributes
    ----------
    code, libelle, description : str
    priorite : Priorite or None
        None: each person counts, wherever they live.
    postes : int or None
    respect_epci : str or float
        ``non``, ``souple`` (the declared weight), ``entiers``, or metres per person.
    garder, interdire : list of str
        Communes between ``+``: together; a commune alone without a base, several apart.
    max_par_epci : int or None
    min_demi_journees : int
    tolerance : float or None
        Largest distance of a load from the mean, as a share of it; the declared one if None.
    """

    code: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    libelle: str = Field(min_length=1)
    description: str = ""
    priorite: Priorite | None = None
    postes: int | None = Field(default=None, ge=1)
    respect_epci: str | float | int | None = None
    garder: list[str] = []
    interdire: list[str] = []
    max_par_epci: int | None = Field(default=None, ge=1)
    min_demi_journees: int | None = Field(default=None, ge=0)
    tolerance: float | None = Field(default=None, ge=0, le=1)


@dataclass(frozen=True)
class Asked:
    """What the command line asks of every scenario; a scenario's own word wins.

    Attributes
    ----------
    As those of :class:`Scenario`.
    """

    postes: int | None = None
    respect_epci: str | None = None
    garder: Sequence[str] = ()
    interdire: Sequence[str] = ()
    max_par_epci: int | None = None
    min_demi_journees: int | None = None


def completed(scenario: Scenario, asked: Asked) -> Scenario:
    """A scenario with what the command line says and it does not; rules add up."""
    said = {
        name: getattr(asked, name)
        for name in ("postes", "respect_epci", "max_par_epci", "min_demi_journees")
        if getattr(scenario, name) is None
    }
    return scenario.model_copy(
        update={
            **said,
            "garder": [*scenario.garder, *asked.garder],
            "interdire": [*scenario.interdire, *asked.interdire],
        }
    )


def available() -> list[str]:
    """Scenarios that travel with the program."""
    entries = (files("fragilite.roadmap") / "scenarios").iterdir()
    return sorted(one.name.removesuffix(".toml") for one in entries if one.name.endswith(".toml"))


def scenario_text(name: str = DEFAULT) -> str:
    """The file of a scenario of the program, comments included."""
    return (files("fragilite.roadmap") / "scenarios" / f"{name}.toml").read_text("utf-8")


def load_scenario(name: str) -> Scenario:
    """Read a scenario: one of the program's, or a TOML file.

    Raises
    ------
    UsageError
        Saying what is wrong, and where.
    """
    if name in available():
        return _parsed(scenario_text(name), name)
    path = Path(name)
    if path.suffix != ".toml":
        raise UsageError(
            f"Scénario inconnu : « {name} ».{did_you_mean(name, available())}",
            f"Donnez un fichier .toml, ou l'un de ceux-ci : {', '.join(available())}.",
        )
    try:
        return _parsed(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} : fichier illisible.", "Vérifiez le chemin.") from error


def _parsed(text: str, name: str) -> Scenario:
    remedy = "Un scénario à adapter : fragilite roadmap --template scenario.toml"
    try:
        return Scenario.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{name} : ce n'est pas du TOML lisible : {toml_fault(error)}.", remedy
        ) from error
    except ValidationError as error:
        problem = record_fault(error.errors()[0], suggest=_suggestion)
        raise UsageError(f"{name} : {problem}", remedy) from error


def _suggestion(place: tuple[Any, ...]) -> str:
    record = Scenario if len(place) == 1 else Priorite
    return did_you_mean(str(place[-1]), list(record.model_fields))


# --- in the words of the siting --------------------------------------------------------------


def rules_of(scenario: Scenario, find: Callable[[str], str]) -> Rules:
    """Rules of a scenario.

    Parameters
    ----------
    scenario : Scenario
    find : callable
        From what a coordinator writes (a code, a name) to a code.

    Raises
    ------
    UsageError
        If a rule names one commune where several are needed, or a commune that is not there.
    """
    together, without, apart = [], [], []
    for text in scenario.garder:
        codes = _communes(text, find)
        if len(codes) < 2:
            raise UsageError(
                f"Règle « garder {text} » : deux communes au moins attendues.",
                "Séparez-les par + : --keep 49328+49123",
            )
        together.append(codes)
    for text in scenario.interdire:
        codes = _communes(text, find)
        if len(codes) == 1:
            without.append(codes[0])
        apart += [(one, other) for at, one in enumerate(codes) for other in codes[at + 1 :]]
    return Rules(
        ensemble=tuple(together),
        sans_base=tuple(without),
        separer=tuple(apart),
        max_par_epci=scenario.max_par_epci,
        min_demi_journees=scenario.min_demi_journees or 0,
        epci_entiers=scenario.respect_epci == WHOLE,
    )


def _communes(text: str, find: Callable[[str], str]) -> tuple[str, ...]:
    names = [part.strip() for part in text.split(AND) if part.strip()]
    if not names:
        raise UsageError(f"Règle « {text} » : aucune commune.", "Exemple : --keep 49328+49123")
    return tuple(dict.fromkeys(find(name) for name in names))


def settings_of(scenario: Scenario, temps_max: float | None = None) -> Settings:
    """Settings of a scenario.

    Raises
    ------
    UsageError
        If it says no number of posts, or a word of EPCI that is not known.
    """
    if scenario.postes is None:
        raise UsageError("Il manque le nombre de postes à partager.", "Exemple : --posts 8")
    changes: dict[str, Any] = {"poids_epci": cut_weight(scenario.respect_epci)}
    changes |= {"tolerance": scenario.tolerance, "temps_max": temps_max}
    given = {name: value for name, value in changes.items() if value is not None}
    return Settings(scenario.postes, **given)


def cut_weight(said: str | float | None) -> float | None:
    """Metres per person that one more cut of an EPCI weighs; None is the declared weight.

    Examples
    --------
    >>> cut_weight("non"), cut_weight("500"), cut_weight("souple")
    (0.0, 500.0, None)
    """
    if said is None or said in {LOOSE, WHOLE}:
        return None
    if said == FREE:
        return 0.0
    if isinstance(said, str) and not re.fullmatch(r"\d+([.,]\d+)?", said.strip()):
        raise UsageError(
            f"Respect des EPCI : « {said} » inconnu.",
            f"Donnez {FREE}, {LOOSE}, {WHOLE}, ou un nombre de mètres par personne.",
        )
    return float(str(said).replace(",", "."))
