"""A table of a million rows in PostgreSQL: sent and thrown away, sent and scanned, searched by the server.

``python -m benchmarks.cards.postgres [ROWS]``. The server's own search is what a query by hand would be: one
regular expression on each column. It knows no networks, check digits or encodings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import psycopg

from checks.scanner.engine import Engine
from checks.scanner.live_postgres import items
from checks.scanner.source import Table
from tests import servers

NUMBER = r"(?:^|[^0-9])[0-9](?:[ .-]?[0-9]){12,18}(?:[^0-9]|$)"
CREATE = """CREATE TABLE orders (id BIGINT PRIMARY KEY, email TEXT, at TIMESTAMPTZ, amount NUMERIC(12, 2),
 payload JSONB, note TEXT, reference BIGINT, score FLOAT8, token UUID)"""
FILL = """INSERT INTO orders SELECT i, 'user' || i || '@example.com', now() - i * interval '1 s',
 (i % 100000) / 100.0, jsonb_build_object('order', i, 'sku', md5(i::text), 'qty', i % 9),
 repeat('lorem ipsum dolor ', 1 + i % 8) || CASE WHEN i % 1000 = 0 THEN '4111 1111 1111 1111' ELSE '' END,
 i * 7919::bigint, i / 3.0, md5(i::text)::uuid FROM generate_series(1, {rows}) i"""
COLUMNS = ("id", "email", "at", "amount", "payload", "note", "reference", "score", "token")
TIMES = 3


def blocks(url: str) -> Iterator[bytes]:
    """Yield the table's blocks, as the scanner gets them."""
    for item in items(url, name="bench", tables=["orders"]):
        assert isinstance(item, Table)
        yield from item.blocks


def best(run: Callable[[], int], times: int = TIMES) -> tuple[float, int]:
    """Return the seconds of the fastest of ``times`` runs, and what the last one returned."""
    seconds, result = float("inf"), 0
    for _ in range(times):
        began = time.perf_counter()
        result = run()
        seconds = min(seconds, time.perf_counter() - began)
    return seconds, result


def measure(rows: int = 1_000_000) -> Iterator[str]:
    """Yield lines to print: seconds, bytes a second and the two ratios."""
    engine = Engine()
    engine.block(b"compiled by now")
    with servers.postgres() as server:
        server.admin(CREATE, FILL.format(rows=rows), "VACUUM ANALYZE orders")
        url = server.url("postgres")
        drained, size = best(lambda: sum(map(len, blocks(url))))
        scanned, hits = best(lambda: sum(len(engine.block(block)) for block in blocks(url)))
        condition = " OR ".join(f"{column}::text ~ %(number)s" for column in COLUMNS)
        with psycopg.connect(url) as connection:

            def search() -> int:
                query = f"SELECT count(*) FROM orders WHERE {condition}"
                found = connection.execute(query, {"number": NUMBER}).fetchone()
                return int(found[0]) if found else 0

            searched, matched = best(search, 1)
    million = size / 1e6
    yield f"{rows:,} rows, {million:.0f} MB as COPY sends them"
    yield f"(a) drained: {drained:.2f} s, {million / drained:.0f} MB/s"
    yield f"(b) drained and scanned: {scanned:.2f} s, {million / scanned:.0f} MB/s, {hits} card numbers"
    yield f"(c) searched by the server: {searched:.2f} s, {million / searched:.0f} MB/s, {matched} rows"
    yield f"b is {drained / scanned:.2f} times as fast as a (bound: 0.7)"
    yield f"b is {searched / scanned:.1f} times as fast as c (bound: 3.5)"


if __name__ == "__main__":
    for line in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print(line, flush=True)
