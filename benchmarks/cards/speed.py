"""The engine on 300 MB of three kinds, against other programs on the same bytes (``cards-speed``).

The engine is ready before the clock starts (what its start takes is ``cards-start``); it reads the file
itself. ripgrep's time includes that of starting it, some milliseconds. The slow peers get the first
megabytes of the file, and are compared by the byte.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.cards import data, peers
from benchmarks.cards.peers import Result
from benchmarks.cards.rounds import at_least, folder, ratio, rounds, speed
from checks.scanner.engine import Engine

SIZE, SEED = 300_000_000, 1
ROUNDS, SLOW_ROUNDS = 7, 2
SLICE = 2**23
"""Bytes for a peer that does some megabytes a second."""
ALL_AGAINST_RAW = 0.5
_PRESIDIO, _PYTHON = 60.0, 40.0


class Kind(NamedTuple):
    """A kind of file, and how many times as fast as a peer the engine is to be on it."""

    title: str
    write: Callable[[Path, int, int], data.Written]
    bounds: dict[str, float]
    all_raw: bool  # whether every number planted is in a raw form


KINDS = (
    Kind("JSON logs", data.json_logs, {"ripgrep": 3.5, "Presidio": _PRESIDIO, "Python re": _PYTHON}, True),
    Kind("digits CSV", data.digits_csv, {"ripgrep": 1.2, "Presidio": _PRESIDIO, "Python re": _PYTHON}, True),
    Kind("encoded mix", data.encoded_mix, {}, False),
)


def scan(engine: Engine, path: Path, title: str) -> Result:
    """Look through the file at ``path`` once, window by window, read without a buffer between."""
    size = engine.size
    with path.open("rb", buffering=0) as file:
        began = time.perf_counter()
        count = sum(map(len, engine.read(file.readinto)))
        seconds = time.perf_counter() - began
    return Result(title, engine.size - size, seconds, count, "card numbers")


def measure() -> Iterator[str]:
    """Yield the lines of the result."""
    raw, every = Engine(encoded=False), Engine()
    with folder() as made:
        for kind in KINDS:
            path = made / "measured"
            written = kind.write(path, SIZE, SEED)
            yield from _measured(kind, path, written, raw, every)
            path.unlink()


def _measured(kind: Kind, path: Path, written: data.Written, raw: Engine, every: Engine) -> Iterator[str]:
    fast = (
        partial(scan, raw, path, "raw forms only"),
        partial(scan, every, path, "all encodings"),
        partial(peers.ripgrep, path, times=1),
        partial(peers.re2, path, limit=SLICE, times=1),
    )
    slow = (
        partial(peers.hyperscan, path, limit=4 * SLICE, times=1),
        partial(peers.python_re, path, limit=SLICE, times=1),
        partial(peers.presidio, path, limit=SLICE, times=1),
    )
    plain, encoded, *others = rounds(fast, ROUNDS, slow=slow, slow_times=SLOW_ROUNDS)
    assert encoded.count == written.planted, f"{encoded.count} found of {written.planted} planted"
    assert not kind.all_raw or plain.count == written.planted
    yield (
        f"{kind.title}, {written.size / 1e6:.0f} MB: {speed(plain)} ({plain.count} card numbers),"
        f" {speed(encoded)} ({encoded.count}, planted {written.planted});"
        f" all encodings against raw {at_least(ratio(encoded, plain), ALL_AGAINST_RAW)}"
    )
    for other in others:
        if other.seconds is None:
            yield f"{kind.title}, {speed(other)}"
            continue
        against = [
            f"{ours.peer} {_judged(ratio(ours, other), kind, other.peer)}" for ours in (plain, encoded)
        ]
        yield f"{kind.title} against {speed(other)} on {other.size / 1e6:.0f} MB: {', '.join(against)}"


def _judged(value: float, kind: Kind, peer: str) -> str:
    bound = next((bound for name, bound in kind.bounds.items() if peer.startswith(name)), None)
    return f"{value:.2f} times" if bound is None else at_least(value, bound)
