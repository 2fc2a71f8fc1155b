"""What :mod:`benchmarks.cards.postgres` measures, with its bounds judged (``cards-postgres``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.cards import postgres

_BOUND = re.compile(r"([0-9.]+) times .*\(bound: ([0-9.]+)\)$")


def measure() -> Iterator[str]:
    """Yield the lines of the result."""
    for line in postgres.measure():
        match = _BOUND.search(line)
        met = "" if match is None else ": met" if float(match[1]) >= float(match[2]) else ": NOT met"
        yield f"PostgreSQL, {line}{met}"
