"""What a run saw, as OSCAL observations: one for each verdict, and one for each finding below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from reports.renderers import words
from reports.renderers.oscal_parts import Node, markup, props, prose, uuid, without_empty
from reports.renderers.oscal_scope import Known, actor, method_of, subject
from reports.shape import Control, Observation, Summary, Verdict


class Seen(NamedTuple):
    """The observations on one control and target: the verdict's, and those of its findings."""

    control: Control
    verdict: Verdict
    whole: Node
    findings: list[Node]

    @property
    def related(self) -> list[Node]:
        """References to all of them."""
        return [{"observation-uuid": node["uuid"]} for node in (self.whole, *self.findings)]


def end_of(day: str) -> str:
    """Return the last second of ``day``: waivers and attestations hold through their last day."""
    return f"{day}T23:59:59Z"


def observed(summary: Summary, controls: list[Control], turns: Mapping[str, str]) -> Iterator[Seen]:
    """Yield what was observed for each verdict; ``turns`` maps a fingerprint to what became of it."""
    expiry = {one["id"]: end_of(one["expires"]) for one in summary["attestations"]}
    for control in controls:
        for verdict in control["verdicts"]:
            common = _Common(summary, control, verdict)
            whole = common.verdict(expiry.get(verdict["target"]))
            made = [common.finding(index, one, turns) for index, one in enumerate(verdict["findings"])]
            yield Seen(control, verdict, whole, made)


class _Common:
    """What all observations of one verdict have in common."""

    def __init__(self, summary: Summary, control: Control, verdict: Verdict) -> None:
        run = summary["run"]
        self.control, self.state = control, verdict
        self.names = (run["id"], control["id"], verdict["target"])
        target = Known(verdict["target"], verdict["title"], verdict["kind"])
        self.shared: Node = {
            "methods": [method_of(verdict["kind"])],
            "origins": [actor(run["version"])],
            "subjects": [subject(summary["environment"]["id"], target)],
        }
        self.collected = verdict["started"]
        self.report = uuid("report.json", run["id"])

    def verdict(self, expires: str | None) -> Node:
        """Return the observation of the verdict as a whole."""
        state, counts = self.state, self.state["counts"]
        shown = sum(len(state[key]) for key in ("findings", "unseen", "evidence"))
        cut = sum(counts.values()) - shown
        evidence: list[Node] = [
            {
                "href": f"#{self.report}",
                "description": f"The verdict on {markup(self.control['id'])} and {markup(state['target'])} "
                "in report.json.",
            }
        ]
        evidence += [_evidence("not seen", one) for one in state["unseen"]]
        evidence += [_evidence("as demanded", one) for one in state["evidence"]]
        return without_empty(
            {
                "uuid": uuid("observation", *self.names),
                "title": f"{markup(self.control['title'])}: {markup(state['title'])}",
                "description": prose(
                    f"{words.WORDS[state['state']][1]}: {markup(state['reason'])}",
                    "Only a sample was looked at, not the whole." if state["extent"] == "sampled" else None,
                    "policyproof itself broke here, so this says nothing of the target."
                    if state["crash"]
                    else None,
                ),
                "props": props(
                    {
                        "state": state["state"],
                        "control": self.control["id"],
                        "target": state["target"],
                        "kind": state["kind"],
                        "extent": state["extent"],
                        "met": counts["met"],
                        "violated": counts["violated"],
                        "unseen": counts["unseen"],
                        "looked": [words.number(value, unit) for unit, value in state["measures"].items()],
                        "oldest-seconds": state["oldest"],
                        "seconds": state["seconds"],
                    }
                ),
                **self.shared,
                "types": ["control-objective"],
                "relevant-evidence": evidence,
                "collected": self.collected,
                "expires": expires,
                "remarks": f"{words.counted(cut, 'observation')} more were counted and not kept."
                if cut > 0
                else None,
            }
        )

    def finding(self, index: int, one: Observation, turns: Mapping[str, str]) -> Node:
        """Return the observation of one violation."""
        fingerprint = fingerprint_of(one)
        where = words.place(one["location"]) if one["location"] else None
        return without_empty(
            {
                "uuid": uuid("finding", *self.names, index),
                "title": f"{markup(self.control['title'])}: {markup(one['subject'])}",
                "description": prose(markup(one["detail"]), f"At {markup(where)}." if where else None),
                "props": props(
                    {
                        "control": self.control["id"],
                        "target": self.state["target"],
                        "subject": one["subject"],
                        "location": where,
                        "fingerprint": fingerprint,
                        "turn": turns.get(fingerprint or ""),
                        "looked": words.looked(one["measure"]) if one["measure"] else None,
                    }
                ),
                **self.shared,
                "types": ["finding"],
                "relevant-evidence": [
                    {"href": f"#{self.report}", "description": "The finding, masked, in report.json."}
                ],
                "collected": self.collected,
            }
        )


def _evidence(what: str, one: Observation) -> Node:
    return without_empty(
        {
            "description": f"{markup(one['subject'])}, {what}: {markup(one['detail'])}",
            "props": props(
                {
                    "outcome": what,
                    "subject": one["subject"],
                    "location": words.place(one["location"]) if one["location"] else None,
                    "looked": words.looked(one["measure"]) if one["measure"] else None,
                }
            ),
        }
    )


def fingerprint_of(one: Observation) -> str | None:
    """Return the fingerprint of a finding, where the run has given it one."""
    return one.get("fingerprint")  # a report.json from before there were any has none
