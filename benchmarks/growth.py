"""How the whole run grows with the schema: seconds a table at 100, 1,000 and 10,000 tables."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.project import run, write

SIZES = (100, 1_000, 10_000)
CONTROLS = [
    ("sql", "cards.no_card_columns", "{}"),
    ("sql", "cards.no_card_numbers_stored", "{}"),
    ("sql", "data.every_column_declared", "{}"),
    ("dataset", "retention.limit_declared", "{longest: P10Y}"),
    ("dataset", "retention.oldest_row_within_limit", "{grace: P1D}"),
]
CREATE = "CREATE TABLE t{n} (id bigint PRIMARY KEY, email text, note text, made {moment})"
INSERT = "INSERT INTO t{n} VALUES (1, 'a@example.com', 'nothing to see', '2026-11-01 10:00:00')"


def statements(size: int, moment: str) -> Iterator[str]:
    """Yield what makes ``size`` tables of one row."""
    for n in range(size):
        yield CREATE.format(n=n, moment=moment)
        yield INSERT.format(n=n)


def measure() -> list[str]:
    """Return the lines of the result."""
    return [*_measure("SQLite", _sqlite), *_measure("PostgreSQL", _postgres)]


def _measure(name: str, seconds: Callable[[int], float]) -> list[str]:
    each = {size: seconds(size) / size for size in SIZES}
    told = ", ".join(f"{size:,} tables {each[size] * 1000:.2f} ms a table" for size in SIZES)
    ratio = each[SIZES[-1]] / each[SIZES[-2]]
    return [f"Growth on {name}: {told}; at 10,000 tables {ratio:.2f} times the cost at 1,000. Bound: 1."]


def _sqlite(size: int) -> float:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "project"
        write(folder, {"main-db": range(size)}, CONTROLS)
        with sqlite3.connect(Path(made) / "main.db") as connection:
            for statement in statements(size, "timestamp"):
                connection.execute(statement)
        connection.close()
        url = f"sqlite:///{made}/main.db"
        return run(folder, "controls", "--environment", "bench", BENCH_MAIN_DB_URL=url)


def _postgres(size: int) -> float:
    from lab import postgres

    with (
        tempfile.TemporaryDirectory() as made,
        postgres.cluster() as cluster,
        postgres.serve(cluster) as server,
    ):
        folder = Path(made) / "project"
        write(folder, {"main-db": range(size)}, CONTROLS)
        with server.connect("postgres") as connection:
            batch = list(statements(size, "timestamptz"))
            for first in range(0, len(batch), 500):
                connection.execute("; ".join(batch[first : first + 500]))
        with server.connect("postgres") as connection:
            connection.execute("ANALYZE")
        url = server.url("postgres", "postgres", server.password)
        return run(folder, "controls", "--environment", "bench", BENCH_MAIN_DB_URL=url)
