"""One file, or a part of it, looked at as a worker of a scan does, with the engine made before.

``python -m benchmarks.cards.part PATH TIMES``: prints the seconds of the fastest of ``TIMES`` runs, the
bytes, the card numbers and the most memory that this process held, in bytes, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import sys
import time
from pathlib import Path

from benchmarks.cards.peers import Result
from checks.scanner.parts import Part, Piece
from checks.scanner.places import Place
from checks.scanner.source import BLOCK
from checks.scanner.work import Settings, work

SETTINGS = Settings(key=bytes(16))  # nothing found here is secret
STATUS = Path("/proc/self/status")


def look(title: str, path: Path, start: int = 0, stop: int | None = None) -> Result:
    """Look at the bytes ``[start, stop)`` of the file at ``path``, by default all, whatever its format."""
    piece = Piece(Place(path.name, str(path), path.stat().st_size, ""), start, stop)
    began = time.perf_counter()
    result = work(SETTINGS, Part(0, (piece,)))
    seconds = time.perf_counter() - began
    assert not result.skipped, result.skipped
    assert result.rest is None
    return Result(title, result.totals.bytes, seconds, result.totals.findings, "card numbers")


def digest(title: str, path: Path, start: int, stop: int) -> Result:
    """Hash the bytes ``[start, stop)`` of the file: what the machine does with work that shares nothing."""
    left, hashed = stop - start, hashlib.sha256()
    began = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while left and (data := file.read(min(left, BLOCK))):
            hashed.update(data)
            left -= len(data)
    return Result(title, stop - start - left, time.perf_counter() - began, 0)


def ready(path: Path) -> None:
    """Make the engine that this process looks with."""
    look("", path, 0, 1)


def peak() -> int:
    """Return the most memory that this process has held, in bytes.

    Linux says it of a process alone; what ``getrusage`` says may be that of the parent, whose memory a
    new process shares until it has begun its own program.
    """
    if STATUS.exists() and (held := re.search(r"^VmHWM:\s*(\d+) kB$", STATUS.read_text(), re.MULTILINE)):
        return int(held[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    """Look at the file as often as asked, and print the figures."""
    path, times = Path(sys.argv[1]), int(sys.argv[2])
    ready(path)
    results = [look("", path) for _ in range(times)]
    best = min(results, key=lambda result: result.seconds or 0)
    print(json.dumps({"seconds": best.seconds, "size": best.size, "count": best.count, "peak": peak()}))


if __name__ == "__main__":
    main()
