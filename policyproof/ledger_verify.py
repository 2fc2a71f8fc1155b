"""``policyproof ledger verify``: whether anything was changed since it was recorded."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from checks.core.errors import AuthorError
from policyproof import ledger_anchors as known
from policyproof.ledger_anchors import Anchor
from policyproof.ledger_common import WHOLE, add_place, latest, many, place, verifying_key, waiting
from reports.ledger import Entry, Ledger
from reports.signing import Forged

EPILOG = """\
A ledger cut at its end cannot show that by itself: it is held against the reports and the signature
beside it, and against what you give.

examples:
  policyproof ledger verify
  policyproof ledger verify --key ledger.pub.pem --tsa-cert authority.pem
  policyproof ledger verify --head 5f0c…            a digest printed in a report
  policyproof ledger verify --ledger postgresql://ledger@db/policyproof --report-dir reports/out

exit: 0 whole · 1 changed, or a signature does not hold · 3 cannot be read, or empty · 4 usage
"""


def add_to(actions: Any) -> None:
    """Add the action to ``policyproof ledger``."""
    command = actions.add_parser(
        "verify",
        help="find the first entry that was changed",
        description="Reads every entry and block, and names the first whose content or order was changed.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_place(command)
    command.add_argument("--key", type=Path, metavar="PUB.pem", help="the signature must be by this key")
    command.add_argument(
        "--signature", type=Path, action="append", default=[], metavar="FILE", help="a signature elsewhere"
    )
    command.add_argument(
        "--tsa-cert", type=Path, metavar="PEM", help="the signature must be dated by this authority"
    )
    command.add_argument(
        "--bundle", type=Path, action="append", default=[], metavar="FILE", help="an exported bundle"
    )
    command.add_argument(
        "--head", action="append", default=[], metavar="DIGEST", help="a digest that an entry must have"
    )
    command.add_argument(
        "--anchor", action="append", default=[], metavar="N:DIGEST", help="the digest of entry N"
    )
    command.add_argument("--quick", action="store_true", help="heads only: no block is read")
    command.set_defaults(run=run_verify)


def run_verify(options: argparse.Namespace) -> int:
    """Print whether the ledger is whole; a fault is raised as :class:`Forged`."""
    if options.tsa_cert is not None and options.key is None:
        raise AuthorError("--tsa-cert dates a signature: give --key too")
    key = verifying_key(options.key)
    given = known.given(options.anchor)
    ledger, folder = place(options)
    head = latest(ledger)
    signatures = [
        known.signature(path, key, options.tsa_cert)
        for path in known.signatures(folder, options.signature, key)
    ]
    anchors = [
        *known.reports(folder),
        *(Anchor(one.said.number, one.said.digest, str(one.path), "signature") for one in signatures),
        *known.bundles(options.bundle, key),
        *given,
    ]
    whole(ledger, anchors, blocks=not options.quick)
    # After the chain, so that what was changed is named by its entry where that can be.
    anchors += known.heads(ledger, options.head)
    for one in signatures:
        known.counted(ledger, one.said, str(one.path))
    print(f"{ledger.name}: whole, {composed(ledger, head)}; head {head.digest}")
    if options.quick:
        print("heads only: no block was read (--quick)")
    print(f"held against {known.against(anchors)}" if anchors else _alone())
    for one in signatures:
        by = "signed with this key" if key is not None else "signed, by whom was not checked (no --key)"
        since = f", seen by the authority at {one.since}" if one.since else ""
        print(f"{one.path}: entry {one.said.number}, {by}{since}")
    return WHOLE


def _alone() -> str:
    return "held against nothing from outside: that its end was cut off would not show"


def whole(ledger: Ledger, anchors: Sequence[Anchor], *, blocks: bool) -> None:
    """Raise :class:`Forged` with the first fault of a ledger, and with what contradicts it."""
    with waiting(f"verifying {many(latest(ledger).number, 'entry')}"):
        fault = ledger.verify([(one.number, one.digest) for one in anchors], blocks=blocks)
    if fault is None:
        return
    sources = known.contradicting(ledger, anchors)
    against = f" (it contradicts {', '.join(sources[:3])}{', …' if len(sources) > 3 else ''})"
    raise Forged(f"{ledger.name}: changed: {fault}{against if sources else ''}")


def composed(ledger: Ledger, head: Entry) -> str:
    """Return how many entries there are up to ``head``, in words."""
    runs = {name: ledger.count(name) for name in ledger.environments()}
    each = ", ".join(f"{name} {count:,}" for name, count in runs.items())
    return f"{many(head.number, 'entry')} ({each or 'no run'})"
