"""Bundles: a stretch of the ledger in one zip, signed as a whole, that the ledger is rebuilt from.

``entries.jsonl`` holds the heads, one a line as the chain covers them; ``blocks/`` what they name;
``blocks.txt`` the digests of the blocks that are there, so that one taken out is not taken for one
that was pruned; the statement, in its envelope if signed, the digests of both files.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Callable, Iterable
from typing import BinaryIO

from reports.ledger.chain import Entry, LedgerError
from reports.ledger.packing import named
from reports.signing.errors import SigningError
from reports.signing.statement import BundleStatement

ENTRIES, BLOCKS, FOLDER = "entries.jsonl", "blocks.txt", "blocks/"
SIGNED, PLAIN = "statement.dsse.json", "statement.json"
BLOCK = re.compile(r"blocks/[0-9a-f]{64}", re.ASCII)
LARGEST_BLOCK, LARGEST_HEAD = 2**28, 2**24
"""Bytes of one block and of one head, written or read."""
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same entries are the same bytes, whenever they are exported


def write(
    stream: BinaryIO,
    entries: Iterable[Entry],
    get: Callable[[str], str | None],
    alive: set[str],
    made: str,
    seal: Callable[[bytes], str] | None,
) -> BundleStatement:
    """Write ``entries``, which follow one another, and their blocks as a zip; return what was stated.

    ``get`` returns a block's text, ``alive`` holds the digests that must be there, ``seal`` returns the
    envelope of a statement. Raises :class:`LedgerError` if a block is missing.
    """
    heads, names = hashlib.sha256(), set[str]()
    first = last = None
    with zipfile.ZipFile(stream, "w") as bundle:
        with bundle.open(_member(ENTRIES), "w", force_zip64=True) as out:
            for one in entries:
                line = one.head.encode() + b"\n"
                if len(line) > LARGEST_HEAD:
                    raise SigningError(f"entry {one.number} is too large for a bundle")
                heads.update(line)
                out.write(line)
                first, last = first or one, one
                if one.kind == "run":
                    names.update(digest for digest, _ in named(one.read()) if digest in alive)
        if first is None or last is None:
            raise SigningError("there is no entry to export")
        for digest in sorted(names):
            text = get(digest)
            if text is None:
                raise LedgerError(f"block {digest[:12]}… is gone: was the ledger pruned meanwhile? Try again")
            body = text.encode()
            if len(body) > LARGEST_BLOCK:
                raise SigningError(f"block {digest[:12]}… is too large for a bundle")
            bundle.writestr(_member(FOLDER + digest), body)
        listed = "".join(f"{digest}\n" for digest in sorted(names)).encode()
        bundle.writestr(_member(BLOCKS), listed)
        statement = BundleStatement(
            first=first.number,
            last=last.number,
            previous=first.previous,
            digest=last.digest,
            entries=heads.hexdigest(),
            blocks=hashlib.sha256(listed).hexdigest(),
            count=len(names),
            made=made,
        )
        payload = statement.payload()
        if seal is None:
            bundle.writestr(_member(PLAIN), payload)
        else:
            bundle.writestr(_member(SIGNED), seal(payload).encode())
    return statement


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info
