"""The internal coherence of a method on a territory: :func:`audit` measures, the rest writes it.

The ten steps are those of the OECD/JRC Handbook on Constructing Composite Indicators (2008).
"""

from fragilite.audit.evidence import Audit, audit
from fragilite.audit.report import facts, markdown, render, summary

__all__ = ["Audit", "audit", "facts", "markdown", "render", "summary"]
