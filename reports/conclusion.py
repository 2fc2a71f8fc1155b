"""What a run's verdicts add up to: the tally, the headline promises, the verdict at the top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, get_args

from checks.core import model
from checks.core.model import Run, Severity
from reports import shape
from reports.promises import HEADLINES, Headline

STATES: tuple[shape.State, ...] = get_args(shape.State)


def worst(states: Collection[shape.State]) -> shape.State:
    """Return the worst of ``states``; nothing at all is a run that did not happen."""
    return min(states, key=STATES.index, default="did-not-run")


def count(states: Iterable[str]) -> shape.Counts:
    """Return how often each state occurs, those at zero included."""
    counted = Counter(states)
    return {state: counted[state] for state in STATES}


def plural(number: int, noun: str) -> str:
    """Return ``1 verdict`` or ``1,200 verdicts``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def tally(controls: Collection[shape.Control], gaps: Sequence[model.Gap]) -> shape.Tally:
    """Count verdicts and controls; gaps of controls that nobody could load count as well."""
    known = {control["id"] for control in controls}
    lost = sum(gap.control not in known for gap in gaps)

    def added(chosen: Iterable[shape.Control]) -> Counter[str]:
        return sum((Counter(control["counts"]) for control in chosen), Counter())

    verdicts = added(controls) + Counter({"did-not-run": lost})
    return shape.Tally(
        verdicts={state: verdicts[state] for state in STATES},
        controls=count([control["state"] for control in controls] + ["did-not-run"] * lost),
        by_severity={
            severity.value: {state: counted[state] for state in STATES}
            for severity in Severity
            for counted in [added(control for control in controls if control["severity"] == severity.value)]
        },
    )


def coverage(sections: Iterable[model.Section]) -> shape.Coverage:
    """Count the policy's sentences by how they are covered."""
    clauses = [clause for section in sections for clause in section.clauses]
    counted = Counter(clause.status for clause in clauses)
    return shape.Coverage(
        sentences=len(clauses),
        automated=counted["automated"],
        attested=counted["attested"],
        not_testable=counted["not-testable"],
        uncovered=counted["uncovered"],
        gaps=[
            shape.Uncovered(id=clause.id, commitment=clause.commitment, why=clause.why)
            for clause in clauses
            if clause.status == "uncovered"
        ],
    )


def promises(
    sections: Iterable[shape.Section], controls: Mapping[str, shape.Control], unloaded: bool
) -> list[shape.Promise]:
    """Return the headline promises; ``unloaded`` says that some control could not be loaded."""
    clauses = {clause["id"]: clause for section in sections for clause in section["clauses"]}
    return [_promise(headline, clauses, controls, unloaded) for headline in HEADLINES]


def _promise(
    headline: Headline,
    clauses: Mapping[str, shape.Clause],
    controls: Mapping[str, shape.Control],
    unloaded: bool,
) -> shape.Promise:
    cited = [clauses[name] for name in headline.clauses if name in clauses]
    names = list(dict.fromkeys(name for clause in cited for name in clause["controls"]))
    known = [controls[name] for name in names if name in controls]
    counts: shape.Counts = {state: sum(control["counts"][state] for control in known) for state in STATES}
    counts["did-not-run"] += sum(name not in controls for name in names)
    verdicts = [verdict for control in known for verdict in control["verdicts"]]
    measures: Counter[str] = Counter()
    for verdict in verdicts:
        measures.update(verdict["measures"])
    state, reason = _promise_state(headline, clauses, counts, known, unloaded)
    return shape.Promise(
        id=headline.id,
        title=headline.title,
        clauses=list(headline.clauses),
        state=state,
        reason=reason,
        controls=names,
        verdicts=counts,
        measures=dict(sorted(measures.items())),
        oldest=max((v["oldest"] for v in verdicts if v["oldest"] is not None), default=None),
    )


def _promise_state(
    headline: Headline,
    clauses: Mapping[str, shape.Clause],
    counts: shape.Counts,
    known: Sequence[shape.Control],
    unloaded: bool,
) -> tuple[shape.PromiseState, str]:
    """Judge a promise: one failure breaks it, and anything left open means that it is not shown."""
    total = sum(counts.values())
    if counts["fail"]:
        failing = ", ".join(control["id"] for control in known if control["state"] == "fail")
        return "broken", f"{counts['fail']:,} of {plural(total, 'verdict')} fail: {failing}"
    missing = [name for name in headline.clauses if name not in clauses]
    uncovered = [
        name for name in headline.clauses if name in clauses and clauses[name]["state"] == "uncovered"
    ]
    empty = [
        name
        for name in headline.clauses
        if name in clauses and clauses[name]["state"] == "not-shown" and not clauses[name]["controls"]
    ]
    open_ends = [
        (missing, f"this policy has no sentence {', '.join(missing)}"),
        (uncovered or empty, f"no control covers {', '.join(uncovered + empty)}"),
        (counts["not-assessed"], f"{counts['not-assessed']:,} of {plural(total, 'verdict')} not assessed"),
        (counts["did-not-run"], f"{plural(counts['did-not-run'], 'expected verdict')} did not run"),
        (unloaded, "a control could not be loaded, and nobody knows whether it serves this promise"),
        (not total, "no control looks at it"),
    ]
    if said := [words for present, words in open_ends if present]:
        return "not-shown", "; ".join(said)
    waived = f", {counts['waived']:,} of them by waiver" if counts["waived"] else ""
    return "held", f"{plural(total, 'verdict')} of {plural(len(known), 'control')} hold{waived}"


def conclude(
    run: Run,
    numbers: shape.Tally,
    covered: shape.Coverage,
    waivers: Sequence[shape.Waiver],
    attestations: Sequence[shape.Attestation],
) -> shape.Conclusion:
    """Return the verdict at the top: compliant only if all that is testable ran and holds.

    A sentence that could be tested and has no control was not looked at, so it is no part of compliance.
    """
    verdicts, controls = numbers["verdicts"], numbers["controls"]
    total = sum(verdicts.values())
    failing, holding = verdicts["fail"], verdicts["pass"] + verdicts["waived"]
    state: Literal["compliant", "holds-with-gaps", "violations", "not-assessed"]
    if failing:
        state = "violations"
        by = [f"{n['fail']:,} {name}" for name, n in numbers["by_severity"].items() if n["fail"]]
        headline = (
            f"{failing:,} of {plural(total, 'verdict')} fail, on {plural(controls['fail'], 'control')}: "
            f"{', '.join(by)}."
        )
    elif not holding:
        state, headline = "not-assessed", "Nothing was shown: no verdict was reached."
    elif holding == total and run.complete:
        state = "holds-with-gaps" if covered["uncovered"] else "compliant"
        shown = f"{plural(total, 'verdict')} of {plural(len(run.controls), 'control')}"
        waived = f", {verdicts['waived']:,} of them by waiver" if verdicts["waived"] else ""
        headline = f"Every promise that is checked holds: {shown}{waived}."
    elif holding == total:
        state, headline = "not-assessed", "No violation was seen, but the run is incomplete."
    else:
        state = "not-assessed"
        headline = (
            f"No violation was seen, but only {holding:,} of {plural(total, 'verdict')} could be reached."
        )
    return shape.Conclusion(
        state=state,
        headline=headline,
        caveats=list(_caveats(run, verdicts, covered, waivers, attestations)),
        complete=run.complete,
        gate=run.gate.value,
        exit_code=run.exit_code,
    )


def _caveats(
    run: Run,
    verdicts: shape.Counts,
    covered: shape.Coverage,
    waivers: Sequence[shape.Waiver],
    attestations: Sequence[shape.Attestation],
) -> Iterable[str]:
    if run.errors:
        yield f"{plural(len(run.errors), 'control file')} could not be loaded."
    if run.gaps:
        yield f"{plural(len(run.gaps), 'expected verdict')} did not run."
    if verdicts["not-assessed"]:
        yield f"{plural(verdicts['not-assessed'], 'verdict')} could not be assessed."
    if verdicts["waived"]:
        yield f"{plural(verdicts['waived'], 'failure')} accepted by waiver."
    if expired := sum(waiver["expired"] for waiver in waivers):
        yield f"{plural(expired, 'waiver')} expired and no longer accepted."
    if stale := sum(attestation["expired"] for attestation in attestations):
        yield f"{plural(stale, 'attestation')} expired."
    if covered["uncovered"]:
        yield f"{plural(covered['uncovered'], 'testable sentence')} of the policy without a control."
    if run.gate is not Severity.LOW:
        yield f"The gate is {run.gate.value}: lesser failures are reported without stopping a release."
    if run.planted:
        yield f"Violations were planted for this run: {', '.join(run.planted)}."
