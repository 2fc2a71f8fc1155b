"""``policyproof scan``: card numbers in files, archives, object stores and live databases."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from checks.connectors.files import printable
from checks.core.errors import AuthorError, NotAssessed, nearest
from checks.scanner.databases import SCHEMES, scheme_of
from checks.scanner.places import Excluded, is_url
from checks.scanner.result import Finding
from checks.scanner.sample import Sample, seconds_of, share_of
from checks.scanner.scan import Request, Scan
from checks.scanner.source import Skipped
from policyproof.scan_output import JsonLines, Output, Text
from policyproof.scan_progress import Progress
from policyproof.scan_sarif import Sarif

_STORES = ("s3", "gs", "gcs", "az", "abfs", "abfss", "http", "https", "file", "memory")
_CLUSTERS = ("tcp", "tls", "ucx", "ws", "wss", "inproc")

FORMATS: dict[str, Callable[[TextIO], Output]] = {"text": Text, "jsonl": JsonLines, "sarif": Sarif}

EPILOG = """\
examples:
  policyproof scan /var/log/app                      a folder, as many processes as cores
  policyproof scan dump.sql.gz uploads/              several places, archives within archives too
  zcat old.gz | policyproof scan -                   standard input
  policyproof scan s3://bucket/exports               an object store
  policyproof scan postgresql://reader@db/shop       every table that the login may read
  policyproof scan /data --format jsonl              a line a finding, totals in the last one
  policyproof scan /data --sample 2% --seed 7        a sample, and what it says of the rest
  policyproof scan /data --time-budget 15m           as much as time allows, in an order of chance
  policyproof scan /data --exclude node_modules --exclude '*.iso'
  policyproof scan /data --memo scans.sqlite         what is unchanged since the last time is not read
  policyproof scan s3://bucket --cluster tcp://scheduler:8786

exit codes:
  0  no card number; 1 card numbers; 3 none, but something could not be read, or there was nothing
  to read; 4 a mistake in usage. Numbers that networks publish for tests are reported, and count
  only with --test-numbers fail.

Of a number no more than its first six and last four digits are shown. In tables `offset` is the
ordinal of the row, from 0; elsewhere it counts bytes, from the start of the innermost file.
"""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "scan",
        help="look for card numbers in files, archives, object stores and databases",
        description="Looks for full card numbers in whatever is there: plain and compressed files, archives"
        " within archives, documents, mail, column formats, object stores and live databases, also in"
        " base64, hexadecimal and escapes. Reads only. Findings go to standard output.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("addresses", nargs="+", metavar="PATH_OR_URL", help="what to look at; - for input")
    command.add_argument("--jobs", type=int, metavar="N", help="processes (default: as many as cores)")
    command.add_argument(
        "--cluster", metavar="URL", help="a Dask scheduler whose workers read the same places"
    )
    command.add_argument("--sample", metavar="P", help="look at a share, such as 2%% or 0.02")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="what a sample is chosen by")
    command.add_argument(
        "--format", choices=tuple(FORMATS), default="text", help="of the findings (default: %(default)s)"
    )
    command.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave out; may be given several times"
    )
    command.add_argument("--time-budget", metavar="DURATION", help="begin nothing after it, such as 15m")
    command.add_argument(
        "--memo",
        "--ledger",
        type=Path,
        metavar="PATH",
        help="remember files without a finding there, and do not read them again while they are unchanged",
    )
    command.add_argument("--no-encoded", action="store_true", help="do not look into base64, hex and escapes")
    command.add_argument(
        "--test-numbers",
        choices=("report", "fail"),
        default="report",
        help="published test numbers: only report, or fail for them too (default: %(default)s)",
    )
    command.set_defaults(run=run_scan)


def run_scan(options: argparse.Namespace) -> int:
    """Scan, write what is found as it is found, and return the exit code."""
    scan = Scan(request_of(options))
    output: Output = FORMATS[options.format](sys.stdout)
    try:
        with Progress(scan, sys.stderr) as progress:
            output.begin()
            for found in _all(scan):
                progress.clear()
                output.add(found)
        if scan.notice:
            print(f"policyproof: {scan.notice}", file=sys.stderr)
        code = exit_code(scan, fail_tests=options.test_numbers == "fail")
        output.end(scan, code)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 3
    except KeyboardInterrupt:
        print("policyproof: interrupted; what was not read is not known", file=sys.stderr)
        return 1 if scan.totals.findings > scan.totals.test_numbers else 3
    return code


def _all(scan: Scan) -> Iterator[Finding | Skipped | Excluded]:
    """Yield what ``scan`` does; where it breaks off, that the rest is skipped: what was found counts."""
    try:
        yield from scan
    except NotAssessed as error:
        scan.totals.skipped += 1
        scan.totals.reasons[error.reason] += 1
        yield Skipped("the rest of the scan", error.reason)


def exit_code(scan: Scan, *, fail_tests: bool) -> int:
    """Return 1 for card numbers, 3 if something was not looked at or nothing was, else 0."""
    totals = scan.totals
    if totals.findings > (0 if fail_tests else totals.test_numbers):
        return 1
    looked_at = totals.bytes or totals.unchanged
    return 0 if looked_at and not totals.skipped else 3


def request_of(options: argparse.Namespace) -> Request:
    """Return what is asked for; raises ``AuthorError`` for what cannot be meant."""
    for address in options.addresses:
        _check(address)
    if options.jobs is not None and options.jobs < 1:
        raise AuthorError(f"--jobs {options.jobs}: at least 1")
    if options.cluster is not None and scheme_of(options.cluster) not in _CLUSTERS:
        close = nearest(scheme_of(options.cluster), _CLUSTERS)
        raise AuthorError(f"--cluster: the address of a scheduler, such as tcp://scheduler:8786{close}")
    if options.memo is not None and options.sample is not None:
        raise AuthorError("--memo and --sample exclude each other: a sample chooses from all files")
    share = 1.0 if options.sample is None else share_of(options.sample)
    return Request(
        addresses=tuple(options.addresses),
        exclude=tuple(options.exclude),
        encoded=not options.no_encoded,
        jobs=options.jobs or len(os.sched_getaffinity(0)),
        cluster=options.cluster,
        sample=Sample(share, options.seed) if share < 1 else None,
        seed=options.seed,
        memo=options.memo,
        budget=None if options.time_budget is None else seconds_of(options.time_budget),
    )


def _check(address: str) -> None:
    """Raise ``AuthorError`` if nothing can be at ``address``."""
    if address == "-":
        return
    if is_url(address):
        known = (*SCHEMES, *_STORES)
        scheme = scheme_of(address)
        if scheme not in known:
            raise AuthorError(
                f"{printable(scheme)}:// is nothing that can be scanned{nearest(scheme, known)}"
            )
    elif not os.path.lexists(address):
        raise AuthorError("does not exist", path=printable(Path(address)))
    if re.search(r"[\x00\n]", address):
        raise AuthorError("an address is one line")
