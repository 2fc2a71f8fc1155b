"""The shape of a quarterly report: what ``quarter.json`` holds, and what its renderers are given.

``reports/quarter/quarter.schema.json`` says the same for readers in other languages. Moments are ISO 8601
in UTC, days are ISO 8601 dates, digests are SHA-256 in hex, lengths of time are seconds as floats unless
a name says days. A period begins at ``since`` and ends before ``until``.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.quarter.shape_changes import Changes, RunBrief
from reports.quarter.shape_coverage import Attested, Coverage, Traceability, WaiverRecord
from reports.quarter.shape_failing import Failing
from reports.shape import Environment, State

QUARTER_SCHEMA = "urn:policyproof:quarter:1"
"""Identifies the shape; also the ``$id`` of ``quarter.schema.json``."""

OpinionWord = Literal["did-not-hold", "not-sufficiently-observed", "held-with-exceptions", "held-throughout"]
"""What a commitment came to over a period; worst first."""


class PeriodFacts(TypedDict):
    """The period, and how much of it had gone by when the report was made."""

    id: str  # "2026Q4", "2026", "2026-10-01..2026-11-15"
    title: str  # "Fourth quarter of 2026"
    since: str
    until: str  # the first moment that is no longer part of it
    ended: str  # what observation is measured up to: `until`, or the moment of the report if that is earlier
    over: bool  # False: the period had not ended when the report was made
    days: int


class PolicyInForce(TypedDict):
    """A version of the policy that runs of the period were held against."""

    id: str
    version: str | None
    effective: str | None
    digest: str
    first_seen: str
    last_seen: str
    runs: int


class Anchor(TypedDict):
    """Where the ledger stood, and what verifying it said; a broken ledger makes no report."""

    number: int  # the last entry of the whole ledger
    digest: str  # its digest: everything before is covered by it
    entries: int
    verified: str  # one sentence
    pruned_before: str | None  # evidence of runs that ended before was removed, under the retention limit
    how: list[str]  # how to verify it again: one line each, commands as they are typed


class Scope(TypedDict):
    """How much was looked after, at the end of the period."""

    clauses: int  # sentences of the policy
    commitments: int  # of them, those with a control
    controls: int
    targets: int
    kinds: dict[str, int]  # kind of target → how many


class Title(TypedDict):
    """The title page."""

    environment: Environment
    period: PeriodFacts
    scope: Scope
    policies: list[PolicyInForce]
    prepared_by: str | None
    made: str
    versions: list[str]  # of policyproof, of the runs of the period
    ledger: Anchor
    caveats: list[str]  # what must be known beside every opinion, one sentence each


class Limits(TypedDict):
    """The numbers in the rules."""

    gap_days: int
    least_days: int


class Rule(TypedDict):
    """How one of the opinions is reached, in words."""

    opinion: OpinionWord
    rule: str


class ControlFacts(TypedDict):
    """What the runs of a window say of one control: the grounds of an opinion."""

    control: str
    opinion: OpinionWord
    reason: str  # one sentence
    runs: int  # that had it in their plan
    days: int  # on which a run judged it (pass, waived or fail)
    days_shown: int  # on which a run showed that it holds (pass or waived)
    longest_gap: float  # seconds without a run that judged it, ends of the window included
    longest_unshown: float  # seconds without a run that showed that it holds
    gap_since: str | None  # where the longest gap begins, and ends
    gap_until: str | None
    first_judged: str | None
    last_judged: str | None
    failing_runs: int
    waived_runs: int
    unseen_runs: int  # not assessed, did not run, or evidence removed


class Opinion(TypedDict):
    """The opinion on a commitment (a clause with controls) or on a headline promise."""

    id: str  # "9.2", or "cards" for a promise
    title: str  # the commitment in our words, or the promise
    section: int | None  # None for a promise
    section_title: str | None
    clauses: list[str]  # itself, or those of the promise
    since: str  # the window: shorter than the period where the policy changed
    until: str
    whole: bool  # whether the window is the whole period
    opinion: OpinionWord
    rule: str  # the rule that decided, in words
    reason: str  # what in the period met it, one sentence
    days: int  # fewest days with evidence among its controls
    longest_gap: float  # longest among its controls
    controls: list[ControlFacts]


class Span(TypedDict):
    """A stretch in which the state of a control did not change; ``None``: no run judged it too long."""

    state: State | None
    since: str  # of the first run in it
    last_seen: str  # the last run in it
    until: str  # where the next stretch begins, or the end of the period
    runs: int


class Timeline(TypedDict):
    """One control over the period, worst of its targets."""

    control: str
    title: str
    severity: str
    clauses: list[str]
    opinion: OpinionWord
    since: str | None  # when it was first in a plan; None: in the first run of the period already
    removed: str | None  # the first run that no longer had it
    days: list[State | None]  # worst state of each day of the period; None: no run had it
    spans: list[Span]
    runs: dict[State, int]


class Numbers(TypedDict):
    """The period in numbers."""

    runs: int
    days_with_runs: int
    longest_gap: float  # seconds without any run
    verdicts: int  # reached in all runs, those not assessed included
    opinions: dict[OpinionWord, int]
    failing_periods: int
    open_failing: int
    waived_failing: int
    mean_time_to_remediate: float | None  # seconds; None: nothing was mended
    regressions: int
    open_findings: int
    waivers_in_force: int
    never_assessed: int
    runs_from_changed_files: int  # controls or inventory differed from the commit


class OpinionChange(TypedDict):
    """One opinion against the earlier period's; ``None`` where a period had no such commitment."""

    id: str
    title: str
    was: OpinionWord | None
    now: OpinionWord | None
    turn: Literal["better", "worse", "same", "new", "gone"]


class NumberChange(TypedDict):
    """One of the :class:`Numbers` against the earlier period's."""

    name: str
    title: str
    was: float | None
    now: float | None
    unit: Literal["count", "seconds"]


class Compared(TypedDict):
    """The period against an earlier one."""

    period: PeriodFacts
    opinions: list[OpinionChange]
    promises: list[OpinionChange]
    numbers: list[NumberChange]


class Quarter(TypedDict):
    """Everything a renderer of the quarterly report needs."""

    schema: str
    title: Title
    limits: Limits
    rules: list[Rule]
    numbers: Numbers
    promises: list[Opinion]
    opinions: list[Opinion]
    timelines: list[Timeline]
    failing: Failing
    waivers: list[WaiverRecord]
    attestations: list[Attested]
    traceability: Traceability
    coverage: Coverage
    changes: Changes
    runs: list[RunBrief]
    compared: Compared | None
