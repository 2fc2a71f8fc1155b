"""What an assessment was about, in OSCAL: tool, targets, objectives, plan, and the files behind it.

OSCAL expects a system security plan and an assessment plan, which describe these things. There is
neither: the controls and the inventory are the plan. So the documents define all they refer to
themselves, and the plan as it was carried out is embedded in the back matter.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reports.renderers import json_
from reports.renderers.oscal_parts import Node, line, markup, prop, props, prose, resource, token, uuid
from reports.shape import Control, Summary

TEST, EXAMINE = "TEST", "EXAMINE"
DECLARED = frozenset({"attestation", "processor", "export", "inventory"})
"""Kinds of target of which a declaration is read: that is an examination, not a test."""
COMPONENTS = {"attestation": "process-procedure", "processor": "service"}
"""Kinds of target that OSCAL calls components, not inventory items."""
METHODS = {
    TEST: "Live targets are opened, read-only, and looked at by checks.",
    EXAMINE: "Declarations are read: attestations, with their dates and documents, and the inventory's "
    "statements on processors and exports. Whether they are true is not tested.",
}


class Objective(NamedTuple):
    """What a control promises, and how that is looked at."""

    control: str
    title: str
    promises: str  # Markdown
    methods: tuple[str, ...]


class Known(NamedTuple):
    """A target as the reports know it."""

    name: str
    title: str
    kind: str


def controls_of(summary: Summary) -> list[Control]:
    """Return every control of the run, each once, in the order of the policy."""
    inside = [control for section in summary["sections"] for control in section["controls"]]
    return inside + summary["elsewhere"]


def method_of(kind: str) -> str:
    """Return how a target of this kind is looked at."""
    return EXAMINE if kind in DECLARED else TEST


def tool(version: str) -> Node:
    """Return policyproof as a component of the assessment's assets."""
    return {
        "uuid": uuid("tool", version),
        "type": "software",
        "title": "policyproof",
        "description": "Holds the controls of a privacy policy against targets and records what it saw.",
        "props": [prop("version", version, standard=True)],
        "status": {"state": "operational"},
    }


def assets(versions: Sequence[str], hosts: Iterable[str]) -> Node:
    """Return the tool in its versions, and the hosts it ran on."""
    uses = [{"component-uuid": uuid("tool", version)} for version in versions]
    return {
        "components": [tool(version) for version in versions],
        "assessment-platforms": [
            {"uuid": uuid("platform", host), "title": markup(host), "uses-components": uses} for host in hosts
        ],
    }


def actor(version: str) -> Node:
    """Return the origin of what the tool observed."""
    return {"actors": [{"type": "tool", "actor-uuid": uuid("tool", version)}]}


def subject(environment: str, target: Known) -> Node:
    """Return a reference to a target."""
    return {
        "subject-uuid": uuid("target", environment, target.name),
        "type": "component" if target.kind in COMPONENTS else "inventory-item",
        "title": markup(target.title),
    }


def targets(environment: str, known: Iterable[Known]) -> Node:
    """Return the definitions of targets: processors and attested procedures, and inventory items."""
    components: list[Node] = []
    items: list[Node] = []
    for target in known:
        identifier = uuid("target", environment, target.name)
        ours = [prop("kind", target.kind), prop("environment", environment)]
        if target.kind in COMPONENTS:
            components.append(
                {
                    "uuid": identifier,
                    "type": COMPONENTS[target.kind],
                    "title": markup(target.title),
                    "description": f"Declared in the inventory as {markup(target.name)}.",
                    "props": [*ours, prop("target", target.name)],
                    "status": {"state": "other", "remarks": "Declared in the inventory; not looked at."},
                }
            )
        else:
            items.append(
                {
                    "uuid": identifier,
                    "description": markup(target.title),
                    "props": [prop("asset-id", target.name, standard=True), *ours],
                }
            )
    return {key: value for key, value in (("components", components), ("inventory-items", items)) if value}


def objective_id(control: str) -> str:
    """Return the name of a control's objective, which findings are about."""
    return f"{token(control)}_obj"


def objectives(of: Iterable[Objective]) -> list[Node]:
    """Return the local definitions of objectives, as no catalogue defines them."""
    return [
        {
            "control-id": token(one.control),
            "description": markup(one.title),
            "parts": [
                {
                    "id": objective_id(one.control),
                    "name": "assessment-objective",
                    "prose": one.promises,
                },
                *(
                    {
                        "id": f"{token(one.control)}_{method.lower()}",
                        "name": "assessment-method",
                        "props": [prop("method", method, standard=True)],
                        "prose": METHODS[method],
                    }
                    for method in one.methods
                ),
            ],
        }
        for one in of
    ]


def reviewed(controls: Sequence[str], description: str, remarks: str | None) -> Node:
    """Return the controls under review, with their objectives."""
    selection: Node = {"description": description}
    if not controls:  # OSCAL demands a selection: everything there was, which is nothing
        made: Node = {"control-selections": [{**selection, "include-all": {}}]}
    else:
        made = {
            "control-selections": [
                {**selection, "include-controls": [{"control-id": token(name)} for name in controls]}
            ],
            "control-objective-selections": [
                {"include-objectives": [{"objective-id": objective_id(name)} for name in controls]}
            ],
        }
    if remarks:
        made["remarks"] = remarks
    return made


def activities(of: Iterable[Objective], checks: Mapping[str, str | None], *scope: str) -> list[Node]:
    """Return what was done, by method; the steps of testing are the checks, with their code's version."""
    made: list[Node] = []
    listed = list(of)
    for method, text in METHODS.items():
        names = [one.control for one in listed if method in one.methods]
        if not names:
            continue
        activity: Node = {
            "uuid": uuid("activity", method, *scope),
            "title": f"{method.capitalize()} by policyproof",
            "description": text,
            "props": [prop("method", method, standard=True)],
            "related-controls": reviewed(names, "Controls of which a target is looked at so.", None),
        }
        if method == TEST and checks:
            activity["steps"] = [
                {
                    "uuid": uuid("check", name, *scope),
                    "title": markup(name),
                    "description": f"Check {markup(name)}.",
                    "props": props({"check": name, "code-version": version}),
                }
                for name, version in checks.items()
            ]
        made.append(activity)
    return made


def plan(identifier: str, rows: Sequence[Sequence[str]], digests: Mapping[str, str]) -> Node:
    """Return the plan as a resource: what was held against what, embedded, and what it was made from."""
    text = json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":"))
    made = resource(
        identifier,
        "Plan of the assessment",
        "Which control was to be held against which target: made from the controls and the inventory, "
        "whose digests are given. It is no OSCAL assessment plan, as there is none.",
        properties=[
            *props({f"sha-256-of-{token(name)}": digest for name, digest in digests.items()}),
            prop("sha-256", hashlib.sha256(text.encode()).hexdigest()),
        ],
    )
    embedded = base64.b64encode(text.encode()).decode()
    made["base64"] = {"filename": "plan.json", "media-type": "application/json", "value": embedded}
    return made


def plan_rows(summary: Summary) -> Iterator[tuple[str, str, str]]:
    """Yield ``(control, target, severity)`` of everything that was expected, with what did not run."""
    known = {control["id"]: control["severity"] for control in controls_of(summary)}
    for control in controls_of(summary):
        for verdict in control["verdicts"]:
            yield control["id"], verdict["target"], control["severity"]
    for gap in summary["gaps"]:
        yield gap["control"], gap["target"] or "", known.get(gap["control"], "")


def report_file(summary: Summary) -> Node:
    """Return ``report.json`` as a resource, with the digest of the file written from the same summary."""
    return resource(
        uuid("report.json", summary["run"]["id"]),
        "report.json",
        "The whole report of the run: every verdict with what was observed, masked.",
        href="report.json",
        sha256=hashlib.sha256(json_.render(summary).encode()).hexdigest(),
        media_type="application/json",
    )


def policy_text(identifier: str, version: str | None, effective: str | None, digest: str) -> Node:
    """Return the policy that was held against, known by the digest of its lock file."""
    stated = props({"policy": identifier, "version": version, "effective": effective})
    return resource(
        uuid("policy", digest),
        prose(f"Privacy policy {line(identifier)}, version {line(version or 'not stated')}"),
        "The policy, sentence by sentence, as fixed by policy.lock.",
        sha256=digest,
        properties=stated,
    )
