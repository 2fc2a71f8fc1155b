"""SQLite: every table, whatever its kind, blobs that are files, and what was deleted but lies there."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from checks.scanner.expand import expand, open_file
from checks.scanner.source import Budget, Limits, Table
from tests.checks.scanner.test_expand import CARD, look, zipped

Found = dict[str, bytes | str]


def made(path: Path, *statements: str, rows: dict[str, list[tuple[object, ...]]] | None = None) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    for insert, values in (rows or {}).items():
        connection.executemany(insert, values)
    connection.commit()
    connection.close()
    return path


def on_disk(path: Path) -> Found:
    return look(open_file(path, "db", Budget()))


def apart(path: Path) -> Found:
    return look(expand("db", io.BytesIO(path.read_bytes()), Budget()))


def copied(path: Path) -> Found:
    return look(expand("db", io.BytesIO(path.read_bytes()), Budget(Limits(in_memory=1))))


WAYS = [on_disk, apart, copied]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a database?.db"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_all_types_as_text(path: Path, way: Callable[[Path], Found], encoding: str) -> None:
    values = [
        (4111111111111111, "pay\nwith\x1fé", None, 1.5, b"\0\n4111\xff"),
        ("x\0y", 4111111111111111.0, b"", -(2**63), 1e300),
    ]
    made(
        path,
        f"PRAGMA encoding='{encoding}'",
        "CREATE TABLE t (a, b, c, d, e)",
        rows={"INSERT INTO t VALUES (?,?,?,?,?)": values},
    )
    assert way(path)["db!t"] == (
        b"1\x1f4111111111111111\x1fpay with \xc3\xa9\x1f\x1f1.5\x1f\0 4111\xff\n"
        b"2\x1fx\0y\x1f4111111111111111\x1f\x1f-9223372036854775808\x1f1.0e+300\n"
    )
    assert not list(path.parent.glob("*-*"))


def test_keys_and_columns(path: Path) -> None:
    made(
        path,
        'CREATE TABLE "odd "" name" (rowid TEXT, "a b" INTEGER PRIMARY KEY)',
        "CREATE TABLE pairs (v TEXT, k2 TEXT, k1 INTEGER, PRIMARY KEY (k1, k2)) WITHOUT ROWID",
        "CREATE TABLE all_taken (rowid, _rowid_, oid)",
        "CREATE TABLE made (a, b AS (a || a), c AS (a || '!') STORED)",
        "CREATE VIEW seen AS SELECT v FROM pairs",
        rows={
            'INSERT INTO "odd "" name" VALUES (?, ?)': [("r", 7)],
            "INSERT INTO pairs VALUES (?, ?, ?)": [("v", "k", 1)],
            "INSERT INTO all_taken VALUES (?, ?, ?)": [(1, 2, 3)],
            "INSERT INTO made VALUES (?)": [("x",)],
        },
    )
    tables = {}
    for item in open_file(path, "db", Budget()):
        assert isinstance(item, Table)
        tables[item.name] = (item.key, item.columns, b"".join(item.blocks))
    tables.pop("db!sqlite_master")
    assert tables == {
        'db!odd " name': (("_rowid_",), ("rowid", "a b"), b"7\x1fr\x1f7\n"),
        "db!pairs": (("k1", "k2"), ("v",), b"1\x1fk\x1fv\n"),
        "db!all_taken": ((), ("rowid", "_rowid_", "oid"), b"1\x1f2\x1f3\n"),
        "db!made": (("rowid",), ("a", "c"), b"1\x1fx\x1fx!\n"),
    }


def test_empty_database_and_empty_table(path: Path) -> None:
    made(path, "CREATE TABLE t (a)")
    found = on_disk(path)
    assert found["db!t"] == b""
    assert b"CREATE TABLE t" in bytes(found["db!sqlite_master"])  # type: ignore[arg-type]
    made(path, "DROP TABLE t", "VACUUM")
    assert on_disk(path) == {"db!sqlite_master": b""}


def test_the_schema_is_read(path: Path) -> None:
    made(path, f"CREATE TABLE t (a DEFAULT '{CARD.decode()}')")
    assert CARD in on_disk(path)["db!sqlite_master"]  # type: ignore[operator]


def test_more_columns_than_an_expression_may_nest(path: Path) -> None:
    columns = ", ".join(f"c{number}" for number in range(1990))
    made(path, f"CREATE TABLE t ({columns})", f"INSERT INTO t (c1989) VALUES ({CARD.decode()})")
    assert on_disk(path)["db!t"] == b"1" + b"\x1f" * 1990 + CARD + b"\n"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["", " WITHOUT ROWID"])
def test_blobs_that_are_files_and_large_values(path: Path, way: Callable[[Path], Found], kind: str) -> None:
    large, text = os.urandom(600_000), "é" * 300_000
    rows = [
        (1, gzip.compress(CARD), "a"),
        (2, zipped({"in.txt": CARD}), text),
        (3, large, None),
        (4, b"short", 2),
    ]
    made(
        path,
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, b, c){kind}",
        rows={"INSERT INTO t VALUES (?,?,?)": rows},
    )
    found = way(path)
    assert found["db!t, column b, row 1"] == CARD
    assert found["db!t, column b, row 2!in.txt"] == CARD
    assert found["db!t, column c, row 2"] == text.encode()
    assert found["db!t, column b, row 3"] == large
    lines = bytes(found["db!t"]).split(b"\n")  # type: ignore[arg-type]
    assert [line.split(b"\x1f")[-3:] for line in lines[:-1]] == [
        [b"1", b"", b"a"],
        [b"2", b"", b""],
        [b"3", b"", b""],
        [b"4", b"short", b"2"],
    ]
    assert len(found) == 6


def test_full_text_indexes(path: Path) -> None:
    made(
        path,
        "CREATE VIRTUAL TABLE kept USING fts5(body)",
        "CREATE VIRTUAL TABLE none USING fts5(body, content='')",
        "CREATE TABLE other (body)",
        "CREATE VIRTUAL TABLE its USING fts5(body, content='other')",
        "CREATE VIRTUAL TABLE box USING rtree(id, x0, x1)",
        rows={"INSERT INTO kept VALUES (?)": [(CARD.decode(),)]},
    )
    found = on_disk(path)
    assert found["db!kept_content"] == b"1\x1f1\x1f" + CARD + b"\n"
    assert "virtual table" in str(found["db!none"])
    assert {"db!its", "db!kept", "db!box"}.isdisjoint(found)
    assert {"db!box_node", "db!other", "db!none_data"} <= found.keys()


@pytest.mark.parametrize("way", WAYS)
def test_deleted_rows_on_free_pages(path: Path, way: Callable[[Path], Found]) -> None:
    made(
        path,
        "PRAGMA page_size=512",
        "CREATE TABLE t (a)",
        rows={"INSERT INTO t VALUES (?)": [(f"row {number} {CARD.decode()}",) for number in range(9000)]},
    )
    made(path, "PRAGMA secure_delete=OFF", "DELETE FROM t")
    found = way(path)
    assert found["db!t"] == b""
    assert bytes(found["db!freed pages"]).count(CARD) > 8900  # type: ignore[arg-type]


def test_pages_behind_the_last(path: Path) -> None:
    made(path, "CREATE TABLE t (a)")
    path.write_bytes(path.read_bytes() + CARD.ljust(4096))
    assert on_disk(path)["db!freed pages"] == CARD.ljust(4096)


def test_a_damaged_list_of_free_pages(path: Path) -> None:
    made(path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (zeroblob(90000))")
    made(path, "DELETE FROM t")
    raw = bytearray(path.read_bytes())
    raw[36:40] = (9).to_bytes(4, "big")
    path.write_bytes(raw)
    assert "damaged" in str(on_disk(path)["db!freed pages"])
