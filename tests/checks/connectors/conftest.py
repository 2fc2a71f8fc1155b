"""The same small database on each kind of server, and targets that point at it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from checks.connectors.sql_scan import TextScan
from checks.core.model import Address, Store, Target
from tests import servers

COMMON = """
CREATE TABLE account (
  id {serial} PRIMARY KEY, email VARCHAR(200), created_at {timestamp}, deleted_at {timestamp}, born DATE,
  payload {json}, card BIGINT, photo {bytes}, small SMALLINT);
CREATE TABLE nothing_here (id INTEGER PRIMARY KEY, created_at {timestamp}, note TEXT);
CREATE TABLE clock (id INTEGER PRIMARY KEY, seconds BIGINT, millis BIGINT, iso VARCHAR(40), bad VARCHAR(40));
CREATE TABLE "odd na:me%" ("a:b%c" VARCHAR(50), "select" INTEGER);
CREATE VIEW account_view AS SELECT email FROM account;
INSERT INTO account VALUES
 (1, 'ada@example.com', '2020-01-01 12:00:00', '2024-01-01 00:00:00', '1980-02-03',
  '{{"event_id": 1, "data": {{"order_id": 7, "lines": [{{"sku": "x"}}]}}}}', 4111111111111111, {blob}, 3),
 (2, NULL, '2024-06-01 00:00:00', NULL, NULL, '{{"event_id": 2, "a@example.com": null}}', NULL, NULL, NULL),
 (3, 'eve@example.com', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO clock VALUES (1, 1577880000, 1577880000000, '2020-01-01T12:00:00Z', '2020-01-01'),
 (2, 1717200000, 1717200000000, '2024-06-01 00:00:00', 'soon');
INSERT INTO "odd na:me%" VALUES ('4111 1111 1111 1111', 9);
"""
WORDS = {
    "postgresql": {"serial": "INTEGER", "timestamp": "TIMESTAMP", "json": "JSONB", "bytes": "BYTEA"}
    | {"blob": r"'\x34313131'::bytea"},
    "mysql": {"serial": "INTEGER", "timestamp": "DATETIME", "json": "JSON", "bytes": "BLOB"}
    | {"blob": "X'34313131'"},
    "sqlite": {"serial": "INTEGER", "timestamp": "DATETIME", "json": "JSON", "bytes": "BLOB"}
    | {"blob": "X'34313131'"},
}
POSTGRES_ONLY = """
CREATE TYPE place AS (street TEXT, zip TEXT);
CREATE TYPE mood AS ENUM ('ok');
CREATE DOMAIN pan AS VARCHAR(19);
CREATE DOMAIN pan2 AS pan;
CREATE DOMAIN big AS NUMERIC(16, 0);
CREATE SCHEMA billing;
CREATE TABLE billing.invoice (id UUID PRIMARY KEY, at TIMESTAMPTZ NOT NULL, lines TEXT[], p pan2,
  n NUMERIC(20, 2),  n2 NUMERIC(9, 2), b big, m mood, j JSON, x XML, f REAL, t place, u UUID, i INET,
   bits BYTEA[], always TIMESTAMPTZ);
COMMENT ON TABLE billing.invoice IS 'Invoices';
COMMENT ON COLUMN billing.invoice.p IS 'card number';
INSERT INTO billing.invoice (id, at, lines, j, always) VALUES (
  '6f8f57715090da2632453988d9a1501b', '2020-01-01 12:00+02', '{4111 1111 1111 1111}',
  '[{"pan": 1}]', '-infinity');
CREATE TABLE measured (at TIMESTAMPTZ, v INTEGER) PARTITION BY RANGE (at);
CREATE TABLE measured_2020 PARTITION OF measured FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM account;
INSERT INTO measured VALUES ('2020-05-05', 1)
"""
BIG = {  # 20,000 rows of a kilobyte
    "postgresql": ["CREATE TABLE big AS SELECT repeat('x', 1000) AS body FROM generate_series(1, 20000)"],
    "mysql": ["CREATE TABLE big ENGINE=Aria AS SELECT repeat('x', 1000) AS body FROM seq_1_to_20000"],
}


def target(address: str, name: str = "cloud-db") -> Target:
    """Return a store target at ``address``."""
    store = Store(name, "sql", "Database", {}, {})
    return Target(name, "sql", "Database", store, Address("DB_URL", address))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Server]:
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[servers.Server]:
    with servers.mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: servers.Server) -> str:
    postgres_server.admin("CREATE DATABASE shop")
    script = COMMON.format(**WORDS["postgresql"]) + POSTGRES_ONLY
    postgres_server.admin(*script.split(";\n"), database="shop")
    return postgres_server.url("shop")


@pytest.fixture(scope="session")
def mariadb_url(mariadb_server: servers.Server) -> str:
    mariadb_server.admin("CREATE DATABASE shop CHARACTER SET utf8mb4")
    script = COMMON.format(**WORDS["mysql"])
    statements = [part for part in script.split(";\n") if part.strip()]
    mariadb_server.admin("SET SESSION sql_mode = 'ANSI_QUOTES'", *statements, database="shop")
    return mariadb_server.url("shop")


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sqlite") / "shop #%.db"
    connection = sqlite3.connect(path)
    connection.executescript(COMMON.format(**WORDS["sqlite"]))
    connection.close()
    return f"sqlite:///{path}"


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def any_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority, and the file that holds its certificate."""
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


class Cell(NamedTuple):
    """One value of a scan that is not NULL."""

    row: str
    column: str
    text: str


def cells(scan: TextScan) -> Iterator[Cell]:
    for batch in scan.batches():
        for index, values in enumerate(batch, 1 - len(batch)):
            for column, value in zip(scan.columns, scan.texts(values), strict=True):
                if value is not None:
                    text = value.decode() if isinstance(value, bytes) else str(value)
                    yield Cell(scan.label(values, index), column.name, text)
