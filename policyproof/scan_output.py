"""What a scan says on standard output: text for a reader, or lines of JSON.

Each is written as it comes, so that a scan of any length takes no memory for it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Protocol, TextIO

from checks.scanner.places import Excluded
from checks.scanner.result import Finding
from checks.scanner.sample import bound, percent
from checks.scanner.scan import Scan
from checks.scanner.source import Skipped
from policyproof.scan_progress import size

_REASONS = 20  # different reasons that are written out


class Output(Protocol):
    """Writes what a scan finds, and what it came to."""

    def begin(self) -> None:
        """Write what stands before everything."""

    def add(self, found: Finding | Skipped | Excluded) -> None:
        """Write one thing found, skipped or excluded."""

    def end(self, scan: Scan, code: int) -> None:
        """Write the totals of ``scan``, which ends with the exit ``code``."""


class Text:
    """A line a finding, and what was looked at in the last lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self) -> None:
        """Write nothing."""

    def add(self, found: Finding | Skipped | Excluded) -> None:
        """Write a line."""
        if isinstance(found, Skipped):
            self._line(f"{found.name}: not looked at: {found.reason}")
            return
        if isinstance(found, Excluded):
            self._line(f"{found.name}: excluded by {found.pattern}")
            return
        more = [] if found.form == "plain" else [f"written as {found.form}"]
        more += ["with a security code"] * found.security_code + ["in track data"] * found.track_data
        more += ["published for tests"] * found.test_number
        extra = f" ({', '.join(more)})" if more else ""
        where, said = where_of(found), f"{found.network} number {found.masked}{extra}"
        self._line(f"{where}: {found.severity}: {said}, {found.confidence} confidence")

    def end(self, scan: Scan, code: int) -> None:
        """Write what was looked at, what was not, and what the scan came to."""
        totals = scan.totals
        read = [f"{totals.files:,} {_files(totals.files)}"]
        read += [f"{totals.databases:,} databases"] * bool(totals.databases)
        read += [f"{totals.rows:,} rows"] * bool(totals.rows)
        self._line(f"read: {', '.join(read)}, {size(totals.bytes)}")
        if totals.skipped:
            self._line(f"not looked at: {totals.skipped:,}, for reasons given above")
        if totals.excluded:
            self._line(f"excluded: {totals.excluded:,}")
        if totals.unchanged:
            self._line(f"unchanged, and not read again: {totals.unchanged:,}")
            for (run, day), count in scan.unchanged.most_common(_REASONS):
                self._line(f"  {count:,} without a finding in run {run} of {day}")
        for line in _of_sample(scan):
            self._line(line)
        self._line(_conclusion(scan, code))

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")


class JsonLines:
    """An object a line: a finding, or what was ``skipped`` or ``excluded``; the last holds the ``totals``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self) -> None:
        """Write nothing."""

    def add(self, found: Finding | Skipped | Excluded) -> None:
        """Write a line."""
        if isinstance(found, Skipped):
            self._line({"skipped": found.name, "reason": found.reason})
        elif isinstance(found, Excluded):
            self._line({"excluded": found.name, "pattern": found.pattern})
        else:
            self._line(record(found))

    def end(self, scan: Scan, code: int) -> None:
        """Write the totals."""
        self._line({"totals": summary(scan, code)})

    def _line(self, value: dict[str, Any]) -> None:
        self._stream.write(json.dumps(value, ensure_ascii=False) + "\n")


def where_of(found: Finding) -> str:
    """Return where a finding stands, as ``file:line`` if that is known."""
    if found.place == "name":
        return f"{found.source}: in the name"
    if found.table is not None:
        row = f"row {found.row}" if found.row else f"row number {found.line}"
        return f"{found.source}: {row}" + (f", column {found.column}" if found.column else "")
    return f"{found.source}:{found.line}" if found.line else f"{found.source}: at byte {found.offset}"


def record(found: Finding) -> dict[str, Any]:
    """Return a finding as JSON; table, column and row are left out where there are none."""
    return {name: value for name, value in asdict(found).items() if value is not None or name == "line"}


def summary(scan: Scan, code: int) -> dict[str, Any]:
    """Return the totals as JSON."""
    totals, request = scan.totals, scan.request
    said: dict[str, Any] = {
        "findings": totals.findings,
        "test_numbers": totals.test_numbers,
        "unlisted": totals.unlisted,
        "bytes": totals.bytes,
        "rows": totals.rows,
        "files": totals.files,
        "databases": totals.databases,
        "skipped": totals.skipped,
        "reasons": dict(totals.reasons.most_common(_REASONS)),
        "excluded": totals.excluded,
        "unchanged": totals.unchanged,
        "exit_code": code,
    }
    if scan.unchanged:
        said["unchanged_since"] = [
            {"run": run, "day": day, "files": count}
            for (run, day), count in scan.unchanged.most_common(_REASONS)
        ]
    if request.sample:
        said["sample"] = {
            "share": request.sample.share,
            "seed": request.sample.seed,
            "units": totals.units,
            "of": totals.of,
            "with_findings": totals.struck,
        }
        if not totals.findings:
            said["sample"]["bound"] = bound(totals.units or totals.rows)
    if request.budget is not None:
        said["time_budget"] = {
            "seconds": request.budget,
            "seed": request.seed,
            "parts": scan.handed_out,
            "of": scan.parts,
            "with_findings": scan.struck,
            "share": round(scan.done / scan.known, 6) if scan.known else 0.0,
        }
        if not totals.findings and scan.handed_out < scan.parts:
            said["time_budget"]["bound"] = bound(scan.handed_out)
    return said


def _of_sample(scan: Scan) -> list[str]:
    """Return what is said of a sample, and of what it says of the rest."""
    totals, request, lines = scan.totals, scan.request, []
    if request.sample:
        units, what = totals.units, f"{totals.units:,} of {totals.of:,} blocks, small files and containers"
        if totals.databases:
            units, what = units or totals.rows, f"{what}, and {totals.rows:,} rows"
        lines.append(f"a sample of {request.sample.share:.4g} (seed {request.sample.seed}): {what}")
        if units and not totals.findings:
            lines.append(_bounded(units, "units" if totals.units else "rows"))
        elif totals.findings:
            lines.append(f"in {totals.struck:,} of them something was found")
    if request.budget is not None:
        share = scan.done / scan.known if scan.known else 0.0
        of = f"{scan.handed_out:,} of {scan.parts:,} parts, {share:.1%} of the bytes"
        lines.append(f"a time budget of {request.budget:g} s (seed {request.seed}): {of}")
        if scan.handed_out and not totals.findings and scan.handed_out < scan.parts:
            lines.append(_bounded(scan.handed_out, "parts"))
    return lines


def _bounded(units: int, what: str) -> str:
    share = f"{percent(bound(units))} of the {what} hold one"
    return f"nothing was found in {units:,} {what}: with 95 % confidence at most {share} (rule of three)"


def _conclusion(scan: Scan, code: int) -> str:
    """Return what the scan came to, and no more than that."""
    totals, request = scan.totals, scan.request
    cards = totals.findings - totals.test_numbers
    unread = "; not everything was looked at" * bool(totals.skipped)
    unlisted = f" ({totals.unlisted:,} of all counted only)" * bool(totals.unlisted)
    if cards:
        more = f", {totals.test_numbers:,} more published for tests" * bool(totals.test_numbers)
        return f"{cards:,} card {'number' if cards == 1 else 'numbers'}{more}{unlisted}{unread}"
    tests = f" but {totals.test_numbers:,} published for tests" * bool(totals.test_numbers)
    if code == 3:
        why = "not everything could be read" if totals.skipped else "nothing was read"
        return f"no card number seen{tests}, but not assessed: {why}"
    if request.sample or (request.budget is not None and scan.handed_out < scan.parts):
        return f"no card number{tests} in the sample, which is not the whole"
    return f"no card number{tests}{unlisted}{unread}"


def _files(count: int) -> str:
    return "file" if count == 1 else "files"
