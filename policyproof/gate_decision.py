"""What a gate decides about a recorded run: the exit code, and each reason for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from checks.core.model import Severity
from reports.compare import unended
from reports.renderers.rows import controls
from reports.renderers.words import counted
from reports.shape import Summary
from reports.shape.compare import Change, Comparison

PASS, VIOLATION, UNASSESSED = 0, 1, 3


@dataclass(frozen=True, slots=True)
class Decision:
    """The exit code, and in one line each what led to it; no reason means that nothing stands in the way."""

    code: int
    reasons: tuple[str, ...]


def decide(
    summary: Summary, comparison: Comparison, *, gate: Severity, new_only: bool, stale: str | None = None
) -> Decision:
    """Decide whether a run lets a deploy go on.

    1 for a violation at or above ``gate``, with ``new_only`` for a new one; else 3 if anything was not
    assessed or is not known to be fixed, or the run is ``stale``; else 0.
    """
    ranks = {severity.value: severity.rank for severity in Severity}

    def stops(severity: str) -> bool:
        return ranks.get(severity, -1) <= gate.rank

    violations = tuple(_violations(summary, comparison, stops, new_only))
    unassessed = (*((stale,) if stale else ()), *_unassessed(summary, comparison, stops, new_only))
    code = VIOLATION if violations else UNASSESSED if unassessed else PASS
    return Decision(code, (*violations, *unassessed))


def _violations(
    summary: Summary, comparison: Comparison, stops: Callable[[str], bool], new_only: bool
) -> Iterator[str]:
    if new_only:
        if new := [one for one in comparison["new"] if stops(one["severity"])]:
            yield f"{counted(len(new), 'new violation')}: {_names(new)}"
        return
    failing = [
        f"{control['id']} on {verdict['target']}"
        for control in controls(summary)
        for verdict in control["verdicts"]
        if verdict["state"] == "fail" and stops(control["severity"])
    ]
    if failing:
        yield f"{counted(len(failing), 'verdict')} {_fail(len(failing))}: {_listed(failing)}"


def _unassessed(
    summary: Summary, comparison: Comparison, stops: Callable[[str], bool], new_only: bool
) -> Iterator[str]:
    numbers = summary["counts"]["verdicts"]
    for state, word in (("not-assessed", "not assessed"), ("did-not-run", "did not run")):
        if numbers[state]:
            yield f"{counted(numbers[state], 'verdict')} {word}"
    if summary["errors"]:
        yield f"{counted(len(summary['errors']), 'control file')} could not be loaded"
    if not summary["verdict"]["complete"] and not numbers["did-not-run"] and not summary["errors"]:
        yield "the run is incomplete"
    if not sum(numbers[state] for state in ("pass", "waived", "fail")):
        yield "no verdict was reached"
    # A failing look that did not end stops the deploy by itself, unless its failing is let through.
    ended = [
        f"{control['id']} on {verdict['target']}"
        for control in controls(summary)
        for verdict in control["verdicts"]
        if unended(verdict) and (new_only or not stops(control["severity"]))
    ]
    if ended:
        yield f"{counted(len(ended), 'failing look')} did not go to the end: {_listed(ended)}"
    if lost := [one for one in comparison["no_longer_assessed"] if one["was"] == "fail"]:
        yield f"{counted(len(lost), 'violation')} of before not known to be fixed: {_names(lost)}"


def _fail(number: int) -> str:
    return "fails" if number == 1 else "fail"


def _names(changes: Sequence[Change]) -> str:
    return _listed([f"{one['control']} on {one['target'] or 'nothing'}" for one in changes])


def _listed(names: Sequence[str]) -> str:
    """Return the first few of some names, each once."""
    each = list(dict.fromkeys(names))
    return ", ".join(each[:5]) + (f" and {len(each) - 5:,} more" if len(each) > 5 else "")
