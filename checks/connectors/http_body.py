"""The body of an HTTP answer: read within a limit, decoded as text, or passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import requests
from urllib3.exceptions import HTTPError

from checks.core.errors import TooLarge, Unreadable

LIMIT = 20 * 1024 * 1024
"""Bytes of a body, decompressed, that are read at most."""
DRAINED = 64 * 1024
"""Bytes of a body nobody wants that are read, so that its connection can serve again."""
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BINARY_TYPES = re.compile(r"(?:image/(?!svg)|audio/|video/|font/|application/(?:octet-stream|pdf|zip|gzip))")


def drain(response: requests.Response) -> None:
    """Read a short body of stated length and forget it; any other ends with its connection."""
    stated = response.headers.get("Content-Length", "")
    if stated.isdecimal() and len(stated) < 20 and int(stated) <= DRAINED:
        with suppress(HTTPError, OSError):  # what was to be learnt is known already
            response.raw.read(decode_content=False)


def body_of(what: str, response: requests.Response) -> bytes:
    """Return the body, decompressed; ``TooLarge`` over ``LIMIT``, stated or not."""
    too_large = TooLarge(f"{what}: larger than {LIMIT // 2**20} MiB")
    declared = response.headers.get("Content-Length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > LIMIT:
        raise too_large
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > LIMIT:
            raise too_large
    return bytes(body)


def text_of(what: str, body: bytes, media: str, kind: str, *, strict: bool) -> str:
    """Decode ``body`` by its mark, its header, its own ``<meta>`` or as UTF-8.

    ``media`` is the type without parameters, ``kind`` with them. Unless ``strict``, what cannot be
    decoded is replaced; else it is ``Unreadable``, as is binary content.
    """
    if strict and body and _BINARY_TYPES.match(media):
        raise Unreadable(f"{what}: binary content where text was expected")
    named = re.search(r"charset\s*=\s*[\"']?([\w:.-]{1,40})", kind, re.IGNORECASE)
    sniffed = _META_CHARSET.search(body[:1024]) if "html" in media else None
    charset = next((name for mark, name in _BOMS if body.startswith(mark)), None)
    charset = charset or (named[1] if named else sniffed[1].decode() if sniffed else "utf-8")
    try:
        text = body.decode(charset, "strict" if strict else "replace")
    except (UnicodeError, LookupError):
        raise Unreadable(f"{what}: the body is not text in the character set it states") from None
    if strict and "\0" in text:
        raise Unreadable(f"{what}: binary content where text was expected")
    return text


def cookie_names(response: requests.Response) -> Iterator[str]:
    """Yield the names of the cookies that a response sets; never a value."""
    for header in response.raw.headers.getlist("Set-Cookie"):
        name = header.partition(";")[0].partition("=")[0].strip()
        if name:
            yield name
