"""The runs of a period, read from the ledger once and kept small: states as strings, no evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from checks.core.errors import nearest
from reports.ledger import Entry, Ledger, LedgerError, PlanRow
from reports.quarter.definition import Definition, defined
from reports.quarter.period import Period, QuarterError, moment, seconds
from reports.quarter.shape_changes import RunBrief
from reports.shape import Environment, Policy, Verdict
from reports.shape.ledger import RunHead

WORST = "fndwp"
"""Letters of states, worst first."""


class Plan:
    """What a run expected; shared by all runs that expected the same."""

    def __init__(self, rows: list[PlanRow]) -> None:
        self.rows = rows
        self.ranges: dict[str, list[tuple[int, int]]] = {}  # control → where its rows stand
        self.where: dict[tuple[str, str], list[int]] = {}
        for index, row in enumerate(rows):
            ranges = self.ranges.setdefault(row.control, [])
            if ranges and ranges[-1][1] == index:
                ranges[-1] = (ranges[-1][0], index + 1)
            else:
                ranges.append((index, index + 1))
            self.where.setdefault((row.control, row.target), []).append(index)
        self._controls: dict[str, dict[str, str]] = {}  # states → the worst of each control
        self._failing: dict[str, frozenset[tuple[str, str]]] = {}

    def controls(self, states: str) -> dict[str, str]:
        """Return the worst letter of each control."""
        if (known := self._controls.get(states)) is None:
            known = self._controls[states] = {
                control: worst("".join(states[a:b] for a, b in ranges))
                for control, ranges in self.ranges.items()
            }
        return known

    def failing(self, states: str) -> frozenset[tuple[str, str]]:
        """Return what fails, or is waived."""
        if (known := self._failing.get(states)) is None:
            known = self._failing[states] = frozenset(
                (row.control, row.target)
                for row, letter in zip(self.rows, states, strict=True)
                if letter in "fw" and self.letter(states, (row.control, row.target)) in ("f", "w")
            )
        return known

    def letter(self, states: str, item: tuple[str, str]) -> str | None:
        """Return the worst letter of one control on one target; ``None``: not expected."""
        found = self.where.get(item)
        return None if found is None else worst("".join(states[index] for index in found))


def worst(letters: str) -> str:
    """Return the worst of some letters of states; a letter unknown to this version counts as not assessed."""
    return next((letter for letter in WORST if letter in letters), "n")


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One run of the period."""

    number: int
    at: float  # started, in seconds since 1970
    day: str
    brief: RunBrief
    policy: Policy
    environment: Environment
    plan: Plan
    states: str
    findings: str  # digest of its block, as are the values of `parts`
    parts: dict[str, str]
    evidence: dict[str, str]
    digests: dict[str, str]
    definition: Definition

    @property
    def started(self) -> str:
        """When it started."""
        return self.brief["started"]

    @property
    def removed(self) -> bool:
        """Whether its evidence was removed under the ledger's limit."""
        return self.brief["evidence_removed"]


@dataclass(slots=True)
class History:
    """The runs of one environment in a period, in the order in which they started."""

    ledger: Ledger
    environment: str
    period: Period
    since: float
    until: float  # the end of the period, or now if that is earlier
    head: Entry
    pruned_before: str | None
    runs: list[Past] = field(default_factory=list)
    before: Past | None = None  # the last run before the period
    beside: Past | None = None  # where the period has no run: the nearest one outside

    @property
    def model(self) -> Past:
        """The run that tells what there is: the last of the period."""
        found = self.runs[-1] if self.runs else self.beside
        if found is None:  # read() has refused an environment without a run
            raise QuarterError(f"no run on {self.environment} is recorded")
        return found

    def entry(self, run: Past) -> Entry:
        """Return a run's entry, for its evidence."""
        found = self.ledger.find(run.number)
        if found is None:
            raise LedgerError(f"entry {run.number} is no longer in the ledger")
        return found

    def part(self, run: Past, name: str) -> Any:
        """Return one key of a run's summary, of those that a prune leaves alone."""
        return self.block(run, run.parts[name])

    def block(self, run: Past, digest: str) -> Any:
        """Return what a block holds that no prune removes: one that is missing was taken away."""
        value = self.ledger.value(digest)
        if value is None:
            raise LedgerError(f"{self.ledger.name}: a block of run {run.number} is missing ({digest[:12]}…)")
        return value

    def verdicts(self, run: Past, control: str) -> list[Verdict] | None:
        """Return one control's verdicts, as far as it ran; ``None`` where a prune removed them."""
        if control not in run.evidence:
            return []
        found = self.ledger.verdicts(self.entry(run), control)
        if found is None and not run.removed:
            raise LedgerError(f"{self.ledger.name}: the evidence of {control} in run {run.number} is missing")
        return found


def read(ledger: Ledger, environment: str, period: Period, now: datetime, head: Entry | None) -> History:
    """Read the period; raises :class:`QuarterError` where there is nothing to tell of."""
    known = ledger.environments()
    if head is None or environment not in known:
        said = f" (recorded: {', '.join(known)})" if known else ""
        hint = nearest(environment, known) or said
        raise QuarterError(f"no run on {environment!r} is recorded{hint}")
    if now <= period.since:
        raise QuarterError(f"{period.id} has not begun: it begins on {period.since:%Y-%m-%d}")
    pruned = max((entry.read_prune()["before"] for entry in ledger.entries(kind="prune")), default=None)
    history = History(
        ledger,
        environment,
        period,
        period.since.timestamp(),
        period.ended(now).timestamp(),
        head,
        pruned,
    )
    reader = _Reader(ledger, pruned)
    since, until = moment(period.since), moment(period.until)
    runs = [
        reader.past(entry)
        for entry in ledger.entries(environment=environment, since=since, until=until)
        if entry.number <= head.number
    ]
    history.runs = sorted(runs, key=lambda run: (run.at, run.number))
    earlier = list(ledger.entries(environment=environment, until=since, newest_first=True, limit=1))
    history.before = reader.past(earlier[0]) if earlier else None
    history.beside = history.before
    if not runs and history.before is None:
        later = list(ledger.entries(environment=environment, since=until, limit=1))
        history.beside = reader.past(later[0]) if later else None
    return history


class _Reader:
    """Makes runs of entries; what is the same in many is made once."""

    def __init__(self, ledger: Ledger, pruned_before: str | None) -> None:
        self.ledger = ledger
        self.pruned_before = pruned_before
        self.plans: dict[str, Plan] = {}
        self.states: dict[str, str] = {}
        self.definitions: dict[tuple[str | None, ...], Definition] = {}
        self.same: dict[str, dict[str, str]] = {}

    def past(self, entry: Entry) -> Past:
        """Return one run."""
        head = entry.read()
        plan = self.plans.get(head["plan"])
        if plan is None:
            plan = self.plans[head["plan"]] = Plan(self.ledger.plan(entry))
        if len(head["states"]) != len(plan.rows):
            raise LedgerError(f"entry {entry.number} does not fit its plan")
        return Past(
            number=entry.number,
            at=seconds(entry.started),
            day=entry.started[:10],
            brief=_brief(entry, head, self.pruned_before),
            policy=head["policy"],
            environment=head["environment"],
            plan=plan,
            states=self.states.setdefault(head["states"], head["states"]),
            findings=head["findings"],
            parts=self._shared(head["parts"]),
            evidence=self._shared(head["evidence"]),
            digests=self._shared(head["digests"]),
            definition=self._definition(entry, head),
        )

    def _shared(self, value: dict[str, str]) -> dict[str, str]:
        return self.same.setdefault(repr(value), value)

    def _definition(self, entry: Entry, head: RunHead) -> Definition:
        """Return what the policy and the controls were; read once for each version of their files."""
        digests = head["digests"]
        files = tuple(digests.get(name) for name in ("controls", "coverage", "policy_lock"))
        # Where a run did not tell its controls' digest, only an equal block is known to say the same.
        exact = head["parts"]["sections"] if files[0] is None else None
        key = (head["policy"]["id"], head["policy"]["digest"], *files, head["plan"], exact)
        if (known := self.definitions.get(key)) is None:
            sections, elsewhere = (self.ledger.part(entry, name) for name in ("sections", "elsewhere"))
            if sections is None or elsewhere is None:
                raise LedgerError(f"what run {entry.number} was held against is missing")
            known = self.definitions[key] = defined(sections, elsewhere)
        return known


def _brief(entry: Entry, head: RunHead, pruned_before: str | None) -> RunBrief:
    facts = cast(dict[str, Any], head["run"])
    git, trigger = facts.get("git") or {}, facts.get("trigger") or {}
    return RunBrief(
        number=entry.number,
        id=entry.id,
        digest=entry.digest,
        started=entry.started,
        ended=entry.ended,
        version=facts["version"],
        host=facts["host"],
        by=trigger.get("by"),
        reference=trigger.get("reference"),
        commit=git.get("commit"),
        dirty=git.get("dirty"),
        complete=head["verdict"]["complete"],
        exit_code=head["verdict"]["exit_code"],
        state=head["verdict"]["state"],
        counts=head["counts"]["verdicts"],
        evidence_removed=pruned_before is not None and entry.ended < pruned_before,
    )


def pairs(history: History) -> Iterator[tuple[Past | None, Past]]:
    """Yield each run with the one before it; the first with the last before the period."""
    before = history.before
    for run in history.runs:
        yield before, run
        before = run
