"""The quarterly report put together, from the ledger alone: no target is touched."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

from reports.ledger import Ledger, LedgerError
from reports.quarter import commitments as words
from reports.quarter.changes import changes
from reports.quarter.comparing import compared
from reports.quarter.coverage import coverage
from reports.quarter.failing import episodes, failing_periods
from reports.quarter.history import History, read
from reports.quarter.opinion import DEFAULT_LIMITS, OPINIONS, rules
from reports.quarter.period import Period, QuarterError
from reports.quarter.records import attestations, waivers
from reports.quarter.remediation import ages, open_findings, regressions, remediation
from reports.quarter.shape import QUARTER_SCHEMA, Limits, Numbers, Quarter
from reports.quarter.shape_failing import Failing
from reports.quarter.timelines import timelines
from reports.quarter.titlepage import longest_gap, title
from reports.quarter.tracing import traceability


def build(
    ledger: Ledger,
    environment: str,
    period: Period,
    *,
    now: datetime,
    compare: Period | None = None,
    prepared_by: str | None = None,
    repository: Path | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Quarter:
    """Return the report of one environment over a period, as it stands at the moment ``now``.

    Verifies the whole chain first: raises :class:`~reports.ledger.LedgerError` where it was changed,
    :class:`~reports.quarter.period.QuarterError` where there is nothing to tell of.
    """
    head = ledger.head()
    # Before anything of it is shown: what was changed is no longer a proof of anything. The blocks that the
    # report is told from are held against their digests as they are read.
    if fault := ledger.verify([(head.number, head.digest)] if head else (), blocks=False):
        raise LedgerError(f"{ledger.name}: {fault}; no report was made")
    if compare is not None and compare.since >= period.since:
        raise QuarterError(f"{compare.id} is not earlier than {period.id}")
    made = _built(read(ledger, environment, period, now, head), now, prepared_by, repository, limits)
    if compare is not None:
        earlier = _built(read(ledger, environment, compare, now, head), now, None, None, limits)
        made["compared"] = compared(made, earlier)
    return made


def _built(
    history: History, now: datetime, prepared_by: str | None, repository: Path | None, limits: Limits
) -> Quarter:
    seen = words.sights(history)
    opinions = words.opinions(history, seen, limits)
    found = episodes(history)
    told = failing_periods(history, found)
    listed, more = open_findings(history, found, told)
    failing = Failing(
        periods=told,
        regressions=regressions(history, found, told),
        remediation=remediation(history, found, told),
        open=listed,
        open_more=more,
        ages=ages(listed),
    )
    looked = coverage(history)
    declared = waivers(history)
    trace = traceability(history)
    counted = Counter(one["opinion"] for one in opinions)
    numbers = Numbers(
        runs=len(history.runs),
        days_with_runs=len({run.day for run in history.runs}),
        longest_gap=longest_gap(history),
        verdicts=sum(sum(run.brief["counts"].values()) for run in history.runs),
        opinions={word: counted[word] for word in OPINIONS},
        failing_periods=len(told),
        open_failing=sum(one["how"] == "open" for one in told),
        waived_failing=sum(one["how"] == "waived" for one in told),
        mean_time_to_remediate=failing["remediation"][0]["mean"],
        regressions=len(failing["regressions"]),
        open_findings=len(listed) + more,
        waivers_in_force=sum(one["status"] == "in-force" for one in declared),
        never_assessed=len(looked["never"]),
        runs_from_changed_files=sum(bool(run.brief["dirty"]) for run in history.runs),
    )
    return Quarter(
        schema=QUARTER_SCHEMA,
        title=title(history, now, prepared_by, trace, looked, numbers, opinions),
        limits=limits,
        rules=rules(limits),
        numbers=numbers,
        promises=words.promised(history, opinions, limits),
        opinions=opinions,
        timelines=timelines(history, seen, limits) if history.runs else [],
        failing=failing,
        waivers=declared,
        attestations=attestations(history),
        traceability=trace,
        coverage=looked,
        changes=changes(history, repository),
        runs=[run.brief for run in history.runs],
        compared=None,
    )
