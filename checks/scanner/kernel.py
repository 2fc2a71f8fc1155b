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
_ZERO, _ONE, _TWO, _FOUR, _FIVE, _EIGHT, _NINE, _TEN, _THIRTEEN, _TOP, _ALL = (
    np.uint64(number) for number in (0, 1, 2, 4, 5, 8, 9, 10, 13, 63, 64)
)
_NO_HIT = np.int64(0)


@inner(WORD, WORD, WORD, WORD)
def _back(word: Any, carried: Any, by: Any) -> Any:
    """Return ``word`` moved up by ``by`` (1–63) bits, and below what :func:`_carry` made of the word before.

    The last bits of the word before are taken while that is at hand, and not here: the compiler would make
    one instruction (SHLD) of both moves, and that is slow on AMD's processors.
    """
    return word << by | carried


@inner(WORD, WORD, WORD)
def _carry(word: Any, by: Any) -> Any:
    """Return the last ``by`` bits of ``word``, for the word behind it."""
    return word >> (_ALL - by)


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

    Nothing is looked at closely here, so that the loop has the processor's registers to itself. Runs are
    told where they end: what came before is known by then, and is looked at once.
    """
    counted = _ZERO
    queued = _NO_HIT
    begun = _NO_HIT
    # Of the 64 bytes before: what they were, and the bits carried of what ended there, by how many.
    digits0 = kind0 = _ZERO
    digits_1 = digits_2 = separators_1 = separators_8 = digits2_2 = digits4_4 = digits4_10 = _ZERO
    joined_1 = joined2_2 = joined4_4 = joined8_5 = runs_1 = _ZERO
    first_4 = first2_8 = two_2 = two2_4 = two4_8 = two8_10 = _ZERO
    for at in range(0, size + 1, 64):
        digits, separators, other, feeds = number_masks(source, at)
        lines[at >> 6] = counted
        counted += ones(feeds)
        # Digits, and separators alone between two of them: of each byte what the one before it is.
        digits1 = _back(digits, digits_1, _ONE)
        joined = digits1 | _back(separators, separators_1, _ONE) & _back(digits, digits_2, _TWO) & digits
        joined2 = joined & _back(joined, joined_1, _ONE)
        joined4 = joined2 & _back(joined2, joined2_2, _TWO)
        joined8 = joined4 & _back(joined4, joined4_4, _FOUR)
        digits2 = digits & digits1
        digits4 = digits2 & _back(digits2, digits2_2, _TWO)
        # Thirteen of them that begin with four digits: neither an address nor a date does.
        runs = joined8 & _back(joined8, joined8_5, _FIVE) & _back(digits4, digits4_10, _TEN)
        starts = runs & ~_back(runs, runs_1, _ONE)
        while starts:
            begins[begun] = at + lowest(starts) - 13
            starts &= starts - _ONE
            begun += 1
        kind = digits | separators | other
        if other:
            # No ASCII, or NUL: of these, digits and separators, runs of thirteen that touch the 64 bytes.
            next_digits, next_separators, next_other, _ = number_masks(source, at + 64)
            run, last = _runs(kind, next_digits | next_separators | next_other, _ONE)
            run, last = _runs(run, last, _TWO)
            run, last = _runs(run, last, _FOUR)
            run, last = _runs(run, last, _FIVE)
            if run | kind0 >> _TOP:
                _note(queue, queued, FOREIGN, at, _ZERO)
                queued += 1
        # One digit, a separator and eight digits: 4.111111111111111E15, perhaps.
        exponents = digits4 & _back(digits4, digits4_4, _FOUR) & _back(separators, separators_8, _EIGHT)
        if exponents:
            exponents &= _back(digits, _carry(digits0, _NINE), _NINE)
            exponents &= ~_back(digits, _carry(digits0, _TEN), _TEN)
        if exponents:
            _note(queue, queued, EXPONENTS, at - 9, exponents)
            queued += 1
        if encoded:
            escapes, first, two = encoded_masks(source, at)
            # The first characters of four groups in a row: 13 digits hold as many.
            first2 = first & _back(first, first_4, _FOUR)
            ends = first2 & _back(first2, first2_8, _EIGHT)
            if ends:
                _note(queue, queued, BASE64S, at - 12, ends)
                queued += 1
            # The first hexadecimal digits of thirteen bytes in a row.
            two2 = two & _back(two, two_2, _TWO)
            two4 = two2 & _back(two2, two2_4, _FOUR)
            two8 = two4 & _back(two4, two4_8, _EIGHT)
            ends = two8 & _back(two8, two8_10, _TEN)
            if ends:
                _note(queue, queued, HEXES, at - 24, ends)
                queued += 1
            # A number takes at most nine bytes for a digit, its escapes hold digits themselves: around
            # any of them are as many as it has.
            if escapes:
                next_digits, _, _, _ = number_masks(source, at + 64)
                if ones(digits0) + ones(digits) + ones(next_digits) >= _THIRTEEN:
                    _note(queue, queued, ESCAPES, at, escapes)
                    queued += 1
            first_4, first2_8 = _carry(first, _FOUR), _carry(first2, _EIGHT)
            two_2, two2_4 = _carry(two, _TWO), _carry(two2, _FOUR)
            two4_8, two8_10 = _carry(two4, _EIGHT), _carry(two8, _TEN)
        digits0, kind0 = digits, kind
        digits_1, digits_2 = _carry(digits, _ONE), _carry(digits, _TWO)
        separators_1, separators_8 = _carry(separators, _ONE), _carry(separators, _EIGHT)
        digits2_2, digits4_4, digits4_10 = (
            _carry(digits2, _TWO),
            _carry(digits4, _FOUR),
            _carry(digits4, _TEN),
        )
        joined_1, joined2_2 = _carry(joined, _ONE), _carry(joined2, _TWO)
        joined4_4, joined8_5, runs_1 = _carry(joined4, _FOUR), _carry(joined8, _FIVE), _carry(runs, _ONE)
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
