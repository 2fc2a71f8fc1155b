"""What SARIF 2.1.0 and GitHub's code scanning demand of a log, as checks written from their rules.

Section numbers are those of the standard; ``faults`` returns one line for each rule that is broken.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

LEVELS = ("none", "note", "warning", "error")
KINDS = ("pass", "open", "informational", "notApplicable", "review", "fail")
BASELINE = ("new", "unchanged", "updated", "absent")
LIMITS = {"runs": 20, "results": 25_000, "rules": 25_000, "tags": 20, "locations": 1_000}
KNOWN: dict[str, set[str]] = {
    "log": {"$schema", "version", "runs", "properties"},
    "run": {
        "tool", "automationDetails", "baselineGuid", "columnKind", "originalUriBaseIds", "invocations",
        "results", "properties", "versionControlProvenance",
    },
    "driver": {"name", "version", "semanticVersion", "informationUri", "rules"},
    "rule": {
        "id", "name", "shortDescription", "fullDescription", "help", "helpUri", "defaultConfiguration",
        "properties",
    },
    "result": {
        "ruleId", "ruleIndex", "kind", "level", "message", "locations", "relatedLocations",
        "partialFingerprints", "suppressions", "baselineState", "properties",
    },
    "location": {"id", "physicalLocation", "logicalLocations", "message"},
    "region": {"startLine", "byteOffset", "byteLength"},
    "suppression": {"kind", "status", "justification"},
    "invocation": {
        "executionSuccessful", "exitCode", "exitCodeDescription", "startTimeUtc", "endTimeUtc",
        "toolExecutionNotifications", "toolConfigurationNotifications",
    },
    "notification": {"level", "message", "associatedRule"},
}  # fmt: skip
"""The properties that we write, of those that the standard knows."""


def faults(log: dict[str, Any], *, github: bool = True) -> list[str]:
    """Return what is wrong with ``log``; with ``github`` also what code scanning would refuse or hide."""
    return list(_log(log, github))


def _log(log: dict[str, Any], github: bool) -> Iterator[str]:
    yield from _known("log", log)
    if log.get("version") != "2.1.0":
        yield "3.13.2 version"
    if "2.1.0" not in str(log.get("$schema")):
        yield "3.13.3 $schema"
    if len(log["runs"]) > LIMITS["runs"]:
        yield "GitHub: runs"
    for run in log["runs"]:
        yield from _run(run, github)


def _run(run: dict[str, Any], github: bool) -> Iterator[str]:
    yield from _known("run", run)
    driver = run["tool"]["driver"]
    yield from _known("driver", driver)
    if not driver["name"] or not re.match(r"\d", driver["version"]):
        yield "3.19.8 name, 3.19.13 version"
    rules = driver.get("rules", [])
    if len({rule["id"] for rule in rules}) < len(rules):
        yield "3.49.3 ids of rules are unique"
    for rule in rules:
        yield from _rule(rule, github)
    details = run.get("automationDetails", {})
    for guid in (details.get("guid"), run.get("baselineGuid")):
        if guid is not None and str(uuid.UUID(guid)) != guid:
            yield "3.5.3 guid"
    for base in run.get("originalUriBaseIds", {}).values():
        if "uri" in base and (not urlsplit(base["uri"]).scheme or not base["uri"].endswith("/")):
            yield "3.14.14 originalUriBaseIds"
    results = run["results"]
    for name in ("suppressions", "baselineState"):
        if len({name in result for result in results}) > 1:
            yield f"3.27.23, 3.27.24: {name} on some results only"
    if len(results) > LIMITS["results"] or len(rules) > LIMITS["rules"]:
        yield "GitHub: results or rules of a run"
    for result in results:
        yield from _result(result, rules, run, github)
    for invocation in run.get("invocations", []):
        yield from _invocation(invocation, rules)


def _rule(rule: dict[str, Any], github: bool) -> Iterator[str]:
    yield from _known("rule", rule)
    if rule.get("name") == rule["id"] or len(rule["id"]) > 255 or len(rule.get("name", "")) > 255:
        yield f"3.49.7 name of {rule['id']}"
    for name in ("shortDescription", "fullDescription", "help"):
        if name in rule:
            yield from _message(rule[name])
        elif github:
            yield f"GitHub: {name} of {rule['id']}"
    if github:
        if any(len(rule[name]["text"]) > 1024 for name in ("shortDescription", "fullDescription")):
            yield f"GitHub: a description of {rule['id']} is too long"
        bag = rule["properties"]
        if len(bag["tags"]) > LIMITS["tags"] or len(set(bag["tags"])) < len(bag["tags"]):
            yield f"GitHub: tags of {rule['id']}"
        if not 0 < float(bag["security-severity"]) <= 10 or not isinstance(bag["security-severity"], str):
            yield f"GitHub: security-severity of {rule['id']}"
        if bag.get("problem.severity", "error") not in ("error", "warning", "recommendation"):
            yield f"GitHub: problem.severity of {rule['id']}"
    if rule.get("defaultConfiguration", {}).get("level", "warning") not in LEVELS:
        yield f"3.50.3 level of {rule['id']}"


def _result(
    result: dict[str, Any], rules: list[dict[str, Any]], run: dict[str, Any], github: bool
) -> Iterator[str]:
    yield from _known("result", result)
    yield from _message(result["message"])
    if not result["message"]["text"].endswith((".", "!", "?", "…")):
        yield "3.11.4: a message is a sentence"
    if "ruleIndex" in result and rules[result["ruleIndex"]]["id"] != result["ruleId"]:
        yield "3.27.6 ruleIndex"
    kind = result.get("kind", "fail")
    if kind not in KINDS or result.get("level", "warning") not in LEVELS:
        yield "3.27.9 kind, 3.27.10 level"
    if kind != "fail" and result.get("level", "none") != "none":
        yield "3.27.10: only a failure has a level"
    if result.get("baselineState", "new") not in BASELINE:
        yield "3.27.24 baselineState"
    if github and (kind in ("pass", "notApplicable") or result.get("baselineState") == "absent"):
        yield "GitHub shows as an alert what is none"
    locations = result.get("locations", [])
    if github and not 1 <= len(locations) <= LIMITS["locations"]:
        yield "GitHub: locations"
    for location in (*locations, *result.get("relatedLocations", [])):
        yield from _location(location, run, github)
    if github and any("message" not in one for one in result.get("relatedLocations", [])):
        yield "GitHub: a related location has a message"
    if github and not result.get("partialFingerprints", {}).get("primaryLocationLineHash"):
        yield "GitHub: primaryLocationLineHash"
    for suppression in result.get("suppressions", []):
        yield from _known("suppression", suppression)
        if suppression["kind"] not in ("inSource", "external"):
            yield "3.35.2 kind of a suppression"
        if suppression.get("status", "accepted") not in ("accepted", "underReview", "rejected"):
            yield "3.35.3 status of a suppression"


def _location(location: dict[str, Any], run: dict[str, Any], github: bool) -> Iterator[str]:
    yield from _known("location", location)
    physical = location.get("physicalLocation")
    if physical is None:
        if github:
            yield "GitHub: a location has a file"
        return
    artifact = physical["artifactLocation"]
    uri = urlsplit(artifact["uri"])
    if not re.fullmatch(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+", artifact["uri"]):
        yield f"3.4.3: no URI reference: {artifact['uri']}"
    if "uriBaseId" in artifact:
        if uri.scheme or artifact["uri"].startswith("/"):
            yield f"3.4.4: not relative to its base: {artifact['uri']}"
        if artifact["uriBaseId"] not in run.get("originalUriBaseIds", {}):
            yield f"3.14.14: nothing is said of {artifact['uriBaseId']}"
    if ".." in uri.path.split("/"):
        yield f"3.4.3: steps up: {artifact['uri']}"
    if github and uri.scheme not in ("", "file"):
        yield f"GitHub: no file: {artifact['uri']}"
    region = physical.get("region")
    if region is not None:
        yield from _known("region", region)
        if region.get("startLine", 1) < 1:
            yield "3.30.5 startLine"
        if not {"startLine", "byteOffset"} & set(region):
            yield "3.30.4: a region without a beginning"
    if github and (region is None or "startLine" not in region):
        yield "GitHub: a region has a line"


def _invocation(invocation: dict[str, Any], rules: list[dict[str, Any]]) -> Iterator[str]:
    yield from _known("invocation", invocation)
    if not isinstance(invocation["executionSuccessful"], bool):
        yield "3.20.14 executionSuccessful"
    times = [invocation[name] for name in ("startTimeUtc", "endTimeUtc") if name in invocation]
    if any(not time.endswith("Z") for time in times):
        yield "3.9: a time in UTC"
    if sorted(map(datetime.fromisoformat, times)) != list(map(datetime.fromisoformat, times)):
        yield "3.20.8: the end comes before the start"
    for name in ("toolExecutionNotifications", "toolConfigurationNotifications"):
        for note in invocation.get(name, []):
            yield from _known("notification", note)
            yield from _message(note["message"])
            if note.get("level", "warning") not in LEVELS:
                yield "3.58.6 level of a notification"
            associated = note.get("associatedRule")
            if associated is not None and rules[associated["index"]]["id"] != associated["id"]:
                yield "3.58.3 associatedRule"


def _message(message: dict[str, Any]) -> Iterator[str]:
    if not message.get("text") or not set(message) <= {"text", "markdown"}:
        yield "3.11.8: a message has a text"
    for text in message.values():
        if re.search(r"[{}]", text.replace("{{", "").replace("}}", "")):
            yield f"3.11.5: a brace that is not doubled: {text}"
    if re.search(r"(?<!\\)\]\(", message.get("text", "")):
        yield f"3.11.6: text that is a link: {message['text']}"


def _known(kind: str, value: dict[str, Any]) -> Iterator[str]:
    if unknown := set(value) - KNOWN[kind]:
        yield f"a {kind} has no {', '.join(sorted(unknown))}"
