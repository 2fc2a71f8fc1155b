"""Controls as the rules of a SARIF log, with what GitHub's code scanning reads of a rule."""

from __future__ import annotations

from typing import Any

from reports.renderers.gfm import plain
from reports.renderers.sarif_text import identifier, message, sentence
from reports.shape import Control

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
"""Severity of a control → level of its results."""
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.5"}
"""Severity → the number by which GitHub sorts: critical from 9.0, high from 7.0, medium from 4.0."""
_PROBLEMS = {"critical": "error", "high": "error", "medium": "warning", "low": "recommendation"}

TAGS = 10
"""Tags of one rule; GitHub refuses more than 20 and keeps 10."""


def rule(control: Control) -> dict[str, Any]:
    """Return a control as a reporting descriptor."""
    severity = control["severity"]
    clauses = ", ".join(control["clauses"])
    made: dict[str, Any] = {"id": control["id"]}
    name = identifier(control["title"])
    if name is not None and name != control["id"]:
        made["name"] = name
    return made | {
        "shortDescription": message(sentence(control["title"])),
        "fullDescription": message(sentence(control["commitment"])),
        "help": message(
            f"{sentence(control['commitment'])}\n\nPolicy clause {clauses}; {severity}; "
            f"owner {control['owner']}.\n\nWhat to do: {sentence(control['remediation'])}"
        )
        | {"markdown": _help(control).replace("{", "{{").replace("}", "}}")},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {
            "tags": _tags(control),
            "precision": "high",
            "problem.severity": _PROBLEMS[severity],
            "security-severity": SCORES[severity],
            "severity": severity,
            "owner": control["owner"],
            "clauses": control["clauses"],
            "checks": control["checks"],
            "frameworks": control["frameworks"],
        },
    }


def _help(control: Control) -> str:
    cited = [
        f"- {plain(name)}: {plain(', '.join(articles))}" for name, articles in control["frameworks"].items()
    ]
    return "\n".join(
        [
            f"**{plain(control['title'])}**",
            "",
            plain(control["commitment"]),
            "",
            f"- Policy clause: {plain(', '.join(control['clauses']))}",
            f"- Severity: {plain(control['severity'])}",
            f"- Owner: {plain(control['owner'])}",
            *cited,
            "",
            f"**What to do:** {plain(control['remediation'])}",
        ]
    )


def _tags(control: Control) -> list[str]:
    """Return tags, the most telling first; with *security* GitHub shows the severity of the rule."""
    tags = ["security", "privacy", control["severity"]]
    tags += [f"clause-{clause}" for clause in control["clauses"]]
    tags += [f"{name} {article}" for name, articles in control["frameworks"].items() for article in articles]
    return list(dict.fromkeys(tags))[:TAGS]
