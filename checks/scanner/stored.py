"""What a cache or an area of files holds, as items: rows and bytes of every format that is read.

A file's name is data as well and comes as a stream of its own. Whoever shows a name masks it first.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.connectors.files import printable
from checks.connectors.stored import NAME, Cache, FileArea
from checks.core.errors import NotAssessed
from checks.scanner import live_redis
from checks.scanner.expand import expand, skipped
from checks.scanner.left_out import LeftOut
from checks.scanner.places import Place, name_bytes, opened, places
from checks.scanner.source import Budget, Item, Skipped, Stream, Table

Pieces = tuple[str, Iterator[bytes] | str]
"""What is shown of where, and its bytes in chunks or why there are none, in one line."""


def items(view: Cache | FileArea, left_out: LeftOut | None = None) -> Iterator[Item]:
    """Yield what ``view`` holds, but files that are to be ``left_out``, which are counted there.

    Raises ``NotAssessed`` if it does not answer, or no longer.
    """
    if isinstance(view, Cache):
        yield from live_redis.items(
            view.address, name=view.target.id, timeout=view.timeout, authority=view.authority()
        )
    else:
        yield from _files(view, left_out or LeftOut(()))


def pieces(view: Cache | FileArea) -> Iterator[Pieces]:
    """Yield the same for those who know no items: a table's rows end in a line feed each."""
    for item in items(view):
        if isinstance(item, Skipped):
            yield item.name, item.reason
        else:
            yield item.name, item.blocks if isinstance(item, Table) else item.chunks


def _files(view: FileArea, left_out: LeftOut) -> Iterator[Item]:
    try:
        for place in places(view.address, exclude=left_out.patterns):
            if isinstance(place, Place):
                name = _below(view, place.name)
                yield Stream(name + NAME, iter((name_bytes(place),)))
                yield from _content(place, name)
            elif isinstance(place, Skipped):
                yield Skipped(_below(view, place.name), place.reason)
            else:
                left_out.note(place.pattern)
    except NotAssessed as error:
        # The reason begins with the address, which is not for showing.
        reason = skipped(printable(view.address), error).reason
        raise type(error)(f"{view.target.id}: {reason}") from None


def _content(place: Place, name: str) -> Iterator[Item]:
    try:
        file = opened(place)
    except NotAssessed as error:
        yield Skipped(name, skipped(place.name, error).reason)
        return
    with file:
        yield from expand(name, file, Budget(), known_as=place.name)


def _below(view: FileArea, name: str) -> str:
    """Return a name without the address that it begins with."""
    root = printable(view.address).rstrip("/")
    return name[len(root) :].lstrip("/") or view.target.id if name.startswith(root) else name
