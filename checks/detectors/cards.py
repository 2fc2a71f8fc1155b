"""Full card numbers in text: found, named and masked; the number itself is kept nowhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from checks.detectors.card_networks import network_of

# One separator between groups: space, tab, dot, no-break spaces, hyphens and dashes.
_SEPARATORS = " \t.\u00a0\u2007\u202f\u2010-\u2014\u2212-"
# Cheap look first: thirteen digits with at most single separators. `\d` is any script's digit.
_RUN = re.compile(rf"\d(?:[{_SEPARATORS}]?\d){{12,}}+")
_PLAIN = re.compile(r"(?<!\d)\d{13,19}(?!\d)")
# Look-aheads, because "12 4111 1111 …" must be tried from its second group too.
_BY_FOUR = re.compile(
    rf"(?<!\d)(?=(\d{{4}}([{_SEPARATORS}])\d{{4}}\2\d{{4}}\2\d{{4}})(?!\d)(\2\d{{1,3}}(?!\d))?)"
)
_BY_SIX = re.compile(rf"(?<!\d)(?=(\d{{4}}([{_SEPARATORS}])\d{{6}}\2\d{{4,5}})(?!\d))")
_UUID = re.compile(r"(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE)
_ALNUM = re.compile(r"[^\W_]+")
_NOT_HEX = re.compile(r"[^0-9a-f]")
_HEX_LENGTHS = frozenset({16, 24, 32, 40, 48, 56, 64, 96, 128})  # identifiers and digests in hexadecimal
_NEAR = 128  # characters looked at on each side, so that a long token costs no more than a short one


@dataclass(frozen=True, slots=True)
class CardHit:
    """A card number of ``length`` digits whose first digit stands at ``start`` in the text."""

    start: int
    network: str
    masked: str  # at most the first six and the last four digits
    length: int


def find_cards(text: str) -> list[CardHit]:
    """Return every full card number in ``text``, in order: plain or in groups, in any script's digits."""
    return [hit for hit, _ in card_spans(text)]


def card_spans(text: str) -> list[tuple[CardHit, int]]:
    """Return what :func:`find_cards` does, each with the offset at which the number ends."""
    if len(text) < 13:
        return []
    found = [span for run in _RUN.finditer(text) for span in _in_run(text, run.start(), run.end())]
    return sorted(found, key=lambda span: span[0].start)


def mask(digits: str) -> str:
    """Return ``digits`` with at most the first six and last four left (PCI DSS 4.0.1, 3.4.1)."""
    if len(digits) < 13:
        return "*" * len(digits)
    return digits[:6] + "*" * (len(digits) - 10) + digits[-4:]


def _in_run(text: str, start: int, end: int) -> Iterator[tuple[CardHit, int]]:
    for match in _PLAIN.finditer(text, start, end):
        if not _in_fraction(text, match.start()) and not _in_hexadecimal(text, *match.span()):
            yield from _hit(text, *match.span())
    for match in _BY_FOUR.finditer(text, start, end):
        if _in_uuid(text, *match.span(1)):
            continue
        whole = list(_hit(text, match.start(), match.end(3))) if match[3] else []
        # Three digits more may be a security code rather than the end of a long number.
        yield from whole or _hit(text, *match.span(1))
    for match in _BY_SIX.finditer(text, start, end):
        yield from _hit(text, *match.span(1))


def _hit(text: str, start: int, end: int) -> Iterator[tuple[CardHit, int]]:
    """Yield the hit for ``text[start:end]`` if a network may have issued its digits."""
    digits = "".join(str(unicodedata.decimal(char)) for char in text[start:end] if char.isdecimal())
    network = network_of(digits)
    if network is not None:
        yield CardHit(start, network, mask(digits), len(digits)), end


def _in_fraction(text: str, start: int) -> bool:
    """Whether the digits at ``start`` follow a decimal point, as in 0.4111."""
    return start >= 2 and text[start - 1] == "." and text[start - 2].isdecimal()


def _in_hexadecimal(text: str, start: int, end: int) -> bool:
    """Whether the digits are part of a hexadecimal token rather than glued to a word."""
    after = _token(text[end : end + _NEAR])
    before = _token(text[max(0, start - _NEAR) : start][::-1])[::-1]
    if before == "0x":
        return True
    around = before + after
    if not around or _NOT_HEX.search(around):
        return False
    return end - start + len(around) in _HEX_LENGTHS or any(char.isdecimal() for char in around)


def _token(text: str) -> str:
    """Return the letters and digits that ``text`` begins with, in lower case."""
    match = _ALNUM.match(text)
    return match[0].lower() if match else ""


def _in_uuid(text: str, start: int, end: int) -> bool:
    """Whether the groups are some of a UUID's."""
    near = max(0, start - 36)
    return any(
        near + match.start() <= start and end <= near + match.end()
        for match in _UUID.finditer(text[near : end + 36])
    )
