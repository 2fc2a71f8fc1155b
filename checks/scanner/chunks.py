"""Between files and streams: chunks as a file to read from, and a file as chunks."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, TypeVar, cast

from checks.connectors.archives import failure
from checks.connectors.codecs import Chunk
from checks.connectors.files import printable
from checks.core.errors import NotAssessed
from checks.scanner.source import BLOCK, NESTED, Budget

P = TypeVar("P", bound=Chunk)
_LONGEST_NAME = 500  # characters of one part of a nested name


class ChunkFile(io.BufferedIOBase):
    """A file that is read once, from front to back, over ``chunks``.

    ``known_as`` is the name that tells its format, where that is not the name it is shown by. An
    error of ``chunks`` is raised again by each further read: the end of the file is never made up.
    """

    def __init__(self, chunks: Iterable[Chunk], known_as: str | None = None) -> None:
        self.known_as = known_as
        self._chunks = iter(chunks)
        self._piece: Chunk = b""
        self._at = 0
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
        return as_bytes(self.piece(size))

    def piece(self, size: int = -1, /) -> Chunk:
        """Return what :meth:`read1` does, of a view a view."""
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
            self._piece, self._at = b"".join((self._piece[self._at :], chunk)), 0
        return as_bytes(self._piece[self._at :] if self._at else self._piece)

    def _filled(self) -> bool:
        """Whether something is left to read."""
        if self._at == len(self._piece):
            self._piece, self._at = self._next(), 0
        return bool(self._piece)

    def _after_the_piece(self) -> Chunk:
        """Return the next chunk; empty where there is an error, which waits until the piece is read."""
        try:
            return self._next()
        except (NotAssessed, OSError):
            return b""

    def _next(self) -> Chunk:
        if self._error is not None:
            raise self._error
        try:
            return next(self._chunks, b"")
        except (NotAssessed, OSError) as error:
            self._error = error
            raise


def as_bytes(piece: Chunk) -> bytes:
    """Return ``piece`` as it is, or the bytes that a view shows."""
    return piece if isinstance(piece, bytes) else bytes(piece)


def file_of(chunks: Iterable[Chunk], known_as: str | None = None) -> BinaryIO:
    """Return :class:`ChunkFile` as the type that readers take."""
    return cast(BinaryIO, ChunkFile(chunks, known_as))


def chunks_of(file: BinaryIO, what: str) -> Iterator[bytes]:
    """Yield what is left of ``file`` in chunks of at most ``BLOCK`` bytes, none of them empty.

    Raises ``NotAssessed`` if it cannot be read.
    """
    return map(as_bytes, pieces_of(file, what))


def pieces_of(file: BinaryIO, what: str) -> Iterator[Chunk]:
    """Yield what :func:`chunks_of` does, a view where that saves a copy: for those who only look."""
    read = file.piece if isinstance(file, ChunkFile) else getattr(file, "read1", file.read)
    while True:
        try:
            piece = read(BLOCK)
        except OSError as error:
            raise failure(error, what) from None
        if not piece:
            return
        yield piece


def counted(chunks: Iterable[P], what: str, budget: Budget) -> Iterator[P]:
    """Yield ``chunks``, each taken off ``budget`` first; raises ``TooLarge``."""
    for chunk in chunks:
        budget.read(what, len(chunk))
        yield chunk


def nested(name: str, inner: str) -> str:
    """Return the name of the part ``inner`` of ``name``, printable and of a bearable length."""
    text = printable(inner)
    return f"{name}{NESTED}{text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + '…'}"
