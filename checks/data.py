"""What is stored is what is declared (policy 2.1-2.3, 2.5; GDPR 30(1)(c))."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from checks.connectors.sql import SqlStore
from checks.core.model import Dataset, Measure, Observation
from checks.core.registry import check


@check(reads="sql")
def every_column_declared(store: SqlStore) -> Iterator[Observation]:
    """Every live table and column is in the inventory with its category, and the other way round.

    What is not declared is judged by no other control, so it must not stay unseen.
    """
    live = store.tables()
    for table in live.values():
        dataset = store.store.by_table.get(table.name)
        if dataset is None:
            if any(fnmatchcase(table.name, pattern) for pattern in store.store.ignore):
                measure = Measure(len(table.columns), "columns")
                yield Observation.met(table.name, "named as holding no data of the service", measure)
            else:
                fault = f"table with {len(table.columns)} columns is not in the inventory"
                yield Observation.violated(table.name, fault)
            continue
        yield from _columns(dataset, {column.name for column in table.columns})
    for name in store.store.by_table.keys() - live.keys():
        yield Observation.unseen(name, "the inventory declares this table and the database has none")


def _columns(dataset: Dataset, live: set[str]) -> Iterator[Observation]:
    undeclared = sorted(live - dataset.columns.keys())
    for name in undeclared:
        yield Observation.violated(f"{dataset.table}.{name}", "column is not in the inventory")
    for name in sorted(dataset.columns.keys() - live):
        yield Observation.unseen(
            f"{dataset.table}.{name}", "the inventory declares this column, the table has none"
        )
    if not undeclared:
        yield Observation.met(dataset.table, "every column has a category", Measure(len(live), "columns"))
