"""When the lines of a log were written: the time stamps of three formats, many lines at a time.

One regular expression runs over a block of lines and returns one stamp a line, so that only distinct
stamps are turned into moments. Times without a zone are taken as UTC.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from operator import attrgetter

_EARLIEST_EPOCH = 1e8  # 1973: smaller numbers are durations, counters or zeros, not moments
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FAR = 2000  # characters of a line within which its stamp stands

# Each pattern matches once a line, from its beginning to its end, for the search for the next
# beginning is slower. Its group is the stamp; a blank where the line is indented, that is continues
# the one before; or nothing, which means: look closely.
_REST = r"[^\n]*+"
_CLF_STAMP = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}(?=\])"
_CLF = re.compile(rf"^(?:[^\n\[]*+\[)?+({_CLF_STAMP}|[ \t]|){_REST}", re.MULTILINE)
_CLF_ANYWHERE = re.compile(rf"\[({_CLF_STAMP})")
_ISO_STAMP = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?+(?: ?[+-]\d\d:?\d\d|[Zz])?+(?!\d)"
_ISO = re.compile(rf"^({_ISO_STAMP}|[ \t](?![ \t]*[\[<\d])|){_REST}", re.MULTILINE)
# Indented, after a bracket, or after the priority and version of syslog (RFC 5424).
_ISO_BEGINS = re.compile(rf"[ \t]*(?:\[|<\d{{1,3}}>\d )?({_ISO_STAMP})")
_STRING = r'"(?:[^"\\\n]++|\\[^\n])*+"'


@dataclass(frozen=True, slots=True)
class Clock:
    """Finds and reads the time stamps of one format; ``read`` and ``look`` raise ``ValueError``."""

    pattern: re.Pattern[str]
    read: Callable[[str], datetime]
    look: Callable[[str], str]  # the stamp of one line, where the pattern found none

    def stamps(self, text: str) -> list[str]:
        """Return one entry a line of ``text``: its stamp, one blank if it is indented, or nothing."""
        return self.pattern.findall(text)

    def moments(self, stamps: Collection[str]) -> dict[str, datetime | None]:
        """Return the moment of each stamp, as :meth:`moment` does."""
        try:  # most formats write what the standard library reads, and it does so in C
            found = dict(zip(stamps, map(datetime.fromisoformat, stamps), strict=True))
        except ValueError:
            return {stamp: self.moment(stamp) for stamp in stamps}
        if None in map(attrgetter("tzinfo"), found.values()):
            return {stamp: self.moment(stamp) for stamp in stamps}
        return {**found}

    def moment(self, stamp: str) -> datetime | None:
        """Return the aware moment that ``stamp`` names, or ``None`` if it names none."""
        try:
            return self.read(stamp)
        except (ValueError, OverflowError, OSError):
            return None

    def closely(self, line: str) -> datetime | None:
        """Return the moment of one line in which the pattern found no stamp, if it has one."""
        try:
            return self.read(self.look(line))
        except (ValueError, OverflowError, OSError, RecursionError):
            return None


def clock(log_format: str, key: str = "time") -> Clock | None:
    """Return the clock of ``clf``, ``json`` (time at top level under ``key``) or ``iso``, if known."""
    if log_format == "clf":
        return Clock(_CLF, _clf, lambda line: _group(_CLF_ANYWHERE.search(line, 0, _FAR)))
    if log_format == "iso":
        return Clock(_ISO, _iso, lambda line: _group(_ISO_BEGINS.match(line)))
    if log_format == "json":
        return Clock(_json_pattern(key), _json, lambda line: _json_value(line, key))
    return None


def _json_pattern(key: str) -> re.Pattern[str]:
    """Match the value of ``key`` where only plain values stand before it."""
    name = re.escape(json.dumps(key))
    plain = rf"{_STRING}[ \t]*:[ \t]*(?:{_STRING}|[-+.\w]++)[ \t]*,[ \t]*"
    before = rf"\{{[ \t]*(?:{plain}){{0,40}}?{name}[ \t]*:[ \t]*+\"?+"
    # Quoted or a number; what stands before it is looked at, for else a line might begin with one.
    value = r"(?<=\")\d[^\"\\\n]*+(?=\")|(?<=[: \t])\d[\d.eE+]*+"
    return re.compile(
        rf"^(?:{before}(?=\d))?({value}|[ \t](?![ \t]*\{{)|){_REST}",
        re.MULTILINE,
    )


def _json_value(line: str, key: str) -> str:
    document = json.loads(line)
    value = document.get(key) if isinstance(document, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError
    return str(value)


def _group(match: re.Match[str] | None) -> str:
    if match is None:
        raise ValueError
    return match[1]


def _clf(stamp: str) -> datetime:
    """Read ``25/Nov/2026:02:56:59 +0000`` (Apache's and nginx's common log format)."""
    year, month, day, zone = _clf_day(stamp[:11], stamp[21:])
    return datetime(year, month, day, int(stamp[12:14]), int(stamp[15:17]), int(stamp[18:20]), tzinfo=zone)


@lru_cache(maxsize=1024)
def _clf_day(day: str, offset: str) -> tuple[int, int, int, tzinfo]:
    delta = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
    zone = timezone(-delta if offset[0] == "-" else delta) if delta else UTC
    return int(day[7:11]), _MONTHS.index(day[3:6]) + 1, int(day[:2]), zone


def _iso(stamp: str) -> datetime:
    """Read an ISO 8601 moment; a blank may stand before the zone."""
    moment = datetime.fromisoformat(stamp if stamp[-6:-5] != " " else stamp[:-6] + stamp[-5:])
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _json(stamp: str) -> datetime:
    """Read a JSON string or number: ISO 8601, or seconds, milli-, micro- or nanoseconds since 1970."""
    if stamp[4:5] == "-":
        return _iso(stamp)
    number = float(stamp)
    if not math.isfinite(number) or number < _EARLIEST_EPOCH:
        raise ValueError
    while number >= 1e11:  # the year 5138 in seconds
        number /= 1000
    return datetime.fromtimestamp(number, UTC)
