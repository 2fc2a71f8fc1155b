"""Compiled: digits that are no ASCII, and UTF-16, brought to ASCII digits and codes of separators."""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, INT, PLACES, TABLES, inner


@inner(INT, BYTES, INT, INT, PLACES, BYTES, PLACES, TABLES)
def from_utf8(source: Any, start: Any, end: Any, place: Any, text: Any, at: Any, tables: Any) -> Any:
    """Write ``source[start:end]`` to ``text`` and where it came from to ``at``; returns its size.

    Runs of other characters become one 0 each. ``place`` maps places in ``source`` to those in the
    window; empty if they are the same.
    """
    size = 0
    index = start
    while index < end:
        byte = np.int64(source[index])
        width = 1
        code = byte
        if byte >= 0xC2 and byte < 0xF1:
            width = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            code = byte & (0xFF >> (width + 1))
            for more in range(1, width):
                follows = np.int64(source[index + more]) if index + more < end else 0
                if follows & 0xC0 != 0x80:  # no UTF-8: the byte stands alone
                    width = 0
                    break
                code = code << 6 | follows & 63
            if width == 0:
                code, width = np.int64(0), 1
        elif byte >= 0x80 and byte != 0xA0:  # 0xA0 alone: the no-break space of ISO 8859
            code = np.int64(0)
        symbol = tables.characters[code] if code < len(tables.characters) else np.uint8(0)
        if symbol != 0 or (size > 0 and text[size - 1] != 0):
            text[size] = symbol
            at[size] = place[index] if len(place) else index
            size += 1
        index += width
    return size


@inner(INT, BYTES, INT, INT, BYTES, PLACES, TABLES)
def from_utf16(source: Any, start: Any, end: Any, text: Any, at: Any, tables: Any) -> Any:
    """Write every second byte from ``start`` on, where those between are NUL; else as :func:`from_utf8`."""
    size = 0
    for index in range(start, end, 2):
        byte = source[index]
        paired = (index + 1 < end and source[index + 1] == 0) or (index > 0 and source[index - 1] == 0)
        symbol = tables.characters[byte] if byte != 0 and paired else np.uint8(0)
        if symbol != 0 or (size > 0 and text[size - 1] != 0):
            text[size] = symbol
            at[size] = index
            size += 1
    return size
