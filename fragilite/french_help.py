"""Help pages and usage errors in French: Typer's own words are English."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

_WORDS = {
    "Show this message and exit.": "Affiche cette aide.",
    "[required]": "[obligatoire]",
}

#: What a value should have been.
_EXPECTED = {
    "valid integer": "nombre entier",
    "valid number": "nombre (décimales après un point)",
}


def _write_help(command: Any, context: Any, formatter: Any) -> None:
    """Write usage, text, arguments, options, then commands by panel."""
    pieces = " ".join(command.collect_usage_pieces(context))
    for parameter in command.get_params(context):
        if isinstance(parameter, TyperArgument):
            pieces = pieces.replace(f"{{{_metavar(parameter)}}}", _metavar(parameter))
    formatter.write_usage(context.command_path, pieces, prefix="Usage : ")
    command.format_help_text(context, formatter)
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, TyperArgument):
            sections["Arguments"].append((_metavar(parameter), parameter.help or ""))
        elif record:
            sections["Options"].append((record[0], _french(record[1])))
    for name in command.list_commands(context) if isinstance(command, TyperGroup) else ():
        child = command.get_command(context, name)
        assert child is not None
        panel = child.rich_help_panel or "Commandes"
        sections.setdefault(panel, []).append((name, child.get_short_help_str(limit=200)))
    order = [name for name in sections if name not in {"Arguments", "Options"}]
    for name in ["Arguments", *order, "Options"]:
        if sections[name]:
            with formatter.section(f"{name} "):
                formatter.write_dl(sections[name])
    command.format_epilog(context, formatter)


def _metavar(argument: TyperArgument) -> str:
    return (argument.metavar or argument.name or "").strip("{}")


def _french(text: str) -> str:
    for english, french in _WORDS.items():
        text = text.replace(english, french)
    return text


class FrenchCommand(TyperCommand):
    """A command whose help page is in French."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole help page."""
        _write_help(self, ctx, formatter)


class FrenchGroup(TyperGroup):
    """A group of commands whose help page is in French, everyday commands first."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the whole help page."""
        _write_help(self, ctx, formatter)


def usage_error(error: Any) -> tuple[str, str]:
    """One French line for a usage error of Typer's parser, and the command that helps.

    Parameters
    ----------
    error : Exception
        An error with ``exit_code`` and ``format_message()``, recognised by the name of its class:
        Typer keeps the classes private.

    Returns
    -------
    message, remedy : str
    """
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "fragilite"
    return _message(error), f"Aide : {path} --help"


def _message(error: Any) -> str:
    kind, text = type(error).__name__, str(error.format_message())
    if kind == "NoSuchOption":
        near = ", ".join(sorted(error.possibilities or []))
        return f"Option inconnue : {error.option_name}." + (
            f" Vouliez-vous dire {near} ?" if near else ""
        )
    if kind == "MissingParameter":
        return f"Il manque {_hint(error)}."
    if kind == "BadOptionUsage":
        return f"L'option {error.option_name} demande une valeur."
    if kind == "BadParameter":
        wanted = [french for english, french in _EXPECTED.items() if english in text]
        return f"Valeur refusée pour {_hint(error)}" + (
            f" : {wanted[0]} attendu." if wanted else "."
        )
    if "No such command" in text:
        names = re.findall(r"'([^']*)'", text)
        near = " ou ".join(names[1:])
        return f"Commande inconnue : {names[0]}." + (f" Vouliez-vous dire {near} ?" if near else "")
    if "extra argument" in text:
        return f"Argument en trop : {text[text.rfind('(') + 1 : text.rfind(')')]}."
    if "Missing command" in text:
        return "Il manque une commande."
    return text


def _hint(error: Any) -> str:
    """The option or argument an error is about, as the user writes it."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return "un paramètre"
    if isinstance(parameter, TyperArgument):
        return f"l'argument {_metavar(parameter).strip('[]')}"
    return f"l'option {parameter.opts[0]}"
