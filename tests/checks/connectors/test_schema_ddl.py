"""Migrations: the columns that exist after the last of them, and statements that are not understood."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schema_files import SECRET, assert_one_line, fields, target

from checks.connectors.schema_ddl import Migrations
from checks.connectors.schemas import SchemaDocuments
from checks.connectors.sql import SqlStore
from checks.core.errors import NotAssessed, Nothing, Unreadable
from tests import servers
from tests.checks.connectors.conftest import target as sql_target


def paths(script: str, dialect: str = "postgres") -> list[str]:
    migrations = Migrations(dialect)
    migrations.apply("x.sql", script)
    return [field.path for field in migrations.tables.fields()]


@pytest.mark.parametrize(
    ("dialect", "script", "expected"),
    [
        ("postgres", 'CREATE TABLE "Odd" (UPPER int, "Kept" int, PRIMARY KEY (upper))', "Odd.upper Odd.Kept"),
        ("postgres", "CREATE UNLOGGED TABLE IF NOT EXISTS public.t (a int)", "t.a"),
        ("postgres", "CREATE TABLE billing.t (a int); ALTER TABLE billing.t RENAME TO u", "billing.u.a"),
        ("postgres", "CREATE TABLE t (a int); ALTER TABLE t SET SCHEMA s", "s.t.a"),
        ("postgres", "CREATE TABLE s.t (a int); CREATE TABLE t (b int); DROP SCHEMA s CASCADE", "t.b"),
        ("postgres", "CREATE TABLE t (a int); CREATE TABLE u (LIKE t INCLUDING ALL, b int)", "t.a u.a u.b"),
        ("postgres", "CREATE TABLE t (a int); CREATE TABLE u (b int) INHERITS (t)", "t.a u.b u.a"),
        (
            "postgres",
            "CREATE TABLE t (a int) PARTITION BY RANGE (a);"
            "CREATE TABLE u PARTITION OF t FOR VALUES FROM (1) TO (2); ALTER TABLE t DETACH PARTITION u",
            "t.a u.a",
        ),
        (
            "postgres",
            "CREATE TYPE p AS (street text); CREATE TYPE m AS ENUM ('x'); CREATE TABLE t OF p",
            "p.street t.street",
        ),
        ("postgres", "CREATE TYPE p AS (a int); ALTER TYPE p ADD ATTRIBUTE b int, DROP ATTRIBUTE a", "p.b"),
        ("postgres", "CREATE TABLE t AS SELECT 1 AS a, x.b, y::text FROM x WITH NO DATA", "t.a t.b t.y"),
        ("postgres", "CREATE TABLE t (a int); CREATE TABLE u AS TABLE t", "t.a u.a"),
        (
            "postgres",
            "CREATE TABLE t (a int, b int); CREATE TABLE u AS SELECT t.*, 1 c FROM t",
            "t.a t.b u.c u.a u.b",
        ),
        ("postgres", "CREATE TABLE t (a int); SELECT a, 'x' AS cvv INTO u FROM t", "t.a u.a u.cvv"),
        (
            "postgres",
            "CREATE MATERIALIZED VIEW m AS SELECT email AS e, count(*) FROM v GROUP BY 1",
            "m.e m.count",
        ),
        ("postgres", "CREATE FOREIGN TABLE t (a int) SERVER s OPTIONS (x 'y')", "t.a"),
        (
            "postgres",
            "ALTER TABLE ONLY t ADD a int, ADD CONSTRAINT c CHECK (a > 0), ADD COLUMN IF NOT EXISTS b text",
            "t.a t.b",
        ),
        (
            "postgres",
            "CREATE TABLE t (a int, b int); ALTER TABLE IF EXISTS t DROP COLUMN IF EXISTS a CASCADE",
            "t.b",
        ),
        (
            "postgres",
            "CREATE TABLE t (a int, b int); ALTER TABLE t RENAME a TO pan; ALTER TABLE t RENAME b TO c",
            "t.pan t.c",
        ),
        (
            "postgres",
            "CREATE TABLE t (a int); ALTER TABLE t RENAME CONSTRAINT x TO y; DROP TABLE t, u CASCADE",
            "",
        ),
        ("postgres", "CREATE TABLE t (a int); CREATE TABLE IF NOT EXISTS t (b int)", "t.a t.b"),
        ("postgres", "CREATE TABLE t (a int); -- migrate:down\nDROP TABLE t;", "t.a"),
        ("postgres", "-- +goose Up\nCREATE TABLE t (a int);\n-- +goose Down\nDROP TABLE t;", "t.a"),
        (
            "mysql",
            "CREATE TABLE `t` (`A` int, KEY `k` (`A`), FULLTEXT KEY (`A`)) ENGINE=InnoDB COMMENT='x'",
            "t.A",
        ),
        (
            "mysql",
            "CREATE TABLE t (a int); ALTER TABLE t ADD (b int, c int), ADD INDEX (a), ENGINE=InnoDB",
            "t.a t.b t.c",
        ),
        (
            "mysql",
            "CREATE TABLE t (a int, b int); ALTER TABLE t CHANGE a cvv int AFTER b, MODIFY b text FIRST",
            "t.cvv t.b",
        ),
        (
            "mysql",
            "CREATE TABLE t (a int); RENAME TABLE t TO u; CREATE TABLE w LIKE u; ALTER TABLE w RENAME x",
            "u.a x.a",
        ),
        ("mysql", "/*!40101 SET x=1 */;\nCREATE TABLE t (a int) /*!50100 PARTITION BY KEY (a) */;", "t.a"),
        ("mysql", "CREATE TABLE t (a int); ALTER TABLE t DROP PRIMARY KEY, DROP FOREIGN KEY `f`, DROP a", ""),
        (
            "mysql",
            "DELIMITER //\nCREATE PROCEDURE p() BEGIN CREATE TABLE no (a int); END //\n"
            "DELIMITER ;\nCREATE TABLE t (a int);",
            "t.a",
        ),
        (
            "mysql",
            "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN IF 1 THEN SET @a = 1; END IF; END; "
            "CREATE TABLE t (a int)",
            "t.a",
        ),
        ("mysql", "CREATE TABLE t SELECT 1 AS a", "t.a"),
        ("sqlite", "CREATE TABLE t (a, [b c] TEXT, 'd' INT) WITHOUT ROWID", "t.a t.b c t.d"),
        ("sqlite", "CREATE VIRTUAL TABLE t USING fts5(title, body, tokenize = 'porter')", "t.title t.body"),
        (
            "sqlite",
            "CREATE TABLE t (a); CREATE TABLE new (a, b); DROP TABLE t; ALTER TABLE new RENAME TO t",
            "t.a t.b",
        ),
        (
            "sqlite",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END; CREATE TABLE t (a)",
            "t.a",
        ),
        ("sqlite", "PRAGMA foreign_keys=ON; ATTACH 'x' AS y; CREATE TEMP TABLE temp.t (a)", "t.a"),
    ],
)
def test_what_migrations_leave_behind(dialect: str, script: str, expected: str) -> None:
    found = " ".join(paths(script, dialect))
    assert found == expected


NO_BEARING = r"""
SET search_path = ''; BEGIN; INSERT INTO t VALUES ('it''s; CREATE TABLE no (a int)'); COMMIT;
GRANT SELECT ON t TO x; REVOKE ALL ON t FROM public; CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);
CREATE EXTENSION IF NOT EXISTS pgcrypto; CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
$f$ BEGIN CREATE TABLE no (a int); RETURN NEW; END $f$;
CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;
DO $$ BEGIN PERFORM 1; EXECUTE format('ALTER TABLE %I OWNER TO x', 'no'); END $$; SELECT setval('s', 1);
CREATE VIEW v AS SELECT a AS no FROM t; ALTER TABLE t OWNER TO x, ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (true); CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t EXECUTE FUNCTION f();
ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO x; ALTER TYPE mood ADD VALUE 'x';
COMMENT ON TABLE t IS 'no'; COMMENT ON EXTENSION e IS 'no'; ALTER TABLE ONLY t REPLICA IDENTITY FULL;
\copy t from 'x.csv' with csv
\restrict abc
COPY public.t (a) FROM stdin;
';CREATE TABLE no (a int);
\.

/* a comment; /* in a comment */ CREATE TABLE no (a int); */
WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x; TRUNCATE t; REFRESH MATERIALIZED VIEW m;
ALTER SEQUENCE q OWNED BY t.a; CREATE DOMAIN d AS text CHECK (value ~ ';'); CREATE SCHEMA s;
"""


def test_statements_with_no_bearing_on_columns() -> None:
    assert paths(NO_BEARING + "CREATE TABLE t (a int);") == ["t.a"]


def test_files_run_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    documents: dict[str, str | bytes] = {
        "V10__drop.sql": "ALTER TABLE t DROP COLUMN cvv;",
        "V2__add.sql": "ALTER TABLE t ADD COLUMN cvv text;",
        "V1__make.sql": "CREATE TABLE t (a int);",
    }
    assert [field.path for field in fields(tmp_path, "ddl", documents)] == ["t.a"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("IF true THEN ALTER TABLE t ADD COLUMN cvv text; END IF;", ["t.a", "t.cvv"]),
        ("ALTER TABLE t ADD cvv int; EXCEPTION WHEN duplicate_column THEN NULL;", ["t.a", "t.cvv"]),
        ("CREATE TABLE IF NOT EXISTS u (b int);", ["t.a", "u.b"]),
        ("ALTER TABLE t DROP COLUMN a;", ["t.a"]),
        ("ALTER TABLE t RENAME a TO b;", ["t.a", "t.b"]),
        ("RAISE NOTICE 'ALTER TABLE t ADD x int';", ["t.a"]),
    ],
)
def test_a_do_block_adds_and_takes_nothing_away(body: str, expected: list[str]) -> None:
    assert paths(f"CREATE TABLE t (a int); DO $do$ BEGIN {body} END $do$;") == expected


@pytest.mark.parametrize(
    ("dialect", "script", "line", "words"),
    [
        ("postgres", f"\nCREATE TABEL t (a int); -- {SECRET}", 2, "not understood"),
        ("postgres", f"{SECRET} is no SQL", 1, "not understood"),
        ("postgres", "SELECT 1;\n\nCREATE TABLE t (a int", 3, "never close"),
        ("postgres", "CREATE TABLE t (\na int,\n,b int)", 3, "nothing between two commas"),
        ("postgres", "CREATE TABLE t (a int,)", 1, "nothing after the last comma"),
        ("postgres", f"CREATE TABLE t (\na text '{SECRET}' x)", 2, "a column definition that cannot be read"),
        ("postgres", "CREATE TABLE t (a)", 1, "a column without a type"),
        ("postgres", "CREATE TABLE t", 1, "whose columns cannot be told"),
        ("postgres", "CREATE TABLE t (a int);\nALTER TABLE t FROBNICATE a", 2, "ALTER TABLE that is not"),
        ("postgres", "ALTER TABLE t", 1, "without an action"),
        ("postgres", "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES ('x", 2, "quoted text that never ends"),
        ("postgres", "SELECT $a$ x $b$", 1, "quoted text that never ends"),
        ("postgres", "SELECT 1 /* x", 1, "comment that never ends"),
        ("postgres", "COPY t (a) FROM stdin;\n1\n2\n", 1, "COPY that never end"),
        ("postgres", "\\i other.sql", 1, "includes another file"),
        ("postgres", "CREATE TABLE t (LIKE unknown)", 1, "that no file creates"),
        ("postgres", "\nCREATE TABLE t AS SELECT * FROM unknown", 2, "that no file creates"),
        ("postgres", "CREATE TABLE t AS SELECT FROM WHERE", 1, "a query that cannot be read"),
        ("postgres", "CREATE SCHEMA s CREATE TABLE t (a int)", 1, "made together with its tables"),
        ("postgres", "DO $$ BEGIN\nEXECUTE 'ALTER TABLE t ADD cvv int'; END $$", 2, "from a text"),
        ("postgres", "DROP TABLE t u", 1, "cannot be read"),
        ("mysql", "PREPARE x FROM @y", 1, "not understood"),
        ("mysql", "SOURCE other.sql", 1, "not understood"),
        ("sqlite", ".read other.sql", 1, "includes another file"),
    ],
)
def test_statements_that_are_not_understood(
    tmp_path: Path, dialect: str, script: str, line: int, words: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        fields(tmp_path, "ddl", {"1.sql": "CREATE TABLE x (y int)", "2.sql": script}, dialect)
    assert_one_line(caught.value, words, tmp_path)
    assert caught.value.reason.startswith(f"2.sql:{line}: ")


@pytest.mark.parametrize(
    ("script", "words", "seen"),
    [
        ("GRANT SELECT ON t TO x;", "no file creates a table", []),
        ("-- nothing yet", "no file creates a table", []),
        ("CREATE TABLE t (a int); DROP TABLE t", "no table is left", []),
        ("ALTER TABLE t ADD COLUMN cvv int", "no file creates a table", ["t.cvv"]),
    ],
)
def test_nothing_is_left(tmp_path: Path, script: str, words: str, seen: list[str]) -> None:
    found: list[str] = []
    (tmp_path / "1.sql").write_text(script)
    with (
        SchemaDocuments.open(target(tmp_path, "*.sql", "ddl")) as schema,
        pytest.raises(Nothing, match=words),
    ):
        found.extend(field.path for field in schema.fields())
    assert found == seen


@given(
    st.text(alphabet="aAtT(),;'\"$-/*\\\n CREATLDOP[]`#.E=", max_size=80),
    st.sampled_from(["postgres", "mysql", "sqlite"]),
)
def test_whatever_the_script_the_answer_is_columns_or_one_line(script: str, dialect: str) -> None:
    said = "x.sql:"
    try:
        paths("CREATE TABLE t (" + script, dialect)
    except NotAssessed as error:
        said = error.reason
    assert said.startswith("x.sql:")


LIVE = """CREATE TABLE a (id int PRIMARY KEY, "Mixed" varchar(9), note text);
ALTER TABLE a ADD COLUMN late timestamp; ALTER TABLE a DROP COLUMN note;
ALTER TABLE a RENAME COLUMN late TO later;
CREATE TABLE b AS SELECT id AS other, 'x' AS word FROM a; ALTER TABLE b RENAME TO c; CREATE TABLE d (x int);
DROP TABLE d"""


@pytest.mark.parametrize("dialect", ["postgres", "sqlite"])
def test_the_same_columns_as_a_real_database(
    request: pytest.FixtureRequest, tmp_path: Path, dialect: str
) -> None:
    if dialect == "sqlite":
        with sqlite3.connect(tmp_path / "live.db") as connection:
            connection.executescript(LIVE)
        connection.close()
        address = f"sqlite:///{tmp_path / 'live.db'}"
    else:
        server: servers.Server = request.getfixturevalue("postgres_server")
        server.admin("CREATE DATABASE live_ddl")
        server.admin(*LIVE.split(";"), database="live_ddl")
        address = server.url("live_ddl")
    with SqlStore.open(sql_target(address)) as store:
        live = {
            f"{table.name}.{column.name}" for table in store.tables().values() for column in table.columns
        }
    assert set(paths(LIVE, dialect)) == live


def test_a_large_dump_is_read_in_time() -> None:
    rows = "\n".join(f"{number}\tname {number}\tit's" for number in range(200_000))
    inserts = "INSERT INTO t VALUES (1, 'it''s;');\n" * 20_000
    script = (
        f"CREATE TABLE t (a int, b text);\nCOPY t FROM stdin;\n{rows}\n\\.\n{inserts}ALTER TABLE t ADD c int;"
    )
    begun = time.perf_counter()
    assert paths(script) == ["t.a", "t.b", "t.c"]
    assert time.perf_counter() - begun < 10
