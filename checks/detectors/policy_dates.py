"""Dates and versions as people write them on a policy page, and what they come to."""

from __future__ import annotations

import re
from datetime import date
from functools import partial

EARLIEST = date(2000, 1, 1)
"""A policy of a web service dated before this day is a slip of the pen."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DATE = (
    r"\d{1,4}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?\d{2,4}(?!\d)"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)?(?:\s+of)?[\s-]+{_MONTH},?[\s-]+\d{{4}}"
    rf"|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}"
)
_LABEL = (
    r"(?:effective|in force|valid(?:\s+(?:from|since|as of))?|last\s+(?:updated|modified|revised|changed)"
    r"|updated|revised|as of|date(?=\s*:))"
)
_LABELLED = re.compile(rf"\b{_LABEL}\b[^\n\d.]{{0,30}}?\b({_DATE})", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_NUMBERS = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})")
_VERSION = re.compile(
    r"\b(?:version|revision)\b\s*(?:number|no\.?)?\s*[:#]?\s*(v?\d+(?:\.\d+)*)", re.IGNORECASE
)
_SHORT_VERSION = re.compile(r"(?<![\w.])v(\d+(?:\.\d+)+)(?![\w.])", re.IGNORECASE)


def stated_date(text: str) -> str | None:
    """Return the first date that the text calls effective or updated, as written, be it real or not."""
    found = _LABELLED.search(text)
    return " ".join(found[1].split()) if found else None


def stated_version(text: str) -> str | None:
    """Return the version that the text states (``1.2`` of "Version: 1.2"), as written."""
    found = _VERSION.search(text) or _SHORT_VERSION.search(text)
    return found[1] if found else None


def undated(text: str) -> str:
    """Return ``text`` with every date and version that it states made the same one."""
    for pattern, same in ((_LABELLED, "2000-01-01"), (_VERSION, "0.0"), (_SHORT_VERSION, "0.0")):
        text = pattern.sub(partial(_with, same), text)
    return text


def _with(value: str, found: re.Match[str]) -> str:
    return found[0].removesuffix(found[1]) + value


def says_only_when(text: str) -> bool:
    """Return whether ``text`` states dates or versions and says nothing else: ``Version: 1.2``."""
    rest = text
    for pattern in (_LABELLED, _VERSION, _SHORT_VERSION):
        rest = pattern.sub("", rest)
    return rest != text and not any(character.isalnum() for character in rest)


def readings(written: str) -> tuple[date, ...]:
    """Return each day that a date as written can mean: none if it is no date, two if it is unclear.

    ISO 8601 order with any separator, day or month by name, ``24.11.2026`` (day first, as everywhere
    with points); ``3/4/2026`` is both the 3rd of April and the 4th of March.
    """
    text = " ".join(written.lower().replace("\u00a0", " ").split())
    if iso := _ISO.fullmatch(text.replace(" ", "")):
        return _days((iso[1], iso[2], iso[3]))
    if numbers := _NUMBERS.fullmatch(text.replace(" ", "")):
        day, separator, month, year = numbers.groups()
        if separator == ".":
            return _days((year, month, day))
        return _days((year, month, day), (year, day, month))
    words = re.findall(r"\d+|[a-z]{3,}", text)
    if len(words) != 3:
        return ()
    first, second, year = words
    day, month = (second, first) if first.isalpha() else (first, second)
    if month[:3] not in _MONTHS or not day.isdecimal() or len(year) != 4:
        return ()
    return _days((year, str(_MONTHS.index(month[:3]) + 1), day))


def _days(*parts: tuple[str, str, str]) -> tuple[date, ...]:
    found: dict[date, None] = {}
    for year, month, day in parts:
        try:
            found[date(int(year), int(month), int(day))] = None
        except ValueError:  # the 31st of February, a thirteenth month
            continue
    return tuple(found)


def version_numbers(version: str) -> tuple[int, ...]:
    """Return a version's numbers without idle zeros at the end, to be compared: ``v1.10`` → (1, 10)."""
    numbers = [int(part) for part in version.lower().removeprefix("v").split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
