"""Compiled: the runs of digits and separators in a text, read as groups; other scripts and UTF-16 too."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, FLAG, HITS, INT, NOTHING, PLACES, STATE, TABLES, WORK, inner
from checks.scanner.kernel_verify import (
    BASE,
    EXPONENT,
    GROUPED,
    PLAIN,
    SCRIPT,
    UTF16BE,
    UTF16LE,
    is_digit,
    try_number,
)

NUL, HIGH = 4, 8
_SIGNIFICANT = 8
"""Digits behind the point of a number with an exponent: fewer are no card number but for one in 10,000."""


@inner(FLAG, INT)
def of_class(byte: Any) -> bool:
    """Whether a run may hold ``byte``: digits, ``- . /``, space, tab, NUL and what is no ASCII."""
    return 45 <= byte <= 57 or byte == 32 or byte == 9 or byte >= 128 or byte == 0


@inner(NOTHING, BYTES, INT, PLACES, INT, STATE, HITS, WORK, TABLES)
def read_text(
    source: Any, end: Any, place: Any, form: Any, state: Any, hits: Any, work: Any, tables: Any
) -> None:
    """Look for numbers in all of ``source[:end]``, byte by byte: for short texts, as decoded ones are."""
    at = 0
    while at < end:
        start = at
        while at < end and of_class(source[at]):
            at += 1
        if at - start >= 13:
            read_run(source, start, at, place, form, state, hits, work, tables)
        at += 1


@inner(NOTHING, BYTES, INT, INT, PLACES, INT, STATE, HITS, WORK, TABLES)
def read_run(
    source: Any, start: Any, end: Any, place: Any, form: Any, state: Any, hits: Any, work: Any, tables: Any
) -> None:
    """Look for numbers in the run ``source[start:end]``; ``form`` is how ``source`` was encoded.

    ``place`` maps places in ``source`` to places in the window; empty if they are the same.
    """
    kinds = 0
    digits = 0
    for at in range(start, end):
        byte = source[at]
        if 48 <= byte <= 57:
            digits += 1
        elif byte >= 128:
            kinds |= HIGH
        elif byte == 0:
            kinds |= NUL
    if digits < 13 and not kinds & HIGH:
        return
    if kinds == 0:
        _read_groups(source, start, end, work.none, source, place, form, state, hits, work, tables)
        return
    if kinds & HIGH:
        _read_scripts(source, start, end, place, form, state, hits, work, tables)
    else:
        _read_groups(source, start, end, work.none, source, place, form, state, hits, work, tables)
    if kinds & NUL and digits >= 13 and form == PLAIN:
        _read_utf16(source, start, end, place, state, hits, work, tables)


@inner(NOTHING, BYTES, INT, INT, PLACES, INT, STATE, HITS, WORK, TABLES)
def _read_scripts(
    source: Any, start: Any, end: Any, place: Any, form: Any, state: Any, hits: Any, work: Any, tables: Any
) -> None:
    """Normalise UTF-8 to ASCII digits and codes of separators, and look for numbers in that."""
    text, at = work.text, work.at
    size = 0
    digits = 0
    index = start
    while index < end:
        byte = np.int64(source[index])
        width = 1
        code = byte
        if 0xC2 <= byte < 0xE0 and index + 1 < end:
            code, width = (byte & 31) << 6 | (np.int64(source[index + 1]) & 63), 2
        elif 0xE0 <= byte < 0xF0 and index + 2 < end:
            code = (
                (byte & 15) << 12
                | (np.int64(source[index + 1]) & 63) << 6
                | (np.int64(source[index + 2]) & 63)
            )
            width = 3
        elif byte == 0xF0 and index + 3 < end:
            code = (np.int64(source[index + 1]) & 63) << 12 | (np.int64(source[index + 2]) & 63) << 6
            code |= np.int64(source[index + 3]) & 63
            width = 4
        for more in range(1, width):
            if source[index + more] & 0xC0 != 0x80:  # no UTF-8: the byte stands alone
                code, width = byte, 1
                break
        symbol = np.uint8(0)
        if width > 1 or byte < 128 or byte == 0xA0:  # 0xA0 alone: the no-break space of ISO 8859
            symbol = tables.characters[code] if code < len(tables.characters) else np.uint8(0)
        if symbol != 0 or (size > 0 and text[size - 1] != 0):
            text[size] = symbol
            at[size] = index
            size += 1
            digits += 1 if is_digit(symbol) else 0
        index += width
    if digits >= 13:
        _read_groups(text, 0, size, at[:size], source, place, form, state, hits, work, tables)


@inner(NOTHING, BYTES, INT, INT, PLACES, STATE, HITS, WORK, TABLES)
def _read_utf16(
    source: Any, start: Any, end: Any, place: Any, state: Any, hits: Any, work: Any, tables: Any
) -> None:
    """Read every second byte where those between are NUL: UTF-16 of ASCII, and no-break spaces."""
    text, at = work.text, work.at
    for first in range(start, min(start + 2, end)):
        size = 0
        for index in range(first, end, 2):
            byte = source[index]
            paired = (index + 1 < end and source[index + 1] == 0) or (
                index > start and source[index - 1] == 0
            )
            symbol = tables.characters[byte] if byte != 0 and paired else np.uint8(0)
            if symbol != 0 or (size > 0 and text[size - 1] != 0):
                text[size] = symbol
                at[size] = index
                size += 1
        # Only the label: whether a unit's low byte comes first is told by where it lies.
        little = (state[BASE] + first) & 1 == 0
        form = UTF16LE if little else UTF16BE
        if size >= 13:
            _read_groups(text, 0, size, at[:size], source, place, form, state, hits, work, tables)


@inner(INT, INT, INT, BYTES, INT, INT, PLACES, BYTES)
def _shown(form: Any, plain: Any, text: Any, start: Any, end: Any, at: Any, source: Any) -> Any:
    """Return the form to report: that of the encoding, or what the digits themselves look like."""
    if form != PLAIN:
        return form
    if len(at):
        for index in range(start, end):
            if is_digit(text[index]) and source[at[index]] >= 128:
                return SCRIPT
    return plain


@inner(NOTHING, BYTES, INT, INT, PLACES, BYTES, PLACES, INT, STATE, HITS, WORK, TABLES)
def _read_groups(
    text: Any, start: Any, end: Any, at: Any, source: Any, place: Any, form: Any,
    state: Any, hits: Any, work: Any, tables: Any,
) -> None:  # fmt: skip
    """Try plain numbers of 13–19 digits, groups 4-4-4-4(-1…3), 4-6-5 and 4-6-4 with one separator each."""
    index = start
    # The last four groups: where they begin, and how many in a row are joined by the same separator.
    second = third = fourth = np.int64(0)  # starts of the groups before
    size2 = size3 = size4 = np.int64(0)
    chain = 0  # groups before this one that are joined to it
    joint = np.uint8(0)
    before = np.int64(-1)  # where the group before ended
    while index < end:
        if not is_digit(text[index]):
            index += 1
            continue
        first = index
        while index < end and is_digit(text[index]):
            index += 1
        size = index - first
        separator = text[first - 1] if before >= 0 and first - before == 1 else np.uint8(0)
        if separator == 0 or separator == 47:
            chain = 0
        elif chain == 0 or separator == joint:
            chain += 1
        else:
            chain = 1
        joint = separator
        # At most two ways to read what ends here; tried in one place, so that it is compiled once.
        begin = end_of = count = other_end = other_count = np.int64(0)
        if 13 <= size <= 19:
            begin, end_of, count = first, index, size
        elif chain >= 2 and size3 == 4 and size2 == 6 and (size == 4 or size == 5):
            begin, end_of, count = third, index, size + 10
        elif chain >= 3 and size == 4 and size2 == 4 and size3 == 4 and size4 == 4:
            begin, end_of, count = fourth, index, np.int64(16)
            more = index + 1
            while more < end and more - index <= 4 and is_digit(text[more]):
                more += 1
            # Three digits more may be a security code rather than the end of a long number.
            if index < end and text[index] == joint and 2 <= more - index <= 4:
                other_end, other_count = index, np.int64(16)
                end_of, count = more, 15 + more - index
        while count:
            shown = _shown(
                form, GROUPED if end_of - begin > count else PLAIN, text, begin, end_of, at, source
            )
            if try_number(
                text, begin, end_of, count, shown, at, source, place, state, hits, work.key, tables
            ):
                break
            end_of, count, other_count = other_end, other_count, np.int64(0)
        if size >= _SIGNIFICANT and chain >= 1 and joint == 46 and size2 == 1 and len(at) == 0:
            _try_exponent(text, second, first, index, form, source, place, state, hits, work, tables)
        fourth, third, second = third, second, first
        size4, size3, size2 = size3, size2, size
        before = index


@inner(NOTHING, BYTES, INT, INT, INT, INT, BYTES, PLACES, STATE, HITS, WORK, TABLES)
def _try_exponent(
    text: Any, whole: Any, fraction: Any, end: Any, form: Any, source: Any, place: Any,
    state: Any, hits: Any, work: Any, tables: Any,
) -> None:  # fmt: skip
    """Try ``4.111111111111111E15``: a number that a program kept as a floating point number."""
    at = end
    if at + 2 >= len(source) or source[at] | 32 != 101:
        return
    at += 1
    if source[at] == 43:
        at += 1
    exponent = np.int64(0)
    digits = 0
    while at < len(source) and digits < 3 and is_digit(source[at]):
        exponent = exponent * 10 + source[at] - 48
        digits += 1
        at += 1
    size = end - fraction
    if exponent < 12 or exponent > 18 or size > exponent or (whole > 0 and source[whole - 1] == 46):
        return
    # The zeros that the notation left out are written behind the digits, in a text of their own.
    number, where = work.number, work.digits[: exponent + 1]
    for index in range(exponent + 1):
        number[index] = 48
        where[index] = end - 1
    number[0], where[0] = text[whole], whole
    for index in range(size):
        number[index + 1], where[index + 1] = text[fraction + index], fraction + index
    where[exponent] = at - 1
    shown = EXPONENT if form == PLAIN else form
    try_number(
        number, 0, exponent + 1, exponent + 1, shown, where, source, place, state, hits, work.key, tables
    )
