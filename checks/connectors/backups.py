"""Sets of backups: what their manifests say, every line of their dumps, and the rows of a table.

A set is a folder with a JSON manifest, which is believed only where it can be held against the
files: each must be there with the size and SHA-256 that the manifest gives.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Self

from checks.connectors.archives import failure, opened
from checks.connectors.copy_rows import CopyRows
from checks.connectors.files import TargetFile, entries, printable, resolve
from checks.connectors.text_lines import TextBlocks
from checks.core.errors import NotAssessed, TooLarge
from checks.core.model import Files, Location, Target

MANIFEST_LIMIT = 16 * 2**20
"""Bytes of a manifest that are read at most."""
_UNDATED = datetime(1, 1, 1, tzinfo=UTC)  # of a set with a problem, whose date is not looked at
_STORE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # it is printed, so nothing odd
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class BackupSet:
    """One backup. ``taken`` (aware) and the rest count only if there is no ``problem``.

    ``name`` is its folder below the root, ``tables`` the rows of each table as its manifest says.
    """

    name: str
    store: str
    taken: datetime
    files: tuple[TargetFile, ...]
    tables: Mapping[str, int]
    location: Location
    problem: str | None = None


class BackupSets:
    """The backups that the manifests below a root describe."""

    kind: ClassVar[str] = "backup"

    def __init__(
        self, target: Target, spec: Files, manifests: tuple[TargetFile, ...], timeout: float
    ) -> None:
        self.target = target
        self.spec = spec
        self._manifests, self._timeout = manifests, timeout
        self._sets: list[BackupSet] | None = None

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view once the manifests are found; raises what :func:`files.resolve` does."""
        spec = target.spec
        assert isinstance(spec, Files)  # noqa: S101  the kind of the target says so
        yield cls(target, spec, resolve(target, timeout=timeout), timeout)

    def sets(self) -> list[BackupSet]:
        """Return the backups by name, their files verified once.

        What lies where a set should and has no manifest is a set with a problem: it may be a
        backup that nobody looks at. Raises what :func:`files.entries` does.
        """
        if self._sets is None:
            found = [self._read(manifest) for manifest in self._manifests]
            self._sets = sorted([*found, *self._strays()], key=lambda backup: backup.name)
        return self._sets

    def rows(self, backup: BackupSet, table: str) -> CopyRows:
        """Return what yields the rows of ``table`` in the set's plain dumps; see :class:`CopyRows`."""
        blocks = [(self._what(file.path), self._blocks(file)) for file in backup.files]
        return CopyRows(self._what(backup.name), blocks, table, backup.tables)

    def _blocks(self, file: TargetFile) -> TextBlocks:
        return TextBlocks(file.location, self._what(file.path))

    def _what(self, path: str) -> str:
        return f"{self.target.id}: {path}"

    def _read(self, manifest: TargetFile) -> BackupSet:
        folder = manifest.location.parent
        name = str(PurePosixPath(manifest.path).parent)
        name = self.target.id if name == "." else name
        where = Location(manifest.path)
        try:
            document = _document(manifest, self._what(manifest.path))
            return BackupSet(
                name=name,
                store=self._store(document),
                taken=_taken(document),
                files=tuple(self._verified(folder, name, document)),
                tables=_tables(document),
                location=where,
            )
        except _Fault as fault:
            problem = f"{self._what(manifest.path)}: {fault}"
        except NotAssessed as error:
            problem = error.reason
        return BackupSet(name, "", _UNDATED, (), {}, where, problem)

    def _store(self, document: Mapping[str, Any]) -> str:
        store = document.get("store")
        if not isinstance(store, str) or not _STORE.fullmatch(store):
            raise _Fault("names no store")
        declared = self.spec.options.get("stores")
        if declared is not None and store not in declared:
            raise _Fault("is of a store that the inventory does not list for these backups")
        return store

    def _verified(self, folder: Path, name: str, document: Mapping[str, Any]) -> Iterator[TargetFile]:
        """Yield the files that the manifest names, each as it says; nothing else may lie beside them."""
        listed = document.get("files")
        if not isinstance(listed, list) or not listed:
            raise _Fault("names no files")
        seen: set[Path] = set()
        for number, entry in enumerate(listed, start=1):
            path = _inside(folder, entry, number)
            shown = f"{name}/{printable(path.relative_to(folder))}"
            if path in seen:
                raise _Fault(f"names file {number} twice")
            seen.add(path)
            size, digest = _digest(path, self._what(shown))
            if size != entry.get("bytes"):
                raise _Fault(f"{shown} has not the size that the manifest gives")
            if digest != str(entry["sha256"]).lower():
                raise _Fault(f"{shown} has not the SHA-256 that the manifest gives")
            yield TargetFile(shown, path)
        manifests = {manifest.location for manifest in self._manifests}
        for path in _all_files(folder, self._what(name)):
            if path not in seen and path not in manifests:
                raise _Fault(
                    f"does not name {name}/{printable(path.relative_to(folder))}, which lies beside it"
                )

    def _strays(self) -> Iterator[BackupSet]:
        pattern = PurePosixPath(self.spec.pattern)
        if len(pattern.parts) < 2 or "**" in pattern.parts:
            return  # sets may lie at any depth, so no place is known where one should
        known = {manifest.location.parent for manifest in self._manifests}
        for entry in entries(self.target, str(pattern.parent), timeout=self._timeout):
            path = entry.location
            if path in known or (path.is_dir() and not any(_all_files(path, self._what(entry.path)))):
                continue
            problem = f"{self._what(entry.path)} lies among the backups and has no manifest"
            yield BackupSet(entry.path, "", _UNDATED, (), {}, Location(entry.path), problem)


class _Fault(Exception):
    """What is wrong with a manifest, in words that follow its path."""


def _document(manifest: TargetFile, what: str) -> Mapping[str, Any]:
    try:
        with opened(manifest.location, what) as stream:
            raw = stream.read(MANIFEST_LIMIT + 1)
    except OSError as error:
        raise failure(error, what) from None
    if len(raw) > MANIFEST_LIMIT:
        raise TooLarge(f"{what} is larger than {MANIFEST_LIMIT // 2**20} MiB")
    if not raw.strip():
        raise _Fault("is empty")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise _Fault("is not JSON") from None
    if not isinstance(document, dict):
        raise _Fault("is no JSON object")
    return document


def _taken(document: Mapping[str, Any]) -> datetime:
    try:
        taken = datetime.fromisoformat(document["taken"])
    except (KeyError, TypeError, ValueError):
        raise _Fault("does not say when it was taken") from None
    if taken.tzinfo is None:
        raise _Fault("says when it was taken without a time zone")
    return taken


def _tables(document: Mapping[str, Any]) -> Mapping[str, int]:
    tables = document.get("tables")
    if not isinstance(tables, dict) or not all(type(rows) is int and rows >= 0 for rows in tables.values()):
        raise _Fault("does not say how many rows each table has")
    return tables


def _inside(folder: Path, entry: object, number: int) -> Path:
    """Return the path of file ``number`` of a manifest, which must be in the set's own folder."""
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise _Fault(f"gives no path for file {number}")
    if not isinstance(entry.get("sha256"), str) or not _SHA256.fullmatch(entry["sha256"]):
        raise _Fault(f"gives no SHA-256 for file {number}")
    if type(entry.get("bytes")) is not int:
        raise _Fault(f"gives no size for file {number}")
    parts = PurePosixPath(entry["path"]).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in entry["path"]:
        raise _Fault(f"gives a path for file {number} that leaves its folder")
    path = folder.joinpath(*parts)
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            raise _Fault(f"gives a path for file {number} that leaves its folder")
    except FileNotFoundError:
        raise _Fault(f"names file {number}, which is missing") from None
    except (OSError, RuntimeError):
        raise _Fault(f"names file {number}, which cannot be read") from None
    return path


def _all_files(folder: Path, what: str) -> Iterator[Path]:
    """Yield what is no folder at any depth of ``folder``; raises for one that may not be read."""

    def refuse(error: OSError) -> None:
        raise failure(error, what) from None

    for above, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(above, name) for name in names)


def _digest(path: Path, what: str) -> tuple[int, str]:
    """Return size in bytes and SHA-256 (hex) of a file."""
    try:
        with opened(path, what) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
            return stream.tell(), digest
    except OSError as error:
        raise failure(error, what) from None
