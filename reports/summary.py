"""From a run to everything that renderers need, computed once; pure, and linear in the verdicts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath

from checks.core import model
from checks.core.model import Run, Status
from reports import shape
from reports.conclusion import STATES, conclude, count, coverage, promises, tally, worst
from reports.evidence import Evidence
from reports.fingerprint import fingerprints
from reports.pending import listed
from reports.provenance import UNKNOWN, Origin
from reports.shape import BANNER, SCHEMA, Summary


def summarise(run: Run, root: PurePath | None = None, origin: Origin = UNKNOWN) -> Summary:
    """Return the summary of ``run``; paths below ``root`` are told from there, others by their end."""
    return _Summariser(run, root, origin).summary()


def instant(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class _Summariser:
    """Indexes of one run, each built once."""

    def __init__(self, run: Run, root: PurePath | None, origin: Origin) -> None:
        self.run = run
        self.origin = origin
        self.evidence = Evidence(root)
        self.today = run.ended.astimezone(UTC).date()
        self.accepted = Counter(waiver for verdict in run.verdicts for waiver in verdict.waived_by)
        self.waiver = {waiver: self._waiver(waiver) for waiver in run.waivers}
        self.waivers_of: dict[str, list[shape.Waiver]] = defaultdict(list)
        for waiver in run.waivers:
            self.waivers_of[waiver.control].append(self.waiver[waiver])
        self.verdicts_of: dict[str, list[shape.Verdict]] = defaultdict(list)
        self.states_on: dict[str, list[shape.State]] = defaultdict(list)  # by target
        for verdict in run.verdicts:
            shown = self._verdict(verdict)
            self.verdicts_of[verdict.control].append(shown)
            self.states_on[verdict.target].append(shown["state"])
        self.gaps = [
            shape.Gap(control=gap.control, target=gap.target, reason=self.evidence.text(gap.reason))
            for gap in run.gaps
        ]
        self.gaps_of: dict[str, list[shape.Gap]] = defaultdict(list)
        for gap in self.gaps:
            self.gaps_of[gap["control"]].append(gap)
        self.controls = {name: self._control(control) for name, control in run.controls.items()}
        self.citing: dict[str, dict[str, None]] = defaultdict(dict)  # clause → control ids, in order
        for section in run.sections:
            for clause in section.clauses:
                self.citing[clause.id].update(dict.fromkeys(clause.controls))
        for name, control in run.controls.items():
            for cited in control.clauses:
                self.citing[cited][name] = None
        self.first_section: dict[str, int] = {}
        for section in run.sections:
            for clause in section.clauses:
                for name in self.citing[clause.id]:
                    self.first_section.setdefault(name, section.number)

    def summary(self) -> Summary:
        """Put the parts in the order of a report."""
        run = self.run
        sections = [self._section(section) for section in run.sections]
        numbers = tally(self.controls.values(), run.gaps)
        attestations = [
            self._attestation(target, target.spec)
            for target in run.targets.values()
            if isinstance(target.spec, model.Attestation)
        ]
        covered = coverage(run.sections)
        waivers = [self.waiver[waiver] for waiver in run.waivers]
        crashes: dict[str, list[shape.Item]] = defaultdict(list)
        unassessed: dict[str, list[shape.Item]] = defaultdict(list)
        for verdict in run.verdicts:
            item = shape.Item(control=verdict.control, target=verdict.target)
            if verdict.crash:
                crashes[self.evidence.text(verdict.crash)].append(item)
            if verdict.status is Status.NOT_ASSESSED:
                unassessed[self.evidence.text(verdict.reason)].append(item)
        return Summary(
            schema=SCHEMA,
            verdict=conclude(run, numbers, covered, waivers, attestations),
            environment=shape.Environment(
                id=run.environment.id,
                label=run.environment.label,
                synthetic=run.environment.synthetic,
                banner=BANNER if run.environment.synthetic else None,
                planted=list(run.planted),
            ),
            run=shape.RunFacts(
                id=run.id,
                started=instant(run.started),
                ended=instant(run.ended),
                seconds=round((run.ended - run.started).total_seconds(), 3),
                version=run.version,
                python=run.python,
                host=run.host,
                git=self.origin.git,
                trigger=self.origin.trigger,
            ),
            policy=shape.Policy(
                id=run.policy.id,
                version=run.policy.version,
                effective=run.policy.effective,
                digest=run.policy.digest,
            ),
            counts=numbers,
            promises=promises(sections, self.controls, bool(run.errors)),
            failures=self._failures(),
            coverage=covered,
            sections=sections,
            elsewhere=[control for name, control in self.controls.items() if name not in self.first_section],
            not_assessed=[shape.NotAssessed(reason=why, items=items) for why, items in unassessed.items()],
            engine_failures=[shape.EngineFailure(trace=at, items=items) for at, items in crashes.items()],
            gaps=self.gaps,
            errors=[self.evidence.text(error) for error in run.errors],
            waivers=waivers,
            attestations=attestations,
            digests=dict(sorted(run.digests.items())),
            checks=dict(sorted(item for verdict in run.verdicts for item in verdict.checks.items())),
            ledger=None,
        )

    def _verdict(self, verdict: model.Verdict) -> shape.Verdict:
        control, target = self.run.controls[verdict.control], self.run.targets.get(verdict.target)
        state: shape.State = "waived" if verdict.waived else _STATE[verdict.status]
        expired = [
            waiver
            for waiver in self.waivers_of.get(verdict.control, ())
            if waiver["expired"] and waiver["target"] in (verdict.target, "*") and state == "fail"
        ]
        seen = self.evidence.observation
        measures = [o.measure for o in (*verdict.findings, *verdict.evidence) if o.measure is not None]
        looked = bool(measures) or bool(verdict.counts.get("met") or verdict.counts.get("violated"))
        kind = target.kind if target else "unknown"
        # Of what is shown, so that a fingerprint does not depend on where a checkout lies.
        findings = [seen(one, control.remediation) for one in verdict.findings]
        for one, mark in zip(
            findings, fingerprints(verdict.control, kind, verdict.target, findings), strict=True
        ):
            one["fingerprint"] = mark
        # A finding carries no measure, so nothing in it tells that only a sample was read: a control
        # that may look at a part is believed the whole only where it passed.
        part = any(PARTIAL & call.params.keys() for call in control.checks)
        sampled = (part and state != "pass") or any(m.of is not None and m.of > m.looked for m in measures)
        shown = shape.Verdict(
            target=verdict.target,
            title=target.title if target else verdict.target,
            kind=kind,
            state=state,
            reason=self.evidence.text(verdict.reason),
            counts={outcome: verdict.counts.get(outcome, 0) for outcome in ("met", "violated", "unseen")},
            measures=dict(sorted(verdict.measures.items())),
            extent="sampled" if sampled else "whole" if looked else "nothing",
            oldest=max((m.oldest for m in measures if m.oldest is not None), default=None),
            findings=findings,
            unseen=[seen(one) for one in verdict.unseen],
            evidence=[seen(one) for one in verdict.evidence],
            waivers=[self.waiver[waiver] for waiver in verdict.waived_by] + expired,
            started=instant(verdict.started),
            seconds=round(verdict.seconds, 4),
            crash=self.evidence.text(verdict.crash) if verdict.crash else None,
        )
        if verdict.pending:
            shown["pending"] = listed(verdict.pending)
        return shown

    def _control(self, control: model.Control) -> shape.Control:
        verdicts, gaps = self.verdicts_of.get(control.id, []), self.gaps_of.get(control.id, [])
        states: list[shape.State] = [verdict["state"] for verdict in verdicts]
        states += ["did-not-run"] * (len(gaps) or not verdicts)
        return shape.Control(
            id=control.id,
            title=control.title,
            clauses=list(control.clauses),
            commitment=control.commitment,
            severity=control.severity.value,
            owner=control.owner,
            remediation=control.remediation,
            checks=[call.name for call in control.checks],
            frameworks={name: list(parts) for name, parts in sorted(control.frameworks.items())},
            location=self.evidence.place(model.Location(control.path, control.line)),
            state=worst(states),
            counts=count(states),
            verdicts=verdicts,
            gaps=gaps,
        )

    def _section(self, section: model.Section) -> shape.Section:
        clauses = [self._clause(clause) for clause in section.clauses]
        names = dict.fromkeys(name for clause in clauses for name in clause["controls"])
        known = [self.controls[name] for name in names if name in self.controls]
        states = {clause["state"] for clause in clauses}
        # A section is as good as its worst sentence; sentences that no machine can see do not lift it.
        order: tuple[shape.ClauseState, ...] = ("broken", "not-shown", "uncovered", "held")
        return shape.Section(
            number=section.number,
            title=section.title,
            state=next((state for state in order if state in states), "not-testable"),
            counts={state: sum(control["counts"][state] for control in known) for state in STATES},
            clauses=clauses,
            controls=[control for control in known if self.first_section[control["id"]] == section.number],
            references=[
                shape.Reference(
                    id=control["id"],
                    title=control["title"],
                    section=self.first_section[control["id"]],
                    state=control["state"],
                )
                for control in known
                if self.first_section[control["id"]] != section.number
            ],
        )

    def _clause(self, clause: model.Clause) -> shape.Clause:
        names = list(self.citing[clause.id])
        states = {self.controls[name]["state"] if name in self.controls else "did-not-run" for name in names}
        state: shape.ClauseState
        if "fail" in states:
            state = "broken"
        elif clause.status == "uncovered":
            state = "uncovered"
        elif not names:
            state = "not-testable" if clause.status == "not-testable" else "not-shown"
        else:
            state = "held" if states <= {"pass", "waived"} else "not-shown"
        return shape.Clause(
            id=clause.id,
            commitment=clause.commitment,
            status=clause.status,
            state=state,
            controls=names,
            why=clause.why,
        )

    def _failures(self) -> list[shape.Failure]:
        rank = {severity.value: severity.rank for severity in model.Severity}
        failures = [
            shape.Failure(
                control=control["id"],
                title=control["title"],
                severity=control["severity"],
                target=verdict["target"],
                reason=verdict["reason"],
                clauses=control["clauses"],
                gated=rank[control["severity"]] <= self.run.gate.rank,
            )
            for control in self.controls.values()
            for verdict in control["verdicts"]
            if verdict["state"] == "fail"
        ]
        return sorted(failures, key=lambda failure: rank[failure["severity"]])

    def _waiver(self, waiver: model.Waiver) -> shape.Waiver:
        return shape.Waiver(
            control=waiver.control,
            target=waiver.target,
            subject=waiver.subject,
            reason=waiver.reason,
            approver=waiver.approver,
            expires=waiver.expires.isoformat(),
            days_left=(waiver.expires - self.today).days,
            expired=not waiver.in_force(self.today),
            accepts=self.accepted[waiver],
        )

    def _attestation(self, target: model.Target, spec: model.Attestation) -> shape.Attestation:
        states = self.states_on[target.id]
        return shape.Attestation(
            id=target.id,
            title=target.title,
            statement=spec.statement,
            owner=spec.owner,
            dated=spec.dated.isoformat(),
            expires=spec.expires.isoformat(),
            days_left=(spec.expires - self.today).days,
            expired=self.today > spec.expires,
            state=worst(states) if states else None,
        )


PARTIAL = frozenset({"sample", "time_budget"})
"""Parameters by which a control lets a check look at less than the whole."""
_STATE: Mapping[Status, shape.State] = {
    Status.PASS: "pass",
    Status.FAIL: "fail",
    Status.NOT_ASSESSED: "not-assessed",
}
