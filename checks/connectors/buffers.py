"""Buffers for what is read in pieces: each is filled again, once nobody holds a view of it."""

from __future__ import annotations

MOST = 32
"""Buffers that are kept to be filled again; whoever holds more views than that gets new ones."""


class Buffers:
    """Buffers of ``size`` bytes.

    Memory that one thread takes and another lets go of returns to the system, and comes back page by
    page: with large pieces that costs more than to fill them.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: list[bytearray] = []

    def take(self) -> bytearray:
        """Return a buffer of which no view exists; what it held is still in it. For one thread alone."""
        for buffer in self._kept:
            if _unseen(buffer):
                return buffer
        made = bytearray(self.size)
        if len(self._kept) < MOST:
            self._kept.append(made)
        return made


def _unseen(buffer: bytearray) -> bool:
    """Whether no view of ``buffer`` exists: Python refuses to change the length of one that has."""
    try:
        last = buffer.pop()
    except BufferError:
        return False
    buffer.append(last)
    return True
