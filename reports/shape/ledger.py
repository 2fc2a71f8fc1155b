"""What the ledger keeps of a run: a head that its digest covers, and blocks that the head names."""

from __future__ import annotations

from typing import Literal, TypedDict

from reports.shape.report import Conclusion, Environment, Policy, RunFacts, Tally

RUN_HEAD = "urn:policyproof:ledger-run:1"
PRUNE_HEAD = "urn:policyproof:ledger-prune:1"

LETTERS: dict[str, str] = {
    "pass": "p",
    "fail": "f",
    "waived": "w",
    "not-assessed": "n",
    "did-not-run": "d",
}
"""State of a verdict → its letter in :attr:`RunHead.states`."""


class RunHead(TypedDict):
    """A run in brief. Its canonical JSON is what the digest of an entry covers.

    All digests are SHA-256, in hex, of a block's canonical JSON. ``plan`` is a block of
    ``[control, target, severity]`` in order (target ``""`` where a control selected nothing),
    ``states`` holds one letter of :data:`LETTERS` for each. ``findings`` is a block of
    ``[control, target, [fingerprint, …], more]`` for what fails or is waived, ``more`` counting the
    findings that were cut from the list. ``evidence`` maps a control to the block of its verdicts,
    without their times, which are in ``times`` as ``[started, seconds]`` in the order of the plan
    (``null`` where nothing ran).
    ``parts`` maps each other key of a summary to its block. ``report`` is the digest of the whole summary.
    """

    schema: str
    run: RunFacts
    environment: Environment
    policy: Policy
    verdict: Conclusion
    counts: Tally
    digests: dict[str, str]
    plan: str
    states: str
    findings: str
    evidence: dict[str, str]
    times: str
    parts: dict[str, str]
    report: str


class PruneHead(TypedDict):
    """That observations of old runs were removed: blocks of runs that ended before ``before``."""

    schema: str
    id: str
    at: str
    before: str
    keep: str
    runs: int
    blocks: int
    bytes: int


EntryKind = Literal["run", "prune"]
