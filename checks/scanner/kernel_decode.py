"""Compiled: numbers in an encoding: base64, hexadecimal, URL, JSON and HTML escapes, exponents."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, FLAG, INT, PAIR, PLACES, TABLES, TRIPLE, WORK, inner
from checks.scanner.kernel_groups import HTML, JSON, PLAIN, URL, is_digit

_BEFORE = 96  # characters decoded before what is known to be digits: a number begins there at the most


@inner(PAIR, BYTES, INT, INT, INT, WORK, TABLES)
def from_digits(source: Any, at: Any, kind: Any, size: Any, work: Any, tables: Any) -> Any:
    """Decode base64 (``kind`` 0) or hexadecimal (1) around ``at``, where a group or pair begins.

    Writes to ``work.decoded`` and ``work.place``; returns ``(size of it, where the encoding ends)``.
    """
    values = tables.values
    step = 4 if kind == 0 else 2
    width = 6 if kind == 0 else 4
    first = at
    while first - step >= 0 and at - first < _BEFORE:
        whole = True
        for index in range(first - step, first):
            whole = whole and values[kind * 256 + source[index]] != 255
        if not whole:
            break
        first -= step
    text, place = work.decoded, work.place
    written = 0
    bits = np.int64(0)
    filled = 0
    begun = index = first
    while index < size:
        value = np.int64(values[kind * 256 + source[index]])
        if value == 255:
            break
        if filled == 0:
            begun = index
        bits = (bits << width | value) & 0xFFFF
        filled += width
        if filled >= 8:
            filled -= 8
            text[written], place[written] = bits >> filled & 255, begun
            written += 1
            begun = index
        index += 1
    return written, index


@inner(FLAG, INT)
def _in_escapes(byte: Any) -> Any:
    """Whether escapes and what they join are written with ``byte``: letters, digits, signs, separators."""
    return (
        45 <= byte <= 57 or 97 <= byte | 32 <= 122 or 35 <= byte <= 38 or byte == 32 or byte == 43
        or byte == 59 or byte == 61 or byte == 92
    )  # fmt: skip


@inner(TRIPLE, BYTES, INT, INT, WORK, TABLES)
def from_escapes(source: Any, at: Any, size: Any, work: Any, tables: Any) -> Any:
    """Undo the escapes in the word around ``at``; returns ``(form, size of the text, its end)``.

    The text is in ``work.decoded``; its size is 0 where there can be no number in it.
    """
    start, end = at, at
    digits = 0
    while start > 0 and _in_escapes(source[start - 1]):
        start -= 1
        digits += 1 if is_digit(source[start]) else 0
    while end < size and _in_escapes(source[end]):
        digits += 1 if is_digit(source[end]) else 0
        end += 1
    text, place = work.decoded, work.place
    written = 0
    form = PLAIN
    index = start if digits >= 13 else end
    while index < end:
        byte = source[index]
        code, width, escaped = np.int64(byte), np.int64(1), False
        if byte == 37:  # %34
            code, width = _hexadecimal(source, index + 1, min(index + 3, end), tables)
            # Of %B, a digit and more of them the first track of a card begins with.
            escaped = width == 2 and not (0xB0 <= code <= 0xB9 and _track(source, index + 2, end))
            width = np.int64(3)
            form = URL if escaped and form == PLAIN else form
        elif byte == 92 and index + 1 < end:  # \u0034, \t
            code, width, escaped = _json(source, index, end, tables)
            form = JSON if escaped and form != HTML else form
        elif byte == 38:  # &#52; &#x34; &nbsp;
            code, width, escaped = _entity(source, index, end, tables)
            form = HTML if escaped else form
        elif byte == 43:  # a space in the query of a URL
            code, escaped = np.int64(32), True
            form = URL if form == PLAIN else form
        if not escaped:
            code, width = np.int64(byte), np.int64(1)
        more = 0 if code < 128 or byte == 37 or not escaped else 1 if code < 0x800 else 2
        if more == 0:
            text[written] = code & 255
        elif more == 1:
            text[written], text[written + 1] = 0xC0 | code >> 6, 0x80 | code & 63
        else:
            text[written], text[written + 1] = 0xE0 | (code >> 12 & 15), 0x80 | (code >> 6 & 63)
            text[written + 2] = 0x80 | code & 63
        for _ in range(more + 1):
            place[written] = index
            written += 1
        index += width
    return form, (written if form != PLAIN else 0), end


@inner(FLAG, BYTES, INT, INT)
def _track(source: Any, start: Any, stop: Any) -> Any:
    """Whether 13 digits stand at ``start``: after ``%B`` they are a track's, not an escape's."""
    count = 0
    while count < 13 and start + count < stop and is_digit(source[start + count]):
        count += 1
    return count == 13


@inner(PAIR, BYTES, INT, INT, TABLES)
def _hexadecimal(source: Any, start: Any, end: Any, tables: Any) -> Any:
    """Return ``(value, digits)`` of the hexadecimal number at ``start``, read to ``end`` at most."""
    value = np.int64(0)
    index = start
    while index < end and tables.values[256 + source[index]] != 255:
        value = value * 16 + tables.values[256 + source[index]]
        index += 1
    return value, index - start


@inner(TRIPLE, BYTES, INT, INT, TABLES)
def _json(source: Any, index: Any, stop: Any, tables: Any) -> Any:
    """Return ``(code point, width, whether it is one)`` of the escape at ``index`` (RFC 8259, 7)."""
    kind = source[index + 1]
    if kind == 117:
        value, digits = _hexadecimal(source, index + 2, min(index + 6, stop), tables)
        return value, np.int64(6), digits == 4
    if kind == 116:
        return np.int64(9), np.int64(2), True
    # Of the others only the slash is not at the end of what is looked at; none joins groups.
    return np.int64(10), np.int64(2), kind == 110 or kind == 114 or kind == 98 or kind == 102 or kind == 47


@inner(TRIPLE, BYTES, INT, INT, TABLES)
def _entity(source: Any, index: Any, stop: Any, tables: Any) -> Any:
    """Return ``(code point, width, whether it is one)`` of the entity at ``index`` (HTML, 13.1.4)."""
    at = index + 1
    code = np.int64(0)
    if at + 2 < stop and source[at] == 35:
        at += 1
        if source[at] | 32 == 120:
            code, digits = _hexadecimal(source, at + 1, min(at + 9, stop), tables)
            at += 1 + digits
        else:
            begun = at
            while at < min(begun + 8, stop) and is_digit(source[at]):
                code = code * 10 + source[at] - 48
                at += 1
        return code & 0xFFFF, at - index + 1, at < stop and source[at] == 59
    while at < stop and at - index < 8 and 97 <= source[at] | 32 <= 122:
        code = code * 32 + (source[at] & 31)
        at += 1
    for known in range(len(tables.entities)):
        if tables.entities[known, 0] == code and at < stop and source[at] == 59:
            return tables.entities[known, 1], at - index + 1, True
    return np.int64(38), np.int64(1), False


@inner(INT, BYTES, INT, INT, BYTES, PLACES)
def from_exponent(source: Any, whole: Any, size: Any, text: Any, at: Any) -> Any:
    """Write ``4.111111111111111E15``, whose 4 is at ``whole``, in full to ``text``; returns its size.

    A number that a program kept as a floating point number. The size is 0 if it is none of 13–19 digits.
    """
    point = whole + 1
    letter = point + 1
    while letter < size and is_digit(source[letter]):
        letter += 1
    fraction = letter - point - 1
    if source[point] != 46 or source[letter] | 32 != 101 or (whole > 0 and source[whole - 1] == 46):
        return 0
    index = letter + 1
    if index < size and source[index] == 43:
        index += 1
    exponent = np.int64(0)
    begun = index
    while index < size and index - begun < 3 and is_digit(source[index]):
        exponent = exponent * 10 + source[index] - 48
        index += 1
    if not 12 <= exponent <= 18 or fraction > exponent:
        return 0
    for place in range(exponent + 1):
        from_ = whole if place == 0 else min(point + place, letter)
        # The zeros that the notation left out are written behind the digits.
        text[place] = 48 if from_ == letter else source[from_]
        at[place] = from_
    at[exponent] = index - 1
    return exponent + 1
