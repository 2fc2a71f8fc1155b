"""The chain: canonical JSON, digests, and one entry's place between its neighbours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from checks.core.errors import PolicyproofError
from reports.shape.ledger import PRUNE_HEAD, RUN_HEAD, PruneHead, RunHead

GENESIS = "0" * 64
"""What the first entry is chained to."""


class LedgerError(PolicyproofError):
    """The ledger cannot be read or written, or was changed; one line."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a ledger, at the first entry where it shows."""

    number: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the chain: a run, or that old observations were pruned.

    ``head`` is canonical JSON, ``digest`` the SHA-256 of ``previous`` and ``head``; the other
    fields repeat what the head says. Moments are ISO 8601 in UTC; a prune has ``environment`` ``""``.
    """

    number: int  # from 1, without holes
    kind: str
    id: str
    environment: str
    started: str
    ended: str
    previous: str
    digest: str
    head: str

    def read(self) -> RunHead:
        """Return the head of a run; raises :class:`LedgerError` if it is none of this version."""
        return cast(RunHead, self._object(RUN_HEAD))

    def read_prune(self) -> PruneHead:
        """Return the head of a prune; raises :class:`LedgerError` if it is none of this version."""
        return cast(PruneHead, self._object(PRUNE_HEAD))

    def _object(self, schema: str) -> dict[str, Any]:
        try:
            head = json.loads(self.head)
        except (ValueError, RecursionError):
            head = None
        if not isinstance(head, dict) or head.get("schema") != schema:
            raise LedgerError(f"entry {self.number} was recorded in another shape than {schema}")
        return head

    def fault(self, number: int, previous: str) -> Fault | None:
        """Say what is wrong with this entry at this place in the chain; ``None`` if nothing is."""
        if self.number != number or self.previous != previous:
            found = f"found entry {self.number}, {self.id}"
            return Fault(number, f"the order was changed at entry {number} ({found})")
        if not self._unchanged():
            return Fault(number, f"entry {number} ({self.id}) was changed after it was recorded")
        return None

    def _unchanged(self) -> bool:
        try:
            if self.digest != chained(self.previous, self.head):
                return False
            head = json.loads(self.head)
            said = (self.kind, self.id, self.environment, self.started, self.ended)
            return labels(head) == said and canonical(head) == self.head
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False  # no longer text, JSON, or an entry


def canonical(body: object) -> str:
    """Return ``body`` as JSON with sorted keys and no spaces, the same for equal bodies."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def chained(previous: str, head: str) -> str:
    """Return the SHA-256 in hex over the digest before and the head."""
    return sha256(previous + head)


def labels(head: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """Return kind, id, environment, start and end, as the columns repeat them."""
    if head["schema"] == PRUNE_HEAD:
        return "prune", head["id"], "", head["at"], head["at"]
    run = head["run"]
    return "run", run["id"], head["environment"]["id"], run["started"], run["ended"]


def linked(number: int, previous: str, head: Mapping[str, Any]) -> Entry:
    """Return the entry that ``head`` makes behind the digest ``previous``."""
    text = canonical(head)
    return Entry(number, *labels(head), previous, chained(previous, text), text)
