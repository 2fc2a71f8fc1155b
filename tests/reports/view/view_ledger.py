"""A ledger of two environments over some weeks, with all that a page may have to show."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath

from checks.core.model import Run
from reports.ledger import Entry, Ledger
from reports.summary import summarise

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the factories are, also if this folder runs alone

import factories

FIRST = datetime(2026, 10, 1, 6, 0, tzinfo=UTC)


def production(run: Run) -> Run:
    """``run`` as one on production."""
    return replace(run, environment=factories.clean(synthetic=False).environment, planted=())


def record(ledger: Ledger, run: Run, *, day: float, name: str = "", commit: str = "") -> Entry:
    """Append ``run`` as if it had begun ``day`` days after :data:`FIRST`."""
    moment = FIRST + timedelta(days=day)
    verdicts = tuple(replace(one, started=moment + timedelta(seconds=1)) for one in run.verdicts)
    made = replace(
        run,
        id=name or f"{run.environment.id}-{day:07.3f}",
        started=moment,
        ended=moment + timedelta(seconds=4),
        verdicts=verdicts,
    )
    summary = summarise(made, PurePath(factories.ROOT))
    summary["run"]["git"] = {"commit": commit.ljust(40, "0"), "dirty": False} if commit else None
    return ledger.append(summary)


def rich(path: Path) -> Ledger:
    """Fourteen runs: 1-10 alternate between production and the lab, the last ones hold everything."""
    ledger = Ledger(path)
    mailer = factories.having(factories.clean(), factories.failing("PROC-02", "mailer", 2))
    for day in range(5):
        run = mailer if day in (1, 2) else factories.clean()
        record(ledger, production(run), day=day, commit=f"abc{day}")
        record(ledger, factories.clean(), day=day + 0.5, commit=f"def{day}")
    record(ledger, production(factories.not_assessed()), day=6)
    record(ledger, factories.incomplete(), day=6.5)
    record(ledger, production(factories.hostile()), day=40)
    record(ledger, factories.rich(), day=41)
    return ledger
