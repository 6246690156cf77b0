"""Opening hours: from a column a day to OpenStreetMap's words, and how many half-days they make."""

from __future__ import annotations

import re
from collections.abc import Sequence

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
#: An opening that begins before is a morning; one that ends after 14 h is an afternoon.
NOON, AFTERNOON = 12 * 60, 14 * 60
_RANGE = re.compile(r"(\d{1,2})\s*[:hH]\s*(\d{2})?\s*(?:-|–|à)\s*(\d{1,2})\s*[:hH]\s*(\d{2})?")
_RULE = re.compile(
    r"(?P<days>(?:Mo|Tu|We|Th|Fr|Sa|Su)(?:[-,](?:Mo|Tu|We|Th|Fr|Sa|Su))*)\s+"
    r"(?P<times>\d{1,2}:\d{2}-\d{1,2}:\d{2}(?:,\d{1,2}:\d{2}-\d{1,2}:\d{2})*)"
)


def _ranges(text: str) -> list[tuple[int, int]]:
    """Minutes of the openings of a day."""
    found = [
        (int(h1) * 60 + int(m1 or 0), int(h2) * 60 + int(m2 or 0))
        for h1, m1, h2, m2 in _RANGE.findall(text)
    ]
    return sorted((start, end) for start, end in found if start < end <= 24 * 60)


def osm_hours(days: Sequence[str]) -> str:
    """Hours of a week, a text a day from Monday, as OpenStreetMap writes them.

    Examples
    --------
    >>> day = "09:00 - 12:00 / 14:00 - 17:00"
    >>> osm_hours([day, day, "", "9h - 12h"])
    'Mo-Tu 09:00-12:00,14:00-17:00; Th 09:00-12:00'
    """
    times = [
        ",".join(
            f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
            for start, end in _ranges(day)
        )
        for day in days
    ]
    rules, place = [], 0
    while place < len(times):
        last = place
        while last + 1 < len(times) and times[last + 1] == times[place]:
            last += 1
        if times[place]:
            span = DAYS[place] if last == place else f"{DAYS[place]}-{DAYS[last]}"
            rules.append(f"{span} {times[place]}")
        place = last + 1
    return "; ".join(rules)


def half_days(hours: str) -> float | None:
    """Half-days of opening in a week, or None if the hours cannot be read with certainty.

    Examples
    --------
    >>> half_days("Mo-Tu 09:00-12:00,14:00-17:00; Th 09:00-12:00"), half_days("sur rendez-vous")
    (5.0, None)
    >>> half_days("Mo-Fr 09:00-17:00")
    10.0
    """
    rules = [part.strip() for part in hours.split(";") if part.strip()]
    matches = [_RULE.fullmatch(rule) for rule in rules]
    if not rules or not all(matches):
        return None
    opened: set[tuple[str, str]] = set()
    for match in matches:
        assert match is not None
        ranges = _ranges(match["times"])
        for day in _days(match["days"]):
            if any(start < NOON for start, _ in ranges):
                opened.add((day, "matin"))
            if any(end > AFTERNOON for _, end in ranges):
                opened.add((day, "après-midi"))
    return float(len(opened))


def _days(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found += DAYS[start : end + 1] if start <= end else DAYS[start:] + DAYS[: end + 1]
    return found
