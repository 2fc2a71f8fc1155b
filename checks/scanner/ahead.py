"""Making things ahead: a thread makes the next ones while these are looked at."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from queue import SimpleQueue
from typing import Generic, TypeVar

Made = TypeVar("Made")


def in_thread(items: Iterable[Made], depth: int) -> Generator[Made, None, None]:
    """Yield ``items``, made in a thread, ``depth`` of them ahead of the one that is yielded.

    One more is being made meanwhile, so at most ``depth + 2`` are in use at a time. What ``items`` raises
    is raised here, in its place. Closing the generator, or its end, joins the thread: nothing of
    ``items`` runs any more then.
    """
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
