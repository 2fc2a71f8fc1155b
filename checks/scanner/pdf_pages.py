"""What PDFium shows of a document: text of pages, annotations, form fields, properties, attachments.

PDFium may be used by one thread at a time: whoever calls these functions holds ``LOCK``. An attachment
is used while the document is open only.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from checks.core.errors import TooLarge

pdfium: Any = import_module("pypdfium2")
raw: Any = import_module("pypdfium2.raw")
LOCK = threading.RLock()

_SHORTEST_NUMBER, _GROUP = 13, 4  # digits of a card number, and of what it is printed in
_LONGEST = 2**25  # bytes of one string
_KEYS = ("Contents", "RC", "T", "TU", "TM", "V", "DV", "Subj")  # ISO 32000-1, 12.5.2, 12.5.6.2, 12.7.3.1
_BREAKS = str.maketrans({"\r": None, "\x02": "-", "\ufffe": "-"})  # a hyphen at the end of a line


@dataclass(slots=True)
class Page:
    """One page. ``notes`` are the texts of annotations and fields, ``attachments`` handles of PDFium's.

    ``shows`` says in words what it holds beside text, or nothing. ``is_unclear``: characters that
    no font tells the meaning of are enough for a number.
    """

    text: str = ""
    notes: list[str] = field(default_factory=list)
    attachments: list[Any] = field(default_factory=list)
    shows: str = ""
    is_unclear: bool = False


def page_of(document: Any, index: int) -> Page:
    """Return the page; raises ``PdfiumError`` if it cannot be loaded, ``TooLarge``."""
    result = Page()
    page = document.get_page(index)
    try:
        text = page.get_textpage()
        try:
            result.text = text.get_text_range().translate(_BREAKS)
            result.is_unclear = _unclear(text)
        finally:
            text.close()
        if not result.text.strip():
            kinds = {thing.type for thing in page.get_objects(max_depth=5)}
            if raw.FPDF_PAGEOBJ_IMAGE in kinds:
                result.shows = "images"
            elif kinds & {raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING}:
                result.shows = "drawings"
        for number in range(raw.FPDFPage_GetAnnotCount(page)):
            annotation = raw.FPDFPage_GetAnnot(page, number)
            if not annotation:
                raise pdfium.PdfiumError("annotation")
            try:
                result.notes += filter(None, _notes(document, annotation))
                if attachment := raw.FPDFAnnot_GetFileAttachment(annotation):
                    result.attachments.append(attachment)
            finally:
                raw.FPDFPage_CloseAnnot(annotation)
    finally:
        page.close()
    return result


def properties(document: Any) -> list[str]:
    """Return the values of the information dictionary and the titles of the outline."""
    values = document.get_metadata_dict(skip_empty=True).values()
    return [*values, *(mark.get_title() for mark in document.get_toc())]


def attachments(document: Any) -> list[Any]:
    """Return the files that are embedded in the document as a whole."""
    return [document.get_attachment(number).raw for number in range(document.count_attachments())]


def name_of(attachment: Any) -> str:
    """Return the name of an embedded file."""
    return _wide(lambda buffer, size: raw.FPDFAttachment_GetName(attachment, buffer, size))


def data_of(attachment: Any, limit: int) -> memoryview | None:
    """Return the bytes of an embedded file, ``None`` if there are none; raises ``TooLarge``."""
    size = ctypes.c_ulong()
    if not raw.FPDFAttachment_GetFile(attachment, None, 0, size) or not size.value:
        return None
    if size.value > limit:
        raise TooLarge(f"is larger than {limit} bytes, within another file")
    buffer = (ctypes.c_char * size.value)()
    if not raw.FPDFAttachment_GetFile(attachment, buffer, size.value, size):
        return None
    return memoryview(buffer).cast("B")


def _unclear(text: Any) -> bool:
    """Whether as many characters are unknown as a number has; each group of its digits is looked into."""
    count = text.count_chars()
    unknown = raw.FPDFText_HasUnicodeMapError
    handle = text.raw
    if not any(unknown(handle, index) == 1 for index in range(0, count, _GROUP)):
        return False
    return sum(int(unknown(handle, index) == 1) for index in range(count)) >= _SHORTEST_NUMBER


def _notes(document: Any, annotation: Any) -> Iterator[str]:
    """Yield the strings of an annotation, its appearance, the value of a field, where a link leads."""
    for key in _KEYS:
        name = key.encode()
        yield _wide(
            lambda buffer, size, name=name: raw.FPDFAnnot_GetStringValue(annotation, name, buffer, size)
        )
    mode = raw.FPDF_ANNOT_APPEARANCEMODE_NORMAL
    yield _wide(lambda buffer, size: raw.FPDFAnnot_GetAP(annotation, mode, buffer, size))
    if document.formenv:
        form = document.formenv
        yield _wide(lambda buffer, size: raw.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size))
    action = raw.FPDFLink_GetAction(raw.FPDFAnnot_GetLink(annotation))
    if action and (size := raw.FPDFAction_GetURIPath(document, action, None, 0)) > 1:
        buffer = ctypes.create_string_buffer(size)
        raw.FPDFAction_GetURIPath(document, action, buffer, size)
        yield buffer.value.decode("utf-8", "replace")


def _wide(call: Callable[..., int]) -> str:
    """Return what ``call`` writes to a buffer of UTF-16; raises ``TooLarge``."""
    size = call(None, 0)
    if size <= 2:
        return ""
    if size > _LONGEST:
        raise TooLarge(f"has a string of more than {_LONGEST} bytes")
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    call(buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")
