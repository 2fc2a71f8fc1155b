"""Proof that each control can fail: every plant fails exactly its controls, and the clean lab none."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from checks.core.model import Status, Verdict
from lab.plants import PLANTS
from tests.lab.workbench import ROOT, Workbench


def by_status(verdicts: list[Verdict]) -> dict[Status, set[str]]:
    """Return the ids of the controls with each status."""
    found: dict[Status, set[str]] = defaultdict(set)
    for verdict in verdicts:
        found[verdict.status].add(verdict.control)
    return found


def reasons(verdicts: list[Verdict]) -> list[str]:
    return [f"{v.control}[{v.target}]: {v.reason}" for v in verdicts if v.status is not Status.PASS]


def test_the_clean_lab_fails_nothing(bench: Workbench) -> None:
    verdicts = bench.judge()
    assert reasons(verdicts) == []
    assert len(verdicts) > 150


@pytest.mark.parametrize("name", PLANTS)
def test_a_plant_fails_exactly_its_controls(bench: Workbench, name: str) -> None:
    verdicts = bench.judge(bench.plant([PLANTS[name]]))
    found = by_status(verdicts)
    assert found[Status.FAIL] == set(PLANTS[name].fails), reasons(verdicts)
    assert not found[Status.NOT_ASSESSED], reasons(verdicts)


def test_every_control_can_fail() -> None:
    """House rule: a control without a plant that fails it has not been shown able to fail."""
    ids = {
        match[1]
        for path in Path(ROOT / "controls").glob("s*.yaml")
        if (match := re.search(r"^id: (\S+)", path.read_text("utf-8"), re.MULTILINE))
    }
    assert ids == {control for plant in PLANTS.values() for control in plant.fails}


def test_everything_planted_at_once_fails_every_control(bench: Workbench) -> None:
    found = by_status(bench.judge(bench.plant(list(PLANTS.values()))))
    assert found[Status.FAIL] == {control for plant in PLANTS.values() for control in plant.fails}
