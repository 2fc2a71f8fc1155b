"""``policyproof ledger``: verify, sign, export, rebuild and prune the record of every run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from checks.core.errors import AuthorError
from checks.core.model import Period
from policyproof import ledger_bundles, ledger_signing, ledger_verify
from policyproof.ledger_common import CHANGED, UNREADABLE, WHOLE, add_place, latest, many, place, utc
from policyproof.ledger_verify import whole
from policyproof.scan_progress import size
from reports.ledger import Entry, LedgerError
from reports.signing import Forged, MissingExtra, SigningError
from reports.signing.living import living

EPILOG = """\
examples:
  policyproof ledger verify                         was anything changed since it was recorded?
  policyproof ledger key ledger.pem                 make a key, then
  policyproof ledger sign --key ledger.pem          vouch for what is recorded so far
  policyproof ledger export --to bundles --key ledger.pem
  policyproof ledger rebuild bundles/*.zip --key ledger.pub.pem --ledger new.sqlite
  policyproof ledger prune --keep P7Y --dry-run
"""


def add_to(commands: Any) -> None:
    """Add the command to the command line."""
    group = commands.add_parser(
        "ledger",
        help="verify, sign, export, rebuild, prune the ledger",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    ledger_verify.add_to(actions)
    ledger_signing.add_to(actions)
    ledger_bundles.add_to(actions)
    pruning = actions.add_parser(
        "prune",
        help="remove observations that are older than a period",
        description="Removes the observations of runs that ended before the period began. Digests, states,"
        " plans and the fingerprints of findings stay, so that the ledger still verifies.",
    )
    add_place(pruning)
    pruning.add_argument("--keep", required=True, metavar="PERIOD", help="ISO 8601, such as P7Y or P90D")
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    pruning.set_defaults(run=run_prune)
    for action in actions.choices.values():
        action.set_defaults(run=_judged(action.get_default("run")))


def _judged(run: Any) -> Any:
    """Return ``run`` with this command's exit codes: a ledger changed is 1, one not looked at is 3."""

    def judged(options: argparse.Namespace) -> int:
        try:
            code: int = run(options)
        except MissingExtra:
            raise  # a mistake in usage
        except Forged as error:
            print(f"policyproof: {error}", file=sys.stderr)
            return CHANGED
        except (LedgerError, SigningError) as error:
            print(f"policyproof: {error}", file=sys.stderr)
            return UNREADABLE
        return code

    return judged


def run_prune(options: argparse.Namespace) -> int:
    """Remove old observations, or say what would go; prints it."""
    before = _before(options.keep)
    ledger, _ = place(options)
    latest(ledger)
    whole(ledger, [], blocks=True)  # what is removed can no longer be held against its digest

    if options.dry_run:

        def entries() -> Iterator[Entry]:
            return ledger.entries(kind=None)

        going = living(entries) - living(entries, before)
        print(f"{ledger.name}: {many(len(going), 'block')} of runs before {before} would be removed")
        return WHOLE
    entry = ledger.prune(before, options.keep)
    if entry is None:
        print(f"{ledger.name}: nothing is older than {before}; nothing was removed")
        return WHOLE
    head = entry.read_prune()
    print(
        f"{ledger.name}: {many(head['blocks'], 'block')} ({size(head['bytes'])}) of"
        f" {many(head['runs'], 'run')} before {before} removed; entry {entry.number} says so"
    )
    return WHOLE


def _before(keep: str) -> str:
    """Return the moment that a period reaches back to; refuses one that keeps nothing."""
    now = datetime.now(UTC)
    try:
        period = Period(keep)
    except ValueError as error:
        raise AuthorError(f"--keep: {error}") from None
    try:
        before = period.before(now)
    except (OverflowError, ValueError):
        raise AuthorError(f"--keep: {keep!r} reaches back before the calendar begins") from None
    if before >= now:
        raise AuthorError(f"--keep: {keep!r} would keep nothing")
    return utc(before)
