"""What a run concluded, as OSCAL findings: one for each control's objective, satisfied or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.renderers import words
from reports.renderers.oscal_observed import Seen
from reports.renderers.oscal_parts import Node, markup, props, prose, uuid, without_empty
from reports.renderers.oscal_risks import risk_id
from reports.renderers.oscal_scope import actor, controls_of, objective_id
from reports.shape import Control, Gap, Summary


def findings(
    summary: Summary, controls: list[Control], seen: list[Seen], at_risk: set[object]
) -> Iterator[Node]:
    """Yield the finding on each control, with its observations and its risks, of those in ``at_risk``."""
    run, environment = summary["run"], summary["environment"]["id"]
    by_control: dict[str, list[Seen]] = {}
    for one in seen:
        by_control.setdefault(one.control["id"], []).append(one)
    for control in controls:
        mine = by_control.get(control["id"], [])
        found = [risk_id(environment, control["id"], one.verdict["target"]) for one in mine]
        yield without_empty(
            {
                "uuid": uuid("control", run["id"], control["id"]),
                "title": markup(control["title"]),
                "description": _said(control),
                "props": props(
                    {
                        "control": control["id"],
                        "state": control["state"],
                        "severity": control["severity"],
                        "owner": control["owner"],
                        "clause": control["clauses"],
                    }
                ),
                "origins": [actor(run["version"])],
                "target": target(control["id"], control["title"], control["state"], _reasons(control)),
                "related-observations": [node for one in mine for node in one.related],
                "related-risks": [{"risk-uuid": name} for name in found if name in at_risk],
            }
        )


def target(control: str, title: str, state: str, why: str | None) -> Node:
    """Return what a finding says of a control's objective: only *pass* satisfies it."""
    reason = {"pass": "pass", "fail": "fail", "waived": "fail"}.get(state, "other")
    return {
        "type": "objective-id",
        "target-id": objective_id(control),
        "title": markup(title),
        "status": without_empty(
            {
                "state": "satisfied" if state == "pass" else "not-satisfied",
                "reason": reason,
                "remarks": why,
            }
        ),
    }


def _reasons(control: Control) -> str | None:
    if control["state"] == "pass":
        return None
    if control["state"] == "waived":
        return "It fails, and waivers accept that; see the related risks."
    reasons = [one["reason"] for one in control["verdicts"] if one["state"] == control["state"]]
    if control["state"] == "did-not-run":
        reasons = [gap["reason"] for gap in control["gaps"]] or ["nothing was held against any target"]
    return f"{words.WORDS[control['state']][1]}: {'; '.join(markup(why) for why in dict.fromkeys(reasons))}"


def _said(control: Control) -> str:
    sampled = sum(one["extent"] == "sampled" and one["state"] == "pass" for one in control["verdicts"])
    return prose(
        markup(control["commitment"]),
        f"Verdicts: {words.tallied(control['counts'])}.",
        f"Of {words.counted(sampled, 'target')} only a sample was looked at." if sampled else None,
        *(
            f"Did not run on {markup(g['target'] or 'any target')}: {markup(g['reason'])}"
            for g in control["gaps"]
        ),
    )


def missing_controls(summary: Summary) -> dict[str, list[Gap]]:
    """Return the gaps of controls that the run knows by name alone."""
    known = {control["id"] for control in controls_of(summary)}
    found: dict[str, list[Gap]] = {}
    for gap in summary["gaps"]:
        if gap["control"] not in known:
            found.setdefault(gap["control"], []).append(gap)
    return found


def nothing_ran(summary: Summary, missing: Mapping[str, list[Gap]]) -> Iterator[Node]:
    """Yield a finding for each of the controls that the run knows by name alone: it did not run."""
    run = summary["run"]
    for name, gaps in missing.items():
        why = "; ".join(markup(gap["reason"]) for gap in gaps)
        yield {
            "uuid": uuid("control", run["id"], name),
            "title": markup(name),
            "description": f"Did not run: {why}",
            "props": props({"control": name, "state": "did-not-run"}),
            "origins": [actor(run["version"])],
            "target": target(name, name, "did-not-run", f"Did not run: {why}"),
        }
