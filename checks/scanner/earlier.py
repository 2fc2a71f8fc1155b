"""What earlier runs know of files: those without a finding that have not changed are not read again.

Only what was read to its end, without a finding and without anything skipped, is remembered. A file
with findings is read in each run, for fingerprints say nothing outside of one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from checks.scanner.memo import Memo, options_digest
from checks.scanner.parts import END, Part, Piece, Unchanged
from checks.scanner.places import Place
from checks.scanner.result import Result


@dataclass(slots=True)
class _Cut:
    """A file that is read in several parts, each without a finding so far. ``upto`` is where they end."""

    place: Place
    upto: int
    began: float
    digests: bytes


class Earlier:
    """The memory at ``path``; ``run`` is the name that this run is remembered by."""

    def __init__(self, path: Path, *, encoded: bool) -> None:
        self.run = str(uuid.uuid4())
        self._memo = Memo(path, run=self.run)
        self._options = options_digest({"encoded": encoded})
        self._cut: _Cut | None = None

    @property
    def notice(self) -> str | None:
        """Why nothing, or not everything, is remembered, in one line."""
        return self._memo.notice

    def unchanged(self, place: Place) -> Unchanged | None:
        """Return by which run ``place`` was read last, if it is as it was then and nothing was found."""
        known = self._memo.known(place, self._options)
        return None if known is None else Unchanged(place.name, known.run, f"{known.read:%Y-%m-%d}")

    def learn(self, part: Part, result: Result) -> None:
        """Remember the files of ``part`` in which nothing was found; those cut once all of it was read."""
        for place, began, digest in self._whole(part, result):
            self._memo.remember(place, self._options, digest, '{"findings": 0, "skipped": []}', read_at=began)

    def close(self) -> None:
        """Close the memory."""
        self._memo.close()

    def _whole(self, part: Part, result: Result) -> Iterator[tuple[Place, float, bytes]]:
        for index, piece in enumerate(part.pieces):
            digest = result.clean.get(index)
            if not isinstance(piece, Piece) or digest is None:
                self._cut = None
            elif piece.stop is None:
                yield piece.place, result.began, digest
            else:
                yield from self._after(piece, result.began, digest)

    def _after(self, piece: Piece, began: float, digest: bytes) -> Iterator[tuple[Place, float, bytes]]:
        cut, self._cut = self._cut, None
        stop = piece.stop or END
        if piece.start == 0:
            self._cut = _Cut(piece.place, stop, began, digest)
        elif cut is not None and (cut.place, cut.upto) == (piece.place, piece.start):
            self._cut = _Cut(piece.place, stop, cut.began, cut.digests + digest)
            if stop == END:
                # Of a file read in parts the digest is one of its parts' digests.
                yield piece.place, cut.began, blake2b(self._cut.digests).digest()
