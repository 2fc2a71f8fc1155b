"""Compiled: what ``find`` has noted, brought to plain digits and looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, FLAG, HITS, INT, PLACES, QUEUE, STATE, TABLES, WORK, entry, inner
from checks.scanner.kernel import BASE64S, ESCAPES, EXPONENTS, FOREIGN, HEXES, QUEUED
from checks.scanner.kernel_decode import from_digits, from_escapes, from_exponent
from checks.scanner.kernel_groups import (
    BASE,
    BASE64,
    EXPONENT,
    HEX,
    PLAIN,
    UTF16BE,
    UTF16LE,
    groups,
)
from checks.scanner.kernel_masks import lowest
from checks.scanner.kernel_scripts import from_utf8, from_utf16

_UNTIL = 8  # from state[_UNTIL] on, by kind and phase: what lies before has been looked at


@inner(FLAG, INT)
def _of_kind(byte: Any) -> Any:
    """Whether a run of ``find``'s other bytes may hold ``byte``."""
    return 48 <= byte <= 57 or byte >= 128 or byte == 0 or byte == 32 or byte == 9 or byte == 45 or byte == 46


@inner(FLAG, INT)
def _may_be_digit(byte: Any) -> Any:
    """Whether ``byte`` is a digit or begins one of a script that has digits of its own (UTF-8)."""
    return 48 <= byte <= 57 or (
        byte > 0xD8 and (byte == 0xD9 or byte == 0xDB or byte == 0xDF or byte | 1 == 0xE1 or byte > 0xE9)
    )


@inner(FLAG, BYTES, INT)
def _in_base64(source: Any, at: Any) -> Any:
    """Whether digits may be in the four groups of base64 from ``at`` on, by their second characters."""
    for group in range(at + 1, at + 17, 4):
        byte = source[group] & 0xEF  # C D S T, i j y z
        if byte != 67 and byte != 68 and byte != 105 and byte != 106:
            return False
    return True


@entry(INT, BYTES, INT, STATE, HITS, QUEUE, PLACES, WORK, TABLES)
def decode(
    source: Any, size: Any, state: Any, hits: Any, queue: Any, none: Any, work: Any, tables: Any
) -> Any:  # fmt: skip
    """Look at what is in ``queue`` of ``source[:size]``; returns how many of it were noted."""
    text, place = work.text, work.at
    for slot in range(8):
        state[_UNTIL + slot] = 0
    for row in range(state[QUEUED]):
        kind, at = queue[row, 0], queue[row, 1]
        bits = np.uint64(queue[row, 2])
        if kind == FOREIGN:
            index = max(at, state[_UNTIL])
            while index < min(at + 64, size):
                if not _of_kind(source[index]):
                    index += 1
                    continue
                start = end = index
                while start > state[_UNTIL] and _of_kind(source[start - 1]):
                    start -= 1
                end = start
                digits = high = nul = 0
                while end < size and _of_kind(source[end]):
                    digits += 1 if _may_be_digit(source[end]) else 0
                    high += 1 if source[end] >= 128 else 0
                    nul += 1 if source[end] == 0 else 0
                    end += 1
                index = state[_UNTIL] = end
                # Read as UTF-8, then as UTF-16 from the first and from the second byte on.
                for reading in range(3):
                    form = PLAIN
                    count = 0
                    if digits >= 13 and high and reading == 0:
                        count = from_utf8(source, start, end, none, text, place, tables)
                    elif digits >= 13 and nul and reading:
                        first = start + reading - 1
                        count = from_utf16(source, first, end, text, place, tables)
                        # Only the label: whether a unit's low byte comes first is told by where it lies.
                        form = UTF16BE if (state[BASE] + first) & 1 else UTF16LE
                    if count >= 13:
                        groups(text, 0, count, place, source, form, state, hits, tables)
            continue
        while bits:
            bit = lowest(bits)
            bits &= bits - np.uint64(1)
            here = at + bit
            form = EXPONENT
            written = count = 0
            if kind == EXPONENTS:
                count = from_exponent(source, here, size, text, place)
            elif kind == ESCAPES:
                if here >= state[_UNTIL + 1]:
                    form, written, state[_UNTIL + 1] = from_escapes(source, here, size, work, tables)
            else:
                slot = _UNTIL + 2 + (here & 3 if kind == BASE64S else 4 + (here & 1))
                if here >= state[slot] and (kind == HEXES or _in_base64(source, here)):
                    form = BASE64 if kind == BASE64S else HEX
                    written, state[slot] = from_digits(
                        source, here, 0 if kind == BASE64S else 1, size, work, tables
                    )
            if written:
                count = from_utf8(work.decoded, 0, written, work.place, text, place, tables)
            if count >= 13:
                groups(text, 0, count, place, source, form, state, hits, tables)
    return state[QUEUED]
