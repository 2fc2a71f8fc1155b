"""Tar archives of any kind, read once from front to back; nothing is ever put on the disk.

:mod:`tarfile` takes an archive that is damaged or cut off between two members for one that ends there.
Here an archive ends with its end mark, a block of zeros, and what follows that is read on.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

from checks.connectors.archives import failure
from checks.core.errors import TooLarge, Unreadable
from checks.scanner.chunks import counted, file_of, nested
from checks.scanner.source import BLOCK, Context, Item

_LONGEST_HEADER = 2**20  # bytes of a long name or of POSIX attributes
_MOST_ATTRIBUTES = 10_000  # that hold for all members behind them
_WITHOUT_BYTES = frozenset(
    (tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
)
_LONG_NAMES = frozenset((tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK))
_ATTRIBUTES = frozenset((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE))
# What tarfile raises over a header that was made to be misread.
_CONFUSED = (tarfile.TarError, ValueError, LookupError, OverflowError, EOFError, RecursionError)


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield what the members hold; links and folders hold nothing.

    Raises ``Unreadable`` if it is damaged, or truncated, or something else follows it; ``TooLarge``.
    """
    archive = _opened(name, file)
    while (member := _next(archive, name)) is not None:
        archive.members.clear()  # tarfile keeps them all
        context.budget.member(name)
        if len(archive.pax_headers) > _MOST_ATTRIBUTES:
            raise TooLarge(f"{name} has more than {_MOST_ATTRIBUTES} attributes")
        if member.type in _WITHOUT_BYTES:
            continue
        part = nested(name, member.name)
        chunks = _chunks(archive, member, part)
        if member.issparse():  # its holes are not on the disk
            chunks = counted(chunks, part, context.budget)
        yield from context.expand(part, file_of(chunks))


class _Pieces:
    """A file as tarfile reads a stream: in pieces as they come, rather than copied to a given length."""

    def __init__(self, file: BinaryIO, what: str) -> None:
        self._read = getattr(file, "read1", file.read)
        self._what = what

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes; raises ``NotAssessed``."""
        try:
            return bytes(self._read(size))
        except OSError as error:
            raise failure(error, self._what) from None


class _Member(tarfile.TarInfo):
    """A header that is not taken for the end of the archive if it is damaged or not there."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        """Return the header in the block ``buf``; raises ``TooLarge`` if what belongs to it is."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _LONG_NAMES | _ATTRIBUTES and member.size > _LONGEST_HEADER:
            raise TooLarge(f"has a header of more than {_LONGEST_HEADER} bytes")
        return member

    @classmethod
    def fromtarfile(cls, tarfile: Any) -> _Member:
        """Return the next header; raises ``Unreadable`` unless there is one or an end mark was."""
        try:
            member = super().fromtarfile(tarfile)
        except _EndMark:
            tarfile.ended = True
            raise
        except _Nothing:
            if not tarfile.ended:
                raise Unreadable("is truncated: it has no end mark") from None
            raise
        except _HEADER_ERROR:
            raise Unreadable("is damaged, truncated or followed by something else") from None
        tarfile.ended = False
        return member


_HEADER_ERROR = tarfile.HeaderError
_EndMark: type[Exception] = tarfile.EOFHeaderError  # type: ignore[attr-defined]
_Nothing: type[Exception] = tarfile.EmptyHeaderError  # type: ignore[attr-defined]


class _Archive(tarfile.TarFile):
    tarinfo = _Member
    ended = False
    members: list[tarfile.TarInfo]


def _opened(name: str, file: BinaryIO) -> _Archive:
    stream: IO[bytes] = _Pieces(file, name)  # type: ignore[assignment]
    try:
        # "ignore_zeros": what lies behind an end mark is read too.
        return _Archive.open(fileobj=stream, mode="r|", bufsize=BLOCK, ignore_zeros=True)
    except _CONFUSED:
        raise Unreadable(f"{name} is damaged or truncated") from None


def _next(archive: _Archive, name: str) -> tarfile.TarInfo | None:
    try:
        return archive.next()
    except _CONFUSED:
        raise Unreadable(f"{name} is damaged or truncated") from None


def _chunks(archive: _Archive, member: tarfile.TarInfo, part: str) -> Iterator[bytes]:
    try:
        file = archive.extractfile(member)
        while file is not None and (chunk := file.read(BLOCK)):
            yield chunk
    except _CONFUSED:
        raise Unreadable(f"{part} is damaged or truncated") from None
