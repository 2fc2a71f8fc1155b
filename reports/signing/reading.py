"""Bundles read back: nothing is unpacked to a disk, nothing taken that its statement does not cover."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from reports.ledger.chain import GENESIS, Entry, linked
from reports.signing import dsse
from reports.signing.bundles import (
    BLOCK,
    BLOCKS,
    ENTRIES,
    FOLDER,
    LARGEST_BLOCK,
    LARGEST_HEAD,
    PLAIN,
    SIGNED,
)
from reports.signing.errors import Forged, SigningError
from reports.signing.living import living
from reports.signing.statement import read_bundle

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

LARGEST = 2**34
"""Bytes of all that one bundle holds, unpacked."""
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Bundle:
    """One bundle in an open file; ``shown`` names it in messages.

    With a key it must be signed with it; without one it may be unsigned, and nothing is said about who
    made it. Raises :class:`SigningError` if it is no bundle, :class:`Forged` if it is not as stated.
    """

    def __init__(self, stream: BinaryIO, shown: str, key: SSlibKey | None) -> None:
        self.shown = shown
        try:
            self._zip = zipfile.ZipFile(stream)
            members = self._zip.infolist()
        except _BROKEN:
            raise SigningError(f"{shown}: is no bundle (zip)") from None
        self._sizes = {one.filename: one.file_size for one in members}
        self._laid_out(members)
        self.signed = SIGNED in self._sizes
        if key is not None and not self.signed:
            raise Forged(f"{shown}: is not signed")
        text = self._whole(SIGNED if self.signed else PLAIN, dsse.LARGEST)
        self.statement = read_bundle(dsse.payload(text, shown, key) if self.signed else text, shown)
        listed = self._whole(BLOCKS, 65 * len(members))
        self._blocks = self._listed(listed)

    def _laid_out(self, members: Sequence[zipfile.ZipInfo]) -> None:
        """Refuse names, sizes and methods that no bundle of ours has, before anything is unpacked."""
        if len(self._sizes) != len(members):
            raise Forged(f"{self.shown}: holds a file twice")
        fixed = {ENTRIES, BLOCKS, SIGNED if SIGNED in self._sizes else PLAIN}
        odd = any(n not in fixed and not BLOCK.fullmatch(n) for n in self._sizes)
        if odd or not fixed <= set(self._sizes):
            raise Forged(f"{self.shown}: does not hold the files of a bundle, and those only")
        if any(one.compress_type not in _METHODS or one.flag_bits & 1 for one in members):
            raise Forged(f"{self.shown}: is packed in a way that no bundle is")
        if sum(self._sizes.values()) > LARGEST:
            raise Forged(f"{self.shown}: unpacks to more than {LARGEST >> 30} GiB")

    def _listed(self, listed: bytes) -> set[str]:
        """Return the digests of the blocks that are stated, which are the blocks that are there."""
        if hashlib.sha256(listed).hexdigest() != self.statement.blocks:
            raise Forged(f"{self.shown}: its list of blocks was altered")
        present = {name.removeprefix(FOLDER) for name in self._sizes if BLOCK.fullmatch(name)}
        if "".join(f"{one}\n" for one in sorted(present)).encode() != listed:
            raise Forged(f"{self.shown}: has other blocks than its statement says")
        if len(present) != self.statement.count:
            raise Forged(f"{self.shown}: has another number of blocks than its statement says")
        return present

    def entries(self) -> Iterator[Entry]:
        """Yield the entries, each held against the one before; the whole against the statement at the end."""
        said = self.statement
        seen, number, previous = hashlib.sha256(), said.first, said.previous
        with self._reading(ENTRIES) as stream:
            while line := stream.readline(LARGEST_HEAD + 1):
                seen.update(line)
                if len(line) > LARGEST_HEAD or number > said.last:
                    raise Forged(f"{self.shown}: holds more than its statement says")
                found = self._entry(number, previous, line)
                yield found
                number, previous = number + 1, found.digest
        if number != said.last + 1 or previous != said.digest or seen.hexdigest() != said.entries:
            raise Forged(f"{self.shown}: its entries are not those of its statement")

    def _entry(self, number: int, previous: str, line: bytes) -> Entry:
        try:
            found = linked(number, previous, json.loads(line))
            same = found.head.encode() + b"\n" == line
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            same = False
        if not same:
            raise Forged(f"{self.shown}: entry {number} is not in the ledger's form")
        return found

    def block(self, digest: str) -> str | None:
        """Return a block, held against its digest; ``None`` if it is not in this bundle."""
        if digest not in self._blocks:
            return None
        body = self._whole(FOLDER + digest, LARGEST_BLOCK)
        if hashlib.sha256(body).hexdigest() != digest:
            raise Forged(f"{self.shown}: block {digest[:12]}… was altered")
        return body.decode()

    def check(self) -> None:
        """Read all of it once; what it holds is then as its statement says."""
        for _ in self.entries():
            pass
        for digest in sorted(self._blocks):
            self.block(digest)

    def _whole(self, name: str, limit: int) -> bytes:
        if self._sizes[name] > limit:
            raise Forged(f"{self.shown}: {name} is larger than it can be")
        with self._reading(name) as stream:
            body = stream.read(limit + 1)  # sizes in a zip are what somebody wrote there
        if len(body) != self._sizes[name]:
            raise Forged(f"{self.shown}: {name} is not of the size that is stated")
        return body

    @contextmanager
    def _reading(self, name: str) -> Iterator[zipfile.ZipExtFile]:
        try:
            with self._zip.open(name) as stream:
                yield stream  # type: ignore[misc]
        except _BROKEN:
            raise Forged(f"{self.shown}: {name} was altered (it no longer unpacks)") from None


def in_order(bundles: Sequence[Bundle]) -> None:
    """Raise :class:`Forged` unless each bundle goes on where the one before it ended, from the beginning."""
    number, previous = 1, GENESIS
    for one in bundles:
        said = one.statement
        if said.first > number:
            raise Forged(f"{one.shown}: begins at entry {said.first}; entry {number} is in none before it")
        if said.first < number:
            raise Forged(f"{one.shown}: begins at entry {said.first}, which a bundle before it goes past")
        if said.previous != previous:
            raise Forged(f"{one.shown}: does not go on from the bundle before it (other digest)")
        number, previous = said.last + 1, said.digest


def restoring(bundles: Sequence[Bundle]) -> tuple[Callable[[], Iterator[Entry]], Callable[[str], str | None]]:
    """Check all of ``bundles``, and return what to ask for their entries and for a block.

    A block that a later prune removed is not brought back, though an older bundle holds it.
    """
    in_order(bundles)
    for one in bundles:
        one.check()

    def entries() -> Iterator[Entry]:
        for one in bundles:
            yield from one.entries()

    alive = living(entries)

    def get(digest: str) -> str | None:
        if digest not in alive:
            return None
        return next((text for one in bundles if (text := one.block(digest)) is not None), None)

    return entries, get
