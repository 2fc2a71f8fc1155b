"""Mail and mailboxes: headers and all parts, decoded, in flat memory whatever the size of a part.

:mod:`email` would keep a whole message, and several times its size; here only headers are kept.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import BinaryIO

from checks.scanner.chunks import chunks_of, file_of, nested
from checks.scanner.mail_lines import Described, Lines, decoded, described
from checks.scanner.source import BLOCK, Context, Item, Skipped, Stream

_DEEPEST = 50  # parts within parts
_KEPT = 2**20  # bytes of headers, and of text between parts, that are gathered
_AS_IT_IS = frozenset(("", "7bit", "8bit", "binary"))
_MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_SMIME = "is encrypted or signed with S/MIME: its bytes were searched, not what they encode"
_ENCODED = "is of a kind whose bytes were searched, but not what they encode"
_NOT_READ = {
    "application/pkcs7-mime": _SMIME,
    "application/x-pkcs7-mime": _SMIME,
    "application/ms-tnef": _ENCODED,
    "application/mac-binhex40": _ENCODED,
    "message/partial": "is one part of a message that was split: its bytes were searched as they are",
}
_WHITESPACE = b" \t\r\n"


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield each message: what its parts hold, then its headers.

    A message that is one text is one stream. Charsets stay as they are. A message of a mailbox is
    named by its number, from 1; a part by its file name or its number. Raises ``NotAssessed`` if the
    file cannot be read, ``TooLarge``.
    """
    chunks = chunks_of(file, name)
    first = next(chunks, b"")
    mbox = first.startswith(b"From ")
    lines = Lines(chain((first,), chunks), mbox=mbox)
    number = 0
    while lines.stop == b"":
        number += 1
        yield from _Message(nested(name, str(number)) if mbox else name, lines, context).items()


@dataclass(slots=True)
class _Message:
    name: str
    lines: Lines
    context: Context
    parts: int = 0
    texts: list[bytes] = field(default_factory=list)
    kept: int = 0

    def items(self) -> Iterator[Item]:
        """Yield what the message holds, and read on to its end."""
        yield from self._entity(0, "text/plain")
        if self.texts:
            yield Stream(self.name, iter(self.texts))

    def _entity(self, depth: int, default: str) -> Iterator[Item]:
        """Yield what one entity holds: headers and body (RFC 2045, 2.4)."""
        block = self.lines.headers()
        self._keep(block)
        about = described(block, default)
        container = depth < _DEEPEST and about.encoding in _AS_IT_IS
        if container and about.boundary and about.kind.startswith("multipart/"):
            inner = "message/rfc822" if about.kind == "multipart/digest" else "text/plain"
            yield from self._multipart(about.boundary, depth, inner)
        elif container and about.kind in _MESSAGES:
            yield from self._entity(depth + 1, "text/plain")
        elif depth == 0 and about.encoding in _AS_IT_IS and about.kind.startswith("text/"):
            body = self.lines.body()
            yield Stream(self.name, chain(self.texts, body))
            self.texts.clear()
            _drain(body)
        else:
            yield from self._leaf(about)

    def _multipart(self, boundary: bytes, depth: int, default: str) -> Iterator[Item]:
        lines = self.lines
        lines.boundaries.append(boundary)
        yield from self._text_between()
        while lines.stop == boundary and not lines.closing:
            yield from self._entity(depth + 1, default)
        lines.boundaries.pop()
        if lines.stop == boundary:
            yield from self._text_between()
        else:
            yield Skipped(self.name, "is truncated: the boundary that ends its parts is missing")

    def _text_between(self) -> Iterator[Item]:
        """Yield what lies before the first part, or behind the last, unless it is short enough to keep."""
        body = self.lines.body()
        for chunk in body:
            if self.kept + len(chunk) > _KEPT:
                yield Stream(nested(self.name, "(between its parts)"), chain((chunk,), body))
                _drain(body)
            else:
                self._keep(chunk)

    def _leaf(self, about: Described) -> Iterator[Item]:
        self.parts += 1
        kind, part = about.kind, nested(self.name, about.file_name or f"part {self.parts}")
        self.context.budget.member(part)
        body = self.lines.body()
        decoder = _Decoder(about.encoding)
        chunks = decoder.chunks(body)
        known_as = "message.eml" if kind in _MESSAGES else None
        if kind in _NOT_READ:
            yield Stream(part, chunks)
            yield Skipped(part, _NOT_READ[kind])
        else:
            yield from self.context.expand(part, file_of(chunks, known_as))
        _drain(chunks)
        _drain(body)
        if decoder.failed:
            yield Skipped(part, "is not encoded as it says: its bytes were searched as they are")
        elif not kind or kind.startswith("multipart/"):
            yield Skipped(part, "has parts that cannot be told apart: its bytes were searched as they are")

    def _keep(self, text: bytes) -> None:
        """Put headers, or a text between parts, by for the message's own stream."""
        if not text:
            return
        self.kept += len(text)
        clear = decoded(text) if b"=?" in text or b"\n " in text or b"\n\t" in text else text
        self.texts.extend(part + b"\n" for part in ((text,) if clear == text else (text, clear)))


@dataclass(slots=True)
class _Decoder:
    """A transfer encoding (RFC 2045, 6). ``failed``: from somewhere on, bytes came as they are."""

    encoding: str
    failed: bool = False

    def chunks(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what ``body`` encodes; from where it does not, what it is."""
        if self.encoding == "base64":
            return self._base64(body)
        if self.encoding == "quoted-printable":
            return _quoted_printable(body)
        self.failed = self.encoding not in _AS_IT_IS
        return iter(body)

    def _base64(self, body: Iterable[bytes]) -> Iterator[bytes]:
        digits = raw = b""
        # A piece is decoded when the next is there: a short body is decoded as a whole or not at all.
        for chunk in chain(body, (b"",)):
            size = len(digits) & ~3
            self.failed = self.failed or (not chunk and size < len(digits))
            try:
                data = raw if self.failed else binascii.a2b_base64(digits[:size], strict_mode=True)
            except binascii.Error:
                self.failed, data = True, raw
            digits = digits[size:] + chunk.translate(None, _WHITESPACE)
            raw = chunk
            if data:
                yield data


def _quoted_printable(body: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chain(body, (b"",)):
        text = rest + chunk
        # A line feed may belong to a soft line break, but that is whole then.
        cut = text.rfind(b"\n") + 1 if chunk else len(text)
        if not cut and len(text) > BLOCK:
            cut = len(text) - 2 if b"=" not in text[-2:] else text.rindex(b"=", len(text) - 2)
        rest = text[cut:]
        if data := binascii.a2b_qp(text[:cut]):
            yield data


def _drain(chunks: Iterator[bytes]) -> None:
    """Read what was not asked for, so that what follows it is found."""
    for _ in chunks:
        pass
