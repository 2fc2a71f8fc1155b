"""Addresses, names and ages of cookies as they may be shown: no query, no user, nothing that identifies."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit, urlunsplit

from checks.detectors.identifiers import without

_NAME = 200  # characters of a name that are shown


def named(text: str) -> str:
    """Return a name that a site chose (a cookie's, a key's): one printable line, at most 200 characters."""
    return _printable(without(text[: _NAME * 10]))[:_NAME]


def path_of(path: str) -> str:
    """Return a path without its query and without what identifies somebody, also where it is escaped."""
    path = path.partition("?")[0]
    plain = unquote(path)
    masked = without(plain)
    return _printable(path if masked == plain else masked)


def shown(url: str) -> str:
    """Return ``url`` without user, query and fragment, and without what identifies somebody."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "ws", "wss"}:
        return ""
    host = _printable(parts.netloc.rpartition("@")[2])
    return urlunsplit((parts.scheme, host, path_of(parts.path)[:300], "", ""))


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)


def host_of(url: str) -> str:
    """Return the host of ``url`` in small letters, or nothing."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def same_site(one: str, other: str) -> bool:
    """Whether two hosts are the same, or one is below the other."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def expired(age: str) -> bool:
    """Whether ``max-age=…`` or ``expires=…`` takes a cookie away (RFC 6265, 5.2.1 and 5.2.2)."""
    key, _, value = age.partition("=")
    try:
        if key == "max-age":
            return int(value) <= 0
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return False
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() <= time.time()
