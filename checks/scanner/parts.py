"""The work cut by size: a large plain file into several parts, many small files into one.

Where the cuts lie depends on what is there alone, never on how many workers there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from checks.core.errors import NotAssessed
from checks.scanner.formats import HEAD, format_of
from checks.scanner.places import Excluded, Place, opened
from checks.scanner.sample import UNIT, Sample
from checks.scanner.source import Skipped

SIZE = 2**26
"""Bytes of a part of a plain file; a multiple of ``UNIT``."""
BATCH, FILES = 2**25, 500
"""Bytes and number of small files that make one part."""
END = 2**62
"""Further than any file reaches."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or the bytes ``[start, stop)`` of a plain one. ``stop`` is ``None`` for all, of any format."""

    place: Place
    start: int = 0
    stop: int | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.place.name


@dataclass(frozen=True, slots=True)
class Database:
    """A live database, read whole by one worker. ``name`` tells where it is, without a login."""

    url: str = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class Input:
    """The standard input of the process that was started, which reads it itself."""

    name: str = "standard input"


Work = Piece | Database | Input


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A file that is as it was when it was last read, without a finding, in the run ``since``."""

    name: str
    since: str
    read: str  # on which day, UTC


Note = Skipped | Excluded | Unchanged
"""What is not read at all, and why."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one worker does in one go. ``notes`` is what lies before its pieces and is not read.

    ``untaken`` counts the units that were left out of a sample without being opened, ``bytes`` what is
    to be read.
    """

    number: int
    pieces: tuple[Work, ...] = ()
    notes: tuple[Note, ...] = ()
    untaken: int = 0
    bytes: int = 0

    @property
    def here(self) -> bool:
        """Whether only the process that was started can do it."""
        return any(isinstance(piece, Input) for piece in self.pieces)


Found = Place | Database | Input | Note
"""What the addresses of a scan lead to."""


def parts(found: Iterable[Found], *, size: int = SIZE, sample: Sample | None = None) -> Iterator[Part]:
    """Yield the parts that ``found`` makes, in its order. ``size`` is a multiple of ``UNIT``."""
    cutter = _Cutter(size, sample)
    for each in found:
        yield from cutter.take(each)
    yield from cutter.end()


class _Cutter:
    """Gathers what is small, and cuts what is large."""

    def __init__(self, size: int, sample: Sample | None) -> None:
        self._size, self._batch, self._sample = size, min(size, BATCH), sample
        self._number = 0
        self._clear()

    def take(self, each: Found) -> Iterator[Part]:
        """Yield the parts that are complete with ``each``."""
        if isinstance(each, Database | Input):
            yield from self._alone(each, 0)
        elif not isinstance(each, Place):
            self._notes.append(each)
            if len(self._notes) >= FILES:
                yield from self.end()
        elif 0 <= each.size <= self._batch:
            yield from self._small(each)
        elif each.size > self._size and self._is_plain(each):
            for start in range(0, each.size, self._size):
                stop = start + self._size
                # The last part has no end: a file may grow while it is read.
                piece = Piece(each, start, stop if stop < each.size else END)
                yield from self._alone(piece, min(stop, each.size) - start)
        else:
            yield from self._alone(Piece(each), max(each.size, 0))  # a server may not say how large

    def end(self) -> Iterator[Part]:
        """Yield what was gathered."""
        if self._pieces or self._notes or self._untaken:
            pieces, notes = tuple(self._pieces), tuple(self._notes)
            yield Part(self._number, pieces, notes, self._untaken, self._bytes)
            self._number += 1
            self._clear()

    def _small(self, place: Place) -> Iterator[Part]:
        if self._sample and place.size <= UNIT and not self._sample.takes(place.name):
            self._untaken += 1
            return
        if self._bytes + place.size > self._batch or len(self._pieces) >= FILES:
            yield from self.end()
        self._pieces.append(Piece(place))
        self._bytes += place.size

    def _alone(self, piece: Work, size: int) -> Iterator[Part]:
        yield from self.end()
        yield Part(self._number, (piece,), bytes=size)
        self._number += 1

    def _clear(self) -> None:
        self._pieces: list[Work] = []
        self._notes: list[Note] = []
        self._untaken = self._bytes = 0

    def _is_plain(self, place: Place) -> bool:
        """Whether the bytes of ``place`` are searched as they are, and so can be cut anywhere."""
        try:
            with opened(place) as file:
                return format_of(file.read(HEAD), known_as(place)) is None
        except (NotAssessed, OSError):
            return False  # whoever reads it says why it cannot be read


def known_as(place: Place) -> str:
    """Return the name that tells the format of ``place``: its own, without the folders, in lower case."""
    return place.name.rpartition("/")[2].lower()
