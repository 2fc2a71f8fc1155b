"""Quarters for the eye and for tests of what is shown: invented, and of every kind at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from reports.quarter.shape import QUARTER_SCHEMA, Quarter
from reports.shape import BANNER

SINCE = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 92
SECTIONS = ("What is collected", "Payments", "Providers", "Security", "How long data is kept")
TITLES = (
    "No column is made for a card number",
    "No stored value is a full card number",
    "No recipient has a purpose of sale",
    "The site loads no advertising host",
    "Database grants are within what is declared",
    "Agreements are in force and forbid other use",
    "The oldest row is within its limit",
    "Logs and backups are kept for a limited time",
    "Every attestation is in force",
)
FAMILIES = ("CARD", "SALE", "PROC", "RET", "LOG", "ATT")
SEVERITIES = ("critical", "high", "medium", "low")
STATES = ("pass", "fail", "waived", "not-assessed", "did-not-run")


def at(day: float) -> str:
    return (SINCE + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest(seed: int) -> str:
    return f"{seed * 2654435761 % 2**32:08x}" * 8


def names(controls: int) -> list[str]:
    return [f"{FAMILIES[i % len(FAMILIES)]}-{i // len(FAMILIES) + 1:02d}" for i in range(controls)]


def line(index: int) -> list[str | None]:
    """The states of one control, one a day; what happens depends on the index alone."""
    days: list[str | None] = ["pass"] * DAYS
    for kind, (state, length) in enumerate(
        (("fail", 6), ("waived", 11), ("not-assessed", 4), ("did-not-run", 2), (None, 5), ("fail", 1))
    ):
        if (index * 7 + kind * 5) % 11 < 3:
            start = (index * 13 + kind * 29) % (DAYS - length)
            days[start : start + length] = [state] * length
    return days


def check(index: int, control: str) -> str:
    return f"{control.partition('-')[0].lower()}.{'_'.join(TITLES[index % 9].lower().split()[:5])}"


def spans(days: list[str | None]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for day, state in enumerate(days):
        if found and found[-1]["state"] == state:
            found[-1] |= {"last_seen": at(day + 0.4), "until": at(day + 1), "runs": found[-1]["runs"] + 1}
        else:
            found.append(
                {"state": state, "since": at(day), "last_seen": at(day), "until": at(day + 1), "runs": 1}
            )
    return found


def opinion_of(index: int) -> str:
    days = line(index)
    if "fail" in days:
        return "did-not-hold"
    if None in days or "did-not-run" in days:
        return "not-sufficiently-observed"
    return "held-with-exceptions" if "waived" in days else "held-throughout"


RULES = [
    ("did-not-hold", "A run of the window saw a failure that no waiver accepted."),
    (
        "not-sufficiently-observed",
        "Evidence is missing: a gap of more than 7 days, or fewer than 30 days with evidence.",
    ),
    ("held-with-exceptions", "No failure that no waiver accepted, and at least one that a waiver accepted."),
    ("held-throughout", "Every run that judged it passed, and it was sufficiently observed."),
]


def ground(index: int, name: str) -> dict[str, Any]:
    return {
        "control": name,
        "opinion": opinion_of(index),
        "reason": "6 of 92 runs saw it fail." if opinion_of(index) == "did-not-hold" else "As the rule says.",
        "runs": 92,
        "days": 88,
        "days_shown": 82,
        "longest_gap": 86_400.0 * 4.2,
        "longest_unshown": 86_400.0 * 6,
        "gap_since": at(30),
        "gap_until": at(34.2),
        "first_judged": at(0.3),
        "last_judged": at(91.3),
        "failing_runs": 6,
        "waived_runs": 0,
        "unseen_runs": 4,
    }


def opinion(index: int, clause: str, name: str, title: str | None = None) -> dict[str, Any]:
    word = opinion_of(index)
    return {
        "id": clause,
        "title": title or f"{TITLES[index % len(TITLES)]}, so that the promise holds.",
        "section": 2 + index % len(SECTIONS),
        "section_title": SECTIONS[index % len(SECTIONS)],
        "clauses": [clause],
        "since": at(0 if index % 5 else 20),
        "until": at(DAYS),
        "whole": bool(index % 5),
        "opinion": word,
        "rule": dict(RULES)[word],
        "reason": f"{name} on two targets: see its failing periods."
        if word == "did-not-hold"
        else "All controls agree.",
        "days": 88,
        "longest_gap": 86_400.0 * 4.2,
        "controls": [ground(index, name)],
    }


def failing(number: int, index: int, name: str, how: str) -> dict[str, Any]:
    over = how in ("fixed", "removed")
    start = (index * 13) % 80
    found = [
        {
            "fingerprint": digest(number * 100 + i)[:32],
            "subject": f"cloud-db.orders.column_{i}" if i != 3 else None,
            "detail": "5 of 9,000 rows hold what they must not: 4111••••••••1111" if i != 3 else None,
            "location": {"path": f"db/migrations/00{i}.sql", "line": i + 3} if i != 3 else None,
            "remediation": "Empty the column first." if i == 0 else None,
            "in_first": i != 2,
            "in_last": i != 1,
        }
        for i in range(2 + number * 3 % 11)
    ]
    return {
        "id": f"F-{number}",
        "control": name,
        "title": TITLES[index % len(TITLES)],
        "severity": SEVERITIES[index % 4],
        "target": "cloud-db" if index % 2 else "nightly-backups",
        "clauses": [f"{2 + index % 5}.{1 + index // 5}"],
        "first_seen": at(start),
        "first_run": start * 2 + 1,
        "began_before": at(-12) if number == 1 else None,
        "last_seen": at(start + 5),
        "last_run": start * 2 + 10,
        "good_before": None if number == 1 else at(start - 0.4),
        "ended": at(start + 6) if over else None,
        "ended_run": start * 2 + 12 if over else None,
        "how": how,
        "commit_first": digest(number)[:40],
        "commit_ended": digest(number + 1)[:40] if over else None,
        "seconds": 86_400.0 * 6.1,
        "runs": 12,
        "unseen_runs": number % 2,
        "turns": [
            {"state": "fail", "since": at(start), "number": start * 2 + 1},
            {"state": "not-assessed", "since": at(start + 2), "number": start * 2 + 4},
            {"state": "fail", "since": at(start + 3), "number": start * 2 + 6},
        ],
        "reason": f"{len(found)} violations",
        "remediation": f"Mend what {name} names, then run it again.",
        "findings": found,
        "more": 40 if number == 2 else 0,
        "evidence_removed": number == 3,
        "waivers": [
            {
                "approver": "A. Approver",
                "reason": "Archive moves in December (RISK-212).",
                "expires": "2026-12-24",
            }
        ]
        if how == "waived"
        else [],
    }


def period(name: str = "2026Q4", title: str = "Fourth quarter of 2026", over: bool = True) -> dict[str, Any]:
    return {
        "id": name,
        "title": title,
        "since": at(0),
        "until": at(DAYS),
        "ended": at(DAYS if over else 57.4),
        "over": over,
        "days": DAYS,
    }


def full(controls: int = 24, *, synthetic: bool = True, compared: bool = True, over: bool = True) -> Quarter:
    """A quarter in which everything happens that can."""
    ids = names(controls)
    clauses = [f"{2 + i % 5}.{1 + i // 5}" for i in range(controls)]
    hows = ("fixed", "open", "waived", "removed")
    periods = [
        failing(n, i, ids[i], hows[n % 4])
        for n, i in enumerate([i for i in range(controls) if "fail" in line(i)], start=1)
    ]
    opinions = [opinion(i, clauses[i], ids[i]) for i in range(controls)]
    words = [one["opinion"] for one in opinions]
    runs = [
        {
            "number": 40 + n,
            "id": f"0b5c0f5e-6a52-4a7e-9d0e-{n:012x}",
            "digest": digest(n),
            "started": at(n / 3 + 0.2),
            "ended": at(n / 3 + 0.201),
            "version": "0.1.0",
            "host": "build-7",
            "by": "schedule",
            "reference": None,
            "commit": digest(n // 40)[:40],
            "dirty": False,
            "complete": n != 30,
            "exit_code": n % 7 == 0,
            "state": "violations" if n % 7 == 0 else "compliant",
            "counts": {"pass": 40, "fail": 1, "waived": 0, "not-assessed": 0, "did-not-run": 0},
            "evidence_removed": False,
        }
        for n in range(DAYS * 3)
        if n // 3 not in (30, 31, 32, 33) and (over or n / 3 < 57)
    ]
    targets = ["cloud-db", "project-db", "nightly-backups", "request-log", "mailer", "site"]
    kinds = ["sql", "sql", "backup", "log", "processor", "site"]
    made: dict[str, Any] = {
        "schema": QUARTER_SCHEMA,
        "title": {
            "environment": {
                "id": "lab" if synthetic else "production",
                "label": "Lab (bundled, synthetic data)" if synthetic else "Production",
                "synthetic": synthetic,
                "banner": BANNER if synthetic else None,
                "planted": [],
            },
            "period": period(over=over),
            "scope": {
                "clauses": 39,
                "commitments": controls,
                "controls": controls,
                "targets": 41,
                "kinds": {"sql": 2, "backup": 1, "log": 9, "processor": 12, "site": 1, "dataset": 16},
            },
            "policies": [
                {
                    "id": "enfyra",
                    "version": "3",
                    "effective": "2026-01-15",
                    "digest": digest(77),
                    "first_seen": at(0.2),
                    "last_seen": at(49),
                    "runs": 140,
                },
                {
                    "id": "enfyra",
                    "version": "4",
                    "effective": "2026-11-20",
                    "digest": digest(78),
                    "first_seen": at(50),
                    "last_seen": at(91),
                    "runs": 124,
                },
            ],
            "prepared_by": "P. Auditor, Example Assurance",
            "made": at(95.4),
            "versions": ["0.1.0"],
            "ledger": {
                "number": 316,
                "digest": digest(316),
                "entries": 316,
                "verified": "All 316 entries are as they were recorded, and in their order.",
                "pruned_before": at(-90),
                "how": [
                    "policyproof ledger verify",
                    f"policyproof ledger verify --anchor 316:{digest(316)}",
                ],
            },
            "caveats": [
                "The policy changed in the period; each version is judged in its own window.",
                "4 days have no run at all.",
            ],
        },
        "limits": {"gap_days": 7, "least_days": 30},
        "rules": [{"opinion": name, "rule": rule} for name, rule in RULES],
        "numbers": {
            "runs": len(runs),
            "days_with_runs": 88,
            "longest_gap": 86_400.0 * 4.2,
            "verdicts": len(runs) * 41,
            "opinions": {name: words.count(name) for name, _ in RULES},
            "failing_periods": len(periods),
            "open_failing": sum(p["how"] == "open" for p in periods),
            "waived_failing": sum(p["how"] == "waived" for p in periods),
            "mean_time_to_remediate": 86_400.0 * 6.1,
            "regressions": 1,
            "open_findings": 7,
            "waivers_in_force": 1,
            "never_assessed": 1,
            "runs_from_changed_files": 3,
        },
        "promises": [
            opinion(i, f"promise-{i}", ids[i], title)
            | {"section": None, "section_title": None, "clauses": clauses[i : i + 3]}
            for i, title in enumerate(
                (
                    "No card number is kept",
                    "Nothing is sold",
                    "Providers do only their task",
                    "Data goes when its time is over",
                )
            )
        ],
        "opinions": opinions,
        "timelines": [
            {
                "control": name,
                "title": TITLES[i % len(TITLES)],
                "severity": SEVERITIES[i % 4],
                "clauses": [clauses[i]],
                "opinion": opinion_of(i),
                "since": None,
                "removed": None,
                "days": line(i),
                "spans": spans(line(i)),
                "runs": {state: line(i).count(state) * 3 for state in STATES},
            }
            for i, name in enumerate(ids)
        ],
        "failing": {
            "periods": periods,
            "regressions": [
                {
                    "control": ids[0],
                    "target": "cloud-db",
                    "severity": "critical",
                    "failing": "F-2",
                    "before": "F-1",
                    "fixed": at(20),
                    "failed_again": at(31.5),
                    "seconds": 86_400.0 * 11.5,
                    "same": [digest(5)[:32]],
                }
            ],
            "remediation": [
                {
                    "severity": s,
                    "mended": 3,
                    "mean": 86_400.0 * 2.5,
                    "median": 86_400.0,
                    "longest": 86_400.0 * 6.1,
                    "still_open": 1,
                }
                if s != "low"
                else {
                    "severity": s,
                    "mended": 0,
                    "mean": None,
                    "median": None,
                    "longest": None,
                    "still_open": 0,
                }
                for s in ("all", *SEVERITIES)
            ],
            "open": [
                {
                    "fingerprint": digest(900 + i)[:32],
                    "control": ids[i],
                    "target": "cloud-db",
                    "severity": SEVERITIES[i % 4],
                    "since": at(10 * i),
                    "at_least": i == 0,
                    "seconds": 86_400.0 * (DAYS - 10 * i),
                    "waived": i == 3,
                    "failing": "F-1" if i < 2 else None,
                }
                for i in range(7)
            ],
            "open_more": 2,
            "ages": [
                {"title": "Up to 7 days", "days": 7, "open": 1, "waived": 0, "by_severity": {"critical": 1}},
                {
                    "title": "8 to 30 days",
                    "days": 30,
                    "open": 3,
                    "waived": 1,
                    "by_severity": {"high": 2, "low": 1},
                },
                {"title": "31 to 90 days", "days": 90, "open": 2, "waived": 0, "by_severity": {"medium": 2}},
                {"title": "More than 90 days", "days": None, "open": 0, "waived": 0, "by_severity": {}},
            ],
        },
        "waivers": [
            {
                "control": ids[3],
                "target": "cloud-db.orders",
                "subject": "*",
                "reason": "Archive moves in December (RISK-212).",
                "approver": "A. Approver",
                "expires": "2026-12-24",
                "first_seen": at(20),
                "last_seen": at(84),
                "granted": True,
                "expired": i == 1,
                "status": status,
                "runs": 30,
            }
            for i, status in enumerate(("in-force", "expired", "withdrawn"))
        ],
        "attestations": [
            {
                "id": "incident-response",
                "title": "Incident response",
                "statement": "An incident runbook exists and is rehearsed twice a year.",
                "owner": "security",
                "dated": "2026-11-02",
                "expires": "2027-05-02",
                "expired": False,
                "state": "pass",
                "first_seen": at(0.2),
                "last_seen": at(91.2),
                "renewals": ["2026-05-02"],
            },
            {
                "id": "training",
                "title": "Training of staff",
                "statement": "Everybody with access is trained once a year.",
                "owner": "people",
                "dated": "2025-12-01",
                "expires": "2026-12-01",
                "expired": True,
                "state": None,
                "first_seen": at(0.2),
                "last_seen": at(91.2),
                "renewals": [],
            },
        ],
        "traceability": {
            "run": 316,
            "clauses": [
                {
                    "id": clauses[i],
                    "section": 2 + i % 5,
                    "section_title": SECTIONS[i % 5],
                    "commitment": f"{TITLES[i % 9]}, so that the promise holds.",
                    "status": "attested" if i % 6 == 5 else "automated",
                    "why": None,
                    "controls": [ids[i]],
                }
                for i in range(controls)
            ]
            + [
                {
                    "id": "13.2",
                    "section": 13,
                    "section_title": "Changes of the policy",
                    "commitment": "Changes are announced a month before.",
                    "status": "uncovered",
                    "why": "No connector reads it yet.",
                    "controls": [],
                }
            ],
            "controls": [
                {
                    "id": name,
                    "title": TITLES[i % 9],
                    "severity": SEVERITIES[i % 4],
                    "owner": "platform",
                    "checks": [check(i, name)],
                    "versions": {check(i, name): "3f2a9c"},
                    "frameworks": {"GDPR": ["5(1)(e)"], "SOC2": ["CC6.1"]},
                    "clauses": [clauses[i]],
                    "run": 316,
                    "evidence": digest(500 + i) if i != 4 else None,
                    "targets": [
                        {"target": one, "state": "not-assessed" if (i + j) % 7 == 0 else "pass"}
                        for j, one in enumerate(targets)
                    ],
                }
                for i, name in enumerate(ids)
            ],
            "checks": [
                {
                    "name": check(i, name),
                    "version": "3f2a9c",
                    "controls": [name],
                    "clauses": [clauses[i]],
                }
                for i, name in enumerate(ids[:9])
            ],
            "totals": {
                "sentences": 39,
                "automated": 22,
                "attested": 2,
                "not_testable": 14,
                "uncovered": 1,
                "gaps": [],
            },
            "uncovered": [
                {
                    "id": "13.2",
                    "commitment": "Changes are announced a month before.",
                    "why": "No connector reads it yet.",
                }
            ],
        },
        "coverage": {
            "run": 316,
            "evidence_removed": False,
            "targets": [
                {
                    "target": name,
                    "title": name.replace("-", " ").capitalize(),
                    "kind": kind,
                    "controls": 6,
                    "assessed": 6 if name != "site" else 0,
                    "extent": "nothing" if name == "site" else "sampled" if name == "project-db" else "whole",
                    "looked": {} if name == "site" else {"rows": 1_204_000, "bytes": 3_200_000_000},
                    "oldest": None if name == "site" else 86_400.0 * 700,
                }
                for name, kind in zip(targets, kinds, strict=True)
            ],
            "kinds": [
                {
                    "kind": kind,
                    "targets": 2,
                    "assessed": 1,
                    "whole": 1,
                    "sampled": 0,
                    "nothing": 1,
                    "looked": {"rows": 1_204_000},
                }
                for kind in sorted({*kinds})
            ],
            "never": [
                {
                    "control": ids[1],
                    "title": TITLES[1],
                    "target": "site",
                    "runs": 264,
                    "reason": "nothing answers at $SITE_URL",
                }
            ],
            "not_at_the_end": [
                {"control": ids[2], "title": TITLES[2], "target": "mailer", "runs": 264, "reason": None}
            ],
        },
        "changes": {
            "baseline": 39,
            "changes": [
                {
                    "what": what,
                    "number": 60 + i * 30,
                    "started": at(7 + i * 10),
                    "was": digest(i),
                    "now": digest(i + 1),
                    "commit_was": digest(i)[:40],
                    "commit_now": digest(i + 1)[:40],
                    "dirty": i == 2,
                    "details": ["added: RET-09", "removed: RET-03"] if what == "controls" else [],
                }
                for i, what in enumerate(
                    ("policy", "controls", "inventory", "waivers", "checks", "plan", "tool")
                )
            ],
            "commits": [
                {
                    "commit": digest(i)[:40],
                    "first_seen": at(i * 13),
                    "last_seen": at(i * 13 + 12),
                    "runs": 40,
                    "dirty_runs": i == 2,
                }
                for i in range(7)
            ],
            "git": {
                "available": True,
                "said": "2 commits touched the controls or the inventory.",
                "lines": [f"{digest(i)[:7]} Keep logs for 30 days" for i in range(2)],
            },
        },
        "runs": runs,
        "compared": {
            "period": period("2026Q3", "Third quarter of 2026"),
            "opinions": [
                {
                    "id": clauses[i],
                    "title": TITLES[i % 9],
                    "was": "held-throughout",
                    "now": words[i],
                    "turn": "same" if words[i] == "held-throughout" else "worse",
                }
                for i in range(controls)
            ]
            + [{"id": "9.9", "title": "Gone", "was": "did-not-hold", "now": None, "turn": "gone"}],
            "promises": [
                {
                    "id": "cards",
                    "title": "No card number is kept",
                    "was": "did-not-hold",
                    "now": "held-throughout",
                    "turn": "better",
                }
            ],
            "numbers": [
                {"name": "runs", "title": "Runs", "was": 240.0, "now": 264.0, "unit": "count"},
                {
                    "name": "mean_time_to_remediate",
                    "title": "Mean time to mend",
                    "was": None,
                    "now": 86_400.0 * 6.1,
                    "unit": "seconds",
                },
            ],
        }
        if compared
        else None,
    }
    return cast(Quarter, made)


def empty() -> Quarter:
    """A period of which the ledger holds nothing."""
    made: dict[str, Any] = dict(full(9, synthetic=False, compared=False))
    made["title"] = dict(made["title"]) | {"policies": [], "prepared_by": None, "versions": [], "caveats": []}
    made["numbers"] = dict.fromkeys(made["numbers"], 0) | {
        "opinions": {},
        "longest_gap": 86_400.0 * DAYS,
        "mean_time_to_remediate": None,
    }
    for name in ("promises", "opinions", "timelines", "runs", "waivers", "attestations"):
        made[name] = []
    made["failing"] = {
        "periods": [],
        "regressions": [],
        "remediation": [],
        "open": [],
        "open_more": 0,
        "ages": [],
    }
    made["traceability"] = {
        "run": None,
        "clauses": [],
        "controls": [],
        "checks": [],
        "totals": None,
        "uncovered": [],
    }
    made["coverage"] = {
        "run": None,
        "evidence_removed": False,
        "targets": [],
        "kinds": [],
        "never": [],
        "not_at_the_end": [],
    }
    made["changes"] = {
        "baseline": None,
        "changes": [],
        "commits": [],
        "git": {"available": False, "said": "No repository was at hand.", "lines": []},
    }
    return cast(Quarter, made)
