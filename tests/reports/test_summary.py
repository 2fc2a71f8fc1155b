"""What a run adds up to; and that the published schema, the types and the summaries agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, get_type_hints, is_typeddict

import factories
import pytest
from jsonschema import Draft202012Validator

from checks.core.model import Location, Observation, Run, Severity
from reports import shape
from reports.evidence import LONGEST
from reports.ledger import Ledger
from reports.recorded import placed, report_schema
from reports.shape import Summary
from reports.summary import summarise

ROOT = PurePath(factories.ROOT)
RUNS: dict[str, Callable[[], Run]] = {
    "clean": factories.clean,
    "violating": factories.violating,
    "not_assessed": factories.not_assessed,
    "waived": factories.waived,
    "expired_waiver": factories.expired_waiver,
    "incomplete": factories.incomplete,
    "rich": factories.rich,
    "empty": factories.empty,
    "hostile": factories.hostile,
}


def summary(name: str) -> Summary:
    return summarise(RUNS[name](), ROOT)


@pytest.mark.parametrize(
    ("name", "state", "complete", "headline"),
    [
        ("clean", "compliant", True, "Every promise that is checked holds: 17 verdicts of 9 controls."),
        (
            "violating",
            "violations",
            True,
            "2 of 17 verdicts fail, on 2 controls: 1 critical, 1 medium.",
        ),
        (
            "not_assessed",
            "not-assessed",
            True,
            "No violation was seen, but only 14 of 17 verdicts could be reached.",
        ),
        (
            "waived",
            "compliant",
            True,
            "Every promise that is checked holds: 17 verdicts of 9 controls, 1 of them by waiver.",
        ),
        ("expired_waiver", "violations", True, "1 of 17 verdicts fail, on 1 control: 1 medium."),
        (
            "incomplete",
            "not-assessed",
            False,
            "No violation was seen, but only 16 of 18 verdicts could be reached.",
        ),
        ("rich", "violations", False, "2 of 17 verdicts fail, on 2 controls: 1 critical, 1 medium."),
        ("empty", "not-assessed", True, "Nothing was shown: no verdict was reached."),
    ],
)
def test_the_verdict_at_the_top(name: str, state: str, complete: bool, headline: str) -> None:
    verdict = summary(name)["verdict"]
    assert (verdict["state"], verdict["complete"], verdict["headline"]) == (state, complete, headline)


def test_a_sentence_without_a_control_is_no_part_of_compliance() -> None:
    run = replace(RUNS["clean"](), sections=factories.sections(uncovered=("13.2",)))
    verdict = summarise(run, ROOT)["verdict"]
    assert verdict["state"] == "holds-with-gaps"
    assert verdict["caveats"] == ["1 testable sentence of the policy without a control."]


def test_a_run_whose_only_lack_is_a_file_that_did_not_load_is_not_compliant() -> None:
    run = replace(factories.clean(), errors=("controls/x.yaml:1: no id",))
    verdict = summarise(run, ROOT)["verdict"]
    assert (verdict["state"], verdict["headline"]) == (
        "not-assessed",
        "No violation was seen, but the run is incomplete.",
    )


def test_caveats_say_all_that_must_be_known() -> None:
    assert summary("clean")["verdict"]["caveats"] == []
    assert summary("rich")["verdict"]["caveats"] == [
        "1 control file could not be loaded.",
        "1 expected verdict did not run.",
        "3 verdicts could not be assessed.",
        "1 failure accepted by waiver.",
        "1 waiver expired and no longer accepted.",
        "1 testable sentence of the policy without a control.",
        "The gate is high: lesser failures are reported without stopping a release.",
        "Violations were planted for this run: card-in-orders.",
    ]


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("clean", ["held"] * 4),
        ("violating", ["held", "broken", "broken", "held"]),
        ("not_assessed", ["not-shown", "not-shown", "held", "held"]),
        ("waived", ["held"] * 4),
        ("incomplete", ["not-shown"] * 4),  # a file that did not load may have served any of them
        ("empty", ["not-shown"] * 4),
    ],
)
def test_headline_promises(name: str, states: list[str]) -> None:
    assert [promise["state"] for promise in summary(name)["promises"]] == states


@pytest.mark.parametrize("name", RUNS)
def test_every_verdict_is_counted_once_and_shown_once(name: str) -> None:
    made = summary(name)
    run = RUNS[name]()
    shown = [control for section in made["sections"] for control in section["controls"]] + made["elsewhere"]
    assert sorted(control["id"] for control in shown) == sorted(run.controls)
    assert sum(len(control["verdicts"]) for control in shown) == len(run.verdicts)
    counts = made["counts"]["verdicts"]
    assert sum(counts[state] for state in ("pass", "fail", "waived", "not-assessed")) == len(run.verdicts)
    assert counts["did-not-run"] >= len(run.gaps)


def test_fourteen_sections_and_the_coverage_of_every_sentence() -> None:
    made = summary("rich")
    assert [section["number"] for section in made["sections"]] == list(range(1, 15))
    coverage = made["coverage"]
    kinds = ("automated", "attested", "not_testable", "uncovered")
    assert [coverage[kind] for kind in kinds] == [10, 1, 27, 1]
    assert coverage["sentences"] == sum(len(section["clauses"]) for section in made["sections"])
    assert [gap["id"] for gap in coverage["gaps"]] == ["13.2"]
    assert made["sections"][12]["state"] == "uncovered"


@pytest.mark.parametrize(
    ("name", "days", "expired", "accepts"), [("waived", 37, False, 1), ("expired_waiver", -9, True, 0)]
)
def test_waivers_with_days_left(name: str, days: int, expired: bool, accepts: int) -> None:
    (waiver,) = summary(name)["waivers"]
    assert (waiver["days_left"], waiver["expired"], waiver["accepts"]) == (days, expired, accepts)


def test_the_gate_is_told_with_each_failure() -> None:
    run = replace(factories.violating(), gate=Severity.HIGH)
    assert [(f["control"], f["gated"]) for f in summarise(run, ROOT)["failures"]] == [
        ("CARD-02", True),
        ("PROC-02", False),
    ]


def test_a_sample_is_never_called_the_whole() -> None:
    made = summary("rich")
    extents = {
        (control["id"], verdict["target"]): verdict["extent"]
        for section in made["sections"]
        for control in section["controls"]
        for verdict in control["verdicts"]
    }
    assert extents[("CARD-02", "project-db")] == "sampled"
    assert extents[("CARD-02", "cloud-db")] == "whole"
    assert extents[("CARD-01", "cloud-db")] == "nothing"


def test_locations_name_no_path_of_the_machine() -> None:
    text = json.dumps(summary("rich"), ensure_ascii=False)
    assert factories.ROOT not in text
    assert "/var/log/edge" not in text
    assert "…/edge/access.log.3.gz" in text
    assert "db/migrations/000.sql" in text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("access-\udcff.log", "access-\ufffd.log"),  # a file name that is not UTF-8
        ("safe\u202egnp.exe", "safe\ufffdgnp.exe"),  # turns the direction of what follows
        ("\x1b[31mred\x00", "\ufffd[31mred\ufffd"),
        ("x" * (LONGEST + 1), "x" * (LONGEST - 1) + "…"),
        ("größer than 5 €", "größer than 5 €"),
    ],
)
def test_what_cannot_be_shown_is_replaced(given: str, shown: str) -> None:
    seen = Observation.met(given, given, location=Location(given))
    verdict = replace(factories.passing("CARD-01", "cloud-db"), evidence=(seen,), reason=given)
    made = summarise(factories.having(factories.clean(), verdict), ROOT)
    (control,) = [c for s in made["sections"] for c in s["controls"] if c["id"] == "CARD-01"]
    (evidence,) = control["verdicts"][0]["evidence"]
    assert evidence["subject"] == evidence["detail"] == control["verdicts"][0]["reason"] == shown
    assert evidence["location"] is not None
    assert evidence["location"]["path"] == shown
    json.dumps(made, ensure_ascii=False).encode()


@pytest.mark.parametrize("name", RUNS)
def test_summaries_are_in_the_shape_of_the_published_schema(name: str) -> None:
    made = summary(name)
    validator = Draft202012Validator(report_schema())
    made["ledger"] = {"number": 1, "digest": "ab" * 32, "previous": "0" * 64, "head": "{}"}
    assert [error.message for error in validator.iter_errors(json.loads(json.dumps(made)))] == []


def objects() -> dict[str, dict[str, Any]]:
    schema = report_schema()
    return {"summary": schema, **schema["$defs"]}


def test_the_schema_says_what_the_types_say() -> None:
    Draft202012Validator.check_schema(report_schema())
    types = {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_"): made
        for name in shape.__all__
        if is_typeddict(made := getattr(shape, name))
    }
    known = objects()
    for name, made in types.items():
        assert list(known[name]["properties"]) == list(get_type_hints(made)), name
        needed = [key for key in known[name]["properties"] if (name, key) != ("verdict", "pending")]
        assert known[name]["required"] == needed, name


def test_the_schema_is_closed_and_described() -> None:
    for name, part in objects().items():
        assert part["description"], name
        if "properties" in part and name not in ("counts", "seen"):
            assert part["additionalProperties"] is False, name
            assert all(one["description"] for one in part["properties"].values()), name


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_summary_comes_back_the_same_to_the_byte(name: str, tmp_path: Path) -> None:
    made = summary(name)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    entry = ledger.append(made)
    made["ledger"] = placed(entry)
    assert json.dumps(ledger.recall(entry)) == json.dumps(made)
    assert ledger.verify() is None


def test_a_fingerprint_does_not_depend_on_where_the_checkout_lies() -> None:
    marks = []
    for root in ("/srv/checkout", "/home/ada/work"):
        run = factories.violating()
        moved = tuple(
            replace(
                verdict,
                findings=tuple(
                    replace(one, location=Location(str(one.location).replace("/srv/checkout", root), 3))
                    for one in verdict.findings
                ),
            )
            for verdict in run.verdicts
        )
        targets = {name: replace(target, kind="config") for name, target in run.targets.items()}
        made = summarise(replace(run, verdicts=moved, targets=targets), PurePath(root))
        marks.append(
            [
                finding["fingerprint"]
                for section in made["sections"]
                for control in section["controls"]
                for verdict in control["verdicts"]
                for finding in verdict["findings"]
            ]
        )
    assert marks[0]
    assert marks[0] == marks[1]
    assert len(set(marks[0])) == len(marks[0])


@pytest.mark.parametrize("params", [{"sample": "2%"}, {"time_budget": "PT1M"}, {}])
def test_what_was_found_in_a_sample_is_not_called_the_whole(params: dict[str, Any]) -> None:
    run = factories.violating()
    controls = {
        name: replace(one, checks=tuple(replace(call, params=params) for call in one.checks))
        for name, one in run.controls.items()
    }
    made = summarise(replace(run, controls=controls))
    extents = {
        (verdict["state"], verdict["extent"])
        for section in made["sections"]
        for control in section["controls"]
        for verdict in control["verdicts"]
    }
    assert extents == {("pass", "whole"), ("fail", "sampled" if params else "whole")}
