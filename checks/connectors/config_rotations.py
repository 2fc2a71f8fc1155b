"""How long rotation and lifecycle rules keep things: logrotate and S3 lifecycle documents."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from checks.connectors.config_entries import Entry, Malformed
from checks.core.model import Location

PERIODS = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 31.0, "yearly": 366.0}
"""The longest that each of logrotate's intervals lasts, in days."""

SCRIPTS = frozenset({"firstaction", "lastaction", "prerotate", "postrotate", "preremove"})
"""Directives followed by a shell script, up to ``endscript``."""

COUNTS = frozenset({"rotate", "maxage"})
"""Directives whose value is a whole number."""

_COUNT = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rule: what matches ``pattern`` is deleted when it is ``days`` old; ``None``: never by age."""

    pattern: str
    days: float | None
    location: Location


Placed = tuple[str, Entry]


def read_logrotate(text: str) -> Iterator[Entry]:
    """Yield the directives of a logrotate file, global ones and those of blocks.

    A block is ``block[n]`` with its patterns as value, one a line; a script is one entry. Raises
    ``Malformed`` for blocks and scripts that are not closed and for text outside the grammar.
    """
    lines = iter(enumerate(text.split("\n"), 1))
    block = -1
    inside = False
    patterns: list[str] = []
    start = 0
    for number, raw in lines:
        line = raw.strip()
        while line and not line.startswith("#"):
            if inside and line.startswith("}"):
                inside, line = False, line[1:].strip()
                continue
            if not inside and (patterns or "{" in line or line[0] in "/\"'~*"):
                head, brace, rest = line.partition("{")
                start = start if patterns else number
                patterns += _words(head, number)
                line = ""
                if brace:
                    if not patterns:
                        raise Malformed("has a block without a file pattern", number)
                    block, inside, line = block + 1, True, rest.strip()
                    yield Entry(("block", block), "\n".join(patterns), start)
                    patterns = []
                continue
            # A block may be closed on the line of its last directive.
            closed = inside and line.endswith("}")
            name, _, value = line.removesuffix("}").strip().partition(" ") if closed else line.partition(" ")
            name, equals, rest = name.partition("=")
            value = (rest + value if equals else value).strip().removeprefix("=").strip()
            if "{" in line or not re.fullmatch(r"[a-z]+", name.split("\t")[0]):
                raise Malformed("is not valid logrotate configuration", number)
            if "\t" in name:
                name, _, value = line.partition("\t")
            value = value if name in SCRIPTS else re.split(r"\s#", value, maxsplit=1)[0].strip()
            if name in COUNTS and not _COUNT.fullmatch(value):
                raise Malformed(f"has a {name} that is no number", number)
            trail = ("block", block, name) if inside else (name,)
            if name in SCRIPTS:
                yield Entry(trail, _script(lines, number), number)
            else:
                yield Entry(trail, value, number)
            inside, line = inside and not closed, ""
    if inside or patterns:
        raise Malformed("has a block that is not closed", start)


def _words(text: str, line: int) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        raise Malformed("has a quote that is not closed", line) from None


def _script(lines: Iterator[tuple[int, str]], start: int) -> str:
    body: list[str] = []
    for _, line in lines:
        if line.strip() == "endscript":
            return "\n".join(body)
        body.append(line)
    raise Malformed("has a script that is not closed", start)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What holds for a log. ``interval`` in days; ``None`` while rotation goes by size."""

    interval: float | None = None  # logrotate's own default is a size of 1 MiB
    rotate: int = 0
    maxage: int | None = None
    minimum: bool = False  # `minsize`: not rotated while it is small

    def days(self) -> float | None:
        """Return how old a line gets, as long as the log is written to in every interval.

        A line waits up to one interval in the live file, and as many more as files are kept;
        without ``rotate`` the file is removed when it is rotated. ``maxage`` counts where it is
        the smaller. Rotation by size alone keeps a quiet log for ever.
        """
        limits = []
        if self.interval is not None and not self.minimum and self.rotate >= 0:
            limits.append(self.interval * (self.rotate + 1))
        if self.maxage is not None:
            limits.append(float(self.maxage))
        return min(limits, default=None)

    def changed(self, name: str, value: str) -> _Rules:
        """Return the rules after one more directive; the last interval or size counts."""
        if name in PERIODS:
            return replace(self, interval=PERIODS[name], minimum=False)
        if name == "size":
            return replace(self, interval=None)
        if name == "minsize":
            return replace(self, minimum=True)
        if name == "rotate":
            return replace(self, rotate=int(value))
        return replace(self, maxage=int(value)) if name == "maxage" else self


def logrotate_rules(placed: Iterable[Placed]) -> Iterator[Rotation]:
    """Yield one rule for each pattern; a global directive holds for the blocks behind it."""
    everywhere = here = _Rules()
    patterns, where = "", Location("")
    waiting = False
    for file, entry in placed:
        name = entry.trail[-1]
        if entry.trail[0] != "block" or len(entry.trail) == 2:
            if waiting:
                yield from (Rotation(pattern, here.days(), where) for pattern in patterns.split("\n"))
                waiting = False
            if entry.trail[0] == "block":
                here, patterns, where = everywhere, entry.value, Location(file, entry.line)
                waiting = True
            else:
                everywhere = everywhere.changed(str(name), entry.value)
        else:
            here = here.changed(str(name), entry.value)
    if waiting:
        yield from (Rotation(pattern, here.days(), where) for pattern in patterns.split("\n"))


@dataclass(slots=True)
class _Lifecycle:
    """What all rules of one filter say together: the shortest of each kind counts."""

    where: Location
    current: int | None = None
    noncurrent: int = 0

    def days(self) -> float | None:
        return None if self.current is None else float(self.current + self.noncurrent)


def lifecycle_rules(placed: Iterable[Placed]) -> Iterator[Rotation]:
    """Yield one rule for each filter of an S3 lifecycle document (JSON as the AWS CLI has it).

    Expiration hides an object, and ``NoncurrentVersionExpiration`` deletes it so many days later,
    so both are added. Rules that are not enabled do not count, and several with the same filter
    count together. A filter that nothing expires by days (a date, transitions only) is ``None``.
    Raises ``Malformed`` if the document has no ``Rules`` or a number is none.
    """
    rules: dict[tuple[str, int], list[Entry]] = {}
    last = 1
    found = False
    for file, entry in placed:
        last = entry.line
        if entry.trail[0] != "Rules":
            continue
        found = True
        if len(entry.trail) > 2 and isinstance(entry.trail[1], int):
            rules.setdefault((file, entry.trail[1]), []).append(entry)
        elif not entry.branch:
            raise Malformed("has rules that are no list of mappings", entry.line)
    if not found:
        raise Malformed("is no lifecycle document: it has no Rules", last)
    filters: dict[tuple[str, str], _Lifecycle] = {}
    for (file, _), entries in rules.items():
        said = {".".join(str(step) for step in entry.trail[2:]): entry for entry in entries}
        if "Status" not in said:
            raise Malformed("has a rule without a Status", entries[0].line)
        if said["Status"].value != "Enabled":
            continue
        pattern = _pattern(said)
        group = filters.setdefault((file, pattern), _Lifecycle(Location(file, entries[0].line)))
        current = _days(said.get("Expiration.Days"))
        if current is not None:
            group.current = current if group.current is None else min(group.current, current)
            group.where = Location(file, said["Expiration.Days"].line)
        noncurrent = _days(said.get("NoncurrentVersionExpiration.NoncurrentDays"))
        if noncurrent is not None:
            group.noncurrent = min(group.noncurrent or noncurrent, noncurrent)
    for (_, pattern), group in filters.items():
        yield Rotation(pattern, group.days(), group.where)


def _pattern(said: dict[str, Entry]) -> str:
    """Return a rule's filter as text: its prefix, and whether tags or sizes narrow it further."""
    prefixes = [said[key].value for key in ("Filter.Prefix", "Filter.And.Prefix", "Prefix") if key in said]
    narrowed = any(
        key.startswith(("Filter.Tag", "Filter.And.Tags", "Filter.ObjectSize", "Filter.And.ObjectSize"))
        for key in said
    )
    prefix = next((prefix for prefix in prefixes if prefix), "*")
    return prefix + (" (only some, by tag or size)" if narrowed else "")


def _days(entry: Entry | None) -> int | None:
    if entry is None:
        return None
    if not entry.value.isdecimal():
        raise Malformed("has days that are no number", entry.line)
    return int(entry.value)
