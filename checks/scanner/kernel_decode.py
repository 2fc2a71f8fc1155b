"""Compiled: runs that may hold a number in an encoding: base64, hexadecimal, URL, JSON and HTML escapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, FLAG, HITS, INT, NOTHING, PAIR, STATE, TABLES, TRIPLE, WORK, inner
from checks.scanner.kernel_runs import read_text
from checks.scanner.kernel_verify import BASE64, HEX, HTML, JSON, PLAIN, URL, is_digit

_ONES = np.uint64(0x010101010101)
# Added to the lanes: lets the top bit of one stand once it has counted 17 characters of base64, which
# 13 digits take at the least, or 26 of hexadecimal.
_REACHED = np.uint64(0x66666F6F6F6F)
_TOPS = np.uint64(0x808080808080)
_CONTEXT = 96  # encoded characters decoded before and behind, for what the number stands in


@inner(NOTHING, BYTES, INT, INT, INT, STATE, HITS, WORK, TABLES)
def read_encoded(
    source: Any, start: Any, end: Any, size: Any, state: Any, hits: Any, work: Any, tables: Any
) -> None:
    """Look for encoded numbers in the run ``source[start:end]`` of a window of ``size`` bytes."""
    lanes = np.uint64(0)
    seen = np.uint64(0)
    until = work.until
    until[:] = 0
    for at in range(start, end):
        byte = source[at]
        seen += tables.counts[byte]
        lanes = (lanes + _ONES) & tables.lanes[at & 3, byte]
        reached = (lanes + _REACHED) & _TOPS
        if reached:
            for lane in range(6):
                if reached >> np.uint64(8 * lane) & np.uint64(0x80):
                    lanes &= ~(np.uint64(0xFF) << np.uint64(8 * lane))
                    if at >= until[lane]:
                        until[lane] = _read_segment(source, start, at, end, lane, state, hits, work, tables)
    if seen >> np.uint64(32) and seen & np.uint64(0xFFFFFFFF) >= 13:
        _read_escapes(source, start, end, size, state, hits, work, tables)


@inner(INT, BYTES, INT, INT, INT, INT, STATE, HITS, WORK, TABLES)
def _read_segment(
    source: Any, start: Any, at: Any, end: Any, lane: Any, state: Any, hits: Any, work: Any, tables: Any
) -> Any:
    """Decode what lies around ``at`` and may be digits, and look at it; returns where it ends."""
    bit = np.uint64(0x80) << np.uint64(8 * lane)
    last = at
    while last < end and tables.lanes[last & 3, source[last]] & bit:
        last += 1
    kind = 0 if lane < 4 else 1
    step = 4 if kind == 0 else 2
    phase = lane if kind == 0 else lane - 4
    first = max(start, at - (25 if kind else 16) - _CONTEXT)
    while (first - phase) % step:
        first += 1
    text, place = work.decoded, work.place
    size = 0
    bits = np.int64(0)
    filled = 0
    width = 6 if kind == 0 else 4
    begun = first
    for index in range(first, min(end, last + _CONTEXT)):
        value = np.int64(tables.values[kind, source[index]])
        if value == 255:
            if index >= last:
                break
            # Nothing of this encoding before what is looked for: begin again behind it.
            size, bits, filled = 0, np.int64(0), 0
            begun = index + 1
            continue
        if filled == 0:
            begun = index
        bits = (bits << width | value) & 0xFFFF
        filled += width
        if filled >= 8:
            filled -= 8
            text[size] = bits >> filled & 255
            place[size] = begun
            size += 1
            begun = index
    read_text(text[:size], size, place[:size], BASE64 if kind == 0 else HEX, state, hits, work, tables)
    return last


@inner(NOTHING, BYTES, INT, INT, INT, STATE, HITS, WORK, TABLES)
def _read_escapes(
    source: Any, start: Any, end: Any, size: Any, state: Any, hits: Any, work: Any, tables: Any
) -> None:
    """Undo the escapes in the run and look at the result, with some text before and behind it."""
    text, place = work.decoded, work.place
    written = 0
    first = max(0, start - _CONTEXT)
    stop = min(size, end + _CONTEXT)
    kinds = 0
    index = first
    while index < stop:
        byte = source[index]
        width = 1
        code = np.int64(byte)
        escaped = False
        if start <= index < end:
            if byte == 37:  # %34
                code, width = _hexadecimal(source, index + 1, min(index + 3, stop), tables)
                # Of %B, a digit and more of them the first track of a card begins with.
                escaped = width == 2 and not (code >= 176 and code < 186 and _track(source, index + 2, stop))
                width, kinds = (3, kinds | 1) if escaped else (1, kinds)
            elif byte == 92 and index + 1 < stop:  # \u0034, \t
                code, width, escaped = _json(source, index, stop, tables)
                kinds |= 2 if escaped else 0
            elif byte == 38:  # &#52; &#x34; &nbsp;
                code, width, escaped = _entity(source, index, stop, tables)
                kinds |= 4 if escaped else 0
            elif byte == 43:  # a space in the query of a URL
                code, escaped, kinds = np.int64(32), True, kinds | 1
            if not escaped:
                code, width = np.int64(byte), 1
        bytes_only = not escaped or byte == 37 or byte == 43
        if bytes_only or code < 128:
            text[written], place[written] = code & 255, index
            written += 1
        elif code < 0x800:
            text[written], text[written + 1] = 0xC0 | code >> 6, 0x80 | code & 63
            place[written] = place[written + 1] = index
            written += 2
        else:
            text[written], text[written + 1] = 0xE0 | (code >> 12 & 15), 0x80 | (code >> 6 & 63)
            text[written + 2] = 0x80 | code & 63
            place[written] = place[written + 1] = place[written + 2] = index
            written += 3
        index += width
    form = HTML if kinds & 4 else JSON if kinds & 2 else URL if kinds & 1 else PLAIN
    if kinds:
        read_text(text[:written], written, place[:written], form, state, hits, work, tables)


@inner(FLAG, BYTES, INT, INT)
def _track(source: Any, start: Any, stop: Any) -> bool:
    """Whether 13 digits stand at ``start``: after ``%B`` they are a track's, not an escape's."""
    for at in range(start, start + 13):  # noqa: SIM110  the compiler wants it plain
        if at >= stop or not is_digit(source[at]):
            return False
    return True


@inner(PAIR, BYTES, INT, INT, TABLES)
def _hexadecimal(source: Any, start: Any, end: Any, tables: Any) -> Any:
    """Return ``(value, digits)`` of the hexadecimal number at ``start``, read to ``end`` at most."""
    value = np.int64(0)
    index = start
    while index < end and tables.values[1, source[index]] != 255:
        value = value * 16 + tables.values[1, source[index]]
        index += 1
    return value, index - start


@inner(TRIPLE, BYTES, INT, INT, TABLES)
def _json(source: Any, index: Any, stop: Any, tables: Any) -> Any:
    """Return ``(code point, width, whether it is one)`` of the escape at ``index`` (RFC 8259, 7)."""
    kind = source[index + 1]
    if kind == 117:
        value, digits = _hexadecimal(source, index + 2, min(index + 6, stop), tables)
        return value, 6, digits == 4
    if kind == 116:
        return np.int64(9), 2, True
    if kind == 110 or kind == 114 or kind == 98 or kind == 102:
        return np.int64(10), 2, True
    if kind == 34 or kind == 47 or kind == 92:
        return np.int64(kind), 2, True
    return np.int64(92), 1, False


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
    name = np.int64(0)
    while at < stop and at - index < 8 and 97 <= source[at] | 32 <= 122:
        name = name * 32 + (source[at] & 31)
        at += 1
    if at < stop and source[at] == 59:
        for known in range(len(tables.entities)):
            if tables.entities[known, 0] == name:
                return tables.entities[known, 1], at - index + 1, True
    return np.int64(38), 1, False
