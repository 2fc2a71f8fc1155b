"""Compiled: from a run of digits and separators to verified card numbers, masked where they are found.

The number's digits are read here, and nowhere else: what leaves is the first six, the last four and
a keyed tag. Rules: ISO/IEC 7812-1:2017 (issuer, length, check digit); PCI DSS 4.0.1, 3.4.1 (mask).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import BYTES, FLAG, HITS, INT, KEY, PLACES, STATE, TABLES, WORD, inner

# Forms, as ``hits.form``.
PLAIN, GROUPED, SCRIPT, EXPONENT, UTF16LE, UTF16BE, URL, JSON, HTML, BASE64, HEX = range(11)
# What speaks against a card number …
IN_HEX, IN_FRACTION, IN_PHONE, IN_UUID, IN_IBAN = 1, 2, 4, 8, 16
DOUBTS = 31
# … and for one.
CARD_WORD, CVV, TRACK = 32, 64, 128

COUNT, FROM, TO, KEEP_DOUBTFUL, FULL, BASE = range(6)  # places in ``state``
_NEAR = 128


@inner(FLAG, INT)
def is_digit(byte: Any) -> bool:
    """Whether ``byte`` is an ASCII digit."""
    return 48 <= byte <= 57


@inner(FLAG, INT)
def is_alnum(byte: Any) -> bool:
    """Whether ``byte`` is an ASCII letter or digit."""
    return 48 <= byte <= 57 or 97 <= (byte | 32) <= 122


@inner(WORD, WORD, INT, KEY)
def tag_of(value: Any, length: Any, key: Any) -> Any:
    """Return SipHash-2-4 of a number and its length under ``key`` (Aumasson, Bernstein 2012)."""
    v0, v1 = key[0] ^ np.uint64(0x736F6D6570736575), key[1] ^ np.uint64(0x646F72616E646F6D)
    v2, v3 = key[0] ^ np.uint64(0x6C7967656E657261), key[1] ^ np.uint64(0x7465646279746573)
    for step in range(4):
        word = np.uint64(0)
        if step == 0:
            word = np.uint64(value)
        elif step == 1:
            word = np.uint64(length)
        elif step == 2:
            word = np.uint64(16) << np.uint64(56)
        else:
            v2 ^= np.uint64(0xFF)
        v3 ^= word
        for _ in range(4 if step == 3 else 2):
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
        v0 ^= word
    return v0 ^ v1 ^ v2 ^ v3


@inner(FLAG, BYTES, INT, INT, INT, TABLES)
def _issued(text: Any, start: Any, end: Any, length: Any, tables: Any) -> bool:
    """Whether a network issues numbers of ``length`` digits that begin as ``text[start:end]`` does."""
    bit = np.int64(1) << (length - 13)
    prefix = np.int64(0)
    seen = 0
    at = start
    while seen < 4:
        if is_digit(text[at]):
            prefix = prefix * 10 + (text[at] - 48)
            seen += 1
        at += 1
    mask = np.int64(tables.four[prefix])
    if mask & 0x8000:
        while seen < 6:
            if is_digit(text[at]):
                prefix = prefix * 10 + (text[at] - 48)
                seen += 1
            at += 1
        mask = np.int64(tables.six[prefix])
    return mask & bit != 0


@inner(FLAG, BYTES, INT, INT)
def _luhn(text: Any, start: Any, end: Any) -> bool:
    """Whether the last digit checks those before it (ISO/IEC 7812-1:2017, annex B)."""
    total = np.int64(0)
    doubled = np.int64(0)  # 1 at every second digit from the right
    for at in range(end - 1, start - 1, -1):
        digit = np.int64(text[at]) - 48
        if 0 <= digit <= 9:
            total += digit + doubled * (digit - (9 if digit > 4 else 0))
            doubled ^= 1
    return total % 10 == 0


@inner(FLAG, BYTES, INT, INT, INT, INT, PLACES, BYTES, PLACES, STATE, HITS, KEY, TABLES)
def try_number(
    text: Any, start: Any, end: Any, length: Any, form: Any, at: Any, source: Any, place: Any,
    state: Any, hits: Any, key: Any, tables: Any,
) -> bool:  # fmt: skip
    """Report ``text[start:end]`` of ``length`` digits if it is a card number; whether it is one.

    ``at`` maps places in ``text`` to places in ``source``, where the surroundings are looked at,
    and ``place`` those to places in the window; an empty map stands for the same place.
    """
    if not _issued(text, start, end, length, tables) or not _luhn(text, start, end):
        return False
    first = np.int64(at[start] if len(at) else start)
    last = np.int64(at[end - 1] if len(at) else end - 1)
    if len(at) and form == SCRIPT:  # a character of several bytes
        while last + 1 < len(source) and 0x80 <= source[last + 1] < 0xC0:
            last += 1
    marks = _surroundings(source, first, last + 1, length, form, text, start, end)
    begin = np.int64(place[first] if len(place) else first)
    if begin < state[FROM] or begin >= state[TO] or (marks & DOUBTS and not state[KEEP_DOUBTFUL]):
        return True
    if state[COUNT] >= len(hits):
        state[FULL] = 1
        return True
    value = np.uint64(0)
    head = np.int64(0)
    seen = 0
    for index in range(start, end):
        if is_digit(text[index]):
            value = value * np.uint64(10) + np.uint64(text[index] - 48)
            seen += 1
            if seen == 6:
                head = np.int64(value)
    hit = hits[state[COUNT]]
    hit.offset = begin
    hit.end = np.int64(place[last] if len(place) else last) + 1
    hit.tag = tag_of(value, length, key)
    hit.first6 = head
    hit.last4 = np.int64(value % np.uint64(10000))
    hit.length = length
    hit.form = form
    hit.marks = marks
    state[COUNT] += 1
    return True


@inner(INT, BYTES, INT, INT, INT, INT, BYTES, INT, INT)
def _surroundings(
    source: Any, first: Any, end: Any, length: Any, form: Any, text: Any, start: Any, stop: Any
) -> Any:
    """Return what stands around ``source[first:end]`` as marks for and against a card number."""
    marks = 0
    before = source[first - 1] if first > 0 else 0
    two_before = source[first - 2] if first > 1 else 0
    grouped = stop - start != length
    if not grouped and form != EXPONENT:
        if before == 46 and is_digit(two_before):
            marks |= IN_FRACTION
        if before == 43 and length < 15:
            marks |= IN_PHONE
        if _in_hexadecimal(source, first, end):
            marks |= IN_HEX
    if grouped and (_uuid_at(source, first - 4) or _uuid_at(source, first - 9)):
        marks |= IN_UUID
    if _in_iban(source, first, text, start, stop, grouped):
        marks |= IN_IBAN
    if before == 59 and end < len(source) and source[end] == 61:  # track 2: ;PAN=
        marks |= TRACK
    if before | 32 == 98 and two_before == 37 and end < len(source) and source[end] == 94:  # track 1: %BPAN^
        marks |= TRACK
    low, high = max(first - 64, 0), min(end + 64, len(source) - 4)
    if marks & TRACK:  # what stands before a track's number belongs to the track
        marks = TRACK
    for at in range(low, high):
        letter = source[at] | 32
        if letter == 99 or letter == 112 or letter == 118 or letter == 115:
            if at < first and _card_word(source, at):
                marks |= CARD_WORD
            if (at < first or at >= end) and _code_word(source, at, len(source)):
                marks |= CVV
    return marks


@inner(FLAG, BYTES, INT)
def _card_word(source: Any, at: Any) -> bool:
    """Whether ``card``, ``pan``, ``visa`` or ``ccn`` begins at ``at``, with a byte to spare behind."""
    a, b, c, d = source[at] | 32, source[at + 1] | 32, source[at + 2] | 32, source[at + 3]
    if a == 99 and b == 97 and c == 114 and d | 32 == 100:  # card
        return True
    if a == 118 and b == 105 and c == 115 and d | 32 == 97:  # visa
        return True
    whole = at == 0 or not is_alnum(source[at - 1])
    if a == 112 and b == 97 and c == 110 and whole and not is_alnum(d):  # pan
        return True
    return a == 99 and b == 99 and c == 110 and whole  # ccn, ccnum, ccnumber


@inner(FLAG, BYTES, INT, INT)
def _code_word(source: Any, at: Any, size: Any) -> bool:
    """Whether a security code begins at ``at``: cvv, cvv2, cvc, csc and, soon after, three or four digits."""
    a, b, c = source[at] | 32, source[at + 1] | 32, source[at + 2] | 32
    if not (a == 99 and ((b == 118 and (c == 118 or c == 99)) or (b == 115 and c == 99))):
        return False
    if at > 0 and 97 <= (source[at - 1] | 32) <= 122:
        return False
    digits = 0
    index = at + 3
    if index < size and is_digit(source[index]):  # the 2 of cvv2
        index += 1
    for place in range(index, min(index + 14, size)):
        if is_digit(source[place]):
            digits += 1
        elif digits:
            break
    return digits == 3 or digits == 4


@inner(FLAG, BYTES, INT, INT)
def _in_hexadecimal(source: Any, first: Any, end: Any) -> bool:
    """Whether the digits are part of a hexadecimal token rather than glued to a word."""
    digits = 0
    low = first
    while low > 0 and first - low < _NEAR and is_alnum(source[low - 1]):
        low -= 1
        digits += 1 if is_digit(source[low]) else 0
    if first - low == 2 and source[low] == 48 and source[low + 1] | 32 == 120:  # 0x
        return True
    high = end
    while high < len(source) and high - end < _NEAR and is_alnum(source[high]):
        digits += 1 if is_digit(source[high]) else 0
        high += 1
    around = first - low + high - end
    if around == 0:
        return False
    for at in range(low, high):
        if (source[at] | 32) > 102 and not first <= at < end:
            return False
    size = high - low
    # The lengths of identifiers and digests: 16, 24, 32, 40, 48, 56, 64, 96, 128.
    return digits > 0 or (size % 8 == 0 and 16 <= size <= 64) or size == 96 or size == 128


@inner(FLAG, BYTES, INT)
def _uuid_at(source: Any, first: Any) -> bool:
    """Whether a UUID stands at ``first`` (RFC 9562, 4)."""
    if first < 0 or first + 36 > len(source):
        return False
    if (first > 0 and is_alnum(source[first - 1])) or (
        first + 36 < len(source) and is_alnum(source[first + 36])
    ):
        return False
    for at in range(36):
        byte = source[first + at]
        if at == 8 or at == 13 or at == 18 or at == 23:
            if byte != 45:
                return False
        elif not is_digit(byte) and not 97 <= byte | 32 <= 102:
            return False
    return True


@inner(FLAG, BYTES, INT, BYTES, INT, INT, FLAG)
def _in_iban(source: Any, first: Any, text: Any, start: Any, stop: Any, grouped: Any) -> bool:
    """Whether country letters before the digits make them a valid IBAN (ISO 13616-1:2020, 5)."""
    at = first
    check = np.int64(0)
    begin = start
    if grouped:
        if at < 3 or source[at - 1] != 32 or not is_digit(source[at - 2]) or not is_digit(source[at - 3]):
            return False
        check = np.int64(source[at - 3] - 48) * 10 + source[at - 2] - 48
        at -= 3
    else:
        check = np.int64(text[start] - 48) * 10 + text[start + 1] - 48
        begin += 2
    if at < 2 or not 65 <= source[at - 1] <= 90 or not 65 <= source[at - 2] <= 90:
        return False
    if at > 2 and is_alnum(source[at - 3]):
        return False
    rest = np.int64(0)
    for index in range(begin, stop):
        if is_digit(text[index]):
            rest = (rest * 10 + text[index] - 48) % 97
    rest = (rest * 100 + source[at - 2] - 55) % 97
    rest = (rest * 100 + source[at - 1] - 55) % 97
    return (rest * 100 + check) % 97 == 1
