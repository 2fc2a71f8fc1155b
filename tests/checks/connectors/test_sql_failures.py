"""Databases that do not let us look: one clear line each, without address, password or value."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from checks.connectors.sql import SqlStore
from checks.core.errors import NotAssessed, Refused, TimedOut, Unreachable, Unreadable
from tests import servers
from tests.checks.connectors.conftest import BIG, cells, target

SERVERS = ("postgres_server", "mariadb_server")


def open_and_read(address: str, timeout: float = 2.0) -> None:
    with SqlStore.open(target(address), timeout=timeout) as store:
        for name in store.tables():
            list(store.text_rows(name))


def assert_clean(error: NotAssessed, *secrets: str) -> None:
    """The message is one line that begins with the target and holds no secret."""
    text = error.reason
    assert text.startswith("cloud-db ($DB_URL): ")
    assert "\n" not in text
    for secret in (servers.PASSWORD, "127.0.0.1", "SELECT", "4111", *secrets):
        assert secret not in text
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("not a url", "not a database URL"),
        ("", "not set"),
        ("postgresql://me:Tr0ub4dor-s3cret@127.0.0.1:port/shop", "not a database URL"),
        ("oracle://me:Tr0ub4dor-s3cret@127.0.0.1/shop", "not supported"),
        ("postgresql://me:Tr0ub4dor-s3cret@127.0.0.1", "names no database"),
        ("sqlite://", "names no database"),
        ("postgresql://me:Tr0ub4dor-s3cret@no-such-host.invalid/shop", "host name is not known"),
        ("mysql://me:Tr0ub4dor-s3cret@no-such-host.invalid/shop", "host name is not known"),
        ("postgresql://me:Tr0ub4dor-s3cret@127.0.0.1/shop?colour=blue", "does not know"),
        ("mariadb://me:Tr0ub4dor-s3cret@127.0.0.1/shop?colour=blue", "does not know"),
    ],
)
def test_a_wrong_address(address: str, words: str) -> None:
    with pytest.raises(NotAssessed, match=words) as caught:
        open_and_read(address)
    if address:
        assert_clean(caught.value, "no-such-host", "shop")


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_closed_port(scheme: str) -> None:
    address = f"{scheme}://me:{servers.PASSWORD}@127.0.0.1:{servers.free_port()}/shop"
    with pytest.raises(Unreachable, match="connection refused") as caught:
        open_and_read(address)
    assert_clean(caught.value)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_never_replies(scheme: str, silent_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match="did not answer in the time allowed") as caught:
        open_and_read(f"{scheme}://me:{servers.PASSWORD}@127.0.0.1:{silent_port}/shop")
    assert time.monotonic() - began < 4
    assert_clean(caught.value)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("user", "password", "database", "error", "words"),
    [
        (None, "wr0ng-pass", "shop", Refused, "refused the user name or password"),
        ("nobody_here", "wr0ng-pass", "shop", Refused, "refused the user name or password"),
        (None, servers.PASSWORD, "no_such_db", Unreachable, "no such database"),
    ],
)
def test_a_refused_login(
    request: pytest.FixtureRequest,
    server: str,
    user: str | None,
    password: str,
    database: str,
    error: type[NotAssessed],
    words: str,
) -> None:
    running: servers.Server = request.getfixturevalue(server)
    with pytest.raises(error, match=words) as caught:
        open_and_read(running.url(database, user, password))
    assert_clean(caught.value, "wr0ng-pass", "nobody_here", "no_such_db")


def test_a_table_without_permission(postgres_server: servers.Server, postgres_url: str) -> None:
    postgres_server.admin("CREATE ROLE stranger LOGIN PASSWORD 'pw'")
    with SqlStore.open(target(postgres_server.url("shop", "stranger", "pw"))) as store:
        with pytest.raises(Refused, match="no permission to read") as caught:
            list(cells(store.text_rows("account")))
        assert_clean(caught.value)
        assert len(store.tables()) > 4


@pytest.mark.parametrize("server", SERVERS)
def test_a_query_over_its_time(request: pytest.FixtureRequest, server: str) -> None:
    running: servers.Server = request.getfixturevalue(server)
    request.getfixturevalue(server.replace("server", "url"))
    sleep = "pg_sleep" if running.scheme == "postgresql" else "sleep"
    with SqlStore.open(target(running.url("shop")), timeout=1) as store:
        with pytest.raises(TimedOut) as caught:
            store._link.rows(sa.text(f"SELECT {sleep}(30)"))
        assert_clean(caught.value)
        assert store.count("account") == 3


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_killed_half_way(request: pytest.FixtureRequest, server: str) -> None:
    request.getfixturevalue(server)  # skips where there is none
    start = servers.postgres if server == "postgres_server" else servers.mariadb
    with start() as running:
        running.admin("CREATE DATABASE shop")
        running.admin(*BIG[running.scheme], database="shop")
        with SqlStore.open(target(running.url("shop"))) as store:
            read = cells(store.text_rows("big"))
            next(read)
            os.kill(running.process.pid, signal.SIGQUIT if running.scheme == "postgresql" else signal.SIGKILL)
            with pytest.raises(Unreachable, match="dropped") as caught:
                for _ in read:
                    pass
            assert_clean(caught.value)
            with pytest.raises(Unreachable) as again:
                store.count("big")
            assert_clean(again.value)


def test_a_frozen_postgres_is_given_up(postgres_server: servers.Server, postgres_url: str) -> None:
    with SqlStore.open(target(postgres_url), timeout=1) as store:
        (pid,) = postgres_server.admin(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'policyproof' AND datname = 'shop'"
        )[-1]
        os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimedOut) as caught:
                store.count("account")
            assert_clean(caught.value)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert store.count("account") == 3
    del caught
    gc.collect()  # a cursor left open on the broken line would be warned of here


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with pytest.raises(Unreachable, match="does not exist or cannot be opened") as caught:
        open_and_read(f"sqlite:///{path}")
    assert_clean(caught.value, str(tmp_path))
    assert not path.exists()


@pytest.mark.parametrize("keep", [0.5, None])
def test_a_damaged_sqlite_file(tmp_path: Path, keep: float | None) -> None:
    path = tmp_path / "shop.db"
    if keep is None:
        path.write_bytes(b"\x00\xffplain rubbish" * 100)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT)")
            connection.executemany("INSERT INTO note (body) VALUES (?)", [("x" * 1000,)] * 500)
        connection.close()
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(Unreadable, match=r"damaged|not a SQLite database") as caught:
        open_and_read(f"sqlite:///{path}")
    assert_clean(caught.value, str(tmp_path))


def test_a_locked_sqlite_file(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("CREATE TABLE note (body TEXT)")
    writer.execute("BEGIN EXCLUSIVE")
    with (
        pytest.raises(TimedOut, match="lock"),
        SqlStore.open(target(f"sqlite:///{path}"), timeout=0.2) as store,
    ):
        store.tables()
    writer.close()


def test_a_slow_sqlite_query_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE n (x TEXT)")
        connection.executemany("INSERT INTO n VALUES (?)", [("a",)] * 2000)
        connection.execute("CREATE TABLE slow AS SELECT * FROM n LIMIT 0")
    connection.close()
    with SqlStore.open(target(f"sqlite:///{path}"), timeout=0.5) as store:
        with pytest.raises(TimedOut):
            store._link.rows(sa.text("SELECT count(*) FROM n a, n b, n c, n d"))
        assert store.count("n") == 2000


def test_a_text_in_no_encoding_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE note (body TEXT)")
        connection.execute("INSERT INTO note VALUES (CAST(X'FF34313131' AS TEXT))")
    connection.close()
    with SqlStore.open(target(f"sqlite:///{path}")) as store:
        assert [cell.text for cell in cells(store.text_rows("note"))] == ["\ufffd4111"]


def test_a_missing_driver_names_the_extra() -> None:
    """In a process where psycopg cannot be imported."""
    script = (
        "import sys\n"
        "from checks.connectors.sql import SqlStore\n"
        "from checks.core.errors import MissingDriver\n"
        "from tests.checks.connectors.conftest import target\n"
        "sys.modules['psycopg'] = None\n"
        "try:\n"
        "    SqlStore.open(target('postgresql://me:pw@127.0.0.1/shop')).__enter__()\n"
        "except MissingDriver as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    told = "the driver for postgresql is not installed (pip install 'policyproof[postgres]')"
    assert done.stdout == f"cloud-db ($DB_URL): {told}\n", done.stderr


@pytest.mark.parametrize("server", SERVERS)
def test_memory_stays_flat(request: pytest.FixtureRequest, server: str) -> None:
    """40 MB through a cursor must not come to rest here: no thread, no row kept."""
    running: servers.Server = request.getfixturevalue(server)
    running.admin("CREATE DATABASE flat")
    running.admin(*BIG[running.scheme], database="flat")
    with SqlStore.open(target(running.url("flat"))) as store:
        scan = store.text_rows("big")
        tracemalloc.start()
        size = sum(len(cell.text) for cell in cells(scan))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (scan.rows, size) == (20_000, 20_000_000)
        assert peak < 4_000_000
        assert threading.active_count() < 10
