"""What became of some verdicts before a period, in one pass over the heads of earlier runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from reports.quarter.history import History, Plan
from reports.quarter.period import moment, seconds

Item = tuple[str, str]
"""A control and a target."""


class Earlier(NamedTuple):
    """How one control on one target stood when the period began; moments in seconds since 1970."""

    failing_since: float | None = None  # None: it was not failing
    fixed: float | None = None  # when it was mended last, if ever


def earlier(history: History, items: Collection[Item]) -> dict[Item, Earlier]:
    """Tell for each item whether it was failing (or waived) when the period began, and when mended.

    Told from the heads, which the chain covers, and not from the ledger's index of changes.
    """
    told = dict.fromkeys(items, Earlier())
    if not told:
        return told
    looked: dict[str, list[tuple[Item, list[int]]]] = {}
    same = ("", "")
    until = moment(history.period.since)
    for entry in history.ledger.entries(environment=history.environment, until=until):
        head = entry.read()
        if same == (head["plan"], head["states"]):
            continue
        same = (head["plan"], head["states"])
        if head["plan"] not in looked:
            plan = Plan(history.ledger.plan(entry))
            looked[head["plan"]] = [(item, plan.where[item]) for item in told if item in plan.where]
        for item, places in looked[head["plan"]]:
            letters = {head["states"][place] for place in places}
            was = told[item]
            if letters & {"f", "w"}:
                if was.failing_since is None:
                    told[item] = was._replace(failing_since=seconds(entry.started))
            elif letters == {"p"} and was.failing_since is not None:
                told[item] = Earlier(None, seconds(entry.started))
    return told
