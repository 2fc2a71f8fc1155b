"""PDF documents: text of pages in lines, annotations and form fields, properties, embedded files.

PDFium reads them: measured against pypdf it is four times as fast, and it is made for hostile files.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from checks.core.errors import Refused, TooLarge, Unreadable
from checks.scanner.chunks import chunks_of, counted, file_of, nested
from checks.scanner.pdf_pages import (
    LOCK,
    attachments,
    data_of,
    name_of,
    page_of,
    pdfium,
    properties,
    raw,
)
from checks.scanner.pdf_streams import Streams, is_ended
from checks.scanner.source import BLOCK, Context, Item, Skipped, Stream

_XFA = frozenset((raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND))


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield properties, pages, embedded files; ``Skipped`` for a page of which only an image is seen.

    What an earlier revision of the document held is not read. Raises ``Refused`` if it is encrypted
    with a password, ``Unreadable`` if it is damaged, ``TooLarge``.
    """
    try:
        with LOCK:
            document = _opened(name, file, context)
    except Unreadable:
        file.seek(0)
        yield Stream(name, chunks_of(file, name))
        raise
    try:
        yield from _properties(name, file, document, context)
        with LOCK:
            count, files = len(document), attachments(document)
        for index in range(count):
            yield from _page(nested(name, f"page {index + 1}"), document, index, context)
        yield from _files(name, files, context)
    finally:
        with LOCK:
            document.close()


def _opened(name: str, file: BinaryIO, context: Context) -> Any:
    size = file.seek(0, 2)
    file.seek(0)
    # From memory it is faster; PDFium reads in small pieces.
    source = file.read() if size <= context.budget.limits.in_memory else file
    try:
        document = pdfium.PdfDocument(source)
        document.init_forms()
        return document
    except pdfium.PdfiumError as error:
        code = getattr(error, "err_code", None)
    if code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
        raise Refused(f"{name} is encrypted, which is not read")
    raise Unreadable(f"{name} is damaged, or no PDF document")


def _properties(name: str, file: BinaryIO, document: Any, context: Context) -> Iterator[Item]:
    """Yield what is said of the document as a whole, and whether it is whole."""
    with LOCK:
        texts = properties(document)
        encrypted = raw.FPDF_GetSecurityHandlerRevision(document) >= 0
        form = document.get_formtype()
    if texts:
        yield Stream(nested(name, "(properties)"), _chunks(texts))
    if not encrypted:  # else only PDFium can tell what its streams hold
        streams = Streams(name, file, context.budget)
        metadata = streams.metadata()
        if first := next(metadata, b""):
            yield Stream(nested(name, "(metadata)"), chain((first,), metadata))
            for _ in metadata:  # what was not asked for: the streams behind are still to be tested
                pass
        if streams.damaged:
            yield Skipped(
                name, f"is damaged: {streams.damaged} of its streams cannot be expanded to their end"
            )
    if not is_ended(file):
        yield Skipped(name, "is truncated or damaged: what was found in it was read")
    if form in _XFA:
        yield Skipped(name, "holds an XFA form, which is not read")


def _page(part: str, document: Any, index: int, context: Context) -> Iterator[Item]:
    context.budget.member(part)
    try:
        with LOCK:
            page = page_of(document, index)
    except pdfium.PdfiumError:
        yield Skipped(part, "is damaged and cannot be read")
        return
    except TooLarge as error:
        yield Skipped(part, error.reason)
        return
    if page.text or page.notes:
        yield Stream(part, counted(_chunks([page.text, *page.notes]), part, context.budget))
    if page.shows:
        yield Skipped(part, f"holds {page.shows} only, whose text is not read")
    if page.is_unclear:
        yield Skipped(part, "holds text in a font that does not say what its characters are")
    yield from _files(part, page.attachments, context)


def _files(part: str, files: list[Any], context: Context) -> Iterator[Item]:
    for number, attachment in enumerate(files, 1):
        with LOCK:
            inner = nested(part, name_of(attachment) or f"file {number}")
        context.budget.member(inner)
        try:
            with LOCK:
                data = data_of(attachment, context.budget.limits.spooled)
        except TooLarge as error:
            yield Skipped(inner, error.reason)
            continue
        if data is None:
            yield Skipped(inner, "is empty, or damaged and cannot be read")
            continue
        chunks = (bytes(data[at : at + BLOCK]) for at in range(0, len(data), BLOCK))
        yield from context.expand(inner, file_of(counted(chunks, inner, context.budget)))


def _chunks(texts: list[str]) -> Iterator[bytes]:
    """Yield the texts, each ended by a line feed."""
    text = "".join(f"{text}\n" for text in texts).encode("utf-8", "replace")
    for at in range(0, len(text), BLOCK):
        yield text[at : at + BLOCK]
