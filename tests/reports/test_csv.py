"""CSV of a run: a row for each finding and each verdict, and no cell that a spreadsheet computes."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath

import factories
import golden_files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.model import Run
from reports.compare import compare, past_summary
from reports.renderers import csv_
from reports.shape import Summary
from reports.summary import summarise


def summary(run: Run) -> Summary:
    return summarise(run, PurePath(factories.ROOT))


def table(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    assert reader.fieldnames == list(csv_.COLUMNS)
    rows = list(reader)
    assert not [row for row in rows if None in row or None in row.values()]
    return rows


def test_golden() -> None:
    golden_files.check("run-rich.csv", csv_.render(summary(factories.rich())))


@pytest.mark.parametrize("run", [factories.clean, factories.rich, factories.hostile, factories.incomplete])
def test_every_verdict_and_every_finding_has_a_row(run: Callable[[], Run]) -> None:
    made = run()
    rows = table(csv_.render(summary(made)))
    told = {(row["control"], row["target"]) for row in rows if row["control"]}
    assert told == {(one.control, one.target) for one in made.verdicts} | {
        (gap.control, gap.target or "") for gap in made.gaps
    }
    violated = Counter((row["control"], row["target"]) for row in rows if row["outcome"] == "violated")
    for verdict in made.verdicts:
        assert violated[verdict.control, verdict.target] == len(verdict.findings)
    assert len([row for row in rows if not row["control"]]) == len(made.errors)


def test_what_was_only_counted_is_told() -> None:
    rows = table(csv_.render(summary(factories.violating())))
    assert sum(int(row["more"] or 0) for row in rows) == 120


def test_a_state_is_that_of_the_verdict() -> None:
    states = {
        (row["control"], row["target"]): row["state"] for row in table(csv_.render(summary(factories.rich())))
    }
    assert states["CARD-01", "cloud-db"] == "not-assessed"
    assert states["CARD-02", "cloud-db"] == "fail"
    assert states["RET-01", "cloud-db.orders"] == "waived"
    assert states["RET-02", "nightly-backups"] == "did-not-run"
    assert states["CARD-02", "project-db"] == "pass"


def test_changes() -> None:
    before, now = summary(factories.violating()), summary(factories.rich())
    rows = table(csv_.render(now, compare(now, past_summary(before))))
    turns = {(row["control"], row["target"], row["change"]) for row in rows}
    assert ("PROC-02", "mailer", "still-failing") in turns
    assert ("CARD-01", "cloud-db", "no-longer-assessed") in turns
    assert ("CARD-02", "project-db", "") in turns
    assert {row["change"] for row in table(csv_.render(now))} == {""}
    assert "new" in {row["change"] for row in table(csv_.render(now, compare(now, None)))}


@given(st.text(max_size=20))
def test_no_cell_is_a_formula(text: str) -> None:
    cell = csv_._safe(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert cell.removeprefix("'") == text.removeprefix("'")


@pytest.mark.parametrize("text", ["=1+1", " =1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_a_hostile_name_gets_a_quote(text: str) -> None:
    made = summary(factories.violating())
    for section in made["sections"]:
        for control in section["controls"]:
            control["owner"] = text
            for verdict in control["verdicts"]:
                for seen in verdict["findings"]:
                    seen["subject"] = text
    rows = table(csv_.render(made))
    assert {row["owner"] for row in rows} == {f"'{text}"}
    assert {row["subject"] for row in rows if row["outcome"] == "violated"} == {f"'{text}"}
