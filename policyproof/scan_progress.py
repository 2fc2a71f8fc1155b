"""How far a scan is, on standard error: bytes, rate and time left, in place on a terminal."""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import TextIO

from checks.scanner.scan import Scan

_SOON, _SELDOM = 0.5, 30.0  # seconds between two lines: on a terminal, and where lines stay
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_CLEAR = "\r\x1b[K"


class Progress:
    """Says how far ``scan`` is as long as it is entered; nothing if that is not long."""

    def __init__(self, scan: Scan, stream: TextIO, *, seldom: float = _SELDOM) -> None:
        self._scan, self._stream = scan, stream
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._every = _SOON if self._terminal else seldom
        self._colour = self._terminal and not os.environ.get("NO_COLOR")
        self._over, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._begun = time.monotonic()
        self._shown = False

    def __enter__(self) -> Progress:
        self._begun = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self.clear()

    def clear(self) -> None:
        """Take the line off the terminal, for what is written next."""
        with self._lock:
            if self._terminal and self._shown:
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._shown = False

    def _run(self) -> None:
        while not self._over.wait(self._every):
            line = status(self._scan, time.monotonic() - self._begun)
            with self._lock:
                if self._terminal:
                    self._stream.write(_CLEAR + (f"{_DIM}{line}{_PLAIN}" if self._colour else line))
                else:
                    self._stream.write(f"policyproof: {line}\n")
                self._stream.flush()
                self._shown = True


def status(scan: Scan, seconds: float) -> str:
    """Return how far ``scan`` is after ``seconds``, in one line."""
    done = scan.looked_at
    rate = done / max(seconds, 1e-6)
    text = f"{size(done)} of {size(max(scan.known, done))}"
    text += "" if scan.listed else " listed so far"
    text += f", {size(rate)}/s"
    left = scan.known - done
    if rate and left > 0:
        text += f", {'' if scan.listed else 'at least '}{duration(left / rate)} left"
    if scan.totals.findings:
        text += f", {scan.totals.findings:,} found"
    return text


def size(count: float) -> str:
    """Return a number of bytes in words, in powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Return ``seconds`` in words: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
