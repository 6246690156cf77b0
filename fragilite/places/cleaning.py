"""Cells of a list of places as they should have been: no contact, no markup, dates that exist."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

from fragilite.french import fold

_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});")
# « Cyb'@njou » is a name: an address has a dot after its sign.
_MAIL = re.compile(r"(?:mailto:)?[\w.+'-]*\w@[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\d,.])(?:(?:\+|00)\s?\d{2,3}[\s.]?(?:\(0\))?|0)[1-9](?:[\s.\-/]?\d{2}){4}(?!\d)"
)
#: What stands for a contact in a text.
REMOVED = "(contact retiré)"
#: Words of a header that announce a person or a way to reach one.
PERSONAL = frozenset(
    {
        "mail", "mails", "courriel", "courriels", "email", "emails", "telephone", "telephones",
        "tel", "portable", "mobile", "contact", "contacts", "referent", "referente", "responsable",
        "prenom", "prenoms", "interlocuteur", "interlocutrice", "mediateur", "mediatrice",
        "conseiller", "conseillere", "animateur", "animatrice",
    }
)  # fmt: skip
#: Excel counts days from here, and writes 27/02/2020 as 43888.
_EXCEL_DAY_0 = date(1899, 12, 30)


def without_markup(text: str) -> str:
    """A text without HTML, its spaces brought back to one.

    Examples
    --------
    >>> without_markup("<p>Espace&nbsp;public<br/>num&eacute;rique</p>")
    'Espace public numérique'
    """
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    return " ".join(text.split())


def without_contact(text: str) -> tuple[str, int]:
    """A text without mail addresses and phone numbers, and how many it had.

    Examples
    --------
    >>> without_contact("Rendez-vous au 02 41 00 00 00 ou accueil@exemple.fr")
    ('Rendez-vous au (contact retiré) ou (contact retiré)', 2)
    >>> without_contact("Cyb'@njou, 49000 Angers")
    ("Cyb'@njou, 49000 Angers", 0)
    """
    if "@" not in text and not any(letter.isdigit() for letter in text):
        return text, 0
    text, mails = _MAIL.subn(REMOVED, text)
    text, phones = _PHONE.subn(REMOVED, text)
    return text, mails + phones


def is_personal(header: str) -> bool:
    """Whether the name of a column announces a person or a contact.

    Examples
    --------
    >>> is_personal("nom_referent"), is_personal("Courriels"), is_personal("nom")
    (True, True, False)
    """
    return not PERSONAL.isdisjoint(fold(header.replace("_", " ")).split())


def parse_number(text: str) -> float | None:
    """A number written by anyone, or None.

    Examples
    --------
    >>> parse_number("475198,121680863"), parse_number("1 200"), parse_number("abc")
    (475198.121680863, 1200.0, None)
    """
    plain = "".join(text.split()).replace("−", "-").replace(",", ".")
    return float(plain) if re.fullmatch(r"[-+]?\d+(\.\d*)?", plain) else None


def parse_date(text: str) -> str:
    """An ISO date from ``2022-09-26 19:00``, ``26/09/2022``, ``26/09/22`` or Excel's ``44830``.

    Returns
    -------
    str
        ``""`` if the text is no date.

    Examples
    --------
    >>> parse_date("19/02/2020"), parse_date("43953"), parse_date("09/0102023")
    ('2020-02-19', '2020-05-02', '')
    """
    text = text.strip()
    try:
        if iso := re.match(r"(\d{4})-(\d{2})-(\d{2})(?!\d)", text):
            return date(*map(int, iso.groups())).isoformat()
        if french := re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?:\s.*)?", text):
            day, month, year = map(int, french.groups())
            return date(year + 2000 if year < 100 else year, month, day).isoformat()
    except ValueError:
        return ""
    if re.fullmatch(r"[34]\d{4}(\.0)?", text):  # 1982 to 2036
        return (_EXCEL_DAY_0 + timedelta(days=int(text[:5]))).isoformat()
    return ""
