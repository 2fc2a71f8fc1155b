"""What a file holds, whatever its format: streams and tables, expanded down to the innermost part."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import BinaryIO, cast

from checks.connectors.archives import failure, opened
from checks.core.errors import NotAssessed
from checks.scanner.chunks import ChunkFile, chunks_of, file_of, fill_of
from checks.scanner.formats import HEAD, format_of
from checks.scanner.source import Budget, Context, Format, Item, Reader, Skipped, Stream, spool


def open_file(path: Path, name: str, budget: Budget, *, skip_plain: bool = False) -> Iterator[Item]:
    """Yield what the file at ``path`` holds, as :func:`expand` does; nothing waits for a pipe.

    ``skip_plain`` leaves out a file of which :func:`kind_of` says ``None``: it is read elsewhere.
    """
    try:
        file = opened(path, name)
    except NotAssessed as error:
        yield skipped(name, error)
        return
    with file:
        try:
            plain = skip_plain and _kind(file, path.name) is None
            file.seek(0)
        except OSError as error:
            yield skipped(name, failure(error, name))
            return
        if not plain:
            yield from expand(name, cast(BinaryIO, file), budget, known_as=path.name)


def kind_of(path: Path) -> Format | None:
    """Return the format of the file at ``path``; ``None`` if its bytes are searched as they are.

    Raises ``NotAssessed`` if it cannot be read.
    """
    what = path.name
    with opened(path, what) as file:
        try:
            return _kind(file, what)
        except OSError as error:
            raise failure(error, what) from None


def expand(
    name: str, file: BinaryIO, budget: Budget, depth: int = 0, *, known_as: str | None = None
) -> Iterator[Item]:
    """Yield what ``file`` holds, from its start. ``depth`` containers lie around it.

    ``known_as`` is the name that helps to tell its format, where that is not the one it is shown by.

    What cannot be read is yielded as ``Skipped``, and what lies beside it goes on. A spent budget
    ends the whole of the file on disk, with one ``Skipped``. Raises ``NotAssessed`` for that only,
    and only where ``depth`` is not 0; what is raised besides is a bug of ours.
    """
    try:
        yield from _items(name, file, budget, depth, known_as or name)
    except NotAssessed as error:
        if depth and _spent(budget):
            raise
        yield skipped(name, error)
    except OSError as error:
        yield skipped(name, failure(error, name))


def skipped(name: str, error: NotAssessed) -> Skipped:
    """Return ``error`` as what was skipped; a reason does not begin with the name again."""
    reason = error.reason
    if reason.startswith((f"{name} ", f"{name}: ")):
        reason = reason[len(name) :].lstrip(": ")
    return Skipped(name, reason)


def raw_items(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield the bytes of a file of which more than its bytes should be looked at, and say so."""
    del context
    yield Stream(name, chunks_of(file, name))
    yield Skipped(name, "is of a kind whose bytes were searched, but not what they encode")


def cut_off(name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield that a file is shorter than any of its kind."""
    del file, context
    yield Skipped(name, "is truncated")


def _items(name: str, file: BinaryIO, budget: Budget, depth: int, known_as: str) -> Iterator[Item]:
    if isinstance(file, ChunkFile):
        known_as = file.known_as or known_as
    elif not file.seekable():
        file = file_of(chunks_of(file, name))
    if isinstance(file, ChunkFile):
        head = file.peek(HEAD)[:HEAD]
    else:
        head = file.read(HEAD)
        file.seek(0)
    kind = format_of(head, known_as.lower())
    if kind is None:
        yield Stream(name, chunks_of(file, name), fill_of(file, name))
    elif not kind.reader:
        yield Skipped(name, f"is {kind.name}, which is not read")
    elif depth >= budget.limits.depth:
        yield Skipped(name, f"lies within more than {depth} containers, and is {kind.name} itself")
    else:
        yield from _read(kind, name, file, Context(budget, depth, _deeper(budget, depth)))


def _read(kind: Format, name: str, file: BinaryIO, context: Context) -> Iterator[Item]:
    """Yield what the reader of ``kind`` finds; what it lacks is named."""
    module, _, function = kind.reader.partition(":")
    spooled = None
    try:
        reader = cast(Reader, getattr(import_module(module), function))
        if kind.seekable and isinstance(file, ChunkFile):
            file = spooled = spool(name, chunks_of(file, name), context.budget.limits)
        yield from reader(name, file, context)
    except ImportError as error:
        if kind.extra is None or (error.name or "checks").partition(".")[0] == "checks":
            raise
        yield Skipped(name, f"is {kind.name}, and its library is missing; install policyproof[{kind.extra}]")
    finally:
        if spooled is not None:
            spooled.close()


def _deeper(budget: Budget, depth: int) -> Callable[[str, BinaryIO], Iterator[Item]]:
    return lambda name, file: expand(name, file, budget, depth + 1)


def _kind(file: io.BufferedReader[io.FileIO], name: str) -> Format | None:
    return format_of(file.read(HEAD), name.lower())


def _spent(budget: Budget) -> bool:
    limits = budget.limits
    return budget.expanded > limits.expanded or budget.members > limits.members
