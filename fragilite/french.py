"""Numbers, ordinals and lists as French readers write them."""

from __future__ import annotations

import math
import re
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence, Set

#: Narrow no-break space, between thousands.
THIN = "\u202f"

_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip


def number(value: float, decimals: int = 0) -> str:
    r"""Write a number with a decimal comma and thin spaces.

    Examples
    --------
    >>> number(18283.05), number(34.16, 1), number(-0.04, 1)
    ('18\u202f283', '34,2', '0,0')
    """
    if math.isnan(value):
        return "–"
    text = f"{value:,.{decimals}f}"
    if not text.strip("-0.,"):
        text = text.removeprefix("-")
    return text.replace(",", THIN).replace(".", ",").replace("-", "−")


def exact(value: float) -> str:
    r"""Write a number that a person chose, with the decimals it was given and no more.

    Examples
    --------
    >>> exact(55.0), exact(12.75), exact(1_234_567)
    ('55', '12,75', '1\u202f234\u202f567')
    """
    return number(value, len(f"{value:.6f}".rstrip("0").partition(".")[2]))


def quantity(value: float, decimals: int, unit: str) -> str:
    """Write a number with its unit: ``33,1 %``, ``18 283 personnes``, ``97,4`` for an index."""
    shown = number(value, decimals)
    if unit == "%":
        return f"{shown} %"
    return shown if unit.startswith("%") else f"{shown} {unit}".rstrip()


def share(value: float) -> str:
    """A share in percent; a small one is not said to be nothing.

    Examples
    --------
    >>> share(4.03), share(0.02), share(0)
    ('4,0 %', 'moins de 0,1 %', '0,0 %')
    """
    return "moins de 0,1 %" if 0 < value < 0.05 else quantity(value, 1, "%")


def day(iso: str) -> str:
    r"""An ISO date as it is read aloud.

    Examples
    --------
    >>> day("2026-11-01"), day("2026-11-21")
    ('1er\xa0novembre 2026', '21\xa0novembre 2026')
    """
    year, month, number_of_day = iso.split("-")
    shown = "1er" if number_of_day == "01" else number_of_day.lstrip("0")
    return f"{shown}\u00a0{_MONTHS[int(month) - 1]} {year}"


def ordinal(rank: int) -> str:
    """``1er``, ``2e``."""
    return "1er" if rank == 1 else f"{number(rank)}e"


def times(share: float) -> str:
    """A share as people count.

    Examples
    --------
    >>> times(0.9), times(0.987)
    ('90 fois sur 100', '98,7 fois sur 100')
    """
    return f"{number(100 * share, 1).removesuffix(',0')} fois sur 100"


def plural(count: int, singular: str, many: str = "") -> str:
    """Count with its noun: ``1 commune``, ``176 communes``."""
    noun = singular if abs(count) < 2 else many or f"{singular}s"
    return f"{number(count)} {noun}"


def of_the(name: str) -> str:
    """A name with its article, after « de ».

    Examples
    --------
    >>> of_the("le revenu"), of_the("l'âge"), of_the("les écoles"), of_the("la fibre")
    ('du revenu', "de l'âge", 'des écoles', 'de la fibre')
    """
    for article, contracted in (("le ", "du "), ("les ", "des ")):
        if name.startswith(article):
            return contracted + name.removeprefix(article)
    return f"de {name}"


def of_name(name: str) -> str:
    """A commune, or another proper name, after « de ».

    Examples
    --------
    >>> of_name("Saumur"), of_name("Angers"), of_name("Le Mans"), of_name("L'Île-d'Yeu")
    ('de Saumur', "d'Angers", 'du Mans', "de L'Île-d'Yeu")
    """
    for article, contracted in (("Le ", "du "), ("Les ", "des ")):
        if name.startswith(article):
            return contracted + name.removeprefix(article)
    return f"d'{name}" if fold(name)[:1] in set("aeiouy") else f"de {name}"


def at_name(name: str) -> str:
    """A commune after « à ».

    Examples
    --------
    >>> at_name("Saumur"), at_name("Le Mans"), at_name("Les Ponts-de-Cé"), at_name("La Pellerine")
    ('à Saumur', 'au Mans', 'aux Ponts-de-Cé', 'à La Pellerine')
    """
    for article, contracted in (("Le ", "au "), ("Les ", "aux ")):
        if name.startswith(article):
            return contracted + name.removeprefix(article)
    return f"à {name}"


def lower_first(label: str) -> str:
    """A label inside a sentence: ``IFN 2023`` keeps its capitals.

    Examples
    --------
    >>> lower_first("Indice de fragilité"), lower_first("IFN 2023"), lower_first("65 ans ou plus")
    ('indice de fragilité', 'IFN 2023', '65 ans ou plus')
    """
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def upper_first(text: str) -> str:
    """A text that begins a sentence; unlike ``capitalize``, the rest is left as it is.

    Examples
    --------
    >>> upper_first("à Saumur")
    'À Saumur'
    """
    return text[:1].upper() + text[1:]


def listing(items: Sequence[str]) -> str:
    """``a, b et c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} et {items[-1]}"


def paragraph(text: str, indent: str = "") -> str:
    """Wrap a sentence to the terminal, 100 columns at most, with an indent on every line.

    No line begins with a mark that a space precedes in French, nor ends with « .
    """
    width = min(shutil.get_terminal_size().columns, 100)
    return textwrap.fill(
        glued(text), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    ).replace("\u00a0", " ")


def glued(text: str) -> str:
    r"""A text whose marks no line end parts from their word; ``%}`` of a template is left alone.

    Examples
    --------
    >>> glued("« 3 % » : oui")
    '«\xa03\xa0%\xa0»\xa0: oui'
    """
    return re.sub(r" (?=[»:;?!]|%(?!}))|(?<=«) ", "\u00a0", text)


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], texts: Set[str]) -> list[str]:
    """Lines of a table whose columns have equal widths: texts to the left, numbers to the right.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences of str
        Cells, as they are written.
    texts : set of str
        Headers of the columns of text.

    Examples
    --------
    >>> aligned(["rang", "commune"], [["1", "Angers"]], {"commune"})
    ['  rang  commune', '     1  Angers']
    """
    lines = [header, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if title in texts else cell.rjust(width)
            for cell, width, title in zip(line, widths, header, strict=True)
        ).rstrip()
        for line in lines
    ]


def fold(name: str) -> str:
    """A name as people type it: no accents, case, hyphens or apostrophes; « st » is « saint ».

    Examples
    --------
    >>> fold("Orée-d'Anjou"), fold("St Georges")
    ('oree d anjou', 'saint georges')
    """
    name = name.replace("œ", "oe").replace("Œ", "oe")
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c))
    long = {"st": "saint", "ste": "sainte"}
    return " ".join(long.get(word, word) for word in plain.split())


def rounded_parts(
    parts: Sequence[float], decimals: int = 1, total: float | None = None
) -> list[float]:
    """Round numbers so that they still add up to their rounded total (largest remainders).

    `total` is the sum as it is known elsewhere: 6.25 and 6.249999 are not written alike.

    Examples
    --------
    >>> rounded_parts([10.04, 20.04, 30.03])
    [10.1, 20.0, 30.0]
    """
    scale = 10**decimals
    scaled = [part * scale for part in parts]
    floors = [math.floor(part) for part in scaled]
    whole = sum(parts) if total is None else total
    missing = round(float(f"{whole:.{decimals}f}") * scale) - sum(floors)  # as it will be written
    order = sorted(range(len(parts)), key=lambda place: floors[place] - scaled[place])
    for place in order[:missing]:
        floors[place] += 1
    return [floor / scale for floor in floors]
