"""Markers of a canary person: made from a key, known again by it, so that nothing need be stored.

A marker is 28 letters and digits: a prefix that only the key yields, when and by which run the canary
was made, and a tag of the field it stands for. Whoever holds the key finds the canaries of any earlier
run in any text, and tells which they are; to anybody else they are noise.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import b32decode, b32encode, b64encode, urlsafe_b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

KEY_LENGTH = 16
"""Characters that a key has at least."""
_PREFIX, _CODE, _TAG = 10, 8, 10
LENGTH = _PREFIX + _CODE + _TAG
"""Characters of a marker."""

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A marker seen in a text. ``code`` tells the canary; ``None`` where the marker is cut off."""

    code: str | None = field(repr=False)
    tag: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Canary:
    """One made-up person. ``shown`` is a fingerprint that may be printed and stored."""

    code: str = field(repr=False)
    made: datetime
    shown: str


class Canaries:
    """Makes and finds markers under one key (HMAC-SHA-256, RFC 2104)."""

    def __init__(self, key: str) -> None:
        if len(key) < KEY_LENGTH:
            raise ValueError(f"a key has at least {KEY_LENGTH} characters")
        self._key = key.encode()
        self._prefix = self._mac("prefix", _PREFIX)
        self._encoded = tuple(_inner(self._prefix.encode(), shift) for shift in range(3))
        self._pattern = re.compile(f"{self._prefix}([a-z2-7]{{0,{_CODE}}})([a-z2-7]{{0,{_TAG}}})")

    def new(self, now: datetime) -> Canary:
        """Return a canary made at ``now`` (aware); two of the same second are most likely two."""
        raw = int(now.timestamp()).to_bytes(4, "big") + secrets.token_bytes(1)
        return self.of(b32encode(raw).decode().lower())

    def of(self, code: str) -> Canary:
        """Return the canary that ``code`` tells."""
        seconds = int.from_bytes(b32decode(code.upper())[:4], "big")
        shown = f"canary-{self._mac('shown ' + code, 8)}"
        return Canary(code, datetime.fromtimestamp(seconds, UTC), shown)

    def known(self, shown: str, made: datetime) -> bool:
        """Whether a canary of this name, made at ``made`` (to the second), is one of this key's."""
        raw = int(made.timestamp()).to_bytes(4, "big")
        codes = (b32encode(raw + bytes([last])).decode().lower() for last in range(256))
        return any(self.of(code).shown == shown for code in codes)

    def marker(self, canary: Canary, name: str) -> str:
        """Return the marker of ``canary`` for the field called ``name``."""
        return self._prefix + canary.code + self._tag(canary.code, name)

    def sightings(self, text: str) -> Iterator[Sighting]:
        """Yield every marker under this key in ``text``, whatever its case, also a cut one.

        One within base64 (RFC 4648, 4 and 5), such as the payload of a JSON Web Token, is found too.
        """
        yield from self._plain(text.lower())
        if any(inner in text for inner in self._encoded):
            for run in _BASE64.findall(text):
                yield from self._plain(_decoded(run).lower())

    def masked(self, text: str) -> str:
        """Return ``text`` with every marker under this key left out, plain or within base64."""
        plain = re.sub(self._pattern.pattern, "…", text, flags=re.IGNORECASE)
        return _BASE64.sub(
            lambda run: "…" if any(inner in run[0] for inner in self._encoded) else run[0], plain
        )

    def _plain(self, lowered: str) -> Iterator[Sighting]:
        if self._prefix not in lowered:  # nearly always
            return
        for found in self._pattern.finditer(lowered):
            code, tag = found.groups()
            yield Sighting(code if len(code) == _CODE else None, tag)

    def field_of(self, sighting: Sighting, names: Iterable[str]) -> str | None:
        """Return which of ``names`` the marker stands for; a cut tag counts from its third character."""
        if sighting.code is None or len(sighting.tag) < 3:
            return None
        tags = ((name, self._tag(sighting.code, name)) for name in names)
        return next((name for name, tag in tags if tag.startswith(sighting.tag)), None)

    def _tag(self, code: str, name: str) -> str:
        return self._mac(f"field {code} {name}", _TAG)

    def _mac(self, what: str, size: int) -> str:
        digest = hmac.new(self._key, f"policyproof canary {what}".encode(), sha256).digest()
        return b32encode(digest).decode().lower()[:size]


def _inner(raw: bytes, shift: int) -> str:
    """Return what ``raw`` becomes within base64 if it stands ``shift`` bytes after a multiple of three."""
    encoded = b64encode(b"\0" * shift + raw).decode().rstrip("=")
    # The first and last characters depend on what stands before and after.
    return encoded[(0, 2, 3)[shift] : -1]


def _decoded(run: str) -> str:
    """Return what a run of base64 says, in every way in which it may have begun."""
    plain = run.replace("+", "-").replace("/", "_")
    whole = (plain[start : len(plain) - (len(plain) - start) % 4] for start in range(4))
    return " ".join(urlsafe_b64decode(part).decode("latin-1") for part in whole)
