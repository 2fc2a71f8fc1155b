"""What a source hands to the engine: streams of bytes, tables of rows, and what was passed over.

A source is an iterator of :data:`Item`. Each item is consumed before the next is asked for, so a
tar archive is read once from front to back. Nothing here holds a value longer than the engine looks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

from checks.core.errors import TooLarge

FIELD = b"\x1f"
"""Between the fields of a row. A row ends in a line feed; one within a value is written as a space."""
NESTED = "!"
"""Between the parts of a nested name: ``backup.tar!var/app.log.gz``."""
BLOCK = 2**18
"""Bytes that a source should hand over at once, about."""
WINDOW = 2**20
"""Bytes the engine looks at in one go: few enough for a processor's caches, many enough for cheap calls."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of one file or member, in order. ``name`` is printable (:func:`files.printable`).

    ``chunks`` is iterated once, yields anything with a buffer, none of it empty, and raises
    ``NotAssessed`` where the look breaks off. ``fill``, where there is one, puts the same bytes into a
    buffer, from its front, returns how many, 0 at the end, and raises likewise: use one or the other.
    """

    name: str
    chunks: Iterator[bytes] = field(repr=False)
    fill: Callable[[memoryview], int] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as text. The first ``len(key)`` fields of a row are its primary key, the rest ``columns``.

    ``blocks`` is iterated once and yields whole rows: fields joined by ``FIELD``, each row ended by
    a line feed. An empty tuple for ``key`` means that a row is known by its ordinal alone.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    blocks: Iterator[bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not looked at, or not to its end, and why, in one line safe to print."""

    name: str
    reason: str


Item = Stream | Table | Skipped


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a source is expanded. Beyond a limit is *skipped, with reason*, never passed over."""

    depth: int = 8  # containers within containers
    expanded: int = 64 * 2**30  # bytes that one file on disk may expand to, all its members together
    members: int = 1_000_000  # of one file on disk, nested ones included
    spooled: int = 2**30  # bytes of a nested member that a reader needs as a seekable file
    in_memory: int = 2**25  # of these, bytes kept in memory; what is over lies in an unnamed file


@dataclass(slots=True)
class Budget:
    """What is left of the limits for one file on disk; shared by everything nested in it."""

    limits: Limits = field(default_factory=Limits)
    expanded: int = 0
    members: int = 0

    def read(self, name: str, size: int) -> None:
        """Count ``size`` expanded bytes; raises ``TooLarge``."""
        self.expanded += size
        if self.expanded > self.limits.expanded:
            raise TooLarge(f"{name} expands to more than {self.limits.expanded} bytes")

    def member(self, name: str) -> None:
        """Count one member; raises ``TooLarge``."""
        self.members += 1
        if self.members > self.limits.members:
            raise TooLarge(f"{name} holds more than {self.limits.members} members")


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader of a format is given beside its file.

    ``expand(name, file)`` reads a nested part, of whatever format, one level deeper.
    """

    budget: Budget
    depth: int
    expand: Callable[[str, BinaryIO], Iterator[Item]]


Reader = Callable[[str, BinaryIO, Context], Iterator[Item]]
"""``(name, file, context)``: yields what a file holds. ``file`` is at its start; it is seekable where
the format says that it must be. The caller closes it."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. ``reader`` is ``module:function``, imported only when such a file is met.

    ``matches(head, name)`` gets the first 4,096 bytes and the name in lower case. ``extra`` is the
    extra of ours that brings the library, named when it is missing.
    """

    name: str
    matches: Callable[[bytes, str], bool]
    reader: str
    seekable: bool = False
    extra: str | None = None


def spool(name: str, chunks: Iterable[bytes], limits: Limits) -> BinaryIO:
    """Return ``chunks`` as a seekable file, in memory or, when large, in a file without a name.

    Raises ``TooLarge``, and what ``chunks`` does. The file vanishes when it is closed, or with the process.
    """
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=limits.in_memory)  # noqa: SIM115
    size = 0
    try:
        for chunk in chunks:
            size += len(chunk)
            if size > limits.spooled:
                raise TooLarge(f"{name} is larger than {limits.spooled} bytes, within another file")
            file.write(chunk)
        file.seek(0)
    except BaseException:
        file.close()  # what breaks off is no file, and nobody else could close it
        raise
    return cast(BinaryIO, file)
