"""A ledger with runs of several years and environments, and the reports that they wrote."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePath

sys.path.insert(0, str(Path(__file__).parents[1]))
import factories

from reports.ledger import Ledger
from reports.renderers import json_
from reports.summary import summarise
from reports.writing import write_whole

MAKERS = (factories.clean, factories.violating, factories.rich, factories.not_assessed)


def record(folder: Path, *days: int, report: bool = True) -> Ledger:
    """Append a run for each day, counted from the day of the factories, as ``pytest controls/`` would."""
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.sqlite")
    for day in days:
        number = ledger.count() + 1
        run, shift = MAKERS[number % len(MAKERS)](), timedelta(days=day)
        environment = replace(run.environment, id=("lab", "production")[number % 2])
        run = replace(
            run,
            id=f"run-{number}",
            environment=environment,
            started=run.started + shift,
            ended=run.ended + shift,
        )
        summary = summarise(run, PurePath(factories.ROOT))
        entry = ledger.append(summary)
        summary["ledger"] = {"number": entry.number, "digest": entry.digest, "previous": entry.previous}
        if report:
            (folder / environment.id).mkdir(exist_ok=True)
            write_whole(folder / environment.id / "report.json", json_.render(summary))
    return ledger


def tamper(ledger: Ledger, *statements: str) -> None:
    """What somebody does who can write the file: drop the guards, then anything."""
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        for trigger in ("entry_is_never_changed", "entry_is_never_removed"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            connection.execute(statement)


def rows(ledger: Ledger) -> list[tuple[object, ...]]:
    """All that a ledger holds, as its tables have it."""
    result: list[tuple[object, ...]] = []
    with closing(sqlite3.connect(ledger.path)) as connection:
        for table, order in (("entry", "number"), ("block", "digest"), ("change", "1, 2, 3, 4")):
            result += connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
    return result
