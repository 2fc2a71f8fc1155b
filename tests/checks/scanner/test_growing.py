"""A table as a sample that grows: what is claimed was read to its end, and each match is told once."""

from __future__ import annotations

import sqlite3
from itertools import count
from pathlib import Path

import pytest

from checks.connectors.sql import SqlStore
from checks.scanner.clock import ENDLESS, Clock
from checks.scanner.growing import SMALL, InTable
from tests.checks.connectors.conftest import target

ROWS = 30_000
BATCH = 256


@pytest.fixture(scope="module", params=["id INTEGER PRIMARY KEY, body TEXT", "id INTEGER, body TEXT"])
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("growing") / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE note ({request.param})")
        connection.executemany("INSERT INTO note VALUES (?, 'text')", [(n,) for n in range(1, ROWS + 1)])
        connection.execute("CREATE TABLE few (body TEXT)")
        connection.execute("INSERT INTO few VALUES ('text')")
        # In every 300th row: a sample of a third meets some.
        connection.execute("CREATE TABLE bad AS SELECT * FROM note")
        connection.execute("UPDATE bad SET body = '4556737586899855' WHERE id % 300 = 0")
    connection.close()
    return path


def ticks(batches: int) -> Clock:
    """A clock that is over when so many batches were looked at."""
    steps = count()
    return Clock(batches, lambda: float(next(steps)))


def look(path: Path, table: str, clock: Clock, most: float = 1.0) -> tuple[InTable, list[str]]:
    with SqlStore.open(target(f"sqlite:///{path}")) as store:
        seen = InTable(
            lambda share: store.text_rows(table, None if share is None else (share, 7)),
            store.count(table),
            most=most,
            clock=clock,
        )
        found = [f"{row} {column}" for row, column, _ in seen]
    return seen, found


def test_enough_time_reads_the_whole(path: Path) -> None:
    for clock in (ENDLESS, ticks(100_000)):
        seen, found = look(path, "note", clock)
        assert (seen.share, seen.rows, seen.cut, found) == (1.0, ROWS, False, [])
        assert look(path, "few", clock)[0].share == 1.0


@pytest.mark.parametrize("after", [0, 10])
def test_what_is_not_read_to_its_end_is_not_claimed(path: Path, after: int) -> None:
    seen, _ = look(path, "note", ticks(after))
    assert (seen.share, seen.rows, seen.cut) == (0.0, 0, True)


def test_the_last_sample_that_was_read_counts(path: Path) -> None:
    seen, _ = look(path, "note", ticks(ROWS // BATCH + 40))
    assert seen.share == SMALL / ROWS
    assert SMALL * 0.9 < seen.rows < SMALL * 1.1
    assert seen.cut
    assert seen.bytes


def test_a_sample_is_the_most_that_is_read(path: Path) -> None:
    for clock in (ENDLESS, ticks(100_000)):
        seen, _ = look(path, "note", clock, most=0.5)
        assert seen.share == 0.5
        assert ROWS * 0.45 < seen.rows < ROWS * 0.55
        assert not seen.cut


@pytest.mark.parametrize("batches", [None, 100_000, ROWS // BATCH + 60])
def test_each_match_is_told_once(path: Path, batches: int | None) -> None:
    seen, found = look(path, "bad", ENDLESS if batches is None else ticks(batches))
    if seen.share == 1.0:
        assert len(found) == 100
    else:
        assert 10 < len(found) < 100
        assert seen.cut
    assert all(text.endswith(" body") for text in found)
