"""GitLab Code Quality of a run: the documented shape, unique fingerprints, and nothing left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import factories
import golden_files
import jsonschema
import pytest

from checks.core.model import Location, Observation, Run
from reports.renderers import gitlab
from reports.summary import summarise

# The fields that GitLab documents for a Code Quality report; it reads no others.
SHAPE = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1, "maxLength": gitlab.LONGEST},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\./|/)[^\\n]+$"},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def report(run: Run) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(gitlab.render(summarise(run, PurePath(factories.ROOT))))
    return read


def test_golden() -> None:
    rendered = gitlab.render(summarise(factories.rich(), PurePath(factories.ROOT)))
    golden_files.check("run-rich.gitlab.json", rendered)


@pytest.mark.parametrize(
    "run",
    [factories.clean, factories.rich, factories.hostile, factories.incomplete, factories.waived,
     factories.empty, lambda: factories.huge(200, 30)],
)  # fmt: skip
def test_the_shape_is_the_documented_one_and_fingerprints_are_unique(run: Callable[[], Run]) -> None:
    issues = report(run())
    jsonschema.validate(issues, SHAPE)
    marks = [issue["fingerprint"] for issue in issues]
    assert len(set(marks)) == len(marks)


def test_a_clean_run_has_no_issue() -> None:
    assert report(factories.clean()) == []


def test_severities_and_places() -> None:
    issues = report(factories.violating())
    assert {(issue["check_name"], issue["severity"]) for issue in issues} == {
        ("CARD-02", "blocker"),
        ("PROC-02", "major"),
    }
    assert issues[4]["location"] == {"path": "db/migrations/004.sql", "lines": {"begin": 7}}
    page = Observation.violated("date", "is not stated", location=Location("https://127.0.0.1/privacy"))
    verdict = replace(factories.failing("SALE-02", "site"), findings=(page,))
    (issue,) = report(factories.having(factories.clean(), verdict))
    assert issue["location"] == {"path": "controls/sale-02.yaml", "lines": {"begin": 1}}
    assert "https://127.0.0.1/privacy" in issue["description"]


def test_a_line_of_a_log_is_shown_at_its_control() -> None:
    line = Observation.violated("app.log", "Visa number 414798******9469", location=Location("app.log", 301))
    verdict = replace(factories.failing("RET-02", "request-log"), findings=(line,))
    (issue,) = report(factories.having(factories.clean(), verdict))
    assert issue["location"] == {"path": "controls/ret-02.yaml", "lines": {"begin": 1}}
    assert "app.log:301" in issue["description"]


def test_what_was_not_looked_at_is_an_issue() -> None:
    said = [(issue["severity"], issue["description"]) for issue in report(factories.incomplete())]
    assert [severity for severity, _ in said] == ["critical", "blocker", "blocker"]
    assert "nightly-backups: did not run" in said[0][1]
    assert "RET-09 did not run" in said[1][1]
    assert "controls/ret-05.yaml:7" in said[2][1]
    (down, *_) = report(factories.not_assessed())
    assert "not assessed: nothing answers at $LAB_CLOUD_DB_URL" in down["description"]


def test_a_file_that_did_not_load_is_shown_at_its_line() -> None:
    assert report(factories.incomplete())[-1]["location"] == {
        "path": "controls/ret-05.yaml",
        "lines": {"begin": 7},
    }


def test_what_a_waiver_accepts_says_so_and_is_no_blocker() -> None:
    (issue,) = report(factories.waived())
    assert issue["severity"] == "info"
    assert issue["description"].startswith("Waived until 2026-12-31: ")
    (expired,) = report(factories.expired_waiver())
    assert expired["severity"] == "major"
