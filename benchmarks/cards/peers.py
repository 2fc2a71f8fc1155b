"""Other programs on the same file, each as fast as we know how to run it. None of them decodes.

The pattern is what comes closest to our raw forms: 13 to 19 digits, each two parted by at most one
separator, no digit before or behind. The regular expression engines know no card networks and (but
for Python's and Presidio) no check digit, so their counts are of candidates and much larger. A peer
that is not installed has no seconds; nothing is estimated for it.
"""

from __future__ import annotations

import mmap
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checks.detectors.card_networks import luhn

# Space, tab, dot, dash, no-break space, U+2010 to U+2014, narrow no-break space: as bytes of UTF-8.
_SEPARATOR = r"(?:[ \t.\-]|\xC2\xA0|\xE2\x80[\x90-\x94\xAF])?"
RAW = rf"[0-9](?:{_SEPARATOR}[0-9]){{12,18}}"
"""The candidate alone; engines with look-around put a look on each side of it."""
BOUNDED = rf"(?:^|[^0-9]){RAW}(?:[^0-9]|$)"
"""For engines without look-around: the byte on each side is part of the match."""
SLICE = 16 * 2**20
"""Bytes of the file that a slow peer is given."""
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Result:
    """What a peer did with ``size`` bytes. Without ``seconds``, ``note`` says why it is not here."""

    peer: str
    size: int = 0
    seconds: float | None = None  # the best of several runs
    count: int | None = None
    note: str = ""

    @property
    def megabytes_per_second(self) -> float | None:
        """Speed in 10**6 bytes a second."""
        return None if self.seconds is None else self.size / self.seconds / 1e6


def best(run: Callable[[], int], times: int) -> tuple[float, int]:
    """Return the shortest of ``times`` runs, in seconds, and what the last one counted."""
    shortest, count = float("inf"), 0
    for _ in range(times):
        start = time.perf_counter()
        count = run()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest, count


def ripgrep(path: Path, pattern: str = BOUNDED, *, times: int = 3) -> Result:
    """One thread of ripgrep, bytes instead of Unicode, with and without mmap: the faster. Counts lines."""
    program = shutil.which("rg")
    if program is None:
        return Result("ripgrep", note="not here (apt install ripgrep)")
    results = []
    for reading in ("--mmap", "--no-mmap"):
        command = [
            program, "--no-config", "-j1", "--count", "--text", "--no-unicode", reading, "--regexp", pattern,
            str(path),
        ]  # fmt: skip
        seconds, count = best(lambda command=command: _count(command), times)  # type: ignore[misc]
        results.append(Result("ripgrep", path.stat().st_size, seconds, count, f"lines, {reading}"))
    return min(results, key=lambda result: result.seconds or 0)


def _count(command: list[str]) -> int:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode > 1:  # 1: no line matches
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return int(done.stdout or 0)


def python_re(path: Path, *, limit: int = 4 * SLICE, times: int = 3) -> Result:
    """Python's ``re`` over a mapped file, then the check digit. Counts numbers."""
    pattern = re.compile(rb"(?<![0-9])" + RAW.encode() + rb"(?![0-9])")
    other = re.compile(rb"[^0-9]+")

    def run() -> int:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            found = (other.sub(b"", match[0]).decode() for match in pattern.finditer(mapped, 0, limit))
            return sum(luhn(digits) for digits in found)

    seconds, count = best(run, times)
    return Result("Python re and Luhn", min(limit, path.stat().st_size), seconds, count, "valid check digit")


def presidio(path: Path, *, limit: int = SLICE, times: int = 1) -> Result:
    """Microsoft Presidio's recogniser of card numbers alone, without any language model. Counts numbers."""
    try:
        from presidio_analyzer.predefined_recognizers import CreditCardRecognizer
    except ImportError:
        return Result("Presidio", note="not here (pip install presidio-analyzer)")
    recogniser = CreditCardRecognizer()
    size = 0

    def run() -> int:
        nonlocal size
        count = size = 0
        for chunk in _chunks(path, limit):
            size += len(chunk)
            text = chunk.decode("utf-8", "replace")
            count += len(recogniser.analyze(text, ["CREDIT_CARD"], nlp_artifacts=None))
        return count

    seconds, count = best(run, times)
    return Result("Presidio", size, seconds, count, "valid check digit")


def re2(path: Path, *, limit: int = 4 * SLICE, times: int = 3) -> Result:
    """RE2 over 1 MiB chunks. Counts candidates."""
    try:
        import re2 as engine
    except ImportError:
        return Result("RE2", note="not here (pip install google-re2)")
    options = engine.Options()
    options.encoding = engine.Options.Encoding.LATIN1  # bytes
    pattern = engine.compile(BOUNDED.encode(), options=options)

    def run() -> int:
        return sum(sum(1 for _ in pattern.finditer(chunk)) for chunk in _chunks(path, limit))

    seconds, count = best(run, times)
    return Result("RE2", min(limit, path.stat().st_size), seconds, count, "candidates")


def hyperscan(path: Path, *, limit: int = 16 * SLICE, times: int = 3) -> Result:
    """Hyperscan over 1 MiB chunks. Counts the ends of candidates (a long run has several)."""
    try:
        import hyperscan as engine
    except ImportError:
        return Result("Hyperscan", note="not here (pip install hyperscan)")
    database = engine.Database(mode=engine.HS_MODE_BLOCK)
    database.compile(expressions=[BOUNDED.encode()], ids=[0], elements=1, flags=[0])
    count = 0

    def hit(identifier: int, start: int, end: int, flags: int, context: object) -> None:
        nonlocal count
        count += 1

    def run() -> int:
        nonlocal count
        count = 0
        for chunk in _chunks(path, limit):
            database.scan(chunk, match_event_handler=hit)
        return count

    seconds, found = best(run, times)
    return Result("Hyperscan", min(limit, path.stat().st_size), seconds, found, "ends of candidates")


def _chunks(path: Path, limit: int) -> list[bytes]:
    """Return the first ``limit`` bytes in chunks; they are small, and reading them is timed as well."""
    with path.open("rb") as file:
        return [chunk for _ in range(-(-limit // CHUNK)) if (chunk := file.read(CHUNK))]


PEERS: tuple[Callable[[Path], Result], ...] = (ripgrep, hyperscan, re2, python_re, presidio)
