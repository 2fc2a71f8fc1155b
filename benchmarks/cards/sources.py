"""A large file in parts, compressed input, and whether time and memory grow with a file (``cards-parts``).

All of it goes the way of a scan: :func:`checks.scanner.work.work`, with all encodings. The workers and
their engines are ready before the clock starts.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.cards.data import json_logs
from benchmarks.cards.part import digest, look, ready
from benchmarks.cards.peers import Result
from benchmarks.cards.rounds import at_least, at_most, folder, free, ratio, rounds, speed
from checks.scanner.source import BLOCK

SMALL, LARGE, LARGE_IF_NARROW = 300_000_000, 10_000_000_000, 4_000_000_000
ROOM = 15_000_000_000
"""Bytes free on the disk that ``LARGE`` needs."""
HALF, PROCESSES = 1_000_000_000, 2
SEED = 2
READ = 2**16  # of compressed bytes
TWICE, COMPRESSED, GROWTH, MEMORY = 1.8, 0.8, 1.1, 300.0
ROUNDS, LONG_ROUNDS = 9, 4  # other work on the machine hits what needs both of its cores harder


def measure() -> Iterator[str]:
    """Yield the lines of the result."""
    with folder() as made:
        small, large = made / "small.log", made / "large.log"
        json_logs(small, SMALL, SEED)
        yield from _compressed(small)
        size = LARGE if free(made) >= ROOM else LARGE_IF_NARROW
        if size < LARGE:
            yield f"Too little room on the disk for {LARGE // 10**9} GB: {size // 10**9} GB instead"
        json_logs(large, size, SEED)
        os.sync()  # the disk is not to be busy with it while it is read
        yield _halves(large)
        yield from _growth(small, large)


def _compressed(plain: Path) -> Iterator[str]:
    packed, framed = plain.with_name("small.log.gz"), plain.with_name("small.log.zst")
    with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=6) as file:
        shutil.copyfileobj(source, file, BLOCK)
    contestants = [partial(_zlib, packed), partial(look, "gzip, scanned", packed)]
    try:
        import zstandard
    except ImportError:
        yield "zstd: its library is not here (pip install zstandard)"
    else:
        with plain.open("rb") as source, framed.open("wb") as target:
            zstandard.ZstdCompressor(level=3).copy_stream(source, target)
        contestants += [partial(_zstd, framed), partial(look, "zstd, scanned", framed)]
    ready(plain)
    results = rounds(contestants, ROUNDS)
    for bare, scanned, path in zip(results[::2], results[1::2], (packed, framed), strict=False):
        assert bare.size == scanned.size == plain.stat().st_size
        share = path.stat().st_size / bare.size
        yield (
            f"{speed(scanned)} of expanded bytes, {speed(bare)} (compressed to {share:.0%}):"
            f" {at_least(ratio(scanned, bare), COMPRESSED)}"
        )
    packed.unlink()
    framed.unlink(missing_ok=True)


def _zlib(path: Path) -> Result:
    """Expand one member of gzip, and keep nothing of it."""
    size, inner = 0, zlib.decompressobj(31)
    began = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while data := file.read(READ):
            size += len(inner.decompress(data))
    seconds = time.perf_counter() - began
    return Result("zlib alone", size, seconds)


def _zstd(path: Path) -> Result:
    """Expand frames of zstd, and keep nothing of them."""
    import zstandard

    size = 0
    began = time.perf_counter()
    with (
        path.open("rb", buffering=0) as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_size=READ) as reader,
    ):
        while out := reader.read(BLOCK):
            size += len(out)
    seconds = time.perf_counter() - began
    return Result("zstandard alone", size, seconds)


def _halves(path: Path) -> str:
    """Let one process look at 2 GB, and two at a half of it each; and hash 1 GB in the same two ways."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), ready, (path,)) as pool:

        def run(title: str, do: Callable[[str, Path, int, int], Result], size: int, step: int) -> Result:
            began = time.perf_counter()
            parts = [pool.submit(do, title, path, at, at + step) for at in range(0, size, step)]
            results = [part.result() for part in parts]
            seconds = time.perf_counter() - began
            count = sum(result.count or 0 for result in results)
            return Result(title, sum(result.size for result in results), seconds, count)

        run("both are started", look, 2 * HALF, HALF // 100)
        one, two, hashed, hashed_by_two = rounds(
            (
                partial(run, "one process", look, 2 * HALF, 2 * HALF),
                partial(run, "two processes", look, 2 * HALF, HALF),
                partial(run, "one process", digest, HALF, HALF),
                partial(run, "two processes", digest, HALF, HALF // 2),
            ),
            ROUNDS,
        )
    assert one.size == two.size
    assert one.count == two.count
    return (
        f"2 GB of logs: {speed(one)}, {speed(two)}: {at_least(ratio(two, one), TWICE)};"
        f" SHA-256, which shares nothing, gets {ratio(hashed_by_two, hashed):.2f} times from two here"
    )


def _growth(small: Path, large: Path) -> Iterator[str]:
    peaks: dict[str, int] = {}

    def child(title: str, path: Path, times: int) -> Result:
        command = [sys.executable, "-m", "benchmarks.cards.part", str(path), str(times)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        figures = json.loads(done.stdout)
        peaks[title] = max(figures["peak"], peaks.get(title, 0))
        return Result(title, figures["size"], figures["seconds"], figures["count"])

    short, long = f"{SMALL // 10**6} MB", f"{large.stat().st_size / 1e9:.0f} GB"
    few, many = rounds((partial(child, short, small, ROUNDS), partial(child, long, large, 1)), LONG_ROUNDS)
    yield f"Time per byte, {speed(many)} against {speed(few)}: {at_most(ratio(few, many), GROWTH, ' times')}"
    for title, held in peaks.items():
        yield f"Most memory held by a process that scans {title}: {at_most(held / 1e6, MEMORY, ' MB')}"
