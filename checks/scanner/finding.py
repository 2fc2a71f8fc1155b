"""What the kernel's records mean, in words: masked matches, with how sure they are and a fingerprint."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from checks.detectors.card_networks import network_by_prefix
from checks.scanner.context import (
    CARD_WORD,
    IN_FRACTION,
    IN_HEX,
    IN_IBAN,
    IN_PHONE,
    IN_UUID,
    SECURITY_CODE,
    TRACK,
)

FORMS = (
    "plain", "grouped", "other-script", "exponent", "utf-16-le", "utf-16-be", "url", "json", "html", "base64",
    "hex",
)  # fmt: skip
"""By the kernel's number; ``json`` and ``html`` are escapes, ``exponent`` a floating point number."""
_DOUBTS = {
    IN_HEX: "within hexadecimal",
    IN_FRACTION: "behind a decimal point",
    IN_PHONE: "a telephone number by its plus sign",
    IN_UUID: "within a UUID",
    IN_IBAN: "a valid IBAN",
}
TEST = 1 << 8
"""In ``marks``: a network published the number for tests."""


@dataclass(frozen=True, slots=True)
class Match:
    """A card number that was found. ``offset`` and ``end`` are in bytes, ``line`` counts from 1.

    ``masked`` shows the first six and last four digits at the very most (PCI DSS 4.0.1, 3.4.1).
    ``fingerprint`` is the same for the same number within one run and says nothing outside it.
    ``confidence`` is ``high``, ``medium`` or ``low``; ``doubts`` says why it is low.
    """

    offset: int
    end: int
    line: int
    form: str
    network: str
    masked: str
    confidence: str
    fingerprint: str
    test_number: bool  # a network or processor published it for tests
    security_code: bool  # a CVV stands beside it (PCI DSS 4.0.1, 3.3.1.2)
    track_data: bool  # it is part of a magnetic stripe's track (3.3.1.1)
    doubts: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """``critical`` with a security code or track data, ``low`` for a test number, else ``high``."""
        if self.security_code or self.track_data:
            return "critical"
        return "low" if self.test_number or self.confidence == "low" else "high"

    @property
    def said(self) -> str:
        """What is said of it in words, and of what makes it worse or better."""
        extra = [
            text
            for holds, text in (
                (self.form not in ("plain", "grouped"), f"written as {self.form}"),
                (self.track_data, "in track data"),
                (self.security_code, "with a security code"),
                (self.test_number, "published for tests"),
            )
            if holds
        ]
        return f"{self.network} number {self.masked}" + (f" ({', '.join(extra)})" if extra else "")


def match_of(
    *, offset: int, end: int, line: int, tag: int, first6: int, last4: int, length: int, form: int,
    marks: int, key: bytes,
) -> Match:  # fmt: skip
    """Return the record of a hit in words. ``key`` is the run's; the fingerprint is an HMAC-SHA-256."""
    head = f"{first6:06}"
    doubts = tuple(text for bit, text in _DOUBTS.items() if marks & bit)
    sure = marks & (CARD_WORD | SECURITY_CODE | TRACK) or form == 1
    return Match(
        offset=offset,
        end=end,
        line=line,
        form=FORMS[form],
        network=network_by_prefix(head, length) or "unknown",
        masked=f"{head}{'*' * (length - 10)}{last4:04}",
        confidence="low" if doubts else "high" if sure else "medium",
        fingerprint=hmac.new(key, tag.to_bytes(8, "big"), hashlib.sha256).hexdigest()[:16],
        test_number=bool(marks & TEST),
        security_code=bool(marks & SECURITY_CODE),
        track_data=bool(marks & TRACK),
        doubts=doubts,
    )
