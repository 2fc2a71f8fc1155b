"""Alembic's entry: migrations run on the connection that the ledger holds, in its transaction."""

from __future__ import annotations

from alembic import context

from reports.ledger.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
