"""What the kernel looks things up in: issuer prefixes, classes of bytes and of characters, as arrays."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import numpy.typing as npt

from checks.detectors.card_networks import NETWORKS

Bytes = npt.NDArray[np.uint8]

SHORTEST, LONGEST = 13, 19
SIX_DIGITS_DECIDE = 1 << 15
"""Set in ``FOUR`` where the first four digits do not settle which lengths are issued."""

# Separators that are no ASCII, by the code that stands for them in normalised text. A group is only
# continued by the same separator, so each has a code of its own; 9 is the tab's.
_SEPARATORS = {0xA0: 1, 0x2007: 2, 0x202F: 3, 0x2010: 4, 0x2011: 5, 0x2012: 6, 0x2013: 7, 0x2014: 8}
_SEPARATORS |= {0x2015: 10, 0x2212: 11, 0x2009: 12, 0x3000: 13, 0xFF0D: 14, 0xAD: 15}


def prefixes() -> tuple[npt.NDArray[np.uint16], Bytes]:
    """Return ``(FOUR, SIX)``: by the first four and six digits, bit ``length - 13`` for lengths issued.

    Source: :mod:`checks.detectors.card_networks`. Every network there uses the Luhn digit, so the
    kernel demands it of all.
    """
    assert all(network.luhn for network in NETWORKS)  # noqa: S101  the kernel knows no exception
    six = np.zeros(10**6, np.uint8)
    for network in NETWORKS:
        mask = sum(1 << (length - SHORTEST) for length in network.lengths)
        for low, high in network.ranges:
            scale = 10 ** (6 - len(low))
            six[int(low) * scale : (int(high) + 1) * scale] |= mask
    by_four = six.reshape(10**4, 100)
    settled = (by_four == by_four[:, :1]).all(axis=1)
    # In 16 bits from the start: numpy would keep the mark in the 8 bits of the others, where it is 0.
    return np.where(settled, by_four[:, 0].astype(np.uint16), np.uint16(SIX_DIGITS_DECIDE)), six


def characters() -> Bytes:
    """Return, by code point below U+20000, what a character is in normalised text.

    48–57 for a decimal digit of any script, a separator's code, or 0 for everything else.
    """
    table = np.zeros(0x20000, np.uint8)
    for digit in re.finditer(r"\d", "".join(map(chr, range(0x20000)))):
        table[digit.start()] = 48 + unicodedata.decimal(digit[0])
    for separator in "\t -.":
        table[ord(separator)] = ord(separator)
    for code, stands_for in _SEPARATORS.items():
        table[code] = stands_for
    return table


def values() -> Bytes:
    """Return, at ``kind * 256 + byte``, the value of a digit of base64 (kind 0) or 16 (1), else 255."""
    table = np.full((2, 256), 255, np.uint8)
    for six, byte in enumerate(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):
        table[0, byte] = six
    for value, byte in enumerate(b"0123456789abcdef"):
        table[1, byte] = table[1, ord(chr(byte).upper())] = value
    return table.reshape(-1)


def entities() -> npt.NDArray[np.int64]:
    """Return ``(name, code point)`` of the HTML entities that separate groups; names as base-32 numbers."""
    names = {
        "nbsp": 0xA0,
        "ndash": 0x2013,
        "hyphen": 0x2010,
        "dash": 0x2010,
        "minus": 0x2212,
        "mdash": 0x2014,
    }
    names |= {"thinsp": 0x2009, "numsp": 0x2007, "shy": 0xAD, "Tab": 9, "period": 46, "emsp": 0x20}
    rows = []
    for name, code in names.items():
        number = 0
        for letter in name:
            number = number * 32 + (ord(letter) & 31)
        rows.append((number, code))
    return np.array(rows, np.int64)
