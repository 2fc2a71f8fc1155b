"""Host names: which pattern they match, and whether they stay within our own machines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# Loopback (RFC 1122, 4291), private (RFC 1918, 4193), link-local (RFC 3927, 4291), unspecified. Not
# `ip_address(…).is_private`: it counts the ranges for documentation and others as private too.
_LOCAL_NETWORKS = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "0.0.0.0/32",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
        "::/128",
    )
)
_LOCAL_ENDINGS = (".localhost", ".internal", ".local")  # RFC 6761, ICANN 2024, RFC 6762
# A service as docker-compose names it. It begins with a letter: a bare number is an IPv4 address.
_SERVICE = re.compile(r"[a-z_](?:[a-z0-9_-]*[a-z0-9_])?")
_LABELS = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_SOCKET = re.compile(r"unix:(?://)?[/@]|/(?!/)|@/|%2f(?!%2f|/)", re.IGNORECASE)


def host_matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether ``host`` matches one of the globs ``patterns``; case, port and final dot do not count.

    ``*.x.example`` matches names below ``x.example`` at any depth and not that itself; any other
    ``*`` matches within one label, so that ``*-x.example`` is not ``a.b-x.example``; ``*`` alone
    matches every host.
    """
    name = _bare(host)
    return bool(name) and any(_compiled(pattern).fullmatch(name) is not None for pattern in patterns)


def is_local(host: str) -> bool:
    """Whether ``host`` (a name or address, with or without port) leads to no machine but our own.

    Local are loopback, private and link-local addresses, names of one label such as docker-compose
    gives, ``.localhost``, ``.internal``, ``.local`` and Unix sockets; nothing else is, what cannot
    be told included.
    """
    if _SOCKET.match(host.strip()):
        return True
    name = _bare(host)
    address = _address(name)
    if address is not None:
        return any(address in network for network in _LOCAL_NETWORKS if network.version == address.version)
    if _LABELS.fullmatch(name) is None:
        return False
    return _SERVICE.fullmatch(name) is not None or name.endswith(_LOCAL_ENDINGS)


def _bare(host: str) -> str:
    """Return ``host`` in lower case without port, brackets, zone and final dot."""
    name = host.strip().lower()
    if name.startswith("["):
        name = name[1:].partition("]")[0]
    elif name.count(":") == 1:
        before, _, port = name.partition(":")
        name = before if not port or port.isdecimal() else name
    return name.removesuffix(".")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    name = _bare(pattern)
    if name == "*":
        return re.compile(r".+", re.DOTALL)
    any_depth = name.startswith("*.")
    parts = re.split(r"([*?])", name[2:] if any_depth else name)
    wild = {"*": r"[^.]*", "?": r"[^.]"}
    body = "".join(wild.get(part) or re.escape(part) for part in parts)
    return re.compile((r"(?:[^.]+\.)+" if any_depth else "") + body)
