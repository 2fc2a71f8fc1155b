"""A remote object as a seekable file: whole blocks by range requests, the next one fetched ahead."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO, cast

from checks.core.errors import Unreadable
from checks.scanner.source import BLOCK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

WINDOW = 2**23
"""Bytes of a request. Of an open file at most three such blocks are in memory."""

Fetch = Callable[[int, int], bytes]
"""``(start, stop)``: returns these bytes of the object, or raises ``NotAssessed``. Called by threads."""


def file_of(fetch: Fetch, size: int, name: str) -> BinaryIO:
    """Return an object of ``size`` bytes as a buffered file."""
    return cast(BinaryIO, io.BufferedReader(_Ranges(fetch, size, name), BLOCK))


class _Ranges(io.RawIOBase):
    """Reads are answered from the current block and the one before it."""

    def __init__(self, fetch: Fetch, size: int, name: str) -> None:
        self._fetch, self._size, self._name = fetch, size, name
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._pool: ThreadPoolExecutor | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError("negative seek position")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        if self._at >= self._size:
            return 0
        view = memoryview(buffer).cast("B")
        block, offset = divmod(self._at, WINDOW)
        piece = memoryview(self._block(block))[offset : offset + len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)  # what is under way has a timeout of its own
            self._pool = None
        self._blocks.clear()
        self._ahead = None
        super().close()

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            return self._blocks[number]
        in_order = number - 1 in self._blocks
        ahead, self._ahead = self._ahead, None
        data = ahead[1].result() if ahead is not None and ahead[0] == number else self._get(number)
        self._blocks = {key: self._blocks[key] for key in (number - 1,) if key in self._blocks}
        self._blocks[number] = data
        if in_order and (number + 1) * WINDOW < self._size:  # whoever jumps about needs nothing ahead
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1)
            self._ahead = (number + 1, self._pool.submit(self._get, number + 1))
        return data

    def _get(self, number: int) -> bytes:
        start = number * WINDOW
        stop = min(start + WINDOW, self._size)
        data = self._fetch(start, stop)
        if len(data) != stop - start:  # never is a part taken for the whole
            raise Unreadable(f"{self._name}: the store gave other bytes than it was asked for")
        return data
