"""Controls as pytest items: ``controls/<file>.yaml::CARD-01[cloud-db]``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checks.core.model import Control, Observation, Status, Target, Verdict
from checks.core.plan import Plan
from checks.core.session import Session

SHOWN = 10
"""Findings shown in the terminal; the report has more."""

plan_key = pytest.StashKey[Plan]()
session_key = pytest.StashKey[Session]()


class VerdictFailure(Exception):
    """Carries a verdict that is no pass to pytest's report; never seen by a person as such."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


@cache
def _mark(name: str) -> pytest.MarkDecorator:
    mark: pytest.MarkDecorator = getattr(pytest.mark, name)
    return mark


def markers_of(control: Control) -> tuple[str, ...]:
    """Return the marker names of a control: severity, families, sections."""
    sections = dict.fromkeys(f"section_{clause.split('.')[0]}" for clause in control.clauses)
    return (control.severity.value, *control.families, *sections)


class ControlFile(pytest.File):
    """A YAML file in the controls folder."""

    def collect(self) -> Iterator[ControlItem]:
        """Yield one item for each target of the control; a broken file is one collection error."""
        plan = self.config.stash[plan_key]
        error = plan.errors.get(self.path.name)
        if error is not None:
            raise self.CollectError(str(error))
        control = plan.control_in(self.path)
        if control is None:
            raise self.CollectError(f"{self.name}: appeared while the run was being planned; run again")
        marks = [_mark(name) for name in markers_of(control)]
        for target in plan.targets[control.id]:
            yield ControlItem.from_parent(
                self, name=f"{control.id}[{target.id}]", control=control, target=target, marks=marks
            )


class ControlItem(pytest.Item):
    """One control on one target."""

    def __init__(
        self, *, control: Control, target: Target, marks: list[pytest.MarkDecorator], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.control = control
        self.target = target
        for mark in marks:
            self.own_markers.append(mark.mark)
            self.keywords[mark.name] = mark
        self.verdict: Verdict | None = None

    def runtest(self) -> None:
        """Run the control; anything but a pass is raised for the report."""
        self.verdict = self.config.stash[session_key].run(self.control, self.target)
        if self.verdict.status is not Status.PASS and not self.verdict.waived:
            raise VerdictFailure(self.verdict)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the failure in the words of the control; our own bugs keep their traceback."""
        if isinstance(excinfo.value, VerdictFailure):
            return explain(self.control, self.target, excinfo.value.verdict, self.environment)
        return super().repr_failure(excinfo, style)

    @property
    def environment(self) -> str:
        """The label of the environment looked at."""
        return self.config.stash[plan_key].inventory.environment.label

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where the control stands, for editors that jump there."""
        return self.path, self.control.line - 1, f"{self.control.id} {self.control.title} [{self.target.id}]"


def explain(control: Control, target: Target, verdict: Verdict, environment: str) -> str:
    """Return what failed, where, which clause, and what to do, as lines for a terminal."""
    clauses = ", ".join(control.clauses)
    lines = [
        f"{control.id} {control.title}",
        f"  severity    {control.severity.value} · policy clause {clauses} · owner {control.owner}",
        f"  promise     {control.commitment}",
        f"  target      {target.id}: {target.title} · {environment}",
        f"  verdict     {verdict.status.value}: {verdict.reason}",
    ]
    # A fail may have left things out too: both are told.
    for word, outcome, seen_so in (
        ("found", "violated", verdict.findings),
        ("not seen", "unseen", verdict.unseen),
    ):
        lines += [f"  {word:<11} {describe(seen)}" for seen in seen_so[:SHOWN]]
        if len(seen_so) > SHOWN:
            lines.append(f"              … and {verdict.counts[outcome] - SHOWN} more, in the report")
    remedies = dict.fromkeys(seen.remediation for seen in verdict.findings[:SHOWN] if seen.remediation)
    lines += [f"  remedy      {text}" for text in (*remedies, control.remediation)]
    lines.append(f"  control     {control.path}:{control.line}")
    if verdict.crash:
        lines += ["  a bug of policyproof, please report it:", *("  " + x for x in verdict.crash.split("\n"))]
    return "\n".join(lines)


def describe(seen: Observation) -> str:
    """Return one observation as a line: where, what."""
    where = f"{seen.location}: " if seen.location is not None else ""
    return f"{where}{seen.subject}: {seen.detail}"
