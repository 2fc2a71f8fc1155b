"""Periods: ``2026Q4``, a year, or from one day to another, always whole days in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from checks.core.errors import PolicyproofError
from reports.quarter.shape import PeriodFacts

_ORDINALS = ("First", "Second", "Third", "Fourth")
DAY = 86_400.0


class QuarterError(PolicyproofError):
    """A quarterly report cannot be made as it was asked for; one line."""


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days: from ``since`` up to, but without, ``until``."""

    id: str
    title: str
    since: datetime
    until: datetime

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.until - self.since).days

    def ended(self, now: datetime) -> datetime:
        """Return up to when it can have been observed."""
        return min(self.until, now)

    def facts(self, now: datetime) -> PeriodFacts:
        """Return it as a report tells it, at the moment ``now``."""
        return PeriodFacts(
            id=self.id,
            title=self.title,
            since=moment(self.since),
            until=moment(self.until),
            ended=moment(self.ended(now)),
            over=now >= self.until,
            days=self.days,
        )


def moment(when: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the second, as the ledger holds it."""
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """Return a moment of the ledger as seconds since 1970; raises ``ValueError``."""
    return datetime.fromisoformat(text).timestamp()


def at(stamp: float) -> str:
    """Return seconds since 1970 as a moment."""
    return moment(datetime.fromtimestamp(stamp, UTC))


def period(text: str) -> Period:
    """Return the period that ``text`` names: ``2026Q4``, ``2026`` or ``2026-10-01..2026-11-15``."""
    if hit := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text.strip()):
        year, quarter = int(hit[1]), int(hit[2])
        end = (year + 1, 1) if quarter == 4 else (year, 3 * quarter + 1)
        title = f"{_ORDINALS[quarter - 1]} quarter of {year}"
        return _between(f"{year}Q{quarter}", title, (year, 3 * quarter - 2, 1), (*end, 1))
    if re.fullmatch(r"\d{4}", text.strip()):
        year = int(text)
        return _between(f"{year}", f"Year {year}", (year, 1, 1), (year + 1, 1, 1))
    first, dots, last = text.partition("..")
    if not dots:
        raise QuarterError(f"{text!r} is no period; write 2026Q4, 2026 or 2026-10-01..2026-11-15")
    return explicit(first, last)


def explicit(first: str, last: str) -> Period:
    """Return the period of the days from ``first`` to ``last``, both included."""
    try:
        begins, ends = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
        after = ends + timedelta(days=1)
    except (ValueError, OverflowError):
        raise QuarterError(f"{first!r} to {last!r} is no period; days are written 2026-10-01") from None
    if ends < begins:
        raise QuarterError(f"the period ends on {ends}, before it begins on {begins}")
    title = f"{begins.day} {begins:%B %Y} to {ends.day} {ends:%B %Y}"
    return _between(
        f"{begins}..{ends}",
        title,
        (begins.year, begins.month, begins.day),
        (after.year, after.month, after.day),
    )


def _between(name: str, title: str, first: tuple[int, int, int], after: tuple[int, int, int]) -> Period:
    try:
        return Period(name, title, datetime(*first, tzinfo=UTC), datetime(*after, tzinfo=UTC))
    except ValueError:
        raise QuarterError(f"{name} is no period: there is no such year") from None
