"""SARIF of a run: valid by the standard, whole within GitHub's limits, and open about what was not seen."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import factories
import golden_files
import jsonschema
import multitool
import pytest
import sarif_rules

from checks.core.model import Location, Observation, Run
from reports.compare import compare, past_summary
from reports.renderers import sarif
from reports.shape import Summary
from reports.summary import summarise

RUNS: dict[str, Callable[[], Run]] = {
    name: getattr(factories, name)
    for name in (
        "clean", "rich", "empty", "hostile", "incomplete", "waived", "expired_waiver", "violating",
    )
}  # fmt: skip


def summary(run: Run) -> Summary:
    return summarise(run, PurePath(factories.ROOT))


def log_of(made: Summary, before: Summary | None = None) -> dict[str, Any]:
    compared = compare(made, past_summary(before) if before is not None else None)
    log: dict[str, Any] = json.loads(sarif.render(made, compared if before is not None else None))
    return log


def run_of(made: Summary, before: Summary | None = None) -> dict[str, Any]:
    (run,) = log_of(made, before)["runs"]
    return dict(run)


@pytest.mark.parametrize("name", ["rich", "clean"])
def test_golden(name: str) -> None:
    golden_files.check(f"run-{name}.sarif", sarif.render(summary(RUNS[name]())))


@pytest.mark.parametrize("name", RUNS)
def test_every_rule_of_the_standard_and_of_github_is_kept(name: str) -> None:
    assert sarif_rules.faults(log_of(summary(RUNS[name]()))) == []


def test_it_is_valid_by_microsofts_multitool(tmp_path: Path) -> None:
    logs = {name: log_of(summary(run())) for name, run in RUNS.items()}
    logs["compared"] = log_of(summary(factories.rich()), summary(factories.violating()))
    logs["many"] = log_of(summary(factories.huge(40, 3)))
    for name, log in logs.items():
        (tmp_path / f"{name}.sarif").write_text(json.dumps(log), "utf-8")
    assert multitool.complaints(tmp_path) == []


def test_it_is_valid_by_the_published_schema() -> None:
    validator = jsonschema.Draft202012Validator(multitool.schema(), format_checker=jsonschema.FormatChecker())
    for log in (
        log_of(summary(factories.rich()), summary(factories.waived())),
        log_of(summary(factories.hostile())),
        log_of(summary(factories.empty())),
    ):
        # One result of each look is enough for a validator this slow; the Multitool reads them all.
        results = log["runs"][0]["results"]
        log["runs"][0]["results"] = list({str(sorted(one)) + one["kind"]: one for one in results}.values())
        validator.validate(log)


def test_the_multitool_would_complain(tmp_path: Path) -> None:
    log = log_of(summary(factories.rich()))
    log["runs"][0]["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "/etc/x"
    del log["runs"][0]["tool"]["driver"]["rules"][0]["help"]
    (tmp_path / "broken.sarif").write_text(json.dumps(log), "utf-8")
    assert {said.partition(":")[0] for said in multitool.complaints(tmp_path)} == {"SARIF1004", "GH2012"}
    assert len(sarif_rules.faults(log)) == 2


def test_a_failure_stands_where_its_file_is_and_a_live_target_at_its_control() -> None:
    run = factories.clean()

    def seen(path: str, line: int | None) -> Observation:
        return Observation.violated("orders.card", "its name says so", location=Location(path, line))

    places = {
        ("CARD-01", "cloud-openapi"): seen("docs/open api:v1.json", 302),
        ("RET-02", "request-log"): seen("edge/access.log.2.gz", 7),
        ("SALE-02", "site"): seen("https://127.0.0.1:4/privacy", None),
        ("SALE-01", "mailer"): seen(f"{factories.ROOT}/inventory.yaml", 41),
        ("CARD-02", "cloud-db"): seen("/var/lib/elsewhere/dump.sql", 9),
    }
    run = factories.having(
        run, *(replace(factories.failing(*key), findings=(one,)) for key, one in places.items())
    )
    made = run_of(summary(run))
    told = {(result["ruleId"], result["properties"]["target"]): result for result in made["results"]}
    at = {
        key: (
            result["locations"][0]["physicalLocation"]["artifactLocation"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for key, result in told.items()
    }
    assert at == {
        ("CARD-01", "cloud-openapi"): (
            {"uri": "docs/open%20api%3Av1.json", "uriBaseId": "TARGET:cloud-openapi"}, 302,
        ),
        ("RET-02", "request-log"): ({"uri": "controls/ret-02.yaml", "uriBaseId": "SRCROOT"}, 1),
        ("SALE-02", "site"): ({"uri": "controls/sale-02.yaml", "uriBaseId": "SRCROOT"}, 1),
        ("SALE-01", "mailer"): ({"uri": "inventory.yaml", "uriBaseId": "SRCROOT"}, 41),
        ("CARD-02", "cloud-db"): ({"uri": "controls/card-02.yaml", "uriBaseId": "SRCROOT"}, 1),
    }  # fmt: skip
    assert set(made["originalUriBaseIds"]) == {"SRCROOT", "TARGET:cloud-openapi"}
    assert told["RET-02", "request-log"]["locations"][0]["logicalLocations"] == [
        {"name": "request-log", "fullyQualifiedName": "request-log/orders.card", "kind": "resource"}
    ]
    assert "edge/access.log.2.gz:7" in told["RET-02", "request-log"]["message"]["text"]
    (related,) = told["SALE-01", "mailer"]["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "controls/sale-01.yaml"


def test_what_was_not_assessed_or_did_not_run_is_open_and_the_run_no_success() -> None:
    run = run_of(summary(factories.rich()))
    opened = {(r["ruleId"], r["properties"]["target"]) for r in run["results"] if r["kind"] == "open"}
    assert {("CARD-01", "cloud-db"), ("SALE-02", "site"), ("RET-02", "nightly-backups")} <= opened
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 1
    notes = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert any("RET-02[nightly-backups] did not run" in note for note in notes)
    assert any("nothing answers at $LAB_CLOUD_DB_URL" in note for note in notes)
    assert any("policyproof itself broke on SALE-02[site]" in note for note in notes)
    assert any("No control covers clause 13.2" in note for note in notes)
    assert "controls/ret-05.yaml:7" in invocation["toolConfigurationNotifications"][0]["message"]["text"]


def test_a_control_that_nobody_has_is_a_notification() -> None:
    run = run_of(summary(factories.incomplete()))
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert any(note["message"]["text"].startswith("RET-09 did not run") for note in notes)
    assert run["invocations"][0]["executionSuccessful"] is False


def test_a_clean_run_has_no_result_and_every_rule() -> None:
    run = run_of(summary(factories.clean(synthetic=False)))
    assert run["results"] == []
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(
        dict.fromkeys(rule["id"] for rule in run["tool"]["driver"]["rules"])
    )
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(factories.CONTROLS)
    assert run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["toolExecutionNotifications"] == []


def test_a_waiver_in_force_suppresses_and_an_expired_one_does_not() -> None:
    (accepted,) = run_of(summary(factories.waived()))["results"]
    (suppression,) = accepted["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"] == (
        "Renewal is being signed (RISK-212). Approved by A. Approver, until 2026-12-31."
    )
    (failing,) = run_of(summary(factories.expired_waiver()))["results"]
    assert failing["suppressions"] == []
    assert "expired on 2026-11-15" in failing["message"]["text"]


def test_results_say_whether_they_are_new_and_what_is_fixed_is_none() -> None:
    before, now = summary(factories.violating()), summary(factories.rich())
    run = run_of(now, before)
    states = {
        (result["ruleId"], result["properties"]["target"], result["kind"]): result["baselineState"]
        for result in run["results"]
    }
    assert states["PROC-02", "mailer", "fail"] == "unchanged"
    assert states["CARD-01", "cloud-db", "open"] == "new"  # it passed before
    assert run["baselineGuid"] == before["run"]["id"]
    fixed = run_of(summary(factories.clean()), before)
    assert fixed["results"] == []
    assert fixed["properties"]["fixed"] > 0
    first = compare(now, None)
    (alone,) = json.loads(sarif.render(now, first))["runs"]
    assert {result["baselineState"] for result in alone["results"]} == {"new"}
    assert "baselineGuid" not in alone


def test_fingerprints_do_not_depend_on_lines_or_order_and_are_unique() -> None:
    made = summary(factories.violating())
    moved = copy.deepcopy(made)
    for section in moved["sections"]:
        section["controls"].reverse()
        for control in section["controls"]:
            for verdict in control["verdicts"]:
                verdict["findings"].reverse()
                for seen in verdict["findings"]:
                    if seen["location"] is not None:
                        seen["location"]["line"] = 999
    marks = [
        [result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(one)["results"]]
        for one in (made, moved)
    ]
    assert sorted(marks[0]) == sorted(marks[1])
    assert len(set(marks[0])) == len(marks[0]) > 200


def test_two_findings_of_one_fingerprint_stay_two() -> None:
    twin = Observation.violated("orders.note", "Visa number 411111******1111")
    verdict = replace(factories.failing("CARD-02", "cloud-db", 2), findings=(twin, twin))
    made = summary(factories.having(factories.clean(), verdict))
    first, second = run_of(made)["results"]
    assert first["partialFingerprints"] != second["partialFingerprints"]
    # Also where a summary of another origin holds one fingerprint twice.
    (held,) = [
        verdict
        for section in made["sections"]
        for control in section["controls"]
        for verdict in control["verdicts"]
        if verdict["state"] == "fail"
    ]
    for seen in held["findings"]:
        seen["fingerprint"] = "ab" * 16
    marks = [one["partialFingerprints"]["primaryLocationLineHash"] for one in run_of(made)["results"]]
    assert marks == ["ab" * 16 + ":1", "ab" * 16 + ":2"]


def test_a_huge_run_is_cut_within_githubs_limits_the_worst_kept_and_says_so() -> None:
    made = summary(factories.huge(600, 100))
    text = sarif.render(made)
    assert len(gzip.compress(text.encode())) < 10_000_000
    log = json.loads(text)
    assert sarif_rules.faults(log) == []
    (run,) = log["runs"]
    assert len(run["results"]) == sarif.RESULTS
    failing = sum(verdict["state"] == "fail" for section in made["sections"]
                  for control in section["controls"] for verdict in control["verdicts"])  # fmt: skip
    assert len({(r["ruleId"], r["properties"]["target"]) for r in run["results"]}) == failing
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert f"Only the 5,000 worst of {failing * 100:,} results are here" in notes[0]


def test_findings_that_were_only_counted_are_told() -> None:
    run = run_of(summary(factories.violating()))
    assert any("120 more findings not listed" in result["message"]["text"] for result in run["results"])
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes[0].startswith("120 more findings")


def test_nothing_of_the_machine_that_ran_is_told() -> None:
    text = sarif.render(summary(factories.rich()))
    assert factories.ROOT not in text
    assert "build-7" not in text
