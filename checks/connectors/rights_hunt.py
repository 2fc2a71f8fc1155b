"""Hunting the markers of canaries in all that the inventory says is stored: databases, logs, backups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from checks.connectors.text_lines import TextBytes
from checks.core.errors import NotAssessed
from checks.core.model import Files, Inventory, Measure, Store, Target
from checks.detectors.canary import LENGTH, Canaries, Sighting

LIVE = ("sql",)
"""Kinds of place in which data is in use."""
EVERYWHERE = ("sql", "log", "backup")
"""Kinds of place in which data is kept."""


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
    canaries: Canaries, inventory: Inventory, view: Callable[[str], Any], kinds: tuple[str, ...]
) -> Hunt:
    """Look for every marker under the key in each target of ``kinds``; what cannot be read is told."""
    found = Hunt()
    search = {"sql": _database, "log": _log, "backup": _backups}
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


def _file(found: Hunt, canaries: Canaries, place: str, path: str, text: TextBytes) -> int:
    """Search a text that comes in pieces; return its size in bytes."""
    try:
        for piece in _whole(text):
            _take(found, canaries, place, path, piece)
    except NotAssessed as error:
        found.blind.append((place, error.reason))
    return text.size


def _whole(chunks: TextBytes) -> Iterator[str]:
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
