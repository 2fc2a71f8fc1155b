"""What a SARIF log says of the run itself: how it ended, and all that was not looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.renderers.sarif_text import message
from reports.renderers.words import WORDS, counted
from reports.shape import Item, Summary

NOTES = 1_000
"""Notifications of a log, the last of which counts the rest."""
_NAMED = 20


def invocation(summary: Summary, rules: Mapping[str, int], cut: Sequence[str]) -> dict[str, Any]:
    """Return the invocation; ``rules`` is control → index, ``cut`` says what the log leaves out.

    Successful is a run in which everything that was expected was looked at, whatever it found.
    """
    run, verdict = summary["run"], summary["verdict"]
    counts = summary["counts"]["verdicts"]
    whole = verdict["complete"] and not counts["not-assessed"] and not counts["did-not-run"]
    notes = [_note("warning", text) for text in cut] + list(_notes(summary, rules))
    if len(notes) > NOTES:
        left = len(notes) - NOTES + 1
        notes = [*notes[: NOTES - 1], _note("error", f"{counted(left, 'more notification')} not listed.")]
    return {
        "executionSuccessful": whole and not summary["engine_failures"],
        "exitCode": verdict["exit_code"],
        "exitCodeDescription": f"{WORDS[verdict['state']][1]}: {verdict['headline']}",
        "startTimeUtc": run["started"],
        "endTimeUtc": run["ended"],
        "toolConfigurationNotifications": [
            _note("error", f"Could not be loaded: {error}") for error in summary["errors"][:NOTES]
        ],
        "toolExecutionNotifications": notes,
    }


def _notes(summary: Summary, rules: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for failure in summary["engine_failures"]:
        yield _note("error", f"policyproof itself broke on {_names(failure['items'])}:\n{failure['trace']}")
    for gap in summary["gaps"]:
        name = gap["control"] + (f"[{gap['target']}]" if gap["target"] else "")
        note = _note("error", f"{name} did not run: {gap['reason']}")
        if gap["control"] in rules:
            note["associatedRule"] = {"id": gap["control"], "index": rules[gap["control"]]}
        yield note
    for group in summary["not_assessed"]:
        yield _note("error", f"Not assessed: {_names(group['items'])}: {group['reason']}")
    for gap_of_policy in summary["coverage"]["gaps"]:
        why = f" {gap_of_policy['why']}" if gap_of_policy["why"] else ""
        yield _note("warning", f"No control covers clause {gap_of_policy['id']} of the policy.{why}")
    for waiver in summary["waivers"]:
        if waiver["expired"]:
            on = f"{waiver['control']}[{waiver['target']}]"
            yield _note("warning", f"The waiver of {on} expired on {waiver['expires']}.")
    if summary["environment"]["banner"]:
        yield _note("note", summary["environment"]["banner"])


def _note(level: str, text: str) -> dict[str, Any]:
    return {"level": level, "message": message(text)}


def _names(items: Sequence[Item]) -> str:
    shown = ", ".join(f"{item['control']}[{item['target']}]" for item in items[:_NAMED])
    return shown + (f" and {len(items) - _NAMED:,} more" if len(items) > _NAMED else "")
