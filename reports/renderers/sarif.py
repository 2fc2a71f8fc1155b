"""The results of a run in SARIF 2.1.0 (OASIS), within what GitHub's code scanning takes.

GitHub shows every result as an alert whatever its kind and its suppressions, so nothing that holds is
a result, nor is what was fixed. A failure is of kind *fail*; what was not assessed or did not run is
*open*, which GitHub shows as well. GitHub and others match results by their fingerprints.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from reports.renderers.rows import SEVERITIES, Row, Turns, controls, rows, source_files
from reports.renderers.sarif_notes import invocation
from reports.renderers.sarif_rules import LEVELS, rule
from reports.renderers.sarif_text import SOURCE, base_of, message, physical
from reports.renderers.words import counted
from reports.shape import Control, Summary, Verdict
from reports.shape.compare import Comparison

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RESULTS = 5_000
"""Results of a run: GitHub refuses more than 25,000 and keeps 5,000 of them."""
RULES = 25_000
"""Rules of a run; GitHub refuses more."""
LONGEST = 4_000
"""Characters of a result's message."""


def render(summary: Summary, comparison: Comparison | None = None) -> str:
    """Return the log; with ``comparison`` each result says whether it is new. One line for each result."""
    return "{\n" + ",\n".join(_members(_Log(summary, comparison).head)) + "\n}\n"


def _members(log: dict[str, Any]) -> list[str]:
    """Return the lines of a log, in which two of them can be compared line by line."""
    (run,) = log["runs"]
    members = ",\n".join(
        f" {_json(key)}: {_lines(value) if key == 'results' else _json(value)}" for key, value in run.items()
    )
    return [
        f'"$schema": {_json(log["$schema"])}',
        f'"version": {_json(log["version"])}',
        f'"runs": [{{\n{members}\n}}]',
    ]


def _lines(values: list[Any]) -> str:
    return "[\n" + ",\n".join(f"  {_json(value)}" for value in values) + "\n ]" if values else "[]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class _Log:
    """Indexes of one log, each built once."""

    def __init__(self, summary: Summary, comparison: Comparison | None) -> None:
        self.summary = summary
        self.turns = Turns(comparison) if comparison is not None else None
        all_controls = list(controls(summary))
        self.rules = {control["id"]: index for index, control in enumerate(all_controls[:RULES])}
        self.known = source_files(all_controls)
        self.bases: dict[str, str] = {
            SOURCE: "The folder that the run was started from, with the controls and the inventory."
        }
        told = [row for row in rows(summary) if row.kind != "holds" and row.control["id"] in self.rules]
        kept = _kept(told)
        cut = []
        if len(kept) < len(told):
            cut.append(
                f"Only the {RESULTS:,} worst of {len(told):,} results are here, as GitHub keeps no more: "
                "report.json holds them."
            )
        if more := sum(row.more for row in told):
            cut.append(f"{counted(more, 'more finding')} of the verdicts here not listed, only counted.")
        if len(all_controls) > RULES:
            cut.append(
                f"{counted(len(all_controls) - RULES, 'control')} left out, as GitHub takes {RULES:,}."
            )
        results = [self._result(row) for row in kept]
        self.head: dict[str, Any] = {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [self._run(all_controls[:RULES], results, cut, comparison)],
        }

    def _run(
        self,
        chosen: list[Control],
        results: list[dict[str, Any]],
        cut: list[str],
        comparison: Comparison | None,
    ) -> dict[str, Any]:
        summary = self.summary
        run, environment = summary["run"], summary["environment"]
        # The part before the last slash is what GitHub calls a category: one for each environment.
        details: dict[str, Any] = {"id": f"policyproof/{environment['id']}/{run['id']}"}
        if _is_guid(run["id"]):
            details["guid"] = run["id"]
        made: dict[str, Any] = {
            "tool": {
                "driver": {
                    "name": "policyproof",
                    "version": run["version"],
                    "rules": [rule(control) for control in chosen],
                }
            },
            "automationDetails": details,
        }
        baseline = comparison["baseline"] if comparison is not None else None
        if baseline is not None and _is_guid(baseline["run_id"]):
            made["baselineGuid"] = baseline["run_id"]
        return made | {
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                base: {"description": message(said)} for base, said in sorted(self.bases.items())
            },
            "invocations": [invocation(summary, self.rules, cut)],
            "results": results,
            # No versionControlProvenance: it must name the repository's address, which a run does not know.
            "properties": {
                "environment": {"id": environment["id"], "synthetic": environment["synthetic"]},
                "policy": summary["policy"],
                "git": run["git"],
                "counts": summary["counts"]["verdicts"],
                "fixed": len(comparison["fixed"]) if comparison is not None else None,
                "ledger": summary["ledger"],
            },
        }

    def _result(self, row: Row) -> dict[str, Any]:
        fails = row.kind == "found"
        result: dict[str, Any] = {
            "ruleId": row.control["id"],
            "ruleIndex": self.rules[row.control["id"]],
            "kind": "fail" if fails else "open",
            # Only a failure has a level (SARIF 3.27.10).
            "level": LEVELS[row.severity] if fails else "none",
            "message": message(_said(row)),
            **self._where(row),
            # GitHub knows this name only; without it, all that stands at one control would be one alert.
            "partialFingerprints": {
                "primaryLocationLineHash": f"{row.fingerprint}:{row.nth}",
                "policyproof/v1": row.unique,
            },
            # All of them have this or none has (SARIF 3.27.23): an empty list says that nobody accepts it.
            "suppressions": _suppressions(row.verdict) if row.state == "waived" and fails else [],
        }
        if self.turns is not None:
            result["baselineState"] = self._baseline(row, self.turns)
        properties: dict[str, Any] = {"target": row.target, "state": row.state, "severity": row.severity}
        if fails:
            properties["remediation"] = row.remedy
        return result | {"properties": properties}

    def _baseline(self, row: Row, turns: Turns) -> str:
        if not turns.known or turns.of(row) in ("new", "no-longer-assessed"):
            return "new"
        return "unchanged"

    def _where(self, row: Row) -> dict[str, Any]:
        control = row.control
        kind = row.verdict["kind"] if row.verdict is not None else ""
        place = row.seen["location"] if row.seen is not None else None
        base = base_of(place["path"], kind, row.target, self.known) if place is not None else None
        named = base_of(control["location"]["path"], "", "", self.known)
        # A control outside the folder of the run has no path that says anything to others: its name does.
        file = control["location"]["path"] if named else f"controls/{control['id']}"
        stated = physical(file, control["location"]["line"], SOURCE)
        where: dict[str, Any] = {"physicalLocation": stated}
        related: list[dict[str, Any]] = []
        if place is not None and base is not None:
            where = {"physicalLocation": physical(place["path"], place["line"], base)}
            related = [{"id": 1, "physicalLocation": stated, "message": message(f"Control {control['id']}")}]
            if base != SOURCE:
                self.bases[base] = f"The folder of files that target {row.target} ({kind}) reads."
        if row.target:
            full = f"{row.target}/{row.seen['subject']}" if row.seen is not None else row.target
            where["logicalLocations"] = [{"name": row.target, "fullyQualifiedName": full, "kind": "resource"}]
        return {"locations": [where]} | ({"relatedLocations": related} if related else {})


def _said(row: Row) -> str:
    on = f" on {row.target}" if row.target else ""
    text = f"{row.control['title']}{on}: {row.text}"
    if row.kind == "found":
        for waiver in row.verdict["waivers"] if row.verdict is not None else ():
            if waiver["expired"]:
                text += f" (its waiver expired on {waiver['expires']})"
    text = " ".join(text.split())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _suppressions(verdict: Verdict | None) -> list[dict[str, str]]:
    return [
        {
            "kind": "external",
            "status": "accepted",
            "justification": (
                f"{waiver['reason']} Approved by {waiver['approver']}, until {waiver['expires']}."
            ),
        }
        for waiver in (verdict["waivers"] if verdict is not None else ())
        if not waiver["expired"]
    ]


def _kept(told: list[Row]) -> list[Row]:
    """Return the rows that there is room for, in their order: one of each verdict first, the worst first."""
    if len(told) <= RESULTS:
        return told

    def rank(index: int) -> tuple[bool, bool, int, int]:
        row = told[index]
        return not row.first, row.state == "waived", SEVERITIES.index(row.severity), index

    return [told[index] for index in sorted(sorted(range(len(told)), key=rank)[:RESULTS])]


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
