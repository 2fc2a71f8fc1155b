"""The lab's backups: each a directory with a manifest and a compressed dump in pg_dump's plain form."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lab import copyformat
from lab.rows import Table

_KEPT = {  # store: rows kept of each table, for the lab's dumps hold a part only and say so
    "cloud-db": {
        "account": 500,
        "organization": 300,
        "project": 300,
        "payment_event": 300,
        "support_message": 300,
    },
    "project-db": {"user": 300, "flow_execution": 200},
}
_DAYS_AGO = {"cloud-db": (0.3, 1.3, 7.3, 33.3), "project-db": (0.3, 7.3)}


def write(root: Path, now: datetime, rows: Mapping[str, Sequence[Table]]) -> None:
    """Write the backups of both stores, each as the rows stood when it was taken."""
    for store, kept in _KEPT.items():
        tables = [Table(t.name, t.columns, t.rows[: kept[t.name]]) for t in rows[store] if t.name in kept]
        for days in _DAYS_AGO[store]:
            write_set(root, store, now - timedelta(days=days), tables)


def write_set(root: Path, store: str, taken: datetime, tables: Sequence[Table]) -> Path:
    """Write one backup of ``tables`` as they stood at ``taken`` and return its directory."""
    stood = [_as_of(table, taken) for table in tables]
    folder = root / f"{taken:%Y-%m-%d}-{store}"
    folder.mkdir(parents=True)
    dump = folder / "dump.sql.gz"
    dump.write_bytes(gzip.compress(copyformat.dump(stood).encode(), 1))
    manifest = {
        "id": folder.name,
        "taken": taken.isoformat(),
        "store": store,
        "files": [_described(dump)],
        "tables": {table.name: len(table.rows) for table in stood},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return folder


def add_row(folder: Path, table: str, values: Sequence[object]) -> None:
    """Put a row into the dump in ``folder`` and mend its manifest."""
    dump = folder / "dump.sql.gz"
    text = gzip.decompress(dump.read_bytes()).decode()
    head, section, rest = text.partition(f"COPY public.{table} (")
    if not section:
        raise ValueError(f"{folder.name} holds no table {table}")
    columns, newline, body = rest.partition("\n")
    dump.write_bytes(
        gzip.compress((head + section + columns + newline + copyformat.line(values) + body).encode(), 1)
    )
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = [_described(dump)]
    manifest["tables"][table] += 1
    path.write_text(json.dumps(manifest, indent=1) + "\n")


def latest(root: Path, store: str) -> Path:
    """Return the directory of the newest backup of ``store``."""
    return max(path for path in root.iterdir() if path.name.endswith(store))


def _described(dump: Path) -> dict[str, Any]:
    raw = dump.read_bytes()
    return {"path": dump.name, "bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}


def _as_of(table: Table, taken: datetime) -> Table:
    """Return the rows that existed at ``taken``; a deletion later than that had not happened."""
    names = table.columns
    begun = next(
        names.index(n) for n in ("created_at", "createdAt", "startedAt", "received_at") if n in names
    )
    mark = names.index("deleted_at") if "deleted_at" in names else None
    rows: list[tuple[object, ...]] = []
    for row in table.rows:
        created, deleted = row[begun], None if mark is None else row[mark]
        if isinstance(created, datetime) and created > taken:
            continue
        if mark is not None and isinstance(deleted, datetime) and deleted > taken:
            row = (*row[:mark], None, *row[mark + 1 :])
        rows.append(row)
    return Table(table.name, names, rows)
