"""The record of every run: entries that are only ever added, each chained to the one before.

An entry's digest covers its head; the head names its blocks by digest. So a head or block changed,
an entry taken out, doubled or moved shows in :meth:`Ledger.verify`. Entries cut from the end cannot
show by themselves: the digests printed in reports and signed are what they are held against.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

from reports import shape
from reports.ledger import packing, pruning, rows, verifying
from reports.ledger.chain import GENESIS, Entry, Fault, LedgerError, linked
from reports.ledger.packing import WORDS, FindingRow, PlanRow, pack
from reports.ledger.store import Store
from reports.ledger.tables import change, entry
from reports.shape import Summary
from reports.shape.states import State

LARGEST = 2**63 - 1
"""SQLite's and PostgreSQL's integers end there."""


class ChangeRow(NamedTuple):
    """That a control on a target came to something else than in the run before; ``None``: not in that run."""

    number: int
    started: str
    control: str
    target: str
    was: State | None
    now: State | None


class Ledger:
    """A ledger in an SQLite file or on a PostgreSQL server, made at the first append.

    Reading one that does not exist finds nothing. Raises only :class:`LedgerError`.
    """

    def __init__(self, where: Path | str) -> None:
        self.store = Store(where)
        self._blocks: dict[str, Any] = {}  # the last few blocks read, by digest

    @property
    def name(self) -> str:
        """What messages call this ledger; holds no secret of its address."""
        return self.store.name

    @property
    def path(self) -> Path:
        """The file; raises :class:`LedgerError` for a ledger on a server."""
        if self.store.path is None:
            raise LedgerError(f"{self.name} is no file")
        return self.store.path

    def look(self) -> AbstractContextManager[None]:
        """Read within the block, in this thread, through one connection and as of one moment."""
        return self.store.held()

    # Writing

    def append(self, summary: Summary) -> Entry:
        """Record one run in one transaction; safe from many processes at once."""
        packed = pack(summary)
        bodies = {digest: rows.shut(text) for digest, text in packed.blocks.items()}
        environment = packed.head["environment"]["id"]
        with self.store.writing() as connection:
            last, previous = self._latest(connection, None), self._latest(connection, environment)
            made = linked(*((last.number + 1, last.digest) if last else (1, GENESIS)), packed.head)
            rows.keep(connection, bodies)
            connection.execute(entry.insert().values(rows.fields(made)))
            rows.note(connection, previous, made)
        return made

    def _latest(self, connection: sa.Connection, environment: str | None) -> Entry | None:
        """Return the last entry, or the last run on an environment; refuses one that was changed."""
        chosen = sa.select(entry).order_by(entry.c.number.desc()).limit(1)
        if environment is not None:
            chosen = chosen.where(entry.c.environment == environment, entry.c.kind == "run")
        row = connection.execute(chosen).first()
        last = Entry(*row) if row else None
        if last and (fault := last.fault(last.number, last.previous)):
            raise LedgerError(f"{self.name}: {fault}; keep it, and begin a new one elsewhere")
        return last

    def prune(self, before: str, keep: str) -> Entry | None:
        """Remove the observations of runs that ended before a moment; ``None`` if there are none.

        ``before`` is ISO 8601 in UTC, ``keep`` the period it stands for. Heads, plans, states and
        fingerprints of findings stay, so that the chain still verifies; a prune is an entry itself.
        """
        self._blocks.clear()
        with self.store.writing() as connection:
            last = self._latest(connection, None)
            if last is None or (head := pruning.prune(connection, before, keep)) is None:
                return None
            made = linked(last.number + 1, last.digest, cast(Any, head))
            connection.execute(entry.insert().values(rows.fields(made)))
        return made

    def restore(self, entries: Iterable[Entry], get: Callable[[str], str | None]) -> None:
        """Fill an empty ledger with entries as they were, all or nothing.

        ``get`` returns the canonical JSON of a block, or ``None`` for one that was pruned. Raises
        :class:`LedgerError` if this ledger holds something, or what comes of it does not verify.
        """
        with self.store.writing() as connection:
            if self._latest(connection, None) is not None:
                raise LedgerError(f"{self.name}: not empty, so nothing can be restored into it")
            rows.insert(connection, entries, get)
            if fault := verifying.verify(connection, (), blocks=True):
                raise LedgerError(f"{self.name}: nothing restored: {fault}")

    # Reading

    def entries(
        self,
        *,
        environment: str | None = None,
        since: str | None = None,
        until: str | None = None,
        kind: str | None = "run",
        limit: int | None = None,
        newest_first: bool = False,
        before: int | None = None,
    ) -> Iterator[Entry]:
        """Yield entries in the order recorded, or the newest first.

        ``since <= started < until``, ISO 8601 in UTC; ``before`` is an entry's number; ``kind=None`` means
        all kinds.
        """
        order = entry.c.number.desc() if newest_first else entry.c.number
        chosen = sa.select(entry).order_by(order).limit(limit)
        chosen = rows.where(chosen, entry, since, until, environment=environment, kind=kind)
        if before is not None:
            chosen = chosen.where(entry.c.number < before)
        with self.store.reading() as connection:
            if connection is not None:
                with closing(rows.streamed(connection, chosen)) as found:
                    for row in found:
                        yield Entry(*row)

    def last(self, environment: str, before: int | None = None) -> Entry | None:
        """Return the latest run on an environment, or the latest with a number below ``before``."""
        found = list(self.entries(environment=environment, newest_first=True, limit=1, before=before))
        return found[0] if found else None

    def head(self) -> Entry | None:
        """Return the latest entry of any kind."""
        found = list(self.entries(kind=None, newest_first=True, limit=1))
        return found[0] if found else None

    def find(self, number: int) -> Entry | None:
        """Return the entry recorded under ``number``."""
        if not 0 < number <= LARGEST:
            return None
        return self._one(entry.c.number == number)

    def find_run(self, text: str) -> Entry | None:
        """Return the run whose id is, or begins with, ``text``; raises :class:`LedgerError` if several do."""
        if whole := self._one(entry.c.id == text):
            return whole
        with self.store.reading() as connection:
            if connection is None or not text:
                return None
            begins = sa.and_(entry.c.id.startswith(text, autoescape=True), entry.c.kind == "run")
            found = connection.execute(sa.select(entry).where(begins).limit(2)).all()
        if len(found) > 1:
            raise LedgerError(f"{self.name}: several runs begin with {text!r}; give more of the id")
        return Entry(*found[0]) if found else None

    def environments(self) -> list[str]:
        """Return the environments that runs were recorded on, by name."""
        with self.store.reading() as connection:
            if connection is None:
                return []
            chosen = sa.select(entry.c.environment).where(entry.c.kind == "run").distinct()
            return sorted(connection.execute(chosen).scalars())

    def count(self, environment: str | None = None) -> int:
        """Return how many runs are recorded."""
        chosen = sa.select(sa.func.count()).select_from(entry).where(entry.c.kind == "run")
        if environment is not None:
            chosen = chosen.where(entry.c.environment == environment)
        with self.store.reading() as connection:
            return 0 if connection is None else connection.execute(chosen).scalar_one()

    def _one(self, condition: sa.ColumnElement[bool]) -> Entry | None:
        with self.store.reading() as connection:
            row = (
                None if connection is None else connection.execute(sa.select(entry).where(condition)).first()
            )
        return Entry(*row) if row else None

    def changes(
        self,
        environment: str,
        *,
        control: str | None = None,
        target: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Iterator[ChangeRow]:
        """Yield where a state differs from the run before on the environment, in the order of runs."""
        chosen = (
            sa.select(
                change.c.number, change.c.started, *(change.c[n] for n in ("control", "target", "was", "now"))
            )
            .where(change.c.environment == environment)
            .order_by(change.c.number, change.c.control, change.c.target)
        )
        chosen = rows.where(chosen, change, since, until, control=control, target=target)
        with self.store.reading() as connection:
            if connection is not None:
                for number, started, name, on, was, now in connection.execute(chosen):
                    yield ChangeRow(number, started, name, on, WORDS.get(was), WORDS.get(now))

    def raw_block(self, digest: str) -> str | None:
        """Return a block's canonical JSON, held against its digest; ``None`` if it is not there."""
        with self.store.reading() as connection:
            return None if connection is None else rows.text(connection, digest, self.name)

    def value(self, digest: str) -> Any | None:
        """Return what a block holds, parsed; ``None`` if it is not there. Do not change what you get."""
        if digest in self._blocks:
            return self._blocks[digest]
        text = self.raw_block(digest)
        value = None if text is None else json.loads(text)
        if value is not None:
            while len(self._blocks) >= 256:  # what was read first goes first
                del self._blocks[next(iter(self._blocks))]
            self._blocks[digest] = value
        return value

    def plan(self, run: Entry) -> list[PlanRow]:
        """Return what a run expected, in the order of its states."""
        return [PlanRow(*row) for row in self._present(run, run.read()["plan"])]

    def findings(self, run: Entry) -> list[FindingRow]:
        """Return what failed or was waived in a run, by fingerprint; outlives a prune."""
        listed = self._present(run, run.read()["findings"])
        return [FindingRow(control, target, tuple(seen), more) for control, target, seen, more in listed]

    def verdicts(self, run: Entry, control: str) -> list[shape.Verdict] | None:
        """Return one control's verdicts with their evidence; ``None`` if pruned, or there were none."""
        head = run.read()
        digest = head["evidence"].get(control)
        kept = None if digest is None else self.value(digest)
        times = self.value(head["times"])
        if kept is None or times is None:
            return None
        plan = self._present(run, head["plan"])
        mine = (t for row, t in zip(plan, times, strict=True) if row[0] == control and t is not None)
        return [
            cast(shape.Verdict, {**verdict, "started": started, "seconds": seconds})
            for verdict, (started, seconds) in zip(kept, mine, strict=True)
        ]

    def part(self, run: Entry, name: str) -> Any | None:
        """Return one key of a run's summary, controls without verdicts; ``None`` where it was pruned."""
        digest = run.read()["parts"].get(name)
        return None if digest is None else self.value(digest)

    def recall(self, run: Entry) -> Summary:
        """Return the summary as it was recorded, with its place in the ledger.

        Raises :class:`LedgerError` if observations were pruned, or it is not what was recorded.
        """
        from reports.recorded import checked  # the schema is read only where it is needed

        def get(digest: str) -> Any:
            text = self.raw_block(digest)
            if text is None:
                raise LedgerError(f"{self.name}: the observations of run {run.number} were pruned")
            return json.loads(text)

        return checked(run, packing.unpack(run.read(), get))

    def _present(self, run: Entry, digest: str) -> Any:
        value = self.value(digest)
        if value is None:
            raise LedgerError(f"{self.name}: a block of run {run.number} is missing ({digest[:12]}…)")
        return value

    def verify(self, anchors: Iterable[tuple[int, str]] = (), *, blocks: bool = True) -> Fault | None:
        """Name the first entry whose content or order was changed; ``None`` if all is whole.

        ``anchors`` are numbers and digests of entries known from elsewhere, such as reports: they show
        what was cut from the end. Without ``blocks`` only heads are looked at, which is many times faster.
        """
        with self.store.reading() as connection:
            return verifying.verify(connection, anchors, blocks=blocks)
