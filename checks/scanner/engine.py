"""The engine: windows of bytes through the compiled kernel, with what it found as masked records.

A window answers for the numbers that begin in its middle; what lies before and behind is there to be
looked at only. So it makes no difference to the result where a stream is cut, or into how many parts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.core.errors import TooLarge
from checks.detectors.card_networks import TEST_NUMBERS
from checks.scanner import kernel, tables
from checks.scanner.finding import Match, match_of
from checks.scanner.jit import RECORD, Tables, Work, prepare

WINDOW = 2**17
"""Bytes looked at in one go: they and their classes stay in the second-level cache."""
BEFORE, BEHIND = 256, 512
"""Bytes beside a window's own: as far as a number in the longest escapes and its context reach."""
TEST = 1 << 8
"""In ``marks``: a network published the number for tests."""


def _tables() -> Tables:
    four, six = tables.prefixes()
    return Tables(
        four, six, tables.characters(), tables.counts(), tables.lanes(), tables.values(), tables.entities()
    )


class Engine:
    """Looks for card numbers; one for each thread that looks. Buffers are made once and reused.

    ``encoded`` also looks into base64, hexadecimal, URL, JSON and HTML escapes. ``doubtful`` keeps
    what is in a context that speaks against a card number. ``key`` (16 bytes) is what the tags of
    one run are made with; by default a new one, forgotten with the engine.
    """

    def __init__(
        self, *, encoded: bool = True, doubtful: bool = False, key: bytes | None = None, window: int = WINDOW
    ) -> None:
        prepare()
        self.key = secrets.token_bytes(16) if key is None else key
        self._encoded = encoded
        self._size = BEFORE + window + BEHIND
        self._buffer = np.zeros(self._size, np.uint8)
        self._view = memoryview(self._buffer)  # type: ignore[arg-type]
        self._words = np.zeros((self._size + kernel.PADDING) // 4 + 1, np.uint32)
        self._classes = self._words.view(np.uint8)
        self._hits = np.zeros(self._size // 8, RECORD)
        self._state = np.zeros(6, np.int64)
        self._state[3] = doubtful
        key_words = np.frombuffer(self.key, np.uint64).copy()
        self._work = Work(
            np.zeros(0, np.int32), key_words, np.zeros(self._size, np.uint8), np.zeros(self._size, np.int32),
            np.zeros(self._size, np.uint8), np.zeros(self._size, np.int32), np.zeros(32, np.uint8),
            np.zeros(32, np.int32), np.zeros(6, np.int64),
        )  # fmt: skip
        self._tables = _tables()
        self._tests = np.array(
            [kernel.tag(np.uint64(int(number)), len(number), key_words) for number in TEST_NUMBERS], np.uint64
        )
        self.size = 0
        self.lines = 0

    def block(self, data: bytes) -> npt.NDArray[Any]:
        """Return the records of the hits in ``data``, a text that is whole."""
        if len(data) > self._size:
            return self._joined(self.stream((data,)))
        self._view[: len(data)] = data
        return self._window(0, len(data), len(data), 0, 1)

    def stream(self, chunks: Iterable[bytes]) -> Iterator[npt.NDArray[Any]]:
        """Yield the records of hits in the bytes that ``chunks`` make together, window by window."""
        return self.read(_Chunks(chunks).readinto)

    def read(
        self,
        readinto: Callable[[memoryview], int],
        *,
        first: int = 0,
        start: int = 0,
        stop: int | None = None,
    ) -> Iterator[npt.NDArray[Any]]:
        """Yield the records of hits that begin in ``[start, stop)`` of a stream read from ``first``.

        ``readinto`` fills a buffer from its front and returns how many bytes it read, 0 at the end.
        Reading from up to ``BEFORE`` bytes before ``start`` and going on ``BEHIND`` bytes after
        ``stop`` gives a part the surroundings that the whole stream has there. Offsets are the
        stream's; lines count from ``start``.
        """
        base, filled, own, line = first, 0, start - first, 1
        while True:
            count = readinto(self._view[filled:])
            filled += count
            last = count == 0 or (stop is not None and base + filled >= stop + BEHIND)
            if not last and filled < self._size:
                continue
            end = filled if last else filled - BEHIND
            end = end if stop is None else min(end, stop - base)
            if end > own:
                before = self.lines
                yield self._window(own, end, filled, base, line)
                line += self.lines - before
            if last:
                return
            self._buffer[: filled - end + BEFORE] = self._buffer[end - BEFORE : filled].copy()
            base, filled, own = base + end - BEFORE, filled - end + BEFORE, BEFORE

    def matches(self, hits: npt.NDArray[Any]) -> list[Match]:
        """Return the records in words."""
        names = RECORD.names or ()
        return [match_of(**dict(zip(names, row, strict=True)), key=self.key) for row in hits.tolist()]

    def _window(self, own: int, end: int, filled: int, base: int, line: int) -> npt.NDArray[Any]:
        """Look at the buffer's first ``filled`` bytes; it answers for those from ``own`` to ``end``."""
        state = self._state
        state[0], state[1], state[2], state[5] = 0, own, end, base
        lines = kernel.scan(
            self._buffer, filled, self._classes, self._words, self._encoded, state, self._hits, self._work,
            self._tables,
        )  # fmt: skip
        if state[4]:
            raise TooLarge("more card numbers in one window than it can hold")
        self.size += end - own
        self.lines += int(lines)
        hits = self._hits[: int(state[0])].copy()
        if len(hits):
            hits["offset"] += base
            hits["end"] += base
            hits["line"] += line
            hits["marks"] |= np.where(np.isin(hits["tag"], self._tests), TEST, 0).astype(np.uint16)
        return hits

    def _joined(self, found: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([self._hits[:0], *found])


class _Chunks:
    """Chunks of bytes as something to read from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), memoryview(b"")

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from its front with what is left of a chunk, or the next; 0 at the end."""
        if not len(self._rest):
            self._rest = memoryview(next(self._chunks, b"")).cast("B")
        taken = min(len(view), len(self._rest))
        view[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken
