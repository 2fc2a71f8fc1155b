"""What fails, as OSCAL risks: what to do, by when, who accepted it; and what became of earlier failures.

A risk is a control that fails on a target of an environment. It keeps its identifier from run to run,
so that one document's risk can be found in the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from reports.renderers import words
from reports.renderers.oscal_observed import Seen, end_of
from reports.renderers.oscal_parts import NS, Node, line, markup, props, prose, uuid, without_empty
from reports.renderers.oscal_scope import actor
from reports.shape import Summary, Waiver
from reports.shape.compare import Baseline, Change, Comparison

OPEN, ACCEPTED, INVESTIGATING, CLOSED = "open", "deviation-approved", "investigating", "closed"


def risk_id(environment: str, control: str, target: str) -> str:
    """Return the identifier of the risk that ``control`` fails on ``target``."""
    return uuid("risk", environment, control, target)


def facet(name: str, value: str) -> Node:
    """Return one thing said of a risk."""
    return {"name": name, "system": NS, "value": line(value)}


def accepted(
    origin: Node, approver: str, reason: str, expires: str, subject: str | None, *, expired: bool
) -> Node:
    """Return the characterisation of a risk as accepted by a waiver."""
    return {
        "props": props({"waiver": "expired" if expired else "in-force"}),
        "origin": origin,
        "facets": [
            facet("waiver-approver", approver),
            facet("waiver-reason", reason),
            *([facet("waiver-subject", subject)] if subject is not None else []),
            facet("waiver-expires", expires),
        ],
    }


def severity(origin: Node, value: str) -> Node:
    """Return the characterisation of a risk by its control's severity."""
    return {"origin": origin, "facets": [facet("severity", value)]}


def remediations(identifier: str, said: Sequence[str]) -> list[Node]:
    """Return what to do, as recommended by the controls; nobody has planned it yet."""
    return [
        {
            "uuid": uuid("remediation", identifier, index),
            "lifecycle": "recommendation",
            "title": "What to do",
            "description": markup(text),
        }
        for index, text in enumerate(dict.fromkeys(said))
    ]


def deadline(waivers: Sequence[Waiver], waived: bool) -> str | None:
    """Return when the first waiver ends or ended; there is no other date by which to mend something.

    A waiver in force that accepts only part of a failure gives no time for the rest.
    """
    days = [waiver["expires"] for waiver in waivers if waived or waiver["expired"]]
    return end_of(min(days)) if days else None


def risks(summary: Summary, seen: Sequence[Seen], comparison: Comparison | None) -> Iterator[Node]:
    """Yield a risk for all that fails or is waived, then for what failed in the run compared with."""
    known = {(one.control["id"], one.verdict["target"]): one for one in seen}
    earlier = _Earlier(summary, comparison)
    for key, one in known.items():
        if one.verdict["state"] in ("fail", "waived"):
            yield _risk(summary, one, earlier.entries(*key))
    for control, target in earlier.failing:
        now = known.get((control, target))
        if now is None or now.verdict["state"] not in ("fail", "waived"):
            yield earlier.risk(control, target, now)


def _risk(summary: Summary, one: Seen, entries: list[Node]) -> Node:
    control, verdict, run = one.control, one.verdict, summary["run"]
    identifier = risk_id(summary["environment"]["id"], control["id"], verdict["target"])
    origin = actor(run["version"])
    waived = verdict["state"] == "waived"
    for waiver in verdict["waivers"]:
        said = "no longer accepts it" if waiver["expired"] else "accepts it" if waived else "accepts part"
        entries.append(
            {
                "uuid": uuid("waiver", run["id"], identifier, *map(str, waiver.values())),
                "title": "Waiver, as this run saw it",
                "description": f"A waiver approved by {markup(waiver['approver'])} until "
                f"{waiver['expires']} {said}: {markup(waiver['reason'])}",
                "start": run["started"],
                "status-change": ACCEPTED if waived else OPEN,
            }
        )
    special = [finding["remediation"] for finding in verdict["findings"] if finding["remediation"]]
    return without_empty(
        {
            "uuid": identifier,
            "title": f"{markup(control['title'])}: {markup(verdict['title'])}",
            "description": markup(verdict["reason"]),
            "statement": f"What the policy promises is not kept: {markup(control['commitment'])}",
            "props": props(
                {
                    "control": control["id"],
                    "target": verdict["target"],
                    "owner": control["owner"],
                    "clause": control["clauses"],
                    "findings": verdict["counts"]["violated"],
                }
            ),
            "status": ACCEPTED if waived else OPEN,
            "origins": [origin],
            "characterizations": [
                severity(origin, control["severity"]),
                *(
                    accepted(
                        origin,
                        one["approver"],
                        one["reason"],
                        one["expires"],
                        one["subject"],
                        expired=one["expired"],
                    )
                    for one in verdict["waivers"]
                ),
            ],
            "deadline": deadline(verdict["waivers"], waived),
            "remediations": remediations(identifier, [control["remediation"], *special]),
            "risk-log": {"entries": entries} if entries else None,
            "related-observations": one.related,
        }
    )


class _Earlier:
    """What the comparison says of each control and target."""

    def __init__(self, summary: Summary, comparison: Comparison | None) -> None:
        self.summary = summary
        self.baseline: Baseline | None = comparison["baseline"] if comparison else None
        self.changes: dict[tuple[str, str], list[Change]] = {}
        if comparison is not None and self.baseline is not None:
            listed = (comparison["new"], comparison["still_failing"])
            for turn in (*listed, comparison["fixed"], comparison["no_longer_assessed"]):
                for change in turn:
                    self.changes.setdefault((change["control"], change["target"]), []).append(change)
        self.failing = [
            key
            for key, changes in self.changes.items()
            if any(change["was"] in ("fail", "waived") for change in changes)
        ]

    def entries(self, control: str, target: str) -> list[Node]:
        """Return the entry of a risk's log on what changed since the baseline, if anything is known."""
        changes = self.changes.get((control, target), [])
        if self.baseline is None or not changes:
            return []
        run = self.summary["run"]
        by_turn = groupby(sorted(change["turn"] for change in changes))
        counted = ", ".join(f"{len(list(group))} {turn.replace('-', ' ')}" for turn, group in by_turn)
        return [
            {
                "uuid": uuid("entry", run["id"], control, target, self.baseline["digest"]),
                "title": f"Compared with run number {self.baseline['number']}",
                "description": f"Since {words.moment(self.baseline['started'])}: {counted}.",
                "start": self.baseline["started"],
                "end": run["ended"],
            }
        ]

    def risk(self, control: str, target: str, now: Seen | None) -> Node:
        """Return the risk of something that failed before: closed only if this run shows that it holds."""
        first = self.changes[control, target][0]
        shown = now is not None and now.verdict["state"] == "pass"
        identifier = risk_id(self.summary["environment"]["id"], control, target)
        run, origin = self.summary["run"], actor(self.summary["run"]["version"])
        entries: list[Node] = [
            {**entry, "status-change": CLOSED if shown else INVESTIGATING}
            for entry in self.entries(control, target)
        ]
        return without_empty(
            {
                "uuid": identifier,
                "title": f"{markup(first['title'])}: {markup(now.verdict['title'] if now else target)}",
                "description": prose(
                    "It failed before, and this run saw it as demanded."
                    if shown
                    else "It failed before, and this run did not show that it was mended: "
                    + (markup(now.verdict["reason"]) if now else "nothing looked at it.")
                ),
                "statement": "What the policy promised was not kept.",
                "props": props({"control": control, "target": target}),
                "status": CLOSED if shown else INVESTIGATING,
                "origins": [actor(run["version"])],
                "characterizations": [severity(origin, first["severity"])],
                "risk-log": {"entries": entries} if entries else None,
                "related-observations": now.related if now else None,
            }
        )
