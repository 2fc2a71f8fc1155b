"""Files in object stores and behind URLs, as places: which library reaches which scheme.

==========================  =========================================  ==========================
scheme                      what is read                               library
==========================  =========================================  ==========================
s3                          a bucket, a prefix or an object            botocore
gs, gcs; az, abfs, abfss    the same                                   fsspec with gcsfs, adlfs
memory                      the store of this process                  fsspec
http, https                 a single object                            requests
file                        a file or directory of this machine        none
==========================  =========================================  ==========================

Credentials come from the environment or the usual configuration of the library, never from the URL.
Of a versioned bucket the current versions are read: neither earlier nor deleted ones, which a card
number may lie in as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from checks.connectors.files import printable
from checks.core.errors import Unreachable, nearest
from checks.scanner.places import Excluded, Place, pattern_above
from checks.scanner.places import places as local_places
from checks.scanner.source import Skipped

if TYPE_CHECKING:
    _Lists = Callable[[str, str], Iterator[Place | Skipped]]
    _Opens = Callable[[Place], BinaryIO]

_MODULES = {
    "s3": "objects_s3",
    "http": "objects_http",
    "https": "objects_http",
} | dict.fromkeys(("gs", "gcs", "az", "abfs", "abfss", "memory"), "objects_fsspec")
_ACCOUNT_BEFORE_HOST = {"abfs", "abfss", "az"}  # container@account.dfs.core.windows.net
_SIGNED = re.compile(r"[?&](?:sig|signature|token|key|secret|x-[a-z]+-signature)=", re.IGNORECASE)


def places(url: str, *, exclude: Sequence[str] = ()) -> Iterator[Place | Skipped | Excluded]:
    """Yield the objects at ``url``: the one that has this name, and those below it, in the store's order.

    Listings are read page by page. ``exclude`` is matched as for paths, with the names as URLs.

    Raises ``Unreachable`` for an address that is none, or holds a user, password or signature (of
    http(s) a signed query is allowed, and shown nowhere); if there is no such bucket, prefix or object;
    if nothing answers. ``Refused``, ``TimedOut``, ``Unreadable``, ``MissingDriver`` as they are defined.
    """
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme == "file":
        yield from local_places(_path(url), exclude=exclude)
        return
    if scheme not in _MODULES:
        close = nearest(scheme, _MODULES)
        raise Unreachable(f"{printable(scheme)}:// is not a kind of address that is read{close}")
    _check(scheme, rest)
    lists = cast("_Lists", import_module(f"checks.scanner.{_MODULES[scheme]}").places)
    for item in lists(scheme, rest):
        pattern = pattern_above(item.name, exclude)
        yield item if pattern is None else Excluded(item.name, pattern)


def opened(place: Place) -> BinaryIO:
    """Return the object as a file at its start: seekable, read in ranges, buffered.

    Raises ``NotAssessed``, and so does each read: also if the object is no longer the one that was
    listed, or ends before its size.
    """
    scheme = place.address.partition("://")[0].lower()
    if scheme not in _MODULES:
        raise Unreachable(f"{place.name} is not a kind of address that is read")
    return cast("_Opens", import_module(f"checks.scanner.{_MODULES[scheme]}").opened)(place)


def _check(scheme: str, rest: str) -> None:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user = authority.rpartition("@")[0]
    if user and (":" in user or scheme not in _ACCOUNT_BEFORE_HOST):
        raise Unreachable(
            f"{scheme}: the address holds a user name or password; credentials are taken from the environment"
        )
    if _MODULES[scheme] == "objects_fsspec" and _SIGNED.search(rest):
        raise Unreachable(
            f"{scheme}: the address holds a signature or key; credentials are taken from the environment"
        )
    if not authority and scheme != "memory":
        raise Unreachable(f"{scheme}: the address names no bucket, container or host")


def _path(url: str) -> str:
    """Return the path of a ``file`` URL (RFC 8089); raises ``Unreachable`` for another machine's."""
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise Unreachable("file: the address names another machine")
    return unquote(parts.path, errors="surrogateescape")
