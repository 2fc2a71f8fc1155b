"""Removes observations that are older than the ledger's own limit; the chain stays whole."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa

from reports.ledger import rows
from reports.ledger.chain import Entry
from reports.ledger.packing import named
from reports.ledger.tables import block, entry
from reports.shape.ledger import PRUNE_HEAD, PruneHead

AT_ONCE = 500
"""Digests in one statement; SQLite allows 999 parameters at least."""


def prune(connection: sa.Connection, before: str, keep: str, now: datetime | None = None) -> PruneHead | None:
    """Delete blocks that only runs ended before ``before`` name; ``None`` if there are none.

    Returns the head of the entry that says so, which is not yet written.
    """
    going: set[str] = set()
    kept: set[str] = set()
    runs = 0
    chosen = sa.select(entry).where(entry.c.kind == "run").order_by(entry.c.number)
    for row in rows.streamed(connection, chosen):
        run = Entry(*row)
        old = run.ended < before
        runs += old
        for digest, prunable in named(run.read()):
            (going if old and prunable else kept).add(digest)
    freed = blocks = 0
    gone = sorted(going - kept)
    for at in range(0, len(gone), AT_ONCE):
        some = gone[at : at + AT_ONCE]
        mine = block.c.digest.in_(some)
        sizes = connection.execute(sa.select(sa.func.length(block.c.body)).where(mine)).scalars().all()
        connection.execute(block.delete().where(mine))
        freed, blocks = freed + sum(sizes), blocks + len(sizes)
    if not blocks:
        return None
    moment = (now or datetime.now(UTC)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return PruneHead(
        schema=PRUNE_HEAD,
        id=str(uuid.uuid4()),
        at=moment,
        before=before,
        keep=keep,
        runs=runs,
        blocks=blocks,
        bytes=freed,
    )
