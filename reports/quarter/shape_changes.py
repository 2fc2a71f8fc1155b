"""What changed in a period, from digests and from git, and the runs it is told from."""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.shape.states import Counts

What = Literal["policy", "controls", "coverage", "inventory", "waivers", "checks", "plan", "tool"]
"""What changed; ``plan``: which control is held against which target."""


class Change(TypedDict):
    """A difference between one run and the one before it."""

    what: What
    number: int
    started: str
    was: str | None  # digest, or version
    now: str | None
    commit_was: str | None
    commit_now: str | None
    dirty: bool
    details: list[str]  # one line each, such as "added: RET-09"


class Commit(TypedDict):
    """A commit that runs of the period were made from."""

    commit: str
    first_seen: str
    last_seen: str
    runs: int
    dirty_runs: int


class GitLog(TypedDict):
    """What git says of the period's commits; ``said`` tells why ``lines`` is empty."""

    available: bool
    said: str
    lines: list[str]  # git log --oneline, newest first


class Changes(TypedDict):
    """Changes in policy, controls, inventory, waivers and checks."""

    baseline: int | None  # the last run before the period, which the first is held against
    changes: list[Change]
    commits: list[Commit]
    git: GitLog


class RunBrief(TypedDict):
    """One run of the period in a line."""

    number: int
    id: str
    digest: str
    started: str
    ended: str
    version: str
    host: str
    by: str | None
    reference: str | None
    commit: str | None
    dirty: bool | None
    complete: bool
    exit_code: int
    state: str  # of its conclusion
    counts: Counts
    evidence_removed: bool
