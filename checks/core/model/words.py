"""What is seen and said: severities, outcomes, observations, measures, periods."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import isodate

from checks.core.errors import MissingAddress

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Severity(StrEnum):
    """How much a failing control matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the worst, so that ``a.rank <= b.rank`` reads *a is at least as severe as b*."""
        return list(Severity).index(self)


class Outcome(StrEnum):
    """What one observation says of one thing."""

    MET = "met"
    VIOLATED = "violated"
    UNSEEN = "unseen"  # it should have been looked at and was not


class Status(StrEnum):
    """What the observations of one control on one target mean; there is no fourth value."""

    PASS = "pass"  # noqa: S105  a verdict, not a password
    FAIL = "fail"
    NOT_ASSESSED = "not-assessed"


@dataclass(frozen=True, slots=True)
class Location:
    """Where something stands: a path or address a person can open, and a 1-based line."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Measure:
    """How much was looked at.

    ``looked`` counts ``unit`` ("rows", "lines", "files", "columns", "settings", "responses" …);
    ``of`` is the whole where less than the whole was looked at; ``oldest`` is an age in seconds.
    ``looked == 0`` is no evidence unless the inventory says ``may_be_empty``.
    """

    looked: int
    unit: str
    of: int | None = None
    size: int | None = None  # bytes
    oldest: float | None = None
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """Something of a made-up person that has until ``due`` to be gone from ``place``; later runs see to it.

    ``what`` is a name by which only the holder of the key knows it again, ``made`` is to the second.
    """

    place: str  # an id of the inventory
    what: str
    made: datetime
    due: datetime
    gone: bool = False  # it has been seen to be gone

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.place, self.what


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the latest run that judged the same left pending; ``problem`` is why that is not known."""

    pending: tuple[Pending, ...] = ()
    run: int | None = None  # its number in the ledger; None: there was none
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing seen, as demanded or not. ``subject`` and ``detail`` hold no raw value of a target."""

    subject: str
    outcome: Outcome
    detail: str
    measure: Measure | None = None
    location: Location | None = None
    remediation: str | None = None  # only where it says more than the control's own
    pending: Pending | None = None  # what it says of something that is due later

    @classmethod
    def met(
        cls, subject: str, detail: str, measure: Measure | None = None, location: Location | None = None
    ) -> Observation:
        """Something looked at and as demanded."""
        return cls(subject, Outcome.MET, detail, measure, location)

    @classmethod
    def violated(
        cls,
        subject: str,
        detail: str,
        measure: Measure | None = None,
        location: Location | None = None,
        remediation: str | None = None,
    ) -> Observation:
        """Something looked at and not as demanded."""
        return cls(subject, Outcome.VIOLATED, detail, measure, location, remediation)

    @classmethod
    def unseen(cls, subject: str, reason: str, location: Location | None = None) -> Observation:
        """Something that should have been looked at and could not; the rest goes on."""
        return cls(subject, Outcome.UNSEEN, reason, None, location)


@dataclass(frozen=True, slots=True)
class Period:
    """An ISO 8601 duration such as ``P7Y`` or ``PT36H``; months and years count by the calendar."""

    text: str

    def __post_init__(self) -> None:
        try:
            isodate.parse_duration(self.text)
        except (isodate.ISO8601Error, TypeError, ValueError):
            raise ValueError(f"{self.text!r} is not an ISO 8601 duration such as P30D or P7Y") from None

    def before(self, moment: datetime) -> datetime:
        """Return the moment this period before ``moment``."""
        result = moment - isodate.parse_duration(self.text)
        assert isinstance(result, datetime)  # noqa: S101  isodate has no types
        return result

    def seconds(self, until: datetime) -> float:
        """Return the length in seconds of the period that ends at ``until``."""
        return (until - self.before(until)).total_seconds()

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Duration:
    """How long something may take: ISO 8601 such as ``PT2M``, above 0; no months or years, which vary."""

    text: str

    def __post_init__(self) -> None:
        if self.seconds <= 0:
            raise ValueError(f"{self.text!r} is no ISO 8601 duration above zero such as PT90S or PT2M")

    @property
    def seconds(self) -> float:
        """The length in seconds; 0 for what has none."""
        try:
            length = isodate.parse_duration(self.text)
        except (isodate.ISO8601Error, TypeError, ValueError, OverflowError):
            return 0.0
        return float(length.total_seconds()) if isinstance(length, timedelta) else 0.0

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the whole that is looked at: ``2%`` or ``0.02``, above 0 and at most all."""

    text: str

    def __post_init__(self) -> None:
        if not 0 < self.value <= 1:
            raise ValueError(f"{self.text!r} is no share such as 2% or 0.02")

    @property
    def value(self) -> float:
        """The share as a number above 0 and at most 1; 0 for what is none."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(%?)", str(self.text).strip())
        return float(match[1]) / (100 if match[2] else 1) if match else 0.0

    def __str__(self) -> str:
        return str(self.text)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target is reached. May hold a password, so it never prints: call :meth:`reveal`."""

    variable: str
    _value: str | None = field(repr=False)

    @property
    def given(self) -> bool:
        """Whether the variable is set."""
        return bool(self._value)

    def reveal(self) -> str:
        """Return the address itself, for connectors only; raises ``MissingAddress`` if it is not set."""
        if not self._value:
            raise MissingAddress(f"environment variable {self.variable} is not set")
        return self._value

    def __str__(self) -> str:
        return f"${self.variable}"
