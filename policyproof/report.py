"""``policyproof report``: render a recorded run again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from checks.core.errors import PolicyproofError
from policyproof import ledger_option, quarter_command
from reports.ledger import Entry, Ledger, LedgerError
from reports.writing import write_reports

EPILOG = """\
examples:
  policyproof report                                the last run on the lab
  policyproof report staging                        the last run on staging
  policyproof report --run 12                       run 12, whichever environment it was on
  policyproof report --ledger old/ledger.sqlite --report-dir old
  policyproof report --quarter 2026Q4 --environment production --compare 2026Q3
"""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "report",
        help="render a recorded run again",
        description="Verifies the ledger, then writes report.html, report.json and report.md of a run to"
        " DIR/ENVIRONMENT and prints their paths. Nothing is run, and nothing is added to the ledger.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "environment", nargs="?", metavar="ENVIRONMENT", help="whose last run (default: lab)"
    )
    command.add_argument("--run", type=int, dest="number", metavar="N", help="the run recorded under N")
    quarter_command.add_to(command)
    ledger_option.add_to(command)
    command.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Write the reports and print their paths; return 0, whatever the run itself came to."""
    if options.quarter is not None:
        return quarter_command.run_quarter(options)
    if options.of or options.compare or options.prepared_by or not options.pdf:
        raise PolicyproofError(
            "--environment, --compare, --prepared-by and --no-pdf belong to --quarter PERIOD"
        )
    folder: Path = options.report_dir
    ledger = ledger_option.opened(options)
    with ledger.look():
        entry = chosen(ledger, options.environment, options.number)
        summary = ledger.recall(entry)
    print(f"run {entry.number} on {entry.environment}, {entry.started}: {summary['verdict']['headline']}")
    try:
        for written in write_reports(summary, folder / entry.environment):
            print(written)
    except OSError as error:
        raise PolicyproofError(f"{folder}: a report could not be written ({error.strerror})") from None
    return 0


def chosen(ledger: Ledger, environment: str | None, number: int | None) -> Entry:
    """Return the run asked for; raises ``LedgerError`` if there is none, or the chain is broken."""
    path = ledger.name
    # Before anything of it is shown: what was changed is no longer a proof of anything. The blocks of
    # the run itself are held against their digests as they are read.
    if fault := ledger.verify(blocks=False):
        raise LedgerError(f"{path}: {fault}; nothing was rendered")
    if number is None:
        environment = environment or "lab"
        entry = ledger.last(environment)
        if entry is None:
            raise LedgerError(f"{path}: no run on {environment} is recorded")
        return entry
    entry = ledger.find(number)
    if entry is None or entry.kind != "run":
        raise LedgerError(f"{path}: no run {number} is recorded")
    if environment not in (None, entry.environment):
        raise LedgerError(f"{path}: run {number} was on {entry.environment}, not on {environment}")
    return entry
