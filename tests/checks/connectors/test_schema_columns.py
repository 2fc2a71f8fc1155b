"""Column definitions in migrations: every type, comments beside them, and their lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from schema_files import fields

from checks.connectors.schema_ddl import Migrations
from checks.core.model import Location

TYPES = {
    "postgres": """text|citext|s.mood|geometry(Point,4326)|double precision NOT NULL|
        timestamp(3) without time zone|timestamptz DEFAULT now()|bit varying(5)|int[]|
        text ARRAY[4]|"char"|character varying(255) COLLATE "C"|
        bigint GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 1)|
        text STORAGE EXTERNAL COMPRESSION lz4|int GENERATED ALWAYS AS (1 + 2) STORED|
        int CONSTRAINT c CHECK (a > 0) NO INHERIT|national character(3)|
        int REFERENCES x (y) MATCH FULL ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED|
        vector(1536)|jsonb DEFAULT '{}'::jsonb NOT NULL|interval day to second|pg_catalog.int4|
        numeric(10, 2)|tstzrange""",
    "mysql": """int unsigned NOT NULL AUTO_INCREMENT|
        varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin|
        timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP|enum('x','y')|
        set('x')|int GENERATED ALWAYS AS (b) VIRTUAL|varchar(4) INVISIBLE|point SRID 4326|
        tinyint(1)|datetime(6)|double(8,2)|longtext CHECK (json_valid(a))|bit(1) DEFAULT b'0'|
        year|inet6|json DEFAULT (json_object())""",
    "sqlite": """INTEGER PRIMARY KEY AUTOINCREMENT|TEXT COLLATE NOCASE|UNSIGNED BIG INT|VARCHAR(10,5)|
        TEXT NOT NULL ON CONFLICT IGNORE|NATIVE CHARACTER(70)|DATETIME DEFAULT (datetime('now'))|
        BOOL CHECK (a IN (0, 1))|TEXT GENERATED ALWAYS AS (b) STORED|""",
}
COLUMNS = [(dialect, kind.strip()) for dialect, kinds in TYPES.items() for kind in kinds.split("|")]


@pytest.mark.parametrize(("dialect", "kind"), COLUMNS)
def test_columns_of_every_type(dialect: str, kind: str) -> None:
    script = f"CREATE TABLE t (a {kind}, CONSTRAINT u UNIQUE (a), b int); ALTER TABLE t ADD COLUMN c {kind}"
    migrations = Migrations(dialect)
    migrations.apply("x.sql", script)
    a, b, c = migrations.tables.fields()
    assert [one.path for one in (a, b, c)] == ["t.a", "t.b", "t.c"]
    assert a.type == c.type
    assert (a.type or "") in " ".join(kind.split())


def test_comments_and_lines(tmp_path: Path) -> None:
    first = (
        "-- about the file\nCREATE TABLE t (  -- about the table\n"
        "  a int,  -- after a\n  -- before b\n  /* and\n   more */\n  b text\n);\n"
        "COMMENT ON COLUMN public.t.a IS E'it\\'s ' 'said';\nCOMMENT ON COLUMN t.b IS NULL;\n"
    )
    second = (
        "\n\nALTER TABLE t\n  ADD COLUMN c int,  -- on c\n  ALTER COLUMN b TYPE varchar(9) USING b::int;\n"
    )
    a, b, c = fields(tmp_path, "ddl", {"1.sql": first.replace("\n", "\r\n"), "2.sql": second})
    assert (a.comment, a.location) == ("it's said; after a", Location("1.sql", 3))
    assert (b.comment, b.location, b.type) == ("before b; and more", Location("2.sql", 5), "varchar(9)")
    assert (c.comment, c.location) == ("on c", Location("2.sql", 4))
    script = "CREATE TABLE t (a int COMMENT 'it''s a \\'CVV\\'' /* b */, # c\n b int COMMENT \"d\")"
    a, b = fields(tmp_path / "mysql", "ddl", {"1.sql": script}, "mysql")
    assert (a.comment, b.comment) == ("it's a 'CVV'; b; c", "d")
