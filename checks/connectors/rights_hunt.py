"""Hunting the markers of canaries in all that the inventory says is stored.

Databases, caches, areas of files, logs, backups.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from checks.connectors.stored import NAME
from checks.connectors.text_lines import TextBytes
from checks.core.errors import NotAssessed
from checks.core.model import Area, Files, Inventory, Measure, Store, Target
from checks.detectors.canary import LENGTH, Canaries, Sighting
from checks.detectors.masking import scrub

LIVE = ("sql", "cache", "files")
"""Kinds of place in which data is in use."""
EVERYWHERE = (*LIVE, "log", "backup")
"""Kinds of place in which data is kept."""

Read = Callable[[Any], Iterable[tuple[str, Iterator[bytes] | str]]]
"""Turns the view of a cache or an area of files into what it holds: names, and bytes or why none."""
_WORD = re.compile(r"[A-Za-z_]{1,24}")


class Hit(NamedTuple):
    """A marker found. ``place`` is an id of the inventory, ``where`` a column or file in it."""

    place: str
    where: str
    sighting: Sighting


@dataclass(slots=True)
class Hunt:
    """What a hunt found, how much it looked at in each target, and where it could not look."""

    hits: Counter[Hit] = field(default_factory=Counter)
    looked: dict[str, Measure] = field(default_factory=dict)  # by target id
    blind: list[tuple[str, str]] = field(default_factory=list)  # place, reason


def hunt(
    canaries: Canaries, inventory: Inventory, view: Callable[[str], Any], kinds: tuple[str, ...], read: Read
) -> Hunt:
    """Look for every marker under the key in each target of ``kinds``; what cannot be read is told."""
    found = Hunt()

    def area(found: Hunt, canaries: Canaries, target: Target, place: Any) -> None:
        _area(found, canaries, target, read(place))

    search = {"sql": _database, "log": _log, "backup": _backups, "cache": area, "files": area}
    for kind in kinds:
        for target in inventory.of_kind(kind):
            try:
                search[kind](found, canaries, target, view(target.id))
            except NotAssessed as error:
                found.blind.append((target.id, error.reason))
    return found


def _database(found: Hunt, canaries: Canaries, target: Target, store: Any) -> None:
    """Read every column that can hold text of every table, declared or not."""
    spec = target.spec
    assert isinstance(spec, Store)  # noqa: S101  the kind of the target says so
    rows = 0
    for table in store.tables():
        dataset = spec.by_table.get(table)
        place = dataset.id if dataset is not None else f"{target.id}.{table}"
        scan = store.text_rows(table)
        names = [f"{table}.{column.name}" for column in scan.columns]
        try:
            for batch in scan.batches():
                for row in batch:
                    for name, value in zip(names, scan.texts(row), strict=True):
                        if value is not None:
                            _take(found, canaries, place, name, _text(value))
        except NotAssessed as error:
            found.blind.append((place, error.reason))
        rows += scan.rows
    found.looked[target.id] = Measure(rows, "rows")


def _log(found: Hunt, canaries: Canaries, target: Target, log: Any) -> None:
    """Read every byte of every file, current and rotated."""
    assert isinstance(target.spec, Files)  # noqa: S101  the kind of the target says so
    size = 0
    for file in log.files():
        size += _file(found, canaries, target.id, file.path, log.text(file))
    found.looked[target.id] = Measure(size, "bytes", may_be_empty=target.spec.may_be_empty)


def _backups(found: Hunt, canaries: Canaries, target: Target, backups: Any) -> None:
    """Read every byte of every file of every set."""
    sets = 0
    for backup in backups.sets():
        if backup.problem is not None:
            found.blind.append((target.id, backup.problem))
            continue
        for file in backup.files:
            _file(
                found,
                canaries,
                target.id,
                file.path,
                TextBytes(file.location, f"{target.id}: {file.path}"),
            )
        sets += 1
    found.looked[target.id] = Measure(sets, "backups")


def _area(
    found: Hunt, canaries: Canaries, target: Target, parts: Iterable[tuple[str, Iterator[bytes] | str]]
) -> None:
    """Read every key and value, or every name and content. Names may be a person's: they are masked."""
    assert isinstance(target.spec, Area)  # noqa: S101  the kind of the target says so
    size = 0

    def counted(name: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            size += 0 if name.endswith(NAME) else len(chunk)  # a name says nothing of what a file holds
            yield bytes(chunk)

    for name, chunks in parts:
        shown = canaries.masked(scrub(name.removeprefix(f"{target.id}!")))
        if isinstance(chunks, str):
            found.blind.append((target.id, canaries.masked(scrub(f"{shown} {chunks}"))))
            continue
        try:
            for piece in _whole(counted(name, chunks)):
                if target.spec.kind == "cache":
                    _rows(found, canaries, target.id, shown, piece)
                else:
                    _take(found, canaries, target.id, shown, piece)
                    if "\0" in piece:  # UTF-16
                        _take(found, canaries, target.id, shown, piece.replace("\0", ""))
        except NotAssessed as error:
            found.blind.append((target.id, canaries.masked(scrub(error.reason))))
    found.looked[target.id] = Measure(size, "bytes", may_be_empty=target.spec.may_be_empty)


def _rows(found: Hunt, canaries: Canaries, place: str, name: str, piece: str) -> None:
    """Search rows of key, field and value; of those found show how the key begins and what the field is."""
    if not any(canaries.sightings(piece)):  # nearly always
        return
    for row in piece.split("\n"):
        key, _, rest = row.partition("\x1f")
        start, field_ = _WORD.match(key), _WORD.fullmatch(rest.partition("\x1f")[0])
        words = [word[0] if word and not any(canaries.sightings(word[0])) else "" for word in (start, field_)]
        where = f"{name}, key {words[0]}…" + (f", {words[1]}" if words[1] else "")
        _take(found, canaries, place, where, row)


def _file(found: Hunt, canaries: Canaries, place: str, path: str, text: TextBytes) -> int:
    """Search a text that comes in pieces; return its size in bytes."""
    try:
        for piece in _whole(text):
            _take(found, canaries, place, path, piece)
    except NotAssessed as error:
        found.blind.append((place, error.reason))
    return text.size


def _whole(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield pieces cut where no marker can be cut: a line's end, or else with an overlap."""
    rest = ""
    for chunk in chunks:
        rest += chunk.decode("utf-8", "replace")
        end = rest.rfind("\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > 2**20:  # one endless line: what is cut is seen again, whole
            yield rest
            rest = rest[-LENGTH:]
    if rest:
        yield rest


def _take(found: Hunt, canaries: Canaries, place: str, where: str, text: str) -> None:
    for sighting in canaries.sightings(text):
        found.hits[Hit(place, where, sighting)] += 1


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
