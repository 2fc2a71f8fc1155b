"""The lines of mail, read once from front to back: headers, bodies and the lines that end them.

Sources: RFC 5322 (headers), RFC 2046, 5.1 (boundaries), RFC 4155 (mbox), RFC 2047 (encoded words).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message

from checks.scanner.source import BLOCK

_LONGEST_HEADER = 2**17
_AHEAD = 2**12  # bytes that suffice to tell what a line is: boundaries have at most 70, lines 998
_ENDS = re.compile(rb"\n--([^\r\n]{1,1000})")
_ENDS_OR_FROM = re.compile(
    rb"\n(?:--([^\r\n]{1,1000})|(?=From [^\r\n]{1,1000}\r?\n>?[!-9;-~]{1,500}:[ \t\r\n]))"
)
_BLANK = re.compile(rb"\n\r?\n")
_FIELD = re.compile(
    rb"^(content-(?:type|transfer-encoding|disposition)):[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_FOLD = re.compile(rb"\r?\n([ \t])")
_BETWEEN_WORDS = re.compile(rb"(\?=)[ \t\r\n]+(=\?)")
_WORD = re.compile(rb"=\?[^?\s]+\?([bBqQ])\?([^?\s]*)\?=")


class Lines:
    """Mail as it comes in ``chunks``; an entity begins with its headers, or the line feed before them.

    ``mbox``: a line that begins with ``From`` and is followed by a header begins the next message.
    ``boundaries`` holds those that are open. ``stop`` says what ended the last body: a boundary,
    b"" for the next message, ``None`` for the end; ``closing`` whether that boundary was the last.
    """

    def __init__(self, chunks: Iterable[bytes], *, mbox: bool) -> None:
        self.boundaries: list[bytes] = []
        self.stop: bytes | None = b""
        self.closing = False
        self._chunks = iter(chunks)
        self._ends = _ENDS_OR_FROM if mbox else _ENDS
        self._data, self._at, self._ended = b"\n", int(mbox), False

    def headers(self) -> bytes:
        """Read the headers of an entity, up to the blank line behind them, or the end if that is before."""
        while not (blank := _BLANK.search(self._data, self._at)) and not self._ended:
            if len(self._data) - self._at > _LONGEST_HEADER:
                break
            self._more()
        begin = self._at
        end = min(blank.start() + 1 if blank else len(self._data), begin + _LONGEST_HEADER)
        if early := self._end(end):
            end = early.start()
        self._at = end
        return self._data[begin:end].lstrip(b"\r\n")

    def body(self) -> Iterator[bytes]:
        """Yield the bytes up to the line that ends the entity; none of them is empty."""
        first = True
        while True:
            found = self._end(len(self._data))
            end = len(self._data) if self._ended else max(len(self._data) - _AHEAD, self._at)
            found = found if found and found.start() < end else None
            end = found.start() if found else end
            if end - self._at > BLOCK:
                found, end = None, self._at + BLOCK
            piece, self._at = self._data[self._at : end], end
            if found:  # the end of a line before a boundary is part of the boundary
                piece, self._at = piece.removesuffix(b"\r"), found.end()
            if first and piece:
                piece, first = piece.removeprefix(b"\r").removeprefix(b"\n"), False
            if piece:
                yield piece
            if found:
                return
            if self._at == len(self._data) and self._ended:
                self.stop = None
                return
            if len(self._data) - self._at <= BLOCK:
                self._more()

    def _end(self, end: int) -> re.Match[bytes] | None:
        """Return the line that ends the entity, if it begins before ``end``, and take note of it."""
        for found in self._ends.finditer(self._data, self._at):
            if found.start() >= end:
                return None
            if found[1] is None:
                self.stop = b""
                return found
            text = found[1].rstrip(b" \t")
            self.closing = text not in self.boundaries
            boundary = text[:-2] if self.closing and text.endswith(b"--") else text
            if boundary in self.boundaries:
                self.stop = boundary
                return found
        return None

    def _more(self) -> None:
        """Read a chunk, and forget what was read."""
        chunk = next(self._chunks, b"")
        self._ended = not chunk
        self._data, self._at = self._data[self._at :] + chunk, 0


@dataclass(frozen=True, slots=True)
class Described:
    """What headers say of the body behind them, in lower case but for ``file_name``.

    ``kind`` is the type of content, empty where the headers are damaged.
    """

    kind: str
    encoding: str = ""
    boundary: bytes = b""
    file_name: str = ""


def described(block: bytes, default: str) -> Described:
    """Return what ``block`` says; ``default`` is the type of content where it says none."""
    message = Message()
    message.set_default_type(default)
    try:
        for field in _FIELD.finditer(block):
            name, value = field[1].decode(), decoded(field[2]).decode("utf-8", "surrogateescape")
            if name not in message:
                message[name] = " ".join(value.split())
        encoding = str(message.get("content-transfer-encoding", "")).partition(";")[0].strip().lower()
        kind = message.get_content_type()
        if kind.startswith("multipart/"):
            boundary = (message.get_boundary() or "").encode("utf-8", "surrogateescape")
            return Described(kind, encoding, boundary)
        named = any("name" in value.lower() for value in message.values())  # spares a look at parameters
        return Described(kind, encoding, file_name=(message.get_filename() or "") if named else "")
    except (ValueError, LookupError, TypeError, AttributeError):  # what email raises over odd parameters
        return Described("")


def decoded(block: bytes) -> bytes:
    """Return headers with their lines unfolded and encoded words as the bytes they stand for."""
    block = _FOLD.sub(rb"\1", block)
    if b"=?" not in block:
        return block
    return _WORD.sub(_word, _BETWEEN_WORDS.sub(rb"\1\2", block))


def _word(word: re.Match[bytes]) -> bytes:
    try:
        if word[1] in b"bB":
            return binascii.a2b_base64(word[2])
        return binascii.a2b_qp(word[2], header=True)
    except binascii.Error:
        return word[0]
