"""``policyproof gate`` on real ledgers: what it tells, where it writes, and how it ends."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.core.model import Observation, Run, Severity, Status
from policyproof.__main__ import main
from policyproof.gate_decision import decide
from policyproof.gate_output import FORMATS
from reports.compare import compare
from reports.ledger import Ledger
from reports.provenance import Origin
from reports.shape import Git, Summary, Trigger
from reports.summary import summarise

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))
import factories

ANY_AGE = ("--max-age", "P100Y")
Record = Callable[..., int]


def with_findings(*names: str, severity: str = "critical") -> Run:
    control, target = {"critical": ("CARD-02", "cloud-db"), "medium": ("PROC-02", "mailer")}[severity]
    verdict = replace(
        factories.failing(control, target),
        reason=f"{len(names)} violations",
        findings=tuple(Observation.violated(name, "Visa number 453978******9469") for name in names),
        counts={"violated": len(names)},
    )
    return replace(factories.having(factories.clean(), verdict), exit_code=1)


def recorder(folder: Path) -> Record:
    """Return what records a run in ``reports/out`` of ``folder`` and returns its number."""
    (folder / "reports" / "out").mkdir(parents=True)
    ledger = Ledger(folder / "reports" / "out" / "ledger.sqlite")

    def record(run: Run, name: str, commit: str | None = None, started: datetime | None = None) -> int:
        moved = replace(run, id=name)
        if started is not None:
            moved = replace(moved, started=started, ended=started + timedelta(seconds=4))
        git = Git(commit=commit, dirty=False) if commit else None
        return ledger.append(summarise(moved, folder, Origin(git, Trigger(by="CI", reference=None)))).number

    return record


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where commands are given."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "POLICYPROOF_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def record(here: Path) -> Record:
    """Record a run where commands are given."""
    return recorder(here)


def gate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the gate; return exit code and everything it said."""
    code = main(["gate", *arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_tells_new_still_failing_and_fixed(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record(with_findings("a", "b"), "one", "aa" * 20)
    record(with_findings("b", "c"), "two", "bb" * 20)
    code, said = gate(capsys, *ANY_AGE)
    assert code == 1
    lines = said.splitlines()
    assert lines[0].startswith("run 2 on lab, 2026-11-24 09:14:08 UTC, commit bbbbbbbbbbbb: 1 of 17 verdicts")
    assert lines[1] == "LAB — synthetic data, says nothing about production"
    assert lines[2] == (
        "since run 1 (2026-11-24 09:14:08 UTC, commit aaaaaaaaaaaa):"
        " 1 new, 1 still failing, 1 fixed, 0 no longer assessed"
    )
    assert lines[3:-2] == [
        "",
        "NEW",
        "critical  CARD-02  cloud-db  c: Visa number 453978******9469",
        "",
        "STILL FAILING",
        "critical  CARD-02  cloud-db  b: Visa number 453978******9469",
        "",
        "FIXED",
        "critical  CARD-02  cloud-db  a: Visa number 453978******9469",
        "",
    ]
    assert lines[-2:] == [
        "gate low, violations: STOP (exit code 1)",
        "  1 verdict fails: CARD-02 on cloud-db",
    ]
    assert "\x1b" not in said


def test_a_clean_run_lets_a_deploy_go_on(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record(factories.clean(), "one")
    code, said = gate(capsys, *ANY_AGE)
    assert code == 0
    assert "no run before it on this environment" in said
    assert said.splitlines()[-1] == "gate low, violations: nothing stands in the way (exit code 0)"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 1), (["--gate", "medium"], 1), (["--gate", "high"], 0), (["--gate", "critical"], 0)],
)
def test_lesser_violations_are_told_and_do_not_stop(
    record: Record, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    record(with_findings("a", severity="medium"), "one")
    ended, said = gate(capsys, *ANY_AGE, *arguments)
    assert ended == code
    assert "medium  PROC-02  mailer  a: Visa" in said


def test_the_gate_of_the_run_is_the_default(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record(replace(with_findings("a", severity="medium"), gate=Severity.HIGH, exit_code=0), "one")
    assert gate(capsys, *ANY_AGE)[0] == 0


def test_with_new_only_what_failed_before_does_not_stop(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    record(with_findings("a", "b"), "one")
    record(with_findings("b", "a"), "two")
    record(with_findings("a", "b", "c"), "three")
    assert gate(capsys, *ANY_AGE, "--run", "2")[0] == 1
    assert gate(capsys, *ANY_AGE, "--run", "2", "--new-only")[0] == 0
    code, said = gate(capsys, *ANY_AGE, "--new-only")
    assert code == 1
    assert "1 new violation: CARD-02 on cloud-db" in said
    # The first run of all has nothing to be held against, so that everything in it is new.
    assert gate(capsys, *ANY_AGE, "--run", "1", "--new-only")[0] == 1


@pytest.mark.parametrize("new_only", [[], ["--new-only"]])
def test_what_was_not_assessed_stops(
    record: Record, capsys: pytest.CaptureFixture[str], new_only: list[str]
) -> None:
    record(with_findings("a"), "one")
    record(factories.having(factories.clean(), factories.unreached("CARD-02", "cloud-db")), "two")
    code, said = gate(capsys, *ANY_AGE, *new_only)
    assert code == 3
    assert "NO LONGER ASSESSED" in said
    assert "(now not assessed)" in said
    assert said.splitlines()[-2:] == [
        "  1 verdict not assessed",
        "  1 violation of before not known to be fixed: CARD-02 on cloud-db",
    ]


def test_taking_out_what_fails_does_not_pass(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record(with_findings("a"), "one")
    run = factories.clean()
    kept = tuple(one for one in run.verdicts if (one.control, one.target) != ("CARD-02", "cloud-db"))
    record(replace(run, verdicts=kept), "two")
    code, said = gate(capsys, *ANY_AGE)
    assert code == 3
    assert "(no longer in the plan)" in said


def test_an_incomplete_run_stops(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record(factories.incomplete(), "one")
    code, said = gate(capsys, *ANY_AGE)
    assert code == 3
    assert "2 verdicts did not run" in said
    assert "1 control file could not be loaded" in said


def test_an_old_run_says_nothing_about_today(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    record(factories.clean(), "one", started=datetime.now(UTC) - timedelta(days=3))
    record(factories.clean(), "two", started=datetime.now(UTC) - timedelta(hours=3))
    assert gate(capsys)[0] == 0
    code, said = gate(capsys, "--max-age", "PT2H")
    assert code == 3
    assert "longer ago than PT2H" in said
    assert gate(capsys, "--run", "1")[0] == 0  # who asks for a run of the past means it
    assert gate(capsys, "--run", "1", "--max-age", "P2D")[0] == 3


@pytest.mark.parametrize(
    ("commit", "code"), [("a" * 40, 0), ("AAAAAAA", 0), ("aaaaaa", 3), ("b" * 40, 3), ("", 3)]
)
def test_a_run_of_another_commit_says_nothing(
    record: Record, capsys: pytest.CaptureFixture[str], commit: str, code: int
) -> None:
    record(factories.clean(), "one", "a" * 40)
    assert gate(capsys, *ANY_AGE, "--commit", commit)[0] == code


def test_a_run_of_no_commit_is_not_the_one_asked_for(
    record: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    record(factories.clean(), "one")
    code, said = gate(capsys, *ANY_AGE, "--commit", "a" * 40)
    assert (code, "the run is of no commit, not of aaaaaaaaaaaa" in said) == (3, True)


@pytest.fixture(scope="module")
def past_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    record = recorder(folder)
    record(with_findings("a"), "0b5c-one", "a1" * 20)
    record(factories.clean(), "0b5d-two", "b2" * 20)
    record(with_findings("b"), "7777-three", "c3" * 20)
    record(factories.clean(synthetic=False), "9999-four", "d4" * 20)
    record(with_findings("a", "b"), "eeee-five", "e5" * 20)
    return folder


@pytest.fixture
def history(here: Path, past_runs: Path) -> None:
    """Runs 1 to 5: red, green, red on the lab, one on production, and the last."""
    shutil.copytree(past_runs, here, dirs_exist_ok=True)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("ref", "number"),
    [
        ("1", 1),
        ("3", 3),
        ("0b5c", 1),
        ("7777-three", 3),
        ("b2b2b2b", 2),
        ("C3" * 20, 3),
        ("last-green", 2),
    ],
)
def test_a_baseline_is_found(capsys: pytest.CaptureFixture[str], ref: str, number: int) -> None:
    assert f"since run {number} (" in gate(capsys, *ANY_AGE, "--baseline", ref)[1]


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "9"], "no run '9' is recorded before run 5 on lab"),
        (["--baseline", "main"], "no run 'main' is recorded before run 5 on lab"),
        (["--baseline", ""], "no run '' is recorded before run 5 on lab"),
        (["--baseline", "5"], "baseline 5 is not before run 5"),
        (["--baseline", "4"], "baseline 4 was on production, not on lab"),
        (["--baseline", "0b5"], "several runs begin with '0b5'; give more of the id"),
        (["--run", "1", "--baseline", "last-green"], "no run that stopped nothing is recorded before run 1"),
        (["staging"], "no run on staging is recorded"),
        (["--run", "9"], "no run 9 is recorded"),
        (["staging", "--run", "1"], "run 1 was on lab, not on staging"),
        (["--max-age", "soon"], "--max-age: 'soon' is not an ISO 8601 duration"),
        (["--format", "xml"], "--format: 'xml' is none of text, json"),
        (["--format", "sarif", "--format", "csv"], "--format: only one may go without a file"),
        (["--output", "no/such/folder.txt"], "no/such/folder.txt: could not be written"),
        (["--ledger", "none.sqlite"], "none.sqlite: no ledger"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, said = gate(capsys, *(() if "--max-age" in arguments else ANY_AGE), *arguments)
    assert code == 4
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.usefixtures("history")
def test_a_changed_ledger_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect("reports/out/ledger.sqlite")) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE entry SET head = replace(head, 'fail', 'pass') WHERE number = 1")
    code, said = gate(capsys, *ANY_AGE)
    assert code == 4
    assert "nothing was compared" in said
    assert said.count("\n") == 1


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_goes_to_a_file_and_to_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    code, said = gate(capsys, *ANY_AGE, "--format", f"{name}={tmp_path / 'file'}")
    written = (tmp_path / "file").read_text("utf-8")
    assert code == 1
    assert "STOP" in said
    main(["gate", *ANY_AGE, "--format", name])
    assert capsys.readouterr().out == written
    main(["gate", *ANY_AGE, "--format", name, "--output", str(tmp_path / "other")])
    assert (tmp_path / "other").read_text("utf-8") == written
    assert "CARD-02" in written
    assert "453978******9469" in written.replace("\\", "")


@pytest.mark.usefixtures("history")
def test_the_json_tells_everything(capsys: pytest.CaptureFixture[str]) -> None:
    main(["gate", *ANY_AGE, "--format", "json", "--gate", "high", "--new-only", "--baseline", "1"])
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == "urn:policyproof:gate:1"
    assert (told["exit_code"], told["gate"], told["new_only"]) == (1, "high", True)
    assert told["reasons"] == ["1 new violation: CARD-02 on cloud-db"]
    assert told["run"]["number"] == 5
    assert [one["subject"] for one in told["comparison"]["new"]] == ["b"]
    assert told["comparison"]["baseline"]["commit"] == "a1" * 20


@pytest.mark.usefixtures("history")
def test_in_github_actions_the_job_is_annotated_and_its_summary_added_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("# Another step\n", "utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    code, said = gate(capsys, *ANY_AGE)
    assert code == 1
    assert said.startswith("::error ")
    assert said.splitlines()[-1] == "  1 verdict fails: CARD-02 on cloud-db"
    assert summary.read_text("utf-8").startswith("# Another step\n## Since run 3")
    # What is for a program stays whole.
    main(["gate", *ANY_AGE, "--format", "json"])
    assert json.loads(capsys.readouterr().out)["exit_code"] == 1
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such"))
    assert gate(capsys, *ANY_AGE)[0] == 4


def test_a_hostile_target_steers_no_terminal(record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    seen = Observation.violated("a\x1b[2J\u202eb\nSTOP", "::error::Visa number 453978******9469")
    verdict = replace(factories.failing("CARD-02", "cloud-db"), findings=(seen,), counts={"violated": 1})
    record(factories.having(factories.clean(), verdict), "one")
    _, said = gate(capsys, *ANY_AGE)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert not any(line.startswith(("STOP", "::")) for line in said.splitlines())


def test_a_pruned_baseline_still_serves(
    record: Record, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record(with_findings("a", "b"), "one", started=datetime(2020, 1, 1, tzinfo=UTC))
    record(with_findings("b", "c"), "two")
    Ledger(tmp_path / "reports" / "out" / "ledger.sqlite").prune("2021-01-01T00:00:00Z", "P1Y")
    code, said = gate(capsys, *ANY_AGE)
    assert code == 1
    assert ": 1 new, 1 still failing, 1 fixed, 0 no longer assessed" in said
    assert "its evidence was pruned from the ledger" in said
    code, said = gate(capsys, "--run", "1")
    assert (code, "were pruned" in said, said.count("\n")) == (4, True, 1)


# ── the decision ─────────────────────────────────────────────────────────────────────────────────

_STATE = st.sampled_from(("pass", "critical", "medium", "not-assessed", "broke off"))


def run_in(states: tuple[str, str]) -> Summary:
    run = factories.clean()
    for state, (control, target) in zip(
        states, (("CARD-02", "cloud-db"), ("PROC-02", "mailer")), strict=True
    ):
        if state == "not-assessed":
            run = factories.having(run, factories.unreached(control, target))
        elif state != "pass":
            verdict = factories.failing(control, target)
            if state == "broke off":
                verdict = replace(verdict, counts={"violated": 1, "unseen": 1})
            run = factories.having(run, verdict)
    return summarise(run)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(_STATE, _STATE), st.none() | st.tuples(_STATE, _STATE), st.sampled_from(Severity), st.booleans()
)
def test_only_what_was_seen_to_be_fine_passes(
    now: tuple[str, str], before: tuple[str, str] | None, severity: Severity, new_only: bool
) -> None:
    run = run_in(now)
    comparison = compare(run, run_in(before) if before else None)
    decision = decide(run, comparison, gate=severity, new_only=new_only)
    assert bool(decision.code) == bool(decision.reasons)
    if decision.code == 0:
        assert not {"not-assessed", "broke off"} & set(now)
        assert not any(one["was"] == "fail" for one in comparison["no_longer_assessed"])
        ranks = {one.value: one.rank for one in Severity}
        failing = comparison["new"] + ([] if new_only else comparison["still_failing"])
        assert all(ranks[one["severity"]] > severity.rank for one in failing)
    # A stricter gate, and one for all violations, never lets more through.
    stricter = decide(run, comparison, gate=Severity.LOW, new_only=new_only)
    whole = decide(run, comparison, gate=severity, new_only=False)
    assert not (stricter.code == 0 and decision.code)
    assert not (whole.code == 0 and decision.code)
    assert decide(run, comparison, gate=severity, new_only=new_only, stale="it is old").code != 0


def test_the_gate_agrees_with_the_run_on_what_fails() -> None:
    # The run decides in checks.core.control_run; here the same verdicts are decided on again.
    for name in (
        "clean",
        "violating",
        "not_assessed",
        "waived",
        "expired_waiver",
        "incomplete",
        "empty",
        "rich",
    ):
        run: Run = getattr(factories, name)()
        summary = summarise(run)
        decision = decide(summary, compare(summary, None), gate=run.gate, new_only=False)
        failed = any(one.status is Status.FAIL and not one.waived for one in run.verdicts)
        assert decision.code in ((run.exit_code,) if not failed else (1,)), name
