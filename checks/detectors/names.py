"""Names of cookies and keys, and whether a list of globs holds them."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def name_matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether ``name`` matches one of the globs ``patterns``; capitals count (RFC 6265, 5.3)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
