"""What one worker does with one part: every piece opened once, and looked at by the engine.

The engine, and numba with it, is loaded when the first part is worked on, and kept by its thread.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, BinaryIO

from checks.connectors.archives import failure
from checks.core.errors import NotAssessed
from checks.scanner.databases import items_of
from checks.scanner.expand import expand, skipped
from checks.scanner.finding import Match
from checks.scanner.formats import HEAD, format_of
from checks.scanner.located import Names, Rows
from checks.scanner.parts import END, Database, Input, Part, Piece, Work, known_as
from checks.scanner.places import opened
from checks.scanner.reading import Filled, Reading, Whole, where
from checks.scanner.result import Finding, Result, finding
from checks.scanner.sample import UNIT, Sample, units
from checks.scanner.source import BLOCK, Budget, Item, Skipped, Stream, Table

if TYPE_CHECKING:
    from checks.scanner.engine import Engine

LISTED = 50_000
"""Findings of one result, about: a part that holds more goes on in another, if it can be cut."""
MOST = 1_000_000
"""Findings that are listed of a part that cannot be cut. What is beyond is counted only."""
_SURROUNDINGS = 256  # bytes before a part that the engine looks at too


@dataclass(frozen=True, slots=True)
class Settings:
    """How to look. ``key`` is the run's, the same for all of its workers, and is told to nobody else."""

    key: bytes = field(repr=False)
    encoded: bool = True
    sample: Sample | None = None
    digests: bool = False  # also of what was read, for the memory of what has not changed


class _Thread(threading.local):
    """The engine of this thread, and what it was made for."""

    made_for: tuple[bytes, bool] | None = None
    engine: Engine
    names: Names


_THREAD = _Thread()
_ENGINES: weakref.WeakSet[Engine] = weakref.WeakSet()


def work(settings: Settings, part: Part) -> Result:
    """Return what is found in ``part``; what cannot be read is in it as skipped.

    Raises ``MissingDriver`` without numba.
    """
    wanted = settings.key, settings.encoded
    if wanted != _THREAD.made_for:
        from checks.scanner.engine import Engine

        _THREAD.engine = Engine(encoded=settings.encoded, key=settings.key)
        _THREAD.names = Names(Engine(encoded=settings.encoded, key=settings.key, doubtful=True))
        _THREAD.made_for = wanted
        _ENGINES.add(_THREAD.engine)
    _THREAD.names.begin()
    return _Work(settings, _THREAD.engine, _THREAD.names, part).result


def looked_at() -> int:
    """Return how many bytes this process has looked at, in all of its threads."""
    return sum(engine.size for engine in tuple(_ENGINES))


class _Work:
    """One part being worked on."""

    def __init__(self, settings: Settings, engine: Engine, names: Names, part: Part) -> None:
        self.result = Result(part.number, began=time.time())
        self._digests, self._digest, self._in_name = settings.digests, b"", False
        self._engine, self._names, self._sample = engine, names, settings.sample
        self._totals = self.result.totals
        for index, piece in enumerate(part.pieces):
            before = self._count, self._totals.skipped
            try:
                self._piece(piece, index)
            except NotAssessed as error:
                self._skip(skipped(piece.name, error))
            except Exception as error:
                # A bug of ours stops neither the run nor goes unsaid; its message may hold data.
                self._skip(Skipped(piece.name, f"met a fault of the scanner's own ({where(error)})"))
            if index == 0:
                self.result.carried = len(self.result.findings)
            if not self._in_name and before == (self._count, self._totals.skipped):
                self.result.clean[index] = self._digest
            if self.result.rest is None and index + 1 < len(part.pieces) and self._full:
                self.result.rest = index + 1, 0
            if self.result.rest is not None:
                return

    @property
    def _full(self) -> bool:
        return len(self.result.findings) >= LISTED

    def _piece(self, piece: Work, index: int) -> None:
        self._digest, self._in_name = b"", False
        if isinstance(piece, Database):
            self._totals.databases += 1
            self._items(piece.name, items_of(piece.url, piece.name, self._sample))
            return
        if isinstance(piece, Input):
            self._whole(piece.name, sys.stdin.buffer, "")
            return
        place = piece.place
        source = self._named(place.name) if piece.start == 0 else self._names.masked(place.name)
        self._in_name = source != place.name  # if only in a folder's, that was found with another file
        try:
            with opened(place) as file:
                self._file(piece, source, file, index)
        except OSError as error:
            raise failure(error, place.name) from None

    def _file(self, piece: Piece, source: str, file: BinaryIO, index: int) -> None:
        place = piece.place
        if piece.stop is None:
            head = file.read(HEAD)
            file.seek(0)
            if format_of(head, known_as(place)) is not None:
                self._whole(place.name, file, known_as(place))
                self._digest = _digest_of(file) if self._digests else b""
                return
        self._totals.files += piece.start == 0
        if self._sample and place.size > UNIT:
            self._blocks(piece, source, file, self._sample)
            return
        found = self._count
        self._bytes(piece, source, file, index)
        self._unit(found)

    def _whole(self, name: str, file: BinaryIO, known: str) -> None:
        """Look at all of a file that is more than its bytes."""
        if self._sample and not self._sample.takes(name):
            self._totals.of += 1
            return
        found, size, skips = self._count, self._totals.bytes, self._totals.skipped
        self._items(name, expand(name, file, Budget(), known_as=known))
        # Of what is skipped nothing is read, unless it is a part of it.
        self._totals.files += self._totals.bytes > size or self._totals.skipped == skips
        self._unit(found)

    @property
    def _count(self) -> int:
        return len(self.result.findings) + self._totals.unlisted

    def _unit(self, before: int) -> None:
        self._totals.of += 1
        self._totals.units += 1
        self._totals.struck += self._count > before

    def _bytes(self, piece: Piece, source: str, file: BinaryIO, index: int) -> None:
        """Look at a plain file, or at the part of it that ``piece`` is."""
        engine = self._engine
        size, lines = engine.size, engine.lines
        first = max(0, piece.start - _SURROUNDINGS)
        digested = (piece.start, piece.stop or END) if self._digests else (0, 0)
        read = Reading(file, first, digested)
        for hits in engine.read(read.readinto, first=first, start=piece.start, stop=piece.stop):
            if not len(hits):
                continue
            self._add(source, engine.matches(hits))
            if self._full:
                self.result.rest = index, piece.start + engine.size - size
                break
        self.result.lines = engine.lines - lines
        self._totals.bytes += engine.size - size
        self._digest = read.digest
        read.check(piece.place.name)

    def _blocks(self, piece: Piece, source: str, file: BinaryIO, sample: Sample) -> None:
        """Look at the blocks of a plain file that the sample takes."""
        place, engine = piece.place, self._engine
        stop = place.size if piece.stop is None else min(piece.stop, place.size)
        self._totals.of += units(stop - piece.start)
        for start, end in sample.runs(place.name, piece.start, stop):
            first = max(0, start - _SURROUNDINGS)
            read, size, struck = Reading(file, first), engine.size, set()
            for hits in engine.read(read.readinto, first=first, start=start, stop=end):
                for match in engine.matches(hits) if len(hits) else ():
                    struck.add(match.offset // UNIT)
                    self._keep(replace(finding(source, match), line=None))
            self._totals.bytes += engine.size - size
            self._totals.units += units(end - start)
            self._totals.struck += len(struck)
            read.check(place.name)

    def _items(self, name: str, items: Iterable[Item]) -> None:
        for item in items:
            if isinstance(item, Skipped):
                self._skip(item)
                continue
            source = self._named(item.name) if item.name != name else self._names.masked(name)
            if isinstance(item, Table):
                self._table(item, source)
            else:
                self._stream(item, source)

    def _stream(self, stream: Stream, source: str) -> None:
        from checks.scanner.windows import Chunks

        engine, filled = self._engine, Filled(stream.fill or Chunks(stream.chunks).readinto)
        size, lines = engine.size, engine.lines
        with closing(engine.read(filled.readinto, ahead=True)) as found:
            for hits in found:
                if len(hits):
                    self._add(source, engine.matches(hits))
        self._totals.bytes += engine.size - size
        self.result.lines = engine.lines - lines
        self._broken(stream.name, filled.error)

    def _table(self, table: Table, source: str) -> None:
        engine, whole = self._engine, Whole(table.blocks)
        size, lines = engine.size, engine.lines
        rows = Rows(table, source, self._names)
        for hits in engine.stream(rows.kept(whole)):
            for match in engine.matches(hits) if len(hits) else ():
                self._keep(rows.located(match))
        self._totals.bytes += engine.size - size
        self._totals.rows += engine.lines - lines
        self._broken(table.name, whole.error)

    def _broken(self, name: str, error: NotAssessed | None) -> None:
        if error is not None:
            self._skip(skipped(name, error))

    def _named(self, name: str) -> str:
        """Return ``name`` masked, with a finding for each number in it that was not in the last one."""
        source, found = self._names.searched(name)
        for match in found:
            self._keep(finding(source, match, place="name"))
        return source

    def _add(self, source: str, matches: list[Match]) -> None:
        for match in matches:
            self._keep(finding(source, match))

    def _keep(self, found: Finding) -> None:
        self._totals.findings += 1
        self._totals.test_numbers += found.test_number
        if len(self.result.findings) < MOST:
            self.result.findings.add(found)
        else:
            self._totals.unlisted += 1

    def _skip(self, what: Skipped) -> None:
        noted = Skipped(self._names.masked(what.name), self._names.masked(what.reason))
        if noted not in self.result.skipped[-1:]:
            self.result.skip(noted)


def _digest_of(file: BinaryIO) -> bytes:
    """Return the BLAKE2b digest of a file whose readers have been here and there in it."""
    digest = blake2b()
    file.seek(0)
    while chunk := file.read(BLOCK):
        digest.update(chunk)
    return digest.digest()
