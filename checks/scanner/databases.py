"""Which addresses are those of live databases, what they are called without a login, and who reads them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from checks.connectors.files import printable
from checks.scanner.sample import Sample
from checks.scanner.source import Item

_SOURCES = {
    "postgresql": "live_postgres",
    "postgres": "live_postgres",
    "mysql": "live_mysql",
    "mariadb": "live_mysql",
    "redis": "live_redis",
    "rediss": "live_redis",
}
SCHEMES = tuple(_SOURCES)


def scheme_of(address: str) -> str:
    """Return the scheme of a URL in lower case, without a driver behind ``+``; empty for a path."""
    scheme, mark, _ = address.partition("://")
    return scheme.lower().partition("+")[0] if mark else ""


def name_of(url: str) -> str:
    """Return ``url`` without user, password and options: fit to be shown."""
    host = url.partition("://")[2].partition("?")[0].partition("#")[0].rpartition("@")[2]
    return printable(f"{scheme_of(url)}://{host}")


def items_of(url: str, name: str, sample: Sample | None) -> Iterator[Item]:
    """Yield what the database at ``url`` holds, as ``name``. Raises ``NotAssessed``."""
    module = import_module(f"checks.scanner.{_SOURCES[scheme_of(url)]}")
    if sample is None:
        yield from module.items(url, name=name)
    else:
        yield from module.items(url, name=name, sample=sample.share, seed=sample.seed)
