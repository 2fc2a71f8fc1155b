"""``policyproof report --quarter``: the audit report of a period, from the ledger alone."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from checks.core.errors import PolicyproofError
from policyproof import ledger_option
from reports.ledger import Ledger
from reports.quarter.build import build
from reports.quarter.period import Period, QuarterError, period
from reports.quarter.writing import write_quarter
from reports.renderers.words import number

DEFAULT_ENVIRONMENT = "lab"


def add_to(command: Any) -> None:
    """Add the options of the audit report to ``policyproof report``."""
    group = command.add_argument_group("audit report of a period")
    group.add_argument(
        "--quarter",
        metavar="PERIOD",
        help="2026Q4, 2026, or 2026-10-01..2026-11-15; written to DIR/ENVIRONMENT/PERIOD",
    )
    group.add_argument("--environment", dest="of", metavar="NAME", help="whose runs (default: lab)")
    group.add_argument("--compare", metavar="PERIOD", help="an earlier period to hold it against")
    group.add_argument("--prepared-by", metavar="NAME", help="who answers for it; printed on its first page")
    group.add_argument("--no-pdf", dest="pdf", action="store_false", help="leave out what Chromium prints")


def run_quarter(options: argparse.Namespace) -> int:
    """Write the audit report and print the paths; return 0, whatever the opinions are."""
    if options.number is not None:
        raise QuarterError("--run and --quarter exclude each other: a quarter is told from all of its runs")
    if options.of and options.environment and options.of != options.environment:
        raise QuarterError(f"two environments are named: {options.environment} and {options.of}")
    environment = options.of or options.environment or DEFAULT_ENVIRONMENT
    wanted = period(options.quarter)
    compare = period(options.compare) if options.compare else None
    ledger = ledger_option.opened(options)
    with ledger.look():
        return _made(options, ledger, environment, wanted, compare)


def _made(
    options: argparse.Namespace, ledger: Ledger, environment: str, wanted: Period, compare: Period | None
) -> int:
    here = Path.cwd()
    quarter = build(
        ledger,
        environment,
        wanted,
        now=datetime.now(UTC),
        compare=compare,
        prepared_by=options.prepared_by,
        repository=here if (here / ".git").exists() else None,
    )
    folder: Path = options.report_dir / environment / wanted.id
    counted = ", ".join(
        f"{count} {word.replace('-', ' ')}" for word, count in quarter["numbers"]["opinions"].items()
    )
    runs = number(quarter["numbers"]["runs"], "runs")
    print(f"{wanted.title} on {environment}, {runs}; commitments: {counted}")
    try:
        for written in write_quarter(quarter, folder, ledger=ledger, pdf=options.pdf, say=print):
            print(written)
    except OSError as error:
        raise PolicyproofError(f"{folder}: a report could not be written ({error.strerror})") from None
    return 0
