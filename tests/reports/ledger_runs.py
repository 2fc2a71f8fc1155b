"""Runs for a ledger, an hour apart. Processes that only write import this, and no library of tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePath

import factories

from checks.core.model import Run
from reports.shape import Summary
from reports.summary import summarise


def summary(number: int, environment: str = "lab", make: Callable[[], Run] = factories.clean) -> Summary:
    """A run as ``make`` has it, an hour later for each number."""
    run = make()
    later = timedelta(hours=number)
    return summarise(
        replace(
            run,
            id=f"run-{number}",
            started=run.started + later,
            ended=run.ended + later,
            environment=replace(run.environment, id=environment),
        ),
        PurePath(factories.ROOT),
    )
