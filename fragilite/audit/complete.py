"""The audit of a build with all the evidence that can be had."""

from __future__ import annotations

from fragilite.audit.evidence import Audit, audit
from fragilite.certainty import analyse, sensitivity_of
from fragilite.pipeline import Build


def audited(build: Build) -> Audit:
    """The audit of a build, with the uncertainty and the sensitivity that its method declares."""
    rules = build.method.incertitude
    if rules is None:
        return audit(build)
    return audit(
        build,
        incertitude=analyse(build, rules),
        sensibilite=sensitivity_of(build.result, build.method, rules, build.reference),
    )
