"""Config files of any format: their settings, outbound hosts, packages and rotation rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import ClassVar, Self, TypeVar

from checks.connectors import config_rotations as rotating
from checks.connectors.config_entries import Entry, Malformed, Setting, render
from checks.connectors.config_hosts import HostRef, hosts
from checks.connectors.config_includes import Includes
from checks.connectors.config_lines import read_env, read_ini
from checks.connectors.config_nginx import read_nginx
from checks.connectors.config_nginx_hosts import upstreams
from checks.connectors.config_packages import Package, packages, read_requirements, read_yarn
from checks.connectors.config_rotations import Rotation
from checks.connectors.config_text import read_text
from checks.connectors.config_toml import read_toml
from checks.connectors.config_trees import read_compose, read_json, read_yaml
from checks.connectors.files import TargetFile, resolve
from checks.core.errors import NotAssessed, Nothing, TooLarge, Unreadable
from checks.core.model import Files, Location, Target

__all__ = ["ConfigFiles", "HostRef", "Package", "Rotation", "Setting"]

Reader = Callable[[str], Iterator[Entry]]
Placed = tuple[str, Entry]
Found = TypeVar("Found")

READERS: dict[str, Reader] = {
    "yaml": read_yaml,
    "log-shipper": read_yaml,
    "api-clients": read_yaml,
    "exports": read_yaml,
    "compose": read_compose,
    "json": read_json,
    "s3-lifecycle": read_json,
    "package-json": read_json,
    "package-lock": read_json,
    "toml": read_toml,
    "ini": read_ini,
    "env": read_env,
    "logrotate": rotating.read_logrotate,
    "requirements": read_requirements,
}
"""How each format is read; ``nginx`` alone is read by its parser from the file itself."""

BY_NAME: dict[str, Reader] = {
    "pyproject.toml": read_toml,
    "poetry.lock": read_toml,
    "uv.lock": read_toml,
    "pdm.lock": read_toml,
    "Pipfile.lock": read_json,
    "yarn.lock": read_yarn,
    "pnpm-lock.yaml": read_yaml,
}
"""Manifests and locks of other tools, told by their name where a package format is declared."""

RULES = {"logrotate": rotating.logrotate_rules, "s3-lifecycle": rotating.lifecycle_rules}
PACKAGED = frozenset({"package-json", "package-lock", "requirements"})


class ConfigFiles:
    """The files of one config target. Each is read and parsed once, when first asked for.

    A file that cannot be read stops nothing: what the others say is yielded first, and then the
    error of the first broken one is raised. All views raise ``Unreadable`` (naming file and line),
    ``TooLarge``, ``Refused``, and ``Nothing`` for files without any setting, unless the inventory
    says ``may_be_empty``.
    """

    kind: ClassVar[str] = "config"

    def __init__(self, target: Target, files: Iterable[TargetFile]) -> None:
        assert isinstance(target.spec, Files)  # noqa: S101  the session opens targets of the kind
        self.target = target
        self.spec: Files = target.spec
        self._files = list(files)
        self._read: dict[str, list[Placed]] = {}
        self._broken: dict[str, NotAssessed] = {}
        self._includes = Includes(target, self.spec.format)

    @property
    def format(self) -> str:
        """The format of every file, as the inventory names it."""
        return self.spec.format

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; finding the files may take ``timeout`` seconds.

        Raises ``Unreachable`` for a missing folder, ``Nothing`` if no file matches, ``Unreadable``
        for a link that leaves the folder or an unknown format, ``Refused``, ``TimedOut``.
        """
        spec = target.spec
        if isinstance(spec, Files) and spec.format != "nginx" and spec.format not in READERS:
            raise Unreadable(f"{target.id}: {spec.format} is no format of a config")
        yield cls(target, resolve(target, timeout=timeout))

    def files(self) -> list[TargetFile]:
        """Return the files that match, sorted by path; included ones are not among them."""
        return list(self._files)

    def settings(self) -> Iterator[Setting]:
        """Yield every value of every file in order; empty lists and mappings have none."""
        return self._each(self._settings)

    def hosts(self) -> Iterator[HostRef]:
        """Yield every outbound host; see ``config_hosts`` for what counts as one."""
        names = self._upstreams() if self.format == "nginx" else frozenset[str]()
        return self._each(lambda placed: hosts(self.format, placed, names))

    def packages(self) -> Iterator[Package]:
        """Yield every package of a manifest or lock; ``Unreadable`` for other formats."""
        if self.format not in PACKAGED:
            raise Unreadable(f"{self.target.id}: format {self.format} names no packages")
        return self._each(lambda placed: packages(self.format, placed))

    def rotations(self) -> Iterator[Rotation]:
        """Yield every rule of logrotate or a lifecycle document; ``Unreadable`` for other formats."""
        rules = RULES.get(self.format)
        if rules is None:
            raise Unreadable(f"{self.target.id}: format {self.format} has no rotation rules")
        return self._each(rules)

    def _upstreams(self) -> frozenset[str]:
        """Return the names of nginx's upstream groups: one file may define what another uses."""
        found: set[str] = set()
        self._includes.restart()
        for file in self._files:
            # What is broken is told by the view itself.
            with suppress(NotAssessed):
                found.update(upstreams(entry for _, entry in self._entries(file)))
        return frozenset(found)

    @staticmethod
    def _settings(placed: Iterable[Placed]) -> Iterator[Setting]:
        for file, entry in placed:
            if not entry.branch:
                yield Setting(file, render(entry.trail), entry.value, Location(file, entry.line))

    def _each(self, view: Callable[[Iterable[Placed]], Iterator[Found]]) -> Iterator[Found]:
        """Yield what ``view`` makes of each file; the first error comes after all that is found."""
        first: NotAssessed | None = None
        self._includes.restart()
        for file in self._files:
            try:
                yield from view(self._entries(file))
            except NotAssessed as error:
                first = first or error
            except Malformed as error:
                first = first or self._error(file.path, error)
        if first is not None:
            raise first

    def _entries(self, file: TargetFile) -> Iterator[Placed]:
        """Yield the entries of ``file`` and, in their place, of the files it includes."""
        if not self._includes.enter(file):
            return
        for path, entry in self._parsed(file):
            yield path, entry
            for included in self._includes.of(file, entry):
                yield from self._entries(included)

    def _parsed(self, file: TargetFile) -> list[Placed]:
        if file.path in self._broken:
            raise self._broken[file.path]
        if file.path not in self._read:
            try:
                self._read[file.path] = self._parse(file)
            except NotAssessed as error:
                self._broken[file.path] = error
                raise
        return self._read[file.path]

    def _parse(self, file: TargetFile) -> list[Placed]:
        text = read_text(self.target.id, file)
        try:
            if self.format == "nginx":
                entries = read_nginx(file.location) if text.strip() else iter(())
            else:
                entries = self._reader(file)(text)
            found = [(file.path, entry) for entry in entries]
        except Malformed as error:
            raise self._error(file.path, error) from None
        if not found and not self.spec.may_be_empty:
            raise Nothing(f"{self.target.id}: {file.path} is empty")
        return found

    def _reader(self, file: TargetFile) -> Reader:
        by_name = BY_NAME.get(PurePosixPath(file.path).name) if self.format in PACKAGED else None
        return by_name or READERS[self.format]

    def _error(self, path: str, error: Malformed) -> NotAssessed:
        where = path if error.line is None else f"{path}:{error.line}"
        return (TooLarge if error.large else Unreadable)(f"{self.target.id}: {where} {error.problem}")
