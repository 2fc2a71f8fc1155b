"""When the lines of a log were written: the time stamps of three formats, many lines at a time.

One regular expression runs over a block of lines and returns one stamp a line, so that only distinct
stamps are turned into moments. Times without a zone are taken as UTC.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_EARLIEST_EPOCH = 1e8  # 1973: smaller numbers are durations, counters or zeros, not moments
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Each matches once at every line's beginning. Its group is the stamp; one blank where the line is
# indented, that is continues the one before; or nothing. What is tried before the stamp is bounded.
_REST = r"[^\n]*+"  # skipped at once: the search for the next line's beginning is slower
_CLF_STAMP = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}(?=\])"
_CLF = re.compile(rf"^(?:(?:[^\n\[]*+\[){{1,20}}?(?={_CLF_STAMP}))?({_CLF_STAMP}|[ \t]|){_REST}", re.MULTILINE)
_ISO_STAMP = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?+(?: ?[+-]\d\d:?\d\d|[Zz])?+(?!\d)"
# A bracket may stand before it, or the priority and version of syslog (RFC 5424).
_ISO = re.compile(rf"^(?:[ \t]*(?:\[|<\d{{1,3}}>\d )?(?={_ISO_STAMP}))?({_ISO_STAMP}|[ \t]|){_REST}", re.MULTILINE)
_STRING = r'"(?:[^"\\\n]|\\[^\n])*+"'


@dataclass(frozen=True, slots=True)
class Clock:
    """Finds and reads the time stamps of one format."""

    pattern: re.Pattern[str]
    parse: Callable[[str], datetime | None]
    key: str | None = None  # JSON: where the time stands

    def stamps(self, text: str) -> list[str]:
        """Return one entry a line of ``text``: its stamp, one blank if it is indented, or nothing."""
        return self.pattern.findall(text)

    def moment(self, stamp: str) -> datetime | None:
        """Return the aware moment that ``stamp`` names, or ``None`` if it names none."""
        try:
            return self.parse(stamp)
        except (ValueError, OverflowError, OSError):
            return None

    def closely(self, line: str) -> datetime | None:
        """Look at one line in full, where the quick look found no stamp."""
        if self.key is None:
            return None
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return None
        value = document.get(self.key) if isinstance(document, dict) else None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        return self.moment(json.dumps(value, ensure_ascii=False))


def clock(log_format: str, key: str = "time") -> Clock | None:
    """Return the clock of ``clf``, ``json`` (time at top level under ``key``) or ``iso``, if known."""
    if log_format == "clf":
        return Clock(_CLF, _clf)
    if log_format == "iso":
        return Clock(_ISO, _iso)
    if log_format == "json":
        return Clock(_json_pattern(key), _json, key)
    return None


def _json_pattern(key: str) -> re.Pattern[str]:
    """Match the value of ``key`` where only plain values stand before it; the rest is parsed."""
    name = re.escape(json.dumps(key))
    plain = rf"{_STRING}[ \t]*:[ \t]*(?:{_STRING}|[-+.\w]++)[ \t]*,[ \t]*"
    return re.compile(
        rf"^(?:[ \t]*\{{[ \t]*(?:{plain}){{0,40}}?{name}[ \t]*:[ \t]*(?=[\"\d]))?"
        rf"((?<=[: \t])\"[^\"\\\n]{{8,48}}+\"|(?<=[: \t])\d[\d.eE+]*+|[ \t](?![ \t]*\{{)|){_REST}",
        re.MULTILINE,
    )


def _clf(stamp: str) -> datetime:
    """Read ``25/Nov/2026:02:56:59 +0000`` (Apache's and nginx's common log format)."""
    offset = timedelta(hours=int(stamp[22:24]), minutes=int(stamp[24:26]))
    return datetime(
        int(stamp[7:11]),
        _MONTHS.index(stamp[3:6]) + 1,
        int(stamp[0:2]),
        int(stamp[12:14]),
        int(stamp[15:17]),
        int(stamp[18:20]),
        tzinfo=timezone(-offset if stamp[21] == "-" else offset) if offset else UTC,
    )


def _iso(stamp: str) -> datetime:
    """Read an ISO 8601 moment."""
    moment = datetime.fromisoformat(stamp.replace(" +", "+").replace(" -", "-"))
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _json(stamp: str) -> datetime | None:
    """Read a JSON string or number: ISO 8601, or seconds, milli-, micro- or nanoseconds since 1970."""
    text = stamp.strip('"')
    try:
        number = float(text)
    except ValueError:
        return _iso(text)
    if not math.isfinite(number) or number < _EARLIEST_EPOCH:
        return None
    while number >= 1e11:  # the year 5138 in seconds
        number /= 1000
    return datetime.fromtimestamp(number, UTC)
