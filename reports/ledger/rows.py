"""Rows of a ledger's tables, read and written on a connection that the store gave."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from reports.ledger.chain import Entry, LedgerError, sha256
from reports.ledger.packing import PlanRow, named, turned
from reports.ledger.tables import block, change, entry
from reports.shape.ledger import RunHead

BATCH = 200
"""Rows fetched at once; a head is some kilobytes."""
Turn = tuple[str, str, str | None, str | None]
"""Control, target, letter before, letter now; ``None``: not in that plan."""
_IGNORE = {
    "sqlite": "INSERT OR IGNORE INTO block (digest, body) VALUES (:digest, :body)",
    "postgresql": "INSERT INTO block (digest, body) VALUES (:digest, :body) ON CONFLICT DO NOTHING",
}


def streamed(connection: sa.Connection, chosen: sa.Executable) -> Generator[Any]:
    """Yield rows through a server-side cursor, which is closed also where the reader stops early."""
    with connection.execution_options(yield_per=BATCH).execute(chosen) as result:
        yield from result


def where(
    chosen: sa.Select[Any], table: sa.Table, since: str | None, until: str | None, **equal: str | None
) -> sa.Select[Any]:
    """Narrow a query to rows that started in a period and have these values; ``None`` narrows nothing."""
    for name, value in equal.items():
        if value is not None:
            chosen = chosen.where(table.c[name] == value)
    if since is not None:
        chosen = chosen.where(table.c.started >= since)
    return chosen if until is None else chosen.where(table.c.started < until)


def fields(made: Entry) -> dict[str, Any]:
    """Return an entry as the columns of its row."""
    return {name: getattr(made, name) for name in Entry.__slots__}


def shut(text: str) -> bytes:
    """Return a block's canonical JSON as it is kept."""
    return zlib.compress(text.encode(), 6)


def opened(body: object) -> str | None:
    """Return the canonical JSON of a block's row; ``None`` if it is none."""
    try:
        return zlib.decompress(body).decode()  # type: ignore[arg-type]
    except (zlib.error, UnicodeDecodeError, TypeError):
        return None


def text(connection: sa.Connection, digest: str, name: str) -> str | None:
    """Return the canonical JSON of a block, held against its digest; ``None`` if it is not there."""
    body = connection.execute(sa.select(block.c.body).where(block.c.digest == digest)).scalar_one_or_none()
    if body is None:
        return None
    found = opened(body)
    if found is None or sha256(found) != digest:
        raise LedgerError(f"{name}: block {digest[:12]}… was changed after it was recorded")
    return found


def keep(connection: sa.Connection, bodies: Mapping[str, bytes]) -> None:
    """Insert blocks; one that is there already is left as it is."""
    if bodies:
        # In the order of digests, so that two writers never wait for each other crosswise.
        chosen = [{"digest": digest, "body": bodies[digest]} for digest in sorted(bodies)]
        connection.execute(sa.text(_IGNORE[connection.dialect.name]), chosen)


def note(connection: sa.Connection, previous: Entry | None, made: Entry) -> None:
    """Insert what changed from the run before on the same environment."""

    def get(digest: str) -> Any:
        found = text(connection, digest, "ledger")
        if found is None:
            raise LedgerError(f"the plan of an earlier run on {made.environment} is missing")
        return json.loads(found)

    before = None if previous is None else previous.read()
    if found := list(turns(before, made.read(), get)):
        connection.execute(change.insert(), [_changed(made, turn) for turn in found])


def insert(connection: sa.Connection, entries: Iterable[Entry], get: Callable[[str], str | None]) -> None:
    """Insert entries as they were, with their blocks; ``get`` returns ``None`` for one that was pruned."""
    latest: dict[str, Entry] = {}
    for one in entries:
        connection.execute(entry.insert().values(fields(one)))
        if one.kind != "run":
            continue
        found = {digest: get(digest) for digest, _ in named(one.read())}
        keep(connection, {digest: shut(text) for digest, text in found.items() if text is not None})
        note(connection, latest.get(one.environment), one)
        latest[one.environment] = one


def _changed(made: Entry, turn: Turn) -> dict[str, Any]:
    control, target, was, now = turn
    return {
        "environment": made.environment,
        "control": control,
        "target": target,
        "number": made.number,
        "started": made.started,
        "was": was,
        "now": now,
    }


def turns(before: RunHead | None, now: RunHead, get: Callable[[str], Any]) -> Iterator[Turn]:
    """Yield what differs between two runs on one environment; ``get`` returns the value of a block."""
    if before and (before["plan"], before["states"]) == (now["plan"], now["states"]):
        return

    def planned(head: RunHead) -> tuple[list[PlanRow], str]:
        return [PlanRow(*row) for row in get(head["plan"])], head["states"]

    yield from turned(None if before is None else planned(before), planned(now))
