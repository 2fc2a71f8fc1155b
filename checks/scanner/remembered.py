"""The files of a control that have not changed since an earlier look, which found nothing in them.

Without a memory nothing is known, and everything is read. Only what was read to its end, alone and
without a finding is remembered, and only if it was the same file before and after that look.
"""

from __future__ import annotations

import os
import stat
import time
import uuid
from hashlib import blake2b
from pathlib import Path

from checks.connectors.archives import opened
from checks.core.errors import NotAssessed
from checks.scanner.memo import Memo, options_digest
from checks.scanner.places import Place
from checks.scanner.source import BLOCK


class Remembered:
    """The memory at ``path``, if any; ``how`` names the way of looking. A context manager.

    ``files`` and ``bytes`` count what is taken from earlier looks, ``since`` and ``until`` are the
    days (UTC) of the first and the last of these.
    """

    def __init__(self, path: Path | None, how: str) -> None:
        self.files = self.bytes = 0
        self.since = self.until = ""
        self._memo = None if path is None else Memo(path, run=str(uuid.uuid4()))
        self._options = "" if path is None else options_digest({"control": how})
        self._begun: dict[Path, tuple[Place, float]] = {}

    def __enter__(self) -> Remembered:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._memo is not None:
            self._memo.close()

    @property
    def notice(self) -> str | None:
        """Why nothing, or not everything, is remembered, in one line."""
        return None if self._memo is None else self._memo.notice

    @property
    def said(self) -> str:
        """How much is taken from earlier looks, and when these were."""
        days = self.since if self.since == self.until else f"{self.since} to {self.until}"
        return (
            f"{self.files} files ({self.bytes} bytes) not read again: unchanged since they were read"
            f" without a finding ({days})"
        )

    def knows(self, path: Path) -> bool:
        """Whether ``path`` has not changed since a look that found nothing; counts it then."""
        if self._memo is None:
            return False
        began, place = time.time(), _place(path)
        if place is None:
            return False
        self._begun[path] = place, began
        known = self._memo.known(place, self._options)
        if known is None:
            return False
        day = f"{known.read:%Y-%m-%d}"
        self.files += 1
        self.bytes += place.size
        self.since = min(self.since or day, day)
        self.until = max(self.until, day)
        return True

    def learn(self, path: Path) -> None:
        """Remember ``path``, in which nothing was found since :meth:`knows` was asked for it."""
        begun = self._begun.get(path)
        if self._memo is None or begun is None:
            return
        place, began = begun
        digest = _digest(path)
        if digest is not None and _place(path) == place:
            self._memo.remember(place, self._options, digest, '{"findings": 0, "skipped": []}', read_at=began)


def offered(memory: Path | None, unchanged: str, how: str) -> Remembered:
    """Return the memory of earlier looks, if the control (``unchanged: skip``) and the operator want it."""
    return Remembered(memory if unchanged == "skip" else None, how)


def _place(path: Path) -> Place | None:
    """Return ``path`` with its stamp; ``None`` if there is no such file."""
    try:
        real = os.path.realpath(path, strict=True)
        found = Path(real).stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or Path(f"{real}-wal").exists():  # a database's other half
        return None
    stamp = f"{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}"
    return Place(path.name, real, found.st_size, stamp)


def _digest(path: Path) -> bytes | None:
    digest = blake2b()
    try:
        with opened(path, path.name) as file:
            while chunk := file.read(BLOCK):
                digest.update(chunk)
    except (OSError, NotAssessed):
        return None
    return digest.digest()
