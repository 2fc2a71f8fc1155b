"""Compiled: one window of bytes, looked at 64 at a time.

What each byte is comes as the bits of words, and runs of thirteen are found by shifting words over
themselves: what cannot belong to a card number costs a fraction of a processor's cycle a byte, and what
may be one is looked at digit by digit. What is written in another script or an encoding is only noted by
``find``, and looked at by ``decode``: two entries, so that they can be compiled side by side.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import (
    BYTES,
    FLAG,
    HITS,
    INT,
    NOTHING,
    PLACES,
    PREFIXES,
    QUEUE,
    STATE,
    TABLES,
    WORD,
    WORDS,
    entry,
    inner,
)
from checks.scanner.kernel_groups import FROM, PLAIN, groups, is_digit, verify
from checks.scanner.kernel_masks import encoded_masks, lowest, number_masks, ones

FOREIGN, EXPONENTS, ESCAPES, BASE64S, HEXES = range(5)
"""Kinds of what is noted for ``decode``."""
QUEUED, LINES = 5, 6  # in ``state``: how many are noted, and the line feeds before FROM
PADDING = 192
"""Bytes behind a window's text, of no class: whole words and the one after them are read."""
# As words and not as literals: the compiler would look for a version of each call for each number.
_ZERO, _ONE, _TWO, _FOUR, _FIVE, _SIX, _EIGHT, _TEN, _THIRTEEN, _TOP, _ALL = (
    np.uint64(number) for number in (0, 1, 2, 4, 5, 6, 8, 10, 13, 63, 64)
)
_NO_HIT = np.int64(0)


@inner(WORD, WORD, WORD, WORD)
def _ahead(word: Any, following: Any, by: Any) -> Any:
    """Return ``word`` moved down by ``by`` (1–63) bits, the first bits of ``following`` on top."""
    return word >> by | following << (_ALL - by)


@inner(WORDS, WORD, WORD, WORD)
def _runs(word: Any, following: Any, by: Any) -> Any:
    """Return both words with the bits set that are followed by another ``by`` places on."""
    return word & (word >> by | following << (_ALL - by)), following & following >> by


@inner(NOTHING, QUEUE, INT, INT, INT, WORD)
def _note(queue: Any, row: Any, kind: Any, at: Any, bits: Any) -> None:
    """Note something for ``decode``."""
    queue[row, 0], queue[row, 1], queue[row, 2] = kind, at, np.int64(bits)


@inner(FLAG, BYTES, INT)
def _joins(source: Any, at: Any) -> Any:
    """Whether ``source[at]`` is a separator alone between two digits."""
    byte = source[at]
    separator = byte == 32 or byte == 9 or byte == 45 or byte == 46
    return separator and is_digit(source[at - 1]) and is_digit(source[at + 1])


@inner(FLAG, BYTES, INT, INT, PREFIXES)
def _plausible(source: Any, start: Any, length: Any, four: Any) -> Any:
    """Whether ``length`` digits begin as some card's do, and end in the right check digit.

    What ``verify`` does as well, but small enough to be put where it is called: most numbers end here.
    """
    prefix = (
        np.int64(source[start]) * 1000 + np.int64(source[start + 1]) * 100
        + np.int64(source[start + 2]) * 10 + np.int64(source[start + 3]) - 48 * 1111
    )  # fmt: skip
    issued = np.int64(four[prefix])
    if issued < 0x8000 and not issued >> (length - 13) & 1:
        return False
    total = np.int64(0)
    double = False
    for index in range(start + length - 1, start - 1, -1):
        digit = np.int64(source[index]) - 48
        total += digit + (digit - (9 if digit > 4 else 0) if double else 0)
        double = not double
    return total % 10 == 0


@inner(INT, BYTES, INT, FLAG, STATE, PLACES, PLACES, QUEUE)
def _notes(source: Any, size: Any, encoded: Any, state: Any, lines: Any, begins: Any, queue: Any) -> Any:
    """Note in ``begins`` where numbers may begin, in ``queue`` what is for ``decode``; returns how many.

    Nothing is looked at closely here, so that the loop has the processor's registers to itself.
    """
    counted = _ZERO
    queued = _NO_HIT
    begun = _NO_HIT
    before, before_kind, before_starts = _ZERO, _ZERO, _ZERO  # digits, digits and others, starts
    digits, separators, other, feeds = number_masks(source, _NO_HIT)
    escapes, first, two = encoded_masks(source, _NO_HIT)
    for at in range(0, size, 64):
        ahead = at + 64
        next_digits, next_separators, next_other, next_feeds = number_masks(source, ahead)
        lines[at >> 6] = counted
        counted += ones(feeds)
        # Digits, and separators alone between two of them.
        joined = digits | separators & (digits << _ONE | before >> _TOP) & _ahead(digits, next_digits, _ONE)
        next_joined = next_digits | (
            next_separators & (next_digits << _ONE | digits >> _TOP) & next_digits >> _ONE
        )
        run2, next_run2 = _runs(joined, next_joined, _ONE)
        run8, next_run8 = _runs(run2, next_run2, _TWO)
        run8, next_run8 = _runs(run8, next_run8, _FOUR)
        # Thirteen of them that begin with four digits: neither an address nor a date does.
        four, next_four = _runs(digits, next_digits, _ONE)
        four, next_four = _runs(four, next_four, _TWO)
        starts = four & run8 & _ahead(run8, next_run8, _FIVE)
        last_start = starts >> _TOP
        starts &= ~(starts << _ONE | before_starts)
        before_starts = last_start
        while starts:
            begins[begun] = at + lowest(starts)
            starts &= starts - _ONE
            begun += 1
        kind = digits | separators | other
        if other:
            # No ASCII, or NUL: of these, digits and separators, runs of thirteen that touch the 64 bytes.
            run, last = _runs(kind, next_digits | next_separators | next_other, _ONE)
            run, last = _runs(run, last, _TWO)
            run, last = _runs(run, last, _FOUR)
            run, last = _runs(run, last, _FIVE)
            if run | before_kind >> _TOP:
                _note(queue, queued, FOREIGN, at, _ZERO)
                queued += 1
        before_kind = kind
        # One digit, a separator and digits: 4.111111111111111E15, perhaps.
        exponents = run8 & _ahead(run2, next_run2, _EIGHT) & _ahead(separators, next_separators, _ONE)
        exponents &= ~(joined << _ONE | before >> _TOP)
        if exponents:
            exponents &= _ahead(four, next_four, _TWO) & _ahead(four, next_four, _SIX)
        if exponents:
            _note(queue, queued, EXPONENTS, at, exponents)
            queued += 1
        if encoded:
            next_escapes, next_first, next_two = encoded_masks(source, ahead)
            # The first characters of four groups in a row: 13 digits hold as many.
            pairs, next_pairs = _runs(first, next_first, _FOUR)
            pairs &= _ahead(pairs, next_pairs, _EIGHT)
            if pairs:
                _note(queue, queued, BASE64S, at, pairs)
                queued += 1
            # The first hexadecimal digits of thirteen bytes in a row.
            pairs, next_pairs = _runs(two, next_two, _TWO)
            pairs, next_pairs = _runs(pairs, next_pairs, _FOUR)
            pairs, next_pairs = _runs(pairs, next_pairs, _EIGHT)
            pairs &= _ahead(pairs, next_pairs, _TEN)
            if pairs:
                _note(queue, queued, HEXES, at, pairs)
                queued += 1
            # A number takes at most nine bytes for a digit, its escapes hold digits themselves: around
            # any of them are as many as it has.
            if escapes and ones(before) + ones(digits) + ones(next_digits) >= _THIRTEEN:
                _note(queue, queued, ESCAPES, at, escapes)
                queued += 1
            escapes, first, two = next_escapes, next_first, next_two
        before = digits
        digits, separators, other, feeds = next_digits, next_separators, next_other, next_feeds
    lines[(size + 63) >> 6] = counted
    state[QUEUED] = queued
    return begun


@entry(INT, BYTES, INT, FLAG, STATE, HITS, PLACES, PLACES, QUEUE, PLACES, TABLES)
def find(
    source: Any, size: Any, encoded: Any, state: Any, hits: Any, lines: Any, begins: Any, queue: Any,
    none: Any, tables: Any,
) -> Any:  # fmt: skip
    """Look at ``source[:size]``, fill ``hits`` and ``queue``; returns the line feeds from FROM to TO.

    ``lines`` gets the line feeds before each 64 bytes; ``begins`` is room for a place for each five
    bytes; ``none`` is a map of no length. ``queue`` takes rows ``(kind, place of 64 bytes, which of them
    as bits)``; there is room for five for each 64 bytes.
    """
    done = _NO_HIT  # what lies before has been looked at
    for index in range(_notes(source, size, encoded, state, lines, begins, queue)):
        begin = np.int64(begins[index])
        if begin < done:
            continue  # a later group of what has been looked at
        digits, separators, _, _ = number_masks(source, begin)
        length = lowest(~digits)
        if 13 <= length < 64 and not _joins(source, begin + length):
            if length <= 19 and _plausible(source, begin, length, tables.four):
                verify(source, begin, begin + length, length, none, source, PLAIN, state, hits, tables)
            continue
        length = lowest(~(digits | separators & digits << _ONE & digits >> _ONE))
        done = begin + length
        if length >= 63:  # longer than what is in view: to its end, byte by byte
            while done < size and (is_digit(source[done]) or _joins(source, done)):
                done += 1
        elif ones(digits & ((_ONE << np.uint64(length)) - _ONE)) < _THIRTEEN:
            continue
        groups(source, begin, done, none, source, PLAIN, state, hits, tables)
    total = np.int64(0)
    for bound in range(2):
        place = state[FROM + bound]
        feeds_before = np.int64(lines[place >> 6])
        for index in range(place & ~63, place):
            feeds_before += 1 if source[index] == 10 else 0
        total = feeds_before - total
        state[LINES] = feeds_before if bound == 0 else state[LINES]
    return total
