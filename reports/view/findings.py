"""Open findings with their age, and where one finding was seen."""

from __future__ import annotations

from dataclasses import dataclass

from reports import shape
from reports.ledger import Entry, FindingRow, Ledger
from reports.view.filters import Filters
from reports.view.queries import RunLine, read, states

VERDICTS_A_PAGE = 25
LISTED = 10
"""Findings of one verdict that a list shows; the page of its evidence shows the others."""
LOOKED_AT = 400
"""Runs that one page about a finding looks through."""
SEVERITIES = ("critical", "high", "medium", "low")
OPEN_STATES = ("fail", "waived")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding that is open; ``since`` is the run from which it was seen."""

    fingerprint: str
    seen: shape.Observation | None  # None: its evidence was pruned
    since: Entry


@dataclass(frozen=True, slots=True)
class OpenVerdict:
    """A verdict that fails or is waived, since the run ``since``."""

    control: str
    target: str
    severity: str
    state: str
    since: Entry
    total: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class OpenPage:
    """What is open on an environment by its last run."""

    last: RunLine
    rows: tuple[OpenVerdict, ...]
    verdicts: int
    findings: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """Runs in a row that saw a finding on one verdict, newest first."""

    environment: str
    control: str
    target: str
    last: Entry
    first: Entry
    runs: int


@dataclass(frozen=True, slots=True)
class SightingsPage:
    """Where a finding was seen among the runs looked through; ``older`` is where the next page begins."""

    sightings: tuple[Sighting, ...]
    seen: shape.Observation | None
    looked: int
    oldest: Entry | None
    older: int | None


def open_findings(ledger: Ledger, environment: str, wanted: Filters) -> OpenPage | None:
    """Return what fails or is waived in the last run; ``None`` if there is no run."""
    last = ledger.last(environment)
    if last is None:
        return None
    line = read(last)
    now = states(ledger, last)
    severity = {(row.control, row.target): row.severity for row in ledger.plan(last)}
    listed = {(row.control, row.target): row for row in ledger.findings(last)}
    keys = sorted(
        (key for key, state in now.items() if state in ((wanted.state,) if wanted.state else OPEN_STATES)),
        key=lambda key: (now[key] != "fail", _rank(severity[key]), key),
    )
    if wanted.target is not None:
        keys = [key for key in keys if key[1] == wanted.target]
    # A verdict that fails without a finding of its own still is one thing to mend.
    totals = {key: _total(listed.get(key)) for key in keys}
    pages = max(1, -(-len(keys) // VERDICTS_A_PAGE))
    page = min(wanted.page, pages)
    seen = _Seen(ledger)
    rows = []
    for key in keys[(page - 1) * VERDICTS_A_PAGE : page * VERDICTS_A_PAGE]:
        since = _failing_since(ledger, last, key)
        row = listed.get(key)
        findings = tuple(
            Finding(name, seen.observation(last, *key, name), seen.since(last, since, key, name))
            for name in (row.fingerprints[:LISTED] if row else ())
        )
        rows.append(OpenVerdict(*key, severity[key], now[key], since, totals[key], findings))
    return OpenPage(line, tuple(rows), len(keys), sum(totals.values()), page, pages)


def sightings(ledger: Ledger, fingerprint: str, wanted: Filters) -> SightingsPage:
    """Return where a finding was seen, in the newest :data:`LOOKED_AT` runs before ``wanted.before``."""
    seen = _Seen(ledger)
    running: dict[tuple[str, str, str], Sighting] = {}
    closed: list[Sighting] = []
    example: shape.Observation | None = None
    looked, oldest = 0, None
    more = False
    for entry in ledger.entries(newest_first=True, before=wanted.before, limit=LOOKED_AT + 1):
        if looked == LOOKED_AT:
            more = True
            break
        looked, oldest = looked + 1, entry
        here = {
            (entry.environment, *key)
            for key, names in seen.fingerprints(entry).items()
            if fingerprint in names
        }
        for key in here:
            was = running.get(key)
            last, runs = (was.last, was.runs + 1) if was else (entry, 1)
            running[key] = Sighting(*key, last=last, first=entry, runs=runs)
            example = example or seen.observation(entry, key[1], key[2], fingerprint)
        for key in [key for key in running if key[0] == entry.environment and key not in here]:
            closed.append(running.pop(key))
    found = sorted([*closed, *running.values()], key=lambda one: one.last.number, reverse=True)
    return SightingsPage(tuple(found), example, looked, oldest, oldest.number if more and oldest else None)


def _failing_since(ledger: Ledger, last: Entry, key: tuple[str, str]) -> Entry:
    """Return the first run of the unbroken row of runs, up to ``last``, in which a verdict was open."""
    number = None
    for change in ledger.changes(last.environment, control=key[0], target=key[1]):
        if change.number > last.number:  # the ledger grows while it is looked at
            break
        if change.now not in OPEN_STATES:
            number = None
        elif number is None:
            number = change.number
    return (ledger.find(number) if number is not None else None) or last


class _Seen:
    """Which findings a run saw, each block of them read once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._rows: dict[str, dict[tuple[str, str], frozenset[str]]] = {}  # by digest of the block
        self._verdicts: dict[tuple[int, str], list[shape.Verdict] | None] = {}

    def fingerprints(self, entry: Entry) -> dict[tuple[str, str], frozenset[str]]:
        """Return the fingerprints that a run saw, by control and target."""
        digest = entry.read()["findings"]
        if digest not in self._rows:
            self._rows[digest] = {
                (row.control, row.target): frozenset(row.fingerprints) for row in self.ledger.findings(entry)
            }
        return self._rows[digest]

    def observation(self, entry: Entry, control: str, target: str, name: str) -> shape.Observation | None:
        """Return what a run recorded of a finding; ``None`` if it was pruned."""
        place = (entry.number, control)
        if place not in self._verdicts:
            self._verdicts[place] = self.ledger.verdicts(entry, control)
        verdicts = self._verdicts[place] or ()
        every = (one for verdict in verdicts if verdict["target"] == target for one in verdict["findings"])
        return next((one for one in every if one.get("fingerprint") == name), None)

    def since(self, last: Entry, begun: Entry, key: tuple[str, str], name: str) -> Entry:
        """Return the run in which a finding that ``last`` saw appeared, not before ``begun``.

        Halves the runs between: the run returned saw it, and the run before did not, or is before
        ``begun``. One that came and went several times may have been seen earlier still.
        """
        if name in self.fingerprints(begun).get(key, ()):
            return begun
        without, found = begun.number, last
        while found.number - without > 1:
            middle = self.ledger.last(last.environment, before=(without + found.number) // 2 + 1)
            if middle is None or middle.number <= without:
                without = (without + found.number) // 2
            elif name in self.fingerprints(middle).get(key, ()):
                found = middle
            else:
                without = middle.number
        return found


def _total(row: FindingRow | None) -> int:
    return len(row.fingerprints) + row.more if row else 1


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1
