"""Lines of text out of the bytes of a file, in blocks for speed, each line with its number."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from checks.connectors.archives import EXPANDED_LIMIT, Expanded
from checks.core.errors import Unreadable

LINE_LIMIT = 16 * 2**20
"""Bytes of a line, give or take a chunk, that are handed over at once; a longer one comes in parts."""
_NEAR = 8192  # bytes before the limit in which a safe place to cut is looked for
_OVERLAP = 512  # bytes that two parts share where none is found; a card number takes far less
# No card number holds these characters, nor does what may stand beside one (hexadecimal, UUID).
_SAFE_CUT = re.compile(rb'["\',;:<>{}()\[\]|=&?!@#%*+/\\_]')
_BYTE_ORDER = {  # the longer marks first, for one of UTF-32's begins as UTF-16's does
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines joined by newlines, or one part of a line over ``LINE_LIMIT``."""

    number: int  # of its first line
    text: str = field(repr=False)
    part: int | None = None  # 0 for the first part of a line; None for whole lines


class TextBlocks:
    """Iterate once for every ``Block`` of a file; ``lines`` and ``size`` count what was read.

    Text is UTF-8 with odd bytes replaced, or UTF-16 or UTF-32 told by their byte order mark.
    ``size`` is in bytes, after decompression. ``what`` names the file in messages.

    Raises what :class:`Expanded` does, and ``Unreadable`` for a file that is binary.
    """

    def __init__(
        self, path: Path, what: str, *, limit: int = EXPANDED_LIMIT, line_limit: int = LINE_LIMIT
    ) -> None:
        self.lines = 0
        self._what, self._line_limit = what, line_limit
        self._expanded = Expanded(path, what, limit=limit)

    @property
    def size(self) -> int:
        """Bytes read so far, after decompression."""
        return self._expanded.size

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks in order."""
        rest = b""
        part: int | None = None  # the part of a long line that ``rest`` begins with
        for chunk in _utf8(iter(self._expanded)):
            rest += chunk
            if part is not None and (end := rest.find(b"\n")) >= 0:
                yield self._block(rest[:end], part)
                rest, part = rest[end + 1 :], None
            if part is None and (end := rest.rfind(b"\n")) >= 0:
                yield self._block(rest[:end], None)
                rest = rest[end + 1 :]
            while len(rest) > self._line_limit:
                end, following = _cut(rest, self._line_limit)
                part = part or 0
                yield self._block(rest[:end], part)
                rest, part = rest[following:], part + 1
        if rest:
            yield self._block(rest, part)

    def _block(self, data: bytes, part: int | None) -> Block:
        if b"\0" in data:
            raise Unreadable(f"{self._what} is binary, not text")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        number = self.lines if part else self.lines + 1
        if not part:
            self.lines += 1 if part == 0 else data.count(b"\n") + 1
        return Block(number, data.decode("utf-8", "replace"), part)


class TextBytes:
    """Iterate once for the bytes of a text in chunks; ``size`` counts what was read, in bytes.

    Text is UTF-8, or UTF-16 or UTF-32 told by their byte order mark, which come as UTF-8. ``unended``
    says whether the last line has no line feed. Raises what :class:`TextBlocks` does.
    """

    def __init__(self, path: Path, what: str, *, limit: int = EXPANDED_LIMIT) -> None:
        self.unended = False
        self._what = what
        self._expanded = Expanded(path, what, limit=limit)

    @property
    def size(self) -> int:
        """Bytes read so far, after decompression."""
        return self._expanded.size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks in order; none is empty."""
        for chunk in _utf8(iter(self._expanded)):
            if b"\0" in chunk:
                raise Unreadable(f"{self._what} is binary, not text")
            if chunk:
                self.unended = not chunk.endswith(b"\n")
                yield chunk


def _utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the text of ``chunks`` as UTF-8 without byte order mark."""
    head = next(chunks, b"")
    mark = next((mark for mark in _BYTE_ORDER if head.startswith(mark)), None)
    if mark is None:
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(_BYTE_ORDER[mark])("replace")
    yield decoder.decode(head).encode()
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()


def _cut(data: bytes, limit: int) -> tuple[int, int]:
    """Return where a part of ``data`` ends at the latest by ``limit``, and where the next begins."""
    near = max(0, limit - _NEAR)
    safe = 0
    for match in _SAFE_CUT.finditer(data, near, limit):
        safe = match.end()
    if safe:
        return safe, safe
    following = max(1, limit - min(_OVERLAP, limit // 2))
    while following > 1 and 0x80 <= data[following] < 0xC0:  # inside a character of several bytes
        following -= 1
    return limit, following
