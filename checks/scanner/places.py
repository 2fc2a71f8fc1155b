"""Where files to scan lie: one file, a tree of folders, or what an object store lists.

Every file is handed out once: a link to what lies in the tree is passed over, for it is read where it
lies; a link that leads out of it is followed, once. What cannot be looked at is said to be skipped.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO, cast

from checks.connectors.archives import opened as opened_file
from checks.connectors.files import printable
from checks.core.errors import Refused, Unreachable
from checks.scanner.source import Skipped

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_MOUNTS = Path("/proc/self/mountinfo")
# File systems that hold no files but a view of the kernel: some of their files never end.
_KERNEL = frozenset(
    {
        "proc", "sysfs", "cgroup", "cgroup2", "devpts", "debugfs", "tracefs", "securityfs", "pstore", "bpf",
        "configfs", "mqueue", "binfmt_misc", "efivarfs", "fusectl", "selinuxfs", "nsfs",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """One file. ``name`` is printable; ``address`` opens it; ``size`` is in bytes.

    ``stamp`` changes when the file does; it is empty where nothing tells.
    """

    name: str
    address: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """What was left out because the operator said so, and by which pattern."""

    name: str
    pattern: str


def is_url(address: str) -> bool:
    """Whether ``address`` is a URL rather than a path."""
    return bool(_URL.match(address))


def places(address: str, *, exclude: Sequence[str] = ()) -> Iterator[Place | Skipped | Excluded]:
    """Yield the files at ``address`` in the order of their names, folder by folder.

    ``exclude`` are patterns of names below ``address`` (``*`` matches slashes too); a folder that
    matches is left out with all below it.

    Raises ``Unreachable`` if nothing is there, ``Refused``, and what an object store's listing does.
    """
    if is_url(address):
        from checks.scanner import objects

        yield from objects.places(address, exclude=exclude)
        return
    root = Path(address)
    what = printable(root)
    try:
        mode = root.stat()
    except PermissionError:
        raise Refused(f"{what}: permission denied") from None
    except (OSError, ValueError):
        raise Unreachable(f"{what} does not exist") from None
    if not stat.S_ISDIR(mode.st_mode):
        yield _place(root, what, mode)
        return
    yield from _Walk(root, root.resolve(), tuple(exclude), _kernel_devices()).folder(root, "")


def opened(place: Place) -> BinaryIO:
    """Open a place for reading, at its start, seekable; nothing waits for a pipe. Raises ``NotAssessed``."""
    if is_url(place.address):
        from checks.scanner import objects

        return objects.opened(place)
    return cast(BinaryIO, opened_file(Path(place.address), place.name))


def _place(path: Path, name: str, status: os.stat_result) -> Place | Skipped:
    if not stat.S_ISREG(status.st_mode):
        return Skipped(name, "is a device, a pipe or a socket")
    return Place(name, str(path), status.st_size, f"{status.st_mtime_ns}-{status.st_ino}")


def _kernel_devices() -> frozenset[int]:
    """Return the device numbers of the kernel's own file systems, where that is known."""
    try:
        lines = _MOUNTS.read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    found = set()
    for line in lines:
        fields, _, rest = line.partition(" - ")
        if rest.split(" ")[0] in _KERNEL:
            major, _, minor = fields.split(" ")[2].partition(":")
            found.add(os.makedev(int(major), int(minor)))
    return frozenset(found)


@dataclass(slots=True)
class _Walk:
    root: Path
    real: Path
    exclude: tuple[str, ...]
    kernel: frozenset[int]
    seen: set[tuple[int, int]] = field(default_factory=set)  # of what has several names

    def folder(self, path: Path, below: str) -> Iterator[Place | Skipped | Excluded]:
        """Yield what lies in a folder; a stack of ours, for trees may be deeper than Python's."""
        waiting: list[Iterator[os.DirEntry[str]]] = []
        pending: list[Skipped] = []
        waiting.append(self._entries(path, below, pending))
        yield from pending
        names = [below]
        while waiting:
            entry = next(waiting[-1], None)
            if entry is None:
                waiting.pop()
                names.pop()
                continue
            name = f"{names[-1]}{printable(entry.name)}"
            pattern = next((glob for glob in self.exclude if fnmatchcase(name, glob)), None)
            if pattern is not None:
                yield Excluded(name, pattern)
                continue
            found = self._entry(entry, name)
            if found is not None:
                yield found
            elif self._enters(entry):
                pending = []
                listed = self._entries(Path(entry.path), name, pending)
                yield from pending
                waiting.append(listed)
                names.append(f"{name}/")

    def _entries(self, path: Path, name: str, failed: list[Skipped]) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(path) as listing:
                return iter(sorted(listing, key=lambda entry: entry.name))
        except OSError as error:
            reason = "permission denied" if isinstance(error, PermissionError) else "cannot be listed"
            failed.append(Skipped(name or printable(path), f"{reason}; what lies in it is not known"))
            return iter(())

    def _entry(self, entry: os.DirEntry[str], name: str) -> Place | Skipped | None:
        """Return what ``entry`` is; ``None`` for a folder, and for what is read elsewhere."""
        path = Path(entry.path)
        try:
            status = entry.stat()
            outside = entry.is_symlink() and not path.resolve(strict=True).is_relative_to(self.real)
        except OSError as error:
            link = entry.is_symlink() and not isinstance(error, PermissionError)
            return Skipped(name, "is a link that points at nothing" if link else "cannot be looked at")
        except RuntimeError:  # a link to itself
            return Skipped(name, "is a link that points at nothing")
        if stat.S_ISDIR(status.st_mode):
            known = status.st_dev in self.kernel
            return Skipped(name, "is a file system of the kernel's, not of files") if known else None
        if entry.is_symlink() and not outside:
            return None
        if (outside or status.st_nlink > 1) and self._again(status):
            return None
        return _place(path, name, status)

    def _enters(self, entry: os.DirEntry[str]) -> bool:
        """Whether ``entry`` is a folder that has not been entered, nor will be where it lies."""
        try:
            if not entry.is_dir():
                return False
            if not entry.is_symlink():
                return True
            real = Path(entry.path).resolve(strict=True)
            # A link out of the tree; what contains the tree would bring it in once more.
            inside = real.is_relative_to(self.real) or self.real.is_relative_to(real)
            return not inside and not self._again(entry.stat())
        except (OSError, RuntimeError):
            return False

    def _again(self, status: os.stat_result) -> bool:
        key = (status.st_dev, status.st_ino)
        if key in self.seen:
            return True
        self.seen.add(key)
        return False
