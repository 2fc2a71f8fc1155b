"""A real MariaDB as a source: what comes out of it, and what it is said not to have given."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from checks.core.errors import NotAssessed, Refused, TimedOut, Unreachable
from checks.scanner.live_mysql import items
from checks.scanner.live_mysql_link import connected
from checks.scanner.source import Skipped, Table
from tests import servers

CARD = b"4111111111111111"
PACKED = gzip.compress(b"x" * 500 + CARD).hex()
SCRIPT = rf"""
CREATE TABLE clean (id INTEGER PRIMARY KEY, note TEXT);
INSERT INTO clean VALUES (1, 'two\nlines'), (2, ''), (3, NULL);
CREATE TABLE `empty` (a INTEGER, `od``d n%a` TEXT);
CREATE TABLE kinds (t TEXT, v VARCHAR(30), c CHAR(19), b BIGINT UNSIGNED, n DECIMAL(20,2), d DOUBLE, j JSON,
 bits BIT(64), raw BLOB, fixed BINARY(16), latin VARCHAR(40) CHARACTER SET latin1,
 wide VARCHAR(40) CHARACTER SET utf16, e ENUM('4111111111111111'), lt LONGTEXT, lb LONGBLOB,
 part VARCHAR(9), k INTEGER, PRIMARY KEY (part, k));
INSERT INTO kinds VALUES ('4111111111111111', '4111111111111111', '4111111111111111', 4111111111111111,
 4111111111111111.00, 4111111111111111, '{{"a": 4111111111111111}}', 4111111111111111, '4111111111111111',
 '4111111111111111', 'é4111111111111111', 'é4111111111111111', '4111111111111111', '4111111111111111',
 '4111111111111111', 'p', 7);
CREATE TABLE types (u UUID, i INET6, d DATE, dt DATETIME(6), ts TIMESTAMP NULL, y YEAR, tm TIME, f FLOAT,
 g POINT, s SET('a','b'));
INSERT INTO types VALUES ('6f8f5771-5090-4a26-8245-3988d9a1501b', '::1', '2020-01-02', '2020-01-02 03:04:05',
 NULL, 2020, '01:02:03', 1.5, POINT(1, 2), 'a,b'), (NULL, NULL,
 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE VIEW shown AS SELECT note FROM clean;
CREATE TABLE large (part VARCHAR(9), k BIGINT, note LONGTEXT, raw LONGBLOB, PRIMARY KEY (part, k));
INSERT INTO large VALUES ('é''\\', 9007199254740993, CONCAT(REPEAT('é', 5000000), '4111111111111111'),
 CONCAT(REPEAT('z', 9000000), '4111111111111111')), ('é', 9007199254740992, 'small', x'{PACKED}');
CREATE TABLE keyless (note LONGTEXT);
INSERT INTO keyless VALUES (REPEAT('x', 2000000));
CREATE TABLE `past` (note VARCHAR(30)) WITH SYSTEM VERSIONING;
INSERT INTO `past` VALUES ('4111111111111111');
UPDATE `past` SET note = 'erased';
CREATE TABLE columns (open TEXT, closed TEXT);
INSERT INTO columns VALUES ('4111111111111111', 'secret');
CREATE TABLE hidden (note TEXT);
CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'pw';
GRANT SELECT ON shop.clean TO reader@'127.0.0.1';
GRANT INSERT ON shop.kinds TO reader@'127.0.0.1';
GRANT SELECT (open), INSERT (closed) ON shop.columns TO reader@'127.0.0.1'
"""


Whole = tuple[dict[str, bytes], dict[str, Table], dict[str, str]]


def read(found: Iterator[Any]) -> Whole:
    """Return bytes by name, tables by name, and what was skipped."""
    data: dict[str, bytes] = {}
    tables: dict[str, Table] = {}
    skipped: dict[str, str] = {}
    for item in found:
        if isinstance(item, Skipped):
            skipped[item.name] = item.reason
            continue
        if isinstance(item, Table):
            tables[item.name] = item
        data[item.name] = b"".join(item.blocks if isinstance(item, Table) else item.chunks)
    return data, tables, skipped


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.mariadb() as running:
        running.admin("CREATE DATABASE shop CHARACTER SET utf8mb4", "CREATE DATABASE other")
        running.admin(*SCRIPT.split(";\n"), database="shop")
        running.admin("CREATE TABLE t AS SELECT 4111111111111111 AS n", database="other")
        yield running


@pytest.fixture(scope="module")
def whole(server: servers.Server) -> Whole:
    return read(items(server.url("shop"), name="my"))


def test_a_clean_table_and_an_empty_one(whole: Whole) -> None:
    data, tables, _ = whole
    table = tables["my!shop.clean"]
    assert (table.key, table.columns) == (("id",), ("note",))
    assert data[table.name] == b"1\x1ftwo lines\n2\x1f\n3\x1f\n"
    assert data["my!shop.empty"] == b""
    assert tables["my!shop.empty"].columns == ("a", "od`d n%a")


def test_every_kind_of_column(whole: Whole) -> None:
    data, tables, _ = whole
    table = tables["my!shop.kinds"]
    assert table.key == ("part", "k")
    row = data[table.name].removesuffix(b"\n").split(b"\x1f")
    values = dict(zip(table.key + table.columns, row, strict=True))
    assert (values.pop("part"), values.pop("k")) == (b"p", b"7")
    assert values.pop("d") in (CARD, b"4.111111111111111e15")
    assert [column for column, value in values.items() if CARD not in value] == []
    assert values["latin"] == b"\xe9" + CARD
    assert values["wide"] == b"\xc3\xa9" + CARD


def test_types_of_other_sorts_are_text(whole: Whole) -> None:
    first, second, _ = whole[0]["my!shop.types"].split(b"\n")
    assert first.startswith(
        b"6f8f5771-5090-4a26-8245-3988d9a1501b\x1f::1\x1f2020-01-02\x1f2020-01-02 03:04:05.000000"
    )
    assert first.endswith(b"\x1f2020\x1f01:02:03\x1f1.5\x1fPOINT(1 2)\x1fa,b")
    assert second == b"\x1f" * 9


def test_large_values_and_files_are_read_apart(whole: Whole) -> None:
    data, _, skipped = whole
    sizes = {
        name.removeprefix("my!shop.large, "): len(value)
        for name, value in data.items()
        if name.startswith("my!shop.large, ")
    }
    assert sizes == {
        "column note, value 1": 10_000_016,
        "column raw, value 1": 516,
        "column raw, value 2": 9_000_016,
    }
    assert all(value.endswith(CARD) for name, value in data.items() if name.startswith("my!shop.large, "))
    assert len(data["my!shop.large"]) < 1000
    assert skipped == {
        "my!shop.keyless, column note": "holds 1 large values or files, in a table without a primary key"
    }


def test_rows_of_the_past_are_read_and_views_are_not(whole: Whole) -> None:
    assert whole[0]["my!shop.past"].count(CARD) == 1
    assert "my!shop.shown" not in whole[1]


def test_what_a_login_may_not_read(server: servers.Server) -> None:
    data, _, skipped = read(items(server.url("shop", "reader", "pw"), name="my", tables=None))
    assert set(data) == {"my!shop.clean", "my!shop.columns"}
    assert data["my!shop.columns"] == CARD + b"\n"
    refused = "may not be read by this login"
    assert skipped == {"my!shop.kinds": refused, "my!shop.columns, column closed": refused}
    asked = read(items(server.url("shop", "reader", "pw"), name="my", tables=["hidden"]))
    assert asked[2] == {"my!hidden": "is not there, or may not be seen by this login"}


def test_without_a_database_all_are_read(server: servers.Server) -> None:
    data, _, _ = read(items(server.url(""), name="my", tables=["other.t", "shop.clean"]))
    assert set(data) == {"my!other.t", "my!shop.clean"}
    assert data["my!other.t"] == CARD + b"\n"


def test_a_sample_is_the_same_for_the_same_seed(server: servers.Server) -> None:
    server.admin("CREATE TABLE many AS SELECT seq FROM seq_1_to_10000", database="shop")
    first, again, other = (
        read(items(server.url("shop"), name="my", tables=["many"], sample=0.1, seed=seed))[0]["my!shop.many"]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert 700 < first.count(b"\n") < 1300


def test_a_reader_may_stop(server: servers.Server) -> None:
    server.admin(
        "CREATE OR REPLACE TABLE wide ENGINE=Aria AS SELECT repeat('x', 999) AS w FROM seq_1_to_20000",
        database="shop",
    )
    found = items(server.url("shop"), name="my", tables=["clean", "past", "wide"])
    first = {item.name: next(item.blocks) for item in found if isinstance(item, Table)}
    assert set(first) == {"my!shop.clean", "my!shop.past", "my!shop.wide"}
    assert 2**18 <= len(first["my!shop.wide"]) < 2**18 + 1000
    found = items(server.url("shop"), name="my", tables=["wide"])
    table = next(found)
    next(table.blocks)
    found.close()


def test_nothing_can_be_written(server: servers.Server) -> None:
    with connected(server.url("shop") + "?charset=latin1", "my", 5) as link:
        for statement in ("CREATE TABLE made (n INTEGER)", "DELETE FROM clean"):
            with pytest.raises(NotAssessed):
                link.rows(statement)
        assert link.rows("SELECT count(*) FROM clean") == ((b"3",),)


def assert_told(error: NotAssessed) -> None:
    assert error.reason.startswith("my: ")
    for secret in (servers.PASSWORD, "127.0.0.1", "wr0ng", "4111", "SELECT"):
        assert secret not in error.reason
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("user", "password", "database", "kind", "words"),
    [
        ("reader", "wr0ng", "shop", Refused, "refused the user name or password"),
        ("root", servers.PASSWORD, "no_such", Unreachable, "no such database"),
    ],
)
def test_a_refused_login(
    server: servers.Server, user: str, password: str, database: str, kind: type[NotAssessed], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        next(items(server.url(database, user, password), name="my"))
    assert_told(caught.value)


def test_a_wrong_address() -> None:
    with pytest.raises(Unreachable, match="does not know") as caught:
        next(items("mysql://me:wr0ng@127.0.0.1/shop?colour=blue", name="my"))
    assert_told(caught.value)


def test_a_server_that_is_not_there_or_says_nothing() -> None:
    with pytest.raises(Unreachable, match="connection refused") as caught:
        next(items(f"mysql://me:wr0ng@127.0.0.1:{servers.free_port()}/shop", name="my"))
    assert_told(caught.value)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        with pytest.raises(TimedOut) as late:
            next(items(f"mysql://me:wr0ng@127.0.0.1:{listener.getsockname()[1]}/shop", name="my", timeout=1))
        assert time.monotonic() - began < 4
        assert_told(late.value)


def test_a_server_that_freezes_or_is_killed() -> None:
    rows = "ENGINE=Aria AS SELECT repeat('x', 1000) AS w FROM seq_1_to_20000"
    with servers.mariadb() as running:
        running.admin("CREATE DATABASE shop")
        running.admin(*[f"CREATE TABLE {name} {rows}" for name in ("a", "b")], database="shop")
        for signalled, kind in ((signal.SIGSTOP, TimedOut), (signal.SIGKILL, Unreachable)):
            found = items(running.url("shop"), name="my", timeout=0.5)
            table = next(found)
            assert isinstance(table, Table)
            next(table.blocks)
            os.kill(running.process.pid, signalled)
            with pytest.raises(kind) as caught:
                list(table.blocks)
            assert_told(caught.value)
            with pytest.raises(NotAssessed) as after:
                next(found)
            assert_told(after.value)
            if signalled == signal.SIGSTOP:
                os.kill(running.process.pid, signal.SIGCONT)
