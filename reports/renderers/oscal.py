"""The report for governance tools: one run as OSCAL assessment results (JSON).

A finding is about a control's objective, and *satisfied* only if every verdict on it passed: what was not
assessed, did not run or was waived is *not-satisfied*, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.renderers import words
from reports.renderers.oscal_components import component_definition
from reports.renderers.oscal_findings import findings, missing_controls, nothing_ran
from reports.renderers.oscal_observed import observed
from reports.renderers.oscal_parts import (
    NS,
    Node,
    document,
    line,
    link,
    markup,
    metadata,
    props,
    prose,
    resource,
    token,
    uuid,
    without_empty,
)
from reports.renderers.oscal_quarter import quarter_results
from reports.renderers.oscal_risks import risks
from reports.renderers.oscal_scope import (
    TEST,
    Known,
    Objective,
    activities,
    assets,
    controls_of,
    method_of,
    objectives,
    plan,
    plan_rows,
    policy_text,
    report_file,
    reviewed,
    targets,
)
from reports.shape import Attestation, Control, Gap, Summary
from reports.shape.compare import Comparison

__all__ = ["assessment_results", "component_definition", "quarter_results"]


def assessment_results(summary: Summary, comparison: Comparison | None = None) -> str:
    """Return the run as an OSCAL assessment-results document, the same text each time."""
    environment, run = summary["environment"], summary["run"]
    controls, missing = controls_of(summary), missing_controls(summary)
    listed = [*map(_objective, controls), *(_unwritten(name, gaps) for name, gaps in missing.items())]
    files = list(_files(summary))
    made_from = {name: digest for name, digest in summary["digests"].items() if name != "policy_lock"}
    planned = plan(uuid("plan", run["id"]), list(plan_rows(summary)), made_from)
    body: Node = {
        "metadata": metadata(
            words.title(markup(environment["label"]), environment["synthetic"], summary["verdict"]["state"]),
            run["ended"],
            run["id"],
            props({"environment": environment["id"], "synthetic": environment["synthetic"]}),
            environment["banner"],
        ),
        "import-ap": {
            "href": f"#{planned['uuid']}",
            "remarks": "There is no OSCAL assessment plan. This resource holds the plan as it was carried "
            "out, with the digests of the controls and the inventory that it was made from.",
        },
        "local-definitions": without_empty(
            {
                "objectives-and-methods": objectives(listed),
                "activities": activities(listed, dict(summary["checks"]), run["id"]),
                "remarks": "Objectives are the controls of policyproof; no catalogue defines them.",
            }
        ),
        "results": [_result(summary, comparison, controls, missing, files)],
        "back-matter": {"resources": [planned, *files]},
    }
    return document("assessment-results", without_empty(body))


def _result(
    summary: Summary,
    comparison: Comparison | None,
    controls: list[Control],
    missing: Mapping[str, list[Gap]],
    files: list[Node],
) -> Node:
    run, environment, verdict = summary["run"], summary["environment"], summary["verdict"]
    turns = _turns(comparison)
    seen = list(observed(summary, controls, turns))
    observations = [node for one in seen for node in (one.whole, *one.findings)]
    risky = list(risks(summary, seen, comparison))
    at_risk = {node["uuid"] for node in risky}
    known = {one.verdict["target"]: one.verdict for one in seen}
    concluded = [*findings(summary, controls, seen, at_risk), *nothing_ran(summary, missing)]
    names = [*(control["id"] for control in controls), *missing]
    return without_empty(
        {
            "uuid": uuid("result", run["id"]),
            "title": f"Run on {markup(environment['label'])}",
            "description": prose(
                environment["banner"],
                markup(verdict["headline"]),
                *(markup(caveat) for caveat in verdict["caveats"]),
            ),
            "start": run["started"],
            "end": run["ended"],
            "props": _facts(summary, comparison),
            "links": [link(str(node["uuid"])) for node in files],
            "local-definitions": {
                **targets(
                    environment["id"],
                    (Known(name, one["title"], one["kind"]) for name, one in known.items()),
                ),
                "assessment-assets": assets([run["version"]], [run["host"]]),
            },
            "reviewed-controls": reviewed(names, "Every control that the run was to hold.", _gaps(summary)),
            "attestations": [_attestation(one, run["id"]) for one in summary["attestations"]],
            "assessment-log": {"entries": list(_log(summary))},
            "observations": observations,
            "risks": risky,
            "findings": concluded,
            "remarks": None
            if verdict["complete"]
            else "INCOMPLETE: something that should have run did not; see the assessment log and the "
            "findings whose state is did-not-run.",
        }
    )


def _turns(comparison: Comparison | None) -> dict[str, str]:
    """Return what became of each fingerprint; without a baseline nothing can be called new."""
    if comparison is None or comparison["baseline"] is None:
        return {}
    changes = (*comparison["new"], *comparison["still_failing"])
    return {change["fingerprint"]: change["turn"] for change in changes if change["fingerprint"]}


def _facts(summary: Summary, comparison: Comparison | None) -> list[Node]:
    run, verdict, ledger = summary["run"], summary["verdict"], summary["ledger"]
    git, trigger = run["git"], run["trigger"]
    baseline = comparison["baseline"] if comparison else None
    return props(
        {
            "run": run["id"],
            "environment": summary["environment"]["id"],
            "planted": summary["environment"]["planted"],
            "state": verdict["state"],
            "complete": verdict["complete"],
            "gate": verdict["gate"],
            "exit-code": verdict["exit_code"],
            "python": run["python"],
            "commit": git["commit"] if git else None,
            "changed-since-commit": git["dirty"] if git else None,
            "started-by": trigger["by"],
            "reference": trigger["reference"],
            "ledger-number": ledger["number"] if ledger else None,
            "ledger-digest": ledger["digest"] if ledger else None,
            "ledger-previous": ledger["previous"] if ledger else None,
            "in-ledger": ledger is not None,
            "baseline-run": baseline["run_id"] if baseline else None,
            "baseline-number": baseline["number"] if baseline else None,
            "baseline-digest": baseline["digest"] if baseline else None,
            **{f"verdicts-{state}": count for state, count in summary["counts"]["verdicts"].items()},
        }
    )


def _objective(control: Control) -> Objective:
    methods = tuple(dict.fromkeys(method_of(verdict["kind"]) for verdict in control["verdicts"])) or (TEST,)
    return Objective(control["id"], control["title"], markup(control["commitment"]), methods)


def _unwritten(name: str, gaps: list[Gap]) -> Objective:
    return Objective(name, name, f"Not known: {markup(gaps[0]['reason'])}", (TEST,))


def _gaps(summary: Summary) -> str | None:
    gaps = summary["coverage"]["gaps"]
    if not gaps:
        return None
    named = ", ".join(markup(gap["id"]) for gap in gaps)
    return f"No control covers {words.counted(len(gaps), 'sentence')} of the policy: {named}."


def _attestation(one: Attestation, run: str) -> Node:
    return {
        "parts": [
            {
                "uuid": uuid("attestation", run, one["id"]),
                "name": "attestation",
                "ns": NS,
                "title": markup(one["title"]),
                "props": props(
                    {
                        "attestation": one["id"],
                        "owner": one["owner"],
                        "dated": one["dated"],
                        "expires": one["expires"],
                        "expired": one["expired"],
                        "state": one["state"] or "no-control-reads-it",
                    }
                ),
                "prose": markup(one["statement"]),
            }
        ]
    }


def _log(summary: Summary) -> Iterator[Node]:
    run = summary["run"]
    yield {
        "uuid": uuid("log", run["id"]),
        "title": f"Run {markup(run['id'])}",
        "description": f"Verdicts: {words.tallied(summary['counts']['verdicts'])}.",
        "start": run["started"],
        "end": run["ended"],
        "props": props({"exit-code": summary["verdict"]["exit_code"]}),
    }
    for index, error in enumerate(summary["errors"]):
        yield {
            "uuid": uuid("error", run["id"], index),
            "title": "Error",
            "description": markup(error),
            "start": run["ended"],
        }


def _files(summary: Summary) -> Iterator[Node]:
    policy = summary["policy"]
    yield report_file(summary)
    yield policy_text(policy["id"], policy["version"], policy["effective"], policy["digest"])
    for name, digest in summary["digests"].items():
        if name != "policy_lock":
            yield resource(
                uuid("file", token(name), digest),
                line(name),
                f"What the run read as its {markup(name.replace('_', ' '))}.",
                sha256=digest,
            )
