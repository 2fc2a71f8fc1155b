"""What observations mean. The rule of verdict stands here and nowhere else."""

from __future__ import annotations

import fnmatch
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from checks.core.errors import NotAssessed, one_line
from checks.core.model import Observation, Outcome, Pending, Status, Waiver

KEPT = 200
"""Observations of each outcome a verdict keeps; the counts say how many there were."""


@dataclass
class Judgement:
    """Gathers observations as they come, so that those before a break are not lost."""

    waivers: Sequence[Waiver] = ()
    today: date = date.min
    findings: list[Observation] = field(default_factory=list)
    unseen: list[Observation] = field(default_factory=list)
    evidence: list[Observation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    measures: Counter[str] = field(default_factory=Counter)
    used: dict[int, Waiver] = field(default_factory=dict)
    unwaived: int = 0
    broke: str | None = None
    crash: str | None = None
    pending: dict[tuple[str, str], Pending] = field(default_factory=dict)

    def hear(self, observations: Iterable[Observation]) -> None:
        """Take in everything a check yields, and how it ended."""
        try:
            for observation in observations:
                self._take(observation)
        except NotAssessed as error:
            self.broke = error.reason
        except Exception as error:  # our own bug: shown as such, never a pass
            self.broke = f"the check crashed: {type(error).__name__} at {where(error)}"
            self.crash = frames(error)

    def _take(self, seen: Observation) -> None:
        measure = seen.measure
        if seen.pending is not None:
            self.pending[seen.pending.key] = seen.pending
        if measure is not None:
            self.measures[measure.unit] += measure.looked
            if measure.size is not None:
                self.measures["bytes"] += measure.size
            if seen.outcome is Outcome.MET and measure.looked == 0 and not measure.may_be_empty:
                seen = Observation.unseen(
                    seen.subject, f"nothing to look at: 0 {measure.unit}", seen.location
                )
        self.counts[seen.outcome.value] += 1
        if seen.outcome is Outcome.VIOLATED:
            self._waive(seen)
        kept = {
            Outcome.VIOLATED: self.findings,
            Outcome.UNSEEN: self.unseen,
            Outcome.MET: self.evidence,
        }[seen.outcome]
        if len(kept) < KEPT:
            kept.append(seen)

    def _waive(self, seen: Observation) -> None:
        for number, waiver in enumerate(self.waivers):
            if waiver.in_force(self.today) and fnmatch.fnmatchcase(seen.subject, waiver.subject):
                self.used[number] = waiver
                return
        self.unwaived += 1

    @property
    def waived_by(self) -> tuple[Waiver, ...]:
        """The waivers that together accept every violation seen, or nothing."""
        if self.counts["violated"] and not self.unwaived and self.complete:
            return tuple(self.used[number] for number in sorted(self.used))
        return ()

    @property
    def complete(self) -> bool:
        """Whether the look went to its end and left nothing out."""
        return self.broke is None and not self.counts["unseen"]

    def conclude(self) -> tuple[Status, str]:
        """Return the verdict and its reason in one line."""
        violated, unseen, met = (
            self.counts[o.value] for o in (Outcome.VIOLATED, Outcome.UNSEEN, Outcome.MET)
        )
        if violated:
            broke = f"; then the look broke off: {self.broke}" if self.broke else ""
            return Status.FAIL, _count(violated, "violation") + broke
        if self.broke is not None:
            return Status.NOT_ASSESSED, self.broke
        if unseen:
            first = self.unseen[0]
            more = f" (and {unseen - 1} more)" if unseen > 1 else ""
            return Status.NOT_ASSESSED, one_line(f"{first.subject}: {first.detail}{more}")
        if not met:
            return Status.NOT_ASSESSED, "the check looked at nothing"
        return Status.PASS, f"{_count(met, 'observation')} as demanded"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def where(error: BaseException) -> str:
    """Return ``file.py:line`` of the innermost frame: names code, holds no value."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{Path(last[0].filename).name}:{last[0].lineno}" if last else "?"


def frames(error: BaseException) -> str:
    """Return the way to a crash as file, line and function of each frame.

    The exception's own text is left out, as it may hold a value read from a target.
    """

    def walk(current: BaseException) -> Iterator[str]:
        if current.__cause__ is not None:
            yield from walk(current.__cause__)
        for frame in traceback.extract_tb(current.__traceback__):
            file = Path(frame.filename)
            yield f"  {file.parent.name}/{file.name}:{frame.lineno} in {frame.name}"
        yield f"{type(current).__name__} (its text is withheld: it may hold data)"

    return "\n".join(walk(error))
