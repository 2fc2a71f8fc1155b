"""Redis as a source: every key of every logical database, with commands that only read.

A database is one table. Each row is a key, a field and a value: a field of a hash, an element of a
list with its index, a member of a sorted set with its score, a field of a stream's entry, a member of a
set or a string. A string over ``LARGE`` bytes is read apart, as a stream, in ranges. A value within a
collection comes whole: Redis has no ranges of those.

Keys are looked for while others write: one that comes, goes or moves meanwhile may be missed. Copies of
the data in other places (replicas, files, other nodes of a cluster) are other targets.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from checks.connectors.files import printable
from checks.core.errors import Refused
from checks.scanner.chunks import file_of, nested
from checks.scanner.expand import expand
from checks.scanner.live import LARGE, PIECE, TIMEOUT, Choice, share
from checks.scanner.live_redis_link import Link, Reply, connected, is_refusal
from checks.scanner.source import BLOCK, FIELD, Budget, Item, Skipped, Table

_BATCH = 200  # keys of one round trip
_PAGE = 200  # elements of a collection asked for at once, fewer where they are large
_ASSUMED = 2**16  # bytes of a key whose size the server does not tell
_COLUMNS = ("field", "value")
_LONG_NUMBER = re.compile(rb"\d(?:[^0-9A-Za-z]?\d){6,}")
_COLLECTIONS = ("hash", "list", "set", "zset", "stream")


def items(
    url: str,
    *,
    name: str,
    tables: Sequence[str] | None = None,
    sample: float | None = None,
    seed: int = 0,
    timeout: float = TIMEOUT,
    authority: str | None = None,
) -> Iterator[Item]:
    """Yield each logical database at ``url`` that holds keys as a table ``name!db0``; db0 in any case.

    ``tables`` chooses some (``db0``). ``sample`` is a share of the keys, the same ones for the same
    ``seed``. ``timeout`` (seconds) bounds connecting and each answer; ``authority`` is the file
    of the CA to trust where it is not a public one. Keys that the login may not read,
    those of a type that a module brings, and the other nodes of a cluster are skipped. Raises
    ``NotAssessed`` if there is no connection, or no longer one.
    """
    part = share(sample)
    choice = Choice(tables)
    with connected(url, name, timeout, authority) as link:
        state = link.info()
        if state.get("cluster_enabled") == 1:
            yield Skipped(nested(name, "cluster"), "has other nodes, which were not read")
        if state.get("redis_mode") == "sentinel":
            yield Skipped(name, "is a sentinel, which holds no data of its own")
            return
        for number in sorted({0, *(int(key[2:]) for key in state if re.fullmatch(r"db\d+", key))}):
            if choice.takes("", f"db{number}"):
                database = _Database(link, nested(name, f"db{number}"), part, seed)
                try:
                    link.database(number)
                except Refused:
                    yield Skipped(database.name, "may not be selected by this login")
                    continue
                yield Table(database.name, ("key",), _COLUMNS, database.blocks())
                yield from database.rest()
        yield from choice.missing(name)


@dataclass(slots=True)
class _Database:
    """A database being read; what it does not give as rows is noted meanwhile."""

    link: Link
    name: str
    part: float | None
    seed: int
    large: dict[bytes, None] = field(default_factory=dict)  # keys of strings, each once
    refused: int = 0
    changed: int = 0
    unknown: Counter[str] = field(default_factory=Counter)  # keys by a module's type

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole rows; raises ``NotAssessed``."""
        rows: list[bytes] = []
        size = 0
        for key, name, value in self._pieces():
            row = b"%s\x1f%s\x1f%s" % (key, name, value)
            if row.count(FIELD) != 2 or b"\n" in row:
                row = FIELD.join(
                    part.replace(FIELD, b" ").replace(b"\n", b" ") for part in (key, name, value)
                )
            rows.append(row)
            size += len(row)
            if size >= BLOCK:
                yield b"\n".join(rows) + b"\n"
                rows.clear()
                size = 0
        if rows:
            yield b"\n".join(rows) + b"\n"

    def rest(self) -> Iterator[Item]:
        """Yield large strings by what they hold, and what could not be read."""
        for key in self.large:
            # A key may be a number of the kind that is looked for; as a row it was.
            shown = printable(_LONG_NUMBER.sub(b"#", key).decode("utf-8", "replace"))[:200]
            yield from expand(f"{self.name}, string {shown}", file_of(self._ranges(key)), Budget())
        for kind, count in self.unknown.items():
            yield Skipped(
                f"{self.name}, type {printable(kind)}", f"{count} keys are of a type that is not read"
            )
        if self.refused:
            yield Skipped(self.name, f"{self.refused} keys may not be read by this login")
        if self.changed:
            yield Skipped(f"{self.name}, changes", f"{self.changed} keys changed while they were read")

    def _pieces(self) -> Iterator[tuple[bytes, bytes, bytes]]:
        for keys in self._keys():
            asked = [command for key in keys for command in (("TYPE", key), ("MEMORY", "USAGE", key))]
            found = self.link.ask(asked)
            small: list[tuple[bytes, str]] = []
            waiting = 0  # bytes of what is small: so many come in one round trip
            for key, kind, size in zip(keys, found[::2], found[1::2], strict=True):
                text = self._type(kind)
                if text in _COLLECTIONS and isinstance(size, int) and size > LARGE:
                    yield from self._collection(key, text, size)
                elif text:
                    small.append((key, text))
                    waiting += min(size, LARGE) if isinstance(size, int) else _ASSUMED
                    if waiting > PIECE:
                        yield from self._small(small)
                        small, waiting = [], 0
            yield from self._small(small)

    def _type(self, reply: Reply) -> str:
        """Return the type of a key as the server tells it; empty, and counted, if it is not read."""
        if not self._is_there(reply):
            return ""
        kind: str = reply.decode("utf-8", "replace")
        if kind == "string" or kind in _COLLECTIONS:
            return kind
        if kind != "none":  # then it is gone: it expired or was deleted
            self.unknown[kind] += 1
        return ""

    def _small(self, keys: list[tuple[bytes, str]]) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield the pieces of what is small: the first page of each is mostly all of it."""
        pages = self.link.ask([_first(key, kind, _PAGE) for key, kind in keys])
        for (key, kind), page in zip(keys, pages, strict=True):
            yield from self._string(key, page) if kind == "string" else self._pages(key, kind, page, _PAGE)

    def _keys(self) -> Iterator[list[bytes]]:
        cursor = b"0"
        while True:
            cursor, keys = self.link.one(("SCAN", cursor, "COUNT", _BATCH))
            if self.part is not None:
                limit = self.part * 2**32
                keys = [key for key in keys if zlib.crc32(key, self.seed & 0xFFFFFFFF) < limit]
            if keys:
                yield keys
            if cursor == b"0":
                return

    def _string(self, key: bytes, value: Reply) -> Iterator[tuple[bytes, bytes, bytes]]:
        if not self._is_there(value):
            return
        if len(value) > LARGE:
            self.large[key] = None
            value = b""  # the key is a row of its own
        yield key, b"", value

    def _ranges(self, key: bytes) -> Iterator[bytes]:
        start = 0
        while True:
            (value,) = self.link.ask([("GETRANGE", key, start, start + LARGE - 1)])
            if not self._is_there(value) or not value:
                return
            for at in range(0, len(value), BLOCK):
                yield value[at : at + BLOCK]
            start += len(value)

    def _collection(self, key: bytes, kind: str, size: int) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield the pieces of a large collection of ``size`` bytes, in pages of about ``LARGE`` bytes."""
        (length,) = self.link.ask([(_LENGTHS[kind], key)])
        count = _PAGE
        if isinstance(length, int) and length:
            count = max(1, min(_PAGE, LARGE * length // size))
        yield from self._pages(key, kind, self.link.ask([_first(key, kind, count)])[0], count)

    def _pages(self, key: bytes, kind: str, page: Reply, count: int) -> Iterator[tuple[bytes, bytes, bytes]]:
        done = 0
        while self._is_there(page):
            pieces, after = _READ[kind](page, done, count)
            for name, value in pieces:
                yield key, name, value
            if after is None:
                return
            done += len(page)
            (page,) = self.link.ask([_next(key, kind, after, count)])

    def _is_there(self, reply: Reply) -> bool:
        """Whether a reply is one; counts what was refused, or is of another type by now."""
        if is_refusal(reply):
            self.refused += 1
            return False
        if isinstance(reply, Exception):
            self.changed += 1
            return False
        return True


_LENGTHS = {"hash": "HLEN", "list": "LLEN", "set": "SCARD", "zset": "ZCARD", "stream": "XLEN"}
_SCANS = {"hash": "HSCAN", "set": "SSCAN", "zset": "ZSCAN"}
_Page = tuple[list[tuple[bytes, bytes]], Any]


def _first(key: bytes, kind: str, count: int) -> tuple[Any, ...]:
    """Return the command for the first page of a value."""
    if kind == "string":
        return ("GETRANGE", key, 0, LARGE)  # a byte more tells that it is large
    return _next(key, kind, {"list": 0, "stream": b"-"}.get(kind, b"0"), count)


def _next(key: bytes, kind: str, after: Any, count: int) -> tuple[Any, ...]:
    if kind == "list":
        return ("LRANGE", key, after, after + count - 1)
    if kind == "stream":
        return ("XRANGE", key, after, "+", "COUNT", count)
    return (_SCANS[kind], key, after, "COUNT", count)


def _pairs(page: Reply, done: int, count: int) -> _Page:
    cursor, flat = page
    return list(zip(flat[::2], flat[1::2], strict=True)), None if cursor == b"0" else cursor


def _scored(page: Reply, done: int, count: int) -> _Page:
    pairs, after = _pairs(page, done, count)
    return [(score, member) for member, score in pairs], after


def _members(page: Reply, done: int, count: int) -> _Page:
    cursor, members = page
    return [(b"", member) for member in members], None if cursor == b"0" else cursor


def _elements(page: Reply, done: int, count: int) -> _Page:
    found = [(b"%d" % number, value) for number, value in enumerate(page, done)]
    return found, done + len(page) if len(page) == count else None


def _entries(page: Reply, done: int, count: int) -> _Page:
    """Return the fields of a stream's entries; an entry's own number is a time, and is left out."""
    found = [pair for _, flat in page for pair in zip(flat[::2], flat[1::2], strict=True)]
    if len(page) < count:
        return found, None
    milliseconds, _, sequence = page[-1][0].partition(b"-")
    return found, b"%s-%d" % (milliseconds, int(sequence) + 1)


_READ = {"hash": _pairs, "list": _elements, "set": _members, "zset": _scored, "stream": _entries}
