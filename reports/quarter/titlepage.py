"""The title page: what is reported on, against which policy, and what must be known beside every opinion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from reports.quarter.history import History, Past
from reports.quarter.period import moment
from reports.quarter.shape import Anchor, Numbers, Opinion, PolicyInForce, Scope, Title
from reports.quarter.shape_coverage import Coverage, Traceability
from reports.renderers.words import counted, day, number
from reports.shape import Environment


def longest_gap(history: History) -> float:
    """Return the longest time without any run, the ends of the period included, in seconds."""
    moments = [history.since, *(run.at for run in history.runs), history.until]
    return max(max(0.0, after - before) for before, after in pairwise(moments))


def title(
    history: History,
    now: datetime,
    prepared_by: str | None,
    trace: Traceability,
    looked: Coverage,
    numbers: Numbers,
    opinions: list[Opinion],
) -> Title:
    """Return the title page."""
    model = history.model
    environment = Environment(**model.environment)
    environment["planted"] = sorted({name for run in history.runs for name in run.environment["planted"]})
    head = history.head
    return Title(
        environment=environment,
        period=history.period.facts(now),
        scope=Scope(
            clauses=len(trace["clauses"]),
            commitments=len({one["id"] for one in opinions}),
            controls=len(model.plan.ranges),
            targets=len({name for _, name in model.plan.where if name}),
            kinds={kind["kind"]: kind["targets"] for kind in looked["kinds"]},
        ),
        policies=_policies(history.runs),
        prepared_by=prepared_by,
        made=moment(now),
        versions=sorted({run.brief["version"] for run in history.runs}),
        ledger=Anchor(
            number=head.number,
            digest=head.digest,
            entries=head.number,
            verified=f"The chain of {number(head.number, 'entries')} is whole: none was changed, left out or"
            " moved. All that this report is told from was held against its digest.",
            pruned_before=history.pruned_before,
            how=[
                "policyproof ledger verify",
                f"policyproof report --quarter {history.period.id} --environment {history.environment}",
            ],
        ),
        caveats=list(_caveats(history, numbers, looked)),
    )


def _policies(runs: list[Past]) -> list[PolicyInForce]:
    found: dict[tuple[str, str], PolicyInForce] = {}
    for run in runs:
        policy = run.policy
        known = found.setdefault(
            (policy["id"], policy["digest"]),
            PolicyInForce(
                id=policy["id"],
                version=policy["version"],
                effective=policy["effective"],
                digest=policy["digest"],
                first_seen=run.started,
                last_seen=run.started,
                runs=0,
            ),
        )
        known["last_seen"] = run.started
        known["runs"] += 1
    return list(found.values())


def _caveats(history: History, numbers: Numbers, looked: Coverage) -> Iterator[str]:
    runs = history.runs
    environment = history.model.environment
    if environment["synthetic"]:
        yield "The environment holds synthetic data: this says nothing about real people's data."
    if history.until < history.period.until.timestamp():
        yield "The period is not over: every opinion is on the part of it that has gone by."
    if not runs:
        yield "No run was made in the period: nothing was observed."
        return
    if planted := sum(bool(run.environment["planted"]) for run in runs):
        yield f"Violations were planted on purpose in {counted(planted, 'run')}."
    if incomplete := sum(not run.brief["complete"] for run in runs):
        yield f"{counted(incomplete, 'run')} of {len(runs):,} left out something that was expected."
    if dirty := numbers["runs_from_changed_files"]:
        yield f"Of {number(len(runs), 'runs')}, {dirty:,} came from files that differ from their commit."
    if unknown := sum(run.brief["commit"] is None for run in runs):
        yield f"{counted(unknown, 'run')} of {len(runs):,} name no commit."
    if removed := sum(run.removed for run in runs):
        yield (
            f"The evidence of {counted(removed, 'run')} of {len(runs):,} was removed under the ledger's"
            f" limit (before {day((history.pruned_before or '')[:10])}); they show nothing any more."
        )
    if turned := sum(after.number < before.number for before, after in pairwise(runs)):
        yield (
            f"{counted(turned, 'time')}, runs were recorded in another order than they started in: they ran"
            " at once, or a clock was changed."
        )
    if ahead := sum(run.at > history.until for run in runs):
        yield f"{counted(ahead, 'run')} started after this report was made, by the clock of its machine."
    if looked["never"]:
        yield f"{counted(len(looked['never']), 'expected verdict')} could not be reached in any run."
