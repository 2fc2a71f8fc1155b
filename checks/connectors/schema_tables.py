"""The tables that a series of migrations leaves behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from checks.connectors.schema_field import Field
from checks.core.model import Location

_HOME = {"postgres": "public", "sqlite": "main", "mysql": ""}  # the schema whose name is left out


@dataclass(frozen=True, slots=True)
class Column:
    """A column as last defined. ``remarks`` are its comments in code, ``comment`` that of the database."""

    name: str
    type: str | None
    location: Location
    comment: str | None = field(default=None, repr=False)
    remarks: tuple[str, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Table:
    """A table, or a composite type; ``columns`` by folded name."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)


class Tables:
    """What exists after the statements applied so far; ``created`` counts the tables ever created."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.created = 0
        self._tables: dict[str, Table] = {}

    def fold(self, name: str) -> str:
        """Return ``name`` as the database compares it (unquoted PostgreSQL names come in lower case)."""
        return name if self.dialect == "postgres" else name.lower()

    def name(self, parts: Iterable[str]) -> str:
        """Return the name of a table from its dotted parts, as the live database's connector gives it."""
        last = tuple(parts)[-2:]
        home = _HOME[self.dialect]
        return last[-1] if len(last) > 1 and last[0].lower() in {home, "temp", "pg_temp"} else ".".join(last)

    def get(self, name: str) -> Table | None:
        """Return the table called ``name``, if a file created it."""
        return self._tables.get(self.fold(name))

    def create(self, name: str) -> Table:
        """Return the table called ``name``, new or as it is: *if not exists* may hide either."""
        self.created += 1
        return self.ensure(name)

    def ensure(self, name: str) -> Table:
        """Return the table called ``name``; one that was made elsewhere begins without columns."""
        return self._tables.setdefault(self.fold(name), Table(name))

    def put(self, name: str, column: Column) -> None:
        """Define a column; comments kept by the database outlive a new definition without one."""
        columns = self.ensure(name).columns
        old = columns.get(self.fold(column.name))
        if old is not None and column.comment is None:
            column = replace(column, comment=old.comment)
        columns[self.fold(column.name)] = column

    def remark(self, name: str, column: str, comment: str | None, location: Location) -> None:
        """Set a column's comment; a column that no file defines is one that was defined elsewhere."""
        columns = self.ensure(name).columns
        old = columns.get(self.fold(column)) or Column(column, None, location)
        columns[self.fold(column)] = replace(old, comment=comment)

    def rename_column(self, name: str, old: str, new: str, location: Location) -> None:
        """Rename a column, in its place."""
        table = self.ensure(name)
        known = table.columns.get(self.fold(old))
        renamed = replace(known or Column(new, None, location), name=new, location=location)
        if known is None:
            table.columns[self.fold(new)] = renamed
            return
        items = [(renamed if key == self.fold(old) else column) for key, column in table.columns.items()]
        table.columns = {self.fold(column.name): column for column in items}

    def drop_column(self, name: str, column: str) -> None:
        """Forget a column."""
        if (table := self.get(name)) is not None:
            table.columns.pop(self.fold(column), None)

    def rename(self, old: str, new: str) -> None:
        """Rename a table; what had the new name is gone or never was."""
        table = self._tables.pop(self.fold(old), None)
        if table is not None:
            self._tables[self.fold(new)] = Table(new, table.columns)

    def drop(self, name: str) -> None:
        """Forget a table."""
        self._tables.pop(self.fold(name), None)

    def drop_schema(self, schema: str) -> None:
        """Forget every table of a schema."""
        home = self.fold(schema) == _HOME[self.dialect]
        for key in list(self._tables):
            if key.startswith(f"{self.fold(schema)}.") or (home and "." not in key):
                del self._tables[key]

    def fields(self) -> Iterator[Field]:
        """Yield every column as a field, in the order in which tables and columns were made."""
        for table in self._tables.values():
            for column in table.columns.values():
                said = dict.fromkeys(text for text in (column.comment, *column.remarks) if text)
                yield Field(
                    f"{table.name}.{column.name}",
                    column.name,
                    column.type,
                    "; ".join(said) or None,
                    column.location,
                )
