"""What breaks off while it is read: what came before is looked at, and then it is said."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from checks.connectors.archives import failure
from checks.core.errors import NotAssessed


class Whole:
    """Chunks that end where they break off, so that what came before is looked at; ``error`` is why."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.error: NotAssessed | None = None
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except NotAssessed as error:
            self.error = error


class Filled:
    """Fills buffers by ``fill`` and ends where that breaks off; ``error`` is why."""

    def __init__(self, fill: Callable[[memoryview], int]) -> None:
        self.error: NotAssessed | None = None
        self._fill = fill

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from its front; 0 at the end, and where it breaks off."""
        try:
            return self._fill(view)
        except NotAssessed as error:
            self.error = error
            return 0


class Reading:
    """Reads a file into buffers; where it breaks off it ends, and :meth:`check` says why."""

    def __init__(self, file: BinaryIO, first: int, digested: tuple[int, int] = (0, 0)) -> None:
        # Of a local file the bytes go straight from the system into the engine's buffer.
        source: Any = file.raw if isinstance(file, io.BufferedReader) else file
        source.seek(first)
        self._readinto: Callable[[memoryview], int | None] = source.readinto
        self._hash, self._at, self._digested = blake2b(), first, digested
        self._error: OSError | NotAssessed | None = None

    def readinto(self, view: memoryview) -> int:
        """Fill ``view`` from its front; 0 at the end, and where reading fails."""
        try:
            count = self._readinto(view) or 0
        except (OSError, NotAssessed) as error:
            self._error = error
            return 0
        if self._digested[1]:
            first, end = (min(max(each - self._at, 0), count) for each in self._digested)
            self._hash.update(view[first:end])
        self._at += count
        return count

    @property
    def digest(self) -> bytes:
        """The BLAKE2b digest of what was read of the bytes that are ``digested``, first and end."""
        return self._hash.digest()

    def check(self, name: str) -> None:
        """Raise ``NotAssessed`` if reading failed."""
        if isinstance(self._error, OSError):
            raise failure(self._error, name) from None
        if self._error is not None:
            raise self._error


def where(error: Exception) -> str:
    """Return the kind of an error of ours and the line that raised it, without its message."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"
