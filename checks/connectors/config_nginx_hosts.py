"""Where nginx's own directives send something: the words of a directive that name hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from checks.connectors.config_entries import Entry, last_name, words

PASSES = words(
    "proxy_pass grpc_pass fastcgi_pass uwsgi_pass scgi_pass memcached_pass auth_http endpoint server",
)
"""Directives whose first word is a host, unless it is a URL."""

INBOUND = words(
    "listen server_name allow deny set_real_ip_from include proxy_bind ssl_certificate log_format",
    "location proxy_cookie_domain geo geoip_proxy valid_referers",
)
"""Directives that name our own addresses, other people's, or files."""

_SYSLOG = re.compile(r"\bsyslog:server=([^\s,]+)")
_DOMAIN = re.compile(r"(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?::\d+)?")
_WORD = re.compile(r"[^\s;'\"]+")


def upstreams(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the names of upstream groups, which stand where a host may."""
    return frozenset(entry.value.strip().lower() for entry in entries if last_name(entry.trail) == "upstream")


def targets(directive: str, value: str) -> Iterator[str]:
    """Yield the words of ``value`` that are hosts by what ``directive`` means.

    ``server`` stands for a member of an upstream; as a block it has no value. A log may go to
    ``syslog:server=host``. A content security policy lists hosts without a scheme.
    """
    said = _WORD.findall(value)
    if directive == "resolver":
        yield from (word for word in said if "=" not in word)
    elif directive in PASSES and said and "://" not in said[0] and not said[0].startswith("unix:"):
        yield said[0]
    elif directive in ("access_log", "error_log"):
        yield from (match[1] for match in _SYSLOG.finditer(value))
    elif (
        (directive == "set" and len(said) == 2)
        or (directive == "add_header" and "content-security-policy" in value.lower())
        or directive == "default"
        or not directive.islower()  # a line of a map
    ):
        yield from (word for word in said if _domain(word))


def _domain(word: str) -> bool:
    """Whether ``word`` has the shape of a domain name; what it ends in is judged elsewhere."""
    return _DOMAIN.fullmatch(word) is not None
