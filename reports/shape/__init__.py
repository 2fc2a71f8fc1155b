"""The shape of a summary: what ``report.json`` holds, and what every renderer is given.

``reports/report.schema.json`` says the same for readers in other languages. Moments are ISO 8601 in
UTC, days are ISO 8601 dates, digests are SHA-256 in hex, seconds are floats, paths are relative.
"""

from reports.shape.evidence import Control, Gap, Measure, Observation, Pending, Place, Verdict, Waiver
from reports.shape.policy import Clause, Coverage, Promise, Reference, Section, Uncovered
from reports.shape.report import (
    Attestation,
    Conclusion,
    EngineFailure,
    Environment,
    Failure,
    Git,
    Item,
    LedgerEntry,
    NotAssessed,
    Policy,
    RunFacts,
    Summary,
    Tally,
    Trigger,
)
from reports.shape.states import BANNER, SCHEMA, ClauseState, Counts, Extent, PromiseState, State

__all__ = [
    "BANNER",
    "SCHEMA",
    "Attestation",
    "Clause",
    "ClauseState",
    "Conclusion",
    "Control",
    "Counts",
    "Coverage",
    "EngineFailure",
    "Environment",
    "Extent",
    "Failure",
    "Gap",
    "Git",
    "Item",
    "LedgerEntry",
    "Measure",
    "NotAssessed",
    "Observation",
    "Pending",
    "Place",
    "Policy",
    "Promise",
    "PromiseState",
    "Reference",
    "RunFacts",
    "Section",
    "State",
    "Summary",
    "Tally",
    "Trigger",
    "Uncovered",
    "Verdict",
    "Waiver",
]
