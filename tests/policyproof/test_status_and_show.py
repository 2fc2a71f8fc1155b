"""``policyproof status`` and ``policyproof show``: the ledger in a terminal."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePath

import pytest

from checks.core.model import Observation, Run

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

import factories

from policyproof import terminal
from policyproof.__main__ import main
from reports.ledger import Ledger
from reports.summary import summarise


def record(path: Path, run: Run, name: str, ago: timedelta) -> None:
    moment = datetime.now(UTC) - ago
    run = replace(run, id=name, started=moment, ended=moment + timedelta(seconds=4))
    Ledger(path).append(summarise(run, PurePath(factories.ROOT)))


def production(run: Run) -> Run:
    return replace(run, environment=factories.clean(synthetic=False).environment)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Production: two runs, the last of three hours ago; the lab: one of ten days ago."""
    monkeypatch.delenv("POLICYPROOF_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "reports" / "out" / "ledger.sqlite"
    path.parent.mkdir(parents=True)
    record(path, factories.incomplete(), "aaaa1111", timedelta(days=10))
    one, three = (
        factories.having(factories.clean(), factories.failing("PROC-02", "mailer", n)) for n in (1, 3)
    )
    record(path, production(one), "bbbb2222", timedelta(hours=9))
    record(path, production(three), "bbbb3333", timedelta(hours=3))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    out, errors = capsys.readouterr()
    return code, out, errors


def test_status_has_a_row_for_each_environment(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, errors = run(capsys, "status")
    assert (code, errors) == (0, "")
    rows = [re.split(r"\s{2,}", line) for line in out.splitlines()[2:]]
    assert [row[:2] for row in rows] == [["production", "3"], ["lab", "1"]]
    assert rows[0][3:] == ["3.0 hours", "✗ Violations", "16", "1", "0", "0", "0", "2"]
    assert rows[1][3] == "10.0 days"
    assert rows[1][4].endswith(", incomplete")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "code", "late"),
    [
        (("--max-age", "P30D"), 0, []),
        (("--max-age", "P1D"), 3, ["lab"]),
        (("--max-age", "PT1H"), 3, ["production", "lab"]),
        (("production", "--max-age", "P1D"), 0, []),
        (("lab", "--max-age", "P1D"), 3, ["lab"]),
    ],
)
def test_evidence_that_is_too_old_is_3(
    ledger: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, late: list[str]
) -> None:
    got, _, errors = run(capsys, "status", *arguments)
    assert got == code
    assert re.findall(r"the evidence on (\S+) is", errors) == late


def test_no_run_is_3_and_a_mistake_4(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "status", "staging") == (
        3,
        "",
        "policyproof: ledger.sqlite: no run on staging is recorded\n",
    )
    assert run(capsys, "status", "--ledger", "none") == (3, "", "policyproof: none: no ledger\n")
    code, out, errors = run(capsys, "status", "--max-age", "1 day")
    assert (code, out) == (4, "")
    assert "'1 day' is not an ISO 8601 duration" in errors


@pytest.mark.parametrize(
    ("which", "number"),
    [("last", 3), ("3", 3), ("1", 1), ("aaaa", 1), ("bbbb2222", 2)],
)
def test_a_run_is_found_by_number_id_and_place(
    ledger: Path, capsys: pytest.CaptureFixture[str], which: str, number: int
) -> None:
    code, out, errors = run(capsys, "show", which)
    assert (code, errors) == (0, "")
    assert f"run {number} on " in out


def test_show_tells_the_run_and_each_control(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "show", "last", "--environment", "lab")
    assert out.startswith("LAB — synthetic data, says nothing about production\nrun 1 on lab, ")
    assert "INCOMPLETE" in out
    assert re.search(r"RET-02 +high +– Did not run +1 pass, 1 did not run", out)
    assert re.search(r"RET-09 .*Did not run", out)  # in the plan, though no file had it


def test_show_tells_what_a_control_saw(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "show", "3", "--control", "PROC-02")
    assert "✗ Fail mailer: 3 violations" in out
    assert "  finding: mailer.column_0: 5 of 9,000 rows hold what they must not: 4111••••••••1111" in out
    assert "What to do: Mend what PROC-02 names" in out
    _, out, _ = run(capsys, "show", "3", "--control", "PROC-02", "--json")
    assert {one["target"]: one["state"] for one in json.loads(out)} == {"mailer": "fail", "paddle": "pass"}
    _, out, _ = run(capsys, "show", "3", "--json")
    assert json.loads(out)["ledger"]["number"] == 3


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("9",), "no run 9 is recorded"),
        (("bbbb",), "several runs begin with 'bbbb'; give more of the id"),
        (("last", "--environment", "staging"), "no run on staging is recorded"),
        (("1", "--environment", "production"), "run 1 was on lab"),
        (("3", "--control", "PROC-2"), "run 3 has no control PROC-2 (did you mean 'PROC-02'?)"),
        (("\x1b[2Jx",), "no run ?[2Jx is recorded"),
    ],
)
def test_what_cannot_be_shown_is_told(
    ledger: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    code, out, errors = run(capsys, "show", *arguments)
    assert (code, out) == (4, "")
    assert line in errors
    assert errors.count("\n") == 1


def test_pruned_evidence_is_said_to_be(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (datetime.now(UTC) - timedelta(days=5)).isoformat(timespec="seconds").replace("+00:00", "Z")
    Ledger(ledger).prune(before, "P5D")
    code, out, _ = run(capsys, "show", "1", "--control", "SALE-01")
    assert code == 0
    assert "PRUNED: the evidence of this run is no longer in the ledger" in out
    assert "✓ Pass mailer" in out
    code, _, errors = run(capsys, "show", "1", "--control", "SALE-01", "--json")
    assert (code, errors) == (4, "policyproof: ledger.sqlite: the observations of run 1 were pruned\n")
    assert run(capsys, "show", "1", "--json")[0] == 4
    assert run(capsys, "show", "1")[0] == 0


def test_a_changed_run_is_not_shown(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("DROP TRIGGER entry_is_never_changed")
        connection.execute(
            "UPDATE entry SET head = replace(head, 'violations', 'compliant') WHERE number = 3"
        )
        connection.commit()
    for arguments in (("show", "3"), ("show", "3", "--control", "PROC-02"), ("status",)):
        code, out, errors = run(capsys, *arguments)
        assert (code, out) == (4, "")
        assert "entry 3 (bbbb3333) was changed after it was recorded" in errors


def test_names_of_targets_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "\x1b[2J\x1b]0;x\x07\u202egnp.\r\nrun 99 on production: all is well"
    verdict = replace(factories.failing("PROC-02", "mailer"), findings=(Observation.violated(bad, bad),))
    hostile = factories.having(factories.clean(), replace(verdict, reason=bad))
    record(tmp_path / "x", hostile, "one", timedelta(0))
    _, out, _ = run(capsys, "show", "last", "--control", "PROC-02", "--ledger", str(tmp_path / "x"))
    assert not set(out) & {"\x1b", "\x07", "\r", "\u202e"}
    assert not any(line.startswith("run 99") for line in out.splitlines())


class Terminal:
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "wanted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_left_out_where_unwanted(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: bool
) -> None:
    for name, value in {"TERM": "xterm", "NO_COLOR": "", **variables}.items():
        monkeypatch.setenv(name, value)
    assert terminal.coloured(Terminal()) is wanted  # type: ignore[arg-type]
    assert ("\x1b[31m" in terminal.state("fail", colour=wanted)) is wanted
