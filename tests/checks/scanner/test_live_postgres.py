"""A real PostgreSQL as a source: what comes out of it, and what it is said not to have given."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from checks.core.errors import NotAssessed, Refused, TimedOut, Unreachable
from checks.scanner.live_postgres import items
from checks.scanner.live_postgres_link import connected
from checks.scanner.source import Item, Skipped, Table
from tests import servers

CARD = b"4111111111111111"
SCRIPT = r"""
CREATE TABLE clean (id INTEGER PRIMARY KEY, note TEXT);
INSERT INTO clean VALUES (1, E'two\nlines'), (2, E'a\x1fb'), (3, 'ends in \'), (4, NULL);
CREATE TABLE empty (a INTEGER, "od""d n%a" TEXT);
CREATE TABLE bare ();
INSERT INTO bare DEFAULT VALUES;
CREATE TYPE place AS (street TEXT, number NUMERIC);
CREATE DOMAIN pan AS VARCHAR(19);
CREATE SCHEMA "Bill.ing";
CREATE TABLE "Bill.ing".kinds (note TEXT, b BIGINT, n NUMERIC(20,2), f FLOAT8, d pan, c CHAR(19),
 j JSON, jb JSONB, a TEXT[], bytes BYTEA, nested BYTEA[], p place,
 key INTEGER, part INTEGER, PRIMARY KEY (part, key));
INSERT INTO "Bill.ing".kinds VALUES ('4111111111111111', 4111111111111111, 4111111111111111.00,
 4111111111111111, '4111111111111111', '4111111111111111', '{"a": "4111111111111111"}',
 '{"a": 4111111111111111}', '{4111111111111111}', '4111111111111111'::bytea, ARRAY['4111111111111111'::bytea],
 ('4111111111111111', 4111111111111111), 7, 8);
CREATE TABLE parent (at DATE, note TEXT) PARTITION BY RANGE (at);
CREATE TABLE leaf PARTITION OF parent FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE leaf2 PARTITION OF parent FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
INSERT INTO parent VALUES ('2020-05-05', '4111111111111111');
INSERT INTO parent SELECT '2021-05-05', repeat('y', 2000000) || '4111111111111111';
CREATE TABLE base (note TEXT);
CREATE TABLE child (more TEXT) INHERITS (base);
INSERT INTO child VALUES ('4111111111111111', 'x');
CREATE MATERIALIZED VIEW summary AS SELECT note FROM base;
CREATE MATERIALIZED VIEW never AS SELECT note FROM base WITH NO DATA;
CREATE VIEW shown AS SELECT note FROM base;
CREATE TABLE large (id INTEGER PRIMARY KEY, note TEXT, j JSONB, bytes BYTEA);
ALTER TABLE large ALTER note SET STORAGE EXTERNAL;
INSERT INTO large VALUES (1, repeat('é', 5000000) || '4111111111111111',
 to_jsonb(repeat('x', 9000000) || '4111111111111111'),
 convert_to(repeat('z', 9000000) || '4111111111111111', 'UTF8'));
CREATE TABLE masked (note TEXT);
ALTER TABLE masked ENABLE ROW LEVEL SECURITY;
CREATE POLICY part ON masked USING (note = 'shown');
INSERT INTO masked VALUES ('shown'), ('hidden');
CREATE TABLE columns (open TEXT, closed TEXT);
INSERT INTO columns VALUES ('4111111111111111', 'secret');
CREATE ROLE reader LOGIN PASSWORD 'pw';
GRANT SELECT ON clean, masked, parent TO reader;
GRANT SELECT (open) ON columns TO reader;
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER away FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far (note TEXT) SERVER away;
SELECT lo_from_bytea(0, '4111111111111111'::bytea)
"""


@dataclass
class Read:
    """What a source gave: bytes by name, what the tables said of themselves, what was skipped."""

    bytes: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def read(found: Iterator[Item]) -> Read:
    result = Read()
    for item in found:
        if isinstance(item, Skipped):
            assert item.name not in result.skipped
            result.skipped[item.name] = item.reason
            continue
        assert item.name not in result.bytes
        if isinstance(item, Table):
            result.tables[item.name] = item
        blocks = list(item.blocks if isinstance(item, Table) else item.chunks)
        assert all(blocks)
        result.bytes[item.name] = b"".join(blocks)
    return result


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    with servers.postgres() as running:
        running.admin("CREATE DATABASE shop")
        running.admin(*SCRIPT.split(";\n"), database="shop")
        packed = gzip.compress(b"x" * 500 + CARD).hex()
        running.admin(f"INSERT INTO large (id, bytes) VALUES (2, '\\x{packed}')", database="shop")
        yield running


@pytest.fixture(scope="module")
def whole(server: servers.Server) -> Read:
    return read(items(server.url("shop"), name="pg"))


def test_a_clean_table(whole: Read) -> None:
    table = whole.tables["pg!public.clean"]
    assert (table.key, table.columns) == (("id",), ("note",))
    rows = whole.bytes[table.name]
    assert rows == b"1\x1ftwo\\nlines\n2\x1fa b\n3\x1fends in \\\\\n4\x1f\n"
    assert CARD not in rows


@pytest.mark.parametrize("name", ["public.empty", "public.never", "public.base", "public.bare"])
def test_nothing_stored(whole: Read, name: str) -> None:
    assert whole.bytes[f"pg!{name}"] == b""
    assert f"pg!{name}" in whole.tables
    assert whole.tables["pg!public.empty"].columns == ("a", 'od"d n%a')


def test_every_kind_of_column(whole: Read) -> None:
    table = whole.tables["pg!Bill.ing.kinds"]
    assert table.key == ("part", "key")
    values = dict(
        zip(table.key + table.columns, whole.bytes[table.name].rstrip(b"\n").split(b"\x1f"), strict=True)
    )
    assert (values.pop("part"), values.pop("key")) == (b"8", b"7")
    for column in ("bytes", "nested"):
        assert CARD.hex().encode() in values.pop(column)
    assert values.pop("f") in (CARD, b"4.111111111111111e+15")
    assert [column for column, value in values.items() if CARD not in value] == []


def test_each_row_is_read_where_it_is_stored(whole: Read) -> None:
    assert CARD in whole.bytes["pg!public.leaf"]
    assert CARD in whole.bytes["pg!public.child"]
    assert CARD in whole.bytes["pg!public.summary"]
    assert not {"pg!public.parent", "pg!public.shown"} & whole.bytes.keys()
    assert not [name for name in whole.bytes if "pg_catalog" in name]


def test_large_values_and_files_are_read_apart(whole: Read) -> None:
    parts = {name: data for name, data in whole.bytes.items() if name.startswith("pg!public.large, ")}
    sizes = {name.removeprefix("pg!public.large, "): len(data) for name, data in parts.items()}
    assert sizes == {
        "column note, row (0,1)": 10_000_016,
        "column j, row (0,1)": 9_000_018,
        "column bytes, row (0,1)": 9_000_016,
        "column bytes, row (0,2)": 516,
    }
    assert all(CARD in data[-20:] for data in parts.values())
    assert len(whole.bytes["pg!public.large"]) < 1000


def test_large_objects(whole: Read, server: servers.Server) -> None:
    assert [data for name, data in whole.bytes.items() if name.startswith("pg!large objects ")] == [CARD]
    found = read(items(server.url("shop", "reader", "pw"), name="pg", tables=["large objects"]))
    assert found == Read(skipped={"pg!large objects": "1 may not be read by this role"})


def test_what_a_role_may_not_read(server: servers.Server, whole: Read) -> None:
    assert whole.skipped == {"pg!public.far": "is a foreign table: its rows are stored elsewhere"}
    found = read(items(server.url("shop", "reader", "pw"), name="pg"))
    refused = {name for name, reason in found.skipped.items() if reason == "may not be read by this role"}
    assert refused == {
        *("pg!Bill.ing.kinds", "pg!public.empty", "pg!public.bare", "pg!public.base", "pg!public.child"),
        *("pg!public.summary", "pg!public.never", "pg!public.large", "pg!public.columns, column closed"),
    }
    assert found.skipped["pg!public.masked"] == "row-level security hides rows of it from this role"
    assert found.bytes["pg!public.masked"] == b"shown\n"
    assert found.bytes["pg!public.columns"] == CARD + b"\n"
    assert found.bytes["pg!public.parent"].startswith(b"2020-05-05\x1f" + CARD + b"\n2021")
    (large,) = [name for name in found.bytes if name.startswith("pg!public.parent, column note")]
    assert found.bytes[large].endswith(CARD)


def test_some_tables_only(server: servers.Server) -> None:
    found = read(items(server.url("shop"), name="pg", tables=["clean", "Bill.ing.kinds", "public.nope"]))
    assert set(found.bytes) == {"pg!public.clean", "pg!Bill.ing.kinds"}
    assert found.skipped == {"pg!public.nope": "is not there, or may not be seen by this login"}


def test_a_sample_is_the_same_for_the_same_seed(server: servers.Server) -> None:
    server.admin("CREATE TABLE many AS SELECT g FROM generate_series(1, 10000) g", database="shop")
    first, again, other = (
        read(items(server.url("shop"), name="pg", tables=["many"], sample=0.1, seed=seed)).bytes[
            "pg!public.many"
        ]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert 700 < first.count(b"\n") < 1300
    with pytest.raises(ValueError, match="share"):
        next(items(server.url("shop"), name="pg", sample=10))


def test_blocks_are_whole_rows_and_a_reader_may_stop(server: servers.Server) -> None:
    server.admin(
        "CREATE TABLE wide AS SELECT repeat('x', 999) w FROM generate_series(1, 5000)", database="shop"
    )
    found = items(server.url("shop"), name="pg", tables=["clean", "wide", "leaf"])
    by_name = {}
    for item in found:
        assert isinstance(item, Table)
        by_name[item.name] = next(item.blocks)
        assert by_name[item.name].endswith(b"\n")
    assert set(by_name) == {"pg!public.clean", "pg!public.wide", "pg!public.leaf"}
    assert 2**18 <= len(by_name["pg!public.wide"]) < 2**18 + 1000


def test_nothing_can_be_written(server: servers.Server) -> None:
    with connected(server.url("shop"), "pg", 5) as link:
        for statement in (
            "CREATE TABLE made (n INTEGER)",
            "DELETE FROM clean",
            "COMMENT ON TABLE clean IS 'x'",
        ):
            with pytest.raises(NotAssessed):
                link.rows(statement)
            link.renew()
        assert link.rows("SELECT count(*) FROM clean") == [(b"4",)]


def test_the_session_ends_with_the_source(server: servers.Server) -> None:
    found = items(server.url("shop"), name="pg", tables=["clean"])
    next(found)
    query = "SELECT query FROM pg_stat_activity WHERE application_name = 'policyproof'"
    assert len(server.admin(query)) == 1
    found.close()
    for _ in range(100):
        if not server.admin(query):
            break
        time.sleep(0.02)
    else:
        pytest.fail("the session is still there")


def assert_told(error: NotAssessed) -> None:
    assert error.reason.startswith("pg: ")
    for secret in (servers.PASSWORD, "127.0.0.1", "wr0ng", "4111", "SELECT"):
        assert secret not in error.reason
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("user", "password", "database", "kind", "words"),
    [
        ("reader", "wr0ng", "shop", Refused, "refused the user name or password"),
        ("reader", "pw", "no_such", Unreachable, "no such database"),
        ("reader", "pw", "", Unreachable, "names no database"),
    ],
)
def test_a_refused_login(
    server: servers.Server, user: str, password: str, database: str, kind: type[NotAssessed], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        next(items(server.url(database, user, password), name="pg"))
    assert_told(caught.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("postgresql://me:wr0ng@127.0.0.1:x/shop", "not a URL"),
        ("oracle://me:wr0ng@127.0.0.1/shop", "does not begin with"),
        ("postgresql://me:wr0ng@127.0.0.1/shop?colour=blue", "does not know"),
    ],
)
def test_a_wrong_address(address: str, words: str) -> None:
    with pytest.raises(Unreachable, match=words) as caught:
        next(items(address, name="pg"))
    assert_told(caught.value)


def test_a_server_that_is_not_there_or_says_nothing() -> None:
    with pytest.raises(Unreachable, match="connection refused") as caught:
        next(items(f"postgresql://me:wr0ng@127.0.0.1:{servers.free_port()}/shop", name="pg"))
    assert_told(caught.value)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        with pytest.raises(TimedOut) as late:
            next(
                items(
                    f"postgresql://me:wr0ng@127.0.0.1:{listener.getsockname()[1]}/shop", name="pg", timeout=2
                )
            )
        assert time.monotonic() - began < 4
        assert_told(late.value)


def test_a_server_that_freezes_in_a_copy(server: servers.Server) -> None:
    server.admin(
        "CREATE TABLE long AS SELECT repeat('x', 999) w FROM generate_series(1, 30000)", database="shop"
    )
    found = items(server.url("shop"), name="pg", tables=["long", "wide"], timeout=1)
    table = next(found)
    assert isinstance(table, Table)
    next(table.blocks)
    (pid,) = server.admin("SELECT pid FROM pg_stat_activity WHERE application_name = 'policyproof'")[-1]
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(TimedOut, match="said nothing for 2 s") as caught:
            list(table.blocks)
        assert_told(caught.value)
        with pytest.raises(NotAssessed) as after:
            next(found)
        assert_told(after.value)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_locked_table_does_not_hold_up_the_others(server: servers.Server) -> None:
    with psycopg.connect(server.url("shop")) as other:
        other.execute("LOCK TABLE clean IN ACCESS EXCLUSIVE MODE")
        found = read(items(server.url("shop"), name="pg", tables=["clean", "leaf"], timeout=0.3))
    assert found.skipped == {"pg!public.clean": "another session holds a lock on the table"}
    assert CARD in found.bytes["pg!public.leaf"]


def test_a_table_that_vanishes_is_told(server: servers.Server) -> None:
    server.admin("CREATE TABLE vanishing AS SELECT 1 AS n", database="shop")
    found = items(server.url("shop"), name="pg", tables=["clean", "vanishing"])
    next(found)
    server.admin("DROP TABLE vanishing", database="shop")
    assert read(found).skipped.keys() == {"pg!public.vanishing, column n"}


def test_a_server_that_is_killed_in_a_copy() -> None:
    with servers.postgres() as running:
        running.admin("CREATE TABLE long AS SELECT repeat('x', 999) w FROM generate_series(1, 30000)")
        found = items(running.url("postgres"), name="pg")
        table = next(found)
        assert isinstance(table, Table)
        next(table.blocks)
        os.kill(running.process.pid, signal.SIGQUIT)
        with pytest.raises(Unreachable, match="dropped") as caught:
            list(table.blocks)
        assert_told(caught.value)
        with pytest.raises(NotAssessed) as after:
            next(found)
        assert_told(after.value)
