"""``policyproof status``: each environment's last run, and how old its evidence is."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tabulate import tabulate

from checks.core.errors import AuthorError
from checks.core.model import Period
from policyproof import ledger_option, terminal
from reports.ledger import Ledger
from reports.renderers import words
from reports.view.queries import EnvironmentLine, overview

EPILOG = """\
examples:
  policyproof status                                every environment in the ledger
  policyproof status production --max-age P1D       3 if production was not looked at for a day

exit codes:
  0  each environment has a run, and none is older than --max-age; 3 there is no run, or one is too
  old; 4 a mistake in usage, or a ledger that cannot be read. What a run came to does not count here:
  `policyproof gate` judges that.
"""
NOTHING = 3
"""Exit code where there is no evidence, or none that is young enough."""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "status",
        help="each environment's last run and the age of its evidence",
        description="Lists each environment in the ledger with its last run. Nothing is run.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("environment", nargs="?", metavar="ENVIRONMENT", help="only this one")
    command.add_argument("--max-age", metavar="PERIOD", help="how old evidence may be, such as P1D or PT36H")
    ledger_option.add_to(command)
    command.set_defaults(run=run_status)


def run_status(options: argparse.Namespace) -> int:
    """Print the table; return 0, or 3 if there is no run or one is too old."""
    oldest = _oldest(options.max_age)
    where = ledger_option.address(options)
    ledger = Ledger(where)
    lines = overview(ledger, recent=2)
    if options.environment is not None:
        lines = [line for line in lines if line.environment == options.environment]
    if not lines:
        on = f" on {terminal.safe(options.environment)}" if options.environment else ""
        gone = isinstance(where, Path) and not where.is_file()
        why = "no ledger" if gone else f"no run{on} is recorded"
        print(f"policyproof: {where if gone else ledger.name}: {why}", file=sys.stderr)
        return NOTHING
    print(table(lines, colour=terminal.coloured(sys.stdout)))
    late = [line for line in lines if oldest and datetime.fromisoformat(line.last.entry.ended) < oldest]
    for line in late:
        name = terminal.safe(line.environment)
        told = f"the evidence on {name} is {words.age(line.age)} old, more than {options.max_age}"
        print(f"policyproof: {told}", file=sys.stderr)
    return NOTHING if late else 0


def table(lines: list[EnvironmentLine], *, colour: bool) -> str:
    """Return one row for each environment."""
    rows = []
    for line in lines:
        head = line.last.head
        result = terminal.state(head["verdict"]["state"], colour=colour)
        rows.append(
            [
                terminal.safe(line.environment),
                line.last.entry.number,
                line.last.entry.started.replace("T", " ").replace("Z", ""),
                words.age(line.age),
                result if head["verdict"]["complete"] else f"{result}, incomplete",
                *(head["counts"]["verdicts"][state] for state in words.STATES),
                line.new,
            ]
        )
    titles = [words.WORDS[state][1] for state in words.STATES]
    headers = ["Environment", "Run", "Started (UTC)", "Age", "Result", *titles, "New"]
    return tabulate(rows, headers=headers, disable_numparse=[0, 2, 3, 4])


def _oldest(text: str | None) -> datetime | None:
    """Return the moment before which evidence is too old; raises ``AuthorError``."""
    if text is None:
        return None
    try:
        return Period(text).before(datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise AuthorError(f"--max-age: {error}") from None
