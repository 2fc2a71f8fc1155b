"""Office documents (OOXML, ODF): the parts of a zip archive, with text that markup cuts up joined.

No XML parser is asked, so nothing is expanded or fetched: a part is searched as the bytes it is, with
its attributes, once the markup *within* a text is moved out of it. Numbers in cells stand there as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from checks.scanner import read_zip
from checks.scanner.chunks import chunks_of
from checks.scanner.office_text import Text
from checks.scanner.source import NESTED, Context, Item, Skipped, Stream

_XML = (".xml", ".rels", ".vml", ".rdf")
_MANIFEST, _ENCRYPTED = "META-INF/manifest.xml", b"encryption-data"
_NO_SHEETS = ("vbaproject", "printersettings", "embeddings/", "activex/", "ctrlprops/")


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield the text of each part that is XML, and what all others hold: images, embedded files.

    An image is searched as the bytes it is: what it shows is not read. Raises ``Unreadable`` if the
    archive is damaged or truncated, ``TooLarge``.
    """

    def expand(part: str, member: BinaryIO) -> Iterator[Item]:
        yield from _part(name, part, member, context)

    yield from read_zip.items(name, file, replace(context, expand=expand))


def _part(name: str, part: str, member: BinaryIO, context: Context) -> Iterator[Item]:
    inner = part.removeprefix(name + NESTED)
    if not inner.lower().endswith(_XML):
        yield from context.expand(part, member)
        if _is_binary_sheet(inner.lower()):
            yield Skipped(part, "is of a binary format: its bytes were searched, but not what they encode")
        return
    text = Text(part)
    chunks = chunks_of(member, part)
    marks = _Marks(chunks, _ENCRYPTED if inner == _MANIFEST else b"")
    yield Stream(part, text.chunks(marks))
    if text.has_entities:
        yield Skipped(part, "defines entities of its own, which are not expanded")
    if text.is_cut:
        yield Skipped(part, "has a paragraph so long that only pieces of it were searched, each as a whole")
    if marks.found:
        yield Skipped(name, "is encrypted, which is not read")


def _is_binary_sheet(inner: str) -> bool:
    """Whether a part is one of an .xlsb workbook ([MS-XLSB], 2.1.7)."""
    return (
        inner.startswith("xl/") and inner.endswith(".bin") and not any(word in inner for word in _NO_SHEETS)
    )


class _Marks:
    """Chunks as they pass by; ``found`` says whether ``mark`` was in them."""

    def __init__(self, chunks: Iterable[bytes], mark: bytes) -> None:
        self.found = False
        self._chunks, self._mark = chunks, mark

    def __iter__(self) -> Iterator[bytes]:
        last = b""
        for chunk in self._chunks:
            self.found = self.found or (bool(self._mark) and self._mark in last + chunk)
            last = chunk[-len(self._mark) :] if self._mark else b""
            yield chunk
