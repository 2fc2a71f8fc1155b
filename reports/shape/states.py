"""The words in which a summary counts: states of verdicts, clauses and promises."""

from __future__ import annotations

from typing import Literal

SCHEMA = "urn:policyproof:report:2"
"""Identifies the shape; also the ``$id`` of ``report.schema.json``."""
BANNER = "LAB — synthetic data, says nothing about production"

State = Literal["fail", "not-assessed", "did-not-run", "waived", "pass"]
"""What one control on one target came to, as a report counts it; worst first."""
ClauseState = Literal["broken", "not-shown", "uncovered", "not-testable", "held"]
PromiseState = Literal["broken", "not-shown", "held"]
Extent = Literal["whole", "sampled", "nothing"]

Counts = dict[str, int]
"""Every :data:`State`, also those at zero → how many."""
