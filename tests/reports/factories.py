"""Runs of every kind that a report must tell apart, built without touching anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from checks.core.model import (
    Attestation,
    CheckCall,
    Clause,
    Control,
    Environment,
    Gap,
    Location,
    Measure,
    Observation,
    PolicyVersion,
    Run,
    Section,
    Severity,
    Status,
    Target,
    Verdict,
    Waiver,
)

STARTED = datetime(2026, 11, 24, 9, 14, 8, tzinfo=UTC)
ROOT = "/srv/checkout"  # what the run was started from, in locations that are absolute

SENTENCES = (2, 5, 2, 3, 3, 3, 3, 4, 3, 3, 2, 3, 2, 1)
TITLES = (
    "Who speaks and about what",
    "What is collected",
    "What it is used for",
    "Cookies and browser storage",
    "Payments",
    "Providers",
    "What customers keep in projects",
    "Security",
    "How long data is kept",
    "Rights and choices",
    "Processing abroad",
    "Children",
    "Changes of the policy",
    "Whom to write to",
)

CONTROLS = {
    "CARD-01": ("No column is made for a card number", Severity.CRITICAL, ("2.4", "5.3")),
    "CARD-02": ("No stored value is a full card number", Severity.CRITICAL, ("2.4",)),
    "SALE-01": ("No recipient has a purpose of sale", Severity.CRITICAL, ("3.2",)),
    "SALE-02": ("The site loads no advertising host", Severity.HIGH, ("4.1", "3.2")),
    "PROC-01": ("Database grants are within what is declared", Severity.HIGH, ("6.1", "6.2")),
    "PROC-02": ("Agreements are in force and forbid other use", Severity.MEDIUM, ("6.2", "6.3")),
    "RET-01": ("The oldest row is within its limit", Severity.HIGH, ("9.1",)),
    "RET-02": ("Logs and backups are kept for a limited time", Severity.HIGH, ("9.2", "9.3")),
    "ATT-01": ("Every attestation is in force", Severity.LOW, ("8.4",)),
}
ON = {
    "CARD-01": ("cloud-db", "project-db", "cloud-openapi"),
    "CARD-02": ("cloud-db", "project-db"),
    "SALE-01": ("paddle", "mailer"),
    "SALE-02": ("site",),
    "PROC-01": ("paddle", "mailer"),
    "PROC-02": ("paddle", "mailer"),
    "RET-01": ("cloud-db.accounts", "cloud-db.orders"),
    "RET-02": ("request-log", "nightly-backups"),
    "ATT-01": ("incident-response",),
}
KINDS = {
    "cloud-db": "sql",
    "project-db": "sql",
    "cloud-openapi": "schema",
    "paddle": "processor",
    "mailer": "processor",
    "site": "site",
    "cloud-db.accounts": "dataset",
    "cloud-db.orders": "dataset",
    "request-log": "log",
    "nightly-backups": "backup",
    "incident-response": "attestation",
}


def control(name: str) -> Control:
    title, severity, clauses = CONTROLS[name]
    family = name.partition("-")[0].lower()
    return Control(
        id=name,
        title=title,
        clauses=clauses,
        commitment=f"{title}, so that the promise holds.",
        severity=severity,
        owner="platform",
        applies_to={},
        checks=(CheckCall(f"{family}.{name.lower().replace('-', '_')}"),),
        remediation=f"Mend what {name} names, then run it again.",
        path=f"controls/{name.lower()}.yaml",
        line=1,
        frameworks={"GDPR": ("5(1)(e)",)},
    )


def target(name: str) -> Target:
    kind = KINDS[name]
    spec = (
        Attestation(
            name,
            "An incident runbook exists and is rehearsed.",
            "security",
            date(2026, 1, 5),
            date(2027, 1, 5),
        )
        if kind == "attestation"
        else None
    )
    return Target(name, kind, name.replace("-", " ").capitalize(), spec)


def passing(control: str, target: str, *, of: int | None = None) -> Verdict:
    seen = Observation.met(
        f"{target}.all", "as demanded", Measure(12_000, "rows", of=of, size=3_200_000, oldest=86_400.0 * 400)
    )
    return Verdict(
        control,
        target,
        Status.PASS,
        "1 observation as demanded",
        evidence=(seen,),
        counts={"met": 1},
        measures={"rows": 12_000, "bytes": 3_200_000},
        started=STARTED + timedelta(seconds=1),
        seconds=0.25,
        checks={f"{control.partition('-')[0].lower()}.check": "3f2a9c"},
    )


def failing(control: str, target: str, findings: int = 1) -> Verdict:
    seen = tuple(
        Observation.violated(
            f"{target}.column_{number}",
            "5 of 9,000 rows hold what they must not: 4111••••••••1111",
            Measure(9_000, "rows"),
            Location(f"{ROOT}/db/migrations/00{number}.sql", number + 3),
            "Empty the column first." if number == 0 else None,
        )
        for number in range(min(findings, 200))
    )
    return replace(
        passing(control, target),
        status=Status.FAIL,
        reason=f"{findings} violation" + ("s" if findings > 1 else ""),
        findings=seen,
        counts={"met": 1, "violated": findings},
    )


def unreached(control: str, target: str, reason: str = "nothing answers at $LAB_CLOUD_DB_URL") -> Verdict:
    return replace(
        passing(control, target),
        status=Status.NOT_ASSESSED,
        reason=reason,
        evidence=(),
        counts={},
        measures={},
    )


def sections(uncovered: tuple[str, ...] = ()) -> tuple[Section, ...]:
    def clause(name: str) -> Clause:
        controls = tuple(one for one, (_, _, cited) in CONTROLS.items() if name in cited)
        status = "not-testable" if not controls else "attested" if name == "8.4" else "automated"
        why = None if controls else "It tells, and promises nothing."
        if name in uncovered:
            status, why, controls = "uncovered", "No connector reads it yet.", ()
        return Clause(name, f"What sentence {name} promises, in our words.", status, controls, why)

    return tuple(
        Section(number, title, tuple(clause(f"{number}.{n}") for n in range(1, sentences + 1)))
        for number, (title, sentences) in enumerate(zip(TITLES, SENTENCES, strict=True), start=1)
    )


def clean(*, synthetic: bool = True) -> Run:
    """Everything passes."""
    controls = {name: control(name) for name in CONTROLS}
    return Run(
        id="0b5c0f5e-6a52-4a7e-9d0e-0d0c6f7f4a11",
        environment=Environment("lab", "Lab (bundled, synthetic data)", "LAB_", "lab", True)
        if synthetic
        else Environment("production", "Production", "ENFYRA_PRODUCTION_", "enfyra", False),
        planted=(),
        started=STARTED,
        ended=STARTED + timedelta(seconds=4.2),
        version="0.1.0",
        python="3.11.9",
        host="build-7",
        gate=Severity.LOW,
        exit_code=0,
        policy=PolicyVersion("lab" if synthetic else "enfyra", "3", "2026-01-15", "ab" * 32),
        sections=sections(),
        controls=controls,
        targets={name: target(name) for name in KINDS},
        verdicts=tuple(passing(name, on) for name in sorted(CONTROLS) for on in ON[name]),
        gaps=(),
        errors=(),
        waivers=(),
        digests={"inventory": "cd" * 32, "controls": "ef" * 32, "policy_lock": "01" * 32},
    )


def having(run: Run, *verdicts: Verdict) -> Run:
    """``run`` with these verdicts in the place of those on the same item."""
    placed = {(v.control, v.target): v for v in (*run.verdicts, *verdicts)}
    return replace(run, verdicts=tuple(placed[key] for key in sorted(placed)))


def violating() -> Run:
    """Two failures: one critical with many findings, one of medium severity."""
    run = having(clean(), failing("CARD-02", "cloud-db", 320), failing("PROC-02", "mailer"))
    return replace(run, exit_code=1, planted=("card-in-orders", "agreement-ended"))


def not_assessed() -> Run:
    """A database that does not answer, and a crash of our own."""
    down = [unreached(name, on) for name, on in (("CARD-01", "cloud-db"), ("CARD-02", "cloud-db"))]
    crash = replace(
        unreached("SALE-02", "site", "the check crashed: KeyError at sale.py:41"),
        crash="  checks/sale.py:41 in no_advertising_host\nKeyError (its text is withheld: it may hold data)",
    )
    return replace(having(clean(synthetic=False), *down, crash), exit_code=3)


def waiver(expires: date = date(2026, 12, 31)) -> Waiver:
    return Waiver(
        "PROC-02", "mailer", "mailer.*", "Renewal is being signed (RISK-212).", "A. Approver", expires, 3
    )


def waived() -> Run:
    """One failure, accepted by a waiver in force."""
    accepted = waiver()
    verdict = replace(failing("PROC-02", "mailer"), waived_by=(accepted,))
    return replace(having(clean(), verdict), waivers=(accepted,))


def expired_waiver() -> Run:
    """The same failure, whose waiver ended nine days before."""
    run = having(clean(), failing("PROC-02", "mailer"))
    return replace(run, waivers=(waiver(date(2026, 11, 15)),), exit_code=1)


def incomplete() -> Run:
    """A control that did not run on one target, one that nobody has, and a file that did not load."""
    run = clean()
    named = tuple(
        replace(
            section,
            clauses=tuple(
                replace(one, controls=(*one.controls, "RET-09")) if one.id == "9.2" else one
                for one in section.clauses
            ),
        )
        for section in run.sections
    )
    return replace(
        run,
        sections=named,
        verdicts=tuple(v for v in run.verdicts if (v.control, v.target) != ("RET-02", "nightly-backups")),
        gaps=(
            Gap("RET-02", "nightly-backups", "did not run (deselected, or the run ended early)"),
            Gap("RET-09", None, "no control file has this id; coverage of clause 9.2 names it"),
        ),
        errors=("controls/ret-05.yaml:7: unknown key 'chekc' (did you mean 'check'?)",),
        exit_code=3,
    )


def rich() -> Run:
    """A bit of everything, for golden files and for the eye."""
    old = waiver(date(2026, 11, 15))
    accepted = Waiver(
        "RET-01", "cloud-db.orders", "*", "Archive moves in December.", "A. Approver", date(2026, 12, 24)
    )
    broken_off = replace(
        unreached("RET-02", "request-log", "access.log.3.gz: the archive is truncated"),
        unseen=(
            Observation.unseen(
                "access.log.3.gz", "the archive is truncated", Location("/var/log/edge/access.log.3.gz")
            ),
        ),
        counts={"met": 4, "unseen": 1},
        measures={"lines": 48_211, "files": 4},
        evidence=(
            Observation.met(
                "access.log", "oldest line 29 days", Measure(12_000, "lines", oldest=2_505_600.0)
            ),
        ),
    )
    run = having(
        not_assessed(),
        failing("CARD-02", "cloud-db", 62),
        failing("PROC-02", "mailer"),
        replace(failing("RET-01", "cloud-db.orders"), waived_by=(accepted,)),
        passing("CARD-02", "project-db", of=80_000),
        broken_off,
    )
    return replace(
        run,
        environment=clean().environment,
        planted=("card-in-orders",),
        sections=sections(uncovered=("13.2",)),
        gaps=(Gap("RET-02", "nightly-backups", "did not run (deselected, or the run ended early)"),),
        verdicts=tuple(v for v in run.verdicts if (v.control, v.target) != ("RET-02", "nightly-backups")),
        errors=incomplete().errors,
        waivers=(accepted, old),
        gate=Severity.HIGH,
        exit_code=1,
    )


def empty() -> Run:
    """No control at all, and so nothing that could be said."""
    plain = tuple(
        replace(
            section,
            clauses=tuple(
                replace(clause, status="uncovered", controls=(), why="No control is written yet.")
                for clause in section.clauses
            ),
        )
        for section in sections()
    )
    return replace(clean(), sections=plain, controls={}, targets={}, verdicts=(), exit_code=3)


HOSTILE = '<script>alert(1)</script> | `a` ``b`` ](javascript:x) \n# <b> & @all "q" {{ 7*7 }}'
"""What a name in a target may hold, and may never mean in a report."""


def hostile() -> Run:
    """A run in which every free text is hostile."""
    run = violating()
    waived = replace(waiver(), subject=HOSTILE, reason=HOSTILE, approver=HOSTILE)
    bad = Observation.violated(HOSTILE, HOSTILE, Measure(1, HOSTILE), Location(HOSTILE, 1), HOSTILE)
    unseen = Observation.unseen(HOSTILE, HOSTILE, Location(HOSTILE))
    verdict = replace(
        failing("CARD-02", "cloud-db"),
        reason=HOSTILE,
        findings=(bad,),
        unseen=(unseen,),
        evidence=(replace(bad, outcome=unseen.outcome),),
        counts={"met": 1, "violated": 1, "unseen": 1},
    )
    crashed = replace(unreached("SALE-02", "site", HOSTILE), crash=HOSTILE)
    control = replace(
        run.controls["CARD-02"],
        title=HOSTILE,
        commitment=HOSTILE,
        owner=HOSTILE,
        remediation=HOSTILE,
        frameworks={HOSTILE: (HOSTILE,)},
    )
    return replace(
        having(run, verdict, crashed),
        environment=replace(run.environment, label=HOSTILE),
        planted=(HOSTILE,),
        controls={**run.controls, "CARD-02": control},
        targets={name: replace(one, title=HOSTILE) for name, one in run.targets.items()},
        waivers=(waived,),
        gaps=(Gap("RET-02", "nightly-backups", HOSTILE),),
        errors=(HOSTILE,),
        policy=replace(run.policy, id=HOSTILE, version=HOSTILE, effective=HOSTILE),
        host=HOSTILE,
    )


def huge(verdicts: int = 5_000, findings: int = 0) -> Run:
    """Many targets of two controls; every tenth fails if there are to be ``findings``."""
    run = clean()
    names = [f"store-{number:05d}" for number in range(verdicts // 2)]
    made = tuple(
        failing(name, on, findings) if findings and index % 10 == 0 else passing(name, on)
        for name in ("CARD-01", "CARD-02")
        for index, on in enumerate(names)
    )
    targets = {name: Target(name, "sql", f"Store {name}", None) for name in names}
    return replace(run, verdicts=made, targets=targets, exit_code=1 if findings else 0)
