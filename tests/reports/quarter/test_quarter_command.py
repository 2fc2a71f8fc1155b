"""``policyproof report --quarter`` as it is typed, and what git adds to it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import get_type_hints, is_typeddict

import factories
import past
import pytest

from policyproof.__main__ import main
from reports.ledger import Ledger
from reports.quarter import shape, shape_changes, shape_coverage, shape_failing
from reports.quarter.gitlog import git_log

CLEAN = past.production(factories.clean())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    past.append(Ledger(tmp_path / "ledger.sqlite"), past.daily(-400, -390, step=2))
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    return main(["report", "--report-dir", str(folder), *arguments])


def test_writes_the_report_and_says_what_it_came_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--quarter", "2025-08-27..2025-09-06", "--environment", "production", "--no-pdf"]
    assert run(folder, *asked, "--prepared-by", "P. Repared", "--compare", "2024Q4") == 0
    out = capsys.readouterr().out
    assert "27 August 2025 to 6 September 2025 on production, 6 runs" in out
    assert "0 did not hold, 0 not sufficiently observed, 0 held with exceptions, 11 held throughout" in out
    written = json.loads(
        (folder / "production" / "2025-08-27..2025-09-06" / "quarter.json").read_text("utf-8")
    )
    assert written["title"]["prepared_by"] == "P. Repared"
    assert written["compared"]["period"]["id"] == "2024Q4"
    assert str(folder) not in json.dumps(written)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--quarter", "2026Q9"], "'2026Q9' is no period"),
        (["--quarter", "2025Q3"], "no run on 'lab' is recorded"),
        (["--quarter", "2025Q3", "--run", "1"], "exclude each other"),
        (["--quarter", "2025Q3", "production", "--environment", "lab"], "two environments"),
        (["--compare", "2025Q3"], "belong to --quarter"),
    ],
)
def test_mistakes_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run(folder, *arguments) == 4
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_git_tells_the_commits_to_controls_and_inventory(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *who, *arguments], cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().strip()

    git("init", "-q")
    hashes = []
    for name in ("inventory.yaml", "other.txt", "controls/x.yaml"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name, encoding="utf-8")
        git("add", "-A")
        git("commit", "-q", "-m", f"Add {name}")
        hashes.append(git("rev-parse", "HEAD"))
    told = git_log(tmp_path, hashes[0], hashes[1:])
    assert told["available"]
    assert [line.partition(" ")[2] for line in told["lines"]] == ["Add controls/x.yaml"]
    assert git_log(tmp_path, hashes[2], hashes[2:])["said"].startswith("All runs were made from commit")
    assert "does not know" in git_log(tmp_path, "f" * 40, hashes)["said"]
    assert git_log(tmp_path, None, ["--output=x"])["said"] == "No run of the period names a commit."
    assert "No repository" in git_log(None, None, hashes)["said"]


def test_the_schema_and_the_types_say_the_same() -> None:
    schema = json.loads(Path("reports/quarter/quarter.schema.json").read_text("utf-8"))
    types = {
        one.__name__: one
        for module in (shape, shape_changes, shape_coverage, shape_failing)
        for one in vars(module).values()
        if is_typeddict(one) and one.__module__ == module.__name__
    }
    parts = {frozenset(part["properties"]) for part in (schema, *schema["$defs"].values())}
    for name, one in types.items():
        assert frozenset(get_type_hints(one)) in parts, name
    assert all(
        set(part["required"]) == set(part["properties"]) and part["additionalProperties"] is False
        for part in (schema, *schema["$defs"].values())
    )
    assert schema["$id"] == shape.QUARTER_SCHEMA
