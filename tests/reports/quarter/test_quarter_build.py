"""The report of a period told from real ledgers, and what it refuses to tell."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import factories
import past
import pytest
from jsonschema import Draft202012Validator

from checks.core.model import Run
from reports.ledger import Ledger, LedgerError
from reports.quarter.build import build
from reports.quarter.period import Period, QuarterError, explicit, period
from reports.quarter.shape import Quarter
from reports.renderers import quarter_json

SCHEMA = Path("reports/quarter/quarter.schema.json")
Q4 = period("2026Q4")
CLEAN = past.production(factories.clean())
DOWN = past.production(factories.having(factories.clean(), factories.unreached("CARD-02", "cloud-db")))
WAIVED = past.production(factories.waived())


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def made(ledger: Ledger, wanted: Period = Q4, **more: object) -> Quarter:
    fresh = Ledger(ledger.path)  # nothing is remembered
    return build(fresh, "production", wanted, now=more.pop("now", past.NOW), **more)  # type: ignore[arg-type]


def said(quarter: Quarter) -> dict[str, str]:
    return {one["id"]: one["opinion"] for one in (*quarter["opinions"], *quarter["promises"])}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    """A quarter of everything: failing when it begins, mended, failing again, waived, gaps, changes."""
    ledger = Ledger(tmp_path_factory.mktemp("told") / "ledger.sqlite")
    bad = past.failing(findings=2)
    past.append(ledger, [(-30, CLEAN), (-20, bad), (-10, CLEAN), (-6, bad), (-1, bad)])
    past.append(ledger, [(0.5, bad), (1.5, DOWN), *past.daily(2.5, 20, step=3)])
    past.append(ledger, [(21.5, bad), (22, DOWN), (23, CLEAN)], commit="b", dirty=True)
    past.append(ledger, past.daily(25, 60, step=5), commit="b")
    past.append(ledger, past.daily(62, 88, WAIVED, step=5), commit="b")
    past.append(ledger, [(90, past.failing("RET-01", "cloud-db.orders", 3))], commit="b")
    return made(ledger, prepared_by="P. Repared", compare=period("2026Q3"))


def test_it_is_in_the_published_shape(told: Quarter) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    text = quarter_json.render(told)
    assert json.loads(text) == told
    Draft202012Validator(schema).validate(json.loads(text))


def test_opinions_with_their_grounds(told: Quarter) -> None:
    assert {clause: word for clause, word in said(told).items() if word != "held-throughout"} == {
        "2.4": "held-with-exceptions",
        "cards": "held-with-exceptions",
        "6.2": "held-with-exceptions",
        "6.3": "held-with-exceptions",
        "processors": "held-with-exceptions",
        "9.1": "did-not-hold",
        "retention": "did-not-hold",
    }
    one = next(one for one in told["opinions"] if one["id"] == "9.1")
    assert one["reason"] == "RET-01: A run failed, and no later run of the period showed it mended."
    assert one["rule"] in [rule["rule"] for rule in told["rules"]]
    assert one["whole"]


def test_failing_periods_from_first_to_last_and_to_mending(told: Quarter) -> None:
    first, again, waived, last = told["failing"]["periods"]
    assert (first["how"], first["first_run"], first["last_run"], first["ended_run"]) == ("fixed", 6, 6, 8)
    assert (first["began_before"], first["unseen_runs"]) == ("2026-09-25T00:00:00Z", 1)
    assert first["seconds"] == 8.5 * 86_400
    assert [one["detail"] for one in first["findings"]] == [
        "5 of 9,000 rows hold what they must not: 4111••••••••1111"
    ] * 2
    assert (again["good_before"], again["commit_ended"]) == (
        "2026-10-18T12:00:00Z",
        "b" * 40,
    )
    assert (waived["how"], waived["ended"]) == ("fixed", "2026-12-30T00:00:00Z")
    assert [one["approver"] for one in waived["waivers"]] == ["A. Approver"]
    assert (last["how"], last["ended"], last["remediation"]) == (
        "open",
        None,
        "Mend what RET-01 names, then run it again.",
    )


def test_regressions_time_to_mend_and_open_findings(told: Quarter) -> None:
    (regression,) = told["failing"]["regressions"]
    assert (regression["failing"], regression["before"]) == ("F-2", "F-1")
    assert len(regression["same"]) == 2
    everything = told["failing"]["remediation"][0]
    assert (everything["mended"], everything["still_open"]) == (3, 1)
    assert told["numbers"]["mean_time_to_remediate"] == pytest.approx(
        sum(one["seconds"] for one in told["failing"]["periods"][:3]) / 3
    )
    assert [(one["control"], one["since"], one["at_least"]) for one in told["failing"]["open"]] == [
        ("RET-01", "2026-12-30T00:00:00Z", False)
    ] * 3
    assert [group["open"] for group in told["failing"]["ages"]] == [3, 0, 0, 0]


def test_a_timeline_by_day_and_by_stretch(told: Quarter) -> None:
    line = next(one for one in told["timelines"] if one["control"] == "CARD-02")
    assert line["days"][:3] == ["fail", "not-assessed", "pass"]
    assert len(line["days"]) == 92
    assert line["days"][3] is None
    ends = [(one["since"], one["until"]) for one in line["spans"]]
    assert all(one[1] == after[0] for one, after in pairwise(ends))
    assert ends[-1][1] == told["title"]["period"]["until"]
    assert sum(one["runs"] for one in line["spans"]) == told["numbers"]["runs"]


def test_title_waivers_attestations_runs_and_changes(told: Quarter) -> None:
    title = told["title"]
    assert (title["prepared_by"], title["ledger"]["number"]) == ("P. Repared", told["runs"][-1]["number"])
    assert title["ledger"]["digest"] == told["runs"][-1]["digest"]
    assert title["caveats"] == ["Of 26 runs, 3 came from files that differ from their commit."]
    (waiver,) = told["waivers"]
    assert (waiver["granted"], waiver["status"], waiver["runs"]) == (True, "withdrawn", 6)
    assert [one["id"] for one in told["attestations"]] == ["incident-response"]
    assert told["changes"]["baseline"] == 5
    assert [(one["commit"][0], one["runs"], one["dirty_runs"]) for one in told["changes"]["commits"]] == [
        ("a", 8, 0),
        ("b", 18, 3),
    ]
    assert not told["changes"]["git"]["available"]


def test_traceability_goes_down_and_up(told: Quarter) -> None:
    trace = told["traceability"]
    down = {one["id"]: one["controls"] for one in trace["clauses"]}
    up = {one["id"]: one["clauses"] for one in trace["controls"]}
    assert {(c, n) for c, names in down.items() for n in names} == {
        (c, n) for n, cs in up.items() for c in cs
    }
    assert all(one["evidence"] and one["targets"] for one in trace["controls"])
    assert {name for one in trace["checks"] for name in one["controls"]} == set(up)


def test_coverage_is_of_the_last_run(told: Quarter) -> None:
    looked = told["coverage"]
    kind = next(one for one in looked["kinds"] if one["kind"] == "dataset")
    assert (kind["targets"], kind["whole"], kind["looked"]["rows"]) == (2, 2, 24_000)
    assert (looked["never"], looked["evidence_removed"]) == ([], False)


def test_compared_with_an_earlier_period(told: Quarter) -> None:
    assert told["compared"] is not None
    turns = {one["id"]: (one["was"], one["turn"]) for one in told["compared"]["opinions"]}
    assert turns["2.4"] == ("did-not-hold", "better")
    assert turns["9.1"] == ("not-sufficiently-observed", "worse")
    numbers = {one["name"]: (one["was"], one["now"]) for one in told["compared"]["numbers"]}
    assert numbers["runs"] == (5, 26)


def test_a_failure_mended_before_the_period_makes_a_regression_in_it(ledger: Ledger) -> None:
    past.append(ledger, [(-9, past.failing()), (-8, CLEAN), (3, CLEAN), (4, past.failing())])
    (one,) = made(ledger)["failing"]["regressions"]
    assert (one["before"], one["fixed"]) == (None, "2026-09-23T00:00:00Z")


def test_the_age_of_a_finding_reaches_back_before_the_period(ledger: Ledger) -> None:
    past.append(ledger, [(-9, CLEAN), (-8, past.failing()), (-7, DOWN), (3, past.failing())])
    (one,) = made(ledger)["failing"]["open"]
    assert (one["since"], one["at_least"]) == ("2026-09-23T00:00:00Z", False)


def test_nothing_is_held_whose_evidence_was_pruned(ledger: Ledger) -> None:
    past.append(ledger, [(1, past.failing()), *past.daily(2, 91, step=5)])
    assert said(made(ledger))["9.1"] == "held-throughout"
    assert ledger.prune("2026-12-01T00:00:00Z", "P1M") is not None
    quarter = made(ledger)
    assert said(quarter)["9.1"] == "not-sufficiently-observed"
    (failing,) = quarter["failing"]["periods"]
    assert failing["evidence_removed"]
    assert failing["reason"] is None
    assert [(one["detail"], len(one["fingerprint"])) for one in failing["findings"]] == [(None, 32)]
    assert any("13 runs of 19 was removed" in caveat for caveat in quarter["title"]["caveats"])
    assert quarter["title"]["ledger"]["pruned_before"] == "2026-12-01T00:00:00Z"
    assert quarter["traceability"]["controls"][0]["evidence"]
    assert ledger.prune("2027-01-01T00:00:00Z", "P1D") is not None
    later = made(ledger)
    assert later["coverage"]["evidence_removed"]
    assert {one["extent"] for one in later["coverage"]["targets"]} == {"nothing"}
    assert not any(one["evidence"] for one in later["traceability"]["controls"])


def test_an_empty_quarter_says_that_nothing_was_observed(ledger: Ledger) -> None:
    past.append(ledger, [(-9, CLEAN)])
    quarter = made(ledger)
    assert set(said(quarter).values()) == {"not-sufficiently-observed"}
    assert quarter["numbers"]["runs"] == 0
    assert quarter["title"]["caveats"] == ["No run was made in the period: nothing was observed."]
    assert quarter["numbers"]["longest_gap"] == 92 * 86_400
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(quarter)
    past.append(ledger, [(200, CLEAN)])
    assert made(ledger, period("2026Q2"))["numbers"]["runs"] == 0


def test_one_run_shows_its_day_only(ledger: Ledger) -> None:
    past.append(ledger, [(45, CLEAN)])
    quarter = made(ledger)
    assert set(said(quarter).values()) == {"not-sufficiently-observed"}
    assert {one["days"] for one in quarter["opinions"]} == {1}
    assert [one["state"] for one in quarter["timelines"][0]["spans"]] == [None, "pass", None]


def test_a_period_that_is_not_over_is_judged_up_to_now(ledger: Ledger) -> None:
    past.append(ledger, past.daily(0.1, 20, step=3))
    quarter = made(ledger, now=datetime(2026, 10, 21, 12, tzinfo=UTC))
    assert said(quarter)["9.1"] == "held-throughout"
    assert "The period is not over" in quarter["title"]["caveats"][0]
    assert said(made(ledger, now=datetime(2026, 10, 30, tzinfo=UTC)))["9.1"] == "not-sufficiently-observed"


def test_a_new_policy_in_mid_quarter_is_a_promise_of_its_own(ledger: Ledger) -> None:
    renamed = tuple(
        replace(
            section,
            clauses=tuple(
                replace(one, commitment="Another promise.") if one.id == "9.1" else one
                for one in section.clauses
            ),
        )
        for section in CLEAN.sections
    )
    policy = replace(CLEAN.policy, version="4", effective="2026-11-10", digest="cd" * 32)
    digests = {**CLEAN.digests, "policy_lock": "02" * 32}
    past.append(ledger, past.daily(0.5, 37, step=6))
    past.append(ledger, past.daily(41.5, 91, step=6), sections=renamed, policy=policy, digests=digests)
    quarter = made(ledger)
    assert [one["version"] for one in quarter["title"]["policies"]] == ["3", "4"]
    old, new = (one for one in quarter["opinions"] if one["id"] == "9.1")
    assert (old["whole"], old["until"]) == (False, "2026-11-11T12:00:00Z")
    assert (new["title"], new["since"], new["until"]) == (
        "Another promise.",
        "2026-11-11T12:00:00Z",
        "2027-01-01T00:00:00Z",
    )
    assert old["opinion"] == new["opinion"] == "held-throughout"
    assert said(quarter)["9.2"] == "held-throughout"
    (change,) = quarter["changes"]["changes"]
    assert (change["what"], change["was"], change["now"]) == ("policy", "ab" * 32, "cd" * 32)
    assert change["details"][1].startswith("sentence 9.1: ")


def without(run: Run, name: str) -> Run:
    sections = tuple(
        replace(
            section,
            clauses=tuple(
                replace(one, controls=tuple(c for c in one.controls if c != name)) for one in section.clauses
            ),
        )
        for section in run.sections
    )
    return replace(
        run,
        sections=sections,
        controls={key: value for key, value in run.controls.items() if key != name},
        verdicts=tuple(one for one in run.verdicts if one.control != name),
        digests={**run.digests, "controls": "aa" * 32},
    )


def test_a_control_is_observed_only_while_it_exists(ledger: Ledger) -> None:
    past.append(
        ledger, [*past.daily(0.5, 40, without(CLEAN, "PROC-02"), step=6), *past.daily(41.5, 91, step=6)]
    )
    quarter = made(ledger)
    assert said(quarter)["6.2"] == "not-sufficiently-observed"  # PROC-01 was there throughout
    assert said(quarter)["6.1"] == "held-throughout"
    line = next(one for one in quarter["timelines"] if one["control"] == "PROC-02")
    assert (line["since"], line["removed"]) == ("2026-11-11T12:00:00Z", None)
    whats = {one["what"]: one["details"] for one in quarter["changes"]["changes"]}
    assert whats["controls"] == ["control added: PROC-02"]
    assert whats["plan"][0] == "control added: PROC-02"


def test_taking_a_failing_control_out_mends_nothing(ledger: Ledger) -> None:
    past.append(ledger, past.daily(0.5, 79, step=6))
    past.append(
        ledger,
        [(82, past.failing("PROC-02", "mailer")), *past.daily(83, 91, without(CLEAN, "PROC-02"), step=4)],
    )
    quarter = made(ledger)
    assert said(quarter)["6.2"] == "did-not-hold"
    (failing,) = quarter["failing"]["periods"]
    assert (failing["how"], failing["ended"]) == ("removed", "2026-12-23T00:00:00Z")
    assert quarter["numbers"]["mean_time_to_remediate"] is None


def test_runs_recorded_out_of_order_or_at_once_are_told_in_the_order_they_started(ledger: Ledger) -> None:
    past.append(ledger, [(1, CLEAN), (1, past.failing()), (3, CLEAN), (2, past.failing()), (3, CLEAN)])
    quarter = made(ledger)
    assert [one["number"] for one in quarter["runs"]] == [1, 2, 4, 3, 5]
    (failing,) = quarter["failing"]["periods"]
    assert (failing["first_run"], failing["ended_run"]) == (2, 3)
    assert any("another order" in caveat for caveat in quarter["title"]["caveats"])


def test_what_no_run_could_assess_is_named(ledger: Ledger) -> None:
    past.append(ledger, past.daily(0, 91, DOWN, step=13))
    (never,) = made(ledger)["coverage"]["never"]
    assert (never["control"], never["target"], never["runs"]) == ("CARD-02", "cloud-db", 8)
    assert never["reason"] == "nothing answers at $LAB_CLOUD_DB_URL"


def test_other_environments_say_nothing(ledger: Ledger) -> None:
    past.append(ledger, [(1, CLEAN), (2, factories.violating())])
    quarter = made(ledger)
    assert [one["number"] for one in quarter["runs"]] == [1]
    assert quarter["failing"]["periods"] == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ledger: build(ledger, "prodution", Q4, now=past.NOW), "did you mean 'production'?"),
        (lambda ledger: build(ledger, "x", Q4, now=past.NOW), "recorded: production"),
        (lambda ledger: made(ledger, period("2027Q2")), "2027Q2 has not begun: it begins on 2027-04-01"),
        (lambda ledger: made(ledger, compare=period("2027Q1")), "2027Q1 is not earlier than 2026Q4"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_line(
    ledger: Ledger, make: Callable[[Ledger], Quarter], words: str
) -> None:
    past.append(ledger, [(1, CLEAN)])
    with pytest.raises(QuarterError) as error:
        make(ledger)
    assert words in str(error.value)


def test_a_ledger_that_does_not_exist_has_no_environment(ledger: Ledger) -> None:
    with pytest.raises(QuarterError, match="no run on 'production' is recorded"):
        made(ledger)


def test_a_ledger_that_was_changed_makes_no_report(ledger: Ledger) -> None:
    past.append(ledger, past.daily(1, 5))
    with closing(sqlite3.connect(ledger.path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE entry SET head = replace(head, '\"pppp', '\"fppp') WHERE number = 3")
        connection.commit()
    with pytest.raises(LedgerError, match=r"entry 3 .* was changed.*no report was made"):
        made(Ledger(ledger.path))


def test_evidence_that_was_taken_away_makes_no_report(ledger: Ledger) -> None:
    past.append(ledger, past.daily(1, 5))
    with closing(sqlite3.connect(ledger.path)) as connection:
        digest = json.loads(connection.execute("SELECT head FROM entry WHERE number = 5").fetchone()[0])[
            "evidence"
        ]["RET-01"]
        connection.execute("DELETE FROM block WHERE digest = ?", (digest,))
        connection.commit()
    with pytest.raises(LedgerError, match="the evidence of RET-01 in run 5 is missing"):
        made(Ledger(ledger.path))


@pytest.mark.parametrize(
    ("text", "since", "until", "title"),
    [
        ("2026Q4", "2026-10-01", "2027-01-01", "Fourth quarter of 2026"),
        ("2026-q1", "2026-01-01", "2026-04-01", "First quarter of 2026"),
        ("2026", "2026-01-01", "2027-01-01", "Year 2026"),
        ("2026-10-05..2026-11-15", "2026-10-05", "2026-11-16", "5 October 2026 to 15 November 2026"),
    ],
)
def test_periods(text: str, since: str, until: str, title: str) -> None:
    one = period(text)
    assert (f"{one.since:%Y-%m-%d}", f"{one.until:%Y-%m-%d}", one.title) == (since, until, title)


@pytest.mark.parametrize(
    "text", ["", "2026Q5", "Q4", "0000", "9999", "2026-10-01", "2026-13-01..2026-13-02", "x..y", "9999Q4"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(QuarterError, match="is no period"):
        period(text)


def test_a_period_ends_after_it_begins() -> None:
    with pytest.raises(QuarterError, match="ends on 2026-10-01, before it begins on 2026-10-02"):
        explicit("2026-10-02", "2026-10-01")
