"""What is wrong in a TOML file of declared records, in French: place, expected, found."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Collection, Sequence
from typing import Any


def _unsaid(_: tuple[Any, ...]) -> str:
    return ""


_TOML_FAULTS = {
    "Cannot overwrite a value": "clé en double",
    "Cannot declare": "table en double",
    "Expected newline or end of document": "un seul nombre ou texte par ligne (les décimales "
    "s'écrivent avec un point)",
    "Unclosed array": "liste non fermée",
    "Invalid value": "valeur illisible (un texte se met entre guillemets)",
    "Unterminated string": "guillemets non fermés",
    "Illegal character": "caractère interdit",
}


def toml_fault(error: tomllib.TOMLDecodeError) -> str:
    """Why a text is not TOML, and where."""
    message = str(error)
    fault = next((french for english, french in _TOML_FAULTS.items() if english in message), "")
    place = message[message.rfind("(at ") + 4 : -1] if "(at " in message else ""
    for english, french in (
        ("line", "ligne"),
        ("column", "colonne"),
        ("end of document", "fin du fichier"),
    ):
        place = place.replace(english, french)
    return ", ".join(filter(None, [place, fault])) or "syntaxe inattendue"


_EXPECTED = {
    "missing": "clé manquante",
    "float_parsing": "nombre attendu",
    "float_type": "nombre attendu",
    "int_parsing": "nombre entier attendu",
    "int_type": "nombre entier attendu",
    "int_from_float": "nombre entier attendu",
    "string_type": "texte attendu",
    "bool_parsing": "true ou false attendu",
    "bool_type": "true ou false attendu",
    "list_type": "liste attendue",
    "dict_type": "table attendue",
    "model_type": "table attendue",
    "model_attributes_type": "table attendue",
    "date_type": "date attendue, comme 2026-11-21",
    "date_parsing": "date attendue, comme 2026-11-21",
    "date_from_datetime_parsing": "date attendue, comme 2026-11-21",
    "string_pattern_mismatch": "lettres minuscules, chiffres, tirets et points attendus",
    "union_tag_not_found": "clé `type` manquante",
    "finite_number": "nombre fini attendu",
    "string_too_short": "texte non vide attendu",
}


def record_fault(
    problem: Any,
    tags: Collection[str] = (),
    suggest: Callable[[tuple[Any, ...]], str] = _unsaid,
) -> str:
    """One line for an error of pydantic.

    Parameters
    ----------
    problem : dict
        One of ``ValidationError.errors()``.
    tags : collection of str
        Tags of unions, which pydantic adds to the path: they are not keys of the file.
    suggest : callable
        From the place of an unknown key to a proposal, or nothing.
    """
    kind, context = problem["type"], problem.get("ctx", {})
    where = ".".join(str(key) for key in problem["loc"] if key not in tags)
    found = shortened(problem["input"])
    if kind == "extra_forbidden":
        return f"{where} : clé inconnue.{suggest(problem['loc'])}"
    if kind == "missing":
        return f"{where} : clé manquante."
    if kind in {"literal_error", "union_tag_invalid"}:
        wanted = context.get("expected") or context.get("expected_tags", "")
        wanted = wanted.replace("' or '", "', '").replace("', '", " » ou « ").strip("'")
        wanted = f"« {wanted} »"
        if kind == "union_tag_invalid":
            where, found = f"{where}.type", context["tag"]
        return f"{where} : {wanted} attendu, trouvé « {found} »."
    if kind in {"greater_than", "greater_than_equal", "less_than_equal"}:
        key = next(key for key in ("gt", "ge", "le") if key in context)
        sign = {"gt": "plus de", "ge": "au moins", "le": "au plus"}[key]
        bound = context[key]
        return f"{where} : {sign} {bound:g} attendu, trouvé {found}."
    if kind in {"too_short", "dictionary_too_short"}:
        least, length = context["min_length"], context["actual_length"]
        return f"{where} : au moins {least} élément(s) attendu(s), trouvé {length}."
    expected = _EXPECTED.get(kind, "valeur refusée")
    return f"{where} : {expected}, trouvé « {found} »."


def shortened(value: Any) -> str:
    """What was found, short enough for a line."""
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A proposal for a word that is unknown, or nothing.

    Examples
    --------
    >>> did_you_mean("poste", ["postes", "mode"])
    ' Vouliez-vous dire « postes » ?'
    """
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Vouliez-vous dire « {near[0]} » ?" if near else ""
