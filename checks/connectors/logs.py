"""Log files: every line, and how old the oldest is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Self

from checks.connectors.files import TargetFile, resolve
from checks.connectors.log_times import Clock, clock
from checks.connectors.text_lines import Block, TextBlocks, TextBytes
from checks.core.errors import Unreadable
from checks.core.model import Files, Target

_CONTINUES = (" ", "\t")  # the entry that Clock.stamps has for an indented line


@dataclass(frozen=True, slots=True)
class LogAge:
    """How old the lines of one file are.

    ``lines`` is ``dated`` + ``undated`` + blank and continuation lines, which share the fate of the
    line before them. ``overdue`` counts dated lines older than the limit; ``size`` is in bytes,
    after decompression.
    """

    lines: int
    dated: int
    undated: int
    oldest: datetime | None
    overdue: int
    first_overdue_line: int | None
    size: int


class LogFiles:
    """The files of one log."""

    kind: ClassVar[str] = "log"

    def __init__(self, target: Target, spec: Files, files: tuple[TargetFile, ...]) -> None:
        self.target = target
        self.spec = spec
        self._files = files

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view once the files are found; raises what :func:`files.resolve` does."""
        spec = target.spec
        assert isinstance(spec, Files)  # noqa: S101  the kind of the target says so
        yield cls(target, spec, resolve(target, timeout=timeout))

    def files(self) -> tuple[TargetFile, ...]:
        """Return the files, current and rotated, sorted by path."""
        return self._files

    def text(self, file: TargetFile) -> TextBytes:
        """Return what yields the bytes of ``file``; see :class:`TextBytes`."""
        return TextBytes(file.location, f"{self.target.id}: {file.path}")

    def oldest(self, file: TargetFile, before: datetime) -> LogAge:
        """Look at the time of every line of ``file``; overdue is what is older than ``before`` (aware).

        Raises what :class:`TextBlocks` does, and ``Unreadable`` for a format without a clock.
        """
        found = clock(self.spec.format, str(self.spec.options.get("timestamp", "time")))
        if found is None:
            raise Unreadable(f"{self.target.id}: no clock is known for format {self.spec.format}")
        blocks = self._blocks(file)
        ages = _Ages(found, before)
        for block in blocks:
            ages.add(block)
        return LogAge(
            blocks.lines, ages.dated, ages.undated, ages.oldest, ages.overdue, ages.first, blocks.size
        )

    def _blocks(self, file: TargetFile) -> TextBlocks:
        return TextBlocks(file.location, f"{self.target.id}: {file.path}")


@dataclass(slots=True)
class _Ages:
    """Adds up the ages of the lines of one file."""

    clock: Clock
    before: datetime
    dated: int = 0
    undated: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    first: int | None = None  # number of the first overdue line
    _after_dated: bool = field(default=False, repr=False)  # the line that others may continue

    def add(self, block: Block) -> None:
        """Add the lines of ``block``; later parts of a long line are no lines of their own."""
        if block.part:
            return
        stamps = self.clock.stamps(block.text)
        counted = Counter(stamps)
        indented = sum(counted.pop(blank, 0) for blank in _CONTINUES)
        moments = self.clock.moments(counted)
        known = [moment for moment in moments.values() if moment is not None]
        if len(known) < len(moments) or (indented and not self._after_dated):
            self._add_slowly(block, stamps, moments)
            return
        if not known:  # nothing but continuations of a line in the block before
            return
        self._after_dated = True
        eldest = min(known)
        self.dated += len(stamps) - indented
        self.oldest = eldest if self.oldest is None else min(self.oldest, eldest)
        if eldest < self.before:
            late = {stamp for stamp, moment in moments.items() if moment is None or moment < self.before}
            self.overdue += sum(counted[stamp] for stamp in late)
            if self.first is None:
                self.first = block.number + next(n for n, stamp in enumerate(stamps) if stamp in late)

    def _add_slowly(self, block: Block, stamps: list[str], moments: dict[str, datetime | None]) -> None:
        """Go line by line, for some have no stamp at once to be seen."""
        for number, (stamp, line) in enumerate(
            zip(stamps, block.text.split("\n"), strict=True), block.number
        ):
            moment = moments.get(stamp) or self.clock.closely(line)
            if moment is not None:
                self._after_dated = True
                self.dated += 1
                self.oldest = moment if self.oldest is None else min(self.oldest, moment)
                if moment < self.before:
                    self.overdue += 1
                    self.first = self.first or number
            elif line.strip() and not (stamp in _CONTINUES and self._after_dated):
                self.undated += 1
                self._after_dated = False
