"""The policy by section and sentence, and what came of its promises."""

from __future__ import annotations

from typing import TypedDict

from reports.shape.evidence import Control
from reports.shape.states import ClauseState, Counts, PromiseState, State


class Promise(TypedDict):
    """One of the promises that people ask about first, with the numbers behind its state.

    ``measures`` adds up what each of its verdicts looked at, so that what two controls looked at
    counts twice; ``oldest`` is the greatest age seen, in seconds.
    """

    id: str
    title: str
    clauses: list[str]
    state: PromiseState
    reason: str
    controls: list[str]
    verdicts: Counts
    measures: dict[str, int]
    oldest: float | None


class Reference(TypedDict):
    """A control that is shown in full in another section."""

    id: str
    title: str
    section: int
    state: State


class Clause(TypedDict):
    """One sentence of the policy, in our words, with how it is covered and what came of it."""

    id: str
    commitment: str
    status: str
    state: ClauseState
    controls: list[str]
    why: str | None


class Section(TypedDict):
    """One section of the policy; each control is in full in the first section that it cites."""

    number: int
    title: str
    state: ClauseState
    counts: Counts
    clauses: list[Clause]
    controls: list[Control]
    references: list[Reference]


class Uncovered(TypedDict):
    """A sentence that no control covers."""

    id: str
    commitment: str
    why: str | None


class Coverage(TypedDict):
    """How many of the policy's sentences are covered how."""

    sentences: int
    automated: int
    attested: int
    not_testable: int
    uncovered: int
    gaps: list[Uncovered]
