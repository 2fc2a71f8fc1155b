"""Text of Office documents as one piece where markup cuts it up, in blocks, by regular expressions.

``<w:t>4111</w:t></w:r><w:r><w:t>1111</w:t>`` becomes ``<w:t>41111111</w:t>``, and what lay between
follows at the end of the block: it may hold something too.

Sources: ECMA-376, part 1: 17.3.3.31 (w:t), 18.4.12 (t in a spreadsheet), 21.1.2.3.11 (a:t);
OpenDocument 1.3, part 3: 6.1 (text:s, text:span and what else may stand within a paragraph).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from checks.core.errors import Unreadable
from checks.scanner.source import BLOCK

_LONGEST_TEXT = 2**20  # bytes of a paragraph that are joined
_PREFIX = rb"(?:[A-Za-z_][\w.-]*:)?"
_ENDS = (b":p>", b"</si>", b"</c>", b"</row>", b"</p>", b"</comment>")
_RUNS = tuple(
    re.compile(
        rb"</(" + _PREFIX + rb")" + tag + rb">"
        rb"((?>[^<]*+(?:<(?!/" + _PREFIX + rb"(?:p|si|is|tc|c|row)>|\1" + tag + rb"(?:\s[^>]*)?(?<!/)>)"
        rb"[^<]*+)*+))"
        rb"<\1" + tag + rb"(?:\s[^>]*)?>"
    )
    for tag in (b"t", b"delText", b"instrText")
)
_RUN_TAGS = (b"t>", b"delText>", b"instrText>")
_TEXTS = (*_RUN_TAGS, b"<text:")
_BREAK = re.compile(rb"<" + _PREFIX + rb"(?:tab|br|cr|ptab|line-break|s)[\s/>]")
_INLINE = re.compile(
    rb"</?text:(?:span|a|s|tab|line-break|soft-page-break|bookmark(?:-start|-end|-ref)?"
    rb"|reference-mark(?:-start|-end)?|change(?:-start|-end)?|meta|ruby|ruby-base|number|placeholder"
    rb"|alphabetical-index-mark(?:-start|-end)?)(?=[\s/>])[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>"
)
_DIGIT = re.compile(rb"[0-9&\x80-\xff]")
_COMMENT = re.compile(rb"<!--.*?-->|<!\[CDATA\[|\]\]>", re.DOTALL)
_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_EBCDIC = b"\x4c\x6f\xa7\x94"


class Text:
    """The bytes of one part that is XML.

    Once ``chunks`` is read, ``has_entities`` says whether it defines some, ``is_cut`` whether a
    paragraph was too long for all of its text to be joined.
    """

    def __init__(self, what: str) -> None:
        self.has_entities = self.is_cut = False
        self._what = what
        self._between: list[bytes] = []

    def chunks(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the part in UTF-8 with its texts joined; raises ``Unreadable`` if it is in EBCDIC."""
        for block in self._blocks(_in_utf_8(raw, self._what)):
            self.has_entities = self.has_entities or b"<!ENTITY" in block
            text = self._joined(block)
            for at in range(0, len(text), BLOCK):
                yield text[at : at + BLOCK]

    def _joined(self, block: bytes) -> bytes:
        if b"<!-" in block or b"<![" in block:
            block = _COMMENT.sub(self._move, block)
        if b"<text:" in block:
            block = _INLINE.sub(self._move, block)
        for pattern, tag in zip(_RUNS, _RUN_TAGS, strict=True):
            if tag in block:
                block = pattern.sub(self._move_gap, block)
                if self._between:  # in it may stand text of another kind, that was deleted
                    block = b"\n".join((block, *self._between))
                    self._between.clear()
        if self._between:
            block = b"\n".join((block, *self._between))
            self._between.clear()
        return block

    def _move(self, markup: re.Match[bytes]) -> bytes:
        return self._moved(markup[0])

    def _move_gap(self, gap: re.Match[bytes]) -> bytes:
        return self._moved(gap[2])

    def _moved(self, markup: bytes) -> bytes:
        """Put markup by if it may hold a digit, of whatever script; return what stands for it in the text."""
        if _DIGIT.search(markup):
            self._between.append(markup)
        return b" " if _BREAK.search(markup) else b""

    def _blocks(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks cut where a text ends, so that none is in two blocks."""
        rest: list[bytes] = []
        size = 0
        for chunk in chunks:
            rest.append(chunk)
            size += len(chunk)
            cut = max(chunk.rfind(end) + len(end) if end in chunk else 0 for end in _ENDS)
            if not cut and size > _LONGEST_TEXT:
                cut = len(chunk)
                self.is_cut = self.is_cut or any(tag in chunk for tag in _TEXTS)
            if cut:
                rest[-1] = chunk[:cut]
                yield b"".join(rest)
                rest, size = [chunk[cut:]], len(chunk) - cut
        if size:
            yield b"".join(rest)


def _in_utf_8(chunks: Iterable[bytes], what: str) -> Iterator[bytes]:
    """Yield XML in UTF-8; encodings that agree with ASCII stay as they are (XML 1.0, appendix F)."""
    decoder: codecs.IncrementalDecoder | None = None
    for number, chunk in enumerate(chunks):
        if number == 0:
            if chunk.startswith(_EBCDIC):
                raise Unreadable(f"{what} is in an encoding that is not read")
            if encoding := _UTF_16.get(bytes(chunk[:2])):
                decoder = codecs.getincrementaldecoder(encoding)("replace")
        out = chunk if decoder is None else decoder.decode(chunk).encode("utf-8", "replace")
        if out:
            yield out
