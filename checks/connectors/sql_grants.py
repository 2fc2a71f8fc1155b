"""Who may do what in a database: effective privileges of each login role, from one or two queries.

A privilege counts wherever it comes from: given directly, to a role it is a member of (at any depth,
whether inherited or taken with SET ROLE), to PUBLIC, by owning the table, or by being a superuser.
A table grant counts although the role lacks USAGE on the schema, for that is one GRANT away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from checks.connectors.sql_link import Link
from checks.connectors.sql_reflect import mysql_sees_all
from checks.core.errors import Refused

EVERYTHING = "*"  # every table
PUBLIC = "PUBLIC"


@dataclass(frozen=True, slots=True)
class Role:
    """A role; ``member_of`` names the roles it is directly a member of."""

    name: str  # MySQL, MariaDB: 'user'@'host', quotes included
    login: bool
    superuser: bool
    member_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Privilege:
    """What ``role`` (a login role, or ``PUBLIC``) may do.

    ``table`` is ``*`` for every table; ``column`` is ``None`` for the whole table; ``via`` is
    ``direct``, ``owner``, ``superuser``, ``PUBLIC`` or ``role NAME``.
    """

    role: str
    table: str
    column: str | None
    privilege: str  # SELECT, INSERT, …, or ALL
    via: str


@dataclass(frozen=True, slots=True)
class Given:
    """One entry of an access list, as stored."""

    grantee: str
    table: str
    column: str | None
    privilege: str
    owner: bool = False


# Predefined roles that reach every table, or the files under them.
POSTGRES_PREDEFINED: Mapping[str, tuple[str, ...]] = {
    "pg_read_all_data": ("SELECT",),
    "pg_write_all_data": ("INSERT", "UPDATE", "DELETE"),
    "pg_read_server_files": ("SELECT",),
    "pg_write_server_files": ("ALL",),
    "pg_execute_server_program": ("ALL",),
}
POSTGRES_ROLES = """
SELECT r.rolname AS name, r.rolcanlogin AS login, r.rolsuper AS superuser, g.rolname AS parent
FROM pg_roles r
LEFT JOIN pg_auth_members m ON m.member = r.oid
LEFT JOIN pg_roles g ON g.oid = m.roleid
ORDER BY r.rolname, g.rolname
"""
# Views count too: they hand out what their tables hold. A part of a partitioned table counts as the whole.
POSTGRES_GRANTS = """
WITH relations AS (
  SELECT c.oid, c.relowner, c.relacl, n.nspname, r.relname
  FROM pg_class c
  JOIN pg_class r ON r.oid = CASE WHEN c.relispartition THEN pg_partition_root(c.oid) ELSE c.oid END
  JOIN pg_namespace n ON n.oid = r.relnamespace
  WHERE c.relkind IN ('r', 'p', 'm', 'f', 'v')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
), entries AS (
  SELECT nspname, relname, NULL::name AS attname, relowner, acl.grantee, acl.privilege_type
  FROM relations, aclexplode(acldefault('r', relowner)) acl
  UNION ALL
  SELECT nspname, relname, NULL, relowner, acl.grantee, acl.privilege_type
  FROM relations, aclexplode(relacl) acl WHERE acl.grantee <> relowner
  UNION ALL
  SELECT nspname, relname, a.attname, relowner, acl.grantee, acl.privilege_type
  FROM relations JOIN pg_attribute a ON a.attrelid = relations.oid AND a.attacl IS NOT NULL
    AND NOT a.attisdropped, aclexplode(a.attacl) acl WHERE acl.grantee <> relowner
)
SELECT DISTINCT e.nspname AS schema, e.relname AS bare, e.attname AS name, e.privilege_type AS privilege,
  e.grantee = e.relowner AS owner, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE r.rolname END AS grantee
FROM entries e LEFT JOIN pg_roles r ON r.oid = e.grantee
WHERE e.grantee = 0 OR r.rolname IS NOT NULL
ORDER BY 1, 2, 3, 4, 6
"""
MARIADB_ROLES = """
SELECT u.user, u.host, u.is_role = 'N' AS login, u.super_priv = 'Y' AS superuser,
  m.role AS parent, '' AS parent_host
FROM mysql.user u LEFT JOIN mysql.roles_mapping m ON m.user = u.user AND m.host = u.host
ORDER BY u.user, u.host, m.role
"""
MYSQL_ROLES = """
SELECT u.user, u.host, u.account_locked = 'N' AS login, u.super_priv = 'Y' AS superuser,
  e.from_user AS parent, e.from_host AS parent_host
FROM mysql.user u LEFT JOIN mysql.role_edges e ON e.to_user = u.user AND e.to_host = u.host
ORDER BY u.user, u.host, e.from_user
"""
# MariaDB's information_schema leaves out what roles may do everywhere.
MARIADB_GLOBAL_ROLES = """
SELECT user, host, select_priv, insert_priv, update_priv, delete_priv, file_priv
FROM mysql.user WHERE is_role = 'Y'
"""
MYSQL_GRANTS = """
SELECT grantee, '*' AS bare, NULL AS name, privilege_type AS privilege
FROM information_schema.user_privileges
UNION ALL
SELECT grantee, '*', NULL, privilege_type
FROM information_schema.schema_privileges WHERE DATABASE() LIKE table_schema
UNION ALL
SELECT grantee, table_name, NULL, privilege_type
FROM information_schema.table_privileges WHERE table_schema = DATABASE()
UNION ALL
SELECT grantee, table_name, column_name, privilege_type
FROM information_schema.column_privileges WHERE table_schema = DATABASE()
ORDER BY 1, 2, 3, 4
"""


def roles(link: Link) -> tuple[Role, ...]:
    """Return every role but PostgreSQL's predefined ones; ``Refused`` if the login may not see them."""
    return tuple(role for role in _all_roles(link) if not role.name.startswith("pg_"))


def grants(link: Link) -> tuple[Privilege, ...]:
    """Return the effective privileges of every login role, and those of PUBLIC once."""
    if link.dialect == "sqlite":
        return ()
    known = _all_roles(link)
    given = list(_postgres_given(link) if link.dialect == "postgresql" else _mysql_given(link))
    return tuple(dict.fromkeys(_effective(known, given)))


def _effective(known: Iterable[Role], given: Iterable[Given]) -> Iterator[Privilege]:
    by_name = {role.name: role for role in known}
    by_grantee: dict[str, list[Given]] = {}
    for entry in given:
        by_grantee.setdefault(entry.grantee, []).append(entry)
    for entry in by_grantee.get(PUBLIC, ()):
        yield Privilege(PUBLIC, entry.table, entry.column, entry.privilege, PUBLIC)
    for role in by_name.values():
        if not role.login:
            continue
        if role.superuser:
            yield Privilege(role.name, EVERYTHING, None, "ALL", "superuser")
            continue
        for source in _closure(role, by_name):
            through = None if source is role else f"role {source.name}"
            if source.superuser:
                yield Privilege(role.name, EVERYTHING, None, "ALL", f"role {source.name}")
            for privilege in POSTGRES_PREDEFINED.get(source.name, ()):
                yield Privilege(role.name, EVERYTHING, None, privilege, f"role {source.name}")
            for entry in by_grantee.get(source.name, ()):
                via = through or ("owner" if entry.owner else "direct")
                yield Privilege(role.name, entry.table, entry.column, entry.privilege, via)


def _closure(role: Role, by_name: Mapping[str, Role]) -> list[Role]:
    """Return the role and every role it is a member of, at any depth; cycles are harmless."""
    found = {role.name: role}
    waiting = list(role.member_of)
    while waiting:
        name = waiting.pop(0)
        if name in by_name and name not in found:
            found[name] = by_name[name]
            waiting.extend(by_name[name].member_of)
    return list(found.values())


def _all_roles(link: Link) -> list[Role]:
    if link.dialect == "sqlite":
        return []
    if link.dialect == "postgresql":
        rows = [(r.name, r.login, r.superuser, r.parent) for r in link.rows(sa.text(POSTGRES_ROLES))]
    else:
        query = MARIADB_ROLES if _is_mariadb(link) else MYSQL_ROLES
        rows = [
            (_account(r[0], r[1]), r.login, r.superuser, r.parent and _account(r.parent, r.parent_host))
            for r in link.rows(sa.text(query))
        ]
    found: dict[str, tuple[Any, Any, list[str]]] = {}
    for name, login, superuser, parent in rows:
        entry = found.setdefault(name, (login, superuser, []))
        if parent:
            entry[2].append(parent)
    return [Role(name, bool(e[0]), bool(e[1]), tuple(dict.fromkeys(e[2]))) for name, e in found.items()]


def _postgres_given(link: Link) -> Iterator[Given]:
    for row in link.rows(sa.text(POSTGRES_GRANTS)):
        table = row.bare if row.schema == "public" else f"{row.schema}.{row.bare}"
        yield Given(row.grantee, table, row.name, row.privilege, row.owner)


def _mysql_given(link: Link) -> Iterator[Given]:
    # Whoever may not read the whole of schema mysql is shown only his own grants, without a word.
    if not mysql_sees_all(link, sa.literal("mysql")):
        raise Refused(
            f"{link.target_id}: the login sees only its own grants; it needs SELECT on schema mysql"
        )
    for row in link.rows(sa.text(MYSQL_GRANTS)):
        if row.privilege != "USAGE":
            yield Given(_public(row.grantee), row.bare, row.name, row.privilege)
    if _is_mariadb(link):
        for user, host, *flags in link.rows(sa.text(MARIADB_GLOBAL_ROLES)):
            for privilege, flag in zip(("SELECT", "INSERT", "UPDATE", "DELETE", "FILE"), flags, strict=True):
                if flag == "Y":
                    yield Given(_public(_account(user, host)), EVERYTHING, None, privilege)


def _is_mariadb(link: Link) -> bool:
    return "mariadb" in str(link.rows(sa.text("SELECT VERSION()"))[0][0]).lower()


def _public(grantee: str) -> str:
    return PUBLIC if grantee == _account(PUBLIC, "") else grantee


def _account(user: str, host: str) -> str:
    return f"'{user}'@'{host}'"
