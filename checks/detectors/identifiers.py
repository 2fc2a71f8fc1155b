"""Values that tell one person from another: what kind of thing a text is, and the text without it."""

from __future__ import annotations

import re
from collections import Counter
from math import log2

from checks.detectors.cards import card_spans

_EMAIL = re.compile(r"[\w.+-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)+", re.ASCII)
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])")
_PHONE = re.compile(r"(?<![\w+])\+\d(?:[ ()/-]?\d){8,13}(?!\d)")
# Two long numbers, as Google Analytics joins a random one and the time of the first visit.
_CLIENT = re.compile(r"(?<!\d)\d{8,12}\.\d{9,13}(?!\d)")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
_BITS = 60
"""Bits of a random token from which on it tells everybody on earth apart, with room to spare."""
_LONGEST = 20_000


def identifies(text: str) -> str | None:
    """Return what in ``text`` tells a person from others, in words without the value, or ``None``.

    Recital 30 of the GDPR counts online identifiers among them. Only the first 20 000 characters are
    looked at.
    """
    text = text[:_LONGEST]
    for expression, words in (
        (_EMAIL, "an e-mail address"),
        (_JWT, "a signed token"),
        (_UUID, "a unique identifier"),
        (_CLIENT, "a unique identifier"),
        (_ADDRESS, "an IP address"),
        (_PHONE, "a telephone number"),
    ):
        if expression.search(text):
            return words
    if card_spans(text):
        return "a card number"
    return "a unique identifier" if any(map(_random, _TOKEN.findall(text))) else None


def without(text: str) -> str:
    """Return ``text`` (a name, a path) with what identifies somebody replaced by ``…``."""
    for hit, end in reversed(card_spans(text)):
        text = f"{text[: hit.start]}…{text[end:]}"
    for expression in (_EMAIL, _JWT, _UUID, _CLIENT, _PHONE):
        text = expression.sub("…", text)
    return _TOKEN.sub(lambda match: "…" if _random(match[0]) else match[0], text)


def _random(token: str) -> bool:
    """Whether ``token`` is no word or words: letters and digits mixed, and of many bits."""
    digits = sum(character.isdigit() for character in token)
    if digits < 3 or (digits == len(token) and len(token) < 18):
        return False
    counts = Counter(token)
    bits = -sum(n * log2(n / len(token)) for n in counts.values())
    # A slug such as "release-2026-11-27-notes" has few, long runs of one kind; chance has many short ones.
    runs = len(re.findall(r"[a-z]+|[A-Z]+|\d+", token))
    return bits >= _BITS * 0.75 and (runs >= len(token) / 4 or bool(re.fullmatch(r"[0-9a-f]{24,}", token)))
