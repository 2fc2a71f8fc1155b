"""Runs of 60 controls on 40 targets each, with failures, waivers, gaps and fixes; seeded, nothing is touched.

A third of the controls look at data that grows, so their measures differ in every run; the others
look at configuration and say the same until something breaks. Nothing is held but the last run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from reports import shape
from reports.conclusion import STATES
from reports.fingerprint import fingerprints
from reports.shape import SCHEMA, Summary

CONTROLS, TARGETS, DEPLOYS = 60, 40, 20
SECTIONS = 14
START = datetime(2026, 1, 1, tzinfo=UTC)
SEVERITIES = ("critical", "high", "medium", "low")
KINDS = ("dataset", "log", "config", "processor")


@dataclass
class Episode:
    """A control that does not hold on some targets until a deploy mends it."""

    control: int
    targets: list[int]
    until: int  # the first run that is well again
    state: str
    detail: str


@dataclass
class World:
    """What is the same in every run, and what is wrong at the moment."""

    seed: int = 1
    controls: int = CONTROLS
    targets: int = TARGETS
    chance: random.Random = field(init=False)
    episodes: list[Episode] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.quiet = {  # control → its verdicts while nothing is wrong and nothing grows
            control: [self.verdict(control, target, "pass", 10_000) for target in range(self.targets)]
            for control in range(self.controls)
        }

    def name(self, control: int) -> str:
        """Return a control's id."""
        return f"CTL-{control + 1:02}"

    def verdict(self, control: int, target: int, state: str, rows: int, detail: str = "") -> dict[str, Any]:
        """Return one verdict as a summary has it."""
        name, on = self.name(control), f"target-{target + 1:02}"
        kind = KINDS[target % len(KINDS)]
        measure = {"looked": rows, "unit": "rows", "of": None, "bytes": rows * 180, "oldest": 86_400.0 * 30}
        failing = state in ("fail", "waived")
        seen = {
            "subject": f"{on}.column_{control}",
            "detail": detail or f"{rows:,} rows hold nothing that they must not",
            "location": {"path": f"deploy/{on}.yaml", "line": control + 1} if kind == "config" else None,
            "measure": measure,
            "remediation": "Empty the column, then run it again." if failing else None,
            "fingerprint": None,
        }
        if failing:
            (seen["fingerprint"],) = fingerprints(name, kind, on, [cast(shape.Observation, seen)])
        unseen = state == "not-assessed"
        return {
            "target": on,
            "title": f"Target {target + 1}",
            "kind": kind,
            "state": state,
            "reason": "nothing answers at its address"
            if unseen
            else "1 violation"
            if failing
            else "1 observation as demanded",
            "counts": {"met": int(state == "pass"), "violated": int(failing), "unseen": 0},
            "measures": {} if unseen else {"bytes": rows * 180, "rows": rows},
            "extent": "nothing" if unseen else "whole",
            "oldest": None if unseen else 86_400.0 * 30,
            "findings": [seen] if failing else [],
            "unseen": [],
            "evidence": [seen] if state == "pass" else [],
            "waivers": [_waiver(name, on)] if state == "waived" else [],
            "crash": None,
        }

    def turn(self, number: int) -> None:
        """Let things break and be mended: about one control in a hundred runs, for up to ten days."""
        self.episodes = [one for one in self.episodes if one.until > number]
        if self.chance.random() < 0.05:
            control = self.chance.randrange(self.controls)
            state = self.chance.choices(("fail", "not-assessed", "waived"), (6, 3, 1))[0]
            some = self.chance.sample(range(self.targets), self.chance.randint(1, 3))
            lasting = self.chance.choice((1, 2, 5, 20, 60, 200))
            digits = f"4111••••••••{self.chance.randrange(10_000):04}"
            self.episodes.append(Episode(control, some, number + lasting, state, f"3 rows hold {digits}"))


def _waiver(control: str, target: str) -> shape.Waiver:
    return shape.Waiver(
        control=control,
        target=target,
        subject="*",
        reason="A migration is under way.",
        approver="dpo",
        expires="2027-01-31",
        days_left=30,
        expired=False,
        accepts=1,
    )


def moments(days: int, chance: random.Random) -> Iterator[datetime]:
    """Yield when deploys happen: twenty a day, but for some days on which nothing is deployed at all."""
    for day in range(days):
        if chance.random() < 0.03:
            continue
        for deploy in range(DEPLOYS):
            yield START + timedelta(days=day, minutes=60 * 24 * deploy // DEPLOYS + chance.randrange(30))


def runs(world: World, days: int) -> Iterator[Summary]:
    """Yield the runs of so many days. What is yielded shares parts with the next one: do not change it."""
    for number, moment in enumerate(moments(days, random.Random(world.seed)), start=1):
        world.turn(number)
        yield run(world, number, moment)


def run(world: World, number: int, moment: datetime) -> Summary:
    """Return one run of the world as it is."""
    started = moment.isoformat().replace("+00:00", "Z")
    ended = (moment + timedelta(seconds=40)).isoformat().replace("+00:00", "Z")
    wrong: dict[int, dict[int, Episode]] = {}
    for one in world.episodes:
        wrong.setdefault(one.control, {}).update(dict.fromkeys(one.targets, one))
    controls = [
        _control(world, index, number, started, wrong.get(index, {})) for index in range(world.controls)
    ]
    counts = {state: sum(control["counts"][state] for control in controls) for state in STATES}
    failing, open_ends = counts["fail"], counts["not-assessed"]
    state = "violations" if failing else "not-assessed" if open_ends else "compliant"
    commit = f"{world.seed:02x}{number // 5:038x}"  # one in five deploys changes something
    return cast(
        Summary,
        {
            "schema": SCHEMA,
            "verdict": {
                "state": state,
                "headline": f"{failing} fail",
                "caveats": [],
                "complete": True,
                "gate": "low",
                "exit_code": 1 if failing else 3 if open_ends else 0,
            },
            "environment": {
                "id": "production",
                "label": "Production",
                "synthetic": False,
                "banner": None,
                "planted": [],
            },
            "run": {
                "id": f"{world.seed:08x}-0000-4000-8000-{number:012x}",
                "started": started,
                "ended": ended,
                "seconds": 40.0,
                "version": "0.1.0",
                "python": "3.11.7",
                "host": "runner",
                "git": {"commit": commit, "dirty": False},
                "trigger": {"by": "GitHub Actions", "reference": f"org/app/{number}/1"},
            },
            "policy": {"id": "site", "version": "1", "effective": "2026-01-01", "digest": "ab" * 32},
            "counts": {
                "verdicts": counts,
                "controls": {s: sum(control["state"] == s for control in controls) for s in STATES},
                "by_severity": {
                    severity: {
                        s: sum(c["counts"][s] for c in controls if c["severity"] == severity) for s in STATES
                    }
                    for severity in SEVERITIES
                },
            },
            "promises": [],
            "failures": _failures(controls),
            "coverage": {
                "sentences": world.controls,
                "automated": world.controls,
                "attested": 0,
                "not_testable": 0,
                "uncovered": 0,
                "gaps": [],
            },
            "sections": _sections(controls),
            "elsewhere": [],
            "not_assessed": [],
            "engine_failures": [],
            "gaps": [],
            "errors": [],
            "waivers": [],
            "attestations": [],
            "digests": {"controls": f"{number // 200:064x}", "inventory": f"{number // 500:064x}"},
            "checks": {"cards.no_card_numbers_stored": "3f2a9c"},
            "ledger": None,
        },
    )


def _control(
    world: World, index: int, number: int, started: str, wrong: dict[int, Episode]
) -> dict[str, Any]:
    name = world.name(index)
    verdicts = []
    for target in range(world.targets):
        if episode := wrong.get(target):
            verdict = world.verdict(index, target, episode.state, 10_000 + number, episode.detail)
        elif index % 3 == 0:
            verdict = world.verdict(index, target, "pass", 10_000 + number)
        else:
            verdict = dict(world.quiet[index][target])
        verdict["started"], verdict["seconds"] = started, (index * 7 + target * 3 + number) % 97 / 100
        verdicts.append(verdict)
    counts = {state: sum(verdict["state"] == state for verdict in verdicts) for state in STATES}
    return {
        "id": name,
        "title": f"Control {index + 1} holds",
        "clauses": [f"{index % SECTIONS + 1}.{index // SECTIONS + 1}"],
        "commitment": f"Control {index + 1} holds, so that the promise does.",
        "severity": SEVERITIES[index % 4],
        "owner": "platform",
        "remediation": "Empty the column, then run it again.",
        "checks": ["cards.no_card_numbers_stored"],
        "frameworks": {"GDPR": ["5(1)(e)"]},
        "location": {"path": f"controls/{name.lower()}.yaml", "line": 1},
        "state": next(state for state in STATES if counts[state]),
        "counts": counts,
        "verdicts": verdicts,
        "gaps": [],
    }


def _failures(controls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "control": control["id"],
            "title": control["title"],
            "severity": control["severity"],
            "target": verdict["target"],
            "reason": verdict["reason"],
            "clauses": control["clauses"],
            "gated": True,
        }
        for control in controls
        for verdict in control["verdicts"]
        if verdict["state"] == "fail"
    ]


def _sections(controls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sections = []
    for number in range(1, SECTIONS + 1):
        mine = [control for control in controls if control["clauses"][0].startswith(f"{number}.")]
        broken = any(control["counts"]["fail"] for control in mine)
        sections.append(
            {
                "number": number,
                "title": f"Section {number}",
                "state": "broken" if broken else "held",
                "counts": {state: sum(control["counts"][state] for control in mine) for state in STATES},
                "clauses": [
                    {
                        "id": control["clauses"][0],
                        "commitment": control["commitment"],
                        "status": "automated",
                        "state": "broken" if control["counts"]["fail"] else "held",
                        "controls": [control["id"]],
                        "why": None,
                    }
                    for control in mine
                ],
                "controls": mine,
                "references": [],
            }
        )
    return sections
