"""A single object behind an http(s) URL, by requests: in ranges, or fetched whole where it gives none.

A signed query is sent and shown nowhere. Redirects are followed, but not from https to http.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from checks.connectors.files import printable
from checks.connectors.http_deadline import Deadline, DeadlineAdapter
from checks.connectors.http_errors import not_assessed
from checks.core.errors import NotAssessed, Refused, TimedOut, Unreachable, Unreadable
from checks.scanner.objects_ranges import file_of
from checks.scanner.places import Place
from checks.scanner.source import BLOCK, Limits, Skipped, spool

CONNECT, SILENCE, PART, WHOLE = 5.0, 15.0, 120.0, 1800.0
"""Seconds allowed for a connection, for each wait, for a part of an object, and for all of one."""
REDIRECTS = 5
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")


@dataclass(frozen=True, slots=True)
class _Head:
    """What a server says of an object. ``ranges``: whether it gives parts. ``size`` is -1 if unknown."""

    size: int
    stamp: str
    ranges: bool


def places(scheme: str, rest: str) -> Iterator[Place | Skipped]:
    """Yield the one object at the URL. Raises ``Unreachable``, ``Refused``, ``TimedOut``, ``Unreadable``."""
    url = f"{scheme}://{rest}"
    name = printable(re.split(r"[?#]", url, maxsplit=1)[0])
    head = _Link(url, name).head()
    yield Place(name, url, head.size, head.stamp)


def opened(place: Place) -> BinaryIO:
    """Return the object as a file; what the server does not give in parts is fetched now.

    Raises what :func:`places` does; ``Unreadable`` if it changed since; ``TooLarge`` for what has to be
    fetched whole and is larger than ``Limits.spooled``.
    """
    link = _Link(place.address, place.name)
    head = link.head()
    if (head.size, head.stamp) != (place.size, place.stamp):
        raise Unreadable(f"{place.name}: changed since it was listed")
    if head.ranges:
        return file_of(lambda start, stop: link.part(start, stop, head), head.size, place.name)
    whole = _Whole(link.whole())
    file = spool(place.name, whole, Limits())
    if whole.error is None and place.size not in (-1, file.seek(0, 2)):
        whole.error = Unreadable(f"{place.name}: the server gave other bytes than it announced")
    if whole.error is not None:
        file.close()
        raise whole.error
    file.seek(0)
    return file


class _Whole:
    """Chunks that end where they break off; ``error`` says why, once what was made of them is closed."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.error: NotAssessed | None = None
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except NotAssessed as error:
            self.error = error


class _Link:
    """Requests for one URL, one at a time."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._lock = threading.Lock()

    def head(self) -> _Head:
        """Ask for the first byte: many a signed URL allows GET alone."""
        with self._get({"Range": "bytes=0-0"}) as answer:
            tag = answer.headers.get("ETag", "")
            stamp = "" if tag.startswith("W/") else tag  # a weak tag does not vouch for every byte
            where = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if answer.status_code == 416 and where is not None and where[3] == "0":
                return _Head(0, stamp, ranges=True)
            if answer.status_code == 206 and where is not None:
                return _Head(int(where[3]), stamp, ranges=True)
            self._expect(answer, 200)
            length = answer.headers.get("Content-Length", "")
            return _Head(int(length) if length.isdecimal() else -1, stamp, ranges=False)

    def part(self, start: int, stop: int, head: _Head) -> bytes:
        """Return the bytes of a range of the object that ``head`` describes."""
        headers = {"Range": f"bytes={start}-{stop - 1}"} | ({"If-Match": head.stamp} if head.stamp else {})
        with self._get(headers) as answer:
            if answer.status_code in {200, 412, 416}:
                raise Unreadable(f"{self._name}: changed since it was listed")
            self._expect(answer, 206)
            if answer.headers.get("Content-Range") != f"bytes {start}-{stop - 1}/{head.size}":
                raise Unreadable(f"{self._name}: the server gave other bytes than it was asked for")
            return bytes(answer.raw.read(stop - start, decode_content=False))

    def whole(self) -> Iterator[bytes]:
        """Yield the bytes of the object."""
        with self._get({}, WHOLE) as answer:
            self._expect(answer, 200)
            while chunk := answer.raw.read(BLOCK, decode_content=False):
                yield chunk

    @contextmanager
    def _get(self, headers: dict[str, str], seconds: float = PART) -> Iterator[requests.Response]:
        """Yield the answer to a request, its body unread; all that goes wrong is told in our words."""
        deadline = Deadline()
        with self._lock, requests.Session() as session, deadline.within(seconds):
            for prefix in ("http://", "https://"):
                session.mount(prefix, DeadlineAdapter(deadline))
            session.headers["User-Agent"] = "policyproof"
            session.headers["Accept-Encoding"] = "identity"
            session.max_redirects = REDIRECTS
            try:
                with session.get(
                    self._url, headers=headers, stream=True, timeout=(CONNECT, SILENCE)
                ) as answer:
                    secure = urlsplit(self._url).scheme == "https"
                    if secure and any(
                        urlsplit(step.url).scheme != "https" for step in (*answer.history, answer)
                    ):
                        raise Unreachable(f"{self._name}: leads from https to http")
                    if answer.headers.get("Content-Encoding", "identity") != "identity":
                        raise Unreadable(f"{self._name}: is sent compressed, though that was not asked for")
                    yield answer
            except (requests.RequestException, HTTPError, OSError) as error:
                raise not_assessed(self._name, error, late=deadline.passed, seconds=seconds) from None
            if deadline.passed:  # a body that ends with its connection just looks short
                raise TimedOut(f"{self._name}: not complete after {seconds:g} s")

    def _expect(self, answer: requests.Response, status: int) -> None:
        code = answer.status_code
        if code == status:
            return
        if code in {401, 403, 407}:
            raise Refused(f"{self._name}: access denied (HTTP {code})")
        if code in {404, 410}:
            raise Unreachable(f"{self._name}: there is no such object (HTTP {code})")
        if code >= 500 or code == 429:
            raise Unreachable(f"{self._name}: the server is busy or broken (HTTP {code})")
        raise Unreadable(f"{self._name}: the server does not answer this (HTTP {code})")
