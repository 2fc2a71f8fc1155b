"""Where else data is kept: caches and brokers, and areas of files. What they hold the scanner reads.

A view only says where to look and how long to wait; ``checks.scanner.stored`` turns it into what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Self

from checks.connectors.files import root_of
from checks.connectors.http_fetch import authority_of
from checks.core.errors import Unreachable
from checks.core.model import Area, Target

NAME = ", its name"
"""What is added to a file's name where the name itself is what was looked at."""
_CACHES = ("redis://", "rediss://")


class Place:
    """A cache or an area of files. ``address`` may hold a password: it is handed on and never shown."""

    kind: ClassVar[str]

    def __init__(self, target: Target, address: str, timeout: float) -> None:
        assert isinstance(target.spec, Area)  # noqa: S101  the kind of the target says so
        self.target = target
        self.spec = target.spec
        self.address = address
        self.timeout = timeout

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; nothing is sent yet. ``timeout`` (seconds) bounds each wait for an answer.

        Raises ``MissingAddress``, and ``Unreachable`` or ``Refused`` for an address that is none.
        """
        assert target.address is not None  # noqa: S101  the schema asks for it
        yield cls(target, cls._checked(target, target.address.reveal()), timeout)

    @classmethod
    def _checked(cls, target: Target, address: str) -> str:
        raise NotImplementedError


class Cache(Place):
    """A cache or broker that is kept in memory: Redis and what speaks its protocol."""

    kind: ClassVar[str] = "cache"

    def authority(self) -> str | None:
        """Return the CA bundle to trust for rediss://, ``None`` for the public authorities.

        Raises ``Unreachable`` if what the inventory names is no such file.
        """
        found = authority_of(self.target) if self.address.lower().startswith("rediss:") else True
        return found if isinstance(found, str) else None

    @classmethod
    def _checked(cls, target: Target, address: str) -> str:
        if not address.lower().startswith(_CACHES):
            raise Unreachable(f"{target.id}: {target.address} is no URL such as redis://user@host/0")
        return address


class FileArea(Place):
    """A folder with all below it, or a bucket of an object store: uploads, exports, attachments."""

    kind: ClassVar[str] = "files"

    @classmethod
    def _checked(cls, target: Target, address: str) -> str:
        return address if "://" in address else str(root_of(target))
