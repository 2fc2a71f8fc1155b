"""Every sensitive value the lab holds on purpose, so that a test can look for them where they must not be.

The card numbers are made here: a real network's IIN, digits of our own, and the check digit. No real
card is meant, and the networks' published test numbers are left out, because scanners may know them.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from datetime import UTC, datetime

from lab.rows import SEED
from lab.rows.people import accounts
from lab.rows.values import Values, luhn

SAMPLE = 20
"""How many of the base accounts :func:`all_values` names."""


def _card(start: str, size: int = 16) -> str:
    """Return a card number of ``size`` digits that begins with ``start`` and ends in its check digit."""
    digits = (start + "8302715946038271")[: size - 1]
    return next(number for number in (f"{digits}{last}" for last in range(10)) if luhn(number))


def grouped(number: str) -> str:
    """Return ``number`` as it is printed on a card, in groups of four."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


CARD_IN_TEXT = _card("45397")
CARD_IN_JSON = _card("52084")
CARD_IN_ARRAY = _card("37146", 15)
CARD_IN_PROJECT = _card("60117")
CARD_IN_LOG = _card("41479")
CARD_IN_API = _card("53617")
CARD_IN_BACKUP = _card("35613")
CARD_IN_UPLOAD = _card("51028")

ORPHAN_PASSWORD = "Kestrel-Orchard-6194"  # noqa: S105  a canary
SECRETS = {
    "DATABASE_PASSWORD": "lab-canary-Wq7mTz0dRk",
    "PADDLE_API_KEY": "pdl_lab_canary_9fKx2LbVtY3s",
    "SESSION_SECRET": "lab-canary-9c1Jv4hXpN8aUe5G",
    "SMTP_PASSWORD": "lab-canary-mQ3rB7wZ",
}
"""What stands in ``app.env``."""

RIGHTS_KEY = "lab-canary-tK4vQe8sYw1Zr6Ub"
"""What the markers of the rights drill are made with: the same every time, so that later runs know them."""


def rights_mac(what: str) -> str:
    """Return ten characters that only ``RIGHTS_KEY`` yields, as the drill makes its markers of them."""
    digest = hmac.new(RIGHTS_KEY.encode(), f"policyproof canary {what}".encode(), "sha256").digest()
    return b32encode(digest).decode().lower()[:10]


PLANTED_NAME = "Theodora Vanterpool"
PLANTED_EMAIL = "theodora.vanterpool@example.org"
DELETED_NAME = "Barnaby Quackenbush"
DELETED_EMAIL = "barnaby.quackenbush@example.org"
BACKUP_NAME = "Ottilie Featherington"
BACKUP_EMAIL = "ottilie.featherington@example.org"
BILLING_NAME = "Cornelius Abercrombie"
HASH_IN_API = "$2b$12$" + "LabCanaryHashNotReal." + "q7Wm3ZkV9rTn1XsB5cYd8eFg2hJk4Lp6"
ERROR_EMAIL = "leopold.ravenscroft@example.net"


def cards() -> list[str]:
    """Return every planted card number."""
    return [
        CARD_IN_TEXT,
        CARD_IN_JSON,
        CARD_IN_ARRAY,
        CARD_IN_PROJECT,
        CARD_IN_LOG,
        CARD_IN_API,
        CARD_IN_BACKUP,
        CARD_IN_UPLOAD,
    ]


def all_values() -> list[str]:
    """Return every planted value, cards also as printed, and names and addresses of base accounts."""
    people = accounts(Values(SEED, datetime.now(UTC))).rows[:SAMPLE]
    return [
        *cards(),
        *map(grouped, cards()),
        *SECRETS.values(),
        ORPHAN_PASSWORD,
        RIGHTS_KEY,
        rights_mac("prefix"),
        PLANTED_NAME,
        PLANTED_EMAIL,
        DELETED_NAME,
        DELETED_EMAIL,
        BACKUP_NAME,
        BACKUP_EMAIL,
        BILLING_NAME,
        ERROR_EMAIL,
        HASH_IN_API,
        *(str(row[1]) for row in people),
        *(str(row[3]) for row in people),
    ]
