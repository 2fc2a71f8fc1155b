"""The whole of a ledger held against its digests, in one pass and in constant memory but for digests."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from reports.ledger import rows
from reports.ledger.chain import GENESIS, Entry, Fault, LedgerError, sha256
from reports.ledger.packing import named
from reports.ledger.tables import block, change, entry
from reports.shape.ledger import RunHead


def verify(
    connection: sa.Connection | None, anchors: Iterable[tuple[int, str]], *, blocks: bool
) -> Fault | None:
    """Return the first fault; see :meth:`reports.ledger.Ledger.verify`."""
    known: dict[int, set[str]] = defaultdict(set)
    for number, digest in anchors:
        known[number].add(digest)
    with closing(_faults(connection, known, blocks)) as faults:
        return next(faults, None)


def _faults(connection: sa.Connection | None, known: dict[int, set[str]], blocks: bool) -> Generator[Fault]:
    last, seen = 0, set[str]()
    if connection is not None:
        contents = _Contents(connection) if blocks else None
        previous = GENESIS
        chosen = sa.select(entry).order_by(entry.c.number)
        for number, row in enumerate(rows.streamed(connection, chosen), start=1):
            found = Entry(*row)
            if fault := found.fault(number, previous):
                yield fault
                return  # what follows is chained to something else
            if found.id in seen:
                yield Fault(number, f"entry {number} ({found.id}) is recorded twice")
            seen.add(found.id)
            if known.get(number, {found.digest}) != {found.digest}:
                said = "is not the one known from elsewhere: the ledger was written anew from there"
                yield Fault(number, f"entry {number} ({found.id}) {said}")
            if contents is not None:
                yield from contents.faults(found)
            previous, last = found.digest, number
        if contents is not None:
            yield from contents.left_over(last)
    if known and max(known) > last:
        yield Fault(
            last + 1, f"entries were cut from the end: entry {max(known)} is known, the last here is {last}"
        )


class _Contents:
    """What heads name: blocks and the index of changes."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.present: set[str] = set()
        self.broken: set[str] = set()
        for digest, body in rows.streamed(connection, sa.select(block.c.digest, block.c.body)):
            found = rows.opened(body)
            (self.present if found is not None and sha256(found) == digest else self.broken).add(digest)
        self.named: set[str] = set()
        self.pruned: list[tuple[int, str]] = []
        chosen = sa.select(entry).where(entry.c.kind == "prune")
        for row in connection.execute(chosen):
            try:
                self.pruned.append((row.number, Entry(*row).read_prune()["before"]))
            except (LedgerError, KeyError):
                continue  # the chain itself says what is wrong with it
        self.latest: dict[str, RunHead] = {}
        self.plans: dict[str, Any] = {}
        self.noted: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
        names = ("environment", "started", "control", "target", "was", "now")
        for number, *said in rows.streamed(
            connection, sa.select(change.c.number, *(change.c[n] for n in names))
        ):
            self.noted[number].add(tuple(said))

    def faults(self, found: Entry) -> Iterator[Fault]:
        """Yield what is wrong with the blocks of one entry, and with what is noted of it."""
        if found.kind != "run":
            return
        at = f"run {found.number} ({found.id})"
        try:
            head = found.read()
            digests = list(named(head))
        except (LedgerError, KeyError, TypeError, AttributeError):
            yield Fault(found.number, f"{at} is in no shape that this version knows")
            return
        gone = any(number > found.number and found.ended < before for number, before in self.pruned)
        for digest, prunable in digests:
            self.named.add(digest)
            if digest in self.broken:
                yield Fault(
                    found.number, f"a block of {at} was changed after it was recorded ({digest[:12]}…)"
                )
            elif digest not in self.present and not (prunable and gone):
                yield Fault(
                    found.number, f"a block of {at} was removed, and no prune says so ({digest[:12]}…)"
                )
        if head["plan"] in self.present:
            yield from self._changes(found, head, at)

    def _changes(self, found: Entry, head: RunHead, at: str) -> Iterator[Fault]:
        if len(self._plan(head["plan"])) != len(head["states"]):
            yield Fault(found.number, f"{at} has another number of states than of things planned")
            return
        before = self.latest.get(found.environment)
        expected = {
            (found.environment, found.started, *turn) for turn in rows.turns(before, head, self._plan)
        }
        if self.noted.pop(found.number, set()) != expected:
            yield Fault(found.number, f"the index of what changed in {at} is not what its states say")
        self.latest[found.environment] = head

    def _plan(self, digest: str) -> Any:
        if digest not in self.plans:
            if len(self.plans) > 50:
                self.plans.clear()
            self.plans[digest] = json.loads(rows.text(self.connection, digest, "ledger") or "[]")
        return self.plans[digest]

    def left_over(self, last: int) -> Iterator[Fault]:
        """Yield what no entry accounts for."""
        if self.noted:
            yield Fault(last + 1, f"changes are noted of run {min(self.noted)}, which is not there")
        if extra := (self.present | self.broken) - self.named:
            yield Fault(last + 1, f"blocks are there that no run names: {len(extra):,}")
