"""The tables of a ledger, the same on SQLite and PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa

REVISION = "0001"
"""The newest migration; what :func:`sqlalchemy.MetaData.create_all` makes is at it."""

metadata = sa.MetaData()

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("started", sa.Text, nullable=False),
    sa.Column("ended", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("head", sa.Text, nullable=False),
    sa.Index("entry_by_environment", "environment", "number"),
    sa.Index("entry_by_start", "environment", "started"),
)
"""The chain itself, only ever added to."""

block = sa.Table(
    "block",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),  # zlib of canonical JSON
)
"""What heads name by digest."""

change = sa.Table(
    "change",
    metadata,
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("control", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("started", sa.Text, nullable=False),
    sa.Column("was", sa.Text),
    sa.Column("now", sa.Text),
    sa.Index("change_by_number", "environment", "number"),
)
"""An index: where a state differs from the run before on the same environment. Told by the heads alone."""

version = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), nullable=False))
"""Alembic's own table: which migration the tables are at."""

# These stop a slip of the hand; whoever can write the ledger can drop them, which is why there is a chain.
GUARDS = {
    "sqlite": (
        "CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry "
        "BEGIN SELECT RAISE(ABORT, 'a recorded entry is never changed'); END",
        "CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry "
        "BEGIN SELECT RAISE(ABORT, 'a recorded entry is never removed'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION entry_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'a recorded entry is never changed or removed'; END$$",
        "CREATE TRIGGER entry_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION entry_is_never_changed()",
    ),
}


def make(connection: sa.Connection) -> None:
    """Make all tables and guards in an empty database, at :data:`REVISION`."""
    metadata.create_all(connection)
    version.create(connection)
    connection.execute(version.insert().values(version_num=REVISION))
    for statement in GUARDS[connection.dialect.name]:
        connection.execute(sa.text(statement))
