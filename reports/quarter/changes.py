"""What changed from one run to the next: policy, controls, inventory, waivers, checks, by their digests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from reports.quarter.definition import Definition, Obligation
from reports.quarter.gitlog import git_log
from reports.quarter.history import History, Past, pairs
from reports.quarter.shape_changes import Change, Changes, Commit, What

DETAILS = 40
"""Lines told of one change."""
FILES: dict[str, What] = {
    "controls": "controls",
    "coverage": "coverage",
    "inventory": "inventory",
    "waivers": "waivers",
}
"""Key in a run's digests → what it stands for."""


def changes(history: History, repository: Path | None) -> Changes:
    """Return the changes between the runs of the period, and to its first from the last before."""
    commits = _commits(history)
    before = history.before.brief["commit"] if history.before else None
    return Changes(
        baseline=history.before.number if history.before else None,
        changes=[
            change
            for was, now in pairs(history)
            if was is not None and was is not now
            for change in _between(history, was, now)
        ],
        commits=commits,
        git=git_log(repository, before, [one["commit"] for one in commits]),
    )


def _between(history: History, was: Past, now: Past) -> Iterator[Change]:
    if was.policy != now.policy:
        details = [_policy(was, now), *_sentences(was.definition, now.definition)]
        yield _change("policy", was, now, was.policy["digest"], now.policy["digest"], details)
    for name, what in FILES.items():
        if (old := was.digests.get(name)) != (new := now.digests.get(name)):
            yield _change(what, was, now, old, new, list(_details(history, what, was, now)))
    if was.parts.get("checks") != now.parts.get("checks"):
        old_checks, new_checks = (history.part(run, "checks") for run in (was, now))
        # A run that left a check out has no version of it: only what both ran can have changed.
        common = sorted(old_checks.keys() & new_checks.keys())
        lines = [f"{n}: {old_checks[n]} → {new_checks[n]}" for n in common if old_checks[n] != new_checks[n]]
        lines += _sets("check", set(old_checks), set(new_checks))
        yield _change("checks", was, now, was.parts.get("checks"), now.parts.get("checks"), lines)
    # The order of a plan means nothing: only what it holds against what.
    if was.plan is not now.plan and was.plan.where.keys() != now.plan.where.keys():
        lines = _sets("control", set(was.plan.ranges), set(now.plan.ranges))
        lines += _sets("target", {t for _, t in was.plan.where if t}, {t for _, t in now.plan.where if t})
        lines += [f"{len(was.plan.where):,} → {len(now.plan.where):,} verdicts expected"]
        yield _change("plan", was, now, None, None, lines)
    if was.brief["version"] != now.brief["version"]:
        yield _change("tool", was, now, was.brief["version"], now.brief["version"], [])


def _change(what: What, was: Past, now: Past, old: str | None, new: str | None, details: list[str]) -> Change:
    beyond = len(details) - DETAILS
    return Change(
        what=what,
        number=now.number,
        started=now.started,
        was=old,
        now=new,
        commit_was=was.brief["commit"],
        commit_now=now.brief["commit"],
        dirty=bool(now.brief["dirty"]),
        details=details if beyond <= 0 else [*details[:DETAILS], f"and {beyond:,} more"],
    )


def _policy(was: Past, now: Past) -> str:
    def said(run: Past) -> str:
        version, effective = run.policy["version"], run.policy["effective"]
        return f"{run.policy['id']} {version or 'without a version'} ({effective or 'no date'})"

    return f"{said(was)} → {said(now)}"


def _sets(noun: str, was: set[str], now: set[str]) -> list[str]:
    added = [f"{noun} added: {name}" for name in sorted(now - was)]
    return added + [f"{noun} removed: {name}" for name in sorted(was - now)]


def _sentences(was: Definition, now: Definition) -> list[str]:
    old, new = was.sentences, now.sentences
    told = _sets("sentence", set(old), set(new))
    return told + [
        f"sentence {name}: {old[name].commitment} → {new[name].commitment}"
        for name in old
        if name in new and old[name].commitment != new[name].commitment
    ]


def _details(history: History, what: What, was: Past, now: Past) -> Iterator[str]:
    if what == "controls":
        old, new = was.definition.controls, now.definition.controls
        yield from _sets("control", set(old), set(new))
        for name in sorted(old.keys() & new.keys()):
            if changed := _differing(old[name], new[name]):
                yield f"{name}: {', '.join(changed)} changed"
    elif what == "coverage":
        yield from _sentences(was.definition, now.definition)
        sentences = now.definition.sentences
        for name, before in was.definition.sentences.items():
            if name in sentences and sentences[name].status != before.status:
                yield f"sentence {name}: {before.status} → {sentences[name].status}"
    elif what == "inventory":
        yield from _sets("target", {t for _, t in was.plan.where if t}, {t for _, t in now.plan.where if t})
    elif what == "waivers":
        old_waivers, new_waivers = (_waivers(history.part(run, "waivers")) for run in (was, now))
        yield from _sets("waiver", old_waivers, new_waivers)


def _differing(was: Obligation, now: Obligation) -> list[str]:
    return [one.name for one in fields(was) if getattr(was, one.name) != getattr(now, one.name)]


def _waivers(listed: list[Any] | None) -> set[str]:
    return {
        f"{one['control']} on {one['target']}, {one['subject']}, approved by {one['approver']},"
        f" until {one['expires']}"
        for one in listed or ()
    }


def _commits(history: History) -> list[Commit]:
    found: dict[str, Commit] = {}
    for run in history.runs:
        name = run.brief["commit"]
        if name is None:
            continue
        known = found.setdefault(
            name,
            Commit(commit=name, first_seen=run.started, last_seen=run.started, runs=0, dirty_runs=0),
        )
        known["last_seen"] = run.started
        known["runs"] += 1
        known["dirty_runs"] += bool(run.brief["dirty"])
    return list(found.values())
