"""A summary as flat rows, for formats that know one thing found and nothing above it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from reports.renderers import words
from reports.renderers.words import counted
from reports.shape import Control, Gap, Observation, Place, State, Summary, Verdict
from reports.shape.compare import Comparison

SEVERITIES = ("critical", "high", "medium", "low")
"""Severities, worst first."""

_DECLARED = ("processor", "export", "attestation", "inventory", "dataset")
"""Kinds of target whose places are in the inventory."""

Kind = Literal["found", "unseen", "holds", "gap"]
"""A violation, what was not looked at, a verdict that holds, and what did not run."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to tell. ``seen`` is ``None`` where it is told of a whole verdict, or of what did not run.

    ``state`` is that of the verdict. ``more`` counts the findings that a verdict had beyond those listed.
    ``nth`` numbers rows of one fingerprint, so that two of them stay two wherever they are matched by it.
    """

    kind: Kind
    control: Control
    verdict: Verdict | None
    state: State
    target: str
    seen: Observation | None
    reason: str
    more: int = 0
    first: bool = True
    fingerprint: str = ""
    nth: int = 1

    @property
    def severity(self) -> str:
        """The severity of the control."""
        return self.control["severity"]

    @property
    def unique(self) -> str:
        """The fingerprint, or one made of it for the second and further rows of it."""
        return self.fingerprint if self.nth == 1 else _digest(self.fingerprint, str(self.nth))

    @property
    def text(self) -> str:
        """What is to be told, on its own: also without the control's title and its target."""
        if self.seen is not None:
            said = f"{self.seen['subject']}: {self.seen['detail']}"
            if self.seen["location"] is not None:
                said += f" ({words.place(self.seen['location'])})"
        else:
            said = self.reason
        if self.kind == "unseen":
            said = f"not assessed: {said}"
        elif self.kind == "gap" and not said.startswith("did not run"):
            said = f"did not run: {said}"
        return said + (f"; {counted(self.more, 'more finding')} not listed" if self.more else "")

    @property
    def place(self) -> Place | None:
        """Where it stands, if anything is said of that."""
        return self.seen["location"] if self.seen is not None else None

    @property
    def remedy(self) -> str:
        """What to do about it: the observation's own advice, or that of the control."""
        own = self.seen["remediation"] if self.seen is not None else None
        return own or self.control["remediation"]


def controls(summary: Summary) -> Iterator[Control]:
    """Yield every control once, in the order of a report."""
    for section in summary["sections"]:
        yield from section["controls"]
    yield from summary["elsewhere"]


def source_files(chosen: Iterable[Control]) -> frozenset[str]:
    """Return the paths in the folder of the run: of controls, and of the inventory if pointed at."""
    known = set()
    for control in chosen:
        known.add(control["location"]["path"])
        for verdict in control["verdicts"]:
            if verdict["kind"] in _DECLARED:
                for seen in (*verdict["findings"], *verdict["unseen"], *verdict["evidence"]):
                    if seen["location"] is not None:
                        known.add(seen["location"]["path"])
    return frozenset(known)


def rows(summary: Summary) -> Iterator[Row]:
    """Yield what was found and what was not looked at, and a row for each verdict that has neither.

    What did not run is among them where its control is known; ``summary["gaps"]`` has the rest.
    """
    occurred: defaultdict[str, int] = defaultdict(int)
    for control in controls(summary):
        for row in _of(control):
            mark = fingerprint(row)
            occurred[mark] += 1
            yield Row(
                row.kind,
                control,
                row.verdict,
                row.state,
                row.target,
                row.seen,
                row.reason,
                row.more,
                row.first,
                mark,
                occurred[mark],
            )


def fingerprint(row: Row) -> str:
    """Return what a row is known by from run to run: the observation's own, or one of its verdict."""
    if row.seen is not None:
        if row.seen["fingerprint"]:
            return row.seen["fingerprint"]
        where = row.seen["location"]["path"] if row.seen["location"] else ""
        return _digest(
            row.kind, row.control["id"], row.target, row.seen["subject"], where, row.seen["detail"]
        )
    return _digest(row.kind, row.control["id"], row.target)


def _of(control: Control) -> Iterator[Row]:
    for verdict in control["verdicts"]:
        yield from _of_verdict(control, verdict)
    for gap in control["gaps"]:
        yield _gap(control, gap)


def _of_verdict(control: Control, verdict: Verdict) -> Iterator[Row]:
    state, target, reason = verdict["state"], verdict["target"], verdict["reason"]
    first = True
    if state in ("fail", "waived"):
        listed = verdict["findings"]
        left = max(verdict["counts"]["violated"] - len(listed), 0)
        for index, seen in enumerate(listed, start=1):
            more = left if index == len(listed) else 0
            yield Row("found", control, verdict, state, target, seen, reason, more, first)
            first = False
        if not listed:
            yield Row("found", control, verdict, state, target, None, reason, left)
            first = False
    unseen = verdict["unseen"]
    left = max(verdict["counts"]["unseen"] - len(unseen), 0)
    for index, seen in enumerate(unseen, start=1):
        more = left if index == len(unseen) else 0
        yield Row("unseen", control, verdict, state, target, seen, reason, more, first)
        first = False
    if state == "not-assessed" and not unseen:
        yield Row("unseen", control, verdict, state, target, None, reason)
    elif first:
        yield Row("holds", control, verdict, state, target, None, reason)


def _gap(control: Control, gap: Gap) -> Row:
    return Row("gap", control, None, "did-not-run", gap["target"] or "", None, gap["reason"])


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]


class Turns:
    """What became of each row since the run that a comparison holds this one against."""

    def __init__(self, comparison: Comparison) -> None:
        self.known = comparison["baseline"] is not None
        self._new = _keys(comparison, "new")
        self._still = _keys(comparison, "still_failing")
        self._lost = {(one["control"], one["target"]) for one in comparison["no_longer_assessed"]}

    def of(self, row: Row) -> str:
        """Return ``new``, ``still-failing``, ``no-longer-assessed``, or nothing where nothing turned.

        A finding that no list names is *new*: better told twice than held for old.
        """
        if row.kind == "holds":
            return ""
        if row.kind != "found":
            return "no-longer-assessed" if (row.control["id"], row.target) in self._lost else ""
        keys = {(row.control["id"], row.target, mark) for mark in (row.fingerprint, None)}
        if not keys & self._new and (keys & self._still or row.state == "waived"):
            return "still-failing"
        return "new"


def _keys(comparison: Comparison, name: Literal["new", "still_failing"]) -> set[tuple[str, str, str | None]]:
    return {(one["control"], one["target"], one["fingerprint"]) for one in comparison[name]}
