"""Reading ahead: a thread expands the next chunks of a long stream while the engine looks at these."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from queue import Empty, SimpleQueue

AFTER = 2**22
"""Bytes of a stream behind which a thread is worth its start."""
DEPTH = 4
"""Chunks that are waiting at the most."""


def ahead(chunks: Iterable[bytes], *, after: int = AFTER, depth: int = DEPTH) -> Generator[bytes, None, None]:
    """Yield ``chunks``; beyond ``after`` bytes they are made in a thread, ``depth`` of them ahead.

    What ``chunks`` raises is raised here, in its place. Closing the generator, or its end, joins the
    thread: nothing of ``chunks`` runs any more then.
    """
    iterator = iter(chunks)
    passed = 0
    for chunk in iterator:
        yield chunk
        passed += len(chunk)
        if passed >= after:
            break
    else:
        return
    reader = _Reader(iterator, depth)
    try:
        yield from reader
    finally:
        reader.close()


class _Reader:
    """The thread, and the chunks that it has made."""

    def __init__(self, chunks: Iterable[bytes], depth: int) -> None:
        self._chunks, self._room = chunks, threading.Semaphore(depth)
        self._made: SimpleQueue[bytes | BaseException | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._fill, name="read ahead", daemon=True)
        self._thread.start()

    def __iter__(self) -> Generator[bytes, None, None]:
        while True:
            made = self._made.get()
            if made is None:
                return
            if isinstance(made, BaseException):
                raise made
            self._room.release()
            yield made

    def close(self) -> None:
        """Stop reading after the chunk that is being made, and wait until it is."""
        self._closed = True
        self._room.release()
        self._thread.join()
        while True:
            try:
                self._made.get_nowait()
            except Empty:
                return

    def _fill(self) -> None:
        try:
            for chunk in self._chunks:
                # A view may be of a buffer that is filled again.
                self._made.put(chunk if isinstance(chunk, bytes) else bytes(chunk))
                self._room.acquire()
                if self._closed:
                    return
            self._made.put(None)
        except BaseException as error:
            self._made.put(error)
