"""Roles and effective privileges on PostgreSQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.connectors.sql import SqlStore
from checks.core.errors import Refused
from tests import servers
from tests.checks.connectors.conftest import target

POSTGRES = """
CREATE ROLE reader; CREATE ROLE deep; GRANT reader TO deep;
CREATE ROLE sync LOGIN PASSWORD 'x'; GRANT deep TO sync;
CREATE ROLE shipper LOGIN NOINHERIT PASSWORD 'x'; GRANT reader TO shipper;
CREATE ROLE owner_role; CREATE ROLE app LOGIN PASSWORD 'x'; GRANT owner_role TO app;
CREATE ROLE boss SUPERUSER; CREATE ROLE chief LOGIN PASSWORD 'x'; GRANT boss TO chief;
CREATE ROLE auditor LOGIN PASSWORD 'audit'; GRANT pg_read_all_data TO auditor;
CREATE ROLE nosy LOGIN PASSWORD 'x';
CREATE TABLE pay (id INT, email TEXT, amount INT);
CREATE TABLE own (id INT); ALTER TABLE own OWNER TO owner_role;
CREATE TABLE part (id INT) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE VIEW pay_view AS SELECT email FROM pay;
CREATE SCHEMA closed; CREATE TABLE closed.t (id INT);
GRANT SELECT ON pay TO reader; GRANT UPDATE (amount) ON pay TO sync; GRANT SELECT ON closed.t TO sync;
GRANT SELECT ON pay_view TO PUBLIC; GRANT SELECT (id) ON own TO PUBLIC; GRANT SELECT ON part_1 TO nosy
"""
MARIADB = """
CREATE TABLE pay (id INT, email TEXT, amount INT);
CREATE ROLE reader; CREATE ROLE deep; GRANT reader TO deep; GRANT SELECT ON grants.pay TO reader;
CREATE USER sync@'%' IDENTIFIED BY 'x'; GRANT deep TO sync@'%';
GRANT UPDATE (amount) ON grants.pay TO sync@'%';
CREATE USER whole@'%' IDENTIFIED BY 'x'; GRANT DELETE ON `gr%`.* TO whole@'%';
CREATE USER other@'%' IDENTIFIED BY 'x'; GRANT SELECT ON shop.* TO other@'%';
CREATE ROLE everything; GRANT SELECT ON *.* TO everything;
CREATE USER via@'%' IDENTIFIED BY 'x'; GRANT everything TO via@'%';
GRANT INSERT ON grants.pay TO PUBLIC;
CREATE USER auditor@'%' IDENTIFIED BY 'audit'; GRANT SELECT ON grants.* TO auditor@'%';
GRANT SELECT ON mysql.* TO auditor@'%';
CREATE USER blind@'%' IDENTIFIED BY 'audit'; GRANT SELECT ON grants.* TO blind@'%';
GRANT SELECT ON mysql.user TO blind@'%'; GRANT SELECT ON mysql.roles_mapping TO blind@'%';
CREATE USER narrow@'%' IDENTIFIED BY 'audit'; GRANT SELECT ON grants.pay TO narrow@'%'
"""


@pytest.fixture(scope="module")
def postgres_store(postgres_server: servers.Server) -> Iterator[SqlStore]:
    postgres_server.admin("CREATE DATABASE grants")
    postgres_server.admin(*POSTGRES.split(";"), database="grants")
    with SqlStore.open(target(postgres_server.url("grants", "auditor", "audit"))) as store:
        yield store


@pytest.fixture(scope="module")
def mariadb_grants(mariadb_server: servers.Server, mariadb_url: str) -> servers.Server:
    mariadb_server.admin("CREATE DATABASE grants")
    mariadb_server.admin(*MARIADB.split(";"), database="grants")
    return mariadb_server


def of(store: SqlStore, role: str) -> set[tuple[str, str | None, str, str]]:
    """Return the privileges of one role as tuples."""
    return {(p.table, p.column, p.privilege, p.via) for p in store.grants() if p.role == role}


def test_postgresql_roles(postgres_store: SqlStore) -> None:
    roles = {role.name: role for role in postgres_store.roles()}
    assert (roles["deep"].login, roles["sync"].login) == (False, True)
    assert roles["sync"].member_of == ("deep",)
    assert roles["boss"].superuser
    assert not [name for name in roles if name.startswith("pg_")]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (
            "sync",
            {
                ("pay", None, "SELECT", "role reader"),
                ("pay", "amount", "UPDATE", "direct"),
                ("closed.t", None, "SELECT", "direct"),
            },
        ),
        ("shipper", {("pay", None, "SELECT", "role reader")}),
        ("nosy", {("part", None, "SELECT", "direct")}),
        ("chief", {("*", None, "ALL", "role boss")}),
        ("postgres", {("*", None, "ALL", "superuser")}),
        ("auditor", {("*", None, "SELECT", "role pg_read_all_data")}),
        ("PUBLIC", {("pay_view", None, "SELECT", "PUBLIC"), ("own", "id", "SELECT", "PUBLIC")}),
        ("reader", set()),
    ],
)
def test_postgresql_privileges(
    postgres_store: SqlStore, role: str, expected: set[tuple[str, str | None, str, str]]
) -> None:
    assert of(postgres_store, role) == expected


def test_postgresql_owner_through_a_role(postgres_store: SqlStore) -> None:
    owned = of(postgres_store, "app")
    assert ("own", None, "DELETE", "role owner_role") in owned
    assert {table for table, *_ in owned} == {"own"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (
            "'sync'@'%'",
            {
                ("pay", None, "SELECT", "role 'reader'@''"),
                ("pay", None, "SELECT", "role 'deep'@''"),  # MariaDB lists what a role has by another, too
                ("pay", "amount", "UPDATE", "direct"),
            },
        ),
        ("'whole'@'%'", {("*", None, "DELETE", "direct")}),
        ("'other'@'%'", set()),
        ("'via'@'%'", {("*", None, "SELECT", "role 'everything'@''")}),
        ("'root'@'127.0.0.1'", {("*", None, "ALL", "superuser")}),
        ("PUBLIC", {("pay", None, "INSERT", "PUBLIC")}),
    ],
)
def test_mariadb_privileges(
    mariadb_grants: servers.Server, role: str, expected: set[tuple[str, str | None, str, str]]
) -> None:
    with SqlStore.open(target(mariadb_grants.url("grants", "auditor", "audit"))) as store:
        assert of(store, role) == expected
        roles = {found.name: found for found in store.roles()}
        assert roles["'sync'@'%'"].member_of == ("'deep'@''",)
        assert (roles["'deep'@''"].login, roles["'sync'@'%'"].login) == (False, True)


def test_a_mariadb_login_that_sees_only_a_part_is_refused(mariadb_grants: servers.Server) -> None:
    with SqlStore.open(target(mariadb_grants.url("grants", "blind", "audit"))) as store:
        assert store.roles()
        with pytest.raises(Refused, match="the login sees only its own grants"):
            store.grants()
        assert set(store.tables()) == {"pay"}
    with SqlStore.open(target(mariadb_grants.url("grants", "narrow", "audit"))) as store:
        with pytest.raises(Refused, match="the login has no permission"):
            store.roles()
        with pytest.raises(Refused, match="the login sees only some tables"):
            store.tables()


def test_sqlite_has_no_roles(sqlite_url: str) -> None:
    with SqlStore.open(target(sqlite_url)) as store:
        assert (store.has_roles, store.roles(), store.grants()) == (False, (), ())
