"""Ledgers of a made-up past: real summaries of the factories' runs, moved to the days that a test needs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any

import factories

from checks.core.model import Run
from reports.ledger import Entry, Ledger
from reports.shape import Summary
from reports.summary import summarise

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
NOW = datetime(2027, 1, 10, 12, tzinfo=UTC)
COMMITS = {"a": "a" * 40, "b": "b" * 40}


def production(run: Run) -> Run:
    """The run, on production."""
    return replace(run, environment=factories.clean(synthetic=False).environment, planted=())


def failing(control: str = "CARD-02", target: str = "cloud-db", findings: int = 1) -> Run:
    """Everything passes but one."""
    run = production(factories.clean())
    return replace(factories.having(run, factories.failing(control, target, findings)), exit_code=1)


def moved(run: Run, at: float, *, commit: str | None = "a", dirty: bool = False, **changed: Any) -> Summary:
    """The summary of ``run`` as it would have been ``at`` days into the quarter."""
    started = BEGIN + timedelta(days=at)
    shift = started - run.started
    verdicts = tuple(replace(one, started=one.started + shift) for one in run.verdicts)
    again = replace(
        run, id=str(uuid.uuid4()), started=started, ended=run.ended + shift, verdicts=verdicts, **changed
    )
    summary = deepcopy(summarise(again, PurePath(factories.ROOT)))
    facts: dict[str, Any] = summary["run"]  # type: ignore[assignment]
    facts["git"] = None if commit is None else {"commit": COMMITS.get(commit, commit), "dirty": dirty}
    facts["trigger"] = {"by": "ci", "reference": "refs/heads/main"}
    return summary


def append(ledger: Ledger, runs: Iterable[tuple[float, Run]], **more: Any) -> list[Entry]:
    """Append runs at these days."""
    return [ledger.append(moved(run, at, **more)) for at, run in runs]


def daily(first: float, last: float, run: Run | None = None, *, step: float = 1.0) -> list[tuple[float, Run]]:
    """One run every ``step`` days."""
    made = run or production(factories.clean())
    count = int((last - first) / step)
    return [(first + step * n, made) for n in range(count + 1)]
