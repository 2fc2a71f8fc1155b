"""What the engine's start takes, in a process of its own (``cards-start``).

The first use after installing compiles the kernel and keeps it in ``XDG_CACHE_HOME``; later ones load it.
Python's own compiled files (``.pyc``) are there in both cases, as they are after an installation by pip.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.cards.peers import Result
from benchmarks.cards.rounds import at_most, folder, rounds

FIRST, LATER = 5.0, 1.0  # seconds
ROUNDS = 2
START = "from checks.scanner.engine import Engine; Engine()"
# What is loaded by a run whose controls look at no data for card numbers.
IDLE = (
    "import sys, checks.cards, checks.data, checks.security, checks.scanner.search, policyproof.__main__;"
    "print(*sorted({'numba', 'numpy', 'llvmlite'} & set(sys.modules)))"
)


def child(code: str, cache: Path) -> tuple[float, str]:
    """Return the seconds that a new process with ``cache`` takes for ``code``, and what it printed."""
    # Compiled files are kept, as they are where nobody switches that off.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "XDG_CACHE_HOME": str(cache)},
        check=True,
        capture_output=True,
        text=True,
    )
    return time.perf_counter() - began, done.stdout.strip()


def measure() -> Iterator[str]:
    """Yield the lines of the result."""
    with folder() as made:
        child(START, made / "kept")
        child("import numba", made / "kept")
        empty = iter(range(ROUNDS))

        def first() -> Result:
            return Result("first", 1, child(START, made / f"empty{next(empty)}")[0])

        def later() -> Result:
            return Result("later", 1, child(START, made / "kept")[0])

        def bare() -> Result:
            return Result("bare", 1, child("import numba", made / "kept")[0])

        seconds = [result.seconds or 0 for result in rounds((first, later, bare), ROUNDS)]
        loaded = child(IDLE, made / "idle")[1]
    yield f"First use after installing, the kernel is compiled: {at_most(seconds[0], FIRST, ' s')}"
    yield (
        f"Every later start: {at_most(seconds[1], LATER, ' s')};"
        f" a process that only imports numba takes {seconds[2]:.2f} s"
    )
    yield (
        "Of numba, numpy and llvmlite, a process that does not scan imports"
        f" {loaded or 'none'} (bound none: {'NOT met' if loaded else 'met'})"
    )
