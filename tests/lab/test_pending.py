"""What a drill on the lab leaves pending is followed up by later runs, through a real ledger."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.core import model
from checks.core.controls import load_control
from checks.core.inventory import load_inventory
from checks.core.model import Earlier, Status, Verdict
from checks.core.session import Session
from lab import canaries
from reports.ledger import Ledger
from reports.pending import recalled
from reports.summary import summarise
from tests.lab.workbench import ROOT, Workbench

CONTROL = load_control(ROOT / "controls" / "s10-remains-gone-in-time.yaml")
PASS, FAIL, NOT = Status.PASS, Status.FAIL, Status.NOT_ASSESSED
KEPT = {"place": "api-cache", "within": "P30D"}
START = datetime.now(UTC).replace(microsecond=0)


class Runs:
    """Runs of the control on the lab, each recorded in the same ledger."""

    def __init__(self, bench: Workbench, ledger: Ledger) -> None:
        self.bench, self.ledger = bench, ledger

    def run(
        self, days: float, remains: list[Any] | None = None, *, asked: bool = True, **addresses: str
    ) -> tuple[Verdict, str]:
        """Judge as of ``days`` after the start and record it; return the verdict and its words."""
        known = {**self.bench.lab.addresses(), **addresses}
        rights = {"remains": [KEPT] if remains is None else remains}
        overlay = {"endpoints": {"api": {"rights": rights}}}
        inventory = load_inventory(ROOT / "inventory.yaml", "lab", known, overlay=overlay)
        recall = (lambda control, target: recalled(self.ledger, "lab", control, target)) if asked else None
        session = Session(inventory, now=START + timedelta(days=days), recall=recall)
        try:
            verdict = session.run(CONTROL, inventory.targets["api.rights"])
        finally:
            session.close()
        assert verdict.crash is None
        self.ledger.append(summarise(run_of(inventory, verdict)))
        assert canaries.rights_mac("prefix") not in repr(verdict)
        seen = (*verdict.findings, *verdict.unseen, *verdict.evidence)
        return verdict, "\n".join(f"{each.subject}: {each.detail}" for each in seen)


def run_of(inventory: model.Inventory, verdict: Verdict) -> model.Run:
    return model.Run(
        id=f"run-{verdict.started.isoformat()}", environment=inventory.environment, planted=(),
        started=verdict.started, ended=datetime.now(UTC), version="0", python="3", host="here",
        gate=model.Severity.LOW, exit_code=0, policy=model.PolicyVersion("lab", None, None, ""), sections=(),
        controls={CONTROL.id: CONTROL}, targets=inventory.targets, verdicts=(verdict,), gaps=(), errors=(),
        waivers=(), digests={},
    )  # fmt: skip


@pytest.fixture
def runs(bench: Workbench, tmp_path: Path) -> Runs:
    if not bench.lab.cache.port:
        pytest.skip("redis-server is not installed")
    return Runs(bench, Ledger(tmp_path / "ledger.sqlite"))


def test_pending_then_gone(runs: Runs) -> None:
    runs.bench.lab.people.faults.add("delete-leaves-cache")
    first, said = runs.run(0)
    runs.bench.lab.people.faults.clear()
    assert first.status is NOT
    (left,) = first.pending
    assert (left.place, left.due) == ("api-cache", START + timedelta(days=30))
    assert f"pending until {left.due:%Y-%m-%d}" in said

    before, said = runs.run(10)
    assert (before.status, before.pending) == (NOT, (left,))
    assert f"{left.what} of {left.made:%Y-%m-%d}" in said

    broken, said = runs.run(20, LAB_CACHE_URL="redis://127.0.0.1:1")
    assert (broken.status, broken.pending) == (NOT, (left,))
    assert "its place was not looked at" in said
    assert runs.run(21, LAB_RIGHTS_KEY="another-key-of-the-lab")[1].count("made with another key") == 1
    blocked, _ = runs.run(22, LAB_API_URL="https://127.0.0.1:1")
    assert (blocked.status, blocked.pending) == (NOT, (left,))  # the drill could not even begin

    runs.bench.lab.cache.reset()
    after, said = runs.run(31)
    assert (after.status, after.pending) == (PASS, ())
    assert f"was pending until {left.due:%Y-%m-%d}, and is gone" in said


def test_still_there_though_the_limit_was_made_longer_meanwhile(runs: Runs) -> None:
    runs.bench.lab.people.faults.add("delete-leaves-cache")
    (left,) = runs.run(0)[0].pending
    runs.bench.lab.people.faults.clear()
    longer = [{**KEPT, "within": "P1Y"}]
    late, said = runs.run(31, longer)
    assert (late.status, late.pending) == (FAIL, (left,))
    assert f"it was to be gone by {left.due:%Y-%m-%d}, and is still there" in said
    alone, said = runs.run(31, longer, asked=False)
    assert alone.status is NOT
    assert "no ledger was asked what earlier runs left pending" in said


def test_a_ledger_that_cannot_be_read_or_was_pruned_is_no_pass(runs: Runs, tmp_path: Path) -> None:
    assert recalled(runs.ledger, "lab", CONTROL.id, "api.rights") == Earlier()
    runs.bench.lab.people.faults.add("delete-leaves-cache")
    runs.run(0)
    runs.bench.lab.people.faults.clear()
    runs.bench.lab.cache.reset()
    runs.ledger.prune("2999-01-01T00:00:00Z", "P1D")
    verdict, said = runs.run(1)
    assert verdict.status is NOT
    assert re.search(r"not known: the observations of run 1 were pruned", said)
    (tmp_path / "other").write_bytes(b"no ledger" * 500)
    told = recalled(Ledger(tmp_path / "other"), "lab", CONTROL.id, "api.rights")
    assert told.problem
    assert "\n" not in told.problem
