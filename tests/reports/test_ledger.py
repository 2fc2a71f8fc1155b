"""The chain shows what was changed; appends from several processes all arrive, in one order."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import ledger as module
from reports.ledger import GENESIS, Ledger, LedgerError, canonical, chained


def body(run: str, environment: str = "lab", **more: Any) -> dict[str, Any]:
    return {
        "run": {"id": run, "started": "2026-11-24T09:14:08Z"},
        "environment": {"id": environment},
        **more,
    }


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.sqlite")
    for number in range(1, 5):
        made.append(body(f"run-{number}", "lab" if number % 2 else "staging", text="größer"))
    return made


def tamper(ledger: Ledger, *statements: str) -> None:
    """What somebody does who can write the file: drop the guards, then anything."""
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        for statement in ("DROP TRIGGER run_is_never_changed", "DROP TRIGGER run_is_never_removed"):
            connection.execute(statement)
        for statement in statements:
            connection.execute(statement)


def test_each_run_is_chained_to_the_one_before(ledger: Ledger) -> None:
    entries = list(ledger.entries())
    assert [entry.number for entry in entries] == [1, 2, 3, 4]
    assert [entry.previous for entry in entries] == [GENESIS, *(entry.digest for entry in entries[:-1])]
    assert all(entry.digest == chained(entry.previous, entry.body) for entry in entries)
    assert entries[0].read() == body("run-1", text="größer")
    assert ledger.verify() is None


def test_finds_the_last_run_of_an_environment_and_a_run_by_number(ledger: Ledger) -> None:
    last = {name: ledger.last(name) for name in ("lab", "staging", "other")}
    assert {name: entry and entry.number for name, entry in last.items()} == {
        "lab": 3,
        "staging": 4,
        "other": None,
    }
    assert [(entry := ledger.find(number)) and entry.run_id for number in (2, 9)] == ["run-2", None]


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE run SET body = replace(body, 'größer', 'kleiner') WHERE number = 2"], "run 2 (run-2)"),
        (["UPDATE run SET body = '[]' WHERE number = 2"], "run 2 (run-2)"),
        (["UPDATE run SET body = CAST(x'ff00fe' AS TEXT) WHERE number = 3"], "run 3 (run-3)"),
        (["UPDATE run SET body = x'7b7d' WHERE number = 3"], "run 3 (run-3)"),
        (["UPDATE run SET environment = 'production' WHERE number = 3"], "run 3 (run-3)"),
        (["UPDATE run SET started = '2020-01-01T00:00:00Z' WHERE number = 1"], "run 1 (run-1)"),
        (["UPDATE run SET digest = previous WHERE number = 4"], "run 4 (run-4)"),
        (["DELETE FROM run WHERE number = 2"], "order was changed at run 2"),
        (["DELETE FROM run WHERE number = 1"], "order was changed at run 1"),
        (
            ["DELETE FROM run WHERE number = 2", "UPDATE run SET number = number - 1 WHERE number > 2"],
            "order was changed at run 2",
        ),
        (
            [
                "UPDATE run SET number = 9 WHERE number = 2",
                "UPDATE run SET number = 2 WHERE number = 3",
                "UPDATE run SET number = 3 WHERE number = 9",
            ],
            "order was changed at run 2",
        ),
    ],
)
def test_tampering_shows(ledger: Ledger, statements: list[str], fault: str) -> None:
    tamper(ledger, *statements)
    said = ledger.verify()
    assert said is not None
    assert fault in said
    assert "\n" not in said


def test_nothing_is_appended_to_a_changed_run(ledger: Ledger) -> None:
    tamper(ledger, "UPDATE run SET body = '{}' WHERE number = 4")
    with pytest.raises(LedgerError, match=r"run 4 \(run-4\) was changed"):
        ledger.append(body("run-5"))
    assert len(list(ledger.entries())) == 4


def test_rows_cut_from_the_end_show_by_the_digest_in_a_report(ledger: Ledger) -> None:
    printed = [entry.digest for entry in ledger.entries()][-1]
    tamper(ledger, "DELETE FROM run WHERE number = 4")
    assert ledger.verify() is None
    assert printed not in {entry.digest for entry in ledger.entries()}


@pytest.mark.parametrize("statement", ["UPDATE run SET started = 'now'", "DELETE FROM run"])
def test_a_slip_of_the_hand_is_refused(ledger: Ledger, statement: str) -> None:
    with (
        closing(sqlite3.connect(ledger.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="never"),
    ):
        connection.execute(statement)
    assert ledger.verify() is None


def test_a_run_is_recorded_once(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="recorded already"):
        ledger.append(body("run-1"))


def test_no_ledger_yet_is_empty_and_stays_absent(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert (list(ledger.entries()), ledger.last("lab"), ledger.find(1)) == ([], None, None)
    assert ledger.verify() is None
    assert not ledger.path.exists()


def directory(path: Path) -> None:
    path.mkdir()


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE run (id INTEGER)")


def no_database(path: Path) -> None:
    path.write_bytes(b"4111 1111 1111 1111\n" * 500)


def truncated(path: Path) -> None:
    Ledger(path).append(body("run-1", text="x" * 100_000))
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize("make", [directory, other_database, no_database, truncated])
def test_what_is_no_ledger_is_refused_in_one_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "ledger.sqlite"
    make(path)
    for use in (lambda: list(Ledger(path).entries()), lambda: Ledger(path).append(body("run-2"))):
        with pytest.raises(LedgerError) as raised:
            use()
        assert str(raised.value).startswith("ledger.sqlite: ")
        assert "\n" not in str(raised.value)
        assert "4111" not in str(raised.value)


def test_a_ledger_that_another_process_holds_is_waited_for_and_then_given_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="database is locked"):
            ledger.append(body("run-5"))
        other.execute("ROLLBACK")
    assert ledger.append(body("run-5")).number == 5


APPENDER = """
import sys
from pathlib import Path
from reports.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]))
for number in range(25):
    ledger.append({"run": {"id": f"{sys.argv[2]}-{number}", "started": "2026-11-24T09:14:08Z"},
                   "environment": {"id": "lab"}, "padding": "x" * 5000})
"""


def test_appends_of_two_processes_all_arrive(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"  # does not exist: both also race to make it
    appenders = [subprocess.Popen([sys.executable, "-c", APPENDER, str(path), name]) for name in "ab"]
    assert [appender.wait(timeout=60) for appender in appenders] == [0, 0]
    entries = list(Ledger(path).entries())
    assert len(entries) == 50
    for name in "ab":  # each process's own order is kept
        mine = [entry.run_id for entry in entries if entry.run_id.startswith(name)]
        assert mine == [f"{name}-{number}" for number in range(25)]
    assert Ledger(path).verify() is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_canonical_json_does_not_depend_on_the_order_of_keys(content: dict[str, Any]) -> None:
    text = canonical(content)
    assert canonical(dict(reversed(content.items()))) == text
    assert canonical(json.loads(text)) == text
