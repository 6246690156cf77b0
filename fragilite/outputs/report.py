"""The page for a meeting: one HTML file that loads nothing, on a screen, a phone or paper."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fragilite.errors import UsageError
from fragilite.french import glued, lower_first, number, upper_first

if TYPE_CHECKING:
    from fragilite.inventory import Known
    from fragilite.pipeline import Build
    from fragilite.roadmap.study import Study
    from fragilite.trend import Trend

#: Bytes that a page may weigh: what goes by mail and opens at once on a phone.
HEAVIEST = 3_000_000
#: What would end the block of data, or a line of a script, early.
_ESCAPED = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def write(
    build: Build,
    path: Path,
    known: Known | None = None,
    study: Study | None = None,
    change: Trend | None = None,
) -> None:
    """Write the page of a build. No date of making: two runs give the same bytes.

    Parameters are those of :func:`render`.

    Raises
    ------
    UsageError
        If the territory is too large for one page.
    """
    path.write_bytes(render(build, known, study, change).encode("utf-8"))


def render(
    build: Build,
    known: Known | None = None,
    study: Study | None = None,
    change: Trend | None = None,
) -> str:
    """The page of a build.

    Parameters
    ----------
    build : Build
    known : Known, optional
        Places that help: a section, and a word in each sheet. Those of the study without it.
    study : Study, optional
        Scenarios of a roadmap: a section, maps of sectors, and a word in each sheet.
    change : Trend, optional
        What changed since earlier vintages: a section, a map, and a table in each sheet.

    Raises
    ------
    UsageError
        If the territory is too large for one page.
    """
    from fragilite.outputs.report_facts import gather

    if known is None and study is not None:
        known = study.known
    page = laid_out(gather(build, known, study, change))
    weight = len(page.encode("utf-8"))
    if weight > HEAVIEST:
        raise UsageError(
            f"{build.inputs.territory.libelle} : une page de {_megabytes(weight)} Mo, "
            f"{_megabytes(HEAVIEST)} Mo au plus pour qu'elle s'ouvre sur un téléphone.",
            "Faites une page par région ou par département : --region 52, --dept 49.",
        )
    return page


def _megabytes(weight: int) -> str:
    return number(weight / 1e6, 1)


def laid_out(facts: dict[str, Any]) -> str:
    """Facts in their template, with the style and the script inside.

    The page declares a policy by which nothing may be loaded, and only this style and this script,
    known by their digests, may act: the browser itself enforces that the file is self-contained.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    from fragilite.vintages import readable

    parts = _parts(facts)
    style = "".join(_text(f"{name}.css") for name in ("page", *parts))
    script = "".join(_text(f"{name}.js") for name in ("page", *parts, "opening"))
    environment = Environment(
        loader=FunctionLoader(lambda name: glued(_text(name))),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=_finished,
    )  # fmt: skip
    environment.filters["nombre"] = number
    environment.filters["minuscule"] = lower_first
    environment.filters["points"] = _points
    environment.filters["jour"] = _day
    environment.filters["lisible"] = readable
    page = environment.get_template("page.html").render(
        facts,
        style=Markup(style),
        script=Markup(script),
        empreinte_style=_digest(style),
        empreinte_script=_digest(script),
        bloc=Markup(glued(embedded(facts["donnees"]))),  # compact: no space outside of texts
    )
    return page.rstrip("\n") + "\n"


def _parts(facts: dict[str, Any]) -> list[str]:
    """Names of the styles and scripts that only some pages need, in the order they act."""
    wanted = {
        "help": facts["aide"] is not None or facts["route"] is not None,
        "change": facts["change"] is not None,
        "iris": facts["villes"] is not None,
    }
    return [name for name, there in wanted.items() if there]


def _finished(value: Any) -> Any:
    """Texts as they are set; the style, the script and the block of data as they are."""
    return glued(value) if type(value) is str else value


def _points(text: str) -> str:
    """A note as a sentence: a capital first, a full stop last."""
    return upper_first(text) + ("" if text.endswith((".", "?", "!")) else ".")


def _day(iso: str) -> str:
    """``30/06/2026``, or a dash where the date is unknown."""
    return "/".join(reversed(iso.split("-"))) or "–"


def embedded(data: Any) -> str:
    r"""JSON that no name can break out of, whatever it holds.

    Examples
    --------
    >>> embedded({"nom": "</script>"})
    '{"nom":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPED)


def _text(name: str) -> str:
    return (files("fragilite.outputs") / "page" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Digest of an inline style or script, as a Content-Security-Policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
