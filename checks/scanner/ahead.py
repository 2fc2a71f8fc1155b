"""Reading ahead: a thread makes the next chunks of a long stream while the engine looks at these."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import Generic, TypeVar

from checks.connectors.codecs import Chunk

Made = TypeVar("Made")

AFTER = 2**22
"""Bytes of a stream behind which a thread is worth its start."""
GROUP = 2**20
"""Bytes, about, that are handed over in one go: waking the other thread takes time."""
DEPTH = 2
"""Groups that are waiting at the most."""


def ahead(chunks: Iterable[Chunk], *, after: int = AFTER, depth: int = DEPTH) -> Generator[Chunk, None, None]:
    """Yield ``chunks``; beyond ``after`` bytes they are made in a thread, ``depth`` groups ahead.

    What ``chunks`` raises is raised here, in its place. Closing the generator, or its end, joins the
    thread: nothing of ``chunks`` runs any more then.
    """
    iterator = iter(chunks)
    passed = 0
    for chunk in iterator:
        yield chunk
        passed += len(chunk)
        if passed >= after:
            with closing(in_thread(_groups(iterator), depth)) as groups:
                for group in groups:
                    # One that is passed on is not held here: its memory may be waited for.
                    group.reverse()
                    while group:
                        yield group.pop()


def _groups(chunks: Iterable[Chunk]) -> Iterator[list[Chunk]]:
    """Yield ``chunks`` in groups of ``GROUP`` bytes; what they raise only behind those before it."""
    group: list[Chunk] = []
    size = 0
    try:
        for chunk in chunks:
            group.append(chunk)
            size += len(chunk)
            if size >= GROUP:
                yield group
                group, size = [], 0
    except Exception:
        if group:
            yield group
        raise
    if group:
        yield group


def in_thread(items: Iterable[Made], depth: int) -> Generator[Made, None, None]:
    """Yield ``items``, made in a thread, ``depth`` of them ahead; else as :func:`ahead` does."""
    maker = _Maker(items, depth)
    try:
        yield from maker
    finally:
        maker.close()


class _Maker(Generic[Made]):
    """The thread, and what it has made."""

    def __init__(self, items: Iterable[Made], depth: int) -> None:
        self._items, self._room = items, threading.Semaphore(depth)
        self._made: SimpleQueue[tuple[Made] | BaseException | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._fill, name="read ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Generator[Made, None, None]:
        while (made := self._made.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            self._room.release()
            yield made[0]

    def close(self) -> None:
        """Stop behind what is being made, and wait until it is."""
        self._closed = True
        self._room.release()
        self._thread.join()

    def _fill(self) -> None:
        try:
            for item in self._items:
                self._made.put((item,))
                self._room.acquire()
                if self._closed:
                    return
            self._made.put(None)
        except BaseException as error:
            self._made.put(error)
