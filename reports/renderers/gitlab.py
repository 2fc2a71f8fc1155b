"""The results of a run as a Code Quality report, which GitLab shows in a merge request.

GitLab compares two reports itself, by their fingerprints, and knows no accepted findings: those that a
waiver accepts are of severity *info* and say so. What holds is not in it.
"""

from __future__ import annotations

import json
from typing import Any

from reports.renderers.rows import Row, controls, rows, source_files
from reports.renderers.sarif_text import file_of
from reports.shape import Gap, Summary
from reports.shape.compare import Comparison

SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}
"""Severity of a control → GitLab's."""
LONGEST = 1_000
"""Characters of a description."""


def render(summary: Summary, comparison: Comparison | None = None) -> str:
    """Return the report, a line for each finding and for each thing that was not assessed."""
    known = source_files(controls(summary))
    issues = [_issue(row, known) for row in rows(summary) if row.kind != "holds"]
    told = {control["id"] for control in controls(summary)}
    issues += [_nobody(gap) for gap in summary["gaps"] if gap["control"] not in told]
    issues += [_unloaded(error, index) for index, error in enumerate(summary["errors"], start=1)]
    lines = ",\n".join(f" {json.dumps(issue, ensure_ascii=False)}" for issue in issues)
    return f"[\n{lines}\n]\n" if issues else "[]\n"


def _issue(row: Row, known: frozenset[str]) -> dict[str, Any]:
    place = file_of(row, known)
    said = f"{row.control['title']}: {row.target + ': ' if row.target else ''}{row.text}"
    severity = SEVERITIES[row.severity]
    if row.kind == "found" and row.state == "waived" and row.verdict is not None:
        severity = "info"
        until = min(one["expires"] for one in row.verdict["waivers"]) if row.verdict["waivers"] else ""
        said = f"Waived until {until}: {said}"
    return _entry(said, row.control["id"], row.unique, severity, place["path"], place["line"])


def _nobody(gap: Gap) -> dict[str, Any]:
    said = f"{gap['control']} did not run: {gap['reason']}"
    return _entry(said, gap["control"], f"gap:{gap['control']}", "blocker", f"controls/{gap['control']}", 1)


def _unloaded(error: str, index: int) -> dict[str, Any]:
    """Return a control file that did not load; nobody knows how severe what it would have found is."""
    path, _, rest = error.partition(":")
    line = rest.partition(":")[0]
    return _entry(
        f"Could not be loaded: {error}",
        "policyproof",
        f"error:{index}:{path}",
        "blocker",
        path,
        int(line) if line.isdecimal() and line.isascii() else 1,
    )


def _entry(
    said: str, name: str, fingerprint: str, severity: str, path: str, line: int | None
) -> dict[str, Any]:
    flat = " ".join(said.split())
    return {
        "description": flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…",
        "check_name": name,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": max(line or 1, 1)}},
    }
