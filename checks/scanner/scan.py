"""A scan: from addresses to findings, by one process or many, whole or a sample, always in the same order."""

from __future__ import annotations

import itertools
import pickle
import secrets
import time
import zlib
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from checks.connectors.files import printable
from checks.core.errors import NotAssessed
from checks.scanner.ahead import in_thread
from checks.scanner.databases import SCHEMES, name_of, scheme_of
from checks.scanner.earlier import Earlier
from checks.scanner.executors import Cluster, InProcess, LocalProcesses, Workers, in_order
from checks.scanner.expand import skipped
from checks.scanner.parts import SIZE, Database, Found, Input, Part, Piece, Unchanged, parts
from checks.scanner.places import Excluded, Place, is_url, places
from checks.scanner.result import Finding, Result, Totals, masked
from checks.scanner.sample import Sample, chance
from checks.scanner.source import Skipped
from checks.scanner.work import Settings, looked_at, work

_TIMED = 2**23  # bytes of a part where time decides how many are looked at
_LITTLE = 2**24  # bytes for which no other process is started
_LISTED = 64  # parts that are listed ahead


@dataclass(frozen=True, slots=True)
class Request:
    """What to scan, and how. ``budget`` is in seconds; ``key`` is what one run makes fingerprints with.

    ``seed`` is what the order of parts is chosen by where there is a ``budget``. ``memo`` is the memory of
    files that need not be read again; with a ``sample`` it is not used.
    """

    addresses: tuple[str, ...] = field(repr=False)
    exclude: tuple[str, ...] = ()
    encoded: bool = True
    jobs: int = 1
    cluster: str | None = None
    sample: Sample | None = None
    seed: int = 0
    budget: float | None = None
    size: int = SIZE
    memo: Path | None = None
    key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)


class Scan:
    """Iterate once for what is found and what is skipped, in order; ``totals`` counts it meanwhile.

    ``known`` and ``done`` are bytes, of the parts listed so far and of those looked at. ``listed`` says
    that there are no more parts. ``parts`` is how many there are, ``handed_out`` how many of those were
    looked at: fewer only where time ran out.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.totals = Totals()
        self.known = self.done = 0
        self.listed = False
        self.parts = self.handed_out = self.struck = 0
        self.unchanged: Counter[tuple[str, str]] = Counter()  # by the run that read them last, and its day
        self.notice: str | None = None
        self._earlier: Earlier | None = None
        self._lines: tuple[str, int] | None = None
        self._before_it = looked_at()

    def __iter__(self) -> Iterator[Finding | Skipped | Excluded]:
        """Yield the findings; raises ``NotAssessed`` if there is no engine, or nobody left to work."""
        request = self.request
        if request.memo is not None and request.sample is None:
            self._earlier = Earlier(request.memo, encoded=request.encoded)
        settings = Settings(request.key, request.encoded, request.sample, self._earlier is not None)
        with closing(self._parts()) as cut:
            first = self._first(cut)
            workers = self._workers(first)
            handed_out = itertools.chain(first, cut)
            try:
                results = in_order(handed_out, partial(work, settings), workers)
                yield from self._in_any_case(results)
            finally:
                workers.close()
                if self._earlier is not None:
                    self.notice = self._earlier.notice
                    self._earlier.close()

    @property
    def looked_at(self) -> int:
        """Bytes of the parts that were looked at, and of the one that this process is looking at."""
        return max(self.done, looked_at() - self._before_it)

    def _parts(self) -> Generator[Part, None, None]:
        request = self.request
        size = request.size if request.budget is None else min(request.size, _TIMED)
        cut = self._counted(parts(self._found(), size=size, sample=request.sample))
        if request.budget is None:
            return in_thread(cut, _LISTED)
        return self._timed(cut, time.monotonic() + request.budget)

    def _counted(self, cut: Iterable[Part]) -> Iterator[Part]:
        for part in cut:
            self.known += part.bytes
            self.parts += bool(part.pieces)
            yield part
        self.listed = True

    def _timed(self, cut: Iterable[Part], deadline: float) -> Generator[Part, None, None]:
        """Yield parts in an order of chance until time is up. There may be many: they are kept small."""
        waiting: list[tuple[float, bytes]] = []
        for part in cut:
            if part.notes:
                yield replace(part, pieces=(), untaken=0, bytes=0)
            if part.pieces or part.untaken:
                packed = zlib.compress(pickle.dumps(replace(part, notes=())), 1)
                waiting.append((chance(self.request.seed, "part", part.number), packed))
        for _, packed in sorted(waiting):
            if time.monotonic() >= deadline:
                return
            yield pickle.loads(zlib.decompress(packed))  # noqa: S301  packed above, by ourselves

    def _first(self, cut: Iterator[Part]) -> list[Part]:
        """Return the first parts: enough to tell whether other processes are worth their start."""
        first: list[Part] = []
        for part in cut:
            first.append(part)
            if self.request.budget is not None:
                break  # the next one may be too late
            if sum(part.bytes for part in first) > _LITTLE and len(first) > 1:
                break
        return first

    def _workers(self, first: list[Part]) -> Workers:
        request = self.request
        if request.cluster is not None:
            return Cluster(request.cluster)
        databases = sum(isinstance(part.pieces[0], Database) for part in first if part.pieces)
        # With a budget of time all parts are listed before the first is handed out.
        timed = request.budget is not None
        size = self.known if timed else sum(part.bytes for part in first)
        little = size <= _LITTLE or (self.parts if timed else len(first)) < 2
        if request.jobs == 1 or (little and databases < 2):
            return InProcess()
        return LocalProcesses(request.jobs)

    def _in_any_case(self, results: Iterator[tuple[Part, Result]]) -> Iterator[Finding | Skipped | Excluded]:
        """Yield what ``results`` hold in the order of the parts, whatever order they were handed out in."""
        if self.request.budget is None:
            for part, result in results:
                yield from self._one(part, result)
            return
        every = [(part.number, order, part, result) for order, (part, result) in enumerate(results)]
        for _, _, part, result in sorted(every, key=lambda each: each[:2]):
            yield from self._one(part, result)

    def _one(self, part: Part, result: Result) -> Iterator[Finding | Skipped | Excluded]:
        """Yield what one part holds, and count it."""
        totals = result.totals
        for note in part.notes:
            if isinstance(note, Skipped):
                found = Skipped(masked(note.name), masked(note.reason))
                result.totals.skipped += 1
                result.totals.reasons[found.reason] += 1
                yield found
            elif isinstance(note, Excluded):
                totals.excluded += 1
                yield Excluded(masked(note.name), note.pattern)
            else:
                totals.unchanged += 1
                self.unchanged[note.since, note.read] += 1
        totals.of += part.untaken
        self.totals.add(totals)
        self.done += part.bytes
        if result.rest is None:
            self.handed_out += bool(part.pieces)
        self.struck += bool(totals.findings)
        before = self._before(part, result)
        for index, finding in enumerate(result.findings):
            if index < result.carried and before != 0 and finding.line is not None:
                yield replace(finding, line=None if before is None else finding.line + before)
            else:
                yield finding
        yield from result.skipped
        if self._earlier is not None:
            self._earlier.learn(part, result)

    def _before(self, part: Part, result: Result) -> int | None:
        """Return the lines before the first piece, in the same file; ``None`` where they were not read."""
        if not part.pieces:
            return 0
        first = part.pieces[0]
        before: int | None = 0
        if isinstance(first, Piece) and first.start:
            before = None
            if self._lines is not None and self._lines[0] == f"{first.place.address}\0{first.start}":
                before = self._lines[1]
        index, at = result.rest or (len(part.pieces) - 1, None)
        stopped = part.pieces[index]
        self._lines = None
        if isinstance(stopped, Piece) and (index or before is not None):
            at = at if result.rest else stopped.stop
            lines = result.lines + (0 if index else before or 0)
            self._lines = f"{stopped.place.address}\0{at}", lines
        return before

    def _found(self) -> Iterator[Found]:
        for address in self.request.addresses:
            if address == "-":
                yield Input()
            elif scheme_of(address) in SCHEMES:
                yield Database(address, name_of(address))
            else:
                try:
                    yield from self._files(address)
                except NotAssessed as error:
                    yield skipped(name_of(address) if is_url(address) else printable(address), error)

    def _files(self, address: str) -> Iterator[Place | Skipped | Excluded | Unchanged]:
        """Yield the files at ``address``, with the folder they lie in before their names."""
        root = whole = address
        if not is_url(address):
            # Workers elsewhere, and the memory, do not know which folder this process is in.
            root, address = printable(Path(address)), str(Path(address).absolute())
            whole = printable(address)
        prefix = "" if root == "." else f"{root.rstrip('/')}/"
        for found in places(address, exclude=self.request.exclude):
            if found.name == whole:
                found = replace(found, name=root)
            elif not is_url(found.name) and not found.name.startswith("/"):
                found = replace(found, name=f"{prefix}{found.name}")
            known = None
            if isinstance(found, Place) and self._earlier is not None:
                known = self._earlier.unchanged(found)
            yield known or found
