"""What the pages about runs show, read from the ledger: never more of it than one page needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from reports import shape
from reports.ledger import Entry, Ledger, LedgerError
from reports.shape.ledger import LETTERS, RunHead
from reports.view.filters import Filters

WORST_FIRST: tuple[str, ...] = ("fail", "not-assessed", "did-not-run", "waived", "pass")
STATE_OF = {letter: state for state, letter in LETTERS.items()}
A_PAGE = 50
"""Runs of one page."""
LOOKED_AT = 400
"""Runs that are looked at for one page; where a filter matches few, the page says how far it looked."""
RECENT = 30
"""Runs of an environment that its line on the first page shows."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list."""

    entry: Entry
    head: RunHead

    @property
    def commit(self) -> str | None:
        """The git commit of controls and inventory, if they were in one."""
        git = self.head["run"]["git"]
        return git["commit"] if git else None

    @property
    def trigger(self) -> str:
        """Who or what started the run, in a few words."""
        said = self.head["run"]["trigger"]
        return f"{said['by']} ({said['reference']})" if said["reference"] else said["by"]


@dataclass(frozen=True, slots=True)
class EnvironmentLine:
    """An environment with its last run; ``new`` counts findings that the run before did not have."""

    environment: str
    last: RunLine
    age: float
    new: int
    recent: tuple[RunLine, ...]  # oldest first, the last one included


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Runs, newest first; ``older`` is where the next page begins, ``looked`` how many were looked at."""

    rows: tuple[RunLine, ...]
    older: int | None
    looked: int


@dataclass(frozen=True, slots=True)
class ControlLine:
    """One control of a run with what its targets came to."""

    id: str
    severity: str
    states: tuple[tuple[str, str], ...]  # (target, state)
    known: shape.Control | None  # without its verdicts

    @property
    def state(self) -> str:
        """The worst of its states."""
        return worst([state for _, state in self.states])

    @property
    def counts(self) -> dict[str, int]:
        """How many targets came to what."""
        return counted(state for _, state in self.states)


@dataclass(frozen=True, slots=True)
class SectionLine:
    """A section of the policy with its controls; ``number`` 0 holds those of no section."""

    number: int
    title: str
    state: str
    controls: tuple[ControlLine, ...]
    references: tuple[shape.Reference, ...] = ()  # what serves it too and stands in another section


def read(entry: Entry) -> RunLine:
    """Return a run with its head; refused if it is not what was recorded: it would prove nothing."""
    if fault := entry.fault(entry.number, entry.previous):
        raise LedgerError(f"{fault}; `policyproof ledger verify` tells more")
    return RunLine(entry, entry.read())


def worst(states: list[str]) -> str:
    """Return the worst of ``states``; nothing at all is a run that did not happen."""
    return min(states, key=WORST_FIRST.index, default="did-not-run")


def counted(states: Iterator[str]) -> dict[str, int]:
    """Return how often each state occurs, those at zero included."""
    tally = Counter(states)
    return {state: tally[state] for state in WORST_FIRST}


def age(moment: str, now: datetime | None = None) -> float:
    """Return the seconds since a moment of the ledger, at least 0."""
    return max(0.0, ((now or datetime.now(UTC)) - datetime.fromisoformat(moment)).total_seconds())


def overview(ledger: Ledger, now: datetime | None = None, *, recent: int = RECENT) -> list[EnvironmentLine]:
    """Return every environment, the one that ran last first."""
    lines = []
    for name in ledger.environments():
        found = [
            read(entry) for entry in ledger.entries(environment=name, limit=max(2, recent), newest_first=True)
        ]
        if found:
            new = new_findings(ledger, found[0].entry, found[1].entry if len(found) > 1 else None)
            lines.append(
                EnvironmentLine(
                    name, found[0], age(found[0].entry.ended, now), new, tuple(reversed(found[:recent]))
                )
            )
    return sorted(lines, key=lambda line: line.last.entry.number, reverse=True)


def new_findings(ledger: Ledger, last: Entry, before: Entry | None) -> int:
    """Count findings of ``last``, not waived, that the run before did not have."""
    old = _open(ledger, before) if before else Counter()
    return (_open(ledger, last) - old).total()


def _open(ledger: Ledger, entry: Entry) -> Counter[tuple[str, str, str]]:
    """Return the findings that count as failing; those that are not listed have no name of their own."""
    listed = {(row.control, row.target): row for row in ledger.findings(entry)}
    found: Counter[tuple[str, str, str]] = Counter()
    for key, state in states(ledger, entry).items():
        if state == "fail":
            row = listed.get(key)
            found.update((*key, name) for name in (row.fingerprints if row else ()))
            # A verdict that fails without a finding of its own still is one thing to mend.
            found[(*key, "")] += row.more if row else 1
    return found


def states(ledger: Ledger, entry: Entry) -> dict[tuple[str, str], str]:
    """Return what each control on each target came to, the worst where a plan names one twice."""
    found: dict[tuple[str, str], str] = {}
    letters = entry.read()["states"]
    for row, letter in zip(ledger.plan(entry), letters, strict=True):
        key, state = (row.control, row.target), STATE_OF[letter]
        found[key] = worst([state, found[key]]) if key in found else state
    return found


def runs(ledger: Ledger, environment: str, wanted: Filters) -> RunsPage:
    """Return one page of runs."""
    rows: list[RunLine] = []
    looked, last, more = 0, None, False
    for entry in _back(ledger, environment, wanted):
        if len(rows) == A_PAGE or looked == LOOKED_AT:
            more = True
            break
        looked, last = looked + 1, entry.number
        line = read(entry)
        if _matches(line, wanted):
            rows.append(line)
    return RunsPage(tuple(rows), last if more else None, looked)


def _back(ledger: Ledger, environment: str, wanted: Filters) -> Iterator[Entry]:
    """Yield at most one run more than a page looks at, newest first."""
    every = wanted.state is None and wanted.commit is None  # then each run looked at is shown
    return ledger.entries(
        environment=environment,
        since=wanted.begins,
        until=wanted.ends,
        before=wanted.before,
        newest_first=True,
        limit=(A_PAGE if every else LOOKED_AT) + 1,
    )


def _matches(line: RunLine, wanted: Filters) -> bool:
    return (wanted.state is None or line.head["verdict"]["state"] == wanted.state) and (
        wanted.commit is None or (line.commit or "").startswith(wanted.commit)
    )


def sections(ledger: Ledger, line: RunLine) -> list[SectionLine]:
    """Return the controls of a run by section of the policy; controls of no section come last."""
    items: dict[str, list[tuple[str, str]]] = {}
    severities: dict[str, str] = {}
    for row, letter in zip(ledger.plan(line.entry), line.head["states"], strict=True):
        items.setdefault(row.control, []).append((row.target, STATE_OF[letter]))
        severities[row.control] = row.severity

    def control(name: str, known: shape.Control | None) -> ControlLine:
        order = sorted(items.pop(name, []), key=lambda item: WORST_FIRST.index(item[1]))
        return ControlLine(name, severities.get(name, ""), tuple(order), known)

    result = [
        SectionLine(
            section["number"],
            section["title"],
            section["state"],
            tuple(control(one["id"], one) for one in section["controls"]),
            tuple(section["references"]),
        )
        for section in ledger.part(line.entry, "sections") or ()
    ]
    elsewhere = [control(one["id"], one) for one in ledger.part(line.entry, "elsewhere") or ()]
    # What the parts do not name is still in the plan: a control that nobody could load, say.
    elsewhere += [control(name, None) for name in list(items)]
    if elsewhere:
        state = {"pass": "held", "waived": "held", "fail": "broken"}.get(
            worst([one.state for one in elsewhere]), "not-shown"
        )
        result.append(SectionLine(0, "Controls of no section", state, tuple(elsewhere)))
    return result


def control_of(ledger: Ledger, line: RunLine, name: str) -> ControlLine | None:
    """Return one control of a run; ``None`` if the run did not have it."""
    every = (one for section in sections(ledger, line) for one in section.controls)
    return next((one for one in every if one.id == name), None)


def neighbours(ledger: Ledger, entry: Entry) -> tuple[int | None, int | None]:
    """Return the numbers of the runs before and after on the same environment."""
    before = ledger.last(entry.environment, before=entry.number)
    following = ledger.entries(environment=entry.environment, since=entry.started, limit=8)
    after = next((one.number for one in islice(following, 8) if one.number > entry.number), None)
    return before.number if before else None, after
