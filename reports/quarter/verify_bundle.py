"""Verifies the evidence bundle that it lies in. It needs Python 3.8 or newer, and nothing else.

    python3 verify.py [FOLDER]

It holds every file against ``manifest.json``, every recorded entry against its digest and its neighbours,
every block of evidence against the digest by which an entry names it, and the report against the entries.
It says what it verified and what it could not. Exit code: 0 if nothing was changed, 1 otherwise.
"""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Iterator  # noqa: UP035  # typing as of Python 3.8

SKIPPED = {"manifest.json"}  # a file cannot hold its own digest


def digest(data: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file of any size."""
    summed = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            summed.update(chunk)
    return summed.hexdigest()


def moment(text: str) -> datetime:
    """Return an ISO 8601 moment; older versions of Python do not read a Z."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file; none if it is not there, which the manifest tells."""
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                yield line.rstrip(b"\n")


def check_files(folder: Path, manifest: dict[str, Any], faults: list[str]) -> str:
    """Hold every file against the manifest, and the manifest against what is there."""
    listed = manifest["files"]
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - SKIPPED
    for name in sorted(set(listed) - found):
        faults.append(f"{name} is missing")
    for name in sorted(found - set(listed)):
        faults.append(f"{name} is not in the manifest")
    for name in sorted(found & set(listed)):
        if file_digest(folder / name) != listed[name]:
            faults.append(f"{name} was changed")
    return f"{len(listed)} files against the manifest"


def check_chain(entries: list[dict[str, Any]], faults: list[str]) -> str:
    """Hold each entry against its own digest and the entry before it."""
    before = None
    for entry in entries:
        number = entry["number"]
        if digest((entry["previous"] + entry["head"]).encode()) != entry["digest"]:
            faults.append(f"entry {number} was changed after it was recorded")
        if before and (number != before["number"] + 1 or entry["previous"] != before["digest"]):
            faults.append(f"the order was changed at entry {number}")
        before = entry
    if not entries:
        return "no entry: the ledger holds none of the period"
    return f"entries {entries[0]['number']} to {entries[-1]['number']} as one chain"


def named(head: dict[str, Any]) -> set[str]:
    """Return the digests of all blocks that an entry's head names."""
    single = {head[key] for key in ("plan", "findings", "times") if key in head}
    return single | {*head.get("evidence", {}).values()} | {*head.get("parts", {}).values()}


def check_blocks(folder: Path, heads: list[dict[str, Any]], environment: str, faults: list[str]) -> list[str]:
    """Hold each block against the digest by which an entry names it."""
    wanted: set[str] = set()
    for head in heads:
        if head.get("environment", {}).get("id") == environment:
            wanted |= named(head)
    held = {digest(line) for line in lines(folder / "ledger" / "blocks.jsonl")}
    if stray := len(held - wanted):
        faults.append(f"{stray} blocks of evidence were changed, or belong to no entry")
    said = [f"{len(held & wanted)} blocks of evidence against the entries that name them"]
    if absent := len(wanted - held):
        said.append(
            f"NOT verified: {absent} blocks that entries name are not in this bundle (evidence that the "
            "report does not cite, or that was removed under the retention limit)"
        )
    return said


def check_report(folder: Path, entries: list[dict[str, Any]], faults: list[str]) -> str:
    """Hold what the report says of the ledger and its runs against the entries."""
    report = json.loads((folder / "quarter.json").read_text("utf-8"))
    known = {entry["number"]: entry for entry in entries}
    anchor = report["title"]["ledger"]
    last = entries[-1] if entries else {"number": 0, "digest": anchor["digest"]}
    if (anchor["number"], anchor["digest"]) != (last["number"], last["digest"]):
        faults.append(
            f"the report was made of a ledger whose last entry is {anchor['number']}, this one is not"
        )
    for run in report["runs"]:
        entry = known.get(run["number"])
        if entry is None or entry["digest"] != run["digest"]:
            faults.append(f"the report tells of a run {run['number']} that is not the one recorded")
            continue
        head = json.loads(entry["head"])
        if (head["run"]["started"], head["counts"]["verdicts"]) != (run["started"], run["counts"]):
            faults.append(f"the report tells of run {run['number']} otherwise than it was recorded")
    told = {run["number"] for run in report["runs"]}
    period = report["title"]["period"]
    since, until = moment(period["since"]), moment(period["until"])
    for entry in entries:
        head = json.loads(entry["head"])
        ours = head.get("environment", {}).get("id") == report["title"]["environment"]["id"]
        if ours and entry["number"] not in told and since <= moment(head["run"]["started"]) < until:
            faults.append(f"the report leaves out run {entry['number']}")
    return f"{len(report['runs'])} runs of the report against the entries"


def verify(folder: Path) -> int:
    """Verify all, say what was and what was not, and return the exit code."""
    faults: list[str] = []
    said: list[str] = []
    manifest_bytes = (folder / "manifest.json").read_bytes()
    manifest = json.loads(manifest_bytes)
    said.append(check_files(folder, manifest, faults))
    entries = [json.loads(line) for line in lines(folder / "ledger" / "entries.jsonl")]
    said.append(check_chain(entries, faults))
    heads = [json.loads(entry["head"]) for entry in entries]
    said += check_blocks(folder, heads, manifest["environment"], faults)
    said.append(check_report(folder, entries, faults))
    for line in said:
        sys.stdout.write(line if line.startswith("NOT") else f"verified: {line}")
        sys.stdout.write("\n")
    sys.stdout.write(
        "NOT verified: that the ledger itself was not rewritten as a whole. Hold these two against what you\n"
        "were given by another way, or against a signature:\n"
        f"  manifest.json  {digest(manifest_bytes)}\n"
        f"  last entry     {entries[-1]['digest'] if entries else 'none'}\n"
    )
    for fault in faults[:50]:
        sys.stdout.write(f"CHANGED: {fault}\n")
    if len(faults) > 50:
        sys.stdout.write(f"and {len(faults) - 50} more\n")
    sys.stdout.write("This bundle was CHANGED.\n" if faults else "Nothing was changed.\n")
    return 1 if faults else 0


def main() -> int:
    """Verify the folder given, or the one that this file lies in; one line for what cannot be read."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    try:
        return verify(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        sys.stdout.write(f"CHANGED: the bundle cannot be read as one ({type(error).__name__}).\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
