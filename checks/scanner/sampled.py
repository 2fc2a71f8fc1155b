"""A part of some files, as chance or the time allowed has it, and how much of them that is.

A unit is a block of ``UNIT`` bytes of a plain file, or any other file as a whole. With a clock the
units come in an order of chance, so that those before it is over are a sample. One that is begun and
not ended is none of them, though what is found in it counts; as the look ends with it, the bound of
:func:`checks.scanner.sample.bound` holds all the same, whatever such a unit may hide.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from checks.connectors.archives import failure, opened
from checks.connectors.text_lines import TextBytes
from checks.core.errors import NotAssessed
from checks.scanner.clock import ENDLESS, Clock
from checks.scanner.expand import skipped
from checks.scanner.finding import Match
from checks.scanner.formats import HEAD, format_of
from checks.scanner.reading import Reading
from checks.scanner.sample import UNIT, Sample, bound_said, chance
from checks.scanner.search import InText, engine
from checks.scanner.source import Skipped

BEFORE = 256
"""Bytes before a block that the engine looks at too."""
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # of UTF-16 and UTF-32


class Look(Protocol):
    """A look at a whole file, such as :class:`checks.scanner.search.InFile`."""

    @property
    def bytes(self) -> int:
        """Bytes that were looked at."""

    @property
    def cut(self) -> bool:
        """Whether the clock was over before the end."""

    def __iter__(self) -> Iterator[tuple[str, Match | Skipped]]: ...


LookAt = Callable[[str, Path, Clock], Look]


class InLog:
    """A look at a whole file of text, of which the lines count."""

    def __init__(self, name: str, text: TextBytes, clock: Clock = ENDLESS) -> None:
        self._name, self._look = name, InText(text, clock)

    def __iter__(self) -> Iterator[tuple[str, Match | Skipped]]:
        """Yield the matches in order; raises what :class:`TextBytes` does."""
        return ((self._name, match) for match in self._look)

    @property
    def lines(self) -> int:
        """Lines read, if all of it was."""
        return self._look.lines

    @property
    def bytes(self) -> int:
        """Bytes read, after decompression."""
        return self._look.bytes

    @property
    def cut(self) -> bool:
        """Whether the clock was over before the end."""
        return self._look.cut


@dataclass(frozen=True, slots=True)
class _Unit:
    name: str
    path: Path
    block: int | None = None  # its number in a plain file; ``None`` for the whole of another


class InSample:
    """Iterate once for ``(name, match or Skipped)`` in what is looked at of some files.

    ``look`` is how a file that is not plain is read, and ``clean`` hears of each that was, to its end
    and without a word. ``text``: all should be text. Of a match in a block the line says nothing.
    ``units`` of ``units_of`` were looked at to their end, ``bytes`` in all; ``cut`` says whether the
    clock was over before the end. Nothing is cut where no more was left to be looked at.
    """

    def __init__(
        self,
        files: Sequence[tuple[str, Path]],
        look: LookAt,
        *,
        sample: Sample | None = None,
        seed: int = 0,
        clock: Clock = ENDLESS,
        text: bool = False,
        clean: Callable[[Path], None] = lambda path: None,
    ) -> None:
        self.units = self.units_of = self.bytes = 0
        self.cut = False
        self._files, self._look, self._text, self._clean = files, look, text, clean
        self._sample, self._seed, self._clock = sample, seed, clock

    @property
    def of(self) -> int | None:
        """How many units there are, if not all of them were looked at."""
        return self.units_of if self.units < self.units_of else None

    @property
    def said(self) -> str:
        """What was looked at, and if nothing was found what that says of the whole."""
        return bound_said(self.units, "blocks", self._seed) if self.of else "every block read"

    def __iter__(self) -> Iterator[tuple[str, Match | Skipped]]:
        """Yield what is found, in the order in which it is looked at."""
        chosen: list[_Unit] = []
        for name, path in self._files:
            try:
                chosen += self._units(name, path)
            except NotAssessed as error:
                yield name, skipped(name, error)
        if self._clock.limited:
            chosen.sort(key=lambda unit: chance(self._seed, f"order {unit.name}", unit.block or 0))
        for unit in chosen:
            if self._clock.over:
                self.cut = True
                return
            try:
                yield from self._whole(unit) if unit.block is None else self._block(unit, unit.block)
            except NotAssessed as error:
                yield unit.name, skipped(unit.name, error)
            if self.cut:
                return

    def _units(self, name: str, path: Path) -> list[_Unit]:
        """Return the units of a file that are in the sample; counts them all."""
        with opened(path, name) as file:
            try:
                head, size = file.read(HEAD), os.fstat(file.fileno()).st_size
            except OSError as error:
                raise failure(error, name) from None
        # Text in UTF-16 is turned into UTF-8 by who reads it whole, and cannot be cut anywhere.
        plain = format_of(head, path.name.lower()) is None and not (self._text and head.startswith(_MARKS))
        every = [_Unit(name, path, n) for n in range(-(-size // UNIT))] if plain else [_Unit(name, path)]
        self.units_of += len(every)
        sample = self._sample
        return [unit for unit in every if sample is None or sample.takes(name, unit.block or 0)]

    def _whole(self, unit: _Unit) -> Iterator[tuple[str, Match | Skipped]]:
        look = self._look(unit.name, unit.path, self._clock)
        clean = True
        try:
            for found in look:
                clean = False
                yield found
        finally:
            self.bytes += look.bytes
        self.cut = look.cut
        self.units += not look.cut
        if clean and not look.cut:
            self._clean(unit.path)

    def _block(self, unit: _Unit, number: int) -> Iterator[tuple[str, Match | Skipped]]:
        looked = engine()
        start = number * UNIT
        first = max(0, start - BEFORE)
        before = looked.size
        with opened(unit.path, unit.name) as file:
            read = Reading(cast(BinaryIO, file), first)
            binary = False

            def readinto(view: memoryview) -> int:
                nonlocal binary
                count = read.readinto(view)
                binary = binary or (self._text and b"\0" in bytes(view[:count]))
                return count

            for hits in looked.read(readinto, first=first, start=start, stop=start + UNIT):
                for match in looked.matches(hits) if len(hits) else ():
                    yield unit.name, match
            read.check(unit.name)
        size = looked.size - before
        self.bytes += size
        if binary:
            yield unit.name, Skipped(unit.name, "is binary, not text")
        elif not size:
            yield unit.name, Skipped(unit.name, "became shorter while it was looked at")
        else:
            self.units += 1
