"""The two options by which a command finds a ledger, the same for all that read one."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from reports.ledger import Ledger, LedgerError

VARIABLE = "POLICYPROOF_LEDGER"
"""Names the ledger where no option does; the place for an address with a password."""


def add_to(command: argparse.ArgumentParser) -> None:
    """Add ``--ledger`` and ``--report-dir``."""
    command.add_argument(
        "--report-dir",
        type=Path,
        default=Path("reports/out"),
        metavar="DIR",
        help="folder of the reports (default: %(default)s)",
    )
    command.add_argument(
        "--ledger",
        metavar="PATH_OR_URL",
        help="ledger to read: a file, or postgresql://HOST/DATABASE"
        f" (default: ${VARIABLE}, or DIR/ledger.sqlite)",
    )


def address(options: argparse.Namespace) -> Path | str:
    """Return where the ledger is."""
    given = options.ledger or os.environ.get(VARIABLE)
    if not given:
        return Path(options.report_dir) / "ledger.sqlite"
    return str(given) if "://" in str(given) else Path(given)


def opened(options: argparse.Namespace) -> Ledger:
    """Return the ledger to read; raises ``LedgerError`` if it is a file that does not exist."""
    where = address(options)
    if isinstance(where, Path) and not where.is_file():
        raise LedgerError(f"{where}: no ledger; `pytest controls/` makes one")
    return Ledger(where)
