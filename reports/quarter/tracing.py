"""Sentence → control → check → evidence, and back, as they stood in the last run of a period."""

from __future__ import annotations

from collections import Counter

from reports.quarter.definition import Definition, Obligation
from reports.quarter.history import History, Past
from reports.quarter.shape_coverage import (
    Traceability,
    TraceCheck,
    TraceClause,
    TraceControl,
    TraceTarget,
)
from reports.quarter.timelines import STATE
from reports.shape import Coverage, Uncovered


def traceability(history: History) -> Traceability:
    """Return the table in both directions; without a run in the period, there is no evidence in it."""
    model = history.model
    inside = bool(history.runs)
    definition = model.definition
    versions: dict[str, str] = history.part(model, "checks")
    clauses = [
        TraceClause(
            id=one.id,
            section=one.section,
            section_title=one.section_title,
            commitment=one.commitment,
            status=one.status,
            why=one.why,
            controls=list(one.controls),
        )
        for one in definition.sentences.values()
    ]
    names = dict.fromkeys([*definition.controls, *(n for one in clauses for n in one["controls"])])
    controls = [_control(model, name, definition.controls.get(name), versions, inside) for name in names]
    return Traceability(
        run=model.number if inside else None,
        clauses=clauses,
        controls=controls,
        checks=_checks(controls, versions),
        totals=_totals(definition),
        uncovered=_uncovered(definition),
    )


def _control(
    run: Past, name: str, known: Obligation | None, versions: dict[str, str], inside: bool
) -> TraceControl:
    checks = list(known.checks) if known else []
    items = [item for item in run.plan.where if item[0] == name]
    kept = inside and not run.removed
    return TraceControl(
        id=name,
        title=known.title if known else name,
        severity=known.severity if known else "",
        owner=known.owner if known else "",
        checks=checks,
        versions={check: versions[check] for check in checks if check in versions},
        frameworks={framework: list(parts) for framework, parts in known.frameworks} if known else {},
        clauses=list(known.clauses) if known else [],
        run=run.number,
        evidence=run.evidence.get(name) if kept else None,
        targets=[
            TraceTarget(target=item[1], state=STATE[run.plan.letter(run.states, item) or "d"])
            for item in items
            if inside
        ],
    )


def _checks(controls: list[TraceControl], versions: dict[str, str]) -> list[TraceCheck]:
    names = sorted({check for control in controls for check in control["checks"]})
    return [
        TraceCheck(
            name=name,
            version=versions.get(name),
            controls=[control["id"] for control in controls if name in control["checks"]],
            clauses=list(
                dict.fromkeys(
                    clause
                    for control in controls
                    if name in control["checks"]
                    for clause in control["clauses"]
                )
            ),
        )
        for name in names
    ]


def _totals(definition: Definition) -> Coverage:
    counted = Counter(one.status for one in definition.sentences.values())
    return Coverage(
        sentences=len(definition.sentences),
        automated=counted["automated"],
        attested=counted["attested"],
        not_testable=counted["not-testable"],
        uncovered=counted["uncovered"],
        gaps=_uncovered(definition),
    )


def _uncovered(definition: Definition) -> list[Uncovered]:
    return [
        Uncovered(id=one.id, commitment=one.commitment, why=one.why)
        for one in definition.sentences.values()
        if one.status == "uncovered"
    ]
