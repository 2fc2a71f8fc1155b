"""Cookies and requests in words, without values."""

from __future__ import annotations

from checks.connectors.browser_record import Cookie, Request

_DAY = 86_400


def told(cookie: Cookie) -> str:
    """Return a cookie in words, without its value."""
    if cookie.lifetime is None:
        kept = "until the browser is closed"
    elif cookie.lifetime == 0:
        kept = "and taken back"
    elif cookie.lifetime < _DAY:
        kept = f"for {cookie.lifetime / 3600:.0f} h"
    else:
        kept = f"for {cookie.lifetime / _DAY:.0f} days"
    by = f" by {cookie.by}" if cookie.by else ""
    return f"set{by} for {cookie.host} {kept}, before any choice and not listed as strictly necessary"


def asked(request: Request) -> str:
    """Return a request in words, with who asked for it and who loaded that."""
    first, *loaders = request.chain or (request.by,)
    by = f", asked for by {first}" if first else ""
    return f"{request.kind} on {request.page}{by}" + "".join(f", brought by {one}" for one in loaders)
