"""What a scan found, as records that travel between processes, and their totals.

Nothing here holds more of a number than its first six and last four digits.
"""

from __future__ import annotations

import pickle
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from checks.detectors.cards import card_spans
from checks.scanner.finding import Match
from checks.scanner.source import Skipped

_REASONS = 200
_PACK = 1000  # findings that are kept as they are, before they are packed


@dataclass(frozen=True, slots=True)
class Finding:
    """A card number and where it stands. ``source`` and the texts below it are masked and printable.

    ``offset`` is in bytes of the source, from 0, ``line`` counts from 1; in a table ``offset`` is the
    ordinal of the row, from 0, and ``line`` the same from 1, for a row has no bytes of its own. ``line``
    is ``None`` where what lies before was not read. ``place`` is ``content`` or ``name``: of the latter
    the offset is one in the name of the source.
    """

    source: str
    place: str
    offset: int
    line: int | None
    form: str
    network: str
    masked: str
    confidence: str
    severity: str
    fingerprint: str
    test_number: bool
    security_code: bool
    track_data: bool
    table: str | None = None
    column: str | None = None
    row: str | None = None  # its primary key, as ``name=value, …``


def finding(source: str, match: Match, *, place: str = "content") -> Finding:
    """Return ``match``, which stands in ``source``, as a record."""
    return Finding(
        source=source,
        place=place,
        offset=match.offset,
        line=match.line,
        form=match.form,
        network=match.network,
        masked=match.masked,
        confidence=match.confidence,
        severity=match.severity,
        fingerprint=match.fingerprint,
        test_number=match.test_number,
        security_code=match.security_code,
        track_data=match.track_data,
    )


class Findings:
    """Findings in order, in little memory: all but the last thousand are kept compressed."""

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self._loose: list[Finding] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, found: Finding) -> None:
        """Add one."""
        self._loose.append(found)
        self._count += 1
        if len(self._loose) == _PACK:
            self._packed.append(zlib.compress(pickle.dumps(self._loose), 1))
            self._loose = []

    def __iter__(self) -> Iterator[Finding]:
        for packed in self._packed:
            yield from pickle.loads(zlib.decompress(packed))  # noqa: S301  packed above, by ourselves
        yield from self._loose


@dataclass(slots=True)
class Totals:
    """How much was looked at, and what was not. ``unlisted`` findings were counted only.

    Of a sample ``units`` were looked at, ``of`` there are; something was found in ``struck`` of them.
    """

    bytes: int = 0
    rows: int = 0
    files: int = 0
    databases: int = 0
    findings: int = 0
    test_numbers: int = 0
    unlisted: int = 0
    skipped: int = 0
    excluded: int = 0
    unchanged: int = 0
    units: int = 0
    of: int = 0
    struck: int = 0
    reasons: Counter[str] = field(default_factory=Counter)  # of what was skipped

    def add(self, other: Totals) -> None:
        """Add the counts of a part."""
        for each in fields(other):
            if each.name != "reasons":
                setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))
        for reason, count in other.reasons.items():
            # Some tell a size or a number: not each of a million is kept.
            few = reason in self.reasons or len(self.reasons) < _REASONS
            self.reasons[reason if few else "for other reasons"] += count


@dataclass(slots=True)
class Result:
    """What came of one part. ``carried`` findings are those of its first piece.

    ``lines`` is how many line feeds its last piece holds. ``rest`` is where to go on, as the number of
    a piece and an offset in it, if the part held more findings than one result takes. ``began`` is the
    time of the clock before anything was opened. ``clean`` are the numbers of the pieces that were read
    to the end without a finding, each with the digest of what was read if that was asked for.
    """

    number: int
    findings: Findings = field(default_factory=Findings)
    skipped: list[Skipped] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    lines: int = 0
    carried: int = 0
    rest: tuple[int, int] | None = None
    began: float = 0.0
    clean: dict[int, bytes] = field(default_factory=dict)

    def skip(self, skipped: Skipped) -> None:
        """Note what was not looked at."""
        self.skipped.append(skipped)
        self.totals.skipped += 1
        self.totals.reasons[skipped.reason] += 1


def masked(text: str) -> str:
    """Return ``text`` with the card numbers in it masked, without the engine."""
    parts, shown = [], 0
    for hit, end in card_spans(text):
        if hit.start >= shown:
            parts += [text[shown : hit.start], hit.masked]
        shown = max(shown, end)
    return "".join(parts) + text[shown:]
