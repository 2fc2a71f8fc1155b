"""What the readers of Arrow's formats have in common: a schema, batches of rows, and words for errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, BinaryIO

from checks.connectors.archives import failure
from checks.core.errors import NotAssessed, TooLarge, Unreadable

pa = import_module("pyarrow")


@dataclass(slots=True)
class Source:
    """A file that was opened. ``batches`` yields each ``RecordBatch``, and raises where it breaks off.

    ``notes`` are the lines of what is said about the file as a whole; ``later`` are those that come
    with batches, complete when the last was read. ``close`` gives back what reading takes.
    """

    schema: Any
    batches: Iterator[Any]
    notes: list[bytes] = field(default_factory=list)
    later: list[bytes] = field(default_factory=list)
    close: Callable[[], object] = lambda: None


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raise ``NotAssessed`` for what Arrow raises within: its messages may hold what was read."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, RuntimeError, MemoryError, OverflowError) as error:
        raise _meaning(error, name) from None


def handle(file: BinaryIO) -> Any:
    """Return ``file`` as one that Arrow reads and leaves open."""
    return pa.PythonFile(file, mode="r")


def lines_of(pairs: Any) -> Iterator[bytes]:
    """Yield a line for each pair of a file's own metadata, which is ``None`` or maps bytes to bytes."""
    for key, value in (pairs or {}).items():
        yield b"%b: %b\n" % (key, value)


def _meaning(error: Exception, name: str) -> NotAssessed:
    if isinstance(error, OSError) and error.errno is not None:
        return failure(error, name)
    if "crypt" in str(error):
        return Unreadable(f"{name} is encrypted")
    if isinstance(error, MemoryError):
        return TooLarge(f"{name} needs more memory than there is")
    if isinstance(error, NotImplementedError):
        return Unreadable(f"{name} uses a type or encoding that is not read")
    return Unreadable(f"{name} is damaged or truncated")
