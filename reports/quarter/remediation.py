"""How long mending took, what failed again, and how old what is open has become."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean, median

from reports.quarter.before import Item
from reports.quarter.failing import Episode, fingerprints, length
from reports.quarter.history import History, Plan
from reports.quarter.period import DAY, at, moment, seconds
from reports.quarter.shape_failing import AgeGroup, FailingPeriod, OpenFinding, Regression, Remediation

SEVERITIES = ("critical", "high", "medium", "low")
AGES: tuple[tuple[str, int | None], ...] = (
    ("up to 7 days", 7),
    ("8 to 30 days", 30),
    ("31 to 90 days", 90),
    ("more than 90 days", None),
)


def remediation(history: History, found: list[Episode], told: list[FailingPeriod]) -> list[Remediation]:
    """Return how long mending took, for all and for each severity."""
    rows = []
    for severity in ("all", *SEVERITIES):
        chosen = [
            (one, period)
            for one, period in zip(found, told, strict=True)
            if severity in ("all", period["severity"])
        ]
        took = [length(history, one) for one, _ in chosen if one.how == "fixed"]
        rows.append(
            Remediation(
                severity=severity,
                mended=len(took),
                mean=fmean(took) if took else None,
                median=median(took) if took else None,
                longest=max(took, default=None),
                still_open=sum(one.how in ("open", "waived", "removed") for one, _ in chosen),
            )
        )
    return rows


def regressions(history: History, found: list[Episode], told: list[FailingPeriod]) -> list[Regression]:
    """Return what failed again after it had been mended, in the period or before it."""
    last: dict[Item, tuple[Episode, FailingPeriod]] = {}
    again = []
    for one, period in zip(found, told, strict=True):
        before = last.get(one.item)
        fixed: float | None = None
        if before is not None and before[0].ended is not None:
            fixed = history.runs[before[0].ended].at
        elif before is None and one.earlier is None:
            fixed = one.fixed_before
        if fixed is not None:
            old = {finding["fingerprint"] for finding in before[1]["findings"]} if before else set()
            again.append(
                Regression(
                    control=period["control"],
                    target=period["target"],
                    severity=period["severity"],
                    failing=period["id"],
                    before=before[1]["id"] if before else None,
                    fixed=at(fixed),
                    failed_again=period["first_seen"],
                    seconds=max(0.0, history.runs[one.first].at - fixed),
                    same=sorted(old & {finding["fingerprint"] for finding in period["findings"]}),
                )
            )
        last[one.item] = (one, period)
    return again


def open_findings(
    history: History, found: list[Episode], told: list[FailingPeriod]
) -> tuple[list[OpenFinding], int]:
    """Return the findings of what is not mended, oldest first, and how many more have no fingerprint."""
    wanted: dict[Item, set[str]] = {}
    more = 0
    names: dict[Item, FailingPeriod] = {}
    begins: dict[Item, int] = {}
    for one, period in zip(found, told, strict=True):
        if one.how not in ("open", "waived"):
            continue
        seen, beyond = fingerprints(history, history.runs[one.last]).get(one.item, (frozenset(), 0))
        wanted[one.item], names[one.item], begins[one.item] = set(seen), period, one.last
        more += beyond
    since = _since(history, wanted, begins)
    listed = []
    for item, prints in wanted.items():
        period = names[item]
        for name in sorted(prints):
            stamp, at_least = since[item, name]
            listed.append(
                OpenFinding(
                    fingerprint=name,
                    control=item[0],
                    target=item[1],
                    severity=period["severity"],
                    since=at(stamp),
                    at_least=at_least,
                    seconds=max(0.0, history.until - stamp),
                    waived=period["how"] == "waived",
                    failing=period["id"],
                )
            )
    return sorted(listed, key=lambda one: (-one["seconds"], one["control"], one["target"])), more


def _since(
    history: History, wanted: dict[Item, set[str]], begins: dict[Item, int]
) -> dict[tuple[Item, str], tuple[float, bool]]:
    """Follow each fingerprint back to the run where it was first seen without a break.

    A run that could not judge its control, or cut its list of findings, breaks nothing.
    """
    result: dict[tuple[Item, str], tuple[float, bool]] = {
        (item, name): (history.runs[begins[item]].at, True)
        for item, prints in wanted.items()
        for name in prints
    }
    active = {item: set(prints) for item, prints in wanted.items() if prints}
    for place, stamp, plan, states, digest in _backwards(history):
        if not active:
            break
        rows: dict[Item, tuple[frozenset[str], int]] | None = None
        for item in list(active):
            if place is not None and place >= begins[item]:
                continue
            letter = plan.letter(states, item)
            if letter in (None, "n", "d"):
                continue
            if rows is None:
                rows = {(r[0], r[1]): (frozenset(r[2]), r[3]) for r in history.ledger.value(digest) or []}
            there, beyond = rows.get(item, (frozenset(), 0))
            for name in list(active[item]):
                if name in there:
                    result[item, name] = (stamp, True)
                elif not beyond:
                    result[item, name] = (result[item, name][0], False)
                    active[item].discard(name)
            if not active[item]:
                del active[item]
    return result


def _backwards(history: History) -> Iterator[tuple[int | None, float, Plan, str, str]]:
    """Yield runs from the last of the period to the first of the ledger, reading only as far as is asked."""
    for place in range(len(history.runs) - 1, -1, -1):
        run = history.runs[place]
        yield place, run.at, run.plan, run.states, run.findings
    plans: dict[str, Plan] = {}
    since = moment(history.period.since)
    for entry in history.ledger.entries(environment=history.environment, until=since, newest_first=True):
        head = entry.read()
        if (plan := plans.get(head["plan"])) is None:
            plan = plans[head["plan"]] = Plan(history.ledger.plan(entry))
        yield None, seconds(entry.started), plan, head["states"], head["findings"]


def ages(listed: list[OpenFinding]) -> list[AgeGroup]:
    """Return open findings by age."""
    groups: dict[int, list[OpenFinding]] = defaultdict(list)
    for one in listed:
        days = one["seconds"] / DAY
        place = next(
            (n for n, (_, most) in enumerate(AGES) if most is not None and days <= most), len(AGES) - 1
        )
        groups[place].append(one)
    return [
        AgeGroup(
            title=title,
            days=most,
            open=sum(not one["waived"] for one in groups[place]),
            waived=sum(one["waived"] for one in groups[place]),
            by_severity={
                severity: sum(one["severity"] == severity for one in groups[place]) for severity in SEVERITIES
            },
        )
        for place, (title, most) in enumerate(AGES)
    ]
