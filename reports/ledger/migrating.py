"""From an older ledger's tables to today's, by Alembic; imported only where there is something to do."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from reports.ledger import tables
from reports.ledger.chain import LedgerError

MIGRATIONS = Path(__file__).parent / "migrations"


def revision(connection: sa.Connection, name: str) -> str | None:
    """Return the migration that the tables are at; ``None`` if there are none of a ledger's yet.

    Raises :class:`LedgerError` if the database holds something else.
    """
    names = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in names and "entry" in names:
        return connection.execute(sa.select(tables.version.c.version_num)).scalar_one_or_none() or "none"
    if "run" in names and connection.dialect.name == "sqlite":
        raise LedgerError(
            f"{name}: made by an earlier version, which kept runs in another way;"
            " keep the file, and begin a new one elsewhere"
        )
    if names and connection.dialect.name == "sqlite":
        raise LedgerError(f"{name}: this database is no ledger")
    return None


def outdated(name: str, found: str) -> str:
    """Say that a ledger must be brought to today's tables, or that this version is too old for it."""
    return (
        f"{name}: its tables are at {found}, this version reads {tables.REVISION};"
        " the next run that is recorded upgrades it"
    )


def upgrade(connection: sa.Connection, name: str, found: str) -> None:
    """Bring the tables to today's form inside the transaction that is open."""
    try:
        from alembic import command, util
        from alembic.config import Config
    except ModuleNotFoundError:
        raise LedgerError(
            f"{name}: its tables are at {found}; upgrading needs Alembic (pip install 'policyproof[ledger]')"
        ) from None
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except util.CommandError:
        raise LedgerError(
            f"{name}: its tables are at {found}, which this version does not know; use a newer one"
        ) from None
