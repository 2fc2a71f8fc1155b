"""OSCAL: valid by compliance-trestle's models, nothing unseen called satisfied, the same text each time.

``POLICYPROOF_UPDATE_GOLDEN=1 pytest tests/reports/test_oscal.py`` writes the golden files anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath
from typing import Any

import factories
import pytest

from checks.core.model import Run
from reports.ledger import Ledger
from reports.quarter.build import build
from reports.quarter.period import period
from reports.renderers import json_, oscal
from reports.renderers.oscal_quarter_findings import _status
from reports.shape import Summary
from reports.shape.compare import Change, Comparison
from reports.summary import summarise

GOLDEN = Path(__file__).parent / "golden"
RUNS: dict[str, Callable[[], Run]] = {
    "clean": factories.clean,
    "rich": factories.rich,
    "empty": factories.empty,
    "incomplete": factories.incomplete,
    "hostile": factories.hostile,
    "violating": factories.violating,
}


def summary(run: Run) -> Summary:
    made = summarise(run, PurePath(factories.ROOT))
    made["ledger"] = {"number": 3, "digest": "a1" * 32, "previous": "b2" * 32}
    return made


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from nodes(one)
    elif isinstance(value, list):
        for one in value:
            yield from nodes(one)


def own(node: dict[str, Any], name: str) -> list[str]:
    return [one["value"] for one in node.get("props", ()) if one["name"] == name]


def result(text: str) -> dict[str, Any]:
    (only,) = json.loads(text)["assessment-results"]["results"]
    return only


def trestle_says(text: str) -> None:
    """Read a document by compliance-trestle's models, and run its validators."""
    reason = "compliance-trestle cannot be imported on this Python"
    pytest.importorskip("trestle.oscal.assessment_results", reason=reason, exc_type=ImportError)
    from trestle.core.duplicates_validator import DuplicatesValidator
    from trestle.core.refs_validator import RefsValidator
    from trestle.oscal import assessment_results, component

    (kind,) = json.loads(text)
    module = assessment_results if kind == "assessment-results" else component
    model = getattr(module.Model.model_validate_json(text), kind.replace("-", "_"))
    for validator in (DuplicatesValidator(), RefsValidator()):
        assert validator.model_is_valid(model, False)


@pytest.mark.parametrize("name", RUNS)
def test_trestle_takes_both_documents(name: str) -> None:
    made = summary(RUNS[name]())
    trestle_says(oscal.assessment_results(made))
    trestle_says(oscal.component_definition(made))


def check_references(text: str) -> None:
    """Hold every reference against what is defined: trestle's models do not follow them."""
    document = json.loads(text)
    (root,) = document.values()
    everything = list(nodes(document))
    defined = {node["uuid"] for node in everything if "uuid" in node}
    resources = {node["uuid"] for node in root["back-matter"]["resources"]}
    used: set[str] = set()
    for node in everything:
        for key in ("href", "source"):
            if str(node.get(key, "")).startswith("#"):
                used.add(node[key][1:])
        for key in ("subject-uuid", "actor-uuid", "component-uuid", "observation-uuid", "risk-uuid"):
            assert node.get(key) is None or node[key] in defined, key
        assert [] not in node.values()
        assert "" not in node.values()
    assert used == resources
    objectives = {node["id"] for node in everything if node.get("name") == "assessment-objective"}
    for node in everything:
        if node.get("type") == "objective-id":
            assert node["target-id"] in objectives
        assert node.get("objective-id") is None or node["objective-id"] in objectives


@pytest.mark.parametrize("name", RUNS)
def test_every_reference_leads_somewhere(name: str) -> None:
    made = summary(RUNS[name]())
    check_references(oscal.assessment_results(made))
    check_references(oscal.component_definition(made))


@pytest.mark.parametrize("name", ["rich", "empty"])
@pytest.mark.parametrize("kind", ["assessment_results", "component_definition"])
def test_golden(name: str, kind: str) -> None:
    path = GOLDEN / f"oscal-{name}.{kind.replace('_', '-')}.json"
    render: Callable[[Summary], str] = getattr(oscal, kind)
    rendered = render(summary(RUNS[name]()))
    if os.environ.get("POLICYPROOF_UPDATE_GOLDEN"):
        path.write_text(rendered, encoding="utf-8")
    assert rendered == path.read_text("utf-8"), "changed: POLICYPROOF_UPDATE_GOLDEN=1 writes it anew"
    assert rendered == render(summary(RUNS[name]()))


@pytest.mark.parametrize("name", RUNS)
def test_only_what_passed_everywhere_is_satisfied(name: str) -> None:
    made = summary(RUNS[name]())
    controls = {c["id"]: c for s in made["sections"] for c in s["controls"]}
    controls |= {c["id"]: c for c in made["elsewhere"]}
    found = {own(f, "control")[0]: f for f in result(oscal.assessment_results(made)).get("findings", ())}
    assert set(found) == set(controls) | {gap["control"] for gap in made["gaps"]}
    for control, finding in found.items():
        status = finding["target"]["status"]
        states = {v["state"] for v in controls[control]["verdicts"]} if control in controls else set()
        whole = states == {"pass"} and not controls[control]["gaps"]
        assert (status["state"] == "satisfied") is whole
        assert (status["reason"] == "pass") is whole
        failing = bool(states & {"fail"})
        assert not failing or status["reason"] == "fail"
        assert whole or status["remarks"]
        if states == {"not-assessed"}:
            assert status["reason"] == "other"


def test_a_waived_failure_is_a_risk_that_was_accepted() -> None:
    made = result(oscal.assessment_results(summary(factories.rich())))
    by_state = {
        own(r, "control")[0]: r for r in made["risks"] if own(r, "control")[0] in ("RET-01", "CARD-02")
    }
    waived, failing = by_state["RET-01"], by_state["CARD-02"]
    assert waived["status"] == "deviation-approved"
    assert waived["deadline"] == "2026-12-24T23:59:59Z"
    facets = {f["name"]: f["value"] for c in waived["characterizations"] for f in c["facets"]}
    assert facets["waiver-approver"] == "A. Approver"
    assert facets["waiver-reason"] == "Archive moves in December."
    assert failing["status"] == "open"
    assert failing["remediations"][0]["lifecycle"] == "recommendation"
    finding = next(f for f in made["findings"] if own(f, "control") == ["RET-01"])
    assert finding["target"]["status"]["state"] == "not-satisfied"
    assert waived["uuid"] in {one["risk-uuid"] for one in finding["related-risks"]}


def test_what_is_declared_is_examined_and_what_is_opened_is_tested() -> None:
    made = result(oscal.assessment_results(summary(factories.rich())))
    methods = {own(o, "kind")[0]: o["methods"] for o in made["observations"] if own(o, "kind")}
    assert methods["sql"] == ["TEST"]
    for kind, method in methods.items():
        assert method == (["EXAMINE"] if kind in ("attestation", "processor", "export") else ["TEST"])


def test_the_report_is_evidence_by_its_digest_and_the_plan_is_embedded() -> None:
    made = summary(factories.rich())
    document = json.loads(oscal.assessment_results(made))["assessment-results"]
    by_title = {one["title"]: one for one in document["back-matter"]["resources"]}
    rlink = by_title["report.json"]["rlinks"][0]
    assert rlink["href"] == "report.json"
    assert rlink["hashes"][0]["value"] == hashlib.sha256(json_.render(made).encode()).hexdigest()
    plan = by_title["Plan of the assessment"]
    assert document["import-ap"]["href"] == f"#{plan['uuid']}"
    rows = json.loads(base64.b64decode(plan["base64"]["value"]))
    assert ["CARD-02", "cloud-db", "critical"] in rows
    assert len(rows) == sum(made["counts"]["verdicts"].values())


def test_an_incomplete_run_and_the_lab_say_so() -> None:
    text = oscal.assessment_results(summary(factories.incomplete()))
    document = json.loads(text)["assessment-results"]
    assert result(text)["remarks"].startswith("INCOMPLETE")
    assert own(result(text), "complete") == ["no"]
    assert "unknown key" in json.dumps(result(text)["assessment-log"])
    assert document["metadata"]["title"].startswith("[LAB, synthetic data]")
    assert document["metadata"]["remarks"].startswith("LAB")


def test_hostile_text_stays_text() -> None:
    for render in (oscal.assessment_results, oscal.component_definition):
        for node in nodes(json.loads(render(summary(factories.hostile())))):
            for key in ("title", "description", "prose", "remarks", "statement"):
                said = node.get(key)
                if isinstance(said, str):
                    assert "<script" not in said
                    assert not re.search(r"(?<!\\)\]\(", said)


def change(turn: str, control: str, on: str, now: str | None) -> Change:
    return {  # type: ignore[typeddict-item]
        "turn": turn,
        "control": control,
        "title": "Title",
        "severity": "high",
        "target": on,
        "was": "fail",
        "now": now,
        "fingerprint": "0" * 32,
        "subject": "s",
        "detail": "d",
        "location": None,
    }


def compared(*, fixed: list[Change], gone: list[Change]) -> Comparison:
    return {
        "baseline": {
            "number": 2,
            "run_id": "earlier",
            "started": "2026-11-20T10:00:00Z",
            "digest": "c3" * 32,
            "commit": None,
        },
        "new": [],
        "still_failing": [],
        "fixed": fixed,
        "no_longer_assessed": gone,
    }


def test_an_earlier_failure_is_closed_only_by_a_run_that_passes() -> None:
    run = factories.clean()
    unseen = factories.unreached("SALE-02", "site", "nothing answers")
    others = tuple(verdict for verdict in run.verdicts if verdict.control != "SALE-02")
    run = replace(run, verdicts=(*others, unseen))
    comparison = compared(
        fixed=[change("fixed", "CARD-02", "cloud-db", "pass")],
        gone=[
            change("no-longer-assessed", "SALE-02", "site", "not-assessed"),
            change("no-longer-assessed", "OLD-01", "gone", None),
        ],
    )
    text = oscal.assessment_results(summary(run), comparison)
    status = {own(risk, "control")[0]: risk["status"] for risk in result(text)["risks"]}
    assert status == {"CARD-02": "closed", "SALE-02": "investigating", "OLD-01": "investigating"}
    assert own(result(text), "baseline-number") == ["2"]
    trestle_says(text)
    check_references(text)


def test_a_component_definition_cites_the_policy_and_the_frameworks() -> None:
    made = summary(factories.rich())
    document = json.loads(oscal.component_definition(made))["component-definition"]
    (component,) = document["components"]
    assert component["type"] == "validation"
    titles = {f"#{one['uuid']}": one["title"] for one in document["back-matter"]["resources"]}
    sources = [titles[one["source"]] for one in component["control-implementations"]]
    frameworks = {name for s in made["sections"] for c in s["controls"] for name in c["frameworks"]}
    assert frameworks
    assert frameworks <= set(sources)
    requirement = component["control-implementations"][0]["implemented-requirements"][0]
    assert requirement["statements"][0]["description"]


def recorded(ledger: Ledger, run: Run, day: int) -> None:
    """Append ``run`` as if it had been made at noon on a day of October."""
    noon = datetime(2026, 10, day, 12, tzinfo=UTC)
    verdicts = tuple(replace(verdict, started=noon) for verdict in run.verdicts)
    moved = replace(
        run, id=f"run-{day:02d}", started=noon, ended=noon + timedelta(seconds=5), verdicts=verdicts
    )
    ledger.append(summarise(moved, PurePath(factories.ROOT)))


def test_a_quarter_from_a_real_ledger(tmp_path: Path) -> None:
    good = factories.clean()
    failing = factories.having(good, factories.failing("CARD-02", "cloud-db", 3))
    unseen = factories.having(good, factories.unreached("SALE-02", "site", "nothing answers"))
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for day, run in ((1, good), (5, failing), (6, failing), (9, good), (12, factories.rich()), (20, unseen)):
        recorded(ledger, run, day)
    quarter = build(ledger, "lab", period("2026Q4"), now=datetime(2026, 10, 25, tzinfo=UTC))
    text = oscal.quarter_results(quarter)
    assert text == oscal.quarter_results(quarter)
    trestle_says(text)
    check_references(text)
    made = result(text)
    assert made["remarks"] == "The period had not ended."
    assert len([one for one in made["assessment-log"]["entries"] if own(one, "run")]) == 6
    failed = {(own(r, "control")[0], own(r, "target")[0]): r for r in made["risks"]}
    assert failed["CARD-02", "cloud-db"]["status"] == "closed"
    course = [e.get("status-change") for e in failed["CARD-02", "cloud-db"]["risk-log"]["entries"]]
    assert (course[0], course[-1]) == ("open", "closed")
    opinions = {own(f, "opinion")[0]: f["target"]["status"]["state"] for f in made["findings"]}
    assert "did-not-hold" in opinions
    for opinion, state in opinions.items():
        assert state == ("satisfied" if opinion == "held-throughout" else "not-satisfied")
    # A sentence is named as the component definition names it.
    defined = list(nodes(json.loads(oscal.component_definition(summary(good)))))
    statements = {node["statement-id"] for node in defined if "statement-id" in node}
    named = {f["target"]["target-id"] for f in made["findings"] if f["target"]["type"] == "statement-id"}
    assert named
    assert named <= statements


def test_what_was_never_assessed_somewhere_is_not_satisfied_whatever_the_opinion() -> None:
    assert _status("held-throughout", "why", shown=True)["state"] == "satisfied"
    assert _status("held-throughout", "why", shown=False) == {
        "state": "not-satisfied",
        "reason": "other",
        "remarks": "why",
    }
