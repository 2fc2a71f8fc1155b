"""The engine: windows of bytes through the compiled kernel, with what it found as masked records.

A window answers for the numbers that begin in its middle; what lies before and behind is there to be
looked at only. So it makes no difference to the result where a stream is cut, or into how many parts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.core.errors import TooLarge
from checks.detectors.card_networks import TEST_NUMBERS
from checks.scanner import context, kernel, kernel_queue, tables
from checks.scanner.ahead import in_thread
from checks.scanner.finding import TEST, Match, match_of
from checks.scanner.jit import RECORD, Tables, Work, prepare
from checks.scanner.source import WINDOW
from checks.scanner.windows import BEFORE, BEHIND, Chunks, Filler, Room, Window, each_in

AFTER = 2**22
"""Bytes of a stream behind which a thread is worth its start."""
AHEAD = 1
"""Windows that are filled and waiting at the most."""
_COUNT, _FULL, _QUEUED, _LINES = 0, 3, 5, 6  # places in the kernel's state
_NO_CLASS = 1  # a byte that is nothing to the kernel


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
        self._encoded, self._doubtful = encoded, doubtful
        self._size = size = BEFORE + window + BEHIND
        self._rooms = [Room(size)]
        self._hits = np.zeros(size // 8, RECORD)
        self._state = np.zeros(16, np.int64)
        self._lines = np.zeros(size // 64 + 3, np.int32)
        self._begins = np.zeros(size // 5 + 1, np.int32)
        self._queue = np.zeros((5 * (size // 64 + 3), 3), np.int64)
        self._none = np.zeros(0, np.int32)
        self._work = Work(
            np.zeros(size, np.uint8), np.zeros(size, np.int32),
            np.zeros(size, np.uint8), np.zeros(size, np.int32),
        )  # fmt: skip
        four, six = tables.prefixes()
        self._tables = Tables(
            four, six, tables.characters(), tables.values(), tables.entities(),
            np.frombuffer(self.key, np.uint64).copy(),
        )  # fmt: skip
        self.size = self.lines = 0
        self._tests: frozenset[int] = frozenset()
        self._tests = frozenset(self.block("\n".join(TEST_NUMBERS).encode())["tag"].tolist())
        self.size = self.lines = 0

    def block(self, data: bytes) -> npt.NDArray[Any]:
        """Return the records of the hits in ``data``, a text that is whole. Not while a stream is read."""
        if len(data) > self._size:
            return self._joined(self.stream((data,)))
        room = self._rooms[0]
        room.view[: len(data)] = data
        return self._look(Window(room, 0, len(data), len(data), 0), 1)

    def stream(self, chunks: Iterable[bytes]) -> Iterator[npt.NDArray[Any]]:
        """Yield the records of hits in the bytes that ``chunks`` make together, window by window."""
        return self.read(Chunks(chunks).readinto)

    def read(
        self,
        readinto: Callable[[memoryview], int],
        *,
        first: int = 0,
        start: int = 0,
        stop: int | None = None,
        ahead: bool = False,
    ) -> Generator[npt.NDArray[Any], None, None]:
        """Yield the records of hits that begin in ``[start, stop)`` of a stream read from ``first``.

        ``readinto`` fills a buffer from its front and returns how many bytes it read, 0 at the end.
        Reading from up to ``BEFORE`` bytes before ``start`` and going on ``BEHIND`` bytes after
        ``stop`` gives a part the surroundings that the whole stream has there. Offsets are the
        stream's; lines count from ``start``.

        With ``ahead`` a thread of its own calls ``readinto`` once the stream is long. It ends with the
        generator, which is to be closed.
        """
        line, filler = 1, Filler(readinto, first, start, stop)
        with closing(self._windows(filler, ahead)) as windows:
            for window in windows:
                if window.end > window.own:
                    before = self.lines
                    yield self._look(window, line)
                    line += self.lines - before

    def _windows(self, filler: Filler, ahead: bool) -> Generator[Window, None, None]:
        while not filler.last and not (ahead and filler.read >= AFTER):
            yield filler.fill(self._rooms[0])
        if filler.last:
            return
        # One window is looked at and one filled, beside those that wait.
        while len(self._rooms) < AHEAD + 2:
            self._rooms.append(Room(self._size))
        # The first one's bytes are still to be carried over.
        rooms = cycle(self._rooms[1:] + self._rooms[:1])
        with closing(in_thread(each_in(rooms, filler), AHEAD)) as windows:
            yield from windows

    def matches(self, hits: npt.NDArray[Any]) -> list[Match]:
        """Return the records in words."""
        names = RECORD.names or ()
        return [match_of(**dict(zip(names, row, strict=True)), key=self.key) for row in hits.tolist()]

    def _look(self, window: Window, line: int) -> npt.NDArray[Any]:
        """Return the records of the hits that ``window`` answers for; its own bytes begin in ``line``."""
        own, end, filled, base = window.own, window.end, window.filled, window.base
        state, source, hits = self._state, window.room.buffer, self._hits
        source[filled : filled + kernel.PADDING] = _NO_CLASS
        state[:5] = (0, own, end, 0, base)
        lines = kernel.find(
            source, filled, self._encoded, state, hits, self._lines, self._begins, self._queue,
            self._none, self._tables,
        )  # fmt: skip
        if state[_QUEUED]:
            kernel_queue.decode(
                source, filled, state, hits, self._queue, self._none, self._work, self._tables
            )
        self.size += end - own
        self.lines += lines
        count, full = state[_COUNT], state[_FULL]
        if full:
            raise TooLarge("more card numbers in one window than it can hold")
        if not count:
            return hits[:0]
        view = window.room.view[:filled]
        found = self._judged(hits[:count], view)
        for hit in found:
            hit["line"] = self._lines_before(int(hit["offset"]), view) - state[_LINES] + line
        found["offset"] += base
        found["end"] += base
        return found

    def _judged(self, hits: npt.NDArray[Any], window: memoryview) -> npt.NDArray[Any]:
        """Return ``hits`` in order, each once, with their marks and without those in doubt."""
        columns = (hits[name].tolist() for name in ("offset", "end", "form", "length", "tag"))
        rows = list(zip(*columns, strict=True))
        kept, seen = [], set()
        # Of one found raw and in an encoding the raw one counts: it comes first, and the sort is stable.
        for index in sorted(range(len(rows)), key=lambda index: rows[index][0]):
            *where, tag = rows[index]
            if (where[0], tag) in seen:
                continue
            seen.add((where[0], tag))
            marks = context.marks(window, *where)
            if self._doubtful or not marks & context.DOUBTS:
                hits[index]["marks"] = marks | (TEST if tag in self._tests else 0)
                kept.append(index)
        return hits[kept]

    def _lines_before(self, at: int, window: memoryview) -> int:
        """Return the line feeds in the window before ``at``."""
        whole = at & ~63
        return int(self._lines[at >> 6]) + bytes(window[whole:at]).count(b"\n")

    def _joined(self, found: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([self._hits[:0], *found])
