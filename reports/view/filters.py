"""What a page is narrowed to, as its address says it; what cannot be meant is refused in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from checks.core.errors import PolicyproofError, nearest, one_line

RUN_STATES = ("compliant", "holds-with-gaps", "violations", "not-assessed")
"""What a whole run comes to."""
MOST = 2**63 - 1
"""The greatest number an entry can have."""


class BadFilter(PolicyproofError):
    """An address asks for what cannot be; one line."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address of a page narrows it to; ``until`` is a day that still counts."""

    state: str | None = None
    since: date | None = None
    until: date | None = None
    commit: str | None = None
    target: str | None = None
    before: int | None = None  # entries below this number: where the next page begins
    page: int = 1

    @property
    def begins(self) -> str | None:
        """The first moment that counts, as the ledger writes it."""
        return None if self.since is None else _midnight(self.since)

    @property
    def ends(self) -> str | None:
        """The first moment that no longer counts."""
        return None if self.until is None else _midnight(self.until + timedelta(days=1))

    def as_query(self) -> dict[str, str]:
        """Return what goes into a link so that the next page is narrowed alike; not where it begins."""
        said = {
            "state": self.state,
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "commit": self.commit,
            "target": self.target,
        }
        return {name: value for name, value in said.items() if value}


def read(given: Mapping[str, str], *, states: tuple[str, ...] = ()) -> Filters:
    """Return the filters in the query of an address; raises :class:`BadFilter`."""
    known = {name: value.strip() for name, value in given.items() if value.strip()}
    for name in known:
        if name not in Filters.__dataclass_fields__:
            raise BadFilter(
                f"{one_line(name, 40)!r} is no filter{nearest(name, Filters.__dataclass_fields__)}"
            )
    state = known.get("state")
    if state is not None and state not in states:
        among = f"one of {', '.join(states)}" if states else "no filter of this page"
        raise BadFilter(f"state: {one_line(state, 40)!r} is not {among}" if states else f"state: {among}")
    commit = known.get("commit")
    if commit is not None and not re.fullmatch(r"[0-9a-fA-F]{4,64}", commit):
        raise BadFilter("commit: 4 to 64 hexadecimal digits, the beginning of a commit's name")
    result = Filters(
        state=state,
        since=_day("since", known),
        until=_day("until", known),
        commit=commit and commit.lower(),
        target=known.get("target"),
        before=_number("before", known, None),
        page=_number("page", known, 1) or 1,
    )
    if result.since and result.until and result.since > result.until:
        raise BadFilter("since: a day after `until`, so that nothing can be between")
    return result


def _day(name: str, known: Mapping[str, str]) -> date | None:
    text = known.get(name)
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not 1 < found.year < 9999:
        raise BadFilter(f"{name}: a day such as 2026-10-01, not {one_line(text, 40)!r}")
    return found


def _number(name: str, known: Mapping[str, str], default: int | None) -> int | None:
    text = known.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text) or int(text) > MOST:
        raise BadFilter(f"{name}: a whole number from 1, not {one_line(text, 40)!r}")
    return int(text)


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
