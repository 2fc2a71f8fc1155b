"""How much was looked at in the last run of a period, and what no run could assess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from reports.quarter.history import History, Past, Plan
from reports.quarter.shape_coverage import Coverage, KindCoverage, Never, TargetCoverage
from reports.quarter.timelines import obligations
from reports.shape import Verdict

Item = tuple[str, str]


def coverage(history: History) -> Coverage:
    """Return what was looked at; nothing is told to have been that the ledger holds no evidence of."""
    last = history.runs[-1] if history.runs else None
    seen: dict[str, list[tuple[str, Verdict]]] = defaultdict(list)
    lost = False
    if last is not None:
        for control in last.plan.ranges:
            verdicts = history.verdicts(last, control)
            lost |= verdicts is None
            for verdict in verdicts or ():
                seen[verdict["target"]].append((control, verdict))
    targets = [_target(last, name, listed) for name, listed in sorted(seen.items())] if last else []
    if last is not None:
        targets += [_unseen(name, last) for name in _targets(last) if name not in seen]
    never, known = _never_assessed(history)
    reasons = {(control, name): one["reason"] for name, listed in seen.items() for control, one in listed}
    stale = [] if last is None else _unassessed(last, known - set(never))
    return Coverage(
        run=last.number if last else None,
        evidence_removed=lost or (last is not None and last.removed),
        targets=targets,
        kinds=_kinds(targets),
        never=_told(history, sorted(never), reasons),
        not_at_the_end=_told(history, stale, reasons),
    )


def _targets(run: Past) -> list[str]:
    return sorted({row.target for row in run.plan.rows if row.target})


def _target(run: Past, name: str, listed: list[tuple[str, Verdict]]) -> TargetCoverage:
    verdicts = [verdict for _, verdict in listed]
    looked: dict[str, int] = {}
    for verdict in verdicts:
        for unit, amount in verdict["measures"].items():
            looked[unit] = max(amount, looked.get(unit, 0))
    extents = {verdict["extent"] for verdict in verdicts if verdict["extent"] != "nothing"}
    return TargetCoverage(
        target=name,
        title=verdicts[0]["title"],
        kind=verdicts[0]["kind"],
        controls=len({row.control for row in run.plan.rows if row.target == name}),
        assessed=sum(verdict["state"] in ("pass", "fail", "waived") for verdict in verdicts),
        extent="sampled" if "sampled" in extents else "whole" if extents else "nothing",
        looked=dict(sorted(looked.items())),
        oldest=max((one["oldest"] for one in verdicts if one["oldest"] is not None), default=None),
    )


def _unseen(name: str, run: Past) -> TargetCoverage:
    """Return a target that the plan names and no evidence tells of."""
    return TargetCoverage(
        target=name,
        title=name,
        kind="unknown",
        controls=len({row.control for row in run.plan.rows if row.target == name}),
        assessed=0,
        extent="nothing",
        looked={},
        oldest=None,
    )


def _kinds(targets: Iterable[TargetCoverage]) -> list[KindCoverage]:
    groups: dict[str, list[TargetCoverage]] = defaultdict(list)
    for target in targets:
        groups[target["kind"]].append(target)
    told = []
    for kind, listed in sorted(groups.items()):
        looked: dict[str, int] = defaultdict(int)
        for target in listed:
            for unit, amount in target["looked"].items():
                looked[unit] += amount
        told.append(
            KindCoverage(
                kind=kind,
                targets=len(listed),
                assessed=sum(target["assessed"] > 0 for target in listed),
                whole=sum(target["extent"] == "whole" for target in listed),
                sampled=sum(target["extent"] == "sampled" for target in listed),
                nothing=sum(target["extent"] == "nothing" for target in listed),
                looked=dict(sorted(looked.items())),
            )
        )
    return told


def _never_assessed(history: History) -> tuple[set[Item], set[Item]]:
    """Return what no run came to a verdict on, and all that was expected at some time."""
    pending: set[Item] = set()
    known: set[Item] = set()
    done: set[tuple[Plan, str]] = set()
    plans: set[Plan] = set()
    for run in history.runs:
        if run.plan not in plans:
            plans.add(run.plan)
            pending |= run.plan.where.keys() - known
            known |= run.plan.where.keys()
        if (run.plan, run.states) in done:
            continue
        done.add((run.plan, run.states))
        pending -= {item for item in pending if run.plan.letter(run.states, item) in ("p", "f", "w")}
    return pending, known


def _unassessed(run: Past, among: set[Item]) -> list[Item]:
    return sorted(
        item
        for item in run.plan.where
        if item in among and (run.plan.letter(run.states, item) or "p") in "nd"
    )


def _told(history: History, items: Iterable[Item], reasons: dict[Item, str]) -> list[Never]:
    stated = obligations(history) if history.runs else {}
    plans: dict[Plan, int] = defaultdict(int)
    for run in history.runs:
        plans[run.plan] += 1
    return [
        Never(
            control=control,
            title=stated[control].title if control in stated else control,
            target=target,
            runs=sum(count for plan, count in plans.items() if (control, target) in plan.where),
            reason=reasons.get((control, target)),
        )
        for control, target in items
    ]
