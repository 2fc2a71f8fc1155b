"""The evidence bundle: the report with the entries and blocks that it is told from, as one zip.

Equal contents make equal bytes: names are sorted, and no file carries a time of its own.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import IO

from reports.ledger import Entry, Ledger, canonical
from reports.ledger.packing import named
from reports.quarter.shape import Quarter

BUNDLE_SCHEMA = "urn:policyproof:evidence-bundle:1"
README = """\
This bundle holds an audit report with the evidence it is told from.

  quarter.html, quarter.pdf   the report to read (the PDF only where one was made)
  quarter.json                the same as data
  oscal-*.json                the same as OSCAL assessment results, and the controls as a component
  ledger/entries.jsonl        each entry of the ledger, from the first that the report needs to the last
  ledger/blocks.jsonl         what those entries name: a block a line, known by its SHA-256
  manifest.json               the SHA-256 of each file
  verify.py                   verifies all of this: python3 verify.py

Of every run, blocks.jsonl has what was planned and what was found; of the last run, and of the first, the
last and the mending run of each failing period, it has all evidence. The rest stays in the ledger.

Entries of other environments are in entries.jsonl without their evidence: the chain runs through them.
"""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can tell


def write_bundle(to: IO[bytes], quarter: Quarter, files: Mapping[str, bytes], ledger: Ledger | None) -> str:
    """Write the zip of ``files`` and what ``ledger`` holds of the period; return the manifest's digest."""
    digests: dict[str, str] = {}
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:

        def put(name: str, chunks: Iterator[bytes]) -> None:
            summed = hashlib.sha256()
            # The size is not known before the end, so that zip64 is allowed for.
            with archive.open(_info(name), "w", force_zip64=True) as out:
                for chunk in chunks:
                    summed.update(chunk)
                    out.write(chunk)
            digests[name] = summed.hexdigest()

        fixed = {
            **files,
            "README.txt": README.encode(),
            "verify.py": resources.files("reports.quarter").joinpath("verify_bundle.py").read_bytes(),
        }
        for name in sorted(fixed):
            put(name, iter([fixed[name]]))
        entries = _entries(quarter, ledger) if ledger else []
        put("ledger/entries.jsonl", (_line(entry) for entry in entries))
        put("ledger/blocks.jsonl", _blocks(quarter, ledger, entries) if ledger else iter(()))
        manifest = {
            "schema": BUNDLE_SCHEMA,
            "environment": quarter["title"]["environment"]["id"],
            "period": quarter["title"]["period"]["id"],
            "made": quarter["title"]["made"],
            "files": dict(sorted(digests.items())),
        }
        text = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
        with archive.open(_info("manifest.json"), "w") as out:
            out.write(text)
    return hashlib.sha256(text).hexdigest()


def _entries(quarter: Quarter, ledger: Ledger) -> list[Entry]:
    """Return the chain from the first entry that the report needs to the last it knew of."""
    needed = [run["number"] for run in quarter["runs"]]
    baseline = quarter["changes"]["baseline"]
    if baseline is not None:
        needed.append(baseline)
    last = quarter["title"]["ledger"]["number"]
    first = min(needed, default=last)
    found: list[Entry] = []
    for entry in ledger.entries(kind=None, newest_first=True, before=last + 1):
        if entry.number < first:
            break
        found.append(entry)
    return found[::-1]


def _blocks(quarter: Quarter, ledger: Ledger, entries: list[Entry]) -> Iterator[bytes]:
    """Yield each block once: of every run what is never pruned, of those that the report cites all.

    All evidence of a quarter would be a gigabyte; what is left out stays in the ledger, is named here
    by its digest, and ``verify.py`` says how much it is. What was pruned is not there to be given.
    """
    ours = {run["number"] for run in quarter["runs"]} | {quarter["changes"]["baseline"]}
    cited = _cited(quarter)
    seen: set[str] = set()
    for entry in entries:
        if entry.number not in ours:
            continue
        for digest, prunable in named(entry.read()):
            if digest not in seen and (not prunable or entry.number in cited):
                seen.add(digest)
                if (text := ledger.raw_block(digest)) is not None:
                    yield text.encode() + b"\n"


def _cited(quarter: Quarter) -> set[int | None]:
    """Return the runs that the report tells something of: the last, and both ends of what failed."""
    cited = {quarter["traceability"]["run"], quarter["coverage"]["run"]}
    cited |= {run["number"] for run in quarter["runs"][-1:]}
    for period in quarter["failing"]["periods"]:
        cited |= {period["first_run"], period["last_run"], period["ended_run"]}
    return cited


def _line(entry: Entry) -> bytes:
    """Return an entry as a line of canonical JSON."""
    body = {
        "number": entry.number,
        "previous": entry.previous,
        "digest": entry.digest,
        "head": entry.head,
    }
    return canonical(body).encode() + b"\n"


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.create_system = 3  # the same bytes, whatever system writes them
    return info


def file_name(quarter: Quarter) -> str:
    """Return the bundle's name: ``evidence-production-2026Q4.zip``."""
    title = quarter["title"]
    safe = "".join(
        c if c.isalnum() or c in "-." else "-" for c in title["period"]["id"].replace("..", "_to_")
    )
    return f"evidence-{title['environment']['id']}-{safe}.zip"
