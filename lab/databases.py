"""The lab's two databases: schema, rows, roles and what each role may see."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from lab.copyformat import text
from lab.postgres import Server
from lab.rows import Table

NAMES = {"cloud-db": "enfyra_cloud", "project-db": "enfyra_project"}
"""Database of each store."""

_OURS = ("enfyra_app", "project_runtime", "policyproof_audit")
_PROVIDERS = ("cloud_host_agent", "mail_relay", "log_service", "abuse_shield", "paddle_sync")

_GRANTS = """
GRANT pg_read_all_data TO policyproof_audit;

CREATE ROLE infra_reader NOLOGIN;
GRANT SELECT ON project, subdomain, deployment, operational_log TO infra_reader;
GRANT infra_reader TO cloud_host_agent;

GRANT SELECT (email, name) ON account TO mail_relay;

GRANT SELECT ON operational_log TO log_service;
GRANT SELECT (id, project_id, method, path, status, duration_ms, created_at) ON request_log TO log_service;

GRANT SELECT (id, method, path, status, client_ip, user_agent, created_at) ON request_log TO abuse_shield;
GRANT SELECT (id, kind, client_ip, user_agent, created_at) ON auth_event TO abuse_shield;

GRANT SELECT, UPDATE ON subscription TO paddle_sync;
GRANT SELECT ON payment_order, invoice TO paddle_sync;
GRANT SELECT (id, name, country, tax_number, billing_email, paddle_customer_id)
    ON organization TO paddle_sync;
"""

_TYPES = {
    "uuid": "uuid",
    "varchar": "text",
    "text": "text",
    "boolean": "boolean",
    "bigint": "bigint",
    "date": "timestamptz",
    "simple-json": "jsonb",
    "array-select": "text[]",
}
"""Enfyra's column types in PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Databases:
    """The filled databases. ``addresses`` maps store ids to the URL of the suite's own login."""

    server: Server
    addresses: Mapping[str, str] = field(repr=False)

    def run(self, store: str, *statements: str, **values: object) -> None:
        """Execute ``statements`` as superuser in the database of ``store``, in one transaction.

        ``values`` stand for ``%(name)s`` in them.
        """
        with self.server.connect(NAMES[store]) as connection, connection.transaction():
            for statement in statements:
                connection.execute(statement, values or None)


def fill(server: Server, schemas: Path, rows: Mapping[str, Sequence[Table]]) -> Databases:
    """Create both databases from the documents in ``schemas`` and load ``rows``."""
    passwords = {role: secrets.token_urlsafe(18) for role in (*_OURS, *_PROVIDERS)}
    with server.connect("postgres") as connection:
        for role, password in passwords.items():
            command = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(command.format(sql.Identifier(role), sql.Literal(password)))
        for store, owner in (("cloud-db", "enfyra_app"), ("project-db", "project_runtime")):
            command = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(command.format(sql.Identifier(NAMES[store]), sql.Identifier(owner)))
    migrations = sorted((schemas / "migrations").glob("*.sql"))
    snapshot = json.loads((schemas / "project" / "snapshot.json").read_text())
    with server.connect(NAMES["cloud-db"]) as connection:
        _load(connection, "enfyra_app", [path.read_text() for path in migrations], rows["cloud-db"])
        for path in migrations:
            connection.execute("INSERT INTO schema_migration VALUES (%s, now())", (path.name,))
        connection.execute(_GRANTS)
    with server.connect(NAMES["project-db"]) as connection:
        _load(connection, "project_runtime", list(_project_ddl(snapshot)), rows["project-db"])
    addresses = {
        store: server.url(name, "policyproof_audit", passwords["policyproof_audit"])
        for store, name in NAMES.items()
    }
    return Databases(server, addresses)


def _load(
    connection: psycopg.Connection[Any], owner: str, ddl: Sequence[str], tables: Sequence[Table]
) -> None:
    """Run ``ddl`` as ``owner``, then load ``tables`` without checking foreign keys row by row."""
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        for script in ddl:
            connection.execute(script)
        connection.execute("RESET ROLE")
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
            command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), columns)
            with connection.cursor() as cursor, cursor.copy(command) as copy:
                copy.write(text(table))


def _project_ddl(snapshot: Mapping[str, Any]) -> list[str]:
    """Return the statements that make the tables of an Enfyra schema snapshot."""
    statements: list[str] = []
    for table in snapshot.values():
        columns = [
            f'"{c["name"]}" {_TYPES[c["type"]]}{"" if c["isNullable"] else " NOT NULL"}'
            f"{' PRIMARY KEY' if c['name'] == 'id' else ''}"
            for c in table["columns"]
        ]
        columns += [
            f'FOREIGN KEY ("{r["propertyName"]}Id") REFERENCES "{r["targetTable"]}" ON DELETE {r["onDelete"]}'
            for r in table["relations"]
        ]
        statements.append(f'CREATE TABLE "{table["name"]}" ({", ".join(columns)})')
    return statements
