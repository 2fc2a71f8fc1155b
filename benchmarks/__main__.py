"""``python -m benchmarks [NAME]``: measure, and print the lines for ``benchmarks/README.md``."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime

from benchmarks import growth, lab_run, overhead

MEASURES = {"overhead": overhead.measure, "growth": growth.measure, "lab": lab_run.measure}


def main() -> int:
    """Run the measures named, or all."""
    names = sys.argv[1:] or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 4
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores",
        flush=True,
    )
    for name in names:
        for line in MEASURES[name]():
            print(f"- {line}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
