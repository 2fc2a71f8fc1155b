"""Where files come from: one file, a tree of directories, or (by ``checks.scanner.objects``) a URL.

Nothing is passed over without a word: what cannot be read is yielded as ``Skipped``, what was asked
to be left out as ``Excluded``. File names are data as well, see :func:`name_bytes`.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from checks.connectors import archives
from checks.connectors.files import printable
from checks.core.errors import Refused, Unreachable, Unreadable, nearest
from checks.scanner.source import Skipped

MOUNTS = Path("/proc/self/mountinfo")
PSEUDO = frozenset({
    "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fusectl",
    "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "sysfs", "tracefs",
})  # fmt: skip
"""File systems that the kernel makes up as they are read: sizes say nothing, and some files never end."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_NOWHERE = "\0"  # what no path is; an empty one would be the working directory to pathlib
_LONG_NUMBER = re.compile(r"\d(?:\D?\d){12}")
_KINDS = {
    stat.S_IFIFO: "is a pipe",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFBLK: "is a device",
    stat.S_IFCHR: "is a device",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One file or object.

    ``name`` is printable: below the directory that was asked for, or what was asked for itself, a URL
    without what may be secret in it. ``address`` opens it: a path, or a URL. ``size`` is in bytes, -1
    where a server does not say. ``stamp`` changes when the file does: of local files it is
    ``"{mtime_ns}-{ctime_ns}-{inode}"``, for anyone may set mtime back; of objects the ETag or
    generation; ``""`` if there is none.
    """

    name: str
    address: str = field(repr=False)
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """A file, or a directory and all below it, that was left out because ``pattern`` says so."""

    name: str
    pattern: str


def places(address: str, *, exclude: Sequence[str] = ()) -> Iterator[Place | Skipped | Excluded]:
    """Yield the files at ``address``: a file, a directory with all below it, or a URL of an object store.

    In a directory: its files by name, then its subdirectories. Links are followed last, and no file
    is yielded twice: not by a second link to it, hard or symbolic, nor by its plain name and a link.

    ``exclude``: patterns of ``fnmatch``. One without a slash is matched with the last part of a name,
    at any depth, one with a slash with the whole name. What lies below a match is left out too.

    Raises ``Unreachable`` if nothing is there, ``Refused``; for URLs what ``objects.places`` does.
    """
    if is_url(address):
        from checks.scanner.objects import places as objects

        yield from objects(address, exclude=exclude)
        return
    walk = _Walk(exclude)
    address = str(Path(address or _NOWHERE))
    try:
        found = Path(address).stat()
    except PermissionError:
        raise Refused(f"{printable(address)}: permission denied") from None
    except FileNotFoundError:
        raise Unreachable(f"{printable(address)} does not exist{_near(address)}") from None
    except (OSError, ValueError):
        raise Unreachable(f"{printable(address)} cannot be reached") from None
    if stat.S_ISDIR(found.st_mode):
        yield from walk.all(address, found)
    else:
        yield from walk.file(address, address, found)


def opened(place: Place) -> BinaryIO:
    """Return ``place`` as a file at its start, seekable and buffered; no pipe can block.

    Raises ``Unreachable`` if it is gone, ``Refused``, ``Unreadable``; of URLs what ``objects.opened`` does.
    """
    if is_url(place.address):
        from checks.scanner.objects import opened as opened_object

        return opened_object(place)
    try:
        return cast(BinaryIO, archives.opened(Path(place.address), place.name))
    except ValueError:
        raise Unreadable(f"{place.name} cannot be opened") from None


def name_bytes(place: Place) -> bytes:
    """Return the name as the file system or store holds it, to be searched like any other data.

    Of a path the part below what was asked for; of a URL all but its query, which may be secret.
    """
    if is_url(place.address):
        is_http = place.address[:4].lower() == "http"
        address = re.split(r"[?#]", place.address, maxsplit=1)[0] if is_http else place.address
        return address.encode("utf-8", "surrogatepass")
    parts = place.name.count("/") + 1  # making a name printable neither adds nor removes a slash
    return b"/".join(os.fsencode(place.address).split(b"/")[-parts:])


def is_url(address: str) -> bool:
    """Whether ``address`` begins with a scheme and ``://``."""
    return _SCHEME.match(address) is not None


class _Walk:
    """One walk. It remembers directories, linked files and open links, but no plain file."""

    def __init__(self, exclude: Sequence[str]) -> None:
        self._exclude = exclude
        self._seen: set[tuple[int, int]] = set()
        self._roots: set[str] = set()  # real paths; all below them is walked without links
        self._links: deque[tuple[str, str]] = deque()
        self._linked = False
        self._pseudo = _pseudo_devices()

    def all(self, root: str, found: os.stat_result) -> Iterator[Place | Skipped | Excluded]:
        """Yield what the tree at ``root`` holds, then what links in it lead to, and links in that."""
        self._roots.add(os.path.realpath(root))
        yield from self._tree(root, "", found)
        self._linked = True
        while self._links:
            path, name = self._links.popleft()
            yield from self._target(path, name)

    def file(self, path: str, name: str, found: os.stat_result) -> Iterator[Place | Skipped]:
        """Yield the file at ``path``, or why it is none that can be read; nothing if it was yielded."""
        shown = printable(name)
        if not stat.S_ISREG(found.st_mode):
            yield Skipped(shown, _KINDS.get(stat.S_IFMT(found.st_mode), "is no regular file"))
            return
        if found.st_dev in self._pseudo:
            yield Skipped(shown, f"lies on a {self._pseudo[found.st_dev]} file system, made up by the kernel")
            return
        if found.st_nlink > 1 or self._linked:
            if (found.st_dev, found.st_ino) in self._seen:
                return
            self._seen.add((found.st_dev, found.st_ino))
        if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            yield Skipped(shown, "permission denied")
            return
        yield Place(shown, path, found.st_size, f"{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_ino}")

    def _tree(self, top: str, named: str, found: os.stat_result) -> Iterator[Place | Skipped | Excluded]:
        """Yield what ``top`` holds, links put aside; ``named`` stands before the names in it."""
        waiting = [(top, named, found)]
        while waiting:
            path, name, status = waiting.pop()
            if (status.st_dev, status.st_ino) in self._seen:
                continue  # mounted at two places, or reached by a link before
            self._seen.add((status.st_dev, status.st_ino))
            shown = printable(name or path)
            if status.st_dev in self._pseudo:
                kind = self._pseudo[status.st_dev]
                yield Skipped(
                    shown, f"lies on a {kind} file system, made up by the kernel; not descended into"
                )
                continue
            try:
                with os.scandir(path) as listing:
                    names = sorted(entry.name for entry in listing)
            except OSError as error:
                yield Skipped(shown, _reason(error, "cannot be listed"))
                continue
            below = []
            for last in names:
                inner, each = f"{path.rstrip('/')}/{last}", f"{name}/{last}" if name else last
                pattern = _pattern(each, self._exclude)
                if pattern is not None:
                    yield Excluded(printable(each), pattern)
                    continue
                try:
                    entry = os.lstat(inner)
                except OSError as error:
                    yield Skipped(printable(each), _reason(error, "cannot be looked at"))
                    continue
                if stat.S_ISDIR(entry.st_mode):
                    below.append((inner, each, entry))
                elif stat.S_ISLNK(entry.st_mode):
                    self._links.append((inner, each))
                else:
                    yield from self.file(inner, each, entry)
            waiting += reversed(below)

    def _target(self, path: str, name: str) -> Iterator[Place | Skipped | Excluded]:
        """Yield what the link at ``path`` leads to, unless it lies in what is walked anyway."""
        try:
            real = os.path.realpath(path, strict=True)
            found = Path(real).stat()
        except FileNotFoundError:
            yield Skipped(printable(name), "is a link that points at nothing")
            return
        except OSError as error:
            yield Skipped(printable(name), _reason(error, "is a link that cannot be followed"))
            return
        if real in self._roots or any(str(parent) in self._roots for parent in Path(real).parents):
            return
        if stat.S_ISDIR(found.st_mode):
            self._roots.add(real)
            yield from self._tree(real, name, found)
        else:
            yield from self.file(path, name, found)


def _pattern(name: str, patterns: Sequence[str]) -> str | None:
    """Return the first pattern that excludes ``name`` itself."""
    last = name.rpartition("/")[2]
    for pattern in patterns:
        if fnmatchcase(name if "/" in pattern else last, pattern):
            return pattern
    return None


def pattern_above(name: str, patterns: Sequence[str]) -> str | None:
    """Return the first pattern that excludes ``name`` (a path or URL), or a folder that it lies in."""
    if not patterns:
        return None
    start = name.find("://") + 3 if "://" in name else 0
    ends = [at for at in range(start, len(name)) if name[at] == "/"] + [len(name)]
    return next((found for end in ends if (found := _pattern(name[:end], patterns)) is not None), None)


def _reason(error: OSError, otherwise: str) -> str:
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, FileNotFoundError):
        return "is gone since its folder was listed"
    if error.errno == errno.ELOOP:
        return "is a link in a loop"
    return f"{otherwise} ({error.strerror})"


def _near(address: str) -> str:
    """Return a suggestion from the folder that ``address`` would lie in, without names like card numbers."""
    folder, name = os.path.split(address.rstrip("/"))
    try:
        with os.scandir(folder or ".") as listing:
            names = [entry.name for entry in islice(listing, 1000)]
    except (OSError, ValueError):
        return ""
    return nearest(name, [printable(each) for each in names if not _LONG_NUMBER.search(each)])


def _pseudo_devices() -> dict[int, str]:
    """Return the type of each mounted pseudo file system by its device number (proc_pid_mountinfo(5))."""
    try:
        text = MOUNTS.read_text("utf-8", "replace")
    except OSError:
        return {}  # no Linux: there is none
    found = {}
    for line in text.splitlines():
        mount, _, kind = line.partition(" - ")
        major, _, minor = mount.split(" ")[2].partition(":")
        if kind.split(" ")[0] in PSEUDO:
            found[os.makedev(int(major), int(minor))] = kind.split(" ")[0]
    return found
