"""Objects in the stores that fsspec reaches: Google's, Azure's, the memory of this process.

Directories are listed one by one. ``fsspec`` would walk by itself, but passes over what it may not
list; here that is an error. A store that shows a name which cannot be asked for is told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, BinaryIO

from checks.connectors.files import printable
from checks.core.errors import MissingDriver, NotAssessed, Refused, TimedOut, Unreachable, Unreadable
from checks.scanner.objects_ranges import file_of
from checks.scanner.places import Place
from checks.scanner.source import Skipped

TIMEOUT = 60.0
"""Seconds allowed for one question to a store, with all that its library tries again."""
_STAMPS = ("generation", "ETag", "etag", "md5Hash")
_DENIED = {"NoCredentialsError", "DefaultCredentialsError", "RefreshError", "ClientAuthenticationError"}


def places(scheme: str, rest: str) -> Iterator[Place | Skipped]:
    """Yield the object at ``scheme://rest``, or those below it. Raises ``NotAssessed``."""
    store = _Store(scheme, f"{scheme}://{rest}")
    path = store.path(rest)
    info = store.ask("info", path)
    if info.get("type") == "file":
        yield store.place(info)
        return
    waiting = [path]
    while waiting:
        path = waiting.pop()
        below: list[str] = []
        for entry in sorted(store.ask("ls", path, detail=True), key=lambda entry: str(entry["name"])):
            name = str(entry["name"])
            inner = name.strip("/").removeprefix(path.strip("/")).removeprefix("/")
            if entry.get("type") == "file":
                yield store.place(entry)
            elif not inner or "/" in inner or name.rstrip("/") in {path.rstrip("/"), *below}:
                yield Skipped(
                    store.shown(name), "has an empty part in its name, below which nothing is listed"
                )
            else:
                below.append(name)
        waiting += reversed(below)


def opened(place: Place) -> BinaryIO:
    """Return the object as a file. Raises ``NotAssessed``, ``Unreadable`` if it changed since the listing."""
    scheme, _, rest = place.address.partition("://")
    store = _Store(scheme, place.name)
    path = store.path(rest)
    now = store.place(store.ask("info", path))
    if not isinstance(now, Place) or (now.size, now.stamp) != (place.size, place.stamp):
        raise Unreadable(f"{place.name}: changed since it was listed")

    def fetch(start: int, stop: int) -> bytes:
        return bytes(store.ask("cat_file", path, start=start, end=stop))

    return file_of(fetch, place.size, place.name)


class _Store:
    """Questions to one file system of fsspec; ``shown_as`` names what is looked at in errors."""

    def __init__(self, scheme: str, shown_as: str) -> None:
        self._scheme, self._name = scheme, printable(shown_as)
        try:
            fsspec = import_module("fsspec")
            self._system: Any = fsspec.filesystem(scheme, use_listings_cache=False)
        except ImportError:
            raise MissingDriver(
                f"{scheme}:// needs fsspec and its driver (pip install 'policyproof[objects]')"
            ) from None
        except Exception as error:
            raise self._failed(error) from None
        # fsspec takes a timeout where it waits for its own event loop.
        self._bound = {"timeout": TIMEOUT} if getattr(self._system, "async_impl", False) else {}

    def path(self, rest: str) -> str:
        """Return what follows ``scheme://`` as the path that the file system knows it by."""
        trailing = "/" if rest.endswith("/") and rest.strip("/") else ""
        path = str(self._system._strip_protocol(f"{self._scheme}://{rest}"))
        return path if trailing and path.endswith("/") else path + trailing

    def shown(self, path: str) -> str:
        """Return the printable URL of ``path``."""
        return printable(f"{self._scheme}://{path.lstrip('/')}")

    def place(self, entry: dict[str, Any]) -> Place | Skipped:
        """Return an object that was listed."""
        path, size = str(entry["name"]), entry.get("size")
        if not isinstance(size, int):
            return Skipped(self.shown(path), "is of a size that the store does not tell")
        stamp = str(next((entry[key] for key in _STAMPS if entry.get(key)), ""))
        address = f"{self._scheme}://{path.lstrip('/')}"
        return Place(printable(address), address, size, "" if stamp.startswith("W/") else stamp)

    def ask(self, what: str, path: str, **options: Any) -> Any:
        """Call a method of the file system; raises ``NotAssessed``."""
        try:
            return getattr(self._system, what)(path, **options, **self._bound)
        except Exception as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> NotAssessed:
        kind, status = type(error).__name__, getattr(error, "status", None)
        if isinstance(error, FileNotFoundError):
            return Unreachable(f"{self._name}: there is no such bucket or object")
        if isinstance(error, PermissionError) or kind in _DENIED or status in {401, 403}:
            return Refused(f"{self._name}: access denied")
        if isinstance(error, TimeoutError) or kind in {"FSTimeoutError", "ConnectTimeoutError"}:
            return TimedOut(f"{self._name}: no answer in the time allowed")
        if isinstance(error, ConnectionError) or kind in {"EndpointConnectionError", "ServiceRequestError"}:
            return Unreachable(f"{self._name}: nothing answers, or the connection dropped")
        return Unreadable(f"{self._name}: the store does not answer this ({kind})")
