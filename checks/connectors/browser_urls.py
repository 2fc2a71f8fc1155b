"""Addresses and cookie ages as they may be shown: no query, no user, nothing that identifies somebody."""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit

from checks.detectors.identifiers import without


def shown(url: str) -> str:
    """Return ``url`` without user, query and fragment, and without what identifies somebody."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", "ws", "wss"}:
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], without(parts.path)[:300], "", ""))


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
