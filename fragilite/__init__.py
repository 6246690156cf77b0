"""Indice de fragilité numérique des communes françaises, à partir de données ouvertes.

>>> import fragilite
>>> result = fragilite.build("49")
>>> fragilite.explain(result, "49007")["commune"]["nom"]
'Angers'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fragilite.explanation import explain as explain
    from fragilite.method import load_method as load_method
    from fragilite.pipeline import build as build

__version__ = "1.3.0"
__all__ = ["__version__", "build", "explain", "load_method"]

_HOMES = {
    "build": "fragilite.pipeline",
    "explain": "fragilite.explanation",
    "load_method": "fragilite.method",
}


def __getattr__(name: str) -> Any:
    """Import the public functions when they are asked for: `fragilite --help` needs none."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'fragilite' has no attribute {name!r}")
