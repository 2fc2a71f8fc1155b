"""Between files and streams: chunks as a file to read from, and a file as chunks."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import BinaryIO, Protocol, cast

from checks.connectors.archives import failure
from checks.connectors.files import printable
from checks.core.errors import NotAssessed
from checks.scanner.source import BLOCK, NESTED, Budget

_LONGEST_NAME = 500  # characters of one part of a nested name


class ChunkFile(io.BufferedIOBase):
    """A file that is read once, from front to back, over ``chunks``.

    ``known_as`` is the name that tells its format, where that is not the name it is shown by. An
    error of ``chunks`` is raised again by each further read: the end of the file is never made up.
    """

    def __init__(self, chunks: Iterable[bytes], known_as: str | None = None) -> None:
        self.known_as = known_as
        self._chunks = iter(chunks)
        self._piece, self._at = b"", 0
        self._error: NotAssessed | OSError | None = None

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Return ``size`` bytes, fewer only at the end; all that is left if ``size`` is negative."""
        left = size if size is not None and size >= 0 else 2**63
        parts = []
        while left and (part := self.read1(left)):
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes, of one chunk, without a copy where that is all of it."""
        if not self._filled():
            return b""
        piece, at = self._piece, self._at
        left = len(piece) - at
        step = left if size < 0 else min(size, left)
        self._at += step
        return piece if step == len(piece) else piece[at : at + step]

    def peek(self, size: int = 1, /) -> bytes:
        """Return at least ``size`` bytes that are still to be read, fewer at the end or before an error.

        Raises an error of ``chunks`` only where nothing comes before it.
        """
        self._filled()
        while len(self._piece) - self._at < size and (chunk := self._after_the_piece()):
            self._piece, self._at = self._piece[self._at :] + chunk, 0
        return self._piece[self._at :] if self._at else self._piece

    def _filled(self) -> bool:
        """Whether something is left to read."""
        if self._at == len(self._piece):
            self._piece, self._at = self._next(), 0
        return bool(self._piece)

    def _after_the_piece(self) -> bytes:
        """Return the next chunk; empty where there is an error, which waits until the piece is read."""
        try:
            return self._next()
        except (NotAssessed, OSError):
            return b""

    def _next(self) -> bytes:
        if self._error is not None:
            raise self._error
        try:
            return next(self._chunks, b"")
        except (NotAssessed, OSError) as error:
            self._error = error
            raise


class Direct(Protocol):
    """What a :class:`DirectFile` reads: ``read`` and ``readinto`` as of a file, raising ``NotAssessed``."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""

    def readinto(self, view: memoryview, /) -> int:
        """Fill ``view`` from its front; return how many bytes that were, 0 at the end."""


class DirectFile(ChunkFile):
    """A file over ``source``, which can also put its bytes where they are looked at, without a copy.

    They are taken off ``budget`` in the name of ``what``, which raises ``TooLarge``.
    """

    def __init__(self, source: Direct, what: str, budget: Budget, known_as: str | None = None) -> None:
        super().__init__(counted(iter(partial(source.read, BLOCK), b""), what, budget), known_as)
        self._source, self._what, self._budget = source, what, budget

    def fill(self, view: memoryview) -> int:
        """Fill ``view`` from its front; return how many bytes that were, 0 at the end. Raises as ``read``."""
        if self._at < len(self._piece):
            piece = self.read1(len(view))
            view[: len(piece)] = piece
            return len(piece)
        if self._error is not None:
            raise self._error
        try:
            # No more at once than a chunk holds: what a call has read before it meets damage is lost.
            count = self._source.readinto(view[:BLOCK])
            self._budget.read(self._what, count)
        except (NotAssessed, OSError) as error:
            self._error = error
            raise
        return count


def file_of(chunks: Iterable[bytes], known_as: str | None = None) -> BinaryIO:
    """Return :class:`ChunkFile` as the type that readers take."""
    return cast(BinaryIO, ChunkFile(chunks, known_as))


def direct_file(source: Direct, what: str, budget: Budget, known_as: str | None = None) -> BinaryIO:
    """Return :class:`DirectFile` as the type that readers take."""
    return cast(BinaryIO, DirectFile(source, what, budget, known_as))


def chunks_of(file: BinaryIO, what: str) -> Iterator[bytes]:
    """Yield what is left of ``file`` in chunks of at most ``BLOCK`` bytes, none of them empty.

    Raises ``NotAssessed`` if it cannot be read.
    """
    read = getattr(file, "read1", file.read)
    while True:
        try:
            chunk = read(BLOCK)
        except OSError as error:
            raise failure(error, what) from None
        if not chunk:
            return
        yield chunk


def fill_of(file: BinaryIO, what: str) -> Callable[[memoryview], int] | None:
    """Return what fills a buffer with what is left of ``file``, if it can; it raises as :func:`chunks_of`."""
    if not isinstance(file, DirectFile):
        return None

    def fill(view: memoryview) -> int:
        try:
            return file.fill(view)
        except OSError as error:
            raise failure(error, what) from None

    return fill


def counted(chunks: Iterable[bytes], what: str, budget: Budget) -> Iterator[bytes]:
    """Yield ``chunks``, each taken off ``budget`` first; raises ``TooLarge``."""
    for chunk in chunks:
        budget.read(what, len(chunk))
        yield chunk


def nested(name: str, inner: str) -> str:
    """Return the name of the part ``inner`` of ``name``, printable and of a bearable length."""
    text = printable(inner)
    return f"{name}{NESTED}{text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + '…'}"
