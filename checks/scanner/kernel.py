"""Compiled: one window of bytes, looked at in two steps.

First every byte is classed without a branch, which the compiler turns into vector instructions; then
aligned words of four classes are joined in blocks, and only a block in which words in a row are all
ones is looked at more closely. A run of 13 always holds two such words, one of 16 three.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from checks.scanner.jit import (
    BYTES,
    FLAG,
    HITS,
    INT,
    KEY,
    NOTHING,
    STATE,
    TABLES,
    WORD,
    WORDS,
    WORK,
    entry,
    inner,
)
from checks.scanner.kernel_decode import read_encoded
from checks.scanner.kernel_runs import read_run
from checks.scanner.kernel_verify import COUNT, FROM, PLAIN, TO, tag_of

_ALL = np.uint32(0x01010101)
_BLOCK = 32  # words of four bytes
PADDING = 160
"""Bytes behind the classes of a window, so that the last block and the words after it are there."""


@inner(NOTHING, BYTES, BYTES, INT)
def _class_numbers(source: Any, classes: Any, size: Any) -> None:
    """Set ``classes`` to 1 where a run of digits and separators may go on; see ``kernel_runs.of_class``."""
    for at in range(size):
        byte = source[at]
        classes[at] = (
            (np.uint8(byte - np.uint8(45)) <= np.uint8(12))
            | (byte == np.uint8(32))
            | (byte == np.uint8(9))
            | (byte >= np.uint8(128))
            | (byte == np.uint8(0))
        )


@inner(NOTHING, BYTES, BYTES, INT)
def _class_encoded(source: Any, classes: Any, size: Any) -> None:
    """Set ``classes`` to 1 for letters, digits and what encodings and escapes are written with."""
    for at in range(size):
        byte = source[at]
        classes[at] = (
            (np.uint8((byte | np.uint8(32)) - np.uint8(97)) <= np.uint8(25))
            | (np.uint8(byte - np.uint8(47)) <= np.uint8(10))
            | (np.uint8(byte - np.uint8(35)) <= np.uint8(3))
            | (byte == np.uint8(43))
            | (byte == np.uint8(59))
            | (byte == np.uint8(61))
            | (byte == np.uint8(92))
        )


@inner(INT, BYTES, INT, INT)
def _count_lines(source: Any, start: Any, end: Any) -> Any:
    """Return the line feeds in ``source[start:end]``."""
    lines = np.int64(0)
    for at in range(start, end):
        lines += source[at] == np.uint8(10)
    return lines


@entry(INT, BYTES, INT, BYTES, WORDS, FLAG, STATE, HITS, WORK, TABLES)
def scan(
    source: Any,
    size: Any,
    classes: Any,
    words: Any,
    encoded: Any,
    state: Any,
    hits: Any,
    work: Any,
    tables: Any,
) -> Any:
    """Look at ``source[:size]`` and fill ``hits``; returns the line feeds in what this window answers for.

    ``classes`` holds ``PADDING`` bytes more than ``size``; ``words`` are the same bytes as 32-bit words.
    ``state``: hits so far, first and last place answered for, whether doubtful hits are kept, whether
    ``hits`` was too short, and where the window lies in its stream.
    """
    _class_numbers(source, classes, size)
    _find(source, size, classes, words, False, state, hits, work, tables)
    if encoded:
        raw = state[COUNT]
        _class_encoded(source, classes, size)
        _find(source, size, classes, words, True, state, hits, work, tables)
        if state[COUNT] > raw:
            _merge(hits, raw, state)
    lines = np.int64(0)
    counted = state[FROM]
    for index in range(state[COUNT]):
        lines += _count_lines(source, counted, hits[index].offset)
        counted = hits[index].offset
        hits[index].line = lines
    return lines + _count_lines(source, counted, min(state[TO], size))


@inner(NOTHING, BYTES, INT, BYTES, WORDS, FLAG, STATE, HITS, WORK, TABLES)
def _find(
    source: Any,
    size: Any,
    classes: Any,
    words: Any,
    encoded: Any,
    state: Any,
    hits: Any,
    work: Any,
    tables: Any,
) -> None:
    """Look more closely wherever enough words in a row are all ones."""
    for at in range(size, size + PADDING):
        classes[at] = 0
    done = 0
    for block in range(0, (size + 3) // 4, _BLOCK):
        any_hit = np.uint32(0)
        if encoded:
            for word in range(block, block + _BLOCK):
                any_hit |= np.uint32((words[word] & words[word + 1] & words[word + 2]) == _ALL)
        else:
            for word in range(block, block + _BLOCK):
                any_hit |= np.uint32((words[word] & words[word + 1]) == _ALL)
        if not any_hit:
            continue
        for word in range(block, block + _BLOCK):
            at = word * 4
            if at < done or words[word] & words[word + 1] != _ALL:
                continue
            start = at
            while start > 0 and classes[start - 1]:
                start -= 1
            end = at + 8
            while words[end // 4] == _ALL:
                end += 4
            while end < size and classes[end]:
                end += 1
            end = min(end, size)
            done = end
            if encoded:
                if end - start >= 16:
                    read_encoded(source, start, end, size, state, hits, work, tables)
            elif end - start >= 13:
                read_run(source, start, end, work.none, PLAIN, state, hits, work, tables)


@inner(NOTHING, HITS, INT, STATE)
def _merge(hits: Any, raw: Any, state: Any) -> None:
    """Sort the hits by place (few are out of order) and drop those found twice, raw and in an encoding."""
    count = state[COUNT]
    for index in range(raw, count):
        at = index
        while at > 0 and hits[at - 1].offset > hits[at].offset:
            _swap(hits, at)
            at -= 1
    kept = 0
    for index in range(count):
        same = (
            kept > 0 and hits[kept - 1].offset == hits[index].offset and hits[kept - 1].tag == hits[index].tag
        )
        if not same:
            hits[kept] = hits[index]
            kept += 1
    state[COUNT] = kept


@inner(NOTHING, HITS, INT)
def _swap(hits: Any, at: Any) -> None:
    one, two = hits[at - 1], hits[at]
    one.offset, two.offset = two.offset, one.offset
    one.end, two.end = two.end, one.end
    one.line, two.line = two.line, one.line
    one.tag, two.tag = two.tag, one.tag
    one.first6, two.first6 = two.first6, one.first6
    one.last4, two.last4 = two.last4, one.last4
    one.length, two.length = two.length, one.length
    one.form, two.form = two.form, one.form
    one.marks, two.marks = two.marks, one.marks


@entry(WORD, WORD, INT, KEY)
def tag(value: Any, length: Any, key: Any) -> Any:
    """Return the tag that a number has under ``key``."""
    return tag_of(value, length, key)
