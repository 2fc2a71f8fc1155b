"""What a control leaves out by name is told, is no violation, and is never all there is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.scanner.left_out import LeftOut
from lab import backups
from lab.backups import Table
from tests.end_to_end.project import Project, make

CARD = "4539783027159469"
BEFORE = datetime.now(UTC) - timedelta(days=2)
MORE = """\
backups:
  nightly: {title: Dumps, address: BACKUP_DIR, path: '*/manifest.json', format: manifest, stores: [crm], \
retention: {keep: P30D}}
files:
  uploads: {title: Uploads, address: FILES_DIR, may_be_empty: true}
"""
CHECKS = {
    "four": ("CARD-04", "log", "cards.no_card_numbers_logged"),
    "seven": ("CARD-07", "backup", "cards.no_card_numbers_in_backups"),
    "eight": ("CARD-08", "files", "stored.no_card_numbers_kept"),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a card number in one file of each kind."""
    made = make(tmp_path)
    made.write("inventory.yaml", (tmp_path / "inventory.yaml").read_text() + MORE)
    made.variables |= {"ACME_BACKUP_DIR": str(tmp_path / "sets"), "ACME_FILES_DIR": str(tmp_path / "files")}
    moment = datetime.now(UTC)
    for taken, value in ((moment, "7"), (BEFORE, CARD)):
        tables = [Table("person", ("id", "created_at", "note"), [(1, taken, value)])]
        backups.write_set(tmp_path / "sets", "crm", taken, tables)
    made.write("logs/access.log.1", f"{moment.isoformat()} card {CARD}\n")
    made.write("files/new/notes.txt", "nothing to see\n")
    made.write("files/old/paid.txt", f"card {CARD}\n")
    return made


def run(project: Project, exclude: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Run the three controls; return the exit code, and verdict and words by target."""
    for name, (number, kind, check) in CHECKS.items():
        params = f"{{exclude: {exclude}}}"
        project.control(name, (number, "low", f"{{kind: {kind}}}", check, params))
    done = project.run("-k", "CARD-04 or CARD-07 or CARD-08", "--partial", "--report-dir", "out")
    (path,) = project.root.glob("out/**/report.json")
    assert CARD not in done.stdout + path.read_text()
    seen: dict[str, tuple[str, str]] = {}

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if "evidence" in part and "measures" in part:
                each = [f"{x['subject']}: {x['detail']}" for x in (*part["evidence"], *part["unseen"])]
                seen[str(part["target"])] = (str(part["state"]), "; ".join(each))
            walk(list(part.values()))
        for inner in part if isinstance(part, list) else ():
            walk(inner)

    walk(json.loads(path.read_text()))
    return done.returncode, seen


def test_nothing_is_left_out_unasked(project: Project) -> None:
    code, seen = run(project, "[]")
    assert code == 1
    assert {status for status, _ in seen.values()} == {"fail"}


def test_what_is_left_out_is_told(project: Project) -> None:
    code, seen = run(project, f"['*.1', '{BEFORE:%Y-%m-%d}-crm', '*old*']")
    assert code == 0, seen
    assert "requests: left out, as the control says: 1 by *.1" in seen["requests"][1]
    assert "access.log: every line read" in seen["requests"][1]
    assert "nightly: left out, as the control says: " in seen["nightly"][1]
    assert "crm: every line of its dumps read" in seen["nightly"][1]
    assert "uploads: left out, as the control says: 1 by *old*" in seen["uploads"][1]
    assert "every file read" in seen["uploads"][1]


def test_where_all_is_left_out_nothing_was_looked_at(project: Project) -> None:
    code, seen = run(project, "['*']")
    assert code == 3
    assert {status for status, _ in seen.values()} == {"not-assessed"}, seen


def test_a_parameter_that_is_no_list_is_told(project: Project) -> None:
    project.control("four", ("CARD-04", "low", "{kind: log}", CHECKS["four"][2], "{exclude: '*.1'}"))
    done = project.run()
    assert "parameter 'exclude': list expected, not str" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_folder_takes_what_is_below_it() -> None:
    left_out = LeftOut(("cache", "*/tmp/*.bin"))
    assert [left_out.takes(name) for name in ("a/cache/b.txt", "cache.txt", "a/tmp/b.bin", "tmp.bin")] == [
        True, False, True, False,
    ]  # fmt: skip
    assert left_out.number == 2
