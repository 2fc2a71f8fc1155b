"""Controls on card numbers that look at a part, for a time, or not again at what has not changed."""

from __future__ import annotations

import gzip
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks.cards import no_card_numbers_in_backups, no_card_numbers_logged, no_card_numbers_stored
from checks.connectors.backups import BackupSets
from checks.connectors.logs import LogFiles
from checks.connectors.sql import SqlStore
from checks.core.judge import Judgement
from checks.core.model import Address, Duration, Files, Observation, Outcome, Share, Status, Store, Target
from checks.core.registry import find
from lab import backups
from lab.rows import Table
from tests.end_to_end.project import Project, make

CARD = "4556737586899855"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OLD = NOW.replace(year=2025)
ENOUGH, NONE = Duration("PT1H"), Duration("PT0.000001S")
CHECKS = ("no_card_numbers_stored", "no_card_numbers_logged", "no_card_numbers_in_backups")


def judged(seen: list[Observation]) -> tuple[Status, str]:
    judgement = Judgement()
    judgement.hear(seen)
    return judgement.conclude()


@contextmanager
def database(path: Path) -> Iterator[SqlStore]:
    store = Store("shop", "sql", "Shop", {}, {})
    with SqlStore.open(Target("shop", "sql", "Shop", store, Address("URL", f"sqlite:///{path}"))) as view:
        yield view


@contextmanager
def logs(folder: Path) -> Iterator[LogFiles]:
    spec = Files("app-log", "log", "Log", "app.log*", "iso")
    with LogFiles.open(Target("app-log", "log", "Log", spec, Address("DIR", str(folder)))) as view:
        yield view


@contextmanager
def nightly(folder: Path) -> Iterator[BackupSets]:
    spec = Files("nightly", "backup", "Dumps", "*/manifest.json", "manifest", options={"stores": ["crm"]})
    with BackupSets.open(Target("nightly", "backup", "Dumps", spec, Address("DIR", str(folder)))) as view:
        yield view


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("text", ["2m", "PT0S", "-PT1M", "P1M", "PT", 120, True])
def test_what_is_no_budget_is_refused(name: str, text: Any) -> None:
    check = find(f"cards.{name}")
    with pytest.raises(
        ValueError, match=r"parameter 'time_budget': .*no ISO 8601 duration above zero such as"
    ):
        check.bind({"time_budget": text})
    assert check.bind({"time_budget": "PT2M"})["time_budget"].seconds == 120
    assert check.bind({"sample": "2%", "seed": 7}) == {"sample": Share("2%"), "seed": 7}


def test_unchanged_is_read_or_skip() -> None:
    for name in CHECKS[1:]:
        with pytest.raises(ValueError, match="parameter 'unchanged': 'yes' is not one of read, skip"):
            find(f"cards.{name}").bind({"unchanged": "yes"})
    with pytest.raises(ValueError, match="has no parameter 'unchanged'"):
        find("cards.no_card_numbers_stored").bind({"unchanged": "skip"})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        for table, rows in (("big", 12_000), ("few", 3)):
            connection.execute(f"CREATE TABLE {table} (body text)")
            connection.executemany(f"INSERT INTO {table} VALUES (?)", [("text",)] * rows)
    connection.close()
    return path


def test_a_database_with_time_enough_and_without(shop: Path) -> None:
    with database(shop) as view:
        whole = {item.subject: item for item in no_card_numbers_stored(view)}
        enough = list(no_card_numbers_stored(view, time_budget=ENOUGH))
        assert [item.subject for item in enough] == ["few", "big"]  # what is quick comes first
        assert {item.subject: item for item in enough} == whole
        nothing = list(no_card_numbers_stored(view, time_budget=NONE))
    assert {item.outcome for item in nothing} == {Outcome.UNSEEN}
    said = "the time of PT0.000001S was used up before a sample of it was read"
    assert {item.detail for item in nothing} == {said}
    assert judged(nothing)[0] is Status.NOT_ASSESSED


def test_a_database_with_a_number(shop: Path) -> None:
    with sqlite3.connect(shop) as connection:
        connection.execute("UPDATE big SET body = ? WHERE rowid = 7000", (CARD,))
    connection.close()
    with database(shop) as view:
        seen = list(no_card_numbers_stored(view, time_budget=ENOUGH))
    assert [item.subject for item in seen if item.outcome is Outcome.VIOLATED] == ["big.body"]


def test_a_log_with_time_enough_and_without(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("a line of text\n" * 100_000)
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b"a line\n"))
    with logs(tmp_path) as view:
        (enough,) = no_card_numbers_logged(view, time_budget=ENOUGH)
        nothing = list(no_card_numbers_logged(view, time_budget=NONE))
        (part,) = no_card_numbers_logged(view, sample=Share("60%"), seed=1, time_budget=ENOUGH)
    assert enough.measure is not None
    assert (enough.measure.looked, enough.measure.of, enough.measure.unit) == (3, None, "blocks")
    assert enough.measure.size == 1_500_007
    assert enough.detail == "every block read"
    said = "app-log: the time of PT0.000001S was used up before a block was read to its end"
    assert judged(nothing) == (Status.NOT_ASSESSED, said)
    assert part.measure is not None
    assert part.measure.of == 3
    assert "with 95 % confidence at most 100.00% of the blocks hold a card number" in part.detail


@pytest.mark.parametrize("planted", [False, True])
def test_backups_in_part(tmp_path: Path, planted: bool) -> None:
    for day in range(1, 21):
        rows = [(1, OLD, CARD if planted else "text")]
        moment = NOW.replace(day=day)
        backups.write_set(tmp_path, "crm", moment, [Table("note", ("id", "created_at", "body"), rows)])
    with nightly(tmp_path) as view:
        seen = [list(no_card_numbers_in_backups(view, sample=Share("50%"), seed=s)) for s in (1, 1, 2)]
        enough = list(no_card_numbers_in_backups(view, time_budget=ENOUGH))
        nothing = list(no_card_numbers_in_backups(view, time_budget=NONE))
    assert seen[0] == seen[1] != seen[2]
    assert judged(nothing)[0] is Status.NOT_ASSESSED
    if planted:
        assert 3 < len(seen[0]) < 18
        assert len(enough) == 20
        assert {item.outcome for item in (*seen[0], *enough)} == {Outcome.VIOLATED}
        assert all(CARD not in item.detail for item in enough)
    else:
        (part,), (all_of_it,) = seen[0], enough
        assert part.measure is not None
        assert part.measure.of == 20
        share = 3 / part.measure.looked
        assert f"(seed 1): with 95 % confidence at most {share:.2%} of the blocks" in part.detail
        assert all_of_it.measure is not None
        assert (all_of_it.measure.looked, all_of_it.measure.of) == (20, None)


def test_a_set_with_a_problem_is_unseen_in_part_too(tmp_path: Path) -> None:
    for day in (1, 2):
        rows = [(1, OLD, "text")]
        moment = NOW.replace(day=day)
        folder = backups.write_set(
            tmp_path, "crm", moment, [Table("note", ("id", "created_at", "body"), rows)]
        )
    (folder / "beside.sql").write_text(CARD)
    with nightly(tmp_path) as view:
        seen = list(no_card_numbers_in_backups(view, time_budget=ENOUGH))
    assert [item.outcome for item in seen] == [Outcome.UNSEEN, Outcome.MET]
    assert judged(seen)[0] is Status.NOT_ASSESSED


# ── what has not changed since an earlier look ───────────────────────────────────────────────────


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose logs and backups were written long before they are looked at."""
    made = make(tmp_path)
    text = (tmp_path / "inventory.yaml").read_text()
    made.write(
        "inventory.yaml",
        f"{text}backups:\n  nightly: {{title: Dumps, address: BACKUP_DIR, path: '*/manifest.json',"
        " format: manifest, stores: [crm], retention: {keep: P30D}}\n",
    )
    made.variables["ACME_BACKUP_DIR"] = str(tmp_path / "sets")
    backups.write_set(
        tmp_path / "sets", "crm", NOW, [Table("person", ("id", "created_at"), [(1, NOW), (2, NOW)])]
    )
    made.write("logs/access.log.1", "an old line\n" * 500)
    for name, kind, check in (("four", "log", CHECKS[1]), ("seven", "backup", CHECKS[2])):
        number = {"four": "04", "seven": "07"}[name]
        made.control(
            name, (f"CARD-{number}", "low", f"{{kind: {kind}}}", f"cards.{check}", "{unchanged: skip}")
        )
    time.sleep(2.1)  # what was written just before a look may change unseen, and is not remembered
    return made


def within(part: Any) -> Iterator[dict[str, Any]]:
    """The verdicts in a report, wherever they stand."""
    if isinstance(part, dict):
        if "evidence" in part and "measures" in part:
            yield part
        part = list(part.values())
    for inner in part if isinstance(part, list) else ():
        yield from within(inner)


def evidence(project: Project, *more: str) -> tuple[list[str], dict[str, int]]:
    done = project.run("-k", "CARD-04 or CARD-07", "--partial", "--report-dir", "out", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = project.root.glob("out/**/report.json")
    report = json.loads(path.read_text())
    verdicts = {v["target"]: v for v in within(report) if v["target"] in ("requests", "nightly")}.values()
    said = [f"{seen['subject']}: {seen['detail']}" for v in verdicts for seen in v["evidence"]]
    return sorted(said), {unit: n for v in verdicts for unit, n in v["measures"].items()}


def test_a_run_that_skips_what_has_not_changed_says_so(project: Project) -> None:
    whole = ["2026-11-25-crm: every line of its dumps read", "access.log.1: every line read"]
    whole.append("access.log: every line read")
    memory = ("--scan-memo", "scan.memo")
    assert evidence(project, *memory)[0] == sorted(whole)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    with (project.root / "logs/access.log").open("a") as log:
        log.write("a new line\n")
    said, measures = evidence(project, *memory)
    size = (project.root / "sets/2026-11-25-crm/dump.sql.gz").stat().st_size
    ending = f"not read again: unchanged since they were read without a finding ({day})"
    assert said == sorted([
        f"nightly: 1 files ({size} bytes) {ending}",
        f"requests: 1 files (6000 bytes) {ending}",
        "access.log: every line read",
    ])  # fmt: skip
    assert measures["unchanged files"] == 1
    # An audit reads everything: the option is left out.
    assert evidence(project)[0] == sorted(whole)
