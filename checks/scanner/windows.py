"""Windows on a stream of bytes, each with some of what lies before and behind its own bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.scanner.kernel import PADDING

BEFORE, BEHIND = 256, 512
"""Bytes beside a window's own: as far as a number in the longest escapes and its context reach."""


class Room:
    """Memory for a window, used again and again: ``view`` leaves out the kernel's ``PADDING`` at its end."""

    def __init__(self, size: int) -> None:
        self.buffer = _aligned(size + PADDING)
        self.view = memoryview(self.buffer)[:size]  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Window:
    """The first ``filled`` bytes of a room; it answers for those in ``[own, end)``, of which may be none.

    ``base`` is the offset in the stream of the room's first byte.
    """

    room: Room = field(repr=False)
    own: int
    end: int
    filled: int
    base: int


class Filler:
    """Fills rooms from a stream that ``readinto`` reads from ``first``; answered for are ``[start, stop)``.

    ``readinto`` fills a buffer from its front and returns how many bytes it read, 0 at the end. ``last``
    is set with the last window, ``read`` is how many bytes were.
    """

    def __init__(
        self, readinto: Callable[[memoryview], int], first: int, start: int, stop: int | None
    ) -> None:
        self.last, self.read = False, 0
        self._readinto, self._stop = readinto, stop
        self._base, self._own = first, start - first
        self._carried = np.zeros(0, np.uint8)

    def fill(self, room: Room) -> Window:
        """Return the next window, in ``room``; the room of the window before is not needed any more then."""
        base, own, filled, full = self._base, self._own, len(self._carried), len(room.view)
        room.buffer[:filled] = self._carried  # right also where it is the same room
        while filled < full and not self.last:
            count = self._readinto(room.view[filled:])
            filled += count
            self.read += count
            self.last = count == 0 or (self._stop is not None and base + filled >= self._stop + BEHIND)
        end = filled if self.last else filled - BEHIND
        end = end if self._stop is None else min(end, self._stop - base)
        if not self.last:
            self._carried = room.buffer[end - BEFORE : filled]
            self._base, self._own = base + end - BEFORE, BEFORE
        return Window(room, own, end, filled, base)


class Chunks:
    """Chunks of bytes as something to read from."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks, self._rest = iter(chunks), memoryview(b"")

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from its front with what is left of a chunk, or the next; 0 at the end."""
        if not len(self._rest):
            self._rest = memoryview(next(self._chunks, b"")).cast("B")
        taken = min(len(view), len(self._rest))
        # numpy lets other threads run meanwhile, such as the one that looks at the window before.
        np.copyto(np.frombuffer(view[:taken], np.uint8), np.frombuffer(self._rest[:taken], np.uint8))
        self._rest = self._rest[taken:]
        return taken


def each_in(rooms: Iterable[Room], filler: Filler) -> Iterator[Window]:
    """Yield what is left of the windows of ``filler``, in ``rooms``, one after another."""
    for room in rooms:
        if filler.last:
            return
        yield filler.fill(room)


def _aligned(size: int) -> npt.NDArray[Any]:
    """Return ``size`` bytes that begin where a line of the processor's cache does.

    Left to chance, each 64 bytes that the kernel loads lie in two lines: that costs a fifth of its speed.
    """
    room = np.zeros(size + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size]
