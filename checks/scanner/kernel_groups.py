"""Compiled: from a text of digits and separators to verified card numbers, masked where they are found.

The number's digits are read here, and nowhere else: what leaves is the first six, the last four and
a keyed tag. Rules: ISO/IEC 7812-1:2017 (issuer, length, check digit); PCI DSS 4.0.1, 3.4.1 (mask).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, FLAG, HITS, INT, KEY, NOTHING, PLACES, STATE, TABLES, WORD, inner

# Forms, as ``hits.form``.
PLAIN, GROUPED, SCRIPT, EXPONENT, UTF16LE, UTF16BE, URL, JSON, HTML, BASE64, HEX = range(11)
# Places in ``state``: hits so far, first and last place answered for, whether there was no room for
# one more hit, and where the window lies in its stream.
COUNT, FROM, TO, FULL, BASE = range(5)


@inner(FLAG, INT)
def is_digit(byte: Any) -> Any:
    """Whether ``byte`` is an ASCII digit."""
    return 48 <= byte <= 57


@inner(WORD, WORD, INT, KEY, kept=True)
def tag_of(value: Any, length: Any, key: Any) -> Any:
    """Return SipHash-2-4 of a number and its length under ``key`` (Aumasson, Bernstein 2012)."""
    v0, v1 = key[0] ^ np.uint64(0x736F6D6570736575), key[1] ^ np.uint64(0x646F72616E646F6D)
    v2, v3 = key[0] ^ np.uint64(0x6C7967656E657261), key[1] ^ np.uint64(0x7465646279746573)
    # Two words of message, the last with the size in its top byte, and four rounds to finish.
    for turn in range(10):
        word = np.uint64(0)
        if turn == 0:
            v3 ^= value
        elif turn == 2:
            v0 ^= value
            v3 ^= np.uint64(length)
        elif turn == 4:
            v0 ^= np.uint64(length)
            word = np.uint64(16) << np.uint64(56)
            v3 ^= word
        elif turn == 6:
            v0 ^= np.uint64(16) << np.uint64(56)
            v2 ^= np.uint64(0xFF)
        v0 += v1
        v1 = (v1 << np.uint64(13) | v1 >> np.uint64(51)) ^ v0
        v0 = v0 << np.uint64(32) | v0 >> np.uint64(32)
        v2 += v3
        v3 = (v3 << np.uint64(16) | v3 >> np.uint64(48)) ^ v2
        v0 += v3
        v3 = (v3 << np.uint64(21) | v3 >> np.uint64(43)) ^ v0
        v2 += v1
        v1 = (v1 << np.uint64(17) | v1 >> np.uint64(47)) ^ v2
        v2 = v2 << np.uint64(32) | v2 >> np.uint64(32)
    return v0 ^ v1 ^ v2 ^ v3


@inner(FLAG, BYTES, INT, INT, INT, PLACES, BYTES, INT, STATE, HITS, TABLES, kept=True)
def verify(
    text: Any, start: Any, end: Any, length: Any, at: Any, source: Any, form: Any,
    state: Any, hits: Any, tables: Any,
) -> Any:  # fmt: skip
    """Report ``text[start:end]`` of ``length`` digits if it is a card number; whether it is one.

    ``at`` maps places in ``text`` to places in ``source``, the window; empty if they are the same.
    """
    value = np.uint64(0)
    head = np.uint64(0)
    seen = 0
    total = 0
    parity = length & 1
    for index in range(start, end):
        digit = int(text[index]) - 48
        if not 0 <= digit <= 9:
            continue
        value = value * np.uint64(10) + np.uint64(digit)
        # Every second digit from the right counts twice (annex B).
        total += digit if seen & 1 != parity else 2 * digit - (9 if digit > 4 else 0)
        seen += 1
        if seen == 4:
            issued = np.int64(tables.four[value])
            if issued < 0x8000 and not issued >> (length - 13) & 1:
                return False
        elif seen == 6:
            head = value
            if not tables.six[value] >> (length - 13) & 1:
                return False
    if total % 10:
        return False
    first = np.int64(at[start]) if len(at) else start
    last = np.int64(at[end - 1]) if len(at) else end - 1
    if first < state[FROM] or first >= state[TO]:
        return True
    if state[COUNT] >= len(hits):
        state[FULL] = 1
        return True
    if form == PLAIN:
        form = GROUPED if end - start > length else PLAIN
        for index in range(start, end if len(at) else start):
            if is_digit(text[index]) and source[at[index]] >= 128:
                form = SCRIPT
    while len(at) and last + 1 < len(source) and 0x80 <= source[last + 1] < 0xC0 and source[last] >= 128:
        last += 1  # the rest of a character of several bytes
    hit = hits[state[COUNT]]
    hit.offset, hit.end = first, last + 1
    hit.tag = tag_of(value, length, tables.key)
    hit.first6, hit.last4 = head, value % np.uint64(10000)
    hit.length, hit.form, hit.marks = length, form, 0
    state[COUNT] += 1
    return True


@inner(NOTHING, BYTES, INT, INT, PLACES, BYTES, INT, STATE, HITS, TABLES, kept=True)
def groups(
    text: Any, start: Any, end: Any, at: Any, source: Any, form: Any, state: Any, hits: Any, tables: Any
) -> None:
    """Try plain numbers of 13–19 digits, groups 4-4-4-4(-1…3), 4-6-5 and 4-6-4 with one separator each."""
    index = start
    # The three groups before this one: where they begin, and their sizes.
    second = third = fourth = np.int64(0)
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
        if not (0 < separator < 16 or separator == 32 or separator == 45 or separator == 46):
            chain = 0  # codes below 16: the tab, and separators that are no ASCII
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
            if verify(text, begin, end_of, count, at, source, form, state, hits, tables):
                break
            end_of, count, other_count = other_end, other_count, np.int64(0)
        fourth, third, second = third, second, first
        size4, size3, size2 = size3, size2, size
        before = index
