"""What the controls promise to check, as an OSCAL component definition with policyproof as validation.

For each section of the policy there is one implementation, whose source is the policy, with its sentences
as statements; and for each framework that controls cite there is one whose source is that framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reports.renderers.oscal_parts import (
    Node,
    document,
    line,
    link,
    markup,
    metadata,
    prop,
    props,
    prose,
    resource,
    token,
    uuid,
    without_empty,
)
from reports.renderers.oscal_scope import controls_of, policy_text
from reports.shape import Control, Summary

FULL_NAMES = {
    "CCPA": "California Consumer Privacy Act of 2018, Cal. Civ. Code 1798.100 and following",
    "GDPR": "Regulation (EU) 2016/679 (General Data Protection Regulation)",
    "ePrivacy": "Directive 2002/58/EC on privacy and electronic communications",
    "ISO 27001": "ISO/IEC 27001, Annex A",
    "ISO 27701": "ISO/IEC 27701",
    "PCI DSS": "Payment Card Industry Data Security Standard",
    "SOC2": "AICPA Trust Services Criteria",
}
"""What frameworks are called in full; others are cited by the name that controls give them."""


def component_definition(summary: Summary) -> str:
    """Return the controls as an OSCAL component-definition document, the same text each time."""
    run, policy = summary["run"], summary["policy"]
    controls = controls_of(summary)
    text = policy_text(policy["id"], policy["version"], policy["effective"], policy["digest"])
    frameworks = {name: _framework(name) for name in sorted({n for c in controls for n in c["frameworks"]})}
    implementations = [
        *_sections(summary, str(text["uuid"]), frameworks),
        *_by_framework(controls, frameworks),
    ]
    owners = sorted({control["owner"] for control in controls})
    component = without_empty(
        {
            "uuid": uuid("component", policy["id"], run["version"]),
            "type": "validation",
            "title": "policyproof",
            "description": "Holds each control of the privacy policy against the targets of the inventory. "
            "What is described here is what is checked, not that it holds: see the assessment results.",
            "purpose": "Validation of a privacy policy",
            "props": [prop("version", run["version"], standard=True), *props({"owner": owners})],
            "links": [link(str(text["uuid"]))],
            "control-implementations": implementations,
        }
    )
    version = policy["version"] or policy["digest"]
    body = {
        "metadata": metadata(
            f"Controls of the privacy policy {markup(policy['id'])}, version {markup(version)}",
            run["ended"],
            version,
            props({"policy": policy["id"], "controls": len(controls), **_digests(summary)}),
            None,
        ),
        "components": [component],
        "back-matter": {"resources": [text, *frameworks.values()]},
    }
    return document("component-definition", body)


def _digests(summary: Summary) -> dict[str, str]:
    return {f"sha-256-of-{token(name)}": digest for name, digest in summary["digests"].items()}


def _framework(name: str) -> Node:
    full = next((said for key, said in FULL_NAMES.items() if name == key or name.startswith(f"{key} ")), name)
    made = resource(uuid("framework", name), line(name), f"Cited by controls as {markup(name)}.")
    return {**made, "citation": {"text": markup(full)}}


def _sections(summary: Summary, source: str, frameworks: Mapping[str, Node]) -> Iterator[Node]:
    """Yield an implementation for each section that has controls; sentences of others are cited too."""
    words = {clause["id"]: clause["commitment"] for s in summary["sections"] for clause in s["clauses"]}
    titled = [(f"Section {s['number']}: {markup(s['title'])}", s["controls"]) for s in summary["sections"]]
    titled.append(("Controls of no section", summary["elsewhere"]))
    for title, controls in titled:
        if controls:
            yield {
                "uuid": uuid("implementation", summary["policy"]["digest"], title),
                "source": f"#{source}",
                "description": title,
                "implemented-requirements": [
                    _requirement(control, words, frameworks, title) for control in controls
                ],
            }


def _requirement(
    control: Control, words: Mapping[str, str], frameworks: Mapping[str, Node], scope: str
) -> Node:
    cited = [
        prop("framework-reference", part, group=token(name))
        for name, parts in control["frameworks"].items()
        for part in parts
    ]
    return without_empty(
        {
            "uuid": uuid("requirement", control["id"], scope),
            "control-id": token(control["id"]),
            "description": prose(markup(control["title"]), markup(control["commitment"])),
            "props": [
                *props(
                    {
                        "control": control["id"],
                        "severity": control["severity"],
                        "owner": control["owner"],
                        "clause": control["clauses"],
                        "check": control["checks"],
                        "file": control["location"]["path"],
                    }
                ),
                *cited,
            ],
            "links": [link(str(frameworks[name]["uuid"])) for name in control["frameworks"]],
            "statements": [
                {
                    "statement-id": token(f"clause-{clause}"),
                    "uuid": uuid("statement", control["id"], clause),
                    "description": markup(words.get(clause, "A sentence that the policy does not have.")),
                    "props": props({"clause": clause}),
                }
                for clause in dict.fromkeys(control["clauses"])
            ],
            "remarks": f"What to do when it fails: {markup(control['remediation'])}",
        }
    )


def _by_framework(controls: Sequence[Control], frameworks: Mapping[str, Node]) -> Iterator[Node]:
    """Yield an implementation for each framework, its parts as the controls that are supported."""
    for name, source in frameworks.items():
        parts: dict[str, list[Control]] = {}
        for control in controls:
            for part in control["frameworks"].get(name, ()):
                parts.setdefault(part, []).append(control)
        if parts:
            yield {
                "uuid": uuid("implementation", "framework", name),
                "source": f"#{source['uuid']}",
                "description": f"What of {markup(name)} is supported by controls. They cite it; "
                "they do not claim to cover it.",
                "props": props({"framework": name}),
                "implemented-requirements": [
                    {
                        "uuid": uuid("requirement", name, part),
                        "control-id": token(part),
                        "description": prose(
                            f"{markup(name)} {markup(part)} is supported by:",
                            *(f"{markup(c['id'])}: {markup(c['title'])}" for c in named),
                        ),
                        "props": props({"reference": part, "control": [c["id"] for c in named]}),
                    }
                    for part, named in parts.items()
                ],
            }
