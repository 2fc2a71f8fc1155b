"""What a scan says as a log in SARIF 2.1.0 (OASIS), written as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from checks.scanner.places import Excluded, is_url
from checks.scanner.result import Finding
from checks.scanner.scan import Scan
from checks.scanner.source import Skipped
from policyproof import __version__
from policyproof.scan_output import record, summary, where_of
from reports.renderers.sarif_text import message

_NOTES = 1000  # notifications of a log, the last of which counts the rest
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "low": "note"}
_RULE = "card-number"
_DRIVER = {
    "name": "policyproof",
    "version": __version__,
    "rules": [
        {
            "id": _RULE,
            "name": "CardNumber",
            "shortDescription": message("A full card number is stored."),
            "fullDescription": message(
                "What is stored holds a full card number, to be unreadable anywhere (PCI DSS 4.0.1, 3.5.1)."
            ),
            "help": message(
                "Remove the number, or keep no more than its first six and last four digits. Then look for "
                "what wrote it, and scan the backups of what it stood in."
            ),
            "defaultConfiguration": {"level": "error"},
            "properties": {
                "tags": ["security", "privacy", "PCI DSS 3.5.1"],
                "precision": "high",
                "problem.severity": "error",
                "security-severity": "9.5",
            },
        }
    ],
}


class Sarif:
    """A log. What was skipped is among the notifications, the first thousand of it and a count of the rest.

    Results have no fingerprints: those of a scan say nothing outside of it. Rows of a table and places
    in binary files have no line either, and GitHub shows them at the top of their file.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._comma = ""
        self._notes: list[dict[str, Any]] = []
        self._left = 0

    def begin(self) -> None:
        """Write what stands before the results."""
        head = {"$schema": _SCHEMA, "version": "2.1.0"}
        run = {"tool": {"driver": _DRIVER}, "columnKind": "unicodeCodePoints"}
        self._stream.write(f'{json.dumps(head)[:-1]}, "runs": [{json.dumps(run)[:-1]}, "results": [')

    def add(self, found: Finding | Skipped | Excluded) -> None:
        """Write a result, or keep a notification."""
        if isinstance(found, Skipped):
            self._note("error", f"{found.name}: not looked at: {found.reason}")
            return
        if isinstance(found, Excluded):
            self._note("note", f"{found.name}: excluded by {found.pattern}")
            return
        self._stream.write(f"{self._comma}\n{json.dumps(result(found), ensure_ascii=False)}")
        self._comma = ","

    def _note(self, level: str, text: str) -> None:
        if len(self._notes) < _NOTES - 1:
            self._notes.append({"level": level, "message": message(text)})
        else:
            self._left += 1

    def end(self, scan: Scan, code: int) -> None:
        """Write the invocation, with the totals, and close the log."""
        if self._left:
            text = f"{self._left:,} more not looked at or excluded: the totals of the run count all."
            self._notes.append({"level": "error", "message": message(text)})
        invocation = {
            "executionSuccessful": code in (0, 1) and not scan.totals.skipped,
            "exitCode": code,
            "toolExecutionNotifications": self._notes,
        }
        rest = {"invocations": [invocation], "properties": {"totals": summary(scan, code)}}
        self._stream.write(f"\n], {json.dumps(rest, ensure_ascii=False)[1:]}]}}\n")


def result(found: Finding) -> dict[str, Any]:
    """Return a finding as a SARIF result."""
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(found.source)}}
    if found.table is None and found.place == "content":
        location["region"] = {"startLine": found.line} if found.line else {"byteOffset": found.offset}
    where: dict[str, Any] = {"physicalLocation": location}
    if found.table is not None:
        path = ".".join(part for part in (found.table, found.column) if part)
        where["logicalLocations"] = [{"fullyQualifiedName": path, "kind": "member"}]
    return {
        "ruleId": _RULE,
        "ruleIndex": 0,
        "level": _LEVELS[found.severity],
        "message": message(f"{found.network} number {found.masked}, {where_of(found)}."),
        "locations": [where],
        "properties": record(found),
    }


def _uri(source: str) -> str:
    """Return a name as a reference; files below the current folder are told from there."""
    if is_url(source):
        return quote(source, safe="/!@+,;=~:")
    path = Path(source)
    if path.is_absolute():
        here = Path.cwd()
        if not path.is_relative_to(here):
            return f"file://{quote(source, safe='/!@+,;=~')}"
        source = path.relative_to(here).as_posix()
    # A colon in a relative reference would make a scheme of what is before it.
    return quote(source, safe="/!@+,;=~")
