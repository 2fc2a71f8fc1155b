"""Columns that are never published, and which fields of an answer are they: by name, in any spelling."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from checks.core.model import Store
from checks.detectors.secrets import plain_name


@dataclass(frozen=True, slots=True)
class Match:
    """A ``field`` of an answer that is ``column`` (``table.column``); ``sure`` unless it may be another's."""

    field: str
    column: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Hidden:
    """Never-published columns. ``names`` maps plain name → ``table.column`` where the name says it alone."""

    names: Mapping[str, str]
    _marked: frozenset[str] = frozenset()  # plain names that the inventory marks one by one
    _tables: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Table → plain name of each column → ``table.column`` if it is never published."""

    def __bool__(self) -> bool:
        """Whether any column is never published."""
        return bool(self.names) or bool(self._tables)

    def within(self, fields: Collection[str]) -> list[Match]:
        """Return the hidden columns among the names of the ``fields`` of one object.

        A name that a table hides and another shows belongs to the table that shares most names with the
        object. Where two are as near, a category alone says nothing; a mark gives a match that is not sure.
        """
        found: list[Match] = []
        plain = {plain_name(name) for name in fields}
        for name in fields:
            one = plain_name(name)
            if one in self.names:
                found.append(Match(name, self.names[one], sure=True))
                continue
            shares = {
                table: len(plain & columns.keys())
                for table, columns in self._tables.items()
                if one in columns
            }
            nearest = [table for table, share in shares.items() if share == max(shares.values())]
            hiding = [column for table in nearest if (column := self._tables[table][one]) is not None]
            if hiding and (len(hiding) == len(nearest) or one in self._marked):
                found.append(Match(name, hiding[0], sure=len(hiding) == len(nearest)))
        return found


def hidden_of(stores: Iterable[Store], categories: tuple[str, ...]) -> Hidden:
    """Return the columns of ``stores`` in ``categories`` or marked ``never_published`` (GDPR 25(2))."""
    tables: dict[str, dict[str, str | None]] = {}
    marked: set[str] = set()
    for dataset in (dataset for store in stores for dataset in store.datasets.values()):
        columns = tables.setdefault(dataset.table, {})
        for column, category in dataset.columns.items():
            kind = any(f"{category}.".startswith(f"{wanted}.") for wanted in categories)
            if column in dataset.never_published:
                marked.add(plain_name(column))
            hides = kind or column in dataset.never_published
            columns[plain_name(column)] = f"{dataset.table}.{column}" if hides else None
    hidden: dict[str, str] = {}
    for columns in tables.values():
        hidden = {name: column for name, column in columns.items() if column is not None} | hidden
    shown = {name for columns in tables.values() for name, column in columns.items() if column is None}
    sure = {name: column for name, column in hidden.items() if name not in shown}
    return Hidden(sure, frozenset(marked), {table: columns for table, columns in tables.items() if hidden})
