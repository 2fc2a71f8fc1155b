"""Many writers at once, and writers killed at any moment: nothing is lost, and one chain comes of it."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from ledger_runs import summary

from reports.ledger import Ledger, LedgerError
from reports.ledger.migrating import upgrade
from reports.ledger.tables import metadata
from tests import servers

HERE = Path(__file__).parent
WRITER = """
import sys
from ledger_runs import summary
from reports.ledger import Ledger
where, name, runs = sys.argv[1:]
ledger = Ledger(where)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(runs)):
    made = summary(number)
    made["run"]["id"] = f"{name}-{number}"
    print(ledger.append(made).number, flush=True)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.postgres() as running:
        yield running


@pytest.fixture
def database(server: servers.Server, request: pytest.FixtureRequest) -> str:
    name = f"ledger_{abs(hash(request.node.name)) % 10**9}"
    server.admin(f"CREATE DATABASE {name}")
    return server.url(name)


def writers(where: str, count: int, runs: int, name: str = "writer") -> list[subprocess.Popen[str]]:
    """Start processes that wait for a line, so that all begin at once."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, where, f"{name}{number}", str(runs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE}"},
        )
        for number in range(count)
    ]
    for one in started:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in started:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    return started


def finished(started: list[subprocess.Popen[str]]) -> list[list[int]]:
    """Return the numbers under which each recorded its runs; all must have ended well."""
    numbers = []
    for one in started:
        out, _ = one.communicate(timeout=120)
        assert one.returncode == 0
        numbers.append([int(line) for line in out.split()])
    return numbers


def test_twenty_processes_write_one_chain_into_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"  # does not exist: all also race to make it
    numbers = finished(writers(str(path), 20, 3))
    ledger = Ledger(path)
    assert ledger.verify() is None
    assert sorted(itertools.chain.from_iterable(numbers)) == list(range(1, 61))
    assert all(own == sorted(own) for own in numbers)
    assert len({entry.id for entry in ledger.entries()}) == 60


def test_two_hundred_writers_write_one_chain_on_a_server(database: str) -> None:
    """Each with a connection of its own, against a server that takes fewer than they are."""
    ledger = Ledger(database)

    def write(number: int) -> int:
        made = summary(number)
        made["run"]["id"] = f"run-{number}"
        return Ledger(database).append(made).number

    with ThreadPoolExecutor(200) as pool:
        numbers = list(pool.map(write, range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert ledger.verify() is None
    assert ledger.count("lab") == 200


def test_processes_race_to_make_a_ledger_on_a_server(database: str) -> None:
    numbers = finished(writers(database, 6, 2))
    assert sorted(itertools.chain.from_iterable(numbers)) == list(range(1, 13))
    assert Ledger(database).verify() is None


@pytest.mark.parametrize("kind", ["file", "server"])
def test_a_writer_killed_at_any_moment_leaves_a_valid_ledger(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "ledger.sqlite") if kind == "file" else request.getfixturevalue("database")
    chance = random.Random(7)
    acknowledged = 0
    for round_ in range(8):
        (writer,) = writers(where, 1, 1000, f"round{round_}-")
        # Every other one has written something, however slow the machine is.
        first = writer.stdout.readline() if round_ % 2 and writer.stdout is not None else ""
        time.sleep(chance.uniform(0.01, 0.25))
        os.kill(writer.pid, signal.SIGKILL)
        out, _ = writer.communicate(timeout=30)
        out = first + out
        ledger = Ledger(where)
        assert ledger.verify() is None
        held = last.number if (last := ledger.head()) else 0
        # What was acknowledged is there; at most one more was written whose word did not get out.
        acknowledged = max([acknowledged, *(int(line) for line in out.splitlines() if line)])
        assert acknowledged <= held <= acknowledged + 1
        acknowledged = held
    assert acknowledged > 0


def test_a_server_guards_against_a_slip_of_the_hand(database: str) -> None:
    ledger = Ledger(database)
    ledger.append(summary(1))
    with psycopg.connect(database, autocommit=True) as connection:
        for statement in ("UPDATE entry SET started = 'now'", "DELETE FROM entry", "TRUNCATE entry"):
            with pytest.raises(psycopg.errors.RaiseException, match="never"):
                connection.execute(statement)
        connection.execute("DROP TRIGGER entry_is_never_changed ON entry")
        connection.execute("UPDATE entry SET started = 'now'")
    assert "entry 1 (run-1) was changed" in str(ledger.verify())


def test_what_a_server_refuses_is_one_line_without_its_words(server: servers.Server, database: str) -> None:
    Ledger(database).append(summary(1))
    name = database.rpartition("/")[2]
    server.admin("DROP ROLE IF EXISTS reader", f"CREATE ROLE reader LOGIN PASSWORD '{servers.PASSWORD}'")
    reader = Ledger(server.url(name, "reader"))
    for ledger in (reader, Ledger(server.url(name, "nobody")), Ledger(server.url("no_such_database"))):
        with pytest.raises(LedgerError) as raised:
            ledger.append(summary(2))
        assert "\n" not in str(raised.value)
        assert servers.PASSWORD not in str(raised.value)
    with pytest.raises(LedgerError, match="SQLSTATE 42501"):
        reader.append(summary(2))
    with pytest.raises(LedgerError, match="recorded already"):
        Ledger(database).append(summary(1))


@pytest.mark.parametrize("kind", ["file", "server"])
def test_migrations_come_to_the_tables_that_a_new_ledger_has(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = str(tmp_path / "ledger.sqlite") if kind == "file" else request.getfixturevalue("database")
    ledger = Ledger(where)
    with ledger.store._connected() as connection:  # the only door to a database without tables
        upgrade(connection, ledger.name, "none")
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        connection.commit()
    assert ledger.append(summary(1)).number == 1
    assert ledger.verify() is None
    with pytest.raises(LedgerError), ledger.store.writing() as connection:
        connection.execute(sa.text("DELETE FROM entry"))


def test_a_ledger_of_a_newer_version_is_refused_in_one_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append(summary(1))
    with ledger.store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="tables are at 9999, this version reads 0001"):
        list(ledger.entries())
    with pytest.raises(LedgerError, match="at 9999, which this version does not know"):
        ledger.append(summary(2))
