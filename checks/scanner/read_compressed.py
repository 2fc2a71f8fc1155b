"""Files compressed with gzip, bzip2, xz, lzma or zstd: what they expand to is read as a file of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from checks.connectors.codecs import Zstd, compression_of, decompressed
from checks.scanner.chunks import counted, direct_file, file_of
from checks.scanner.source import BLOCK, NESTED, Context, Item

_MAGIC = 10  # bytes that tell the compression
_ENDING = re.compile(r"\.(?:gz|bz2|xz|lzma|zst|zstd)$", re.IGNORECASE)
_TAR_ENDING = re.compile(r"\.t(?:gz|bz2?|xz|lz|zst)$", re.IGNORECASE)


def items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield what the expanded bytes hold, under the same name.

    Raises ``Unreadable`` if it is damaged or truncated, ``TooLarge`` beyond the budget,
    ``MissingDriver``; where it is one stream of bytes, that stream does.
    """
    head = file.read(_MAGIC)
    kind = compression_of(head) or "lzma"
    inner = name.rpartition(NESTED)[2]
    known_as = _TAR_ENDING.sub(".tar", _ENDING.sub("", inner)) or inner
    if kind == "zstd":
        yield from context.expand(name, direct_file(Zstd(head, file, name), name, context.budget, known_as))
    else:
        chunks = counted(decompressed(kind, head, file, name, BLOCK), name, context.budget)
        yield from context.expand(name, file_of(chunks, known_as))
