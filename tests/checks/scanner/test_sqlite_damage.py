"""SQLite databases with logs and journals, locked, damaged, cut off: none is taken for the whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.scanner.expand import open_file
from checks.scanner.source import Budget, Item, Limits, Skipped, Stream
from tests.checks.scanner.test_expand import CARD, look
from tests.checks.scanner.test_sqlite import WAYS, Found, made, on_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a database?.db"


# ── logs and journals ────────────────────────────────────────────────────────────────────────────


def in_wal_mode(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("INSERT INTO t VALUES (?)", (CARD.decode(),))
    connection.commit()
    return connection


def test_a_log_that_is_in_use(path: Path) -> None:
    writer = in_wal_mode(path)
    assert on_disk(path)["db!t"] == b"1\x1f" + CARD + b"\n"
    writer.execute("INSERT INTO t VALUES ('more')")
    writer.commit()
    writer.close()


def test_a_log_left_over_is_applied_and_nothing_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = in_wal_mode(path)
    left = path.parent / "left"
    left.mkdir()
    for ending in ("", "-wal"):
        shutil.copy(f"{path}{ending}", left / f"b.db{ending}")
    writer.close()
    temporary = path.parent / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = {file.name: file.stat().st_mtime_ns for file in left.iterdir()}
    items = open_file(left / "b.db", "db", Budget())
    next(items)
    (folder,) = temporary.iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())
    assert look(items)["db!t"] == b"1\x1f" + CARD + b"\n"
    assert before == {file.name: file.stat().st_mtime_ns for file in left.iterdir()}
    assert not list(temporary.iterdir())
    small = Budget(Limits(spooled=100))
    assert "larger than 100 bytes" in str(look(open_file(left / "b.db", "db", small))["db"])


@pytest.mark.parametrize("way", WAYS)
def test_wal_mode_without_a_log(path: Path, way: Callable[[Path], Found]) -> None:
    in_wal_mode(path).close()
    assert way(path)["db!t"] == b"1\x1f" + CARD + b"\n"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_database_that_changes_meanwhile(path: Path) -> None:
    in_wal_mode(path).close()
    items = open_file(path, "db", Budget())
    next(items)
    os.utime(path, (1, 1))
    *_, last = items
    assert last == Skipped("db", "changed while it was read")


def test_a_log_that_cannot_be_read(path: Path) -> None:
    in_wal_mode(path).close()
    Path(f"{path}-wal").mkdir()
    assert "log that cannot be read" in str(on_disk(path)["db"])


def test_a_hot_journal(path: Path) -> None:
    made(path, "CREATE TABLE t (a)")
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA cache_size=1');"
        "c.executemany('INSERT INTO t VALUES (?)', [('x' * 999,)] * 5000); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert on_disk(path)["db"] == "has a hot journal"
    made(path, "SELECT * FROM t")  # rolls it back
    made(path, "PRAGMA journal_mode=PERSIST", "INSERT INTO t VALUES (1)")  # leaves a journal that is over
    assert Path(f"{path}-journal").exists()
    assert on_disk(path)["db!t"] == b"1\x1f1\n"


# ── damage ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("way", WAYS)
def test_truncated_and_damaged(path: Path, way: Callable[[Path], Found]) -> None:
    made(path, "CREATE TABLE t (a)", rows={"INSERT INTO t VALUES (?)": [("x" * 500,)] * 200})
    raw = path.read_bytes()

    def reasons(changed: bytes) -> list[str]:
        path.write_bytes(changed)
        return [reason for reason in way(path).values() if isinstance(reason, str)]

    assert not reasons(raw)
    for kept in (16, 99, 100, 511, 4095, 4096, 9000, len(raw) - 4096, len(raw) - 1):
        assert reasons(raw[:kept]), kept
    assert reasons(raw[:100] + os.urandom(len(raw) - 100))
    assert reasons(raw[:16] + os.urandom(84) + raw[100:])
    assert reasons(raw[:8192] + b"\xff" * 4096 + raw[12288:])


def test_damage_in_one_table_does_not_end_the_look(path: Path) -> None:
    made(path, "CREATE TABLE a (x)", "CREATE TABLE b (x)", f"INSERT INTO b VALUES ({CARD.decode()})")
    raw = path.read_bytes()
    path.write_bytes(raw[:4096] + b"\xff" * 4096 + raw[8192:])
    found = on_disk(path)
    assert "damaged" in str(found["db!a"])
    assert found["db!b"] == b"1\x1f" + CARD + b"\n"


def test_a_schema_that_is_damaged_is_searched_as_bytes(path: Path) -> None:
    made(path, "CREATE TABLE a (x)", f"INSERT INTO a VALUES ('{CARD.decode()}')")
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATX TABLE"))
    items: list[Item] = []
    for item in open_file(path, "db", Budget()):
        items.append(item)
        if isinstance(item, Stream):
            assert CARD in b"".join(item.chunks)
    assert [type(item) for item in items] == [Stream, Skipped]


def test_a_locked_database(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(path, "CREATE TABLE t (a)")
    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **options: plain(*given, timeout=0.05, **options))
    writer = sqlite3.connect(path)
    writer.execute("BEGIN EXCLUSIVE")
    reasons = [reason for reason in on_disk(path).values() if isinstance(reason, str)]
    assert reasons
    assert "locked" in reasons[-1]
    writer.close()
