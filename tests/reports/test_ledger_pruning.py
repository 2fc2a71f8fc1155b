"""Old observations go, the chain stays; and a ledger is restored as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import factories
import pytest
from ledger_runs import summary

from reports.ledger import Entry, Ledger, LedgerError


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Six runs, an hour apart, each with findings of its own number."""
    made = Ledger(tmp_path / "ledger.sqlite")
    for number in range(1, 7):
        run = summary(number, make=factories.violating)
        for section in run["sections"]:
            for control in section["controls"]:
                for verdict in control["verdicts"]:
                    verdict["reason"] += f" in run {number}"
        made.append(run)
    return made


def start_of(ledger: Ledger, number: int) -> str:
    entry = ledger.find(number)
    assert entry is not None
    return entry.started


def test_what_is_older_than_the_limit_goes_and_the_chain_stays(ledger: Ledger) -> None:
    before = [(entry.number, entry.digest) for entry in ledger.entries()]
    states = [entry.read()["states"] for entry in ledger.entries()]
    changes = list(ledger.changes("lab"))
    size = sum(1 for _ in blocks(ledger))
    assert all(ledger.verdicts(entry, "CARD-02") for entry in ledger.entries())  # and now at hand
    said = ledger.prune(start_of(ledger, 4), "PT3H")
    assert said is not None
    head = said.read_prune()
    assert (said.number, said.kind, head["runs"], head["keep"]) == (7, "prune", 3, "PT3H")
    assert head["blocks"] == size - sum(1 for _ in blocks(ledger)) > 0
    assert head["bytes"] > 0
    assert ledger.verify([*before, (7, said.digest)]) is None
    assert [entry.read()["states"] for entry in ledger.entries()] == states
    assert list(ledger.changes("lab")) == changes
    for entry in ledger.entries():
        pruned = entry.number < 4
        assert (ledger.verdicts(entry, "CARD-02") is None) == pruned
        assert bool(ledger.findings(entry))  # fingerprints outlive the evidence
        assert ledger.plan(entry)
        assert ledger.part(entry, "sections") is not None
        if pruned:
            with pytest.raises(LedgerError, match=f"observations of run {entry.number} were pruned"):
                ledger.recall(entry)
        else:
            assert ledger.recall(entry)["run"]["id"] == entry.id
    assert " in run 2" not in "".join(blocks(ledger))
    assert " in run 5" in "".join(blocks(ledger))


def test_nothing_old_is_nothing_done(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.prune("2020-01-01T00:00:00Z", "P7Y") is None
    assert ledger.prune(start_of(ledger, 4), "PT3H") is not None
    assert ledger.prune(start_of(ledger, 4), "PT3H") is None
    assert ledger.count() == 6
    assert Ledger(tmp_path / "other.sqlite").prune("2030-01-01T00:00:00Z", "P1D") is None


def test_runs_go_on_after_all_was_pruned(ledger: Ledger) -> None:
    assert ledger.prune("2030-01-01T00:00:00Z", "PT0S") is not None
    assert ledger.append(summary(9)).number == 8
    assert ledger.verify() is None
    assert [row.number for row in ledger.changes("lab") if row.number > 1] == [8, 8]
    assert (last := ledger.last("lab")) is not None
    assert ledger.recall(last)["run"]["id"] == "run-9"


def test_a_prune_excuses_nothing_younger(ledger: Ledger) -> None:
    ledger.prune(start_of(ledger, 4), "PT3H")
    young = ledger.find(5)
    assert young is not None
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM block WHERE digest = ?", (young.read()["evidence"]["CARD-02"],))
    assert "a block of run 5 (run-5) was removed, and no prune says so" in str(ledger.verify())


def test_what_a_prune_keeps_may_not_go(ledger: Ledger) -> None:
    ledger.prune("2030-01-01T00:00:00Z", "PT0S")
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as connection:
        old = ledger.find(2)
        assert old is not None
        connection.execute("DELETE FROM block WHERE digest = ?", (old.read()["findings"],))
    assert "was removed, and no prune says so" in str(ledger.verify())


@pytest.mark.parametrize("pruned", [False, True])
def test_a_ledger_is_restored_as_it_was(ledger: Ledger, pruned: bool, tmp_path: Path) -> None:
    if pruned:
        ledger.prune(start_of(ledger, 4), "PT3H")
    copy = Ledger(tmp_path / "copy.sqlite")
    copy.restore(ledger.entries(kind=None), ledger.raw_block)
    assert list(copy.entries(kind=None)) == list(ledger.entries(kind=None))
    assert sorted(blocks(copy)) == sorted(blocks(ledger))
    assert list(copy.changes("lab")) == list(ledger.changes("lab"))
    assert copy.verify() is None
    with pytest.raises(LedgerError, match="not empty"):
        copy.restore(ledger.entries(kind=None), ledger.raw_block)


def test_what_does_not_verify_is_not_restored(ledger: Ledger, tmp_path: Path) -> None:
    entries = list(ledger.entries())
    lost = entries[2].read()["evidence"]["CARD-02"]
    wrong: list[tuple[list[Entry], str | None]] = [
        ([*entries[:2], *entries[3:]], None),
        (entries[1:], None),
        ([*entries, entries[-1]], None),
        (entries, lost),
    ]
    copy = Ledger(tmp_path / "copy.sqlite")
    for some, without in wrong:
        with pytest.raises(LedgerError):
            copy.restore(
                some, lambda digest, gone=without: None if digest == gone else ledger.raw_block(digest)
            )
        assert list(copy.entries()) == []


def blocks(ledger: Ledger) -> list[str]:
    with closing(sqlite3.connect(ledger.path)) as connection:
        digests = [digest for (digest,) in connection.execute("SELECT digest FROM block")]
    return [text for digest in digests if (text := ledger.raw_block(digest)) is not None]
