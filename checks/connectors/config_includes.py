"""Files that a config includes: followed below the target's folder, and never passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from checks.connectors.config_entries import Entry, last_name, words
from checks.connectors.files import TargetFile, entries, root_of
from checks.core.errors import Unreadable
from checks.core.model import Target

# Parameter files that come with nginx. They name no host, and a copied config seldom holds them.
SHIPPED = words(
    "mime.types fastcgi_params fastcgi.conf uwsgi_params scgi_params proxy_params koi-win koi-utf",
    "win-utf options-ssl-nginx.conf",
)


class Includes:
    """Resolves the includes of nginx, logrotate and pip files; each file is entered once a pass."""

    def __init__(self, target: Target, format_: str) -> None:
        self._target, self._format = target, format_
        self._entered: set[Path] = set()

    def restart(self) -> None:
        """Begin another pass."""
        self._entered.clear()

    def enter(self, file: TargetFile) -> bool:
        """Whether ``file`` is met for the first time in this pass; includes in a circle end here."""
        real = file.location.resolve()
        if real in self._entered:
            return False
        self._entered.add(real)
        return True

    def of(self, file: TargetFile, entry: Entry) -> list[TargetFile]:
        """Return the files that ``entry`` of ``file`` includes, sorted.

        An absolute path is tried below the folder as a whole and by its end, for a copy of
        ``/etc/nginx`` says ``/etc/nginx/conf.d/*.conf`` still. Raises ``Unreadable`` if nothing is
        found there: what is included elsewhere would go unseen.
        """
        directive = last_name(entry.trail)
        pip = self._format == "requirements" and directive == "--requirement"
        if not pip and not (self._format in ("nginx", "logrotate") and directive == "include"):
            return []
        wanted = PurePosixPath(entry.value.strip("\"'"))
        if wanted.name in SHIPPED and self._format == "nginx":
            return []
        for pattern in self._places(PurePosixPath(file.path).parent, wanted, pip):
            if found := list(self._matching(pattern)):
                return found
            if self._folder(pattern) and any(sign in pattern.name for sign in "*?["):
                return []  # a pattern may match nothing today
        what = f"{self._target.id}: {file.path}:{entry.line}"
        raise Unreadable(f"{what} includes a file that is not found below the target's folder")

    def _places(self, folder: PurePosixPath, wanted: PurePosixPath, pip: bool) -> Iterator[PurePosixPath]:
        if wanted.is_absolute():
            root = root_of(self._target)
            if wanted.is_relative_to(root):
                yield wanted.relative_to(root)
            parts = wanted.parts[1:]
            yield from (PurePosixPath(*parts[start:]) for start in range(len(parts)))
        else:
            if not pip:
                yield wanted  # nginx counts from its own folder, whichever file includes
            yield folder / wanted

    def _matching(self, pattern: PurePosixPath) -> Iterator[TargetFile]:
        plain = _plain(pattern)
        if plain is None:
            return
        for item in entries(self._target, plain):
            if item.location.is_file():
                yield item
            elif self._format == "logrotate":  # a folder stands for the files in it
                inside = entries(self._target, f"{plain}/*")
                yield from (each for each in inside if each.location.is_file())

    def _folder(self, pattern: PurePosixPath) -> bool:
        plain = _plain(pattern.parent)
        if plain is None:
            return False
        return plain == "." or any(item.location.is_dir() for item in entries(self._target, plain))


def _plain(pattern: PurePosixPath) -> str | None:
    """Return ``pattern`` with ``..`` taken out, or ``None`` if it leaves the folder."""
    parts: list[str] = []
    for part in pattern.parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or "."
