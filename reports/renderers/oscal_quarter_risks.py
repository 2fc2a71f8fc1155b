"""Failing periods as OSCAL: an observation and a risk for each, with its course in the risk's log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from reports.quarter.shape import Quarter
from reports.quarter.shape_failing import Ended, FailingPeriod
from reports.renderers import words
from reports.renderers.oscal_observed import end_of
from reports.renderers.oscal_parts import Node, markup, props, prose, uuid, without_empty
from reports.renderers.oscal_risks import (
    ACCEPTED,
    CLOSED,
    INVESTIGATING,
    OPEN,
    accepted,
    remediations,
    risk_id,
    severity,
)
from reports.renderers.oscal_scope import Known, actor, method_of, subject

STATUS: dict[Ended, str] = {"fixed": CLOSED, "removed": INVESTIGATING, "waived": ACCEPTED, "open": OPEN}
"""How a failing period stood at the end → status of its risk: what is no longer looked at is not mended."""
TURNED = {"fail": OPEN, "waived": ACCEPTED, "pass": CLOSED}
"""State of a verdict → what it makes of the risk; any other leaves it to be looked into."""


class Failed(NamedTuple):
    """What OSCAL is told of one failing period."""

    control: str
    observation: Node
    risk: Node


def failures(quarter: Quarter, known: Mapping[str, Known], version: str, ledger: str) -> Iterator[Failed]:
    """Yield every failing period; ``ledger`` is the resource that holds the evidence."""
    environment = quarter["title"]["environment"]["id"]
    for one in quarter["failing"]["periods"]:
        target = known[one["target"]]
        identifier = uuid("failing", environment, one["control"], one["target"], one["first_run"])
        observation = _observation(one, identifier, environment, target, version, ledger)
        yield Failed(
            one["control"], observation, _risk(one, identifier, environment, target, version, quarter)
        )


def _observation(
    one: FailingPeriod, identifier: str, environment: str, target: Known, version: str, ledger: str
) -> Node:
    evidence: list[Node] = [
        {
            "href": f"#{ledger}",
            "description": f"Runs number {one['first_run']} to {one['last_run']} in the ledger.",
        }
    ]
    for found in one["findings"]:
        said = f"{markup(found['subject'])}: {markup(found['detail'] or '')}" if found["subject"] else None
        evidence.append(
            {
                "description": said or "A finding of which only the fingerprint is left.",
                "props": props(
                    {
                        "fingerprint": found["fingerprint"],
                        "location": words.place(found["location"]) if found["location"] else None,
                        "in-first-run": found["in_first"],
                        "in-last-run": found["in_last"],
                    }
                ),
            }
        )
    return without_empty(
        {
            "uuid": uuid("observation", identifier),
            "title": f"{markup(one['title'])}: {markup(target.title)}",
            "description": prose(
                markup(one["reason"] or "Why is not known any more: the evidence was removed."),
                f"Seen failing from {one['first_seen']} to {one['last_seen']}, in "
                f"{words.counted(one['runs'], 'run')}.",
                f"{words.counted(one['unseen_runs'], 'run')} in between could not assess it."
                if one["unseen_runs"]
                else None,
                f"{words.counted(one['more'], 'finding')} more were counted and not kept."
                if one["more"]
                else None,
            ),
            "props": props(
                {
                    "failing-period": one["id"],
                    "control": one["control"],
                    "target": one["target"],
                    "evidence-removed": one["evidence_removed"],
                }
            ),
            "methods": [method_of(target.kind)],
            "types": ["finding"],
            "origins": [actor(version)],
            "subjects": [subject(environment, target)],
            "relevant-evidence": evidence,
            "collected": one["last_seen"],
        }
    )


def _risk(
    one: FailingPeriod, identifier: str, environment: str, target: Known, version: str, quarter: Quarter
) -> Node:
    origin, until = actor(version), quarter["title"]["period"]["ended"]
    special = [found["remediation"] for found in one["findings"] if found["remediation"]]
    recommended = remediations(identifier, [text for text in (one["remediation"], *special) if text])
    ends = min((waiver["expires"] for waiver in one["waivers"]), default=None)
    return without_empty(
        {
            "uuid": identifier,
            "title": f"{markup(one['title'])}: {markup(target.title)}",
            "description": markup(one["reason"] or "Why is not known any more: the evidence was removed."),
            "statement": _statement(one),
            "props": props(
                {
                    "failing-period": one["id"],
                    "control": one["control"],
                    "target": one["target"],
                    "clause": one["clauses"],
                    "first-seen": one["first_seen"],
                    "began-before": one["began_before"],
                    "last-seen": one["last_seen"],
                    "good-before": one["good_before"],
                    "ended": one["ended"],
                    "how": one["how"],
                    "seconds": one["seconds"],
                    "commit-first": one["commit_first"],
                    "commit-ended": one["commit_ended"],
                    "risk-in-runs": risk_id(environment, one["control"], one["target"]),
                }
            ),
            "status": STATUS[one["how"]],
            "origins": [origin],
            "characterizations": [
                severity(origin, one["severity"]),
                *(
                    accepted(
                        origin,
                        waiver["approver"],
                        waiver["reason"],
                        waiver["expires"],
                        None,
                        expired=end_of(waiver["expires"]) < until,
                    )
                    for waiver in one["waivers"]
                ),
            ],
            "deadline": end_of(ends) if ends and one["how"] in ("waived", "open") else None,
            "remediations": recommended,
            "risk-log": {"entries": list(_course(one, identifier))},
            "related-observations": [{"observation-uuid": uuid("observation", identifier)}],
        }
    )


def _statement(one: FailingPeriod) -> str:
    how = {
        "fixed": f"A run at {one['ended']} showed it mended.",
        "removed": f"It was not mended: from {one['ended']} on, no run was to look at it.",
        "waived": "It was not mended; a waiver accepts it.",
        "open": "It was not mended.",
    }[one["how"]]
    return f"What the policy promises in {', '.join(map(markup, one['clauses'])) or '-'} was not kept. {how}"


def _course(one: FailingPeriod, identifier: str) -> Iterator[Node]:
    """Yield the log: first seen, each change of state, and the end."""
    yield {
        "uuid": uuid("entry", identifier, "first"),
        "title": f"First seen in run number {one['first_run']}",
        "start": one["first_seen"],
        "status-change": OPEN,
    }
    for index, turn in enumerate(one["turns"]):
        yield {
            "uuid": uuid("entry", identifier, index),
            "title": f"{words.WORDS[turn['state']][1]} in run number {turn['number']}",
            "start": turn["since"],
            "status-change": TURNED.get(turn["state"], INVESTIGATING),
        }
    if one["ended"] is not None:
        yield {
            "uuid": uuid("entry", identifier, "ended"),
            "title": "Shown mended" if one["how"] == "fixed" else "No longer looked at",
            "start": one["ended"],
            "status-change": STATUS[one["how"]],
        }
