"""What is declared and not looked at anywhere: processors, exports, attestations, the inventory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Self

from checks.core.errors import Nothing, Refused, TooLarge, Unreachable, Unreadable
from checks.core.model import Attestation, Spec, Target

LIMIT = 50 * 1024 * 1024
"""Bytes of an attestation's document that are read at most."""


class Declared:
    """A declaration of the inventory; only an attestation's document is ever read."""

    kinds: ClassVar[tuple[str, ...]] = ("processor", "export", "attestation", "inventory")

    def __init__(self, target: Target) -> None:
        self.target = target

    @property
    def spec(self) -> Spec | None:
        """What is declared; ``None`` for the inventory itself."""
        return self.target.spec

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; nothing is contacted, so ``timeout`` has no use here."""
        del timeout
        yield cls(target)

    def document(self) -> tuple[int, str]:
        """Return size in bytes and SHA-256 (hex) of the document that an attestation names.

        Raises ``Nothing`` if none is named, it is missing or empty; ``Unreachable`` if its folder
        is; ``Unreadable`` if it lies outside the folder or is no file; ``TooLarge``, ``Refused``.
        """
        spec = self.target.spec
        if not isinstance(spec, Attestation) or spec.pattern is None or self.target.address is None:
            raise Nothing(f"{self.target.id}: no document is named")
        root = Path(self.target.address.reveal())
        if not root.is_dir():
            raise Unreachable(f"{self.target.id}: {self.target.address} is not a folder")
        what = f"{self.target.id}: document {spec.pattern}"
        path = root / spec.pattern
        try:
            if not path.resolve().is_relative_to(root.resolve()):
                raise Unreadable(f"{what} lies outside its folder")
            if path.is_dir():
                raise Unreadable(f"{what} is a folder")
            return self._digest(what, path)
        except FileNotFoundError:
            raise Nothing(f"{what} does not exist") from None
        except PermissionError:
            raise Refused(f"{what}: permission denied") from None
        except OSError as error:
            raise Unreadable(f"{what} cannot be read ({error.strerror})") from None

    @staticmethod
    def _digest(what: str, path: Path) -> tuple[int, str]:
        if not path.is_file() and path.exists():
            raise Unreadable(f"{what} is no regular file")
        size, digest = 0, hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(1024 * 1024):
                size += len(chunk)
                if size > LIMIT:
                    raise TooLarge(f"{what} is larger than {LIMIT // 2**20} MiB")
                digest.update(chunk)
        if not size:
            raise Nothing(f"{what} is empty")
        return size, digest.hexdigest()
