"""Whether a PDF file is whole: PDFium mends what is damaged, and says nothing of it.

Sources: ISO 32000-1, 7.3.8 (streams), 7.5.5 (the end of a file), 14.3.2 (metadata).
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from checks.core.errors import NotAssessed, Unreadable
from checks.scanner.source import BLOCK, Budget

_START = re.compile(rb"startxref\s+(\d{1,15})\s+%%EOF")
_SECTION = re.compile(rb"\s*(?:xref\s|\d+\s+\d+\s+obj)")
_STREAM = re.compile(rb">>\s{0,8}stream(?:\r\n|\n|\r)")
_FLATE = re.compile(rb"/Filter\s*\[?\s*/(?:FlateDecode|Fl)(?![A-Za-z])")
_METADATA = re.compile(rb"/Subtype\s*/XML(?![A-Za-z])")
_LONGEST_DICTIONARY = 2**12
_LAST = 2**12  # bytes at the end in which it is marked; programs append to it


def is_ended(file: BinaryIO) -> bool:
    """Whether the file has an end mark, and a table of its objects where the mark says."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    shift = max(file.read(1024).find(b"%PDF-"), 0)
    file.seek(max(size - _LAST, 0))
    marks = _START.findall(file.read())
    if not marks:
        return False
    for at in {int(marks[-1]), int(marks[-1]) + shift}:
        file.seek(at)
        if _SECTION.match(file.read(64)):
            return True
    return False


class Streams:
    """The streams of a file, read from front to back; each that is deflated is inflated as a test.

    Once ``metadata`` is read, ``damaged`` is the number of those that are damaged or cut off.
    """

    def __init__(self, name: str, file: BinaryIO, budget: Budget) -> None:
        self.damaged = 0
        self._name, self._file, self._budget = name, file, budget
        self._data, self._ended = b"", False

    def metadata(self) -> Iterator[bytes]:
        """Yield the metadata that are XML, as bytes; raises ``TooLarge``, ``Unreadable``."""
        self._file.seek(0)
        self._more(0)
        while not self._ended or self._data:
            found = _STREAM.search(self._data)
            if not found or (found.end() == len(self._data) and not self._ended):
                self._more(max(len(self._data) - _LONGEST_DICTIONARY, 0))
                continue
            dictionary = self._data[max(found.start() - _LONGEST_DICTIONARY, 0) : found.end()]
            dictionary = dictionary[dictionary.rfind(b" obj") + 1 :]
            self._data = self._data[found.end() :]
            wanted = bool(_METADATA.search(dictionary))
            if _FLATE.search(dictionary):
                pieces = self._inflated()
            elif wanted and b"/Filter" not in dictionary:
                pieces = self._plain()
            else:
                continue
            for piece in pieces:
                if wanted:
                    yield piece

    def _inflated(self) -> Iterator[bytes]:
        codec = zlib.decompressobj()
        try:
            while not codec.eof:
                piece = codec.decompress(self._data, BLOCK)
                self._data = codec.unconsumed_tail
                self._budget.read(self._name, len(piece))
                if piece:
                    yield piece
                if not self._data and not codec.eof:
                    if self._ended:
                        self.damaged += 1
                        return
                    self._more(0)
            self._data = codec.unused_data
        except zlib.error:
            self.damaged += 1

    def _plain(self) -> Iterator[bytes]:
        while True:
            end = self._data.find(b"endstream")
            cut = end if end >= 0 else len(self._data) if self._ended else max(len(self._data) - 9, 0)
            if cut:
                yield self._data[:cut]
            if end >= 0 or self._ended:
                self._data = self._data[cut:]
                return
            self._more(cut)

    def _more(self, begin: int) -> None:
        """Read a block, and forget what lies before ``begin``; at the end all is forgotten."""
        try:
            chunk = self._file.read(BLOCK)
        except OSError:
            raise self._unreadable() from None
        self._ended = not chunk
        self._data = self._data[begin:] + chunk if chunk else b""

    def _unreadable(self) -> NotAssessed:
        return Unreadable(f"{self._name} cannot be read")
