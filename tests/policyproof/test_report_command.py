"""``policyproof report``: the same report again from the ledger, or one line that says why not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import pytest

from checks.core.model import Clause, Environment, PolicyVersion, Run, Section, Severity
from policyproof.__main__ import main
from reports.ledger import Ledger
from reports.recorded import placed
from reports.summary import summarise
from reports.writing import RENDERERS, write_reports


def a_run(name: str, environment: str) -> Run:
    moment = datetime(2026, 11, 24, 9, 14, 8, tzinfo=UTC)
    synthetic = environment == "lab"
    clause = Clause("1.1", "Says who speaks.", "uncovered", why="No control is written yet.")
    return Run(
        id=name,
        environment=Environment(environment, environment.title(), "X_", "enfyra", synthetic),
        planted=(),
        started=moment,
        ended=moment,
        version="0.1.0",
        python="3.11.9",
        host="build-7",
        gate=Severity.LOW,
        exit_code=3,
        policy=PolicyVersion("enfyra", None, None, "ab" * 32),
        sections=(Section(1, "Who speaks", (clause,)),),
        controls={},
        targets={},
        verdicts=(),
        gaps=(),
        errors=(),
        waivers=(),
        digests={},
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs 1 and 3 on the lab, 2 on staging, in ``reports/out`` of where the command is given."""
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "reports" / "out"
    out.mkdir(parents=True)
    ledger = Ledger(out / "ledger.sqlite")
    for name, environment in (("one", "lab"), ("two", "staging"), ("three", "lab")):
        ledger.append(summarise(a_run(name, environment), PurePath(tmp_path)))
    return out


@pytest.mark.parametrize(
    ("arguments", "environment", "run"),
    [
        ([], "lab", "three"),
        (["lab"], "lab", "three"),
        (["staging"], "staging", "two"),
        (["--run", "1"], "lab", "one"),
        (["--run", "2"], "staging", "two"),
        (["staging", "--run", "2"], "staging", "two"),
    ],
)
def test_renders_the_run_asked_for(
    folder: Path, arguments: list[str], environment: str, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("Nothing was shown: no verdict was reached.")
    assert said[1:] == [f"reports/out/{environment}/{name}" for name in RENDERERS]
    for name in RENDERERS:
        assert run in (folder / environment / name).read_text("utf-8")


def test_the_report_is_the_one_that_the_run_wrote(folder: Path, tmp_path: Path) -> None:
    ledger = Ledger(folder / "ledger.sqlite")
    summary = summarise(a_run("four", "lab"), PurePath(tmp_path))
    summary["ledger"] = placed(ledger.append(summary))
    first = {path.name: path.read_bytes() for path in write_reports(summary, tmp_path / "first")}
    assert main(["report"]) == 0
    assert {name: (folder / "lab" / name).read_bytes() for name in first} == first


def test_ledger_and_folder_can_be_elsewhere(folder: Path, tmp_path: Path) -> None:
    moved = folder.rename(tmp_path / "old")
    assert main(["report", "--ledger", "old/ledger.sqlite", "--report-dir", "new"]) == 0
    assert sorted(path.name for path in (tmp_path / "new" / "lab").iterdir()) == sorted(RENDERERS)
    assert main(["report", "--report-dir", "old"]) == 0
    assert (moved / "lab" / "report.html").exists()


def change(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(folder / "ledger.sqlite", isolation_level=None)) as connection:
        connection.execute("DROP TRIGGER entry_is_never_changed")
        connection.execute(statement, values)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["report", *arguments]) == 4
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("policyproof: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["production"], "no run on production is recorded"),
        (["--run", "9"], "no run 9 is recorded"),
        (["--run", "-1"], "no run -1 is recorded"),
        (["lab", "--run", "2"], "run 2 was on staging, not on lab"),
        (["--ledger", "none.sqlite"], "no ledger; `pytest controls/` makes one"),
        (["--ledger", "."], "no ledger"),
        (["--ledger", "postgresql://u:s3cret@127.0.0.1:1/audit"], "ledger audit: the server does not answer"),
        (["--ledger", "mysql://u:s3cret@127.0.0.1/audit"], "a ledger is an SQLite file, or postgresql://"),
        (["--run", "99999999999999999999"], "no run 99999999999999999999 is recorded"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    folder: Path, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refused(arguments, capsys)


def test_nothing_is_rendered_of_a_ledger_that_was_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(
        folder, "UPDATE entry SET head = replace(head, '\"exit_code\":3', '\"exit_code\":0') WHERE number = 1"
    )
    assert "entry 1 (one) was changed after it was recorded; nothing was rendered" in refused([], capsys)
    assert not (folder / "lab").exists()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"coverage": "4111 1111 1111 1111"}, "at $.coverage"),
        ({"surplus": "4111 1111 1111 1111"}, "is not what was recorded"),
        ({"environment": {"id": "../../escape"}}, "at $.environment"),
    ],
)
def test_what_is_no_report_is_refused_without_being_quoted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, Any],
    why: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    body = {**summarise(a_run("one", "lab")), **wrong}
    Ledger(tmp_path / "ledger.sqlite").append(body)
    line = refused(["--report-dir", ".", "--run", "1"], capsys)
    assert why in line
    assert "4111" not in line


def test_a_folder_that_cannot_be_written_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lab").write_text("a file where the folder should be")
    assert main(["report"]) == 4
    assert "a report could not be written" in capsys.readouterr().err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    assert "policyproof report staging" in capsys.readouterr().out
