"""The decision of a gate in every format: as text for a terminal, as JSON, and by the renderers of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from checks.core.model import Severity
from policyproof.gate_decision import Decision
from policyproof.terminal import safe
from reports.compare import told
from reports.renderers.words import counted, place
from reports.shape import Summary
from reports.shape.compare import Baseline, Change, Comparison

SCHEMA = "urn:policyproof:gate:1"
"""Identifies the shape of the JSON."""
SHOWN = 50
"""Changes of one kind that the text lists."""
_WIDTHS = (None, None, 26, 64)
_COLOURS = {"new": 31, "still_failing": 31, "fixed": 32, "no_longer_assessed": 33}
_TITLES = {
    "new": "NEW",
    "still_failing": "STILL FAILING",
    "no_longer_assessed": "NO LONGER ASSESSED",
    "fixed": "FIXED",
}
_VERDICTS = {0: "nothing stands in the way", 1: "STOP", 3: "STOP: not everything was assessed"}


@dataclass(frozen=True, slots=True)
class Gated:
    """Everything that a format may tell."""

    summary: Summary
    comparison: Comparison
    decision: Decision
    gate: Severity
    new_only: bool


def json_text(gated: Gated) -> str:
    """Return decision and comparison for programs."""
    run, at = gated.summary["run"], gated.summary["ledger"]
    body = {
        "schema": SCHEMA,
        "environment": gated.summary["environment"],
        "run": {
            "number": at["number"] if at else None,
            "digest": at["digest"] if at else None,
            **{key: run[key] for key in ("id", "started", "ended", "git", "trigger")},
        },
        "gate": gated.gate.value,
        "new_only": gated.new_only,
        "exit_code": gated.decision.code,
        "reasons": list(gated.decision.reasons),
        "counts": gated.summary["counts"]["verdicts"],
        "comparison": gated.comparison,
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _sarif(gated: Gated) -> str:
    from reports.renderers import sarif

    return sarif.render(gated.summary, gated.comparison)


def _gitlab(gated: Gated) -> str:
    from reports.renderers import gitlab

    return gitlab.render(gated.summary, gated.comparison)


def _csv(gated: Gated) -> str:
    from reports.renderers import csv_

    return csv_.render(gated.summary, gated.comparison)


def github_annotations(gated: Gated) -> str:
    """Return GitHub's workflow commands."""
    from reports.renderers import github

    return github.annotations(gated.summary, gated.comparison)


def github_summary(gated: Gated) -> str:
    """Return what changed and the whole report as Markdown, small enough for GitHub's job summary."""
    from reports.renderers import github

    return github.job_summary(gated.summary, gated.comparison)


def text(gated: Gated, *, colour: bool = False) -> str:
    """Return decision and comparison for a terminal."""
    return "\n".join(_lines(gated, colour)) + "\n"


FORMATS: Mapping[str, Callable[[Gated], str]] = {
    "text": text,
    "json": json_text,
    "sarif": _sarif,
    "github": github_annotations,
    "gitlab": _gitlab,
    "csv": _csv,
    "markdown": github_summary,
}
"""Name of a format → its function; JUnit is pytest's own, by ``--junitxml``."""


def _lines(gated: Gated, colour: bool) -> Iterator[str]:
    summary, comparison = gated.summary, gated.comparison
    run, at, git = summary["run"], summary["ledger"], summary["run"]["git"]
    commit = f", commit {git['commit'][:12]}{' with changes' if git['dirty'] else ''}" if git else ""
    number = f"run {at['number']}" if at else "the run"
    yield (
        f"{number} on {safe(summary['environment']['id'])}, {_moment(run['started'])}{commit}:"
        f" {safe(summary['verdict']['headline'])}"
    )
    if summary["environment"]["banner"]:
        yield summary["environment"]["banner"]
    yield f"{_since(comparison['baseline'])}: {told(comparison)}"
    for name, title in _TITLES.items():
        changes: list[Change] = comparison[name]  # type: ignore[literal-required]
        if changes:
            yield ""
            yield _painted(title, _COLOURS[name], colour)
            yield _table(changes, lost=name in ("no_longer_assessed", "fixed"))
            if len(changes) > SHOWN:
                yield f"and {len(changes) - SHOWN:,} more"
    yield ""
    wanted = "new violations" if gated.new_only else "violations"
    code = gated.decision.code
    paint = {0: 32, 1: 31}.get(code, 33)
    verdict = _painted(_VERDICTS.get(code, "STOP"), paint, colour)
    yield f"gate {gated.gate.value}, {wanted}: {verdict} (exit code {code})"
    yield from (f"  {safe(reason)}" for reason in gated.decision.reasons)


def _since(baseline: Baseline | None) -> str:
    if baseline is None:
        return "no run before it on this environment, so that all counts as new"
    commit = f", commit {baseline['commit'][:12]}" if baseline["commit"] else ""
    return f"since run {baseline['number']} ({_moment(baseline['started'])}{commit})"


def _moment(text: str) -> str:
    return text.replace("T", " ").replace("Z", " UTC")


def _table(changes: Sequence[Change], *, lost: bool) -> str:
    rows = [
        [
            one["severity"],
            safe(one["control"]),
            safe(one["target"]),
            safe(_what(one)) + (_now(one) if lost else ""),
        ]
        for one in changes[:SHOWN]
    ]
    return tabulate(rows, tablefmt="plain", maxcolwidths=list(_WIDTHS), disable_numparse=True)


def _what(change: Change) -> str:
    said = ": ".join(part for part in (change["subject"], change["detail"]) if part) or change["title"]
    where = change["location"]
    return f"{said} at {place(where)}" if where else said


def _now(change: Change) -> str:
    """Return what the verdict is now, where the title over the list does not say it."""
    if change["now"] is None:
        return " (no longer in the plan)"
    return "" if change["now"] in ("pass", "fail") else f" (now {change['now'].replace('-', ' ')})"


def _painted(text: str, paint: int, colour: bool) -> str:
    return f"\x1b[{paint}m{text}\x1b[0m" if colour else text


def headline(gated: Gated) -> str:
    """Return the decision in one line, for where the output itself is for programs."""
    reasons = "; ".join(gated.decision.reasons) or counted(len(gated.comparison["new"]), "new finding")
    return f"gate {gated.gate.value}: {_VERDICTS.get(gated.decision.code, 'STOP')}: {safe(reasons)}"
