"""Contestants timed in turns, and what a ratio says about its bound."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cards.peers import Result

Run = Callable[[], Result]


def rounds(
    contestants: Sequence[Run], times: int, *, slow: Sequence[Run] = (), slow_times: int = 2
) -> list[Result]:
    """Run all one after the other, ``times`` times over, and return the fastest run of each, in their order.

    In turns, because other work on the machine then hits all of them. ``slow`` ones, whose results come
    last, take part in the first ``slow_times`` rounds only. One that is not there is asked once.
    """
    fastest: dict[Run, Result] = {}
    for turn in range(times):
        for run in (*contestants, *(slow if turn < slow_times else ())):
            known = fastest.get(run)
            if known is not None and known.seconds is None:
                continue
            result = run()
            if known is None or (result.megabytes_per_second or 0) > (known.megabytes_per_second or 0):
                fastest[run] = result
    return [fastest[run] for run in (*contestants, *slow)]


def ratio(one: Result, other: Result) -> float:
    """Return how many times as fast as ``other``, by the byte, ``one`` is; both were run."""
    assert one.megabytes_per_second
    assert other.megabytes_per_second
    return one.megabytes_per_second / other.megabytes_per_second


def at_least(value: float, bound: float, unit: str = " times") -> str:
    """Return ``value``, its lower bound, and whether it is met."""
    return f"{value:.2f}{unit} (bound {bound:g}: {'met' if value >= bound else 'NOT met'})"


def at_most(value: float, bound: float, unit: str) -> str:
    """Return ``value``, its upper bound, and whether it is met."""
    return f"{value:.2f}{unit} (bound at most {bound:g}: {'met' if value <= bound else 'NOT met'})"


def speed(result: Result) -> str:
    """Return name and speed of a contestant, or why it has none."""
    if result.megabytes_per_second is None:
        return f"{result.peer}: {result.note}"
    return f"{result.peer} {result.megabytes_per_second:,.0f} MB/s"


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder for large files, in ``TMPDIR`` if that is set, and remove it."""
    with tempfile.TemporaryDirectory(prefix="cards-") as made:
        yield Path(made)


def free(where: Path) -> int:
    """Return the bytes that are free on the disk of ``where``."""
    return shutil.disk_usage(where).free
