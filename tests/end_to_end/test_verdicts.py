"""A run as an engineer and a gate see it: node ids, words, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.project import Project


def test_all_holds(project: Project) -> None:
    done = project.run("-v")
    assert done.returncode == 0, done.stdout
    assert "environment: STAGING (here)" in done.stdout
    assert "controls/cards.yaml::CARD-03[crm] PASS" in done.stdout
    assert "Every promise checked holds" in done.stdout
    assert {path.name for path in (project.root / "reports/out/here").iterdir()} == {
        "report.html",
        "report.json",
        "report.md",
    }


def test_a_violation_is_told_in_the_words_of_the_control(project: Project) -> None:
    project.sql("UPDATE person SET made = '2020-01-01 00:00:00'")
    done = project.run()
    assert done.returncode == 1
    for words in ("medium · policy clause 1.1", "It is promised.", "person.made", "Mend it.", "rows.yaml:1"):
        assert words in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(("gate", "code"), [("medium", 1), ("high", 0), ("critical", 0)])
def test_the_gate(project: Project, gate: str, code: int) -> None:
    project.sql("UPDATE person SET made = '2020-01-01 00:00:00'")
    done = project.run("--gate", gate)
    assert done.returncode == code
    assert ("FAIL (below gate)" in project.run("--gate", gate, "-v").stdout) == (code == 0)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["-k", "CARD"], 3),
        (["-k", "CARD", "--partial"], 0),
        (["-m", "critical", "--partial"], 0),
        (["-m", "cards", "--partial"], 0),
        (["-m", "section_1"], 0),
        (["--deselect", "controls/rows.yaml::RET-02[crm.people]"], 3),
        (["-k", "nonesuch"], 3),
        (["-k", "nonesuch", "--partial"], 3),
        (["--collect-only"], 0),
    ],
)
def test_what_was_left_out_is_not_compliant(project: Project, arguments: list[str], code: int) -> None:
    done = project.run(*arguments)
    assert done.returncode == code, done.stdout
    assert ("INCOMPLETE" in done.stdout) == (code == 3 or "--partial" in arguments)


def test_workers_give_the_same_verdicts_and_the_same_report(project: Project) -> None:
    project.sql("UPDATE person SET made = '2020-01-01 00:00:00', note = 'card 4111 1111 1111 1111'")
    one, many = project.run("--report-dir", "one"), project.run("--report-dir", "many", "-n", "2")
    assert one.returncode == many.returncode == 1
    assert verdicts(project, "one") == verdicts(project, "many")
    assert "4111 1111 1111 1111" not in one.stdout + many.stdout


def verdicts(project: Project, folder: str) -> object:
    """Return a report without what differs from run to run."""
    text = (project.root / folder / "here" / "report.json").read_text("utf-8")

    def still(value: object) -> object:
        if isinstance(value, dict):
            moving = {"started", "ended", "seconds", "ledger", "id", "oldest", "run"}
            return {key: still(each) for key, each in value.items() if key not in moving}
        return [still(each) for each in value] if isinstance(value, list) else value

    return still(json.loads(text))


def test_a_waiver_accepts_and_is_shown(project: Project) -> None:
    project.sql("UPDATE person SET made = '2020-01-01 00:00:00'")
    waiver = (
        "waivers:\n- {control: RET-02, target: crm.people, subject: person.made, reason: Dispute.,"
        " approver: Officer, expires: 2099-01-01}\n"
    )
    project.write("controls/waivers.yaml", waiver)
    done = project.run("-v")
    assert done.returncode == 0, done.stdout
    assert "WAIVED" in done.stdout
    assert "Officer" in (project.root / "reports/out/here/report.html").read_text("utf-8")
    project.write("controls/waivers.yaml", waiver.replace("2099", "2021"))
    assert project.run().returncode == 1


def test_a_control_that_coverage_expects_and_is_gone(project: Project) -> None:
    (project.root / "controls/rows.yaml").unlink()
    done = project.run()
    assert done.returncode == 3
    assert "no control file has this id" in done.stdout


def test_a_crash_of_our_own_is_not_assessed_and_its_text_is_withheld(project: Project) -> None:
    """The fault is put into the check from outside; everything else runs as a user has it."""
    project.write(
        "spoil.py",
        "import checks.retention\n"
        "def days(seconds):\n"
        "    raise RuntimeError('row of alice@example.org')\n"
        "checks.retention.days = days\n",
    )
    done = project.run("-v", "-p", "spoil", PYTHONPATH=str(project.root))
    assert done.returncode == 3, done.stdout
    assert "controls/rows.yaml::RET-02[crm.people] NOT ASSESSED" in done.stdout
    assert "controls/cards.yaml::CARD-03[crm] PASS" in done.stdout
    assert "the check crashed: RuntimeError at spoil.py:3" in done.stdout
    assert "a bug of policyproof, please report it" in done.stdout
    written = [path.read_bytes() for path in (project.root / "reports").rglob("*") if path.is_file()]
    assert len(written) == 4
    assert not any(b"alice@" in content for content in [*written, (done.stdout + done.stderr).encode()])


def test_a_run_of_other_tests_is_left_alone(project: Project) -> None:
    project.write("tests/test_own.py", "def test_own(): pass\n")
    done = project.run()
    assert done.returncode == 0
    assert "test_own" not in done.stdout


@pytest.mark.parametrize("folder", [None, "controls"])
def test_a_project_without_controls_is_left_alone(tmp_path: Path, folder: str | None) -> None:
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    if folder:
        (tmp_path / folder).mkdir()
    command = [sys.executable, "-m", "pytest"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "policyproof ·" not in done.stdout


def test_colours_respect_no_color(project: Project) -> None:
    assert "\x1b[" not in project.run("--color=auto", NO_COLOR="1", FORCE_COLOR=None).stdout
    assert "\x1b[" in project.run("--color=yes", NO_COLOR=None).stdout
