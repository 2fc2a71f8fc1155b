"""The files of a target: a glob below the folder at its address, resolved without a silent skip.

``pathlib`` and ``glob`` pass over folders that they may not read; here such a folder is an error,
for what lies in it would go unseen.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from checks.core.errors import Nothing, Refused, TimedOut, Unreachable, Unreadable
from checks.core.model import Files, Target


@dataclass(frozen=True, slots=True)
class TargetFile:
    """One file. ``path`` is below the root and safe to print; ``location`` opens it."""

    path: str
    location: Path = field(repr=False)


def root_of(target: Target) -> Path:
    """Return the folder at the target's address, links followed.

    Raises ``MissingAddress``; ``Unreachable`` if it is missing or no folder; ``Refused``.
    """
    if target.address is None:
        raise Unreachable(f"{target.id}: no address is declared")
    root = Path(target.address.reveal())
    try:
        if not stat.S_ISDIR(root.stat().st_mode):
            raise Unreachable(f"{target.id}: {target.address} is not a folder")
        return root.resolve(strict=True)
    except PermissionError:
        raise Refused(f"{target.id}: permission denied for the folder at {target.address}") from None
    except FileNotFoundError:
        raise Unreachable(f"{target.id}: the folder at {target.address} does not exist") from None
    except (OSError, ValueError, RuntimeError):
        raise Unreachable(f"{target.id}: the folder at {target.address} cannot be reached") from None


def resolve(target: Target, *, timeout: float = 10.0) -> tuple[TargetFile, ...]:
    """Return the files that match the target's pattern, sorted by path, each real file once.

    ``*``, ``?`` and ``[…]`` match within one name (hidden ones too), ``**`` any depth of folders,
    linked ones included. Folders that match are passed over. ``timeout`` in seconds bounds the walk.

    Raises what :func:`root_of` does; ``Nothing`` if no file matches and the inventory does not say
    ``may_be_empty``; ``Unreadable`` for a link that leaves the root or points at nothing and for
    what is neither file nor folder; ``Refused``; ``TimedOut``.
    """
    spec = target.spec
    assert isinstance(spec, Files)  # noqa: S101  connectors of files are opened on such targets only
    found = [item for item in entries(target, spec.pattern, timeout=timeout) if item.location.is_file()]
    # A link and the file it points at are one file: the plain name is kept. Its lines count once.
    found.sort(key=lambda item: (item.location.is_symlink(), item.path))
    real: dict[Path, TargetFile] = {}
    for item in found:
        real.setdefault(item.location.resolve(), item)
    if not real and not spec.may_be_empty:
        raise Nothing(f"{target.id}: no file matches {spec.pattern} below {target.address}")
    return tuple(sorted(real.values(), key=lambda item: item.path))


def entries(target: Target, pattern: str, *, timeout: float = 10.0) -> Iterator[TargetFile]:
    """Yield files and folders that match ``pattern`` below the target's root, as :func:`resolve` does."""
    root = root_of(target)
    parts = PurePosixPath(pattern).parts
    if not parts or parts[0] == "/" or ".." in parts:
        raise Unreadable(f"{target.id}: pattern {pattern} does not stay below its folder")
    walk = _Walk(target, root, time.monotonic() + timeout)
    yield from walk.below(root, parts, (root,))


def printable(path: Path | str) -> str:
    """Return ``path`` as text that any report can hold: odd bytes and control characters as ``?``."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in text)


@dataclass(frozen=True, slots=True)
class _Walk:
    target: Target
    root: Path
    deadline: float  # seconds of the monotonic clock

    def below(self, folder: Path, parts: tuple[str, ...], above: tuple[Path, ...]) -> Iterator[TargetFile]:
        """Yield what matches ``parts`` below ``folder``; ``above`` are the real folders it lies in."""
        part, rest = parts[0], parts[1:]
        if part == "**" and rest:
            yield from self.below(folder, rest, above)
        for name in self._names(folder):
            if part != "**" and not fnmatchcase(name, part):
                continue
            path = folder / name
            is_folder = self._is_folder(path, last=not rest)
            if not rest:
                yield TargetFile(printable(path.relative_to(self.root)), path)
            if is_folder and (rest or part == "**"):
                real = path.resolve()
                if real not in above:  # else a link leads back up: all below it is seen already
                    yield from self.below(path, parts if part == "**" else rest, (*above, real))

    def _names(self, folder: Path) -> list[str]:
        names = []
        try:
            with os.scandir(folder) as listing:
                for entry in listing:
                    if time.monotonic() > self.deadline:
                        raise TimedOut(f"{self.target.id}: listing {self.target.address} took too long")
                    names.append(entry.name)
        except PermissionError:
            raise Refused(f"{self._what(folder)}: permission denied") from None
        except OSError as error:
            raise Unreadable(f"{self._what(folder)} cannot be listed ({error.strerror})") from None
        return sorted(names)

    def _is_folder(self, path: Path, *, last: bool) -> bool:
        """Whether ``path`` is a folder; raises unless it is one or a file, inside the root."""
        try:
            mode = path.stat().st_mode
            leaves = path.is_symlink() and not path.resolve(strict=True).is_relative_to(self.root)
        except FileNotFoundError:
            if not last:  # nothing lies below it, so nothing goes unseen
                return False
            raise Unreadable(f"{self._what(path)} is a link that points at nothing, or gone") from None
        except PermissionError:
            raise Refused(f"{self._what(path)}: permission denied") from None
        except (OSError, RuntimeError):
            raise Unreadable(f"{self._what(path)} cannot be looked at") from None
        if leaves and (last or stat.S_ISDIR(mode)):
            raise Unreadable(f"{self._what(path)} is a link that leaves its folder")
        if last and not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
            raise Unreadable(f"{self._what(path)} is no regular file")
        return stat.S_ISDIR(mode)

    def _what(self, path: Path) -> str:
        if path == self.root:
            return f"{self.target.id}: {self.target.address}"
        return f"{self.target.id}: {printable(path.relative_to(self.root))}"
