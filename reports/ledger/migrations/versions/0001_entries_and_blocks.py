"""The first tables: entries in a chain, blocks known by digest, an index of changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reports.ledger.tables import GUARDS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables as they were at this revision; later ones never change this file."""
    op.create_table(
        "entry",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("kind", "id", "environment", "started", "ended", "previous", "digest", "head")
        ),
        sa.UniqueConstraint("id"),
    )
    op.create_index("entry_by_environment", "entry", ["environment", "number"])
    op.create_index("entry_by_start", "entry", ["environment", "started"])
    op.create_table(
        "block",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "change",
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("control", sa.Text, primary_key=True),
        sa.Column("target", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("was", sa.Text),
        sa.Column("now", sa.Text),
    )
    op.create_index("change_by_number", "change", ["environment", "number"])
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(sa.text(statement))
