"""Every wrong edit of a ledger shows, whatever was recorded and pruned before it.

The editor is able: without constraints and guards, and where the edit allows it with the whole chain
computed anew behind it. What is held against that are the digests that reports print.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import factories
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_runs import summary

from reports.ledger import GENESIS, Entry, Ledger, canonical, chained

Row = dict[str, Any]
COLUMNS = tuple(Entry.__slots__)


def delete(rows: list[Row], at: int, _: int) -> list[Row]:
    return rows[:at] + rows[at + 1 :]


def truncate(rows: list[Row], at: int, _: int) -> list[Row]:
    return rows[:at]


def swap(rows: list[Row], at: int, other: int) -> list[Row]:
    rows[at], rows[other] = rows[other], rows[at]
    return rows


def duplicate(rows: list[Row], at: int, other: int) -> list[Row]:
    return [*rows[: other + 1], dict(rows[at]), *rows[other + 1 :]]


def soften(rows: list[Row], at: int, _: int) -> list[Row]:
    """Let a run have come to something else."""
    head = json.loads(rows[at]["head"])
    if rows[at]["kind"] == "run":
        head["states"] = ("f" if head["states"].startswith("p") else "p") + head["states"][1:]
    else:
        head["before"] = "2099-01-01T00:00:00Z"
    rows[at]["head"] = canonical(head)
    return rows


def move(rows: list[Row], at: int, _: int) -> list[Row]:
    """Let it have happened elsewhere and at another time."""
    rows[at]["environment"] = "elsewhere"
    rows[at]["started"] = "2020-01-01T00:00:00Z"
    return rows


EDITS: Sequence[Callable[[list[Row], int, int], list[Row]]] = (
    delete,
    truncate,
    swap,
    duplicate,
    soften,
    move,
)


def numbered(rows: list[Row]) -> list[Row]:
    """Number entries anew and nothing else."""
    return [{**row, "number": number} for number, row in enumerate(rows, start=1)]


def chained_anew(rows: list[Row]) -> list[Row]:
    """Make a chain of entries that is right in itself."""
    previous, done = GENESIS, []
    for row in numbered(rows):
        digest = chained(previous, row["head"])
        done.append({**row, "previous": previous, "digest": digest})
        previous = digest
    return done


def as_they_are(rows: list[Row]) -> list[Row]:
    return rows


DISGUISES: Sequence[Callable[[list[Row]], list[Row]]] = (as_they_are, numbered, chained_anew)


class Edited(RuleBasedStateMachine):
    """A ledger that grows and is pruned, and copies of it that are edited."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="policyproof-"))
        self.ledger = Ledger(self.folder / "ledger.sqlite")
        self.printed: list[tuple[int, str]] = []
        self.runs = 0
        self.record("lab", factories.violating)

    @rule(
        environment=st.sampled_from(("lab", "staging")),
        make=st.sampled_from((factories.clean, factories.violating, factories.empty)),
    )
    def record(self, environment: str, make: Callable[[], Any]) -> None:
        self.runs += 1
        entry = self.ledger.append(summary(self.runs, environment, make))
        self.printed.append((entry.number, entry.digest))

    @precondition(lambda self: self.runs > 1)
    @rule(share=st.floats(0.1, 1))
    def prune(self, share: float) -> None:
        first = datetime.fromisoformat(next(self.ledger.entries()).started)
        before = first + timedelta(hours=max(1, int(self.runs * share)))
        entry = self.ledger.prune(before.isoformat().replace("+00:00", "Z"), "PT1H")
        if entry is not None:
            self.printed.append((entry.number, entry.digest))

    @rule(
        edit=st.sampled_from(EDITS),
        disguise=st.sampled_from(DISGUISES),
        at=st.integers(0, 99),
        other=st.integers(0, 99),
    )
    def entries_are_edited(
        self,
        edit: Callable[[list[Row], int, int], list[Row]],
        disguise: Callable[[list[Row]], list[Row]],
        at: int,
        other: int,
    ) -> None:
        with self.copied() as connection:
            chosen = f"SELECT {', '.join(COLUMNS)} FROM entry ORDER BY number"
            rows = [dict(zip(COLUMNS, row, strict=True)) for row in connection.execute(chosen)]
            before = [dict(row) for row in rows]
            rows = disguise(edit(rows, at % len(rows), other % len(rows)))
            connection.execute("CREATE TABLE free AS SELECT * FROM entry WHERE 0")
            connection.execute("DROP TABLE entry")
            connection.execute("ALTER TABLE free RENAME TO entry")
            marks = ", ".join("?" * len(COLUMNS))
            connection.executemany(
                f"INSERT INTO entry ({', '.join(COLUMNS)}) VALUES ({marks})",
                [[row[name] for name in COLUMNS] for row in rows],
            )
        # Rows stand in no order but that of their numbers.
        self.judge(sorted(rows, key=lambda row: row["number"]) != before)

    @rule(
        statement=st.sampled_from(
            (
                "DELETE FROM block WHERE digest ="
                " (SELECT digest FROM block ORDER BY digest LIMIT 1 OFFSET ?)",
                "UPDATE block SET body = x'78' WHERE digest ="
                " (SELECT digest FROM block ORDER BY digest LIMIT 1 OFFSET ?)",
                "UPDATE block SET digest = 'ab' WHERE digest ="
                " (SELECT digest FROM block ORDER BY digest LIMIT 1 OFFSET ?)",
                "DELETE FROM change WHERE rowid = (SELECT rowid FROM change LIMIT 1 OFFSET ?)",
                "UPDATE change SET now = 'x' WHERE rowid = (SELECT rowid FROM change LIMIT 1 OFFSET ?)",
                "UPDATE OR IGNORE change SET number = number + 1 WHERE number ="
                " (SELECT max(number) FROM change WHERE number <= ?)",
            )
        ),
        at=st.integers(0, 40),
    )
    def contents_are_edited(self, statement: str, at: int) -> None:
        with self.copied() as connection:
            edited = connection.execute(statement, (at,)).rowcount > 0
        self.judge(edited)

    def copied(self) -> Any:
        shutil.copy(self.ledger.path, self.folder / "edited.sqlite")
        return closing(sqlite3.connect(self.folder / "edited.sqlite", isolation_level=None))

    def judge(self, edited: bool) -> None:
        fault = Ledger(self.folder / "edited.sqlite").verify(self.printed)
        assert (fault is not None) == edited, fault
        assert "\n" not in str(fault)

    @invariant()
    def what_is_as_recorded_verifies(self) -> None:
        assert self.ledger.verify(self.printed) is None
        assert len(self.printed) == sum(1 for _ in self.ledger.entries(kind=None))

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


TestEdited = Edited.TestCase
TestEdited.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
