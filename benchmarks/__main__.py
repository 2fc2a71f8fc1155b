"""``python -m benchmarks [NAME]``: measure, and print the lines for ``benchmarks/README.md``."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module

MEASURES = {
    "overhead": "benchmarks.overhead",
    "growth": "benchmarks.growth",
    "lab": "benchmarks.lab_run",
    "browser": "benchmarks.browser",
    "cards-accuracy": "benchmarks.cards.found",
    "cards-speed": "benchmarks.cards.speed",
    "cards-parts": "benchmarks.cards.sources",
    "cards-start": "benchmarks.cards.start",
    "cards-postgres": "benchmarks.cards.server",
    "year": "benchmarks.year.measure",
}
"""Each module has ``measure()``, which returns or yields lines. Imported when its turn comes."""


def main() -> int:
    """Run the measures named, or all."""
    names = sys.argv[1:] or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 4
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores,"
        f" load before {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    for name in names:
        for line in import_module(MEASURES[name]).measure():
            print(f"- {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
