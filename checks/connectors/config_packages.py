"""Which packages a manifest or lock names: npm, pnpm, Yarn; pip, PEP 621, Poetry, uv, Pipenv."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.connectors.config_entries import Entry, Malformed
from checks.core.model import Location

NPM_GROUPS = (
    "dependencies",
    "devDependencies",
    "peerDependencies",
    "optionalDependencies",
    "bundleDependencies",
    "bundledDependencies",
)

_ALIAS = re.compile(r"npm:(@?[^@]+)(?:@.*)?")
_LOCKED = re.compile(r"/?(@?[^@/\s]+(?:/[^@/\s]+)?)[@/].+")  # name@1.0.0, /name@1.0.0, /@a/b/1.0.0
_PYTHON_NAME = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\]\s*)?(?=$|[<>=!~;@(,])"
)
_OPTION = re.compile(r"(--?[A-Za-z][\w-]*)(?:\s*=\s*|\s+|$)(.*)")
_SHORT = re.compile(r"(-[rcefi])(\S.*)")  # -rbase.txt
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")
_WHEEL = re.compile(r"(?:^|/)([A-Za-z0-9][A-Za-z0-9._-]*?)-\d[^/]*(?:\.whl|\.tar\.gz|\.zip)(?:[#?].*)?$")
_LONG = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-f": "--find-links",
    "-i": "--index-url",
}


@dataclass(frozen=True, slots=True)
class Package:
    """A package as its registry names it, and where it is asked for."""

    name: str
    location: Location


Placed = tuple[str, Entry]


def read_requirements(text: str) -> Iterator[Entry]:
    """Yield ``packages.<name>`` for each requirement of a pip file and ``--option`` for each option.

    A line may go on behind a backslash; comments, hashes and markers are no part of the name. A
    local path without a name is our own code, the setting ``path``. Raises ``Malformed`` for a
    line that names no package (PEP 508).
    """
    number = 0
    lines = text.split("\n")
    while number < len(lines):
        start = number + 1
        line = lines[number]
        while line.endswith("\\") and not line.lstrip().startswith("#") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + " " + lines[number]
        number += 1
        line = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if line:
            yield from _requirement(line, start)


def _requirement(line: str, number: int) -> Iterator[Entry]:
    if line.startswith("-"):
        option = _OPTION.fullmatch(line) if line.startswith("--") else None
        option = option or _SHORT.fullmatch(line) or _OPTION.fullmatch(line)
        if option is None:
            raise Malformed("has an option that is none", number)
        name, value = _LONG.get(option[1], option[1]), option[2].strip().strip("\"'")
        yield Entry((name,), value, number)
        if name != "--editable":
            return
        line = value
    line = re.split(r"\s--(?:hash|config-settings|global-option)\b", line, maxsplit=1)[0].strip()
    found = _PYTHON_NAME.match(line) or _EGG.search(line) or _WHEEL.search(line)
    if found is not None:
        yield Entry(("packages", found[1]), line[found.end() :].strip(), number)
    elif "://" not in line and line.startswith((".", "/", "file:")):
        yield Entry(("path",), line, number)
    else:
        raise Malformed("has a requirement that names no package", number)


def read_yarn(text: str) -> Iterator[Entry]:
    """Yield ``packages.<name>`` for each entry of a ``yarn.lock``, classic or berry."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line[0] in " #\t" or line.startswith("__metadata"):
            continue
        if not line.endswith(":"):
            raise Malformed("is not a yarn.lock", number)
        for spec in line[:-1].replace('"', "").split(", "):
            name, _, wanted = spec[1:].partition("@")
            yield Entry(("packages", spec[0] + name), wanted, number)
            if (alias := _ALIAS.fullmatch(wanted)) and re.match(r"@?[a-z]", alias[1]):
                yield Entry(("packages", alias[1]), wanted, number)


def packages(format_: str, placed: Iterable[Placed]) -> Iterator[Package]:
    """Yield each package of each file of ``format_`` where it is first named.

    Raises ``Malformed`` for a package-lock that holds no list of packages.
    """
    seen: set[tuple[str, str]] = set()
    keys: dict[str, set[str | int]] = {}
    for file, entry in placed:
        keys.setdefault(file, set()).add(entry.trail[0])
        for name in _names(format_, PurePosixPath(file).name, entry):
            if (file, name) not in seen:
                seen.add((file, name))
                yield Package(name, Location(file, entry.line))
    for names in keys.values():
        if format_ == "package-lock" and not names & {"packages", "dependencies", "lockfileVersion"}:
            raise Malformed("is no lock file: it lists no packages")


def _names(format_: str, file: str, entry: Entry) -> Iterator[str]:
    trail = entry.trail
    if trail[0] == "packages" and (format_ == "requirements" or file == "yarn.lock") and len(trail) == 2:
        yield str(trail[1])
    elif format_ == "package-json":
        yield from _manifest(entry)
    elif format_ == "package-lock":
        yield from _lock(file, entry)
    elif file == "pyproject.toml":
        yield from _pyproject(entry)
    elif file in ("poetry.lock", "uv.lock", "pdm.lock") and trail[0] == "package" and trail[2:] == ("name",):
        yield entry.value
    elif file == "Pipfile.lock" and trail[0] in ("default", "develop") and len(trail) > 1:
        yield str(trail[1])


def _manifest(entry: Entry) -> Iterator[str]:
    """Yield what one entry of a package.json depends on; an alias counts under both names."""
    trail = entry.trail
    if len(trail) < 2 or trail[0] not in NPM_GROUPS:
        return
    yield entry.value if isinstance(trail[1], int) else trail[1]
    if alias := _ALIAS.fullmatch(entry.value):
        yield alias[1]


def _lock(file: str, entry: Entry) -> Iterator[str]:
    """Yield the name that one entry of a package-lock (v1 to v3) or pnpm-lock gives."""
    trail = entry.trail
    if len(trail) < 2 or trail[0] not in ("packages", "dependencies", "snapshots"):
        return
    if file.startswith("pnpm-lock"):
        found = _LOCKED.fullmatch(str(trail[1]))
        if found is not None and trail[0] != "dependencies":
            yield found[1]
    elif trail[0] == "packages":
        _, inside, name = str(trail[1]).rpartition("node_modules/")
        if inside:
            yield name
            if trail[2:] == ("name",):  # installed under an alias
                yield entry.value
    else:  # version 1: dependencies inside dependencies
        for key, inner in zip(trail[::2], trail[1::2], strict=False):
            if key != "dependencies":
                break
            yield str(inner)
        alias = _ALIAS.fullmatch(entry.value)
        if alias is not None and trail[-1] == "version":
            yield alias[1]


def _pyproject(entry: Entry) -> Iterator[str]:
    """Yield the requirement that one entry of a pyproject.toml states."""
    trail = entry.trail
    listed = (
        trail[:2] in (("project", "dependencies"), ("build-system", "requires"))
        or trail[:2] == ("project", "optional-dependencies")
        or trail[0] == "dependency-groups"
    )
    if listed and isinstance(trail[-1], int) and not entry.branch:
        found = _PYTHON_NAME.match(entry.value.strip())
        if found is None:
            raise Malformed("has a requirement that names no package", entry.line)
        yield found[1]
    elif trail[:2] == ("tool", "poetry") and "dependencies" in str(trail[-2:-1] + trail[2:3]):
        at = next((n for n, step in enumerate(trail) if step in ("dependencies", "dev-dependencies")), None)
        if at is not None and len(trail) > at + 1 and trail[at + 1] != "python":
            yield str(trail[at + 1])
