"""What is recorded comes back; the chain shows what was changed; what is no ledger is said in one line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import factories
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_runs import summary

from reports.ledger import GENESIS, ChangeRow, Ledger, LedgerError, canonical, chained, sha256, store


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Runs 1 and 3 on the lab, 2 and 4 on staging; the third fails."""
    made = Ledger(tmp_path / "ledger.sqlite")
    made.append(summary(1))
    made.append(summary(2, "staging"))
    made.append(summary(3, make=factories.violating))
    made.append(summary(4, "staging"))
    return made


def tamper(ledger: Ledger, *statements: str) -> None:
    """What somebody does who can write the file: drop the guards, then anything."""
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        for statement in ("DROP TRIGGER entry_is_never_changed", "DROP TRIGGER entry_is_never_removed"):
            connection.execute(statement)
        for statement in statements:
            connection.execute(statement)


def test_each_run_is_chained_to_the_one_before(ledger: Ledger) -> None:
    entries = list(ledger.entries())
    assert [entry.number for entry in entries] == [1, 2, 3, 4]
    assert [entry.previous for entry in entries] == [GENESIS, *(entry.digest for entry in entries[:-1])]
    assert all(entry.digest == chained(entry.previous, entry.head) for entry in entries)
    assert ledger.verify() is None


def test_runs_are_found_by_environment_number_id_and_time(ledger: Ledger) -> None:
    last = {name: ledger.last(name) for name in ("lab", "staging", "other")}
    assert {name: entry and entry.number for name, entry in last.items()} == {
        "lab": 3,
        "staging": 4,
        "other": None,
    }
    assert [(entry := ledger.find(number)) and entry.id for number in (2, 9, 0, 2**70)] == [
        "run-2",
        None,
        None,
        None,
    ]
    assert ledger.environments() == ["lab", "staging"]
    assert (ledger.count(), ledger.count("lab"), ledger.count("other")) == (4, 2, 0)
    assert (before := ledger.last("lab", before=3)) is not None
    assert before.number == 1
    assert (found := ledger.find_run("run-3")) is not None
    assert found.number == 3
    assert ledger.find_run("%") is None
    with pytest.raises(LedgerError, match="several runs begin with 'run-'"):
        ledger.find_run("run-")
    since, until = (f"2026-11-24T{hour}:00:00Z" for hour in (11, 13))
    assert [entry.number for entry in ledger.entries(since=since, until=until)] == [2, 3]
    assert [e.number for e in ledger.entries(newest_first=True, limit=2, before=4)] == [3, 2]
    assert (head := ledger.head()) is not None
    assert head.number == 4


@pytest.mark.parametrize("name", ["clean", "violating", "rich", "empty"])
def test_a_run_taken_apart_tells_the_same(name: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    made = summary(1, make=getattr(factories, name))
    entry = ledger.append(made)
    assert ledger.recall(entry)["sections"] == made["sections"]
    controls = {c["id"]: c for s in made["sections"] for c in s["controls"]}
    controls |= {c["id"]: c for c in made["elsewhere"]}
    rows = ledger.plan(entry)
    assert (
        len(rows)
        == len(entry.read()["states"])
        == sum(made["counts"]["verdicts"].values())
        + sum(not c["verdicts"] and not c["gaps"] for c in controls.values())
    )
    for control in controls.values():
        assert ledger.verdicts(entry, control["id"]) == control["verdicts"]
    assert ledger.verdicts(entry, "OTHER-1") is None
    seen = {(row.control, row.target): row for row in ledger.findings(entry)}
    for control in controls.values():
        for verdict in control["verdicts"]:
            row = seen.get((control["id"], verdict["target"]))
            expected = tuple(finding["fingerprint"] for finding in verdict["findings"])
            assert (row.fingerprints if row else ()) == expected
            if row:
                assert row.more + len(row.fingerprints) == verdict["counts"]["violated"]
    assert ledger.part(entry, "waivers") == made["waivers"]
    assert ledger.part(entry, "nothing") is None


def test_a_change_is_noted_for_each_state_that_differs_on_an_environment(ledger: Ledger) -> None:
    ledger.append(summary(5))
    first, failing = summary(1), summary(3, make=factories.violating)
    states = {
        (c["id"], v["target"]): v["state"]
        for s in failing["sections"]
        for c in s["controls"]
        for v in c["verdicts"]
    }
    broken = {key for key, state in states.items() if state != "pass"}
    assert broken
    turns = [row for row in ledger.changes("lab") if row.number > 1]
    assert {(row.number, row.control, row.target, row.was) for row in turns if row.number == 3} == {
        (3, *key, "pass") for key in broken
    }
    assert {(row.number, row.control, row.target, row.now) for row in turns if row.number == 5} == {
        (5, *key, "pass") for key in broken
    }
    control, target = next(iter(sorted(broken)))
    assert list(ledger.changes("lab", control=control, target=target, since=failing["run"]["started"])) == [
        ChangeRow(3, failing["run"]["started"], control, target, "pass", states[control, target]),
        ChangeRow(5, summary(5)["run"]["started"], control, target, states[control, target], "pass"),
    ]
    assert list(ledger.changes("lab", until=first["run"]["started"])) == []


def test_what_two_runs_share_is_kept_once(ledger: Ledger) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection:
        before = connection.execute("SELECT count(*) FROM block").fetchone()[0]
        ledger.append(summary(5))
        after = connection.execute("SELECT count(*) FROM block").fetchone()[0]
    assert after == before  # even the times, which the factory does not move


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (
            ["UPDATE entry SET head = replace(head, '\"exit_code\":0', '\"exit_code\":1') WHERE number = 2"],
            "entry 2 (run-2) was changed",
        ),
        (["UPDATE entry SET head = '[]' WHERE number = 2"], "entry 2 (run-2) was changed"),
        (["UPDATE entry SET head = CAST(x'ff00fe' AS TEXT) WHERE number = 3"], "entry 3 (run-3) was changed"),
        (["UPDATE entry SET head = x'7b7d' WHERE number = 3"], "entry 3 (run-3) was changed"),
        (["UPDATE entry SET environment = 'production' WHERE number = 3"], "entry 3 (run-3) was changed"),
        (
            ["UPDATE entry SET started = '2020-01-01T00:00:00Z' WHERE number = 1"],
            "entry 1 (run-1) was changed",
        ),
        (["UPDATE entry SET kind = 'prune' WHERE number = 1"], "entry 1 (run-1) was changed"),
        (["UPDATE entry SET digest = previous WHERE number = 4"], "entry 4 (run-4) was changed"),
        (["DELETE FROM entry WHERE number = 2"], "order was changed at entry 2"),
        (["DELETE FROM entry WHERE number = 1"], "order was changed at entry 1"),
        (
            ["DELETE FROM entry WHERE number = 2", "UPDATE entry SET number = number - 1 WHERE number > 2"],
            "order was changed at entry 2",
        ),
        (
            [
                "UPDATE entry SET number = 9 WHERE number = 2",
                "UPDATE entry SET number = 2 WHERE number = 3",
                "UPDATE entry SET number = 3 WHERE number = 9",
            ],
            "order was changed at entry 2",
        ),
        (["UPDATE block SET body = x'00' WHERE rowid = 3"], "was changed after it was recorded"),
        (["UPDATE block SET body = 7 WHERE rowid = 3"], "was changed after it was recorded"),
        (["DELETE FROM block WHERE rowid = 3"], "was removed, and no prune says so"),
        (["INSERT INTO block VALUES ('ab', x'00')"], "blocks are there that no run names: 1"),
        (["UPDATE change SET now = 'p' WHERE number = 3"], "the index of what changed in run 3 (run-3)"),
        (["DELETE FROM change WHERE number = 3"], "the index of what changed in run 3 (run-3)"),
        (
            [
                "INSERT INTO change SELECT environment, control, target, 7, started, was, now"
                " FROM change LIMIT 1"
            ],
            "changes are noted of run 7",
        ),
    ],
)
def test_tampering_shows(ledger: Ledger, statements: list[str], fault: str) -> None:
    tamper(ledger, *statements)
    said = ledger.verify()
    assert said is not None
    assert fault in str(said)
    assert "\n" not in str(said)


def test_what_was_changed_is_not_handed_out(ledger: Ledger) -> None:
    entry = ledger.find(3)
    assert entry is not None
    tamper(ledger, f"UPDATE block SET body = x'00' WHERE digest = '{entry.read()['evidence']['CARD-02']}'")
    for use in (lambda: ledger.recall(entry), lambda: ledger.verdicts(entry, "CARD-02")):
        with pytest.raises(LedgerError, match="was changed after it was recorded"):
            use()


def test_nothing_is_appended_to_a_changed_run(ledger: Ledger) -> None:
    tamper(ledger, "UPDATE entry SET head = '{}' WHERE number = 4")
    with pytest.raises(LedgerError, match=r"entry 4 \(run-4\) was changed"):
        ledger.append(summary(5))
    assert ledger.count() == 4


def test_what_was_cut_from_the_end_shows_by_the_digest_in_a_report(ledger: Ledger) -> None:
    printed = [(entry.number, entry.digest) for entry in ledger.entries()]
    assert ledger.verify(printed) is None
    tamper(ledger, "DELETE FROM change WHERE number = 4", "DELETE FROM entry WHERE number = 4")
    assert ledger.verify(printed[:3], blocks=False) is None
    assert "cut from the end: entry 4 is known, the last here is 3" in str(ledger.verify(printed))


def test_a_chain_written_anew_shows_by_the_digest_in_a_report(ledger: Ledger, tmp_path: Path) -> None:
    printed = [(entry.number, entry.digest) for entry in ledger.entries()]
    other = Ledger(tmp_path / "forged.sqlite")
    for number in range(1, 5):
        other.append(summary(number))  # as if nothing had failed
    assert other.verify() is None
    assert "is not the one known from elsewhere" in str(other.verify(printed[2:]))
    assert "cut from the end" in str(Ledger(tmp_path / "gone.sqlite").verify(printed))


@pytest.mark.parametrize("statement", ["UPDATE entry SET started = 'now'", "DELETE FROM entry"])
def test_a_slip_of_the_hand_is_refused(ledger: Ledger, statement: str) -> None:
    with (
        closing(sqlite3.connect(ledger.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="never"),
    ):
        connection.execute(statement)
    assert ledger.verify() is None


def test_a_run_is_recorded_once(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="recorded already"):
        ledger.append(summary(1))
    assert ledger.verify() is None


def test_no_ledger_yet_is_empty_and_stays_absent(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert (list(ledger.entries()), ledger.last("lab"), ledger.find(1)) == ([], None, None)
    assert (ledger.environments(), ledger.count(), list(ledger.changes("lab"))) == ([], 0, [])
    assert (ledger.find_run("a"), ledger.raw_block("a"), ledger.head()) == (None, None, None)
    assert ledger.verify() is None
    assert not ledger.path.exists()


def directory(path: Path) -> None:
    path.mkdir()


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE account (id INTEGER)")


def first_kind(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE run (number INTEGER)")


def no_database(path: Path) -> None:
    path.write_bytes(b"4111 1111 1111 1111\n" * 500)


def truncated(path: Path) -> None:
    Ledger(path).append(summary(1))
    path.write_bytes(path.read_bytes()[:20_000])


@pytest.mark.parametrize("make", [directory, other_database, first_kind, no_database, truncated])
def test_what_is_no_ledger_is_refused_in_one_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "ledger.sqlite"
    make(path)
    for use in (lambda: list(Ledger(path).entries()), lambda: Ledger(path).append(summary(2))):
        with pytest.raises(LedgerError) as raised:
            use()
        assert str(raised.value).startswith("ledger.sqlite: ")
        assert "\n" not in str(raised.value)
        assert "4111" not in str(raised.value)


def test_a_ledger_that_another_process_holds_is_waited_for_and_then_given_up(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    impatient = Ledger(ledger.path)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerError, match="database is locked"):
            impatient.append(summary(5))
        other.execute("ROLLBACK")
    assert impatient.append(summary(5)).number == 5


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
    assert len(sha256(text)) == 64


def test_what_is_read_within_a_look_is_of_one_moment(ledger: Ledger) -> None:
    other = Ledger(ledger.path)
    with ledger.look():
        assert ledger.count() == 4
        other.append(summary(5))
        with ledger.look():
            assert (ledger.count(), other.count()) == (4, 5)
            assert len(list(ledger.entries())) == 4
        assert ledger.find(5) is None
    assert ledger.find(5) is not None
    with Ledger(ledger.path.with_name("none.sqlite")).look():
        pass
    assert not ledger.path.with_name("none.sqlite").exists()
