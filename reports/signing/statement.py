"""What is signed: an in-toto statement about a ledger's head, or about a bundle of its entries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.signing.errors import SigningError

STATEMENT = "https://in-toto.io/Statement/v1"
HEAD = "urn:policyproof:ledger-head:1"
BUNDLE = "urn:policyproof:ledger-bundle:1"
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HeadStatement:
    """That a ledger's chain came to this digest, with so many runs on each environment before it."""

    number: int
    digest: str
    previous: str
    runs: Mapping[str, int]
    prunes: int
    signed: str  # ISO 8601 in UTC

    def payload(self) -> bytes:
        """Return the statement as JSON."""
        predicate = {
            "number": self.number,
            "previous": self.previous,
            "runs": dict(self.runs),
            "prunes": self.prunes,
            "signed": self.signed,
        }
        return _payload(HEAD, {f"ledger entry {self.number}": self.digest}, predicate)


@dataclass(frozen=True, slots=True)
class BundleStatement:
    """That a bundle holds entries ``first`` to ``last``, chained behind ``previous``, and these files."""

    first: int
    last: int
    previous: str
    digest: str  # of the entry `last`
    entries: str  # SHA-256 of the file of heads
    blocks: str  # SHA-256 of the list of blocks
    count: int  # of blocks
    made: str

    def payload(self) -> bytes:
        """Return the statement as JSON."""
        subjects = {
            f"ledger entry {self.last}": self.digest,
            "entries.jsonl": self.entries,
            "blocks.txt": self.blocks,
        }
        predicate = {
            "first": self.first,
            "last": self.last,
            "previous": self.previous,
            "blocks": self.count,
            "made": self.made,
        }
        return _payload(BUNDLE, subjects, predicate)


def read_head(payload: bytes, shown: str) -> HeadStatement:
    """Return what is said of a head; ``shown`` names the file in messages."""
    subjects, said = _read(payload, shown, HEAD)
    try:
        number = _count(said["number"], 1)
        return HeadStatement(
            number=number,
            digest=_sha256(subjects[f"ledger entry {number}"]),
            previous=_sha256(said["previous"]),
            runs={str(name): _count(runs, 1) for name, runs in said["runs"].items()},
            prunes=_count(said["prunes"], 0),
            signed=_text(said["signed"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _shapeless(shown, HEAD) from None


def read_bundle(payload: bytes, shown: str) -> BundleStatement:
    """Return what is said of a bundle; ``shown`` names the file in messages."""
    subjects, said = _read(payload, shown, BUNDLE)
    try:
        first, last = _count(said["first"], 1), _count(said["last"], 1)
        if last < first:
            raise ValueError
        return BundleStatement(
            first=first,
            last=last,
            previous=_sha256(said["previous"]),
            digest=_sha256(subjects[f"ledger entry {last}"]),
            entries=_sha256(subjects["entries.jsonl"]),
            blocks=_sha256(subjects["blocks.txt"]),
            count=_count(said["blocks"], 0),
            made=_text(said["made"]),
        )
    except (KeyError, TypeError, ValueError):
        raise _shapeless(shown, BUNDLE) from None


def _payload(kind: str, subjects: Mapping[str, str], predicate: Mapping[str, Any]) -> bytes:
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects.items()],
        "predicateType": kind,
        "predicate": predicate,
    }
    return json.dumps(statement, ensure_ascii=False, separators=(",", ":")).encode()


def _read(payload: bytes, shown: str, kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return subjects by name, and the predicate."""
    try:
        statement = json.loads(payload)
        found = statement["_type"], statement["predicateType"]
        subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
        predicate = statement["predicate"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _shapeless(shown, kind) from None
    if found != (STATEMENT, kind) or not isinstance(predicate, dict):
        raise _shapeless(shown, kind)
    return subjects, predicate


def _shapeless(shown: str, kind: str) -> SigningError:
    return SigningError(f"{shown}: holds no statement of type {kind}")


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError
    return value


def _count(value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**63:
        raise ValueError
    return value


def _text(value: object) -> str:
    """Return a short text without control characters: it is printed."""
    if not isinstance(value, str) or len(value) > 100 or not value.isprintable():
        raise ValueError
    return value
