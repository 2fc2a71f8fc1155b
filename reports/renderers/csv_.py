"""The results of a run as CSV, for a spreadsheet: one row for each finding, and for each verdict without.

No cell is a formula, whatever a target's names hold.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from reports.renderers.rows import Row, Turns, rows
from reports.shape import Summary
from reports.shape.compare import Comparison

COLUMNS = {
    "environment": "where the run looked",
    "run": "the run's id",
    "started": "when it began, in UTC",
    "control": "the control's id",
    "title": "the control's title",
    "severity": "critical, high, medium or low",
    "owner": "who answers for the control",
    "clauses": "clauses of the policy, separated by blanks",
    "target": "what was looked at; empty where a control selected nothing",
    "kind": "the kind of target",
    "state": "what the verdict came to: fail, waived, not-assessed, did-not-run or pass",
    "change": "new, still-failing or no-longer-assessed since the run compared with; empty without one",
    "outcome": "violated, unseen, or empty for a verdict as a whole",
    "subject": "what the finding is about",
    "detail": "what was seen, masked; for a verdict as a whole its reason",
    "path": "the file or address it stands in",
    "line": "the line in it",
    "remediation": "what to do about it",
    "waiver": "who accepted it, and until when",
    "more": "further findings of the verdict that are counted and not listed",
    "fingerprint": "what the finding is known by from run to run",
}
"""Columns, in their order, with what they hold."""

_OUTCOMES = {"found": "violated", "unseen": "unseen", "holds": "", "gap": ""}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet compute a cell, also in the full-width forms that some take for the same."""


def render(summary: Summary, comparison: Comparison | None = None) -> str:
    """Return the table with its header; ``comparison`` fills the column *change*."""
    turns = Turns(comparison) if comparison is not None else None
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cells in _table(summary, turns):
        writer.writerow([_safe(cells.get(column, "")) for column in COLUMNS])
    return out.getvalue()


def _table(summary: Summary, turns: Turns | None) -> Iterator[dict[str, str]]:
    common = {
        "environment": summary["environment"]["id"],
        "run": summary["run"]["id"],
        "started": summary["run"]["started"],
    }
    told = set()
    for row in rows(summary):
        told.add(row.control["id"])
        yield common | _cells(row) | {"change": turns.of(row) if turns is not None else ""}
    for gap in summary["gaps"]:
        if gap["control"] not in told:
            yield common | {
                "control": gap["control"],
                "target": gap["target"] or "",
                "state": "did-not-run",
                "detail": gap["reason"],
            }
    for error in summary["errors"]:
        yield common | {"state": "did-not-run", "detail": f"could not be loaded: {error}"}


def _cells(row: Row) -> dict[str, str]:
    control, seen = row.control, row.seen
    place = seen["location"] if seen is not None else None
    waivers = row.verdict["waivers"] if row.verdict is not None else []
    return {
        "control": control["id"],
        "title": control["title"],
        "severity": control["severity"],
        "owner": control["owner"],
        "clauses": " ".join(control["clauses"]),
        "target": row.target,
        "kind": row.verdict["kind"] if row.verdict is not None else "",
        "state": row.state,
        "outcome": _OUTCOMES[row.kind] if seen is not None else "",
        "subject": seen["subject"] if seen is not None else "",
        "detail": seen["detail"] if seen is not None else row.reason,
        "path": place["path"] if place is not None else "",
        "line": str(place["line"]) if place is not None and place["line"] is not None else "",
        "remediation": row.remedy if row.kind == "found" else "",
        "waiver": "; ".join(
            f"{one['approver']}, {'expired' if one['expired'] else 'until'} {one['expires']}"
            for one in waivers
        ),
        "more": str(row.more) if row.more else "",
        "fingerprint": row.unique if row.kind != "holds" else "",
    }


def _safe(cell: str) -> str:
    """Return a cell that a spreadsheet takes for text; blanks before a formula do not hide it."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
